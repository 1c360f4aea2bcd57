/**
 * Operations that were recorded instead of carried out, and the order in which they depend on each other.
 * @module
 */

import type { Fold } from "../expr/fold.ts";
import type { PointwiseOp } from "../ops/core/pointwise_op.ts";
import type { DType } from "../tensor/dtype.ts";
import type { Later } from "../tensor/later.ts";
import type { Shape } from "../tensor/shape.ts";
import type { Storage } from "../tensor/storage.ts";
import type { Recording } from "./region.ts";

/** A window on memory, as an operation reads it. */
export interface Source {
  /** The memory, which may have to be computed itself. */
  readonly storage: Storage;
  /** Index of the first element. */
  readonly offset: number;
  /** Steps, one for each dimension of what the operation goes over. */
  readonly strides: Shape;
  /** Whether it is one number of the CPU's. */
  readonly single: boolean;
  /** How often it had been written when it was read: what is written later is not what was meant. */
  readonly writes: number;
}

/** What is to become of a result. */
export const enum Need {
  /** Only operations of the same walk read it. */
  Passing = 0,
  /** Others will read it, too. */
  Shared = 1,
  /** It has to be stored. */
  Stored = 2,
}

/** The element types that recorded operations compute in. */
export type Arithmetic = "float32" | "float64";

/** An operation whose result nobody has needed yet. */
export class Deferred implements Later {
  /** Where it is in the order of its {@linkcode Cone}. */
  index = 0;
  /** The last walk that came here. */
  mark = 0;
  /** Whether it has to be in memory when the recording ends: then it is stored as soon as something needs it. */
  wanted = false;
  /** Whether a backward pass will need it. */
  saved = false;
  /** How many recorded operations read it, and how many of them are in its {@linkcode Cone}. */
  readers = 0;
  /** See {@linkcode readers}. */
  inside = 0;
  /** What is to become of the result in this walk. */
  need: Need = Need.Passing;

  /** Remembers an operation; `shape` is what it goes over: the result's, or of a reduction the input's. */
  constructor(
    /** Where it was recorded. */
    readonly recorder: Recording,
    /** The pointwise operation, or null for a reduction. */
    readonly op: PointwiseOp | null,
    /** The reduction, or null. */
    readonly how: Fold | null,
    /** Dimensions that it reduces. */
    readonly dims: readonly number[],
    /** What it reads: memory, and plain numbers. */
    readonly operands: readonly (Source | number)[],
    /** What it computes in. */
    readonly compute: Arithmetic,
    /** What it goes over. */
    readonly shape: Shape,
  ) {}

  /** What it makes. */
  declare storage: Storage;

  /** The result's element type. */
  get dtype(): DType {
    return this.storage.dtype;
  }

  /** Computes it: somebody reads the result. */
  settle(): void {
    const { region, ended } = this.recorder;
    // It left the function other than as its result, so others of its kind will, too.
    if (ended && !this.saved) region.careful = true;
    region.settle([this], true);
  }
}

/** The operation that still has to compute this memory, or null. */
export function makerOf(storage: Storage): Deferred | null {
  return storage.later as Deferred | null;
}

let walks = 0;

/**
 * The operations that results need, each after those it reads: what they are about, and what is to become of them, is written
 * into them.
 */
export function coneOf(roots: readonly Deferred[]): Deferred[] {
  const walk = ++walks, order: Deferred[] = [];
  const stack = roots.slice();
  while (stack.length > 0) {
    const d = stack[stack.length - 1];
    if (d.mark === walk || d.storage.later !== d) {
      stack.pop();
      continue;
    }
    const before = stack.length;
    for (const x of d.operands) {
      if (typeof x === "number") continue;
      const maker = makerOf(x.storage);
      if (maker !== null && maker.mark !== walk) stack.push(maker);
    }
    if (stack.length > before) continue;
    stack.pop();
    d.mark = walk;
    d.index = order.length;
    d.inside = 0;
    d.need = d.wanted ? Need.Stored : Need.Passing;
    for (const x of d.operands) {
      const maker = typeof x === "number" ? null : makerOf(x.storage);
      if (maker !== null) maker.inside++;
    }
    order.push(d);
  }
  for (const d of order) {
    if (d.need === Need.Passing && (d.saved || d.readers > d.inside)) d.need = Need.Shared;
  }
  for (const d of roots) d.need = Need.Stored;
  return order;
}
