/**
 * A client of any Jupyter kernel: sends requests, collects replies and outputs.
 *
 * @module
 */

import type { ConnectionInfo } from "./connection.ts";
import { type JsonObject, type Message, MessageError, Session, Signer } from "./messages.ts";
import { ZmtpConnection } from "./zmtp.ts";

/** Thrown when a kernel does not answer in time. */
export class KernelTimeout extends Error {
  /** Always `"KernelTimeout"`. */
  override name = "KernelTimeout";
}

/** Thrown when the kernel's process or connection ends while an answer is awaited. */
export class KernelDied extends Error {
  /** Always `"KernelDied"`. */
  override name = "KernelDied";
}

/** Options of {@linkcode KernelClient.execute}. */
export interface ExecuteOptions {
  /** Neither counted nor shown: no execute_input, no result. Default: false. */
  silent?: boolean;
  /** Whether an error aborts the requests queued behind this one. Default: true. */
  stopOnError?: boolean;
  /** Called with every iopub message that this request causes, also with those that come after its end. */
  onMessage?: (message: Message) => void;
}

/** What came of one {@linkcode KernelClient.execute}. */
export interface Execution {
  /** Id of the request. */
  id: string;
  /** The reply's content once the kernel has also reported to be idle: then all outputs have arrived. */
  done: Promise<JsonObject>;
}

interface Pending {
  reply: Message | undefined;
  idle: boolean;
  needsIdle: boolean;
  resolve: (message: Message) => void;
  reject: (error: Error) => void;
}

/** A connection to a kernel's shell, control and iopub ports. */
export class KernelClient {
  readonly #session = new Session();
  readonly #signer: Signer;
  readonly #shell: ZmtpConnection;
  readonly #control: ZmtpConnection;
  readonly #iopub: ZmtpConnection;
  readonly #pending = new Map<string, Pending>();
  readonly #listeners = new Map<string, (message: Message) => void>();
  #dead: Error | undefined;

  private constructor(
    signer: Signer,
    shell: ZmtpConnection,
    control: ZmtpConnection,
    iopub: ZmtpConnection,
  ) {
    this.#signer = signer;
    this.#shell = shell;
    this.#control = control;
    this.#iopub = iopub;
    for (const connection of [shell, control, iopub]) void this.#listen(connection);
  }

