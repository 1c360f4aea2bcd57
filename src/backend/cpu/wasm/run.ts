/**
 * Runs programs as WebAssembly over ordinary arrays: pieces of them are copied into the memory of the kernels, which is small
 * enough to stay in the processor's cache, and the results back.
 * @module
 */
import type { DType, Scalar, TypedArray } from "../../../tensor/dtype.ts";
import type { Program } from "../../../expr/program.ts";
import { isOperand, type Nest, type Operand, runNest, Step } from "../pointwise_js.ts";
import { features } from "./features.ts";
import { ARRAYS, instantiate, memoryBuffer, NUMBERS } from "./memory.ts";
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
import { isCheap, isLowerable, lowerWasm, type Slot, slotBytes, slotOf, STEP } from "./lower.ts";

/** A program for operands of certain types: its function, and where the operands are in memory. */
interface Kernel extends Pace {
  /** The same for several threads; null if there is none, undefined before it was asked for. */
  ring?: Ring | null;
  readonly run: (count: number) => number;
  /** Elements at a time. */
  readonly chunk: number;
  readonly slots: readonly Slot[];
  /** By operand: the memory of a piece of it, or the place of the one number. */
  readonly views: readonly TypedArray[];
}

/** What is known of a program in one arithmetic. */
interface Plan {
  /** Whether its loop is so short that copying is most of the work. */
  readonly cheap: boolean;
  /** By the slots of the operands. */
  readonly kernels: Map<string, Kernel>;
}

/** Sizes from which the kernels are faster than JavaScript's loops: elements in all, and in a row. */
const LEAST = { cheap: 2048, cheapRow: 512, costly: 512, costlyRow: 64 };

/** Elements from which threads are asked for help. */
const THREADS_FROM = 1 << 16;

/** The pieces together should stay in the cache next to the processor's core, and be enough of them for several threads. */
const WORKING_SET = 192 * 1024, LARGEST_CHUNK = 8192, PADDING = 192;

const plans: Readonly<Record<"float32" | "float64", Map<string, Plan | null>>> = {
  float32: new Map(),
  float64: new Map(),
};

/**
 * Runs a program over a loop nest, if it can and if that pays (with `always`: if it can). False if nothing was done: the
 * program, the types or the layout ask for JavaScript.
 */
export function runWasm(
  p: Program,
  inputs: readonly (Operand | Scalar)[],
  outputs: readonly Operand[],
  computeDtype: DType,
  nest: Nest,
  always: boolean,
): boolean {
  if (computeDtype !== "float32" && computeDtype !== "float64") return false;
  const plan = planFor(p, computeDtype);
  if (plan === null) return false;
  const { sizes, steps } = nest, row = sizes.length === 0 ? 1 : sizes[sizes.length - 1];
  if (!always) {
    let numel = 1;
    for (const size of sizes) numel *= size;
    if (numel < (plan.cheap ? LEAST.cheap : LEAST.costly)) return false;
    if (row < numel && row < (plan.cheap ? LEAST.cheapRow : LEAST.costlyRow)) return false;
  }
  // gathering elements is as much work as a short loop is
  if (plan.cheap && steps.includes(Step.Strided)) return false;
  for (let j = inputs.length; j < steps.length; j++) if (steps[j] !== Step.Unit) return false;
  const kernel = kernelFor(plan, p, inputs, outputs, computeDtype);
  if (kernel === null) return false;
  inputs.forEach((x, j) => {
    if (!isOperand(x)) kernel.views[j][0] = Number(x);
  });
  const last = sizes.length - 1, run = () => runRows(kernel, p, inputs, outputs, computeDtype, nest);
  if (plan.cheap || last !== 0 || steps.some((step) => step !== Step.Unit)) run();
  else if (asksWorkers(kernel, row, THREADS_FROM)) {
    runTogether(kernel, row, () => runThreaded(kernel, p, inputs, outputs, computeDtype, nest));
  } else runAlone(kernel, row, THREADS_FROM, run);
  return true;
}

