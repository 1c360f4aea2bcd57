/**
 * Where a device lives, and how it answers: its errors, its end, and what it wrote.
 *
 * {@linkcode MainHost} is the usual one: the device belongs to the thread that asks. `worker.ts` has another.
 * @module
 */
import { peek } from "./settled.ts";

/** What was in a staging buffer, or the errors that came first. */
export interface Taken {
  /** Messages of commands that failed since somebody looked. */
  readonly errors: readonly string[];
  /** The bytes; null if there are errors. */
  readonly data: ArrayBuffer | null;
}

/** Where a device lives. */
export interface Host {
  /** In whose hands the device is. */
  readonly thread: "main" | "worker";
  /** Has somebody told why the device is gone, once it is. */
  whenLost(tell: (reason: string) => void): void;
  /** Messages of commands that failed since somebody looked. */
  errors(): string[];
  /** Waits for what was submitted, and takes the first bytes of a staging buffer. */
  take(staging: GPUBuffer, bytes: number): Taken;
  /** {@linkcode Host.take} that works on every host. */
  takeAsync(staging: GPUBuffer, bytes: number): Promise<Taken>;
  /** Runs the garbage collector, and frees the buffers that it found. */
  collect(gc: () => void): void;
}

const MAP_READ = 1; // GPUMapMode
const scopes = ["validation", "out-of-memory", "internal"] as const;

/** A device of the thread that asks. */
export class MainHost implements Host {
  /** The asking thread. */
  readonly thread = "main";
  readonly #device: GPUDevice;
  #errors: string[] = [];

  /** Takes over the errors of a device. */
  constructor(device: GPUDevice) {
    this.#device = device;
    // Without this handler errors outside of the scopes are not even printed.
    device.addEventListener("uncapturederror", (event) => {
      event.preventDefault();
      this.#errors.push((event as Event & { error: GPUError }).error.message);
    });
    this.#watch();
  }

  /** Has somebody told why the device is gone, once it is. */
  whenLost(tell: (reason: string) => void): void {
    this.#device.lost.then((lost) => tell(lost.message || lost.reason || "unknown reason"));
  }

  /** Scopes are open all the time, and looked into when somebody reads. */
  #watch(): void {
    for (const scope of scopes) this.#device.pushErrorScope(scope);
  }

  #pop(): Promise<GPUError | null>[] {
    const popped = scopes.map(() => this.#device.popErrorScope());
    this.#watch();
    return popped;
  }

  #found(): string[] {
    const found = this.#errors;
    this.#errors = [];
    return found;
  }

  /** Messages of commands that failed since somebody looked. */
  errors(): string[] {
    for (const promise of this.#pop()) {
      const seen = peek(promise, GPUError);
      if (seen.state === "fulfilled") {
        if (seen.value !== null) this.#errors.push(seen.value.message);
      } else if (seen.state === "rejected") this.#errors.push(seen.reason);
      else promise.then((e) => void (e !== null && this.#errors.push(e.message)), () => {});
    }
    return this.#found();
  }

  /**
   * Takes the first bytes of a staging buffer, which was made with `mappedAtCreation`: `getMappedRange` of a buffer that was never
   * mapped ends the process, not with an exception. An error of the copy is looked for before it is mapped, too.
   */
  take(staging: GPUBuffer, bytes: number): Taken {
    const errors = this.errors();
    if (errors.length > 0) return { errors, data: null };
    // Not awaited: it has waited for the GPU when it returns.
    staging.mapAsync(MAP_READ, 0, bytes).catch(() => {});
    const data = staging.getMappedRange(0, bytes).transfer();
    staging.unmap();
    return { errors, data };
  }

  /** {@linkcode MainHost.take} that works on every host. */
  async takeAsync(staging: GPUBuffer, bytes: number): Promise<Taken> {
    for (const error of await Promise.all(this.#pop())) {
      if (error !== null) this.#errors.push(error.message);
    }
    const errors = this.#found();
    if (errors.length > 0) return { errors, data: null };
    await staging.mapAsync(MAP_READ, 0, bytes);
    return { errors, data: staging.getMappedRange(0, bytes).slice(0) };
  }

  /** Runs the garbage collector, which frees the buffers that it finds. */
  collect(gc: () => void): void {
    gc();
  }
}
