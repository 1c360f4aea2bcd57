/**
 * Figures: plotly traces and a layout, shown live in a browser or drawn as a picture in-process.
 * @module
 */

import { DISPLAY, type Displayable, type MimeBundle } from "../display/mime.ts";
import { display } from "../display/display.ts";
import { isNotebook, type NotebookHost, notebookHost, sendDisplay } from "../display/notebook.ts";
import { encode } from "./encode.ts";
import { toolbarTop } from "./toolbar.ts";
import { figureMarkup, htmlPage, PLOTLY_CONFIG, plotlyScript } from "./markup.ts";
import { extension, saveFile } from "./save.ts";
import { checkObject, LEGENDS, tickLayout } from "./options.ts";
import { describe } from "./values.ts";
import { hasColorBar, paletteTraces } from "./palette.ts";
import { rasterise } from "./static/raster.ts";
import { drawSVG } from "./static/svg.ts";
import { SIZE, TEMPLATE } from "./template.ts";
import { thin, type ThinLimits, type Thinned } from "./thin.ts";
import type { Layout, Trace } from "./types.ts";

/** Options of pictures. */
export interface PictureOptions {
  /** Pixels of a PNG for a pixel of the figure; 2 by default, for sharp screens. */
  scale?: number;
}

/** Options of {@linkcode Figure.toBundle}. */
export interface BundleOptions {
  /** Whether to carry plotly.js; by default the session's first figure does. */
  plotly?: boolean;
  /**
   * Whether to add `application/vnd.plotly.v1+json`. Off by default: a JupyterLab with the plotly extension then
   * prefers it, draws with a plotly.js of its own version, and shows nothing where the extension is missing later.
   */
  vendorMime?: boolean;
}

/** What the static picture shows: more points would change no pixel and take seconds. */
const PICTURE: ThinLimits = { points: 4000, side: 700 };

/** Notebook messages of several megabytes arrive late or not at all. */
const MESSAGE_BYTES = 980_000;

/** What one message carries for the figure's data at most, before it is thinned further. */
const FIRST_LIMITS: ThinLimits = { points: 20_000, side: 400 };

/** Pixels down of a row of a legend, and across of an entry beside its name. */
const LEGEND_ROW = 19, LEGEND_KEY = 45;

const KINDS = [".html", ".svg", ".png", ".json"];

/** What of a figure goes into one message: the picture in its HTML, the one beside it, and the live data. */
interface Fitting {
  readonly picture: Uint8Array;
  readonly second: Uint8Array | null;
  readonly shown: Thinned | null;
}

let carried = false;

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

/** `into` with the entries of `from`; objects in both are merged, the rest is replaced. */
function merge(into: Layout, from: Layout): Layout {
  const out: Layout = { ...into };
  for (const [key, value] of Object.entries(from)) {
    if (value === undefined) continue;
    const old = out[key];
    out[key] = isPlain(old) && isPlain(value) ? merge(old, value) : value;
  }
  return out;
}

function checkSize(value: unknown, name: string, fallback: number): number {
  if (value === undefined) return fallback;
  if (typeof value !== "number") {
    throw new TypeError(`${name} must be a number of pixels, got ${typeof value}`);
  }
  if (!(value >= 10 && value <= 10_000)) {
    throw new RangeError(`${name} must be from 10 to 10000 pixels, got ${value}`);
  }
  return Math.round(value);
}

function hashOf(text: string): string {
  let [a, b] = [0x811c9dc5, 0x01000193];
  for (let i = 0; i < text.length; i++) {
    a = Math.imul(a ^ text.charCodeAt(i), 0x01000193);
    b = Math.imul(b ^ text.charCodeAt(i), 0x85ebca6b);
  }
  return (a >>> 0).toString(36) + (b >>> 0).toString(36);
}

/**
 * A figure: traces and a layout in plotly's form.
 *
 * The functions of `plot` make figures; a figure can also be made of any traces that plotly's cartesian charts
 * know. Shown in a notebook it is a picture that comes alive; {@linkcode Figure.save} writes files.
 *
 * @example
 * ```ts
 * import { Figure } from "./figure.ts";
 * const figure = new Figure([{ type: "scatter", x: [1, 2, 3], y: [1, 4, 9] }], { title: { text: "Squares" } });
 * const svg = await figure.toSVG();
 * console.log(svg.includes("Squares")); // true
 * ```
 */
