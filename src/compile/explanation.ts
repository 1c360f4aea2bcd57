/**
 * What `compile.explain` answers.
 * @module
 */

import { runBackward } from "../autograd/engine.ts";
import { gradientEdge } from "../autograd/graph.ts";
import { AccumulateGrad } from "../autograd/accumulate.ts";
import type { Node } from "../autograd/node.ts";
import { onesLike } from "../tensor/create.ts";
import { Tensor } from "../tensor/tensor.ts";

/** Options of `compile.explain`. */
export interface ExplainOptions {
  /** Explain the backward pass, too: runs it, without adding to any `.grad`. */
  readonly backward?: boolean;
}

/** What was noted while a function ran. */
export interface Notes {
  /** The passes over memory, in order. */
  readonly kernels: readonly string[];
  /** How many operations they carry out. */
  readonly operations: number;
  /** Where results were needed before the end, and by what. */
  readonly breaks: readonly string[];
  /** Operations that were carried out at once, and why. */
  readonly declined: readonly string[];
}

/** What a function became: one call of it, and of its backward pass if that was asked for. Its text is for reading. */
export class Explanation implements Notes {
  /** The passes over memory, in order. */
  readonly kernels: readonly string[];
  /** How many operations they carry out. */
  readonly operations: number;
  /** Where results were needed before the end, and by what. */
  readonly breaks: readonly string[];
  /** Operations that were carried out at once, and why. */
  readonly declined: readonly string[];
  /** The same of the backward pass, or null. */
  readonly backward: Explanation | null;

  /** Made by `compile.explain`. */
  constructor(notes: Notes, backward: Notes | null) {
    this.kernels = notes.kernels;
    this.operations = notes.operations;
    this.breaks = notes.breaks;
    this.declined = notes.declined;
    this.backward = backward === null ? null : new Explanation(backward, null);
  }

  /** The whole as text. */
  toString(): string {
    const count = (n: number, one: string, many: string) => `${n} ${n === 1 ? one : many}`;
    const passes = this.kernels.length;
    const lines = [
      `${count(this.operations, "operation", "operations")} became ${
        count(passes, "pass", "passes")
      } over memory${passes === 0 ? "" : ":"}`,
      ...this.kernels.map((kernel) => `  ${kernel}`),
    ];
    if (this.breaks.length > 0) {
      lines.push(
        "computed before the end:",
        ...this.breaks.map((text) => `  ${text}`),
      );
    }
    if (this.declined.length > 0) lines.push("not recorded:", ...this.declined.map((text) => `  ${text}`));
    if (this.backward !== null) {
      lines.push(
        "backward:",
        ...`${this.backward}`.split("\n").map((line) => `  ${line}`),
      );
    }
    return lines.join("\n");
  }

  /** What `console.log` shows. */
  [Symbol.for("Deno.customInspect")](): string {
    return this.toString();
  }
}

/** Runs the backward pass of results with ones for gradients; the leaves' gradients are taken and dropped. */
export function backwardOf(result: unknown): void {
  const parts = Array.isArray(result) ? result : result instanceof Tensor ? [result] : [];
  const roots = parts.filter((t): t is Tensor => t instanceof Tensor && t.requiresGrad);
  const leaves = leavesOf(roots);
  if (leaves.length === 0) return;
  runBackward(roots, roots.map((t) => onesLike(t.detach())), {
    retainGraph: true,
    createGraph: false,
    inputs: leaves,
    capture: true,
  });
}

function leavesOf(roots: readonly Tensor[]): Tensor[] {
  const seen = new Set<Node>(), stack = roots.map((t) => gradientEdge(t)!), leaves: Tensor[] = [];
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    if (node instanceof AccumulateGrad) leaves.push(node.variable);
    for (const next of node.next) if (next !== null) stack.push(next);
  }
  return leaves;
}
