/**
 * Programs as WebAssembly against the same programs as JavaScript: lengths, layouts, element types, elements that the kernels
 * leave to JavaScript.
 */
import { assert, assertEquals } from "@std/assert";
import { type Operand, runPointwise } from "../../src/backend/cpu/pointwise.ts";
import * as js from "../../src/backend/cpu/pointwise_js.ts";
import { setCpuTier } from "../../src/backend/cpu/tier.ts";
import { features } from "../../src/backend/cpu/wasm/features.ts";
import { isLowerable } from "../../src/backend/cpu/wasm/lower.ts";
import { runWasm } from "../../src/backend/cpu/wasm/run.ts";
import { parse } from "../../src/expr/parse.ts";
import { type Program, program } from "../../src/expr/program.ts";
import type { DType, TypedArray } from "../../src/tensor/dtype.ts";
import { distance, generator, operand, present, runDirectly } from "./wasm_helpers.ts";

/** Runs a program as WebAssembly and says whether there was a kernel. */
function runForced(
  p: Program,
  inputs: (Operand | number)[],
  outputs: Operand[],
  shape: number[],
  dtype: DType,
): boolean {
  const numel = shape.reduce((a, b) => a * b, 1);
  return runWasm(p, inputs, outputs, dtype, js.nestOf(inputs, outputs, shape, numel), true);
}

/** Compares a forced kernel with JavaScript, all memory of the outputs included, so that writing beside them shows. */
function compareTiers(
  p: Program,
  make: () => { inputs: (Operand | number)[]; outputs: Operand[] },
  shape: number[],
  dtype: DType,
  what: string,
): void {
  const a = make(), b = make();
  assert(runForced(p, a.inputs, a.outputs, shape, dtype), `${what}: no kernel`);
  js.runPointwise(p, b.inputs, b.outputs, shape, dtype);
  a.outputs.forEach((out, i) => assertEquals(out.data, b.outputs[i].data, what));
}

const arrays = { float32: Float32Array, float64: Float64Array, bool: Uint8Array, uint8: Uint8Array };

function filled(dtype: keyof typeof arrays, length: number, seed = 1): TypedArray {
  const random = generator(seed);
  return arrays[dtype].from({ length } as ArrayLike<number>).map(() =>
    dtype === "bool" ? +(random() < 0.5) : dtype === "uint8" ? random() * 256 : random() * 8 - 4
  ) as TypedArray;
}

Deno.test({
  name: "wasm: every length around vectors and pieces, at any offset",
  ignore: !present,
  fn() {
    const p = program(["a", "b"], "a * b");
    const lengths = [...Array(68).keys()].slice(1);
    for (const piece of [16384, 8192]) lengths.push(piece - 1, piece, piece + 1, 2 * piece + 5, 3 * piece);
    for (const n of lengths) {
      for (const dtype of ["float32", "float64"] as const) {
        compareTiers(
          p,
          () => ({
            inputs: [operand(filled(dtype, n + 3), dtype, [1], 2), operand(filled(dtype, n, 2), dtype)],
            outputs: [operand(filled(dtype, n + 5, 3), dtype, [1], 4)],
          }),
          [n],
          dtype,
          `${n} of ${dtype}`,
        );
      }
    }
    // nothing at all
    const none = operand(new Float32Array(0), "float32");
    const before = setCpuTier("wasm");
    try {
      runPointwise(p, [none, none], [none], [0], "float32");
    } finally {
      setCpuTier(before);
    }
  },
});

