/**
 * Other windows on a tensor's memory.
 * @module
 */

import { mode } from "../../autograd/modes.ts";
import type { Shape } from "../../tensor/shape.ts";
import { Tensor } from "../../tensor/tensor.ts";

/** Another window on a tensor's memory, without history. */
export function windowOn(t: Tensor, shape: Shape, strides: Shape, offset: number = t.offset): Tensor {
  const out = new Tensor(t.storage, offset, shape, strides);
  out.counter = t.counter;
  return out;
}

/** A view that writes and gradients go through: a window that knows its base. */
export function makeView(t: Tensor, shape: Shape, strides: Shape, offset: number = t.offset): Tensor {
  const out = windowOn(t, shape, strides, offset);
  const base = t.view_ === null ? t : t.view_.base;
  out.view_ = { base, version: t.counter.version, madeInNoGrad: !mode.grad };
  return out;
}
