/**
 * The largest elements under windows that move over planes, and the way back: the GPU's side of pooling.
 *
 * An invocation finds one largest element; on the way back it has one element of a plane and looks for the windows that chose it, so
 * that no two write to the same place and sums are the same every time.
 * @module
 */
import type { DType } from "../../tensor/dtype.ts";
import type { Spans } from "../cpu/pooling_js.ts";
import { elementBytes, elementType } from "./elements.ts";
import type { Gpu } from "./gpu.ts";
import type { Block } from "./memory.ts";
import { digitsOf, type GpuPlaces, launch, type Words } from "./place_code.ts";
import { pick, write } from "./places.ts";

/** Elements from `offset` on. */
export interface Planes {
  /** Where they lie. */
  readonly data: Block;
  /** Index of the first one. */
  readonly offset: number;
}

/** Steps of all loops of an invocation together: lavapipe ends them after 65,535, without a word. */
const STEPS = 60000;
/** Windows up to this size have their size in the kernel's code, which unrolls the loops. */
const SMALL = 8;

const product = (list: readonly number[]) => list.reduce((a, b) => a * b, 1);
const countOf = (s: Spans) => s.starts.length;

/** The most elements that a window has in a dimension. */
function longest({ size, window, starts }: Spans): number {
  return window === null ? Math.min(size, Math.ceil(size / starts.length) + 1) : window.kernel;
}

/** The most windows that an element is in. */
function covers({ size, step, window, starts }: Spans): number {
  if (window === null) return Math.ceil(starts.length / size) + 1;
  return Math.ceil((step * (window.kernel - 1) + 1) / window.stride);
}

/** Windows that are one element each: nothing changes. */
function identity(size: number): Spans {
  const starts = new Int32Array(size);
  return { size, starts, ends: starts, step: 1, regular: null, window: { kernel: 1, stride: 1, padding: 0 } };
}

const trivial = (s: Spans) => s.size === 1 && countOf(s) === 1;

function checkSizes(spans: readonly Spans[]): void {
  for (const s of spans) {
    if (s.window === null && s.size * countOf(s) >= 2 ** 31) {
      throw new RangeError(
        `the GPU cannot pool ${s.size} elements to ${countOf(s)}: the product of both has to be below 2^31`,
      );
    }
  }
}

/** What of windows is written into a kernel's code, and not among its parameters. */
function keyOf(s: Spans): string {
  if (trivial(s)) return "one";
  if (s.window === null) return "even";
  if (s.regular === null) return "window";
  return s.regular.kernel <= SMALL ? `whole ${s.regular.kernel}` : "whole";
}

/** Code that finds `a` and `e`, begin and end of the window with number `o`. */
function bounds(s: Spans, d: number, words: Words): string {
  const o = `o${d + 1}`, a = `let a${d} =`, e = `let e${d} =`;
  if (trivial(s)) return `${a} 0; ${e} 1;`;
  const size = words.add(s.size);
  if (s.window === null) {
    const count = words.add(countOf(s));
    return `${a} ${o} * ${size} / ${count}; ${e} ((${o} + 1) * ${size} - 1) / ${count} + 1;`;
  }
  const stride = words.add(s.window.stride), kernel = words.add(s.window.kernel);
  if (s.regular !== null) {
    const length = s.regular.kernel <= SMALL ? s.regular.kernel : kernel;
    return `${a} ${o} * ${stride}; ${e} a${d} + ${length};`;
  }
  const padding = words.add(s.window.padding), step = words.add(s.step);
  return `let t${d} = ${o} * ${stride} - ${padding};
${a} t${d} + select(0, (${step} - 1 - t${d}) / ${step} * ${step}, t${d} < 0);
${e} min(t${d} + ${step} * (${kernel} - 1) + 1, ${size});`;
}

function isNan(v: string, type: string): string {
  if (type === "i32") return "false";
  return type === "f64" ? `!(${v} == ${v})` : `m_isnan(f32(${v}))`;
}

/** One kernel for all dimensions. With `before`, places are looked up there. */
function largestOnce(
  gpu: Gpu,
  dtype: DType,
  x: Planes,
  before: Block | null,
  y: Block,
  where: Block,
  planes: number,
  spans: readonly Spans[],
): void {
  const counts = spans.map(countOf), sizes = spans.map((s) => s.size), type = elementType(dtype);
  launch(gpu, "max pool", planes * product(counts), (words, buffers) => {
    const from = buffers.add(x.data, type, "read");
    const places = before === null ? null : buffers.add(before, "i32", "read");
    const [values, found] = [buffers.add(y, type, "write"), buffers.add(where, "i32", "write")];
    const names = [planes, ...counts].map((n) => words.add(n));
    const [size, down, across, offset] = [product(sizes), sizes[1], sizes[2], x.offset].map((n) =>
      words.add(n)
    );
    const steps = spans.map((s) => s.step === 1 ? "1" : words.add(s.step));
    const body = `${digitsOf("i", names, "o")}
${spans.map((s, d) => bounds(s, d, words)).join("\n")}
let plane = o0 * ${size};
var place = (a0 * ${down} + a1) * ${across} + a2;
var best = ${from}[${offset} + plane + place];
for (var l = a0; l < e0; l += ${steps[0]}) {
for (var m = a1; m < e1; m += ${steps[1]}) {
for (var n = a2; n < e2; n += ${steps[2]}) {
let q = (l * ${down} + m) * ${across} + n;
let v = ${from}[${offset} + plane + q];
if ((v > best && !(${isNan("best", type)})) || ${isNan("v", type)}) { best = v; place = q; }
}
}
}
${values}[i] = best;
${found}[i] = ${places === null ? "place" : `${places}[plane + place]`};`;
    const key = [type, places !== null, ...spans.map((s) => `${keyOf(s)} ${s.step === 1}`)].join("|");
    return { body, key };
  });
}

