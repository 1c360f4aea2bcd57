/** LAPACK gives what the decompositions in JavaScript give; with `deno test --allow-ffi`, where a library is found. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import * as dg from "../../mod.ts";
import * as factors from "../../src/backend/cpu/decompose/factors.ts";
import { generalEigen } from "../../src/backend/cpu/decompose/general_eigen.ts";
import * as native from "../../src/backend/cpu/decompose/lapack.ts";
import * as spectra from "../../src/backend/cpu/decompose/spectra.ts";

const routines = native.lapack();
if (routines === null) {
  console.log("tests of LAPACK are skipped: no library may be opened, or none was found");
}

/** A test that needs a library. */
const lapackTest = (name: string, fn: (r: NonNullable<typeof routines>) => void | Promise<void>) =>
  Deno.test({ name: `lapack: ${name}`, ignore: routines === null, fn: () => fn(routines!) });

const shapes = [[1, 1], [4, 4], [7, 3], [3, 7], [60, 60], [90, 40]];

function random(m: number, n: number): Float64Array {
  return dg.randn(m, n, { dtype: "float64" }).typedArray().slice() as Float64Array;
}

/** Equal up to the sign of each column. */
function nearColumns(a: Float64Array, b: Float64Array, columns: number): void {
  assertEquals(a.length, b.length);
  for (let j = 0; j < columns; j++) {
    let sum = 0;
    for (let i = j; i < a.length; i += columns) sum += a[i] * b[i];
    const sign = Math.sign(sum);
    for (let i = j; i < a.length; i += columns) assertAlmostEquals(a[i] * sign, b[i], 1e-9);
  }
}

function near(a: Float64Array, b: Float64Array, tolerance = 1e-9): void {
  assertEquals(a.length, b.length);
  a.forEach((v, i) => assertAlmostEquals(v, b[i], tolerance));
}

lapackTest("LU, its zero pivots, and Cholesky", (r) => {
  dg.manualSeed(1);
  for (const [m, n] of shapes) {
    const a = random(m, n), b = a.slice(), k = Math.min(m, n);
    const p = new Int32Array(k), q = new Int32Array(k);
    assertEquals(native.lu(r, a, m, n, p), factors.lu(b, m, n, q));
    assertEquals(p, q);
    near(a, b);
  }
  const zero = Float64Array.of(1, 2, 2, 4);
  assertEquals(native.lu(r, zero.slice(), 2, 2, new Int32Array(2)), 2);
  for (const n of [1, 5, 40]) {
    const x = dg.fromTypedArray(random(n, n), [n, n]);
    const a = x.matmul(x.mT).add(dg.eye(n)).typedArray().slice() as Float64Array, b = a.slice();
    assertEquals([native.cholesky(r, a, n), factors.cholesky(b, n)], [0, 0]);
    near(a, b);
  }
  assertEquals(native.cholesky(r, Float64Array.of(1, 2, 2, 1), 2), 2);
});

lapackTest("LU of large matrices on a thread with little stack", async (r) => {
  // what lu() does on this thread, a worker's thread of 2 MiB does
  const code = `
    import * as dg from "${import.meta.resolve("../../mod.ts")}";
    const faults = [256, 300, 520].map((n) => {
      const a = dg.randn(n, n, { dtype: "float64" }), b = dg.ones(n, 1, { dtype: "float64" });
      return dg.linalg.solve(a, a.matmul(b)).sub(b).abs().max().item();
    });
    postMessage(faults);`;
  for (const n of [256, 520]) {
    const a = random(n, n), b = a.slice(), p = new Int32Array(n), q = new Int32Array(n);
    assertEquals(native.lu(r, a, n, n, p), factors.lu(b, n, n, q));
    assertEquals(p, q);
    near(a, b, 1e-8);
  }
  const worker = new Worker(`data:text/typescript,${encodeURIComponent(code)}`, { type: "module" });
  try {
    const faults = await new Promise<number[]>((resolve, reject) => {
      worker.onmessage = (event) => resolve(event.data);
      worker.onerror = (event) => reject(new Error(event.message));
    });
    faults.forEach((fault) => assert(fault < 1e-8, `off by ${fault}`));
  } finally {
    worker.terminate();
  }
});

lapackTest("triangular systems", (r) => {
  dg.manualSeed(2);
  const n = 20, columns = 3;
  const t = random(n, n).map((v, i) => i % (n + 1) === 0 ? v + 9 : v / 9);
  for (const upper of [false, true]) {
    for (const unit of [false, true]) {
      const a = random(n, columns), b = a.slice();
      native.solveTriangular(r, t, n, a, columns, upper, unit);
      factors.solveTriangular(t, n, b, columns, upper, unit);
      near(a, b);
    }
  }
});

lapackTest("QR with its reflections", (r) => {
  dg.manualSeed(3);
  for (const [m, n] of shapes) {
    const a = random(m, n), b = a.slice(), k = Math.min(m, n);
    const p = new Float64Array(k), q = new Float64Array(k);
    native.qr(r, a, m, n, p);
    factors.qr(b, m, n, q);
    near(a, b);
    near(p, q);
    for (const columns of new Set([k, m])) {
      near(native.reflections(r, a, m, n, p, k, columns), factors.reflections(b, m, n, q, k, columns));
    }
  }
});

lapackTest("singular values", (r) => {
  dg.manualSeed(4);
  for (const [m, n] of shapes) {
    const a = random(m, n), k = Math.min(m, n), own = spectra.svd(a, m, n, "reduced");
    near(native.svd(r, a, m, n, "none")!.s, own.s);
    const found = native.svd(r, a, m, n, "reduced")!;
    near(found.s, own.s);
    nearColumns(found.u, own.u, k);
    nearColumns(spectra.turned(found.vh, k, n), spectra.turned(own.vh, k, n), k);
    const full = native.svd(r, a, m, n, "full")!;
    assertEquals([full.u.length, full.vh.length], [m * m, n * n]);
  }
});

lapackTest("eigenvalues", (r) => {
  dg.manualSeed(5);
  for (const n of [1, 6, 40]) {
    const x = dg.fromTypedArray(random(n, n), [n, n]);
    const a = x.add(x.mT).typedArray().slice() as Float64Array;
    const found = native.symmetricEigen(r, a, n)!, own = spectra.symmetricEigen(a, n);
    near(found.values, own.values);
    nearColumns(found.vectors, own.vectors, n);
    // the same in another basis
    const basis = dg.fromTypedArray(random(n, n), [n, n]).mul(0.05).add(dg.eye(n, { dtype: "float64" }));
    const general = dg.linalg.inv(basis).matmul(dg.fromTypedArray(a, [n, n])).matmul(basis);
    const b = general.typedArray().slice() as Float64Array;
    const p = native.generalEigen(r, b, n)!, q = generalEigen(b, n)!;
    assert("values" in p && "values" in q);
    near(p.values, q.values, 1e-8);
    nearColumns(p.vectors, q.vectors, n);
  }
  assertEquals(native.generalEigen(r, Float64Array.of(0, 1, -1, 0), 2), { complex: { re: 0, im: 1 } });
});

lapackTest("is what large matrices use, unless it is switched off", () => {
  const before = dg.getBlas();
  const a = dg.randn(50, 50, { dtype: "float64" });
  const fast = dg.linalg.svdvals(a);
  try {
    dg.setBlas("off");
    assertEquals(native.lapack(), null);
    assert(dg.allclose(dg.linalg.svdvals(a), fast));
  } finally {
    dg.setBlas(before);
  }
  assert(native.lapack() !== null);
});
