/**
 * Random choices, as PyTorch's `bernoulli` and `multinomial` make them.
 * @module
 */

import { type FloatArray, type NumberArray, streamNumber } from "./checks.ts";
import { exponential } from "./continuous.ts";
import type { Generator } from "./generator.ts";

/**
 * Fills an array with ones (with a probability) and zeros.
 *
 * @param out filled in full
 * @param p the probability of a one, or those of every element. A number and a Float64Array take two draws an element,
 *   the other arrays one.
 * @param generator where the numbers come from
 */
export function bernoulli(
  out: NumberArray | BigInt64Array,
  p: number | FloatArray,
  generator: Generator,
): void {
  const n = out.length;
  if (typeof p === "number") {
    if (!(p >= 0 && p <= 1)) {
      throw new RangeError(`bernoulli_ expects p to be in [0, 1], but got p=${streamNumber(p)}`);
    }
  } else {
    if (p.length !== n) throw new RangeError(`bernoulli got ${p.length} probabilities for ${n} elements`);
    const bad = p.findIndex((x) => !(x >= 0 && x <= 1));
    if (bad >= 0) {
      throw new RangeError(`bernoulli expects p to be in [0, 1], but got p=${streamNumber(p[bad])}`);
    }
  }
  const isOne: (i: number) => boolean = typeof p === "number"
    ? () => generator.uniform53() < p
    : p instanceof Float64Array
    ? (i) => generator.uniform53() < p[i]
    : (i) => generator.uniform24() < p[i];
  if (out instanceof BigInt64Array) { for (let i = 0; i < n; i++) out[i] = isOne(i) ? 1n : 0n; }
  else for (let i = 0; i < n; i++) out[i] = isOne(i) ? 1 : 0;
}

/** What {@linkcode multinomial} draws. */
export interface MultinomialOptions {
  /** How many distributions `weights` holds, one after the other. Default: 1. */
  rows?: number;
  /** Whether one index may be drawn several times from a distribution. Default: false. */
  replacement?: boolean;
}

/**
 * Draws indices with probabilities in proportion to weights.
 *
 * @param weights those of all rows; they need not sum to one
 * @param numSamples how many indices to draw from each row
 * @param generator where the numbers come from: two draws a sample with replacement, else two a weight
 * @returns the indices of all rows, `numSamples` each
 */
export function multinomial(
  weights: FloatArray,
  numSamples: number,
  generator: Generator,
  options: MultinomialOptions = {},
): Int32Array<ArrayBuffer> {
  const { rows = 1, replacement = false } = options;
  const width = rows === 0 ? 0 : weights.length / rows;
  if (!Number.isInteger(width)) {
    throw new RangeError(`${weights.length} weights do not make ${rows} equal rows`);
  }
  if (!Number.isInteger(numSamples) || numSamples <= 0) {
    throw new RangeError(`cannot sample n_sample <= 0 samples, but got ${numSamples}`);
  }
  if (!replacement && numSamples > width) {
    throw new RangeError("cannot sample n_sample > prob_dist.size(-1) samples without replacement");
  }
  if (weights.some((w) => !(w >= 0 && w < Infinity))) {
    throw new RangeError("probability tensor contains either `inf`, `nan` or element < 0");
  }
  const row = (r: number) => weights.subarray(r * width, (r + 1) * width);
  for (let r = 0; r < rows; r++) {
    if (!row(r).some((w) => w > 0)) {
      throw new RangeError("invalid multinomial distribution (sum of probabilities <= 0)");
    }
  }
  const out = new Int32Array(rows * numSamples);
  if (replacement && numSamples > 1) {
    for (let r = 0; r < rows; r++) {
      const cumulative = cumulate(row(r));
      for (let k = 0; k < numSamples; k++) {
        out[r * numSamples + k] = search(cumulative, generator.uniform53());
      }
    }
    return out;
  }
  // The largest of w / exponential come in the order that drawing without replacement gives.
  const keys = weights.slice();
  exponential(keys, 1, generator);
  for (let i = 0; i < keys.length; i++) keys[i] = weights[i] / keys[i];
  for (let r = 0; r < rows; r++) {
    const order = Int32Array.from({ length: width }, (_, i) => i);
    const start = r * width;
    order.sort((i, j) => keys[start + j] - keys[start + i]);
    out.set(order.subarray(0, numSamples), r * numSamples);
  }
  return out;
}

/** The sums of the weights up to each one, divided by the whole, in the weights' precision (at least float32). */
function cumulate(weights: FloatArray): Float32Array | Float64Array {
  const sums = weights instanceof Float64Array
    ? new Float64Array(weights.length)
    : new Float32Array(weights.length);
  for (let i = 0; i < sums.length; i++) sums[i] = i === 0 ? weights[0] : sums[i - 1] + weights[i];
  const total = sums[sums.length - 1];
  for (let i = 0; i < sums.length; i++) sums[i] /= total;
  return sums;
}

/** The first index whose sum reaches `u`; the last sum is 1, so that there is one. */
function search(cumulative: Float32Array | Float64Array, u: number): number {
  let left = 0;
  let right = cumulative.length;
  while (left < right) {
    const middle = (left + right) >>> 1;
    if (cumulative[middle] < u) left = middle + 1;
    else right = middle;
  }
  return left;
}
