/**
 * Recording of commands: everything goes into one encoder, and as far as possible into one compute pass, until somebody
 * reads or the batch is full. A submit costs more than a small kernel.
 *
 * Small parameters of the kernels (sizes, strides, numbers) lie in one uniform buffer that is written once a batch; each
 * dispatch sees its own window of it through a dynamic offset.
 * @module
 */
import { Memo, Row } from "./memo.ts";
import { type Block, checkUsable, type Memory, SMALL } from "./memory.ts";

/** How a kernel uses a buffer. */
export type Access = "read" | "write";

/** A compiled kernel. Its parameters are group 0, its buffers are group 1 in the order of `access`. */
export interface Kernel {
  /** For messages. */
  readonly label: string;
  /** The pipeline. */
  readonly pipeline: GPUComputePipeline;
  /** What its buffers are bound by. */
  readonly pattern: Pattern;
  /** How each buffer is used; `write` may read, too. */
  readonly access: readonly Access[];
  /** WGSL. */
  readonly code: string;
  /** The same kernel for blocks of one buffer, which cannot be bound for reading and for writing at once; made when first needed. */
  shared: Kernel | null;
}

/** What kernels that use so many buffers in the same way share. */
interface Pattern {
  readonly layout: GPUBindGroupLayout;
  /** Whether the buffers' places are told by dynamic offsets. */
  readonly dynamic: boolean;
  /** Groups that were made, by the buffers that they bind, and the part of each where the offsets are not dynamic. */
  readonly groups: Memo<GPUBindGroup>;
}

/**
 * How many groups are remembered. They outlive the batch, because buffers come back for the same uses in the next step of a
 * loop; they hold their buffers, and are all forgotten when there are so many.
 */
const GROUPS = 1024;

/** Bytes of parameters that one dispatch can have. */
export const PARAMETER_BYTES = 2048;

/** Dispatches in a batch; few enough that a GPU does not wait long for its first one. */
const BATCH = 1024;
/** Bytes of parameters in a batch. */
const RING = 2 ** 19;
/** Bytes of uploads that may wait for a submit: they are copied, and stay until then. */
const UPLOADS = 2 ** 24;
/** Most workgroups in one dimension; every adapter has it. */
const WIDTH = 65535;

const COMPUTE = 4; // GPUShaderStage

/** The queue of one device. */
export class Commands {
  readonly #device: GPUDevice;
  readonly #memory: Memory;
  readonly #patterns = new Map<string, Pattern>();
  readonly #parameterLayout: GPUBindGroupLayout;
  readonly #parameterGroup: GPUBindGroup;
  readonly #parameterBuffer: GPUBuffer;
  readonly #alignment: number;
  readonly #ring = new Int32Array((RING + PARAMETER_BYTES) / 4);
  readonly #offsets = new Uint32Array(32);
  readonly #bound = new Row();
  /** Whether groups outlive their batch. */
  readonly #lasting: boolean;
  #groups = 0;
  #ringUsed = 0;
  #encoder: GPUCommandEncoder | null = null;
  #pass: GPUComputePassEncoder | null = null;
  #last: Kernel | null = null;
  #dispatches = 0;
  #uploads = 0;
  #submits = 0;
  #recorded = 0;

