/**
 * Products of many matrices, powers and exponentials.
 * @module
 */

import { gemm } from "../../backend/cpu/gemm.ts";
import { lu, solveFactored } from "../../backend/cpu/decompose/decompose.ts";
import { checkInteger, checkTensors } from "../../tensor/arguments.ts";
import { eye } from "../../tensor/create.ts";
import { cppName } from "../../tensor/dtype.ts";
import { shapeText } from "../../tensor/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { cat } from "../view/join.ts";
import { matmul } from "../matmul/matmul.ts";
import { mm } from "../matmul/products.ts";
import { record, type Rule } from "../core/record.ts";
import { narrow } from "../view/slice.ts";
import { unsqueeze, view } from "../view/view.ts";
import { checkFloats, checkSquare } from "./checks.ts";
import { gather, readMatrices, written } from "./host.ts";
import { inv } from "./solve.ts";
import { mT } from "./triangular.ts";

// ---- products -----------------------------------------------------------------------------------------------------

/**
 * The product of two or more matrices in the order of multiplication that takes the fewest steps. The first and the last may be
 * vectors.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * dg.linalg.multiDot([dg.ones(2, 3), dg.ones(3, 4), dg.ones(4)]); // tensor([12., 12.])
 * ```
 */
export function multiDot(tensors: readonly Tensor[]): Tensor {
  checkTensors(tensors, "multiDot");
  const count = tensors.length;
  if (count < 2) throw new TypeError(`multiDot(): expected at least 2 tensors but got ${count}`);
  const first = tensors[0], last = tensors[count - 1];
  for (const [name, t] of [["first", first], ["last", last]] as const) {
    if (t.ndim !== 1 && t.ndim !== 2) {
      throw new TypeError(`multiDot(): the ${name} tensor must be 1D or 2D but got ${t.ndim}D`);
    }
  }
  tensors.slice(1, -1).forEach((t, i) => {
    if (t.ndim !== 2) throw new TypeError(`multiDot(): tensor ${i + 1} must be 2D but got ${t.ndim}D`);
  });
  const matrices = [...tensors];
  if (first.ndim === 1) matrices[0] = unsqueeze(first, 0);
  if (last.ndim === 1) matrices[count - 1] = unsqueeze(last, -1);
  tensors.forEach((t, i) => {
    if (t.dtype !== first.dtype) {
      throw new TypeError(
        `multiDot(): all tensors must have be the same dtype but tensor 0 is ${
          cppName(first.dtype)
        } and tensor ${i} ` +
          cppName(t.dtype),
      );
    }
    if (i > 0 && matrices[i - 1].shape[1] !== matrices[i].shape[0]) {
      throw new TypeError(
        `multiDot(): tensors ${i - 1} and ${i} with shapes ${shapeText(tensors[i - 1].shape)} and ${
          shapeText(t.shape)
        } cannot be multiplied`,
      );
    }
  });
  const out = multiplied(matrices, splits(matrices), 0, count - 1);
  const shape = [...first.shape.slice(0, -1), ...last.shape.slice(1)];
  return view(out, shape);
}

/** Where to split each product of neighbours so that there are the fewest multiplications. */
function splits(matrices: readonly Tensor[]): number[][] {
  const count = matrices.length;
  const sizes = [...matrices.map((t) => t.shape[0]), matrices[count - 1].shape[1]];
  const cost = matrices.map(() => new Array<number>(count).fill(0));
  const split = matrices.map(() => new Array<number>(count).fill(0));
  for (let length = 1; length < count; length++) {
    for (let i = 0; i + length < count; i++) {
      const j = i + length;
      cost[i][j] = Infinity;
      for (let k = i; k < j; k++) {
        const steps = cost[i][k] + cost[k + 1][j] + sizes[i] * sizes[k + 1] * sizes[j + 1];
        if (steps < cost[i][j]) [cost[i][j], split[i][j]] = [steps, k];
      }
    }
  }
  return split;
}

function multiplied(matrices: readonly Tensor[], split: number[][], i: number, j: number): Tensor {
  if (i === j) return matrices[i];
  const k = split[i][j];
  return mm(multiplied(matrices, split, i, k), multiplied(matrices, split, k + 1, j));
}

// ---- powers -------------------------------------------------------------------------------------------------------

