/**
 * How much a pointwise operation computes.
 * @module
 */

import { isCheap } from "../backend/cpu/wasm/lower.ts";
import { postorder } from "../expr/expr.ts";
import { expandPowers } from "../expr/program.ts";
import type { PointwiseOp } from "../ops/pointwise_op.ts";

/** What is known of an operation's cost. */
export interface Cost {
  /** Primitives for each element. */
  readonly work: number;
  /** Whether each is about one instruction. */
  readonly cheap: boolean;
}

const costs = new WeakMap<PointwiseOp, Cost>();

/** The cost of an operation. */
export function costOf(op: PointwiseOp): Cost {
  let cost = costs.get(op);
  if (cost === undefined) {
    const nodes = postorder(expandPowers(op.program.outputs));
    cost = { work: nodes.filter((e) => e.args.length > 0).length, cheap: isCheap(op.program) };
    costs.set(op, cost);
  }
  return cost;
}
