import { assert, assertEquals, assertThrows } from "@std/assert";
import { apply, constant, format, input } from "../../src/expr/expr.ts";
import { differentiate } from "../../src/expr/differentiate.ts";
import { parse } from "../../src/expr/parse.ts";
import { primitives } from "../../src/expr/primitives.ts";
import { gradientProgram, isZero, program } from "../../src/expr/program.ts";
import { scalarFunction } from "../../src/expr/lower_js.ts";

const near = (actual: number, expected: number, tolerance: number, what: string) =>
  assert(
    Math.abs(actual - expected) <= tolerance * Math.max(1, Math.abs(expected)),
    `${what}: ${actual}, expected ${expected}`,
  );

/** Where a primitive is smooth; the default is [0.3, 0.7] for the first and second argument. */
const points: Record<string, number[][]> = {
  acosh: [[1.5], [3]],
  log: [[0.2], [4]],
  lgamma: [[0.4], [3.3], [-1.4]],
  digamma: [[0.4], [3.3], [-1.4]],
  erfcx: [[0.3], [2.5], [-1.2]],
  erfc: [[0.3], [2.5], [-1.2]],
  erf: [[0.3], [2.5], [-1.2]],
  erfinv: [[0.3], [-0.95]],
  pow: [[0.3, 0.7], [2, -1.5], [1.5, 3]],
  remainder: [[5.3, 2], [-5.3, 2.1], [5.3, -2.1]],
  fmod: [[5.3, 2], [-5.3, 2.1], [5.3, -2.1]],
  atan2: [[0.3, 0.7], [-1, -2]],
  max: [[1, 2], [2, 1]],
  min: [[1, 2], [2, 1]],
  fmax: [[1, 2], [2, 1]],
  fmin: [[1, 2], [2, 1]],
  copysign: [[1, -2], [-3, -2], [-3, 2]],
  where: [[1, 2, 3], [0, 2, 3]],
  i0: [[0.3], [-2], [30]],
  i1: [[0.3], [-2], [30]],
};

Deno.test("every primitive: first and second derivatives agree with central differences", () => {
  for (const [name, { params, float, grad, kind }] of Object.entries(primitives)) {
    if (float === undefined || kind === "bool") continue;
    if (name === "nextafter32" || name === "fround") continue; // in float32 the steps of the difference would be too coarse
    const p = program(params, `${name}(${params})`, { name });
    const places = name === "polygamma" ? [[1, 0.7], [2, 3.5]] : points[name] ?? [[0.3, 0.7]];
    for (const place of places) {
      const at = place.slice(0, params.length);
      params.forEach((param, i) => {
        if (grad[i] === null && (name === "where" || name === "polygamma")) return; // the order, the condition
        const value = scalarFunction(p, "float") as (...x: number[]) => number;
        const first = scalarFunction(
          program(["g", ...params], differentiate(p.outputs[0], param, input("g"))),
          "float",
        ) as typeof value;
        const moved = (h: number) => at.map((x, k) => k === i ? x + h : x);
        const h = 1e-5;
        const numeric = (value(...moved(h)) - value(...moved(-h))) / (2 * h);
        near(first(1, ...at), numeric, 2e-8, `d ${name}(${at})/d${param}`);
        assertEquals(first(4, ...at) / 4, first(1, ...at), `${name} is linear in g`);

        const d = differentiate(p.outputs[0], param, constant(1));
        params.forEach((other, j) => {
          if (name === "polygamma" && j === 0) return;
          const second = scalarFunction(
            program(params, differentiate(d, other, constant(1))),
            "float",
          ) as typeof value;
          const movedToo = (h: number) => at.map((x, k) => k === j ? x + h : x);
          const expected = (first(1, ...movedToo(h)) - first(1, ...movedToo(-h))) / (2 * h);
          near(second(...at), expected, 5e-8, `d2 ${name}(${at})/d${param}d${other}`);
        });
      });
    }
  }
});

Deno.test("differentiate: compositions of several variables", () => {
  const inputs = ["x", "y"];
  const sources = [
    "x / (1 + exp(-x))",
    "x * tanh(softplus(x)) * y",
    "sqrt(x * x + y * y)",
    "sin(x * y) / (y + x ** 2)",
    "where(x > y, x * y, exp(x - y))",
    "log(1 + x ** y) - x % y",
    "(x * y) ** 3 + exp(x * y) * cos(x * y)",
  ];
  for (const source of sources) {
    const e = parse(source, inputs);
    const f = scalarFunction(program(inputs, e), "float") as (x: number, y: number) => number;
    for (const [x, y] of [[0.4, 1.3], [1.7, 0.6]]) {
      const h = 1e-5;
      const dx = scalarFunction(program(inputs, differentiate(e, "x", constant(1))), "float")(x, y) as number;
      const dy = scalarFunction(program(inputs, differentiate(e, "y", constant(1))), "float")(x, y) as number;
      near(dx, (f(x + h, y) - f(x - h, y)) / (2 * h), 1e-8, `d/dx ${source}`);
      near(dy, (f(x, y + h) - f(x, y - h)) / (2 * h), 1e-8, `d/dy ${source}`);
    }
  }
});

Deno.test("differentiate: any order", () => {
  let e = parse("sin(2 * x)", ["x"]);
  for (let order = 1; order <= 6; order++) {
    e = differentiate(e, "x", constant(1));
    const value = scalarFunction(program(["x"], e), "float")(0.7) as number;
    near(value, 2 ** order * Math.sin(1.4 + order * Math.PI / 2), 1e-13, `order ${order}`);
  }
});

