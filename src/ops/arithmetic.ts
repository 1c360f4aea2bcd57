/**
 * Arithmetic that is more than a row of the table: sums with a factor, divisions that round, and powers that choose their
 * kernel.
 * @module
 */

import { program } from "../expr/program.ts";
import { named } from "../tensor/describe.ts";
import { checkKeys } from "../tensor/arguments.ts";
import { type DType, isFloatingPoint } from "../tensor/dtype.ts";
import { installMethods, type Tensor } from "../tensor/tensor.ts";
import { applyInPlace, applyPointwise } from "./core/apply.ts";
import type { Operand } from "./core/compute.ts";
import { to } from "./core/copy.ts";
import { noBool } from "./core/dtype_rules.ts";
import { mul, reciprocal } from "./pointwise.ts";
import { PointwiseOp } from "./core/pointwise_op.ts";
import { checkOperand, operandTensor, operation, type Plan, run, runInPlace } from "./core/table.ts";

// ---- sums and differences -----------------------------------------------------------------------------------------

/** Options of {@linkcode add}, {@linkcode sub} and {@linkcode rsub}. */
export interface AlphaOptions {
  /** A factor for the second operand; 1 by default. */
  readonly alpha?: number | bigint;
}

function isBool(x: Operand): boolean {
  return typeof x === "object" ? x.dtype === "bool" : typeof x === "boolean";
}

function noBoolMinus(_: DType, [a, b]: readonly Operand[]): void {
  if (!isBool(a) && !isBool(b)) return;
  throw new TypeError(
    isBool(a) && isBool(b)
      ? "Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or `logicalXor()` operator " +
        "instead."
      : "Subtraction, the `-` operator, with a bool tensor is not supported. If you are trying to invert a mask, use the " +
        "`~` or `logicalNot()` operator instead.",
  );
}

function wholeAlpha(compute: DType, [, , alpha]: readonly Operand[]): void {
  if (!isFloatingPoint(compute) && !Number.isInteger(Number(alpha))) {
    throw new TypeError(
      "For integral input tensors, argument alpha must not be a floating point number.",
    );
  }
}

const alphaNames = ["self", "other", "alpha"];
const one = { attributes: { alpha: 1 } };
const scaled = { names: alphaNames, follows: [0, 1], parameters: 1 };

const Add = operation("add", "a b", "a + b", one);
const AddAlpha = operation("addAlpha", "a b c", "a + c * b", {
  ...scaled,
  gradFn: "AddBackward0",
  dtypes: wholeAlpha,
});
const Sub = operation("sub", "a b", "a - b", { ...one, dtypes: noBoolMinus });
const SubAlpha = operation("subAlpha", "a b c", "a - c * b", {
  ...scaled,
  gradFn: "SubBackward0",
  dtypes: (compute, inputs) => {
    noBoolMinus(compute, inputs);
    wholeAlpha(compute, inputs);
  },
});
const Rsub = operation("rsub", "a b", "b - a", { ...one, dtypes: noBoolMinus });
const RsubScalar = operation("rsubScalar", "a b", "b - a", {
  ...one,
  gradFn: "RsubBackward1",
  dtypes: noBoolMinus,
});

function withAlpha(
  name: string,
  op: PointwiseOp,
  factored: PointwiseOp,
  a: Operand,
  b: Operand,
  options: AlphaOptions,
): Plan {
  checkKeys(options, name, ["alpha"]);
  const { alpha = 1 } = options;
  if (typeof alpha !== "number" && typeof alpha !== "bigint") {
    throw new TypeError(`${name}(): alpha must be a number or bigint, but got ${typeof alpha}`);
  }
  return alpha === 1 || alpha === 1n ? [op, [a, b]] : [factored, [a, b, alpha]];
}

/**
 * a + b, or a + alpha · b.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * const x = dg.tensor([1, 2]);
 * dg.add(x, x, { alpha: 10 }); // tensor([11., 22.])
 * ```
 */
export function add(a: Operand, b: Operand, options?: AlphaOptions): Tensor {
  checkOperand(a, "add");
  checkOperand(b, "add");
  if (options !== undefined) return run(withAlpha("add", Add, AddAlpha, a, b, options));
  if (typeof a === "object") return applyPointwise(Add, [a, b]);
  return applyPointwise(Add, typeof b === "object" ? [b, a] : [operandTensor(a, "add"), b]);
}

/** a - b, or a - alpha · b. */
export function sub(a: Operand, b: Operand, options?: AlphaOptions): Tensor {
  checkOperand(a, "sub");
  checkOperand(b, "sub");
  if (options !== undefined) return run(withAlpha("sub", Sub, SubAlpha, a, b, options));
  if (typeof a === "object") return applyPointwise(Sub, [a, b]);
  if (typeof b === "object") return applyPointwise(RsubScalar, [b, a]);
  return applyPointwise(Sub, [operandTensor(a, "sub"), b]);
}

