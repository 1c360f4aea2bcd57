/**
 * What users ask about the GPU: `dg.webgpu`.
 * @module
 */
import { type GpuInfo, info as infoOf, openDevice } from "./device.ts";
import type { MemoryStatistics } from "./memory.ts";
import { requireGpu } from "./tensors.ts";

export type { GpuInfo } from "./gpu.ts";
export type { MemoryStatistics } from "./memory.ts";
export { init, whyUnavailable } from "./device.ts";

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
