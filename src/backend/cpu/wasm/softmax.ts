/**
 * Softmax along lines as WebAssembly: many lines at a time, by several threads where that pays; a line that is longer than a
 * piece of memory as a fold, a program, a fold and a program.
 * @module
 */
import { adding, extreme, Fold } from "../../../expr/fold.ts";
import { type Program, program } from "../../../expr/program.ts";
import type { TypedArray } from "../../../tensor/dtype.ts";
import { Step } from "../pointwise_js.ts";
import { features } from "./features.ts";
import { runWasmFold } from "./fold.ts";
import { ARRAYS, instantiate, memoryBuffer } from "./memory.ts";
import { runWasm } from "./run.ts";
import { lineBytes, lowerSoftmax, type Softmax } from "./softmax_kernel.ts";
import { softmaxOfShort } from "./softmax_short.ts";
import {
  asksWorkers,
  makeRing,
  newPace,
  type Pace,
  type Ring,
  runAlone,
  runRing,
  runTogether,
} from "./stream.ts";
import { currentTeam } from "./team.ts";

export type { Softmax } from "./softmax_kernel.ts";

type Dtype = "float32" | "float64";

type Numbers = Float32Array | Float64Array;

/** Elements at a time: of several lines, those behind each line included. */
const CHUNK = 8192;

/** Elements of a line from which it is worth a loop of its own. */
const SHORT = 64;

/** Elements from which threads are asked for help. */
const THREADS_FROM = 1 << 16;

interface Kernel extends Pace {
  readonly run: (lines: number, place: number, bytes: number) => number;
  readonly piece: Numbers;
  ring?: Ring | null;
}

const kernels = new Map<string, Kernel>();

const views = { float32: Float32Array, float64: Float64Array };

function kernelFor(kind: Softmax, dtype: Dtype): Kernel {
  const key = `${kind} ${dtype}`;
  let known = kernels.get(key);
  if (known === undefined) {
    const run = instantiate(lowerSoftmax(kind, dtype, ARRAYS, features()!)) as Kernel["run"];
    kernels.set(
      key,
      known = { ...newPace(), run, piece: new views[dtype](memoryBuffer(), ARRAYS, CHUNK) },
    );
  }
  return known;
}

/** Writes the softmax of `lines` lines of `n` elements. False if nothing was done. */
export function runWasmSoftmax(
  kind: Softmax,
  dtype: Dtype,
  x: TypedArray,
  offset: number,
  lines: number,
  n: number,
  y: TypedArray,
): boolean {
  if (n === 0 || features() === null) return false;
  if (n < SHORT) {
    softmaxOfShort(kind, dtype, x, offset, lines, n, y);
    return true;
  }
  const bytes = lineBytes(dtype, n), size = views[dtype].BYTES_PER_ELEMENT, room = bytes / size;
  if (room > CHUNK) {
    for (let line = 0; line < lines; line++) longLine(kind, dtype, x, offset + line * n, n, y, line * n);
    return true;
  }
  const kernel = kernelFor(kind, dtype), atOnce = Math.floor(CHUNK / room), elements = lines * n;
  if (asksWorkers(kernel, elements, THREADS_FROM)) {
    runTogether(kernel, elements, () => {
      alone(runThreaded(kernel, kind, dtype, bytes, lines, atOnce, load, store));
    });
  } else runAlone(kernel, elements, THREADS_FROM, () => alone(0));
  return true;

  function alone(line: number): void {
    for (; line < lines; line += atOnce) {
      const count = Math.min(atOnce, lines - line);
      load(kernel.piece, line, count);
      kernel.run(count, 0, bytes);
      store(kernel.piece, line, count);
    }
  }

  /** Copies lines into a piece of memory. What is behind each of them counts nothing. */
  function load(piece: Numbers, line: number, count: number): void {
    const from = x as Float32Array, into = piece as Float32Array, at = offset + line * n;
    if (room === n) into.set(from.subarray(at, at + count * n));
    else {
      for (let l = 0; l < count; l++) {
        into.set(from.subarray(at + l * n, at + l * n + n), l * room);
        into.fill(-Infinity, l * room + n, (l + 1) * room);
      }
    }
  }
  function store(piece: Numbers, line: number, count: number): void {
    const into = y as Float32Array, from = piece as Float32Array, to = line * n;
    if (room === n) into.set(from.subarray(0, count * n), to);
    else for (let l = 0; l < count; l++) into.set(from.subarray(l * room, l * room + n), to + l * n);
  }
}

/** Works on lines by several threads, and gives how many are done. */
function runThreaded(
  kernel: Kernel,
  kind: Softmax,
  dtype: Dtype,
  bytes: number,
  lines: number,
  atOnce: number,
  load: (piece: Numbers, line: number, count: number) => void,
  store: (piece: Numbers, line: number, count: number) => void,
): number {
  if (kernel.ring === undefined || (kernel.ring !== null && kernel.ring.team !== currentTeam())) {
    kernel.ring = makeRing(
      [{ view: views[dtype], single: false }],
      CHUNK,
      ([address], pages) => lowerSoftmax(kind, dtype, address, features()!, pages),
    );
  }
  if (kernel.ring === null) return 0;
  const pieces = Math.ceil(lines / atOnce),
    countOf = (piece: number) => Math.min(atOnce, lines - piece * atOnce);
  const done = runRing(
    kernel.ring,
    pieces,
    atOnce,
    countOf(pieces - 1),
    ([place], piece) => load(place as Numbers, piece * atOnce, countOf(piece)),
    ([place], piece) => store(place as Numbers, piece * atOnce, countOf(piece)),
    bytes,
  );
  return Math.min(lines, done * atOnce);
}

// ---- one long line ------------------------------------------------------------------------------------------------

interface Parts {
  readonly top: Fold;
  readonly total: Fold;
  readonly lowered: Program;
  readonly scaled: Program;
  readonly shifted: Program;
}

let parts: Parts | undefined;

function longLine(
  kind: Softmax,
  dtype: Dtype,
  x: TypedArray,
  at: number,
  n: number,
  y: TypedArray,
  to: number,
): void {
  parts ??= {
    top: new Fold("top", [extreme("max")], ["best"]),
    total: new Fold("total", [adding("v")], ["acc"]),
    lowered: program(["v", "top"], "exp(v - top)"),
    scaled: program(["v", "scale"], "v * scale"),
    shifted: program(["v", "top", "shift"], "v - top - shift"),
  };
  const fold = (fold: Fold, data: TypedArray, offset: number): number => {
    const out = new Float64Array(1);
    runWasmFold(fold, { data, offset }, { sizes: [], strides: [] }, { sizes: [n], strides: [1] }, dtype, [
      out,
    ], true);
    return out[0];
  };
  const input = { data: x, dtype, offset: at, strides: [1] },
    out = { data: y, dtype, offset: to, strides: [1] };
  const run = (p: Program, v: typeof input, ...numbers: number[]): void => {
    const steps = Array.from({ length: numbers.length + 2 }, () => Step.Unit);
    runWasm(p, [v, ...numbers], [out], dtype, { sizes: [n], strides: [], steps }, true);
  };
  const top = fold(parts.top, x, at);
  run(parts.lowered, input, top);
  const total = fold(parts.total, y, to);
  if (kind === "softmax") run(parts.scaled, out, 1 / total);
  else run(parts.shifted, input, top, Math.log(total));
}
