/**
 * Memory for time: forget what a part of a computation saved, and compute it again in the backward pass. PyTorch's
 * `torch.utils.checkpoint`.
 * @module
 */

import { checkFunction } from "../tensor/arguments.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { Function, type FunctionContext } from "./function.ts";
import { backward } from "./methods.ts";
import { enableGrad } from "./modes.ts";

type Checkpointed = (...inputs: Tensor[]) => Tensor | Tensor[];

class Checkpoint extends Function {
  static override forward(ctx: FunctionContext, fn: Checkpointed, ...inputs: Tensor[]): Tensor | Tensor[] {
    ctx.fn = fn;
    ctx.saveForBackward(...inputs);
    return fn(...inputs);
  }

  static override backward(ctx: FunctionContext, ...grads: Tensor[]): (Tensor | null)[] {
    return enableGrad(() => {
      const inputs = ctx.savedTensors.map((t) => t.requiresGrad ? t.detach().requiresGrad_() : t);
      const out = (ctx.fn as Checkpointed)(...inputs);
      backward(Array.isArray(out) ? out : [out], grads);
      return [null, ...inputs.map((t) => t.grad)];
    });
  }
}

/** Computes `fn(...inputs)` without saving anything inside; the backward pass runs `fn` once more. */
export function checkpoint<T extends Tensor | Tensor[]>(
  fn: (...inputs: Tensor[]) => T,
  ...inputs: Tensor[]
): T {
  checkFunction(fn, "checkpoint", "fn");
  return Checkpoint.apply<T>(fn, ...inputs);
}
