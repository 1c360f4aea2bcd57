/**
 * Schedules that go up and down, and change the momentum against the learning rate.
 * @module
 */

import { brief } from "../../tensor/describe.ts";
import { checkKeys, checkNumber } from "../../tensor/arguments.ts";
import { type AnyOptimizer, LRScheduler, type RateGroup } from "./base.ts";

/** Options of {@linkcode CyclicLR}. */
export interface CyclicOptions {
  /** Steps from the lower to the upper rate; 2000. */
  readonly stepSizeUp?: number;
  /** Steps back; as many. */
  readonly stepSizeDown?: number | null;
  /** How the heights of the peaks change: not, by half, or by `gamma` a step. */
  readonly mode?: "triangular" | "triangular2" | "exp_range";
  /** For "exp_range"; 1. */
  readonly gamma?: number;
  /** Whether the momentum moves against the rate; true. */
  readonly cycleMomentum?: boolean;
  /** The momentum at the upper rate; 0.8. */
  readonly baseMomentum?: number;
  /** The momentum at the lower rate; 0.9. */
  readonly maxMomentum?: number;
}

/** The momentum of a group: Adam's is its first beta. */
function setMomentum(group: RateGroup, value: number): void {
  if ("betas" in group) group.betas = [value, ...group.betas.slice(1)];
  else group.momentum = value;
}

function checkMomentum(groups: readonly RateGroup[]): void {
  if (!groups.every((g) => "momentum" in g || "betas" in g)) {
    throw new TypeError("optimizer must support momentum or beta1 with `cycle_momentum` option enabled");
  }
}

/** One rate for all groups, or a list with one for each. */
function ratesOf(
  groups: readonly RateGroup[],
  rate: number | readonly number[],
  caller: string,
  name: string,
): number[] {
  const rates = Array.isArray(rate) ? rate : groups.map(() => rate);
  if (rates.length !== groups.length) {
    throw new RangeError(`expected ${groups.length} values for ${name}, got ${rates.length}`);
  }
  return rates.map((r) => checkNumber(r, caller, name));
}

/** Learning rates between two bounds, up and down. */
export class CyclicLR extends LRScheduler {
  private readonly lower: number[];
  private readonly upper: number[];
  private readonly total: number;
  private readonly ratio: number;
  private readonly mode: string;
  private readonly gamma: number;
  private readonly momenta: readonly [number, number] | null;

  /** Lower and upper rate, for all groups or one for each. */
  constructor(
    optimizer: AnyOptimizer,
    baseLr: number | readonly number[],
    maxLr: number | readonly number[],
    options: CyclicOptions = {},
  ) {
    super(optimizer);
    checkKeys(options, "CyclicLR", [
      "stepSizeUp",
      "stepSizeDown",
      "mode",
      "gamma",
      "cycleMomentum",
      "baseMomentum",
      "maxMomentum",
    ]);
    const { stepSizeUp = 2000, stepSizeDown, mode = "triangular", gamma = 1, cycleMomentum = true } = options;
    if (!["triangular", "triangular2", "exp_range"].includes(mode)) {
      throw new RangeError("mode is invalid and scale_fn is None");
    }
    for (const [name, value] of Object.entries({ stepSizeUp, stepSizeDown: stepSizeDown ?? 1, gamma })) {
      checkNumber(value, "CyclicLR", name);
    }
    this.lower = ratesOf(this.groups, baseLr, "CyclicLR", "baseLr");
    this.upper = ratesOf(this.groups, maxLr, "CyclicLR", "maxLr");
    if (cycleMomentum) checkMomentum(this.groups);
    this.groups.forEach((group, i) => group.lr = this.lower[i]);
    this.total = stepSizeUp + (stepSizeDown ?? stepSizeUp);
    this.ratio = stepSizeUp / this.total;
    this.mode = mode;
    this.gamma = gamma;
    this.momenta = cycleMomentum ? [options.baseMomentum ?? 0.8, options.maxMomentum ?? 0.9] : null;
    if (cycleMomentum) {
      for (const group of this.groups) setMomentum(group, this.momenta![1]);
    }
    this.begin();
  }

  /** The learning rates of the present step. */
  protected override rates(): number[] {
    const cycle = Math.floor(1 + this.lastEpoch / this.total);
    const x = 1 + this.lastEpoch / this.total - cycle;
    const height = x <= this.ratio ? x / this.ratio : (x - 1) / (this.ratio - 1);
    const scale = this.mode === "triangular"
      ? 1
      : this.mode === "triangular2"
      ? 1 / 2 ** (cycle - 1)
      : this.gamma ** this.lastEpoch;
    if (this.momenta !== null) {
      const [low, high] = this.momenta;
      for (const group of this.groups) setMomentum(group, high - (high - low) * height * scale);
    }
    return this.lower.map((low, i) => low + (this.upper[i] - low) * height * scale);
  }
}

