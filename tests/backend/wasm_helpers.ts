/**
 * What the tests of WebAssembly share.
 * @module
 */
import type { Operand } from "../../src/backend/cpu/pointwise_js.ts";
import { features } from "../../src/backend/cpu/wasm/features.ts";
import { lowerWasm } from "../../src/backend/cpu/wasm/lower.ts";
import type { Program } from "../../src/expr/program.ts";
import type { DType, TypedArray } from "../../src/tensor/dtype.ts";

/** Types that kernels compute in. */
export type Float = "float32" | "float64";

/** Whether there are kernels at all here. */
export const present = features() !== null;

/** Memory as an operand. */
export function operand(data: TypedArray, dtype: DType, strides: number[] = [1], offset = 0): Operand {
  return { data, dtype, offset, strides };
}

/** Random numbers that are the same in each run. */
export function generator(seed: number): () => number {
  return () => {
    seed = Math.imul(seed, 1664525) + 1013904223 | 0;
    const mixed = Math.imul(seed ^ seed >>> 15, 0x2c1b3c6d);
    return ((mixed ^ mixed >>> 12) >>> 0) / 2 ** 32;
  };
}

const float = new Float32Array(1), floatBits = new Int32Array(float.buffer);
const double = new Float64Array(1), doubleBits = new BigInt64Array(double.buffer);

/** The place of a number among all of its type. */
function place(x: number, dtype: Float): number {
  if (dtype === "float32") {
    float[0] = x;
    return floatBits[0] < 0 ? -(floatBits[0] & 0x7fffffff) : floatBits[0];
  }
  double[0] = x;
  const bits = doubleBits[0];
  return Number(bits < 0n ? -(bits & 0x7fffffffffffffffn) : bits);
}

/** Numbers of the type from one to the other; infinite if only one is NaN, or they are zeros of different signs. */
export function distance(a: number, b: number, dtype: Float): number {
  if (Object.is(a, b)) return 0;
  if (Number.isNaN(a) || Number.isNaN(b) || (a === 0 && b === 0)) return Infinity;
  // the places of doubles are too large for numbers to tell neighbours apart
  if (dtype === "float64" && Math.abs(a - b) <= 8 * Math.abs(a) * Number.EPSILON && Math.abs(a) > 1e-300) {
    const unit = 2 ** (Math.floor(Math.log2(Math.abs(b))) - 52);
    return Math.round(Math.abs(a - b) / unit);
  }
  return Math.abs(place(a, dtype) - place(b, dtype));
}

/** Runs a program of inputs of one type directly, so that nothing is left to JavaScript; null if a kernel gives up. */
export function runDirectly(p: Program, lists: number[][], dtype: Float, fused: boolean): number[] | null {
  const count = (lists.length + 15) & -16, Numbers = dtype === "float32" ? Float32Array : Float64Array;
  const size = count * Numbers.BYTES_PER_ELEMENT, inputs = p.inputs.length;
  const memory = new WebAssembly.Memory({ initial: Math.ceil(size * (inputs + 1) / 65536) });
  const slots = Array(inputs + 1).fill(dtype), addresses = slots.map((_, j) => j * size);
  const bytes = lowerWasm(p, dtype, { slots, addresses }, { fused });
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), { m: { m: memory } });
  const views = addresses.map((at) => new Numbers(memory.buffer as ArrayBuffer, at, count));
  for (let j = 0; j < inputs; j++) {
    views[j].fill(1);
    lists.forEach((list, i) => views[j][i] = list[j]);
  }
  if ((instance.exports.f as (n: number) => number)(count) !== 0) return null;
  return [...views[inputs].subarray(0, lists.length)];
}
