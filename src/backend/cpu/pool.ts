/**
 * Threads that share the tasks of a job with the thread that asks for it.
 *
 * Workers sleep on a word of shared memory and are woken without a turn of the event loop, where it pays before the tasks are
 * ready; between jobs that follow each other quickly they stay awake for a moment. A task is claimed by taking one off a count,
 * by whoever comes first, so that nobody waits for a worker that is late, asleep or dead: it has claimed nothing, and the asking
 * thread does what is left. Tasks are there at once, or come one by one while the asking thread copies what they work on.
 * Workers are started in the background, once jobs have taken longer than the start will, and never keep the process alive.
 * @module
 */

/** What is run: functions of WebAssembly over one shared memory, and the JavaScript that calls them. */
export interface Program {
  /** The memory. */
  readonly memory: WebAssembly.Memory;
  /** Write modules that import the memory as `"m"`, `"m"` and export a function `"f"`. */
  readonly modules: readonly (() => Uint8Array<ArrayBuffer>)[];
  /** Make the functions that do tasks, one for each kind of job. Their texts are sent to the workers: they take nothing from outside. */
  readonly runners: readonly Runner[];
}

/**
 * From the functions of the modules, the words of a job and the memory: the function that does a task, told its number. What
 * it gives, a small number or nothing, is told to who handed the task over.
 */
export type Runner = (
  functions: readonly ((...args: number[]) => void)[],
  job: Int32Array,
  memory: WebAssembly.Memory,
) => (task: number) => number | void;

/** A job whose tasks come one by one. */
export interface Stream {
  /** How many tasks there are. */
  readonly count: number;
  /** How many may be there at a time, at most {@linkcode WIDEST_STREAM}: task i and task i + width share a place. */
  readonly width: number;
  /** Brings what a task works on to its place. */
  fill(task: number): void;
  /** Takes what a task made from its place, in the order of the tasks; told what its runner gave, or 0. */
  drain(task: number, result: number): void;
}

/** The most tasks of a stream that may be there at a time. */
export const WIDEST_STREAM = 64;

/** A worker died or hangs. What it was to compute is missing, and it may still write into the program's memory. */
export class WorkerLost extends Error {
  /** The name of the class. */
  override readonly name = "WorkerLost";
}

// ---- how many -----------------------------------------------------------------------------------------------------

/** Threads beyond so many are not asked for unless the user does: they share the caches and the way to memory. */
const USUALLY_AT_MOST = 8, AT_MOST = 64;

let threads: number | undefined;

/** How many threads large operations on the CPU use, the calling one included. */
export function getNumThreads(): number {
  return threads ??= Math.min(globalThis.navigator?.hardwareConcurrency ?? 1, USUALLY_AT_MOST);
}

/** Sets how many threads large operations on the CPU use, the calling one included. With 1 no workers are used. */
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
  /** How many tasks of the job were claimed: the number of the next. */
  claimed: 4,
  /** Which runner does the job. */
  runner: 5,
  /** 1 if more tasks are likely to come soon. */
  coming: 6,
  /** How many workers are asleep. */
  asleep: 7,
  /** The last signal that each worker saw; 0 before it came. */
  seen: 16,
  /** The words of the job. */
  job: 16 + AT_MOST,
  jobEnd: 16 + AT_MOST + 48,
  /** Of each place of a stream: 0, or 1 more than what the runner gave. */
  results: 16 + AT_MOST + 48,
  end: 16 + AT_MOST + 48 + WIDEST_STREAM,
  /** Milliseconds for which a worker looks for the next task before it falls asleep, it may be on the asking thread's core; and where one is likely. */
  look: 0.005,
  longLook: 0.2,
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
  readonly runners: readonly string[];
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
  const runs = workerData.runners.map((text) => {
    const make = new Function(`return ${text}`)() as Runner;
    return make(functions, control.subarray(words.job, words.jobEnd), memory);
  });
  while (Atomics.load(control, words.stop) === 0) {
    const signal = Atomics.load(control, words.signal);
    Atomics.store(control, words.seen + index, signal);
    for (;;) {
      const left = Atomics.load(control, words.unclaimed);
      if (left <= 0) break;
      if (Atomics.compareExchange(control, words.unclaimed, left, left - 1) !== left) continue;
      const task = Atomics.add(control, words.claimed, 1);
      const result = runs[control[words.runner]](task) ?? 0;
      Atomics.store(control, words.results + task % (words.end - words.results), result + 1);
      Atomics.add(control, words.done, 1);
      Atomics.notify(control, words.done);
    }
    for (let looks = 1, since = performance.now(); Atomics.load(control, words.signal) === signal; looks++) {
      Atomics.pause?.();
      if (looks % 16 !== 0) continue;
      const likely = Atomics.load(control, words.coming) === 1;
      if (performance.now() - since < (likely ? words.longLook : words.look)) continue;
      Atomics.add(control, words.asleep, 1);
      Atomics.wait(control, words.signal, signal);
      Atomics.sub(control, words.asleep, 1);
      break;
    }
  }
}

/** The script of a worker. */
const source = () => `(${serve})(require("node:worker_threads"));`;

// ---- the asking thread's side -------------------------------------------------------------------------------------

/** Milliseconds that jobs must have taken before workers are worth their start; and between looks at whether they live. */
const START_AFTER = 100, CHECK_EVERY = 1000;

/** Milliseconds for which the asking thread looks whether the others are done before it sleeps. */
const LOOK = 0.05;

/** Jobs that begin so many milliseconds after the last one are followed by others as quickly, it seems. */
const QUICKLY = 0.4;

