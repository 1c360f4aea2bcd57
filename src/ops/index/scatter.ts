/**
 * Reading and writing along one dimension by a tensor of indices that has the shape of the values.
 * @module
 */

import { brief } from "../../tensor/describe.ts";
import { checkKeys, checkScalar, checkTensor } from "../../tensor/arguments.ts";
import { type Scalar, typeName } from "../../tensor/dtype.ts";
import { broadcastShapes, normalizeDim, type Shape, shapeText } from "../../tensor/shape.ts";
import { installMethods, Tensor } from "../../tensor/tensor.ts";
import { checkIndexDevice, isIndexType, readIndices } from "./checks.ts";
import { scatterReduced, type ScatterReduction, scatterReductions } from "./scatter_reduce.ts";
import { newOffsets, offsetsOf, pick, scattered, Selection, write } from "./selection.ts";

export type { ScatterReduction } from "./scatter_reduce.ts";

/** Sizes with a 0-d tensor taken for one of size 1. */
function sizes(t: Tensor): Shape {
  return t.ndim === 0 ? [1] : t.shape;
}

/** Checks dtype, number of dimensions and sizes of an index, and makes the selection. */
function along(
  caller: string,
  self: "input" | "self",
  x: Tensor,
  dim: number,
  index: Tensor,
  src: Tensor | null,
): Selection {
  const d = normalizeDim(dim, x.ndim);
  checkTensor(index, caller, "index");
  if (!isIndexType(index)) throw new TypeError(`${caller}(): Expected dtype int32/int64 for index`);
  if (src !== null && src.dtype !== x.dtype) {
    throw new TypeError(`${caller}(): Expected self.dtype to be equal to src.dtype`);
  }
  const inner = sizes(index), outer = sizes(x);
  if (index.numel() > 0) {
    if (inner.length !== outer.length) {
      throw new TypeError(`Index tensor must have the same number of dimensions as ${self} tensor`);
    }
    if (src !== null && sizes(src).length !== inner.length) {
      throw new TypeError("Index tensor must have the same number of dimensions as src tensor");
    }
    const toSelf = inner.some((s, k) => k !== d && s > outer[k]);
    const toSrc = src !== null && inner.some((s, k) => s > sizes(src)[k]);
    if (toSelf || toSrc) throw sizeError(self, x, d, index, src);
  }
  checkIndexDevice(x, index);
  if (src !== null) checkIndexDevice(x, src);
  const size = outer[d];
  if (x.device !== "cpu") {
    const along = index.shape.map((_, k) => k === d || x.ndim === 0 ? -1 : k);
    const used = { tensor: index, strides: index.strides, dims: x.ndim === 0 ? [] : [d], wrap: false };
    return new Selection(x.shape, index.shape, { along, indices: [used], caller: `${caller}()` });
  }
  const indices = readIndices(
    index,
    size,
    false,
    (i) => new RangeError(`index ${i} is out of bounds for dimension ${d} with size ${size}`),
  );
  return new Selection(x.shape, index.shape, (strides) => {
    if (x.ndim === 0) return scattered(indices);
    const out = newOffsets(
      indices.length,
      x.shape.reduce((sum, s, k) => sum + Math.max(s - 1, 0) * strides[k], 0),
    );
    const rest = offsetsOf(inner, strides.map((s, k) => k === d ? 0 : s)), step = strides[d];
    for (let i = 0; i < out.length; i++) out[i] = rest[i] + indices[i] * step;
    return scattered(out);
  });
}

function sizeError(
  self: "input" | "self",
  x: Tensor,
  d: number,
  index: Tensor,
  src: Tensor | null,
): TypeError {
  if (self === "input") {
    const at = index.shape.findIndex((s, k) => k !== d && s > x.shape[k]);
    return new TypeError(
      `Size does not match at dimension ${at} expected index ${
        shapeText(index.shape)
      } to be no larger than self ` +
        `${shapeText(x.shape)} apart from dimension ${d}`,
    );
  }
  const bySrc = src === null ? "" : ` and to be no larger size than src ${shapeText(src.shape)}`;
  return new TypeError(
    `Expected index ${shapeText(index.shape)} to be no larger than self ${
      shapeText(x.shape)
    } apart from dimension ` +
      `${d}${bySrc}`,
  );
}

// ---- reading ------------------------------------------------------------------------------------------------------

const names = { pick: "GatherBackward0", spread: "ScatterAddBackward0" };

