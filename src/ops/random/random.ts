/**
 * Random tensors: PyTorch's numbers for the same seed, in functions that make tensors and methods that fill them.
 * @module
 */

import { atPlaces } from "../../backend/places.ts";
import {
  bernoulli as fillBernoulli,
  cauchy as fillCauchy,
  exponential as fillExponential,
  type FloatArray,
  geometric as fillGeometric,
  logNormal as fillLogNormal,
  multinomial as drawMultinomial,
  randomFill,
  randperm as drawPermutation,
} from "../../random/distributions.ts";
import type { Generator } from "../../random/generator.ts";
import { describe } from "../../tensor/describe.ts";
import { checkInteger, checkKeys, checkNumber, checkTensor } from "../../tensor/arguments.ts";
import {
  checkOptions,
  deviceOf,
  finish,
  type SizeArgs,
  splitSizes,
  type TensorOptions,
} from "../../tensor/options.ts";
import { allocate, type DType, getDefaultDtype, isFloatingPoint, typeName } from "../../tensor/dtype.ts";
import { broadcastShapes, checkShape, contiguousStrides, frozen, type Shape } from "../../tensor/shape.ts";
import { Storage } from "../../tensor/storage.ts";
import { allocateTensor, installMethods, Tensor, unwrittenTensor } from "../../tensor/tensor.ts";
import { copyInto } from "../core/copy.ts";
import { backTo, onHost } from "../core/on_host.ts";
import {
  checkFloat,
  type Draw,
  drawBernoulli,
  drawIntegers,
  drawNormal,
  type DrawOptions,
  drawUniform,
  fillWith,
  generatorOf,
  sourceOf,
} from "./fill.ts";
import { record, recordInPlace, type Rule } from "../core/record.ts";
import { offsetsOf, scattered } from "../index/selection.ts";

export type { DrawOptions } from "./fill.ts";

/** Options of the functions that make random tensors. */
export interface RandomOptions extends TensorOptions, DrawOptions {}

/** `f(2, 3)`, `f([2, 3])`, each with options at the end. */
export type RandomSizeArgs =
  | SizeArgs
  | readonly [sizes: readonly number[], options?: RandomOptions]
  | readonly [...sizes: number[], options: RandomOptions];

// ---- making tensors -----------------------------------------------------------------------------------------------

function made(shape: Shape, dtype: DType, options: TensorOptions, draw: Draw): Tensor {
  if (typeof draw !== "function") {
    const there = unwrittenTensor(shape, dtype, deviceOf(options));
    fillWith(there, draw);
    return finish(there, options);
  }
  const out = allocateTensor(shape, dtype);
  fillWith(out, draw);
  return finish(out, options);
}

/** Uniform numbers from [0, 1). */
export function rand(...args: RandomSizeArgs): Tensor {
  const { shape, options } = splitSizes<RandomOptions>(args, "rand", ["generator"]);
  const dtype = options.dtype ?? getDefaultDtype();
  checkFloat(dtype, "check_uniform_bounds");
  return made(shape, dtype, options, drawUniform(0, 1, sourceOf(options, "rand")));
}

/** Standard normal numbers. */
export function randn(...args: RandomSizeArgs): Tensor {
  const { shape, options } = splitSizes<RandomOptions>(args, "randn", ["generator"]);
  const dtype = options.dtype ?? getDefaultDtype();
  checkFloat(dtype, "normal_kernel_cpu");
  return made(shape, dtype, options, drawNormal(0, 1, sourceOf(options, "randn")));
}

/** A bound of random integers. */
export type IntegerBound = number | bigint;

function bounds(low: IntegerBound, high: IntegerBound | undefined): [IntegerBound, IntegerBound] {
  return high === undefined ? [0, low] : [low, high];
}

/**
 * Integers from [low, high), or from [0, high): `randint(10, [3])`, `randint(-5, 7, [2, 3], { dtype: "int32" })`. int64 by
 * default.
 */
