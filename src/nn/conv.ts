/**
 * Convolutions as modules.
 * @module
 */

import * as ops from "../ops/images/conv.ts";
import { pad, type PadMode } from "../ops/images/pad.ts";
import { span } from "../ops/images/columns.ts";
import { checkInteger, checkIntegers, checkKeys } from "../tensor/arguments.ts";
import { empty } from "../tensor/create.ts";
import { type DType, getDefaultDtype } from "../tensor/dtype.ts";
import { shapeText } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { kaimingUniform_, uniform_ } from "./init.ts";
import { keepNothing, Module } from "./module.ts";
import { Parameter } from "./parameter.ts";
import { tuple } from "./text.ts";

type Sizes = ops.Sizes;
type Padding = Sizes | "same" | "valid";

/** What stands in the border of a convolution's input. */
export type PaddingMode = "zeros" | "reflect" | "replicate" | "circular";

/** Options of {@linkcode Conv2d} and its like. Stride and padding may also be given by position. */
export interface ConvLayerOptions {
  /** Steps from one place of the kernel to the next; 1. */
  readonly stride?: Sizes;
  /** Border on both sides; 0. "same" gives as many results as there are elements, "valid" is 0. */
  readonly padding?: Sizes | "same" | "valid";
  /** Elements from one of the kernel to the next; 1. */
  readonly dilation?: Sizes;
  /** In how many groups channels are divided that have nothing to do with each other; 1. */
  readonly groups?: number;
  /** Whether something is added to each output channel; true. */
  readonly bias?: boolean;
  /** What stands in the border; "zeros". */
  readonly paddingMode?: PaddingMode;
  /** Element type of the parameters; the default dtype. */
  readonly dtype?: DType;
}

/** Options of {@linkcode ConvTranspose2d} and its like. Stride and padding may also be given by position. */
export interface ConvTransposeLayerOptions {
  /** Steps in the result from one element of the input to the next; 1. */
  readonly stride?: Sizes;
  /** So many elements are cut from both sides of the result; 0. */
  readonly padding?: Sizes;
  /** So many elements more on the far side of the result; 0. */
  readonly outputPadding?: Sizes;
  /** In how many groups channels are divided that have nothing to do with each other; 1. */
  readonly groups?: number;
  /** Whether something is added to each output channel; true. */
  readonly bias?: boolean;
  /** Elements from one of the kernel to the next; 1. */
  readonly dilation?: Sizes;
  /** Element type of the parameters; the default dtype. */
  readonly dtype?: DType;
}

const convKeys = ["stride", "padding", "dilation", "groups", "bias", "paddingMode", "dtype"];
const transposeKeys = ["stride", "padding", "outputPadding", "groups", "bias", "dilation", "dtype"];
const MODES: readonly string[] = ["zeros", "reflect", "replicate", "circular"];

function spread(value: Sizes, n: number, caller: string, name: string): readonly number[] {
  const list = typeof value === "number"
    ? new Array<number>(n).fill(checkInteger(value, caller, name))
    : [...checkIntegers(value, caller, name)];
  if (list.length !== n) {
    throw new TypeError(`${caller}: ${name} must be a number or a list of ${n}, got ${shapeText(list)}`);
  }
  return list;
}

/** Reads trailing arguments: stride, padding, options, where any may be the options. */
function settings<O extends object>(rest: readonly unknown[], caller: string, keys: readonly string[]): O {
  const found: Record<string, unknown> = {};
  const names = ["stride", "padding"];
  for (const [i, value] of rest.entries()) {
    if (value === undefined) continue;
    if (typeof value === "object" && !Array.isArray(value)) {
      Object.assign(found, checkKeys(value as O, caller, keys));
    } else if (i < names.length) found[names[i]] = value;
    else throw new TypeError(`${caller}(): options must be an object`);
  }
  return found as O;
}

/** What all convolutions share. */
abstract class ConvBase extends Module {
  /** Channels of the input. */
  readonly inChannels: number;
  /** Channels of the output. */
  readonly outChannels: number;
  /** Sizes of the kernel. */
  readonly kernelSize: readonly number[];
  /** Steps. */
  readonly stride: readonly number[];
  /** Border, or "same" or "valid". */
  readonly padding: readonly number[] | "same" | "valid";
  /** Elements from one of the kernel to the next. */
  readonly dilation: readonly number[];
  /** Groups of channels. */
  readonly groups: number;
  /** More elements on the far side of a transposed convolution. */
  readonly outputPadding: readonly number[];
  /** What stands in the border. */
  readonly paddingMode: PaddingMode;
  /** The kernels: [outChannels, inChannels / groups, ...kernelSize], or with the channels exchanged if transposed. */
  declare weight: Parameter;
  /** [outChannels], or null. */
  declare bias: Parameter | null;

