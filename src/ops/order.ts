/**
 * Sorting, and what is found by sorting: the largest, the k-th, the middle, the most frequent.
 * @module
 */

import { selectKth, sortKeys, type SortScratch } from "../backend/cpu/sort_js.ts";
import { brief } from "../tensor/describe.ts";
import { checkTensor } from "../tensor/arguments.ts";
import { type DType, isFloatingPoint } from "../tensor/dtype.ts";
import { contiguousStrides, normalizeDim, SCALAR_SHAPE, type Shape } from "../tensor/shape.ts";
import { allocateTensor, installMethods, Tensor } from "../tensor/tensor.ts";
import { type DimOptions, reduceArgs, reducedShape } from "./fold.ts";
import { asLines, fromLines, linesShape } from "./lines.ts";
import { record, recordAll, type Rule } from "./record.ts";
import { ValuesIndices } from "./return_types.ts";
import { evenly, scatterBack } from "./selecting.ts";

// ---- lines in order -----------------------------------------------------------------------------------------------

/** Lines brought into order one by one, all through the same memory. */
interface OrderedLines {
  readonly lines: number;
  readonly length: number;
  /** Orders line `l` and gives the places of its elements; those of NaN stand last (first if descending). */
  order(l: number): { places: Int32Array; nans: number };
  /** The element at a place of line `l`, as stored. */
  value(l: number, place: number): number | bigint;
}

/** Types whose values are all float32 values too. */
const fitsFloat32 = new Set<DType>(["float32", "float16", "int16", "int8", "uint8", "bool"]);

function orderedLines(x: Tensor, dim: number, descending: boolean): OrderedLines {
  const input = asLines(x, dim), data = input.storage.data, offset = input.offset;
  const n = x.ndim === 0 ? 1 : x.shape[dim];
  const big = data instanceof BigInt64Array;
  const keys = big ? new BigInt64Array(n) : new Float64Array(n), places = new Int32Array(n);
  const scratch: SortScratch = {
    keys: big ? new BigInt64Array(n) : new Float64Array(n),
    places: new Int32Array(n),
    digits: fitsFloat32.has(x.dtype) ? { from: new Uint32Array(n), to: new Uint32Array(n) } : undefined,
  };
  const order = (l: number) => {
    const start = offset + l * n;
    let count = 0, nans = 0;
    for (let i = 0; i < n; i++) {
      const v = data[start + i];
      if (v !== v) scratch.places[nans++] = i;
      else {
        // ~v turns the order round without overflow
        keys[count] = !descending ? v : big ? ~v as never : -v as never;
        places[count++] = i;
      }
    }
    if (nans > 0) {
      const last = scratch.places.slice(0, nans);
      sortKeys(keys, places, count, scratch);
      if (descending) places.copyWithin(nans, 0, count);
      places.set(last, descending ? 0 : count);
    } else sortKeys(keys, places, count, scratch);
    return { places, nans };
  };
  return {
    lines: n === 0 ? 0 : input.numel() / n,
    length: n,
    order,
    value: (l, place) => data[offset + l * n + place],
  };
}

