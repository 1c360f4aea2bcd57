/** Matrix products in WebAssembly against those in JavaScript: shapes, layouts, tiles, factors, threads. */
import { assert, assertEquals } from "@std/assert";
import * as dg from "../../mod.ts";
import { type Batch, gemm, gemmBatches, type GemmTier, setGemmTier } from "../../src/backend/cpu/gemm.ts";
import { Pool, type Stream, WorkerLost } from "../../src/backend/cpu/pool.ts";
import { gemm as gemmJs, type Matrix } from "../../src/backend/cpu/gemm_js.ts";
import { features } from "../../src/backend/cpu/wasm/features.ts";
import { currentPool, hasGemm, setTile } from "../../src/backend/cpu/wasm/gemm.ts";
import { currentTeam } from "../../src/backend/cpu/wasm/team.ts";
import { tiles } from "../../src/backend/cpu/wasm/gemm_kernel.ts";

const ignore = !hasGemm();
const test = (name: string, fn: () => void | Promise<void>) => Deno.test({ name, ignore, fn });

type Type = "float32" | "float64";
const types: readonly Type[] = ["float32", "float64"];
const arrayOf = (dtype: Type, length: number) =>
  dtype === "float32" ? new Float32Array(length) : new Float64Array(length);

function onTier<T>(tier: GemmTier, fn: () => T): T {
  const before = setGemmTier(tier);
  try {
    return fn();
  } finally {
    setGemmTier(before);
  }
}

/** Ways that a matrix can lie in memory. */
const layouts = [
  "rows",
  "columns",
  "rows with gaps",
  "columns with gaps",
  "apart",
  "one row for all",
] as const;

/** A matrix of small whole numbers, so that every sum is exact and all ways agree in every bit. */
function matrix(dtype: Type, rows: number, columns: number, layout: number, seed: number): Matrix {
  const gap = layout === 2 || layout === 3 ? 3 : 0;
  const [rowStride, columnStride] = layout % 2 === 0 && layout < 4
    ? [columns + gap, 1]
    : layout < 4
    ? [1, rows + gap]
    : layout === 4
    ? [2 * columns + 5, 2]
    : [0, 1];
  const data = arrayOf(dtype, 7 + Math.max(0, rows) * rowStride + Math.max(0, columns) * columnStride);
  for (let i = 0; i < data.length; i++) data[i] = (i * 7919 + seed * 104729) % 5 - 2;
  return { data, offset: 3, rowStride, columnStride };
}

/** Compares everything that c's memory holds, what lies between its elements included. */
function compare(
  [m, n, k]: readonly number[],
  dtype: Type,
  way: number,
  tier: GemmTier = "wasm",
): void {
  const a = matrix(dtype, m, k, way % 6, 1), b = matrix(dtype, k, n, Math.floor(way / 6) % 6, 2);
  const c = matrix(dtype, m, n, Math.floor(way / 36) % 5, 3), expected = { ...c, data: c.data.slice() };
  const [alpha, beta] = [[1, 0], [1, 1], [2, 0], [-1, 3], [0, 2]][way % 5];
  onTier(tier, () => gemm({ m, n, k }, a, b, c, dtype, alpha, beta));
  gemmJs({ m, n, k }, a, b, expected, dtype, alpha, beta);
  const wrong = c.data.findIndex((x, i) => x !== expected.data[i]);
  const lie = [way % 6, Math.floor(way / 6) % 6].map((i) => layouts[i]);
  assert(
    wrong < 0,
    `${m}x${k} (${lie[0]}) @ ${k}x${n} (${lie[1]}) in ${dtype}, alpha ${alpha}, beta ${beta}: ` +
      `${c.data[wrong]} at ${wrong}, expected ${expected.data[wrong]}`,
  );
}

const allTiles = Object.entries(tiles).flatMap(([name, tile]) =>
  (features()?.fused ? [true, false] : [false]).map((fused) => ({ name, tile, fused }))
);

for (const dtype of types) {
  test(`gemm as WebAssembly, ${dtype}: all shapes up to 20`, () => {
    let way = 0;
    for (let m = 0; m <= 20; m++) {
      for (let n = 0; n <= 20; n++) {
        for (let k = 0; k <= 20; k++) compare([m, n, k], dtype, way = (way + 7) % 180);
      }
    }
  });

  for (const { name, tile, fused } of allTiles) {
    test(`gemm as WebAssembly, ${dtype}: around the edges of the tile ${name}${fused ? ", fused" : ""}`, () => {
      setTile({ tile, fused });
      try {
        let way = 0;
        const columns = tile.vectors * (dtype === "float32" ? 4 : 2);
        for (const m of [1, tile.rows - 1, tile.rows, tile.rows + 1, 3 * tile.rows + 2]) {
          for (const n of [1, columns - 1, columns, columns + 1, 4 * columns + 3]) {
            for (const k of [1, 63, 64, 65, 131]) {
              for (let i = 0; i < 6; i++) compare([m, n, k], dtype, way = (way + 7) % 180);
            }
          }
        }
      } finally {
        setTile();
      }
    });
  }

  test(`gemm as WebAssembly, ${dtype}: more than a block in every direction`, () => {
    const sizes = [[97, 260, 1100], [1100, 20, 30], [20, 1100, 30], [3, 9000, 513], [9000, 3, 513], [
      1030,
      1040,
      2,
    ]];
    sizes.forEach((size, i) => [0, 7, 43, 100].forEach((way) => compare(size, dtype, way + i)));
  });
}

