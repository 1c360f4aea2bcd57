/**
 * Schedules that follow a formula.
 * @module
 */

import { brief, describe } from "../../tensor/describe.ts";
import { checkIntegers, checkKeys } from "../../tensor/arguments.ts";
import { type AnyOptimizer, LRScheduler } from "./base.ts";

/** Learning rates times `gamma` every `stepSize` steps. */
export class StepLR extends LRScheduler {
  private readonly stepSize: number;
  private readonly gamma: number;

  /** gamma is 0.1 by default. */
  constructor(optimizer: AnyOptimizer, stepSize: number, options: { gamma?: number } = {}) {
    super(optimizer);
    checkKeys(options, "StepLR", ["gamma"]);
    this.stepSize = stepSize;
    this.gamma = options.gamma ?? 0.1;
    this.begin();
  }

  /** The learning rates of the present step. */
  protected override rates(): number[] {
    const changes = this.lastEpoch > 0 && this.lastEpoch % this.stepSize === 0;
    return this.groups.map(({ lr }) => changes ? lr * this.gamma : lr);
  }

  /** The learning rates by the number of the step. */
  protected override closedForm(): number[] {
    return this.baseLrs.map((lr) => lr * this.gamma ** Math.floor(this.lastEpoch / this.stepSize));
  }
}

/** Learning rates times `gamma` at given steps. */
export class MultiStepLR extends LRScheduler {
  private readonly milestones: readonly number[];
  private readonly gamma: number;

  /** gamma is 0.1 by default. */
  constructor(optimizer: AnyOptimizer, milestones: readonly number[], options: { gamma?: number } = {}) {
    super(optimizer);
    checkKeys(options, "MultiStepLR", ["gamma"]);
    this.milestones = [...checkIntegers(milestones, "MultiStepLR", "milestones")];
    this.gamma = options.gamma ?? 0.1;
    this.begin();
  }

  /** The learning rates of the present step. */
  protected override rates(): number[] {
    const times = this.milestones.filter((m) => m === this.lastEpoch).length;
    return this.groups.map(({ lr }) => lr * this.gamma ** times);
  }

  /** The learning rates by the number of the step. */
  protected override closedForm(): number[] {
    const times = this.milestones.filter((m) => m <= this.lastEpoch).length;
    return this.baseLrs.map((lr) => lr * this.gamma ** times);
  }
}

/** Learning rates times `factor` for the first steps. */
export class ConstantLR extends LRScheduler {
  private readonly factor: number;
  private readonly totalIters: number;

  /** A third for five steps by default. */
  constructor(optimizer: AnyOptimizer, options: { factor?: number; totalIters?: number } = {}) {
    super(optimizer);
    checkKeys(options, "ConstantLR", ["factor", "totalIters"]);
    this.factor = options.factor ?? 1 / 3;
    this.totalIters = options.totalIters ?? 5;
    if (!(this.factor >= 0 && this.factor <= 1)) {
      throw new RangeError("Constant multiplicative factor expected to be between 0 and 1.");
    }
    this.begin();
  }

  /** The learning rates of the present step. */
  protected override rates(): number[] {
    if (this.lastEpoch === 0) return this.groups.map(({ lr }) => lr * this.factor);
    return this.groups.map(({ lr }) => this.lastEpoch === this.totalIters ? lr / this.factor : lr);
  }

  /** The learning rates by the number of the step. */
  protected override closedForm(): number[] {
    return this.baseLrs.map((lr) => lr * (this.lastEpoch >= this.totalIters ? 1 : this.factor));
  }
}

/** Learning rates times a factor that goes evenly from one value to another. */
export class LinearLR extends LRScheduler {
  private readonly startFactor: number;
  private readonly endFactor: number;
  private readonly totalIters: number;

