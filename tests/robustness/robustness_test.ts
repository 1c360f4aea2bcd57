/**
 * Nonsense in every call that a user can make: it is refused in our own words, at once, and leaves no trace.
 *
 * What is exported is found by walking, so that a new function is tested from its first day.
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import * as dg from "../../mod.ts";
import { beginnings, garbage, type Make, matrix, methodBeginnings } from "./arguments.ts";
import { type Entry, surface } from "./surface.ts";

/** Not called, and why. */
const exceptions = new Map<string, string>([
  ["autograd.GradcheckError", "an error, which the library makes"],
  ["graph.Graph", "made by makeDot, which checks"],
  ["plot.Picture", "made by picture and pictures, which check"],
  ["optim.Optimizer", "abstract: those derived from it are called"],
  ["display", "prints anything"],
  ["html", "makes a text of anything"],
  ["setWarningHandler", "the warnings of the other calls would be seen"],
]);

/** Changing modes is what these are for; when they throw they must not have. What they return goes back. */
const setters = new Set([
  "setDefaultDtype",
  "setGradEnabled",
  "autograd.setDetectAnomaly",
  "noGrad",
  "enableGrad",
  "inferenceMode",
]);

/** A call may take this long, in milliseconds. */
const LIMIT = 1000;

// The engine makes its errors with the constructors that are here now; ours are made with those that stand in their place.
const engine = { TypeError, RangeError };
const ours = {
  TypeError: class extends TypeError {},
  RangeError: class extends RangeError {},
};

/** What is wrong with an error, or null. */
function faultOf(error: unknown): string | null {
  if (!(error instanceof engine.TypeError || error instanceof engine.RangeError)) {
    return `threw ${Deno.inspect(error)}`;
  }
  if (error.constructor === engine.TypeError || error.constructor === engine.RangeError) {
    return `the engine's own words: ${error.message}`;
  }
  return error.message.length < 8 ? `says no more than ${JSON.stringify(error.message)}` : null;
}

function text(value: unknown): string {
  if (value instanceof dg.Tensor) return `${value.dtype}[${value.shape}]`;
  if (Array.isArray(value)) return `[${value.map(text).join(", ")}]`;
  if (typeof value === "function") return "a function";
  return Deno.inspect(value, { compact: true, depth: 0, breakLength: Infinity });
}

interface Snapshot {
  readonly tensor: dg.Tensor;
  readonly shape: dg.Shape;
  readonly version: number;
  readonly values: dg.TypedArray;
}

function snapshots(values: readonly unknown[]): Snapshot[] {
  return values.flat().filter((value) => value instanceof dg.Tensor).map((tensor) => ({
    tensor,
    shape: tensor.shape,
    version: tensor.version,
    values: tensor.storage.data.slice(),
  }));
}

function isUnchanged({ tensor, shape, version, values }: Snapshot): boolean {
  const now = tensor.storage.data;
  return tensor.shape === shape && tensor.version === version && now.length === values.length &&
    values.every((v: number | bigint, i: number) => Object.is(v, now[i]));
}

const modes = (): string =>
  Deno.inspect([dg.isGradEnabled(), dg.isInferenceModeEnabled(), dg.getDefaultDtype()]);

const usual = modes();

/** Makes calls and collects what is wrong with them. */
class Trial {
  readonly faults: string[] = [];
  calls = 0;
  private readonly waiting: Promise<void>[] = [];

  attempt(entry: Entry, makes: readonly Make[]): void {
    const self = matrix(), args = makes.map((make) => make());
    const before = snapshots([self, ...args]), start = performance.now();
    const complain = (fault: string | null) => {
      if (fault !== null) this.faults.push(`${entry.name}(${args.map(text).join(", ")}): ${fault}`);
    };
    let threw = false;
    this.calls++;
    try {
      const result = entry.call(self, args);
      if (result instanceof Promise) {
        this.waiting.push(result.then(() => {}, (error) => complain(faultOf(error))));
      } else if (setters.has(entry.name)) (result as Partial<Disposable> | undefined)?.[Symbol.dispose]?.();
    } catch (error) {
      threw = true;
      complain(faultOf(error));
    }
    const time = performance.now() - start;
    if (time > LIMIT) complain(`took ${Math.round(time)} ms`);
    if (threw && !before.every(isUnchanged)) complain("changed a tensor, and threw");
    if (modes() !== usual) {
      if (threw || !setters.has(entry.name)) complain(`left the modes at ${modes()}`);
      dg.setGradEnabled(true);
      dg.setDefaultDtype("float32");
    }
  }

