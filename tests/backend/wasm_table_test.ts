/** Every row of the pointwise table as WebAssembly, against the same row in JavaScript. */
import { assert, assertEquals } from "@std/assert";
import * as dg from "../../mod.ts";
import { setCpuTier } from "../../src/backend/cpu/tier.ts";
import { features } from "../../src/backend/cpu/wasm/features.ts";
import { isLowerable } from "../../src/backend/cpu/wasm/lower.ts";
import { applyPointwise } from "../../src/ops/core/apply.ts";
import type { PointwiseOp } from "../../src/ops/core/pointwise_op.ts";
import { pointwiseTable } from "../../src/ops/core/table.ts";

/** Rows of integers, and one that takes an order first. */
const otherOperands = /^(gcd|lcm|bitwise|polygamma)/;

/** The elements that a row gives for the inputs on a tier. */
function elementsOn(tier: "js" | "wasm", op: PointwiseOp, inputs: (dg.Tensor | number)[]): number[] {
  const before = setCpuTier(tier);
  try {
    return Array.from(applyPointwise(op, inputs).typedArray() as Float64Array);
  } finally {
    setCpuTier(before);
  }
}

Deno.test({
  name: "wasm: every row of the pointwise table gives what JavaScript gives",
  ignore: features() === null,
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
