/**
 * Quantiles, interpolated between sorted elements.
 * @module
 */

import { program } from "../../expr/program.ts";
import { describe } from "../../tensor/describe.ts";
import { checkNumber, checkTensor } from "../../tensor/arguments.ts";
import { scalarTensor } from "../../tensor/create.ts";
import { normalizeDim, type Shape, shapeText } from "../../tensor/shape.ts";
import { allocateTensor, installMethods, Tensor } from "../../tensor/tensor.ts";
import { applyPointwise } from "../core/apply.ts";
import { isnan } from "../compare.ts";
import { reduceArgs } from "../core/fold.ts";
import { backTo, onHost } from "../core/on_host.ts";
import { sort } from "./order.ts";
import { PointwiseOp } from "../core/pointwise_op.ts";
import { record, type Rule } from "../core/record.ts";
import { sum } from "../reduce/reduce.ts";
import { selectAlong } from "../reduce/selecting.ts";
import { makeView } from "../view/window.ts";

/** Which value to take between two elements. */
export type Interpolation = "linear" | "lower" | "higher" | "midpoint" | "nearest";

/** Options of {@linkcode quantile}. */
export interface QuantileOptions {
  /** The dimension; by default all elements are taken together. */
  readonly dim?: number | null;
  /** Keep the reduced dimension with size 1. */
  readonly keepdim?: boolean;
  /** Which value to take between two elements; "linear" by default. */
  readonly interpolation?: Interpolation;
}

const keys = ["dim", "keepdim", "interpolation"];

/** From a towards b, exact at both ends. */
const lerp = new PointwiseOp(
  program(["a", "b", "w"], "where(w < 0.5, a + w * (b - a), b - (b - a) * (1 - w))", { name: "lerp" }),
);

const Squeeze: Rule<{ selfSymSizes: Shape }> = {
  name: "SqueezeBackward4",
  backward: (g, { args }) => [g.reshape(args.selfSymSizes)],
};

/** The elements below and above each quantile as places in sorted lines, and how far between them it lies. */
interface Ranks {
  readonly below: Tensor;
  readonly above: Tensor;
  readonly weight: Tensor;
}

function ranksOf(sorted: Tensor, q: readonly number[], skipNan: boolean, how: Interpolation): Ranks {
  const n = sorted.shape[sorted.ndim - 1], lines = sorted.numel() / n, count = q.length;
  const shape = [...sorted.shape.slice(0, -1), count];
  const below = allocateTensor(shape, "int64"), above = allocateTensor(shape, "int64");
  const weight = allocateTensor(shape, sorted.dtype);
  const missing = onHost(sum(isnan(sorted.detach()), -1)).contiguous().typedArray();
  for (let l = 0, w = 0; l < lines; l++) {
    const nans = Number(missing[l]);
    for (const value of q) {
      // NaN stands last when sorted; a line that has one gives NaN unless it is skipped
      const end = skipNan ? Math.max(n - 1 - nans, 0) : n - 1;
      let rank = nans > 0 && !skipNan ? end : value * end;
      if (how === "lower") rank = Math.floor(rank);
      else if (how === "higher") rank = Math.ceil(rank);
      else if (how === "nearest") rank = roundHalfEven(rank);
      const low = Math.floor(rank);
      below.storage.data[w] = BigInt(low);
      above.storage.data[w] = BigInt(Math.ceil(rank));
      weight.storage.data[w++] = how === "midpoint" ? (rank === low ? 0 : 0.5) : rank - low;
    }
  }
  return { below: backTo(below, sorted), above: backTo(above, sorted), weight: backTo(weight, sorted) };
}

function roundHalfEven(x: number): number {
  const low = Math.floor(x), rest = x - low;
  return rest < 0.5 || (rest === 0.5 && low % 2 === 0) ? low : low + 1;
}

