/** Sorting on the GPU against the CPU: values and places are the same. */
import { assertEquals } from "@std/assert";
import { runChoice as runCpuChoice, runMedian as runCpuMedian } from "../../../src/backend/cpu/sort.ts";
import type { Choice } from "../../../src/backend/sort.ts";
import type { Gpu } from "../../../src/backend/webgpu/device.ts";
import { runChoice, runMedian } from "../../../src/backend/webgpu/sort.ts";
import { allocateGpu, GpuMemory } from "../../../src/backend/webgpu/tensors.ts";
import { upload } from "../../../src/backend/webgpu/transfer.ts";
import { allocate, type DType, type TypedArray } from "../../../src/tensor/dtype.ts";
import { gpuTest, lcg } from "./helpers.ts";

function compare(
  gpu: Gpu,
  dtype: DType,
  data: TypedArray,
  [lines, n]: readonly [number, number],
  descending: boolean,
  choice: Choice,
  m: number,
): void {
  const offset = data.length - lines * n;
  const there = { data: new GpuMemory(gpu, upload(gpu, data, dtype), dtype, data.length), dtype, offset };
  const [values, places] = [allocateGpu(gpu, dtype, lines * m), allocateGpu(gpu, "int64", lines * m)];
  runChoice({ ...there, lines, n, descending }, choice, m, values, places);
  const [wantValues, wantPlaces] = [allocate(dtype, lines * m), new BigInt64Array(lines * m)];
  runCpuChoice({ data, dtype, offset, lines, n, descending }, choice, m, wantValues, wantPlaces);
  const what = `${choice} of ${lines} lines of ${n} ${dtype}${descending ? ", descending" : ""}`;
  assertEquals(places.read(0, lines * m), wantPlaces, `${what}: places`);
  assertEquals(values.read(0, lines * m), wantValues, `${what}: values`);
  for (const x of [there.data, values, places]) gpu.memory.release(x.block);
}

const shapes = [[1, 1], [5, 2], [3, 16], [4, 17], [2, 100], [7, 129], [1, 5000]] as const;

/** Elements with many equal ones among them. */
function elements(dtype: DType, length: number, random: () => number): TypedArray {
  const data = allocate(dtype, length), integers = /int|bool/.test(dtype);
  const choices = integers
    ? dtype === "bool" ? [0, 1] : dtype === "uint8" ? [0, 255, 7, 8] : [-128, 127, 0, -1, 5, 6]
    : [NaN, Infinity, -Infinity, 0, -0, 1.5, -1.5, 2, 1e-4];
  for (let i = 0; i < length; i++) {
    const k = Math.floor(random() * choices.length * 2);
    const v = k < choices.length ? choices[k] : Math.floor(random() * 60) - (dtype === "uint8" ? 0 : 30);
    data[i] = (dtype === "bool" ? Math.abs(v) & 1 : v) as never;
  }
  return data;
}

gpuTest("sorting of every element type and length", (gpu) => {
  const random = lcg(17), dtypes: DType[] = ["float32", "int32", "int16", "int8", "uint8", "bool"];
  if (gpu.info.float16) dtypes.push("float16");
  if (gpu.info.float64) dtypes.push("float64");
  for (const dtype of dtypes) {
    for (const shape of shapes) {
      const [lines, n] = shape, data = elements(dtype, lines * n + 2, random);
      for (const descending of [false, true]) {
        compare(gpu, dtype, data, shape, descending, "first", n);
        compare(gpu, dtype, data, shape, descending, "first", Math.min(n, 3));
      }
      compare(gpu, dtype, data, shape, false, n >> 1, 1);
      for (const choice of ["mode", "median", "nanmedian"] as const) {
        compare(gpu, dtype, data, shape, false, choice, 1);
      }
    }
  }
});

gpuTest("integers at the ends of their range are in order", (gpu) => {
  const data = Int32Array.of(2 ** 31 - 1, -(2 ** 31), 0, -1, 2 ** 31 - 1, -(2 ** 31), 1);
  for (const descending of [false, true]) compare(gpu, "int32", data, [1, 7], descending, "first", 7);
});

gpuTest("long lines are in order", (gpu) => {
  const random = lcg(19),
    n = 300_001,
    data = Float32Array.from({ length: n }, () => Math.floor(random() * 1e5));
  compare(gpu, "float32", data, [1, n], false, "first", n);
  compare(gpu, "float32", data, [1, n], true, "first", 40);
  compare(gpu, "float32", data, [1, n], false, "mode", 1);
});

gpuTest("medians of all elements", (gpu) => {
  for (const row of [[3], [3, 1], [5, 1, 4], [NaN, 1, 2, 3], [NaN, NaN], [2, 2, 1, 9, 9, 9]]) {
    for (const choice of ["median", "nanmedian"] as const) {
      const data = Float32Array.from(row), lines = { lines: 1, n: row.length, offset: 0, descending: false };
      const x = new GpuMemory(gpu, upload(gpu, data, "float32"), "float32", row.length);
      const out = allocateGpu(gpu, "float32", 1), want = new Float32Array(1);
      runMedian({ ...lines, data: x, dtype: "float32" }, choice, out);
      runCpuMedian({ ...lines, data, dtype: "float32" }, choice, want);
      assertEquals(out.read(0, 1), want, `${choice} of ${row}`);
    }
  }
});