/** `out[i][j] = x[i][index[i][j]]` for dimension 1, and so on; the result has the shape of the index. */
export function gather(x: Tensor, dim: number, index: Tensor): Tensor {
  checkTensor(x, "gather");
  const selection = along("gather", "input", x, dim, index, null);
  const args = { dim: normalizeDim(dim, x.ndim), sparseGrad: false };
  return pick(x, selection, names, args, { index });
}

/** Options of {@linkcode takeAlongDim}. */
export interface TakeAlongDimOptions {
  /** The dimension; without one, tensor and indices are flattened. */
  readonly dim?: number | null;
}

/** `gather` with tensor and indices broadcast against each other in the other dimensions, for the results of `argsort`. */
export function takeAlongDim(
  x: Tensor,
  indices: Tensor,
  dim: number | null | TakeAlongDimOptions = null,
): Tensor {
  checkTensor(x, "takeAlongDim");
  checkTensor(indices, "takeAlongDim", "indices");
  const chosen = typeof dim === "object" && dim !== null
    ? checkKeys(dim, "takeAlongDim", ["dim"]).dim ?? null
    : dim;
  if (indices.dtype !== "int64") {
    throw new TypeError(
      `torch.take_along_dim(): dtype of indices should be Long but got ${typeName(indices.dtype)}`,
    );
  }
  if (chosen === null) return gather(x.reshape(-1), 0, indices.reshape(-1));
  if (x.ndim !== indices.ndim) {
    throw new TypeError(
      `torch.take_along_dim(): input and indices should have the same number of dimensions, but got ${x.ndim} ` +
        `dimensions for input, and ${indices.ndim} dimensions for indices`,
    );
  }
  const d = normalizeDim(chosen, x.ndim);
  const but = (shape: Shape, size: number) => shape.map((s, k) => k === d ? size : s);
  const shape = broadcastShapes(but(x.shape, 1), but(indices.shape, 1));
  return gather(x.expand(but(shape, x.shape[d])), d, indices.expand(but(shape, indices.shape[d])));
}

// ---- writing ------------------------------------------------------------------------------------------------------

/** Options of {@linkcode scatter}. */
export interface ScatterOptions {
  /** How a value is combined with what is there; it replaces it by default. */
  readonly reduce?: "add" | "multiply";
}

/** The part of the source that the index uses. */
function usedPart(src: Tensor, index: Tensor): Tensor {
  return index.shape.reduce((t, size, d) => t.shape[d] === size ? t : t.narrow(d, 0, size), src);
}

function scatterInto(
  inPlace: boolean,
  x: Tensor,
  dim: number,
  index: Tensor,
  src: Tensor | Scalar,
  options: ScatterOptions,
): Tensor {
  const caller = inPlace ? "scatter_" : "scatter";
  const { reduce } = checkKeys(options, caller, ["reduce"]);
  if (!(src instanceof Tensor)) checkScalar(src, caller, "src");
  if (reduce !== undefined && reduce !== "add" && reduce !== "multiply") {
    throw new TypeError("reduce argument must be either add or multiply.");
  }
  const given = src instanceof Tensor ? src : null;
  const selection = along(caller, "self", x, dim, index, given);
  let values: Tensor | Scalar = given === null ? src as Scalar : usedPart(given, index);
  if (reduce !== undefined && !(values instanceof Tensor)) {
    values = x.newScalar(values).expand(index.shape);
  }
  if (reduce === "multiply") {
    return scatterReduced(inPlace, x, selection, index, values as Tensor, "prod", true, dim);
  }
  return write(x, selection, values, {
    name: `ScatterBackward${(given === null ? 1 : 0) + (reduce === undefined ? 0 : 2)}`,
    names,
    inPlace,
    accumulate: reduce === "add",
    args: { dim: normalizeDim(dim, x.ndim) },
    save: { index },
  });
}

/** A copy with `out[i][index[i][j]] = src[i][j]` for dimension 1, and so on; the source is a tensor or one value. */
export function scatter(
  x: Tensor,
  dim: number,
  index: Tensor,
  src: Tensor | Scalar,
  options: ScatterOptions = {},
): Tensor {
  checkTensor(x, "scatter");
  return scatterInto(false, x, dim, index, src, options);
}

