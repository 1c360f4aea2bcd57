/**
 * Dropout: random zeros while training.
 * @module
 */

import { noGrad } from "../../autograd/modes.ts";
import { add } from "../../ops/arithmetic.ts";
import type { DrawOptions } from "../../ops/random/fill.ts";
import { mul } from "../../ops/pointwise.ts";
import { checkKeys, checkNumber, checkTensor } from "../../tensor/arguments.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { warn } from "../../warn.ts";

/** Options of {@linkcode dropout} and its like. */
export interface DropoutOptions {
  /** The probability of a zero; 0.5. */
  readonly p?: number;
  /** Whether anything is done at all; true, but false for the forms that keep mean and variance. */
  readonly training?: boolean;
  /** Write the result into the input's memory; false. */
  readonly inplace?: boolean;
  /** Where the random numbers come from; a `philox` one makes them on the input's device. */
  readonly generator?: DrawOptions["generator"];
}

/** Throws for what is no probability. */
export function checkProbability(p: number): void {
  checkNumber(p, "dropout", "p");
  if (!(p >= 0 && p <= 1)) {
    throw new RangeError(`dropout probability has to be between 0 and 1, but got ${p}`);
  }
}

/** The shape of the noise if whole channels are dropped. */
const perChannel = (x: Tensor): number[] => x.shape.map((s, d) => d < 2 ? s : 1);

function drop(input: Tensor, how: Required<DropoutOptions>, shape: readonly number[]): Tensor {
  const { p, inplace, generator } = how;
  if (p === 0 || input.numel() === 0) return input;
  const noise = noGrad(() => {
    if (p === 1) return input.newZeros(shape);
    return input.newEmpty(shape).bernoulli_(1 - p, { generator }).div_(1 - p);
  });
  return inplace ? input.mul_(noise) : mul(input, noise);
}

function read(
  name: string,
  input: Tensor,
  options: DropoutOptions,
  whenTraining = true,
): Required<DropoutOptions> {
  checkTensor(input, name, "input", 1);
  checkKeys(options, name, ["p", "training", "inplace", "generator"]);
  const { p = 0.5, training = whenTraining, inplace = false, generator = null } = options;
  checkProbability(p);
  return { p, training, inplace, generator };
}

/** Sets elements to 0 with probability p, and makes the others larger by 1 / (1 - p), so that the expectation stays. */
export function dropout(input: Tensor, options: DropoutOptions = {}): Tensor {
  const how = read("dropout", input, options);
  return how.training ? drop(input, how, input.shape) : input;
}

/** Drops whole channels of signals [N, C, L] or [C, L]. */
export function dropout1d(input: Tensor, options: DropoutOptions = {}): Tensor {
  const how = read("dropout1d", input, options);
  if (input.ndim !== 2 && input.ndim !== 3) {
    throw new TypeError(
      `dropout1d: Expected 2D or 3D input, but received a ${input.ndim}D input. Note that dropout1d exists to provide ` +
        "channel-wise dropout on inputs with 1 spatial dimension, a channel dimension, and an optional batch dimension " +
        "(i.e. 2D or 3D inputs).",
    );
  }
  if (!how.training) return input;
  const batch = input.ndim === 2 ? input.unsqueeze(0) : input;
  const out = drop(batch, how, perChannel(batch));
  return input.ndim === 2 ? out.squeeze(0) : out;
}

function deprecated(name: string, n: number, input: Tensor): void {
  warn(
    `${name}: Received a ${input.ndim}-D input to ${name}, which is deprecated and will result in an error in a future ` +
      "release. To retain the behavior and silence this warning, please use dropout instead. Note that " +
      `${name} exists to provide channel-wise dropout on inputs with ${n} spatial dimensions, a channel dimension, and an ` +
      `optional batch dimension (i.e. ${n + 1}D or ${n + 2}D inputs).`,
  );
}

/** Drops whole channels of images [N, C, H, W]; three dimensions are taken for signals [N, C, L], as PyTorch does. */
export function dropout2d(input: Tensor, options: DropoutOptions = {}): Tensor {
  const how = read("dropout2d", input, options);
  if (input.ndim !== 3 && input.ndim !== 4) deprecated("dropout2d", 2, input);
  if (input.ndim === 3) {
    warn(
      "dropout2d: Received a 3D input to dropout2d and assuming that channel-wise 1D dropout behavior is desired - input " +
        "is interpreted as shape (N, C, L), where C is the channel dim. This behavior will change in a future release to " +
        "interpret the input as one without a batch dimension, i.e. shape (C, H, W). To maintain the 1D channel-wise " +
        "dropout behavior, please switch to using dropout1d instead.",
    );
  }
  return how.training ? drop(input, how, perChannel(input)) : input;
}

/** Drops whole channels of volumes [N, C, D, H, W] or [C, D, H, W]. */
export function dropout3d(input: Tensor, options: DropoutOptions = {}): Tensor {
  const how = read("dropout3d", input, options);
  if (input.ndim !== 4 && input.ndim !== 5) deprecated("dropout3d", 3, input);
  if (!how.training) return input;
  const batch = input.ndim === 5 ? input : input.unsqueeze(0);
  const out = drop(batch, how, perChannel(batch));
  return input.ndim === 5 ? out : out.squeeze(0);
}

/** What the scaled exponential linear unit gives for very negative numbers, with the other sign. */
const ALPHA = 1.7580993408473766;

function dropAlpha(input: Tensor, how: Required<DropoutOptions>, shape: readonly number[]): Tensor {
  const { p, inplace, generator } = how;
  if (p === 0 || input.numel() === 0) return input;
  if (p === 1) {
    const zeros = noGrad(() => input.newZeros([]));
    return inplace ? input.mul_(zeros) : mul(input, zeros);
  }
  const a = 1 / Math.sqrt((ALPHA * ALPHA * p + 1) * (1 - p));
  const [noise, b] = noGrad(() => {
    const kept = input.newEmpty(shape).bernoulli_(1 - p, { generator });
    const shift = kept.add(-1).mul_(ALPHA * a).add_(ALPHA * a * p);
    return [kept.mul_(a), shift];
  });
  return inplace ? input.mul_(noise).add_(b) : add(mul(input, noise), b);
}

/** Dropout that keeps mean 0 and variance 1, for nets with {@linkcode selu}. */
export function alphaDropout(input: Tensor, options: DropoutOptions = {}): Tensor {
  const how = read("alphaDropout", input, options, false);
  return how.training ? dropAlpha(input, how, input.shape) : input;
}

/** {@linkcode alphaDropout} of whole channels. */
export function featureAlphaDropout(input: Tensor, options: DropoutOptions = {}): Tensor {
  const how = read("featureAlphaDropout", input, options, false);
  return how.training ? dropAlpha(input, how, perChannel(input)) : input;
}
