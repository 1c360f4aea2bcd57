import { assert, assertEquals } from "@std/assert";
import fc from "npm:fast-check@4.10.2";
import { transformOperators } from "../../kernel/operators/transform.ts";
import "../../kernel/operators/runtime.ts";
import { behaviour, programs, wholeProgram } from "./operators_programs.ts";

Deno.test("random programs without tensors do the same in operator form", async () => {
  let [valid, changed] = [0, 0];
  await fc.assert(
    fc.asyncProperty(programs, async (lines) => {
      const program = wholeProgram(lines);
      let expected: string[];
      try {
        expected = await behaviour(program);
      } catch (error) {
        assert(error instanceof SyntaxError);
        return;
      }
      const code = transformOperators(program);
      valid++;
      if (code !== program) changed++;
      assertEquals(await behaviour(code), expected, code);
      assertEquals(code.split("\n").length, program.split("\n").length);
    }),
    { numRuns: 1000, seed: Number(Deno.env.get("DINOGRAD_SEED") ?? 1) },
  );
  assert(valid > 300 && changed > 300, `${valid} of 1000 programs were valid, ${changed} have operators`);
});