export function randint(high: IntegerBound, size: readonly number[], options?: RandomOptions): Tensor;
/** Integers from [low, high); int64 by default. */
export function randint(
  low: IntegerBound,
  high: IntegerBound,
  size: readonly number[],
  options?: RandomOptions,
): Tensor;
export function randint(...args: unknown[]): Tensor {
  const two = typeof args[1] === "number" || typeof args[1] === "bigint";
  const [low, high] = bounds(args[0] as IntegerBound, two ? args[1] as IntegerBound : undefined);
  for (const bound of [low, high]) if (typeof bound !== "bigint") checkInteger(bound, "randint", "high");
  const [size, given = {}] = args.slice(two ? 2 : 1);
  if (!Array.isArray(size)) {
    throw new TypeError(`randint(): argument 'size' must be a list of integers, not ${describe(size)}`);
  }
  const options = checkOptions(given as RandomOptions, "randint", ["generator"]) as RandomOptions;
  const dtype = options.dtype ?? "int64", g = sourceOf(options, "randint");
  return made(checkShape(size, "randint"), dtype, options, drawIntegers(low, high, dtype, g));
}

/** The integers from 0 to n - 1 in random order; int64 by default. */
export function randperm(n: number, options: RandomOptions = {}): Tensor {
  checkOptions(options, "randperm", ["generator"]);
  checkInteger(n, "randperm", "n");
  const order = drawPermutation(n, generatorOf(options, "randperm"));
  const dtype = options.dtype ?? "int64";
  return made(frozen([n]), dtype, options, (out) => {
    if (out instanceof BigInt64Array) out.set(BigInt64Array.from(order, BigInt));
    else out.set(order);
  });
}

/** Uniform numbers from [0, 1), with the shape and dtype of another tensor. */
export function randLike(t: Tensor, options: RandomOptions = {}): Tensor {
  return rand(checkTensor(t, "randLike", "input").shape, { dtype: t.dtype, device: t.device, ...options });
}

/** Standard normal numbers, with the shape and dtype of another tensor. */
export function randnLike(t: Tensor, options: RandomOptions = {}): Tensor {
  return randn(checkTensor(t, "randnLike", "input").shape, { dtype: t.dtype, device: t.device, ...options });
}

/** Integers from [0, high), with the shape and dtype of another tensor. */
export function randintLike(t: Tensor, high: IntegerBound, options?: RandomOptions): Tensor;
/** Integers from [low, high), with the shape and dtype of another tensor. */
export function randintLike(
  t: Tensor,
  low: IntegerBound,
  high: IntegerBound,
  options?: RandomOptions,
): Tensor;
export function randintLike(
  t: Tensor,
  a: IntegerBound,
  b?: IntegerBound | RandomOptions,
  options?: RandomOptions,
): Tensor {
  const two = typeof b === "number" || typeof b === "bigint";
  const [low, high] = bounds(a, two ? b : undefined);
  checkTensor(t, "randintLike", "input");
  const given = { dtype: t.dtype, device: t.device, ...(two ? options : b) };
  return randint(low, high, t.shape, given);
}

// ---- distributions whose parameters are tensors -------------------------------------------------------------------

/** A rule of an operation whose result does not change with its inputs, as far as gradients go. */
function withoutGradient(name: string): Rule<{ shapes: readonly (Shape | null)[] }> {
  return {
    name,
    backward: (g, node) =>
      node.args.shapes.map((s, i) => s === null || !node.needs(i) ? null : g.newZeros(s)),
  };
}

function recordConstant(name: string, out: Tensor, inputs: readonly unknown[]): Tensor {
  const shapes = inputs.map((x) => x instanceof Tensor ? x.shape : null);
  return record(withoutGradient(name), out, inputs, { shapes });
}

/**
 * Normal numbers: `normal(mean, std, size)` with numbers, or with a tensor for the mean, the standard deviation or both, whose
 * shape (broadcast) the result has.
 */
