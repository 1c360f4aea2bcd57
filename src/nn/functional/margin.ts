/**
 * Losses of `nn.functional` with margins, and distances between vectors.
 * @module
 */

import { add, div, sub } from "../../ops/arithmetic.ts";
import { norm } from "../../ops/reduce/norm.ts";
import { minimum, mul, neg } from "../../ops/pointwise.ts";
import { mean, sum } from "../../ops/reduce/reduce.ts";
import { clampMin } from "../../ops/select.ts";
import { checkKeys, checkNumber, checkTensor } from "../../tensor/arguments.ts";
import { normalizeDim, sameShape, shapeText } from "../../tensor/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { logsigmoid } from "./activation.ts";
import { checkReduction, type LossOptions, reduced, type WeightedLossOptions } from "./loss.ts";

// ---- distances ----------------------------------------------------------------------------------------------------

/** Options of {@linkcode normalize}. */
export interface NormalizeOptions {
  /** Which norm; 2. */
  readonly p?: number;
  /** The dimension of the vectors; 1. */
  readonly dim?: number;
  /** The least divisor; 1e-12. */
  readonly eps?: number;
}

/** Vectors divided by their norms. */
export function normalize(input: Tensor, options: NormalizeOptions = {}): Tensor {
  checkTensor(input, "normalize", "input", 1);
  checkKeys(options, "normalize", ["p", "dim", "eps"]);
  const { p = 2, dim = 1, eps = 1e-12 } = options;
  const size = clampMin(norm(input, { p, dim, keepdim: true }), eps);
  return div(input, size.expand(input.shape));
}

/** Options of {@linkcode pairwiseDistance}. */
export interface PairwiseDistanceOptions {
  /** Which norm; 2. */
  readonly p?: number;
  /** Added to the differences; 1e-6. */
  readonly eps?: number;
  /** Keep the last dimension with size 1. */
  readonly keepdim?: boolean;
}

/** The norms of the differences of vectors, along the last dimension. */
export function pairwiseDistance(x1: Tensor, x2: Tensor, options: PairwiseDistanceOptions = {}): Tensor {
  checkTensor(x1, "pairwiseDistance", "x1", 1);
  checkTensor(x2, "pairwiseDistance", "x2", 2);
  checkKeys(options, "pairwiseDistance", ["p", "eps", "keepdim"]);
  const { p = 2, eps = 1e-6, keepdim = false } = options;
  return norm(add(sub(x1, x2), eps), { p, dim: -1, keepdim });
}

/** The cosines of the angles between vectors, along a dimension (1). */
export function cosineSimilarity(
  x1: Tensor,
  x2: Tensor,
  options: { dim?: number; eps?: number } = {},
): Tensor {
  checkTensor(x1, "cosineSimilarity", "x1", 1);
  checkTensor(x2, "cosineSimilarity", "x2", 2);
  checkKeys(options, "cosineSimilarity", ["dim", "eps"]);
  const { dim = 1, eps = 1e-8 } = options;
  const d = normalizeDim(dim, Math.max(x1.ndim, x2.ndim));
  const unit = (x: Tensor) => div(x, clampMin(norm(x, { p: 2, dim: d, keepdim: true }), eps));
  return sum(mul(unit(x1), unit(x2)), d);
}

// ---- losses -------------------------------------------------------------------------------------------------------

/** input where the target is 1, and `max(0, margin - input)` where it is -1. */
export function hingeEmbeddingLoss(
  input: Tensor,
  target: Tensor,
  options: LossOptions & { margin?: number } = {},
): Tensor {
  checkTensor(input, "hingeEmbeddingLoss", "input", 1);
  checkTensor(target, "hingeEmbeddingLoss", "target", 2);
  checkKeys(options, "hingeEmbeddingLoss", ["reduction", "margin"]);
  const { margin = 1 } = options;
  const apart = clampMin(sub(margin, input), 0).maskedFill(target.eq(1), 0);
  const near = input.maskedFill(target.eq(-1), 0);
  return reduced(add(apart, near), checkReduction(options.reduction ?? "mean"));
}

/** `max(0, -target * (input1 - input2) + margin)`. */
export function marginRankingLoss(
  input1: Tensor,
  input2: Tensor,
  target: Tensor,
  options: LossOptions & { margin?: number } = {},
): Tensor {
  checkTensor(input1, "marginRankingLoss", "input1", 1);
  checkTensor(input2, "marginRankingLoss", "input2", 2);
  checkTensor(target, "marginRankingLoss", "target", 3);
  checkKeys(options, "marginRankingLoss", ["reduction", "margin"]);
  const gap = add(mul(neg(target), sub(input1, input2)), options.margin ?? 0);
  return reduced(clampMin(gap, 0), checkReduction(options.reduction ?? "mean"));
}

