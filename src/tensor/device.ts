/**
 * Where tensors live.
 * @module
 */

import { describe } from "./describe.ts";

/** Where a tensor's memory is. */
export type Device = "cpu";

/** Device types that PyTorch knows, so that its users are told what there is instead. */
const foreign = new Set(["cuda", "mps", "xpu", "hpu", "xla", "vulkan", "meta", "privateuseone"]);

/** Checks a device name that came from a user. */
export function checkDevice(device: unknown): Device {
  if (device === "cpu") return device;
  if (typeof device !== "string") throw new TypeError(`a device must be a string, not ${describe(device)}`);
  const text = device;
  if (foreign.has(text.split(":")[0])) {
    throw new TypeError(
      `Dinograd runs without ${text.split(":")[0]}: use device "cpu", got ${JSON.stringify(text)}`,
    );
  }
  throw new TypeError(`Expected cpu device type at start of device string: ${text}`);
}

/**
 * Checks the name of a device and returns it: devices are plain strings here.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * dg.zeros(2).device === dg.device("cpu"); // true
 * ```
 */
export function device(name: string): Device {
  return checkDevice(name);
}

/** There is no CUDA in Deno; so that `cuda.isAvailable() ? ... : ...`, PyTorch's idiom, reads as it does there. */
export const cuda: {
  /** Always false. */
  isAvailable(): boolean;
} = { isAvailable: () => false };
