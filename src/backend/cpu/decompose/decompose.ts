/**
 * Decompositions of matrices in the CPU's memory: by LAPACK where it is there and the matrix is not tiny, else in JavaScript. All
 * matrices are row-major, in doubles. What the functions promise stands where they are written in JavaScript.
 * @module
 */

import * as own from "./factors.ts";
import * as general from "./general_eigen.ts";
import * as native from "./lapack.ts";
import * as spectra from "./spectra.ts";

export { type Singular, type Symmetric, type Vectors } from "./spectra.ts";
export type { General } from "./general_eigen.ts";

/** Below so many elements a call of a native library costs more than it saves. */
const LEAST = 256;

const lapack = (elements: number) => elements < LEAST ? null : native.lapack();

/** See `lu` in factors.ts. */
export function lu(a: Float64Array, m: number, n: number, pivots: Int32Array): number {
  const routines = lapack(m * n);
  return routines === null ? own.lu(a, m, n, pivots) : native.lu(routines, a, m, n, pivots);
}

/** See `cholesky` in factors.ts. */
export function cholesky(a: Float64Array, n: number): number {
  const routines = lapack(n * n);
  return routines === null ? own.cholesky(a, n) : native.cholesky(routines, a, n);
}

/** See `solveTriangular` in factors.ts. */
export function solveTriangular(
  t: Float64Array,
  n: number,
  b: Float64Array,
  columns: number,
  upper: boolean,
  unit: boolean,
): void {
  const routines = columns === 0 ? null : lapack(n * n);
  if (routines === null) own.solveTriangular(t, n, b, columns, upper, unit);
  else native.solveTriangular(routines, t, n, b, columns, upper, unit);
}

/** Solves A x = b from the LU factors of A, in place, for all columns of b. */
export function solveFactored(
  factors: Float64Array,
  n: number,
  pivots: Int32Array,
  b: Float64Array,
  columns: number,
): void {
  own.exchangeRows(b, columns, pivots);
  solveTriangular(factors, n, b, columns, false, true);
  solveTriangular(factors, n, b, columns, true, false);
}

/** See `qr` in factors.ts. */
export function qr(a: Float64Array, m: number, n: number, tau: Float64Array): void {
  const routines = lapack(m * n);
  if (routines === null) own.qr(a, m, n, tau);
  else native.qr(routines, a, m, n, tau);
}

/** See `reflections` in factors.ts. */
export function reflections(
  v: Float64Array,
  m: number,
  n: number,
  tau: Float64Array,
  count: number,
  columns: number,
): Float64Array {
  const routines = lapack(m * n);
  return routines === null
    ? own.reflections(v, m, n, tau, count, columns)
    : native.reflections(routines, v, m, n, tau, count, columns);
}

/** See `svd` in spectra.ts. */
export function svd(a: Float64Array, m: number, n: number, vectors: spectra.Vectors): spectra.Singular {
  const routines = lapack(m * n);
  const found = routines === null ? null : native.svd(routines, a, m, n, vectors);
  return found ?? spectra.svd(a, m, n, vectors);
}

/** See `symmetricEigen` in spectra.ts. */
export function symmetricEigen(a: Float64Array, n: number): spectra.Symmetric {
  const routines = lapack(n * n);
  const found = routines === null ? null : native.symmetricEigen(routines, a, n);
  return found ?? spectra.symmetricEigen(a, n);
}

/** See `generalEigen` in general_eigen.ts. */
export function generalEigen(a: Float64Array, n: number): general.General | null {
  const routines = lapack(n * n);
  const found = routines === null ? null : native.generalEigen(routines, a, n);
  return found ?? general.generalEigen(a, n);
}
