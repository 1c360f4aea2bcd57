import { assertEquals, assertThrows } from "@std/assert";
import { type Operand, runPointwise } from "../../src/backend/cpu/pointwise_js.ts";
import { parse } from "../../src/expr/parse.ts";
import { type Program, program } from "../../src/expr/program.ts";
import { scalarFunction } from "../../src/expr/lower_js.ts";
import { allocate, type DType, flavorOf, type Scalar } from "../../src/tensor/dtype.ts";

/** Contiguous memory with the given values. */
function operand(
  dtype: DType,
  values: readonly (number | bigint)[],
  shape: readonly number[] = [values.length],
): Operand {
  const data = allocate(dtype, values.length);
  values.forEach((v, i) => data[i] = v);
  const strides = shape.map((_, d) => shape.slice(d + 1).reduce((a, b) => a * b, 1));
  return { data, dtype, offset: 0, strides };
}

/** Runs a program of one output on whole arrays and gives what it stored. */
function run(
  source: string,
  inputs: Record<string, Operand | Scalar>,
  compute: DType,
  out: DType = compute,
): (number | bigint)[] {
  const first = Object.values(inputs).find((x) => typeof x === "object") as Operand;
  const result = operand(out, Array(first.data.length).fill(out === "int64" ? 0n : 0));
  runPointwise(
    program(Object.keys(inputs), source),
    Object.values(inputs),
    [result],
    [first.data.length],
    compute,
  );
  return Array.from(result.data as ArrayLike<number | bigint>);
}

/** Numbers that look random and are the same each time. */
function lcg(seed: number): (n: number) => number {
  return (n) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor(seed / 2 ** 32 * n);
  };
}

/** Evaluates element by element from the definition of strides. */
function naive(p: Program, inputs: readonly (Operand | Scalar)[], shape: readonly number[]): number[] {
  const f = scalarFunction(p, "float");
  const numel = shape.reduce((a, b) => a * b, 1);
  return Array.from({ length: numel }, (_, flat) => {
    const index = shape.map((size, d) =>
      Math.floor(flat / shape.slice(d + 1).reduce((a, b) => a * b, 1)) % size
    );
    const at = (x: Operand) => x.offset + index.reduce((sum, i, d) => sum + i * x.strides[d], 0);
    return f(...inputs.map((x) => typeof x === "object" ? x.data[at(x)] : Number(x))) as number;
  });
}

Deno.test("kernels: random layouts agree with the definition", () => {
  const p = program(["a", "b", "c"], [parse("a * b + c", ["a", "b", "c"]), parse("a > b", ["a", "b"])]);
  const random = lcg(7);
  for (let trial = 0; trial < 300; trial++) {
    const rank = random(6);
    const shape = Array.from({ length: rank }, () => 1 + random(4));
    const layout = (broadcast: boolean): Operand => {
      // dimensions in any order of memory, with gaps, reversed or broadcast
      const order = shape.map((_, d) => d).sort(() => random(3) - 1);
      const strides = Array(rank).fill(0);
      let size = 1;
      for (const d of order) {
        if (broadcast && random(4) === 0) continue;
        strides[d] = size;
        size *= shape[d] + random(2);
      }
      let offset = random(3);
      const length = size + offset + 2;
      for (const d of order) {
        if (random(5) === 0) {
          offset += strides[d] * (shape[d] - 1);
          strides[d] = -strides[d];
        }
      }
      const data = Float64Array.from({ length }, () => random(2000) / 100 - 10);
      return { data, dtype: "float64", offset, strides };
    };
    const inputs = [layout(true), layout(true), random(3) === 0 ? 2.5 : layout(true)];
    const outputs = [layout(false), { ...layout(false) }];
    const expected = p.outputs.map((e) => naive(program(p.inputs, e), inputs, shape));
    const before = outputs.map((o) => o.data.slice());
    runPointwise(p, inputs, outputs, shape, "float64");
    outputs.forEach((o, k) => {
      const written = naive(program(["x"], "x"), [o], shape);
      assertEquals(written, expected[k], `trial ${trial}, output ${k}, shape ${shape}`);
      // nothing outside the view was touched
      const touched = new Set(
        naive(program(["x"], "x"), [{
          ...o,
          data: Float64Array.from({ length: o.data.length }, (_, i) => i),
        }], shape),
      );
      o.data.forEach((v, i) => touched.has(i) || assertEquals(v, before[k][i]));
    });
  }
});

