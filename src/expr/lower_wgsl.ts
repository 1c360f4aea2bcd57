/**
 * Lowers programs to WGSL: THE table of how each primitive is spelled there, and a walk as in `lower_js.ts`.
 *
 * Three arithmetics: `float` in f32, for float32 and float16; `double` in f64, where a device has it; `int` in i32. Functions
 * named `m_...` come from the other files whose names begin with `wgsl_`; only those that a program needs are written out,
 * because every line costs time to compile.
 * @module
 */
import type { Expr } from "./expr.ts";
import { postorder } from "./expr.ts";
import type { FoldTarget } from "./lower_fold.ts";
import { primitives, spell } from "./primitives.ts";
import { expandPowers, type Program } from "./program.ts";
import { doubleSpecialWgsl } from "./wgsl_double_special.ts";
import { doubleWgsl } from "./wgsl_doubles.ts";
import { elementaryWgsl } from "./wgsl_functions.ts";
import { specialWgsl } from "./wgsl_special.ts";

/** The arithmetic of the generated code: f32, f64 or i32. */
export type WgslFlavor = "float" | "double" | "int";

/** WGSL of a program. Input number `k` is the identifier `x<k>`, a number of the arithmetic. */
export interface WgslSource {
  /** Functions that the statements call. If they say so, the module has to define `fn zero() -> u32`, which gives 0. */
  readonly functions: string;
  /** Statements that define what the results use. */
  readonly statements: string;
  /** For each output an expression that gives its number; a truth value gives 1 or 0. */
  readonly results: readonly string[];
  /** For each output a bool: whether it is not 0. */
  readonly truths: readonly string[];
  /** Of a program for what is frequent, a bool: whether an argument was one that its functions do not know; else "". */
  readonly rare: string;
}

type Spellings = Partial<Record<WgslFlavor, string>>;

/** The same in every arithmetic. */
const all = (text: string): Spellings => ({ float: text, double: text, int: text });

/** Of f32 alone. */
const real = (float: string): Spellings => ({ float });

/** A function of f32 and one of f64. */
const elementary = (call: string): Spellings => ({ float: `m_${call}`, double: `m_d_${call}` });

/** The table. A primitive or arithmetic that is missing is refused. */
const spellings: Readonly<Record<string, Spellings>> = {
  add: all("a + b"),
  sub: all("a - b"),
  mul: all("a * b"),
  neg: all("-a"),
  div: { float: "a / b", double: "a / b" },
  pow: { ...elementary("pow(a, b)"), int: "m_int_pow(a, b)" },
  floorDiv: { ...elementary("floor_div(a, b)"), int: "m_int_floor_div(a, b)" },
  truncDiv: { float: "trunc(a / b)", double: "trunc(a / b)", int: "a / b" },
  remainder: { ...elementary("remainder(a, b)"), int: "m_int_remainder(a, b)" },
  fmod: { ...elementary("fmod(a, b)"), int: "a % b" },

  exp: elementary("exp(a)"),
  exp2: elementary("exp2(a)"),
  expm1: elementary("expm1(a)"),
  log: elementary("log(a)"),
  log2: elementary("log2(a)"),
  log10: elementary("log10(a)"),
  log1p: elementary("log1p(a)"),
  sigmoid: elementary("sigmoid(a)"),
  softplus: elementary("softplus(a)"),
  sqrt: { float: "sqrt(a)", double: "sqrt(a)" },
  rsqrt: { float: "1.0 / sqrt(a)", double: "1.0lf / sqrt(a)" },

  sin: elementary("sin(a)"),
  cos: elementary("cos(a)"),
  tan: elementary("tan(a)"),
  asin: elementary("asin(a)"),
  acos: elementary("acos(a)"),
  atan: elementary("atan(a)"),
  atan2: elementary("atan2(a, b)"),
  sinh: elementary("sinh(a)"),
  cosh: elementary("cosh(a)"),
  tanh: elementary("tanh(a)"),
  asinh: elementary("asinh(a)"),
  acosh: elementary("acosh(a)"),
  atanh: elementary("atanh(a)"),

  erf: elementary("erf(a)"),
  erfc: elementary("erfc(a)"),
  erfcx: elementary("erfcx(a)"),
  erfinv: elementary("erfinv(a)"),
  lgamma: elementary("lgamma(a)"),
  digamma: elementary("digamma(a)"),
  polygamma: elementary("polygamma(a, b)"),
  i0: elementary("i0(a)"),
  i1: elementary("i1(a)"),

  floor: { float: "floor(a)", double: "floor(a)", int: "a" },
  ceil: { float: "ceil(a)", double: "ceil(a)", int: "a" },
  trunc: { float: "trunc(a)", double: "trunc(a)", int: "a" },
  round: { float: "round(a)", double: "round(a)", int: "a" },
  abs: all("abs(a)"),
  sign: { ...elementary("sign(a)"), int: "sign(a)" },
  copysign: elementary("copysign(a, b)"),
  max: { float: "m_max(a, b)", double: "select(b, a, a >= b || !(a == a))", int: "max(a, b)" },
  min: { float: "m_min(a, b)", double: "select(b, a, a <= b || !(a == a))", int: "min(a, b)" },
  fmax: {
    float: "select(b, a, a >= b || m_isnan(b))",
    double: "select(b, a, a >= b || !(b == b))",
    int: "max(a, b)",
  },
  fmin: {
    float: "select(b, a, a <= b || m_isnan(b))",
    double: "select(b, a, a <= b || !(b == b))",
    int: "min(a, b)",
  },

  where: all("select(c, b, a)"),
  eq: all("a == b"),
  // a != b is false for NaN on some drivers
  ne: all("!(a == b)"),
  lt: all("a < b"),
  le: all("a <= b"),
  gt: all("a > b"),
  ge: all("a >= b"),
  and: all("a && b"),
  or: all("a || b"),
  xor: all("a != b"),
  not: all("!a"),
  isnan: { float: "m_isnan(a)", double: "!(a == a)", int: "false" },
  isinf: { float: "m_isinf(a)", double: "abs(a) == m_d_inf()", int: "false" },
  signbit: { ...elementary("signbit(a)"), int: "a < 0" },

  fround: real("a"),
  nextafter: { double: "m_d_nextafter(a, b)" },
  nextafter32: real("m_nextafter(a, b)"),

  gcd: { int: "m_gcd(a, b)" },
  lcm: { int: "m_lcm(a, b)" },
  bitAnd: { int: "a & b" },
  bitOr: { int: "a | b" },
  bitXor: { int: "a ^ b" },
  bitNot: { int: "~a" },
  shiftLeft: { int: "select(a << (bitcast<u32>(b) & 31u), 0, bitcast<u32>(b) > 31u)" },
  shiftRight: { int: "a >> min(bitcast<u32>(b), 31u)" },
};

