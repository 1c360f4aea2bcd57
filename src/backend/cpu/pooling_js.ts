/**
 * Pooling of planes in row-major memory: the largest elements under a moving window, and sums. Functions are compiled for each
 * element type, so that engines see one type of array in each.
 * @module
 */
import type { DType, TypedArray } from "../../tensor/dtype.ts";
import { alwaysWasm, cpuTier } from "./tier.ts";
import { maxPoolWasm } from "./wasm/max_pool.ts";

/** Where the windows of one dimension lie. */
export interface Spans {
  /** The size of the dimension. */
  readonly size: number;
  /** The first element of each window that lies in the plane. */
  readonly starts: Int32Array;
  /** Behind the last one. */
  readonly ends: Int32Array;
  /** From an element of a window to the next. */
  readonly step: number;
  /** Size of the window and steps from one to the next, if all lie whole in the plane and their elements side by side. */
  readonly regular: { readonly kernel: number; readonly stride: number } | null;
  /** The moving window that they are of; null for windows of nearly equal sizes that cover the dimension. */
  readonly window: { readonly kernel: number; readonly stride: number; readonly padding: number } | null;
}

const compiled = new Map<string, unknown>();

function cached<T>(key: string, text: string): T {
  let made = compiled.get(key);
  if (made === undefined) compiled.set(key, made = new Function(`"use strict"; return ${text}`)());
  return made as T;
}

/** Any windows. */
const general = `(x, at, y, where, planes, D, H, W) => {
  const [d, h, w, plane] = [D.starts.length, H.starts.length, W.starts.length, D.size * H.size * W.size];
  const [ed, eh, ew, across, down] = [D.step, H.step, W.step, W.size, H.size];
  for (let p = 0, o = 0; p < planes; p++, at += plane) {
    for (let i = 0; i < d; i++) for (let j = 0; j < h; j++) for (let k = 0; k < w; k++, o++) {
      const a = D.starts[i], b = H.starts[j], c = W.starts[k], a1 = D.ends[i], b1 = H.ends[j], c1 = W.ends[k];
      let place = (a * down + b) * across + c, best = x[at + place];
      for (let l = a; l < a1; l += ed) for (let m = b; m < b1; m += eh) {
        for (let n = c, q = (l * down + m) * across + n; n < c1; n += ew, q += ew) {
          const v = x[at + q];
          if (v > best || v !== v) { best = v; place = q; }
        }
      }
      y[o] = best;
      where[o] = place;
    }
  }
}`;

/** The elements of a small window: how far each is from the first. */
function offsets(kh: number, kw: number): string[] {
  return Array.from({ length: kh * kw }, (_, i) => `${i % kw}${" + across".repeat(Math.floor(i / kw))}`);
}

/** A small flat window that never leaves the plane, written out. */
function flat(kh: number, kw: number): string {
  const steps = offsets(kh, kw).slice(1).map((offset) =>
    `v = x[at + q + ${offset}]; if (v > best || v !== v) { best = v; place = q + ${offset}; }`
  );
  return overPlanes(`let best = x[at + q], place = q, v;
      ${steps.join("\n")}
      y[o] = best;
      where[o] = place;`);
}

/**
 * The same for float32. Which of two elements is larger is anybody's guess, and a wrong guess of the processor's takes longer than
 * all of this: so the bits are compared as integers, which takes no branches. Where there is a NaN, the elements are looked at
 * one by one.
 */
