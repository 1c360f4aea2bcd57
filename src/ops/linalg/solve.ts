/**
 * Linear systems and inverses.
 * @module
 */

import { lu, solveFactored } from "../../backend/cpu/decompose/decompose.ts";
import { checkFlag, checkInteger, checkKeys, checkTensor } from "../../tensor/arguments.ts";
import { broadcastShapes, numel, type Shape } from "../../tensor/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { matmul } from "../matmul/matmul.ts";
import { record, type Rule } from "../core/record.ts";
import { expand, movedim, reshape, squeeze, unsqueeze, view } from "../view/view.ts";
import {
  batchText,
  checkFloats,
  checkMatrix,
  checkSameDtype,
  checkSquare,
  checkSystem,
  LinAlgError,
} from "./checks.ts";
import { gather, matrixAt, readMatrices, written } from "./host.ts";
import { mT } from "./triangular.ts";
import { InvResult, SolveResult } from "./types.ts";

/** Options of `invEx`, `solveEx`, `choleskyEx` and `luFactorEx`. */
export interface CheckErrorsOptions {
  /** Throw instead of telling by `info`; false by default. */
  readonly checkErrors?: boolean;
}

// ---- inverses -----------------------------------------------------------------------------------------------------

const Inv: Rule<object> = {
  name: "LinalgInvExBackward0",
  backward: (g, node) => {
    const y = mT(node.tensor("inverse"));
    return [matmul(matmul(y, g), y).neg()];
  },
};

/** The inverses, and where each matrix had its first zero pivot. */
function inverse(x: Tensor): { out: Tensor; info: Int32Array } {
  const a = readMatrices(x), info = new Int32Array(a.count), { n } = a;
  const inverses = gather(a, n * n, (matrix, i) => {
    const pivots = new Int32Array(n), result = new Float64Array(n * n);
    info[i] = lu(matrix, n, n, pivots);
    for (let k = 0; k < n; k++) result[k * n + k] = 1;
    solveFactored(matrix, n, pivots, result, n);
    return result;
  });
  const out = written(inverses, x.shape, x);
  return { out: record(Inv, out, [x], {}, { inverse: out }), info };
}

function checkInverse(x: Tensor, info: Int32Array, caller: string): void {
  const bad = info.findIndex((v) => v !== 0);
  if (bad < 0) return;
  throw new LinAlgError(
    `${caller}: ${batchText(x.ndim > 2, bad)}The diagonal element ${
      info[bad]
    } is zero, the inversion could not be ` +
      "completed because the input matrix is singular.",
  );
}

/**
 * The inverses of square matrices [..., n, n].
 *
 * @throws {LinAlgError} if a matrix is singular.
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * dg.linalg.inv(dg.tensor([[2, 0], [0, 4]])); // tensor([[0.5000, 0.0000], [0.0000, 0.2500]])
 * ```
 */
export function inv(A: Tensor): Tensor {
  checkSquare(A, "linalg.inv");
  checkFloats(A, "linalg.inv");
  const { out, info } = inverse(A);
  checkInverse(A, info, "linalg.inv");
  return out;
}

/**
 * The inverses of square matrices; `info` tells which are singular, and nothing is thrown.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * dg.linalg.invEx(dg.zeros(2, 2)).info.item(); // 1
 * ```
 */
export function invEx(A: Tensor, options: CheckErrorsOptions = {}): InvResult {
  const caller = "linalg.invEx";
  checkSquare(A, caller);
  checkFloats(A, caller);
  const { checkErrors = false } = checkKeys(options, caller, ["checkErrors"]);
  const { out, info } = inverse(A);
  if (checkFlag(checkErrors, caller, "checkErrors")) checkInverse(A, info, caller);
  return new InvResult(out, written(info, A.shape.slice(0, -2), A, "int32"));
}

// ---- systems ------------------------------------------------------------------------------------------------------

/** Options of {@linkcode solve}. */
export interface SolveOptions {
  /** Solve A X = B (true, the default) or X A = B. */
  readonly left?: boolean;
}

interface SolveArgs {
  readonly left: boolean;
  readonly vector: boolean;
  readonly bSymSizes: Shape;
}

const Solve: Rule<SolveArgs> = {
  name: "LinalgSolveExBackward0",
  backward: (g, node) => {
    const { left, vector, bSymSizes } = node.args, a = node.tensor("A");
    const column = (t: Tensor) => vector ? unsqueeze(t, -1) : t;
    const gb = solve(mT(a), column(g), { left });
    const x = column(node.tensor("result"));
    const gradient = vector ? squeeze(gb, -1) : gb;
    return [
      node.needs(0) ? (left ? matmul(gb, mT(x)) : matmul(mT(x), gb)).neg().sumToSize(a.shape) : null,
      node.needs(1) ? gradient.sumToSize(bSymSizes) : null,
    ];
  },
};

/** Whether B counts as a batch of vectors: one dimension, or the shape of A without the last. */
function isVector(A: Tensor, B: Tensor): boolean {
  return B.ndim === 1 ||
    (A.ndim - 1 === B.ndim && B.shape.every((s, i) => s === A.shape[i]));
}

