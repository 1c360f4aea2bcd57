/**
 * A device in a worker: for hosts where reads in the asking thread have to be awaited. That thread sleeps in `Atomics.wait` until
 * the worker has awaited the data and has put it into shared memory.
 *
 * The worker never keeps the process alive, needs no permission and no file, and hears of what is done only by
 * messages; `worker_loop.ts` is its code, `stand_in.ts` what the rest of this room sees instead of a device.
 *
 * Measured with lavapipe on two shared cores, in brackets with the device in the asking thread: a read 70 to 90 us (45 to 75), one
 * that a promise gives 1 to 2 ms (12), recording a kernel 0.4 to 1 us (1 to 2), with running it 30 to 70 us (30 to 40), an upload of
 * 16 MiB 40 ms (8 to 19), opening 0.2 to 0.4 s (0.1 to 0.3). If the worker had to await its data as well, each read would take 11 ms in Deno.
 * @module
 */
import type { Host, Taken } from "./host.ts";
import { StandIn } from "./stand_in.ts";
import {
  type Answer,
  calls,
  type Message,
  type Opening,
  source,
  words,
  type WorkerData,
} from "./worker_loop.ts";

interface NodeWorker {
  ref(): void;
  unref(): void;
  on(event: "message", listener: (answer: Answer) => void): void;
  on(event: "error" | "exit", listener: () => void): void;
  postMessage(message: Message): void;
  terminate(): Promise<number>;
}

interface NodeProcess {
  getBuiltinModule?: (name: string) => NodeThreads;
  on(event: "exit", listener: () => void): void;
  off(event: "exit", listener: () => void): void;
}

/** The built-in module `node:worker_threads`. */
interface NodeThreads {
  readonly Worker: new (source: string, options: { eval: true; workerData: WorkerData }) => NodeWorker;
}

/** Reached without an import that other engines refuse. */
const process = () => (globalThis as { process?: NodeProcess }).process;

/** Numbers that lie together in memory; messages that may wait, and their bytes with the uploads beside them. */
const NUMBERS = 2 ** 16, WAITING = 64, WAITING_BYTES = 2 ** 26;
/** Data up to this size shares memory that is kept. */
const KEPT = 2 ** 24;
/** Milliseconds between looks whether the worker has ended, and for which an idle one may leave a message lying. */
const LOOK = 250, PATIENCE = 20_000;

/** Milliseconds that a worker gets at the end of the process to close its device, and then to unload the driver. */
const LAST_CALLS = 2000, UNLOADING = 150;

/** Why a worker's device is gone. */
const ended = "the worker that it belongs to has ended";

const codes = Object.fromEntries(calls.map((name, code) => [name, code])) as Record<
  typeof calls[number],
  number
>;

/** Memory for calls. */
type Numbers = Float64Array<SharedArrayBuffer>;

/** The calls that the worker has to make, and sleeping until it has. */
export class Calls {
  /** Where the arguments of a call go after {@linkcode Calls.begin}. */
  numbers: Numbers = new Float64Array(new SharedArrayBuffer(8 * NUMBERS));
  /** Is told when nothing is done any more. */
  tell: (reason: string) => void = () => {};
  #lost: string | null = null;
  #from = 0;
  #used = 0;
  #objects: unknown[] = [];
  #weight = 0;
  #sent = 0;
  /** Messages that may not be done, with their bytes, and the memory that each was the last one in. */
  readonly #waiting: { readonly message: number; readonly bytes: number; readonly full: Numbers | null }[] =
    [];
  #waitingBytes = 0;
  readonly #free: Numbers[] = [];

  /** Sends to a worker, which shows what it has done in `control`. */
  constructor(
    readonly worker: NodeWorker,
    readonly control: Int32Array<SharedArrayBuffer>,
    private readonly patience: number,
  ) {}

  /** Why nothing is done any more, or null. */
  get lost(): string | null {
    return this.#lost;
  }

