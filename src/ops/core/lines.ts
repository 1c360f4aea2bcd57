/**
 * Forward side of operations along one dimension, without history: brings the dimension to the end, works, and puts it back.
 * @module
 */

import { type LineOp, runLines } from "../../backend/lines.ts";
import type { DType } from "../../tensor/dtype.ts";
import { frozen, type Shape } from "../../tensor/shape.ts";
import { type Tensor, unwrittenTensor } from "../../tensor/tensor.ts";
import { copyInto } from "./copy.ts";
import { windowOn } from "../view/window.ts";

/** Another order of dimensions on the same memory, with dimension `from` moved to `to`; no history. */
function moved(x: Tensor, from: number, to: number): Tensor {
  const order = x.shape.map((_, i) => i);
  order.splice(to, 0, order.splice(from, 1)[0]);
  return windowOn(x, frozen(order.map((d) => x.shape[d])), frozen(order.map((d) => x.strides[d])));
}

function packed(x: Tensor): Tensor {
  if (x.isContiguous()) return x;
  const out = unwrittenTensor(x.shape, x.dtype, x.device);
  copyInto(out, x);
  return out;
}

/** A row-major copy of x with `dim` at the end, or x itself where it is that already. For callers that do their own loops. */
export function asLines(x: Tensor, dim: number): Tensor {
  return packed(x.ndim < 2 || dim === x.ndim - 1 ? x : moved(x, dim, x.ndim - 1));
}

/** Results that were computed with `dim` at the end, with the dimension back in its place, row-major. */
export function fromLines(x: Tensor, dim: number): Tensor {
  return x.ndim < 2 || dim === x.ndim - 1 ? x : packed(moved(x, x.ndim - 1, dim));
}

/** The shape of `asLines` of this shape, with another size in place of the dimension's. */
export function linesShape(shape: Shape, dim: number, size: number): Shape {
  return shape.length === 0 ? shape : frozen([...shape.filter((_, i) => i !== dim), size]);
}

/** Applies a line operation along `dim`. */
export function alongLines(
  x: Tensor,
  dim: number,
  op: LineOp,
  dtypes: readonly DType[],
): Tensor[] {
  const input = asLines(x, dim);
  const n = x.ndim === 0 ? 1 : x.shape[dim];
  const shape = linesShape(x.shape, dim, n);
  const outs = dtypes.map((dtype) => unwrittenTensor(shape, dtype, x.device));
  const lines = n === 0 ? 0 : input.numel() / n;
  runLines(
    op,
    x.dtype,
    input.storage.memory,
    input.offset,
    lines,
    n,
    outs[0].storage.memory,
    outs.length > 1 ? outs[1].storage.memory : null,
  );
  return outs.map((out) => fromLines(out, dim));
}

/** Part of new memory, to be written without history. */
export function partOf(out: Tensor, dim: number, start: number, length: number): Tensor {
  const shape = frozen(out.shape.map((s, i) => i === dim ? length : s));
  return windowOn(out, shape, out.strides, out.offset + start * out.strides[dim]);
}
