/**
 * Operations along one dimension on the CPU: as JavaScript, and softmax of many elements with exponentials as WebAssembly.
 * @module
 */
import type { DType, TypedArray } from "../../tensor/dtype.ts";
import * as js from "./lines_js.ts";
import { alwaysWasm, cpuTier } from "./tier.ts";
import { runWasmSoftmax } from "./wasm/softmax.ts";

export type { LineOp } from "./lines_js.ts";

/** From so many elements on it is worth it. */
const LEAST = 512;

/** Works on `lines` lines of `n` elements; see {@linkcode js.runLines}. */
export function runLines(
  op: js.LineOp,
  dtype: DType,
  x: TypedArray,
  offset: number,
  lines: number,
  n: number,
  y: TypedArray,
  z: TypedArray | null,
): void {
  const { name } = op;
  if ((name === "softmax" || name === "logSoftmax") && (dtype === "float32" || dtype === "float64")) {
    const wanted = cpuTier() === "auto" ? lines * n >= LEAST : alwaysWasm();
    if (wanted && runWasmSoftmax(name, dtype, x, offset, lines, n, y)) return;
  }
  js.runLines(op, dtype, x, offset, lines, n, y, z);
}
