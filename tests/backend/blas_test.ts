/**
 * BLAS: without the permission nothing is asked or opened, and the reason is told; with it (`deno test --allow-ffi`) products
 * agree with those in JavaScript.
 */
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import * as dg from "../../mod.ts";
import { gemm, setGemmTier } from "../../src/backend/cpu/gemm.ts";
import { gemm as gemmJs, type Matrix } from "../../src/backend/cpu/gemm_js.ts";
import { blasLibrary, blasReport, hasBlasThreads, symbols } from "../../src/backend/cpu/blas/library.ts";
import { gemmBlas } from "../../src/backend/cpu/blas/products.ts";
import { faultOf, routinesOf, type Symbols, wanted } from "../../src/backend/cpu/blas/routines.ts";
import { setNumThreads } from "../../src/backend/cpu/pool.ts";
import { asksWorkers, newPace, runAlone } from "../../src/backend/cpu/wasm/stream.ts";
import { currentTeam } from "../../src/backend/cpu/wasm/team.ts";

const ffi = Deno.permissions.querySync({ name: "ffi" }).state;
const { library, why } = blasReport();
if (library === null) console.log(`tests of BLAS are skipped: ${why}`);

/** A test that needs a library. */
const blasTest = (name: string, fn: () => void) =>
  Deno.test({ name: `blas: ${name}`, ignore: library === null, fn });

type Type = "float32" | "float64";
const types: readonly Type[] = ["float32", "float64"];

// ---- without the permission ---------------------------------------------------------------------------------------

Deno.test({
  name: "blas: without the permission nothing is asked, and the reason is told",
  ignore: ffi === "granted",
  fn() {
    const { dlopen } = Deno, { permissions } = Deno;
    const refuse = () => {
      throw new Error("asked");
    };
    Object.assign(Deno, { dlopen: refuse });
    const asking = (["request", "requestSync"] as const).map((name) => [name, permissions[name]] as const);
    for (const [name] of asking) Object.assign(permissions, { [name]: refuse });
    setGemmTier("blas");
    try {
      dg.setBlas("auto");
      dg.ones(32, 32).mm(dg.ones(32, 32));
    } finally {
      setGemmTier("auto");
      Object.assign(Deno, { dlopen });
      for (const [name, method] of asking) Object.assign(permissions, { [name]: method });
    }
    assertEquals(Deno.permissions.querySync({ name: "ffi" }).state, ffi);
    assertEquals(blasReport().library, null);
    assertEquals(blasReport().why, "native libraries are not permitted: run with --allow-ffi");
    assertEquals(symbols({ dgesv: { args: 8 } }), null);
    assertThrows(
      () => dg.setBlas("libopenblas.so.0"),
      Error,
      "setBlas: libopenblas.so.0 is not permitted: run with --allow-ffi",
    );
    assertEquals(dg.getBlas(), "auto");
  },
});

Deno.test("blas: a choice that is none throws and changes nothing", () => {
  const before = dg.getBlas();
  assertThrows(() => dg.setBlas(""), RangeError, "expects");
  assertThrows(() => dg.setBlas(1 as unknown as string), TypeError, "expects a string, but got number");
  assertThrows(() => dg.setBlas("no-such-library.so"), Error, "no-such-library.so");
  assertEquals(dg.getBlas(), before);
});

Deno.test("blas: off is off", () => {
  const before = dg.getBlas();
  dg.setBlas("off");
  try {
    assertEquals(dg.getBlas(), "off");
    assertEquals(blasLibrary(), null);
    assertEquals(blasReport().why, "switched off");
    assertEquals(symbols({ dgesv: { args: 8 } }), null);
  } finally {
    dg.setBlas(before);
  }
});

Deno.test("backends() shows itself", () => {
  const shown = dg.backends();
  assertMatch(
    String(shown),
    /^cpu {5}(WASM SIMD|JavaScript).*, \d+ threads?\nblas {4}\S.*\nwebgpu {2}\S.*$/,
  );
  assertEquals(Deno.inspect(shown), String(shown));
  const bundle = (shown as unknown as Record<symbol, () => Record<string, string>>)
    [Symbol.for("Jupyter.display")]();
  assertEquals(bundle["text/plain"], String(shown));
  assertMatch(bundle["text/html"], /^<table><tr><th[^>]*>cpu<\/th>/);
});

