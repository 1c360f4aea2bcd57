/**
 * The singular value decomposition.
 * @module
 */

import { svd as decompose } from "../../backend/cpu/decompose/decompose.ts";
import { anyRequiresGrad } from "../../autograd/graph.ts";
import { checkFlag, checkKeys } from "../../tensor/arguments.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { matmul } from "../matmul/matmul.ts";
import { diagEmbed } from "../view/rearrange.ts";
import { recordAll, type Rule } from "../core/record.ts";
import { diagonal, narrow } from "../view/slice.ts";
import { unsqueeze } from "../view/view.ts";
import { checkFloats, checkMatrix } from "./checks.ts";
import { checkFinite, matrixAt, readMatrices, written } from "./host.ts";
import { mT } from "./triangular.ts";
import { SVDResult } from "./types.ts";

/** Options of {@linkcode svd}. */
export interface SVDOptions {
  /** Whether U and Vh are square (true, the default) or have as many columns and rows as there are singular values. */
  readonly fullMatrices?: boolean;
}

/** x minus its transpose. */
const skew = (x: Tensor): Tensor => x.sub(mT(x));

/** The matrix with `values` in place of its diagonal; zeros for null. */
export function withDiagonal(x: Tensor, values: Tensor | null): Tensor {
  const rest = x.sub(diagEmbed(diagonal(x, 0, -2, -1)));
  return values === null ? rest : rest.add(diagEmbed(values));
}

/** All differences x_j - x_i as [..., i, j], with ones on the diagonal. */
export function gaps(x: Tensor): Tensor {
  const ones = diagEmbed(x.detach().mul(0).add(1));
  return unsqueeze(x, -2).sub(unsqueeze(x, -1)).add(ones);
}

const Svd: Rule<{ fullMatrices: boolean }> = {
  name: "LinalgSvdBackward0",
  backwardAll: ([gU, gS, gVh], node) => {
    const S = node.tensor("S"), k = S.shape[S.ndim - 1];
    // columns beyond the singular values are of no account, as in PyTorch
    const U = narrow(node.tensor("U"), -1, 0, k), Vh = narrow(node.tensor("Vh"), -2, 0, k);
    const gu = gU === null ? null : narrow(gU, -1, 0, k), gvh = gVh === null ? null : narrow(gVh, -2, 0, k);
    return [svdGradient(gu, gS, gvh, U, S, Vh)];
  },
};

function svdGradient(
  gU: Tensor | null,
  gS: Tensor | null,
  gVh: Tensor | null,
  U: Tensor,
  S: Tensor,
  Vh: Tensor,
): Tensor | null {
  if (gU === null && gVh === null) {
    return gS === null ? null : matmul(U.mul(unsqueeze(gS, -2)), Vh);
  }
  const m = U.shape[U.ndim - 2], n = Vh.shape[Vh.ndim - 1], k = S.shape[S.ndim - 1];
  const row = unsqueeze(S, -2), column = unsqueeze(S, -1);
  const differences = gaps(S.square());
  const terms: Tensor[] = [];
  if (gU !== null) terms.push(skew(matmul(mT(U), gU)).div(differences).mul(row));
  if (gVh !== null) terms.push(column.mul(skew(matmul(Vh, mT(gVh))).div(differences)));
  if (gS !== null) terms.push(diagEmbed(gS));
  const inside = matmul(matmul(U, terms.reduce((sum, term) => sum.add(term))), Vh);
  // then what lies outside the spaces that the singular vectors span
  const parts = [inside];
  if (m > k && gU !== null) {
    const scaled = gU.div(row);
    parts.push(matmul(scaled.sub(matmul(U, matmul(mT(U), scaled))), Vh));
  }
  if (n > k && gVh !== null) {
    const scaled = gVh.div(column);
    parts.push(matmul(U, scaled.sub(matmul(matmul(scaled, mT(Vh)), Vh))));
  }
  return parts.reduce((sum, part) => sum.add(part));
}

function decomposed(
  A: Tensor,
  vectors: "none" | "reduced" | "full",
): { U: Tensor; S: Tensor; Vh: Tensor } {
  const a = readMatrices(A), { m, n } = a, k = Math.min(m, n);
  checkFinite(a, "linalg.svd");
  const full = vectors === "full", none = vectors === "none";
  const columns = none ? 0 : full ? m : k, rows = none ? 0 : full ? n : k;
  const u = new Float64Array(a.count * m * columns), s = new Float64Array(a.count * k);
  const vh = new Float64Array(a.count * rows * n);
  for (let i = 0; i < a.count; i++) {
    if (k === 0) {
      for (let j = 0; j < columns; j++) u[(i * m + j) * columns + j] = 1;
      for (let j = 0; j < rows; j++) vh[(i * rows + j) * n + j] = 1;
      continue;
    }
    const found = decompose(matrixAt(a, i), m, n, vectors);
    u.set(found.u, i * m * columns);
    s.set(found.s, i * k);
    vh.set(found.vh, i * rows * n);
  }
  return {
    U: written(u, [...a.batch, m, columns], A),
    S: written(s, [...a.batch, k], A),
    Vh: written(vh, [...a.batch, rows, n], A),
  };
}

/**
 * Matrices [..., m, n] as U diag(S) Vh: orthonormal columns U, singular values S, largest first, and orthonormal rows Vh. The signs of
 * a column of U and its row of Vh are not determined. The gradients of U and Vh exist where singular values differ, and where the
 * result does not depend on those signs; columns beyond the singular values have none.
 *
 * @throws {LinAlgError} if an element is not finite.
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * const { U, S, Vh } = dg.linalg.svd(dg.tensor([[3, 0], [0, 4]]));
 * U.mul(S).matmul(Vh); // tensor([[3., 0.], [0., 4.]])
 * ```
 */
export function svd(A: Tensor, options: SVDOptions | boolean = {}): SVDResult {
  const caller = "linalg.svd";
  checkMatrix(A, caller);
  checkFloats(A, caller);
  const given = typeof options === "boolean" ? { fullMatrices: options } : options;
  const { fullMatrices = true } = checkKeys(given, caller, ["fullMatrices"]);
  checkFlag(fullMatrices, caller, "fullMatrices");
  const { U, S, Vh } = decomposed(A, fullMatrices ? "full" : "reduced");
  recordAll(Svd, [U, S, Vh], [A], { fullMatrices }, { U, S, Vh });
  return new SVDResult(U, S, Vh);
}

/**
 * The singular values of matrices [..., m, n], largest first.
 *
 * @throws {LinAlgError} if an element is not finite.
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * dg.linalg.svdvals(dg.tensor([[3, 0], [0, -4]])); // tensor([4., 3.])
 * ```
 */
export function svdvals(A: Tensor): Tensor {
  checkMatrix(A, "linalg.svd");
  checkFloats(A, "linalg.svd");
  return anyRequiresGrad([A]) ? svd(A, { fullMatrices: false }).S : decomposed(A, "none").S;
}
