/**
 * Expressions of the scalar language: immutable nodes, one object for each distinct expression (hash-consing), so that
 * equal subexpressions are the same node, sharing needs no search, and `===` is structural equality.
 * @module
 */
import { fold, isPrimitive, primitives } from "./primitives.ts";

/** A node: a constant, an input, or a primitive applied to nodes. */
export interface Expr {
  /** `"const"`, `"input"` or the name of a primitive. */
  readonly op: string;
  /** Arguments of the primitive. */
  readonly args: readonly Expr[];
  /** The number, for a constant. */
  readonly value?: number;
  /** The name, for an input. */
  readonly name?: string;
  /** Distinct for distinct expressions. */
  readonly id: number;
}

const interned = new Map<string, WeakRef<Expr>>();
const forget = new FinalizationRegistry<string>((key) => {
  if (interned.get(key)?.deref() === undefined) interned.delete(key);
});
let nextId = 0;

function intern(key: string, fields: Omit<Expr, "id">): Expr {
  const known = interned.get(key)?.deref();
  if (known !== undefined) return known;
  const e: Expr = Object.freeze({ ...fields, id: nextId++ });
  interned.set(key, new WeakRef(e));
  forget.register(e, key);
  return e;
}

/** A constant. -0 is another constant than 0. */
export function constant(value: number): Expr {
  return intern(Object.is(value, -0) ? "#-0" : `#${value}`, { op: "const", args: [], value });
}

/** An input of the given name. */
export function input(name: string): Expr {
  return intern(`$${name}`, { op: "input", args: [], name });
}

/** Whether the node is this constant (0 and -0 are told apart). */
export function isConst(e: Expr, value?: number): boolean {
  return e.op === "const" && (value === undefined || Object.is(e.value, value));
}

/**
 * Applies a primitive, simplified where the result stays the same for every argument, NaN, infinities and -0 included.
 * Throws a TypeError for an unknown name or a wrong number of arguments.
 */
export function apply(op: string, ...args: readonly Expr[]): Expr {
  if (!isPrimitive(op)) throw new TypeError(`unknown function ${op}`);
  const { params } = primitives[op];
  if (params.length !== args.length) {
    throw new TypeError(
      `${op} takes ${params.length} argument${params.length === 1 ? "" : "s"}, got ${args.length}`,
    );
  }
  if (args.every((a) => a.op === "const")) {
    const value = fold(op, args.map((a) => a.value!));
    if (value !== undefined) return constant(value);
  }
  return simplified(op, args) ??
    intern(`${op}(${args.map((a) => a.id)})`, { op, args: Object.freeze([...args]) });
}

/** Identities of IEEE arithmetic that hold without exception. */
function simplified(op: string, [a, b, c]: readonly Expr[]): Expr | undefined {
  switch (op) {
    case "add":
      if (isConst(b, -0)) return a;
      if (isConst(a, -0)) return b;
      if (b.op === "neg") return apply("sub", a, b.args[0]);
      if (a === b) return apply("mul", constant(2), a);
      return undefined;
    case "sub":
      if (isConst(b, 0)) return a;
      if (b.op === "neg") return apply("add", a, b.args[0]);
      return undefined;
    case "mul":
      if (isConst(a, 1)) return b;
      if (isConst(b, 1)) return a;
      if (isConst(a, -1)) return apply("neg", b);
      if (isConst(b, -1)) return apply("neg", a);
      if (a.op === "neg") return apply("neg", apply("mul", a.args[0], b));
      if (b.op === "neg") return apply("neg", apply("mul", a, b.args[0]));
      return undefined;
    case "div":
      if (isConst(b, 1)) return a;
      if (a.op === "neg") return apply("neg", apply("div", a.args[0], b));
      return undefined;
    case "pow":
      if (isConst(b, 1)) return a;
      if (isConst(b, 0)) return constant(1);
      return undefined;
    case "neg":
      return a.op === "neg" ? a.args[0] : undefined;
    case "and":
      return [a, b].some((x) => x.op === "const" && x.value === 0) ? constant(0) : undefined;
    case "where":
      if (a.op === "const") return a.value !== 0 ? b : c;
      return b === c ? b : undefined;
    default:
      return undefined;
  }
}