test("gemm as WebAssembly: thin matrices of any length fit into its memory", () => {
  for (const { tile, fused } of allTiles.slice(-1)) {
    setTile({ tile, fused });
    try {
      const long = 300_000;
      for (const size of [[1, long, 1], [long, 1, 2], [9, long, 1], [long, 9, 3], [3, 3, long]]) {
        for (const way of [0, 1, 2, 4 + 6 * 4 + 36 * 4]) compare(size, "float64", way);
      }
    } finally {
      setTile();
    }
  }
});

test("gemm as WebAssembly passes NaN and infinities on, and nothing leaks from one call into the next", () => {
  const n = 50;
  for (const dtype of types) {
    const ones = () => arrayOf(dtype, n * n).fill(1);
    const plain = (data: Matrix["data"]): Matrix => ({ data, offset: 0, rowStride: n, columnStride: 1 });
    const a = ones(), b = ones(), c = arrayOf(dtype, n * n).fill(NaN);
    a[3 * n + 5] = NaN;
    b[7] = Infinity;
    b[n + 8] = -Infinity;
    a[9 * n + 1] = 0; // times an infinity
    onTier("wasm", () => gemm({ m: n, n, k: n }, plain(a), plain(b), plain(c), dtype));
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) {
        const expected = i === 3 || i === 9 && j === 8
          ? NaN
          : j === 7
          ? Infinity
          : j === 8
          ? -Infinity
          : n - Number(i === 9);
        assertEquals(c[i * n + j], expected);
      }
    }
    const size = { m: 49, n: 49, k: 49 }, out = arrayOf(dtype, n * n);
    onTier("wasm", () => gemm(size, plain(ones()), plain(ones()), plain(out), dtype));
    for (let i = 0; i < 49; i++) for (let j = 0; j < 49; j++) assertEquals(out[i * n + j], 49);
  }
});

test("gemm as WebAssembly: errors of long sums are small", () => {
  const [m, n, k] = [7, 9, 20_000];
  for (const [dtype, epsilon] of [["float32", 2 ** -23], ["float64", 2 ** -52]] as const) {
    const of = (length: number, seed: number) =>
      arrayOf(dtype, length).map((_, i) => 2 + Math.sin(i * 1.3 + seed));
    const a = of(m * k, 1), b = of(k * n, 2), c = arrayOf(dtype, m * n), exact = new Float64Array(m * n);
    const view = (data: Matrix["data"], rowStride: number): Matrix => ({
      data,
      offset: 0,
      rowStride,
      columnStride: 1,
    });
    onTier("wasm", () => gemm({ m, n, k }, view(a, k), view(b, n), view(c, n), dtype));
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let sum = 0;
        for (let l = 0; l < k; l++) sum += a[i * k + l] * b[l * n + j];
        exact[i * n + j] = sum;
      }
    }
    c.forEach((x, i) =>
      assert(Math.abs(x / exact[i] - 1) < 64 * epsilon, `${dtype}: ${x}, exactly ${exact[i]}`)
    );
  }
});

test("products of tensors are the same on all tiers: transposed, batched, expanded, with something added", () => {
  dg.manualSeed(3);
  const whole = (...shape: number[]) => dg.randint(-3n, 4n, shape).to("float32");
  const a = whole(5, 30, 40), b = whole(5, 40, 24), bias = whole(24);
  const products: (() => dg.Tensor)[] = [
    () => a.matmul(b),
    () => dg.bmm(b.transpose(1, 2), a.transpose(1, 2)),
    () => a.matmul(b[0]),
    () => dg.matmul(a[1], b[2].contiguous()).t(),
    () => dg.addmm(bias, a[0], b[0], { alpha: 2, beta: -1 }),
    () => dg.baddbmm(bias, a, b),
    () => dg.addbmm(bias, a, b, { beta: 3 }),
    () => dg.linear(a, b[0].t(), bias),
    () => dg.ones(1).expand(30, 40).mm(b[3]),
    () => a.select(2, 0).mm(whole(30, 50).mul(0).add(1)),
  ];
  products.forEach((product, i) => {
    const [expected, actual] = (["js", "wasm"] as const).map((tier) => onTier(tier, product));
    assert(dg.equal(actual, expected), `product ${i}`);
  });
});

