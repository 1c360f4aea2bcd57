/**
 * Figures as JSON: large arrays of numbers as base64, NaN and infinities as gaps.
 * @module
 */

/** Numbers as plotly reads them from base64. */
export interface PackedArray {
  /** The type: f4, f8, i1, u1, i2, u2 or i4, little-endian. */
  readonly dtype: string;
  /** The bytes in base64. */
  readonly bdata: string;
  /** The shape where there is more than one dimension, as "rows, columns". */
  readonly shape?: string;
}

/** Options of {@linkcode encode}. */
export interface EncodeOptions {
  /** Keep every number exact and in decimal, for files that others read. */
  exact?: boolean;
}

/** From this many numbers on, an array is packed. */
const PACK_FROM = 32;

/** The relative error, against the span of the data, that a picture cannot show. */
const TOLERANCE = 1e-6;

type Numbers = Float32Array | Float64Array | Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array;

const INTEGERS = [
  ["u1", 0, 255, Uint8Array],
  ["i1", -128, 127, Int8Array],
  ["u2", 0, 65535, Uint16Array],
  ["i2", -32768, 32767, Int16Array],
  ["i4", -2147483648, 2147483647, Int32Array],
] as const;

/** The smallest type that holds the values, exactly or as far as a picture shows. */
function pack(values: Float64Array, shape?: string): PackedArray {
  let [min, max, error, whole] = [Infinity, -Infinity, 0, true];
  for (const v of values) {
    whole &&= Number.isInteger(v);
    if (!Number.isFinite(v)) continue;
    if (v < min) min = v;
    if (v > max) max = v;
    error = Math.max(error, Math.abs(v - Math.fround(v)));
  }
  let [dtype, typed]: [string, Numbers] = ["f8", values];
  const integer = whole ? INTEGERS.find(([, low, high]) => min >= low && max <= high) : undefined;
  if (integer) [dtype, typed] = [integer[0], integer[3].from(values)];
  else if (error <= TOLERANCE * (max - min)) [dtype, typed] = ["f4", Float32Array.from(values)];
  const bdata = new Uint8Array(typed.buffer as ArrayBuffer, typed.byteOffset, typed.byteLength).toBase64();
  return shape === undefined ? { dtype, bdata } : { dtype, bdata, shape };
}

function isNumeric(list: unknown): list is ArrayLike<number> {
  if (ArrayBuffer.isView(list)) return !(list instanceof DataView);
  return Array.isArray(list) && list.every((item) => typeof item === "number");
}

function encodeList(list: ArrayLike<unknown>, options: EncodeOptions): unknown {
  if (!options.exact && isNumeric(list) && list.length >= PACK_FROM) {
    return pack(Float64Array.from(list, Number));
  }
  if (!options.exact && Array.isArray(list) && list.every(isNumeric)) {
    const [rows, columns] = [list.length, list[0]?.length ?? 0];
    if (rows * columns >= PACK_FROM && list.every((row) => row.length === columns)) {
      const flat = new Float64Array(rows * columns);
      list.forEach((row, i) => flat.set(Float64Array.from(row as ArrayLike<number>, Number), i * columns));
      return pack(flat, `${rows}, ${columns}`);
    }
  }
  // Inside a list, lists are not packed: plotly reads packed arrays as attributes only.
  const inner = { exact: true };
  return Array.from(list, (item) => encode(item ?? null, Array.isArray(item) ? inner : options));
}

/**
 * A figure, or a part of one, in plain JSON values.
 *
 * @param value Objects, arrays, typed arrays, numbers, strings.
 * @param options Whether numbers stay exact.
 * @returns A copy in which NaN and infinities are null and large arrays are packed.
 * @throws {TypeError} If it holds a function or a symbol.
 */
export function encode(value: unknown, options: EncodeOptions = {}): unknown {
  if (typeof value === "number") return Number.isFinite(value) ? value : null;
  if (typeof value === "bigint") return Number(value);
  if (typeof value === "function" || typeof value === "symbol") {
    throw new TypeError(`a figure holds data, not a ${typeof value}`);
  }
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView))) {
    return encodeList(value as ArrayLike<unknown>, options);
  }
  const out: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) {
    if (item !== undefined) out[key] = encode(item, options);
  }
  return out;
}
