/**
 * Optimizers with a rate of its own for every element.
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

/** Options that all optimizers of this file have. */
export interface AdaptiveOptions {
  /** Learning rate. */
  lr: number;
  /** Factor of the squared parameters in the loss; 0. */
  weightDecay: number;
  /** Make the loss larger; false. */
  maximize: boolean;
  /** No effect here; PyTorch's choice of implementation. */
  foreach: boolean | null;
  /** Not supported. */
  differentiable: boolean;
}

// ---- RMSprop ------------------------------------------------------------------------------------------------------

/** Options of {@linkcode RMSprop}. */
export interface RMSpropOptions extends AdaptiveOptions {
  /** How much of the last step's direction is kept; 0. */
  momentum: number;
  /** How much of the running mean square is kept in a step; 0.99. */
  alpha: number;
  /** Added to the denominator; 1e-8. */
  eps: number;
  /** Divide by the standard deviation in place of the root of the mean square; false. */
  centered: boolean;
  /** No effect here; for CUDA graphs. */
  capturable: boolean;
}

const rmsprop = new Variants((momentum: boolean, centered: boolean, decay: boolean, maximize: boolean) => {
  const g = gradientText(maximize, decay), s = `(s * a + ${g} * ${g} * (1 - a))`;
  const c = `(c + (${g} - c) * (1 - a))`;
  const direction = `${g} / (sqrt(${centered ? `${s} - ${c} * ${c}` : s}) + e)`;
  const m = `(m * u + ${direction})`;
  const results: Record<string, string> = { p: `p - l * ${momentum ? m : direction}`, s };
  if (momentum) results.m = m;
  if (centered) results.c = c;
  const tensors = ["p", "g", "s", ...(momentum ? ["m"] : []), ...(centered ? ["c"] : [])];
  return new FusedUpdate(tensors, ["l", "w", "a", "e", "u"], results);
});

/** Divides each gradient by the root of its running mean square. */
export class RMSprop extends Optimizer<RMSpropOptions> {
  static {
    keepNone.add(this.prototype.update);
  }

  /** Parameters or groups of them, and options. */
  constructor(params: Params<RMSpropOptions>, options: Partial<RMSpropOptions> = {}) {
    const defaults: RMSpropOptions = {
      lr: 1e-2,
      momentum: 0,
      alpha: 0.99,
      eps: 1e-8,
      centered: false,
      weightDecay: 0,
      capturable: false,
      foreach: null,
      maximize: false,
      differentiable: false,
    };
    super(params, optionsOver(defaults, options, "RMSprop"));
  }

  /** Throws for options out of range. */
  protected override check(o: RMSpropOptions): void {
    super.check(o);
    checkNotNegative(o.momentum, "momentum value");
    checkNotNegative(o.alpha, "alpha value");
  }

  /** Changes one parameter. */
  protected override update(
    p: Tensor,
    grad: Tensor,
    group: ParamGroup<RMSpropOptions>,
    state: ParamState,
  ): void {
    const { lr, momentum, alpha, eps, centered, weightDecay, maximize } = group;
    const moving = momentum > 0;
    nextStep(state, p, "squareAvg");
    const tensors = [p, grad, state.squareAvg];
    if (moving) tensors.push(state.momentumBuffer ??= zerosFor(p));
    if (centered) tensors.push(state.gradAvg ??= zerosFor(p));
    rmsprop.get(moving, centered, weightDecay !== 0, maximize)
      .run(tensors, [lr, weightDecay, alpha, eps, momentum]);
  }
}

// ---- Adagrad ------------------------------------------------------------------------------------------------------

/** Options of {@linkcode Adagrad}. */
export interface AdagradOptions extends AdaptiveOptions {
  /** How fast the learning rate falls; 0. */
  lrDecay: number;
  /** What the sums of squares start from; 0. */
  initialAccumulatorValue: number;
  /** Added to the denominator; 1e-10. */
  eps: number;
  /** No effect here; PyTorch's choice of implementation. */
  fused: boolean | null;
}

const adagrad = new Variants((decay: boolean, maximize: boolean) => {
  const g = gradientText(maximize, decay), s = `(s + ${g} * ${g})`;
  return new FusedUpdate(["p", "g", "s"], ["w", "r", "e"], { p: `p - r * ${g} / (sqrt(${s}) + e)`, s });
});

