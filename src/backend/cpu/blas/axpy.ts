/**
 * Sums in place by BLAS: `y += alpha * x`, as gradients are added up and steps are taken.
 * @module
 */
import { type Program, program } from "../../../expr/program.ts";
import type { DType, Scalar } from "../../../tensor/dtype.ts";
import type { Operand } from "../pointwise_js.ts";
import { blasLibrary } from "./library.ts";
import type { Floats } from "./routines.ts";

/** From so many elements on the call pays. */
export const AXPY_LEAST = 1 << 14;

/** The sign of alpha, by what a program is mathematically. */
const signs = new Map<string, number>([
  [program(["a", "b"], "a + b").key, 1],
  [program(["a", "b"], "a - b").key, -1],
  [program(["a", "b", "c"], "a + c * b").key, 1],
  [program(["a", "b", "c"], "a - c * b").key, -1],
]);

function isRow(strides: readonly number[], shape: readonly number[]): boolean {
  let step = 1;
  for (let d = shape.length - 1; d >= 0; d--) {
    if (shape[d] !== 1 && strides[d] !== step) return false;
    step *= shape[d];
  }
  return true;
}

/**
 * Runs a program that adds a multiple of one row-major tensor to another in place. False, with nothing done, if it is something
 * else, or there is no library.
 */
export function axpyBlas(
  p: Program,
  inputs: readonly (Operand | Scalar)[],
  outputs: readonly Operand[],
  shape: readonly number[],
  numel: number,
  dtype: DType,
): boolean {
  const sign = signs.get(p.key);
  if (sign === undefined || outputs.length !== 1) return false;
  const [y, x, factor = 1] = inputs, [out] = outputs;
  if (typeof y !== "object" || typeof x !== "object" || typeof factor !== "number") return false;
  const same = y.data === out.data && y.offset === out.offset && x.data.buffer !== out.data.buffer;
  if (!same || y.dtype !== dtype || x.dtype !== dtype || out.dtype !== dtype) return false;
  if (!isRow(y.strides, shape) || !isRow(out.strides, shape) || !isRow(x.strides, shape)) return false;
  const alpha = sign * (dtype === "float32" ? Math.fround(factor) : factor);
  // with 0, BLAS would not see a NaN in x
  if (alpha === 0 || !Number.isFinite(alpha) || numel >= 2 ** 31) return false;
  if (x.offset + numel > x.data.length || out.offset + numel > out.data.length) return false;
  const library = blasLibrary(), axpy = dtype === "float64" ? library?.daxpy : library?.saxpy;
  if (axpy === undefined || axpy === null) return false;
  const from = ({ data, offset }: Operand) => (offset === 0 ? data : data.subarray(offset)) as Floats;
  axpy(numel, alpha, from(x), 1, from(out), 1);
  return true;
}
