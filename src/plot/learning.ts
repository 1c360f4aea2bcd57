/**
 * Pictures of learning: descents, losses.
 * @module
 */

import { contour } from "./fields.ts";
import { Figure } from "./figure.ts";
import { fn } from "./functions.ts";
import { grid } from "./grid.ts";
import { checkObject, layoutOf, named, short } from "./options.ts";
import { type Drawable, type Drawable2, sample } from "./sample.ts";
import { INK, PALETTE, SEQUENTIAL } from "./template.ts";
import type { PlotOptions, Trace } from "./types.ts";
import {
  extent,
  linspace,
  type Matrix,
  sameLength,
  toMatrix,
  toNumber,
  toRange,
  toVector,
} from "./values.ts";
import type { Vector } from "./values.ts";

/** What {@linkcode gradientDescent} draws. */
export interface DescentRun {
  /** The function that was made small, of one parameter. */
  objective: Drawable;
  /** The parameter at each iteration, the start first. */
  thetas: Vector;
  /** The function's value at each iteration; evaluated here if left out. */
  objectives?: Vector;
  /** Where the minimum truly is. */
  thetaTrue?: unknown;
  /** The interval to draw; around the parameters by default. */
  range?: readonly [number, number];
}

/** What {@linkcode descent2d} draws. */
export interface Descent2DRun {
  /** The function that was made small, of two parameters. */
  objective: Drawable2;
  /** The parameters at each iteration, a row of two each, the start first. */
  path: Matrix;
  /** Where the minimum truly is. */
  minimum?: Vector;
  /** The intervals to draw; around the path by default. */
  range?: { x?: readonly [number, number]; y?: readonly [number, number] };
}

/** Options of {@linkcode descent2d}. */
export interface Descent2DOptions extends PlotOptions {
  /** Levels by the logarithm of the objective, for valleys that are much deeper than their walls. */
  log?: boolean;
}

/** Options of {@linkcode lossCurve}. */
export interface LossOptions extends PlotOptions {
  /** A logarithmic vertical axis. */
  log?: boolean;
}

/** An interval around values, wider by a part of its width on both sides. */
function around(values: Iterable<number>, part: number, what: string): [number, number] {
  const ends = extent(values);
  if (!ends) throw new RangeError(`${what}: no finite value to draw`);
  const pad = (ends[1] - ends[0]) * part || 1;
  return [ends[0] - pad, ends[1] + pad];
}

/** One marked place. */
function mark(x: number, y: number, name: string, symbol: string, color: string): Trace {
  const line = symbol.endsWith("open") ? { color, width: 3 } : { color: "#ffffff", width: 1.5 };
  const marker = { symbol, size: symbol === "circle" ? 12 : 17, color, line };
  return { type: "scatter", mode: "markers", x: [x], y: [y], ...named(name), marker };
}

/** Connected markers, coloured by iteration. */
function steps(x: Float64Array, y: Float64Array, bar: boolean): Trace {
  const iteration = x.map((_, i) => i);
  return {
    type: "scatter",
    mode: "lines+markers",
    x,
    y,
    showlegend: false,
    line: { color: "#8a97a5", width: 1.2 },
    marker: {
      size: 8,
      color: iteration,
      colorscale: SEQUENTIAL,
      line: { color: "#ffffff", width: 0.8 },
      showscale: bar,
      ...(bar ? { colorbar: { title: { text: "iteration", side: "right" } } } : {}),
    },
    customdata: iteration,
    hovertemplate: "iteration %{customdata}: %{x:.5~g}, %{y:.5~g}<extra></extra>",
  };
}

/**
 * Gradient descent on a function of one parameter: the function with the steps on it, and the objective at each
 * iteration.
 *
 * @param run The function, the parameters, and what else is known.
 * @param options Titles, size.
 * @returns The figure, of two panels.
 * @throws {TypeError} If lengths differ or values are not numbers.
 * @throws {RangeError} If nothing is finite.
 * @example
 * ```ts
 * import { gradientDescent } from "./learning.ts";
 * const objective = (theta: number) => (theta - 1) ** 2;
 * const thetas = [4, 2.5, 1.75, 1.375];
 * const figure = gradientDescent({ objective, thetas, thetaTrue: 1 }, { title: "Halving the distance" });
 * console.log(String(figure)); // Figure "Halving the distance" (5 traces)
 * ```
 */
