/**
 * What `definePointwise` gives: operations that know their formula and their derivatives.
 * @module
 */

import { applyLoosely, constant, type Expr, format, input, replace } from "../../expr/expr.ts";
import { Formula } from "../../expr/formula.ts";
import { texName } from "../../expr/lower_tex.ts";
import { program } from "../../expr/program.ts";
import { scalarTensor } from "../../tensor/create.ts";
import { Tensor } from "../../tensor/tensor.ts";
import { applyPointwise } from "./apply.ts";
import type { Operand } from "./compute.ts";
import { GRAD, PointwiseOp, RESULT } from "./pointwise_op.ts";
import { checkOperand } from "./table.ts";

/** What {@linkcode definePointwise} gives: a function of tensors and numbers. */
export interface PointwiseFunction {
  /** Applies the operation; the arguments are broadcast against each other. */
  (...args: Operand[]): Tensor;
  /** The operation behind the function. */
  readonly op: PointwiseOp;
  /** The formula: set as mathematics in a notebook, LaTeX as text. */
  readonly tex: Formula;
  /**
   * The derivative, itself such a function of the same inputs.
   *
   * @param by The input, by its name or number; the first by default.
   * @throws {RangeError} If there is no such input.
   */
  derivative(by?: number | string): PointwiseFunction;
}

/** A function and what it was differentiated by, in order. */
interface Origin {
  readonly name: string;
  readonly by: readonly string[];
}

/** How a function is written before the equals sign. */
function headOf({ name, by }: Origin, inputs: readonly string[]): { tex: string; text: string } {
  const args = `\\left(${inputs.map(texName).join(", ")}\\right)`;
  const letter = texName(name).replace(/^\\mathrm(?=\{)/, "\\operatorname");
  const several = inputs.length > 1 && by.length > 0;
  const order = by.length < 2 ? "" : `^{${by.length}}`;
  const tex = several
    ? `\\frac{\\partial${order} ${letter}}{${by.map((x) => `\\partial ${texName(x)}`).join(" \\, ")}}${args}`
    : `${letter}${by.length > 3 ? `^{(${by.length})}` : "'".repeat(by.length)}${args}`;
  const text = several
    ? `d${order}${order && " "}${name}/${by.map((x) => `d${x}`).join(" ")}`
    : name + "'".repeat(by.length);
  return { tex, text: `${text.replace(/[{}]/g, "")}(${inputs.join(", ")})` };
}

/** The derivative of an operation by one input, as an expression of its inputs. */
function derivativeOf(op: PointwiseOp, i: number): Expr {
  const gradient = op.gradient(i);
  if (gradient === null) return constant(0);
  if (gradient.op === null) return constant(1);
  const { inputs, outputs } = gradient.op.program;
  const values = new Map(inputs.map((name, k): [Expr, Expr] => {
    const source = gradient.sources[k];
    if (source === GRAD) return [input(name), constant(1)];
    return [input(name), source === RESULT ? op.program.outputs[0] : input(op.program.inputs[source])];
  }));
  return replace(outputs, values, applyLoosely)[0];
}

function indexOf(by: number | string, inputs: readonly string[], name: string): number {
  const i = typeof by === "string" ? inputs.indexOf(by) : by;
  if (i in inputs) return i;
  throw new RangeError(
    `${name}.derivative(): the inputs are ${inputs.join(", ")}, got ${JSON.stringify(by)}`,
  );
}

/** An operation as a function. */
export function pointwiseFunction(op: PointwiseOp, origin?: Origin): PointwiseFunction {
  const { name, program: { inputs, outputs } } = op, from = origin ?? { name, by: [] };
  const call = (...args: Operand[]): Tensor => {
    if (args.length !== inputs.length) {
      throw new TypeError(
        `${name}() takes ${inputs.length} argument${inputs.length === 1 ? "" : "s"} (${
          inputs.join(", ")
        }), got ${args.length}`,
      );
    }
    for (const x of args) checkOperand(x, name);
    if (args.some((x) => x instanceof Tensor)) return applyPointwise(op, args);
    return applyPointwise(op, [scalarTensor(args[0] as Exclude<Operand, Tensor>), ...args.slice(1)]);
  };
  const derivative = (by: number | string = 0): PointwiseFunction => {
    const i = indexOf(by, inputs, name), x = inputs[i];
    const e = derivativeOf(op, i), byName = `${name}By${x[0].toUpperCase()}${x.slice(1)}`;
    const made = new PointwiseOp(program(inputs, e, { name: byName }), { names: inputs });
    return pointwiseFunction(made, { name: from.name, by: [...from.by, x] });
  };
  const formula = (): Formula => new Formula(outputs[0], headOf(from, inputs));
  return Object.defineProperties(call, {
    name: { value: name },
    op: { value: op, enumerable: true },
    tex: { get: formula, enumerable: true },
    derivative: { value: derivative },
    [Symbol.for("Jupyter.display")]: { value: () => formula().toBundle() },
    [Symbol.for("Deno.customInspect")]: {
      value: () => `${headOf(from, inputs).text} = ${format(outputs[0])}`,
    },
  }) as unknown as PointwiseFunction;
}
