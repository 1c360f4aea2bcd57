/**
 * Jupyter's messages (protocol 5.3): building, signing, checking and parsing them.
 *
 * On the wire a message is: routing frames, `<IDS|MSG>`, a signature, four JSON frames (header, parent header,
 * metadata, content) and any number of binary buffers.
 *
 * @module
 */

import { createHmac, timingSafeEqual } from "node:crypto";

const DELIMITER = "<IDS|MSG>";
const encoder = new TextEncoder();
const decoder = new TextDecoder();
const DELIMITER_BYTES = encoder.encode(DELIMITER);

/** A message's header. `parentHeader` of a message without a parent is an empty object. */
export interface Header {
  /** Unique id of the message. */
  msg_id: string;
  /** What the message is: `execute_request`, `stream`, ... */
  msg_type: string;
  /** Id of the session that sent it. */
  session: string;
  /** Name of the user who sent it. */
  username: string;
  /** When it was sent, ISO 8601. */
  date: string;
  /** The protocol's version. */
  version: string;
}

/** A JSON object. */
export type JsonObject = Record<string, unknown>;

/** A parsed message. */
export interface Message {
  /** Routing frames before the delimiter: a ROUTER's identities, or a publisher's topic. */
  identities: Uint8Array[];
  /** The message's own header. */
  header: Header;
  /** The header of the request that this message answers, or `{}`. */
  parentHeader: Partial<Header>;
  /** The metadata. */
  metadata: JsonObject;
  /** The content, by the message's type. */
  content: JsonObject;
  /** Binary buffers. */
  buffers: Uint8Array[];
}

/** Thrown for a message that is malformed or carries a wrong signature. */
export class MessageError extends Error {
  /** Always `"MessageError"`. */
  override name = "MessageError";
}

/** Signs and checks messages with a connection's key (HMAC-SHA256). An empty key turns signing off. */
export class Signer {
  readonly #key: string;

  /** Makes a signer for the `key` of a connection file. */
  constructor(key: string) {
    this.#key = key;
  }

  /** The signature, in hexadecimal digits, of the four JSON frames. */
  sign(frames: readonly Uint8Array[]): string {
    if (this.#key === "") return "";
    const hmac = createHmac("sha256", this.#key);
    for (const frame of frames) hmac.update(frame);
    return hmac.digest("hex");
  }

  /** Whether `signature` is right for the frames; compared in constant time. */
  verify(signature: Uint8Array, frames: readonly Uint8Array[]): boolean {
    if (this.#key === "") return true;
    const right = encoder.encode(this.sign(frames));
    return right.length === signature.length && timingSafeEqual(right, signature);
  }

  /** Turns a message into frames, signed. */
  encode(message: Message): Uint8Array[] {
    const frames = [message.header, message.parentHeader, message.metadata, message.content]
      .map((part) => encoder.encode(JSON.stringify(part)));
    const signature = encoder.encode(this.sign(frames));
    return [...message.identities, DELIMITER_BYTES, signature, ...frames, ...message.buffers];
  }

  /** Parses frames into a message. Throws {@linkcode MessageError} when they are malformed or wrongly signed. */
  decode(frames: readonly Uint8Array[]): Message {
    const at = frames.findIndex((frame) =>
      frame.length === DELIMITER_BYTES.length && DELIMITER_BYTES.every((byte, i) => frame[i] === byte)
    );
    if (at < 0) throw new MessageError(`a message of ${frames.length} frames has no ${DELIMITER}`);
    const json = frames.slice(at + 2, at + 6);
    if (json.length < 4) {
      throw new MessageError(`a message needs 4 JSON frames after its signature, got ${json.length}`);
    }
    if (!this.verify(frames[at + 1], json)) throw new MessageError("a message carries a wrong signature");
    const [header, parentHeader, metadata, content] = json.map((frame, i) => parseObject(frame, PARTS[i]));
    if (typeof header.msg_id !== "string" || typeof header.msg_type !== "string") {
      throw new MessageError("a message's header lacks msg_id or msg_type");
    }
    return {
      identities: frames.slice(0, at),
      header: header as unknown as Header,
      parentHeader,
      metadata,
      content,
      buffers: frames.slice(at + 6),
    };
  }
}

const PARTS = ["header", "parent header", "metadata", "content"];

function parseObject(frame: Uint8Array, part: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(decoder.decode(frame));
  } catch {
    throw new MessageError(`a message's ${part} is not JSON`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new MessageError(`a message's ${part} is not a JSON object`);
  }
  return value as JsonObject;
}

/** Makes messages in the name of one session. */
export class Session {
  /** The session's id, in the header of each message. */
  readonly id: string = crypto.randomUUID();
  /** The user's name, in the header of each message. */
  readonly username: string;

  /** Makes a session with a fresh id. */
  constructor(username: string = "dinograd") {
    this.username = username;
  }

  /** A new message of type `type`; an answer to `parent`, where given. */
  message(
    type: string,
    content: JsonObject,
    parent?: { header: Header; identities?: Uint8Array[] },
  ): Message {
    return {
      identities: parent?.identities ?? [],
      header: {
        msg_id: crypto.randomUUID(),
        msg_type: type,
        session: this.id,
        username: this.username,
        date: new Date().toISOString(),
        version: "5.3",
      },
      parentHeader: parent?.header ?? {},
      metadata: {},
      content,
      buffers: [],
    };
  }
}
