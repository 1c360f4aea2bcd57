/**
 * Stands between Jupyter's clients and Deno's kernel.
 *
 * Deno's kernel sends outputs through a queue that races with the end of the cell, so that they arrive late, under
 * the next cell, or not at all for a client that stops listening. The bridge hands requests over one at a time; when
 * a cell has been answered it runs a second, silent one that sends a mark through the same queue, and only when the
 * mark has come by does it pass on the reply and the end of the cell. No waiting times are guessed.
 *
 * Besides, it reports syntax errors, and aborts the cells queued behind one that failed.
 *
 * @module
 */

import { CellSources } from "./cells.ts";
import type { ConnectionInfo } from "./connection.ts";
import { type Header, type JsonObject, type Message, MessageError, Session, Signer } from "./messages.ts";
import { Inspector } from "./inspect/inspector.ts";
import { INTERRUPT, type Thrown, UNCAUGHT, type Uncaught } from "./protocol.ts";
import { RunningCell } from "./running_cell.ts";
import { KernelService } from "./service.ts";
import { describeError, type ErrorContent, findSyntaxError } from "./syntax.ts";
import { formatThrown, parseStack, type TracebackOptions } from "./traceback.ts";
import { Publisher, ZmtpConnection } from "./zmtp.ts";

/** The longest message accepted from a client. */
const MAX_REQUEST_BYTES = 64 * 1024 * 1024;
/** The longest message accepted from the kernel. */
const MAX_OUTPUT_BYTES = 512 * 1024 * 1024;
/** Cells that were sent before an error was reported may arrive so long after. */
const LATE_ARRIVAL = 200;

/** What a {@linkcode Bridge} needs to know about the kernel's process. */
export interface BridgeKernel {
  /** The kernel's own ports. */
  info: ConnectionInfo;
  /** Signals an interrupt to the code in the kernel. False where that cannot be done. */
  signalInterrupt(): boolean;
  /** Called after a shutdown request has been passed on. */
  onShutdown(): void;
}

/** One client's connection, and its own connection to the kernel, which bears the same identity. */
interface Link {
  client: ZmtpConnection;
  kernel: ZmtpConnection;
}

interface Job {
  link: Link;
  request: Message;
  /** When it arrived. */
  time: number;
}

/** See the module's description. */
export class Bridge {
  readonly #outer: ConnectionInfo;
  readonly #kernel: BridgeKernel;
  readonly #signer: Signer;
  readonly #innerSigner: Signer;
  readonly #session = new Session("kernel");
  readonly #traceback: TracebackOptions;
  readonly #publisher = new Publisher();
  readonly #listeners: Deno.TcpListener[] = [];
  readonly #links = new Set<Link>();
  readonly #jobs: Job[] = [];
  #wake: (() => void) | undefined;
  #running: Job | undefined;
  /** When the last cell failed whose failure aborts those behind it. */
  #failure: { time: number; session: string; date: number } | undefined;
  /** The request being processed: its id, and where its reply goes. */
  #awaited: { id: string; resolve: (reply: Message | undefined) => void; idleEnds: boolean } | undefined;
  #cell: RunningCell | undefined;
  #lastHeader: Header | undefined;
  readonly #sources = new CellSources();
  /** Puts cells in operator form. Its parser takes a moment to load, in which the kernel starts. */
  #operators: Promise<typeof import("./operators/cell.ts")> | undefined;
  /** The bridge's own way to the kernel. */
  #service: KernelService | undefined;
  #inspector: Inspector | undefined;
  #closed = false;

