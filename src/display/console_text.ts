/**
 * Console text in few, large messages. Deno's kernel sends a message a line, which is slow and, by the ten thousand,
 * more than its queue holds.
 * @module
 */

/** Text is sent at most this often while a cell computes, in milliseconds. */
const LIVE_INTERVAL = 60;
/** Text is sent this long after it was printed at the latest when the event loop is free. */
const IDLE_DELAY = 20;
/** The longest text of one message. */
const MAX_TEXT = 100_000;

/** Sends one piece of text of a stream. */
export type SendText = (name: "stdout" | "stderr", text: string) => void;

/** Collects what is printed, and sends it soon, also while a loop keeps the event loop busy. */
export class ConsoleText {
  readonly #send: SendText;
  readonly #startTimer: typeof setTimeout;
  #parts: { name: "stdout" | "stderr"; text: string }[] = [];
  #sentAt = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * Makes a collector of nothing yet.
   *
   * @param send Sends a piece.
   * @param startTimer The function `setTimeout`, for where the global one is another's.
   */
  constructor(send: SendText, startTimer: typeof setTimeout = setTimeout) {
    this.#send = send;
    this.#startTimer = startTimer;
  }

  /**
   * Takes a piece of text.
   *
   * @param text The text.
   * @param level Above 1 for stderr.
   */
  print(text: string, level: number): void {
    const name = level > 1 ? "stderr" : "stdout";
    const last = this.#parts.at(-1);
    if (last?.name === name && last.text.length + text.length <= MAX_TEXT) last.text += text;
    else this.#parts.push({ name, text });
    if (performance.now() - this.#sentAt > LIVE_INTERVAL) this.flush();
    else this.#timer ??= this.#startTimer(() => this.flush(), IDLE_DELAY);
  }

  /** Sends what is there. */
  flush(): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#timer = undefined;
    const parts = this.#parts;
    this.#parts = [];
    for (const { name, text } of parts) {
      for (let at = 0; at < text.length; at += MAX_TEXT) this.#send(name, text.slice(at, at + MAX_TEXT));
    }
    this.#sentAt = performance.now();
  }
}
