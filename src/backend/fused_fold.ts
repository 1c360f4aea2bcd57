/**
 * Reductions of what a pointwise program computes, without keeping its results, on the device whose memory they write.
 * @module
 */
import type { Fold } from "../expr/fold.ts";
import type { Program } from "../expr/program.ts";
import type { Device, Memory } from "../tensor/device.ts";
import * as cpu from "./cpu/fused_fold.ts";
import type { Operand as CpuOperand } from "./cpu/pointwise.ts";
import type { Operand } from "./pointwise.ts";
import { type FoldOperand, runProgramFold } from "./webgpu/folds.ts";
import { GpuMemory } from "./webgpu/tensors.ts";

/** Whether {@linkcode runFusedFold} can reduce so many elements without keeping them all. */
export function canFold(device: Device, fold: Fold, count: number): boolean {
  return device === "cpu" ? cpu.canFold(fold, count) : true;
}

/** Folds the dimensions `dims` of what `p` computes over `shape` into `outs`, row-major; on the CPU there is one. */
export function runFusedFold(
  p: Program,
  inputs: readonly (Operand | number)[],
  fold: Fold,
  shape: readonly number[],
  dims: readonly number[],
  dtype: "float32" | "float64",
  outs: readonly Memory[],
): void {
  const [out] = outs;
  if (!(out instanceof GpuMemory)) {
    cpu.runFusedFold(p, inputs as (CpuOperand | number)[], fold, shape, dims, dtype, out as Float32Array);
    return;
  }
  const kept = shape.flatMap((_, d) => dims.includes(d) ? [] : [d]);
  const operands = inputs.map((x): FoldOperand | number =>
    typeof x === "number" ? x : {
      data: x.data,
      dtype: x.dtype,
      offset: x.offset,
      keptStrides: kept.map((d) => x.strides[d]),
      foldedStrides: dims.map((d) => x.strides[d]),
    }
  );
  const sizes = { kept: kept.map((d) => shape[d]), folded: dims.map((d) => shape[d]) };
  runProgramFold(fold, { program: p, operands, computeDtype: dtype, ...sizes }, outs as readonly GpuMemory[]);
}
