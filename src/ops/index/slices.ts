/**
 * Reading and writing whole slices by a tensor of indices, and single elements by their row-major number or a mask.
 * @module
 */

import { checkKeys, checkScalar, checkTensor } from "../../tensor/arguments.ts";
import { type Scalar, typeName } from "../../tensor/dtype.ts";
import {
  contiguousStrides,
  frozen,
  normalizeDim,
  sameShape,
  type Shape,
  shapeText,
} from "../../tensor/shape.ts";
import { installMethods, Tensor } from "../../tensor/tensor.ts";
import { checkIndexDevice, isIndexType, type RangeComplaint, readIndices } from "./checks.ts";
import {
  newOffsets,
  numbered,
  numberedBy,
  offsetsOf,
  parts,
  pick,
  Selection,
  sums,
  write,
} from "./selection.ts";

const outOfSelf = () => new RangeError("index out of range in self");

/**
 * Every element whose place in one dimension is in a vector of indices; the dimension becomes the vector. Indices of the CPU are
 * checked here.
 */
function alongDim(
  caller: string,
  x: Tensor,
  dim: number,
  index: Tensor,
  shape: Shape,
  wrap: boolean,
  complain: RangeComplaint,
): Selection {
  checkIndexDevice(x, index);
  const source = x.shape;
  if (x.device !== "cpu") {
    const step = index.ndim === 0 ? 0 : index.strides[0];
    const strides = frozen(shape.map((_, d) => d === dim ? step : 0));
    const dims = source.length === 0 ? [] : [dim];
    const along = shape.map((_, d) => d === dim ? -1 : d);
    return new Selection(source, shape, { along, indices: [{ tensor: index, strides, dims, wrap }], caller });
  }
  const indices = readIndices(index, source.length === 0 ? 1 : source[dim], wrap, complain);
  return new Selection(source, shape, (strides) => {
    if (source.length === 0) return parts(indices, [], []);
    const steps = newOffsets(indices.length, source[dim] * Math.max(strides[dim], 1));
    for (let i = 0; i < indices.length; i++) steps[i] = indices[i] * strides[dim];
    const before = offsetsOf(source.slice(0, dim), strides.slice(0, dim));
    return parts(sums(before, steps), source.slice(dim + 1), strides.slice(dim + 1));
  });
}

function withSize(shape: Shape, dim: number, size: number): Shape {
  return frozen(shape.map((s, d) => d === dim ? size : s));
}

// ---- whole slices by index ----------------------------------------------------------------------------------------

const alongNames = { pick: "IndexSelectBackward0", spread: "IndexAddBackward0" };

/** The slices of one dimension at the given indices, copied. Negative indices are not allowed. */
export function indexSelect(x: Tensor, dim: number, index: Tensor): Tensor {
  checkTensor(x, "indexSelect");
  const d = normalizeDim(dim, x.ndim);
  checkTensor(index, "indexSelect", "index");
  if (!isIndexType(index)) {
    throw new TypeError("indexSelect(): Expected dtype int32 or int64 for index");
  }
  if (index.ndim > 1) throw new TypeError("indexSelect(): Index is supposed to be a vector");
  const count = index.numel();
  const selection = alongDim("indexSelect()", x, d, index, withSize(x.shape, d, count), false, outOfSelf);
  if (x.ndim === 0 && count !== 1) {
    throw new TypeError("indexSelect(): Index to scalar can have only 1 value, got " + count);
  }
  return pick(x, selection, alongNames, { selfSymSizes: x.shape, dim: d }, { index });
}

/** Options of {@linkcode indexAdd}. */
export interface IndexAddOptions {
  /** Factor of the source. */
  readonly alpha?: number | bigint;
}

/** Checks the arguments of `indexAdd` and `indexCopy`, and makes the selection. */
function target(caller: string, x: Tensor, dim: number, index: Tensor, source: Tensor): Selection {
  const d = normalizeDim(dim, x.ndim);
  checkTensor(index, caller, "index");
  checkTensor(source, caller, "source");
  if (index.ndim > 1) {
    throw new TypeError(
      `${caller}(): Index is supposed to be a vector, but got dim: ${index.ndim} with type: ${
        typeName(index.dtype)
      } and size: ${shapeText(index.shape)}`,
    );
  }
  if (!isIndexType(index)) {
    throw new TypeError(
      `${caller}(): Expected dtype int32/int64 for index but got: ${typeName(index.dtype)}`,
    );
  }
  if (x.dtype !== source.dtype) {
    throw new TypeError(
      `${caller}(): self (${typeName(x.dtype)}) and source (${
        typeName(source.dtype)
      }) must have the same scalar type`,
    );
  }
  if (normalizeDim(dim, source.ndim) !== d || (source.ndim > 0 && x.ndim > 0 && source.ndim !== x.ndim)) {
    throw new TypeError(
      `${caller}(): Indexing dim ${dim} is out of bounds of the source tensor with dim ${source.ndim}`,
    );
  }
  const count = index.numel(), length = source.ndim === 0 ? 1 : source.shape[d];
  if (count !== length) {
    throw new TypeError(
      `${caller}(): Number of indices (${count}) should be equal to source.size(dim): (${length}), for dim: ${d}`,
    );
  }
  const expected = withSize(x.shape, d, count);
  if (x.ndim > 0 && source.ndim > 0 && !sameShape(source.shape, expected)) {
    throw new TypeError(
      "source tensor shape must match self tensor shape, excluding the specified dimension. Got self.shape = " +
        `${shapeText(x.shape)} source.shape = ${shapeText(source.shape)}`,
    );
  }
  checkIndexDevice(x, source);
  return alongDim(`${caller}()`, x, d, index, source.shape, false, outOfSelf);
}

