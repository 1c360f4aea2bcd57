/**
 * Operations made of others that are one node in the graph: the backward pass computes them once more, so that nothing in between
 * is kept.
 * @module
 */

import { grad } from "../../autograd/grad.ts";
import { enableGrad, mode } from "../../autograd/modes.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { record, type Rule } from "./record.ts";

/** Computes `fn` of tensors as one operation, whose node has this name. Gradients of any order come from those of the parts. */
export function composite(
  name: string,
  inputs: readonly (Tensor | null)[],
  fn: (...inputs: (Tensor | null)[]) => Tensor,
  args: object = {},
): Tensor {
  const rule: Rule<object> = {
    name,
    backward: (g, node) => {
      const given = inputs.map((t, i) => t === null ? null : node.tensor(`input${i}`));
      const create = mode.grad;
      const again = given.map((t, i) => {
        if (t === null || !node.needs(i)) return t === null ? null : t.detach();
        return create ? t : t.detach().requiresGrad_();
      });
      const out = enableGrad(() => fn(...again));
      const wanted = again.filter((t, i) => t !== null && node.needs(i)) as Tensor[];
      const grads = grad(out, wanted, {
        gradOutputs: g,
        createGraph: create,
        allowUnused: true,
      }) as (Tensor | null)[];
      return again.map((t, i) => t !== null && node.needs(i) ? grads.shift()! : null);
    },
  };
  const save = Object.fromEntries(inputs.map((t, i) => [`input${i}`, t]));
  return record(rule, fn(...inputs.map((t) => t === null ? null : t.detach())), inputs, args, save);
}
