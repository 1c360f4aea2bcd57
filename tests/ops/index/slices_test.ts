/** gather, scatter, index*, take, put, masks: values, in-place variants, gradients, errors. */
import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import * as dg from "../../../mod.ts";

const values = (t: dg.Tensor) => t.toArray();
const long = (...list: number[]) => dg.tensor(list.map(BigInt));
const f64 = (...shape: number[]) => dg.randn(shape, { dtype: "float64", requiresGrad: true });

/** An operation as a function of the tensors that gradients flow to. */
type Case = [name: string, fn: (...t: dg.Tensor[]) => dg.Tensor, shapes: number[][]];

const grid = () => dg.tensor([[0n, 2n, 1n], [2n, 2n, 0n]]);
const reductions = ["sum", "prod", "mean", "amax", "amin"] as const;
const cases: Case[] = [
  ["indexSelect", (x) => x.indexSelect(1, long(2, 0, 2)), [[2, 3]]],
  ["indexAdd", (x, s) => x.indexAdd(0, long(1, 1, 0), s, { alpha: 3 }), [[2, 3], [3, 3]]],
  ["indexCopy", (x, s) => x.indexCopy(1, long(2, 0), s), [[2, 3], [2, 2]]],
  ["indexFill", (x, v) => x.indexFill(1, long(-1), v), [[2, 3], []]],
  ["take", (x) => x.take(long(5, 0, -6)), [[2, 3]]],
  ["take of a transpose", (x) => x.t().take(long(5, 1, 1)), [[2, 3]]],
  ["put", (x, s) => x.put(long(4, 0), s), [[2, 3], [2]]],
  ["put, adding", (x, s) => x.put(long(4, 4), s, { accumulate: true }), [[2, 3], [2]]],
  ["gather", (x) => x.gather(1, grid()), [[2, 3]]],
  ["takeAlongDim", (x) => x.takeAlongDim(long(1, 0).reshape(2, 1), 1), [[2, 3]]],
  ["takeAlongDim, flat", (x) => x.takeAlongDim(long(5, 0)), [[2, 3]]],
  ["scatter", (x, s) => x.scatter(1, long(2, 0).reshape(2, 1), s), [[2, 3], [2, 2]]],
  ["scatter of a value", (x) => x.scatter(0, grid().remainder(2n), 4), [[2, 3]]],
  ["scatter, adding", (x, s) => x.scatter(1, grid(), s, { reduce: "add" }), [[2, 3], [2, 3]]],
  ["scatter, multiplying", (x, s) => x.scatter(1, grid(), s, { reduce: "multiply" }), [[2, 3], [2, 3]]],
  ["scatterAdd", (x, s) => x.scatterAdd(1, grid(), s), [[2, 3], [3, 4]]],
  ["maskedSelect", (x) => x.maskedSelect(dg.tensor([true, false, true])), [[2, 3]]],
  ["maskedScatter", (x, s) => x.maskedScatter(dg.tensor([true, false, true]), s), [[2, 3], [5]]],
];
for (const reduce of reductions) {
  for (const includeSelf of [true, false]) {
    cases.push([
      `scatterReduce ${reduce} ${includeSelf}`,
      (x, s) => x.scatterReduce(1, grid(), s, reduce, { includeSelf }),
      [[2, 3], [2, 3]],
    ]);
  }
}

for (const [name, fn, shapes] of cases) {
  Deno.test(`${name}: first and second gradients agree with differences`, () => {
    dg.manualSeed(3);
    const inputs = shapes.map((s) => f64(...s));
    dg.autograd.gradcheck(fn, inputs);
    dg.autograd.gradgradcheck((...t) => fn(...t.map((x) => x.mul(x))), inputs);
  });
}

Deno.test("products with zeros among their factors have gradients", () => {
  const x = dg.tensor([2, 3, 0], { requiresGrad: true }), s = dg.tensor([0, 5, 0, 0], { requiresGrad: true });
  x.scatterReduce(0, long(0, 0, 1, 1), s, "prod").sum().backward();
  assertEquals(values(x.grad!), [0, 0, 1]);
  assertEquals(values(s.grad!), [10, 0, 0, 0]);
});