/**
 * The largest elements under windows of row-major planes, and their places in their plane, 32-bit integers. Of several the first
 * one is meant, of several NaNs the last one.
 */
export function maxPool(
  gpu: Gpu,
  dtype: DType,
  x: Planes,
  y: Block,
  where: Block,
  planes: number,
  spans: readonly Spans[],
): void {
  checkSizes(spans);
  if (product(spans.map(longest)) <= STEPS) {
    largestOnce(gpu, dtype, x, null, y, where, planes, spans);
    return;
  }
  // large windows: the largest of lines, then the largest of these in the next dimension, which finds the same
  const dims = [2, 1, 0].filter((d) => !trivial(spans[d]));
  let from = x, before: Block | null = null, now = spans.map((s) => s.size);
  for (const d of dims) {
    if (gpu.info.software && longest(spans[d]) > STEPS) {
      throw new RangeError(
        `this GPU, which is software, cannot pool ${
          longest(spans[d])
        } elements of a dimension: use device "cpu"`,
      );
    }
    const some = now.map((size, k) => k === d ? spans[d] : identity(size));
    now = some.map(countOf);
    const last = d === dims.at(-1), total = planes * product(now);
    const [values, found] = last
      ? [y, where]
      : [gpu.memory.allocate(Math.ceil(total * elementBytes(dtype) / 4) * 4), gpu.memory.allocate(total * 4)];
    largestOnce(gpu, dtype, from, before, values, found, planes, some);
    if (before !== null) {
      gpu.memory.release(from.data);
      gpu.memory.release(before);
    }
    from = { data: values, offset: 0 };
    before = found;
  }
}

/** Code that finds `a` and `e`, the first and the last window that may have the element with number `o`. */
function cover(s: Spans, d: number, words: Words): string {
  const o = `o${d + 1}`, a = `let a${d} =`, e = `let e${d} =`;
  if (trivial(s)) return `${a} 0; ${e} 0;`;
  const size = words.add(s.size), count = words.add(countOf(s));
  if (s.window === null) return `${a} ${o} * ${count} / ${size}; ${e} ((${o} + 1) * ${count} - 1) / ${size};`;
  const { kernel, stride, padding } = s.window, by = words.add(stride);
  const first = words.add(padding - s.step * (kernel - 1) + stride - 1), last = words.add(padding);
  return `${a} max(${o} + ${first}, 0) / ${by}; ${e} min((${o} + ${last}) / ${by}, ${count} - 1);`;
}

/** Writes to each element of planes the sum of what windows give that chose it. */
export function maxPoolBack(
  gpu: Gpu,
  dtype: DType,
  g: Planes,
  where: Block,
  x: Block,
  planes: number,
  spans: readonly Spans[],
): void {
  checkSizes(spans);
  const counts = spans.map(countOf), sizes = spans.map((s) => s.size), type = elementType(dtype);
  if (product(spans.map(covers)) > STEPS) {
    gpu.commands.clear(x, 0, Math.ceil(planes * product(sizes) * elementBytes(dtype) / 4) * 4);
    combineAtPlaces(gpu, "add", dtype, g, where, x, planes, product(counts), product(sizes), "maxPool()");
    return;
  }
  launch(gpu, "max pool back", planes * product(sizes), (words, buffers) => {
    const from = buffers.add(g.data, type, "read"), places = buffers.add(where, "i32", "read");
    const to = buffers.add(x, type, "write");
    const names = [planes, ...sizes].map((n) => words.add(n));
    const [outs, down, across, size, offset] = [
      product(counts),
      counts[1],
      counts[2],
      product(sizes),
      g.offset,
    ]
      .map((n) => words.add(n));
    const sum = type === "f16" ? "f32" : type;
    const body = `${digitsOf("i", names, "o")}
${spans.map((s, d) => cover(s, d, words)).join("\n")}
let place = i - o0 * ${size};
let plane = o0 * ${outs};
var sum = ${sum}();
for (var l = a0; l <= e0; l++) {
for (var m = a1; m <= e1; m++) {
for (var n = a2; n <= e2; n++) {
let q = plane + (l * ${down} + m) * ${across} + n;
if (${places}[q] == place) { sum += ${sum}(${from}[${offset} + q]); }
}
}
}
${to}[i] = ${type}(sum);`;
    const kind = (s: Spans) => trivial(s) ? "one" : s.window === null ? "even" : "window";
    return { body, key: [type, ...spans.map(kind)].join("|") };
  });
}

// ---- any places -------------------------------------------------------------------------------------------------------

function placesOf(where: Block, planes: number, outs: number, size: number, caller: string): GpuPlaces {
  const index = { data: where, offset: 0, strides: [outs, 1], digits: [{ size, step: 1 }], wrap: false };
  return { shape: [planes, outs], strides: [size, 0], indices: [index], distinct: false, caller };
}

/** Puts or adds values to places of planes. */
export function combineAtPlaces(
  gpu: Gpu,
  how: "put" | "add",
  dtype: DType,
  values: Planes,
  where: Block,
  x: Block,
  planes: number,
  outs: number,
  size: number,
  caller: string,
): void {
  const to = { data: x, dtype, offset: 0 };
  write(gpu, to, placesOf(where, planes, outs, size, caller), how, { ...values, dtype, strides: [outs, 1] });
}

/** Reads from places of planes. */
export function readPlaces(
  gpu: Gpu,
  dtype: DType,
  x: Planes,
  where: Block,
  y: Block,
  planes: number,
  outs: number,
  size: number,
  caller: string,
): void {
  pick(gpu, { ...x, dtype }, placesOf(where, planes, outs, size, caller), y);
}