function apply(
  name: string,
  skipNan: boolean,
  x: Tensor,
  q: number | Tensor,
  dim: number | null | QuantileOptions | undefined,
  options: QuantileOptions | undefined,
): Tensor {
  const o = reduceArgs<QuantileOptions>(dim, options, name, keys);
  const { interpolation = "linear", keepdim = false } = o;
  const at = q instanceof Tensor ? q : scalarTensor(checkNumber(q, name, "q"), x.dtype);
  if (x.numel() === 0) throw new RangeError(`${name}() input tensor must be non-empty`);
  if (at.ndim > 1) {
    throw new TypeError(`${name}() q must be a scalar or 1D tensor, got ${shapeText(at.shape)}`);
  }
  if (x.dtype !== "float32" && x.dtype !== "float64") {
    throw new TypeError(`${name}() input tensor must be either float or double dtype`);
  }
  if (at.dtype !== x.dtype) throw new TypeError(`${name}() q tensor must be same dtype as the input tensor`);
  const values = [at.detach().toArray()].flat() as number[];
  if (values.some((v) => !(v >= 0 && v <= 1))) {
    throw new RangeError(`${name}() q values must be in the range [0, 1]`);
  }
  if (!["linear", "lower", "higher", "midpoint", "nearest"].includes(interpolation)) {
    throw new RangeError(
      `${name}() interpolation must be one of linear, lower, higher, midpoint or nearest, but got ${
        describe(interpolation)
      }`,
    );
  }
  const whole = o.dim === undefined || o.dim === null;
  const d = whole ? 0 : normalizeDim(o.dim!, x.ndim);
  const lines = whole || x.ndim === 0 ? x.reshape(-1) : x.movedim(d, -1);
  const sorted = sort(lines, -1).values;
  const { below, above, weight } = ranksOf(sorted, values, skipNan, interpolation);
  const low = selectAlong(sorted, below), high = selectAlong(sorted, above);
  let out = applyPointwise(lerp, [low, high, weight]);
  // The quantiles come first, and the reduced dimension stays or goes.
  if (keepdim) {
    const kept = x.shape.map((s, i) => whole || i === d ? 1 : s);
    out = out.movedim(-1, 0).reshape(at.ndim === 0 ? kept : [values.length, ...kept]);
    return out;
  }
  const turned = at.ndim === 0 ? out : out.unsqueeze(0).transpose(0, -1);
  const view = makeView(turned, turned.shape.slice(0, -1), turned.strides.slice(0, -1));
  return record(Squeeze, view, [turned], { selfSymSizes: turned.shape });
}

/** The q-quantiles (q from 0 to 1, several in a 1-d tensor) of all elements, or along a dimension. NaN where there is one. */
export function quantile(
  x: Tensor,
  q: number | Tensor,
  dim?: number | null | QuantileOptions,
  options?: QuantileOptions,
): Tensor {
  checkTensor(x, "quantile");
  return apply("quantile", false, x, q, dim, options);
}

/** As {@linkcode quantile}, of the elements that are not NaN. */
export function nanquantile(
  x: Tensor,
  q: number | Tensor,
  dim?: number | null | QuantileOptions,
  options?: QuantileOptions,
): Tensor {
  checkTensor(x, "nanquantile");
  return apply("nanquantile", true, x, q, dim, options);
}

/** The methods of this family. */
export interface QuantileMethods {
  /** The quantiles of all elements, or along a dimension. */
  quantile(q: number | Tensor, dim?: number | null | QuantileOptions, options?: QuantileOptions): Tensor;
  /** The quantiles of the elements that are not NaN. */
  nanquantile(q: number | Tensor, dim?: number | null | QuantileOptions, options?: QuantileOptions): Tensor;
}

const methods: QuantileMethods & ThisType<Tensor> = {
  quantile(q, dim, options) {
    return quantile(this, q, dim, options);
  },
  nanquantile(q, dim, options) {
    return nanquantile(this, q, dim, options);
  },
};
installMethods(methods);
