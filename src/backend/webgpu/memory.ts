/**
 * Memory of the GPU: buffers in size classes, used again once they are given back.
 *
 * A large {@linkcode Block} is one buffer, a small one a part of a {@linkcode Page}: making buffers and bind groups costs more than
 * a small kernel. Whoever knows that nobody needs a block any more (fused temporaries, what a graph saved) calls `release`, and the
 * next allocation of its class takes it. A block that is just forgotten gives its buffer back when the garbage collector finds it,
 * that of a small one when all of its page are forgotten.
 *
 * V8 sees a buffer as a few bytes, so it would let gigabytes of forgotten ones pile up. Therefore what is handed out is
 * counted, and when it exceeds a budget the garbage collector is called (`collector.ts`). That works inside a synchronous loop, where
 * no finalizer runs: weak references tell at once which blocks are gone, and their buffers wait for their next use. Where weak
 * references do not tell, nothing here holds the buffers, so that they are freed with their blocks; the statistics learn
 * of it when the event loop turns.
 * @module
 */
import { goneError } from "./error.ts";
import { collectGarbage, forgetful, letGo } from "./collector.ts";

/** A buffer that holds many small blocks. It is freed when nobody holds any of them. */
class Page {
  readonly buffer: GPUBuffer;
  /** Whether nothing was ever written here. */
  readonly fresh: boolean;
  /** Bytes given out so far. */
  used = 0;

  constructor(buffer: GPUBuffer, fresh: boolean) {
    this.buffer = buffer;
    this.fresh = fresh;
  }
}

/** A buffer, or a part of one. Whoever holds it may use all of its bytes; what they are at first is not known. */
export class Block {
  /** The buffer, for bind groups and copies. */
  readonly buffer: GPUBuffer;
  /** Where in the buffer it begins, in bytes. */
  readonly start: number;
  /** Size in bytes: what was asked for, rounded up to its class. */
  readonly bytes: number;
  /** Whether nothing was ever written here, so that all bytes are 0. */
  readonly fresh: boolean;
  /** What keeps the memory alive: the page of a small block, itself of a large one. */
  readonly owner: object | null;
  /** The allocator of the device that it belongs to. */
  readonly home: Memory;
  /** The batch of commands that used it last. */
  batch: number;
  /** Whether it was given back: then it must not be used any more. */
  released: boolean;

  /** Made by {@linkcode Memory.allocate}. */
  constructor(
    home: Memory,
    buffer: GPUBuffer,
    start: number,
    bytes: number,
    fresh: boolean,
    owner: object | null,
  ) {
    this.home = home;
    this.buffer = buffer;
    this.start = start;
    this.bytes = bytes;
    this.fresh = fresh;
    this.owner = owner;
    this.batch = -1;
    this.released = false;
  }
}

/** Refuses a block that was given back, or that no command can use because its device is gone. */
export function checkUsable(block: Block, memory: Memory, user: string): void {
  if (block.released) throw new TypeError(`${user} uses GPU memory that was released`);
  if (block.home !== memory || memory.lost !== null) {
    throw goneError(block.home.lost ?? memory.lost ?? "it is another one");
  }
}

/** What memory is in use, in bytes and buffers. */
export interface MemoryStatistics {
  /** Bytes that tensors use, as far as is known: those of forgotten ones count until the event loop turns. */
  readonly liveBytes: number;
  /** Bytes of all buffers that are not known to be freed. */
  readonly reservedBytes: number;
  /** The most bytes that were reserved at a time. */
  readonly peakBytes: number;
  /** Their number. */
  readonly buffers: number;
  /** Bytes of those that wait for their next use. */
  readonly pooledBytes: number;
  /** Buffers made since the device was opened. */
  readonly created: number;
  /** Allocations that found a waiting buffer. */
  readonly reused: number;
  /** How often the budget made the garbage collector run. */
  readonly collections: number;
}

/** Limits of {@linkcode Memory}. */
export interface MemoryOptions {
  /** Bytes of new buffers between two collections. */
  readonly budget?: number;
  /** Bytes that may wait for their next use. */
  readonly poolLimit?: number;
}

const MIB = 2 ** 20;

/** Up to this size blocks are parts of pages. */
export const SMALL = 4096;
/** Bytes of a page: small, because one block that somebody keeps keeps all of it. */
const PAGE = 2 ** 16;
const zeros = new Uint8Array(PAGE);
/** Where blocks may begin: what every device can bind. */
const ALIGNMENT = 256;

/** The device's own bookkeeping for a buffer, as far as the budget is concerned. */
const OVERHEAD = 4096;

const usage = 0x80 | 0x08 | 0x04; // STORAGE, COPY_DST, COPY_SRC

