/**
 * Backward graphs as text.
 * @module
 */

import type { Node } from "../autograd/node.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { leafOf, nodesUnder, oneLine, savedOf, shapeLabel, shortName, valueText } from "./nodes.ts";
import {
  checkCount,
  checkOptions,
  type Names,
  namesOf,
  outputsOf,
  type Params,
  SUMMARY_LINES,
} from "./options.ts";

/** Options of {@linkcode summary}. */
export interface SummaryOptions {
  /** Names of leaves. */
  params?: Params | null;
  /** Lines at most; a last line tells how many nodes are left out. Default: 1000. */
  maxNodes?: number;
}

/** Deeper nodes are not indented further but say how deep they are: lines of a deep graph shall not grow with it. */
const DEEPEST_INDENT = 40;

function indent(depth: number): string {
  return "  ".repeat(Math.min(depth, DEEPEST_INDENT)) + (depth > DEEPEST_INDENT ? `[depth ${depth}] ` : "");
}

function lineOf(node: Node, names: Names): string {
  const leaf = leafOf(node);
  if (leaf !== null) {
    return `${shortName(node)} ${oneLine(names.get(leaf) ?? "leaf")} ${shapeLabel(leaf.shape)}`;
  }
  const saved = savedOf(node).map(([key, value]) => `${key}=${oneLine(valueText(value))}`);
  return [shortName(node), saved.join(", ")].join(" ").trimEnd();
}

/** {@linkcode summary} with checked arguments. */
export function summaryOf(outputs: readonly Tensor[], names: Names, maxNodes: number): string {
  const lines: string[] = [], seen = new Set<Node>();
  const roots: (Node | null)[] = [];
  for (const y of outputs) {
    if (y.gradFn !== null) roots.push(y.gradFn);
    else {lines.push(
        `${oneLine(names.get(y) ?? (y.requiresGrad ? "leaf" : "no gradient"))} ${shapeLabel(y.shape)}`,
      );}
  }
  const todo: { node: Node | null; depth: number }[] = roots.reverse().map((node) => ({ node, depth: 0 }));
  let left = false;
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    if (lines.length >= maxNodes) {
      left = true;
      break;
    }
    const { node, depth } = next, margin = indent(depth);
    if (node === null) lines.push(`${margin}null`);
    else if (seen.has(node)) lines.push(`${margin}${shortName(node)} (seen)`);
    else {
      seen.add(node);
      lines.push(margin + lineOf(node, names));
      for (let i = node.next.length - 1; i >= 0; i--) todo.push({ node: node.next[i], depth: depth + 1 });
    }
  }
  if (left) {
    const all = nodesUnder(roots.filter((node) => node !== null)).size;
    lines.push(`... ${seen.size} of ${all} nodes shown: maxNodes shows more`);
  }
  return lines.join("\n");
}

/**
 * The graph under tensors as indented text: one line a node with what it saved, the nodes of its inputs below it in order,
 * `null` for an input that needs no gradient, and `(seen)` after a node that stands further up.
 *
 * @param y A tensor, or several.
 * @param options Names of leaves, and how much to show.
 * @returns The text.
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * const w = dg.tensor([1, 2], { requiresGrad: true });
 * console.log(dg.graph.summary(w.mul(w).sum(), { params: { w } }));
 * // SumBackward0 selfSymSizes=[2]
 * //   MulBackward0 other=[saved tensor (2)], self=[saved tensor (2)]
 * //     AccumulateGrad w (2)
 * //     AccumulateGrad (seen)
 * ```
 */
export function summary(y: Tensor | readonly Tensor[], options: SummaryOptions = {}): string {
  checkOptions(options, ["params", "maxNodes"], "summary");
  const { params, maxNodes = SUMMARY_LINES } = options;
  return summaryOf(outputsOf(y, "summary"), namesOf(params), checkCount(maxNodes, "maxNodes", "summary"));
}
