/**
 * Lowers expressions to LaTeX: as one would write them, and so with fractions, roots and powers, and without signs of
 * multiplication. The formula is equal to the expression as mathematics; its steps may be written in another order.
 * @module
 */
import { apply, applyLoosely, constant, type Expr, replace } from "./expr.ts";

/** How tightly a piece of text holds together. */
const CASES = 0,
  OR = 1,
  AND = 2,
  NOT = 3,
  COMPARISON = 4,
  SUM = 5,
  PRODUCT = 6,
  FRACTION = 7,
  POWER = 8,
  ATOM = 9;

/** A piece of LaTeX; a minus sign before it is kept apart. */
interface Piece {
  readonly body: string;
  readonly level: number;
  readonly negative?: boolean;
}

/** The longest formula that is worth writing. */
const LONGEST = 100_000;

const GREEK = new Set(
  ("alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon phi chi psi omega " +
    "Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega").split(" "),
);

/** Functions that are written before a bracket, and before it a power. */
const FUNCTIONS: Readonly<Record<string, string>> = {
  log: "\\ln",
  log2: "\\log_{2}",
  log10: "\\log_{10}",
  sin: "\\sin",
  cos: "\\cos",
  tan: "\\tan",
  asin: "\\arcsin",
  acos: "\\arccos",
  atan: "\\arctan",
  sinh: "\\sinh",
  cosh: "\\cosh",
  tanh: "\\tanh",
  asinh: "\\operatorname{arsinh}",
  acosh: "\\operatorname{arcosh}",
  atanh: "\\operatorname{artanh}",
  sigmoid: "\\sigma",
  digamma: "\\psi",
  i0: "I_{0}",
  i1: "I_{1}",
  sign: "\\operatorname{sgn}",
  max: "\\max",
  min: "\\min",
  gcd: "\\gcd",
};

const COMPARISONS: Readonly<Record<string, string>> = {
  eq: "=",
  ne: "\\neq",
  lt: "<",
  le: "\\leq",
  gt: ">",
  ge: "\\geq",
};

/** Factors of a product that is divided by another: how often each stands above and below. */
interface Factors {
  negative: boolean;
  readonly above: Map<Expr, number>;
  readonly below: Map<Expr, number>;
  /** The numbers among them, multiplied. */
  readonly numbers: [above: number, below: number];
}

/**
 * The name of an input or a function: Greek letters by their names, digits and what follows `_` as an index.
 *
 * @param name For example `theta_0`, `x1`, `loss`.
 * @returns LaTeX, for example `\theta_{0}`, `x_{1}`, `\mathrm{loss}`.
 */
export function texName(name: string): string {
  const [, stem, index] = /^(.+?)_*(\d*)$/.exec(name)!;
  const [head, ...rest] = stem.split("_").filter((part) => part !== "");
  if (head === undefined) return `\\mathrm{${name.replaceAll("_", "\\_")}}`;
  const indices = [...rest, ...(index === "" ? [] : [index])].map(texLetter);
  return texLetter(head) + (indices.length === 0 ? "" : `_{${indices.join(",")}}`);
}

function texLetter(word: string): string {
  if (GREEK.has(word)) return `\\${word}`;
  return /^(.|\d+)$/.test(word) ? word : `\\mathrm{${word}}`;
}

/** What numbers that are no short decimals may be multiples of. */
const KNOWN: readonly (readonly [number, string])[] = [
  [Math.PI, "\\pi"],
  [Math.E, "e"],
  [Math.sqrt(Math.PI), "\\sqrt{\\pi}"],
  [Math.SQRT2, "\\sqrt{2}"],
  [Math.sqrt(2 * Math.PI), "\\sqrt{2 \\pi}"],
  [Math.sqrt(3), "\\sqrt{3}"],
  [Math.LN2, "\\ln\\left(2\\right)"],
  [Math.LN10, "\\ln\\left(10\\right)"],
];

/** The number as small whole numbers and known constants above and below a fraction's line, if it is such a one. */
function known(value: number): readonly [string, string] | null {
  const close = (a: number): boolean => Math.abs(a - value) <= 4 * Number.EPSILON * value;
  const times = (n: number, tex: string): string => n === 1 ? tex : `${n} ${tex}`.trim();
  for (let q = 1; q <= 12; q++) {
    for (const [c, tex] of KNOWN) {
      const p = Math.round(value * q / c), r = Math.round(value * q * c);
      if (p >= 1 && p <= 12 && close(p * c / q)) return [times(p, tex), times(q, "")];
      if (r >= 1 && r <= 12 && close(r / (q * c))) return [times(r, ""), times(q, tex)];
    }
    const p = Math.round(value * q);
    if (p >= 1 && p <= 99 && close(p / q)) return [times(p, ""), times(q, "")];
  }
  return null;
}

