/**
 * Sums, means, products and truth of all elements or over dimensions.
 * @module
 */

import { adding, extreme, Fold } from "../../expr/fold.ts";
import { program } from "../../expr/program.ts";
import { checkTensor } from "../../tensor/arguments.ts";
import {
  category,
  type DType,
  flavorOf,
  getDefaultDtype,
  isFloatingPoint,
  typeName,
} from "../../tensor/dtype.ts";
import { numel, sameShape, type Shape, shapeText, sizesFrom } from "../../tensor/shape.ts";
import { installMethods, type Tensor } from "../../tensor/tensor.ts";
import { applyPointwise } from "../core/apply.ts";
import { to } from "../core/copy.ts";
import {
  type Dims,
  expandBack,
  fold,
  meanFold,
  reduceArgs,
  reducedDims,
  reducedShape,
  type ReduceOptions,
  sumFold,
} from "../core/fold.ts";
import { PointwiseOp } from "../core/pointwise_op.ts";
import { prodBackward } from "./prod_gradient.ts";
import { record, type Rule } from "../core/record.ts";
import { diagonal } from "../view/slice.ts";
import { expand, reshape } from "../view/view.ts";

export type { DimOptions, Dims, ReduceOptions } from "../core/fold.ts";

interface Reduced {
  readonly selfSymSizes: Shape;
  readonly dim: readonly number[];
  readonly keepdim: boolean;
}

function given(dim: Dims | undefined): boolean {
  return dim !== undefined && dim !== null;
}

// ---- sum ----------------------------------------------------------------------------------------------------------

const Sum: Rule<{ selfSymSizes: Shape }> = {
  name: "SumBackward0",
  backward: (g, { args }) => [expand(g, args.selfSymSizes)],
};
const SumDim: Rule<Reduced> = {
  name: "SumBackward1",
  backward: (g, { args }) => [expandBack(g, args.selfSymSizes, args.dim, args.keepdim)],
};

/** Integers of up to 32 bits add up exactly in a double as long as there are not more than this. */
const EXACT_COUNT = 2 ** 21;

/** What a sum or product folds: the input in the result's dtype, or small integers as they are. */
function summand(x: Tensor, dtype: DType): Tensor {
  const exact = dtype === "int64" && flavorOf(x.dtype) === "int" &&
    (x.device !== "cpu" || x.numel() <= EXACT_COUNT);
  return exact ? x : to(x, dtype);
}

/** The sum of all elements, or over dimensions. Integers and bools give int64. */
export function sum(x: Tensor, dim?: Dims | ReduceOptions, options?: ReduceOptions): Tensor {
  checkTensor(x, "sum");
  const o = reduceArgs(dim, options, "sum");
  const dtype = o.dtype ?? (category(x.dtype) === 2 ? x.dtype : "int64");
  const input = summand(x, dtype);
  const dims = reducedDims(o.dim, x.ndim), keepdim = o.keepdim ?? false;
  const shape = reducedShape(x.shape, dims, keepdim);
  const out = fold(input, sumFold, dims, shape, dtype)[0];
  if (!given(o.dim)) return record(Sum, out, [input], { selfSymSizes: x.shape });
  return record(SumDim, out, [input], { selfSymSizes: x.shape, dim: dims, keepdim });
}

/** Sums a tensor to a shape that it could have been broadcast from. */
export function sumToSize(x: Tensor, ...sizes: (number | readonly number[])[]): Tensor {
  checkTensor(x, "sumToSize");
  const shape = sizesFrom(sizes, "sumToSize");
  if (sameShape(x.shape, shape)) return x;
  const lead = x.ndim - shape.length;
  if (lead < 0 || shape.some((s, i) => s !== 1 && s !== x.shape[i + lead])) {
    throw new TypeError(`size {${shapeText(shape)}} is not expandable to size {${shapeText(x.shape)}}.`);
  }
  const dims = x.shape.map((_, i) => i).filter((i) =>
    i < lead || (shape[i - lead] === 1 && x.shape[i] !== 1)
  );
  const summed = dims.length === 0 ? x : sum(x, dims, { keepdim: true });
  return lead === 0 ? summed : reshape(summed, shape);
}

