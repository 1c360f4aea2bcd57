import { assertEquals, assertNotStrictEquals, assertStrictEquals } from "@std/assert";
import * as dg from "../../mod.ts";
import { sharesBlock, smallArray } from "../../src/tensor/slab.ts";

Deno.test("small arrays lie next to each other, zeroed and aligned; large ones have their own buffers", () => {
  const a = smallArray("float64", 3)!, b = smallArray("bool", 5)!, c = smallArray("int64", 64)!;
  assertEquals([a.length, b.length, c.length], [3, 5, 64]);
  assertEquals([a.byteOffset % 16, b.byteOffset % 16, c.byteOffset % 16], [0, 0, 0]);
  for (const x of [a, b, c]) {
    assertEquals(x.every((v) => v == 0), true);
    assertEquals(sharesBlock(x), true);
  }
  for (let i = 0; i < 2000; i++) {
    const x = smallArray("float32", 1 + i % 128)!;
    assertEquals(x.every((v) => v === 0), true);
    x.fill(i as never);
    a.fill(-1 as never);
  }
  assertEquals(b.every((v) => v === 0), true);
  assertEquals(smallArray("float32", 129), undefined);
});

Deno.test("an array that leaves the house has its buffer for itself, and still is the tensor's memory", () => {
  const x = dg.tensor([1, 2, 3]), other = dg.tensor([4, 5, 6]), part = x.narrow(0, 1, 2);
  const array = x.typedArray();
  assertEquals(array.buffer.byteLength, 12);
  assertStrictEquals(x.typedArray(), array);
  array[1] = 7;
  assertEquals([x.toArray(), part.toArray(), other.toArray()], [[1, 7, 3], [7, 3], [4, 5, 6]]);
  x.mul_(2);
  assertEquals([...array], [2, 14, 6]);
  structuredClone(array.buffer, { transfer: [array.buffer as ArrayBuffer] }); // takes the memory away
  assertEquals(other.toArray(), [4, 5, 6]);
  const bits = other.view("int32"), floats = other.typedArray();
  assertNotStrictEquals(bits.storage, other.storage);
  floats[0] = 0;
  assertEquals(bits.toArray(), [0, 0x40a00000, 0x40c00000]); // both views are of one memory
});

Deno.test("the gradient of a sum reads its one element for all", () => {
  const x = dg.ones(3, 4).requiresGrad_();
  x.mul(x).sum().backward();
  assertEquals(x.grad!.toArray(), dg.full([3, 4], 2).toArray());
  const one = dg.tensor([[3]]), wide = one.expand(2, 3);
  assertEquals(wide.add(wide).toArray(), [[6, 6, 6], [6, 6, 6]]);
  assertEquals(wide.mul(dg.ones(3, 2).t()).toArray(), [[3, 3, 3], [3, 3, 3]]);
});
