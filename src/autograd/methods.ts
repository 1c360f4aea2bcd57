/**
 * Gradients as methods of tensors.
 * @module
 */

import { brief } from "../tensor/describe.ts";
import { checkFlag, checkFunction, checkKeys, checkTensor, tensorList } from "../tensor/arguments.ts";
import { isFloatingPoint } from "../tensor/dtype.ts";
import { installMethods, Tensor } from "../tensor/tensor.ts";
import { warn } from "../warn.ts";
import { type AccumulateGrad, dropGradient } from "./accumulate.ts";
import { rootGradient, runBackward, startList } from "./engine.ts";
import { gradientEdge, inferenceTensors, metaOf, outputIndex } from "./graph.ts";
import type { GradHook, Node } from "./node.ts";

/** Options of {@linkcode backward}. */
export interface BackwardOptions {
  /** The gradient of the outcome with respect to this tensor; may be left out for one element. */
  readonly gradient?: Tensor | null;
  /** Keep the graph for another pass; by default what `createGraph` is. */
  readonly retainGraph?: boolean;
  /** Record the pass, so that the gradients can be differentiated. */
  readonly createGraph?: boolean;
  /** Add to the `.grad` of these tensors only. */
  readonly inputs?: Tensor | readonly Tensor[];
}

/** A hook that can be taken off again. */
export interface HookHandle {
  /** Takes the hook off. */
  remove(): void;
}

/**
 * Computes the gradients of the sum of `tensors` (weighted by `gradients`) with respect to the leaves, and adds them to the
 * leaves' `.grad`. PyTorch's `torch.autograd.backward`.
 */
export function backward(
  tensors: Tensor | readonly Tensor[],
  gradients?: Tensor | null | readonly (Tensor | null)[],
  options: Omit<BackwardOptions, "gradient"> = {},
): void {
  const roots = tensorList(tensors, "backward", "tensors");
  checkKeys(options, "backward", backwardOptions);
  run(roots, startList(gradients, "backward", "gradients"), options);
}

/** {@linkcode backward} with checked arguments. */
function run(
  roots: readonly Tensor[],
  given: readonly (Tensor | null | undefined)[],
  options: BackwardOptions,
): void {
  const inputs = options.inputs === undefined ? undefined : tensorList(options.inputs, "backward", "inputs");
  if (inputs !== undefined && inputs.length === 0) {
    throw new TypeError("'inputs' argument to backward() cannot be empty.");
  }
  const grads: Tensor[] = new Array(roots.length);
  for (let i = 0; i < roots.length; i++) grads[i] = rootGradient(roots[i], given[i], i);
  const createGraph = options.createGraph ?? false;
  if (createGraph) {
    warn(
      "Using backward() with createGraph: true will create a reference cycle between the parameter and its gradient which " +
        "can cause a memory leak. We recommend using autograd.grad when creating the graph to avoid this. If you have to " +
        "use this function, make sure to reset the .grad fields of your parameters to null after use to break the cycle " +
        "and avoid the leak.",
    );
  }
  const results = runBackward(roots, grads, {
    retainGraph: options.retainGraph ?? createGraph,
    createGraph,
    inputs,
  });
  inputs?.forEach((t, i) => {
    const grad = results[i];
    if (t.isLeaf || grad === null) return; // a leaf's accumulator has added it already
    const meta = metaOf(t);
    meta.grad = meta.grad === null ? grad.detach().clone() : meta.grad.add(grad.detach());
  });
}

/** Asks for gradients with respect to a leaf, in place; returns the same tensor. */
function requiresGrad_(self: Tensor, value: boolean): Tensor {
  if (!self.isLeaf) {
    if (value) return self;
    throw new TypeError(
      "you can only change requires_grad flags of leaf variables. If you want to use a computed variable in a subgraph that " +
        "doesn't require differentiation use varNoGrad = var.detach().",
    );
  }
  if (value && !isFloatingPoint(self.dtype)) {
    throw new TypeError("only Tensors of floating point dtype can require gradients");
  }
  if (value && inferenceTensors.has(self)) {
    throw new TypeError(
      "Setting requires_grad=True on inference tensor outside InferenceMode is not allowed.",
    );
  }
  if (value || self.meta !== null) metaOf(self).requiresGrad = value;
  return self;
}

function retainGrad(self: Tensor): void {
  if (!self.requiresGrad) throw new TypeError("can't retain_grad on Tensor that has requires_grad=False");
  const node = self.gradFn, meta = metaOf(self);
  if (node === null || meta.retainsGrad) return;
  meta.retainsGrad = true;
  (node.retaining ??= []).push({ output: outputIndex(self), tensor: self });
}

