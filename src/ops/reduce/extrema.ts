/**
 * Largest and smallest elements, and where they are.
 * @module
 */

import { extreme as extremeOf, Fold } from "../../expr/fold.ts";
import { program } from "../../expr/program.ts";
import { checkTensor } from "../../tensor/arguments.ts";
import { normalizeDim, type Shape } from "../../tensor/shape.ts";
import { installMethods, Tensor } from "../../tensor/tensor.ts";
import { applyPointwise } from "../core/apply.ts";
import type { Operand } from "../core/compute.ts";
import {
  type DimOptions,
  type Dims,
  fold,
  reduceArgs,
  reducedDims,
  reducedShape,
  unreduce,
} from "../core/fold.ts";
import { maximum, minimum } from "../pointwise.ts";
import { PointwiseOp } from "../core/pointwise_op.ts";
import { record, recordAll, type Rule } from "../core/record.ts";
import { MinMax, ValuesIndices } from "../core/return_types.ts";
import { evenly, scatterBack } from "./selecting.ts";

type Side = "max" | "min";

// ---- folds --------------------------------------------------------------------------------------------------------

/** The extreme value; NaN if there is one. */
const valueFolds: Readonly<Record<Side, Fold>> = {
  max: new Fold("amax", [extremeOf("max")], ["best"]),
  min: new Fold("amin", [extremeOf("min")], ["best"]),
};

/** The extreme value and the place of the first; the first NaN if there is one. */
function placeFold(side: Side, results: readonly string[]): Fold {
  const sign = side === "max" ? ">" : "<";
  const step = (value: string, place: string) =>
    `where(at < 0 || v ${sign} best || (isnan(v) && !isnan(best)), ${value}, ${place})`;
  const earlier = `(isnan(best_) && !isnan(best)) || best_ ${sign} best || ` +
    "((best_ == best || (isnan(best_) && isnan(best))) && at_ < at)";
  const merge = (value: string, place: string) =>
    `where(at_ >= 0 && (at < 0 || ${earlier}), ${value}, ${place})`;
  return new Fold(`${side}At`, [{
    state: { best: side === "max" ? "-inf" : "inf", at: "-1" },
    step: { best: step("v", "best"), at: step("i", "at") },
    merge: { best: merge("best_", "best"), at: merge("at_", "at") },
    whole: ["at"],
  }], results);
}

const sides = ["max", "min"] as const;
const [placeFolds, valueAndPlaceFolds] = [["at"], ["best", "at"]].map((results) =>
  Object.fromEntries(sides.map((side) => [side, placeFold(side, results)])) as Record<Side, Fold>
);

// ---- shared gradients ---------------------------------------------------------------------------------------------

/** 1 where two elements are equal. */
const equal = new PointwiseOp(program(["a", "b"], "where(a == b, 1, 0)", { name: "equal" }));

/** The elements that equal the extreme share its gradient. `y` and `g` have the reduced dimensions at size 1. */
function share(g: Tensor, x: Tensor, y: Tensor, dims: readonly number[]): Tensor {
  const hits = applyPointwise(equal, [x.detach(), y.detach()]);
  const count = hits.sum(dims.length === 0 ? null : dims, { keepdim: true });
  return g.mul(hits).div(x.ndim === 0 ? hits : count);
}

// ---- amax, amin, aminmax ------------------------------------------------------------------------------------------

/** Options of {@linkcode amax} and {@linkcode amin}. */
export interface ExtremeOptions {
  /** Dimensions to reduce; all by default. */
  readonly dim?: Dims;
  /** Keep reduced dimensions with size 1. */
  readonly keepdim?: boolean;
}

interface Reduced {
  readonly dim: readonly number[];
  readonly keepdim: boolean;
}

const keys = ["dim", "keepdim"];

function checkNotEmpty(name: string, x: Tensor, dim: Dims | undefined, dims: readonly number[], hint = true) {
  if (x.numel() > 0) return;
  if (dim === undefined || dim === null || (Array.isArray(dim) && dim.length === 0)) {
    throw new RangeError(
      `${name}(): Expected reduction dim to be specified for input.numel() == 0.` +
        (hint ? " Specify the reduction dim with the 'dim' argument." : ""),
    );
  }
  for (const d of dims) {
    if (x.shape[d] === 0) {
      throw new RangeError(`${name}(): Expected reduction dim ${d} to have non-zero size.`);
    }
  }
}

