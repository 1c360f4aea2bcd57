/**
 * Sorting, and what is found by sorting: the largest, the k-th, the middle, the most frequent.
 * @module
 */

import { type Choice, runChoice, runMedian } from "../../backend/sort.ts";
import { brief } from "../../tensor/describe.ts";
import { checkTensor } from "../../tensor/arguments.ts";
import { isFloatingPoint } from "../../tensor/dtype.ts";
import { contiguousStrides, normalizeDim, SCALAR_SHAPE, type Shape } from "../../tensor/shape.ts";
import { allocateTensor, installMethods, Tensor, unwrittenTensor } from "../../tensor/tensor.ts";
import { type DimOptions, reduceArgs, reducedShape } from "../core/fold.ts";
import { asLines, fromLines, linesShape } from "../core/lines.ts";
import { record, recordAll, type Rule } from "../core/record.ts";
import { ValuesIndices } from "../core/return_types.ts";
import { evenly, scatterBack } from "../reduce/selecting.ts";

// ---- lines in order -----------------------------------------------------------------------------------------------

/** Chosen elements of every line along a dimension, and their places. */
function chosen(
  x: Tensor,
  dim: number,
  size: number,
  descending: boolean,
  choice: Choice,
): { values: Tensor; indices: Tensor } {
  const input = asLines(x, dim), n = x.ndim === 0 ? 1 : x.shape[dim];
  const shape = linesShape(x.shape, dim, size);
  const values = unwrittenTensor(shape, x.dtype, x.device),
    indices = unwrittenTensor(shape, "int64", x.device);
  if (values.numel() > 0) {
    const { dtype, offset, storage } = input;
    const lines = { data: storage.memory, dtype, offset, lines: input.numel() / n, n, descending };
    runChoice(lines, choice, size, values.storage.memory, indices.storage.memory);
  }
  return { values: fromLines(values, dim), indices: fromLines(indices, dim) };
}

interface Chosen {
  readonly selfSymSizes: Shape;
  readonly dim: number;
  /** False where the results have lost the dimension. */
  readonly keepdim: boolean;
}

function chooseRule(name: string): Rule<Chosen> {
  return {
    name,
    backwardAll: ([g], node) => {
      const { selfSymSizes, dim, keepdim } = node.args;
      if (g === null) return [null];
      const back = (t: Tensor) => keepdim || selfSymSizes.length === 0 ? t : t.unsqueeze(dim);
      return [scatterBack(back(g), back(node.tensor("indices")), dim, selfSymSizes)];
    },
  };
}

// ---- sorting ------------------------------------------------------------------------------------------------------

/** Options of {@linkcode sort} and {@linkcode argsort}. */
export interface SortOptions {
  /** The dimension; the last by default. */
  readonly dim?: number;
  /** Largest first. */
  readonly descending?: boolean;
  /** Whether equal elements keep their order; here they always do. */
  readonly stable?: boolean;
}

const Sort = chooseRule("SortBackward0"), StableSort = chooseRule("SortBackward1");
const sortKeysOf = ["dim", "descending", "stable"];

/** The elements along a dimension in order, and where they were. NaN counts as the largest; equals keep their order. */
export function sort(x: Tensor, dim?: number | SortOptions, options?: SortOptions): ValuesIndices {
  checkTensor(x, "sort");
  const o = reduceArgs<SortOptions>(dim, options, "sort", sortKeysOf);
  const d = normalizeDim(o.dim ?? -1, x.ndim);
  const size = x.ndim === 0 ? 1 : x.shape[d];
  const result = chosen(x, d, size, o.descending ?? false, "first");
  recordAll(
    o.stable === undefined ? Sort : StableSort,
    [result.values, result.indices],
    [x],
    { selfSymSizes: x.shape, dim: d, keepdim: true },
    { indices: result.indices },
  );
  return new ValuesIndices("sort", result.values, result.indices);
}

/** The places of the elements along a dimension in order. */
export function argsort(x: Tensor, dim?: number | SortOptions, options?: SortOptions): Tensor {
  checkTensor(x, "argsort");
  return sort(x.detach(), reduceArgs<SortOptions>(dim, options, "argsort", sortKeysOf)).indices;
}

