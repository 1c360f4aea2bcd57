/**
 * Data for plots from whatever holds numbers: arrays, nested arrays, typed arrays, tensors.
 * @module
 */

/** An object that gives its values as (nested) arrays, as tensors do. */
export interface HasToArray {
  /** The values. */
  toArray(): unknown;
}

/** Numbers in a row: an array, a typed array, or a tensor of one dimension. */
export type Vector = ArrayLike<number | bigint | boolean | null> | HasToArray;

/** Numbers in rows: nested arrays, an array of typed arrays, or a tensor of two dimensions. */
export type Matrix = ArrayLike<Vector> | HasToArray;

function holdsArray(value: unknown): value is HasToArray {
  return typeof value === "object" && value !== null && !Array.isArray(value) &&
    typeof (value as Partial<HasToArray>).toArray === "function";
}

/** Tensors as arrays; the rest as it is. */
function unpack(value: unknown): unknown {
  return holdsArray(value) ? value.toArray() : value;
}

function isList(value: unknown): value is ArrayLike<unknown> {
  return Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView));
}

/** A value as it is named in messages. */
export function describe(value: unknown): string {
  if (typeof value === "string") return `${JSON.stringify(value)} (string)`;
  if (isList(value)) return `an array of length ${value.length}`;
  if (typeof value === "object" && value !== null) return value.constructor?.name ?? "object";
  return typeof value === "function" ? "a function" : String(value);
}

/**
 * One number.
 *
 * @param value A number, bigint or boolean, or a tensor of one element.
 * @param what Its name in messages.
 * @returns The number; NaN for null, which stands for a gap.
 */
export function toNumber(value: unknown, what: string): number {
  const plain = unpack(value);
  if (typeof plain === "number") return plain;
  if (typeof plain === "bigint" || typeof plain === "boolean") return Number(plain);
  if (plain === null) return NaN;
  if (isList(plain) && plain.length === 1) return toNumber(plain[0], what);
  throw new TypeError(`${what} must be a number, got ${describe(plain)}`);
}

/**
 * Numbers in a row.
 *
 * @param data An array, a typed array, or a tensor of one dimension.
 * @param what Its name in messages.
 * @returns A copy in float64; NaN where there is no value.
 * @throws {TypeError} If it is no row of numbers.
 * @throws {RangeError} If it is empty.
 */
export function toVector(data: unknown, what: string): Float64Array<ArrayBuffer> {
  const list = unpack(data);
  if (!isList(list)) throw new TypeError(`${what} must be an array or a tensor, got ${describe(list)}`);
  if (list.length === 0) throw new RangeError(`${what} is empty`);
  const inner = unpack(list[0]);
  if (isList(inner)) {
    throw new TypeError(`${what} must have one dimension, got shape [${list.length}, ${inner.length}, ...]`);
  }
  const out = new Float64Array(list.length);
  for (let i = 0; i < out.length; i++) out[i] = toNumber(list[i], `${what}[${i}]`);
  return out;
}

/**
 * Numbers in rows.
 *
 * @param data Nested arrays, an array of typed arrays, or a tensor of two dimensions.
 * @param what Its name in messages.
 * @returns The rows, copied to float64.
 * @throws {TypeError} If it is no matrix of numbers or its rows differ in length.
 * @throws {RangeError} If it is empty.
 */
export function toMatrix(data: unknown, what: string): Float64Array<ArrayBuffer>[] {
  const list = unpack(data);
  if (!isList(list)) throw new TypeError(`${what} must be nested arrays or a tensor, got ${describe(list)}`);
  if (list.length === 0) throw new RangeError(`${what} is empty`);
  if (!isList(unpack(list[0]))) {
    throw new TypeError(`${what} must have two dimensions, got one of length ${list.length}`);
  }
  const rows = Array.from(list, (row, i) => toVector(row, `${what}[${i}]`));
  const width = rows[0].length;
  rows.forEach((row, i) => {
    if (row.length !== width) {
      throw new TypeError(
        `${what} must have rows of one length, got ${width} in row 0 and ${row.length} in row ${i}`,
      );
    }
  });
  return rows;
}

/**
 * Whether data has two dimensions.
 *
 * @param data Anything a plot may be given.
 * @returns True if its elements are arrays.
 */
export function isMatrix(data: unknown): boolean {
  const list = unpack(data);
  return isList(list) && list.length > 0 && isList(unpack(list[0]));
}

/**
 * Labels of a category axis, or positions.
 *
 * @param data An array of strings, or of numbers.
 * @param what Its name in messages.
 * @returns The strings, or the numbers.
 */
export function toCategories(data: unknown, what: string): string[] | Float64Array<ArrayBuffer> {
  const list = unpack(data);
  if (isList(list) && list.length > 0 && Array.from(list).every((item) => typeof item === "string")) {
    return Array.from(list) as string[];
  }
  return toVector(data, what);
}

/**
 * Checks that two things have one length.
 *
 * @param caller The function that was called, for the message.
 * @param lengths The lengths by name.
 * @throws {TypeError} If they differ.
 */
export function sameLength(caller: string, lengths: Readonly<Record<string, number>>): void {
  const names = Object.keys(lengths);
  if (new Set(Object.values(lengths)).size > 1) {
    const got = names.map((name) => lengths[name]).join(" and ");
    throw new TypeError(`${caller}: ${names.join(" and ")} must have the same length, got ${got}`);
  }
}

/**
 * The least and the greatest of the finite values.
 *
 * @param values Numbers.
 * @returns Both, or null where no value is finite.
 */
export function extent(values: Iterable<number>): [min: number, max: number] | null {
  let min = Infinity;
  let max = -Infinity;
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  return min <= max ? [min, max] : null;
}

/**
 * Evenly spaced numbers, both ends included.
 *
 * @param a The first.
 * @param b The last.
 * @param count How many, from 2.
 * @returns The numbers.
 */
export function linspace(a: number, b: number, count: number): Float64Array<ArrayBuffer> {
  return Float64Array.from({ length: count }, (_, i) => i === count - 1 ? b : a + (b - a) * i / (count - 1));
}

/**
 * Checks an interval.
 *
 * @param range Its ends.
 * @param what Its name in messages.
 * @returns The ends as numbers.
 * @throws {TypeError} If it is no pair of numbers.
 * @throws {RangeError} If an end is not finite or the first is not below the second.
 */
export function toRange(range: unknown, what: string): [number, number] {
  const ends = toVector(range, what);
  if (ends.length !== 2) throw new TypeError(`${what} must be [from, to], got ${ends.length} numbers`);
  const [a, b] = ends;
  if (!(Number.isFinite(a) && Number.isFinite(b) && a < b)) {
    throw new RangeError(`${what} must be finite with from < to, got [${a}, ${b}]`);
  }
  return [a, b];
}
