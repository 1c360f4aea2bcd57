/**
 * Matrix products of any ranks, by way of the products of fixed rank.
 * @module
 */

import { describe } from "../../tensor/describe.ts";
import { checkInteger, checkKeys, checkTensor } from "../../tensor/arguments.ts";
import {
  broadcastShapes,
  contiguousStrides,
  frozen,
  normalizeDim,
  numel,
  type Shape,
} from "../../tensor/shape.ts";
import { installMethods, type Tensor } from "../../tensor/tensor.ts";
import { addbmm, addbmm_, baddbmm, baddbmm_, bmm } from "./batch_products.ts";
import {
  addmm,
  addmm_,
  addmv,
  addmv_,
  type AddProductOptions,
  addr,
  addr_,
  dot,
  mm,
  mv,
  outer,
  vdot,
} from "./products.ts";
import { record, type Rule } from "../core/record.ts";
import { expand, permute, reshape, squeeze, t, transpose, unsqueeze, view } from "../view/view.ts";
import { windowOn } from "../view/window.ts";

// ---- new shapes of results that nothing else holds ----------------------------------------------------------------

const UnsafeView: Rule<{ selfSymSizes: Shape }> = {
  name: "UnsafeViewBackward0",
  backward: (g, { args }) => [reshape(g, args.selfSymSizes)],
};

/** Another shape of a fresh result: no view in the sense of writes, because nobody else has the memory. */
function reshaped(x: Tensor, shape: readonly number[]): Tensor {
  const sizes = frozen(shape);
  return record(UnsafeView, windowOn(x, sizes, contiguousStrides(sizes)), [x], { selfSymSizes: x.shape });
}

const SqueezeInPlace: Rule<{ dim: number }> = {
  name: "SqueezeBackward4",
  backward: (g, { args }) => [unsqueeze(g, args.dim)],
};

// ---- matmul -------------------------------------------------------------------------------------------------------

/**
 * The matrix product of two tensors of any rank. Vectors count as a row on the left and as a column on the right, and lose
 * that dimension again; leading dimensions are batches, broadcast against each other.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * dg.matmul(dg.ones(2, 3), dg.ones(3, 4)); // shape [2, 4]
 * dg.matmul(dg.ones(5, 2, 3), dg.ones(3)); // shape [5, 2]
 * ```
 */
export function matmul(input: Tensor, other: Tensor): Tensor {
  checkTensor(input, "matmul");
  checkTensor(other, "matmul", "other", 2);
  const a = input.ndim, b = other.ndim;
  if (a === 0 || b === 0) {
    throw new TypeError(
      `both arguments to matmul need to be at least 1D, but they are ${a}D and ${b}D`,
    );
  }
  if (a === 1 && b === 1) return dot(input, other);
  if (a === 2 && b === 1) return mv(input, other);
  if (a === 2 && b === 2) return mm(input, other);
  if (a === 1 && b === 2) {
    const row = mm(unsqueeze(input, 0), other);
    const shape = frozen([row.shape[1]]);
    return record(SqueezeInPlace, windowOn(row, shape, contiguousStrides(shape)), [row], { dim: 0 });
  }
  return canFold(input, other) ? folded(input, other) : batched(input, other);
}

/** Whether one operand is at most a matrix and the other's batches can become rows of one large matrix. */
function canFold(input: Tensor, other: Tensor): boolean {
  const larger = input.ndim >= other.ndim;
  const [big, small] = larger ? [input, other] : [transpose(other.detach(), -2, -1), input];
  if (big.ndim < 3 || small.ndim > 2) return false;
  if (small.requiresGrad) return true; // else its gradient would be as large as all batches before it is summed
  if (input.ndim === 2) return false;
  if (big.numel() === 0) return true;
  for (let i = 0; i < big.ndim - 2; i++) {
    if (big.strides[i] !== big.strides[i + 1] * big.shape[i + 1]) return false;
  }
  return true;
}

function folded(input: Tensor, other: Tensor): Tensor {
  const larger = input.ndim >= other.ndim;
  const big = larger ? input : transpose(other, -2, -1);
  const small = larger ? other : input.ndim === 2 ? t(input) : input;
  const lead = big.shape.slice(0, -1);
  const rows = reshape(big, numel(lead), big.shape[big.ndim - 1]);
  if (small.ndim === 1) return reshaped(mv(rows, small), lead);
  const out = reshaped(mm(rows, small), [...lead, small.shape[1]]);
  return larger ? out : transpose(out, -2, -1).contiguous();
}