/** The elements in order along the first dimension. */
export function msort(x: Tensor): Tensor {
  checkTensor(x, "msort");
  return sort(x, 0).values;
}

/** Options of {@linkcode topk}. */
export interface TopkOptions {
  /** The dimension; the last by default. */
  readonly dim?: number;
  /** The largest (default) or the smallest. */
  readonly largest?: boolean;
  /** Whether the results have to be in order; here they always are. */
  readonly sorted?: boolean;
}

const Topk = chooseRule("TopkBackward0");

/** The k largest (or smallest) elements along a dimension, best first, and where they were. */
export function topk(x: Tensor, k: number, dim?: number | TopkOptions, options?: TopkOptions): ValuesIndices {
  checkTensor(x, "topk");
  const o = reduceArgs<TopkOptions>(dim, options, "topk", ["dim", "largest", "sorted"]);
  const d = normalizeDim(o.dim ?? -1, x.ndim), size = x.ndim === 0 ? 1 : x.shape[d];
  if (!Number.isInteger(k)) throw new TypeError(`topk(): k must be an integer, got ${brief(k)}`);
  if (k < 0 || k > size) throw new RangeError("selected index k out of range");
  const result = chosen(x, d, k, o.largest ?? true, "first");
  const args = { selfSymSizes: x.shape, dim: d, keepdim: true };
  recordAll(Topk, [result.values, result.indices], [x], args, { indices: result.indices });
  return new ValuesIndices("topk", result.values, result.indices);
}

// ---- one element of each line -------------------------------------------------------------------------------------

/** Picks one element of each line along `dim`. */
function pickOne(
  name: string,
  rule: Rule<Chosen>,
  x: Tensor,
  dim: number,
  keepdim: boolean,
  choice: Choice,
): ValuesIndices {
  if (x.ndim > 0 && x.shape[dim] === 0) {
    throw new RangeError(`${name}(): Expected reduction dim ${dim} to have non-zero size.`);
  }
  const kept = chosen(x, dim, 1, false, choice);
  const shape = reducedShape(x.shape, x.ndim === 0 ? [] : [dim], keepdim);
  const values = reshaped(kept.values, shape), indices = reshaped(kept.indices, shape);
  recordAll(rule, [values, indices], [x], { selfSymSizes: x.shape, dim, keepdim }, { indices });
  return new ValuesIndices(name, values, indices);
}

/** A fresh row-major tensor in another shape. */
function reshaped(t: Tensor, shape: Shape): Tensor {
  return new Tensor(t.storage, t.offset, shape, contiguousStrides(shape));
}

const pickKeys = ["dim", "keepdim"];

const Kthvalue = chooseRule("KthvalueBackward0");

/** The k-th smallest element along a dimension (1 is the smallest), and where it was. */
export function kthvalue(
  x: Tensor,
  k: number,
  dim?: number | DimOptions,
  options?: DimOptions,
): ValuesIndices {
  checkTensor(x, "kthvalue");
  const o = reduceArgs<DimOptions>(dim, options, "kthvalue", pickKeys);
  const d = normalizeDim(o.dim ?? -1, x.ndim), size = x.ndim === 0 ? 1 : x.shape[d];
  if (!Number.isInteger(k)) throw new TypeError(`kthvalue(): k must be an integer, got ${brief(k)}`);
  if (k < 1 || k > size) {
    throw new RangeError(`kthvalue(): selected number k out of range for dimension ${d}`);
  }
  return pickOne("kthvalue", Kthvalue, x, d, o.keepdim ?? false, k - 1);
}

const Mode = chooseRule("ModeBackward0");

/** The most frequent element along a dimension, the smallest of equally frequent ones, and where it was last. */
export function mode(x: Tensor, dim?: number | DimOptions, options?: DimOptions): ValuesIndices {
  checkTensor(x, "mode");
  const o = reduceArgs<DimOptions>(dim, options, "mode", pickKeys);
  const d = normalizeDim(o.dim ?? -1, x.ndim);
  return pickOne("mode", Mode, x, d, o.keepdim ?? false, "mode");
}

// ---- medians ------------------------------------------------------------------------------------------------------

