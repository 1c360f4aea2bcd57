/**
 * Plotly figures as SVG, drawn in-process.
 * @module
 */

import { plotlySource } from "./bundle.ts";
import { makeWindow, type PageElement, type PageSize, type PageWindow } from "./dom.ts";

/** What plotly draws. */
export interface PlotlyFigure {
  /** The traces. */
  readonly data: readonly unknown[];
  /** Title, axes, legend and so on. */
  readonly layout: object;
}

/** The part of plotly.js that is used here. */
interface Plotly {
  newPlot(at: PageElement, data: unknown, layout: unknown, config: unknown): Promise<Drawn>;
  purge(at: PageElement): void;
  readonly Snapshot: { toSVG(at: PageElement, format: "svg"): string };
}

/** What plotly leaves on the element that it drew into. */
interface Drawn {
  readonly _fullLayout: { readonly _uid: string };
  readonly _fullData: readonly { readonly uid: string }[];
}

interface Drawer {
  readonly plotly: Plotly;
  readonly window: PageWindow;
  readonly size: PageSize;
}

/** The globals that plotly's source finds in the window and not in the scope it runs in. */
const NAMES = [
  "window",
  "self",
  "document",
  "navigator",
  "getComputedStyle",
  "XMLSerializer",
  "DOMParser",
  "Element",
  "requestAnimationFrame",
  "HTMLElement",
  "Node",
  "SVGElement",
  "Image",
  "MutationObserver",
  "process",
];

let drawer: Promise<Drawer> | undefined;

async function makeDrawer(): Promise<Drawer> {
  const size: PageSize = { width: 0, height: 0 };
  const [source, window] = await Promise.all([plotlySource(), makeWindow(size)]);
  const module: { exports: unknown } = { exports: {} };
  // Run as a CommonJS module in a function scope: plotly sees the window above and the global object stays clean.
  const run = new Function("module", "exports", ...NAMES, source);
  run(module, module.exports, ...NAMES.map((name) => window[name]));
  return { plotly: module.exports as Plotly, window, size };
}

/** A short hash of a text (FNV-1a), to name what belongs to it. */
function hash(text: string): string {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return (h >>> 0).toString(36);
}

/** Replaces plotly's random ids: the same figure gives the same text, and two figures on a page do not clash. */
function nameIds(svg: string, drawn: Drawn): string {
  const uids = [drawn._fullLayout._uid, ...drawn._fullData.map((trace) => trace.uid)];
  const marked = uids.reduce((text, uid, i) => uid ? text.replaceAll(uid, `\u0000${i}\u0000`) : text, svg);
  const name = hash(marked);
  return marked.replace(/\0(\d+)\0/g, `i${name}n$1`);
}

/** Drops what a viewer has no use for: groups with nothing in them, empty style properties, invisible handles. */
function prune(svg: string): string {
  let text = svg
    .replace(/<rect[^>]*class="(legendtoggle|scrollbar|nsewdrag[^"]*)"[^>]*\/>/g, "")
    .replace(/ style="[^"]*"/g, (style) => style.replace(/[\w-]+:\s*(;|(?="))/g, ""))
    .replace(/ (style|transform)=""/g, "");
  for (let before = ""; before !== text;) {
    before = text;
    text = text.replace(/<g( class="[^"]*")? ?(\/>|><\/g>)/g, "");
  }
  return text;
}

let queue: Promise<unknown> = Promise.resolve();

/**
 * A figure as an SVG document. The first call loads plotly (about half a second).
 *
 * @param figure Traces and layout.
 * @param width Pixels across.
 * @param height Pixels down.
 * @returns The document; the same for the same figure.
 */
export function drawSVG(figure: PlotlyFigure, width: number, height: number): Promise<string> {
  // One at a time: the window has one page size.
  const drawing = queue.then(() => draw(figure, width, height));
  queue = drawing.catch(() => {});
  return drawing;
}

async function draw(figure: PlotlyFigure, width: number, height: number): Promise<string> {
  const { plotly, window, size } = await (drawer ??= makeDrawer());
  Object.assign(size, { width, height });
  const at = window.document.createElement("div");
  window.document.body.appendChild(at);
  try {
    const layout = { ...structuredClone(figure.layout), width, height };
    const drawn = await plotly.newPlot(at, structuredClone(figure.data), layout, { staticPlot: true });
    // Plotly wraps quotes in marks that it finds again only in a browser's way of writing attributes.
    const svg = plotly.Snapshot.toSVG(at, "svg")
      .replaceAll("TOBESTRIPPED", "'")
      .replace(/url\((['"]|&quot;|&#39;)#(.*?)\1\)/g, "url(#$2)");
    return prune(nameIds(svg, drawn));
  } finally {
    plotly.purge(at);
    at.remove();
  }
}
