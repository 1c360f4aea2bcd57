/**
 * Programs: expressions with an order of inputs and outputs. A pointwise operation is a program, and so is its gradient.
 * @module
 */
import { apply, constant, type Expr, input, isConst, postorder, replace } from "./expr.ts";
import { differentiateAll } from "./differentiate.ts";
import { parse } from "./parse.ts";
import { primitives, type ResultKind } from "./primitives.ts";

/** A pointwise computation: named inputs in order, one expression for each output. Immutable. */
export class Program {
  /** For messages and pictures; no part of the meaning. */
  readonly name: string;
  /** Names of the inputs, in order. */
  readonly inputs: readonly string[];
  /** The outputs. */
  readonly outputs: readonly Expr[];
  /** The same text for programs that compute the same in the same way, whatever their inputs are called: for caches. */
  readonly key: string;

  /** Checks that the outputs use no other inputs. Use {@linkcode program} for one from source text. */
  constructor(name: string, inputs: readonly string[], outputs: readonly Expr[]) {
    if (outputs.length === 0) throw new TypeError(`program ${name} has no output`);
    if (new Set(inputs).size !== inputs.length) {
      throw new TypeError(`program ${name} has two inputs of the same name: ${inputs.join(", ")}`);
    }
    this.name = name;
    this.inputs = Object.freeze([...inputs]);
    this.outputs = Object.freeze([...outputs]);
    this.key = canonicalKey(this);
  }

  /** The first output's kind: a truth value, a float whatever the inputs are, or the inputs' own type. */
  get kind(): ResultKind {
    return kindOf(this.outputs[0]);
  }
}

/** Makes a program from source text or from expressions. */
export function program(
  inputs: readonly string[],
  outputs: Expr | readonly Expr[] | string,
  options: { name?: string } = {},
): Program {
  const list = typeof outputs === "string"
    ? [parse(outputs, inputs)]
    : Array.isArray(outputs)
    ? outputs as readonly Expr[]
    : [outputs as Expr];
  return new Program(options.name ?? "expr", inputs, list);
}

/** Where the value of a gradient program's input comes from. */
export interface Use {
  /** The incoming gradient of an output, an input of the forward program, or an output of it. */
  readonly from: "grad" | "input" | "result";
  /** Which output or input. */
  readonly index: number;
}

/** The gradient of a program with respect to one input, itself a program over just the values that it needs. */
export class GradientProgram extends Program {
  /** For each input of this program, which value of the forward or backward pass it is. */
  readonly uses: readonly Use[];

  /** See {@linkcode gradientProgram}. */
  constructor(name: string, inputs: readonly string[], outputs: readonly Expr[], uses: readonly Use[]) {
    super(name, inputs, outputs);
    this.uses = Object.freeze([...uses]);
  }
}

/** Options of {@linkcode gradientProgram}. */
export interface GradientOptions {
  /** The gradient written by hand, over the inputs, `y` (the result) and `g` (the incoming gradient). */
  grad?: string;
  /** Make the input an input of the gradient, too, even where the derivative is constant (but not where it is 0). */
  keepInput?: boolean;
}

/**
 * The gradient of `p` with respect to input `i`.
 *
 * Its inputs are those that it uses of: `g`, the inputs of `p`, `y`. Wherever the derivative contains the result itself
 * (exp, tanh, sqrt, ...) it reads `y`, so that the result is what has to be saved and not the argument. A program of
 * several outputs has `g0`, `g1`, ..., `y0`, .... If `p` has an input of such a name, `_` is appended to ours.
 */
