/**
 * Plots: lines, points, bars, heat maps, contours, functions with tangents, descents, losses.
 *
 * Data may be arrays, nested arrays, typed arrays or tensors. Every function gives a {@linkcode Figure}, which shows
 * itself in notebooks and saves itself as a page (.html), a picture (.svg, .png) or data (.json).
 *
 * @example
 * ```ts
 * import * as plot from "./plot.ts";
 * const figure = plot.fn((x: number) => x ** 2, [-2, 2], { title: "A parabola" });
 * console.log(String(figure)); // Figure "A parabola" (1 trace)
 * ```
 * @module
 */

export { bar, histogram, line, scatter } from "./charts.ts";
export type { BarOptions, HistogramOptions, LineOptions, ScatterOptions, Series } from "./charts.ts";
export { confusionMatrix, contour, heatmap, image } from "./fields.ts";
export type {
  ColorScale,
  ConfusionOptions,
  ContourOptions,
  FieldOptions,
  HeatmapOptions,
  ImageOptions,
} from "./fields.ts";
export { Figure, initNotebook } from "./figure.ts";
export type { BundleOptions, PictureOptions } from "./figure.ts";
export { fn, tangent, tangents } from "./functions.ts";
export type { FunctionOptions, TangentOptions, TangentPoint } from "./functions.ts";
export { grid } from "./grid.ts";
export type { GridOptions } from "./grid.ts";
export { descent2d, gradientDescent, lossCurve } from "./learning.ts";
export type { Descent2DOptions, Descent2DRun, DescentRun, LossOptions } from "./learning.ts";
export { live, type LiveCurve } from "./live.ts";
export type { LiveOptions, LiveSink, LiveValue } from "./live.ts";
export type { Curve, CurveFrame } from "./curve_picture.ts";
export { Picture, picture, pictures } from "./picture.ts";
export type { ImageBatch, ImageSource, ShowImageOptions, ShowImagesOptions } from "./picture.ts";
export type { PixelOptions } from "./pixels.ts";
export { report } from "./report.ts";
export type { Report, ReportOptions, ReportSection, ReportTable } from "./report.ts";
export type { Drawable, Drawable2 } from "./sample.ts";
export type { Layout, PlotOptions, Trace, TraceOptions } from "./types.ts";
export type { HasToArray, Matrix, Vector } from "./values.ts";
export type { DISPLAY, Displayable, MimeBundle } from "../display/mime.ts";
