/**
 * The language, its derivatives and the kernels against PyTorch's answers: each operation here is one line of mathematics,
 * run on the golden cases whose operands have one element type.
 */
import { assert, assertGreater } from "@std/assert";
import { type Operand, runPointwise } from "../../src/backend/cpu/pointwise_js.ts";
import { gradientProgram, type Program, program } from "../../src/expr/program.ts";
import { allocate, type DType, dtypes, flavorOf } from "../../src/tensor/dtype.ts";

type Line = string | { forward: string; grad: string };

const lines: Readonly<Record<string, Line>> = {
  ...Object.fromEntries(
    ("abs neg sign exp exp2 expm1 log log2 log10 log1p sqrt rsqrt reciprocal square sin cos tan asin acos atan sinh cosh tanh " +
      "asinh acosh atanh sigmoid erf erfc erfinv lgamma digamma floor ceil trunc round isnan isinf i0")
      .split(" ").map((name) => [name, `${name}(a)`]),
  ),
  ...Object.fromEntries(
    "atan2 hypot fmax fmin fmod remainder copysign eq ne lt le gt ge polygamma".split(" ").map((
      name,
    ) => [name, `${name}(a, b)`]),
  ),
  sgn: "sign(a)",
  relu: { forward: "max(a, 0)", grad: "where(y > 0, g, 0)" },
  frac: "a - trunc(a)",
  positive: "a",
  isfinite: "!(isnan(a) || isinf(a))",
  isposinf: "isinf(a) && a > 0",
  isneginf: "isinf(a) && a < 0",
  logical_not: "!a",
  logit: "log(a / (1 - a))",
  sinc: {
    forward: "where(a == 0, 1, sin(pi * a) / (pi * a))",
    grad: "where(a == 0, 0, g * (cos(pi * a) - y) / a)",
  },
  deg2rad: "a * (pi / 180)",
  rad2deg: "a * (180 / pi)",
  "special.ndtr": "0.5 * erfc(-a / sqrt(2))",
  "special.entr": "where(a > 0, -a * log(a), where(a == 0, 0, where(a < 0, -inf, a)))",
  "special.log_ndtr": "a < -1 ? log(erfcx(-a / sqrt(2)) / 2) - a * a / 2 : log1p(-erfc(a / sqrt(2)) / 2)",
  add: "a + b",
  sub: "a - b",
  rsub: "b - a",
  mul: "a * b",
  div: "a / b",
  true_divide: "a / b",
  pow: "a ** b",
  float_power: "a ** b",
  floor_divide: "floorDiv(a, b)",
  maximum: "max(a, b)",
  minimum: "min(a, b)",
  logaddexp: "where(a == b, a + log(2), max(a, b) + log1p(exp(-abs(a - b))))",
  xlogy: "where(isnan(b), nan, where(a == 0, 0, a * log(b)))",
  "special.xlog1py": "where(isnan(b), nan, where(a == 0, 0, a * log1p(b)))",
  logical_and: "a && b",
  logical_or: "a || b",
  logical_xor: "xor(a, b)",
  bitwise_and: "bitAnd(a, b)",
  bitwise_or: "bitOr(a, b)",
  bitwise_xor: "bitXor(a, b)",
  bitwise_left_shift: "shiftLeft(a, b)",
  bitwise_right_shift: "shiftRight(a, b)",
  where: "where(a, b, c)",
  lerp: "a + c * (b - a)",
};

/** A line may depend on the keyword arguments. */
function lineOf(c: Case): Line | undefined {
  const mode = c.kw?.rounding_mode;
  if (c.op === "div" && mode === "floor") return "floorDiv(a, b)";
  if (c.op === "div" && mode === "trunc") return "truncDiv(a, b)";
  return Object.keys(c.kw ?? {}).length > 0
    ? undefined
    : Object.hasOwn(lines, c.op)
    ? lines[c.op]
    : undefined;
}

interface Encoded {
  $t: DType;
  s: number[];
  d: (number | string)[];
  g?: 1;
}
interface Case {
  id: string;
  op: string;
  args: unknown[];
  kw?: Record<string, unknown>;
  out?: Encoded;
  ct?: Encoded[];
  grads?: (Encoded | null)[];
  tol?: [number, number];
}
interface Golden {
  tol: Record<string, [number, number]>;
  cases: Case[];
}

const isTensor = (x: unknown): x is Encoded => typeof x === "object" && x !== null && "$t" in x;
const size = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);
const special: Record<string, number> = { nan: NaN, inf: Infinity, "-inf": -Infinity };

function strides(shape: readonly number[], of: readonly number[]): number[] {
  const missing = of.length - shape.length;
  return of.map((_, d) => d < missing || shape[d - missing] === 1 ? 0 : size(shape.slice(d - missing + 1)));
}

