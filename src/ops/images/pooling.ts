/**
 * The largest element and the mean under moving windows: forward and gradients. `pool.ts` has the functions for users.
 * @module
 */

import {
  addAtPlaces,
  maxPool,
  type PlanePlaces,
  putAtPlaces,
  readPlaces,
  type Spans,
} from "../../backend/pooling.ts";
import { fromTypedArray } from "../../tensor/create.ts";
import { allocate } from "../../tensor/dtype.ts";
import { frozen, numel, type Shape, shapeText } from "../../tensor/shape.ts";
import { allocateTensor, type Tensor, unwrittenTensor } from "../../tensor/tensor.ts";
import { compact, framed, met, places, span } from "./columns.ts";
import { to } from "../core/copy.ts";
import { chosenMap, type LinearMap, linearMap, linearMapOf } from "../core/linear_map.ts";
import { backTo } from "../core/on_host.ts";
import { mul } from "../pointwise.ts";
import { record, type Rule } from "../core/record.ts";
import { div } from "../arithmetic.ts";
import { sum } from "../reduce/reduce.ts";

/** A window over the last dimensions, one number for each. */
export interface Window {
  /** Sizes of the window. */
  readonly kernel: Shape;
  /** Steps from place to place. */
  readonly stride: Shape;
  /** How far the first place begins in front of the elements. */
  readonly padding: Shape;
  /** From an element of the window to the next. */
  readonly dilation: Shape;
  /** Whether a last place counts that only partly has elements. */
  readonly ceilMode: boolean;
}

const by = (sizes: readonly number[]) => `(${sizes.join("x")})`;

/** How many places a window has in each of the last dimensions; throws PyTorch's complaints. */
export function windowPlaces(x: Tensor, w: Window): Shape {
  const n = w.kernel.length, size = x.shape.slice(x.ndim - n);
  if (w.stride.some((s) => s === 0)) throw new RangeError("stride should not be zero");
  for (
    const [name, values] of [["kernel size", w.kernel], ["stride", w.stride], [
      "dilation",
      w.dilation,
    ]] as const
  ) {
    if (values.some((v) => v < 1)) {
      throw new RangeError(`${name} should be greater than zero, but got ${shapeText(values)}`);
    }
  }
  w.padding.forEach((p, d) => {
    if (p < 0) throw new RangeError(`pad must be non-negative, but got pad: ${p}`);
    if (p > Math.floor(span(w.kernel[d], w.dilation[d]) / 2)) {
      throw new RangeError(
        `pad should be at most half of effective kernel size, but got pad=${p}, kernel_size=${
          w.kernel[d]
        } and ` +
          `dilation=${w.dilation[d]}`,
      );
    }
  });
  const counts = size.map((s, d) => {
    const room = s + 2 * w.padding[d];
    if (!w.ceilMode) return places(room, w.kernel[d], w.stride[d], w.dilation[d]);
    const count = Math.ceil((room - span(w.kernel[d], w.dilation[d])) / w.stride[d]) + 1;
    // the last place has to begin among the elements or in front of them
    return (count - 1) * w.stride[d] >= s + w.padding[d] ? count - 1 : count;
  });
  if (counts.some((c) => c < 1)) {
    const channels = x.shape[x.ndim - n - 1];
    throw new RangeError(
      `Given input size: ${by([channels, ...size])}. Calculated output size: ${
        by([channels, ...counts.map((c) => Math.max(c, 0))])
      }. Output size is too small`,
    );
  }
  return frozen(counts);
}

// ---- the largest ------------------------------------------------------------------------------------------------------

/** Where the windows of a dimension lie. */
export function spansOf(size: number, w: Window, d: number, count: number): Spans {
  const [k, s, p, step] = [w.kernel[d], w.stride[d], w.padding[d], w.dilation[d]];
  const starts = new Int32Array(count), ends = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    const start = i * s - p;
    starts[i] = start < 0 ? start + Math.ceil(-start / step) * step : start;
    ends[i] = Math.min(start + span(k, step), size);
    if (starts[i] < ends[i]) continue;
    throw new RangeError(
      `a window over ${size} elements meets none of them: kernel_size=${k}, dilation=${step}, pad=${p}`,
    );
  }
  const whole = p === 0 && step === 1 && (count - 1) * s + k <= size;
  const window = { kernel: k, stride: s, padding: p };
  return { size, starts, ends, step, regular: whole ? { kernel: k, stride: s } : null, window };
}

/** Windows of unequal sizes that cover a dimension. */
export function adaptiveSpans(size: number, count: number): Spans {
  const starts = allocate("int32", count) as Int32Array, ends = allocate("int32", count) as Int32Array;
  for (let i = 0; i < count; i++) {
    starts[i] = Math.floor(i * size / count);
    ends[i] = Math.ceil((i + 1) * size / count);
  }
  return { size, starts, ends, step: 1, regular: null, window: null };
}

const ONE: Spans = {
  size: 1,
  starts: Int32Array.of(0),
  ends: Int32Array.of(1),
  step: 1,
  regular: { kernel: 1, stride: 1 },
  window: { kernel: 1, stride: 1, padding: 0 },
};

const elements = (x: Tensor) => ({ data: x.storage.memory, offset: x.offset });

/** Places (int32, row-major) in planes of a shape; `n` is the number of a plane's dimensions. */
function planePlaces(where: Tensor, shape: Shape, n: number, caller: string): PlanePlaces {
  const planes = numel(where.shape.slice(0, where.ndim - n)), outs = numel(where.shape.slice(where.ndim - n));
  return { where: where.storage.memory, planes, outs, size: numel(shape.slice(shape.length - n)), caller };
}

/**
 * The map that adds to places of planes of a shape, which windows chose if there are some; its transpose reads them. `name` is that of
 * the node without "Backward0".
 */
