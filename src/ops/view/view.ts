/**
 * Views: the same memory under other shapes and strides. Writes through one are seen through all.
 * @module
 */

import { metaOf } from "../../autograd/graph.ts";
import { checkTensor } from "../../tensor/arguments.ts";
import {
  contiguousStrides,
  frozen,
  inferShape,
  normalizeDim,
  numel,
  type Shape,
  shapeText,
  sizesFrom,
  viewStrides,
} from "../../tensor/shape.ts";
import { checkDType, type DType, typeName } from "../../tensor/dtype.ts";
import { installMethods, Tensor } from "../../tensor/tensor.ts";
import { warn } from "../../warn.ts";
import { record, type Rule } from "../core/record.ts";
import { viewDtype } from "./strided.ts";
import { makeView, windowOn } from "./window.ts";

interface Sizes {
  readonly selfSymSizes: Shape;
}

// ---- reshaping ----------------------------------------------------------------------------------------------------

const View: Rule<Sizes> = {
  name: "ViewBackward0",
  backward: (g, { args }) => [g.reshape(args.selfSymSizes)],
};
const ReshapeAlias: Rule<Sizes> = { name: "ReshapeAliasBackward0", backward: View.backward };
const UnsafeView: Rule<Sizes> = { name: "UnsafeViewBackward0", backward: View.backward };

/** The same memory in another shape; TypeError where the strides do not allow it. */
export function view(x: Tensor, ...sizes: (number | readonly number[])[]): Tensor;
/** The same memory read as another element type, without history. */
export function view(x: Tensor, dtype: DType): Tensor;
export function view(x: Tensor, ...args: (number | readonly number[] | DType)[]): Tensor {
  checkTensor(x, "view");
  if (typeof args[0] === "string") return viewDtype(x, checkDType(args[0]));
  const shape = inferShape(sizesFrom(args as (number | readonly number[])[], "view"), x.numel());
  const strides = viewStrides(x.shape, x.strides, shape);
  if (strides === null) {
    throw new TypeError(
      "view size is not compatible with input tensor's size and stride (at least one dimension spans across two " +
        "contiguous subspaces). Use .reshape(...) instead.",
    );
  }
  return record(View, makeView(x, shape, strides), [x], { selfSymSizes: x.shape });
}

/** Another shape of the same elements: a view where the strides allow it, else a copy. One size may be -1. */
export function reshape(x: Tensor, ...sizes: (number | readonly number[])[]): Tensor {
  checkTensor(x, "reshape");
  const shape = inferShape(sizesFrom(sizes, "reshape"), x.numel());
  const strides = viewStrides(x.shape, x.strides, shape);
  if (strides !== null) {
    const rule = x.isContiguous() ? View : ReshapeAlias;
    return record(rule, makeView(x, shape, strides), [x], { selfSymSizes: x.shape });
  }
  const copy = x.contiguous();
  return record(UnsafeView, windowOn(copy, shape, contiguousStrides(shape)), [copy], {
    selfSymSizes: x.shape,
  });
}

/** All elements in one dimension: a view where the strides allow it, else a copy. */
export function ravel(x: Tensor): Tensor {
  checkTensor(x, "ravel");
  return reshape(x, -1);
}

/** Joins the dimensions from `startDim` to `endDim`; the tensor itself where there is nothing to join. */
export function flatten(x: Tensor, startDim = 0, endDim = -1): Tensor {
  checkTensor(x, "flatten");
  const start = normalizeDim(startDim, x.ndim), end = normalizeDim(endDim, x.ndim);
  if (start > end) throw new RangeError("flatten() has invalid args: startDim cannot come after endDim");
  if (x.ndim === 0) return reshape(x, 1);
  if (start === end) return x;
  const joined = numel(x.shape.slice(start, end + 1));
  return reshape(x, [...x.shape.slice(0, start), joined, ...x.shape.slice(end + 1)]);
}

/** Splits one dimension into several. */
export function unflatten(x: Tensor, dim: number, sizes: readonly number[]): Tensor {
  checkTensor(x, "unflatten");
  const d = normalizeDim(dim, x.ndim);
  return view(x, [
    ...x.shape.slice(0, d),
    ...inferShape(sizesFrom([sizes], "unflatten"), x.shape[d]),
    ...x.shape.slice(d + 1),
  ]);
}

// ---- order of dimensions ------------------------------------------------------------------------------------------

const Permute: Rule<{ dims: readonly number[] }> = {
  name: "PermuteBackward0",
  backward: (g, { args }) => [permute(g, inverse(args.dims))],
};
const Transpose: Rule<{ dim0: number; dim1: number }> = {
  name: "TransposeBackward0",
  backward: (g, { args }) => [transpose(g, args.dim0, args.dim1)],
};
const T: Rule<object> = { name: "TBackward0", backward: (g) => [t(g)] };

