/**
 * Lines of elements brought into order, and what is found by it, on the device whose memory is written.
 * @module
 */
import type { Memory } from "../tensor/device.ts";
import type { DType, TypedArray } from "../tensor/dtype.ts";
import * as cpu from "./cpu/sort.ts";
import * as gpu from "./webgpu/sort.ts";
import { GpuMemory } from "./webgpu/tensors.ts";

/**
 * What is taken of an ordered line: its first elements, the one with a number (from 0), the most frequent (the smallest of several,
 * where it stands last), the middle one (the lower of two; a NaN if there is one), or the middle one of those that are no NaN.
 */
export type Choice = "first" | number | "mode" | "median" | "nanmedian";

/** Lines that lie one behind the other. NaN counts as the largest element; equals keep their order. */
export interface Lines<M extends Memory = Memory> {
  /** Where the elements are. */
  readonly data: M;
  /** Element type. */
  readonly dtype: DType;
  /** Index of the first element. */
  readonly offset: number;
  /** How many lines. */
  readonly lines: number;
  /** Elements in a line, at least 1. */
  readonly n: number;
  /** Largest first. */
  readonly descending: boolean;
}

/** Takes `m` elements of every line: themselves and their places, row-major. */
export function runChoice(lines: Lines, choice: Choice, m: number, values: Memory, places: Memory): void {
  if (values instanceof GpuMemory) {
    gpu.runChoice(lines as Lines<GpuMemory>, choice, m, values, places as GpuMemory);
  } else cpu.runChoice(lines as Lines<TypedArray>, choice, m, values as TypedArray, places as BigInt64Array);
}

/** The middle one of all elements, at least one, as {@linkcode runChoice} finds it, into `out`. */
export function runMedian(lines: Lines, choice: "median" | "nanmedian", out: Memory): void {
  if (out instanceof GpuMemory) gpu.runMedian(lines as Lines<GpuMemory>, choice, out);
  else cpu.runMedian(lines as Lines<TypedArray>, choice, out as TypedArray);
}
