/**
 * Comparisons, tests and logic: pointwise operations that give bools, and the questions about whole tensors.
 * @module
 */

import { checkKeys } from "../tensor/arguments.ts";
import { category, isFloatingPoint, typeName } from "../tensor/dtype.ts";
import { sameShape } from "../tensor/shape.ts";
import { installMethods, type Tensor } from "../tensor/tensor.ts";
import { applyInPlace, applyPointwise } from "./core/apply.ts";
import type { Operand } from "./core/compute.ts";
import { to } from "./core/copy.ts";
import { alias, type Binary, binary, operandTensor, operation, type Unary, unary } from "./core/table.ts";

// ---- rows ---------------------------------------------------------------------------------------------------------

/** Whether a equals b. */
export const eq: Binary = binary("eq", "a == b");
/** Whether a differs from b. */
export const ne: Binary = binary("ne", "a != b");
/** Whether a is less than b. */
export const lt: Binary = binary("lt", "a < b");
/** Whether a is at most b. */
export const le: Binary = binary("le", "a <= b");
/** Whether a is greater than b. */
export const gt: Binary = binary("gt", "a > b");
/** Whether a is at least b. */
export const ge: Binary = binary("ge", "a >= b");

/** Whether x is NaN. */
export const isnan: Unary = unary("isnan", "isnan(x)");
/** Whether x is infinite. */
export const isinf: Unary = unary("isinf", "isinf(x)");
/** Whether x is neither infinite nor NaN. */
export const isfinite: Unary = unary("isfinite", "!(isnan(x) || isinf(x))");
/** Whether x is positive infinity. */
export const isposinf: Unary = unary("isposinf", "isinf(x) && x > 0");
/** Whether x is negative infinity. */
export const isneginf: Unary = unary("isneginf", "isinf(x) && x < 0");
/** Whether x has the sign minus, as -0 has. */
export const signbit: Unary = unary("signbit", "signbit(x)");

/** Whether x is 0. */
export const logicalNot: Unary = unary("logicalNot", "!x");
/** Whether neither a nor b is 0. */
export const logicalAnd: Binary = binary("logicalAnd", "a && b");
/** Whether a or b is not 0. */
export const logicalOr: Binary = binary("logicalOr", "a || b");
/** Whether exactly one of a and b is not 0. */
export const logicalXor: Binary = binary("logicalXor", "xor(a, b)");

/** The same as {@linkcode ne}. */
export const notEqual: Binary = alias("notEqual", ne);
/** The same as {@linkcode lt}. */
export const less: Binary = alias("less", lt);
/** The same as {@linkcode le}. */
export const lessEqual: Binary = alias("lessEqual", le);
/** The same as {@linkcode gt}. */
export const greater: Binary = alias("greater", gt);
/** The same as {@linkcode ge}. */
export const greaterEqual: Binary = alias("greaterEqual", ge);

// ---- inversion of bits --------------------------------------------------------------------------------------------

const invertBits = operation("bitwiseNot", "x", "bitNot(x)", {
  dtypes: (dtype) => {
    if (isFloatingPoint(dtype)) {
      throw new TypeError("~ (operator.invert) is only implemented on integer and Boolean-type tensors");
    }
  },
});

function inversion(x: Tensor): typeof invertBits {
  return x.dtype === "bool" ? logicalNot.op : invertBits;
}

/** The bits of integers inverted: -x - 1. Logical not of bools. */
export function bitwiseNot(x: Operand): Tensor {
  const t = operandTensor(x, "bitwiseNot");
  return applyPointwise(inversion(t), [t]);
}

// ---- closeness ----------------------------------------------------------------------------------------------------

/** Options of {@linkcode isclose} and {@linkcode allclose}. */
export interface CloseOptions {
  /** Tolerance relative to b; 1e-5 by default. */
  readonly rtol?: number;
  /** Absolute tolerance; 1e-8 by default. */
  readonly atol?: number;
  /** Whether NaN counts as equal to NaN; false by default. */
  readonly equalNan?: boolean;
}

const close = "a == b || (!isinf(a - b) && abs(a - b) <= c + abs(d * b))";
const closeRule = { follows: [0, 1], parameters: 2 };
const isClose = operation("isclose", "a b c d", close, closeRule);
const isCloseOrNan = operation(
  "iscloseEqualNan",
  "a b c d",
  `${close} || (isnan(a) && isnan(b))`,
  closeRule,
);

function closeTo(name: string, a: Tensor, b: Tensor, options: CloseOptions): Tensor {
  checkKeys(options, name, ["rtol", "atol", "equalNan"]);
  const { rtol = 1e-5, atol = 1e-8, equalNan = false } = options;
  for (const [key, value] of [["rtol", rtol], ["atol", atol]] as const) {
    if (!(value >= 0)) {
      throw new RangeError(`${key} must be greater than or equal to zero, but got ${value}`);
    }
  }
  if (a.dtype !== b.dtype) {
    throw new TypeError(`${typeName(a.dtype)} did not match ${typeName(b.dtype)}`);
  }
  const float = (t: Tensor): Tensor => category(t.dtype) < 2 ? to(t, "float64") : t;
  return applyPointwise(equalNan ? isCloseOrNan : isClose, [float(a), float(b), atol, rtol]);
}

/** Whether |a - b| <= atol + rtol · |b|, element by element. Both need the same dtype. */
export function isclose(a: Tensor, b: Tensor, options: CloseOptions = {}): Tensor {
  return closeTo("isclose", operandTensor(a, "isclose"), operandTensor(b, "isclose"), options);
}

/**
 * Whether all elements are close: see {@linkcode isclose}.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * dg.allclose(dg.tensor([0.1, 0.2]).add(0.2), dg.tensor([0.3, 0.4])); // true
 * ```
 */
export function allclose(a: Tensor, b: Tensor, options: CloseOptions = {}): boolean {
  return everywhere(closeTo("allclose", operandTensor(a, "allclose"), operandTensor(b, "allclose"), options));
}

/** Whether two tensors have the same shape and the same elements. NaN is not equal to NaN. */
export function equal(a: Tensor, b: Tensor): boolean {
  const [x, y] = [operandTensor(a, "equal"), operandTensor(b, "equal")];
  return sameShape(x.shape, y.shape) && everywhere(applyPointwise(eq.op, [x, y]));
}

/** Whether every element of a new bool tensor is true. */
function everywhere(t: Tensor): boolean {
  return t.device === "cpu" ? t.storage.data.every((v) => v !== 0) : t.all().item() as boolean;
}

/** The methods of this family that are no rows. */
export interface CompareMethods {
  /** The bits of integers inverted; logical not of bools. */
  bitwiseNot(): Tensor;
  /** {@linkcode CompareMethods.bitwiseNot} in place. */
  bitwiseNot_(): Tensor;
  /** Whether |self - other| <= atol + rtol · |other|, element by element. */
  isclose(other: Tensor, options?: CloseOptions): Tensor;
  /** Whether all elements are close. */
  allclose(other: Tensor, options?: CloseOptions): boolean;
  /** Whether the other tensor has the same shape and the same elements. */
  equal(other: Tensor): boolean;
}

const methods: CompareMethods & ThisType<Tensor> = {
  bitwiseNot() {
    return bitwiseNot(this);
  },
  bitwiseNot_() {
    return applyInPlace(inversion(this), [this]);
  },
  isclose(other, options) {
    return isclose(this, other, options);
  },
  allclose(other, options) {
    return allclose(this, other, options);
  },
  equal(other) {
    return equal(this, other);
  },
};
installMethods(methods);
