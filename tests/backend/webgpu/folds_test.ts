/** Folds of the GPU against the same folds on the CPU, and against sums in doubles. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { runFold as runCpuFold } from "../../../src/backend/cpu/reduce_js.ts";
import type { Gpu } from "../../../src/backend/webgpu/device.ts";
import { type FoldOperand, planOf, runFold, runProgramFold } from "../../../src/backend/webgpu/folds.ts";
import { allocateGpu, GpuMemory } from "../../../src/backend/webgpu/tensors.ts";
import { upload } from "../../../src/backend/webgpu/transfer.ts";
import { adding, extreme, Fold } from "../../../src/expr/fold.ts";
import { parse } from "../../../src/expr/parse.ts";
import { program } from "../../../src/expr/program.ts";
import { allocate, type DType, isFloatingPoint, type TypedArray } from "../../../src/tensor/dtype.ts";
import { gpuTest, lcg } from "./helpers.ts";

const place = (side: ">" | "<"): Fold => {
  const step = (yes: string, no: string) =>
    `where(at < 0 || v ${side} best || (isnan(v) && !isnan(best)), ${yes}, ${no})`;
  const merge = (yes: string, no: string) =>
    `where(at_ >= 0 && (at < 0 || (isnan(best_) && !isnan(best)) || best_ ${side} best || ` +
    `((best_ == best || (isnan(best_) && isnan(best))) && at_ < at)), ${yes}, ${no})`;
  return new Fold(`place ${side}`, [{
    state: { best: side === ">" ? "-inf" : "inf", at: "-1" },
    step: { best: step("v", "best"), at: step("i", "at") },
    merge: { best: merge("best_", "best"), at: merge("at_", "at") },
    whole: ["at"],
  }], ["best", "at"]);
};

const folds = {
  sum: new Fold("sum", [adding("v")], ["acc"]),
  mean: new Fold("mean", [adding("v")], ["acc / n"]),
  prod: new Fold("prod", [{ state: { acc: "1" }, step: { acc: "acc * v" }, merge: { acc: "acc * acc_" } }], [
    "acc",
  ]),
  max: new Fold("max", [extreme("max")], ["best"]),
  min: new Fold("min", [extreme("min")], ["best"]),
  argmax: place(">"),
  argmin: place("<"),
  count: new Fold("count", [{
    state: { count: "0" },
    step: { count: "where(v != 0, count + 1, count)" },
    merge: { count: "count + count_" },
    whole: ["count"],
  }], ["count"]),
  spread: new Fold("spread", [
    adding("v"),
    { given: { mean: "acc / n" }, ...adding("(v - mean) * (v - mean)", "m2") },
  ], ["sqrt(m2 / max(n - 1, 0))", "mean"]),
  logsumexp: new Fold("logsumexp", [
    extreme("max", "top"),
    { given: { shift: "where(isinf(top), 0, top)" }, ...adding("exp(v - shift)") },
  ], ["shift + log(acc)"]),
};
type Name = keyof typeof folds;

const floats = Object.keys(folds) as Name[];
const integers: readonly Name[] = ["sum", "prod", "max", "min", "argmax", "argmin", "count"];
const kernels = ["serial", "tree"] as const;

interface Layout {
  readonly kept: readonly number[];
  readonly keptStrides: readonly number[];
  readonly folded: readonly number[];
  readonly foldedStrides: readonly number[];
  readonly offset?: number;
}

function memory(gpu: Gpu, data: TypedArray, dtype: DType): GpuMemory {
  return new GpuMemory(gpu, upload(gpu, data, dtype), dtype, data.length);
}

function array(dtype: DType, values: ArrayLike<number>): TypedArray {
  const out = allocate(dtype, values.length);
  for (let i = 0; i < values.length; i++) out[i] = values[i];
  return out;
}

const outTypes = (name: Name, dtype: DType): DType[] =>
  name.startsWith("arg")
    ? [dtype, "int32"]
    : name === "count"
    ? ["int32"]
    : folds[name].results.map(() => isFloatingPoint(dtype) ? dtype : "int32");

/** Runs a fold both ways and compares; `tolerance` is relative to the size of the sum of magnitudes, or of the result. */
function compare(
  gpu: Gpu,
  name: Name,
  dtype: DType,
  data: TypedArray,
  layout: Layout,
  kernel: "serial" | "tree",
  tolerance: number,
): void {
  const input = { offset: 0, ...layout }, groups = layout.kept.reduce((a, b) => a * b, 1);
  const types = outTypes(name, dtype), x = memory(gpu, data, dtype);
  const want = types.map(() => new Float64Array(groups)),
    outs = types.map((d) => allocateGpu(gpu, d, groups));
  runCpuFold(folds[name], { ...input, data }, dtype, want);
  runFold(folds[name], { ...input, data: x }, dtype, outs, { kernel });
  const sizes = new Float64Array(groups);
  runCpuFold(new Fold("size", [adding("abs(v)")], ["acc"]), { ...input, data }, dtype, [sizes]);
  outs.forEach((out, o) => {
    const got = out.read(0, groups);
    for (let g = 0; g < groups; g++) {
      const w = isFloatingPoint(dtype) ? want[o][g] : want[o][g] | 0, v = got[g] as number;
      const scale = ["sum", "mean"].includes(name) ? sizes[g] : Math.abs(w) * 10 + 1;
      assert(
        Object.is(v, w) || v === w || Math.abs(v - w) <= tolerance * scale,
        `${name} (${kernel}) of ${dtype}, ${JSON.stringify(layout)}, group ${g}, result ${o}: ${v}, not ${w}`,
      );
    }
    gpu.memory.release(out.block);
  });
  gpu.memory.release(x.block);
}