/** Runs a program over one row of many elements, with threads. */
function runThreaded(
  kernel: Kernel,
  p: Program,
  inputs: readonly (Operand | Scalar)[],
  outputs: readonly Operand[],
  computeDtype: "float32" | "float64",
  nest: Nest,
): void {
  const { chunk, slots } = kernel, n = nest.sizes[0], count = inputs.length;
  if (kernel.ring === undefined || (kernel.ring !== null && kernel.ring.team !== currentTeam())) {
    const arrays = slots.map((slot) => ({ view: viewOf(slot, computeDtype), single: slot === "number" }));
    kernel.ring = makeRing(
      arrays,
      chunk,
      (addresses, pages) => lowerWasm(p, computeDtype, { slots, addresses }, features()!, pages),
    );
  }
  const { ring } = kernel;
  const pieces = Math.ceil(n / chunk), last = n - (pieces - 1) * chunk, padded = (last + STEP - 1) & -STEP;
  let from = 0;
  if (ring !== null) {
    inputs.forEach((x, j) => {
      if (!isOperand(x)) ring.places[0][j][0] = Number(x);
    });
    from = chunk * runRing(ring, pieces, chunk, padded, fill, drain);
  }
  if (from < n) rest(from, n - from, (...args) => runRows(kernel, ...args));

  function fill(place: readonly TypedArray[], piece: number): void {
    const end = piece === pieces - 1;
    for (let j = 0; j < count; j++) {
      const x = inputs[j];
      if (!isOperand(x)) continue;
      load(place[j], x.data, x.offset + piece * chunk, end ? last : chunk, end ? padded : chunk, 1);
    }
  }

  function drain(place: readonly TypedArray[], piece: number, result: number): void {
    const length = piece === pieces - 1 ? last : chunk, start = piece * chunk;
    if (result !== 0) return rest(start, length, runNest);
    outputs.forEach((x, i) => unload(place[count + i], x.data, x.offset + start, length));
  }

  /** Computes a part in another way. */
  function rest(start: number, length: number, run: typeof runNest): void {
    const from = (x: Operand): Operand => ({ ...x, offset: x.offset + start });
    const part = inputs.map((x) => isOperand(x) ? from(x) : x);
    run(p, part, outputs.map(from), computeDtype, { ...nest, sizes: [length] });
  }
}

function viewOf(slot: Slot, computeDtype: "float32" | "float64") {
  const views = { float32: Float32Array, float64: Float64Array, byte: Uint8Array };
  return views[slot === "number" ? computeDtype : slot];
}

function planFor(p: Program, computeDtype: "float32" | "float64"): Plan | null {
  const known = plans[computeDtype].get(p.key);
  if (known !== undefined) return known;
  const can = features() !== null && p.inputs.length <= NUMBERS && isLowerable(p, computeDtype);
  const plan = can ? { cheap: isCheap(p), kernels: new Map() } : null;
  plans[computeDtype].set(p.key, plan);
  return plan;
}

function kernelFor(
  plan: Plan,
  p: Program,
  inputs: readonly (Operand | Scalar)[],
  outputs: readonly Operand[],
  computeDtype: "float32" | "float64",
): Kernel | null {
  const slots: Slot[] = [];
  for (const x of inputs) {
    const slot = isOperand(x) ? slotOf(x.dtype, computeDtype, false) : "number";
    if (slot === null) return null;
    slots.push(slot);
  }
  for (const x of outputs) {
    const slot = slotOf(x.dtype, computeDtype, true);
    if (slot === null) return null;
    slots.push(slot);
  }
  const key = slots.join();
  let kernel = plan.kernels.get(key);
  if (kernel === undefined) plan.kernels.set(key, kernel = compile(p, computeDtype, slots));
  return kernel;
}

function compile(p: Program, computeDtype: "float32" | "float64", slots: readonly Slot[]): Kernel {
  const buffer = memoryBuffer();
  const perElement = slots.reduce((sum, slot) => sum + (slot === "number" ? 0 : slotBytes[slot]), 0);
  const chunk = Math.min(LARGEST_CHUNK, Math.floor(WORKING_SET / perElement)) & -STEP;
  let next = ARRAYS;
  const addresses: number[] = [], views: TypedArray[] = [];
  slots.forEach((slot, j) => {
    if (slot === "number") {
      addresses.push(16 * j);
      views.push(new (viewOf(slot, computeDtype))(buffer, 16 * j, 1));
      return;
    }
    addresses.push(next);
    views.push(new (viewOf(slot, computeDtype))(buffer, next, chunk));
    // not a multiple of the size of a page, or pieces would compete for the same lines of the cache
    next += (chunk * slotBytes[slot] + PADDING + 63) & -64;
  });
  const bytes = lowerWasm(p, computeDtype, { slots, addresses }, features()!);
  return { ...newPace(), run: instantiate(bytes), chunk, slots, views };
}

