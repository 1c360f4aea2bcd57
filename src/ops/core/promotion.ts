/**
 * Questions about dtypes: which one an operation on two operands computes in, and which casts keep the category.
 * @module
 */

import {
  category,
  checkDType,
  type DType,
  promoteTypes as promote,
  resultType as resultOf,
} from "../../tensor/dtype.ts";
import type { Operand } from "./compute.ts";
import { checkOperand } from "./table.ts";

/** The smallest dtype that both fit into: PyTorch's `promote_types`. */
export function promoteTypes(a: DType, b: DType): DType {
  return promote(checkDType(a), checkDType(b));
}

/** Whether values of one dtype may be cast to another without leaving their category: bool, integers, floats. */
export function canCast(from: DType, to: DType): boolean {
  return category(checkDType(from)) <= category(checkDType(to));
}

/**
 * The dtype of an operation on two operands. Tensors with dimensions decide; 0-d tensors, and then JavaScript values, count
 * only if their category (bool, integers, floats) is higher.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * dg.resultType(dg.ones(2, { dtype: "int32" }), 1n); // "int32"
 * dg.resultType(dg.ones(2, { dtype: "int32" }), 1.5); // "float32"
 * ```
 */
export function resultType(a: Operand, b: Operand): DType {
  return resultOf([checkOperand(a, "resultType"), checkOperand(b, "resultType")]);
}
