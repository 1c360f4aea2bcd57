import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { progress, progressLine, progressOn, type ProgressState } from "../../src/display/progress.ts";
import { captureConsole, withNotebook } from "./helpers.ts";

/** Loops over items with a clock that moves `tick` ms an item, and gives the states drawn. */
function states(
  items: number | Iterable<unknown>,
  options: { total?: number; label?: string; tick?: number; stopAt?: number } = {},
): ProgressState[] {
  const drawn: ProgressState[] = [];
  let time = 0;
  const sink = { interval: 100, draw: (state: ProgressState) => void drawn.push(state) };
  let seen = 0;
  for (const _ of progressOn(items, options, () => sink, () => time)) {
    time += options.tick ?? 50;
    if (++seen === options.stopAt) break;
  }
  return drawn;
}

Deno.test("progress hands out the items unchanged", () => {
  const quiet = { interval: Infinity, draw() {} };
  assertEquals([...progressOn(4, {}, () => quiet)], [0, 1, 2, 3]);
  assertEquals([...progressOn(["a", "b"], {}, () => quiet)], ["a", "b"]);
  assertEquals([...progressOn(new Set([5, 6]), {}, () => quiet)], [5, 6]);
});

Deno.test("progress draws at the interval, first and last", () => {
  const drawn = states(6, { tick: 50 });
  assertEquals(drawn.map((s) => [s.done, s.finished]), [[0, false], [2, false], [4, false], [6, false], [
    6,
    true,
  ]]);
  assertEquals(drawn.at(-1)!.seconds, 0.3);
  assertEquals(drawn[0].total, 6);
});

Deno.test("progress finds the total of arrays and sets, takes one for generators, goes without", () => {
  function* items(): Generator<number> {
    yield 1;
    yield 2;
  }
  assertEquals(states([1, 2, 3])[0].total, 3);
  assertEquals(states(new Set([1]))[0].total, 1);
  assertEquals(states(items(), { total: 2 })[0].total, 2);
  assertEquals(states(items())[0].total, undefined);
});

Deno.test("progress ends its picture when the loop breaks, and closes the items", () => {
  let closed = false;
  function* items(): Generator<number> {
    try {
      yield 1;
      yield 2;
    } finally {
      closed = true;
    }
  }
  const drawn = states(items(), { stopAt: 1 });
  assert(closed);
  assert(drawn.at(-1)!.finished);
});

Deno.test("the line of a bar: percent, bar, counts, times, rate", () => {
  const base = { total: 100, seconds: 4, label: "train", finished: false };
  assertEquals(
    progressLine({ ...base, done: 25 }),
    "train:  25% |██████                  | 25/100 [00:04<00:12, 6.25 it/s]",
  );
  assertEquals(
    progressLine({ ...base, done: 100, finished: true }),
    "train: 100% |████████████████████████| 100/100 [00:04, 25.0 it/s]",
  );
  assertEquals(
    progressLine({ done: 2, total: undefined, seconds: 3700, label: "", finished: false }),
    "2 it [1:01:40, 1850.00 s/it]",
  );
  assertEquals(
    progressLine({ ...base, done: 0, seconds: 0, label: "" }),
    "  0% |                        | 0/100 [00:00, ? it/s]",
  );
});

Deno.test({
  name: "away from a terminal progress prints one plain line, at the end",
  ignore: Deno.stderr.isTerminal(),
  async fn() {
    const lines = await captureConsole("error", (lines) => {
      for (const _ of progress(1000, { label: "steps" })) assertEquals(lines, []);
    });
    assertEquals(lines.length, 1);
    assertMatch(lines[0], /^steps: 1000\/1000 \[00:00, [\d.,]+ it\/s\]$/);
  },
});

Deno.test("in a notebook progress sends one display and then updates it, inside the loop", async () => {
  const sent = await withNotebook((sent) => {
    for (const _ of progress(3, { label: "<b>" })) assertEquals(sent.map((m) => m.type), ["display_data"]);
  });
  assertEquals(sent.map((m) => m.type), ["display_data", "update_display_data"]);
  const ids = sent.map((m) => (m.content.transient as { display_id: string }).display_id);
  assertEquals(ids[0], ids[1]);
  const last = sent[1].content.data as Record<string, string>;
  assertMatch(last["text/plain"], /^<b>: 100% \|█+\| 3\/3/);
  assertMatch(last["text/html"], /&lt;b&gt;: 3\/3/);
});

Deno.test("progress names what is wrong with its arguments", () => {
  assertThrows(() => progress(-1), RangeError, "got -1");
  assertThrows(() => progress(1.5), RangeError, "got 1.5");
  assertThrows(() => progress([1], { total: NaN }), RangeError, "got NaN");
  // deno-lint-ignore no-explicit-any
  assertThrows(() => progress({} as any), TypeError, "got object");
});
