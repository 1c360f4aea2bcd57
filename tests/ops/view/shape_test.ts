/**
 * Views, joins, parts, rearrangements, borders: gradients against differences to second order, sharing of memory, layouts,
 * empty and 0-d tensors, refusals.
 *
 * @module
 */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import * as dg from "../../../mod.ts";

type Fn = (x: dg.Tensor) => dg.Tensor | readonly dg.Tensor[];

const VALUES = Array.from({ length: 12 }, (_, i) => Math.sin(3 * i + 1));

function matrix(): dg.Tensor {
  return dg.tensor(VALUES, { dtype: "float64" }).reshape(3, 4).detach().requiresGrad_();
}

const F = dg.nn.functional;
const other = (): dg.Tensor => dg.tensor([0.5, -2, 1], { dtype: "float64", requiresGrad: true });

/** Every operation on a matrix whose gradient is checked: one row each. */
const DIFFERENTIABLE: Record<string, Fn> = {
  view: (x) => x.view(2, 6),
  "reshape copy": (x) => x.t().reshape(-1),
  ravel: (x) => x.ravel(),
  flatten: (x) => x.flatten(),
  unflatten: (x) => x.unflatten(1, [2, -1]),
  permute: (x) => x.permute(1, 0),
  movedim: (x) => x.unsqueeze(0).movedim(0, -1),
  swapaxes: (x) => x.swapaxes(0, 1),
  squeeze: (x) => x.unsqueeze(1).squeeze(1),
  expand: (x) => x.unsqueeze(0).expand(2, -1, -1),
  select: (x) => x.select(1, -2),
  slice: (x) => x.slice(1, 1, 4, 2),
  narrow: (x) => x.narrow(0, 1, 2),
  diagonal: (x) => x.diagonal(1),
  asStrided: (x) => x.asStrided([2, 3], [4, 1], 1),
  "asStrided overlapping": (x) => x.asStrided([4, 3], [2, 1]),
  unfold: (x) => x.unfold(1, 3, 1),
  "unfold rows": (x) => x.unfold(0, 2, 1),
  split: (x) => x.split(3, 1),
  "split sizes": (x) => x.split([1, 0, 2]),
  chunk: (x) => x.chunk(2, { dim: 1 }),
  tensorSplit: (x) => x.tensorSplit(3, 1),
  unbind: (x) => x.unbind(1),
  "one of several": (x) => x.unbind()[1],
  cat: (x) => dg.cat([x, x.mul(2), x.sin()], 1),
  stack: (x) => dg.stack([x, x.exp()], -1),
  hstack: (x) => dg.hstack([x, x]),
  vstack: (x) => dg.vstack([x, x.select(0, 1)]),
  dstack: (x) => dg.dstack([x, x]),
  columnStack: (x) => dg.columnStack([x, x.select(1, 0)]),
  blockDiag: (x) => dg.blockDiag(x, x.select(0, 0), x.select(0, 1).select(0, 1)),
  flip: (x) => x.flip(0, 1),
  rot90: (x) => x.rot90(),
  "rot90 back": (x) => x.rot90(-1, [1, 0]),
  "rot90 twice": (x) => x.rot90(2),
  roll: (x) => x.roll([1, -2], [0, 1]),
  "roll flat": (x) => x.roll(5),
  repeat: (x) => x.repeat(2, 1, 3),
  tile: (x) => x.tile(2),
  repeatInterleave: (x) => x.repeatInterleave(2, 1),
  "repeatInterleave each": (x) => x.repeatInterleave(dg.tensor([2n, 0n, 1n]), { dim: 0 }),
  tril: (x) => x.tril(-1),
  triu: (x) => x.triu(1),
  diag: (x) => x.diag(-1),
  "diag vector": (x) => x.select(0, 0).diag(1),
  diagEmbed: (x) => x.diagEmbed(1, 0, 2),
  diagflat: (x) => x.diagflat(),
  meshgrid: (x) => dg.meshgrid(x.select(0, 0), x.select(1, 0), { indexing: "xy" }),
  cartesianProd: (x) => dg.cartesianProd(x.select(0, 0), x.select(1, 1)),
  combinations: (x) => dg.combinations(x.select(0, 2), { r: 3 }),
  broadcastTensors: (x) => dg.broadcastTensors(x, x.narrow(0, 0, 1)),
  kron: (x) => dg.kron(x, x.select(0, 1)),
  vander: (x) => dg.vander(x.select(0, 1)),
  selectScatter: (x) => x.selectScatter(x.select(1, 0).mul(3), 1, 2),
  sliceScatter: (x) => x.sliceScatter(x.slice(1, 0, 2).exp(), 1, 1, 4, 2),
  diagonalScatter: (x) => x.diagonalScatter(x.diagonal().sin()),
  "pad constant": (x) => F.pad(x, [1, -1, 0, 2], { value: 1.5 }),
  "pad reflect": (x) => F.pad(x, [2, 1], "reflect"),
  "pad reflect 2": (x) => F.pad(x.unsqueeze(0), [1, 3, 2, 1], "reflect"),
  "pad replicate": (x) => F.pad(x, [3, 2], "replicate"),
  "pad circular": (x) => F.pad(x, [1, 3], "circular"),
  atleast3d: (x) => dg.atleast3d(x),
};

