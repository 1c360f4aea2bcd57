/** Users' own pointwise operations: expr`...` and definePointwise. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import * as dg from "../../mod.ts";
import type { Tensor } from "../../mod.ts";

const list = (t: Tensor): unknown => t.detach().toArray();
const f64 = (...values: number[]): Tensor => dg.tensor(values, { dtype: "float64" });
const leaf = (...values: number[]): Tensor => dg.tensor(values, { dtype: "float64", requiresGrad: true });

Deno.test("expr: value and gradients are those of the methods", () => {
  const x = leaf(0.3, -1.2, 2), y = leaf(1.5, 0.4, -0.7);
  const out = dg.expr`3 * ${x} ** 2 + ${x} * sin(${y}) - exp(-${y})`;
  const same = x.square().mul(3).add(x.mul(y.sin())).sub(y.neg().exp());
  assert(dg.allclose(out, same, { rtol: 1e-14 }));
  const [g, expected] = [out, same].map((t) => dg.autograd.grad([t.sum()], [x, y], { createGraph: true }));
  g.forEach((t, i) => assert(dg.allclose(t, expected[i], { rtol: 1e-13 })));
  const [gg, expected2] = [g, expected].map(([dx, dy]) => dg.autograd.grad([dx.mul(dy).sum()], [x, y]));
  gg.forEach((t, i) => assert(dg.allclose(t, expected2[i], { rtol: 1e-12 })));
});

Deno.test("expr: one node, one input for the same tensor, parsed once for each place", () => {
  const x = leaf(1, 2), y = leaf(3, 4);
  const f = (a: Tensor, b: Tensor): Tensor => dg.expr`${a} * ${b} + ${a}`;
  const out = f(x, y);
  assertEquals(out.gradFn!.name(), "ExprBackward0");
  assertEquals(out.gradFn!.nextFunctions.length, 2);
  assert(out.gradFn!.nextFunctions.every(([node]) => node!.name() === "torch::autograd::AccumulateGrad"));
  const squared = f(x, x);
  assertEquals([list(squared), squared.gradFn!.nextFunctions.length], [[2, 6], 1]);
  squared.sum().backward();
  assertEquals(list(x.grad!), [3, 5]);
  const operation = (t: Tensor): unknown => (t.gradFn as unknown as { op: unknown }).op;
  assert(operation(f(y, x)) === operation(out));
  assert(operation(f(y, y)) === operation(squared));
  assert(operation(dg.expr`${x} * ${y} + ${x}`) !== operation(out));
});

Deno.test("expr: numbers, bigints, broadcasting, 0-d and empty tensors", () => {
  const x = dg.tensor([[1], [2]]), y = dg.tensor([10, 20, 30]);
  assertEquals(list(dg.expr`${x} * ${y} - ${0.5}`), [[9.5, 19.5, 29.5], [19.5, 39.5, 59.5]]);
  assertEquals(list(dg.expr`${dg.tensor(2)} ** ${3}`), 8);
  assertEquals(list(dg.expr`${2} * ${3}`), 6);
  assertEquals(dg.expr`2 * ${dg.zeros(0, 3)}`.shape, [0, 3]);
  assertEquals(list(dg.expr`${y.asStrided([2], [2], 0)} + 1`), [11, 31]);
  const scalar = dg.tensor(1.5, { requiresGrad: true });
  dg.expr`2 * ${scalar} ** 2 - 3 * ${scalar} + 4`.backward();
  assertEquals(scalar.grad!.item(), 3);
  const bias = leaf(1);
  dg.expr`${f64(1, 2, 3)} * ${bias}`.sum().backward();
  assertEquals(list(bias.grad!), [6]);
});

Deno.test("expr: dtypes", () => {
  const whole = dg.tensor([7n, -7n]), small = dg.tensor([1, 2], { dtype: "float16" });
  const dtypeOf = (t: Tensor): unknown => [t.dtype, list(t)];
  assertEquals(dtypeOf(dg.expr`3 * ${whole} + ${1n}`), ["int64", [22, -20]]);
  assertEquals(dtypeOf(dg.expr`${whole} % 4`), ["int64", [3, 1]]);
  assertEquals(dtypeOf(dg.expr`${whole} / 2`), ["float32", [3.5, -3.5]]);
  assertEquals(dtypeOf(dg.expr`${whole} * 0.5`), ["float32", [3.5, -3.5]]);
  assertEquals(dtypeOf(dg.expr`bitAnd(${whole}, 3)`), ["int64", [3, 1]]);
  assertEquals(dtypeOf(dg.expr`${small} * 2`), ["float16", [2, 4]]);
  assertEquals(dtypeOf(dg.expr`${whole} > 0 && ${small} < 2`), ["bool", [true, false]]);
  assertEquals(dtypeOf(dg.expr`${whole} > 0 ? ${small} : -1`), ["float16", [1, -1]]);
  assertThrows(
    () => dg.expr`bitAnd(${small}, 3)`,
    TypeError,
    "bitAnd is not implemented for floating-point numbers",
  );
});

Deno.test("expr: mistakes are shown at their place", () => {
  const x = dg.ones(2);
  assertThrows(
    () => dg.expr`3 * ${x} +`,
    TypeError,
    "met the end, at position 8 of the expression\n  3 * x0 +\n          ^",
  );
  assertThrows(() => dg.expr`foo(${x})`, TypeError, "unknown function foo");
  assertThrows(() => dg.expr`2${x}`, TypeError, 'expected an operator but met "x0"');
  assertThrows(() => dg.expr`${x}${x}`, TypeError, 'expected an operator but met "x0"');
  // Names of the values are no part of the language.
  assertThrows(() => dg.expr`x0 + ${x}`, TypeError, "unknown name x0");
  assertThrows(() => dg.expr`1 + 2`, TypeError, "needs at least one value");
  assertThrows(
    () => dg.expr`2 * ${"3" as unknown as number}`,
    TypeError,
    "expr(): expected a tensor, number",
  );
  assertThrows(() => dg.expr`${x} + ${dg.ones(3)}`, TypeError, "The size of tensor a (2) must match");
  const many = Array.from({ length: 31 }, () => dg.ones(1));
  const strings = Object.assign(["", ...Array(30).fill("+"), ""], { raw: [] });
  assertThrows(
    () => dg.expr(strings, ...many),
    RangeError,
    "has 31 inputs, but a pointwise operation has at most 30",
  );
  const thirty = Object.assign(["", ...Array(29).fill("+"), ""], { raw: [] });
  assertEquals(list(dg.expr(thirty, ...many.slice(1))), [30]);
});

Deno.test("expr: inside noGrad nothing is recorded, and freed values are noticed", () => {
  const x = leaf(1, 2);
  assertEquals(dg.noGrad(() => dg.expr`${x} * 2`).requiresGrad, false);
  const y = dg.expr`exp(${x})`.sum();
  y.backward();
  assertThrows(() => y.backward(), TypeError, "Trying to backward through the graph a second time");
});

Deno.test("definePointwise: a function with gradients of any order", () => {
  const mish = dg.definePointwise("mish", "x * tanh(log1p(exp(x)))");
  const x = leaf(-1.3, 0.2, 1.7);
  const y = mish(x), same = x.mul(x.exp().log1p().tanh());
  assertEquals(y.gradFn!.name(), "MishBackward0");
  assertEquals([mish.name, mish.op.arity], ["mish", 1]);
  assert(dg.allclose(y, same, { rtol: 1e-14 }));
  assert(dg.autograd.gradcheck(mish, [x]));
  assert(dg.autograd.gradgradcheck(mish, [x]));
  assertEquals(mish(0).item(), 0);
  assertThrows(() => mish(), TypeError, "mish() takes 1 argument (x), got 0");
  assertThrows(() => mish(x, x), TypeError, "mish() takes 1 argument (x), got 2");
  assertThrows(() => mish("1" as unknown as number), TypeError, "mish(): expected a tensor, number");
  // It is the user's own: nothing else changes.
  assert(!("mish" in dg.Tensor.prototype) || (dg.Tensor.prototype as { mish?: unknown }).mish !== mish);
});

Deno.test("definePointwise: order of the inputs, constants as inputs, own gradients", () => {
  const swapped = dg.definePointwise("sub", "b - a");
  assertEquals(list(swapped(f64(5), f64(3))), [2]); // b is first in the text
  const named = dg.definePointwise("sub", "b - a", { inputs: ["a", "b"] });
  assertEquals(list(named(f64(5), f64(3))), [-2]);
  assertEquals(list(named(1, f64(3))), [2]);
  assertEquals(named(1, 3).item(), 2);
  assertEquals(list(dg.definePointwise("circle", "pi * r ** 2")(f64(1))), [Math.PI]);
  assertEquals(list(dg.definePointwise("own", "e * 2", { inputs: ["e"] })(f64(5))), [10]);

  const through = dg.definePointwise("straightThrough", "round(x)", { grad: "g" });
  const x = leaf(0.4, 1.6);
  through(x).mul(3).sum().backward();
  assertEquals(list(x.grad!), [3, 3]);
  const two = dg.definePointwise("scale", "a * b", { grad: [undefined, "10 * g"] });
  const [a, b] = [leaf(2), leaf(3)];
  assertEquals(dg.autograd.grad([two(a, b)], [a, b]).map(list), [[3], [10]]);
});

Deno.test("definePointwise: mistakes are found when it is defined", () => {
  assertThrows(
    () => dg.definePointwise("f", "x *"),
    TypeError,
    "met the end, at position 3 of the expression\n  x *\n     ^",
  );
  assertThrows(
    () => dg.definePointwise("f", "x + y", { inputs: ["x"] }),
    TypeError,
    "unknown name y: the inputs are x",
  );
  assertThrows(() => dg.definePointwise("f", "x # 2"), TypeError, 'unexpected character "#", at position 2');
  assertThrows(() => dg.definePointwise("f", "sinus(x)"), TypeError, "unknown function sinus");
  assertThrows(() => dg.definePointwise("f", "1 + pi"), TypeError, "has no inputs");
  assertThrows(() => dg.definePointwise("f", "x", { grad: "g * z" }), TypeError, "unknown name z");
  assertThrows(() => dg.definePointwise("1f", "x"), TypeError, 'but got "1f"');
  assertThrows(
    () => dg.definePointwise("f", 3 as unknown as string),
    TypeError,
    "the formula must be a string",
  );
  assertThrows(
    () => dg.definePointwise("f", "x", { inputs: ["x", "x"] }),
    TypeError,
    "two inputs of the same name",
  );
});
