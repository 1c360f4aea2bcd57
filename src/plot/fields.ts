/**
 * Pictures of numbers on a grid: heat maps, contours, images, confusion matrices.
 * @module
 */

import { isData } from "./charts.ts";
import { Figure } from "./figure.ts";
import { checkObject, label, layoutOf, short } from "./options.ts";
import { type Drawable2, sampleGrid } from "./sample.ts";
import { type ColorScale, isDiverging, scaleTrace } from "./scales.ts";
import { SEQUENTIAL } from "./template.ts";
import type { Layout, PlotOptions, Trace } from "./types.ts";
import {
  describe,
  type Matrix,
  sameLength,
  toCategories,
  toMatrix,
  toRange,
  toVector,
  type Vector,
} from "./values.ts";

export type { ColorScale };

/** Options that heat maps and contours share. */
export interface FieldOptions extends PlotOptions {
  /** Colours from low to high; "diverging" is blue, white, vermilion around zero. */
  colors?: ColorScale;
  /** The values that the first and last colour stand for. */
  zRange?: readonly [number, number];
  /** The title of the colour bar. */
  zLabel?: string;
  /** Whether to show the colour bar; true by default. */
  colorBar?: boolean;
}

/** Options of {@linkcode heatmap}. */
export interface HeatmapOptions extends FieldOptions {
  /** Names or positions of the columns. */
  x?: ArrayLike<string> | Vector;
  /** Names or positions of the rows. */
  y?: ArrayLike<string> | Vector;
  /** Whether row 0 is at the top, as a matrix is written, or at the bottom; the top by default. */
  origin?: "top" | "bottom";
  /** Whether to write the values into the cells. */
  values?: boolean;
  /** Square cells. */
  square?: boolean;
}

/** Options of {@linkcode contour}. */
export interface ContourOptions extends FieldOptions {
  /** About how many levels. */
  levels?: number;
  /** Whether to fill between the lines; true by default. */
  fill?: boolean;
  /** Whether to write values on the lines. */
  values?: boolean;
}

/** Options of {@linkcode image}. */
export interface ImageOptions extends PlotOptions {
  /** Colours of a one-channel image from low to high; black to white by default. */
  colors?: ColorScale;
  /** The values of black and white; the least and greatest value by default. */
  zRange?: readonly [number, number];
}

/** Options of {@linkcode confusionMatrix}. */
export interface ConfusionOptions extends PlotOptions {
  /** Shares of each row instead of counts. */
  normalize?: boolean;
}

/** Colour scale, range and bar of a trace. */
function colouring(options: FieldOptions): Trace {
  const { colors = SEQUENTIAL, zRange, zLabel, colorBar = true } = options;
  const out: Trace = { ...scaleTrace(colors), showscale: colorBar };
  if (zRange) [out.zmin, out.zmax] = toRange(zRange, "zRange");
  else if (isDiverging(colors)) out.zmid = 0;
  if (zLabel !== undefined) out.colorbar = { title: { text: label(zLabel, "zLabel"), side: "right" } };
  return out;
}

function places(caller: string, name: string, data: unknown, count: number): string[] | Float64Array {
  const at = toCategories(data, `${caller}: ${name}`);
  sameLength(caller, { [name]: at.length, [name === "x" ? "columns" : "rows"]: count });
  return Array.isArray(at) ? at.map((text) => label(text, `${caller}: ${name}`)) : at;
}

/** Names under cells, or whole numbers where the cells are few: never a tick between two cells. */
function cellAxis(names: unknown, count: number): Layout {
  if (Array.isArray(names)) return { type: "category" };
  return names === undefined && count <= 12 ? { tickmode: "linear", tick0: 0, dtick: 1 } : {};
}

/**
 * A matrix as coloured cells.
 *
 * @param z The values, row by row.
 * @param options Colours, positions, origin, numbers in cells, titles.
 * @returns The figure.
 * @throws {TypeError} If z is no matrix of numbers, or x or y does not fit it.
 * @throws {RangeError} If z is empty.
 */
