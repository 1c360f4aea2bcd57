/**
 * Modules as functions of their parameters.
 * @module
 */

import { describe } from "../tensor/describe.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { Module } from "./module.ts";

/**
 * Runs a module with other tensors in the place of some of its parameters and buffers, named by path. Gradients flow to
 * those tensors.
 */
export function functionalCall<M extends Module>(
  module: M,
  tensors: Readonly<Record<string, Tensor>>,
  ...inputs: Parameters<M["forward"]>
): ReturnType<M["forward"]> {
  if (!(module instanceof Module)) {
    throw new TypeError(
      `functionalCall(): argument 'module' (position 1) must be a Module, not ${describe(module)}`,
    );
  }
  return module.withTensors(tensors, () => module.call(...inputs));
}
