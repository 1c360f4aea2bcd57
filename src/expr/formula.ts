/**
 * Formulas: an expression as a reader sees it, in a notebook set as mathematics.
 * @module
 */
import { type Expr, format } from "./expr.ts";
import { lowerTex } from "./lower_tex.ts";

/**
 * A formula. In a notebook it is set as mathematics; its text is LaTeX, for use in Markdown: `` markdown(`$${f.tex}$`) ``.
 */
export class Formula {
  /** What stands before the equals sign, or "" where there is none. */
  readonly left: string;
  /** The expression. */
  readonly right: string;
  /** The formula in the language of expressions. */
  readonly source: string;

  /** Takes an expression, with the LaTeX and the text of what it is equal to. */
  constructor(e: Expr, left: { readonly tex: string; readonly text: string } = { tex: "", text: "" }) {
    this.left = left.tex;
    this.right = lowerTex(e);
    this.source = left.text === "" ? format(e) : `${left.text} = ${format(e)}`;
  }

  /** The whole formula as LaTeX. */
  get tex(): string {
    return this.left === "" ? this.right : `${this.left} = ${this.right}`;
  }

  /** The whole formula as LaTeX. */
  toString(): string {
    return this.tex;
  }

  /** The formula in the formats that notebooks know, by MIME type. */
  toBundle(): Record<string, string> {
    const shown = `$$${this.tex}$$`;
    return { "text/plain": this.source, "text/markdown": shown, "text/latex": shown };
  }

  /** The formula for a notebook. */
  [Symbol.for("Jupyter.display")](): Record<string, string> {
    return this.toBundle();
  }

  /** What `console.log` shows: the formula in the language of expressions. */
  [Symbol.for("Deno.customInspect")](): string {
    return this.source;
  }
}
