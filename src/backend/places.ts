/**
 * Reading and writing selected elements, on the device whose memory they are in.
 * @module
 */
import type { Memory } from "../tensor/device.ts";
import type { DType, Scalar, TypedArray } from "../tensor/dtype.ts";
import { castScalar } from "../tensor/cast.ts";
import { atPlaces, type PlaceAction, type Places } from "./cpu/index_js.ts";
import { differentDevices } from "../tensor/device.ts";
import * as gpu from "./webgpu/places.ts";
import { GpuMemory } from "./webgpu/tensors.ts";

export { atPlaces } from "./cpu/index_js.ts";
export type { Offsets, PlaceAction, Places } from "./cpu/index_js.ts";
export type { Digit } from "./webgpu/places.ts";

/** A tensor of indices in a device's memory; see `webgpu/places.ts`. */
export interface IndexSteps extends Omit<gpu.GpuIndex, "data"> {
  /** The indices, int32 or int64. */
  readonly data: Memory;
}

/** Where selected elements are, as steps along the dimensions of the selection and by indices: devices other than the CPU. */
export interface Steps extends Omit<gpu.GpuPlaces, "indices"> {
  /** Steps that indices make. */
  readonly indices: readonly IndexSteps[];
}

/** Memory that is selected from. */
export interface Selected {
  /** Where the elements lie. */
  readonly data: Memory;
  /** Element type. */
  readonly dtype: DType;
  /** Index of the first element. */
  readonly offset: number;
}

/** Values in the shape of a selection. The CPU takes them without gaps. */
export interface SelectedValues extends Selected {
  /** Steps along the selection's dimensions. */
  readonly strides: readonly number[];
}

function onGpu<T extends { readonly data: Memory }>(x: T): Omit<T, "data"> & Pick<gpu.GpuTarget, "data"> {
  if (!(x.data instanceof GpuMemory)) throw differentDevices("webgpu", "cpu");
  return { ...x, data: x.data.block };
}

function onCpu(memory: Memory): TypedArray {
  if (memory instanceof GpuMemory) throw differentDevices("cpu", "webgpu");
  return memory as TypedArray;
}

/** Places as the CPU has them, and as other devices have them. */
export type Where = Places | Steps;

function stepsOf(where: Where): gpu.GpuPlaces {
  const steps = where as Steps;
  return { ...steps, indices: steps.indices.map(onGpu) };
}

/** Reads the selected elements, row-major, into `out`. */
export function pickAt(from: Selected, where: Where, out: Memory): void {
  const { data } = from;
  if (out instanceof GpuMemory) gpu.pick(out.gpu, onGpu(from), stepsOf(where), out.block);
  else atPlaces("pick", onCpu(data), from.offset, where as Places, out as TypedArray);
}

/** Writes one value at the selected places. */
export function fillAt(to: Selected, where: Where, value: Scalar): void {
  const { data } = to, exact = castScalar(value, to.dtype);
  if (data instanceof GpuMemory) gpu.fill(data.gpu, onGpu(to), stepsOf(where), exact);
  else atPlaces("fill", data as TypedArray, to.offset, where as Places, exact);
}

/** Writes or combines values, in the target's element type, at the selected places. */
export function writeAt(
  action: Exclude<PlaceAction, "pick" | "fill">,
  to: Selected,
  where: Where,
  values: SelectedValues,
): void {
  const { data } = to;
  const how = action === "add" && to.dtype === "bool" ? "or" : action;
  if (data instanceof GpuMemory) gpu.write(data.gpu, onGpu(to), stepsOf(where), how, onGpu(values));
  else atPlaces(how, data as TypedArray, to.offset, where as Places, onCpu(values.data), values.offset);
}
