/**
 * Random JavaScript programs, and what they do.
 *
 * @module
 */

import fc from "npm:fast-check@4.10.2";

const BINARY = "+ - * / % ** & | ^ << >> >>> < <= > >= == != === !== && || ?? ,".split(" ");
const ASSIGN = "= += -= *= /= %= **= &= |= ^= <<= >>= >>>= &&= ||= ??=".split(" ");
const UNARY = ["-", "+", "~", "!", "typeof ", "void ", "delete ", "- ", "+ "];
const KEYS = ["p", "q", "r"];
const WORDS = ["a", "b", "c", "k", "o", "arr", "date", "text", "nothing", "big", "proxy", "odd"];
const LITERALS = ["0", "1", "-2", "0.5", "1e3", "3n", "0n", "-1n", `"x"`, `"2"`, `""`, "`t`", "null"];
const MORE_LITERALS = [
  "undefined",
  "true",
  "false",
  "NaN",
  "Infinity",
  "[]",
  "[1, 2]",
  "{}",
  "/r/g",
  "() => 1",
];

/** One of the variables and members that programs may assign to. */
function target(expression: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom("a", "b", "c", "o.p", "o.q", "o.r", "arr[0]", "arr[1]") },
    fc.constantFrom("k", "(a)", "(o.p)", "frozen.p", "nothing.p", "missing", "proxy.p", "o [ 'q' ]"),
    fc.constantFrom("self.#x", "self . #x", "self.y", "log('self', self).#x", "o /* . */ . // [\n p"),
    expression.map((e) => `o[${e}]`),
    expression.map((e) => `log("object", o)[log("key", ${e})]`),
  );
}

const { expression } = fc.letrec<{ expression: string; leaf: string; target: string }>((tie) => ({
  leaf: fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...WORDS) },
    { weight: 2, arbitrary: fc.constantFrom(...LITERALS) },
    fc.constantFrom(...MORE_LITERALS).map((text) => `(${text})`),
    fc.constantFrom(...KEYS).map((key) => `o.${key}`),
  ),
  target: target(tie("expression")),
  expression: fc.oneof(
    { maxDepth: 5, depthSize: "small", withCrossShrink: true },
    { weight: 2, arbitrary: tie("leaf") },
    {
      weight: 6,
      arbitrary: fc.tuple(tie("expression"), fc.constantFrom(...BINARY), tie("expression"), fc.boolean())
        .map(([a, op, b, bare]) => bare ? `${a} ${op} ${b}` : `(${a}) ${op}(${b})`),
    },
    {
      weight: 2,
      arbitrary: fc.tuple(fc.constantFrom(...UNARY), tie("expression"), fc.boolean())
        .map(([op, a, bare]) => bare ? `${op}${a}` : `${op}(${a})`),
    },
    {
      weight: 3,
      arbitrary: fc.tuple(tie("target"), fc.constantFrom(...ASSIGN), tie("expression"), fc.boolean())
        .map(([a, op, b, bare]) => bare ? `${a} ${op} ${b}` : `(${a} ${op}/* = */${b})`),
    },
    {
      weight: 2,
      arbitrary: fc.tuple(tie("target"), fc.constantFrom("++", "--"), fc.boolean())
        .map(([a, op, prefix]) => prefix ? `(${op}${a})` : `(${a}${op})`),
    },
    fc.tuple(fc.constantFrom("1", "2", "3"), tie("expression")).map(([tag, a]) => `log(${tag}, ${a})`),
    fc.tuple(tie("expression"), tie("expression"), tie("expression"))
      .map(([a, b, c]) => `(${a} ? ${b} : ${c})`),
    tie("expression").map((a) => `\`<\${${a}}>\``),
    tie("expression").map((a) => `[${a}, ...[${a}]].length`),
    tie("expression").map((a) => `({ a, [${a}]: ${a} })`),
    tie("expression").map((a) => `(() => ${a.startsWith("{") ? `(${a})` : a})()`),
    tie("expression").map((a) => `((v = ${a}) => { return${a.startsWith("(") ? a : ` ${a}`} })()`),
    tie("expression").map((a) => `(await (${a}))`),
    tie("expression").map((a) => `[...(function* () { a += yield ${a}; })()].length`),
    tie("expression").map((a) => `((${a})?.p)`),
    tie("expression").map((a) => `[3, 1, 2].filter((v) => ${a}).length`),
    tie("expression").map((a) => `("p" in o) + (o instanceof Object) + (${a})`),
    tie("expression").map((a) =>
      `new (class { static #s = ${a}; static { this.#s += 1; } get() { a = 1; } })()`
    ),
    tie("expression").map((a) => `({ __proto__: o, m() { return super.p -= ${a}; } }).m()`),
    tie("expression").map((a) => `({ __proto__: o, m() { return super[log("super", "q")] *= ${a}; } }).m()`),
  ),
}));

