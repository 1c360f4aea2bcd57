/**
 * Time of the GPU back end: `DENO_WEBGPU_BACKEND=vulkan deno run tests/bench/webgpu.ts`. Each number is a median, with everything done
 * that was asked for.
 */
import { openDevice, whyUnavailable } from "../../src/backend/webgpu/device.ts";
import { gemm, type GpuMatrix } from "../../src/backend/webgpu/gemm.ts";
import type { GpuOperand } from "../../src/backend/webgpu/layout.ts";
import { runPointwise } from "../../src/backend/webgpu/pointwise.ts";
import { runReduce } from "../../src/backend/webgpu/reduce.ts";
import { allocate, read, upload } from "../../src/backend/webgpu/transfer.ts";
import { program } from "../../src/expr/program.ts";

const gpu = openDevice();
if (gpu === null) {
  console.log(`no GPU: ${whyUnavailable()}`);
  Deno.exit();
}
console.log(gpu.info);

function median(run: () => void, rounds = 15): number {
  run();
  const times = Array.from({ length: rounds }, () => {
    const start = performance.now();
    run();
    return performance.now() - start;
  });
  return times.toSorted((a, b) => a - b)[rounds >> 1];
}

function show(name: string, ms: number): void {
  console.log(`${name.padEnd(44)} ${ms < 1 ? `${(ms * 1000).toFixed(1)} us` : `${ms.toFixed(2)} ms`}`);
}

const vector = (values: Float32Array): GpuOperand => (
  { data: upload(gpu, values, "float32"), dtype: "float32", offset: 0, strides: [1] }
);
const numbers = (n: number) => Float32Array.from({ length: n }, () => Math.random());

const one = vector(Float32Array.of(1));
show("synchronous read of one number", median(() => void read(gpu, one.data, "float32", 0, 1), 500));

const MB = 2 ** 18; // in float32
const large = numbers(64 * MB);
show(
  "upload of 64 MB",
  median(() => (gpu.memory.release(upload(gpu, large, "float32")), gpu.synchronize()), 5),
);
const uploaded = upload(gpu, large, "float32");
show("read of 64 MB", median(() => void read(gpu, uploaded, "float32", 0, large.length), 5));

const million = 1_000_000,
  x = vector(numbers(million)),
  y = vector(numbers(million)),
  z = vector(numbers(million));
const formula = program(["x", "y"], "sin(x) * y + x * x");
show(
  "sin(x) * y + x * x, 1e6",
  median(() => {
    runPointwise(gpu, formula, [x, y], [z], [million], "float32");
    gpu.synchronize();
  }),
);
const transposed = { ...x, strides: [1, 1000] },
  rows = { ...y, strides: [1000, 1] },
  out = { ...z, strides: [1000, 1] };
show(
  "a + b, 1000 x 1000, one transposed",
  median(() => {
    runPointwise(gpu, program(["a", "b"], "a + b"), [transposed, rows], [out], [1000, 1000], "float32");
    gpu.synchronize();
  }),
);
const sum: GpuOperand = { data: allocate(gpu, "float32", 1), dtype: "float32", offset: 0, strides: [1, 1] };
show(
  "sum of 1e6",
  median(() => {
    runReduce(gpu, "sum", { ...x, strides: [0, 1, 0] }, [1, million, 1], sum);
    gpu.synchronize();
  }),
);

for (const n of [128, 512, 1024]) {
  const matrix = (data: GpuMatrix["data"]): GpuMatrix => (
    { data, offset: 0, batchStride: 0, rowStride: n, columnStride: 1 }
  );
  const a = matrix(upload(gpu, numbers(n * n), "float32")),
    b = matrix(upload(gpu, numbers(n * n), "float32"));
  const c = matrix(allocate(gpu, "float32", n * n));
  for (const kernel of ["blocked", "tiled"] as const) {
    const ms = median(() => {
      gemm(gpu, { batch: 1, m: n, n, k: n }, a, b, c, "float32", { kernel });
      gpu.synchronize();
    }, n > 512 ? 3 : 7);
    show(`matmul ${n}, ${kernel} (${(2e-6 * n ** 3 / ms).toFixed(1)} GFLOPS)`, ms);
  }
}

const small = vector(numbers(100)), step = program(["a"], "a * 0.5 + 1");
const record = () => {
  for (let i = 0; i < 1000; i++) runPointwise(gpu, step, [small], [small], [100], "float32");
};
show(
  "1,000 operations on 100 numbers, one each",
  median(() => {
    record();
    gpu.synchronize();
  }) / 1000,
);
// fewer than fill a batch, so that nothing is submitted while the clock runs
const recording = Array.from({ length: 200 }, () => {
  const start = performance.now();
  for (let i = 0; i < 100; i++) runPointwise(gpu, step, [small], [small], [100], "float32");
  const ms = performance.now() - start;
  gpu.synchronize();
  return ms / 100;
});
show("  of which recording", recording.toSorted((a, b) => a - b)[100]);
