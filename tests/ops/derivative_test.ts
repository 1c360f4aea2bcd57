/** Derivatives and formulas of users' own pointwise operations. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import * as dg from "../../mod.ts";

const f64 = (...values: number[]): dg.Tensor => dg.tensor(values, { dtype: "float64" });

Deno.test("the derivative of a pointwise function is what backward computes, to any order", () => {
  const mish = dg.definePointwise("mish", "x * tanh(log1p(exp(x)))");
  let f = mish;
  for (let order = 0; order < 3; order++) {
    const x = f64(-2, 0.3, 1.7).requiresGrad_();
    const [expected] = dg.autograd.grad(f(x).sum(), x) as dg.Tensor[];
    f = f.derivative();
    assert(dg.allclose(f(x.detach()), expected, { rtol: 1e-12 }));
  }
  assertEquals(f.name, "mishByXByXByX");
  assertEquals(mish.derivative()(f64(1).requiresGrad_()).gradFn!.name(), "MishByXBackward0");
});

Deno.test("partial derivatives by name or number", () => {
  const f = dg.definePointwise("f", "a * b ** 2 + a");
  const a = f64(2, 3), b = f64(5, -1);
  assertEquals(f.derivative()(a, b).toArray(), [26, 2]);
  assertEquals(f.derivative("b")(a, b).toArray(), [20, -6]);
  assertEquals(f.derivative("b").derivative("a")(a, b).toArray(), [10, -2]);
  assertThrows(() => f.derivative("c"), RangeError, 'the inputs are a, b, got "c"');
  assertThrows(() => f.derivative(2), RangeError, "got 2");
});

Deno.test("constant derivatives, gradients by hand", () => {
  const line = dg.definePointwise("line", "3 * x + 1");
  assertEquals(line.derivative()(f64(1, 2)).toArray(), [3, 3]);
  assertEquals(line.derivative().derivative()(f64(1, 2)).toArray(), [0, 0]);
  assertEquals(line.derivative()(2).item(), 3);
  const passed = dg.definePointwise("passed", "floor(x)", { grad: "g" });
  assertEquals(passed.derivative()(f64(1.5)).toArray(), [1]);
  const own = dg.definePointwise("own", "exp(x)", { grad: "g * y + x" });
  assertEquals(own.derivative()(f64(0)).toArray(), [1]);
  assertEquals(own.derivative().tex.right, "e^{x} + x");
});

Deno.test("a pointwise function shows its formula", () => {
  const f = dg.definePointwise("f", "x ** 2");
  assertEquals(`${f.tex}`, "f\\left(x\\right) = x^{2}");
  assertEquals(`${f.derivative().derivative().tex}`, "f''\\left(x\\right) = 2");
  assertEquals(Deno.inspect(f.derivative()), "f'(x) = 2 * x");
  const phi = dg.definePointwise("phi", "alpha * x");
  assertEquals(
    `${phi.derivative("x").tex}`,
    "\\frac{\\partial \\phi}{\\partial x}\\left(\\alpha, x\\right) = \\alpha",
  );
  assertEquals(Deno.inspect(phi.derivative("x").derivative("alpha")), "d^2 phi/dx dalpha(alpha, x) = 1");
  assertEquals(`${dg.definePointwise("mish", "-x").tex}`, "\\operatorname{mish}\\left(x\\right) = -x");
});

Deno.test("expr.tex shows a formula without computing it", () => {
  assertEquals(`${dg.expr.tex("alpha * x ** 2 / 2")}`, "\\frac{\\alpha x^{2}}{2}");
  assertThrows(() => dg.expr.tex("2 +"), TypeError, "expected a value");
  // deno-lint-ignore no-explicit-any
  assertThrows(() => dg.expr.tex(3 as any), TypeError, "got number");
  assertEquals(dg.expr`2 * ${f64(3)}`.toArray(), [6]);
});
