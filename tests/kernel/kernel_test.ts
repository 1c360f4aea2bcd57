import { assert, assertEquals, assertRejects } from "@std/assert";
import { pathToFileURL } from "node:url";
import { type LaunchedKernel, launchKernel } from "../../kernel/launch.ts";
import type { Message } from "../../kernel/messages.ts";
import { type Cell, formatNotebook, joinText, type Notebook, parseNotebook } from "../../kernel/notebook.ts";
import { main } from "../../kernel/main.ts";
import { OutputCollector } from "../../kernel/outputs.ts";
import { CellError, runNotebook } from "../../kernel/runner.ts";
import { mayStartKernels } from "./permissions.ts";

const ignore = !mayStartKernels();

function notebook(...sources: (string | Partial<Cell>)[]): Notebook {
  return {
    cells: sources.map((source, i) => ({
      cell_type: "code",
      id: `cell-${i}`,
      source: "",
      metadata: {},
      ...(typeof source === "string" ? { source } : source),
    })),
    metadata: {},
    nbformat: 4,
    nbformat_minor: 5,
  };
}

function printed(cell: Cell, name = "stdout"): string {
  const streams = (cell.outputs ?? []).filter((output) =>
    output.output_type === "stream" && output.name === name
  );
  return streams.map((output) => joinText(output.text!)).join("");
}

/** The text/plain of a cell's last output. */
function shown(cell: Cell): unknown {
  return cell.outputs?.at(-1)?.data?.["text/plain"];
}

function killAfter(kernel: LaunchedKernel, milliseconds: number): Disposable {
  const timer = setTimeout(() => kernel.kill(), milliseconds);
  return { [Symbol.dispose]: () => clearTimeout(timer) };
}

/** Runs a cell in a kernel that is already there. */
async function run(kernel: LaunchedKernel, code: string): Promise<{ status: unknown; cell: Cell }> {
  const outputs = new OutputCollector().cell();
  const reply = await kernel.client.execute(code, { onMessage: (message) => outputs.take(message) }).done;
  return {
    status: reply.status,
    cell: { cell_type: "code", source: code, metadata: {}, outputs: outputs.list },
  };
}

Deno.test({
  name: "no output is lost, and each lands in its own cell",
  ignore,
  async fn() {
    const sums = Array.from({ length: 60 }, (_, i) => `${i} + 1`);
    const lines = (letter: string) => `for (let i = 0; i < 5000; i++) console.log("${letter}", i);`;
    const given = notebook(
      ...sums,
      lines("a"),
      `${lines("b")} "end"`,
      "for (let i = 0; i < 600; i++) i % 2 ? console.error(i) : await Deno.jupyter.broadcast('stream', { name: 'stdout', text: `${i}\\n` })",
      "for (let i = 0; i < 1000; i++) Deno.jupyter.broadcast('display_data', { data: { 'text/plain': String(i) }, metadata: {} })",
      "'last'",
    );
    for (let round = 0; round < 5; round++) {
      const { cells } = await runNotebook(given);
      for (const [i, cell] of cells.slice(0, 60).entries()) {
        assertEquals(cell.outputs?.map((output) => output.data), [{ "text/plain": String(i + 1) }]);
      }
      const expected = (letter: string) =>
        Array.from({ length: 5000 }, (_, i) => `${letter} ${i}\n`).join("");
      assertEquals(cells[60].outputs?.length, 1);
      assertEquals(printed(cells[60]), expected("a"));
      assertEquals(printed(cells[61]), expected("b"));
      assertEquals(shown(cells[61]), '"end"');
      const numbers = (start: number) => Array.from({ length: 300 }, (_, i) => `${start + 2 * i}\n`).join("");
      assertEquals([printed(cells[62]), printed(cells[62], "stderr")], [numbers(0), numbers(1)]);
      assertEquals(
        cells[63].outputs?.map((output) => output.data?.["text/plain"]),
        Array.from({ length: 1000 }, (_, i) => String(i)),
      );
      assertEquals(cells[64].outputs?.length, 1);
    }
  },
});

