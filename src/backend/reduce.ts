/**
 * Reductions, on the device whose memory they write.
 * @module
 */
import type { Memory } from "../tensor/device.ts";
import type { DType, TypedArray } from "../tensor/dtype.ts";
import * as cpu from "./cpu/reduce.ts";
import type { Fold } from "./cpu/reduce.ts";
import * as gpu from "./webgpu/folds.ts";
import { GpuMemory } from "./webgpu/tensors.ts";

export type { Fold } from "./cpu/reduce.ts";

/** Strided memory of the input, its dimensions sorted into kept and folded ones. */
export interface FoldInput extends Omit<cpu.FoldInput, "data"> {
  /** Where the elements lie. */
  readonly data: Memory;
}

/** Folds every group of elements; results lie row-major. */
export function runFold(how: Fold, input: FoldInput, dtype: DType, outs: readonly Memory[]): void {
  if (outs[0] instanceof GpuMemory) gpu.runFold(how, input, dtype, outs as GpuMemory[]);
  else cpu.runFold(how, input as cpu.FoldInput, dtype, outs as TypedArray[]);
}

/** Folds `n` elements of the CPU's memory that lie one behind the other into one result each. */
export const runFlatFold: typeof cpu.runFlatFold = cpu.runFlatFold;
