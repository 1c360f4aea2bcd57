/**
 * A progress bar around a loop.
 * @module
 */

import { escapeHTML } from "./escape.ts";
import { notebookHost, sendDisplay } from "./notebook.ts";

/** Options of {@linkcode progress}. */
export interface ProgressOptions {
  /** How many items there will be, where the iterable does not say. */
  total?: number;
  /** Words before the bar. */
  label?: string;
}

/** How far a loop is. */
export interface ProgressState {
  /** Items handed out and finished. */
  readonly done: number;
  /** Items in all, where known. */
  readonly total: number | undefined;
  /** Seconds since the start. */
  readonly seconds: number;
  /** Words before the bar. */
  readonly label: string;
  /** Whether the loop is over. */
  readonly finished: boolean;
}

/** Where a progress bar is drawn. */
export interface ProgressSink {
  /** Milliseconds to leave between two pictures. */
  readonly interval: number;
  /** Draws a state; the last call has `finished`. */
  draw(state: ProgressState): void;
}

const BAR = 24;
const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/** Seconds as 00:07, 12:34 or 1:02:03. */
function clock(seconds: number): string {
  const s = Math.round(seconds);
  const two = (n: number): string => String(n).padStart(2, "0");
  const tail = `${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
  return s < 3600 ? tail : `${Math.floor(s / 3600)}:${tail}`;
}

/** Items a second, or seconds an item where that is slower than one a second. */
function speed(state: ProgressState): string {
  if (state.done === 0 || state.seconds <= 0) return "? it/s";
  const rate = state.done / state.seconds;
  if (rate < 1) return `${(1 / rate).toFixed(2)} s/it`;
  return `${rate >= 1000 ? Math.round(rate).toLocaleString("en-US") : rate.toPrecision(3)} it/s`;
}

/** `label: 40/100 [00:04<00:06, 10.0 it/s]` */
function counts(state: ProgressState): string {
  const { done, total, seconds, label, finished } = state;
  const head = label ? `${label}: ` : "";
  if (total === undefined) return `${head}${done} it [${clock(seconds)}, ${speed(state)}]`;
  const left = finished || done === 0 ? "" : `<${clock((seconds / done) * Math.max(0, total - done))}`;
  return `${head}${done}/${total} [${clock(seconds)}${left}, ${speed(state)}]`;
}

function fraction(state: ProgressState): number {
  return state.total ? Math.min(1, state.done / state.total) : 1;
}

/**
 * One line with a bar of block characters.
 *
 * @param state How far the loop is.
 * @returns The line, without a line end.
 */
export function progressLine(state: ProgressState): string {
  if (state.total === undefined) return counts(state);
  const eighths = Math.round(fraction(state) * BAR * 8);
  const bar = ("█".repeat(eighths >> 3) + EIGHTHS[eighths & 7]).padEnd(BAR);
  const percent = `${Math.floor(fraction(state) * 100)}%`.padStart(4);
  const text = counts(state);
  const split = state.label ? state.label.length + 2 : 0;
  return `${text.slice(0, split)}${percent} |${bar}| ${text.slice(split)}`;
}

/** A bar redrawn in place on a terminal. */
class TerminalSink implements ProgressSink {
  readonly interval = 100;

  draw(state: ProgressState): void {
    const line = progressLine(state);
    Deno.stderr.writeSync(new TextEncoder().encode(`\r\x1b[2K${line}${state.finished ? "\n" : ""}`));
  }
}

/** One plain line at the end: what a log file or a pipe wants. */
class LogSink implements ProgressSink {
  readonly interval = Infinity;

  draw(state: ProgressState): void {
    if (state.finished) console.error(counts(state));
  }
}

/** A display of the running cell, replaced as the loop goes; live in synchronous loops too. */
class NotebookSink implements ProgressSink {
  readonly interval = 250;
  readonly #host: NonNullable<ReturnType<typeof notebookHost>>;
  readonly #id = crypto.randomUUID();
  #sent = false;

  constructor(host: NonNullable<ReturnType<typeof notebookHost>>) {
    this.#host = host;
  }

  draw(state: ProgressState): void {
    const bar = state.total === undefined
      ? ""
      : `<progress max="1" value="${fraction(state).toFixed(4)}" style="width:14em;vertical-align:middle">` +
        `</progress> `;
    const data = {
      "text/plain": progressLine(state),
      "text/html": `<div style="font:13px monospace">${bar}${escapeHTML(counts(state))}</div>`,
    };
    void sendDisplay(this.#host, data, this.#id, this.#sent);
    this.#sent = true;
  }
}

/** The sink that fits where this code runs. */
function defaultSink(): ProgressSink {
  const host = notebookHost();
  if (host) return new NotebookSink(host);
  return Deno.stderr.isTerminal() ? new TerminalSink() : new LogSink();
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
 * synchronous loops too), one line at the end elsewhere.
 *
 * @param items What to loop over; a number n stands for 0, 1, ..., n - 1.
 * @param options `total` where the iterable has no length or size, and a `label`.
 * @returns An iterable of the same items.
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
export function progress<T>(
  items: number | Iterable<T>,
  options: ProgressOptions = {},
): Iterable<number | T> {
  return progressOn(items, options, defaultSink);
}

/**
 * {@linkcode progress} with the place to draw and the clock given.
 *
 * @param items What to loop over, or a count.
 * @param options As for progress.
 * @param sink Makes the place to draw, once a loop starts.
 * @param now The time in milliseconds.
 * @returns An iterable of the same items.
 */
export function progressOn<T>(
  items: number | Iterable<T>,
  options: ProgressOptions,
  sink: () => ProgressSink,
  now: () => number = () => performance.now(),
): Iterable<number | T> {
  if (typeof items === "number" && !(Number.isInteger(items) && items >= 0)) {
    throw new RangeError(`progress: a number of items must be a whole number from 0, got ${items}`);
  }
  if (typeof items !== "number" && typeof items?.[Symbol.iterator] !== "function") {
    throw new TypeError(`progress: expected an iterable or a number of items, got ${typeof items}`);
  }
  const total = totalOf(items, options.total);
  const label = options.label ?? "";
  return {
    [Symbol.iterator]: () =>
      drawn<number | T>(typeof items === "number" ? range(items) : items, total, label, sink(), now),
  };
}

function* drawn<T>(
  items: Iterable<T>,
  total: number | undefined,
  label: string,
  sink: ProgressSink,
  now: () => number,
): Generator<T> {
  const start = now();
  let done = 0;
  let last = start;
  const draw = (finished: boolean): void =>
    sink.draw({ done, total, seconds: (now() - start) / 1000, label, finished });
  if (sink.interval < Infinity) draw(false);
  try {
    for (const item of items) {
      yield item;
      done++;
      const time = now();
      if (time - last >= sink.interval) {
        last = time;
        draw(false);
      }
    }
  } finally {
    // Also after a break or an error in the loop, so that the line is ended and shows how far it came.
    draw(true);
  }
}