/** Not a NaN, as a factor. */
const notNan = new PointwiseOp(program(["x"], "where(isnan(x), 0, 1)", { name: "notNan" }));

const nansumFold = new Fold("nansum", [{
  ...adding("v"),
  step: { acc: "where(isnan(v), acc, acc + v)" },
}], ["acc"]);
const Nansum: Rule<Reduced> = {
  name: "NansumBackward0",
  backward: (g, node) => {
    const { selfSymSizes, dim, keepdim } = node.args;
    const kept = applyPointwise(notNan, [node.tensor("self").detach()]);
    return [expandBack(g, selfSymSizes, dim, keepdim).mul(kept)];
  },
};

/** The sum of the elements that are not NaN. */
export function nansum(x: Tensor, dim?: Dims | ReduceOptions, options?: ReduceOptions): Tensor {
  checkTensor(x, "nansum");
  const o = reduceArgs(dim, options, "nansum");
  if (!isFloatingPoint(o.dtype ?? x.dtype)) return sum(x, o);
  const input = to(x, o.dtype ?? x.dtype);
  const dims = reducedDims(o.dim, x.ndim), keepdim = o.keepdim ?? false;
  const out = fold(input, nansumFold, dims, reducedShape(x.shape, dims, keepdim), input.dtype)[0];
  return record(Nansum, out, [input], { selfSymSizes: x.shape, dim: dims, keepdim }, { self: input });
}

// ---- mean ---------------------------------------------------------------------------------------------------------

const Mean: Rule<{ selfSymNumel: number; selfSymSizes: Shape }> = {
  name: "MeanBackward0",
  backward: (g, { args }) => [expand(g.div(args.selfSymNumel), args.selfSymSizes)],
};
const MeanDim: Rule<Reduced & { selfSymNumel: number }> = {
  name: "MeanBackward1",
  backward: (g, { args }) => {
    const count = numel(args.dim.map((d) => args.selfSymSizes[d]));
    return [expandBack(g, args.selfSymSizes, args.dim, args.keepdim).div(count)];
  },
};

function checkMeanDtype(name: string, dtype: DType): void {
  if (isFloatingPoint(dtype)) return;
  throw new TypeError(
    `${name}(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. Got: ` +
      typeName(dtype),
  );
}

/** The mean of all elements, or over dimensions. Needs a floating-point dtype. */
export function mean(x: Tensor, dim?: Dims | ReduceOptions, options?: ReduceOptions): Tensor {
  checkTensor(x, "mean");
  const o = reduceArgs(dim, options, "mean");
  const dtype = o.dtype ?? x.dtype;
  checkMeanDtype("mean", dtype);
  const input = to(x, dtype);
  const dims = reducedDims(o.dim, x.ndim), keepdim = o.keepdim ?? false;
  const out = fold(input, meanFold, dims, reducedShape(x.shape, dims, keepdim), dtype)[0];
  const args = { selfSymNumel: x.numel(), selfSymSizes: x.shape };
  if (!given(o.dim)) return record(Mean, out, [input], args);
  return record(MeanDim, out, [input], { ...args, dim: dims, keepdim });
}

/** The mean of the elements that are not NaN. */
export function nanmean(x: Tensor, dim?: Dims | ReduceOptions, options?: ReduceOptions): Tensor {
  checkTensor(x, "nanmean");
  const o = reduceArgs(dim, options, "nanmean");
  if (!isFloatingPoint(x.dtype)) {
    throw new TypeError(
      `nanmean(): expected input to have floating point or complex dtype but got ${typeName(x.dtype)}`,
    );
  }
  const where = { dim: o.dim, keepdim: o.keepdim };
  const count = sum(applyPointwise(notNan, [x.detach()]), where);
  return nansum(x, o).div(count);
}

// ---- product ------------------------------------------------------------------------------------------------------

const prodFold = new Fold("prod", [{
  state: { acc: "1" },
  step: { acc: "acc * v" },
  merge: { acc: "acc * acc_" },
}], ["acc"]);

