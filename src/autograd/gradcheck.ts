/**
 * Checks gradients against differences of function values.
 * @module
 */

import { isFloatingPoint } from "../tensor/dtype.ts";
import { shapeText } from "../tensor/shape.ts";
import { checkFunction, checkKeys, tensorList } from "../tensor/arguments.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { warn } from "../warn.ts";
import { grad } from "./grad.ts";
import { enableGrad, noGrad } from "./modes.ts";

/** Options of {@linkcode gradcheck}. */
export interface GradcheckOptions {
  /** Step of the differences. */
  readonly eps?: number;
  /** Allowed absolute error. */
  readonly atol?: number;
  /** Allowed relative error. */
  readonly rtol?: number;
  /** Throw on a mismatch (the default), or return false. */
  readonly raiseException?: boolean;
}

/** A function to check: of tensors, giving one or several. */
export type CheckedFunction = (...inputs: Tensor[]) => Tensor | readonly Tensor[];

/** Thrown when a gradient is wrong. */
export class GradcheckError extends TypeError {
  override name = "GradcheckError";
}

/**
 * Whether the gradients of `fn` agree with central differences, for every floating-point output and every input that requires
 * a gradient. Use float64 inputs.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * const x = dg.tensor([0.3, 0.7], { dtype: "float64", requiresGrad: true });
 * dg.autograd.gradcheck((x) => x.sin().mul(x), x); // true
 * ```
 */
export function gradcheck(
  fn: CheckedFunction,
  inputs: Tensor | readonly Tensor[],
  options: GradcheckOptions = {},
): boolean {
  const keys = ["eps", "atol", "rtol", "raiseException"];
  const { eps = 1e-6, atol = 1e-5, rtol = 1e-3, raiseException = true } = checkKeys(
    options,
    "gradcheck",
    keys,
  );
  checkFunction(fn, "gradcheck", "fn");
  const xs = tensorList(inputs, "gradcheck", "inputs");
  const checked = xs.map((x, i) => ({ x, i })).filter(({ x }) => x.requiresGrad);
  if (checked.length === 0) {
    throw new TypeError(
      "gradcheck expects at least one input tensor to require gradient, but none of them has it.",
    );
  }
  for (const { x, i } of checked) {
    if (x.dtype !== "float64") {
      warn(
        `Input #${i} requires gradient and is not a double precision floating point. This check will likely fail if all ` +
          "the inputs are not of double precision floating point.",
      );
    }
    if (x.shape.some((s, d) => s > 1 && x.strides[d] === 0)) {
      throw new TypeError(
        `The ${i}th input has a dimension with stride 0. gradcheck only supports inputs that are non-overlapping to be ` +
          "able to compute the numerical gradients correctly. You should call .contiguous on the input.",
      );
    }
  }
  const run = () => results(fn, xs, "gradcheck").filter((t) => isFloatingPoint(t.dtype));
  const outs = enableGrad(run);
  const numeric = checked.map(({ x }) => numericJacobian(run, x, eps));
  for (let o = 0; o < outs.length; o++) {
    for (let c = 0; c < checked.length; c++) {
      const analytic = analyticJacobian(outs[o], checked[c].x);
      const worst = mismatch(analytic, numeric[c][o], atol, rtol);
      if (worst === null) continue;
      if (!raiseException) return false;
      throw new GradcheckError(
        `Jacobian mismatch for output ${o} with respect to input ${
          checked[c].i
        }: at element ${worst.row} of the output ` +
          `(shape ${shapeText(outs[o].shape)}) and ${worst.column} of the input (shape ${
            shapeText(checked[c].x.shape)
          }) ` +
          `the numerical derivative is ${worst.numeric} and the analytical one ${worst.analytic}.`,
      );
    }
  }
  return true;
}

function results(fn: CheckedFunction, xs: readonly Tensor[], caller: string): readonly Tensor[] {
  return tensorList(fn(...xs), caller, "fn(...inputs)");
}

