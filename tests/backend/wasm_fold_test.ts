/**
 * Folds as WebAssembly against the same folds as JavaScript.
 */
import { assert, assertEquals } from "@std/assert";
import * as dg from "../../mod.ts";
import { runFold } from "../../src/backend/cpu/reduce.ts";
import * as js from "../../src/backend/cpu/reduce_js.ts";
import { setCpuTier } from "../../src/backend/cpu/tier.ts";
import { runWasmColumns } from "../../src/backend/cpu/wasm/fold_columns.ts";
import { runWasmFold } from "../../src/backend/cpu/wasm/fold.ts";
import { adding, extreme, Fold } from "../../src/expr/fold.ts";
import { generator, present } from "./wasm_helpers.ts";

const folds: Record<string, Fold> = {
  sum: new Fold("sum", [adding("v")], ["acc"]),
  mean: new Fold("mean", [adding("v")], ["acc / n"]),
  nansum: new Fold("nansum", [{ ...adding("v"), step: { acc: "where(isnan(v), acc, acc + v)" } }], ["acc"]),
  root: new Fold("root", [adding("v * v")], ["sqrt(acc)"]),
  size: new Fold("size", [adding("abs(v)")], ["acc"]),
  product: new Fold("product", [{
    state: { acc: "1" },
    step: { acc: "acc * v" },
    merge: { acc: "acc * acc_" },
  }], [
    "acc",
  ]),
  powers: new Fold("powers", [adding("exp(v / 8) * v")], ["acc"]),
  max: new Fold("max", [extreme("max")], ["best"]),
  min: new Fold("min", [extreme("min")], ["best"]),
  largest: new Fold("largest", [extreme("max", "acc", "abs(v)", "0")], ["acc"]),
  logsumexp: new Fold("logsumexp", [
    extreme("max", "top"),
    { given: { shift: "where(isinf(top), 0, top)" }, ...adding("exp(v - shift)") },
  ], ["shift + log(acc)"]),
  variance: new Fold("variance", [
    adding("v"),
    { given: { mean: "acc / n" }, ...adding("(v - mean) * (v - mean)", "m2") },
  ], ["m2 / n", "mean"]),
};

function numbers(dtype: "float32" | "float64", n: number): Float32Array | Float64Array {
  const random = generator(n), out = dtype === "float32" ? new Float32Array(n) : new Float64Array(n);
  return out.map(() => random() * 8 - 3);
}

/** What both ways give for a fold. */
function compare(
  fold: Fold,
  input: js.FoldInput,
  dtype: "float32" | "float64",
  groups: number,
  what: string,
): void {
  const outs = () => fold.results.map(() => new Float64Array(groups).fill(7));
  const actual = outs(), expected = outs();
  const { k, f } = js.loopsOf(fold, input);
  assert(runWasmFold(fold, input, k, f, dtype, actual, true), `${what}: no kernel`);
  js.runFold(fold, input, dtype, expected);
  actual.forEach((out, o) =>
    out.forEach((a, i) => {
      const e = expected[o][i];
      const close = Math.abs(a - e) <= 1e-12 * (1 + Math.abs(e));
      assert(close || Object.is(a, e), `${what}: ${a}, expected ${e}`);
    })
  );
}

Deno.test({
  name: "wasm: folds of every length around vectors and pieces",
  ignore: !present,
  fn() {
    const lengths = [...Array(40).keys(), 8191, 8192, 8193, 20000];
    for (const [name, fold] of Object.entries(folds)) {
      for (const dtype of ["float32", "float64"] as const) {
        for (const n of lengths) {
          // of no elements the variance's mean is 0 / 0
          const data = numbers(dtype, n + 3);
          const input = { data, offset: 3, kept: [], keptStrides: [], folded: [n], foldedStrides: [1] };
          const { k } = js.loopsOf(fold, input), f = { sizes: [n], strides: [1] };
          const actual = fold.results.map(() => new Float64Array(1)),
            expected = fold.results.map(() => new Float64Array(1));
          assert(runWasmFold(fold, input, k, f, dtype, actual, true));
          js.runFlatFold(fold, data, 3, n, dtype, expected);
          actual.forEach((a, o) => {
            const e = expected[o][0];
            const close = Math.abs(a[0] - e) <= 1e-12 * (1 + Math.abs(e));
            assert(close || Object.is(a[0], e), `${name} of ${n} ${dtype}: ${a[0]}, expected ${e}`);
          });
        }
      }
    }
  },
});

