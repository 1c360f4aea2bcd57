/**
 * Convolution as what it is: a sum of products of three tensors, images x, kernels w and results y, of which any two give the
 * third. The three maps are each other's gradients, so that gradients of any order follow from these rules.
 * @module
 */

import { frozen, numel, type Shape } from "../../tensor/shape.ts";
import { allocateTensor, type Tensor, unwrittenTensor } from "../../tensor/tensor.ts";
import { type Convolution3x3, convolve3x3, kernelGradient3x3 } from "../../backend/conv.ts";
import { compact, discard, type Frame, framed, met, ordered, part, places, shaped, span } from "./columns.ts";
import { correlateThere, kernelsThere } from "./convolution_products.ts";
import { copyInto } from "../core/copy.ts";
import { multiplyBatches } from "../matmul/product_parts.ts";
import { record, type Rule, type RuleNode } from "../core/record.ts";
import { windowOn } from "../view/window.ts";

/** How kernels move over images: a number for each spatial dimension, and in how many groups channels are divided. */
export interface Geometry {
  /** Steps from one place of the kernel to the next. */
  readonly stride: Shape;
  /** Zeros on both sides. */
  readonly padding: Shape;
  /** Elements from one of the kernel to the next. */
  readonly dilation: Shape;
  /** Groups of channels that have nothing to do with each other. */
  readonly groups: number;
}

/** Columns are made for so many elements at a time. */
const CHUNK = 1 << 23;

// ---- the three maps, without history ------------------------------------------------------------------------------

const elements = (x: Tensor) => ({ data: x.storage.memory, offset: x.offset });

/** What is special about 3 x 3 kernels that move by single steps; null for others. */
function convolution3x3(
  x: Tensor,
  before: Shape,
  outputs: number,
  kernel: Shape,
  counts: Shape,
  { stride, dilation, groups }: Omit<Geometry, "padding">,
): Convolution3x3 | null {
  const single = kernel.length === 2 && groups === 1 &&
    kernel.every((k, d) => k === 3 && stride[d] === 1 && dilation[d] === 1);
  if (!single) return null;
  const [images, channels, ...size] = x.shape;
  const pair = (s: readonly number[]) => [s[0], s[1]] as const;
  return { images, channels, outputs, size: pair(size), before: pair(before), counts: pair(counts) };
}

/** Correlates images [N, C, ...], put in a frame, with kernels [O, C / groups, ...]. */
function correlate(
  x: Tensor,
  frame: Frame,
  w: Tensor,
  bias: Tensor | null,
  geometry: Omit<Geometry, "padding">,
): Tensor {
  const { stride, dilation, groups } = geometry;
  const kernel = w.shape.slice(2), [n, channels] = x.shape, outputs = w.shape[0];
  const counts = kernel.map((k, d) => places(frame.size[d], k, stride[d], dilation[d]));
  const shape = frozen([n, outputs, ...counts]);
  if (numel(shape) === 0) return allocateTensor(shape, x.dtype, x.device);
  const rows = compact(w);
  if (x.device !== "cpu") {
    return correlateThere(x, frame, rows, bias, { stride, dilation }, groups, frozen(counts));
  }
  const depth = numel(kernel) * channels / groups, width = numel(counts), m = outputs / groups;
  const out = (depth > 0 ? unwrittenTensor : allocateTensor)(shape, x.dtype, x.device);
  if (frame.step.every((s) => s === 1)) {
    const special = convolution3x3(x, frame.before, outputs, kernel, counts, geometry);
    const summands = bias === null ? null : compact(bias);
    const list = summands?.storage.data.subarray(summands.offset, summands.offset + outputs) as
      | Float32Array
      | undefined;
    if (
      special !== null &&
      convolve3x3(special, x.dtype, elements(compact(x)), elements(rows), list ?? null, elements(out))
    ) return out;
  }
  const whole = framed(x, frame), flat = shaped(out, n, outputs, width);
  const some = Math.max(1, Math.floor(CHUNK / (groups * Math.max(depth, 1) * width)));
  for (let i = 0; i < n && depth > 0; i += some) {
    const images = Math.min(some, n - i);
    const columns = compact(met(part(whole, 0, i, images), { kernel, stride, dilation }));
    const b = shaped(columns, images, groups * depth, width), c = part(flat, 0, i, images);
    for (let g = 0; g < groups; g++) {
      const a = windowOn(
        rows,
        frozen([images, m, depth]),
        frozen([0, depth, 1]),
        rows.offset + g * m * depth,
      );
      multiplyBatches(a, part(b, 1, g * depth, depth), part(c, 1, g * m, m));
    }
    discard(columns, whole);
  }
  discard(whole, x);
  if (bias !== null) out.add_(along(bias, out.shape));
  return out;
}

/** A bias for each channel, in the shape of a result. */
function along(bias: Tensor, shape: Shape): Tensor {
  return windowOn(bias, shape, frozen(shape.map((_, d) => d === 1 ? bias.strides[0] : 0)));
}

