/**
 * Pictures and texts of computation graphs.
 * @module
 */

export { Graph, makeDot, type MakeDotOptions, type PNGOptions } from "./graph.ts";
export type { RankDir } from "./dot.ts";
export type { GraphEdge, GraphModel, GraphNode, NodeKind } from "./model.ts";
export type { Params } from "./options.ts";
export { summary, type SummaryOptions } from "./summary.ts";
