import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { decode } from "npm:fast-png@8.0.0";
import { compose, type DomNode, localBox, parseTransform, transformBox } from "../../src/plot/static/box.ts";
import { asCanvas, type CanvasContext } from "../../src/plot/static/canvas.ts";
import { textWidth } from "../../src/plot/static/metrics.ts";
import { flatten, pointAt, polyline } from "../../src/plot/static/path.ts";
import { encodePNG } from "../../src/plot/static/png.ts";

/** An element with attributes and children, text as a string. */
function element(
  nodeName: string,
  attributes: Record<string, string>,
  children: (DomNode | string)[] = [],
): DomNode {
  const node = { nodeType: 1, nodeName, parentNode: null as DomNode | null, childNodes: [] as DomNode[] };
  const el: DomNode = Object.assign(node, { getAttribute: (name: string) => attributes[name] ?? null });
  node.childNodes = children.map((child) => {
    if (typeof child === "string") {
      return { nodeType: 3, nodeName: "#text", parentNode: el, childNodes: [], data: child };
    }
    return Object.assign(child, { parentNode: el });
  });
  return el;
}

Deno.test("paths: absolute and relative lines, several pieces, closing", () => {
  assertEquals(flatten("M1,2L3,4h2v-1l1 1Z"), [[1, 2], [3, 4], [5, 4], [5, 3], [6, 4], [1, 2]]);
  assertEquals(flatten("M0 0 1 1m1,1 1,0"), [[0, 0], [1, 1], [2, 2], [3, 2]]);
  assertEquals(flatten("M1e1-.5.5.25"), [[10, -0.5], [0.5, 0.25]]);
  assertEquals(flatten(""), []);
  assertThrows(() => flatten("M0,0B1,1"), RangeError, "unknown command B");
});

Deno.test("paths: curves pass through their ends, and arcs lie on their circle", () => {
  for (const d of ["M0,0C0,10,10,10,10,0", "M0,0Q5,10,10,0", "M0,0c0,10,10,10,10,0s0,0,0,0"]) {
    assertEquals(flatten(d).at(-1), [10, 0], d);
  }
  assertEquals(flatten("M0,0Q5,10,10,0")[4], [5, 5]);
  const circle = flatten("M3,0A3,3 0 1,1 0,-3A3,3 0 0,1 3,0Z");
  for (const [x, y] of circle) assertAlmostEquals(Math.hypot(x, y), 3, 1e-12);
  assertAlmostEquals(polyline("M3,0A3,3 0 1,1 0,-3A3,3 0 0,1 3,0Z").lengths.at(-1)!, 6 * Math.PI, 0.1);
});

Deno.test("the point some way along a path", () => {
  const line = polyline("M0,0H10V10");
  assertEquals([0, 5, 10, 12, 99].map((at) => pointAt(line, at)), [[0, 0], [5, 0], [10, 0], [10, 2], [
    10,
    10,
  ]]);
  assertEquals(pointAt(polyline(""), 3), [0, 0]);
});

Deno.test("transforms apply from the right, rotations about a point", () => {
  const box = { x0: 0, y0: 0, x1: 2, y1: 1 };
  assertEquals(transformBox(parseTransform("translate(10,20) scale(2)"), box), {
    x0: 10,
    y0: 20,
    x1: 14,
    y1: 22,
  });
  const turned = transformBox(parseTransform("rotate(90, 1, 1)"), box)!;
  assertAlmostEquals(turned.x0, 1);
  assertAlmostEquals(turned.y1, 2);
  assertEquals(compose(parseTransform("translate(1)"), parseTransform("matrix(1,0,0,1,2,3)")), [
    1,
    0,
    0,
    1,
    3,
    3,
  ]);
});

Deno.test("boxes: shapes, groups, hidden elements, text by its anchor", () => {
  const rect = element("rect", { x: "1", y: "2", width: "3", height: "4" });
  assertEquals(localBox(rect), { x0: 1, y0: 2, x1: 4, y1: 6 });
  const hidden = element("circle", { cx: "50", cy: "50", r: "5", style: "display: none" });
  const moved = element("g", { transform: "translate(10,0)" }, [element("path", { d: "M0,0L5,5" })]);
  assertEquals(localBox(element("g", {}, [rect, hidden, moved])), { x0: 1, y0: 0, x1: 15, y1: 6 });
  assertEquals(localBox(element("g", {})), null);
  const width = textWidth("word", 20);
  const text = localBox(
    element("text", { x: "100", y: "50", style: "font-size:20px;text-anchor:middle" }, ["word"]),
  )!;
  assertAlmostEquals(text.x0, 100 - width / 2);
  assertAlmostEquals(text.x1, 100 + width / 2);
  const lines = element("text", { style: "font-size:10px" }, [
    element("tspan", { class: "line", dy: "0em", x: "0", y: "0" }, ["one"]),
    element("tspan", { class: "line", dy: "1.3em", x: "0", y: "0" }, ["two"]),
  ]);
  assertAlmostEquals(localBox(lines)!.y1, 13 + 2.93);
});

Deno.test("widths of text grow with the size, the letters and the weight", () => {
  assertEquals(textWidth("", 12), 0);
  assertAlmostEquals(textWidth("ab", 24), 2 * textWidth("ab", 12));
  assertEquals(textWidth("m", 100) > 3 * textWidth("i", 100), true);
  assertEquals(textWidth("a", 12, true) > textWidth("a", 12), true);
});

Deno.test("encodePNG writes what a decoder reads", () => {
  const rgba = Uint8Array.of(
    255,
    0,
    0,
    255,
    0,
    255,
    0,
    128,
    0,
    0,
    255,
    0,
    1,
    2,
    3,
    4,
    5,
    6,
    7,
    8,
    9,
    10,
    11,
    12,
  );
  const image = decode(encodePNG(3, 2, rgba));
  assertEquals([image.width, image.height, Array.from(image.data)], [3, 2, Array.from(rgba)]);
});

Deno.test("the canvas fills rectangles, also backwards and over its edge", () => {
  const canvas = asCanvas({}) as {
    width: number;
    height: number;
    getContext(): CanvasContext;
    toDataURL(): string;
  };
  Object.assign(canvas, { width: 4, height: 2 });
  const context = canvas.getContext();
  context.fillStyle = "rgba(10, 20, 30, 1)";
  context.fillRect(2, 2, -1, -9);
  const image = decode(Uint8Array.fromBase64(canvas.toDataURL().split(",")[1]));
  const painted = Array.from({ length: 8 }, (_, i) => image.data[i * 4 + 3] > 0);
  assertEquals(painted, [false, true, false, false, false, true, false, false]);
  assertEquals(Array.from(context.getImageData(1, 0).data), [10, 20, 30, 255]);
  canvas.width = 1;
  assertEquals(canvas.getContext().pixels.length, 8);
});