const flat = (n: number): Layout => ({ kept: [], keptStrides: [], folded: [n], foldedStrides: [1] });

gpuTest("folds of random shapes and strides", (gpu) => {
  const random = lcg(3), below = (n: number) => Math.floor(random() * n);
  for (let trial = 0; trial < 12; trial++) {
    const a = 1 + below(5), b = 1 + below(trial % 3 === 0 ? 3000 : 70), c = 1 + below(30);
    const data = Float32Array.from({ length: a * b * c }, () => Math.fround(random() * 2 - 0.9));
    const layouts: Layout[] = [
      { kept: [a, c], keptStrides: [b * c, 1], folded: [b], foldedStrides: [c] },
      { kept: [a, c], keptStrides: [1, a * b], folded: [b], foldedStrides: [a] },
      { kept: [b], keptStrides: [c], folded: [a, c], foldedStrides: [b * c, 1] },
      { kept: [c], keptStrides: [1], folded: [b, a], foldedStrides: [c, b * c] },
      { kept: [7, a, c], keptStrides: [0, b * c, 1], folded: [b], foldedStrides: [-c], offset: (b - 1) * c },
      { kept: [a], keptStrides: [b * c], folded: [2, b], foldedStrides: [0, c] },
    ];
    const layout = layouts[trial % layouts.length];
    for (const name of floats) {
      for (const kernel of kernels) compare(gpu, name, "float32", data, layout, kernel, 2e-6);
    }
  }
});

gpuTest("folds of every element type", (gpu) => {
  const random = lcg(9);
  const layout = { kept: [3, 2], keptStrides: [400, 1], folded: [200], foldedStrides: [2] };
  for (const dtype of ["int32", "int16", "int8", "uint8", "bool"] as const) {
    const range = dtype === "bool" ? 2 : 120;
    const data = array(dtype, Float64Array.from({ length: 1200 }, () => Math.floor(random() * range)));
    for (const name of integers) {
      // a product of so many overflows doubles
      if (name === "prod" && dtype !== "bool") continue;
      for (const kernel of kernels) compare(gpu, name, dtype, data, layout, kernel, 0);
    }
  }
  if (gpu.info.float16) {
    const data = array("float16", Float64Array.from({ length: 1200 }, () => Math.floor(random() * 9)));
    for (const name of floats) {
      if (name === "prod") continue;
      for (const kernel of kernels) compare(gpu, name, "float16", data, layout, kernel, 1e-3);
    }
  }
  if (gpu.info.float64) {
    const data = Float64Array.from({ length: 1200 }, () => random() - 0.4);
    for (const name of floats) {
      for (const kernel of kernels) compare(gpu, name, "float64", data, layout, kernel, 1e-14);
    }
  }
});

