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
   * `z[b]` and onward. `w` is a Float64Array of at least `n` elements to work in.
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

/** Kernels by operation and element type; the first takes results that are no BigInts. */
const kernels = new Map<string, Map<DType, [Kernel?, Kernel?]>>();

function kernelFor(op: LineOp, dtype: DType, big: 0 | 1): Kernel {
  let byDtype = kernels.get(op.name);
  if (byDtype === undefined) kernels.set(op.name, byDtype = new Map());
  let found = byDtype.get(dtype);
  if (found === undefined) byDtype.set(dtype, found = []);
  return found[big] ??= compile(flavorOf(dtype) === "bigint" && op.big !== undefined ? op.big : op.body);
}

function compile(body: string): Kernel {
  const source = `"use strict"; return function (x, offset, lines, n, m, y, z, w) {\n` +
    `for (let l = 0, a = offset, b = 0; l < lines; l++, a += n, b += m) {\n${body}\n}};`;
  return new Function(source)() as Kernel;
}

let scratch = new Float64Array(64);

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
  if (scratch.length < n) scratch = new Float64Array(n);
  kernelFor(op, dtype, y instanceof BigInt64Array ? 1 : 0)(x, offset, lines, n, m, y, z, scratch);
}