  /** Makes what batches share; records nothing. `lasting` allows groups of buffers to outlive their batch. */
  constructor(device: GPUDevice, memory: Memory, lasting: boolean) {
    this.#device = device;
    this.#memory = memory;
    this.#lasting = lasting;
    this.#alignment = Math.max(16, device.limits.minUniformBufferOffsetAlignment);
    this.#parameterBuffer = device.createBuffer({ size: RING + PARAMETER_BYTES, usage: 0x40 | 0x08 });
    this.#parameterLayout = device.createBindGroupLayout({
      entries: [{ binding: 0, visibility: COMPUTE, buffer: { type: "uniform", hasDynamicOffset: true } }],
    });
    this.#parameterGroup = device.createBindGroup({
      layout: this.#parameterLayout,
      entries: [{ binding: 0, resource: { buffer: this.#parameterBuffer, size: PARAMETER_BYTES } }],
    });
  }

  /** How often commands were submitted. */
  get submits(): number {
    return this.#submits;
  }

  /** How many kernels were recorded. */
  get recorded(): number {
    return this.#recorded;
  }

  /** What all kernels share that use buffers in this way. */
  #pattern(access: readonly Access[]): Pattern {
    const key = access.join();
    let pattern = this.#patterns.get(key);
    if (pattern === undefined) {
      const dynamic = access.length <= this.#device.limits.maxDynamicStorageBuffersPerPipelineLayout;
      const layout = this.#device.createBindGroupLayout({
        entries: access.map((a, binding) => ({
          binding,
          visibility: COMPUTE,
          buffer: { type: a === "read" ? "read-only-storage" : "storage", hasDynamicOffset: dynamic },
        })),
      });
      this.#patterns.set(key, pattern = { layout, dynamic, groups: new Memo(GROUPS) });
    }
    return pattern;
  }

  /** Compiles WGSL whose entry point is `main`. The caller looks for errors: they are the device's. */
  compile(label: string, code: string, access: readonly Access[]): Kernel {
    const pattern = this.#pattern(access), layouts = [this.#parameterLayout, pattern.layout];
    const pipeline = this.#device.createComputePipeline({
      label,
      layout: this.#device.createPipelineLayout({ bindGroupLayouts: layouts }),
      compute: { module: this.#device.createShaderModule({ label, code }), entryPoint: "main" },
    });
    return { label, pipeline, pattern, access, code, shared: null };
  }

  /** The kernel for these blocks: one that binds everything for writing where a buffer is both read and written. */
  #fitting(kernel: Kernel, blocks: readonly Block[]): Kernel {
    const { access } = kernel;
    let conflict = false;
    for (let i = 0; i < blocks.length; i++) {
      if (access[i] === "read" || blocks[i].place.window === 0) continue;
      const { serial } = blocks[i].place;
      for (let k = 0; k < blocks.length; k++) {
        if (access[k] === "read" && blocks[k].place.serial === serial) conflict = true;
      }
    }
    if (!conflict) return kernel;
    return kernel.shared ??= this.compile(
      kernel.label,
      kernel.code.replaceAll("var<storage, read>", "var<storage, read_write>"),
      access.map(() => "write"),
    );
  }

  /** The blocks' buffers as a group. */
  #group({ layout, dynamic, groups }: Pattern, blocks: readonly Block[]): GPUBindGroup {
    const bound = this.#bound;
    bound.length = 0;
    for (let i = 0; i < blocks.length; i++) {
      const { place, start, bytes } = blocks[i];
      bound.add(place.serial);
      if (dynamic) continue;
      bound.add(start);
      bound.add(bytes);
    }
    const found = groups.find(bound);
    if (found !== undefined) return found;
    const group = this.#device.createBindGroup({
      layout,
      entries: blocks.map((block, binding) => ({
        binding,
        resource: dynamic
          ? { buffer: block.buffer, size: block.place.window || block.bytes }
          : { buffer: block.buffer, offset: block.start, size: block.bytes },
      })),
    });
    if (this.#groups >= GROUPS) this.#forget();
    this.#groups++;
    groups.set(bound, group);
    return group;
  }

  /** Forgets the groups, and the buffers that they hold. */
  #forget(): void {
    for (const { groups } of this.#patterns.values()) groups.clear();
    this.#groups = 0;
  }

  /**
   * Records a kernel for `groups` workgroups; above 65535 they form a rectangle, and the kernel has to know where to stop. With
   * `height` they form one of `groups` by `height` by `depth`.
   */
  dispatch(
    kernel: Kernel,
    blocks: readonly Block[],
    parameters: Int32Array,
    groups: number,
    height?: number,
    depth?: number,
  ): void {
    if (parameters.byteLength > PARAMETER_BYTES) {
      throw new RangeError(
        `${kernel.label} needs ${parameters.byteLength} bytes of sizes and strides, a kernel has ${PARAMETER_BYTES}`,
      );
    }
    for (let i = 0; i < blocks.length; i++) checkUsable(blocks[i], this.#memory, kernel.label);
    if (groups === 0) return;
    if (this.#dispatches >= BATCH || this.#ringUsed + parameters.byteLength > RING) this.flush();
    const offset = this.#ringUsed;
    this.#ring.set(parameters, offset / 4);
    this.#ringUsed = Math.ceil((offset + parameters.byteLength) / this.#alignment) * this.#alignment;

    kernel = this.#fitting(kernel, blocks);
    const { pattern } = kernel, group = this.#group(pattern, blocks);
    const pass = this.#pass ??= this.#encode().beginComputePass();
    if (this.#last !== kernel) pass.setPipeline(kernel.pipeline);
    this.#last = kernel;
    this.#offsets[0] = offset;
    pass.setBindGroup(0, this.#parameterGroup, this.#offsets, 0, 1);
    if (pattern.dynamic) {
      for (let i = 0; i < blocks.length; i++) this.#offsets[i] = blocks[i].start;
      pass.setBindGroup(1, group, this.#offsets, 0, blocks.length);
    } else pass.setBindGroup(1, group);
    const rows = Math.ceil(groups / WIDTH);
    if (height === undefined) pass.dispatchWorkgroups(Math.ceil(groups / rows), rows);
    else pass.dispatchWorkgroups(groups, height, depth);
    for (let i = 0; i < blocks.length; i++) blocks[i].batch = this.#memory.batch;
    this.#dispatches++;
    this.#recorded++;
  }

  #endPass(): void {
    this.#pass?.end();
    this.#pass = null;
    this.#last = null;
  }

  #encode(): GPUCommandEncoder {
    return this.#encoder ??= this.#device.createCommandEncoder();
  }

  /** The encoder outside of compute passes, for copies. The blocks that the caller's command uses have to be named. */
  encoder(...blocks: readonly Block[]): GPUCommandEncoder {
    for (const block of blocks) checkUsable(block, this.#memory, "a copy");
    this.#endPass();
    for (const block of blocks) block.batch = this.#memory.batch;
    return this.#encode();
  }

  /** Copies bytes between blocks; offsets and size are multiples of 4. */
  copy(from: Block, fromByte: number, to: Block, toByte: number, bytes: number): void {
    if (bytes === 0) return;
    checkRange(from, fromByte, bytes);
    checkRange(to, toByte, bytes);
    if (from.buffer === to.buffer) { // a copy cannot stay in one buffer
      const between = this.#memory.allocate(Math.max(bytes, SMALL + 1));
      this.copy(from, fromByte, between, 0, bytes);
      this.copy(between, 0, to, toByte, bytes);
      this.#memory.release(between);
      return;
    }
    this.encoder(from, to).copyBufferToBuffer(
      from.buffer,
      from.start + fromByte,
      to.buffer,
      to.start + toByte,
      bytes,
    );
  }

  /** Sets bytes to 0; offset and size are multiples of 4. */
  clear(block: Block, byte: number, bytes: number): void {
    if (bytes === 0) return;
    checkRange(block, byte, bytes);
    this.encoder(block).clearBuffer(block.buffer, block.start + byte, bytes);
  }

  /** Sets a buffer to 0 that no command has used. */
  clearNew(buffer: GPUBuffer, bytes: number): void {
    this.#endPass();
    this.#encode().clearBuffer(buffer, 0, bytes);
  }

  /** Writes memory of the CPU into a block; offset and size are multiples of 4. Comes after all recorded commands. */
  write(block: Block, byte: number, source: ArrayBufferView<ArrayBuffer>): void {
    // A source without bytes would end the process.
    if (source.byteLength === 0) return;
    checkUsable(block, this.#memory, "a write");
    checkRange(block, byte, source.byteLength);
    // The write would overtake what is recorded and not submitted.
    if (block.batch === this.#memory.batch) this.flush();
    this.#device.queue.writeBuffer(
      block.buffer,
      block.start + byte,
      source.buffer,
      source.byteOffset,
      source.byteLength,
    );
    this.#uploads += source.byteLength;
    if (this.#uploads > UPLOADS) this.flush();
  }

  /** Submits what is recorded. */
  flush(): void {
    if (!this.#lasting) this.#forget();
    this.#endPass();
    if (this.#encoder !== null || this.#uploads > 0) {
      if (this.#ringUsed > 0) {
        this.#device.queue.writeBuffer(this.#parameterBuffer, 0, this.#ring.buffer, 0, this.#ringUsed);
      }
      const encoder = this.#encoder;
      this.#encoder = null;
      this.#ringUsed = this.#dispatches = this.#uploads = 0;
      this.#memory.batch++;
      this.#submits++;
      this.#device.queue.submit(encoder === null ? [] : [encoder.finish()]);
    }
    this.#memory.sweep();
  }
}

function checkRange(block: Block, byte: number, bytes: number): void {
  if (!Number.isInteger(byte) || byte < 0 || byte + bytes > block.bytes) {
    throw new RangeError(`bytes ${byte} to ${byte + bytes} are outside of a block of ${block.bytes}`);
  }
  if (byte % 4 !== 0 || bytes % 4 !== 0) {
    throw new RangeError(`copies are in multiples of 4 bytes, got ${bytes} bytes at ${byte}`);
  }
}
