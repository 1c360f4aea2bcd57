/**
 * What the products of fixed rank are made of. For the inside of the house.
 * @module
 */

import { gemm, type Matrix } from "../../backend/gemm.ts";
import { differentDevices } from "../../tensor/device.ts";
import { category, type DType, typeName } from "../../tensor/dtype.ts";
import { frozen, type Shape, shapeText } from "../../tensor/shape.ts";
import { type Tensor, unwrittenTensor } from "../../tensor/tensor.ts";
import { copyInto } from "../core/copy.ts";
import { mul } from "../pointwise.ts";
import { record, recordInPlace, type Rule, type RuleNode, type Save } from "../core/record.ts";
import { expand } from "../view/view.ts";

/** Options of products that add to something: `beta * input + alpha * product`. */
export interface AddProductOptions {
  /** Factor of what is added to; 1. With 0, its values do not count, not even NaN. */
  readonly beta?: number;
  /** Factor of the product; 1. */
  readonly alpha?: number;
}

// ---- checks -------------------------------------------------------------------------------------------------------

/** Throws for bools, which have no products. */
export function refuseBool(dtype: DType, kernel: string): void {
  if (dtype === "bool") throw new TypeError(`"${kernel}" not implemented for 'Bool'`);
}

/** The checked factors of a product that adds. */
export function factors(
  options: AddProductOptions,
  dtype: DType,
  caller: string,
): { beta: number; alpha: number } {
  for (const key in options) {
    if (key === "beta" || key === "alpha") continue;
    throw new TypeError(`${caller}() has no option ${JSON.stringify(key)}: use beta, alpha`);
  }
  const { beta = 1, alpha = 1 } = options;
  checkFactor("beta", beta, dtype, caller);
  checkFactor("alpha", alpha, dtype, caller);
  return { beta, alpha };
}

function checkFactor(name: string, value: unknown, dtype: DType, caller: string): void {
  if (typeof value !== "number") throw new TypeError(`${caller}(): ${name} must be a number`);
  if (category(dtype) < 2 && !Number.isInteger(value)) {
    throw new TypeError(
      `For integral input tensors, argument ${name} must not be a floating point number.`,
    );
  }
}

/** Throws unless all dtypes are one, and not bool. */
export function checkSame(caller: string, ...tensors: Tensor[]): void {
  const odd = tensors.find((x) => x.dtype !== tensors[0].dtype);
  if (odd !== undefined) {
    throw new TypeError(
      `${caller}: expected scalar type ${typeName(tensors[0].dtype)} but found ${typeName(odd.dtype)}`,
    );
  }
  const away = tensors.find((x) => x.device !== tensors[0].device);
  if (away !== undefined) throw differentDevices(tensors[0].device, away.device);
  refuseBool(tensors[0].dtype, caller);
}

// ---- without history ----------------------------------------------------------------------------------------------

/** The last two dimensions as a matrix in memory. */
export function matrixOf(x: Tensor, offset: number = x.offset): Matrix {
  const n = x.ndim;
  return { data: x.storage.memory, offset, rowStride: x.strides[n - 2], columnStride: x.strides[n - 1] };
}

/** A vector as one column. */
export function columnOf(x: Tensor): Matrix {
  return { data: x.storage.memory, offset: x.offset, rowStride: x.strides[0], columnStride: 1 };
}

/** `out = alpha * a @ b + beta * added`; null adds what `out` holds, the only way on the CPU. */
export function multiply(
  a: Tensor,
  b: Tensor,
  out: Tensor,
  alpha = 1,
  beta = 0,
  added: Tensor | null = null,
): Tensor {
  const size = { m: a.shape[0], n: b.shape[1], k: a.shape[1] };
  const more = added === null ? null : matrixOf(added);
  gemm(size, matrixOf(a), matrixOf(b), matrixOf(out), out.dtype, alpha, beta, 1, more);
  return out;
}

