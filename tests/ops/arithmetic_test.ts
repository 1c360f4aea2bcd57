/** The pointwise functions that are more than a row: options, choices of kernel, refusals. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import * as dg from "../../mod.ts";
import type { Tensor } from "../../mod.ts";

const list = (t: Tensor): unknown => t.detach().toArray();
const f64 = (...values: number[]): Tensor => dg.tensor(values, { dtype: "float64" });
const leaf = (...values: number[]): Tensor => dg.tensor(values, { dtype: "float64", requiresGrad: true });
const name = (t: Tensor): string | undefined => t.gradFn?.name();

/** The gradient of sum(f(x)) at x, once, or of the sum of that gradient. */
function gradient(f: (x: Tensor) => Tensor, x: Tensor, order = 1): unknown {
  let y = f(x);
  for (let i = 0; i < order; i++) [y] = dg.autograd.grad([y.sum()], [x], { createGraph: true });
  return list(y);
}

Deno.test("add, sub, rsub: alpha", () => {
  const a = leaf(1, 2), b = leaf(10, 20);
  const sum = dg.add(a, b, { alpha: 3 });
  assertEquals(list(sum), [31, 62]);
  assertEquals(name(sum), "AddBackward0");
  assertEquals(sum.gradFn!.saved(), { alpha: 3 });
  assertEquals(a.add(b).gradFn!.saved(), { alpha: 1 });
  sum.sum().backward();
  assertEquals([list(a.grad!), list(b.grad!)], [[1, 1], [3, 3]]);
  assertEquals(list(a.sub(b, { alpha: 0.5 })), [-4, -8]);
  assertEquals(list(dg.rsub(a, b)), [9, 18]);
  assertEquals(list(dg.rsub(a, b, { alpha: 2 })), [8, 16]);
  assertEquals(name(dg.sub(1, a)), "RsubBackward1");
  assertEquals(name(dg.add(1, a)), "AddBackward0");
  assertEquals(list(f64(1, 2).add_(f64(1, 1), { alpha: -2 })), [-1, 0]);
  assertEquals(list(f64(1, 2).sub_(1)), [0, 1]);

  const whole = dg.tensor([5n, 7n]);
  const scaled = whole.add(whole, { alpha: 2n });
  assertEquals([scaled.dtype, list(scaled)], ["int64", [15, 21]]);
  assertEquals(whole.add(whole, { alpha: 2 }).dtype, "int64");
  assertThrows(
    () => whole.add(whole, { alpha: 0.5 }),
    TypeError,
    "argument alpha must not be a floating point number",
  );
  assertThrows(() => a.add(b, { beta: 1 } as object), TypeError, 'add() has no option "beta": use alpha');
  assertThrows(() => a.add(b, { alpha: "2" } as object), TypeError, "alpha must be a number or bigint");
  assertEquals(list(whole), [5, 7]);
});

Deno.test("minus and bools", () => {
  const mask = dg.tensor([true, false]),
    two = "with two bool tensors is not supported",
    one = "with a bool tensor";
  for (
    const f of [
      () => mask.sub(mask),
      () => dg.sub(mask, true),
      () => dg.rsub(mask, mask),
      () => mask.sub_(mask),
    ]
  ) {
    assertThrows(f, TypeError, two);
  }
  for (const f of [() => mask.sub(1), () => dg.sub(1, mask), () => dg.ones(2).sub(mask, { alpha: 2 })]) {
    assertThrows(f, TypeError, one);
  }
  assertThrows(() => mask.neg(), TypeError, "Negation, the `-` operator, on a bool tensor is not supported");
  assertThrows(() => dg.positive(mask), TypeError, "The `+` operator, on a bool tensor is not supported");
  assertEquals(list(mask.add(mask)), [true, false]);
  const x = dg.ones(2);
  assert(dg.positive(x) === x && x.positive() === x);
});

