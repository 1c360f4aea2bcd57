/**
 * Inside the kernel: stacks that tell one cell from another, and thrown values as data for the bridge.
 *
 * @module
 */

import type { Thrown } from "./protocol.ts";

/** Deeper than V8's 10: the frame of the cell must be among them, below those of the libraries that it calls. */
const STACK_DEPTH = 50;
/** How many errors of one cell are remembered. */
const MEMORY = 100;
const LONGEST_TEXT = 10_000;
const MOST_ERRORS = 10;
const DEEPEST_CAUSE = 10;

/** The stack frame as V8 describes it to `Error.prepareStackTrace`. */
interface CallSite {
  getFileName(): string | null;
  getScriptNameOrSourceURL(): string | null;
  toString(): string;
}

interface StackConstructor {
  stackTraceLimit: number;
  prepareStackTrace(error: unknown, frames: CallSite[]): string;
}

/** Knows the errors whose stacks have been asked for during a cell. One for the process. */
export class StackKeeper {
  readonly #recent = new Map<string, unknown>();

  /** Names cells in stacks, which Deno leaves anonymous, and gives stacks room. */
  install(): void {
    const constructor = Error as unknown as StackConstructor;
    constructor.stackTraceLimit = STACK_DEPTH;
    constructor.prepareStackTrace = (error, frames) => {
      const text = [titleOf(error), ...frames.map((frame) => `    at ${place(frame)}`)].join("\n");
      this.#recent.set(text, error);
      if (this.#recent.size > MEMORY) this.#recent.delete(this.#recent.keys().next().value!);
      return text;
    };
  }

  /** Forgets the errors of the cell that has ended. */
  endCell(): void {
    this.#recent.clear();
  }

  /** The error with this stack, if its stack was asked for during this cell. */
  find(stack: string): Thrown | undefined {
    const error = this.#recent.get(stack);
    return error === undefined ? undefined : describeThrown(error);
  }
}

/** The frame's own text, with the address of its module rather than the path, as Deno writes it. */
function place(frame: CallSite): string {
  const text = frame.toString();
  const [path, url] = [frame.getFileName(), frame.getScriptNameOrSourceURL()];
  return path && url?.startsWith("file:") ? text.replace(path, url) : text;
}

function titleOf(error: unknown): string {
  try {
    return Error.prototype.toString.call(error);
  } catch {
    return "Error";
  }
}

/** What the bridge needs to show a thrown value. Never throws. */
export function describeThrown(value: unknown, depth: number = 0): Thrown {
  try {
    if (!(value instanceof Error)) return { title: inspect(value), frames: [] };
    const lines = String(value.stack ?? titleOf(value)).split("\n");
    const first = lines.findIndex((line) => /^\s+at /.test(line));
    const thrown: Thrown = {
      title: shorten(lines.slice(0, first < 0 ? undefined : first).join("\n")),
      frames: first < 0 ? [] : lines.slice(first),
    };
    const known = new Set(["name", "message", "stack", "cause", "errors"]);
    const own = Object.keys(value).filter((key) => !known.has(key));
    if (own.length > 0) {
      const properties = Object.fromEntries(own.map((key) => [key, (value as never)[key]]));
      thrown.properties = inspect(properties);
    }
    if (value.cause !== undefined && depth < DEEPEST_CAUSE) {
      thrown.cause = describeThrown(value.cause, depth + 1);
    }
    if (value instanceof AggregateError && depth < DEEPEST_CAUSE) {
      thrown.errors = value.errors.slice(0, MOST_ERRORS).map((error) => describeThrown(error, depth + 1));
    }
    return thrown;
  } catch {
    return { title: "a value that cannot be shown", frames: [] };
  }
}

function inspect(value: unknown): string {
  return shorten(Deno.inspect(value, { depth: 2, colors: false }));
}

function shorten(text: string): string {
  return text.length <= LONGEST_TEXT ? text : `${text.slice(0, LONGEST_TEXT)}...`;
}
