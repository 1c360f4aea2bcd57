/**
 * Folds and line operations as JavaScript: the parts that loops are put around.
 * @module
 */
import { type Expr, input } from "../../expr/expr.ts";
import { type Fold, type LineOp, otherName } from "../../expr/fold.ts";
import { jsFoldTarget } from "../../expr/lower_js.ts";
import { type FoldTarget, Statements } from "../../expr/lower_fold.ts";
import { type DType, flavorOf } from "../../tensor/dtype.ts";

/** The name that stands for what was written to `w[i]`. */
export const KEPT = "w kept";

/** The parts of a fold as JavaScript. Its variables are called `s_` and their name. */
export class FoldText {
  /** The fold. */
  readonly fold: Fold | LineOp;
  /** Whether elements are BigInts. */
  readonly big: boolean;
  readonly #target: FoldTarget;

  /** For elements of a type. */
  constructor(fold: Fold | LineOp, dtype: DType) {
    this.fold = fold;
    this.big = flavorOf(dtype) === "bigint";
    this.#target = jsFoldTarget(this.big ? "bigint" : "float", fold.name);
  }

  #statements(prefix: string, roots: readonly Expr[], varies: (name: string) => boolean): Statements {
    return new Statements(
      this.#target,
      {
        text: (name) => name === KEPT ? "w[i]" : /^[vin]$/.test(name) ? name : `s_${name}`,
        whole: (name) => this.fold.whole.has(name),
        varies,
      },
      prefix,
      roots,
    );
  }

  /** Declares what a walk needs. */
  start(p: number): string {
    const { given, variables } = this.fold.passes[p];
    const s = this.#statements(`b${p}_`, [], () => true);
    const lines = given.map(({ name, value }) => {
      const { text } = s.number(value, "element");
      return `${s.inside.splice(0).join("\n")}const s_${name} = ${text};\n`;
    });
    for (const { name, first, whole } of variables) {
      const { text } = s.number(first, whole ? "whole" : "element");
      lines.push(`${s.inside.splice(0).join("\n")}let s_${name} = ${text};\n`);
    }
    return lines.join("");
  }

  /**
   * What is done with an element `v`; with `hoist` what stays the same is computed before. What is in `kept` is computed too and
   * written to `w[i]`.
   */
  step(p: number, hoist: boolean, kept: Expr | null = null): { before: string; inside: string } {
    const { variables } = this.fold.passes[p];
    const changing = new Set(["v", "i", ...variables.map((s) => s.name)]);
    const s = this.#statements(
      `t${p}_`,
      [...variables.map((s) => s.next), ...(kept === null ? [] : [kept])],
      hoist ? (name) => changing.has(name) : () => true,
    );
    if (kept !== null) s.inside.push(`w[i] = ${s.number(kept, "element").text};`);
    s.assign(variables.map(({ name, next, whole }) => ({
      to: `s_${name}`,
      old: input(name),
      value: next,
      whole,
    })));
    return { before: s.before.join("\n") + "\n", inside: s.inside.join("\n") };
  }

  /** Joins another part's variables into a walk's. */
  merge(p: number, other: (name: string) => string): string {
    const { variables } = this.fold.passes[p];
    const names = new Map(variables.map((s) => [otherName(s.name), other(s.name)]));
    const s = new Statements(
      this.#target,
      {
        text: (name) => names.get(name) ?? (name === "n" ? name : `s_${name}`),
        whole: (name) => this.fold.whole.has(name) || this.fold.whole.has(name.slice(0, -1)),
        varies: () => true,
      },
      `m${p}_`,
      variables.map((s) => s.merged),
    );
    s.assign(variables.map(({ name, merged, whole }) => ({
      to: `s_${name}`,
      old: input(name),
      value: merged,
      whole,
    })));
    return s.inside.join("\n");
  }

  /**
   * Writes results: `outs` are elements of arrays, of which `big` ones take BigInts. With `hoist` what is the same for all elements
   * is computed before.
   */
  results(
    roots: readonly Expr[],
    outs: readonly string[],
    big: (o: number) => boolean = () => false,
    hoist = false,
  ): { before: string; inside: string } {
    const s = this.#statements(
      "r",
      roots,
      hoist ? (name) => name === "v" || name === "i" || name === KEPT : () => true,
    );
    const stores = roots.map((e, o) => {
      const { text, kind } = s.number(e), isBig = this.big && kind === "element", wanted = big(o);
      return `${outs[o]} = ${isBig === wanted ? text : wanted ? `BigInt(${text})` : `Number(${text})`};`;
    });
    return { before: s.before.join("\n") + "\n", inside: `${s.inside.join("\n")}${stores.join(" ")}\n` };
  }
}
