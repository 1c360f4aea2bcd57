/** Folds and line operations from their texts, as JavaScript. */
import { assertEquals, assertThrows } from "@std/assert";
import { runLines } from "../../src/backend/cpu/lines_js.ts";
import { runFlatFold } from "../../src/backend/cpu/reduce_js.ts";
import { adding, extreme, Fold, LineOp, type Walk } from "../../src/expr/fold.ts";
import type { DType, TypedArray } from "../../src/tensor/dtype.ts";

/** A fold of a whole array in JavaScript. */
function folded(
  fold: Fold,
  data: TypedArray,
  dtype: DType,
  outs = fold.results.map(() => new Float64Array(1) as TypedArray),
): (number | bigint)[] {
  runFlatFold(fold, data, 0, data.length, dtype, outs);
  return outs.map((out) => out[0]);
}

const numbers = Float64Array.of(3, -1, 4, 1, -5, 9, -2, 6);

Deno.test("folds: variables change all at once", () => {
  const walk: Walk = {
    state: { a: "0", b: "1" },
    step: { a: "b", b: "a + b" },
    merge: { a: "a_", b: "b_" },
  };
  assertEquals(folded(new Fold("fibonacci", [walk], ["a", "b"]), numbers, "float64"), [21, 34]);
  const swapped = { ...walk, step: { a: "b", b: "a" } };
  assertEquals(folded(new Fold("swapped", [swapped], ["a", "b"]), new Float64Array(3), "float64"), [1, 0]);
  // the largest and the largest but one: the second looks at the first as it was
  const two: Walk = {
    state: { first: "-inf", second: "-inf" },
    step: {
      first: "where(v > first, v, first)",
      second: "where(v > first, first, where(v > second, v, second))",
    },
    merge: { first: "first_", second: "second_" },
  };
  assertEquals(folded(new Fold("two", [two], ["first", "second"]), numbers, "float64"), [9, 6]);
});

Deno.test("folds: later walks see what earlier ones found, and numbers of elements", () => {
  const fold = new Fold("deviation", [
    adding("v"),
    { given: { mean: "acc / n" }, ...adding("(v - mean) ** 2", "squares") },
    { given: { width: "sqrt(squares / n)" }, ...extreme("max", "furthest", "abs(v - mean) / width", "0") },
  ], ["mean", "squares / max(n - 1, 0)", "furthest"]);
  const mean = 15 / 8, squares = numbers.reduce((sum, v) => sum + (v - mean) ** 2, 0);
  const [m, variance, furthest] = folded(fold, numbers, "float64") as number[];
  assertEquals(m, mean);
  assertEquals(variance.toFixed(12), (squares / 7).toFixed(12));
  assertEquals(furthest.toFixed(12), (7.125 / Math.sqrt(squares / 8)).toFixed(12));
});

Deno.test("folds: places and counts are whole numbers, elements may be BigInts", () => {
  const where = new Fold("last negative", [{
    state: { at: "-1", count: "0" },
    step: { at: "where(v < 0, i, at)", count: "where(v < 0, count + 1, count)" },
    merge: { at: "where(at_ > at, at_, at)", count: "count + count_" },
    whole: ["at", "count"],
  }], ["at", "count", "count == 3"]);
  assertEquals(where.ordered, true);
  assertEquals(folded(where, numbers, "float64"), [6, 3, 1]);
  const big = BigInt64Array.from(numbers, BigInt);
  assertEquals(folded(where, big, "int64", [0, 1, 2].map(() => new BigInt64Array(1))), [6n, 3n, 1n]);
  const sum = new Fold("sum", [adding("v * v")], ["acc", "acc + n"]);
  assertEquals(sum.ordered, false);
  const large = BigInt64Array.of(3_000_000_000n, -3_000_000_000n);
  assertEquals(folded(sum, large, "int64", [0, 1].map(() => new BigInt64Array(1))), [
    18_000_000_000_000_000_000n - 2n ** 64n,
    18_000_000_000_000_000_002n - 2n ** 64n,
  ]);
  assertEquals(folded(new Fold("max", [extreme("max")], ["best"]), new BigInt64Array(0), "int64"), [
    -(2 ** 63),
  ]);
});

Deno.test("folds: equal texts have equal keys", () => {
  const key = (term: string) => new Fold("f", [adding(term)], ["acc"]).key;
  assertEquals(key("v * 2"), key("(v*2)"));
  assertEquals(key("v * 2") === key("v * 3"), false);
});

Deno.test("line operations: results of the whole line, and on the way", () => {
  const run = (op: LineOp): Float64Array[] => {
    const outs = op.each.map(() => new Float64Array(8));
    runLines(op, "float64", numbers, 0, 2, 4, outs[0], outs[1] ?? null);
    return outs;
  };
  const [share, place] = run(new LineOp("share", [adding("abs(v)")], ["v / acc", "i"], false));
  assertEquals([...share], [3 / 9, -1 / 9, 4 / 9, 1 / 9, -5 / 22, 9 / 22, -2 / 22, 6 / 22]);
  assertEquals([...place], [0, 1, 2, 3, 0, 1, 2, 3]);
  const [sums] = run(new LineOp("sums", [adding("v")], ["acc"], true));
  assertEquals([...sums], [3, 2, 6, 7, -5, 4, 2, 8]);
});

Deno.test("folds: what is not a fold is refused", () => {
  assertThrows(() => new Fold("f", [adding("w")], ["acc"]), TypeError, "unknown name w");
  assertThrows(() => new Fold("f", [adding("v")], ["v"]), TypeError, "unknown name v");
  assertThrows(
    () => new LineOp("f", [adding("v"), adding("v", "b")], ["b"], true),
    TypeError,
    "needs one walk",
  );
  const mixed = new Fold("mixed", [{
    state: { at: "0" },
    step: { at: "at + v" },
    merge: { at: "at + at_" },
    whole: ["at"],
  }], ["at"]);
  assertThrows(() => folded(mixed, numbers, "float64"), TypeError, "an element number stands where");
});
