/**
 * Normalisation by batch, layer, group, instance, root mean square, and by neighbours.
 * @module
 */

import { noGrad } from "../../autograd/modes.ts";
import { div } from "../../ops/arithmetic.ts";
import { normalized } from "../../ops/layers/normalization.ts";
import { pad } from "../../ops/images/pad.ts";
import { mul, rsqrt } from "../../ops/pointwise.ts";
import { avgPool2d, avgPool3d } from "../../ops/images/pool.ts";
import { mean } from "../../ops/reduce/reduce.ts";
import { operation, runInPlace } from "../../ops/core/table.ts";
import {
  checkInteger,
  checkIntegers,
  checkKeys,
  checkOptionalTensor,
  checkTensor,
} from "../../tensor/arguments.ts";
import { type DType, isFloatingPoint, typeName } from "../../tensor/dtype.ts";
import { frozen, numel, sameShape, type Shape, shapeText } from "../../tensor/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";

// ---- batch ------------------------------------------------------------------------------------------------------------

/** Options of {@linkcode batchNorm}. */
export interface BatchNormOptions {
  /** Factors, one a channel. May also be given by position. */
  readonly weight?: Tensor | null;
  /** Summands, one a channel. May also be given by position. */
  readonly bias?: Tensor | null;
  /** Whether the batch's own mean and variance are used, and the running ones brought up to date; false. */
  readonly training?: boolean;
  /** How much the batch counts in running values; 0.1. */
  readonly momentum?: number;
  /** Added to the variance; 1e-5. */
  readonly eps?: number;
}

const Running = operation("running", "r v m", "m * v + (1 - m) * r", { follows: "first" });

function refuseWhole(x: Tensor, name: string): void {
  if (!isFloatingPoint(x.dtype)) throw new TypeError(`"${name}" not implemented for '${typeName(x.dtype)}'`);
}

function checkCount(t: Tensor | null | undefined, count: number, name: string): void {
  if (t === null || t === undefined || t.numel() === count) return;
  throw new TypeError(`${name} should contain ${count} elements not ${t.numel()}`);
}

/** Runs a running value on: `momentum` of the new one. */
function runOn(running: Tensor | null, value: Tensor, momentum: number): void {
  if (running === null) return;
  noGrad(() => runInPlace([Running, [running, value.reshape(running.shape), momentum]]));
}

function readAffine<O extends { weight?: Tensor | null; bias?: Tensor | null }>(
  weight: Tensor | null | O | undefined,
  bias: Tensor | null | O | undefined,
  options: O | undefined,
  caller: string,
  keys: readonly string[],
): { weight: Tensor | null; bias: Tensor | null; given: O } {
  const isOptions = (v: unknown) =>
    typeof v === "object" && v !== null && Object.getPrototypeOf(v) === Object.prototype;
  const given = checkKeys(([weight, bias, options].find(isOptions) ?? {}) as O, caller, keys);
  const tensor = (v: unknown, name: "weight" | "bias") => {
    const found = v === undefined || isOptions(v) ? given[name] ?? null : v;
    checkOptionalTensor(found, caller, name);
    return found as Tensor | null;
  };
  return { weight: tensor(weight, "weight"), bias: tensor(bias, "bias"), given };
}

/**
 * Normalises every channel (dimension 1) over the batch and all places: by the batch's own mean and variance in training, else
 * by the running ones. In training the running values, if there are any, move on in place.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * const x = dg.tensor([[1, 10], [3, 30]]);
 * const y = dg.nn.functional.batchNorm(x, null, null, { training: true });
 * console.log(y.round().toArray()); // [[-1, -1], [1, 1]]
 * ```
 */
