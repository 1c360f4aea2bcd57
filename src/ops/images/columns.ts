/**
 * Kernels laid over images: borders of zeros, the places that a kernel meets, and these places as the columns of a matrix.
 * Everything is windows on memory and strided copies, which every device has.
 * @module
 */

import { frozen, numel, type Shape } from "../../tensor/shape.ts";
import { allocateTensor, type Tensor, unwrittenTensor } from "../../tensor/tensor.ts";
import { copyInto } from "../core/copy.ts";
import { windowOn } from "../view/window.ts";
import { contiguousStrides } from "../../tensor/shape.ts";

/** How a kernel moves over an image: one number for each spatial dimension. */
export interface Sliding {
  /** Size of the kernel. */
  readonly kernel: Shape;
  /** Steps from one place of the kernel to the next. */
  readonly stride: Shape;
  /** Elements from one of the kernel to the next. */
  readonly dilation: Shape;
}

/** An image in a larger one: where it begins, how far its elements are apart, and the larger one's size. */
export interface Frame {
  /** Zeros in front; a negative number cuts. */
  readonly before: Shape;
  /** The whole size. */
  readonly size: Shape;
  /** From an element to the next; 1 leaves them together. */
  readonly step: Shape;
}

/** How many elements of the image a kernel spans in a dimension. */
export function span(kernel: number, dilation: number): number {
  return dilation * (kernel - 1) + 1;
}

/** How many places a kernel has in `size` elements; may be 0 or less. */
export function places(size: number, kernel: number, stride: number, dilation: number): number {
  return Math.floor((size - span(kernel, dilation)) / stride) + 1;
}

/** A plain copy, or the tensor itself if it is one; without history. */
export function compact(x: Tensor): Tensor {
  if (x.isContiguous()) return x;
  const out = unwrittenTensor(x.shape, x.dtype, x.device);
  copyInto(out, x);
  return out;
}

/** Gives the memory of a scratch copy back, unless it is the original's. */
export function discard(copy: Tensor, original: Tensor): void {
  if (copy.storage !== original.storage) copy.storage.release();
}

/** A row-major tensor in another shape, without history. */
export function shaped(x: Tensor, ...shape: number[]): Tensor {
  return windowOn(x, frozen(shape), contiguousStrides(shape));
}

/** Images [N, C, ...] in frames of zeros, without history: the tensor itself where the frame adds nothing. */
export function framed(x: Tensor, { before, size, step }: Frame): Tensor {
  const plain = before.every((b, d) => b === 0 && step[d] === 1 && size[d] === x.shape[d + 2]);
  if (plain) return x;
  const out = allocateTensor(frozen([x.shape[0], x.shape[1], ...size]), x.dtype, x.device);
  const shape = x.shape.slice(), from = x.strides.slice(), to = out.strides.slice();
  let source = x.offset, target = 0;
  before.forEach((b, d) => {
    const first = Math.max(0, Math.ceil(-b / step[d]));
    const last = Math.min(x.shape[d + 2] - 1, Math.floor((size[d] - 1 - b) / step[d]));
    shape[d + 2] = Math.max(0, last - first + 1);
    source += first * from[d + 2];
    target += (b + first * step[d]) * to[d + 2];
    to[d + 2] *= step[d];
  });
  if (numel(shape) > 0) {
    const inside = frozen(shape);
    copyInto(windowOn(out, inside, frozen(to), target), windowOn(x, inside, frozen(from), source));
  }
  return out;
}

/**
 * The elements that a kernel meets at each of its places: a window [N, C, ...kernel, ...places] on the memory of images
 * [N, C, ...], without history.
 */
export function met(x: Tensor, { kernel, stride, dilation }: Sliding): Tensor {
  const spatial = x.shape.slice(2), strides = x.strides.slice(2);
  const counts = spatial.map((s, d) => places(s, kernel[d], stride[d], dilation[d]));
  return windowOn(
    x,
    frozen([x.shape[0], x.shape[1], ...kernel, ...counts]),
    frozen([
      x.strides[0],
      x.strides[1],
      ...strides.map((s, d) => s * dilation[d]),
      ...strides.map((s, d) => s * stride[d]),
    ]),
  );
}

/** A part of a dimension, without history. */
export function part(x: Tensor, dim: number, start: number, length: number): Tensor {
  const shape = frozen(x.shape.map((s, d) => d === dim ? length : s));
  return windowOn(x, shape, x.strides, x.offset + start * x.strides[dim]);
}

/** The dimensions in another order, without history. */
export function ordered(x: Tensor, order: readonly number[]): Tensor {
  return windowOn(x, frozen(order.map((d) => x.shape[d])), frozen(order.map((d) => x.strides[d])));
}
