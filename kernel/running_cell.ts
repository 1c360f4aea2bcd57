/**
 * A cell that runs: what the bridge keeps of it, and how it is ended before its time.
 *
 * @module
 */

import type { CellSource } from "./cells.ts";
import type { Header, Message } from "./messages.ts";
import { withinTime } from "./time.ts";

/** A kernel that does not answer a signal for so long is in a loop. Generous: on a loaded machine answers are late. */
const NOTICE_PATIENCE = 500;
/** After its answer the kernel needs so long to end the cell, or to find that it computes all the time. */
const ANSWER_PATIENCE = 5000;
const INTERRUPT_ATTEMPTS = 5;

/** From the moment the kernel gets a cell until all its outputs have come by. */
export class RunningCell {
  /** Whether somebody has tried to end it. */
  interrupted = false;
  /** Messages kept until all other outputs have come by. */
  readonly held: Message[] = [];
  /** The message that the kernel has done with it. */
  idle: Message | undefined;
  #answered = false;
  readonly #end = Promise.withResolvers<void>();
  /** Of the last signal: whether the kernel has noticed it, and whether the cell computes all the time. */
  #notice: PromiseWithResolvers<void> | undefined;
  #busy: PromiseWithResolvers<void> | undefined;

  /**
   * @param header The header of the request.
   * @param source What runs.
   * @param code The code as the client sent it.
   */
  constructor(readonly header: Header, readonly source: CellSource, readonly code: string) {}

  /** Takes an output of the cell; true if it is kept until all others have come by. */
  take(message: Message): boolean {
    const { header: { msg_type }, content } = message;
    if (msg_type === "execute_input") {
      content.code = this.code;
      this.source.count = Number(content.execution_count);
    }
    if (msg_type === "status" && content.execution_state === "idle") {
      this.idle = message;
      return true;
    }
    // These end a cell, but text printed before them may still be on its way.
    if (msg_type !== "execute_result" && msg_type !== "error") return false;
    this.held.push(message);
    return true;
  }

  /** The kernel has answered, and only outputs are awaited. Waits until no signal is on its way that would end the next cell. */
  async answered(): Promise<void> {
    this.#answered = true;
    this.#end.resolve();
    if (this.#notice !== undefined) await withinTime(this.#notice.promise, NOTICE_PATIENCE);
  }

  /**
   * Ends the cell. Where its code lets the event loop turn, the kernel answers the signal and deals with it
   * (see interrupt.ts). Where no answer comes, the code is in a loop, and Deno's own interrupt ends it; that must not
   * reach an idle kernel, because it would end whatever runs next, be it a part of Deno's event loop.
   *
   * @param signal Signals the kernel; false where that cannot be done.
   * @param endLoop Sends Deno's own interrupt.
   */
  async interrupt(signal: () => boolean, endLoop: () => Promise<void>): Promise<void> {
    if (this.#answered) return;
    this.interrupted = true;
    for (let attempt = 0; attempt < INTERRUPT_ATTEMPTS && !this.#answered; attempt++) {
      const notice = this.#notice = Promise.withResolvers<void>();
      const busy = this.#busy = Promise.withResolvers<void>();
      if (signal() && await withinTime(notice.promise, NOTICE_PATIENCE)) {
        // A loop that computes between its awaits is hit while it computes.
        const outcome = Promise.race([busy.promise, this.#end.promise]);
        if (!await withinTime(outcome, ANSWER_PATIENCE)) return;
      }
      if (this.#answered) return;
      await endLoop();
      // The loop may have been part of an asynchronous function, which then still has to be ended as such.
      await withinTime(this.#end.promise, NOTICE_PATIENCE);
    }
  }

  /** The kernel has noticed the signal; `busy`: and could not end the cell from inside, because it computes all the time. */
  noticed(busy: boolean): void {
    (busy ? this.#busy : this.#notice)?.resolve();
  }
}