const { block } = fc.letrec<{ statement: string; block: string }>((tie) => ({
  block: fc.array(tie("statement"), { minLength: 1, maxLength: 5 }).map((lines) => lines.join("\n")),
  statement: fc.oneof(
    { maxDepth: 3, depthSize: "small", withCrossShrink: true },
    {
      weight: 6,
      arbitrary: expression.map((e) => `${/^[{`[(/+-]|^(?:function|class)/.test(e) ? ";" : ""}${e}`),
    },
    { weight: 2, arbitrary: expression.map((e) => `log("value", ${e});`) },
    expression.map((e) => `var v = ${e}; log("var", v);`),
    expression.map((e) => `{ const { p = ${e}, ...rest } = o; log("rest", p); }`),
    expression.map((e) => `return ${e};`),
    expression.map((e) => `throw ${e};`),
    fc.tuple(expression, tie("block"), tie("block"))
      .map(([e, x, y]) => `if (${e}) {\n${x}\n} else {\n${y}\n}`),
    fc.tuple(tie("block"), expression).map(([x, e]) => `for (let i = 0; i < 3 && (${e}); i++) {\n${x}\n}`),
    fc.tuple(tie("block"), expression).map(([x, e]) =>
      `{ let i = 3; while (i-- > 0) {\n${x}\n if (${e}) break; } }`
    ),
    fc.tuple(tie("block"), tie("block"))
      .map(([x, y]) =>
        `try {\n${x}\n} catch (e) {\nlog("caught", e?.name); ${y}\n} finally { log("end", 0); }`
      ),
    fc.tuple(expression, expression).map(([a, b]) =>
      `switch (${a}) { case ${b}: log("case", 1); default: a++; }`
    ),
  ),
}));

/** Programs, many of which are valid. */
export const programs: fc.Arbitrary<string> = block;

/** The whole program: what surrounds the random lines. */
export function wholeProgram(lines: string): string {
  return `"use strict";
return await new (class Self {
  #x = 1;
  y = 2;
  async run() {
    const self = this;
    let a = 1, b = "b", c = null;
    const k = 2;
${lines}
  }
})().run();`;
}

/** Text that says which value it is, objects by the order in which they were met. */
class Describer {
  readonly #objects: unknown[] = [];

  describe(value: unknown): string {
    if (typeof value === "bigint") return `${value}n`;
    if (typeof value === "string") return JSON.stringify(value);
    if (Object.is(value, -0)) return "-0";
    if (value instanceof Error) return `${value.name}: ${value.message}`;
    if (typeof value !== "object" && typeof value !== "function" || value === null) return String(value);
    const at = this.#objects.indexOf(value);
    return `object ${at < 0 ? this.#objects.push(value) - 1 : at}`;
  }
}

const AsyncFunction = (async () => {}).constructor as new (...parts: string[]) => (
  ...values: unknown[]
) => Promise<unknown>;

/** Runs a program on fresh values; what it did, line by line. Throws SyntaxError where it is not valid. */
export async function behaviour(program: string): Promise<string[]> {
  const describer = new Describer();
  const seen: string[] = [];
  const log = (tag: unknown, value: unknown): unknown => {
    if (seen.length < 500) seen.push(`${String(tag)} ${describer.describe(value)}`);
    return value;
  };
  const values: Record<string, unknown> = {
    log,
    o: {
      p: 1,
      get q() {
        return log("get q", 2);
      },
      set q(value: unknown) {
        log("set q", value);
      },
      r: {
        valueOf: () => log("valueOf", 3),
        toString: () => log("toString", "r"),
      },
    },
    arr: [5, 6n, "s"],
    date: new Date(86_400_000),
    text: "text",
    nothing: undefined,
    big: 2n,
    frozen: Object.freeze({ p: 1 }),
    odd: {
      [Symbol.toPrimitive](hint: string) {
        log("toPrimitive", hint);
        if (hint === "string") throw new RangeError("odd");
        return hint === "number" ? 7n : 8;
      },
    },
    proxy: new Proxy({}, {
      get: (_, key) => key === "p" ? 3 : key === "then" ? undefined : log(`get ${String(key)}`, () => 4),
      set: (_, key, value) => (log(`set ${String(key)}`, value), value !== 4),
    }),
  };
  const run = new AsyncFunction(...Object.keys(values), program);
  try {
    log("returned", await run(...Object.values(values)));
  } catch (error) {
    // Engines word errors by the text of the code.
    log("threw", error instanceof Error ? error.name : error);
  }
  return seen;
}