/** Functions of f32 that are shorter where their argument is none of the rare ones, and which those are. */
const frequent: Readonly<Record<string, { readonly call: string; readonly rare: string }>> = {
  sin: { call: "m_sin_near(a)", rare: "m_far(a)" },
  cos: { call: "m_cos_near(a)", rare: "m_far(a)" },
  tan: { call: "m_tan_near(a)", rare: "m_far(a)" },
};

const kindNames: Readonly<Record<WgslFlavor, string>> = {
  float: "float32 on the GPU",
  double: 'float64 on the GPU: convert to "float32", or use device "cpu"',
  int: "integers on the GPU",
};

/** Whether a program has a meaning in this arithmetic. */
export function hasWgsl(p: Program, flavor: WgslFlavor): boolean {
  return postorder(expandPowers(p.outputs)).every((e) =>
    e.args.length === 0 || spellings[e.op]?.[flavor] !== undefined
  );
}

/** How a primitive of `a`, `b` and `c` is spelled in this arithmetic, if it is. */
export function wgslSpelling(op: string, flavor: WgslFlavor): string | undefined {
  return spellings[op]?.[flavor];
}

/** Writes a step of a program differently: its value, its primitive, and what that is applied to. */
export type WgslStep = (value: string, op: string, args: readonly string[]) => string;

/**
 * Lowers a program. `step` rewrites each step that gives a number: brings integers into the range of a narrower type, say. With
 * `quick` its functions are those for frequent arguments, where there are any: the results mean nothing where `rare` is true.
 *
 * @throws {TypeError} if the program uses a primitive or constant that the arithmetic does not have.
 * @throws {RangeError} if it raises an integer to a constant negative power.
 */
export function lowerWgsl(p: Program, flavor: WgslFlavor, step?: WgslStep, quick = false): WgslSource {
  const texts = new Map<Expr, string>();
  const one = number(1, flavor, p), zero = number(0, flavor, p);
  const isTruth = (e: Expr) => e.args.length > 0 && primitives[e.op].kind === "bool";
  const asNumber = (e: Expr) => isTruth(e) ? `select(${zero}, ${one}, ${texts.get(e)})` : texts.get(e)!;
  const asTruth = (e: Expr) =>
    isTruth(e)
      ? texts.get(e)!
      : flavor === "float"
      ? `m_truth(${texts.get(e)})`
      : `!(${texts.get(e)} == ${zero})`;

  const roots = flavor === "int" ? p.outputs : expandPowers(p.outputs);
  const lines: string[] = [], rare = new Set<string>();
  for (const e of postorder(roots)) {
    if (e.op === "input") {
      texts.set(e, `x${p.inputs.indexOf(e.name!)}`);
    } else if (e.op === "const") {
      texts.set(e, number(e.value!, flavor, p));
    } else {
      const { params, truths, kind } = primitives[e.op];
      const known = quick && flavor === "float" ? frequent[e.op] : undefined;
      const spelling = known?.call ?? spellings[e.op]?.[flavor];
      if (spelling === undefined) {
        throw new TypeError(`${e.op} is not implemented for ${kindNames[flavor]} (in ${p.name})`);
      }
      if (e.op === "pow" && flavor === "int" && e.args[1].op === "const" && e.args[1].value! < 0) {
        throw new RangeError("Integers to negative integer powers are not allowed.");
      }
      const args = e.args.map((a, i) => truths.includes(params[i]) ? asTruth(a) : asNumber(a));
      const name = `t${lines.length}`;
      const value = spell(spelling, params, args);
      if (known !== undefined) rare.add(spell(known.rare, params, args));
      lines.push(
        `let ${name} = ${kind === "same" && step !== undefined ? step(`(${value})`, e.op, args) : value};`,
      );
      texts.set(e, name);
    }
  }
  const statements = lines.join("\n");
  const results = roots.map(asNumber), truths = roots.map(asTruth);
  return {
    functions: wgslFunctions([statements, ...results, ...truths, ...rare].join("\n")),
    statements,
    results,
    truths,
    rare: [...rare].join(" || "),
  };
}

