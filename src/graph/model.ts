/**
 * What a picture of a graph consists of: boxes and lines as plain data, made from the backward graph.
 *
 * The conventions are those of torchviz: tensors are coloured, operations are grey, lines run from inputs to results.
 * @module
 */

import type { Node } from "../autograd/node.ts";
import type { Tensor } from "../tensor/tensor.ts";
import {
  leafOf,
  nodesUnder,
  oneLine,
  savedOf,
  savedTensors,
  shapeLabel,
  shortName,
  valueText,
} from "./nodes.ts";
import type { Names } from "./options.ts";

/**
 * What a box stands for: a `leaf` that wants a gradient, an `operation` of the backward graph, an `output`, the `base` that an
 * output is a view of, a `saved` tensor, a `result` (a saved tensor that is the operation's own result), or `more`
 * operations that are not drawn.
 */
export type NodeKind = "leaf" | "operation" | "output" | "base" | "saved" | "result" | "more";

/** A box of the picture. */
export interface GraphNode {
  /** Names the box in {@linkcode GraphEdge}. */
  readonly id: string;
  /** What it stands for. */
  readonly kind: NodeKind;
  /** The operation's or the tensor's name; "" for a tensor without one. */
  readonly name: string;
  /** The tensor's shape, as in `(100, 5)`; "" for an operation. */
  readonly shape: string;
  /** What the operation remembers, by name; empty unless asked for. */
  readonly attributes: readonly (readonly [name: string, value: string])[];
}

/** A line of the picture. */
export interface GraphEdge {
  /** Where it starts. */
  readonly from: string;
  /** Where it ends. */
  readonly to: string;
  /** From an input to what is made of it (`flow`), between an operation and a tensor that it saved, or from a base to its view. */
  readonly kind: "flow" | "saved" | "view";
  /** Words at the line; "" for none. */
  readonly label: string;
}

/** A picture as data. */
export interface GraphModel {
  /** The boxes. */
  readonly nodes: readonly GraphNode[];
  /** The lines. */
  readonly edges: readonly GraphEdge[];
  /** Number of nodes of the backward graph, drawn or not. */
  readonly operations: number;
  /** Number of those that are drawn. */
  readonly drawn: number;
}

/** What to draw. */
export interface ModelOptions {
  /** Names of tensors. */
  readonly names: Names;
  /** Whether operations list what they remember. */
  readonly showAttrs: boolean;
  /** Whether saved tensors have boxes. */
  readonly showSaved: boolean;
  /** Longest text of a remembered value. */
  readonly maxAttrChars: number;
  /** Operations to draw at most; null for as many as can be laid out in about a second. */
  readonly maxNodes: number | null;
}

/** Collects boxes and lines. */
class Builder {
  readonly nodes: GraphNode[] = [];
  readonly edges: GraphEdge[] = [];
  private readonly operations = new Map<Node, string>();
  private readonly tensors = new Map<Tensor, string>();
  private readonly options: ModelOptions;

  constructor(options: ModelOptions) {
    this.options = options;
  }

  private add(kind: NodeKind, name: string, shape: string, attributes: GraphNode["attributes"] = []): string {
    const id = `n${this.nodes.length}`;
    this.nodes.push({ id, kind, name: oneLine(name), shape, attributes });
    return id;
  }

  private connect(from: string, to: string, kind: GraphEdge["kind"], label = ""): void {
    this.edges.push({ from, to, kind, label: oneLine(label) });
  }

  /** The box of a tensor, made on first use. */
  private tensor(t: Tensor, kind: NodeKind, name = ""): string {
    const known = this.tensors.get(t);
    if (known !== undefined) return known;
    const id = this.add(kind, this.options.names.get(t) ?? name, shapeLabel(t.shape));
    this.tensors.set(t, id);
    return id;
  }

  /** Gives an output its box, and the base of a view, whose dotted line tells that the two share memory. */
  output(t: Tensor): void {
    const id = this.tensor(t, "output");
    if (t.base !== null) this.connect(this.tensor(t.base, "base"), id, "view");
  }

