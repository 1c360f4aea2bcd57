/**
 * PyTorch's random distributions on plain typed arrays. Every function fills its array from a generator, with the
 * numbers of PyTorch's CPU kernels: bit for bit in float32, float16, bfloat16 and integers, and to the last bits of the
 * logarithm, sine and cosine in float64.
 * @module
 */

export type { FillOptions, FloatArray, NumberArray } from "./checks.ts";
export { cauchy, exponential, geometric, logNormal } from "./continuous.ts";
export { bernoulli, multinomial, type MultinomialOptions } from "./discrete.ts";
export { type IntegerOptions, randintFill, randomFill, randperm } from "./integers.ts";
export { normal, type NormalOptions, truncNormal } from "./normal.ts";
export { uniform } from "./uniform.ts";
