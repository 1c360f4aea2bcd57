/**
 * Linear algebra: decompositions, systems, norms and products, with gradients of any order where PyTorch has gradients, for float32
 * and float64, one matrix or batches of them in the last two dimensions.
 *
 * Decompositions are computed on the host in double precision, whatever the dtype and device.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * const a = dg.tensor([[3, 1], [1, 2]], { requiresGrad: true });
 * dg.linalg.det(a).backward();
 * console.log(a.grad); // tensor([[ 2., -1.], [-1.,  3.]])
 * ```
 *
 * @module
 */

export { LinAlgError } from "./checks.ts";
export * from "./types.ts";
export { matmul } from "../matmul/matmul.ts";
export { vectorNorm, type VectorNormOptions } from "../reduce/norm.ts";
export {
  cond,
  type LinalgNormOptions,
  matrixNorm,
  type MatrixNormOptions,
  type MatrixOrder,
  norm,
} from "./norms.ts";
export { det, slogdet } from "./determinant.ts";
export {
  type CheckErrorsOptions,
  inv,
  invEx,
  solve,
  solveEx,
  type SolveOptions,
  tensorinv,
  type TensorinvOptions,
  tensorsolve,
  type TensorsolveOptions,
} from "./solve.ts";
export { solveTriangular, type SolveTriangularOptions } from "./triangular.ts";
export { cholesky, choleskyEx, type CholeskyOptions } from "./cholesky.ts";
export { householderProduct, qr, type QRMode, type QROptions } from "./qr.ts";
export { lu, luFactor, luFactorEx, type LUOptions, luSolve } from "./lu.ts";
export { svd, type SVDOptions, svdvals } from "./svd.ts";
export { eig, eigh, type EighOptions, eigvals, eigvalsh } from "./eigen.ts";
export {
  lstsq,
  type LstsqOptions,
  matrixRank,
  type MatrixRankOptions,
  pinv,
  type PinvOptions,
  type Tolerance,
} from "./least_squares.ts";
export { matrixExp, matrixPower, multiDot } from "./powers.ts";
export {
  cross,
  diagonal,
  type DimOption,
  type LinalgDiagonalOptions,
  type LinalgVanderOptions,
  vander,
  vecdot,
} from "./vectors.ts";
