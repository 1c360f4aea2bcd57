/**
 * A pointwise operation: a scalar program, and the gradients that follow from it.
 * @module
 */

import { scalarFunction } from "../../expr/lower_js.ts";
import type { ResultKind } from "../../expr/primitives.ts";
import { gradientProgram, isZero, type Program } from "../../expr/program.ts";
import type { DType } from "../../tensor/dtype.ts";
import type { Operand } from "./compute.ts";

export type { ResultKind };

/** Choices of one row of the table. All have sound defaults. */
export interface PointwiseOptions {
  /**
   * The gradients, where PyTorch's choice differs from the derivative (kinks, stability): one text for each input, in terms
   * of the inputs, the result `y` and the incoming gradient `g`. Undefined means: derive it. Null for the whole means that
   * there is none, as PyTorch says of a few functions with jumps: a backward pass that comes here throws.
   */
  readonly grad?: string | readonly (string | undefined)[] | null;
  /**
   * Whether the derivative stays a function of the input even where it is constant, so that it can be differentiated once
   * more (to 0). PyTorch does so for powers: five derivatives of x ** 4 are four functions and a 0, not an error.
   */
  readonly polynomial?: boolean;
  /** Result dtype; follows from the program by default. */
  readonly result?: ResultKind;
  /** Name of the graph node; from the operation's name by default. */
  readonly gradFn?: string;
  /** Names under which the graph shows saved inputs; `self`, `other` by default. */
  readonly names?: readonly string[];
  /** Attributes that the graph shows beside saved tensors, such as `alpha`. */
  readonly attributes?: Readonly<Record<string, unknown>>;
  /** How many of the last inputs are always plain values, such as `alpha`: the graph shows them, and they have no gradient. */
  readonly parameters?: number;
  /**
   * Throws for a compute dtype that the operation does not support; may look at the operands that led to it, of which there
   * are none where floats alone are asked about.
   */
  readonly dtypes?: (compute: DType, inputs: readonly Operand[]) => void;
  /** Which inputs decide the dtype: all, the first alone, or those with these indices. */
  readonly follows?: "all" | "first" | readonly number[];
}

/** Where an input of a gradient program comes from: the incoming gradient, the result, or an input by its index. */
export const GRAD = -1, RESULT = -2;

/** The gradient of an operation with respect to one input. */
export interface Gradient {
  /** The program that computes it, itself a pointwise operation; null where the incoming gradient passes unchanged. */
  readonly op: PointwiseOp | null;
  /** The operation's arguments: {@linkcode GRAD}, {@linkcode RESULT} or the index of an input. */
  readonly sources: readonly number[];
}

/** Sets of inputs are kept as the bits of an integer, with one more bit for the result. */
const MAX_INPUTS = 30;

/** PyTorch's name of the graph node: "log1p" gives "Log1PBackward0", "special.entr" "SpecialEntrBackward0". */
function nodeName(operation: string): string {
  return `${operation.replace(/(?:^|\.|(?<=\d))[a-z]/g, (c) => c.slice(-1).toUpperCase())}Backward0`;
}

/** A scalar program as an operation on tensors. */
export class PointwiseOp {
  /** Name in camelCase. */
  readonly name: string;
  /** The mathematics. */
  readonly program: Program;
  /** Result dtype. */
  readonly result: ResultKind;
  /** See {@linkcode PointwiseOptions.follows}. */
  readonly follows: "all" | "first" | readonly number[];
  /** See {@linkcode PointwiseOptions.dtypes}. */
  readonly dtypes: ((compute: DType, inputs: readonly Operand[]) => void) | null;
  /** Name of the graph node. */
  readonly gradFn: string;
  /** Names of the inputs in graphs. */
  readonly names: readonly string[];
  /** See {@linkcode PointwiseOptions.parameters}. */
  readonly parameters: number;
  /** Further attributes in graphs. */
  readonly attributes: Readonly<Record<string, unknown>>;
  private readonly gradSources: readonly (string | undefined)[] | null;
  private readonly polynomial: boolean;
  private readonly gradients: (Gradient | null | undefined)[] = [];
  private readonly masks: (number | undefined)[] = [];
  private double: ((...args: number[]) => number) | null = null;
  private single: ((...args: number[]) => number) | null = null;

