/**
 * Activation functions of `nn.functional`: each a line of mathematics, from which kernels and gradients follow.
 * @module
 */

import { checkKeys, checkNumber, checkTensor } from "../../tensor/arguments.ts";
import { normalizeDim } from "../../tensor/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { abs, relu as reluRow, sigmoid as sigmoidRow, tanh as tanhRow } from "../../ops/pointwise.ts";
import { add, div, sub } from "../../ops/arithmetic.ts";
import type { PointwiseOp } from "../../ops/core/pointwise_op.ts";
import { operandTensor, operation, type Plan, run, runInPlace } from "../../ops/core/table.ts";

/** Options of activation functions that can overwrite their input. */
export interface InPlaceOption {
  /** Write the result into the input's memory; false. */
  readonly inplace?: boolean;
}

type Options<T> = Partial<T> & InPlaceOption;

/** Merges options with their defaults; refuses unknown ones. */
function read<T extends object>(name: string, given: unknown, defaults: T): T & { inplace: boolean } {
  const options = given === undefined ? {} : given as object;
  checkKeys(options, name, [...Object.keys(defaults), "inplace"]);
  return { inplace: false, ...defaults, ...options };
}

function finish(
  name: string,
  input: Tensor,
  op: PointwiseOp,
  parameters: readonly number[],
  inplace: boolean,
): Tensor {
  for (const parameter of parameters) checkNumber(parameter, name, "options");
  const plan: Plan = [op, [operandTensor(input, name), ...parameters]];
  return inplace ? runInPlace(plan) : run(plan);
}

const first = { follows: "first" } as const;

// ---- rectifiers ---------------------------------------------------------------------------------------------------

/** max(x, 0). */
export function relu(input: Tensor, options?: InPlaceOption): Tensor {
  return finish("relu", input, reluRow.op, [], read("relu", options, {}).inplace);
}

const LeakyRelu = operation("leakyRelu", "x s", "where(x > 0, x, x * s)", { ...first, names: ["self"] });

/** x above 0, `negativeSlope * x` (0.01) below. */
export function leakyRelu(input: Tensor, options?: Options<{ negativeSlope: number }>): Tensor {
  const { negativeSlope, inplace } = read("leakyRelu", options, { negativeSlope: 0.01 });
  return finish("leakyRelu", input, LeakyRelu, [negativeSlope], inplace);
}

const Prelu = operation("preluKernel", "x w", "where(x > 0, x, w * x)", { names: ["self", "weight"] });

/** As {@linkcode leakyRelu} with learnt slopes: one, or one a channel (dimension 1). */
export function prelu(input: Tensor, weight: Tensor): Tensor {
  checkTensor(input, "prelu", "input", 1);
  checkTensor(weight, "prelu", "weight", 2);
  const channels = input.ndim >= 2 ? input.shape[1] : 1;
  if (weight.ndim > 1) {
    throw new TypeError(
      `prelu: Expected \`weight\` to be a scalar or 1D tensor, but got: ndim = ${weight.ndim}`,
    );
  }
  if (weight.numel() !== 1 && weight.numel() !== channels) {
    throw new TypeError(
      `Mismatch of parameter numbers and input channel size. Found parameter numbers = ${weight.numel()} and channel ` +
        `size = ${channels}.`,
    );
  }
  const wide = input.ndim === 0
    ? weight.reshape([])
    : weight.reshape(input.shape.map((_, d) => d === 1 ? weight.numel() : 1));
  return run([Prelu, [input, input.ndim === 1 ? weight : wide]]);
}

const Rrelu = operation("rreluWithNoise", "x s", "where(x > 0, x, x * s)", { ...first, names: ["self"] });

/** As {@linkcode leakyRelu} with the slope midway between `lower` and `upper`: what a randomized rectifier does outside training. */
export function rrelu(
  input: Tensor,
  options?: Options<{ lower: number; upper: number; training: boolean }>,
): Tensor {
  const { lower, upper, training, inplace } = read("rrelu", options, {
    lower: 1 / 8,
    upper: 1 / 3,
    training: false,
  });
  if (training) throw new TypeError("rrelu(): random slopes are not supported: use training: false");
  return finish("rrelu", input, Rrelu, [(lower + upper) / 2], inplace);
}

const Threshold = operation("threshold", "x t v", "where(x <= t, v, x)", { ...first, names: ["self"] });

