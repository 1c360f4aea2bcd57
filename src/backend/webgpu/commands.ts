/**
 * Recording of commands: everything goes into one encoder, and as far as possible into one compute pass, until somebody
 * reads or the batch is full. A submit costs more than a small kernel.
 *
 * Small parameters of the kernels (sizes, strides, numbers) lie in one uniform buffer that is written once a batch; each
 * dispatch sees its own window of it through a dynamic offset.
 * @module
 */
import type { Block, Memory } from "./memory.ts";

/** How a kernel uses a buffer. */
export type Access = "read" | "write";

/** A compiled kernel. Its parameters are group 0, its buffers are group 1 in the order of `access`. */
export interface Kernel {
  /** For messages. */
  readonly label: string;
  /** The pipeline. */
  readonly pipeline: GPUComputePipeline;
  /** Layout of the buffers' group. */
  readonly layout: GPUBindGroupLayout;
  /** How each buffer is used; `write` may read, too. */
  readonly access: readonly Access[];
}

/** Bytes of parameters that one dispatch can have. */
export const PARAMETER_BYTES = 2048;

/** Dispatches in a batch; few enough that a GPU does not wait long for its first one. */
const BATCH = 256;
/** Bytes of parameters in a batch. */
const RING = 2 ** 18;
/** Bytes of uploads that may wait for a submit: they are copied, and stay until then. */
const UPLOADS = 2 ** 24;
/** Most workgroups in one dimension; every adapter has it. */
const WIDTH = 65535;

const COMPUTE = 4; // GPUShaderStage

/** The queue of one device. */
export class Commands {
  readonly #device: GPUDevice;
  readonly #memory: Memory;
  readonly #layouts = new Map<string, GPUBindGroupLayout>();
  readonly #parameterLayout: GPUBindGroupLayout;
  readonly #parameterGroup: GPUBindGroup;
  readonly #parameterBuffer: GPUBuffer;
  readonly #alignment: number;
  readonly #ring = new Int32Array((RING + PARAMETER_BYTES) / 4);
  #ringUsed = 0;
  #encoder: GPUCommandEncoder | null = null;
  #pass: GPUComputePassEncoder | null = null;
  #last: Kernel | null = null;
  #dispatches = 0;
  #uploads = 0;
  #batch = 0;
  #submits = 0;
  #recorded = 0;

  /** Makes what batches share; records nothing. */
  constructor(device: GPUDevice, memory: Memory) {
    this.#device = device;
    this.#memory = memory;
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

  /** The layout of a group of buffers, shared by all kernels of the same pattern. */
  #layout(access: readonly Access[]): GPUBindGroupLayout {
    const key = access.join();
    let layout = this.#layouts.get(key);
    if (layout === undefined) {
      layout = this.#device.createBindGroupLayout({
        entries: access.map((a, binding) => ({
          binding,
          visibility: COMPUTE,
          buffer: { type: a === "read" ? "read-only-storage" : "storage" },
        })),
      });
      this.#layouts.set(key, layout);
    }
    return layout;
  }

  /** Compiles WGSL whose entry point is `main`. The caller looks for errors: they are the device's. */
  compile(label: string, code: string, access: readonly Access[]): Kernel {
    const layout = this.#layout(access);
    const pipeline = this.#device.createComputePipeline({
      label,
      layout: this.#device.createPipelineLayout({ bindGroupLayouts: [this.#parameterLayout, layout] }),
      compute: { module: this.#device.createShaderModule({ label, code }), entryPoint: "main" },
    });
    return { label, pipeline, layout, access };
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
    for (const block of blocks) {
      if (block.released) throw new TypeError(`${kernel.label} uses GPU memory that was released`);
    }
    if (groups === 0) return;
    if (this.#dispatches >= BATCH || this.#ringUsed + parameters.byteLength > RING) this.flush();
    const offset = this.#ringUsed;
    this.#ring.set(parameters, offset / 4);
    this.#ringUsed = Math.ceil((offset + parameters.byteLength) / this.#alignment) * this.#alignment;

    const group = this.#device.createBindGroup({
      layout: kernel.layout,
      entries: blocks.map((block, binding) => ({ binding, resource: { buffer: block.buffer } })),
    });
    const pass = this.#pass ??= this.#encode().beginComputePass();
    if (this.#last !== kernel) pass.setPipeline(kernel.pipeline);
    this.#last = kernel;
    pass.setBindGroup(0, this.#parameterGroup, [offset]);
    pass.setBindGroup(1, group);
    const rows = Math.ceil(groups / WIDTH);
    if (height === undefined) pass.dispatchWorkgroups(Math.ceil(groups / rows), rows);
    else pass.dispatchWorkgroups(groups, height, depth);
    for (const block of blocks) block.batch = this.#batch;
    this.#dispatches++;
    this.#recorded++;
  }

  #encode(): GPUCommandEncoder {
    return this.#encoder ??= this.#device.createCommandEncoder();
  }

  /** The encoder outside of compute passes, for copies. The blocks that the caller's command uses have to be named. */
  encoder(...blocks: readonly Block[]): GPUCommandEncoder {
    for (const block of blocks) {
      if (block.released) throw new TypeError("copy of GPU memory that was released");
    }
    this.#pass?.end();
    this.#pass = null;
    this.#last = null;
    for (const block of blocks) block.batch = this.#batch;
    return this.#encode();
  }

  /** Copies bytes between blocks; offsets and size are multiples of 4. */
  copy(from: Block, fromByte: number, to: Block, toByte: number, bytes: number): void {
    if (bytes === 0) return;
    checkRange(from, fromByte, bytes);
    checkRange(to, toByte, bytes);
    this.encoder(from, to).copyBufferToBuffer(from.buffer, fromByte, to.buffer, toByte, bytes);
  }

  /** Sets bytes to 0; offset and size are multiples of 4. */
  clear(block: Block, byte: number, bytes: number): void {
    if (bytes === 0) return;
    checkRange(block, byte, bytes);
    this.encoder(block).clearBuffer(block.buffer, byte, bytes);
  }

  /** Writes memory of the CPU into a block; offset and size are multiples of 4. Comes after all recorded commands. */
  write(block: Block, byte: number, source: ArrayBufferView<ArrayBuffer>): void {
    // A source without bytes would end the process.
    if (source.byteLength === 0) return;
    if (block.released) throw new TypeError("write to GPU memory that was released");
    checkRange(block, byte, source.byteLength);
    // The write would overtake what is recorded and not submitted.
    if (block.batch === this.#batch) this.flush();
    this.#device.queue.writeBuffer(
      block.buffer,
      byte,
      source.buffer,
      source.byteOffset,
      source.byteLength,
    );
    this.#uploads += source.byteLength;
    if (this.#uploads > UPLOADS) this.flush();
  }

  /** Submits what is recorded. */
  flush(): void {
    this.#pass?.end();
    this.#pass = null;
    this.#last = null;
    if (this.#encoder !== null || this.#uploads > 0) {
      if (this.#ringUsed > 0) {
        this.#device.queue.writeBuffer(this.#parameterBuffer, 0, this.#ring.buffer, 0, this.#ringUsed);
      }
      const encoder = this.#encoder;
      this.#encoder = null;
      this.#ringUsed = this.#dispatches = this.#uploads = 0;
      this.#batch++;
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
