/** Indexing and assigning by index: forms, views, gradients, errors. */
import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import * as dg from "../../../mod.ts";

const grid = () => dg.arange(12).reshape(3, 4);
const values = (t: dg.Tensor) => t.toArray();

Deno.test("the forms of a slice are the same", () => {
  const x = dg.arange(10);
  for (const form of ["2:8:3", " 2 : 8 : 3 ", { start: 2, stop: 8, step: 3 }]) {
    assertEquals(values(x.index(form)), [2, 5]);
  }
  for (const form of [":", "::", "0:10:1", {}, { start: null }]) assertEquals(x.index(form).shape[0], 10);
  assertEquals(values(x.index("-3:")), [7, 8, 9]);
  assertEquals(values(x.index(":-8")), [0, 1]);
  assertEquals(values(x.index("5:2")), []);
});

Deno.test("a text can hold all items, and mix with others", () => {
  const x = dg.arange(24).reshape(2, 3, 4);
  assertEquals([...x.index("1:, ..., ::2").shape], [1, 3, 2]);
  assertEquals([...x.index("..., null").shape], [2, 3, 4, 1]);
  assertEquals([...x.index("None, 0").shape], [1, 3, 4]);
  assertEquals(values(x.index("0, -1", [0, 3])), [8, 11]);
  assertEquals(values(x.index("0, 1,")), [4, 5, 6, 7]);
});

Deno.test("typed arrays, nested lists and bigints are indices", () => {
  const x = grid();
  assertEquals(values(x.index(Int32Array.of(2, 0), 1)), [9, 1]);
  assertEquals(values(x.index([[0n, 1n], [2n, 0n]], 0)), [[0, 4], [8, 0]]);
  assertEquals(values(x.index(2n, -1n)), 11);
  assertEquals(values(x.index([true, false, true])), [[0, 1, 2, 3], [8, 9, 10, 11]]);
  assertEquals([...x.index([]).shape], [0, 4]);
});

Deno.test("a mask uses up its dimensions, and slices may follow", () => {
  const x = dg.arange(24).reshape(2, 3, 4), mask = dg.tensor([[true, false, false], [false, false, true]]);
  assertEquals(values(x.index(mask, "1:3")), [[1, 2], [21, 22]]);
  assertEquals(values(x.index(mask, -1)), [3, 23]);
  assertEquals([...x.index("...", x.index(0, 0).gt(1)).shape], [2, 3, 2]);
  const column = dg.tensor([[true], [false], [true]]);
  assertEquals(values(dg.tensor([[1], [2], [3]]).index(column)), [1, 3]);
});

Deno.test("uint8 masks work and warn", () => {
  const warnings: string[] = [];
  const before = dg.setWarningHandler((message) => void warnings.push(message));
  try {
    assertEquals(values(dg.arange(3).index(dg.tensor([1, 0, 1], { dtype: "uint8" }))), [0, 2]);
  } finally {
    dg.setWarningHandler(before);
  }
  assertEquals(warnings.filter((w) => w.includes("uint8 is now deprecated")).length, 1);
});

Deno.test("basic items give views, others copies", () => {
  const x = grid().clone();
  x.index(1, "1:3").fill_(50);
  assertEquals(values(x.index(1)), [4, 50, 50, 7]);
  x.index([1]).fill_(9);
  assertEquals(values(x.index(1)), [4, 50, 50, 7]);
  const same = x.index("...");
  assertStrictEquals(same === x, false);
  assertStrictEquals(same.base, x);
});

Deno.test("assignment in all forms", () => {
  const x = dg.zeros(3, 4);
  assertStrictEquals(x.setIndex(0, 1), x);
  x.setIndex([1, 2], 5);
  x.setIndex([[1, 2]], dg.tensor([7, 8, 9, 10]));
  x.setIndex(["...", "0:2"], [[-1, -2]]);
  x.setIndex(x.eq(9), 0.5);
  assertEquals(values(x), [[-1, -2, 1, 1], [-1, -2, 0.5, 10], [-1, -2, 0.5, 10]]);
  x.setIndex([null, 0], dg.ones(1, 1, 4));
  assertEquals(values(x.index(0)), [1, 1, 1, 1]);
});

