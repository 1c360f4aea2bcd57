/** Reductions of the GPU against sums in doubles and scans on the CPU. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import type { Gpu } from "../../../src/backend/webgpu/device.ts";
import { fill, type Reduction, runReduce } from "../../../src/backend/webgpu/reduce.ts";
import type { DType } from "../../../src/tensor/dtype.ts";
import { empty, gpuTest, lcg, operand, values } from "./helpers.ts";

type Shape = readonly [number, number, number];

const reductions: readonly Reduction[] = ["sum", "prod", "max", "min", "argmax", "argmin"];
const kernels = ["serial", "tree"] as const;

/** The definition; `at` gives elements. Integers wrap. */
function expected(reduction: Reduction, n: number, at: (k: number) => number, integer: boolean): number {
  if (reduction === "sum" || reduction === "prod") {
    let sum = reduction === "sum" ? 0 : 1;
    for (let k = 0; k < n; k++) {
      if (reduction === "sum") sum = integer ? sum + at(k) | 0 : sum + at(k);
      else sum = integer ? Math.imul(sum, at(k)) : sum * at(k);
    }
    return sum;
  }
  let place = 0;
  for (let k = 1; k < n; k++) {
    const v = at(k), best = at(place), more = reduction.endsWith("max") ? v > best : v < best;
    if (best === best && (more || v !== v)) place = k;
  }
  return reduction.startsWith("arg") ? place : at(place);
}

/** Reduces an array of any steps and compares; `tolerance` is relative to the sum of magnitudes. */
function compare(
  gpu: Gpu,
  reduction: Reduction,
  kernel: "serial" | "tree",
  dtype: DType,
  data: ArrayLike<number>,
  shape: Shape,
  strides: Shape,
  offset: number,
  tolerance: number,
): void {
  const [outer, n, inner] = shape, integer = /int|bool/.test(dtype);
  const outType: DType = reduction.startsWith("arg") || integer ? "int32" : dtype;
  const x = { ...operand(gpu, dtype, data), offset, strides }, out = empty(gpu, outType, [outer, inner]);
  runReduce(gpu, reduction, x, shape, out, { kernel });
  const got = values(gpu, out, outer * inner);
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) {
      const at = (k: number) => data[offset + o * strides[0] + k * strides[1] + i * strides[2]];
      const want = expected(reduction, n, at, integer), value = got[o * inner + i] as number;
      let size = Math.abs(want);
      if (reduction === "sum") { for (let k = size = 0; k < n; k++) size += Math.abs(at(k)); }
      assert(
        value === want || Object.is(value, want) ||
          Math.abs(value - want) <= tolerance * size * (reduction === "prod" ? 10 : 1) + 1e-40,
        `${reduction} (${kernel}) of ${dtype}, shape [${shape}], strides [${strides}], result ${o}, ${i}: ${value}, not ${want}`,
      );
    }
  }
  gpu.memory.release(x.data);
  gpu.memory.release(out.data);
}

gpuTest("reductions of random shapes and strides", (gpu) => {
  const random = lcg(3), below = (n: number) => Math.floor(random() * n);
  for (let trial = 0; trial < 60; trial++) {
    const shape: Shape = [1 + below(5), 1 + below(trial % 3 === 0 ? 3000 : 70), 1 + below(40)];
    const [outer, n, inner] = shape, length = outer * n * inner;
    const layouts: Shape[] = [[n * inner, inner, 1], [1, outer, outer * n], [0, inner, 1], [
      n * inner,
      -inner,
      1,
    ]];
    const strides = layouts[trial % 4], offset = trial % 4 === 3 ? (n - 1) * inner : 0;
    const data = Float32Array.from({ length }, () => Math.fround(random() * 2 - 0.9));
    for (const reduction of reductions) {
      for (const kernel of kernels) {
        compare(gpu, reduction, kernel, "float32", data, shape, strides, offset, 2e-6);
      }
    }
  }
});

