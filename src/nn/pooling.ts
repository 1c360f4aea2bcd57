/**
 * Pooling as modules.
 * @module
 */

import * as adaptive from "../ops/images/adaptive_pool.ts";
import type { OutputSize } from "../ops/images/adaptive_pool.ts";
import * as pool from "../ops/images/pool.ts";
import type { AvgPoolOptions, LpPoolOptions, MaxPoolOptions, PoolSizes } from "../ops/images/pool.ts";
import { checkKeys } from "../tensor/arguments.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { keepNothing, Module } from "./module.ts";
import { bool, tuple } from "./text.ts";

/** A number as it is, a list as a tuple. */
function sizes(value: PoolSizes | readonly (number | null)[]): string {
  return typeof value === "number" ? `${value}` : tuple(value);
}

/** Reads `(stride, options)` where either may be left out. */
function settings<O extends { readonly stride?: PoolSizes | null }>(
  first: PoolSizes | O | null | undefined,
  second: O | undefined,
  caller: string,
  keys: readonly string[],
): O {
  const stride = typeof first === "number" || Array.isArray(first) ? first as PoolSizes : undefined;
  const given = checkKeys(
    (stride === undefined ? first as O | null ?? second : second) ?? {} as O,
    caller,
    keys,
  );
  return stride === undefined ? given : { ...given, stride };
}

const maxKeys = ["stride", "padding", "dilation", "returnIndices", "ceilMode"];

/** What the largest elements under windows share. */
abstract class MaxPool extends Module {
  /** Sizes of the window. */
  readonly kernelSize: PoolSizes;
  /** Steps; the window's size by default. */
  readonly stride: PoolSizes;
  /** How far the first place begins in front of the elements. */
  readonly padding: PoolSizes;
  /** From an element of the window to the next. */
  readonly dilation: PoolSizes;
  /** Whether places are given too. */
  readonly returnIndices: boolean;
  /** Whether a last place counts that only partly has elements. */
  readonly ceilMode: boolean;

  /** Stride and options, of which either may be left out. */
  constructor(kernelSize: PoolSizes, stride?: PoolSizes | MaxPoolOptions | null, options?: MaxPoolOptions) {
    super();
    const o = settings(stride, options, this.typeName(), maxKeys);
    this.kernelSize = kernelSize;
    this.stride = o.stride ?? kernelSize;
    this.padding = o.padding ?? 0;
    this.dilation = o.dilation ?? 1;
    this.returnIndices = o.returnIndices ?? false;
    this.ceilMode = o.ceilMode ?? false;
  }

  /** The options as the functions take them. */
  protected options(): MaxPoolOptions {
    const { stride, padding, dilation, returnIndices, ceilMode } = this;
    return { stride, padding, dilation, returnIndices, ceilMode };
  }

  /** The window. */
  override extraRepr(): string {
    return `kernel_size=${sizes(this.kernelSize)}, stride=${sizes(this.stride)}, padding=${
      sizes(this.padding)
    }, ` +
      `dilation=${sizes(this.dilation)}, ceil_mode=${bool(this.ceilMode)}`;
  }
}

/**
 * The largest element under a window that moves over signals [N, C, L] or [C, L]. With `returnIndices` the result is a pair with
 * the places.
 */
export class MaxPool1d extends MaxPool {
  /** Pools. */
  forward(input: Tensor): Tensor {
    return pool.maxPool1d(input, this.kernelSize, this.options());
  }
}

/**
 * The largest element under a window that moves over images [N, C, H, W] or [C, H, W]. With `returnIndices` the result is a pair with
 * the places.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * console.log(new dg.nn.MaxPool2d(2)(dg.rand(1, 3, 8, 8)).shape); // [1, 3, 4, 4]
 * ```
 */
export class MaxPool2d extends MaxPool {
  static {
    keepNothing.add(this.prototype.forward);
  }

  /** Pools. */
  forward(input: Tensor): Tensor {
    return pool.maxPool2d(input, this.kernelSize, this.options());
  }
}

