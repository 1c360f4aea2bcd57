/**
 * Pseudo-inverses, ranks and least squares.
 * @module
 */

import {
  qr as decomposeQr,
  reflections,
  solveTriangular,
  svd as decomposeSvd,
} from "../../backend/cpu/decompose/decompose.ts";
import { checkFlag, checkKeys, checkTensor } from "../../tensor/arguments.ts";
import { broadcastShapes, type Shape } from "../../tensor/shape.ts";
import { typeName } from "../../tensor/dtype.ts";
import { Tensor } from "../../tensor/tensor.ts";
import { matmul } from "../matmul/matmul.ts";
import { maximum } from "../pointwise.ts";
import { record, recordAll, type Rule } from "../core/record.ts";
import { where } from "../select.ts";
import { expand, squeeze, unsqueeze } from "../view/view.ts";
import { batchText, LinAlgError } from "./checks.ts";
import { eigh, eigvalsh } from "./eigen.ts";
import { checkFinite, matrixAt, readMatrices, written } from "./host.ts";
import { svd, svdvals } from "./svd.ts";
import { mT } from "./triangular.ts";
import { LstsqResult } from "./types.ts";

const epsilon = (x: Tensor): number => x.dtype === "float64" ? Number.EPSILON : 2 ** -23;

// ---- which singular values count as zero --------------------------------------------------------------------------

/** A bound for singular values: a number, or a tensor with one for each matrix. */
export type Tolerance = number | Tensor;

/** Options of {@linkcode pinv} and {@linkcode matrixRank}. */
export interface PinvOptions {
  /** Singular values up to this count as zero; 0 by default. */
  readonly atol?: Tolerance;
  /** Singular values up to this part of the largest count as zero; max(m, n) times the dtype's epsilon unless atol is given. */
  readonly rtol?: Tolerance;
  /** Whether the matrices are symmetric, of which the lower triangle is read; false by default. */
  readonly hermitian?: boolean;
}

/** The greater of atol and rtol times the largest singular value, as [..., 1], for singular values of any order. */
function bound(A: Tensor, sizes: Tensor, { atol, rtol }: PinvOptions): Tensor {
  const [m, n] = A.shape.slice(-2);
  const given = (t: Tolerance) => typeof t === "number" ? t : unsqueeze(t.detach(), -1);
  const relative = rtol ?? (positive(atol) ? 0 : Math.max(m, n) * epsilon(A));
  const largest = sizes.shape[sizes.ndim - 1] === 0
    ? sizes.newZeros([...sizes.shape.slice(0, -1), 1])
    : sizes.amax(-1, { keepdim: true });
  const part = largest.mul(given(relative)), whole = given(atol ?? 0);
  return maximum(part, typeof whole === "number" ? part.mul(0).add(whole) : whole);
}

function positive(t: Tolerance | undefined): boolean {
  return typeof t === "number" ? t > 0 : t !== undefined;
}

const PINV_KEYS = ["atol", "rtol", "hermitian"];

// ---- pseudo-inverses ----------------------------------------------------------------------------------------------

const Pinv: Rule<object> = {
  name: "LinalgPinvBackward0",
  backward: (g, node) => [pinvGradient(g, node.tensor("result"), node.tensor("self"))],
};

function pinvGradient(g: Tensor, P: Tensor, A: Tensor): Tensor {
  const [m, n] = A.shape.slice(-2), gT = mT(g), PT = mT(P);
  if (m <= n) {
    const K = matmul(gT, P), KPT = matmul(K, PT);
    return matmul(P, K).neg().mT.add(KPT).sub(matmul(matmul(A, P), KPT))
      .add(matmul(matmul(PT, P), gT.sub(matmul(K, A))));
  }
  const K = matmul(P, gT), PTK = matmul(PT, K);
  return matmul(K, P).neg().mT.add(matmul(matmul(gT.sub(matmul(A, K)), P), PT)).add(PTK)
    .sub(matmul(matmul(PTK, P), A));
}

/**
 * The pseudo-inverses (Moore-Penrose) of matrices [..., m, n], by singular values.
 *
 * @throws {LinAlgError} if an element is not finite.
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * dg.linalg.pinv(dg.tensor([[2, 0], [0, 0], [0, 0]])); // tensor([[0.5000, 0.0000, 0.0000], [0.0000, 0.0000, 0.0000]])
 * ```
 */
