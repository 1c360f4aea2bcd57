/**
 * Norms of matrices, and condition numbers.
 * @module
 */

import { checkFlag, checkKeys, checkTensor } from "../../tensor/arguments.ts";
import { brief } from "../../tensor/describe.ts";
import { checkDType, type DType, isFloatingPoint, promoteTypes, typeName } from "../../tensor/dtype.ts";
import { normalizeDim } from "../../tensor/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { to } from "../core/copy.ts";
import type { Dims } from "../core/fold.ts";
import { vectorNorm } from "../reduce/norm.ts";
import { narrow } from "../view/slice.ts";
import { permute, reshape, squeeze, unsqueeze } from "../view/view.ts";
import { checkSquare } from "./checks.ts";
import { invEx } from "./solve.ts";
import { svdvals } from "./svd.ts";

/**
 * Which norm of a matrix: "fro" (the root of the sum of squares), "nuc" (the sum of singular values), Infinity and -Infinity (the
 * largest and smallest sum of a row's sizes), 1 and -1 (of a column's), 2 and -2 (the largest and smallest singular value).
 */
export type MatrixOrder = number | "fro" | "nuc";

/** Options of {@linkcode matrixNorm}. */
export interface MatrixNormOptions {
  /** Which norm; "fro" by default. */
  readonly ord?: MatrixOrder;
  /** The dimensions of rows and of columns; the last two by default. */
  readonly dim?: readonly number[];
  /** Keep the two dimensions with size 1. */
  readonly keepdim?: boolean;
  /** Cast to this dtype first. */
  readonly dtype?: DType;
}

const KEYS = ["ord", "dim", "keepdim", "dtype"];
const MATRIX_NORM = "linalg.matrixNorm";

function cast(A: Tensor, dtype: DType | undefined): Tensor {
  if (!isFloatingPoint(A.dtype)) {
    throw new TypeError(
      `${MATRIX_NORM}: Expected a floating point or complex tensor as input. Got ${typeName(A.dtype)}`,
    );
  }
  if (dtype === undefined) return A;
  if (!isFloatingPoint(checkDType(dtype))) {
    throw new TypeError(
      `${MATRIX_NORM}: dtype should be floating point or complex, but got ${typeName(dtype)}`,
    );
  }
  if (promoteTypes(A.dtype, dtype) !== dtype) {
    throw new TypeError(
      `${MATRIX_NORM}: the dtype of the input (${
        typeName(A.dtype)
      }) should be convertible without narrowing to the ` +
        `specified dtype (${typeName(dtype)})`,
    );
  }
  return to(A, dtype);
}

/**
 * A norm of matrices [..., m, n]; see {@linkcode MatrixOrder}.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * dg.linalg.matrixNorm(dg.tensor([[3, 0], [0, 4]])); // tensor(5.)
 * dg.linalg.matrixNorm(dg.tensor([[3, 0], [0, 4]]), "nuc"); // tensor(7.)
 * ```
 */
export function matrixNorm(
  A: Tensor,
  ord: MatrixOrder | MatrixNormOptions = "fro",
  options: MatrixNormOptions = {},
): Tensor {
  checkTensor(A, MATRIX_NORM, "A", 1);
  if (A.ndim < 2) {
    throw new TypeError(`${MATRIX_NORM}: The input tensor A must have at least 2 dimensions.`);
  }
  const given = typeof ord === "object" ? ord : { ...options, ord };
  const { ord: order = "fro", dim = [-2, -1], keepdim = false, dtype } = checkKeys(given, MATRIX_NORM, KEYS);
  if (!Array.isArray(dim) || dim.length !== 2) {
    throw new TypeError(`${MATRIX_NORM}: dim must be a 2-tuple. Got ${brief(dim)}`);
  }
  const [rows, columns] = dim.map((d) => normalizeDim(d, A.ndim));
  if (rows === columns) {
    throw new RangeError(`${MATRIX_NORM}: dims must be different. Got (${dim.join(", ")})`);
  }
  const known = typeof order === "number"
    ? [1, 2, Infinity].includes(Math.abs(order))
    : order === "fro" || order === "nuc";
  if (!known) {
    throw new RangeError(
      `${MATRIX_NORM}: Order ${
        typeof order === "number" || typeof order === "string" ? order : brief(order)
      } not supported.`,
    );
  }
  const x = cast(A, dtype);
  if (order === "fro") return vectorNorm(x, 2, { dim: [rows, columns], keepdim });
  if (order === "nuc" || Math.abs(order) === 2) return spectral(x, order, rows, columns, keepdim);
  // sums along one dimension, and the largest or smallest along the other
  const [along, over] = Math.abs(order) === 1 ? [rows, columns] : [columns, rows];
  const sums = vectorNorm(x, 1, { dim: along, keepdim });
  const rest = !keepdim && over > along ? over - 1 : over;
  if (sums.shape[rest] === 0) {
    const shape = sums.shape.map((s, i) => i === rest ? 1 : s).filter((_, i) => keepdim || i !== rest);
    return sums.sum(rest, { keepdim }).add(sums.newZeros(shape));
  }
  return order > 0 ? sums.amax(rest, { keepdim }) : sums.amin(rest, { keepdim });
}