Deno.test({
  name: "wasm: numbers, bools, bytes and mixed floats as operands",
  ignore: !present,
  fn() {
    const n = 1003;
    const choose = program(["c", "a", "b"], "where(c, a, b)");
    for (const dtype of ["float32", "float64"] as const) {
      for (const c of ["bool", "uint8", dtype] as const) {
        compareTiers(
          choose,
          () => ({
            inputs: [operand(filled(c, n), c), operand(filled(dtype, n, 2), dtype), 0.1],
            outputs: [operand(filled(dtype, n, 3), dtype)],
          }),
          [n],
          dtype,
          `where of ${c}, ${dtype}`,
        );
      }
      const tests = program(["a", "b"], [parse("a < b || isnan(a)", ["a", "b"]), parse("a - b", ["a", "b"])]);
      compareTiers(
        tests,
        () => ({
          inputs: [operand(filled(dtype, n), dtype), operand(filled("uint8", n, 2), "uint8")],
          outputs: [operand(filled("bool", n + 1), "bool"), operand(filled("bool", n + 2), "bool")],
        }),
        [n],
        dtype,
        `bools from ${dtype}`,
      );
      compareTiers(
        program(["a", "b"], "(a > 1) + 2 * !(b == 0)"),
        () => ({
          inputs: [operand(filled(dtype, n), dtype), operand(filled("uint8", n, 2), "uint8")],
          outputs: [operand(filled(dtype, n), dtype)],
        }),
        [n],
        dtype,
        `truth values as numbers in ${dtype}`,
      );
    }
    // float32 memory, float64 arithmetic: what optimizers do
    compareTiers(
      program(["a", "b", "c"], "a * b + c / sqrt(b * b + 0.1)"),
      () => ({
        inputs: [operand(filled("float32", n), "float32"), operand(filled("float64", n, 2), "float64"), 0.1],
        outputs: [operand(filled("float32", n), "float32")],
      }),
      [n],
      "float64",
      "mixed",
    );
    // the same expression as two outputs, an input as it is, a constant
    const names = ["a", "b"],
      copies = program(names, ["a + b", "a + b", "b", "0.5"].map((e) => parse(e, names)));
    compareTiers(
      copies,
      () => ({
        inputs: [operand(filled("float32", n), "float32"), 3],
        outputs: [1, 2, 3, 4].map((seed) => operand(filled("float32", n, seed), "float32")),
      }),
      [n],
      "float32",
      "copies",
    );
    // no element type or primitive that is not meant for it
    const ints = operand(new Int32Array(n), "int32"), floats = operand(filled("float32", n), "float32");
    assert(!runForced(program(["a"], "a + 1"), [ints], [ints], [n], "int32"));
    assert(!runForced(program(["a"], "a + 1"), [ints], [floats], [n], "float32"));
    assert(!runForced(program(["a"], "lgamma(a)"), [floats], [floats], [n], "float32"));
    assert(!runForced(program(["a"], "a * 1e200"), [floats], [floats], [n], "float32"));
  },
});

Deno.test({
  name: "wasm: in place, several outputs that are inputs",
  ignore: !present,
  fn() {
    const names = ["a", "b"], swap = program(names, [parse("b", names), parse("a + b", names)]);
    for (const n of [5, 40000]) {
      const a = filled("float32", n),
        b = filled("float32", n, 2),
        x = operand(a.slice(), "float32"),
        y = operand(b.slice(), "float32");
      assert(runForced(swap, [x, y], [x, y], [n], "float32"));
      assertEquals(x.data, b);
      assertEquals(y.data, (a as Float32Array).map((v, i) => v + (b as Float32Array)[i]));
    }
  },
});

Deno.test({
  name: "wasm: rows, columns and matrices with gaps",
  ignore: !present,
  fn() {
    const p = program(["a", "b"], "a * b");
    for (const [rows, columns] of [[3, 5], [7, 130], [2, 20000], [40, 512]]) {
      const shape = [rows, columns];
      const layouts: Record<string, [number[], number]> = {
        "row": [[0, 1], columns],
        "column": [[1, 0], rows],
        "one number": [[0, 0], 1],
        "part of a wider matrix": [[columns + 3, 1], rows * (columns + 3)],
      };
      for (const [name, [strides, size]] of Object.entries(layouts)) {
        const a = operand(filled("float32", size), "float32", strides);
        compareTiers(
          p,
          () => ({
            inputs: [a, operand(filled("float32", rows * columns, 2), "float32", [columns, 1])],
            outputs: [operand(filled("float32", rows * (columns + 2), 3), "float32", [columns + 2, 1])],
          }),
          shape,
          "float32",
          `${name} of ${shape}`,
        );
      }
      // three dimensions that do not merge
      compareTiers(
        p,
        () => ({
          inputs: [
            operand(filled("float32", rows * columns), "float32", [columns, 0, 1]),
            operand(filled("float32", 4), "float32", [0, 1, 0]),
          ],
          outputs: [operand(filled("float32", rows * 4 * columns), "float32", [4 * columns, columns, 1])],
        }),
        [rows, 4, columns],
        "float32",
        `cube of ${shape}`,
      );
    }
    const flat = operand(filled("float32", 600), "float32", [1, 20]);
    assert(
      !runForced(p, [flat, flat], [operand(new Float32Array(600), "float32", [30, 1])], [20, 30], "float32"),
    );
  },
});

