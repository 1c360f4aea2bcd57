/**
 * Schedules of schedules, and one that watches a metric.
 * @module
 */

import { checkIntegers, checkKeys } from "../../tensor/arguments.ts";
import { Tensor } from "../../tensor/tensor.ts";
import {
  type AnyOptimizer,
  checkOptimizer,
  checkSchedulers,
  LRScheduler,
  type RateGroup,
  resetRates,
} from "./base.ts";

/** One schedule after the other: the next one begins at each milestone. */
export class SequentialLR extends LRScheduler {
  private readonly schedulers: readonly LRScheduler[];
  private readonly milestones: readonly number[];

  /** One milestone fewer than schedules. */
  constructor(optimizer: AnyOptimizer, schedulers: readonly LRScheduler[], milestones: readonly number[]) {
    super(optimizer);
    checkSchedulers(schedulers, optimizer, "Sequential");
    checkIntegers(milestones, "SequentialLR", "milestones");
    if (milestones.length !== schedulers.length - 1) {
      throw new TypeError(
        "Sequential Schedulers expects number of schedulers provided to be one more than the number of milestone " +
          `points, but got number of schedulers ${schedulers.length} and the number of milestones to be equal to ` +
          `${milestones.length}`,
      );
    }
    this.schedulers = schedulers;
    this.milestones = milestones;
    resetRates(optimizer);
    for (const s of schedulers) s.lastEpoch--;
    schedulers[0].step();
    this.lastEpoch = 0;
  }

  /** The learning rates of the present step. */
  protected override rates(): number[] {
    return this.groups.map(({ lr }) => lr);
  }

  /** Goes on by one step. */
  override step(): void {
    this.lastEpoch++;
    const now = this.milestones.filter((m) => m <= this.lastEpoch).length;
    if (now > 0 && this.milestones[now - 1] === this.lastEpoch) this.schedulers[now].jump(0);
    else this.schedulers[now].step();
    this.set(this.rates());
  }
}

/** Several schedules at the same time. */
export class ChainedScheduler {
  private readonly schedulers: readonly LRScheduler[];

  /** All of one optimizer. */
  constructor(schedulers: readonly LRScheduler[]) {
    checkSchedulers(schedulers, null, "ChainedScheduler");
    this.schedulers = schedulers;
  }

  /** Goes on by one step. */
  step(): void {
    for (const s of this.schedulers) s.step();
  }

  /** The learning rates that the last step set. */
  getLastLr(): number[] {
    return this.schedulers[this.schedulers.length - 1].getLastLr();
  }
}

/** Options of {@linkcode ReduceLROnPlateau}. */
export interface PlateauOptions {
  /** Whether the metric should fall ("min", the default) or rise. */
  readonly mode?: "min" | "max";
  /** Factor of the learning rates; 0.1. */
  readonly factor?: number;
  /** How many steps without improvement are allowed; 10. */
  readonly patience?: number;
  /** What counts as an improvement; 0.0001. */
  readonly threshold?: number;
  /** Whether the threshold is a share ("rel", the default) or a difference. */
  readonly thresholdMode?: "rel" | "abs";
  /** Steps after a change in which nothing counts; 0. */
  readonly cooldown?: number;
  /** Where learning rates stop falling; 0. */
  readonly minLr?: number | readonly number[];
  /** Smaller changes are not made; 1e-8. */
  readonly eps?: number;
}

/** Makes the learning rates smaller when a metric has stopped improving. */
export class ReduceLROnPlateau {
  /** Whose learning rates are changed. */
  readonly optimizer: AnyOptimizer;
  /** How often `step` was called. */
  lastEpoch = 0;
  /** The best metric so far. */
  best: number;
  private readonly options: Required<PlateauOptions>;
  private bad = 0;
  private resting = 0;

  /** See {@linkcode PlateauOptions}. */
  constructor(optimizer: AnyOptimizer, options: PlateauOptions = {}) {
    checkOptimizer(optimizer);
    checkKeys(options, "ReduceLROnPlateau", [
      "mode",
      "factor",
      "patience",
      "threshold",
      "thresholdMode",
      "cooldown",
      "minLr",
      "eps",
    ]);
    this.optimizer = optimizer;
    this.options = {
      mode: "min",
      factor: 0.1,
      patience: 10,
      threshold: 1e-4,
      thresholdMode: "rel",
      cooldown: 0,
      minLr: 0,
      eps: 1e-8,
      ...options,
    };
    const { mode, factor, thresholdMode } = this.options;
    if (factor >= 1) throw new RangeError("Factor should be < 1.0.");
    if (mode !== "min" && mode !== "max") throw new RangeError(`mode ${mode} is unknown!`);
    if (thresholdMode !== "rel" && thresholdMode !== "abs") {
      throw new RangeError(`threshold mode ${thresholdMode} is unknown!`);
    }
    this.best = mode === "min" ? Infinity : -Infinity;
  }

  /** Takes the newest value of the metric. */
  step(metric: number | Tensor): void {
    const value = metric instanceof Tensor ? metric.item() as number : metric;
    const { patience, cooldown } = this.options;
    this.lastEpoch++;
    if (this.improves(value)) {
      this.best = value;
      this.bad = 0;
    } else this.bad++;
    if (this.resting > 0) {
      this.resting--;
      this.bad = 0;
    }
    if (this.bad > patience) {
      this.reduce();
      this.resting = cooldown;
      this.bad = 0;
    }
  }

  /** Whether a value is better than the best so far. */
  private improves(value: number): boolean {
    const { mode, threshold, thresholdMode } = this.options, { best } = this;
    const margin = thresholdMode === "abs" ? threshold : 0;
    if (mode === "min") {
      return thresholdMode === "rel" ? value < best * (1 - threshold) : value < best - margin;
    }
    return thresholdMode === "rel" ? value > best * (threshold + 1) : value > best + margin;
  }

  /** Makes the learning rates smaller. */
  private reduce(): void {
    const { factor, minLr, eps } = this.options;
    (this.optimizer.paramGroups as RateGroup[]).forEach((group, i) => {
      const next = Math.max(group.lr * factor, typeof minLr === "number" ? minLr : minLr[i]);
      if (group.lr - next > eps) group.lr = next;
    });
  }

  /** The present learning rates. */
  getLastLr(): number[] {
    return (this.optimizer.paramGroups as RateGroup[]).map((group) => group.lr);
  }
}
