/**
 * The maps of `convolution.ts` on devices other than the CPU: columns by a kernel, for so many images and rows of places at a time
 * as memory is wanted for, and one batch of matrix products for all images and groups.
 * @module
 */

import { columns } from "../../backend/conv.ts";
import { frozen, numel, type Shape } from "../../tensor/shape.ts";
import { allocateTensor, type Tensor, unwrittenTensor } from "../../tensor/tensor.ts";
import { compact, discard, type Frame, ordered, part, shaped, type Sliding } from "./columns.ts";
import { multiplyBatches } from "../matmul/product_parts.ts";
import { sum } from "../reduce/reduce.ts";
import { windowOn } from "../view/window.ts";

/** Columns have about so many elements at a time. */
const CHUNK = 1 << 23;

/** A part of the places of all kernels. */
interface Chunk {
  /** The first image. */
  readonly image: number;
  /** How many. */
  readonly images: number;
  /** The first place in the first spatial dimension. */
  readonly row: number;
  /** How many there. */
  readonly rows: number;
}

/** The whole in parts: some images each, or some rows of one. `each` is how many elements the columns of an image's row have. */
function* chunks(images: number, rows: number, each: number): Generator<Chunk> {
  const some = Math.floor(CHUNK / each);
  const [n, r] = some >= rows ? [Math.floor(some / rows), rows] : [1, Math.max(1, some)];
  for (let image = 0; image < images; image += n) {
    for (let row = 0; row < rows; row += r) {
      yield { image, images: Math.min(n, images - image), row, rows: Math.min(r, rows - row) };
    }
  }
}

function columnsOf(
  x: Tensor,
  { before, step }: Omit<Frame, "size">,
  { kernel, stride, dilation }: Sliding,
  counts: Shape,
  { image, images, row, rows }: Chunk,
  imagesFirst: boolean,
): Tensor {
  const channels = x.shape[1], size = x.shape.slice(2), offset = x.offset + image * x.strides[0];
  const whole = size.every((s, d) =>
    s === counts[d] && kernel[d] === 1 && stride[d] === 1 && step[d] === 1 && before[d] === 0
  );
  // the images are their own columns
  if (whole && imagesFirst && rows === counts[0] && x.isContiguous()) {
    return windowOn(x, frozen([images, ...x.shape.slice(1)]), x.strides, offset);
  }
  const some = [rows, ...counts.slice(1)];
  const out = unwrittenTensor(frozen([images * channels * numel(kernel) * numel(some)]), x.dtype, x.device);
  const { strides } = x, lists = { size, before, step, kernel, stride, dilation, counts: some };
  const wanted = { ...lists, offset, strides, images, channels, first: row, imagesFirst };
  columns(x.dtype, x.storage.memory, wanted, out.storage.memory);
  return out;
}