function extreme(side: Side): (x: Tensor, dim?: Dims | ExtremeOptions, options?: ExtremeOptions) => Tensor {
  const name = `a${side}`;
  const rule: Rule<Reduced> = {
    name: `A${side}Backward0`,
    backward: (g, node) => {
      const x = node.tensor("self"), { dim, keepdim } = node.args;
      const back = (t: Tensor) => unreduce(t, x.shape, dim, keepdim);
      return [share(back(g), x, back(node.tensor("result")), dim)];
    },
  };
  return (x, dim, options) => {
    checkTensor(x, name);
    const o = reduceArgs<ExtremeOptions>(dim, options, name, keys);
    const dims = reducedDims(o.dim, x.ndim), keepdim = o.keepdim ?? false;
    checkNotEmpty(name, x, o.dim, dims);
    const [out] = fold(x, valueFolds[side], dims, reducedShape(x.shape, dims, keepdim), x.dtype);
    return record(rule, out, [x], { dim: dims, keepdim }, { self: x, result: out });
  };
}

/** The largest element, or the largest over dimensions. Equal ones share the gradient. NaN if there is one. */
export const amax: (x: Tensor, dim?: Dims | ExtremeOptions, options?: ExtremeOptions) => Tensor = extreme(
  "max",
);
/** The smallest element, or the smallest over dimensions. Equal ones share the gradient. NaN if there is one. */
export const amin: (x: Tensor, dim?: Dims | ExtremeOptions, options?: ExtremeOptions) => Tensor = extreme(
  "min",
);

const Aminmax: Rule<Reduced> = {
  name: "AminmaxBackward0",
  backwardAll: (grads, node) => {
    const x = node.tensor("self"), { dim, keepdim } = node.args;
    const back = (t: Tensor) => unreduce(t, x.shape, dim, keepdim);
    const parts = [node.tensor("min"), node.tensor("max")].flatMap((y, i) => {
      const g = grads[i];
      return g === null ? [] : [share(back(g), x, back(y), dim)];
    });
    return [parts.length === 0 ? null : parts.reduce((a, b) => a.add(b))];
  },
};

/** The smallest and the largest element, of all or along a dimension. */
export function aminmax(x: Tensor, options: DimOptions = {}): MinMax {
  checkTensor(x, "aminmax");
  const o = reduceArgs<DimOptions>(undefined, options, "aminmax", keys);
  const dims = o.dim === undefined ? reducedDims(null, x.ndim) : reducedDims(o.dim, x.ndim);
  checkNotEmpty("aminmax", x, o.dim, dims);
  const keepdim = o.keepdim ?? false, shape = reducedShape(x.shape, dims, keepdim);
  const [min] = fold(x, valueFolds.min, dims, shape, x.dtype);
  const [max] = fold(x, valueFolds.max, dims, shape, x.dtype);
  recordAll(Aminmax, [min, max], [x], { dim: dims, keepdim }, { self: x, min, max });
  return new MinMax("aminmax", min, max);
}

// ---- argmax, argmin -----------------------------------------------------------------------------------------------

/** Options of {@linkcode argmax} and {@linkcode argmin}. */
export interface ArgOptions {
  /** The dimension; by default the place is counted in the flattened tensor. */
  readonly dim?: number | null;
  /** Keep the reduced dimension with size 1. */
  readonly keepdim?: boolean;
}

function place(side: Side): (x: Tensor, dim?: number | null | ArgOptions, options?: ArgOptions) => Tensor {
  const name = `arg${side}`;
  return (x, dim, options) => {
    checkTensor(x, name);
    const o = reduceArgs<ArgOptions>(dim, options, name, keys);
    if (x.dtype === "bool") throw new TypeError(`${name}(): does not support bool input`);
    const dims = reducedDims(o.dim, x.ndim);
    checkNotEmpty(name, x, o.dim, dims, false);
    const shape = reducedShape(x.shape, dims, o.keepdim ?? false);
    return fold(x, placeFolds[side], dims, shape, "int64")[0];
  };
}

/** Where the largest element is (the first of equals): in the flattened tensor, or along a dimension. */
export const argmax: (x: Tensor, dim?: number | null | ArgOptions, options?: ArgOptions) => Tensor = place(
  "max",
);
/** Where the smallest element is (the first of equals): in the flattened tensor, or along a dimension. */
export const argmin: (x: Tensor, dim?: number | null | ArgOptions, options?: ArgOptions) => Tensor = place(
  "min",
);

// ---- max, min -----------------------------------------------------------------------------------------------------

interface Along {
  readonly selfSymSizes: Shape;
  readonly dim: number;
  readonly keepdim: boolean;
}

