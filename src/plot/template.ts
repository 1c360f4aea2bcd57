/**
 * The look of every figure: white, quiet, in colours that colour-blind readers can tell apart.
 * @module
 */

import type { Layout } from "./types.ts";

/** Colours of traces, in order: Okabe and Ito's, the ones too light for lines moved to the end. */
export const PALETTE: readonly string[] = [
  "#0072b2",
  "#d55e00",
  "#009e73",
  "#cc79a7",
  "#e69f00",
  "#56b4e9",
  "#7a5195",
  "#4d4d4d",
];

/** Text. */
export const INK = "#1f2933";
/** Text that stands back: ticks, notes. */
export const MUTED = "#52606d";
/** Grid lines. */
const GRID = "#e7ebef";
/** Axis lines and zero lines. */
const LINE = "#9aa5b1";

/** Colours from low to high. */
export const SEQUENTIAL = "Viridis";

/** Colours around a middle: blue, white, vermilion. */
export const DIVERGING: readonly (readonly [number, string])[] = [
  [0, "#053e66"],
  [0.25, "#3f8fc4"],
  [0.5, "#f7f7f7"],
  [0.75, "#e2894c"],
  [1, "#8a3700"],
];

/** Fonts, those of the static picture first. */
export const FONT = "Open Sans, Segoe UI, Helvetica Neue, Arial, sans-serif";

const AXIS: Layout = {
  automargin: true,
  gridcolor: GRID,
  linecolor: LINE,
  showline: true,
  ticks: "outside",
  ticklen: 4,
  tickcolor: LINE,
  tickfont: { size: 12, color: MUTED },
  title: { standoff: 10, font: { size: 13, color: INK } },
  zerolinecolor: "#c5ced6",
  zerolinewidth: 1,
};

const COLOR_BAR: Layout = {
  outlinewidth: 0,
  thickness: 14,
  ticks: "outside",
  ticklen: 4,
  tickcolor: LINE,
  tickfont: { size: 12, color: MUTED },
  title: { font: { size: 13, color: INK } },
};

/** The look of legends; given to each where a figure has several. */
export const LEGEND: Layout = { bgcolor: "rgba(255,255,255,0.8)", font: { size: 12 } };

/** The template that {@linkcode Figure} puts under every layout. */
export const TEMPLATE: Layout = {
  layout: {
    font: { family: FONT, size: 13, color: INK },
    title: {
      x: 0,
      xref: "paper",
      xanchor: "left",
      y: 1,
      yref: "container",
      yanchor: "top",
      pad: { t: 18 },
      font: { size: 17, weight: 600, color: INK },
    },
    paper_bgcolor: "#ffffff",
    plot_bgcolor: "#ffffff",
    colorway: PALETTE,
    colorscale: { sequential: SEQUENTIAL, diverging: DIVERGING },
    hovermode: "closest",
    xaxis: AXIS,
    yaxis: AXIS,
    legend: LEGEND,
    annotationdefaults: { font: { size: 12, color: INK } },
  },
  data: {
    heatmap: [{ colorbar: COLOR_BAR }],
    contour: [{ colorbar: COLOR_BAR }],
    scatter: [{ marker: { colorbar: COLOR_BAR } }],
  },
};

/** The size of a figure, where none is given. */
export const SIZE: Readonly<{ width: number; height: number }> = { width: 640, height: 400 };
