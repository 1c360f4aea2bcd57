import { assert, assertEquals, assertThrows } from "@std/assert";
import { encode, type PackedArray } from "../../src/plot/encode.ts";
import { thin } from "../../src/plot/thin.ts";

const range = (n: number, f: (i: number) => number = (i) => i): number[] =>
  Array.from({ length: n }, (_, i) => f(i));
const packed = (value: unknown): PackedArray => encode(value) as PackedArray;

Deno.test("short lists stay lists; gaps are null", () => {
  assertEquals(
    encode({ a: [1, NaN, 3], b: Float32Array.of(1, Infinity), c: 5n, d: undefined, e: [undefined] }),
    {
      a: [1, null, 3],
      b: [1, null],
      c: 5,
      e: [null],
    },
  );
});

Deno.test("long lists are packed in the smallest type that shows no difference", () => {
  assertEquals(packed(range(100)).dtype, "u1");
  assertEquals(packed(range(100, (i) => -i)).dtype, "i1");
  assertEquals(packed(range(300)).dtype, "u2");
  assertEquals(packed(range(100, (i) => -300 * i)).dtype, "i2");
  assertEquals(packed(range(100, (i) => 1e5 * i)).dtype, "i4");
  assertEquals(packed(range(100, (i) => Math.sin(i))).dtype, "f4");
  assertEquals(packed(range(100, (i) => 1.7e12 + i / 7)).dtype, "f8");
  assertEquals(packed(range(100, (i) => i === 5 ? NaN : i)).dtype, "f4");
  const back = new Float32Array(Uint8Array.fromBase64(packed(range(50, (i) => i / 4)).bdata).buffer);
  assertEquals([...back], range(50, (i) => i / 4));
});

Deno.test("matrices are packed with their shape, deeper lists are not", () => {
  const rows = range(8).map((i) => Float64Array.from({ length: 5 }, (_, j) => 10 * i + j));
  assertEquals(packed(rows).shape, "8, 5");
  assertEquals([...Uint8Array.fromBase64(packed(rows).bdata).slice(5, 8)], [10, 11, 12]);
  const pixels = range(20).map(() => range(20).map(() => [1, 2, 3]));
  assertEquals(encode(pixels), pixels);
  assertEquals(encode({ z: range(100) }, { exact: true }), { z: range(100) });
});

Deno.test("functions and symbols are no data", () => {
  assertThrows(() => encode({ a: () => 1 }), TypeError, "not a function");
  assertThrows(() => encode([Symbol("s")]), TypeError, "not a symbol");
});

Deno.test("thin keeps what is small as it is", () => {
  const trace = { type: "scatter", x: [1, 2], y: [3, 4] };
  const { data, note } = thin([trace], { points: 10, side: 10 });
  assert(data[0] === trace);
  assertEquals(note, "");
});

Deno.test("thin keeps a line's ends, extremes, gaps, and what belongs to its points", () => {
  const y = range(10_000, (i) => i === 4321 ? 50 : i === 6000 ? NaN : i === 7000 ? -50 : Math.sin(i));
  const trace = {
    type: "scatter",
    mode: "lines",
    x: range(10_000),
    y,
    marker: { color: range(10_000) },
    name: "n",
  };
  const { data: [fewer], note } = thin([trace], { points: 200, side: 10 });
  const [x, values] = [fewer.x as number[], fewer.y as number[]];
  assert(values.length <= 202 && values.length > 100, String(values.length));
  for (const at of [0, 4321, 6000, 7000, 9999]) assert(x.includes(at), String(at));
  assertEquals(values, x.map((i) => y[i]));
  assertEquals((fewer.marker as { color: number[] }).color, x);
  assertEquals(fewer.name, "n");
  assertEquals(note, `Shown here: ${values.length} of 10,000 points. Saved files hold them all.`);
});

Deno.test("thin takes evenly chosen markers, and means of blocks", () => {
  const { data: [dots] } = thin([{ type: "scatter", mode: "markers", y: range(1000) }], {
    points: 10,
    side: 10,
  });
  assertEquals(dots.x, range(10, (i) => 100 * i));
  const z = [[1, 3, 5, 7], [1, 3, NaN, 7]];
  const { data: [map] } = thin([{ type: "heatmap", z, x: [0, 1, 2, 3] }], { points: 10, side: 2 });
  assertEquals(map.z, [[2, 6], [2, 7]]);
  assertEquals(map.x, [0.5, 2.5]);
});
