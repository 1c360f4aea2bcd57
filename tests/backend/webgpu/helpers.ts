/** What the tests of the GPU share: a device, or one line that says why they are skipped; arrays there and back. */
import { type Gpu, openDevice, whyUnavailable } from "../../../src/backend/webgpu/device.ts";
import type { GpuOperand } from "../../../src/backend/webgpu/layout.ts";
import { runPointwise } from "../../../src/backend/webgpu/pointwise.ts";
import { allocate, read, upload } from "../../../src/backend/webgpu/transfer.ts";
import type { Program } from "../../../src/expr/program.ts";
import {
  allocate as allocateArray,
  type DType,
  type Scalar,
  type TypedArray,
} from "../../../src/tensor/dtype.ts";

const opened = openDevice();
if (opened === null) console.log(`tests of the GPU are skipped: ${whyUnavailable()}`);

/** A test that needs the GPU. Synchronous reads leave an operation of Deno's open until the event loop turns. */
export function gpuTest(name: string, run: (gpu: Gpu) => void | Promise<void>): void {
  Deno.test({
    name: `webgpu: ${name}`,
    ignore: opened === null,
    sanitizeOps: false,
    sanitizeResources: false,
    fn: () => run(opened!),
  });
}

/** Row-major steps. */
export function stridesOf(shape: readonly number[]): number[] {
  return shape.map((_, d) => shape.slice(d + 1).reduce((a, b) => a * b, 1));
}

/** Contiguous GPU memory with the given values. */
export function operand(
  gpu: Gpu,
  dtype: DType,
  values: ArrayLike<number>,
  shape: readonly number[] = [values.length],
): GpuOperand {
  const array = allocateArray(dtype, values.length);
  for (let i = 0; i < values.length; i++) array[i] = values[i];
  return { data: upload(gpu, array, dtype), dtype, offset: 0, strides: stridesOf(shape) };
}

/** A contiguous operand without content. */
export function empty(gpu: Gpu, dtype: DType, shape: readonly number[]): GpuOperand {
  const numel = shape.reduce((a, b) => a * b, 1);
  return { data: allocate(gpu, dtype, numel), dtype, offset: 0, strides: stridesOf(shape) };
}

/** The elements of a contiguous operand. */
export function values(gpu: Gpu, x: GpuOperand, length: number): TypedArray {
  return read(gpu, x.data, x.dtype, x.offset, length);
}

/** Runs a program of one output on arrays of one length, and gives what it stored. */
export function run(
  gpu: Gpu,
  p: Program,
  inputs: readonly (GpuOperand | Scalar)[],
  length: number,
  compute: DType,
  out: DType = compute,
): TypedArray {
  const result = empty(gpu, out, [length]);
  runPointwise(gpu, p, inputs, [result], [length], compute);
  const array = values(gpu, result, length);
  gpu.memory.release(result.data);
  return array;
}

/** Numbers from 0 to 1 that look random and are the same each time. */
export function lcg(seed: number): () => number {
  return () => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) / 2 ** 32;
}

const float = new Float32Array(1), bits = new Int32Array(float.buffer);

/** How far a float32 is from the exact value, in units of the last place there. */
export function ulps(got: number, exact: number): number {
  if (Object.is(got, exact) || (Number.isNaN(got) && Number.isNaN(exact))) return 0;
  const rounded = Math.fround(exact);
  if (got === rounded) {
    if (got === 0 && !Object.is(got, rounded)) return Infinity;
    return Number.isFinite(got) ? Math.abs(got - exact) / spacing(got) : 0;
  }
  if (!Number.isFinite(got) || !Number.isFinite(rounded)) {
    // a step beyond the largest number is a step
    const largest = 2 ** 128 * (1 - 2 ** -24);
    return Math.abs(Math.abs(exact) - largest) < 2 ** 108 ? 1 : Infinity;
  }
  return Math.abs(got - exact) / spacing(rounded);
}

function spacing(v: number): number {
  float[0] = Math.abs(v);
  return 2 ** (Math.max(bits[0] >> 23, 1) - 150);
}