  /** Checks, makes the parameters and gives them their initial values; `rest` are stride, padding and options. */
  constructor(
    n: number,
    transposed: boolean,
    inChannels: number,
    outChannels: number,
    kernelSize: Sizes,
    rest: readonly unknown[],
  ) {
    super();
    const caller = this.typeName(), keys = transposed ? transposeKeys : convKeys;
    const o = settings<ConvLayerOptions & ConvTransposeLayerOptions>(rest, caller, keys);
    const { groups = 1, bias = true, paddingMode = "zeros", dtype = getDefaultDtype() } = o;
    this.inChannels = checkInteger(inChannels, caller, "inChannels");
    this.outChannels = checkInteger(outChannels, caller, "outChannels");
    if (checkInteger(groups, caller, "groups") <= 0) {
      throw new RangeError("groups must be a positive integer");
    }
    if (inChannels % groups !== 0) throw new RangeError("in_channels must be divisible by groups");
    if (outChannels % groups !== 0) throw new RangeError("out_channels must be divisible by groups");
    const padding = o.padding ?? 0;
    if (typeof padding === "string" && padding !== "same" && padding !== "valid") {
      throw new RangeError(`Invalid padding string '${padding}', should be one of {'same', 'valid'}`);
    }
    const stride = spread(o.stride ?? 1, n, caller, "stride");
    if (padding === "same" && stride.some((s) => s !== 1)) {
      throw new RangeError("padding='same' is not supported for strided convolutions");
    }
    if (!MODES.includes(paddingMode)) {
      throw new RangeError(
        `padding_mode must be one of {'zeros', 'reflect', 'replicate', 'circular'}, but got padding_mode='${paddingMode}'`,
      );
    }
    this.kernelSize = spread(kernelSize, n, caller, "kernelSize");
    this.stride = stride;
    this.padding = typeof padding === "string" ? padding : spread(padding, n, caller, "padding");
    this.dilation = spread(o.dilation ?? 1, n, caller, "dilation");
    this.groups = groups;
    this.outputPadding = spread(o.outputPadding ?? 0, n, caller, "outputPadding");
    this.paddingMode = paddingMode;
    const channels = transposed ? [inChannels, outChannels / groups] : [outChannels, inChannels / groups];
    this.registerParameter("weight", new Parameter(empty([...channels, ...this.kernelSize], { dtype })));
    this.registerParameter("bias", bias ? new Parameter(empty([outChannels], { dtype })) : null);
    this.resetParameters();
  }

  /** Draws new initial values: uniform in ±1 / sqrt(elements of a kernel), the weight before the bias. */
  resetParameters(): void {
    kaimingUniform_(this.weight, { a: Math.sqrt(5) });
    if (this.bias === null) return;
    const inputs = this.weight.shape.slice(1).reduce((a, b) => a * b, 1);
    if (inputs === 0) return;
    const bound = 1 / Math.sqrt(inputs);
    uniform_(this.bias, -bound, bound);
  }

  /** What differs from the defaults, in PyTorch's spelling. */
  override extraRepr(): string {
    const { padding, dilation, outputPadding, groups } = this;
    let text = `${this.inChannels}, ${this.outChannels}, kernel_size=${tuple(this.kernelSize)}, stride=${
      tuple(this.stride)
    }`;
    if (typeof padding === "string") text += `, padding=${padding}`;
    else if (padding.some((p) => p !== 0)) text += `, padding=${tuple(padding)}`;
    if (dilation.some((d) => d !== 1)) text += `, dilation=${tuple(dilation)}`;
    if (outputPadding.some((p) => p !== 0)) text += `, output_padding=${tuple(outputPadding)}`;
    if (groups !== 1) text += `, groups=${groups}`;
    if (this.bias === null) text += ", bias=False";
    if (this.paddingMode !== "zeros") text += `, padding_mode=${this.paddingMode}`;
    return text;
  }
}

/** What plain convolutions compute. */
abstract class Conv extends ConvBase {
  static {
    keepNothing.add(this.prototype.forward);
  }

  /** The convolution of the input with the weight. */
  forward(input: Tensor): Tensor {
    const [source, padding] = this.bordered(input), { stride, dilation, groups } = this;
    const conv = [ops.conv1d, ops.conv2d, ops.conv3d][this.kernelSize.length - 1];
    return conv(source, this.weight, this.bias, { stride, padding, dilation, groups });
  }

  /** The input with its border, and what is left for the convolution to add. */
  private bordered(input: Tensor): [Tensor, readonly number[] | "same" | "valid"] {
    if (this.paddingMode === "zeros" || this.padding === "valid") return [input, this.padding];
    const widths = this.kernelSize.flatMap((k, d) => {
      if (this.padding !== "same") return [this.padding[d] as number, this.padding[d] as number];
      const total = span(k, this.dilation[d]) - 1, left = Math.floor(total / 2);
      return [total - left, left];
    }).reverse();
    return [pad(input, widths, this.paddingMode as PadMode), this.kernelSize.map(() => 0)];
  }
}

/**
 * A learnt convolution of signals [N, C, L] or [C, L]; see {@linkcode conv1d}. Its parameters start with PyTorch's numbers.
 */
