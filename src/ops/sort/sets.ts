/**
 * Tensors as collections: distinct elements, counts, bins, membership, places in sorted sequences.
 * @module
 */

import { checkKeys, checkNumber, checkTensor } from "../../tensor/arguments.ts";
import { allocate, promoteTypes, resultType, type Scalar } from "../../tensor/dtype.ts";
import { frozen, normalizeDim, sameShape, type Shape, shapeText } from "../../tensor/shape.ts";
import { scalarTensor } from "../../tensor/create.ts";
import { sameDevice } from "../../tensor/device.ts";
import { allocateTensor, installMethods, Tensor } from "../../tensor/tensor.ts";
import { to } from "../core/copy.ts";
import { backTo, onHost } from "../core/on_host.ts";
import { argsort } from "./order.ts";
import { checkOperand, operandTensor } from "../core/table.ts";

type Values = ArrayLike<number | bigint>;

/** The elements in row-major order, without history. */
function elements(x: Tensor): Values {
  return onHost(x).contiguous().typedArray();
}

function int64(values: readonly number[], like: Tensor, shape: Shape = [values.length]): Tensor {
  const out = allocateTensor(frozen(shape), "int64"), data = out.storage.data;
  values.forEach((v, i) => data[i] = BigInt(v));
  return backTo(out, like);
}

// ---- distinct elements --------------------------------------------------------------------------------------------

/** Options of {@linkcode uniqueConsecutive}. */
export interface UniqueConsecutiveOptions {
  /** Also give, for each element, its place among the distinct ones. */
  readonly returnInverse?: boolean;
  /** Also give how often each distinct element occurs. */
  readonly returnCounts?: boolean;
  /** Compare slices of this dimension; by default single elements of the flattened tensor. */
  readonly dim?: number | null;
}

/** Options of {@linkcode unique}. */
export interface UniqueOptions extends UniqueConsecutiveOptions {
  /** Whether the result has to be in order; here it always is. */
  readonly sorted?: boolean;
}

/** A tensor, or with `returnInverse` or `returnCounts` a list: values, then places, then counts. */
export type Unique<O> = O extends { readonly returnInverse: true } | { readonly returnCounts: true }
  ? Tensor[]
  : Tensor;

interface Items {
  readonly count: number;
  readonly compare: (i: number, j: number) => number;
  readonly take: (chosen: readonly number[]) => Tensor;
  readonly inverseShape: Shape;
}

/** Elements or slices that are to be compared. */
function itemsOf(x: Tensor, dim: number | null | undefined): Items {
  const plain = x.detach();
  if (dim === undefined || dim === null) {
    const flat = plain.reshape(-1), values = elements(flat);
    return {
      count: values.length,
      compare: (i, j) =>
        values[i] < values[j] ? -1 : values[i] > values[j] ? 1 : values[i] === values[j] ? 0 : NaN,
      take: (chosen) => flat.indexSelect(0, int64(chosen, x)),
      inverseShape: x.shape,
    };
  }
  const d = normalizeDim(dim, x.ndim);
  const rows = plain.movedim(d, 0), count = rows.shape[0];
  const values = elements(rows), width = count === 0 ? 0 : values.length / count;
  const compare = (i: number, j: number) => {
    for (let k = 0; k < width; k++) {
      const a = values[i * width + k], b = values[j * width + k];
      if (a !== b) return a < b ? -1 : a > b ? 1 : NaN;
    }
    return 0;
  };
  return { count, compare, take: (chosen) => plain.indexSelect(d, int64(chosen, x)), inverseShape: [count] };
}

/** Distinct items in the given order, of which equal ones must be neighbours. */
function distinct(items: Items, order: ArrayLike<number>, o: UniqueConsecutiveOptions): Tensor | Tensor[] {
  const first: number[] = [], counts: number[] = [], inverse = new Array<number>(items.count);
  for (let i = 0; i < items.count; i++) {
    // NaN equals nothing, so that each is distinct
    if (i === 0 || items.compare(order[i - 1], order[i]) !== 0) {
      first.push(order[i]);
      counts.push(0);
    }
    counts[counts.length - 1]++;
    inverse[order[i]] = first.length - 1;
  }
  const values = items.take(first);
  if (!o.returnInverse && !o.returnCounts) return values;
  const results = [values];
  if (o.returnInverse) results.push(int64(inverse, values, items.inverseShape));
  if (o.returnCounts) results.push(int64(counts, values));
  return results;
}

