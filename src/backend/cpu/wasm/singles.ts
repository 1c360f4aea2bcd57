/**
 * Elementary functions on lanes of float32: reduction of the argument, a polynomial, and what the exponent adds. Coefficients
 * are minimax fits of our own over the reduced range. Each is right for NaN, infinities, -0 and denormals.
 * @module
 */
import * as doubles from "./doubles.ts";
import type { Lanes, Value } from "./lanes.ts";

/** Adding it to a small float leaves the nearest integer in the lowest bits. */
const MAGIC = 12582912; // 1.5 * 2^23
const MAGIC_BITS = 0x4b400000;

// Parts of ln 2: the first has so few bits that its products with exponents are exact.
const LN2_HIGH = 0.693359375, LN2_LOW = -2.12194440054690583e-4;

/** e^r - 1 - r over r², for |r| < 0.35. */
const EXP = [
  0.0013820964377373457,
  0.008369827643036842,
  0.04166829586029053,
  0.16666512191295624,
  0.4999999403953552,
];

/** x as n ln 2 + r: n as a float plus MAGIC, and r. */
function reduceExp(l: Lanes, x: Value): { t: Value; r: Value } {
  const t = l.fma(x, Math.LOG2E, MAGIC);
  const n = l.sub(t, MAGIC);
  return { t, r: l.fma(n, -LN2_LOW, l.fma(n, -LN2_HIGH, x)) };
}

function expPolynomial(l: Lanes, r: Value): Value {
  return l.add(l.fma(l.mul(r, r), l.poly(r, EXP), r), 1);
}

/** y · 2^n for n in t, also where the result overflows or is denormal. */
function scale(l: Lanes, y: Value, t: Value): Value {
  const n = l.subInt(t, l.integer(MAGIC_BITS)), half = l.sar(n, 1), bias = l.integer(127);
  const first = l.shl(l.addInt(half, bias), 23), second = l.shl(l.addInt(l.subInt(n, half), bias), 23);
  return l.mul(l.mul(y, first), second);
}

/** e^x. */
export function exp(l: Lanes, x: Value): Value {
  const { t, r } = reduceExp(l, l.atLeast(l.atMost(x, 88.8), -104));
  return scale(l, expPolynomial(l, r), t);
}

/** e^x where neither x nor the result is extreme: |x| < 87. */
function expInside(l: Lanes, x: Value): Value {
  const { t, r } = reduceExp(l, x);
  return l.mul(expPolynomial(l, r), l.shl(l.addInt(t, l.integer(127 - MAGIC_BITS)), 23));
}

/** 2^r - 1 over r, for |r| < 0.51. */
const EXP2 = [
  0.00015329277084674686,
  0.0013392806285992265,
  0.009618506766855717,
  0.055503565818071365,
  0.24022647738456726,
  0.6931471824645996,
];

/** 2^x. */
export function exp2(l: Lanes, x: Value): Value {
  const inside = l.atLeast(l.atMost(x, 129), -151);
  const t = l.add(inside, MAGIC), r = l.sub(inside, l.sub(t, MAGIC));
  return scale(l, l.fma(r, l.poly(r, EXP2), 1), t);
}

/** e^r - 1 - r over r², for |r| < 0.56. */
const EXPM1 = [
  0.00019842834444716573,
  0.0014019716763868928,
  0.008333751931786537,
  0.04166477546095848,
  0.16666661202907562,
  0.5000000596046448,
];

/** e^x - 1. */
export function expm1(l: Lanes, x: Value): Value {
  const inside = l.atLeast(l.atMost(x, 88.8), -20), small = l.lt(l.abs(inside), 0.55);
  const t = l.select(small, MAGIC, l.fma(inside, Math.LOG2E, MAGIC));
  const n = l.sub(t, MAGIC), r = l.fma(n, -LN2_LOW, l.fma(n, -LN2_HIGH, inside));
  const p = l.fma(l.mul(r, r), l.poly(r, EXPM1), r);
  // 2^n (p + 1) - 1, by halves so that 2^n does not overflow
  const half = l.shl(l.addInt(t, l.integer(126 - MAGIC_BITS)), 23);
  const y = l.fma(p, half, l.sub(half, 0.5));
  return l.or(l.select(small, p, l.add(y, y)), l.sign(x));
}

