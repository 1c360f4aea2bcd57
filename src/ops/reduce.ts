/**
 * Reductions: sums, means and their like over all or some dimensions.
 * @module
 */

import { type Fold, runFold } from "../backend/cpu/reduce_js.ts";
import { castScalar } from "../tensor/create.ts";
import { category, checkDType, type DType, isFloatingPoint, typeName } from "../tensor/dtype.ts";
import {
  frozen,
  normalizeDims,
  numel,
  sameShape,
  SCALAR_SHAPE,
  type Shape,
  shapeText,
} from "../tensor/shape.ts";
import { Storage } from "../tensor/storage.ts";
import { allocateTensor, installMethods, Tensor } from "../tensor/tensor.ts";
import { record, type Rule } from "./record.ts";
import { to } from "./copy.ts";
import { expand, reshape } from "./view.ts";

/** One dimension, several, or (undefined, null or none) all. */
export type Dims = number | readonly number[] | null;

/** Options of reductions. */
export interface ReduceOptions {
  /** Dimensions to reduce; all by default. */
  readonly dim?: Dims;
  /** Keep reduced dimensions with size 1. */
  readonly keepdim?: boolean;
  /** Cast to this dtype first. */
  readonly dtype?: DType;
}

/** Reads `f(x, dim, options)` and `f(x, options)`. */
export function reduceArgs(
  dim: Dims | ReduceOptions | undefined,
  options: ReduceOptions = {},
  caller: string,
): ReduceOptions {
  const given = typeof dim === "object" && dim !== null && !Array.isArray(dim)
    ? dim as ReduceOptions
    : dim === undefined
    ? options
    : { ...options, dim: dim as Dims };
  for (const key of Object.keys(given)) {
    if (!["dim", "keepdim", "dtype"].includes(key)) {
      throw new TypeError(`${caller}() has no option ${JSON.stringify(key)}: use dim, keepdim, dtype`);
    }
  }
  if (given.dtype !== undefined) checkDType(given.dtype);
  return given;
}

/** The shape after a reduction over `dims` (normalised). */
export function reducedShape(shape: Shape, dims: readonly number[], keepdim: boolean): Shape {
  return frozen(
    keepdim ? shape.map((s, i) => dims.includes(i) ? 1 : s) : shape.filter((_, i) => !dims.includes(i)),
  );
}

/** Folds dimensions of a tensor into new tensors of the given dtypes, without history. */
export function fold(
  x: Tensor,
  how: Fold,
  dims: readonly number[],
  shape: Shape,
  ...results: DType[]
): Tensor[] {
  const kept = x.shape.map((_, i) => i).filter((i) => !dims.includes(i));
  const outs = results.map((dtype) => allocateTensor(shape, dtype));
  runFold(
    how,
    {
      data: x.storage.data,
      offset: x.offset,
      kept: kept.map((i) => x.shape[i]),
      keptStrides: kept.map((i) => x.strides[i]),
      folded: dims.map((i) => x.shape[i]),
      foldedStrides: dims.map((i) => x.strides[i]),
    },
    x.dtype,
    outs.map((t) => t.storage.data),
  );
  return outs;
}

/** A reduced gradient in the shape of what was reduced, the reduced dimensions repeated. */
export function expandBack(g: Tensor, shape: Shape, dims: readonly number[], keepdim: boolean): Tensor {
  const full = keepdim || shape.length === 0 ? g : reshape(g, reducedShape(shape, dims, true));
  return sameShape(full.shape, shape) ? full : expand(full, shape);
}

// ---- sum ----------------------------------------------------------------------------------------------------------

const sumFold: Fold = { name: "sum", start: "let acc = 0;", step: "acc += v", results: ["acc"] };
const sumBigFold: Fold = { name: "sum64", start: "let acc = 0n;", step: "acc += v", results: ["acc"] };

interface Reduced {
  readonly selfSymSizes: Shape;
  readonly dim: readonly number[];
  readonly keepdim: boolean;
}

