import { assertEquals, assertStrictEquals } from "@std/assert";
import { contiguousStrides, frozen, SCALAR_SHAPE } from "../../src/tensor/shape.ts";

Deno.test("lists of sizes are frozen, of their own, and what was asked for, however many there are", () => {
  const sizes = [2, 3], list = frozen(sizes);
  sizes[0] = 9;
  assertEquals([[...list], Object.isFrozen(list)], [[2, 3], true]);
  assertStrictEquals(frozen([]), SCALAR_SHAPE);
  assertStrictEquals(frozen([2, 3]), list); // nothing else was asked for in between
  for (let i = 0; i < 5000; i++) {
    assertEquals([...frozen([i, 2 ** 40 + i, -i])], [i, 2 ** 40 + i, i === 0 ? 0 : -i]);
  }
  assertEquals([...contiguousStrides([4, 0, 5])], [5, 5, 1]);
  assertEquals([...list], [2, 3]);
});
