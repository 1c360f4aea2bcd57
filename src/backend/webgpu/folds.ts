/**
 * Reductions of the GPU, in the form in which operations ask the CPU for them.
 * @module
 */
import type { Memory } from "../../tensor/device.ts";
import type { DType } from "../../tensor/dtype.ts";
import type { Fold } from "../../expr/fold.ts";
import type { GpuMemory } from "./tensors.ts";

/** Strided memory of the input, its dimensions sorted into kept and folded ones. */
interface FoldInput {
  readonly data: Memory;
  readonly offset: number;
  readonly kept: readonly number[];
  readonly keptStrides: readonly number[];
  readonly folded: readonly number[];
  readonly foldedStrides: readonly number[];
}

/** Folds every group of elements; results lie row-major. */
export function runFold(how: Fold, _input: FoldInput, _dtype: DType, _outs: readonly GpuMemory[]): void {
  throw new TypeError(`${how.name}() is not there for device "webgpu": use t.cpu() first`);
}
