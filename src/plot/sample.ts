/**
 * Values of functions of one or two numbers, whatever they give: numbers, or tensors.
 * @module
 */

import { grad } from "../autograd/grad.ts";
import { enableGrad, noGrad } from "../autograd/modes.ts";
import { fromTypedArray, scalarTensor } from "../tensor/create.ts";
import { Tensor } from "../tensor/tensor.ts";
import { describe, toVector } from "./values.ts";

/** A function to draw: of a number or a tensor, giving a number or a tensor. */
// deno-lint-ignore no-explicit-any
export type Drawable = (x: any) => unknown;

/** A function of two numbers or two 0-d tensors, giving a number or a tensor. */
// deno-lint-ignore no-explicit-any
export type Drawable2 = (x: any, y: any) => unknown;

/** A number, or what `item()` of a one-element tensor gives. */
function scalarOf(value: unknown): number | null {
  if (typeof value === "number") return value;
  if (typeof value === "bigint" || typeof value === "boolean") return Number(value);
  const item = (value as { item?: unknown } | null | undefined)?.item;
  if (typeof item !== "function") return null;
  const number = Number(item.call(value));
  return number;
}

/** The values at one point after another; null where the function does not take numbers. */
function pointwise(f: Drawable, xs: Float64Array): Float64Array<ArrayBuffer> | { error: unknown } {
  const out = new Float64Array(xs.length);
  for (let i = 0; i < xs.length; i++) {
    let value: unknown;
    try {
      value = f(xs[i]);
    } catch (error) {
      return { error };
    }
    const y = scalarOf(value);
    if (y === null) {
      return { error: new TypeError(`the function must give a number, got ${describe(value)}`) };
    }
    out[i] = y;
  }
  return out;
}

/** The values of a function of tensors: of all points at once, or of one after the other. */
function throughTensors(f: Drawable, xs: Float64Array): Float64Array<ArrayBuffer> {
  const whole = f(fromTypedArray(Float64Array.from(xs)));
  if (whole instanceof Tensor && whole.ndim === 1 && whole.shape[0] === xs.length) {
    return toVector(whole.toArray(), "the function's values");
  }
  return Float64Array.from(xs, (x) => {
    const value = f(scalarTensor(x, "float64")), y = scalarOf(value);
    if (y === null) throw new TypeError(`the function must give a number, got ${describe(value)}`);
    return y;
  });
}

/**
 * The values of a function at points.
 *
 * It is called with numbers first; if it throws then, or gives neither a number nor something with `item()`, it is
 * called with a tensor of all points.
 *
 * @param f The function.
 * @param xs The points.
 * @returns Its value at each.
 * @throws {TypeError} If it gives no numbers. An error of the function itself is passed on.
 */
export function sample(f: Drawable, xs: Float64Array): Float64Array<ArrayBuffer> {
  if (typeof f !== "function") throw new TypeError(`expected a function to draw, got ${describe(f)}`);
  const values = pointwise(f, xs);
  if (values instanceof Float64Array) return values;
  return noGrad(() => throughTensors(f, xs));
}

/**
 * The values of a function of two numbers on a grid.
 *
 * @param f The function.
 * @param xs Its first argument, by column.
 * @param ys Its second argument, by row.
 * @returns The rows.
 * @throws {TypeError} If it gives no numbers.
 */
export function sampleGrid(
  f: Drawable2,
  xs: Float64Array,
  ys: Float64Array,
): Float64Array<ArrayBuffer>[] {
  return Array.from(ys, (y) =>
    Float64Array.from(xs, (x) => {
      const value = valueAt(f, x, y), z = scalarOf(value);
      if (z === null) throw new TypeError(`the function must give a number, got ${describe(value)}`);
      return z;
    }));
}

/** The value at a point: of numbers, or where the function does not take them, of 0-d tensors. */
function valueAt(call: (...args: unknown[]) => unknown, ...point: number[]): unknown {
  try {
    const value = call(...point);
    if (scalarOf(value) !== null) return value;
  } catch {
    // Not a function of numbers; an error of its own shows again below.
  }
  return noGrad(() => call(...point.map((v) => scalarTensor(v, "float64"))));
}

/**
 * The slope of a function: by automatic differentiation if it is one of tensors, else by central differences.
 *
 * @param f The function.
 * @param x The point.
 * @returns The slope; of a function of numbers to about ten digits.
 */
export function slopeAt(f: Drawable, x: number): number {
  const numbers = pointwise(f, Float64Array.of(x));
  if (!(numbers instanceof Float64Array)) {
    return enableGrad(() => {
      const at = scalarTensor(x, "float64").requiresGrad_();
      const y = f(at);
      if (!(y instanceof Tensor)) throw new TypeError(`the function must give a tensor, got ${describe(y)}`);
      return y.requiresGrad ? grad(y, at, { materializeGrads: true })[0]!.item() as number : 0;
    });
  }
  const h = Math.cbrt(Number.EPSILON) * Math.max(1, Math.abs(x));
  const [low, high] = sample(f, Float64Array.of(x - h, x + h));
  return (high - low) / ((x + h) - (x - h));
}
