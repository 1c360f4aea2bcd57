import { assert, assertEquals } from "@std/assert";
import { CellSources } from "../../kernel/cells.ts";
import { launchKernel } from "../../kernel/launch.ts";
import { PrintedCode } from "../../kernel/source_map.ts";
import { formatThrown, shortenFrames } from "../../kernel/traceback.ts";
import { printedBy, runCell, shownBy } from "./helpers.ts";
import { mayStartKernels } from "./permissions.ts";

const ignore = !mayStartKernels();
const root = "file:///toolkit/";

/** Cells whose last line throws at column 9, in all ways that the kernel's printer moves lines. */
function* movingCells(): Generator<string> {
  const before = [
    "",
    "// c\n",
    "// c\n\n/* d\n e */\n",
    "const k = { a: [1, 2] };\n/** doc */\n\n",
    "type R = 1;\n// c\n",
  ];
  const imports = [
    "",
    'import * as ns from "./x.ts";',
    'import {\n  tensor,\n  // two\n  ones as uno\n} from "./x.ts"',
    'import "./x.ts";',
    'import a, { b as q } from "./x.ts"; // after',
    'import type { T } from "./x.ts";',
    'import { type T, b } from "./x.ts";',
    'import * as g from "./x.ts"; import a from "./x.ts";',
    "export const e = 4;",
    "export function ff() { return 1 }\n",
    "enum C { A, B }\nconst f = async (x: number) => {\n // in\n\n  return x };",
    'const text = `\n${[1,\n 2]}\n`; import("./x.ts");',
  ];
  for (const first of before) {
    for (const next of imports) yield `${first}${next}\n// end\nthrow   new Error("x");`;
  }
}

