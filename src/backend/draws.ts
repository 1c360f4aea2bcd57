/**
 * Random numbers by their place, on the device whose memory they fill.
 * @module
 */
import type { Memory } from "../tensor/device.ts";
import type { DType, TypedArray } from "../tensor/dtype.ts";
import { fillByPlace as fillHere, type PhiloxFill } from "./cpu/philox_js.ts";
import { fillByPlace as fillThere } from "./webgpu/philox.ts";
import { GpuMemory } from "./webgpu/tensors.ts";

export { blocksFor, type PhiloxFill } from "./cpu/philox_js.ts";

/** Fills memory from its start. */
export function fillByPlace(how: PhiloxFill, out: Memory, dtype: DType, length: number): void {
  if (out instanceof GpuMemory) fillThere(out.gpu, how, out.block, dtype, length);
  else fillHere(how, out as TypedArray, dtype, length);
}