gpuTest("folds that read four elements at once, and those that cannot", (gpu) => {
  const random = lcg(11), data = Float32Array.from({ length: 9000 }, () => Math.fround(random() * 2 - 0.9));
  data.set([NaN, Infinity, -Infinity, -0], 401);
  const whole = array("int32", data.map((v) => v > 0 ? Math.floor(v * 90) : 0));
  const cases: [Layout, "items" | "groups" | null][] = [
    [{ kept: [3, 5], keptStrides: [2000, 40], folded: [40], foldedStrides: [1] }, "items"],
    [{ kept: [5], keptStrides: [40], folded: [3, 40], foldedStrides: [2000, 1], offset: 4 }, "items"],
    [{ kept: [5], keptStrides: [40], folded: [3, 40], foldedStrides: [2000, 1], offset: 401 }, null],
    [{ kept: [5], keptStrides: [41], folded: [40], foldedStrides: [1] }, null],
    [{ kept: [5], keptStrides: [41], folded: [41], foldedStrides: [1] }, null],
    [{ kept: [], keptStrides: [], folded: [8000], foldedStrides: [1], offset: 8 }, "items"],
    [{ kept: [20], keptStrides: [1], folded: [300], foldedStrides: [20] }, "groups"],
    [{ kept: [3, 20], keptStrides: [2000, 1], folded: [9], foldedStrides: [20] }, "groups"],
    [{ kept: [20], keptStrides: [1], folded: [9, 3], foldedStrides: [20, 2000], offset: 3 }, null],
    [{ kept: [18], keptStrides: [1], folded: [300], foldedStrides: [20] }, null],
    [{ kept: [20], keptStrides: [1], folded: [300], foldedStrides: [-20], offset: 299 * 20 }, "groups"],
    [{ kept: [4], keptStrides: [1], folded: [2000], foldedStrides: [4] }, "groups"],
  ];
  for (const [layout, four] of cases) {
    const operand = { offset: 0, ...layout, data: memory(gpu, data, "float32"), dtype: "float32" } as const;
    const elements = { program: null, operands: [operand], computeDtype: "float32", ...layout } as const;
    if (gpu.info.software) assertEquals(planOf(gpu, folds.sum, elements).code.four, four);
    for (const kernel of kernels) {
      // products of so many are 0 in float32, and NaN with an infinity
      for (const name of floats) {
        if (name !== "prod") compare(gpu, name, "float32", data, layout, kernel, 2e-6);
      }
      for (const name of integers) if (name !== "prod") compare(gpu, name, "int32", whole, layout, kernel, 0);
    }
  }
});

gpuTest("folds of programs over operands of which some have one element for four", (gpu) => {
  const random = lcg(13), a = Float32Array.from({ length: 4000 }, () => random() - 0.5);
  const steps: [number[], number[]][] = [[[40], [1]], [[1], [0]], [[0], [1]], [[0], [0]]];
  for (const offset of [0, 1, 40]) {
    for (const flip of [false, true]) { // rows, or columns
      const sizes = flip ? { kept: [40], folded: [20] } : { kept: [20], folded: [40] };
      const operands = steps.map(([kept, folded], j): FoldOperand => ({
        data: memory(gpu, a, "float32"),
        dtype: "float32",
        offset: j === 0 ? 4 * offset : offset,
        keptStrides: flip ? folded : kept,
        foldedStrides: flip ? kept : folded,
      }));
      const p = program(["x", "y", "z", "u", "s"], "s * (x - y) * (z + u)");
      const groups = sizes.kept[0], out = allocateGpu(gpu, "float32", groups);
      const elements = {
        program: p,
        operands: [...operands, 0.5],
        computeDtype: "float32" as const,
        ...sizes,
      };
      runProgramFold(folds.sum, elements, [out]);
      const got = out.read(0, groups);
      for (let g = 0; g < groups; g++) {
        let want = 0;
        for (let i = 0; i < sizes.folded[0]; i++) {
          const [r, c] = flip ? [i, g] : [g, i];
          want += 0.5 * (a[4 * offset + 40 * r + c] - a[offset + r]) * (a[offset + c] + a[offset]);
        }
        assert(
          Math.abs(got[g] as number - want) <= 1e-5,
          `${offset} ${flip} group ${g}: ${got[g]}, not ${want}`,
        );
      }
    }
  }
});

