/** What of the matrix is not tested here, in a line each; and that a configuration leaves no trace. */
import { assertEquals, assertRejects } from "@std/assert";
import { getDefaultDevice, getNumThreads, webgpu } from "../../mod.ts";
import { setGemmTier } from "../../src/backend/cpu/gemm.ts";
import { cpuTier } from "../../src/backend/cpu/tier.ts";
import { asked, configurations, named, orException, within } from "./matrix.ts";

for (const { configuration, missing } of asked) {
  if (missing === null) continue;
  Deno.test({
    name: `the golden answers and lessons on ${configuration.name}: ${missing}`,
    ignore: !named,
    fn(): void {
      throw new Error(`DINOGRAD_MATRIX names ${configuration.name}: ${missing}`);
    },
  });
}

/** What configurations change. */
function state(): unknown[] {
  const gemm = setGemmTier("auto");
  setGemmTier(gemm);
  return [cpuTier(), gemm, getNumThreads(), getDefaultDevice()];
}

Deno.test("matrix: every configuration changes something while it is in force, and nothing after", async () => {
  const before = state();
  for (const configuration of configurations) {
    await assertRejects(
      () =>
        within(configuration, () => {
          assertEquals(state().join() === before.join(), false, configuration.name);
          throw new Error("left by an error");
        }),
      Error,
      "left by an error",
    );
    assertEquals(state(), before, configuration.name);
  }
});

Deno.test({
  name: "matrix: an exception for the GPU that is none fails",
  ignore: !webgpu.isAvailable(),
  async fn(): Promise<void> {
    const gpu = configurations.find((c) => c.name === "webgpu")!;
    const always = { where: /^made up$/, fails: /too small/, reason: "for this test" };
    const run = (fn: () => void) => within(gpu, () => orException("made up", fn, [always]));
    await run(() => {
      throw new TypeError("the GPU is too small");
    });
    await assertRejects(() => run(() => {}), Error, "take it out");
    await assertRejects(() =>
      run(() => {
        throw new TypeError("something else");
      })
    );
    // on the CPU there are no exceptions
    await orException("made up", () => {}, [always]);
  },
});
