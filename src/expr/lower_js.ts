/**
 * Lowers programs to JavaScript source: one `const` for each distinct node, so that what is shared is computed once.
 * @module
 */
import type { Expr } from "./expr.ts";
import { postorder } from "./expr.ts";
import type { FoldTarget } from "./lower_fold.ts";
import { primitives, spell } from "./primitives.ts";
import { expandPowers, type Program } from "./program.ts";
import * as special from "./special.ts";

/**
 * The arithmetic of the generated code: `float` on numbers, `int` on numbers that hold integers of up to 32 bits, `bigint` on
 * BigInts that hold 64-bit integers.
 */
export type JsFlavor = "float" | "int" | "bigint";

/** JavaScript source of a program. Input number `k` is the identifier `x<k>`; `special` has to be in scope. */
export interface JsSource {
  /** Statements that define what the results use. */
  readonly statements: string;
  /** For each output an expression that gives its number (or BigInt); a truth value gives 1 or 0. */
  readonly results: readonly string[];
  /** For each output an expression that gives a JavaScript boolean: whether it is not 0. */
  readonly truths: readonly string[];
}

/** The functions that generated code calls as `special.f`: pass it as the parameter `special`. */
export const specialFunctions: Readonly<typeof special> = special;

/**
 * Lowers a program. `wrap` writes how an integer is brought into the range of a type narrower than 32 bits after each step;
 * without it only what is stored wraps.
 *
 * @throws {TypeError} if the program uses a primitive or constant that the arithmetic does not have.
 * @throws {RangeError} if it raises an integer to a constant negative power.
 */
export function lowerJs(p: Program, flavor: JsFlavor, wrap?: (value: string) => string): JsSource {
  const zero = flavor === "bigint" ? "0n" : "0";
  const texts = new Map<Expr, string>();
  const isTruth = (e: Expr) => e.args.length > 0 && primitives[e.op].kind === "bool";
  // + instead of a choice between 1 and 0: nine times as fast where the outcome cannot be predicted
  const fromTruth = (t: string) => flavor === "bigint" ? `(${t} ? 1n : 0n)` : `(+${t})`;
  const asNumber = (e: Expr) => isTruth(e) ? fromTruth(texts.get(e)!) : texts.get(e)!;
  const asTruth = (e: Expr) => isTruth(e) ? texts.get(e)! : `(${texts.get(e)} !== ${zero})`;

  const roots = flavor === "float" ? expandPowers(p.outputs) : p.outputs;
  const lines: string[] = [];
  for (const e of postorder(roots)) {
    if (e.op === "input") {
      texts.set(e, `x${p.inputs.indexOf(e.name!)}`);
    } else if (e.op === "const") {
      texts.set(e, literal(e.value!, flavor, p));
    } else {
      const { params, truths, kind, [flavor]: spelling } = primitives[e.op];
      if (spelling === undefined) {
        throw new TypeError(`${e.op} is not implemented for ${kindNames[flavor]} (in ${p.name})`);
      }
      const args = e.args.map((a, i) => truths.includes(params[i]) ? asTruth(a) : asNumber(a));
      if (e.op === "pow" && flavor !== "float" && e.args[1].op === "const" && e.args[1].value! < 0) {
        throw new RangeError("Integers to negative integer powers are not allowed.");
      }
      const name = `t${lines.length}`;
      const value = spell(spelling, params, args);
      lines.push(`const ${name} = ${kind === "same" && wrap !== undefined ? wrap(`(${value})`) : value};`);
      texts.set(e, name);
    }
  }
  return { statements: lines.join("\n"), results: roots.map(asNumber), truths: roots.map(asTruth) };
}

const kindNames: Readonly<Record<JsFlavor, string>> = {
  float: "floating-point numbers",
  int: "integers",
  bigint: "64-bit integers",
};

function literal(value: number, flavor: JsFlavor, p: { readonly name: string }): string {
  if (flavor === "float") return Object.is(value, -0) ? "-0" : String(value);
  if (!Number.isInteger(value)) {
    throw new TypeError(
      `the constant ${value} is not an integer, but ${p.name} is computed in ${kindNames[flavor]}`,
    );
  }
  return flavor === "bigint" ? `${BigInt(value)}n` : String(value | 0);
}

/** A program of one output as a JavaScript function of its inputs. */
export type ScalarFunction = (...args: (number | bigint)[]) => number | bigint;

const functions = new WeakMap<Program, Partial<Record<JsFlavor | "single", ScalarFunction>>>();

/**
 * The program as a JavaScript function of numbers (BigInts for `bigint`), for single values. A truth value comes as 1 or 0.
 * Float results are doubles, rounded to float32 where the flavor is "single".
 */
export function scalarFunction(p: Program, flavor: JsFlavor | "single"): ScalarFunction {
  let known = functions.get(p);
  if (known === undefined) functions.set(p, known = {});
  return known[flavor] ??= compile(p, flavor);
}

function compile(p: Program, flavor: JsFlavor | "single"): ScalarFunction {
  if (p.outputs.length !== 1) {
    throw new TypeError(`program ${p.name} has ${p.outputs.length} outputs, a scalar function has one`);
  }
  const { statements, results: [result] } = lowerJs(p, flavor === "single" ? "float" : flavor);
  const params = p.inputs.map((_, k) => `x${k}`),
    value = flavor === "single" ? `Math.fround(${result})` : result;
  const source = `"use strict"; return (${params}) => {\n${statements}\nreturn ${value};\n};`;
  return new Function("special", source)(specialFunctions) as ScalarFunction;
}

/** How folds are written in JavaScript, of elements in this arithmetic. */
export function jsFoldTarget(element: JsFlavor, name: string): FoldTarget {
  const flavor = (kind: string): JsFlavor => kind === "element" ? element : "int";
  return {
    constant: "const",
    powers: element === "float",
    spelling(op, kind) {
      const spelling = primitives[op][flavor(kind)];
      if (spelling !== undefined) return spelling;
      throw new TypeError(`${op} is not implemented for ${kindNames[flavor(kind)]} (in ${name})`);
    },
    // the smallest and the largest number stand for the infinities that integers do not have
    number: (value, kind) =>
      flavor(kind) === "bigint" && Math.abs(value) === Infinity
        ? value < 0 ? "-9223372036854775808n" : "9223372036854775807n"
        : literal(value, flavor(kind), { name }),
    count: (text, kind) => flavor(kind) === "bigint" ? `BigInt(${text})` : text,
    truth: (text, kind) => `(${text} !== ${flavor(kind) === "bigint" ? "0n" : "0"})`,
    fromTruth: (text, kind) => flavor(kind) === "bigint" ? `(${text} ? 1n : 0n)` : `(+${text})`,
  };
}
