/**
 * Products of vectors along a dimension, and the matrix of a vector's powers.
 * @module
 */

import { checkInteger, checkKeys, checkTensor } from "../../tensor/arguments.ts";
import { typeName } from "../../tensor/dtype.ts";
import { broadcastShapes, normalizeDim } from "../../tensor/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { cat, stack } from "../view/join.ts";
import { record, type Rule } from "../core/record.ts";
import { diagonal as diagonalOf, select } from "../view/slice.ts";
import { expand, unsqueeze } from "../view/view.ts";

/** The option that names a dimension. */
export interface DimOption {
  /** Which dimension; the last by default. */
  readonly dim?: number;
}

interface CrossArgs {
  readonly dim: number;
}

const Cross: Rule<CrossArgs> = {
  name: "LinalgCrossBackward0",
  backward: (g, node) => {
    const { dim } = node.args, a = node.tensor("self"), b = node.tensor("other");
    return [
      node.needs(0) ? cross(b, g, { dim }).sumToSize(a.shape) : null,
      node.needs(1) ? cross(g, a, { dim }).sumToSize(b.shape) : null,
    ];
  },
};

/**
 * The cross products of vectors of three elements along a dimension, the last by default. Other dimensions broadcast.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * dg.linalg.cross(dg.tensor([1, 0, 0]), dg.tensor([0, 1, 0])); // tensor([0., 0., 1.])
 * ```
 */
export function cross(input: Tensor, other: Tensor, options: DimOption | number = {}): Tensor {
  const caller = "linalg.cross";
  checkTensor(input, caller);
  checkTensor(other, caller, "other", 2);
  const { dim = -1 } = checkKeys(typeof options === "number" ? { dim: options } : options, caller, ["dim"]);
  checkInteger(dim, caller, "dim");
  if (input.ndim !== other.ndim) {
    throw new TypeError(`${caller}: inputs must have the same number of dimensions.`);
  }
  const d = normalizeDim(dim, input.ndim), sizes = [input.shape[d], other.shape[d]];
  if (sizes[0] !== 3 || sizes[1] !== 3) {
    throw new TypeError(
      `${caller}: inputs dimension ${dim} must have length 3. Got ${sizes[0] ?? 1} and ${sizes[1] ?? 1}`,
    );
  }
  if (input.dtype !== other.dtype) {
    throw new TypeError(`expected scalar type ${typeName(input.dtype)} but found ${typeName(other.dtype)}`);
  }
  if (input.dtype === "bool") throw new TypeError(`"cross" not implemented for 'Bool'`);
  const shape = broadcastShapes(input.shape, other.shape);
  const a = expand(input.detach(), shape), b = expand(other.detach(), shape);
  const part = (i: number, j: number) => select(a, d, i).mul(select(b, d, j));
  const out = stack([
    part(1, 2).sub(part(2, 1)),
    part(2, 0).sub(part(0, 2)),
    part(0, 1).sub(part(1, 0)),
  ], d);
  return record(Cross, out, [input, other], { dim: d }, {
    self: other.requiresGrad ? input : null,
    other: input.requiresGrad ? other : null,
  });
}

/**
 * The dot products of vectors along a dimension, the last by default. Other dimensions broadcast.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * dg.linalg.vecdot(dg.tensor([[1, 2], [3, 4]]), dg.tensor([1, 1])); // tensor([3., 7.])
 * ```
 */
export function vecdot(x: Tensor, y: Tensor, options: DimOption | number = {}): Tensor {
  const caller = "linalg.vecdot";
  checkTensor(x, caller, "x", 1);
  checkTensor(y, caller, "y", 2);
  const { dim = -1 } = checkKeys(typeof options === "number" ? { dim: options } : options, caller, ["dim"]);
  return x.mul(y).sum(dim);
}

/** Options of {@linkcode vander}. */
export interface LinalgVanderOptions {
  /** Number of columns; as many as elements by default. */
  readonly N?: number;
}

/**
 * The matrices of rising powers of vectors [..., n]: row i is 1, x_i, x_i^2, ... `dg.vander` has them falling, for one vector.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * dg.linalg.vander(dg.tensor([1, 2, 3])); // tensor([[1., 1., 1.], [1., 2., 4.], [1., 3., 9.]])
 * ```
 */
export function vander(x: Tensor, options: LinalgVanderOptions | number = {}): Tensor {
  const caller = "linalg.vander";
  checkTensor(x, caller, "x", 1);
  if (x.dtype === "bool") {
    throw new TypeError(`${caller} supports floating point, complex, and integer tensors, but got Bool`);
  }
  const given = typeof options === "number" ? { N: options } : options;
  const { N = x.shape[x.ndim - 1] ?? 1 } = checkKeys(given, caller, ["N"]);
  checkInteger(N, caller, "N");
  if (N <= 1) throw new RangeError("N must be greater than 1.");
  const column = unsqueeze(x, -1), powers = column.expand(...x.shape, N - 1).cumprod(-1);
  return cat([powers.newOnes(column.shape), powers], -1);
}

/** Options of {@linkcode diagonal}. */
export interface LinalgDiagonalOptions {
  /** Which diagonal: above the main one, or below it if negative; 0 by default. */
  readonly offset?: number;
  /** The dimension of rows; -2 by default. */
  readonly dim1?: number;
  /** The dimension of columns; -1 by default. */
  readonly dim2?: number;
}

/**
 * The diagonals of matrices [..., m, n], as a view.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * dg.linalg.diagonal(dg.zeros(5, 2, 3)).shape; // [5, 2]
 * ```
 */
export function diagonal(A: Tensor, options: LinalgDiagonalOptions = {}): Tensor {
  const { offset = 0, dim1 = -2, dim2 = -1 } = checkKeys(options, "linalg.diagonal", [
    "offset",
    "dim1",
    "dim2",
  ]);
  return diagonalOf(A, offset, dim1, dim2);
}
