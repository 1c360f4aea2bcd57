/**
 * Matrix products of the CPU: JavaScript for small ones and for types that WebAssembly has no vectors of, for the rest a BLAS
 * library where one may be opened, else WebAssembly, with threads where products are large.
 * @module
 */
import type { DType } from "../../tensor/dtype.ts";
import { gemmBlas } from "./blas/products.ts";
import { gemm as gemmJs, type GemmSize, type Matrix } from "./gemm_js.ts";
import { gemmWasm, hasGemm } from "./wasm/gemm.ts";

export type { GemmSize, Matrix } from "./gemm_js.ts";

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
  } else gemmWasm(size, a, b, c, dtype, alpha, beta, tier !== "wasm");
}