Deno.test("div: rounding, a number on the left, dtypes", () => {
  const a = f64(7, -7, 7.5), b = f64(2, 2, -2);
  assertEquals(list(dg.div(a, b)), [3.5, -3.5, -3.75]);
  assertEquals(list(dg.div(a, b, { roundingMode: "floor" })), [3, -4, -4]);
  assertEquals(list(dg.div(a, b, { roundingMode: "trunc" })), [3, -3, -3]);
  assertEquals(list(a.clone().div_(b, { roundingMode: "trunc" })), [3, -3, -3]);
  assertEquals(list(dg.div(a, b, { roundingMode: null })), [3.5, -3.5, -3.75]);
  const x = leaf(2, 4);
  const reciprocal = dg.div(1, x);
  assertEquals([name(reciprocal), reciprocal.gradFn!.nextFunctions[0][0]!.name()], [
    "MulBackward0",
    "ReciprocalBackward0",
  ]);
  assertEquals(gradient((t) => t.div(2, { roundingMode: "floor" }), x), [0, 0]);
  assertEquals(name(x.div(2, { roundingMode: "floor" })), "DivBackward2");

  const whole = dg.tensor([7n, -7n]);
  assertEquals(whole.div(2n).dtype, "float32");
  const floored = whole.div(2n, { roundingMode: "floor" });
  assertEquals([floored.dtype, list(floored)], ["int64", [3, -4]]);
  assertThrows(() => whole.div(0n, { roundingMode: "trunc" }), RangeError, "ZeroDivisionError");
  assertThrows(() => whole.div_(2), TypeError, "can't be cast to the desired output type");
  assertThrows(() => a.div(b, { roundingMode: "up" } as object), RangeError, "but found 'up'");
  assertEquals(list(whole), [7, -7]);
  assertEquals(list(dg.trueDivide(whole, 2n)), [3.5, -3.5]);
});

Deno.test("pow: each kind of exponent and base", () => {
  const x = leaf(-2, 0.5, 3);
  for (const n of [0, 1, 2, 3, 4, -1, -2, 2n, 7]) {
    const y = x.pow(n);
    assertEquals(name(y), "PowBackward0");
    assertEquals(y.gradFn!.saved().exponent, Number(n));
    (list(y) as number[]).forEach((v, i) => {
      const base = [-2, 0.5, 3][i];
      assert(Math.abs(v - base ** Number(n)) <= 1e-13 * Math.abs(v), `${base} ** ${n} = ${v}`);
    });
  }
  assertEquals(list(dg.pow(2, x)), [0.25, Math.SQRT2, 8]);
  assertEquals(name(dg.pow(2, x)), "PowBackward2");
  assertEquals(name(x.pow(x)), "PowBackward1");
  assertEquals(list(f64(2, 3).pow_(2)), [4, 9]);
  assertEquals(gradient((t) => t.pow(3), x, 2), [-12, 3, 18]);
  assertEquals(gradient((t) => t.pow(3), x, 4), [0, 0, 0]);
  assertEquals(gradient((t) => t.square(), x, 3), [0, 0, 0]);
  assertEquals(gradient((t) => t.pow(0), leaf(0, 1)), [0, 0]);

  // More exponents than have kernels of their own
  for (let n = 0; n < 200; n++) {
    const y = f64(1.01).pow(n / 3);
    assert(Math.abs((list(y) as number[])[0] - 1.01 ** (n / 3)) < 1e-12, String(n));
    const z = leaf(1.01);
    const expected = n / 3 * 1.01 ** (n / 3 - 1);
    assert(Math.abs((gradient((t) => t.pow(n / 3), z) as number[])[0] - expected) < 1e-10, String(n));
  }
  for (const n of [Infinity, -Infinity, NaN]) assertEquals(list(f64(0.5).pow(n)), [0.5 ** n]);
});

Deno.test("pow of integers", () => {
  const whole = dg.tensor([2n, -3n]);
  assertEquals([whole.pow(3n).dtype, list(whole.pow(3n))], ["int64", [8, -27]]);
  assertEquals(whole.pow(2).dtype, "float32");
  assertEquals(list(dg.pow(2n, dg.tensor([0n, 10n]))), [1, 1024]);
  assertEquals(list(whole.square()), [4, 9]);
  assertEquals([dg.tensor([true]).square().dtype, dg.tensor([true]).pow(true).dtype], ["int64", "bool"]);
  assertThrows(() => whole.pow(-1n), RangeError, "Integers to negative integer powers are not allowed.");
  assertThrows(() => whole.pow_(-1n), RangeError, "Integers to negative integer powers are not allowed.");
  assertEquals(list(whole), [2, -3]);
  const double = dg.floatPower(whole, 2);
  assertEquals([double.dtype, list(double)], ["float64", [4, 9]]);
  assertEquals(dg.floatPower(2, whole).dtype, "float64");
});

Deno.test("round: decimals", () => {
  assertEquals(list(f64(0.5, 1.5, -2.5).round()), [0, 2, -2]);
  assertEquals(list(f64(1.2345, -2.718).round({ decimals: 2 })), [1.23, -2.72]);
  assertEquals(list(f64(1234, -5678).round_({ decimals: -2 })), [1200, -5700]);
  assertEquals(name(leaf(1).round({ decimals: 1 })), "RoundBackward1");
  assertEquals(gradient((x) => x.round({ decimals: 1 }), leaf(1.23)), [0]);
  assertThrows(
    () => f64(1).round({ decimals: 0.5 }),
    RangeError,
    "decimals must be a whole number, but got 0.5",
  );
});