/** What a program of its own prints, with these permissions and this choice from outside. */
function printed(code: string, ...permissions: string[]): string {
  const file = Deno.makeTempFileSync({ suffix: ".ts" });
  try {
    Deno.writeTextFileSync(
      file,
      `import * as dg from "${new URL("../../mod.ts", import.meta.url)}";\n${code}`,
    );
    const { code: status, stdout, stderr } = new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--no-prompt", "--no-check", ...permissions, file],
      env: { DINOGRAD_BLAS: "no-such-library.so", NO_COLOR: "1" },
      cwd: new URL("../../", import.meta.url),
    }).outputSync();
    assertEquals(status, 0, new TextDecoder().decode(stderr));
    return new TextDecoder().decode(stdout).trim();
  } finally {
    Deno.removeSync(file);
  }
}

const mayRun = (["run", "write", "read"] as const).every((name) =>
  Deno.permissions.querySync({ name }).state === "granted"
);

Deno.test({
  name:
    "blas: the choice comes from the environment where that may be read, and a bad one is told, not thrown",
  ignore: !mayRun,
  fn() {
    const code = `
      const sum = dg.ones(32, 32).mm(dg.ones(32, 32)).sum().item();
      console.log(sum, dg.getBlas(), dg.backends().cpu.blas.why);`;
    assertEquals(printed(code), "32768 auto native libraries are not permitted: run with --allow-ffi");
    assertEquals(
      printed(code, "--allow-env"),
      "32768 no-such-library.so no-such-library.so is not permitted: run with --allow-ffi",
    );
    if (Deno.permissions.querySync({ name: "ffi" }).state !== "granted") return;
    assertMatch(
      printed(code, "--allow-env", "--allow-ffi"),
      /^32768 no-such-library\.so no-such-library\.so: \S.*$/,
    );
  },
});

// ---- with it ------------------------------------------------------------------------------------------------------

const arrayOf = (dtype: Type, length: number) =>
  dtype === "float32" ? new Float32Array(length) : new Float64Array(length);

/** Ways that a matrix can lie in memory. */
const layouts = [
  "rows",
  "columns",
  "rows with gaps",
  "columns with gaps",
  "apart",
  "one row for all",
  "upside down",
];

/** A matrix of small whole numbers, so that every sum is exact and all ways agree in every bit. */
function matrix(dtype: Type, rows: number, columns: number, layout: number, seed: number): Matrix {
  const [offset, rowStride, columnStride] = [
    [seed % 2 * 3, columns, 1],
    [3, 1, rows],
    [3, columns + 3, 1],
    [3, 1, rows + 3],
    [3, 2 * columns + 5, 2],
    [3, 0, 1],
    [3 + Math.max(0, rows - 1) * columns, -columns, 1],
  ][layout];
  const length = 9 + rows * Math.abs(rowStride) + columns * columnStride;
  const data = arrayOf(dtype, length);
  for (let i = 0; i < length; i++) data[i] = (i * 7919 + seed * 104729) % 5 - 2;
  return { data, offset, rowStride, columnStride };
}

/** Compares everything that c's memory holds, what lies between its elements included. */
function compare([m, n, k]: readonly number[], dtype: Type, way: number, run: typeof gemm = gemm): void {
  const [la, lb, lc] = [way % 7, Math.floor(way / 7) % 7, Math.floor(way / 49) % 5];
  const a = matrix(dtype, m, k, la, 1), b = matrix(dtype, k, n, lb, 2), c = matrix(dtype, m, n, lc, 3);
  const expected = { ...c, data: c.data.slice() };
  const [alpha, beta] = [[1, 0], [1, 1], [2, 0], [-1, 3], [0, 2]][way % 5];
  run({ m, n, k }, a, b, c, dtype, alpha, beta);
  gemmJs({ m, n, k }, a, b, expected, dtype, alpha, beta);
  const wrong = c.data.findIndex((x, i) => x !== expected.data[i]);
  assert(
    wrong < 0,
    `${m}x${k} (${layouts[la]}) @ ${k}x${n} (${layouts[lb]}) into ${
      layouts[lc]
    } in ${dtype}, alpha ${alpha}, ` +
      `beta ${beta}: ${c.data[wrong]} at ${wrong}, expected ${expected.data[wrong]}`,
  );
}

