/**
 * Matrix products by BLAS: what BLAS takes as it lies goes there, the rest is packed first.
 * @module
 */
import type { GemmSize, Matrix } from "../gemm_js.ts";
import { blasLibrary, type Library } from "./library.ts";
import { AS_IT_IS, type Floats, ROW_MAJOR, TRANSPOSED } from "./routines.ts";

/** BLAS counts in 32 bits. */
const MOST = 2 ** 31 - 1;

/**
 * How BLAS can read a matrix as it lies: the elements from a row to the next, negative if rows are its columns; 0 if it cannot.
 * A single row or column has any step.
 */
function leading({ rowStride, columnStride }: Matrix, rows: number, columns: number): number {
  if (columnStride === 1 || columns === 1) {
    if (rows === 1) return columns;
    if (rowStride >= columns) return rowStride;
  }
  if (rowStride === 1 || rows === 1) {
    if (columns === 1) return -rows;
    if (columnStride >= rows) return -columnStride;
  }
  return 0;
}

/** The memory from the first element on. */
function from({ data, offset }: Matrix): Floats {
  return (offset === 0 ? data : data.subarray(offset)) as Floats;
}

/** Whether all elements are there: native code reads whatever address it is given. */
function holds({ data, offset }: Matrix, step: number, rows: number, columns: number): boolean {
  const reach = step > 0 ? (rows - 1) * step + columns : (columns - 1) * -step + rows;
  return offset >= 0 && offset + reach <= data.length;
}

const scratch: { float32: Float32Array<ArrayBuffer>[]; float64: Float64Array<ArrayBuffer>[] } = {
  float32: [],
  float64: [],
};

/** Scratch for so many elements is kept for the next product, larger is not. */
const KEPT = 1 << 20;

function room(doubles: boolean, which: number, length: number): Floats {
  const kept = doubles ? scratch.float64 : scratch.float32;
  if (kept[which] !== undefined && kept[which].length >= length) return kept[which];
  const made = doubles ? new Float64Array(length) : new Float32Array(length);
  if (length <= KEPT) kept[which] = made as Float32Array<ArrayBuffer> & Float64Array<ArrayBuffer>;
  return made;
}

/** A copy whose rows lie one behind the other. */
function pack(x: Matrix, rows: number, columns: number, doubles: boolean, which: number): Matrix {
  const to = room(doubles, which, rows * columns), data = x.data as Floats;
  for (let i = 0, o = 0; i < rows; i++) {
    for (let j = 0, p = x.offset + i * x.rowStride; j < columns; j++, p += x.columnStride) to[o++] = data[p];
  }
  return { data: to, offset: 0, rowStride: columns, columnStride: 1 };
}

/**
 * `c = alpha * a @ b + beta * c` for sizes above 0; with beta 0, c is not read. False if there is no library, or if it cannot
 * write c as it lies or takes the factors otherwise, and then nothing has happened.
 */
export function gemmBlas(
  size: GemmSize,
  a: Matrix,
  b: Matrix,
  c: Matrix,
  doubles: boolean,
  alpha: number,
  beta: number,
): boolean {
  const { m, n, k } = size;
  const library = blasLibrary();
  // With alpha 0 BLAS would not see a NaN in the factors, and to some a beta of NaN is 0.
  if (library === null || alpha === 0 || !Number.isFinite(alpha) || !Number.isFinite(beta)) return false;
  const ldc = leading(c, m, n);
  if (ldc === 0 || !holds(c, ldc, m, n)) return false;
  if (n !== 1 && (m === 1 || ldc < 0)) {
    const swapped = { m: n, n: m, k };
    return gemmBlas(swapped, transposed(b), transposed(a), transposed(c), doubles, alpha, beta);
  }
  let lda = leading(a, m, k), ldb = leading(b, k, n);
  if (lda === 0) {
    a = pack(a, m, k, doubles, 0);
    lda = k;
  } else if (!holds(a, lda, m, k)) return false;
  if (ldb === 0) {
    b = pack(b, k, n, doubles, 1);
    ldb = n;
  } else if (!holds(b, ldb, k, n)) return false;
  const opA = lda > 0 ? AS_IT_IS : TRANSPOSED, opB = ldb > 0 ? AS_IT_IS : TRANSPOSED;
  lda = Math.abs(lda);
  ldb = Math.abs(ldb);
  if (Math.max(m, n, k, lda, ldb, ldc) > MOST) return false;
  const x = from(a), y = from(b), z = from(c);
  if (n === 1) timesVector(library, m, k, alpha, x, lda, opA, y, ldb, beta, z, ldc, doubles);
  else if (doubles) library.dgemm(ROW_MAJOR, opA, opB, m, n, k, alpha, x, lda, y, ldb, beta, z, ldc);
  else library.sgemm(ROW_MAJOR, opA, opB, m, n, k, alpha, x, lda, y, ldb, beta, z, ldc);
  return true;
}

function timesVector(
  { sdot, ddot, sgemv, dgemv }: Library,
  m: number,
  k: number,
  alpha: number,
  a: Floats,
  lda: number,
  op: number,
  x: Floats,
  xStep: number,
  beta: number,
  y: Floats,
  yStep: number,
  doubles: boolean,
): void {
  const dot = doubles ? ddot : sdot;
  if (m === 1 && dot !== null) {
    const sum = alpha * dot(k, a, op === AS_IT_IS ? 1 : lda, x, xStep);
    y[0] = beta === 0 ? sum : sum + beta * y[0];
    return;
  }
  // Some libraries read y in spite of beta 0.
  if (beta === 0) {
    if (yStep === 1) y.fill(0, 0, m);
    else for (let i = 0, p = 0; i < m; i++, p += yStep) y[p] = 0;
  }
  const rows = op === AS_IT_IS ? m : k, columns = op === AS_IT_IS ? k : m;
  if (doubles) dgemv(ROW_MAJOR, op, rows, columns, alpha, a, lda, x, xStep, beta, y, yStep);
  else sgemv(ROW_MAJOR, op, rows, columns, alpha, a, lda, x, xStep, beta, y, yStep);
}

function transposed({ data, offset, rowStride, columnStride }: Matrix): Matrix {
  return { data, offset, rowStride: columnStride, columnStride: rowStride };
}
