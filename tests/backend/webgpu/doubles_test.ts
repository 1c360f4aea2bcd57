/** Every primitive of float64 on GPUs that have it, against the CPU's doubles: how many units of the last place they differ. */
import { assert, assertEquals } from "@std/assert";
import { apply, input } from "../../../src/expr/expr.ts";
import { scalarFunction } from "../../../src/expr/lower_js.ts";
import { hasWgsl } from "../../../src/expr/lower_wgsl.ts";
import { primitives } from "../../../src/expr/primitives.ts";
import { program } from "../../../src/expr/program.ts";
import { gpuTest, lcg, operand, run } from "./helpers.ts";

type Range = readonly [number, number];

/** [largest difference in units of the last place, ranges of the arguments]; others must be equal. */
const accuracy: Readonly<Record<string, readonly [number, ...Range[]]>> = {
  pow: [60],
  exp: [2],
  exp2: [2.5],
  expm1: [3],
  log: [2],
  log2: [2],
  log10: [3],
  log1p: [3],
  sigmoid: [3],
  softplus: [3],
  rsqrt: [1.5],
  sin: [2, [-1e4, 1e4]],
  cos: [2, [-1e4, 1e4]],
  tan: [4, [-1e4, 1e4]],
  asin: [3],
  acos: [3],
  atan: [2],
  atan2: [3],
  sinh: [4],
  cosh: [3],
  tanh: [3],
  asinh: [3],
  acosh: [4],
  atanh: [4],
  erf: [2],
  erfc: [8],
  erfcx: [12],
  erfinv: [6],
  lgamma: [8, [3, 1e6]],
  digamma: [4, [2, 1e6]],
  polygamma: [16, [1, 5], [0.1, 100]],
  i0: [8],
  i1: [8],
};

// deno-fmt-ignore
const edges = [
  0, -0, 1, -1, 0.5, -0.5, 2, -2, 3, 1.5, 2.5, -2.5, 1e-20, -1e-20, 1e-300, 5e-324, -5e-324, Number.MAX_VALUE,
  -Number.MAX_VALUE, 2 ** -1022, 1e200, 2 ** 53 + 2, 709.7, 710, -745, -746, 1e9, Infinity, -Infinity, NaN, Math.PI, 100,
  Math.SQRT1_2, 1 - 2 ** -53, -1 + 2 ** -53, 1 + 2 ** -52,
];

function samples(count: number, random: () => number, range?: Range): number[] {
  return Array.from({ length: count }, () => {
    if (range !== undefined) return range[0] + (range[1] - range[0]) * random();
    const sign = random() < 0.5 ? -1 : 1, kind = random();
    if (kind < 0.3) return sign * (1 + (random() - 0.5) * 0.5);
    if (kind < 0.7) return sign * random() * 20;
    return sign * 2 ** (random() * 200 - 100);
  });
}

/** The difference in units of the last place of what is expected. */
function difference(got: number, expected: number): number {
  if (Object.is(got, expected) || (Number.isNaN(got) && Number.isNaN(expected))) return 0;
  if (got === expected && got !== 0) return 0;
  // what underflows does so in one step or in several
  if (Math.abs(expected) < 2 ** -1022) return Math.abs(got) < 2 ** -1022 ? 0 : Infinity;
  return Math.abs(got - expected) / 2 ** (Math.floor(Math.log2(Math.abs(expected))) - 52);
}

for (const [name, { params, float, kind }] of Object.entries(primitives)) {
  const p = program(params, apply(name, ...params.map(input)));
  if (float === undefined || !hasWgsl(p, "double")) continue;
  gpuTest(`${name} in float64`, (gpu) => {
    if (!gpu.info.float64) {
      console.log("this GPU has no float64");
      return;
    }
    const [limit, ...ranges] = accuracy[name] ?? [0];
    const random = lcg(name.length + 1), count = 8000;
    const columns = params.map((_, k) => samples(count, random, ranges[k]));
    if (name === "polygamma") columns[0] = columns[0].map(Math.floor);
    if (ranges.length === 0) {
      const grid = params.length === 1
        ? edges.map((e) => [e])
        : edges.flatMap((a) => edges.map((b) => [a, b, 7]));
      grid.forEach((row, i) => params.forEach((_, k) => columns[k][i] = row[k]));
    }
    const got = run(gpu, p, columns.map((c) => operand(gpu, "float64", c)), count, "float64");
    const exact = scalarFunction(p, "float");
    let worst = 0, at = 0;
    for (let i = 0; i < count; i++) {
      const error = difference(got[i] as number, Number(exact(...columns.map((c) => c[i]))));
      if (error > worst) [worst, at] = [error, i];
    }
    const args = columns.map((c) => c[at]);
    assert(
      worst <= limit,
      `${name}(${args.join(", ")}) of ${kind} is ${got[at]}, expected ${exact(...args)}: ${
        worst.toPrecision(3)
      } units, ` +
        `allowed ${limit}`,
    );
  });
}

gpuTest("all primitives of floats are there in float64, but for those of other types", () => {
  const missing = Object.keys(primitives).filter((name) => {
    const { params, float } = primitives[name];
    return float !== undefined && !hasWgsl(program(params, apply(name, ...params.map(input))), "double");
  });
  assertEquals(missing, ["fround", "nextafter32"]);
});

gpuTest("float64 where functions cancel or have poles", (gpu) => {
  if (!gpu.info.float64) return;
  const x = [-0.5, -1.5, -2.457, -3.7, -10.3, 1e-3, -1e-3, 1.4616, 0.01, 0.7, 1.2, 1.9, -1e5 - 0.5];
  for (const source of ["lgamma(a)", "digamma(a)", "polygamma(1, a)", "polygamma(2, a)", "sin(1e5 * a)"]) {
    const p = program(["a"], source), exact = scalarFunction(p, "float");
    const got = run(gpu, p, [operand(gpu, "float64", x)], x.length, "float64");
    x.forEach((v, i) => {
      const e = exact(v) as number;
      const bound = source.startsWith("sin") && Math.abs(v) > 100 ? 1 : 1e-13 * Math.max(1, Math.abs(e));
      assert(
        Math.abs((got[i] as number) - e) <= Math.max(bound, source.startsWith("sin") ? 1e-10 : 0),
        `${source} at ${v}`,
      );
    });
  }
  const poles = [0, -0, -1, -2, Infinity, -Infinity, NaN];
  for (const source of ["lgamma(a)", "digamma(a)"]) {
    const p = program(["a"], source), exact = scalarFunction(p, "float");
    const got = run(gpu, p, [operand(gpu, "float64", poles)], poles.length, "float64");
    assertEquals([...got].slice(0, 5), poles.slice(0, 5).map((v) => exact(v) as number), source);
  }
});
