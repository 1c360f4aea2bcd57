/**
 * Opening the GPU: once, when it is first needed, in synchronous code.
 *
 * Adapters that compute wrongly count as none: Deno falls back to OpenGL where there is no Vulkan, and its integer division
 * and conversions do not do what WGSL says. A small kernel with known answers tells (`self_test.ts`).
 *
 * What depends on the adapter, and what to measure first on hardware, is in this folder's README.
 * @module
 */
import { brief } from "../../tensor/describe.ts";
import { Gpu, type GpuInfo } from "./gpu.ts";
import type { MemoryOptions } from "./memory.ts";
import { peek } from "./settled.ts";
import { judge, runSelfTest, SELF_TEST_BYTES } from "./self_test.ts";
import { openInWorker } from "./worker.ts";

export type { GpuInfo } from "./gpu.ts";
export { Gpu, GpuError } from "./gpu.ts";

/** Options of {@linkcode openDevice}; they count when it opens the device. */
export type OpenOptions = MemoryOptions;

/**
 * How elements come from the GPU to the CPU:
 * - `"main"`: the asking thread owns the GPU, and reads it without waiting for a promise, which rests on a detail of Deno;
 * - `"worker"`: a worker owns the GPU and the asking thread sleeps until it has the elements, which rests on no detail;
 * - `"async"`: only with `await`; reads that cannot wait throw an error;
 * - `"auto"`: `"main"` where a test at start-up shows that it works, otherwise `"worker"`, otherwise `"async"`.
 */
export type Reads = "auto" | "main" | "worker" | "async";

const waysToRead: readonly Reads[] = ["auto", "main", "worker", "async"];

let reads: Reads = "auto";

/** Either an open device, or why there is none. */
type Opened = Gpu | string;

let opened: Opened | undefined;

/** What is asked for beyond the defaults, as far as the adapter has it. */
const wantedLimits = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxStorageBuffersPerShaderStage",
  "maxDynamicStorageBuffersPerPipelineLayout",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
] as const;

/** Deno grants shader-f64 though the standard does not know it and the adapter does not list it. */
const featureSets: readonly (readonly string[])[] = [
  ["shader-f16", "shader-f64"],
  ["shader-f16"],
  ["shader-f64"],
  [],
];

/**
 * The GPU, or null where there is none that computes correctly; {@linkcode whyUnavailable} says why. The first call opens it, later
 * ones give the same device until it is lost.
 */
export function openDevice(options: OpenOptions = {}): Gpu | null {
  if (opened instanceof Gpu && opened.lost !== null) opened = undefined;
  opened ??= open(options);
  return opened instanceof Gpu ? opened : null;
}

/** How elements are read; see {@linkcode setReads}. */
export function getReads(): Reads {
  return reads;
}

/** Says how elements are read. Which thread owns the GPU cannot be changed once it is open. */
export function setReads(way: Reads): void {
  if (!waysToRead.includes(way)) {
    throw new RangeError(
      `setReads expects one of "${waysToRead.join('", "')}", got ${
        typeof way === "string" ? JSON.stringify(way) : brief(way)
      }`,
    );
  }
  const gpu = opened instanceof Gpu && opened.lost === null ? opened : null;
  if (gpu !== null && (way === "main" || way === "worker") && gpu.thread !== way) {
    const owner = gpu.thread === "main" ? "the main thread" : "a worker";
    throw new TypeError(
      `setReads("${way}") has to come before the first use of the GPU, which ${owner} has opened`,
    );
  }
  reads = way;
  if (gpu !== null) gpu.syncReads = gpu.canReadNow && way !== "async";
  else opened = undefined;
}

/** Whether there is a GPU to compute on. */
export function isAvailable(): boolean {
  return openDevice() !== null;
}

/** What the GPU can do, or null without one. */
export function info(): GpuInfo | null {
  return openDevice()?.info ?? null;
}

/** Why there is no GPU, or null if there is one. */
export function whyUnavailable(): string | null {
  openDevice();
  return typeof opened === "string" ? opened : null;
}

/**
 * Opens the device on hosts where that cannot be done synchronously; where it can, the same as {@linkcode openDevice}.
 */
export async function init(options: OpenOptions = {}): Promise<Gpu | null> {
  const known = openDevice(options);
  if (known !== null || opened !== notSynchronous) return known;
  const adapter = await navigator.gpu.requestAdapter(wanted);
  if (adapter === null) opened = noAdapter;
  else {
    for (const features of featureSets) {
      const device = await adapter.requestDevice(descriptor(adapter, features)).catch(() => null);
      if (device === null) continue;
      const gpu = make(adapter, device, features, options);
      const block = runSelfTest(gpu);
      opened = accept(gpu, judge(await gpu.readBytesAsync(block, 0, SELF_TEST_BYTES)));
      break;
    }
  }
  return opened instanceof Gpu ? opened : null;
}

