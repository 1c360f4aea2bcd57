/**
 * A stand-in for a device that another thread owns: as much of WebGPU's interface as `commands.ts`, `memory.ts` and `sync.ts` use.
 * Each call is written down for the thread, and gives nothing back but the number of what it makes.
 *
 * What the owner keeps: layouts and pipelines always, a shader module and a pipeline layout until the pipeline is made, a
 * bind group until the next submit (one that was made before the first command: always), a buffer until it is destroyed, or collected.
 *
 * V8 collects a forgotten buffer here, and the owner has to be told. In code that lets the event loop turn a registry does it. In a
 * synchronous loop no registry runs, but weak references tell right after a collection that lets them go (`collector.ts`):
 * {@linkcode StandIn.collect} looks at them.
 * @module
 */
import type { Calls } from "./worker.ts";

class Buffer {
  constructor(readonly id: number, private readonly owner: StandIn) {}

  /** The owner does it when it maps or has made the buffer. */
  unmap(): void {}

  destroy(): void {
    this.owner.forget(this.id);
    this.owner.calls.write("destroyBuffer", this.id);
  }
}

class Named {
  constructor(readonly id: number) {}
}

/** Used through its methods alone, which write at once. */
class Pass {
  constructor(private readonly calls: Calls) {}

  setPipeline(pipeline: Named): void {
    this.calls.write("setPipeline", pipeline.id);
  }

  setBindGroup(index: number, group: Named, offsets?: Uint32Array, start = 0, count = 0): void {
    const { calls } = this;
    let at = calls.begin("setBindGroup", 3 + count);
    const { numbers } = calls;
    numbers[at++] = index;
    numbers[at++] = group.id;
    numbers[at++] = count;
    for (let i = 0; i < count; i++) numbers[at++] = offsets![start + i];
  }

  dispatchWorkgroups(x: number, y = 1, z = 1): void {
    this.calls.write("dispatch", x, y, z);
  }

  end(): void {
    this.calls.write("endPass");
  }
}

class Encoder {
  constructor(private readonly calls: Calls, private readonly pass: Pass) {}

  beginComputePass(): Pass {
    this.calls.write("beginPass");
    return this.pass;
  }

  copyBufferToBuffer(from: Buffer, fromByte: number, to: Buffer, toByte: number, bytes: number): void {
    this.calls.write("copy", from.id, fromByte, to.id, toByte, bytes);
  }

  clearBuffer(buffer: Buffer, byte: number, bytes: number): void {
    this.calls.write("clear", buffer.id, byte, bytes);
  }

  finish(): this {
    return this;
  }
}

/** Uploads above this size get memory of their own. */
const LARGE = 2 ** 16;

class Queue {
  constructor(private readonly calls: Calls) {}

  writeBuffer(to: Buffer, offset: number, source: ArrayBufferLike, start: number, bytes: number): void {
    const { calls } = this;
    if (bytes > LARGE) {
      const shared = new SharedArrayBuffer(bytes);
      new Uint8Array(shared).set(new Uint8Array(source, start, bytes));
      calls.write("writeShared", to.id, offset, calls.object(shared, 4));
      calls.weigh(bytes);
      return;
    }
    const at = calls.begin("writeBuffer", 3 + Math.ceil(bytes / 8)), { numbers } = calls;
    numbers[at] = to.id;
    numbers[at + 1] = offset;
    numbers[at + 2] = bytes;
    new Uint8Array(numbers.buffer, (at + 3) * 8, bytes).set(new Uint8Array(source, start, bytes));
  }

  submit(commands: readonly unknown[]): void {
    this.calls.write("submit", commands.length);
    this.calls.post();
  }
}

/** The stand-in. */
export class StandIn {
  /** The device's limits. */
  readonly limits: Readonly<Record<string, number>>;
  /** Where calls are written down. */
  readonly calls: Calls;
  /** Uploads and submits. */
  readonly queue: Queue;
  readonly #encoder: Encoder;
  readonly #buffers = new Map<number, WeakRef<Buffer>>();
  readonly #forgotten = new FinalizationRegistry<number>((id) => this.#drop(id));
  #count = 0;
  #recording = false;