function batched(input: Tensor, other: Tensor): Tensor {
  // Folding the batch of size 1 away keeps its gradient small.
  if (input.ndim === 3 && other.ndim === 3 && input.shape[0] !== other.shape[0]) {
    if (input.shape[0] === 1 && input.requiresGrad) return matmul(squeeze(input, 0), other);
    if (other.shape[0] === 1 && other.requiresGrad) return matmul(input, squeeze(other, 0));
  }
  const left = input.ndim === 1 ? [1, input.shape[0]] : input.shape.slice(-2);
  const right = other.ndim === 1 ? [other.shape[0]] : other.shape.slice(-2);
  const lead = broadcastShapes(input.shape.slice(0, -2), other.shape.slice(0, -2));
  const count = numel(lead);
  const a = reshape(expand(input, [...lead, ...left]), [count, ...left]);
  const b = reshape(expand(other, [...lead, ...right]), [count, ...right]);
  const vector = other.ndim === 1;
  const product = vector ? squeeze(bmm(a, unsqueeze(b, 2)), -1) : bmm(a, b);
  const shape = [...lead, ...(input.ndim > 1 ? [left[0]] : []), ...(vector ? [] : [right[1]])];
  return reshaped(product, shape);
}

/** `input @ weight.T + bias`: the map of a linear layer. The weight is [outFeatures, inFeatures]. */
export function linear(input: Tensor, weight: Tensor, bias: Tensor | null = null): Tensor {
  checkTensor(input, "linear");
  checkTensor(weight, "linear", "weight", 2);
  if (bias === null || bias === undefined) return matmul(input, t(weight));
  if (input.ndim === 2) return addmm(bias, input, t(weight));
  if (weight.ndim !== 2 || input.ndim === 0) return matmul(input, t(weight)).add(bias);
  const lead = input.shape.slice(0, -1);
  const rows = reshape(input, numel(lead), input.shape[input.ndim - 1]);
  return view(addmm(bias, rows, t(weight)), [...lead, weight.shape[0]]);
}

// ---- products over chosen dimensions ------------------------------------------------------------------------------

/** Options of {@linkcode tensordot}. */
export interface TensordotOptions {
  /** How many of the last dimensions of a meet the first of b; or the dimensions of a and those of b. 2 by default. */
  readonly dims?: number | readonly [readonly number[], readonly number[]];
}

/** Multiplies two tensors and sums over chosen pairs of dimensions. */
export function tensordot(
  a: Tensor,
  b: Tensor,
  dims: TensordotOptions | number | readonly [readonly number[], readonly number[]] = 2,
): Tensor {
  checkTensor(a, "tensordot");
  checkTensor(b, "tensordot", "b", 2);
  const named = typeof dims === "object" && dims !== null && !Array.isArray(dims);
  const chosen = named ? checkKeys(dims as TensordotOptions, "tensordot", ["dims"]).dims ?? 2 : dims;
  const [of_a, of_b] = pairsOf(a, b, chosen as number | readonly [readonly number[], readonly number[]]);
  if (of_a.length !== of_b.length) {
    throw new TypeError("both dimension lists should have same length");
  }
  of_a.forEach((d, i) => {
    if (a.shape[d] !== b.shape[of_b[i]]) {
      throw new TypeError(
        `contracted dimensions need to match, but first has size ${
          a.shape[d]
        } in dim ${d} and second has size ` +
          `${b.shape[of_b[i]]} in dim ${of_b[i]}`,
      );
    }
  });
  const restA = a.shape.map((_, i) => i).filter((i) => !of_a.includes(i));
  const restB = b.shape.map((_, i) => i).filter((i) => !of_b.includes(i));
  const shapeA = restA.map((i) => a.shape[i]), shapeB = restB.map((i) => b.shape[i]);
  const inner = numel(of_a.map((i) => a.shape[i]));
  const left = reshape(permute(a, [...restA, ...of_a]), numel(shapeA), inner);
  const right = reshape(permute(b, [...of_b, ...restB]), inner, numel(shapeB));
  return reshape(mm(left, right), [...shapeA, ...shapeB]);
}

function pairsOf(
  a: Tensor,
  b: Tensor,
  dims: number | readonly [readonly number[], readonly number[]],
): [number[], number[]] {
  if (typeof dims !== "number") {
    if (!Array.isArray(dims) || dims.length !== 2 || !dims.every(Array.isArray)) {
      throw new TypeError(
        `tensordot expects dims to be int or two lists of ints, but got dims=${describe(dims)}`,
      );
    }
    return [dims[0].map((d) => normalizeDim(d, a.ndim)), dims[1].map((d) => normalizeDim(d, b.ndim))];
  }
  checkInteger(dims, "tensordot", "dims");
  if (dims < 0) throw new RangeError(`tensordot expects dims >= 0, but got dims=${dims}`);
  if (dims > Math.min(a.ndim, b.ndim)) {
    throw new RangeError(
      `tensordot expects dims < ndim_a or ndim_b, but got dims=${dims} for tensors of ${a.ndim} and ${b.ndim} dimensions`,
    );
  }
  const all = Array.from({ length: dims }, (_, i) => i);
  return [all.map((i) => a.ndim - dims + i), all];
}

