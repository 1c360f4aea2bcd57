/**
 * Singular values, and eigenvalues of symmetric matrices, by the library ml-matrix. Matrices are row-major, in doubles.
 * @module
 */

import { EigenvalueDecomposition, Matrix, SingularValueDecomposition } from "npm:ml-matrix@6.15.1";
import { qr, reflections } from "./factors.ts";

/** Singular values, largest first, and the singular vectors: columns of u, rows of vh. */
export interface Singular {
  /** Left singular vectors: m by min(m, n), or by m. Empty if none were asked for. */
  readonly u: Float64Array;
  /** Singular values, largest first. */
  readonly s: Float64Array;
  /** Right singular vectors: min(m, n), or n, by n. */
  readonly vh: Float64Array;
}

/** Eigenvalues in ascending order, and eigenvectors as columns. */
export interface Symmetric {
  /** Eigenvalues in ascending order. */
  readonly values: Float64Array;
  /** Eigenvectors of length 1 as columns. */
  readonly vectors: Float64Array;
}

/** Which singular vectors are wanted: none, as many as there are singular values, or all that the spaces have. */
export type Vectors = "none" | "reduced" | "full";

/** The largest size of an element; 1 for a matrix of zeros. */
function sizeOf(a: Float64Array): number {
  let largest = 0;
  for (let i = 0; i < a.length; i++) largest = Math.max(largest, Math.abs(a[i]));
  return largest === 0 ? 1 : largest;
}

/** The matrix as the library's, divided by `scale`: its own steps take squares, which would overflow or vanish. */
function scaled(a: Float64Array, m: number, n: number, scale: number): Matrix {
  const out = new Matrix(m, n);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) out.set(i, j, a[i * n + j] / scale);
  }
  return out;
}

/** Rows of the library's matrix behind each other, or its columns. */
function flat(x: Matrix, transposed = false): Float64Array {
  const rows = transposed ? x.columns : x.rows, columns = transposed ? x.rows : x.columns;
  const out = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) out[i * columns + j] = transposed ? x.get(j, i) : x.get(i, j);
  }
  return out;
}

/** The singular value decomposition of an m by n matrix of finite elements. */
export function svd(a: Float64Array, m: number, n: number, vectors: Vectors): Singular {
  const scale = sizeOf(a), want = vectors !== "none";
  const found = new SingularValueDecomposition(scaled(a, m, n, scale), {
    autoTranspose: true,
    computeLeftSingularVectors: want,
    computeRightSingularVectors: want,
  });
  const s = Float64Array.from(found.diagonal, (v) => v * scale);
  if (!want) return { u: new Float64Array(0), s, vh: new Float64Array(0) };
  const k = Math.min(m, n);
  let u = flat(found.leftSingularVectors), vh = flat(found.rightSingularVectors, true);
  if (vectors === "full" && m > k) u = completed(u, m, k);
  if (vectors === "full" && n > k) vh = turned(completed(turned(vh, k, n), n, k), n, n);
  return { u, s, vh };
}

/** The transpose of an m by n matrix. */
export function turned(a: Float64Array, m: number, n: number): Float64Array {
  const out = new Float64Array(m * n);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) out[j * m + i] = a[i * n + j];
  }
  return out;
}

/** k orthonormal columns of length m, and behind them others that make a whole basis. */
function completed(columns: Float64Array, m: number, k: number): Float64Array {
  const work = columns.slice(), tau = new Float64Array(k);
  qr(work, m, k, tau);
  const q = reflections(work, m, k, tau, k, m);
  for (let i = 0; i < m; i++) q.set(columns.subarray(i * k, (i + 1) * k), i * m);
  return q;
}

/** Eigenvalues and eigenvectors of a symmetric n by n matrix of finite elements. */
export function symmetricEigen(a: Float64Array, n: number): Symmetric {
  const scale = sizeOf(a);
  const found = new EigenvalueDecomposition(scaled(a, n, n, scale), { assumeSymmetric: true });
  return {
    values: Float64Array.from(found.realEigenvalues, (v) => v * scale),
    vectors: flat(found.eigenvectorMatrix),
  };
}
