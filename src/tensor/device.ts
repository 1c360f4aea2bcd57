/**
 * Where tensors live.
 * @module
 */

import { describe } from "./describe.ts";
import type { DType, TypedArray } from "./dtype.ts";

/** Where a tensor's memory is: typed arrays, or Deno's built-in WebGPU. */
export type Device = "cpu" | "webgpu";

/** Memory that is not the CPU's: a device's own. */
export interface RemoteMemory {
  /** Number of elements. */
  readonly length: number;
  /** Elements `offset` to `offset + length` in memory of their own, when everything asked of the device before is done. */
  read(offset: number, length: number): TypedArray;
  /** {@linkcode RemoteMemory.read} for hosts that cannot wait. */
  readAsync(offset: number, length: number): Promise<TypedArray>;
  /** Writes elements, from `offset` on. */
  write(offset: number, array: TypedArray): void;
  /** The same memory as elements of another type; null where the two lie there in different ways. */
  as(dtype: DType): RemoteMemory | null;
  /** Gives the memory back: nobody will use it any more. */
  release(): void;
}

/** The elements under a tensor. */
export type Memory = TypedArray | RemoteMemory;

/** What a device other than the CPU does for storage. */
export interface RemoteDevice {
  /** Memory, zeroed where that is asked for. */
  allocate(dtype: DType, length: number, zeroed: boolean): RemoteMemory;
  /** Memory with a copy of an array. */
  upload(array: TypedArray, dtype: DType): RemoteMemory;
}

const remote = new Map<Device, RemoteDevice>();

/** Makes a device known; each backend calls this once. */
export function registerDevice(name: Device, device: RemoteDevice): void {
  remote.set(name, device);
}

/** What a device other than the CPU does for storage. */
export function remoteDevice(name: Device): RemoteDevice {
  const found = remote.get(name);
  if (found === undefined) throw new TypeError(`device ${JSON.stringify(name)} is not loaded: import mod.ts`);
  return found;
}

/** Device types that PyTorch knows, so that its users are told what there is instead. */
const foreign = new Set(["cuda", "mps", "xpu", "hpu", "xla", "vulkan", "meta", "privateuseone"]);

/** Checks a device name that came from a user. */
export function checkDevice(device: unknown): Device {
  if (device === "cpu" || device === "webgpu") return device;
  if (typeof device !== "string") throw new TypeError(`a device must be a string, not ${describe(device)}`);
  const text = device;
  if (foreign.has(text.split(":")[0])) {
    throw new TypeError(
      `Dinograd runs without ${text.split(":")[0]}: use device "cpu" or "webgpu", got ${
        JSON.stringify(text)
      }`,
    );
  }
  throw new TypeError(`Expected one of cpu, webgpu device type at start of device string: ${text}`);
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

let defaultDevice: Device = "cpu";

/** Where new tensors are made; "cpu" unless {@linkcode setDefaultDevice} changed it. */
export function getDefaultDevice(): Device {
  return defaultDevice;
}

/**
 * Sets where new tensors are made that do not say it themselves.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * dg.setDefaultDevice("cpu");
 * dg.zeros(2).device; // "cpu"
 * ```
 */
export function setDefaultDevice(device: Device): void {
  defaultDevice = checkDevice(device);
}

/** For PyTorch's `x.cuda()`. */
export function noCuda(): TypeError {
  return new TypeError('Dinograd runs without cuda: use to("webgpu") in place of cuda()');
}

/** Throws for tensors on different devices. */
export function differentDevices(a: Device, b: Device): TypeError {
  return new TypeError(
    `Expected all tensors to be on the same device, but found at least two devices, ${a} and ${b}!`,
  );
}

/**
 * The device of several tensors.
 *
 * @throws {TypeError} if they are on different ones.
 */
export function sameDevice(tensors: readonly { readonly device: Device }[]): Device {
  const { device } = tensors[0];
  for (const t of tensors) if (t.device !== device) throw differentDevices(device, t.device);
  return device;
}

/** There is no CUDA in Deno; so that `cuda.isAvailable() ? ... : ...`, PyTorch's idiom, reads as it does there. */
export const cuda: {
  /** Always false. */
  isAvailable(): boolean;
} = { isAvailable: () => false };