function inverse(dims: readonly number[]): number[] {
  const out = new Array<number>(dims.length);
  dims.forEach((d, i) => out[d] = i);
  return out;
}

function permuted(x: Tensor, dims: readonly number[]): Tensor {
  return makeView(x, frozen(dims.map((d) => x.shape[d])), frozen(dims.map((d) => x.strides[d])));
}

/** Reorders all dimensions. */
export function permute(x: Tensor, ...dims: (number | readonly number[])[]): Tensor {
  checkTensor(x, "permute");
  const order = sizesFrom(dims, "permute");
  if (order.length !== x.ndim) {
    throw new TypeError(
      "permute(sparse_coo): number of dimensions in the tensor input does not match the length of the desired ordering of " +
        `dimensions i.e. input.dim() = ${x.ndim} is not equal to len(dims) = ${order.length}`,
    );
  }
  const normal = order.map((d) => normalizeDim(d, x.ndim));
  if (new Set(normal).size !== normal.length) {
    throw new RangeError("permute(): duplicate dims are not allowed.");
  }
  return record(Permute, permuted(x, normal), [x], { dims: normal });
}

/** Swaps two dimensions. */
export function transpose(x: Tensor, dim0: number, dim1: number): Tensor {
  checkTensor(x, "transpose");
  const a = normalizeDim(dim0, x.ndim), b = normalizeDim(dim1, x.ndim);
  const order = x.shape.map((_, i) => i === a ? b : i === b ? a : i);
  return record(Transpose, permuted(x, order), [x], { dim0: a, dim1: b });
}

/** Swaps two dimensions; NumPy's name. */
export const swapaxes: (x: Tensor, dim0: number, dim1: number) => Tensor = transpose;
/** Swaps two dimensions. */
export const swapdims: (x: Tensor, dim0: number, dim1: number) => Tensor = transpose;

/** The transpose of a matrix; a vector or 0-d tensor as it is. */
export function t(x: Tensor): Tensor {
  checkTensor(x, "t");
  if (x.ndim > 2) throw new TypeError(`t() expects a tensor with <= 2 dimensions, but self is ${x.ndim}D`);
  return record(T, permuted(x, x.shape.map((_, i) => x.ndim - 1 - i)), [x], {});
}

/** Moves dimensions to other places; the rest keep their order. */
export function movedim(
  x: Tensor,
  source: number | readonly number[],
  destination: number | readonly number[],
): Tensor {
  checkTensor(x, "movedim");
  const from = [source].flat().map((d) => normalizeDim(d as number, x.ndim));
  const to = [destination].flat().map((d) => normalizeDim(d as number, x.ndim));
  if (from.length !== to.length) {
    throw new TypeError(
      `movedim: Invalid source or destination dims: source (${
        shapeText(from)
      } dims) should contain the same number of ` +
        `dims as destination (${shapeText(to)} dims)`,
    );
  }
  for (const [name, dims] of [["source", from], ["destination", to]] as const) {
    if (new Set(dims).size !== dims.length) {
      throw new RangeError(`movedim: repeated dim in \`${name}\` (${shapeText(dims)})`);
    }
  }
  const rest = x.shape.map((_, i) => i).filter((i) => !from.includes(i));
  const order = x.shape.map((_, i) => {
    const k = to.indexOf(i);
    return k >= 0 ? from[k] : rest.shift()!;
  });
  return permute(x, order);
}

/** Moves dimensions to other places; NumPy's name. */
export const moveaxis: typeof movedim = movedim;

// ---- sizes of 1 ---------------------------------------------------------------------------------------------------

const Squeeze: Rule<Sizes> = {
  name: "SqueezeBackward0",
  backward: (g, { args }) => [g.reshape(args.selfSymSizes)],
};
const SqueezeDim: Rule<Sizes & { dim: number }> = {
  name: "SqueezeBackward1",
  backward: Squeeze.backward as never,
};
const SqueezeDims: Rule<Sizes & { dim: readonly number[] }> = {
  name: "SqueezeBackward2",
  backward: Squeeze.backward as never,
};
const Unsqueeze: Rule<{ dim: number }> = {
  name: "UnsqueezeBackward0",
  backward: (g, { args }) => [squeeze(g, args.dim)],
};

function distinct(dims: readonly number[]): readonly number[] {
  dims.forEach((d, i) => {
    if (dims.indexOf(d) !== i) throw new RangeError(`dim ${d} appears multiple times in the list of dims`);
  });
  return dims;
}