/** log(1 + f) - f + f²/2 over f³, for 1 + f from sqrt(1/2) to sqrt(2). */
const LOG = [
  0.06803017854690552,
  -0.11721846461296082,
  0.11885220557451248,
  -0.1239616870880127,
  0.14218731224536896,
  -0.1666865199804306,
  0.20002201199531555,
  -0.24999994039535522,
  0.3333331048488617,
];

/** The bits of sqrt(1/2): where the exponent steps. */
const ROOT_HALF_BITS = 0x3f3504f3;

/** log(1 + f) + k ln 2. */
function logarithm(l: Lanes, f: Value, k: Value): Value {
  const z = l.mul(f, f);
  const y = l.fma(z, -0.5, l.fma(k, LN2_LOW, l.mul(l.mul(z, f), l.poly(f, LOG))));
  return l.fma(k, LN2_HIGH, l.add(f, y));
}

/** A positive x as (1 + f) 2^k. */
function reduceLog(l: Lanes, x: Value): { f: Value; k: Value } {
  const denormal = l.lt(x, 1.1754943508222875e-38);
  const y = l.select(denormal, l.mul(x, 8388608), x);
  const n = l.sar(l.subInt(y, l.integer(ROOT_HALF_BITS)), 23);
  const k = l.sub(l.fromInt(n), l.and(denormal, l.number(23)));
  return { f: l.sub(l.subInt(y, l.shl(n, 23)), 1), k };
}

/** What a logarithm is where x is not a positive number. */
function logEdges(l: Lanes, x: Value, y: Value): Value {
  const finite = l.select(l.lt(x, Infinity), y, x);
  return l.or(l.select(l.eq(x, 0), -Infinity, finite), l.lt(x, 0));
}

/** The natural logarithm. */
export function log(l: Lanes, x: Value): Value {
  const { f, k } = reduceLog(l, x);
  return logEdges(l, x, logarithm(l, f, k));
}

/** log2(1 + f) - f / ln 2 over f². */
const LOG2 = [
  -0.11041934788227081,
  0.18701080977916718,
  -0.19130107760429382,
  0.20448915660381317,
  -0.23957493901252747,
  0.2885715365409851,
  -0.36069852113723755,
  0.4808982014656067,
  -0.7213473320007324,
];

/** The logarithm to base 2. */
export function log2(l: Lanes, x: Value): Value {
  const { f, k } = reduceLog(l, x);
  const high = 1.4423828125, low = Math.LOG2E - high;
  const y = l.fma(f, high, l.fma(l.mul(f, f), l.poly(f, LOG2), l.mul(f, low)));
  return logEdges(l, x, l.add(y, k));
}

/** log10(1 + f) - f / ln 10 over f². */
const LOG10 = [
  -0.03329114615917206,
  0.05626007169485092,
  -0.05754779279232025,
  0.06156039983034134,
  -0.07212438434362411,
  0.08686870336532593,
  -0.10858086496591568,
  0.14476478099822998,
  -0.21714718639850616,
];

/** The logarithm to base 10. */
export function log10(l: Lanes, x: Value): Value {
  const { f, k } = reduceLog(l, x);
  const high = 0.43408203125,
    low = Math.LOG10E - high,
    twoHigh = 0.30078125,
    twoLow = Math.log10(2) - twoHigh;
  const small = l.fma(k, twoLow, l.fma(l.mul(f, f), l.poly(f, LOG10), l.mul(f, low)));
  return logEdges(l, x, l.fma(k, twoHigh, l.fma(f, high, small)));
}

