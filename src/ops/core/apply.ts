/**
 * Pointwise operations that can be differentiated: forward through {@linkcode computePointwise}, backward again through
 * pointwise operations.
 * @module
 */

import {
  bumpVersion,
  checkInPlace,
  checkVersion,
  edgesOf,
  inferenceTensors,
  setHistory,
} from "../../autograd/graph.ts";
import { rebaseHistory } from "../../autograd/inplace.ts";
import { mode } from "../../autograd/modes.ts";
import { freedError, Node } from "../../autograd/node.ts";
import type { DType } from "../../tensor/dtype.ts";
import { type Recorder, recording } from "../../tensor/later.ts";
import { sameShape, type Shape } from "../../tensor/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { computeInto, computePointwise, type Operand } from "./compute.ts";
import { GRAD, type PointwiseOp, RESULT } from "./pointwise_op.ts";

/** Applies a pointwise operation, and records it if a gradient is wanted. */
export function applyPointwise(op: PointwiseOp, inputs: readonly Operand[]): Tensor {
  const out = computePointwise(op, inputs);
  if (mode.grad) {
    if (op.result !== "bool" && anyNeedsGradient(inputs)) {
      const { next, nextOutputs } = edgesOf(inputs);
      setHistory(out, new PointwiseNode(op, next, nextOutputs, inputs, out));
    }
  } else if (mode.inference) inferenceTensors.add(out);
  return out;
}

/** Applies a pointwise operation whose first input is overwritten by the result; returns that input. */
export function applyInPlace(op: PointwiseOp, inputs: readonly Operand[]): Tensor {
  const self = inputs[0] as Tensor;
  checkInPlace(self);
  if (!mode.grad || !anyNeedsGradient(inputs)) {
    computeInto(op, self, inputs);
    bumpVersion(self);
    return self;
  }
  const { next, nextOutputs } = edgesOf(inputs);
  // What the gradients mention of the overwritten values is kept as a copy.
  const mask = op.savedFor(needsOf(next));
  const kept = inputs.map((x, i) =>
    (mask & (1 << i)) !== 0 && typeof x === "object" && x.counter === self.counter ? x.clone() : x
  );
  if (recording.now !== null) recording.now.beforeWrite(self.storage); // the copies are made now
  computeInto(op, self, inputs);
  bumpVersion(self);
  rebaseHistory(self, new PointwiseNode(op, next, nextOutputs, kept, self));
  return self;
}

function anyNeedsGradient(inputs: readonly Operand[]): boolean {
  for (let i = 0; i < inputs.length; i++) {
    const x = inputs[i];
    if (typeof x === "object" && (x.meta !== null || x.view_ !== null) && x.requiresGrad) return true;
  }
  return false;
}

function needsOf(next: readonly (Node | null)[]): number {
  let needs = 0;
  for (let i = 0; i < next.length; i++) if (next[i] !== null) needs |= 1 << i;
  return needs;
}

/** An input that was not saved. */
const UNSAVED = Symbol("unsaved");

type Kept = Operand | typeof UNSAVED;

/** Stands for "saved nothing", which can never be freed. */
const NOTHING: Kept[] = [];

const NO_VERSIONS: number[] = [];

/** What an input was, where that differs from the result. */
interface Form {
  readonly shape: Shape;
  readonly dtype: DType;
}

/** The graph node of every pointwise operation. Saves what the wanted gradients mention, and no more. */
class PointwiseNode extends Node {
  private readonly op: PointwiseOp;
  /** Saved inputs, then the result; null when released. */
  private kept: Kept[] | null;
  private readonly versions: number[];
  /** Forms of the inputs that differ from the result; null if none does. */
  private readonly forms: (Form | null)[] | null;
  private readonly shape: Shape;
  private readonly dtype: DType;

