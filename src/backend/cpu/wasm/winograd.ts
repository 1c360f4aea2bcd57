/**
 * Winograd's convolution F(4 x 4, 3 x 3): results of 3 x 3 kernels that move by single steps, and the kernels' gradients, with a
 * quarter of the multiplications. A few images at a time are copied to a place in the threads' memory, where one of them does all
 * that they need. Sums are in float32, in an order that does not depend on the number of threads.
 * @module
 */
import { WorkerLost } from "../pool.ts";
import { columnsOf, kernelNames } from "./gemm_kernel.ts";
import { WINOGRAD } from "./tasks.ts";
import { currentTeam, hasTeam, loseTeam, type Team } from "./team.ts";
import { winogradNames } from "./winograd_kernel.ts";
import { winogradWords } from "./winograd_tasks.ts";

/** Row-major images of float32. */
export interface Planes {
  /** The elements. */
  readonly data: Float32Array;
  /** Where the first one is. */
  readonly offset: number;
}

/** A convolution with 3 x 3 kernels. */
export interface Convolution3x3 {
  /** Number of images. */
  readonly images: number;
  /** Channels of images. */
  readonly channels: number;
  /** Channels of results. */
  readonly outputs: number;
  /** Rows and columns of images. */
  readonly size: readonly [number, number];
  /** Zeros in front of rows and columns. */
  readonly before: readonly [number, number];
  /** Rows and columns of results. */
  readonly counts: readonly [number, number];
}

type Word = (typeof winogradWords)[number];

/** Tiles in a place at least, if there are so many images; places; bytes of all. */
const TILES = 64, PLACES = 4, MOST_BYTES = 44 << 20;

/** Channels on both sides, share of tiles that are no padding, and multiplications in tiles from which it pays. */
const LEAST_CHANNELS = 8, LEAST_SHARE = 0.5, LEAST_WORK = 1 << 16;

const align = (bytes: number) => (bytes + 63) & -64;

/** An odd number of lines of the cache: what lies so far apart does not compete for the same places in it. */
const apart = (bytes: number) => align(bytes) | 64;

/** The layout of a job. */
interface Plan {
  readonly team: Team;
  /** Images in a place, and tiles of one. */
  readonly group: number;
  readonly tiles: readonly [number, number];
  readonly words: Record<Word, number>;
  readonly end: number;
}

/** Takes parts of memory one behind the other. */
class Room {
  at: number;
  constructor(start: number) {
    this.at = start;
  }
  take(bytes: number): number {
    const found = this.at;
    this.at += align(bytes);
    return found;
  }
}

