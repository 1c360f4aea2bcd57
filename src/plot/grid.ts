/**
 * Several figures as panels of one.
 * @module
 */

import { Figure } from "./figure.ts";
import { layoutOf } from "./options.ts";
import { colouredTraces, hasColorBar } from "./palette.ts";
import { textWidth } from "./static/metrics.ts";
import { INK, LEGEND } from "./template.ts";
import type { Layout, PlotOptions, Trace } from "./types.ts";

/** Options of {@linkcode grid}. */
export interface GridOptions extends Pick<PlotOptions, "title" | "width" | "height"> {
  /** How wide the columns are against each other; all the same by default. */
  columns?: readonly number[];
}

/** A part of the picture in plotly's paper coordinates: 0 to 1, from the left and from below. */
interface Cell {
  readonly x0: number;
  readonly x1: number;
  readonly y0: number;
  readonly y1: number;
}

/** Pixels around and between panels. */
const MARGIN = { l: 64, r: 20, t: 44, b: 56 };
const TITLE = 34;
const GAP = { x: 74, y: 92 };
const PANEL = { width: 420, height: 320 };
const COLOR_BAR = 78;
const LEGEND_KEY = 52;

/** Axis ids in use, so that each panel gets its own: x, x2, x3, ... */
class Axes {
  #used: Record<"x" | "y", number> = { x: 0, y: 0 };

  next(letter: "x" | "y"): string {
    const n = ++this.#used[letter];
    return n === 1 ? letter : letter + n;
  }
}

function layoutKey(id: string): string {
  return `${id[0]}axis${id.slice(1)}`;
}

function object(value: unknown): Layout {
  return typeof value === "object" && value !== null ? value as Layout : {};
}

/** The ids of a figure's axes; x and y are always there. */
function axisIds(figure: Figure): string[] {
  const ids = new Set(["x", "y"]);
  for (const key of Object.keys(figure.layout)) {
    const found = /^([xy])axis(\d*)$/.exec(key);
    if (found) ids.add(found[1] + found[2]);
  }
  for (const trace of figure.data) {
    for (const id of [trace.xaxis, trace.yaxis]) if (typeof id === "string") ids.add(id);
  }
  return [...ids];
}

/** Pixels that a figure's legend takes to its right; 0 if it has none there. */
function legendWidth(figure: Figure): number {
  if (figure.layout.showlegend === false || object(figure.layout.legend).x !== undefined) return 0;
  const names = figure.data.filter((trace) => trace.showlegend === true).map((trace) => String(trace.name));
  return names.length ? LEGEND_KEY + Math.max(...names.map((name) => textWidth(name, 12))) : 0;
}

/** Puts one figure into a cell of the whole. */
class Placing {
  readonly #figure: Figure;
  readonly #cell: Cell;
  readonly #ids = new Map<string, string>();
  readonly #pixel: { readonly x: number; readonly y: number };

  constructor(figure: Figure, cell: Cell, axes: Axes, pixel: { readonly x: number; readonly y: number }) {
    this.#figure = figure;
    this.#pixel = pixel;
    const bar = figure.data.some(hasColorBar) ? COLOR_BAR : 0;
    const x1 = cell.x1 - (bar + legendWidth(figure)) * pixel.x;
    this.#cell = { ...cell, x1: Math.max(cell.x0 + 0.2 * (cell.x1 - cell.x0), x1) };
    for (const id of axisIds(figure)) this.#ids.set(id, axes.next(id[0] as "x" | "y"));
  }