/** y of x and w: all places of the kernel, or so many. */
function results(
  x: Tensor,
  w: Tensor,
  bias: Tensor | null,
  geometry: Geometry,
  counts?: Shape,
): Tensor {
  const { padding, stride, dilation } = geometry;
  const size = counts === undefined
    ? padding.map((p, d) => x.shape[d + 2] + 2 * p)
    : counts.map((c, d) => (c - 1) * stride[d] + span(w.shape[d + 2], dilation[d]));
  return correlate(x, { before: padding, size, step: padding.map(() => 1) }, w, bias, geometry);
}

/** A copy whose dimensions from `from` on run the other way. */
function mirror(x: Tensor, from: number): Tensor {
  const out = unwrittenTensor(x.shape, x.dtype, x.device);
  if (x.numel() === 0) return out;
  const strides = frozen(x.strides.map((s, d) => d < from ? s : -s));
  const last = x.strides.reduce((sum, s, d) => d < from ? sum : sum + s * (x.shape[d] - 1), x.offset);
  copyInto(out, windowOn(x, x.shape, strides, last));
  return out;
}

/** x of y and w: y, spread by the stride, under the mirrored kernels. */
function images(y: Tensor, w: Tensor, bias: Tensor | null, geometry: Geometry, size: Shape): Tensor {
  const { stride, padding, dilation, groups } = geometry;
  const kernel = w.shape.slice(2), [outputs, channels] = w.shape;
  const extra = kernel.map((k, d) => span(k, dilation[d]) - 1);
  const frame = {
    before: extra.map((e, d) => e - padding[d]),
    size: extra.map((e, d) => e + size[d]),
    step: stride,
  };
  // [groups, O / groups, C / groups, ...] with kernels mirrored becomes [C, O / groups, ...]
  const grouped = shaped(compact(w), groups, outputs / groups, channels, ...kernel);
  const turned = ordered(grouped, grouped.shape.map((_, d) => d === 1 ? 2 : d === 2 ? 1 : d));
  const mirrored = shaped(mirror(turned, 3), groups * channels, outputs / groups, ...kernel);
  const one = frozen(stride.map(() => 1));
  return correlate(y, frame, mirrored, bias, { stride: one, dilation, groups });
}

/** w of x and y. */
function kernels(x: Tensor, y: Tensor, geometry: Geometry, kernel: Shape): Tensor {
  const { stride, padding, dilation, groups } = geometry;
  const [n, channels] = x.shape, outputs = y.shape[1], counts = y.shape.slice(2);
  const inside = channels / groups, depth = numel(kernel) * inside, width = numel(counts);
  const shape = frozen([outputs, inside, ...kernel]);
  if (numel(shape) === 0 || y.numel() === 0) return allocateTensor(shape, x.dtype, x.device);
  // only what the kernels met: the last elements may have been out of their reach
  const size = kernel.map((k, d) => (counts[d] - 1) * stride[d] + span(k, dilation[d]));
  const frame = { before: padding, size, step: padding.map(() => 1) };
  if (x.device !== "cpu") return kernelsThere(x, frame, y, { kernel, stride, dilation }, groups);
  const out = allocateTensor(shape, x.dtype);
  const special = convolution3x3(x, padding, outputs, kernel, counts, geometry);
  if (
    special !== null &&
    kernelGradient3x3(special, x.dtype, elements(compact(x)), elements(compact(y)), elements(out))
  ) return out;
  const whole = framed(x, frame);
  const c = shaped(out, groups, outputs / groups, depth), nd = kernel.length;
  const some = Math.max(1, Math.floor(CHUNK / (groups * depth * width)));
  for (let i = 0; i < n; i += some) {
    const images = Math.min(some, n - i);
    const columns = met(part(whole, 0, i, images), { kernel, stride, dilation });
    // [C, ...kernel, N, ...places]: the sum is over images, too
    const order = columns.shape.map((_, d) => d <= nd ? d + 1 : d === nd + 1 ? 0 : d);
    const lines = compact(ordered(columns, order)), b = shaped(lines, groups, depth, images * width);
    const byOutput = part(y, 0, i, images);
    const a = compact(ordered(byOutput, byOutput.shape.map((_, d) => d < 2 ? 1 - d : d)));
    multiplyBatches(
      shaped(a, groups, outputs / groups, images * width),
      ordered(b, [0, 2, 1]),
      c,
      1,
      i === 0 ? 0 : 1,
    );
    discard(lines, whole);
    discard(a, y);
  }
  discard(whole, x);
  return out;
}

// ---- their gradients ------------------------------------------------------------------------------------------------

interface Args extends Geometry {
  readonly transposed: boolean;
  readonly outputPadding: Shape;
  readonly biasSymSizesOpt: Shape | null;
}

const saved = (x: Tensor, other: Tensor): Tensor | null => other.requiresGrad ? x : null;