  /** An operation from a program with one output. */
  constructor(program: Program, options: PointwiseOptions = {}) {
    if (program.inputs.length > MAX_INPUTS) {
      throw new RangeError(
        `${program.name} has ${program.inputs.length} inputs, but a pointwise operation has at most ${MAX_INPUTS}`,
      );
    }
    this.name = program.name;
    this.program = program;
    this.result = options.result ?? program.kind;
    this.follows = options.follows ?? "all";
    this.dtypes = options.dtypes ?? null;
    this.gradFn = options.gradFn ?? (options.grad === null ? "NotImplemented" : nodeName(this.name));
    this.names = options.names ?? ["self", "other", "third"];
    this.parameters = options.parameters ?? 0;
    this.attributes = options.attributes ?? {};
    this.polynomial = options.polynomial ?? false;
    this.gradSources = typeof options.grad === "string"
      ? [options.grad]
      : options.grad === undefined
      ? []
      : options.grad;
  }

  /** Number of inputs. */
  get arity(): number {
    return this.program.inputs.length;
  }

  /** The program as a plain function of numbers. */
  get doubleKernel(): (...args: number[]) => number {
    return this.double ??= this.kernel("float64", "float");
  }

  /** {@linkcode PointwiseOp.doubleKernel} with the result rounded to float32. */
  get singleKernel(): (...args: number[]) => number {
    return this.single ??= this.kernel("float32", "single");
  }

  /** Makes what the two getters remember. */
  private kernel(dtype: DType, flavor: "float" | "single"): (...args: number[]) => number {
    if (this.dtypes !== null) this.dtypes(dtype, []); // the short way for single numbers asks nobody else
    return scalarFunction(this.program, flavor) as (...args: number[]) => number;
  }

  /** The gradient with respect to input `i`, or null where it is zero everywhere. */
  gradient(i: number): Gradient | null {
    const known = this.gradients[i];
    if (known !== undefined) return known;
    return this.gradients[i] = this.derive(i);
  }

  /** Whether there are gradients at all; see {@linkcode PointwiseOptions.grad}. */
  get differentiable(): boolean {
    return this.gradSources !== null;
  }

  /** Makes what {@linkcode gradient} remembers. */
  private derive(i: number): Gradient | null {
    if (this.gradSources === null) {
      throw new TypeError(`derivative for aten::${this.name} is not implemented`);
    }
    const p = gradientProgram(this.program, i, {
      grad: this.gradSources[i],
      keepInput: this.polynomial,
    });
    if (isZero(p)) return null;
    const out = p.outputs[0];
    if (out.op === "input" && p.uses.length === 1 && p.uses[0].from === "grad") {
      return { op: null, sources: [GRAD] };
    }
    const sources = p.uses.map(({ from, index }) =>
      from === "grad" ? GRAD : from === "result" ? RESULT : index
    );
    return {
      op: new PointwiseOp(p, {
        result: "same",
        follows: "first",
        gradFn: `${out.op[0].toUpperCase()}${out.op.slice(1)}Backward0`, // after its last step, as in PyTorch
        names: p.inputs,
        polynomial: this.polynomial,
      }),
      sources,
    };
  }

  /** Bit i: input i has to be saved; bit `arity`: the result has to be. `needs` has a bit for each wanted gradient. */
  savedFor(needs: number): number {
    let mask = this.masks[needs];
    if (mask !== undefined) return mask;
    mask = 0;
    for (let i = this.arity - this.parameters; i < this.arity; i++) mask |= 1 << i;
    for (let i = 0; i < this.arity; i++) {
      if ((needs & (1 << i)) === 0 || this.gradSources === null) continue;
      for (const source of this.gradient(i)?.sources ?? []) {
        if (source >= 0) mask |= 1 << source;
        else if (source === RESULT) mask |= 1 << this.arity;
      }
    }
    return this.masks[needs] = mask;
  }
}
