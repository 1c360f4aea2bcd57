import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { progress, progressOn } from "../../src/display/progress.ts";
import {
  ProgressBoard,
  progressLine,
  type ProgressScreen,
  type ProgressState,
  terminalScreen,
} from "../../src/display/progress_bars.ts";
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

/** A board whose clock moves by hand, and the bars it showed: label, items done, and whether it was over. */
function board(interval = 100): {
  shown: string[];
  loop: (n: number, label: string) => Iterable<number>;
  wait: (ms: number) => void;
} {
  let time = 0;
  const shown: string[] = [], now = (): number => time;
  const screen: ProgressScreen = {
    interval,
    show: (states, over) =>
      void shown.push(states.map(({ label, done }) => `${label}${done}`).join(" ") + (over ? " over" : "")),
  };
  const bars = new ProgressBoard(screen, now);
  return {
    shown,
    loop: (n, label) => progressOn(n, { label }, () => bars.open(), now),
    wait: (ms) => void (time += ms),
  };
}

Deno.test("nested loops: their bars stand under each other, the inner one's place is used again", () => {
  const { shown, loop, wait } = board();
  for (const _ of loop(2, "a")) for (const _ of loop(2, "b")) wait(60);
  assertEquals(shown[0], "a0");
  assertEquals(shown.at(-1), "a2 over");
  assert(shown.includes("a0 b2") && shown.some((line) => line.startsWith("a1 b")), shown.join("; "));
  assert(shown.every((line) => line.split(" ").length <= 2));
});

Deno.test("many short inner loops are drawn no more often than the interval", () => {
  const { shown, loop, wait } = board();
  for (const _ of loop(1000, "a")) for (const _ of loop(3, "b")) wait(1);
  assert(shown.length <= 3000 / 100 + 2, `${shown.length} pictures`);
  assertEquals(shown.at(-1), "a1000 over");
});

Deno.test("three levels, and loops side by side", () => {
  const deep = board(0);
  for (const _ of deep.loop(2, "a")) for (const _ of deep.loop(1, "b")) for (const _ of deep.loop(1, "c"));
  assert(deep.shown.includes("a0 b0 c0") && deep.shown.includes("a1 b0 c0"), deep.shown.join("; "));
  assertEquals(deep.shown.at(-1), "a2 over");
  const { shown, loop } = board(0);
  const [a, b] = [loop(1, "a"), loop(2, "b")].map((items) => items[Symbol.iterator]());
  a.next();
  b.next();
  a.next();
  b.next();
  b.next();
  assertEquals(shown.at(-1), "a1 b2 over");
  for (const _ of loop(1, "c"));
  assertEquals(shown.at(-1), "c1 over");
});

Deno.test("an error in an inner loop leaves no bar behind", () => {
  const { shown, loop } = board(0);
  assertThrows(() => {
    for (const _ of loop(2, "a")) for (const _ of loop(2, "b")) throw new RangeError("stop");
  }, RangeError);
  assertEquals(shown.at(-1), "a0 over");
});

Deno.test("on a terminal bars are drawn over the ones before, and cut at its edge", () => {
  let text = "";
  const screen = terminalScreen((part) => void (text += part), () => 20);
  const state = { done: 1, total: 2, seconds: 1, label: "epoch", finished: false };
  screen.show([state], false);
  screen.show([state, { ...state, label: "b" }], false);
  screen.show([state], true);
  assertEquals(text.split("\r").slice(1), [
    "\x1b[Jepoch:  50% |██████",
    "\x1b[Jepoch:  50% |██████\nb:  50% |██████████",
    "\x1b[1A\x1b[Jepoch:  50% |██████\n",
  ]);
});

Deno.test("in a notebook nested bars share one display", async () => {
  const sent = await withNotebook(() => {
    for (const _ of progress(2, { label: "outer" })) {
      for (const _ of progress([1, 2], { label: "inner" })) {
        const until = performance.now() + 140;
        while (performance.now() < until);
      }
    }
  });
  const ids = new Set(sent.map((m) => (m.content.transient as { display_id: string }).display_id));
  assertEquals(ids.size, 1);
  const texts = sent.map((m) => (m.content.data as Record<string, string>)["text/html"]);
  assert(texts.some((html) => /outer: [01]\/2[\s\S]*inner: [12]\/2/.test(html)));
  assertMatch(texts.at(-1)!, /outer: 2\/2/);
  assert(!texts.at(-1)!.includes("inner"));
});

Deno.test("progress takes asynchronous iterables", async () => {
  async function* slow(): AsyncGenerator<number> {
    for (let i = 0; i < 3; i++) {
      await Promise.resolve();
      yield i;
    }
  }
  const drawn: ProgressState[] = [], seen: number[] = [];
  const sink = { interval: 100, draw: (state: ProgressState) => void drawn.push(state) };
  for await (const i of progressOn(slow(), { total: 3 }, () => sink)) {
    seen.push(i);
    if (i === 1) break;
  }
  assertEquals(seen, [0, 1]);
  assertEquals([drawn.at(-1)!.done, drawn.at(-1)!.finished], [1, true]);
  const lines = await captureConsole("error", async () => {
    const items: number[] = [];
    await withNotebook(async () => {
      for await (const i of progress(slow())) items.push(i);
    });
    assertEquals(items, [0, 1, 2]);
  });
  assertEquals(lines, []);
});
