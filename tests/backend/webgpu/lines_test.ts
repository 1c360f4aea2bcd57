/** Line operations of the GPU against the same ones on the CPU. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { runLines as runCpuLines } from "../../../src/backend/cpu/lines_js.ts";
import type { Gpu } from "../../../src/backend/webgpu/device.ts";
import { runLines } from "../../../src/backend/webgpu/lines.ts";
import { allocateGpu, GpuMemory } from "../../../src/backend/webgpu/tensors.ts";
import { upload } from "../../../src/backend/webgpu/transfer.ts";
import { adding, extreme, LineOp, type Walk } from "../../../src/expr/fold.ts";
import { allocate, type DType, type TypedArray } from "../../../src/tensor/dtype.ts";
import { gpuTest, lcg } from "./helpers.ts";

const walks = [extreme("max", "top"), adding("exp(v - top)", "total")];
const products: Walk = { state: { acc: "1" }, step: { acc: "acc * v" }, merge: { acc: "acc * acc_" } };
const latest = (v: string, old: string, better: string, one: string) =>
  `where(${better}, ${v}, ${old})${one}`;
const step = "at < 0 || v >= best || isnan(v)",
  merge = "at_ >= 0 && (at < 0 || best_ >= best || isnan(best_))";

const ops = {
  softmax: new LineOp("softmax", walks, ["exp(v - top) * (1 / total)"], false),
  logSoftmax: new LineOp("logSoftmax", walks, ["v - top - log(total)"], false),
  centred: new LineOp("centred", [adding("v")], ["v - acc / n", "i"], false),
  cumsum: new LineOp("cumsum", [adding("v")], ["acc"], true),
  cumprod: new LineOp("cumprod", [products], ["acc"], true),
  cummax: new LineOp(
    "cummax",
    [{
      state: { best: "-inf", at: "-1" },
      step: { best: latest("v", "best", step, ""), at: latest("i", "at", step, "") },
      merge: { best: latest("best_", "best", merge, ""), at: latest("at_", "at", merge, "") },
      whole: ["at"],
    }],
    ["best", "at"],
    true,
  ),
};
type Name = keyof typeof ops;

/** Runs both ways; results may differ by `tolerance` times the largest of a line. */
function compare(
  gpu: Gpu,
  name: Name,
  dtype: DType,
  data: TypedArray,
  offset: number,
  lines: number,
  n: number,
  tolerance: number,
  tree?: boolean,
): void {
  const op = ops[name], types: DType[] = op.each.map((_, o) => o === 0 ? dtype : "int32");
  const x = new GpuMemory(gpu, upload(gpu, data, dtype), dtype, data.length);
  const outs = types.map((d) => allocateGpu(gpu, d, lines * n));
  const want = types.map((d) => allocate(d, lines * n));
  runLines(op, dtype, x, offset, lines, n, outs[0], outs[1] ?? null, { tree });
  runCpuLines(op, dtype, data, offset, lines, n, want[0], want[1] ?? null);
  outs.forEach((out, o) => {
    const got = out.read(0, lines * n);
    for (let l = 0; l < lines; l++) {
      let size = 0;
      for (let i = 0; i < n; i++) {
        const w = Math.abs(want[o][l * n + i] as number);
        if (Number.isFinite(w)) size = Math.max(size, w);
      }
      for (let i = 0; i < n; i++) {
        const v = got[l * n + i] as number, w = want[o][l * n + i] as number;
        assert(
          v === w || Object.is(v, w) || Math.abs(v - w) <= tolerance * size,
          `${name} of ${dtype}, ${lines} lines of ${n}, result ${o} at ${l}, ${i}: ${v}, not ${w}`,
        );
      }
    }
    gpu.memory.release(out.block);
  });
  gpu.memory.release(x.block);
}