/** b - a, or b - alpha · a. */
export function rsub(a: Operand, b: Operand, options: AlphaOptions = {}): Tensor {
  checkOperand(b, "rsub");
  const self = operandTensor(a, "rsub");
  const { alpha = 1 } = checkKeys(options, "rsub", ["alpha"]);
  if (alpha !== 1 && alpha !== 1n) return sub(b, self, options);
  return applyPointwise(typeof b === "object" ? Rsub : RsubScalar, [self, b]);
}

// ---- division -----------------------------------------------------------------------------------------------------

/** Options of {@linkcode div}. */
export interface DivOptions {
  /** "floor" rounds the result down, "trunc" towards zero; without one it is a float. */
  readonly roundingMode?: "floor" | "trunc" | null;
}

const noBoolDivision = noBool("\"div_cpu\" not implemented for 'Bool'");
const Div = operation("div", "a b", "a / b");
const DivFloor = operation("divFloor", "a b", "floorDiv(a, b)", {
  gradFn: "DivBackward2",
  attributes: { roundingMode: "floor" },
  dtypes: noBoolDivision,
});
const DivTrunc = operation("divTrunc", "a b", "truncDiv(a, b)", {
  gradFn: "DivBackward2",
  attributes: { roundingMode: "trunc" },
  dtypes: noBoolDivision,
});

function division(options: DivOptions | undefined): PointwiseOp {
  if (options === undefined) return Div;
  checkKeys(options, "div", ["roundingMode"]);
  const { roundingMode = null } = options;
  if (roundingMode === null) return Div;
  if (roundingMode === "floor") return DivFloor;
  if (roundingMode === "trunc") return DivTrunc;
  throw new RangeError(
    `div expected roundingMode to be one of null, 'trunc', or 'floor' but found '${named(roundingMode)}'`,
  );
}

/**
 * a / b: a float, unless `roundingMode` rounds it. Rounded division of integers by zero is a RangeError.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * dg.div(dg.tensor([7n, -7n]), 2n, { roundingMode: "floor" }); // tensor([ 3, -4])
 * ```
 */
export function div(a: Operand, b: Operand, options?: DivOptions): Tensor {
  checkOperand(a, "div");
  checkOperand(b, "div");
  const op = division(options);
  if (typeof a === "object") return applyPointwise(op, [a, b]);
  if (typeof b !== "object") return applyPointwise(op, [operandTensor(a, "div"), b]);
  return op === Div ? mul(reciprocal(b), a) : applyPointwise(op, [a, b]);
}

// ---- powers -------------------------------------------------------------------------------------------------------

const powNames = ["self", "exponent"];
const noBoolPower = noBool("\"pow\" not implemented for 'Bool'");
const Square = operation("square", "x", "x ** 2", {
  gradFn: "PowBackward0",
  attributes: { exponent: 2 },
  polynomial: true,
});
const Pow = operation("pow", "a b", "a ** b", {
  gradFn: "PowBackward1",
  names: powNames,
  dtypes: noBoolPower,
});
const PowScalar = operation("powScalar", "a b", "a ** b", {
  gradFn: "PowBackward0",
  names: powNames,
  parameters: 1,
});
const PowBase = operation("powBase", "a b", "a ** b", {
  gradFn: "PowBackward2",
  names: powNames,
  dtypes: noBoolPower,
});

/** Powers of floats with the exponent in the program, so that x ** 2 is a product. */
const powers = new Map<number, PointwiseOp>();
const MAX_POWERS = 64;

function powerOf(exponent: number): PointwiseOp | null {
  let op = powers.get(exponent);
  if (op === undefined) {
    if (powers.size === MAX_POWERS) return null; // computed exponents must not make programs for ever
    const text = Number.isFinite(exponent)
      ? String(exponent)
      : exponent > 0
      ? "inf"
      : exponent < 0
      ? "-inf"
      : "nan";
    op = new PointwiseOp(program(["x"], `x ** (${text})`, { name: "pow" }), {
      gradFn: "PowBackward0",
      names: powNames,
      attributes: { exponent },
      polynomial: true,
    });
    powers.set(exponent, op);
  }
  return op;
}

function power(a: Operand, b: Operand): Plan {
  checkOperand(a, "pow");
  checkOperand(b, "pow");
  if (typeof b === "object") return [typeof a === "object" ? Pow : PowBase, [a, b]];
  const self = operandTensor(a, "pow");
  if (isFloatingPoint(self.dtype)) {
    const op = powerOf(Number(b));
    return op === null ? [PowScalar, [self, b]] : [op, [self]];
  }
  if (typeof b === "bigint" && b < 0n) {
    throw new RangeError("Integers to negative integer powers are not allowed.");
  }
  return [PowScalar, [self, b]];
}

/**
 * a to the power b. Integers to a negative integer power are a RangeError.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * const x = dg.tensor([1, 2, 3]);
 * dg.pow(x, 2); // tensor([1., 4., 9.])
 * dg.pow(2, x); // tensor([2., 4., 8.])
 * ```
 */
export function pow(a: Operand, b: Operand): Tensor {
  return run(power(a, b));
}

function squaring(x: Tensor): Plan {
  return x.dtype === "bool" ? [PowScalar, [x, 2n]] : [Square, [x]];
}

