/**
 * The memory under tensors: a typed array, or a single value that has not needed an array yet.
 * @module
 */

import { allocate, type DType, dtypeOfArray, type TypedArray } from "./dtype.ts";

/**
 * Memory shared by a tensor and its views. The version counts in-place writes, so that a backward pass can tell that a
 * saved tensor was changed.
 *
 * Allocating a typed array is the dearest step of a small operation, so the result of a 0-d operation keeps its number
 * in a field and makes the array when somebody asks for it.
 */
export class Storage {
  /** Element type. */
  readonly dtype: DType;
  /** Number of elements. */
  readonly length: number;
  /** How many in-place writes this memory has seen. */
  version: number;
  /** Set once a leaf's `.grad` (or the caller of `backward`) owns this memory, so that no other leaf takes it over. */
  claimed: boolean;
  private array: TypedArray | null;
  private value: number | bigint;

  private constructor(dtype: DType, length: number, array: TypedArray | null, value: number | bigint) {
    this.dtype = dtype;
    this.length = length;
    this.version = 0;
    this.claimed = false;
    this.array = array;
    this.value = value;
  }

  /** Zeroed memory for `length` elements. */
  static allocate(dtype: DType, length: number): Storage {
    return new Storage(dtype, length, allocate(dtype, length), 0);
  }

  /** One element without an array. The value must already be rounded to the dtype (bool as 0 or 1). */
  static ofValue(dtype: DType, value: number | bigint): Storage {
    return new Storage(dtype, 1, null, value);
  }

  /** Shares an existing array. */
  static share(array: TypedArray, dtype: DType = dtypeOfArray(array)): Storage {
    return new Storage(dtype, array.length, array, 0);
  }

  /** The elements; makes the array for a single value. */
  get data(): TypedArray {
    if (this.array !== null) return this.array;
    const array = allocate(this.dtype, 1);
    array[0] = this.value;
    return this.array = array;
  }

  /** Reads one element: a bigint for int64, else a number (bool as 0 or 1). */
  get(index: number): number | bigint {
    return this.array === null ? this.value : this.array[index];
  }

  /** Writes one element. The value must already be rounded to the dtype. */
  set(index: number, value: number | bigint): void {
    if (this.array === null) this.value = value;
    else this.array[index] = value;
  }
}