Deno.test({
  name: "wasm: folds of rows, of matrices with gaps, of several dimensions",
  ignore: !present,
  fn() {
    for (const [name, fold] of Object.entries(folds)) {
      for (const dtype of ["float32", "float64"] as const) {
        const rows = {
          data: numbers(dtype, 7 * 103),
          offset: 2,
          kept: [7],
          keptStrides: [103],
          folded: [100],
          foldedStrides: [1],
        };
        compare(fold, rows, dtype, 7, `${name} of rows`);
        const cube = {
          ...rows,
          offset: 0,
          kept: [2, 3],
          keptStrides: [300, 20],
          folded: [5, 4],
          foldedStrides: [4, 1],
        };
        compare(fold, cube, dtype, 6, `${name} of a cube`);
        const turned = {
          ...rows,
          offset: 0,
          kept: [3, 2],
          keptStrides: [20, 300],
          folded: [4, 5],
          foldedStrides: [1, 4],
        };
        compare(fold, turned, dtype, 6, `${name} of a cube turned`);
        const none = { ...rows, kept: [0] };
        const { k, f } = js.loopsOf(fold, none);
        assert(runWasmFold(fold, none, k, f, dtype, fold.results.map(() => new Float64Array(0)), true));
      }
    }
  },
});

Deno.test({
  name: "wasm: folds of columns: every width around vectors, gaps, many rows, repeated rows, special values",
  ignore: !present,
  fn() {
    const shapes = [...Array(35).keys()].slice(2).map((columns) => [7, columns, columns + columns % 3]);
    shapes.push([1, 100, 100], [2000, 17, 17], [3, 1024, 1024], [5, 1025, 1025], [4, 2100, 3000], [
      20,
      40,
      300,
    ]);
    shapes.push([6, 30, 0], [0, 20, 20], [9, 50, 10]);
    for (const [name, fold] of Object.entries(folds)) {
      for (const dtype of ["float32", "float64"] as const) {
        for (const [n, columns, stride] of shapes) {
          const data = numbers(dtype, 5 + 2 * (n * stride + columns));
          for (const [i, special] of [NaN, Infinity, -Infinity, -0].entries()) {
            if (n > 6 && columns > 8) data[5 + i * stride + 2 * i] = special;
          }
          // the outer of two kept dimensions
          for (const outer of [1, 2]) {
            const input = {
              data,
              offset: 5,
              kept: [outer, columns],
              keptStrides: [n * stride, 1],
              folded: [n],
              foldedStrides: [stride],
            };
            const results = fold.results.map(() =>
              [0, 0].map(() => new Float64Array(outer * columns).fill(7))
            );
            const { k, f } = js.loopsOf(fold, input),
              what = `${name} of ${outer} x ${n} x ${columns} ${dtype}`;
            if (f.sizes.length !== 1) continue; // one row is no fold of columns
            const actual = results.map(([a]) => a), expected = results.map(([, e]) => e);
            assert(runWasmColumns(fold, input, k, f, dtype, actual, true), what);
            js.runFold(fold, input, dtype, expected);
            expected.forEach((out, o) =>
              out.forEach((e, i) => {
                const a = actual[o][i], close = Math.abs(a - e) <= 1e-12 * (1 + Math.abs(e));
                assert(close || Object.is(a, e), `${what}: ${a} at ${i}, expected ${e}`);
              })
            );
          }
        }
      }
    }
  },
});