Deno.test("kernels: an output may be the memory of an input", () => {
  const x = operand("float32", [1, 2, 3, 4, 5, 6], [2, 3]);
  runPointwise(program(["a", "b"], "a * 10 + b"), [x, x], [x], [2, 3], "float32");
  assertEquals([...x.data], [11, 22, 33, 44, 55, 66]);
  const transposed = { ...x, strides: [1, 3] };
  runPointwise(program(["a"], "-a"), [transposed], [transposed], [3, 2], "float32");
  assertEquals([...x.data], [-11, -22, -33, -44, -55, -66]);
  // two outputs, both computed before either is stored
  const y = operand("float32", [0, 0, 0, 0, 0, 0], [2, 3]);
  const swap = program(["a", "b"], [parse("b", ["a", "b"]), parse("a", ["a", "b"])]);
  runPointwise(swap, [x, y], [x, y], [2, 3], "float32");
  assertEquals([[...x.data][1], [...y.data][1]], [0, -22]);
});

Deno.test("kernels: empty shapes do nothing, 0-d shapes do one element", () => {
  const x = operand("float32", [5], []);
  runPointwise(program(["a"], "a + 1"), [x], [x], [], "float32");
  assertEquals([...x.data], [6]);
  runPointwise(
    program(["a"], "a + 1"),
    [{ ...x, strides: [0, 0] }],
    [{ ...x, strides: [3, 1] }],
    [0, 3],
    "float32",
  );
  assertEquals([...x.data], [6]);
});

Deno.test("kernels: an output that overlaps itself is refused", () => {
  const x = operand("float32", [1, 2]);
  const expanded = { ...x, strides: [0, 1] };
  assertThrows(
    () => runPointwise(program(["a"], "a"), [expanded], [expanded], [3, 2], "float32"),
    TypeError,
    "more than one element of the written-to tensor refers to a single memory location",
  );
  assertEquals([...x.data], [1, 2]);
  assertThrows(
    () => runPointwise(program(["a"], "a"), [], [x], [2], "float32"),
    TypeError,
    "1 inputs and 1 outputs, got 0",
  );
});

Deno.test("kernels: integers wrap like C", () => {
  assertEquals(run("a + b", { a: operand("int8", [127, -128]), b: 1 }, "int8"), [-128, -127]);
  assertEquals(run("a * b", { a: operand("int8", [127, -128]), b: 2 }, "int8"), [-2, 0]);
  assertEquals(run("(a + b) / 2 < 0", { a: operand("float32", [127]), b: 1 }, "float32", "bool"), [0]);
  assertEquals(run("a + b < 0", { a: operand("int8", [127]), b: 1 }, "int8", "bool"), [1]); // every step wraps
  assertEquals(run("floorDiv(a + b, b)", { a: operand("uint8", [250]), b: 10 }, "uint8"), [0]);
  assertEquals(run("-a", { a: operand("uint8", [255, 0]) }, "uint8"), [1, 0]);
  assertEquals(run("a * a", { a: operand("int32", [123456789]) }, "int32"), [
    Number(BigInt.asIntN(32, 123456789n ** 2n)),
  ]);
  assertEquals(run("a ** 3", { a: operand("int16", [300]) }, "int16"), [
    Number(BigInt.asIntN(16, 27000000n)),
  ]);
  assertEquals(run("abs(a)", { a: operand("int32", [-(2 ** 31), -5]) }, "int32"), [-(2 ** 31), 5]);
  assertEquals(run("a * b", { a: operand("int64", [2n ** 62n, 3n]), b: 4n }, "int64"), [0n, 12n]);
  assertEquals(
    run("shiftLeft(a, b)", { a: operand("int32", [1, 1, 1]), b: operand("int32", [4, 31, 32]) }, "int32"),
    [
      16,
      -(2 ** 31),
      0,
    ],
  );
  assertEquals(
    run("a ** b", { a: operand("int32", [1, -1, -1, 2]), b: operand("int32", [-1, -3, -2, -1]) }, "int32"),
    [
      1,
      -1,
      1,
      0,
    ],
  );
  assertThrows(
    () => run("a ** -1", { a: operand("int32", [2]) }, "int32"),
    RangeError,
    "Integers to negative integer powers are not allowed.",
  );
  assertThrows(
    () => run("floorDiv(a, b)", { a: operand("int32", [1]), b: operand("int32", [0]) }, "int32"),
    RangeError,
    "ZeroDivisionError",
  );
});

