/**
 * Pictures of computation graphs, in the manner of torchviz.
 * @module
 */

import { display } from "../display/display.ts";
import { escapeHTML } from "../display/escape.ts";
import { DISPLAY, type Displayable, type MimeBundle } from "../display/mime.ts";
import { isNotebook } from "../display/notebook.ts";
import { htmlPage } from "../plot/markup.ts";
import { extension, saveFile } from "../plot/save.ts";
import { rasterise } from "../plot/static/raster.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { dotOf, type RankDir } from "./dot.ts";
import { drawDot } from "./draw.ts";
import { type GraphEdge, type GraphModel, type GraphNode, modelOf } from "./model.ts";
import { checkCount, checkOptions, namesOf, outputsOf, type Params } from "./options.ts";
import { summaryOf } from "./summary.ts";

/** Options of {@linkcode makeDot}. */
export interface MakeDotOptions {
  /** Names of tensors: a record, or pairs such as `model.namedParameters()`, or the module itself. */
  params?: Params | null;
  /** Whether operations list what they remember. Default: false. */
  showAttrs?: boolean;
  /** Whether the tensors that operations saved are drawn. Default: false. */
  showSaved?: boolean;
  /** Longest text of a remembered value; longer ones are cut. Default: 50. */
  maxAttrChars?: number;
  /** Which way the graph runs: from inputs at the top to outputs at the bottom (TB, the default), LR, BT or RL. */
  rankdir?: RankDir;
  /**
   * Operations to draw at most, those nearest to the outputs. By default 500, or fewer where they are so entangled that
   * Graphviz would need more than about a second.
   */
  maxNodes?: number | null;
}

/** Options of PNG pictures. */
export interface PNGOptions {
  /** Pixels of the image for a pixel of the drawing; 2 by default, for sharp screens. */
  scale?: number;
}

/** Lines of the text that stands for a graph where no picture can be shown. */
const TEXT_LINES = 100;

/** Notebook messages of several megabytes arrive late or not at all. */
const MESSAGE_BYTES = 900_000;

/** A larger PNG takes seconds and hundreds of megabytes to draw. */
const BUNDLE_PIXELS = 3_000_000;

const KINDS = [".svg", ".png", ".html", ".dot"];

/**
 * A picture of a computation graph, made by {@linkcode makeDot}. It holds no tensors, so that keeping it keeps no memory of
 * theirs.
 */
export class Graph implements Displayable {
  /** The boxes. */
  readonly nodes: readonly GraphNode[];
  /** The lines. */
  readonly edges: readonly GraphEdge[];
  /** The picture in DOT, the language of Graphviz. */
  readonly source: string;
  readonly #text: string;
  #svg: Promise<string> | undefined;

  /** See {@linkcode makeDot}. */
  constructor(model: GraphModel, rankdir: RankDir, text: string) {
    this.nodes = model.nodes;
    this.edges = model.edges;
    this.source = dotOf(model, rankdir);
    this.#text = text;
  }

  /** The picture in DOT. */
  toString(): string {
    return this.source;
  }

  /** What console.log shows: the graph as indented text. */
  [Symbol.for("Deno.customInspect")](): string {
    const words = `Graph (${count(this.nodes.length, "node")}, ${count(this.edges.length, "edge")})`;
    return this.#text === "" ? words : `${words}\n${this.#text}`;
  }

  /**
   * The picture as an SVG document, drawn in-process by Graphviz.
   *
   * @returns The document; its background is transparent, and it is readable on light and dark pages.
   */
  toSVG(): Promise<string> {
    return this.#svg ??= drawDot(this.source, this.nodes);
  }

  /**
   * The picture as a PNG image on white.
   *
   * @param options The scale.
   * @returns The bytes of the file.
   */
  async toPNG(options: PNGOptions = {}): Promise<Uint8Array> {
    const { scale = 2 } = options;
    if (!(scale > 0 && scale <= 10)) {
      throw new RangeError(`toPNG: scale must be above 0 and at most 10, got ${scale}`);
    }
    return await rasterise(await this.toSVG(), { scale });
  }

  /**
   * The picture as a page that needs nothing else.
   *
   * @returns The document.
   */
  async toHTML(): Promise<string> {
    const style = "body{margin:16px;font-family:sans-serif}svg{max-width:100%;height:auto}";
    return htmlPage("Computation graph", await this.toSVG(), style);
  }

