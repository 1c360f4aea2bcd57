/**
 * Large arrays that nobody can hold any more, kept for the next who needs as many elements: steps of training need the same ones
 * again and again, and new ones have to be cleared, collected, and often fetched from the system.
 * @module
 */
import type { DType, TypedArray } from "./dtype.ts";
import { LARGE_ARRAY } from "./heap.ts";

/** The most bytes that are kept. */
const MOST_BYTES = 1 << 26;

interface Kept {
  readonly dtype: DType;
  readonly array: TypedArray;
}

/** The oldest first. */
const kept: Kept[] = [];
let bytes = 0;

/** Whether it is worth it, for this array. */
export function isRecyclable(array: TypedArray): boolean {
  return array.byteLength >= LARGE_ARRAY && !(array instanceof BigInt64Array);
}

/** Takes an array that nobody will read or write any more, and that has its buffer for itself. */
export function recycle(dtype: DType, array: TypedArray): void {
  if (array.byteLength > MOST_BYTES) return;
  kept.push({ dtype, array });
  bytes += array.byteLength;
  while (bytes > MOST_BYTES) bytes -= kept.shift()!.array.byteLength;
}

/** An array of exactly so many elements, with whatever was in it; undefined if there is none. */
export function recycled(dtype: DType, length: number): Exclude<TypedArray, BigInt64Array> | undefined {
  if (length < LARGE_ARRAY / 8) return undefined;
  for (let i = kept.length - 1; i >= 0; i--) {
    const { dtype: other, array } = kept[i];
    if (other !== dtype || array.length !== length) continue;
    kept.splice(i, 1);
    bytes -= array.byteLength;
    return array as Exclude<TypedArray, BigInt64Array>;
  }
  return undefined;
}
