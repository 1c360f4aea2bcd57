/**
 * Linear algebra by the names that PyTorch also has outside `linalg`, as functions and as methods.
 * @module
 */

import { checkFlag, checkKeys, checkTensor } from "../../tensor/arguments.ts";
import { installMethods, type Tensor } from "../../tensor/tensor.ts";
import { normalizeDim } from "../../tensor/shape.ts";
import { transpose } from "../view/view.ts";
import { choleskyInverse, type CholeskyOptions, choleskySolve, oldCholesky } from "./cholesky.ts";
import { det, logdet, slogdet } from "./determinant.ts";
import { pinv, type Tolerance } from "./least_squares.ts";
import { luSolve as solveFactored } from "./lu.ts";
import { matrixNorm, type MatrixNormOptions } from "./norms.ts";
import { matrixExp, matrixPower, multiDot } from "./powers.ts";
import { geqrf, householderProduct, qr as linalgQr } from "./qr.ts";
import { inv } from "./solve.ts";
import { svd as linalgSvd, svdvals } from "./svd.ts";
import { solveTriangular } from "./triangular.ts";
import { type GeqrfResult, OldSVDResult, QRResult, type SlogdetResult } from "./types.ts";
import { cross as linalgCross, type DimOption } from "./vectors.ts";

export { choleskyInverse, type CholeskyOptions, choleskySolve } from "./cholesky.ts";
export { det, logdet, slogdet } from "./determinant.ts";
export { luUnpack } from "./lu.ts";
export { matrixExp, matrixPower } from "./powers.ts";
export { geqrf } from "./qr.ts";
export type { Tolerance } from "./least_squares.ts";
export type { MatrixNormOptions, MatrixOrder } from "./norms.ts";
export type { GeqrfResult, LUResult, OldSVDResult, QRResult, SlogdetResult } from "./types.ts";
export type { DimOption } from "./vectors.ts";

/**
 * The inverses of square matrices; the same as `linalg.inv`.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * dg.inverse(dg.tensor([[2, 0], [0, 4]])); // tensor([[0.5000, 0.0000], [0.0000, 0.2500]])
 * ```
 */
export function inverse(input: Tensor): Tensor {
  return inv(input);
}

/**
 * The Cholesky factors of symmetric positive-definite matrices; see `linalg.cholesky`.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * dg.cholesky(dg.tensor([[4, 2], [2, 5]])); // tensor([[2., 0.], [1., 2.]])
 * ```
 */
export function cholesky(input: Tensor, options: CholeskyOptions | boolean = {}): Tensor {
  return oldCholesky(input, options);
}

/** Options of {@linkcode pinverse}. */
export interface PinverseOptions {
  /** Singular values up to this part of the largest count as zero; 1e-15 by default. */
  readonly rcond?: Tolerance;
}

/**
 * The pseudo-inverses of matrices; see `linalg.pinv`, which knows the dtype's precision.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * dg.pinverse(dg.tensor([[2], [0]])); // tensor([[0.5000, 0.0000]])
 * ```
 */
export function pinverse(input: Tensor, options: PinverseOptions | number = {}): Tensor {
  const given = typeof options === "number" ? { rcond: options } : options;
  const { rcond = 1e-15 } = checkKeys(given, "pinverse", ["rcond"]);
  return pinv(input, { rtol: rcond });
}

/** Options of {@linkcode qr}. */
export interface OldQROptions {
  /** As many columns as A has (true, the default), or a square Q. */
  readonly some?: boolean;
}

/**
 * Matrices as Q R; see `linalg.qr`.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * dg.qr(dg.ones(3, 2), { some: false }).Q.shape; // [3, 3]
 * ```
 */
export function qr(input: Tensor, options: OldQROptions | boolean = {}): QRResult {
  const given = typeof options === "boolean" ? { some: options } : options;
  const { some = true } = checkKeys(given, "qr", ["some"]);
  const { Q, R } = linalgQr(input, { mode: checkFlag(some, "qr", "some") ? "reduced" : "complete" });
  return new QRResult(Q, R, "qr");
}

