/**
 * What JavaScript's operators mean on a class of objects: the agreement between tensors, which say it, and code in operator
 * form (see `kernel/operators/`), which asks.
 *
 * The key is a registered symbol, so that both may come from different copies of the toolkit.
 * @module
 */

/** The operators with two operands that compute. They exist with `=` behind them, too. */
export type ArithmeticOperator =
  | "add"
  | "sub"
  | "mul"
  | "div"
  | "mod"
  | "pow"
  | "and"
  | "or"
  | "xor"
  | "shl"
  | "shr";

/** The operators with two operands that compare. */
export type ComparisonOperator = "lt" | "le" | "gt" | "ge" | "eq" | "ne";

/** The operators `-`, `+` and `~` before an operand. */
export type UnaryOperator = "neg" | "pos" | "inv";

/** What operators mean where at least one operand is such an object; the other one may be anything. */
export interface ObjectOperators {
  /** `a * b`, `a < b`. */
  readonly binary: Readonly<
    Record<ArithmeticOperator | ComparisonOperator, (a: unknown, b: unknown) => unknown>
  >;
  /** `a *= b` where a is such an object: it is changed and stays the same object. */
  readonly assign: Readonly<Record<ArithmeticOperator, (a: unknown, b: unknown) => unknown>>;
  /** `-a`. */
  readonly unary: Readonly<Record<UnaryOperator, (a: unknown) => unknown>>;
  /** `++a` and `--a`: it is changed and stays the same object. */
  increment(a: unknown, by: 1 | -1): unknown;
  /** What `a++` gives: the value before it was changed. */
  copy(a: unknown): unknown;
  /** Whether the result of a comparison, used as a condition, counts as true. */
  truth(a: unknown): boolean;
}

/** The prototype of a class whose objects take operators has its {@linkcode ObjectOperators} under this key. */
export const OPERATORS: unique symbol = Symbol.for("dinograd.operators") as never;
