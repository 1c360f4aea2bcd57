/**
 * Stable sorting of keys together with their places, and selection of the k-th.
 * @module
 */

/** Keys: doubles, or BigInts for int64. NaN must have been set aside. */
export type Keys = Float64Array | BigInt64Array;

/** Runs of this length are sorted by insertion. */
const RUN = 12;

/** From this length on keys of 32 bits are sorted digit by digit. */
const RADIX_FROM = 200;

/** Memory for {@linkcode sortKeys}, for lines of up to `n` keys. */
export interface SortScratch {
  readonly keys: Keys;
  readonly places: Int32Array;
  /** Present where every key is a float32 or an integer of up to 24 bits, which allows the fast way. */
  readonly digits?: { readonly from: Uint32Array; readonly to: Uint32Array };
}

/** Sorts the first `n` keys, smallest first, and `places` with them. Equal keys keep their order. */
export function sortKeys(keys: Keys, places: Int32Array, n: number, scratch: SortScratch): void {
  if (n >= RADIX_FROM && scratch.digits !== undefined) {
    radix(keys as Float64Array, places, n, scratch.places, scratch.digits.from, scratch.digits.to);
    return;
  }
  for (let start = 0; start < n; start += RUN) insertion(keys, places, start, Math.min(start + RUN, n));
  let from = keys, fromPlaces = places, to = scratch.keys, toPlaces = scratch.places;
  for (let width = RUN; width < n; width *= 2) {
    for (let start = 0; start < n; start += 2 * width) {
      const middle = Math.min(start + width, n), end = Math.min(start + 2 * width, n);
      merge(from, fromPlaces, to, toPlaces, start, middle, end);
    }
    [from, to] = [to, from];
    [fromPlaces, toPlaces] = [toPlaces, fromPlaces];
  }
  if (from !== keys) places.set(fromPlaces.subarray(0, n));
}

function insertion(keys: Keys, places: Int32Array, start: number, end: number): void {
  for (let i = start + 1; i < end; i++) {
    const key = keys[i], place = places[i];
    let j = i - 1;
    while (j >= start && keys[j] > key) {
      keys[j + 1] = keys[j];
      places[j + 1] = places[j];
      j--;
    }
    keys[j + 1] = key;
    places[j + 1] = place;
  }
}

function merge(
  from: Keys,
  fromPlaces: Int32Array,
  to: Keys,
  toPlaces: Int32Array,
  start: number,
  middle: number,
  end: number,
): void {
  let a = start, b = middle;
  for (let w = start; w < end; w++) {
    const left = a < middle && (b >= end || from[a] <= from[b]);
    const at = left ? a++ : b++;
    to[w] = from[at];
    toPlaces[w] = fromPlaces[at];
  }
}

const asFloat = new Float32Array(1), asBits = new Uint32Array(asFloat.buffer);

/** Sorts float32 values by their bits, a digit at a time from the lowest. Only `places` ends up in order. */
function radix(
  keys: Float64Array,
  places: Int32Array,
  n: number,
  otherPlaces: Int32Array,
  first: Uint32Array,
  second: Uint32Array,
): void {
  const width = n < 8192 ? 8 : 11, mask = (1 << width) - 1;
  for (let i = 0; i < n; i++) {
    asFloat[0] = keys[i] + 0; // -0 equals 0
    const bits = asBits[0];
    // the order of floats as unsigned integers: negative ones turned round, below the others
    first[i] = bits >>> 31 === 1 ? ~bits : bits | 0x80000000;
  }
  const counts = new Int32Array(mask + 1);
  let from = first, to = second, fromPlaces = places, toPlaces = otherPlaces;
  for (let shift = 0; shift < 32; shift += width) {
    counts.fill(0);
    for (let i = 0; i < n; i++) counts[(from[i] >>> shift) & mask]++;
    if (counts[(from[0] >>> shift) & mask] === n) continue;
    for (let d = 0, at = 0; d <= mask; d++) {
      const count = counts[d];
      counts[d] = at;
      at += count;
    }
    for (let i = 0; i < n; i++) {
      const key = from[i], at = counts[(key >>> shift) & mask]++;
      to[at] = key;
      toPlaces[at] = fromPlaces[i];
    }
    [from, to] = [to, from];
    [fromPlaces, toPlaces] = [toPlaces, fromPlaces];
  }
  if (fromPlaces !== places) places.set(fromPlaces.subarray(0, n));
}

/** Brings the k-th smallest (from 0) of the first `n` values to its place and returns it. Reorders; NaN must be absent. */
export function selectKth<T extends number | bigint>(values: { [i: number]: T }, n: number, k: number): T {
  let low = 0, high = n - 1;
  while (low < high) {
    const pivot = middleOf(values[low], values[(low + high) >> 1], values[high]);
    let i = low, j = high;
    while (i <= j) {
      while (values[i] < pivot) i++;
      while (values[j] > pivot) j--;
      if (i <= j) {
        const v = values[i];
        values[i++] = values[j];
        values[j--] = v;
      }
    }
    if (k <= j) high = j;
    else if (k >= i) low = i;
    else break;
  }
  return values[k];
}

function middleOf<T extends number | bigint>(a: T, b: T, c: T): T {
  return a < b ? (b < c ? b : a < c ? c : a) : (a < c ? a : b < c ? c : b);
}
