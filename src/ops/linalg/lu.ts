/**
 * The LU decomposition, and what is computed from it.
 * @module
 */

import { lu as decompose } from "../../backend/cpu/decompose/decompose.ts";
import { checkFlag, checkKeys, checkTensor } from "../../tensor/arguments.ts";
import { eye } from "../../tensor/create.ts";
import { shapeText } from "../../tensor/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { cat } from "../view/join.ts";
import { matmul } from "../matmul/matmul.ts";
import { tril, triu } from "../view/rearrange.ts";
import { recordAll, type Rule } from "../core/record.ts";
import { narrow } from "../view/slice.ts";
import { batchText, checkKernel, checkSquare, checkSystem, LinAlgError } from "./checks.ts";
import { type Matrices, matrixAt, readMatrices, written } from "./host.ts";
import type { CheckErrorsOptions, SolveOptions } from "./solve.ts";
import { mT, solveTriangular } from "./triangular.ts";
import { LUFactorExResult, LUFactorResult, LUResult } from "./types.ts";

/** Options of {@linkcode lu} and its like. */
export interface LUOptions {
  /** Exchange rows, the default; without it there is no decomposition on the CPU, as in PyTorch. */
  readonly pivot?: boolean;
}

interface Decomposed {
  readonly a: Matrices;
  readonly pivots: Int32Array;
  readonly info: Int32Array;
}

function decomposed(A: Tensor, pivot: boolean, caller: string): Decomposed {
  checkTensor(A, caller, "A", 1);
  if (A.ndim < 2) {
    throw new TypeError(
      `${caller}: Expected tensor with 2 or more dimensions. Got size: ${shapeText(A.shape)} instead`,
    );
  }
  if (!checkFlag(pivot, caller, "pivot")) {
    throw new TypeError("linalg.luFactor: LU without pivoting is not implemented on the CPU");
  }
  checkKernel(A, "lu_cpu");
  const a = readMatrices(A), k = Math.min(a.m, a.n);
  const pivots = new Int32Array(a.count * k), info = new Int32Array(a.count);
  for (let i = 0; i < a.count; i++) {
    info[i] = decompose(matrixAt(a, i), a.m, a.n, pivots.subarray(i * k, (i + 1) * k));
  }
  return { a, pivots, info };
}

/** Permutation matrices P for which P x undoes the exchanges of rows; in doubles. */
function permutations(pivots: ArrayLike<number>, count: number, k: number, m: number): Float64Array {
  const out = new Float64Array(count * m * m);
  for (let i = 0; i < count; i++) {
    const order = Array.from({ length: m }, (_, row) => row);
    for (let step = 0; step < k; step++) {
      const other = pivots[i * k + step];
      [order[step], order[other]] = [order[other], order[step]];
    }
    order.forEach((from, row) => out[(i * m + from) * m + row] = 1);
  }
  return out;
}

/** The gradient of A = P L U. */
function luGradient(gL: Tensor | null, gU: Tensor | null, P: Tensor, L: Tensor, U: Tensor): Tensor {
  const m = L.shape[L.ndim - 2], n = U.shape[U.ndim - 1], k = Math.min(m, n);
  const l = narrow(L, -2, 0, k), u = narrow(U, -1, 0, k);
  const gl = gL === null ? null : narrow(gL, -2, 0, k), gu = gU === null ? null : narrow(gU, -1, 0, k);
  const lowerPart = gl === null ? null : matmul(mT(l), gl);
  const upperPart = gu === null ? null : matmul(gu, mT(u));
  let lower = lowerPart, upper = upperPart;
  // rows of L below, or columns of U beside the square: they hang on it, too
  if (m > k && gL !== null) {
    const more = matmul(mT(narrow(L, -2, k, m - k)), narrow(gL, -2, k, m - k));
    upper = upper === null ? more.neg() : upper.sub(more);
  }
  if (n > k && gU !== null) {
    const more = matmul(narrow(gU, -1, k, n - k), mT(narrow(U, -1, k, n - k)));
    lower = lower === null ? more.neg() : lower.sub(more);
  }
  const parts = [lower === null ? null : tril(lower, -1), upper === null ? null : triu(upper)]
    .filter((t) => t !== null);
  const core = parts.reduce((sum, t) => sum.add(t));
  const leftSolved = solveTriangular(mT(l), core, { upper: true, unitriangular: true });
  let out = solveTriangular(mT(u), leftSolved, { upper: false, left: false });
  if (m > k) {
    const below = gL === null
      ? L.newZeros([...L.shape.slice(0, -2), m - k, k])
      : solveTriangular(mT(u), narrow(gL, -2, k, m - k), { upper: false, left: false });
    out = cat([out, below], -2);
  }
  if (n > k) {
    const beside = gU === null
      ? U.newZeros([...U.shape.slice(0, -1), n - k])
      : solveTriangular(mT(l), narrow(gU, -1, k, n - k), { upper: true, unitriangular: true });
    out = cat([out, beside], -1);
  }
  return matmul(P, out);
}