  /** From a third to 1 in five steps by default. */
  constructor(
    optimizer: AnyOptimizer,
    options: { startFactor?: number; endFactor?: number; totalIters?: number } = {},
  ) {
    super(optimizer);
    checkKeys(options, "LinearLR", ["startFactor", "endFactor", "totalIters"]);
    this.startFactor = options.startFactor ?? 1 / 3;
    this.endFactor = options.endFactor ?? 1;
    this.totalIters = options.totalIters ?? 5;
    if (!(this.startFactor > 0 && this.startFactor <= 1)) {
      throw new RangeError(
        "Starting multiplicative factor expected to be greater than 0 and less or equal to 1.",
      );
    }
    if (!(this.endFactor >= 0 && this.endFactor <= 1)) {
      throw new RangeError("Ending multiplicative factor expected to be between 0 and 1.");
    }
    this.begin();
  }

  /** The learning rates of the present step. */
  protected override rates(): number[] {
    const { startFactor: start, endFactor: end, totalIters: total, lastEpoch: t } = this;
    if (t === 0) return this.groups.map(({ lr }) => lr * start);
    if (t > total) return this.groups.map(({ lr }) => lr);
    return this.groups.map(({ lr }) => lr * (1 + (end - start) / (total * start + (t - 1) * (end - start))));
  }

  /** The learning rates by the number of the step. */
  protected override closedForm(): number[] {
    const share = Math.min(this.totalIters, this.lastEpoch) / this.totalIters;
    return this.baseLrs.map((lr) => lr * (this.startFactor + (this.endFactor - this.startFactor) * share));
  }
}

/** Learning rates times `gamma` at every step. */
export class ExponentialLR extends LRScheduler {
  private readonly gamma: number;

  /** Give gamma. */
  constructor(optimizer: AnyOptimizer, gamma: number) {
    super(optimizer);
    this.gamma = gamma;
    this.begin();
  }

  /** The learning rates of the present step. */
  protected override rates(): number[] {
    return this.groups.map(({ lr }) => this.lastEpoch === 0 ? lr : lr * this.gamma);
  }

  /** The learning rates by the number of the step. */
  protected override closedForm(): number[] {
    return this.baseLrs.map((lr) => lr * this.gamma ** this.lastEpoch);
  }
}

/** Learning rates that fall to 0 as a power of the steps that are left. */
export class PolynomialLR extends LRScheduler {
  private readonly totalIters: number;
  private readonly power: number;

  /** Evenly in five steps by default. */
  constructor(optimizer: AnyOptimizer, options: { totalIters?: number; power?: number } = {}) {
    super(optimizer);
    checkKeys(options, "PolynomialLR", ["totalIters", "power"]);
    this.totalIters = options.totalIters ?? 5;
    this.power = options.power ?? 1;
    this.begin();
  }

  /** The learning rates of the present step. */
  protected override rates(): number[] {
    const { lastEpoch: t, totalIters: total } = this;
    if (t === 0 || t > total) return this.groups.map(({ lr }) => lr);
    const factor = ((1 - t / total) / (1 - (t - 1) / total)) ** this.power;
    return this.groups.map(({ lr }) => lr * factor);
  }

  /** The learning rates by the number of the step. */
  protected override closedForm(): number[] {
    const t = Math.min(this.totalIters, this.lastEpoch);
    return this.baseLrs.map((lr) => lr * (1 - t / this.totalIters) ** this.power);
  }
}

/** Learning rates along half a cosine, from the first to `etaMin` in `tMax` steps, and back. */
export class CosineAnnealingLR extends LRScheduler {
  private readonly tMax: number;
  private readonly etaMin: number;

  /** etaMin is 0 by default. */
  constructor(optimizer: AnyOptimizer, tMax: number, options: { etaMin?: number } = {}) {
    super(optimizer);
    checkKeys(options, "CosineAnnealingLR", ["etaMin"]);
    this.tMax = tMax;
    this.etaMin = options.etaMin ?? 0;
    this.begin();
  }