/** How the work is laid out; null where another way is better, or there is not enough memory. */
function plan(c: Convolution3x3, kind: 0 | 1): Plan | null {
  const [rows, columns] = c.size, [oh, ow] = c.counts, { channels, outputs } = c;
  const th = Math.ceil(oh / 4), tw = Math.ceil(ow / 4), tiles = th * tw;
  if (!hasTeam() || channels < LEAST_CHANNELS || outputs < LEAST_CHANNELS || columns < 4 || ow < 4) {
    return null;
  }
  if (oh * ow < LEAST_SHARE * 16 * tiles || c.images * tiles * channels * outputs < LEAST_WORK) return null;
  if (c.before.some((b) => b < 0)) return null;
  const fh = th * 4 + 2, fw = tw * 4 + 2;
  if (c.before[0] + rows > fh || c.before[1] + columns > fw) return null;
  const team = currentTeam(), { tile } = team, width = columnsOf("float32", tile);
  const group = Math.min(c.images, Math.max(1, Math.ceil(TILES / tiles)));
  const depth = group * tiles, panels = Math.ceil(depth / width), padded = panels * width;
  const kernelPanels = Math.ceil(outputs / tile.rows), kernelRows = kernelPanels * tile.rows;
  const shared = new Room(0), place = new Room(0);
  const atImageTable = shared.take(4 * padded), atTileTable = shared.take(4 * padded);
  const atBias = shared.take(4 * outputs);
  const exact = rows === fh && columns === fw && c.before.every((b) => b === 0);
  const whole = oh === th * 4 && ow === tw * 4;
  const words = Object.fromEntries(winogradWords.map((word) => [word, 0])) as Record<Word, number>;
  Object.assign(words, {
    kind,
    first: 2 * kernelNames.length,
    planes: group * channels,
    rows,
    columns,
    channels,
    outputs,
    atImageTable,
    atTileTable,
    atBias,
    depth,
    resultPlanes: group * outputs,
    resultRows: oh,
    resultColumns: ow,
  });
  words.raw = place.take(4 * group * channels * rows * columns);
  words.framed = exact ? -1 : place.take(4 * group * channels * fh * fw);
  words.frameRow = 4 * fw;
  words.framePlane = 4 * fh * fw;
  words.frameShift = 4 * (c.before[0] * fw + c.before[1]);
  words.tileRow = 16 * tw;
  words.tilePlane = 64 * tiles;
  words.tileGroups = padded / 4;
  words.tiled = place.take(4 * 16 * tiles * group * outputs);
  words.dense = whole ? -1 : place.take(4 * oh * ow * group * outputs);
  words.kernelPanels = kernelPanels;
  if (kind === 0) {
    words.imagePanels = panels;
    words.imageGroups = width / 4;
    words.imagePanel = 4 * width * channels;
    words.imagePosition = apart(words.imagePanel * panels);
    words.image = place.take(36 * words.imagePosition);
    words.kernelPanel = 4 * tile.rows * channels;
    words.kernelPosition = apart(words.kernelPanel * kernelPanels);
    words.atKernels = shared.take(36 * words.kernelPosition);
    words.productRow = 4 * padded;
    words.productPosition = apart(words.productRow * kernelRows);
    words.product = place.take(36 * words.productPosition);
  } else {
    const countB = Math.ceil(channels / width), line = 4 * padded, deep = (depth + 3) & -4;
    words.imagePanel = line;
    words.imagePosition = apart(line * channels);
    words.image = place.take(36 * words.imagePosition + width * line);
    words.productRow = line;
    words.productPosition = apart(line * outputs);
    words.product = place.take(36 * words.productPosition + tile.rows * line);
    words.kernelPanel = 4 * tile.rows * deep;
    words.bytesB = 4 * width * deep;
    words.panelsA = place.take(words.kernelPanel * kernelPanels);
    words.panelsB = place.take(words.bytesB * countB);
    words.countB = countB;
    words.imagePanels = 4 * width * countB; // bytes of a row of the gradient
    words.kernelPosition = apart(words.imagePanels * kernelRows);
    words.atKernels = place.take(36 * words.kernelPosition);
  }
  words.width = Math.min(PLACES, Math.ceil(c.images / group));
  words.placeBytes = align(place.at);
  words.atPlaces = align(shared.at);
  const end = words.atPlaces + words.width * words.placeBytes + 4096;
  return end > MOST_BYTES ? null : { team, group, tiles: [th, tw], words, end };
}

/** Offsets of tiles of 4 x 4 elements from the first; those that fill up a panel are the first again. */
function fillTable(p: Plan, at: number, channels: number, row: number, plane: number): void {
  const table = new Int32Array(p.team.memory.buffer, at, p.words.tileGroups * 4), [th, tw] = p.tiles;
  table.fill(0);
  let t = 0;
  for (let n = 0; n < p.group; n++) {
    for (let i = 0; i < th; i++) {
      for (let j = 0; j < tw; j++) table[t++] = n * channels * plane + i * 4 * row + j * 16;
    }
  }
}

