/** Pointwise kernels of the GPU against those of the CPU: layouts, element types, sizes, shared memory. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { type Operand, runPointwise as runOnCpu } from "../../../src/backend/cpu/pointwise_js.ts";
import type { Gpu } from "../../../src/backend/webgpu/device.ts";
import type { GpuOperand } from "../../../src/backend/webgpu/layout.ts";
import { runPointwise } from "../../../src/backend/webgpu/pointwise.ts";
import { read, upload, write } from "../../../src/backend/webgpu/transfer.ts";
import { apply, input } from "../../../src/expr/expr.ts";
import { parse } from "../../../src/expr/parse.ts";
import { program } from "../../../src/expr/program.ts";
import { allocate, type DType, type Scalar } from "../../../src/tensor/dtype.ts";
import { empty, gpuTest, lcg, operand, run, ulps, values } from "./helpers.ts";

/** The same memory on the GPU. */
function copyOf(gpu: Gpu, x: Operand): GpuOperand {
  return { ...x, data: upload(gpu, x.data, x.dtype) };
}

const all = (gpu: Gpu, x: GpuOperand, cpu: Operand) => read(gpu, x.data, x.dtype, 0, cpu.data.length);

gpuTest("random layouts agree with the CPU", (gpu) => {
  const names = ["a", "b", "c"];
  const p = program(names, [parse("a * b + c", names), parse("where(a > b, 1, -1)", names)]);
  const random = lcg(7), below = (n: number) => Math.floor(random() * n);
  for (let trial = 0; trial < 150; trial++) {
    const rank = below(6), shape = Array.from({ length: rank }, () => 1 + below(4));
    const layout = (broadcast: boolean): Operand => {
      // dimensions in any order of memory, with gaps, reversed or broadcast
      const order = shape.map((_, d) => d).sort(() => below(3) - 1);
      const strides = Array(rank).fill(0);
      let size = 1;
      for (const d of order) {
        if (broadcast && below(4) === 0) continue;
        strides[d] = size;
        size *= shape[d] + below(2);
      }
      let offset = below(3);
      const length = size + offset + 2;
      for (const d of order) {
        if (below(5) === 0) {
          offset += strides[d] * (shape[d] - 1);
          strides[d] = -strides[d];
        }
      }
      // small integers, so that the arithmetic is exact
      return {
        data: Float32Array.from({ length }, () => below(200) - 100),
        dtype: "float32",
        offset,
        strides,
      };
    };
    const inputs = [layout(true), layout(true), below(3) === 0 ? 2.5 : layout(true)];
    const outputs = [layout(false), layout(false)];
    const theirs = inputs.map((x) => typeof x === "object" ? copyOf(gpu, x) : x);
    const results = outputs.map((x) => copyOf(gpu, x));
    runOnCpu(p, inputs, outputs, shape, "float32");
    runPointwise(gpu, p, theirs, results, shape, "float32");
    // everything in the memory, so that nothing beside the view was touched
    outputs.forEach((x, k) =>
      assertEquals(all(gpu, results[k], x), x.data, `trial ${trial}, shape [${shape}]`)
    );
  }
});

gpuTest("conversions between all element types agree with the CPU", (gpu) => {
  const p = program(["a", "b"], "a + b");
  const dtypes: DType[] = ["float32", "int32", "int16", "int8", "uint8", "bool"];
  if (gpu.info.float16) dtypes.push("float16");
  if (gpu.info.float64) dtypes.push("float64");
  const numbers = [
    0,
    1,
    -1,
    2.5,
    -2.5,
    100,
    200,
    300,
    -129,
    40000,
    70000,
    -70000,
    3e9,
    -3e9,
    1e12,
    1e30,
    NaN,
    Infinity,
    -0.5,
  ];
  const memory = (dtype: DType): Operand => {
    const data = allocate(dtype, numbers.length);
    numbers.forEach((v, i) => data[i] = dtype === "bool" ? Number(v !== 0) : v);
    return { data, dtype, offset: 0, strides: [1] };
  };
  for (const from of dtypes) {
    for (const compute of dtypes) {
      for (const to of dtypes) {
        for (const scalar of [0, 3, 2.75, -300, 5n, true] as Scalar[]) {
          const x = memory(from), out = memory(to), result = copyOf(gpu, out);
          const y = copyOf(gpu, x);
          runOnCpu(p, [x, scalar], [out], [numbers.length], compute);
          runPointwise(gpu, p, [y, scalar], [result], [numbers.length], compute);
          const got = all(gpu, result, out);
          gpu.memory.release(result.data);
          gpu.memory.release(y.data);
          for (let i = 0; i < numbers.length; i++) {
            const close = Object.is(got[i], out.data[i]) ||
              // the CPU rounds once, from double
              (to === "float32" || to === "float64") && compute !== "float64" &&
                ulps(Math.fround(got[i] as number), out.data[i] as number) <= 1 ||
              (to !== "float32" &&
                Math.abs((got[i] as number) - (out.data[i] as number)) <=
                  2 ** -10 * Math.abs(got[i] as number)) ||
              // beyond 2^24 a sum in float32 has no unit digits
              compute === "float32" && Math.abs(numbers[i]) > 2 ** 24 ||
              compute === "float16" && Math.abs(numbers[i]) > 2 ** 11;
            assert(
              close,
              `${from} ${numbers[i]} + ${scalar} in ${compute} to ${to}: ${got[i]}, CPU ${out.data[i]}`,
            );
          }
        }
      }
    }
  }
});

