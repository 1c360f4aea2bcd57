/**
 * Reads of GPU memory that return when the data is there, without an event-loop turn.
 *
 * Deno's `mapAsync` polls the device until the copy is done before it returns its promise; only the promise's callbacks come
 * later. So the mapped range can be taken at once (`host.ts`). This is a detail of Deno: {@linkcode SyncReader.probe} tries it at
 * start-up. Where it fails the device goes to a worker (`worker.ts`), whose host can wait for it without that detail.
 * @module
 */
import type { Host } from "./host.ts";
import type { Block } from "./memory.ts";
import type { Commands } from "./commands.ts";

const MAP_READ = 1, COPY_DST = 8; // GPUBufferUsage

/** A staging buffer larger than this is not kept. */
const KEPT = 2 ** 24;

/** Reads from one device. */
export class SyncReader {
  readonly #device: GPUDevice;
  readonly #commands: Commands;
  readonly #host: Host;
  readonly #report: (errors: readonly string[]) => void;
  #staging: GPUBuffer | null = null;
  #size = 0;

  /** `report` throws if it gets errors, or if the device is gone. */
  constructor(
    device: GPUDevice,
    commands: Commands,
    host: Host,
    report: (errors: readonly string[]) => void,
  ) {
    this.#device = device;
    this.#commands = commands;
    this.#host = host;
    this.#report = report;
  }

  /** The bytes of a block when everything recorded before is done. Offset and size are multiples of 4. */
  read(block: Block, byte: number, bytes: number): ArrayBuffer {
    if (bytes === 0) return new ArrayBuffer(0);
    checkRead(block, byte, bytes);
    if (this.#staging === null || this.#size < bytes) {
      this.#drop();
      this.#size = bytes > KEPT ? bytes : Math.max(4096, 2 ** Math.ceil(Math.log2(bytes)));
      this.#staging = this.#stage(this.#size);
    }
    this.#copy(block, byte, this.#staging, bytes);
    try {
      const { errors, data } = this.#host.take(this.#staging, bytes);
      this.#report(errors);
      return data!;
    } catch (error) {
      this.#drop();
      throw error;
    } finally {
      if (this.#size > KEPT) this.#drop();
    }
  }

  /** The same for hosts where {@linkcode SyncReader.read} does not work. */
  async readAsync(block: Block, byte: number, bytes: number): Promise<ArrayBuffer> {
    if (bytes === 0) return new ArrayBuffer(0);
    checkRead(block, byte, bytes);
    const staging = this.#stage(bytes);
    try {
      this.#copy(block, byte, staging, bytes);
      const { errors, data } = await this.#host.takeAsync(staging, bytes);
      this.#report(errors);
      return data!;
    } finally {
      staging.destroy();
    }
  }

  #copy(block: Block, byte: number, staging: GPUBuffer, bytes: number): void {
    this.#commands.encoder(block).copyBufferToBuffer(block.buffer, block.start + byte, staging, 0, bytes);
    this.#commands.flush();
  }

  /** A buffer to be mapped: it was mapped before, which makes `getMappedRange` safe. */
  #stage(size: number): GPUBuffer {
    const staging = this.#device.createBuffer({ size, usage: MAP_READ | COPY_DST, mappedAtCreation: true });
    staging.unmap();
    return staging;
  }

  #drop(): void {
    this.#staging?.destroy();
    this.#staging = null;
    this.#size = 0;
  }

  /** Whether {@linkcode SyncReader.read} works here: writes into a block and reads it back. */
  probe(block: Block): boolean {
    const expected = Int32Array.of(1, -2, 3, -4);
    this.#commands.write(block, 0, expected);
    try {
      const got = new Int32Array(this.read(block, 0, 16));
      return got.length === 4 && got.every((v, i) => v === expected[i]);
    } catch {
      return false;
    }
  }
}

function checkRead(block: Block, byte: number, bytes: number): void {
  if (!(byte >= 0 && bytes > 0 && byte + bytes <= block.bytes) || byte % 4 !== 0 || bytes % 4 !== 0) {
    throw new RangeError(`cannot read ${bytes} bytes at ${byte} of a block of ${block.bytes}`);
  }
}
