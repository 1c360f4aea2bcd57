/**
 * What a compiled function did, for those who want to know.
 * @module
 */

import { apply, type Expr, format, postorder, replace } from "../expr/expr.ts";
import type { Program } from "../expr/program.ts";
import { shapeText } from "../tensor/shape.ts";
import { Tensor } from "../tensor/tensor.ts";
import type { Bound } from "./plans.ts";
import { FoldStep, KernelStep } from "./steps.ts";

/** Notes of one recording. */
export class Diary {
  /** What was computed, a line for each pass over memory. */
  readonly kernels: string[] = [];
  /** Why something was computed before the end. */
  readonly breaks: string[] = [];
  private readonly counts = new Map<string, number>();
  /** How many operations were recorded. */
  operations = 0;

  /** Notes a plan that is about to be carried out. */
  write({ plan, cone }: Bound, asked: boolean): void {
    if (asked) this.breaks.push(readerOf(new Error().stack ?? ""));
    for (const step of plan.steps) {
      if (step instanceof KernelStep) {
        const { shape, compute } = step.form;
        this.kernels.push(`kernel over ${shapeText(shape)} in ${compute}: ${textOf(step.program)}`);
      } else if (step instanceof FoldStep) {
        const what = step.program === null ? "memory" : textOf(step.program);
        this.kernels.push(
          `${step.how.name} of ${shapeText(step.shape)} over dims ${
            shapeText(step.dims)
          } in ${step.compute}: ${what}`,
        );
      }
    }
    this.operations += cone.order.length;
  }

  /** Notes an operation that was not recorded. */
  decline(operation: string, why: string): void {
    const key = `${operation}: ${why}`;
    this.counts.set(key, (this.counts.get(key) ?? 0) + 1);
  }

  /** What was carried out at once instead of recorded. */
  get declined(): string[] {
    return [...this.counts].map(([what, times]) => times === 1 ? what : `${what} (${times} times)`);
  }
}

/** A kernel's formulas. */
function textOf(program: Program): string {
  const plain = new Map<Expr, Expr>();
  for (const e of postorder(program.outputs)) {
    if (e.args.length === 0) continue;
    const args = e.args.map((a) => plain.get(a) ?? a);
    plain.set(e, e.op === "fround" ? args[0] : apply(e.op, ...args));
  }
  return replace(program.outputs, plain).map(format).join("; ");
}

const library = new URL("../", import.meta.url).href;

/** Names of functions that say nothing about what an operation is. */
const nameless = new Set(["backward", "backwardAll", "forward", "call", "self", "run", "<anonymous>"]);

/** The operation that read a result, and the line of the user's that called it, from a stack trace. */
function readerOf(stack: string): string {
  let reader = "", inside = true;
  for (const line of stack.split("\n").slice(1)) {
    const found = /^\s*at (?:(.*?) \()?(.*?):(\d+):\d+\)?$/.exec(line);
    if (found === null) continue;
    const [, path, file, row] = found;
    if (!file.startsWith(library)) return `${reader} reads a result, at ${file}:${row}`;
    const room = file.slice(library.length).split("/")[0];
    if (room === "autograd") inside = false; // beyond it is the backward pass, not the operation
    const name = path?.replace(/ \[as .*$/, "").replace(/\[Symbol\.(\w+)\]$/, "$1").replace(/^.*[. ]/, "");
    if (!inside || room === "compile" || name === undefined || nameless.has(name)) continue;
    if (name in Tensor.prototype || !(reader in Tensor.prototype)) reader = name;
  }
  return `${reader} reads a result`;
}
