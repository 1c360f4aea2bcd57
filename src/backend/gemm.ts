/**
 * Matrix products, on the device whose memory they write.
 * @module
 */
import { differentDevices, type Memory } from "../tensor/device.ts";
import type { DType } from "../tensor/dtype.ts";
import * as cpu from "./cpu/gemm.ts";
import type { GemmSize } from "./cpu/gemm.ts";
import { product } from "./webgpu/operations.ts";
import { GpuMemory } from "./webgpu/tensors.ts";

export type { GemmSize } from "./cpu/gemm.ts";

/** A matrix in memory, or a batch of them. */
export interface Matrix extends Omit<cpu.Matrix, "data"> {
  /** Where the elements lie. */
  readonly data: Memory;
  /** Step from one matrix of a batch to the next; 0 for one that serves all. */
  readonly batchStride?: number;
}

/**
 * `c = alpha * a @ b + beta * c` for each matrix of a batch, all of one element type. With beta 0, c is not read. c must not
 * share memory with a or b. Devices other than the CPU can take `added` for what beta multiplies, in memory of its own.
 */
export function gemm(
  size: GemmSize,
  a: Matrix,
  b: Matrix,
  c: Matrix,
  dtype: DType,
  alpha = 1,
  beta = 0,
  batch = 1,
  added: Matrix | null = null,
): void {
  if (c.data instanceof GpuMemory) {
    product(size, a, b, c, dtype, alpha, beta, batch, added);
    return;
  }
  if (added !== null) throw new TypeError("products of the CPU add to what their result holds");
  if (a.data instanceof GpuMemory || b.data instanceof GpuMemory) throw differentDevices("cpu", "webgpu");
  if (batch === 1) {
    cpu.gemm(size, a as cpu.Matrix, b as cpu.Matrix, c as cpu.Matrix, dtype, alpha, beta);
    return;
  }
  const each = (x: Matrix) => ({ ...x, batchStride: x.batchStride ?? 0 }) as cpu.Batch;
  cpu.gemmBatches(size, each(a), each(b), each(c), dtype, alpha, beta, batch);
}