gpuTest("reductions of every element type", (gpu) => {
  const dtypes: DType[] = ["int32", "int16", "int8", "uint8", "bool"];
  if (gpu.info.float16) dtypes.push("float16");
  if (gpu.info.float64) dtypes.push("float64");
  const random = lcg(9), shape: Shape = [3, 200, 2];
  for (const dtype of dtypes) {
    const range = dtype === "bool" ? 2 : dtype.startsWith("float") ? 3 : 120;
    const data = Float64Array.from({ length: 1200 }, () => Math.floor(random() * range));
    for (const reduction of reductions) {
      if (reduction === "prod" && dtype.startsWith("float")) continue; // 0 or too large
      for (const kernel of kernels) compare(gpu, reduction, kernel, dtype, data, shape, [400, 2, 1], 0, 0);
    }
  }
  if (gpu.info.float64) {
    const data = Float64Array.from({ length: 1000 }, () => random() - 0.4);
    for (const kernel of kernels) {
      compare(gpu, "sum", kernel, "float64", data, [1, 1000, 1], [0, 1, 0], 0, 1e-14);
    }
  }
});

gpuTest("NaN and ties in extremes", (gpu) => {
  const rows = [
    [1, NaN, 3, NaN],
    [2, 5, 5, 1],
    [-Infinity, -Infinity, -Infinity, -Infinity],
    [Infinity, 0, Infinity, -1],
    [NaN, NaN, NaN, NaN],
    [-3, -3, -2, -2],
  ];
  // once as they are, once spread over many invocations and stages
  for (const repeat of [1, 700]) {
    const data = rows.flatMap((row) => Array(repeat).fill(row).flat()), n = 4 * repeat;
    for (const reduction of ["max", "min", "argmax", "argmin"] as const) {
      for (const kernel of kernels) {
        compare(gpu, reduction, kernel, "float32", data, [6, n, 1], [n, 1, 1], 0, 0);
      }
    }
  }
});

gpuTest("sums of millions are as exact as float32 allows", (gpu) => {
  const random = lcg(1), n = 5_000_003;
  const data = Float32Array.from({ length: n }, () => random());
  for (const kernel of kernels) {
    compare(gpu, "sum", kernel, "float32", data, [1, n, 1], [0, 1, 0], 0, 2e-7);
    compare(gpu, "argmax", kernel, "float32", data, [1, n, 1], [0, 1, 0], 0, 0);
  }
  // far more than the 65,535 iterations that lavapipe allows one invocation
  const ones = operand(gpu, "int32", new Int32Array(n).fill(1)), out = empty(gpu, "int32", [1, 1]);
  runReduce(gpu, "sum", { ...ones, strides: [0, 1, 0] }, [1, n, 1], out);
  assertEquals([...values(gpu, out, 1)], [n]);
  // many results, few elements each, and the other way round
  compare(gpu, "sum", "serial", "float32", data.subarray(0, 600_000), [300_000, 2, 1], [2, 1, 1], 0, 1e-7);
  compare(gpu, "sum", "tree", "float32", data.subarray(0, 600_000), [100_000, 6, 1], [6, 1, 1], 0, 2e-7);
  compare(gpu, "max", "serial", "float32", data.subarray(0, 1_000_000), [1, 1000, 1000], [0, 1000, 1], 0, 0);
});

gpuTest("reductions of nothing, and misuse", (gpu) => {
  const x = { ...operand(gpu, "float32", [1, 2]), strides: [1, 1, 1] }, out = empty(gpu, "float32", [2, 3]);
  runReduce(gpu, "sum", x, [2, 0, 3], out);
  assertEquals([...values(gpu, out, 6)], [0, 0, 0, 0, 0, 0]);
  runReduce(gpu, "prod", x, [2, 0, 3], out);
  assertEquals([...values(gpu, out, 6)], [1, 1, 1, 1, 1, 1]);
  runReduce(gpu, "max", x, [0, 4, 3], out);
  fill(gpu, out, [2, 3], 7.5);
  assertEquals([...values(gpu, out, 6)], Array(6).fill(7.5));
  assertThrows(() => runReduce(gpu, "max", x, [2, 0, 3], out), RangeError, "max(): Expected reduction dim");
  assertThrows(() => runReduce(gpu, "sum", x, [2, 999, 3], out), RangeError, "outside of a block");
  assertThrows(() => runReduce(gpu, "argmax", x, [1, 2, 1], out), TypeError, "the output must be int32");
  assertThrows(() => runReduce(gpu, "sum", x, [1, 2, 1], { ...out, offset: 1e6 }), RangeError, "outside");
  assertThrows(
    () => runReduce(gpu, "sum", x, [2, 1, 1], { ...out, strides: [3, 1] }),
    TypeError,
    "contiguous",
  );
});