Deno.test("in place: the same values, in the same memory", () => {
  const i = long(1, 0), s = dg.tensor([[1, 2], [3, 4]]), g = dg.tensor([[1n, 0n], [1n, 1n]]);
  const m = dg.tensor([[true, false], [true, true]]);
  const pairs: [(x: dg.Tensor) => dg.Tensor, (x: dg.Tensor) => dg.Tensor][] = [
    [(x) => x.indexAdd(0, i, s), (x) => x.indexAdd_(0, i, s)],
    [(x) => x.indexCopy(0, i, s), (x) => x.indexCopy_(0, i, s)],
    [(x) => x.indexFill(1, long(0), 7), (x) => x.indexFill_(1, long(0), 7)],
    [(x) => x.put(i, s[0]), (x) => x.put_(i, s[0])],
    [(x) => x.scatter(1, g, s), (x) => x.scatter_(1, g, s)],
    [(x) => x.scatter(1, g, 2.5), (x) => x.scatter_(1, g, 2.5)],
    [(x) => x.scatterAdd(1, g, s), (x) => x.scatterAdd_(1, g, s)],
    [(x) => x.maskedScatter(m, s), (x) => x.maskedScatter_(m, s)],
    ...reductions.map((r) =>
      [
        (x: dg.Tensor) => x.scatterReduce(1, g, s, r),
        (x: dg.Tensor) => x.scatterReduce_(1, g, s, r),
      ] as [(x: dg.Tensor) => dg.Tensor, (x: dg.Tensor) => dg.Tensor]
    ),
  ];
  for (const [plain, inPlace] of pairs) {
    const x = dg.tensor([[5, 6], [7, 8]]), before = values(x), version = x.version;
    const expected = values(plain(x));
    assertEquals(values(x), before, String(plain));
    assertStrictEquals(inPlace(x), x);
    assertEquals(values(x), expected, String(inPlace));
    assertEquals(x.version, version + 1);
    const wide = dg.zeros(2, 4), part = wide.slice(1, 0, null, 2); // with gaps in memory
    part.copy_(dg.tensor(before as number[][]));
    inPlace(part);
    assertEquals(values(part), expected, `with gaps: ${inPlace}`);
    assertEquals(values(wide.slice(1, 1, null, 2)), [[0, 0], [0, 0]]);
    const y = dg.tensor(before as number[][], { requiresGrad: true }), z = y.mul(1);
    inPlace(z).sum().backward();
    const direct = dg.tensor(before as number[][], { requiresGrad: true });
    plain(direct).sum().backward();
    assertEquals(values(y.grad!), values(direct.grad!), `gradient: ${inPlace}`);
  }
});

Deno.test("integers: sums wrap around, means round down, bools are or-ed", () => {
  const i8 = dg.tensor([100], { dtype: "int8" });
  assertEquals(values(i8.indexAdd(0, long(0), dg.tensor([100], { dtype: "int8" }))), [-56]);
  assertEquals(values(long(-7, 4).scatterReduce(0, long(0, 1), long(2, 5), "mean")), [-3, 4]);
  const truths = dg.tensor([false, true]);
  assertEquals(values(truths.indexAdd(0, long(0, 0), dg.tensor([true, true]))), [true, true]);
});

Deno.test("NaN wins among the largest and the smallest", () => {
  const x = dg.tensor([1, NaN]), s = dg.tensor([NaN, 5]);
  for (const reduce of ["amax", "amin"] as const) {
    assertEquals(values(x.scatterReduce(0, long(0, 1), s, reduce)), [NaN, NaN]);
  }
});

Deno.test("0-d tensors, empty indices and empty tensors", () => {
  assertEquals(values(dg.tensor(3).indexSelect(0, long(0))), 3);
  assertEquals(values(dg.tensor(3).gather(0, dg.tensor(0n))), 3);
  assertEquals(values(dg.tensor(3).take(long(0, -1))), [3, 3]);
  assertEquals([...dg.zeros(2, 3).gather(1, dg.zeros(2, 0, { dtype: "int64" })).shape], [2, 0]);
  assertEquals(values(dg.ones(2).scatterAdd(0, dg.zeros(0, { dtype: "int64" }), dg.ones(0))), [1, 1]);
  assertEquals([...dg.zeros(0, 3).indexSelect(1, long(2)).shape], [0, 1]);
  assertEquals([...dg.tensor(1).nonzero().shape], [1, 0]);
  assertEquals([...dg.zeros(2, 0).nonzero().shape], [0, 2]);
});

