/** The distributions' messages, edges and roundings, beyond the golden sequences. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { Generator } from "../../src/random/generator.ts";
import {
  bernoulli,
  cauchy,
  exponential,
  geometric,
  logNormal,
  multinomial,
  normal,
  randintFill,
  randomFill,
  randperm,
  truncNormal,
  uniform,
} from "../../src/random/distributions.ts";
import { fma32, fma64, roundBfloat16 } from "../../src/random/rounding.ts";

const seeded = (seed = 0) => new Generator().manualSeed(seed);

Deno.test("bad arguments: PyTorch's words, and nothing is drawn or written", () => {
  const g = seeded();
  const out = new Float32Array(2);
  const bad: [() => unknown, string][] = [
    [
      () => randintFill(new BigInt64Array(2), 5, 5, g),
      "random_ expects 'from' to be less than 'to', but got from=5 >= to=5",
    ],
    [() => randintFill(new Uint8Array(2), -1, 5, g), "from is out of bounds for uint8"],
    [() => randintFill(new Int8Array(2), 0, 129, g), "to - 1 is out of bounds for int8"],
    [() => randintFill(new Uint8Array(2), 0, 3, g, { bool: true }), "to - 1 is out of bounds for bool"],
    [() => randintFill(new Float16Array(2), 0, 70000, g), "to - 1 is out of bounds for float16"],
    [() => randintFill(out, 0, 0.5, g), "randint expects an integer high"],
    [() => randperm(-1, g), "Trying to create tensor with negative dimension -1: [-1]"],
    [() => randperm(1.5, g), "randperm expects an integer n"],
    [() => normal(out, 0, -1, g), "normal expects std >= 0.0, but found std -1"],
    [() => normal(out, 0, NaN, g), "normal expects std >= 0.0, but found std nan"],
    [() => uniform(out, 1, 0, g), "uniform_ expects to return a [from, to) range, but found from=1 > to=0"],
    [() => uniform(out, NaN, 1, g), "from is out of bounds for float32"],
    [() => uniform(new Float16Array(2), 0, 1e6, g), "to is out of bounds for float16"],
    [() => uniform(out, -3e38, 3e38, g), "which result in to-from to exceed the limit"],
    [() => bernoulli(out, 1.5, g), "bernoulli_ expects p to be in [0, 1], but got p=1.5"],
    [() => bernoulli(out, new Float32Array([0, -0.25]), g), "expects p to be in [0, 1], but got p=-0.25"],
    [() => bernoulli(out, new Float32Array(3), g), "bernoulli got 3 probabilities for 2 elements"],
    [() => exponential(out, 0, g), "exponential_ expects lambda > 0.0, but found lambda=0"],
    [() => geometric(out, 1, g), "geometric_ expects p to be in (0, 1), but got p=1"],
    [() => cauchy(out, 0, -1e-5, g), "cauchy_ expects sigma > 0.0, but found sigma=-1e-05"],
    [() => logNormal(out, 0, 0, g), "log_normal_ expects std > 0.0, but found std=0"],
    [() => truncNormal(out, 0, 1, 2, 2, g), "trunc_normal_ expects a < b, but found a=2 and b=2"],
    [() => truncNormal(out, 0, 0, -2, 2, g), "trunc_normal_ expects std > 0.0"],
    [
      () => multinomial(new Float32Array([-1, 1]), 1, g),
      "probability tensor contains either `inf`, `nan` or element < 0",
    ],
    [
      () => multinomial(new Float32Array([1, 1]), 3, g),
      "cannot sample n_sample > prob_dist.size(-1) samples without replacement",
    ],
    [() => multinomial(new Float32Array([1, 1]), 0, g), "cannot sample n_sample <= 0 samples"],
    [
      () => multinomial(new Float32Array(4), 1, g, { rows: 2 }),
      "invalid multinomial distribution (sum of probabilities <= 0)",
    ],
    [() => multinomial(new Float32Array(5), 1, g, { rows: 2 }), "5 weights do not make 2 equal rows"],
  ];
  for (const [call, message] of bad) assertThrows(call, RangeError, message);
  assertEquals(out, new Float32Array(2));
  assertEquals(g.random(), seeded().random());
});

Deno.test("fma32 rounds once, where two roundings miss", () => {
  // (1 + 2^-12)^2 = 1 + 2^-11 + 2^-24: a middle between two float32, which a tiny third number decides.
  const x = 1 + 2 ** -12;
  assertEquals(fma32(x, x, 0), 1 + 2 ** -11);
  assertEquals(fma32(x, x, 2 ** -100), 1 + 2 ** -11 + 2 ** -23);
  assertEquals(fma32(x, x, -(2 ** -100)), 1 + 2 ** -11);
  assertEquals(fma32(-x, x, -(2 ** -100)), -1 - 2 ** -11 - 2 ** -23);
  const y = 1 + 2 ** -12 + 2 ** -23; // its product with 1 is exact: middles to even both ways
  assertEquals(fma32(y, 1, 2 ** -24), 1 + 2 ** -12 + 2 ** -22);
  assertEquals(fma32(y, 1, 2 ** -24 - 2 ** -48), Math.fround(y));
  assertEquals(fma32(2 ** -149, 0.5, 2 ** -149), 2 ** -148); // subnormal
  assertEquals(fma32(2 ** 127, 2, 0), Infinity);
  assertEquals(fma32(-(2 ** 127), 2, 1), -Infinity);
  assert(Number.isNaN(fma32(Infinity, 0, 1)));
});

/** `a * b + c` exactly, as a fraction over 2^scale, rounded once. */
function exactFma64(a: number, b: number, c: number): number {
  const big = (x: number) => {
    let e = 0;
    while (!Number.isInteger(x)) [x, e] = [x * 2, e + 1];
    return [BigInt(x), e] as const;
  };
  const [[an, ae], [bn, be], [cn, ce]] = [big(a), big(b), big(c)];
  const scale = Math.max(ae + be, ce);
  const sum = an * bn * 2n ** BigInt(scale - ae - be) + cn * 2n ** BigInt(scale - ce);
  return Number(sum) / 2 ** scale; // Number(bigint) rounds once, to even; the division is exact
}