/** A program, and workers for it. */
export class Pool {
  /** The words that tell the runner what the job is. */
  readonly job: Int32Array;
  /** How many threads this pool is for, the asking one included. */
  readonly threads: number = getNumThreads();
  /** All words that the threads share. */
  readonly control: Int32Array = new Int32Array(new SharedArrayBuffer(4 * words.end));
  private readonly functions: ((...args: number[]) => void)[] = [];
  private readonly runs: readonly ((task: number) => number | void)[];
  private taken = 0;
  private started = false;
  private failed = false;
  private checked = 0;
  private signalThen = 0;
  /** When the last job ended, whether the next has begun, and whether it did so quickly. */
  private ended = 0;
  private begun = false;
  private quick = false;

  /** A pool without workers yet. One that does not end a task within `patience` milliseconds counts as lost. */
  constructor(readonly program: Program, private readonly patience = 3000) {
    this.control[words.signal] = 1;
    this.job = this.control.subarray(words.job, words.jobEnd);
    this.runs = program.runners.map((make) => make(this.functions, this.job, program.memory));
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

  /** How many workers are here and not asleep. */
  get awake(): number {
    return this.workers - Atomics.load(this.control, words.asleep);
  }

  /** Does a task of the job alone. */
  run(task: number, runner = 0): void {
    this.runs[runner](task);
  }

  /** Wakes the workers: tasks come as soon as what they work on is copied. */
  expect(): void {
    if (!this.started) return;
    this.begin(performance.now());
    if (Atomics.load(this.control, words.asleep) > 0) Atomics.notify(this.control, words.signal);
  }

  /**
   * Does the tasks 0 to `count` - 1 of the job, alone or with the workers that are there; `more` if others follow at once. Throws
   * {@linkcode WorkerLost}, after which the pool and the memory of its program are of no more use.
   */
  perform(count: number, runner = 0, more = false): void {
    const begin = this.prepare(runner);
    this.add(count);
    while (this.doOne());
    this.await(() => Atomics.load(this.control, words.done) === count);
    this.end(begin, more);
  }

  /** Does a job whose tasks come one by one, with the workers that are there. Throws as {@linkcode perform}. */
  stream({ count, width, fill, drain }: Stream, runner = 0): void {
    const { control } = this, begin = this.prepare(runner);
    control.fill(0, words.results, words.end);
    let filled = 0, drained = 0;
    try {
      while (drained < count) {
        const place = words.results + drained % WIDEST_STREAM;
        if (filled < count && filled - drained < width) {
          fill(filled++);
          this.add(1);
        } else if (Atomics.load(control, place) !== 0) {
          drain(drained++, Atomics.exchange(control, place, 0) - 1);
        } else if (!this.doOne()) this.await(() => Atomics.load(control, place) !== 0);
      }
    } finally {
      if (drained < count) this.failed = true; // tasks may be under way still
    }
    this.end(begin, false);
  }

  /** To be told how long something took that workers could have helped with: they are started when it was enough. */
  spent(milliseconds: number): void {
    if (!this.started && (this.taken += milliseconds) > START_AFTER) this.start();
  }

  /** Before the first task of a job. Gives the time. */
  private prepare(runner: number): number {
    const { control } = this, begin = performance.now();
    if (this.started) this.check(begin);
    this.begin(begin);
    control[words.done] = 0;
    control[words.claimed] = 0;
    control[words.runner] = runner;
    return begin;
  }

  /** Tasks come soon. */
  private begin(now: number): void {
    if (this.begun) return;
    this.begun = true;
    this.quick = now - this.ended < QUICKLY;
    Atomics.store(this.control, words.coming, 1);
  }

  /** After the last task of a job. */
  private end(begin: number, more: boolean): void {
    const now = performance.now();
    this.spent(now - begin);
    if (more) return;
    this.ended = now;
    this.begun = false;
    Atomics.store(this.control, words.coming, this.quick ? 1 : 0);
  }

  /** Hands tasks over to whoever comes first. */
  private add(count: number): void {
    const { control } = this;
    Atomics.add(control, words.unclaimed, count);
    if (!this.started) return;
    Atomics.add(control, words.signal, 1);
    if (Atomics.load(control, words.asleep) > 0) Atomics.notify(control, words.signal);
  }

  /** Does a task that nobody has claimed. False if there is none. */
  private doOne(): boolean {
    const { control } = this;
    for (;;) {
      const left = Atomics.load(control, words.unclaimed);
      if (left <= 0) return false;
      if (Atomics.compareExchange(control, words.unclaimed, left, left - 1) !== left) continue;
      const task = Atomics.add(control, words.claimed, 1);
      const result = this.runs[control[words.runner]](task) ?? 0;
      Atomics.store(control, words.results + task % WIDEST_STREAM, result + 1);
      Atomics.add(control, words.done, 1);
      return true;
    }
  }

  /** Waits for what workers have claimed. */
  private await(ready: () => boolean): void {
    const { control } = this;
    for (let looks = 1, since = performance.now(); !ready(); looks++) {
      Atomics.pause?.();
      if (looks % 16 === 0 && performance.now() - since > LOOK) break;
    }
    for (;;) {
      const done = Atomics.load(control, words.done);
      if (ready()) return;
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
    const { memory, modules, runners } = this.program;
    const worker = new threads.Worker(source(), {
      eval: true,
      workerData: {
        words,
        control: this.control,
        memory,
        modules: modules.map((write) => write()),
        runners: runners.map(String),
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