Deno.test({
  name: "places of the code that runs are found in the cell as it was written",
  ignore,
  async fn() {
    const directory = await Deno.makeTempDir();
    const names = "export const b = 2, ones = 1, tensor = 2;";
    await Deno.writeTextFile(`${directory}/x.ts`, `export default 1; ${names} export interface T { a: 1 }`);
    try {
      await using kernel = await launchKernel({ cwd: directory });
      let cells = 0;
      for (const code of movingCells()) {
        const { cell } = await runCell(kernel, code);
        const lines = code.split("\n").length;
        const text = cell.outputs!.at(-1)!.traceback!.join("\n");
        assert(text.endsWith(`    at cell [${++cells}]:${lines}:9`), `${code}\n${text}`);
        assert(text.includes(`  > ${lines} | throw   new Error("x");\n`), text);
      }
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  },
});

Deno.test({
  name: "an error shows the lines of its cells, its causes, and no more frames than help",
  ignore,
  async fn() {
    await using kernel = await launchKernel();
    const traceback = async (code: string) => {
      const { reply, cell } = await runCell(kernel, code);
      const error = cell.outputs!.find((output) => output.output_type === "error")!;
      assertEquals(reply.traceback, error.traceback);
      assertEquals([reply.ename, reply.evalue], [error.ename, error.evalue]);
      return error.traceback!;
    };
    const mod = JSON.stringify(new URL("../../mod.ts", import.meta.url).href);
    await runCell(kernel, `import * as dg from ${mod}; const x = dg.tensor([1, 2, 3]);`);
    await runCell(
      kernel,
      "function f(n: number): number {\n  if (n > 1) throw new RangeError('told so');\n\n  return f(n + 1);\n}",
    );
    assertEquals(await traceback("// call\nf(0)"), [
      "RangeError: told so",
      "in cell [2]",
      "    1 | function f(n: number): number {",
      "  > 2 |   if (n > 1) throw new RangeError('told so');",
      "      |                    ^",
      "    3 |",
      "    4 |   return f(n + 1);",
      "called from cell [3]",
      "  > 2 | f(0)",
      "      | ^",
      "",
      "    at f (cell [2]:2:20)",
      "    at f (cell [2]:4:10)",
      "    at f (cell [2]:4:10)",
      "    at cell [3]:2:1",
    ]);
    const inside = await traceback("x.view(7)");
    assertEquals(inside.slice(0, 5), [
      "TypeError: shape '[7]' is invalid for input of size 3",
      "",
      "  > 1 | x.view(7)",
      "      |   ^",
      "",
    ]);
    assert(
      /^ {4}at Tensor\.view \(dinograd\/src\/ops\/view\/view\.ts:\d+:\d+\) and \d calls inside$/.test(
        inside[5],
      ),
      inside[5],
    );
    assertEquals(inside.slice(6), ["    at cell [4]:1:3"]);
    const caused = await traceback(
      "class Mine extends Error { name = 'Mine'; code = 7 }\nthrow new Mine('outer', {\n  cause: new TypeError('inner', { cause: 'text' }) })",
    );
    assertEquals(caused.filter((line) => /^\S/.test(line)), [
      "Mine: outer",
      "{ code: 7 }",
      "Caused by: TypeError: inner",
      'Caused by: "text"',
    ]);
    assert(caused.includes("    at cell [5]:3:10"), caused.join("\n"));
    const many = await traceback("throw new AggregateError([new Error('a'), 2], 'many')");
    assertEquals(many.filter((line) => /^\S|Error: a/.test(line)), [
      "AggregateError: many",
      "Error 1 of 2:",
      "  Error: a",
      "Error 2 of 2:",
    ]);
    const endless = await traceback("const g = (): number => g() + 1;\ng()");
    assert(endless.some((line) => /^ {4}\.\.\. and \d+ times more$/.test(line)), endless.join("\n"));
    assertEquals(await traceback("throw 'a string'"), ["Uncaught a string"]);
    const again = await traceback("const kept = new Error('kept');\nconsole.log(kept.stack); throw kept");
    assertEquals(again.at(-1), "    at cell [9]:1:14");
    const late = await traceback("throw kept");
    assertEquals(late[0], "Error: kept");
    assert(late.at(-1)!.includes("cell [9]:1:14"), late.join("\n"));
  },
});

Deno.test({
  name: "printed stacks name the cell's lines too, and what nobody catches is shown like an error",
  ignore,
  async fn() {
    await using kernel = await launchKernel();
    const printed = await runCell(
      kernel,
      "interface A { a: 1 }\n\nconsole.log(new Error('logged')); new Error('result')",
    );
    assertEquals(printedBy(printed.cell), "Error: logged\n    at cell [1]:3:13\n");
    assertEquals(shownBy(printed.cell), "Error: result\n    at cell [1]:3:35");
    const rejected = await runCell(
      kernel,
      "type B = 2;\nPromise.reject(new TypeError('unheard', { cause: 1 }));\nawait new Promise((r) => setTimeout(r, 30))",
    );
    assertEquals(printedBy(rejected.cell, "stderr").split("\n"), [
      "Uncaught (in promise) TypeError: unheard",
      "",
      "    1 | type B = 2;",
      "  > 2 | Promise.reject(new TypeError('unheard', { cause: 1 }));",
      "      |                ^",
      "    3 | await new Promise((r) => setTimeout(r, 30))",
      "",
      "    at cell [2]:2:16",
      "",
      "Caused by: 1",
      "",
    ]);
    const timer = await runCell(
      kernel,
      "setTimeout(() => {\n  null!.x }, 1); await new Promise((r) => setTimeout(r, 30))",
    );
    const text = printedBy(timer.cell, "stderr");
    assert(text.startsWith("Uncaught TypeError: Cannot read properties of null"), text);
    assert(text.endsWith("    at cell [3]:2:9\n"), text);
    // Errors that are caught cost no more than before: their stacks are written when they are asked for.
    const caught = await runCell(
      kernel,
      "let calls = 0; const { prepareStackTrace } = Error; Error.prepareStackTrace = (...a) => { calls++; return prepareStackTrace(...a) }; for (let i = 0; i < 100; i++) try { throw new Error() } catch {}; calls",
    );
    assertEquals(shownBy(caught.cell), "0");
  },
});

Deno.test({
  name: "a cell's code is echoed as it was sent, and objects are still objects",
  ignore,
  async fn() {
    await using kernel = await launchKernel();
    const results = async (code: string) => {
      const echoes: unknown[] = [];
      const outputs: unknown[] = [];
      await kernel.client.execute(code, {
        onMessage({ header, content }) {
          if (header.msg_type === "execute_input") echoes.push(content.code);
          if (header.msg_type === "execute_result") outputs.push((content.data as never)["text/plain"]);
        },
      }).done;
      assertEquals(echoes, [code]);
      return outputs;
    };
    assertEquals(await results("{ a: 1 }"), ["{ a: 1 }"]);
    assertEquals(await results("  { a: 1, b: [2] } // why"), ["{ a: 1, b: [ 2 ] }"]);
    assertEquals(await results("{ let a = 1; a + 1 }"), ["2"]);
    assertEquals(await results("{ a: 1 };"), ["1"]);
    assertEquals(await results("// nothing"), []);
    assertEquals(await results(""), []);
    assertEquals(await results("'use strict'; 5"), ["5"]);
    assertEquals(await results("let x = `// ${1}`; x // last"), ['"// 1"']);
  },
});

Deno.test("a mark is where the reader sees the place, also where other code runs than was written", () => {
  const sources = new CellSources();
  const written = "\tconst y = 3*x + boom();";
  const sent = '\tconst y = call("+", call("*", 3, x), boom());';
  const { id } = sources.add(written, sent);
  const printed = new PrintedCode(sources.add(written, sent).tagged).lines;
  const line = printed.findIndex((text) => text.includes("boom"));
  const at = printed[line].indexOf("boom");
  const place = sources.find(id, { line: line + 1, column: at + 1 })!;
  assertEquals([place.line, place.column, place.cell], [1, written.indexOf("boom") + 1, "cell"]);
  // Inside of what was changed there is a line, but no mark.
  const changed = sources.find(id, { line: line + 1, column: printed[line].indexOf('call("*"') + 1 })!;
  assertEquals([changed.line, changed.column], [1, undefined]);
  const frames = [`    at dinograd:cell/${id}:${line + 1}:${at + 1}`];
  assertEquals(formatThrown({ title: "Error: e", frames }, sources, { root }), [
    "Error: e",
    "",
    `  > 1 | ${written}`,
    `      | \t${" ".repeat(written.indexOf("boom") - 1)}^`,
    "",
    "    at cell:1:18",
  ]);
  // Cells of another kernel, and places that no cell has, are left alone.
  assertEquals(sources.translate("at dinograd:cell/77:1:1"), "at dinograd:cell/77:1:1");
  assertEquals(sources.translate(`at dinograd:cell/${id}:99:1`), "at cell");
});

Deno.test("frames of the inside are shortened where frames of a user's are, and else kept", () => {
  const toolkit = [`    at a (${root}src/a.ts:1:1)`, `    at b (${root}src/b.ts:2:2)`];
  const user = "    at mine (file:///home/me/mine.ts:3:3)";
  assertEquals(
    shortenFrames([
      "    at ext:core/01_core.js:1:1",
      ...toolkit,
      "    at Array.map (<anonymous>)",
      user,
      `    at c (${root}src/c.ts:4:4)`,
      user,
      `    at run (${root}kernel/interrupt.ts:5:5)`,
      "    at next (ext:core/02_timers.js:307:17)",
    ], { root }),
    [
      "    at b (dinograd/src/b.ts:2:2) and 1 call inside",
      "    at Array.map (<anonymous>)",
      user,
      "    at c (dinograd/src/c.ts:4:4)",
      user,
    ],
  );
  assertEquals(shortenFrames(toolkit, { root }), [
    "    at a (dinograd/src/a.ts:1:1)",
    "    at b (dinograd/src/b.ts:2:2)",
  ]);
  assertEquals(shortenFrames([...toolkit, user], { root, full: true }), [...toolkit, user]);
});
