/**
 * Which trace has which colour of the palette: those whose colours stand for values take none.
 * @module
 */

import { PALETTE } from "./template.ts";
import type { Layout, Trace } from "./types.ts";

/** Traces whose colours come from a scale or from the data: they have no use for a colour of the palette. */
const SCALED: ReadonlySet<unknown> = new Set([
  "heatmap",
  "contour",
  "image",
  "histogram2d",
  "histogram2dcontour",
]);

/** Traces that are drawn in the colour of their markers. */
const MARKED: ReadonlySet<unknown> = new Set(["bar", "histogram", "box", "violin"]);

function object(value: unknown): Layout {
  return typeof value === "object" && value !== null ? value as Layout : {};
}

/** A trace with a colour where it says none. */
function coloured(trace: Trace, color: string): Trace {
  const { type = "scatter" } = trace, marker = object(trace.marker);
  if (MARKED.has(type)) return { ...trace, marker: { color, ...marker } };
  if (type !== "scatter") return trace;
  const line = { color: typeof marker.color === "string" ? marker.color : color, ...object(trace.line) };
  return { ...trace, line, marker: { color: line.color, ...marker } };
}

/**
 * Traces with the colours that they have by their order.
 *
 * @param traces The traces of a figure.
 * @param colors The palette.
 * @returns The same traces, those that say no colour with the next one.
 */
export function colouredTraces(traces: readonly Trace[], colors: readonly string[] = PALETTE): Trace[] {
  let next = 0;
  return traces.map((trace) =>
    SCALED.has(trace.type) ? trace : coloured(trace, colors[next++ % colors.length])
  );
}

/**
 * Traces as plotly is to read them. It counts every trace when it gives out colours; where one takes none, the others say
 * theirs.
 *
 * @param traces The traces of a figure.
 * @param layout Its layout, which may name a palette.
 * @returns The same traces if plotly counts as we do.
 */
export function paletteTraces(traces: readonly Trace[], layout: Layout): readonly Trace[] {
  const last = traces.findLastIndex((trace) => !SCALED.has(trace.type));
  if (!traces.slice(0, Math.max(0, last)).some((trace) => SCALED.has(trace.type))) return traces;
  const template = object(object(layout.template).layout).colorway;
  return colouredTraces(traces, (layout.colorway ?? template ?? PALETTE) as readonly string[]);
}

/** Whether a trace shows a colour bar without saying where. */
export function hasColorBar(trace: Trace): boolean {
  const marker = object(trace.marker);
  const own = (trace.type === "heatmap" || trace.type === "contour") && trace.showscale !== false;
  const bar = own ? object(trace.colorbar) : object(marker.colorbar);
  return (own || marker.showscale === true) && bar.x === undefined;
}