for (const [name, fn] of Object.entries(DIFFERENTIABLE)) {
  Deno.test(`shapes: gradients of ${name} to second order`, () => {
    // a curve behind the operation, so that the second derivatives are not all zero
    const curved = (x: dg.Tensor) => ([fn(x)].flat() as dg.Tensor[]).map((t) => t.mul(t));
    assert(dg.autograd.gradcheck(curved, matrix()));
    assert(dg.autograd.gradgradcheck(curved, matrix()));
  });
}

Deno.test("shapes: other layouts give the same values and gradients", () => {
  const base = matrix().detach();
  const wide = dg.zeros(6, 8, { dtype: "float64" });
  const gaps = wide.slice(0, 1, 6, 2).slice(1, 0, 8, 2);
  gaps.copy_(base);
  const layouts: Record<string, dg.Tensor> = { transposed: base.t().contiguous().t(), gaps };
  for (const [name, fn] of Object.entries(DIFFERENTIABLE)) {
    if (name === "view" || name.startsWith("asStrided")) continue; // these read the layout
    const expected = [fn(matrix())].flat() as dg.Tensor[];
    for (const [layout, t] of Object.entries(layouts)) {
      const x = t.detach().requiresGrad_();
      const outs = [fn(x)].flat() as dg.Tensor[];
      outs.forEach((out, i) => assertEquals(out.toArray(), expected[i].toArray(), `${name}, ${layout}`));
      assert(dg.autograd.gradcheck(fn, x), `${name}, ${layout}`);
    }
  }
});

Deno.test("parts are views: writes go through, and gradients with them", () => {
  const x = dg.arange(6);
  const [a, b] = x.split([2, 4]);
  a.fill_(9);
  assertEquals(x.toArray(), [9, 9, 2, 3, 4, 5]);
  assert(b.isView && b.base === x);
  x.unfold(0, 2, 2).select(1, 0).zero_();
  assertEquals(x.toArray(), [0, 9, 0, 3, 0, 5]);
  const bits = dg.tensor([1, -2]).view("int32");
  assertEquals(bits.toArray(), [0x3f800000, -0x40000000]);
  const bytes = dg.tensor([258n], { dtype: "int16" }).view("uint8");
  assertEquals(bytes.toArray(), [2, 1]);
  bytes.fill_(0);
  assertEquals(bytes.view("int16").toArray(), [0]);
});

Deno.test("one of several views must not be written where gradients flow", () => {
  const x = dg.tensor([1, 2, 3], { requiresGrad: true }).mul(1);
  for (const parts of [x.split(1), x.unbind(), x.chunk(3)]) {
    assertThrows(() => parts[0].add_(1), TypeError, "returns multiple views");
  }
  const part = x.tensorSplit(3)[1];
  part.mul_(5);
  assertEquals(x.toArray(), [1, 10, 3]);
});

Deno.test("two inputs: replaced parts and joined dtypes have gradients on both sides", () => {
  const x = matrix(), y = other();
  const fn = (a: dg.Tensor, b: dg.Tensor) => a.mul(a).selectScatter(b.mul(b), 1, 0);
  assert(dg.autograd.gradcheck(fn, [x, y]));
  assert(dg.autograd.gradgradcheck(fn, [x, y]));
  const half = dg.tensor([1, 2], { requiresGrad: true });
  const double = dg.tensor([3], { dtype: "float64", requiresGrad: true });
  const joined = dg.cat([half, double]);
  assertEquals(joined.dtype, "float64");
  joined.mul(2).sum().backward();
  assertEquals([half.grad!.dtype, double.grad!.dtype], ["float32", "float64"]);
  assertEquals(half.grad!.toArray(), [2, 2]);
});