const Prod: Rule<object> = {
  name: "ProdBackward0",
  backward: (g, node) => {
    const x = node.tensor("self");
    const flat = reshape(x, -1);
    return [reshape(prodBackward(g, flat, node.tensor("result"), 0), x.shape)];
  },
};
const ProdDim: Rule<{ dim: number; keepdim: boolean }> = {
  name: "ProdBackward1",
  backward: (g, node) => {
    const x = node.tensor("self"), { dim, keepdim } = node.args;
    if (x.ndim === 0) return [g];
    const back = (t: Tensor) => keepdim ? t : t.unsqueeze(dim);
    return [prodBackward(back(g), x, back(node.tensor("result")), dim)];
  },
};

/** Options of {@linkcode prod}. */
export interface ProdOptions extends ReduceOptions {
  /** The one dimension to reduce; all by default. */
  readonly dim?: number | null;
}

/** The product of all elements, or over a dimension. Integers and bools give int64. */
export function prod(x: Tensor, dim?: number | null | ProdOptions, options?: ProdOptions): Tensor {
  checkTensor(x, "prod");
  const o = reduceArgs<ProdOptions>(dim, options, "prod");
  if (Array.isArray(o.dim)) throw new TypeError(`prod(): dim must be one number, got ${shapeText(o.dim)}`);
  const dtype = o.dtype ?? (category(x.dtype) === 2 ? x.dtype : "int64");
  const input = to(x, dtype);
  const dims = reducedDims(o.dim, x.ndim), keepdim = o.keepdim ?? false;
  const out = fold(input, prodFold, dims, reducedShape(x.shape, dims, keepdim), dtype)[0];
  const save = { self: input, result: out };
  if (!given(o.dim)) return record(Prod, out, [input], {}, save);
  return record(ProdDim, out, [input], { dim: dims[0] ?? 0, keepdim }, save);
}

// ---- truth and counts ---------------------------------------------------------------------------------------------

function testFold(name: string, start: string, when: string): Fold {
  const stop = (v: string) => `where(${v} ${when} 0, ${1 - Number(start)}, hit)`;
  return new Fold(name, [{
    state: { hit: start },
    step: { hit: stop("v") },
    merge: { hit: stop("hit_") },
    whole: ["hit"],
  }], ["hit"]);
}

const allFold = testFold("all", "1", "=="), anyFold = testFold("any", "0", "!=");

function truth(how: Fold, x: Tensor, o: ReduceOptions): Tensor {
  const dims = reducedDims(o.dim, x.ndim);
  const dtype = x.dtype === "uint8" ? "uint8" : "bool"; // PyTorch's old exception
  return fold(x, how, dims, reducedShape(x.shape, dims, o.keepdim ?? false), dtype)[0];
}

const truthKeys = ["dim", "keepdim"];

/** Whether all elements are true (not 0). True where there are none. */
export function all(x: Tensor, dim?: Dims | ReduceOptions, options?: ReduceOptions): Tensor {
  checkTensor(x, "all");
  return truth(allFold, x, reduceArgs(dim, options, "all", truthKeys));
}

/** Whether any element is true (not 0). False where there are none. */
export function any(x: Tensor, dim?: Dims | ReduceOptions, options?: ReduceOptions): Tensor {
  checkTensor(x, "any");
  return truth(anyFold, x, reduceArgs(dim, options, "any", truthKeys));
}

const countFold = new Fold("countNonzero", [{
  state: { count: "0" },
  step: { count: "where(v != 0, count + 1, count)" },
  merge: { count: "count + count_" },
  whole: ["count"],
}], ["count"]);

/** How many elements are not 0, as int64. */
export function countNonzero(x: Tensor, dim?: Dims | ReduceOptions): Tensor {
  checkTensor(x, "countNonzero");
  const o = reduceArgs(dim, undefined, "countNonzero", ["dim"]);
  const dims = reducedDims(o.dim, x.ndim);
  return fold(
    x,
    countFold,
    dims,
    reducedShape(x.shape, dims, false),
    "int64",
  )[0];
}

// ---- logsumexp ------------------------------------------------------------------------------------------------------

// subtracting an infinite maximum would give NaN where the answer is infinite
const logsumexpFold = new Fold("logsumexp", [
  extreme("max", "top"),
  { given: { shift: "where(isinf(top), 0, top)" }, ...adding("exp(v - shift)") },
], ["shift + log(acc)"]);