export function pinv(A: Tensor, options: PinvOptions = {}): Tensor {
  const caller = "linalg.pinv";
  checkTensor(A, caller, "A", 1);
  if (A.ndim < 2 || (A.dtype !== "float32" && A.dtype !== "float64")) {
    throw new TypeError(
      `${caller}(${typeName(A.dtype)}{[${
        A.shape.join(", ")
      }]}): expected a tensor with 2 or more dimensions of float, ` +
        "double, cfloat or cdouble types",
    );
  }
  const { hermitian = false } = checkKeys(options, caller, PINV_KEYS), plain = A.detach();
  let out: Tensor;
  if (A.numel() === 0) out = A.newZeros([...A.shape.slice(0, -2), A.shape[A.ndim - 1], A.shape[A.ndim - 2]]);
  else if (checkFlag(hermitian, caller, "hermitian")) {
    const { eigenvalues, eigenvectors } = eigh(plain), sizes = eigenvalues.abs();
    const inverse = where(sizes.gt(bound(A, sizes, options)), eigenvalues.reciprocal(), 0);
    out = matmul(eigenvectors.mul(unsqueeze(inverse, -2)), mT(eigenvectors));
  } else {
    const { U, S, Vh } = svd(plain, { fullMatrices: false });
    const inverse = where(S.gt(bound(A, S, options)), S.reciprocal(), 0);
    out = matmul(mT(Vh).mul(unsqueeze(inverse, -2)), mT(U));
  }
  return record(Pinv, out, [A], {}, { self: A, result: out });
}

/** Options of {@linkcode matrixRank}. */
export interface MatrixRankOptions extends PinvOptions {
  /** The same as `atol`, in NumPy's words. */
  readonly tol?: Tolerance;
}

/**
 * The ranks of matrices [..., m, n]: how many singular values do not count as zero; int64.
 *
 * @throws {LinAlgError} if an element is not finite.
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * dg.linalg.matrixRank(dg.ones(3, 3)); // tensor(1)
 * ```
 */
export function matrixRank(A: Tensor, options: MatrixRankOptions | Tolerance = {}): Tensor {
  const caller = "linalg.matrixRank";
  checkTensor(A, caller, "A", 1);
  if (A.ndim < 2) throw new TypeError(`${caller}: The input tensor input must have at least 2 dimensions.`);
  const given = typeof options === "number" || options instanceof Tensor ? { tol: options } : options;
  const { tol, hermitian = false, ...rest } = checkKeys(given, caller, ["tol", ...PINV_KEYS]);
  const limits = tol === undefined ? rest : { ...rest, atol: tol, rtol: rest.rtol ?? 0 };
  if (A.dtype !== "float32" && A.dtype !== "float64") {
    throw new TypeError("This function doesn't handle types other than float and double");
  }
  const plain = A.detach();
  const sizes = checkFlag(hermitian, caller, "hermitian") ? eigvalsh(plain).abs() : svdvals(plain);
  return sizes.gt(bound(A, sizes, limits)).sum(-1);
}

// ---- least squares ------------------------------------------------------------------------------------------------

const drivers = ["gels", "gelsy", "gelsd", "gelss"] as const;

/** Options of {@linkcode lstsq}. */
export interface LstsqOptions {
  /** Singular values up to this part of the largest count as zero; max(m, n) times the dtype's epsilon by default. */
  readonly rcond?: number;
  /** LAPACK's names: "gels" for matrices of full rank, by QR; the others also for others. "gelsy" by default. */
  readonly driver?: (typeof drivers)[number];
}

interface LstsqArgs {
  readonly vector: boolean;
  readonly bSymSizes: Shape;
}

