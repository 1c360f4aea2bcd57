/**
 * Tensors as small heat maps, for notebooks.
 * @module
 */

import { indexedPNG } from "../display/png.ts";
import { formatExponential } from "./number_text.ts";

/** Numbers in rows. */
export interface Grid {
  /** Number of columns. */
  readonly width: number;
  /** Number of rows. */
  readonly height: number;
  /** The numbers, row by row. */
  readonly values: Float64Array;
}

/** Which colours stand for which numbers. */
export interface ColorScale {
  /** The number of the first colour; NaN if there is no finite number. */
  readonly low: number;
  /** The number of the last colour. */
  readonly high: number;
  /** Whether the middle colour stands for 0. */
  readonly diverging: boolean;
}

/** The anchors of the colours, evenly spaced: viridis, and blue to orange through near-white. */
const SEQUENTIAL = [0x440154, 0x3b528b, 0x21918c, 0x5ec962, 0xfde725];
const DIVERGING = [0x053e66, 0x3f8fc4, 0xf7f7f7, 0xe2894c, 0x8a3700];

/** NaN and infinities. */
const NOT_FINITE = 0xff00ff;

const COLORS = 63;

function paletteOf(anchors: readonly number[]): Uint8Array {
  const palette = new Uint8Array((COLORS + 1) * 3);
  for (let i = 0; i < COLORS; i++) {
    const at = i / (COLORS - 1) * (anchors.length - 1), k = Math.min(Math.floor(at), anchors.length - 2);
    for (let byte = 0; byte < 3; byte++) {
      const shift = 16 - 8 * byte, from = anchors[k] >> shift & 255, to = anchors[k + 1] >> shift & 255;
      palette[3 * i + byte] = Math.round(from + (to - from) * (at - k));
    }
  }
  palette.set([NOT_FINITE >> 16, NOT_FINITE >> 8 & 255, NOT_FINITE & 255], 3 * COLORS);
  return palette;
}

let palettes: { sequential: Uint8Array; diverging: Uint8Array } | undefined;

function image({ width, height, values }: Grid, { low, high, diverging }: ColorScale): string {
  palettes ??= { sequential: paletteOf(SEQUENTIAL), diverging: paletteOf(DIVERGING) };
  const indices = new Uint8Array(values.length), span = high - low;
  for (let i = 0; i < values.length; i++) {
    const part = span > 0 ? (values[i] - low) / span : 0.5;
    indices[i] = Number.isFinite(values[i]) ? Math.round(part * (COLORS - 1)) : COLORS;
  }
  return indexedPNG(width, height, indices, diverging ? palettes.diverging : palettes.sequential).toBase64();
}

/** The scale of some grids together: around zero where there are numbers on both sides of it. */
export function scaleOf(grids: readonly Grid[]): ColorScale {
  let low = Infinity, high = -Infinity;
  for (const { values } of grids) {
    for (const x of values) {
      if (!Number.isFinite(x)) continue;
      if (x < low) low = x;
      if (x > high) high = x;
    }
  }
  if (low > high) return { low: NaN, high: NaN, diverging: false };
  if (!(low < 0 && high > 0)) return { low, high, diverging: false };
  const end = Math.max(-low, high);
  return { low: -end, high: end, diverging: true };
}

/** An image element. Pixels stay sharp when it is drawn larger, and pages that scale images leave it alone. */
function element(data: string, width: number, height: number, alt: string): string {
  return `<img alt="${alt}" width="${width}" height="${height}" style="width:${width}px;height:${height}px;` +
    `image-rendering:pixelated;max-width:none;margin:0;vertical-align:middle;outline:1px solid rgba(128,128,128,.3)" ` +
    `src="data:image/png;base64,${data}">`;
}

/** A grid as an image element of about the given length, and at least `least` the other way: no hairlines. */
export function heatMap(grid: Grid, scale: ColorScale, length: number, least: number): string {
  const { width, height } = grid;
  const pixel = Math.max(1, Math.floor(length / Math.max(width, height)));
  const [wide, tall] = [width, height].map((n) => Math.max(pixel * n, least));
  return element(image(grid, scale), wide, tall, `heat map, ${height} by ${width}`);
}

function endText(x: number): string {
  return x !== 0 && (Math.abs(x) < 1e-3 || Math.abs(x) >= 1e6)
    ? formatExponential(x, 2)
    : String(Number(x.toPrecision(4)));
}

/** Quiet words. The opacity is theirs alone: it would change the colours of a bar beside them. */
function words(html: string): string {
  return `<span style="opacity:.7">${html}</span>`;
}

/**
 * A line under heat maps: the colours of their scale in a bar between the numbers at its ends, what NaN and infinities look
 * like if there are any, and a note.
 */
export function legend(scale: ColorScale, grids: readonly Grid[], note: string): string {
  const { low, high } = scale, width = COLORS;
  const values = Float64Array.from({ length: width }, (_, i) => low + (high - low) * i / (width - 1));
  const ends = high > low
    ? `${words(endText(low))} ${element(image({ width, height: 1, values }, scale), 96, 8, "to")} ${
      words(endText(high))
    }`
    : Number.isNaN(low)
    ? ""
    : words(`all ${endText(low)}`);
  const odd = grids.some((grid) => grid.values.some((x) => !Number.isFinite(x)));
  const mark = odd
    ? ` &nbsp;${
      element(image({ width: 1, height: 1, values: Float64Array.of(NaN) }, scale), 8, 8, "magenta")
    } ${words("not finite")}`
    : "";
  return `<div style="font-size:11px">${ends}${mark}${
    note === "" ? "" : ` &nbsp;${words("· " + note)}`
  }</div>`;
}
