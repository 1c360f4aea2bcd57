/**
 * Initial values of parameters: PyTorch's `nn.init`, with the same numbers under the same seed. Every function fills its
 * tensor in place, without history, and returns it.
 * @module
 */

import { noGrad } from "../autograd/modes.ts";
import { truncNormal } from "../random/distributions.ts";
import { randperm } from "../random/distributions.ts";
import { defaultGenerator, type Generator } from "../random/generator.ts";
import { describe, named } from "../tensor/describe.ts";
import { checkInteger, checkKeys, checkNumber, checkTensor } from "../tensor/arguments.ts";
import { isFloatingPoint } from "../tensor/dtype.ts";
import { fromTypedArray } from "../tensor/create.ts";
import { shapeText } from "../tensor/shape.ts";
import { allocateTensor, type Tensor } from "../tensor/tensor.ts";
import type { FloatArray } from "../random/distributions.ts";

/** Where random numbers come from. */
export interface GeneratorOption {
  /** The generator that `manualSeed` seeds by default. */
  readonly generator?: Generator | null;
}

/** Names of the functions behind a layer, for which {@linkcode calculateGain} knows a gain. */
export type Nonlinearity =
  | "linear"
  | "conv1d"
  | "conv2d"
  | "conv3d"
  | "conv_transpose1d"
  | "conv_transpose2d"
  | "conv_transpose3d"
  | "sigmoid"
  | "tanh"
  | "relu"
  | "leaky_relu"
  | "selu";

/** How much the weights of a layer should be larger, so that signals keep their size through a nonlinearity. */
export function calculateGain(nonlinearity: Nonlinearity, param?: number | null): number {
  switch (nonlinearity) {
    case "tanh":
      return 5 / 3;
    case "relu":
      return Math.SQRT2;
    case "leaky_relu":
      if (param !== undefined && param !== null && typeof param !== "number") {
        throw new TypeError(`negative_slope ${describe(param)} not a valid number`);
      }
      return Math.sqrt(2 / (1 + (param ?? 0.01) ** 2));
    case "selu":
      return 3 / 4;
    default:
      if (
        nonlinearity === "sigmoid" || nonlinearity === "linear" ||
        typeof nonlinearity === "string" && /^conv(_transpose)?[123]d$/.test(nonlinearity)
      ) {
        return 1;
      }
      throw new RangeError(
        `Unsupported nonlinearity ${named(nonlinearity)}`,
      );
  }
}

/** Number of inputs and outputs of one unit of a weight: [out, in, ...kernel]. */
function fans(tensor: Tensor): { fanIn: number; fanOut: number } {
  if (tensor.ndim < 2) {
    throw new TypeError("Fan in and fan out can not be computed for tensor with fewer than 2 dimensions");
  }
  const field = tensor.shape.slice(2).reduce((a, b) => a * b, 1);
  return { fanIn: tensor.shape[1] * field, fanOut: tensor.shape[0] * field };
}

function within(tensor: Tensor, fill: () => void): Tensor {
  noGrad(fill);
  return tensor;
}

/** Fills with uniform numbers from [a, b). */
export function uniform_(tensor: Tensor, a = 0, b = 1, options: GeneratorOption = {}): Tensor {
  checkTensor(tensor, "uniform_", "tensor", 1);
  return within(tensor, () => tensor.uniform_(a, b, options));
}

/** Fills with normal numbers. */
export function normal_(tensor: Tensor, mean = 0, std = 1, options: GeneratorOption = {}): Tensor {
  checkTensor(tensor, "normal_", "tensor", 1);
  return within(tensor, () => tensor.normal_(mean, std, options));
}

/** Options of {@linkcode truncNormal_}. */
export interface TruncNormalOptions extends GeneratorOption {
  /** The expectation before the cut; 0. */
  readonly mean?: number;
  /** The standard deviation before the cut; 1. */
  readonly std?: number;
  /** The lower bound; -2. */
  readonly a?: number;
  /** The upper bound; 2. */
  readonly b?: number;
}

/** Fills with normal numbers that all lie in [a, b]. */
export function truncNormal_(tensor: Tensor, options: TruncNormalOptions = {}): Tensor {
  checkTensor(tensor, "truncNormal_", "tensor", 1);
  checkKeys(options, "truncNormal_", ["mean", "std", "a", "b", "generator"]);
  const { mean = 0, std = 1, a = -2, b = 2, generator } = options;
  for (const [name, value] of Object.entries({ mean, std, a, b })) checkNumber(value, "truncNormal_", name);
  if (!isFloatingPoint(tensor.dtype)) {
    throw new TypeError(`truncNormal_(): expected a tensor of floats, but got ${tensor.dtype}`);
  }
  return within(tensor, () => {
    const fresh = allocateTensor(tensor.shape, tensor.dtype);
    truncNormal(fresh.storage.data as FloatArray, mean, std, a, b, generator ?? defaultGenerator);
    tensor.copy_(fresh);
  });
}

