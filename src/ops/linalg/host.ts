/**
 * Matrices between tensors and decompositions, which work on the host, in doubles: the input is read once, and the results, rounded
 * once, go back to the device of the input.
 * @module
 */

import type { DType } from "../../tensor/dtype.ts";
import { frozen, numel, type Shape } from "../../tensor/shape.ts";
import { allocateTensor, type Tensor } from "../../tensor/tensor.ts";
import { backTo, onHost } from "../core/on_host.ts";
import { LinAlgError } from "./checks.ts";

/** Batches of matrices in doubles. The memory belongs to the caller. */
export interface Matrices {
  /** Row-major elements of all matrices. */
  readonly data: Float64Array;
  /** Sizes of the dimensions before the last two. */
  readonly batch: Shape;
  /** How many matrices there are. */
  readonly count: number;
  /** Rows. */
  readonly m: number;
  /** Columns. */
  readonly n: number;
}

/** A copy of a tensor's matrices in doubles. */
export function readMatrices(x: Tensor): Matrices {
  const batch = frozen(x.shape.slice(0, -2)), [m, n] = x.shape.slice(-2);
  const data = Float64Array.from(onHost(x).contiguous().typedArray() as Float64Array);
  return { data, batch, count: numel(batch), m, n };
}

/** Matrix i, on the same memory. */
export function matrixAt({ data, m, n }: Matrices, i: number): Float64Array {
  return data.subarray(i * m * n, (i + 1) * m * n);
}

/** A new tensor of these elements, of a dtype (that of `like` by default) and on its device; without history. */
export function written(
  data: ArrayLike<number>,
  shape: readonly number[],
  like: Tensor,
  dtype: DType = like.dtype,
): Tensor {
  const out = allocateTensor(frozen(shape), dtype), memory = out.storage.data;
  if (dtype === "int64") { for (let i = 0; i < data.length; i++) memory[i] = BigInt(data[i]); }
  else (memory as Float64Array).set(data);
  return backTo(out, like);
}

/** Results of one size for each matrix, behind each other. */
export function gather(
  x: Matrices,
  size: number,
  compute: (matrix: Float64Array, i: number) => Float64Array,
): Float64Array {
  const out = new Float64Array(x.count * size);
  for (let i = 0; i < x.count; i++) out.set(compute(matrixAt(x, i), i), i * size);
  return out;
}

/** Throws unless all elements are finite: the steps of a decomposition would have no end. */
export function checkFinite(x: Matrices, caller: string): void {
  const size = x.m * x.n;
  const bad = x.data.findIndex((v) => !Number.isFinite(v));
  if (bad < 0) return;
  const where = x.batch.length > 0 ? `(Batch element ${Math.floor(bad / size)}): ` : "";
  throw new LinAlgError(
    `${caller}: ${where}The algorithm failed to converge because the input matrix contained non-finite values.`,
  );
}
