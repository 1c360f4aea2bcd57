/**
 * Views of parts: one index, a range, a diagonal.
 * @module
 */

import { mode } from "../../autograd/modes.ts";
import { brief } from "../../tensor/describe.ts";
import { checkTensor } from "../../tensor/arguments.ts";
import { frozen, normalizeDim, type Shape, shapeText } from "../../tensor/shape.ts";
import { installMethods, type Tensor } from "../../tensor/tensor.ts";
import { record, type Rule } from "../core/record.ts";
import { makeView } from "./window.ts";

interface Sizes {
  readonly selfSymSizes: Shape;
}

function checkIntegers(caller: string, values: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(values)) {
    // an infinite bound is far enough
    if (!Number.isInteger(value) && value !== Infinity && value !== -Infinity) {
      throw new TypeError(`${caller}(): ${name} must be an integer, got ${brief(value)}`);
    }
  }
}

const Select: Rule<Sizes & { dim: number; index: number }> = {
  name: "SelectBackward0",
  backward: (g, { args }) => [embed(g, args.selfSymSizes, (whole) => select(whole, args.dim, args.index))],
};
const Slice: Rule<Sizes & { dim: number; start: number; end: number; step: number }> = {
  name: "SliceBackward0",
  backward: (
    g,
    { args: a },
  ) => [embed(g, a.selfSymSizes, (whole) => slice(whole, a.dim, a.start, a.end, a.step))],
};
const Embed: Rule<{ part: (whole: Tensor) => Tensor }> = {
  name: "EmbedBackward0",
  backward: (g, { args }) => [args.part(g)],
};

/** Zeros of `shape` with `x` in the place that `part` cuts out: the gradient of taking that part. */
function embed(x: Tensor, shape: Shape, part: (whole: Tensor) => Tensor): Tensor {
  const out = x.newZeros(shape);
  const before = mode.grad;
  mode.grad = false;
  try {
    part(out).copy_(x);
  } finally {
    mode.grad = before;
  }
  out.counter.version = 0;
  return record(Embed, out, [x], { part });
}

/** The slice at one index of a dimension, without that dimension. */
export function select(x: Tensor, dim: number, index: number): Tensor {
  checkTensor(x, "select");
  if (x.ndim === 0) throw new RangeError("select() cannot be applied to a 0-dim tensor.");
  const d = normalizeDim(dim, x.ndim), size = x.shape[d];
  if (!Number.isInteger(index)) {
    throw new TypeError(`select(): index must be an integer, got ${brief(index)}`);
  }
  if (index < -size || index >= size) {
    throw new RangeError(
      `select(): index ${index} out of range for tensor of size ${shapeText(x.shape)} at dimension ${d}`,
    );
  }
  const i = index < 0 ? index + size : index;
  const shape = frozen(x.shape.filter((_, k) => k !== d)),
    strides = frozen(x.strides.filter((_, k) => k !== d));
  return record(Select, makeView(x, shape, strides, x.offset + i * x.strides[d]), [x], {
    selfSymSizes: x.shape,
    dim: d,
    index: i,
  });
}

/** Every `step`-th index of a dimension from `start` to before `end`, with Python's rules for negative and far bounds. */
export function slice(
  x: Tensor,
  dim: number,
  start?: number | null,
  end?: number | null,
  step = 1,
): Tensor {
  checkTensor(x, "slice");
  checkIntegers("slice", { start: start ?? 0, end: end ?? 0, step });
  if (step === 0) throw new RangeError("slice step cannot be zero");
  if (step < 0) throw new RangeError("step must be greater than zero");
  const d = normalizeDim(dim, x.ndim), size = x.shape[d];
  const bound = (value: number) => Math.min(Math.max(value < 0 ? value + size : value, 0), size);
  const from = bound(start ?? 0), to = Math.max(bound(end ?? size), from);
  const shape = x.shape.map((s, k) => k === d ? Math.ceil((to - from) / step) : s);
  const strides = x.strides.map((s, k) => k === d ? s * step : s);
  return record(Slice, makeView(x, frozen(shape), frozen(strides), x.offset + from * x.strides[d]), [x], {
    selfSymSizes: x.shape,
    dim: d,
    start: from,
    end: to,
    step,
  });
}

/** `length` indices of a dimension from `start`. */
export function narrow(x: Tensor, dim: number, start: number, length: number): Tensor {
  checkTensor(x, "narrow");
  const d = normalizeDim(dim, x.ndim), size = x.shape[d];
  checkIntegers("narrow", { start, length });
  if (length < 0) throw new RangeError("narrow(): length must be non-negative.");
  if (start < -size || start > size) {
    throw new RangeError(
      `start out of range (expected to be in range of [${-size}, ${size}], but got ${start})`,
    );
  }
  const from = start < 0 ? start + size : start;
  if (from + length > size) {
    throw new RangeError(`start (${from}) + length (${length}) exceeds dimension size (${size}).`);
  }
  return slice(x, d, from, from + length);
}

const Diagonal: Rule<Sizes & { offset: number; dim1: number; dim2: number }> = {
  name: "DiagonalBackward0",
  backward: (
    g,
    { args: a },
  ) => [embed(g, a.selfSymSizes, (whole) => diagonal(whole, a.offset, a.dim1, a.dim2))],
};

/** The diagonal of two dimensions, as the last dimension. */
export function diagonal(x: Tensor, offset = 0, dim1 = 0, dim2 = 1): Tensor {
  checkTensor(x, "diagonal");
  const a = normalizeDim(dim1, x.ndim), b = normalizeDim(dim2, x.ndim);
  checkIntegers("diagonal", { offset });
  if (a === b) throw new RangeError(`diagonal dimensions cannot be identical ${dim1}, ${dim2}`);
  const rows = x.shape[a] - Math.max(-offset, 0), columns = x.shape[b] - Math.max(offset, 0);
  const size = Math.max(Math.min(rows, columns), 0);
  const start = size === 0 ? 0 : offset >= 0 ? offset * x.strides[b] : -offset * x.strides[a];
  const keep = x.shape.map((_, i) => i).filter((i) => i !== a && i !== b);
  const shape = frozen([...keep.map((i) => x.shape[i]), size]);
  const strides = frozen([...keep.map((i) => x.strides[i]), x.strides[a] + x.strides[b]]);
  return record(Diagonal, makeView(x, shape, strides, x.offset + start), [x], {
    selfSymSizes: x.shape,
    offset,
    dim1: a,
    dim2: b,
  });
}

/** The methods of this family. */
export interface SliceMethods {
  /** The slice at one index of a dimension. */
  select(dim: number, index: number): Tensor;
  /** Part of a dimension, with Python's slice rules. */
  slice(dim: number, start?: number | null, end?: number | null, step?: number): Tensor;
  /** `length` indices of a dimension. */
  narrow(dim: number, start: number, length: number): Tensor;
  /** The diagonal of two dimensions. */
  diagonal(offset?: number, dim1?: number, dim2?: number): Tensor;
}

const methods: SliceMethods & ThisType<Tensor> = {
  select(dim, index) {
    return select(this, dim, index);
  },
  slice(dim, start, end, step) {
    return slice(this, dim, start, end, step);
  },
  narrow(dim, start, length) {
    return narrow(this, dim, start, length);
  },
  diagonal(offset, dim1, dim2) {
    return diagonal(this, offset, dim1, dim2);
  },
};
installMethods(methods);