export function normal(mean: number, std: number, size: readonly number[], options?: RandomOptions): Tensor;
/** Normal numbers with a tensor for the standard deviation, in its shape (broadcast with the mean). */
export function normal(mean: Tensor | number, std: Tensor, options?: DrawOptions): Tensor;
/** Normal numbers with a tensor for the mean, in its shape. */
export function normal(mean: Tensor, std?: number, options?: DrawOptions): Tensor;
export function normal(mean: Tensor | number, std: Tensor | number = 1, ...rest: unknown[]): Tensor {
  if (typeof mean === "number" && typeof std === "number") {
    const [size, given = {}] = rest;
    if (!Array.isArray(size)) {
      throw new TypeError("normal(): numbers for mean and std need a size: normal(0, 1, [2, 3])");
    }
    const options = checkOptions(given as RandomOptions, "normal", ["generator"]) as RandomOptions;
    const dtype = options.dtype ?? getDefaultDtype();
    checkFloat(dtype, "normal_kernel_cpu");
    return made(
      checkShape(size, "normal"),
      dtype,
      options,
      drawNormal(mean, std, sourceOf(options, "normal")),
    );
  }
  if (!(mean instanceof Tensor)) checkNumber(mean, "normal", "mean");
  if (!(std instanceof Tensor)) checkNumber(std, "normal", "std");
  const g = sourceOf((rest[0] ?? {}) as DrawOptions, "normal");
  const { dtype } = mean instanceof Tensor ? mean : std as Tensor;
  checkFloat(dtype, "normal_kernel_cpu");
  if (std instanceof Tensor && [...onHost(std).typedArray()].some((v) => !(Number(v) >= 0))) {
    throw new RangeError("normal expects all elements of std >= 0.0");
  }
  const shape = broadcastShapes(
    mean instanceof Tensor ? mean.shape : [],
    std instanceof Tensor ? std.shape : [],
  );
  const { device } = mean instanceof Tensor ? mean : std as Tensor;
  const out = allocateTensor(shape, dtype, device);
  fillWith(out, drawNormal(0, typeof std === "number" ? std : 1, g));
  if (std instanceof Tensor) out.mul_(std.detach());
  out.add_(mean instanceof Tensor ? mean.detach() : mean);
  const name = typeof std === "number"
    ? "NormalBackward1"
    : typeof mean === "number"
    ? "NormalBackward2"
    : "NormalBackward3";
  return recordConstant(name, out, [mean, std]);
}

/** Ones with the probabilities of the input's elements, else zeros; or with one probability for all, in the input's shape. */
export function bernoulli(x: Tensor, p?: number | DrawOptions, options: DrawOptions = {}): Tensor {
  checkTensor(x, "bernoulli", "input");
  if (p !== undefined && typeof p !== "object") checkNumber(p, "bernoulli", "p");
  const given = typeof p === "object" ? p : options;
  const out = allocateTensor(x.shape, x.dtype, x.device);
  fillBernoulliInto(out, typeof p === "number" ? p : x, given, "bernoulli");
  return recordConstant("BernoulliBackward0", out, [x]);
}

function fillBernoulliInto(t: Tensor, p: number | Tensor, options: DrawOptions, caller: string): void {
  if (typeof p === "number") {
    fillWith(t, drawBernoulli(p, sourceOf(options, caller)));
    return;
  }
  const g = generatorOf(options, caller);
  if (!isFloatingPoint(p.dtype)) {
    throw new TypeError(`expected probabilities tensor to have floating type, got ${typeName(p.dtype)}`);
  }
  const chances = onHost(p).expand(t.shape).contiguous().typedArray() as FloatArray;
  const values = allocate(t.dtype, t.numel());
  fillBernoulli(values, chances, g);
  if (t.device !== "cpu") {
    copyInto(t, new Tensor(Storage.share(values, t.dtype), 0, t.shape, contiguousStrides(t.shape)));
    return;
  }
  atPlaces("put", t.storage.data, t.offset, scattered(offsetsOf(t.shape, t.strides)), values);
}

/** Options of {@linkcode multinomial}. */
export interface MultinomialOptions extends DrawOptions {
  /** Whether one index may be drawn several times. */
  readonly replacement?: boolean;
}

/**
 * Indices (int64), drawn with probabilities in proportion to the weights in each row of the input: shape [numSamples], or
 * [rows, numSamples].
 */
export function multinomial(
  x: Tensor,
  numSamples: number,
  replacement?: boolean | MultinomialOptions,
  options: MultinomialOptions = {},
): Tensor {
  checkTensor(x, "multinomial", "input");
  if (x.ndim !== 1 && x.ndim !== 2) throw new TypeError("prob_dist must be 1 or 2 dim");
  if (!isFloatingPoint(x.dtype)) {
    throw new TypeError(
      `multinomial only supports floating-point dtypes for input, but got ${typeName(x.dtype)}`,
    );
  }
  const given = checkKeys(
    typeof replacement === "object" && replacement !== null ? replacement : options,
    "multinomial",
    ["replacement", "generator"],
  );
  const several = typeof replacement === "boolean" ? replacement : given.replacement ?? false;
  checkInteger(numSamples, "multinomial", "numSamples");
  if (several) checkShape([x.ndim === 2 ? x.shape[0] : 1, numSamples], "multinomial");
  const rows = x.ndim === 2 ? x.shape[0] : 1;
  const weights = onHost(x).contiguous().typedArray() as FloatArray;
  const picked = drawMultinomial(weights, numSamples, generatorOf(given, "multinomial"), {
    rows,
    replacement: several,
  });
  const out = allocateTensor(frozen(x.ndim === 2 ? [rows, numSamples] : [numSamples]), "int64");
  out.storage.data.set(BigInt64Array.from(picked, BigInt) as never);
  return backTo(out, x);
}

