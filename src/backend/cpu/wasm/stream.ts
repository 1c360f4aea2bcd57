/**
 * Kernels over large arrays by several threads. Ordinary arrays cannot be shared, so the asking thread copies pieces into memory
 * that can be, and results back, while others compute, and computes itself when there is nothing to copy. Pieces are those
 * of a single thread: results do not depend on how many there are.
 * @module
 */
import type { TypedArray } from "../../../tensor/dtype.ts";
import { hasBlasThreads } from "../blas/library.ts";
import { cpuTier } from "../tier.ts";
import { WIDEST_STREAM, WorkerLost } from "../pool.ts";
import { ARRAYS } from "./memory.ts";
import { PROGRAM } from "./tasks.ts";
import { currentTeam, hasTeam, loseTeam, mayThread, MOST_PAGES, type Team } from "./team.ts";

/** What makes a view of some bytes of memory. */
export interface View {
  /** A view of `length` elements from the byte `at`. */
  new (buffer: ArrayBufferLike, at: number, length: number): TypedArray;
  /** Bytes of an element. */
  readonly BYTES_PER_ELEMENT: number;
}

/** A kernel in the memory of a team, with places side by side for pieces that are computed at the same time. */
export interface Ring {
  /** Whose memory it is. */
  readonly team: Team;
  /** The arrays of each place; those of a single number are the same in every place. */
  readonly places: readonly (readonly TypedArray[])[];
  readonly id: number;
  readonly module: Uint8Array<ArrayBuffer>;
  readonly placeBytes: number;
}

/** Where modules are, and behind them the arrays. */
const MODULE = ARRAYS, START = 1 << 17;

/** Pieces for each thread: one that is computed, others that wait or are copied. */
const PLACES_EACH = 3;

/** Bytes between arrays, so that they are no multiple of the size of a page apart. */
const PADDING = 192;

let rings = 0;

/**
 * Of so many milliseconds of work all kernels are tried with help for some, and without it for as long. All at once: workers that
 * one kernel keeps awake are there at once for the next.
 */
const CYCLE = 300, TRIAL = 10;

/** Milliseconds of work so far that threads could help with. */
let worked = 0;

/** The speed of a kernel is what it was in about the last so many milliseconds; its first runs only wake caches and workers. */
const MEMORY = 8, FIRST_RUNS = 8;

/** The least and the most of what is known that a run replaces; and how many times as long as usual it may be to count as it is. */
const LEAST_LEARNT = 1 / 32, MOST_LEARNT = 1 / 2, UNUSUAL = 2;

/** How fast a kernel is in some way. */
export class Speed {
  /** Milliseconds for an element, as of late. */
  time = 0;
  private runs = 0;

  /** Whether it has run often enough. */
  get isKnown(): boolean {
    return this.runs >= FIRST_RUNS;
  }

  /** To be told how long so many elements took. */
  learn(took: number, elements: number): void {
    const { time } = this, now = took / elements;
    if (this.runs++ === 0) this.time = now;
    else if (this.runs <= FIRST_RUNS) this.time = Math.min(time, now);
    else {
      const share = Math.min(Math.max(time * elements / MEMORY, LEAST_LEARNT), MOST_LEARNT);
      this.time = time + share * (Math.min(now, UNUSUAL * time) - time);
    }
  }
}

/** What is known of a kernel: how fast it is alone, and with help, which other programs may need the processor for. */
export interface Pace {
  /** Without help. */
  readonly alone: Speed;
  /** With help. */
  readonly together: Speed;
}

/** Nothing is known yet. */
export function newPace(): Pace {
  return { alone: new Speed(), together: new Speed() };
}

/** Whether help is asked for after so many milliseconds of work: in trials, else where it was faster. */
export function prefersHelp({ alone, together }: Pace, worked: number): boolean {
  const phase = worked % CYCLE;
  if (phase < 2 * TRIAL) return phase < TRIAL;
  return alone.time > 0 && (!together.isKnown || together.time <= alone.time);
}

