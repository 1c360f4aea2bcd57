/** Images as they are. */
import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { decode } from "npm:fast-png@8.0.0";
import * as dg from "../../mod.ts";
import { captureConsole, withNotebook } from "../display/helpers.ts";
import { count, withFolder } from "./helpers.ts";

const { picture, pictures } = dg.plot;

/** The pixels of an image, as red, green, blue and opacity. */
function drawn(made: dg.plot.Picture): number[][] {
  const { data, width, channels } = decode(made.toPNG(), { checkCrc: true });
  assertEquals(channels, 4);
  assert(data.length % (4 * width) === 0);
  return Array.from({ length: data.length / 4 }, (_, i) => Array.from(data.subarray(4 * i, 4 * i + 4)));
}

const grey = (...values: number[]): number[][] => values.map((v) => [v, v, v, 255]);

Deno.test("an image: the shapes, floats from 0 to 1 and bytes", () => {
  const flat = grey(0, 51, 255, 102);
  const values = [[0, 0.2], [1, 0.4]];
  assertEquals(drawn(picture(values)), flat);
  assertEquals(drawn(picture(dg.tensor(values))), flat);
  assertEquals(drawn(picture(dg.tensor(values).view(1, 2, 2))), flat);
  assertEquals(drawn(picture(dg.tensor(values).view(2, 2, 1))), flat);
  assertEquals(drawn(picture(dg.tensor([[0, 51], [255, 102]]).to("uint8"))), flat);
  assertEquals(drawn(picture([Uint8Array.of(0, 51), Uint8Array.of(255, 102)])), flat);
  assertEquals(drawn(picture(dg.tensor([[true, false]]))), grey(255, 0));
  const channels = dg.tensor([1, 0, 0.2, 0, 0.4, 0]).view(3, 1, 2);
  const rgb = [[255, 51, 102, 255], [0, 0, 0, 255]];
  assertEquals(drawn(picture(channels)), rgb);
  assertEquals(drawn(picture(channels.permute(1, 2, 0), { channels: "last" })), rgb);
  assertEquals(drawn(picture(dg.tensor([1, 1, 1, 0.2]).view(1, 1, 4), { channels: "last" })), [[
    255,
    255,
    255,
    51,
  ]]);
  const both = dg.zeros(3, 2, 3);
  assertEquals(drawn(picture(both)).length, 6);
  assertEquals(drawn(picture(both, { channels: "last" })).length, 6);
  assertMatch(picture(dg.zeros(4, 2, 3), { channels: "last" }).toString(), /^Image \[4, 2, 3\]\n/);
});

Deno.test("values that cannot be shown are named: out of range, not finite", () => {
  const odd = picture(dg.tensor([[0, NaN, 1], [-1, 2, Infinity]]));
  assertEquals(drawn(odd), [...grey(0), [255, 0, 255, 255], ...grey(255, 0, 255), [255, 0, 255, 255]]);
  assertMatch(String(odd), /values from −1 to 2, shown from 0 to 1\n {2}2 pixels are not finite \(magenta\)/);
  assertEquals(drawn(picture([[-1, 0, 1]], { range: "auto" })), grey(0, 128, 255));
  assertEquals(drawn(picture([[5, 10]], { range: [0, 10] })), grey(128, 255));
  assertEquals(drawn(picture([[7, 7]], { range: "auto" })), grey(128, 128));
  assert(!String(picture([[-1, 0, 1]], { range: "auto" })).includes("shown"));
});

Deno.test("a grid of images: batches and lists, columns, titles, the first of many", () => {
  const batch = dg.stack([dg.zeros(2, 2), dg.ones(2, 2), dg.zeros(2, 2)]);
  const { width, height } = decode(pictures(batch, { columns: 2 }).toPNG({ scale: 3 }));
  assertEquals([width, height], [2 * 6 + 4, 2 * 6 + 4]);
  const html = pictures(batch, { titles: ["<a>", "b", "c"] }).toBundle()["text/html"] as string;
  assertEquals(count(html, /<img /g), 3);
  assertEquals(count(html, /image-rendering:pixelated/g), 3);
  assertStringIncludes(html, "&lt;a&gt;");
  const many = pictures(dg.zeros(1000, 3, 4, 4), { limit: 5, titles: dg.arange(1000n) });
  assertEquals(String(many), "5 images, the first [3, 4, 4]\n  the first 5 of 1,000\n  0, 1, 2, 3, 4");
  assertEquals(
    count(pictures([dg.zeros(2, 3), dg.zeros(1, 5, 5)]).toBundle()["text/html"] as string, /<img /g),
    2,
  );
  assertEquals(count(pictures(dg.zeros(4, 5, 6, 1)).toBundle()["text/html"] as string, /<img /g), 4);
  const alike = pictures([[[0, 1]], [[0, 2]]], { range: "auto" });
  assertEquals(drawn(alike).filter(([, , , a]) => a === 255), grey(0, 128, 0, 255));
});

