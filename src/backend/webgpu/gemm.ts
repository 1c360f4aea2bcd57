/**
 * Matrix products of the GPU, batched, with any strides, and what is added to them in the same kernel.
 *
 * The kernels are in `gemm_source.ts`. Which one computes a product is a matter of its sizes, and for large ones of a measurement:
 * `gemm_tuner.ts`.
 * @module
 */
import { input } from "../../expr/expr.ts";
import { type Program, program } from "../../expr/program.ts";
import type { DType } from "../../tensor/dtype.ts";
import { checkElements } from "./elements.ts";
import { type GemmJob, type GemmSize, type GpuMatrix, runGemm } from "./gemm_run.ts";
import type { GemmKernel } from "./gemm_source.ts";
import { tunedKernel } from "./gemm_tuner.ts";
import type { Gpu } from "./gpu.ts";
import { checkInside, isContiguous } from "./layout.ts";
import type { Block } from "./memory.ts";
import { checkFits } from "./overflow.ts";
import { bytesOf, runPointwise } from "./pointwise.ts";

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
 * b, nor with `added`. float16 is added up in float32. Integers wrap; that an int64 has no 32 bits is told by the next read.
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
    gemmOfInt64(gpu, size, a, b, c, options);
    return;
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

let copy: Program | undefined;

/** In 32 bits, and in float32 beside them, which tells whether they were enough. */
function gemmOfInt64(
  gpu: Gpu,
  size: GemmSize,
  a: GpuMatrix,
  b: GpuMatrix,
  c: GpuMatrix,
  options: GemmOptions,
): void {
  const { batch, m, n, k } = size, { beta = 0, added = c } = options, spare: Block[] = [];
  const identity = copy ??= program(["x"], input("x"), { name: "copy" });
  const memory = (dtype: DType, layers: number, rows: number, columns: number): GpuMatrix => {
    const data = gpu.memory.allocate(bytesOf(dtype, layers * rows * columns));
    spare.push(data);
    return { data, offset: 0, batchStride: rows * columns, rowStride: columns, columnStride: 1 };
  };
  const copied = (dtype: DType, x: GpuMatrix, layers: number, rows: number, columns: number): GpuMatrix => {
    const to = memory(dtype, layers, rows, columns);
    const operand = ({ data, offset, batchStride, rowStride, columnStride }: GpuMatrix, type: DType) => ({
      data,
      dtype: type,
      offset,
      strides: [batchStride, rowStride, columnStride],
    });
    runPointwise(
      gpu,
      identity,
      [operand(x, "int32")],
      [operand(to, dtype)],
      [layers, rows, columns],
      "int32",
    );
    return layers === 1 ? { ...to, batchStride: 0 } : to;
  };
  const layersOf = (x: GpuMatrix) => x.batchStride === 0 ? 1 : batch;
  const fa = copied("float32", a, layersOf(a), m, k), fb = copied("float32", b, layersOf(b), k, n);
  const about = beta === 0 ? memory("float32", batch, m, n) : copied("float32", added, batch, m, n);
  gemm(gpu, size, fa, fb, about, "float32", { alpha: options.alpha, beta });
  gemm(gpu, size, a, b, c, "int32", options);
  const dense = c.offset === 0 &&
    isContiguous([c.batchStride, c.rowStride, c.columnStride], [batch, m, n]);
  const results = dense ? c : copied("int32", c, batch, m, n);
  checkFits(gpu, "a matrix product", results.data, about.data, batch * m * n);
  for (const block of spare) gpu.memory.release(block);
}

function check(x: GpuMatrix, batch: number, rows: number, columns: number, dtype: DType): void {
  if (rows * columns === 0) return;
  let first = x.offset, last = x.offset;
  for (let d = 0; d < 3; d++) {
    const way = d === 0
      ? (batch - 1) * x.batchStride
      : d === 1
      ? (rows - 1) * x.rowStride
      : (columns - 1) * x.columnStride;
    if (way < 0) first += way;
    else last += way;
  }
  checkInside(x.data, dtype, first, last);
}

/** Multiplications below which a result an invocation is as good as anything. */
const TINY = 4096;

function chooseKernel(gpu: Gpu, job: GemmJob): GemmKernel {
  const { m, n, k } = job.size;
  if (Math.min(m, n) < 4 || m * n * k < TINY) return "direct";
  return tunedKernel(gpu, job);
}
