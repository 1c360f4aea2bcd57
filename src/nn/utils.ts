/**
 * Helpers for parameters and their gradients: PyTorch's `nn.utils`.
 * @module
 */

import { gradientOf } from "../autograd/accumulate.ts";
import { noGrad } from "../autograd/modes.ts";
import { cat, stack } from "../ops/view/join.ts";
import { norm } from "../ops/reduce/norm.ts";
import { clampMax } from "../ops/select.ts";
import { shapeText } from "../tensor/shape.ts";
import { checkKeys, checkNumber, checkTensor, checkTensors } from "../tensor/arguments.ts";
import { tensor } from "../tensor/create.ts";
import { isFloatingPoint, typeName } from "../tensor/dtype.ts";
import { allocateTensor, Tensor } from "../tensor/tensor.ts";

type Tensors = Tensor | Iterable<Tensor>;

function listOf(tensors: unknown, caller: string): readonly Tensor[] {
  if (tensors instanceof Tensor) return [tensors];
  const iterable = typeof tensors === "object" && tensors !== null && Symbol.iterator in tensors;
  return checkTensors(iterable ? [...tensors as Iterable<Tensor>] : tensors, caller, "parameters");
}

function gradsOf(parameters: Tensors, caller: string): Tensor[] {
  return listOf(parameters, caller).map(gradientOf).filter((g): g is Tensor => g !== null);
}

/** Options of {@linkcode clipGradNorm_}. */
export interface ClipNormOptions {
  /** Which norm: 2 (the default), any other number, or Infinity for the largest element. */
  readonly normType?: number;
  /** Throw if the norm is not finite; false. */
  readonly errorIfNonfinite?: boolean;
}

/** The norm of the tensors' norms, where the first one is: nothing is read. */
function normOnDevice(list: readonly Tensor[], normType: number): Tensor {
  const { device } = list[0];
  const norms = noGrad(() => stack(list.map((g) => norm(g.detach(), normType).to(device))));
  return list.length === 1 ? norms.reshape([]) : norm(norms, normType);
}

/** The norm of all gradients as if they were one vector. */
export function getTotalNorm(grads: Tensors, normType = 2): Tensor {
  const list = listOf(grads, "getTotalNorm");
  checkNumber(normType, "getTotalNorm", "normType");
  if (list.some((g) => g.device !== "cpu")) return normOnDevice(list, normType);
  let sum = 0;
  for (const g of list) {
    if (!isFloatingPoint(g.dtype)) {
      throw new TypeError(
        `linalg.vectorNorm: Expected a floating point or complex tensor as input. Got ${typeName(g.dtype)}`,
      );
    }
    const data = g.detach().contiguous().typedArray() as Float64Array;
    if (normType === Infinity) {
      for (let i = 0; i < data.length; i++) {
        const x = Math.abs(data[i]);
        if (x > sum || x !== x) sum = x;
      }
    } else if (normType === 2) { for (let i = 0; i < data.length; i++) sum += data[i] * data[i]; }
    else for (let i = 0; i < data.length; i++) sum += Math.abs(data[i]) ** normType;
  }
  const size = normType === Infinity ? sum : normType === 2 ? Math.sqrt(sum) : sum ** (1 / normType);
  return tensor(size, { dtype: list[0]?.dtype ?? "float32" });
}

/**
 * Makes the gradients smaller, in place and all by the same factor, if their norm is larger than `maxNorm`. Returns the
 * norm from before.
 */
export function clipGradNorm_(parameters: Tensors, maxNorm: number, options: ClipNormOptions = {}): Tensor {
  checkKeys(options, "clipGradNorm_", ["normType", "errorIfNonfinite"]);
  checkNumber(maxNorm, "clipGradNorm_", "maxNorm");
  const grads = gradsOf(parameters, "clipGradNorm_");
  const total = getTotalNorm(grads, options.normType ?? 2);
  if (total.device !== "cpu" && !(options.errorIfNonfinite ?? false)) {
    noGrad(() => {
      const factor = clampMax(total.add(1e-6).reciprocal().mul(maxNorm), 1);
      for (const g of grads) g.mul_(factor.to(g.device));
    });
    return total;
  }
  const size = total.item() as number;
  if ((options.errorIfNonfinite ?? false) && !Number.isFinite(size)) {
    throw new RangeError(
      `The total norm of order ${
        options.normType ?? 2
      } for gradients from \`parameters\` is non-finite, so it cannot ` +
        "be clipped.",
    );
  }
  const factor = Math.min(maxNorm / (size + 1e-6), 1);
  if (factor !== 1 || Number.isNaN(factor)) {
    noGrad(() => {
      for (const g of grads) g.mul_(factor);
    });
  }
  return total;
}

/** Brings every element of the gradients into [-clipValue, clipValue], in place. */
export function clipGradValue_(parameters: Tensors, clipValue: number): void {
  checkNumber(clipValue, "clipGradValue_", "clipValue");
  const grads = gradsOf(parameters, "clipGradValue_");
  noGrad(() => {
    for (const g of grads) g.copy_(g.clamp({ min: -clipValue, max: clipValue }));
  });
}

/** All parameters as one vector, in order. Gradients flow. */
export function parametersToVector(parameters: Iterable<Tensor>): Tensor {
  const list = listOf(parameters, "parametersToVector").map((p) => p.reshape(-1));
  if (list.length === 0) return allocateTensor([0], "float32");
  return list.length === 1 ? list[0] : cat(list);
}

/** Writes the parts of a vector into parameters, in order. */
export function vectorToParameters(vector: Tensor, parameters: Iterable<Tensor>): void {
  checkTensor(vector, "vectorToParameters", "vec", 1);
  const list = listOf(parameters, "vectorToParameters");
  const total = list.reduce((n, p) => n + p.numel(), 0);
  if (vector.ndim !== 1 || vector.numel() < total) {
    throw new TypeError(
      `vectorToParameters(): the parameters need a vector of ${total} elements, got shape ${
        shapeText(vector.shape)
      }`,
    );
  }
  let at = 0;
  noGrad(() => {
    for (const p of list) {
      const count = p.numel();
      p.copy_(vector.narrow(0, at, count).reshape(p.shape));
      at += count;
    }
  });
}
