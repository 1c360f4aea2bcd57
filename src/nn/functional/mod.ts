/**
 * The functions behind the modules: PyTorch's `nn.functional`.
 * @module
 */

export { linear } from "../../ops/matmul/matmul.ts";
export { bilinear } from "./bilinear.ts";
export * from "../../ops/images/adaptive_pool.ts";
export * from "../../ops/images/conv.ts";
export * from "../../ops/images/pool.ts";
export { oneHot } from "../../ops/index/one_hot.ts";
export { pad, type PadMode, type PadOptions } from "../../ops/images/pad.ts";
export { logSoftmax, softmax, softmin } from "./softmax.ts";
export * from "./activation.ts";
export * from "./classify.ts";
export {
  alphaDropout,
  dropout,
  dropout1d,
  dropout2d,
  dropout3d,
  type DropoutOptions,
  featureAlphaDropout,
} from "./dropout.ts";
export * from "./normalization.ts";
export * from "./attention.ts";
export { type AttentionOptions, scaledDotProductAttention } from "../../ops/layers/attention.ts";
export { embedding, type EmbeddingOptions } from "../../ops/layers/embedding.ts";
export { embeddingBag, type EmbeddingBagOptions } from "../../ops/layers/embedding_bag.ts";
export { affineGrid, gridSample, type GridSampleOptions } from "../../ops/images/grid_sample.ts";
export { interpolate, type InterpolateMode, type InterpolateOptions } from "../../ops/images/resample.ts";
export { channelShuffle, pixelShuffle, pixelUnshuffle } from "../../ops/images/shuffle.ts";
export { foldImages as fold, unfoldImages as unfold, type UnfoldOptions } from "../../ops/images/unfold.ts";
export {
  binaryCrossEntropy,
  binaryCrossEntropyWithLogits,
  huberLoss,
  klDiv,
  l1Loss,
  type LossOptions,
  mseLoss,
  poissonNllLoss,
  type Reduction,
  smoothL1Loss,
  softMarginLoss,
  type WeightedLossOptions,
} from "./loss.ts";
export * from "./margin.ts";
