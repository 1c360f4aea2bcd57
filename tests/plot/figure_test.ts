import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { DISPLAY } from "../../src/display/mime.ts";
import { Figure, heatmap, initNotebook, line, scatter } from "../../src/plot/plot.ts";
import { captureConsole, withNotebook } from "../display/helpers.ts";
import { carriedFigure, count, pixels, withFolder } from "./helpers.ts";

const HOSTILE = `</script><script>alert(1)</script>`;
const bytes = (value: unknown): number => new TextEncoder().encode(JSON.stringify(value)).length;

Deno.test("toSVG draws a path a line, a marker a point, and the titles; the same figure gives the same text", async () => {
  const make = (): Figure =>
    line([{ y: [1, 4, 9], name: "squares" }, { y: [3, 2, 1], name: "down", markers: true }], {
      title: "Two lines",
      xLabel: "the index",
      yLabel: "the value",
    });
  const svg = await make().toSVG();
  assertMatch(svg, /^<svg [^>]*xmlns="http:\/\/www.w3.org\/2000\/svg"/);
  assertEquals(count(svg, /<g [^>]*class="trace scatter/g), 2);
  assertEquals(count(svg, /<path [^>]*class="point"/g), 3);
  for (const text of ["Two lines", "the index", "the value", "squares", "down"]) {
    assertStringIncludes(svg, text);
  }
  assertEquals(await make().toSVG(), svg);
  const other = await make().update({ title: { text: "Others" } }).toSVG();
  const ids = (text: string): string[] => [...text.matchAll(/ id="([^"]*)"/g)].map((found) => found[1]);
  assertEquals(ids(other).filter((id) => ids(svg).includes(id)), []);
});

Deno.test("figures drawn at the same time do not disturb each other", async () => {
  const [a, b] = [line([1, 2], { width: 300, title: "a" }), line([2, 1], { width: 700, title: "b" })];
  const alone = [await a.toSVG(), await b.toSVG()];
  assertEquals(await Promise.all([a.toSVG(), b.toSVG()]), alone);
});

Deno.test("toPNG has the figure's size times the scale, and its colours", async () => {
  const figure = line([1, 4, 9], { width: 300, height: 200, color: "#ff0000", title: "θ ∇ → Red" });
  const { width, height, colors } = pixels(await figure.toPNG({ scale: 1 }));
  assertEquals([width, height], [300, 200]);
  assert(colors.get("255,0,0")! > 100, "the line is red");
  assert(colors.get("255,255,255")! > 30_000, "the ground is white");
  const sharp = pixels(await figure.toPNG());
  assertEquals([sharp.width, sharp.height], [600, 400]);
  await assertRejects(() => figure.toPNG({ scale: 0 }), RangeError, "got 0");
});

Deno.test("a picture's text is drawn, Greek letters and operators too", async () => {
  const ink = async (title: string): Promise<number> => {
    const { colors } = pixels(
      await new Figure([], { title: { text: title }, height: 120 }).toPNG({ scale: 1 }),
    );
    return [...colors].filter(([key]) => key.split(",").every((v) => Number(v) < 120)).reduce(
      (n, [, c]) => n + c,
      0,
    );
  };
  const empty = await ink("");
  for (const title of ["Title", "θλΣ", "∇→∈", "≤∂∞"]) assert(await ink(title) > empty + 40, title);
});

Deno.test("the bundle: text, a picture, HTML with both the picture and the figure, no vendor type", async () => {
  const figure = line([1, 4, 9], { title: "Bundle" });
  const bundle = await figure.toBundle({ plotly: false });
  assertEquals(Object.keys(bundle).sort(), ["image/png", "text/html", "text/plain"]);
  assertEquals(bundle["text/plain"], `Figure "Bundle" (1 trace)`);
  assertEquals(pixels(Uint8Array.fromBase64(bundle["image/png"] as string)).width, 640);
  const html = bundle["text/html"] as string;
  assertMatch(html, /<img alt="Figure &quot;Bundle&quot; \(1 trace\)" width="640" height="400"/);
  assertEquals(carriedFigure(html).data[0].y, [1, 4, 9]);
  assert(bytes(bundle) < 150_000);
  assertEquals(await figure.toBundle({ plotly: false }), bundle);
  const vendor = await figure.toBundle({ plotly: false, vendorMime: true });
  assertEquals(Object.keys(vendor["application/vnd.plotly.v1+json"] as object), ["data", "layout", "config"]);
});

Deno.test("the session's first figure carries plotly.js, the next do not, initNotebook does again", async () => {
  await initNotebook()[DISPLAY]();
  const later = await line([1, 2])[DISPLAY]();
  assert(!(later["text/html"] as string).includes("DecompressionStream"));
  const again = (await initNotebook()[DISPLAY]())["text/html"] as string;
  assertMatch(again, /if\(w\.Plotly\|\|w\.dinogradPlotly\)return/);
  const packed = /atob\("([^"]+)"\)/.exec(again)![1];
  const stream = new Blob([Uint8Array.fromBase64(packed)]).stream().pipeThrough(
    new DecompressionStream("gzip"),
  );
  assertMatch(await new Response(stream).text(), /^\/\*\*\s*\* plotly\.js/);
});

Deno.test("messages stay under a megabyte: large data is thinned with a note, extremes kept", async () => {
  const y = Float64Array.from({ length: 400_000 }, (_, i) => Math.sin(i / 7000) + (i * 7919 % 1000) / 10_000);
  y[123_457] = 9;
  const figure = line(y, { title: "Many" });
  const bundle = await figure.toBundle({ plotly: true });
  assert(bytes(bundle) < 1_000_000, `${bytes(bundle)} bytes`);
  assertMatch(
    bundle["text/html"] as string,
    /Shown here: [\d,]+ of 400,000 points\. Saved files hold them all\./,
  );
  const trace = carriedFigure(bundle["text/html"] as string).data[0] as {
    y: { dtype: string; bdata: string };
  };
  assertEquals(trace.y.dtype, "f4");
  const shown = new Float32Array(Uint8Array.fromBase64(trace.y.bdata).buffer);
  assert(shown.length > 4000 && shown.length <= 20_000, `${shown.length} points`);
  assertEquals(Math.max(...shown), 9);
  assertEquals((figure.toJSON().data[0].y as number[]).length, 400_000);
});

Deno.test("a heat map that is too large for a message is shown as means of blocks", async () => {
  const z = Array.from({ length: 1000 }, (_, i) => Float32Array.from({ length: 1200 }, (_, j) => i + j));
  const bundle = await heatmap(z).toBundle({ plotly: false });
  assert(bytes(bundle) < 1_000_000, `${bytes(bundle)} bytes`);
  const trace = carriedFigure(bundle["text/html"] as string).data[0] as {
    z: { bdata: string; shape: string };
  };
  const side = Number(/^(\d+), \1$/.exec(trace.z.shape)![1]);
  assert(side >= 200 && side <= 400, trace.z.shape);
  const [rows, columns] = [Math.floor(1000 / side), Math.floor(1200 / side)];
  const first = new DataView(Uint8Array.fromBase64(trace.z.bdata).buffer).getFloat32(0, true);
  assertEquals(first, (rows - 1) / 2 + (columns - 1) / 2, "the mean of the first block");
});

Deno.test("user strings cannot leave their place in a page", async () => {
  const figure = line([{ y: [1, 2], name: HOSTILE }], {
    title: HOSTILE,
    xLabel: HOSTILE,
    yLabel: `"><img src=x>`,
  });
  const html = await figure.toHTML();
  assert(!html.includes("<script>alert"));
  assert(!html.includes("<img src=x>"));
  assertEquals(count(html, /<script/g), count(html, /<\/script>/g));
  assertEquals(count(html, /<script/g), 2);
  const title = carriedFigure(html).layout.title as { text: string };
  assertEquals(title.text, HOSTILE.replaceAll("<", "&lt;"));
  assertStringIncludes(await figure.toSVG(), "alert(1)");
});

Deno.test("NaN and infinities become null in JSON, and gaps in the picture", async () => {
  const figure = line([1, 2, NaN, 4, 5, -Infinity, 7, 8]);
  assertEquals(figure.toJSON().data[0].y, [1, 2, null, 4, 5, null, 7, 8]);
  assertEquals(count(await figure.toSVG(), /<path [^>]*class="js-line"/g), 3);
});

Deno.test("save writes each kind, and only it", async () => {
  const figure = line([1, 4, 9], { title: "Saved" });
  await withFolder(async (folder) => {
    for (const kind of ["html", "svg", "png", "json"]) await figure.save(`${folder}/figure.${kind}`);
    await figure.save(new URL(`file://${folder}/by-url.SVG`));
    assertEquals([...Deno.readDirSync(folder)].map((entry) => entry.name).sort(), [
      "by-url.SVG",
      "figure.html",
      "figure.json",
      "figure.png",
      "figure.svg",
    ]);
    assertMatch(
      await Deno.readTextFile(`${folder}/figure.html`),
      /^<!doctype html>[\s\S]*<meta charset="utf-8">/,
    );
    assertEquals(await Deno.readTextFile(`${folder}/figure.svg`), await figure.toSVG());
    assertEquals(pixels(await Deno.readFile(`${folder}/figure.png`)).width, 1280);
    assertEquals(JSON.parse(await Deno.readTextFile(`${folder}/figure.json`)).data[0].y, [1, 4, 9]);
  });
});

Deno.test("a failed save keeps the old file and leaves nothing behind", async () => {
  await withFolder(async (folder) => {
    const path = `${folder}/figure.json`;
    await Deno.writeTextFile(path, "old");
    const broken = new Figure([{ type: "scatter", x: [1], y: [1], text: () => "a function" }]);
    await assertRejects(() => broken.save(path), TypeError, "not a function");
    assertEquals(await Deno.readTextFile(path), "old");
    await Deno.mkdir(`${folder}/taken.json`);
    await assertRejects(() => line([1]).save(`${folder}/taken.json`));
    await assertRejects(() => line([1]).save(`${folder}/missing/figure.json`), Deno.errors.NotFound);
    assertEquals([...Deno.readDirSync(folder)].map((entry) => entry.name).sort(), [
      "figure.json",
      "taken.json",
    ]);
  });
});

Deno.test("save names the kinds it knows", async () => {
  await assertRejects(
    () => line([1]).save("figure.gif"),
    TypeError,
    "cannot save a figure as .gif: expected .html, .svg, .png, .json",
  );
  await assertRejects(() => line([1]).save("figure"), TypeError, "cannot save a figure as figure");
});

Deno.test("show: a path in a terminal, the bundle in a notebook", async () => {
  const figure = line([1, 4, 9], { title: "Shown" });
  const lines = await captureConsole("log", () => figure.show());
  assertMatch(lines[0], /figure-.*\.html$/);
  assertStringIncludes(await Deno.readTextFile(lines[0]), "<title>Shown</title>");
  await Deno.remove(lines[0]);
  const sent = await withNotebook(() => figure.show());
  assertEquals(sent.map((message) => message.type), ["display_data"]);
  const data = sent[0].content.data as Record<string, unknown>;
  assertEquals(Object.keys(data).sort(), ["image/png", "text/html", "text/plain"]);
});

Deno.test("update merges, add takes traces and figures", () => {
  const figure = line([1, 2], { xLabel: "n" }).update({ xaxis: { type: "log" } });
  assertEquals(figure.layout.xaxis, { title: { text: "n" }, type: "log" });
  figure.add(scatter([1], [2], { name: "dot" }), { type: "bar", y: [1] });
  assertEquals(figure.data.map((trace) => trace.type), ["scatter", "scatter", "bar"]);
  assertEquals(Deno.inspect(figure), "Figure (3 traces)");
});

Deno.test("figures refuse what is no trace and sizes that are none", () => {
  // deno-lint-ignore no-explicit-any
  assertThrows(() => new Figure([3 as any]), TypeError, "got number for trace 0");
  assertThrows(() => line([1], { width: NaN }), RangeError, "got NaN");
  assertThrows(() => line([1], { height: 1e6 }), RangeError, "got 1000000");
  const figure = line([1]);
  assertThrows(() => figure.update({ width: -1 }), RangeError, "got -1");
  assertEquals(figure.width, 640);
});