/** x². */
export function square(x: Operand): Tensor {
  return run(squaring(operandTensor(x, "square")));
}

/** a to the power b, computed and given in float64. */
export function floatPower(a: Operand, b: Operand): Tensor {
  const double = (x: Operand) => typeof x === "object" ? to(x, "float64") : Number(x);
  checkOperand(a, "floatPower");
  checkOperand(b, "floatPower");
  return typeof b === "object"
    ? pow(double(a), double(b))
    : pow(to(operandTensor(a, "floatPower"), "float64"), Number(b));
}

// ---- signs --------------------------------------------------------------------------------------------------------

/** x itself; a TypeError for bool. */
export function positive(x: Tensor): Tensor {
  const self = operandTensor(x, "positive");
  if (self.dtype === "bool") throw new TypeError("The `+` operator, on a bool tensor is not supported.");
  return self;
}

// ---- other names --------------------------------------------------------------------------------------------------

/** The same as {@linkcode sub}. */
export const subtract: typeof sub = sub;
/** The same as {@linkcode div}. */
export const divide: typeof div = div;
/** The same as {@linkcode div}, without rounding. */
export function trueDivide(a: Operand, b: Operand): Tensor {
  return div(a, b);
}

/** The methods of this family. */
export interface ArithmeticMethods {
  /** self + other, or self + alpha · other. */
  add(other: Operand, options?: AlphaOptions): Tensor;
  /** {@linkcode ArithmeticMethods.add} in place. */
  add_(other: Operand, options?: AlphaOptions): Tensor;
  /** self - other, or self - alpha · other. */
  sub(other: Operand, options?: AlphaOptions): Tensor;
  /** {@linkcode ArithmeticMethods.sub} in place. */
  sub_(other: Operand, options?: AlphaOptions): Tensor;
  /** The same as `sub`. */
  subtract(other: Operand, options?: AlphaOptions): Tensor;
  /** The same as `sub_`. */
  subtract_(other: Operand, options?: AlphaOptions): Tensor;
  /** other - self. */
  rsub(other: Operand, options?: AlphaOptions): Tensor;
  /** self / other, a float unless `roundingMode` is given. */
  div(other: Operand, options?: DivOptions): Tensor;
  /** {@linkcode ArithmeticMethods.div} in place. */
  div_(other: Operand, options?: DivOptions): Tensor;
  /** The same as `div`. */
  divide(other: Operand, options?: DivOptions): Tensor;
  /** The same as `div_`. */
  divide_(other: Operand, options?: DivOptions): Tensor;
  /** self / other. */
  trueDivide(other: Operand): Tensor;
  /** {@linkcode ArithmeticMethods.trueDivide} in place. */
  trueDivide_(other: Operand): Tensor;
  /** self to the power `exponent`. */
  pow(exponent: Operand): Tensor;
  /** {@linkcode ArithmeticMethods.pow} in place. */
  pow_(exponent: Operand): Tensor;
  /** self². */
  square(): Tensor;
  /** {@linkcode ArithmeticMethods.square} in place. */
  square_(): Tensor;
  /** self to the power `exponent`, in float64. */
  floatPower(exponent: Operand): Tensor;
  /** self; a TypeError for bool. */
  positive(): Tensor;
}

const methods: ArithmeticMethods & ThisType<Tensor> = {
  add(other, options) {
    if (options !== undefined) return add(this, other, options);
    return applyPointwise(Add, [this, checkOperand(other, "add")]);
  },
  add_(other, options) {
    if (options === undefined) return applyInPlace(Add, [this, checkOperand(other, "add_")]);
    return runInPlace(withAlpha("add_", Add, AddAlpha, this, checkOperand(other, "add_"), options));
  },
  sub(other, options) {
    if (options !== undefined) return sub(this, other, options);
    return applyPointwise(Sub, [this, checkOperand(other, "sub")]);
  },
  sub_(other, options) {
    if (options === undefined) return applyInPlace(Sub, [this, checkOperand(other, "sub_")]);
    return runInPlace(withAlpha("sub_", Sub, SubAlpha, this, checkOperand(other, "sub_"), options));
  },
  subtract(other, options) {
    return sub(this, other, options);
  },
  subtract_(other, options) {
    return this.sub_(other, options);
  },
  rsub(other, options) {
    return rsub(this, other, options);
  },
  div(other, options) {
    return applyPointwise(division(options), [this, checkOperand(other, "div")]);
  },
  div_(other, options) {
    return applyInPlace(division(options), [this, checkOperand(other, "div_")]);
  },
  divide(other, options) {
    return div(this, other, options);
  },
  divide_(other, options) {
    return this.div_(other, options);
  },
  trueDivide(other) {
    return div(this, other);
  },
  trueDivide_(other) {
    return this.div_(other);
  },
  pow(exponent) {
    return pow(this, exponent);
  },
  pow_(exponent) {
    return runInPlace(power(this, exponent));
  },
  square() {
    return run(squaring(this));
  },
  square_() {
    return runInPlace(squaring(this));
  },
  floatPower(exponent) {
    return floatPower(this, exponent);
  },
  positive() {
    return positive(this);
  },
};
installMethods(methods);
