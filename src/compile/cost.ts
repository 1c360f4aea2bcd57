/**
 * How much a pointwise operation computes.
 * @module
 */

import { postorder } from "../expr/expr.ts";
import { expandPowers } from "../expr/program.ts";
import type { PointwiseOp } from "../ops/core/pointwise_op.ts";

/** What is known of an operation's cost. */
export interface Cost {
  /** Primitives for each element. */
  readonly work: number;
  /** Whether each takes no longer than reading a result from memory. */
  readonly cheap: boolean;
}

const cheap = new Set(
  ("add sub mul neg div sqrt rsqrt fround floor ceil trunc round abs sign copysign max min fmax fmin " +
    "where eq ne lt le gt ge and or xor not isnan isinf signbit").split(" "),
);

const costs = new WeakMap<PointwiseOp, Cost>();

/** The cost of an operation. */
export function costOf(op: PointwiseOp): Cost {
  let cost = costs.get(op);
  if (cost === undefined) {
    const nodes = postorder(expandPowers(op.program.outputs)).filter((e) => e.args.length > 0);
    cost = { work: nodes.length, cheap: nodes.every((e) => cheap.has(e.op)) };
    costs.set(op, cost);
  }
  return cost;
}