export function batchNorm(
  input: Tensor,
  runningMean: Tensor | null,
  runningVar: Tensor | null,
  weight?: Tensor | null | BatchNormOptions,
  bias?: Tensor | null | BatchNormOptions,
  options?: BatchNormOptions,
): Tensor {
  checkTensor(input, "batchNorm");
  checkOptionalTensor(runningMean, "batchNorm", "runningMean");
  checkOptionalTensor(runningVar, "batchNorm", "runningVar");
  const keys = ["weight", "bias", "training", "momentum", "eps"];
  const { weight: w, bias: b, given } = readAffine(weight, bias, options, "batchNorm", keys);
  const { training = false, momentum = 0.1, eps = 1e-5 } = given;
  const channels = input.ndim > 1 ? input.shape[1] : 0;
  const count = channels === 0 ? 0 : input.numel() / channels;
  if (training && count <= 1 && input.ndim > 1) {
    throw new RangeError(
      `Expected more than 1 value per channel when training, got input size torch.Size(${
        shapeText(input.shape)
      })`,
    );
  }
  refuseWhole(input, "batch_norm");
  const mean = runningMean ?? null, variance = runningVar ?? null;
  if (!training && mean === null) throw new TypeError("running_mean must be defined in evaluation mode");
  if (!training && variance === null) throw new TypeError("running_var must be defined in evaluation mode");
  checkCount(mean, channels, "running_mean");
  checkCount(variance, channels, "running_var");
  checkCount(w, channels, "weight");
  checkCount(b, channels, "bias");
  const affine = frozen([channels, ...new Array<number>(input.ndim - 2).fill(1)]);
  const dims = input.shape.map((_, d) => d).filter((d) => d !== 1);
  const groups = { shape: input.shape, dims, affine };
  const fixed = training ? undefined : { mean: mean!.reshape(affine), variance: variance!.reshape(affine) };
  const result = normalized("NativeBatchNormBackward0", input, w, b, groups, eps, fixed, { momentum });
  if (training) {
    runOn(mean, result.mean, momentum);
    if (variance !== null) runOn(variance, noGrad(result.variance), momentum);
  }
  return result.out;
}

/** Options of {@linkcode instanceNorm}. */
export interface InstanceNormOptions {
  /** Means that take the instances' place, or move on with them. */
  readonly runningMean?: Tensor | null;
  /** Variances likewise. */
  readonly runningVar?: Tensor | null;
  /** Factors, one a channel. */
  readonly weight?: Tensor | null;
  /** Summands, one a channel. */
  readonly bias?: Tensor | null;
  /** Whether each instance's own mean and variance are used; true. */
  readonly useInputStats?: boolean;
  /** How much the instances count in running values; 0.1. */
  readonly momentum?: number;
  /** Added to the variance; 1e-5. */
  readonly eps?: number;
}

/** Normalises every channel of every instance over its places. The input is [N, C, ...]. */
export function instanceNorm(input: Tensor, options: InstanceNormOptions = {}): Tensor {
  checkTensor(input, "instanceNorm");
  const o = checkKeys(options, "instanceNorm", [
    "runningMean",
    "runningVar",
    "weight",
    "bias",
    "useInputStats",
    "momentum",
    "eps",
  ]);
  const { useInputStats = true, momentum = 0.1, eps = 1e-5 } = o;
  const [n, c] = input.shape, places = input.shape.slice(2);
  if (useInputStats && numel(places) <= 1) {
    throw new RangeError(
      `Expected more than 1 spatial element when training, got input size torch.Size(${
        shapeText(input.shape)
      })`,
    );
  }
  const runningMean = o.runningMean ?? null, runningVar = o.runningVar ?? null;
  if (!useInputStats && (runningMean === null || runningVar === null)) {
    throw new TypeError("Expected running_mean and running_var to be defined when use_input_stats is false");
  }
  const every = (t: Tensor | null | undefined) => t === null || t === undefined ? null : t.repeat(n);
  const [mean, variance] = [every(runningMean), every(runningVar)];
  const flat = input.contiguous().view([1, n * c, ...places]);
  const out = batchNorm(flat, mean, variance, every(o.weight), every(o.bias), {
    training: useInputStats,
    momentum,
    eps,
  });
  if (useInputStats) {
    noGrad(() => {
      for (const [to, from] of [[runningMean, mean], [runningVar, variance]]) {
        if (to !== null) to!.copy_(from!.view([n, c]).mean(0));
      }
    });
  }
  return out.view(input.shape);
}

