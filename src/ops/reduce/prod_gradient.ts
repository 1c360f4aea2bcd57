/**
 * Gradients of products and running products, which must not divide by elements that are 0.
 * @module
 */

import { Fold } from "../../expr/fold.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { onesLike } from "../../tensor/create.ts";
import { fold } from "../core/fold.ts";
import { cat, stack } from "../view/join.ts";

/** Whether dividing by every element is harmless. */
const divisibleFold = new Fold("divisible", [{
  state: { good: "1" },
  step: { good: "where(v == 0 || isnan(v) || isinf(v), 0, good)" },
  merge: { good: "where(good_ == 0, 0, good)" },
  whole: ["good"],
}], ["good"]);

function divisible(...tensors: Tensor[]): boolean {
  return tensors.every((t) =>
    fold(t.detach(), divisibleFold, t.shape.map((_, i) => i), [], "uint8")[0].item() === 1
  );
}

/** The product, at every place, of the elements before it along a dimension. */
function productBefore(x: Tensor, dim: number): Tensor {
  const size = x.shape[dim];
  if (size === 0) return x;
  const one = onesLike(x.detach().narrow(dim, 0, 1));
  return cat([one, x.narrow(dim, 0, size - 1).cumprod(dim)], { dim });
}

/** The gradient of a product over `dim`; `g` and `y`, the product, have that dimension with size 1. */
export function prodBackward(g: Tensor, x: Tensor, y: Tensor, dim: number): Tensor {
  if (divisible(x, y)) return g.mul(y).div(x);
  const after = productBefore(x.flip(dim), dim).flip(dim);
  return g.mul(productBefore(x, dim).mul(after));
}

/** Sums from each element to the end. */
export function cumsumFromEnd(x: Tensor, dim: number): Tensor {
  return x.flip(dim).cumsum(dim).flip(dim);
}

/** The gradient of running products `y` along `dim`. */
export function cumprodBackward(g: Tensor, x: Tensor, y: Tensor, dim: number): Tensor {
  if (divisible(x, y)) return cumsumFromEnd(g.mul(y), dim).div(x);
  // For every place k: the running products behind it without its own factor, times their gradients.
  const size = x.shape[dim];
  const before = productBefore(x, dim);
  const parts: Tensor[] = [];
  for (let k = 0; k < size; k++) {
    const upTo = before.narrow(dim, k, 1);
    const behind = x.narrow(dim, k + 1, size - k - 1).cumprod(dim);
    const without = cat([upTo, upTo.mul(behind)], { dim });
    parts.push(without.mul(g.narrow(dim, k, size - k)).sum(dim));
  }
  return parts.length === 0 ? g.mul(x) : stack(parts, { dim });
}
