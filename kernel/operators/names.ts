/**
 * What the runtime calls the operators.
 *
 * @module
 */

/** The global variable under which code in operator form finds the runtime. */
export const NAME = "__dg_ops";

/** Operators with two operands that compute. */
export const ARITHMETIC: Readonly<Record<string, string>> = {
  "+": "add",
  "-": "sub",
  "*": "mul",
  "/": "div",
  "%": "mod",
  "**": "pow",
  "&": "and",
  "|": "or",
  "^": "xor",
  "<<": "shl",
  ">>": "shr",
};

/** Operators with two operands that compare. */
export const COMPARISON: Readonly<Record<string, string>> = {
  "<": "lt",
  "<=": "le",
  ">": "gt",
  ">=": "ge",
  "==": "eq",
  "!=": "ne",
};

/** Operators before an operand. */
export const UNARY: Readonly<Record<string, string>> = { "-": "neg", "+": "pos", "~": "inv" };