/** Drops dimensions of size 1: all, or those given. */
export function squeeze(x: Tensor, dim?: number | readonly number[]): Tensor {
  checkTensor(x, "squeeze");
  const chosen = dim === undefined
    ? x.shape.map((_, i) => i)
    : distinct([dim].flat().map((d) => normalizeDim(d as number, x.ndim)));
  const keep = x.shape.map((_, i) => i).filter((i) => !(x.shape[i] === 1 && chosen.includes(i)));
  const out = makeView(x, frozen(keep.map((i) => x.shape[i])), frozen(keep.map((i) => x.strides[i])));
  const selfSymSizes = x.shape;
  if (dim === undefined) return record(Squeeze, out, [x], { selfSymSizes });
  if (typeof dim === "number") return record(SqueezeDim, out, [x], { selfSymSizes, dim: chosen[0] });
  return record(SqueezeDims, out, [x], { selfSymSizes, dim: chosen });
}

function inserted(list: Shape, at: number, value: number): Shape {
  const out: number[] = [];
  for (let i = 0; i < at; i++) out.push(list[i]);
  out.push(value);
  for (let i = at; i < list.length; i++) out.push(list[i]);
  return frozen(out);
}

/** Inserts a dimension of size 1. */
export function unsqueeze(x: Tensor, dim: number): Tensor {
  checkTensor(x, "unsqueeze");
  const d = normalizeDim(dim, x.ndim + 1);
  const step = d < x.ndim ? x.shape[d] * x.strides[d] : 1;
  return record(
    Unsqueeze,
    makeView(x, inserted(x.shape, d, 1), inserted(x.strides, d, step)),
    [x],
    {
      dim: d,
    },
  );
}

// ---- repetition without copies ------------------------------------------------------------------------------------

const Expand: Rule<Sizes> = {
  name: "ExpandBackward0",
  backward: (g, { args }) => [g.sumToSize(args.selfSymSizes)],
};

/** Repeats dimensions of size 1 (and new ones in front) without copying; -1 keeps a size. */
export function expand(x: Tensor, ...sizes: (number | readonly number[])[]): Tensor {
  checkTensor(x, "expand");
  const target = sizesFrom(sizes, "expand");
  const lead = target.length - x.ndim;
  if (lead < 0) {
    throw new TypeError(
      `expand(torch.${typeName(x.dtype)}Tensor{${shapeText(x.shape)}}, size=${
        shapeText(target)
      }): the number of sizes ` +
        `provided (${target.length}) must be greater or equal to the number of dimensions in the tensor (${x.ndim})`,
    );
  }
  const shape: number[] = [], strides: number[] = [];
  let known = true; // every size is said
  for (let i = 0; i < target.length; i++) {
    const size = target[i], have = i < lead ? 1 : x.shape[i - lead];
    if (!Number.isInteger(size) || size < -1) {
      throw new RangeError(`expand(): sizes must be -1 or not negative, got ${shapeText(target)}`);
    }
    if (size === -1 && i < lead) {
      throw new RangeError(
        `The expanded size of the tensor (-1) isn't allowed in a leading, non-existing dimension ${i}`,
      );
    }
    if (size !== -1 && size !== have && have !== 1) {
      throw new TypeError(
        `The expanded size of the tensor (${size}) must match the existing size (${have}) at non-singleton dimension ${i}. ` +
          ` Target sizes: ${shapeText(target)}.  Tensor sizes: ${shapeText(x.shape)}`,
      );
    }
    const out = size === -1 ? have : size;
    if (size === -1) known = false;
    shape.push(out);
    strides.push(i < lead || (have === 1 && out !== 1) ? 0 : x.strides[i - lead]);
  }
  return record(Expand, makeView(x, frozen(known ? target : shape), frozen(strides)), [x], {
    selfSymSizes: x.shape,
  });
}

// ---- without history ----------------------------------------------------------------------------------------------

/** The same memory without history: writes are shared, and counted, but no gradient flows. */
export function detach(x: Tensor): Tensor {
  checkTensor(x, "detach");
  return windowOn(x, x.shape, x.strides);
}

