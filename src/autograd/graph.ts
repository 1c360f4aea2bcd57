/**
 * How tensors hang on nodes: edges, leaves' accumulators, saved tensors, and the bookkeeping of in-place writes.
 * @module
 */

import { AutogradMeta } from "../tensor/autograd_meta.ts";
import { isFloatingPoint, typeName } from "../tensor/dtype.ts";
import { hideWrite, recording } from "../tensor/later.ts";
import { shapeText } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { AccumulateGrad } from "./accumulate.ts";
import { mode } from "./modes.ts";
import type { Node } from "./node.ts";
import { freedError } from "./node.ts";

/** The gradient state of a tensor, made if it has none. */
export function metaOf(t: Tensor): AutogradMeta {
  return t.meta ??= new AutogradMeta();
}

/** The node that receives this tensor's gradient: its maker, a leaf's accumulator, or null if none is wanted. */
export function gradientEdge(t: Tensor): Node | null {
  const node = t.gradFn;
  if (node !== null) return node;
  const meta = t.meta;
  if (meta === null || !meta.requiresGrad) return null;
  return meta.accumulator ??= new AccumulateGrad(t);
}

/** Which output of its node a tensor is. */
export function outputIndex(t: Tensor): number {
  return t.node === null || t.meta === null ? 0 : t.meta.outputIndex;
}

/** Whether an operation on these inputs has to be recorded. */
export function anyRequiresGrad(inputs: readonly unknown[]): boolean {
  if (!mode.grad) return false;
  for (const x of inputs) {
    if (typeof x === "object" && x !== null && (x as Tensor).requiresGrad === true) return true;
  }
  return false;
}

/** Where the inputs of an operation came from; see {@linkcode Node}. */
export interface Edges {
  /** The nodes of the inputs; null where an input needs no gradient. */
  readonly next: (Node | null)[];
  /** Which output of `next[i]` the input was; null means 0 everywhere. */
  readonly nextOutputs: number[] | null;
}

/** Edges to the inputs of an operation; null if it need not be recorded. */
export function edgesOf(inputs: readonly unknown[]): Edges | null {
  if (!mode.grad) return null;
  const count = inputs.length;
  let next: (Node | null)[] | null = null, nextOutputs: number[] | null = null;
  for (let i = 0; i < count; i++) {
    const x = inputs[i] as Tensor | null;
    if (typeof x !== "object" || x === null || x.requiresGrad !== true) continue;
    if (next === null) {
      next = new Array(count);
      for (let k = 0; k < count; k++) next[k] = null; // fill() costs more than that
    }
    next[i] = gradientEdge(x);
    const output = outputIndex(x);
    if (output !== 0) (nextOutputs ??= new Array(count).fill(0))[i] = output;
  }
  return next === null ? null : { next, nextOutputs };
}

/** Makes `t` the result number `output` of a node. */
export function setHistory(t: Tensor, node: Node, output = 0): void {
  if (isFloatingPoint(t.dtype)) setMaker(t, node, output);
}

/** {@linkcode setHistory} for a tensor that is known to have a floating-point dtype. */
export function setMaker(t: Tensor, node: Node, output: number): void {
  t.node = node;
  if (output !== 0 || t.meta !== null) metaOf(t).outputIndex = output;
}

// ---- saved tensors ------------------------------------------------------------------------------------------------

/** A tensor kept for the backward pass, with its version at that time. */
export class SavedTensor {
  declare private readonly tensor: Tensor;
  declare private readonly version: number;
  declare private readonly node: Node | null;

  /** Keeps a tensor. */
  constructor(tensor: Tensor) {
    this.tensor = tensor;
    tensor.storage.save();
    this.version = tensor.counter.version;
    this.node = tensor.node;
    if (recording.now !== null) recording.now.save(tensor);
  }

  /** The tensor, if nothing has written to it since. */
  unpack(): Tensor {
    checkVersion(this.tensor, this.version, this.tensor.gradFn === null ? this.node : null);
    return this.tensor;
  }
}

/** Throws if a saved tensor was written after it was saved. `maker` is the node that saved its own result. */
export function checkVersion(t: Tensor, version: number, maker: Node | null): void {
  const now = t.counter.version;
  if (now === version) return;
  const current = maker ?? t.gradFn, output = maker === null ? outputIndex(t) : 0;
  const origin = current === null ? "" : `, which is output ${output} of ${plainName(current)},`;
  throw new TypeError(
    "one of the variables needed for gradient computation has been modified by an inplace operation: " +
      `[torch.${typeName(t.dtype)}Tensor ${
        shapeText(t.shape)
      }]${origin} is at version ${now}; expected version ` +
      `${version} instead. Hint: enable anomaly detection to find the operation that failed to compute its gradient, ` +
      "with autograd.setDetectAnomaly(true, { checkNan: false }).",
  );
}

function plainName(node: Node): string {
  const name = node.name();
  return name === "CopySlices" ? "torch::autograd::CopySlices" : name.replace(/Backward\d*$/, "");
}

/** Reads a list of saved tensors that `release()` may have emptied. */
export function unpackSaved(saved: readonly SavedTensor[] | null, index: number): Tensor {
  if (saved === null) throw freedError();
  return saved[index].unpack();
}

// ---- in-place writes ----------------------------------------------------------------------------------------------

/** Throws where PyTorch forbids writing to a tensor. To be called before anything is changed. */
export function checkInPlace(t: Tensor): void {
  if (recording.now !== null) recording.now.beforeWrite(t.storage);
  if (inferenceTensors.has(t) && !mode.inference) {
    throw new TypeError(
      "Inplace update to inference tensor outside InferenceMode is not allowed.You can make a clone to get a normal " +
        "tensor before doing inplace update.See https://github.com/pytorch/rfcs/pull/17 for more details.",
    );
  }
  if (!mode.grad || (t.node === null && t.meta === null && t.view_ === null)) return;
  const view = t.view_;
  const maker = t.gradFn;
  if (view !== null && maker !== null && maker.outputs > 1) {
    throw new TypeError(
      `Output ${outputIndex(t)} of ${
        plainName(maker)
      } is a view and is being modified inplace. This view is the output ` +
        "of a function that returns multiple views. Such functions do not allow the output views to be modified inplace. " +
        "You should replace the inplace operation by an out-of-place one.",
    );
  }
  if (t.requiresGrad && t.isLeaf) {
    throw new TypeError("a leaf Variable that requires grad is being used in an in-place operation.");
  }
  if (view === null) return;
  if (view.madeInNoGrad && view.base.requiresGrad) {
    throw new TypeError(
      "A view was created in no_grad mode and is being modified inplace with grad mode enabled. Given that this use case " +
        "is ambiguous and error-prone, it is forbidden. You can clarify your code by moving both the view and the inplace " +
        "either both inside the noGrad block (if you don't want the inplace to be tracked) or both outside (if you want " +
        "the inplace to be tracked).",
    );
  }
  if (view.base.requiresGrad && view.base.isLeaf) {
    throw new TypeError(
      "a view of a leaf Variable that requires grad is being used in an in-place operation.",
    );
  }
}

/** Counts a write. To be called after the elements have changed. */
export function bumpVersion(t: Tensor): void {
  const { counter, storage } = t;
  counter.version++;
  if (counter !== storage) hideWrite(storage);
}

/** Tensors made in inference mode. */
export const inferenceTensors: WeakSet<Tensor> = new WeakSet();