/** A positive number in decimal. */
function digitsOf(value: number): Piece {
  const [mantissa, exponent] = (value >= 1e7 ? value.toExponential() : String(value)).split("e");
  if (exponent === undefined) return { body: mantissa, level: ATOM };
  if (value >= 1e7 && mantissa.length > 6) return { body: String(value), level: ATOM };
  const power = `10^{${Number(exponent)}}`;
  return mantissa === "1"
    ? { body: power, level: POWER }
    : { body: `${mantissa} \\cdot ${power}`, level: PRODUCT };
}

function numberPiece(value: number): Piece {
  if (Number.isNaN(value)) return { body: "\\mathrm{NaN}", level: ATOM };
  const negative = value < 0 || Object.is(value, -0), size = Math.abs(value);
  if (size === Infinity) return { body: "\\infty", level: ATOM, negative };
  const found = String(size).length > 10 && !Number.isInteger(size) ? known(size) : null;
  if (found === null) return { ...digitsOf(size), negative };
  const [above, below] = found;
  if (below !== "") return { body: `\\frac{${above || 1}}{${below}}`, level: FRACTION, negative };
  return { body: above, level: above.includes(" ") ? PRODUCT : ATOM, negative };
}

function bracketed(text: string): string {
  return `\\left(${text}\\right)`;
}

/** Writes the pieces of an expression, each node once. */
class Writer {
  readonly #done = new Map<Expr, Piece>();

  piece(e: Expr): Piece {
    let piece = this.#done.get(e);
    if (piece === undefined) {
      piece = this.#write(e);
      if (piece.body.length > LONGEST) {
        throw new RangeError(`the formula is longer than ${LONGEST} characters`);
      }
      this.#done.set(e, piece);
    }
    return piece;
  }

  /** The text of an expression, in brackets where it holds together less tightly than `level`. */
  text(e: Expr, level = CASES): string {
    return this.#fit(this.piece(e), level);
  }