/** The sums of products over the last dimension of both tensors. */
export function inner(input: Tensor, other: Tensor): Tensor {
  checkTensor(input, "inner");
  checkTensor(other, "inner", "other", 2);
  if (input.ndim === 0 || other.ndim === 0) return input.mul(other);
  const n = input.shape[input.ndim - 1], m = other.shape[other.ndim - 1];
  if (n !== m) {
    throw new TypeError(
      "inner() the last dimension must match on both input tensors but got shapes " +
        `[${input.shape.join(", ")}] and [${other.shape.join(", ")}]`,
    );
  }
  return tensordot(input, other, [[-1], [-1]]);
}

// ---- methods ------------------------------------------------------------------------------------------------------

/** The methods of this family. */
export interface MatmulMethods {
  /** The matrix product of tensors of any rank. */
  matmul(other: Tensor): Tensor;
  /** The product of two matrices. */
  mm(mat2: Tensor): Tensor;
  /** This matrix times a vector. */
  mv(vec: Tensor): Tensor;
  /** The products of two batches of matrices. */
  bmm(mat2: Tensor): Tensor;
  /** The dot product of two vectors. */
  dot(tensor: Tensor): Tensor;
  /** The dot product of two vectors. */
  vdot(other: Tensor): Tensor;
  /** The products of all pairs of elements of two vectors. */
  outer(vec2: Tensor): Tensor;
  /** The products of all pairs of elements of two vectors. */
  ger(vec2: Tensor): Tensor;
  /** The sums of products over the last dimensions. */
  inner(other: Tensor): Tensor;
  /** `beta * this + alpha * mat1 @ mat2`. */
  addmm(mat1: Tensor, mat2: Tensor, options?: AddProductOptions): Tensor;
  /** {@linkcode addmm} in place. */
  addmm_(mat1: Tensor, mat2: Tensor, options?: AddProductOptions): Tensor;
  /** `beta * this + alpha * mat @ vec`. */
  addmv(mat: Tensor, vec: Tensor, options?: AddProductOptions): Tensor;
  /** {@linkcode addmv} in place. */
  addmv_(mat: Tensor, vec: Tensor, options?: AddProductOptions): Tensor;
  /** `beta * this + alpha * outer(vec1, vec2)`. */
  addr(vec1: Tensor, vec2: Tensor, options?: AddProductOptions): Tensor;
  /** {@linkcode addr} in place. */
  addr_(vec1: Tensor, vec2: Tensor, options?: AddProductOptions): Tensor;
  /** `beta * this + alpha * bmm(batch1, batch2)`. */
  baddbmm(batch1: Tensor, batch2: Tensor, options?: AddProductOptions): Tensor;
  /** {@linkcode baddbmm} in place. */
  baddbmm_(batch1: Tensor, batch2: Tensor, options?: AddProductOptions): Tensor;
  /** `beta * this + alpha *` the sum of `bmm(batch1, batch2)`. */
  addbmm(batch1: Tensor, batch2: Tensor, options?: AddProductOptions): Tensor;
  /** {@linkcode addbmm} in place. */
  addbmm_(batch1: Tensor, batch2: Tensor, options?: AddProductOptions): Tensor;
}

const asMethod = <R extends unknown[]>(fn: (self: Tensor, ...rest: R) => Tensor) =>
  function (this: Tensor, ...rest: R): Tensor {
    return fn(this, ...rest);
  };

const methods: MatmulMethods & ThisType<Tensor> = {
  matmul: asMethod(matmul),
  mm: asMethod(mm),
  mv: asMethod(mv),
  bmm: asMethod(bmm),
  dot: asMethod(dot),
  vdot: asMethod(vdot),
  outer: asMethod(outer),
  ger: asMethod(outer),
  inner: asMethod(inner),
  addmm: asMethod(addmm),
  addmm_: asMethod(addmm_),
  addmv: asMethod(addmv),
  addmv_: asMethod(addmv_),
  addr: asMethod(addr),
  addr_: asMethod(addr_),
  baddbmm: asMethod(baddbmm),
  baddbmm_: asMethod(baddbmm_),
  addbmm: asMethod(addbmm),
  addbmm_: asMethod(addbmm_),
};
installMethods(methods);
