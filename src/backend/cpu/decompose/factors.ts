/**
 * Factorizations with a known number of steps, in JavaScript: LU with pivots, Cholesky, QR by reflections, and triangular
 * systems. Matrices are row-major, in doubles; reflections and signs are LAPACK's.
 * @module
 */

import { gemm } from "../gemm.ts";

/** So many columns, or unknowns, are done before the rest of the matrix is brought up to date by a product. */
const PANEL = 48;

/**
 * The LU factors of an m by n matrix in place, rows exchanged so that the largest element is the pivot. `pivots[k]` is the row
 * that was exchanged with row k. Returns the first k + 1 whose pivot is zero, or 0.
 */
export function lu(a: Float64Array, m: number, n: number, pivots: Int32Array): number {
  const steps = Math.min(m, n);
  let zero = 0;
  for (let start = 0; start < steps; start += PANEL) {
    const end = Math.min(start + PANEL, steps);
    const found = luPanel(a, m, n, start, end, pivots);
    if (zero === 0) zero = found;
    if (end < n) updateRight(a, m, n, start, end);
  }
  return zero;
}

/** Factors columns from `start` to before `end`; rows are exchanged over their whole length. */
function luPanel(
  a: Float64Array,
  m: number,
  n: number,
  start: number,
  end: number,
  pivots: Int32Array,
): number {
  let zero = 0;
  for (let k = start; k < end; k++) {
    let best = k, size = Math.abs(a[k * n + k]);
    for (let i = k + 1; i < m; i++) {
      const s = Math.abs(a[i * n + k]);
      if (s > size) [best, size] = [i, s];
    }
    pivots[k] = best;
    if (best !== k) exchange(a, best * n, k * n, n);
    const pivot = a[k * n + k];
    if (pivot === 0) {
      if (zero === 0) zero = k + 1;
      continue;
    }
    for (let i = k + 1; i < m; i++) {
      const factor = a[i * n + k] /= pivot;
      if (factor === 0) continue;
      for (let j = k + 1; j < end; j++) a[i * n + j] -= factor * a[k * n + j];
    }
  }
  return zero;
}

/** What the panel's columns do to the columns on the right of it. */
function updateRight(a: Float64Array, m: number, n: number, start: number, end: number): void {
  for (let k = start; k < end; k++) {
    for (let i = k + 1; i < end; i++) {
      const factor = a[i * n + k];
      for (let j = end; j < n; j++) a[i * n + j] -= factor * a[k * n + j];
    }
  }
  const part = (row: number, column: number) => (
    { data: a, offset: row * n + column, rowStride: n, columnStride: 1 }
  );
  const size = { m: m - end, n: n - end, k: end - start };
  gemm(size, part(end, start), part(start, end), part(end, end), "float64", -1, 1);
}

function exchange(a: Float64Array, p: number, q: number, count: number): void {
  for (let j = 0; j < count; j++) {
    const t = a[p + j];
    a[p + j] = a[q + j];
    a[q + j] = t;
  }
}

/** Exchanges rows of an n by `columns` matrix as a factorization did. */
export function exchangeRows(b: Float64Array, columns: number, pivots: Int32Array): void {
  for (let k = 0; k < pivots.length; k++) {
    if (pivots[k] !== k) exchange(b, pivots[k] * columns, k * columns, columns);
  }
}

/**
 * The lower Cholesky factor of a symmetric n by n matrix, of which the lower triangle is read, in place; zeros above the
 * diagonal. Returns the order of the first leading minor that is not positive-definite, or 0.
 */
export function cholesky(a: Float64Array, n: number): number {
  let failed = 0;
  for (let i = 0; i < n && failed === 0; i++) {
    const row = i * n;
    for (let j = 0; j <= i; j++) {
      const rest = a[row + j] - dotRows(a, row, j * n, j);
      if (j < i) a[row + j] = rest / a[j * n + j];
      else if (rest > 0) a[row + i] = Math.sqrt(rest);
      else {
        a[row + i] = rest;
        failed = i + 1;
      }
    }
  }
  for (let i = 0; i < n; i++) a.fill(0, i * n + i + 1, (i + 1) * n);
  return failed;
}

/** The product of the first elements of two rows; four sums, which the processor can add side by side. */
function dotRows(a: Float64Array, p: number, q: number, count: number): number {
  let s0 = 0, s1 = 0, s2 = 0, s3 = 0, i = 0;
  for (; i + 3 < count; i += 4) {
    s0 += a[p + i] * a[q + i];
    s1 += a[p + i + 1] * a[q + i + 1];
    s2 += a[p + i + 2] * a[q + i + 2];
    s3 += a[p + i + 3] * a[q + i + 3];
  }
  for (; i < count; i++) s0 += a[p + i] * a[q + i];
  return s0 + s1 + (s2 + s3);
}