/** The allocator of one device. */
export class Memory {
  readonly #device: GPUDevice;
  readonly #budget: number;
  readonly #poolLimit: number;
  readonly #largest: number;
  /** Waiting memory by size, the latest one last. */
  readonly #pool = new Map<number, Block[]>();
  #page: Page | null = null;
  /** Buffers to destroy when no recorded command uses them. */
  #doomed: GPUBuffer[] = [];
  /** Holds a buffer, or only its size where the buffer goes with its user. */
  readonly #forgotten: FinalizationRegistry<GPUBuffer | number>;
  /** Buffers that are in use, with what uses them, where weak references tell when that is gone. */
  readonly #used = new Map<
    GPUBuffer,
    { readonly user: WeakRef<object>; readonly size: number; readonly page: boolean }
  >();
  /** Buffers of forgotten pages. */
  #pages: GPUBuffer[] = [];
  #doomedBytes = 0;
  /** Bytes handed out since the last collection and not given back. */
  #out = 0;
  #reserved = 0;
  #peak = 0;
  #buffers = 0;
  #pooled = 0;
  #created = 0;
  #reused = 0;
  #collections = 0;

  /** Why the device is gone, or null. */
  lost: string | null = null;

  /** Submits what is recorded, so that buffers which only it uses can be freed. */
  flush: () => void = () => this.sweep();

  /** Runs the garbage collector, and frees what it found where that takes more. */
  collector: (gc: () => void) => void = (gc) => gc();