/**
 * The largest element under a window that moves over volumes [N, C, D, H, W] or [C, D, H, W]. With `returnIndices` the result is a pair with
 * the places.
 */
export class MaxPool3d extends MaxPool {
  /** Pools. */
  forward(input: Tensor): Tensor {
    return pool.maxPool3d(input, this.kernelSize, this.options());
  }
}

const avgKeys = ["stride", "padding", "ceilMode", "countIncludePad", "divisorOverride"];

/** What means under windows share. */
abstract class AvgPool extends Module {
  /** Sizes of the window. */
  readonly kernelSize: PoolSizes;
  /** Steps; the window's size by default. */
  readonly stride: PoolSizes;
  /** Zeros on both sides. */
  readonly padding: PoolSizes;
  /** Whether a last place counts that only partly has elements. */
  readonly ceilMode: boolean;
  /** Whether the zeros count as elements. */
  readonly countIncludePad: boolean;
  /** What to divide the sums by instead of the number of elements. */
  readonly divisorOverride: number | null;

  /** Stride and options, of which either may be left out. */
  constructor(kernelSize: PoolSizes, stride?: PoolSizes | AvgPoolOptions | null, options?: AvgPoolOptions) {
    super();
    const o = settings(stride, options, this.typeName(), avgKeys);
    this.kernelSize = kernelSize;
    this.stride = o.stride ?? kernelSize;
    this.padding = o.padding ?? 0;
    this.ceilMode = o.ceilMode ?? false;
    this.countIncludePad = o.countIncludePad ?? true;
    this.divisorOverride = o.divisorOverride ?? null;
  }

  /** The options as the functions take them. */
  protected options(): AvgPoolOptions {
    const { stride, padding, ceilMode, countIncludePad, divisorOverride } = this;
    return { stride, padding, ceilMode, countIncludePad, divisorOverride };
  }

  /** The window. */
  override extraRepr(): string {
    return `kernel_size=${sizes(this.kernelSize)}, stride=${sizes(this.stride)}, padding=${
      sizes(this.padding)
    }`;
  }
}

/** The mean under a window that moves over signals [N, C, L] or [C, L]. */
export class AvgPool1d extends AvgPool {
  /** Pools. */
  forward(input: Tensor): Tensor {
    return pool.avgPool1d(input, this.kernelSize, this.options());
  }

  /** The window; PyTorch writes this one's numbers as tuples. */
  override extraRepr(): string {
    const one = (v: PoolSizes) => tuple(typeof v === "number" ? [v] : v);
    return `kernel_size=${one(this.kernelSize)}, stride=${one(this.stride)}, padding=${one(this.padding)}`;
  }
}

/** The mean under a window that moves over images [N, C, H, W] or [C, H, W]. */
export class AvgPool2d extends AvgPool {
  static {
    keepNothing.add(this.prototype.forward);
  }

  /** Pools. */
  forward(input: Tensor): Tensor {
    return pool.avgPool2d(input, this.kernelSize, this.options());
  }
}

/** The mean under a window that moves over volumes [N, C, D, H, W] or [C, D, H, W]. */
export class AvgPool3d extends AvgPool {
  /** Pools. */
  forward(input: Tensor): Tensor {
    return pool.avgPool3d(input, this.kernelSize, this.options());
  }
}

/** What p-th roots of sums of p-th powers under windows share. */
abstract class LPPool extends Module {
  /** The p. */
  readonly normType: number;
  /** Sizes of the window. */
  readonly kernelSize: PoolSizes;
  /** Steps; null is the window's size. */
  readonly stride: PoolSizes | null;
  /** Whether a last place counts that only partly has elements. */
  readonly ceilMode: boolean;

  /** Stride and options, of which either may be left out. */
  constructor(
    normType: number,
    kernelSize: PoolSizes,
    stride?: PoolSizes | LpPoolOptions | null,
    options?: LpPoolOptions,
  ) {
    super();
    const o = settings(stride, options, this.typeName(), ["stride", "ceilMode"]);
    this.normType = normType;
    this.kernelSize = kernelSize;
    this.stride = o.stride ?? null;
    this.ceilMode = o.ceilMode ?? false;
  }