const consecutiveKeys = ["returnInverse", "returnCounts", "dim"];

/** The distinct elements (or slices of a dimension) in order. */
export function unique<O extends UniqueOptions>(x: Tensor, options: O = {} as O): Unique<O> {
  checkTensor(x, "unique");
  const o = checkKeys(options as UniqueOptions, "unique", [...consecutiveKeys, "sorted"]);
  const items = itemsOf(x, o.dim);
  const order = o.dim === undefined || o.dim === null
    ? Array.from(argsort(onHost(x).reshape(-1)).typedArray(), Number)
    : Array.from({ length: items.count }, (_, i) => i).sort((i, j) => items.compare(i, j) || i - j);
  return distinct(items, order, o) as Unique<O>;
}

/** The elements (or slices of a dimension) that differ from the one before. */
export function uniqueConsecutive<O extends UniqueConsecutiveOptions>(
  x: Tensor,
  options: O = {} as O,
): Unique<O> {
  checkTensor(x, "uniqueConsecutive");
  const o = checkKeys(options as UniqueConsecutiveOptions, "uniqueConsecutive", consecutiveKeys);
  const items = itemsOf(x, o.dim);
  return distinct(items, Array.from({ length: items.count }, (_, i) => i), o) as Unique<O>;
}

/** Options of {@linkcode isin}. */
export interface IsinOptions {
  /** Whether both sides have no repeats; makes no difference here. */
  readonly assumeUnique?: boolean;
  /** True for the elements that are not there. */
  readonly invert?: boolean;
}

/** For each element whether it is one of `testElements`. */
export function isin(x: Tensor | Scalar, testElements: Tensor | Scalar, options: IsinOptions = {}): Tensor {
  const { invert = false } = checkKeys(options, "isin", ["assumeUnique", "invert"]);
  checkOperand(x, "isin");
  checkOperand(testElements, "isin");
  const dtype = resultType([x, testElements]);
  const wrap = (t: Tensor | Scalar) => to(t instanceof Tensor ? onHost(t) : scalarTensor(t), dtype);
  if (x instanceof Tensor && testElements instanceof Tensor) sameDevice([x, testElements]);
  const model = x instanceof Tensor ? x : testElements instanceof Tensor ? testElements : null;
  const left = wrap(x), known = new Set<number | bigint>(Array.from(elements(wrap(testElements))));
  const out = allocateTensor(left.shape, "bool"), data = out.storage.data;
  const values = elements(left);
  for (let i = 0; i < values.length; i++) {
    const v = values[i];
    data[i] = (v === v && known.has(v)) !== invert ? 1 : 0;
  }
  return model === null ? out : backTo(out, model);
}

// ---- counting -----------------------------------------------------------------------------------------------------

/** Options of {@linkcode bincount}. */
export interface BincountOptions {
  /** What each element adds to its bin; 1 by default. */
  readonly weights?: Tensor;
  /** Least number of bins. */
  readonly minlength?: number;
}

/** How often each of the integers 0, 1, 2, ... occurs, or the sums of their weights. */
export function bincount(x: Tensor, options: BincountOptions = {}): Tensor {
  checkTensor(x, "bincount");
  const { weights, minlength = 0 } = checkKeys(options, "bincount", ["weights", "minlength"]);
  if (!Number.isInteger(minlength) || minlength < 0) {
    throw new RangeError(`minlength should be >= 0, got ${String(minlength)}`);
  }
  if (!["int8", "uint8", "int16", "int32", "int64"].includes(x.dtype)) {
    throw new TypeError(`bincount only supports 1-d non-negative integral inputs, got ${x.dtype}`);
  }
  const values = Array.from(elements(x), Number);
  if (x.ndim !== 1 || values.some((v) => v < 0)) {
    throw new TypeError("bincount only supports 1-d non-negative integral inputs.");
  }
  if (weights !== undefined) sameDevice([x, checkTensor(weights, "bincount", "weights")]);
  if (weights !== undefined && !sameShape(weights.shape, x.shape)) {
    throw new TypeError("weights should be 1-d and have the same length as input");
  }
  const bins = values.reduce((most, v) => Math.max(most, v + 1), minlength);
  const sums = allocate("float64", bins) as Float64Array;
  const by = weights === undefined ? null : elements(weights);
  values.forEach((v, i) => sums[v] += by === null ? 1 : Number(by[i]));
  const out = allocateTensor(
    [bins],
    weights === undefined ? "int64" : weights.dtype === "float32" ? "float32" : "float64",
  );
  const data = out.storage.data;
  for (let i = 0; i < bins; i++) data[i] = weights === undefined ? BigInt(sums[i]) : sums[i];
  return backTo(out, x);
}