/** x where it is above `threshold`, else `value`. */
export function threshold(input: Tensor, limit: number, value: number, options?: InPlaceOption): Tensor {
  checkTensor(input, "threshold", "input", 1);
  return finish("threshold", input, Threshold, [limit, value], read("threshold", options, {}).inplace);
}

const Hardtanh = operation("hardtanh", "x l h", "min(max(x, l), h)", {
  ...first,
  names: ["self"],
  grad: ["where(x <= l || x >= h, 0, g)"],
});

/** x brought into [minVal, maxVal], by default [-1, 1]. */
export function hardtanh(input: Tensor, options?: Options<{ minVal: number; maxVal: number }>): Tensor {
  const { minVal, maxVal, inplace } = read("hardtanh", options, { minVal: -1, maxVal: 1 });
  checkNumber(minVal, "hardtanh", "minVal");
  checkNumber(maxVal, "hardtanh", "maxVal");
  if (minVal > maxVal) throw new RangeError("min_val cannot be greater than max_val");
  return finish("hardtanh", input, Hardtanh, [minVal, maxVal], inplace);
}

/** x brought into [0, 6]. */
export function relu6(input: Tensor, options?: InPlaceOption): Tensor {
  return finish("relu6", input, Hardtanh, [0, 6], read("relu6", options, {}).inplace);
}

const Hardsigmoid = operation("hardsigmoid", "x", "min(max(x + 3, 0), 6) / 6", {
  grad: "where(x > -3 && x < 3, g / 6, 0)",
});

/** A sigmoid of straight lines: 0 below -3, 1 above 3. */
export function hardsigmoid(input: Tensor, options?: InPlaceOption): Tensor {
  return finish("hardsigmoid", input, Hardsigmoid, [], read("hardsigmoid", options, {}).inplace);
}

const Hardswish = operation("hardswish", "x", "x * min(max(x + 3, 0), 6) / 6", {
  grad: "where(x <= -3, 0, where(x < 3, g * (x / 3 + 0.5), g))",
});

/** x times {@linkcode hardsigmoid} of x. */
export function hardswish(input: Tensor, options?: InPlaceOption): Tensor {
  return finish("hardswish", input, Hardswish, [], read("hardswish", options, {}).inplace);
}

const Hardshrink = operation("hardshrink", "x l", "where(x >= -l && x <= l, 0, x)", {
  ...first,
  names: ["self"],
});

/** x, but 0 in [-lambd, lambd] (0.5). */
export function hardshrink(input: Tensor, options: { lambd?: number } = {}): Tensor {
  checkKeys(options, "hardshrink", ["lambd"]);
  return finish("hardshrink", input, Hardshrink, [options.lambd ?? 0.5], false);
}

const Softshrink = operation(
  "softshrink",
  "x l",
  "where(x > l, x - l, where(x < -l, x + l, where(isnan(x), x, 0)))",
  { ...first, names: ["self"], grad: ["where(x >= -l && x <= l, 0, g)"] },
);

/** x brought nearer to 0 by `lambd` (0.5). */
export function softshrink(input: Tensor, options: { lambd?: number } = {}): Tensor {
  checkKeys(options, "softshrink", ["lambd"]);
  const { lambd = 0.5 } = options;
  checkNumber(lambd, "softshrink", "lambd");
  if (!(lambd >= 0)) {
    throw new RangeError(`lambda must be greater or equal to 0, but found to be ${lambd}.`);
  }
  return finish("softshrink", input, Softshrink, [lambd], false);
}

// ---- exponentials -------------------------------------------------------------------------------------------------

/** 1 / (1 + exp(-x)). */
export function sigmoid(input: Tensor): Tensor {
  return sigmoidRow(input);
}

/** The hyperbolic tangent. */
export function tanh(input: Tensor): Tensor {
  return tanhRow(input);
}

const Silu = operation("silu", "x", "x / (1 + exp(-x))", {
  grad: "g * sigmoid(x) * (1 + x * (1 - sigmoid(x)))",
});

/** x times the sigmoid of x. */
export function silu(input: Tensor, options?: InPlaceOption): Tensor {
  return finish("silu", input, Silu, [], read("silu", options, {}).inplace);
}

const Mish = operation("mish", "x", "x * tanh(softplus(x))");

/** x times tanh(softplus(x)). */
export function mish(input: Tensor, options?: InPlaceOption): Tensor {
  return finish("mish", input, Mish, [], read("mish", options, {}).inplace);
}

