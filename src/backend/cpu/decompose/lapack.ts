/**
 * Decompositions by LAPACK, where native libraries may be opened and one is found. Matrices are row-major, in doubles; LAPACK, which
 * reads columns, sees their transposes.
 * @module
 */

import { blasLibrary, getBlas, onOneThread, type Routine, symbols } from "../blas/library.ts";
import type { General } from "./general_eigen.ts";
import { type Singular, type Symmetric, turned, type Vectors } from "./spectra.ts";

/** Routines with the number of their arguments, and of those that are letters. */
const list = {
  dgetrf: { args: 6 },
  dpotrf: { args: 5, texts: 1 },
  dtrsm: { args: 11, texts: 4 },
  dgeqrf: { args: 8 },
  dorgqr: { args: 9 },
  dgesdd: { args: 14, texts: 1 },
  dsyevd: { args: 11, texts: 2 },
  dgeev: { args: 14, texts: 2 },
} as const;

/** Routines that some libraries are too old for. */
const newer = { dgetrf2: { args: 6 } } as const;

type Routines = Readonly<Record<keyof typeof list, Routine> & Partial<Record<keyof typeof newer, Routine>>>;

let found: { readonly choice: string; readonly routines: Routines | null } | null = null;

/** LAPACK, looked for once for each choice of a library; null if there is none. */
export function lapack(): Routines | null {
  const choice = getBlas();
  if (found === null || found.choice !== choice) {
    const routines = choice === "off" ? null : symbols(list);
    found = { choice, routines: routines && { ...routines, ...symbols(newer) } };
  }
  return found.routines;
}

const whole = (value: number): Int32Array => Int32Array.of(value);
const letter = (text: string): Uint8Array => Uint8Array.of(text.charCodeAt(0));
const least = (n: number): Int32Array => whole(Math.max(n, 1));

/** Runs a routine that first tells how much scratch it wants. */
function withScratch(run: (work: Float64Array, length: Int32Array) => void): void {
  const size = new Float64Array(1);
  run(size, whole(-1));
  const length = Math.max(Math.ceil(size[0]), 1);
  run(new Float64Array(length), whole(length));
}

/** As `lu` of factors.ts. */
export function lu(r: Routines, a: Float64Array, m: number, n: number, pivots: Int32Array): number {
  const columns = turned(a, m, n), info = new Int32Array(1);
  const run = (routine: Routine) => routine(whole(m), whole(n), columns, least(m), pivots, info);
  // OpenBLAS's own threaded LU takes half a mebibyte of stack for each halving of the matrix, four times over from 256 columns on:
  // more than there is on Deno's threads for tests and workers. The recursive one of LAPACK gets its threads from the products.
  if (blasLibrary()?.kind !== "OpenBLAS") run(r.dgetrf);
  else if (r.dgetrf2 !== undefined && Math.min(m, n) >= 512) run(r.dgetrf2);
  else onOneThread(() => run(r.dgetrf));
  a.set(turned(columns, n, m));
  for (let i = 0; i < pivots.length; i++) pivots[i]--;
  return info[0];
}

/** As `cholesky` of factors.ts. */
export function cholesky(r: Routines, a: Float64Array, n: number): number {
  const info = new Int32Array(1);
  r.dpotrf(letter("U"), whole(n), a, least(n), info);
  for (let i = 0; i < n; i++) a.fill(0, i * n + i + 1, (i + 1) * n);
  return info[0];
}

/** As `solveTriangular` of factors.ts. */
export function solveTriangular(
  r: Routines,
  t: Float64Array,
  n: number,
  b: Float64Array,
  columns: number,
  upper: boolean,
  unit: boolean,
): void {
  const side = letter("R"), half = letter(upper ? "L" : "U"), diagonal = letter(unit ? "U" : "N");
  const factor = Float64Array.of(1);
  r.dtrsm(
    side,
    half,
    letter("N"),
    diagonal,
    whole(columns),
    whole(n),
    factor,
    t,
    least(n),
    b,
    least(columns),
  );
}