/** log(1 + x). */
export function log1p(l: Lanes, x: Value): Value {
  const u = l.add(x, 1);
  const n = l.sar(l.subInt(u, l.integer(ROOT_HALF_BITS)), 23), exponent = l.shl(n, 23);
  // x itself is scaled, because u has lost its last bits; where x is so large that the scale is none, it has not
  const s = l.subInt(l.integer(0x3f800000), exponent), k = l.fromInt(n);
  const f = l.select(l.gt(k, 30), l.sub(l.subInt(u, exponent), 1), l.fma(x, s, l.sub(s, 1)));
  return l.or(logEdges(l, u, logarithm(l, f, k)), l.sign(x));
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

/** sin(r)/r - 1 over r², in r², and cos(r) - 1 + r²/2 over r⁴; |r| < 0.8. */
const SIN = [-0.00019508233526721597, 0.00833210814744234, -0.16666653752326965];
const COS = [2.443008816044312e-05, -0.0013887297827750444, 0.04166664555668831];

/** x - q · π/2, and q in the lowest bits of an integer. */
function reduceAngle(l: Lanes, x: Value): { r: Value; q: Value } {
  l.flag(l.gt(l.abs(x), doubles.LARGEST_ANGLE));
  if (l.kernel.features.fused) {
    const q = l.fma(x, 2 / Math.PI, MAGIC), n = l.sub(q, MAGIC);
    // the three parts of π/2 add up to 70 bits; the first two steps round once, to what the last one takes away
    const near = l.fma(
      n,
      1.7151245100051745e-15,
      l.fma(n, 4.371138828673793e-8, l.fma(n, -1.5707963705062866, x)),
    );
    return { r: l.select(l.eq(n, 0), x, near), q };
  }
  const { r, q } = doubles.reduceAngle(l.wider(), l.widen(x));
  return { r: l.narrow(r), q: l.lowBits(q) };
}

/** The sine, or for `turn` = 1 the cosine. */
function wave(l: Lanes, x: Value, turn: 0 | 1): Value {
  const { r, q } = reduceAngle(l, x);
  const z = l.mul(r, r);
  const s = l.fma(l.mul(z, r), l.poly(z, SIN), r);
  const c = l.fma(l.mul(z, z), l.poly(z, COS), l.fma(z, -0.5, 1));
  // the lowest bit of the quarter chooses, the next one is the sign: as the bits of a float, 0 or 2 and its sign
  const quarter = l.shl(turn === 0 ? q : l.addInt(q, l.integer(1)), 30);
  const y = l.xor(l.select(l.ne(quarter, 0), c, s), l.sign(quarter));
  return turn === 0 ? l.select(l.lt(l.abs(x), 2 ** -13), x, y) : y;
}

/** The sine. */
export function sin(l: Lanes, x: Value): Value {
  return wave(l, x, 0);
}

/** The cosine. */
export function cos(l: Lanes, x: Value): Value {
  return wave(l, x, 1);
}

/** tanh(x)/x - 1 over x², in x², for |x| < 0.65. */
const TANH = [
  0.0020106658339500427,
  -0.008028397336602211,
  0.021638689562678337,
  -0.05393514409661293,
  0.13333112001419067,
  -0.333333283662796,
];

/** The hyperbolic tangent. */
export function tanh(l: Lanes, x: Value): Value {
  const a = l.abs(x), z = l.mul(x, x);
  const near = l.fma(l.mul(z, a), l.poly(z, TANH), a);
  const twice = l.atMost(l.add(a, a), 20);
  const far = l.sub(1, l.div(2, l.add(expInside(l, twice), 1)));
  return l.or(l.select(l.lt(a, 0.6), near, far), l.sign(x));
}

/** erf(x)/x - 1, in x², for |x| < 0.93. */
const ERF = [
  7.996649947017431e-05,
  -0.0008049769676290452,
  0.005192405078560114,
  -0.02685573138296604,
  0.11283625662326813,
  -0.3761262893676758,
  0.12837916612625122,
];
/** log(1 - erf(x)), for x from 0.9 to 3.95. */
const LOG_ERFC = [
  -2.082341416098643e-05,
  0.00043134408770129085,
  -0.00415606377646327,
  0.025080231949687004,
  -0.10821995884180069,
  -0.633401095867157,
  -1.1294883489608765,
  0.0001692051300778985,
];

/** The error function. */
export function erf(l: Lanes, x: Value): Value {
  const a = l.abs(x), z = l.mul(x, x);
  const near = l.fma(a, l.poly(z, ERF), a);
  const far = l.sub(1, expInside(l, l.poly(l.atMost(a, 3.93), LOG_ERFC)));
  return l.or(l.select(l.lt(a, 0.92), near, far), l.sign(x));
}
