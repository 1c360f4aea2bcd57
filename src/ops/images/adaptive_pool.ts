/**
 * Pooling to a given size: windows of nearly equal sizes that cover everything, and the way back from pooled elements.
 * @module
 */

import { checkInteger, checkKeys, checkTensor } from "../../tensor/arguments.ts";
import { isFloatingPoint, typeName } from "../../tensor/dtype.ts";
import { frozen, numel, type Shape, shapeText } from "../../tensor/shape.ts";
import { differentDevices } from "../../tensor/device.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { part } from "./columns.ts";
import { cat } from "../view/join.ts";
import { linearMapOf } from "../core/linear_map.ts";
import { adaptiveSpans, atPlaces, largest, placesForUsers } from "./pooling.ts";
import { mean } from "../reduce/reduce.ts";
import { to } from "../core/copy.ts";
import { div } from "../arithmetic.ts";
import { expand } from "../view/view.ts";
import { windowOn } from "../view/window.ts";

/** A size for all dimensions, or one for each; null for the size that there is. */
export type OutputSize = number | readonly (number | null)[];

function sizesOf(x: Tensor, n: number, size: OutputSize, caller: string): Shape {
  const list = typeof size === "number" ? new Array<number>(n).fill(size) : size;
  if (!Array.isArray(list) || (list.length !== n && list.length !== 1)) {
    throw new TypeError(
      `${caller}: output_size must be ${n === 1 ? 1 : `${n}`}, a number for each dimension`,
    );
  }
  const whole = list.length === n ? list : new Array(n).fill(list[0]);
  return frozen(
    whole.map((s, d) =>
      s === null || s === undefined ? x.shape[x.ndim - n + d] : checkInteger(s, caller, "outputSize")
    ),
  );
}

function checkImages(x: Tensor, n: number, out: Shape, name: string, colon: string): void {
  if (x.ndim !== n + 1 && x.ndim !== n + 2) {
    if (n === 1) {
      throw new TypeError(
        `Expected 2 to 3 dimensions, but got ${x.ndim}-dimensional tensor for argument #1 'self' (while checking arguments ` +
          `for ${name})`,
      );
    }
    throw new TypeError(
      `${name}(): Expected ${n + 1}D or ${n + 2}D tensor, but got${colon} ${shapeText(x.shape)}`,
    );
  }
  x.shape.slice(x.ndim - n).forEach((s, d) => {
    if (s > 0) return;
    throw new TypeError(
      `${name}(): Expected input to have non-zero size for non-batch dimensions, but input has sizes ${
        shapeText(x.shape)
      } with dimension ${x.ndim - n + d} being empty`,
    );
  });
  if (out.some((s) => s < 0)) {
    throw new RangeError(
      `${name}: elements of output_size must be greater than or equal to 0 but received {${out.join(", ")}}`,
    );
  }
}

/** A dimension as `count` parts of one size: a dimension more. */
function equalParts(x: Tensor, dim: number, count: number): Tensor {
  const size = x.shape[dim] / count, step = x.strides[dim];
  return windowOn(
    x,
    frozen(x.shape.flatMap((s, d) => d === dim ? [count, size] : [s])),
    frozen(x.strides.flatMap((s, d) => d === dim ? [size * step, step] : [s])),
  );
}

/** Means over the windows of one dimension after the other; without history. */
function meansOf(x: Tensor, out: Shape): Tensor {
  return out.reduce((t, count, i) => {
    const dim = t.ndim - out.length + i, { starts, ends } = adaptiveSpans(t.shape[dim], count);
    if (count === t.shape[dim]) return t;
    if (t.shape[dim] % count === 0) return mean(equalParts(t, dim, count), dim + 1);
    const parts = Array.from(
      starts,
      (start, w) => mean(part(t, dim, start, ends[w] - start), dim, { keepdim: true }),
    );
    return parts.length === 0 ? part(t, dim, 0, 0).clone() : cat(parts, dim);
  }, x);
}

/** The transpose of {@linkcode meansOf}. */
function spreadBack(g: Tensor, sizes: Shape): Tensor {
  return sizes.reduce((t, size, i) => {
    const dim = t.ndim - sizes.length + i, count = t.shape[dim];
    if (count === size) return t;
    if (size % count === 0) {
      const { shape } = t, k = size / count, wide = [...shape.slice(0, dim + 1), k, ...shape.slice(dim + 1)];
      return expand(div(t, k).unsqueeze(dim + 1), wide).reshape(shape.map((s, d) => d === dim ? size : s));
    }
    const { starts, ends } = adaptiveSpans(size, count);
    const out = t.newZeros(t.shape.map((s, d) => d === dim ? size : s));
    starts.forEach((start, w) => {
      const target = out.narrow(dim, start, ends[w] - start);
      target.add_(expand(div(part(t, dim, w, 1), ends[w] - start), target.shape));
    });
    return out;
  }, g);
}

