/**
 * ZMTP 3.0 connections with the NULL mechanism over TCP: the part of ZeroMQ that Jupyter uses.
 *
 * {@linkcode ZmtpConnection} is one peer (DEALER, ROUTER or SUB side), {@linkcode Publisher} the PUB side with its
 * subscribers.
 *
 * @module
 */

import { concatBytes, encodeFrame, encodeMessage, type Frame, FrameDecoder, WireError } from "./wire.ts";

const GREETING_BYTES = 64;
const HANDSHAKE_MILLISECONDS = 10_000;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The socket types that appear in Jupyter's protocol. */
export type SocketType = "DEALER" | "ROUTER" | "PUB" | "SUB" | "REQ" | "REP" | "XPUB" | "XSUB";

/** Options of {@linkcode ZmtpConnection.connect} and {@linkcode ZmtpConnection.accept}. */
export interface ZmtpOptions {
  /** The socket type announced to the peer. */
  type: SocketType;
  /** The identity announced to the peer, by which a ROUTER addresses this end. None by default. */
  identity?: Uint8Array;
  /** The longest message accepted from the peer, in bytes. Default: 64 MiB. */
  maxMessageBytes?: number;
}

/** Where a connection goes, and how long to keep trying. */
export interface ZmtpAddress {
  /** Host name or address. */
  hostname: string;
  /** TCP port. */
  port: number;
  /** Keep trying to connect for so many milliseconds while nobody listens there yet. Default: 0. */
  retryMilliseconds?: number;
  /** Stops the attempts. */
  signal?: AbortSignal;
}

/** The peer types that each socket type may talk to. */
const PARTNERS: Record<SocketType, readonly SocketType[]> = {
  DEALER: ["ROUTER", "DEALER", "REP"],
  ROUTER: ["DEALER", "ROUTER", "REQ"],
  PUB: ["SUB", "XSUB"],
  SUB: ["PUB", "XPUB"],
  XPUB: ["SUB", "XSUB"],
  XSUB: ["PUB", "XPUB"],
  REQ: ["REP", "ROUTER"],
  REP: ["REQ", "DEALER"],
};

/** The 64 bytes that open every connection: signature, version 3.0, mechanism NULL. */
export function encodeGreeting(): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(GREETING_BYTES);
  bytes[0] = 0xff;
  bytes[9] = 0x7f;
  bytes[10] = 3;
  bytes.set(encoder.encode("NULL"), 12);
  return bytes;
}

/** Checks a peer's greeting; throws {@linkcode WireError} for another protocol, version or mechanism. */
export function checkGreeting(bytes: Uint8Array): void {
  if (bytes[0] !== 0xff || (bytes[9] & 1) !== 1) throw new WireError("the peer does not speak ZMTP");
  if (bytes[10] < 3) throw new WireError(`the peer speaks ZMTP ${bytes[10]}, but 3.0 or later is needed`);
  const mechanism = decoder.decode(bytes.subarray(12, 32)).replace(/\0+$/, "");
  if (mechanism !== "NULL") {
    throw new WireError(`the peer asks for the mechanism ${mechanism}, but only NULL is spoken`);
  }
}

/** Encodes a command's body: a name and properties. */
export function encodeCommand(name: string, properties: Record<string, Uint8Array>): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [Uint8Array.of(name.length), encoder.encode(name)];
  for (const [key, value] of Object.entries(properties)) {
    const size = new Uint8Array(4);
    new DataView(size.buffer).setUint32(0, value.length);
    parts.push(Uint8Array.of(key.length), encoder.encode(key), size, value);
  }
  return concatBytes(parts);
}

/** Decodes a command's body; property names come back in lower case, as they are compared without case. */
export function decodeCommand(body: Uint8Array): { name: string; properties: Map<string, Uint8Array> } {
  const { name, rest } = commandName(body);
  const properties = new Map<string, Uint8Array>();
  const view = new DataView(rest.buffer, rest.byteOffset, rest.byteLength);
  for (let at = 0; at < rest.length;) {
    const valueAt = at + 1 + rest[at] + 4;
    if (valueAt > rest.length) throw new WireError(`the ZMTP command ${name} is cut short`);
    const key = decoder.decode(rest.subarray(at + 1, valueAt - 4)).toLowerCase();
    const end = valueAt + view.getUint32(valueAt - 4);
    if (end > rest.length) throw new WireError(`the ZMTP command ${name} is cut short`);
    properties.set(key, rest.slice(valueAt, end));
    at = end;
  }
  return { name, properties };
}

function commandName(body: Uint8Array): { name: string; rest: Uint8Array } {
  if (body.length === 0 || 1 + body[0] > body.length) throw new WireError("a ZMTP command is cut short");
  return { name: decoder.decode(body.subarray(1, 1 + body[0])), rest: body.subarray(1 + body[0]) };
}