// ---- filling tensors ----------------------------------------------------------------------------------------------

function fillInPlace(self: Tensor, name: string, fill: () => void): Tensor {
  const rule: Rule<object> = { name, backward: (g) => [g.newZeros(g.shape)] };
  return recordInPlace(rule, self, [self], {}, fill);
}

/** Reads numbers and the generator that are given by position or, by name, in an options object at the end. */
function parameters<N extends string>(
  caller: string,
  args: readonly unknown[],
  defaults: Readonly<Record<N, number | undefined>>,
): { values: Record<N, number>; g: Generator } {
  const { values, options } = numbers(caller, args, defaults);
  return { values, g: generatorOf(options, caller) };
}

function numbers<N extends string>(
  caller: string,
  args: readonly unknown[],
  defaults: Readonly<Record<N, number | undefined>>,
): { values: Record<N, number>; options: DrawOptions } {
  const names = Object.keys(defaults) as N[];
  const last = args.at(-1);
  const options = (typeof last === "object" && last !== null ? last : {}) as
    & DrawOptions
    & Record<string, unknown>;
  for (const key of Object.keys(options)) {
    if (key !== "generator" && !(names as string[]).includes(key)) {
      throw new TypeError(
        `${caller}() has no option ${JSON.stringify(key)}: use ${[...names, "generator"].join(", ")}`,
      );
    }
  }
  const values = {} as Record<N, number>;
  names.forEach((name, i) => {
    const positional = typeof args[i] === "object" ? undefined : args[i];
    const value = positional ?? options[name] ?? defaults[name];
    if (typeof value !== "number") {
      throw new TypeError(
        value === undefined
          ? `${caller}() is missing its argument '${name}'`
          : `${caller}(): argument '${name}' must be a number, not ${typeof value}`,
      );
    }
    values[name] = value;
  });
  return { values, options };
}

function continuous(self: Tensor, distribution: string): void {
  if (isFloatingPoint(self.dtype)) return;
  throw new TypeError(
    `${distribution} distribution is a continuous probability distribution. dtype must be a floating point but you ` +
      `specified ${typeName(self.dtype)}`,
  );
}

/** Parameters by position, then options; or all by name. */
export type FillParameters<N extends string> =
  | readonly []
  | readonly [options: DrawOptions & { readonly [K in N]?: number }]
  | readonly [first: number, options?: DrawOptions]
  | readonly [first: number, second: number, options?: DrawOptions];

/** The methods of this family. Each fills the tensor and returns it. */
export interface RandomMethods {
  /** Uniform numbers from [from, to), by default [0, 1). */
  uniform_(...args: FillParameters<"from" | "to">): Tensor;
  /** Normal numbers; by default mean 0, std 1. */
  normal_(...args: FillParameters<"mean" | "std">): Tensor;
  /** Integers from [0, to) or [from, to); without bounds, over the whole range of the dtype that is not negative. */
  random_(options?: DrawOptions): Tensor;
  /** Integers from [0, to). */
  random_(to: number | bigint, options?: DrawOptions): Tensor;
  /** Integers from [from, to). */
  random_(from: number | bigint, to: number | bigint, options?: DrawOptions): Tensor;
  /** Ones with probability p (a number, 0.5 by default, or a tensor that is broadcast), else zeros. */
  bernoulli_(p?: number | Tensor | DrawOptions, options?: DrawOptions): Tensor;
  /** A tensor like this one: ones with the probabilities of the elements, or with p, else zeros. */
  bernoulli(p?: number | DrawOptions, options?: DrawOptions): Tensor;
  /** Exponential numbers with rate `lambd`, by default 1. */
  exponential_(...args: FillParameters<"lambd">): Tensor;
  /** Numbers of trials until the first success, of probability p. */
  geometric_(...args: FillParameters<"p">): Tensor;
  /** Cauchy numbers; by default median 0, sigma 1. */
  cauchy_(...args: FillParameters<"median" | "sigma">): Tensor;
  /** Exponentials of normal numbers with this mean and std; by default 1 and 2. */
  logNormal_(...args: FillParameters<"mean" | "std">): Tensor;
  /** Indices drawn with probabilities in proportion to the elements. */
  multinomial(
    numSamples: number,
    replacement?: boolean | MultinomialOptions,
    options?: MultinomialOptions,
  ): Tensor;
}