  /** The device or the worker is gone. */
  lose(reason: string): void {
    if (this.#lost !== null) return;
    this.#lost = reason;
    this.tell(reason);
  }

  /** Begins a call of so many arguments, and gives the place of the first. */
  begin(name: typeof calls[number], count: number): number {
    if (this.#used + count + 2 > NUMBERS) this.#send(true);
    const at = this.#used;
    this.numbers[at] = codes[name];
    this.numbers[at + 1] = count + 2;
    this.#used = at + count + 2;
    return at + 2;
  }

  /** Writes a call down. */
  write(name: typeof calls[number], ...values: readonly number[]): void {
    const at = this.begin(name, values.length), { numbers } = this;
    for (let i = 0; i < values.length; i++) numbers[at + i] = values[i];
  }

  /** Something that is no number: its place, for a call of at most so many arguments that is written next. */
  object(object: unknown, count: number): number {
    if (this.#used + count + 2 > NUMBERS) this.#send(true);
    return this.#objects.push(object) - 1;
  }

  /** Bytes that wait beside the numbers. */
  weigh(bytes: number): void {
    this.#weight += bytes;
  }

  /** Sends what was written down. */
  post(): void {
    this.#send(this.#used > NUMBERS * 0.75);
  }

  #send(full: boolean): void {
    const { numbers } = this, from = this.#from, to = this.#used;
    if (to > from && this.lost === null) {
      const bytes = (to - from) * 8 + this.#weight;
      this.worker.postMessage({ memory: numbers.buffer, from, to, objects: this.#objects });
      this.#waiting.push({ message: ++this.#sent, bytes, full: full ? numbers : null });
      this.#waitingBytes += bytes;
      if (full) {
        this.#done();
        this.numbers = this.#free.pop() ?? new Float64Array(new SharedArrayBuffer(8 * NUMBERS));
      }
    }
    if (full || this.lost !== null) this.#used = 0;
    this.#from = this.#used;
    this.#weight = 0;
    this.#objects = [];
    while (this.lost === null) {
      const taken = this.#done();
      if (this.#waiting.length < WAITING && this.#waitingBytes < WAITING_BYTES) break;
      this.sleep(words.taken, taken);
    }
  }

  /** Strikes out the messages that were done, and gives their number. */
  #done(): number {
    const taken = Atomics.load(this.control, words.taken);
    while (this.#waiting.length > 0 && this.#waiting[0].message <= taken) {
      const { full, bytes } = this.#waiting.shift()!;
      if (full !== null) this.#free.push(full);
      this.#waitingBytes -= bytes;
    }
    return taken;
  }

  /** Sleeps until a word is not what it was, however long the GPU takes for that, or until the device is lost. */
  sleep(word: number, was: number): void {
    for (let idle = 0; this.lost === null;) {
      const woken = Atomics.wait(this.control, word, was, LOOK) !== "timed-out";
      if (Atomics.load(this.control, words.ended) === 1) this.lose(ended);
      if (woken) return;
      // one that works shows it; one that does not has a message to take
      idle = Atomics.load(this.control, words.busy) === 1 ? 0 : idle + LOOK;
      if (idle >= this.patience) this.lose(ended);
    }
  }

  /** Ends the device and the worker. */
  close(): void {
    this.write("close");
    this.post();
  }

  /** Closes, and sleeps until that is done: drivers crash if the process ends while the worker unloads them. */
  finish(): void {
    const { control } = this;
    this.close();
    const end = performance.now() + LAST_CALLS;
    while (Atomics.load(control, words.ended) === 0 && performance.now() < end) {
      Atomics.wait(control, words.answered, Atomics.load(control, words.answered), 10);
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, UNLOADING);
  }
}

/** A device that a worker owns. */
export class WorkerHost implements Host {
  /** Another thread. */
  readonly thread = "worker";
  /** What stands for the device here. */
  readonly standIn: StandIn;
  readonly #calls: Calls;
  readonly #text: Uint8Array<SharedArrayBuffer>;
  #data = new SharedArrayBuffer(4096);
  #order = 1;
  readonly #asked = new Map<number, (answer: Answer) => void>();

  /** Takes over a worker that has opened its device. */
  constructor(calls: Calls, text: Uint8Array<SharedArrayBuffer>, limits: Readonly<Record<string, number>>) {
    this.#calls = calls;
    this.#text = text;
    this.standIn = new StandIn(limits, calls);
    calls.worker.on("message", (answer) => {
      if (answer.lost !== null) calls.lose(answer.lost);
      this.#asked.get(answer.order)?.(answer);
    });
    const finish = () => calls.finish();
    process()!.on("exit", finish);
    calls.worker.on("exit", () => {
      process()!.off("exit", finish);
      calls.lose(ended);
      for (const [order, tell] of this.#asked) tell({ order, errors: [], lost: ended });
    });
    calls.worker.unref(); // listening has undone that
  }

  /** Has somebody told why the device is gone, once it is. */
  whenLost(tell: (reason: string) => void): void {
    this.#calls.tell = tell;
  }

  /** The stand-in by the name that the rest of the room knows. */
  get device(): GPUDevice {
    return this.standIn as unknown as GPUDevice;
  }

  /** Messages of commands that failed since somebody looked. */
  errors(): string[] {
    return [...this.#ask(0, 0, null)];
  }

  /** Sleeps until the worker has the first bytes of a staging buffer. */
  take(staging: GPUBuffer, bytes: number): Taken {
    const kept = bytes <= KEPT;
    if (kept && this.#data.byteLength < bytes) {
      this.#data = new SharedArrayBuffer(2 ** Math.ceil(Math.log2(bytes)));
    }
    const shared = kept ? this.#data : new SharedArrayBuffer(bytes);
    const errors = this.#ask((staging as unknown as { id: number }).id, bytes, shared);
    return { errors, data: errors.length > 0 || this.#calls.lost !== null ? null : copyOf(shared, bytes) };
  }

  /** {@linkcode WorkerHost.take} without sleeping. Until the answer comes the worker keeps the process alive. */
  async takeAsync(staging: GPUBuffer, bytes: number): Promise<Taken> {
    const calls = this.#calls, order = ++this.#order, shared = new SharedArrayBuffer(bytes);
    const { promise, resolve } = Promise.withResolvers<Answer>();
    if (calls.lost !== null) return { errors: [], data: null };
    if (this.#asked.size === 0) calls.worker.ref();
    this.#asked.set(order, resolve);
    try {
      const { id } = staging as unknown as { id: number }, object = calls.object(shared, 5);
      calls.write("answer", order, 0, id, bytes, object);
      calls.post();
      const { errors, lost } = await promise;
      return { errors, data: errors.length > 0 || lost !== null ? null : copyOf(shared, bytes) };
    } finally {
      this.#asked.delete(order);
      if (this.#asked.size === 0) calls.worker.unref();
    }
  }

  /** Collects garbage here, and has the worker free the buffers that were found. */
  collect(gc: () => void): void {
    this.standIn.collect(gc);
  }

  #ask(id: number, bytes: number, shared: SharedArrayBuffer | null): readonly string[] {
    const calls = this.#calls, order = ++this.#order;
    const object = shared === null ? -1 : calls.object(shared, 5);
    calls.write("answer", order, 1, id, bytes, object);
    calls.post();
    const answer = awaitText<Answer>(calls, this.#text, order);
    if (answer === null) return [];
    if (answer.lost !== null) calls.lose(answer.lost);
    return answer.errors;
  }
}

/** Sleeps until an answer is there; its text, parsed, or null if there is none or the worker has ended. */
function awaitText<T>(calls: Calls, text: Uint8Array<SharedArrayBuffer>, order: number): T | null {
  const { control } = calls;
  for (;;) {
    const answered = Atomics.load(control, words.answered);
    if (answered === order) break;
    if (calls.lost !== null) return null;
    calls.sleep(words.answered, answered);
  }
  const length = Atomics.load(control, words.text);
  return length === 0 ? null : JSON.parse(new TextDecoder().decode(text.slice(0, length)));
}

function copyOf(shared: SharedArrayBuffer, bytes: number): ArrayBuffer {
  const copy = new Uint8Array(bytes);
  copy.set(new Uint8Array(shared, 0, bytes));
  return copy.buffer;
}

/** What is asked of an adapter. */
export interface Wanted {
  /** Which adapter. */
  readonly adapter: GPURequestAdapterOptions;
  /** Features: the first set that it gives. */
  readonly featureSets: readonly (readonly string[])[];
  /** Limits that are to be as high as can be. */
  readonly limits: readonly string[];
  /** `false`: the worker awaits all data, also where it would be there at once. */
  readonly quick?: boolean;
  /** Milliseconds for which an idle worker may leave a message lying before it counts as ended. */
  readonly patience?: number;
}

/** What a worker has opened. */
export interface OpenedThere {
  /** The device's host. */
  readonly host: WorkerHost;
  /** The adapter's description. */
  readonly description: string;
  /** Whether the adapter calls itself a fallback. */
  readonly fallback: boolean;
  /** The features that were asked for and given. */
  readonly features: readonly string[];
}

/**
 * Opens a device in a worker of its own, and sleeps until that is done. Gives the reason if it cannot be: "" if there
 * is no adapter.
 */
export function openInWorker(wanted: Wanted): OpenedThere | string {
  const threads = process()?.getBuiltinModule?.("node:worker_threads");
  if (threads === undefined) return "this host has no node:worker_threads";
  const control = new Int32Array(new SharedArrayBuffer(4 * words.count));
  const text = new Uint8Array(new SharedArrayBuffer(2 ** 16));
  const { adapter, featureSets, limits, quick = true, patience = PATIENCE } = wanted;
  const workerData: WorkerData = { calls, words, control, text, adapter, featureSets, limits, quick };
  const worker = new threads.Worker(source(), { eval: true, workerData });
  worker.on("error", () => {});
  worker.unref();
  const sender = new Calls(worker, control, patience);
  const opening = awaitText<Opening>(sender, text, 1);
  if (opening === null) {
    worker.terminate();
    return "the worker that was to open it did not start";
  }
  if (opening.failure !== null) return opening.failure;
  const { description, fallback, features } = opening;
  return { host: new WorkerHost(sender, text, opening.limits), description, fallback, features };
}