const Sum: Rule<{ selfSymSizes: Shape }> = {
  name: "SumBackward0",
  backward: (g, { args }) => [expand(g, args.selfSymSizes)],
};
const SumDim: Rule<Reduced> = {
  name: "SumBackward1",
  backward: (g, { args }) => [expandBack(g, args.selfSymSizes, args.dim, args.keepdim)],
};

function sumOver(x: Tensor, dims: readonly number[], shape: Shape): Tensor {
  if (x.ndim === 0) {
    return new Tensor(Storage.ofValue(x.dtype, x.storage.get(x.offset)), 0, SCALAR_SHAPE, SCALAR_SHAPE);
  }
  return fold(x, x.dtype === "int64" ? sumBigFold : sumFold, dims, shape, x.dtype)[0];
}

/** The sum of all elements, or over dimensions. Integers and bools give int64. */
export function sum(x: Tensor, dim?: Dims | ReduceOptions, options?: ReduceOptions): Tensor {
  const given = reduceArgs(dim, options, "sum");
  const dtype = given.dtype ?? (category(x.dtype) === 2 ? x.dtype : "int64");
  const input = to(x, dtype);
  const dims = normalizeDims(emptyMeansAll(given.dim), x.ndim), keepdim = given.keepdim ?? false;
  const out = sumOver(input, dims, reducedShape(x.shape, dims, keepdim));
  if (given.dim === undefined || given.dim === null) {
    return record(Sum, out, [input], { selfSymSizes: x.shape });
  }
  return record(SumDim, out, [input], { selfSymSizes: x.shape, dim: dims, keepdim });
}

/** PyTorch reads an empty list of dimensions as all of them. */
function emptyMeansAll(dim: Dims | undefined): Dims | undefined {
  return Array.isArray(dim) && dim.length === 0 ? undefined : dim;
}

/** Sums a tensor to a shape that it could have been broadcast from. */
export function sumToSize(x: Tensor, ...sizes: (number | readonly number[])[]): Tensor {
  const shape = (sizes.length === 1 && typeof sizes[0] !== "number" ? sizes[0] : sizes) as Shape;
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

/** The mean of all elements, or over dimensions. Needs a floating-point dtype. */
export function mean(x: Tensor, dim?: Dims | ReduceOptions, options?: ReduceOptions): Tensor {
  const given = reduceArgs(dim, options, "mean");
  const dtype = given.dtype ?? x.dtype;
  if (!isFloatingPoint(dtype)) {
    throw new TypeError(
      "mean(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. Got: " +
        typeName(dtype),
    );
  }
  const input = to(x, dtype);
  const dims = normalizeDims(emptyMeansAll(given.dim), x.ndim), keepdim = given.keepdim ?? false;
  const count = numel(dims.map((d) => x.shape[d]));
  const how: Fold = { ...sumFold, name: "mean", results: ["acc / i"] };
  const shape = reducedShape(x.shape, dims, keepdim);
  const out = x.ndim === 0 ? sumOver(input, dims, shape) : fold(input, how, dims, shape, dtype)[0];
  const args = {
    selfSymNumel: given.dim === undefined || given.dim === null ? count : x.numel(),
    selfSymSizes: x.shape,
  };
  if (given.dim === undefined || given.dim === null) return record(Mean, out, [input], args);
  return record(MeanDim, out, [input], { ...args, dim: dims, keepdim });
}

/** The methods of this family. */
export interface ReduceMethods {
  /** The sum of all elements, or over dimensions. */
  sum(dim?: Dims | ReduceOptions, options?: ReduceOptions): Tensor;
  /** Sums to a shape that this one could have been broadcast from. */
  sumToSize(...sizes: (number | readonly number[])[]): Tensor;
  /** The mean of all elements, or over dimensions. */
  mean(dim?: Dims | ReduceOptions, options?: ReduceOptions): Tensor;
}

const methods: ReduceMethods & ThisType<Tensor> = {
  sum(dim, options) {
    return sum(this, dim, options);
  },
  sumToSize(...sizes) {
    return sumToSize(this, ...sizes);
  },
  mean(dim, options) {
    return mean(this, dim, options);
  },
};
installMethods(methods);