function placesMap(
  name: string,
  where: Tensor,
  shape: Shape,
  n: number,
  caller: string,
  spans: readonly Spans[] | null,
): LinearMap {
  const places = planePlaces(where, shape, n, caller);
  return {
    name,
    there: (g) => {
      const out = allocateTensor(shape, g.dtype, g.device);
      if (numel(where.shape) > 0) {
        addAtPlaces(g.dtype, elements(compact(g)), places, out.storage.memory, spans);
      }
      return out;
    },
    back: (x) => {
      const out = allocateTensor(where.shape, x.dtype, x.device);
      if (out.numel() > 0) readPlaces(x.dtype, elements(compact(x)), places, out.storage.memory);
      return out;
    },
  };
}

/** Puts elements at places (int32, row-major) of planes of zeros; of several for one place the last one stays. */
export function atPlaces(
  x: Tensor,
  where: Tensor,
  shape: Shape,
  n: number,
  name: string,
  caller: string,
): Tensor {
  const places = planePlaces(where, shape, n, caller), out = allocateTensor(shape, x.dtype, x.device);
  if (x.numel() > 0) putAtPlaces(x.dtype, elements(compact(x)), places, out.storage.memory);
  const { there, back } = placesMap(`${name}Backward`, where, shape, n, caller, null);
  const rule: Rule<object> = {
    name: `${name}Backward0`,
    backward: (g) => [linearMap(g, { name: `${name}Backward`, there: back, back: there })],
  };
  return record(rule, out, [x], {}, {});
}

/**
 * The largest elements under windows over the last dimensions, and their places in their planes (int32). `name` is PyTorch's name
 * of the node without "Backward0".
 */
export function largest(x: Tensor, spans: readonly Spans[], name: string, shown: object): [Tensor, Tensor] {
  const n = spans.length, lead = x.shape.slice(0, x.ndim - n);
  const shape = frozen([...lead, ...spans.map((s) => s.starts.length)]);
  const out = unwrittenTensor(shape, x.dtype, x.device), where = unwrittenTensor(shape, "int32", x.device);
  const all = [...new Array<Spans>(3 - n).fill(ONE), ...spans];
  if (out.numel() > 0) {
    maxPool(x.dtype, elements(compact(x)), out.storage.memory, where.storage.memory, numel(lead), all);
  }
  const rule: Rule<object> = {
    name: `${name}Backward0`,
    backward: (g, node) => [
      chosenMap(g, node.tensor("self"), placesMap(`${name}Backward`, where, x.shape, n, "maxPool()", all)),
    ],
  };
  return [record(rule, out, [x], shown, { self: x, result1: where }), where];
}

/** Places as users get them: int64. */
export function placesForUsers(where: Tensor): Tensor {
  return to(where, "int64");
}

// ---- the mean ---------------------------------------------------------------------------------------------------------

/** What a mean divides by. */
export interface Divisor {
  /** Whether borders count. */
  readonly countIncludePad: boolean;
  /** A divisor for all places. */
  readonly divisorOverride: number | null;
}

/** For each place of one dimension how many elements count. */
function counted(size: number, w: Window, d: number, count: number, borders: boolean): number[] {
  return Array.from({ length: count }, (_, i) => {
    const start = i * w.stride[d] - w.padding[d];
    const end = Math.min(start + w.kernel[d], size + w.padding[d]);
    return borders ? end - start : Math.min(end, size) - Math.max(start, 0);
  });
}

/** The means under windows over the last dimensions. `name` is PyTorch's name of the node without "Backward0". */
export function means(
  x: Tensor,
  w: Window,
  counts: Shape,
  { countIncludePad, divisorOverride }: Divisor,
  name: string,
): Tensor {
  const n = w.kernel.length, size = x.shape.slice(x.ndim - n), lead = x.shape.slice(0, x.ndim - n);
  const each = counts.map((c, d) => counted(size[d], w, d, c, countIncludePad));
  const one = each.every((list) => list.every((v) => v === list[0]));
  const divisors = each.reduce<number[]>((all, list) => all.flatMap((a) => list.map((b) => a * b)), [1]);
  const scale = (t: Tensor): Tensor => {
    if (divisorOverride !== null) return div(t, divisorOverride);
    if (one) return div(t, divisors[0]);
    const inverse = fromTypedArray(Float64Array.from(divisors, (v) => 1 / v)).to(t.dtype);
    return mul(t, backTo(inverse.view(counts), t));
  };
  const spans = w.kernel.map((k) => span(k, 1) - 1), same = frozen(w.kernel.map(() => 1));
  const kernelDims = w.kernel.map((_, d) => d + 2);
  return linearMapOf(x, {
    name,
    args: {
      kernelSize: w.kernel,
      stride: w.stride,
      padding: w.padding,
      ceilMode: w.ceilMode,
      countIncludePad,
      divisorOverride,
    },
    there: (t) => {
      const planes = t.reshape([numel(lead), 1, ...size]);
      const whole = counts.map((c, d) => (c - 1) * w.stride[d] + w.kernel[d]);
      const windows = met(framed(planes, { before: w.padding, size: whole, step: same }), {
        ...w,
        dilation: same,
      });
      return scale(sum(windows, kernelDims)).view([...lead, ...counts]);
    },
    back: (g) => {
      const planes = scale(g).reshape([numel(lead), 1, ...counts]);
      const frame = {
        before: spans.map((s, d) => s - w.padding[d]),
        size: spans.map((s, d) => s + size[d]),
        step: w.stride,
      };
      const windows = met(framed(planes, frame), { kernel: w.kernel, stride: same, dilation: same });
      return sum(windows, kernelDims).view([...lead, ...size]);
    },
  });
}
