/**
 * How each primitive is spelled in vector instructions: for lanes of float32, of float64, or both. A primitive without a
 * spelling is left to JavaScript, with the programs that use it.
 * @module
 */
import * as doubles from "./doubles.ts";
import type { Lanes, Value } from "./lanes.ts";
import * as singles from "./singles.ts";

/** Appends the instructions for a primitive. Truth values are masks. */
export type Spelling = (l: Lanes, a: Value, b: Value, c: Value) => Value;

/** The spellings of a primitive. */
export interface Spellings {
  /** On float32. */
  readonly single?: Spelling;
  /** On float64. */
  readonly double?: Spelling;
}

const both = (spelling: Spelling): Spellings => ({ single: spelling, double: spelling });

/** A function on float32 that is computed in float64. */
const wide = (f: (l: Lanes, a: Value, b: Value) => Value, inputs: 1 | 2 = 1): Spellings => ({
  single: (l, a, b) => inputs === 1 ? l.inDoubles([a], (d, x) => f(d, x, x)) : l.inDoubles([a, b], f),
});

const isNan = (l: Lanes, a: Value): Value => l.ne(a, a);

/** Whole quotients above which the remainder of float32 numbers is not exact in doubles. */
const LARGEST_QUOTIENT = 2 ** 28;

/** a - trunc(a / b) b and the whole quotient, of doubles that are singles. */
function divide(l: Lanes, a: Value, b: Value): { quotient: Value; rest: Value } {
  const quotient = l.trunc(l.div(a, b));
  // the quotient by 0 or by an infinity, and those that are not exact
  l.flag(l.not(l.lt(l.abs(quotient), LARGEST_QUOTIENT)));
  l.flag(l.eq(l.abs(b), Infinity));
  return { quotient, rest: l.copysign(l.sub(a, l.mul(quotient, b)), a) };
}

/** Where the rest has another sign than the divisor, so that rounding down is not rounding towards 0. */
function isBelow(l: Lanes, rest: Value, b: Value): Value {
  return l.and(l.ne(rest, 0), l.lt(l.or(l.xor(l.sign(rest), l.sign(b)), l.number(1)), 0));
}

/** The table, by the primitives' names. */
export const spellings: Readonly<Record<string, Spellings>> = {
  add: both((l, a, b) => l.add(a, b)),
  sub: both((l, a, b) => l.sub(a, b)),
  mul: both((l, a, b) => l.mul(a, b)),
  neg: both((l, a) => l.neg(a)),
  div: both((l, a, b) => l.div(a, b)),
  pow: wide(doubles.pow, 2),
  fround: { single: (_, a) => a },
  truncDiv: wide((l, a, b) => l.copysign(divide(l, a, b).quotient, l.xor(a, b)), 2),
  floorDiv: wide((l, a, b) => {
    const { quotient, rest } = divide(l, a, b);
    const down = l.sub(quotient, l.and(isBelow(l, rest, b), l.number(1)));
    return l.copysign(down, l.xor(a, b));
  }, 2),
  fmod: wide((l, a, b) => divide(l, a, b).rest, 2),
  remainder: wide((l, a, b) => {
    const { rest } = divide(l, a, b);
    return l.select(isBelow(l, rest, b), l.add(rest, b), rest);
  }, 2),

  exp: { single: singles.exp, double: doubles.exp },
  exp2: { single: singles.exp2 },
  expm1: { single: singles.expm1, double: doubles.expm1 },
  log: { single: singles.log, double: doubles.log },
  log2: { single: singles.log2 },
  log10: { single: singles.log10 },
  log1p: { single: singles.log1p, double: doubles.log1p },
  sigmoid: { single: singles.sigmoid, double: doubles.sigmoid },
  softplus: { single: singles.softplus, double: doubles.softplus },
  sqrt: both((l, a) => l.sqrt(a)),
  rsqrt: both((l, a) => l.div(1, l.sqrt(a))),

  sin: { single: singles.sin, double: doubles.sin },
  cos: { single: singles.cos, double: doubles.cos },
  tan: wide(doubles.tan),
  asin: wide(doubles.asin),
  acos: wide(doubles.acos),
  atan: wide(doubles.atan),
  atan2: wide(doubles.atan2, 2),
  sinh: wide(doubles.sinh),
  cosh: wide(doubles.cosh),
  tanh: { single: singles.tanh, double: doubles.tanh },
  asinh: wide(doubles.asinh),
  acosh: wide(doubles.acosh),
  atanh: wide(doubles.atanh),
  erf: { single: singles.erf },

  floor: both((l, a) => l.floor(a)),
  ceil: both((l, a) => l.ceil(a)),
  trunc: both((l, a) => l.trunc(a)),
  round: both((l, a) => l.nearest(a)),
  abs: both((l, a) => l.abs(a)),
  sign: both((l, a) => l.sub(l.and(l.gt(a, 0), l.number(1)), l.and(l.lt(a, 0), l.number(1)))),
  copysign: both((l, a, b) => l.copysign(a, l.select(isNan(l, b), 0, b))),
  max: both((l, a, b) => l.select(l.or(l.ge(a, b), isNan(l, a)), a, b)),
  min: both((l, a, b) => l.select(l.or(l.le(a, b), isNan(l, a)), a, b)),
  fmax: both((l, a, b) => l.select(l.or(l.ge(a, b), isNan(l, b)), a, b)),
  fmin: both((l, a, b) => l.select(l.or(l.le(a, b), isNan(l, b)), a, b)),

  where: both((l, a, b, c) => l.select(a, b, c)),
  eq: both((l, a, b) => l.eq(a, b)),
  ne: both((l, a, b) => l.ne(a, b)),
  lt: both((l, a, b) => l.lt(a, b)),
  le: both((l, a, b) => l.le(a, b)),
  gt: both((l, a, b) => l.gt(a, b)),
  ge: both((l, a, b) => l.ge(a, b)),
  and: both((l, a, b) => l.and(a, b)),
  or: both((l, a, b) => l.or(a, b)),
  xor: both((l, a, b) => l.xor(a, b)),
  not: both((l, a) => l.not(a)),
  isnan: both(isNan),
  isinf: both((l, a) => l.eq(l.abs(a), Infinity)),
  // NaN has no sign here, whatever its bits are
  signbit: both((l, a) => l.lt(l.or(l.sign(a), l.select(isNan(l, a), 0, 1)), 0)),
};
