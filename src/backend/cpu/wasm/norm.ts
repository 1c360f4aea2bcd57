/**
 * Normalisation of lines as WebAssembly, and its gradients: a pass over memory each.
 * @module
 */
import type { TypedArray } from "../../../tensor/dtype.ts";
import { features } from "./features.ts";
import { instantiate, memoryBuffer } from "./memory.ts";
import {
  EPS,
  type Floats,
  INVERSE,
  lowerNorm,
  lowerNormBackward,
  places,
  ROOM,
  STATISTICS,
  STEP,
  type Wanted,
} from "./norm_kernel.ts";

type Numbers = Float32Array | Float64Array;

/** Elements one behind the other. */
export interface Run {
  /** The memory. */
  readonly data: TypedArray;
  /** Index of the first. */
  readonly offset: number;
}

/** Lines of elements of one type, to be normalised. */
export interface NormLines {
  /** Element type of everything. */
  readonly dtype: Floats;
  /** How many lines, and elements in each. */
  readonly lines: number;
  /** See `lines`. */
  readonly n: number;
  /** The lines. */
  readonly x: Run;
  /** A factor for each place. */
  readonly weight: Run | null;
}

type Kernel = (lines: number, bytes: number) => number;

const kernels = new Map<string, Kernel>();

function kernelFor(key: string, write: () => Uint8Array<ArrayBuffer>): Kernel {
  let known = kernels.get(key);
  if (known === undefined) kernels.set(key, known = instantiate(write()) as Kernel);
  return known;
}

const views = { float32: Float32Array, float64: Float64Array };

function at(dtype: Floats, place: number, length = ROOM): Numbers {
  return new views[dtype](memoryBuffer(), place, length);
}

/** Elements that a line takes in memory: whole steps. */
function roomOf(dtype: Floats, n: number): number {
  const perStep = STEP / views[dtype].BYTES_PER_ELEMENT;
  return Math.ceil(n / perStep) * perStep;
}

/** Whether there are kernels, and a line has room. */
export function canNormalize(dtype: Floats, n: number): boolean {
  return n > 0 && features() !== null && roomOf(dtype, n) <= ROOM;
}

/** Copies lines into memory, and behind each its first number, or zeros. */
function load(
  to: Numbers,
  { data, offset }: Run,
  line: number,
  count: number,
  n: number,
  room: number,
  zeros = false,
): void {
  const from = data as Float32Array, into = to as Float32Array, start = offset + line * n;
  if (room === n) return into.set(from.subarray(start, start + count * n));
  for (let l = 0, p = start; l < count; l++, p += n) {
    into.set(from.subarray(p, p + n), l * room);
    into.fill(zeros ? 0 : from[p], l * room + n, (l + 1) * room);
  }
}

/** Copies lines out. */
function store(
  from: Numbers,
  { data, offset }: Run,
  line: number,
  count: number,
  n: number,
  room: number,
): void {
  const into = data as Float32Array, source = from as Float32Array, start = offset + line * n;
  if (room === n) return into.set(source.subarray(0, count * n), start);
  for (let l = 0, p = start; l < count; l++, p += n) into.set(source.subarray(l * room, l * room + n), p);
}

/** Puts numbers for each place into memory. */
function place(dtype: Floats, address: number, x: Run | null, n: number): void {
  if (x === null) return;
  const to = at(dtype, address) as Float32Array;
  to.set((x.data as Float32Array).subarray(x.offset, x.offset + n));
  to.fill(0, n, roomOf(dtype, n));
}

function numbers(n: number, eps: number): void {
  for (const [address, value] of [[INVERSE, 1 / n], [EPS, eps]]) at("float64", address, 1)[0] = value;
}

/** Goes over lines, as many at a time as there is room for. */
function inPieces(lines: number, room: number, run: (line: number, count: number) => void): void {
  const most = Math.floor(ROOM / room);
  for (let line = 0; line < lines; line += most) run(line, Math.min(most, lines - line));
}

/** Writes normalised lines to `y`, and for each line its mean and what it was multiplied by. Where {@linkcode canNormalize}. */
export function normalize(
  { dtype, lines, n, x, weight }: NormLines,
  bias: Run | null,
  eps: number,
  y: Run,
  means: Run,
  rstds: Run,
): void {
  const kernel = kernelFor(
    `${dtype} ${weight !== null} ${bias !== null}`,
    () => lowerNorm(dtype, weight !== null, bias !== null, features()!),
  );
  const room = roomOf(dtype, n), size = views[dtype].BYTES_PER_ELEMENT, each = STATISTICS / size;
  const piece = at(dtype, places.x), statistics = at(dtype, places.statistics);
  numbers(n, eps);
  place(dtype, places.weight, weight, n);
  place(dtype, places.bias, bias, n);
  inPieces(lines, room, (line, count) => {
    load(piece, x, line, count, n, room);
    kernel(count, room * size);
    store(piece, y, line, count, n, room);
    for (let l = 0; l < count; l++) {
      means.data[means.offset + line + l] = statistics[l * each];
      rstds.data[rstds.offset + line + l] = statistics[l * each + each / 2];
    }
  });
}

/**
 * The gradients of normalised lines, from those of the results and what {@linkcode normalize} told of the lines. Those that are null
 * are not wanted.
 */
export function normalizeBackward(
  { dtype, lines, n, x, weight }: NormLines,
  g: Run,
  means: Run,
  rstds: Run,
  byInput: Run | null,
  byWeight: Run | null,
  byBias: Run | null,
): void {
  const wanted: Wanted = {
    weight: weight !== null,
    byInput: byInput !== null,
    byWeight: byWeight !== null,
    byBias: byBias !== null,
  };
  const kernel = kernelFor(
    `${dtype} back ${Object.values(wanted).join(" ")}`,
    () => lowerNormBackward(dtype, wanted, features()!),
  );
  const room = roomOf(dtype, n), size = views[dtype].BYTES_PER_ELEMENT, each = STATISTICS / size;
  const piece = at(dtype, places.x),
    gradients = at(dtype, places.g),
    statistics = at(dtype, places.statistics);
  const sums = [[byWeight, places.byWeight], [byBias, places.byBias]] as const;
  numbers(n, 0);
  place(dtype, places.weight, weight, n);
  for (const [to, address] of sums) if (to !== null) at("float64", address, room).fill(0);
  inPieces(lines, room, (line, count) => {
    load(piece, x, line, count, n, room);
    load(gradients, g, line, count, n, room, true);
    for (let l = 0; l < count; l++) {
      statistics[l * each] = means.data[means.offset + line + l] as number;
      statistics[l * each + each / 2] = rstds.data[rstds.offset + line + l] as number;
    }
    kernel(count, room * size);
    if (byInput !== null) store(gradients, byInput, line, count, n, room);
  });
  for (const [to, address] of sums) {
    if (to !== null) (to.data as Float64Array).set(at("float64", address, n) as Float64Array, to.offset);
  }
}
