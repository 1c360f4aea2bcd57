/**
 * Convolution and transposed convolution in one, two and three dimensions.
 * @module
 */

import { checkInteger, checkKeys, checkOptionalTensor, checkTensor } from "../../tensor/arguments.ts";
import { typeName } from "../../tensor/dtype.ts";
import { frozen, type Shape, shapeText } from "../../tensor/shape.ts";
import { Tensor } from "../../tensor/tensor.ts";
import { convolution, type Geometry, transposedConvolution } from "./convolution.ts";
import { places, span } from "./columns.ts";
import { pad } from "./pad.ts";
import { checkSame, refuseBool } from "../matmul/product_parts.ts";
import { differentDevices } from "../../tensor/device.ts";

/** A number for all spatial dimensions, or one for each. */
export type Sizes = number | readonly number[];

/** Options of convolutions. */
export interface ConvOptions {
  /** Added to each output channel. May also be given by position. */
  readonly bias?: Tensor | null;
  /** Steps from one place of the kernel to the next; 1. */
  readonly stride?: Sizes;
  /** Zeros on both sides; 0. "same" gives as many results as there are elements, "valid" is 0. */
  readonly padding?: Sizes | "same" | "valid";
  /** Elements from one of the kernel to the next; 1. */
  readonly dilation?: Sizes;
  /** In how many groups channels are divided that have nothing to do with each other; 1. */
  readonly groups?: number;
}

/** Options of transposed convolutions. */
export interface ConvTransposeOptions {
  /** Added to each output channel. May also be given by position. */
  readonly bias?: Tensor | null;
  /** Steps in the result from one element of the input to the next; 1. */
  readonly stride?: Sizes;
  /** So many elements are cut from both sides of the result; 0. */
  readonly padding?: Sizes;
  /** So many elements more on the far side of the result; 0. */
  readonly outputPadding?: Sizes;
  /** In how many groups channels are divided that have nothing to do with each other; 1. */
  readonly groups?: number;
  /** Elements from one of the kernel to the next; 1. */
  readonly dilation?: Sizes;
}

// ---- arguments ------------------------------------------------------------------------------------------------------

/** One number for each of `n` dimensions. */
function spread(value: Sizes, name: string, n: number, caller: string): Shape {
  if (typeof value === "number") {
    checkInteger(value, caller, name);
    return frozen(new Array(n).fill(value));
  }
  if (!Array.isArray(value) || value.some((v) => !Number.isInteger(v))) {
    throw new TypeError(`${caller}(): argument '${name}' must be an integer or a list of integers`);
  }
  if (value.length === 1) return frozen(new Array(n).fill(value[0]));
  if (value.length !== n) {
    throw new TypeError(
      `expected ${name} to be a single integer value or a list of ${n} values to match the convolution dimensions, ` +
        `but got ${name}=${shapeText(value)}`,
    );
  }
  return frozen(value);
}

type Bias<O> = Tensor | null | O | undefined;

/** Reads `f(input, weight, bias, options)` and `f(input, weight, options)`. */
function split<O extends { bias?: Tensor | null }>(
  bias: Bias<O>,
  options: O | undefined,
  caller: string,
  keys: readonly string[],
): { bias: Tensor | null; given: O } {
  const byName = typeof bias === "object" && bias !== null && !(bias instanceof Tensor);
  const given = checkKeys((byName ? bias : options ?? {}) as O, caller, keys);
  const found = byName || bias === undefined ? given.bias ?? null : bias;
  checkOptionalTensor(found, caller, "bias");
  return { bias: found as Tensor | null, given };
}

/** The input with a batch dimension; `alone` if it came without one. */
function batched(x: Tensor, n: number, name: string): { input: Tensor; alone: boolean } {
  if (x.ndim !== n + 1 && x.ndim !== n + 2) {
    throw new TypeError(
      `Expected ${n + 1}D (unbatched) or ${n + 2}D (batched) input to ${name}, but got input of size: ` +
        shapeText(x.shape),
    );
  }
  return x.ndim === n + 1 ? { input: x.unsqueeze(0), alone: true } : { input: x, alone: false };
}

