/**
 * Functions of one tensor with parameters.
 * @module
 */

import { program } from "../expr/program.ts";
import { checkKeys, checkNumber } from "../tensor/arguments.ts";
import { brief } from "../tensor/describe.ts";
import { installMethods, type Tensor } from "../tensor/tensor.ts";
import type { Operand } from "./core/compute.ts";
import { floatsOnly } from "./core/dtype_rules.ts";
import { PointwiseOp } from "./core/pointwise_op.ts";
import { operandTensor, operation, type Plan, run, runInPlace } from "./core/table.ts";

// ---- rounding -----------------------------------------------------------------------------------------------------

/** Options of {@linkcode round}. */
export interface RoundOptions {
  /** Digits to keep after the point; negative ones are before it. 0 by default. */
  readonly decimals?: number;
}

const Round = operation("round", "x", "round(x)");
const decimalRule = {
  gradFn: "RoundBackward1",
  follows: "first",
  names: ["self", "scale"],
  parameters: 1,
  dtypes: floatsOnly("round_cpu"),
} as const;
const RoundAfter = operation("roundDecimals", "x s", "round(x * s) / s", decimalRule);
const RoundBefore = operation("roundTens", "x s", "round(x / s) * s", decimalRule);

function rounding(x: Tensor, options: RoundOptions = {}): Plan {
  checkKeys(options, "round", ["decimals"]);
  const { decimals = 0 } = options;
  if (!Number.isInteger(decimals)) {
    throw new RangeError(`round(): decimals must be a whole number, but got ${brief(decimals)}`);
  }
  if (decimals === 0) return [Round, [x]];
  return decimals > 0 ? [RoundAfter, [x, 10 ** decimals]] : [RoundBefore, [x, 10 ** -decimals]];
}

/** To the nearest integer, halves to the even one; or to a number of decimals. */
export function round(x: Operand, options?: RoundOptions): Tensor {
  return run(rounding(operandTensor(x, "round"), options));
}

// ---- logit --------------------------------------------------------------------------------------------------------

/** Options of {@linkcode logit}. */
export interface LogitOptions {
  /** Brings x into [eps, 1 - eps] first; without it the result is NaN outside [0, 1]. */
  readonly eps?: number | null;
}

const Logit = operation("logit", "x", "log(x / (1 - x))", {
  grad: "where(x < 0 || x > 1, nan, g / (x * (1 - x)))",
});
const LogitEps = operation("logitEps", "x e", "log(min(max(x, e), 1 - e) / (1 - min(max(x, e), 1 - e)))", {
  gradFn: "LogitBackward0",
  names: ["self", "eps"],
  parameters: 1,
  grad: ["where(x < e || x > 1 - e, 0, g / (x * (1 - x)))"],
});

function logitPlan(x: Tensor, options: number | LogitOptions | null = null): Plan {
  const given = typeof options === "object" ? options ?? {} : { eps: options };
  checkKeys(given, "logit", ["eps"]);
  const { eps = null } = given;
  if (eps !== null) checkNumber(eps, "logit", "eps");
  return eps === null ? [Logit, [x]] : [LogitEps, [x, eps]];
}

/** log(x / (1 - x)), the inverse of `sigmoid`. */
export function logit(x: Operand, options?: number | LogitOptions | null): Tensor {
  return run(logitPlan(operandTensor(x, "logit"), options));
}

// ---- the gamma function's relatives -------------------------------------------------------------------------------

/** Operations with the order in their program. */
const MAX_ORDERS = 64;
const derivatives = new Map<number, PointwiseOp>();
const multivariate = new Map<number, PointwiseOp>();

function ofOrder(known: Map<number, PointwiseOp>, order: number, make: () => PointwiseOp): PointwiseOp {
  let op = known.get(order);
  if (op === undefined) {
    if (known.size === MAX_ORDERS) known.clear();
    known.set(order, op = make());
  }
  return op;
}

/** The largest order: the work grows with it, and the gamma function has left float64 from 171 on. */
const MAX_ORDER = 1000;

function checkOrder(name: string, order: unknown, least: number): number {
  if (Number.isInteger(order) && (order as number) >= least) {
    if (order as number <= MAX_ORDER) return order as number;
    throw new RangeError(`${name}(): the order must be at most ${MAX_ORDER}, but got ${order}`);
  }
  throw new RangeError(
    name === "polygamma" && typeof order === "number" && order < 0
      ? "polygamma(n, x) does not support negative n."
      : name === "mvlgamma" && typeof order === "number" && order < 1
      ? "p has to be greater than or equal to 1"
      : `${name}(): the order must be a whole number of at least ${least}, but got ${brief(order)}`,
  );
}

function polygammaPlan(n: number, x: Tensor): Plan {
  checkOrder("polygamma", n, 0);
  const op = ofOrder(derivatives, n, () => {
    const text = n === 0 ? "digamma(x)" : `polygamma(${n}, x)`;
    return new PointwiseOp(program(["x"], text, { name: "polygamma" }), { attributes: { n } });
  });
  return [op, [x]];
}