function adaptiveAvgPool(n: number, x: Tensor, outputSize: OutputSize): Tensor {
  const name = `adaptive_avg_pool${n}d`;
  checkTensor(x, `adaptiveAvgPool${n}d`);
  const out = sizesOf(x, n, outputSize, `adaptiveAvgPool${n}d`);
  checkImages(x, n, out, name, "");
  if (!isFloatingPoint(x.dtype)) throw new TypeError(`"${name}" not implemented for '${typeName(x.dtype)}'`);
  if (n === 1) return adaptiveAvgPool(2, x.unsqueeze(-2), [1, out[0]]).squeeze(-2);
  if (out.every((s) => s === 1)) {
    const dims = out.map((_, d) => d - n);
    return mean(x, dims, { keepdim: true });
  }
  const sizes = frozen(x.shape.slice(x.ndim - n));
  return linearMapOf(x, {
    name: `AdaptiveAvgPool${n}D`,
    there: (t) => meansOf(t, out),
    back: (g) => spreadBack(g, sizes),
  });
}

/** Means over windows that cover signals [N, C, L] or [C, L] and give a line of a size. */
export function adaptiveAvgPool1d(input: Tensor, outputSize: OutputSize): Tensor {
  return adaptiveAvgPool(1, input, outputSize);
}

/**
 * Means over windows that cover images [N, C, H, W] or [C, H, W] and give images of a size.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * console.log(dg.nn.functional.adaptiveAvgPool2d(dg.rand(1, 8, 7, 5), [2, 2]).shape); // [1, 8, 2, 2]
 * ```
 */
export function adaptiveAvgPool2d(input: Tensor, outputSize: OutputSize): Tensor {
  return adaptiveAvgPool(2, input, outputSize);
}

/** Means over windows that cover volumes [N, C, D, H, W] or [C, D, H, W] and give volumes of a size. */
export function adaptiveAvgPool3d(input: Tensor, outputSize: OutputSize): Tensor {
  return adaptiveAvgPool(3, input, outputSize);
}

/** Options of {@linkcode adaptiveMaxPool2d}. */
export interface AdaptiveMaxPoolOptions {
  /** Give the places of the largest elements too; false. */
  readonly returnIndices?: boolean;
}

function adaptiveMaxPool(
  n: number,
  x: Tensor,
  outputSize: OutputSize,
  options: AdaptiveMaxPoolOptions,
): Tensor | [Tensor, Tensor] {
  const name = `adaptive_max_pool${n}d`;
  checkTensor(x, `adaptiveMaxPool${n}d`);
  checkKeys(options, `adaptiveMaxPool${n}d`, ["returnIndices"]);
  const out = sizesOf(x, n, outputSize, `adaptiveMaxPool${n}d`);
  checkImages(x, n, out, name, ":");
  const flat = n === 1, image = flat ? x.unsqueeze(-2) : x, sizes = flat ? frozen([1, ...out]) : out;
  const spans = sizes.map((count, d) => adaptiveSpans(image.shape[image.ndim - sizes.length + d], count));
  const [values, where] = largest(image, spans, `AdaptiveMaxPool${n === 3 ? 3 : 2}D`, { outputSize: out });
  const result = flat ? values.squeeze(-2) : values;
  if (!(options.returnIndices ?? false)) return result;
  const indices = placesForUsers(where);
  return [result, flat ? indices.squeeze(-2) : indices];
}

/** The largest elements of windows that cover signals [N, C, L] or [C, L] and give a line of a size. */
export function adaptiveMaxPool1d(
  input: Tensor,
  outputSize: OutputSize,
  options: AdaptiveMaxPoolOptions & { readonly returnIndices: true },
): [Tensor, Tensor];
/** As above. */
export function adaptiveMaxPool1d(
  input: Tensor,
  outputSize: OutputSize,
  options?: AdaptiveMaxPoolOptions,
): Tensor;
export function adaptiveMaxPool1d(
  input: Tensor,
  outputSize: OutputSize,
  options: AdaptiveMaxPoolOptions = {},
): Tensor | [Tensor, Tensor] {
  return adaptiveMaxPool(1, input, outputSize, options);
}

/** The largest elements of windows that cover images [N, C, H, W] or [C, H, W] and give images of a size. */
export function adaptiveMaxPool2d(
  input: Tensor,
  outputSize: OutputSize,
  options: AdaptiveMaxPoolOptions & { readonly returnIndices: true },
): [Tensor, Tensor];
/** As above. */
export function adaptiveMaxPool2d(
  input: Tensor,
  outputSize: OutputSize,
  options?: AdaptiveMaxPoolOptions,
): Tensor;
export function adaptiveMaxPool2d(
  input: Tensor,
  outputSize: OutputSize,
  options: AdaptiveMaxPoolOptions = {},
): Tensor | [Tensor, Tensor] {
  return adaptiveMaxPool(2, input, outputSize, options);
}

