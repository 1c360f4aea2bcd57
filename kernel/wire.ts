/**
 * ZMTP 3.0 framing: bytes to frames and back, with no sockets in sight.
 *
 * A frame is a flags byte (1 = more frames follow, 2 = eight-byte length, 4 = command), a length of one or eight
 * bytes, and a body. See https://rfc.zeromq.org/spec/23/.
 *
 * @module
 */

const MORE = 1;
const LONG = 2;
const COMMAND = 4;

/** One ZMTP frame. */
export interface Frame {
  /** Whether further frames of the same message follow. */
  more: boolean;
  /** Whether the frame is a command (READY, SUBSCRIBE, PING, ...) and no part of a message. */
  command: boolean;
  /** The frame's bytes. */
  body: Uint8Array;
}

/** Thrown when a peer breaks the protocol or exceeds a limit; the connection cannot be used further. */
export class WireError extends Error {
  /** Always `"WireError"`. */
  override name = "WireError";
}

/** Joins byte arrays into one. */
export function concatBytes(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  let length = 0;
  for (const part of parts) length += part.length;
  const all = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Encodes one frame: the short form up to 255 bytes, the long form above. */
export function encodeFrame(frame: Frame): Uint8Array<ArrayBuffer> {
  const { body } = frame;
  const long = body.length > 255;
  const head = long ? 9 : 2;
  const bytes = new Uint8Array(head + body.length);
  bytes[0] = (frame.more ? MORE : 0) | (long ? LONG : 0) | (frame.command ? COMMAND : 0);
  if (long) new DataView(bytes.buffer).setBigUint64(1, BigInt(body.length));
  else bytes[1] = body.length;
  bytes.set(body, head);
  return bytes;
}

/** Encodes a message: each part a frame, all but the last marked "more". */
export function encodeMessage(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  if (parts.length === 0) throw new RangeError("a ZMTP message needs at least one frame, got 0");
  return concatBytes(
    parts.map((body, i) => encodeFrame({ body, more: i < parts.length - 1, command: false })),
  );
}

/**
 * Collects bytes as a socket delivers them and hands out whole frames.
 *
 * Chunks may split a frame anywhere. A frame longer than `maxFrameBytes` is refused as soon as its length is read,
 * so that a peer cannot make the process hold more than that.
 */
export class FrameDecoder {
  readonly #maxFrameBytes: number;
  #chunks: Uint8Array[] = [];
  #length = 0;

  /** Makes a decoder that refuses frames of more than `maxFrameBytes` bytes. */
  constructor(maxFrameBytes: number = 64 * 1024 * 1024) {
    this.#maxFrameBytes = maxFrameBytes;
  }

  /** The number of bytes received and not yet handed out. */
  get buffered(): number {
    return this.#length;
  }

  /** Adds bytes from the socket. The decoder keeps the array: do not write to it afterwards. */
  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.#chunks.push(chunk);
    this.#length += chunk.length;
  }

  /** Takes exactly `count` raw bytes (the greeting), or undefined while fewer have arrived. */
  takeBytes(count: number): Uint8Array<ArrayBuffer> | undefined {
    if (this.#length < count) return undefined;
    const bytes = this.#peek(count);
    this.#drop(count);
    return bytes;
  }

  /** The next whole frame, or undefined while it is incomplete. Throws {@linkcode WireError} on nonsense. */
  next(): Frame | undefined {
    if (this.#length < 2) return undefined;
    const start = this.#peek(Math.min(9, this.#length));
    const flags = start[0];
    if ((flags & ~(MORE | LONG | COMMAND)) !== 0 || (flags & MORE && flags & COMMAND)) {
      throw new WireError(`invalid ZMTP frame flags 0x${flags.toString(16).padStart(2, "0")}`);
    }
    let head = 2;
    let size = start[1];
    if (flags & LONG) {
      if (this.#length < 9) return undefined;
      head = 9;
      const long = new DataView(start.buffer).getBigUint64(1);
      if (long > BigInt(this.#maxFrameBytes)) {
        throw new WireError(
          `a ZMTP frame of ${long} bytes exceeds the limit of ${this.#maxFrameBytes} bytes`,
        );
      }
      size = Number(long);
    }
    if (size > this.#maxFrameBytes) {
      throw new WireError(`a ZMTP frame of ${size} bytes exceeds the limit of ${this.#maxFrameBytes} bytes`);
    }
    if (this.#length < head + size) return undefined;
    this.#drop(head);
    const body = this.#peek(size);
    this.#drop(size);
    return { more: (flags & MORE) !== 0, command: (flags & COMMAND) !== 0, body };
  }

  /** Copies the first `count` bytes, which must have arrived. */
  #peek(count: number): Uint8Array<ArrayBuffer> {
    const out = new Uint8Array(count);
    let at = 0;
    for (const chunk of this.#chunks) {
      if (at === count) break;
      const part = chunk.subarray(0, count - at);
      out.set(part, at);
      at += part.length;
    }
    return out;
  }

  #drop(count: number): void {
    this.#length -= count;
    let whole = 0;
    while (whole < this.#chunks.length && count >= this.#chunks[whole].length) {
      count -= this.#chunks[whole].length;
      whole++;
    }
    // One splice, not one shift a chunk: a large frame arrives in thousands of them.
    if (whole > 0) this.#chunks.splice(0, whole);
    if (count > 0) this.#chunks[0] = this.#chunks[0].subarray(count);
  }
}
