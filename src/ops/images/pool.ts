/**
 * Pooling: the largest element or the mean under a moving window over the last one, two or three dimensions.
 * @module
 */

import { checkFlag, checkInteger, checkKeys, checkNumber, checkTensor } from "../../tensor/arguments.ts";
import { isFloatingPoint, typeName } from "../../tensor/dtype.ts";
import { frozen, normalizeDim, numel, type Shape, shapeText } from "../../tensor/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { pow } from "../arithmetic.ts";
import { abs, mul, relu, sign } from "../pointwise.ts";
import { largest, means, placesForUsers, spansOf, type Window, windowPlaces } from "./pooling.ts";
import type { Spans } from "../../backend/pooling.ts";

/** A number for all dimensions of the window, or one for each. */
export type PoolSizes = number | readonly number[];

/** Options of the largest element under a window. */
export interface MaxPoolOptions {
  /** Steps from place to place; the window's size. */
  readonly stride?: PoolSizes | null;
  /** How far the first place begins in front of the elements; 0. */
  readonly padding?: PoolSizes;
  /** From an element of the window to the next; 1. */
  readonly dilation?: PoolSizes;
  /** Whether a last place counts that only partly has elements; false. */
  readonly ceilMode?: boolean;
  /** Give the places of the largest elements too; false. */
  readonly returnIndices?: boolean;
}

/** Options of the mean under a window. */
export interface AvgPoolOptions {
  /** Steps from place to place; the window's size. */
  readonly stride?: PoolSizes | null;
  /** Zeros on both sides; 0. */
  readonly padding?: PoolSizes;
  /** Whether a last place counts that only partly has elements; false. */
  readonly ceilMode?: boolean;
  /** Whether the zeros count as elements; true. */
  readonly countIncludePad?: boolean;
  /** What to divide the sums by instead of the number of elements. */
  readonly divisorOverride?: number | null;
}

function spread(value: PoolSizes, name: string, n: number, caller: string): Shape {
  const list = typeof value === "number" ? new Array<number>(n).fill(value) : value;
  if (!Array.isArray(list)) {
    throw new TypeError(`${caller}(): argument '${name}' must be an integer or a list of integers`);
  }
  list.forEach((v) => checkInteger(v, caller, name));
  if (list.length === 1) return frozen(new Array<number>(n).fill(list[0]));
  if (list.length !== n) {
    const words = ["", "one int", "two ints", "three ints"];
    throw new TypeError(`${caller}: ${name} must either be a single int, or a tuple of ${words[n]}`);
  }
  return frozen(list);
}

/** The stride may stand where the options do. */
function strideOr<O extends { readonly stride?: PoolSizes | null }>(given: O | PoolSizes): O {
  return typeof given === "number" || Array.isArray(given) ? { stride: given } as unknown as O : given as O;
}

function windowOf(
  n: number,
  caller: string,
  kernelSize: PoolSizes,
  o: { stride?: PoolSizes | null; padding?: PoolSizes; dilation?: PoolSizes; ceilMode?: boolean },
): Window {
  const kernel = spread(kernelSize, "kernelSize", n, caller);
  const none = o.stride === undefined || o.stride === null ||
    (Array.isArray(o.stride) && o.stride.length === 0);
  return {
    kernel,
    stride: none ? kernel : spread(o.stride!, "stride", n, caller),
    padding: spread(o.padding ?? 0, "padding", n, caller),
    dilation: spread(o.dilation ?? 1, "dilation", n, caller),
    ceilMode: checkFlag(o.ceilMode ?? false, caller, "ceilMode"),
  };
}

/** The input with a batch or without; only the batch may be empty. */
function checkImages(x: Tensor, n: number, caller: string): void {
  const [a, b] = [n + 1, n + 2];
  const sizes = x.shape.slice(x.ndim === b ? 1 : 0);
  if ((x.ndim === a || x.ndim === b) && sizes.every((s) => s > 0)) return;
  throw new TypeError(
    `${caller}: Expected ${a}D or ${b}D (batch mode) tensor with optional 0 dim batch size for input, but got:${
      shapeText(x.shape)
    }`,
  );
}

// ---- the largest ------------------------------------------------------------------------------------------------------

const maxKeys = ["stride", "padding", "dilation", "ceilMode", "returnIndices"];