/** Options of {@linkcode svd}. */
export interface OldSVDOptions {
  /** As many vectors as there are singular values (true, the default), or square U and V. */
  readonly some?: boolean;
  /** Compute the vectors, the default; without it they are zeros. */
  readonly computeUv?: boolean;
}

/**
 * Matrices as U diag(S) V': like `linalg.svd`, but V has the right singular vectors as columns.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * dg.svd(dg.ones(3, 2)).V.shape; // [2, 2]
 * ```
 */
export function svd(input: Tensor, options: OldSVDOptions = {}): OldSVDResult {
  const { some = true, computeUv = true } = checkKeys(options, "svd", ["some", "computeUv"]);
  checkFlag(some, "svd", "some");
  if (checkFlag(computeUv, "svd", "computeUv")) {
    const { U, S, Vh } = linalgSvd(input, { fullMatrices: !some });
    return new OldSVDResult(U, S, transpose(Vh, -2, -1));
  }
  const S = svdvals(input), [m, n] = input.shape.slice(-2), lead = input.shape.slice(0, -2);
  return new OldSVDResult(input.newZeros([...lead, m, m]), S, input.newZeros([...lead, n, n]));
}

/**
 * The solution X of A X = B from what `linalg.luFactor(A)` gave; see `linalg.luSolve`.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * const { LU, pivots } = dg.linalg.luFactor(dg.tensor([[2, 0], [0, 4]]));
 * dg.luSolve(dg.ones(2, 1), LU, pivots); // tensor([[0.5000], [0.2500]])
 * ```
 */
export function luSolve(B: Tensor, LU: Tensor, pivots: Tensor): Tensor {
  return solveFactored(LU, pivots, B);
}

/** Options of {@linkcode triangularSolve}. */
export interface TriangularSolveOptions {
  /** Whether A is upper triangular; true by default. */
  readonly upper?: boolean;
  /** Solve with the transpose of A. */
  readonly transpose?: boolean;
  /** Whether the diagonal counts as ones. */
  readonly unitriangular?: boolean;
}

/**
 * The solution X of A X = B for a triangular A; see `linalg.solveTriangular`.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * dg.triangularSolve(dg.tensor([[4], [2]]), dg.tensor([[1, 1], [0, 2]])); // tensor([[3.], [1.]])
 * ```
 */
export function triangularSolve(B: Tensor, A: Tensor, options: TriangularSolveOptions = {}): Tensor {
  const { upper = true, transpose: turned = false, unitriangular = false } = checkKeys(
    options,
    "triangularSolve",
    ["upper", "transpose", "unitriangular"],
  );
  checkTensor(A, "triangularSolve", "A", 2);
  checkFlag(upper, "triangularSolve", "upper");
  return solveTriangular(checkFlag(turned, "triangularSolve", "transpose") ? transpose(A, -2, -1) : A, B, {
    upper: upper !== turned,
    unitriangular,
  });
}

/**
 * The product of matrices in the best order; see `linalg.multiDot`.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * dg.chainMatmul(dg.ones(2, 3), dg.ones(3, 4), dg.ones(4, 1)); // tensor([[12.], [12.]])
 * ```
 */
export function chainMatmul(...matrices: Tensor[]): Tensor {
  matrices.forEach((t, i) => checkTensor(t, "chainMatmul", "matrices", i + 1));
  if (matrices.length === 0) {
    throw new TypeError("chain_matmul(): Expected one or more matrices");
  }
  matrices.forEach((t) => {
    if (t.ndim !== 2) {
      throw new TypeError(`Tensor dimension is ${t.ndim}, expected 2 instead.`);
    }
  });
  return matrices.length === 1 ? matrices[0].clone() : multiDot(matrices);
}

/**
 * The product of Householder's reflections; see `linalg.householderProduct`.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * dg.orgqr(dg.zeros(2, 1), dg.tensor([2])); // tensor([[-1.], [0.]])
 * ```
 */
export function orgqr(input: Tensor, tau: Tensor): Tensor {
  return householderProduct(input, tau);
}

/**
 * The sum of the singular values; see `linalg.matrixNorm`.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * dg.nuclearNorm(dg.tensor([[3, 0], [0, 4]])); // tensor(7.)
 * ```
 */