Deno.test("fma64 equals exact arithmetic", () => {
  const g = seeded(11);
  let fused = 0;
  for (let i = 0; i < 5000; i++) {
    const a = g.uniform53() - 0.5, b = g.uniform53() * 8, c = (g.uniform53() - 0.5) * 2 ** (i % 40 - 20);
    const want = exactFma64(a, b, c);
    assertEquals(fma64(a, b, c), want);
    if (a * b + c !== want) fused++;
  }
  assert(fused > 500, "the numbers must tell one rounding from two");
  // the rest beyond the sum lies exactly on a middle, and the last bit of the product decides
  const tiny = 2 ** -60;
  assertEquals(
    fma64(1 + 2 ** -52, 1 + tiny * 2 ** 8, 2 ** -53),
    exactFma64(1 + 2 ** -52, 1 + tiny * 2 ** 8, 2 ** -53),
  );
  assertEquals(fma64(1e300, 0.5, -1e299), 4e299);
  assertEquals(fma64(0.5, 1e300, -1e299), 4e299);
});

Deno.test("roundBfloat16: 8 bits, ties to even, through float32", () => {
  assertEquals(roundBfloat16(1 + 2 ** -8), 1);
  assertEquals(roundBfloat16(1 + 3 * 2 ** -8), 1 + 2 ** -6);
  assertEquals(roundBfloat16(1 + 2 ** -8 + 2 ** -20), 1 + 2 ** -7);
  assertEquals(roundBfloat16(-0.1), -0.10009765625);
  assertEquals(roundBfloat16(3.4e38), Infinity);
  assert(Number.isNaN(roundBfloat16(NaN)));
});

Deno.test("randint fills every type with the same draws", () => {
  const want = new BigInt64Array(50);
  randintFill(want, -3n, 4n, seeded());
  for (const out of [new Int8Array(50), new Int16Array(50), new Float16Array(50), new Float64Array(50)]) {
    randintFill(out, -3, 4, seeded());
    assertEquals(Array.from(out), Array.from(want, Number));
  }
});