/** Divides each gradient by the root of the sum of its squares. */
export class Adagrad extends Optimizer<AdagradOptions> {
  static {
    keepNone.add(this.prototype.update);
  }

  /** Parameters or groups of them, and options. */
  constructor(params: Params<AdagradOptions>, options: Partial<AdagradOptions> = {}) {
    const defaults: AdagradOptions = {
      lr: 1e-2,
      lrDecay: 0,
      eps: 1e-10,
      weightDecay: 0,
      initialAccumulatorValue: 0,
      foreach: null,
      maximize: false,
      differentiable: false,
      fused: null,
    };
    super(params, optionsOver(defaults, options, "Adagrad"));
  }

  /** Throws for options out of range. */
  protected override check(o: AdagradOptions): void {
    super.check(o);
    checkNotNegative(o.lrDecay, "lr_decay value");
    checkNotNegative(o.initialAccumulatorValue, "initial_accumulator_value value");
  }

  /** Changes one parameter. */
  protected override update(
    p: Tensor,
    grad: Tensor,
    group: ParamGroup<AdagradOptions>,
    state: ParamState,
  ): void {
    const { lr, lrDecay, eps, weightDecay, maximize } = group, step = nextStep(state, p);
    state.sum ??= zerosFor(p).fill_(group.initialAccumulatorValue);
    adagrad.get(weightDecay !== 0, maximize)
      .run([p, grad, state.sum], [weightDecay, lr / (1 + (step - 1) * lrDecay), eps]);
  }
}

// ---- Adadelta -----------------------------------------------------------------------------------------------------

/** Options of {@linkcode Adadelta}. */
export interface AdadeltaOptions extends AdaptiveOptions {
  /** How much of the running mean squares is kept in a step; 0.9. */
  rho: number;
  /** Added under the roots; 1e-6. */
  eps: number;
  /** No effect here; for CUDA graphs. */
  capturable: boolean;
}

const adadelta = new Variants((decay: boolean, maximize: boolean) => {
  const g = gradientText(maximize, decay), s = `(s * r + ${g} * ${g} * (1 - r))`;
  const step = `(sqrt(d + e) / sqrt(${s} + e) * ${g})`;
  return new FusedUpdate(["p", "g", "s", "d"], ["l", "w", "r", "e"], {
    p: `p - l * ${step}`,
    s,
    d: `d * r + ${step} * ${step} * (1 - r)`,
  });
});

/** Scales each gradient so that steps have the size of the last ones: there is hardly a learning rate to choose. */
export class Adadelta extends Optimizer<AdadeltaOptions> {
  static {
    keepNone.add(this.prototype.update);
  }

  /** Parameters or groups of them, and options. */
  constructor(params: Params<AdadeltaOptions>, options: Partial<AdadeltaOptions> = {}) {
    const defaults: AdadeltaOptions = {
      lr: 1,
      rho: 0.9,
      eps: 1e-6,
      weightDecay: 0,
      maximize: false,
      capturable: false,
      foreach: null,
      differentiable: false,
    };
    super(params, optionsOver(defaults, options, "Adadelta"));
  }

  /** Throws for options out of range. */
  protected override check(o: AdadeltaOptions): void {
    super.check(o);
    if (!(o.rho >= 0 && o.rho <= 1)) throw new RangeError(`Invalid rho value: ${o.rho}`);
  }

  /** Changes one parameter. */
  protected override update(
    p: Tensor,
    grad: Tensor,
    group: ParamGroup<AdadeltaOptions>,
    state: ParamState,
  ): void {
    const { lr, rho, eps, weightDecay, maximize } = group;
    nextStep(state, p, "squareAvg", "accDelta");
    adadelta.get(weightDecay !== 0, maximize)
      .run([p, grad, state.squareAvg, state.accDelta], [lr, weightDecay, rho, eps]);
  }
}

// ---- Rprop --------------------------------------------------------------------------------------------------------

/** Options of {@linkcode Rprop}. */
export interface RpropOptions extends Omit<AdaptiveOptions, "weightDecay"> {
  /** Factors of a step's size when the gradient's sign has changed, and when it has not; [0.5, 1.2]. */
  etas: readonly [number, number];
  /** Smallest and largest size of a step; [1e-6, 50]. */
  stepSizes: readonly [number, number];
  /** No effect here; for CUDA graphs. */
  capturable: boolean;
}