function addAt(
  inPlace: boolean,
  x: Tensor,
  dim: number,
  index: Tensor,
  source: Tensor,
  options: IndexAddOptions,
): Tensor {
  const caller = inPlace ? "indexAdd_" : "indexAdd";
  const { alpha = 1 } = checkKeys(options, caller, ["alpha"]);
  checkScalar(alpha, caller, "alpha");
  const selection = target(caller, x, dim, index, source);
  return write(x, selection, source, {
    name: "IndexAddBackward0",
    names: alongNames,
    inPlace,
    accumulate: true,
    alpha,
    args: { dim: normalizeDim(dim, x.ndim), alpha },
    save: { index },
  });
}

/** A copy to whose slices at the given indices of a dimension the slices of `source` are added. */
export function indexAdd(
  x: Tensor,
  dim: number,
  index: Tensor,
  source: Tensor,
  options: IndexAddOptions = {},
): Tensor {
  checkTensor(x, "indexAdd");
  return addAt(false, x, dim, index, source, options);
}

function copyAt(inPlace: boolean, x: Tensor, dim: number, index: Tensor, source: Tensor): Tensor {
  const selection = target(inPlace ? "indexCopy_" : "indexCopy", x, dim, index, source);
  return write(x, selection, source, {
    name: "IndexCopyBackward0",
    names: { pick: "IndexSelectBackward0", spread: "IndexFillBackward0" },
    inPlace,
    args: { dim: normalizeDim(dim, x.ndim) },
    save: { index },
  });
}

/** A copy whose slices at the given indices of a dimension are those of `source`. */
export function indexCopy(x: Tensor, dim: number, index: Tensor, source: Tensor): Tensor {
  checkTensor(x, "indexCopy");
  return copyAt(false, x, dim, index, source);
}

function fillAt(inPlace: boolean, x: Tensor, dim: number, index: Tensor, value: Tensor | Scalar): Tensor {
  const caller = inPlace ? "indexFill_" : "indexFill", d = normalizeDim(dim, x.ndim);
  checkTensor(index, caller, "index");
  if (index.dtype !== "int64") throw new TypeError(`${caller}(): Expected dtype int64 for index.`);
  if (index.ndim > 1) throw new TypeError("Index has to be a vector/scalar");
  const given = value instanceof Tensor;
  if (!given) checkScalar(value, caller, "value");
  if (given && value.ndim !== 0) {
    throw new TypeError(
      `${caller} only supports a 0-dimensional value tensor, but got tensor with ${value.ndim} dimension(s).`,
    );
  }
  const size = x.ndim === 0 ? 1 : x.shape[d];
  const selection = alongDim(
    `${caller}()`,
    x,
    d,
    index,
    withSize(x.shape, d, index.numel()),
    true,
    (i) => new RangeError(`index ${i} is out of bounds for dimension ${d} with size ${size}`),
  );
  return write(x, selection, given ? value.to(x.dtype) : value, {
    name: given ? "IndexFillBackward1" : "IndexFillBackward0",
    names: { pick: "IndexSelectBackward0", spread: "IndexFillBackward0" },
    inPlace,
    args: { dim: d },
    save: { index },
  });
}

/** A copy with one value in all slices at the given indices of a dimension. */
export function indexFill(x: Tensor, dim: number, index: Tensor, value: Tensor | Scalar): Tensor {
  checkTensor(x, "indexFill");
  return fillAt(false, x, dim, index, value);
}

// ---- elements by their row-major number ---------------------------------------------------------------------------

/** The elements with the row-major numbers in an index, in the given shape. */
function byNumber(x: Tensor, index: Tensor, shape: Shape, caller: string): Selection {
  checkTensor(index, caller, "index");
  if (index.dtype !== "int64") {
    throw new TypeError(`${caller}(): Expected a long tensor for index, but got ${typeName(index.dtype)}`);
  }
  checkIndexDevice(x, index);
  const count = x.numel();
  if (count === 0 && index.numel() > 0) {
    throw new RangeError(`${caller}(): tried to ${caller} from an empty tensor`);
  }
  if (x.device !== "cpu") {
    const plain = index.detach().contiguous();
    return numberedBy(x.shape, plain, contiguousStrides(shape), shape, { caller: `${caller}()` });
  }
  const numbers = readIndices(
    index,
    count,
    true,
    (i) => new RangeError(`out of range: tried to access index ${i} on a tensor of ${count} elements.`),
  );
  return numbered(x.shape, numbers, shape, "cpu");
}

