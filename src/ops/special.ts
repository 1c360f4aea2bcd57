/**
 * PyTorch's `torch.special`: functions of probability and their relatives.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * dg.special.ndtr(dg.tensor([0, 1.96])); // tensor([0.5000, 0.9750])
 * ```
 * @module
 */

import { type Binary, binary, type Unary, unary } from "./core/table.ts";

const namespace = "special";

/** -x · log(x), 0 at 0, -inf below. */
export const entr: Unary = unary(
  "entr",
  "where(x > 0, -x * log(x), where(x == 0, 0, where(x < 0, -inf, x)))",
  { namespace, grad: "g * (-1 - log(x))" },
);
/** The distribution function of the standard normal distribution. */
export const ndtr: Unary = unary("ndtr", "0.5 * erfc(-x * sqrt(0.5))", {
  namespace,
  gradFn: "MulBackward1",
});
/** The logarithm of {@linkcode ndtr}, accurate far to the left. */
export const logNdtr: Unary = unary(
  "logNdtr",
  "x < -1 ? log(erfcx(-x * sqrt(0.5)) / 2) - x * x / 2 : log1p(-erfc(x * sqrt(0.5)) / 2)",
  { namespace, grad: "g * sqrt(2 / pi) / erfcx(-x * sqrt(0.5))" },
);
/** exp(x²) · erfc(x). */
export const erfcx: Unary = unary("erfcx", "erfcx(x)", { namespace });
/** The modified Bessel function of the first kind of order 1. */
export const i1: Unary = unary("i1", "i1(x)", { namespace });
/** a · log(1 + b), and 0 where a is 0 and b is not NaN. */
export const xlog1py: Binary = binary(
  "xlog1py",
  "where(isnan(b), nan, where(a == 0, 0, a * log1p(b)))",
  { namespace, grad: ["where(a == 0 && b <= -1, 0, g * log1p(b))", "g * a / (b + 1)"] },
);

export {
  digamma,
  digamma as psi,
  erf,
  erfc,
  erfinv,
  exp2,
  expm1,
  i0,
  lgamma as gammaln,
  log1p,
  sigmoid as expit,
  sinc,
  xlogy,
} from "./pointwise.ts";
export { logit, mvlgamma as multigammaln, polygamma, round } from "./parametric.ts";
