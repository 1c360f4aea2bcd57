/**
 * Every primitive as WebAssembly against JavaScript, with and without a fused multiply-add.
 */
import { assert, assertEquals } from "@std/assert";
import * as js from "../../src/backend/cpu/pointwise_js.ts";
import { features } from "../../src/backend/cpu/wasm/features.ts";
import { spellings } from "../../src/backend/cpu/wasm/spellings.ts";
import { primitives } from "../../src/expr/primitives.ts";
import { type Program, program } from "../../src/expr/program.ts";
import { distance, type Float, generator, operand, present, runDirectly } from "./wasm_helpers.ts";

/**
 * The largest differences met, in units in the last place; 0 where none is named: as in JavaScript. JavaScript's own functions
 * are up to 1 unit off in float64, and right in float32.
 */
const ulps: Record<Float, Record<string, number>> = {
  float32: {
    ...Object.fromEntries(
      ("pow exp exp2 expm1 log log2 log10 log1p rsqrt sin cos tan asin acos atan atan2 sinh cosh tanh asinh acosh atanh erf")
        .split(" ").map((f) => [f, 1]),
    ),
    sigmoid: 2,
    softplus: 2,
  },
  float64: { exp: 1, expm1: 1, log: 1, log1p: 1, rsqrt: 1, sin: 2, cos: 2, tanh: 2, sigmoid: 3, softplus: 3 },
};

/** Where one rounding more, without a fused multiply-add, shows. */
const plainUlps: Record<Float, Record<string, number>> = {
  float32: { ...ulps.float32, log2: 2 },
  float64: ulps.float64,
};

const edges = [
  0,
  1,
  0.5,
  2,
  3,
  NaN,
  Infinity,
  1e-45,
  1e-40,
  1.1754944e-38,
  3.4028235e38,
  88.72284,
  88.723,
  87.4,
  103.9,
  104,
]
  .concat([
    150,
    128,
    127.99999,
    126,
    149,
    1e5,
    0.25,
    0.9999999,
    1.0000001,
    1e-5,
    709.78,
    709.79,
    745.2,
    708.5,
    740,
    5e-324,
  ])
  .flatMap((x) => [x, -x]);

/** Angles beyond the largest that the kernels reduce, and quotients that are not exact, are left to JavaScript. */
const domains: Record<string, (a: number, b: number) => boolean> = {
  ...Object.fromEntries(["sin", "cos", "tan"].map((f) => [f, (a: number) => !(Math.abs(a) > 1e5)])),
  ...Object.fromEntries(
    ["truncDiv", "floorDiv", "fmod", "remainder"].map((f) => [f, (a: number, b: number) => {
      const quotient = Math.trunc(Math.fround(a) / Math.fround(b));
      return Math.abs(quotient) < 2 ** 28 && Math.abs(b) !== Infinity;
    }]),
  ),
};

/** Lists of arguments: edges with each other, every size of number, dense where functions have their seams. */
function samples(name: string, arity: number, dtype: Float): number[][] {
  const random = generator(arity);
  const round = dtype === "float32" ? Math.fround : (x: number) => x;
  const largest = dtype === "float32" ? 127 : 1023, smallest = dtype === "float32" ? -149 : -1074;
  const one = (): number => {
    const x = random() * 2 - 1;
    switch (Math.floor(random() * 8)) {
      case 0:
        return Math.sign(x) * (1 + random()) * 2 ** (smallest + Math.floor(random() * (largest - smallest)));
      case 1:
        return x * 100;
      case 2:
        return x * 1e5;
      case 3:
        return x;
      case 4:
        return Math.sign(x) * Math.exp(random() * 40 - 20);
      case 5:
        return 1 + x / 4;
      case 6:
        return Math.round(x * 10);
      default:
        return x * 6;
    }
  };
  const lists: number[][] = [];
  const inDomain = domains[name] ?? (() => true);
  const take = (list: number[]): void => {
    const rounded = list.map(round);
    if (inDomain(rounded[0], rounded[1])) lists.push(rounded);
  };
  for (const a of edges) {
    if (arity === 1) take([a]);
    else for (const b of edges) take(arity === 2 ? [a, b] : [a, b, b + 1]);
  }
  for (let i = 0; i < 20000; i++) take(Array.from({ length: arity }, one));
  for (let i = 0; i < 8000; i++) take(Array.from({ length: arity }, (_, k) => (i - 4000) * 1e-3 * (k + 1)));
  return lists;
}

function reference(p: Program, lists: number[][], dtype: Float): number[] {
  const Numbers = dtype === "float32" ? Float32Array : Float64Array, n = lists.length;
  const inputs = p.inputs.map((_, j) => operand(new Numbers(lists.map((list) => list[j])), dtype));
  const out = operand(new Numbers(n), dtype);
  js.runPointwise(p, inputs, [out], [n], dtype);
  return [...out.data as Float64Array];
}

for (const dtype of ["float32", "float64"] as const) {
  for (const fused of [true, false]) {
    Deno.test({
      name: `wasm: every primitive in ${dtype}, ${fused ? "fused" : "plain"} multiply-add`,
      ignore: !present || (fused && !features()!.fused),
      fn() {
        const column = dtype === "float32" ? "single" : "double", wrong: string[] = [];
        let count = 0;
        for (const name of Object.keys(spellings)) {
          if (spellings[name][column] === undefined) continue;
          count++;
          const params = primitives[name].params, p = program(params, `${name}(${params})`);
          const lists = samples(name, params.length, dtype);
          const actual = runDirectly(p, lists, dtype, fused), expected = reference(p, lists, dtype);
          if (actual === null) {
            wrong.push(`${name} gave up`);
            continue;
          }
          let worst = 0, at = 0;
          actual.forEach((y, i) => {
            // JavaScript's sigmoid is 0 where e^-x is infinite, ours is still a denormal number
            if (name === "sigmoid" && dtype === "float64" && lists[i][0] < -700) return;
            const d = distance(y, expected[i], dtype);
            if (d > worst) [worst, at] = [d, i];
          });
          const allowed = (fused ? ulps : plainUlps)[dtype][name] ?? 0;
          if (worst > allowed) {
            wrong.push(
              `${name}(${lists[at]}) = ${actual[at]}, expected ${expected[at]}: ${worst} ulp, not ${allowed}`,
            );
          }
        }
        assertEquals(wrong, []);
        assert(count >= (dtype === "float32" ? 55 : 40), `${count} primitives`);
      },
    });
  }
}