gpuTest("folds of two numbers that a program computes of each element", (gpu) => {
  const random = lcg(17), a = Float32Array.from({ length: 60_000 }, () => random() - 0.3);
  const p = program(["x", "s"], [parse("x * x", ["x"]), parse("s - x", ["x", "s"])]);
  const both = new Fold(
    "both",
    [{
      state: { sum: "0", top: "-inf" },
      step: { sum: "sum + v * (u + 1)", top: "where(u > top, u, top)" },
      merge: { sum: "sum + sum_", top: "where(top_ > top, top_, top)" },
    }],
    ["sum", "top"],
    ["v", "u"],
  );
  const cases: Layout[] = [
    { kept: [20], keptStrides: [40], folded: [40], foldedStrides: [1] },
    { kept: [20], keptStrides: [41], folded: [41], foldedStrides: [1] },
    { kept: [40], keptStrides: [1], folded: [20], foldedStrides: [40] },
    { kept: [], keptStrides: [], folded: [60_000], foldedStrides: [1] },
  ];
  for (const layout of cases) {
    const [groups, n] = [layout.kept[0] ?? 1, layout.folded[0]];
    const outs = [0, 1].map(() => allocateGpu(gpu, "float32", groups));
    const operand = { offset: 0, data: memory(gpu, a, "float32"), dtype: "float32" as const, ...layout };
    const elements = { program: p, operands: [operand, 2], computeDtype: "float32" as const, ...layout };
    for (const kernel of kernels) {
      runProgramFold(both, elements, outs, { kernel });
      const [sums, tops] = outs.map((out) => out.read(0, groups));
      for (let g = 0; g < groups; g++) {
        let sum = 0, top = -Infinity;
        for (let i = 0; i < n; i++) {
          const x = a[g * (layout.keptStrides[0] ?? 0) + i * layout.foldedStrides[0]];
          sum += x * x * (2 - x + 1);
          top = Math.max(top, Math.fround(2 - x));
        }
        assert(Math.abs(sums[g] as number - sum) <= 1e-6 * sum, `${kernel}, ${n}: ${sums[g]}, not ${sum}`);
        assertEquals(tops[g], top);
      }
    }
  }
});

gpuTest("products of integers wrap", (gpu) => {
  const data = Int32Array.from({ length: 1000 }, (_, i) => 2 * i + 1), out = allocateGpu(gpu, "int32", 1);
  runFold(folds.prod, { ...flat(1000), offset: 0, data: memory(gpu, data, "int32") }, "int32", [out]);
  assertEquals(out.read(0, 1)[0], data.reduce((a, b) => Math.imul(a, b), 1));
});

gpuTest("NaN, infinities and ties in folds", (gpu) => {
  const rows = [
    [1, NaN, 3, NaN],
    [2, 5, 5, 1],
    [-Infinity, -Infinity, -Infinity, -Infinity],
    [Infinity, 0, Infinity, -1],
    [NaN, NaN, NaN, NaN],
    [-3, -3, -2, -2],
    [0, -0, 0, -0],
  ];
  // once as they are, once spread over many invocations and stages
  for (const repeat of [1, 2000]) {
    const n = 4 * repeat, data = Float32Array.from(rows.flatMap((row) => Array(repeat).fill(row).flat()));
    const layout = { kept: [rows.length], keptStrides: [n], folded: [n], foldedStrides: [1] };
    for (const name of ["max", "min", "argmax", "argmin", "sum", "count", "logsumexp"] as const) {
      for (const kernel of kernels) compare(gpu, name, "float32", data, layout, kernel, 1e-6);
    }
  }
});

gpuTest("folds of millions are as exact as float32 allows", (gpu) => {
  const random = lcg(1), n = 5_000_003;
  const data = Float32Array.from({ length: n }, () => random());
  for (const kernel of kernels) {
    compare(gpu, "sum", "float32", data, flat(n), kernel, 2e-7);
    compare(gpu, "argmax", "float32", data, flat(n), kernel, 0);
    compare(gpu, "spread", "float32", data, flat(n), kernel, 1e-6);
  }
  // far more than the 65,535 iterations that lavapipe allows one invocation
  const ones = memory(gpu, new Int32Array(1).fill(1), "int32"), out = allocateGpu(gpu, "int32", 1);
  runFold(folds.sum, { ...flat(n), foldedStrides: [0], offset: 0, data: ones }, "int32", [out]);
  assertEquals(out.read(0, 1)[0], n);
  // many groups of few elements, few of many, and sums over the rows of a matrix
  const rows = (k: number, m: number) => ({ kept: [k], keptStrides: [m], folded: [m], foldedStrides: [1] });
  const part = data.subarray(0, 600_000);
  for (const kernel of kernels) {
    compare(gpu, "sum", "float32", part, rows(300_000, 2), kernel, 2e-7);
    compare(gpu, "max", "float32", part, rows(3, 200_000), kernel, 0);
    const columns = { kept: [600], keptStrides: [1], folded: [1000], foldedStrides: [600] };
    compare(gpu, "spread", "float32", part, columns, kernel, 1e-6);
  }
});

