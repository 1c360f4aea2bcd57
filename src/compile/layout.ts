/**
 * Windows through windows: which memory an operation reads when what it reads through is not computed on its own.
 * @module
 */

import { contiguousStrides, numel, sameShape, type Shape, viewStrides } from "../tensor/shape.ts";

/** A window: a first element and steps, one for each dimension of what goes over it. */
export interface Window {
  /** First element. */
  readonly offset: number;
  /** Steps. */
  readonly strides: Shape;
}

/** Whether a window on a row-major result of shape `inner` is the result as it is. */
export function isIdentity(shape: Shape, window: Window, inner: Shape): boolean {
  return window.offset === 0 && sameShape(shape, inner) && isRowMajor(shape, window.strides);
}

function isRowMajor(shape: Shape, strides: Shape): boolean {
  let step = 1;
  for (let d = shape.length - 1; d >= 0; d--) {
    if (shape[d] === 1) continue;
    if (strides[d] !== step) return false;
    step *= shape[d];
  }
  return true;
}

/**
 * An operation of shape `shape` looks through `window` at a row-major result of shape `inner`, whose maker reads memory with
 * the steps `steps`. The steps with which the operation could read that memory itself, and the place of its first element; null
 * where no such steps exist.
 */
export function through(shape: Shape, window: Window, inner: Shape, steps: Shape): Window | null {
  if (isIdentity(shape, window, inner)) return { offset: 0, strides: steps };
  const unit = contiguousStrides(inner);
  const start: number[] = [], last: number[] = [];
  let rest = window.offset, offset = 0;
  for (let j = 0; j < inner.length; j++) {
    start[j] = last[j] = Math.floor(rest / unit[j]);
    rest -= start[j] * unit[j];
    offset += start[j] * steps[j];
  }
  const strides: number[] = [];
  for (let d = 0; d < shape.length; d++) {
    const step = window.strides[d];
    if (step === 0 || shape[d] === 1) {
      strides[d] = 0;
      continue;
    }
    // The dimension of the result along which this one goes.
    const j = unit.findIndex((u, i) => inner[i] > 1 && u <= step);
    const by = j < 0 ? NaN : step / unit[j];
    last[j] += by * (shape[d] - 1);
    if (!Number.isInteger(by) || last[j] >= inner[j]) return reshaped(shape, window, inner, steps);
    strides[d] = by * steps[j];
  }
  return { offset, strides };
}

/** The same elements in the same order under another shape. */
function reshaped(shape: Shape, window: Window, inner: Shape, steps: Shape): Window | null {
  if (window.offset !== 0 || numel(shape) !== numel(inner) || !isRowMajor(shape, window.strides)) return null;
  const strides = viewStrides(inner, steps, shape);
  return strides === null ? null : { offset: 0, strides };
}
