/**
 * An open device and what belongs to it: memory, the queue, compiled kernels, errors.
 * @module
 */
import { forgetful } from "./collector.ts";
import { type Access, Commands, type Kernel } from "./commands.ts";
import { goneError, GpuError } from "./error.ts";
import { Faults } from "./faults.ts";
import { type Host, MainHost } from "./host.ts";
import type { KnownFolds } from "./fold_launches.ts";
import type { Launches } from "./launches.ts";
import type { ManyKernels } from "./many.ts";
import { Memo } from "./memo.ts";
import { Memory, type MemoryOptions } from "./memory.ts";
import { type KnownPlaces, PLACES } from "./place_code.ts";
import { SyncReader } from "./sync.ts";
import type { Block } from "./memory.ts";

export { GpuError } from "./error.ts";

/** What a device can do, and which kernels are chosen for it. */
export interface GpuInfo {
  /** The adapter's own description. */
  readonly description: string;
  /** Whether it is a program on the CPU and not hardware. */
  readonly software: boolean;
  /** Whether float16 has memory of its own. */
  readonly float16: boolean;
  /** Whether it computes in float64. */
  readonly float64: boolean;
  /** Bytes of the largest tensor. */
  readonly largestBuffer: number;
  /** How many tensors one kernel may read and write. */
  readonly buffersPerKernel: number;
  /** Bytes of workgroup memory. */
  readonly workgroupMemory: number;
}

/** One open device. Get it from `openDevice`. */
export class Gpu {
  /** What it can do. */
  readonly info: GpuInfo;
  /** The device. */
  readonly device: GPUDevice;
  /** Its memory. */
  readonly memory: Memory;
  /** Its queue. */
  readonly commands: Commands;
  /** What its kernels complain about. */
  readonly faults: Faults;
  /** How programs were launched before. */
  readonly launches: Launches = new WeakMap();
  /** How folds were. */
  readonly folds: KnownFolds = new WeakMap();
  /** How indexing was. */
  readonly places: KnownPlaces = new Memo(PLACES);
  /** Kernels for many tensors. */
  readonly many: ManyKernels = new WeakMap();
  /** Which thread the device belongs to. */
  readonly thread: "main" | "worker";
  /** Whether reads can be synchronous: found out at start-up. */
  readonly canReadNow: boolean;
  /** Whether they are; set it to false to have them refused. */
  syncReads: boolean;
  readonly #host: Host;
  readonly #reader: SyncReader;
  readonly #kernels = new Map<string, Map<string, Kernel>>();
  #compiled = 0;

  /** Takes over a device that nobody else uses. */
  constructor(
    device: GPUDevice,
    info: GpuInfo,
    options: MemoryOptions = {},
    host: Host = new MainHost(device),
  ) {
    this.device = device;
    this.info = info;
    this.memory = new Memory(device, info.largestBuffer, options);
    // groups hold their buffers: only where what is forgotten is found without them, and not for a worker, which drops them
    this.commands = new Commands(device, this.memory, host.thread === "main" && forgetful());
    this.memory.flush = () => this.commands.flush();
    this.memory.clear = (buffer, bytes) => this.commands.clearNew(buffer, bytes);
    this.faults = new Faults(this.memory, this.commands);
    this.memory.collector = (gc) => host.collect(gc);
    this.#host = host;
    this.thread = host.thread;
    this.#reader = new SyncReader(device, this.commands, host, (errors) => this.#report(errors));
    host.whenLost((reason) => this.memory.lost ??= reason);
    const block = this.memory.allocate(256);
    this.syncReads = this.canReadNow = this.#reader.probe(block);
    this.memory.release(block);
  }

  /** Why the device is gone, or null. */
  get lost(): string | null {
    return this.memory.lost;
  }

  /** Ends the use of the device; its memory is freed. */
  close(): void {
    if (this.lost !== null) return;
    this.memory.lost = "it was closed";
    this.device.destroy();
  }

