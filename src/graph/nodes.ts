/**
 * Reading backward graphs: which nodes there are, and what each remembers, as text.
 * @module
 */

import { AccumulateGrad } from "../autograd/accumulate.ts";
import type { Node } from "../autograd/node.ts";
import { RuleNode } from "../ops/core/record.ts";
import { Tensor } from "../tensor/tensor.ts";

/** The nodes under some roots, each once, those nearest to a root first. */
export function nodesUnder(roots: Iterable<Node>): Set<Node> {
  const found = new Set(roots);
  // Iterating over a set also visits what is added on the way: a breadth-first walk of any depth.
  for (const node of found) for (const below of node.next) if (below !== null) found.add(below);
  return found;
}

/** A node's name without the namespace of C++ that PyTorch gives to some. */
export function shortName(node: Node): string {
  return node.name().replace(/^torch::autograd::/, "");
}

/** The leaf that a node adds gradients to, or null for any other node. */
export function leafOf(node: Node): Tensor | null {
  return node instanceof AccumulateGrad ? node.variable : null;
}

/** Characters that XML cannot carry, and halves of surrogate pairs. */
const UNPRINTABLE = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu;

/** Anybody's text as one line that every format can carry. */
export function oneLine(text: string): string {
  return text.replace(UNPRINTABLE, "\ufffd").replace(/[\t\n\r]+/g, " ");
}

/** A shape as PyTorch's pictures write it: `(100, 5)`, `()`. */
export function shapeLabel(shape: readonly number[]): string {
  return `(${shape.join(", ")})`;
}

/**
 * What a node remembers, by name in alphabetical order. Where its tensors are freed, or were written since, the plain values
 * alone.
 */
export function savedOf(node: Node): [string, unknown][] {
  let saved: Record<string, unknown>;
  try {
    saved = node.saved();
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    saved = node instanceof RuleNode ? { ...node.args } : {};
  }
  return Object.entries(saved)
    .filter(([, value]) => value !== undefined && typeof value !== "function")
    .sort(([a], [b]) => a < b ? -1 : a > b ? 1 : 0);
}

/** A remembered value as text. */
export function valueText(value: unknown): string {
  if (value instanceof Tensor) return `[saved tensor ${shapeLabel(value.shape)}]`;
  if (Array.isArray(value)) {
    return value.some((item) => item instanceof Tensor)
      ? "[saved tensors]"
      : `[${value.map(valueText).join(", ")}]`;
  }
  if (ArrayBuffer.isView(value)) return `[${(value as Uint8Array).length} numbers]`;
  if (typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype) {
    return `{${Object.entries(value).map(([key, item]) => `${key}: ${valueText(item)}`).join(", ")}}`;
  }
  return String(value);
}

/** The tensors that a node remembers, by name; those of a list as `name[0]`, `name[1]`, ... */
export function savedTensors(node: Node): [string, Tensor][] {
  return savedOf(node).flatMap(([key, value]): [string, Tensor][] => {
    if (value instanceof Tensor) return [[key, value]];
    if (!Array.isArray(value)) return [];
    return value.flatMap((item, i): [string, Tensor][] =>
      item instanceof Tensor ? [[`${key}[${i}]`, item]] : []
    );
  });
}