/** Chosen elements of every line, and their places, as tensors. `choose` gives the places in line `l`. */
function chosen(
  x: Tensor,
  dim: number,
  size: number,
  descending: boolean,
  choose: (places: Int32Array, nans: number, l: number, ordered: OrderedLines) => ArrayLike<number>,
): { values: Tensor; indices: Tensor } {
  const ordered = orderedLines(x, dim, descending);
  const shape = linesShape(x.shape, dim, size);
  const values = allocateTensor(shape, x.dtype), indices = allocateTensor(shape, "int64");
  const v = values.storage.data, at = indices.storage.data;
  for (let l = 0, w = 0; l < ordered.lines; l++) {
    const { places, nans } = ordered.order(l);
    const taken = choose(places, nans, l, ordered);
    for (let i = 0; i < size; i++, w++) {
      v[w] = ordered.value(l, taken[i]);
      at[w] = BigInt(taken[i]);
    }
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
  const result = chosen(x, d, size, o.descending ?? false, (places) => places);
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

/** The k best of each line where k is small and no element is a NaN or a BigInt; null otherwise. */
function few(
  x: Tensor,
  dim: number,
  k: number,
  largest: boolean,
): { values: Tensor; indices: Tensor } | null {
  const n = x.ndim === 0 ? 1 : x.shape[dim];
  if (k === 0 || k > 32 || n < 4 * k || x.dtype === "int64") return null;
  const input = asLines(x, dim), data = input.storage.data as Float64Array, lines = input.numel() / n;
  const shape = linesShape(x.shape, dim, k);
  const values = allocateTensor(shape, x.dtype), indices = allocateTensor(shape, "int64");
  const v = values.storage.data, at = indices.storage.data;
  const keys = new Float64Array(k), places = new Int32Array(k);
  for (let l = 0; l < lines; l++) {
    const start = input.offset + l * n;
    let have = 0;
    for (let i = 0; i < n; i++) {
      const value = data[start + i], key = largest ? value : -value;
      if (key !== key) return null;
      if (have === k && key <= keys[k - 1]) continue;
      let j = have < k ? have++ : k - 1;
      for (; j > 0 && keys[j - 1] < key; j--) {
        keys[j] = keys[j - 1];
        places[j] = places[j - 1];
      }
      keys[j] = key;
      places[j] = i;
    }
    for (let j = 0; j < k; j++) {
      v[l * k + j] = data[start + places[j]];
      at[l * k + j] = BigInt(places[j]);
    }
  }
  return { values: fromLines(values, dim), indices: fromLines(indices, dim) };
}

/** The k largest (or smallest) elements along a dimension, best first, and where they were. */
export function topk(x: Tensor, k: number, dim?: number | TopkOptions, options?: TopkOptions): ValuesIndices {
  checkTensor(x, "topk");
  const o = reduceArgs<TopkOptions>(dim, options, "topk", ["dim", "largest", "sorted"]);
  const d = normalizeDim(o.dim ?? -1, x.ndim), size = x.ndim === 0 ? 1 : x.shape[d];
  if (!Number.isInteger(k)) throw new TypeError(`topk(): k must be an integer, got ${brief(k)}`);
  if (k < 0 || k > size) throw new RangeError("selected index k out of range");
  const largest = o.largest ?? true;
  const result = few(x, d, k, largest) ?? chosen(x, d, k, largest, (places) => places);
  const args = { selfSymSizes: x.shape, dim: d, keepdim: true };
  recordAll(Topk, [result.values, result.indices], [x], args, { indices: result.indices });
  return new ValuesIndices("topk", result.values, result.indices);
}

// ---- one element of each line -------------------------------------------------------------------------------------

type Choice = (places: Int32Array, nans: number, l: number, ordered: OrderedLines) => number;

/** Picks one element of each line along `dim`. */
function pickOne(
  name: string,
  rule: Rule<Chosen>,
  x: Tensor,
  dim: number,
  keepdim: boolean,
  choose: Choice,
): ValuesIndices {
  if (x.ndim > 0 && x.shape[dim] === 0) {
    throw new RangeError(`${name}(): Expected reduction dim ${dim} to have non-zero size.`);
  }
  const kept = chosen(x, dim, 1, false, (...line) => [choose(...line)]);
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
  return pickOne("kthvalue", Kthvalue, x, d, o.keepdim ?? false, (places) => places[k - 1]);
}

const Mode = chooseRule("ModeBackward0");

/** The most frequent element along a dimension, the smallest of equally frequent ones, and where it was last. */
export function mode(x: Tensor, dim?: number | DimOptions, options?: DimOptions): ValuesIndices {
  checkTensor(x, "mode");
  const o = reduceArgs<DimOptions>(dim, options, "mode", pickKeys);
  const d = normalizeDim(o.dim ?? -1, x.ndim);
  return pickOne("mode", Mode, x, d, o.keepdim ?? false, (places, _nans, l, line) => {
    let best = places[0], most = 0, run = 0;
    for (let i = 0; i < places.length; i++) {
      run++;
      const ends = i + 1 === places.length || line.value(l, places[i]) !== line.value(l, places[i + 1]);
      if (!ends) continue;
      if (run > most) {
        most = run;
        best = places[i];
      }
      run = 0;
    }
    return best;
  });
}

// ---- medians ------------------------------------------------------------------------------------------------------

function medianPlace(skipNan: boolean): Choice {
  return (places, nans) => {
    const count = places.length - nans;
    // the first NaN, if one counts, stands right behind the numbers
    if (nans > 0 && (!skipNan || count === 0)) return places[count];
    return places[(count - 1) >> 1];
  };
}

const medianRules = {
  median: { whole: evenly("MedianBackward0"), dim: chooseRule("MedianBackward1") },
  nanmedian: { whole: evenly("NanmedianBackward0"), dim: chooseRule("NanmedianBackward1") },
};

/** The median of all elements, without history. */
function medianOf(x: Tensor, skipNan: boolean): Tensor {
  const packed = asLines(x, x.ndim - 1);
  const values = packed.storage.data.slice(packed.offset, packed.offset + x.numel());
  let count = 0;
  for (let i = 0; i < values.length; i++) if (values[i] === values[i]) values[count++] = values[i];
  const out = allocateTensor(SCALAR_SHAPE, x.dtype);
  const none = count === 0 || (!skipNan && count < values.length);
  if (none && !isFloatingPoint(x.dtype)) {
    throw new RangeError("median() of no elements is NaN, which an integer tensor cannot hold");
  }
  out.storage.data[0] = none ? NaN : selectKth(values as Float64Array, count, (count - 1) >> 1);
  return out;
}

function medianOp(name: "median" | "nanmedian", skipNan: boolean): Median {
  const { whole, dim: along } = medianRules[name];
  const choose = medianPlace(skipNan);
  return ((x: Tensor, dim?: number | null | DimOptions, options?: DimOptions) => {
    checkTensor(x, name);
    const o = reduceArgs<{ dim?: number | null; keepdim?: boolean }>(dim, options, name, pickKeys);
    if (o.dim === undefined || o.dim === null) {
      const out = medianOf(x, skipNan);
      return record(whole, out, [x], {}, { self: x, result: out });
    }
    return pickOne(name, along, x, normalizeDim(o.dim, x.ndim), o.keepdim ?? false, choose);
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
export const median: Median = medianOp("median", false);
/** The median of the elements that are not NaN. */
export const nanmedian: Median = medianOp("nanmedian", true);

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