/** The elements with the given row-major numbers, in the shape of the index. Negative ones count from the end. */
export function take(x: Tensor, index: Tensor): Tensor {
  checkTensor(x, "take");
  checkTensor(index, "take", "index");
  return pick(
    x,
    byNumber(x, index, index.shape, "take"),
    { pick: "TakeBackward0", spread: "PutBackward0" },
    {},
    { index },
  );
}

/** Options of `put` and `indexPut`. */
export interface AccumulateOptions {
  /** Add to what is there instead of replacing it. */
  readonly accumulate?: boolean;
}

function putAt(
  inPlace: boolean,
  x: Tensor,
  index: Tensor,
  source: Tensor,
  options: AccumulateOptions,
): Tensor {
  const caller = inPlace ? "put_" : "put";
  const { accumulate = false } = checkKeys(options, caller, ["accumulate"]);
  checkTensor(index, caller, "index");
  checkTensor(source, caller, "source");
  if (source.dtype !== x.dtype) {
    throw new TypeError(
      `${caller}(): self and source expected to have the same dtype, but got self.dtype = ${
        typeName(x.dtype)
      } and source.dtype = ${typeName(source.dtype)}`,
    );
  }
  if (source.numel() !== index.numel()) {
    throw new TypeError(
      `${caller}(): Expected source and index to have the same number of elements, but got source.numel() = ` +
        `${source.numel()}, index.numel() = ${index.numel()}`,
    );
  }
  checkIndexDevice(x, source);
  const selection = byNumber(x, index, source.shape, caller);
  return write(x, selection, source, {
    name: "PutBackward0",
    names: { pick: "TakeBackward0", spread: "PutBackward0" },
    inPlace,
    accumulate,
    args: { accumulate },
    save: { index },
  });
}

/** A copy with the values of `source` at the given row-major numbers. */
export function put(x: Tensor, index: Tensor, source: Tensor, options: AccumulateOptions = {}): Tensor {
  checkTensor(x, "put");
  return putAt(false, x, index, source, options);
}

// ---- methods ------------------------------------------------------------------------------------------------------

/** The methods of this family. */
export interface IndexOpsMethods {
  /** The slices of a dimension at the given indices, copied. */
  indexSelect(dim: number, index: Tensor): Tensor;
  /** A copy with slices added at the given indices. */
  indexAdd(dim: number, index: Tensor, source: Tensor, options?: IndexAddOptions): Tensor;
  /** Adds slices at the given indices. */
  indexAdd_(dim: number, index: Tensor, source: Tensor, options?: IndexAddOptions): Tensor;
  /** A copy with slices replaced at the given indices. */
  indexCopy(dim: number, index: Tensor, source: Tensor): Tensor;
  /** Replaces slices at the given indices. */
  indexCopy_(dim: number, index: Tensor, source: Tensor): Tensor;
  /** A copy with one value in the slices at the given indices. */
  indexFill(dim: number, index: Tensor, value: Tensor | Scalar): Tensor;
  /** Writes one value into the slices at the given indices. */
  indexFill_(dim: number, index: Tensor, value: Tensor | Scalar): Tensor;
  /** The elements with the given row-major numbers. */
  take(index: Tensor): Tensor;
  /** A copy with values at the given row-major numbers. */
  put(index: Tensor, source: Tensor, options?: AccumulateOptions): Tensor;
  /** Writes values at the given row-major numbers. */
  put_(index: Tensor, source: Tensor, options?: AccumulateOptions): Tensor;
}

const methods: IndexOpsMethods & ThisType<Tensor> = {
  indexSelect(dim, index) {
    return indexSelect(this, dim, index);
  },
  indexAdd(dim, index, source, options) {
    return indexAdd(this, dim, index, source, options);
  },
  indexAdd_(dim, index, source, options = {}) {
    return addAt(true, this, dim, index, source, options);
  },
  indexCopy(dim, index, source) {
    return indexCopy(this, dim, index, source);
  },
  indexCopy_(dim, index, source) {
    return copyAt(true, this, dim, index, source);
  },
  indexFill(dim, index, value) {
    return indexFill(this, dim, index, value);
  },
  indexFill_(dim, index, value) {
    return fillAt(true, this, dim, index, value);
  },
  take(index) {
    return take(this, index);
  },
  put(index, source, options) {
    return put(this, index, source, options);
  },
  put_(index, source, options = {}) {
    return putAt(true, this, index, source, options);
  },
};
installMethods(methods);
