/**
 * The GPU: tensors as users have them, then the back end under the names of its own functions. Each with everything done that was
 * asked for.
 * @module
 */
import { openDevice, whyUnavailable } from "../../src/backend/webgpu/device.ts";
import { gemm, type GpuMatrix } from "../../src/backend/webgpu/gemm.ts";
import type { GpuOperand } from "../../src/backend/webgpu/layout.ts";
import { runPointwise } from "../../src/backend/webgpu/pointwise.ts";
import { runFold } from "../../src/backend/webgpu/folds.ts";
import { allocateGpu, GpuMemory } from "../../src/backend/webgpu/tensors.ts";
import { allocate, read, upload } from "../../src/backend/webgpu/transfer.ts";
import { adding, Fold } from "../../src/expr/fold.ts";
import { program } from "../../src/expr/program.ts";
import type { Group, Row } from "./measure.ts";
import { tensorNotes, tensorRows } from "./tensors_webgpu.ts";

const numbers = (n: number) => Float32Array.from({ length: n }, () => Math.random());

function rows(): Row[] {
  const gpu = openDevice()!;
  const vector = (values: Float32Array): GpuOperand => (
    { data: upload(gpu, values, "float32"), dtype: "float32", offset: 0, strides: [1] }
  );
  /** A workload whose end is waited for. */
  const done = (name: string, run: () => void, scale?: number): Row => ({
    name,
    run: () => {
      run();
      gpu.synchronize();
    },
    scale,
  });

  const one = vector(Float32Array.of(1));
  const MB = 2 ** 18; // in float32
  const large = numbers(64 * MB), uploaded = upload(gpu, large, "float32");
  const million = 1_000_000;
  const x = vector(numbers(million)), y = vector(numbers(million)), z = vector(numbers(million));
  const formula = program(["x", "y"], "sin(x) * y + x * x"), add = program(["a", "b"], "a + b");
  const transposed = { ...x, strides: [1, 1000] };
  const lines = { ...y, strides: [1000, 1] }, out = { ...z, strides: [1000, 1] };
  const sum = new Fold("sum", [adding("v")], ["acc"]), total = allocateGpu(gpu, "float32", 1);
  const whole = { offset: 0, kept: [], keptStrides: [], folded: [million], foldedStrides: [1] };
  const summed = new GpuMemory(gpu, x.data, "float32", million);
  const small = vector(numbers(100)), step = program(["a"], "a * 0.5 + 1");
  const record = (times: number) => {
    for (let i = 0; i < times; i++) runPointwise(gpu, step, [small], [small], [100], "float32");
  };
  const products = [128, 512, 1024].flatMap((n) => {
    const matrix = (data: GpuMatrix["data"]): GpuMatrix => (
      { data, offset: 0, batchStride: 0, rowStride: n, columnStride: 1 }
    );
    const a = matrix(upload(gpu, numbers(n * n), "float32"));
    const b = matrix(upload(gpu, numbers(n * n), "float32"));
    const c = matrix(allocate(gpu, "float32", n * n));
    return (["blocked", "packed", "tiled64"] as const).map((kernel) =>
      done(
        `kernel matmul ${n}, ${kernel}`,
        () => gemm(gpu, { batch: 1, m: n, n, k: n }, a, b, c, "float32", { kernel }),
      )
    );
  });
  return [
    ...tensorRows(),
    { name: "synchronous read of one number", run: () => read(gpu, one.data, "float32", 0, 1) },
    done("upload of 64 MB", () => gpu.memory.release(upload(gpu, large, "float32"))),
    { name: "read of 64 MB", run: () => read(gpu, uploaded, "float32", 0, large.length) },
    done(
      "kernel sin(x)*y + x*x 1e6",
      () => runPointwise(gpu, formula, [x, y], [z], [million], "float32"),
    ),
    done(
      "kernel add 1000 x 1000, one transposed",
      () => runPointwise(gpu, add, [transposed, lines], [out], [1000, 1000], "float32"),
    ),
    done(
      "kernel sum 1e6",
      () => runFold(sum, { ...whole, data: summed }, "float32", [total]),
    ),
    ...products,
    done("one of 1,000 operations on 100 numbers", () => record(1000), 1 / 1000),
    // fewer than fill a batch, so that nothing is submitted while the clock runs
    {
      name: "  of which recording",
      run: () => record(1),
      count: 100,
      after: () => gpu.synchronize(),
    },
  ];
}

/** The GPU. */
export const gpu: Group = {
  name: "gpu",
  rows,
  notes: tensorNotes,
  unavailable: () => openDevice() === null ? `no GPU: ${whyUnavailable()}` : null,
};