/** Solves T x = b for a triangular T (n by n), in place, for all columns of b (n by `columns`). */
export function solveTriangular(
  t: Float64Array,
  n: number,
  b: Float64Array,
  columns: number,
  upper: boolean,
  unit: boolean,
): void {
  const blocks = Math.ceil(n / PANEL);
  for (let step = 0; step < blocks; step++) {
    const start = (upper ? blocks - 1 - step : step) * PANEL, end = Math.min(start + PANEL, n);
    solveBlock(t, n, b, columns, upper, unit, start, end);
    // what these unknowns mean for the rows that are not solved yet
    const first = upper ? 0 : end, rows = upper ? start : n - end;
    if (rows === 0) continue;
    const of = (data: Float64Array, row: number, column: number, rowStride: number) => (
      { data, offset: row * rowStride + column, rowStride, columnStride: 1 }
    );
    const size = { m: rows, n: columns, k: end - start };
    gemm(size, of(t, first, start, n), of(b, start, 0, columns), of(b, first, 0, columns), "float64", -1, 1);
  }
}

/** The part of a triangular system whose unknowns go from `start` to before `end`. */
function solveBlock(
  t: Float64Array,
  n: number,
  b: Float64Array,
  columns: number,
  upper: boolean,
  unit: boolean,
  start: number,
  end: number,
): void {
  for (let step = start; step < end; step++) {
    const i = upper ? end - 1 - (step - start) : step, row = i * columns;
    const from = upper ? i + 1 : start, to = upper ? end : i;
    for (let k = from; k < to; k++) {
      const factor = t[i * n + k], other = k * columns;
      if (factor === 0) continue;
      for (let j = 0; j < columns; j++) b[row + j] -= factor * b[other + j];
    }
    if (unit) continue;
    const diagonal = t[i * n + i];
    for (let j = 0; j < columns; j++) b[row + j] /= diagonal;
  }
}

/**
 * QR by Householder reflections, in place: R on and above the diagonal, below it the reflections' vectors (whose first element
 * is 1), and in `tau` their factors.
 */
export function qr(a: Float64Array, m: number, n: number, tau: Float64Array): void {
  const sums = new Float64Array(n);
  for (let k = 0; k < Math.min(m, n); k++) {
    const length = columnLength(a, m, n, k, k + 1);
    if (length === 0) {
      tau[k] = 0;
      continue;
    }
    const head = a[k * n + k], whole = Math.hypot(head, length), beta = head >= 0 ? -whole : whole;
    tau[k] = (beta - head) / beta;
    for (let i = k + 1; i < m; i++) a[i * n + k] /= head - beta;
    a[k * n + k] = beta;
    reflect(a, m, n, k, tau[k], a, n, k + 1, sums);
  }
}

/** The length of part of a column, without overflow. */
function columnLength(a: Float64Array, m: number, n: number, column: number, from: number): number {
  let largest = 0;
  for (let i = from; i < m; i++) {
    const size = Math.abs(a[i * n + column]);
    if (size > largest || size !== size) largest = size;
  }
  if (largest === 0) return 0;
  let sum = 0;
  for (let i = from; i < m; i++) sum += (a[i * n + column] / largest) ** 2;
  return largest * Math.sqrt(sum);
}

/** Applies reflection k of `v` (m by n) to the columns of `b` (m by `columns`) from `first` on. */
function reflect(
  v: Float64Array,
  m: number,
  n: number,
  k: number,
  tau: number,
  b: Float64Array,
  columns: number,
  first: number,
  sums: Float64Array,
): void {
  if (tau === 0 || first >= columns) return;
  for (let j = first; j < columns; j++) sums[j] = b[k * columns + j];
  for (let i = k + 1; i < m; i++) {
    const x = v[i * n + k];
    for (let j = first; j < columns; j++) sums[j] += x * b[i * columns + j];
  }
  for (let j = first; j < columns; j++) b[k * columns + j] -= tau * sums[j];
  for (let i = k + 1; i < m; i++) {
    const x = tau * v[i * n + k];
    for (let j = first; j < columns; j++) b[i * columns + j] -= x * sums[j];
  }
}

/** The first `columns` columns of the product of `count` reflections, as `qr` left them in an m by n matrix. */
export function reflections(
  v: Float64Array,
  m: number,
  n: number,
  tau: Float64Array,
  count: number,
  columns: number,
): Float64Array {
  const q = new Float64Array(m * columns), sums = new Float64Array(columns);
  for (let i = 0; i < Math.min(m, columns); i++) q[i * columns + i] = 1;
  for (let k = count - 1; k >= 0; k--) reflect(v, m, n, k, tau[k], q, columns, 0, sums);
  return q;
}
