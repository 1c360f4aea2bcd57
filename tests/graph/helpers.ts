import type { Graph } from "../../src/graph/graph.ts";

/** Throws unless the text is one XML element whose tags are all closed in order and whose text is escaped. */
export function checkXML(text: string): void {
  const open: string[] = [];
  let last = 0;
  for (const tag of text.matchAll(/<(\/?)([A-Za-z][\w:-]*)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>/g)) {
    const between = text.slice(last, tag.index);
    if (/[<>]|&(?!(amp|lt|gt|quot|apos|#\d+|#x[0-9a-f]+);)/.test(between)) {
      throw new Error(`not XML: ${JSON.stringify(between)}`);
    }
    if (open.length === 0 && (last > 0 || between.trim() !== "")) {
      throw new Error(`outside of the root: ${JSON.stringify(between + tag[0])}`);
    }
    last = tag.index + tag[0].length;
    if (tag[1] === "/") {
      const name = open.pop();
      if (name !== tag[2]) throw new Error(`</${tag[2]}> closes <${name}>`);
    } else if (tag[4] !== "/") open.push(tag[2]);
  }
  if (open.length > 0 || last === 0) throw new Error(`left open: ${open.join(", ")}`);
  if (text.slice(last).trim() !== "") throw new Error(`after the end: ${JSON.stringify(text.slice(last))}`);
}

/** The text of an SVG picture, an element a line. */
export function textsOf(svg: string): string[] {
  return [...svg.matchAll(/<text [^>]*>([^<]*)<\/text>/g)].map(([, text]) =>
    text.replace(/&(amp|lt|gt|quot|#160|#39|#45);/g, (_, name) => ENTITIES[name as keyof typeof ENTITIES])
  );
}

const ENTITIES = { amp: "&", lt: "<", gt: ">", quot: '"', "#160": " ", "#39": "'", "#45": "-" };

/** Boxes as `kind name shape`. */
export function boxes(graph: Graph): string[] {
  return graph.nodes.map(({ kind, name, shape }) => [kind, name, shape].filter((s) => s !== "").join(" "));
}

/** Lines as `from -> to`, boxes by name (a tensor without one by its kind), with the kind of line where it is no flow. */
export function lines(graph: Graph): string[] {
  const names = new Map(graph.nodes.map((node) => [node.id, node.name || node.kind]));
  return graph.edges.map(({ from, to, kind, label }) =>
    `${names.get(from)} -> ${names.get(to)}${kind === "flow" ? "" : ` (${kind}${label ? ` ${label}` : ""})`}`
  );
}
