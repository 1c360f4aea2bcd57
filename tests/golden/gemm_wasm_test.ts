/**
 * PyTorch's answers once more, with every matrix product computed as WebAssembly, whatever its size.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { setGemmTier } from "../../src/backend/cpu/gemm.ts";
import { hasGemm } from "../../src/backend/cpu/wasm/gemm.ts";
import { dtypeExists } from "./api.ts";
import { dtypesIn } from "./codec.ts";
import { deviationOf } from "./deviations.ts";
import { resolve } from "./names.ts";
import { callsByOp, problemsOf, readGolden } from "./runner.ts";

const products =
  /matmul|mm$|mv$|bmm|dot|outer|inner|linear|bilinear|einsum|tensordot|addr|chain|matrix_power/i;

for (const [name, least] of [["linalg", 30], ["nn_layers", 5]] as const) {
  Deno.test({
    name: `products as WebAssembly: ${name}`,
    ignore: !hasGemm(),
    fn(): void {
      const file = readGolden(name), problems: string[] = [];
      let count = 0;
      const before = setGemmTier("wasm");
      try {
        for (const [op, cases] of callsByOp(file)) {
          if (!products.test(op) || !resolve(op)) continue;
          for (const c of cases) {
            if (deviationOf(c, "all") || !dtypesIn(c).every(dtypeExists)) continue;
            count++;
            problems.push(...problemsOf(c, file).map((p) => `${c.id}: ${p.slice(0, 300)}`));
          }
        }
      } finally {
        setGemmTier(before);
      }
      assertEquals(problems, []);
      assert(count >= least, `${count} cases`);
    },
  });
}