Deno.test("assigning to an integer or bool tensor cuts the value", () => {
  const i = dg.tensor([1n, 2n, 3n]);
  i.setIndex(0, 2.9).setIndex([[1, 2]], -3.7);
  assertEquals(values(i), [2, -3, -3]);
  assertEquals(values(dg.tensor([false, false]).setIndex(1, 0.5)), [false, true]);
});

Deno.test("overlapping values are read before they are overwritten", () => {
  const x = dg.arange(5);
  x.setIndex("1:", x.index(":4"));
  assertEquals(values(x), [0, 0, 1, 2, 3]);
  const y = dg.arange(5);
  y.setIndex([[1, 2, 3, 4]], y.index(":4"));
  assertEquals(values(y), [0, 0, 1, 2, 3]);
});

Deno.test("accumulating adds once for every time that an index occurs", () => {
  const x = dg.zeros(3);
  x.indexPut_([[0, 2, 0]], dg.tensor([1, 2, 3]), { accumulate: true });
  assertEquals(values(x), [4, 0, 2]);
  x.indexPut_(["0:2"], 1, { accumulate: true });
  assertEquals(values(x), [5, 1, 2]);
  const b = dg.tensor([false, false]);
  assertEquals(values(b.indexPut_([[0, 0]], true, { accumulate: true })), [true, false]);
  const original = dg.zeros(2);
  assertEquals(values(original.indexPut([[0]], 1)), [1, 0]);
  assertEquals(values(original), [0, 0]);
});

Deno.test("bad input leaves the tensor, its version and its history unchanged", () => {
  const cases: [() => unknown, string, ErrorConstructor][] = [];
  const x = grid();
  const bad = (indices: unknown, value: unknown, message: string, kind: unknown) =>
    cases.push([
      () => x.setIndex(indices as dg.Indices, value as dg.IndexValue),
      message,
      kind as ErrorConstructor,
    ]);
  bad(3, 1, "index 3 is out of bounds for dimension 0 with size 3", RangeError);
  bad([0, -5], 1, "index -5 is out of bounds for dimension 1 with size 4", RangeError);
  bad([[0, 1, 7]], 1, "index 7 is out of bounds for dimension 0 with size 3", RangeError);
  bad([0, 0, 0], 1, "too many indices for tensor of dimension 2", RangeError);
  bad(["...", "..."], 1, "an index can only have a single ellipsis ('...')", RangeError);
  bad("1:2:0", 1, "slice step cannot be zero", RangeError);
  bad("::-1", 1, "step must be greater than zero", RangeError);
  bad(1.5, 1, "valid indices (got float)", TypeError);
  bad([[0.5]], 1, "valid indices (got float)", TypeError);
  bad([["a"]], 1, "valid indices (got a list with string)", TypeError);
  bad({ begin: 1 }, 1, "a slice has start, stop and step", TypeError);
  bad({ start: 0.5 }, 1, "slice indices must be integers", TypeError);
  bad("a", 1, "is no index", TypeError);
  bad(undefined, 1, "valid indices (got undefined)", TypeError);
  bad(dg.tensor([0.5]), 1, "tensors used as indices must be long, int, byte or bool tensors", TypeError);
  bad(dg.tensor([true]), 1, "The shape of the mask [1] at index 0 does not match the shape", RangeError);
  bad([[0, 1], [0, 1, 2]], 1, "could not be broadcast together with shapes [2], [3]", RangeError);
  bad(0, dg.ones(3), "must match the existing size (3) at non-singleton dimension 0", TypeError);
  bad(
    [[0, 1]],
    dg.ones(3, 4),
    "value tensor of shape [3, 4] cannot be broadcast to indexing result",
    TypeError,
  );
  bad([[0, 1]], dg.tensor(1n), "got Float for the destination and Long for the source", TypeError);
  bad(0, "text", "can't assign a string to a torch.FloatTensor", TypeError);
  bad([[0]], null, "can't assign a null to a torch.FloatTensor", TypeError);
  const before = values(x), version = x.version;
  for (const [run, message, kind] of cases) assertThrows(run, kind, message);
  assertEquals(values(x), before);
  assertEquals(x.version, version);
  const i = dg.tensor([1n, 2n]);
  assertThrows(() => i.setIndex([[0, 1]], NaN), RangeError, "without overflow");
  assertThrows(() => i.setIndex(0, 1e30), RangeError);
  assertEquals(values(i), [1, 2]);
  const repeated = dg.zeros(1).expand(3);
  assertThrows(() => repeated.setIndex([[0, 1]], 1), TypeError, "more than one element");
  assertThrows(() => dg.tensor(1).index(0), RangeError, "invalid index of a 0-dim tensor");
});