  /** Makes a bridge between the client-facing ports of `outer` and a kernel. Nothing is opened yet. */
  constructor(outer: ConnectionInfo, kernel: BridgeKernel) {
    this.#traceback = {
      root: new URL("../", import.meta.url).href,
      full: Deno.env.get("DINOGRAD_STACK") === "full",
      colors: !Deno.env.get("NO_COLOR"),
    };
    this.#outer = outer;
    this.#kernel = kernel;
    this.#signer = new Signer(outer.key);
    this.#innerSigner = new Signer(kernel.info.key);
  }

  /** Binds the client-facing ports. Requests that come early wait until {@linkcode start} is done. */
  listen(): void {
    const bind = (port: number, serve: (conn: Deno.TcpConn) => Promise<void>) => {
      const listener = Deno.listen({ hostname: this.#outer.ip, port });
      this.#listeners.push(listener);
      void (async () => {
        for await (const conn of listener) serve(conn).catch((error) => this.#warn(error));
      })().catch((error) => this.#warn(error));
    };
    bind(this.#outer.iopub_port, (conn) => this.#publisher.serve(conn));
    bind(this.#outer.shell_port, (conn) => this.#serve(conn, "shell_port"));
    bind(this.#outer.control_port, (conn) => this.#serve(conn, "control_port"));
  }

  /** Connects to the kernel, runs the prelude `code` in it and lets the requests through. */
  async start(code: string, signal: AbortSignal): Promise<void> {
    const operators = this.#operators = import("./operators/cell.ts");
    const iopub = await this.#connect("iopub_port", "SUB", undefined, signal);
    await iopub.subscribe();
    void this.#readOutputs(iopub);
    const service = new KernelService(
      await this.#connect("shell_port", "DEALER", undefined, signal),
      this.#innerSigner,
    );
    this.#service = service;
    this.#inspector = new Inspector(
      (method, ...args) => service.call(method, ...args),
      new URL("../mod.ts", import.meta.url).href,
    );
    void service.read((frames) => this.#decode(this.#innerSigner, frames, "the kernel"));
    const reply = await service.execute(code);
    if (reply.content.status !== "ok") {
      throw new Error(`the kernel's prelude failed: ${reply.content.ename}: ${reply.content.evalue}`);
    }
    // The first mark also shows that the subscription has taken effect.
    if (await service.call("sync") === undefined) throw new Error("the kernel's outputs cannot be heard");
    await operators;
    void this.#work();
  }

  /** Sends what is left and closes everything. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const listener of this.#listeners) listener.close();
    await Promise.race([this.#publisher.flush(), new Promise((resolve) => setTimeout(resolve, 500))]);
    this.#publisher.close();
    for (const link of this.#links) {
      await link.client.flush().catch(() => {});
      link.client.close();
      link.kernel.close();
    }
    this.#service?.close();
  }

  #connect(
    port: "shell_port" | "control_port" | "iopub_port",
    type: "DEALER" | "SUB",
    identity?: Uint8Array,
    signal?: AbortSignal,
  ): Promise<ZmtpConnection> {
    const { info } = this.#kernel;
    return ZmtpConnection.connect(
      { hostname: info.ip, port: info[port], retryMilliseconds: 30_000, signal },
      { type, identity, maxMessageBytes: MAX_OUTPUT_BYTES },
    );
  }

  // Clients' requests and their replies

  async #serve(conn: Deno.TcpConn, port: "shell_port" | "control_port"): Promise<void> {
    const client = await ZmtpConnection.accept(conn, { type: "ROUTER", maxMessageBytes: MAX_REQUEST_BYTES });
    let link: Link | undefined;
    try {
      // The same identity: the kernel addresses its questions on the stdin port by the asker's.
      link = { client, kernel: await this.#connect(port, "DEALER", client.peerIdentity) };
      this.#links.add(link);
      void this.#readReplies(link);
      for (let frames = await client.receive(); frames !== null; frames = await client.receive()) {
        const request = this.#decode(this.#signer, frames, "a client");
        if (request === undefined) continue;
        if (port === "shell_port") this.#enqueue({ link, request, time: performance.now() });
        else this.#control(link, request);
      }
    } finally {
      client.close();
      if (link !== undefined) {
        this.#links.delete(link);
        // Requests still queued will run, as with any kernel; their replies have nowhere to go.
        this.#closeIfDone(link);
      }
    }
  }

  #control(link: Link, request: Message): void {
    if (request.header.msg_type === "interrupt_request") {
      void this.#interrupt(link).catch((error) => this.#warn(error));
      this.#reply(link, this.#session.message("interrupt_reply", { status: "ok" }, request));
      return;
    }
    void link.kernel.send(this.#innerSigner.encode(request)).catch((error) => this.#warn(error));
    if (request.header.msg_type === "shutdown_request") this.#kernel.onShutdown();
  }

  async #interrupt(link: Link): Promise<void> {
    await this.#cell?.interrupt(
      () => this.#kernel.signalInterrupt(),
      () => link.kernel.send(this.#innerSigner.encode(this.#session.message("interrupt_request", {}))),
    );
  }

  async #readReplies(link: Link): Promise<void> {
    try {
      for (let frames = await link.kernel.receive(); frames !== null; frames = await link.kernel.receive()) {
        const reply = this.#decode(this.#innerSigner, frames, "the kernel");
        if (reply === undefined || reply.parentHeader.session === this.#service?.session.id) continue;
        if (this.#awaited !== undefined && reply.parentHeader.msg_id === this.#awaited.id) {
          this.#awaited.resolve(reply);
        } else {
          this.#reply(link, reply);
        }
      }
    } catch (error) {
      this.#warn(error);
    }
    link.kernel.close();
  }

  #enqueue(job: Job): void {
    this.#jobs.push(job);
    this.#wake?.();
  }

  async #work(): Promise<void> {
    while (!this.#closed) {
      const job = this.#jobs.shift();
      if (job === undefined) {
        await new Promise<void>((resolve) => this.#wake = resolve);
        this.#wake = undefined;
        continue;
      }
      this.#running = job;
      try {
        if (this.#isAborted(job)) this.#abort(job);
        else if (job.request.header.msg_type === "execute_request") await this.#runCell(job);
        else await this.#pass(job);
      } catch (error) {
        this.#warn(error);
      }
      this.#running = undefined;
      this.#closeIfDone(job.link);
    }
  }

  #closeIfDone(link: Link): void {
    const busy = this.#running?.link === link || this.#jobs.some((job) => job.link === link);
    if (link.client.closed && !busy) link.kernel.close();
  }

  /** Passes on any request but a cell, and waits for the reply or, where none comes, for idle. */
  async #pass({ link, request }: Job): Promise<void> {
    const reply = await this.#ask(link, request, true);
    if (reply === undefined) return;
    // The real kernel finds nothing, or not all.
    const { msg_type } = request.header;
    if (msg_type === "inspect_request") reply.content = await this.#inspector!.inspect(request.content);
    if (msg_type === "complete_request") {
      reply.content = await this.#inspector!.complete(request.content, reply.content);
    }
    this.#reply(link, reply);
  }

  async #runCell({ link, request, time }: Job): Promise<void> {
    const code = typeof request.content.code === "string" ? request.content.code : "";
    const made = (await this.#operators)!.operatorCell(code);
    const source = this.#sources.add(code, made.text, (line, column) => made.sourceColumn(line, column));
    const cell = new RunningCell(request.header, source, code);
    this.#cell = cell;
    const reply = await this.#ask(link, {
      ...request,
      content: { ...request.content, code: code.trim() === "" ? code : source.tagged },
    }, false);
    await cell.answered();
    const failed = reply?.content.status === "error";
    const stack = failed ? ((reply.content.traceback ?? []) as string[]).join("\n") : undefined;
    const mark = await this.#service!.call("sync", ...(stack ? [JSON.stringify(stack)] : []));
    if (mark === undefined) {
      this.#warn(new Error("the kernel does not send its mark: outputs of this cell may be missing"));
    }
    if (reply === undefined) throw new Error("the kernel ended a cell without a reply");
    if (failed) this.#showError(cell, request, reply, mark?.thrown as Thrown | undefined);
    if (failed && request.content.stop_on_error !== false) {
      const now = performance.now();
      // Before this moment, by its own clock, the sender cannot have known. So it is taken before anything is told.
      const date = Date.parse(request.header.date) + Math.floor(now - time);
      this.#failure = { time: now, session: request.header.session, date };
    }
    for (const message of cell.held) this.#publish(message);
    this.#reply(link, reply);
    this.#publish(cell.idle ?? this.#status("idle", request));
    this.#cell = undefined;
    this.#lastHeader = request.header;
  }

  /** Completes the error of a cell: what it says, and where in the cell it happened. */
  #showError(cell: RunningCell, request: Message, reply: Message, thrown: Thrown | undefined): void {
    const shown = cell.held.find((message) => message.header.msg_type === "error");
    let content: ErrorContent;
    if (shown === undefined) {
      content = cell.interrupted
        ? describeError("Interrupted", "the cell was interrupted")
        : (findSyntaxError(cell.source.tagged) && findSyntaxError(cell.code)) ??
          describeError("Error", "the cell was ended, or awaited a promise that nothing can settle any more");
      cell.held.push(this.#session.message("error", { ...content }, request));
    } else {
      const { ename, evalue, traceback } = shown.content as unknown as ErrorContent;
      const told = thrown ?? parseStack(traceback, `Uncaught ${evalue}`);
      content = { ename, evalue, traceback: formatThrown(told, this.#sources, this.#traceback) };
      Object.assign(shown.content, content);
    }
    Object.assign(reply.content, content);
  }

  /**
   * Whether a request was sent before its sender could know of an error that aborts it. Those that were sent before
   * may arrive some moments after; then the sender's dates tell.
   */
  #isAborted({ request, time }: Job): boolean {
    const failure = this.#failure;
    const { msg_type, session, date } = request.header;
    if (failure === undefined || msg_type !== "execute_request") return false;
    if (time <= failure.time) return true;
    return time < failure.time + LATE_ARRIVAL && session === failure.session &&
      Date.parse(date) < failure.date;
  }

  /** A cell queued behind one that failed is answered "aborted" and does not run. */
  #abort({ link, request }: Job): void {
    this.#publish(this.#status("busy", request));
    this.#reply(
      link,
      this.#session.message("execute_reply", { status: "aborted", execution_count: 0 }, request),
    );
    this.#publish(this.#status("idle", request));
  }

  async #ask(link: Link, request: Message, idleEnds: boolean): Promise<Message | undefined> {
    const { promise, resolve } = Promise.withResolvers<Message | undefined>();
    this.#awaited = { id: request.header.msg_id, resolve, idleEnds };
    try {
      await link.kernel.send(this.#innerSigner.encode({ ...request, identities: [] }));
      const reply = await promise;
      if (reply !== undefined) reply.identities = request.identities;
      return reply;
    } finally {
      this.#awaited = undefined;
    }
  }

  #reply(link: Link, reply: Message): void {
    if (link.client.closed) return;
    link.client.send(this.#signer.encode(reply)).catch(() => link.client.close());
  }

  // The kernel's outputs

  async #readOutputs(iopub: ZmtpConnection): Promise<void> {
    try {
      for (let frames = await iopub.receive(); frames !== null; frames = await iopub.receive()) {
        this.#service?.hear();
        const message = this.#decode(this.#innerSigner, frames, "the kernel");
        if (message !== undefined) this.#output(message);
      }
    } catch (error) {
      this.#warn(error);
    }
  }

  #output(message: Message): void {
    const { msg_type } = message.header;
    const parent = message.parentHeader.msg_id;
    if (this.#service?.take(message)) return;
    if (msg_type === INTERRUPT) {
      this.#cell?.noticed(message.content.busy === true);
      return;
    }
    if (msg_type === UNCAUGHT) this.#toText(message);
    const bookkeeping = msg_type === "status" || msg_type === "execute_input";
    if (this.#service?.owns(parent)) {
      if (bookkeeping || msg_type === "error") return;
      // An output of the cell that the bridge's own request follows.
      const header = this.#cell?.header ?? this.#lastHeader;
      if (header === undefined) return;
      message.parentHeader = header;
    }
    const idle = msg_type === "status" && message.content.execution_state === "idle";
    const cell = this.#cell;
    this.#translate(message);
    if (cell !== undefined && message.parentHeader.msg_id === cell.header.msg_id && cell.take(message)) {
      return;
    }
    this.#publish(message);
    if (idle && this.#awaited?.idleEnds && parent === this.#awaited.id) {
      // Give a reply the chance to arrive through its own socket first.
      const { resolve } = this.#awaited;
      setTimeout(() => resolve(undefined), 50);
    }
  }

  /** Turns an error that nobody caught into text on stderr. */
  #toText(message: Message): void {
    const { prefix, thrown } = message.content as unknown as Uncaught;
    const [first, ...rest] = formatThrown(thrown, this.#sources, this.#traceback);
    message.header.msg_type = "stream";
    message.content = { name: "stderr", text: [`${prefix} ${first}`, ...rest, ""].join("\n") };
  }

  /** Stacks that cells print, or give as their results, name the lines that people see. */
  #translate({ content }: Message): void {
    if (typeof content.text === "string") content.text = this.#sources.translate(content.text);
    const data = content.data as JsonObject | undefined;
    const plain = data?.["text/plain"];
    if (typeof plain === "string") data!["text/plain"] = this.#sources.translate(plain);
  }

  #status(state: "busy" | "idle", request: Message): Message {
    return this.#session.message("status", { execution_state: state } satisfies JsonObject, {
      header: request.header,
    });
  }

  #publish(message: Message): void {
    this.#publisher.publish(this.#signer.encode(message));
  }

  #decode(signer: Signer, frames: Uint8Array[], from: string): Message | undefined {
    try {
      return signer.decode(frames);
    } catch (error) {
      if (!(error instanceof MessageError)) throw error;
      console.error(`dinograd kernel: ignoring a message from ${from}: ${error.message}`);
      return undefined;
    }
  }

  #warn(error: unknown): void {
    if (!this.#closed) console.error(`dinograd kernel: ${(error as Error).message}`);
  }
}
