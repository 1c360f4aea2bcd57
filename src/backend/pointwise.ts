/**
 * Pointwise programs, on the device whose memory they write.
 * @module
 */
import type { Program } from "../expr/program.ts";
import type { Memory } from "../tensor/device.ts";
import type { DType, Scalar } from "../tensor/dtype.ts";
import * as cpu from "./cpu/pointwise.ts";
import { GpuMemory } from "./webgpu/tensors.ts";
import { many, pointwise } from "./webgpu/operations.ts";

/** Strided memory. */
export interface Operand {
  /** Where the elements lie. */
  readonly data: Memory;
  /** Element type. */
  readonly dtype: DType;
  /** Index of the first element. */
  readonly offset: number;
  /** Steps, one a dimension of the shape. */
  readonly strides: readonly number[];
}

/**
 * Runs a program for every element of `shape`. Inputs are converted to `computeDtype`; an output may be the very memory of an
 * input. All memory is one device's.
 */
export function runPointwise(
  p: Program,
  inputs: readonly (Operand | Scalar)[],
  outputs: readonly Operand[],
  shape: readonly number[],
  computeDtype: DType,
): void {
  if (outputs[0].data instanceof GpuMemory) pointwise(p, inputs, outputs, shape, computeDtype);
  else cpu.runPointwise(p, inputs as (cpu.Operand | Scalar)[], outputs as cpu.Operand[], shape, computeDtype);
}

/** Tensors that one step of a program takes together. */
export interface Job {
  /** The program's first inputs. */
  readonly operands: readonly Operand[];
  /** Their shape. */
  readonly shape: readonly number[];
}

/**
 * Runs a program on every job; result number r goes to tensor `written[r]` of the job. The inputs after a job's tensors are
 * numbers, the same for all. All memory is one device's; on a GPU many jobs are one dispatch.
 */
export function runMany(
  p: Program,
  jobs: readonly Job[],
  numbers: readonly number[],
  written: readonly number[],
  computeDtype: DType,
): void {
  if (jobs[0].operands[0].data instanceof GpuMemory) many(p, jobs, numbers, written, computeDtype);
  else {
    for (const { operands, shape } of jobs) {
      runPointwise(p, [...operands, ...numbers], written.map((t) => operands[t]), shape, computeDtype);
    }
  }
}