/** The gradient of what was added to each channel. */
function biasGradient<A extends object>(g: Tensor, node: RuleNode<A>): Tensor | null {
  // planes first: their elements lie one behind the other
  return node.needs(2) ? g.sum(g.shape.map((_, d) => d).slice(2)).sum(0) : null;
}

/** The sizes of all three without the first two dimensions. */
interface Sizes {
  readonly sizes: Shape;
  readonly kernel: Shape;
  readonly counts: Shape;
}

const spatial = (x: Tensor): Shape => frozen(x.shape.slice(2));

const Convolution: Rule<Args & Sizes> = {
  name: "ConvolutionBackward0",
  backward: (g, node) => {
    const a = node.args;
    if (a.transposed) {
      return [
        node.needs(0) ? resultsOf(g, node.tensor("weight"), a, a.counts) : null,
        node.needs(1) ? kernelsOf(g, node.tensor("input"), a, a.kernel) : null,
        biasGradient(g, node),
      ];
    }
    return [
      node.needs(0) ? imagesOf(g, node.tensor("weight"), a, a.sizes) : null,
      node.needs(1) ? kernelsOf(node.tensor("input"), g, a, a.kernel) : null,
      biasGradient(g, node),
    ];
  },
};

const Results: Rule<Geometry & Sizes> = {
  name: "ConvolutionBackwardBackward0",
  backward: (g, node) => [
    node.needs(0) ? imagesOf(g, node.tensor("weight"), node.args, node.args.sizes) : null,
    node.needs(1) ? kernelsOf(node.tensor("input"), g, node.args, node.args.kernel) : null,
  ],
};
const Images: Rule<Geometry & Sizes> = {
  name: "ConvolutionBackwardBackward0",
  backward: (g, node) => [
    node.needs(0) ? resultsOf(g, node.tensor("weight"), node.args, node.args.counts) : null,
    node.needs(1) ? kernelsOf(g, node.tensor("gradOutput"), node.args, node.args.kernel) : null,
  ],
};
const Kernels: Rule<Geometry & Sizes> = {
  name: "ConvolutionBackwardBackward0",
  backward: (g, node) => [
    node.needs(0) ? imagesOf(node.tensor("gradOutput"), g, node.args, node.args.sizes) : null,
    node.needs(1) ? resultsOf(node.tensor("input"), g, node.args, node.args.counts) : null,
  ],
};

function resultsOf(x: Tensor, w: Tensor, geometry: Geometry, counts: Shape): Tensor {
  const args = { ...only(geometry), sizes: spatial(x), kernel: spatial(w), counts };
  const save = { input: saved(x, w), weight: saved(w, x) };
  return record(Results, results(x, w, null, geometry, counts), [x, w], args, save);
}

function imagesOf(y: Tensor, w: Tensor, geometry: Geometry, sizes: Shape): Tensor {
  const args = { ...only(geometry), sizes, kernel: spatial(w), counts: spatial(y) };
  const save = { gradOutput: saved(y, w), weight: saved(w, y) };
  return record(Images, images(y, w, null, geometry, sizes), [y, w], args, save);
}

function kernelsOf(x: Tensor, y: Tensor, geometry: Geometry, kernel: Shape): Tensor {
  const args = { ...only(geometry), sizes: spatial(x), kernel, counts: spatial(y) };
  const save = { input: saved(x, y), gradOutput: saved(y, x) };
  return record(Kernels, kernels(x, y, geometry, kernel), [x, y], args, save);
}

function only({ stride, padding, dilation, groups }: Geometry): Geometry {
  return { stride, padding, dilation, groups };
}

// ---- for users' functions -------------------------------------------------------------------------------------------

/** Images [N, C, ...] under kernels [O, C / groups, ...]. All arguments are checked. */
export function convolution(x: Tensor, w: Tensor, bias: Tensor | null, geometry: Geometry): Tensor {
  const out = results(x, w, bias, geometry);
  const args = {
    ...only(geometry),
    transposed: false,
    outputPadding: frozen(geometry.stride.map(() => 0)),
    biasSymSizesOpt: bias === null ? null : bias.shape,
    sizes: spatial(x),
    kernel: spatial(w),
    counts: spatial(out),
  };
  return record(Convolution, out, [x, w, bias], args, { input: saved(x, w), weight: saved(w, x) });
}

/** The transposed map: y [N, O, ...] and kernels [O, C / groups, ...] give images of a size. All arguments are checked. */
export function transposedConvolution(
  y: Tensor,
  w: Tensor,
  bias: Tensor | null,
  geometry: Geometry,
  sizes: Shape,
  outputPadding: Shape,
): Tensor {
  const out = images(y, w, bias, geometry, sizes);
  const args = {
    ...only(geometry),
    transposed: true,
    outputPadding,
    biasSymSizesOpt: bias === null ? null : bias.shape,
    sizes,
    kernel: spatial(w),
    counts: spatial(y),
  };
  return record(Convolution, out, [y, w, bias], args, { input: saved(y, w), weight: saved(w, y) });
}