  /** `largest` is the size of the largest buffer that a kernel can use. */
  constructor(device: GPUDevice, largest: number, options: MemoryOptions = {}) {
    this.#device = device;
    this.#largest = largest;
    this.#budget = options.budget ?? 256 * MIB;
    this.#poolLimit = options.poolLimit ?? 256 * MIB;
    this.#forgotten = new FinalizationRegistry((held) =>
      typeof held === "number" ? this.#count(-held) : this.#reclaim(held)
    );
  }

  /**
   * A block of at least so many bytes, its content unknown.
   *
   * @throws {RangeError} if no buffer can be that large.
   */
  allocate(bytes: number): Block {
    if (!Number.isSafeInteger(bytes) || bytes < 0) {
      throw new RangeError(`a block cannot have ${bytes} bytes`);
    }
    if (bytes > this.#largest) {
      throw new RangeError(
        `the GPU's largest buffer has ${this.#largest} bytes, got a tensor of ${bytes}: split it, or use device "cpu"`,
      );
    }
    const size = Math.min(sizeClass(bytes), this.#largest);
    const waiting = this.#pool.get(size)?.pop();
    if (waiting !== undefined) return this.#again(waiting);
    if (size <= SMALL) return this.#small(size);
    if (this.#out + size + OVERHEAD > this.#budget) {
      this.collect();
      const found = this.#pool.get(size)?.pop();
      if (found !== undefined) return this.#again(found);
    }
    const block = new Block(this, this.#create(size), 0, size, true, null);
    this.#watch(block, block.buffer, size);
    return block;
  }

  /** Waiting memory as a block that nobody has held before. */
  #again(waiting: Block): Block {
    const block = new Block(this, waiting.buffer, waiting.start, waiting.bytes, false, waiting.owner);
    block.batch = waiting.batch;
    this.#pooled -= block.bytes;
    this.#reused++;
    if (block.owner === null) {
      this.#out += block.bytes + OVERHEAD;
      this.#watch(block, block.buffer, block.bytes);
    }
    return block;
  }

  /** Sees to it that a buffer comes back when its user is gone. */
  #watch(user: Block | Page, buffer: GPUBuffer, size: number): void {
    if (forgetful()) {
      this.#used.set(buffer, { user: new WeakRef(user), size, page: user instanceof Page });
      this.#forgotten.register(user, buffer, user);
      letGo();
    } else this.#forgotten.register(user, size, user);
  }

  /** The buffer is used no more, or by nobody who is watched. */
  #unwatch(user: Block, buffer: GPUBuffer): void {
    this.#used.delete(buffer);
    this.#forgotten.unregister(user);
  }

  #small(size: number): Block {
    let page = this.#page;
    // a kernel's view of a small block has SMALL bytes, wherever it begins
    if (page === null || page.used + SMALL > PAGE) {
      this.#page = page = this.#newPage();
    }
    const block = new Block(this, page.buffer, page.used, size, page.fresh, page);
    page.used += size;
    return block;
  }

  #newPage(): Page {
    if (this.#out + PAGE + OVERHEAD > this.#budget) {
      this.#page = null;
      this.collect();
    }
    const forgotten = this.#pages.pop();
    const page = new Page(forgotten ?? this.#create(PAGE), forgotten === undefined);
    if (forgotten === undefined) {
      // wgpu does not see which part of a buffer a dynamic offset uses, and would clear that part when it is first read
      this.#device.queue.writeBuffer(page.buffer, 0, zeros.buffer, 0, PAGE);
    } else {
      this.#pooled -= PAGE;
      this.#reused++;
      this.#out += PAGE + OVERHEAD;
    }
    this.#watch(page, page.buffer, PAGE);
    return page;
  }

  #create(size: number): GPUBuffer {
    this.#out += size + OVERHEAD;
    const buffer = this.#device.createBuffer({ size, usage });
    this.#created++;
    this.#count(size);
    return buffer;
  }

  #count(bytes: number): void {
    this.#reserved += bytes;
    if (this.#reserved > this.#peak) this.#peak = this.#reserved;
    this.#buffers += Math.sign(bytes);
  }

  /**
   * Gives a block back. Commands that use it and are recorded already keep their meaning, because those of its next user come
   * after them.
   *
   * @throws {TypeError} if it was given back before.
   */
  release(block: Block): void {
    if (block.released) throw new TypeError("this block of GPU memory was released before");
    block.released = true;
    if (block.owner === null) {
      this.#unwatch(block, block.buffer);
      this.#out = Math.max(0, this.#out - block.bytes - OVERHEAD);
    }
    this.#wait(block);
    if (this.#doomedBytes > this.#budget) this.flush();
  }

  /** Has a block wait for its next use, or its buffer for its end where enough wait. */
  #wait(block: Block): void {
    if (block.owner === null && this.#pooled + block.bytes > this.#poolLimit) {
      this.#doom(block.buffer, block.bytes);
      return;
    }
    let waiting = this.#pool.get(block.bytes);
    if (waiting === undefined) this.#pool.set(block.bytes, waiting = []);
    waiting.push(block);
    this.#pooled += block.bytes;
  }

  #doom(buffer: GPUBuffer, bytes: number): void {
    this.#doomed.push(buffer);
    this.#doomedBytes += bytes;
    this.#count(-bytes);
  }

  /** Frees the memory that waits for its next use, with the next {@linkcode Memory.sweep}. */
  trim(): void {
    for (const [size, waiting] of this.#pool) {
      if (size <= SMALL) continue; // their pages go when nobody holds any block of them
      for (const { buffer } of waiting) {
        this.#doomed.push(buffer);
        this.#count(-size);
      }
    }
    for (const buffer of this.#pages) {
      this.#doomed.push(buffer);
      this.#count(-PAGE);
    }
    this.#pages = [];
    this.#pool.clear();
    this.#pooled = 0;
  }

  /** Destroys what nobody needs. To be called when every recorded command has been submitted. */
  sweep(): void {
    for (const buffer of this.#doomed) buffer.destroy();
    this.#doomed = [];
    this.#doomedBytes = 0;
  }

  /** Collects garbage, and with it forgotten blocks. Works in synchronous code; takes 5 to 50 ms. */
  collect(): void {
    this.#out = 0;
    this.#collections++;
    this.flush();
    this.collector(collectGarbage);
    for (const buffer of this.#used.keys()) this.#reclaim(buffer);
    this.sweep();
  }

  /** Has a buffer whose user is gone wait for its next use. */
  #reclaim(buffer: GPUBuffer): void {
    const found = this.#used.get(buffer);
    if (found === undefined || found.user.deref() !== undefined) return;
    const { size, page } = found;
    this.#used.delete(buffer);
    if (page && this.#pooled + size <= this.#poolLimit) {
      this.#pages.push(buffer);
      this.#pooled += size;
    } else if (page) this.#doom(buffer, size);
    else this.#wait(new Block(this, buffer, 0, size, false, null));
  }

  /** What is in use. Blocks that were forgotten count until the event loop turns. */
  statistics(): MemoryStatistics {
    return {
      liveBytes: this.#reserved - this.#pooled,
      reservedBytes: this.#reserved,
      peakBytes: this.#peak,
      buffers: this.#buffers,
      pooledBytes: this.#pooled,
      created: this.#created,
      reused: this.#reused,
      collections: this.#collections,
    };
  }
}

/** Four classes between two powers of two: at most a fifth of a block is wasted. */
function sizeClass(bytes: number): number {
  if (bytes <= SMALL) return Math.max(ALIGNMENT, Math.ceil(bytes / ALIGNMENT) * ALIGNMENT);
  const step = 2 ** (30 - Math.clz32(Math.min(bytes - 1, 2 ** 31))) / 2;
  return Math.ceil(bytes / step) * step;
}
