/**
 * Derivatives of functions of tensors: products with Jacobians, whole Jacobians and Hessians. PyTorch's
 * `torch.autograd.functional`.
 * @module
 */

import { brief } from "../tensor/describe.ts";
import { checkFunction, checkKeys, tensorList } from "../tensor/arguments.ts";
import { shapeText } from "../tensor/shape.ts";
import { Tensor } from "../tensor/tensor.ts";
import { grad } from "./grad.ts";
import { enableGrad } from "./modes.ts";

/** One tensor or several. */
export type Tensors = Tensor | readonly Tensor[];

/** A function of one or several tensors that gives one or several. */
export type TensorFunction = (...inputs: Tensor[]) => Tensors;

/** Options of the functions here. */
export interface FunctionalOptions {
  /** Record the computation, so that the result can be differentiated. */
  readonly createGraph?: boolean;
}

/** Checks the function and the options, and reads the one option. */
function checkCall(name: string, fn: unknown, options: FunctionalOptions): boolean {
  checkFunction(fn, name, "fn");
  return checkKeys(options, name, ["createGraph"]).createGraph ?? false;
}

/** Inputs that can be differentiated: fresh leaves, or (to differentiate further) views of the originals. */
function prepare(inputs: Tensors, createGraph: boolean, name: string): Tensor[] {
  return tensorList(inputs, name, "inputs").map((t) => {
    if (createGraph && t.requiresGrad) return t.viewAs(t);
    return t.detach().clone().requiresGrad_();
  });
}

function call(fn: TensorFunction, inputs: readonly Tensor[], name: string): readonly Tensor[] {
  const given = fn(...inputs), outs: readonly unknown[] = Array.isArray(given) ? given : [given];
  for (const out of outs) {
    if (!(out instanceof Tensor)) {
      throw new TypeError(
        `The function given to ${name} must return a Tensor or an array of Tensors, got ${brief(out)}`,
      );
    }
  }
  return outs as readonly Tensor[];
}

/** As many results as inputs, in the form that the inputs had. */
function inFormOf<T>(inputs: Tensors, results: readonly T[]): T | readonly T[] {
  return inputs instanceof Tensor ? results[0] : results;
}

function gradOrZeros(
  outputs: readonly Tensor[],
  inputs: readonly Tensor[],
  gradOutputs: readonly (Tensor | null)[] | undefined,
  createGraph: boolean,
): Tensor[] {
  const used = outputs.map((t, i) => [t, gradOutputs?.[i] ?? null] as const).filter(([t]) => t.requiresGrad);
  if (used.length === 0) return inputs.map((t) => t.newZeros(t.shape));
  return grad(used.map(([t]) => t), inputs, {
    gradOutputs: gradOutputs === undefined ? undefined : used.map(([, g]) => g),
    createGraph,
    retainGraph: true,
    materializeGrads: true,
  }) as Tensor[];
}

function checkVectors(
  v: Tensors | undefined,
  like: readonly Tensor[],
  name: string,
  what: string,
): Tensor[] | undefined {
  if (v === undefined) {
    if (like.length !== 1 || like[0].numel() !== 1) {
      throw new TypeError(
        `The vector v can only be left out if ${what} is a single tensor with one element (in ${name})`,
      );
    }
    return undefined;
  }
  const list = tensorList(v, name, "v");
  if (list.length !== like.length) {
    throw new TypeError(`${name}: v has ${list.length} tensors, but ${what} has ${like.length}`);
  }
  return list.map((t, i) => {
    if (t.shape.length !== like[i].shape.length || t.shape.some((s, d) => s !== like[i].shape[d])) {
      throw new TypeError(
        `${name}: v has invalid size: should be ${shapeText(like[i].shape)} but got ${shapeText(t.shape)}`,
      );
    }
    return t;
  });
}

/** The results of `fn` and the product of `v` with its Jacobian: one backward pass. */
export function vjp(
  fn: TensorFunction,
  inputs: Tensors,
  v?: Tensors,
  options: FunctionalOptions = {},
): [outputs: Tensors, vjp: Tensors] {
  const createGraph = checkCall("vjp", fn, options);
  return enableGrad(() => {
    const xs = prepare(inputs, createGraph, "vjp");
    const outs = call(fn, xs, "vjp");
    const vectors = checkVectors(v, outs, "vjp", "the output");
    const products = gradOrZeros(outs, xs, vectors, createGraph);
    const shown = createGraph ? outs : outs.map((t) => t.detach());
    return [outs.length === 1 ? shown[0] : shown, inFormOf(inputs, products)];
  });
}