function spectral(A: Tensor, order: "nuc" | number, rows: number, columns: number, keepdim: boolean): Tensor {
  const lead = A.shape.map((_, i) => i).filter((i) => i !== rows && i !== columns);
  const values = svdvals(permute(A, [...lead, rows, columns]));
  const none = values.shape[values.ndim - 1] === 0;
  const out = order === "nuc" || none ? values.sum(-1) : order > 0 ? values.amax(-1) : values.amin(-1);
  if (!keepdim) return out;
  return reshape(out, A.shape.map((s, i) => i === rows || i === columns ? 1 : s));
}

/** Options of {@linkcode norm}. */
export interface LinalgNormOptions {
  /** Which norm; that of the vector of all elements by default. */
  readonly ord?: MatrixOrder | null;
  /** One dimension for norms of vectors, two for norms of matrices. */
  readonly dim?: Dims;
  /** Keep reduced dimensions with size 1. */
  readonly keepdim?: boolean;
  /** Cast to this dtype first. */
  readonly dtype?: DType;
}

/**
 * A norm of vectors or of matrices: without `ord` of all elements as one vector; with it of a tensor of one or two dimensions, or
 * along the dimensions in `dim`.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * dg.linalg.norm(dg.tensor([3, 4])); // tensor(5.)
 * dg.linalg.norm(dg.tensor([[3, 0], [0, 4]]), 2); // tensor(4.)
 * ```
 */
export function norm(
  A: Tensor,
  ord?: MatrixOrder | null | LinalgNormOptions,
  options: LinalgNormOptions = {},
): Tensor {
  const caller = "linalg.norm";
  checkTensor(A, caller, "A", 1);
  const given = typeof ord === "object" && ord !== null ? ord : { ...options, ord: ord ?? options.ord };
  const { ord: order, dim, keepdim = false, dtype } = checkKeys(given, caller, KEYS);
  checkFlag(keepdim, caller, "keepdim");
  const dims = typeof dim === "number" ? [dim] : dim;
  const common = dtype === undefined ? { keepdim } : { keepdim, dtype };
  if (typeof order === "string") return matrixNorm(A, order, dims ? { dim: dims, ...common } : common);
  if (order !== undefined && order !== null) {
    if (dims !== undefined && dims !== null) {
      if (dims.length !== 1 && dims.length !== 2) {
        throw new RangeError(
          `${caller}: If dim is specified, it must be of length 1 or 2. Got [${dims.join(", ")}]`,
        );
      }
    } else if (A.ndim !== 1 && A.ndim !== 2) {
      throw new TypeError(
        `${caller}: If dim is not specified but ord is, the input must be 1D or 2D. Got ${A.ndim}D.`,
      );
    }
    const pair = dims ?? A.shape.map((_, i) => i);
    if (pair.length === 2) return matrixNorm(A, order, { dim: pair, ...common });
    return vectorNorm(A, order, { dim: pair, ...common });
  }
  return vectorNorm(A, 2, dims === undefined || dims === null ? common : { dim: dims, ...common });
}

/**
 * The condition numbers of matrices [..., m, n] in a norm of matrices (for "nuc", "fro", 1, -1, Infinity, -Infinity they must be square): the norm
 * of A times that of its inverse. Without `p`, or with 2 and -2, the ratio of the largest and the smallest singular value. Infinite for
 * singular matrices.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * dg.linalg.cond(dg.tensor([[8, 0], [0, 2]])); // tensor(4.)
 * ```
 */
export function cond(A: Tensor, p: MatrixOrder | null | { readonly p?: MatrixOrder | null } = null): Tensor {
  const caller = "linalg.cond";
  checkTensor(A, caller, "A", 1);
  const order = (typeof p === "object" && p !== null ? checkKeys(p, caller, ["p"]).p : p) ?? 2;
  if (A.ndim < 2) throw new TypeError(`${caller}: The input tensor must have at least 2 dimensions.`);
  const known = typeof order === "number"
    ? [1, 2, Infinity].includes(Math.abs(order))
    : order === "fro" || order === "nuc";
  if (!known) {
    const text = typeof order === "number" || typeof order === "string" ? order : brief(order);
    throw new RangeError(`${caller} got an invalid norm type: ${text}`);
  }
  if (order === 2 || order === -2) {
    const values = svdvals(A), k = values.shape[values.ndim - 1];
    if (k === 0) return values.sum(-1);
    const largest = narrow(values, -1, 0, 1), smallest = narrow(values, -1, k - 1, 1);
    return squeeze(order === 2 ? largest.div(smallest) : smallest.div(largest), -1);
  }
  checkSquare(A, `${caller}(ord=${order})`);
  if (A.numel() === 0) return A.newZeros(A.shape.slice(0, -2));
  const { inverse, info } = invEx(A);
  // what a singular matrix has in place of an inverse
  const singular = info.ne(0), marked = inverse.maskedFill(unsqueeze(unsqueeze(singular, -1), -1), Infinity);
  if (order === "nuc") {
    const kept = inverse.maskedFill(unsqueeze(unsqueeze(singular, -1), -1), 0);
    return matrixNorm(A, order).mul(matrixNorm(kept, order)).maskedFill(singular, Infinity);
  }
  return matrixNorm(A, order).mul(matrixNorm(marked, order)).nanToNum({
    nan: Infinity,
    posinf: Infinity,
    neginf: -Infinity,
  });
}