  /** The options as the functions take them. */
  protected options(): LpPoolOptions {
    return { stride: this.stride, ceilMode: this.ceilMode };
  }

  /** The window. */
  override extraRepr(): string {
    const stride = this.stride === null ? "None" : sizes(this.stride);
    return `norm_type=${this.normType}, kernel_size=${sizes(this.kernelSize)}, stride=${stride}, ` +
      `ceil_mode=${bool(this.ceilMode)}`;
  }
}

/** The p-th root of the sum of p-th powers under a window that moves over signals [N, C, L] or [C, L]. */
export class LPPool1d extends LPPool {
  /** Pools. */
  forward(input: Tensor): Tensor {
    return pool.lpPool1d(input, this.normType, this.kernelSize, this.options());
  }
}

/** The p-th root of the sum of p-th powers under a window that moves over images [N, C, H, W] or [C, H, W]. */
export class LPPool2d extends LPPool {
  /** Pools. */
  forward(input: Tensor): Tensor {
    return pool.lpPool2d(input, this.normType, this.kernelSize, this.options());
  }
}

/** The p-th root of the sum of p-th powers under a window that moves over volumes [N, C, D, H, W] or [C, D, H, W]. */
export class LPPool3d extends LPPool {
  /** Pools. */
  forward(input: Tensor): Tensor {
    return pool.lpPool3d(input, this.normType, this.kernelSize, this.options());
  }
}

/** What pooling to a size shares. */
abstract class AdaptivePool extends Module {
  /** The size; null in a list for the size that there is. */
  readonly outputSize: OutputSize;

  /** A size for all dimensions, or one for each. */
  constructor(outputSize: OutputSize) {
    super();
    this.outputSize = outputSize;
  }

  /** The size. */
  override extraRepr(): string {
    return `output_size=${sizes(this.outputSize)}`;
  }
}

/** What the largest elements of windows of a number share. */
abstract class AdaptiveMaxPool extends AdaptivePool {
  /** Whether places are given too. */
  readonly returnIndices: boolean;

  /** A size for all dimensions, or one for each. */
  constructor(outputSize: OutputSize, options: adaptive.AdaptiveMaxPoolOptions = {}) {
    super(outputSize);
    this.returnIndices = checkKeys(options, this.typeName(), ["returnIndices"]).returnIndices ?? false;
  }

  /** The options as the functions take them. */
  protected options(): adaptive.AdaptiveMaxPoolOptions {
    return { returnIndices: this.returnIndices };
  }
}

/** Means over windows that cover signals [N, C, L] or [C, L] and give a size. */
export class AdaptiveAvgPool1d extends AdaptivePool {
  /** Pools. */
  forward(input: Tensor): Tensor {
    return adaptive.adaptiveAvgPool1d(input, this.outputSize);
  }
}

/** The largest elements of windows that cover signals [N, C, L] or [C, L] and give a size. */
export class AdaptiveMaxPool1d extends AdaptiveMaxPool {
  /** Pools. */
  forward(input: Tensor): Tensor {
    return adaptive.adaptiveMaxPool1d(input, this.outputSize, this.options());
  }
}

/** Means over windows that cover images [N, C, H, W] or [C, H, W] and give a size. */
export class AdaptiveAvgPool2d extends AdaptivePool {
  static {
    keepNothing.add(this.prototype.forward);
  }

  /** Pools. */
  forward(input: Tensor): Tensor {
    return adaptive.adaptiveAvgPool2d(input, this.outputSize);
  }
}

/** The largest elements of windows that cover images [N, C, H, W] or [C, H, W] and give a size. */
export class AdaptiveMaxPool2d extends AdaptiveMaxPool {
  /** Pools. */
  forward(input: Tensor): Tensor {
    return adaptive.adaptiveMaxPool2d(input, this.outputSize, this.options());
  }
}