  #fit({ body, level: own, negative }: Piece, level: number): string {
    const text = negative ? `-${body}` : body;
    return (negative ? Math.min(own, SUM) : own) < level ? bracketed(text) : text;
  }

  #write(e: Expr): Piece {
    const [a, b] = e.args;
    if (e.op === "const") return numberPiece(e.value!);
    if (e.op === "input") return { body: texName(e.name!), level: ATOM };
    if (e.op in COMPARISONS) {
      return { body: `${this.text(a, SUM)} ${COMPARISONS[e.op]} ${this.text(b, SUM)}`, level: COMPARISON };
    }
    if (e.op === "pow" && !isWhole(b)) return this.#power(a, b);
    switch (e.op) {
      case "add":
      case "sub":
        return this.#sum(this.piece(a), this.piece(b), e.op === "sub");
      case "mul":
      case "div":
      case "neg":
      case "pow":
      case "rsqrt":
        return this.#product(e);
      case "exp":
        return { body: `e^{${this.text(a)}}`, level: POWER };
      case "exp2":
        return { body: `2^{${this.text(a)}}`, level: POWER };
      case "expm1":
        return { body: `e^{${this.text(a)}} - 1`, level: SUM };
      case "log1p":
        return { body: `\\ln${bracketed(this.#onePlus(this.piece(a)))}`, level: POWER };
      case "softplus":
        return { body: `\\ln${bracketed(`1 + e^{${this.text(a)}}`)}`, level: POWER };
      case "sqrt":
        return { body: `\\sqrt{${this.text(a)}}`, level: ATOM };
      case "abs":
        return { body: `\\left|${this.text(a)}\\right|`, level: ATOM };
      case "lgamma":
        return { body: `\\ln\\left|\\Gamma${bracketed(this.text(a))}\\right|`, level: POWER };
      case "polygamma":
        return { body: `\\psi^{(${this.text(a)})}${bracketed(this.text(b))}`, level: POWER };
      case "floor":
        return { body: `\\left\\lfloor ${this.text(a)} \\right\\rfloor`, level: ATOM };
      case "ceil":
        return { body: `\\left\\lceil ${this.text(a)} \\right\\rceil`, level: ATOM };
      case "floorDiv":
        return { body: `\\left\\lfloor ${this.text(apply("div", a, b))} \\right\\rfloor`, level: ATOM };
      case "truncDiv":
        return { body: `\\operatorname{trunc}${bracketed(this.text(apply("div", a, b)))}`, level: POWER };
      case "remainder":
        return { body: `${this.text(a, FRACTION)} \\bmod ${this.text(b, FRACTION)}`, level: PRODUCT };
      case "and":
        return { body: `${this.text(a, AND)} \\land ${this.text(b, AND)}`, level: AND };
      case "or":
        return { body: `${this.text(a, OR)} \\lor ${this.text(b, OR)}`, level: OR };
      case "xor":
        return { body: `${this.text(a, COMPARISON)} \\oplus ${this.text(b, COMPARISON)}`, level: OR };
      case "not":
        return { body: `\\lnot ${this.text(a, ATOM)}`, level: NOT };
      case "where":
        return this.#cases(e);
      default:
        return { body: this.#call(e, ""), level: POWER };
    }
  }

  /** A function before its arguments in brackets, with a power of it between them. */
  #call({ op, args }: Expr, power: string): string {
    const name = FUNCTIONS[op] ?? `\\operatorname{${op}}`;
    return `${name}${power}${bracketed(args.map((a) => this.text(a)).join(", "))}`;
  }

  #onePlus(piece: Piece): string {
    return piece.negative
      ? `1 - ${this.#fit({ ...piece, negative: false }, PRODUCT)}`
      : `1 + ${this.#fit(piece, SUM)}`;
  }

  #sum(a: Piece, b: Piece, minus: boolean): Piece {
    const negative = minus !== (b.negative === true), right = { ...b, negative: false };
    // Rather b - a than -a + b.
    if (a.negative && !negative) {
      const left = { ...a, negative: false };
      return { body: `${this.#fit(right, SUM)} - ${this.#fit(left, PRODUCT)}`, level: SUM };
    }
    const sign = negative ? "-" : "+";
    return { body: `${this.#fit(a, SUM)} ${sign} ${this.#fit(right, negative ? PRODUCT : SUM)}`, level: SUM };
  }

  #power(base: Expr, exponent: Expr): Piece {
    if (exponent.op === "const") {
      const value = exponent.value!;
      if (value < 0) return this.#product(apply("pow", base, exponent));
      const root = Math.round(1 / value);
      if (value < 1 && root <= 9 && Math.abs(1 / root - value) < Number.EPSILON) {
        return { body: `\\sqrt${root === 2 ? "" : `[${root}]`}{${this.text(base)}}`, level: ATOM };
      }
    }
    return this.#raised(base, this.text(exponent));
  }

  #raised(base: Expr, power: number | string): Piece {
    if (base.op === "exp" && typeof power === "number") {
      return { body: `e^{${this.text(apply("mul", constant(power), base.args[0]))}}`, level: POWER };
    }
    const exponent = String(power);
    if (base.op in FUNCTIONS && base.args.length === 1 && !FUNCTIONS[base.op].includes("_")) {
      return { body: this.#call(base, `^{${exponent}}`), level: POWER };
    }
    return { body: `${this.text(base, ATOM)}^{${exponent}}`, level: POWER };
  }

  #product(e: Expr): Piece {
    const factors: Factors = { negative: false, above: new Map(), below: new Map(), numbers: [1, 1] };
    gather(e, 1, factors);
    const { negative, above, below, numbers } = factors;
    const [n, d] = ratio(...numbers, below.size > 0);
    const [top, bottom] = [this.#side(above, n), this.#side(below, d)];
    if (bottom === null) {
      if (top === null) return { body: "1", level: ATOM, negative };
      if (!negative || top.level >= PRODUCT) return { ...top, negative };
      const [only] = above.keys();
      if (only.op === "sub") return this.#sum(this.piece(only.args[1]), this.piece(only.args[0]), true);
      return { body: bracketed(top.body), level: ATOM, negative };
    }
    return { body: `\\frac{${top?.body ?? "1"}}{${bottom.body}}`, level: FRACTION, negative };
  }

  /** One side of a fraction: a number, and powers; null for 1. */
  #side(powers: ReadonlyMap<Expr, number>, number: string): Piece | null {
    const pieces = [...powers].map(([base, n]) => n === 1 ? this.piece(base) : this.#raised(base, n));
    // What stands in brackets comes last.
    pieces.sort((p, q) => Number(p.level < PRODUCT) - Number(q.level < PRODUCT));
    if (number !== "") pieces.unshift({ body: number, level: number.includes(" ") ? PRODUCT : ATOM });
    if (pieces.length < 2) return pieces[0] ?? null;
    const body = pieces.map((piece) => this.#fit(piece, PRODUCT)).reduce((before, text) => {
      if (/^[\d.]/.test(text) || (/^\\frac/.test(text) && /\d$/.test(before))) {
        return `${before} \\cdot ${text}`;
      }
      const wide = /\\mathrm\{[^{}]*\}$/.test(before) || text.startsWith("\\mathrm");
      return `${before}${wide ? " \\, " : " "}${text}`;
    });
    return { body, level: PRODUCT };
  }

  #cases(e: Expr): Piece {
    const rows: string[] = [];
    let rest = e;
    for (; rest.op === "where"; rest = rest.args[2]) {
      rows.push(`${this.text(rest.args[1], OR)} & \\text{if } ${this.text(rest.args[0])}`);
    }
    rows.push(`${this.text(rest)} & \\text{otherwise}`);
    return { body: `\\begin{cases} ${rows.join(" \\\\ ")} \\end{cases}`, level: CASES };
  }
}