/** Options of {@linkcode histc}. */
export interface HistcOptions {
  /** Number of bins; 100 by default. */
  readonly bins?: number;
  /** Lower end; with `max` equal to it the elements decide. */
  readonly min?: number;
  /** Upper end. */
  readonly max?: number;
}

/** Numbers of elements in bins of equal width. Elements outside do not count. */
export function histc(x: Tensor, bins?: number | HistcOptions, options: HistcOptions = {}): Tensor {
  checkTensor(x, "histc");
  const given = typeof bins === "number" ? { ...options, bins } : bins ?? options;
  const { bins: count = 100, min = 0, max = 0 } = checkKeys(given, "histc", ["bins", "min", "max"]);
  if (!Number.isInteger(count) || count <= 0) throw new RangeError("bins must be > 0");
  checkNumber(min, "histc", "min");
  checkNumber(max, "histc", "max");
  const values = Array.from(elements(x), Number);
  let low = min, high = max;
  if (low === high && values.length > 0) {
    low = values.reduce((a, b) => Math.min(a, b));
    high = values.reduce((a, b) => Math.max(a, b));
  }
  if (low === high) low -= 1, high += 1;
  if (!Number.isFinite(low) || !Number.isFinite(high)) {
    throw new RangeError(`range of [${low}, ${high}] is not finite`);
  }
  if (low > high) throw new RangeError("max must be larger than min");
  const out = allocateTensor([count], x.dtype), data = out.storage.data;
  const one = x.dtype === "int64" ? 1n : 1;
  for (const v of values) {
    if (!(v >= low && v <= high)) continue;
    const bin = Math.min(Math.floor((v - low) / (high - low) * count), count - 1);
    data[bin] = (data[bin] as number) + (one as number);
  }
  return backTo(out, x);
}

// ---- places in sorted sequences -----------------------------------------------------------------------------------

/** Options of {@linkcode searchsorted}. */
export interface SearchsortedOptions {
  /** Behind equal elements instead of before them. */
  readonly right?: boolean;
  /** The same as `right`, in NumPy's words. */
  readonly side?: "left" | "right";
  /** Give int32. */
  readonly outInt32?: boolean;
  /** The order in which the sequence is sorted, as `argsort` gives it. */
  readonly sorter?: Tensor;
}

