/**
 * Charts of numbers in rows: lines, points, bars, histograms.
 * @module
 */

import { Figure } from "./figure.ts";
import { checkObject, label, layoutOf, named } from "./options.ts";
import { SEQUENTIAL } from "./template.ts";
import type { PlotOptions, Trace, TraceOptions } from "./types.ts";
import {
  extent,
  isMatrix,
  type Matrix,
  sameLength,
  toCategories,
  toMatrix,
  toRange,
  toVector,
} from "./values.ts";
import type { Vector } from "./values.ts";

/** One line of several. */
export interface Series extends TraceOptions {
  /** Horizontal positions; 0, 1, 2, ... by default. */
  x?: Vector;
  /** The values. */
  y: Vector;
}

/** Options of {@linkcode line}. */
export interface LineOptions extends PlotOptions {
  /** The name in the legend; one a line where there are several. */
  name?: string | readonly string[];
  /** The colour; one a line where there are several. */
  color?: string | readonly string[];
  /** Markers on the points. */
  markers?: boolean;
}

/** Options of {@linkcode scatter}. */
export interface ScatterOptions extends PlotOptions {
  /** The name in the legend. */
  name?: string;
  /** The colour of all points, or a number a point for a colour scale. */
  color?: string | Vector;
  /** The class of each point: every class gets a colour and a name. */
  group?: ArrayLike<string | number | bigint | boolean> | Vector;
  /** The diameter of the markers in pixels; 7 by default. */
  size?: number;
}

/** Options of {@linkcode bar}. */
export interface BarOptions extends PlotOptions {
  /** The name in the legend. */
  name?: string;
  /** The colour. */
  color?: string;
  /** Bars from left to right instead of upwards. */
  horizontal?: boolean;
}

/** Options of {@linkcode histogram}. */
export interface HistogramOptions extends PlotOptions {
  /** The name in the legend. */
  name?: string;
  /** The colour. */
  color?: string;
  /** How many bins; chosen from the data by default. */
  bins?: number;
  /** The ends of the first and last bin; the data's by default. */
  range?: readonly [number, number];
  /** Heights that make the area 1 instead of counts. */
  density?: boolean;
}

/** Whether an argument is data, and not options. */
export function isData(value: unknown): boolean {
  return Array.isArray(value) || ArrayBuffer.isView(value) ||
    typeof (value as { toArray?: unknown } | undefined)?.toArray === "function";
}

/** Up to so many points a line is drawn through each: plotly else leaves some out, and smooth curves get corners. */
const SMOOTH = 5000;

function indices(length: number): Float64Array<ArrayBuffer> {
  return Float64Array.from({ length }, (_, i) => i);
}

function lineTrace(caller: string, { x, y, name, color, markers }: Series): Trace {
  const ys = toVector(y, `${caller}: y`);
  const xs = x === undefined ? indices(ys.length) : toVector(x, `${caller}: x`);
  sameLength(caller, { x: xs.length, y: ys.length });
  return {
    type: "scatter",
    mode: markers ? "lines+markers" : "lines",
    x: xs,
    y: ys,
    ...named(name),
    line: { ...(color === undefined ? {} : { color }), ...(ys.length <= SMOOTH ? { simplify: false } : {}) },
  };
}

function isSeriesList(value: unknown): value is readonly Series[] {
  return Array.isArray(value) && value.length > 0 && value.every((item) => {
    return typeof item === "object" && item !== null && !isData(item) && "y" in item;
  });
}

function at<T>(value: T | readonly T[] | undefined, i: number): T | undefined {
  return Array.isArray(value) ? value[i] : value as T | undefined;
}

function manyLines(rows: readonly Vector[], x: Vector | undefined, options: LineOptions): Trace[] {
  const { name, color, markers } = options;
  if (Array.isArray(name)) sameLength("line", { "the lines": rows.length, "their names": name.length });
  return rows.map((y, i) => lineTrace("line", { x, y, name: at(name, i), color: at(color, i), markers }));
}