function checkNumbers(geometry: Geometry): void {
  const { stride, padding, dilation, groups } = geometry;
  if (!Number.isInteger(groups) || groups <= 0) throw new RangeError("non-positive groups is not supported");
  if (padding.some((p) => p < 0)) throw new RangeError("negative padding is not supported");
  if (stride.some((s) => s <= 0)) throw new RangeError("non-positive stride is not supported");
  if (dilation.some((d) => d <= 0)) {
    throw new RangeError(`dilation should be greater than zero, but got ${shapeText(dilation)}`);
  }
}

/** What PyTorch checks of shapes; channels are those of the input, outputs those of the result. */
function checkShapes(x: Tensor, w: Tensor, bias: Tensor | null, groups: number, transposed: boolean): void {
  const text = shapeText(w.shape), n = w.ndim - 2;
  if (w.ndim !== x.ndim) {
    throw new TypeError(
      `Expected ${x.ndim}-dimensional weight for ${x.ndim}-dimensional input ${
        shapeText(x.shape)
      }, but got weight of ` +
        `size ${text} instead`,
    );
  }
  if (w.shape[0] < groups) {
    throw new TypeError(
      `Given groups=${groups}, expected weight to be at least ${groups} at dimension 0, but got weight of size ${text} ` +
        "instead",
    );
  }
  if (w.shape[0] % groups !== 0) {
    throw new TypeError(
      `Given groups=${groups}, expected weight to be divisible by ${groups} at dimension 0, but got weight of size ` +
        `[${text}] instead`,
    );
  }
  const channels = transposed ? w.shape[0] : w.shape[1] * groups;
  const outputs = transposed ? w.shape[1] * groups : w.shape[0];
  if (x.shape[1] !== channels) {
    throw new TypeError(
      `Given ${transposed ? "transposed=1" : `groups=${groups}`}, weight of size ${text}, expected input` +
        `${shapeText(x.shape)} to have ${channels} channels, but got ${x.shape[1]} channels instead`,
    );
  }
  if (bias !== null && (bias.ndim !== 1 || bias.shape[0] !== outputs)) {
    throw new TypeError(
      `Given ${
        transposed ? "transposed=1, " : ""
      }weight of size ${text}, expected bias to be 1-dimensional with ` +
        `${outputs} elements, but got bias of size ${shapeText(bias.shape)} instead`,
    );
  }
  if (x.shape.slice(2, 2 + n).some((s) => s === 0) || w.shape.slice(2).some((s) => s === 0)) {
    throw new RangeError(
      `Only zero batch or zero channel inputs are supported, but got input shape: ${shapeText(x.shape)}`,
    );
  }
}

function checkDtypes(caller: string, x: Tensor, w: Tensor, bias: Tensor | null): void {
  if (bias !== null && bias.dtype !== x.dtype) {
    throw new TypeError(
      `Input type (${x.dtype}) and bias type (${bias.dtype}) should be the same`,
    );
  }
  if (x.dtype !== w.dtype) {
    throw new TypeError(`expected scalar type ${typeName(x.dtype)} but found ${typeName(w.dtype)}`);
  }
  refuseBool(x.dtype, `slow_${caller}_cpu`);
  checkSame(caller, x, w);
  if (bias !== null && bias.device !== x.device) throw differentDevices(x.device, bias.device);
}

const by = (shape: Shape) => `(${shape.join(" x ")})`;

// ---- convolution ----------------------------------------------------------------------------------------------------

const convKeys = ["bias", "stride", "padding", "dilation", "groups"];