/** The n-th derivative of `digamma`, n = 0, 1, 2, ... */
export function polygamma(n: number, x: Operand): Tensor {
  return run(polygammaPlan(n, operandTensor(x, "polygamma")));
}

function mvlgammaPlan(x: Tensor, p: number): Plan {
  checkOrder("mvlgamma", p, 1);
  const op = ofOrder(multivariate, p, () => {
    const terms = Array.from({ length: p }, (_, j) => `lgamma(x - ${j / 2})`);
    const text = `${p * (p - 1) / 4} * log(pi) + ${terms.join(" + ")}`;
    return new PointwiseOp(program(["x"], text, { name: "mvlgamma" }), { attributes: { p } });
  });
  return [op, [x]];
}

/** The logarithm of the multivariate gamma function of dimension p, for x > (p - 1) / 2. */
export function mvlgamma(x: Operand, p: number): Tensor {
  return run(mvlgammaPlan(operandTensor(x, "mvlgamma"), p));
}

// ---- numbers for what is none -------------------------------------------------------------------------------------

/** Options of {@linkcode nanToNum}. */
export interface NanToNumOptions {
  /** In place of NaN; 0 by default. */
  readonly nan?: number;
  /** In place of infinity; the largest number of the dtype by default. */
  readonly posinf?: number | null;
  /** In place of -infinity; the smallest number of the dtype by default. */
  readonly neginf?: number | null;
}

const NanToNum = operation(
  "nanToNum",
  "x n p m",
  "where(isnan(x), n, where(isinf(x), where(x > 0, p, m), x))",
  {
    follows: "first",
    names: ["self", "nan", "posinf", "neginf"],
    parameters: 3,
    grad: ["where(isnan(x) || isinf(x), 0, g)"],
  },
);

const largest: Readonly<Record<string, number>> = {
  float16: 65504,
  float32: 3.4028234663852886e38,
  float64: Number.MAX_VALUE,
};

function nanToNumPlan(x: Tensor, options: NanToNumOptions = {}): Plan {
  checkKeys(options, "nanToNum", ["nan", "posinf", "neginf"]);
  for (const name of ["nan", "posinf", "neginf"] as const) {
    if (options[name] !== undefined && options[name] !== null) checkNumber(options[name], "nanToNum", name);
  }
  const { nan = 0 } = options, most = largest[x.dtype] ?? 0;
  return [NanToNum, [x, nan, options.posinf ?? most, options.neginf ?? -most]];
}

/** NaN and infinities replaced by numbers. */
export function nanToNum(x: Operand, options?: NanToNumOptions): Tensor {
  return run(nanToNumPlan(operandTensor(x, "nanToNum"), options));
}

/** The methods of this family. */
export interface ParametricMethods {
  /** To the nearest integer, halves to the even one; or to a number of decimals. */
  round(options?: RoundOptions): Tensor;
  /** {@linkcode ParametricMethods.round} in place. */
  round_(options?: RoundOptions): Tensor;
  /** log(self / (1 - self)), the inverse of `sigmoid`. */
  logit(options?: number | LogitOptions | null): Tensor;
  /** {@linkcode ParametricMethods.logit} in place. */
  logit_(options?: number | LogitOptions | null): Tensor;
  /** The n-th derivative of `digamma`. */
  polygamma(n: number): Tensor;
  /** {@linkcode ParametricMethods.polygamma} in place. */
  polygamma_(n: number): Tensor;
  /** The logarithm of the multivariate gamma function of dimension p. */
  mvlgamma(p: number): Tensor;
  /** {@linkcode ParametricMethods.mvlgamma} in place. */
  mvlgamma_(p: number): Tensor;
  /** NaN and infinities replaced by numbers. */
  nanToNum(options?: NanToNumOptions): Tensor;
  /** {@linkcode ParametricMethods.nanToNum} in place. */
  nanToNum_(options?: NanToNumOptions): Tensor;
}

const methods: ParametricMethods & ThisType<Tensor> = {
  round(options) {
    return round(this, options);
  },
  round_(options) {
    return runInPlace(rounding(this, options));
  },
  logit(options) {
    return run(logitPlan(this, options));
  },
  logit_(options) {
    return runInPlace(logitPlan(this, options));
  },
  polygamma(n) {
    return run(polygammaPlan(n, this));
  },
  polygamma_(n) {
    return runInPlace(polygammaPlan(n, this));
  },
  mvlgamma(p) {
    return run(mvlgammaPlan(this, p));
  },
  mvlgamma_(p) {
    return runInPlace(mvlgammaPlan(this, p));
  },
  nanToNum(options) {
    return run(nanToNumPlan(this, options));
  },
  nanToNum_(options) {
    return runInPlace(nanToNumPlan(this, options));
  },
};
installMethods(methods);
