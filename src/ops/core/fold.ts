/**
 * What the reductions share: reading `dim` and options, shapes, and folding without history.
 * @module
 */

import { runFusedFold } from "../../backend/fused_fold.ts";
import { runFlatFold, runFold } from "../../backend/reduce.ts";
import { adding, Fold } from "../../expr/fold.ts";
import type { Program } from "../../expr/program.ts";
import { checkKeys } from "../../tensor/arguments.ts";
import { describe } from "../../tensor/describe.ts";
import { allocate, type DType, type TypedArray } from "../../tensor/dtype.ts";
import { recording } from "../../tensor/later.ts";
import {
  broadcastStrides,
  frozen,
  normalizeDims,
  sameShape,
  SCALAR_SHAPE,
  type Shape,
} from "../../tensor/shape.ts";
import { Storage } from "../../tensor/storage.ts";
import { Tensor, unwrittenTensor } from "../../tensor/tensor.ts";
import type { Operand } from "./compute.ts";
import type { PointwiseOp } from "./pointwise_op.ts";
import { expand, reshape } from "../view/view.ts";

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

/** Options of operations along one dimension. */
export interface DimOptions {
  /** The dimension. */
  readonly dim?: number;
  /** Keep the reduced dimension with size 1. */
  readonly keepdim?: boolean;
}

const reduceKeys = ["dim", "keepdim", "dtype"];

const NO_OPTIONS = Object.freeze({});

/** Reads `f(x, dim, options)` and `f(x, options)`. */
export function reduceArgs<O extends { readonly dim?: Dims } = ReduceOptions>(
  dim: Dims | NoInfer<O> | undefined,
  options: NoInfer<O> | undefined,
  caller: string,
  keys: readonly string[] = reduceKeys,
): O {
  if (dim === undefined && options === undefined) return NO_OPTIONS as O;
  const isOptions = typeof dim === "object" && dim !== null && !Array.isArray(dim);
  if (isOptions) return checkKeys(dim as O, caller, keys);
  const given = options === undefined ? {} as O : checkKeys(options, caller, keys);
  if (dim === undefined) return given;
  if (dim !== null && typeof dim !== "number" && !Array.isArray(dim)) {
    throw new TypeError(`${caller}(): dim must be a number or a list of numbers, not ${describe(dim)}`);
  }
  return { ...given, dim };
}

const everyDim: (readonly number[])[] = [];

/** The numbers of all dimensions; one list for each number of dimensions. */
function allDims(ndim: number): readonly number[] {
  return everyDim[ndim] ??= Object.freeze(Array.from({ length: ndim }, (_, i) => i));
}

/** The dimensions to reduce, from 0 and in order; no dimension and an empty list mean all, as in PyTorch. */
export function reducedDims(dim: Dims | undefined, ndim: number): readonly number[] {
  if (dim === undefined || dim === null) return allDims(ndim);
  return normalizeDims(Array.isArray(dim) && dim.length === 0 ? null : dim, ndim);
}

/** The shape after a reduction over `dims` (normalised). */
export function reducedShape(shape: Shape, dims: readonly number[], keepdim: boolean): Shape {
  if (!keepdim && dims.length === shape.length) return SCALAR_SHAPE;
  return frozen(
    keepdim ? shape.map((s, i) => dims.includes(i) ? 1 : s) : shape.filter((_, i) => !dims.includes(i)),
  );
}

/** One array of one element a dtype, so that small results do not pay for arrays. */
const ins = new Map<DType, TypedArray>(), outs = new Map<DType, TypedArray>();

function single(arrays: Map<DType, TypedArray>, dtype: DType): TypedArray {
  let array = arrays.get(dtype);
  if (array === undefined) arrays.set(dtype, array = allocate(dtype, 1));
  return array;
}

/** Folds all elements of a row-major tensor. */
function foldAll(x: Tensor, how: Fold, results: readonly DType[]): Tensor[] {
  let data: TypedArray, offset = x.offset;
  if (x.shape === SCALAR_SHAPE) {
    data = single(ins, x.dtype);
    data[0] = x.storage.get(x.offset);
    offset = 0;
  } else data = x.storage.data;
  const arrays = scalarArrays(results);
  runFlatFold(how, data, offset, x.numel(), x.dtype, arrays);
  return scalars(arrays, results);
}

function scalarArrays(results: readonly DType[]): TypedArray[] {
  // the shared array does for the first result only: there may be two of one dtype
  return results.map((dtype, i) => i > 0 ? allocate(dtype, 1) : single(outs, dtype));
}

