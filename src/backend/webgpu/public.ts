/**
 * What users ask about the GPU: `dg.webgpu`.
 * @module
 */
import {
  getReads as readsNow,
  type GpuInfo,
  info as infoOf,
  openDevice,
  type Reads,
  setReads as setReadsTo,
} from "./device.ts";
import type { MemoryStatistics } from "./memory.ts";
import { requireGpu } from "./tensors.ts";

export type { GpuInfo } from "./gpu.ts";
export type { MemoryStatistics } from "./memory.ts";
export type { OpenOptions, Reads } from "./device.ts";
export { init, whyUnavailable } from "./device.ts";
export { GpuError } from "./gpu.ts";

/**
 * Whether there is a GPU to compute on. The first call opens it, which takes about a tenth of a second.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * const device = dg.webgpu.isAvailable() ? "webgpu" : "cpu";
 * dg.ones(3, { device }).sum().item(); // 3
 * ```
 */
export function isAvailable(): boolean {
  return openDevice() !== null;
}

/**
 * What the GPU can do.
 *
 * @throws {TypeError} where there is none.
 */
export function info(): GpuInfo {
  requireGpu();
  return infoOf()!;
}

/**
 * Says how elements are read from the GPU, by `item()`, `toArray()`, `typedArray()`, printing and so on:
 * - `"main"`: the asking thread owns the GPU and reads at once, which rests on a detail of Deno;
 * - `"worker"`: a worker owns the GPU, and the asking thread sleeps until it has the elements, which rests on no detail but costs
 *   a little more for each read;
 * - `"async"`: only `await t.read()` reads, and what cannot wait throws a `GpuError`;
 * - `"auto"`: what the host can do, in this order; a test at start-up, which cannot end the process, finds it out.
 *
 * To be called before the first use of the GPU, which gives it to one of the threads. Only `"auto"` and `"async"`
 * may come later: they turn synchronous reads on and off.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * dg.webgpu.setReads("async");
 * if (dg.webgpu.isAvailable()) {
 *   const x = dg.ones(3, { device: "webgpu" });
 *   await x.read(); // Float32Array [1, 1, 1]; x.toArray() throws
 * }
 * dg.webgpu.setReads("auto");
 * ```
 */
export function setReads(way: Reads): void {
  setReadsTo(way);
}

/** How elements are read from the GPU; see {@linkcode setReads}. */
export function getReads(): Reads {
  return readsNow();
}

/** Bytes of GPU memory in use: by tensors, waiting for their next use, and the most so far. */
export function memory(): MemoryStatistics {
  return requireGpu().memory.statistics();
}

/**
 * Waits until everything asked of the GPU is done.
 *
 * @throws {GpuError} if a command failed since the last time that anything was read.
 */
export function synchronize(): void {
  requireGpu().synchronize();
}

/** Frees the memory that waits for its next use. */
export function emptyCache(): void {
  const gpu = requireGpu();
  gpu.commands.flush();
  gpu.memory.trim();
  gpu.memory.sweep();
}
