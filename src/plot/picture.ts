/**
 * Images as they are: pixels in a notebook, one image or a grid of them. For an image with axes and a colour scale see
 * `image` among the plots.
 * @module
 */

import { checkObject } from "./options.ts";
import { escapeHTML } from "../display/escape.ts";
import { DISPLAY, type Displayable, type MimeBundle } from "../display/mime.ts";
import { batchPixels, imagePixels, type PixelOptions, type Pixels } from "./pixels.ts";
import { saveFile } from "./save.ts";
import { encodePNG } from "./static/png.ts";
import { describe, type Matrix } from "./values.ts";

/** Options of {@linkcode picture}. */
export interface ShowImageOptions extends PixelOptions {
  /** Pixels of the screen for a pixel of the image; by default so many that small images can be seen. */
  scale?: number;
  /** Words above the image. */
  title?: string;
}

/** Options of {@linkcode pictures}. */
export interface ShowImagesOptions extends PixelOptions {
  /** Pixels of the screen for a pixel of an image; by default so many that small images can be seen. */
  scale?: number;
  /** How many images stand in a row; about as many rows as columns by default, and at most 16. */
  columns?: number;
  /** Words above each image: as many as there are images. */
  titles?: ArrayLike<unknown> | { toArray(): unknown };
  /** How many images are shown at most; 64 by default. */
  limit?: number;
}

/** An image, or a tensor or nested arrays that hold one. */
export type ImageSource = Matrix | ArrayLike<Matrix>;

/** Several images: a tensor or arrays with one dimension more, or a list of images. */
export type ImageBatch = ImageSource | ArrayLike<ImageSource>;

/** Bytes of all PNG images in one message, and of the one picture beside them. */
const HTML_BYTES = 600_000, PNG_BYTES = 200_000;

/** About how many pixels of the screen the longer side has: alone, and in a grid. */
const SIDE = { alone: 256, grid: 84 };

/** The widest that an image is shown: alone, and in a grid. */
const WIDEST = { alone: 640, grid: 168 };

/** Up to this width an image is drawn with characters where there is nothing better. */
const TEXT_WIDTH = 40;

const SHADES = " ░▒▓█";

function bytesOf({ width, height, rgba }: Pixels): Uint8Array {
  return encodePNG(width, height, rgba);
}

/** An image with characters, two a pixel: bright pixels are dense. */
function shaded({ width, height, rgba }: Pixels): string {
  return Array.from({ length: height }, (_, y) =>
    Array.from({ length: width }, (_, x) => {
      const [r, g, b, a] = rgba.subarray(4 * (y * width + x));
      const light = (0.299 * r + 0.587 * g + 0.114 * b) * a / (255 * 255);
      return SHADES[Math.min(SHADES.length - 1, Math.floor(light * SHADES.length))].repeat(2);
    }).join("").trimEnd()).join("\n");
}

/** Images as one, each pixel `scale` wide, on a transparent ground. */
function compose(images: readonly Pixels[], columns: number, scale: number): Pixels {
  const gap = 4,
    wide = Math.max(...images.map((i) => i.width)) * scale,
    rows = Math.ceil(images.length / columns);
  const tall = Math.max(...images.map((i) => i.height)) * scale;
  const width = columns * (wide + gap) - gap, height = rows * (tall + gap) - gap;
  const rgba = new Uint8ClampedArray(width * height * 4);
  images.forEach((image, k) => {
    const [left, top] = [(k % columns) * (wide + gap), Math.floor(k / columns) * (tall + gap)];
    for (let y = 0; y < image.height * scale; y++) {
      for (let x = 0; x < image.width * scale; x++) {
        const from = 4 * (Math.floor(y / scale) * image.width + Math.floor(x / scale));
        rgba.set(image.rgba.subarray(from, from + 4), 4 * ((top + y) * width + left + x));
      }
    }
  });
  return { width, height, rgba, shape: [], block: 1, notes: [] };
}

/** What a picture is made of. */
interface Parts {
  readonly images: readonly Pixels[];
  readonly titles: readonly string[];
  readonly columns: number;
  readonly scale: number | undefined;
  readonly notes: readonly string[];
}

