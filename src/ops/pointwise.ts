/**
 * The table of pointwise operations: one row is one operation.
 *
 * From a row come the kernels, the gradient (to any order), the function, the methods `x.name()` and `x.name_()`, the name of
 * the graph node, and the test cases. See `expr/primitives.ts` for the language, `core/table.ts` for what a row makes. What takes
 * options or chooses between operations is in `arithmetic.ts`, `select.ts` and `special.ts`, what gives bools in `compare.ts`.
 * @module
 */

import { floatsOnly, noBool, wholeOnly } from "./core/dtype_rules.ts";
import { alias, type Binary, binary, type Unary, unary } from "./core/table.ts";

// ---- arithmetic ---------------------------------------------------------------------------------------------------

/** Minus x. */
export const neg: Unary = unary("neg", "-x", {
  dtypes: noBool(
    "Negation, the `-` operator, on a bool tensor is not supported. If you are trying to invert a mask, use the `~` or " +
      "`logicalNot()` operator instead.",
  ),
});
/** 1 / x. */
export const reciprocal: Unary = unary("reciprocal", "1 / x");
/** The absolute value; its gradient at 0 is 0. */
export const abs: Unary = unary("abs", "abs(x)");
/** -1, 0 or 1. */
export const sign: Unary = unary("sign", "sign(x)");
/** -1, 0 or 1; the same as {@linkcode sign} on real numbers. */
export const sgn: Unary = unary("sgn", "sign(x)");

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

// ---- trigonometric and hyperbolic functions -----------------------------------------------------------------------

/** The sine. */
export const sin: Unary = unary("sin", "sin(x)");
/** The cosine. */
export const cos: Unary = unary("cos", "cos(x)");
/** The tangent. */
export const tan: Unary = unary("tan", "tan(x)");
/** The inverse of the sine; NaN outside [-1, 1]. */
export const asin: Unary = unary("asin", "asin(x)");
/** The inverse of the cosine; NaN outside [-1, 1]. */
export const acos: Unary = unary("acos", "acos(x)");
/** The inverse of the tangent. */
export const atan: Unary = unary("atan", "atan(x)");
/** The hyperbolic sine. */
export const sinh: Unary = unary("sinh", "sinh(x)");
/** The hyperbolic cosine. */
export const cosh: Unary = unary("cosh", "cosh(x)");
/** The hyperbolic tangent. */
export const tanh: Unary = unary("tanh", "tanh(x)");
/** The inverse of the hyperbolic sine. */
export const asinh: Unary = unary("asinh", "asinh(x)");
/** The inverse of the hyperbolic cosine; NaN below 1. */
export const acosh: Unary = unary("acosh", "acosh(x)");
/** The inverse of the hyperbolic tangent; NaN outside [-1, 1]. */
export const atanh: Unary = unary("atanh", "atanh(x)");
/** sin(πx) / (πx), and 1 at 0. */
export const sinc: Unary = unary("sinc", "where(x == 0, 1, sin(pi * x) / (pi * x))", {
  grad: "where(x == 0, 0, g * (cos(pi * x) - y) / x)",
});
/** Degrees to radians. */
export const deg2rad: Unary = unary("deg2rad", "x * (pi / 180)");
/** Radians to degrees. */
export const rad2deg: Unary = unary("rad2deg", "x * (180 / pi)");

// ---- activations and special functions ----------------------------------------------------------------------------

/** 1 / (1 + exp(-x)). */
export const sigmoid: Unary = unary("sigmoid", "sigmoid(x)");
/** max(x, 0); its gradient at 0 is 0. */
export const relu: Unary = unary("relu", "max(x, 0)", {
  grad: "where(y > 0, g, 0)",
  dtypes: noBool("Boolean inputs not supported for relu"),
});
/** The error function. */
export const erf: Unary = unary("erf", "erf(x)");
/** 1 - erf(x), accurate where that is tiny. */
export const erfc: Unary = unary("erfc", "erfc(x)");
/** The inverse of the error function; NaN outside [-1, 1]. */
export const erfinv: Unary = unary("erfinv", "erfinv(x)");
/** The logarithm of the absolute value of the gamma function. */
export const lgamma: Unary = unary("lgamma", "lgamma(x)");
/** The derivative of {@linkcode lgamma}. */
export const digamma: Unary = unary("digamma", "digamma(x)");
/** The modified Bessel function of the first kind of order 0. */
export const i0: Unary = unary("i0", "i0(x)");

// ---- rounding -----------------------------------------------------------------------------------------------------

/** Rounded down. */
export const floor: Unary = unary("floor", "floor(x)");
/** Rounded up. */
export const ceil: Unary = unary("ceil", "ceil(x)");
/** Rounded towards zero. */
export const trunc: Unary = unary("trunc", "trunc(x)");
/** x - trunc(x), with the sign of x. */
export const frac: Unary = unary("frac", "x - trunc(x)", { dtypes: floatsOnly("frac_cpu") });

// ---- two inputs ---------------------------------------------------------------------------------------------------

