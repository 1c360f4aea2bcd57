/**
 * Softmax of short lines: the exponentials of many lines at once as WebAssembly, loops of JavaScript around them.
 * @module
 */
import { program } from "../../../expr/program.ts";
import type { TypedArray } from "../../../tensor/dtype.ts";
import { features } from "./features.ts";
import { lowerWasm, STEP } from "./lower.ts";
import { ARRAYS, instantiate, memoryBuffer } from "./memory.ts";
import type { Softmax } from "./softmax_kernel.ts";

type Dtype = "float32" | "float64";

type Numbers = Float32Array | Float64Array;

interface Exponential {
  /** Replaces the first elements of the piece by their exponentials. */
  readonly run: (count: number) => number;
  readonly piece: Numbers;
  readonly loops: Loops;
}

/** Elements at a time. */
const CHUNK = 8192;

const exponentials = new Map<Dtype, Exponential>();

function exponential(dtype: Dtype): Exponential {
  let known = exponentials.get(dtype);
  if (known === undefined) {
    const layout = { slots: [dtype, dtype], addresses: [ARRAYS, ARRAYS] };
    const run = instantiate(lowerWasm(program(["x"], "exp(x)"), dtype, layout, features()!));
    const Piece = { float32: Float32Array, float64: Float64Array }[dtype];
    exponentials.set(
      dtype,
      known = { run, piece: new Piece(memoryBuffer(), ARRAYS, CHUNK), loops: makeLoops() },
    );
  }
  return known;
}

/** Writes the softmax of `lines` lines of `n` elements, at most as many as a piece has. */
export function softmaxOfShort(
  kind: Softmax,
  dtype: Dtype,
  x: TypedArray,
  offset: number,
  lines: number,
  n: number,
  y: TypedArray,
): void {
  const { run, piece, loops } = exponential(dtype), from = x as Numbers, to = y as Numbers;
  const atOnce = Math.floor(CHUNK / n), tops = new Float64Array(atOnce);
  for (let line = 0; line < lines; line += atOnce) {
    const count = Math.min(atOnce, lines - line), end = count * n, at = offset + line * n;
    loops.lower(piece, from, at, count, n, tops);
    const padded = (end + STEP - 1) & -STEP;
    piece.fill(0, end, padded);
    run(padded);
    if (kind === "softmax") loops.scale(piece, to, line * n, count, n);
    else loops.subtract(piece, from, at, to, line * n, count, n, tops);
  }
}

interface Loops {
  /** Copies lines, each less its largest element, which is put into `tops`. */
  lower(piece: Numbers, x: Numbers, at: number, lines: number, n: number, tops: Float64Array): void;
  /** Divides lines by their sums. */
  scale(piece: Numbers, y: Numbers, to: number, lines: number, n: number): void;
  /** Subtracts from lines their largest elements and the logarithms of the sums. */
  subtract(
    piece: Numbers,
    x: Numbers,
    at: number,
    y: Numbers,
    to: number,
    lines: number,
    n: number,
    tops: Float64Array,
  ): void;
}

/** The loops around the exponentials, once for each element type, so that their accesses stay of one kind. */
function makeLoops(): Loops {
  // Two sums, because each addition waits for the one before.
  const source = `"use strict"; return {
    lower(piece, x, at, lines, n, tops) {
      for (let l = 0, p = 0; l < lines; l++, at += n) {
        let top = -Infinity;
        for (let i = at; i < at + n; i++) { const v = x[i]; if (v > top) top = v; }
        tops[l] = top;
        for (let i = at; i < at + n; i++) piece[p++] = x[i] - top;
      }
    },
    scale(piece, y, to, lines, n) {
      for (let l = 0, p = 0; l < lines; l++, p += n, to += n) {
        const scale = 1 / total(piece, p, n);
        for (let i = 0; i < n; i++) y[to + i] = piece[p + i] * scale;
      }
    },
    subtract(piece, x, at, y, to, lines, n, tops) {
      for (let l = 0, p = 0; l < lines; l++, p += n, at += n, to += n) {
        const top = tops[l], shift = Math.log(total(piece, p, n));
        for (let i = 0; i < n; i++) y[to + i] = x[at + i] - top - shift;
      }
    },
  };
  function total(piece, p, n) {
    let even = 0, odd = 0;
    const end = p + n - 1;
    for (; p < end; p += 2) { even += piece[p]; odd += piece[p + 1]; }
    return even + odd + (p === end ? piece[p] : 0);
  }`;
  return new Function(source)() as Loops;
}
