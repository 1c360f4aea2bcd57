/**
 * Memory of the GPU: buffers in size classes, used again once they are given back.
 *
 * A large {@linkcode Block} is one buffer. A small one is a part of a page, and pages are parts of a buffer: making buffers and bind
 * groups costs more than a small kernel. Whoever knows that nobody needs a block any more (fused temporaries, what a graph saved)
 * calls `release`, and the next allocation of its class takes it. A block that is just forgotten comes back when the garbage
 * collector finds it, a small one when all of its page are forgotten.
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

/** A buffer, or a part of one, that is handed out and comes back as a whole. */
interface Place {
  readonly buffer: GPUBuffer;
  /** Counts the buffers, so that they can be told apart by a number. */
  readonly serial: number;
  /** Where in the buffer it begins, in bytes. */
  readonly start: number;
  readonly bytes: number;
  /** Bytes that a kernel's view of its blocks has, wherever they begin; 0 where a block is seen as it is. */
  readonly window: number;
  /** The buffer that it is a page of, or null. */
  readonly slab: Slab | null;
  /** Whether it was never handed out, so that all bytes are 0. */
  fresh: boolean;
  /** The batch of commands before which nobody used it as somebody does now. */
  batch: number;
}

/** A buffer that is cut into pages. */
class Slab {
  /** Pages that are in use. */
  used = 0;

  constructor(readonly place: Place, readonly kind: Kind) {}
}

/** Blocks up to a size, and the pages that they are parts of. */
interface Kind {
  readonly limit: number;
  /** Bytes of a page: few, because one block that somebody keeps keeps all of it. */
  readonly page: number;
  /** The page that blocks are taken from. */
  open: Page | null;
  /** Pages that nobody uses. */
  free: Place[];
}

/** Holds many small blocks. It comes back when nobody holds any of them. */
class Page {
  /** Bytes given out so far. */
  used = 0;

  constructor(readonly place: Place, readonly fresh: boolean) {}
}

