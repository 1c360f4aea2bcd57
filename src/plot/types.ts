/**
 * What figures are made of.
 * @module
 */

/** A trace in plotly's form, for example `{ type: "scatter", x: [1, 2], y: [3, 4] }`. */
export type Trace = Record<string, unknown>;

/** A layout in plotly's form, for example `{ title: { text: "Loss" } }`. */
export type Layout = Record<string, unknown>;

/** Options that every plot takes. */
export interface PlotOptions {
  /** The title above the picture. */
  title?: string;
  /** The title of the horizontal axis. */
  xLabel?: string;
  /** The title of the vertical axis. */
  yLabel?: string;
  /** Where the legend stands, or false for none; by default to the right, if any trace has a name. */
  legend?: boolean | "right" | "top" | "inside";
  /** Pixels across; 640 by default. */
  width?: number;
  /** Pixels down; 400 by default. */
  height?: number;
  /** A logarithmic horizontal axis. */
  logX?: boolean;
  /** A logarithmic vertical axis. */
  logY?: boolean;
  /** The ends of the horizontal axis. */
  xRange?: readonly [number, number];
  /** The ends of the vertical axis. */
  yRange?: readonly [number, number];
}

/** Options of one trace. */
export interface TraceOptions {
  /** The name in the legend. */
  name?: string;
  /** The colour, as in CSS. */
  color?: string;
  /** Markers on a line's points. */
  markers?: boolean;
}