const Lstsq: Rule<LstsqArgs> = {
  name: "LinalgLstsqBackward0",
  backwardAll: ([gX, gR = null], node) => {
    if (gX === null && gR === null) return [null, null];
    const { vector, bSymSizes } = node.args, A = node.tensor("self"), B = node.tensor("other");
    const column = (t: Tensor) => vector ? unsqueeze(t, -1) : t;
    const b = column(B), P = pinv(A);
    let gA: Tensor | null = null, gB: Tensor | null = null;
    if (gX !== null) {
      const g = column(gX);
      if (node.needs(0)) gA = pinvGradient(matmul(g, mT(b)), P, A);
      if (node.needs(1)) gB = matmul(mT(P), g);
    }
    if (gR !== null) {
      // residuals |A X - B|^2 by columns; the solution makes them stationary
      const rest = matmul(A, matmul(P, b)).sub(b), scaled = rest.mul(unsqueeze(gR, -2)).mul(2);
      if (node.needs(0)) {
        const more = matmul(scaled, mT(matmul(P, b)));
        gA = gA === null ? more : gA.add(more);
      }
      if (node.needs(1)) gB = gB === null ? scaled.neg() : gB.sub(scaled);
    }
    if (gB !== null && vector) gB = squeeze(gB, -1);
    return [gA === null ? null : gA.sumToSize(A.shape), gB === null ? null : gB.sumToSize(bSymSizes)];
  },
};

/** One system: writes the solution (n by k), and gives the rank and the singular values. */
function solveOne(
  a: Float64Array,
  b: Float64Array,
  m: number,
  n: number,
  k: number,
  rcond: number,
  x: Float64Array,
): { rank: number; values: Float64Array } {
  const { u, s, vh } = decomposeSvd(a, m, n, "reduced"), r = s.length;
  let rank = 0;
  for (let i = 0; i < r; i++) {
    if (!(s[i] > rcond * s[0])) continue;
    rank++;
    for (let j = 0; j < k; j++) {
      let sum = 0;
      for (let row = 0; row < m; row++) sum += u[row * r + i] * b[row * k + j];
      sum /= s[i];
      for (let column = 0; column < n; column++) x[column * k + j] += sum * vh[i * n + column];
    }
  }
  return { rank, values: s };
}

/** One system of full rank by QR; the place on R's diagonal of the first element that is zero but for rounding, or 0. */
function solveFull(
  a: Float64Array,
  b: Float64Array,
  m: number,
  n: number,
  k: number,
  x: Float64Array,
): number {
  // the smaller side: A = Q R, or A' = Q R
  const tall = m >= n, rows = Math.max(m, n), columns = Math.min(m, n), tau = new Float64Array(columns);
  const work = new Float64Array(m * n);
  for (let i = 0; i < m; i++) for (let j = 0; j < n; j++) work[tall ? i * n + j : j * m + i] = a[i * n + j];
  decomposeQr(work, rows, columns, tau);
  const diagonal = Float64Array.from({ length: columns }, (_, i) => Math.abs(work[i * columns + i]));
  const least = Math.max(...diagonal) * rows * Number.EPSILON, zero = diagonal.findIndex((r) => !(r > least));
  if (zero >= 0) return zero + 1;
  const q = reflections(work, rows, columns, tau, columns, columns);
  const square = work.slice(0, columns * columns);
  if (tall) {
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < k; j++) {
        for (let row = 0; row < m; row++) x[i * k + j] += q[row * n + i] * b[row * k + j];
      }
    }
    solveTriangular(square, n, x, k, true, false);
    return 0;
  }
  const lower = new Float64Array(m * m), y = b.slice();
  for (let i = 0; i < m; i++) for (let j = 0; j <= i; j++) lower[i * m + j] = square[j * m + i];
  solveTriangular(lower, m, y, k, false, false);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < k; j++) {
      for (let row = 0; row < m; row++) x[i * k + j] += q[i * m + row] * y[row * k + j];
    }
  }
  return 0;
}

function checkLstsq(A: Tensor, B: Tensor, driver: string): boolean {
  const caller = "linalg.lstsq";
  if (A.ndim < 2) throw new TypeError(`${caller}: input must have at least 2 dimensions.`);
  if (B.ndim < 1) throw new TypeError(`${caller}: other must have at least 1 dimension.`);
  const difference = A.ndim - B.ndim;
  if (difference < 0 || difference > 1) {
    throw new TypeError(
      `${caller}: input.dim() must be greater or equal to other.dim() and (input.dim() - other.dim()) <= 1`,
    );
  }
  if (A.dtype !== B.dtype) {
    throw new TypeError(
      `${caller}: Expected input and other to have the same dtype, but got input's dtype ${
        typeName(A.dtype)
      } and ` +
        `other's dtype ${typeName(B.dtype)}`,
    );
  }
  if (A.dtype !== "float32" && A.dtype !== "float64") {
    throw new TypeError(
      `${caller}: Expected a floating point or complex tensor as input. Got ${typeName(A.dtype)}`,
    );
  }
  if (!(drivers as readonly string[]).includes(driver)) {
    throw new RangeError(`${caller}: parameter \`driver\` should be one of (${drivers.join(", ")})`);
  }
  const vector = difference === 1;
  if (A.shape[A.ndim - 2] !== B.shape[B.ndim - (vector ? 1 : 2)]) {
    throw new TypeError(`${caller}: input.size(-2) should match other.size(${vector ? -1 : -2})`);
  }
  return vector;
}

