/**
 * Parser of the scalar language: `"x / (1 + exp(-x))"` to an expression.
 *
 * From loose to tight: `c ? a : b`, `||`, `&&`, `== !=`, `< <= > >=`, `+ -`, `* / %`, unary `- + !`, `**` (to the right, and
 * before a minus on its left: `-x ** 2` is `-(x ** 2)`), calls and brackets. `a % b` has the sign of `b`. The
 * constants are `pi`, `e`, `inf` and `nan`; an input of such a name hides it.
 * @module
 */
import { apply, constant, type Expr, input, replace } from "./expr.ts";
import { compositions, primitives } from "./primitives.ts";

const constants: Readonly<Record<string, number>> = { pi: Math.PI, e: Math.E, inf: Infinity, nan: NaN };

/** Binary operators by level, loosest first; `**` stands apart because it groups to the right. */
const levels: readonly Readonly<Record<string, string>>[] = [
  { "||": "or" },
  { "&&": "and" },
  { "==": "eq", "!=": "ne" },
  { "<": "lt", "<=": "le", ">": "gt", ">=": "ge" },
  { "+": "add", "-": "sub" },
  { "*": "mul", "/": "div", "%": "remainder" },
];

const tokenPattern =
  /\s*(?:(\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)|([A-Za-z_]\w*)|(\*\*|[<>=!]=|&&|\|\||[-+*/%<>!?:(),]))/y;

interface Token {
  readonly kind: "number" | "name" | "symbol" | "end";
  readonly text: string;
  readonly at: number;
}

/**
 * Parses an expression over the named inputs.
 *
 * @throws {TypeError} on anything that is not an expression over these inputs, with a line that points at the place.
 */
export function parse(source: string, inputs: readonly string[]): Expr {
  const tokens = tokenize(source);
  let position = 0;

  const peek = () => tokens[position];
  const accept = (text: string) => peek().kind === "symbol" && peek().text === text && ++position > 0;
  const expect = (text: string) => {
    if (!accept(text)) fail(source, peek().at, `expected "${text}" but met ${described(peek())}`);
  };
  /** Reports what `apply` finds wrong at the place of the call. */
  const applyAt = (at: number, op: string, args: readonly Expr[]): Expr => {
    try {
      return apply(op, ...args);
    } catch (error) {
      return fail(source, at, (error as Error).message);
    }
  };

  function ternary(): Expr {
    const condition = binary(0);
    if (!accept("?")) return condition;
    const yes = ternary();
    expect(":");
    return apply("where", condition, yes, ternary());
  }

  function binary(level: number): Expr {
    if (level === levels.length) return unary();
    let left = binary(level + 1);
    while (peek().kind === "symbol" && Object.hasOwn(levels[level], peek().text)) {
      const op = levels[level][tokens[position++].text];
      left = apply(op, left, binary(level + 1));
    }
    return left;
  }

  function unary(): Expr {
    if (accept("-")) return apply("neg", unary());
    if (accept("+")) return unary();
    if (accept("!")) return apply("not", unary());
    const base = primary();
    return accept("**") ? apply("pow", base, unary()) : base;
  }

  function primary(): Expr {
    const token = tokens[position];
    if (accept("(")) {
      const inner = ternary();
      expect(")");
      return inner;
    }
    if (token.kind === "number") {
      position++;
      return constant(Number(token.text));
    }
    if (token.kind !== "name") fail(source, token.at, `expected a value but met ${described(token)}`);
    position++;
    if (accept("(")) return call(token);
    if (inputs.includes(token.text)) return input(token.text);
    if (Object.hasOwn(constants, token.text)) return constant(constants[token.text]);
    return fail(
      source,
      token.at,
      `unknown name ${token.text}: the inputs are ${inputs.join(", ") || "none"}`,
    );
  }

  function call(name: Token): Expr {
    const args: Expr[] = [];
    if (!accept(")")) {
      do args.push(ternary()); while (accept(","));
      expect(")");
    }
    if (!Object.hasOwn(compositions, name.text)) return applyAt(name.at, name.text, args);
    const { params, body } = compositions[name.text];
    if (params.length !== args.length) {
      const s = params.length === 1 ? "" : "s";
      fail(source, name.at, `${name.text} takes ${params.length} argument${s}, got ${args.length}`);
    }
    return substitute(parse(body, params), params, args);
  }

  const result = ternary();
  if (peek().kind !== "end") fail(source, peek().at, `expected an operator but met ${described(peek())}`);
  return result;
}

/** The names in a text that are neither called nor constants, in order of first appearance: its inputs, if nobody says. */
export function freeNames(source: string): string[] {
  const tokens = tokenize(source);
  const names = tokens.filter((t, i) =>
    t.kind === "name" && tokens[i + 1].text !== "(" && !Object.hasOwn(constants, t.text)
  );
  return [...new Set(names.map((t) => t.text))];
}

/** Names of all functions that can be called in an expression. */
export function functionNames(): string[] {
  return [...Object.keys(primitives), ...Object.keys(compositions)];
}

/** Puts expressions in the place of inputs, all at once. */
function substitute(e: Expr, names: readonly string[], values: readonly Expr[]): Expr {
  return replace([e], new Map(names.map((name, i) => [input(name), values[i]])))[0];
}

function tokenize(source: string): Token[] {
  const tokens: Token[] = [];
  const end = source.trimEnd().length;
  tokenPattern.lastIndex = 0;
  while (tokenPattern.lastIndex < end) {
    const from = tokenPattern.lastIndex;
    const match = tokenPattern.exec(source);
    if (match === null) {
      const at = from + (/^\s*/.exec(source.slice(from))![0].length);
      fail(
        source,
        at,
        `unexpected character ${JSON.stringify(String.fromCodePoint(source.codePointAt(at)!))}`,
      );
    }
    const [whole, number, name, symbol] = match;
    const text = number ?? name ?? symbol;
    const kind = number !== undefined ? "number" : name !== undefined ? "name" : "symbol";
    tokens.push({ kind, text, at: from + whole.length - text.length });
  }
  tokens.push({ kind: "end", text: "", at: end });
  return tokens;
}

function described(token: Token): string {
  return token.kind === "end" ? "the end" : `"${token.text}"`;
}

function fail(source: string, at: number, message: string): never {
  const line = source.replaceAll(/\s/g, " ");
  throw new TypeError(`${message}, at position ${at} of the expression\n  ${line}\n  ${" ".repeat(at)}^`);
}
