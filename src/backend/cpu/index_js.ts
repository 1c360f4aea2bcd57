/**
 * Reading and writing elements at computed places of the CPU's memory, in JavaScript.
 *
 * Every indexing operation comes down to a list of places and one statement an element. The loops are generated for each
 * statement and pair of array types, so that V8 sees one type in each.
 * @module
 */

import type { TypedArray } from "../../tensor/dtype.ts";

/** A list of offsets in elements. */
export type Offsets = Int32Array | Float64Array;

/**
 * Places in memory, in the order of the elements that they belong to: for every entry of `outer`, for every entry of
 * `inner`, a run of neighbours.
 */
export interface Places {
  /** Offsets of the outer loop. */
  readonly outer: Offsets;
  /** Offsets of the inner loop; one 0 where there is none. */
  readonly inner: Offsets;
  /** Length of a run of neighbours. */
  readonly run: number;
}

/**
 * What happens at a place: read it, write it, write one value, or combine it with what is there. NaN wins in `max` and
 * `min`; `or` is the sum of bools.
 */
export type PlaceAction = "pick" | "put" | "fill" | "add" | "or" | "mul" | "max" | "min";

const statements: Readonly<Record<PlaceAction, string>> = {
  pick: "other[w] = data[p]",
  put: "data[p] = other[w]",
  fill: "data[p] = other",
  add: "data[p] += other[w]",
  or: "data[p] |= other[w]",
  mul: "data[p] *= other[w]",
  max: "const v = other[w]; if (v > data[p] || v !== v) data[p] = v",
  min: "const v = other[w]; if (v < data[p] || v !== v) data[p] = v",
};

/** From this length on a run is copied by the engine's own memory move. */
const LONG_RUN = 32;

const moves: Partial<Record<PlaceAction, string>> = {
  pick: "other.set(data.subarray(p, p + run), w)",
  put: "data.set(other.subarray(w, w + run), p)",
  fill: "data.fill(other, p, p + run)",
};

type Kernel = (
  data: TypedArray,
  offset: number,
  places: Places,
  other: TypedArray | number | bigint,
  w: number,
) => void;

const kernels = new Map<string, Kernel>();

/**
 * Does one action at every place of `data`, counted from `offset`. `other` is the array that is read or filled, from `start`
 * on and without gaps; for "fill" it is the value.
 */
export function atPlaces(
  action: PlaceAction,
  data: TypedArray,
  offset: number,
  places: Places,
  other: TypedArray | number | bigint,
  start = 0,
): void {
  const flat = places.run === 1 && places.inner.length === 1 && places.inner[0] === 0;
  const long = places.run >= LONG_RUN && action in moves;
  const key =
    `${action}|${data.constructor.name}|${other.constructor.name}|${places.outer.constructor.name}|${flat}|${long}`;
  let kernel = kernels.get(key);
  if (kernel === undefined) kernels.set(key, kernel = generate(action, flat, long));
  kernel(data, offset, places, other, start);
}

function generate(action: PlaceAction, flat: boolean, long: boolean): Kernel {
  const { [action]: statement } = statements;
  const body = flat ? `const p = offset + outer[i]; ${statement}; w++;` : `const base = offset + outer[i];
       for (let k = 0; k < inner.length; k++) {
         let p = base + inner[k];
         ${
    long ? `${moves[action]}; w += run;` : `for (const end = p + run; p < end; p++, w++) { ${statement}; }`
  }
       }`;
  const source = `"use strict"; const { outer, inner, run } = places;
    for (let i = 0; i < outer.length; i++) { ${body} }`;
  return new Function("data", "offset", "places", "other", "w", source) as Kernel;
}
