/**
 * Lowers the expressions of folds to statements, in JavaScript and in WGSL alike: what the languages differ in is a
 * {@linkcode FoldTarget}. Two kinds of numbers meet there: elements, in the arithmetic of their type, and whole numbers, which
 * count elements and say where they are.
 * @module
 */
import { type Expr, postorder } from "./expr.ts";
import { primitives, spell } from "./primitives.ts";
import { expandPowers } from "./program.ts";

/** What a number is: in the elements' arithmetic, or an integer that counts. */
export type NumberKind = "element" | "whole";

/** A language and an arithmetic of elements. */
export interface FoldTarget {
  /** What declares a constant. */
  readonly constant: "const" | "let";
  /** Whether powers with small exponents become products. */
  readonly powers: boolean;
  /** How a primitive is written, over its parameters. */
  spelling(op: string, kind: NumberKind): string;
  /** A number. */
  number(value: number, kind: NumberKind): string;
  /** A whole number's identifier as a number of this kind. */
  count(text: string, kind: NumberKind): string;
  /** Whether a number is not 0. */
  truth(text: string, kind: NumberKind): string;
  /** 1 or 0. */
  fromTruth(text: string, kind: NumberKind): string;
}

/** What the names in expressions are. */
export interface Names {
  /** The identifier or expression to write for a name; counts (`i` and `n`) are whole. */
  text(name: string): string;
  /** Whether it is a whole number. */
  whole(name: string): boolean;
  /** Whether it changes from one element to the next. */
  varies(name: string): boolean;
}

/** A number in the language, and its kind. */
export interface Lowered {
  /** An expression. */
  readonly text: string;
  /** What it gives. */
  readonly kind: NumberKind;
}

/** Names that are whole, and of which the other kind of number can be made. */
const counts = new Set(["i", "n"]);

/** Statements under construction, for expressions over the same names. */
export class Statements {
  /** Definitions that do not change from element to element. */
  readonly before: string[] = [];
  /** The other definitions. */
  readonly inside: string[] = [];
  readonly #target: FoldTarget;
  readonly #names: Names;
  readonly #prefix: string;
  #defined = 0;
  readonly #texts = new Map<string, string>();
  readonly #uses = new Map<Expr, number>();
  readonly #varies = new Map<Expr, boolean>();
  readonly #kinds = new Map<Expr, NumberKind | "truth" | "any">();

  /** Temporaries are called `prefix` and a number. All roots that will be asked for, so that what they share is found. */
  constructor(target: FoldTarget, names: Names, prefix: string, roots: readonly Expr[]) {
    this.#target = target;
    this.#names = names;
    this.#prefix = prefix;
    for (const root of roots) this.#count(root);
    for (const e of postorder(this.#expanded(roots))) {
      for (const a of e.args) this.#count(a);
    }
  }

  #count(e: Expr): void {
    this.#uses.set(e, (this.#uses.get(e) ?? 0) + 1);
  }

