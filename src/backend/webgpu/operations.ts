/**
 * What operations ask of the GPU, in the form in which they ask the CPU.
 * @module
 */
import type { Program } from "../../expr/program.ts";
import type { Memory } from "../../tensor/device.ts";
import type { DType, Scalar } from "../../tensor/dtype.ts";
import type { GemmSize } from "../cpu/gemm.ts";
import { gemm, type GpuMatrix } from "./gemm.ts";
import { type GpuOperand, isContiguous } from "./layout.ts";
import { launchAgain } from "./launches.ts";
import { type Job, runMany } from "./many.ts";
import { launchFirst, runPointwise } from "./pointwise.ts";
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
  if (launchAgain(gpu, p, inputs, outputs, shape, computeDtype)) return;
  const from = inputs.map((x) => typeof x === "object" ? onGpu(x) : x);
  launchFirst(gpu, p, from, outputs.map(onGpu), shape, computeDtype);
}

/** Runs a program on several sets of tensors: in one dispatch those whose tensors are row-major and in blocks of their own. */
export function many(
  p: Program,
  jobs: readonly { readonly operands: readonly Operand[]; readonly shape: readonly number[] }[],
  numbers: readonly number[],
  written: readonly number[],
  dtype: DType,
): void {
  const { gpu } = jobs[0].operands[0].data as GpuMemory;
  const seen = new Set<GpuOperand["data"]>(), together: Job[] = [];
  for (let i = 0; i < jobs.length; i++) {
    const { operands, shape } = jobs[i], tensors: GpuOperand[] = new Array(operands.length);
    let plain = true, elements = 1;
    for (let d = 0; d < shape.length; d++) elements *= shape[d];
    for (let t = 0; t < operands.length; t++) {
      const x = tensors[t] = onGpu(operands[t]);
      if (seen.has(x.data) || !isContiguous(x.strides, shape)) plain = false;
      seen.add(x.data);
    }
    if (!plain) {
      runPointwise(gpu, p, [...tensors, ...numbers], written.map((t) => tensors[t]), shape, dtype);
    } else if (elements > 0) together.push({ operands: tensors, numel: elements });
  }
  if (together.length > 0) runMany(gpu, p, together, numbers, written, dtype);
}

/** A matrix in memory, or a batch of them. */
interface Matrix {
  readonly data: Memory;
  readonly offset: number;
  readonly rowStride: number;
  readonly columnStride: number;
  readonly batchStride?: number;
}

/** `c = alpha * a @ b + beta * added` for each matrix of a batch; null adds what c holds. */
export function product(
  size: GemmSize,
  a: Matrix,
  b: Matrix,
  c: Matrix,
  dtype: DType,
  alpha: number,
  beta: number,
  batch: number,
  added: Matrix | null,
): void {
  const { gpu } = c.data as GpuMemory;
  const matrix = (x: Matrix): GpuMatrix => ({
    data: blockOf(x.data),
    offset: x.offset,
    batchStride: x.batchStride ?? 0,
    rowStride: x.rowStride,
    columnStride: x.columnStride,
  });
  const { m, n, k } = size, more = added === null ? undefined : matrix(added);
  gemm(gpu, { batch, m, n, k }, matrix(a), matrix(b), matrix(c), dtype, { alpha, beta, added: more });
}