// exp of what the condition excludes may overflow: min keeps it finite, so that 0 * inf never arises.
const Elu = operation("elu", "x a s i", "where(x > 0, x * s, expm1(x * i) * a * s)", {
  ...first,
  names: ["self"],
  grad: ["where(x > 0, g * s, g * (i * a * s * exp(min(x * i, 0))))"],
});

/** x above 0, `alpha * (exp(x) - 1)` below; alpha 1. */
export function elu(input: Tensor, options?: Options<{ alpha: number }>): Tensor {
  const { alpha, inplace } = read("elu", options, { alpha: 1 });
  return finish("elu", input, Elu, [alpha, 1, 1], inplace);
}

/** The scaled exponential linear unit, whose results keep mean 0 and variance 1. */
export function selu(input: Tensor, options?: InPlaceOption): Tensor {
  const { inplace } = read("selu", options, {});
  return finish("selu", input, Elu, [1.6732632423543772, 1.0507009873554805, 1], inplace);
}

const Celu = operation("celu", "x a", "where(x > 0, x, a * expm1(x / a))", {
  ...first,
  names: ["self"],
  grad: ["where(x > 0, g, g * exp(min(x / a, 0)))"],
});

/** x above 0, `alpha * (exp(x / alpha) - 1)` below; alpha 1. */
export function celu(input: Tensor, options?: Options<{ alpha: number }>): Tensor {
  const { alpha, inplace } = read("celu", options, { alpha: 1 });
  if (alpha === 0) throw new RangeError("ZeroDivisionError: alpha cannot be 0 for CELU");
  return finish("celu", input, Celu, [alpha], inplace);
}

const Gelu = operation("gelu", "x", "x * 0.5 * (1 + erf(x * sqrt(0.5)))");
const GeluTanh = operation(
  "geluTanh",
  "x",
  "0.5 * x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x ** 3)))",
  { gradFn: "GeluBackward0" },
);

/** x times the share of the normal distribution below x; with `approximate: "tanh"` by PyTorch's formula with tanh. */
export function gelu(input: Tensor, options: { approximate?: "none" | "tanh" } = {}): Tensor {
  checkKeys(options, "gelu", ["approximate"]);
  const { approximate = "none" } = options;
  if (approximate !== "none" && approximate !== "tanh") {
    throw new RangeError("approximate argument must be either none or tanh.");
  }
  return finish("gelu", input, approximate === "none" ? Gelu : GeluTanh, [], false);
}

const Softplus = operation("softplus", "x b t", "where(x * b > t, x, softplus(x * b) / b)", {
  ...first,
  names: ["self"],
});

/** log(1 + exp(beta * x)) / beta; above `threshold` (20) x itself. */
export function softplus(input: Tensor, options: { beta?: number; threshold?: number } = {}): Tensor {
  checkKeys(options, "softplus", ["beta", "threshold"]);
  return finish("softplus", input, Softplus, [options.beta ?? 1, options.threshold ?? 20], false);
}

const LogSigmoid = operation("logSigmoid", "x", "-softplus(-x)");

/** The logarithm of the sigmoid, exact where the sigmoid is nearly 0. */
export function logsigmoid(input: Tensor): Tensor {
  return finish("logsigmoid", input, LogSigmoid, [], false);
}

/** x / (1 + |x|). */
export function softsign(input: Tensor): Tensor {
  checkTensor(input, "softsign", "input", 1);
  return div(input, add(abs(input), 1));
}

/** x - tanh(x). */
export function tanhshrink(input: Tensor): Tensor {
  checkTensor(input, "tanhshrink", "input", 1);
  return sub(input, tanhRow(input));
}

const Glu = operation("glu", "a b", "a * sigmoid(b)");

/** The first half of a dimension (the last) times the sigmoid of the second half. */
export function glu(input: Tensor, options: number | { dim?: number } = {}): Tensor {
  checkTensor(input, "glu", "input", 1);
  const dim = typeof options === "number" ? options : checkKeys(options, "glu", ["dim"]).dim ?? -1;
  if (input.ndim === 0) throw new TypeError("glu does not support 0-dimensional tensors");
  const d = normalizeDim(dim, input.ndim), size = input.shape[d];
  if (size % 2 !== 0) {
    throw new TypeError(`Halving dimension must be even, but dimension ${d} is size ${size}`);
  }
  return run([Glu, [input.narrow(d, 0, size / 2), input.narrow(d, size / 2, size / 2)]]);
}
