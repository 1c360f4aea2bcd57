/**
 * Operations along one dimension in JavaScript: lines of elements that lie one behind the other in memory.
 *
 * A line operation is the body of a function; it is compiled once for each element type, so that its accesses to typed
 * arrays stay of one kind.
 * @module
 */

import { type DType, flavorOf, type TypedArray } from "../../tensor/dtype.ts";

/** What is done to one line, as JavaScript. */
export interface LineOp {
  /** For caches: a name for each text. */
  readonly name: string;
  /**
   * Statements for one line: its elements are `x[a]` to `x[a + n - 1]`; results go to `y[b]` and onward, second results to
   * `z[b]` and onward. `w` is a Float64Array of `n` elements to work in.
   */
  readonly body: string;
  /** The same for int64, where numbers are BigInts. */
  readonly big?: string;
}

type Kernel = (
  x: TypedArray,
  offset: number,
  lines: number,
  n: number,
  m: number,
  y: TypedArray,
  z: TypedArray | null,
  w: Float64Array,
) => void;

const kernels = new Map<string, Kernel>();

/** Works on `lines` lines of `n` elements from `offset`; results have `m` elements a line. */
export function runLines(
  op: LineOp,
  dtype: DType,
  x: TypedArray,
  offset: number,
  lines: number,
  n: number,
  m: number,
  y: TypedArray,
  z: TypedArray | null,
): void {
  const key = `${op.name}|${dtype}|${y.constructor.name}`;
  let kernel = kernels.get(key);
  if (kernel === undefined) {
    const body = flavorOf(dtype) === "bigint" && op.big !== undefined ? op.big : op.body;
    const source = `"use strict"; return function (x, offset, lines, n, m, y, z, w) {\n` +
      `for (let l = 0, a = offset, b = 0; l < lines; l++, a += n, b += m) {\n${body}\n}};`;
    kernels.set(key, kernel = new Function(source)() as Kernel);
  }
  kernel(x, offset, lines, n, m, y, z, new Float64Array(n));
}