Deno.test("nonzero", () => {
  const x = dg.tensor([[0, 1, 0], [2, 0, NaN]]);
  assertEquals(values(x.nonzero()), [[0, 1], [1, 0], [1, 2]]);
  assertEquals(x.nonzero({ asTuple: true }).map(values), [[0, 1, 1], [1, 0, 2]]);
  assertEquals(values(dg.argwhere(x.t())), [[0, 1], [1, 0], [2, 1]]);
  assertEquals(values(dg.tensor([[[1]], [[0]], [[1]]]).nonzero()), [[0, 0, 0], [2, 0, 0]]);
  assertEquals(x.index(...x.nonzero({ asTuple: true })).shape, dg.zeros(3).shape);
});

Deno.test("bad input throws and leaves the tensor unchanged", () => {
  const x = dg.tensor([[1, 2], [3, 4]]), one = dg.ones(2, 2), version = x.version;
  const bad: [() => unknown, typeof TypeError | typeof RangeError, string][] = [
    [() => x.indexAdd_(0, long(0, 2), one), RangeError, "index out of range in self"],
    [() => x.indexAdd_(0, long(0, -1), one), RangeError, "index out of range in self"],
    [
      () => x.indexAdd_(0, long(0), one),
      TypeError,
      "Number of indices (1) should be equal to source.size(dim): (2)",
    ],
    [() => x.indexAdd_(0, dg.ones(2), one), TypeError, "Expected dtype int32/int64 for index but got: Float"],
    [() => x.indexAdd_(0, long(0, 1), one.double()), TypeError, "self (Float) and source (Double)"],
    [
      () => x.indexCopy_(0, long(0, 1), dg.ones(2, 3)),
      TypeError,
      "source tensor shape must match self tensor shape",
    ],
    [() => x.indexAdd_(0, grid(), one), TypeError, "Index is supposed to be a vector, but got dim: 2"],
    [
      () => x.indexFill_(0, long(0, 5), 1),
      RangeError,
      "index 5 is out of bounds for dimension 0 with size 2",
    ],
    [() => x.indexFill_(0, long(0), one), TypeError, "only supports a 0-dimensional value tensor"],
    [() => x.put_(long(0, 4), dg.ones(2)), RangeError, "tried to access index 4 on a tensor of 4 elements."],
    [() => x.put_(long(0), dg.ones(2)), TypeError, "same number of elements"],
    [
      () => x.scatter_(1, dg.tensor([[0n, 2n]]), one),
      RangeError,
      "index 2 is out of bounds for dimension 1 with size 2",
    ],
    [() => x.scatter_(1, long(0), one), TypeError, "same number of dimensions as self tensor"],
    [
      () => x.scatter_(0, grid(), 1),
      TypeError,
      "Expected index [2, 3] to be no larger than self [2, 2] apart from dimension 0",
    ],
    [
      () => x.scatterAdd_(0, dg.tensor([[0n, 1n], [0n, 1n]]), dg.ones(1, 2)),
      TypeError,
      "no larger size than src [1, 2]",
    ],
    [
      () => x.scatter_(0, dg.tensor([[0n, 1n]]), one.double()),
      TypeError,
      "Expected self.dtype to be equal to src.dtype",
    ],
    [
      () => x.scatterReduce_(0, dg.tensor([[0n, 1n]]), one, "max" as never),
      TypeError,
      "must be either sum, prod",
    ],
    [
      () => x.maskedScatter_(dg.tensor([true, true]), dg.ones(3)),
      TypeError,
      "Number of elements of source < number of ones",
    ],
    [() => x.maskedScatter_(dg.ones(2), dg.ones(4)), TypeError, "only supports boolean masks"],
    [() => x.gather(0, one), TypeError, "gather(): Expected dtype int32/int64 for index"],
    [() => x.gather(5, grid()), RangeError, "Dimension out of range"],
    [() => x.take(dg.ones(2)), TypeError, "Expected a long tensor for index, but got Float"],
    [() => x.indexSelect(0, 1 as never), TypeError, "argument 'index' must be Tensor, not number"],
  ];
  for (const [run, kind, message] of bad) assertThrows(run, kind, message);
  assertEquals(values(x), [[1, 2], [3, 4]]);
  assertEquals(x.version, version);
});