  /**
   * Connects to the kernel of a connection file and waits until it answers on every channel.
   *
   * Throws {@linkcode KernelTimeout} when that takes longer than `timeoutMilliseconds` (default 30,000).
   */
  static async connect(
    info: ConnectionInfo,
    options: { timeoutMilliseconds?: number; signal?: AbortSignal } = {},
  ): Promise<KernelClient> {
    const timeoutMilliseconds = options.timeoutMilliseconds ?? 30_000;
    const deadline = performance.now() + timeoutMilliseconds;
    const identity = new TextEncoder().encode(crypto.randomUUID());
    const open = (port: number, type: "DEALER" | "SUB") =>
      ZmtpConnection.connect(
        { hostname: info.ip, port, retryMilliseconds: timeoutMilliseconds, signal: options.signal },
        { type, identity, maxMessageBytes: 512 * 1024 * 1024 },
      );
    const opened = await Promise.allSettled([
      open(info.shell_port, "DEALER"),
      open(info.control_port, "DEALER"),
      open(info.iopub_port, "SUB"),
    ]);
    const failed = opened.find((outcome) => outcome.status === "rejected");
    const connections = opened.flatMap((outcome) => outcome.status === "fulfilled" ? [outcome.value] : []);
    if (failed !== undefined) {
      for (const connection of connections) connection.close();
      throw failed.reason;
    }
    const [shell, control, iopub] = connections;
    await iopub.subscribe();
    const client = new KernelClient(new Signer(info.key), shell, control, iopub);
    try {
      // A subscription takes effect some time after it is sent. Ask until an answer is heard on iopub too.
      for (;;) {
        if (performance.now() > deadline) {
          throw new KernelTimeout(`the kernel did not answer within ${timeoutMilliseconds / 1000} s`);
        }
        options.signal?.throwIfAborted();
        try {
          await client.#request(shell, "kernel_info_request", {}, {
            needsIdle: true,
            timeoutMilliseconds: 400,
          });
          return client;
        } catch (error) {
          if (!(error instanceof KernelTimeout)) throw error;
        }
      }
    } catch (error) {
      client.close();
      throw error;
    }
  }

  /** Sends a request on the shell channel and awaits its reply's content. */
  async request(type: string, content: JsonObject = {}, timeoutMilliseconds?: number): Promise<JsonObject> {
    return (await this.#request(this.#shell, type, content, { timeoutMilliseconds })).content;
  }

  /** The kernel's own description: language_info, banner, implementation. */
  kernelInfo(): Promise<JsonObject> {
    return this.request("kernel_info_request");
  }

  /** Starts a cell. Several may be started one after the other; the kernel runs them in order. */
  execute(code: string, options: ExecuteOptions = {}): Execution {
    const silent = options.silent ?? false;
    const message = this.#session.message("execute_request", {
      code,
      silent,
      store_history: !silent,
      user_expressions: {},
      allow_stdin: false,
      stop_on_error: options.stopOnError ?? true,
    });
    const id = message.header.msg_id;
    if (options.onMessage !== undefined) this.#listeners.set(id, options.onMessage);
    const done = this.#send(this.#shell, message, { needsIdle: true }).then((reply) => reply.content);
    return { id, done };
  }

  /** Asks the kernel to interrupt what it runs. */
  async interrupt(timeoutMilliseconds: number = 5000): Promise<void> {
    await this.#request(this.#control, "interrupt_request", {}, { timeoutMilliseconds });
  }

  /** Asks the kernel to end. */
  async shutdown(timeoutMilliseconds: number = 5000): Promise<void> {
    await this.#request(this.#control, "shutdown_request", { restart: false }, { timeoutMilliseconds });
  }

  /** Rejects everything that is awaited, because the kernel's process ended. */
  fail(reason: Error): void {
    this.#dead ??= reason;
    for (const [id, pending] of this.#pending) {
      this.#pending.delete(id);
      pending.reject(reason);
    }
  }

  /** Closes the connections. The kernel lives on. */
  close(): void {
    for (const connection of [this.#shell, this.#control, this.#iopub]) connection.close();
    this.fail(new KernelDied("the connection to the kernel is closed"));
  }

  #request(
    connection: ZmtpConnection,
    type: string,
    content: JsonObject,
    options: { needsIdle?: boolean; timeoutMilliseconds?: number } = {},
  ): Promise<Message> {
    return this.#send(connection, this.#session.message(type, content), options);
  }

  #send(
    connection: ZmtpConnection,
    message: Message,
    options: { needsIdle?: boolean; timeoutMilliseconds?: number },
  ): Promise<Message> {
    if (this.#dead !== undefined) return Promise.reject(this.#dead);
    const { promise, resolve, reject } = Promise.withResolvers<Message>();
    const id = message.header.msg_id;
    this.#pending.set(id, {
      reply: undefined,
      idle: false,
      needsIdle: options.needsIdle ?? false,
      resolve,
      reject,
    });
    connection.send(this.#signer.encode(message)).catch((error) => {
      this.#pending.delete(id);
      reject(new KernelDied(`the kernel closed the connection: ${error.message}`));
    });
    const limit = options.timeoutMilliseconds;
    if (limit === undefined) return promise;
    const timer = setTimeout(() => {
      this.#pending.delete(id);
      reject(new KernelTimeout(`the kernel did not answer ${message.header.msg_type} within ${limit} ms`));
    }, limit);
    return promise.finally(() => clearTimeout(timer));
  }

  async #listen(connection: ZmtpConnection): Promise<void> {
    try {
      for (let frames = await connection.receive(); frames !== null; frames = await connection.receive()) {
        try {
          this.#take(connection, this.#signer.decode(frames));
        } catch (error) {
          if (!(error instanceof MessageError)) throw error;
          console.error(`ignoring a message from the kernel: ${error.message}`);
        }
      }
      this.fail(new KernelDied("the kernel closed the connection"));
    } catch (error) {
      connection.close();
      this.fail(error as Error);
    }
  }

  #take(connection: ZmtpConnection, message: Message): void {
    const id = message.parentHeader.msg_id;
    if (id === undefined) return;
    const pending = this.#pending.get(id);
    if (connection === this.#iopub) {
      this.#listeners.get(id)?.(message);
      const { msg_type } = message.header;
      if (pending && msg_type === "status" && message.content.execution_state === "idle") pending.idle = true;
    } else if (pending) {
      pending.reply = message;
    }
    if (pending?.reply !== undefined && (pending.idle || !pending.needsIdle)) {
      this.#pending.delete(id);
      pending.resolve(pending.reply);
    }
  }
}