/** One ZMTP peer after its handshake. Messages are arrays of frame bodies. */
export class ZmtpConnection {
  /** The socket type that the peer announced. */
  readonly peerType: string;
  /** The identity that the peer announced; empty where it has none. */
  readonly peerIdentity: Uint8Array;
  readonly #conn: Deno.TcpConn;
  readonly #decoder: FrameDecoder;
  readonly #maxMessageBytes: number;
  #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  #writing: Promise<void> | undefined;
  #closed = false;

  private constructor(
    conn: Deno.TcpConn,
    frames: FrameDecoder,
    maxMessageBytes: number,
    peerType: string,
    peerIdentity: Uint8Array,
  ) {
    this.#conn = conn;
    this.#decoder = frames;
    this.#maxMessageBytes = maxMessageBytes;
    this.peerType = peerType;
    this.peerIdentity = peerIdentity;
  }

  /** Connects to a listening peer and shakes hands. */
  static async connect(address: ZmtpAddress, options: ZmtpOptions): Promise<ZmtpConnection> {
    const deadline = performance.now() + (address.retryMilliseconds ?? 0);
    for (;;) {
      address.signal?.throwIfAborted();
      try {
        const conn = await Deno.connect({ hostname: address.hostname, port: address.port });
        return await ZmtpConnection.accept(conn, options);
      } catch (error) {
        const early = error instanceof Deno.errors.ConnectionRefused ||
          error instanceof Deno.errors.ConnectionReset;
        if (!early || performance.now() >= deadline) throw error;
        await new Promise((resolve) => setTimeout(resolve, 15));
      }
    }
  }

