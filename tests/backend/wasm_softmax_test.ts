/**
 * Softmax with exponentials as WebAssembly against JavaScript.
 */
import { assert, assertEquals } from "@std/assert";
import { currentTeam, hasTeam } from "../../src/backend/cpu/wasm/team.ts";
import * as dg from "../../mod.ts";
import { setCpuTier } from "../../src/backend/cpu/tier.ts";
import { generator, present } from "./wasm_helpers.ts";

function elements(t: dg.Tensor): number[] {
  return Array.from(t.typedArray() as Float64Array);
}

/** What a function gives on both ways. */
function onBoth(f: () => dg.Tensor): [number[], number[]] {
  const results = (["wasm", "js"] as const).map((tier) => {
    const before = setCpuTier(tier);
    try {
      return elements(f());
    } finally {
      setCpuTier(before);
    }
  });
  return [results[0], results[1]];
}

Deno.test({
  name: "wasm: softmax and its logarithm of lines of any length",
  ignore: !present,
  fn() {
    const random = generator(3);
    for (const dtype of ["float32", "float64"] as const) {
      for (
        const [lines, n] of [
          [1, 1],
          [5, 3],
          [2000, 10],
          [3, 8191],
          [2, 8193],
          [7, 1000],
          [1, 65536],
          [3, 20_001],
          [50, 48],
          [50, 47],
          [0, 4],
        ]
      ) {
        const values = Array.from({ length: lines * n }, () => random() * 20 - 10);
        const x = dg.tensor(values, { dtype }).reshape(lines, n);
        for (const name of ["softmax", "logSoftmax"] as const) {
          for (const dim of [1, 0]) {
            const [actual, expected] = onBoth(() => x[name](dim));
            assertEquals(actual.length, expected.length);
            const tolerance = dtype === "float32" ? 2e-6 : 1e-14;
            // of a probability relative to it, however small; of its logarithm to 1, where that is near 0
            const least = name === "softmax" ? 1e-30 : 1;
            const worst = actual.reduce(
              (w, a, i) => Math.max(w, Math.abs(a - expected[i]) / (least + Math.abs(expected[i]))),
              0,
            );
            assert(worst <= tolerance, `${name} of ${lines} x ${n} ${dtype} along ${dim}: ${worst}`);
          }
        }
      }
    }
  },
});

Deno.test({
  name: "wasm: softmax of infinities and NaN, of an offset",
  ignore: !present,
  fn() {
    const rows = [[1, -Infinity, 2], [Infinity, 1, 2], [NaN, 1, 2], [-Infinity, -Infinity, -Infinity], [
      1e30,
      0,
      -1e30,
    ]];
    for (const name of ["softmax", "logSoftmax"] as const) {
      const [actual, expected] = onBoth(() => dg.tensor(rows)[name](1));
      actual.forEach((a, i) =>
        assert(Object.is(a, expected[i]) || Math.abs(a - expected[i]) < 3e-7, `${name} ${i}: ${a}`)
      );
      const [part, whole] = onBoth(() => dg.tensor(rows).narrow(0, 4, 1)[name](1));
      assertEquals(part, whole);
    }
  },
});

Deno.test({
  name: "wasm: softmax by threads gives the same bits, and adds up to 1",
  ignore: !present || !hasTeam(),
  async fn() {
    const random = generator(5), before = dg.getNumThreads(), tier = setCpuTier("wasm+threads");
    const results: number[][][] = [];
    const inputs = [[700, 100], [9000, 10], [200, 512], [40, 3000], [1, 100_000], [3, 70_001]].map((
      [lines, n],
    ) => dg.tensor(Array.from({ length: lines * n }, () => random() * 20 - 10)).reshape(lines, n));
    try {
      for (const threads of [1, 3]) {
        dg.setNumThreads(threads);
        const { pool } = currentTeam(), until = performance.now() + 20_000;
        pool.start();
        while (pool.workers < threads - 1 && performance.now() < until) {
          await new Promise((go) => setTimeout(go, 20));
        }
        assertEquals(pool.workers, threads - 1);
        results.push(inputs.flatMap((x) => [elements(x.softmax(1)), elements(x.logSoftmax(1))]));
      }
    } finally {
      dg.setNumThreads(before);
      setCpuTier(tier);
    }
    assertEquals(results[0], results[1]);
    inputs.forEach((x, i) => {
      const [lines, n] = x.shape;
      for (let line = 0; line < lines; line++) {
        const sum = results[0][2 * i].slice(line * n, (line + 1) * n).reduce((a, b) => a + b);
        assert(Math.abs(sum - 1) < 1e-5, `${lines} x ${n}: line ${line} adds up to ${sum}`);
      }
    });
  },
});