const medianRules = {
  median: { whole: evenly("MedianBackward0"), dim: chooseRule("MedianBackward1") },
  nanmedian: { whole: evenly("NanmedianBackward0"), dim: chooseRule("NanmedianBackward1") },
};

/** The median of all elements, without history. */
function medianOf(x: Tensor, choice: "median" | "nanmedian"): Tensor {
  const packed = asLines(x, x.ndim - 1), { dtype, offset } = packed, n = x.numel();
  const out = allocateTensor(SCALAR_SHAPE, x.dtype, x.device);
  if (n > 0) {
    const lines = { data: packed.storage.memory, dtype, offset, lines: 1, n, descending: false };
    runMedian(lines, choice, out.storage.memory);
    return out;
  }
  if (!isFloatingPoint(x.dtype)) {
    throw new RangeError("median() of no elements is NaN, which an integer tensor cannot hold");
  }
  return out.fill_(NaN);
}

function medianOp(name: "median" | "nanmedian"): Median {
  const { whole, dim: along } = medianRules[name];
  return ((x: Tensor, dim?: number | null | DimOptions, options?: DimOptions) => {
    checkTensor(x, name);
    const o = reduceArgs<{ dim?: number | null; keepdim?: boolean }>(dim, options, name, pickKeys);
    if (o.dim === undefined || o.dim === null) {
      const out = medianOf(x, name);
      return record(whole, out, [x], {}, { self: x, result: out });
    }
    return pickOne(name, along, x, normalizeDim(o.dim, x.ndim), o.keepdim ?? false, name);
  }) as Median;
}

/** The median: of all elements a tensor, along a dimension values and indices. */
export interface Median {
  /** Of all elements. */
  (x: Tensor): Tensor;
  /** Along a dimension. */
  (x: Tensor, dim: number | (DimOptions & { readonly dim: number }), options?: DimOptions): ValuesIndices;
}

/** The median, the lower of two middle elements. NaN if one of the elements is. */
export const median: Median = medianOp("median");
/** The median of the elements that are not NaN. */
export const nanmedian: Median = medianOp("nanmedian");

/** The methods of this family. */
export interface OrderMethods {
  /** The elements along a dimension in order, and where they were. */
  sort(dim?: number | SortOptions, options?: SortOptions): ValuesIndices;
  /** The places of the elements along a dimension in order. */
  argsort(dim?: number | SortOptions, options?: SortOptions): Tensor;
  /** The elements in order along the first dimension. */
  msort(): Tensor;
  /** The k largest (or smallest) elements along a dimension, and where they were. */
  topk(k: number, dim?: number | TopkOptions, options?: TopkOptions): ValuesIndices;
  /** The k-th smallest element along a dimension, and where it was. */
  kthvalue(k: number, dim?: number | DimOptions, options?: DimOptions): ValuesIndices;
  /** The most frequent element along a dimension, and where it was. */
  mode(dim?: number | DimOptions, options?: DimOptions): ValuesIndices;
  /** The median of all elements. */
  median(): Tensor;
  /** The median along a dimension, and where it was. */
  median(dim: number | (DimOptions & { readonly dim: number }), options?: DimOptions): ValuesIndices;
  /** The median of all elements that are not NaN. */
  nanmedian(): Tensor;
  /** The median along a dimension of the elements that are not NaN, and where it was. */
  nanmedian(dim: number | (DimOptions & { readonly dim: number }), options?: DimOptions): ValuesIndices;
}

const methods: Omit<OrderMethods, "median" | "nanmedian"> & ThisType<Tensor> = {
  sort(dim, options) {
    return sort(this, dim, options);
  },
  argsort(dim, options) {
    return argsort(this, dim, options);
  },
  msort() {
    return msort(this);
  },
  topk(k, dim, options) {
    return topk(this, k, dim, options);
  },
  kthvalue(k, dim, options) {
    return kthvalue(this, k, dim, options);
  },
  mode(dim, options) {
    return mode(this, dim, options);
  },
};
installMethods({
  ...methods,
  median(this: Tensor, ...args: [number]) {
    return median(this, ...args);
  },
  nanmedian(this: Tensor, ...args: [number]) {
    return nanmedian(this, ...args);
  },
});