Deno.test("randint over all 64 bits", () => {
  const out = new BigInt64Array(3);
  randintFill(out, -(2n ** 63n), 2n ** 63n, seeded());
  const g = seeded();
  assertEquals(Array.from(out), [0, 1, 2].map(() => g.random64() - 2n ** 63n));
});

Deno.test("randint of floats stays below its bound where floats are coarse", () => {
  const out = new Float32Array(2000);
  randintFill(out, 2 ** 24 - 8, 2 ** 24 + 8, seeded());
  assert(out.every((x) => x >= 2 ** 24 - 8 && x < 2 ** 24 + 8));
  assert(out.some((x) => x > 2 ** 24));
  const rounded = new Float32Array(2000);
  randintFill(rounded, 0, 1000, seeded(), { bfloat16: true });
  assert(rounded.every((x) => x === roundBfloat16(x)));
});

Deno.test("randomFill: the whole non-negative range of a type", () => {
  const all = (out: Int8Array | Uint8Array | Int16Array | Float16Array, bool = false) => {
    randomFill(out, seeded(), { bool });
    return [Math.min(...out), Math.max(...out)];
  };
  assertEquals(all(new Int8Array(5000)), [0, 127]);
  assertEquals(all(new Uint8Array(5000)), [0, 255]);
  assertEquals(all(new Uint8Array(5000), true), [0, 1]);
  assertEquals(all(new Float16Array(50000)), [0, 2048]);
  assert(all(new Int16Array(5000))[1] > 32000);
});

Deno.test("multinomial: rows of their own, each drawn from its own weights", () => {
  const weights = new Float64Array([0, 0, 1, 0, /* row 2 */ 0, 5, 0, 5]);
  const picks = multinomial(weights, 6, seeded(), { rows: 2, replacement: true });
  assertEquals(Array.from(picks.subarray(0, 6)), [2, 2, 2, 2, 2, 2]);
  assert(picks.subarray(6).every((i) => i === 1 || i === 3));
  const pairs = multinomial(new Float32Array([1, 2, 3, 4, 5, 6]), 3, seeded(), { rows: 2 });
  assertEquals([[...pairs.subarray(0, 3)].sort(), [...pairs.subarray(3)].sort()], [[0, 1, 2], [0, 1, 2]]);
});

Deno.test("empty arrays draw nothing", () => {
  const g = seeded();
  normal(new Float32Array(0), 0, 1, g);
  uniform(new Float64Array(0), 0, 1, g);
  assertEquals([randperm(0, g).length, randperm(1, g)[0]], [0, 0]);
  assertEquals(g.random(), seeded().random());
});

Deno.test("moments of a million numbers", () => {
  const g = seeded(5);
  const x = new Float64Array(1e6);
  const check = (mean: number, variance: number) => {
    const m = x.reduce((s, v) => s + v, 0) / x.length;
    const s2 = x.reduce((s, v) => s + (v - m) ** 2, 0) / x.length;
    assert(Math.abs(m - mean) < 6 * Math.sqrt(variance / x.length), `mean ${m}`);
    assert(Math.abs(s2 / variance - 1) < 0.03, `variance ${s2}`);
  };
  normal(x, 3, 2, g);
  check(3, 4);
  normal(x, 3, 2, g, { contiguous: false });
  check(3, 4);
  uniform(x, -1, 3, g);
  check(1, 16 / 12);
  exponential(x, 4, g);
  check(1 / 4, 1 / 16);
  geometric(x, 0.3, g);
  check(1 / 0.3, 0.7 / 0.09);
  bernoulli(x, 0.2, g);
  check(0.2, 0.16);
  logNormal(x, 0, 0.5, g);
  check(Math.exp(0.125), (Math.exp(0.25) - 1) * Math.exp(0.25));
  truncNormal(x, 0, 1, -1, 1, g);
  check(0, 0.29112509);
});