const Logsumexp: Rule<Reduced> = {
  name: "LogsumexpBackward0",
  backward: (g, node) => {
    const x = node.tensor("self"), { dim, keepdim } = node.args;
    const back = (t: Tensor) => expandBack(t, x.shape, dim, keepdim);
    return [back(g).mul(x.sub(back(node.tensor("result"))).exp())];
  },
};

/** log(sum(exp(x))) over dimensions, without overflow. */
export function logsumexp(x: Tensor, dim: Dims | ReduceOptions, options?: ReduceOptions): Tensor {
  checkTensor(x, "logsumexp");
  const o = reduceArgs(dim, options, "logsumexp", truthKeys);
  const input = isFloatingPoint(x.dtype) ? x : to(x, getDefaultDtype());
  const dims = reducedDims(o.dim, x.ndim), keepdim = o.keepdim ?? false;
  const out = fold(input, logsumexpFold, dims, reducedShape(x.shape, dims, keepdim), input.dtype)[0];
  const args = { selfSymSizes: x.shape, dim: dims, keepdim };
  return record(Logsumexp, out, [input], args, { self: input, result: out });
}

// ---- trace ----------------------------------------------------------------------------------------------------------

const Trace: Rule<{ selfSymSizes: Shape }> = {
  name: "TraceBackward0",
  backward: (g, { args }) => {
    const size = Math.min(...args.selfSymSizes);
    const whole = g.newZeros(args.selfSymSizes);
    return [whole.diagonalScatter(expand(g, [size]))];
  },
};

/** The sum of a matrix's diagonal. */
export function trace(x: Tensor): Tensor {
  checkTensor(x, "trace");
  if (x.ndim !== 2) throw new TypeError(`trace: expected a matrix, but got tensor with dim ${x.ndim}`);
  const out = sum(diagonal(x.detach()));
  return record(Trace, out, [x], { selfSymSizes: x.shape });
}

/** The methods of this family. */
export interface ReduceMethods {
  /** The sum of all elements, or over dimensions. */
  sum(dim?: Dims | ReduceOptions, options?: ReduceOptions): Tensor;
  /** Sums to a shape that this one could have been broadcast from. */
  sumToSize(...sizes: (number | readonly number[])[]): Tensor;
  /** The sum of the elements that are not NaN. */
  nansum(dim?: Dims | ReduceOptions, options?: ReduceOptions): Tensor;
  /** The mean of all elements, or over dimensions. */
  mean(dim?: Dims | ReduceOptions, options?: ReduceOptions): Tensor;
  /** The mean of the elements that are not NaN. */
  nanmean(dim?: Dims | ReduceOptions, options?: ReduceOptions): Tensor;
  /** The product of all elements, or over a dimension. */
  prod(dim?: number | null | ProdOptions, options?: ProdOptions): Tensor;
  /** Whether all elements are true. */
  all(dim?: Dims | ReduceOptions, options?: ReduceOptions): Tensor;
  /** Whether any element is true. */
  any(dim?: Dims | ReduceOptions, options?: ReduceOptions): Tensor;
  /** How many elements are not 0. */
  countNonzero(dim?: Dims | ReduceOptions): Tensor;
  /** log(sum(exp(x))) over dimensions. */
  logsumexp(dim: Dims | ReduceOptions, options?: ReduceOptions): Tensor;
  /** The sum of a matrix's diagonal. */
  trace(): Tensor;
}

const methods: ReduceMethods & ThisType<Tensor> = {
  sum(dim, options) {
    return sum(this, dim, options);
  },
  sumToSize(...sizes) {
    return sumToSize(this, ...sizes);
  },
  nansum(dim, options) {
    return nansum(this, dim, options);
  },
  mean(dim, options) {
    return mean(this, dim, options);
  },
  nanmean(dim, options) {
    return nanmean(this, dim, options);
  },
  prod(dim, options) {
    return prod(this, dim, options);
  },
  all(dim, options) {
    return all(this, dim, options);
  },
  any(dim, options) {
    return any(this, dim, options);
  },
  countNonzero(dim) {
    return countNonzero(this, dim);
  },
  logsumexp(dim, options) {
    return logsumexp(this, dim, options);
  },
  trace() {
    return trace(this);
  },
};
installMethods(methods);
