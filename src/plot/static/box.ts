/**
 * Boxes and transforms of SVG elements: what getBBox and getBoundingClientRect would say in a browser.
 * @module
 */

import { textWidth } from "./metrics.ts";
import { type Polyline, polyline } from "./path.ts";

/** What is read of a DOM node here. */
export interface DomNode {
  /** 1 for elements, 3 for text. */
  readonly nodeType: number;
  /** The tag. */
  readonly nodeName: string;
  /** The element this one is in. */
  readonly parentNode: DomNode | null;
  /** What is in this one. */
  readonly childNodes: Iterable<DomNode>;
  /** The text of a text node. */
  readonly data?: string;
  /** The vocabulary of an element. */
  readonly namespaceURI?: string | null;
  /** An attribute of an element. */
  getAttribute?(name: string): string | null;
}

/** A box; null stands for the box of nothing. */
export interface Box {
  /** Left edge. */
  readonly x0: number;
  /** Upper edge. */
  readonly y0: number;
  /** Right edge. */
  readonly x1: number;
  /** Lower edge. */
  readonly y1: number;
}

/** An affine map as in SVG's matrix(a, b, c, d, e, f). */
export type Affine = readonly [a: number, b: number, c: number, d: number, e: number, f: number];

/** The map that moves nothing. */
const IDENTITY: Affine = [1, 0, 0, 1, 0, 0];

/** Two maps, the right one first. */
export function compose(m: Affine, n: Affine): Affine {
  return [
    m[0] * n[0] + m[2] * n[1],
    m[1] * n[0] + m[3] * n[1],
    m[0] * n[2] + m[2] * n[3],
    m[1] * n[2] + m[3] * n[3],
    m[0] * n[4] + m[2] * n[5] + m[4],
    m[1] * n[4] + m[3] * n[5] + m[5],
  ];
}

/** The map of one function of a transform attribute. */
function affineOf(name: string, a: readonly number[]): Affine {
  if (name === "translate") return [1, 0, 0, 1, a[0] ?? 0, a[1] ?? 0];
  if (name === "scale") return [a[0], 0, 0, a[1] ?? a[0], 0, 0];
  if (name === "matrix") return [a[0], a[1], a[2], a[3], a[4], a[5]];
  if (name !== "rotate") return IDENTITY;
  const [cos, sin] = [Math.cos(a[0] * Math.PI / 180), Math.sin(a[0] * Math.PI / 180)];
  const [x, y] = [a[1] ?? 0, a[2] ?? 0];
  return compose(compose([1, 0, 0, 1, x, y], [cos, sin, -sin, cos, 0, 0]), [1, 0, 0, 1, -x, -y]);
}

/** The map of a transform attribute. */
export function parseTransform(transform: string | null | undefined): Affine {
  let map = IDENTITY;
  for (const [, name, args] of (transform ?? "").matchAll(/(\w+)\s*\(([^)]*)\)/g)) {
    map = compose(map, affineOf(name, args.split(/[\s,]+/).filter(Boolean).map(Number)));
  }
  return map;
}

/** The map from an element's coordinates to those of the page. */
export function pageTransform(el: DomNode): Affine {
  let map = IDENTITY;
  for (let node: DomNode | null = el; node?.getAttribute; node = node.parentNode) {
    map = compose(parseTransform(node.getAttribute("transform")), map);
  }
  return map;
}

/** The smallest box around both. */
function around(a: Box | null, b: Box | null): Box | null {
  if (!a || !b) return a ?? b;
  return {
    x0: Math.min(a.x0, b.x0),
    y0: Math.min(a.y0, b.y0),
    x1: Math.max(a.x1, b.x1),
    y1: Math.max(a.y1, b.y1),
  };
}

function boxOfPoints(points: Iterable<readonly [number, number]>): Box | null {
  let box: Box | null = null;
  for (const [x, y] of points) box = around(box, { x0: x, y0: y, x1: x, y1: y });
  return box;
}

/** The box around a mapped box. */
export function transformBox(m: Affine, box: Box | null): Box | null {
  if (!box || m === IDENTITY) return box;
  const corners = [[box.x0, box.y0], [box.x1, box.y0], [box.x0, box.y1], [box.x1, box.y1]];
  return boxOfPoints(
    corners.map(([x, y]) => [m[0] * x + m[2] * y + m[4], m[1] * x + m[3] * y + m[5]] as const),
  );
}