Deno.test("only the images that are shown are read", () => {
  const batch = dg.zeros(100_000, 28, 28).expand(100_000, 28, 28);
  const start = performance.now();
  pictures(batch, { limit: 4 });
  assert(performance.now() - start < 1000);
});

Deno.test("messages stay under a megabyte: large images are shown as means, at their size", () => {
  const big = picture(dg.rand(3, 700, 900));
  const bundle = big.toBundle();
  assert(JSON.stringify(bundle).length < 1_000_000);
  assertMatch(String(big), /shown as means of \d × \d pixels/);
  assertMatch(bundle["text/html"] as string, /width="640"/);
  assert(JSON.stringify(pictures(dg.rand(64, 3, 100, 100)).toBundle()).length < 1_000_000);
  assertEquals(drawn(picture(dg.zeros(2000, 3)))[0], [0, 0, 0, 255]);
});

Deno.test("display.image and display.images show at once; on a terminal an image is characters", async () => {
  const sent = await withNotebook((sent) => {
    dg.display.image(dg.zeros(3, 4, 4));
    assertEquals(sent.length, 1);
    dg.display.images(dg.zeros(2, 4, 4));
    dg.display.html`<b>${"<"}</b>`;
    dg.display.markdown("# a");
    for (const _ of dg.display.progress(1));
    void dg.display(3);
  });
  assertEquals(sent.map(({ content }) => Object.keys(content.data as object)), [
    ["text/plain", "text/html", "image/png"],
    ["text/plain", "text/html", "image/png"],
    ["text/plain", "text/html"],
    ["text/plain", "text/markdown"],
    ["text/plain", "text/html"],
    ["text/plain", "text/html"],
    ["text/plain"],
  ]);
  const lines = await captureConsole("log", () => dg.display.image([[0, 0.3], [0.5, 1]]));
  assertEquals(lines, ["Image [2, 2]\n  ░░\n▒▒██"]);
});

Deno.test("display shows functions that know how, such as formulas", async () => {
  const f = dg.definePointwise("f", "x ** 2");
  const [{ content }] = await withNotebook(() => dg.display(f));
  assertEquals((content.data as Record<string, string>)["text/latex"], "$$f\\left(x\\right) = x^{2}$$");
});

Deno.test("images are saved as PNG, and name what is wrong", async () => {
  await withFolder(async (folder) => {
    await picture([[0, 1]]).save(`${folder}/a.png`, { scale: 2 });
    assertEquals(decode(await Deno.readFile(`${folder}/a.png`)).width, 4);
    await assertRejects(() => picture([[0, 1]]).save(`${folder}/a.gif`), TypeError, "saved as .png");
  });
  // deno-lint-ignore no-explicit-any
  const wrong = (value: unknown): any => value;
  assertThrows(() => picture(wrong([1, 2])), TypeError, "got [2]");
  assertThrows(() => picture(dg.zeros(2, 5, 5)), TypeError, "1, 3 or 4 channels, got [2, 5, 5]");
  assertThrows(() => picture(dg.zeros(0, 5)), RangeError, "no pixels");
  assertThrows(() => picture(wrong("x")), TypeError, 'got "x" (string)');
  assertThrows(() => picture(wrong([["a"]])), TypeError, "must hold numbers");
  assertThrows(() => picture(wrong([[1, 2], [3]])), TypeError, "rows must have one length");
  assertThrows(() => picture([[1]], { scale: 0 }), RangeError, "got 0");
  assertThrows(() => picture([[1]], { range: [1, 1] }), RangeError, "got [1,1]");
  assertThrows(() => picture(dg.zeros(3, 3, 3), { channels: wrong("x") }), RangeError, 'got "x"');
  assertThrows(() => pictures(dg.zeros(2, 2)), TypeError, "got [2, 2]");
  assertThrows(() => pictures(dg.zeros(0, 2, 2)), RangeError, "there are no images");
  assertThrows(() => pictures(dg.zeros(2, 2, 2), { titles: ["a"] }), RangeError, "2 images, but 1 titles");
  assertThrows(() => pictures(dg.zeros(2, 2, 2), { columns: 0 }), RangeError, "got 0");
  assertThrows(() => pictures(dg.zeros(2, 2, 2), { limit: 0.5 }), RangeError, "got 0.5");
});
