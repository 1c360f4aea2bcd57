/**
 * Other distributions, as PyTorch's `exponential_`, `geometric_`, `cauchy_` and `log_normal_` make them: all from
 * float64 numbers, cast at the end.
 * @module
 */

import { type FillOptions, type FloatArray, type NumberArray, streamNumber } from "./checks.ts";
import type { Generator } from "./generator.ts";
import { fma64, roundBfloat16 } from "./rounding.ts";

/**
 * Fills an array with exponential numbers.
 *
 * @param out filled in full
 * @param lambda the rate, above zero: 1 / mean
 * @param generator where the numbers come from: two draws a number
 */
export function exponential(
  out: FloatArray,
  lambda: number,
  generator: Generator,
  options: FillOptions = {},
): void {
  if (!(lambda > 0)) {
    throw new RangeError(`exponential_ expects lambda > 0.0, but found lambda=${streamNumber(lambda)}`);
  }
  const scale = -1 / lambda;
  fill(out, () => scale * Math.log1p(-generator.uniform53()), options);
}

/**
 * Fills an array with geometric numbers: how many trials until the first success, at least one.
 *
 * @param out filled in full
 * @param p the probability of a success, between 0 and 1
 * @param generator where the numbers come from: two draws a number
 */
export function geometric(
  out: NumberArray | BigInt64Array,
  p: number,
  generator: Generator,
  options: FillOptions = {},
): void {
  if (!(p > 0 && p < 1)) {
    throw new RangeError(`geometric_ expects p to be in (0, 1), but got p=${streamNumber(p)}`);
  }
  const logFailure = Math.log1p(-p);
  const next = () => Math.ceil(Math.log(generator.uniform53()) / logFailure);
  if (out instanceof BigInt64Array) { for (let i = 0; i < out.length; i++) out[i] = BigInt(next()); }
  else fill(out, next, options);
}

/**
 * Fills an array with Cauchy numbers.
 *
 * @param out filled in full
 * @param median the middle
 * @param sigma the half width at half maximum, above zero
 * @param generator where the numbers come from: two draws a number
 */
export function cauchy(
  out: FloatArray,
  median: number,
  sigma: number,
  generator: Generator,
  options: FillOptions = {},
): void {
  if (!(sigma > 0)) {
    throw new RangeError(`cauchy_ expects sigma > 0.0, but found sigma=${streamNumber(sigma)}`);
  }
  fill(out, () => median + sigma * Math.tan(Math.PI * (generator.uniform53() - 0.5)), options);
}

/**
 * Fills an array with log-normal numbers: the exponentials of normal ones (made one at a time).
 *
 * @param out filled in full
 * @param mean the expectation of the logarithm
 * @param std the standard deviation of the logarithm, above zero
 * @param generator where the numbers come from
 */
export function logNormal(
  out: FloatArray,
  mean: number,
  std: number,
  generator: Generator,
  options: FillOptions = {},
): void {
  if (!(std > 0)) throw new RangeError(`log_normal_ expects std > 0.0, but found std=${streamNumber(std)}`);
  fill(out, () => Math.exp(fma64(generator.normal(), std, mean)), options);
}

function fill(out: NumberArray, next: () => number, options: FillOptions): void {
  const n = out.length;
  if (options.bfloat16) { for (let i = 0; i < n; i++) out[i] = roundBfloat16(next()); }
  else for (let i = 0; i < n; i++) out[i] = next();
}