Deno.test("0-d and empty tensors", () => {
  const s = dg.tensor(3);
  assertEquals(s.flip().toArray(), 3);
  assertEquals(s.roll(2).toArray(), 3);
  assertEquals(s.repeat(2, 2).toArray(), [[3, 3], [3, 3]]);
  assertEquals(s.unfold(0, 1, 1).shape, [1]);
  assertEquals(s.diagflat().toArray(), [[3]]);
  assertEquals(dg.stack([s, s]).toArray(), [3, 3]);
  assertEquals(dg.hstack([s, s]).toArray(), [3, 3]);
  assertEquals(dg.atleast2d(s).shape, [1, 1]);
  assertThrows(() => dg.cat([s, s]), TypeError, "zero-dimensional");
  assertThrows(() => s.split(1), TypeError, "at least a 1-dimensional");
  assertThrows(() => s.unbind(), RangeError, "no dimensions");
  const none = dg.zeros(0, 3);
  assertEquals(none.flip(0).shape, [0, 3]);
  assertEquals(none.roll(1, 1).shape, [0, 3]);
  assertEquals(none.repeat(2, 2).shape, [0, 6]);
  assertEquals(none.split(2).map((t) => t.shape), [[0, 3]]);
  assertEquals(none.chunk(3).map((t) => t.shape), [[0, 3], [0, 3], [0, 3]]);
  assertEquals(none.unbind().length, 0);
  assertEquals(none.unbind(1).length, 3);
  assertEquals(dg.cat([none, dg.ones(1, 3)]).toArray(), [[1, 1, 1]]);
  assertEquals(none.tril().shape, [0, 3]);
  assertEquals(F.pad(none, [0, 0, 1, 0]).toArray(), [[0, 0, 0]]);
  assertEquals(dg.blockDiag().shape, [1, 0]);
  assertEquals(none.unfold(0, 0, 1).shape, [1, 3, 0]);
});

Deno.test("integers and bools move too", () => {
  const x = dg.tensor([[1n, 2n], [3n, 4n]]);
  assertEquals(x.flip(1).toArray(), [[2, 1], [4, 3]]);
  assertEquals(x.tril().toArray(), [[1, 0], [3, 4]]);
  assertEquals(x.repeat(1, 2).dtype, "int64");
  assertEquals(F.pad(x, [1, 0], "constant", 7).toArray(), [[7, 1, 2], [7, 3, 4]]);
  assertEquals(F.pad(x, [1, 1], "reflect").toArray(), [[2, 1, 2, 1], [4, 3, 4, 3]]);
  assertEquals(dg.tensor([true, false]).diag().toArray(), [[true, false], [false, false]]);
  assertEquals(F.oneHot(dg.tensor([2n, 0n])).toArray(), [[0, 0, 1], [1, 0, 0]]);
  assertEquals(dg.combinations(x.ravel(), 2, { withReplacement: true }).shape, [10, 2]);
});

Deno.test("windows, powers and triangles", () => {
  assertEquals(dg.hannWindow(4).toArray(), [0, 0.5, 1, 0.5]);
  assertEquals(dg.hannWindow(3, { periodic: false }).toArray(), [0, 1, 0]);
  assertEquals(dg.bartlettWindow(1).toArray(), [1]);
  assertEquals(dg.blackmanWindow(0).shape, [0]);
  assertAlmostEquals(Number(dg.hammingWindow(5, { dtype: "float64", alpha: 0.5, beta: 0.5 })[0]), 0);
  assertEquals(dg.logspace(0, 3, 4, { base: 2 }).toArray(), [1, 2, 4, 8]);
  assertEquals(dg.trilIndices(2, 3, { offset: -1 }).toArray(), [[1], [0]]);
  assertEquals(dg.triuIndices(2, 2).toArray(), [[0, 0, 1], [0, 1, 1]]);
});