// ---- layer, group, root mean square ------------------------------------------------------------------------------------

/** Options of {@linkcode layerNorm} and {@linkcode groupNorm}. */
export interface AffineNormOptions {
  /** Factors. May also be given by position. */
  readonly weight?: Tensor | null;
  /** Summands. May also be given by position. */
  readonly bias?: Tensor | null;
  /** Added to the variance; 1e-5. */
  readonly eps?: number;
}

const affineKeys = ["weight", "bias", "eps"];

function checkNormalized(x: Tensor, shape: Shape, w: Tensor | null, b: Tensor | null, star: string): void {
  if (shape.length === 0) {
    throw new TypeError(
      "Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one element, but got " +
        "normalized_shape = []",
    );
  }
  for (const [name, t] of [["weight", w], ["bias", b]] as const) {
    if (t === null || sameShape(t.shape, shape)) continue;
    throw new TypeError(
      `Expected ${name} to be of same shape as normalized_shape, but got ${name} of shape ${
        shapeText(t.shape)
      } and normalized_shape = ${shapeText(shape)}`,
    );
  }
  if (x.ndim < shape.length || !sameShape(x.shape.slice(x.ndim - shape.length), shape)) {
    throw new TypeError(
      `Given normalized_shape=${shapeText(shape)}, expected input with shape [*${star}${
        shape.join(", ")
      }], but got input of size${shapeText(x.shape)}`,
    );
  }
}

const shapeOf = (shape: number | readonly number[], caller: string): Shape =>
  typeof shape === "number"
    ? frozen([checkInteger(shape, caller, "normalizedShape")])
    : frozen(checkIntegers(shape, caller, "normalizedShape"));

/**
 * Normalises over the last dimensions, whose sizes are `normalizedShape`; factors and summands have that shape.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * const y = dg.nn.functional.layerNorm(dg.tensor([[1, 2, 3]]), [3]);
 * console.log(y.mean().abs().item() as number < 1e-6); // true
 * ```
 */
export function layerNorm(
  input: Tensor,
  normalizedShape: number | readonly number[],
  weight?: Tensor | null | AffineNormOptions,
  bias?: Tensor | null | AffineNormOptions,
  options?: AffineNormOptions,
): Tensor {
  checkTensor(input, "layerNorm");
  const { weight: w, bias: b, given } = readAffine(weight, bias, options, "layerNorm", affineKeys);
  const shape = shapeOf(normalizedShape, "layerNorm");
  checkNormalized(input, shape, w, b, ", ");
  refuseWhole(input, "LayerNormKernelImpl");
  const dims = shape.map((_, i) => input.ndim - shape.length + i);
  const groups = { shape: input.shape, dims, affine: shape };
  const shown = { normalizedShape: shape };
  return normalized("NativeLayerNormBackward0", input, w, b, groups, given.eps ?? 1e-5, undefined, shown).out;
}

/** Normalises groups of channels of every instance. Factors and summands are one a channel. The input is [N, C, ...]. */
export function groupNorm(
  input: Tensor,
  numGroups: number,
  weight?: Tensor | null | AffineNormOptions,
  bias?: Tensor | null | AffineNormOptions,
  options?: AffineNormOptions,
): Tensor {
  checkTensor(input, "groupNorm");
  const { weight: w, bias: b, given } = readAffine(weight, bias, options, "groupNorm", affineKeys);
  if (input.ndim < 2) {
    throw new TypeError(`Expected at least 2 dimensions for input tensor but received ${input.ndim}`);
  }
  const [n, c] = input.shape, places = input.shape.slice(2);
  if (checkInteger(numGroups, "groupNorm", "numGroups") <= 0) {
    throw new RangeError(`Expected num groups to be greater than 0, got ${numGroups}`);
  }
  if (c % numGroups !== 0) {
    throw new TypeError(
      `Expected number of channels in input to be divisible by num_groups, but got input of shape ${
        shapeText(input.shape)
      } and num_groups=${numGroups}`,
    );
  }
  if (n * c * numel(places) / numGroups === 1) {
    throw new RangeError(
      `Expected more than 1 value per channel when training, got input size ${shapeText(input.shape)}`,
    );
  }
  for (const [name, t] of [["weight", w], ["bias", b]] as const) {
    if (t === null || (t.ndim === 1 && t.shape[0] === c)) continue;
    throw new TypeError(
      `Expected ${name} to be a vector of size equal to the number of channels in input, but got ${name} of shape ${
        shapeText(t.shape)
      } and input of shape ${shapeText(input.shape)}`,
    );
  }
  refuseWhole(input, "GroupNormKernelImpl");
  const each = c / numGroups, shape = frozen([n, numGroups, each, ...places]);
  const groups = {
    shape,
    dims: shape.map((_, d) => d).slice(2),
    affine: frozen([numGroups, each, ...places.map(() => 1)]),
  };
  return normalized("NativeGroupNormBackward0", input, w, b, groups, given.eps ?? 1e-5, undefined, {
    group: numGroups,
  })
    .out;
}

