/**
 * Writing compressed PNG images.
 * @module
 */

import { deflateSync } from "node:zlib";
import { pngFile } from "../../display/png.ts";

/**
 * An image as a PNG file.
 *
 * @param width Pixels across.
 * @param height Pixels down.
 * @param rgba Four bytes a pixel, row by row.
 * @returns The bytes of the file.
 */
export function encodePNG(width: number, height: number, rgba: Uint8Array | Uint8ClampedArray): Uint8Array {
  const stride = width * 4;
  const rows = new Uint8Array(height * (stride + 1));
  for (let y = 0; y < height; y++) {
    rows.set(rgba.subarray(y * stride, (y + 1) * stride), y * (stride + 1) + 1);
  }
  return pngFile(width, height, 6, [["IDAT", new Uint8Array(deflateSync(rows))]]);
}
