/**
 * Reading the few elements of a tensor that somebody wants to see.
 * @module
 */

import type { Tensor } from "./tensor.ts";

/** Reads the element at a row-major index, as stored. */
export type Reader = (index: number) => number | bigint;

/**
 * Shows something of a tensor. `show` gets a function that reads single elements; which ones it asks for must not depend on what
 * they are. On another device than the CPU it is called twice: once to hear which elements it wants, and again when they were
 * gathered there and read all together.
 */
export function withElements<T>(t: Tensor, show: (read: Reader) => T): T {
  const plain = t.detach();
  if (t.device === "cpu" || t.storage.isValue) return show((index) => plain.at(index));
  const places = new Map<number, number>(), none = t.dtype === "int64" ? 0n : 0;
  show((index) => {
    if (!places.has(index)) places.set(index, places.size);
    return none;
  });
  const elements = gathered(plain, [...places.keys()]);
  return show((index) => elements[places.get(index)!]);
}

/** Elements by their row-major numbers. */
function gathered(t: Tensor, numbers: readonly number[]): ArrayLike<number | bigint> {
  const count = numbers.length;
  if (count === 0) return [];
  const inOrder = numbers.every((k, i) => k === i);
  if (inOrder && t.isContiguous()) return t.storage.read(t.offset, count);
  return t.take(t.newTensor(BigInt64Array.from(numbers, BigInt), { dtype: "int64" })).typedArray();
}