Deno.test("writing into a leaf or a view of it is an error, unless gradients are off", () => {
  const w = dg.ones(2, { requiresGrad: true });
  const message = "a view of a leaf Variable that requires grad is being used in an in-place operation.";
  assertThrows(() => w.setIndex(0, 5), TypeError, message);
  assertThrows(() => w.setIndex([[0]], 5), TypeError, "a leaf Variable that requires grad");
  dg.noGrad(() => w.setIndex(0, 5));
  assertEquals(values(w), [5, 1]);
});

Deno.test("writing through an index carries gradients", () => {
  const x = dg.ones(3, { dtype: "float64", requiresGrad: true });
  const v = dg.tensor([2, 3], { dtype: "float64", requiresGrad: true });
  const y = x.mul(2);
  y.setIndex("1:", v.mul(v));
  assertEquals(y.gradFn!.name(), "CopySlices");
  y.setIndex([[0]], v.index(0));
  y.mul(dg.tensor([1, 10, 100], { dtype: "float64" })).sum().backward();
  assertEquals(values(x.grad!), [0, 0, 0]);
  assertEquals(values(v.grad!), [41, 600]);
});

Deno.test("gradients of reading and writing, by differences, twice", () => {
  const f64 = (...shape: number[]) => dg.randn(shape, { dtype: "float64", requiresGrad: true });
  dg.manualSeed(1);
  const reads: dg.IndexItem[][] = [[0], ["1:, ::2"], [[2, 0, 2], "1:"], ["...", [[0, 1], [1, 1]]], [null, 1, [
    0,
    0,
  ]]];
  for (const items of reads) {
    dg.autograd.gradcheck((x) => x.index(...items).square(), [f64(3, 4)]);
    dg.autograd.gradgradcheck((x) => x.index(...items).pow(3), [f64(3, 4)]);
  }
  const writes: [dg.IndexItem[], number[]][] = [[[1], [4]], [["1:"], [2, 4]], [[[0, 2]], [2, 4]], [[[2, 0]], [
    4,
  ]]];
  for (const [items, shape] of writes) {
    const put = (x: dg.Tensor, v: dg.Tensor) => x.mul(x).indexPut_(items, v.mul(v));
    dg.autograd.gradcheck(put, [f64(3, 4), f64(...shape)]);
    dg.autograd.gradgradcheck(put, [f64(3, 4), f64(...shape)]);
  }
  dg.autograd.gradcheck(
    (x, v) => x.mul(2).indexPut_([[0, 0, 2]], v, { accumulate: true }),
    [f64(3, 4), f64(3, 4)],
  );
});

Deno.test("an index that changes between forward and backward is noticed", () => {
  const x = dg.ones(3, { requiresGrad: true }), at = dg.tensor([0n, 1n]);
  const y = x.index(at).sum();
  at.add_(1n);
  assertThrows(() => y.backward(), TypeError, "modified by an inplace operation");
});