  /** Gives an operation its box, and a leaf with it. */
  operation(node: Node): void {
    const id = this.add("operation", shortName(node), "", this.attributes(node));
    this.operations.set(node, id);
    const leaf = leafOf(node);
    if (leaf !== null) this.connect(this.tensor(leaf, "leaf"), id, "flow");
  }

  private attributes(node: Node): [string, string][] {
    if (!this.options.showAttrs) return [];
    const { maxAttrChars } = this.options;
    return savedOf(node).map(([key, value]) => {
      const text = oneLine(valueText(value));
      return [oneLine(key), text.length > maxAttrChars ? text.slice(0, maxAttrChars - 3) + "..." : text];
    });
  }

  /** Draws the lines from the inputs of an operation; one box stands for all inputs that are not drawn. */
  inputs(node: Node): void {
    const id = this.operations.get(node)!;
    let more: string | undefined;
    for (const below of node.next) {
      if (below === null) continue;
      const from = this.operations.get(below);
      if (from !== undefined) this.connect(from, id, "flow");
      else if (more === undefined) this.connect(more = this.add("more", "...", ""), id, "flow");
    }
  }

  /** Draws the lines to the tensors that an operation saved: to its own result, or to the others. */
  saved(node: Node, own: boolean): void {
    const id = this.operations.get(node)!;
    for (const [key, t] of savedTensors(node)) {
      if ((t.gradFn === node) !== own) continue;
      const known = this.tensors.has(t);
      const box = this.tensor(t, own ? "result" : "saved", key);
      // A new box says by its own name what it is to the operation.
      this.connect(box, id, "saved", known || this.options.names.has(t) ? key : "");
    }
  }

  /** Draws the line from the maker of a tensor that has a box. */
  maker(t: Tensor): void {
    const from = t.gradFn === null ? undefined : this.operations.get(t.gradFn);
    if (from !== undefined) this.connect(from, this.tensors.get(t)!, "flow");
  }
}

/** How much is drawn if nothing else is said. Lines that pass many ranks are what takes Graphviz its time. */
const LAYOUT = { operations: 500, passed: 3000 };

/** How many ranks the lines between these operations pass, if each operation stands one rank above its highest user. */
function ranksPassed(nodes: readonly Node[]): number {
  const ranks = new Map(nodes.map((node) => [node, 0]));
  // A node is newer than those it points to.
  const ordered = nodes.toSorted((a, b) => b.sequence - a.sequence);
  for (const node of ordered) {
    const above = ranks.get(node)! + 1;
    for (const below of node.next) {
      if (below !== null && ranks.has(below)) ranks.set(below, Math.max(above, ranks.get(below)!));
    }
  }
  let passed = 0;
  for (const node of nodes) {
    for (const below of node.next) {
      if (below !== null && ranks.has(below)) passed += ranks.get(below)! - ranks.get(node)! - 1;
    }
  }
  return passed;
}

/** The nodes that can be laid out in about a second, from the first on. */
function drawable(nodes: readonly Node[]): readonly Node[] {
  let some = nodes.slice(0, LAYOUT.operations);
  while (ranksPassed(some) > LAYOUT.passed) some = some.slice(0, Math.floor(some.length * 0.9));
  return some;
}

/** The picture of the graph under some tensors. */
export function modelOf(outputs: readonly Tensor[], options: ModelOptions): GraphModel {
  const builder = new Builder(options);
  const shown = new Set(outputs.flatMap((t) => t.base === null ? [t] : [t, t.base]));
  const makers = [...shown].map((t) => t.gradFn).filter((node) => node !== null);
  const all = [...nodesUnder(makers)];
  const drawn = options.maxNodes === null ? drawable(all) : all.slice(0, options.maxNodes);
  for (const t of new Set(outputs)) builder.output(t);
  for (const node of drawn) builder.operation(node);
  for (const t of shown) builder.maker(t);
  for (const node of drawn) builder.inputs(node);
  if (options.showSaved) {
    // Results first, so that they look so also where an operation above saved them too.
    for (const own of [true, false]) for (const node of drawn) builder.saved(node, own);
  }
  return { nodes: builder.nodes, edges: builder.edges, operations: all.length, drawn: drawn.length };
}