/** The product in BLAS where it can be, which is counted. */
let taken = 0, left = 0;
const byBlas: typeof gemm = (size, a, b, c, dtype, alpha = 1, beta = 0) => {
  if (size.m * size.n * size.k > 0 && gemmBlas(size, a, b, c, dtype === "float64", alpha, beta)) taken++;
  else {
    left++;
    gemmJs(size, a, b, c, dtype, alpha, beta);
  }
};

for (const dtype of types) {
  blasTest(`${dtype}: all shapes up to 12, all layouts`, () => {
    taken = left = 0;
    let way = 0;
    for (let m = 0; m <= 12; m++) {
      for (let n = 0; n <= 12; n++) {
        for (let k = 0; k <= 12; k++) compare([m, n, k], dtype, way = (way + 8) % 245, byBlas);
      }
    }
    // What is left: alpha 0, no elements, and results that lie apart
    assert(taken > 0.4 * (taken + left), `${taken} of ${taken + left} products went to BLAS`);
    for (let way = 0; way < 245; way++) compare([5, 4, 3], dtype, way, byBlas);
    for (let way = 0; way < 245; way++) compare([1, 1, 7], dtype, way, byBlas);
    for (let way = 0; way < 245; way++) compare([1, 6, 7], dtype, way, byBlas);
    for (let way = 0; way < 245; way++) compare([6, 1, 7], dtype, way, byBlas);
  });

  blasTest(`${dtype}: larger shapes, as gemm chooses`, () => {
    const sizes = [[64, 64, 64], [300, 7, 500], [7, 300, 500], [1, 1, 100000], [1, 400, 300], [400, 1, 300], [
      200,
      260,
      2,
    ]];
    sizes.forEach((size, i) => [0, 8, 33, 57, 100].forEach((way) => compare(size, dtype, way + i)));
  });

  blasTest(`${dtype}: the rounding of sums is that of their length`, () => {
    const [m, n, k] = [37, 41, 900];
    dg.manualSeed(0);
    const a = dg.randn(m, k, { dtype }), b = dg.randn(k, n, { dtype });
    const exact = a.to("float64").mm(b.to("float64"));
    const bound = a.to("float64").abs().mm(b.to("float64").abs()).mul(
      Math.sqrt(k) * (dtype === "float32" ? 2 ** -23 : 2 ** -52),
    );
    const off = a.mm(b).to("float64").sub(exact).abs().sub(bound).max().item() as number;
    assert(off <= 0);
  });
}

blasTest("NaN and infinities arrive, and c is not read with beta 0", () => {
  for (const dtype of types) {
    for (const [m, n] of [[20, 30], [600, 1], [1, 600], [1, 1]]) {
      const k = m * n === 1 ? 5000 : 20;
      const a = arrayOf(dtype, m * k).fill(1),
        b = arrayOf(dtype, k * n).fill(0),
        c = arrayOf(dtype, m * n).fill(NaN);
      const run = (alpha: number, beta: number) =>
        gemm(
          { m, n, k },
          { data: a, offset: 0, rowStride: k, columnStride: 1 },
          { data: b, offset: 0, rowStride: n, columnStride: 1 },
          { data: c, offset: 0, rowStride: n, columnStride: 1 },
          dtype,
          alpha,
          beta,
        );
      run(1, 0);
      assertEquals(c.every((x) => x === 0), true, `${m}x${n}, beta 0`);
      a[3] = Infinity; // times 0
      run(1, 0);
      assertEquals(Array.from(c.subarray(0, n)), Array(n).fill(NaN), `${m}x${n}, infinity times 0`);
      assertEquals(c.subarray(n).every((x) => x === 0), true);
      b.fill(1);
      run(2, 0);
      assertEquals(Array.from(c.subarray(0, n)), Array(n).fill(Infinity));
      a[3] = NaN;
      run(0, 0);
      assertEquals(Array.from(c.subarray(0, n)), Array(n).fill(NaN), `${m}x${n}, alpha 0`);
      a[3] = 1;
      run(1, NaN);
      assertEquals(c.every(Number.isNaN), true, `${m}x${n}, beta NaN`);
    }
  }
});

