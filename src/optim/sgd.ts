/**
 * Stochastic gradient descent.
 * @module
 */

import type { Tensor } from "../tensor/tensor.ts";
import { FusedUpdate, Variants } from "./fused.ts";
import {
  checkDifferentiable,
  checkNotNegative,
  gradientText,
  Optimizer,
  optionsOver,
  type ParamGroup,
  type Params,
  type ParamState,
} from "./optimizer.ts";

/** Options of {@linkcode SGD}. */
export interface SGDOptions {
  /** Learning rate; 0.001. */
  lr: number;
  /** How much of the last step's direction is kept; 0. */
  momentum: number;
  /** How much less than all of the gradient enters the direction; 0. */
  dampening: number;
  /** Factor of the squared parameters in the loss; 0. */
  weightDecay: number;
  /** Nesterov's momentum; false. */
  nesterov: boolean;
  /** Make the loss larger; false. */
  maximize: boolean;
  /** No effect here; PyTorch's choice of implementation. */
  foreach: boolean | null;
  /** Not supported. */
  differentiable: boolean;
  /** No effect here; PyTorch's choice of implementation. */
  fused: boolean | null;
}

const variants = new Variants();

function make(
  first: boolean,
  nesterov: boolean,
  momentum: boolean,
  decay: boolean,
  maximize: boolean,
): FusedUpdate {
  const g = gradientText(maximize, decay), numbers = ["l", "w", "u", "d"];
  if (!momentum) return new FusedUpdate(["p", "g"], numbers, { p: `p - l * ${g}` });
  const m = first ? g : `(u * m + (1 - d) * ${g})`;
  const direction = nesterov ? `(${g} + u * ${m})` : m;
  return new FusedUpdate(["p", "g", "m"], numbers, { p: `p - l * ${direction}`, m });
}

/**
 * Stochastic gradient descent, with momentum if wanted.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * const x = dg.tensor([3, -2], { requiresGrad: true });
 * const optimizer = new dg.optim.SGD([x], { lr: 0.1 });
 * x.square().sum().backward();
 * optimizer.step();
 * console.log(x.detach()); // tensor([ 2.4000, -1.6000])
 * ```
 */
export class SGD extends Optimizer<SGDOptions> {
  /** Parameters or groups of them, and options. */
  constructor(params: Params<SGDOptions>, options: Partial<SGDOptions> = {}) {
    const defaults: SGDOptions = {
      lr: 1e-3,
      momentum: 0,
      dampening: 0,
      weightDecay: 0,
      nesterov: false,
      maximize: false,
      foreach: null,
      differentiable: false,
      fused: null,
    };
    super(params, optionsOver(defaults, options, "SGD"));
  }

  /** Throws for options out of range. */
  protected override check(o: SGDOptions): void {
    checkNotNegative(o.lr, "learning rate");
    checkNotNegative(o.momentum, "momentum value");
    checkNotNegative(o.weightDecay, "weight_decay value");
    if (o.nesterov && (o.momentum <= 0 || o.dampening !== 0)) {
      throw new RangeError("Nesterov momentum requires a momentum and zero dampening");
    }
    checkDifferentiable(o.differentiable);
  }

  /** Changes one parameter. */
  protected override update(p: Tensor, grad: Tensor, group: ParamGroup<SGDOptions>, state: ParamState): void {
    const { lr, momentum, dampening, weightDecay, nesterov, maximize } = group;
    const moving = momentum !== 0, decay = weightDecay !== 0;
    const first = moving && (state.momentumBuffer === undefined || state.momentumBuffer === null);
    const key = `${first}${nesterov}${moving}${decay}${maximize}`;
    const update = variants.get(key, () => make(first, nesterov, moving, decay, maximize));
    if (first) state.momentumBuffer = p.newZeros(p.shape);
    const tensors = moving ? [p, grad, state.momentumBuffer] : [p, grad];
    update.run(tensors, [lr, weightDecay, momentum, dampening]);
  }
}