/** For each value the place in a sorted sequence before which it could be inserted. */
export function searchsorted(
  sequence: Tensor,
  values: Tensor | number,
  options: SearchsortedOptions = {},
): Tensor {
  checkTensor(sequence, "searchsorted");
  const o = checkKeys(options, "searchsorted", ["right", "side", "outInt32", "sorter"]);
  if (o.side !== undefined && o.side !== "left" && o.side !== "right") {
    throw new RangeError(
      `torch.searchsorted(): side can only be 'left' or 'right' but got ${String(o.side)}`,
    );
  }
  if (o.right && o.side === "left") {
    throw new RangeError(
      "torch.searchsorted(): side and right can't be set to opposites, got side of left while right was True",
    );
  }
  const right = o.right ?? o.side === "right";
  if (sequence.ndim === 0) {
    throw new TypeError("torch.searchsorted(): boundaries tensor should have positive dimension");
  }
  const wanted = operandTensor(values, "searchsorted");
  if (values instanceof Tensor) sameDevice([sequence, values]);
  if (sequence.ndim > 1 && !sameShape(sequence.shape.slice(0, -1), wanted.shape.slice(0, -1))) {
    throw new TypeError(
      "torch.searchsorted(): boundaries tensor should be 1 dimension or the first N-1 dimensions of boundaries tensor and " +
        `input value tensor must match, but we got boundaries tensor ${
          shapeText(sequence.shape)
        } and input value tensor ` +
        shapeText(wanted.shape),
    );
  }
  if (values instanceof Tensor && wanted.dtype !== sequence.dtype) {
    throw new TypeError(
      "torch.searchsorted(): input value tensor and boundary tensor should have same dtype, but got boundaries tensor dtype " +
        `${sequence.dtype} and input value tensor dtype ${wanted.dtype}`,
    );
  }
  if (o.sorter !== undefined) checkTensor(o.sorter, "searchsorted", "sorter");
  const n = sequence.shape[sequence.ndim - 1];
  const bounds = elements(sequence), v = elements(wanted);
  const sorter = o.sorter === undefined ? null : elements(o.sorter);
  if (o.sorter !== undefined && (!sameShape(o.sorter.shape, sequence.shape) || o.sorter.dtype !== "int64")) {
    throw new TypeError("torch.searchsorted(): sorter must be an int64 tensor of the boundaries' shape");
  }
  const out = allocateTensor(wanted.shape, o.outInt32 ? "int32" : "int64"), data = out.storage.data;
  const width = sequence.ndim === 1 ? v.length : wanted.shape[wanted.ndim - 1];
  for (let i = 0; i < v.length; i++) {
    const start = sequence.ndim === 1 ? 0 : Math.floor(i / width) * n;
    let low = 0, high = n;
    while (low < high) {
      const middle = (low + high) >> 1;
      const b = bounds[start + (sorter === null ? middle : Number(sorter[start + middle]))];
      // so turned that NaN goes to the end
      const before = right ? !(b > v[i]) : !(b >= v[i]);
      if (before) low = middle + 1;
      else high = middle;
    }
    data[i] = o.outInt32 ? low : BigInt(low);
  }
  return backTo(out, sequence);
}

/** Options of {@linkcode bucketize}. */
export interface BucketizeOptions {
  /** Whether boundaries belong to the bucket behind them. */
  readonly right?: boolean;
  /** Give int32. */
  readonly outInt32?: boolean;
}

/** For each element the number of the bucket between sorted boundaries. */
export function bucketize(x: Tensor | number, boundaries: Tensor, options: BucketizeOptions = {}): Tensor {
  checkOperand(x, "bucketize");
  checkTensor(boundaries, "bucketize", "boundaries", 2);
  checkKeys(options, "bucketize", ["right", "outInt32"]);
  if (boundaries.ndim !== 1) {
    throw new TypeError(
      `torch.bucketize(): boundaries tensor must be 1 dimension, but got dim(${boundaries.ndim})`,
    );
  }
  if (!(x instanceof Tensor)) return searchsorted(boundaries, x, options);
  const dtype = promoteTypes(x.dtype, boundaries.dtype);
  return searchsorted(to(boundaries, dtype), to(x, dtype), options);
}

/** The methods of this family. */
export interface SetMethods {
  /** The distinct elements in order. */
  unique<O extends UniqueOptions>(options?: O): Unique<O>;
  /** The elements that differ from the one before. */
  uniqueConsecutive<O extends UniqueConsecutiveOptions>(options?: O): Unique<O>;
  /** For each element whether it is one of others. */
  isin(testElements: Tensor | Scalar, options?: IsinOptions): Tensor;
  /** How often each of the integers 0, 1, 2, ... occurs. */
  bincount(options?: BincountOptions): Tensor;
  /** Numbers of elements in bins of equal width. */
  histc(bins?: number | HistcOptions, options?: HistcOptions): Tensor;
}

const methods: SetMethods & ThisType<Tensor> = {
  unique(options) {
    return unique(this, options);
  },
  uniqueConsecutive(options) {
    return uniqueConsecutive(this, options);
  },
  isin(testElements, options) {
    return isin(this, testElements, options);
  },
  bincount(options) {
    return bincount(this, options);
  },
  histc(bins, options) {
    return histc(this, bins, options);
  },
};
installMethods(methods);