gpuTest("constants: every kind of number", (gpu) => {
  const numbers = [
    0,
    -0,
    1,
    -1,
    0.1,
    1e-40,
    -1e-45,
    3.4e38,
    1e39,
    -1e39,
    16777216,
    NaN,
    Infinity,
    -Infinity,
    1e-7,
  ];
  for (const v of numbers) {
    const text = Object.is(v, -0) ? "-0" : String(v).replace("Infinity", "inf").replace("NaN", "nan");
    const got = run(gpu, program(["a"], `where(a > 0, ${text}, a)`), [1], 1, "float32");
    assertEquals(got[0], Math.fround(v), text);
  }
  const least = program(["a"], "a + -2147483648");
  assertEquals(run(gpu, least, [5], 1, "int32")[0], -2147483643);
  assertThrows(() => run(gpu, program(["a"], "a + 0.5"), [5], 1, "int32"), TypeError, "not an integer");
});

gpuTest("float64 is computed in float64", (gpu) => {
  if (!gpu.info.float64) {
    assertThrows(() => empty(gpu, "float64", [1]), TypeError, "this GPU has no float64");
    return;
  }
  const x = Float64Array.from([1.1, -2.2, 1e300, 5e-300, 0, NaN, Infinity, 1e10 + 1e-6]);
  const p = program(["a", "b"], "where(isnan(a), 7, max(a * b, -1) / 3 + sqrt(abs(a)) - floor(b))");
  for (const b of [3.7, -1e-9, 1e308, -0.1, 5e-324]) {
    const out = new Float64Array(x.length), strides = [1];
    const cpu: Operand = { data: x, dtype: "float64", offset: 0, strides };
    runOnCpu(p, [cpu, b], [{ ...cpu, data: out }], [x.length], "float64");
    assertEquals(run(gpu, p, [copyOf(gpu, cpu), b], x.length, "float64"), out, `b = ${b}`);
  }
  assertThrows(
    () => run(gpu, program(["a"], apply("fround", input("a"))), [operand(gpu, "float64", [1])], 1, "float64"),
    TypeError,
    'fround is not implemented for float64 on the GPU: convert to "float32"',
  );
});

gpuTest("an output may be the memory of an input", (gpu) => {
  const x = operand(gpu, "float32", [1, 2, 3, 4, 5, 6], [2, 3]);
  runPointwise(gpu, program(["a", "b"], "a * 10 + b"), [x, x], [x], [2, 3], "float32");
  assertEquals([...values(gpu, x, 6)], [11, 22, 33, 44, 55, 66]);
  const y = operand(gpu, "float32", [0, 0, 0, 0, 0, 0], [2, 3]);
  const swap = program(["a", "b"], [parse("b", ["a", "b"]), parse("a", ["a", "b"])]);
  runPointwise(gpu, swap, [x, y], [x, y], [2, 3], "float32");
  assertEquals([...values(gpu, y, 6)], [11, 22, 33, 44, 55, 66]);
  // another part of the same memory, and a part that overlaps: as if all was read before anything is written
  const z = operand(gpu, "float32", [1, 2, 3, 4, 5, 6]);
  const part = (offset: number) => ({ ...z, offset, strides: [1] });
  runPointwise(gpu, program(["a"], "a + 10"), [part(0)], [part(3)], [3], "float32");
  assertEquals([...values(gpu, z, 6)], [1, 2, 3, 11, 12, 13]);
  runPointwise(gpu, program(["a"], "a"), [part(0)], [part(1)], [5], "float32");
  assertEquals([...values(gpu, z, 6)], [1, 1, 2, 3, 11, 12]);
  const square = operand(gpu, "float32", Array.from({ length: 10000 }, (_, i) => i), [100, 100]);
  runPointwise(gpu, program(["a"], "a"), [{ ...square, strides: [1, 100] }], [square], [100, 100], "float32");
  assertEquals(
    [...values(gpu, square, 10000)],
    Array.from({ length: 10000 }, (_, i) => i % 100 * 100 + (i / 100 | 0)),
  );
});

