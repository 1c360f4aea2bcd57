/**
 * Prints the backward graph under a node: one indented line a node, with what it saved, edges in order.
 *
 * @module
 */
import { Tensor } from "../../mod.ts";
import { str, tuple } from "./python.ts";

/** What a graph is made of, as far as printing it goes. */
export interface GraphNode {
  name(): string;
  saved(): Record<string, unknown>;
  readonly nextFunctions: readonly (readonly [GraphNode | null, number])[];
  readonly variable?: Tensor;
}

function savedText(value: unknown): string {
  if (value instanceof Tensor) return `[saved tensor ${str(tuple(...value.shape))}]`;
  return str(Array.isArray(value) ? tuple(...value) : value);
}

/** Prints the graph under a node. A node met before is named only. */
export function printGraph(root: GraphNode | null, print: (line: string) => void): void {
  const seen = new Set<GraphNode>();
  const visit = (node: GraphNode | null, depth: number): void => {
    const pad = "  ".repeat(depth);
    if (node === null) return print(`${pad}None`);
    if (seen.has(node)) return print(`${pad}${node.name()} (seen)`);
    seen.add(node);
    if (node.variable) {
      print(`${pad}${node.name()} leaf shape=${str(tuple(...node.variable.shape))}`);
    } else {
      // Our attributes are in camelCase, Python's in snake_case.
      const snake = (name: string) => name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`);
      const saved = Object.entries(node.saved()).map(([k, v]) => [snake(k), v] as const).sort(([a], [b]) =>
        a < b ? -1 : 1
      );
      print(`${pad}${node.name()} ${saved.map(([k, v]) => `${k}=${savedText(v)}`).join(", ")}`.trimEnd());
    }
    for (const [next] of node.nextFunctions) visit(next, depth + 1);
  };
  visit(root, 0);
}