/** Means over windows that cover volumes [N, C, D, H, W] or [C, D, H, W] and give a size. */
export class AdaptiveAvgPool3d extends AdaptivePool {
  /** Pools. */
  forward(input: Tensor): Tensor {
    return adaptive.adaptiveAvgPool3d(input, this.outputSize);
  }
}

/** The largest elements of windows that cover volumes [N, C, D, H, W] or [C, D, H, W] and give a size. */
export class AdaptiveMaxPool3d extends AdaptiveMaxPool {
  /** Pools. */
  forward(input: Tensor): Tensor {
    return adaptive.adaptiveMaxPool3d(input, this.outputSize, this.options());
  }
}

/** What the ways back from pooled elements share. */
abstract class MaxUnpool extends Module {
  /** Sizes of the window. */
  readonly kernelSize: readonly number[];
  /** Steps of the pooling. */
  readonly stride: readonly number[];
  /** Padding of the pooling. */
  readonly padding: readonly number[];

  /** The pooling's window. */
  constructor(n: number, kernelSize: PoolSizes, o: Pick<MaxPoolOptions, "stride" | "padding">) {
    super();
    const each = (v: PoolSizes) => typeof v === "number" ? new Array<number>(n).fill(v) : v;
    this.kernelSize = each(kernelSize);
    this.stride = each(o.stride ?? kernelSize);
    this.padding = each(o.padding ?? 0);
  }

  /** The window. */
  override extraRepr(): string {
    return `kernel_size=${sizes(this.kernelSize)}, stride=${sizes(this.stride)}, padding=${
      sizes(this.padding)
    }`;
  }
}

/** Puts elements where {@linkcode MaxPool1d} found them, and zeros elsewhere. */
export class MaxUnpool1d extends MaxUnpool {
  /** Stride and options, of which either may be left out. */
  constructor(
    kernelSize: PoolSizes,
    stride?: PoolSizes | Pick<MaxPoolOptions, "stride" | "padding"> | null,
    options?: Pick<MaxPoolOptions, "stride" | "padding">,
  ) {
    super(1, kernelSize, settings(stride, options, "MaxUnpool1d", ["stride", "padding"]));
  }

  /** The way back, to a size if several have the same result. */
  forward(input: Tensor, indices: Tensor, outputSize?: readonly number[]): Tensor {
    const { stride, padding } = this;
    return adaptive.maxUnpool1d(input, indices, this.kernelSize, { stride, padding, outputSize });
  }
}

/** Puts elements where {@linkcode MaxPool2d} found them, and zeros elsewhere. */
export class MaxUnpool2d extends MaxUnpool {
  /** Stride and options, of which either may be left out. */
  constructor(
    kernelSize: PoolSizes,
    stride?: PoolSizes | Pick<MaxPoolOptions, "stride" | "padding"> | null,
    options?: Pick<MaxPoolOptions, "stride" | "padding">,
  ) {
    super(2, kernelSize, settings(stride, options, "MaxUnpool2d", ["stride", "padding"]));
  }

  /** The way back, to a size if several have the same result. */
  forward(input: Tensor, indices: Tensor, outputSize?: readonly number[]): Tensor {
    const { stride, padding } = this;
    return adaptive.maxUnpool2d(input, indices, this.kernelSize, { stride, padding, outputSize });
  }
}

/** Puts elements where {@linkcode MaxPool3d} found them, and zeros elsewhere. */
export class MaxUnpool3d extends MaxUnpool {
  /** Stride and options, of which either may be left out. */
  constructor(
    kernelSize: PoolSizes,
    stride?: PoolSizes | Pick<MaxPoolOptions, "stride" | "padding"> | null,
    options?: Pick<MaxPoolOptions, "stride" | "padding">,
  ) {
    super(3, kernelSize, settings(stride, options, "MaxUnpool3d", ["stride", "padding"]));
  }

  /** The way back, to a size if several have the same result. */
  forward(input: Tensor, indices: Tensor, outputSize?: readonly number[]): Tensor {
    const { stride, padding } = this;
    return adaptive.maxUnpool3d(input, indices, this.kernelSize, { stride, padding, outputSize });
  }
}