function conv(n: number, x: Tensor, w: Tensor, third: Bias<ConvOptions>, fourth?: ConvOptions): Tensor {
  const name = `conv${n}d`;
  checkTensor(x, name);
  checkTensor(w, name, "weight", 2);
  const { bias, given } = split(third, fourth, name, convKeys);
  const { input, alone } = batched(x, n, name);
  const stride = spread(given.stride ?? 1, "stride", n, name);
  const dilation = spread(given.dilation ?? 1, "dilation", n, name);
  const groups = given.groups ?? 1, asked = given.padding ?? 0;
  let padding: Shape, source = input;
  if (typeof asked === "string") {
    if (asked !== "same" && asked !== "valid") throw new RangeError(`Invalid padding string: '${asked}'`);
    if (asked === "same" && stride.some((s) => s !== 1)) {
      throw new RangeError("padding='same' is not supported for strided convolutions");
    }
    const total = asked === "same" && w.ndim === n + 2
      ? w.shape.slice(2).map((k, d) => span(k, dilation[d]) - 1)
      : new Array<number>(n).fill(0);
    padding = frozen(total.map((t) => Math.floor(t / 2)));
    // an odd number of zeros: the one more is behind
    if (total.some((t) => t % 2 === 1)) source = pad(input, total.flatMap((t) => [t % 2, 0]).reverse());
  } else padding = spread(asked, "padding", n, name);
  checkNumbers({ stride, padding, dilation, groups });
  checkDtypes(name, input, w, bias);
  if (w.ndim === n + 2) {
    const inside = padding.map((p, d) => source.shape[d + 2] + 2 * p), kernel = w.shape.slice(2);
    const spans = kernel.map((k, d) => span(k, dilation[d]));
    if (inside.some((s, d) => places(s, kernel[d], 1, dilation[d]) < 1)) {
      checkChannels(input, w, bias, groups);
      throw new RangeError(
        `Calculated padded input size per channel: ${by(inside)}. Kernel size: ${
          by(spans)
        }. Kernel size can't be ` +
          "greater than actual input size",
      );
    }
  }
  checkShapes(input, w, bias, groups, false);
  const out = convolution(source, w, bias, { stride, padding, dilation, groups });
  return alone ? out.squeeze(0) : out;
}

/** Where channels are wrong, too, PyTorch complains of them first. */
function checkChannels(x: Tensor, w: Tensor, bias: Tensor | null, groups: number): void {
  if (x.shape[1] !== w.shape[1] * groups) checkShapes(x, w, bias, groups, false);
}

/**
 * Convolution of signals [N, C, L] or [C, L] with kernels [O, C / groups, K]: `out[n, o, i] = bias[o] + sum over c and k of
 * weight[o, c, k] * input[n, c, i * stride + k * dilation - padding]`, with zeros beyond the ends. Gives [N, O, places].
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * const x = dg.tensor([[[1, 2, 4, 7]]]), difference = dg.tensor([[[-1, 1]]]);
 * console.log(dg.conv1d(x, difference).toArray()); // [[[1, 2, 3]]]
 * ```
 */
export function conv1d(
  input: Tensor,
  weight: Tensor,
  bias?: Tensor | null | ConvOptions,
  options?: ConvOptions,
): Tensor {
  return conv(1, input, weight, bias, options);
}

/**
 * Convolution of images [N, C, H, W] or [C, H, W] with kernels [O, C / groups, KH, KW]. Options as in {@linkcode conv1d}, a
 * number for both dimensions or one for each. Gives [N, O, places down, places across].
 *
 * 3 x 3 kernels that move by single steps over many channels are computed by Winograd's transforms on the CPU where that is
 * faster: in float32 errors are then up to 4e-5 of a typical result, where plain sums have 2e-6. float64 is never transformed.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * const images = dg.randn(8, 3, 28, 28), kernels = dg.randn(16, 3, 3, 3);
 * console.log(dg.conv2d(images, kernels, { padding: 1, stride: 2 }).shape); // [8, 16, 14, 14]
 * ```
 */
export function conv2d(
  input: Tensor,
  weight: Tensor,
  bias?: Tensor | null | ConvOptions,
  options?: ConvOptions,
): Tensor {
  return conv(2, input, weight, bias, options);
}

