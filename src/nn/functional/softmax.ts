/**
 * softmax and its relatives, with the dimension that PyTorch guesses when none is given.
 * @module
 */

import { neg } from "../../ops/pointwise.ts";
import {
  logSoftmax as logSoftmaxOp,
  softmax as softmaxOp,
  type SoftmaxOptions,
} from "../../ops/reduce/softmax.ts";
import { checkTensor } from "../../tensor/arguments.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { warn } from "../../warn.ts";

/** The given dimension, or, with a warning, 0 for tensors of 0, 1 or 3 dimensions and else 1. */
function dimOf(name: string, input: Tensor, dim: number | null | undefined): number {
  if (dim !== undefined && dim !== null) return dim;
  warn(
    `Implicit dimension choice for ${name} has been deprecated. Change the call to include dim=X as an argument.`,
  );
  return input.ndim === 0 || input.ndim === 1 || input.ndim === 3 ? 0 : 1;
}

/** exp(x) divided by its sum along a dimension. */
export function softmax(input: Tensor, dim?: number | null, options?: SoftmaxOptions): Tensor {
  checkTensor(input, "softmax", "input", 1);
  return softmaxOp(input, dimOf("softmax", input, dim), options);
}

/** The logarithm of {@linkcode softmax}. */
export function logSoftmax(input: Tensor, dim?: number | null, options?: SoftmaxOptions): Tensor {
  checkTensor(input, "logSoftmax", "input", 1);
  return logSoftmaxOp(input, dimOf("log_softmax", input, dim), options);
}

/** {@linkcode softmax} of -x. */
export function softmin(input: Tensor, dim?: number | null, options?: SoftmaxOptions): Tensor {
  checkTensor(input, "softmin", "input", 1);
  return softmaxOp(neg(input), dimOf("softmin", input, dim), options);
}