/** A buffer, or a part of one. Whoever holds it may use all of its bytes; what they are at first is not known. */
export class Block {
  /** Where in the buffer it begins, in bytes. */
  readonly start: number;
  /** Size in bytes: what was asked for, rounded up to its class. */
  readonly bytes: number;
  /** Whether nothing was ever written here, so that all bytes are 0. */
  readonly fresh: boolean;
  /** The buffer, or the page that it is a part of. */
  readonly place: Place;
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
    place: Place,
    start: number,
    bytes: number,
    fresh: boolean,
    owner: object | null,
    batch: number,
  ) {
    this.home = home;
    this.place = place;
    this.start = start;
    this.bytes = bytes;
    this.fresh = fresh;
    this.owner = owner;
    this.batch = batch;
    this.released = false;
  }

  /** The buffer, for bind groups and copies. */
  get buffer(): GPUBuffer {
    return this.place.buffer;
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
export const SMALL = 2 ** 16;
/** Bytes of a buffer that is cut into pages, beside the view of a block that begins at its end. */
const SLAB = 2 ** 20;
/** Kinds of blocks below that, by how large they and their pages are. */
const KINDS = [[2 ** 12, 2 ** 14], [SMALL, 2 ** 16]] as const;
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
  readonly #kinds: readonly Kind[] = KINDS.map(([limit, page]) => ({ limit, page, open: null, free: [] }));
  /** Buffers to destroy when no recorded command uses them. */
  #doomed: GPUBuffer[] = [];
  /** Holds a place, or only its size where the buffer goes with its user. */
  readonly #forgotten: FinalizationRegistry<Place | number>;
  /** What is in use, with what uses it, where weak references tell when that is gone. */
  readonly #used = new Map<Place, WeakRef<object>>();
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

  /** The batch of commands that is recorded now. */
  batch = 0;

  /** Why the device is gone, or null. */
  lost: string | null = null;

  /** Submits what is recorded, so that buffers which only it uses can be freed. */
  flush: () => void = () => this.sweep();

  /** Sets a new buffer to 0, before all other commands that use it. */
  clear: (buffer: GPUBuffer, bytes: number) => void = () => {};

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
   * A block of at least so many bytes, its content unknown; with `idle` one that no recorded command uses, if there is one or memory for
   * it: what is written from the CPU into others has to wait for a submit.
   *
   * @throws {RangeError} if no buffer can be that large.
   */
  allocate(bytes: number, idle = false): Block {
    if (!Number.isSafeInteger(bytes) || bytes < 0) {
      throw new RangeError(`a block cannot have ${bytes} bytes`);
    }
    if (bytes > this.#largest) {
      throw new RangeError(
        `the GPU's largest buffer has ${this.#largest} bytes, got a tensor of ${bytes}: split it, or use device "cpu"`,
      );
    }
    const size = Math.min(sizeClass(bytes), this.#largest);
    const waiting = this.#waiting(size, idle);
    if (waiting !== undefined) return this.#again(waiting);
    for (let k = 0; k < this.#kinds.length; k++) {
      if (size <= this.#kinds[k].limit) return this.#small(this.#kinds[k], size);
    }
    if (this.#out + size + OVERHEAD > this.#budget) {
      this.collect();
      const found = this.#waiting(size, idle);
      if (found !== undefined) return this.#again(found);
    }
    this.#out += size + OVERHEAD;
    const place = this.#create(size, 0), block = new Block(this, place, 0, size, true, null, -1);
    this.#watch(block, place);
    return block;
  }

  /** Takes waiting memory of a size: the latest, or the one that waits longest if that is used by what is recorded. */
  #waiting(size: number, idle: boolean): Block | undefined {
    const list = this.#pool.get(size);
    if (list === undefined || list.length === 0) return undefined;
    const latest = list.pop()!;
    if (!idle || latest.batch !== this.batch) return latest;
    const taken = list.length > 0 && list[0].batch !== this.batch ? list[0] : undefined;
    if (taken === undefined) list.push(latest);
    else list[0] = latest;
    return taken;
  }

  /** Waiting memory as a block that nobody has held before. */
  #again(waiting: Block): Block {
    const { place, start, bytes, owner } = waiting;
    const block = new Block(this, place, start, bytes, false, owner, waiting.batch);
    this.#pooled -= bytes;
    this.#reused++;
    if (owner === null) {
      this.#out += bytes + OVERHEAD;
      this.#watch(block, place);
    }
    return block;
  }

  /** Sees to it that a place comes back when its user is gone. */
  #watch(user: Block | Page, place: Place): void {
    if (forgetful()) {
      this.#used.set(place, new WeakRef(user));
      this.#forgotten.register(user, place, user);
      letGo();
    } else if (place.slab === null) this.#forgotten.register(user, place.bytes, user);
  }

  /** The buffer is used no more, or by nobody who is watched. */
  #unwatch(user: Block): void {
    this.#used.delete(user.place);
    this.#forgotten.unregister(user);
  }

  #small(kind: Kind, size: number): Block {
    let page = kind.open;
    if (page === null || page.used + size > kind.page) kind.open = page = this.#newPage(kind);
    const { place } = page;
    const block = new Block(this, place, place.start + page.used, size, page.fresh, page, place.batch);
    page.used += size;
    return block;
  }

  #newPage(kind: Kind): Page {
    if (this.#out + kind.page + OVERHEAD > this.#budget) {
      kind.open = null;
      this.collect();
    }
    if (kind.free.length === 0) this.#cut(kind);
    const place = kind.free.pop()!, page = new Page(place, place.fresh);
    if (!place.fresh) this.#reused++;
    place.fresh = false;
    place.slab!.used++;
    this.#pooled -= place.bytes;
    this.#out += place.bytes + OVERHEAD;
    this.#watch(page, place);
    return page;
  }

  /** Makes pages. */
  #cut(kind: Kind): void {
    const size = SLAB + kind.limit, whole = this.#create(size, kind.limit), slab = new Slab(whole, kind);
    const { buffer, serial, batch } = whole;
    // wgpu does not see which part of a buffer a dynamic offset uses, and would clear that part when it is first read
    this.clear(buffer, size);
    if (!forgetful()) this.#forgotten.register(slab, size);
    for (let start = SLAB - kind.page; start >= 0; start -= kind.page) {
      kind.free.push({
        buffer,
        serial,
        start,
        bytes: kind.page,
        window: kind.limit,
        slab,
        fresh: true,
        batch,
      });
      this.#pooled += kind.page;
    }
  }

  #create(size: number, window: number): Place {
    const buffer = this.#device.createBuffer({ size, usage }), serial = ++this.#created, { batch } = this;
    this.#count(size);
    return { buffer, serial, start: 0, bytes: size, window, slab: null, fresh: true, batch };
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
      this.#unwatch(block);
      this.#out = Math.max(0, this.#out - block.bytes - OVERHEAD);
    }
    this.#wait(block);
    if (this.#doomedBytes > this.#budget) this.flush();
  }

  /** Has a block wait for its next use, or its buffer for its end where enough wait. */
  #wait(block: Block): void {
    if (block.owner === null && this.#pooled + block.bytes > this.#poolLimit) {
      this.#doom(block.place);
      return;
    }
    let waiting = this.#pool.get(block.bytes);
    if (waiting === undefined) this.#pool.set(block.bytes, waiting = []);
    waiting.push(block);
    this.#pooled += block.bytes;
  }

  #doom({ buffer, bytes }: Place): void {
    this.#doomed.push(buffer);
    this.#doomedBytes += bytes;
    this.#count(-bytes);
  }

  /** Frees the memory that waits for its next use, with the next {@linkcode Memory.sweep}. */
  trim(): void {
    this.#letPages();
    for (const [size, waiting] of this.#pool) {
      this.#pooled -= size * waiting.length;
      for (const { place } of waiting) this.#doom(place);
    }
    this.#pool.clear();
    this.#trimPages();
  }

  /** Frees the buffers of which no page is in use. */
  #trimPages(): void {
    for (const kind of this.#kinds) {
      const slabs = new Set<Slab>();
      kind.free = kind.free.filter(({ slab }) => {
        if (slab!.used > 0) return true;
        slabs.add(slab!);
        this.#pooled -= kind.page;
        return false;
      });
      for (const { place } of slabs) this.#doom(place);
    }
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
    this.#letPages();
    this.collector(collectGarbage);
    for (const place of this.#used.keys()) this.#reclaim(place);
    this.sweep();
  }

  /** Small blocks that wait hold their pages: from now on they do not. */
  #letPages(): void {
    for (const [size, waiting] of this.#pool) {
      if (size > SMALL) continue;
      this.#pooled -= size * waiting.length;
      this.#pool.delete(size);
    }
  }

  /** Has a place whose user is gone wait for its next use. */
  #reclaim(place: Place): void {
    const user = this.#used.get(place), { slab, bytes } = place;
    if (user === undefined || user.deref() !== undefined) return;
    this.#used.delete(place);
    // commands that are recorded may still use it
    place.batch = this.batch;
    if (slab === null) return this.#wait(new Block(this, place, 0, bytes, false, null, this.batch));
    slab.kind.free.push(place);
    slab.used--;
    this.#pooled += bytes;
    if (slab.used === 0 && this.#pooled > this.#poolLimit) this.#trimPages();
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
  if (bytes <= KINDS[0][0]) return Math.max(ALIGNMENT, Math.ceil(bytes / ALIGNMENT) * ALIGNMENT);
  const step = 2 ** (30 - Math.clz32(Math.min(bytes - 1, 2 ** 31))) / 2;
  return Math.ceil(bytes / step) * step;
}
