/**
 * Which dtypes an operation refuses, in PyTorch's words.
 * @module
 */

import { category, type DType, isFloatingPoint, typeName } from "../../tensor/dtype.ts";

/** Throws for a dtype that an operation does not support. */
export type DTypeRule = (compute: DType) => void;

function refuse(kernel: string, dtype: DType): never {
  throw new TypeError(`"${kernel}" not implemented for '${typeName(dtype)}'`);
}

/** Refuses bool with a message of the operation's own. */
export function noBool(message: string): DTypeRule {
  return (dtype) => {
    if (dtype === "bool") throw new TypeError(message);
  };
}

/** Refuses integers and bool; `kernel` is PyTorch's name of the function that lacks them. */
export function floatsOnly(kernel: string): DTypeRule {
  return (dtype) => {
    if (!isFloatingPoint(dtype)) refuse(kernel, dtype);
  };
}

/** Refuses floats, and bool unless `bool` is true. */
export function wholeOnly(kernel: string, bool = false): DTypeRule {
  return (dtype) => {
    if (isFloatingPoint(dtype) || (category(dtype) === 0 && !bool)) refuse(kernel, dtype);
  };
}
