/**
 * A compiled function at work: records its operations, and computes them when results are needed.
 *
 * The recording is made anew on every call, so that whatever the function does besides (what it closes over, its numbers,
 * its branches, its randomness) is what it is at that call; only what the operations become is remembered, by the operations
 * themselves with their shapes, types and layouts.
 * @module
 */

import { primitives } from "../expr/primitives.ts";
import { postorder } from "../expr/expr.ts";
import { kindOf } from "../expr/program.ts";
import type { Fold } from "../expr/fold.ts";
import type { PointwiseOp } from "../ops/core/pointwise_op.ts";
import type { DType, Scalar } from "../tensor/dtype.ts";
import { type Form, type Recorder, recording, type Region, writesTo } from "../tensor/later.ts";
import { broadcastStrides, contiguousStrides, numel, SCALAR_SHAPE, type Shape } from "../tensor/shape.ts";
import { Storage } from "../tensor/storage.ts";
import { Tensor } from "../tensor/tensor.ts";
import { costOf } from "./cost.ts";
import { coneOf, Deferred, makerOf, type Source } from "./deferred.ts";
import type { Diary } from "./diary.ts";
import { Plans } from "./plans.ts";

/** From so many recorded operations on those that nobody has read are computed, so that endless loops need no endless memory. */
const MOST_WAITING = 1024, LEAST_WAITING = 64;

/** Element types that operations are recorded on. */
const readable: ReadonlySet<DType> = new Set<DType>(["float32", "float64", "bool", "uint8"]);

/** A compiled function: what its operations have become. */
export class CompiledRegion implements Region {
  private readonly plans = new Plans();
  /** Where an explanation is written, if somebody wants one. */
  diary: Diary | null = null;
  /** Whether everything is stored, because results have been read that left the function by another way than as its result. */
  careful = false;

  /** Starts to record. */
  record(): Recording {
    return new Recording(this);
  }

  /** Computes results. `asked`: because somebody reads one of them. */
  settle(roots: readonly Deferred[], asked: boolean): void {
    const cone = coneOf(roots);
    if (cone.length === 0) return;
    const before = recording.now;
    recording.now = null;
    try {
      const plan = this.plans.planFor(cone);
      if (this.diary !== null) this.diary.write(plan, asked);
      plan.run();
    } finally {
      recording.now = before;
    }
  }
}

/** One call of a compiled function, or one backward pass through it. */
export class Recording implements Recorder {
  readonly recorder: Recorder = this;
  private readonly before: Recorder | null;
  /** Whether it is over. */
  ended = false;
  /** Operations that may not be computed yet. */
  private waiting: Deferred[] = [];
  /** How many there may be. */
  private limit = LEAST_WAITING;
  /** Operations whose results will be needed. */
  private readonly wanted: Deferred[] = [];
  /** Operations whose results a backward pass will need, and memory that is there and must not change before it. */
  private readonly saved: Deferred[] = [];
  private readonly stable: Storage[] = [];

  constructor(readonly region: CompiledRegion) {
    this.before = recording.now;
    recording.now = this;
  }

  /** Ends the recording. */
  end(completed: boolean): void {
    recording.now = this.before;
    this.ended = true;
    if (!completed) return;
    if (this.region.careful) this.keepEverything();
    const roots = this.wanted.filter((d) => d.storage.later === d);
    let stable: Set<Storage> | null = null;
    for (const d of this.saved) {
      if (d.storage.later !== d || d.wanted) continue;
      stable ??= new Set(this.stable);
      if (!isSoonComputed(d, stable)) roots.push(d);
    }
    if (roots.length > 0) this.region.settle(roots, false);
  }

  waits(inputs: readonly (Tensor | Scalar)[]): boolean {
    for (let i = 0; i < inputs.length; i++) {
      const x = inputs[i];
      if (typeof x === "object" && x.storage.later !== null) return true;
    }
    return false;
  }

  pointwise(
    op: PointwiseOp,
    inputs: readonly (Tensor | Scalar)[],
    compute: DType,
    form: Form,
  ): Tensor | null {
    // truth values are numbers like any others
    if (compute === "bool" && op.result === "bool") compute = "float32";
    if (compute !== "float32" && compute !== "float64") {
      return this.decline(op.name, `computes in ${compute}`);
    }
    if (form.device !== "cpu" && compute !== "float32") return null;
    const { shape } = form, length = numel(shape);
    if (length === 0 || !isFusible(op)) return null;
    const operands: (Source | number)[] = new Array(inputs.length);
    let waits = false;
    for (let i = 0; i < inputs.length; i++) {
      const x = inputs[i];
      if (typeof x === "object") {
        const source = operands[i] = sourceOf(x, shape);
        const { dtype } = source.storage;
        if (!readable.has(dtype)) return this.decline(op.name, `reads ${dtype}`);
        if (source.storage.later !== null) waits = true;
      } else if (typeof x === "bigint") return null;
      else operands[i] = Number(x);
    }
    // single numbers are computed faster than they are recorded
    if (shape === SCALAR_SHAPE && !waits) return null;
    return this.add(new Deferred(this, op, null, [], operands, compute, shape), form);
  }

