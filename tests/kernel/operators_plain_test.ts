/** Operators on everything but tensors: they stay JavaScript's. */
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import * as dg from "../../mod.ts";
import { hasPragma, OperatorSyntaxError, transformOperators } from "../../kernel/operators/transform.ts";
import { ops, run, text, type Values } from "./operators_run.ts";

const plain: Record<string, () => unknown> = {
  number: () => 2.5,
  integer: () => 3,
  zero: () => -0,
  nan: () => NaN,
  bigint: () => 2n,
  string: () => "7",
  boolean: () => true,
  null: () => null,
  undefined: () => undefined,
  symbol: () => Symbol.iterator,
  object: () => ({ a: 1 }),
  valueOf: () => ({ valueOf: () => 4 }),
  array: () => [1],
  date: () => new Date(5),
  function: () => run,
  prototypeless: () => Object.create(null),
  revoked: () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    return proxy;
  },
};
const BINARY = "+ - * / % ** & | ^ << >> >>> < <= > >= == != === !==".split(" ");
const ASSIGN = "+= -= *= /= %= **= &= |= ^= <<= >>= >>>= &&= ||= ??=".split(" ");

function outcome(code: string, values: Values): unknown {
  try {
    return run(code, values);
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`;
  }
}

Deno.test("operators on everything but tensors are JavaScript's", () => {
  let count = 0;
  const check = (code: string, a: unknown, b: unknown, what: string) => {
    const expected = outcome(code, { a, b });
    assert(Object.is(outcome(transformOperators(code), { a, b }), expected), `${code} on ${what}`);
    count++;
  };
  for (const [left, a] of Object.entries(plain)) {
    for (const op of ["-", "+", "~", "!", "typeof ", "void "]) check(`return ${op}a`, a(), 0, left);
    for (const step of ["++a", "a++", "--a", "a--"]) {
      check(`return ${step}`, a(), 0, left);
      check(`${step}; return a`, a(), 0, left);
      check(`const o = { a }; return ${step.replace("a", "o.a")}`, a(), 0, left);
    }
    for (const [right, b] of Object.entries(plain)) {
      const what = `${left}, ${right}`;
      for (const op of BINARY) {
        const [x, y] = [a(), b()];
        check(`return a ${op} b`, x, y, what);
        check(`if (a ${op} b) return 1`, x, y, what);
      }
      for (const op of ASSIGN) {
        check(`return a ${op} b`, a(), b(), what);
        check(`a ${op} b; return a`, a(), b(), what);
        check(`const o = { a }; o.a ${op} b; return o.a`, a(), b(), what);
      }
    }
  }
  assert(count > 20_000);
});

Deno.test("operators on a tensor and anything else never damage the tensor", () => {
  for (const make of [() => dg.tensor([1.5, 2]), () => dg.tensor([1n, 2n])]) {
    for (const [name, value] of Object.entries(plain)) {
      if (["number", "integer", "zero", "nan", "bigint", "boolean"].includes(name)) continue;
      const t = make();
      const before = text(t);
      for (const op of ["-", "*", "/", "%", "**", "&", "|", "^", "<<", ">>", "<", "<=", ">", ">="]) {
        assertThrows(() => ops(`t ${op} v`, { t, v: value() }), TypeError, undefined, `t ${op} ${name}`);
        assertThrows(() => ops(`v ${op} t`, { t, v: value() }), TypeError, undefined, `${name} ${op} t`);
        if (op.startsWith("<") && op !== "<<" || op.startsWith(">") && op !== ">>") continue;
        assertThrows(() => ops(`t ${op}= v`, { t, v: value() }), TypeError, undefined, `t ${op}= ${name}`);
      }
      assertEquals(text(t), before);
    }
  }
});

Deno.test("what keeps its operators", () => {
  const kept = [
    "x = 2 * 3 - 1",
    "x = -1",
    "x = `a` + y",
    "s += 'b'",
    "s = a + ': ' + b",
    "if (a === b && c !== d || (e ?? f)) {}",
    "if (x == null || undefined != y || typeof x == 'string') {}",
    "x = a in b",
    "x = a instanceof B",
    "x = a >>> 0",
    "x ??= 1; y ||= 2; z &&= 3; w >>>= 1; v = 5",
    "class A { #p; has(o) { return #p in o; } }",
    "type T = A | B & C; let x: -1 | 2 = f as 1 | 2;",
    "enum E { A = 1 << 2, B = A | 8 }",
    "declare function f(a: number): a is 1;",
    "const f = <T,>(x: T): x is T & string => !!x",
    "// a * b\n/* c - d */",
    "import a from 'b'; export * from 'c';",
    "`a * b`",
    "/a*b+/.test('x')",
    "1 +",
  ];
  for (const code of kept.slice(0, -1)) assertEquals(transformOperators(code), code);
  assertThrows(() => transformOperators(kept.at(-1)!), OperatorSyntaxError);
});

Deno.test("what does not keep them", () => {
  const changed = [
    "enum E { A = 1 }\nnamespace N { export const z = a * b }",
    "abstract class Q<T> { abstract p: T; constructor(private readonly a = b * c) { super(); } }",
    "@dec class A { accessor x = a * b }",
    "{ using x = a * b; await using y = x; }",
    "let y = <number> (a * b)",
    "let y = x as any * 2",
    "x! -= 1; (x as any) *= y; x satisfies T",
    "<div>{a * b}</div>",
    "`${a * b}`",
    "f`${a * b}`",
    "const { p = a * b, [a + b]: q } = o",
    "async function* f() { yield await a * b; for await (const x of a * b) {} }",
  ];
  for (const code of changed) {
    const made = transformOperators(code);
    assertMatch(made, /__dg_ops/);
    transformOperators(made);
  }
  assertEquals(transformOperators("{ a: x * 2, b: -y }"), "{ a: __dg_ops.mul(x , 2), b: __dg_ops.neg(y) }");
  assertEquals(transformOperators("return-x"), "return __dg_ops.neg(x)");
});

Deno.test("a pragma leaves code alone", () => {
  for (
    const code of [
      "// @operators off\na * b",
      "\n// first\n  // @operators off: fast\n-x",
      "/* licence\n */ // @operators off\na * b",
      "#!/usr/bin/env -S deno run\n// @operators off\na * b",
    ]
  ) {
    assert(hasPragma(code));
    assertEquals(transformOperators(code), code);
  }
  for (
    const code of ["a * b // @operators off", "f();\n// @operators off\na * b", "'// @operators off'; a * b"]
  ) {
    assert(!hasPragma(code));
    assert(transformOperators(code) !== code);
  }
});
