/**
 * Automatic differentiation: PyTorch's `torch.autograd`.
 * @module
 */
export { backward, type BackwardOptions, type HookHandle } from "./methods.ts";
export { type GradHook, type NextFunction, Node } from "./node.ts";
