/**
 * Pointwise operations that can be differentiated: forward through {@linkcode computePointwise}, backward again through
 * pointwise operations.
 * @module
 */

import {
  bumpVersion,
  checkInPlace,
  checkVersion,
  type Edges,
  edgesOf,
  inferenceTensors,
  setHistory,
} from "../../autograd/graph.ts";
import { rebaseHistory } from "../../autograd/inplace.ts";
import { mode } from "../../autograd/modes.ts";
import { freedError, Node } from "../../autograd/node.ts";
import { claim } from "../../autograd/temporaries.ts";
import type { DType } from "../../tensor/dtype.ts";
import { type Recorder, recording } from "../../tensor/later.ts";
import { sameShape, type Shape } from "../../tensor/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { computeInto, computePointwise, type Operand } from "./compute.ts";
import { GRAD, type PointwiseOp, RESULT } from "./pointwise_op.ts";

/** Applies a pointwise operation, and records it if a gradient is wanted. The list of inputs becomes the operation's own. */
export function applyPointwise(op: PointwiseOp, inputs: Operand[]): Tensor {
  const out = computePointwise(op, inputs);
  if (mode.grad) {
    const edges = op.result === "bool" ? null : edgesOf(inputs);
    if (edges !== null) setHistory(out, new PointwiseNode(op, edges, inputs, out));
  } else if (mode.inference) inferenceTensors.add(out);
  return out;
}

/** Applies a pointwise operation whose first input is overwritten by the result; returns that input. */
export function applyInPlace(op: PointwiseOp, inputs: readonly Operand[]): Tensor {
  const self = inputs[0] as Tensor;
  checkInPlace(self);
  const edges = edgesOf(inputs); // to the history from before the write
  if (edges === null) {
    computeInto(op, self, inputs);
    bumpVersion(self);
    return self;
  }
  // What the gradients mention of the overwritten values is kept as a copy.
  const mask = op.savedFor(needsOf(edges.next));
  const kept = inputs.map((x, i) =>
    (mask & (1 << i)) !== 0 && typeof x === "object" && x.counter === self.counter ? x.clone() : x
  );
  if (recording.now !== null) recording.now.beforeWrite(self.storage); // the copies are made now
  computeInto(op, self, inputs);
  bumpVersion(self);
  rebaseHistory(self, new PointwiseNode(op, edges, kept, self));
  return self;
}

/** Bit i: input i requires a gradient. */
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

/** What an input was, where that differs from the result. */
interface Form {
  readonly shape: Shape;
  readonly dtype: DType;
}

/** The graph node of every pointwise operation. Saves what the wanted gradients mention, and no more. */
class PointwiseNode extends Node {
  declare private readonly op: PointwiseOp;
  /** Saved inputs, then the result; null when released. */
  declare private kept: Kept[] | null;
  /** The versions of what is saved; null if nothing of it was ever written. */
  declare private versions: number[] | null;
  /** Forms of the inputs that differ from the result; null if none does. */
  declare private readonly forms: (Form | null)[] | null;

  constructor(op: PointwiseOp, edges: Edges, inputs: Operand[], out: Tensor) {
    super(edges.next, edges.nextOutputs);
    this.op = op;
    this.forms = formsOf(inputs, edges.next, out);
    this.kept = NOTHING;
    this.versions = null;
    const mask = op.savedFor(needsOf(edges.next));
    if (mask !== 0) this.keep(mask, inputs, out);
  }

  private keep(mask: number, inputs: Operand[], out: Tensor): void {
    const n = inputs.length, keepsResult = (mask & (1 << n)) !== 0;
    const kept: Kept[] = keepsResult || recording.now !== null ? new Array(n + 1) : inputs;
    let written = false;
    for (let i = 0; i < kept.length; i++) {
      const x = (mask & (1 << i)) === 0 ? UNSAVED : i === n ? out : inputs[i];
      kept[i] = x;
      if (typeof x !== "object") continue;
      x.storage.save();
      if (x.counter.version !== 0) written = true;
    }
    if (written) {
      const versions: number[] = new Array(kept.length);
      for (let i = 0; i < kept.length; i++) {
        const x = kept[i];
        versions[i] = typeof x === "object" ? x.counter.version : 0;
      }
      this.versions = versions;
    }
    if (recording.now !== null) saveAll(recording.now, kept);
    this.kept = kept;
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
      const { shape, dtype } = form ?? grad;
      return grad.newZeros(shape, { dtype });
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
    if (typeof x === "object") {
      const version = this.versions === null ? 0 : this.versions[i];
      if (x.counter.version !== version) checkVersion(x, version, i === this.op.arity ? this : null);
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
      claim(x);
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
