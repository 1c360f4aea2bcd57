/**
 * Deno's own Jupyter kernel, made to lose no output.
 *
 * It sends outputs through a queue that races with the end of the cell: some arrive late, under the next cell, or never.
 * From inside one can only send less (console text in large pieces) and hold the end of a cell for a few milliseconds,
 * in which the queue empties. Dinograd's own kernel does better, knows the end of the queue, and needs none of this.
 *
 * Importing this module does so where it runs in that kernel, and nothing elsewhere. It leans on parts of Deno that are
 * not documented: where they are missing or different, nothing is changed either.
 *
 * @module
 */

import { ConsoleText } from "./console_text.ts";
import { DISPLAY, type Displayable } from "./mime.ts";
import { notebookHost } from "./notebook.ts";

/** How long the end of a cell is held at least, and for each message and byte that was sent, in milliseconds. */
const HOLD = 5;
const HOLD_PER_MESSAGE = 0.5;
const HOLD_PER_BYTE = 1 / 20_000;

type Broadcast = (type: string, content: { text?: string }, extra?: object) => Promise<void>;

interface Internals {
  Console?: new (print: (text: string, level: number) => void) => Console;
  jupyter?: { broadcastResult?: (count: number, result: unknown) => Promise<void> };
}

/** What may be at a place that is no promise of Deno's. */
function internals(): Internals | undefined {
  const deno = (globalThis as { Deno?: Record<PropertyKey, unknown> }).Deno;
  const key = deno?.internal;
  return typeof key === "symbol" ? deno![key] as Internals : undefined;
}

/** A result as it will be sent, and how large that is; a result that shows itself is asked once, here. */
async function measured(result: unknown): Promise<{ shown: unknown; bytes: number }> {
  const display = typeof result === "object" ? (result as Partial<Displayable> | null)?.[DISPLAY] : undefined;
  if (typeof display !== "function") return { shown: result, bytes: 0 };
  try {
    const bundle = await display.call(result);
    return { shown: { [DISPLAY]: () => bundle }, bytes: JSON.stringify(bundle).length };
  } catch {
    return { shown: result, bytes: 0 }; // the kernel asks again, and reports what went wrong
  }
}

/** Mends the kernel, if this is one that needs it. */
function mendKernel(): void {
  const done = Symbol.for("dinograd.stockKernel");
  if (Symbol.for("dinograd.kernel") in globalThis || done in globalThis) return;
  const host = notebookHost() as { broadcast: Broadcast } | null;
  if (host === null) return;
  const { Console, jupyter } = internals() ?? {};
  const broadcastResult = jupyter?.broadcastResult;
  if (typeof Console !== "function" || typeof broadcastResult !== "function") return;
  Object.defineProperty(globalThis, done, { value: true });

  let hold = 0;
  const broadcast = host.broadcast.bind(host);
  const send: Broadcast = (type, content, extra) => {
    hold += HOLD_PER_MESSAGE + (content?.text?.length ?? 2000) * HOLD_PER_BYTE;
    return extra === undefined ? broadcast(type, content) : broadcast(type, content, extra);
  };
  const text = new ConsoleText((name, text) => void send("stream", { name, text } as { text: string }));
  globalThis.console = new Console((words, level) => text.print(words, level));
  host.broadcast = (type, content, extra) => {
    // What was printed before comes before.
    text.flush();
    return send(type, content, extra);
  };
  jupyter!.broadcastResult = async (count, result) => {
    text.flush();
    const { shown, bytes } = await measured(result);
    await broadcastResult.call(jupyter, count, shown);
    const milliseconds = HOLD + HOLD_PER_MESSAGE + bytes * HOLD_PER_BYTE + hold;
    hold = 0;
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
  };
}

mendKernel();
