/**
 * Pointwise operations that users write: formulas with real operators, and operations from one line of mathematics.
 * @module
 */

import { Formula } from "../expr/formula.ts";
import { freeNames, parse } from "../expr/parse.ts";
import { program } from "../expr/program.ts";
import { describe } from "../tensor/describe.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { applyPointwise } from "./core/apply.ts";
import type { Operand } from "./core/compute.ts";
import { PointwiseOp } from "./core/pointwise_op.ts";
import { type PointwiseFunction, pointwiseFunction } from "./core/pointwise_function.ts";
import { checkOperand } from "./core/table.ts";

export type { PointwiseFunction };

// ---- formulas -----------------------------------------------------------------------------------------------------

/** What is known of one place in the source text: names for its values, and a program for each way in which they coincide. */
interface Site {
  readonly names: readonly string[];
  readonly programs: Map<string, PointwiseOp>;
}

const sites = new WeakMap<TemplateStringsArray, Site>();

/**
 * A formula of tensors and numbers, computed in one pass over the elements: `` expr`3*${x}**2 + ${x}` ``.
 *
 * The values in braces are tensors, which are broadcast against each other, or JavaScript values. The language is that of
 * {@linkcode definePointwise}. The formula is parsed once for each place in the program, runs as one kernel without tensors
 * in between, is recorded as one node (`ExprBackward0`) and can be differentiated to any order. Integers stay integers as
 * long as the formula has only whole numbers and operations on integers; with a division, a function such as `exp` or a
 * constant such as 0.5 it computes in floats throughout. A comparison gives a bool tensor.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * const x = dg.tensor([1, 2], { requiresGrad: true });
 * const y = dg.expr`3 * ${x} ** 2 + ${x}`;
 * y.sum().backward();
 * console.log(y, x.grad); // tensor([ 4., 14.], grad_fn=<ExprBackward0>) tensor([ 7., 13.])
 * dg.expr`where(${x} > 1.5, exp(${x}), 0)`;
 * ```
 *
 * @returns A new tensor.
 * @throws {TypeError} If the text is no formula (the message points at the place), or a value is neither a tensor nor a
 * number, bigint or boolean, or the shapes cannot be broadcast.
 */
export const expr: ExpressionTag = Object.assign(evaluate, { tex: formulaOf });

/** What {@linkcode expr} is: a template tag that computes, with a function that shows formulas. */
export interface ExpressionTag {
  /** Computes a formula. */
  (strings: TemplateStringsArray, ...values: Operand[]): Tensor;
  /**
   * A formula set as mathematics, without values: `expr.tex("x * tanh(log1p(exp(x)))")`.
   *
   * @param source The formula.
   * @returns An object that shows itself in a notebook; its text is LaTeX.
   * @throws {TypeError} If the text is no formula.
   */
  tex(source: string): Formula;
}

function formulaOf(source: string): Formula {
  if (typeof source !== "string") {
    throw new TypeError(`expr.tex(): the formula must be a string, but got ${typeof source}`);
  }
  return new Formula(parse(source, freeNames(source)));
}

function evaluate(strings: TemplateStringsArray, ...values: Operand[]): Tensor {
  if (!Array.isArray(strings) || !Array.isArray(strings.raw)) {
    throw new TypeError("expr is a tag of templates, not a function: write expr`2*${x} + 1`");
  }
  // The same tensor twice is one input: its elements are read once, and its gradient needs no addition.
  const inputs: Operand[] = [];
  let pattern = "";
  for (let i = 0; i < values.length; i++) {
    const value = checkOperand(values[i], "expr");
    let at = typeof value === "object" ? inputs.indexOf(value) : -1;
    if (at < 0) at = inputs.push(value) - 1;
    pattern += String.fromCharCode(at);
  }
  let site = sites.get(strings);
  if (site === undefined) sites.set(strings, site = siteOf(strings));
  let op = site.programs.get(pattern);
  if (op === undefined) site.programs.set(pattern, op = operationOf(strings, site.names, pattern));
  return applyPointwise(op, inputs);
}

/** Names for the values that do not appear in the text itself. */
function siteOf(strings: TemplateStringsArray): Site {
  const text = strings.join(" ");
  let prefix = "x";
  while (text.includes(prefix) && new RegExp(`\\b${prefix}\\d`).test(text)) prefix += "_";
  return { names: strings.slice(1).map((_, i) => `${prefix}${i}`), programs: new Map() };
}