export function heatmap(z: Matrix, options: HeatmapOptions = {}): Figure {
  checkObject(options, "heatmap: options");
  const rows = toMatrix(z, "heatmap: z");
  const { x, y, origin = "top" } = options;
  if (origin !== "top" && origin !== "bottom") {
    throw new RangeError(`heatmap: origin must be "top" or "bottom", got ${describe(origin)}`);
  }
  const trace: Trace = { type: "heatmap", z: rows, ...colouring(options) };
  if (x !== undefined) trace.x = places("heatmap", "x", x, rows[0].length);
  if (y !== undefined) trace.y = places("heatmap", "y", y, rows.length);
  if (options.values) {
    Object.assign(trace, { text: rows.map((row) => Array.from(row, short)), texttemplate: "%{text}" });
  }
  const clean: Layout = { showgrid: false, zeroline: false, showline: false };
  const layout: Layout = {
    xaxis: { ...clean, ...cellAxis(trace.x, rows[0].length), constrain: "domain" },
    yaxis: {
      ...clean,
      ...cellAxis(trace.y, rows.length),
      ...(origin === "top" ? { autorange: "reversed" } : {}),
      ...(options.square ? { scaleanchor: "x", constrain: "domain" } : {}),
    },
  };
  return new Figure([trace], layout).update(layoutOf(options));
}

/**
 * Lines of equal height of a function of two variables, or of values on a grid.
 *
 * @param x Horizontal positions; or, alone, the values on a grid.
 * @param y Vertical positions.
 * @param z The values, a row for each y, or a function (x, y) that gives them.
 * @param options Levels, fill, colours, titles.
 * @returns The figure.
 * @throws {TypeError} If z is no matrix of numbers, or x or y does not fit it.
 * @throws {RangeError} If data is empty.
 * @example
 * ```ts
 * import { contour } from "./fields.ts";
 * const at = [-2, -1, 0, 1, 2];
 * const figure = contour(at, at, (x, y) => x * x + y * y, { title: "A bowl" });
 * console.log(String(figure)); // Figure "A bowl" (1 trace)
 * ```
 */
export function contour(
  x: Vector,
  y: Vector,
  z: Matrix | Drawable2,
  options?: ContourOptions,
): Figure;
/** As above, with positions 0, 1, 2, ... */
export function contour(z: Matrix, options?: ContourOptions): Figure;
export function contour(
  first: Vector | Matrix,
  second?: Vector | ContourOptions,
  third?: Matrix | Drawable2,
  fourth?: ContourOptions,
): Figure {
  const withAxes = isData(second);
  const options = (withAxes ? fourth : second as ContourOptions | undefined) ?? {};
  const trace: Trace = { type: "contour", ...colouring(options) };
  if (withAxes) {
    const [x, y] = [toVector(first, "contour: x"), toVector(second, "contour: y")];
    const z = typeof third === "function" ? sampleGrid(third, x, y) : toMatrix(third, "contour: z");
    sameLength("contour", { x: x.length, "the columns of z": z[0].length });
    sameLength("contour", { y: y.length, "the rows of z": z.length });
    Object.assign(trace, { x, y, z });
  } else trace.z = toMatrix(first, "contour: z");
  const { levels = 20, fill = true, values = false } = options;
  if (!(Number.isInteger(levels) && levels >= 1)) {
    throw new RangeError(`contour: levels must be a whole number from 1, got ${levels}`);
  }
  Object.assign(trace, {
    ncontours: levels,
    contours: { coloring: fill ? "fill" : "lines", showlabels: values },
    line: fill ? { color: "rgba(255,255,255,0.45)", width: 0.7 } : { width: 1.5 },
  });
  return new Figure([trace], layoutOf(options));
}

const BLACK_TO_WHITE: ColorScale = [[0, "#000000"], [1, "#ffffff"]];

/** Pixels of three or four channels as whole numbers from 0 to 255. */
function pixels(data: ArrayLike<Matrix>): number[][][] {
  const rows = Array.from(data, (row, i) => toMatrix(row, `image: data[${i}]`));
  const channels = rows[0][0].length;
  if (channels !== 3 && channels !== 4) {
    throw new TypeError(
      `image: expected [height, width] or [height, width, 3 or 4], got ${channels} channels`,
    );
  }
  const unit = rows.every((row) => row.every((pixel) => pixel.every((v) => v <= 1)));
  const scale = unit ? 255 : 1;
  return rows.map((row) =>
    row.map((pixel) => Array.from(pixel, (v) => Math.min(255, Math.max(0, Math.round(v * scale)))))
  );
}

