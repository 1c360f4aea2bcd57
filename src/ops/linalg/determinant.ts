/**
 * Determinants.
 * @module
 */

import { lu } from "../../backend/cpu/decompose/decompose.ts";
import { checkTensor } from "../../tensor/arguments.ts";
import { arange, ones, tensor } from "../../tensor/create.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { index } from "../index/index.ts";
import { matmul } from "../matmul/matmul.ts";
import { vectorNorm } from "../reduce/norm.ts";
import { diagEmbed } from "../view/rearrange.ts";
import { record, recordAll, type Rule } from "../core/record.ts";
import { where } from "../select.ts";
import { reshape, unsqueeze } from "../view/view.ts";
import { checkFloats, checkSquare } from "./checks.ts";
import { gather, readMatrices, written } from "./host.ts";
import { invEx } from "./solve.ts";
import { svd } from "./svd.ts";
import { mT } from "./triangular.ts";
import { SlogdetResult } from "./types.ts";

/** Up to this size the cofactors of (nearly) singular matrices are determinants of their minors. */
const MINORS = 8;

/** Below this part of the largest possible determinant a small matrix counts as nearly singular. */
const NEARLY = 1e-6;

/** A number for each matrix as [..., 1, 1]. */
const wide = (t: Tensor): Tensor => unsqueeze(unsqueeze(t, -1), -1);

const Det: Rule<object> = {
  name: "LinalgDetBackward0",
  backward: (g, node) => {
    const a = node.tensor("A"), y = node.tensor("result");
    return [cofactors(a, y).mul(wide(g))];
  },
};

/** The derivatives of the determinants `y` by the elements. */
function cofactors(a: Tensor, y: Tensor): Tensor {
  const n = a.shape[a.ndim - 1];
  if (a.numel() === 0) return a.newZeros(a.shape);
  const plain = a.detach();
  // The product of the rows' lengths is the largest determinant that they can have.
  const small = n > MINORS ? 0 : vectorNorm(plain, 2, { dim: -1 }).prod(-1).mul(NEARLY);
  if (!y.detach().abs().le(small).any().item()) return mT(invEx(a).inverse).mul(wide(y));
  // Singular matrices have no inverse, but cofactors, and an inverse of one that is nearly singular has few digits.
  if (n <= MINORS) return minors(a);
  const { U, S, Vh } = svd(a, { fullMatrices: false });
  const others = unsqueeze(S, -2).maskedFill(eyeMask(n, a), 1).prod(-1);
  const sign = det(U.detach()).mul(det(Vh.detach())).round();
  return matmul(U.mul(unsqueeze(others, -2)), Vh).mul(wide(sign));
}

function eyeMask(n: number, like: Tensor): Tensor {
  return diagEmbed(ones(n, { dtype: "float32", device: like.device })).bool();
}

/** The cofactors, each from the matrix without one row and one column. */
function minors(a: Tensor): Tensor {
  const n = a.shape[a.ndim - 1];
  if (n === 1) return a.newOnes(a.shape);
  const without = Array.from(
    { length: n },
    (_, i) => Array.from({ length: n - 1 }, (_, k) => BigInt(k < i ? k : k + 1)),
  );
  const kept = tensor(without, { device: a.device });
  const rows = reshape(kept, n, 1, n - 1, 1), columns = reshape(kept, 1, n, 1, n - 1);
  const place = arange(n, { dtype: a.dtype, device: a.device });
  const signs = reshape(place, n, 1).add(place).remainder(2).mul(-2).add(1);
  return det(index(a, "...", rows, columns)).mul(signs);
}

/**
 * The determinants of square matrices [..., n, n].
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * dg.linalg.det(dg.tensor([[1, 2], [3, 4]])); // tensor(-2.)
 * ```
 */
export function det(A: Tensor): Tensor {
  checkSquare(A, "linalg.det");
  checkFloats(A, "linalg.det");
  const a = readMatrices(A), { n } = a;
  const values = gather(a, 1, (matrix) => {
    const pivots = new Int32Array(n);
    lu(matrix, n, n, pivots);
    let product = 1;
    for (let k = 0; k < n; k++) product *= pivots[k] === k ? matrix[k * n + k] : -matrix[k * n + k];
    return Float64Array.of(product);
  });
  const out = written(values, a.batch, A);
  return record(Det, out, [A], {}, { A, result: out });
}

const Slogdet: Rule<object> = {
  name: "LinalgSlogdetBackward0",
  // the sign is constant wherever it has a derivative
  backwardAll: ([, g], node) => [
    g === null || g === undefined ? null : mT(invEx(node.tensor("A")).inverse).mul(wide(g)),
  ],
};

/**
 * The signs of the determinants of square matrices, and the logarithms of their sizes, which neither overflow nor vanish. A singular
 * matrix has sign 0 and logarithm -inf.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * const { sign, logabsdet } = dg.linalg.slogdet(dg.eye(2).mul(2)); // 1 and 1.3863
 * ```
 */
export function slogdet(A: Tensor): SlogdetResult {
  checkSquare(A, "linalg.slogdet");
  checkFloats(A, "linalg.slogdet");
  const a = readMatrices(A), { n } = a, logs = new Float64Array(a.count);
  const signs = gather(a, 1, (matrix, i) => {
    const pivots = new Int32Array(n);
    lu(matrix, n, n, pivots);
    let sign = 1;
    for (let k = 0; k < n; k++) {
      const pivot = matrix[k * n + k];
      sign *= pivots[k] === k ? Math.sign(pivot) : -Math.sign(pivot);
      logs[i] += Math.log(Math.abs(pivot));
    }
    return Float64Array.of(sign);
  });
  const sign = written(signs, a.batch, A), logabsdet = written(logs, a.batch, A);
  recordAll(Slogdet, [sign, logabsdet], [A], {}, { A });
  return new SlogdetResult(sign, logabsdet);
}

/**
 * The natural logarithms of the determinants of square matrices [..., n, n]; NaN where a determinant is negative.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * dg.logdet(dg.eye(2).mul(2)); // tensor(1.3863)
 * ```
 */
export function logdet(input: Tensor): Tensor {
  checkTensor(input, "logdet");
  checkSquare(input, "linalg.slogdet");
  checkFloats(input, "linalg.slogdet");
  const { sign, logabsdet } = slogdet(input);
  return where(sign.detach().eq(-1), NaN, logabsdet);
}