Deno.test({
  name: "a notebook is run and written in nbformat 4.5",
  ignore,
  async fn() {
    const given = notebook(
      { cell_type: "markdown", source: "# Title", id: "title" },
      "const x: number = 20;\nx + 1",
      "",
      { source: "throw new RangeError('skipped')", metadata: { tags: ["skip-execution"] }, outputs: [] },
      {
        source: "console.log('before');\nthrow new RangeError('told so')",
        metadata: { tags: ["raises-exception"] },
      },
      "await Deno.jupyter.display({ [Symbol.for('Jupyter.display')]: () => ({ 'text/plain': 'p', 'text/html': '<b>p</b>' }) }); undefined",
    );
    const before = structuredClone(given);
    const result = await runNotebook(given, { cellTimeoutMilliseconds: 10_000 });
    assertEquals(given, before, "the given notebook must not change");
    assertEquals(result.cells.map(({ id }) => id), given.cells.map(({ id }) => id));
    const [title, sum, empty, skipped, raised, display] = result.cells;
    assertEquals(title, given.cells[0]);
    assertEquals(sum.outputs, [
      { output_type: "execute_result", execution_count: 1, data: { "text/plain": "21" }, metadata: {} },
    ]);
    assertEquals([sum.execution_count, empty.execution_count, raised.execution_count], [1, null, 2]);
    assertEquals([empty.outputs, skipped.outputs], [[], []]);
    assertEquals(raised.outputs?.map((output) => output.output_type), ["stream", "error"]);
    assertEquals([raised.outputs?.[1].ename, raised.outputs?.[1].evalue], ["RangeError", "told so"]);
    assertEquals(display.outputs, [
      { output_type: "display_data", data: { "text/plain": "p", "text/html": "<b>p</b>" }, metadata: {} },
    ]);
    assertEquals((result.metadata.kernelspec as { name: string }).name, "dinograd");
    assertEquals((result.metadata.language_info as { name: string }).name, "typescript");
    assertEquals(formatNotebook(parseNotebook(formatNotebook(result))), formatNotebook(result));
  },
});

Deno.test({
  name: "a run stops at the first error, or at a cell that takes too long",
  ignore,
  async fn() {
    const failing = notebook("1", "let y = ;", "3");
    const reports: number[] = [];
    const error = await assertRejects(
      () => runNotebook(failing, { onCell: ({ index }) => reports.push(index) }),
      CellError,
      "cell 2 failed: SyntaxError: Expression expected",
    );
    assertEquals([error.index, reports], [1, [0, 1]]);
    assert(error.traceback.some((line) => line.includes("let y = ;")), error.traceback.join("\n"));
    assertEquals(shown(error.notebook.cells[0]), "1");
    const all = await runNotebook(failing, { allowErrors: true });
    assertEquals(shown(all.cells[2]), "3");
    await assertRejects(
      () => runNotebook(notebook("while (true);"), { cellTimeoutMilliseconds: 300 }),
      CellError,
      "cell 1 took longer than 0.3 s and was interrupted",
    );
  },
});

