/**
 * What a tensor knows of the graph that made it: data only. The rules are in `autograd/`.
 * @module
 */

import type { Node } from "../autograd/node.ts";
import type { Tensor } from "./tensor.ts";

/** Counts in-place writes. Views and `detach()` share their source's counter; `.data` starts a new one. */
export interface VersionCounter {
  /** Number of in-place writes seen. */
  version: number;
}

/** Gradient state of leaves, and of the few other tensors that have more of it than a node. */
export class AutogradMeta {
  /** Set on leaves by the user. */
  requiresGrad = false;
  /** Which output of its node the tensor is. */
  outputIndex = 0;
  /** The accumulated gradient. */
  grad: Tensor | null = null;
  /** Whether a non-leaf keeps its gradient. */
  retainsGrad = false;
  /** The leaf's one AccumulateGrad node, made on first use. */
  accumulator: Node | null = null;
}

/** That a tensor is a view, and of what. */
export interface ViewInfo {
  /** The tensor that owns the memory; never itself a view. */
  readonly base: Tensor;
  /** The counter's value when the view's node was last right; a later write through the base or a sibling outdates it. */
  version: number;
  /** Made while gradients were off: writing through it with gradients on would lose them. */
  readonly madeInNoGrad: boolean;
}

/** Set by `autograd/`: gives a view whose base was written a node that reads from the base's new history. */
export const viewHooks: { refresh: (view: Tensor) => void } = { refresh: () => {} };
