/**
 * Elementary functions on lanes of float64, to about its precision. Each is right for NaN, infinities, -0 and denormals.
 * @module
 */
import { COS, EXP, EXPM1, LOG, SIN, TANH } from "../../../expr/polynomials.ts";
import type { Lanes, Value } from "./lanes.ts";

/** Adding it to a small double leaves the nearest integer in the lowest bits. */
const MAGIC = 6755399441055744; // 1.5 * 2^52
const EXPONENT = 52;

/** Beyond it arguments of sine, cosine and tangent are not reduced here. */
export const LARGEST_ANGLE = 1e5;

// Parts of ln 2: products of the first with exponents are exact.
const LN2_HIGH = 0.6931471803691238, LN2_LOW = 1.9082149292705877e-10;

function expPolynomial(l: Lanes, r: Value): Value {
  return l.add(l.fma(l.mul(r, r), l.poly(r, EXP), r), 1);
}

function reduceExp(l: Lanes, x: Value, n: Value): Value {
  return l.fma(n, -LN2_LOW, l.fma(n, -LN2_HIGH, x));
}

/** 2^n for n + MAGIC. */
function power(l: Lanes, t: Value, bias = 1023): Value {
  return l.shl(l.addInt(t, l.integer(bias)), EXPONENT);
}

/** e^x. */
export function exp(l: Lanes, x: Value): Value {
  const inside = l.atLeast(l.atMost(x, 709.79), -745.2);
  const n = l.sub(l.fma(inside, Math.LOG2E, MAGIC), MAGIC);
  const y = expPolynomial(l, reduceExp(l, inside, n));
  // in two steps, for results that overflow or are denormal
  const t = l.fma(n, 0.5, MAGIC), rest = l.sub(n, l.sub(t, MAGIC));
  return l.mul(l.mul(y, power(l, t)), power(l, l.add(rest, MAGIC)));
}

/** e^x where neither x nor the result is extreme: |x| < 700. */
function expInside(l: Lanes, x: Value): Value {
  const t = l.fma(x, Math.LOG2E, MAGIC);
  return l.mul(expPolynomial(l, reduceExp(l, x, l.sub(t, MAGIC))), power(l, t));
}

/** e^x - 1. */
export function expm1(l: Lanes, x: Value): Value {
  const inside = l.atLeast(l.atMost(x, 709.79), -40), small = l.lt(l.abs(inside), 0.55);
  const t = l.select(small, MAGIC, l.fma(inside, Math.LOG2E, MAGIC));
  const r = reduceExp(l, inside, l.sub(t, MAGIC));
  const p = l.fma(l.mul(r, r), l.poly(r, EXPM1), r);
  // 2^n (p + 1) - 1, by halves so that 2^n does not overflow
  const half = power(l, t, 1022), y = l.fma(p, half, l.sub(half, 0.5));
  return l.or(l.select(small, p, l.add(y, y)), l.sign(x));
}

/** log(1 + f) + k ln 2 + low. */
function logarithm(l: Lanes, f: Value, k: Value, low?: Value): Value {
  const s = l.div(f, l.add(f, 2)), z = l.mul(s, s), half = l.mul(l.mul(f, f), 0.5);
  const small = l.mul(s, l.fma(l.poly(z, LOG), z, half));
  const tail = l.fma(k, LN2_LOW, low === undefined ? small : l.add(small, low));
  return l.fma(k, LN2_HIGH, l.sub(f, l.sub(half, tail)));
}

const ONE_BITS = 0x3ff0000000000000n, ROOT_HALF_BITS = 0x3fe6a09e667f3bcdn;

/** A positive number as (1 + f) 2^k, and the bits of 2^k with their bias. */
function reduceLog(l: Lanes, x: Value): { f: Value; k: Value; biased: Value } {
  const biased = l.shr(l.addInt(x, l.integer(ONE_BITS - ROOT_HALF_BITS)), EXPONENT);
  // as the lowest bits of 2^52, an integer becomes a double
  const k = l.sub(l.or(biased, l.number(2 ** 52)), 2 ** 52 + 1023);
  const m = l.addInt(l.subInt(x, l.shl(biased, EXPONENT)), l.integer(ONE_BITS));
  return { f: l.sub(m, 1), k, biased };
}

/** What a logarithm is where x is not a positive number. */
function logEdges(l: Lanes, x: Value, y: Value): Value {
  const finite = l.select(l.lt(x, Infinity), y, x);
  return l.or(l.select(l.eq(x, 0), -Infinity, finite), l.lt(x, 0));
}

/** The natural logarithm. */
export function log(l: Lanes, x: Value): Value {
  const denormal = l.lt(x, 2.2250738585072014e-308);
  const { f, k } = reduceLog(l, l.select(denormal, l.mul(x, 2 ** 54), x));
  return logEdges(l, x, logarithm(l, f, l.sub(k, l.and(denormal, l.number(54)))));
}

/** The natural logarithm of what is no denormal number. */
function logNormal(l: Lanes, x: Value): Value {
  const { f, k } = reduceLog(l, x);
  return logEdges(l, x, logarithm(l, f, k));
}

