/** Generators: seeds, states and the default one. */
import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { defaultGenerator, Generator, manualSeed } from "../../src/random/generator.ts";
import { normal } from "../../src/random/distributions.ts";

const words = (g: Generator, n: number) => Array.from({ length: n }, () => g.random());

Deno.test("random64 is two words, the first one the high half", () => {
  const [high, low] = words(new Generator().manualSeed(1), 2);
  assertEquals(new Generator().manualSeed(1).random64(), BigInt(high) * 2n ** 32n + BigInt(low));
});

Deno.test("initialSeed keeps all 64 bits, though only 32 choose the stream", () => {
  const g = new Generator();
  assertEquals(g.manualSeed(2 ** 32 + 5).initialSeed(), 2 ** 32 + 5);
  assertEquals(words(g, 3), words(new Generator().manualSeed(5), 3));
  assertEquals(g.manualSeed(-1).initialSeed(), 2n ** 64n - 1n);
  assertEquals(g.manualSeed(2n ** 53n).initialSeed(), 2n ** 53n);
});

Deno.test("a seed that is no 64-bit integer is refused and changes nothing", () => {
  const g = new Generator().manualSeed(3);
  for (const seed of [0.5, NaN, 2 ** 53, 2n ** 64n, -(2n ** 63n) - 1n]) {
    assertThrows(() => g.manualSeed(seed), RangeError);
  }
  assertThrows(() => g.manualSeed("3" as unknown as number), TypeError, "seed must be a number or a bigint");
  assertEquals(g.initialSeed(), 3);
  assertEquals(words(g, 2), words(new Generator().manualSeed(3), 2));
});

Deno.test("seed() gives new numbers each time, which manualSeed repeats", () => {
  const g = new Generator();
  const seed = g.seed();
  const drawn = words(g, 4);
  assertNotEquals(g.seed(), seed);
  assertEquals(words(g.manualSeed(seed), 4), drawn);
});

Deno.test("a state is 5056 bytes and continues where it was taken", () => {
  const g = new Generator().manualSeed(-1);
  for (const drawn of [0, 1, 300, 323, 1, 700]) { // up to and past the 624 words
    words(g, drawn);
    const state = g.getState();
    assertEquals(state.length, 5056);
    const next = words(g, 1300);
    const other = new Generator();
    other.setState(state);
    assertEquals(other.initialSeed(), 2n ** 64n - 1n);
    assertEquals(words(other, 1300), next);
    g.setState(state);
  }
});

Deno.test("a state includes the cached normal, and manualSeed drops it", () => {
  const g = new Generator().manualSeed(0);
  const z = new Float64Array(3);
  normal(z, 0, 1, g);
  const state = g.getState();
  const fourth = g.normal();
  g.setState(state);
  assertEquals(g.normal(), fourth);
  g.setState(state);
  assertEquals(g.manualSeed(0).normal(), z[0]);
});

Deno.test("a bad state is refused and changes nothing", () => {
  const g = new Generator().manualSeed(0);
  const good = g.getState();
  assertThrows(() => g.setState(good.slice(1)), RangeError, "but found the input RNG state size to be 5055");
  assertThrows(() => g.setState([1] as unknown as Uint8Array), TypeError, "expected a Uint8Array");
  for (const [at, value] of [[8, 0], [8, 7], [12, 0], [16, 1], [17, 9]]) {
    const bad = good.slice();
    bad[at] = value;
    assertThrows(() => g.setState(bad), RangeError, "Invalid mt19937 state");
  }
  assertEquals(g.getState(), good);
});

Deno.test("a state in a larger buffer is read from its own place", () => {
  const g = new Generator().manualSeed(4);
  const padded = new Uint8Array(6000);
  padded.set(g.getState(), 13);
  const other = new Generator();
  other.setState(padded.subarray(13, 13 + 5056));
  assertEquals(words(other, 5), words(g, 5));
});

Deno.test("manualSeed seeds the default generator, whose seed is fresh in every process", async () => {
  const url = new URL("../../src/random/generator.ts", import.meta.url);
  const code =
    `import { defaultGenerator } from "${url}"; console.log(String(defaultGenerator.initialSeed()))`;
  const seedOfProcess = async () => {
    const process = new Deno.Command(Deno.execPath(), { args: ["eval", "--no-lock", code] });
    const { stdout, success } = await process.output();
    assert(success);
    return new TextDecoder().decode(stdout);
  };
  assertNotEquals(await seedOfProcess(), await seedOfProcess());
  assert(manualSeed(0) === defaultGenerator);
  assertEquals(defaultGenerator.random(), 2357136044);
});
