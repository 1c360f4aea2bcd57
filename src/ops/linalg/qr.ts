/**
 * The QR decomposition, and products of reflections.
 * @module
 */

import { qr as decompose, reflections } from "../../backend/cpu/decompose/decompose.ts";
import { checkKeys, checkTensor } from "../../tensor/arguments.ts";
import { brief } from "../../tensor/describe.ts";
import { sameShape, shapeText } from "../../tensor/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { cat } from "../view/join.ts";
import { matmul } from "../matmul/matmul.ts";
import { diagEmbed, tril, triu } from "../view/rearrange.ts";
import { record, recordAll, type Rule } from "../core/record.ts";
import { diagonal, narrow, select } from "../view/slice.ts";
import { unsqueeze } from "../view/view.ts";
import { checkFloats, checkMatrix, checkSameDtype } from "./checks.ts";
import { matrixAt, readMatrices, written } from "./host.ts";
import { mT, solveTriangular } from "./triangular.ts";
import { GeqrfResult, QRResult } from "./types.ts";

/** How much of Q: as many columns as A has (or rows, if fewer), no Q at all, or a square Q. */
export type QRMode = "reduced" | "r" | "complete";

/** Options of {@linkcode qr}. */
export interface QROptions {
  /** "reduced" by default. */
  readonly mode?: QRMode;
}

const Qr: Rule<{ mode: QRMode }> = {
  name: "LinalgQrBackward0",
  backwardAll: ([gQ, gR], node) => {
    const { mode } = node.args, Q = node.tensor("Q"), R = node.tensor("R");
    if (gQ === null && gR === null) return [null];
    if (mode === "r") {
      throw new TypeError(
        "The derivative of linalg.qr depends on Q, which is not computed when mode='r'. Please use " +
          'linalg.qr(A, { mode: "reduced" }) if you are going to differentiate through linalg.qr.',
      );
    }
    const m = Q.shape[Q.ndim - 2], n = R.shape[R.ndim - 1];
    if (mode === "complete" && m > n) {
      throw new TypeError(
        "The QR decomposition is not differentiable when mode='complete' and nrows > ncols.",
      );
    }
    return [m >= n ? tallGradient(gQ, gR, Q, R) : wideGradient(gQ, gR, Q, R, m, n)];
  },
};

function tallGradient(gQ: Tensor | null, gR: Tensor | null, Q: Tensor, R: Tensor): Tensor {
  let core: Tensor | null = gR === null ? null : matmul(gR, mT(R));
  if (gQ !== null) {
    const turn = matmul(mT(Q), gQ);
    core = core === null ? turn.neg() : core.sub(turn);
  }
  const upper = triu(core!);
  // both triangles, the diagonal once
  const both = upper.add(mT(upper)).sub(diagEmbed(diagonal(upper, 0, -2, -1)));
  const inside = matmul(Q, both);
  return solveTriangular(mT(R), gQ === null ? inside : inside.add(gQ), { upper: false, left: false });
}

function wideGradient(
  gQ: Tensor | null,
  gR: Tensor | null,
  Q: Tensor,
  R: Tensor,
  m: number,
  n: number,
): Tensor {
  let core: Tensor | null = gQ === null ? null : matmul(mT(Q), gQ);
  if (gR !== null) {
    const turn = matmul(gR, mT(R));
    core = core === null ? turn.neg() : core.sub(turn);
  }
  const skew = tril(core!.sub(mT(core!)));
  const square = solveTriangular(mT(narrow(R, -1, 0, m)), matmul(Q, skew), { upper: false, left: false });
  const whole = cat([square, square.newZeros([...square.shape.slice(0, -1), n - m])], -1);
  return gR === null ? whole : whole.add(matmul(Q, gR));
}

/**
 * Matrices [..., m, n] as Q R: orthonormal columns and an upper triangle, with LAPACK's signs (the diagonal of R may be negative).
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * const { Q, R } = dg.linalg.qr(dg.tensor([[3, 1], [4, 2]]));
 * Q.matmul(R); // tensor([[3., 1.], [4., 2.]])
 * ```
 */
export function qr(A: Tensor, options: QROptions | QRMode = {}): QRResult {
  const caller = "linalg.qr";
  checkMatrix(A, caller);
  checkFloats(A, caller);
  const given = typeof options === "string" ? { mode: options } : options;
  const { mode = "reduced" } = checkKeys(given, caller, ["mode"]);
  if (mode !== "reduced" && mode !== "r" && mode !== "complete") {
    const text = typeof mode === "string" ? mode : brief(mode);
    throw new RangeError(
      `qr received unrecognized mode '${text}' but expected one of 'reduced' (default), 'r', or 'complete'`,
    );
  }
  const a = readMatrices(A), { m, n } = a, k = Math.min(m, n), columns = mode === "complete" ? m : k;
  const q = new Float64Array(mode === "r" ? 0 : a.count * m * columns);
  const r = new Float64Array(a.count * columns * n), tau = new Float64Array(k);
  for (let i = 0; i < a.count; i++) {
    const matrix = matrixAt(a, i);
    decompose(matrix, m, n, tau);
    for (let row = 0; row < k; row++) {
      r.set(matrix.subarray(row * n + row, (row + 1) * n), (i * columns + row) * n + row);
    }
    if (mode !== "r") q.set(reflections(matrix, m, n, tau, k, columns), i * m * columns);
  }
  const Q = written(q, mode === "r" ? [0] : [...a.batch, m, columns], A);
  const R = written(r, [...a.batch, columns, n], A);
  recordAll(Qr, [Q, R], [A], { mode }, { Q, R });
  return new QRResult(Q, R);
}

