/**
 * The end of every path of the backward graph: adding to a leaf's `.grad`.
 * @module
 */

import { recording } from "../tensor/later.ts";
import { allocateTensor, type Tensor } from "../tensor/tensor.ts";
import { mode } from "./modes.ts";
import { Node } from "./node.ts";

/** Adds incoming gradients to its leaf's `.grad`. */
export class AccumulateGrad extends Node {
  /** The leaf. */
  readonly variable: Tensor;
  /** Called after the gradient has been added. */
  postHooks: ((leaf: Tensor) => void)[] | null = null;

  /** For the leaf `variable`. */
  constructor(variable: Tensor) {
    super([], null);
    this.variable = variable;
  }

  override name(): string {
    return "torch::autograd::AccumulateGrad";
  }

  override backward(grad: Tensor | null): readonly (Tensor | null)[] {
    if (grad !== null) {
      const meta = this.variable.meta!;
      if (meta.grad === null) meta.grad = own(grad);
      else if (mode.grad) meta.grad = meta.grad.add(grad);
      else meta.grad.add_(grad); // in place, so that an alias kept from before sees the sum, as in PyTorch
      if (recording.now !== null) recording.now.keep(meta.grad);
      if (this.postHooks !== null) { for (const hook of this.postHooks) hook(this.variable); }
    }
    return [];
  }
}

/**
 * A tensor's `.grad` for code of the house that does not keep it: {@linkcode dropGradient} gives the memory back only if nobody
 * has asked for `.grad` itself.
 */
export function gradientOf({ meta }: Tensor): Tensor | null {
  return meta === null ? null : meta.grad;
}

/** Lets go of a tensor's `.grad`, and gives its memory back at once if nobody else can hold it. */
export function dropGradient({ meta }: Tensor): void {
  if (meta === null || meta.grad === null) return;
  meta.grad.storage.releaseGradient();
  meta.grad = null;
}

/**
 * Takes a gradient as `.grad`. The memory may only be taken over if no other leaf has done so, code of the user has not seen it, and
 * it is laid out plainly: `.grad` is written to, and what others hold must not change with it.
 */
function own(grad: Tensor): Tensor {
  if (mode.grad) return allocateTensor(grad.shape, grad.dtype, grad.device).copy_(grad);
  const storage = grad.storage;
  if (!storage.claimed && !storage.seen && storage.length === grad.numel() && grad.isContiguous()) {
    storage.claimed = true;
    return grad.node === null && grad.meta === null && grad.view_ === null ? grad : grad.detach();
  }
  const copy = grad.detach().clone();
  copy.storage.claimed = true;
  return copy;
}
