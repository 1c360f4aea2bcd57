/**
 * Philox 4x32-10 and the distributions that the GPU computes from it, in JavaScript: every step rounds as WGSL's does, so that both
 * give the same bits. Normal numbers come from additions and multiplications alone, which are exact to the last bit on all GPUs.
 * @module
 */
import type { DType, TypedArray } from "../../tensor/dtype.ts";

/** What is to be drawn. */
export interface PhiloxFill {
  /** Uniform from [0, 1), standard normal, integers from [low, low + range), or 1 for words below a threshold. */
  readonly kind: "uniform" | "normal" | "integers" | "bernoulli";
  /** Two words. */
  readonly key: readonly [number, number];
  /** The first block. */
  readonly start: number;
  /** The least integer. */
  readonly low: number;
  /** The number of integers, up to 2^32; for bernoulli the probability times 2^24, rounded up. */
  readonly range: number;
}

/** Words that an element takes. */
export function wordsOf(kind: PhiloxFill["kind"], dtype: DType): number {
  return kind === "uniform" && dtype === "float64" ? 2 : 1;
}

/** Words that so many elements take. */
export function blocksFor(kind: PhiloxFill["kind"], dtype: DType, length: number): number {
  return wordsOf(kind, dtype) * length;
}

/** Multipliers, and what is added to the key each round. */
export const PHILOX = { m0: 0xd2511f53, m1: 0xcd9e8d57, w0: 0x9e3779b9, w1: 0xbb67ae85, rounds: 10 } as const;

/** Coefficients of (log(1 + t) - t) / t², sin(a) / a and cos(a), the highest power first, and factors. All are float32. */
export const NORMAL = {
  log: [
    -0.07877954840660095,
    0.12838643789291382,
    -0.1310516893863678,
    0.14186975359916687,
    -0.16627077758312225,
    0.20002037286758423,
    -0.25000786781311035,
    0.33333319425582886,
    -0.4999999701976776,
  ],
  sin: [1 / 362880, -1 / 5040, 1 / 120, -1 / 6].map(Math.fround),
  cos: [1 / 40320, -1 / 720, 1 / 24, -1 / 2].map(Math.fround),
  ln2: Math.fround(Math.LN2),
  /** An eighth of a turn, cut into 2^21. */
  step: Math.fround(Math.PI / 4 * 2 ** -21),
} as const;

const { m0, m1, w0, w1, rounds } = PHILOX, { fround } = Math;

/** The high word of a product of two words. */
function high(a: number, b: number): number {
  const al = a & 0xffff, ah = a >>> 16, bl = b & 0xffff, bh = b >>> 16;
  const low = al * bl, middle = ah * bl + (low >>> 16);
  const cross = al * bh + (middle & 0xffff);
  return (ah * bh + Math.floor(middle / 65536) + Math.floor(cross / 65536)) >>> 0;
}

/** The four words of a block. */
export function philoxBlock(place: number, key: readonly [number, number], out: Uint32Array): void {
  let a = place >>> 0, b = Math.floor(place / 2 ** 32) >>> 0, c = 0, d = 0;
  let [k0, k1] = key;
  for (let round = 0; round < rounds; round++) {
    const low0 = Math.imul(m0, a), low1 = Math.imul(m1, c), high0 = high(m0, a), high1 = high(m1, c);
    a = (high1 ^ b ^ k0) >>> 0;
    b = low1 >>> 0;
    c = (high0 ^ d ^ k1) >>> 0;
    d = low0 >>> 0;
    k0 = (k0 + w0) >>> 0;
    k1 = (k1 + w1) >>> 0;
  }
  out[0] = a;
  out[1] = b;
  out[2] = c;
  out[3] = d;
}

const float = new Float32Array(1), bits = new Int32Array(float.buffer);

function bitsOf(x: number): number {
  float[0] = x;
  return bits[0];
}

function ofBits(x: number): number {
  bits[0] = x;
  return float[0];
}

/** A polynomial without its last, constant term times x: float32 step by step. */
function horner(coefficients: readonly number[], x: number): number {
  let p = coefficients[0];
  for (let k = 1; k < coefficients.length; k++) p = fround(fround(p * x) + coefficients[k]);
  return p;
}

/** The length of a normal vector of the plane, from a word. */
function radius(word: number): number {
  const u = ((word >>> 8) + 1) * 2 ** -24, all = bitsOf(u), e = (all - 0x3f3504f3) >> 23;
  const t = fround(ofBits(all - (e << 23)) - 1);
  const rest = fround(fround(fround(t * t) * horner(NORMAL.log, t)) + t);
  const log = fround(fround(e * NORMAL.ln2) + rest);
  const x = ofBits(bitsOf(log * -2) & 0x7fffffff), half = fround(x * 0.5);
  let y = ofBits(0x5f3759df - (bitsOf(x) >> 1));
  for (let k = 0; k < 3; k++) y = fround(y * fround(1.5 - fround(fround(half * y) * y)));
  return fround(x * y);
}

/** The cosine and the sine of the angle that a word means, times a length. */
function onCircle(word: number, r: number, out: Float32Array): void {
  const place = word >>> 8, octant = place >>> 21, part = place & 0x1fffff;
  const a = fround((octant & 1 ? 0x200000 - part : part) * NORMAL.step), square = fround(a * a);
  const sine = fround(fround(fround(a * square) * horner(NORMAL.sin, square)) + a);
  const c = fround(fround(square * horner(NORMAL.cos, square)) + 1), s = octant & 1 ? -sine : sine;
  const quarter = ((octant + 1) >> 1) & 3;
  out[0] = fround(r * (quarter === 0 ? c : quarter === 1 ? -s : quarter === 2 ? -c : s));
  out[1] = fround(r * (quarter === 0 ? s : quarter === 1 ? c : quarter === 2 ? -s : -c));
}

/** Fills an array from its start. */
export function fillByPlace(how: PhiloxFill, out: TypedArray, dtype: DType, length: number): void {
  const { kind, key, low, range } = how, words = new Uint32Array(4), pair = new Float32Array(2);
  const each = 4 / wordsOf(kind, dtype), array = out as Float64Array, big = dtype === "int64";
  for (let i = 0, place = how.start; i < length; i += each, place++) {
    philoxBlock(place, key, words);
    const count = Math.min(each, length - i);
    for (let k = 0; k < count; k++) {
      const word = words[k];
      let value: number;
      if (kind === "uniform") {
        value = dtype === "float64"
          ? ((words[2 * k] >>> 5) * 2 ** 26 + (words[2 * k + 1] >>> 6)) * 2 ** -53
          : dtype === "float16"
          ? (word >>> 21) * 2 ** -11
          : (word >>> 8) * 2 ** -24;
      } else if (kind === "normal") {
        if (k % 2 === 0) onCircle(words[k + 1], radius(word), pair);
        value = pair[k % 2];
      } else if (kind === "integers") value = low + (range === 2 ** 32 ? word : word % range);
      else value = (word >>> 8) < range ? 1 : 0;
      if (big) (out as BigInt64Array)[i + k] = BigInt(value);
      else array[i + k] = value;
    }
  }
}
