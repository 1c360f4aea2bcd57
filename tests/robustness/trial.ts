/** Calls with nonsense, and what may be wrong with them. */
import * as dg from "../../mod.ts";
import { GpuError } from "../../src/backend/webgpu/error.ts";
import { type Make, matrix } from "./arguments.ts";
import type { Entry } from "./surface.ts";

/** Not called, and why. */
export const exceptions = new Map<string, string>([
  ["autograd.GradcheckError", "an error, which the library makes"],
  ["linalg.LinAlgError", "an error, which the library makes"],
  ["webgpu.GpuError", "an error, which the library makes"],
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
  "setDefaultDevice",
]);

/** A call may take this long, in milliseconds. */
const LIMIT = 1000;

// The engine makes its errors with the constructors that are here now; ours are made with those that stand in their place.
export const engine = { TypeError, RangeError };
export const ours = {
  TypeError: class extends TypeError {},
  RangeError: class extends RangeError {},
};

/** What is wrong with an error, or null. */
function faultOf(error: unknown): string | null {
  if (error instanceof GpuError) return null;
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
  /** Not looked at on the GPU, where reading all of them would take minutes, but by what writes. */
  readonly values: dg.TypedArray | null;
}

function snapshots(values: readonly unknown[], writes: boolean): Snapshot[] {
  return values.flat().filter((value) => value instanceof dg.Tensor).map((tensor) => ({
    tensor,
    shape: tensor.shape,
    version: tensor.version,
    values: writes || tensor.device === "cpu" ? valuesOf(tensor) : null,
  }));
}

function valuesOf({ storage }: dg.Tensor): dg.TypedArray {
  return storage.read(0, storage.length).slice();
}

function isUnchanged({ tensor, shape, version, values }: Snapshot): boolean {
  if (tensor.shape !== shape || tensor.version !== version) return false;
  if (values === null) return true;
  const now = valuesOf(tensor);
  return now.length === values.length &&
    values.every((v: number | bigint, i: number) => Object.is(v, now[i]));
}

const modes = (): string =>
  Deno.inspect([
    dg.isGradEnabled(),
    dg.isInferenceModeEnabled(),
    dg.getDefaultDtype(),
    dg.getDefaultDevice(),
  ]);

/** Makes calls and collects what is wrong with them. */
export class Trial {
  readonly faults: string[] = [];
  calls = 0;
  private readonly waiting: Promise<void>[] = [];
  private readonly device = dg.getDefaultDevice();
  private readonly usual = modes();

  attempt(entry: Entry, makes: readonly Make[], own: () => dg.Tensor = matrix): void {
    const self = own(), args = makes.map((make) => make());
    const before = snapshots([self, ...args], /_$|=/.test(entry.name)), start = performance.now();
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
    if (modes() !== this.usual) {
      if (threw || !setters.has(entry.name)) complain(`left the modes at ${modes()}`);
      dg.setGradEnabled(true);
      dg.setDefaultDtype("float32");
      dg.setDefaultDevice(this.device);
    }
  }

  async finish(): Promise<void> {
    await Promise.all(this.waiting);
  }
}

/** Runs calls with our own constructors of errors, without traces and warnings. */
export async function watched(run: () => void | Promise<void>): Promise<void> {
  const traces = Error.stackTraceLimit, handler = dg.setWarningHandler(() => {});
  Error.stackTraceLimit = 0; // most of the time would go into them
  Object.assign(globalThis, ours);
  try {
    await run();
  } finally {
    Object.assign(globalThis, engine);
    Error.stackTraceLimit = traces;
    dg.setWarningHandler(handler);
  }
}