/** Whether an exponent counts factors, or says that what it belongs to stands below a fraction's line. */
function isWhole(e: Expr): boolean {
  return e.op === "const" && Number.isFinite(e.value) && (Number.isInteger(e.value) || e.value! < 0);
}

/** Takes the factors of an expression, each `n` times; below the line for a negative `n`. */
function gather(e: Expr, n: number, out: Factors): void {
  const [a, b] = e.args;
  switch (e.op) {
    case "mul":
      gather(a, n, out);
      return gather(b, n, out);
    case "div":
      gather(a, n, out);
      return gather(b, -n, out);
    case "neg":
      if (n % 2 !== 0) out.negative = !out.negative;
      return gather(a, n, out);
    case "rsqrt":
      return count(apply("sqrt", a), -n, out);
    case "pow":
      if (!isWhole(b)) return count(e, n, out);
      if (Number.isInteger(b.value)) return gather(a, n * b.value!, out);
      return count(apply("pow", a, constant(-b.value!)), -n, out);
    case "const": {
      if (!Number.isFinite(e.value) || e.value === 0) return count(e, n, out);
      if (e.value! < 0 && n % 2 !== 0) out.negative = !out.negative;
      out.numbers[n < 0 ? 1 : 0] *= Math.abs(e.value!) ** Math.abs(n);
      return;
    }
    default:
      return count(e, n, out);
  }
}

function count(e: Expr, n: number, out: Factors): void {
  const side = n < 0 ? out.below : out.above;
  side.set(e, (side.get(e) ?? 0) + Math.abs(n));
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}

/** A number over another as the texts above and below a fraction's line, "" for 1. */
function ratio(above: number, below: number, isFraction: boolean): readonly [string, string] {
  let [n, d] = [above, below];
  // 0.5 above a line is a 2 below it.
  const whole = [1, 2, 4, 5, 8, 10].find((k) => Number.isInteger(n * k) && Number.isInteger(d * k)) ?? 1;
  if (isFraction || d !== 1) [n, d] = [n * whole, d * whole];
  if (Number.isInteger(n) && Number.isInteger(d) && Math.max(n, d) < 2 ** 53) {
    const common = gcd(n, d);
    return [n / common, d / common].map((v) => v === 1 ? "" : digitsOf(v).body) as [string, string];
  }
  if (below === 1 && String(above).length <= 10) return [digitsOf(above).body, ""];
  return known(above / below) ??
    [above === 1 ? "" : digitsOf(above).body, below === 1 ? "" : digitsOf(below).body];
}

/** Multiplies out what hides that an expression is one of cases: factors and sums go into the branches. */
function tidy(op: string, ...args: readonly Expr[]): Expr {
  const at = args.findIndex((a) => a.op === "where");
  const [a, b] = args, choice = args[at];
  if (op === "add" || op === "sub") {
    if (a.op === "where" && b.op === "where" && a.args[0] === b.args[0]) {
      return applyLoosely("where", a.args[0], tidy(op, a.args[1], b.args[1]), tidy(op, a.args[2], b.args[2]));
    }
  } else if (at >= 0 && (op === "mul" || op === "neg" || op === "div" && at === 0)) {
    const inside = (branch: Expr): Expr => tidy(op, ...args.map((x, i) => i === at ? branch : x));
    return applyLoosely("where", choice.args[0], inside(choice.args[1]), inside(choice.args[2]));
  }
  return applyLoosely(op, ...args);
}

/**
 * An expression as LaTeX, for mathematics mode.
 *
 * @param e The expression.
 * @returns For example `x \tanh\left(\ln\left(1 + e^{x}\right)\right)`.
 * @throws {RangeError} If the formula is longer than 100,000 characters.
 */
export function lowerTex(e: Expr): string {
  return new Writer().text(replace([e], new Map(), tidy)[0]);
}
