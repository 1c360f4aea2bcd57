/**
 * Eigenvalues and eigenvectors.
 * @module
 */

import { generalEigen, symmetricEigen } from "../../backend/cpu/decompose/decompose.ts";
import { checkKeys } from "../../tensor/arguments.ts";
import { brief } from "../../tensor/describe.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { matmul } from "../matmul/matmul.ts";
import { recordAll, type Rule } from "../core/record.ts";
import { diagonal } from "../view/slice.ts";
import { unsqueeze } from "../view/view.ts";
import { batchText, checkFloats, checkKernel, checkSquare, LinAlgError } from "./checks.ts";
import { checkFinite, matrixAt, readMatrices, written } from "./host.ts";
import { solve } from "./solve.ts";
import { gaps, withDiagonal } from "./svd.ts";
import { mT } from "./triangular.ts";
import { EigResult } from "./types.ts";

// ---- symmetric matrices -------------------------------------------------------------------------------------------

/** Options of {@linkcode eigh} and {@linkcode eigvalsh}. */
export interface EighOptions {
  /** Which triangle is read: "L", the default, or "U". */
  readonly UPLO?: "L" | "U";
}

const Eigh: Rule<object> = {
  name: "LinalgEighBackward0",
  backwardAll: ([gL, gV], node) => {
    const V = node.tensor("eigenvectors");
    if (gV === null) {
      return [gL === null ? null : matmul(V.mul(unsqueeze(gL, -2)), mT(V))];
    }
    const core = matmul(mT(V), gV).div(gaps(node.tensor("eigenvalues")));
    // the input counts as symmetric, and so does its gradient
    const symmetric = core.add(mT(core)).mul(0.5);
    return [matmul(V, matmul(withDiagonal(symmetric, gL), mT(V)))];
  },
};

function checkTriangle(options: EighOptions | "L" | "U", caller: string): boolean {
  const given = typeof options === "string" ? { UPLO: options } : options;
  const { UPLO = "L" } = checkKeys(given, caller, ["UPLO"]);
  const letter = typeof UPLO === "string" ? UPLO.toUpperCase() : "";
  if (letter !== "L" && letter !== "U") {
    const text = typeof UPLO === "string" ? UPLO : brief(UPLO);
    throw new RangeError(`Expected UPLO argument to be 'L' or 'U', but got ${text}`);
  }
  return letter === "U";
}

/**
 * Eigenvalues, ascending, and orthonormal eigenvectors of symmetric matrices [..., n, n], of which one triangle is read. The sign of
 * an eigenvector is not determined. Gradients of eigenvectors exist where eigenvalues differ.
 *
 * @throws {LinAlgError} if an element is not finite.
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * const { eigenvalues, eigenvectors } = dg.linalg.eigh(dg.tensor([[2, 1], [1, 2]]));
 * eigenvalues; // tensor([1., 3.])
 * ```
 */
export function eigh(A: Tensor, options: EighOptions | "L" | "U" = {}): EigResult {
  const caller = "linalg.eigh";
  checkSquare(A, caller);
  checkKernel(A, "linalg_eigh_cpu");
  const upper = checkTriangle(options, caller);
  const a = readMatrices(upper ? mT(A.detach()) : A), { n } = a;
  checkFinite(a, caller);
  const values = new Float64Array(a.count * n);
  for (let i = 0; i < a.count; i++) {
    const matrix = matrixAt(a, i);
    for (let row = 0; row < n; row++) {
      for (let column = 0; column < row; column++) matrix[column * n + row] = matrix[row * n + column];
    }
    if (n === 0) continue;
    const found = symmetricEigen(matrix, n);
    values.set(found.values, i * n);
    matrix.set(found.vectors);
  }
  const eigenvalues = written(values, [...a.batch, n], A), eigenvectors = written(a.data, A.shape, A);
  recordAll(Eigh, [eigenvalues, eigenvectors], [A], {}, { eigenvalues, eigenvectors });
  return new EigResult("linalg_eigh", eigenvalues, eigenvectors);
}

