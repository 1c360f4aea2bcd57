/**
 * Images as columns of the blocks that a kernel meets, and back.
 * @module
 */

import { checkInteger, checkIntegers, checkKeys, checkTensor } from "../../tensor/arguments.ts";
import { frozen, numel, type Shape, shapeText } from "../../tensor/shape.ts";
import { allocateTensor, type Tensor } from "../../tensor/tensor.ts";
import { compact, framed, met, part, places, shaped } from "./columns.ts";
import { linearMap } from "../core/linear_map.ts";
import { windowOn } from "../view/window.ts";

/** Options of {@linkcode unfoldImages} and {@linkcode foldImages}. */
export interface UnfoldOptions {
  /** From an element of a block to the next; 1. */
  readonly dilation?: number | readonly number[];
  /** Zeros on both sides; 0. */
  readonly padding?: number | readonly number[];
  /** Steps from block to block; 1. */
  readonly stride?: number | readonly number[];
}

interface Blocks {
  readonly kernel: Shape;
  readonly dilation: Shape;
  readonly padding: Shape;
  readonly stride: Shape;
}

function pair(value: number | readonly number[], caller: string, name: string): Shape {
  const given = typeof value === "number"
    ? [checkInteger(value, caller, name)]
    : checkIntegers(value, caller, name);
  const list = given.length === 1 ? [given[0], given[0]] : given;
  if (list.length !== 2) {
    throw new TypeError(`${caller}(): ${name} must be a number or two, got ${shapeText(list)}`);
  }
  return frozen(list);
}

function blocksOf(kernelSize: number | readonly number[], options: UnfoldOptions, caller: string): Blocks {
  const o = checkKeys(options, caller, ["dilation", "padding", "stride"]);
  const blocks = {
    kernel: pair(kernelSize, caller, "kernelSize"),
    dilation: pair(o.dilation ?? 1, caller, "dilation"),
    padding: pair(o.padding ?? 0, caller, "padding"),
    stride: pair(o.stride ?? 1, caller, "stride"),
  };
  for (
    const [name, values] of [["kernel", blocks.kernel], ["dilation", blocks.dilation], [
      "stride",
      blocks.stride,
    ]] as const
  ) {
    if (values.some((v) => v <= 0)) {
      throw new RangeError(`${name} size should be greater than zero, but got ${shapeText(values)}`);
    }
  }
  if (blocks.padding.some((p) => p < 0)) {
    throw new RangeError(`padding should be non-negative, but got ${shapeText(blocks.padding)}`);
  }
  return blocks;
}

const countsOf = (size: readonly number[], b: Blocks): number[] =>
  size.map((s, d) => places(s + 2 * b.padding[d], b.kernel[d], b.stride[d], b.dilation[d]));

const round = (values: readonly number[]) => `(${values.join(", ")})`;

/** [N, C, H, W] as [N, C * kernel, blocks]. */
function columns(x: Tensor, b: Blocks): Tensor {
  const size = b.padding.map((p, d) => x.shape[d + 2] + 2 * p);
  const windows = compact(met(framed(x, { before: b.padding, size, step: [1, 1] }), b));
  const [n, c] = x.shape, counts = windows.shape.slice(4);
  return shaped(windows, n, c * numel(b.kernel), numel(counts));
}

/** [N, C * kernel, blocks] added up in images [N, C, H, W]. */
function addUp(g: Tensor, b: Blocks, size: readonly number[]): Tensor {
  const [n, rows] = g.shape, counts = countsOf(size, b), c = rows / numel(b.kernel);
  const whole = size.map((s, d) => s + 2 * b.padding[d]);
  const out = allocateTensor(frozen([n, c, ...whole]), g.dtype, g.device);
  const parts = shaped(compact(g), n, c, b.kernel[0], b.kernel[1], counts[0], counts[1]);
  const [s0, s1, s2, s3] = out.strides;
  const strides = frozen([s0, s1, s2 * b.stride[0], s3 * b.stride[1]]);
  for (let i = 0; i < b.kernel[0]; i++) {
    for (let j = 0; j < b.kernel[1]; j++) {
      const offset = i * b.dilation[0] * s2 + j * b.dilation[1] * s3;
      const one = part(part(parts, 2, i, 1), 3, j, 1).reshape([n, c, ...counts]);
      windowOn(out, frozen([n, c, ...counts]), strides, offset).add_(one);
    }
  }
  return out.narrow(2, b.padding[0], size[0]).narrow(3, b.padding[1], size[1]).contiguous();
}

/**
 * The blocks that a kernel meets, as columns: images [N, C, H, W] or [C, H, W] become [N, C * kernel elements, blocks].
 * PyTorch's `F.unfold`.
 */
export function unfoldImages(
  input: Tensor,
  kernelSize: number | readonly number[],
  options: UnfoldOptions = {},
): Tensor {
  checkTensor(input, "unfold");
  const b = blocksOf(kernelSize, options, "unfold");
  if (input.ndim !== 3 && input.ndim !== 4) {
    throw new TypeError(
      `Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other non-zero dimensions for input, but got: ` +
        shapeText(input.shape),
    );
  }
  if (input.ndim === 3) return unfoldImages(input.unsqueeze(0), kernelSize, options).squeeze(0);
  const size = input.shape.slice(2), counts = countsOf(size, b);
  if (counts.some((count) => count < 1)) {
    throw new RangeError(
      `Given input with spatial size ${round(size)}, kernel_size=${round(b.kernel)}, dilation=${
        round(b.dilation)
      }, padding=${round(b.padding)}, calculated shape of the array of sliding blocks as ${
        round(counts)
      }, but its components must be at least one.`,
    );
  }
  return linearMap(input, { name: "Im2Col", there: (x) => columns(x, b), back: (g) => addUp(g, b, size) });
}

/**
 * Columns [N, C * kernel elements, blocks] added up where {@linkcode unfoldImages} took them from: images [N, C, H, W].
 * PyTorch's `F.fold`.
 */
export function foldImages(
  input: Tensor,
  outputSize: number | readonly number[],
  kernelSize: number | readonly number[],
  options: UnfoldOptions = {},
): Tensor {
  checkTensor(input, "fold");
  const b = blocksOf(kernelSize, options, "fold"), size = pair(outputSize, "fold", "outputSize");
  if (input.ndim !== 2 && input.ndim !== 3) {
    throw new TypeError(
      `Expected 2D or 3D (batch mode) tensor for input, but got: ${shapeText(input.shape)}`,
    );
  }
  if (input.ndim === 2) return foldImages(input.unsqueeze(0), outputSize, kernelSize, options).squeeze(0);
  const [, rows, blocks] = input.shape;
  if (rows % numel(b.kernel) !== 0) {
    throw new TypeError(
      "Expected size of input's dimension 1 to be divisible by the product of kernel_size, but got " +
        `input.size(1)=${rows} and kernel_size=${round(b.kernel)}.`,
    );
  }
  const counts = countsOf(size, b);
  if (numel(counts) !== blocks || counts.some((count) => count < 1)) {
    throw new TypeError(
      `Given output_size=${round(size)}, kernel_size=${round(b.kernel)}, dilation=${
        round(b.dilation)
      }, padding=${round(b.padding)}, stride=${
        round(b.stride)
      }, expected size of input's dimension 2 to match the calculated number of sliding blocks ` +
        `${counts.join(" * ")} = ${numel(counts)}, but got input.size(2)=${blocks}.`,
    );
  }
  return linearMap(input, { name: "Col2Im", there: (g) => addUp(g, b, size), back: (x) => columns(x, b) });
}
