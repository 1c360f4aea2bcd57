/**
 * Operations along one dimension, on the device whose memory they write.
 * @module
 */
import type { Memory } from "../tensor/device.ts";
import type { DType, TypedArray } from "../tensor/dtype.ts";
import * as cpu from "./cpu/lines.ts";
import type { LineOp } from "./cpu/lines.ts";
import * as gpu from "./webgpu/lines.ts";
import { GpuMemory } from "./webgpu/tensors.ts";

export type { LineOp } from "./cpu/lines.ts";

/** Works on `lines` lines of `n` elements, each giving as many elements of `y` (and of `z`). */
export function runLines(
  op: LineOp,
  dtype: DType,
  x: Memory,
  offset: number,
  lines: number,
  n: number,
  y: Memory,
  z: Memory | null,
): void {
  if (y instanceof GpuMemory) gpu.runLines(op, dtype, x, offset, lines, n, y, z);
  else {
    cpu.runLines(
      op,
      dtype,
      x as TypedArray,
      offset,
      lines,
      n,
      y as TypedArray,
      z as TypedArray | null,
    );
  }
}
