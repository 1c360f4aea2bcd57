/**
 * Reads of GPU memory that return when the data is there, without an event-loop turn.
 *
 * Deno's `mapAsync` polls the device until the copy is done before it returns its promise; only the promise's callbacks come
 * later. So the mapped range can be taken at once. This is a detail of Deno: {@linkcode SyncReader.probe} tries it at start-up,
 * and where it fails reads have to be awaited.
 *
 * `getMappedRange` of a buffer that was never mapped ends the process, not with an exception. A staging buffer made with
 * `mappedAtCreation` is safe from that, and an error of the copy is looked for before it is mapped.
 * @module
 */
import type { Block } from "./memory.ts";
import type { Commands } from "./commands.ts";

const MAP_READ = 1, COPY_DST = 8; // GPUBufferUsage, GPUMapMode.READ

/** A staging buffer larger than this is not kept. */
const KEPT = 2 ** 24;

/** Reads from one device. */
export class SyncReader {
  readonly #device: GPUDevice;
  readonly #commands: Commands;
  readonly #check: () => void;
  #staging: GPUBuffer | null = null;
  #size = 0;

  /** `check` throws if a command failed since it was last called. */
  constructor(device: GPUDevice, commands: Commands, check: () => void) {
    this.#device = device;
    this.#commands = commands;
    this.#check = check;
  }

  /** The bytes of a block when everything recorded before is done. Offset and size are multiples of 4. */
  read(block: Block, byte: number, bytes: number): ArrayBuffer {
    if (bytes === 0) return new ArrayBuffer(0);
    checkRead(block, byte, bytes);
    const staging = this.#stage(bytes);
    this.#copy(block, byte, staging, bytes);
    try {
      this.#check();
      // Not awaited: it has waited for the GPU when it returns.
      staging.mapAsync(MAP_READ, 0, bytes).catch(() => {});
      const data = staging.getMappedRange(0, bytes).transfer();
      staging.unmap();
      return data;
    } catch (error) {
      this.#drop();
      throw error;
    } finally {
      if (this.#size > KEPT) this.#drop();
    }
  }

  /** The same for hosts where {@linkcode SyncReader.read} does not work. */
  async readAsync(
    block: Block,
    byte: number,
    bytes: number,
    checked: () => Promise<void>,
  ): Promise<ArrayBuffer> {
    if (bytes === 0) return new ArrayBuffer(0);
    checkRead(block, byte, bytes);
    const staging = this.#device.createBuffer({ size: bytes, usage: MAP_READ | COPY_DST });
    try {
      this.#copy(block, byte, staging, bytes);
      await checked();
      await staging.mapAsync(MAP_READ, 0, bytes);
      return staging.getMappedRange(0, bytes).slice(0);
    } finally {
      staging.destroy();
    }
  }

  #copy(block: Block, byte: number, staging: GPUBuffer, bytes: number): void {
    this.#commands.encoder(block).copyBufferToBuffer(block.buffer, block.start + byte, staging, 0, bytes);
    this.#commands.flush();
  }

  #stage(bytes: number): GPUBuffer {
    if (this.#staging === null || this.#size < bytes) {
      this.#drop();
      this.#size = Math.max(4096, 2 ** Math.ceil(Math.log2(bytes)));
      if (bytes > KEPT) this.#size = bytes;
      this.#staging = this.#device.createBuffer({
        size: this.#size,
        usage: MAP_READ | COPY_DST,
        mappedAtCreation: true,
      });
      this.#staging.unmap();
    }
    return this.#staging;
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