function registerHook(self: Tensor, hook: GradHook): HookHandle {
  if (!self.requiresGrad) {
    throw new TypeError("cannot register a hook on a tensor that doesn't require gradient");
  }
  checkFunction(hook, "registerHook", "hook");
  const node = gradientEdge(self)!, entry = { output: outputIndex(self), hook };
  (node.hooks ??= []).push(entry);
  return { remove: () => void (node.hooks = without(node.hooks, entry)) };
}

function registerPostAccumulateGradHook(self: Tensor, hook: (leaf: Tensor) => void): HookHandle {
  if (!self.requiresGrad || !self.isLeaf) {
    throw new TypeError("post accumulate grad hooks cannot be registered on non-leaf tensors");
  }
  checkFunction(hook, "registerPostAccumulateGradHook", "hook");
  const node = gradientEdge(self) as AccumulateGrad;
  (node.postHooks ??= []).push(hook);
  return { remove: () => void (node.postHooks = without(node.postHooks, hook)) };
}

function without<T>(list: T[] | null, entry: T): T[] | null {
  const rest = (list ?? []).filter((x) => x !== entry);
  return rest.length === 0 ? null : rest;
}

function setGrad(self: Tensor, grad: Tensor | null): void {
  if (grad === null || grad === undefined) {
    dropGradient(self);
    return;
  }
  if (!(grad instanceof Tensor)) {
    throw new TypeError(`assigned grad expected to be a Tensor or null but got ${brief(grad)}`);
  }
  if (grad === self) throw new TypeError("can't assign Variable as its own grad");
  if (grad.device !== self.device) {
    throw new TypeError("assigned grad has data located on a different device");
  }
  if (grad.dtype !== self.dtype) {
    throw new TypeError(
      `attempting to assign a gradient with dtype '${grad.dtype}' to a tensor with dtype '${self.dtype}'`,
    );
  }
  if (grad.shape.length !== self.shape.length || grad.shape.some((s, i) => s !== self.shape[i])) {
    throw new TypeError(
      `attempting to assign a gradient of size '[${grad.shape.join(", ")}]' to a tensor of size '[${
        self.shape.join(", ")
      }]'. Please ensure that the gradient and the tensor are the same size`,
    );
  }
  grad.storage.claimed = grad.storage.seen = true;
  metaOf(self).grad = grad;
}

/** The methods of this family. */
export interface AutogradMethods {
  /**
   * Computes the gradients of this tensor with respect to the leaves and adds them to their `.grad`. A tensor of more than
   * one element needs the gradient of the outcome with respect to it: the vector of the vector-Jacobian product.
   */
  backward(gradient?: Tensor | null | BackwardOptions, options?: BackwardOptions): void;
  /** Asks for gradients with respect to this leaf; returns the same tensor. */
  requiresGrad_(value?: boolean): Tensor;
  /** Makes a non-leaf keep its gradient. */
  retainGrad(): void;
  /** Calls a function with the gradient of this tensor, which it may replace. */
  registerHook(hook: GradHook): HookHandle;
  /** Calls a function after this leaf's `.grad` has been added to. */
  registerPostAccumulateGradHook(hook: (leaf: Tensor) => void): HookHandle;
  /** The setter behind `grad`: checks dtype and shape. */
  setGrad(grad: Tensor | null): void;
  /** Whether this tensor was made in inference mode. */
  isInference(): boolean;
  /** The node that receives this tensor's gradient: its maker, or a leaf's accumulator. */
  gradientEdge(): Node | null;
}

const NO_OPTIONS: BackwardOptions = Object.freeze({});

const backwardOptions = ["gradient", "retainGraph", "createGraph", "inputs"];

const methods: AutogradMethods & ThisType<Tensor> = {
  backward(gradient, options = NO_OPTIONS) {
    const named = gradient !== null && typeof gradient === "object" && !(gradient instanceof Tensor);
    const given = named ? gradient : options;
    if (given !== NO_OPTIONS) checkKeys(given, "backward", backwardOptions);
    const start = named ? gradient.gradient : gradient ?? given.gradient;
    if (start !== undefined && start !== null) checkTensor(start, "backward", "gradient");
    run([this as unknown as Tensor], [start], given);
  },
  requiresGrad_(value = true) {
    checkFlag(value, "requiresGrad_", "requiresGrad");
    return requiresGrad_(this, value);
  },
  retainGrad() {
    retainGrad(this);
  },
  registerHook(hook) {
    return registerHook(this, hook);
  },
  registerPostAccumulateGradHook(hook) {
    return registerPostAccumulateGradHook(this, hook);
  },
  setGrad(grad) {
    setGrad(this, grad);
  },
  isInference() {
    return inferenceTensors.has(this);
  },
  gradientEdge() {
    return gradientEdge(this);
  },
};
installMethods(methods);
