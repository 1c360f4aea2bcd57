/**
 * The functions behind the modules: PyTorch's `nn.functional`.
 * @module
 */

export { linear } from "../../ops/matmul.ts";
export { bilinear } from "./bilinear.ts";
export * from "../../ops/adaptive_pool.ts";
export * from "../../ops/conv.ts";
export * from "../../ops/pool.ts";
export { oneHot } from "../../ops/one_hot.ts";
export { pad, type PadMode, type PadOptions } from "../../ops/pad.ts";
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
