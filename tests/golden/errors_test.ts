/**
 * The scripts of errors.json: what they throw and warn of, here and in PyTorch. Its calls are in calls_test.ts.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { str } from "../lessons/python.ts";
import { sameMessage } from "./compare.ts";
import { errorScripts } from "./error_scripts.ts";
import { nnErrorScripts } from "./nn_error_scripts.ts";
import { readGolden } from "./runner.ts";
import { testScript } from "./scripts.ts";

interface ErrorScript {
  id: string;
  python?: string;
  error?: string;
  message?: string;
  warnings?: [kind: string, text: string][];
}

const scripts = { ...errorScripts, ...nnErrorScripts };
const cases = readGolden<{ cases: ErrorScript[] }>("errors").cases.filter((c) => c.python !== undefined);
/** Layers that do not exist yet. */
const later = /^(conv2d|max_pool2d|avg_pool2d|batch_norm|layer_norm|group_norm|embedding|mha|lstm|one_hot)\//;

Deno.test("errors: every script is answered", () => {
  const expected = cases.map((c) => c.id).filter((id) => id in scripts || !later.test(id));
  assertEquals(Object.keys(scripts).sort(), expected.sort());
});

for (const c of cases) {
  const script = scripts[c.id];
  if (script === undefined || "none" in script) continue;
  const expected = c.error
    ? `Error: ${c.message}`
    : c.warnings!.map(([, text]) => `[UserWarning] ${text}`).join("\n");
  const { run, ...rest } = script;
  testScript(`errors/${c.id}`, {
    ...rest,
    run({ print }): void {
      try {
        const result = run();
        if (c.error) print(`no error, but ${str(result)}`);
      } catch (error) {
        if (!(error instanceof TypeError || error instanceof RangeError)) throw error;
        const same = c.message !== undefined && sameMessage(error.message, c.message);
        print(`Error: ${same ? c.message : error.message}`);
      }
    },
  }, expected);
}