Deno.test("what does not fit is refused, and nothing is changed", () => {
  const x = dg.tensor([[1, 2], [3, 4]]), before = x.toArray();
  const bad = (value: unknown) => value as never;
  const cases: [() => unknown, typeof TypeError | typeof RangeError, string][] = [
    [() => dg.cat([]), TypeError, "non-empty list"],
    [() => dg.cat(bad(x)), TypeError, "must be a list of tensors"],
    [() => dg.cat([x, bad(3)]), TypeError, "expected Tensor as element 1"],
    [() => dg.cat([x, dg.ones(2, 3)]), TypeError, "Sizes of tensors must match"],
    [() => dg.cat([x], bad({ axis: 1 })), TypeError, "no option"],
    [() => dg.stack([x, dg.ones(2)]), TypeError, "equal size"],
    [() => x.split([1, 2]), RangeError, "sum exactly"],
    [() => x.split(0), RangeError, "can only be 0"],
    [() => x.split(1.5), TypeError, "integers"],
    [() => x.chunk(0), RangeError, "greater than 0"],
    [() => x.unfold(0, 3, 1), RangeError, "maximum size"],
    [() => x.unfold(0, 1, 0), RangeError, "step is 0"],
    [() => x.flip(0, 0), RangeError, "multiple times"],
    [() => x.rot90(1, [0]), TypeError, "rotation dims"],
    [() => x.rot90(1, [0, 0]), RangeError, "different"],
    [() => x.roll([1, 2], [0]), TypeError, "must align"],
    [() => x.roll(0.5), TypeError, "integers"],
    [() => x.repeat(2), TypeError, "can not be smaller"],
    [() => x.repeat(2, -1), RangeError, "negative"],
    [() => x.repeatInterleave(-1), RangeError, "non-negative"],
    [() => x.repeatInterleave(dg.tensor([1n, 2n, 3n]), 0), TypeError, "same size as input"],
    [() => x.select(0, 0).tril(), TypeError, "at least 2 dimensions"],
    [() => x.unsqueeze(0).diag(), TypeError, "1D or 2D"],
    [() => x.diagEmbed(0, 1, 1), RangeError, "identical"],
    [() => x.slice(0, 0.5), TypeError, "integer"],
    [() => x.narrow(0, 0, 0.5), TypeError, "integer"],
    [() => x.diagonal(NaN), TypeError, "integer"],
    [() => x.squeeze([0, -2]), RangeError, "multiple times"],
    [() => x.movedim([0, 0], [0, 1]), RangeError, "repeated dim in `source`"],
    [() => x.view(3), TypeError, "invalid for input of size"],
    [() => x.t().view(4), TypeError, "not compatible"],
    [() => x.view(bad("f32")), TypeError, "unknown dtype"],
    [() => x.t().view("float64"), TypeError, "stride(-1) must be 1"],
    [() => x.select(0, 0).narrow(0, 0, 1).view("float64"), TypeError, "divisible"],
    [() => x.selectScatter(dg.ones(3), 0, 0), TypeError, "size equal to the slice"],
    [() => dg.meshgrid(x), TypeError, "0D or 1D"],
    [() => dg.meshgrid(dg.ones(2), { indexing: bad("yx") }), RangeError, "indexing"],
    [() => dg.kron(x, bad(2)), TypeError, "argument 'other' (position 2) must be Tensor, not number 2"],
    [() => F.pad(x, [1]), TypeError, "divisible by 2"],
    [() => F.pad(x, [1, 1, 1, 1, 1, 1]), TypeError, "Padding length"],
    [() => F.pad(x, [-2, -1]), RangeError, "negative output size"],
    [() => F.pad(x, [2, 0], "reflect"), RangeError, "should be less than"],
    [() => F.pad(x, [3, 0], "circular"), RangeError, "wrapping around"],
    [() => F.pad(x, [1, 0], bad("mirror")), RangeError, "padding mode"],
    [() => F.pad(x, [1, 0, 1, 0], "replicate"), TypeError, "Only 2D, 3D, 4D, 5D"],
    [() => F.oneHot(x), TypeError, "LongTensor"],
    [() => F.oneHot(dg.tensor([3n]), 2), RangeError, "smaller than"],
    [() => F.oneHot(dg.tensor([-1n])), RangeError, "non-negative"],
    [() => dg.hannWindow(-1), RangeError, "non-negative"],
    [() => dg.logspace(0, 1, 2.5), TypeError, "integer"],
    [() => dg.trilIndices(-1, 2), RangeError, "non-negative"],
  ];
  for (const [fn, kind, text] of cases) {
    const error = assertThrows(fn, kind, text);
    assertEquals(error.constructor, kind, text);
  }
  assertEquals(x.toArray(), before);
  assertEquals(x.version, 0);
});