/** Makes room, tables and frames, and tells the threads. */
function prepare(p: Plan, c: Convolution3x3): void {
  const { team, words } = p;
  team.reserve(p.end);
  for (let i = 0; i < winogradNames.length; i++) team.pool.need(words.first + i);
  fillTable(p, words.atImageTable, c.channels, words.frameRow, words.framePlane);
  fillTable(p, words.atTileTable, c.outputs, words.tileRow, words.tilePlane);
  for (let i = 0; i < words.width; i++) {
    const at = (words.atPlaces + i * words.placeBytes) / 4;
    if (words.framed >= 0) {
      const start = at + words.framed / 4;
      team.clear(start, start + p.group * c.channels * words.framePlane / 4);
    }
    if (words.kind === 1) {
      for (
        const [offset, bytes] of [[words.atKernels, 36 * words.kernelPosition], [
          words.tiled,
          words.dense >= 0 ? p.group * c.outputs * words.tilePlane : 0,
        ]]
      ) {
        team.clear(at + offset / 4, at + (offset + bytes) / 4);
      }
    }
  }
  winogradWords.forEach((word, i) => team.pool.job[i] = words[word]);
}

/** Runs a job over groups of images, by the threads if they may help. */
function perform(
  p: Plan,
  images: number,
  threads: boolean,
  fill: (at: number, from: number, count: number) => void,
  drain: (at: number, from: number, count: number) => void,
): void {
  const { team: { pool }, words, group } = p, count = Math.ceil(images / group);
  const place = (task: number) => (words.atPlaces + task % words.width * words.placeBytes) / 4;
  const size = (task: number) => Math.min(group, images - task * group);
  if (threads) {
    pool.stream({
      count,
      width: words.width,
      fill: (task) => fill(place(task), task * group, size(task)),
      drain: (task) => drain(place(task), task * group, size(task)),
    }, WINOGRAD);
    return;
  }
  for (let task = 0; task < count; task++) {
    fill(place(task), task * group, size(task));
    pool.run(task, WINOGRAD);
    drain(place(task), task * group, size(task));
  }
}

/** Copies images to a place, and zeros where there are fewer. */
function bring(
  memory: Float32Array<ArrayBufferLike>,
  to: number,
  from: Planes,
  start: number,
  count: number,
  group: number,
  size: number,
): void {
  memory.set(from.data.subarray(from.offset + start * size, from.offset + (start + count) * size), to);
  if (count < group) memory.fill(0, to + count * size, to + group * size);
}

/** Runs once more without threads if one was lost. */
function secure(threads: boolean, run: (threads: boolean) => boolean): boolean {
  try {
    return run(threads);
  } catch (error) {
    if (!(error instanceof WorkerLost)) throw error;
    loseTeam();
    return run(false);
  }
}

// ---- results ----------------------------------------------------------------------------------------------------------

/**
 * Six of three numbers: G, with the rows [1/4, 0, 0], [-1/6, -1/6, -1/6], [-1/6, 1/6, -1/6], [1/24, 1/12, 1/6],
 * [1/24, -1/12, 1/6] and [0, 0, 1].
 */
function spread(to: Float64Array, at: number, step: number, a: number, b: number, c: number): void {
  const sixth = a / 6 + c / 6, part = a / 24 + c / 6, b6 = b / 6, b12 = b / 12;
  to[at] = a / 4;
  to[at + step] = -sixth - b6;
  to[at + 2 * step] = b6 - sixth;
  to[at + 3 * step] = part + b12;
  to[at + 4 * step] = part - b12;
  to[at + 5 * step] = c;
}

/** Transforms kernels and packs them in panels. */
function packKernels(p: Plan, w: Planes, c: Convolution3x3): void {
  const { team: { singles, tile }, words } = p, { channels, outputs } = c, { data } = w;
  const half = new Float64Array(18), whole = new Float64Array(36);
  const base = words.atKernels / 4, position = words.kernelPosition / 4, panel = words.kernelPanel / 4;
  p.team.clear(base, base + 36 * position);
  for (let o = 0, from = w.offset; o < outputs; o++) {
    const to = base + Math.floor(o / tile.rows) * panel + o % tile.rows;
    for (let i = 0; i < channels; i++, from += 9) {
      for (let k = 0; k < 3; k++) spread(half, k, 3, data[from + k], data[from + 3 + k], data[from + 6 + k]);
      // positions are stored columns first: whole[6 s + r] belongs to row r and column s
      for (let r = 0; r < 6; r++) spread(whole, r, 6, half[3 * r], half[3 * r + 1], half[3 * r + 2]);
      for (let q = 0, at = to + i * tile.rows; q < 36; q++, at += position) singles[at] = whole[q];
    }
  }
}