export class Conv1d extends Conv {
  /** Stride, padding and options, of which any may be left out. */
  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: Sizes,
    stride?: Sizes | ConvLayerOptions,
    padding?: Padding | ConvLayerOptions,
    options?: ConvLayerOptions,
  ) {
    super(1, false, inChannels, outChannels, kernelSize, [stride, padding, options]);
  }
}

/**
 * A learnt convolution of images [N, C, H, W] or [C, H, W]; see {@linkcode conv2d}. Its parameters start with PyTorch's numbers.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * const layer = new dg.nn.Conv2d(3, 16, 3, { padding: 1 });
 * console.log(layer(dg.rand(8, 3, 28, 28)).shape); // [8, 16, 28, 28]
 * ```
 */
export class Conv2d extends Conv {
  /** Stride, padding and options, of which any may be left out. */
  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: Sizes,
    stride?: Sizes | ConvLayerOptions,
    padding?: Padding | ConvLayerOptions,
    options?: ConvLayerOptions,
  ) {
    super(2, false, inChannels, outChannels, kernelSize, [stride, padding, options]);
  }
}

/**
 * A learnt convolution of volumes [N, C, D, H, W] or [C, D, H, W]; see {@linkcode conv3d}. Its parameters start with PyTorch's numbers.
 */
export class Conv3d extends Conv {
  /** Stride, padding and options, of which any may be left out. */
  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: Sizes,
    stride?: Sizes | ConvLayerOptions,
    padding?: Padding | ConvLayerOptions,
    options?: ConvLayerOptions,
  ) {
    super(3, false, inChannels, outChannels, kernelSize, [stride, padding, options]);
  }
}

/** The output padding with which a transposed convolution gives a size. */
function paddingFor(layer: ConvBase, input: Tensor, size: readonly number[]): readonly number[] {
  const n = layer.kernelSize.length, from = input.shape.slice(input.ndim - n), wanted = size.slice(-n);
  if (size.length !== n && size.length !== n + 2 && size.length !== n + 1) {
    throw new TypeError(
      `${layer.typeName()}: for ${input.ndim}D input, output_size must have ${n} or ${
        n + 2
      } elements (got ${size.length})`,
    );
  }
  const least = from.map((s, d) =>
    (s - 1) * layer.stride[d] - 2 * (layer.padding as readonly number[])[d] +
    span(layer.kernelSize[d], layer.dilation[d])
  );
  const most = least.map((s, d) => s + layer.stride[d] - 1);
  if (wanted.some((s, d) => s < least[d] || s > most[d])) {
    throw new RangeError(
      `requested an output size of ${tuple(wanted)}, but valid sizes range from ${shapeText(least)} to ${
        shapeText(most)
      } (for an input of ${shapeText(from)})`,
    );
  }
  return wanted.map((s, d) => s - least[d]);
}

/** What transposed convolutions compute. */
abstract class ConvTranspose extends ConvBase {
  /** The transposed convolution of the input with the weight; `outputSize` chooses among the sizes that the stride allows. */
  forward(input: Tensor, outputSize?: readonly number[]): Tensor {
    const { stride, dilation, groups } = this, padding = this.padding as readonly number[];
    const outputPadding = outputSize === undefined ? this.outputPadding : paddingFor(this, input, outputSize);
    const convTranspose =
      [ops.convTranspose1d, ops.convTranspose2d, ops.convTranspose3d][this.kernelSize.length - 1];
    return convTranspose(input, this.weight, this.bias, { stride, padding, outputPadding, dilation, groups });
  }
}

/** A learnt transposed convolution of signals [N, C, L] or [C, L]; see {@linkcode convTranspose1d}. */
export class ConvTranspose1d extends ConvTranspose {
  /** Stride, padding and options, of which any may be left out. */
  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: Sizes,
    stride?: Sizes | ConvTransposeLayerOptions,
    padding?: Sizes | ConvTransposeLayerOptions,
    options?: ConvTransposeLayerOptions,
  ) {
    super(1, true, inChannels, outChannels, kernelSize, [stride, padding, options]);
  }
}

/** A learnt transposed convolution of images [N, C, H, W] or [C, H, W]; see {@linkcode convTranspose2d}. */
export class ConvTranspose2d extends ConvTranspose {
  /** Stride, padding and options, of which any may be left out. */
  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: Sizes,
    stride?: Sizes | ConvTransposeLayerOptions,
    padding?: Sizes | ConvTransposeLayerOptions,
    options?: ConvTransposeLayerOptions,
  ) {
    super(2, true, inChannels, outChannels, kernelSize, [stride, padding, options]);
  }
}

/** A learnt transposed convolution of volumes [N, C, D, H, W] or [C, D, H, W]; see {@linkcode convTranspose3d}. */
export class ConvTranspose3d extends ConvTranspose {
  /** Stride, padding and options, of which any may be left out. */
  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: Sizes,
    stride?: Sizes | ConvTransposeLayerOptions,
    padding?: Sizes | ConvTransposeLayerOptions,
    options?: ConvTransposeLayerOptions,
  ) {
    super(3, true, inChannels, outChannels, kernelSize, [stride, padding, options]);
  }
}
