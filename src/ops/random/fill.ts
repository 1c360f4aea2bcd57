/**
 * Filling tensors with random numbers: drawn on the CPU in PyTorch's order (and uploaded for another device), or computed by
 * their place where the tensor is.
 * @module
 */

import { blocksFor, fillByPlace, type PhiloxFill } from "../../backend/draws.ts";
import { atPlaces } from "../../backend/places.ts";
import {
  bernoulli as fillBernoulli,
  type FloatArray,
  normal as fillNormal,
  randintFill,
  uniform as fillUniform,
} from "../../random/distributions.ts";
import { defaultGenerator, Generator } from "../../random/generator.ts";
import { Philox } from "../../random/philox.ts";
import { describe } from "../../tensor/describe.ts";
import { allocate, type DType, isFloatingPoint, type TypedArray, typeName } from "../../tensor/dtype.ts";
import { frozen } from "../../tensor/shape.ts";
import { allocateTensor, type Tensor, unwrittenTensor } from "../../tensor/tensor.ts";
import { copyInto } from "../core/copy.ts";
import { offsetsOf, scattered } from "../index/selection.ts";
import { windowOn } from "../view/window.ts";

/** Options of every function that draws. */
export interface DrawOptions {
  /** Where the numbers come from; by default the generator that `manualSeed` seeds. */
  readonly generator?: Generator | Philox | null;
}

/** Where numbers can come from. */
export type Source = Generator | Philox;

/** The generator that options name. */
export function sourceOf(options: DrawOptions, caller: string): Source {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw new TypeError(
      `${caller}(): options must be an object such as { generator: ... }, not ${describe(options)}`,
    );
  }
  const { generator } = options;
  if (generator === undefined || generator === null) return defaultGenerator;
  if (generator instanceof Generator || generator instanceof Philox) return generator;
  throw new TypeError(`${caller}(): argument 'generator' must be a Generator, not ${describe(generator)}`);
}

/** The same for functions that draw in PyTorch's order only. */
export function generatorOf(options: DrawOptions, caller: string): Generator {
  const source = sourceOf(options, caller);
  if (source instanceof Generator) return source;
  throw new TypeError(
    `${caller}(): a philox generator serves uniform and normal numbers, bounded integers and bernoulli with a number: ` +
      "use a Generator",
  );
}

/** Draws into an array; must check its arguments before it writes. `contiguous` is false for gaps or another order. */
export type HostDraw = (out: TypedArray, contiguous: boolean) => void;

/** Numbers by their place: unit numbers, and what they are multiplied with and moved by. */
export interface PlaceDraw extends Pick<PhiloxFill, "kind" | "low" | "range"> {
  /** Where they come from. */
  readonly source: Philox;
  /** Factor. */
  readonly scale: number;
  /** Summand. */
  readonly shift: number;
}

/** A way to fill a tensor. */
export type Draw = HostDraw | PlaceDraw;

/** Fills a tensor. One that is not row-major is filled in the order of its memory, as PyTorch does. */
export function fillWith(t: Tensor, draw: Draw): void {
  const n = t.numel();
  if (typeof draw !== "function") {
    fillThere(t, draw);
    return;
  }
  if (t.device !== "cpu") {
    fillFromHost(t, draw);
    return;
  }
  if (t.isContiguous()) {
    draw(t.storage.data.subarray(t.offset, t.offset + n), true);
    return;
  }
  const order = memoryOrder(t);
  const values = allocate(t.dtype, n);
  draw(values, false);
  const places = offsetsOf(order.map((d) => t.shape[d]), order.map((d) => t.strides[d]));
  atPlaces("put", t.storage.data, t.offset, scattered(places), values);
}

/** The same for another device: the numbers are drawn here, and uploaded in the order of the tensor's memory. */
function fillFromHost(t: Tensor, draw: HostDraw): void {
  const order = t.isContiguous() ? null : memoryOrder(t);
  const of = (list: readonly number[]) => frozen(order === null ? list : order.map((d) => list[d]));
  const drawn = allocateTensor(of(t.shape), t.dtype);
  draw(drawn.storage.data, order === null);
  copyInto(windowOn(t, of(t.shape), of(t.strides)), drawn);
}

/** The dimensions, the one with the largest steps first. */
function memoryOrder(t: Tensor): number[] {
  return t.shape.map((_, d) => d).sort((a, b) => t.strides[b] - t.strides[a] || a - b);
}

/** Computes numbers by their place in row-major order, where the tensor is. */
function fillThere(t: Tensor, draw: PlaceDraw): void {
  const { kind, low, range, source, scale, shift } = draw, { dtype } = t, n = t.numel();
  const out = unwrittenTensor(t.shape, dtype, t.device);
  const how = { kind, low, range, key: source.key, start: source.take(blocksFor(kind, dtype, n)) };
  fillByPlace(how, out.storage.memory, dtype, n);
  const exact = dtype === "float64" ? Number : Math.fround;
  if (scale !== 1) out.mul_(exact(scale));
  if (shift !== 0) out.add_(exact(shift));
  copyInto(t, out);
}

/** Nothing is drawn into it: for what distributions check before they draw. */
const nowhere = new Float32Array(0);

const integers = { low: 0, range: 0 };

/** Uniform numbers from [from, to). */
export function drawUniform(from: number, to: number, g: Source): Draw {
  if (g instanceof Generator) return (out) => fillUniform(out as FloatArray, from, to, g);
  fillUniform(nowhere, from, to, defaultGenerator);
  return { kind: "uniform", ...integers, source: g, scale: to - from, shift: from };
}

/** Normal numbers. */
export function drawNormal(mean: number, std: number, g: Source): Draw {
  if (g instanceof Generator) {
    return (out, contiguous) => fillNormal(out as FloatArray, mean, std, g, { contiguous });
  }
  fillNormal(nowhere, mean, std, defaultGenerator);
  return { kind: "normal", ...integers, source: g, scale: std, shift: mean };
}

/** Integers from [low, high). */
export function drawIntegers(low: number | bigint, high: number | bigint, dtype: DType, g: Source): Draw {
  const bool = dtype === "bool";
  if (g instanceof Generator) return (out) => randintFill(out, low, high, g, { bool });
  randintFill(allocate(dtype, 0), low, high, defaultGenerator, { bool });
  if (low < -(2 ** 31) || high > 2 ** 31) {
    throw new RangeError(`a philox generator draws integers of 32 bits, got the range [${low}, ${high})`);
  }
  const range = Number(high) - Number(low);
  return { kind: "integers", low: Number(low), range, source: g, scale: 1, shift: 0 };
}

/** Ones with a probability, else zeros. */
export function drawBernoulli(p: number, g: Source): Draw {
  if (g instanceof Generator) return (out) => fillBernoulli(out, p, g);
  fillBernoulli(nowhere, p, defaultGenerator);
  return { kind: "bernoulli", low: 0, range: Math.ceil(p * 2 ** 24), source: g, scale: 1, shift: 0 };
}

/** Throws for a dtype that is none of floats, in the words of PyTorch's kernel. */
export function checkFloat(dtype: DType, kernel: string): void {
  if (!isFloatingPoint(dtype)) throw new TypeError(`"${kernel}" not implemented for '${typeName(dtype)}'`);
}