export class Figure implements Displayable {
  /** The traces. */
  readonly data: Trace[];
  /** Title, axes, legend and the rest. */
  layout: Layout;

  /**
   * Makes a figure.
   *
   * @param data The traces.
   * @param layout The layout; the house's template lies under it.
   */
  constructor(data: readonly Trace[] = [], layout: Layout = {}) {
    if (!Array.isArray(data)) {
      throw new TypeError(`Figure: data must be a list of traces, got ${describe(data)}`);
    }
    checkObject(layout, "Figure: layout");
    for (const [i, trace] of data.entries()) checkTrace(trace, i);
    this.data = [...data];
    this.layout = layout;
    void [this.width, this.height];
  }

  /** Pixels across. */
  get width(): number {
    return checkSize(this.layout.width, "width", SIZE.width);
  }

  /** Pixels down. */
  get height(): number {
    return checkSize(this.layout.height, "height", SIZE.height);
  }

  /** The title without markup, or "". */
  get title(): string {
    const { title } = this.layout;
    const text = isPlain(title) ? title.text : title;
    return typeof text === "string" ? text.replace(/<[^>]*>/g, "").replaceAll("&lt;", "<") : "";
  }

  /**
   * Changes the layout; nested objects are merged.
   *
   * @param layout What to change, for example `{ xaxis: { type: "log" } }`.
   * @returns This figure.
   */
  update(layout: Layout): this {
    const next = merge(this.layout, layout);
    checkSize(next.width, "width", SIZE.width);
    checkSize(next.height, "height", SIZE.height);
    this.layout = next;
    return this;
  }

  /**
   * Draws more into this figure.
   *
   * @param items Traces, or figures whose traces, shapes and annotations are taken.
   * @returns This figure.
   */
  add(...items: (Trace | Figure)[]): this {
    const traces = items.flatMap((item) => item instanceof Figure ? item.data : [item]);
    for (const [i, trace] of traces.entries()) checkTrace(trace, i);
    for (const name of ["shapes", "annotations"]) {
      const more = items.flatMap((item) => item instanceof Figure ? item.layout[name] ?? [] : []);
      if (more.length) {
        this.layout = { ...this.layout, [name]: [...(this.layout[name] as [] ?? []), ...more] };
      }
    }
    this.data.push(...traces);
    return this;
  }

