/**
 * Functions that see the gradients of a module's inputs and outputs.
 * @module
 */

import { anyRequiresGrad } from "../autograd/graph.ts";
import { claim } from "../autograd/temporaries.ts";
import { recordAll, type Rule } from "../ops/core/record.ts";
import { windowOn } from "../ops/view/window.ts";
import { Tensor } from "../tensor/tensor.ts";
import { warn } from "../warn.ts";
import type { BackwardHook, Module } from "./module.ts";

type Grads = readonly (Tensor | null)[];

interface Watch {
  readonly see: (grads: Grads) => Grads;
}

/** Passes tensors on unchanged, and their gradients to a function that may replace them. */
const Watching: Rule<Watch> = {
  name: "BackwardHookFunctionBackward",
  backwardAll: (grads, { args }) => {
    grads.forEach(claim);
    const seen = args.see(grads);
    seen.forEach(claim);
    return seen;
  },
};

/** The tensors as results of a node that shows their gradients to `see`; as they are if none requires a gradient. */
function watch(tensors: readonly Tensor[], see: Watch["see"]): readonly Tensor[] {
  if (tensors.length === 0 || !anyRequiresGrad(tensors)) return tensors;
  const outs = tensors.map((t) => windowOn(t, t.shape, t.strides));
  recordAll(Watching, outs, tensors, { see });
  return outs;
}

/** The tensors among the values of a call, which may be nested in arrays one deep. */
function tensorsIn(values: readonly unknown[]): Tensor[] {
  return values.filter((v): v is Tensor => v instanceof Tensor);
}

function replaceTensors(values: readonly unknown[], by: readonly Tensor[]): unknown[] {
  let next = 0;
  return values.map((v) => v instanceof Tensor ? by[next++] : v);
}

/** Calls `run` on the inputs of a module so that the hooks see the gradients of its inputs and outputs. */
export function withBackwardHooks(
  module: Module,
  hooks: readonly BackwardHook[],
  inputs: readonly unknown[],
  run: (inputs: unknown[]) => unknown,
): unknown {
  const given = tensorsIn(inputs);
  const watched = anyRequiresGrad(given);
  let gradOutput: Grads = [];
  const fire = (gradInput: Grads): Grads => {
    let result = gradInput;
    for (const hook of hooks) {
      const replaced = hook(module, result, gradOutput);
      if (replaced === undefined || replaced === null) continue;
      const list = replaced instanceof Tensor ? [replaced] : replaced;
      if (list.length !== result.length) {
        throw new TypeError(
          `Backward hook returned an invalid number of grad_input, got ${list.length}, but expected ${result.length}`,
        );
      }
      result = list;
    }
    return result;
  };
  const output = run(replaceTensors(inputs, watch(given, fire)));
  const several = Array.isArray(output);
  const outs = watch(tensorsIn(several ? output : [output]), (grads) => {
    gradOutput = grads;
    if (!watched) {
      warn(
        "Full backward hook is firing when gradients are computed with respect to module outputs since no inputs require " +
          "gradients. See https://docs.pytorch.org/docs/main/generated/torch.nn.Module.html#torch.nn.Module." +
          "register_full_backward_hook for more details.",
      );
      fire(given.map(() => null));
    }
    return grads;
  });
  return several ? replaceTensors(output, outs) : replaceTensors([output], outs)[0];
}