/** How folds are written in WGSL, of elements in this arithmetic. */
export function wgslFoldTarget(element: WgslFlavor, name: string): FoldTarget {
  const flavor = (kind: string): WgslFlavor => kind === "element" ? element : "int";
  const convert = { float: "f32", double: "f64", int: "" };
  return {
    constant: "let",
    powers: element !== "int",
    spelling(op, kind) {
      const spelling = spellings[op]?.[flavor(kind)];
      if (spelling !== undefined) return spelling;
      throw new TypeError(`${op} is not implemented for ${kindNames[flavor(kind)]} (in ${name})`);
    },
    // the smallest and the largest number stand for the infinities that integers do not have
    number: (value, kind) =>
      flavor(kind) === "int" && Math.abs(value) === Infinity
        ? value < 0 ? "(-2147483647 - 1)" : "2147483647"
        : number(value, flavor(kind), { name }),
    count: (text, kind) => `${convert[flavor(kind)]}(${text})`,
    truth: (text, kind) =>
      flavor(kind) === "float" ? `m_truth(${text})` : `!(${text} == ${number(0, flavor(kind), { name })})`,
    fromTruth: (text, kind) =>
      `select(${number(0, flavor(kind), { name })}, ${number(1, flavor(kind), { name })}, ${text})`,
  };
}

/** A constant. Compilers refuse infinities and NaN, and some flush small numbers: those come from their bits. */
function number(value: number, flavor: WgslFlavor, p: { readonly name: string }): string {
  if (flavor === "int") {
    if (!Number.isInteger(value)) {
      throw new TypeError(
        `the constant ${value} is not an integer, but ${p.name} is computed in ${kindNames.int}`,
      );
    }
    const v = value | 0;
    return v === -(2 ** 31) ? "(-2147483647 - 1)" : v < 0 ? `(${v})` : String(v);
  }
  if (flavor === "double") {
    if (Number.isFinite(value)) return `${Object.is(value, -0) ? "(-0.0" : `(${decimal(value)}`}lf)`;
    return Number.isNaN(value) ? "m_d_nan()" : value > 0 ? "m_d_inf()" : "(-m_d_inf())";
  }
  const rounded = Math.fround(value);
  if (Number.isFinite(rounded) && Math.abs(rounded) >= 2 ** -126) {
    return rounded < 0 ? `(${decimal(rounded)})` : decimal(rounded);
  }
  if (Object.is(rounded, 0)) return "0.0";
  const bits = new Uint32Array(Float32Array.of(rounded).buffer)[0];
  return `m_bits(0x${bits.toString(16)}u)`;
}

function decimal(value: number): string {
  const text = String(value);
  return /[.e]/.test(text) ? text : `${text}.0`;
}

const doubles = `
fn m_int_of_double(v: f64) -> i32 {
  let t = trunc(v);
  let r = t - floor(t / 4294967296.0lf) * 4294967296.0lf;
  if (!(r == r)) { return 0; }
  return select(i32(r), i32(r - 4294967296.0lf), r >= 2147483648.0lf);
}
`;

/** Source of each function, and what comes before it (comments, tables that it uses), by name. */
let library: Map<string, string> | undefined;

function functions(): Map<string, string> {
  if (library === undefined) {
    library = new Map();
    for (
      const part of (elementaryWgsl + specialWgsl + doubleWgsl + doubleSpecialWgsl + doubles).split(
        /^(?=fn |struct |var<private> )/m,
      )
    ) {
      const name = /^(?:fn|struct|var<private>) (m_\w+)/.exec(part)?.[1];
      if (name !== undefined) library.set(name, part.replace(/\n\/\/.*$/gm, "").trim());
    }
  }
  return library;
}

/** The functions that WGSL code calls, and those that they call. */
export function wgslFunctions(code: string): string {
  const known = functions(), needed = new Set<string>();
  const visit = (text: string): void => {
    for (const [name] of text.matchAll(/\bm_\w+/g)) {
      if (needed.has(name) || !known.has(name)) continue;
      needed.add(name);
      visit(known.get(name)!);
    }
  };
  visit(code);
  return [...known].filter(([name]) => needed.has(name)).map(([, text]) => text).join("\n");
}
