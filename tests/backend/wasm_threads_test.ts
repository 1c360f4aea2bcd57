/**
 * Programs by several threads against one thread and JavaScript: the same bits; workers that die; elements that kernels leave.
 */
import { assert, assertEquals } from "@std/assert";
import * as dg from "../../mod.ts";
import { type Operand, runPointwise } from "../../src/backend/cpu/pointwise.ts";
import { type Stream, WorkerLost } from "../../src/backend/cpu/pool.ts";
import * as js from "../../src/backend/cpu/pointwise_js.ts";
import { setCpuTier } from "../../src/backend/cpu/tier.ts";
import { currentPool, currentTeam, hasTeam } from "../../src/backend/cpu/wasm/team.ts";
import { type Program, program } from "../../src/expr/program.ts";
import type { DType, TypedArray } from "../../src/tensor/dtype.ts";
import { distance, generator, operand } from "./wasm_helpers.ts";

const ignore = !hasTeam();

/** Runs with so many threads, the workers of which are there. */
async function withWorkers(threads: number, fn: () => void | Promise<void>): Promise<void> {
  const before = dg.getNumThreads(), tier = setCpuTier("wasm+threads");
  try {
    dg.setNumThreads(threads);
    const { pool } = currentTeam(), until = performance.now() + 20_000;
    pool.start();
    while (pool.workers < threads - 1 && performance.now() < until) {
      await new Promise((go) => setTimeout(go, 20));
    }
    assertEquals(pool.workers, threads - 1);
    await fn();
  } finally {
    dg.setNumThreads(before);
    setCpuTier(tier);
  }
}

function numbers(dtype: "float32" | "float64", n: number, seed: number): Float32Array | Float64Array {
  const random = generator(seed), out = dtype === "float32" ? new Float32Array(n) : new Float64Array(n);
  return out.map(() => random() * 8 - 4);
}

/** What a program gives with so many threads as are set now. */
function run(
  p: Program,
  inputs: readonly (Operand | number)[],
  dtype: "float32" | "float64",
  n: number,
  result: DType = dtype,
): TypedArray {
  const Numbers = { float32: Float32Array, float64: Float64Array, bool: Uint8Array }[result as "bool"];
  const out = new Numbers(n + 3);
  runPointwise(p, inputs, [operand(out, result, [1], 2)], [n], dtype);
  return out;
}

const LENGTHS = [1, 100, 8191, 8193, 65536, 70_001, 73_728, 100_003];

Deno.test({
  name: "threads: the same bits as one thread, close to JavaScript, for every length and type",
  ignore,
  async fn() {
    const programs = [
      program(["x"], "exp(x)"),
      program(["x", "y"], "sin(x) * y + x * x"),
      program(["x", "k"], "tanh(x * k)"),
      program(["x", "y"], "pow(abs(x), y) > 1"),
    ];
    const cases = programs.flatMap((p, i) =>
      (["float32", "float64"] as const).flatMap((dtype) =>
        // pow is there for float32 only
        i === 3 && dtype === "float64" ? [] : LENGTHS.map((n) => {
          const inputs = p.inputs.map((name, j) =>
            name === "k" ? 0.75 : operand(numbers(dtype, n + j, n + j), dtype, [1], j)
          );
          return { p, inputs, dtype, n, result: (i === 3 ? "bool" : dtype) as DType };
        })
      )
    );
    const all = () => cases.map(({ p, inputs, dtype, n, result }) => run(p, inputs, dtype, n, result));
    let one: TypedArray[] = [];
    await withWorkers(1, () => void (one = all()));
    for (const threads of [2, 4]) {
      await withWorkers(threads, () => {
        for (let round = 0; round < 3; round++) {
          all().forEach((out, i) => assertEquals(out, one[i], `${cases[i].p.key} of ${cases[i].n}`));
        }
      });
    }
    cases.forEach(({ p, inputs, dtype, n, result }, i) => {
      if (result === "bool") return;
      const exact = new Float64Array(n);
      js.runPointwise(p, inputs, [operand(exact, "float64")], [n], dtype);
      for (let k = 0; k < n; k += 7) {
        const actual = one[i][k + 2] as number;
        const error = Math.abs(actual - exact[k]) / (Math.abs(exact[k]) + 1);
        assert(error < (dtype === "float32" ? 1e-6 : 1e-14), `${p.key} at ${k}: ${actual}, not ${exact[k]}`);
      }
      assertEquals([one[i][0], one[i][1], one[i][n + 2]], [0, 0, 0], "written beside the output");
    });
  },
});