blasTest("memory that is not there is not touched", () => {
  const data = new Float32Array(100), whole = { data, offset: 0, rowStride: 10, columnStride: 1 };
  const size = { m: 10, n: 10, k: 10 };
  const wrong: Matrix[] = [
    { ...whole, offset: 1 },
    { ...whole, rowStride: 11 },
    { ...whole, data: new Float32Array(99) },
    { ...whole, offset: -1 },
    {
      ...whole,
      data: new Float32Array(structuredClone(data.buffer, { transfer: [data.slice().buffer] }), 4),
    },
  ];
  for (const x of wrong) {
    const c = { ...whole, data: new Float32Array(100) };
    assertEquals(gemmBlas(size, x, whole, c, false, 1, 0), false);
    assertEquals(gemmBlas(size, whole, x, c, false, 1, 0), false);
    assertEquals(gemmBlas(size, whole, whole, x, false, 1, 0), false);
  }
});

blasTest("products of tensors, with gradients, views and batches, agree with those of WebAssembly", () => {
  dg.manualSeed(1);
  const a = dg.randn(6, 40, 50, { dtype: "float64", requiresGrad: true });
  const b = dg.randn(30, 50, { dtype: "float64", requiresGrad: true });
  const run = () => {
    a.grad = b.grad = null;
    const y = dg.matmul(a, b.t()).slice(1, 3, 37).baddbmm(a.slice(1, 0, 34), b.t().expand(6, 50, 30), {
      beta: 0.5,
    });
    y.square().sum().backward();
    return [y.detach(), a.grad!, b.grad!];
  };
  const [blas, wasm] = (["blas", "wasm"] as const).map((tier) => {
    setGemmTier(tier);
    try {
      return run();
    } finally {
      setGemmTier("auto");
    }
  });
  blas.forEach((x, i) => assert(x.sub(wasm[i]).abs().max().item() as number < 1e-9));
});

blasTest("other types do not go there", () => {
  const a = dg.full([64, 64], 3n), b = dg.ones(64, 64, { dtype: "float16" });
  assertEquals(a.mm(a).sum().item(), 64 ** 3 * 9);
  assertEquals(b.mm(b).dtype, "float16");
});

blasTest("the number of threads is followed", () => {
  const { openblas_get_num_threads: count } = Deno.dlopen(library!, {
    openblas_get_num_threads: { parameters: [], result: "i32", optional: true },
  }).symbols;
  const a = dg.randn(300, 300), threads = dg.getNumThreads();
  const before = a.mm(a);
  try {
    setNumThreads(1);
    assert(a.mm(a).sub(before).abs().max().item() as number < 1e-3);
    if (count !== null) assertEquals(count(), 1);
  } finally {
    setNumThreads(threads);
  }
  a.mm(a);
  if (count !== null) assertEquals(count(), threads);
});

blasTest("other threads are asked for more while the library has its own", () => {
  const pace = newPace(), least = 1 << 16, threads = dg.getNumThreads();
  const asks = (elements: number) => asksWorkers(pace, elements, least);
  /** Work that takes a moment. */
  const work = () =>
    runAlone(pace, least, least, () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 4));
  try {
    setNumThreads(2);
    const { pool } = currentTeam();
    Object.defineProperty(pool, "workers", { value: 1 });
    dg.setBlas("off");
    assert(!hasBlasThreads());
    for (let i = 0; i < 10 && !asks(least); i++) work(); // until no trial of work alone is on
    assertEquals([asks(least - 1), asks(least)], [false, true]);
    dg.setBlas("auto");
    assert(blasLibrary() !== null && hasBlasThreads());
    assertEquals([asks(least), asks(15 * least), asks(100 * least)], [false, false, true]);
    setNumThreads(1);
    assert(!hasBlasThreads());
  } finally {
    setNumThreads(threads);
    dg.setBlas("auto");
  }
});

blasTest("Fortran's routines take the place of CBLAS's", () => {
  const found = Deno.dlopen(library!, wanted).symbols as unknown as Symbols;
  const only = Object.fromEntries(
    Object.entries(found).map(([name, f]) => [name, name.startsWith("cblas") ? null : f]),
  ) as Symbols;
  const routines = routinesOf(only);
  assert(typeof routines !== "string");
  assertEquals(routines.sdot, null);
  assertEquals(faultOf(routines), null);
  assertEquals(routinesOf({ ...only, dgemv_: null }), "cblas_dgemv");
});

