/**
 * Uniform numbers, as PyTorch's `uniform_` and `rand` make them.
 * @module
 */

import { dtypeOf, type FillOptions, type FloatArray, streamNumber } from "./checks.ts";
import type { Generator } from "./generator.ts";
import { fma32, fma64, roundBfloat16 } from "./rounding.ts";

const fround = Math.fround;
const LARGEST = {
  float16: 65504,
  bfloat16: (2 - 2 ** -7) * 2 ** 127,
  float32: (2 - 2 ** -23) * 2 ** 127,
  float64: Number.MAX_VALUE,
};

/**
 * Fills an array with uniform numbers from [from, to).
 *
 * @param out filled in full
 * @param from the lower bound, included
 * @param to the upper bound, excluded (but `from` where they are equal)
 * @param generator where the numbers come from: one draw a number, two in float64
 */
export function uniform(
  out: FloatArray,
  from: number,
  to: number,
  generator: Generator,
  options: FillOptions = {},
): void {
  checkBounds(from, to, dtypeOf(out, options));
  const n = out.length;
  if (out instanceof Float64Array) {
    const range = to - from;
    for (let i = 0; i < n; i++) {
      const x = fma64(generator.uniform53(), range, from);
      out[i] = x === to ? from : x;
    }
    return;
  }
  const low = fround(from), high = fround(to), range = fround(high - low);
  if (out instanceof Float32Array && !options.bfloat16) {
    if (low === 0 && high === 1) {
      for (let i = 0; i < n; i++) out[i] = generator.uniform24();
      return;
    }
    for (let i = 0; i < n; i++) {
      const x = fma32(generator.uniform24(), range, low);
      out[i] = x === high ? low : x;
    }
    return;
  }
  const round = options.bfloat16 ? roundBfloat16 : (x: number) => Math.f16round(x);
  const first = round(low), end = round(high);
  for (let i = 0; i < n; i++) {
    const x = round(fma32(generator.uniform24(), range, low));
    out[i] = x === end ? first : x;
  }
}

function checkBounds(from: number, to: number, dtype: string): void {
  const largest = LARGEST[dtype as keyof typeof LARGEST];
  for (const [name, value] of [["from", from], ["to", to]] as const) {
    if (!(Math.abs(value) <= largest)) {
      throw new RangeError(`${name} is out of bounds for ${dtype}: it is ${streamNumber(value)}`);
    }
  }
  if (from > to) {
    throw new RangeError(
      "uniform_ expects to return a [from, to) range, but found " +
        `from=${streamNumber(from)} > to=${streamNumber(to)}`,
    );
  }
  if (to - from > largest) {
    throw new RangeError(
      `uniform_ expects to-from <= ${streamNumber(largest)} (the largest ${dtype}), but found ` +
        `to=${streamNumber(to)} and from=${streamNumber(from)} which result in to-from to exceed the limit`,
    );
  }
}
