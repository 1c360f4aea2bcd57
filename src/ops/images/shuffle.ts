/**
 * Channels and places exchanged: channels become pixels and back, and channels mix between groups.
 * @module
 */

import { checkInteger, checkTensor } from "../../tensor/arguments.ts";
import { shapeText } from "../../tensor/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { linearMap } from "../core/linear_map.ts";

function checkImage(x: Tensor, name: string): void {
  if (x.ndim < 3) {
    throw new TypeError(
      `${name} expects input to have at least 3 dimensions, but got input with ${x.ndim} dimension(s)`,
    );
  }
}

/** [..., C r r, H, W] as [..., C, H r, W r]. */
function spread(x: Tensor, r: number): Tensor {
  const lead = x.shape.slice(0, -3), [c, h, w] = x.shape.slice(-3), n = lead.length;
  const keep = lead.map((_, d) => d);
  const parts = x.reshape([...lead, c / (r * r), r, r, h, w]);
  return parts.permute([...keep, n, n + 3, n + 1, n + 4, n + 2]).reshape([
    ...lead,
    c / (r * r),
    h * r,
    w * r,
  ]);
}

/** [..., C, H r, W r] as [..., C r r, H, W]. */
function gather(x: Tensor, r: number): Tensor {
  const lead = x.shape.slice(0, -3), [c, h, w] = x.shape.slice(-3), n = lead.length;
  const keep = lead.map((_, d) => d);
  const parts = x.reshape([...lead, c, h / r, r, w / r, r]);
  return parts.permute([...keep, n, n + 2, n + 4, n + 1, n + 3]).reshape([...lead, c * r * r, h / r, w / r]);
}

/**
 * Makes r * r channels one channel of r times the height and width: [..., C r r, H, W] becomes [..., C, H r, W r].
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * console.log(dg.pixelShuffle(dg.rand(1, 8, 3, 3), 2).shape); // [1, 2, 6, 6]
 * ```
 */
export function pixelShuffle(input: Tensor, upscaleFactor: number): Tensor {
  checkTensor(input, "pixelShuffle");
  checkInteger(upscaleFactor, "pixelShuffle", "upscaleFactor");
  checkImage(input, "pixel_shuffle");
  const r = upscaleFactor;
  if (r <= 0) throw new RangeError(`pixel_shuffle expects a positive upscale_factor, but got ${r}`);
  if (input.shape.at(-3)! % (r * r) !== 0) {
    throw new TypeError(
      "pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of upscale_factor, but " +
        `input.size(-3)=${input.shape.at(-3)} is not divisible by ${r * r}`,
    );
  }
  return linearMap(input, { name: "PixelShuffle", there: (x) => spread(x, r), back: (g) => gather(g, r) });
}

/** The way back from {@linkcode pixelShuffle}: [..., C, H r, W r] becomes [..., C r r, H, W]. */
export function pixelUnshuffle(input: Tensor, downscaleFactor: number): Tensor {
  checkTensor(input, "pixelUnshuffle");
  checkInteger(downscaleFactor, "pixelUnshuffle", "downscaleFactor");
  checkImage(input, "pixel_unshuffle");
  const r = downscaleFactor;
  if (r <= 0) throw new RangeError(`pixel_unshuffle expects a positive downscale_factor, but got ${r}`);
  for (const [side, dim] of [["height", -2], ["width", -1]] as const) {
    if (input.shape.at(dim)! % r === 0) continue;
    throw new TypeError(
      `pixel_unshuffle expects ${side} to be divisible by downscale_factor, but input.size(${dim})=${
        input.shape.at(dim)
      } is not divisible by ${r}`,
    );
  }
  return linearMap(input, { name: "PixelUnshuffle", there: (x) => gather(x, r), back: (g) => spread(g, r) });
}

/** Channels dealt out from groups in turn: with 2 groups of 3 channels their order becomes 0, 3, 1, 4, 2, 5. */
export function channelShuffle(input: Tensor, groups: number): Tensor {
  checkTensor(input, "channelShuffle");
  checkInteger(groups, "channelShuffle", "groups");
  if (input.ndim < 3) {
    throw new TypeError(
      `channel_shuffle expects input with > 2 dims, but got input with sizes ${shapeText(input.shape)}`,
    );
  }
  if (groups <= 0) {
    throw new RangeError(
      `Number of groups to divide channels in must be positive. Value of groups:${groups}`,
    );
  }
  const [n, c] = input.shape, rest = input.shape.slice(2);
  if (c % groups !== 0) {
    throw new TypeError(
      `Number of channels must be divisible by groups. Got ${c} channels and ${groups} groups.`,
    );
  }
  const deal = (x: Tensor, g: number) =>
    x.reshape([n, g, c / g, ...rest]).transpose(1, 2).reshape(input.shape);
  return linearMap(input, {
    name: "NativeChannelShuffle",
    there: (x) => deal(x, groups),
    back: (g) => deal(g, c / groups),
  });
}
