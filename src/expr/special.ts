/**
 * Functions that generated JavaScript calls by name: special functions to nearly full double precision, and integer
 * arithmetic that JavaScript has no operator for.
 * @module
 */

// Powers and division of floats

/** C's pow, which unlike `**` gives 1 for 1 to any power and for -1 to an infinite one. */
export function pow(a: number, b: number): number {
  return a === 1 || (a === -1 && (b === Infinity || b === -Infinity)) ? 1 : a ** b;
}

/** Python's floor division, consistent with {@linkcode remainder} where a / b is rounded up to an integer. */
export function floorDiv(a: number, b: number): number {
  if (b === 0) return a / b;
  const r = a % b;
  let q = (a - r) / b;
  if (r !== 0 && (b < 0) !== (r < 0)) q -= 1;
  if (q === 0) return copysign(0, a / b);
  const f = Math.floor(q);
  return q - f > 0.5 ? f + 1 : f;
}

/** The remainder with the sign of the divisor. */
export function remainder(a: number, b: number): number {
  const r = a % b;
  return r !== 0 && (b < 0) !== (r < 0) ? r + b : r;
}

/** The magnitude of `a` with the sign of `b`, where -0 has a sign. */
export function copysign(a: number, b: number): number {
  return (b < 0 || Object.is(b, -0)) ? -Math.abs(a) : Math.abs(a);
}

/** To the nearest integer, halves to the even one. */
export function round(x: number): number {
  if (!(Math.abs(x) < 4503599627370496)) return x; // 2^52: whole already, or NaN
  const f = Math.floor(x), d = x - f;
  const r = d < 0.5 || (d === 0.5 && f % 2 === 0) ? f : f + 1;
  return r === 0 && (x < 0 || Object.is(x, -0)) ? -0 : r;
}

/** 1 / (1 + exp(-x)). */
export function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

/** log(1 + exp(x)), without overflow. */
export function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}

const floats = new Float32Array(1), floatBits = new Int32Array(floats.buffer);
const doubles = new Float64Array(1), doubleBits = new BigInt64Array(doubles.buffer);

/** The next double after `a` in the direction of `b`. */
export function nextafter(a: number, b: number): number {
  if (!(a < b || a > b)) return a === b ? b : NaN;
  if (a === 0) return b < 0 ? -Number.MIN_VALUE : Number.MIN_VALUE;
  // The bits of a float, read as an integer, grow with its magnitude.
  doubles[0] = a;
  doubleBits[0] += (a < b) === (a > 0) ? 1n : -1n;
  return doubles[0];
}

/** The next float32 after `a` in the direction of `b`. */
export function nextafter32(a: number, b: number): number {
  if (!(a < b || a > b)) return a === b ? b : NaN;
  floats[0] = a;
  if (a === 0) floatBits[0] = b < 0 ? 1 | 1 << 31 : 1;
  else floatBits[0] += (a < b) === (a > 0) ? 1 : -1;
  return floats[0];
}

// Integers of up to 32 bits

function divisor(b: number): number {
  if (b === 0) throw new RangeError("ZeroDivisionError");
  return b;
}

/** Integer power modulo 2^32; a negative exponent gives the truncated reciprocal, as PyTorch does. */
export function intPow(a: number, b: number): number {
  if (b < 0) return a === 1 ? 1 : a === -1 ? (b & 1 ? -1 : 1) : 0;
  let result = 1;
  for (; b > 0; b >>= 1, a = Math.imul(a, a)) if (b & 1) result = Math.imul(result, a);
  return result;
}

/** Division rounded down. */
export function intFloorDiv(a: number, b: number): number {
  return Math.floor(a / divisor(b)) | 0;
}

/** Division rounded towards zero. */
export function intTruncDiv(a: number, b: number): number {
  return a / divisor(b) | 0;
}

/** The remainder with the sign of the divisor. */
export function intRemainder(a: number, b: number): number {
  return remainder(a, divisor(b)) | 0;
}

/** The remainder with the sign of the dividend. */
export function intFmod(a: number, b: number): number {
  return a % divisor(b) | 0;
}

/** The greatest common divisor, never negative (but that of -2^31, whose magnitude has no int32). */
export function intGcd(a: number, b: number): number {
  while (b !== 0) [a, b] = [b, a % b];
  return Math.abs(a) | 0;
}

/** The least common multiple modulo 2^32; 0 where one of the numbers is. */
export function intLcm(a: number, b: number): number {
  const divisor = intGcd(a, b);
  return divisor === 0 ? 0 : Math.abs(Math.imul(a / divisor, b)) | 0;
}

// 64-bit integers

function bigDivisor(b: bigint): bigint {
  if (b === 0n) throw new RangeError("ZeroDivisionError");
  return b;
}

/** Integer power modulo 2^64; a negative exponent gives the truncated reciprocal. */
export function bigPow(a: bigint, b: bigint): bigint {
  if (b < 0n) return a === 1n ? 1n : a === -1n ? (b & 1n ? -1n : 1n) : 0n;
  let result = 1n;
  for (; b > 0n; b >>= 1n, a = BigInt.asIntN(64, a * a)) if (b & 1n) result = BigInt.asIntN(64, result * a);
  return result;
}

/** Division rounded down. */
export function bigFloorDiv(a: bigint, b: bigint): bigint {
  const q = a / bigDivisor(b);
  return BigInt.asIntN(64, a % b !== 0n && (a < 0n) !== (b < 0n) ? q - 1n : q);
}

/** Division rounded towards zero. */
export function bigTruncDiv(a: bigint, b: bigint): bigint {
  return BigInt.asIntN(64, a / bigDivisor(b));
}

/** The remainder with the sign of the divisor. */
export function bigRemainder(a: bigint, b: bigint): bigint {
  const r = a % bigDivisor(b);
  return r !== 0n && (b < 0n) !== (r < 0n) ? r + b : r;
}

/** The remainder with the sign of the dividend. */
export function bigFmod(a: bigint, b: bigint): bigint {
  return a % bigDivisor(b);
}

/** The greatest common divisor. */
export function bigGcd(a: bigint, b: bigint): bigint {
  while (b !== 0n) [a, b] = [b, a % b];
  return bigAbs(a);
}

/** The least common multiple modulo 2^64; 0 where one of the numbers is. */
export function bigLcm(a: bigint, b: bigint): bigint {
  const divisor = bigGcd(a, b);
  return divisor === 0n ? 0n : bigAbs(BigInt.asIntN(64, a / divisor * b));
}

/** The absolute value; that of -2^63 is itself. */
export function bigAbs(a: bigint): bigint {
  return a < 0n ? BigInt.asIntN(64, -a) : a;
}

/** A float as a 64-bit integer: towards zero, modulo 2^64; NaN and infinities give 0. */
export function toInt64(x: number): bigint {
  return Number.isFinite(x) ? BigInt.asIntN(64, BigInt(Math.trunc(x))) : 0n;
}

export { digamma, erf, erfc, erfcx, erfinv, i0, i1, lgamma, polygamma } from "./special_functions.ts";