Deno.test({
  name: "an interrupt ends loops and awaits, and keeps the state",
  ignore,
  async fn() {
    await using kernel = await launchKernel();
    // A cell that does not end fails the test instead of holding it up.
    using _guard = killAfter(kernel, 20_000);
    await run(kernel, "let state = 7; let ticks = 0; setInterval(() => ticks++, 5)");
    for (
      const code of [
        "while (true);",
        "while (true) await new Promise((resolve) => setTimeout(resolve, 1))",
        "await new Promise((resolve) => setTimeout(resolve, 60_000))",
        "while (true) { for (const t = performance.now(); performance.now() < t + 30;); await new Promise((r) => setTimeout(r, 1)); }",
      ]
    ) {
      const messages: Message[] = [];
      const { done } = kernel.client.execute(code, { onMessage: (message) => messages.push(message) });
      await new Promise((resolve) => setTimeout(resolve, 200));
      await kernel.client.interrupt();
      const reply = await done;
      assertEquals([reply.status, reply.ename], ["error", "Interrupted"], code);
      assertEquals(messages.filter(({ header }) => header.msg_type === "error").length, 1, code);
      const after = await run(
        kernel,
        "const before = ticks; await new Promise((resolve) => setTimeout(resolve, 40)); [state, ticks > before]",
      );
      assertEquals(shown(after.cell), "[ 7, true ]", code);
    }
    // A promise that nothing can settle may be collected, and end its cell, even before the interrupt.
    const endless = kernel.client.execute("await new Promise(() => {})").done;
    await new Promise((resolve) => setTimeout(resolve, 100));
    await kernel.client.interrupt();
    assertEquals((await endless).status, "error");
    // A cell may stop by itself: then it ends as it likes.
    await run(kernel, "let stop = false; Deno.addSignalListener('SIGINT', () => stop = true)");
    const { done } = kernel.client.execute(
      "while (!stop) await new Promise((resolve) => setTimeout(resolve, 5))",
    );
    await new Promise((resolve) => setTimeout(resolve, 100));
    await kernel.client.interrupt();
    assertEquals((await done).status, "ok");
    // An interrupt with nothing to interrupt does no harm.
    await kernel.client.interrupt();
    assertEquals(shown((await run(kernel, "state")).cell), "7");
  },
});

Deno.test({
  name: "cells behind one that failed are aborted, unless they are told to go on",
  ignore,
  async fn() {
    await using kernel = await launchKernel();
    const start = (code: string, stopOnError = true) => kernel.client.execute(code, { stopOnError }).done;
    const statuses = async (...replies: Promise<{ status?: unknown }>[]) =>
      (await Promise.all(replies)).map((reply) => reply.status);
    assertEquals(await statuses(start("1"), start("throw 1"), start("globalThis.ran = 1"), start("2")), [
      "ok",
      "error",
      "aborted",
      "aborted",
    ]);
    assertEquals(await statuses(start("throw 1", false), start("'on'")), ["error", "ok"]);
    assertEquals(shown((await run(kernel, "'ran' in globalThis")).cell), "false");
  },
});

Deno.test({
  name: "errors outside of a cell's own course are shown",
  ignore,
  async fn() {
    await using kernel = await launchKernel();
    const rejected = await run(
      kernel,
      "Promise.reject(new TypeError('unheard')); await new Promise((r) => setTimeout(r, 30))",
    );
    assert(printed(rejected.cell, "stderr").startsWith("Uncaught (in promise) TypeError: unheard"));
    const thrown = await run(
      kernel,
      "setTimeout(() => { throw new RangeError('late') }, 1); await new Promise((r) => setTimeout(r, 30))",
    );
    assert(printed(thrown.cell, "stderr").startsWith("Uncaught RangeError: late"));
    const raw = await run(
      kernel,
      "Deno.stdout.writeSync(new TextEncoder().encode('raw\\n')); await Deno.stderr.write(new TextEncoder().encode('é\\n'));",
    );
    assertEquals([printed(raw.cell), printed(raw.cell, "stderr")], ["raw\n", "é\n"]);
    assertEquals(raw.status, "ok");
  },
});

