/**
 * What all schedules of learning rates share.
 * @module
 */

import { describe } from "../../tensor/describe.ts";
import { warn } from "../../warn.ts";
import { Optimizer, type ParamGroup } from "../optimizer.ts";

/** Options that every optimizer's groups have. */
export interface HasRate {
  /** Learning rate. */
  lr: number;
}

/** A group as schedules see it. */
// deno-lint-ignore no-explicit-any
export type RateGroup = ParamGroup<HasRate> & Record<string, any>;

/** Any optimizer. */
// deno-lint-ignore no-explicit-any
export type AnyOptimizer = Optimizer<any>;

/** The group's learning rate when its first schedule was made. */
const firstRates = new WeakMap<object, number>();

/** Throws for what is no optimizer. */
export function checkOptimizer(optimizer: unknown): asserts optimizer is AnyOptimizer {
  if (!(optimizer instanceof Optimizer)) throw new TypeError(`${describe(optimizer)} is not an Optimizer`);
}

/** Throws for what are no schedules of one optimizer; `caller` stands in the messages. */
export function checkSchedulers(schedulers: unknown, optimizer: unknown, caller: string): void {
  if (!Array.isArray(schedulers) || !schedulers.every((s) => s instanceof LRScheduler)) {
    throw new TypeError(`${caller}: expected schedulers in a list, but got ${describe(schedulers)}`);
  }
  if (schedulers.length < 1) throw new TypeError(`${caller} expects at least one scheduler to be chained`);
  if (schedulers.some((s) => s.optimizer !== (optimizer ?? schedulers[0].optimizer))) {
    const name = caller === "Sequential" ? "Sequential Schedulers" : caller;
    throw new TypeError(`${name} expects all schedulers to belong to the same optimizer`);
  }
}

/**
 * Changes the learning rates of an optimizer: call `step()` after each step of the optimizer (or each epoch). Making one
 * takes step 0.
 */
export abstract class LRScheduler {
  /** Whose learning rates are changed. */
  readonly optimizer: AnyOptimizer;
  /** The groups' learning rates at the beginning. */
  readonly baseLrs: number[];
  /** How often `step` was called. */
  lastEpoch = -1;
  private taken: number;
  private lastLrs: number[] = [];

  /** For derived classes, which call `begin` when they are ready. */
  constructor(optimizer: AnyOptimizer) {
    checkOptimizer(optimizer);
    this.optimizer = optimizer;
    for (const group of this.groups) if (!firstRates.has(group)) firstRates.set(group, group.lr);
    this.baseLrs = this.groups.map((group) => firstRates.get(group)!);
    this.taken = optimizer.stepsTaken;
  }

  /** The optimizer's groups. */
  protected get groups(): RateGroup[] {
    return this.optimizer.paramGroups as RateGroup[];
  }

  /** Takes step 0. */
  protected begin(): void {
    this.advance();
  }

  /** The learning rates of the present step, one a group. */
  protected abstract rates(): number[];

  /** The learning rates from the step number alone, where a schedule has a formula for that. */
  protected closedForm(): number[] | null {
    return null;
  }

  /** The learning rates that the last step set. */
  getLastLr(): number[] {
    return [...this.lastLrs];
  }

  /** Goes on by one step. */
  step(): void {
    if (this.lastEpoch === 0 && this.optimizer.stepsTaken === this.taken) {
      warn(
        "Detected call of `lr_scheduler.step()` before `optimizer.step()`. In PyTorch 1.1.0 and later, you should call " +
          "them in the opposite order: `optimizer.step()` before `lr_scheduler.step()`.  Failure to do this will result " +
          "in PyTorch skipping the first value of the learning rate schedule. See more details at " +
          "https://pytorch.org/docs/stable/optim.html#how-to-adjust-learning-rate",
      );
    }
    this.advance();
  }

  private advance(): void {
    this.lastEpoch++;
    this.set(this.rates());
  }

  /** Goes to a step by number, for schedules that restart others. */
  jump(epoch: number): void {
    this.lastEpoch = epoch;
    this.set(this.closedForm() ?? this.rates());
  }

  /** Sets the learning rates. */
  protected set(rates: readonly number[]): void {
    this.groups.forEach((group, i) => group.lr = rates[i]);
    this.lastLrs = this.groups.map((group) => group.lr);
  }

  /** Numbers that describe where the schedule is, to be saved. */
  stateDict(): Record<string, unknown> {
    const state: Record<string, unknown> = {};
    for (const [key, value] of Object.entries(this)) {
      if (typeof value === "number" || typeof value === "string" || typeof value === "boolean") {
        state[key] = value;
      } else if (Array.isArray(value) && value.every((v) => typeof v === "number")) state[key] = [...value];
    }
    return state;
  }

  /** Goes to where another schedule of the kind was. */
  loadStateDict(state: Readonly<Record<string, unknown>>): void {
    for (const key of Object.keys(state)) {
      if (!(key in this)) throw new TypeError(`${this.constructor.name} has no state ${JSON.stringify(key)}`);
    }
    Object.assign(this, state);
  }
}

/** The first rates once more, for schedules that are begun anew. */
export function resetRates(optimizer: AnyOptimizer): void {
  for (const group of optimizer.paramGroups as RateGroup[]) group.lr = firstRates.get(group) ?? group.lr;
}
