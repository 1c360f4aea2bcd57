/**
 * Matrix products of the CPU: JavaScript for small ones and for types that WebAssembly has no vectors of, WebAssembly for the
 * rest, with threads where products are large.
 * @module
 */
import type { DType } from "../../tensor/dtype.ts";
import { gemm as gemmJs, type GemmSize, type Matrix } from "./gemm_js.ts";
import { gemmWasm, hasGemm } from "./wasm/gemm.ts";

export type { GemmSize, Matrix } from "./gemm_js.ts";

/** How products are computed: by their size, or in one way wherever it is there. */
export type GemmTier = "auto" | "js" | "wasm" | "wasm+threads";

let tier: GemmTier = "auto";

/** Chooses how products are computed, and gives what was chosen before. For tests and measurements. */
export function setGemmTier(choice: GemmTier): GemmTier {
  const before = tier;
  tier = choice;
  return before;
}

/** Below so many multiplications, rows or columns JavaScript is faster. */
const LEAST = 1024, LEAST_LINES = 2;

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
  const { m, n, k } = size;
  const small = tier === "auto" ? m * n * k < LEAST || m < LEAST_LINES || n < LEAST_LINES : tier === "js";
  if (small || (dtype !== "float32" && dtype !== "float64") || m * n * k === 0 || !hasGemm()) {
    gemmJs(size, a, b, c, dtype, alpha, beta);
  } else gemmWasm(size, a, b, c, dtype, alpha, beta, tier !== "wasm");
}
