/**
 * What a row of the pointwise table makes: a function of tensors, and the methods of the same name, plain and in place.
 * @module
 */

import { program } from "../expr/program.ts";
import { scalarTensor } from "../tensor/create.ts";
import { installMethods, Tensor } from "../tensor/tensor.ts";
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

/** Choices of a row with two inputs. */
export interface BinaryOptions extends PointwiseOptions {
  /** Whether a and b may change places, so that `3 * x` is recorded as `x * 3`, as PyTorch does. */
  readonly commutes?: boolean;
  /** What to do with a JavaScript value on the left, where PyTorch records something else. */
  readonly reflected?: (a: Exclude<Operand, Tensor>, b: Tensor) => Tensor;
}

/** Every row of the table, by name: for tests, documentation and other back ends. */
export const pointwiseTable: Map<string, PointwiseOp> = new Map();

/** Checks an operand that came from a user. */
export function checkOperand(x: unknown, name: string): Operand {
  if (x instanceof Tensor || typeof x === "number" || typeof x === "bigint" || typeof x === "boolean") {
    return x;
  }
  throw new TypeError(
    `${name}(): expected a tensor, number, bigint or boolean, but got ${x === null ? "null" : typeof x}`,
  );
}

function asOperandTensor(x: unknown, name: string): Tensor {
  const operand = checkOperand(x, name);
  return operand instanceof Tensor ? operand : scalarTensor(operand);
}

function enter(name: string, op: PointwiseOp): void {
  if (pointwiseTable.has(name)) throw new TypeError(`there already is a pointwise operation called ${name}`);
  pointwiseTable.set(name, op);
}

/** A row with one input, called `x` in the text. */
export function unary(name: string, source: string, options: PointwiseOptions = {}): Unary {
  const op = new PointwiseOp(program(["x"], source, { name }), options);
  enter(name, op);
  installMethods({
    [name](this: Tensor) {
      return applyPointwise(op, [this]);
    },
    [`${name}_`](this: Tensor) {
      return applyInPlace(op, [this]);
    },
  });
  const fn = (x: Operand) => applyPointwise(op, [asOperandTensor(x, name)]);
  return Object.assign(Object.defineProperty(fn, "name", { value: name }), { op, arity: 1 as const });
}

/** A row with two inputs, called `a` and `b` in the text. */
export function binary(name: string, source: string, options: BinaryOptions = {}): Binary {
  const op = new PointwiseOp(program(["a", "b"], source, { name }), options);
  const { commutes = false, reflected } = options;
  enter(name, op);
  installMethods({
    [name](this: Tensor, other: Operand) {
      return applyPointwise(op, [this, checkOperand(other, name)]);
    },
    [`${name}_`](this: Tensor, other: Operand) {
      return applyInPlace(op, [this, checkOperand(other, name)]);
    },
  });
  const fn = (a: Operand, b: Operand) => {
    checkOperand(a, name);
    checkOperand(b, name);
    if (typeof a !== "object") {
      if (typeof b !== "object") return applyPointwise(op, [scalarTensor(a), b]);
      if (commutes) return applyPointwise(op, [b, a]);
      if (reflected !== undefined) return reflected(a, b);
    }
    return applyPointwise(op, [a, b]);
  };
  return Object.assign(Object.defineProperty(fn, "name", { value: name }), { op, arity: 2 as const });
}
