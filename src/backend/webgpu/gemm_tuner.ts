/**
 * Which kernel computes a large matrix product: measured on this device, once for each class of sizes and layouts.
 *
 * The first product of a class is computed by each kernel that comes into question, or a part of it where all of it would take
 * long, into memory of its own; the fastest computes it and all others of its class until the process ends. So the same product gives
 * the same bits each time within a process; in another one another kernel may win, which adds up in another order. Small
 * products are never measured, and where reads cannot be synchronous nothing is: the adapter decides.
 * @module
 */
import type { DType } from "../../tensor/dtype.ts";
import { wgslFlavor } from "./convert.ts";
import { type GemmJob, runGemm, walkOf } from "./gemm_run.ts";
import { type GemmKernel, workgroupBytes } from "./gemm_source.ts";
import { type Gpu, GpuError } from "./gpu.ts";
import type { Block } from "./memory.ts";
import { bytesOf } from "./pointwise.ts";

/** Multiplications from which a product is worth a measurement. */
const LARGE = 2 ** 23;
/** Multiplications of a measurement: some tens of milliseconds on a CPU, about one on hardware. */
const SOFTWARE_WORK = 2 ** 27, HARDWARE_WORK = 2 ** 31;
/** Measurements of a kernel, of which the shortest counts. */
const SOFTWARE_RUNS = 2, HARDWARE_RUNS = 4;

/** A choice that was measured. */
export interface Tuned {
  /** The fastest. */
  readonly kernel: GemmKernel;
  /** Milliseconds of each kernel; Infinity for one that the device refuses. */
  readonly times: ReadonlyMap<GemmKernel, number>;
}

const choices = new WeakMap<Gpu, Map<string, Tuned>>();
let forced: GemmKernel | null = null;

/** Has all products that the kernel can do computed by it, or ends that with null; gives what was before. For tests and benchmarks. */
export function forceKernel(kernel: GemmKernel | null): GemmKernel | null {
  const before = forced;
  forced = kernel;
  return before;
}

/** What was measured on a device so far, by class. */
export function tuned(gpu: Gpu): ReadonlyMap<string, Tuned> {
  return choices.get(gpu) ?? new Map();
}

/** The kernels that come into question, the one that is taken without measuring first. */
export function candidates(gpu: Gpu, dtype: DType): readonly GemmKernel[] {
  const all: GemmKernel[] = wgslFlavor(dtype) !== "float"
    ? ["tiled64", "tiled32", "tiled128"]
    : gpu.info.software
    ? ["blocked", "packed"]
    : ["tiled64", "tiled128", "tiled32", "blocked"];
  return all.filter((kernel) => workgroupBytes(kernel, dtype) <= gpu.info.workgroupMemory);
}

/** The kernel for a product. */
export function tunedKernel(gpu: Gpu, job: GemmJob): GemmKernel {
  const { size: { batch, m, n, k }, dtype } = job;
  if (forced !== null && (wgslFlavor(dtype) === "float" || (forced !== "blocked" && forced !== "packed"))) {
    return forced;
  }
  if (batch * m * n * k < LARGE || !gpu.syncReads) return candidates(gpu, dtype)[0];
  const { a, b } = job, level = (size: number) => Math.round(Math.log2(size));
  const walks = [
    walkOf(a, m, k, a.rowStride, a.columnStride, dtype),
    walkOf(b, n, k, b.columnStride, b.rowStride, dtype),
  ];
  const key = `${dtype} ${walks} ${level(m)} ${level(n)} ${level(k)} ${batch > 1}`;
  let known = choices.get(gpu);
  if (known === undefined) choices.set(gpu, known = new Map());
  let choice = known.get(key);
  if (choice === undefined) known.set(key, choice = measure(gpu, job));
  return choice.kernel;
}

/**
 * As much of a product as one measurement takes. Of hardware a cube, to have enough workgroups; of software the whole depth, because
 * caches make the difference, and how much of a factor passes through them depends on it.
 */
function partOf({ size: { batch, m, n, k } }: GemmJob, work: number, software: boolean): GemmJob["size"] {
  const depth = Math.min(k, 32768);
  if (m * n * k <= work) {
    return { batch: Math.max(1, Math.min(batch, Math.floor(work / (m * n * k)))), m, n, k: depth };
  }
  const wanted = software ? Math.sqrt(work / depth) : Math.cbrt(work), side = Math.ceil(wanted / 64) * 64;
  const rows = Math.min(m, side), columns = Math.min(n, side);
  return { batch: 1, m: rows, n: columns, k: Math.min(depth, Math.ceil(work / (rows * columns))) };
}

function measure(gpu: Gpu, job: GemmJob): Tuned {
  const { software } = gpu.info, { dtype } = job;
  const size = partOf(job, software ? SOFTWARE_WORK : HARDWARE_WORK, software), { batch, m, n } = size;
  const data: Block = gpu.memory.allocate(bytesOf(dtype, batch * m * n));
  const part: GemmJob = {
    ...job,
    size,
    c: { data, offset: 0, batchStride: m * n, rowStride: n, columnStride: 1 },
    added: null,
    beta: 0,
  };
  const times = new Map<GemmKernel, number>();
  try {
    gpu.synchronize();
    for (const kernel of candidates(gpu, dtype)) times.set(kernel, timeOf(gpu, kernel, part, software));
  } finally {
    gpu.memory.release(data);
  }
  let [best] = times.keys();
  for (const [kernel, ms] of times) if (ms < times.get(best)!) best = kernel;
  return { kernel: best, times };
}

function timeOf(gpu: Gpu, kernel: GemmKernel, part: GemmJob, software: boolean): number {
  try {
    // compiled at the first use
    runGemm(gpu, kernel, {
      ...part,
      size: { ...part.size, batch: 1, m: 1, n: 1, k: Math.min(8, part.size.k) },
    });
    gpu.synchronize();
    let best = Infinity;
    for (let i = 0; i < (software ? SOFTWARE_RUNS : HARDWARE_RUNS); i++) {
      const start = performance.now();
      runGemm(gpu, kernel, part);
      gpu.synchronize();
      best = Math.min(best, performance.now() - start);
    }
    return best;
  } catch (error) {
    if (!(error instanceof GpuError) || gpu.lost !== null) throw error;
    return Infinity;
  }
}