const Lu: Rule<object> = {
  name: "LinalgLuBackward0",
  backwardAll: ([, gL, gU], node) => [
    gL === null && gU === null
      ? null
      : luGradient(gL, gU, node.tensor("P"), node.tensor("L"), node.tensor("U")),
  ],
};

/**
 * Matrices [..., m, n] as P L U: a permutation, a lower triangle with ones on its diagonal, and an upper triangle.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * const { P, L, U } = dg.linalg.lu(dg.tensor([[1, 2], [3, 4]]));
 * P.matmul(L).matmul(U); // tensor([[1., 2.], [3., 4.]])
 * ```
 */
export function lu(A: Tensor, options: LUOptions = {}): LUResult {
  const { pivot = true } = checkKeys(options, "linalg.lu", ["pivot"]);
  const { a, pivots } = decomposed(A, pivot, "linalg.lu");
  const { m, n, batch, count } = a, k = Math.min(m, n);
  const lower = new Float64Array(count * m * k), upper = new Float64Array(count * k * n);
  for (let i = 0; i < count; i++) {
    const matrix = matrixAt(a, i);
    for (let row = 0; row < m; row++) {
      const start = row * n, end = Math.min(row, k);
      lower.set(matrix.subarray(start, start + end), (i * m + row) * k);
      if (row >= k) continue;
      lower[(i * m + row) * k + row] = 1;
      upper.set(matrix.subarray(start + row, start + n), (i * k + row) * n + row);
    }
  }
  const P = written(permutations(pivots, count, k, m), [...batch, m, m], A);
  const L = written(lower, [...batch, m, k], A), U = written(upper, [...batch, k, n], A);
  recordAll(Lu, [P.detach(), L, U], [A], {}, { P, L, U });
  return new LUResult(P, L, U);
}

const LuFactor: Rule<object> = {
  name: "LinalgLuFactorExBackward0",
  backwardAll: ([g], node) => {
    if (g === null) return [null];
    const { L, U } = triangles(node.tensor("LU")), k = L.shape[L.ndim - 1];
    return [luGradient(tril(narrow(g, -1, 0, k), -1), triu(narrow(g, -2, 0, k)), node.tensor("P"), L, U)];
  },
};

/** L and U from both in one matrix. */
function triangles(LU: Tensor): { L: Tensor; U: Tensor } {
  const [m, n] = LU.shape.slice(-2), k = Math.min(m, n);
  const ones = eye(m, k, { dtype: LU.dtype, device: LU.device });
  return { L: tril(narrow(LU, -1, 0, k), -1).add(ones), U: triu(narrow(LU, -2, 0, k)) };
}

function factored(A: Tensor, options: LUOptions, caller: string): LUFactorExResult {
  const { a, pivots, info } = decomposed(A, options.pivot ?? true, caller), k = Math.min(a.m, a.n);
  const LU = written(a.data, A.shape, A);
  const P = written(permutations(pivots, a.count, k, a.m), [...a.batch, a.m, a.m], A);
  recordAll(LuFactor, [LU], [A], {}, { LU, P });
  const rows = written(pivots.map((p) => p + 1), [...a.batch, k], A, "int32");
  return new LUFactorExResult(LU, rows, written(info, a.batch, A, "int32"));
}

function checkFactored({ info }: LUFactorExResult, A: Tensor, caller: string): void {
  const codes = readMatrices(info.reshape(-1, 1)).data, bad = codes.findIndex((v) => v !== 0);
  if (bad < 0) return;
  throw new LinAlgError(
    `${caller}: ${batchText(A.ndim > 2, bad)}U[${codes[bad]},${
      codes[bad]
    }] is zero and using it on lu_solve would ` +
      "result in a division by zero. If you still want to perform the factorization, consider calling " +
      "linalg.lu(A, pivot) or linalg.luFactorEx(A, pivot)",
  );
}