/** A property from the style or the attribute of an element or of the nearest one around it that has it. */
function styleOf(el: DomNode, name: string): string {
  for (let node: DomNode | null = el; node?.getAttribute; node = node.parentNode) {
    const style = node.getAttribute("style");
    const own = style?.match(new RegExp(`(?:^|;)\\s*${name}\\s*:\\s*([^;]+)`))?.[1].trim() ??
      node.getAttribute(name);
    if (own) return own;
  }
  return "";
}

/** A CSS length in pixels. */
function pixels(length: string, em: number): number {
  const value = parseFloat(length);
  if (Number.isNaN(value)) return em;
  if (length.endsWith("em")) return value * em;
  return length.endsWith("%") ? value / 100 * em : value;
}

const DEFAULT_FONT_SIZE = 12;
const ASCENT = 1.069;
const DESCENT = 0.293;

interface TextLine {
  readonly x: number;
  readonly y: number;
  width: number;
  size: number;
}

/** The box of a text element: of its lines, each a tspan of class "line", or of its one line. */
export function textBox(el: DomNode): Box | null {
  const lines: TextLine[] = [{ x: coordinate(el, "x"), y: coordinate(el, "y"), width: 0, size: 0 }];
  const measure = (node: DomNode): void => {
    const line = lines[lines.length - 1];
    if (node.nodeType === 3 && node.parentNode) {
      const size = pixels(styleOf(node.parentNode, "font-size"), DEFAULT_FONT_SIZE);
      const bold = /bold|[6-9]00/.test(styleOf(node.parentNode, "font-weight"));
      line.width += textWidth(node.data ?? "", size, bold);
      line.size = Math.max(line.size, size);
      return;
    }
    if (node.nodeName.toLowerCase() === "tspan" && node.getAttribute?.("class") === "line") {
      const size = pixels(styleOf(node, "font-size"), DEFAULT_FONT_SIZE);
      const y = Number(node.getAttribute("y") ?? line.y) + pixels(node.getAttribute("dy") ?? "0", size);
      lines.push({ x: Number(node.getAttribute("x") ?? line.x), y, width: 0, size: 0 });
    }
    for (const child of node.childNodes) measure(child);
  };
  for (const child of el.childNodes) measure(child);
  const anchor = styleOf(el, "text-anchor");
  const before = anchor === "middle" ? 0.5 : anchor === "end" ? 1 : 0;
  let box: Box | null = null;
  for (const { x, y, width, size } of lines) {
    if (width === 0) continue;
    const x0 = x - width * before;
    box = around(box, { x0, y0: y - size * ASCENT, x1: x0 + width, y1: y + size * DESCENT });
  }
  return box;
}

function coordinate(el: DomNode, name: string): number {
  return parseFloat(el.getAttribute?.(name) ?? "0") || 0;
}

const polylines = new WeakMap<DomNode, { d: string; line: Polyline }>();

/** The polyline of a path element, remembered while its data stays the same. */
export function polylineOf(el: DomNode): Polyline {
  const d = el.getAttribute?.("d") ?? "";
  const known = polylines.get(el);
  if (known?.d === d) return known.line;
  const line = polyline(d);
  polylines.set(el, { d, line });
  return line;
}

const UNDRAWN = new Set(["defs", "clippath", "style", "title", "lineargradient", "pattern", "filter"]);

/** The box of an element in its own coordinates, its own transform left out: getBBox. */
export function localBox(el: DomNode): Box | null {
  const tag = el.nodeName.toLowerCase();
  if (el.nodeType !== 1 || UNDRAWN.has(tag) || styleOf(el, "display") === "none") return null;
  const at = (name: string): number => coordinate(el, name);
  switch (tag) {
    case "text":
      return textBox(el);
    case "path":
      return boxOfPoints(polylineOf(el).points);
    case "rect":
    case "image":
      return { x0: at("x"), y0: at("y"), x1: at("x") + at("width"), y1: at("y") + at("height") };
    case "circle":
      return {
        x0: at("cx") - at("r"),
        y0: at("cy") - at("r"),
        x1: at("cx") + at("r"),
        y1: at("cy") + at("r"),
      };
    case "line":
      return boxOfPoints([[at("x1"), at("y1")], [at("x2"), at("y2")]]);
  }
  let box: Box | null = null;
  for (const child of el.childNodes) {
    if (child.nodeType !== 1) continue;
    box = around(box, transformBox(parseTransform(child.getAttribute?.("transform")), localBox(child)));
  }
  return box;
}