/** By output: rows of the Jacobian, one for each element of the output. */
type Rows = Float64Array[];

function values(t: Tensor): Float64Array {
  return Float64Array.from(t.detach().typedArray() as Float64Array, Number);
}

function numericJacobian(run: () => readonly Tensor[], x: Tensor, eps: number): Rows[] {
  // Written through `.data`: autograd must not see it.
  const flat = x.data, count = x.numel();
  const result: Rows[] = [];
  noGrad(() => {
    for (let k = 0; k < count; k++) {
      const place = placeOf(flat, k), before = flat.storage.get(place) as number;
      const shifted = (by: number) => {
        flat.storage.set(place, before + by);
        try {
          return run().map(values);
        } finally {
          flat.storage.set(place, before);
        }
      };
      const high = shifted(eps), low = shifted(-eps);
      high.forEach((h, o) => {
        const rows = result[o] ??= Array.from({ length: h.length }, () => new Float64Array(count));
        for (let r = 0; r < h.length; r++) rows[r][k] = (h[r] - low[o][r]) / (2 * eps);
      });
    }
  });
  return result;
}

/** Where in memory the element number `index` is. */
function placeOf(t: Tensor, index: number): number {
  let place = t.offset;
  for (let d = t.ndim - 1; d >= 0; d--) {
    place += (index % t.shape[d]) * t.strides[d];
    index = Math.floor(index / t.shape[d]);
  }
  return place;
}

function analyticJacobian(out: Tensor, x: Tensor): Rows {
  const count = out.numel();
  if (!out.requiresGrad) return Array.from({ length: count }, () => new Float64Array(x.numel()));
  return Array.from({ length: count }, (_, r) => {
    const start = out.newZeros(out.shape);
    start.storage.set(placeOf(start, r), 1);
    const [g] = grad(out, x, { gradOutputs: start, retainGraph: true, allowUnused: true });
    return g === null ? new Float64Array(x.numel()) : values(g);
  });
}

function mismatch(
  analytic: Rows,
  numeric: Rows | undefined,
  atol: number,
  rtol: number,
): { row: number; column: number; analytic: number; numeric: number } | null {
  for (let row = 0; row < analytic.length; row++) {
    for (let column = 0; column < analytic[row].length; column++) {
      const a = analytic[row][column], n = numeric![row][column];
      if (Math.abs(a - n) <= atol + rtol * Math.abs(n) || (Number.isNaN(a) && Number.isNaN(n))) continue;
      return { row, column, analytic: a, numeric: n };
    }
  }
  return null;
}

/**
 * Whether second derivatives agree with differences of first ones: {@linkcode gradcheck} of the gradient as a function of the
 * inputs and of what the backward pass starts from.
 */
export function gradgradcheck(
  fn: CheckedFunction,
  inputs: Tensor | readonly Tensor[],
  options: GradcheckOptions = {},
): boolean {
  checkFunction(fn, "gradgradcheck", "fn");
  const xs = tensorList(inputs, "gradgradcheck", "inputs");
  const run = (args: readonly Tensor[]) => results(fn, args, "gradgradcheck").filter((t) => t.requiresGrad);
  const starts = enableGrad(() => run(xs)).map((out, o) => {
    const start = out.newZeros(out.shape);
    // Fixed values that are not all alike, so that a wrong factor shows.
    for (let i = 0; i < start.numel(); i++) start.storage.set(i, 0.6 + 0.7 * Math.sin(1 + i + 3 * o));
    return start.requiresGrad_();
  });
  const gradient = (...args: Tensor[]): Tensor[] =>
    enableGrad(() => {
      const ins = args.slice(0, xs.length), wanted = ins.filter((_, i) => xs[i].requiresGrad);
      const outs = run(ins);
      const grads = grad(outs, wanted, {
        gradOutputs: args.slice(xs.length),
        createGraph: true,
        allowUnused: true,
      });
      return grads.filter((g) => g !== null);
    });
  return gradcheck(gradient, [...xs, ...starts], options);
}