  constructor(
    op: PointwiseOp,
    next: (Node | null)[],
    nextOutputs: number[] | null,
    inputs: readonly Operand[],
    out: Tensor,
  ) {
    super(next, nextOutputs);
    this.op = op;
    this.shape = out.shape;
    this.dtype = out.storage.dtype;
    this.forms = formsOf(inputs, next, out);
    const n = inputs.length;
    const mask = op.savedFor(needsOf(next));
    if (mask === 0) {
      this.kept = NOTHING;
      this.versions = NO_VERSIONS;
      return;
    }
    const kept: Kept[] = new Array(n + 1), versions: number[] = new Array(n + 1);
    for (let i = 0; i <= n; i++) {
      const x = (mask & (1 << i)) === 0 ? UNSAVED : i === n ? out : inputs[i];
      kept[i] = x;
      versions[i] = typeof x === "object" ? x.counter.version : 0;
    }
    if (recording.now !== null) saveAll(recording.now, kept);
    this.kept = kept;
    this.versions = versions;
  }

  override name(): string {
    return this.op.gradFn;
  }

  override backward(grad: Tensor | null): readonly (Tensor | null)[] {
    const { op, next } = this;
    const results: (Tensor | null)[] = new Array(next.length);
    for (let i = 0; i < next.length; i++) {
      results[i] = next[i] === null || grad === null ? null : this.gradientOf(i, op, grad);
    }
    return results;
  }

  private gradientOf(i: number, op: PointwiseOp, grad: Tensor): Tensor {
    const gradient = op.gradient(i);
    const form = this.forms === null ? null : this.forms[i];
    if (gradient === null) {
      return grad.newZeros(form === null ? this.shape : form.shape, {
        dtype: form === null ? this.dtype : form.dtype,
      });
    }
    let result = grad;
    if (gradient.op !== null) {
      const sources = gradient.sources, args: Operand[] = new Array(sources.length);
      for (let k = 0; k < sources.length; k++) {
        const source = sources[k];
        args[k] = source === GRAD ? grad : this.unpack(source === RESULT ? op.arity : source);
      }
      result = applyPointwise(gradient.op, args);
    }
    if (form === null) return result;
    result = result.sumToSize(form.shape);
    return result.dtype === form.dtype ? result : result.to(form.dtype);
  }

  private unpack(i: number): Operand {
    if (this.kept === null) throw freedError();
    const x = this.kept[i];
    if (typeof x === "object" && x.counter.version !== this.versions[i]) {
      checkVersion(x, this.versions[i], i === this.op.arity ? this : null);
    }
    return x as Operand;
  }

  override release(): void {
    if (this.kept !== NOTHING) this.kept = null;
  }

  override saved(): Record<string, unknown> {
    if (this.kept === null) throw freedError();
    const { op } = this, n = op.arity;
    const mentioned = op.savedFor((1 << n - op.parameters) - 1);
    const entries: Record<string, unknown> = { ...op.attributes };
    for (let i = 0; i <= n; i++) {
      if ((mentioned & (1 << i)) === 0) continue;
      const x = this.kept[i] ?? UNSAVED;
      entries[i === n ? "result" : op.names[i] ?? `input${i}`] = x === UNSAVED ? null : x;
    }
    return entries;
  }
}

function saveAll(recorder: Recorder, kept: readonly Kept[]): void {
  for (const x of kept) if (typeof x === "object") recorder.save(x);
}

function formsOf(
  inputs: readonly Operand[],
  next: readonly (Node | null)[],
  out: Tensor,
): (Form | null)[] | null {
  let forms: (Form | null)[] | null = null;
  for (let i = 0; i < inputs.length; i++) {
    if (next[i] === null) continue;
    const x = inputs[i] as Tensor;
    if (x.storage.dtype === out.storage.dtype && (x.shape === out.shape || sameShape(x.shape, out.shape))) {
      continue;
    }
    (forms ??= new Array(inputs.length).fill(null))[i] = { shape: x.shape, dtype: x.storage.dtype };
  }
  return forms;
}