/** The methods of this family. */
export interface ViewMethods {
  /** The same memory in another shape; TypeError where the strides do not allow it. */
  view(...sizes: (number | readonly number[])[]): Tensor;
  /**
   * The same memory read as another element type, without history. On the GPU float32, int32, float16 and float64 can be read as
   * each other, and bool as uint8; what lies there in another way is refused with a TypeError.
   */
  view(dtype: DType): Tensor;
  /** The shape of another tensor, as a view. */
  viewAs(other: Tensor): Tensor;
  /** Another shape: a view where possible, else a copy. One size may be -1. */
  reshape(...sizes: (number | readonly number[])[]): Tensor;
  /** The shape of another tensor. */
  reshapeAs(other: Tensor): Tensor;
  /** All elements in one dimension. */
  ravel(): Tensor;
  /** Joins dimensions. */
  flatten(startDim?: number, endDim?: number): Tensor;
  /** Splits a dimension. */
  unflatten(dim: number, sizes: readonly number[]): Tensor;
  /** Reorders all dimensions. */
  permute(...dims: (number | readonly number[])[]): Tensor;
  /** Swaps two dimensions. */
  transpose(dim0: number, dim1: number): Tensor;
  /** Swaps two dimensions; NumPy's name. */
  swapaxes(dim0: number, dim1: number): Tensor;
  /** Swaps two dimensions. */
  swapdims(dim0: number, dim1: number): Tensor;
  /** The transpose of a matrix. */
  t(): Tensor;
  /** Moves dimensions. */
  movedim(source: number | readonly number[], destination: number | readonly number[]): Tensor;
  /** Moves dimensions; NumPy's name. */
  moveaxis(source: number | readonly number[], destination: number | readonly number[]): Tensor;
  /** Drops dimensions of size 1. */
  squeeze(dim?: number | readonly number[]): Tensor;
  /** Inserts a dimension of size 1. */
  unsqueeze(dim: number): Tensor;
  /** Repeats dimensions of size 1 without copying. */
  expand(...sizes: (number | readonly number[])[]): Tensor;
  /** Repeats to the shape of another tensor. */
  expandAs(other: Tensor): Tensor;
  /** The same memory without history. */
  detach(): Tensor;
  /** This tensor cut off from its history. */
  detach_(): Tensor;
  /** The same memory without history, whose writes autograd does not see. Settable. */
  data: Tensor;
  /** All dimensions reversed. */
  readonly T: Tensor;
  /** The last two dimensions swapped. */
  readonly mT: Tensor;
}

function swap(this: Tensor, dim0: number, dim1: number): Tensor {
  return transpose(this, dim0, dim1);
}

function move(
  this: Tensor,
  source: number | readonly number[],
  destination: number | readonly number[],
): Tensor {
  return movedim(this, source, destination);
}

const methods: Omit<ViewMethods, "data" | "T" | "mT"> & ThisType<Tensor> = {
  view(...args: readonly unknown[]) {
    return view(this, ...args as number[]);
  },
  viewAs(other) {
    return view(this, checkTensor(other, "viewAs", "other").shape);
  },
  reshape(...sizes) {
    return reshape(this, ...sizes);
  },
  reshapeAs(other) {
    return reshape(this, checkTensor(other, "reshapeAs", "other").shape);
  },
  ravel() {
    return ravel(this);
  },
  flatten(startDim, endDim) {
    return flatten(this, startDim, endDim);
  },
  unflatten(dim, sizes) {
    return unflatten(this, dim, sizes);
  },
  permute(...dims) {
    return permute(this, ...dims);
  },
  transpose(dim0, dim1) {
    return transpose(this, dim0, dim1);
  },
  swapaxes: swap,
  swapdims: swap,
  t() {
    return t(this);
  },
  movedim: move,
  moveaxis: move,
  squeeze(dim) {
    return squeeze(this, dim);
  },
  unsqueeze(dim) {
    return unsqueeze(this, dim);
  },
  expand(...sizes) {
    return expand(this, ...sizes);
  },
  expandAs(other) {
    return expand(this, checkTensor(other, "expandAs", "other").shape);
  },
  detach() {
    return detach(this);
  },
  detach_() {
    if (this.view_ !== null) {
      throw new TypeError("Can't detach views in-place. Use detach() instead.");
    }
    this.node = null;
    if (this.meta !== null) this.meta.requiresGrad = false;
    return this;
  },
};
installMethods(methods);

Object.defineProperties(Tensor.prototype, {
  data: {
    configurable: true,
    get(this: Tensor): Tensor {
      const out = windowOn(this, this.shape, this.strides);
      out.counter = { version: 0 };
      return out;
    },
    set(this: Tensor, value: Tensor) {
      checkTensor(value, "data", "value");
      if (value.dtype !== this.dtype && this.meta !== null && this.meta.grad !== null) {
        metaOf(this).grad = null;
      }
      this.storage = value.storage;
      this.offset = value.offset;
      this.shape = value.shape;
      this.strides = value.strides;
    },
  },
  T: {
    configurable: true,
    get(this: Tensor): Tensor {
      if (this.ndim !== 2) {
        warn(
          "The use of `x.T` on tensors of dimension other than 2 to reverse their shape is deprecated and it will throw an " +
            "error in a future release. Consider `x.mT` to transpose batches of matrices or " +
            "`x.permute(*arange(x.ndim - 1, -1, -1))` to reverse the dimensions of a tensor.",
        );
      }
      return permute(this, this.shape.map((_, i) => this.ndim - 1 - i));
    },
  },
  mT: {
    configurable: true,
    get(this: Tensor): Tensor {
      return transpose(this, -2, -1);
    },
  },
});
