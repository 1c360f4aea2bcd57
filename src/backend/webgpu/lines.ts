/**
 * Operations of the GPU along one dimension, in the form in which operations ask the CPU for them.
 * @module
 */
import type { DType } from "../../tensor/dtype.ts";
import type { LineOp } from "../cpu/lines_js.ts";
import type { GpuMemory } from "./tensors.ts";

/** Works on `lines` lines of `n` elements, each giving `m` elements of `y` (and of `z`). */
export function runLines(
  op: LineOp,
  _dtype: DType,
  _x: GpuMemory,
  _offset: number,
  _lines: number,
  _n: number,
  _m: number,
  _y: GpuMemory,
  _z: GpuMemory | null,
): void {
  throw new TypeError(`${op.name}() is not there for device "webgpu": use t.cpu() first`);
}
