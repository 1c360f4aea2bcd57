/**
 * Parses TypeScript, with or without JSX, into a tree with positions.
 *
 * @module
 */

import { parse as parseModule, parseExpression, type ParserOptions } from "npm:@babel/parser@8.1.2";

/** A node of the tree, by ESTree's names as Babel has them. */
export interface Node {
  /** Kind. */
  readonly type: string;
  /** Index of its first character. */
  readonly start: number;
  /** Index behind its last character. */
  readonly end: number;
  /** What else there is depends on the kind. */
  // deno-lint-ignore no-explicit-any
  readonly [member: string]: any;
}

const LINE_END = /\r\n|[\n\r\u2028\u2029]/;

/** Code that does not parse. */
export class OperatorSyntaxError extends SyntaxError {
  /** Always `"OperatorSyntaxError"`. */
  override name = "OperatorSyntaxError";
  /** Line, from 1. */
  readonly line: number;
  /** Column, from 1. */
  readonly column: number;
  /** The line with its number, and a mark under the place. */
  readonly frame: string;

  /** Makes the error of the character at an index of the code. */
  constructor(message: string, code: string, index: number) {
    super(message);
    const before = code.slice(0, index);
    const start = Math.max(...["\n", "\r", "\u2028", "\u2029"].map((end) => before.lastIndexOf(end))) + 1;
    const text = code.slice(start).split(LINE_END, 1)[0];
    this.line = before.split(LINE_END).length;
    this.column = index - start + 1;
    const margin = `${this.line} | `;
    // Tabs stay, so that the mark stands under its place however wide they are.
    const indent = text.slice(0, this.column - 1).replace(/[^\t]/g, " ");
    this.frame = `${margin}${text}\n${" ".repeat(margin.length - 2)}| ${indent}^`;
  }
}

/** What the tree says of errors that do not keep it from being built. */
interface Failure extends SyntaxError {
  reasonCode: string;
  loc: { index: number };
}

const OPTIONS: ParserOptions = {
  sourceType: "module",
  // Deno and V8 find errors that do not matter here, and in their own words.
  errorRecovery: true,
  allowAwaitOutsideFunction: true,
  allowReturnOutsideFunction: true,
  createParenthesizedExpressions: true,
  attachComment: false,
};
const PLUGINS: NonNullable<ParserOptions["plugins"]> = [
  "typescript",
  "decorators",
  "decoratorAutoAccessors",
  "deferredImportEvaluation",
  "sourcePhaseImports",
];

/** Parses code; throws {@linkcode OperatorSyntaxError}. */
export function parse(code: string): Node {
  // `<T>x` is not JSX and `<b>x</b>` not TypeScript; and a cell `{ a: 1, b: 2 }` is an object.
  const attempts: (() => unknown)[] = [
    () => parseModule(code, { ...OPTIONS, plugins: PLUGINS }).program,
    () => parseModule(code, { ...OPTIONS, plugins: [...PLUGINS, "jsx"] }).program,
  ];
  if (/^\s*\{/.test(code)) attempts.push(() => parseExpression(code, { ...OPTIONS, plugins: PLUGINS }));
  let first: Failure | undefined;
  for (const attempt of attempts) {
    try {
      return attempt() as Node;
    } catch (error) {
      if (!isFailure(error)) throw error;
      first ??= error;
    }
  }
  throw new OperatorSyntaxError(first!.message.replace(/ \(\d+:\d+\)$/, ""), code, first!.loc.index);
}

function isFailure(error: unknown): error is Failure {
  return error instanceof SyntaxError && "loc" in error && "reasonCode" in error;
}