Deno.test({
  name: "the toolkit's name resolves in any folder, and relative paths are the notebook's own",
  ignore,
  async fn() {
    const directory = await Deno.makeTempDir();
    try {
      const import_ = "import * as k from '@dinograd/dinograd/kernel'; typeof k.runNotebook";
      await Deno.writeTextFile(`${directory}/data.txt`, "beside the notebook");
      await Deno.writeTextFile(`${directory}/local.ts`, "export const local = import.meta.url;");
      const { cells } = await runNotebook(
        notebook(
          import_,
          "await Deno.readTextFile('data.txt')",
          "import { local } from './local.ts'; local",
          { source: "await import('@dinograd/dinograd/nothing')", metadata: { tags: ["raises-exception"] } },
        ),
        { cwd: directory },
      );
      assertEquals(cells.slice(0, 3).map(shown), [
        '"function"',
        '"beside the notebook"',
        JSON.stringify(pathToFileURL(`${directory}/local.ts`).href),
      ]);
      assert(cells[3].outputs?.[0].evalue?.includes("'@dinograd/dinograd/nothing' is not exported"));
      // A folder that maps the name itself is believed.
      await Deno.writeTextFile(`${directory}/own.ts`, "export const own = true;");
      await Deno.writeTextFile(
        `${directory}/deno.json`,
        JSON.stringify({ imports: { "@dinograd/dinograd": "./own.ts" } }),
      );
      const mapped = await runNotebook(notebook("import { own } from '@dinograd/dinograd'; own"), {
        cwd: directory,
      });
      assertEquals(shown(mapped.cells[0]), "true");
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  },
});

Deno.test({
  name: "a notebook that was run in place passes the check, and one that was changed does not",
  ignore,
  async fn() {
    const directory = await Deno.makeTempDir();
    const file = `${directory}/n.ipynb`;
    const { log, error } = console;
    const err: unknown[] = [];
    console.log = () => {};
    console.error = (...values) => err.push(...values);
    try {
      await Deno.writeTextFile(
        file,
        formatNotebook(notebook("1 + 1", "console.log('took', performance.now(), 'ms')")),
      );
      assertEquals(await main(["run", file, "--in-place"]), 0);
      const saved = await Deno.readTextFile(file);
      assertEquals(shown(parseNotebook(saved).cells[0]), ["2"]);
      assertEquals(await main(["run", file, "--check", "--html"]), 0);
      const page = await Deno.readTextFile(`${directory}/n.html`);
      assert(page.includes("<title>n</title>") && page.includes(">1 + 1</code>"), page);
      assert(page.includes("<pre>2</pre>"), page);
      const changed = parseNotebook(saved);
      changed.cells[0].outputs![0].data!["text/plain"] = "3";
      await Deno.writeTextFile(file, formatNotebook(changed));
      assertEquals(err, []);
      assertEquals(await main(["run", file, "--check"]), 1);
      assertEquals(err, [`${file}: cell 1: line 1 of execute_result was "3" and is now "2"`]);
      // An error leaves the file as it was.
      const failing = formatNotebook(notebook("1", "throw new Error('no')"));
      await Deno.writeTextFile(file, failing);
      assertEquals(await main(["run", file, "--in-place"]), 1);
      assertEquals(await Deno.readTextFile(file), failing);
    } finally {
      console.log = log;
      console.error = error;
      await Deno.remove(directory, { recursive: true });
    }
  },
});

Deno.test({
  name: "the real kernel ends with the process that stands before it, even in a loop",
  ignore: ignore || Deno.build.os === "windows",
  async fn() {
    const kernel = await launchKernel();
    const { cell } = await run(kernel, "Deno.pid");
    const pid = Number(shown(cell));
    assert(pid > 0 && pid !== kernel.pid);
    const { done } = kernel.client.execute("while (true);");
    const died = assertRejects(() => done);
    await new Promise((resolve) => setTimeout(resolve, 100));
    kernel.kill();
    await died;
    await kernel.stop();
    for (let i = 0; i < 100 && alive(pid); i++) await new Promise((resolve) => setTimeout(resolve, 20));
    assert(!alive(pid), `process ${pid} is left over`);
  },
});

function alive(pid: number): boolean {
  try {
    // Signal 0 asks only whether the process is there; a dead one that nobody has awaited yet counts as gone.
    const { success, stdout } = new Deno.Command("ps", { args: ["-o", "stat=", "-p", String(pid)] })
      .outputSync();
    return success && !new TextDecoder().decode(stdout).startsWith("Z");
  } catch {
    return false;
  }
}

Deno.test({
  name: "a kernel that dies is reported",
  ignore,
  async fn() {
    const kernel = await launchKernel();
    await assertRejects(() => kernel.client.execute("Deno.exit(3)").done, Error);
    assertEquals((await kernel.ended).code, 3);
    await kernel.stop();
  },
});
