/**
 * Triangular systems.
 * @module
 */

import { solveTriangular as solveInPlace } from "../../backend/cpu/decompose/decompose.ts";
import { checkFlag, checkKeys } from "../../tensor/arguments.ts";
import { broadcastShapes, type Shape } from "../../tensor/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { matmul } from "../matmul/matmul.ts";
import { tril, triu } from "../view/rearrange.ts";
import { record, type Rule } from "../core/record.ts";
import { expand, transpose } from "../view/view.ts";
import { checkKernel, checkMatrix, checkSameDtype, checkSquare, checkSystem } from "./checks.ts";
import { matrixAt, readMatrices, written } from "./host.ts";

/** Options of {@linkcode solveTriangular}. */
export interface SolveTriangularOptions {
  /** Whether A is upper triangular; the other triangle is not read. */
  readonly upper: boolean;
  /** Solve A X = B (true, the default) or X A = B. */
  readonly left?: boolean;
  /** Whether the diagonal counts as ones and is not read. */
  readonly unitriangular?: boolean;
}

/** The matrices' transposes, as a view. */
export const mT = (x: Tensor): Tensor => transpose(x, -2, -1);

interface Args {
  readonly upper: boolean;
  readonly left: boolean;
  readonly unitriangular: boolean;
  readonly bSymSizes: Shape;
}

const SolveTriangular: Rule<Args> = {
  name: "LinalgSolveTriangularBackward0",
  backward: (g, node) => {
    const { upper, left, unitriangular, bSymSizes } = node.args,
      a = node.tensor("self"),
      x = node.tensor("result");
    const gb = solveTriangular(mT(a), g, { upper: !upper, left, unitriangular });
    if (!node.needs(0)) return [null, gb.sumToSize(bSymSizes)];
    const full = left ? matmul(gb, mT(x)).neg() : matmul(mT(x), gb).neg();
    const edge = unitriangular ? 1 : 0;
    const ga = upper ? triu(full, edge) : tril(full, -edge);
    return [ga.sumToSize(a.shape), node.needs(1) ? gb.sumToSize(bSymSizes) : null];
  },
};

/**
 * The solution X of A X = B, or of X A = B, for a triangular A. Shapes [..., n, n] and [..., n, k]; batches broadcast. A zero on the
 * diagonal gives infinities or NaN, as in PyTorch.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * const a = dg.tensor([[2, 0], [1, 4]]), b = dg.tensor([[2], [9]]);
 * dg.linalg.solveTriangular(a, b, { upper: false }); // tensor([[1.], [2.]])
 * ```
 */
export function solveTriangular(A: Tensor, B: Tensor, options: SolveTriangularOptions): Tensor {
  const caller = "linalg.solveTriangular";
  checkSquare(A, caller);
  checkMatrix(B, caller, "B", 2);
  const { upper, left = true, unitriangular = false } = checkKeys(options, caller, [
    "upper",
    "left",
    "unitriangular",
  ]);
  checkFlag(upper, caller, "upper");
  checkFlag(left, caller, "left");
  checkFlag(unitriangular, caller, "unitriangular");
  checkSameDtype(A, B, caller);
  checkSystem(A, B, left, caller);
  checkKernel(A, "triangular_solve_cpu");
  const batch = broadcastShapes(A.shape.slice(0, -2), B.shape.slice(0, -2));
  // X A = B is A' X' = B'
  const system = left ? A.detach() : mT(A.detach()), known = left ? B.detach() : mT(B.detach());
  const a = readMatrices(expand(system, [...batch, ...system.shape.slice(-2)]));
  const b = readMatrices(expand(known, [...batch, ...known.shape.slice(-2)]));
  for (let i = 0; i < b.count; i++) {
    solveInPlace(matrixAt(a, i), a.n, matrixAt(b, i), b.n, upper === left, unitriangular);
  }
  const solved = written(b.data, [...batch, b.m, b.n], B), out = left ? solved : mT(solved).contiguous();
  const args = { upper, left, unitriangular, bSymSizes: B.shape };
  return record(SolveTriangular, out, [A, B], args, { self: A, result: out });
}
