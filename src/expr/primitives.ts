/**
 * The primitives of the scalar language: THE table. One row says everything about one primitive: what its arguments mean,
 * how it is differentiated (in the language itself), and how JavaScript spells it. A pointwise operation is a line of
 * mathematics over these, and its gradient follows from theirs, unless it has a reason to say its own.
 *
 * Spellings are expressions over the parameter names `a`, `b`, `c`. A lowering replaces the names by identifiers or
 * literals, so no spelling needs brackets. `special.f` is a function of `special.ts`. Other targets have tables of spellings
 * of their own: `lower_wgsl.ts`, `lower_tex.ts`, and for WebAssembly `backend/cpu/wasm/spellings.ts`.
 * @module
 */
import * as special from "./special.ts";

/** What a primitive gives: the type it computes in, a truth value, or a float even when its arguments are integers. */
export type ResultKind = "same" | "bool" | "float";

/** One row of the table. */
export interface Primitive {
  /** Names of the arguments, as the rules and spellings use them. */
  readonly params: readonly string[];
  /** What it gives. */
  readonly kind: ResultKind;
  /** Parameters that are truth values (a condition) and not numbers. */
  readonly truths: readonly string[];
  /** For each parameter the gradient, in terms of the parameters, `g` (the incoming gradient) and `y` (the result); `null`: none. */
  readonly grad: readonly (string | null)[];
  /** JavaScript on numbers that are floats. */
  readonly float?: string;
  /** JavaScript on numbers that are integers of up to 32 bits; exact modulo 2^32, the store wraps to the element type. */
  readonly int?: string;
  /** JavaScript on BigInts, exact modulo 2^64. */
  readonly bigint?: string;
}

type Columns = Pick<Primitive, "float" | "int" | "bigint"> & { truths?: string };
type Rules = string | null | readonly (string | null)[];

function row(kind: ResultKind, params: string, grad: Rules, columns: Columns): Primitive {
  const names = params.split(" ");
  const rules = grad === null || typeof grad === "string" ? names.map(() => grad) : grad;
  return { kind, params: names, grad: rules, ...columns, truths: columns.truths?.split(" ") ?? [] };
}

/** Arithmetic in the type of the arguments. */
const same = (params: string, grad: Rules, columns: Columns): Primitive => row("same", params, grad, columns);

/** A function of real numbers: float spelling only. */
const real = (params: string, grad: Rules, float: string): Primitive => row("float", params, grad, { float });

/** A truth value; the same spelling does for every arithmetic. */
const test = (params: string, all: string, truths?: string): Primitive =>
  row("bool", params, null, { float: all, int: all, bigint: all, truths });

/** Of whole numbers and their bits: no meaning for floats. */
const bits = (params: string, int: string, bigint: string): Primitive =>
  row("same", params, null, { int, bigint });

/** Rounding: integers are already whole. */
const whole = (float: string): Primitive => same("a", null, { float, int: "a", bigint: "a" });