Deno.test("kernels: conversions on load", () => {
  // to the type computed in, before anything is computed
  const third = operand("float64", [1 / 3]);
  assertEquals(run("a", { a: third }, "float32", "float64"), [Math.fround(1 / 3)]);
  assertEquals(run("a", { a: third }, "float16", "float64"), [Math.f16round(1 / 3)]);
  assertEquals(run("a + b", { a: operand("float32", [0]), b: 0.1 }, "float32", "float64"), [
    Math.fround(0.1),
  ]);
  assertEquals(run("a + b", { a: operand("float32", [0]), b: true }, "float32"), [1]);
  assertEquals(run("a", { a: operand("int32", [16777217]) }, "float32", "float64"), [16777216]);
  assertEquals(run("a + 1", { a: operand("int64", [2n ** 53n + 1n]) }, "float64"), [2 ** 53]);
  assertEquals(run("a + b", { a: operand("int64", [1n]), b: operand("uint8", [200]) }, "int64"), [201n]);
  assertEquals(run("a + b", { a: operand("int32", [5]), b: 2n ** 32n + 1n }, "int32"), [6]);
  assertEquals(run("a", { a: operand("int32", [300, -1]) }, "uint8", "int32"), [44, 255]);
  assertEquals(run("a", { a: operand("float32", [2, 0, NaN]) }, "bool"), [1, 0, 1]);
});

Deno.test("kernels: conversions on store", () => {
  const floats = operand("float32", [2.9, -2.9, NaN, Infinity, 300]);
  assertEquals(run("a", { a: floats }, "float32", "int32"), [2, -2, 0, 0, 300]);
  assertEquals(run("a", { a: floats }, "float32", "uint8"), [2, 254, 0, 0, 44]);
  assertEquals(run("a", { a: floats }, "float32", "int64"), [2n, -2n, 0n, 0n, 300n]);
  assertEquals(run("a", { a: operand("float32", [0.5, -0, NaN]) }, "float32", "bool"), [1, 0, 1]);
  assertEquals(run("a", { a: operand("float64", [1e10]) }, "float64", "int64"), [10000000000n]);
  const ints = operand("int64", [2n ** 40n + 3n, -1n, 0n]);
  assertEquals(run("a", { a: ints }, "int64", "int32"), [3, -1, 0]);
  assertEquals(run("a", { a: ints }, "int64", "float64"), [2 ** 40 + 3, -1, 0]);
  assertEquals(run("a", { a: ints }, "int64", "bool"), [1, 1, 0]);
  assertEquals(run("a * 2", { a: operand("int16", [5]) }, "int16", "int64"), [10n]);
  assertEquals(run("a + b", { a: operand("bool", [1, 0]), b: operand("bool", [1, 0]) }, "bool"), [1, 0]);
});

Deno.test("kernels: comparisons and logic in every arithmetic give 0 and 1", () => {
  for (const dtype of ["float32", "int32", "int64", "float16"] as const) {
    const of = (...v: number[]) => operand(dtype, dtype === "int64" ? v.map(BigInt) : v);
    const inputs = { a: of(1, 2, 3), b: of(3, 2, 1) };
    assertEquals(run("a < b", inputs, dtype, "bool"), [1, 0, 0]);
    assertEquals(run("a >= b && !(a == 3)", inputs, dtype, "bool"), [0, 1, 0]);
    assertEquals(run("xor(a - 1, b - 1)", inputs, dtype, "bool"), [1, 0, 1]);
    const numbers = run("(a < b) + 2 * (a == b)", inputs, dtype);
    assertEquals(numbers.map(Number), [1, 2, 0], flavorOf(dtype));
    assertEquals(run("where(a > b, a, -b)", inputs, dtype).map(Number), [-3, -2, 3]);
  }
});

Deno.test("kernels: more operands than fit in a numeric cache key", () => {
  const names = Array.from({ length: 14 }, (_, i) => `v${i}`);
  const p = program(names, names.join(" + "));
  const inputs = names.map((_, i) => operand("float64", [i, 10 * i]));
  const result = operand("float64", [0, 0]);
  runPointwise(p, inputs, [result], [2], "float64");
  assertEquals([...result.data], [91, 910]);
  const mixed = inputs.map((x, i) => i === 3 ? operand("int64", [3n, 30n]) : x);
  runPointwise(p, mixed, [result], [2], "float64");
  assertEquals([...result.data], [91, 910]);
});
