/**
 * Pointwise programs on the CPU: as JavaScript where there are few elements, as vectors of WebAssembly where there are many, sums
 * in place by a BLAS library where one may be opened.
 * @module
 */
import type { DType, Scalar } from "../../tensor/dtype.ts";
import type { Program } from "../../expr/program.ts";
import { AXPY_LEAST, axpyBlas } from "./blas/axpy.ts";
import { gemmTier } from "./gemm.ts";
import * as js from "./pointwise_js.ts";
import { alwaysWasm, cpuTier } from "./tier.ts";
import { runWasm } from "./wasm/run.ts";

export type { Operand } from "./pointwise_js.ts";

/** From so many elements on it is worth asking for a kernel. */
const WORTH_ASKING = 512;

/**
 * Runs a program for every element of `shape`; see {@linkcode js.runPointwise}. In vectors, float32 arithmetic is done in
 * float32 and not in doubles, and elementary functions are right to 2 units in the last place.
 */
export function runPointwise(
  p: Program,
  inputs: readonly (js.Operand | Scalar)[],
  outputs: readonly js.Operand[],
  shape: readonly number[],
  computeDtype: DType,
): void {
  let numel = 1;
  for (let d = 0; d < shape.length; d++) numel *= shape[d];
  const few = numel < WORTH_ASKING && (!alwaysWasm() || numel === 0);
  if (few || cpuTier() === "js" || (computeDtype !== "float32" && computeDtype !== "float64")) {
    js.runPointwise(p, inputs, outputs, shape, computeDtype);
    return;
  }
  js.checkCounts(p, inputs, outputs);
  const choice = gemmTier(), blas = choice === "blas" || (choice === "auto" && cpuTier() === "auto");
  if (blas && numel >= AXPY_LEAST && axpyBlas(p, inputs, outputs, shape, numel, computeDtype)) return;
  const nest = js.nestOf(inputs, outputs, shape, numel);
  if (!runWasm(p, inputs, outputs, computeDtype, nest, alwaysWasm())) {
    js.runNest(p, inputs, outputs, computeDtype, nest);
  }
}