  /** The learning rates of the present step. */
  protected override rates(): number[] {
    const { lastEpoch: t, tMax, etaMin } = this;
    if (t === 0) return this.groups.map(({ lr }) => lr);
    if ((t - 1 - tMax) % (2 * tMax) === 0) {
      return this.groups.map(({ lr }, i) =>
        lr + (this.baseLrs[i] - etaMin) * (1 - Math.cos(Math.PI / tMax)) / 2
      );
    }
    const factor = (1 + Math.cos(Math.PI * t / tMax)) / (1 + Math.cos(Math.PI * (t - 1) / tMax));
    return this.groups.map(({ lr }) => factor * (lr - etaMin) + etaMin);
  }

  /** The learning rates by the number of the step. */
  protected override closedForm(): number[] {
    const share = (1 + Math.cos(Math.PI * this.lastEpoch / this.tMax)) / 2;
    return this.baseLrs.map((lr) => this.etaMin + (lr - this.etaMin) * share);
  }
}

/** Learning rates along half a cosine, again and again, each time `tMult` times as long. */
export class CosineAnnealingWarmRestarts extends LRScheduler {
  private readonly t0: number;
  private readonly tMult: number;
  private readonly etaMin: number;
  private period: number;
  private current = -1;

  /** Equally long and down to 0 by default. */
  constructor(optimizer: AnyOptimizer, t0: number, options: { tMult?: number; etaMin?: number } = {}) {
    super(optimizer);
    checkKeys(options, "CosineAnnealingWarmRestarts", ["tMult", "etaMin"]);
    if (!Number.isInteger(t0) || t0 <= 0) {
      throw new RangeError(`Expected positive integer T_0, but got ${brief(t0)}`);
    }
    this.t0 = t0;
    this.tMult = options.tMult ?? 1;
    this.etaMin = options.etaMin ?? 0;
    if (!Number.isInteger(this.tMult) || this.tMult < 1) {
      throw new RangeError(`Expected integer T_mult >= 1, but got ${brief(this.tMult)}`);
    }
    this.period = t0;
    this.begin();
  }

  /** The learning rates of the present step. */
  protected override rates(): number[] {
    this.current++;
    if (this.current >= this.period) {
      this.current -= this.period;
      this.period *= this.tMult;
    }
    const share = (1 + Math.cos(Math.PI * this.current / this.period)) / 2;
    return this.baseLrs.map((lr) => this.etaMin + (lr - this.etaMin) * share);
  }
}

/** A function of the step number, or one for each group. */
export type EpochFunction = (epoch: number) => number;

function perGroup(optimizer: AnyOptimizer, fn: EpochFunction | readonly EpochFunction[]): EpochFunction[] {
  const groups = optimizer.paramGroups.length;
  if (typeof fn === "function") return Array.from({ length: groups }, () => fn);
  if (!Array.isArray(fn) || !fn.every((f) => typeof f === "function")) {
    throw new TypeError(`lrLambda must be a function or a list of functions, but got ${describe(fn)}`);
  }
  if (fn.length !== groups) throw new TypeError(`Expected ${groups} lr_lambdas, but got ${fn.length}`);
  return [...fn];
}

/** The first learning rates times a function of the step number. */
export class LambdaLR extends LRScheduler {
  private readonly functions: readonly EpochFunction[];

  /** One function, or one for each group. */
  constructor(optimizer: AnyOptimizer, lrLambda: EpochFunction | readonly EpochFunction[]) {
    super(optimizer);
    this.functions = perGroup(optimizer, lrLambda);
    this.begin();
  }

  /** The learning rates of the present step. */
  protected override rates(): number[] {
    return this.baseLrs.map((lr, i) => lr * this.functions[i](this.lastEpoch));
  }
}

/** Learning rates times a function of the step number, at every step. */
export class MultiplicativeLR extends LRScheduler {
  private readonly functions: readonly EpochFunction[];

  /** One function, or one for each group. */
  constructor(optimizer: AnyOptimizer, lrLambda: EpochFunction | readonly EpochFunction[]) {
    super(optimizer);
    this.functions = perGroup(optimizer, lrLambda);
    this.begin();
  }

  /** The learning rates of the present step. */
  protected override rates(): number[] {
    return this.groups.map(({ lr }, i) => this.lastEpoch > 0 ? lr * this.functions[i](this.lastEpoch) : lr);
  }
}
