/**
 * Symbolic derivatives. The result is an expression like any other, so it can be differentiated again, to any order.
 * @module
 */
import { applyLoosely, constant, type Expr, input, postorder, replace } from "./expr.ts";
import { parse } from "./parse.ts";
import { primitives } from "./primitives.ts";

/**
 * The gradient with respect to one input: `g` times the derivative, simplified, and a constant 0 where the expression does not
 * depend on the input.
 */
export function differentiate(e: Expr, name: string, g: Expr): Expr {
  return differentiateAll([e], name, [g]);
}

/** The gradient of several expressions together: the sum of `g[i] * d(e[i])/d(input)`. */
export function differentiateAll(es: readonly Expr[], name: string, gs: readonly Expr[]): Expr {
  const x = input(name);
  const nodes = postorder(es);
  const dependent = new Set<Expr>();
  for (const e of nodes) if (e === x || e.args.some((a) => dependent.has(a))) dependent.add(e);

  // From the outputs to the inputs; a node's gradient is complete when all nodes that use it are done.
  const gradients = new Map<Expr, Expr>();
  const accumulate = (e: Expr, g: Expr): void => {
    const sum = gradients.get(e);
    gradients.set(e, sum === undefined ? g : applyLoosely("add", sum, g));
  };
  es.forEach((e, i) => accumulate(e, gs[i]));
  for (const e of nodes.reverse()) {
    const g = gradients.get(e);
    if (g === undefined || !dependent.has(e)) continue;
    e.args.forEach((argument, i) => {
      const rule = dependent.has(argument) ? ruleOf(e.op, i) : null;
      if (rule !== null) accumulate(argument, instantiate(rule, e, g));
    });
  }
  return gradients.get(x) ?? constant(0);
}

const rules = new Map<string, Expr | null>();

/** The gradient rule of a primitive for one of its arguments, over the inputs `a`, `b`, `c`, `g` and `y`. */
function ruleOf(op: string, i: number): Expr | null {
  const key = `${op} ${i}`;
  let rule = rules.get(key);
  if (rule === undefined) {
    const { params, grad } = primitives[op];
    const source = grad[i];
    rule = source === null ? null : parse(source, [...params, "g", "y"]);
    rules.set(key, rule);
  }
  return rule;
}

function instantiate(rule: Expr, e: Expr, g: Expr): Expr {
  const { params } = primitives[e.op];
  const values = new Map<Expr, Expr>([[input("g"), g], [input("y"), e]]);
  params.forEach((p, i) => values.set(input(p), e.args[i]));
  return replace([rule], values, applyLoosely)[0];
}
