/**
 * The memory under tensors: a typed array, a device's memory, or a single value that has needed neither yet.
 * @module
 */

import { type Device, type Memory, remoteDevice, type RemoteMemory } from "./device.ts";
import { allocate, arrayOver, type DType, dtypeOfArray, itemSize, type TypedArray } from "./dtype.ts";
import type { Later } from "./later.ts";
import { isRecyclable, recycle, recycled } from "./recycle.ts";
import { sharesBlock, smallArray } from "./slab.ts";

let currentPass = 0;

/** Memory made from now on belongs to this backward pass, or to none with 0; gives what was before. */
export function enterPass(pass: number): number {
  const before = currentPass;
  currentPass = pass;
  return before;
}

let graphIsMade = false;

/**
 * Whether a pass runs that is recorded itself: what its nodes save a second time belongs to two graphs, and neither may give it back.
 * Gives what was before.
 */
export function enterRecordedPass(isRecorded: boolean): boolean {
  const before = graphIsMade;
  graphIsMade = isRecorded;
  return before;
}

/** In place of a pass where there was none; and where a node of the graph keeps the memory for its own. */
const NO_PASS = -1, SAVED = -2;

/** In place of elements that are gone. */
const RELEASED: Later = {
  settle() {
    throw new Error(
      "this memory was given back at the end of a backward pass that nobody could hold it beyond",
    );
  },
};

/**
 * Memory shared by a tensor and its views. The version counts in-place writes, so that a backward pass can tell that a
 * saved tensor was changed.
 *
 * Allocating a typed array is the dearest step of a small operation, so the result of a 0-d operation keeps its number
 * in a field and makes the array when somebody asks for it. On another device than the CPU a single value waits in the same way,
 * until a kernel needs it in memory.
 */
export class Storage {
  /** Element type. */
  declare readonly dtype: DType;
  /** Number of elements. */
  declare readonly length: number;
  /** Where the memory is. */
  declare readonly device: Device;
  /** How many in-place writes this memory has seen. */
  declare version: number;
  /** The backward pass that made this memory, if it can be given back; below 0 if none did; 0 if it cannot. */
  declare pass: number;
  /** Set once a leaf's `.grad` (or the caller of `backward`) owns this memory, so that no other leaf takes it over. */
  declare claimed: boolean;
  /** Set once the user's code may hold this memory: then no pass gives it back, and no leaf takes it over. */
  declare seen: boolean;
  /** Computes the elements, which nobody has needed yet; null where they are there. */
  declare later: Later | null;
  /**
   * The CPU's array, another device's memory, or a single value; null for a promise. Few fields, because every small result has a
   * storage.
   */
  declare private content: Memory | number | bigint | null;

  private constructor(
    dtype: DType,
    length: number,
    device: Device,
    content: Memory | number | bigint | null,
  ) {
    this.dtype = dtype;
    this.length = length;
    this.device = device;
    this.version = 0;
    this.claimed = false;
    this.seen = false;
    this.pass = device === "cpu" ? 0 : currentPass;
    this.later = null;
    this.content = content;
  }

  /** Zeroed memory for `length` elements. */
  static allocate(dtype: DType, length: number, device: Device = "cpu"): Storage {
    if (device === "cpu") {
      const array = smallArray(dtype, length) ?? recycled(dtype, length)?.fill(0) ?? allocate(dtype, length);
      return Storage.own(dtype, array);
    }
    return new Storage(dtype, length, device, remoteDevice(device).allocate(dtype, length, true));
  }

  /** Memory that is about to be written as a whole: its content is not known. */
  static unwritten(dtype: DType, length: number, device: Device): Storage {
    if (device === "cpu") {
      const array = smallArray(dtype, length) ?? recycled(dtype, length) ?? allocate(dtype, length);
      return Storage.own(dtype, array);
    }
    return new Storage(dtype, length, device, remoteDevice(device).allocate(dtype, length, false));
  }

  /** The CPU's memory in an array that nobody else has. */
  private static own(dtype: DType, array: TypedArray): Storage {
    const storage = new Storage(dtype, array.length, "cpu", array);
    if (isRecyclable(array)) storage.pass = currentPass === 0 ? NO_PASS : currentPass;
    return storage;
  }

  /** One element without memory. The value must already be rounded to the dtype (bool as 0 or 1). */
  static ofValue(dtype: DType, value: number | bigint, device: Device = "cpu"): Storage {
    return new Storage(dtype, 1, device, value);
  }

  /** Elements that `later` delivers when they are first asked for. */
  static promise(dtype: DType, length: number, device: Device, later: Later): Storage {
    const storage = new Storage(dtype, length, device, null);
    storage.later = later;
    return storage;
  }

  /** Keeps a promise: takes over the elements of another storage. */
  deliver(from: Storage): void {
    this.content = from.content;
    this.later = null;
  }

  /** Shares an existing array. */
  static share(array: TypedArray, dtype: DType = dtypeOfArray(array)): Storage {
    return new Storage(dtype, array.length, "cpu", array);
  }