/** Fills with one value. */
export function constant_(tensor: Tensor, value: number): Tensor {
  checkTensor(tensor, "constant_", "tensor", 1);
  return within(tensor, () => tensor.fill_(value));
}

/** Fills with ones. */
export function ones_(tensor: Tensor): Tensor {
  return constant_(tensor, 1);
}

/** Fills with zeros. */
export function zeros_(tensor: Tensor): Tensor {
  checkTensor(tensor, "zeros_", "tensor", 1);
  return within(tensor, () => tensor.zero_());
}

/** Ones on the diagonal of a matrix, zeros elsewhere. */
export function eye_(tensor: Tensor): Tensor {
  checkTensor(tensor, "eye_", "tensor", 1);
  if (tensor.ndim !== 2) throw new TypeError("Only tensors with 2 dimensions are supported");
  return within(tensor, () => {
    tensor.zero_();
    tensor.diagonal().fill_(1);
  });
}

/** Makes the kernels of a convolution pass as many channels on unchanged as there are. */
export function dirac_(tensor: Tensor, groups = 1): Tensor {
  checkTensor(tensor, "dirac_", "tensor", 1);
  const { ndim, shape } = tensor;
  if (ndim < 3 || ndim > 5) {
    throw new TypeError("Only tensors with 3, 4, or 5 dimensions are supported");
  }
  checkInteger(groups, "dirac_", "groups");
  if (shape[0] % groups !== 0) throw new RangeError("dim 0 must be divisible by groups");
  const out = shape[0] / groups, count = Math.min(out, shape[1]);
  return within(tensor, () => {
    tensor.zero_();
    for (let g = 0; g < groups; g++) {
      for (let d = 0; d < count; d++) {
        let place = tensor.select(0, g * out + d).select(0, d);
        while (place.ndim > 0) place = place.select(0, Math.floor(place.shape[0] / 2));
        place.fill_(1);
      }
    }
  });
}

function gainOf(
  options: number | { gain?: number } & GeneratorOption,
  caller: string,
): { gain: number } & GeneratorOption {
  if (typeof options === "number") return { gain: options };
  const { gain = 1, ...rest } = checkKeys(options, caller, ["gain", "generator"]);
  return { ...rest, gain: checkNumber(gain, caller, "gain") };
}

/** Glorot's uniform initialisation: the bound is `gain * sqrt(6 / (fanIn + fanOut))`. */
export function xavierUniform_(
  tensor: Tensor,
  options: number | { gain?: number } & GeneratorOption = 1,
): Tensor {
  checkTensor(tensor, "xavierUniform_", "tensor", 1);
  const { fanIn, fanOut } = fans(tensor), { gain, generator } = gainOf(options, "xavierUniform_");
  const bound = Math.sqrt(3) * (gain * Math.sqrt(2 / (fanIn + fanOut)));
  return uniform_(tensor, -bound, bound, { generator });
}

/** Glorot's normal initialisation: std is `gain * sqrt(2 / (fanIn + fanOut))`. */
export function xavierNormal_(
  tensor: Tensor,
  options: number | { gain?: number } & GeneratorOption = 1,
): Tensor {
  checkTensor(tensor, "xavierNormal_", "tensor", 1);
  const { fanIn, fanOut } = fans(tensor), { gain, generator } = gainOf(options, "xavierNormal_");
  return normal_(tensor, 0, gain * Math.sqrt(2 / (fanIn + fanOut)), { generator });
}

/** Options of He's initialisations. */
export interface KaimingOptions extends GeneratorOption {
  /** Slope below 0 of the rectifier behind the layer; 0. Only for "leaky_relu". */
  readonly a?: number;
  /** Keep the size of signals on the way forward ("fan_in", the default) or backward ("fan_out"). */
  readonly mode?: "fan_in" | "fan_out";
  /** What is behind the layer; "leaky_relu". */
  readonly nonlinearity?: Nonlinearity;
}

function kaimingStd(tensor: Tensor, options: KaimingOptions, caller: string): number {
  checkKeys(options, caller, ["a", "mode", "nonlinearity", "generator"]);
  const { a = 0, mode = "fan_in", nonlinearity = "leaky_relu" } = options;
  if (mode !== "fan_in" && mode !== "fan_out") {
    throw new RangeError(`Mode ${named(mode)} not supported, please use one of ['fan_in', 'fan_out']`);
  }
  const { fanIn, fanOut } = fans(tensor);
  return calculateGain(nonlinearity, a) / Math.sqrt(mode === "fan_in" ? fanIn : fanOut);
}