/** The largest elements under windows, with their places where they are asked for; PyTorch pools signals as images of one line. */
function pooled(
  n: number,
  x: Tensor,
  spans: readonly Spans[],
  kind: string,
  shown: object,
  withPlaces: boolean,
): Tensor | [Tensor, Tensor] {
  const flat = n === 1;
  const [values, where] = largest(
    flat ? x.unsqueeze(-2) : x,
    flat ? [spansOf(1, LINE, 0, 1), ...spans] : spans,
    kind.replace("#", n === 3 ? "3D" : "2D"),
    shown,
  );
  const out = flat ? values.squeeze(-2) : values;
  if (!withPlaces) return out;
  const indices = placesForUsers(where);
  return [out, flat ? indices.squeeze(-2) : indices];
}

const LINE: Window = { kernel: [1], stride: [1], padding: [0], dilation: [1], ceilMode: false };

function maxPool(
  n: number,
  x: Tensor,
  kernelSize: PoolSizes,
  given: MaxPoolOptions | PoolSizes,
): Tensor | [Tensor, Tensor] {
  const caller = `maxPool${n}d`;
  checkTensor(x, caller);
  const options = checkKeys(strideOr(given), caller, maxKeys);
  const w = windowOf(n, caller, kernelSize, options);
  if (x.dtype === "bool") throw new TypeError(`"max_pool${n}d" not implemented for 'Bool'`);
  checkImages(x, n, caller);
  const counts = windowPlaces(x, w), shown = { ...w, kernelSize: w.kernel };
  const spans = counts.map((c, d) => spansOf(x.shape[x.ndim - n + d], w, d, c));
  return pooled(n, x, spans, "MaxPool#WithIndices", shown, options.returnIndices ?? false);
}

/**
 * The largest element under a window that moves over signals [N, C, L] or [C, L]; with `returnIndices` a pair with their
 * places. Gradients flow to the largest elements.
 */
export function maxPool1d(
  input: Tensor,
  kernelSize: PoolSizes,
  options: MaxPoolOptions & { readonly returnIndices: true },
): [Tensor, Tensor];
/** As above. */
export function maxPool1d(input: Tensor, kernelSize: PoolSizes, options?: MaxPoolOptions | PoolSizes): Tensor;
export function maxPool1d(
  input: Tensor,
  kernelSize: PoolSizes,
  options: MaxPoolOptions | PoolSizes = {},
): Tensor | [Tensor, Tensor] {
  return maxPool(1, input, kernelSize, options);
}

/**
 * The largest element under a window that moves over images [N, C, H, W] or [C, H, W]; with `returnIndices` a pair with their
 * places in their plane. Gradients flow to the largest elements.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * console.log(dg.maxPool2d(dg.tensor([[[1, 2], [3, 4]]]), 2).item()); // 4
 * ```
 */
export function maxPool2d(
  input: Tensor,
  kernelSize: PoolSizes,
  options: MaxPoolOptions & { readonly returnIndices: true },
): [Tensor, Tensor];
/** As above. */
export function maxPool2d(input: Tensor, kernelSize: PoolSizes, options?: MaxPoolOptions | PoolSizes): Tensor;
export function maxPool2d(
  input: Tensor,
  kernelSize: PoolSizes,
  options: MaxPoolOptions | PoolSizes = {},
): Tensor | [Tensor, Tensor] {
  return maxPool(2, input, kernelSize, options);
}

/** The largest element under a window that moves over volumes [N, C, D, H, W] or [C, D, H, W]; see {@linkcode maxPool2d}. */
export function maxPool3d(
  input: Tensor,
  kernelSize: PoolSizes,
  options: MaxPoolOptions & { readonly returnIndices: true },
): [Tensor, Tensor];
/** As above. */
export function maxPool3d(input: Tensor, kernelSize: PoolSizes, options?: MaxPoolOptions | PoolSizes): Tensor;
export function maxPool3d(
  input: Tensor,
  kernelSize: PoolSizes,
  options: MaxPoolOptions | PoolSizes = {},
): Tensor | [Tensor, Tensor] {
  return maxPool(3, input, kernelSize, options);
}

// ---- the mean ---------------------------------------------------------------------------------------------------------

const avgKeys = ["stride", "padding", "ceilMode", "countIncludePad", "divisorOverride"];

function refuseWhole(x: Tensor, name: string): void {
  if (!isFloatingPoint(x.dtype)) throw new TypeError(`"${name}" not implemented for '${typeName(x.dtype)}'`);
}