  /**
   * The same memory as elements of another type, which on the CPU have to be aligned to their size; null where its device holds the
   * two in different ways.
   */
  as(dtype: DType): Storage | null {
    let other: Memory | null;
    if (this.device === "cpu") {
      const { buffer, byteOffset, byteLength } = this.ownData;
      other = arrayOver(dtype, buffer as ArrayBuffer, byteOffset, byteLength / itemSize(dtype));
    } else other = (this.memory as RemoteMemory).as(dtype);
    if (other === null) return null;
    const storage = new Storage(dtype, other.length, this.device, other);
    this.seen = true; // neither gives the memory back from now on
    storage.pass = 0;
    return storage;
  }

  /** A copy of an array in a device's memory. */
  static upload(array: TypedArray, dtype: DType, device: Device): Storage {
    if (device === "cpu") return Storage.share(array.slice(), dtype);
    return new Storage(dtype, array.length, device, remoteDevice(device).upload(array, dtype));
  }

  /** Whether this is a single value that is in no memory yet. */
  get isValue(): boolean {
    if (this.later !== null) this.later.settle();
    return typeof this.content !== "object";
  }

  /**
   * The elements in the CPU's memory; makes the array for a single value.
   *
   * @throws {TypeError} on another device: an operation that ends here has no kernel there.
   */
  get data(): TypedArray {
    if (this.device !== "cpu") {
      throw new TypeError(`this operation is not there for device "${this.device}": use t.cpu() first`);
    }
    return this.memory as TypedArray;
  }

  /** The elements, wherever they are; makes memory for a single value. */
  get memory(): Memory {
    const { content } = this;
    if (content === null) {
      this.later!.settle();
      return this.memory;
    }
    if (typeof content === "object") return content;
    const array = this.single(content);
    return this.content = this.device === "cpu" ? array : remoteDevice(this.device).upload(array, this.dtype);
  }

  /** {@linkcode Storage.data} for somebody outside, who may do with the whole buffer what he likes. */
  get ownData(): TypedArray {
    const { data } = this;
    return sharesBlock(data) ? this.content = data.slice() : data;
  }

  /** Reads one element: a bigint for int64, else a number (bool as 0 or 1). Waits for other devices. */
  get(index: number): number | bigint {
    if (this.later !== null) this.later.settle();
    const { content } = this;
    if (typeof content !== "object") return content;
    return this.device === "cpu"
      ? (content as TypedArray)[index]
      : (content as RemoteMemory).read(index, 1)[0];
  }

  /** Writes one element. The value must already be rounded to the dtype. */
  set(index: number, value: number | bigint): void {
    if (this.later !== null) this.later.settle();
    const { content } = this;
    if (typeof content !== "object") this.content = value;
    else if (this.device === "cpu") (content as TypedArray)[index] = value;
    else {
      const array = allocate(this.dtype, 1);
      array[0] = value;
      (content as RemoteMemory).write(index, array);
    }
  }

  /** The single value in an array of its own. */
  private single(value: number | bigint): TypedArray {
    const array = this.device === "cpu" ? smallArray(this.dtype, 1)! : allocate(this.dtype, 1);
    array[0] = value;
    return array;
  }

  /** Gives the memory back at once, because nobody can use it any more. */
  release(): void {
    const { content } = this;
    if (content === null || typeof content !== "object") return;
    if (this.device !== "cpu") (content as RemoteMemory).release();
    else if (this.pass !== 0) {
      recycle(this.dtype, content as TypedArray);
      this.content = null;
      this.later = RELEASED;
    }
  }

  /** To be told that a node of the graph keeps this memory for its backward pass. */
  save(): void {
    if (this.pass === NO_PASS) this.pass = SAVED;
    else if (graphIsMade) this.seen = true;
  }

  /** Whether {@linkcode save} was called, for memory that no pass made and that can be given back. */
  get isSaved(): boolean {
    return this.pass === SAVED;
  }

  /** Gives memory back that only the house has held, unless the user's code has come by it after all. */
  releaseUnseen(): void {
    if (!this.claimed && !this.seen) this.release();
  }

  /** Gives back memory that a leaf's `.grad` has owned, if a pass that is over made it and the user's code never saw it. */
  releaseGradient(): void {
    if (this.claimed && !this.seen && this.pass > 0 && currentPass === 0) this.release();
  }

  /** Elements `offset` to `offset + length`: shared on the CPU, a copy elsewhere. */
  read(offset: number, length: number): TypedArray {
    if (this.later !== null) this.later.settle();
    if (this.device === "cpu") return this.ownData.subarray(offset, offset + length);
    const { content } = this;
    if (typeof content !== "object") return this.single(content).subarray(offset, offset + length);
    return (content as RemoteMemory).read(offset, length);
  }

  /** {@linkcode Storage.read} for hosts that cannot wait for their devices. */
  async readAsync(offset: number, length: number): Promise<TypedArray> {
    if (this.later !== null) this.later.settle();
    return this.device === "cpu" || typeof this.content !== "object"
      ? this.read(offset, length)
      : await (this.content as RemoteMemory).readAsync(offset, length);
  }
}
