/**
 * Threads that share the tasks of a job with the thread that asks for it.
 *
 * Workers sleep on a word of shared memory and are woken without a turn of the event loop. A task is claimed by taking one off
 * a count, by whoever comes first, so that nobody waits for a worker that is late, asleep or dead: it has claimed nothing, and
 * the asking thread does what is left. Workers are started in the background, once jobs have taken longer than the start
 * will, and never keep the process alive.
 * @module
 */

/** What is run: functions of WebAssembly over one shared memory, and the JavaScript that calls them. */
export interface Program {
  /** The memory. */
  readonly memory: WebAssembly.Memory;
  /** Write modules that import the memory as `"m"`, `"m"` and export a function `"f"`. */
  readonly modules: readonly (() => Uint8Array<ArrayBuffer>)[];
  /** Makes the function that does a task. Its text is sent to the workers, so it takes nothing from outside. */
  readonly runner: Runner;
}

/** From the functions of the modules and the words of a job: the function that does a task, told its number. */
export type Runner = (
  functions: readonly ((...args: number[]) => void)[],
  job: Int32Array,
) => (task: number) => void;

/** A worker died or hangs. What it was to compute is missing, and it may still write into the program's memory. */
export class WorkerLost extends Error {
  /** The name of the class. */
  override readonly name = "WorkerLost";
}

// ---- how many -----------------------------------------------------------------------------------------------------

/** Threads beyond so many are not asked for unless the user does: they share the caches and the way to memory. */
const USUALLY_AT_MOST = 8, AT_MOST = 64;

let threads: number | undefined;

/** How many threads large products on the CPU use, the calling one included. */
export function getNumThreads(): number {
  return threads ??= Math.min(globalThis.navigator?.hardwareConcurrency ?? 1, USUALLY_AT_MOST);
}

/** Sets how many threads large products on the CPU use, the calling one included. With 1 no workers are used. */
export function setNumThreads(n: number): void {
  if (typeof n !== "number") throw new TypeError(`setNumThreads expects an int, but got ${typeof n}`);
  if (!Number.isInteger(n) || n < 1) {
    throw new RangeError(`setNumThreads expects a positive integer, got ${n}`);
  }
  threads = Math.min(n, AT_MOST);
}

// ---- the workers' side --------------------------------------------------------------------------------------------

/** Places of the words that the threads share. */
const words = {
  /** Changes when there is something to do; workers sleep on it. */
  signal: 0,
  /** Tasks of the job that nobody has claimed yet. */
  unclaimed: 1,
  /** Tasks that are done. */
  done: 2,
  /** 1 when workers are to end. */
  stop: 3,
  /** The last signal that each worker saw; 0 before it came. */
  seen: 16,
  /** The words of the job. */
  job: 16 + AT_MOST,
  jobEnd: 16 + AT_MOST + 48,
  /** How often a worker looks for the next job before it falls asleep; it may be on the asking thread's core. */
  looks: 200,
} as const;

interface NodeWorker {
  unref(): void;
  on(event: "error", listener: () => void): void;
}

/** The built-in module `node:worker_threads`. */
interface NodeThreads {
  readonly Worker: new (source: string, options: { eval: true; workerData: WorkerData }) => NodeWorker;
  readonly workerData: WorkerData;
}

/** What a worker is told. */
interface WorkerData {
  readonly words: typeof words;
  readonly control: Int32Array;
  readonly memory: WebAssembly.Memory;
  readonly modules: readonly Uint8Array<ArrayBuffer>[];
  readonly runner: string;
  /** Which worker this is, of how many. The first starts the others, so that the asking thread pays for one start. */
  readonly index: number;
  readonly count: number;
  readonly source: string;
}

/** Does tasks until it is told to end. Takes nothing from outside. */
function serve({ Worker, workerData }: NodeThreads): void {
  const { words, control, memory, index, count, source } = workerData;
  for (let i = 1; index === 0 && i < count; i++) {
    const worker = new Worker(source, { eval: true, workerData: { ...workerData, index: i } });
    worker.on("error", () => {});
    worker.unref();
  }
  const functions = workerData.modules.map((bytes) =>
    new WebAssembly.Instance(new WebAssembly.Module(bytes), { m: { m: memory } }).exports.f as () => void
  );
  const make = new Function(`return ${workerData.runner}`)() as Runner;
  const run = make(functions, control.subarray(words.job, words.jobEnd));
  while (Atomics.load(control, words.stop) === 0) {
    const signal = Atomics.load(control, words.signal);
    Atomics.store(control, words.seen + index, signal);
    for (;;) {
      const left = Atomics.load(control, words.unclaimed);
      if (left <= 0) break;
      if (Atomics.compareExchange(control, words.unclaimed, left, left - 1) !== left) continue;
      run(left - 1);
      Atomics.add(control, words.done, 1);
      Atomics.notify(control, words.done);
    }
    let looks = 0;
    while (looks < words.looks && Atomics.load(control, words.signal) === signal) looks++;
    if (looks === words.looks) Atomics.wait(control, words.signal, signal);
  }
}