  fold(x: Tensor, how: Fold, dims: readonly number[], shape: Shape, dtype: DType): Tensor | null {
    const compute = x.dtype;
    if ((compute !== "float32" && compute !== "float64") || dtype !== compute) return null;
    if (x.numel() === 0) return null;
    const d = new Deferred(this, null, how, dims, [sourceOf(x, x.shape)], compute, x.shape);
    return this.add(d, { shape, strides: contiguousStrides(shape), dtype, device: x.device });
  }

  private add(d: Deferred, { shape, strides, dtype, device }: Form): Tensor {
    for (const x of d.operands) {
      const maker = typeof x === "number" ? null : makerOf(x.storage);
      if (maker !== null) maker.readers++;
    }
    d.storage = Storage.promise(dtype, numel(shape), device, d);
    if (this.waiting.push(d) >= this.limit) this.catchUp();
    return new Tensor(d.storage, 0, shape, strides);
  }

  private decline(operation: string, why: string): null {
    this.region.diary?.decline(operation, why);
    return null;
  }

  /** Forgets what is computed; computes everything if a great deal is not. */
  private catchUp(): void {
    this.waiting = this.waiting.filter((d) => d.storage.later === d);
    if (this.waiting.length >= MOST_WAITING) {
      this.region.settle(this.waiting, false);
      this.waiting = [];
    }
    this.limit = Math.min(Math.max(2 * this.waiting.length, LEAST_WAITING), MOST_WAITING);
  }

  beforeWrite(storage: Storage): void {
    this.before?.beforeWrite(storage);
    // Whoever reads the old elements has to read them now, and so have the readers of these.
    const reading = new Set<Storage>([storage]), roots: Deferred[] = [];
    for (const d of this.waiting) {
      if (d.storage.later !== d) continue;
      if (!d.operands.some((x) => typeof x !== "number" && reading.has(x.storage))) continue;
      reading.add(d.storage);
      roots.push(d);
    }
    if (roots.length > 0) this.region.settle(roots, true);
  }

  keep(t: Tensor): void {
    const maker = makerOf(t.storage);
    if (maker !== null) this.want(maker);
  }

  /** Everything will be needed: nobody knows what is. */
  keepEverything(): void {
    for (const d of this.waiting) if (d.storage.later === d) this.want(d);
  }

  private want(d: Deferred): void {
    if (d.wanted) return;
    d.wanted = true;
    this.wanted.push(d);
  }

  save(t: Tensor): void {
    const maker = makerOf(t.storage);
    if (maker === null) this.stable.push(t.storage);
    else if (!maker.saved) {
      maker.saved = true;
      this.saved.push(maker);
    }
  }
}

/** More operations than this are not done twice. */
const SOON = 5;

/**
 * Whether a backward pass rather computes a result again than reads it from memory: cheap operations on what it reads anyhow, and
 * what must not be changed until then.
 */
function isSoonComputed(d: Deferred, stable: ReadonlySet<Storage>): boolean {
  const cone = coneOf([d]);
  return cone.length <= SOON && cone.every(({ op, operands }) =>
    op !== null && costOf(op).cheap &&
    operands.every((x) => typeof x === "number" || makerOf(x.storage) !== null || stable.has(x.storage))
  );
}

/** A tensor as an operation of this shape reads it. */
function sourceOf(x: Tensor, shape: Shape): Source {
  const { storage } = x;
  return {
    storage,
    offset: x.offset,
    strides: x.shape === shape ? x.strides : broadcastStrides(x.shape, x.strides, shape),
    single: x.shape === SCALAR_SHAPE && storage.device === "cpu",
    writes: writesTo(storage),
  };
}

const fusible = new WeakMap<PointwiseOp, boolean>();

/** Whether an operation has a meaning for floats, and a comparison is one. */
function isFusible(op: PointwiseOp): boolean {
  let known = fusible.get(op);
  if (known === undefined) {
    const [e] = op.program.outputs;
    known = op.program.outputs.length === 1 &&
      postorder([e]).every(({ op }) =>
        op === "input" || op === "const" || primitives[op].float !== undefined
      ) &&
      (op.result === "bool") === (kindOf(e) === "bool");
    fusible.set(op, known);
  }
  return known;
}