/** As `qr` of factors.ts. */
export function qr(r: Routines, a: Float64Array, m: number, n: number, tau: Float64Array): void {
  const columns = turned(a, m, n), info = new Int32Array(1);
  withScratch((work, length) => r.dgeqrf(whole(m), whole(n), columns, least(m), tau, work, length, info));
  a.set(turned(columns, n, m));
}

/** As `reflections` of factors.ts. */
export function reflections(
  r: Routines,
  v: Float64Array,
  m: number,
  n: number,
  tau: Float64Array,
  count: number,
  columns: number,
): Float64Array {
  // LAPACK writes Q over the vectors
  const q = new Float64Array(columns * m), from = turned(v, m, n), info = new Int32Array(1);
  q.set(from.subarray(0, Math.min(columns, count) * m));
  withScratch((work, length) =>
    r.dorgqr(whole(m), whole(columns), whole(count), q, least(m), tau, work, length, info)
  );
  return turned(q, columns, m);
}

/** As `svd` of spectra.ts; null if it does not converge. */
export function svd(r: Routines, a: Float64Array, m: number, n: number, vectors: Vectors): Singular | null {
  const k = Math.min(m, n), none = vectors === "none", full = vectors === "full";
  const rows = none ? 1 : full ? n : k, columns = none ? 1 : full ? m : k;
  const s = new Float64Array(k), info = new Int32Array(1), steps = new Int32Array(8 * k);
  const vh = new Float64Array(none ? 1 : rows * n), u = new Float64Array(none ? 1 : m * columns);
  const job = letter(none ? "N" : full ? "A" : "S"), input = a.slice();
  // of the transpose, whose left singular vectors are the right ones
  withScratch((work, length) => {
    const left = [vh, least(none ? 1 : n)] as const, right = [u, least(columns)] as const;
    r.dgesdd(job, whole(n), whole(m), input, least(n), s, ...left, ...right, work, length, steps, info);
  });
  if (info[0] !== 0) return null;
  return none ? { u: new Float64Array(0), s, vh: new Float64Array(0) } : { u, s, vh };
}

/** As `symmetricEigen` of spectra.ts; null if it does not converge. */
export function symmetricEigen(r: Routines, a: Float64Array, n: number): Symmetric | null {
  const vectors = a.slice(), values = new Float64Array(n), info = new Int32Array(1);
  const [job, half] = [letter("V"), letter("L")];
  const size = new Float64Array(1), steps = new Int32Array(1);
  r.dsyevd(job, half, whole(n), vectors, least(n), values, size, whole(-1), steps, whole(-1), info);
  const work = new Float64Array(Math.ceil(size[0])), more = new Int32Array(steps[0]);
  r.dsyevd(
    job,
    half,
    whole(n),
    vectors,
    least(n),
    values,
    work,
    whole(work.length),
    more,
    whole(more.length),
    info,
  );
  return info[0] === 0 ? { values, vectors: turned(vectors, n, n) } : null;
}

/** As `generalEigen` of general_eigen.ts. */
export function generalEigen(r: Routines, a: Float64Array, n: number): General | null {
  const input = turned(a, n, n), re = new Float64Array(n), im = new Float64Array(n), info = new Int32Array(1);
  const left = new Float64Array(1), right = new Float64Array(n * n);
  const [no, yes] = [letter("N"), letter("V")];
  withScratch((work, length) =>
    r.dgeev(no, yes, whole(n), input, least(n), re, im, left, whole(1), right, least(n), work, length, info)
  );
  if (info[0] !== 0) return null;
  const pair = im.findIndex((v) => v !== 0);
  if (pair >= 0) return { complex: { re: re[pair], im: Math.abs(im[pair]) } };
  const order = Array.from(re.keys()).sort((i, j) => re[i] - re[j]), rows = new Float64Array(n * n);
  order.forEach((from, to) => rows.set(right.subarray(from * n, (from + 1) * n), to * n));
  return { values: re.sort(), vectors: turned(rows, n, n) };
}
