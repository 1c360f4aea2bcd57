/**
 * The part of an interrupt that happens inside the kernel: ending a cell that awaits.
 *
 * V8 can end a running loop from outside, but not an `await`. A promise that nothing can settle any more, however,
 * ends its cell when it is collected. So an interrupt gives the cell's own SIGINT listeners a moment to stop it,
 * then cancels the timers that the cell started and collects garbage. A cell that computes between its awaits is ended
 * from outside after all, which does not work each time. What is left are cells that wait for something that Deno
 * itself holds, a request on the network, say: they end when it does.
 *
 * @module
 */

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** What a cell's own listeners get to stop it, in milliseconds. */
const GRACE = 150;
const COLLECTIONS = 5;
/** An event loop whose turns take longer than this, in milliseconds, is computing. */
const BUSY_TURN = 4;
const TURNS = 10;
/** A single turn that takes longer than this is certainly computing. */
const LONG_TURN = 60;

/** Ends awaiting cells. One for the process. */
export class Interrupter {
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  readonly #setTimeout = globalThis.setTimeout;
  #cell = 0;
  #collect: (() => void) | undefined;

  /** Follows the timers that cells start. */
  constructor() {
    // The types of timers differ between Deno and Node; what is called here is the same.
    // deno-lint-ignore no-explicit-any
    const wrap = <T extends (callback: any, ...rest: any[]) => any>(start: T, repeats: boolean): T => {
      // deno-lint-ignore no-explicit-any
      const wrapped = (callback: any, ...rest: unknown[]) => {
        if (typeof callback !== "function") return start(callback, ...rest);
        const timer = start((...args: unknown[]) => {
          if (!repeats) this.#timers.delete(timer);
          callback(...args);
        }, ...rest);
        this.#timers.add(timer);
        return timer;
      };
      return Object.defineProperties(wrapped, Object.getOwnPropertyDescriptors(start)) as T;
    };
    globalThis.setTimeout = wrap(globalThis.setTimeout, false);
    globalThis.setInterval = wrap(globalThis.setInterval, true);
  }

  /** A cell has ended: its timers are its own business from now on. */
  endCell(): void {
    this.#cell++;
    this.#timers.clear();
  }

  /**
   * Ends the running cell, unless it ends by itself within a moment. Calls `onBusy` where that fails and the cell
   * computes nearly all the time.
   */
  interrupt(onBusy: () => void): void {
    const cell = this.#cell;
    const later = (milliseconds: number, act: () => void) =>
      this.#setTimeout(() => {
        if (this.#cell === cell) act();
      }, milliseconds);
    later(GRACE, () => {
      this.#cancelTimers();
      // If long computations go on now, they did not hang on timers, and nothing will be collected.
      this.#measure(later, 1, LONG_TURN, onBusy, () => {
        // One collection does not always do: some references die only when the event loop has turned.
        // And where a timer had just fired, the cell has started the next.
        for (let i = 1; i <= COLLECTIONS; i++) {
          later(20 * i, () => {
            this.#cancelTimers();
            this.#collectGarbage();
          });
        }
        later(20 * (COLLECTIONS + 1), () => this.#measure(later, TURNS, TURNS * BUSY_TURN, onBusy));
      });
    });
  }

  /** Calls `onBusy` as soon as some turns of the event loop take longer than a time, or else `onFree`. */
  #measure(
    later: (milliseconds: number, act: () => void) => void,
    turns: number,
    milliseconds: number,
    onBusy: () => void,
    onFree?: () => void,
  ): void {
    const started = performance.now();
    const turn = () => {
      if (performance.now() - started > milliseconds) onBusy();
      else if (--turns > 0) later(0, turn);
      else onFree?.();
    };
    later(0, turn);
  }

  #cancelTimers(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }

  #collectGarbage(): void {
    if (this.#collect === undefined) {
      setFlagsFromString("--expose-gc");
      this.#collect = runInNewContext("gc") as () => void;
    }
    this.#collect();
  }
}
