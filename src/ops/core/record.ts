/**
 * Recording of operations that are not pointwise: each has a rule, the gradient written in our own differentiable
 * operations, so that second derivatives come for free.
 * @module
 */

import {
  bumpVersion,
  checkInPlace,
  type Edges,
  edgesOf,
  inferenceTensors,
  SavedTensor,
  setHistory,
} from "../../autograd/graph.ts";
import { rebaseHistory } from "../../autograd/inplace.ts";
import { mode } from "../../autograd/modes.ts";
import { freedError, Node } from "../../autograd/node.ts";
import { claim } from "../../autograd/temporaries.ts";
import { recording } from "../../tensor/later.ts";
import type { Tensor } from "../../tensor/tensor.ts";

/** How gradients go back through one kind of operation. `A` is what it remembers beside tensors. */
export interface Rule<A extends object> {
  /** PyTorch's name of the node, such as "SumBackward0". */
  readonly name: string;
  /** Gradients of the inputs from that of the one result. */
  readonly backward?: (grad: Tensor, node: RuleNode<A>) => readonly (Tensor | null)[];
  /** The same for an operation with several results, of which some may have no gradient. */
  readonly backwardAll?: (grads: readonly (Tensor | null)[], node: RuleNode<A>) => readonly (Tensor | null)[];
}

/** Tensors to save, by PyTorch's names without `_saved_`; null for one that no wanted gradient needs. */
export type Save = Readonly<Record<string, Tensor | null>>;

const NOTHING: Readonly<Record<string, SavedTensor | null>> = Object.freeze({});

/** A node that follows a {@linkcode Rule}. */
export class RuleNode<A extends object = object> extends Node {
  declare private readonly rule: Rule<A>;
  declare private kept: Readonly<Record<string, SavedTensor | null>> | null;
  declare private readonly count: number;
  /** What the operation was called with, and other plain values. */
  declare readonly args: A;

  /** See {@linkcode record}. */
  constructor(rule: Rule<A>, edges: Edges, args: A, save: Save | undefined, outputs: number) {
    super(edges.next, edges.nextOutputs);
    this.rule = rule;
    this.args = args;
    this.count = outputs;
    this.kept = NOTHING;
    if (save !== undefined) this.save(save);
  }

  /** Saves tensors; an operation that writes in place calls this after the write. */
  private save(save: Save): void {
    const kept: Record<string, SavedTensor | null> = {};
    for (const key in save) {
      const t = save[key];
      kept[key] = t === null ? null : new SavedTensor(t);
    }
    this.kept = kept;
  }

  override name(): string {
    return this.rule.name;
  }

  override get outputs(): number {
    return this.count;
  }

  /** Whether the gradient of input `i` is wanted. */
  needs(i: number): boolean {
    return this.next[i] !== null;
  }

  /** A saved tensor; throws if it was freed or written since. */
  tensor(key: string): Tensor {
    if (this.kept === null) throw freedError();
    return this.kept[key]!.unpack();
  }

  override backward(grad: Tensor | null, rest: (Tensor | null)[] | null): readonly (Tensor | null)[] {
    const { backward, backwardAll } = this.rule;
    if (backwardAll !== undefined) {
      return backwardAll([grad, ...rest ?? new Array(this.count - 1).fill(null)], this);
    }
    return grad === null ? this.next.map(() => null) : backward!(grad, this);
  }

  override release(): void {
    if (this.kept !== NOTHING) this.kept = null;
  }

  override saved(): Record<string, unknown> {
    if (this.kept === null) throw freedError();
    const entries = { ...this.args } as Record<string, unknown>;
    for (const [key, value] of Object.entries(this.kept)) {
      claim(entries[key] = value === null ? null : value.unpack());
    }
    return entries;
  }
}

/**
 * Hangs the result of an operation on the graph, if one of the inputs requires a gradient. `inputs` are in the order of the
 * gradients that the rule returns; what is no tensor has none.
 */
export function record<A extends object>(
  rule: Rule<A>,
  out: Tensor,
  inputs: readonly unknown[],
  args: A,
  save?: Save,
): Tensor {
  const edges = edgesOf(inputs);
  if (edges !== null) setHistory(out, new RuleNode(rule, edges, args, save, 1));
  else if (mode.inference) inferenceTensors.add(out);
  return out;
}

/** As {@linkcode record}, for an operation with several results; a result that cannot carry a gradient gets none. */
export function recordAll<A extends object>(
  rule: Rule<A>,
  outs: readonly Tensor[],
  inputs: readonly unknown[],
  args: A,
  save?: Save,
): void {
  const edges = edgesOf(inputs);
  if (edges === null) return;
  const node = new RuleNode(rule, edges, args, save, outs.length);
  outs.forEach((out, i) => setHistory(out, node, i));
}

/**
 * Runs `write`, which overwrites `self`, with PyTorch's checks before and its bookkeeping after. `inputs[0]` must be `self`.
 * Tensors in `save` must not share memory with `self`.
 */
export function recordInPlace<A extends object>(
  rule: Rule<A>,
  self: Tensor,
  inputs: readonly unknown[],
  args: A,
  write: () => void,
  save?: Save,
): Tensor {
  checkInPlace(self);
  // The edges lead to the history from before the write.
  const edges = edgesOf(inputs), node = edges === null ? null : new RuleNode(rule, edges, args, save, 1);
  if (recording.now !== null) recording.now.beforeWrite(self.storage);
  write();
  bumpVersion(self);
  if (node !== null) rebaseHistory(self, node);
  return self;
}
