/**
 * From PyTorch's names and argument lists to ours: snake_case to camelCase, namespaces, dunder methods, and which
 * keyword is a positional argument here.
 *
 * @module
 */
import { dg, isTensor, type Loose } from "./api.ts";
import { helpers } from "./helpers.ts";

/** `log_softmax` -> `logSoftmax`; a trailing underscore (in place) stays. */
export function camelCase(name: string): string {
  return name.replace(/(?<=[A-Za-z0-9])_([a-z0-9])/g, (_, c: string) => c.toUpperCase());
}

/** Python's operators, as our methods: [name, operands swapped]. */
const OPERATORS: Record<string, readonly [string, boolean]> = {
  __add__: ["add", false],
  __radd__: ["add", true],
  __sub__: ["sub", false],
  __rsub__: ["sub", true],
  __mul__: ["mul", false],
  __rmul__: ["mul", true],
  __truediv__: ["div", false],
  __rtruediv__: ["div", true],
  __floordiv__: ["floorDivide", false],
  __rfloordiv__: ["floorDivide", true],
  __mod__: ["remainder", false],
  __rmod__: ["remainder", true],
  __pow__: ["pow", false],
  __rpow__: ["pow", true],
  __neg__: ["neg", false],
  __abs__: ["abs", false],
  __invert__: ["bitwiseNot", false],
  __and__: ["bitwiseAnd", false],
  __or__: ["bitwiseOr", false],
  __xor__: ["bitwiseXor", false],
  __lshift__: ["bitwiseLeftShift", false],
  __rshift__: ["bitwiseRightShift", false],
  __eq__: ["eq", false],
  __ne__: ["ne", false],
  __lt__: ["lt", false],
  __le__: ["le", false],
  __gt__: ["gt", false],
  __ge__: ["ge", false],
  __matmul__: ["matmul", false],
};

/** Arguments that PyTorch's users like to name and that come by position here, in this order. */
const POSITIONAL: Record<string, readonly string[]> = {
  clamp_max: ["max"],
  clamp_min: ["min"],
  cummax: ["dim"],
  cummin: ["dim"],
  cumprod: ["dim"],
  cumsum: ["dim"],
  diagonal: ["offset", "dim1", "dim2"],
  flatten: ["start_dim", "end_dim"],
  logcumsumexp: ["dim"],
  logsumexp: ["dim"],
  scatter_reduce: ["reduce"],
  softmax: ["dim"],
  log_softmax: ["dim"],
  "F.avg_pool1d": ["kernel_size"],
  "F.avg_pool2d": ["kernel_size"],
  "F.avg_pool3d": ["kernel_size"],
  "F.fold": ["output_size", "kernel_size"],
  "F.log_softmax": ["dim"],
  "F.max_pool1d": ["kernel_size"],
  "F.max_pool2d": ["kernel_size"],
  "F.max_pool3d": ["kernel_size"],
  "F.softmax": ["dim"],
  "F.softmin": ["dim"],
  "F.threshold": ["threshold", "value"],
  "F.unfold": ["kernel_size"],
};

/** What stands before a named positional argument when only the later one is given. */
const DEFAULTS: Record<string, unknown> = {
  "flatten.start_dim": 0,
  "diagonal.offset": 0,
  "diagonal.dim1": 0,
};

/** Where a Python int is an operand, so that its being an int decides the dtype: positions and keywords. */
const OPERANDS: Record<string, readonly (number | string)[]> = {
  arange: [0, 1, 2],
  clamp: ["min", "max"],
  clamp_max: [1],
  clamp_min: [1],
  full: [1],
  full_like: [1],
  index_fill: [3],
  masked_fill: [2],
  scalar_tensor: [0],
  scatter: [3],
  where: [1, 2],
  "Tensor.fill_": [1],
  "Tensor.masked_fill_": [2],
  "Tensor.new_full": [2],
  "x.setitem": [2],
};
const ARITHMETIC = new Set(
  ("add sub mul div true_divide floor_divide fmod remainder pow float_power rsub eq ne lt le gt ge maximum minimum " +
    "bitwise_and bitwise_or bitwise_xor bitwise_left_shift bitwise_right_shift gcd lcm").split(" "),
);

/** Is the argument (its position, or its keyword) of the operation an operand of arithmetic? */
export function isOperand(op: string, where: number | string): boolean {
  const base = op.replace(/^Tensor\./, "").replace(/(?<!_)_$/, "");
  if (ARITHMETIC.has(base) || /^__r?[a-z]+__$/.test(base) && base in OPERATORS) {
    return typeof where === "number" || where === "alpha";
  }
  return OPERANDS[op]?.includes(where) ?? false;
}

/** Splits PyTorch's arguments into ours: positions, and an options object with camelCase keys. */
export function ourArguments(op: string, args: unknown[], kw: Record<string, unknown>): unknown[] {
  const positional = [...args];
  const options: Record<string, unknown> = {};
  const named = POSITIONAL[op] ?? [];
  const last = named.findLastIndex((name) => name in kw);
  for (const name of named.slice(0, last + 1)) {
    positional.push(name in kw ? kw[name] : DEFAULTS[`${op}.${name}`]);
  }
  for (const [name, value] of Object.entries(kw)) {
    if (!POSITIONAL[op]?.includes(name)) options[camelCase(name)] = value;
  }
  return Object.keys(options).length > 0 ? [...positional, options] : positional;
}

/** A function of ours that takes the arguments that `ourArguments` made. */
export type Call = (...args: Loose[]) => unknown;

function lookUp(path: readonly string[]): Loose {
  let found: Loose = dg;
  for (const name of path) found = found?.[name];
  return typeof found === "function" ? found : undefined;
}

/** Our function for PyTorch's operation, or undefined where there is none yet. */
export function resolve(op: string): Call | undefined {
  if (op.startsWith("x.")) {
    const helper = helpers[op.slice(2)];
    return helper && helper.needs.every((name) => resolve(name) !== undefined) ? helper.call : undefined;
  }
  const [head, ...rest] = op.split(".");
  if (head === "F") return lookUp(["nn", "functional", camelCase(rest[0])]);
  if (head === "Tensor") return method(rest[0]);
  if (rest.length > 0) return lookUp([head, camelCase(rest[0])]);
  return lookUp([camelCase(op)]) ?? method(op);
}

/** The method of Tensor for PyTorch's name, as a function whose first argument is the tensor. */
export function method(name: string): Call | undefined {
  if (name === "__getitem__" || name === "__setitem__") return resolve(`x.${name.slice(2, -2)}`);
  const [ours, swapped] = OPERATORS[name] ?? [camelCase(name), false];
  if (swapped) {
    // number - tensor: no method of ours, so the function that takes numbers on either side
    return lookUp([ours]) && ((tensor, other, ...more) => dg[ours](other, tensor, ...more));
  }
  if (!(ours in dg.Tensor.prototype)) return undefined;
  return (self, ...args) => {
    const found = isTensor(self) ? self[ours] : undefined;
    return typeof found === "function" ? found.apply(self, args) : found;
  };
}
