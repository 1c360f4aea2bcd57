/**
 * Checks of matrices, in PyTorch's words, and the error of matrices that cannot be decomposed.
 * @module
 */

import { checkTensor } from "../../tensor/arguments.ts";
import { isFloatingPoint, typeName } from "../../tensor/dtype.ts";
import type { Tensor } from "../../tensor/tensor.ts";

/** Thrown for a matrix that cannot be decomposed or inverted: singular, not positive-definite, not finite. */
export class LinAlgError extends RangeError {
  /** "LinAlgError". */
  override name = "LinAlgError";
}

/** A tensor of at least two dimensions. */
export function checkMatrix(x: unknown, caller: string, name = "A", position = 1): Tensor {
  const t = checkTensor(x, caller, name, position);
  if (t.ndim < 2) {
    throw new TypeError(`${caller}: The input tensor ${name} must have at least 2 dimensions.`);
  }
  return t;
}

/** Batches of square matrices. */
export function checkSquare(x: unknown, caller: string, name = "A", position = 1): Tensor {
  const t = checkMatrix(x, caller, name, position), [m, n] = t.shape.slice(-2);
  if (m !== n) {
    throw new TypeError(
      `${caller}: ${name} must be batches of square matrices, but they are ${m} by ${n} matrices`,
    );
  }
  return t;
}

/** float32 or float64. */
export function checkFloats(t: Tensor, caller: string): void {
  if (!isFloatingPoint(t.dtype)) {
    throw new TypeError(
      `${caller}: Expected a floating point or complex tensor as input. Got ${typeName(t.dtype)}`,
    );
  }
  if (t.dtype !== "float32" && t.dtype !== "float64") {
    throw new TypeError(`${caller}: Low precision dtypes not supported. Got ${typeName(t.dtype)}`);
  }
}

/** float32 or float64, where PyTorch names the kernel that there is none of. */
export function checkKernel(t: Tensor, kernel: string): void {
  if (t.dtype !== "float32" && t.dtype !== "float64") {
    throw new TypeError(`"${kernel}" not implemented for '${typeName(t.dtype)}'`);
  }
}

/** Two tensors of one dtype. */
export function checkSameDtype(a: Tensor, b: Tensor, caller: string): void {
  if (a.dtype !== b.dtype) {
    throw new TypeError(
      `${caller}: Expected A and B to have the same dtype, but found A of type ${
        typeName(a.dtype)
      } and B of type ${typeName(b.dtype)} instead`,
    );
  }
}

/** Matrices that go together in `A x = b`, or in `x A = b`. */
export function checkSystem(a: Tensor, b: Tensor, left: boolean, caller: string): void {
  const [rows, columns] = b.shape.slice(-2), n = a.shape[a.ndim - 1];
  if (n === (left ? rows : columns)) return;
  throw new TypeError(
    `${caller}: Incompatible shapes of A and B for the equation ${left ? "AX = B" : "XA = B"} ` +
      `(${a.shape[a.ndim - 2]}x${n} and ${rows}x${columns})`,
  );
}

/** "(Batch element 2): ", or nothing where there is but one matrix. */
export function batchText(batched: boolean, index: number): string {
  return batched ? `(Batch element ${index}): ` : "";
}