/** An image or several: shows itself in a notebook, and saves itself as a PNG. Made by {@linkcode picture} and {@linkcode pictures}. */
export class Picture implements Displayable {
  readonly #parts: Parts;

  /** For {@linkcode picture} and {@linkcode pictures}. */
  constructor(parts: Parts) {
    const { scale } = parts;
    if (scale !== undefined && !(scale > 0 && scale <= 100)) {
      throw new RangeError(`scale must be above 0 and at most 100, got ${scale}`);
    }
    this.#parts = parts;
  }

  /** Pixels of the screen for a pixel that is drawn: whole where images are enlarged. */
  #scaleOf({ width, height, block }: Pixels): number {
    const kind = this.#parts.images.length === 1 ? "alone" : "grid";
    const fit = Math.max(1, Math.floor(SIDE[kind] / (block * Math.max(width, height))));
    return block * (this.#parts.scale ?? Math.min(fit, WIDEST[kind] / (block * width)));
  }

  /**
   * The picture as the bytes of a PNG file: images of a grid beside each other, without their titles.
   *
   * @param options `scale`, in whole pixels of the file for a pixel of an image; 1 by default.
   * @returns The bytes.
   */
  toPNG(options: { scale?: number } = {}): Uint8Array {
    const { scale = 1 } = options;
    if (!(Number.isInteger(scale) && scale >= 1 && scale <= 100)) {
      throw new RangeError(`toPNG: scale must be a whole number from 1 to 100, got ${scale}`);
    }
    return bytesOf(compose(this.#parts.images, this.#parts.columns, scale));
  }

  /**
   * Writes the picture to a PNG file, which appears whole or not at all.
   *
   * @param path The file.
   * @param options The scale, as for {@linkcode Picture.toPNG}.
   */
  async save(path: string | URL, options: { scale?: number } = {}): Promise<void> {
    if (!/\.png$/i.test(path instanceof URL ? path.pathname : path)) {
      throw new TypeError(`an image is saved as .png, got ${path}`);
    }
    await saveFile(path, this.toPNG(options));
  }

  /** The picture for a notebook. */
  toBundle(): MimeBundle {
    const { images, titles, columns, notes } = this.#parts;
    const cells = images.map((image, i) => {
      const scale = this.#scaleOf(image),
        width = Math.round(image.width * scale),
        height = Math.round(image.height * scale);
      const sharp = scale >= 1 ? "image-rendering:pixelated;" : "";
      const title = titles[i] ? `<div style="margin-bottom:2px">${escapeHTML(titles[i])}</div>` : "";
      return `<div style="text-align:center">${title}<img alt="${
        escapeHTML(titles[i] ?? "image")
      }" width="${width}" ` +
        `height="${height}" style="${sharp}width:${width}px;height:${height}px;max-width:none;margin:0" ` +
        `src="data:image/png;base64,${bytesOf(image).toBase64()}"></div>`;
    });
    const note = notes.length
      ? `<div style="opacity:.7;margin-top:4px">${escapeHTML(notes.join("; "))}</div>`
      : "";
    const bundle: MimeBundle = {
      "text/plain": this.toString(),
      "text/html":
        `<div style="font:12px/1.3 sans-serif;color:inherit;overflow-x:auto"><div style="display:grid;` +
        `grid-template-columns:repeat(${columns},max-content);gap:8px;align-items:end">${
          cells.join("")
        }</div>${note}</div>`,
    };
    const scale = Math.max(1, Math.floor(this.#scaleOf(images[0])));
    const png = this.toPNG({ scale: Math.min(100, scale) });
    if (png.length <= PNG_BYTES) bundle["image/png"] = png.toBase64();
    return bundle;
  }

  /** What a notebook asks for. */
  [DISPLAY](): MimeBundle {
    return this.toBundle();
  }

  /** The picture in words; a small image alone is drawn with characters. */
  toString(): string {
    const { images, titles, notes } = this.#parts, [first] = images;
    const size = `[${first.shape.join(", ")}]`;
    const head = images.length === 1 ? `Image ${size}` : `${images.length} images, the first ${size}`;
    const lines = [head, ...notes.map((note) => `  ${note}`)];
    if (images.length > 1) return [...lines, ...titles.length ? [`  ${titles.join(", ")}`] : []].join("\n");
    return [...titles, ...lines, ...first.width <= TEXT_WIDTH ? [shaded(first)] : []].join("\n");
  }

  /** What console.log shows. */
  [Symbol.for("Deno.customInspect")](): string {
    return this.toString();
  }
}

/** Draws with ever larger blocks of pixels until the files are small enough. */
function fitting(draw: (block: number) => Pixels[]): Pixels[] {
  for (let block = 1;; block++) {
    const images = draw(block);
    const bytes = images.reduce((sum, image) => sum + bytesOf(image).length * 4 / 3, 0);
    if (bytes <= HTML_BYTES || images.every(({ width, height }) => width * height <= 64)) return images;
  }
}

/**
 * An image, pixel by pixel.
 *
 * @param data [height, width], [channels, height, width] or [height, width, channels]: a tensor or nested arrays, with
 *   values from 0 to 1, or uint8 from 0 to 255. Channels are 1 (grey), 3 (red, green, blue) or 4 (with opacity). NaN is
 *   drawn in magenta; values out of range are cut off, with a line that says so.
 * @param options What is black and white, where the channels are, scale, title.
 * @returns The picture.
 * @throws {TypeError} If data is no image.
 * @throws {RangeError} If it has no pixels.
 * @example
 * ```ts
 * import { picture } from "./picture.ts";
 * console.log(String(picture([[0, 1], [1, 0]])).split("\n")[0]); // Image [2, 2]
 * ```
 */
export function picture(data: ImageSource, options: ShowImageOptions = {}): Picture {
  checkObject(options, "picture: options");
  const [image] = fitting((block) => [imagePixels(data, options, "image", block)]);
  const titles = options.title === undefined ? [] : [String(options.title)];
  return new Picture({ images: [image], titles, columns: 1, scale: options.scale, notes: image.notes });
}

/**
 * Several images in a grid.
 *
 * @param batch [count, height, width], [count, channels, height, width] or [count, height, width, channels], or a list of
 *   images.
 * @param options Columns, titles, what is black and white, how many are shown.
 * @returns The picture.
 * @throws {TypeError} If the batch holds no images.
 * @throws {RangeError} If there are none, or the titles are not as many.
 */
export function pictures(batch: ImageBatch, options: ShowImagesOptions = {}): Picture {
  checkObject(options, "pictures: options");
  const { limit = 64 } = options, { count, draw } = batchPixels(batch, options, "images");
  if (!(Number.isInteger(limit) && limit >= 1)) {
    throw new RangeError(`images: limit must be a whole number from 1, got ${limit}`);
  }
  const shown = Math.min(count, limit);
  const { columns = Math.min(16, Math.ceil(Math.sqrt(shown * 1.6))) } = options;
  if (!(Number.isInteger(columns) && columns >= 1)) {
    throw new RangeError(`images: columns must be a whole number from 1, got ${columns}`);
  }
  const titles = titlesOf(options.titles, count).slice(0, shown);
  const images = fitting((block) => Array.from({ length: shown }, (_, i) => draw(i, block)));
  const common = images[0].notes.filter((note) => images.every((image) => image.notes.includes(note)));
  const notes = images.flatMap((image, i) =>
    image.notes.filter((note) => !common.includes(note)).map((note) => `${titles[i] ?? i}: ${note}`)
  );
  const some = [
    ...common,
    ...notes.length > 4 ? [...notes.slice(0, 3), `${notes.length - 3} more such notes`] : notes,
  ];
  if (shown < count) some.unshift(`the first ${shown} of ${count.toLocaleString("en-US")}`);
  return new Picture({
    images,
    titles,
    columns: Math.min(columns, shown),
    scale: options.scale,
    notes: some,
  });
}

function titlesOf(titles: ShowImagesOptions["titles"], count: number): string[] {
  if (titles === undefined) return [];
  const list = "toArray" in titles ? titles.toArray() : titles;
  if (!Array.isArray(list) && !ArrayBuffer.isView(list)) {
    throw new TypeError(`images: titles must be an array, got ${describe(list)}`);
  }
  const all = Array.from(list as ArrayLike<unknown>, String);
  if (all.length !== count) {
    throw new RangeError(`images: there are ${count} images, but ${all.length} titles`);
  }
  return all;
}
