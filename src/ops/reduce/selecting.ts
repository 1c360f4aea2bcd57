/**
 * The gradient of operations that select values along a dimension: maxima, sorting, medians, ...
 * @module
 */

import { program } from "../../expr/program.ts";
import { fromTypedArray } from "../../tensor/create.ts";
import { numel, type Shape } from "../../tensor/shape.ts";
import { elementsOf, type Tensor } from "../../tensor/tensor.ts";
import { applyPointwise } from "../core/apply.ts";
import { PointwiseOp } from "../core/pointwise_op.ts";
import type { Rule } from "../core/record.ts";

/** Puts the gradient of selected values where they came from: zeros of `shape`, and at `indices` along `dim` the gradient. */
export function scatterBack(g: Tensor, indices: Tensor, dim: number, shape: Shape): Tensor {
  if (shape.length === 0) return g;
  if (g.device !== "cpu") return g.newZeros(shape).scatterAdd(dim, indices, g);
  const flat = g.newZeros(numel(shape)).indexAdd(0, flatPlaces(indices, dim, shape), g.reshape(-1));
  return flat.reshape(shape);
}

/** The elements at `indices` along the last dimension; differentiable. */
export function selectAlong(x: Tensor, indices: Tensor): Tensor {
  if (x.device !== "cpu") return x.gather(x.ndim - 1, indices);
  const places = flatPlaces(indices, x.ndim - 1, x.shape);
  return x.reshape(-1).indexSelect(0, places).reshape(indices.shape);
}

/** Places along a dimension as places in the flattened tensor, in the order of `indices`. */
function flatPlaces(indices: Tensor, dim: number, shape: Shape): Tensor {
  const from = elementsOf(indices) as BigInt64Array;
  const places = new BigInt64Array(from.length);
  const inner = numel(shape.slice(dim + 1)), n = shape[dim], k = indices.shape[dim];
  for (let w = 0; w < from.length; w++) {
    const outer = Math.floor(w / (k * inner));
    places[w] = BigInt((outer * n + Number(from[w])) * inner + w % inner);
  }
  return fromTypedArray(places);
}

/** 1 where two elements are the same, NaN included. */
const same = new PointwiseOp(
  program(["a", "b"], "where(a == b || (isnan(a) && isnan(b)), 1, 0)", { name: "same" }),
);

/** A rule for one element chosen of all: those that equal it share its gradient. */
export function evenly(name: string): Rule<object> {
  return {
    name,
    backward: (g, node) => {
      const hits = applyPointwise(same, [node.tensor("self").detach(), node.tensor("result").detach()]);
      return [hits.mul(g.div(hits.sum()))];
    },
  };
}
