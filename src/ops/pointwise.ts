/**
 * The table of pointwise operations: one row is one operation.
 *
 * From a row come the kernels, the gradient (to any order), the function, the methods `x.name()` and `x.name_()`, the name of
 * the graph node, and the test cases. See `expr/primitives.ts` for the language, `table.ts` for what a row makes.
 * @module
 */

import { type Binary, binary, type Unary, unary } from "./table.ts";

// ---- arithmetic ---------------------------------------------------------------------------------------------------

/** Minus x. */
export const neg: Unary = unary("neg", "-x");
/** 1 / x. */
export const reciprocal: Unary = unary("reciprocal", "1 / x");
/** x². */
export const square: Unary = unary("square", "x ** 2", { gradFn: "PowBackward0" });
/** The absolute value; its gradient at 0 is 0. */
export const abs: Unary = unary("abs", "abs(x)");
/** -1, 0 or 1. */
export const sign: Unary = unary("sign", "sign(x)");

// ---- exponentials, logarithms, roots ------------------------------------------------------------------------------

/** e to the power x. */
export const exp: Unary = unary("exp", "exp(x)");
/** 2 to the power x. */
export const exp2: Unary = unary("exp2", "exp2(x)");
/** exp(x) - 1, exact near 0. */
export const expm1: Unary = unary("expm1", "expm1(x)");
/** The natural logarithm. */
export const log: Unary = unary("log", "log(x)");
/** The logarithm to base 2. */
export const log2: Unary = unary("log2", "log2(x)");
/** The logarithm to base 10. */
export const log10: Unary = unary("log10", "log10(x)");
/** log(1 + x), exact near 0. */
export const log1p: Unary = unary("log1p", "log1p(x)");
/** The square root. */
export const sqrt: Unary = unary("sqrt", "sqrt(x)");
/** 1 / sqrt(x). */
export const rsqrt: Unary = unary("rsqrt", "rsqrt(x)");

// ---- trigonometry -------------------------------------------------------------------------------------------------

/** The sine. */
export const sin: Unary = unary("sin", "sin(x)");
/** The cosine. */
export const cos: Unary = unary("cos", "cos(x)");
/** The tangent. */
export const tan: Unary = unary("tan", "tan(x)");
/** The hyperbolic tangent. */
export const tanh: Unary = unary("tanh", "tanh(x)");
/** 1 / (1 + exp(-x)). */
export const sigmoid: Unary = unary("sigmoid", "sigmoid(x)");
/** max(x, 0); its gradient at 0 is 0. */
export const relu: Unary = unary("relu", "max(x, 0)", { grad: "where(y > 0, g, 0)" });

// ---- two inputs ---------------------------------------------------------------------------------------------------

/** a + b. */
export const add: Binary = binary("add", "a + b", { commutes: true, attributes: { alpha: 1 } });
/** a - b. */
export const sub: Binary = binary("sub", "a - b", { attributes: { alpha: 1 } });
/** a * b. */
export const mul: Binary = binary("mul", "a * b", { commutes: true });
/** a / b, always a float. */
export const div: Binary = binary("div", "a / b");
/** a to the power b. */
export const pow: Binary = binary("pow", "a ** b", { gradFn: "PowBackward1", names: ["self", "exponent"] });
/** The larger of a and b; NaN if one of them is. Equal inputs share the gradient. */
export const maximum: Binary = binary("maximum", "max(a, b)");
/** The smaller of a and b; NaN if one of them is. Equal inputs share the gradient. */
export const minimum: Binary = binary("minimum", "min(a, b)");

// ---- comparisons --------------------------------------------------------------------------------------------------

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