/**
 * A line through points.
 *
 * @param y The values, at 0, 1, 2, ...; of two dimensions for one line a row; or a list of
 *   `{ x, y, name, color, markers }` for lines of their own.
 * @param options Names, colours, titles, axes, size.
 * @returns The figure.
 * @throws {TypeError} If data is not numeric or lengths differ.
 * @throws {RangeError} If data is empty.
 * @example
 * ```ts
 * import { line } from "./charts.ts";
 * const figure = line([1, 4, 9, 16], { title: "Squares", xLabel: "n", yLabel: "n²", markers: true });
 * console.log(String(figure)); // Figure "Squares" (1 trace)
 * ```
 */
export function line(y: Vector | Matrix | readonly Series[], options?: LineOptions): Figure;
/** As above, with the horizontal positions given. */
export function line(x: Vector, y: Vector | Matrix, options?: LineOptions): Figure;
export function line(
  first: Vector | Matrix | readonly Series[],
  second?: Vector | Matrix | LineOptions,
  third?: LineOptions,
): Figure {
  const withX = isData(second);
  const options = (withX ? third : second as LineOptions | undefined) ?? {};
  if (!withX && isSeriesList(first)) {
    return new Figure(first.map((series) => lineTrace("line", series)), layoutOf(options));
  }
  const [x, y] = withX ? [first as Vector, second] : [undefined, first];
  const rows = isMatrix(y) ? toMatrix(y, "line: y") : [y as Vector];
  return new Figure(manyLines(rows, x, options), layoutOf(options));
}

/** Positions of the points of each class, classes in order of their names. */
function groups(group: unknown, length: number): [name: string, positions: number[]][] {
  const unpacked = isData(group) && "toArray" in (group as object)
    ? (group as { toArray(): unknown }).toArray()
    : group;
  if (!isData(unpacked)) throw new TypeError(`scatter: group must be an array, got ${typeof group}`);
  const classes = Array.from(unpacked as ArrayLike<unknown>, String);
  sameLength("scatter", { points: length, group: classes.length });
  const found = new Map<string, number[]>();
  classes.forEach((name, i) => found.set(name, [...(found.get(name) ?? []), i]));
  return [...found].sort(([a], [b]) => a.localeCompare(b, "en", { numeric: true }));
}

/**
 * Points.
 *
 * @param x Horizontal positions; or, alone, points as rows of two numbers.
 * @param y Vertical positions.
 * @param options Colour (also by value), classes, size of markers, titles, axes.
 * @returns The figure.
 * @throws {TypeError} If data is not numeric or lengths differ.
 * @throws {RangeError} If data is empty.
 */
export function scatter(x: Vector, y: Vector, options?: ScatterOptions): Figure;
/** As above, with points as rows of two numbers. */
export function scatter(points: Matrix, options?: ScatterOptions): Figure;
export function scatter(
  first: Vector | Matrix,
  second?: Vector | ScatterOptions,
  third?: ScatterOptions,
): Figure {
  const withY = isData(second);
  const options = (withY ? third : second as ScatterOptions | undefined) ?? {};
  const [xs, ys] = withY
    ? [toVector(first, "scatter: x"), toVector(second, "scatter: y")]
    : columns(toMatrix(first, "scatter: points"));
  sameLength("scatter", { x: xs.length, y: ys.length });
  const { color, size = 7, group } = options;
  if (!(size > 0)) throw new RangeError(`scatter: size must be above 0, got ${size}`);
  const marker: Trace = { size, opacity: 0.85 };
  if (typeof color === "string") marker.color = color;
  else if (color !== undefined) {
    const values = toVector(color, "scatter: color");
    sameLength("scatter", { x: xs.length, color: values.length });
    Object.assign(marker, { color: values, colorscale: SEQUENTIAL, showscale: true });
  }
  const trace = (name: string | undefined, x: unknown, y: unknown): Trace => ({
    type: "scatter",
    mode: "markers",
    x,
    y,
    marker,
    ...named(name),
  });
  const traces = group === undefined
    ? [trace(options.name, xs, ys)]
    : groups(group, xs.length).map(([name, at]) => trace(name, at.map((i) => xs[i]), at.map((i) => ys[i])));
  return new Figure(traces, layoutOf(options));
}

function columns(rows: readonly Float64Array<ArrayBuffer>[]): Float64Array<ArrayBuffer>[] {
  if (rows[0].length !== 2) {
    throw new TypeError(
      `scatter: points must have two columns, got shape [${rows.length}, ${rows[0].length}]`,
    );
  }
  return [0, 1].map((j) => Float64Array.from(rows, (row) => row[j]));
}