function addInto(inPlace: boolean, x: Tensor, dim: number, index: Tensor, src: Tensor): Tensor {
  const caller = inPlace ? "scatterAdd_" : "scatterAdd";
  const selection = along(caller, "self", x, dim, index, checkTensor(src, caller, "src"));
  return write(x, selection, usedPart(src, index), {
    name: "ScatterAddBackward0",
    names,
    inPlace,
    accumulate: true,
    args: { dim: normalizeDim(dim, x.ndim) },
    save: { index },
  });
}

/** A copy with `out[i][index[i][j]] += src[i][j]` for dimension 1, and so on. */
export function scatterAdd(x: Tensor, dim: number, index: Tensor, src: Tensor): Tensor {
  checkTensor(x, "scatterAdd");
  return addInto(false, x, dim, index, src);
}

/** Options of {@linkcode scatterReduce}. */
export interface ScatterReduceOptions {
  /** Whether the elements that are there take part; true by default. */
  readonly includeSelf?: boolean;
}

function reduceInto(
  inPlace: boolean,
  x: Tensor,
  dim: number,
  index: Tensor,
  src: Tensor,
  reduce: ScatterReduction,
  options: ScatterReduceOptions,
): Tensor {
  const caller = inPlace ? "scatterReduce_" : "scatterReduce";
  const { includeSelf = true } = checkKeys(options, caller, ["includeSelf"]);
  if (!scatterReductions.includes(reduce)) {
    throw new TypeError(
      `reduce argument must be either sum, prod, mean, amax or amin, got ${brief(reduce)}`,
    );
  }
  const selection = along("scatter", "self", x, dim, index, checkTensor(src, caller, "src"));
  return scatterReduced(inPlace, x, selection, index, usedPart(src, index), reduce, includeSelf, dim);
}

/** A copy in which each element is the sum, product, mean, maximum or minimum of the values that are sent to it. */
export function scatterReduce(
  x: Tensor,
  dim: number,
  index: Tensor,
  src: Tensor,
  reduce: ScatterReduction,
  options: ScatterReduceOptions = {},
): Tensor {
  checkTensor(x, "scatterReduce");
  return reduceInto(false, x, dim, index, src, reduce, options);
}

/** The methods of this family. */
export interface ScatterMethods {
  /** `out[i][j] = x[i][index[i][j]]` for dimension 1, and so on. */
  gather(dim: number, index: Tensor): Tensor;
  /** `gather` with broadcasting. */
  takeAlongDim(indices: Tensor, dim?: number | null | TakeAlongDimOptions): Tensor;
  /** A copy with values written along a dimension. */
  scatter(dim: number, index: Tensor, src: Tensor | Scalar, options?: ScatterOptions): Tensor;
  /** Writes values along a dimension. */
  scatter_(dim: number, index: Tensor, src: Tensor | Scalar, options?: ScatterOptions): Tensor;
  /** A copy with values added along a dimension. */
  scatterAdd(dim: number, index: Tensor, src: Tensor): Tensor;
  /** Adds values along a dimension. */
  scatterAdd_(dim: number, index: Tensor, src: Tensor): Tensor;
  /** A copy with values combined along a dimension. */
  scatterReduce(
    dim: number,
    index: Tensor,
    src: Tensor,
    reduce: ScatterReduction,
    options?: ScatterReduceOptions,
  ): Tensor;
  /** Combines values along a dimension. */
  scatterReduce_(
    dim: number,
    index: Tensor,
    src: Tensor,
    reduce: ScatterReduction,
    options?: ScatterReduceOptions,
  ): Tensor;
}

const methods: ScatterMethods & ThisType<Tensor> = {
  gather(dim, index) {
    return gather(this, dim, index);
  },
  takeAlongDim(indices, dim) {
    return takeAlongDim(this, indices, dim);
  },
  scatter(dim, index, src, options) {
    return scatter(this, dim, index, src, options);
  },
  scatter_(dim, index, src, options = {}) {
    return scatterInto(true, this, dim, index, src, options);
  },
  scatterAdd(dim, index, src) {
    return scatterAdd(this, dim, index, src);
  },
  scatterAdd_(dim, index, src) {
    return addInto(true, this, dim, index, src);
  },
  scatterReduce(dim, index, src, reduce, options) {
    return scatterReduce(this, dim, index, src, reduce, options);
  },
  scatterReduce_(dim, index, src, reduce, options = {}) {
    return reduceInto(true, this, dim, index, src, reduce, options);
  },
};
installMethods(methods);
