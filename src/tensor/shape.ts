/**
 * Arithmetic on shapes and strides. Nothing here knows of tensors.
 * @module
 */

import { brief, describe } from "./describe.ts";

/** Sizes of a tensor. */
export type Shape = readonly number[];

/** The shape (and strides) of every 0-d tensor, one object, so that an identity test finds them. */
export const SCALAR_SHAPE: Shape = Object.freeze([]);

/** Number of elements. */
export function numel(shape: Shape): number {
  let n = 1;
  for (let i = 0; i < shape.length; i++) n *= shape[i];
  return n;
}

/** Frozen lists that were asked for, at places that follow from what is in them: programs ask for the same few again and again. */
const lists: Shape[] = new Array(1024).fill(SCALAR_SHAPE);

/** A frozen list with these numbers; the one shared object for no dimensions. */
export function frozen(dims: readonly number[]): Shape {
  const n = dims.length;
  if (n === 0) return SCALAR_SHAPE;
  let place = n;
  for (let i = 0; i < n; i++) place = (Math.imul(place, 31) + dims[i]) | 0;
  place &= lists.length - 1;
  const known = lists[place];
  return sameShape(known, dims) ? known : lists[place] = Object.freeze(dims.slice());
}

/** Row-major strides in elements; a dimension of size 0 counts as 1, as in PyTorch. */
export function contiguousStrides(shape: Shape): Shape {
  const n = shape.length;
  if (n === 0) return SCALAR_SHAPE;
  const strides = new Array<number>(n);
  let step = 1;
  for (let i = n - 1; i >= 0; i--) {
    strides[i] = step;
    step *= Math.max(shape[i], 1);
  }
  return frozen(strides);
}

/** Whether the strides are row-major without gaps. Dimensions of size 1 do not count. */
export function isContiguous(shape: Shape, strides: Shape): boolean {
  let step = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    const size = shape[i];
    if (size === 0) return true;
    if (size !== 1 && strides[i] !== step) return false;
    step *= size;
  }
  return true;
}

/** Whether two shapes are equal. */
export function sameShape(a: Shape, b: Shape): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** A shape as PyTorch prints it in messages: `[2, 3]`. */
export function shapeText(shape: readonly unknown[]): string {
  return `[${shape.map(brief).join(", ")}]`;
}

/** The shape to which all the given shapes broadcast. */
export function broadcastShapes(...shapes: Shape[]): Shape {
  let out: Shape = shapes[0] ?? SCALAR_SHAPE;
  for (let k = 1; k < shapes.length; k++) out = broadcastPair(out, shapes[k]);
  return out;
}

function broadcastPair(a: Shape, b: Shape): Shape {
  if (sameShape(a, b) || b.length === 0) return a;
  if (a.length === 0) return b;
  const n = Math.max(a.length, b.length);
  const out = new Array<number>(n);
  for (let i = n - 1; i >= 0; i--) {
    const x = a[i - n + a.length] ?? 1, y = b[i - n + b.length] ?? 1;
    if (x !== y && x !== 1 && y !== 1) {
      throw new TypeError(
        `The size of tensor a (${x}) must match the size of tensor b (${y}) at non-singleton dimension ${i}`,
      );
    }
    out[i] = x === 1 ? y : x;
  }
  return frozen(out);
}

/** Strides that read a tensor of `shape` as if it had the shape `target` (0 where it is repeated). */
export function broadcastStrides(shape: Shape, strides: Shape, target: Shape): Shape {
  if (sameShape(shape, target)) return strides;
  const pad = target.length - shape.length;
  const out = new Array<number>(target.length);
  for (let i = 0; i < target.length; i++) {
    out[i] = i < pad || (shape[i - pad] === 1 && target[i] !== 1) ? 0 : strides[i - pad];
  }
  return out;
}

/** Turns a dimension that may count from the end into one from 0; a 0-d tensor has the dimensions -1 and 0. */
export function normalizeDim(dim: number, ndim: number): number {
  const n = Math.max(ndim, 1);
  if (!Number.isInteger(dim)) throw new TypeError(`a dimension must be an integer, got ${brief(dim)}`);
  if (dim < -n || dim >= n) {
    throw new RangeError(
      `Dimension out of range (expected to be in range of [${-n}, ${n - 1}], but got ${dim})`,
    );
  }
  return dim < 0 ? dim + n : dim;
}

