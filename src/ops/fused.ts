/**
 * Fused arithmetic of three tensors.
 * @module
 */

import { checkKeys } from "../tensor/arguments.ts";
import { category } from "../tensor/dtype.ts";
import { installMethods, type Tensor } from "../tensor/tensor.ts";
import type { Operand } from "./core/compute.ts";
import type { PointwiseOp } from "./core/pointwise_op.ts";
import { checkOperand, operandTensor, operation, type Plan, run, runInPlace } from "./core/table.ts";

/** Options of {@linkcode addcmul} and {@linkcode addcdiv}. */
export interface ValueOptions {
  /** A factor; 1 by default. */
  readonly value?: number | bigint;
}

const fusedNames = { names: ["self", "tensor1", "tensor2", "value"], follows: [0, 1, 2], parameters: 1 };
const Addcmul = operation("addcmul", "x a b c", "x + c * a * b", fusedNames);
const Addcdiv = operation("addcdiv", "x a b c", "x + c * (a / b)", fusedNames);

function fused(op: PointwiseOp, x: Tensor, a: Tensor, b: Tensor, options: ValueOptions = {}): Plan {
  checkKeys(options, op.name, ["value"]);
  const tensors = [operandTensor(x, op.name), operandTensor(a, op.name), operandTensor(b, op.name)];
  if (op === Addcdiv && category(tensors[1].dtype) < 2 && category(tensors[2].dtype) < 2) {
    throw new TypeError(
      "Integer division with addcdiv is no longer supported, and in a future  release addcdiv will perform a true division " +
        "of tensor1 and tensor2. The historic addcdiv behavior can be implemented as (input + value * trunc(tensor1 / " +
        "tensor2)).to(input.dtype) for integer inputs and as (input + value * tensor1 / tensor2) for float inputs. The " +
        "future addcdiv behavior is just the latter implementation: (input + value * tensor1 / tensor2), for all dtypes.",
    );
  }
  return [op, [...tensors, options.value ?? 1]];
}

/** x + value · a · b. */
export function addcmul(x: Tensor, a: Tensor, b: Tensor, options?: ValueOptions): Tensor {
  return run(fused(Addcmul, x, a, b, options));
}

/** x + value · a / b, for floats. */
export function addcdiv(x: Tensor, a: Tensor, b: Tensor, options?: ValueOptions): Tensor {
  return run(fused(Addcdiv, x, a, b, options));
}

const lerpText = "where(abs(w) < 0.5, a + w * (b - a), b - (b - a) * (1 - w))";
const lerpRule = { grad: ["g * (1 - w)", "g * w", "g * (b - a)"], names: ["self", "end", "weight"] };
const Lerp = operation("lerp", "a b w", lerpText, { ...lerpRule, gradFn: "LerpBackward1" });
const LerpScalar = operation("lerpScalar", "a b w", lerpText, {
  ...lerpRule,
  gradFn: "LerpBackward0",
  parameters: 1,
});

function interpolation(start: Tensor, end: Tensor, weight: Operand): Plan {
  const self = operandTensor(start, "lerp");
  const inputs: Operand[] = [self, operandTensor(end, "lerp"), checkOperand(weight, "lerp")];
  inputs.forEach((x, i) => {
    if (typeof x === "object" && x.dtype !== self.dtype) {
      throw new TypeError(
        `expected dtype ${self.dtype} for \`${lerpRule.names[i]}\` but got dtype ${x.dtype}`,
      );
    }
  });
  return [typeof weight === "object" ? Lerp : LerpScalar, inputs];
}

/** Between start and end: start + weight · (end - start). */
export function lerp(start: Tensor, end: Tensor, weight: Operand): Tensor {
  return run(interpolation(start, end, weight));
}

/** The methods of this family. */
export interface FusedMethods {
  /** self + value · a · b. */
  addcmul(a: Tensor, b: Tensor, options?: ValueOptions): Tensor;
  /** {@linkcode FusedMethods.addcmul} in place. */
  addcmul_(a: Tensor, b: Tensor, options?: ValueOptions): Tensor;
  /** self + value · a / b. */
  addcdiv(a: Tensor, b: Tensor, options?: ValueOptions): Tensor;
  /** {@linkcode FusedMethods.addcdiv} in place. */
  addcdiv_(a: Tensor, b: Tensor, options?: ValueOptions): Tensor;
  /** Between self and end: self + weight · (end - self). */
  lerp(end: Tensor, weight: Operand): Tensor;
  /** {@linkcode FusedMethods.lerp} in place. */
  lerp_(end: Tensor, weight: Operand): Tensor;
}

const methods: FusedMethods & ThisType<Tensor> = {
  addcmul(a, b, options) {
    return addcmul(this, a, b, options);
  },
  addcmul_(a, b, options) {
    return runInPlace(fused(Addcmul, this, a, b, options));
  },
  addcdiv(a, b, options) {
    return addcdiv(this, a, b, options);
  },
  addcdiv_(a, b, options) {
    return runInPlace(fused(Addcdiv, this, a, b, options));
  },
  lerp(end, weight) {
    return lerp(this, end, weight);
  },
  lerp_(end, weight) {
    return runInPlace(interpolation(this, end, weight));
  },
};
installMethods(methods);