  /** A stand-in for a device with these limits. */
  constructor(limits: Readonly<Record<string, number>>, calls: Calls) {
    this.limits = limits;
    this.calls = calls;
    this.queue = new Queue(calls);
    this.#encoder = new Encoder(calls, new Pass(calls));
  }

  /** Buffers that are there. */
  get buffers(): number {
    return this.#buffers.size;
  }

  /** A new buffer; mapped ones are unmapped at once. */
  createBuffer({ size, usage, mappedAtCreation }: GPUBufferDescriptor): Buffer {
    const buffer = new Buffer(++this.#count, this);
    this.#buffers.set(buffer.id, new WeakRef(buffer));
    this.#forgotten.register(buffer, buffer.id);
    this.calls.write("createBuffer", buffer.id, size, usage, mappedAtCreation === true ? 1 : 0);
    return buffer;
  }

  /** A new layout of a group. */
  createBindGroupLayout(descriptor: GPUBindGroupLayoutDescriptor): Named {
    return this.#describe("createBindGroupLayout", descriptor);
  }

  /** A new layout of a pipeline. */
  createPipelineLayout({ bindGroupLayouts }: { bindGroupLayouts: readonly Named[] }): Named {
    const made = new Named(++this.#count), layouts = bindGroupLayouts.map(({ id }) => id);
    this.calls.write("createPipelineLayout", made.id, layouts.length, ...layouts);
    return made;
  }

  /** A new shader. */
  createShaderModule({ label, code }: GPUShaderModuleDescriptor): Named {
    return this.#describe("createShaderModule", { label, code });
  }

  /** A new pipeline. */
  createComputePipeline(descriptor: {
    label: string;
    layout: Named;
    compute: { module: Named; entryPoint: string };
  }): Named {
    const { label, layout, compute: { module, entryPoint } } = descriptor;
    const made = new Named(++this.#count), object = this.calls.object({ label, entryPoint }, 6);
    this.calls.write("createComputePipeline", made.id, layout.id, module.id, object);
    return made;
  }

  /** A new group, for the commands until the next submit. */
  createBindGroup(descriptor: {
    layout: Named;
    entries: readonly { resource: { buffer: Buffer; offset?: number; size: number } }[];
  }): Named {
    const { layout, entries } = descriptor, made = new Named(++this.#count), { calls } = this;
    let at = calls.begin("createBindGroup", 4 + 3 * entries.length);
    const { numbers } = calls;
    numbers[at++] = made.id;
    numbers[at++] = this.#recording ? 0 : 1;
    numbers[at++] = layout.id;
    numbers[at++] = entries.length;
    for (const { resource: { buffer, offset, size } } of entries) {
      numbers[at++] = buffer.id;
      numbers[at++] = offset ?? 0;
      numbers[at++] = size;
    }
    return made;
  }

  /** The encoder: there is one at a time. */
  createCommandEncoder(): Encoder {
    this.#recording = true;
    return this.#encoder;
  }

  /** Ends the device. */
  destroy(): void {
    this.#buffers.clear();
    this.calls.close();
  }

  /** A buffer was destroyed. */
  forget(id: number): void {
    this.#buffers.delete(id);
  }

  /** Collects garbage by `gc`, which lets weak references go first, and has the owner free the buffers that were found. */
  collect(gc: () => void): void {
    gc();
    for (const [id, weak] of this.#buffers) if (weak.deref() === undefined) this.#drop(id);
    this.calls.post();
  }

  #drop(id: number): void {
    if (this.#buffers.delete(id)) this.calls.write("dropBuffer", id);
  }

  #describe(name: "createBindGroupLayout" | "createShaderModule", descriptor: unknown): Named {
    const made = new Named(++this.#count), object = this.calls.object(descriptor, 4);
    this.calls.write(name, made.id, object);
    return made;
  }
}
