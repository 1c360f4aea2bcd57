/**
 * Stochastic gradient descent.
 * @module
 */

import type { Tensor } from "../tensor/tensor.ts";
import { FusedUpdate, Variants } from "./fused.ts";
import {
  checkNotNegative,
  gradientText,
  keepNone,
  Optimizer,
  optionsOver,
  type ParamGroup,
  type Params,
  type ParamState,
  zerosFor,
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

const numbers = ["l", "w", "u", "d"];

const still = new Variants((decay: boolean, maximize: boolean) =>
  new FusedUpdate(["p", "g"], numbers, { p: `p - l * ${gradientText(maximize, decay)}` })
);

const moving = new Variants((first: boolean, nesterov: boolean, decay: boolean, maximize: boolean) => {
  const g = gradientText(maximize, decay), m = first ? g : `(u * m + (1 - d) * ${g})`;
  const direction = nesterov ? `(${g} + u * ${m})` : m;
  return new FusedUpdate(["p", "g", "m"], numbers, { p: `p - l * ${direction}`, m });
});

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
  static {
    keepNone.add(this.prototype.update);
  }

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
    super.check(o);
    checkNotNegative(o.momentum, "momentum value");
    if (o.nesterov && (o.momentum <= 0 || o.dampening !== 0)) {
      throw new RangeError("Nesterov momentum requires a momentum and zero dampening");
    }
  }

  /** Changes one parameter. */
  protected override update(p: Tensor, grad: Tensor, group: ParamGroup<SGDOptions>, state: ParamState): void {
    const { lr, momentum, dampening, weightDecay, nesterov, maximize } = group;
    const decay = weightDecay !== 0, values = [lr, weightDecay, momentum, dampening];
    if (momentum === 0) return still.get(decay, maximize).run([p, grad], values);
    const first = state.momentumBuffer === undefined || state.momentumBuffer === null;
    if (first) state.momentumBuffer = zerosFor(p);
    moving.get(first, nesterov, decay, maximize).run([p, grad, state.momentumBuffer], values);
  }
}