/** log(1 + x). */
export function log1p(l: Lanes, x: Value): Value {
  const u = l.add(x, 1), { f, k } = reduceLog(l, u);
  // what u has lost of x: its share of the logarithm
  const lost = l.select(l.gt(x, 1), l.sub(1, l.sub(u, x)), l.sub(x, l.sub(u, 1)));
  const low = l.select(l.lt(u, 2 ** 54), l.div(lost, u), 0);
  const y = l.select(l.lt(l.abs(x), 2 ** -54), x, logarithm(l, f, k, low));
  return l.or(logEdges(l, u, y), l.sign(x));
}

/** 1 / (1 + e^-x). */
export function sigmoid(l: Lanes, x: Value): Value {
  const e = exp(l, l.neg(l.abs(x)));
  return l.div(l.select(l.lt(x, 0), e, 1), l.add(e, 1));
}

/** log(1 + e^x). */
export function softplus(l: Lanes, x: Value): Value {
  return l.add(l.atLeast(x, 0), log1p(l, exp(l, l.neg(l.abs(x)))));
}

/** The hyperbolic tangent. */
export function tanh(l: Lanes, x: Value): Value {
  const a = l.abs(x), z = l.mul(x, x);
  const near = l.fma(l.mul(z, a), l.poly(z, TANH), a);
  const far = l.sub(1, l.div(2, l.add(expInside(l, l.atMost(l.add(a, a), 44)), 1)));
  return l.or(l.select(l.lt(a, 0.55), near, far), l.sign(x));
}

/** x - q · π/2, and q in the lowest bits. The angles beyond the largest one have to be flagged by the caller. */
export function reduceAngle(l: Lanes, x: Value): { r: Value; q: Value } {
  const q = l.add(l.mul(x, 2 / Math.PI), MAGIC), n = l.sub(q, MAGIC);
  // the first two parts have 33 bits, so that their products with n are exact
  const near = l.sub(l.sub(x, l.mul(n, 1.5707963267341256)), l.mul(n, 6.077100506303966e-11));
  return { r: l.sub(near, l.mul(n, 2.0222662487959506e-21)), q };
}

function waves(l: Lanes, r: Value): { s: Value; c: Value } {
  const z = l.mul(r, r), half = l.mul(z, 0.5), w = l.sub(1, half);
  const s = l.fma(l.mul(z, r), l.poly(z, SIN), r);
  // what 1 - z/2 has lost is added to the rest
  const c = l.add(w, l.fma(l.mul(z, z), l.poly(z, COS), l.sub(l.sub(1, w), half)));
  return { s, c };
}

/** The sine, or for `turn` = 1 the cosine. */
function wave(l: Lanes, x: Value, turn: 0 | 1): Value {
  l.flag(l.gt(l.abs(x), LARGEST_ANGLE));
  const { r, q } = reduceAngle(l, x), { s, c } = waves(l, r);
  // the lowest bit of the quarter chooses, the next one is the sign: as the bits of a double, 0 or 2 and its sign
  const quarter = l.shl(turn === 0 ? q : l.addInt(q, l.integer(1)), 62);
  const y = l.xor(l.select(l.ne(quarter, 0), c, s), l.sign(quarter));
  return turn === 0 ? l.select(l.lt(l.abs(x), 2 ** -27), x, y) : y;
}

/** The sine. */
export function sin(l: Lanes, x: Value): Value {
  return wave(l, x, 0);
}

/** The cosine. */
export function cos(l: Lanes, x: Value): Value {
  return wave(l, x, 1);
}

// From here on: precise enough for arguments and results that are rounded to float32.

/** The tangent. */
export function tan(l: Lanes, x: Value): Value {
  l.flag(l.gt(l.abs(x), LARGEST_ANGLE));
  const { r, q } = reduceAngle(l, x), { s, c } = waves(l, r);
  const quarter = l.shl(q, 62), odd = l.ne(quarter, 0), turn = l.sign(l.shl(q, 63));
  const y = l.div(l.xor(l.select(odd, c, s), turn), l.select(odd, s, c));
  return l.select(l.lt(l.abs(x), 2 ** -27), x, y);
}

/** atan(x)/x - 1 over x², in x², for |x| <= 1. */
const ATAN = [
  -0.0017875476041808724,
  0.010887361131608486,
  -0.031127002090215683,
  0.05790654569864273,
  -0.08400475233793259,
  0.10951174795627594,
  -0.14264051616191864,
  0.1999853104352951,
  -0.33333298563957214,
];

/** The angle of (x, y) for numbers that are not negative. */
function firstQuadrant(l: Lanes, y: Value, x: Value): Value {
  const steep = l.gt(y, x);
  const t = l.div(l.select(steep, x, y), l.select(steep, y, x)), z = l.mul(t, t);
  const angle = l.fma(l.mul(z, t), l.poly(z, ATAN), t);
  return l.select(steep, l.sub(Math.PI / 2, angle), angle);
}