/** The distance from 1 to the next number of a type. */
const EPSILON: Partial<Record<DType, number>> = {
  float64: 2 ** -52,
  float32: 2 ** -23,
  float16: 2 ** -10,
};

/** Divides by the root of the mean of squares over the last dimensions. `eps` null is the type's own. */
export function rmsNorm(
  input: Tensor,
  normalizedShape: number | readonly number[],
  weight?: Tensor | null | { readonly weight?: Tensor | null; readonly eps?: number | null },
  options?: { readonly weight?: Tensor | null; readonly eps?: number | null },
): Tensor {
  checkTensor(input, "rmsNorm");
  type O = { weight?: Tensor | null; bias?: Tensor | null; eps?: number | null };
  const { weight: w, given } = readAffine<O>(weight, undefined, options, "rmsNorm", ["weight", "eps"]);
  const shape = shapeOf(normalizedShape, "rmsNorm");
  checkNormalized(input, shape, w, null, "");
  refuseWhole(input, "rms_norm");
  const dims = shape.map((_, i) => input.ndim - shape.length + i);
  const scale = rsqrt(
    mean(mul(input, input), dims, { keepdim: true }).add(given.eps ?? EPSILON[input.dtype]!),
  );
  const out = mul(input, scale);
  return w === null ? out : mul(out, w);
}

// ---- others ------------------------------------------------------------------------------------------------------------

/** Options of {@linkcode localResponseNorm}. */
export interface LocalResponseNormOptions {
  /** Factor of the mean of squares; 1e-4. */
  readonly alpha?: number;
  /** The exponent; 0.75. */
  readonly beta?: number;
  /** The summand; 1. */
  readonly k?: number;
}

/** Divides by `(k + alpha * mean of the squares of size neighbouring channels) ** beta`. The input is [N, C, ...]. */
export function localResponseNorm(
  input: Tensor,
  size: number,
  options: LocalResponseNormOptions = {},
): Tensor {
  checkTensor(input, "localResponseNorm");
  checkInteger(size, "localResponseNorm", "size");
  const { alpha = 1e-4, beta = 0.75, k = 1 } = checkKeys(options, "localResponseNorm", [
    "alpha",
    "beta",
    "k",
  ]);
  if (input.ndim < 3) {
    throw new TypeError(`Expected 3D or higher dimensionality input (got ${input.ndim} dimensions)`);
  }
  if (input.numel() === 0) return input;
  const before = Math.floor(size / 2), behind = Math.floor((size - 1) / 2);
  const squares = mul(input, input).unsqueeze(1);
  let means: Tensor;
  if (input.ndim === 3) {
    means = avgPool2d(pad(squares, [0, 0, before, behind]), [size, 1], { stride: 1 }).squeeze(1);
  } else {
    const [n, c, first] = input.shape;
    const volumes = squares.view([n, 1, c, first, -1]);
    means = avgPool3d(pad(volumes, [0, 0, 0, 0, before, behind]), [size, 1, 1], { stride: 1 }).squeeze(1)
      .view(
        input.shape,
      );
  }
  return div(input, means.mul(alpha).add(k).pow(beta));
}
