/**
 * Values of functions of one or two numbers, whatever they give: numbers, or tensors.
 * @module
 */

import { describe, toVector } from "./values.ts";

/** A function to draw: of a number or a tensor, giving a number or a tensor. */
// deno-lint-ignore no-explicit-any
export type Drawable = (x: any) => unknown;

/** Makes a one-dimensional tensor of numbers. */
export type TensorFactory = (values: Float64Array) => unknown;

let makeTensor: TensorFactory | null = null;

/**
 * Tells the plots how to make tensors, so that functions of tensors can be drawn. The package of tensors calls
 * this; without it, functions must take numbers.
 *
 * @param factory Makes a one-dimensional tensor.
 */
export function registerTensorFactory(factory: TensorFactory): void {
  makeTensor = factory;
}

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

/** The values of a function of tensors: of all points at once, or of one-element tensors. */
function throughTensors(f: Drawable, xs: Float64Array, make: TensorFactory): Float64Array<ArrayBuffer> {
  const whole = f(make(xs));
  if (typeof (whole as { toArray?: unknown } | null)?.toArray === "function") {
    const ys = (whole as { toArray(): unknown }).toArray();
    if (Array.isArray(ys) && ys.length === xs.length) return toVector(ys, "the function's values");
  }
  return Float64Array.from(xs, (x) => {
    const y = scalarOf(f(make(Float64Array.of(x))));
    if (y === null) throw new TypeError("the function must give a number or a tensor of one element");
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
  if (makeTensor === null) throw values.error;
  return throughTensors(f, xs, makeTensor);
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
  f: (x: number, y: number) => unknown,
  xs: Float64Array,
  ys: Float64Array,
): Float64Array<ArrayBuffer>[] {
  return Array.from(ys, (y) =>
    Float64Array.from(xs, (x) => {
      const value = f(x, y);
      const z = scalarOf(value);
      if (z === null) throw new TypeError(`the function must give a number, got ${describe(value)}`);
      return z;
    }));
}

/**
 * The slope of a function by central differences.
 *
 * @param f The function.
 * @param x The point.
 * @returns The slope, to about ten digits.
 */
export function slopeAt(f: Drawable, x: number): number {
  const h = Math.cbrt(Number.EPSILON) * Math.max(1, Math.abs(x));
  const [low, high] = sample(f, Float64Array.of(x - h, x + h));
  return (high - low) / ((x + h) - (x - h));
}