gpuTest("folds of nothing, and misuse", (gpu) => {
  const x = memory(gpu, Float32Array.of(1, 2), "float32"), out = allocateGpu(gpu, "float32", 6);
  const none = { offset: 0, data: x, kept: [2, 3], keptStrides: [1, 1], folded: [0], foldedStrides: [1] };
  const all = (name: Name): number[] => {
    runFold(folds[name], none, "float32", [out]);
    return [...out.read(0, 6) as Float32Array];
  };
  assertEquals(all("sum"), Array(6).fill(0));
  assertEquals(all("prod"), Array(6).fill(1));
  assertEquals(all("mean"), Array(6).fill(NaN));
  assertEquals(all("logsumexp"), Array(6).fill(-Infinity));
  runFold(folds.max, { ...none, kept: [0, 3] }, "float32", [out]);
  assertThrows(
    () => runFold(folds.sum, { ...none, folded: [999] }, "float32", [out]),
    RangeError,
    "outside of a block",
  );
});

gpuTest("folds of what a program computes", (gpu) => {
  const random = lcg(5), [a, b] = [0, 1].map(() => Float32Array.from({ length: 6000 }, () => random() - 0.5));
  const operand = (data: TypedArray, keptStrides: number[], foldedStrides: number[]): FoldOperand => (
    { data: memory(gpu, data, "float32"), dtype: "float32", offset: 0, keptStrides, foldedStrides }
  );
  const p = program(["x", "y", "s"], "s * (x - y) * (x - y)"), out = allocateGpu(gpu, "float32", 20);
  // y is a row that is there for every group
  const operands = [operand(a, [300], [1]), operand(b, [0], [1]), 0.25];
  for (const kernel of kernels) {
    runProgramFold(
      folds.sum,
      { program: p, operands, computeDtype: "float32", kept: [20], folded: [300] },
      [out],
      { kernel },
    );
    const got = out.read(0, 20);
    for (let g = 0; g < 20; g++) {
      let want = 0;
      for (let i = 0; i < 300; i++) want += 0.25 * (a[300 * g + i] - b[i]) ** 2;
      assert(
        Math.abs(got[g] as number - want) <= 1e-6 * want,
        `${kernel}, group ${g}: ${got[g]}, not ${want}`,
      );
    }
  }
});

gpuTest("sums and products of int64 that have no 32 bits are reported by the next read", (gpu) => {
  const n = 1000, out = allocateGpu(gpu, "int64", 1);
  const run = (name: Name, dtype: DType, value: (i: number) => number): bigint => {
    const data = memory(gpu, array("int32", Float64Array.from({ length: n }, (_, i) => value(i))), dtype);
    runFold(folds[name], { ...flat(n), offset: 0, data }, dtype, [out]);
    return out.read(0, 1)[0] as bigint;
  };
  // on the way a sum may be larger than its end
  assertEquals(run("sum", "int32", (i) => i % 2 === 0 ? 2_000_000_000 : -2_000_000_000 + i), 250_000n);
  assertEquals(run("sum", "int64", () => -2_147_483), -2_147_483_000n);
  assertEquals(run("prod", "int64", (i) => i < 30 ? 2 : 1), 1_073_741_824n);
  for (
    const [name, value] of [["sum", 2_147_484], ["sum", -2_147_484], ["sum", 2 ** 30], ["prod", 2]] as const
  ) {
    for (const dtype of ["int32", "int64"] as const) {
      assertThrows(() => run(name, dtype, () => value), Error, `${name}() gives an int64 that does not fit`);
    }
  }
  assertEquals(run("max", "int64", () => 2_000_000_000), 2_000_000_000n);
});