/** The results of images x and kernels w, [outputs, channels, 3, 3], in `y`; false where another way is better. */
export function winogradResults(
  c: Convolution3x3,
  x: Planes,
  w: Planes,
  bias: ArrayLike<number> | null,
  y: Planes,
  mayThread: boolean,
): boolean {
  return secure(mayThread, (threads) => {
    const p = plan(c, 0);
    if (p === null) return false;
    const { words, team } = p, memory = () => team.singles;
    prepare(p, c);
    packKernels(p, w, c);
    const summands = words.atBias / 4;
    for (let o = 0; o < c.outputs; o++) memory()[summands + o] = bias === null ? 0 : bias[o];
    const inSize = c.channels * c.size[0] * c.size[1], outSize = c.outputs * c.counts[0] * c.counts[1];
    const result = (words.dense >= 0 ? words.dense : words.tiled) / 4;
    perform(p, c.images, threads, (at, from, count) => {
      bring(memory(), at + words.raw / 4, x, from, count, p.group, inSize);
    }, (at, from, count) => {
      y.data.set(memory().subarray(at + result, at + result + count * outSize), y.offset + from * outSize);
    });
    return true;
  });
}

// ---- gradients of kernels -----------------------------------------------------------------------------------------------

/** The gradient of the kernels, of images x and gradients g of results, in `w`; false where another way is better. */
export function winogradKernels(
  c: Convolution3x3,
  x: Planes,
  g: Planes,
  w: Planes,
  mayThread: boolean,
): boolean {
  return secure(mayThread, (threads) => {
    const p = plan(c, 1);
    if (p === null) return false;
    const { words, team } = p;
    prepare(p, c);
    for (const kernel of [0, 2, 4]) team.pool.need(kernel);
    const inSize = c.channels * c.size[0] * c.size[1], outSize = c.outputs * c.counts[0] * c.counts[1];
    const gradient = (words.dense >= 0 ? words.dense : words.tiled) / 4;
    perform(p, c.images, threads, (at, from, count) => {
      bring(team.singles, at + words.raw / 4, x, from, count, p.group, inSize);
      bring(team.singles, at + gradient, g, from, count, p.group, outSize);
    }, () => {});
    unpackKernels(p, w, c);
    return true;
  });
}

/** Three of six numbers: the transpose of G. */
function gather(
  to: Float64Array | Float32Array,
  at: number,
  step: number,
  from: Float64Array,
  first: number,
  by: number,
): void {
  const a = from[first + by], b = from[first + 2 * by], c = from[first + 3 * by], d = from[first + 4 * by];
  const sixth = (a + b) / 6;
  to[at] = from[first] / 4 - sixth + (c + d) / 24;
  to[at + step] = (b - a) / 6 + (c - d) / 12;
  to[at + 2 * step] = (c + d) / 6 - sixth + from[first + 5 * by];
}

/** Sums over the places, transformed back. */
function unpackKernels(p: Plan, w: Planes, c: Convolution3x3): void {
  const { team: { singles }, words } = p, half = new Float64Array(18), sums = new Float64Array(36);
  const place = words.placeBytes / 4, position = words.kernelPosition / 4, row = words.imagePanels / 4;
  const base = (words.atPlaces + words.atKernels) / 4;
  let to = w.offset;
  for (let o = 0; o < c.outputs; o++) {
    for (let i = 0; i < c.channels; i++, to += 9) {
      for (let q = 0, at = base + o * row + i; q < 36; q++, at += position) {
        let sum = 0;
        for (let k = 0, from = at; k < words.width; k++, from += place) sum += singles[from];
        sums[q] = sum;
      }
      // positions are stored columns first: sums[6 s + r] belongs to row r and column s
      for (let s = 0; s < 6; s++) gather(half, 3 * s, 1, sums, 6 * s, 1);
      for (let k = 0; k < 3; k++) gather(w.data, to + 3 * k, 1, half, k, 3);
    }
  }
}
