/**
 * Pictures of functions: curves, and their tangents.
 * @module
 */

import { Figure } from "./figure.ts";
import { checkObject, layoutOf, named, short } from "./options.ts";
import { type Drawable, sample, slopeAt } from "./sample.ts";
import { PALETTE } from "./template.ts";
import type { PlotOptions, Trace } from "./types.ts";
import { extent, linspace, toNumber, toRange, toVector, type Vector } from "./values.ts";

/** Options of {@linkcode fn}. */
export interface FunctionOptions extends PlotOptions {
  /** The name in the legend. */
  name?: string;
  /** The colour. */
  color?: string;
  /** At how many places the function is evaluated; 401 by default. */
  points?: number;
}

/** Options of {@linkcode tangent}. */
export interface TangentOptions extends FunctionOptions {
  /** The interval to draw; around the points by default. */
  range?: readonly [number, number];
  /** The function's slope; by central differences if left out. */
  derivative?: Drawable;
}

/** A point of a curve and the slope there. */
export interface TangentPoint {
  /** Horizontal position. */
  x: number;
  /** The function's value. */
  y: number;
  /** The function's slope. */
  slope: number;
}

/** The points of a curve. */
function curve(
  caller: string,
  f: Drawable,
  range: readonly [number, number],
  options: FunctionOptions,
): Trace {
  const { points = 401, name, color } = options;
  if (!(Number.isInteger(points) && points >= 2 && points <= 100_000)) {
    throw new RangeError(`${caller}: points must be a whole number from 2 to 100000, got ${points}`);
  }
  const x = linspace(...toRange(range, `${caller}: range`), points);
  return {
    type: "scatter",
    mode: "lines",
    x,
    y: sample(f, x),
    ...named(name),
    line: { width: 2.5, simplify: false, ...(color === undefined ? {} : { color }) },
  };
}

/**
 * The curve of a function of one variable.
 *
 * @param f Of a number, or of a tensor; several functions by name draw several curves.
 * @param range The interval [a, b].
 * @param options Points, name, colour, titles, axes.
 * @returns The figure.
 * @throws {TypeError} If the function gives no numbers.
 * @throws {RangeError} If the interval is empty.
 * @example
 * ```ts
 * import { fn } from "./functions.ts";
 * const figure = fn({ sin: Math.sin, cos: Math.cos }, [0, 6.3], { title: "Two waves" });
 * console.log(figure.data.length); // 2
 * ```
 */
export function fn(
  f: Drawable | Readonly<Record<string, Drawable>>,
  range: readonly [number, number],
  options: FunctionOptions = {},
): Figure {
  checkObject(options, "fn: options");
  const { xLabel = "x" } = options;
  const traces = typeof f === "object" && f !== null
    ? Object.entries(f).map(([name, each]) => curve("fn", each, range, { ...options, name }))
    : [curve("fn", f, range, options)];
  if (traces.length === 0) throw new RangeError("fn: no function to draw");
  return new Figure(traces, layoutOf({ ...options, xLabel }));
}

/**
 * A function's curve with tangents at points whose slopes are known, for example from automatic differentiation.
 *
 * @param f The function.
 * @param range The interval [a, b].
 * @param points Points of the curve with slopes.
 * @param options Titles, axes, the curve's name.
 * @returns The figure; the legend gives the slopes.
 * @throws {TypeError} If a point is not made of numbers.
 * @throws {RangeError} If there is no point.
 */
export function tangents(
  f: Drawable,
  range: readonly [number, number],
  points: readonly TangentPoint[],
  options: FunctionOptions = {},
): Figure {
  checkObject(options, "tangents: options");
  if (!(points?.length > 0)) throw new RangeError("tangents: no points were given");
  const [a, b] = toRange(range, "tangents: range");
  const base = curve("tangents", f, range, { name: "f(x)", color: PALETTE[0], ...options });
  // Tangents run over a third of the picture and are not allowed to stretch it: the curve sets its size.
  const reach = (b - a) / 6;
  const [low, high] = extent(base.y as Float64Array) ?? [0, 1];
  const pad = 0.08 * (high - low || 1);
  const traces = points.map((point, i): Trace => {
    const [x, y, slope] = (["x", "y", "slope"] as const).map((key) => {
      return toNumber(point[key], `tangents: points[${i}].${key}`);
    });
    const color = PALETTE[1 + i % (PALETTE.length - 1)];
    const xs = [x - reach, x, x + reach];
    return {
      type: "scatter",
      mode: "lines+markers",
      x: xs,
      y: xs.map((at) => y + slope * (at - x)),
      ...named(`slope ${short(slope)} at x = ${short(x)}`),
      line: { color, width: 2 },
      marker: { color, size: [0, 10, 0], opacity: 1 },
    };
  });
  const { xLabel = "x", xRange = [a, b] as const, yRange = [low - pad, high + pad] as const } = options;
  const layout = layoutOf({ ...options, xLabel, xRange, yRange });
  return new Figure([base, ...traces], layout);
}

/**
 * A function's curve with its tangents at points.
 *
 * @param f The function.
 * @param points Where to draw tangents.
 * @param options The interval, the function's derivative, titles.
 * @returns The figure; the legend gives the slopes.
 * @throws {TypeError} If the function gives no numbers.
 * @throws {RangeError} If there is no point.
 */
export function tangent(f: Drawable, points: Vector | number, options: TangentOptions = {}): Figure {
  checkObject(options, "tangent: options");
  const xs = typeof points === "number" ? Float64Array.of(points) : toVector(points, "tangent: points");
  const ends = extent(xs);
  if (!ends) throw new RangeError(`tangent: points must be finite, got ${Array.from(xs).join(", ")}`);
  const margin = Math.max(1, (ends[1] - ends[0]) / 2);
  const { range = [ends[0] - margin, ends[1] + margin] as const, derivative } = options;
  const ys = sample(f, xs);
  const slopes = derivative ? sample(derivative, xs) : xs.map((x) => slopeAt(f, x));
  return tangents(f, range, Array.from(xs, (x, i) => ({ x, y: ys[i], slope: slopes[i] })), options);
}
