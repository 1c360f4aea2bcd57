import { assert, assertEquals } from "@std/assert";
import { KernelClient } from "../../kernel/client.ts";
import { newConnectionInfo } from "../../kernel/connection.ts";
import { launchKernel } from "../../kernel/launch.ts";
import type { Message } from "../../kernel/messages.ts";
import { killQuietly, startDenoKernel } from "../../kernel/process.ts";
import { ConsoleText } from "../../src/display/console_text.ts";
import { runCell, shownBy } from "./helpers.ts";
import { mayStartKernels } from "./permissions.ts";

const ignore = !mayStartKernels();
const mod = JSON.stringify(new URL("../../mod.ts", import.meta.url).href);
const LINES = 3000;

Deno.test({
  name: "in Deno's own kernel the toolkit sees to it that outputs come in time",
  ignore,
  async fn() {
    const info = newConnectionInfo();
    const kernel = await startDenoKernel(info);
    const guard = setTimeout(() => killQuietly(kernel.child, "SIGKILL"), 60_000);
    const client = await KernelClient.connect(info);
    try {
      /** What had come when the cell had ended: a notebook page listens no longer. */
      const outputs = async (code: string) => {
        const seen: Message[] = [];
        let open = true;
        await client.execute(code, { onMessage: (message) => open && seen.push(message) }).done;
        open = false;
        const text = (type: string, read: (message: Message) => unknown) =>
          seen.filter(({ header }) => header.msg_type === type).map(read).join("");
        return {
          printed: text("stream", ({ content }) => content.text),
          shown: text(
            "execute_result",
            ({ content }) => (content.data as Record<string, unknown>)["text/plain"],
          ),
          messages: seen.length,
        };
      };
      const loop = `for (let i = 0; i < ${LINES}; i++) console.log(i); "end"`;
      const lines = Array.from({ length: LINES }, (_, i) => `${i}\n`).join("");
      await outputs(
        `const dg = await import(${mod}); const before = console; const again = await import(${mod}); 0`,
      );
      // Time is short on a busy machine; without the mending no round ever succeeds.
      let whole = 0;
      for (let round = 0; round < 4 && whole < 2; round++) {
        const { printed, shown, messages } = await outputs(loop);
        if (printed === lines && shown === '"end"' && messages < 100) whole++;
      }
      assertEquals(whole, 2);
      assertEquals(
        (await outputs("Symbol.for('dinograd.stockKernel') in globalThis && console === before")).shown,
        "true",
      );
    } finally {
      clearTimeout(guard);
      client.close();
      killQuietly(kernel.child, "SIGKILL");
      await kernel.ended;
    }
  },
});

Deno.test({
  name: "elsewhere the toolkit leaves the console alone",
  ignore,
  async fn() {
    const { log } = console;
    await import("../../src/display/stock_kernel.ts");
    assertEquals(console.log, log);
    assert(!(Symbol.for("dinograd.stockKernel") in globalThis));
    await using kernel = await launchKernel();
    const { cell } = await runCell(
      kernel,
      `const before = console; await import(${mod}); [before === console, Symbol.for("dinograd.stockKernel") in globalThis]`,
    );
    assertEquals(shownBy(cell), "[ true, false ]");
  },
});

Deno.test("console text is sent in order, in few pieces, and none too long", async () => {
  const sent: [string, string][] = [];
  const text = new ConsoleText((name, words) => sent.push([name, words]));
  for (let i = 0; i < 1000; i++) text.print(`${i}\n`, i % 500 === 499 ? 2 : 1);
  text.flush();
  text.flush();
  assert(sent.length <= 20, `${sent.length} pieces`);
  assertEquals(
    sent.map(([, words]) => words).join(""),
    Array.from({ length: 1000 }, (_, i) => `${i}\n`).join(""),
  );
  assertEquals(sent.filter(([name]) => name === "stderr").map(([, words]) => words), ["499\n", "999\n"]);
  sent.length = 0;
  text.print("x".repeat(250_001), 1);
  text.flush();
  assertEquals(sent.map(([, words]) => words.length), [100_000, 100_000, 50_001]);
  sent.length = 0;
  text.print("later", 1);
  await new Promise((resolve) => setTimeout(resolve, 60));
  assertEquals(sent, [["stdout", "later"]]);
});