  /** Shakes hands over a TCP connection that is already there. On failure the connection is closed. */
  static async accept(conn: Deno.TcpConn, options: ZmtpOptions): Promise<ZmtpConnection> {
    const maxMessageBytes = options.maxMessageBytes ?? 64 * 1024 * 1024;
    const frames = new FrameDecoder(maxMessageBytes);
    const timer = setTimeout(() => closeQuietly(conn), HANDSHAKE_MILLISECONDS);
    try {
      conn.setNoDelay(true);
      await writeAll(conn, encodeGreeting());
      let greeting: Uint8Array | undefined;
      while ((greeting = frames.takeBytes(GREETING_BYTES)) === undefined) await readInto(conn, frames);
      checkGreeting(greeting);
      const ready = encodeCommand("READY", {
        "Socket-Type": encoder.encode(options.type),
        "Identity": options.identity ?? new Uint8Array(0),
      });
      await writeAll(conn, encodeFrame({ body: ready, more: false, command: true }));
      let frame: Frame | undefined;
      while ((frame = frames.next()) === undefined) await readInto(conn, frames);
      if (!frame.command) throw new WireError("the peer sent a message before its READY");
      const { name, properties } = decodeCommand(frame.body);
      if (name !== "READY") throw new WireError(`the peer sent ${name} instead of READY`);
      const peerType = decoder.decode(properties.get("socket-type") ?? new Uint8Array(0));
      if (!PARTNERS[options.type].includes(peerType as SocketType)) {
        throw new WireError(`a ${options.type} socket cannot talk to a peer of type '${peerType}'`);
      }
      const identity = properties.get("identity") ?? new Uint8Array(0);
      return new ZmtpConnection(conn, frames, maxMessageBytes, peerType, identity);
    } catch (error) {
      closeQuietly(conn);
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Whether this end has closed. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Bytes accepted by {@linkcode send} and not yet given to the operating system. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /**
   * Sends one message. Messages leave in the order of the calls, and the promise settles when all that was queued
   * so far is with the operating system; a lost connection rejects it.
   */
  send(parts: readonly Uint8Array[]): Promise<void> {
    return this.#enqueue(encodeMessage(parts));
  }

  /** Subscribes (SUB sockets) to messages whose first frame starts with `prefix`; to all by default. */
  subscribe(prefix: Uint8Array = new Uint8Array(0)): Promise<void> {
    return this.send([concatBytes([Uint8Array.of(1), prefix])]);
  }

  /** The next message, or null when the peer has closed. Throws {@linkcode WireError} when it breaks the protocol. */
  async receive(): Promise<Uint8Array[] | null> {
    const parts: Uint8Array[] = [];
    let bytes = 0;
    for (;;) {
      const frame = this.#decoder.next();
      if (frame === undefined) {
        try {
          await readInto(this.#conn, this.#decoder);
        } catch (error) {
          if (error instanceof WireError) throw error;
          return null; // end of stream, reset, or closed on this side
        }
        continue;
      }
      if (frame.command) {
        const message = this.#command(frame.body);
        if (message !== undefined) return message;
        continue;
      }
      bytes += frame.body.length;
      if (bytes > this.#maxMessageBytes || parts.length > 10_000) {
        throw new WireError(`a ZMTP message exceeds the limit of ${this.#maxMessageBytes} bytes`);
      }
      parts.push(frame.body);
      if (!frame.more) return parts;
    }
  }

  /** Waits until everything sent is with the operating system. */
  async flush(): Promise<void> {
    await this.#writing;
  }

  /** Closes the connection; a pending {@linkcode receive} answers null. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    closeQuietly(this.#conn);
  }

  /** Answers PING; turns 3.1's SUBSCRIBE and CANCEL into the message that 3.0 sends for them. */
  #command(body: Uint8Array): Uint8Array[] | undefined {
    const { name, rest } = commandName(body);
    if (name === "PING") {
      const pong = concatBytes([Uint8Array.of(4), encoder.encode("PONG"), rest.subarray(2)]);
      this.#enqueue(encodeFrame({ body: pong, more: false, command: true })).catch(() => {});
      return undefined;
    }
    if (name === "SUBSCRIBE") return [concatBytes([Uint8Array.of(1), rest])];
    if (name === "CANCEL") return [concatBytes([Uint8Array.of(0), rest])];
    if (name === "ERROR") throw new WireError(`the peer reports: ${decoder.decode(rest.subarray(1))}`);
    return undefined;
  }

  #enqueue(bytes: Uint8Array): Promise<void> {
    if (this.#closed) return Promise.reject(new WireError("the connection is closed"));
    this.#queue.push(bytes);
    this.#queuedBytes += bytes.length;
    this.#writing ??= this.#drain();
    return this.#writing;
  }

  async #drain(): Promise<void> {
    try {
      while (this.#queue.length > 0) {
        const bytes = this.#queue.length === 1 ? this.#queue[0] : concatBytes(this.#queue);
        this.#queue = [];
        await writeAll(this.#conn, bytes);
        this.#queuedBytes -= bytes.length;
      }
    } catch (error) {
      this.close();
      throw error;
    } finally {
      this.#writing = undefined;
    }
  }
}

/** The PUB side: sends every message to each subscriber whose subscription matches its first frame. */
export class Publisher {
  readonly #maxQueuedBytes: number;
  readonly #subscribers = new Map<ZmtpConnection, Uint8Array[]>();

  /** Makes a publisher that gives up a subscriber with more than `maxQueuedBytes` bytes unread. */
  constructor(maxQueuedBytes: number = 512 * 1024 * 1024) {
    this.#maxQueuedBytes = maxQueuedBytes;
  }

  /** Serves one subscriber: follows its subscriptions until it leaves. */
  async serve(conn: Deno.TcpConn): Promise<void> {
    const peer = await ZmtpConnection.accept(conn, { type: "PUB", maxMessageBytes: 64 * 1024 });
    const prefixes: Uint8Array[] = [];
    this.#subscribers.set(peer, prefixes);
    try {
      for (;;) {
        const message = await peer.receive();
        if (message === null) break;
        const [first] = message;
        const prefix = first.slice(1);
        if (first[0] === 1) prefixes.push(prefix);
        else if (first[0] === 0) {
          const at = prefixes.findIndex((p) => p.length === prefix.length && startsWith(prefix, p));
          if (at >= 0) prefixes.splice(at, 1);
        }
      }
    } finally {
      this.#subscribers.delete(peer);
      peer.close();
    }
  }

  /** Sends a message to the subscribers that asked for it. Never waits for a slow one. */
  publish(parts: readonly Uint8Array[]): void {
    for (const [peer, prefixes] of this.#subscribers) {
      if (!prefixes.some((prefix) => startsWith(parts[0], prefix))) continue;
      if (peer.queuedBytes > this.#maxQueuedBytes) {
        console.error(`dropping a subscriber that left ${peer.queuedBytes} bytes unread`);
        peer.close();
        continue;
      }
      peer.send(parts).catch(() => peer.close());
    }
  }

  /** Waits until what was published is with the operating system. */
  async flush(): Promise<void> {
    await Promise.allSettled([...this.#subscribers.keys()].map((peer) => peer.flush()));
  }

  /** Closes every subscriber. */
  close(): void {
    for (const peer of this.#subscribers.keys()) peer.close();
  }
}

function startsWith(bytes: Uint8Array, prefix: Uint8Array): boolean {
  return prefix.length <= bytes.length && prefix.every((byte, i) => bytes[i] === byte);
}

async function readInto(conn: Deno.TcpConn, frames: FrameDecoder): Promise<void> {
  const chunk = new Uint8Array(65536);
  const count = await conn.read(chunk);
  if (count === null) throw new Deno.errors.ConnectionReset("the peer closed the connection");
  // A short read is copied, so that a slow trickle does not keep 64 KiB alive for each handful of bytes.
  frames.push(count < 16384 ? chunk.slice(0, count) : chunk.subarray(0, count));
}

async function writeAll(conn: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  let at = 0;
  while (at < bytes.length) at += await conn.write(bytes.subarray(at));
}

function closeQuietly(conn: Deno.TcpConn): void {
  try {
    conn.close();
  } catch {
    // Already closed: that is what was wanted.
  }
}
