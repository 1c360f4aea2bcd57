/**
 * Stable sorting of lines of keys together with their places.
 * @module
 */

/** Keys: doubles, or BigInts for int64. NaN must have been set aside. */
export type Keys = Float64Array | BigInt64Array;

/** Runs of this length are sorted by insertion. */
const RUN = 12;

/** Memory for {@linkcode sortKeys}, for lines of up to `n` keys. */
export interface SortScratch {
  readonly keys: Keys;
  readonly places: Int32Array;
}

/** Sorts the first `n` keys, smallest first, and `places` with them. Equal keys keep their order. */
export function sortKeys(keys: Keys, places: Int32Array, n: number, scratch: SortScratch): void {
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
  if (from !== keys) {
    (keys as Float64Array).set((from as Float64Array).subarray(0, n));
    places.set(fromPlaces.subarray(0, n));
  }
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
