/**
 * The scripts of autograd.json: what they print here, and what they printed in PyTorch.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { inPlaceScripts } from "./autograd_inplace_scripts.ts";
import { gradientScripts } from "./autograd_scripts.ts";
import { nnScripts } from "./nn_scripts.ts";
import { readGolden } from "./runner.ts";
import { testScript } from "./scripts.ts";

interface PrintedScript {
  id: string;
  python: string;
  printed: string;
}

const scripts = { ...gradientScripts, ...inPlaceScripts, ...nnScripts };
/** Files have their own tests. */
const elsewhere = /^serialize/;
const cases = readGolden<{ cases: PrintedScript[] }>("autograd").cases.filter((c) => !elsewhere.test(c.id));

Deno.test("autograd: every script is answered", () => {
  assertEquals(Object.keys(scripts).sort(), cases.map((c) => c.id).sort());
});

for (const c of cases) {
  if (c.id in scripts) testScript(`autograd/${c.id}`, scripts[c.id], c.printed);
}