Deno.test("clamp: bounds as options, by position, as tensors", () => {
  const x = leaf(-2, 0.5, 3);
  assertEquals(list(dg.clamp(x, { min: 0 })), [0, 0.5, 3]);
  assertEquals(list(x.clamp({ max: 1 })), [-2, 0.5, 1]);
  assertEquals(list(x.clamp(0, 1)), [0, 0.5, 1]);
  assertEquals(list(x.clip(null, 1)), [-2, 0.5, 1]);
  assertEquals(list(x.clamp(2, 1)), [1, 1, 1]);
  assertEquals(list(x.clamp(f64(0, 1, 2), 2.5)), [0, 1, 2.5]);
  assertEquals(list(dg.clampMin(x, 0)), [0, 0.5, 3]);
  assertEquals(list(dg.clampMax(x, f64(0))), [-2, 0, 0]);
  assertEquals(list(f64(-2, 3).clamp_(0, 1)), [0, 1]);
  assertEquals([x.clamp(0, 1), x.clamp(f64(0)), x.clampMin(0), x.clampMax(f64(0))].map(name), [
    "ClampBackward1",
    "ClampBackward0",
    "ClampMinBackward0",
    "ClampMaxBackward1",
  ]);
  assertEquals(gradient((t) => t.clamp(0.5, 3), x), [0, 1, 1]);
  const [low, high] = [leaf(0, 1, 2), leaf(4, 4, 2.5)];
  const grads = dg.autograd.grad([x.clamp(low, high).sum()], [x, low, high]);
  assertEquals(grads.map(list), [[0, 0, 0], [1, 1, 0], [0, 0, 1]]);
  assertEquals(dg.tensor([1n, 5n]).clamp(2n).dtype, "int64");
  assertEquals(dg.tensor([1n, 5n]).clamp({ min: 1.5 }).dtype, "float32");
  assertThrows(() => x.clamp(), TypeError, "At least one of 'min' or 'max' must not be null");
  assertThrows(() => x.clamp({ low: 1 } as object), TypeError, 'clamp() has no option "low": use min, max');
  assertThrows(
    () => x.clampMin("0" as unknown as number),
    TypeError,
    "clampMin(): expected a tensor, number",
  );
});

Deno.test("where: broadcasting, promotion, the form with one argument", () => {
  const x = leaf(-1, 2), mask = dg.tensor([true, false]);
  assertEquals(list(dg.where(x.gt(0), x, 0)), [0, 2]);
  assertEquals(list(x.where(mask, 7)), [-1, 7]);
  assertEquals(dg.where(dg.tensor([[true], [false]]), x, 9).shape, [2, 2]);
  assertEquals(dg.where(mask, 1n, dg.tensor([1.5])).dtype, "float32");
  assertEquals(dg.where(mask, 1, 2).dtype, "float32");
  assertEquals(dg.where(mask, dg.tensor([1n, 2n]), 0n).dtype, "int64");
  assertEquals(gradient((t) => dg.where(mask, t.mul(3), t), x), [3, 1]);
  // As in PyTorch, the value that was not taken gets the gradient 0, and 0 times an infinite derivative is NaN.
  const zero = leaf(0);
  assertEquals(gradient((t) => dg.where(t.ne(0), t.log(), 0), zero), [NaN]);
  assertEquals(gradient((t) => dg.where(t.eq(0), t, t.mul(Infinity)), zero), [NaN]);
  assertEquals(gradient((t) => dg.where(t.eq(0), t, 5), zero), [1]);
  assertEquals(dg.where(dg.tensor([0, 3, 4])).map(list), [[1, 2]]);
  assertThrows(
    () => dg.where(x, x, x),
    TypeError,
    "where expected condition to be a boolean tensor, but got a tensor with dtype Double",
  );
  assertThrows(
    () => dg.where(true as unknown as Tensor, x, x),
    TypeError,
    "must be a bool tensor, not boolean",
  );
  assertThrows(
    () => dg.where(mask, x, null as unknown as Tensor),
    TypeError,
    "where(): expected a tensor, number",
  );
});

