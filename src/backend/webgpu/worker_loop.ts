/**
 * The thread that owns a device for another one: it makes the calls that it is sent, and answers.
 *
 * Calls come as numbers in shared memory, in the order in which they were made: the place of a name in {@linkcode calls}, how many
 * numbers the call has in all, and its arguments. Objects are known by numbers, too. What is no number lies beside them in the message.
 * @module
 */

/** The calls, by their numbers. */
export const calls = [
  "createBuffer", // id, size, usage, mapped at creation
  "destroyBuffer", // id
  "dropBuffer", // id; commands before the next submit may use it still
  "writeBuffer", // id, offset, bytes; then the bytes, filled up to whole numbers
  "writeShared", // id, offset, which object
  "createBindGroupLayout", // id, which object
  "createPipelineLayout", // id, count, layouts; serves one pipeline
  "createShaderModule", // id, which object; serves one pipeline
  "createComputePipeline", // id, layout, module, which object
  "createBindGroup", // id, 1 if it is kept beyond the next submit, layout, count, then buffer, offset and size of each
  "beginPass",
  "endPass",
  "setPipeline", // id
  "setBindGroup", // index, id, count, offsets
  "dispatch", // x, y, z
  "copy", // buffer, offset, buffer, offset, bytes
  "clear", // buffer, offset, bytes
  "submit", // 1 if there are commands
  "answer", // order, 1 if somebody sleeps until it comes, staging buffer, bytes (0 for errors only), which object gets them
  "close",
] as const;

/** Places of the words that both threads see. */
export const words = {
  /** How many messages were done. */
  taken: 0,
  /** 1 while the worker works or waits for the GPU. */
  busy: 1,
  /** The order of the last answer that somebody slept for. */
  answered: 2,
  /** Bytes of its text. */
  text: 3,
  /** 1 when the worker has ended. */
  ended: 4,
  count: 5,
} as const;

/** What a worker is told at its start. */
export interface WorkerData {
  readonly calls: typeof calls;
  readonly words: typeof words;
  readonly control: Int32Array<SharedArrayBuffer>;
  /** Where texts of answers go. */
  readonly text: Uint8Array<SharedArrayBuffer>;
  readonly adapter: GPURequestAdapterOptions;
  /** What is asked of the adapter: the first set of features that it gives. */
  readonly featureSets: readonly (readonly string[])[];
  readonly limits: readonly string[];
  /** `false`: data is always awaited. */
  readonly quick: boolean;
}

/** The first answer: what was opened, or why nothing was. */
export type Opening = { readonly failure: string } | {
  readonly failure: null;
  readonly description: string;
  readonly fallback: boolean;
  readonly features: readonly string[];
  readonly limits: Readonly<Record<string, number>>;
};

/** What later answers say besides data. */
export interface Answer {
  readonly order: number;
  readonly errors: readonly string[];
  readonly lost: string | null;
}

/** A part of the calls. */
export interface Message {
  readonly memory: SharedArrayBuffer;
  /** Which of its numbers they are. */
  readonly from: number;
  readonly to: number;
  readonly objects: readonly unknown[];
}

interface Threads {
  readonly workerData: WorkerData;
  readonly parentPort: {
    on(event: "message", listener: (message: Message) => void): void;
    postMessage(message: Answer): void;
  };
}

