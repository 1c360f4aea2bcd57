/**
 * The bridge's own way into the kernel: silent cells that call what the prelude has left there.
 *
 * @module
 */

import { type JsonObject, type Message, Session, type Signer } from "./messages.ts";
import { SYNC } from "./protocol.ts";
import { withinTime } from "./time.ts";
import type { ZmtpConnection } from "./zmtp.ts";

/** Ask again when nothing has been heard from the kernel for so long. */
const PATIENCE = 1000;
const ATTEMPTS = 5;

/** Calls code inside the kernel. Its answers come behind all outputs that were sent before. */
export class KernelService {
  /** In whose name the requests are. */
  readonly session: Session = new Session("kernel");
  readonly #signer: Signer;
  readonly #connection: ZmtpConnection;
  readonly #own = new Set<string>();
  #reply: { id: string; resolve: (reply: Message) => void } | undefined;
  #answer: { id: string; resolve: (content: JsonObject) => void } | undefined;
  #heard = 0;
  #closed = false;

  /** Takes a connection to the kernel's shell port. */
  constructor(connection: ZmtpConnection, signer: Signer) {
    this.#connection = connection;
    this.#signer = signer;
  }

  /** Hands over the kernel's replies until the connection ends; `decode` gives undefined for what is no message. */
  async read(decode: (frames: Uint8Array[]) => Message | undefined): Promise<void> {
    for (;;) {
      const frames = await this.#connection.receive();
      if (frames === null) return;
      const reply = decode(frames);
      if (reply !== undefined && reply.parentHeader.msg_id === this.#reply?.id) this.#reply?.resolve(reply);
    }
  }

  /** Whether an output bears the id of one of these requests. */
  owns(id: string | undefined): boolean {
    return id !== undefined && this.#own.has(id);
  }

  /** Takes an output of the kernel; true if it is an answer, which goes no further. */
  take(message: Message): boolean {
    if (message.header.msg_type !== SYNC) return false;
    if (message.content.id === this.#answer?.id) this.#answer?.resolve(message.content);
    return true;
  }

  /** Notes that the kernel is alive: a part of a message, or a message, has come. */
  hear(): void {
    this.#heard++;
  }

  /** Runs code silently. */
  async execute(code: string): Promise<Message> {
    const message = this.session.message("execute_request", {
      code,
      silent: true,
      store_history: false,
      user_expressions: {},
      allow_stdin: false,
      stop_on_error: false,
    });
    const id = message.header.msg_id;
    // Outputs of earlier cells may bear the ids of these requests, but not of those long gone.
    this.#own.add(id);
    if (this.#own.size > 100) this.#own.delete(this.#own.values().next().value!);
    const { promise, resolve } = Promise.withResolvers<Message>();
    this.#reply = { id, resolve };
    await this.#connection.send(this.#signer.encode(message));
    return await promise;
  }

  /**
   * Calls a method of the kernel's host (see prelude.ts) with code for its arguments, and gives what it answers;
   * undefined when no answer comes. It may be called again when an answer is lost: it should change nothing.
   */
  async call(method: string, ...args: string[]): Promise<JsonObject | undefined> {
    for (let attempt = 0; attempt < ATTEMPTS && !this.#closed; attempt++) {
      const id = crypto.randomUUID();
      const seen = new Promise<JsonObject>((resolve) => this.#answer = { id, resolve });
      const list = [JSON.stringify(id), ...args].join(", ");
      const reply = await this.execute(`await globalThis[Symbol.for("dinograd.kernel")].${method}(${list})`);
      if (reply.content.status === "error" && args.length > 0) return undefined;
      if (await this.#patiently(seen)) return await seen;
    }
    return undefined;
  }

  /** Ends the connection. */
  close(): void {
    this.#closed = true;
    this.#connection.close();
  }

  /** Awaits `event` as long as the kernel is heard from at least every so often. */
  async #patiently(event: Promise<unknown>): Promise<boolean> {
    for (;;) {
      const heard = this.#heard;
      if (await withinTime(event, PATIENCE)) return true;
      if (this.#heard === heard) return false;
    }
  }
}