Deno.test("maskedFill: the dtype stays, the mask is broadcast", () => {
  const x = leaf(1, 2, 3), mask = dg.tensor([true, false, true]);
  const filled = x.maskedFill(mask, -Infinity);
  assertEquals([list(filled), name(filled)], [[-Infinity, 2, -Infinity], "MaskedFillBackward0"]);
  assertEquals(gradient((t) => t.maskedFill(mask, -Infinity), x), [0, 1, 0]);
  const value = dg.tensor(5, { dtype: "float64", requiresGrad: true });
  const out = dg.maskedFill(x, mask, value);
  assertEquals([list(out), name(out)], [[5, 2, 5], "MaskedFillBackward1"]);
  out.sum().backward();
  assertEquals(list(value.grad!), 2);
  assertEquals(dg.tensor([1n, 2n]).maskedFill(dg.tensor([true, false]), 7).dtype, "int64");
  assertEquals(list(dg.zeros(2, 3).maskedFill_(mask, 1)), [[1, 0, 1], [1, 0, 1]]);
  assertThrows(
    () => x.maskedFill(dg.ones(3), 0),
    TypeError,
    "only supports boolean masks, but got mask with dtype float32",
  );
  assertThrows(() => x.maskedFill(mask, dg.ones(3)), TypeError, "only supports a 0-dimensional value tensor");
  assertThrows(
    () => dg.zeros(3).maskedFill_(dg.ones([2, 3]).bool(), 1),
    TypeError,
    "doesn't match the broadcast shape",
  );
  assertThrows(
    () => dg.tensor([1], { dtype: "int8" } as object).maskedFill(dg.tensor([true]), 300),
    RangeError,
    "300",
  );
});

Deno.test("lerp, addcmul, addcdiv", () => {
  const a = leaf(1, 2), b = leaf(3, 6), w = leaf(0.25, 0.75);
  assertEquals(list(dg.lerp(a, b, 0.5)), [2, 4]);
  assertEquals(list(dg.lerp(a, b, w)), [1.5, 5]);
  assertEquals([name(a.lerp(b, 0.5)), name(a.lerp(b, w))], ["LerpBackward0", "LerpBackward1"]);
  assertEquals(dg.autograd.grad([a.lerp(b, w).sum()], [a, b, w]).map(list), [[0.75, 0.25], [0.25, 0.75], [
    2,
    4,
  ]]);
  assertThrows(
    () => a.lerp(dg.ones(2), 0.5),
    TypeError,
    "expected dtype float64 for `end` but got dtype float32",
  );
  assertEquals(list(dg.addcmul(a, b, w, { value: 2 })), [2.5, 11]);
  assertEquals(list(dg.addcdiv(a, b, w)), [13, 10]);
  assertEquals(dg.addcdiv(a, b, w, { value: 2 }).gradFn!.saved().value, 2);
  assertEquals(list(f64(1, 2).addcmul_(b.detach(), b.detach())), [10, 38]);
  const whole = dg.tensor([1n, 2n]);
  assertEquals(dg.addcmul(whole, whole, whole, { value: 2n }).dtype, "int64");
  assertThrows(
    () => dg.addcdiv(whole, whole, whole),
    TypeError,
    "Integer division with addcdiv is no longer supported",
  );
  assertThrows(() => dg.addcmul(a, b, w, { alpha: 2 } as object), TypeError, "addcmul() has no option");
});

Deno.test("logit, polygamma, mvlgamma, nanToNum", () => {
  const close = (t: Tensor, ...expected: number[]): void => {
    assert(dg.allclose(t.detach(), f64(...expected), { rtol: 1e-12 }), `${list(t)}, expected ${expected}`);
  };
  close(dg.logit(f64(0.25, 0.5)), -Math.log(3), 0);
  assertEquals(list(dg.logit(f64(-0.1, 1.1))), [NaN, NaN]);
  close(dg.logit(f64(0, 1), 0.25), -Math.log(3), Math.log(3));
  close(f64(0, 1).logit_({ eps: 0.25 }), -Math.log(3), Math.log(3));
  assertEquals(gradient((x) => x.logit(0.1), leaf(0.05, 0.5)), [0, 4]);

  close(dg.polygamma(0, f64(1)), -0.5772156649015329);
  close(dg.polygamma(1, f64(1)), Math.PI ** 2 / 6);
  close(f64(1).polygamma_(3), Math.PI ** 4 / 15);
  const x = leaf(0.7);
  const slope = gradient((t) => t.polygamma(1), x) as number[];
  close(dg.polygamma(2, f64(0.7)), ...slope);
  close(dg.mvlgamma(f64(3), 1), Math.log(2));
  close(dg.mvlgamma(f64(3), 2), 0.5 * Math.log(Math.PI) + Math.log(2) + Math.log(0.75 * Math.sqrt(Math.PI)));
  for (const bad of [-1, 0.5, NaN]) assertThrows(() => dg.polygamma(bad, x), RangeError);
  assertThrows(() => dg.mvlgamma(x, 0), RangeError, "p has to be greater than or equal to 1");
  for (let p = 1; p < 80; p++) assert(Number.isFinite(dg.mvlgamma(f64(100), p).item() as number));

  const odd = f64(NaN, Infinity, -Infinity, 1);
  assertEquals(list(dg.nanToNum(odd)), [0, Number.MAX_VALUE, -Number.MAX_VALUE, 1]);
  assertEquals(list(odd.nanToNum({ nan: 7, posinf: 8, neginf: 9 })), [7, 8, 9, 1]);
  assertEquals(list(odd.clone().nanToNum_({ posinf: 5 })), [0, 5, -Number.MAX_VALUE, 1]);
  assertEquals(list(dg.nanToNum(dg.tensor([Infinity]))), [3.4028234663852886e38]);
  assertEquals(list(dg.nanToNum(dg.tensor([3n]))), [3]);
});