/**
 * What a QR decomposition is made of: R on and above the diagonal, below it the vectors of Householder's reflections (their first
 * element is 1), and the reflections' factors. `linalg.householderProduct` makes Q of them. Without gradients, as in PyTorch.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * const { a, tau } = dg.geqrf(dg.tensor([[3, 1], [4, 2]]));
 * dg.linalg.householderProduct(a, tau).matmul(a.triu()); // tensor([[3., 1.], [4., 2.]])
 * ```
 */
export function geqrf(input: Tensor): GeqrfResult {
  checkMatrix(input, "geqrf", "input");
  checkFloats(input, "geqrf");
  const a = readMatrices(input), k = Math.min(a.m, a.n), taus = new Float64Array(a.count * k);
  for (let i = 0; i < a.count; i++) {
    decompose(matrixAt(a, i), a.m, a.n, taus.subarray(i * k, (i + 1) * k));
  }
  return new GeqrfResult(written(a.data, input.shape, input), written(taus, [...a.batch, k], input));
}

// ---- products of reflections --------------------------------------------------------------------------------------

const Householder: Rule<object> = {
  name: "LinalgHouseholderProductBackward0",
  backward: (g, node) => householderGradient(g, node.tensor("input"), node.tensor("tau")),
};

/** Vector i of the reflections, as a column. */
function vectorOf(lower: Tensor, i: number): Tensor {
  return narrow(lower, -1, i, 1);
}

function householderGradient(g: Tensor, input: Tensor, tau: Tensor): [Tensor, Tensor] {
  const k = tau.shape[tau.ndim - 1], m = input.shape[input.ndim - 2], n = input.shape[input.ndim - 1];
  const ones = diagEmbed(input.newOnes([...input.shape.slice(0, -2), n]));
  const below = tril(input, -1);
  const lower = below.add(
    m > n ? cat([ones, input.newZeros([...input.shape.slice(0, -2), m - n, n])], -2) : ones,
  );
  const factor = (i: number) => unsqueeze(select(tau, -1, i).unsqueeze(-1), -1);
  const reflect = (i: number, x: Tensor) => {
    const v = vectorOf(lower, i);
    return x.sub(matmul(v, matmul(mT(v), x)).mul(factor(i)));
  };
  // P_i is the product of the reflections from i on: P_i = H_i P_(i+1)
  const products = new Array<Tensor>(k + 1);
  products[k] = lower.mul(0).add(eyeLike(lower));
  for (let i = k - 1; i >= 0; i--) products[i] = reflect(i, products[i + 1]);
  const columns: Tensor[] = [], factors: Tensor[] = [];
  let grad = g;
  for (let i = 0; i < k; i++) {
    // the gradient of H_i is G P', of which only products with v are needed
    const v = vectorOf(lower, i), next = products[i + 1];
    const forward = matmul(grad, matmul(mT(next), v)), backward = matmul(next, matmul(mT(grad), v));
    columns.push(forward.add(backward).mul(factor(i)).neg());
    factors.push(matmul(mT(v), forward).neg().squeeze(-1));
    grad = reflect(i, grad);
  }
  if (n > k) columns.push(input.newZeros([...input.shape.slice(0, -1), n - k]));
  const gInput = columns.length === 0 ? input.mul(0) : tril(cat(columns, -1), -1);
  return [gInput, k === 0 ? tau.mul(0) : cat(factors, -1)];
}

/** Ones on the diagonal of the last two dimensions, m >= n. */
function eyeLike(x: Tensor): Tensor {
  const [m, n] = x.shape.slice(-2), lead = x.shape.slice(0, -2);
  const square = diagEmbed(x.newOnes([...lead, n]));
  return m === n ? square : cat([square, x.newZeros([...lead, m - n, n])], -2);
}

/**
 * The first n columns of the product of k reflections `1 - tau_i v_i v_i'`. Vector i lies in column i of the input [..., m, n] below the
 * diagonal; its element on the diagonal counts as 1, those above as 0. `tau` is [..., k].
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * dg.linalg.householderProduct(dg.zeros(2, 1), dg.tensor([2])); // tensor([[-1.], [0.]])
 * ```
 */
export function householderProduct(input: Tensor, tau: Tensor): Tensor {
  const caller = "linalg.householderProduct";
  checkTensor(input, caller);
  checkTensor(tau, caller, "tau", 2);
  if (input.ndim < 2) throw new TypeError(`${caller}: input must have at least 2 dimensions.`);
  const [m, n] = input.shape.slice(-2), k = tau.shape[tau.ndim - 1] ?? 0;
  if (m < n) {
    throw new TypeError(`${caller}: input.shape[-2] must be greater than or equal to input.shape[-1]`);
  }
  if (n < k) {
    throw new TypeError(`${caller}: input.shape[-1] must be greater than or equal to tau.shape[-1]`);
  }
  if (!sameShape(tau.shape.slice(0, -1), input.shape.slice(0, -2)) || tau.ndim !== input.ndim - 1) {
    throw new TypeError(
      `${caller}: Expected batch dimensions of tau to be equal to input.shape[:-2], but got ${
        shapeText(tau.shape)
      }`,
    );
  }
  checkFloats(input, caller);
  checkSameDtype(input, tau, caller);
  const a = readMatrices(input), t = readMatrices(unsqueeze(tau, -2)), q = new Float64Array(a.data.length);
  for (let i = 0; i < a.count; i++) {
    q.set(reflections(matrixAt(a, i), m, n, matrixAt(t, i), k, n), i * m * n);
  }
  return record(Householder, written(q, input.shape, input), [input, tau], {}, { input, tau });
}
