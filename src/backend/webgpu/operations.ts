/**
 * What operations ask of the GPU, in the form in which they ask the CPU.
 * @module
 */
import type { Program } from "../../expr/program.ts";
import type { Memory } from "../../tensor/device.ts";
import type { DType, Scalar } from "../../tensor/dtype.ts";
import type { GemmSize } from "../cpu/gemm.ts";
import { gemm, type GpuMatrix } from "./gemm.ts";
import type { GpuOperand } from "./layout.ts";
import { runPointwise } from "./pointwise.ts";
import { GpuMemory } from "./tensors.ts";

/** Strided memory. */
interface Operand {
  readonly data: Memory;
  readonly dtype: DType;
  readonly offset: number;
  readonly strides: readonly number[];
}

function onGpu(x: Operand): GpuOperand {
  return { data: blockOf(x.data), dtype: x.dtype, offset: x.offset, strides: x.strides };
}

function blockOf(data: Memory): GpuOperand["data"] {
  if (!(data instanceof GpuMemory)) {
    throw new TypeError(
      "Expected all tensors to be on the same device, but found at least two devices, webgpu and cpu!",
    );
  }
  return data.block;
}

/** Runs a program for every element of a shape. */
export function pointwise(
  p: Program,
  inputs: readonly (Operand | Scalar)[],
  outputs: readonly Operand[],
  shape: readonly number[],
  computeDtype: DType,
): void {
  const { gpu } = outputs[0].data as GpuMemory;
  const from = inputs.map((x) => typeof x === "object" ? onGpu(x) : x);
  runPointwise(gpu, p, from, outputs.map(onGpu), shape, computeDtype);
}

/** A matrix in memory, or a batch of them. */
interface Matrix {
  readonly data: Memory;
  readonly offset: number;
  readonly rowStride: number;
  readonly columnStride: number;
  readonly batchStride?: number;
}

/** `c = alpha * a @ b + beta * c` for each matrix of a batch. */
export function product(
  size: GemmSize,
  a: Matrix,
  b: Matrix,
  c: Matrix,
  dtype: DType,
  alpha: number,
  beta: number,
  batch: number,
): void {
  const { gpu } = c.data as GpuMemory;
  const matrix = (x: Matrix): GpuMatrix => ({
    ...x,
    data: blockOf(x.data),
    batchStride: x.batchStride ?? 0,
  });
  gemm(gpu, { ...size, batch }, matrix(a), matrix(b), matrix(c), dtype, { alpha, beta });
}