  /**
   * Writes the picture to a file, in the form that the extension names. The file appears whole or not at all.
   *
   * @param path A path that ends in .svg, .png, .html or .dot.
   * @param options The scale of a PNG.
   * @throws {TypeError} If the extension is another.
   */
  async save(path: string | URL, options: PNGOptions = {}): Promise<void> {
    const kind = extension(path);
    if (kind === ".svg") await saveFile(path, await this.toSVG());
    else if (kind === ".png") await saveFile(path, await this.toPNG(options));
    else if (kind === ".html") await saveFile(path, await this.toHTML());
    else if (kind === ".dot") await saveFile(path, this.source);
    else throw new TypeError(`cannot save a graph as ${kind || String(path)}: expected ${KINDS.join(", ")}`);
  }

  /** Shows the picture: in a notebook in the running cell; elsewhere the graph as text on the console. */
  async show(): Promise<void> {
    if (isNotebook()) return await display(this);
    console.log(Deno.inspect(this));
  }

  /** What a notebook asks for: text, and the picture as an image that also viewers without scripts keep. */
  async [DISPLAY](): Promise<MimeBundle> {
    const text = (this as unknown as Record<symbol, () => string>)[Symbol.for("Deno.customInspect")]();
    const svg = await this.toSVG();
    const image = new TextEncoder().encode(svg).toBase64();
    const words = `Computation graph: ${count(this.nodes.length, "node")}, ${
      count(this.edges.length, "edge")
    }`;
    if (image.length > MESSAGE_BYTES) {
      const note =
        `${words}. The picture is too large for a notebook: write it to a file with save("graph.svg").`;
      return { "text/plain": `${note}\n${text}`, "text/html": `<div>${escapeHTML(note)}</div>` };
    }
    const bundle: MimeBundle = {
      "text/plain": text,
      "text/html":
        `<div style="max-height:900px;overflow:auto"><img alt="${
          escapeHTML(words)
        }" style="max-width:100%" ` +
        `src="data:image/svg+xml;base64,${image}"></div>`,
    };
    if (pixels(svg) <= BUNDLE_PIXELS) {
      const png = (await rasterise(svg)).toBase64();
      if (png.length + image.length <= MESSAGE_BYTES) bundle["image/png"] = png;
    }
    return bundle;
  }
}

function count(n: number, word: string): string {
  return `${n} ${word}${n === 1 ? "" : "s"}`;
}

/** Pixels of a drawing, whose size is in points. */
function pixels(svg: string): number {
  const size = /^<svg width="([\d.]+)pt" height="([\d.]+)pt"/.exec(svg);
  return size === null ? Infinity : Number(size[1]) * Number(size[2]) * (96 / 72) ** 2;
}

/**
 * Draws the graph by which tensors were computed, in the manner of torchviz: leaves that want a gradient are light blue with
 * name and shape, operations grey, outputs green (the base of an output that is a view dark green), saved tensors orange
 * (an operation's own result dark orange). Lines run from inputs to results.
 *
 * @param y A tensor, or several.
 * @param options Names of tensors, and what to draw.
 * @returns The picture; the value of a notebook cell shows itself, in a script save it.
 * @throws {TypeError} If `y` or `params` hold other things than tensors, or an option does not exist.
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * const w = dg.tensor([1, 2], { requiresGrad: true });
 * const picture = dg.graph.makeDot(w.mul(w).sum(), { params: { w } });
 * const svg = await picture.toSVG();
 * console.log(svg.includes("MulBackward0")); // true
 * ```
 */
export function makeDot(y: Tensor | readonly Tensor[], options: MakeDotOptions = {}): Graph {
  checkOptions(options, OPTIONS, "makeDot");
  const { params, showAttrs = false, showSaved = false, maxAttrChars = 50, rankdir = "TB" } = options;
  const maxNodes = options.maxNodes ?? null;
  if (!["TB", "LR", "BT", "RL"].includes(rankdir)) {
    throw new RangeError(`makeDot: rankdir must be TB, LR, BT or RL, got ${rankdir}`);
  }
  const outputs = outputsOf(y, "makeDot"), names = namesOf(params);
  const model = modelOf(outputs, {
    names,
    showAttrs,
    showSaved,
    maxAttrChars: Math.max(3, checkCount(maxAttrChars, "maxAttrChars", "makeDot")),
    maxNodes: maxNodes === null ? null : checkCount(maxNodes, "maxNodes", "makeDot"),
  });
  return new Graph(model, rankdir, summaryOf(outputs, names, TEXT_LINES));
}

const OPTIONS = ["params", "showAttrs", "showSaved", "maxAttrChars", "rankdir", "maxNodes"];
