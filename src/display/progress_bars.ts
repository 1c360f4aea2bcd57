/**
 * Progress bars: their text, and the place where those of nested loops are drawn together.
 * @module
 */

import { escapeHTML } from "./escape.ts";
import { notebookHost, sendDisplay } from "./notebook.ts";

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

/** Draws the bars of loops within loops, the outermost first. */
export interface ProgressScreen {
  /** Milliseconds to leave between two pictures. */
  readonly interval: number;
  /** Draws the bars; the last call has `finished`. */
  show(states: readonly ProgressState[], finished: boolean): void;
}

/** Columns of the terminal, as far as known. */
function columns(): number {
  try {
    return Deno.consoleSize().columns;
  } catch {
    return Infinity;
  }
}

/**
 * Bars redrawn in place on a terminal, one under the other.
 *
 * @param write Takes the text.
 * @param width Columns of the terminal: longer lines would wrap, and could not be drawn over.
 * @returns The screen.
 */
export function terminalScreen(write: (text: string) => void, width: () => number = columns): ProgressScreen {
  let height = 0;
  return {
    interval: 100,
    show(states, finished) {
      const lines = states.map((state) => [...progressLine(state)].slice(0, width() - 1).join(""));
      const up = height > 1 ? `\x1b[${height - 1}A` : "";
      height = lines.length;
      write(`\r${up}\x1b[J${lines.join("\n")}${finished ? "\n" : ""}`);
    },
  };
}

/** Plain lines at the end: what a log file or a pipe wants. */
function logScreen(): ProgressScreen {
  return {
    interval: Infinity,
    show(states, finished) {
      if (finished) { for (const state of states) console.error(counts(state)); }
    },
  };
}

/** A display of the running cell, replaced as the loops go; live in synchronous loops too. */
function notebookScreen(host: NonNullable<ReturnType<typeof notebookHost>>): ProgressScreen {
  const id = crypto.randomUUID();
  let sent = false;
  const html = (state: ProgressState): string => {
    const bar = state.total === undefined
      ? ""
      : `<progress max="1" value="${fraction(state).toFixed(4)}" style="width:14em;vertical-align:middle">` +
        `</progress> `;
    return `<div style="font:13px monospace">${bar}${escapeHTML(counts(state))}</div>`;
  };
  return {
    interval: 250,
    show(states) {
      const data = {
        "text/plain": states.map(progressLine).join("\n"),
        "text/html": states.map(html).join(""),
      };
      void sendDisplay(host, data, id, sent);
      sent = true;
    },
  };
}

/** The screen that fits where this code runs. */
function defaultScreen(): ProgressScreen {
  const host = notebookHost();
  if (host) return notebookScreen(host);
  if (!Deno.stderr.isTerminal()) return logScreen();
  return terminalScreen((text) => void Deno.stderr.writeSync(new TextEncoder().encode(text)));
}

/** One loop's place on a board. */
interface Slot {
  state: ProgressState | null;
  active: boolean;
}

/** The bars of loops that run at the same time, one in another or side by side. */
export class ProgressBoard {
  readonly #screen: ProgressScreen;
  readonly #now: () => number;
  #slots: Slot[] = [];
  #last = -Infinity;

  /** A board on a screen; `now` is the time in milliseconds. */
  constructor(screen: ProgressScreen, now: () => number = () => performance.now()) {
    this.#screen = screen;
    this.#now = now;
  }

  /** Whether a loop is running. */
  get active(): boolean {
    return this.#slots.some((slot) => slot.active);
  }

  /** A place for a loop that begins: under the loops that run, over the finished one that stood there. */
  open(): ProgressSink {
    const slot: Slot = { state: null, active: true };
    const before = this.#slots.findLastIndex((other) => other.active);
    // Loops side by side keep the places of those that finished before the last that runs.
    this.#slots = [...this.#slots.slice(0, before + 1), slot];
    return { interval: this.#screen.interval, draw: (state) => this.#draw(slot, state) };
  }

  #draw(slot: Slot, state: ProgressState): void {
    slot.state = state;
    if (state.finished) {
      slot.active = false;
      // What ran within it is over, too.
      const at = this.#slots.indexOf(slot);
      if (at >= 0) this.#slots = this.#slots.filter((other, i) => i <= at || other.active);
    }
    const over = !this.active, time = this.#now();
    if (!over && (this.#screen.interval === Infinity || time - this.#last < this.#screen.interval)) return;
    this.#last = time;
    this.#screen.show(this.#slots.flatMap((s) => s.state ?? []), over);
  }
}

let board: ProgressBoard | null = null;

/**
 * The place for a loop that begins, where this code runs.
 *
 * @returns Where to draw it.
 */
export function defaultSink(): ProgressSink {
  if (!board?.active) board = new ProgressBoard(defaultScreen());
  return board.open();
}
