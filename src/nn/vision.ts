/**
 * Images in other sizes, blocks and orders, as modules.
 * @module
 */

import { interpolate, type InterpolateOptions } from "../ops/images/resample.ts";
import { channelShuffle, pixelShuffle, pixelUnshuffle } from "../ops/images/shuffle.ts";
import { foldImages, unfoldImages, type UnfoldOptions } from "../ops/images/unfold.ts";
import { checkKeys } from "../tensor/arguments.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { Module } from "./module.ts";
import { float, tuple } from "./text.ts";

type Sizes = number | readonly number[];

const sizes = (v: Sizes): string => typeof v === "number" ? `${v}` : tuple(v);

/** Enlarges or shrinks signals, images or volumes; see `nn.functional.interpolate`. */
export class Upsample extends Module {
  /** The size of the result, or null. */
  readonly size: Sizes | null;
  /** How many times larger the result is, or null. */
  readonly scaleFactor: Sizes | null;
  /** How elements in between are found. */
  readonly mode: NonNullable<InterpolateOptions["mode"]>;
  /** Whether the centres of corner elements lie on each other; null where that means nothing. */
  readonly alignCorners: boolean | null;

  /** A size or a factor must be given. */
  constructor(options: InterpolateOptions) {
    super();
    const o = checkKeys(options, "Upsample", [
      "size",
      "scaleFactor",
      "mode",
      "alignCorners",
      "recomputeScaleFactor",
    ]);
    this.size = o.size ?? null;
    this.scaleFactor = o.scaleFactor ?? null;
    this.mode = o.mode ?? "nearest";
    this.alignCorners = o.alignCorners ?? null;
  }

  /** The input in the other size. */
  forward(input: Tensor): Tensor {
    const { size, scaleFactor, mode, alignCorners } = this;
    return interpolate(input, { size, scaleFactor, mode, alignCorners });
  }

  /** The size or factor, and the mode. */
  override extraRepr(): string {
    const factor = (v: Sizes) => typeof v === "number" ? float(v) : `(${v.map(float).join(", ")})`;
    const what = this.scaleFactor !== null
      ? `scale_factor=${factor(this.scaleFactor)}`
      : `size=${this.size === null ? "None" : sizes(this.size)}`;
    return `${what}, mode='${this.mode}'`;
  }
}

/** Makes r * r channels one channel of r times the height and width. */
export class PixelShuffle extends Module {
  /** The r. */
  readonly upscaleFactor: number;

  /** How many times higher and wider. */
  constructor(upscaleFactor: number) {
    super();
    this.upscaleFactor = upscaleFactor;
  }

  /** Channels as pixels. */
  forward(input: Tensor): Tensor {
    return pixelShuffle(input, this.upscaleFactor);
  }

  /** The factor. */
  override extraRepr(): string {
    return `upscale_factor=${this.upscaleFactor}`;
  }
}

/** The way back from {@linkcode PixelShuffle}. */
export class PixelUnshuffle extends Module {
  /** How many times less high and wide. */
  readonly downscaleFactor: number;

  /** How many times less high and wide. */
  constructor(downscaleFactor: number) {
    super();
    this.downscaleFactor = downscaleFactor;
  }

  /** Pixels as channels. */
  forward(input: Tensor): Tensor {
    return pixelUnshuffle(input, this.downscaleFactor);
  }

  /** The factor. */
  override extraRepr(): string {
    return `downscale_factor=${this.downscaleFactor}`;
  }
}

/** Deals out channels from groups in turn. */
export class ChannelShuffle extends Module {
  /** Number of groups. */
  readonly groups: number;

  /** The groups must divide the channels. */
  constructor(groups: number) {
    super();
    this.groups = groups;
  }

  /** The channels in the other order. */
  forward(input: Tensor): Tensor {
    return channelShuffle(input, this.groups);
  }

  /** The groups. */
  override extraRepr(): string {
    return `groups=${this.groups}`;
  }
}

/** What blocks share. */
abstract class Blocks extends Module {
  /** Size of a block. */
  readonly kernelSize: Sizes;
  /** From an element of a block to the next. */
  readonly dilation: Sizes;
  /** Zeros on both sides. */
  readonly padding: Sizes;
  /** Steps from block to block. */
  readonly stride: Sizes;

  /** The size of a block and where blocks are. */
  constructor(kernelSize: Sizes, options: UnfoldOptions) {
    super();
    const o = checkKeys(options, this.typeName(), ["dilation", "padding", "stride"]);
    this.kernelSize = kernelSize;
    this.dilation = o.dilation ?? 1;
    this.padding = o.padding ?? 0;
    this.stride = o.stride ?? 1;
  }

  /** The options as the functions take them. */
  protected options(): UnfoldOptions {
    return { dilation: this.dilation, padding: this.padding, stride: this.stride };
  }

  /** The blocks. */
  override extraRepr(): string {
    return `kernel_size=${sizes(this.kernelSize)}, dilation=${sizes(this.dilation)}, padding=${
      sizes(this.padding)
    }, stride=${sizes(this.stride)}`;
  }
}

/** Images as columns of blocks: [N, C, H, W] becomes [N, C * kernel elements, blocks]. */
export class Unfold extends Blocks {
  /** The size of a block and where blocks are. */
  constructor(kernelSize: Sizes, options: UnfoldOptions = {}) {
    super(kernelSize, options);
  }

  /** The columns. */
  forward(input: Tensor): Tensor {
    return unfoldImages(input, this.kernelSize, this.options());
  }
}

/** Columns of blocks added up in images. */
export class Fold extends Blocks {
  /** Size of the images. */
  readonly outputSize: Sizes;

  /** The size of the images, of a block, and where blocks are. */
  constructor(outputSize: Sizes, kernelSize: Sizes, options: UnfoldOptions = {}) {
    super(kernelSize, options);
    this.outputSize = outputSize;
  }

  /** The images. */
  forward(input: Tensor): Tensor {
    return foldImages(input, this.outputSize, this.kernelSize, this.options());
  }

  /** The size and the blocks. */
  override extraRepr(): string {
    return `output_size=${sizes(this.outputSize)}, ${super.extraRepr()}`;
  }
}
