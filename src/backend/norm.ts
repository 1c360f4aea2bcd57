/**
 * Normalisation of lines in one pass, where the device has a kernel for it; elsewhere it is composed of others.
 * @module
 */
import { alwaysWasm, cpuTier } from "./cpu/tier.ts";
import { canNormalize, type NormLines } from "./cpu/wasm/norm.ts";

export { normalize, normalizeBackward, type NormLines, type Run } from "./cpu/wasm/norm.ts";

/** From so many elements on it is worth it. */
const LEAST = 256;

/** Whether the CPU has a kernel for lines of `n` floats, and it pays. */
export function hasNormKernel(dtype: NormLines["dtype"], lines: number, n: number): boolean {
  return (cpuTier() === "auto" ? lines * n >= LEAST : alwaysWasm()) && lines > 0 && canNormalize(dtype, n);
}
