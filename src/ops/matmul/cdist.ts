/**
 * Distances between all pairs of vectors.
 * @module
 */

import { checkKeys, checkNumber, checkTensor } from "../../tensor/arguments.ts";
import { isFloatingPoint, typeName } from "../../tensor/dtype.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { norm } from "../reduce/norm.ts";
import { record, type Rule } from "../core/record.ts";
import { unsqueeze } from "../view/view.ts";

/** Options of {@linkcode cdist}. */
export interface CdistOptions {
  /** Which norm of the differences; 2 by default. */
  readonly p?: number;
}

const Cdist: Rule<{ p: number }> = {
  name: "CdistBackward0",
  backward: (g, node) => {
    const { p } = node.args, a = node.tensor("x1"), b = node.tensor("x2");
    if (p === 0) return [a.mul(0), b.mul(0)];
    const d = unsqueeze(a, -2).sub(unsqueeze(b, -3));
    const back = slope(d, node.tensor("result"), p).mul(unsqueeze(g, -1));
    return [
      node.needs(0) ? back.sum(-2).sumToSize(a.shape) : null,
      node.needs(1) ? back.sum(-3).neg().sumToSize(b.shape) : null,
    ];
  },
};

/** The derivative of the norm `y` of the last dimension by its elements. */
function slope(d: Tensor, y: Tensor, p: number): Tensor {
  const top = unsqueeze(y, -1), none = top.detach().eq(0);
  if (p === 1) return d.sign();
  if (p === Infinity) return d.sign().mul(d.detach().abs().eq(top.detach()).to(d.dtype));
  if (p === 2) return d.div(top).maskedFill(none, 0);
  const sizes = d.abs().div(top).maskedFill(none, 0);
  const scaled = sizes.pow(p - 1);
  return d.sign().mul(p < 1 ? scaled.maskedFill(d.detach().eq(0), 0) : scaled);
}

/**
 * The p-norm distances between the vectors of x1 [..., P, M] and those of x2 [..., R, M], as [..., P, R]. Batches broadcast.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * dg.cdist(dg.tensor([[0, 0]]), dg.tensor([[3, 4], [0, 1]])); // tensor([[5., 1.]])
 * ```
 */
export function cdist(x1: Tensor, x2: Tensor, options: CdistOptions | number = {}): Tensor {
  checkTensor(x1, "cdist", "x1", 1);
  checkTensor(x2, "cdist", "x2", 2);
  const given = typeof options === "number" ? { p: options } : options;
  const { p = 2 } = checkKeys(given, "cdist", ["p"]);
  for (const [name, x] of [["X1", x1], ["X2", x2]] as const) {
    if (x.ndim < 2) throw new TypeError(`cdist only supports at least 2D tensors, ${name} got: ${x.ndim}D`);
    if (!isFloatingPoint(x.dtype)) {
      throw new TypeError(`cdist only supports floating-point dtypes, ${name} got: ${typeName(x.dtype)}`);
    }
  }
  const m = x1.shape[x1.ndim - 1], n = x2.shape[x2.ndim - 1];
  if (m !== n) throw new TypeError(`X1 and X2 must have the same number of columns. X1: ${m} X2: ${n}`);
  if (!(checkNumber(p, "cdist", "p") >= 0)) {
    throw new RangeError("cdist only supports non-negative p values");
  }
  if (x1.dtype !== x2.dtype) {
    throw new TypeError(`expected scalar type ${typeName(x1.dtype)} but found ${typeName(x2.dtype)}`);
  }
  const difference = unsqueeze(x1.detach(), -2).sub(unsqueeze(x2.detach(), -3));
  const out = m === 0 ? difference.sum(-1) : norm(difference, p, -1);
  return record(Cdist, out, [x1, x2], { p }, { x1, x2, result: out });
}
