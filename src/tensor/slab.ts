/**
 * Small arrays cut from common blocks: a typed array with a buffer of its own takes longer to make than adding a few numbers
 * many times over.
 *
 * Each piece is handed out once, so that it is zeroed, and a block goes when the last of its pieces goes. Nobody outside may see a
 * piece: who moves a buffer to another thread would take other tensors' memory with it.
 * @module
 */
import { arrayOver, type DType, itemSize, type TypedArray } from "./dtype.ts";

/** The largest array that is cut from a block, and a block, in bytes: a tensor that is kept keeps no more than this. */
const LARGEST = 512, BLOCK = 4096;

/** Where arrays may begin: on what every element type can. */
const ALIGNMENT = 16;

let block: ArrayBuffer | null = null, used = BLOCK;

const blocks = new WeakSet<ArrayBufferLike>();

/** A zeroed array of few elements; undefined where they are too many. */
export function smallArray(dtype: DType, length: number): TypedArray | undefined {
  const bytes = length * itemSize(dtype);
  if (!(bytes <= LARGEST)) return undefined;
  if (block === null || used + bytes > BLOCK) {
    blocks.add(block = new ArrayBuffer(BLOCK));
    used = 0;
  }
  const array = arrayOver(dtype, block, used, length);
  used += (bytes + ALIGNMENT - 1) & -ALIGNMENT;
  return array;
}

/** Whether other arrays lie in the same buffer. */
export function sharesBlock(array: TypedArray): boolean {
  return array.byteLength <= LARGEST && blocks.has(array.buffer);
}