/** Opens a device and makes calls until it is told to close. Takes nothing from outside. */
async function serve({ workerData, parentPort }: Threads): Promise<void> {
  const { words, control, text, featureSets } = workerData;
  const { process } = globalThis as unknown as {
    process: { on(event: "exit", listener: () => void): void; exit(): void };
  };
  process.on("exit", () => {
    Atomics.store(control, words.ended, 1);
    Atomics.notify(control, words.answered);
  });
  Atomics.store(control, words.busy, 1);
  // listened to from the start, or the thread would end when the device is open
  let take = (_: Message) => {};
  parentPort.on("message", (message) => take(message));
  const reply = (order: number, content: unknown) => {
    const bytes = content === null ? new Uint8Array(0) : new TextEncoder().encode(JSON.stringify(content));
    text.set(bytes);
    Atomics.store(control, words.text, bytes.length);
    Atomics.store(control, words.answered, order);
    Atomics.notify(control, words.answered);
  };
  const sentence = (error: unknown) => (error as Error)?.message ?? String(error);

  // ---- opening ----------------------------------------------------------------------------------------------------

  const open = async (): Promise<{ device: GPUDevice; opening: Opening } | string> => {
    const adapter = await navigator.gpu.requestAdapter(workerData.adapter);
    if (adapter === null) return "";
    const ours = adapter.limits as unknown as Record<string, number>;
    let reason = "it says no reason";
    for (const features of featureSets) {
      try {
        const device = await adapter.requestDevice({
          requiredFeatures: [...features] as GPUFeatureName[],
          requiredLimits: Object.fromEntries(workerData.limits.map((name) => [name, ours[name]])),
        });
        const limits: Record<string, number> = {},
          theirs = device.limits as unknown as Record<string, number>;
        for (const name of [...workerData.limits, "minUniformBufferOffsetAlignment"]) {
          limits[name] = theirs[name];
        }
        const { description, isFallbackAdapter } = adapter.info as GPUAdapterInfo & {
          isFallbackAdapter?: boolean;
        };
        const fallback = isFallbackAdapter === true;
        return { device, opening: { failure: null, description, fallback, features, limits } };
      } catch (error) {
        reason = sentence(error);
      }
    }
    return `the adapter ${adapter.info.description} gives no device: ${reason}`;
  };
  const opened = await open().catch(sentence);
  if (typeof opened === "string") {
    reply(1, { failure: opened });
    return process.exit();
  }
  const { device } = opened, { queue } = device;

  // ---- errors -----------------------------------------------------------------------------------------------------

  let errors: string[] = [], lost: string | null = null;
  device.addEventListener("uncapturederror", (event) => {
    event.preventDefault();
    errors.push((event as Event & { error: GPUError }).error.message);
  });
  device.lost.then((info) => {
    lost = info.message || info.reason || "unknown reason";
    parentPort.postMessage({ order: 0, errors: [], lost });
  });
  const scopes = ["validation", "out-of-memory", "internal"] as const;
  const watch = () => scopes.forEach((scope) => device.pushErrorScope(scope));
  const pop = () => {
    const popped = scopes.map(() => device.popErrorScope());
    watch();
    return popped;
  };
  watch();

  // ---- answers ----------------------------------------------------------------------------------------------------

  /** Whether data is there as soon as `mapAsync` returns, as it is in Deno, where awaiting it takes 11 ms. */
  const isQuick = (): boolean => {
    const expected = Int32Array.of(1, -2, 3, -4);
    const from = device.createBuffer({ size: 16, usage: 0x0c });
    // mapped before, so that getMappedRange throws and does not end the process
    const staging = device.createBuffer({ size: 16, usage: 0x09, mappedAtCreation: true });
    staging.unmap();
    queue.writeBuffer(from, 0, expected);
    const encoder = device.createCommandEncoder();
    encoder.copyBufferToBuffer(from, 0, staging, 0, 16);
    queue.submit([encoder.finish()]);
    try {
      staging.mapAsync(1, 0, 16).catch(() => {});
      const got = new Int32Array(staging.getMappedRange(0, 16));
      return expected.every((v, i) => v === got[i]);
    } catch {
      return false;
    } finally {
      from.destroy();
      staging.destroy();
    }
  };
  const quick = workerData.quick && isQuick();
  let waiting = 0;

  const answer = async (
    order: number,
    asleep: boolean,
    popped: Promise<GPUError | null>[],
    staging: GPUBuffer | null,
    bytes: number,
    to: SharedArrayBuffer | null,
  ) => {
    waiting++;
    try {
      for (const error of await Promise.all(popped)) if (error !== null) errors.push(error.message);
      if (bytes > 0 && errors.length === 0) {
        const mapped = staging!.mapAsync(1, 0, bytes);
        if (quick) mapped.catch(() => {});
        else await mapped;
        new Uint8Array(to!, 0, bytes).set(new Uint8Array(staging!.getMappedRange(0, bytes)));
        staging!.unmap();
      }
    } catch (error) {
      errors.push(sentence(error));
    }
    const content = { order, errors: errors.slice(0, 8).map((message) => message.slice(0, 2000)), lost };
    errors = [];
    if (--waiting === 0) Atomics.store(control, words.busy, 0);
    if (asleep) reply(order, content.errors.length === 0 && lost === null ? null : content);
    else parentPort.postMessage(content);
  };

  // ---- calls ------------------------------------------------------------------------------------------------------

  const buffers = new Map<number, GPUBuffer>(), groups = new Map<number, GPUBindGroup>();
  const layouts = new Map<number, GPUBindGroupLayout>(), pipelines = new Map<number, GPUComputePipeline>();
  /** Groups of this batch, and buffers that nobody wants after it. */
  let passing: number[] = [], doomed: GPUBuffer[] = [];
  let module: GPUShaderModule, pipelineLayout: GPUPipelineLayout;
  let encoder: GPUCommandEncoder | null = null, pass: GPUComputePassEncoder | null = null;
  const encode = () => encoder ??= device.createCommandEncoder();
  // their memory is shared, which the types of writeBuffer do not know
  let numbers = new Float64Array(0), objects: readonly unknown[] = [], at = 0;
  const next = () => numbers[at++];
  const buffer = () => buffers.get(next())!;
  const make: Record<typeof workerData.calls[number], () => void> = {
    createBuffer() {
      const id = next(), size = next(), usage = next(), mappedAtCreation = next() === 1;
      const made = device.createBuffer({ size, usage, mappedAtCreation });
      if (mappedAtCreation) made.unmap();
      buffers.set(id, made);
    },
    destroyBuffer() {
      const id = next();
      buffers.get(id)?.destroy();
      buffers.delete(id);
    },
    dropBuffer() {
      const id = next(), dropped = buffers.get(id);
      buffers.delete(id);
      if (dropped === undefined) return;
      if (encoder === null) dropped.destroy();
      else doomed.push(dropped);
    },
    writeBuffer() {
      const to = buffer(), offset = next(), bytes = next(), start = at * 8;
      at += Math.ceil(bytes / 8);
      queue.writeBuffer(to, offset, new Uint8Array(numbers.buffer, start, bytes));
    },
    writeShared() {
      const to = buffer(), offset = next();
      queue.writeBuffer(to, offset, new Uint8Array(objects[next()] as ArrayBuffer));
    },
    createBindGroupLayout() {
      const id = next();
      layouts.set(id, device.createBindGroupLayout(objects[next()] as GPUBindGroupLayoutDescriptor));
    },
    createPipelineLayout() {
      next();
      const bindGroupLayouts = Array.from({ length: next() }, () => layouts.get(next())!);
      pipelineLayout = device.createPipelineLayout({ bindGroupLayouts });
    },
    createShaderModule() {
      next();
      module = device.createShaderModule(objects[next()] as GPUShaderModuleDescriptor);
    },
    createComputePipeline() {
      const id = next();
      at += 2;
      const { label, entryPoint } = objects[next()] as { label: string; entryPoint: string };
      const compute = { module, entryPoint };
      pipelines.set(id, device.createComputePipeline({ label, layout: pipelineLayout, compute }));
    },
    createBindGroup() {
      const id = next(), kept = next() === 1, layout = layouts.get(next())!;
      const entries = Array.from({ length: next() }, (_, binding) => {
        return { binding, resource: { buffer: buffer(), offset: next(), size: next() } };
      });
      groups.set(id, device.createBindGroup({ layout, entries }));
      if (!kept) passing.push(id);
    },
    beginPass() {
      pass = encode().beginComputePass();
    },
    endPass() {
      pass!.end();
      pass = null;
    },
    setPipeline() {
      pass!.setPipeline(pipelines.get(next())!);
    },
    setBindGroup() {
      const index = next(), group = groups.get(next())!, count = next();
      const offsets = Uint32Array.from(numbers.subarray(at, at += count));
      pass!.setBindGroup(index, group, offsets, 0, count);
    },
    dispatch() {
      pass!.dispatchWorkgroups(next(), next(), next());
    },
    copy() {
      encode().copyBufferToBuffer(buffer(), next(), buffer(), next(), next());
    },
    clear() {
      encode().clearBuffer(buffer(), next(), next());
    },
    submit() {
      const there = next() === 1, commands = encoder;
      encoder = pass = null;
      queue.submit(there ? [commands!.finish()] : []);
      for (const id of passing) groups.delete(id);
      for (const dropped of doomed) dropped.destroy();
      passing = [];
      doomed = [];
    },
    answer() {
      const order = next(),
        asleep = next() === 1,
        staging = buffer() ?? null,
        bytes = next(),
        object = next();
      answer(order, asleep, pop(), staging, bytes, (objects[object] ?? null) as SharedArrayBuffer | null);
    },
    close() {
      device.destroy();
      process.exit();
    },
  };
  const run = workerData.calls.map((name) => make[name]);
  take = (message) => {
    Atomics.store(control, words.busy, 1);
    numbers = new Float64Array(message.memory as unknown as ArrayBuffer);
    objects = message.objects;
    at = message.from;
    while (at < message.to) {
      const begin = at, code = next(), end = begin + next();
      try {
        run[code]();
      } catch (error) {
        errors.push(`${workerData.calls[code]}: ${sentence(error)}`);
      }
      at = end;
    }
    if (waiting === 0) Atomics.store(control, words.busy, 0);
    Atomics.add(control, words.taken, 1);
    Atomics.notify(control, words.taken);
  };
  Atomics.store(control, words.busy, 0);
  reply(1, opened.opening);
}

/** The script of the worker. */
export const source = (): string => `(${serve})(require("node:worker_threads"));`;
