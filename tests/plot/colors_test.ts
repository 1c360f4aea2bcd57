/** Colours of traces and of values, and what shares a figure's edge with them. */
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { DISPLAY } from "../../src/display/mime.ts";
import * as plot from "../../src/plot/plot.ts";
import { PALETTE } from "../../src/plot/template.ts";
import { toolbarTop } from "../../src/plot/toolbar.ts";
import { withNotebook } from "../display/helpers.ts";
import { carriedFigure, pixels } from "./helpers.ts";

const at = [-2, -1, 0, 1, 2];
const bowl = (options: plot.ContourOptions = {}) => plot.contour(at, at, (x, y) => x * x + y * y, options);

const noise = Array.from(
  { length: 360 },
  (_, i) => Float64Array.from({ length: 360 }, (_, j) => Math.sin(i * 12.9898 + j * 78.233) * 43758.5453 % 1),
);

// Comes first: the state that it looks at is that of a session in which nothing was drawn yet.
Deno.test("the session's first figure comes alive however much it draws", async () => {
  const figure = plot.heatmap(noise, { colors: "Jet", width: 900, height: 700 });
  let html = "";
  const sent = await withNotebook(async () => html = (await figure[DISPLAY]())["text/html"] as string);
  assert(html.length < 1_000_000, `${html.length}`);
  assertEquals(sent.map((message) => message.type), ["display_data"]);
  const script = (sent[0].content.data as Record<string, string>)["text/html"];
  assertMatch(script, /DecompressionStream/);
  assert(script.length < 1_000_000);
  assert(!html.includes("DecompressionStream"));
  assertEquals(carriedFigure(html).data[0].type, "heatmap");
  const next = await withNotebook(() => plot.line([1, 2])[DISPLAY]());
  assertEquals(next, []);
});

Deno.test("outside a notebook a bundle that carries plotly.js leaves its second picture out before its data", async () => {
  const part = noise.slice(0, 100).map((row) => row.slice(0, 100));
  const bundle = await plot.heatmap(part, { colors: "Jet" }).toBundle({ plotly: true });
  assertEquals(bundle["image/png"], undefined);
  const html = bundle["text/html"] as string;
  assertMatch(html, /DecompressionStream/);
  assertEquals(carriedFigure(html).data[0].type, "heatmap");
  assert(JSON.stringify(bundle).length < 1_000_000);
});

Deno.test("traces coloured by a scale take no colour of the palette", async () => {
  const figure = bowl().add(plot.scatter([0], [0]), plot.heatmap([[1]]), plot.line([1, 2]));
  const { data } = figure.toJSON();
  const colour = (trace: plot.Trace, part: string) => (trace[part] as { color: string }).color;
  assertEquals(colour(data[1], "marker"), PALETTE[0]);
  assertEquals(colour(data[3], "line"), PALETTE[1]);
  assertEquals(figure.data[1].line, undefined, "the figure itself is not changed");
  const own = bowl().add(plot.scatter([0], [0], { color: "#ff0000" }), plot.scatter([1], [1])).toJSON();
  assertEquals(colour(own.data[1], "marker"), "#ff0000");
  assertEquals(colour(own.data[2], "marker"), PALETTE[1]);
  const custom = bowl().add(plot.line([1, 2])).update({ colorway: ["#123456"] }).toJSON();
  assertEquals(colour(custom.data[1], "line"), "#123456");
  const { colors } = pixels(await bowl().add(plot.scatter([0, 1], [0, 1], { size: 40 })).toPNG({ scale: 1 }));
  assertEquals([...colors.keys()].includes("213,94,0"), false, "not the palette's second colour");
});

Deno.test("scales of one hue run from light to dark, by any case of their name, and back with _r", async () => {
  const light = async (colors: plot.ColorScale, value: number) => {
    const figure = plot.heatmap([[value]], { colors, colorBar: false, zRange: [0, 1] });
    const counts = [...pixels(await figure.toPNG({ scale: 1 })).colors].sort(([, a], [, b]) => b - a);
    return counts[0][0].split(",").reduce((sum, v) => sum + Number(v), 0);
  };
  for (const name of ["Blues", "greens", "GREYS", "Oranges", "Reds", "YlGnBu", "YlOrRd"]) {
    const [low, high] = [await light(name, 0), await light(name, 1)];
    assert(low > 600 && high < 250, `${name}: ${low} to ${high}`);
    assertEquals([await light(`${name}_r`, 1), await light(`${name}_r`, 0)], [low, high]);
  }
  assert(await light("Viridis", 0) < await light("Viridis", 1));
  assertEquals(plot.heatmap([[1]], { colors: "diverging" }).data[0].zmid, 0);
  assertThrows(
    () => plot.heatmap([[1]], { colors: "Blue" }),
    RangeError,
    'no scale "Blue", only diverging, Blues',
  );
});

Deno.test("a one-channel image is black where it is least", async () => {
  const { colors } = pixels(await plot.image([[0, 1]]).toPNG({ scale: 1 }));
  assert(colors.get("0,0,0")! > 1000 && colors.get("255,255,255")! > 1000);
  assertEquals(plot.image([[0, 1]]).data[0].colorscale, [[0, "#000000"], [1, "#ffffff"]]);
});

Deno.test("a legend makes room for a colour bar", () => {
  const legend = (figure: plot.Figure) => (figure.toJSON().layout.legend ?? {}) as { orientation?: string };
  assertEquals(legend(bowl().add(plot.scatter([0], [0], { name: "here" }))).orientation, "h");
  assertEquals(legend(bowl().add(plot.scatter([0], [0]))).orientation, undefined);
  assertEquals(
    legend(bowl({ colorBar: false }).add(plot.scatter([0], [0], { name: "here" }))).orientation,
    undefined,
  );
  assertEquals(
    legend(bowl().add(plot.scatter([0], [0], { name: "here" })).update({ legend: { x: 0.5 } })).orientation,
    undefined,
  );
});

Deno.test("the toolbar shows on hover, and below a title that reaches under it", async () => {
  const markup = async (title: string, width: number) => await plot.line([1, 2], { title, width }).toMarkup();
  assertMatch(await markup("A rather long title for a narrow figure", 420), /m\.style\.top="56px"/);
  const short = await markup("Short", 640);
  assert(!short.includes("style.top"));
  assertMatch(short, /"displayModeBar":"hover"/);
  const margin = { l: 60, r: 24, t: 44 };
  const panel = (text: string) => [{ text, xref: "paper", yref: "paper", x: 0.55, y: 1, yanchor: "bottom" }];
  assertEquals(toolbarTop({ margin, annotations: panel("a title of a panel on the right") }, 840), 44);
  assertEquals(toolbarTop({ margin, annotations: panel("a") }, 840), 0);
});