/** The results of `fn` and the product of its Jacobian with `v`, by differentiating a backward pass. */
export function jvp(
  fn: TensorFunction,
  inputs: Tensors,
  v?: Tensors,
  options: FunctionalOptions = {},
): [outputs: Tensors, jvp: Tensors] {
  const createGraph = checkCall("jvp", fn, options);
  return enableGrad(() => {
    const xs = prepare(inputs, createGraph, "jvp");
    const vectors = checkVectors(v, xs, "jvp", "the input");
    const outs = call(fn, xs, "jvp");
    // The backward pass is linear in what it starts from, so its derivative with respect to that is the Jacobian.
    const starts = outs.map((t) => t.newZeros(t.shape).requiresGrad_());
    const back = gradOrZeros(outs, xs, starts, true);
    const products = gradOrZeros(back, starts, vectors ?? back.map((t) => t.newOnes(t.shape)), createGraph);
    const shown = createGraph ? outs : outs.map((t) => t.detach());
    return outs.length === 1 ? [shown[0], products[0]] : [shown, products];
  });
}

/**
 * The Jacobian of `fn`: for one input and one output a tensor of the output's shape followed by the input's; for several,
 * arrays by output, then by input.
 */
export function jacobian(
  fn: (...inputs: Tensor[]) => Tensor,
  inputs: Tensor,
  options?: FunctionalOptions,
): Tensor;
export function jacobian(
  fn: (...inputs: Tensor[]) => Tensor,
  inputs: readonly Tensor[],
  options?: FunctionalOptions,
): readonly Tensor[];
export function jacobian(
  fn: TensorFunction,
  inputs: Tensors,
  options?: FunctionalOptions,
): Tensors | readonly Tensors[];
export function jacobian(
  fn: TensorFunction,
  inputs: Tensors,
  options: FunctionalOptions = {},
): Tensors | readonly Tensors[] {
  const createGraph = checkCall("jacobian", fn, options);
  return enableGrad(() => {
    const xs = prepare(inputs, createGraph, "jacobian");
    const result = fn(...xs);
    const outs = call(() => result, xs, "jacobian");
    const rows = outs.map((out) => inFormOf(inputs, jacobianOf(out, xs, createGraph)));
    return (result instanceof Tensor ? rows[0] : rows) as Tensors | readonly Tensors[];
  });
}

function jacobianOf(out: Tensor, xs: readonly Tensor[], createGraph: boolean): Tensor[] {
  const count = out.numel(), flat = out.reshape(-1);
  const rows: Tensor[][] = xs.map(() => []);
  for (let i = 0; i < count; i++) {
    gradOrZeros([flat.select(0, i)], xs, undefined, createGraph).forEach((g, k) => rows[k].push(g));
  }
  return rows.map((list, k) => {
    const whole = xs[k].newZeros([count, ...xs[k].shape]);
    list.forEach((g, i) => whole.select(0, i).copy_(g));
    return whole.reshape([...out.shape, ...xs[k].shape]);
  });
}

/** The Hessian of a function with one result of one element; for several inputs an array of arrays of blocks. */
export function hessian(
  fn: (...inputs: Tensor[]) => Tensor,
  inputs: Tensor,
  options?: FunctionalOptions,
): Tensor;
export function hessian(
  fn: (...inputs: Tensor[]) => Tensor,
  inputs: readonly Tensor[],
  options?: FunctionalOptions,
): readonly (readonly Tensor[])[];
export function hessian(
  fn: (...inputs: Tensor[]) => Tensor,
  inputs: Tensors,
  options: FunctionalOptions = {},
): Tensor | readonly (readonly Tensor[])[] {
  checkCall("hessian", fn, options);
  const gradient = (...xs: Tensor[]): Tensors => {
    const out = fn(...xs);
    if (!(out instanceof Tensor) || out.numel() !== 1) {
      throw new TypeError("The function given to hessian must return a single Tensor with a single element");
    }
    const grads = gradOrZeros([out], xs, undefined, true);
    return inputs instanceof Tensor ? grads[0] : grads;
  };
  // jacobian gives leaves to `gradient`, which differentiates through them once more.
  return jacobian(gradient, inputs, options) as Tensor | readonly (readonly Tensor[])[];
}

/** The value of `fn` and the product of its Hessian with `v`. */
export function hvp(
  fn: (...inputs: Tensor[]) => Tensor,
  inputs: Tensors,
  v?: Tensors,
  options: FunctionalOptions = {},
): [output: Tensor, hvp: Tensors] {
  const createGraph = checkCall("hvp", fn, options);
  return enableGrad(() => {
    const xs = prepare(inputs, createGraph, "hvp");
    const vectors = checkVectors(v, xs, "hvp", "the input");
    const [out] = call(fn, xs, "hvp");
    const gradients = gradOrZeros([out], xs, undefined, true);
    const products = gradOrZeros(gradients, xs, vectors, createGraph); // a Hessian is symmetric
    return [createGraph ? out : out.detach(), inFormOf(inputs, products) as Tensors];
  });
}

/** The value of `fn` and the product of `v` with its Hessian, which is symmetric: the same as {@linkcode hvp}. */
export function vhp(
  fn: (...inputs: Tensor[]) => Tensor,
  inputs: Tensors,
  v?: Tensors,
  options: FunctionalOptions = {},
): [output: Tensor, vhp: Tensors] {
  return hvp(fn, inputs, v, options);
}
