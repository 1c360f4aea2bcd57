/**
 * How kernels walk over strided memory: the fewest dimensions that do, and checks of where operands lie.
 * @module
 */
import type { DType } from "../../tensor/dtype.ts";
import { elementBytes } from "./elements.ts";
import type { Block } from "./memory.ts";

/** Strided GPU memory of one tensor, broadcast to the shape of a kernel. */
export interface GpuOperand {
  /** The block that the elements lie in. */
  readonly data: Block;
  /** Element type. */
  readonly dtype: DType;
  /** Index of the first element. */
  readonly offset: number;
  /** Steps in elements, one for each dimension of the shape; 0 where broadcast. */
  readonly strides: readonly number[];
}

/** Dimensions of a walk; `strides` is by operand and dimension. */
export interface Nest {
  /** Sizes, none of them 1. */
  readonly sizes: readonly number[];
  /** The operands' steps. */
  readonly strides: readonly (readonly number[])[];
}

/** Whether elements lie one behind the other in the order of the shape. */
export function isContiguous(strides: readonly number[], shape: readonly number[]): boolean {
  let expected = 1;
  for (let d = shape.length - 1; d >= 0; d--) {
    if (shape[d] === 1) continue;
    if (strides[d] !== expected) return false;
    expected *= shape[d];
  }
  return true;
}

/**
 * Drops dimensions of size 1, orders the others by the memory of operand `major`, and merges those that every operand steps
 * evenly, so that neighbouring invocations use neighbouring memory.
 */
export function collapse(all: readonly (readonly number[])[], shape: readonly number[], major: number): Nest {
  const order = shape.map((_, d) => d).filter((d) => shape[d] !== 1);
  order.sort((d, e) => Math.abs(all[major][e]) - Math.abs(all[major][d]));
  const sizes: number[] = [], strides: number[][] = all.map(() => []);
  for (const d of order) {
    const last = sizes.length - 1;
    if (last >= 0 && all.every((s, j) => strides[j][last] === s[d] * shape[d])) {
      sizes[last] *= shape[d];
      all.forEach((s, j) => strides[j][last] = s[d]);
    } else {
      sizes.push(shape[d]);
      all.forEach((s, j) => strides[j].push(s[d]));
    }
  }
  return { sizes, strides };
}

/** First and last index of the elements that an operand uses. */
export function extent(x: GpuOperand, shape: readonly number[]): readonly [number, number] {
  let first = x.offset, last = x.offset;
  for (let d = 0; d < shape.length; d++) {
    const reach = (shape[d] - 1) * x.strides[d];
    if (reach < 0) first += reach;
    else last += reach;
  }
  return [first, last];
}

/**
 * Checks where the elements of an operand lie.
 *
 * @throws {RangeError} if they are not all in the block.
 */
export function checkExtent(x: GpuOperand, shape: readonly number[]): void {
  if (x.strides.length !== shape.length) {
    throw new TypeError(`an operand has ${x.strides.length} strides for the shape [${shape.join(", ")}]`);
  }
  const [first, last] = extent(x, shape);
  checkInside(x.data, x.dtype, first, last);
}

/**
 * Checks that elements lie in a block.
 *
 * @throws {RangeError} if not.
 */
export function checkInside(block: Block, dtype: DType, first: number, last: number): void {
  if (first >= 0 && (last + 1) * elementBytes(dtype) <= block.bytes) return;
  throw new RangeError(
    `elements ${first} to ${last} of ${dtype} are outside of a block of ${block.bytes} bytes`,
  );
}

/**
 * Checks that an operand can be written to.
 *
 * @throws {TypeError} if two places of the shape are one element.
 */
export function checkWritable(x: GpuOperand, shape: readonly number[]): void {
  if (shape.some((size, d) => size > 1 && x.strides[d] === 0)) {
    throw new TypeError(
      "unsupported operation: more than one element of the written-to tensor refers to a single memory location. " +
        "Please clone() the tensor before performing the operation.",
    );
  }
}