/** The largest elements of windows that cover volumes [N, C, D, H, W] or [C, D, H, W] and give volumes of a size. */
export function adaptiveMaxPool3d(
  input: Tensor,
  outputSize: OutputSize,
  options: AdaptiveMaxPoolOptions & { readonly returnIndices: true },
): [Tensor, Tensor];
/** As above. */
export function adaptiveMaxPool3d(
  input: Tensor,
  outputSize: OutputSize,
  options?: AdaptiveMaxPoolOptions,
): Tensor;
export function adaptiveMaxPool3d(
  input: Tensor,
  outputSize: OutputSize,
  options: AdaptiveMaxPoolOptions = {},
): Tensor | [Tensor, Tensor] {
  return adaptiveMaxPool(3, input, outputSize, options);
}

// ---- the way back -------------------------------------------------------------------------------------------------------

/** Options of {@linkcode maxUnpool2d}. */
export interface MaxUnpoolOptions {
  /** Steps of the pooling; the window's size. */
  readonly stride?: number | readonly number[] | null;
  /** Padding of the pooling; 0. */
  readonly padding?: number | readonly number[];
  /** The size of what was pooled, where several have the same result; with or without the first dimensions. */
  readonly outputSize?: readonly number[] | null;
}

function maxUnpool(
  n: number,
  x: Tensor,
  indices: Tensor,
  kernelSize: number | readonly number[],
  options: MaxUnpoolOptions,
): Tensor {
  const caller = `maxUnpool${n}d`;
  checkTensor(x, caller);
  checkTensor(indices, caller, "indices", 2);
  checkKeys(options, caller, ["stride", "padding", "outputSize"]);
  const each = (v: number | readonly number[]) => typeof v === "number" ? new Array<number>(n).fill(v) : v;
  const kernel = each(kernelSize),
    stride = each(options.stride ?? kernelSize),
    padding = each(options.padding ?? 0);
  if (x.ndim !== n + 1 && x.ndim !== n + 2) {
    throw new TypeError(`${caller}: Expected ${n + 1}D or ${n + 2}D input, got ${shapeText(x.shape)}`);
  }
  if (indices.dtype !== "int64") {
    throw new TypeError(`elements in indices should be type int64 but got: ${typeName(indices.dtype)}`);
  }
  if (shapeText(indices.shape) !== shapeText(x.shape)) {
    throw new TypeError(
      `Expected shape of indices to be same as that of the input tensor (${
        shapeText(x.shape)
      }) but got indices tensor with ` +
        `shape: ${shapeText(indices.shape)}`,
    );
  }
  const size = options.outputSize?.slice(-n) ??
    kernel.map((k, d) => (x.shape[x.ndim - n + d] - 1) * stride[d] + k - 2 * padding[d]);
  const shape = frozen([...x.shape.slice(0, x.ndim - n), ...size]);
  if (indices.device !== x.device) throw differentDevices(x.device, indices.device);
  const where = to(indices.contiguous(), "int32").clone(), count = numel(size);
  if (where.device === "cpu") { // other devices tell with the next read
    for (const place of where.storage.data as Int32Array) {
      if (place >= 0 && place < count) continue;
      throw new RangeError(
        `Found an invalid max index: ${place} (output volumes are of size ${size.join("x")})`,
      );
    }
  }
  return atPlaces(x, where, shape, n, `MaxUnpool${n === 3 ? 3 : 2}D`, `${caller}()`);
}

/** Puts elements of signals where {@linkcode maxPool1d} found them (`returnIndices`), and zeros elsewhere. */
export function maxUnpool1d(
  input: Tensor,
  indices: Tensor,
  kernelSize: number | readonly number[],
  options: MaxUnpoolOptions = {},
): Tensor {
  return maxUnpool(1, input, indices, kernelSize, options);
}

/** Puts elements of images where {@linkcode maxPool2d} found them (`returnIndices`), and zeros elsewhere. */
export function maxUnpool2d(
  input: Tensor,
  indices: Tensor,
  kernelSize: number | readonly number[],
  options: MaxUnpoolOptions = {},
): Tensor {
  return maxUnpool(2, input, indices, kernelSize, options);
}

/** Puts elements of volumes where {@linkcode maxPool3d} found them (`returnIndices`), and zeros elsewhere. */
export function maxUnpool3d(
  input: Tensor,
  indices: Tensor,
  kernelSize: number | readonly number[],
  options: MaxUnpoolOptions = {},
): Tensor {
  return maxUnpool(3, input, indices, kernelSize, options);
}
