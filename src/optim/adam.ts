/**
 * Adam and its relatives.
 * @module
 */

import type { Tensor } from "../tensor/tensor.ts";
import { FusedUpdate, Variants } from "./fused.ts";
import {
  checkNotNegative,
  gradientText,
  keepNone,
  nextStep,
  Optimizer,
  optionsOver,
  type ParamGroup,
  type Params,
  type ParamState,
  zerosFor,
} from "./optimizer.ts";

/** Options of {@linkcode Adam}. */
export interface AdamOptions {
  /** Learning rate; 0.001. */
  lr: number;
  /** How much of the running means of the gradient and of its square is kept in a step; [0.9, 0.999]. */
  betas: readonly [number, number];
  /** Added to the denominator; 1e-8. */
  eps: number;
  /** Factor of the squared parameters in the loss; 0. */
  weightDecay: number;
  /** Divide by the largest mean square so far; false. */
  amsgrad: boolean;
  /** Make the loss larger; false. */
  maximize: boolean;
  /** No effect here; PyTorch's choice of implementation. */
  foreach: boolean | null;
  /** No effect here; for CUDA graphs. */
  capturable: boolean;
  /** Not supported. */
  differentiable: boolean;
  /** No effect here; PyTorch's choice of implementation. */
  fused: boolean | null;
  /** Shrink the parameters themselves instead of changing the gradient: what AdamW does; false. */
  decoupledWeightDecay: boolean;
}

/** Options of {@linkcode AdamW}: those of Adam, but for the kind of weight decay, which is fixed. */
export type AdamWOptions = Omit<AdamOptions, "decoupledWeightDecay">;

/** Texts of what most updates of this file are made of: the gradient, the running means of it and of its square, the parameter. */
function pieces(
  decay: boolean,
  decoupled: boolean,
  maximize: boolean,
): Record<"g" | "m" | "v" | "p", string> {
  const g = gradientText(maximize, decay && !decoupled);
  const m = `(m + (${g} - m) * (1 - a))`, v = `(v * b + ${g} * ${g} * (1 - b))`;
  return { g, m, v, p: decay && decoupled ? "p * (1 - l * w)" : "p" };
}

const adam = new Variants((decay: boolean, decoupled: boolean, amsgrad: boolean, maximize: boolean) => {
  const { m, v, p } = pieces(decay, decoupled, maximize), x = `max(x, ${v})`;
  // s is the learning rate over the first bias correction; s and e are times the root of the second one, which saves a division
  const results = { p: `${p} - s * ${m} / (sqrt(${amsgrad ? x : v}) + e)`, m, v };
  const tensors = ["p", "g", "m", "v"], numbers = ["l", "w", "a", "b", "e", "s"];
  return amsgrad
    ? new FusedUpdate([...tensors, "x"], numbers, { ...results, x })
    : new FusedUpdate(tensors, numbers, results);
});

const adamDefaults: AdamOptions = {
  lr: 1e-3,
  betas: [0.9, 0.999],
  eps: 1e-8,
  weightDecay: 0,
  amsgrad: false,
  maximize: false,
  foreach: null,
  capturable: false,
  differentiable: false,
  fused: null,
  decoupledWeightDecay: false,
};

/**
 * Adam: steps of about the learning rate in each direction, by running means of the gradient and of its square.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * const model = new dg.nn.Linear(4, 1);
 * const optimizer = new dg.optim.Adam(model.parameters(), { lr: 1e-3 });
 * const loss = model(dg.randn(8, 4)).square().mean();
 * optimizer.zeroGrad();
 * loss.backward();
 * optimizer.step();
 * ```
 */
export class Adam extends Optimizer<AdamOptions> {
  static {
    keepNone.add(this.prototype.update);
  }

  /** Parameters or groups of them, and options. */
  constructor(params: Params<AdamOptions>, options: Partial<AdamOptions> = {}) {
    super(params, optionsOver(adamDefaults, options, new.target.name));
  }

