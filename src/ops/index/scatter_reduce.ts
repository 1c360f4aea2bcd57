/**
 * Combining values that are sent to the same element, and the gradients of that.
 * @module
 */

import { castScalar } from "../../tensor/cast.ts";
import { ones, zeros } from "../../tensor/create.ts";
import { isFloatingPoint } from "../../tensor/dtype.ts";
import { normalizeDim } from "../../tensor/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { checkNoInternalOverlap } from "../core/compute.ts";
import { copyInto } from "../core/copy.ts";
import { backTo, onHost } from "../core/on_host.ts";
import { record, recordInPlace, type Rule, type RuleNode, type Save } from "../core/record.ts";
import { maskedFill, where } from "../select.ts";
import { clear, pick, type Selection, spread, writePlain } from "./selection.ts";

/** How values are combined. */
export type ScatterReduction = "sum" | "prod" | "mean" | "amax" | "amin";

/** All ways to combine values. */
export const scatterReductions: readonly ScatterReduction[] = ["sum", "prod", "mean", "amax", "amin"];

const actions = { sum: "add", mean: "add", prod: "mul", amax: "max", amin: "min" } as const;

/** Combines the values into a tensor, without history. */
function combine(
  target: Tensor,
  selection: Selection,
  values: Tensor,
  reduce: ScatterReduction,
  includeSelf: boolean,
): void {
  if (!includeSelf) {
    // Where a value comes in, what was there is replaced by what changes nothing.
    if (reduce === "amax" || reduce === "amin") writePlain(target, selection, "put", values);
    else writePlain(target, selection, "put", reduce === "prod" ? 1 : 0);
  }
  writePlain(target, selection, actions[reduce], values);
  if (reduce !== "mean") return;
  const count = counts(target, selection, includeSelf);
  target.copy_(isFloatingPoint(target.dtype) ? target.div(count) : floorDivided(target, count));
}

/** How many values each element is the mean of; 1 where there is none. */
function counts(t: Tensor, selection: Selection, includeSelf: boolean): Tensor {
  const make = includeSelf ? ones : zeros;
  const like = { dtype: t.dtype, device: t.device };
  const count = make(t.shape, like);
  writePlain(count, selection, "add", ones(selection.shape, like));
  return count.add(count.eq(0n).to(t.dtype));
}

/** The mean of integers, rounded down. */
function floorDivided(total: Tensor, count: Tensor): Tensor {
  const out = onHost(total).clone().contiguous(), data = out.storage.data;
  const by = onHost(count).contiguous().storage.data;
  for (let i = 0; i < data.length; i++) {
    const n = BigInt(data[i]), d = BigInt(by[i]), quotient = n / d;
    const floor = n % d !== 0n && n < 0n ? quotient - 1n : quotient;
    data[i] = castScalar(floor, out.dtype);
  }
  return backTo(out, total);
}

const names = { pick: "GatherBackward0", spread: "ScatterAddBackward0" };

interface Args {
  readonly dim: number;
  readonly reduce: ScatterReduction;
  readonly includeSelf: boolean;
}

/** Combines values, which have the selection's shape, with the selected elements, with history. */
export function scatterReduced(
  inPlace: boolean,
  self: Tensor,
  selection: Selection,
  index: Tensor,
  values: Tensor,
  reduce: ScatterReduction,
  includeSelf: boolean,
  dim: number,
): Tensor {
  const args: Args = { dim: normalizeDim(dim, self.ndim), reduce, includeSelf };
  const rule: Rule<Args> = {
    name: "ScatterReduceBackward0",
    backward(g, node) {
      const [own, sent] = gradients(g, node, selection);
      return [
        node.needs(0) ? (includeSelf ? own : clear(own, selection, names.spread)) : null,
        node.needs(1) ? sent : null,
      ];
    },
  };
  if (inPlace) checkNoInternalOverlap(self);
  const result = self.detach().clone();
  combine(result, selection, values.detach(), reduce, includeSelf);
  const linear = reduce === "sum" || reduce === "mean";
  if (!inPlace) {
    const save: Save = linear ? { index } : { index, self, src: values, result };
    return record(rule, result, [self, values], args, save);
  }
  // What the gradients need of the overwritten values is kept as a copy.
  const save: Save = linear ? { index } : { index, self: self.clone(), src: values, result };
  return recordInPlace(rule, self, [self, values], args, () => copyInto(self, result), save);
}

/** The gradients of what was there (as if it took part) and of the values. */
function gradients(
  g: Tensor,
  node: RuleNode<Args>,
  selection: Selection,
): [Tensor, Tensor] {
  const { reduce, includeSelf } = node.args, index = node.tensor("index");
  const sent = (t: Tensor) => pick(t, selection, names);
  if (reduce === "sum") return [g, sent(g)];
  if (reduce === "mean") {
    const share = g.div(counts(g.detach(), selection, includeSelf));
    return [share, sent(share)];
  }
  const self = node.tensor("self"), src = node.tensor("src"), y = node.tensor("result").detach();
  if (reduce === "prod") {
    const product = (t: Tensor, factors: Tensor) =>
      scatterReduced(false, t, selection, index, factors, "prod", includeSelf, node.args.dim);
    return productGradients(g, self, src, product, selection);
  }
  // Everything that equals the result shares the gradient.
  const own = self.detach().eq(y).to(g.dtype), best = src.detach().eq(sent(y)).to(g.dtype);
  const share = g.div(own.add(spread(best, selection, names)));
  return [own.mul(share), best.mul(sent(share))];
}

/** Each factor's gradient is the product of the others: the result divided by it, unless it is the one zero. */
function productGradients(
  g: Tensor,
  self: Tensor,
  src: Tensor,
  product: (t: Tensor, factors: Tensor) => Tensor,
  selection: Selection,
): [Tensor, Tensor] {
  const sent = (t: Tensor) => pick(t, selection, names);
  const safeSelf = maskedFill(self, self.eq(0), 1);
  const own = g.mul(product(safeSelf, src)).div(safeSelf);
  const zero = src.eq(0);
  const count = sent(spread(zero.to(g.dtype), selection, names));
  const alone = zero.logicalAnd(count.eq(1));
  const others = product(self, maskedFill(src, alone, 1));
  const divided = sent(g.mul(product(self, src))).div(maskedFill(src, zero, 1));
  return [own, where(alone, sent(g.mul(others)), divided)];
}