/** Convolution of volumes [N, C, D, H, W] or [C, D, H, W] with kernels [O, C / groups, KD, KH, KW]; see {@linkcode conv1d}. */
export function conv3d(
  input: Tensor,
  weight: Tensor,
  bias?: Tensor | null | ConvOptions,
  options?: ConvOptions,
): Tensor {
  return conv(3, input, weight, bias, options);
}

// ---- transposed -----------------------------------------------------------------------------------------------------

const transposeKeys = ["bias", "stride", "padding", "outputPadding", "groups", "dilation"];

function convTranspose(
  n: number,
  x: Tensor,
  w: Tensor,
  third: Bias<ConvTransposeOptions>,
  fourth?: ConvTransposeOptions,
): Tensor {
  const name = `convTranspose${n}d`;
  checkTensor(x, name);
  checkTensor(w, name, "weight", 2);
  const { bias, given } = split(third, fourth, name, transposeKeys);
  const { input, alone } = batched(x, n, name);
  const stride = spread(given.stride ?? 1, "stride", n, name);
  const padding = spread(given.padding ?? 0, "padding", n, name);
  const dilation = spread(given.dilation ?? 1, "dilation", n, name);
  const more = spread(given.outputPadding ?? 0, "outputPadding", n, name), groups = given.groups ?? 1;
  checkNumbers({ stride, padding, dilation, groups });
  checkDtypes(name, input, w, bias);
  checkShapes(input, w, bias, groups, true);
  if (more.some((p) => p < 0)) throw new RangeError("negative output_padding is not supported");
  if (more.some((p, d) => p >= stride[d] && p >= dilation[d])) {
    throw new RangeError(
      "output padding must be smaller than either stride or dilation, but got output_padding: " +
        `${shapeText(more)} stride: ${shapeText(stride)} dilation: ${shapeText(dilation)}`,
    );
  }
  const from = input.shape.slice(2);
  const size = frozen(
    from.map((s, d) => (s - 1) * stride[d] - 2 * padding[d] + span(w.shape[d + 2], dilation[d]) + more[d]),
  );
  if (size.some((s) => s < 1)) {
    throw new RangeError(
      `Given input size per channel: ${by(from)}. Calculated output size per channel: ${
        by(size)
      }. Output size is too small`,
    );
  }
  const out = transposedConvolution(
    input,
    w,
    bias,
    { stride, padding, dilation, groups },
    size,
    more,
  );
  return alone ? out.squeeze(0) : out;
}

/**
 * The transpose of {@linkcode conv1d}: what its gradient does to results, so that a convolution with the same options leads
 * back to the shape. Signals [N, C, L] or [C, L], kernels [C, O / groups, K]; gives [N, O, (L - 1) * stride - 2 * padding +
 * dilation * (K - 1) + outputPadding + 1].
 */
export function convTranspose1d(
  input: Tensor,
  weight: Tensor,
  bias?: Tensor | null | ConvTransposeOptions,
  options?: ConvTransposeOptions,
): Tensor {
  return convTranspose(1, input, weight, bias, options);
}

/**
 * The transpose of {@linkcode conv2d}, often used to enlarge images; see {@linkcode convTranspose1d}.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * const x = dg.randn(1, 8, 7, 7), kernels = dg.randn(8, 4, 2, 2);
 * console.log(dg.convTranspose2d(x, kernels, { stride: 2 }).shape); // [1, 4, 14, 14]
 * ```
 */
export function convTranspose2d(
  input: Tensor,
  weight: Tensor,
  bias?: Tensor | null | ConvTransposeOptions,
  options?: ConvTransposeOptions,
): Tensor {
  return convTranspose(2, input, weight, bias, options);
}

/** The transpose of {@linkcode conv3d}; see {@linkcode convTranspose1d}. */
export function convTranspose3d(
  input: Tensor,
  weight: Tensor,
  bias?: Tensor | null | ConvTransposeOptions,
  options?: ConvTransposeOptions,
): Tensor {
  return convTranspose(3, input, weight, bias, options);
}