/** The inverse of the tangent. */
export function atan(l: Lanes, x: Value): Value {
  return l.or(firstQuadrant(l, l.abs(x), l.number(1)), l.sign(x));
}

/** The angle of the point (x, y). */
export function atan2(l: Lanes, y: Value, x: Value): Value {
  const a = l.abs(y), b = l.abs(x);
  const same = l.or(l.and(l.eq(a, 0), l.eq(b, 0)), l.and(l.eq(a, Infinity), l.eq(b, Infinity)));
  // two infinities are as 1 and 1, two zeros as 0 and 1
  const p = l.select(same, l.select(l.eq(a, 0), 0, 1), a), q = l.select(same, 1, b);
  const angle = firstQuadrant(l, p, q);
  const behind = l.lt(l.or(l.sign(x), l.number(1)), 0);
  const known = l.select(behind, l.sub(Math.PI, angle), angle);
  return l.or(l.or(known, l.sign(y)), l.or(l.ne(y, y), l.ne(x, x)));
}

/** asin(x)/x - 1 over x², in x², for |x| <= 1/2. */
const ASIN = [
  0.04229778051376343,
  0.024105379357933998,
  0.0454847477376461,
  0.07495187968015671,
  0.16666755080223083,
];

/** asin of |x| for |x| <= 1/2, or of sqrt((1 - |x|) / 2) for larger ones. */
function halfAsin(l: Lanes, a: Value, large: Value): Value {
  const rest = l.mul(l.sub(1, a), 0.5);
  const z = l.select(large, rest, l.mul(a, a)), t = l.select(large, l.sqrt(rest), a);
  return l.fma(l.mul(z, t), l.poly(z, ASIN), t);
}

/** The inverse of the sine. */
export function asin(l: Lanes, x: Value): Value {
  const a = l.abs(x), large = l.gt(a, 0.5), p = halfAsin(l, a, large);
  return l.or(l.select(large, l.sub(Math.PI / 2, l.add(p, p)), p), l.sign(x));
}

/** The inverse of the cosine. */
export function acos(l: Lanes, x: Value): Value {
  const a = l.abs(x), large = l.gt(a, 0.5), p = halfAsin(l, a, large), twice = l.add(p, p);
  const far = l.select(l.lt(x, 0), l.sub(Math.PI, twice), twice);
  return l.select(large, far, l.sub(Math.PI / 2, l.or(p, l.sign(x))));
}

/** The hyperbolic sine. */
export function sinh(l: Lanes, x: Value): Value {
  const a = l.abs(x), z = l.mul(x, x), e = expInside(l, l.atMost(a, 100));
  const near = l.fma(l.mul(z, a), l.poly(z, [1 / 5040, 1 / 120, 1 / 6]), a);
  return l.or(l.select(l.lt(a, 0.25), near, l.mul(l.sub(e, l.div(1, e)), 0.5)), l.sign(x));
}

/** The hyperbolic cosine. */
export function cosh(l: Lanes, x: Value): Value {
  const e = expInside(l, l.atMost(l.abs(x), 100));
  return l.mul(l.add(e, l.div(1, e)), 0.5);
}

/** Where |x| is so small that x + c x³ is as good as the function. */
function nearZero(l: Lanes, x: Value, c: number, y: Value): Value {
  return l.or(l.select(l.lt(l.abs(x), 2 ** -10), l.fma(l.mul(l.mul(x, x), x), c, x), y), l.sign(x));
}

/** The inverse of the hyperbolic sine. */
export function asinh(l: Lanes, x: Value): Value {
  const a = l.abs(x);
  return nearZero(l, x, -1 / 6, logNormal(l, l.add(a, l.sqrt(l.fma(a, a, 1)))));
}

/** The inverse of the hyperbolic cosine. */
export function acosh(l: Lanes, x: Value): Value {
  const y = logNormal(l, l.add(x, l.sqrt(l.fma(x, x, -1))));
  return l.or(y, l.lt(x, 1));
}

/** The inverse of the hyperbolic tangent. */
export function atanh(l: Lanes, x: Value): Value {
  const a = l.abs(x);
  return nearZero(l, x, 1 / 3, l.mul(logNormal(l, l.div(l.add(a, 1), l.sub(1, a))), 0.5));
}

/** a to the power b, as C has it. */
export function pow(l: Lanes, a: Value, b: Value): Value {
  const size = l.abs(a), product = l.mul(b, logNormal(l, size));
  const one = l.or(l.or(l.eq(a, 1), l.eq(b, 0)), l.and(l.eq(a, -1), l.eq(l.abs(b), Infinity)));
  const y = l.select(one, 1, expInside(l, l.atLeast(l.atMost(product, 200), -200)));
  const half = l.mul(b, 0.5), whole = l.eq(l.trunc(b), b), odd = l.andNot(whole, l.eq(l.trunc(half), half));
  const finite = l.and(l.lt(a, 0), l.gt(a, -Infinity));
  return l.or(l.xor(y, l.and(odd, l.sign(a))), l.andNot(l.andNot(finite, whole), one));
}