/**
 * The X that makes |A X - B| least, the shortest one where there are several. A is [..., m, n], B [..., m, k], or [..., m] for vectors.
 * The result also has the residuals, ranks and singular values, as far as the driver knows them.
 *
 * @throws {LinAlgError} if an element is not finite, or a matrix lacks full rank with driver "gels".
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * const x = dg.tensor([[1, 0], [1, 1], [1, 2]]), y = dg.tensor([1, 3, 5]);
 * dg.linalg.lstsq(x, y).solution; // tensor([1., 2.])
 * ```
 */
export function lstsq(A: Tensor, B: Tensor, options: LstsqOptions = {}): LstsqResult {
  const caller = "linalg.lstsq";
  checkTensor(A, caller, "A", 1);
  checkTensor(B, caller, "B", 2);
  const { rcond, driver = "gelsy" } = checkKeys(options, caller, ["rcond", "driver"]);
  const vector = checkLstsq(A, B, driver), known = vector ? unsqueeze(B.detach(), -1) : B.detach();
  const batch = broadcastShapes(A.shape.slice(0, -2), known.shape.slice(0, -2));
  const a = readMatrices(expand(A.detach(), [...batch, ...A.shape.slice(-2)]));
  const b = readMatrices(expand(known, [...batch, ...known.shape.slice(-2)]));
  checkFinite(a, caller);
  const { m, n, count } = a, k = b.n, r = Math.min(m, n), x = new Float64Array(count * n * k);
  const ranks = new Float64Array(count), values = new Float64Array(count * r);
  const limit = rcond ?? Math.max(m, n) * epsilon(A);
  for (let i = 0; i < count; i++) {
    const part = x.subarray(i * n * k, (i + 1) * n * k);
    if (driver === "gels") {
      const zero = r === 0 ? 0 : solveFull(matrixAt(a, i), matrixAt(b, i), m, n, k, part);
      if (zero > 0) {
        throw new LinAlgError(
          `${caller}: ${
            batchText(batch.length > 0, i)
          }The least squares solution could not be computed because the ` +
            `input matrix does not have full rank (error code: ${zero}).`,
        );
      }
      ranks[i] = r;
    } else if (r > 0) {
      const found = solveOne(matrixAt(a, i), matrixAt(b, i), m, n, k, limit, part);
      ranks[i] = found.rank;
      values.set(found.values, i * r);
    }
  }
  const residualsKnown = driver !== "gelsy" && m > n && ranks.every((rank) => rank === n);
  const solution = written(x, vector ? [...batch, n] : [...batch, n, k], A);
  const residuals = residualsKnown
    ? written(sumsOfSquares(a.data, b.data, x, count, m, n, k), [...batch, k], A)
    : A.newEmpty([0]);
  const args = { vector, bSymSizes: B.shape };
  recordAll(Lstsq, residualsKnown ? [solution, residuals] : [solution], [A, B], args, { self: A, other: B });
  return new LstsqResult(
    solution,
    residuals,
    driver === "gels" ? written([], [0], A, "int64") : written(ranks, batch, A, "int64"),
    driver === "gelsd" || driver === "gelss" ? written(values, [...batch, r], A) : A.newEmpty([0]),
  );
}

function sumsOfSquares(
  a: Float64Array,
  b: Float64Array,
  x: Float64Array,
  count: number,
  m: number,
  n: number,
  k: number,
): Float64Array {
  const out = new Float64Array(count * k);
  for (let i = 0; i < count; i++) {
    for (let row = 0; row < m; row++) {
      for (let j = 0; j < k; j++) {
        let rest = b[(i * m + row) * k + j];
        for (let c = 0; c < n; c++) rest -= a[(i * m + row) * n + c] * x[(i * n + c) * k + j];
        out[i * k + j] += rest * rest;
      }
    }
  }
  return out;
}
