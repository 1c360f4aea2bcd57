/**
 * Automatic differentiation: PyTorch's `torch.autograd`.
 * @module
 */
export { checkpoint } from "./checkpoint.ts";
export { Function, type FunctionArgument, FunctionContext, type FunctionResult } from "./function.ts";
export {
  type FunctionalOptions,
  hessian,
  hvp,
  jacobian,
  jvp,
  type TensorFunction,
  type Tensors,
  vhp,
  vjp,
} from "./functional.ts";
export { grad, type GradOptions } from "./grad.ts";
export {
  type CheckedFunction,
  gradcheck,
  GradcheckError,
  type GradcheckOptions,
  gradgradcheck,
} from "./gradcheck.ts";
export { backward, type BackwardOptions, type HookHandle } from "./methods.ts";
export { type AnomalyOptions, setDetectAnomaly } from "./modes.ts";
export { type GradHook, type NextFunction, Node } from "./node.ts";
