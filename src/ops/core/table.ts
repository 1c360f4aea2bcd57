/**
 * What a row of the pointwise table makes: a function of tensors, and the methods of the same name, plain and in place.
 * @module
 */

import { program } from "../../expr/program.ts";
import { brief } from "../../tensor/describe.ts";
import { scalarTensor } from "../../tensor/create.ts";
import { installMethods, Tensor } from "../../tensor/tensor.ts";
import { applyInPlace, applyPointwise } from "./apply.ts";
import type { Operand } from "./compute.ts";
import { PointwiseOp, type PointwiseOptions } from "./pointwise_op.ts";

/** A function of one tensor. Also a method, and a method in place with `_` at the end of its name. */
export interface Unary {
  /** Applies the operation to every element. */
  (x: Operand): Tensor;
  /** The operation behind the function. */
  readonly op: PointwiseOp;
  /** Number of inputs. */
  readonly arity: 1;
}

/**
 * A function of two tensors that are broadcast against each other; either may be a JavaScript value. Also a method, and a
 * method in place with `_` at the end of its name.
 */
export interface Binary {
  /** Applies the operation to every pair of elements. */
  (a: Operand, b: Operand): Tensor;
  /** The operation behind the function. */
  readonly op: PointwiseOp;
  /** Number of inputs. */
  readonly arity: 2;
}

/** Choices of a row that becomes a function. */
export interface RowOptions extends PointwiseOptions {
  /** A namespace such as "special", whose functions are not methods. */
  readonly namespace?: string;
}

/** Choices of a row with two inputs. */
export interface BinaryOptions extends RowOptions {
  /** Whether a and b may change places, so that `3 * x` is recorded as `x * 3`, as PyTorch does. */
  readonly commutes?: boolean;
  /** What to do with a JavaScript value on the left, where PyTorch records something else. */
  readonly reflected?: (a: Exclude<Operand, Tensor>, b: Tensor) => Tensor;
  /** Name of the graph node where b is a JavaScript value, if PyTorch has another for that. */
  readonly scalarGradFn?: string;
}

/** Every row of the table, by name: for tests, documentation and other back ends. */
export const pointwiseTable: Map<string, PointwiseOp> = new Map();

/** Checks an operand that came from a user. */
export function checkOperand(x: unknown, name: string): Operand {
  if (x instanceof Tensor || typeof x === "number" || typeof x === "bigint" || typeof x === "boolean") {
    return x;
  }
  throw new TypeError(
    `${name}(): expected a tensor, number, bigint or boolean, but got ${brief(x)}`,
  );
}

/** An operand from a user as a tensor. */
export function operandTensor(x: unknown, name: string): Tensor {
  const operand = checkOperand(x, name);
  return operand instanceof Tensor ? operand : scalarTensor(operand);
}

/** A row whose function is written by hand, because it takes options or chooses between operations. */
export function operation(
  name: string,
  inputs: string,
  source: string,
  options: PointwiseOptions = {},
): PointwiseOp {
  if (pointwiseTable.has(name)) throw new TypeError(`there already is a pointwise operation called ${name}`);
  const op = new PointwiseOp(program(inputs.split(" "), source, { name }), options);
  pointwiseTable.set(name, op);
  return op;
}

/** What a function written by hand has chosen to do: an operation, and its operands with `self` first. */
export type Plan = readonly [op: PointwiseOp, inputs: Operand[]];

/** Carries out a plan on new memory. */
export function run([op, inputs]: Plan): Tensor {
  return applyPointwise(op, inputs);
}

/** Carries out a plan in the memory of its first operand. */
export function runInPlace([op, inputs]: Plan): Tensor {
  return applyInPlace(op, inputs);
}

/** A row with one input, called `x` in the text. */
export function unary(name: string, source: string, options: RowOptions = {}): Unary {
  const { namespace } = options;
  const op = operation(namespace === undefined ? name : `${namespace}.${name}`, "x", source, options);
  if (namespace === undefined) {
    installMethods({
      [name](this: Tensor) {
        return applyPointwise(op, [this]);
      },
      [`${name}_`](this: Tensor) {
        return applyInPlace(op, [this]);
      },
    });
  }
  const fn = (x: Operand) => applyPointwise(op, [operandTensor(x, name)]);
  return Object.assign(Object.defineProperty(fn, "name", { value: name }), { op, arity: 1 as const });
}

/** A row with two inputs, called `a` and `b` in the text. */
export function binary(name: string, source: string, options: BinaryOptions = {}): Binary {
  const { namespace, commutes = false, reflected, scalarGradFn } = options;
  const op = operation(namespace === undefined ? name : `${namespace}.${name}`, "a b", source, options);
  const withScalar = scalarGradFn === undefined
    ? op
    : new PointwiseOp(op.program, { ...options, gradFn: scalarGradFn });
  if (namespace === undefined) {
    installMethods({
      [name](this: Tensor, other: Operand) {
        return applyPointwise(typeof other === "object" ? op : withScalar, [this, checkOperand(other, name)]);
      },
      [`${name}_`](this: Tensor, other: Operand) {
        return applyInPlace(typeof other === "object" ? op : withScalar, [this, checkOperand(other, name)]);
      },
    });
  }
  const fn = (a: Operand, b: Operand) => {
    checkOperand(a, name);
    checkOperand(b, name);
    if (typeof a !== "object") {
      if (typeof b !== "object") return applyPointwise(op, [scalarTensor(a), b]);
      if (commutes) return applyPointwise(withScalar, [b, a]);
      if (reflected !== undefined) return reflected(a, b);
    }
    return applyPointwise(typeof b === "object" ? op : withScalar, [a, b]);
  };
  return Object.assign(Object.defineProperty(fn, "name", { value: name }), { op, arity: 2 as const });
}

/** Another name for a row: the function, and the methods. */
export function alias<F extends Unary | Binary>(name: string, row: F): F {
  const methods = Tensor.prototype as unknown as Record<string, unknown>;
  installMethods({ [name]: methods[row.name], [`${name}_`]: methods[`${row.name}_`] });
  return row;
}
