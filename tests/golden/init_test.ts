/**
 * nn.init: the values that each initialiser draws under a seed, and the statistics of a large tensor.
 * The parameters of new modules (`module/...`) are tested with the modules.
 *
 * @module
 */
import { assert, assertAlmostEquals } from "@std/assert";
import { dg, type Loose } from "./api.ts";
import { decode, type Encoded } from "./codec.ts";
import { compare, type Tolerance, valuesOf } from "./compare.ts";
import { matrixTest } from "./matrix.ts";
import { camelCase } from "./names.ts";
import { readGolden } from "./runner.ts";

interface InitCase {
  id: string;
  init?: string;
  args: Encoded[];
  kw: Record<string, Encoded>;
  seed: number;
  shape: number[];
  values: Encoded;
  big_shape?: number[];
  stats?: Record<"mean" | "std" | "min" | "max", number>;
  tol?: number;
  gains?: Record<string, number>;
}

const init: Loose = dg.nn?.init ?? {};
/** PyTorch's names of modes and nonlinearities are values here, and stay. */
const options = (kw: Record<string, Encoded>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(kw).map(([k, v]) => [camelCase(k), decode(v)]));

function draw(c: InitCase, shape: number[]): Loose {
  dg.manualSeed(c.seed);
  const rest = Object.keys(c.kw).length > 0 ? [options(c.kw)] : [];
  return init[camelCase(c.init!)](dg.empty(shape), ...c.args.map((v) => decode(v)), ...rest);
}

for (const c of readGolden<{ cases: InitCase[] }>("init").cases) {
  if (c.id.startsWith("module/")) continue;
  const name = c.init ? camelCase(c.init) : "calculateGain";
  matrixTest({
    name: `init/${c.id}${name in init ? "" : ", not built yet"}`,
    ignore: !(name in init),
    fn(): void {
      if (c.gains) {
        for (const [text, gain] of Object.entries(c.gains)) {
          const [, nonlinearity, parameter] = /^(\w+?)(?:\((.*)\))?$/.exec(text)!;
          const more = parameter === undefined ? [] : [Number(parameter)];
          assertAlmostEquals(init.calculateGain(nonlinearity, ...more), gain, 1e-12, text);
        }
        return;
      }
      const tolerance: Tolerance = c.tol ? [c.tol, c.tol] : [0, 0];
      const wrong = compare(draw(c, c.shape), c.values, tolerance);
      assert(wrong === null, wrong ?? "");
      if (!c.stats) return;
      const values = valuesOf(draw(c, c.big_shape!)).map(Number);
      const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
      const variance = values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (values.length - 1);
      assertAlmostEquals(mean, c.stats.mean, 1e-6, "mean");
      assertAlmostEquals(Math.sqrt(variance), c.stats.std, 1e-6, "std");
      assertAlmostEquals(values.reduce((a, b) => Math.min(a, b)), c.stats.min, 1e-6, "min");
      assertAlmostEquals(values.reduce((a, b) => Math.max(a, b)), c.stats.max, 1e-6, "max");
    },
  });
}
