/**
 * Writes one kernel: the expressions of operations, those that melt into them in their place.
 * @module
 */

import { apply, type Expr, input, replace } from "../expr/expr.ts";
import { Program } from "../expr/program.ts";
import { contiguousStrides, type Shape } from "../tensor/shape.ts";
import type { Arithmetic, Deferred } from "./deferred.ts";
import type { Window } from "./layout.ts";

/** Where an input of a kernel comes from when it runs. */
export type Binding =
  /** A window on memory that was there: `offset` is added to the window's own. */
  | { readonly kind: "source"; readonly slot: number; readonly offset: number; readonly strides: Shape }
  /** One number in memory that was there. */
  | { readonly kind: "single"; readonly slot: number }
  /** A plain number. */
  | { readonly kind: "number"; readonly slot: number }
  /** A window on the result of an earlier step. */
  | { readonly kind: "result"; readonly index: number; readonly offset: number; readonly strides: Shape }
  /** The one number that an earlier step made. */
  | { readonly kind: "one"; readonly index: number };

/** How an operation reads an operand: from somewhere, or computing it in the same kernel. */
export type Read = Binding | { readonly kind: "melted"; readonly maker: Deferred; readonly window: Window };

/** What a kernel goes over, and the window through which it sees an operation's result. */
export interface View {
  /** What the kernel goes over. */
  readonly shape: Shape;
  /** The window on the result. */
  readonly window: Window;
}

/** Expressions over inputs that are found on the way. */
export class Builder {
  /** The inputs, in order. */
  readonly bindings: Binding[] = [];
  private readonly inputs = new Map<string, Expr>();
  private readonly done = new Map<string, Expr>();

  constructor(
    private readonly compute: Arithmetic,
    private readonly read: (d: Deferred, k: number, view: View) => Read,
  ) {}

  /** The value of an operation, seen through a window; as it is by default. */
  expressionOf(d: Deferred, view: View = plainView(d)): Expr {
    const key = `${d.index}|${view.window.offset}|${view.window.strides}`;
    const known = this.done.get(key);
    if (known !== undefined) return known;
    const { program } = d.op!, args = new Map<Expr, Expr>();
    d.operands.forEach((_, k) => {
      const read = this.read(d, k, view);
      args.set(
        input(program.inputs[k]),
        read.kind === "melted"
          ? this.rounded(
            read.maker,
            this.expressionOf(read.maker, { shape: view.shape, window: read.window }),
          )
          : this.inputFor(read),
      );
    });
    const e = replace(program.outputs, args)[0];
    this.done.set(key, e);
    return e;
  }

  /** What an operation's result is once it has been in memory. */
  private rounded(d: Deferred, e: Expr): Expr {
    return this.compute === "float64" || d.dtype === "bool" || e.op === "input" ? e : apply("fround", e);
  }

  private inputFor(binding: Binding): Expr {
    const key = JSON.stringify(binding);
    let e = this.inputs.get(key);
    if (e === undefined) {
      e = input(`x${this.bindings.push(binding) - 1}`);
      this.inputs.set(key, e);
    }
    return e;
  }

  /** The kernel of these results. */
  program(outputs: readonly Expr[]): Program {
    return new Program("fused", this.bindings.map((_, i) => `x${i}`), outputs);
  }
}

function plainView(d: Deferred): View {
  return { shape: d.shape, window: { offset: 0, strides: contiguousStrides(d.shape) } };
}