Deno.test({
  name: "wasm: folds of NaN, infinities and zeros",
  ignore: !present,
  fn() {
    for (const [name, fold] of Object.entries(folds)) {
      for (const special of [NaN, Infinity, -Infinity, 0]) {
        for (const at of [0, 17, 63, 66]) {
          const data = numbers("float32", 67);
          data[at] = special;
          const input = { data, offset: 0, kept: [], keptStrides: [], folded: [67], foldedStrides: [1] };
          compare(fold, input, "float32", 1, `${name} with ${special} at ${at}`);
        }
      }
    }
  },
});

Deno.test("folds: large sums of float32 are exact as long as doubles are, on every tier", () => {
  const n = 10_000_000, ones = new Float32Array(n).fill(1), out = new Float32Array(1);
  const input = { data: ones, offset: 0, kept: [], keptStrides: [], folded: [n], foldedStrides: [1] };
  for (const tier of ["auto", "js", "wasm"] as const) {
    const before = setCpuTier(tier);
    try {
      runFold(folds.sum, input, "float32", [out]);
    } finally {
      setCpuTier(before);
    }
    assertEquals(out[0], n, tier);
  }
});

Deno.test({
  name: "wasm: folds that it has no steps for are left to JavaScript",
  ignore: !present,
  fn() {
    const data = numbers("float32", 2000),
      loops = { sizes: [], strides: [] },
      f = { sizes: [2000], strides: [1] };
    const run = (fold: Fold, sizes = f): boolean =>
      runWasmFold(fold, { data, offset: 0 }, loops, sizes, "float32", [new Float64Array(1)], false);
    assert(run(folds.sum));
    assert(!run(new Fold("count", [{ ...adding("1"), whole: ["acc"] }], ["acc"])));
    assert(!run(new Fold("ordered", [adding("v * i")], ["acc"])));
    assert(!run(folds.sum, { sizes: [1000], strides: [2] }));
    assert(!run(folds.sum, { sizes: [600], strides: [1] }), "too few");
    assert(!runWasmFold(folds.sum, { data, offset: 0 }, loops, f, "float32", [new BigInt64Array(1)], true));
  },
});

Deno.test({
  name: "wasm: folds with functions that vectors cannot do for every element are left to JavaScript",
  ignore: !present,
  fn() {
    const data = numbers("float32", 3000);
    data[1234] = 3e25;
    const rows = { data, offset: 0, kept: [], keptStrides: [], folded: [3000], foldedStrides: [1] };
    const columns = { ...rows, kept: [50], keptStrides: [1], folded: [60], foldedStrides: [50] };
    for (const term of ["sin(v)", "cos(v) * v", "tan(v)", "fmod(v, 0.001)"]) {
      const fold = new Fold("waves", [adding(term)], ["acc"]);
      for (const [input, groups] of [[rows, 1], [columns, 50]] as const) {
        for (const dtype of ["float32", "float64"] as const) {
          const of = { ...input, data: dtype === "float32" ? data : Float64Array.from(data) };
          const actual = [new Float64Array(groups)], expected = [new Float64Array(groups)];
          runFold(fold, of, dtype, actual);
          js.runFold(fold, of, dtype, expected);
          assertEquals(actual, expected, `${term} ${dtype} of ${groups}`);
        }
      }
    }
  },
});

Deno.test("folds: a compiled sum of sines is right for huge angles", () => {
  const x = dg.randn(200, 300);
  x.view(-1).narrow(0, 777, 1).fill_(3e25);
  const total = dg.compile((x: dg.Tensor) => x.sin().mul(2).sum(1)), expected = x.to("float64").sin().mul(2);
  for (const tier of ["auto", "js", "wasm"] as const) {
    const before = setCpuTier(tier);
    try {
      assert(total(x).sub(expected.sum(1).to("float32")).abs().max().item() as number < 1e-4, tier);
    } finally {
      setCpuTier(before);
    }
  }
});
