/** The golden scripts about gradients and writes in place, each as a whole in a compiled function: they print the same. */
import { assertEquals } from "@std/assert";
import * as dg from "../../mod.ts";
import { inPlaceScripts } from "../golden/autograd_inplace_scripts.ts";
import { gradientScripts } from "../golden/autograd_scripts.ts";
import { nnScripts } from "../golden/nn_scripts.ts";
import { printedBy } from "../golden/scripts.ts";

const scripts = { ...gradientScripts, ...inPlaceScripts, ...nnScripts };

for (const [id, script] of Object.entries(scripts)) {
  if ("none" in script) continue;
  Deno.test(`script ${id} prints the same in a compiled function`, () => {
    const compiled = printedBy((io) => dg.compile(() => void script.run(io))());
    assertEquals(compiled, printedBy(script.run));
  });
}
