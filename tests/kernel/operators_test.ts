/** Operators on tensors. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import * as dg from "../../mod.ts";
import { ops, text } from "./operators_run.ts";

Deno.test("arithmetic on tensors, with numbers on either side", () => {
  const x = dg.tensor([1, 2, -3]);
  const y = dg.tensor([4, 5, 6]);
  const cases: [string, string][] = [
    ["3*x**2 + x", "tensor([ 4., 14., 24.])"],
    ["x + y", "tensor([5., 7., 3.])"],
    ["1 + x", "tensor([ 2.,  3., -2.])"],
    ["x - 1", "tensor([ 0.,  1., -4.])"],
    ["1 - x", "tensor([ 0., -1.,  4.])"],
    ["6 / x", "tensor([ 6.,  3., -2.])"],
    ["y / 2", "tensor([2.0000, 2.5000, 3.0000])"],
    ["x % 2", "tensor([1., 0., 1.])"],
    ["7 % y", "tensor([3., 2., 1.])"],
    ["2 ** x", "tensor([2.0000, 4.0000, 0.1250])"],
    ["x ** -x ** 0", "tensor([ 1.0000,  0.5000, -0.3333])"],
    ["-x", "tensor([-1., -2.,  3.])"],
    ["+x === x", "true"],
    ["x * true", "tensor([ 1.,  2., -3.])"],
    ["x + 2n", "tensor([ 3.,  4., -1.])"],
    ["-x ** 2", "tensor([-1., -4., -9.])"],
    ["(-x) ** 2", "tensor([1., 4., 9.])"],
    ["- - x ** 2", "tensor([1., 4., 9.])"],
    ["2 * -x ** 2 ** 1", "tensor([ -2.,  -8., -18.])"],
    ["x * y - x / y", "tensor([  3.7500,   9.6000, -17.5000])"],
    ["`${x + 1}`", "tensor([ 2.,  3., -2.])"],
  ];
  for (const [code, expected] of cases) assertEquals(text(ops(code, { x, y })), expected, code);
});

Deno.test("operators on integers and bools", () => {
  const n = dg.tensor([5n, 6n]);
  const b = dg.tensor([true, false]);
  const cases: [string, string][] = [
    ["n + 1n", "tensor([6, 7])"],
    ["n + 1", "tensor([6., 7.])"],
    ["n & 4", "tensor([4, 4])"],
    ["3 | n", "tensor([7, 7])"],
    ["n ^ n", "tensor([0, 0])"],
    ["n << 1", "tensor([10, 12])"],
    ["n >> 1", "tensor([2, 3])"],
    ["~n", "tensor([-6, -7])"],
    ["~b", "tensor([False,  True])"],
    ["b & true", "tensor([ True, False])"],
    ["b | ~b", "tensor([True, True])"],
    ["b & 1", "tensor([1, 0])"],
    ["n / 2n", "tensor([2.5000, 3.0000])"],
    ["n % 4n", "tensor([1, 2])"],
    ["n ** 2n", "tensor([25, 36])"],
  ];
  for (const [code, expected] of cases) assertEquals(text(ops(code, { n, b })), expected, code);
  assertThrows(
    () => ops("-b", { b }),
    TypeError,
    "Negation, the `-` operator, on a bool tensor is not supported",
  );
  assertThrows(() => ops("b - b", { b }), TypeError, "Subtraction, the `-` operator, with two bool tensors");
  assertThrows(() => ops("x & 1", { x: dg.tensor([1]) }), TypeError, "not implemented for 'Float'");
});

Deno.test("comparisons are by element, and with null and other objects JavaScript's", () => {
  const x = dg.tensor([1, 2, 3]);
  const values = { x, y: dg.tensor([3, 2, 1]), o: {}, s: "1,2,3", nothing: undefined };
  const cases: [string, string][] = [
    ["x < 2", "tensor([ True, False, False])"],
    ["2 < x", "tensor([False, False,  True])"],
    ["x <= values.y", "tensor([ True,  True, False])"],
    ["x > 2", "tensor([False, False,  True])"],
    ["x >= 2n", "tensor([False,  True,  True])"],
    ["x == 2", "tensor([False,  True, False])"],
    ["2 != x", "tensor([ True, False,  True])"],
    ["x == x", "tensor([True, True, True])"],
    ["x == true", "tensor([ True, False, False])"],
    ["x === x", "true"],
    ["x !== x", "false"],
    ["x == null", "false"],
    ["x != undefined", "true"],
    ["x == values.nothing", "false"],
    ["values.nothing != x", "true"],
    ["x == values.o", "false"],
    ["[x != values.o, values.o == x]", "true,false"],
  ];
  for (const [code, expected] of cases) assertEquals(text(ops(code, { x, values })), expected, code);
  assertThrows(() => ops("x < null", { x }), TypeError, "null");
});

Deno.test("a comparison that decides is the truth of one element", () => {
  const loss = dg.tensor(0.25, { requiresGrad: true });
  const cases: [string, unknown][] = [
    ["if (loss < 0.1) return 1; else return 2", 2],
    ["loss < 1 ? 1 : 2", 1],
    ["let n = 0; let l = loss.detach(); while (l < 2) { l = l * 2; n++; } return n", 3],
    ["let n = 0; for (let l = loss.detach(); l < 2 && n < 9; l = l + l) n++; return n", 3],
    ["let n = 0; let l = loss.detach().clone(); do { l += l; } while (!(l >= 2)); return l.item()", 2],
    ["loss > 1 || loss == 0.25 ? 1 : 2", 1],
    ["!(loss > 1)", true],
    ["Boolean(loss > 1)", false],
    ["[loss * 1, loss * 9].filter((l) => l > 1).length", 1],
    ["[loss].some((l) => (l > 1 ? l > 2 : l < 0))", false],
    ["(loss !== null && loss == 0.5) ? 1 : 2", 2],
    ["((loss) > (1)) ? 1 : 2", 2],
    ["(0, loss > 1) ? 1 : 2", 2],
  ];
  for (const [code, expected] of cases) assertEquals(ops(code, { loss }), expected, code);
  assertEquals((ops("[loss, 2].map((l) => l < 1)[0]", { loss }) as dg.Tensor).dtype, "bool");
  assertThrows(
    () => ops("if (x > 0) return 1", { x: dg.tensor([1, 2]) }),
    TypeError,
    "Boolean value of Tensor with more than one value is ambiguous",
  );
  assertThrows(
    () => ops("x > 0 ? 1 : 2", { x: dg.zeros(0) }),
    TypeError,
    "Tensor with no values is ambiguous",
  );
});

Deno.test("gradients flow through operators", () => {
  const x = dg.tensor([0.5, -1.5], { dtype: "float64", requiresGrad: true });
  const w = dg.tensor(2, { dtype: "float64", requiresGrad: true });
  const code = "const y = 3*x**2 + w*x - 1/(2 + x*x) + 2**x - -x**3; return y.sum()";
  (ops(code, { x, w }) as dg.Tensor).backward();
  const at = (v: number) => 6 * v + 2 + 2 * v / (2 + v * v) ** 2 + Math.LN2 * 2 ** v + 3 * v ** 2;
  assertAlmostEquals(x.grad!.toArray()[0 as never] as number, at(0.5), 1e-12);
  assertAlmostEquals(x.grad!.toArray()[1 as never] as number, at(-1.5), 1e-12);
  assertAlmostEquals(w.grad!.item() as number, -1, 1e-12);
  const f = ops("(a, b) => a*b - a/b + b**a + (a - b)**2 % 3") as (a: dg.Tensor, b: dg.Tensor) => dg.Tensor;
  const a = dg.tensor([1.5, 2.5], { dtype: "float64", requiresGrad: true });
  const b = dg.tensor([0.7, 1.2], { dtype: "float64", requiresGrad: true });
  assert(dg.autograd.gradcheck(f, [a, b]));
});

Deno.test("assignment with an operator changes a tensor in place", () => {
  const x = dg.tensor([1, 2, 3]);
  const results: [string, string][] = [
    ["x += 1", "tensor([2., 3., 4.])"],
    ["x -= dg.ones(3)", "tensor([1., 2., 3.])"],
    ["x *= 4", "tensor([ 4.,  8., 12.])"],
    ["x /= 2", "tensor([2., 4., 6.])"],
    ["x **= 2", "tensor([ 4., 16., 36.])"],
    ["x %= 10", "tensor([4., 6., 6.])"],
    ["++x", "tensor([5., 7., 7.])"],
    ["--x", "tensor([4., 6., 6.])"],
  ];
  for (const [code, expected] of results) {
    assert(ops(code, { x }) === x, code);
    assertEquals(text(x), expected, code);
  }
  const before = ops("x++", { x }) as dg.Tensor;
  assertEquals([text(before), text(x)], ["tensor([4., 6., 6.])", "tensor([5., 7., 7.])"]);
  const n = dg.tensor([5n]);
  ops("n <<= 2; n |= 1; n ^= 4; n &= ~2; n >>= 1; n++; return n", { n });
  assertEquals(text(n), "tensor([9])");
  assertThrows(() => ops("n += 0.5", { n }), TypeError);
  assertEquals(text(n), "tensor([9])");
});

Deno.test("a variable, a constant and a member all keep their tensor", () => {
  const o = {
    w: dg.ones(2),
    get fixed() {
      return o.w;
    },
    list: [dg.zeros(1)],
  };
  const frozen = Object.freeze({ w: o.w });
  ops("const w = o.w; w -= 0.5; o.w -= 0.25; frozen.w *= 4; o.fixed += 1; o['w']--; return 0", { o, frozen });
  assertEquals(text(frozen.w), "tensor([1., 1.])");
  assert(o.w === frozen.w);
  ops("let i = 0; o.list[i++] += 3; o.list[--i]++; return i", { o });
  assertEquals(text(o.list[0]), "tensor([4.])");
  const m = dg.zeros(2, 3);
  ops("m[0] += 1; m['1, 2'] -= 2; m['..., :1'] *= 5; return 0", { m });
  assertEquals(m.toArray(), [[5, 1, 1], [0, 0, -2]]);
  const p = dg.tensor([1, 2], { requiresGrad: true });
  ops("p.data -= 1; return 0", { p });
  assertEquals(text(p), "tensor([0., 1.], requires_grad=True)");
  const code =
    "class A { #w = dg.ones(1); step(g) { this.#w -= g; this.#w++; return this.#w; } } return new A().step(3)";
  assertEquals(text(ops(code)), "tensor([-1.])");
});

Deno.test("a descent in operator form", () => {
  const theta = ops(`
    const theta = dg.tensor([3, -2], { requiresGrad: true });
    for (let i = 0; i < 100; i++) {
      const loss = ((theta - dg.tensor([1, 2])) ** 2).sum();
      loss.backward();
      dg.noGrad(() => { theta -= 0.1 * theta.grad; });
      theta.grad.zero_();
    }
    return theta;`) as dg.Tensor;
  assert(theta.isLeaf);
  assert(dg.allclose(theta.detach(), dg.tensor([1, 2])));
  assertThrows(
    () => ops("theta -= 1", { theta }),
    TypeError,
    "a leaf Variable that requires grad is being used in an in-place operation.",
  );
});

Deno.test("a sum that starts with a number becomes a tensor", () => {
  const total = ops("let total = 0; for (const t of [1, 2, 3]) total += dg.tensor(t); return total");
  assertEquals([total instanceof dg.Tensor, text(total)], [true, "6.0"]);
  assertEquals(ops("let s = 'x'; s += dg.tensor(1); return s"), "x1");
  assertEquals(ops("const s = 'x'; return s + dg.tensor(1)"), "x1");
  const defaults = "let y; [y = x * 2] = []; ({ [`${y + 1}`]: y = y + x } = {}); return y";
  assertEquals(text(ops(defaults, { x: dg.ones(2) })), "tensor([3., 3.])");
  assertThrows(() => ops("dg.ones(1) * [1]"), TypeError);
  assertThrows(() => ops("dg.ones(1) * 'a'"), TypeError);
  assertThrows(() => ops("dg.ones(1) - null"), TypeError);
});

Deno.test("await and yield to the right of an assignment, object and key once", async () => {
  const w = dg.zeros(1);
  const log: string[] = [];
  const at = (name: string, value: unknown) => (log.push(name), value);
  const code =
    "return (async () => { at('o', { w }).w -= await at('r', later); at('o', [w])[at('k', 0)] += await 2; })()";
  await ops(code, { w, at, later: Promise.resolve(dg.ones(1)) });
  assertEquals(text(w), "tensor([1.])");
  assertEquals(log, ["o", "r", "o", "k"]);
  const g = ops("return (function* () { w *= yield 1; o.n += yield 2; return o.n })()", {
    w,
    o: { n: 1 },
  }) as Generator;
  assertEquals([g.next().value, g.next(dg.tensor(5)).value, g.next(3).value], [1, 2, 4]);
  assertEquals(text(w), "tensor([5.])");
});