const rprop = new Variants((maximize: boolean) => {
  const g = gradientText(maximize, false), turned = `${g} * q < 0`;
  const s = `min(max(s * where(${turned}, d, where(${g} * q > 0, u, 1)), n), x)`;
  const q = `where(${turned}, 0, ${g})`, p = `p - sign(${q}) * ${s}`;
  return new FusedUpdate(["p", "g", "q", "s"], ["d", "u", "n", "x"], { p, q, s });
});

/** Looks at the signs of gradients only; for training on all data at once. */
export class Rprop extends Optimizer<RpropOptions> {
  static {
    keepNone.add(this.prototype.update);
  }

  /** Parameters or groups of them, and options. */
  constructor(params: Params<RpropOptions>, options: Partial<RpropOptions> = {}) {
    const defaults: RpropOptions = {
      lr: 1e-2,
      etas: [0.5, 1.2],
      stepSizes: [1e-6, 50],
      foreach: null,
      maximize: false,
      differentiable: false,
      capturable: false,
    };
    super(params, optionsOver(defaults, options, "Rprop"));
  }

  /** Throws for options out of range. */
  protected override check(o: RpropOptions): void {
    super.check(o);
    const [less, more] = o.etas;
    if (!(0 < less && less < 1 && 1 < more)) throw new RangeError(`Invalid eta values: ${less}, ${more}`);
  }

  /** Changes one parameter. */
  protected override update(
    p: Tensor,
    grad: Tensor,
    group: ParamGroup<RpropOptions>,
    state: ParamState,
  ): void {
    const { lr, etas: [less, more], stepSizes: [least, most], maximize } = group;
    nextStep(state, p, "prev");
    state.stepSize ??= zerosFor(p).fill_(lr);
    rprop.get(maximize).run([p, grad, state.prev, state.stepSize], [less, more, least, most]);
  }
}

// ---- ASGD ---------------------------------------------------------------------------------------------------------

/** Options of {@linkcode ASGD}. */
export interface ASGDOptions extends AdaptiveOptions {
  /** How fast parameters shrink and the rate falls; 1e-4. */
  lambd: number;
  /** Power of the rate's fall; 0.75. */
  alpha: number;
  /** From which step on the average is taken; 1e6. */
  t0: number;
  /** No effect here; for CUDA graphs. */
  capturable: boolean;
}

const asgd = new Variants((decay: boolean, maximize: boolean) => {
  const next = `(p * (1 - d * l) - l * ${gradientText(maximize, decay)})`;
  return new FusedUpdate(["p", "g", "x"], ["w", "d", "l", "u"], {
    p: next,
    x: `where(u == 1, ${next}, x + (${next} - x) * u)`,
  });
});

/** Gradient descent with a falling rate that also averages the parameters on its way, in the state `ax`. */
export class ASGD extends Optimizer<ASGDOptions> {
  static {
    keepNone.add(this.prototype.update);
  }

  /** Parameters or groups of them, and options. */
  constructor(params: Params<ASGDOptions>, options: Partial<ASGDOptions> = {}) {
    const defaults: ASGDOptions = {
      lr: 1e-2,
      lambd: 1e-4,
      alpha: 0.75,
      t0: 1e6,
      weightDecay: 0,
      foreach: null,
      maximize: false,
      differentiable: false,
      capturable: false,
    };
    super(params, optionsOver(defaults, options, "ASGD"));
  }

  /** Changes one parameter. */
  protected override update(
    p: Tensor,
    grad: Tensor,
    group: ParamGroup<ASGDOptions>,
    state: ParamState,
  ): void {
    const { lr, lambd, alpha, t0, weightDecay, maximize } = group, step = nextStep(state, p);
    state.eta ??= Math.fround(lr); // PyTorch keeps it and mu in float32
    state.mu ??= 1;
    state.ax ??= zerosFor(p);
    asgd.get(weightDecay !== 0, maximize).run([p, grad, state.ax], [weightDecay, lambd, state.eta, state.mu]);
    state.eta = Math.fround(lr / (1 + lambd * lr * step) ** alpha);
    state.mu = Math.fround(1 / Math.max(1, step - t0));
  }
}