const methods: RandomMethods & ThisType<Tensor> = {
  uniform_(...args) {
    const self = this as unknown as Tensor;
    const { values, options } = numbers("uniform_", args, { from: 0, to: 1 });
    checkFloat(self.dtype, "check_uniform_bounds");
    return fillInPlace(
      self,
      "UniformBackward0",
      () => fillWith(self, drawUniform(values.from, values.to, sourceOf(options, "uniform_"))),
    );
  },
  normal_(...args) {
    const self = this as unknown as Tensor;
    const { values, options } = numbers("normal_", args, { mean: 0, std: 1 });
    checkFloat(self.dtype, "normal_kernel_cpu");
    return fillInPlace(
      self,
      "NormalBackward0",
      () => fillWith(self, drawNormal(values.mean, values.std, sourceOf(options, "normal_"))),
    );
  },
  random_(...args: unknown[]) {
    const self = this as unknown as Tensor;
    const last = args.at(-1);
    const options = (typeof last === "object" && last !== null ? last : {}) as DrawOptions;
    const given = args.filter((a) => typeof a === "number" || typeof a === "bigint") as IntegerBound[];
    const { dtype } = self;
    if (given.length === 0) {
      const bool = dtype === "bool", g = generatorOf(options, "random_");
      return fillInPlace(
        self,
        "RandomBackward2",
        () => fillWith(self, (out) => randomFill(out, g, { bool })),
      );
    }
    const [low, high] = bounds(given[0], given[1]);
    const name = given.length === 1 ? "RandomBackward1" : "RandomBackward0";
    const draw = drawIntegers(low, high, dtype, sourceOf(options, "random_"));
    return fillInPlace(self, name, () => fillWith(self, draw));
  },
  bernoulli_(p = 0.5, options = {}) {
    const self = this as unknown as Tensor;
    const chance = typeof p === "number" || p instanceof Tensor ? p : 0.5;
    const given = typeof p === "object" && !(p instanceof Tensor) ? p : options;
    const name = typeof chance === "number" ? "BernoulliBackward2" : "BernoulliBackward1";
    return fillInPlace(self, name, () => fillBernoulliInto(self, chance, given, "bernoulli_"));
  },
  bernoulli(p, options) {
    return bernoulli(this, p, options);
  },
  exponential_(...args) {
    const self = this as unknown as Tensor;
    const { values, g } = parameters("exponential_", args, { lambd: 1 });
    continuous(self, "Exponential");
    return fillInPlace(self, "ExponentialBackward0", () => {
      fillWith(self, (out) => fillExponential(out as FloatArray, values.lambd, g));
    });
  },
  geometric_(...args) {
    const self = this as unknown as Tensor;
    const { values, g } = parameters("geometric_", args, { p: undefined });
    if (self.dtype === "bool") throw new TypeError(`"geometric" not implemented for 'Bool'`);
    return fillInPlace(self, "GeometricBackward0", () => {
      fillWith(self, (out) => fillGeometric(out, values.p, g));
    });
  },
  cauchy_(...args) {
    const self = this as unknown as Tensor;
    const { values, g } = parameters("cauchy_", args, { median: 0, sigma: 1 });
    continuous(self, "Cauchy");
    return fillInPlace(self, "CauchyBackward0", () => {
      fillWith(self, (out) => fillCauchy(out as FloatArray, values.median, values.sigma, g));
    });
  },
  logNormal_(...args) {
    const self = this as unknown as Tensor;
    const { values, g } = parameters("logNormal_", args, { mean: 1, std: 2 });
    checkFloat(self.dtype, "log_normal_cpu");
    return fillInPlace(self, "LogNormalBackward0", () => {
      fillWith(self, (out) => fillLogNormal(out as FloatArray, values.mean, values.std, g));
    });
  },
  multinomial(numSamples, replacement, options) {
    return multinomial(this, numSamples, replacement, options);
  },
};
installMethods(methods);