function depth(data: unknown): number {
  let levels = 0;
  for (let at = data; isData(at); levels++) {
    const list = (at as { toArray?: () => unknown }).toArray?.() ?? at;
    at = (list as ArrayLike<unknown>)[0];
  }
  return levels;
}

/**
 * An image.
 *
 * @param data [height, width] for one channel, [height, width, 3 or 4] for colours from 0 to 1 or 0 to 255.
 * @param options Colours of one channel, range, titles.
 * @returns The figure, without axes, its pixels square.
 * @throws {TypeError} If data has another shape.
 * @throws {RangeError} If data is empty.
 */
export function image(data: Matrix | ArrayLike<Matrix>, options: ImageOptions = {}): Figure {
  checkObject(options, "image: options");
  const grey = depth(data) < 3;
  const list = (data as { toArray?: () => unknown } | null | undefined)?.toArray?.() ?? data;
  const z = grey ? toMatrix(list, "image: data") : pixels(list as ArrayLike<Matrix>);
  const trace: Trace = grey
    ? {
      type: "heatmap",
      z,
      ...colouring({ colors: BLACK_TO_WHITE, ...options, colorBar: false }),
      hoverongaps: false,
    }
    : { type: "image", z, colormodel: (z[0] as number[][])[0].length === 4 ? "rgba" : "rgb" };
  const axis: Layout = { visible: false, showgrid: false, zeroline: false, constrain: "domain" };
  const [height, width] = [z.length, z[0].length];
  const side = 320;
  const layout: Layout = {
    xaxis: axis,
    yaxis: { ...axis, autorange: "reversed", scaleanchor: "x" },
    margin: { l: 8, r: 8, b: 8, t: options.title ? 44 : 8 },
    width: Math.round(Math.max(80, side * Math.min(1, width / height))) + 16,
    height: Math.round(Math.max(80, side * Math.min(1, height / width))) + (options.title ? 52 : 16),
  };
  return new Figure([trace], layout).update(layoutOf(options));
}

/**
 * How often each class was taken for each.
 *
 * @param matrix Counts: a row for each true class, a column for each predicted one.
 * @param labels Names of the classes; 0, 1, 2, ... by default.
 * @param options Shares instead of counts, titles.
 * @returns The figure.
 * @throws {TypeError} If the matrix is not square or the labels do not fit it.
 * @throws {RangeError} If it is empty or a count is negative.
 */
export function confusionMatrix(
  matrix: Matrix,
  labels?: ArrayLike<string | number>,
  options: ConfusionOptions = {},
): Figure {
  checkObject(options, "confusionMatrix: options");
  const rows = toMatrix(matrix, "confusionMatrix: matrix");
  const n = rows.length;
  if (rows[0].length !== n) {
    throw new TypeError(
      `confusionMatrix: the matrix must be square, got ${n} rows and ${rows[0].length} columns`,
    );
  }
  const wrong = rows.flatMap((row) => [...row]).find((count) => !(count >= 0));
  if (wrong !== undefined) throw new RangeError(`confusionMatrix: counts must be 0 or more, got ${wrong}`);
  const names = labels === undefined ? rows.map((_, i) => String(i)) : Array.from(labels, String);
  sameLength("confusionMatrix", { classes: n, labels: names.length });
  const share = (row: Float64Array): Float64Array => {
    const sum = row.reduce((a, b) => a + b, 0);
    return row.map((count) => sum ? count / sum : 0);
  };
  const shown = options.normalize ? rows.map(share) : rows;
  const side = Math.min(760, Math.max(340, 140 + 44 * n));
  const figure = heatmap(shown, {
    x: names,
    y: names,
    colors: "Blues",
    zRange: options.normalize ? [0, 1] : [0, Math.max(1, ...shown.map((row) => Math.max(...row)))],
    colorBar: false,
    square: true,
    xLabel: "predicted",
    yLabel: "true",
    width: side,
    height: side,
    ...options,
  });
  const trace = figure.data[0];
  trace.texttemplate = options.normalize ? "%{z:.2f}" : "%{z}";
  trace.hovertemplate = "true %{y}, predicted %{x}: %{z}<extra></extra>";
  Object.assign(trace, { xgap: 2, ygap: 2 });
  return figure.update({ xaxis: { side: "bottom", ticks: "" }, yaxis: { ticks: "" } });
}