  /**
   * Checks that the device is there.
   *
   * @throws {GpuError} if it is lost or closed.
   */
  checkOpen(): void {
    if (this.lost !== null) throw goneError(this.lost);
  }

  #report(errors: readonly string[]): void {
    this.checkOpen();
    if (errors.length > 0) throw new GpuError(`a GPU command failed: ${errors[0].trim()}`);
  }

  /**
   * Looks for errors of the commands so far.
   *
   * @throws {GpuError} if a command failed since the last call.
   */
  check(): void {
    this.checkOpen();
    this.#report(this.#host.errors());
  }

  // ---- work ---------------------------------------------------------------------------------------------------------

  /**
   * A kernel from the cache, or compiled from the source that `write` gives. The family is a program's key or a name.
   *
   * @throws {GpuError} if it does not compile.
   */
  kernel(family: string, key: string, write: () => KernelSource): Kernel {
    let members = this.#kernels.get(family);
    if (members === undefined) this.#kernels.set(family, members = new Map());
    let kernel = members.get(key);
    if (kernel === undefined) {
      const { label, code, access } = write();
      if (access.length > this.info.buffersPerKernel) {
        throw new RangeError(
          `${label} uses ${access.length} tensors at once, this GPU's kernels can use ${this.info.buffersPerKernel}`,
        );
      }
      this.check();
      kernel = this.commands.compile(label, code, access);
      this.check();
      members.set(key, kernel);
      this.#compiled++;
    }
    return kernel;
  }

  /** Number of compiled kernels. */
  get kernels(): number {
    return this.#compiled;
  }

  /** Waits until everything recorded is done. */
  synchronize(): void {
    const block = this.memory.allocate(4);
    try {
      this.readBytes(block, 0, 4);
    } finally {
      this.memory.release(block);
    }
  }

  /**
   * Makes of a failed read what it means. Without a turn of the event loop nobody is told that the device is lost, but then
   * nothing can be mapped.
   */
  #failed(error: unknown): never {
    if (!(error instanceof DOMException)) throw error;
    this.check(); // there was not enough memory, say
    this.memory.lost ??= `it does not answer: ${error.message}`;
    throw goneError(this.memory.lost);
  }

  #read(block: Block, byte: number, bytes: number): ArrayBuffer {
    try {
      return this.#reader.read(block, byte, bytes);
    } catch (error) {
      this.#failed(error);
    }
  }

  /** Bytes of a block, after everything recorded. Offset and size are multiples of 4. */
  readBytes(block: Block, byte: number, bytes: number): ArrayBuffer {
    this.checkOpen();
    if (!this.syncReads) {
      throw new GpuError(
        this.canReadNow
          ? 'synchronous reads of GPU memory are switched off (setReads("async")): use await read()'
          : "this host cannot read GPU memory synchronously: use await read()",
      );
    }
    const data = this.#read(block, byte, bytes);
    if (this.faults.pending) {
      const { block, bytes } = this.faults.where;
      this.#complain(this.faults.judge(this.#read(block, 0, bytes)));
    }
    return data;
  }

  /** {@linkcode Gpu.readBytes} that works on every host. */
  async readBytesAsync(block: Block, byte: number, bytes: number): Promise<ArrayBuffer> {
    this.checkOpen();
    const read = (block: Block, byte: number, bytes: number) =>
      this.#reader.readAsync(block, byte, bytes).catch((error) => this.#failed(error));
    const data = await read(block, byte, bytes);
    if (this.faults.pending) {
      const { block, bytes } = this.faults.where;
      this.#complain(this.faults.judge(await read(block, 0, bytes)));
    }
    return data;
  }

  #complain(sentence: string | null): void {
    if (sentence !== null) throw new GpuError(sentence);
  }
}

/** Source of a kernel. */
export interface KernelSource {
  /** For messages. */
  readonly label: string;
  /** WGSL with the entry point `main`; parameters are group 0, binding 0, buffers are group 1. */
  readonly code: string;
  /** How each buffer is used. */
  readonly access: readonly Access[];
}