/**
 * The eigenvalues, ascending, of symmetric matrices [..., n, n], of which one triangle is read.
 *
 * @throws {LinAlgError} if an element is not finite.
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * dg.linalg.eigvalsh(dg.tensor([[2, 1], [1, 2]])); // tensor([1., 3.])
 * ```
 */
export function eigvalsh(A: Tensor, options: EighOptions | "L" | "U" = {}): Tensor {
  return eigh(A, options).eigenvalues;
}

// ---- other matrices -----------------------------------------------------------------------------------------------

const Eig: Rule<object> = {
  name: "LinalgEigBackward0",
  backwardAll: ([gL, gV], node) => {
    const V = node.tensor("eigenvectors"), VT = mT(V);
    if (gV === null) {
      return [gL === null ? null : solve(VT, unsqueeze(gL, -1).mul(VT))];
    }
    const turn = matmul(VT, gV);
    // eigenvectors have length 1: what would lengthen them does not count
    const kept = turn.sub(matmul(VT, V.mul(unsqueeze(diagonal(turn, 0, -2, -1), -2))));
    const core = withDiagonal(kept.div(gaps(node.tensor("eigenvalues"))), gL);
    return [solve(VT, matmul(core, VT))];
  },
};

/**
 * Eigenvalues and eigenvectors (columns of length 1) of square matrices [..., n, n], in ascending order, **where all eigenvalues are
 * real**: there is no complex dtype, so that the results are real, unlike PyTorch's. For symmetric matrices use {@linkcode eigh}.
 *
 * @throws {LinAlgError} if an element is not finite.
 * @throws {RangeError} if an eigenvalue is not real.
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * dg.linalg.eig(dg.tensor([[1, 2], [0, 3]])).eigenvalues; // tensor([1., 3.])
 * ```
 */
export function eig(A: Tensor): EigResult {
  return named(A, "linalg.eig");
}

function named(A: Tensor, caller: string): EigResult {
  checkSquare(A, caller);
  checkFloats(A, caller);
  const a = readMatrices(A), { n } = a, values = new Float64Array(a.count * n);
  if (a.data.some((v) => !Number.isFinite(v))) {
    throw new LinAlgError(`${caller}: input tensor should not contain infs or NaNs.`);
  }
  for (let i = 0; i < a.count; i++) {
    const matrix = matrixAt(a, i), found = decomposed(matrix, n, batchText(A.ndim > 2, i), caller);
    values.set(found.values, i * n);
    matrix.set(found.vectors);
  }
  const eigenvalues = written(values, [...a.batch, n], A), eigenvectors = written(a.data, A.shape, A);
  recordAll(Eig, [eigenvalues, eigenvectors], [A], {}, { eigenvalues, eigenvectors });
  return new EigResult("linalg_eig", eigenvalues, eigenvectors);
}

function decomposed(
  matrix: Float64Array,
  n: number,
  where: string,
  caller: string,
): { readonly values: Float64Array; readonly vectors: Float64Array } {
  // rounding must not make a symmetric matrix's eigenvalues complex
  if (n > 0 && isSymmetric(matrix, n)) return symmetricEigen(matrix, n);
  const found = generalEigen(matrix, n);
  if (found === null) {
    throw new LinAlgError(`${caller}: ${where}The algorithm failed to converge.`);
  }
  if ("complex" in found) {
    const { re, im } = found.complex;
    throw new RangeError(
      `${caller}: ${where}The eigenvalues ${re} + ${im}i and ${re} - ${im}i are not real, and there is no complex dtype ` +
        "to hold them. For symmetric matrices use linalg.eigh.",
    );
  }
  return found;
}

function isSymmetric(matrix: Float64Array, n: number): boolean {
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) if (matrix[i * n + j] !== matrix[j * n + i]) return false;
  }
  return true;
}

/**
 * The eigenvalues of square matrices [..., n, n], in ascending order, where all of them are real; see {@linkcode eig}.
 *
 * @throws {LinAlgError} if an element is not finite.
 * @throws {RangeError} if an eigenvalue is not real.
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * dg.linalg.eigvals(dg.tensor([[1, 2], [0, 3]])); // tensor([1., 3.])
 * ```
 */
export function eigvals(A: Tensor): Tensor {
  return named(A, "linalg.eigvals").eigenvalues;
}