test("threads change no bit of a product", async () => {
  const threads = dg.getNumThreads();
  try {
    dg.setNumThreads(3);
    for (const dtype of types) {
      const [m, n, k] = [301, 257, 700];
      const of = (length: number, seed: number) =>
        arrayOf(dtype, length).map((_, i) => Math.sin(i * 1.7 + seed));
      const view = (data: Matrix["data"], rowStride: number): Matrix => ({
        data,
        offset: 0,
        rowStride,
        columnStride: 1,
      });
      const a = view(of(m * k, 1), k), b = view(of(k * n, 2), n);
      const times = (tier: GemmTier) => {
        const c = arrayOf(dtype, m * n);
        onTier(tier, () => gemm({ m, n, k }, a, b, view(c, n), dtype));
        return c;
      };
      const alone = times("wasm"), pool = currentPool()!;
      pool.start();
      // Workers come while this thread does other things; then they must have taken tasks.
      const until = performance.now() + 20_000;
      while (pool.workers < 2 && performance.now() < until) await new Promise((go) => setTimeout(go, 20));
      assertEquals(pool.workers, 2);
      let here = 0, all = 0;
      const { runs } = pool as unknown as { runs: ((task: number) => unknown)[] };
      Object.assign(pool, {
        runs: runs.map((run) => (task: number) => (here++, run(task))),
        perform: (count: number) => (all += count, Pool.prototype.perform.call(pool, count)),
      });
      for (let i = 0; i < 5 || here === all && performance.now() < until; i++) {
        assertEquals(times("wasm+threads"), alone);
      }
      assert(here > 0 && here < all, `${here} of ${all} tasks were done by the calling thread`);
    }
  } finally {
    dg.setNumThreads(threads);
  }
});

/** A batch of matrices with gaps: as they lie, transposed, or one for all. */
function batchOf(dtype: Type, count: number, m: number, n: number, seed: number, way: number): Batch {
  const [rowStride, columnStride] = way === 1 ? [1, m + 1] : [n, 1];
  const data = arrayOf(dtype, 5 + count * (m + 2) * (n + 2)).map((_, i) => Math.sin(i * 1.7 + seed));
  return { data, offset: 2, rowStride, columnStride, batchStride: way === 2 ? 0 : (m + 1) * (n + 1) + 3 };
}

test("threads share the products of a batch, and change no bit", async () => {
  const threads = dg.getNumThreads();
  const shapes = [[64, 33, 20, 41], [40, 9, 7, 5], [5, 128, 64, 128], [7, 65, 300, 12], [3, 400, 300, 200]];
  try {
    dg.setNumThreads(3);
    const { pool } = currentTeam(), until = performance.now() + 20_000;
    pool.start();
    while (pool.workers < 2 && performance.now() < until) await new Promise((go) => setTimeout(go, 20));
    assertEquals(pool.workers, 2);
    let here = 0, all = 0, shared = false;
    const { runs } = pool as unknown as { runs: ((task: number) => unknown)[] };
    Object.assign(pool, {
      runs: runs.map((run) => (task: number) => (here += Number(shared), run(task))),
      stream(job: Stream, runner: number) {
        all += job.count;
        shared = true;
        Pool.prototype.stream.call(pool, job, runner);
        shared = false;
      },
    });
    for (const dtype of types) {
      shapes.forEach(([count, m, k, n], i) => {
        for (const [alpha, beta] of [[1, 0], [0.75, 0], [-2, 0.5]]) {
          const [actual, expected] = (["wasm+threads", "wasm"] as const).map((tier) => {
            const a = batchOf(dtype, count, m, k, 1, i % 3), b = batchOf(dtype, count, k, n, 2, (i + 1) % 3);
            const c = batchOf(dtype, count, m, n, 3, i % 2);
            onTier(tier, () => gemmBatches({ m, n, k }, a, b, c, dtype, alpha, beta, count));
            return c.data;
          });
          assertEquals(actual, expected, `${count} x ${m} x ${k} x ${n} ${dtype}`);
        }
      });
    }
    assert(all > 0 && here < all, `${here} of ${all} tasks were done by the calling thread`);
  } finally {
    dg.setNumThreads(threads);
  }
});

test("products of a batch are done when a worker is lost in their midst", () => {
  const threads = dg.getNumThreads(), m = 32, count = 60;
  try {
    dg.setNumThreads(2);
    const { pool } = currentTeam();
    let taken = 0;
    Object.assign(pool, {
      stream: (job: Stream, runner: number) =>
        Pool.prototype.stream.call(pool, {
          ...job,
          drain(task, result) {
            if (taken++ === 2) throw new WorkerLost("as if");
            job.drain(task, result);
          },
        }, runner),
    });
    const [shared, alone] = (["wasm+threads", "wasm"] as const).map((tier) => {
      const [a, b, c] = [1, 2, 3].map((seed) => batchOf("float32", count, m, m, seed, 0));
      onTier(tier, () => gemmBatches({ m, n: m, k: m }, a, b, c, "float32", 1, 2, count));
      return c.data;
    });
    assertEquals(taken, 3);
    assertEquals(shared, alone);
  } finally {
    dg.setNumThreads(threads);
  }
});
