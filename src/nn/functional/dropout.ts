/**
 * Dropout.
 * @module
 */

import { noGrad } from "../../autograd/modes.ts";
import { mul } from "../../ops/pointwise.ts";
import { checkKeys, checkNumber, checkTensor } from "../../tensor/arguments.ts";
import type { Tensor } from "../../tensor/tensor.ts";

/** Options of {@linkcode dropout}. */
export interface DropoutOptions {
  /** The probability of a zero; 0.5. */
  readonly p?: number;
  /** Whether anything is done at all; true. */
  readonly training?: boolean;
  /** Write the result into the input's memory; false. */
  readonly inplace?: boolean;
}

/** Sets elements to 0 with probability p, and makes the others larger by 1 / (1 - p), so that the expectation stays. */
export function dropout(input: Tensor, options: DropoutOptions = {}): Tensor {
  checkTensor(input, "dropout", "input", 1);
  checkKeys(options, "dropout", ["p", "training", "inplace"]);
  const { p = 0.5, training = true, inplace = false } = options;
  checkProbability(p);
  if (p === 0 || !training || input.numel() === 0) return input;
  const noise = noGrad(() => {
    if (p === 1) return input.newZeros(input.shape);
    return input.newEmpty(input.shape).bernoulli_(1 - p).div_(1 - p);
  });
  return inplace ? input.mul_(noise) : mul(input, noise);
}

/** Throws for what is no probability. */
export function checkProbability(p: number): void {
  checkNumber(p, "dropout", "p");
  if (!(p >= 0 && p <= 1)) {
    throw new RangeError(`dropout probability has to be between 0 and 1, but got ${p}`);
  }
}