/** a * b. */
export const mul: Binary = binary("mul", "a * b", { commutes: true });
/** The larger of a and b; NaN if one of them is. Equal inputs share the gradient. */
export const maximum: Binary = binary("maximum", "max(a, b)");
/** The smaller of a and b; NaN if one of them is. Equal inputs share the gradient. */
export const minimum: Binary = binary("minimum", "min(a, b)");
/** The larger of a and b; the other one if one of them is NaN. */
export const fmax: Binary = binary("fmax", "fmax(a, b)");
/** The smaller of a and b; the other one if one of them is NaN. */
export const fmin: Binary = binary("fmin", "fmin(a, b)");
/** The remainder of a / b, with the sign of b: a - b · floor(a / b). */
export const remainder: Binary = binary("remainder", "a % b", {
  gradFn: "RemainderBackward1",
  scalarGradFn: "RemainderBackward0",
  dtypes: noBool("\"remainder_cpu\" not implemented for 'Bool'"),
});
/** The remainder of a / b, with the sign of a: a - b · trunc(a / b). */
export const fmod: Binary = binary("fmod", "fmod(a, b)", {
  gradFn: "FmodBackward1",
  scalarGradFn: "FmodBackward0",
  dtypes: noBool("\"fmod_cpu\" not implemented for 'Bool'"),
});
/** a / b rounded down. RangeError for integers divided by zero. */
export const floorDivide: Binary = binary("floorDivide", "floorDiv(a, b)", {
  grad: null,
  dtypes: noBool("\"div_floor_cpu\" not implemented for 'Bool'"),
});
/** The angle of the point (b, a): the arc tangent of a / b in the right quadrant. */
export const atan2: Binary = binary("atan2", "atan2(a, b)");
/** sqrt(a² + b²). */
export const hypot: Binary = binary("hypot", "sqrt(a * a + b * b)", { grad: ["g * (a / y)", "g * (b / y)"] });
/** The magnitude of a with the sign of b. */
export const copysign: Binary = binary("copysign", "copysign(a, b)");
/** log(exp(a) + exp(b)), without overflow. */
export const logaddexp: Binary = binary(
  "logaddexp",
  "where(a == b, a + log(2), max(a, b) + log1p(exp(-abs(a - b))))",
  { grad: ["g * sigmoid(a - b)", "g * sigmoid(b - a)"], dtypes: floatsOnly("logaddexp_cpu") },
);
/** log2(2^a + 2^b), without overflow. */
export const logaddexp2: Binary = binary(
  "logaddexp2",
  "where(a == b, a + 1, max(a, b) + log1p(exp2(-abs(a - b))) / log(2))",
  {
    grad: ["g * sigmoid((a - b) * log(2))", "g * sigmoid((b - a) * log(2))"],
    dtypes: floatsOnly("logaddexp2_cpu"),
  },
);
/** a · log(b), and 0 where a is 0 and b is not NaN. */
export const xlogy: Binary = binary("xlogy", "where(isnan(b), nan, where(a == 0, 0, a * log(b)))", {
  grad: ["where(a == 0 && b <= 0, 0, g * log(b))", "g * a / b"],
});
/** a · 2^b. */
export const ldexp: Binary = binary("ldexp", "a * exp2(b)", { gradFn: "MulBackward0" });
/** 0 where a is negative or NaN, b where it is 0, 1 where it is positive. */
export const heaviside: Binary = binary("heaviside", "where(a == 0, b, where(a > 0, 1, 0))", { grad: null });

// ---- integers and bits --------------------------------------------------------------------------------------------

/** The greatest common divisor of integers. */
export const gcd: Binary = binary("gcd", "gcd(a, b)", { dtypes: wholeOnly("gcd_cpu") });
/** The least common multiple of integers. */
export const lcm: Binary = binary("lcm", "lcm(a, b)", { dtypes: wholeOnly("lcm_cpu") });
/** The bits that both integers have; logical and of bools. */
export const bitwiseAnd: Binary = binary("bitwiseAnd", "bitAnd(a, b)", {
  dtypes: wholeOnly("bitwise_and_cpu", true),
});
/** The bits that at least one integer has; logical or of bools. */
export const bitwiseOr: Binary = binary("bitwiseOr", "bitOr(a, b)", {
  dtypes: wholeOnly("bitwise_or_cpu", true),
});
/** The bits that exactly one integer has; exclusive or of bools. */
export const bitwiseXor: Binary = binary("bitwiseXor", "bitXor(a, b)", {
  dtypes: wholeOnly("bitwise_xor_cpu", true),
});
/** a · 2^b for integers: the bits of a moved to the left; 0 where b is negative or too large. */
export const bitwiseLeftShift: Binary = binary("bitwiseLeftShift", "shiftLeft(a, b)", {
  dtypes: wholeOnly("lshift_cpu"),
});
/** a / 2^b rounded down for integers: the bits of a moved to the right. */
export const bitwiseRightShift: Binary = binary("bitwiseRightShift", "shiftRight(a, b)", {
  dtypes: wholeOnly("rshift_cpu"),
});

// ---- other names --------------------------------------------------------------------------------------------------

/** The same as {@linkcode neg}. */
export const negative: Unary = alias("negative", neg);
/** The same as {@linkcode abs}. */
export const absolute: Unary = alias("absolute", abs);
/** The same as {@linkcode trunc}. */
export const fix: Unary = alias("fix", trunc);
/** The same as {@linkcode asin}. */
export const arcsin: Unary = alias("arcsin", asin);
/** The same as {@linkcode acos}. */
export const arccos: Unary = alias("arccos", acos);
/** The same as {@linkcode atan}. */
export const arctan: Unary = alias("arctan", atan);
/** The same as {@linkcode asinh}. */
export const arcsinh: Unary = alias("arcsinh", asinh);
/** The same as {@linkcode acosh}. */
export const arccosh: Unary = alias("arccosh", acosh);
/** The same as {@linkcode atanh}. */
export const arctanh: Unary = alias("arctanh", atanh);
/** The same as {@linkcode atan2}. */
export const arctan2: Binary = alias("arctan2", atan2);
/** The same as {@linkcode mul}. */
export const multiply: Binary = alias("multiply", mul);