function avgPool(n: number, x: Tensor, kernelSize: PoolSizes, given: AvgPoolOptions | PoolSizes): Tensor {
  const caller = `avgPool${n}d`;
  checkTensor(x, caller);
  const options = checkKeys(strideOr(given), caller, avgKeys);
  const w = windowOf(n, caller, kernelSize, options);
  if (n === 1 && x.ndim !== 2 && x.ndim !== 3) throw fewDims(x, 1, "avg_pool1d");
  if (x.ndim < n + 1) normalizeDim(-n - 1, x.ndim);
  refuseWhole(x, `avg_pool${n}d_out_frame`);
  const divisorOverride = options.divisorOverride ?? null;
  if (divisorOverride !== null && checkNumber(divisorOverride, caller, "divisorOverride") === 0) {
    throw new RangeError("divisor must be not zero");
  }
  const counts = windowPlaces(x, w);
  checkImages(x, n, caller);
  const divisor = {
    countIncludePad: checkFlag(options.countIncludePad ?? true, caller, "countIncludePad"),
    divisorOverride,
  };
  if (n > 1) return means(x, w, counts, divisor, `AvgPool${n}D`);
  const line = {
    ...w,
    kernel: frozen([1, ...w.kernel]),
    stride: frozen([1, ...w.stride]),
    padding: frozen([0, ...w.padding]),
  };
  return means(x.unsqueeze(-2), line, frozen([1, ...counts]), divisor, "AvgPool2D").squeeze(-2);
}

function fewDims(x: Tensor, n: number, name: string): TypeError {
  return new TypeError(
    `Expected ${n + 1} to ${
      n + 2
    } dimensions, but got ${x.ndim}-dimensional tensor for argument #1 'self' (while checking ` +
      `arguments for ${name})`,
  );
}

/** The mean under a window that moves over signals [N, C, L] or [C, L]. */
export function avgPool1d(
  input: Tensor,
  kernelSize: PoolSizes,
  options: AvgPoolOptions | PoolSizes = {},
): Tensor {
  return avgPool(1, input, kernelSize, options);
}

/** The mean under a window that moves over images [N, C, H, W] or [C, H, W]. */
export function avgPool2d(
  input: Tensor,
  kernelSize: PoolSizes,
  options: AvgPoolOptions | PoolSizes = {},
): Tensor {
  return avgPool(2, input, kernelSize, options);
}

/** The mean under a window that moves over volumes [N, C, D, H, W] or [C, D, H, W]. */
export function avgPool3d(
  input: Tensor,
  kernelSize: PoolSizes,
  options: AvgPoolOptions | PoolSizes = {},
): Tensor {
  return avgPool(3, input, kernelSize, options);
}

/** The p-th root of the sum of p-th powers under a window. */
function lpPool(
  n: number,
  x: Tensor,
  normType: number,
  kernelSize: PoolSizes,
  given: LpPoolOptions | PoolSizes,
): Tensor {
  const caller = `lpPool${n}d`;
  checkTensor(x, caller);
  const options = checkKeys(strideOr(given), caller, ["stride", "ceilMode"]);
  checkNumber(normType, caller, "normType");
  const mean = avgPool(n, pow(x, normType), kernelSize, { ...options, padding: 0 });
  const count = numel(spread(kernelSize, "kernelSize", n, caller));
  return pow(mul(mul(sign(mean), relu(abs(mean))), count), 1 / normType);
}

/** Options of {@linkcode lpPool2d}. */
export interface LpPoolOptions {
  /** Steps from place to place; the window's size. */
  readonly stride?: PoolSizes | null;
  /** Whether a last place counts that only partly has elements; false. */
  readonly ceilMode?: boolean;
}

/** The p-th root of the sum of p-th powers under a window over signals. */
export function lpPool1d(
  input: Tensor,
  normType: number,
  kernelSize: PoolSizes,
  options: LpPoolOptions | PoolSizes = {},
): Tensor {
  return lpPool(1, input, normType, kernelSize, options);
}

/** The p-th root of the sum of p-th powers under a window over images. */
export function lpPool2d(
  input: Tensor,
  normType: number,
  kernelSize: PoolSizes,
  options: LpPoolOptions | PoolSizes = {},
): Tensor {
  return lpPool(2, input, normType, kernelSize, options);
}

/** The p-th root of the sum of p-th powers under a window over volumes. */
export function lpPool3d(
  input: Tensor,
  normType: number,
  kernelSize: PoolSizes,
  options: LpPoolOptions | PoolSizes = {},
): Tensor {
  return lpPool(3, input, normType, kernelSize, options);
}
