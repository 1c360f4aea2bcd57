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

/** For how many milliseconds no help is asked for when it made things slower; and what the next pause shrinks to when it helped. */
const PAUSE = 20, LONGEST_PAUSE = 500, SHRINKS = 0.98;

/** A time in which no help is asked for: twice as long each time that it did not help. */
export class Pause {
  private next = PAUSE;
  private until = 0;

  /** Whether it is in force. */
  get active(): boolean {
    return performance.now() < this.until;
  }

  /** To be told whether help made something faster. */
  told(helped: boolean): void {
    if (helped) this.next = Math.max(PAUSE, SHRINKS * this.next);
    else {
      this.until = performance.now() + this.next;
      this.next = Math.min(2 * this.next, LONGEST_PAUSE);
    }
  }
}

/** What is known of a kernel's speed. */
export interface Pace {
  /** Milliseconds for an element without help, the best that were seen; infinite before it was measured. */
  alone: number;
  /** In force when help made it slower: other programs need the processor, or copying is most of the work. */
  readonly pause: Pause;
}

/** Nothing is known yet. */
export function newPace(): Pace {
  return { alone: Infinity, pause: new Pause() };
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
  return tier === "wasm+threads" || (pace.alone < Infinity && !pace.pause.active);
}

/** Runs something without help that threads could help with. */
export function runAlone(pace: Pace, elements: number, least: number, run: () => void): void {
  if (elements < least) return run();
  const begin = performance.now();
  run();
  const took = performance.now() - begin;
  pace.alone = Math.min(pace.alone, took / elements);
  if (hasTeam() && mayThread()) currentTeam().pool.spent(took);
}

/** Runs something with help, and asks for none for a while if that took longer than it does alone. */
export function runTogether(pace: Pace, elements: number, run: () => void): void {
  const begin = performance.now();
  run();
  pace.pause.told(performance.now() - begin <= pace.alone * elements);
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
