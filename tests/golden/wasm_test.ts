/**
 * PyTorch's answers once more, with every pointwise program that has a kernel run as WebAssembly, whatever its size.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { setCpuTier } from "../../src/backend/cpu/tier.ts";
import { features } from "../../src/backend/cpu/wasm/features.ts";
import { isLowerable } from "../../src/backend/cpu/wasm/lower.ts";
import { applyPointwise } from "../../src/ops/apply.ts";
import type { PointwiseOp } from "../../src/ops/pointwise_op.ts";
import { pointwiseTable } from "../../src/ops/table.ts";
import type { Tensor } from "../../src/tensor/tensor.ts";
import { dg, dtypeExists } from "./api.ts";
import { dtypesIn } from "./codec.ts";
import { deviationOf } from "./deviations.ts";
import { resolve } from "./names.ts";
import { callsByOp, problemsOf, readGolden } from "./runner.ts";

const ignore = features() === null;

for (const name of ["unary", "binary", "nn_activation", "nn_loss", "second_order", "reduction"]) {
  Deno.test({
    name: `wasm: ${name}`,
    ignore,
    fn(): void {
      const file = readGolden(name), problems: string[] = [];
      let count = 0;
      const before = setCpuTier("wasm");
      try {
        for (const [op, cases] of callsByOp(file)) {
          if (!resolve(op)) continue;
          for (const c of cases) {
            if (deviationOf(c, "all") || !dtypesIn(c).every(dtypeExists)) continue;
            count++;
            problems.push(...problemsOf(c, file).map((p) => `${c.id}: ${p.slice(0, 300)}`));
          }
        }
      } finally {
        setCpuTier(before);
      }
      assertEquals(problems, []);
      assert(count > 50, `${count} cases`);
    },
  });
}

/** Rows of integers, and one that takes an order first. */
const otherOperands = /^(gcd|lcm|bitwise|polygamma)/;

/** The elements that a row gives for the inputs on a tier. */
function elementsOn(tier: "js" | "wasm", op: PointwiseOp, inputs: (Tensor | number)[]): number[] {
  const before = setCpuTier(tier);
  try {
    return Array.from(applyPointwise(op, inputs).typedArray() as Float64Array);
  } finally {
    setCpuTier(before);
  }
}

Deno.test({
  name: "wasm: every row of the pointwise table gives what JavaScript gives",
  ignore,
  fn(): void {
    const n = 1009, lowered = { float32: 0, float64: 0 }, wrong: string[] = [];
    for (const [name, op] of pointwiseTable) {
      if (otherOperands.test(name)) continue;
      for (const dtype of ["float32", "float64"] as const) {
        if (!isLowerable(op.program, dtype)) continue;
        lowered[dtype]++;
        const inputs = Array.from(
          { length: op.arity },
          (_, k) =>
            k < op.arity - op.parameters
              ? dg.tensor(Array.from({ length: n }, (_, i) => 4 * Math.sin(i * (1.7 + k) + k)), { dtype })
              : 0.4 + 1.3 * k,
        );
        const actual = elementsOn("wasm", op, inputs), expected = elementsOn("js", op, inputs);
        // not a matter of last places: composed functions lose some where terms cancel
        const tolerance = dtype === "float32" ? 2e-6 : 1e-14;
        expected.forEach((e, i) => {
          const close = Math.abs(actual[i] - e) <= tolerance * (1 + Math.abs(e));
          if (close || Object.is(actual[i], e)) return;
          wrong.push(
            `${name} ${dtype} at ${inputs.map((x) => typeof x === "number" ? x : x.typedArray()[i])}: ` +
              `${actual[i]}, expected ${e}`,
          );
        });
      }
    }
    assertEquals(wrong, []);
    assert(lowered.float32 > 95 && lowered.float64 > 60, `${lowered.float32} and ${lowered.float64} rows`);
  },
});