/** Correlates images [N, C, ...], put in a frame, with row-major kernels [O, C / groups, ...]; counts are those of places. */
export function correlateThere(
  x: Tensor,
  frame: Frame,
  w: Tensor,
  bias: Tensor | null,
  sliding: Omit<Sliding, "kernel">,
  groups: number,
  counts: Shape,
): Tensor {
  const kernel = frozen(w.shape.slice(2)),
    [n, channels] = x.shape,
    outputs = w.shape[0],
    { dtype, device } = x;
  const depth = numel(kernel) * channels / groups, width = numel(counts), m = outputs / groups;
  const shape = frozen([n, outputs, ...counts]), rest = width / counts[0];
  if (depth === 0) {
    const out = allocateTensor(shape, dtype, device), strides = frozen(shape.map((_, d) => d === 1 ? 1 : 0));
    return bias === null ? out : out.add_(windowOn(compact(bias), shape, strides));
  }
  const out = unwrittenTensor(shape, dtype, device);
  for (const chunk of chunks(n, counts[0], groups * depth * rest)) {
    const b = columnsOf(x, frame, { ...sliding, kernel }, counts, chunk, true), wide = chunk.rows * rest;
    // a batch steps evenly from group to group and from image to image, for which kernels are repeated
    const repeated = groups > 1 && chunk.images > 1, apart = repeated && m > wide;
    const times = repeated && !apart ? chunk.images : 1, batch = times * groups;
    const a = times === 1 ? w : compact(windowOn(w, frozen([times, ...w.shape]), frozen([0, ...w.strides])));
    const more = bias === null
      ? null
      : compact(windowOn(bias, frozen([times, outputs]), frozen([0, bias.strides[0]])));
    const steps = (step: number) => groups === 1 ? 0 : step, all = groups === 1 ? chunk.images : batch;
    for (let i = 0; i < (apart ? chunk.images : 1); i++) {
      const start = out.offset + (chunk.image + i) * outputs * width + chunk.row * rest;
      multiplyBatches(
        windowOn(a, frozen([all, m, depth]), frozen([steps(m * depth), depth, 1])),
        windowOn(
          b,
          frozen([all, depth, wide]),
          frozen([depth * wide, wide, 1]),
          b.offset + i * groups * depth * wide,
        ),
        windowOn(out, frozen([all, m, wide]), frozen([m * width, width, 1]), start),
        1,
        more === null ? 0 : 1,
        more === null ? null : windowOn(more, frozen([all, m, wide]), frozen([steps(m), 1, 0])),
      );
    }
    discard(b, x);
    discard(a, w);
    if (more !== null) discard(more, bias!);
  }
  return out;
}

/** The gradient of kernels [O, C / groups, ...kernel] of images x, put in a frame, and gradients y of all results. */
export function kernelsThere(
  x: Tensor,
  frame: Frame,
  y: Tensor,
  sliding: Sliding,
  groups: number,
): Tensor {
  const { kernel } = sliding,
    [n, channels] = x.shape,
    outputs = y.shape[1],
    counts = frozen(y.shape.slice(2));
  const inside = channels / groups,
    depth = numel(kernel) * inside,
    width = numel(counts),
    m = outputs / groups;
  const rest = width / counts[0], flat = compact(y);
  let out: Tensor | null = null;
  for (const chunk of chunks(n, counts[0], groups * depth * rest)) {
    const { image, images, row, rows } = chunk, wide = rows * rest;
    const places = part(part(flat, 0, image, images), 2, row, rows);
    if (m <= width || images === 1) { // a product for each image, and their sum
      const b = columnsOf(x, frame, sliding, counts, chunk, true), batch = images * groups;
      const each = unwrittenTensor(frozen([images, outputs, inside, ...kernel]), x.dtype, x.device);
      multiplyBatches(
        windowOn(places, frozen([batch, m, wide]), frozen([m * width, width, 1])),
        windowOn(b, frozen([batch, wide, depth]), frozen([depth * wide, 1, wide])),
        shaped(each, batch, m, depth),
      );
      const total: Tensor = images === 1 ? shaped(each, ...each.shape.slice(1)) : sum(each, 0);
      discard(b, x);
      if (total.storage !== each.storage) each.storage.release();
      if (out === null) out = total;
      else {
        out.add_(total);
        total.storage.release();
      }
      continue;
    }
    // one product over all images
    const b = columnsOf(x, frame, sliding, counts, chunk, false);
    const a = compact(ordered(places, places.shape.map((_, d) => d < 2 ? 1 - d : d)));
    const first = out === null;
    out ??= unwrittenTensor(frozen([outputs, inside, ...kernel]), x.dtype, x.device);
    multiplyBatches(
      shaped(a, groups, m, images * wide),
      windowOn(b, frozen([groups, images * wide, depth]), frozen([depth * images * wide, 1, images * wide])),
      shaped(out, groups, m, depth),
      1,
      first ? 0 : 1,
    );
    discard(b, x);
    discard(a, flat);
  }
  discard(flat, y);
  return out!;
}
