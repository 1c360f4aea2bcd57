/**
 * Launching the kernels of matrix products: how they read their factors, parameters, copies in the layout that is read fastest.
 * @module
 */
import { input } from "../../expr/expr.ts";
import { type Program, program } from "../../expr/program.ts";
import type { DType } from "../../tensor/dtype.ts";
import type { Kernel } from "./commands.ts";
import { SCALAR_WORDS, wgslFlavor, writeScalar } from "./convert.ts";
import { GEMM_WORDS, type GemmForm, type GemmKernel, gemmSource, TILES, type Walk } from "./gemm_source.ts";
import type { Gpu } from "./gpu.ts";
import type { Block } from "./memory.ts";
import { bytesOf, runPointwise } from "./pointwise.ts";

/** A batch of strided matrices. */
export interface GpuMatrix {
  /** The block that the elements lie in. */
  readonly data: Block;
  /** Index of the first element. */
  readonly offset: number;
  /** From a matrix of the batch to the next, in elements; 0 if all are the same. */
  readonly batchStride: number;
  /** From a row to the next. */
  readonly rowStride: number;
  /** From a column to the next. */
  readonly columnStride: number;
}

/** Sizes of products: each a is m by k, b is k by n, c is m by n. */
export interface GemmSize {
  /** How many products. */
  readonly batch: number;
  /** Rows of a and c. */
  readonly m: number;
  /** Columns of b and c. */
  readonly n: number;
  /** Columns of a, rows of b. */
  readonly k: number;
}

/** A product that one dispatch can do. */
export interface GemmJob {
  /** Its sizes. */
  readonly size: GemmSize;
  /** The left factor. */
  readonly a: GpuMatrix;
  /** The right factor. */
  readonly b: GpuMatrix;
  /** The result. */
  readonly c: GpuMatrix;
  /** What is added, if it is not what c holds. */
  readonly added: GpuMatrix | null;
  /** Element type of all. */
  readonly dtype: DType;
  /** Factor of the product. */
  readonly alpha: number;
  /** Factor of what is added. */
  readonly beta: number;
}

/** Computes a product with a kernel. */
export function runGemm(gpu: Gpu, kernel: GemmKernel, job: GemmJob): void {
  const { a, b, dtype } = job, { m, n, k } = job.size;
  if (kernel === "packed") {
    packed(gpu, job);
    return;
  }
  if (kernel === "blocked") {
    const wa = walkOf(a, m, k, a.rowStride, a.columnStride, dtype);
    const wb = walkOf(b, n, k, b.columnStride, b.rowStride, dtype);
    launch(gpu, kernel, job, inFours(a, wa, false), inFours(b, wb, true), wa, wb, dtype);
    return;
  }
  const wa = a.rowStride === 1 && a.columnStride !== 1 ? "side" : "depth";
  const wb = b.rowStride === 1 && b.columnStride !== 1 ? "depth" : "side";
  launch(gpu, kernel, job, a, b, wa, wb, dtype);
}

/** How the blocked kernel can read a factor of float32 or float16. */
export function walkOf(
  { offset, batchStride }: GpuMatrix,
  side: number,
  depth: number,
  sideStride: number,
  depthStride: number,
  dtype: DType,
): Walk {
  if (dtype !== "float32" || offset % 4 !== 0 || batchStride % 4 !== 0) return "single";
  if (sideStride === 1 && (depthStride % 4 === 0 || depth === 1)) return "side";
  if (depthStride === 1 && (sideStride % 4 === 0 || side === 1)) return "depth";
  return "single";
}

/** Steps in units of four elements, as the blocked kernel wants them. */
function inFours(x: GpuMatrix, walk: Walk, sideIsColumns: boolean): GpuMatrix {
  if (walk === "single") return x;
  const kept = (walk === "side") === sideIsColumns ? "columnStride" : "rowStride";
  const { data, offset, batchStride, rowStride, columnStride } = x;
  return {
    data,
    offset: offset / 4,
    batchStride: batchStride / 4,
    rowStride: kept === "rowStride" ? rowStride : Math.ceil(rowStride / 4),
    columnStride: kept === "columnStride" ? columnStride : Math.ceil(columnStride / 4),
  };
}

const kernelNumbers = Object.keys(TILES), walks: readonly Walk[] = ["side", "depth", "single"];
const known = new WeakMap<Gpu, Map<string, Kernel[]>>();
const parametersOf: Record<number, Int32Array> = {};

