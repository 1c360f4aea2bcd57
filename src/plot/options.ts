/**
 * From options to layouts and traces.
 * @module
 */

import type { Layout, PlotOptions, Trace } from "./types.ts";
import { describe, extent, toRange } from "./values.ts";

const MARKUP = /<(?!\/?(?:b|i|em|br|sub|sup|span|s|u)\b[^<>]*>)/gi;

/**
 * Text for a title or a name. Plotly's own few tags (`<b>`, `<i>`, `<sub>`, `<sup>`, `<br>`) are kept; any other
 * `<` is shown as it stands.
 *
 * @param value The text.
 * @param what Its name in messages.
 * @returns The text in plotly's markup.
 * @throws {TypeError} If it is no string.
 */
export function label(value: unknown, what: string): string {
  if (typeof value !== "string") throw new TypeError(`${what} must be a string, got ${typeof value}`);
  return value.replace(MARKUP, "&lt;");
}

/** Throws for what are no options, or no fields of something that is described by an object. */
export function checkObject(value: unknown, what: string): void {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return;
  throw new TypeError(`${what} must be an object, got ${describe(value)}`);
}

/** Places of a legend by name. */
export const LEGENDS: Readonly<Record<string, Layout>> = {
  right: {},
  top: { orientation: "h", x: 0, xanchor: "left", y: 1.02, yanchor: "bottom" },
  inside: { x: 0.98, xanchor: "right", y: 0.98, yanchor: "top" },
};

function legendLayout(legend: PlotOptions["legend"]): Layout {
  if (legend === undefined) return {};
  if (typeof legend === "boolean") return { showlegend: legend };
  const place = LEGENDS[legend];
  if (!place) throw new RangeError(`legend must be true, false, "right", "top" or "inside", got "${legend}"`);
  return { legend: place };
}

function axisLayout(
  name: "x" | "y",
  text: string | undefined,
  log: boolean | undefined,
  range: readonly [number, number] | undefined,
): Layout {
  const axis: Layout = {};
  if (text !== undefined) axis.title = { text: label(text, `${name}Label`) };
  if (log) Object.assign(axis, { type: "log", exponentformat: "power" });
  if (range) {
    const ends = toRange(range, `${name}Range`);
    if (log && ends[0] <= 0) {
      throw new RangeError(`${name}Range of a logarithmic axis must be above 0, got [${ends.join(", ")}]`);
    }
    axis.range = log ? ends.map(Math.log10) : ends;
  }
  return axis;
}

/**
 * The layout of the options that all plots take.
 *
 * @param options The options of the call.
 * @returns A layout with only what the options say.
 */
export function layoutOf(options: PlotOptions): Layout {
  const { title, width, height } = options;
  const layout: Layout = {
    xaxis: axisLayout("x", options.xLabel, options.logX, options.xRange),
    yaxis: axisLayout("y", options.yLabel, options.logY, options.yRange),
    ...legendLayout(options.legend),
  };
  if (title !== undefined) layout.title = { text: label(title, "title") };
  if (width !== undefined) layout.width = width;
  if (height !== undefined) layout.height = height;
  return layout;
}

/**
 * Name and legend entry of a trace.
 *
 * @param name The name, if it has one.
 * @returns A part of the trace: without a name it stays out of the legend.
 */
export function named(name: string | undefined): { name?: string; showlegend: boolean; hoverinfo?: string } {
  return name === undefined ? { showlegend: false } : { name: label(name, "name"), showlegend: true };
}

/**
 * A value as short text for names and labels.
 *
 * @param value A number.
 * @returns Four significant digits at most, with a true minus sign.
 */
export function short(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const text = Math.abs(value) >= 1e5 || (value !== 0 && Math.abs(value) < 1e-3)
    ? value.toExponential(2)
    : String(Number(value.toPrecision(4)));
  return text.replaceAll("-", "−");
}

/** Ticks of a logarithmic axis over the given powers of ten: whole powers, or 1, 2 and 5 where they are few. */
function logTicks(decades: number): Layout {
  if (decades > 2.2) return { dtick: Math.ceil(decades / 8) };
  return decades > 0.7 ? { dtick: "D2" } : {};
}

/**
 * Ticks that fit the data, for the logarithmic axes of a figure that do not say their own.
 *
 * @param data The traces.
 * @param layout The layout.
 * @returns What to put under the layout.
 */
export function tickLayout(data: readonly Trace[], layout: Layout): Layout {
  const out: Layout = {};
  for (const [key, axis] of Object.entries(layout)) {
    const found = /^([xy])axis(\d*)$/.exec(key);
    const { type, dtick, range } = (axis ?? {}) as {
      type?: string;
      dtick?: unknown;
      range?: [number, number];
    };
    if (!found || type !== "log" || dtick !== undefined) continue;
    const [, letter, number] = found;
    const drawn = data.filter((trace) => (trace[`${letter}axis`] ?? letter) === letter + number);
    const values = drawn.flatMap((trace) => Array.from(trace[letter] as ArrayLike<number> ?? []));
    const ends = extent(values.map((value) => Math.log10(value)));
    const decades = range ? range[1] - range[0] : ends ? ends[1] - ends[0] : 0;
    out[key] = logTicks(decades);
  }
  return out;
}