function decode(t: Encoded, shape: readonly number[]): Operand {
  const data = allocate(t.$t, t.d.length);
  t.d.forEach((v, i) =>
    data[i] = t.$t === "int64" ? BigInt(v) : typeof v === "number" ? v : special[v] ?? Number(v)
  );
  return { data, dtype: t.$t, offset: 0, strides: strides(t.s, shape) };
}

/** A Python number; `undefined` for what is none. */
function decodeScalar(x: unknown, compute: DType): number | bigint | undefined {
  const f = typeof x === "object" && x !== null && "$f" in x ? x.$f as number | string : x;
  if (typeof f === "string" && f in special) return special[f];
  return typeof f !== "number" ? undefined : flavorOf(compute) === "bigint" ? BigInt(f) : f;
}

function run(
  p: Program,
  inputs: (Operand | number | bigint)[],
  shape: number[],
  compute: DType,
  out: DType,
): Operand {
  const result: Operand = {
    data: allocate(out, size(shape)),
    dtype: out,
    offset: 0,
    strides: strides(shape, shape),
  };
  runPointwise(p, inputs, [result], shape, compute);
  return result;
}

/** Sums what broadcasting repeated, in doubles. */
function reduced(x: Operand, shape: readonly number[], to: readonly number[]): number[] {
  const sums: number[] = Array(size(to)).fill(0);
  const target = strides(to, shape);
  for (let i = 0; i < size(shape); i++) {
    const at = shape.reduce((sum, n, d) => sum + Math.floor(i / size(shape.slice(d + 1))) % n * target[d], 0);
    sums[at] += Number(x.data[i]);
  }
  return sums;
}

function check(
  actual: ArrayLike<number | bigint>,
  expected: Encoded,
  [rtol, atol]: readonly number[],
  what: string,
): void {
  const want = decode(expected, expected.s).data;
  for (let i = 0; i < want.length; i++) {
    const a = actual[i], e = want[i];
    const same = a === e || Object.is(a, e) ||
      Math.abs(Number(a) - Number(e)) <= atol + rtol * Math.abs(Number(e));
    assert(same, `${what}, element ${i}: ${a}, PyTorch has ${e}`);
    // zeros keep their sign, which PyTorch itself does not promise for gradients and ties
    if (e === 0 && what.includes("special/")) {
      assert(Object.is(a, e), `${what}, element ${i}: the sign of zero`);
    }
  }
}

function runCase(c: Case, tolerances: Golden["tol"]): boolean {
  const line = lineOf(c);
  if (line === undefined || !isTensor(c.out) || !dtypes.includes(c.out.$t)) return false;
  const operands = c.args.filter(isTensor);
  const compute = operands.find((t) => t.$t !== "bool")?.$t ?? "bool";
  if (!dtypes.includes(compute) || operands.some((t) => t.$t !== compute && t.$t !== "bool")) return false;
  if (c.out.$t !== compute && c.out.$t !== "bool") return false;
  const shape = c.out.s;
  const inputs = c.args.map((x) => isTensor(x) ? decode(x, shape) : decodeScalar(x, compute));
  if (!inputs.every((x) => x !== undefined)) return false;

  const names = ["a", "b", "c"].slice(0, inputs.length);
  const p = program(names, typeof line === "string" ? line : line.forward, { name: c.op });
  if (p.kind === "float" && flavorOf(compute) !== "float") return false;
  const tolerance = c.tol ?? tolerances[c.out.$t] ?? [0, 0];
  const result = run(p, inputs, shape, compute, c.out.$t);
  check(result.data as ArrayLike<number | bigint>, c.out, tolerance, c.id);

  const leaves = c.args.map((x, i) => isTensor(x) && x.g ? i : -1).filter((i) => i >= 0);
  leaves.forEach((i, k) => {
    const expected = c.grads?.[k];
    if (!isTensor(expected)) return;
    const d = gradientProgram(p, i, typeof line === "string" ? {} : { grad: line.grad });
    const g = decode(c.ct![0], shape);
    const values = d.uses.map(({ from, index }) =>
      from === "grad" ? g : from === "result" ? result : inputs[index]
    );
    const gradient = run(d, values, shape, compute, compute);
    check(reduced(gradient, shape, expected.s), expected, tolerance, `${c.id}, gradient ${i}`);
  });
  return true;
}

for (const [file, atLeast] of Object.entries({ unary: 450, binary: 280, intdiv: 60 })) {
  Deno.test(`pointwise programs against PyTorch: ${file}`, async () => {
    const url = new URL(`../golden/${file}.json`, import.meta.url);
    const golden = JSON.parse(await Deno.readTextFile(url)) as Golden;
    const failures: string[] = [];
    let count = 0;
    for (const c of golden.cases) {
      try {
        if (runCase(c, golden.tol)) count++;
      } catch (error) {
        failures.push(`${c.id}: ${(error as Error).message}`);
      }
    }
    assert(failures.length === 0, `${failures.length} of ${count} cases:\n${failures.join("\n")}`);
    assertGreater(count, atLeast);
  });
}
