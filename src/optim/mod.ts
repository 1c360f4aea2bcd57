/**
 * Optimizers: PyTorch's `torch.optim`.
 * @module
 */

export {
  Adam,
  Adamax,
  type AdamaxOptions,
  type AdamOptions,
  AdamW,
  type AdamWOptions,
  NAdam,
  type NAdamOptions,
  RAdam,
  type RAdamOptions,
} from "./adam.ts";
export {
  type Closure,
  type GroupOptions,
  Optimizer,
  type OptimizerState,
  type ParamGroup,
  type Params,
  type ParamState,
} from "./optimizer.ts";
export { SGD, type SGDOptions } from "./sgd.ts";
export {
  Adadelta,
  type AdadeltaOptions,
  Adagrad,
  type AdagradOptions,
  type AdaptiveOptions,
  ASGD,
  type ASGDOptions,
  RMSprop,
  type RMSpropOptions,
  Rprop,
  type RpropOptions,
} from "./adaptive.ts";
export { LBFGS, type LBFGSOptions } from "./lbfgs.ts";
export * as lrScheduler from "./lr_scheduler/mod.ts";
