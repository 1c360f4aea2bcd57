/** Matrix products of the GPU against sums in doubles. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import type { Gpu } from "../../../src/backend/webgpu/device.ts";
import { gemm, type GemmKernel, type GpuMatrix } from "../../../src/backend/webgpu/gemm.ts";
import type { DType } from "../../../src/tensor/dtype.ts";
import { empty, gpuTest, lcg, operand, values } from "./helpers.ts";

const kernels: readonly GemmKernel[] = ["direct", "tiled32", "tiled64", "tiled128", "blocked", "packed"];

interface Case {
  readonly batch: number;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly dtype?: DType;
  readonly kernel?: GemmKernel;
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
  readonly shareA?: boolean;
  readonly offset?: number;
  readonly alpha?: number;
  readonly beta?: number;
  /** What is added: a matrix of its own, one row for all, or one column for all. */
  readonly added?: "matrix" | "row" | "column";
}

function compare(gpu: Gpu, o: Case, random: () => number, tolerance: number): void {
  const { batch, m, n, k, dtype = "float32", offset = 0, alpha = 1, beta = 0 } = o,
    integer = /int/.test(dtype);
  const numbers = (length: number) =>
    Float32Array.from(
      { length: length + offset },
      () => integer ? Math.floor(random() * 20 - 10) : random() - 0.3,
    );
  const matrix = (rows: number, columns: number, transposed = false, shared = false) => {
    const data = dtype === "float16"
      ? numbers(rows * columns * batch).map(Math.f16round)
      : numbers(rows * columns * batch);
    const strides = transposed
      ? { rowStride: 1, columnStride: rows }
      : { rowStride: columns, columnStride: 1 };
    const x: GpuMatrix = {
      data: operand(gpu, dtype, data).data,
      offset,
      batchStride: shared ? 0 : rows * columns,
      ...strides,
    };
    return {
      data,
      x,
      at: (z: number, r: number, c: number) =>
        data[offset + z * x.batchStride + r * x.rowStride + c * x.columnStride],
    };
  };
  const a = matrix(m, k, o.transposeA, o.shareA), b = matrix(k, n, o.transposeB), c = matrix(m, n);
  const other = o.added === undefined ? null : matrix(m, n);
  const added = other === null ? undefined : {
    ...other.x,
    batchStride: o.added === "matrix" ? m * n : 0,
    rowStride: o.added === "row" ? 0 : n,
    columnStride: o.added === "column" ? 0 : 1,
  };
  const addedAt = (z: number, r: number, q: number) =>
    added === undefined
      ? c.at(z, r, q)
      : other!.data[offset + z * added.batchStride + r * added.rowStride + q * added.columnStride];
  gemm(gpu, o, a.x, b.x, c.x, dtype, { alpha, beta, added, kernel: o.kernel });
  const got = values(gpu, { data: c.x.data, dtype, offset: 0, strides: [1] }, c.data.length);
  for (let z = 0; z < batch; z++) {
    for (let r = 0; r < m; r++) {
      for (let q = 0; q < n; q++) {
        let sum = 0, size = 0;
        for (let e = 0; e < k; e++) {
          const term = a.at(z, r, e) * b.at(z, e, q);
          sum += term;
          size += Math.abs(term);
        }
        const old = addedAt(z, r, q), want = alpha * sum + (beta === 0 ? 0 : beta * old);
        const value = got[offset + z * m * n + r * n + q] as number;
        const allowed = tolerance * (Math.abs(alpha) * size + Math.abs(beta * old) + 1e-30);
        assert(
          Math.abs(value - want) <= allowed,
          `${JSON.stringify(o)} at ${z}, ${r}, ${q}: ${value}, not ${want}`,
        );
      }
    }
  }
  for (let i = 0; i < offset; i++) assertEquals(got[i], c.data[i], "memory before the result");
  for (const x of [a, b, c, ...(other === null ? [] : [other])]) gpu.memory.release(x.x.data);
}

