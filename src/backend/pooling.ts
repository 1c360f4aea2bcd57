/**
 * The largest elements under moving windows, and planes of which some places are read or written, on the device whose memory
 * is written.
 * @module
 */
import { differentDevices, type Memory } from "../tensor/device.ts";
import type { DType, TypedArray } from "../tensor/dtype.ts";
import * as cpu from "./cpu/pooling_js.ts";
import type { Spans } from "./cpu/pooling_js.ts";
import * as gpu from "./webgpu/pooling.ts";
import { GpuMemory } from "./webgpu/tensors.ts";

export type { Spans } from "./cpu/pooling_js.ts";

/** Row-major elements. */
export interface Elements {
  /** Where they lie. */
  readonly data: Memory;
  /** Index of the first one. */
  readonly offset: number;
}

/** Places in planes, row-major. */
export interface PlanePlaces {
  /** 32-bit integers, each the number of an element in its plane. */
  readonly where: Memory;
  /** How many planes there are. */
  readonly planes: number;
  /** Places in each plane. */
  readonly outs: number;
  /** Elements of a plane. */
  readonly size: number;
  /** Who asks, for complaints. */
  readonly caller: string;
}

function onCpu(memory: Memory): TypedArray {
  if (memory instanceof GpuMemory) throw differentDevices("cpu", "webgpu");
  return memory as TypedArray;
}

function onGpu(memory: Memory): gpu.Planes["data"] {
  if (!(memory instanceof GpuMemory)) throw differentDevices("webgpu", "cpu");
  return memory.block;
}

const planesOf = ({ data, offset }: Elements): gpu.Planes => ({ data: onGpu(data), offset });

/**
 * The largest elements under windows of planes, and their places in their plane (int32); windows of three dimensions. Of several
 * the first one is meant, of several NaNs the last one.
 */
export function maxPool(
  dtype: DType,
  x: Elements,
  y: Memory,
  where: Memory,
  planes: number,
  spans: readonly Spans[],
): void {
  if (y instanceof GpuMemory) gpu.maxPool(y.gpu, dtype, planesOf(x), y.block, onGpu(where), planes, spans);
  else {
    const from = onCpu(x.data), places = where as Int32Array;
    cpu.maxPool(dtype, from, x.offset, y as TypedArray, places, planes, spans);
  }
}

function combineOnGpu(how: "add" | "put", dtype: DType, y: Elements, p: PlanePlaces, x: GpuMemory): void {
  const { planes, outs, size, caller } = p, where = onGpu(p.where);
  gpu.combineAtPlaces(x.gpu, how, dtype, planesOf(y), where, x.block, planes, outs, size, caller);
}

/** Adds values to places of planes of zeros, which `x` holds. Windows that chose them make it shorter on the GPU. */
export function addAtPlaces(
  dtype: DType,
  y: Elements,
  p: PlanePlaces,
  x: Memory,
  spans: readonly Spans[] | null,
): void {
  const { where, planes, outs, size } = p;
  if (!(x instanceof GpuMemory)) {
    cpu.addAtPlaces(dtype, onCpu(y.data), y.offset, where as Int32Array, x as TypedArray, planes, outs, size);
  } else if (spans !== null) {
    gpu.maxPoolBack(x.gpu, dtype, planesOf(y), onGpu(where), x.block, planes, spans);
  } else {
    combineOnGpu("add", dtype, y, p, x);
  }
}

/** Writes values to places of planes; of several for one place the last one stays. */
export function putAtPlaces(dtype: DType, y: Elements, p: PlanePlaces, x: Memory): void {
  const { where, planes, outs, size } = p;
  if (x instanceof GpuMemory) {
    combineOnGpu("put", dtype, y, p, x);
  } else {
    cpu.putAtPlaces(dtype, onCpu(y.data), y.offset, where as Int32Array, x as TypedArray, planes, outs, size);
  }
}

/** Reads from places of planes. */
export function readPlaces(dtype: DType, x: Elements, p: PlanePlaces, y: Memory): void {
  const { where, planes, outs, size } = p;
  if (y instanceof GpuMemory) {
    gpu.readPlaces(y.gpu, dtype, planesOf(x), onGpu(where), y.block, planes, outs, size, p.caller);
  } else {
    cpu.readPlaces(dtype, onCpu(x.data), x.offset, where as Int32Array, y as TypedArray, planes, outs, size);
  }
}
