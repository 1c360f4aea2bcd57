/**
 * Which of its ways the CPU takes. The choice is for tests and measurements; by itself it goes by size.
 * @module
 */

/** By size, JavaScript alone, or WebAssembly whatever the size where there is a kernel: by one thread, or by all that are there. */
export type CpuTier = "auto" | "js" | "wasm" | "wasm+threads";

let tier: CpuTier = "auto";

/** The choice in force. */
export function cpuTier(): CpuTier {
  return tier;
}

/** Whether WebAssembly is chosen whatever the size. */
export function alwaysWasm(): boolean {
  return tier === "wasm" || tier === "wasm+threads";
}

/** Chooses, and gives what was chosen before. */
export function setCpuTier(choice: CpuTier): CpuTier {
  const before = tier;
  tier = choice;
  return before;
}
