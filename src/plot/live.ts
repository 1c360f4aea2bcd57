/**
 * Curves that are drawn while they grow: the losses of a training that runs.
 * @module
 */

import { escapeHTML } from "../display/escape.ts";
import { DISPLAY, type MimeBundle, plainBundle } from "../display/mime.ts";
import { type NotebookHost, notebookHost, sendDisplay } from "../display/notebook.ts";
import { type Curve, type CurveFrame, curvesSVG, sparkline } from "./curve_picture.ts";
import { Figure } from "./figure.ts";
import { checkObject, label, layoutOf, named, short } from "./options.ts";
import { SIZE } from "./template.ts";
import type { PlotOptions, Trace } from "./types.ts";
import { describe, type HasToArray, toNumber } from "./values.ts";

/** Options of {@linkcode live}. */
export interface LiveOptions extends Pick<PlotOptions, "title" | "xLabel" | "yLabel" | "width" | "height"> {
  /** The names of the curves; by default those of the first values, or "loss" for plain numbers. */
  series?: readonly string[];
  /** A logarithmic vertical axis. */
  log?: boolean;
  /** Milliseconds between two pictures at least: 300 in a notebook, 100 on a terminal by default. */
  interval?: number;
}

/** One value: a number, or a tensor of one element. */
export type LiveValue = number | bigint | HasToArray;

/** Where curves are drawn while they grow. */
export interface LiveSink {
  /** Milliseconds to leave between two pictures. */
  readonly interval: number;
  /** Draws the curves. */
  draw(curves: readonly Curve[], frame: CurveFrame): void;
  /** Draws them for the last time; gives the figure that takes their place. */
  done(curves: readonly Curve[], frame: CurveFrame, figure: () => Figure): Figure;
}

/** The curves in a line: names, the way they went, their last values. */
function lineOf(curves: readonly Curve[], frame: CurveFrame): string {
  const steps = Math.max(0, ...curves.map(({ x }) => x.at(-1) ?? 0));
  const parts = curves.map(({ name, y }) =>
    `${name} ${sparkline(y, 16, frame.log)} ${y.length ? short(y.at(-1)!) : ""}`
  );
  return `${frame.title ? `${frame.title}: ` : ""}${frame.xLabel} ${short(steps)}   ${parts.join("   ")}`
    .trimEnd();
}

/** How long a figure waits for being shown as the value of its cell, before it takes the place of the live picture. */
const GRACE = 60;

/** A figure that is already shown as the last picture of a live display: shown first as a cell's value, it is only there. */
class LiveFigure extends Figure {
  #host: NotebookHost | null;
  readonly #id: string;

  constructor(figure: Figure, host: NotebookHost, id: string) {
    super(figure.data, figure.layout);
    this.#host = host;
    this.#id = id;
    setTimeout(() => void this.#replace(), GRACE);
  }

  async #replace(): Promise<void> {
    const host = this.#host;
    this.#host = null;
    if (host) await sendDisplay(host, plainBundle(await super[DISPLAY]()), this.#id, true);
  }

  override async [DISPLAY](): Promise<MimeBundle> {
    const host = this.#host;
    this.#host = null;
    const bundle = await super[DISPLAY]();
    if (host) await sendDisplay(host, { "text/plain": "", "text/html": "" }, this.#id, true);
    return bundle;
  }
}

function notebookSink(host: NotebookHost): LiveSink {
  const id = crypto.randomUUID();
  let sent = false;
  const draw = (curves: readonly Curve[], frame: CurveFrame): void => {
    const svg = new TextEncoder().encode(curvesSVG(curves, frame)).toBase64();
    const text = lineOf(curves, frame);
    const data = {
      "text/plain": text,
      "text/html": `<img alt="${escapeHTML(text)}" width="${frame.width}" height="${frame.height}" ` +
        `style="max-width:100%;height:auto" src="data:image/svg+xml;base64,${svg}">`,
    };
    void sendDisplay(host, data, id, sent);
    sent = true;
  };
  return {
    interval: 300,
    draw,
    done(curves, frame, figure) {
      if (!sent) return figure();
      draw(curves, frame);
      return new LiveFigure(figure(), host, id);
    },
  };
}

/**
 * A line that changes, on a terminal.
 *
 * @param write Takes the text.
 * @returns The sink.
 */
export function terminalSink(write: (text: string) => void): LiveSink {
  let drawn = false;
  const draw = (curves: readonly Curve[], frame: CurveFrame): void => {
    drawn = true;
    write(`\r\x1b[2K${lineOf(curves, frame)}`);
  };
  return {
    interval: 100,
    draw,
    done(curves, frame, figure) {
      if (drawn) {
        draw(curves, frame);
        write("\n");
      }
      return figure();
    },
  };
}

function defaultSink(): LiveSink {
  const host = notebookHost();
  if (host) return notebookSink(host);
  if (!Deno.stderr.isTerminal()) return { interval: Infinity, draw() {}, done: (_, __, figure) => figure() };
  return terminalSink((text) => void Deno.stderr.writeSync(new TextEncoder().encode(text)));
}

/** Curves that grow; made by {@linkcode live}. */
export class LiveCurve {
  readonly #options: LiveOptions;
  readonly #sink: LiveSink;
  readonly #now: () => number;
  readonly #curves = new Map<string, { name: string; x: number[]; y: number[] }>();
  readonly #frame: CurveFrame;
  #count = 0;
  #last = -Infinity;
  #figure: Figure | null = null;

  /** For {@linkcode live}: options, where to draw, and the time in milliseconds. */
  constructor(options: LiveOptions, sink: LiveSink, now: () => number = () => performance.now()) {
    const { title = "", xLabel = "step", yLabel = "loss", log = false, series, interval } = options;
    for (const [name, text] of Object.entries({ title, xLabel, yLabel })) label(text, name);
    if (interval !== undefined && !(interval >= 0)) {
      throw new RangeError(`live: interval must be a number of milliseconds from 0, got ${interval}`);
    }
    const figure = new Figure([], layoutOf(options));
    this.#frame = {
      title,
      xLabel,
      yLabel,
      log,
      width: figure.width,
      height: options.height ?? SIZE.height - 60,
    };
    this.#options = options;
    this.#sink = sink;
    this.#now = now;
    for (const name of series ?? []) this.#curve(name);
  }

  #curve(name: string): { name: string; x: number[]; y: number[] } {
    let curve = this.#curves.get(name);
    if (curve === undefined) {
      this.#curves.set(name, curve = { name: label(name, "live: series"), x: [], y: [] });
    }
    return curve;
  }