  #x(x: number): number {
    return this.#cell.x0 + x * (this.#cell.x1 - this.#cell.x0);
  }

  #y(y: number): number {
    return this.#cell.y0 + y * (this.#cell.y1 - this.#cell.y0);
  }

  /** A reference to an axis ("x2", "x2 domain") under its new name; others as they are. */
  #ref(ref: unknown): unknown {
    if (typeof ref !== "string") return ref;
    const [id, ...rest] = ref.split(" ");
    return [this.#ids.get(id) ?? id, ...rest].join(" ");
  }

  axes(): Layout {
    const out: Layout = {};
    for (const [id, name] of this.#ids) {
      const axis = { ...object(this.#figure.layout[layoutKey(id)]) };
      const [from, to] = (axis.domain as [number, number] | undefined) ?? [0, 1];
      axis.domain = id[0] === "x" ? [this.#x(from), this.#x(to)] : [this.#y(from), this.#y(to)];
      axis.anchor = this.#ref(axis.anchor ?? (id[0] === "x" ? "y" : "x") + id.slice(1));
      for (const key of ["scaleanchor", "matches", "overlaying"]) {
        if (axis[key] !== undefined) axis[key] = this.#ref(axis[key]);
      }
      out[layoutKey(name)] = axis;
    }
    return out;
  }

  #colorBar(bar: Layout): Layout {
    if (bar.x !== undefined) {
      return {
        ...bar,
        x: this.#x(bar.x as number),
        y: this.#y(bar.y as number),
        len: this.#share(bar.len as number),
      };
    }
    const y = this.#y(0.5);
    return { ...bar, x: this.#cell.x1 + 8 * this.#pixel.x, xanchor: "left", y, len: this.#share(1) };
  }

  #share(length: number): number {
    return length * (this.#cell.y1 - this.#cell.y0);
  }

  traces(legend: string): Trace[] {
    // Each panel starts the palette anew.
    return colouredTraces(this.#figure.data).map((trace) => {
      const placed: Trace = {
        ...trace,
        xaxis: this.#ref(trace.xaxis ?? "x"),
        yaxis: this.#ref(trace.yaxis ?? "y"),
        legend: trace.legend === undefined ? legend : trace.legend,
      };
      const marker = object(trace.marker);
      if (trace.type === "heatmap" || trace.type === "contour") {
        placed.colorbar = this.#colorBar(object(trace.colorbar));
      }
      if (marker.showscale) placed.marker = { ...marker, colorbar: this.#colorBar(object(marker.colorbar)) };
      return placed;
    });
  }

  legend(): Layout {
    const own = object(this.#figure.layout.legend);
    if (own.x !== undefined) {
      return {
        ...LEGEND,
        ...own,
        x: this.#x(own.x as number),
        y: this.#y((own.y as number | undefined) ?? 1),
      };
    }
    const bar = this.#figure.data.some(hasColorBar) ? COLOR_BAR : 0;
    return {
      ...LEGEND,
      ...own,
      x: this.#cell.x1 + (bar + 6) * this.#pixel.x,
      xanchor: "left",
      y: this.#cell.y1,
      yanchor: "top",
    };
  }

  /** Shapes or annotations, moved with their panel. */
  decorations(name: "shapes" | "annotations"): Layout[] {
    const items = this.#figure.layout[name];
    return (Array.isArray(items) ? items as Layout[] : []).map((item) => {
      const moved: Layout = { ...item, xref: this.#ref(item.xref ?? "x"), yref: this.#ref(item.yref ?? "y") };
      for (const key of ["x", "x0", "x1"]) {
        if (item.xref === "paper" && typeof item[key] === "number") moved[key] = this.#x(item[key]);
      }
      for (const key of ["y", "y0", "y1"]) {
        if (item.yref === "paper" && typeof item[key] === "number") moved[key] = this.#y(item[key]);
      }
      for (const key of ["axref", "ayref"]) if (item[key] !== undefined) moved[key] = this.#ref(item[key]);
      return moved;
    });
  }

  /** The panel's title, above its upper left corner. */
  title(): Layout[] {
    const { title } = this.#figure.layout;
    const text = object(title).text ?? title;
    if (typeof text !== "string" || text === "") return [];
    const { y = 0 } = object(this.#figure.layout.legend) as { y?: number };
    return [{
      text: `<b>${text}</b>`,
      xref: "paper",
      yref: "paper",
      x: this.#cell.x0,
      y: this.#cell.y1,
      xanchor: "left",
      yanchor: "bottom",
      yshift: y > 1 ? 30 : 6,
      showarrow: false,
      font: { size: 14, color: INK },
    }];
  }
}

function checkRows(rows: unknown): (Figure | null)[][] {
  const list = Array.isArray(rows) ? rows : [];
  if (list.length === 0 || list.some((row) => !Array.isArray(row) || row.length === 0)) {
    throw new TypeError("grid: expected rows of figures, for example [[a, b], [c, d]]");
  }
  for (const [i, row] of list.entries()) {
    for (const [j, figure] of row.entries()) {
      if (figure !== null && !(figure instanceof Figure)) {
        throw new TypeError(`grid: expected a figure in row ${i}, column ${j}, got ${typeof figure}`);
      }
    }
  }
  return list;
}

/** The ends of equal or weighted parts of 0 to 1 with gaps between them. */
function parts(weights: readonly number[], gap: number): [number, number][] {
  const room = 1 - gap * (weights.length - 1);
  const sum = weights.reduce((a, b) => a + b, 0);
  let start = 0;
  return weights.map((weight) => {
    const part: [number, number] = [start, start + room * weight / sum];
    start = part[1] + gap;
    return part;
  });
}

/**
 * Several figures as panels of one.
 *
 * @param rows The figures, row by row; null leaves a panel empty. A grid may be a panel itself.
 * @param options Title, size, widths of the columns.
 * @returns The figure. The given ones are not changed.
 * @throws {TypeError} If something is no figure.
 * @example
 * ```ts
 * import { line } from "./charts.ts";
 * import { grid } from "./grid.ts";
 * const figure = grid([[line([1, 2, 3]), line([3, 2, 1])]], { title: "Up and down" });
 * console.log(String(figure)); // Figure "Up and down" (2 traces)
 * ```
 */
export function grid(rows: readonly (readonly (Figure | null)[])[], options: GridOptions = {}): Figure {
  const cells = checkRows(rows);
  const count = Math.max(...cells.map((row) => row.length));
  const weights = options.columns ?? new Array(count).fill(1);
  if (weights.length !== count || !weights.every((weight) => weight > 0)) {
    throw new RangeError(`grid: columns must be ${count} positive widths, got [${weights.join(", ")}]`);
  }
  const titled = cells[0].some((figure) => figure !== null && figure.title !== "");
  const raised = cells[0].some((figure) => (object(figure?.layout.legend).y as number ?? 0) > 1);
  const margin = {
    ...MARGIN,
    t: 20 + (options.title ? TITLE : 0) + (titled ? 24 : 0) + (raised ? 26 : 0),
  };
  const width = options.width ?? Math.min(1100, PANEL.width * count);
  const height = options.height ?? PANEL.height * cells.length + (margin.t - 20);
  const pixel = { x: 1 / (width - margin.l - margin.r), y: 1 / (height - margin.t - margin.b) };
  const across = parts(weights, GAP.x * pixel.x);
  const down = parts(cells.map(() => 1), GAP.y * pixel.y);
  const axes = new Axes();
  const data: Trace[] = [];
  const shapes: Layout[] = [];
  const annotations: Layout[] = [];
  const layout: Layout = { margin };
  let legends = 0;
  cells.forEach((row, i) =>
    row.forEach((figure, j) => {
      if (!figure) return;
      const [[x0, x1], [top, bottom]] = [across[j], down[i]];
      const placing = new Placing(figure, { x0, x1, y0: 1 - bottom, y1: 1 - top }, axes, pixel);
      const legend = ++legends === 1 ? "legend" : `legend${legends}`;
      data.push(...placing.traces(legend));
      Object.assign(layout, placing.axes());
      layout[legend] = placing.legend();
      shapes.push(...placing.decorations("shapes"));
      annotations.push(...placing.decorations("annotations"), ...placing.title());
    })
  );
  return new Figure(data, { ...layout, shapes, annotations }).update(
    { ...layoutOfTitle(options), width, height },
  );
}

function layoutOfTitle({ title }: GridOptions): Layout {
  return title === undefined ? {} : { title: layoutOf({ title }).title };
}
