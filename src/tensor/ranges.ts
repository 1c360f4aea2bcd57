/**
 * Tensors by formula: powers, windows for spectra, places of triangles.
 * @module
 */

import { checkInteger, checkNumber } from "./arguments.ts";
import { castScalar } from "./cast.ts";
import { checkOptions, finish, type TensorOptions } from "./options.ts";
import type { Device } from "./device.ts";
import { getDefaultDtype, isFloatingPoint } from "./dtype.ts";
import { checkShape } from "./shape.ts";
import { allocateTensor, type Tensor } from "./tensor.ts";

/** Options of {@linkcode logspace}. */
export interface LogspaceOptions extends TensorOptions {
  /** What is raised to the powers; 10 by default. */
  readonly base?: number;
}

/** `steps` numbers from base^start to base^end, both included, whose logarithms are evenly spaced. */
export function logspace(start: number, end: number, steps: number, options: LogspaceOptions = {}): Tensor {
  checkOptions(options, "logspace", ["base"]);
  checkNumber(start, "logspace", "start");
  checkNumber(end, "logspace", "end");
  checkInteger(steps, "logspace", "steps");
  if (steps < 0) throw new RangeError("number of steps must be non-negative");
  const { base = 10, ...rest } = options;
  checkNumber(base, "logspace", "base");
  const out = allocateTensor(checkShape([steps], "logspace"), rest.dtype ?? getDefaultDtype());
  const step = steps > 1 ? (end - start) / (steps - 1) : 0;
  for (let i = 0; i < steps; i++) {
    const power = i < steps / 2 ? start + i * step : end - (steps - 1 - i) * step;
    out.storage.data[i] = castScalar(base ** power, out.dtype);
  }
  return finish(out, rest);
}

// ---- windows ------------------------------------------------------------------------------------------------------

/** Options of windows. */
export interface WindowOptions extends TensorOptions {
  /** Whether the window is one period of a periodic function (default), or symmetric. */
  readonly periodic?: boolean;
}

/** A window from its value at `i` of `n` steps from end to end. */
function windowOf(
  name: string,
  length: number,
  options: WindowOptions,
  extra: readonly string[],
  value: (i: number, n: number) => number,
): Tensor {
  const given = checkOptions(options, name, ["periodic", ...extra]) as WindowOptions;
  const { periodic = true } = given;
  checkInteger(length, name, "windowLength");
  if (length < 0) {
    throw new RangeError(`${name} requires non-negative window_length, got window_length=${length}`);
  }
  const dtype = given.dtype ?? getDefaultDtype();
  if (!isFloatingPoint(dtype)) throw new TypeError(`${name} expects floating point dtypes, got: ${dtype}`);
  const out = allocateTensor(checkShape([length], name), dtype), data = out.storage.data;
  const n = periodic ? length : length - 1;
  for (let i = 0; i < length; i++) data[i] = length === 1 ? 1 : value(i, n);
  return finish(out, given);
}

const wave = (k: number, i: number, n: number) => Math.cos(2 * Math.PI * k * i / n);

/** The Hann window, a raised cosine. */
export function hannWindow(length: number, options: WindowOptions = {}): Tensor {
  return windowOf("hannWindow", length, options, [], (i, n) => 0.5 - 0.5 * wave(1, i, n));
}

/** Options of {@linkcode hammingWindow}. */
export interface HammingOptions extends WindowOptions {
  /** The constant part; 0.54 by default. */
  readonly alpha?: number;
  /** The part of the cosine; 0.46 by default. */
  readonly beta?: number;
}

/** The Hamming window, alpha - beta cos. */
export function hammingWindow(length: number, options: HammingOptions = {}): Tensor {
  const { alpha = 0.54, beta = 0.46 } = options ?? {};
  checkNumber(alpha, "hammingWindow", "alpha");
  checkNumber(beta, "hammingWindow", "beta");
  return windowOf(
    "hammingWindow",
    length,
    options,
    ["alpha", "beta"],
    (i, n) => alpha - beta * wave(1, i, n),
  );
}

/** The Blackman window, 0.42 - 0.5 cos + 0.08 cos. */
export function blackmanWindow(length: number, options: WindowOptions = {}): Tensor {
  const value = (i: number, n: number) => 0.42 - 0.5 * wave(1, i, n) + 0.08 * wave(2, i, n);
  return windowOf("blackmanWindow", length, options, [], value);
}

/** The Bartlett window, a triangle. */
export function bartlettWindow(length: number, options: WindowOptions = {}): Tensor {
  return windowOf("bartlettWindow", length, options, [], (i, n) => 1 - Math.abs(2 * i / n - 1));
}

// ---- places of triangles ------------------------------------------------------------------------------------------

/** Options of {@linkcode trilIndices} and {@linkcode triuIndices}. */
export interface TriangleOptions {
  /** Which diagonal bounds the triangle; 0 is the main one. */
  readonly offset?: number;
  /** Element type, int64 by default. */
  readonly dtype?: "int64" | "int32";
  /** Where the memory shall be. */
  readonly device?: Device;
}

/** How many places of a matrix lie on and below the k-th diagonal. */
function lowerCount(rows: number, columns: number, k: number): number {
  const clamp = (low: number, value: number) => Math.min(Math.max(value, low), rows);
  const first = clamp(0, -k), whole = clamp(first, columns - k); // the first row with any, and with all
  return (whole - first) * (first + whole + 2 * k + 1) / 2 + (rows - whole) * columns;
}

function triangleIndices(
  name: "trilIndices" | "triuIndices",
  rows: number,
  columns: number,
  offset: number | TriangleOptions,
  options: TriangleOptions,
): Tensor {
  const given = typeof offset === "number" ? { ...options, offset } : offset;
  checkOptions(given, name, ["offset"]);
  checkShape([rows, columns], name);
  const { offset: k = 0, dtype = "int64" } = given;
  checkInteger(k, name, "offset");
  const lower = name === "trilIndices";
  const count = lower ? lowerCount(rows, columns, k) : rows * columns - lowerCount(rows, columns, k - 1);
  const out = allocateTensor(checkShape([2, count], name), dtype), data = out.storage.data;
  for (let r = lower ? Math.max(-k, 0) : 0, at = 0; at < count; r++) {
    const edge = Math.min(Math.max(r + k + (lower ? 1 : 0), 0), columns);
    for (let c = lower ? 0 : edge; c < (lower ? edge : columns); c++, at++) {
      data[at] = castScalar(r, dtype);
      data[count + at] = castScalar(c, dtype);
    }
  }
  return finish(out, { device: given.device });
}

/** Rows and columns of the places on and below a diagonal of a matrix. */
export function trilIndices(
  rows: number,
  columns: number,
  offset: number | TriangleOptions = 0,
  options: TriangleOptions = {},
): Tensor {
  return triangleIndices("trilIndices", rows, columns, offset, options);
}

/** Rows and columns of the places on and above a diagonal of a matrix. */
export function triuIndices(
  rows: number,
  columns: number,
  offset: number | TriangleOptions = 0,
  options: TriangleOptions = {},
): Tensor {
  return triangleIndices("triuIndices", rows, columns, offset, options);
}
