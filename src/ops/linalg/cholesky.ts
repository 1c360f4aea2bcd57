/**
 * The Cholesky decomposition, and what is computed from it.
 * @module
 */

import { cholesky as decompose } from "../../backend/cpu/decompose/decompose.ts";
import { checkFlag, checkKeys, checkTensor } from "../../tensor/arguments.ts";
import { eye } from "../../tensor/create.ts";
import type { Shape } from "../../tensor/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { matmul } from "../matmul/matmul.ts";
import { diagEmbed, tril, triu } from "../view/rearrange.ts";
import { record, type Rule } from "../core/record.ts";
import { diagonal } from "../view/slice.ts";
import { batchText, checkFloats, checkSquare, LinAlgError } from "./checks.ts";
import { matrixAt, readMatrices, written } from "./host.ts";
import type { CheckErrorsOptions } from "./solve.ts";
import { mT, solveTriangular } from "./triangular.ts";
import { CholeskyResult } from "./types.ts";

/** Options of {@linkcode cholesky}. */
export interface CholeskyOptions {
  /** Give and read the upper triangle instead of the lower one. */
  readonly upper?: boolean;
}

const Cholesky: Rule<{ upper: boolean }> = {
  name: "LinalgCholeskyExBackward0",
  backward: (g, node) => {
    const { upper } = node.args, saved = node.tensor("L");
    const L = upper ? mT(saved) : saved, gL = upper ? mT(g) : g;
    const phi = tril(matmul(mT(L), gL));
    const symmetric = phi.add(mT(tril(phi, -1))).mul(0.5);
    const left = solveTriangular(mT(L), symmetric, { upper: true });
    return [solveTriangular(L, left, { upper: false, left: false })];
  },
};

function decomposed(A: Tensor, upper: boolean, caller: string): { L: Tensor; info: Int32Array } {
  checkSquare(A, caller);
  checkFloats(A, caller);
  checkFlag(upper, caller, "upper");
  const a = readMatrices(upper ? mT(A.detach()) : A), info = new Int32Array(a.count);
  for (let i = 0; i < a.count; i++) info[i] = decompose(matrixAt(a, i), a.n);
  const lower = written(a.data, A.shape, A), L = upper ? mT(lower).contiguous() : lower;
  return { L: record(Cholesky, L, [A], { upper }, { L }), info };
}

function checkDefinite(A: Tensor, info: Int32Array, caller: string): void {
  const bad = info.findIndex((v) => v !== 0);
  if (bad < 0) return;
  throw new LinAlgError(
    `${caller}: ${
      batchText(A.ndim > 2, bad)
    }The factorization could not be completed because the input is not ` +
      `positive-definite (the leading minor of order ${info[bad]} is not positive-definite).`,
  );
}

/**
 * The lower triangles L with A = L L' for symmetric positive-definite matrices A [..., n, n], of which one triangle is read. With
 * `upper` the upper triangles U with A = U' U.
 *
 * @throws {LinAlgError} if a matrix is not positive-definite.
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * dg.linalg.cholesky(dg.tensor([[4, 2], [2, 5]])); // tensor([[2., 0.], [1., 2.]])
 * ```
 */
export function cholesky(A: Tensor, options: CholeskyOptions = {}): Tensor {
  return named(A, options, "linalg.cholesky");
}

function named(A: Tensor, options: CholeskyOptions, caller: string): Tensor {
  const { upper = false } = checkKeys(options, caller, ["upper"]);
  const { L, info } = decomposed(A, upper, caller);
  checkDefinite(A, info, caller);
  return L;
}

/** PyTorch's old spelling of {@linkcode cholesky}, with `upper` by position, too. */
export function oldCholesky(input: Tensor, options: CholeskyOptions | boolean = {}): Tensor {
  return named(input, typeof options === "boolean" ? { upper: options } : options, "cholesky");
}

/**
 * As {@linkcode cholesky}; `info` tells which matrices are not positive-definite, and nothing is thrown.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * dg.linalg.choleskyEx(dg.tensor([[1, 2], [2, 1]])).info.item(); // 2
 * ```
 */
export function choleskyEx(A: Tensor, options: CholeskyOptions & CheckErrorsOptions = {}): CholeskyResult {
  const caller = "linalg.choleskyEx";
  const { upper = false, checkErrors = false } = checkKeys(options, caller, ["upper", "checkErrors"]);
  const { L, info } = decomposed(A, upper, caller);
  if (checkFlag(checkErrors, caller, "checkErrors")) checkDefinite(A, info, caller);
  return new CholeskyResult(L, written(info, A.shape.slice(0, -2), A, "int32"));
}

// ---- from the factor ----------------------------------------------------------------------------------------------

