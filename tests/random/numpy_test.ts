/** NumPy's legacy random numbers, against real NumPy. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { RandomState } from "../../src/random/numpy.ts";

interface Call {
  method: string;
  args: (number | number[] | null)[];
  options?: { replace?: boolean; p?: number[] };
  dtype: string;
  values: (number | string)[];
}
const { cases } = JSON.parse(
  Deno.readTextFileSync(new URL("../golden/numpy_random.json", import.meta.url)),
) as { cases: { seed: number | number[]; calls: Call[] }[] };

function run(state: RandomState, { method, args, options }: Call): Float64Array | BigInt64Array {
  if (method === "shuffle") {
    const items = BigInt64Array.from({ length: Number(args[0]) }, (_, i) => BigInt(i));
    state.shuffle(items);
    return items;
  }
  if (method === "choice" && options) return state.choice(Number(args[0]), Number(args[1]), options);
  // deno-lint-ignore no-explicit-any
  return (state as any)[method](...args);
}

for (const { seed, calls } of cases) {
  Deno.test(`NumPy: ${calls.map((c) => c.method).join(", ")} from seed ${String(seed).slice(0, 12)}`, () => {
    const state = new RandomState(seed);
    for (const call of calls) {
      const got = run(state, call);
      const name = `${call.method}(${call.args})`;
      assertEquals(got.length, call.values.length, name);
      call.values.forEach((want, i) => {
        if (call.dtype === "int64") return assertEquals(got[i], BigInt(want), `${name}[${i}]`);
        // Math.log differs from NumPy's in the last bit now and then; what takes no logarithm is exact.
        const tolerance = /randn|normal|exponential/.test(call.method) ? 1e-15 * Math.abs(Number(want)) : 0;
        assert(
          Math.abs(Number(got[i]) - Number(want)) <= tolerance,
          `${name}[${i}]: ${got[i]} is not ${want}`,
        );
      });
    }
  });
}

Deno.test("RandomState: seed starts anew and drops the cached normal", () => {
  const state = new RandomState(7);
  const first = state.randn(3);
  state.seed(7);
  assertEquals(state.randn(3), first);
});

Deno.test("RandomState: a state continues where it was taken, cached normal included", () => {
  const state = new RandomState(7);
  state.randn(3);
  const snapshot = state.getState();
  assert(snapshot.hasGauss);
  const next = [state.randn(2), state.rand(700)];
  const other = new RandomState();
  other.setState(snapshot);
  assertEquals([other.randn(2), other.rand(700)], next);
});

Deno.test("RandomState: without a seed two streams differ", () => {
  assert(new RandomState().rand()[0] !== new RandomState().rand()[0]);
});

Deno.test("RandomState: sizes multiply, and may be zero", () => {
  const state = new RandomState(0);
  assertEquals([state.rand().length, state.rand(3, 4).length, state.randn(2, 0).length], [1, 12, 0]);
  assertEquals(state.normal(0, 1, [2, 5]).length, 10);
});

Deno.test("RandomState: refuses what NumPy refuses, and draws nothing for it", () => {
  const state = new RandomState(0);
  const bad: [() => unknown, string][] = [
    [() => state.seed(-1), "Seed must be between 0 and 2**32 - 1"],
    [() => state.seed(1.5), "Seed must be between 0 and 2**32 - 1"],
    [() => state.seed([]), "Seed must be non-empty"],
    [() => state.seed([1, 2 ** 32]), "Seed values must be between 0 and 2**32 - 1"],
    [() => state.randint(5, 5), "low >= high"],
    [() => state.randint(0, 2n ** 63n + 1n), "high is out of bounds for int64"],
    [() => state.randint(0.5), "randint expects integers"],
    [() => state.normal(0, -1), "scale < 0"],
    [() => state.uniform(0, Infinity), "Range exceeds valid bounds"],
    [() => state.rand(-1), "a size must be an integer, 0 or more"],
    [() => state.choice(3, 4, { replace: false }), "Cannot take a larger sample than population"],
    [() => state.choice(2, 1, { p: [0.5, 0.6] }), "Probabilities do not sum to 1"],
    [() => state.choice(2, 1, { p: [1.5, -0.5] }), "Probabilities are not non-negative"],
    [() => state.choice(3, 1, { p: [0.5, 0.5] }), "'a' and 'p' must have same size"],
    [() => state.choice(2, 2, { p: [1, 0], replace: false }), "Fewer non-zero entries in p than size"],
    [() => state.choice(0, 1), "a must be greater than 0"],
    [() => state.setState({ ...state.getState(), pos: 700 }), "Invalid mt19937 state"],
  ];
  for (const [call, message] of bad) assertThrows(call, RangeError, message);
  assertEquals(state.rand(), new RandomState(0).rand());
});
