/**
 * Pixels from whatever holds an image: tensors, nested arrays, typed arrays.
 * @module
 */

import { Tensor } from "../tensor/tensor.ts";
import { describe } from "./values.ts";

/** Numbers by their place in row-major order. */
interface Numbers {
  readonly shape: readonly number[];
  /** Whether they count from 0 to 255. */
  readonly bytes: boolean;
  at(index: number): number;
}

/** Which dimension holds the channels, and what is black and white. */
export interface PixelOptions {
  /** Where the channels stand; found from the shape by default, first where both could be. */
  channels?: "first" | "last";
  /**
   * The values of black and white: 0 and 255 for uint8, else 0 and 1, by default; "auto" for the least and the greatest
   * value.
   */
  range?: readonly [number, number] | "auto";
}

/** One image, ready to be drawn. */
export interface Pixels {
  /** Pixels across. */
  readonly width: number;
  /** Pixels down. */
  readonly height: number;
  /** Four bytes a pixel, row by row. */
  readonly rgba: Uint8ClampedArray;
  /** The shape as given, before it was made smaller. */
  readonly shape: readonly number[];
  /** Pixels of the image as given for one that is drawn, each way. */
  readonly block: number;
  /** What a reader should know: values out of range or not finite, pixels that are means. */
  readonly notes: readonly string[];
}

/** The longest side that is drawn; larger images are shown as means of blocks. */
const LONGEST = 1024;

/** NaN and infinities. */
const NOT_FINITE = [255, 0, 255, 255] as const;

const CHANNELS: ReadonlySet<number> = new Set([1, 3, 4]);

function isList(value: unknown): value is ArrayLike<unknown> {
  return Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView));
}

function unpack(value: unknown): unknown {
  const { toArray } = (value ?? {}) as { toArray?: () => unknown };
  return typeof toArray === "function" ? toArray.call(value) : value;
}

/** Nested arrays in one. */
function flatten(data: unknown, what: string): Numbers {
  const shape: number[] = [], flat: number[] = [];
  let bytes = false;
  const walk = (value: unknown, depth: number): void => {
    const list = unpack(value);
    if (!isList(list)) {
      if (depth !== shape.length) throw new TypeError(`${what}: the rows differ in depth`);
      if (
        list !== null && typeof list !== "number" && typeof list !== "bigint" && typeof list !== "boolean"
      ) {
        throw new TypeError(`${what} must hold numbers, got ${describe(list)}`);
      }
      flat.push(list === null ? NaN : Number(list));
      return;
    }
    bytes ||= list instanceof Uint8Array || list instanceof Uint8ClampedArray;
    if (depth === shape.length && flat.length === 0) shape.push(list.length);
    if (shape[depth] !== list.length) {
      throw new TypeError(
        `${what}: rows must have one length, got ${shape[depth] ?? "none"} and ${list.length}`,
      );
    }
    for (let i = 0; i < list.length; i++) walk(list[i], depth + 1);
  };
  if (!isList(unpack(data))) {
    throw new TypeError(`${what} must be a tensor or nested arrays, got ${describe(data)}`);
  }
  walk(data, 0);
  return { shape, bytes, at: (i) => flat[i] };
}

function numbersOf(data: unknown, what: string): Numbers {
  if (!(data instanceof Tensor)) return flatten(data, what);
  const { shape, dtype } = data, here = data.device === "cpu" ? data : data.detach().cpu();
  return { shape, bytes: dtype === "uint8", at: (i) => Number(here.at(i)) };
}

/** How an image lies in the numbers: steps from pixel to pixel. */
interface Frame {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly start: number;
  readonly row: number;
  readonly column: number;
  readonly channel: number;
  readonly shape: readonly number[];
}

function frameOf(shape: readonly number[], start: number, options: PixelOptions, what: string): Frame {
  const [a, b, c] = shape;
  if (shape.includes(0)) throw new RangeError(`${what} has no pixels: its shape is [${shape.join(", ")}]`);
  if (shape.length === 2) {
    return { width: b, height: a, channels: 1, start, row: b, column: 1, channel: 0, shape };
  }
  const wanted = options.channels;
  if (wanted !== undefined && wanted !== "first" && wanted !== "last") {
    throw new RangeError(`${what}: channels must be "first" or "last", got ${describe(wanted)}`);
  }
  if (shape.length === 3 && wanted !== "last" && CHANNELS.has(a)) {
    return { width: c, height: b, channels: a, start, row: c, column: 1, channel: b * c, shape };
  }
  if (shape.length === 3 && wanted !== "first" && CHANNELS.has(c)) {
    return { width: b, height: a, channels: c, start, row: b * c, column: c, channel: 1, shape };
  }
  throw new TypeError(
    `${what} must have shape [height, width], [channels, height, width] or [height, width, channels] with 1, 3 or 4 ` +
      `channels, got [${shape.join(", ")}]`,
  );
}

function rangeOf(numbers: Numbers, frame: Frame, options: PixelOptions, what: string): [number, number] {
  const { range } = options;
  if (range === undefined) return [0, numbers.bytes ? 255 : 1];
  if (range === "auto") {
    const [low, high] = extent(numbers, frame);
    return low < high ? [low, high] : [low - 0.5, low + 0.5];
  }
  const [low, high] = range;
  if (!(low < high)) {
    throw new RangeError(`${what}: range must be [black, white] with black < white, got [${range}]`);
  }
  return [low, high];
}