/**
 * Both triangles of the LU decomposition in one matrix, and the exchanges of rows, for `linalg.luSolve` and `luUnpack`.
 *
 * @throws {LinAlgError} if a matrix is singular.
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * const { LU, pivots } = dg.linalg.luFactor(dg.tensor([[1, 2], [3, 4]]));
 * dg.linalg.luSolve(LU, pivots, dg.tensor([[3], [7]])); // tensor([[1.], [1.]])
 * ```
 */
export function luFactor(A: Tensor, options: LUOptions = {}): LUFactorResult {
  checkKeys(options, "linalg.luFactor", ["pivot"]);
  const found = factored(A, options, "linalg.luFactor");
  checkFactored(found, A, "linalg.luFactor");
  return new LUFactorResult(found.LU, found.pivots);
}

/**
 * As {@linkcode luFactor}; `info` tells which matrices are singular, and nothing is thrown.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * dg.linalg.luFactorEx(dg.zeros(2, 2)).info.item(); // 1
 * ```
 */
export function luFactorEx(A: Tensor, options: LUOptions & CheckErrorsOptions = {}): LUFactorExResult {
  const caller = "linalg.luFactorEx";
  const { checkErrors = false, ...rest } = checkKeys(options, caller, ["pivot", "checkErrors"]);
  const found = factored(A, rest, caller);
  if (checkFlag(checkErrors, caller, "checkErrors")) checkFactored(found, A, caller);
  return found;
}

/** Permutation matrices from exchanges that count from 1. */
function permutationOf(pivots: Tensor, m: number, like: Tensor): Tensor {
  const rows = readMatrices(pivots.unsqueeze(-2)), k = rows.n, order = rows.data.map((p) => p - 1);
  const wrong = order.find((p) => !(p >= 0 && p < m));
  if (wrong !== undefined) {
    throw new RangeError(
      "pivots passed to lu_unpack must be between 1 and LU.size(-2) inclusive.Did you properly pass the result of " +
        `lu_factor?`,
    );
  }
  const batch = pivots.shape.slice(0, -1);
  return written(permutations(order, rows.count, k, m), [...batch, m, m], like);
}

/**
 * P, L and U from what `linalg.luFactor` gave.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * const { LU, pivots } = dg.linalg.luFactor(dg.tensor([[1, 2], [3, 4]]));
 * dg.luUnpack(LU, pivots).U; // tensor([[3.0000, 4.0000], [0.0000, 0.6667]])
 * ```
 */
export function luUnpack(LU: Tensor, pivots: Tensor): LUResult {
  checkTensor(LU, "luUnpack", "LU", 1);
  checkTensor(pivots, "luUnpack", "pivots", 2);
  checkKernel(LU, "lu_unpack");
  if (pivots.dtype !== "int32") {
    throw new TypeError(
      "torch.lu_unpack: LU_pivots is expected to be a contiguous tensor of torch.int32 dtype.\nNote: this function is " +
        "intended to be used with the output produced by linalg.luFactor",
    );
  }
  const { L, U } = triangles(LU);
  return new LUResult(permutationOf(pivots, LU.shape[LU.ndim - 2], LU), L, U, "lu_unpack");
}

/**
 * The solution X of A X = B (or, with `left: false`, of X A = B) from what `linalg.luFactor(A)` gave.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * const { LU, pivots } = dg.linalg.luFactor(dg.tensor([[2, 0], [0, 4]]));
 * dg.linalg.luSolve(LU, pivots, dg.ones(2, 1)); // tensor([[0.5000], [0.2500]])
 * ```
 */
export function luSolve(LU: Tensor, pivots: Tensor, B: Tensor, options: SolveOptions = {}): Tensor {
  const caller = "linalg.luSolve";
  checkSquare(LU, caller);
  checkTensor(pivots, caller, "pivots", 2);
  checkTensor(B, caller, "B", 3);
  const { left = true } = checkKeys(options, caller, ["left"]);
  if (B.ndim < 2) throw new TypeError(`${caller}: The input tensor B must have at least 2 dimensions.`);
  checkFlag(left, caller, "left");
  checkSystem(LU, B, left, caller);
  const { P, L, U } = luUnpack(LU, pivots);
  if (left) {
    const first = solveTriangular(L, matmul(mT(P), B), { upper: false, unitriangular: true });
    return solveTriangular(U, first, { upper: true });
  }
  const first = solveTriangular(U, B, { upper: true, left: false });
  return matmul(solveTriangular(L, first, { upper: false, left: false, unitriangular: true }), mT(P));
}
