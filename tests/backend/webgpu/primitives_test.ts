/** Every primitive on the GPU against exact values: how many units of the last place it is off at most. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { apply, input } from "../../../src/expr/expr.ts";
import { scalarFunction } from "../../../src/expr/lower_js.ts";
import { hasWgsl } from "../../../src/expr/lower_wgsl.ts";
import { primitives } from "../../../src/expr/primitives.ts";
import { program } from "../../../src/expr/program.ts";
import { allocate, type DType } from "../../../src/tensor/dtype.ts";
import { runPointwise } from "../../../src/backend/cpu/pointwise_js.ts";
import { gpuTest, lcg, operand, run, ulps } from "./helpers.ts";

type Range = readonly [number, number];

/** [largest error in ulp, ranges of the arguments]. Without ranges: all magnitudes, and the edges. */
const accuracy: Readonly<Record<string, readonly [number, ...Range[]]>> = {
  add: [0.5],
  sub: [0.5],
  mul: [0.5],
  neg: [0],
  div: [0.51],
  pow: [2],
  floorDiv: [1, [-1e4, 1e4], [-100, 100]],
  truncDiv: [0, [-1000, 1000], [-100, 100]],
  remainder: [0.5],
  fmod: [0],
  exp: [1.5],
  exp2: [2],
  expm1: [2.5],
  log: [1.5],
  log2: [2],
  log10: [3],
  log1p: [2.5],
  sigmoid: [3],
  softplus: [3],
  sqrt: [0.51],
  rsqrt: [1.5],
  sin: [2.5],
  cos: [2.5],
  tan: [4],
  asin: [2.5],
  acos: [2.5],
  atan: [2],
  atan2: [3],
  sinh: [3],
  cosh: [3],
  tanh: [2],
  asinh: [4],
  acosh: [4],
  atanh: [3],
  erf: [2.5],
  erfc: [5],
  erfcx: [5],
  erfinv: [4],
  lgamma: [4, [0, 1e6]],
  digamma: [3, [2, 1e6]],
  polygamma: [6, [1, 5], [0.1, 100]],
  i0: [12],
  i1: [12],
  fround: [0],
  floor: [0],
  ceil: [0],
  trunc: [0],
  round: [0],
  abs: [0],
  sign: [0],
  copysign: [0],
  max: [0],
  min: [0],
  fmax: [0],
  fmin: [0],
  where: [0],
  eq: [0],
  ne: [0],
  lt: [0],
  le: [0],
  gt: [0],
  ge: [0],
  and: [0],
  or: [0],
  xor: [0],
  not: [0],
  isnan: [0],
  isinf: [0],
  signbit: [0],
  nextafter32: [0],
};

const edges = [
  0,
  -0,
  1,
  -1,
  0.5,
  -0.5,
  2,
  -2,
  3,
  1.5,
  2.5,
  -2.5,
  1e-20,
  -1e-20,
  1e-40,
  -1e-40,
  1e-45,
  3.4028234663852886e38,
  -3.4028234663852886e38,
  1.1754943508222875e-38,
  1e30,
  16777217,
  88.7,
  89,
  -103,
  -104,
  1e9,
  65536.5,
  Infinity,
  -Infinity,
  NaN,
  Math.PI,
  100,
  0.7071067811865476,
  0.99999994,
  -0.99999994,
  1.0000001,
].map(Math.fround);

/** Arguments of all magnitudes and signs, around 1 more than elsewhere, or of a range. */
function samples(count: number, random: () => number, range?: Range): number[] {
  return Array.from({ length: count }, () => {
    if (range !== undefined) return Math.fround(range[0] + (range[1] - range[0]) * random());
    const sign = random() < 0.5 ? -1 : 1, kind = random();
    if (kind < 0.3) return Math.fround(sign * (1 + (random() - 0.5) * 0.5));
    if (kind < 0.7) return Math.fround(sign * random() * 20);
    return Math.fround(sign * 2 ** (random() * 200 - 100));
  });
}

const report: string[] = [];

for (const [name, { params, float }] of Object.entries(primitives)) {
  if (float === undefined || name === "nextafter") continue;
  gpuTest(`${name} in float32`, (gpu) => {
    const [limit, ...ranges] = accuracy[name];
    const random = lcg(name.length + 1), count = 20000;
    const columns = params.map((_, k) => samples(count, random, ranges[k]));
    if (name === "polygamma") columns[0] = columns[0].map(Math.floor);
    if (ranges.length === 0) {
      const grid = params.length === 1
        ? edges.map((e) => [e])
        : edges.flatMap((a) => edges.map((b) => [a, b, 7]));
      grid.forEach((row, i) => params.forEach((_, k) => columns[k][i] = row[k]));
    }
    const p = program(params, apply(name, ...params.map(input)));
    const got = run(gpu, p, columns.map((c) => operand(gpu, "float32", c)), count, "float32");
    const exact = scalarFunction(p, "float");
    let worst = 0, at = 0;
    for (let i = 0; i < count; i++) {
      const error = ulps(got[i] as number, exact(...columns.map((c) => c[i])) as number);
      if (error > worst) [worst, at] = [error, i];
    }
    report.push(`${name} ${worst.toPrecision(2)}`);
    const args = columns.map((c) => c[at]);
    assert(
      worst <= limit,
      `${name}(${args.join(", ")}) is ${got[at]}, exactly ${exact(...args)}: ${
        worst.toPrecision(3)
      } ulp, allowed ${limit}`,
    );
  });
}