gpuTest("line operations of every length", (gpu) => {
  const random = lcg(7);
  for (
    const [lines, n] of [[1, 1], [5, 1], [3, 7], [40, 64], [2, 129], [100, 300], [3, 5000], [1, 100_003]]
  ) {
    const data = Float32Array.from({ length: lines * n + 4 }, () => random() * 4 - 2);
    for (const name of Object.keys(ops) as Name[]) {
      if (name === "cumprod") continue;
      for (const offset of [2, 4]) { // with the second, vectors can be read where n is a multiple of four
        compare(gpu, name, "float32", data, offset, lines, n, 3e-6);
        if (!ops[name].running && n < 4000) compare(gpu, name, "float32", data, offset, lines, n, 3e-6, true);
      }
    }
    // every factor is a rounding
    const near = data.map((v) => 1 + v / n);
    compare(gpu, "cumprod", "float32", near, 2, lines, n, n * 6e-8);
  }
});

gpuTest("line operations of NaN and infinities", (gpu) => {
  const rows = [[1, NaN, 3, 2], [Infinity, 1, 2, Infinity], [-Infinity, 0, 1, -Infinity], [
    -Infinity,
    -Infinity,
    -Infinity,
    -Infinity,
  ], [2, 2, 1, 2]];
  for (const repeat of [1, 100, 3000]) {
    const data = Float32Array.from(rows.flatMap((row) => Array(repeat).fill(row).flat()));
    for (const name of ["softmax", "logSoftmax", "cummax", "cumsum"] as const) {
      compare(gpu, name, "float32", data, 0, rows.length, 4 * repeat, 1e-6);
    }
  }
});

gpuTest("line operations of every element type", (gpu) => {
  const random = lcg(11);
  for (const dtype of ["int32", "int16", "int8", "uint8", "bool"] as const) {
    const data = allocate(dtype, 3000);
    for (let i = 0; i < 3000; i++) data[i] = Math.floor(random() * (dtype === "bool" ? 2 : 100));
    compare(gpu, "cummax", dtype, data, 0, 3, 1000, 0);
    if (dtype === "int32") compare(gpu, "cumsum", dtype, data, 0, 3, 1000, 0);
  }
  if (gpu.info.float16) {
    const data = Float16Array.from({ length: 3000 }, () => random() * 4 - 2);
    for (const name of ["softmax", "cumsum", "cummax"] as const) {
      compare(gpu, name, "float16", data, 0, 3, 1000, 2e-3);
    }
  }
  if (gpu.info.float64) {
    const data = Float64Array.from({ length: 3000 }, () => random() * 4 - 2);
    for (const name of ["softmax", "logSoftmax", "centred", "cumsum", "cummax"] as const) {
      compare(gpu, name, "float64", data, 0, 3, 1000, 1e-14);
    }
  }
});

gpuTest("scans of more than a loop can do", (gpu) => {
  const random = lcg(13), n = 1_000_003;
  const data = Float32Array.from({ length: n }, () => random());
  compare(gpu, "cumsum", "float32", data, 0, 1, n, 5e-7);
  compare(gpu, "cummax", "float32", data, 0, 1, n, 0);
  compare(gpu, "softmax", "float32", data, 0, 1, n, 3e-6);
  const ones = new Int32Array(n).fill(1);
  compare(gpu, "cumsum", "int32", ones, 0, 1, n, 0);
  compare(gpu, "cumsum", "float32", data, 0, 40_000, 25, 1e-6);
});

gpuTest("running sums of int64 that have no 32 bits are reported by the next read", (gpu) => {
  const run = (value: number): bigint => {
    const data = new BigInt64Array(2000).fill(BigInt(value)), y = allocateGpu(gpu, "int64", 2000);
    runLines(
      ops.cumsum,
      "int64",
      new GpuMemory(gpu, upload(gpu, data, "int64"), "int64", 2000),
      0,
      1,
      2000,
      y,
      null,
    );
    return y.read(1999, 1)[0] as bigint;
  };
  assertEquals(run(1_000_000), 2_000_000_000n);
  assertThrows(() => run(1_100_000), Error, "cumsum() gives an int64 that does not fit");
});