  /** Changes one parameter. */
  protected override update(
    p: Tensor,
    grad: Tensor,
    group: ParamGroup<AdamOptions>,
    state: ParamState,
  ): void {
    const { lr, betas: [a, b], eps, weightDecay, amsgrad, maximize, decoupledWeightDecay } = group;
    const step = nextStep(state, p, "expAvg", "expAvgSq");
    const tensors = [p, grad, state.expAvg, state.expAvgSq];
    if (amsgrad) tensors.push(state.maxExpAvgSq ??= zerosFor(p));
    const root = Math.sqrt(1 - b ** step);
    adam.get(weightDecay !== 0, decoupledWeightDecay, amsgrad, maximize)
      .run(tensors, [lr, weightDecay, a, b, eps * root, lr / (1 - a ** step) * root]);
  }
}

/** Adam with weight decay that shrinks the parameters themselves; its weightDecay is 0.01 by default. */
export class AdamW extends Adam {
  /** Parameters or groups of them, and options. */
  constructor(params: Params<AdamOptions>, options: Partial<AdamWOptions> = {}) {
    super(params, { weightDecay: 0.01, ...options, decoupledWeightDecay: true });
  }
}

/** Options of {@linkcode Adamax}. */
export interface AdamaxOptions {
  /** Learning rate; 0.002. */
  lr: number;
  /** How much of the running mean and of the running maximum is kept in a step; [0.9, 0.999]. */
  betas: readonly [number, number];
  /** Added to the size of the gradient; 1e-8. */
  eps: number;
  /** Factor of the squared parameters in the loss; 0. */
  weightDecay: number;
  /** No effect here. */
  foreach: boolean | null;
  /** Make the loss larger; false. */
  maximize: boolean;
  /** Not supported. */
  differentiable: boolean;
  /** No effect here. */
  capturable: boolean;
}

const adamax = new Variants((decay: boolean, maximize: boolean) => {
  const { g, m } = pieces(decay, false, maximize), u = `max(u * b, abs(${g}) + e)`;
  const p = `p - s * ${m} / ${u}`;
  return new FusedUpdate(["p", "g", "m", "u"], ["w", "a", "b", "e", "s"], { p, m, u });
});

/** Adam with the largest gradient in place of the mean square. */
export class Adamax extends Optimizer<AdamaxOptions> {
  static {
    keepNone.add(this.prototype.update);
  }

  /** Parameters or groups of them, and options. */
  constructor(params: Params<AdamaxOptions>, options: Partial<AdamaxOptions> = {}) {
    const defaults: AdamaxOptions = {
      lr: 2e-3,
      betas: [0.9, 0.999],
      eps: 1e-8,
      weightDecay: 0,
      foreach: null,
      maximize: false,
      differentiable: false,
      capturable: false,
    };
    super(params, optionsOver(defaults, options, "Adamax"));
  }

  /** Changes one parameter. */
  protected override update(
    p: Tensor,
    grad: Tensor,
    group: ParamGroup<AdamaxOptions>,
    state: ParamState,
  ): void {
    const { lr, betas: [a, b], eps, weightDecay, maximize } = group;
    const step = nextStep(state, p, "expAvg", "expInf");
    adamax.get(weightDecay !== 0, maximize)
      .run([p, grad, state.expAvg, state.expInf], [weightDecay, a, b, eps, lr / (1 - a ** step)]);
  }
}

/** Options of {@linkcode NAdam}. */
export interface NAdamOptions {
  /** Learning rate; 0.002. */
  lr: number;
  /** How much of the running means of the gradient and of its square is kept in a step; [0.9, 0.999]. */
  betas: readonly [number, number];
  /** Added to the denominator; 1e-8. */
  eps: number;
  /** Factor of the squared parameters in the loss; 0. */
  weightDecay: number;
  /** How fast the momentum grows to its full size; 0.004. */
  momentumDecay: number;
  /** Shrink the parameters themselves instead of changing the gradient; false. */
  decoupledWeightDecay: boolean;
  /** No effect here. */
  foreach: boolean | null;
  /** Make the loss larger; false. */
  maximize: boolean;
  /** No effect here. */
  capturable: boolean;
  /** Not supported. */
  differentiable: boolean;
}

const nadam = new Variants((decay: boolean, decoupled: boolean, maximize: boolean) => {
  const { g, m, v, p } = pieces(decay, decoupled, maximize);
  return new FusedUpdate(["p", "g", "m", "v"], ["l", "w", "a", "b", "e", "c", "s", "n"], {
    p: `${p} - (s * ${g} + n * ${m}) / (sqrt(${v} / c) + e)`,
    m,
    v,
  });
});