/** 1 - cosine where the target is 1, and `max(0, cosine - margin)` where it is -1. */
export function cosineEmbeddingLoss(
  input1: Tensor,
  input2: Tensor,
  target: Tensor,
  options: LossOptions & { margin?: number } = {},
): Tensor {
  checkTensor(input1, "cosineEmbeddingLoss", "input1", 1);
  checkTensor(input2, "cosineEmbeddingLoss", "input2", 2);
  checkTensor(target, "cosineEmbeddingLoss", "target", 3);
  checkKeys(options, "cosineEmbeddingLoss", ["reduction", "margin"]);
  const dim = target.ndim, tiny = 1e-12;
  const product = sum(mul(input1, input2), dim);
  const squares = (x: Tensor) => add(sum(mul(x, x), dim), tiny);
  const cosine = div(product, mul(squares(input1), squares(input2)).sqrt());
  const near = sub(1, cosine).maskedFill(target.ne(1), 0);
  const apart = clampMin(sub(cosine, options.margin ?? 0), 0).maskedFill(target.ne(-1), 0);
  return reduced(add(near, apart), checkReduction(options.reduction ?? "mean"));
}

/** Options of {@linkcode tripletMarginLoss}. */
export interface TripletOptions extends LossOptions {
  /** How much nearer the positive should be; 1. */
  readonly margin?: number;
  /** Which norm; 2. */
  readonly p?: number;
  /** Added to the differences; 1e-6. */
  readonly eps?: number;
  /** Use the distance from positive to negative where it is smaller; false. */
  readonly swap?: boolean;
}

/** How much too near the negative is to the anchor, compared with the positive. */
export function tripletMarginLoss(
  anchor: Tensor,
  positive: Tensor,
  negative: Tensor,
  options: TripletOptions = {},
): Tensor {
  checkTensor(anchor, "tripletMarginLoss", "anchor", 1);
  checkTensor(positive, "tripletMarginLoss", "positive", 2);
  checkTensor(negative, "tripletMarginLoss", "negative", 3);
  checkKeys(options, "tripletMarginLoss", ["reduction", "margin", "p", "eps", "swap"]);
  const { margin = 1, p = 2, eps = 1e-6, swap = false } = options;
  checkNumber(margin, "tripletMarginLoss", "margin");
  if (!(margin > 0)) throw new RangeError(`margin must be greater than 0, got ${margin}`);
  const near = pairwiseDistance(anchor, positive, { p, eps });
  let far = pairwiseDistance(anchor, negative, { p, eps });
  if (swap) far = minimum(far, pairwiseDistance(positive, negative, { p, eps }));
  return reduced(clampMin(sub(add(near, margin), far), 0), checkReduction(options.reduction ?? "mean"));
}

/** The mean over the classes of the binary cross entropies of logits. */
export function multilabelSoftMarginLoss(
  input: Tensor,
  target: Tensor,
  options: WeightedLossOptions = {},
): Tensor {
  checkTensor(input, "multilabelSoftMarginLoss", "input", 1);
  checkTensor(target, "multilabelSoftMarginLoss", "target", 2);
  checkKeys(options, "multilabelSoftMarginLoss", ["reduction", "weight"]);
  let losses = neg(
    add(mul(target, logsigmoid(input)), mul(sub(1, target), logsigmoid(neg(input)))),
  );
  if (options.weight) losses = mul(losses, options.weight);
  const each = div(sum(losses, input.ndim - 1), input.shape[input.ndim - 1]);
  return reduced(each, checkReduction(options.reduction ?? "mean"));
}

/** The negative log likelihood of normal distributions with means `input` and variances `variance`. */
export function gaussianNllLoss(
  input: Tensor,
  target: Tensor,
  variance: Tensor,
  options: LossOptions & { full?: boolean; eps?: number } = {},
): Tensor {
  checkTensor(input, "gaussianNllLoss", "input", 1);
  checkTensor(target, "gaussianNllLoss", "target", 2);
  checkTensor(variance, "gaussianNllLoss", "var", 3);
  checkKeys(options, "gaussianNllLoss", ["reduction", "full", "eps"]);
  const { full = false, eps = 1e-6 } = options;
  const values = variance.detach();
  if (Number(values.lt(0).any().item())) throw new RangeError("var has negative entry/entries");
  let wide = variance;
  if (!sameShape(variance.shape, input.shape)) {
    if (sameShape(variance.shape, input.shape.slice(0, -1))) wide = variance.unsqueeze(-1);
    else if (!sameShape(variance.shape, [...input.shape.slice(0, -1), 1])) {
      throw new TypeError(
        `var is of incorrect size: ${shapeText(variance.shape)} for ${shapeText(input.shape)}`,
      );
    }
  }
  // The least variance has no gradient of its own, so that a network cannot make use of it.
  const least = clampMin(wide.detach(), eps);
  const safe = add(wide, sub(least, wide.detach()));
  const distance = sub(input, target).square();
  let losses = mul(add(safe.log(), div(distance, safe)), 0.5);
  if (full) losses = add(losses, 0.5 * Math.log(2 * Math.PI));
  const reduction = checkReduction(options.reduction ?? "mean");
  return reduction === "mean" ? mean(losses) : reduced(losses, reduction);
}
