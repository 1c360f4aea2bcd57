/** The JavaScript matrix product against its definition: every way it takes, all strides, all element types. */
import { assert, assertEquals } from "@std/assert";
import { gemm, type Matrix } from "../../src/backend/cpu/gemm_js.ts";
import { allocate, type DType, dtypes, flavorOf } from "../../src/tensor/dtype.ts";

/** Small whole numbers, so that every type holds every sum exactly. */
function filled(dtype: DType, length: number, seed: number) {
  const data = allocate(dtype, length);
  for (let i = 0; i < length; i++) {
    const v = (i * 7919 + seed * 104729) % 5 - (dtype === "uint8" || dtype === "bool" ? 0 : 2);
    data[i] = flavorOf(dtype) === "bigint" ? BigInt(v) : v;
  }
  return data;
}

/** A matrix in the middle of memory, row by row or column by column, with gaps. */
function matrix(dtype: DType, rows: number, columns: number, byColumn: boolean, seed: number): Matrix {
  const gap = 2, [outer, inner] = byColumn ? [columns, rows] : [rows, columns];
  const data = filled(dtype, 5 + outer * (inner + gap), seed);
  const [long, short] = [inner + gap, 1];
  return {
    data,
    offset: 3,
    rowStride: byColumn ? short : long,
    columnStride: byColumn ? long : short,
  };
}

const at = ({ data, offset, rowStride, columnStride }: Matrix, i: number, j: number) =>
  Number(data[offset + i * rowStride + j * columnStride]);

/** Around the sizes where another way is taken, and where tiles and blocks end. */
const sizes = [
  [0, 3, 2],
  [3, 0, 2],
  [2, 3, 0],
  [1, 1, 1],
  [1, 1, 3000],
  [1, 300, 20],
  [300, 1, 20],
  [7, 1, 401],
  [5, 4, 3],
  [13, 11, 17],
  [97, 7, 19],
  [4, 3, 300],
  [100, 10, 64],
  [3, 250, 9],
  [10, 3, 600],
] as const;

for (const dtype of ["float64", "float32", "float16", "int64", "int32", "int8", "uint8"] as const) {
  Deno.test(`gemm in ${dtype} is the sum of products`, () => {
    assert(dtypes.includes(dtype));
    const wrap = allocate(dtype, 1);
    for (const [m, n, k] of sizes) {
      for (let layout = 0; layout < 8; layout++) {
        const a = matrix(dtype, m, k, (layout & 1) !== 0, 1);
        const b = matrix(dtype, k, n, (layout & 2) !== 0, 2);
        const c = matrix(dtype, m, n, (layout & 4) !== 0, 3);
        const [alpha, beta] = layout % 3 === 0 ? [1, 0] : layout % 3 === 1 ? [2, 0] : [-1, 3];
        const before = c.data.slice();
        gemm({ m, n, k }, a, b, c, dtype, alpha, beta);
        const expected = before.slice();
        for (let i = 0; i < m; i++) {
          for (let j = 0; j < n; j++) {
            let sum = 0;
            for (let l = 0; l < k; l++) sum += at(a, i, l) * at(b, l, j);
            const place = c.offset + i * c.rowStride + j * c.columnStride;
            const value = alpha * sum + beta * Number(before[place]) + 0;
            wrap[0] = flavorOf(dtype) === "bigint" ? BigInt(value) : value;
            expected[place] = wrap[0];
          }
        }
        const same = c.data.every((v, i) => Number(v) === Number(expected[i]));
        assert(same, `${m}x${k} @ ${k}x${n}, layout ${layout}, alpha ${alpha}, beta ${beta}`);
      }
    }
  });
}

Deno.test("gemm with beta 0 does not read what it overwrites", () => {
  for (const [m, n, k] of [[2, 2, 2], [40, 1, 80], [40, 30, 20]]) {
    const ones = (length: number) => new Float32Array(length).fill(1);
    const view = (data: Float32Array, columns: number): Matrix => ({
      data,
      offset: 0,
      rowStride: columns,
      columnStride: 1,
    });
    const c = new Float32Array(m * n).fill(NaN);
    gemm({ m, n, k }, view(ones(m * k), k), view(ones(k * n), n), view(c, n), "float32");
    assertEquals(c, new Float32Array(m * n).fill(k));
  }
});

Deno.test("gemm passes NaN and infinities on, and nothing leaks from one call into the next", () => {
  const n = 50, a = new Float64Array(n * n).fill(1), b = new Float64Array(n * n).fill(1);
  const plain = (data: Float64Array): Matrix => ({ data, offset: 0, rowStride: n, columnStride: 1 });
  a[3 * n + 5] = NaN;
  b[7] = Infinity;
  const c = new Float64Array(n * n);
  gemm({ m: n, n, k: n }, plain(a), plain(b), plain(c), "float64");
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) assertEquals(c[i * n + j], i === 3 ? NaN : j === 7 ? Infinity : n);
  }
  const small = new Float64Array(49 * 49).fill(1), out = new Float64Array(49 * 49);
  const view = (data: Float64Array): Matrix => ({ data, offset: 0, rowStride: 49, columnStride: 1 });
  gemm({ m: 49, n: 49, k: 49 }, view(small), view(small), view(out), "float64");
  assert(out.every((v) => v === 49));
});

Deno.test("float sums are rounded once: as exact as a sum in doubles", () => {
  const k = 4096, a = new Float32Array(k), b = new Float32Array(k);
  for (let i = 0; i < k; i++) {
    a[i] = Math.sin(i);
    b[i] = 1 / (i + 1);
  }
  let exact = 0;
  for (let i = 0; i < k; i++) exact += a[i] * b[i];
  const c = new Float32Array(1);
  const row = { data: a, offset: 0, rowStride: k, columnStride: 1 };
  const column = { data: b, offset: 0, rowStride: 1, columnStride: 1 };
  gemm({ m: 1, n: 1, k }, row, column, { data: c, offset: 0, rowStride: 1, columnStride: 1 }, "float32");
  assertEquals(c[0], Math.fround(exact));
});