/** Options of {@linkcode OneCycleLR}. */
export interface OneCycleOptions {
  /** How many steps there will be; or give epochs and steps an epoch. */
  readonly totalSteps?: number;
  /** Number of epochs. */
  readonly epochs?: number;
  /** Steps in an epoch. */
  readonly stepsPerEpoch?: number;
  /** The share of steps on the way up; 0.3. */
  readonly pctStart?: number;
  /** Along half a cosine (the default) or a line. */
  readonly annealStrategy?: "cos" | "linear";
  /** Whether the momentum moves against the rate; true. */
  readonly cycleMomentum?: boolean;
  /** The momentum at the highest rate; 0.85. */
  readonly baseMomentum?: number;
  /** The momentum at first; 0.95. */
  readonly maxMomentum?: number;
  /** The highest rate over the first one; 25. */
  readonly divFactor?: number;
  /** The first rate over the last one; 10000. */
  readonly finalDivFactor?: number;
  /** Go back down as long as up, and then to the last rate; false. */
  readonly threePhase?: boolean;
}

/** A stretch of the schedule: it ends at a step, and rate and momentum go from and to one of three marks. */
type Phase = readonly [end: number, from: 0 | 1 | 2, to: 0 | 1 | 2, momentumFrom: 0 | 1, momentumTo: 0 | 1];

/** Up to a highest rate and down to nearly nothing, once. */
export class OneCycleLR extends LRScheduler {
  private readonly totalSteps: number;
  private readonly marks: number[][];
  private readonly momenta: readonly [number, number] | null;
  private readonly phases: readonly Phase[];
  private readonly linear: boolean;

  /** The highest rate, for all groups or one for each. */
  constructor(optimizer: AnyOptimizer, maxLr: number | readonly number[], options: OneCycleOptions = {}) {
    super(optimizer);
    checkKeys(options, "OneCycleLR", [
      "totalSteps",
      "epochs",
      "stepsPerEpoch",
      "pctStart",
      "annealStrategy",
      "cycleMomentum",
      "baseMomentum",
      "maxMomentum",
      "divFactor",
      "finalDivFactor",
      "threePhase",
    ]);
    const { totalSteps, epochs, stepsPerEpoch, pctStart = 0.3, threePhase = false } = options;
    if (totalSteps !== undefined) this.totalSteps = totalSteps;
    else if (epochs !== undefined && stepsPerEpoch !== undefined) this.totalSteps = epochs * stepsPerEpoch;
    else throw new TypeError("You must define either total_steps OR (epochs AND steps_per_epoch)");
    if (!Number.isInteger(this.totalSteps) || this.totalSteps <= 0) {
      throw new RangeError(`Expected positive integer total_steps, but got ${brief(this.totalSteps)}`);
    }
    checkNumber(pctStart, "OneCycleLR", "pctStart");
    if (!(pctStart >= 0 && pctStart <= 1)) {
      throw new RangeError(`Expected float between 0 and 1 pct_start, but got ${brief(pctStart)}`);
    }
    const total = this.totalSteps, top = pctStart * total - 1;
    this.phases = threePhase
      ? [[top, 0, 1, 1, 0], [2 * pctStart * total - 2, 1, 0, 0, 1], [total - 1, 0, 2, 1, 1]]
      : [[top, 0, 1, 1, 0], [total - 1, 1, 2, 0, 1]];
    this.linear = options.annealStrategy === "linear";
    const { divFactor = 25, finalDivFactor = 1e4 } = options;
    this.marks = ratesOf(this.groups, maxLr, "OneCycleLR", "maxLr").map((highest) => {
      const first = highest / divFactor;
      return [first, highest, first / finalDivFactor];
    });
    this.momenta = options.cycleMomentum ?? true
      ? [options.baseMomentum ?? 0.85, options.maxMomentum ?? 0.95]
      : null;
    if (this.momenta !== null) checkMomentum(this.groups);
    this.begin();
  }

  /** A value on the way from one to another. */
  private between(start: number, end: number, share: number): number {
    return this.linear
      ? start + (end - start) * share
      : end + (start - end) / 2 * (1 + Math.cos(Math.PI * share));
  }

  /** The learning rates of the present step. */
  protected override rates(): number[] {
    const step = this.lastEpoch;
    if (step > this.totalSteps) {
      throw new RangeError(
        `Tried to step ${step} times. The specified number of total steps is ${this.totalSteps}`,
      );
    }
    const k = this.phases.findIndex(([end], i) => step <= end || i === this.phases.length - 1);
    const [end, from, to, momentumFrom, momentumTo] = this.phases[k];
    const begin = k === 0 ? 0 : this.phases[k - 1][0];
    const share = (step - begin) / (end - begin);
    if (this.momenta !== null) {
      const momentum = this.between(this.momenta[momentumFrom], this.momenta[momentumTo], share);
      for (const group of this.groups) setMomentum(group, momentum);
    }
    return this.marks.map((marks) => this.between(marks[from], marks[to], share));
  }
}