  /** Rows of a legend above the picture, about: entries that do not fit into one row stand in equal columns. */
  #legendRows(width: number): number {
    const shown = this.data.filter((trace) => trace.showlegend !== false && typeof trace.name === "string");
    const widths = shown.map((trace) => LEGEND_KEY + 6.5 * (trace.name as string).length);
    const sum = widths.reduce((a, b) => a + b, 0);
    return sum <= width ? 1 : Math.ceil(shown.length / Math.max(1, Math.floor(width / Math.max(...widths))));
  }

  /** The legend's place: above the picture where a colour bar stands at its right. */
  #legend(): unknown {
    if (this.layout.legend !== undefined || this.layout.showlegend === false) return this.layout.legend;
    const beside = this.data.some(hasColorBar) && this.data.some((trace) => trace.showlegend === true);
    return beside ? LEGENDS.top : undefined;
  }

  /** The layout with the template and the margins under it. */
  #fullLayout(): Layout {
    const template = this.layout.template === undefined ? { template: TEMPLATE } : {};
    const legend = this.#legend();
    const { y = 0 } = (legend ?? {}) as { y?: number };
    const above = y > 1 ? 12 + LEGEND_ROW * (this.#legendRows(this.width - 84) - 1) : 0;
    const margin = { l: 60, r: 24, t: (this.title ? 56 : 24) + above, b: 48 };
    const under = {
      ...template,
      margin,
      ...tickLayout(this.data, this.layout),
      ...(legend ? { legend } : {}),
    };
    return merge(under, this.layout);
  }

  /** Data and layout as plotly reads them, for the given traces; as wide as the page. */
  #json(data: readonly Trace[]): string {
    const { width: _, ...layout } = this.#fullLayout();
    const coloured = paletteTraces(data, this.layout);
    return JSON.stringify(encode({ data: coloured, layout: { ...layout, height: this.height } }));
  }

  /**
   * The figure in plain JSON values, every number exact; what JSON.stringify takes.
   *
   * @returns `data` and `layout` as plotly reads them.
   */
  toJSON(): { data: Trace[]; layout: Layout } {
    const { width, height } = this;
    const data = paletteTraces(this.data, this.layout);
    const figure = { data, layout: { ...this.#fullLayout(), width, height } };
    return encode(figure, { exact: true }) as { data: Trace[]; layout: Layout };
  }

  /**
   * The figure as an SVG document, drawn in-process without a browser.
   *
   * @returns The document; the same for the same figure.
   */
  toSVG(): Promise<string> {
    const figure = JSON.parse(this.#json(thin(this.data, PICTURE).data));
    return drawSVG(figure, this.width, this.height);
  }

  /**
   * The figure as a PNG image, drawn in-process without a browser.
   *
   * @param options The scale.
   * @returns The bytes of the file.
   */
  async toPNG(options: PictureOptions = {}): Promise<Uint8Array> {
    const { scale = 2 } = options;
    if (!(scale > 0 && scale <= 10)) {
      throw new RangeError(`toPNG: scale must be above 0 and at most 10, got ${scale}`);
    }
    return await rasterise(await this.toSVG(), { scale });
  }

  /**
   * The figure as a piece of HTML: the static picture, and a script that replaces it where plotly.js is loaded.
   *
   * @returns The HTML, without plotly.js.
   */
  async toMarkup(): Promise<string> {
    return this.#markup({ data: this.data, note: "" }, await this.toPNG());
  }

  #markup({ data, note }: Thinned, png: Uint8Array, live = true): string {
    const json = this.#json(data);
    const { width, height } = this;
    return figureMarkup({
      key: hashOf(json),
      json: live ? json : null,
      png,
      width,
      height,
      note,
      alt: this.toString(),
      toolbar: toolbarTop(this.#fullLayout(), width),
    });
  }

  /**
   * The figure as a page that needs nothing else: the static picture, the data, and plotly.js.
   *
   * @returns The document.
   */
  async toHTML(): Promise<string> {
    const [markup, script] = await Promise.all([this.toMarkup(), plotlyScript()]);
    return htmlPage(this.title || "Figure", `${markup}\n${script}`);
  }

  /**
   * Writes the figure to a file: a page, a picture or its data, by the extension. The file appears whole or not
   * at all.
   *
   * @param path A path that ends in .html, .svg, .png or .json.
   * @param options The scale of a PNG.
   * @throws {TypeError} If the extension is another.
   */
  async save(path: string | URL, options: PictureOptions = {}): Promise<void> {
    const kind = extension(path);
    if (kind === ".html") await saveFile(path, await this.toHTML());
    else if (kind === ".svg") await saveFile(path, await this.toSVG());
    else if (kind === ".png") await saveFile(path, await this.toPNG(options));
    else if (kind === ".json") await saveFile(path, JSON.stringify(this));
    else throw new TypeError(`cannot save a figure as ${kind || String(path)}: expected ${KINDS.join(", ")}`);
  }

  /**
   * Shows the figure: in a notebook in the running cell; elsewhere as a page in a temporary file, whose path is
   * printed.
   */
  async show(): Promise<void> {
    if (isNotebook()) return await display(this);
    const path = await Deno.makeTempFile({ prefix: "figure-", suffix: ".html" });
    await this.save(path);
    console.log(path);
  }

  /**
   * The figure for a notebook: text, a picture, and HTML with the picture and the script that brings it to life.
   * The message stays under a megabyte: larger data is thinned, with a line that says so.
   *
   * @param options What to carry.
   * @returns The formats by MIME type.
   */
  async toBundle(options: BundleOptions = {}): Promise<MimeBundle> {
    const carry = options.plotly ?? !carried;
    // Marked before anything is awaited: figures shown together shall not each carry plotly.js.
    if (carry) carried = true;
    return await this.#bundle(carry ? await plotlyScript() : "", options.vendorMime ?? false);
  }

  async #bundle(
    carriedScript: string,
    vendorMime: boolean,
    host = null as NotebookHost | null,
  ): Promise<MimeBundle> {
    const svg = await this.toSVG();
    const [sharp, plain] = [await rasterise(svg, { scale: 2 }), await rasterise(svg)];
    const bytes = (png: Uint8Array | null): number => png ? png.length * 4 / 3 : 0;
    // Less of a picture rather than one that stays still, or a message that is too large to arrive.
    const fitting = async (script: string): Promise<Fitting> => {
      let picture = plain;
      for (const [scale, second] of [[2, plain], [2, null], [1, null], [0.5, null], [0.25, null]] as const) {
        picture = scale === 2 ? sharp : scale === 1 ? plain : await rasterise(svg, { scale });
        const room = MESSAGE_BYTES - script.length - bytes(picture) - bytes(second);
        const shown = this.#fit(room / (vendorMime ? 2 : 1));
        if (shown) return { picture, second, shown };
      }
      return { picture, second: null, shown: null };
    };
    let [script, fit] = [carriedScript, await fitting(carriedScript)];
    if (script && host && !(fit.second && fit.shown?.note === "")) {
      await sendDisplay(host, plotlyBundle(script));
      [script, fit] = ["", await fitting("")];
    }
    const { picture, second, shown } = fit;
    const bundle: MimeBundle = { "text/plain": this.toString() };
    if (second) bundle["image/png"] = second.toBase64();
    bundle["text/html"] = this.#markup(shown ?? thin(this.data, PICTURE), picture, shown !== null) + script;
    if (vendorMime && shown) {
      bundle["application/vnd.plotly.v1+json"] = {
        ...JSON.parse(this.#json(shown.data)),
        config: PLOTLY_CONFIG,
      };
    }
    return bundle;
  }

  /** The traces with as many points as fit into the given bytes of JSON; null if none do. */
  #fit(bytes: number): Thinned | null {
    for (let part = 1; part >= 1 / 64; part /= 2) {
      const limits = {
        points: FIRST_LIMITS.points * part,
        side: Math.ceil(FIRST_LIMITS.side * Math.sqrt(part)),
      };
      const thinned = thin(this.data, limits);
      if (this.#json(thinned.data).length <= bytes) return thinned;
    }
    return null;
  }

  /**
   * What a notebook asks for. The session's first figure brings plotly.js, in a message of its own where both would be too
   * large for one.
   */
  async [DISPLAY](): Promise<MimeBundle> {
    const carry = !carried;
    carried = true;
    return await this.#bundle(carry ? await plotlyScript() : "", false, notebookHost());
  }

  /** The figure in words, for example `Figure "Loss" (2 traces)`. */
  toString(): string {
    const title = this.title ? ` ${JSON.stringify(this.title)}` : "";
    return `Figure${title} (${this.data.length} ${this.data.length === 1 ? "trace" : "traces"})`;
  }

  /** What console.log shows. */
  [Symbol.for("Deno.customInspect")](): string {
    return this.toString();
  }
}

function checkTrace(trace: unknown, i: number): void {
  if (!isPlain(trace)) throw new TypeError(`a trace must be an object, got ${typeof trace} for trace ${i}`);
}

/** Plotly.js alone, in HTML that shows the given words. */
function plotlyBundle(script: string, words = ""): MimeBundle {
  return { "text/plain": "plotly.js loaded", "text/html": words + script };
}

/**
 * Loads plotly.js into the notebook again, for figures that stay pictures because the output of the first one was
 * deleted. The value is the last of a cell.
 *
 * @returns An object that shows itself as one line and carries plotly.js.
 */
export function initNotebook(): Displayable {
  return {
    async [DISPLAY](): Promise<MimeBundle> {
      carried = true;
      return plotlyBundle(await plotlyScript(), "<small>plotly.js loaded</small>");
    },
  };
}