  #expanded(roots: readonly Expr[]): readonly Expr[] {
    return this.#target.powers ? expandPowers(roots) : roots;
  }

  /** What kind of number an expression is; constants and counts are any. */
  #kind(e: Expr): NumberKind | "truth" | "any" {
    let kind = this.#kinds.get(e);
    if (kind === undefined) this.#kinds.set(e, kind = this.#findKind(e));
    return kind;
  }

  #findKind(e: Expr): NumberKind | "truth" | "any" {
    if (e.op === "const") return Number.isInteger(e.value) ? "any" : "element";
    if (e.op === "input") {
      return counts.has(e.name!) ? "any" : this.#names.whole(e.name!) ? "whole" : "element";
    }
    const { kind } = primitives[e.op];
    return kind === "bool" ? "truth" : kind === "float" ? "element" : this.#common(e);
  }

  /** The kind of the numbers that a primitive works on. */
  #common(e: Expr): NumberKind | "any" {
    const { params, truths } = primitives[e.op];
    let common: NumberKind | "any" = "any";
    e.args.forEach((a, j) => {
      if (truths.includes(params[j])) return;
      const kind = this.#kind(a);
      if (kind === "element" || (kind === "whole" && common === "any")) common = kind;
    });
    return common;
  }

  #isVarying(e: Expr): boolean {
    let varies = this.#varies.get(e);
    if (varies === undefined) {
      varies = e.op === "input" ? this.#names.varies(e.name!) : e.args.some((a) => this.#isVarying(a));
      this.#varies.set(e, varies);
    }
    return varies;
  }

  /** An expression as a number, of the kind that is wanted or of its own. */
  number(root: Expr, wanted?: NumberKind): Lowered {
    const e = this.#expanded([root])[0], own = this.#kind(e);
    const kind = wanted ?? (own === "element" ? "element" : "whole");
    if (own !== "truth" && own !== "any" && own !== kind) {
      throw new TypeError(`an ${own} number stands where a number of kind ${kind} is wanted`);
    }
    return { text: this.#number(e, kind), kind };
  }

  /** An expression as a truth value. */
  truth(root: Expr): string {
    return this.#truth(this.#expanded([root])[0]);
  }

  #number(e: Expr, kind: NumberKind): string {
    const target = this.#target;
    if (e.op === "const") return target.number(e.value!, kind);
    if (e.op === "input") {
      const text = this.#names.text(e.name!);
      return counts.has(e.name!) ? target.count(text, kind) : text;
    }
    return this.#kind(e) === "truth" ? target.fromTruth(this.#truth(e), kind) : this.#apply(e, kind);
  }

  #truth(e: Expr): string {
    const kind = this.#kind(e);
    if (kind !== "truth") {
      const own = kind === "element" ? "element" : "whole";
      return this.#target.truth(this.#number(e, own), own);
    }
    const common = this.#common(e);
    return this.#apply(e, common === "any" ? "whole" : common);
  }

  /** A primitive, written where it is used if that is once, else as a constant of its own. */
  #apply(e: Expr, kind: NumberKind): string {
    const key = `${e.id} ${kind}`;
    const known = this.#texts.get(key);
    if (known !== undefined) return known;
    const { params, truths } = primitives[e.op];
    const spelling = this.#target.spelling(e.op, kind);
    const args = e.args.map((a, j) => {
      const text = truths.includes(params[j]) ? this.#truth(a) : this.#number(a, kind);
      const once = [...spelling.matchAll(new RegExp(`\\b${params[j]}\\b`, "g"))].length <= 1;
      return once || a.args.length === 0 || /^\w+$/.test(text)
        ? text
        : this.#define(text, this.#isVarying(a));
    });
    const value = `(${spell(spelling, params, args)})`;
    const varies = this.#isVarying(e);
    // what stays the same is computed before the loop
    const text = varies && this.#uses.get(e) === 1 ? value : this.#define(value, varies);
    this.#texts.set(key, text);
    return text;
  }

  #define(value: string, varies: boolean): string {
    const name = `${this.#prefix}${this.#defined++}`;
    (varies ? this.inside : this.before).push(`${this.#target.constant} ${name} = ${value};`);
    return name;
  }

  /** Gives variables new values, all at once. */
  assign(changes: readonly Change[]): void {
    interface Assignment {
      readonly condition: string | null;
      readonly text: string;
    }
    const conditions = new Map<Expr, string>();
    const done = changes.flatMap(({ to, old, value, whole }, j): Assignment[] => {
      if (value === old) return [];
      const chosen = value.op === "where" ? value.args.indexOf(old) : -1;
      const then = chosen === 1 ? value.args[2] : chosen === 2 ? value.args[1] : value;
      const needs = postorder([value]);
      // what reads a variable that is assigned before has to be computed before
      const early = changes.some((c, k) => k !== j && needs.includes(c.old));
      let condition: string | null = null;
      if (then !== value) {
        const test = value.args[0];
        condition = conditions.get(test) ?? null;
        if (condition === null) {
          const text = this.truth(test);
          conditions.set(test, condition = early && j > 0 ? this.#define(text, true) : text);
        }
        if (chosen === 1) condition = `!${condition}`;
      }
      const { text } = this.number(then, whole ? "whole" : "element");
      const own = early && then.op !== "input" && then.op !== "const" ||
        changes.some((c) => c.to === text && c.to !== to);
      return [{ condition, text: `${to} = ${own ? this.#define(text, true) : text};` }];
    });
    for (let j = 0; j < done.length; j++) {
      const { condition } = done[j], same = [done[j].text];
      if (condition === null) {
        this.inside.push(done[j].text);
        continue;
      }
      while (j + 1 < done.length && done[j + 1].condition === condition) same.push(done[++j].text);
      this.inside.push(`if (${condition}) { ${same.join(" ")} }`);
    }
  }
}

/** A variable and its new value. */
export interface Change {
  /** What is assigned to. */
  readonly to: string;
  /** The variable in the language. */
  readonly old: Expr;
  /** Its new value. */
  readonly value: Expr;
  /** Whether it is a whole number. */
  readonly whole: boolean;
}
