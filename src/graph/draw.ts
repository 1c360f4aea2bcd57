/**
 * DOT as SVG, by Graphviz compiled to WebAssembly.
 * @module
 */

import type { GraphNode } from "./model.ts";

type Viz = Awaited<ReturnType<typeof import("npm:@viz-js/viz@3.31.0").instance>>;

let loaded: Promise<Viz> | undefined;

/** Graphviz measures text in Courier, whose width all fixed-pitch fonts share; a reader's own such font is nicer. */
const FONTS = "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace";

/** What a reader with a mouse sees on a box. */
function titleOf({ name, shape }: GraphNode): string {
  return `${name} ${shape}`.trim();
}

const escapeText = (text: string): string =>
  text.replace(/[&<>]/g, (c) => c === "&" ? "&amp;" : c === "<" ? "&lt;" : "&gt;");

/** Graphviz's document without its comments and doctype, and with titles that mean something. */
function tidy(svg: string, nodes: readonly GraphNode[]): string {
  const titles = new Map(nodes.map((node) => [node.id, titleOf(node)]));
  return svg
    .slice(svg.indexOf("<svg"))
    .replace(/<!--.*?-->\n?/gs, "")
    .replace(/<title>(.*?)<\/title>\n?/g, (_, id) => {
      const title = titles.get(id);
      return title ? `<title>${escapeText(title)}</title>\n` : "";
    })
    .replace(/font-family="Courier[^"]*"/g, `font-family="${FONTS}"`);
}

function render(viz: Viz, source: string): ReturnType<Viz["render"]> {
  try {
    return viz.render(source, { format: "svg" });
  } catch (error) {
    // Graphviz has left its memory in the middle of something, and cannot be used again.
    loaded = undefined;
    if (!(error instanceof RangeError || error instanceof WebAssembly.RuntimeError)) throw error;
    throw new RangeError(
      "the graph is too large for Graphviz to lay out: draw fewer operations with maxNodes",
      {
        cause: error,
      },
    );
  }
}

/**
 * Draws a picture. The first call starts Graphviz, which takes a twentieth of a second.
 *
 * @param source The picture in DOT.
 * @param nodes Its boxes.
 * @returns An SVG document with a transparent background.
 * @throws {RangeError} If the picture is too large.
 */
export async function drawDot(source: string, nodes: readonly GraphNode[]): Promise<string> {
  loaded ??= import("npm:@viz-js/viz@3.31.0").then(({ instance }) => instance());
  const viz = await loaded;
  const result = render(viz, source);
  if (result.status === "failure") {
    throw new TypeError(`Graphviz cannot draw this graph: ${result.errors.map((e) => e.message).join("; ")}`);
  }
  return tidy(result.output, nodes);
}
