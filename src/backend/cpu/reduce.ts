/**
 * Reductions on the CPU: as JavaScript where groups are short, as vectors of WebAssembly where they are long.
 * @module
 */
import type { DType, TypedArray } from "../../tensor/dtype.ts";
import * as js from "./reduce_js.ts";
import { alwaysWasm, cpuTier } from "./tier.ts";
import { runWasmColumns } from "./wasm/fold_columns.ts";
import { runWasmFold } from "./wasm/fold.ts";

export type { Fold, FoldInput } from "./reduce_js.ts";

/** From so many elements on it is worth asking for a kernel. */
const WORTH_ASKING = 640;

function isVectors(n: number, dtype: DType): dtype is "float32" | "float64" {
  if (dtype !== "float32" && dtype !== "float64") return false;
  return cpuTier() === "auto" ? n >= WORTH_ASKING : alwaysWasm();
}

/** Folds every group of elements; see {@linkcode js.runFold}. */
export function runFold(fold: js.Fold, input: js.FoldInput, dtype: DType, outs: readonly TypedArray[]): void {
  let n = 1;
  for (const size of input.folded) n *= size;
  for (const size of input.kept) n *= size;
  if (isVectors(n, dtype)) {
    const { k, f } = js.loopsOf(fold, input), always = alwaysWasm();
    if (runWasmFold(fold, input, k, f, dtype, outs, always)) return;
    if (runWasmColumns(fold, input, k, f, dtype, outs, always)) return;
  }
  js.runFold(fold, input, dtype, outs);
}

const NO_LOOPS: js.Loops = { sizes: [], strides: [] };

/** Folds `n` elements that lie one behind the other; see {@linkcode js.runFlatFold}. */
export function runFlatFold(
  fold: js.Fold,
  data: TypedArray,
  offset: number,
  n: number,
  dtype: DType,
  outs: readonly TypedArray[],
): void {
  if (isVectors(n, dtype)) {
    const f = { sizes: [n], strides: [1] };
    if (runWasmFold(fold, { data, offset }, NO_LOOPS, f, dtype, outs, alwaysWasm())) return;
  }
  js.runFlatFold(fold, data, offset, n, dtype, outs);
}