export function gradientDescent(run: DescentRun, options: PlotOptions = {}): Figure {
  checkObject(run, "gradientDescent: run");
  checkObject(options, "gradientDescent: options");
  const thetas = toVector(run.thetas, "gradientDescent: thetas");
  const objectives = run.objectives === undefined
    ? sample(run.objective, thetas)
    : toVector(run.objectives, "gradientDescent: objectives");
  sameLength("gradientDescent", { thetas: thetas.length, objectives: objectives.length });
  const thetaTrue = run.thetaTrue === undefined
    ? undefined
    : toNumber(run.thetaTrue, "gradientDescent: thetaTrue");
  const all = thetaTrue === undefined ? [...thetas] : [...thetas, thetaTrue];
  const range = run.range
    ? toRange(run.range, "gradientDescent: range")
    : around(all, 0.2, "gradientDescent: thetas");
  const { xLabel = "θ", yLabel = "objective", width = 920, height = 400, ...rest } = options;
  const curve = fn(run.objective, range, { xLabel, yLabel, legend: "top", color: "#7b8794" });
  curve.add(steps(thetas, objectives, true));
  if (thetaTrue !== undefined) {
    const [lowest] = sample(run.objective, Float64Array.of(thetaTrue));
    curve.add(mark(thetaTrue, lowest, `minimum θ = ${short(thetaTrue)}`, "star", PALETTE[1]));
  }
  const last = thetas.length - 1;
  const reached = `after ${last} ${last === 1 ? "step" : "steps"} θ = ${short(thetas[last])}`;
  curve.add(mark(thetas[last], objectives[last], reached, "circle-open", PALETTE[0]));
  const progress = new Figure(
    [steps(thetas.map((_, i) => i), objectives, false)],
    layoutOf({ xLabel: "iteration", yLabel, logY: rest.logY }),
  );
  return grid([[curve, progress]], { ...rest, width, height });
}

/**
 * A descent on a function of two parameters: its levels, and the path over them.
 *
 * @param run The function, the path, and what else is known.
 * @param options Titles, size, logarithmic levels.
 * @returns The figure.
 * @throws {TypeError} If the path has not two columns or values are not numbers.
 * @throws {RangeError} If nothing is finite.
 */
export function descent2d(run: Descent2DRun, options: Descent2DOptions = {}): Figure {
  checkObject(run, "descent2d: run");
  checkObject(options, "descent2d: options");
  const path = toMatrix(run.path, "descent2d: path");
  if (path[0].length !== 2) {
    throw new TypeError(
      `descent2d: path must have two columns, got shape [${path.length}, ${path[0].length}]`,
    );
  }
  const [x, y] = [0, 1].map((j) => Float64Array.from(path, (row) => row[j]));
  const minimum = run.minimum === undefined ? undefined : toVector(run.minimum, "descent2d: minimum");
  if (minimum && minimum.length !== 2) {
    throw new TypeError(`descent2d: minimum must be [x, y], got ${minimum.length} numbers`);
  }
  const span = (values: Float64Array, j: number, given?: readonly [number, number]): [number, number] =>
    given
      ? toRange(given, "descent2d: range")
      : around(minimum ? [...values, minimum[j]] : values, 0.25, "descent2d: path");
  const [xs, ys] = [span(x, 0, run.range?.x), span(y, 1, run.range?.y)].map(([a, b]) => linspace(a, b, 121));
  const { log = false, xLabel = "θ₁", yLabel = "θ₂", height = 460, ...rest } = options;
  const height3 = log
    ? (a: number, b: number): number => Math.log10(Number(run.objective(a, b)))
    : run.objective;
  const figure = contour(xs, ys, height3, {
    ...rest,
    xLabel,
    yLabel,
    height,
    zLabel: log ? "log₁₀ objective" : "objective",
    legend: rest.legend ?? "top",
  });
  figure.add({
    type: "scatter",
    mode: "lines+markers",
    x,
    y,
    ...named(`${path.length - 1} steps`),
    line: { color: "#ffffff", width: 2 },
    marker: { size: 7, color: PALETTE[1], line: { color: "#ffffff", width: 1 } },
  });
  figure.add(mark(x[0], y[0], "start", "circle", INK));
  if (minimum) figure.add(mark(minimum[0], minimum[1], "minimum", "star", "#f0e442"));
  return figure;
}

/** Losses by name, or one row of them. */
function lossesByName(
  losses: Vector | Readonly<Record<string, Vector>>,
): [string | undefined, Float64Array][] {
  const plain = typeof losses === "object" && losses !== null &&
    Object.getPrototypeOf(losses) === Object.prototype && !("toArray" in losses);
  if (!plain) return [[undefined, toVector(losses, "lossCurve: losses")]];
  const entries = Object.entries(losses as Record<string, Vector>);
  if (entries.length === 0) throw new RangeError("lossCurve: no losses were given");
  return entries.map(([name, values]) => [name, toVector(values, `lossCurve: ${name}`)]);
}

/**
 * Losses over the iterations.
 *
 * @param losses The values, or several rows of them by name, for example `{ train, valid }`.
 * @param options A logarithmic axis, titles, size.
 * @returns The figure.
 * @throws {TypeError} If a loss is not a number.
 * @throws {RangeError} If there are none.
 */
export function lossCurve(
  losses: Vector | Readonly<Record<string, Vector>>,
  options: LossOptions = {},
): Figure {
  checkObject(options, "lossCurve: options");
  const { log = false, xLabel = "iteration", yLabel = "loss", legend = "inside", ...rest } = options;
  const traces = lossesByName(losses).map(([name, y]): Trace => ({
    type: "scatter",
    mode: y.length <= 30 ? "lines+markers" : "lines",
    x: y.map((_, i) => i),
    y,
    ...named(name),
    line: { width: 2 },
  }));
  return new Figure(traces, layoutOf({ ...rest, xLabel, yLabel, legend, logY: log || rest.logY }));
}
