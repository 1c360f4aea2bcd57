/**
 * Pictures in DOT, the language of Graphviz.
 * @module
 */

import { escapeHTML } from "../display/escape.ts";
import type { GraphEdge, GraphModel, GraphNode, NodeKind } from "./model.ts";

/** Where the inputs are: at the top (TB), the left, the bottom or the right. */
export type RankDir = "TB" | "LR" | "BT" | "RL";

/** Lines and words outside of boxes: readable on a white page and on a black one. */
const INK = "#808080";

/** torchviz's colours. Operations have round corners too, so that tensors and operations differ without colour. */
const LOOKS: Readonly<Record<NodeKind, Readonly<Record<string, string>>>> = {
  leaf: { fillcolor: "lightblue" },
  operation: { fillcolor: "lightgrey", style: "filled,rounded" },
  output: { fillcolor: "darkolivegreen1" },
  base: { fillcolor: "darkolivegreen3" },
  saved: { fillcolor: "orange" },
  result: { fillcolor: "darkorange" },
  more: { shape: "plaintext", style: "solid", fontcolor: INK },
};

const EDGES: Readonly<Record<GraphEdge["kind"], Readonly<Record<string, string>>>> = {
  flow: {},
  saved: { dir: "none", style: "dashed" },
  view: { style: "dotted" },
};

/** A picture of less is not shrunk; it may grow by this a line of source. Inches, as in torchviz. */
const SIZE = { least: 12, perLine: 0.15 };

/** A string in DOT. A backslash would start one of DOT's escapes, and an ampersand one of HTML's, which DOT knows too. */
function quote(text: string): string {
  return `"${text.replace(/["\\]/g, "\\$&").replaceAll("&", "&amp;")}"`;
}

/** A label of some lines of text. */
function lines(texts: readonly string[]): string {
  return `"${texts.map((text) => quote(text).slice(1, -1)).join("\\n")}"`;
}

/** The two lines of a tensor, the one line of an operation, or a table of what the operation remembers. */
function labelOf(node: GraphNode): string {
  const { name, shape, attributes } = node;
  if (attributes.length === 0) return lines([name, shape].filter((line) => line !== ""));
  const rows = attributes.map(([key, value]) =>
    `<TR><TD ALIGN="LEFT">${escapeHTML(key)}</TD><TD ALIGN="LEFT">${escapeHTML(value) || " "}</TD></TR>`
  );
  return `<<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="2">` +
    `<TR><TD COLSPAN="2">${escapeHTML(name)}</TD></TR><HR/>${rows.join("")}</TABLE>>`;
}

function attributes(values: Readonly<Record<string, string>>): string {
  return Object.entries(values).map(([key, value]) => `${key}=${quote(value)}`).join(" ");
}

function nodeLine(node: GraphNode): string {
  return `  ${node.id} [label=${labelOf(node)} ${attributes(LOOKS[node.kind])}]`;
}

function edgeLine({ from, to, kind, label }: GraphEdge): string {
  // A line with words leads to a box that stands where it is for other reasons: it shall not move it.
  const words: Record<string, string> = label === "" ? {} : { label, constraint: "false" };
  const looks = attributes({ ...EDGES[kind], ...words });
  return `  ${from} -> ${to}${looks === "" ? "" : ` [${looks}]`}`;
}

/** The source of a picture. */
export function dotOf(model: GraphModel, rankdir: RankDir): string {
  const { nodes, edges, operations, drawn } = model;
  const lines = [...nodes.map(nodeLine), ...edges.map(edgeLine)];
  const size = Math.max(SIZE.least, lines.length * SIZE.perLine);
  const graph: Record<string, string> = {
    rankdir,
    size: `${size},${size}`,
    bgcolor: "transparent",
    ranksep: "0.3",
  };
  if (drawn < operations) {
    graph.label =
      `graph of ${operations} nodes, drawing the ${drawn} nearest to the output: maxNodes draws more`;
  }
  const font = { fontname: "Courier", fontsize: "10" };
  return [
    "digraph {",
    `  graph [${attributes({ ...graph, ...font, fontcolor: INK })}]`,
    `  node [${
      attributes({
        shape: "box",
        style: "filled",
        color: INK,
        penwidth: "0.8",
        height: "0.2",
        ...font,
        fontcolor: "#1a1a1a",
      })
    }]`,
    `  edge [${attributes({ color: INK, arrowsize: "0.7", ...font, fontsize: "9", fontcolor: INK })}]`,
    ...lines,
    "}",
    "",
  ].join("\n");
}
