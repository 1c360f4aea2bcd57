/** Pooling: gradients, edges, ties, NaN, and what is refused. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import * as dg from "../../../mod.ts";

const { gradcheck, gradgradcheck } = dg.autograd;
const F = dg.nn.functional;
type Pool = (x: dg.Tensor) => dg.Tensor;

/** Numbers in a random order that are far apart: the largest of a window is clear. */
function shuffled(...shape: number[]): dg.Tensor {
  const count = shape.reduce((a, b) => a * b, 1);
  return dg.randperm(count).to("float64").div(7).reshape(shape).requiresGrad_();
}

for (
  const [name, pool, shape] of [
    ["maxPool1d", (x) => dg.maxPool1d(x, 3, { stride: 2, padding: 1 }), [2, 2, 7]],
    ["maxPool2d", (x) => dg.maxPool2d(x, 2), [2, 2, 4, 5]],
    ["maxPool2d, windows that overlap", (x) => dg.maxPool2d(x, 3, { stride: 1, padding: 1 }), [1, 2, 4, 4]],
    ["maxPool2d, dilated", (x) => dg.maxPool2d(x, 2, { dilation: 2, stride: 1 }), [1, 1, 5, 5]],
    ["maxPool3d", (x) => dg.maxPool3d(x, 2, { ceilMode: true }), [1, 1, 3, 3, 3]],
    ["avgPool1d", (x) => dg.avgPool1d(x, 3, { stride: 2, padding: 1 }), [2, 2, 7]],
    ["avgPool2d", (x) => dg.avgPool2d(x, [2, 3], { stride: 2, padding: 1, countIncludePad: false }), [
      1,
      2,
      5,
      4,
    ]],
    ["avgPool2d, ceil", (x) => dg.avgPool2d(x, 2, { ceilMode: true }), [1, 1, 5, 5]],
    ["avgPool3d", (x) => dg.avgPool3d(x, 2, { divisorOverride: 3 }), [1, 1, 2, 3, 4]],
    ["lpPool2d", (x) => F.lpPool2d(x.add(1), 3, 2), [1, 1, 4, 4]],
    ["adaptiveAvgPool2d", (x) => F.adaptiveAvgPool2d(x, [2, 3]), [1, 2, 5, 4]],
    ["adaptiveAvgPool3d", (x) => F.adaptiveAvgPool3d(x, [2, 1, 2]), [1, 1, 3, 2, 3]],
    ["adaptiveMaxPool1d", (x) => F.adaptiveMaxPool1d(x, 3), [2, 2, 7]],
    ["adaptiveMaxPool2d", (x) => F.adaptiveMaxPool2d(x, [2, 3]), [1, 2, 5, 4]],
  ] as [string, Pool, number[]][]
) {
  Deno.test(`${name} has gradients of first and second order`, () => {
    dg.manualSeed(5);
    const x = shuffled(...shape);
    assert(gradcheck(pool, [x]));
    assert(gradgradcheck(pool, [x]));
  });
}

Deno.test("the first of equal elements wins, zeros of both signs are equal, and a NaN wins over all", () => {
  const places = (values: number[]): number =>
    dg.maxPool2d(dg.tensor([[[values.slice(0, 2), values.slice(2)]]]), 2, { returnIndices: true })[1]
      .item() as number;
  assertEquals(places([3, 3, 3, 3]), 0);
  assertEquals(places([-0, 0, -0, 0]), 0);
  assertEquals(places([-1, -3, -0.5, -2]), 2);
  assertEquals(places([-Infinity, -1e30, Infinity, 5]), 2);
  assertEquals(places([1, NaN, Infinity, 2]), 1);
  assertEquals(places([1, -NaN, 7, NaN]), 3);
  assertEquals(places([Infinity, -Infinity, 0, 1]), 0);
  const doubles = dg.maxPool2d(dg.tensor([[[1, NaN], [4, 2]]], { dtype: "float64" }), 2);
  assert(Number.isNaN(doubles.item()));
  assertEquals(dg.maxPool2d(dg.tensor([[[1n, 5n], [4n, 2n]]]), 2).item(), 5);
});

Deno.test("the written-out windows are the general ones", () => {
  dg.manualSeed(6);
  const x = dg.randn(2, 3, 11, 9);
  for (const [kernel, stride] of [[2, 2], [3, 2], [4, 1], [1, 1], [2, 3]]) {
    const [values, places] = dg.maxPool2d(x, kernel, { stride, returnIndices: true });
    // a dimension more takes the general way
    const [general, where] = dg.maxPool3d(x.unsqueeze(2).expand(2, 3, 2, 11, 9), [2, kernel, kernel], {
      stride: [2, stride, stride],
      returnIndices: true,
    });
    assert(dg.equal(values, general.squeeze(2)) && dg.equal(places, where.squeeze(2)));
  }
  const turned = x.transpose(2, 3);
  assert(dg.equal(dg.maxPool2d(turned, 2), dg.maxPool2d(turned.contiguous(), 2)));
});

Deno.test("maxUnpool2d puts elements back where they were", () => {
  const x = dg.tensor([[[1, 2, 0, 4], [3, 0, 1, 2]]]);
  const [values, places] = dg.maxPool2d(x, 2, { returnIndices: true });
  assertEquals(F.maxUnpool2d(values, places, 2).toArray(), [[[0, 0, 0, 4], [3, 0, 0, 0]]]);
  assertThrows(
    () => F.maxUnpool2d(values, places.add(9n), 2),
    RangeError,
    "Found an invalid max index: 13 (output volumes are of size 2x4)",
  );
});

Deno.test("pools of nothing, strides by position, and what is refused", () => {
  assertEquals(dg.maxPool2d(dg.zeros(0, 1, 4, 4), 2).shape, [0, 1, 2, 2]);
  assertEquals(new dg.nn.MaxPool2d(3, 2)(dg.zeros(1, 1, 7, 7)).shape, [1, 1, 3, 3]);
  assertEquals(dg.maxPool2d(dg.zeros(1, 1, 7, 7), 3, 2).shape, [1, 1, 3, 3]);
  assertEquals(F.adaptiveAvgPool2d(dg.zeros(1, 3, 4), [null, 2]).shape, [1, 3, 2]);
  const x = dg.zeros(1, 1, 4, 4);
  assertThrows(() => dg.maxPool2d(x, 0), RangeError, "stride should not be zero");
  assertThrows(
    () => dg.maxPool2d(x, 2, { padding: -1 }),
    RangeError,
    "pad must be non-negative, but got pad: -1",
  );
  assertThrows(
    () => dg.maxPool2d(x, 2, { padding: 2 }),
    RangeError,
    "pad should be at most half of effective",
  );
  assertThrows(() => dg.maxPool2d(x, 9), RangeError, "Output size is too small");
  assertThrows(() => dg.maxPool2d(dg.zeros(4), 2), TypeError);
  assertThrows(() => dg.maxPool2d(x.bool(), 2), TypeError, "not implemented for 'Bool'");
  assertThrows(() => dg.avgPool2d(x, 2, { divisorOverride: 0 }), RangeError, "divisor must be not zero");
  assertThrows(() => dg.avgPool2d(x.to("int64"), 2), TypeError, "not implemented for 'Long'");
  assertThrows(() => F.adaptiveAvgPool2d(x, -1), RangeError, "must be greater than or equal to 0");
});
