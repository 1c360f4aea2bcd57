/**
 * Lines of elements brought into order on the CPU, and what is found by it.
 * @module
 */
import type { DType, TypedArray } from "../../tensor/dtype.ts";
import type { Choice, Lines } from "../sort.ts";
import { selectKth, sortKeys, type SortScratch } from "./sort_js.ts";

/** Types whose values are all float32 values too. */
const fitsFloat32 = new Set<DType>(["float32", "float16", "int16", "int8", "uint8", "bool"]);

/** A line in order. */
interface Ordered {
  /** The places of its elements; those of NaN stand last (first if descending). */
  readonly places: Int32Array;
  readonly nans: number;
}

/** Brings lines into order one by one, all through the same memory. */
function orderer({ data, dtype, offset, n, descending }: Lines<TypedArray>): (l: number) => Ordered {
  const big = data instanceof BigInt64Array;
  const keys = big ? new BigInt64Array(n) : new Float64Array(n), places = new Int32Array(n);
  const scratch: SortScratch = {
    keys: big ? new BigInt64Array(n) : new Float64Array(n),
    places: new Int32Array(n),
    digits: fitsFloat32.has(dtype) ? { from: new Uint32Array(n), to: new Uint32Array(n) } : undefined,
  };
  return (l) => {
    const start = offset + l * n;
    let count = 0, nans = 0;
    for (let i = 0; i < n; i++) {
      const v = data[start + i];
      if (v !== v) scratch.places[nans++] = i;
      else {
        // ~v turns the order round without overflow
        keys[count] = !descending ? v : big ? ~v as never : -v as never;
        places[count++] = i;
      }
    }
    if (nans > 0) {
      const last = scratch.places.slice(0, nans);
      sortKeys(keys, places, count, scratch);
      if (descending) places.copyWithin(nans, 0, count);
      places.set(last, descending ? 0 : count);
    } else sortKeys(keys, places, count, scratch);
    return { places, nans };
  };
}

/** Takes elements of every line; see the facade. */
export function runChoice(
  lines: Lines<TypedArray>,
  choice: Choice,
  m: number,
  values: TypedArray,
  places: BigInt64Array,
): void {
  if (choice === "first" && few(lines, m, values, places)) return;
  const order = orderer(lines), { data, offset, n } = lines;
  for (let l = 0, w = 0; l < lines.lines; l++) {
    const ordered = order(l), start = offset + l * n;
    for (let i = 0; i < m; i++, w++) {
      const place = choice === "first" ? ordered.places[i] : oneOf(choice, ordered, data, start);
      values[w] = data[start + place];
      places[w] = BigInt(place);
    }
  }
}

function oneOf(choice: number | string, { places, nans }: Ordered, data: TypedArray, start: number): number {
  if (typeof choice === "number") return places[choice];
  if (choice === "mode") return mostFrequent(places, data, start);
  const count = places.length - nans;
  // the first NaN, if one counts, stands right behind the numbers
  return places[nans > 0 && (choice === "median" || count === 0) ? count : (count - 1) >> 1];
}

function mostFrequent(places: Int32Array, data: TypedArray, start: number): number {
  let best = places[0], most = 0, run = 0;
  for (let i = 0; i < places.length; i++) {
    run++;
    if (i + 1 < places.length && data[start + places[i]] === data[start + places[i + 1]]) continue;
    if (run > most) {
      most = run;
      best = places[i];
    }
    run = 0;
  }
  return best;
}

/** The k best of each line where k is small and no element is a NaN or a BigInt; false otherwise. */
function few(
  { data: elements, dtype, offset, lines, n, descending }: Lines<TypedArray>,
  k: number,
  values: TypedArray,
  indices: BigInt64Array,
): boolean {
  if (k === 0 || k > 32 || n < 4 * k || dtype === "int64") return false;
  const data = elements as Float64Array, keys = new Float64Array(k), places = new Int32Array(k);
  for (let l = 0; l < lines; l++) {
    const start = offset + l * n;
    let have = 0;
    for (let i = 0; i < n; i++) {
      const value = data[start + i], key = descending ? value : -value;
      if (key !== key) return false;
      if (have === k && key <= keys[k - 1]) continue;
      let j = have < k ? have++ : k - 1;
      for (; j > 0 && keys[j - 1] < key; j--) {
        keys[j] = keys[j - 1];
        places[j] = places[j - 1];
      }
      keys[j] = key;
      places[j] = i;
    }
    for (let j = 0; j < k; j++) {
      values[l * k + j] = data[start + places[j]];
      indices[l * k + j] = BigInt(places[j]);
    }
  }
  return true;
}

/** The middle one of the elements of one line; see the facade. */
export function runMedian(
  { data, offset, n }: Lines<TypedArray>,
  choice: "median" | "nanmedian",
  out: TypedArray,
): void {
  const values = data.slice(offset, offset + n);
  let count = 0;
  for (let i = 0; i < n; i++) if (values[i] === values[i]) values[count++] = values[i];
  out[0] = count === 0 || (choice === "median" && count < n)
    ? NaN
    : selectKth(values as Float64Array, count, (count - 1) >> 1);
}