/**
 * Square matrices [..., n, n] to a whole power; negative powers are those of the inverse.
 *
 * @throws {LinAlgError} for a negative power of a singular matrix.
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * dg.linalg.matrixPower(dg.tensor([[1, 1], [0, 1]]), 3); // tensor([[1., 3.], [0., 1.]])
 * ```
 */
export function matrixPower(A: Tensor, n: number): Tensor {
  const caller = "linalg.matrixPower";
  checkSquare(A, caller);
  checkInteger(n, caller, "n");
  if (n === 0) {
    const one = eye(A.shape[A.ndim - 1], { dtype: A.dtype, device: A.device });
    return A.clone().copy_(one.expand(A.shape));
  }
  if (n === 1) return A.clone();
  if (n === -1) return inv(A);
  let base = n < 0 ? inv(A) : A, rest = Math.abs(n), out: Tensor | null = null;
  while (rest > 0) {
    if (rest % 2 === 1) out = out === null ? base : matmul(out, base);
    rest = Math.floor(rest / 2);
    if (rest > 0) base = matmul(base, base);
  }
  return out!;
}

// ---- exponentials -------------------------------------------------------------------------------------------------

const Exponential: Rule<object> = {
  name: "LinalgMatrixExpBackward0",
  backward: (g, node) => {
    // the exponential of [[A', G], [0, A']] has the derivative at A' in the direction G in its corner
    const a = mT(node.tensor("self")), n = a.shape[a.ndim - 1];
    const top = cat([a, g], -1), bottom = cat([a.mul(0), a], -1);
    return [narrow(narrow(matrixExp(cat([top, bottom], -2)), -2, 0, n), -1, n, n)];
  },
};

/** Coefficients of the numerator of exp's rational approximation of order 13; the denominator has alternating signs. */
const PADE = (() => {
  const out = [1];
  for (let j = 1; j <= 13; j++) out.push(out[j - 1] * (14 - j) / (j * (27 - j)));
  return out;
})();

/** The largest norm at which that approximation is good to the last digits of a double. */
const NEAR = 5.371920351148152;

/** exp of an n by n matrix: the approximation of a small part of it, squared back. */
function exponential(a: Float64Array, n: number): Float64Array {
  let norm = 0;
  for (let j = 0; j < n; j++) {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += Math.abs(a[i * n + j]);
    norm = sum > norm || sum !== sum ? sum : norm;
  }
  if (!Number.isFinite(norm)) return a.map(() => NaN);
  const squarings = norm > NEAR ? Math.ceil(Math.log2(norm / NEAR)) : 0;
  const x = a.map((v) => v / 2 ** squarings);
  const times = (p: Float64Array, q: Float64Array) => {
    const out = new Float64Array(n * n);
    const of = (data: Float64Array) => ({ data, offset: 0, rowStride: n, columnStride: 1 });
    gemm({ m: n, n, k: n }, of(p), of(q), of(out), "float64");
    return out;
  };
  const square = times(x, x), even = new Float64Array(n * n), odd = new Float64Array(n * n);
  // powers of the square, in turn for the even and the odd part
  let power = new Float64Array(n * n);
  for (let i = 0; i < n; i++) power[i * n + i] = 1;
  for (let j = 0; j < 14; j += 2) {
    for (let i = 0; i < n * n; i++) {
      even[i] += PADE[j] * power[i];
      odd[i] += PADE[j + 1] * power[i];
    }
    if (j < 12) power = times(power, square);
  }
  const turned = times(x, odd), below = even.map((v, i) => v - turned[i]), pivots = new Int32Array(n);
  let out = even.map((v, i) => v + turned[i]);
  lu(below, n, n, pivots);
  solveFactored(below, n, pivots, out, n);
  for (let i = 0; i < squarings; i++) out = times(out, out);
  return out;
}

/**
 * The exponentials of square matrices [..., n, n]: the sums of A^k / k!.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * dg.linalg.matrixExp(dg.tensor([[0, 1], [0, 0]])); // tensor([[1., 1.], [0., 1.]])
 * ```
 */
export function matrixExp(A: Tensor): Tensor {
  const caller = "linalg.matrixExp";
  checkSquare(A, caller);
  checkFloats(A, caller);
  const a = readMatrices(A);
  const out = written(gather(a, a.n * a.n, (matrix) => exponential(matrix, a.n)), A.shape, A);
  return record(Exponential, out, [A], {}, { self: A });
}