/** The kernel of a form; found again without making strings. */
function kernelOf(gpu: Gpu, form: GemmForm): Kernel {
  const { kernel, factors, dtype, a, b, added } = form;
  let families = known.get(gpu);
  if (families === undefined) known.set(gpu, families = new Map());
  const family = factors === dtype ? dtype : "packed float16";
  let kernels = families.get(family);
  if (kernels === undefined) families.set(family, kernels = []);
  const number = ((kernelNumbers.indexOf(kernel) * 3 + walks.indexOf(a)) * 3 + walks.indexOf(b)) * 3 +
    (added === "none" ? 0 : added === "self" ? 1 : 2);
  return kernels[number] ??= gpu.kernel(
    "gemm",
    `${kernel} ${factors} ${dtype} ${a} ${b} ${added}`,
    () => gemmSource(form),
  );
}

function launch(
  gpu: Gpu,
  kernel: GemmForm["kernel"],
  job: GemmJob,
  a: GpuMatrix,
  b: GpuMatrix,
  wa: Walk,
  wb: Walk,
  factors: DType,
): void {
  const { size: { batch, m, n, k }, c, dtype, alpha, beta } = job;
  const added = beta === 0 ? "none" : job.added === null ? "self" : "other", d = job.added ?? c;
  const pipeline = kernelOf(gpu, { kernel, factors, dtype, a: wa, b: wb, added });
  const words = SCALAR_WORDS[wgslFlavor(dtype)],
    p = parametersOf[words] ??= new Int32Array(GEMM_WORDS + 2 * words);
  p[1] = m;
  p[2] = n;
  p[3] = k;
  placeOf(p, 4, a);
  placeOf(p, 8, b);
  placeOf(p, 12, c);
  placeOf(p, 16, d);
  // float16 factors are numbers of float32
  const scalar = dtype === "float16" ? "float32" : dtype;
  writeScalar(p, GEMM_WORDS, alpha, scalar);
  writeScalar(p, GEMM_WORDS + words, beta, scalar);
  const blocks = added === "other" ? [a.data, b.data, c.data, d.data] : [a.data, b.data, c.data];
  const tile = TILES[kernel];
  gpu.commands.dispatch(pipeline, blocks, p, Math.ceil(n / tile), Math.ceil(m / tile), batch);
}

function placeOf(p: Int32Array, at: number, x: GpuMatrix): void {
  p[at] = x.offset;
  p[at + 1] = x.batchStride;
  p[at + 2] = x.rowStride;
  p[at + 3] = x.columnStride;
}

// ---- packing --------------------------------------------------------------------------------------------------------

let copy: Program | undefined;

/** Computes from factors in the layout that the blocked kernel reads fastest: each row of a and column of b along the depth. */
function packed(gpu: Gpu, job: GemmJob): void {
  const { size: { batch, m, n, k }, a, b, dtype } = job, spare: Block[] = [];
  const pack = (x: GpuMatrix, isB: boolean): GpuMatrix => {
    const [side, sideStride, depthStride] = isB
      ? [n, x.columnStride, x.rowStride]
      : [m, x.rowStride, x.columnStride];
    if (walkOf(x, side, k, sideStride, depthStride, dtype) === "depth") return x;
    const row = Math.ceil(k / 4) * 4, layers = x.batchStride === 0 ? 1 : batch;
    const data = gpu.memory.allocate(Math.max(4, bytesOf("float32", layers * side * row)));
    spare.push(data);
    copy ??= program(["x"], input("x"), { name: "pack" });
    runPointwise(
      gpu,
      copy,
      [{ data: x.data, dtype, offset: x.offset, strides: [x.batchStride, sideStride, depthStride] }],
      [{ data, dtype: "float32", offset: 0, strides: [side * row, row, 1] }],
      [layers, side, k],
      "float32",
    );
    const batchStride = layers === 1 ? 0 : side * row;
    return { data, offset: 0, batchStride, rowStride: isB ? 1 : row, columnStride: isB ? row : 1 };
  };
  const pa = inFours(pack(a, false), "depth", false), pb = inFours(pack(b, true), "depth", true);
  // both or none are packed where elements are not float32
  launch(gpu, "blocked", job, pa, pb, "depth", "depth", "float32");
  for (const block of spare) gpu.memory.release(block);
}