/** The table of primitives, by name. */
export const primitives: Readonly<Record<string, Primitive>> = {
  // Arithmetic
  add: same("a b", "g", { float: "a + b", int: "a + b | 0", bigint: "BigInt.asIntN(64, a + b)" }),
  sub: same("a b", ["g", "-g"], { float: "a - b", int: "a - b | 0", bigint: "BigInt.asIntN(64, a - b)" }),
  mul: same("a b", ["g * b", "g * a"], {
    float: "a * b",
    int: "Math.imul(a, b)",
    bigint: "BigInt.asIntN(64, a * b)",
  }),
  neg: same("a", "-g", { float: "-a", int: "0 - a | 0", bigint: "BigInt.asIntN(64, -a)" }),
  div: real("a b", ["g / b", "-(g / b * a / b)"], "a / b"),
  pow: same("a b", [
    "where(b == 0, 0, g * (b * a ** (b - 1)))",
    "where(a == 0 && b >= 0, 0, g * (y * log(a)))",
  ], { float: "special.pow(a, b)", int: "special.intPow(a, b)", bigint: "special.bigPow(a, b)" }),
  floorDiv: same("a b", null, {
    float: "special.floorDiv(a, b)",
    int: "special.intFloorDiv(a, b)",
    bigint: "special.bigFloorDiv(a, b)",
  }),
  truncDiv: same("a b", null, {
    float: "Math.trunc(a / b)",
    int: "special.intTruncDiv(a, b)",
    bigint: "special.bigTruncDiv(a, b)",
  }),
  remainder: same("a b", ["g", "-g * floorDiv(a, b)"], {
    float: "special.remainder(a, b)",
    int: "special.intRemainder(a, b)",
    bigint: "special.bigRemainder(a, b)",
  }),
  fmod: same("a b", ["g", "-g * truncDiv(a, b)"], {
    float: "a % b",
    int: "special.intFmod(a, b)",
    bigint: "special.bigFmod(a, b)",
  }),

  // Exponentials and logarithms
  exp: real("a", "g * y", "Math.exp(a)"),
  exp2: real("a", "g * y * log(2)", "2 ** a"),
  expm1: real("a", "g * (y + 1)", "Math.expm1(a)"),
  log: real("a", "g / a", "Math.log(a)"),
  log2: real("a", "g / (a * log(2))", "Math.log2(a)"),
  log10: real("a", "g / (a * log(10))", "Math.log10(a)"),
  log1p: real("a", "g / (a + 1)", "Math.log1p(a)"),
  sigmoid: real("a", "g * (1 - y) * y", "special.sigmoid(a)"),
  softplus: real("a", "g * sigmoid(a)", "special.softplus(a)"),
  sqrt: real("a", "g / (2 * y)", "Math.sqrt(a)"),
  rsqrt: real("a", "-0.5 * g * y ** 3", "1 / Math.sqrt(a)"),

  // Trigonometric and hyperbolic functions
  sin: real("a", "g * cos(a)", "Math.sin(a)"),
  cos: real("a", "g * -sin(a)", "Math.cos(a)"),
  tan: real("a", "g * (1 + y * y)", "Math.tan(a)"),
  asin: real("a", "g * rsqrt(1 - a * a)", "Math.asin(a)"),
  acos: real("a", "g * -rsqrt(1 - a * a)", "Math.acos(a)"),
  atan: real("a", "g / (a * a + 1)", "Math.atan(a)"),
  atan2: real("a b", ["g * (b / (a * a + b * b))", "g * (-a / (a * a + b * b))"], "Math.atan2(a, b)"),
  sinh: real("a", "g * cosh(a)", "Math.sinh(a)"),
  cosh: real("a", "g * sinh(a)", "Math.cosh(a)"),
  tanh: real("a", "g * (1 - y * y)", "Math.tanh(a)"),
  asinh: real("a", "g * rsqrt(a * a + 1)", "Math.asinh(a)"),
  acosh: real("a", "g * rsqrt(a * a - 1)", "Math.acosh(a)"),
  atanh: real("a", "g / (1 - a * a)", "Math.atanh(a)"),

  // Special functions
  erf: real("a", "2 / sqrt(pi) * g * exp(-(a * a))", "special.erf(a)"),
  erfc: real("a", "-2 / sqrt(pi) * g * exp(-(a * a))", "special.erfc(a)"),
  erfcx: real("a", "g * (2 * a * y - 2 / sqrt(pi))", "special.erfcx(a)"),
  erfinv: real("a", "sqrt(pi) / 2 * g * exp(y * y)", "special.erfinv(a)"),
  lgamma: real("a", "g * digamma(a)", "special.lgamma(a)"),
  digamma: real("a", "g * polygamma(1, a)", "special.digamma(a)"),
  polygamma: real("a b", [null, "g * polygamma(a + 1, b)"], "special.polygamma(a, b)"),
  i0: real("a", "g * i1(a)", "special.i0(a)"),
  i1: real("a", "g * where(a == 0, 0.5, i0(a) - y / a)", "special.i1(a)"),

  // Rounding, sign, extremes
  floor: whole("Math.floor(a)"),
  ceil: whole("Math.ceil(a)"),
  trunc: whole("Math.trunc(a)"),
  round: whole("special.round(a)"),
  abs: same("a", "g * sign(a)", {
    float: "Math.abs(a)",
    int: "Math.abs(a) | 0",
    bigint: "special.bigAbs(a)",
  }),
  // PyTorch gives sign(nan) = 0
  sign: same("a", null, {
    float: "a > 0 ? 1 : a < 0 ? -1 : 0",
    int: "a > 0 ? 1 : a < 0 ? -1 : 0",
    bigint: "a > 0n ? 1n : a < 0n ? -1n : 0n",
  }),
  copysign: real("a b", ["where(a == 0, 0, g * (y / a))", null], "special.copysign(a, b)"),
  // NaN wins; at a tie (0 and -0 too) it is the first, and each side gets half of the gradient
  max: same("a b", ["where(a == b, g / 2, where(a < b, 0, g))", "where(a == b, g / 2, where(b < a, 0, g))"], {
    float: "a >= b || a !== a ? a : b",
    int: "Math.max(a, b)",
    bigint: "a > b ? a : b",
  }),
  min: same("a b", ["where(a == b, g / 2, where(a > b, 0, g))", "where(a == b, g / 2, where(b > a, 0, g))"], {
    float: "a <= b || a !== a ? a : b",
    int: "Math.min(a, b)",
    bigint: "a < b ? a : b",
  }),
  // The number wins over NaN; at a tie the first gets all
  fmax: same("a b", ["where(a >= b || isnan(b), g, 0)", "where(a >= b || isnan(b), 0, g)"], {
    float: "a >= b || b !== b ? a : b",
    int: "Math.max(a, b)",
    bigint: "a > b ? a : b",
  }),
  fmin: same("a b", ["where(a <= b || isnan(b), g, 0)", "where(a <= b || isnan(b), 0, g)"], {
    float: "a <= b || b !== b ? a : b",
    int: "Math.min(a, b)",
    bigint: "a < b ? a : b",
  }),

  // Choice, comparison, logic
  where: same("a b c", [null, "where(a, g, 0)", "where(a, 0, g)"], {
    float: "a ? b : c",
    int: "a ? b : c",
    bigint: "a ? b : c",
    truths: "a",
  }),
  eq: test("a b", "a === b"),
  ne: test("a b", "a !== b"),
  lt: test("a b", "a < b"),
  le: test("a b", "a <= b"),
  gt: test("a b", "a > b"),
  ge: test("a b", "a >= b"),
  and: test("a b", "a && b", "a b"),
  or: test("a b", "a || b", "a b"),
  xor: test("a b", "a !== b", "a b"),
  not: test("a", "!a", "a"),
  isnan: test("a", "a !== a"),
  isinf: test("a", "a === Infinity || a === -Infinity"),
  signbit: row("bool", "a", null, { float: "a < 0 || Object.is(a, -0)", int: "a < 0", bigint: "a < 0n" }),

  // The nearest float32; in float32 arithmetic a number is that already
  fround: same("a", "g", { float: "Math.fround(a)" }),
  // The next number of the type in the direction of b; float32 and float64 differ, so each has its own
  nextafter: same("a b", ["g", null], { float: "special.nextafter(a, b)" }),
  nextafter32: same("a b", ["g", null], { float: "special.nextafter32(a, b)" }),

  // Whole numbers
  gcd: bits("a b", "special.intGcd(a, b)", "special.bigGcd(a, b)"),
  lcm: bits("a b", "special.intLcm(a, b)", "special.bigLcm(a, b)"),

  // Bits of integers
  bitAnd: bits("a b", "a & b", "a & b"),
  bitOr: bits("a b", "a | b", "a | b"),
  bitXor: bits("a b", "a ^ b", "a ^ b"),
  bitNot: bits("a", "~a", "~a"),
  shiftLeft: bits("a b", "b >>> 0 > 31 ? 0 : a << b", "b < 0n || b > 63n ? 0n : BigInt.asIntN(64, a << b)"),
  shiftRight: bits("a b", "a >> (b >>> 0 > 31 ? 31 : b)", "a >> (b < 0n || b > 63n ? 63n : b)"),
};