/**
 * Bars.
 *
 * @param categories Names or positions of the bars; 0, 1, 2, ... if left out.
 * @param values Their heights.
 * @param options Colour, direction, titles, axes.
 * @returns The figure.
 * @throws {TypeError} If heights are not numbers or lengths differ.
 * @throws {RangeError} If data is empty.
 */
export function bar(categories: ArrayLike<string> | Vector, values: Vector, options?: BarOptions): Figure;
/** As above, with bars at 0, 1, 2, ... */
export function bar(values: Vector, options?: BarOptions): Figure;
export function bar(
  first: ArrayLike<string> | Vector,
  second?: Vector | BarOptions,
  third?: BarOptions,
): Figure {
  const withNames = isData(second);
  const options = (withNames ? third : second as BarOptions | undefined) ?? {};
  const values = toVector(withNames ? second : first, "bar: values");
  const names = withNames ? toCategories(first, "bar: categories") : indices(values.length);
  sameLength("bar", { categories: names.length, values: values.length });
  const at = Array.isArray(names) ? names.map((name) => label(name, "bar: category")) : names;
  const trace: Trace = {
    type: "bar",
    ...(options.horizontal ? { x: values, y: at, orientation: "h" } : { x: at, y: values }),
    ...named(options.name),
    ...(options.color === undefined ? {} : { marker: { color: options.color } }),
  };
  const figure = new Figure([trace], { bargap: 0.25 }).update(layoutOf(options));
  return options.horizontal ? figure.update({ yaxis: { autorange: "reversed" } }) : figure;
}

/** Bin count by Freedman and Diaconis' rule, by Sturges' where the middle half has no width. */
function binCount(sorted: Float64Array, span: number): number {
  const n = sorted.length;
  const quartile = (q: number): number => sorted[Math.floor(q * (n - 1))];
  const width = 2 * (quartile(0.75) - quartile(0.25)) / Math.cbrt(n);
  const count = width > 0 ? span / width : Math.log2(n) + 1;
  return Math.min(200, Math.max(1, Math.ceil(count)));
}

/**
 * How often values fall into each of equal bins.
 *
 * @param values The values; those that are not finite are left out.
 * @param options Bins, range, density, titles.
 * @returns The figure: one bar a bin, so that its size does not grow with the data.
 * @throws {TypeError} If values are not numbers.
 * @throws {RangeError} If there is no finite value, or bins is no count.
 */
export function histogram(values: Vector | Matrix, options: HistogramOptions = {}): Figure {
  checkObject(options, "histogram: options");
  const { bins, density = false } = options;
  if (bins !== undefined && !(Number.isInteger(bins) && bins >= 1 && bins <= 10_000)) {
    throw new RangeError(`histogram: bins must be a whole number from 1 to 10000, got ${bins}`);
  }
  const flat = isMatrix(values)
    ? toMatrix(values, "histogram: values").flatMap((row) => [...row])
    : toVector(values, "histogram: values");
  const finite = Float64Array.from(flat).filter(Number.isFinite).sort();
  const found = extent(finite);
  if (!found) throw new RangeError(`histogram: none of the ${flat.length} values is finite`);
  const [from, to] = options.range
    ? toRange(options.range, "histogram: range")
    : found[0] < found[1]
    ? found
    : [found[0] - 0.5, found[1] + 0.5];
  const count = bins ?? binCount(finite, to - from);
  const width = (to - from) / count;
  const heights = new Float64Array(count);
  let inside = 0;
  for (const value of finite) {
    if (value < from || value > to) continue;
    heights[Math.min(count - 1, Math.floor((value - from) / width))]++;
    inside++;
  }
  if (density && inside > 0) heights.forEach((n, i) => heights[i] = n / (inside * width));
  const trace: Trace = {
    type: "bar",
    x: heights.map((_, i) => from + (i + 0.5) * width),
    y: heights,
    width,
    marker: { line: { color: "#ffffff", width: 1 }, ...(options.color ? { color: options.color } : {}) },
    ...named(options.name),
  };
  const yLabel = options.yLabel ?? (density ? "density" : "count");
  return new Figure([trace], { bargap: 0 }).update(layoutOf({ ...options, yLabel }));
}