/**
 * As {@linkcode apply}, for derivatives: there a literal 0 means "does not depend on it", so 0 times anything is 0 even
 * where that would be NaN, and adding 0 changes nothing even for -0.
 */
export function applyLoosely(op: string, ...args: readonly Expr[]): Expr {
  const [a, b] = args;
  const zero = (e: Expr) => e.op === "const" && e.value === 0;
  switch (op) {
    case "add":
      return zero(a) ? b : zero(b) ? a : apply(op, a, b);
    case "sub":
      return zero(a) ? applyLoosely("neg", b) : zero(b) ? a : apply(op, a, b);
    case "mul":
      return zero(a) || zero(b) ? constant(0) : apply(op, a, b);
    case "div":
      return zero(a) ? constant(0) : apply(op, a, b);
    case "neg":
      return zero(a) ? constant(0) : apply(op, a);
    default:
      return apply(op, ...args);
  }
}

/** Every node below the roots once, arguments before the nodes that use them. Deep expressions do not overflow the stack. */
export function postorder(roots: readonly Expr[]): Expr[] {
  const done = new Set<Expr>(); // a Set keeps the order of insertion
  const stack = roots.toReversed();
  while (stack.length > 0) {
    const e = stack[stack.length - 1];
    const missing = done.has(e) ? [] : e.args.filter((a) => !done.has(a));
    if (missing.length > 0) {
      stack.push(...missing.toReversed());
    } else {
      stack.pop();
      done.add(e);
    }
  }
  return [...done];
}

/** Rebuilds expressions with some nodes replaced, applying primitives with `build`. */
export function replace(
  roots: readonly Expr[],
  replacements: ReadonlyMap<Expr, Expr>,
  build: (op: string, ...args: readonly Expr[]) => Expr = apply,
): Expr[] {
  const done = new Map(replacements);
  for (const e of postorder(roots)) {
    if (done.has(e)) continue;
    const args = e.args.map((a) => done.get(a)!);
    const kept = build === apply && args.every((a, i) => a === e.args[i]);
    done.set(e, kept || args.length === 0 ? e : build(e.op, ...args));
  }
  return roots.map((e) => done.get(e)!);
}

const infix: Readonly<Record<string, readonly [string, number]>> = {
  or: ["||", 1],
  and: ["&&", 2],
  eq: ["==", 3],
  ne: ["!=", 3],
  lt: ["<", 4],
  le: ["<=", 4],
  gt: [">", 4],
  ge: [">=", 4],
  add: ["+", 5],
  sub: ["-", 5],
  mul: ["*", 6],
  div: ["/", 6],
  remainder: ["%", 6],
  pow: ["**", 8],
};

/** The expression in the language's own syntax; parsing it gives the same node. */
export function format(e: Expr): string {
  return text(e, 0);
}

function text(e: Expr, outer: number): string {
  const bracket = (inner: number, s: string) => inner < outer ? `(${s})` : s;
  if (e.op === "input") return e.name!;
  if (e.op === "const") {
    const v = e.value!;
    const digits = Object.is(v, -0) ? "-0" : String(v).replace("Infinity", "inf").replace("NaN", "nan");
    return digits.startsWith("-") ? bracket(7, digits) : digits;
  }
  if (e.op === "neg") return bracket(7, `-${text(e.args[0], 7)}`);
  if (!Object.hasOwn(infix, e.op)) return `${e.op}(${e.args.map((a) => text(a, 0)).join(", ")})`;
  const [symbol, level] = infix[e.op];
  const [a, b] = e.args;
  // ** groups to the right, the others to the left
  const [left, right] = e.op === "pow" ? [level + 1, 7] : [level, level + 1];
  return bracket(level, `${text(a, left)} ${symbol} ${text(b, right)}`);
}