/** He's uniform initialisation: the bound is `gain * sqrt(3 / fan)`. */
export function kaimingUniform_(tensor: Tensor, options: KaimingOptions = {}): Tensor {
  checkTensor(tensor, "kaimingUniform_", "tensor", 1);
  const bound = Math.sqrt(3) * kaimingStd(tensor, options, "kaimingUniform_");
  return uniform_(tensor, -bound, bound, { generator: options.generator });
}

/** He's normal initialisation: std is `gain / sqrt(fan)`. */
export function kaimingNormal_(tensor: Tensor, options: KaimingOptions = {}): Tensor {
  checkTensor(tensor, "kaimingNormal_", "tensor", 1);
  const std = kaimingStd(tensor, options, "kaimingNormal_");
  return normal_(tensor, 0, std, { generator: options.generator });
}

/** A matrix (of the first dimension by all others) with orthogonal rows or columns. */
export function orthogonal_(
  tensor: Tensor,
  options: number | { gain?: number } & GeneratorOption = 1,
): Tensor {
  checkTensor(tensor, "orthogonal_", "tensor", 1);
  if (tensor.ndim < 2) throw new TypeError("Only tensors with 2 or more dimensions are supported");
  const { gain, generator } = gainOf(options, "orthogonal_");
  if (tensor.numel() === 0) return tensor;
  const rows = tensor.shape[0], columns = tensor.numel() / rows;
  const drawn = allocateTensor([rows, columns], tensor.dtype).normal_(0, 1, { generator });
  const wide = rows < columns;
  const [n, m] = wide ? [columns, rows] : [rows, columns];
  const q = orthonormalColumns(
    (i, j) => Number(wide ? drawn.at(j * columns + i) : drawn.at(i * columns + j)),
    n,
    m,
  );
  const out = new Float64Array(rows * columns);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < m; j++) out[wide ? j * columns + i : i * columns + j] = gain * q[j][i];
  }
  return within(tensor, () => tensor.copy_(fromTypedArray(out, tensor.shape)));
}

/** Gram and Schmidt's columns, twice for accuracy: those of a QR decomposition whose R has a positive diagonal. */
function orthonormalColumns(at: (i: number, j: number) => number, n: number, m: number): Float64Array[] {
  const done: Float64Array[] = [];
  for (let j = 0; j < m; j++) {
    const v = Float64Array.from({ length: n }, (_, i) => at(i, j));
    for (let pass = 0; pass < 2; pass++) {
      for (const u of done) {
        let dot = 0;
        for (let i = 0; i < n; i++) dot += u[i] * v[i];
        for (let i = 0; i < n; i++) v[i] -= dot * u[i];
      }
    }
    let square = 0;
    for (let i = 0; i < n; i++) square += v[i] * v[i];
    const norm = Math.sqrt(square);
    for (let i = 0; i < n; i++) v[i] /= norm;
    done.push(v);
  }
  return done;
}

/** Options of {@linkcode sparse_}. */
export interface SparseOptions extends GeneratorOption {
  /** The share of zeros in each column. */
  readonly sparsity: number;
  /** The standard deviation of the rest; 0.01. */
  readonly std?: number;
}

/** A matrix of normal numbers with some zeros, chosen at random, in each column. */
export function sparse_(tensor: Tensor, options: SparseOptions): Tensor {
  checkTensor(tensor, "sparse_", "tensor", 1);
  checkKeys(options, "sparse_", ["sparsity", "std", "generator"]);
  if (tensor.ndim !== 2) {
    throw new TypeError(`Only tensors with 2 dimensions are supported, got ${shapeText(tensor.shape)}`);
  }
  const { sparsity, std = 0.01, generator } = options, [rows, columns] = tensor.shape;
  checkNumber(sparsity, "sparse_", "sparsity");
  checkNumber(std, "sparse_", "std");
  if (!(sparsity >= 0 && sparsity <= 1)) {
    throw new RangeError(`sparse_(): sparsity must be between 0 and 1, but got ${sparsity}`);
  }
  const zeros = Math.ceil(sparsity * rows);
  return within(tensor, () => {
    tensor.normal_(0, std, { generator });
    for (let j = 0; j < columns; j++) {
      const order = randperm(rows, generator ?? defaultGenerator);
      for (let k = 0; k < zeros; k++) tensor.select(0, order[k]).select(0, j).fill_(0);
    }
  });
}
