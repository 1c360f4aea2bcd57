/** `x[0]`, `x["1:3"]` and assignment; and that a tensor is an ordinary object all the same. */
import { assert, assertEquals, assertNotEquals, assertStrictEquals, assertThrows } from "@std/assert";
import * as dg from "../../../mod.ts";

// deno-lint-ignore no-explicit-any
type Loose = any;

Deno.test("reading between brackets", () => {
  const x = dg.arange(24).reshape(2, 3, 4).clone();
  assertEquals(x[1][2][3].item(), 23);
  assertEquals(x[-1][-1].toArray(), [20, 21, 22, 23]);
  assertEquals([...x["1:3, ..., ::2"].shape], [1, 3, 2]);
  assertEquals(x["0, 1"].toArray(), [4, 5, 6, 7]);
  assertEquals([...(x as Loose)["..."].shape], [2, 3, 4]);
  assertEquals([...x["null, 0"].shape], [1, 3, 4]);
  assertStrictEquals(x[0].base, x);
  const leaf = dg.ones(2, 2, { requiresGrad: true });
  assertEquals(leaf[0].gradFn.name(), "SelectBackward0");
  assertEquals(leaf["1:"].gradFn.name(), "SliceBackward0");
});

Deno.test("assigning between brackets", () => {
  const x = dg.zeros(2, 3);
  x[0] = 1;
  x[1][2] = 7;
  x["1, 0"] = dg.tensor(5);
  x[":, 1"] = [8, 9];
  assertEquals(x.toArray(), [[1, 8, 1], [5, 9, 7]]);
});

Deno.test("what is out of range or no index says so", () => {
  const x: Loose = dg.arange(3);
  assertThrows(() => x[3], RangeError, "index 3 is out of bounds for dimension 0 with size 3");
  assertThrows(() => x[-4] = 1, RangeError, "index -4 is out of bounds for dimension 0 with size 3");
  assertThrows(() => x[1.5], TypeError, "is no index");
  assertThrows(() => x["1:a"], TypeError, "is no index");
  assertThrows(() => x["0, 0"], RangeError, "too many indices for tensor of dimension 1");
  assertThrows(() => x[[0, 2] as Loose], TypeError, "x.index([0,2]) for a list of indices");
  assertThrows(() => x[x.gt(1)], TypeError, "is no index");
  assertThrows(() => dg.tensor(1)[0], RangeError, "invalid index of a 0-dim tensor");
  const w: Loose = dg.ones(2, { requiresGrad: true });
  assertThrows(() => w[0] = 5, TypeError, "a view of a leaf Variable that requires grad");
  assertEquals(x.toArray(), [0, 1, 2]);
});

Deno.test("unknown names are undefined, and become own properties when assigned", async () => {
  const x: Loose = dg.arange(3);
  assertStrictEquals(x.nothing, undefined);
  assertStrictEquals(x.nothing?.more, undefined);
  assertStrictEquals(x.then, undefined);
  assertStrictEquals(x[Symbol("s")], undefined);
  assertStrictEquals(x[Symbol.toStringTag], undefined);
  assertStrictEquals(await x, x);
  x.label = "mine";
  assertEquals(x.label, "mine");
  assert(Object.hasOwn(x, "label"));
  x.label = "changed";
  assertEquals(x.label, "changed");
  assertStrictEquals((dg.Tensor.prototype as Loose)[0], undefined);
});

Deno.test("in, keys and inherited members are as without the proxy", () => {
  const x: Loose = dg.arange(3);
  assertEquals(["0" in x, "shape" in x, "then" in x, "toString" in x], [false, true, false, true]);
  assertEquals(Object.keys(x).includes("0"), false);
  assertEquals(Object.keys(x), Object.keys(dg.zeros(2)));
  const visited: string[] = [];
  for (const name in x) visited.push(name);
  assertEquals(visited, Object.keys(x));
  assert(Object.hasOwn(x, "shape"));
  assert(x instanceof dg.Tensor && x instanceof Object);
  assertStrictEquals(x.constructor, dg.Tensor);
  assertEquals(Object.prototype.toString.call(x), "[object Object]");
});

Deno.test("a subclass keeps its fields, accessors and methods", () => {
  class Named extends dg.Tensor {
    label = "a";
    #hits = 0;
    get hits(): number {
      return this.#hits;
    }
    set hits(n: number) {
      this.#hits = n;
    }
  }
  const x = dg.arange(3), named: Loose = new Named(x.storage, 0, x.shape, x.strides);
  named.label = "b";
  named.hits = 4;
  assertEquals([named.label, named.hits, named[1].item()], ["b", 4, 1]);
  assertEquals(Object.hasOwn(named, "hits"), false);
});

Deno.test("spread, for-of, destructuring, JSON and printing", () => {
  const x = dg.tensor([[1, 2], [3, 4]]);
  assertEquals([...x].map((row) => row.toArray()), [[1, 2], [3, 4]]);
  const [first, second] = x;
  assertEquals([first.toArray(), second.toArray()], [[1, 2], [3, 4]]);
  let sum = 0;
  for (const row of x) sum += row[0].item();
  assertEquals(sum, 4);
  assertEquals(JSON.stringify({ x }), '{"x":[[1,2],[3,4]]}');
  assertEquals(Deno.inspect(x), "tensor([[1., 2.],\n        [3., 4.]])");
  assertEquals(Deno.inspect({ a: dg.tensor(1) }), "{ a: tensor(1.) }");
  assertEquals(Array.from(x, (row) => row.sum().item()), [3, 7]);
  assertEquals({ ...x }.shape, x.shape);
});

Deno.test("assertEquals compares tensors", () => {
  assertEquals(dg.tensor([1, 2]), dg.tensor([1, 2]));
  assertEquals(dg.tensor(1), dg.tensor(1));
  assertEquals({ a: [dg.ones(2, { requiresGrad: true })] }, { a: [dg.ones(2, { requiresGrad: true })] });
  assertNotEquals(dg.tensor([1, 2]), dg.tensor([1, 3]));
  assertNotEquals(dg.tensor([1, 2]), dg.tensor([[1, 2]]));
});

Deno.test("accessors behind the proxy read and write", () => {
  const x = dg.tensor([[1, 2], [3, 4]], { requiresGrad: true });
  assertEquals(x.T.toArray(), [[1, 3], [2, 4]]);
  assertEquals(x.mT.gradFn!.name(), "TransposeBackward0");
  assertEquals(x.length, 2);
  assertEquals(x.data.requiresGrad, false);
  x.data = dg.zeros(2, 2);
  assertEquals(x.toArray(), [[0, 0], [0, 0]]);
  assertEquals(Object.hasOwn(x, "data"), false);
  assertThrows(() => (x as Loose).T = 1, TypeError);
  assertThrows(() => dg.tensor(1).length, TypeError, "len() of a 0-d tensor");
  assertEquals(["T" in x, "data" in x], [true, true]);
});