blasTest("a library that computes otherwise is told", () => {
  const routines = routinesOf(Deno.dlopen(library!, wanted).symbols as unknown as Symbols);
  assert(typeof routines !== "string");
  assertEquals(faultOf(routines), null);
  assertMatch(faultOf({ ...routines, dgemm: (...args) => args[12].fill(0) })!, /^dgemm gave 0,0,0,0,0$/);
  assertMatch(faultOf({ ...routines, sgemv: () => {} })!, /^sgemv gave 1,10$/);
  assertMatch(faultOf({ ...routines, sdot: () => NaN })!, /^sdot gave NaN$/);
});

blasTest("a library without products, and a file that is none, are refused with the reason", () => {
  const me = new URL(import.meta.url).pathname;
  const before = dg.getBlas();
  assertThrows(() => dg.setBlas(me), Error, "setBlas: ");
  if (Deno.build.os === "linux") {
    assertThrows(() => dg.setBlas("libc.so.6"), Error, "libc.so.6 has no cblas_sgemm");
  }
  assertEquals(dg.getBlas(), before);
  dg.setBlas(library!);
  assertEquals(blasReport().why, "chosen by setBlas");
  dg.setBlas(before);
  assertEquals(blasReport().library, library);
});

blasTest("LAPACK's routines come from the same library, or from the one beside it", () => {
  const found = symbols({ dgesv: { args: 8 }, dpotrf: { args: 5, texts: 1 } });
  assert(found !== null);
  const int = (x: number) => new Int32Array([x]);
  // Column-major: [4 1; 2 3] x = [9; 13] has x = [1.4, 3.4]
  const a = new Float64Array([4, 2, 1, 3]), b = new Float64Array([9, 13]), info = int(1);
  found.dgesv(int(2), int(1), a, int(2), new Int32Array(2), b, int(2), info);
  assertEquals(info[0], 0);
  assert(Math.abs(b[0] - 1.4) < 1e-15 && Math.abs(b[1] - 3.4) < 1e-15);
  const s = new Float64Array([4, 2, 2, 5]);
  found.dpotrf(new Uint8Array([76]), int(2), s, int(2), info);
  assertEquals([info[0], s[0], s[1], s[3]], [0, 2, 1, 2]);
  assertEquals(symbols({ no_such_routine: { args: 1 } }), null);
});

blasTest("sums in place: what goes there, and what does not", () => {
  const n = 20000, before = setGemmTier("auto");
  try {
    for (const dtype of ["float32", "float64"] as const) {
      const x = dg.randn(n, { dtype }), start = dg.randn(n, { dtype });
      const cases: [string, (y: dg.Tensor) => dg.Tensor, (y: dg.Tensor) => dg.Tensor][] = [
        ["add_", (y) => y.add_(x), (y) => y.add(x)],
        ["sub_", (y) => y.sub_(x), (y) => y.sub(x)],
        ["add_ alpha", (y) => y.add_(x, { alpha: 0.3 }), (y) => y.add(x, { alpha: 0.3 })],
        ["sub_ alpha", (y) => y.sub_(x, { alpha: -2 }), (y) => y.sub(x, { alpha: -2 })],
        ["a part", (y) => (y.narrow(0, 5, n - 9).add_(x.narrow(0, 9, n - 9)), y), (y) => {
          const out = y.clone();
          out.narrow(0, 5, n - 9).copy_(y.narrow(0, 5, n - 9).add(x.narrow(0, 9, n - 9)));
          return out;
        }],
        ["itself", (y) => y.add_(y), (y) => y.add(y)],
        ["every second", (y) => (y["::2"].add_(x["::2"]), y), (y) => {
          const out = y.clone();
          out["::2"].copy_(y["::2"].add(x["::2"]));
          return out;
        }],
        ["alpha 0 and NaN", (y) => y.add_(x.mul(NaN), { alpha: 0 }), (y) => y.mul(NaN)],
      ];
      for (const [name, inPlace, plain] of cases) {
        const y = start.clone(), got = inPlace(y);
        assert(
          dg.allclose(got, plain(start), { rtol: 1e-6, atol: 1e-6, equalNan: true }),
          `${name} ${dtype}`,
        );
        assertEquals(got, y);
      }
      const p = dg.zeros(n, { dtype, requiresGrad: true });
      for (let i = 0; i < 3; i++) p.mul(x).sum().backward();
      assert(dg.allclose(p.grad!, x.mul(3)), "gradients that add up");
    }
  } finally {
    setGemmTier(before);
  }
});
