/**
 * A progress bar around a loop.
 * @module
 */

import { defaultSink, type ProgressSink } from "./progress_bars.ts";

/** Options of {@linkcode progress}. */
export interface ProgressOptions {
  /** How many items there will be, where the iterable does not say. */
  total?: number;
  /** Words before the bar. */
  label?: string;
}

function totalOf(items: unknown, total: number | undefined): number | undefined {
  if (total !== undefined) {
    if (!(total >= 0)) throw new RangeError(`progress: total must be a number of items, got ${total}`);
    return total;
  }
  if (typeof items === "number") return items;
  const sized = items as { length?: unknown; size?: unknown };
  if (typeof sized.length === "number") return sized.length;
  return typeof sized.size === "number" ? sized.size : undefined;
}

function* range(count: number): Generator<number> {
  for (let i = 0; i < count; i++) yield i;
}

/**
 * A loop's items, drawn as they go by: a bar with rate and time left on a terminal and in a notebook (live in
 * synchronous loops too), one line at the end elsewhere. Loops within loops have bars under each other.
 *
 * @param items What to loop over; a number n stands for 0, 1, ..., n - 1.
 * @param options `total` where the iterable has no length or size, and a `label`.
 * @returns An iterable of the same items; an asynchronous one of asynchronous ones.
 * @throws {TypeError} If items cannot be looped over.
 * @throws {RangeError} If a number or the total is not a count.
 * @example
 * ```ts
 * import { progress } from "./progress.ts";
 * let sum = 0;
 * for (const i of progress(100, { label: "adding" })) sum += i;
 * console.log(sum); // 4950
 * ```
 */
export function progress(items: number, options?: ProgressOptions): Iterable<number>;
/** As above, over the items of any iterable. */
export function progress<T>(items: Iterable<T>, options?: ProgressOptions): Iterable<T>;
/** As above, over items that arrive in their own time: `for await (const x of progress(stream))`. */
export function progress<T>(items: AsyncIterable<T>, options?: ProgressOptions): AsyncIterable<T>;
export function progress<T>(
  items: number | Iterable<T> | AsyncIterable<T>,
  options: ProgressOptions = {},
): Iterable<number | T> | AsyncIterable<T> {
  return progressOn(items as Iterable<T>, options, defaultSink);
}

function has(items: unknown, symbol: symbol): boolean {
  return typeof (items as Record<symbol, unknown> | null | undefined)?.[symbol] === "function";
}

/** {@linkcode progress} with the place to draw and the clock given. */
export function progressOn(
  items: number,
  options: ProgressOptions,
  sink: () => ProgressSink,
  now?: () => number,
): Iterable<number>;
/** As above, over the items of any iterable. */
export function progressOn<T>(
  items: number | Iterable<T>,
  options: ProgressOptions,
  sink: () => ProgressSink,
  now?: () => number,
): Iterable<number | T>;
/** As above, over items that arrive in their own time. */
export function progressOn<T>(
  items: AsyncIterable<T>,
  options: ProgressOptions,
  sink: () => ProgressSink,
  now?: () => number,
): AsyncIterable<T>;
export function progressOn<T>(
  items: number | Iterable<T> | AsyncIterable<T>,
  options: ProgressOptions,
  sink: () => ProgressSink,
  now: () => number = () => performance.now(),
): Iterable<number | T> | AsyncIterable<T> {
  if (typeof items === "number" && !(Number.isInteger(items) && items >= 0)) {
    throw new RangeError(`progress: a number of items must be a whole number from 0, got ${items}`);
  }
  const later = !has(items, Symbol.iterator) && has(items, Symbol.asyncIterator);
  if (typeof items !== "number" && !later && !has(items, Symbol.iterator)) {
    throw new TypeError(`progress: expected an iterable or a number of items, got ${typeof items}`);
  }
  if (typeof options !== "object" || options === null) {
    throw new TypeError("progress: options must be an object such as { total: 100 }");
  }
  const total = totalOf(items, options.total);
  const meter = (): Meter => new Meter(total, options.label ?? "", sink(), now);
  if (later) return { [Symbol.asyncIterator]: () => drawnLater(items as AsyncIterable<T>, meter()) };
  return {
    [Symbol.iterator]: () =>
      drawn<number | T>(typeof items === "number" ? range(items) : items as Iterable<T>, meter()),
  };
}

/** Counts the items of one loop, and draws when it is time to. */
class Meter {
  readonly #start: number;
  #last: number;
  #done = 0;

  constructor(
    private readonly total: number | undefined,
    private readonly label: string,
    private readonly sink: ProgressSink,
    private readonly now: () => number,
  ) {
    this.#start = this.#last = now();
    if (sink.interval < Infinity) this.#draw(false);
  }

  #draw(finished: boolean): void {
    const { total, label } = this, seconds = (this.now() - this.#start) / 1000;
    this.sink.draw({ done: this.#done, total, seconds, label, finished });
  }

  step(): void {
    this.#done++;
    const time = this.now();
    if (time - this.#last < this.sink.interval) return;
    this.#last = time;
    this.#draw(false);
  }

  end(): void {
    this.#draw(true);
  }
}

function* drawn<T>(items: Iterable<T>, meter: Meter): Generator<T> {
  try {
    for (const item of items) {
      yield item;
      meter.step();
    }
  } finally {
    // Also after a break or an error in the loop, so that the line is ended and shows how far it came.
    meter.end();
  }
}

async function* drawnLater<T>(items: AsyncIterable<T>, meter: Meter): AsyncGenerator<T> {
  try {
    for await (const item of items) {
      yield item;
      meter.step();
    }
  } finally {
    meter.end();
  }
}