function flatBits(kh: number, kw: number): string {
  const all = offsets(kh, kw);
  // a float's bits as an integer of the same order, -0 and 0 as one
  const order = (offset: string) => `b = bits[q0 + ${offset}]; m = b >> 31; v = ((b & 0x7fffffff) ^ m) - m;`;
  const steps = all.slice(1).map((offset) =>
    `${order(offset)} m = ((best & ~v) | (~(best ^ v) & (best - v))) >> 31;
      best ^= (best ^ v) & m; place ^= (place ^ (${offset})) & m;`
  );
  const nans = all.map((offset) => `if (x[q0 + ${offset}] !== x[q0 + ${offset}]) place = ${offset};`);
  return overPlanes(
    `const q0 = at + q, sum = ${all.map((offset) => `x[q0 + ${offset}]`).join(" + ")};
      let b, m, v, best, place = 0;
      ${order("0")} best = v;
      ${steps.join("\n")}
      if (sum !== sum) { ${nans.join("\n")} }
      y[o] = x[q0 + place];
      where[o] = q + place;`,
    "const bits = new Int32Array(x.buffer, x.byteOffset, x.length);",
  );
}

function overPlanes(body: string, before = ""): string {
  return `(x, at, y, where, planes, D, H, W) => {
  const [h, w, plane, across] = [H.starts.length, W.starts.length, H.size * W.size, W.size];
  const sh = H.regular.stride, sw = W.regular.stride;
  ${before}
  for (let p = 0, o = 0; p < planes; p++, at += plane) {
    for (let j = 0; j < h; j++) for (let k = 0, q = j * sh * across; k < w; k++, q += sw, o++) {
      ${body}
    }
  }
}`;
}

/** Writes the largest elements, and where each lies in its plane. A NaN is the largest. */
type MaxKernel = (
  x: TypedArray,
  at: number,
  y: TypedArray,
  where: Int32Array,
  planes: number,
  D: Spans,
  H: Spans,
  W: Spans,
) => void;

/** Windows up to this size are written out. */
const SMALL = 16;

/**
 * The largest elements under windows of row-major planes that begin at `at`, and their places in their plane; dimensions that
 * are not needed have size 1.
 */
export function maxPool(
  dtype: DType,
  x: TypedArray,
  at: number,
  y: TypedArray,
  where: Int32Array,
  planes: number,
  [D, H, W]: readonly Spans[],
): void {
  const [h, w] = [H.regular?.kernel ?? 0, W.regular?.kernel ?? 0],
    flatPlanes = D.size === 1 && D.starts.length === 1;
  if (
    flatPlanes && cpuTier() !== "js" && x instanceof Float32Array && y instanceof Float32Array &&
    maxPoolWasm(x, at, y, where, planes, H, W, alwaysWasm())
  ) return;
  const write = dtype === "float32" ? flatBits : flat;
  const run = flatPlanes && h * w > 0 && h * w <= SMALL
    ? cached<MaxKernel>(`max ${dtype} ${h} ${w}`, write(h, w))
    : cached<MaxKernel>(`max ${dtype}`, general);
  run(x, at, y, where, planes, D, H, W);
}

/** Moves elements between planes of `size` elements and the places in them, `outs` a plane. `at` is where `from` begins. */
type PlaceKernel = (
  from: TypedArray,
  at: number,
  where: Int32Array,
  to: TypedArray,
  planes: number,
  outs: number,
  size: number,
) => void;

type OverPlaces = (dtype: DType, ...args: Parameters<PlaceKernel>) => void;

/** A statement for each place: `o` is its number, and it lies in the plane that begins at `base`. */
function overPlaces(name: string, statement: string): OverPlaces {
  const text = `(from, at, where, to, planes, outs, size) => {
    for (let p = 0, o = 0, base = 0; p < planes; p++, base += size) {
      for (let i = 0; i < outs; i++, o++) ${statement};
    }
  }`;
  return (dtype, ...args) => cached<PlaceKernel>(`${name} ${dtype}`, text)(...args);
}

/** Adds what was read from places, plane by plane, back to them. `to` is zeroed or has sums already. */
export const addAtPlaces: OverPlaces = overPlaces("add", "to[base + where[o]] += from[at + o]");

/** Reads from places, plane by plane. */
export const readPlaces: OverPlaces = overPlaces("read", "to[o] = from[at + base + where[o]]");

/** Writes to places, plane by plane. */
export const putAtPlaces: OverPlaces = overPlaces("put", "to[base + where[o]] = from[at + o]");
