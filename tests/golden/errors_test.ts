/**
 * The scripts of errors.json: what they throw and warn of, here and in PyTorch. Its calls are in calls_test.ts.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { str } from "../lessons/python.ts";
import { sameMessage } from "./compare.ts";
import { errorScripts } from "./error_scripts.ts";
import { readGolden } from "./runner.ts";
import { testScript } from "./scripts.ts";

interface ErrorScript {
  id: string;
  python?: string;
  error?: string;
  message?: string;
  warnings?: [kind: string, text: string][];
}

/** Modules, losses and optimisers have their own tests. */
const elsewhere = /\b(nn|F|optim)\./;
const cases = readGolden<{ cases: ErrorScript[] }>("errors").cases
  .filter((c) => c.python !== undefined && !elsewhere.test(c.python));

Deno.test("errors: every script is answered", () => {
  assertEquals(Object.keys(errorScripts).sort(), cases.map((c) => c.id).sort());
});

for (const c of cases) {
  const script = errorScripts[c.id];
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