gpuTest("products of random sizes, batches, strides", (gpu) => {
  const random = lcg(2), below = (n: number) => Math.floor(random() * n), coin = () => random() < 0.5;
  for (let trial = 0; trial < 63; trial++) {
    const most = trial % 4 === 0 ? 90 : 20;
    compare(
      gpu,
      {
        batch: 1 + below(3),
        m: 1 + below(most),
        n: 1 + below(most),
        k: below(most),
        kernel: [...kernels, undefined][trial % 7],
        transposeA: coin(),
        transposeB: coin(),
        shareA: coin(),
        offset: below(3) * 2,
        alpha: coin() ? 1 : 0.5,
        beta: coin() ? 0 : -2,
        added: (["matrix", "row", "column", undefined] as const)[below(4)],
      },
      random,
      2e-6,
    );
  }
});

gpuTest("products of multiples of the tiles", (gpu) => {
  const random = lcg(4);
  for (const kernel of kernels) {
    for (const transposed of [false, true]) {
      const size = { batch: 2, m: 64, n: 128, k: 64, transposeA: transposed, transposeB: transposed };
      compare(gpu, { ...size, kernel }, random, 2e-6);
    }
  }
});

gpuTest("products of long rows, in parts", (gpu) => {
  for (const kernel of kernels) {
    compare(gpu, { batch: 1, m: 9, n: 2, k: 70_001, kernel, beta: 1 }, lcg(6), 2e-5);
    compare(gpu, { batch: 1, m: 2, n: 9, k: 33_000, kernel, beta: 2, added: "row" }, lcg(7), 2e-5);
  }
});

gpuTest("products of other element types", (gpu) => {
  const random = lcg(5), size = { batch: 2, m: 19, n: 21, k: 33 };
  for (const kernel of ["direct", "tiled32", "tiled64"] as const) {
    compare(gpu, { ...size, dtype: "int32", kernel, beta: 3, alpha: -1 }, random, 0);
    if (gpu.info.float64) compare(gpu, { ...size, dtype: "float64", kernel, beta: 0.1 }, random, 1e-14);
  }
  if (gpu.info.float16) {
    for (const kernel of kernels) compare(gpu, { ...size, dtype: "float16", kernel }, random, 1e-3);
  }
});

gpuTest("beta 0 does not read what was there", (gpu) => {
  const x = operand(gpu, "float32", [2]), c = operand(gpu, "float32", [NaN]);
  const matrix = (data: typeof x.data): GpuMatrix => ({
    data,
    offset: 0,
    batchStride: 0,
    rowStride: 1,
    columnStride: 1,
  });
  for (const kernel of kernels) {
    gemm(gpu, { batch: 1, m: 1, n: 1, k: 1 }, matrix(x.data), matrix(x.data), matrix(c.data), "float32", {
      kernel,
    });
    assertEquals([...values(gpu, c, 1)], [4], kernel);
    gemm(gpu, { batch: 1, m: 1, n: 1, k: 0 }, matrix(x.data), matrix(x.data), matrix(c.data), "float32", {
      kernel,
    });
    assertEquals([...values(gpu, c, 1)], [0], kernel);
  }
});

gpuTest("products: misuse is refused", (gpu) => {
  const x = operand(gpu, "float32", new Float32Array(4)), c = empty(gpu, "float32", [4]);
  const m = (data: typeof x.data, offset = 0): GpuMatrix => ({
    data,
    offset,
    batchStride: 4,
    rowStride: 2,
    columnStride: 1,
  });
  const size = { batch: 1, m: 2, n: 2, k: 2 };
  assertThrows(
    () => gemm(gpu, size, m(x.data), m(x.data), m(x.data), "float32"),
    TypeError,
    "cannot share memory",
  );
  assertThrows(() => gemm(gpu, size, m(x.data, 1e6), m(x.data), m(c.data), "float32"), RangeError, "outside");
  gemm(gpu, { ...size, m: 0 }, m(x.data), m(x.data), m(c.data), "float32");
});