function runRows(
  kernel: Kernel,
  p: Program,
  inputs: readonly (Operand | Scalar)[],
  outputs: readonly Operand[],
  computeDtype: DType,
  { sizes, strides, steps }: Nest,
): void {
  const { chunk, views } = kernel, inner = sizes.length - 1, row = inner < 0 ? 1 : sizes[inner];
  const all = [...inputs, ...outputs], arrays = all.map((_, j) => j).filter((j) => isOperand(all[j]));
  const at = all.map((x) => isOperand(x) ? x.offset : 0);
  const along = steps.map((step, j) => step === Step.Unit ? 1 : step === Step.Fixed ? 0 : strides[j][inner]);
  /** Where the piece in memory begins, for what is the same in every row. */
  const loaded: number[] = all.map(() => -1);
  const counters = sizes.slice(0, -1).map(() => 0);
  for (;;) {
    for (let start = 0; start < row; start += chunk) {
      const n = Math.min(chunk, row - start), padded = (n + STEP - 1) & -STEP;
      for (const j of arrays) {
        if (j >= inputs.length) break;
        const x = inputs[j] as Operand, from = at[j] + start * along[j];
        if (loaded[j] === from && row <= chunk) continue;
        loaded[j] = from;
        load(views[j], x.data, from, n, padded, along[j]);
      }
      if (kernel.run(padded) === 0) {
        for (let i = 0; i < outputs.length; i++) {
          const j = inputs.length + i;
          unload(views[j], outputs[i].data, at[j] + start, n);
        }
      } else runPiece(start, n);
    }
    // to the next row
    let d = inner - 1;
    for (; d >= 0; d--) {
      const back = ++counters[d] === sizes[d];
      if (back) counters[d] = 0;
      const by = back ? 1 - sizes[d] : 1;
      for (const j of arrays) at[j] += by * strides[j][d];
      if (!back) break;
    }
    if (d < 0) return;
  }

  /** Elements that the kernel could not compute. */
  function runPiece(start: number, n: number): void {
    const piece = all.map((x, j) => isOperand(x) ? { ...x, offset: at[j] + start * along[j] } : x);
    const nest = { sizes: [n], strides: along.map((stride) => [stride]), steps };
    runNest(p, piece.slice(0, inputs.length), piece.slice(inputs.length) as Operand[], computeDtype, nest);
  }
}

/** Copies elements that are `stride` apart into a kernel's memory, and numbers that no function minds behind them. */
function load(
  view: TypedArray,
  data: TypedArray,
  from: number,
  n: number,
  padded: number,
  stride: number,
): void {
  const into = view as Float32Array, source = data as Float32Array;
  if (stride === 0) {
    into.fill(source[from], 0, padded);
    return;
  }
  if (stride === 1) into.set(from === 0 && n === source.length ? source : source.subarray(from, from + n));
  else gather(view, data, from, n, stride);
  if (n < padded) into.fill(1, n, padded);
}

type Gather = (view: TypedArray, data: TypedArray, from: number, n: number, stride: number) => void;

const gathers = new Map<unknown, Gather>();

/** Copies elements that are `stride` apart: a loop for each element type, so that its accesses stay of one kind. */
function gather(view: TypedArray, data: TypedArray, from: number, n: number, stride: number): void {
  let loop = gathers.get(data.constructor);
  if (loop === undefined) {
    const source = `"use strict"; return (view, data, from, n, stride) => {
      for (let i = 0; i < n; i++, from += stride) view[i] = data[from];
    };`;
    gathers.set(data.constructor, loop = new Function(source)() as Gather);
  }
  loop(view, data, from, n, stride);
}

/** Copies the first elements of a kernel's memory out. */
function unload(view: TypedArray, data: TypedArray, to: number, n: number): void {
  (data as Float32Array).set((n === view.length ? view : view.subarray(0, n)) as Float32Array, to);
}
