/**
 * Matrix products of the CPU: JavaScript for small ones and for types that WebAssembly has no vectors of, for the rest a BLAS
 * library where one may be opened, else WebAssembly, with threads where products are large.
 * @module
 */
import type { DType } from "../../tensor/dtype.ts";
import { blasLibrary } from "./blas/library.ts";
import { gemmBlas } from "./blas/products.ts";
import { gemm as gemmJs, type GemmSize, type Matrix } from "./gemm_js.ts";
import { gemmWasm, hasGemm, threadsFrom } from "./wasm/gemm.ts";
import { type Batch, gemmWasmBatches } from "./wasm/gemm_batches.ts";
import { asksWorkers, newPace, type Pace, runAlone, runTogether } from "./wasm/stream.ts";

export type { GemmSize, Matrix } from "./gemm_js.ts";
export type { Batch } from "./wasm/gemm_batches.ts";

/** How products are computed: by their size, or in one way wherever it is there. */
export type GemmTier = "auto" | "js" | "wasm" | "wasm+threads" | "blas";

let tier: GemmTier = "auto";

/** How products are computed now. */
export function gemmTier(): GemmTier {
  return tier;
}

/** Chooses how products are computed, and gives what was chosen before. For tests and measurements. */
export function setGemmTier(choice: GemmTier): GemmTier {
  const before = tier;
  tier = choice;
  return before;
}

/** Below so many multiplications, rows or columns JavaScript is faster. */
const LEAST = 1024, LEAST_LINES = 2;

/**
 * From so many multiplications BLAS is asked, and opened if it is not yet, which takes 20 ms. Smaller products would gain a
 * microsecond at most; and that they go elsewhere does not depend on what was computed before.
 */
const BLAS_LEAST = 2048;

/**
 * `c = alpha * a @ b + beta * c`, all of one element type. With beta 0, c is not read. c must not share memory with a or b.
 * Sums of float32 are accumulated in float32 where the product is large, else in doubles.
 */
export function gemm(
  size: GemmSize,
  a: Matrix,
  b: Matrix,
  c: Matrix,
  dtype: DType,
  alpha = 1,
  beta = 0,
): void {
  const { m, n, k } = size, work = m * n * k;
  const floats = (dtype === "float32" || dtype === "float64") && work !== 0;
  if (floats && (tier === "auto" ? work >= BLAS_LEAST : tier === "blas")) {
    if (gemmBlas(size, a, b, c, dtype === "float64", alpha, beta)) return;
  }
  const auto = tier === "auto" || tier === "blas";
  const small = auto ? work < LEAST || m < LEAST_LINES || n < LEAST_LINES : tier === "js";
  if (small || !floats || !hasGemm()) {
    gemmJs(size, a, b, c, dtype, alpha, beta);
    return;
  }
  const run = (mayThread: boolean) => gemmWasm(size, a, b, c, dtype, alpha, beta, mayThread);
  const least = auto ? threadsFrom(work) : Infinity;
  if (work < least) return run(tier === "wasm+threads");
  const pace = paceOf(size, dtype);
  if (asksWorkers(pace, work, least)) runTogether(pace, work, () => run(true));
  else runAlone(pace, work, least, () => run(false));
}

/**
 * {@linkcode gemm} for each matrix of a batch. Where WebAssembly computes them, several threads share them out among them; BLAS
 * has threads of its own.
 */
export function gemmBatches(
  size: GemmSize,
  a: Batch,
  b: Batch,
  c: Batch,
  dtype: DType,
  alpha: number,
  beta: number,
  batch: number,
): void {
  const at = (x: Batch, i: number): Matrix => ({ ...x, offset: x.offset + i * x.batchStride });
  const alone = (first: number) => {
    for (let i = first; i < batch; i++) gemm(size, at(a, i), at(b, i), at(c, i), dtype, alpha, beta);
  };
  if ((dtype !== "float32" && dtype !== "float64") || !mayShare(size, batch)) return alone(0);
  const work = batch * size.m * size.n * size.k, pace = paceOf(size, dtype);
  if (tier === "wasm+threads" || asksWorkers(pace, work, SHARED_FROM)) {
    runTogether(pace, work, () => alone(gemmWasmBatches(size, a, b, c, dtype, alpha, beta, batch)));
  } else runAlone(pace, work, SHARED_FROM, () => alone(0));
}

/** Multiplications from which threads are asked to share the products of a batch. */
const SHARED_FROM = 1 << 22;

/** Whether products of floats of this size are WebAssembly's, and may be shared out. */
function mayShare({ m, n, k }: GemmSize, batch: number): boolean {
  const work = m * n * k;
  if (tier === "js" || tier === "wasm" || work === 0 || !hasGemm()) return false;
  if (tier === "wasm+threads") return true;
  if (work * batch < SHARED_FROM || work < LEAST || m < LEAST_LINES || n < LEAST_LINES) return false;
  return blasLibrary() === null;
}

/** How fast products were, by their sizes; so many are remembered. */
const paces = new Map<string, Pace>(), MOST_PACES = 256;

function paceOf({ m, n, k }: GemmSize, dtype: DType): Pace {
  const key = `${m} ${n} ${k} ${dtype}`;
  let pace = paces.get(key);
  if (pace === undefined) {
    if (paces.size >= MOST_PACES) paces.clear();
    paces.set(key, pace = newPace());
  }
  return pace;
}
