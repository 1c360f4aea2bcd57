/**
 * Variances, standard deviations, covariances and correlations.
 * @module
 */

import { adding, Fold } from "../../expr/fold.ts";
import { brief } from "../../tensor/describe.ts";
import { checkKeys, checkNumber, checkTensor } from "../../tensor/arguments.ts";
import { isFloatingPoint } from "../../tensor/dtype.ts";
import { numel, type Shape, shapeText } from "../../tensor/shape.ts";
import { installMethods, type Tensor } from "../../tensor/tensor.ts";
import { warn } from "../../warn.ts";
import {
  type Dims,
  expandBack,
  fold,
  reduceArgs,
  reducedDims,
  reducedShape,
  unreduce,
} from "../core/fold.ts";
import { record, recordAll, type Rule } from "../core/record.ts";

/** Options of variances and standard deviations. */
export interface VarOptions {
  /** Dimensions to reduce; all by default. */
  readonly dim?: Dims;
  /** What is subtracted from the number of elements before dividing; 1 by default (Bessel's correction). */
  readonly correction?: number;
  /** The old way to say `correction`: true is 1, false is 0. */
  readonly unbiased?: boolean;
  /** Keep reduced dimensions with size 1. */
  readonly keepdim?: boolean;
}

interface Args {
  readonly selfSymSizes: Shape;
  readonly dim: readonly number[];
  readonly correction: number;
  readonly keepdim: boolean;
}

const varKeys = ["dim", "correction", "unbiased", "keepdim"];

const varFolds = new Map<string, Fold>();

/** The mean first, then the squares of the distances from it: no cancellation. */
function varFold(correction: number, root: boolean): Fold {
  const key = `${correction} ${root}`;
  let known = varFolds.get(key);
  if (known === undefined) {
    const subtracted = Number.isFinite(correction) ? correction : correction > 0 ? "inf" : "-inf";
    const variance = `m2 / max(n - (${subtracted}), 0)`;
    known = new Fold(root ? "std" : "var", [
      adding("v"),
      { given: { mean: "acc / n" }, ...adding("(v - mean) * (v - mean)", "m2") },
    ], [root ? `sqrt(${variance})` : variance, "mean"]);
    varFolds.set(key, known);
  }
  return known;
}

interface Spread {
  readonly spread: Tensor;
  readonly mean: Tensor;
  readonly args: Args;
}

function compute(
  name: string,
  root: boolean,
  x: Tensor,
  dim: Dims | VarOptions | undefined,
  options: VarOptions | undefined,
): Spread {
  checkTensor(x, name);
  const o = reduceArgs<VarOptions>(dim, options, name, varKeys);
  if (o.correction !== undefined && o.unbiased !== undefined) {
    throw new TypeError(`${name}(): give correction or unbiased, not both`);
  }
  const correction = o.correction ?? (o.unbiased === false ? 0 : 1);
  if (typeof correction !== "number") {
    throw new TypeError(`${name}(): correction must be a number, got ${brief(correction)}`);
  }
  if (!isFloatingPoint(x.dtype)) {
    throw new TypeError("std and var only support floating point and complex dtypes");
  }
  const dims = reducedDims(o.dim, x.ndim), keepdim = o.keepdim ?? false;
  const shape = reducedShape(x.shape, dims, keepdim);
  if (numel(dims.map((d) => x.shape[d])) <= correction && numel(shape) > 0) {
    warn(
      `${name}(): degrees of freedom is <= 0. Correction should be strictly less than the reduction factor (input numel ` +
        "divided by output numel).",
    );
  }
  const [spread, mean] = fold(x, varFold(correction, root), dims, shape, x.dtype, x.dtype);
  return { spread, mean, args: { selfSymSizes: x.shape, dim: dims, correction, keepdim } };
}

/** The gradient of a variance: `g` is that of the variance, reduced. */
function varBackward(g: Tensor, x: Tensor, args: Args): Tensor {
  const { dim, correction, keepdim } = args;
  const freedom = numel(dim.map((d) => x.shape[d])) - correction;
  const mean = x.ndim === 0 ? x : x.mean([...dim], { keepdim: true });
  return unreduce(g, x.shape, dim, keepdim).mul(2 / freedom).mul(x.sub(mean));
}

/** The gradient of a standard deviation `s`, which is 0 where s is. */
function stdBackward(g: Tensor, x: Tensor, s: Tensor, args: Args): Tensor {
  return varBackward(g.div(s.mul(2)).maskedFill(s.eq(0), 0), x, args);
}

const Var: Rule<Args> = {
  name: "VarBackward0",
  backward: (g, node) => [varBackward(g, node.tensor("self"), node.args)],
};
const Std: Rule<Args> = {
  name: "StdBackward0",
  backward: (g, node) => [stdBackward(g, node.tensor("self"), node.tensor("result"), node.args)],
};

/** The variance of all elements, or over dimensions. Divides by the number of elements less 1 unless told otherwise. */
function variance(x: Tensor, dim?: Dims | VarOptions, options?: VarOptions): Tensor {
  const { spread, args } = compute("var", false, x, dim, options);
  return record(Var, spread, [x], args, { self: x });
}

export { variance as var };

/** The standard deviation of all elements, or over dimensions: the root of {@linkcode variance}. */
export function std(x: Tensor, dim?: Dims | VarOptions, options?: VarOptions): Tensor {
  const { spread, args } = compute("std", true, x, dim, options);
  return record(Std, spread, [x], args, { self: x, result: spread });
}

