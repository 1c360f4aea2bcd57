/**
 * Elements from the CPU to the GPU and back.
 * @module
 */
import { input } from "../../expr/expr.ts";
import { type Program, program } from "../../expr/program.ts";
import type { DType, TypedArray } from "../../tensor/dtype.ts";
import { checkElements, decode, elementBytes, encode } from "./elements.ts";
import type { Gpu } from "./gpu.ts";
import type { Block } from "./memory.ts";
import { bytesOf, runPointwise } from "./pointwise.ts";

/**
 * Memory for so many elements, its content unknown; `idle`: to be written from the CPU.
 *
 * @throws {TypeError} if the device has no such elements.
 * @throws {RangeError} if they do not fit into one buffer.
 */
export function allocate(gpu: Gpu, dtype: DType, length: number, idle = false): Block {
  checkElements(gpu, dtype);
  gpu.checkOpen();
  return gpu.memory.allocate(bytesOf(dtype, length), idle);
}

/** A block with the elements of an array. `dtype` tells bool from uint8. */
export function upload(gpu: Gpu, array: TypedArray, dtype: DType): Block {
  const block = allocate(gpu, dtype, array.length, true);
  gpu.commands.write(block, 0, encode(array, dtype));
  return block;
}

let identity: Program | undefined;

/** Writes an array into a block, from element `offset` on. */
export function write(gpu: Gpu, block: Block, dtype: DType, offset: number, array: TypedArray): void {
  checkElements(gpu, dtype);
  gpu.checkOpen();
  const size = elementBytes(dtype);
  if (offset * size % 4 === 0 && array.length * size % 4 === 0) {
    gpu.commands.write(block, offset * size, encode(array, dtype));
    return;
  }
  // float16 that shares a word with its neighbours
  const whole = upload(gpu, array, dtype), shape = [array.length], strides = [1];
  identity ??= program(["x"], input("x"));
  runPointwise(
    gpu,
    identity,
    [{ data: whole, dtype, offset: 0, strides }],
    [{ data: block, dtype, offset, strides }],
    shape,
    dtype,
  );
  gpu.memory.release(whole);
}

/** Elements `offset` to `offset + length` of a block in memory of their own, when everything recorded before is done. */
export function read(gpu: Gpu, block: Block, dtype: DType, offset: number, length: number): TypedArray {
  const { first, bytes, skip } = range(dtype, offset, length);
  return cut(decode(gpu.readBytes(block, first, bytes), dtype, length + skip), skip);
}

/** {@linkcode read} for hosts that cannot read synchronously. */
export async function readAsync(
  gpu: Gpu,
  block: Block,
  dtype: DType,
  offset: number,
  length: number,
): Promise<TypedArray> {
  const { first, bytes, skip } = range(dtype, offset, length);
  return cut(decode(await gpu.readBytesAsync(block, first, bytes), dtype, length + skip), skip);
}

function range(dtype: DType, offset: number, length: number): { first: number; bytes: number; skip: number } {
  const size = elementBytes(dtype), skip = dtype === "float16" && length > 0 ? offset % 2 : 0;
  return { first: (offset - skip) * size, bytes: length === 0 ? 0 : bytesOf(dtype, length + skip), skip };
}

function cut(array: TypedArray, skip: number): TypedArray {
  return skip === 0 ? array : array.slice(skip);
}
