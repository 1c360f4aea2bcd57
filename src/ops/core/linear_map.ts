/**
 * Operations that are linear in their one tensor: the gradient is the transposed map, whose gradient is the map again.
 * @module
 */

import type { Tensor } from "../../tensor/tensor.ts";
import { record, type Rule } from "./record.ts";

/** A linear map of tensors and its transpose. Both get and give tensors without history. */
export interface LinearMap {
  /** PyTorch's name of the node without "Backward0". */
  readonly name: string;
  /** The map. */
  readonly there: (x: Tensor) => Tensor;
  /** The transposed map. */
  readonly back: (g: Tensor) => Tensor;
  /** Plain values to show. */
  readonly args?: object;
}

/** Applies a linear map, with history. */
export function linearMap(x: Tensor, map: LinearMap): Tensor {
  const rule: Rule<object> = {
    name: `${map.name}Backward0`,
    backward: (g) => [linearMap(g, transposed(map))],
  };
  return record(rule, map.there(x.detach()), [x], map.args ?? {});
}

function transposed(map: LinearMap): LinearMap {
  return { name: `${map.name}Backward`, there: map.back, back: map.there, args: map.args };
}

/**
 * The gradient g of the result of an operation on x, by a linear map that x chose: as in PyTorch, its history leads to x as well
 * as to g, so that the second derivative is zero and not missing.
 */
export function chosenMap(g: Tensor, x: Tensor, map: LinearMap): Tensor {
  const rule: Rule<object> = {
    name: `${map.name}Backward0`,
    backward: (gg, node) => [
      node.needs(0) ? linearMap(gg, transposed(map)) : null,
      node.needs(1) ? x.newZeros(x.shape) : null,
    ],
  };
  return record(rule, map.there(g.detach()), [g, x], map.args ?? {});
}

/** As {@linkcode linearMap} for operations that PyTorch counts among those whose gradient depends on their input. */
export function linearMapOf(x: Tensor, map: LinearMap): Tensor {
  const rule: Rule<object> = {
    name: `${map.name}Backward0`,
    backward: (g, node) => [chosenMap(g, node.tensor("self"), transposed(map))],
  };
  return record(rule, map.there(x.detach()), [x], map.args ?? {}, { self: x });
}
