/**
 * Runs inside the kernel, before any cell: whole output, bare imports from any folder, interrupts and rejections
 * that do not end the process or vanish.
 *
 * Importing this module changes the globals of the process. Only the kernel imports it.
 *
 * @module
 */

import { registerHooks } from "node:module";
import config from "../deno.json" with { type: "json" };
import { ConsoleText } from "../src/display/console_text.ts";
import { Interrupter } from "./interrupt.ts";
import "./operators/runtime.ts";
import { ValueInspector } from "./inspect/values.ts";
import { INTERRUPT, SYNC, UNCAUGHT } from "./protocol.ts";
import { describeThrown, StackKeeper } from "./stacks.ts";

/** What the rest of the kernel calls in this process, found under `Symbol.for("dinograd.kernel")`. */
interface KernelHost {
  /**
   * Ends a cell: sends what is still buffered, then a {@linkcode SYNC} message with this id, behind all earlier
   * outputs. For a cell that failed it tells all about the error that has this stack.
   */
  sync(id: string, stack?: string): void;
  /** Answers what the value is that `read` gives, in the terms of the toolkit at `url`. */
  describe(id: string, read: () => unknown, url: string): Promise<void>;
  /** Answers what can follow a dot behind the value that `read` gives, or behind an object of the class it names. */
  members(id: string, read: (() => unknown) | string, url: string): Promise<void>;
}

/** Before cells' timers are followed: an interrupt must not cancel the sending of text. */
const startTimer = globalThis.setTimeout;

type Broadcast = (type: string, content: object, extra?: object) => void;

interface Jupyter {
  broadcast: Broadcast;
  display: (object: unknown, options?: object) => Promise<void>;
}

interface Internals {
  Console?: new (print: (text: string, level: number) => void) => Console;
}

function installOutput(interrupter: Interrupter, stacks: StackKeeper): KernelHost {
  const { jupyter } = Deno as unknown as { jupyter: Jupyter };
  const internals = (Deno as unknown as Record<symbol, Internals>)[
    (Deno as unknown as { internal: symbol }).internal
  ];
  if (internals?.Console === undefined) {
    throw new TypeError(`this kernel does not know the console of Deno ${Deno.version.deno}`);
  }
  const broadcast = jupyter.broadcast.bind(jupyter);
  const display = jupyter.display.bind(jupyter);
  const streams = new ConsoleText((name, text) => broadcast("stream", { name, text }), startTimer);
  globalThis.console = new internals.Console((text, level) => streams.print(text, level));
  // Whatever else is sent must not overtake the text printed before it.
  jupyter.broadcast = (type, content, extra) => {
    streams.flush();
    return extra === undefined ? broadcast(type, content) : broadcast(type, content, extra);
  };
  jupyter.display = (object, options) => {
    streams.flush();
    return display(object, options);
  };
  // The kernel lets what is written here vanish.
  for (const [name, level] of [["stdout", 1], ["stderr", 2]] as const) {
    const decoder = new TextDecoder();
    const writeSync = (bytes: Uint8Array): number => {
      streams.print(decoder.decode(bytes, { stream: true }), level);
      return bytes.length;
    };
    Object.assign(Deno[name], { writeSync, write: (bytes: Uint8Array) => Promise.resolve(writeSync(bytes)) });
    const writable = new WritableStream<Uint8Array>({ write: (bytes) => void writeSync(bytes) });
    Object.defineProperty(Deno[name], "writable", { value: writable });
  }
  const inspector = new ValueInspector();
  return {
    async describe(id, read, url) {
      broadcast(SYNC, { ...await inspector.describe(read, url), id });
    },
    async members(id, read, url) {
      broadcast(SYNC, { names: await inspector.members(read, url), id });
    },
    sync(id, stack) {
      interrupter.endCell();
      streams.flush();
      broadcast(SYNC, { id, thrown: stack === undefined ? undefined : stacks.find(stack) });
      stacks.endCell();
    },
  };
}

/** Resolves the toolkit's own name from any folder, unless the folder's own configuration knows it. */
function installImports(): void {
  const exports: Record<string, string> = config.exports;
  registerHooks({
    resolve(specifier, context, next) {
      if (specifier !== config.name && !specifier.startsWith(`${config.name}/`)) {
        return next(specifier, context);
      }
      let found: unknown;
      let failure: unknown;
      try {
        found = next(specifier, context).url;
      } catch (error) {
        failure = error;
      }
      // A name that nothing knows comes back as null, or joined to the importing file as if it were a path.
      const { parentURL } = context;
      const unknown = typeof found !== "string" ||
        (parentURL !== undefined && found === URL.parse(specifier, parentURL)?.href);
      if (!unknown) return { url: found as string, shortCircuit: true };
      const target = exports[`.${specifier.slice(config.name.length)}`];
      if (target === undefined) {
        throw failure ?? new TypeError(
          `'${specifier}' is not exported; ${config.name} exports ${Object.keys(exports).join(", ")}`,
        );
      }
      return { url: new URL(`../${target}`, import.meta.url).href, shortCircuit: true };
    },
  });
}

function installEvents(): void {
  const { jupyter } = Deno as unknown as { jupyter: Jupyter };
  const tell = (prefix: string, error: unknown) =>
    jupyter.broadcast(UNCAUGHT, { prefix, thrown: describeThrown(error) });
  addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    tell("Uncaught (in promise)", event.reason);
  });
  addEventListener("error", (event) => {
    event.preventDefault();
    tell("Uncaught", event.error);
  });
}

/** Answers SIGINT, which would otherwise end the process and all that the user has computed. */
function installInterrupt(interrupter: Interrupter): void {
  const { jupyter } = Deno as unknown as { jupyter: Jupyter };
  Deno.addSignalListener("SIGINT", () => {
    jupyter.broadcast(INTERRUPT, { busy: false });
    interrupter.interrupt(() => jupyter.broadcast(INTERRUPT, { busy: true }));
  });
}

const key = Symbol.for("dinograd.kernel");
if (!(key in globalThis)) {
  const interrupter = new Interrupter();
  const stacks = new StackKeeper();
  stacks.install();
  Object.defineProperty(globalThis, key, { value: installOutput(interrupter, stacks) });
  installImports();
  installEvents();
  installInterrupt(interrupter);
}
