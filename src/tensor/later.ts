/**
 * Computing later: the switch that a compiled function turns on so that operations are recorded instead of carried out, and what
 * stands in a tensor's memory until somebody reads it. The recorder itself is in `compile/`.
 * @module
 */

import type { Fold } from "../expr/fold.ts";
import type { PointwiseOp } from "../ops/core/pointwise_op.ts";
import type { Device } from "./device.ts";
import type { DType, Scalar } from "./dtype.ts";
import type { Shape } from "./shape.ts";
import type { Storage } from "./storage.ts";
import type { Tensor } from "./tensor.ts";

/** Elements that are still to be computed. */
export interface Later {
  /** Computes them, and whatever they need, and delivers them to their storage. */
  settle(): void;
}

/** What is known of a result before it is computed. */
export interface Form {
  /** Sizes. */
  readonly shape: Shape;
  /** Row-major strides. */
  readonly strides: Shape;
  /** Element type of the result. */
  readonly dtype: DType;
  /** Where it will be. */
  readonly device: Device;
}

/** What listens to operations while a compiled function runs. Each method may decline with null: then the operation is carried out. */
export interface Recorder {
  /** To which compiled function the operations belong. */
  readonly region: Region;
  /** Whether an operation on these has to be recorded even where it is small: one of them is not computed yet. */
  waits(inputs: readonly (Tensor | Scalar)[]): boolean;
  /** A pointwise operation. */
  pointwise(
    op: PointwiseOp,
    inputs: readonly (Tensor | Scalar)[],
    compute: DType,
    form: Form,
  ): Tensor | null;
  /** A reduction of one result over dimensions. */
  fold(x: Tensor, how: Fold, dims: readonly number[], shape: Shape, dtype: DType): Tensor | null;
  /** Called before memory is written in place. */
  beforeWrite(storage: Storage): void;
  /** Somebody outside may keep this tensor: it will be computed when the recording ends. */
  keep(t: Tensor): void;
  /** A backward pass will need this tensor. */
  save(t: Tensor): void;
}

/** A compiled function, as the nodes of its graph remember it: their backward pass is recorded, too. */
export interface Region {
  /** Starts to record. `end` stops it and, unless something was thrown, computes what was kept. */
  record(): { readonly recorder: Recorder; end(completed: boolean): void };
}

/** The recorder that is listening. Read on every operation, so a plain object. */
export const recording: { now: Recorder | null } = { now: null };

let anyHidden = false;
const hidden = new WeakMap<Storage, number>();

/** Notes a write that does not count in the memory's version: one through `.data`. */
export function hideWrite(storage: Storage): void {
  anyHidden = true;
  hidden.set(storage, (hidden.get(storage) ?? 0) + 1);
}

/** How many in-place writes the memory has seen, hidden ones too. */
export function writesTo(storage: Storage): number {
  return anyHidden ? storage.version + (hidden.get(storage) ?? 0) : storage.version;
}
