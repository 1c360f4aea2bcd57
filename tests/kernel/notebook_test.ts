import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { compareNotebooks } from "../../kernel/compare.ts";
import { type JsonObject, Session } from "../../kernel/messages.ts";
import {
  formatNotebook,
  joinText,
  type Notebook,
  type Output,
  parseNotebook,
  splitLines,
  writeFileAtomically,
} from "../../kernel/notebook.ts";
import { OutputCollector } from "../../kernel/outputs.ts";
import { mayWrite } from "./permissions.ts";

function notebook(...outputs: Output[][]): Notebook {
  return {
    cells: outputs.map((list, i) => ({
      cell_type: "code",
      id: `c${i}`,
      source: "x",
      metadata: {},
      outputs: list,
      execution_count: i + 1,
    })),
    metadata: {},
    nbformat: 4,
    nbformat_minor: 5,
  };
}

const stream = (text: string, name = "stdout"): Output => ({ output_type: "stream", name, text });
const result = (text: string, more: JsonObject = {}): Output => ({
  output_type: "execute_result",
  data: { "text/plain": text, ...more },
  metadata: {},
  execution_count: 1,
});

Deno.test("text splits into lines and joins again", () => {
  for (const text of ["", "a", "a\n", "a\nb", "\n\n", "a\r\nb\rc"]) {
    assertEquals(joinText(splitLines(text)), text);
  }
  assertEquals(splitLines("a\n\nb"), ["a\n", "\n", "b"]);
  assertEquals(splitLines(""), []);
});

Deno.test("a notebook is written as Jupyter writes it", () => {
  const given: Notebook = notebook([
    stream("a\nb"),
    {
      output_type: "display_data",
      metadata: {},
      data: { "text/plain": "x\ny", "image/png": "iVBO\nRw", "application/json": { b: [1], a: "1\n2" } },
    },
  ]);
  given.cells.unshift({ cell_type: "markdown", id: "m", source: ["# T\n", "ü"], metadata: {} });
  assertEquals(
    formatNotebook(given),
    `{
 "cells": [
  {
   "cell_type": "markdown",
   "id": "m",
   "metadata": {},
   "source": [
    "# T\\n",
    "ü"
   ]
  },
  {
   "cell_type": "code",
   "execution_count": 1,
   "id": "c0",
   "metadata": {},
   "outputs": [
    {
     "name": "stdout",
     "output_type": "stream",
     "text": [
      "a\\n",
      "b"
     ]
    },
    {
     "data": {
      "application/json": {
       "a": "1\\n2",
       "b": [
        1
       ]
      },
      "image/png": "iVBO\\nRw",
      "text/plain": [
       "x\\n",
       "y"
      ]
     },
     "metadata": {},
     "output_type": "display_data"
    }
   ],
   "source": [
    "x"
   ]
  }
 ],
 "metadata": {},
 "nbformat": 4,
 "nbformat_minor": 5
}
`,
  );
  assertEquals(formatNotebook(parseNotebook(formatNotebook(given))), formatNotebook(given));
});

Deno.test("an older notebook gets cell ids, and keeps those it has", () => {
  const old = JSON.stringify({
    cells: [
      { cell_type: "code", source: "1", metadata: {}, outputs: [], execution_count: null },
      { cell_type: "markdown", source: "t", metadata: {}, id: "mine" },
    ],
    metadata: {},
    nbformat: 4,
    nbformat_minor: 2,
  });
  const { cells, nbformat_minor } = parseNotebook(old);
  assertEquals(nbformat_minor, 5);
  assertMatch(cells[0].id!, /^[a-zA-Z0-9-_]{1,64}$/);
  assertEquals(cells[1].id, "mine");
});

Deno.test("what is no notebook is refused with a reason", () => {
  assertThrows(() => parseNotebook("{"), TypeError, "the notebook is not JSON");
  assertThrows(() => parseNotebook("[]"), TypeError, "no list of cells");
  assertThrows(() => parseNotebook('{"cells": [], "nbformat": 3}'), RangeError, "has format 3");
  assertThrows(
    () => parseNotebook('{"cells": [{}], "nbformat": 4}'),
    TypeError,
    "cell 1 of the notebook has no source",
  );
});

