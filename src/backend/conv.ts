/**
 * Short ways for convolutions on the device whose memory they write. Where there is none, windows on memory and matrix products
 * do, which every device has.
 * @module
 */
import { differentDevices, type Memory } from "../tensor/device.ts";
import type { DType } from "../tensor/dtype.ts";
import { gemmTier } from "./cpu/gemm.ts";
import { type Columns, columns as gpuColumns } from "./webgpu/columns.ts";
import { GpuMemory } from "./webgpu/tensors.ts";
import { type Convolution3x3, winogradKernels, winogradResults } from "./cpu/wasm/winograd.ts";

export type { Convolution3x3 } from "./cpu/wasm/winograd.ts";
export type { Columns } from "./webgpu/columns.ts";

/** Row-major elements in memory. */
export interface Elements {
  /** Where they lie. */
  readonly data: Memory;
  /** Which is the first. */
  readonly offset: number;
}

/** A row-major operand as the CPU's kernels take it; null if it is elsewhere. */
function singles({ data, offset }: Elements): { data: Float32Array; offset: number } | null {
  return data instanceof Float32Array ? { data, offset } : null;
}

/** Whether threads may help; null where WebAssembly is not wanted. */
function threads(dtype: DType): boolean | null {
  const tier = gemmTier();
  if (dtype !== "float32" || tier === "js" || tier === "blas") return null;
  return tier !== "wasm";
}

/**
 * The results of images x under 3 x 3 kernels w, [outputs, channels, 3, 3], that move by single steps, in `y`. False, with
 * nothing done, where there is no short way, or it would not be shorter.
 */
export function convolve3x3(
  c: Convolution3x3,
  dtype: DType,
  x: Elements,
  w: Elements,
  bias: ArrayLike<number> | null,
  y: Elements,
): boolean {
  const may = threads(dtype), [a, b, out] = [singles(x), singles(w), singles(y)];
  return may !== null && a !== null && b !== null && out !== null && winogradResults(c, a, b, bias, out, may);
}

/** The gradient of the kernels, of images x and gradients g of the results, in `w`; as {@linkcode convolve3x3}. */
export function kernelGradient3x3(
  c: Convolution3x3,
  dtype: DType,
  x: Elements,
  g: Elements,
  w: Elements,
): boolean {
  const may = threads(dtype), [a, b, out] = [singles(x), singles(g), singles(w)];
  return may !== null && a !== null && b !== null && out !== null && winogradKernels(c, a, b, out, may);
}

/** Writes the columns that a kernel meets in images, row-major: devices other than the CPU, whose windows on memory do. */
export function columns(dtype: DType, x: Memory, wanted: Columns, out: Memory): void {
  if (!(out instanceof GpuMemory)) throw new TypeError("the CPU's columns are windows on its memory");
  if (!(x instanceof GpuMemory)) throw differentDevices("webgpu", "cpu");
  gpuColumns(out.gpu, dtype, x.block, wanted, out.block);
}