/** Adam with Nesterov's momentum. */
export class NAdam extends Optimizer<NAdamOptions> {
  static {
    keepNone.add(this.prototype.update);
  }

  /** Parameters or groups of them, and options. */
  constructor(params: Params<NAdamOptions>, options: Partial<NAdamOptions> = {}) {
    const defaults: NAdamOptions = {
      lr: 2e-3,
      betas: [0.9, 0.999],
      eps: 1e-8,
      weightDecay: 0,
      momentumDecay: 4e-3,
      decoupledWeightDecay: false,
      foreach: null,
      maximize: false,
      capturable: false,
      differentiable: false,
    };
    super(params, optionsOver(defaults, options, "NAdam"));
  }

  /** Throws for options out of range. */
  protected override check(o: NAdamOptions): void {
    super.check(o);
    checkNotNegative(o.momentumDecay, "momentum_decay value");
  }

  /** Changes one parameter. */
  protected override update(
    p: Tensor,
    grad: Tensor,
    group: ParamGroup<NAdamOptions>,
    state: ParamState,
  ): void {
    const { lr, betas: [a, b], eps, weightDecay, momentumDecay, decoupledWeightDecay, maximize } = group;
    const step = nextStep(state, p, "expAvg", "expAvgSq");
    const mu = a * (1 - 0.5 * 0.96 ** (step * momentumDecay));
    const next = a * (1 - 0.5 * 0.96 ** ((step + 1) * momentumDecay));
    const product = Math.fround((state.muProduct ?? 1) * Math.fround(mu)); // PyTorch keeps it in float32
    state.muProduct = product;
    const numbers = [lr, weightDecay, a, b, eps, 1 - b ** step];
    numbers.push(lr * (1 - mu) / (1 - product), lr * next / (1 - product * next));
    nadam.get(weightDecay !== 0, decoupledWeightDecay, maximize)
      .run([p, grad, state.expAvg, state.expAvgSq], numbers);
  }
}

/** Options of {@linkcode RAdam}. */
export type RAdamOptions = Omit<NAdamOptions, "momentumDecay">;

const radam = new Variants((decay: boolean, decoupled: boolean, maximize: boolean, trusted: boolean) => {
  const { m, v, p: from } = pieces(decay, decoupled, maximize);
  const p = `${from} - s * ${m}${trusted ? ` * c / (sqrt(${v}) + e)` : ""}`;
  return new FusedUpdate(["p", "g", "m", "v"], ["l", "w", "a", "b", "e", "c", "s"], { p, m, v });
});

/** Adam that trusts its mean square only once it has seen enough gradients. */
export class RAdam extends Optimizer<RAdamOptions> {
  static {
    keepNone.add(this.prototype.update);
  }

  /** Parameters or groups of them, and options. */
  constructor(params: Params<RAdamOptions>, options: Partial<RAdamOptions> = {}) {
    const defaults: RAdamOptions = {
      lr: 1e-3,
      betas: [0.9, 0.999],
      eps: 1e-8,
      weightDecay: 0,
      decoupledWeightDecay: false,
      foreach: null,
      maximize: false,
      capturable: false,
      differentiable: false,
    };
    super(params, optionsOver(defaults, options, "RAdam"));
  }

  /** Changes one parameter. */
  protected override update(
    p: Tensor,
    grad: Tensor,
    group: ParamGroup<RAdamOptions>,
    state: ParamState,
  ): void {
    const { lr, betas: [a, b], eps, weightDecay, decoupledWeightDecay, maximize } = group;
    const step = nextStep(state, p, "expAvg", "expAvgSq");
    const correction = 1 - b ** step, most = 2 / (1 - b) - 1;
    const length = most - 2 * step * b ** step / correction;
    const trusted = length > 5;
    const rectified = trusted
      ? Math.sqrt((length - 4) * (length - 2) * most / ((most - 4) * (most - 2) * length))
      : 1;
    const size = lr * rectified / (1 - a ** step);
    radam.get(weightDecay !== 0, decoupledWeightDecay, maximize, trusted)
      .run([p, grad, state.expAvg, state.expAvgSq], [
        lr,
        weightDecay,
        a,
        b,
        eps,
        Math.sqrt(correction),
        size,
      ]);
  }
}