gpuTest("more than 65535 workgroups, and every size around a workgroup", (gpu) => {
  const p = program(["a"], "a + 1");
  for (const n of [1, 2, 63, 64, 65, 127, 129, 65535 * 64, 65535 * 64 + 1, 9_000_001]) {
    const x = Float32Array.from({ length: n }, (_, i) => i & 1023);
    const y = operand(gpu, "float32", [-5]),
      a: GpuOperand = { ...y, data: upload(gpu, x, "float32"), strides: [1] };
    const out = empty(gpu, "float32", [n + 1]);
    write(gpu, out.data, "float32", n, Float32Array.of(-5));
    runPointwise(gpu, p, [a], [out], [n], "float32");
    const got = values(gpu, out, n + 1);
    let wrong = 0;
    for (let i = 0; i < n; i++) if (got[i] !== x[i] + 1) wrong++;
    assertEquals([wrong, got[n]], [0, -5], `${n} elements`);
    gpu.memory.release(a.data);
    gpu.memory.release(out.data);
  }
});

gpuTest("empty shapes do nothing, 0-d shapes do one element", (gpu) => {
  const x = operand(gpu, "float32", [5], []);
  runPointwise(gpu, program(["a"], "a + 1"), [x], [x], [], "float32");
  const strides = [3, 1];
  runPointwise(
    gpu,
    program(["a"], "a + 1"),
    [{ ...x, strides: [0, 0] }],
    [{ ...x, strides }],
    [0, 3],
    "float32",
  );
  assertEquals([...values(gpu, x, 1)], [6]);
});

gpuTest("many inputs, and too many", (gpu) => {
  const names = Array.from({ length: 40 }, (_, i) => `v${i}`);
  const sum = (n: number) => program(names.slice(0, n), names.slice(0, n).join(" + "));
  const inputs = names.map((_, i) => operand(gpu, "float32", [i]));
  assertEquals(run(gpu, sum(7), inputs.slice(0, 7), 1, "float32")[0], 21);
  // one block counts once
  assertEquals(run(gpu, sum(40), names.map(() => inputs[1]), 1, "float32")[0], 40);
  if (gpu.info.buffersPerKernel < 41) {
    assertThrows(() => run(gpu, sum(40), inputs, 1, "float32"), RangeError, "uses 41 tensors at once");
  }
});

gpuTest("misuse is refused and changes nothing", (gpu) => {
  const x = operand(gpu, "float32", [1, 2]), p = program(["a"], "a + 1"), far = { ...x, offset: 1000 };
  const expanded = { ...x, strides: [0, 1] };
  assertThrows(
    () => runPointwise(gpu, p, [expanded], [expanded], [3, 2], "float32"),
    TypeError,
    "more than one element of the written-to tensor refers to a single memory location",
  );
  assertThrows(() => runPointwise(gpu, p, [far], [x], [2], "float32"), RangeError, "outside of a block");
  assertThrows(() => runPointwise(gpu, p, [x], [far], [2], "float32"), RangeError, "outside of a block");
  assertThrows(
    () => runPointwise(gpu, p, [{ ...x, offset: NaN }], [x], [2], "float32"),
    RangeError,
    "outside",
  );
  assertThrows(
    () => runPointwise(gpu, p, [{ ...x, strides: [] }], [x], [2], "float32"),
    TypeError,
    "0 strides",
  );
  assertThrows(
    () => runPointwise(gpu, p, [], [x], [2], "float32"),
    TypeError,
    "1 inputs and 1 outputs, got 0",
  );
  const released = operand(gpu, "float32", [1, 2]);
  gpu.memory.release(released.data);
  assertThrows(() => runPointwise(gpu, p, [released], [x], [2], "float32"), TypeError, "released");
  assertEquals([...values(gpu, x, 2)], [1, 2]);
});