function extent(numbers: Numbers, { width, height, channels, start }: Frame): [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (let i = start; i < start + width * height * channels; i++) {
    const v = numbers.at(i);
    if (!Number.isFinite(v)) continue;
    if (v < low) low = v;
    if (v > high) high = v;
  }
  return low <= high ? [low, high] : [0, 0];
}

function text(value: number): string {
  return String(Number(value.toPrecision(4))).replace("-", "−");
}

/** The mean of the finite values of a block, NaN if there is none. */
function mean(
  numbers: Numbers,
  frame: Frame,
  channel: number,
  rows: [number, number],
  columns: [number, number],
): number {
  let [sum, count] = [0, 0];
  for (let y = rows[0]; y < rows[1]; y++) {
    for (let x = columns[0]; x < columns[1]; x++) {
      const v = numbers.at(frame.start + y * frame.row + x * frame.column + channel * frame.channel);
      if (Number.isFinite(v)) [sum, count] = [sum + v, count + 1];
    }
  }
  return count ? sum / count : NaN;
}

function draw(numbers: Numbers, frame: Frame, options: PixelOptions, what: string, least: number): Pixels {
  const block = Math.max(least, Math.ceil(Math.max(frame.width, frame.height) / LONGEST));
  const [width, height] = [frame.width, frame.height].map((n) => Math.ceil(n / block));
  const [low, high] = rangeOf(numbers, frame, options, what), scale = 255 / (high - low);
  const rgba = new Uint8ClampedArray(width * height * 4);
  const { channels } = frame, values = new Float64Array(channels);
  let odd = 0, outside = 0, [min, max] = [Infinity, -Infinity];
  for (let y = 0, at = 0; y < height; y++) {
    const rows: [number, number] = [y * block, Math.min(frame.height, (y + 1) * block)];
    for (let x = 0; x < width; x++, at += 4) {
      const columns: [number, number] = [x * block, Math.min(frame.width, (x + 1) * block)];
      for (let c = 0; c < channels; c++) {
        const v = values[c] = mean(numbers, frame, c, rows, columns);
        if (v < min) min = v;
        if (v > max) max = v;
        if (v < low || v > high) outside++;
      }
      if (values.some(Number.isNaN)) {
        odd++;
        rgba.set(NOT_FINITE, at);
      } else {
        for (let c = 0; c < 3; c++) rgba[at + c] = (values[channels < 3 ? 0 : c] - low) * scale;
        rgba[at + 3] = channels === 4 ? (values[3] - low) * scale : 255;
      }
    }
  }
  const notes = [
    outside ? `values from ${text(min)} to ${text(max)}, shown from ${text(low)} to ${text(high)}` : "",
    odd ? `${odd} ${odd === 1 ? "pixel is" : "pixels are"} not finite (magenta)` : "",
    block > 1 ? `shown as means of ${block} × ${block} pixels` : "",
  ];
  return { width, height, rgba, shape: frame.shape, block, notes: notes.filter(Boolean) };
}

/**
 * One image.
 *
 * @param data [height, width], [channels, height, width] or [height, width, channels].
 * @param options Where the channels are, what is black and white.
 * @param what Its name in messages.
 * @param block Pixels of the image for one that is drawn, each way, at least.
 * @returns The pixels.
 * @throws {TypeError} If data is no image.
 * @throws {RangeError} If it has no pixels or the range is none.
 */
export function imagePixels(data: unknown, options: PixelOptions, what: string, block = 1): Pixels {
  const numbers = numbersOf(data, what);
  return draw(numbers, frameOf(numbers.shape, 0, options, what), options, what, block);
}

/** Images, and how many there are in all. */
export interface Batch {
  /** Draws one of them. */
  draw(index: number, block: number): Pixels;
  /** How many there are. */
  readonly count: number;
}

/**
 * Several images. Only those that are drawn are read.
 *
 * @param data A tensor or nested arrays whose first dimension counts images, or a list of tensors.
 * @param options Where the channels are, what is black and white.
 * @param what Their name in messages.
 * @returns The images.
 * @throws {TypeError} If data holds no images.
 * @throws {RangeError} If there are none.
 */
export function batchPixels(data: unknown, options: PixelOptions, what: string): Batch {
  if (Array.isArray(data) && data.length > 0 && !Array.isArray(data[0]) && !ArrayBuffer.isView(data[0])) {
    return {
      count: data.length,
      draw: (i, block) => imagePixels(data[i], options, `${what}: image ${i}`, block),
    };
  }
  const numbers = numbersOf(data, what), [count, ...shape] = numbers.shape;
  if (count === 0) throw new RangeError(`${what}: there are no images`);
  if (shape.length !== 2 && shape.length !== 3) {
    throw new TypeError(
      `${what} must have shape [count, height, width] or [count, channels, height, width], got [${
        numbers.shape.join(", ")
      }]`,
    );
  }
  const size = shape.reduce((a, b) => a * b, 1);
  // Alike in what is black and white, so that images can be compared.
  const all = options.range === "auto" && count <= 64
    ? { ...options, range: rangeOf(numbers, { ...wholeFrame(count * size) }, options, what) }
    : options;
  return {
    count,
    draw: (i, block) => draw(numbers, frameOf(shape, i * size, options, what), all, what, block),
  };
}

/** All numbers as one row. */
function wholeFrame(width: number): Frame {
  return { width, height: 1, channels: 1, start: 0, row: width, column: 1, channel: 0, shape: [width] };
}