/** Normalises a list of dimensions; all of them when none is given. A dimension may appear once only. */
export function normalizeDims(dims: number | readonly number[] | undefined | null, ndim: number): number[] {
  if (dims === undefined || dims === null) return Array.from({ length: ndim }, (_, i) => i);
  const list = Array.isArray(dims) ? dims : [dims];
  const out: number[] = [];
  for (const d of list) {
    const dim = normalizeDim(d, ndim);
    if (out.includes(dim)) throw new RangeError(`dim ${dim} appears multiple times in the list of dims`);
    if (ndim > 0) out.push(dim);
  }
  return out.sort((a, b) => a - b);
}

/** Checks sizes that came from a user: integers, none negative, and not more elements than an array can hold. */
export function checkShape(sizes: readonly number[], caller: string): Shape {
  checkList(sizes, caller);
  for (let i = 0; i < sizes.length; i++) {
    const size: unknown = sizes[i];
    if (typeof size !== "number" || !Number.isInteger(size)) {
      throw new TypeError(
        `${caller}(): argument 'size' (position ${i + 1}) must be an integer, not ${describe(size)}`,
      );
    }
    if (size < 0) {
      throw new RangeError(`${caller}: Dimension size must be non-negative, got ${shapeText(sizes)}.`);
    }
  }
  if (numel(sizes) > Number.MAX_SAFE_INTEGER) {
    throw new RangeError(
      `${caller}: a tensor of shape ${shapeText(sizes)} has too many elements to be addressed`,
    );
  }
  return frozen(sizes);
}

/** Fills in the one `-1` of a reshape. */
export function inferShape(sizes: readonly number[], count: number): Shape {
  let unknown = -1, known = 1;
  for (let i = 0; i < sizes.length; i++) {
    const size = sizes[i];
    if (!Number.isInteger(size)) {
      throw new TypeError(`shape dimensions must be integers, got ${brief(size)} at index ${i}`);
    }
    if (size === -1) {
      if (unknown >= 0) throw new RangeError("only one dimension can be inferred");
      unknown = i;
    } else if (size < 0) {
      throw new RangeError(`invalid shape dimension ${size} at index ${i} of shape ${shapeText(sizes)}`);
    } else known *= size;
  }
  const mismatch = () => new TypeError(`shape '${shapeText(sizes)}' is invalid for input of size ${count}`);
  if (unknown < 0) {
    if (known !== count) throw mismatch();
    return frozen(sizes);
  }
  if (known === 0) {
    if (count !== 0) throw mismatch();
    throw new TypeError(
      `cannot reshape tensor of 0 elements into shape ${
        shapeText(sizes)
      } because the unspecified dimension size -1 ` +
        "can be any value and is ambiguous",
    );
  }
  if (count % known !== 0) throw mismatch();
  return frozen(sizes.map((size) => size === -1 ? count / known : size));
}

/** Strides that show the same memory in another shape, or null where the elements would have to move. */
export function viewStrides(shape: Shape, strides: Shape, target: Shape): Shape | null {
  if (numel(shape) === 0) return sameShape(shape, target) ? strides : contiguousStrides(target);
  const out = new Array<number>(target.length);
  let t = target.length - 1;
  // Walk chunks of dimensions that lie next to each other in memory, from the last, and cut each into target sizes.
  let base = strides.length > 0 ? strides[strides.length - 1] : 1;
  let have = 1, given = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    have *= shape[i];
    const ends = i === 0 || (shape[i - 1] !== 1 && strides[i - 1] !== have * base);
    if (!ends) continue;
    while (t >= 0 && (given < have || target[t] === 1)) {
      out[t] = given * base;
      given *= target[t];
      t--;
    }
    if (given !== have) return null;
    if (i > 0) {
      base = strides[i - 1];
      have = given = 1;
    }
  }
  for (; t >= 0; t--) out[t] = 1; // only sizes of 1 are left (a 0-d tensor)
  return Object.freeze(out);
}

function checkList(sizes: unknown, caller: string): void {
  if (Array.isArray(sizes)) return;
  throw new TypeError(`${caller}(): argument 'size' must be a list of integers, not ${describe(sizes)}`);
}

/** Sizes from `f(2, 3)` or `f([2, 3])`; TypeError for what is no list of integers. */
export function sizesFrom(
  args: readonly (number | readonly number[])[],
  caller: string,
): readonly number[] {
  const list = args.length === 1 && typeof args[0] !== "number" ? args[0] : args as readonly number[];
  checkList(list, caller);
  for (let i = 0; i < list.length; i++) {
    if (Number.isInteger(list[i])) continue;
    throw new TypeError(
      `${caller}(): argument 'size' must be a list of integers, but found ${
        describe(list[i])
      } at position ${i}`,
    );
  }
  return list;
}