Deno.test("nextafter: neighbours in float32 and float64", () => {
  assertEquals(list(dg.nextafter(f64(1, 1, 0, 0, 2), f64(2, 0, 1, -1, 2))), [
    1 + 2 ** -52,
    1 - 2 ** -53,
    5e-324,
    -5e-324,
    2,
  ]);
  assertEquals(list(dg.nextafter(dg.tensor([1, 1, 0, -1]), dg.tensor([2, 0, -1, 0]))), [
    1 + 2 ** -23,
    1 - 2 ** -24,
    -(2 ** -149),
    -(1 - 2 ** -24),
  ]);
  assertEquals(list(dg.nextafter(f64(NaN, Number.MAX_VALUE), Infinity)), [NaN, Infinity]);
  assertThrows(
    () => dg.nextafter(dg.tensor([1n]), 2n),
    TypeError,
    "\"nextafter_cpu\" not implemented for 'Long'",
  );
});

Deno.test("isclose, allclose, equal", () => {
  const a = f64(1, NaN, Infinity, 100), b = f64(1 + 1e-6, NaN, Infinity, 101);
  assertEquals(list(dg.isclose(a, b)), [true, false, true, false]);
  assertEquals(list(a.isclose(b, { equalNan: true, rtol: 0.1 })), [true, true, true, true]);
  assertEquals(list(dg.isclose(f64(Infinity, 1), f64(-Infinity, Infinity), { rtol: 1 })), [false, false]);
  assertEquals(dg.allclose(a, b), false);
  assertEquals(dg.allclose(a, b, { rtol: 0.1, equalNan: true }), true);
  assertEquals(list(dg.isclose(dg.tensor([10n, 20n]), dg.tensor([11n, 25n]), { rtol: 0.1 })), [true, false]);
  assertEquals(dg.allclose(dg.ones(0), dg.ones(0)), true);
  assertThrows(() => dg.isclose(dg.ones(1), f64(1)), TypeError, "Float did not match Double");
  assertThrows(
    () => dg.isclose(a, b, { rtol: -1 }),
    RangeError,
    "rtol must be greater than or equal to zero, but got -1",
  );
  assertEquals(dg.equal(f64(1, 2), f64(1, 2)), true);
  assertEquals(f64(1, 2).equal(f64(1, 3)), false);
  assertEquals(dg.equal(f64(1, 2), dg.ones(1, 2)), false);
  assertEquals(dg.equal(f64(NaN), f64(NaN)), false);
});

Deno.test("promoteTypes, canCast, resultType", () => {
  assertEquals(dg.promoteTypes("uint8", "int8"), "int16");
  assertEquals(dg.promoteTypes("int64", "float16"), "float16");
  assertEquals([dg.canCast("int64", "int8"), dg.canCast("float32", "int64")], [true, false]);
  assertEquals(dg.resultType(dg.ones(2, { dtype: "int8" }), dg.tensor(1000n)), "int8");
  assertEquals(dg.resultType(dg.ones(2, { dtype: "float16" }), 1), "float16");
  assertEquals(dg.resultType(true, 1n), "int64");
  assertThrows(() => dg.promoteTypes("int7" as "int8", "int8"), TypeError, 'unknown dtype "int7"');
  assertThrows(
    () => dg.resultType("a" as unknown as number, 1),
    TypeError,
    "resultType(): expected a tensor",
  );
});
