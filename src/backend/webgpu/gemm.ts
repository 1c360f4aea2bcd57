/**
 * Matrix products of the GPU, batched, with any strides, and what is added to them in the same kernel.
 *
 * The kernels are in `gemm_source.ts`. Which one computes a product is a matter of its sizes, and for large ones of a measurement:
 * `gemm_tuner.ts`.
 * @module
 */
import type { DType } from "../../tensor/dtype.ts";
import { checkElements } from "./elements.ts";
import { type GemmJob, type GemmSize, type GpuMatrix, runGemm } from "./gemm_run.ts";
import type { GemmKernel } from "./gemm_source.ts";
import { tunedKernel } from "./gemm_tuner.ts";
import type { Gpu } from "./gpu.ts";
import { checkExtent } from "./layout.ts";

export type { GemmSize, GpuMatrix } from "./gemm_run.ts";
export type { GemmKernel } from "./gemm_source.ts";

/** Options of {@linkcode gemm}. */
export interface GemmOptions {
  /** Factor of the product; 1 by default. */
  readonly alpha?: number;
  /** Factor of what is added to it; with 0, the default, nothing is read. */
  readonly beta?: number;
  /** What is added: an m by n matrix, broadcast where a stride is 0; by default what c holds. */
  readonly added?: GpuMatrix;
  /** Which kernel to use; by default the sizes and the device decide. */
  readonly kernel?: GemmKernel;
}

/** Elements of k that one dispatch takes: lavapipe ends loops of more than 65,535 iterations. */
const DEPTH = 32768;
/** Most matrices in one dispatch. */
const LAYERS = 65535;

/**
 * `c = alpha * a @ b + beta * added` for each matrix of the batch, all of one element type. c must not share elements with a or
 * b, nor with `added`. float16 is added up in float32. Integers wrap.
 */
export function gemm(
  gpu: Gpu,
  size: GemmSize,
  a: GpuMatrix,
  b: GpuMatrix,
  c: GpuMatrix,
  dtype: DType,
  options: GemmOptions = {},
): void {
  const { batch, m, n, k } = size;
  if (batch === 0 || m === 0 || n === 0) return;
  checkElements(gpu, dtype);
  if (dtype === "int64") {
    throw new TypeError(
      'the GPU has no int64 products, because it carries int64 in 32 bits: convert to "int32" or a float dtype',
    );
  }
  gpu.checkOpen();
  const { alpha = 1, beta = 0 } = options, added = beta === 0 ? null : options.added ?? null;
  check(a, batch, m, k, dtype);
  check(b, batch, k, n, dtype);
  check(c, batch, m, n, dtype);
  if (added !== null) check(added, batch, m, n, dtype);
  if (c.data === a.data || c.data === b.data) {
    throw new TypeError("the result of a matrix product cannot share memory with its factors");
  }
  if (added !== null && c.data === added.data) {
    throw new TypeError("the result of a matrix product cannot share memory with what is added to it");
  }
  const whole: GemmJob = { size, a, b, c, added, dtype, alpha, beta };
  const chosen = options.kernel ?? chooseKernel(gpu, whole);
  if (batch <= LAYERS && k <= DEPTH) {
    runGemm(gpu, chosen, whole);
    return;
  }
  for (let first = 0; first < batch; first += LAYERS) {
    const layers = Math.min(LAYERS, batch - first);
    const from = (x: GpuMatrix): GpuMatrix => ({ ...x, offset: x.offset + first * x.batchStride });
    for (let done = 0; done === 0 || done < k; done += DEPTH) {
      const depth = Math.min(DEPTH, k - done), part = { batch: layers, m, n, k: depth };
      runGemm(gpu, chosen, {
        size: part,
        a: from({ ...a, offset: a.offset + done * a.columnStride }),
        b: from({ ...b, offset: b.offset + done * b.rowStride }),
        c: from(c),
        added: done === 0 && added !== null ? from(added) : null,
        dtype,
        alpha,
        beta: done === 0 ? beta : 1,
      });
    }
  }
}

function check(x: GpuMatrix, batch: number, rows: number, columns: number, dtype: DType): void {
  if (rows * columns === 0) return;
  const { data, offset, batchStride, rowStride, columnStride } = x;
  checkExtent({ data, offset, dtype, strides: [batchStride, rowStride, columnStride] }, [
    batch,
    rows,
    columns,
  ]);
}

/** Multiplications below which a result an invocation is as good as anything. */
const TINY = 4096;

function chooseKernel(gpu: Gpu, job: GemmJob): GemmKernel {
  const { m, n, k } = job.size;
  if (Math.min(m, n) < 4 || m * n * k < TINY) return "direct";
  return tunedKernel(gpu, job);
}