Deno.test({
  name: "a file is replaced whole",
  ignore: !mayWrite(),
  async fn() {
    const directory = await Deno.makeTempDir();
    try {
      const path = `${directory}/a.ipynb`;
      await writeFileAtomically(path, "one");
      await writeFileAtomically(path, "two");
      assertEquals(await Deno.readTextFile(path), "two");
      assertEquals((await Array.fromAsync(Deno.readDir(directory))).map(({ name }) => name), ["a.ipynb"]);
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  },
});

Deno.test("messages become outputs: streams join, displays update across cells, clearing can wait", () => {
  const session = new Session();
  const collector = new OutputCollector();
  const first = collector.cell();
  const second = collector.cell();
  const take = (cell: typeof first, type: string, content: JsonObject) =>
    cell.take(session.message(type, content));
  take(first, "execute_input", { code: "x", execution_count: 7 });
  take(first, "stream", { name: "stdout", text: "a" });
  take(first, "stream", { name: "stdout", text: "b\n" });
  take(first, "stream", { name: "stderr", text: "e" });
  take(first, "stream", { name: "stdout", text: "c" });
  take(first, "display_data", {
    data: { "text/plain": "0%" },
    metadata: {},
    transient: { display_id: "bar" },
  });
  take(second, "update_display_data", {
    data: { "text/plain": "100%" },
    metadata: {},
    transient: { display_id: "bar" },
  });
  assertEquals(first.executionCount, 7);
  assertEquals(first.list, [
    stream("ab\n"),
    stream("e", "stderr"),
    stream("c"),
    { output_type: "display_data", data: { "text/plain": "100%" }, metadata: {} },
  ]);
  assertEquals(second.list, []);
  take(second, "stream", { name: "stdout", text: "old" });
  take(second, "clear_output", { wait: true });
  assertEquals(second.list.length, 1);
  take(second, "execute_result", { data: { "text/plain": "new" }, metadata: {}, execution_count: 8 });
  assertEquals(second.list.map((output) => output.data), [{ "text/plain": "new" }]);
  take(second, "clear_output", { wait: false });
  assertEquals(second.list, []);
  take(second, "error", { ename: "E", evalue: "v", traceback: ["t"] });
  assertEquals(second.list, [{ output_type: "error", ename: "E", evalue: "v", traceback: ["t"] }]);
});

Deno.test("equal outputs compare equal, whatever the lines are split into", () => {
  const stored = notebook([stream("a\n"), stream("b"), result("1", { "image/png": "AAAA" })]);
  const fresh = notebook([{ ...stream(""), text: ["a\n", "b"] }, result("1", { "image/png": "BBBB" })]);
  assertEquals(compareNotebooks(stored, fresh), []);
});

Deno.test("timings and volatile cells are passed over", () => {
  assertEquals(
    compareNotebooks(notebook([stream("took 1.5 ms and 3s")]), notebook([stream("took 20 µs and 4s")])),
    [],
  );
  const stored = notebook([stream("a")], [stream("b")]);
  const fresh = notebook([stream("x")], [stream("y")]);
  fresh.cells[0].metadata.tags = ["volatile"];
  assertEquals(compareNotebooks(stored, fresh), [
    { index: 1, message: 'line 1 of stdout was "b" and is now "y"' },
  ]);
});

Deno.test("differences name the cell and the line", () => {
  const message = (before: Output[], after: Output[]) => {
    const differences = compareNotebooks(notebook([], before), notebook([], after));
    assert(differences.every(({ index }) => index === 1));
    return differences.map((difference) => difference.message);
  };
  assertEquals(message([result("a\nb")], [result("a\nc")]), [
    'line 2 of execute_result was "b" and is now "c"',
  ]);
  assertEquals(message([], [result("1")]), ['there is a new execute_result output: "1"']);
  assertEquals(message([stream("1")], []), ['the stdout output is missing: "1"']);
  const error: Output = { output_type: "error", ename: "E", evalue: "v", traceback: [] };
  assertEquals(message([result("1")], [error]), ["a execute_result output is now of kind error"]);
  assertEquals(message([result("2 m")], [result("3 m")]), [
    'line 1 of execute_result was "2 m" and is now "3 m"',
  ]);
});