Deno.test("differentiate: PyTorch's choices at kinks", () => {
  const gradient = (source: string, at: Record<string, number>, of: string) => {
    const names = Object.keys(at);
    const d = differentiate(parse(source, names), of, constant(1));
    return scalarFunction(program(names, d), "float")(...Object.values(at));
  };
  assertEquals(gradient("abs(x)", { x: 0 }, "x"), 0);
  assertEquals(gradient("max(x, y)", { x: 2, y: 2 }, "x"), 0.5);
  assertEquals(gradient("max(x, y)", { x: NaN, y: 2 }, "y"), 1);
  assertEquals(gradient("fmax(x, y)", { x: 2, y: 2 }, "x"), 1);
  assertEquals(gradient("x ** y", { x: 0, y: 0 }, "x"), 0);
  assertEquals(gradient("x ** y", { x: 0, y: 2 }, "y"), 0);
  assertEquals(gradient("x ** 2", { x: 0 }, "x"), 0);
  // the branch not taken passes nothing, not even NaN
  assertEquals(gradient("where(x > 0, x, sqrt(y))", { x: 1, y: -1 }, "x"), 1);
  assertEquals(gradient("remainder(x, y)", { x: -3, y: Infinity }, "y"), 1);
});

Deno.test("gradientProgram: the result is saved where the derivative contains it", () => {
  const cases: [string, string, string][] = [
    ["exp(x)", "g,y", "g * y"],
    ["tanh(x)", "g,y", "g * (1 - y * y)"],
    ["sqrt(x)", "g,y", "g / (2 * y)"],
    ["sigmoid(x)", "g,y", "g * (1 - y) * y"],
    ["log(x)", "g,x", "g / x"],
    ["x ** 3", "g,x", "g * (3 * x ** 2)"],
    ["x ** 2", "g,x", "g * (2 * x)"],
    ["-x", "g", "-g"],
    ["x", "g", "g"],
    ["2 * x + 1", "g", "g * 2"],
  ];
  for (const [source, inputs, expected] of cases) {
    const d = gradientProgram(program(["x"], source), 0);
    assertEquals(d.inputs.join(), inputs, source);
    assertEquals(format(d.outputs[0]), expected, source);
  }
  const p = program(["a", "b"], "a / b");
  assertEquals(gradientProgram(p, 0).inputs, ["g", "b"]);
  assertEquals(gradientProgram(p, 1).uses, [
    { from: "grad", index: 0 },
    { from: "input", index: 0 },
    { from: "input", index: 1 },
  ]);
});

Deno.test("gradientProgram: written by hand, zero, of several outputs, and names that are taken", () => {
  const relu = gradientProgram(program(["x"], "max(x, 0)"), 0, { grad: "where(y > 0, g, 0)" });
  assertEquals([relu.inputs.join(), relu.uses[1].from], ["g,y", "result"]);

  for (const source of ["floor(x)", "x > 0", "sign(x)", "round(x)", "3"]) {
    assert(isZero(gradientProgram(program(["x"], source), 0)), source);
  }
  assert(!isZero(gradientProgram(program(["x"], "x"), 0)));

  const both = program(["x", "y"], [parse("x * y", ["x", "y"]), parse("exp(x)", ["x"])]);
  const d = gradientProgram(both, 0);
  assertEquals(format(d.outputs[0]), "g1 * y1 + g0 * y");
  assertEquals(d.uses.map((u) => u.from + u.index), ["grad0", "grad1", "input1", "result1"]);

  const taken = gradientProgram(program(["g", "y"], "exp(g * y)"), 0);
  assertEquals([taken.inputs.join(), format(taken.outputs[0])], ["g_,y,y_", "g_ * y_ * y"]);
  assertThrows(() => gradientProgram(both, 2), RangeError, "2 inputs, got index 2");
});

Deno.test("program: keys do not depend on names, kinds say what type comes out", () => {
  assertEquals(program(["x"], "x * exp(x)").key, program(["t"], "t * exp(t)", { name: "other" }).key);
  assert(program(["x", "y"], "x - y").key !== program(["x", "y"], "y - x").key);
  assert(program(["x"], "x + 0").key !== program(["x"], "x + -0.0 + 0 * x").key);
  const kinds = {
    "x + 1": "same",
    "x * 0.5": "float",
    "x / 2": "float",
    "x < 1": "bool",
    "(x < 1) + x": "same",
  };
  for (const [source, kind] of Object.entries(kinds)) assertEquals(program(["x"], source).kind, kind, source);
  assertEquals(program(["x"], "where(x < 0.5, x, 0)").kind, "same");
  assertThrows(() => program(["x"], input("z")), TypeError, "uses z, which is none of its inputs: x");
  assertThrows(() => program(["x", "x"], "x"), TypeError, "two inputs of the same name");
});

Deno.test("differentiate: expressions thousands of operations deep", () => {
  let e = input("x");
  for (let i = 0; i < 20_000; i++) e = apply("sin", e);
  const d = differentiate(e, "x", constant(1));
  assertEquals(scalarFunction(program(["x"], e), "float")(0), 0);
  assertEquals(scalarFunction(program(["x"], d), "float")(0), 1);
});
