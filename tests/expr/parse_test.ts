import { assert, assertEquals, assertThrows } from "@std/assert";
import { apply, constant, format, input } from "../../src/expr/expr.ts";
import { parse } from "../../src/expr/parse.ts";
import { program } from "../../src/expr/program.ts";
import { type JsFlavor, scalarFunction } from "../../src/expr/lower_js.ts";

/** The value of source text at some inputs. */
function evaluate(source: string, at: Record<string, number> = {}, flavor: JsFlavor = "float"): number {
  return scalarFunction(program(Object.keys(at), source), flavor)(...Object.values(at)) as number;
}

Deno.test("parse: precedence and grouping", () => {
  const at = { x: 3, y: 2 };
  const cases: [string, number][] = [
    ["1 + x * y", 7],
    ["(1 + x) * y", 8],
    ["x - y - 1", 0],
    ["12 / x / y", 2],
    ["y ** x ** y", 512],
    ["-x ** 2", -9],
    ["(-x) ** 2", 9],
    ["x ** -y", 1 / 9],
    ["-x + y", -1],
    ["- -x", 3],
    ["+x", 3],
    ["x % y * 2", 2],
    ["-x % y", 1],
    ["x < y || x > y && y == 2", 1],
    ["!(x < y)", 1],
    ["!x", 0],
    ["x > y ? 10 : x > 1 ? 20 : 30", 10],
    ["x < y ? 10 : x < 1 ? 20 : 30", 30],
    ["x + (y > 1) + (y != 2)", 4],
    ["x >= 3 && y <= 1", 0],
    ["max(x, y) - min(x, y)", 1],
    [".5 + 1. + 2e-1 + 1E1", 11.7],
    ["clamp(x, 0, 1)", 1],
    ["hypot(x, 4)", 5],
    [" x\n  * y\t", 6],
  ];
  for (const [source, expected] of cases) assertEquals(evaluate(source, at), expected, source);
});

Deno.test("parse: constants, and inputs that hide them", () => {
  assertEquals(evaluate("pi"), Math.PI);
  assertEquals(evaluate("e"), Math.E);
  assertEquals(evaluate("-inf"), -Infinity);
  assertEquals(evaluate("nan"), NaN);
  assertEquals(evaluate("e + 1", { e: 5 }), 6);
});

Deno.test("parse: errors say where", () => {
  const cases: [string, string, number][] = [
    ["x +", "expected a value but met the end", 3],
    ["", "expected a value but met the end", 0],
    ["x $ 2", 'unexpected character "$"', 2],
    ["(x", 'expected ")" but met the end', 2],
    ["foo(x)", "unknown function foo", 0],
    ["toString(x)", "unknown function toString", 0],
    ["1 + exp(x, 2)", "exp takes 1 argument, got 2", 4],
    ["hypot(x)", "hypot takes 2 arguments, got 1", 0],
    ["z", "unknown name z: the inputs are x", 0],
    ["x 2", 'expected an operator but met "2"', 2],
    ["x ? 1", 'expected ":" but met the end', 5],
    ["x = 1", 'unexpected character "="', 2],
  ];
  for (const [source, message, at] of cases) {
    const error = assertThrows(() => parse(source, ["x"]), TypeError);
    assertEquals(
      error.message,
      `${message}, at position ${at} of the expression\n  ${source}\n  ${" ".repeat(at)}^`,
    );
  }
});

Deno.test("expr: equal expressions are one node", () => {
  assert(parse("exp(x) + 1", ["x"]) === apply("add", apply("exp", input("x")), constant(1)));
  assert(parse("x - y", ["x", "y"]) !== parse("y - x", ["x", "y"]));
  assert(constant(0) !== constant(-0));
  assert(constant(NaN) === constant(NaN));
});

Deno.test("expr: format parses back to the same node", () => {
  const sources = [
    "-x ** 2",
    "(-x) ** 2",
    "x ** -y",
    "(x ** y) ** 2",
    "x - (y - 1)",
    "x / (y * 2) * 3",
    "-(x + y) * 2",
    "(x < y) == (y < 1)",
    "x < y && (y < 1 || !(x > 2))",
    "where(x > 0, exp(x), -inf) + (-3) ** x",
    "1e-30 * x + 1e+30",
    "remainder(x, y) % 2 - -2 * floorDiv(x, y)",
  ];
  for (const source of sources) {
    const e = parse(source, ["x", "y"]);
    assert(parse(format(e), ["x", "y"]) === e, `${source} became ${format(e)}`);
  }
});

Deno.test("expr: the simplifier folds what is exact, and only that", () => {
  const cases: [string, string][] = [
    ["2 * 3 + 1", "7"],
    ["exp(0) * x", "x"],
    ["x * 1", "x"],
    ["x / 1", "x"],
    ["x - 0", "x"],
    ["x + -0.0", "x"],
    ["x ** 1", "x"],
    ["x ** 0", "1"],
    ["-(-x)", "x"],
    ["-1 * x", "-x"],
    ["x + -y", "x - y"],
    ["x - -y", "x + y"],
    ["x + x", "2 * x"],
    ["-x * y", "-(x * y)"],
    ["1 < 2 ? x : y", "x"],
    ["x > 0 ? y : y", "y"],
    // not for NaN, infinities or -0
    ["x * 0", "x * 0"],
    ["x - x", "x - x"],
    ["x / x", "x / x"],
    ["x + 0", "x + 0"],
    ["0 - x", "0 - x"],
  ];
  for (const [source, expected] of cases) assertEquals(format(parse(source, ["x", "y"])), expected, source);
});

Deno.test("lower: an arithmetic that lacks a primitive or a constant says so", () => {
  assertThrows(() => evaluate("exp(x)", { x: 1 }, "int"), TypeError, "exp is not implemented for integers");
  assertThrows(
    () => evaluate("bitAnd(x, 1)", { x: 1 }),
    TypeError,
    "bitAnd is not implemented for floating-point",
  );
  assertThrows(() => evaluate("x * 0.5", { x: 1 }, "int"), TypeError, "the constant 0.5 is not an integer");
});

Deno.test("lower: integer arithmetic wraps, and division by zero throws", () => {
  assertEquals(evaluate("x * x", { x: 65537 }, "int"), 131073);
  assertEquals(evaluate("x ** 31", { x: 3 }, "int"), Number(BigInt.asIntN(32, 3n ** 31n)));
  const big = (source: string, ...args: bigint[]) =>
    scalarFunction(program(["x", "y"].slice(0, args.length), source), "bigint")(...args);
  assertEquals(big("x ** y", 3n, 40n), BigInt.asIntN(64, 3n ** 40n));
  assertEquals(big("x + 1", 9223372036854775807n), -9223372036854775808n);
  assertEquals(big("abs(x)", -9223372036854775808n), -9223372036854775808n);
  assertEquals(big("x % y + floorDiv(x, y) * 10", -7n, 2n), -39n);
  assertEquals(big("(x > y) + 1", 2n, 1n), 2n);
  for (const f of ["floorDiv", "truncDiv", "remainder", "fmod"]) {
    assertThrows(() => evaluate(`${f}(x, 0)`, { x: 1 }, "int"), RangeError, "ZeroDivisionError");
    assertThrows(() => big(`${f}(x, y)`, 1n, 0n), RangeError, "ZeroDivisionError");
  }
});