  /** Values by the names of their curves. */
  #byName(values: LiveValue | Readonly<Record<string, LiveValue>>): [string, number][] {
    const { series } = this.#options;
    const record = typeof values === "object" && values !== null &&
      typeof (values as Partial<HasToArray>).toArray !== "function" && !Array.isArray(values) &&
      !ArrayBuffer.isView(values);
    if (!record) {
      const [only = "loss", ...rest] = series ?? [...this.#curves.keys()];
      if (rest.length) {
        throw new TypeError(
          `live: expected values for ${[only, ...rest].join(", ")}, got ${describe(values)}`,
        );
      }
      return [[only, toNumber(values, `live: ${only}`)]];
    }
    return Object.entries(values).map(([name, value]) => {
      if (series && !series.includes(name)) {
        throw new RangeError(`live: there is no curve ${JSON.stringify(name)}, only ${series.join(", ")}`);
      }
      return [name, toNumber(value, `live: ${name}`)];
    });
  }

  /**
   * Adds values, and draws if the last picture is old enough.
   *
   * @param values A number or a tensor of one element for a single curve; by name for several, of which some may be missing.
   * @param x The horizontal position; by default 0, 1, 2, ... for one call after the other.
   * @throws {TypeError} If a value is no number, or the curve is finished.
   * @throws {RangeError} If there is no curve of a name.
   */
  push(values: LiveValue | Readonly<Record<string, LiveValue>>, x?: number): void {
    if (this.#figure) throw new TypeError("live: the curve is finished, nothing can be added to it");
    const entries = this.#byName(values), at = x === undefined ? this.#count : toNumber(x, "live: x");
    for (const [name, value] of entries) {
      const curve = this.#curve(name);
      curve.x.push(at);
      curve.y.push(value);
    }
    this.#count++;
    const time = this.#now(), { interval } = this.#sink;
    if (interval === Infinity || time - this.#last < (this.#options.interval ?? interval)) return;
    this.#sink.draw([...this.#curves.values()], this.#frame);
    // From the end of drawing on: what takes long is done less often.
    this.#last = this.#now();
  }

  /**
   * Ends the curves. In a notebook the live picture makes way for the interactive figure: in its place, or, where this is the
   * value of the cell, as that.
   *
   * @returns The figure.
   */
  done(): Figure {
    return this.#figure ??= this.#sink.done([...this.#curves.values()], this.#frame, () => this.#whole());
  }

  #whole(): Figure {
    const { log = false, xLabel = "step", yLabel = "loss", title, width, height } = this.#options;
    const curves = [...this.#curves.values()], several = curves.length > 1;
    const traces = curves.filter(({ y }) => y.length > 0).map(({ name, x, y }): Trace => ({
      type: "scatter",
      mode: y.length <= 30 ? "lines+markers" : "lines",
      x: Float64Array.from(x),
      y: Float64Array.from(y),
      ...named(several ? name : undefined),
      line: { width: 2 },
    }));
    return new Figure(
      traces,
      layoutOf({ title, xLabel, yLabel, logY: log, legend: several ? "inside" : undefined, width, height }),
    );
  }
}

/**
 * Curves that are drawn while they grow: in a notebook a picture that changes a few times a second, also in a loop that leaves
 * no time to anything else; on a terminal a line that changes; elsewhere nothing until they are done.
 *
 * @param options Names of the curves, titles, a logarithmic axis.
 * @returns The curves: `push` adds values, `done` gives the figure.
 * @throws {TypeError} If a title or name is no string.
 * @throws {RangeError} If the interval is no number of milliseconds.
 * @example
 * ```ts
 * import { live } from "./live.ts";
 * const curve = live({ title: "Training", series: ["train", "valid"], log: true });
 * for (let step = 0; step < 100; step++) curve.push({ train: 1 / (1 + step), valid: 1.2 / (1 + step) });
 * const figure = curve.done();
 * console.log(String(figure)); // Figure "Training" (2 traces)
 * ```
 */
export function live(options: LiveOptions = {}): LiveCurve {
  checkObject(options, "live: options");
  return new LiveCurve(options, defaultSink());
}