function solved(A: Tensor, B: Tensor, left: boolean, caller: string): { out: Tensor; info: Int32Array } {
  checkSquare(A, caller);
  checkTensor(B, caller, "B", 2);
  checkFloats(A, caller);
  checkSameDtype(A, B, caller);
  checkFlag(left, caller, "left");
  const vector = isVector(A, B), known = vector ? unsqueeze(B.detach(), -1) : B.detach();
  checkMatrix(known, caller, "B", 2);
  if (vector && !left) {
    throw new TypeError(
      `${caller}: Vector broadcasting of the left hand side is not supported for left=False`,
    );
  }
  checkSystem(A, known, left, caller);
  const batch = broadcastShapes(A.shape.slice(0, -2), known.shape.slice(0, -2));
  const a = readMatrices(expand(left ? A.detach() : mT(A.detach()), [...batch, ...A.shape.slice(-2)]));
  const right = left ? known : mT(known);
  const b = readMatrices(expand(right, [...batch, ...right.shape.slice(-2)]));
  const info = new Int32Array(a.count);
  for (let i = 0; i < a.count; i++) {
    const pivots = new Int32Array(a.n), matrix = matrixAt(a, i);
    info[i] = lu(matrix, a.n, a.n, pivots);
    solveFactored(matrix, a.n, pivots, matrixAt(b, i), b.n);
  }
  const columns = written(b.data, [...batch, b.m, b.n], B);
  const out = vector ? view(columns, [...batch, b.m]) : left ? columns : mT(columns).contiguous();
  const args = { left, vector, bSymSizes: B.shape };
  return { out: record(Solve, out, [A, B], args, { A, result: out }), info };
}

function checkSolved(A: Tensor, info: Int32Array): void {
  const bad = info.findIndex((v) => v !== 0);
  if (bad < 0) return;
  throw new LinAlgError(
    `linalg.solve: ${batchText(A.ndim > 2, bad)}The solver failed because the input matrix is singular.`,
  );
}

/**
 * The solution X of A X = B for square matrices A [..., n, n]; B is [..., n, k], or [..., n] for vectors. Batches broadcast.
 *
 * @throws {LinAlgError} if a matrix is singular.
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * const a = dg.tensor([[3, 1], [1, 2]]), b = dg.tensor([9, 8]);
 * dg.linalg.solve(a, b); // tensor([2., 3.])
 * ```
 */
export function solve(A: Tensor, B: Tensor, options: SolveOptions = {}): Tensor {
  const { left = true } = checkKeys(options, "linalg.solve", ["left"]);
  const { out, info } = solved(A, B, left, "linalg.solve");
  checkSolved(A, info);
  return out;
}

/**
 * The solution X of A X = B; `info` tells which matrices are singular, and nothing is thrown.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * const { result, info } = dg.linalg.solveEx(dg.eye(2), dg.ones(2));
 * info.item() === 0 && result.sum().item(); // 2
 * ```
 */
export function solveEx(A: Tensor, B: Tensor, options: SolveOptions & CheckErrorsOptions = {}): SolveResult {
  const caller = "linalg.solveEx";
  const { left = true, checkErrors = false } = checkKeys(options, caller, ["left", "checkErrors"]);
  const { out, info } = solved(A, B, left, caller);
  if (checkFlag(checkErrors, caller, "checkErrors")) checkSolved(A, info);
  return new SolveResult(out, written(info, out.shape.slice(0, isVector(A, B) ? -1 : -2), A, "int32"));
}

// ---- tensors as matrices ------------------------------------------------------------------------------------------

/** Options of {@linkcode tensorinv}. */
export interface TensorinvOptions {
  /** How many leading dimensions make the rows; 2 by default. */
  readonly ind?: number;
}

/**
 * The inverse of the map that `tensordot` with A is: the first `ind` dimensions are its rows.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * dg.linalg.tensorinv(dg.eye(6).reshape(2, 3, 6)).shape; // [6, 2, 3]
 * ```
 */
export function tensorinv(A: Tensor, options: TensorinvOptions | number = {}): Tensor {
  const caller = "linalg.tensorinv";
  checkTensor(A, caller);
  const { ind = 2 } = checkKeys(typeof options === "number" ? { ind: options } : options, caller, ["ind"]);
  checkInteger(ind, caller, "ind");
  if (ind <= 0) throw new RangeError(`Expected a strictly positive integer for 'ind', but got ${ind}`);
  const rows = A.shape.slice(0, ind), columns = A.shape.slice(ind), m = numel(rows), n = numel(columns);
  if (m !== n) {
    throw new TypeError(
      "Expected self to satisfy the requirement prod(self.shape[ind:]) == prod(self.shape[:ind]), but got " +
        `${n} != ${m}`,
    );
  }
  return reshape(inv(reshape(A, m, n)), [...columns, ...rows]);
}

/** Options of {@linkcode tensorsolve}. */
export interface TensorsolveOptions {
  /** Dimensions of A that are moved to its end first. */
  readonly dims?: readonly number[];
}

/**
 * The X for which `tensordot(A, X, X.ndim)` is B.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * dg.linalg.tensorsolve(dg.eye(6).reshape(2, 3, 6), dg.ones(2, 3)).shape; // [6]
 * ```
 */
export function tensorsolve(A: Tensor, B: Tensor, options: TensorsolveOptions = {}): Tensor {
  const caller = "linalg.tensorsolve";
  checkTensor(A, caller, "A", 1);
  checkTensor(B, caller, "B", 2);
  const { dims } = checkKeys(options, caller, ["dims"]);
  const moved = dims === undefined ? A : movedim(A, dims, dims.map((_, i) => A.ndim - dims.length + i));
  const rows = numel(moved.shape.slice(0, B.ndim)), shape = moved.shape.slice(B.ndim), columns = numel(shape);
  if (rows !== columns) {
    throw new TypeError(
      "Expected self to satisfy the requirement prod(self.shape[other.ndim:]) == prod(self.shape[:other.ndim]), but got " +
        `${columns} != ${rows}`,
    );
  }
  return reshape(solve(reshape(moved, rows, columns), reshape(B, rows)), shape);
}