/**
 * The threads of a BLAS library look for work for some hundredths of a second after each product, on the cores that these threads
 * need: beside them there have to be so many times as many elements.
 */
const BESIDE_BLAS = 16;

/** Whether to ask threads for help with so many elements, of which there should be `least`. */
export function asksWorkers(pace: Pace, elements: number, least: number): boolean {
  const tier = cpuTier();
  if (tier === "wasm") return false;
  if (tier === "auto" && elements < (hasBlasThreads() ? BESIDE_BLAS * least : least)) return false;
  if (!hasTeam() || !mayThread() || currentTeam().pool.workers === 0) return false;
  return tier === "wasm+threads" || prefersHelp(pace, worked);
}

/** Runs something without help that threads could help with. */
export function runAlone(pace: Pace, elements: number, least: number, run: () => void): void {
  if (elements < least) return run();
  const begin = performance.now();
  run();
  const took = performance.now() - begin;
  worked += took;
  pace.alone.learn(took, elements);
  if (hasTeam() && mayThread()) currentTeam().pool.spent(took);
}

/** Runs something with help. */
export function runTogether(pace: Pace, elements: number, run: () => void): void {
  const begin = performance.now();
  run();
  const took = performance.now() - begin;
  worked += took;
  pace.together.learn(took, elements);
}

/**
 * Puts a kernel into the memory of the present team. Its arrays have `length` elements of the views' types, or are single numbers.
 * `write` gives the module for these addresses: it takes the number of elements, and the bytes behind the addresses. Null if
 * it is too long.
 */
export function makeRing(
  arrays: readonly { readonly view: View; readonly single: boolean }[],
  length: number,
  write: (addresses: readonly number[], sharedPages: number) => Uint8Array<ArrayBuffer>,
): Ring | null {
  const team = currentTeam(), addresses: number[] = [];
  let end = START;
  arrays.forEach(({ view, single }, j) => {
    addresses.push(single ? 16 * j : end);
    if (!single) end += (length * view.BYTES_PER_ELEMENT + PADDING + 63) & -64;
  });
  const module = write(addresses, MOST_PAGES), placeBytes = end - START;
  if (MODULE + module.length > START) return null;
  const width = Math.min(WIDEST_STREAM, PLACES_EACH * team.pool.threads);
  team.reserve(START + width * placeBytes);
  const { buffer } = team.memory;
  const places = Array.from(
    { length: width },
    (_, w) =>
      arrays.map(({ view: View, single }, j) =>
        single ? new View(buffer, addresses[j], 1) : new View(buffer, addresses[j] + w * placeBytes, length)
      ),
  );
  return { team, places, id: ++rings, module, placeBytes };
}

/**
 * Computes pieces: each is copied to a place by `fill`, and from there by `drain`, in their order. `count` are the elements of
 * a piece, `last` those of the last one; `extra` is told to the function besides. Gives how many pieces are done: all, or fewer if a worker was lost.
 */
export function runRing(
  { team, places, id, module, placeBytes }: Ring,
  pieces: number,
  count: number,
  last: number,
  fill: (place: readonly TypedArray[], piece: number) => void,
  drain: (place: readonly TypedArray[], piece: number, result: number) => void,
  extra = 0,
): number {
  const { pool } = team, { job } = pool, width = places.length;
  new Uint8Array(team.memory.buffer, MODULE, module.length).set(module);
  job.set([id, MODULE, module.length, width, placeBytes, pieces - 1, count, last, extra]);
  let done = 0;
  try {
    pool.stream({
      count: pieces,
      width,
      fill: (piece) => fill(places[piece % width], piece),
      drain: (piece, result) => {
        drain(places[piece % width], piece, result);
        done = piece + 1;
      },
    }, PROGRAM);
  } catch (error) {
    if (!(error instanceof WorkerLost)) throw error;
    loseTeam();
  }
  return done;
}