/** The script of a worker. */
const source = () => `(${serve})(require("node:worker_threads"));`;

// ---- the asking thread's side -------------------------------------------------------------------------------------

/** Milliseconds that jobs must have taken before workers are worth their start; and between looks at whether they live. */
const START_AFTER = 100, CHECK_EVERY = 1000;

/** How often the asking thread looks whether the others are done before it sleeps. */
const LOOKS = 1000;

/** A program, and workers for it. */
export class Pool {
  /** The words that tell the runner what the job is. */
  readonly job: Int32Array;
  /** Does a task. */
  readonly run: (task: number) => void;
  /** How many threads this pool is for, the asking one included. */
  readonly threads: number = getNumThreads();
  /** All words that the threads share. */
  readonly control: Int32Array = new Int32Array(new SharedArrayBuffer(4 * words.jobEnd));
  private readonly functions: ((...args: number[]) => void)[] = [];
  private taken = 0;
  private started = false;
  private failed = false;
  private checked = 0;
  private signalThen = 0;

  /** A pool without workers yet. One that does not end a task within `patience` milliseconds counts as lost. */
  constructor(readonly program: Program, private readonly patience = 3000) {
    this.control[words.signal] = 1;
    this.job = this.control.subarray(words.job, words.jobEnd);
    this.run = program.runner(this.functions, this.job);
  }

  /** Makes a function of the program ready: before a job is performed that uses it. */
  need(index: number): void {
    if (this.functions[index] !== undefined) return;
    const module = new WebAssembly.Module(this.program.modules[index]());
    const imports = { m: { m: this.program.memory } };
    this.functions[index] = new WebAssembly.Instance(module, imports).exports.f as () => void;
  }

  /** How many workers have come. */
  get workers(): number {
    let count = 0;
    for (let i = 0; i < this.threads - 1; i++) {
      if (Atomics.load(this.control, words.seen + i) !== 0) count++;
    }
    return count;
  }

  /**
   * Does the tasks 0 to `count` - 1 of the job, alone or with the workers that are there. Throws {@linkcode WorkerLost}, after
   * which the pool and the memory of its program are of no more use.
   */
  perform(count: number): void {
    const begin = performance.now();
    if (this.started) this.check(begin);
    const { control, run } = this;
    control[words.done] = 0;
    Atomics.store(control, words.unclaimed, count);
    if (this.started) {
      Atomics.add(control, words.signal, 1);
      Atomics.notify(control, words.signal);
    }
    for (;;) {
      const left = Atomics.load(control, words.unclaimed);
      if (left <= 0) break;
      if (Atomics.compareExchange(control, words.unclaimed, left, left - 1) !== left) continue;
      run(left - 1);
      Atomics.add(control, words.done, 1);
    }
    this.await(count);
    if (!this.started && (this.taken += performance.now() - begin) > START_AFTER) this.start();
  }

  /** Waits for what workers have claimed. */
  private await(count: number): void {
    const { control } = this;
    for (let looks = 0; looks < LOOKS; looks++) {
      if (Atomics.load(control, words.done) === count) return;
    }
    for (;;) {
      const done = Atomics.load(control, words.done);
      if (done === count) return;
      if (Atomics.wait(control, words.done, done, this.patience) === "timed-out") {
        throw new WorkerLost("a worker did not end its task");
      }
    }
  }

  /** Starts the workers, which will be there after a while. */
  start(): void {
    if (this.started || this.threads === 1) return;
    const threads = nodeThreads();
    if (threads === undefined) return;
    const { memory, modules, runner } = this.program;
    const worker = new threads.Worker(source(), {
      eval: true,
      workerData: {
        words,
        control: this.control,
        memory,
        modules: modules.map((write) => write()),
        runner: String(runner),
        index: 0,
        count: this.threads - 1,
        source: source(),
      },
    });
    worker.on("error", () => this.failed = true);
    worker.unref();
    this.started = true;
    this.checked = performance.now();
  }

  /** Lets the workers end. */
  stop(): void {
    Atomics.store(this.control, words.stop, 1);
    Atomics.add(this.control, words.signal, 1);
    Atomics.notify(this.control, words.signal);
  }

  /** Throws if a worker that was here has not seen a signal that was given long ago. */
  private check(now: number): void {
    const { control } = this;
    let lost = this.failed;
    if (now - this.checked > CHECK_EVERY) {
      for (let i = 0; i < this.threads - 1; i++) {
        const seen = Atomics.load(control, words.seen + i);
        if (seen !== 0 && seen - this.signalThen < 0) lost = true;
      }
      this.checked = now;
      this.signalThen = Atomics.load(control, words.signal);
    }
    if (lost) throw new WorkerLost("a worker ended");
  }
}

/** The module of threads, as a script reaches it without an import that other engines refuse. */
function nodeThreads(): NodeThreads | undefined {
  const { process } = globalThis as { process?: { getBuiltinModule?: (name: string) => NodeThreads } };
  return process?.getBuiltinModule?.("node:worker_threads");
}
