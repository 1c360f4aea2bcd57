/** The same nonsense with tensors on the GPU: what Deno's WebGPU is handed carelessly ends the process. */
import { assert, assertEquals } from "@std/assert";
import * as dg from "../../mod.ts";
import { gpuTest } from "../backend/webgpu/helpers.ts";
import { beginnings, garbage, garbageOnGpu, matrix, methodBeginnings } from "./arguments.ts";
import { surface } from "./surface.ts";
import { exceptions, Trial, watched } from "./trial.ts";

/** The CPU's test makes all calls; here one in so many has to do, another one for each function. */
const ONE_IN = 6;

const onCpu = () => dg.tensor([[1, 2, 3], [4, 5, 6]], { device: "cpu" });

gpuTest("nonsense is refused in every call", async () => {
  const entries = surface().filter(({ name }) => !exceptions.has(name));
  dg.setDefaultDevice("webgpu");
  try {
    const trial = new Trial();
    await watched(async () => {
      for (const [e, entry] of entries.entries()) {
        for (const [b, beginning] of (entry.method ? methodBeginnings : beginnings).entries()) {
          for (const [g, make] of garbage.entries()) {
            if ((e + b + g) % ONE_IN === 0) trial.attempt(entry, [...beginning, make]);
          }
          for (const [g, make] of garbageOnGpu.entries()) {
            if ((e + b + g) % 2 !== 0) continue;
            trial.attempt(entry, [...beginning, make]);
            if (entry.method) trial.attempt(entry, [...beginning, make], onCpu);
          }
        }
        settle();
        await new Promise((turn) => setTimeout(turn, 0));
      }
      await trial.finish();
    });
    assert(trial.calls > 150_000, `only ${trial.calls} calls`);
    assertEquals(trial.faults.length, 0, `\n${trial.faults.slice(0, 40).join("\n")}\n`);
    assertEquals(matrix().mul(2).sum().item(), 42);
  } finally {
    dg.setDefaultDevice("cpu");
  }
});

/** Wrong indices are told by the next read: this one. Commands that failed are faults of ours. */
function settle(): void {
  try {
    dg.webgpu.synchronize();
  } catch (error) {
    const { message } = error as Error;
    assert(/The GPU reports this with the first read/.test(message), message);
  }
}
