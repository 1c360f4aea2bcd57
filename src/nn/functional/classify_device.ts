/**
 * The loss of log probabilities on devices other than the CPU: by gathering, so that classes are never read from there.
 * @module
 */

import { inWords } from "../../ops/index/selection.ts";
import { differentDevices } from "../../tensor/device.ts";
import type { Shape } from "../../tensor/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import type { Reduction } from "./loss.ts";

/** Classes and weights of all samples on a device, ready to be used in both directions. */
export interface DevicePicks {
  /** The class of each sample, 0 where it does not count; with a dimension of size 1 for the classes. */
  readonly index: Tensor;
  /** Whether a sample counts. */
  readonly counts: Tensor;
  /** The weight of each sample's class, 0 where it does not count; null where all are 1. */
  readonly weights: Tensor | null;
  /** The sum of the weights of the samples that count. */
  readonly total: Tensor;
  /** The dimension of the classes. */
  readonly dim: number;
}

/** What the next read tells of a class that is none. */
const WRONG =
  "Target {index} is out of bounds. The input of nllLoss or crossEntropy has {size} classes, from 0 on.";

/** The classes of a target whose shape was checked. */
export function chooseOnDevice(
  input: Tensor,
  target: Tensor,
  weight: Tensor | null,
  ignoreIndex: number,
): DevicePicks {
  if (target.device !== input.device) throw differentDevices(input.device, target.device);
  if (weight !== null && weight.device !== input.device) throw differentDevices(input.device, weight.device);
  const dim = input.ndim === 1 ? 0 : 1;
  const classes = target.detach().long(), counts = classes.ne(BigInt(ignoreIndex));
  const safe = classes.maskedFill(counts.logicalNot(), 0);
  const ones = counts.to(input.dtype);
  const weights = weight === null
    ? null
    : inWords(WRONG, () => weight.detach().indexSelect(0, safe.reshape(-1))).reshape(safe.shape).mul(ones);
  return { index: safe.unsqueeze(dim), counts, weights, total: (weights ?? ones).sum(), dim };
}

/** The loss, without history. */
export function pickOnDevice(x: Tensor, picks: DevicePicks, reduction: Reduction): Tensor {
  const { index, counts, weights, total, dim } = picks;
  const found = inWords(WRONG, () => x.detach().gather(dim, index)).squeeze(dim).neg();
  const each = (weights === null ? found : found.mul(weights)).maskedFill(counts.logicalNot(), 0);
  if (reduction === "none") return each;
  return reduction === "sum" ? each.sum() : each.sum().div(total);
}

/** The gradient of the input, without history. */
export function spreadOnDevice(
  gradient: Tensor,
  picks: DevicePicks,
  shape: Shape,
  reduction: Reduction,
): Tensor {
  const { index, counts, weights, total, dim } = picks;
  const g = gradient.detach(), one = reduction === "mean" ? g.div(total) : g;
  const each = one.neg().mul(weights ?? counts.to(g.dtype)).maskedFill(counts.logicalNot(), 0);
  return inWords(WRONG, () => g.newZeros(shape).scatter_(dim, index, each.unsqueeze(dim)));
}
