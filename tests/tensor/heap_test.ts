/** Large arrays: fresh ones are zero wherever their memory has been, and what is kept for them takes no memory by itself. */
import { assert, assertEquals } from "@std/assert";
import { allocate } from "../../src/tensor/dtype.ts";

// Tests run in a thread of their own, which has memory of another kind: a process does not.
Deno.test({
  name: "the range of addresses for large arrays is there, and takes no memory until it is used",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const heap = new URL("../../src/tensor/heap.ts", import.meta.url).href;
    const script = `
      const { above, beforeLargeArray } = await import("${heap}");
      const before = Deno.memoryUsage().rss;
      for (let i = 0; i < 5; i++) beforeLargeArray(1 << 24);
      console.log(Deno.memoryUsage().rss - before, (await import("${heap}")).above?.byteLength);`;
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--no-lock", `data:text/javascript,${encodeURIComponent(script)}`],
      env: { NO_COLOR: "1" },
    }).output();
    const [taken, block] = new TextDecoder().decode(stdout).trim().split(" ").map(Number);
    assert(block > 30e6, "there is no block above the range");
    assert(taken < 32e6, `${taken} bytes were taken`);
  },
});

Deno.test("large arrays are zero, of their own memory, and as long as asked for, round after round", () => {
  for (const n of [1 << 15, 100_003, 1 << 20]) {
    const kept: Float32Array[] = [];
    for (let round = 0; round < 40; round++) {
      const array = allocate("float32", n) as Float32Array;
      assertEquals(array.length, n);
      assertEquals(array.buffer.byteLength, 4 * n);
      assert(array.every((v) => v === 0), `round ${round}: memory was not cleared`);
      array.fill(round + 1);
      if (round % 8 === 0) kept.push(array);
    }
    kept.forEach((array, i) => assert(array.every((v) => v === 8 * i + 1), "two arrays share memory"));
  }
});