function operationOf(strings: TemplateStringsArray, names: readonly string[], pattern: string): PointwiseOp {
  if (names.length === 0) {
    throw new TypeError("expr`...` needs at least one value in the formula, as in expr`2*${x} + 1`");
  }
  const used = [...pattern].map((c) => names[c.charCodeAt(0)]);
  const source = strings.map((s, i) => i === 0 ? s : `${used[i - 1]}${s}`).reduce(spaced).trim();
  const inputs = [...new Set(used)];
  return new PointwiseOp(program(inputs, source, { name: "expr" }), { names: inputs });
}

/** Joins pieces of text so that a name does not grow together with what stands before it. */
function spaced(before: string, after: string): string {
  return /\w$/.test(before) ? `${before} ${after}` : before + after;
}

// ---- operations ---------------------------------------------------------------------------------------------------

/** Options of {@linkcode definePointwise}. */
export interface DefinePointwiseOptions {
  /** Names of the inputs in order; by default the names in the text in order of appearance. */
  readonly inputs?: readonly string[];
  /**
   * Gradients to use in place of the derivatives, one for each input (a single text for the first): formulas of the inputs,
   * the result `y` and the incoming gradient `g`. Undefined means the derivative.
   */
  readonly grad?: string | readonly (string | undefined)[];
}

/**
 * Makes a differentiable operation from one line of mathematics. Its kernels and its gradient, to any order, follow.
 *
 * The language has numbers, names of inputs, the constants `pi`, `e`, `inf` and `nan`, brackets, the operators
 * `+ - * / % **`, comparisons, `&& || !`, `c ? a : b`, and functions: `exp log log1p expm1 sqrt rsqrt abs sign sin cos tan
 * asin acos atan atan2 sinh cosh tanh sigmoid softplus erf erfc lgamma digamma floor ceil round trunc min max clamp where
 * hypot square` and more. `**` is a power and binds more tightly than a minus before it; `%` has the sign of its right side.
 *
 * The inputs are the names in the text, in order of appearance, unless `inputs` says otherwise. The result's dtype follows as
 * for the library's own operations: see {@linkcode expr}.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * const mish = dg.definePointwise("mish", "x * tanh(log1p(exp(x)))");
 * const x = dg.tensor([-1, 0, 1], { requiresGrad: true });
 * const y = mish(x); // tensor([-0.3034,  0.0000,  0.8651], grad_fn=<MishBackward0>)
 * y.sum().backward();
 *
 * const huber = dg.definePointwise("huber", "abs(a - b) < 1 ? (a - b) ** 2 / 2 : abs(a - b) - 0.5");
 * huber(x.detach(), 0.5);
 *
 * const slope = mish.derivative(); // a function like mish: mish'(x)
 * slope(0.5);
 * console.log(slope.tex.right); // its formula as LaTeX; in a notebook `slope.tex` is set as mathematics
 * ```
 *
 * @param name Name of the operation, for its graph node and for messages. Letters, digits and `_`.
 * @param source The formula.
 * @throws {TypeError} If the name is none or the text is no formula; the message points at the place.
 */
export function definePointwise(
  name: string,
  source: string,
  options: DefinePointwiseOptions = {},
): PointwiseFunction {
  if (typeof name !== "string" || !/^[A-Za-z_]\w*$/.test(name)) {
    throw new TypeError(
      `definePointwise(): the name must be letters, digits and _, but got ${
        typeof name === "string" ? JSON.stringify(name) : describe(name)
      }`,
    );
  }
  if (typeof source !== "string") {
    throw new TypeError(`definePointwise(): the formula must be a string, but got ${typeof source}`);
  }
  const inputs = options.inputs ?? freeNames(source);
  if (inputs.length === 0) {
    throw new TypeError(`definePointwise(): the formula ${JSON.stringify(source)} has no inputs`);
  }
  const op = new PointwiseOp(program(inputs, source, { name }), { grad: options.grad, names: inputs });
  // A gradient with a mistake shall be found here, and not in somebody's backward pass.
  for (let i = 0; i < inputs.length; i++) op.gradient(i);
  return pointwiseFunction(op);
}