gpuTest("lgamma, digamma and polygamma where they cancel", (gpu) => {
  // near a zero only the absolute error is small
  const x = [-0.5, -1.5, -2.457, -3.7, -10.3, 1e-3, -1e-3, 1e-30, -1e-30, 1.4616, 0.01, 0.7, 1.2, 1.9].map(
    Math.fround,
  );
  for (const source of ["lgamma(a)", "digamma(a)", "polygamma(1, a)", "polygamma(2, a)"]) {
    if (source.startsWith("polygamma")) x.splice(x.indexOf(Math.fround(1e-30)), 2, 3, 4);
    const p = program(["a"], source), exact = scalarFunction(p, "float");
    const got = run(gpu, p, [operand(gpu, "float32", x)], x.length, "float32");
    x.forEach((v, i) => {
      const e = exact(v) as number;
      assert(
        Math.abs((got[i] as number) - e) <= 3e-6 * Math.max(1, Math.abs(e)),
        `${source} at ${v}: ${got[i]}, ${e}`,
      );
    });
  }
  const poles = [0, -0, -1, -2, Infinity, -Infinity, NaN];
  for (const source of ["lgamma(a)", "digamma(a)"]) {
    const p = program(["a"], source), exact = scalarFunction(p, "float");
    const got = run(gpu, p, [operand(gpu, "float32", poles)], poles.length, "float32");
    assertEquals([...got].slice(0, 5), poles.slice(0, 5).map((v) => exact(v) as number), source);
    assertEquals(got[6], NaN);
  }
});

/** Values of an integer type: its edges and others. */
function integers(dtype: DType, count: number, random: () => number): number[] {
  const [low, high] = {
    int32: [-(2 ** 31), 2 ** 31 - 1],
    int16: [-32768, 32767],
    int8: [-128, 127],
    uint8: [0, 255],
    bool: [0, 1],
  }[dtype as "int32"]!;
  const special = [low, high, 0, 1, -1, 2, 3, 31, 32, 7, -7].filter((v) => v >= low && v <= high);
  return Array.from({ length: count }, (_, i) => {
    if (i < special.length ** 2) return special[i % special.length];
    const v = random() < 0.5 ? random() * 20 - 10 : low + random() * (high - low);
    return Math.min(high, Math.max(low, Math.round(v)));
  });
}

for (const [name, { params, int, truths }] of Object.entries(primitives)) {
  if (int === undefined) continue;
  gpuTest(`${name} of integers`, (gpu) => {
    for (const dtype of ["int32", "int16", "int8", "uint8", "bool"] as const) {
      const random = lcg(5), count = 3000;
      const columns = params.map((_, k) =>
        integers(dtype, count, random).map((v, i, all) => k === 0 ? v : all[(i * 7 + (i / 11 | 0)) % count])
      );
      const p = program(params, apply(name, ...params.map(input)));
      // the CPU throws where the divisor is 0
      if (/Div|remainder|fmod/.test(name)) columns[1] = columns[1].map((v) => v === 0 ? 3 : v);
      const inputs = columns.map((c) => operand(gpu, dtype, c));
      const got = run(gpu, p, inputs, count, dtype);
      const out = allocate(dtype, count), strides = [1];
      const cpu = columns.map((c) => {
        const data = allocate(dtype, count);
        c.forEach((v, i) => data[i] = v);
        return { data, dtype, offset: 0, strides };
      });
      runPointwise(p, cpu, [{ data: out, dtype, offset: 0, strides }], [count], dtype);
      for (let i = 0; i < count; i++) {
        assertEquals(
          got[i],
          out[i],
          `${name}(${columns.map((c) => c[i]).join(", ")}) of ${dtype}; ${truths}`,
        );
      }
    }
  });
}

gpuTest("primitives without a meaning on the GPU are refused", (gpu) => {
  const x = operand(gpu, "float32", [1]);
  const p = program(["a"], apply("bitNot", input("a")));
  assertThrows(
    () => run(gpu, p, [x], 1, "float32"),
    TypeError,
    "bitNot is not implemented for float32 on the GPU",
  );
  const root = program(["a"], apply("sqrt", input("a")));
  assertThrows(() => run(gpu, root, [4n], 1, "int64"), TypeError, "sqrt is not implemented for integers");
  const sum = program(["a", "b"], "a + b");
  assertEquals([...run(gpu, sum, [1n, 2n], 1, "int64")], [3n]);
  const less = program(["a", "b"], "a < b");
  assertEquals([...run(gpu, less, [1n, 2n], 1, "int64", "bool")], [1]);
  assertThrows(
    () => run(gpu, less, [1n, 2n ** 31n], 1, "int64", "bool"),
    RangeError,
    "cannot hold 2147483648",
  );
  const missing = Object.keys(primitives).filter((name) => {
    const { params, float, int } = primitives[name];
    const p = program(params, apply(name, ...params.map(input)));
    return (float !== undefined && !hasWgsl(p, "float")) || (int !== undefined && !hasWgsl(p, "int"));
  });
  assertEquals(missing, ["nextafter"]); // of float64
});

gpuTest("errors in ulp, for reading", () => console.log(report.join(", ")));