Deno.test({
  name: "threads: in place, special values, and elements that kernels leave to JavaScript",
  ignore,
  async fn() {
    const n = 80_000, x = numbers("float32", n, 5);
    const specials = [NaN, Infinity, -Infinity, -0, 0, 1e-45, -1e-45, 3.4e38, 1e9, -1e20];
    specials.forEach((value, i) => x[i * 7999] = value);
    const both = async (p: Program) => {
      const results: Float32Array[] = [];
      for (const threads of [1, 3]) {
        await withWorkers(threads, () => {
          const data = x.slice() as Float32Array, self = operand(data, "float32");
          runPointwise(p, [self], [self], [n], "float32");
          results.push(data);
        });
      }
      assertEquals(results[1], results[0]);
      return results[0];
    };
    for (
      const [text, exact] of [["sin(x)", Math.sin], ["exp(x)", Math.exp], ["tanh(x)", Math.tanh]] as const
    ) {
      const actual = await both(program(["x"], text));
      for (let i = 0; i < n; i++) {
        const expected = Math.fround(exact(x[i])), far = distance(actual[i], expected, "float32");
        assert(far <= 2, `${text} of ${x[i]}: ${actual[i]}, not ${expected}`);
      }
    }
  },
});

Deno.test({
  name: "threads: a worker that ended is noticed, results are right throughout, and workers come again",
  ignore,
  fn: () =>
    withWorkers(2, async () => {
      const x = dg.full([80_000], 0.5), expected = Math.fround(Math.exp(0.5));
      const right = () => assert(x.exp().typedArray().every((v) => Math.abs(Number(v) - expected) < 3e-7));
      right();
      const pool = currentPool()!, stop = 3, signal = 0;
      Atomics.store(pool.control, stop, 1);
      Atomics.add(pool.control, signal, 1);
      Atomics.notify(pool.control, signal);
      await new Promise((go) => setTimeout(go, 300));
      Atomics.store(pool.control, stop, 0);
      const until = performance.now() + 20_000;
      while (currentPool() === pool && performance.now() < until) {
        right();
        await new Promise((go) => setTimeout(go, 50));
      }
      right();
      assert(currentPool() !== pool, "the loss was not noticed");
    }),
});

Deno.test({
  name: "threads: what a dying worker had claimed is computed again, and so is what follows",
  ignore,
  fn: () =>
    withWorkers(2, () => {
      const n = 100_000, x = numbers("float32", n, 9), p = program(["x"], "exp(x)");
      const inputs = [operand(x, "float32")], expected = run(p, inputs, "float32", n);
      const pool = currentPool()!, stream = pool.stream;
      Object.assign(pool, {
        stream: (job: Stream, runner: number) => {
          stream.call(pool, { ...job, count: 3 }, runner);
          throw new WorkerLost("in the fourth piece");
        },
      });
      assertEquals(run(p, inputs, "float32", n), expected);
      assert(currentPool() !== pool, "the pool is used on");
    }),
});

Deno.test({
  name: "threads: products and programs in turn share one memory",
  ignore,
  fn: () =>
    withWorkers(3, () => {
      const a = dg.full([200, 200], 0.01), x = dg.full([80_000], 1);
      for (let i = 0; i < 20; i++) {
        const b = x.tanh();
        assert(Math.abs(Number(b.typedArray()[79_999]) - Math.tanh(1)) < 1e-6);
        assert(Math.abs(a.mm(a).sum().item() as number - 800) < 0.05);
      }
    }),
});
