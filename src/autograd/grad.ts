/**
 * Gradients as values: PyTorch's `torch.autograd.grad`.
 * @module
 */

import { checkKeys, tensorList } from "../tensor/arguments.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { rootGradient, runBackward, startList } from "./engine.ts";

/** Options of {@linkcode grad}. */
export interface GradOptions<Unused extends boolean = boolean> {
  /** The gradients of the outcome with respect to `outputs`; may be left out for outputs of one element. */
  readonly gradOutputs?: Tensor | null | readonly (Tensor | null)[];
  /** Keep the graph for another pass; by default what `createGraph` is. */
  readonly retainGraph?: boolean;
  /** Record the pass, so that the gradients can be differentiated. */
  readonly createGraph?: boolean;
  /** Give null for an input that the outputs do not depend on, instead of throwing. */
  readonly allowUnused?: Unused;
  /** Give zeros for an input that the outputs do not depend on. */
  readonly materializeGrads?: boolean;
}

/**
 * The gradients of the sum of `outputs` (weighted by `gradOutputs`) with respect to each of `inputs`. Nothing is added to
 * `.grad`.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * const x = dg.tensor(2, { requiresGrad: true });
 * const [dy] = dg.autograd.grad(x.pow(3), x, { createGraph: true }); // 12
 * const [d2y] = dg.autograd.grad(dy, x); // 12
 * ```
 */
export function grad(
  outputs: Tensor | readonly Tensor[],
  inputs: Tensor | readonly Tensor[],
  options: GradOptions<true> & { readonly allowUnused: true },
): (Tensor | null)[];
export function grad(
  outputs: Tensor | readonly Tensor[],
  inputs: Tensor | readonly Tensor[],
  options?: GradOptions<false>,
): Tensor[];
export function grad(
  outputs: Tensor | readonly Tensor[],
  inputs: Tensor | readonly Tensor[],
  options: GradOptions = {},
): (Tensor | null)[] {
  const roots = tensorList(outputs, "grad", "outputs"), wanted = tensorList(inputs, "grad", "inputs");
  checkKeys(options, "grad", [
    "gradOutputs",
    "retainGraph",
    "createGraph",
    "allowUnused",
    "materializeGrads",
  ]);
  if (wanted.length === 0) throw new TypeError("grad requires non-empty inputs.");
  for (const t of wanted) {
    if (!t.requiresGrad) throw new TypeError("One of the differentiated Tensors does not require grad");
  }
  const given = options.gradOutputs;
  const list = startList(given, "grad", "gradOutputs");
  const starts = roots.map((t, i) => rootGradient(t, list[i], i));
  const createGraph = options.createGraph ?? false;
  const results = runBackward(roots, starts, {
    retainGraph: options.retainGraph ?? createGraph,
    createGraph,
    inputs: wanted,
    capture: true,
  });
  return results.map((g, i) => {
    if (g !== null) return g;
    if (options.materializeGrads) return wanted[i].newZeros(wanted[i].shape);
    if (options.allowUnused) return null;
    throw new TypeError(
      `The differentiated Tensor at index ${i} appears to not have been used in the graph. Set allowUnused: true if this ` +
        "is the desired behavior.",
    );
  });
}