/** `out = alpha * a @ x + beta * added` for a vector x. */
export function multiplyVector(
  a: Tensor,
  x: Tensor,
  out: Tensor,
  alpha = 1,
  beta = 0,
  added: Tensor | null = null,
): Tensor {
  const size = { m: a.shape[0], n: 1, k: a.shape[1] };
  const more = added === null ? null : columnOf(added);
  gemm(size, matrixOf(a), columnOf(x), columnOf(out), out.dtype, alpha, beta, 1, more);
  return out;
}

/** For each batch `out[i] = alpha * a[i] @ b[i] + beta * added[i]`. */
export function multiplyBatches(
  a: Tensor,
  b: Tensor,
  out: Tensor,
  alpha = 1,
  beta = 0,
  added: Tensor | null = null,
): Tensor {
  const size = { m: a.shape[1], n: b.shape[2], k: a.shape[2] };
  const batch = (x: Tensor) => ({ ...matrixOf(x), batchStride: x.strides[0] });
  const more = added === null ? null : batch(added);
  gemm(size, batch(a), batch(b), batch(out), out.dtype, alpha, beta, a.shape[0], more);
  return out;
}

/** What a product is added to: a copy of `input` in the result's shape. With beta 0 nothing is read. */
export function startOf(input: Tensor, shape: Shape, beta: number): Tensor {
  const wide = expand(input.detach(), shape);
  const out = unwrittenTensor(frozen(shape), input.dtype, input.device);
  if (beta !== 0) copyInto(out, wide);
  return out;
}

/**
 * `beta * input + alpha * product` in memory of its own; `product` computes it. On devices whose kernels add by themselves nothing
 * is copied first: they get what is to be added, else null.
 */
export function adding(
  input: Tensor,
  shape: Shape,
  beta: number,
  product: (out: Tensor, added: Tensor | null) => Tensor,
): Tensor {
  if (input.device === "cpu" || beta === 0) return product(startOf(input, shape, beta), null);
  const added = expand(input.detach(), shape);
  return product(unwrittenTensor(frozen(shape), input.dtype, input.device), added);
}

// ---- gradients ----------------------------------------------------------------------------------------------------

/** A tensor times a number; itself for 1. */
export const times = (x: Tensor, factor: number): Tensor => factor === 1 ? x : mul(x, factor);

/** A tensor to save if the gradient of the other factor is wanted. */
export const savedFor = (x: Tensor, other: Tensor): Tensor | null => other.requiresGrad ? x : null;

/** What every product that adds remembers. */
export interface Added {
  readonly beta: number;
  readonly alpha: number;
  readonly selfSymSizes: Shape;
}

/** The gradient of what a product was added to. */
export function inputGradient<A extends Added>(g: Tensor, node: RuleNode<A>): Tensor | null {
  return node.needs(0) ? times(g, node.args.beta).sumToSize(node.args.selfSymSizes) : null;
}

// ---- products that add -------------------------------------------------------------------------------------------

/** A product that adds to its first argument: the parts that its plain and its in-place form share. */
export interface Prepared<A extends Added> {
  readonly rule: Rule<A>;
  readonly args: A;
  readonly out: Tensor;
  readonly save: Save;
}

/** The result as a new tensor with its history. */
export function finishNew<A extends Added>(p: Prepared<A>, inputs: readonly Tensor[]): Tensor {
  return record(p.rule, p.out, inputs, p.args, p.save);
}

/** The result written into the first input, with its history. */
export function finishInPlace<A extends Added>(p: Prepared<A>, inputs: readonly Tensor[]): Tensor {
  const self = inputs[0];
  if (p.out.ndim !== self.ndim || p.out.shape.some((s, i) => s !== self.shape[i])) {
    throw new TypeError(
      `output with shape ${shapeText(self.shape)} doesn't match the broadcast shape ${
        shapeText(p.out.shape)
      }`,
    );
  }
  return recordInPlace(p.rule, self, inputs, p.args, () => copyInto(self, p.out), p.save);
}