export function nuclearNorm(input: Tensor, options: Omit<MatrixNormOptions, "ord" | "dtype"> = {}): Tensor {
  return matrixNorm(input, "nuc", checkKeys(options, "nuclearNorm", ["dim", "keepdim"]));
}

/**
 * The cross products along a dimension; by default the first one of size 3, where `linalg.cross` takes the last.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * dg.cross(dg.tensor([1, 0, 0]), dg.tensor([0, 1, 0])); // tensor([0., 0., 1.])
 * ```
 */
export function cross(input: Tensor, other: Tensor, options: DimOption | number = {}): Tensor {
  checkTensor(input, "cross");
  checkTensor(other, "cross", "other", 2);
  const given = typeof options === "number" ? { dim: options } : options;
  const { dim = input.shape.indexOf(3) } = checkKeys(given, "cross", ["dim"]);
  if (given.dim === undefined && dim < 0) throw new TypeError("no dimension of size 3 in input");
  return linalgCross(input, other, { dim: normalizeDim(dim, input.ndim) });
}

/** The methods of this family. */
export interface LinalgMethods {
  /** The determinants of square matrices. */
  det(): Tensor;
  /** The logarithms of the determinants; NaN where one is negative. */
  logdet(): Tensor;
  /** The signs of the determinants and the logarithms of their sizes. */
  slogdet(): SlogdetResult;
  /** The inverses of square matrices. */
  inverse(): Tensor;
  /** The pseudo-inverses of matrices. */
  pinverse(options?: PinverseOptions | number): Tensor;
  /** A whole power of square matrices. */
  matrixPower(n: number): Tensor;
  /** The exponentials of square matrices. */
  matrixExp(): Tensor;
  /** The Cholesky factors of symmetric positive-definite matrices. */
  cholesky(options?: CholeskyOptions | boolean): Tensor;
  /** With this as B, the solution X of A X = B from the Cholesky factor of A. */
  choleskySolve(L: Tensor, options?: CholeskyOptions | boolean): Tensor;
  /** With this as the Cholesky factor of A, the inverse of A. */
  choleskyInverse(options?: CholeskyOptions | boolean): Tensor;
  /** As Q R. */
  qr(options?: OldQROptions | boolean): QRResult;
  /** R and the reflections that make Q. */
  geqrf(): GeqrfResult;
  /** The product of Householder's reflections. */
  orgqr(tau: Tensor): Tensor;
  /** As U diag(S) V'. */
  svd(options?: OldSVDOptions): OldSVDResult;
  /** With this as B, the solution X of A X = B from what `linalg.luFactor(A)` gave. */
  luSolve(LU: Tensor, pivots: Tensor): Tensor;
  /** With this as B, the solution X of A X = B for a triangular A. */
  triangularSolve(A: Tensor, options?: TriangularSolveOptions): Tensor;
  /** The cross products along a dimension. */
  cross(other: Tensor, options?: DimOption | number): Tensor;
}

const methods: LinalgMethods & ThisType<Tensor> = {
  det() {
    return det(this);
  },
  logdet() {
    return logdet(this);
  },
  slogdet() {
    return slogdet(this);
  },
  inverse() {
    return inverse(this);
  },
  pinverse(options) {
    return pinverse(this, options);
  },
  matrixPower(n) {
    return matrixPower(this, n);
  },
  matrixExp() {
    return matrixExp(this);
  },
  cholesky(options) {
    return cholesky(this, options);
  },
  choleskySolve(L, options) {
    return choleskySolve(this, L, options);
  },
  choleskyInverse(options) {
    return choleskyInverse(this, options);
  },
  qr(options) {
    return qr(this, options);
  },
  geqrf() {
    return geqrf(this);
  },
  orgqr(tau) {
    return orgqr(this, tau);
  },
  svd(options) {
    return svd(this, options);
  },
  luSolve(LU, pivots) {
    return luSolve(this, LU, pivots);
  },
  triangularSolve(A, options) {
    return triangularSolve(this, A, options);
  },
  cross(other, options) {
    return cross(this, other, options);
  },
};
installMethods(methods);