/** The gradient of a factor L (or U) from that of A = L L' (or U' U), of which both triangles count. */
function factorGradient(gA: Tensor, factor: Tensor, upper: boolean): Tensor {
  const both = gA.add(mT(gA));
  return upper ? triu(matmul(factor, both)) : tril(matmul(both, factor));
}

/** The factor without what is on the side that is not read. */
const triangle = (factor: Tensor, upper: boolean): Tensor => upper ? triu(factor) : tril(factor);

const CholeskySolve: Rule<{ upper: boolean; selfSymSizes: Shape }> = {
  name: "CholeskySolveBackward0",
  backward: (g, node) => {
    const { upper } = node.args, factor = node.tensor("input2"), x = node.tensor("result");
    const gB = choleskySolve(g, factor, { upper });
    return [
      node.needs(0) ? gB.sumToSize(node.args.selfSymSizes) : null,
      node.needs(1)
        ? factorGradient(matmul(gB, mT(x)).neg(), triangle(factor, upper), upper).sumToSize(factor.shape)
        : null,
    ];
  },
};

/**
 * The solution X of A X = B from the Cholesky factor of A: `L` with A = L L', or with `upper` U with A = U' U.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * const a = dg.tensor([[4, 2], [2, 5]]);
 * dg.choleskySolve(dg.tensor([[6], [7]]), dg.linalg.cholesky(a)); // tensor([[1.], [1.]])
 * ```
 */
export function choleskySolve(B: Tensor, L: Tensor, options: CholeskyOptions | boolean = {}): Tensor {
  const caller = "choleskySolve";
  checkTensor(B, caller, "B", 1);
  checkTensor(L, caller, "L", 2);
  const given = typeof options === "boolean" ? { upper: options } : options;
  const { upper = false } = checkKeys(given, caller, ["upper"]);
  for (const [name, t] of [["b", B], ["u", L]] as const) {
    if (t.ndim < 2) {
      throw new TypeError(`${name} should have at least 2 dimensions, but has ${t.ndim} dimensions instead`);
    }
  }
  checkSquare(L, caller, "A", 2);
  const n = L.shape[L.ndim - 1], [rows, columns] = B.shape.slice(-2);
  if (rows !== n) {
    throw new TypeError(
      `Incompatible matrix sizes for cholesky_solve: each A matrix is ${n} by ${n} but each b matrix is ${rows} by ` +
        `${columns}`,
    );
  }
  const factor = L.detach();
  const first = solveTriangular(upper ? mT(factor) : factor, B.detach(), { upper: false });
  const out = solveTriangular(upper ? factor : mT(factor), first, { upper: true });
  return record(CholeskySolve, out, [B, L], { upper, selfSymSizes: B.shape }, { input2: L, result: out });
}

const CholeskyInverse: Rule<{ upper: boolean }> = {
  name: "CholeskyInverseBackward0",
  backward: (g, node) => {
    const { upper } = node.args, y = node.tensor("result");
    const gA = matmul(matmul(y, g), y).neg();
    return [factorGradient(gA, triangle(node.tensor("self"), upper), upper)];
  },
};

/**
 * The inverse of A from its Cholesky factor: `L` with A = L L', or with `upper` U with A = U' U.
 *
 * @throws {LinAlgError} if the factor has a zero on its diagonal.
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * dg.choleskyInverse(dg.tensor([[2, 0], [0, 1]])); // tensor([[0.2500, 0.0000], [0.0000, 1.0000]])
 * ```
 */
export function choleskyInverse(L: Tensor, options: CholeskyOptions | boolean = {}): Tensor {
  const caller = "choleskyInverse";
  checkSquare(L, caller);
  checkFloats(L, caller);
  const given = typeof options === "boolean" ? { upper: options } : options;
  const { upper = false } = checkKeys(given, caller, ["upper"]);
  const n = L.shape[L.ndim - 1], factor = L.detach();
  const zero = readMatrices(diagEmbed(diagonal(factor, 0, -2, -1)));
  for (let i = 0; i < zero.count; i++) {
    const matrix = matrixAt(zero, i);
    for (let k = 0; k < n; k++) {
      if (matrix[k * n + k] !== 0) continue;
      throw new LinAlgError(
        `${caller}: ${batchText(L.ndim > 2, i)}The diagonal element ${
          k + 1
        } is zero, the inversion could not be ` +
          "completed because the input matrix is singular.",
      );
    }
  }
  const one = eye(n, { dtype: L.dtype, device: L.device });
  const wide = L.ndim > 2 ? one.expand(L.shape) : one;
  const out = choleskySolve(wide, factor, { upper });
  return record(CholeskyInverse, out, [L], { upper }, { self: L, result: out });
}