/** `max(x)`, `max(x, dim)` and `max(x, y)`. */
export interface Extreme {
  /** Of all elements; equal ones share the gradient. */
  (x: Tensor): Tensor;
  /** Along a dimension: values, and the place of the first of equals, which gets the gradient. */
  (x: Tensor, dim: number | (DimOptions & { readonly dim: number }), options?: DimOptions): ValuesIndices;
  /** Of two tensors element by element. */
  (x: Tensor, other: Tensor): Tensor;
}

function overloaded(side: Side, two: (a: Operand, b: Operand) => Tensor): Extreme {
  const Name = `M${side.slice(1)}`;
  const whole = evenly(`${Name}Backward1`);
  const along: Rule<Along> = {
    name: `${Name}Backward0`,
    backwardAll: ([g], node) => {
      if (g === null) return [null];
      const { selfSymSizes, dim, keepdim } = node.args;
      const back = (t: Tensor) => keepdim || selfSymSizes.length === 0 ? t : t.unsqueeze(dim);
      return [scatterBack(back(g), back(node.tensor("indices")), dim, selfSymSizes)];
    },
  };
  return ((x: Tensor, dim?: Tensor | number | DimOptions, options?: DimOptions) => {
    checkTensor(x, side);
    if (dim instanceof Tensor) return two(x, dim);
    const o = reduceArgs<DimOptions>(dim, options, side, keys);
    const dims = reducedDims(o.dim, x.ndim);
    checkNotEmpty(side, x, o.dim, dims);
    if (o.dim === undefined || o.dim === null) {
      const [out] = fold(x, valueFolds[side], dims, reducedShape(x.shape, dims, false), x.dtype);
      return record(whole, out, [x], {}, { self: x, result: out });
    }
    const d = normalizeDim(o.dim, x.ndim), keepdim = o.keepdim ?? false;
    const shape = reducedShape(x.shape, dims, keepdim);
    const [values, indices] = fold(
      x,
      valueAndPlaceFolds[side],
      dims,
      shape,
      x.dtype,
      "int64",
    );
    recordAll(along, [values, indices], [x], { selfSymSizes: x.shape, dim: d, keepdim }, { indices });
    return new ValuesIndices(side, values, indices);
  }) as Extreme;
}

/** The largest element of all; values and indices along a dimension; or, of two tensors, the larger elements. */
export const max: Extreme = overloaded("max", maximum);
/** The smallest element of all; values and indices along a dimension; or, of two tensors, the smaller elements. */
export const min: Extreme = overloaded("min", minimum);

/** The methods of this family. */
export interface ExtremaMethods {
  /** The largest element; equal ones share the gradient. */
  amax(dim?: Dims | ExtremeOptions, options?: ExtremeOptions): Tensor;
  /** The smallest element; equal ones share the gradient. */
  amin(dim?: Dims | ExtremeOptions, options?: ExtremeOptions): Tensor;
  /** The smallest and the largest element. */
  aminmax(options?: DimOptions): MinMax;
  /** Where the largest element is. */
  argmax(dim?: number | null | ArgOptions, options?: ArgOptions): Tensor;
  /** Where the smallest element is. */
  argmin(dim?: number | null | ArgOptions, options?: ArgOptions): Tensor;
  /** The largest of all elements. */
  max(): Tensor;
  /** The largest along a dimension, and where they are. */
  max(dim: number | (DimOptions & { readonly dim: number }), options?: DimOptions): ValuesIndices;
  /** The larger elements of two tensors. */
  max(other: Tensor): Tensor;
  /** The smallest of all elements. */
  min(): Tensor;
  /** The smallest along a dimension, and where they are. */
  min(dim: number | (DimOptions & { readonly dim: number }), options?: DimOptions): ValuesIndices;
  /** The smaller elements of two tensors. */
  min(other: Tensor): Tensor;
}

const methods: Omit<ExtremaMethods, "max" | "min"> & ThisType<Tensor> = {
  amax(dim, options) {
    return amax(this, dim, options);
  },
  amin(dim, options) {
    return amin(this, dim, options);
  },
  aminmax(options) {
    return aminmax(this, options);
  },
  argmax(dim, options) {
    return argmax(this, dim, options);
  },
  argmin(dim, options) {
    return argmin(this, dim, options);
  },
};
installMethods({
  ...methods,
  max(this: Tensor, ...args: [number]) {
    return max(this, ...args);
  },
  min(this: Tensor, ...args: [number]) {
    return min(this, ...args);
  },
});