Deno.test({
  name: "wasm: transposed matrices and every second element where that is worth gathering them",
  ignore: !present,
  fn() {
    const p = program(["a", "b"], "copysign(a, b)"), waves = program(["a", "b"], "sin(a) * b");
    for (const dtype of ["float32", "float64", "bool"] as const) {
      const compute = dtype === "float64" ? "float64" : "float32";
      for (const [rows, columns] of [[3, 5], [130, 70], [2, 20000]]) {
        for (const strides of [[1, rows], [2 * columns, 2]]) {
          const a = operand(filled(dtype, 2 * rows * columns + 1), dtype, strides, 1);
          const make = () => ({
            inputs: [a, operand(filled(compute, columns, 2), compute, [0, 1])],
            outputs: [operand(filled(compute, rows * columns, 3), compute, [columns, 1])],
          });
          compareTiers(p, make, [rows, columns], compute, `${dtype} ${rows} x ${columns} by ${strides}`);
        }
      }
    }
    // an element that the kernel leaves to JavaScript, far from the beginning of a long row
    const data = filled("float32", 60_000) as Float32Array;
    data[50_001] = 1e9;
    const a = operand(data, "float32", [2], 1), out = () => operand(new Float32Array(29_999), "float32");
    const actual = out(), expected = out();
    assert(runForced(waves, [a, 1], [actual], [29_999], "float32"));
    js.runPointwise(waves, [a, 1], [expected], [29_999], "float32");
    (actual.data as Float32Array).forEach((v, i) => {
      assert(
        distance(v, expected.data[i] as number, "float32") <= 2,
        `${v} at ${i}, not ${expected.data[i]}`,
      );
    });
  },
});

Deno.test({
  name: "wasm: what a kernel cannot compute is left to JavaScript, piece by piece",
  ignore: !present,
  fn() {
    const n = 50000;
    for (
      const [source, at] of [["sin(a) * 2", 1e6], ["tan(a)", Infinity], ["fmod(a, 1e-12)", 3], [
        "remainder(a, 0)",
        1,
      ]] as const
    ) {
      const p = program(["a"], source), a = filled("float32", n) as Float32Array;
      a[30000] = at;
      const x = operand(a.slice(), "float32"), y = operand(a.slice(), "float32");
      assert(runForced(p, [x], [x], [n], "float32"));
      js.runPointwise(p, [y], [y], [n], "float32");
      assert(Object.is(x.data[30000], y.data[30000]), source);
      (x.data as Float32Array).forEach((v, i) => {
        const d = distance(v, y.data[i] as number, "float32");
        assert(d <= 2, `${source} at ${a[i]}: ${v}, expected ${y.data[i]}`);
      });
    }
  },
});

Deno.test({
  name: "wasm: squares under a root do not overflow",
  ignore: !present,
  fn() {
    const p = program(["a", "b"], "sqrt(a * a + b * b)");
    assertEquals(
      runDirectly(p, [[3e38, 1], [3, 4], [1e-30, 0], [-5e-45, 5e-45]], "float32", features()!.fused),
      [
        Math.fround(3e38),
        5,
        Math.fround(1e-30),
        Math.fround(Math.hypot(4 * 2 ** -149, 4 * 2 ** -149)),
      ],
    );
  },
});

Deno.test({
  name: "wasm: more inputs than there is room for numbers, and many arrays",
  ignore: !present,
  fn() {
    const names = Array.from({ length: 65 }, (_, i) => `v${i}`);
    assert(
      !runForced(
        program(names, names.join(" + ")),
        names.map(() => 1),
        [operand(new Float32Array(20), "float32")],
        [20],
        "float32",
      ),
    );
    const some = names.slice(0, 40), n = 5000;
    compareTiers(
      program(some, some.join(" + ")),
      () => ({
        inputs: some.map((_, i) => operand(filled("float64", n, i), "float64")),
        outputs: [operand(new Float64Array(n), "float64")],
      }),
      [n],
      "float64",
      "40 arrays",
    );
  },
});

Deno.test("wasm: most of the language has kernels", () => {
  for (
    const source of [
      "x / (1 + exp(-x))",
      "0.5 * x * (1 + erf(x / sqrt(2)))",
      "where(x > 0, x, expm1(x))",
      "x ** 2.5",
    ]
  ) {
    assert(isLowerable(program(["x"], source), "float32"), source);
  }
  assert(!isLowerable(program(["x"], "i0(x)"), "float32"));
  assert(!isLowerable(program(["x"], "x + 1"), "int32"));
});