function withMean(
  name: string,
  spreadBackward: (g: Tensor, x: Tensor, s: Tensor, args: Args) => Tensor,
): Rule<Args> {
  return {
    name,
    backwardAll: ([g, gMean], node) => {
      const x = node.tensor("self"), { args } = node;
      const parts: Tensor[] = [];
      if (g !== null) parts.push(spreadBackward(g, x, node.tensor("result0"), args));
      if (gMean !== null) {
        const count = numel(args.dim.map((d) => x.shape[d]));
        parts.push(expandBack(gMean, x.shape, args.dim, args.keepdim).div(count));
      }
      return [parts.length === 0 ? null : parts.reduce((a, b) => a.add(b))];
    },
  };
}

const VarMean = withMean("VarMeanBackward0", (g, x, _s, args) => varBackward(g, x, args));
const StdMean = withMean("StdMeanBackward0", stdBackward);

/** The variance and the mean. */
export function varMean(x: Tensor, dim?: Dims | VarOptions, options?: VarOptions): [Tensor, Tensor] {
  const { spread, mean, args } = compute("var_mean", false, x, dim, options);
  recordAll(VarMean, [spread, mean], [x], args, { self: x, result0: spread });
  return [spread, mean];
}

/** The standard deviation and the mean. */
export function stdMean(x: Tensor, dim?: Dims | VarOptions, options?: VarOptions): [Tensor, Tensor] {
  const { spread, mean, args } = compute("std_mean", true, x, dim, options);
  recordAll(StdMean, [spread, mean], [x], args, { self: x, result0: spread });
  return [spread, mean];
}

// ---- covariance ---------------------------------------------------------------------------------------------------

/** Options of {@linkcode cov}. */
export interface CovOptions {
  /** What is subtracted from the number of observations before dividing; 1 by default. */
  readonly correction?: number;
  /** How often each observation was made (integers). */
  readonly fweights?: Tensor;
  /** How much each observation counts. */
  readonly aweights?: Tensor;
}

/** The covariance matrix of variables in rows and observations in columns. */
export function cov(x: Tensor, options: CovOptions = {}): Tensor {
  checkTensor(x, "cov");
  const o = checkKeys(options, "cov", ["correction", "fweights", "aweights"]);
  const { correction = 1, fweights, aweights } = o;
  if (x.ndim > 2) {
    throw new TypeError(
      `cov(): expected input to have two or fewer dimensions but got an input with ${x.ndim} dimensions`,
    );
  }
  checkNumber(correction, "cov", "correction");
  if (x.dtype === "bool") throw new TypeError("cov(): bool dtype is not supported for input");
  const rows = x.ndim < 2 ? x.reshape(1, -1) : x;
  const observations = rows.shape[1];
  let weights: Tensor | null = null;
  for (const [name, w] of [["fweights", fweights], ["aweights", aweights]] as const) {
    if (w === undefined) continue;
    checkTensor(w, "cov", name);
    if (w.ndim > 1 || w.numel() !== observations) {
      throw new TypeError(
        `cov(): expected ${name} to have one element for each of ${observations} observations, got ${
          shapeText(w.shape)
        }`,
      );
    }
    if (w.numel() > 0 && Number(w.min().item()) < 0) {
      throw new RangeError(`cov(): ${name} cannot be negative`);
    }
    weights = weights === null ? w : weights.mul(w);
  }
  const total = weights === null ? null : weights.sum();
  const mean = total === null
    ? rows.mean(1, { keepdim: true })
    : rows.mul(weights!).sum(1, { keepdim: true }).div(total);
  const centred = rows.sub(mean);
  const right = weights === null ? centred : centred.mul(weights);
  let factor: number;
  if (total === null) factor = observations - correction;
  else if (aweights === undefined || correction === 0) factor = (total.item() as number) - correction;
  else {factor = (total.item() as number) -
      correction * (weights!.mul(aweights).sum().div(total).item() as number);}
  if (factor <= 0) {
    warn(
      "cov(): degrees of freedom is <= 0. Correction should be strictly less than the number of observations.",
    );
  }
  return centred.matmul(right.t()).div(Math.max(factor, 0)).squeeze();
}

/** The matrix of correlation coefficients of variables in rows and observations in columns. */
export function corrcoef(x: Tensor): Tensor {
  checkTensor(x, "corrcoef");
  if (x.ndim > 2) {
    throw new TypeError(
      `corrcoef(): expected input to have two or fewer dimensions but got an input with ${x.ndim} dimensions`,
    );
  }
  const c = cov(x);
  if (c.ndim === 0) return c.div(c);
  const s = c.diagonal().sqrt();
  return c.div(s.unsqueeze(1)).div(s.unsqueeze(0)).clamp(-1, 1);
}

/** The methods of this family. */
export interface StatisticsMethods {
  /** The variance of all elements, or over dimensions. */
  var(dim?: Dims | VarOptions, options?: VarOptions): Tensor;
  /** The standard deviation of all elements, or over dimensions. */
  std(dim?: Dims | VarOptions, options?: VarOptions): Tensor;
  /** The covariance matrix. */
  cov(options?: CovOptions): Tensor;
  /** The correlation matrix. */
  corrcoef(): Tensor;
}

const methods: StatisticsMethods & ThisType<Tensor> = {
  var(dim, options) {
    return variance(this, dim, options);
  },
  std(dim, options) {
    return std(this, dim, options);
  },
  cov(options) {
    return cov(this, options);
  },
  corrcoef() {
    return corrcoef(this);
  },
};
installMethods(methods);
