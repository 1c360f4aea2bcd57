/** Curves that are drawn while they grow. */
import { assert, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import * as dg from "../../mod.ts";
import { DISPLAY } from "../../src/display/mime.ts";
import {
  type Curve,
  type CurveFrame,
  curvesSVG,
  niceTicks,
  sparkline,
} from "../../src/plot/curve_picture.ts";
import { LiveCurve, type LiveOptions, terminalSink } from "../../src/plot/live.ts";
import { captureConsole, withNotebook } from "../display/helpers.ts";
import { carriedFigure, count } from "./helpers.ts";

const frame: CurveFrame = { title: "T", xLabel: "step", yLabel: "loss", log: false, width: 640, height: 340 };
const list = (value: unknown): number[] => Array.from(value as ArrayLike<number>);
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** A curve whose clock moves by hand, and the number of points of each picture. */
function manual(options: LiveOptions = {}, interval = 100) {
  let time = 0;
  const drawn: number[] = [];
  const draw = (curves: readonly Curve[]) => void drawn.push(Math.max(...curves.map(({ y }) => y.length)));
  const sink = { interval, draw, done: (_: unknown, __: unknown, figure: () => dg.plot.Figure) => figure() };
  return { curve: new LiveCurve(options, sink, () => time), drawn, wait: (ms: number) => void (time += ms) };
}

Deno.test("a live curve draws the first value, and then no more often than the interval", () => {
  const { curve, drawn, wait } = manual();
  for (let i = 0; i < 10; i++) {
    curve.push(i);
    wait(40);
  }
  assertEquals(drawn, [1, 4, 7, 10]);
  const own = manual({ interval: 0 });
  own.curve.push(1);
  own.curve.push(1);
  assertEquals(own.drawn, [1, 2]);
});

Deno.test("the figure has all values: numbers, tensors, several curves, missing values, positions", () => {
  const { curve } = manual({ title: "Training", series: ["train", "valid"], log: true });
  curve.push({ train: 3, valid: dg.tensor(4) });
  curve.push({ train: dg.tensor([2], { requiresGrad: true }) });
  curve.push({ train: 1, valid: 2 }, 10);
  const figure = curve.done();
  assertEquals(String(figure), 'Figure "Training" (2 traces)');
  assertEquals(figure.data.map(({ name, x, y }) => [name, list(x), list(y)]), [
    ["train", [0, 1, 10], [3, 2, 1]],
    ["valid", [0, 10], [4, 2]],
  ]);
  assertEquals((figure.layout.yaxis as { type: string }).type, "log");
  assertEquals(curve.done(), figure);
  const plain = manual().curve;
  plain.push(1);
  plain.push({ loss: 2 });
  assertEquals(list(plain.done().data[0].y), [1, 2]);
  assertEquals(manual().curve.done().data, []);
});

Deno.test("a live curve names what is wrong", () => {
  // deno-lint-ignore no-explicit-any
  const wrong = (value: unknown): any => value;
  const { curve } = manual({ series: ["train", "valid"] });
  assertThrows(() => curve.push({ test: 1 }), RangeError, 'no curve "test", only train, valid');
  assertThrows(() => curve.push(1), TypeError, "expected values for train, valid, got 1");
  assertThrows(
    () => curve.push(wrong({ train: "x" })),
    TypeError,
    'live: train must be a number, got "x" (string)',
  );
  assertThrows(() => curve.push({ train: 1, valid: wrong("x") }), TypeError);
  curve.push({ train: 1 });
  assertEquals(curve.done().data.map(({ y }) => list(y)), [[1]], "a wrong push adds nothing");
  assertThrows(() => curve.push({ train: 1 }), TypeError, "finished");
  assertThrows(() => manual({ interval: -1 }), RangeError, "got -1");
  assertThrows(() => manual({ title: wrong(3) }), TypeError, "title must be a string");
});

Deno.test("in a notebook one display is updated inside the loop, and becomes the interactive figure", async () => {
  await dg.plot.initNotebook()[DISPLAY]();
  const sent = await withNotebook(async (sent) => {
    const curve = dg.plot.live({ title: "<T>", series: ["a", "b"], interval: 0 });
    curve.push({ a: 1, b: 2 });
    assertEquals(sent.length, 1);
    curve.push({ a: 2, b: 1 });
    curve.done();
    // the interactive figure is drawn headless, too, which takes its time
    for (let i = 0; i < 200 && sent.length < 4; i++) await wait(100);
  });
  assertEquals(sent.map(({ type }) => type), [
    "display_data",
    "update_display_data",
    "update_display_data",
    "update_display_data",
  ]);
  assertEquals(
    new Set(sent.map(({ content }) => (content.transient as { display_id: string }).display_id)).size,
    1,
  );
  const [first, last] = [sent[0], sent[3]].map(({ content }) => content.data as Record<string, string>);
  assertMatch(first["text/html"], /<img alt="&lt;T&gt;: step 0 .*src="data:image\/svg\+xml;base64,/);
  assertEquals(carriedFigure(last["text/html"]).data.length, 2);
});

Deno.test("a figure that is its cell's value is shown once", async () => {
  const sent = await withNotebook(async (sent) => {
    const curve = dg.plot.live();
    curve.push(1);
    const figure = curve.done();
    const bundle = await figure[DISPLAY]();
    assertStringIncludes(bundle["text/html"] as string, "data-dinograd");
    const before = sent.length;
    await wait(150);
    await figure[DISPLAY]();
    assertEquals(sent.length, before);
  });
  assertEquals((sent.at(-1)!.content.data as Record<string, string>)["text/html"], "");
});

Deno.test("on a terminal one line changes", () => {
  let text = "";
  const curve = new LiveCurve(
    { title: "T", log: true },
    terminalSink((part) => void (text += part)),
    () => 0,
  );
  for (const y of [8, 4, 2, 1]) curve.push(y);
  curve.done();
  assertEquals(text, "\r\x1b[2KT: step 0   loss ▄ 8\r\x1b[2KT: step 3   loss █▆▃▁ 1\n");
});

Deno.test({
  name: "away from terminals and notebooks nothing is drawn",
  ignore: Deno.stderr.isTerminal(),
  async fn() {
    const lines = await captureConsole("error", () => {
      const curve = dg.plot.live();
      for (let i = 0; i < 1000; i++) curve.push(i);
      assertEquals(curve.done().data.length, 1);
    });
    assertEquals(lines, []);
  },
});

Deno.test("the live picture: a path a curve, titles, a small document for many points, gaps", () => {
  const x = Array.from({ length: 100_000 }, (_, i) => i);
  const svg = curvesSVG(
    [{ name: "a<b", x, y: x.map((i) => Math.sin(i)) }, { name: "b", x: [0], y: [NaN] }],
    frame,
  );
  assert(svg.length < 60_000, `${svg.length}`);
  assertMatch(svg, /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
  assertStringIncludes(svg, "a&lt;b");
  assertEquals(count(svg, /stroke-linejoin/g), 1);
  const gap = curvesSVG([{ name: "a", x: [0, 1, 2, 3], y: [1, NaN, 2, 3] }], frame);
  assertEquals(count(/ d="([^"]*)" fill="none" stroke="#0072b2"/.exec(gap)![1], /M/g), 2);
  for (const y of [[], [1], [0, 0], [1e-9, 2e-9], [Infinity], [-1, 5]]) {
    for (const log of [false, true]) {
      const one = curvesSVG([{ name: "a", x: y.map((_, i) => i), y }], { ...frame, log });
      assert(!/NaN|Infinity/.test(one.replace(/>[^<]*</g, "")), one);
    }
  }
});

Deno.test("ticks are round, sparklines go from low to high", () => {
  assertEquals(niceTicks(0, 1, 5), [0, 0.2, 0.4, 0.6, 0.8, 1]);
  assertEquals(niceTicks(-3, 12, 5), [0, 5, 10]);
  assertEquals(sparkline([0, 7], 8, false), "▁█");
  assertEquals(sparkline([1, 10, 100], 8, true), "▁▅█");
  assertEquals(sparkline([0, 0, 7, 7], 2, false), "▁█");
  assertEquals(sparkline([NaN], 8, false), "");
});