export function gradientProgram(p: Program, i: number, options: GradientOptions = {}): GradientProgram {
  if (!(i in p.inputs)) {
    throw new RangeError(`program ${p.name} has ${p.inputs.length} inputs, got index ${i}`);
  }
  const several = p.outputs.length > 1;
  const fresh = (base: string, k: number) => {
    let name = several ? `${base}${k}` : base;
    while (p.inputs.includes(name)) name += "_";
    return name;
  };
  const gs = p.outputs.map((_, k) => fresh("g", k));
  const ys = p.outputs.map((_, k) => fresh("y", k));

  let gradient: Expr;
  if (options.grad !== undefined) {
    gradient = parse(options.grad, [...gs, ...p.inputs, ...ys]);
  } else {
    const derivative = differentiateAll(p.outputs, p.inputs[i], gs.map(input));
    const results = new Map<Expr, Expr>();
    p.outputs.forEach((e, k) => e.args.length > 0 && results.set(e, input(ys[k])));
    gradient = replace([derivative], results)[0];
  }

  const used = new Set(postorder([gradient]).filter((e) => e.op === "input").map((e) => e.name!));
  const candidates: [string, Use][] = [
    ...gs.map((name, index): [string, Use] => [name, { from: "grad", index }]),
    ...p.inputs.map((name, index): [string, Use] => [name, { from: "input", index }]),
    ...ys.map((name, index): [string, Use] => [name, { from: "result", index }]),
  ];
  if (options.keepInput && used.size > 0) used.add(p.inputs[i]);
  const taken = candidates.filter(([name]) => used.has(name));
  const name = `d(${p.name})/d(${p.inputs[i]})`;
  return new GradientProgram(name, taken.map(([n]) => n), [gradient], taken.map(([, use]) => use));
}

/** Whether every output of the program is the constant 0: there is no gradient to compute. */
export function isZero(p: Program): boolean {
  return p.outputs.every((e) => e.op === "const" && e.value === 0);
}

/**
 * Writes powers with small constant exponents as products and roots, as PyTorch computes them. For lowerings: before that a
 * power is kept, because its derivative is shorter.
 */
export function expandPowers(roots: readonly Expr[]): Expr[] {
  const done = new Map<Expr, Expr>();
  for (const e of postorder(roots)) {
    if (e.op !== "pow" || e.args[1].op !== "const") continue;
    const x = replace([e.args[0]], done)[0];
    const expanded = expandPower(x, e.args[1].value!);
    if (expanded !== null) done.set(e, expanded);
  }
  return done.size === 0 ? [...roots] : replace(roots, done);
}

function expandPower(x: Expr, exponent: number): Expr | null {
  const square = () => apply("mul", x, x);
  switch (exponent) {
    case 2:
      return square();
    case 3:
      return apply("mul", square(), x);
    case 0.5:
      return apply("sqrt", x);
    case -0.5:
      return apply("rsqrt", x);
    case -1:
      return apply("div", constant(1), x);
    case -2:
      return apply("div", constant(1), square());
    default:
      return null;
  }
}

/** The kind of one expression; see {@linkcode Program.kind}. */
export function kindOf(e: Expr): ResultKind {
  const memo = new Map<Expr, ResultKind>();
  for (const node of postorder([e])) memo.set(node, ownKind(node, memo));
  return memo.get(e)!;
}

function ownKind(e: Expr, memo: ReadonlyMap<Expr, ResultKind>): ResultKind {
  if (e.op === "input") return "same";
  if (e.op === "const") return Number.isInteger(e.value) ? "same" : "float";
  const { kind, params, truths } = primitives[e.op];
  if (kind !== "same") return kind;
  return e.args.some((a, i) => !truths.includes(params[i]) && memo.get(a) === "float") ? "float" : "same";
}

function canonicalKey(p: Program): string {
  const number = new Map<Expr, number>();
  const lines = postorder(p.outputs).map((e, n) => {
    number.set(e, n);
    if (isConst(e)) return Object.is(e.value, -0) ? "-0" : String(e.value);
    if (e.op !== "input") return `${e.op}(${e.args.map((a) => number.get(a))})`;
    const position = p.inputs.indexOf(e.name!);
    if (position < 0) {
      throw new TypeError(
        `program ${p.name} uses ${e.name}, which is none of its inputs: ${p.inputs.join(", ") || "none"}`,
      );
    }
    return `$${position}`;
  });
  return `${p.inputs.length}|${lines.join(";")}|${p.outputs.map((e) => number.get(e))}`;
}
