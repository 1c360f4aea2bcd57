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

Deno.test("operands are evaluated and converted in JavaScript's order", async () => {
  const lines: string[] = [];
  const [left, right] = ["a", "b"].map((name) =>
    `log("${name}", { valueOf: () => log("valueOf ${name}", 2), toString: () => log("toString ${name}", "3") })`
  );
  for (const op of "+ - * / % ** & | ^ << >> >>> < <= > >= == != === !== && || ??".split(" ")) {
    lines.push(
      `log("result", ${left} ${op} ${right});`,
      `log("one", 5 ${op} ${right}); log("other", ${left} ${op} 5n);`,
    );
  }
  for (const op of "+= -= *= /= %= **= &= |= ^= <<= >>= >>>= &&= ||= ??=".split(" ")) {
    lines.push(`a = ${left}; log("a", a ${op} ${right}); log("a", a);`);
    lines.push(`log("q", log("o", o).q ${op} ${right});`);
    lines.push(`log("key", o[{ toString: () => log("key", "q") }] ${op} ${right});`);
    lines.push(`log("comma", o[log("first", 1), "p"] ${op} ${right}); log("p", o.p); o.p = 1;`);
    lines.push(`log("private", log("self", self).#x ${op} ${right}); log("x", self.#x); self.#x = 1;`);
    lines.push(`log("none", nothing[log("key", 1)] ${op} ${right});`, `log("constant", k ${op} ${right});`);
    lines.push(`log("frozen", frozen.p ${op} ${right});`, `log("unknown", unknown ${op} ${right});`);
  }
  lines.push(
    "[a = 2 * k] = []; log(1, a);",
    "({ p: o[`${1 + k}`] = k ** 2, ...a } = { q: k - 1 }); log(1, o[3] + a.q);",
    "for (o[k + 1] of [1, 2]) log(1, o[k + 1] * 2);",
    "for (const [i = k * 2] of [[]]) log(1, i);",
    "o[k - 1] = k; log(1, o[1]);",
    "log(1, ((x = k * 2, { y = x + 1 } = {}) => x * y)());",
    "log(1, [...(function* () { const got = (yield k * 2) + 1; yield got; })()].length);",
    "label: for (let i = 0; i < 9; i++) { for (;;) { if (i > k) break label; continue label; } }",
    "log(1, o?.r?.valueOf() * 2); log(2, k\n++\na); log(3, a);",
    "{ let i = 1\ni\n++i; log(1, i) }",
  );
  for (const line of lines) {
    const program = wholeProgram(`try { ${line} } catch (e) { log("caught", e) }`);
    let expected: string[];
    try {
      expected = await behaviour(program);
    } catch (error) {
      assert(error instanceof SyntaxError);
      continue;
    }
    assertEquals(await behaviour(transformOperators(program)), expected, line);
  }
});
