/**
 * What operators mean on tensors, as in PyTorch: `3*x**2 + x`, `x < 0`, `x -= y` in place.
 *
 * Tensors say it here; code that asks is made by `kernel/operators/`.
 * @module
 */

import { isFloatingPoint } from "../tensor/dtype.ts";
import { type ObjectOperators, OPERATORS } from "../tensor/operators.ts";
import { Tensor } from "../tensor/tensor.ts";
import { add, div, pow, sub } from "./arithmetic.ts";
import { bitwiseNot, eq, ge, gt, le, lt, ne } from "./compare.ts";
import type { Operand } from "./core/compute.ts";
import {
  bitwiseAnd,
  bitwiseLeftShift,
  bitwiseOr,
  bitwiseRightShift,
  bitwiseXor,
  mul,
  neg,
  remainder,
} from "./pointwise.ts";

// Operands that are neither tensors nor scalars are refused by the operations, in their words.
type Binary = (a: Operand, b: Operand) => Tensor;
const binary = (op: Binary) => op as (a: unknown, b: unknown) => Tensor;
const assign = (op: (a: Tensor, b: Operand) => Tensor) => op as (a: unknown, b: unknown) => Tensor;
const unary = (op: (a: Tensor) => Tensor) => op as (a: unknown) => Tensor;

/** Operators on bits take whole numbers for integers, as JavaScript does. */
function whole(x: Operand): Operand {
  return Number.isInteger(x) ? BigInt(x as number) : x;
}
const bits = (op: Binary) => binary((a, b) => op(whole(a), whole(b)));

const operators: ObjectOperators = {
  binary: {
    add: binary((a, b) => add(a, b)),
    sub: binary((a, b) => sub(a, b)),
    mul: binary(mul),
    div: binary((a, b) => div(a, b)),
    mod: binary(remainder),
    pow: binary(pow),
    and: bits(bitwiseAnd),
    or: bits(bitwiseOr),
    xor: bits(bitwiseXor),
    shl: bits(bitwiseLeftShift),
    shr: bits(bitwiseRightShift),
    lt: binary(lt),
    le: binary(le),
    gt: binary(gt),
    ge: binary(ge),
    eq: binary(eq),
    ne: binary(ne),
  },
  assign: {
    add: assign((a, b) => a.add_(b)),
    sub: assign((a, b) => a.sub_(b)),
    mul: assign((a, b) => a.mul_(b)),
    div: assign((a, b) => a.div_(b)),
    mod: assign((a, b) => a.remainder_(b)),
    pow: assign((a, b) => a.pow_(b)),
    and: assign((a, b) => a.bitwiseAnd_(whole(b))),
    or: assign((a, b) => a.bitwiseOr_(whole(b))),
    xor: assign((a, b) => a.bitwiseXor_(whole(b))),
    shl: assign((a, b) => a.bitwiseLeftShift_(whole(b))),
    shr: assign((a, b) => a.bitwiseRightShift_(whole(b))),
  },
  unary: {
    neg: unary(neg),
    pos: unary((x) => x.positive()),
    inv: unary(bitwiseNot),
  },
  increment(x, by) {
    const t = x as Tensor;
    return t.add_(isFloatingPoint(t.dtype) ? by : BigInt(by));
  },
  copy: unary((x) => x.clone()),
  truth(x) {
    const t = x as Tensor;
    const count = t.numel();
    if (count === 1) return Number(t.at(0)) !== 0;
    throw new TypeError(
      `Boolean value of Tensor with ${count === 0 ? "no values" : "more than one value"} is ambiguous`,
    );
  },
};

Object.defineProperty(Tensor.prototype, OPERATORS, { value: operators });