  async finish(): Promise<void> {
    await Promise.all(this.waiting);
  }
}

Deno.test("nonsense is refused in every call", async () => {
  const trial = new Trial(), entries = surface();
  const traces = Error.stackTraceLimit, handler = dg.setWarningHandler(() => {});
  Error.stackTraceLimit = 0; // most of the time would go into them
  Object.assign(globalThis, ours);
  try {
    for (const entry of entries) {
      if (exceptions.has(entry.name)) continue;
      trial.attempt(entry, []);
      for (const beginning of entry.method ? methodBeginnings : beginnings) {
        for (const make of garbage) trial.attempt(entry, [...beginning, make]);
      }
    }
    await trial.finish();
  } finally {
    Object.assign(globalThis, engine);
    Error.stackTraceLimit = traces;
    dg.setWarningHandler(handler);
  }
  const names = new Set(entries.map(({ name }) => name));
  assertEquals([...exceptions.keys()].filter((name) => !names.has(name)), [], "exceptions without a reason");
  assert(
    entries.length > 900 && trial.calls > 300_000,
    `only ${entries.length} entries, ${trial.calls} calls`,
  );
  assertEquals(trial.faults.length, 0, `\n${trial.faults.slice(0, 40).join("\n")}\n`);
});

Deno.test("faults are seen: engine's words, other errors, changes, modes", () => {
  const trial = new Trial();
  const faulty = (call: Entry["call"]): Entry => ({ name: "faulty", method: true, call });
  Object.assign(globalThis, ours);
  try {
    trial.attempt(faulty(() => (undefined as unknown as dg.Tensor).sum()), []);
    trial.attempt(faulty(() => BigInt("a")), []);
    trial.attempt(
      faulty((self) => {
        self.add_(1);
        throw new TypeError("after the change");
      }),
      [],
    );
    trial.attempt(faulty(() => dg.setGradEnabled(false)), []);
    trial.attempt(
      faulty(() => {
        throw new RangeError("in our own words");
      }),
      [],
    );
  } finally {
    Object.assign(globalThis, engine);
  }
  assertEquals(trial.faults.map((fault) => fault.slice(0, 30)), [
    "faulty(): the engine's own wor",
    "faulty(): threw SyntaxError: C",
    "faulty(): changed a tensor, an",
    "faulty(): left the modes at [ ",
  ]);
});

Deno.test("the message names the function, the argument, its place and its value", () => {
  // deno-lint-ignore no-explicit-any
  const loose = dg as any, x = matrix() as any;
  const cases: [call: () => unknown, kind: ErrorConstructor, message: string][] = [
    [() => loose.sum(5), TypeError, "sum(): argument 'input' (position 1) must be Tensor, not number 5"],
    [
      () => loose.mm(x, "a"),
      TypeError,
      "mm(): argument 'mat2' (position 2) must be Tensor, not string \"a\"",
    ],
    [
      () => x.reshape(2, null),
      TypeError,
      "reshape(): argument 'size' must be a list of integers, but found null",
    ],
    [() => x.sum(0, { dims: 1 }), TypeError, 'sum() has no option "dims": use dim, keepdim, dtype'],
    [() => x.sum(0, null), TypeError, "options must be an object"],
    [() => loose.zeros(1e12), RangeError, "cannot allocate 1000000000000 elements of float32 (4000 GB)"],
    [() => x.polygamma(1e12), RangeError, "the order must be at most 1000, but got 1000000000000"],
    [() => x.norm(2, 5n), TypeError, "a dimension must be an integer, got bigint 5"],
  ];
  for (const [call, kind, message] of cases) assertThrows(call, kind, message);
});