function scalars(arrays: readonly TypedArray[], results: readonly DType[]): Tensor[] {
  return results.map((dtype, i) =>
    new Tensor(Storage.ofValue(dtype, arrays[i][0]), 0, SCALAR_SHAPE, SCALAR_SHAPE)
  );
}

/** The sum of elements. */
export const sumFold: Fold = new Fold("sum", [adding("v")], ["acc"]);

/** The mean of elements. */
export const meanFold: Fold = new Fold("mean", [adding("v")], ["acc / n"]);

/** Folds dimensions of a tensor into new tensors of the given dtypes, without history. */
export function fold(
  x: Tensor,
  how: Fold,
  dims: readonly number[],
  shape: Shape,
  ...results: DType[]
): Tensor[] {
  if (recording.now !== null && x.storage.later !== null && results.length === 1) {
    const later = recording.now.fold(x, how, dims, shape, results[0]);
    if (later !== null) return [later];
  }
  const { device } = x;
  if (device === "cpu" && shape.length === 0 && dims.length === x.shape.length && x.isContiguous()) {
    return foldAll(x, how, results);
  }
  const kept: number[] = [], keptStrides: number[] = [], folded: number[] = [], foldedStrides: number[] = [];
  for (let d = 0; d < x.shape.length; d++) {
    const inside = dims.includes(d);
    (inside ? folded : kept).push(x.shape[d]);
    (inside ? foldedStrides : keptStrides).push(x.strides[d]);
  }
  const input = { data: x.storage.memory, offset: x.offset, kept, keptStrides, folded, foldedStrides };
  if (device === "cpu" && shape.length === 0) {
    const arrays = scalarArrays(results);
    runFold(how, input, x.dtype, arrays);
    return scalars(arrays, results);
  }
  const tensors = results.map((dtype) => unwrittenTensor(shape, dtype, device));
  runFold(how, input, x.dtype, tensors.map((t) => t.storage.memory));
  return tensors;
}

/**
 * Folds all that an operation gives of tensors of one shape and numbers into one value, without keeping it and without history. Null,
 * with nothing done, where that is done in two steps: on the CPU, for tensors of several dtypes, and within `compile`.
 */
export function foldPointwise(op: PointwiseOp, inputs: readonly Operand[], how: Fold): Tensor | null {
  const first = inputs.find((x) => x instanceof Tensor);
  if (first === undefined || first.ndim === 0) return null;
  if (inputs.some((x) => x instanceof Tensor && !sameShape(x.shape, first.shape))) return null;
  return foldOver(op.program, inputs, how, first.shape, allDims(first.ndim), SCALAR_SHAPE)?.[0] ?? null;
}

/**
 * The same over the dimensions `dims` of operands that are broadcast to a shape, of one or two numbers that a program computes of each
 * element. The results get the shape `to`.
 */
export function foldOver(
  p: Program,
  inputs: readonly Operand[],
  how: Fold,
  shape: Shape,
  dims: readonly number[],
  to: Shape,
): Tensor[] | null {
  if (recording.now !== null) return null;
  let first: Tensor | null = null;
  for (const x of inputs) {
    if (typeof x === "number") continue;
    if (typeof x !== "object" || x.device === "cpu") return null;
    first ??= x;
    if (x.dtype !== first.dtype || x.device !== first.device) return null;
  }
  if (first === null || (first.dtype !== "float32" && first.dtype !== "float64")) return null;
  const { dtype, device } = first, outs = how.results.map(() => unwrittenTensor(to, dtype, device));
  const operands = inputs.map((x) => {
    if (typeof x !== "object") return x as number;
    return {
      data: x.storage.memory,
      dtype,
      offset: x.offset,
      strides: broadcastStrides(x.shape, x.strides, shape),
    };
  });
  runFusedFold(p, operands, how, shape, dims, dtype, outs.map((out) => out.storage.memory));
  return outs;
}

/** A reduced tensor with its reduced dimensions back, at size 1. */
export function unreduce(t: Tensor, shape: Shape, dims: readonly number[], keepdim: boolean): Tensor {
  return keepdim || shape.length === 0 ? t : reshape(t, reducedShape(shape, dims, true));
}

/** A reduced gradient in the shape of what was reduced, the reduced dimensions repeated. */
export function expandBack(g: Tensor, shape: Shape, dims: readonly number[], keepdim: boolean): Tensor {
  const full = unreduce(g, shape, dims, keepdim);
  return sameShape(full.shape, shape) ? full : expand(full, shape);
}