const wanted: GPURequestAdapterOptions = { powerPreference: "high-performance" };
const noAdapter = "navigator.gpu has no adapter: no Vulkan, Metal or DirectX 12 driver was found";
const notSynchronous = "this host does not open devices synchronously: await init() first";

function open(options: OpenOptions): Opened {
  if (typeof navigator === "undefined" || navigator.gpu === undefined) {
    return "this host has no navigator.gpu";
  }
  if (typeof Deno === "undefined") return notSynchronous;
  if (reads === "worker") return openThere(options);
  const here = openHere(options);
  if (here !== notSynchronous || reads !== "auto") return here;
  const there = openThere(options);
  return there instanceof Gpu ? there : here;
}

/** Opens the device in this thread. */
function openHere(options: OpenOptions): Opened {
  const found = peek(withoutOpenGl(() => navigator.gpu.requestAdapter(wanted)), GPUAdapter);
  if (found.state === "pending") return notSynchronous;
  if (found.state === "rejected") return found.reason;
  const adapter = found.value;
  if (adapter === null) return noAdapter;
  let reason = "it says no reason";
  for (const features of featureSets) {
    const granted = peek(adapter.requestDevice(descriptor(adapter, features)), GPUDevice);
    if (granted.state === "pending") return notSynchronous;
    if (granted.state === "rejected") reason = granted.reason;
    else if (granted.value !== null) {
      const gpu = make(adapter, granted.value, features, options);
      if (gpu.canReadNow) return test(gpu);
      gpu.close();
      return notSynchronous;
    }
  }
  return `the adapter ${adapter.info.description} gives no device: ${reason}`;
}

/** Opens the device in a worker. */
function openThere(options: OpenOptions): Opened {
  const there = withoutOpenGl(() => openInWorker({ adapter: wanted, featureSets, limits: wantedLimits }));
  if (typeof there === "string") return there === "" ? noAdapter : there;
  const { host, features } = there;
  const gpu = new Gpu(host.device, describe(there, host.device.limits, features), options, host);
  return test(gpu);
}

/** Keeps a device that computes correctly. */
function test(gpu: Gpu): Opened {
  return accept(gpu, judge(gpu.readBytes(runSelfTest(gpu), 0, SELF_TEST_BYTES)));
}

/**
 * Keeps Deno from looking for OpenGL, which is of no use here and can crash the process at exit. Only where
 * the environment may be changed without asking, and the user has not chosen.
 */
function withoutOpenGl<T>(request: () => T): T {
  const variable = "DENO_WEBGPU_BACKEND";
  if (Deno.permissions.querySync({ name: "env", variable }).state !== "granted") return request();
  if (Deno.env.get(variable) !== undefined) return request();
  Deno.env.set(variable, "vulkan,metal,dx12");
  try {
    return request();
  } finally {
    Deno.env.delete(variable);
  }
}

function descriptor(adapter: GPUAdapter, features: readonly string[]): GPUDeviceDescriptor {
  return {
    requiredFeatures: features as readonly GPUFeatureName[] as GPUFeatureName[],
    requiredLimits: Object.fromEntries(wantedLimits.map((name) => [name, adapter.limits[name]])),
  };
}

function make(
  adapter: GPUAdapter,
  device: GPUDevice,
  features: readonly string[],
  options: OpenOptions,
): Gpu {
  const info = adapter.info as GPUAdapterInfo & { isFallbackAdapter?: boolean };
  const about = { description: info.description, fallback: info.isFallbackAdapter === true };
  return new Gpu(device, describe(about, device.limits, features), options);
}

function describe(
  { description, fallback }: { readonly description: string; readonly fallback: boolean },
  limits: GPUSupportedLimits,
  features: readonly string[],
): GpuInfo {
  const largest = Math.min(limits.maxBufferSize, limits.maxStorageBufferBindingSize);
  return {
    description,
    software: fallback || /llvmpipe|lavapipe|swiftshader|basic render/i.test(description),
    float16: features.includes("shader-f16"),
    float64: features.includes("shader-f64"),
    largestBuffer: largest - largest % 256,
    buffersPerKernel: limits.maxStorageBuffersPerShaderStage,
    workgroupMemory: limits.maxComputeWorkgroupStorageSize,
  };
}

function accept(gpu: Gpu, failure: string | null): Opened {
  if (failure === null) {
    if (reads === "async") gpu.syncReads = false;
    return gpu;
  }
  gpu.close();
  return `the adapter ${gpu.info.description} computes wrongly: ${failure}`;
}