/** Whether the language has a primitive of this name. */
export function isPrimitive(name: string): boolean {
  return Object.hasOwn(primitives, name);
}

/** Functions that the parser writes out in the language itself. */
export const compositions: Readonly<
  Record<string, { readonly params: readonly string[]; readonly body: string }>
> = {
  square: { params: ["a"], body: "a * a" },
  reciprocal: { params: ["a"], body: "1 / a" },
  hypot: { params: ["a", "b"], body: "sqrt(a * a + b * b)" },
  clamp: { params: ["a", "b", "c"], body: "min(max(a, b), c)" },
  logSigmoid: { params: ["a"], body: "-softplus(-a)" },
  trigamma: { params: ["a"], body: "polygamma(1, a)" },
};

/** Writes a spelling with the given texts in place of the parameters. */
export function spell(spelling: string, params: readonly string[], texts: readonly string[]): string {
  return spelling.replace(/\b[abc]\b/g, (name) => texts[params.indexOf(name)]);
}

const folders = new Map<string, (...values: (number | boolean)[]) => number | boolean>();

/** The value of a primitive at constants, in float arithmetic; `undefined` where it has none (bit operations). */
export function fold(name: string, values: readonly number[]): number | undefined {
  const { params, float, truths } = primitives[name];
  if (float === undefined) return undefined;
  let folder = folders.get(name);
  if (folder === undefined) {
    folder = new Function("special", `return (${params}) => ${float};`)(special) as typeof folder;
    folders.set(name, folder!);
  }
  return Number(folder!(...values.map((v, i) => truths.includes(params[i]) ? v !== 0 : v)));
}
