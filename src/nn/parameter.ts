/**
 * Parameters: the tensors that a module learns.
 * @module
 */

import { dropGradient, gradientOf } from "../autograd/accumulate.ts";
import { describe } from "../tensor/describe.ts";
import { checkKeys } from "../tensor/arguments.ts";
import { AutogradMeta } from "../tensor/autograd_meta.ts";
import { isFloatingPoint } from "../tensor/dtype.ts";
import { Tensor } from "../tensor/tensor.ts";

/** Options of {@linkcode Parameter}. */
export interface ParameterOptions {
  /** Whether it is to be learnt; true. */
  readonly requiresGrad?: boolean;
}

/**
 * A tensor that is learnt. A module finds its parameters by their being of this class, and hands them to optimizers. It
 * shares the memory of the tensor that it is made of.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * const scale = new dg.nn.Parameter(dg.ones(3));
 * console.log(scale.requiresGrad); // true
 * ```
 */
export class Parameter extends Tensor {
  /** Makes a leaf that requires gradients of a tensor's memory. */
  constructor(data: Tensor, options: ParameterOptions = {}) {
    if (!(data instanceof Tensor)) {
      throw new TypeError(`Parameter(): data must be a tensor, got ${describe(data)}`);
    }
    const { requiresGrad = true } = checkKeys(options, "Parameter", ["requiresGrad"]);
    if (requiresGrad && !isFloatingPoint(data.dtype)) {
      throw new TypeError("Only Tensors of floating point and complex dtype can require gradients");
    }
    super(data.storage, data.offset, data.shape, data.strides);
    this.counter = data.counter;
    if (requiresGrad) (this.meta = new AutogradMeta()).requiresGrad = true;
  }

  /** True: it prints as a parameter. */
  override get isParameter(): boolean {
    return true;
  }
}

/** Lets go of a gradient, or fills it with zeros. */
export function zeroGradOf(p: Tensor, setToNone: boolean): void {
  const grad = gradientOf(p);
  if (grad === null) return;
  if (setToNone) dropGradient(p);
  else {
    if (grad.gradFn !== null) grad.detach_();
    else grad.requiresGrad_(false);
    grad.zero_();
  }
}
