/**
 * Tensors in notebooks: what they are, and their elements as a table, large ones by their corners and a heat map.
 *
 * Only the elements that are shown are read. Colours come from the page, so that light and dark ones both work.
 * @module
 */

import { escapeHTML } from "../display/escape.ts";
import type { MimeBundle } from "../display/mime.ts";
import { elementText } from "./format.ts";
import { type Grid, heatMap, legend, scaleOf } from "./heat_map.ts";
import { type Reader, withElements } from "./peek.ts";
import type { Tensor } from "./tensor.ts";

/** Up to what size a dimension is shown whole, and how many elements of a longer one are shown at each end. */
interface Limits {
  readonly whole: number;
  readonly edge: number;
}

/** For the one table of a vector or a matrix. */
const MATRIX: Limits = { whole: 12, edge: 4 };

/** For each of several slices. */
const SLICE: Limits = { whole: 7, edge: 3 };

/** Slices of a tensor of more than two dimensions that are shown as tables, and as heat maps. */
const TABLES = 3, MAPS = 8;

/** From here on slices are shown as heat maps. */
const MAP_FROM = 6;

/** Samples along a heat map's longer side, for a matrix, a vector, and one of several slices. */
const SAMPLES = { matrix: 64, vector: 128, slice: 32 };

/** Pixels of a heat map's longer side, and what the other is at least. */
const LENGTH = { matrix: 192, vector: 384, slice: 96 }, LEAST = { matrix: 48, vector: 12, slice: 12 };

const FONT = "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace";
const CELL = "text-align:right;padding:1px 7px;border:0;white-space:nowrap";
const INDEX = `${CELL};font-weight:normal;opacity:.55`;
const RULE = "1px solid rgba(128,128,128,.6)";
const ODD = `${CELL};background:rgba(217,72,15,.2);font-weight:bold`;

type Element = number | bigint;

/** Stands for indices that are left out. */
const GAP = -1;

/** The indices of a dimension that are shown. */
function shownIndices(size: number, { whole, edge }: Limits): number[] {
  if (size <= whole) return Array.from({ length: size }, (_, i) => i);
  return Array.from(
    { length: 2 * edge + 1 },
    (_, i) => i < edge ? i : i === edge ? GAP : size - 2 * edge - 1 + i,
  );
}

/** A matrix within a tensor: its last two dimensions at a row-major index, or a vector as one row. */
interface Matrix {
  readonly start: number;
  readonly rows: number;
  readonly columns: number;
}

/** Elements in the cells of a table; undefined in a gap. */
interface Table {
  readonly rows: readonly number[];
  readonly columns: readonly number[];
  readonly cells: readonly (readonly (Element | undefined)[])[];
}

function tableOf(read: Reader, { start, rows, columns }: Matrix, limits: Limits): Table {
  const down = shownIndices(rows, limits), across = shownIndices(columns, limits);
  const cells = down.map((r) =>
    across.map((c) => r === GAP || c === GAP ? undefined : read(start + r * columns + c))
  );
  return { rows: down, columns: across, cells };
}

/** The elements at evenly spaced places. */
function gridOf(read: Reader, { start, rows, columns }: Matrix, samples: number): Grid {
  const height = Math.min(rows, samples), width = Math.min(columns, samples);
  const values = new Float64Array(height * width);
  for (let y = 0; y < height; y++) {
    const row = start + Math.floor((y + 0.5) * rows / height) * columns;
    for (let x = 0; x < width; x++) {
      values[y * width + x] = Number(read(row + Math.floor((x + 0.5) * columns / width)));
    }
  }
  return { width, height, values };
}

function tableHTML(table: Table, text: (value: Element) => string, isVector: boolean): string {
  const { rows, columns, cells } = table;
  const heads = columns.map((c) => `<th style="${INDEX}">${c === GAP ? "⋯" : c}</th>`).join("");
  const corner = isVector ? "" : `<th style="${INDEX}"></th>`;
  const body = cells.map((row, i) => {
    const head = isVector
      ? ""
      : `<th style="${INDEX};border-right:${RULE}">${rows[i] === GAP ? "⋮" : rows[i]}</th>`;
    const data = row.map((value, j) => {
      if (value === undefined) {
        const dots = rows[i] !== GAP ? "⋯" : columns[j] !== GAP ? "⋮" : "⋱";
        return `<td style="${INDEX}">${dots}</td>`;
      }
      const odd = typeof value === "number" && !Number.isFinite(value);
      return `<td style="${odd ? ODD : CELL}">${escapeHTML(text(value))}</td>`;
    });
    return `<tr style="background:none">${head}${data.join("")}</tr>`;
  });
  return `<table style="border-collapse:collapse;font:inherit;color:inherit;margin:0;width:auto;border:0">` +
    `<thead style="border-bottom:${RULE}"><tr style="background:none">${corner}${heads}</tr></thead>` +
    `<tbody>${body.join("")}</tbody></table>`;
}

/** `float32 [3, 4] · cpu · grad_fn=<MulBackward0>` */
function headerOf(t: Tensor): string {
  const node = t.gradFn;
  return [
    ...t.isParameter ? ["Parameter"] : [],
    `${t.dtype} [${t.shape.join(", ")}]`,
    t.device,
    ...node !== null ? [`grad_fn=<${node.name()}>`] : t.requiresGrad ? ["requires_grad"] : [],
  ].join(" · ");
}

function elements(tables: readonly Table[]): Element[] {
  return tables.flatMap(({ cells }) => cells.flatMap((row) => row.filter((x) => x !== undefined)));
}

/** Pieces that stand beside each other where there is room. */
function beside(pieces: readonly string[]): string {
  const style = "display:inline-block;vertical-align:top;margin:0 18px 6px 0";
  return pieces.map((piece) => `<div style="${style}">${piece}</div>`).join("");
}

function label(text: string): string {
  return `<div style="opacity:.55">${text}</div>`;
}

/** A vector or a matrix. */
function flatHTML(t: Tensor, read: Reader): string {
  const isVector = t.ndim === 1;
  const matrix: Matrix = { start: 0, rows: isVector ? 1 : t.shape[0], columns: t.shape[t.ndim - 1] };
  const table = tableOf(read, matrix, MATRIX);
  const html = tableHTML(table, elementText(elements([table]), t.dtype), isVector);
  if (matrix.rows <= MATRIX.whole && matrix.columns <= MATRIX.whole) return html;
  const kind = isVector ? "vector" : "matrix";
  const grid = gridOf(read, matrix, SAMPLES[kind]), scale = scaleOf([grid]);
  const sampled = grid.height < matrix.rows || grid.width < matrix.columns;
  const note = sampled ? `${isVector ? "" : `${grid.height} × `}${grid.width} samples` : "";
  const map = `<div style="padding:5px 0 3px 1px">${heatMap(grid, scale, LENGTH[kind], LEAST[kind])}</div>` +
    legend(scale, [grid], note);
  return isVector ? html + map : beside([html, map]);
}

/** The indices that pick a slice. */
function sliceName(shape: readonly number[], number: number): string {
  const indices: number[] = [];
  for (let d = shape.length - 3; d >= 0; d--) {
    indices.unshift(number % shape[d]);
    number = Math.floor(number / shape[d]);
  }
  return `[${indices.join(", ")}]`;
}

/** More than two dimensions: the first slices. */
function deepHTML(t: Tensor, read: Reader): string {
  const [rows, columns] = t.shape.slice(-2), count = t.numel() / (rows * columns);
  const matrices = (n: number): Matrix[] =>
    Array.from({ length: Math.min(n, count) }, (_, i) => ({ start: i * rows * columns, rows, columns }));
  const drawn = rows >= MAP_FROM && columns >= MAP_FROM;
  const tables = matrices(drawn ? 1 : TABLES).map((matrix) => tableOf(read, matrix, SLICE));
  const text = elementText(elements(tables), t.dtype);
  const first = beside(
    tables.map((table, i) => label(sliceName(t.shape, i)) + tableHTML(table, text, false)),
  );
  const slices = (n: number) => n < count ? `first ${n} of ${count} slices` : "";
  if (!drawn) return `${first}<div style="opacity:.7;font-size:11px">${slices(tables.length)}</div>`;
  const grids = matrices(MAPS).map((matrix) => gridOf(read, matrix, SAMPLES.slice)), scale = scaleOf(grids);
  const pictures = beside(
    grids.map((grid, i) => label(sliceName(t.shape, i)) + heatMap(grid, scale, LENGTH.slice, LEAST.slice)),
  );
  const [{ width, height }] = grids;
  const notes = [
    slices(grids.length),
    width < columns || height < rows ? `${height} × ${width} samples each` : "",
  ];
  return `${first}<div>${pictures}</div>${legend(scale, grids, notes.filter((s) => s !== "").join(", "))}`;
}

function bodyOf(t: Tensor, read: Reader): string {
  if (t.numel() === 0) return `<div style="opacity:.7">no elements</div>`;
  if (t.ndim > 2) return deepHTML(t, read);
  if (t.ndim > 0) return flatHTML(t, read);
  const value = read(0);
  return `<div style="font-size:1.3em">${escapeHTML(elementText([value], t.dtype)(value))}</div>`;
}

/** A tensor for a notebook: PyTorch's text, and a card of at most about 30 kB in HTML. */
export function tensorBundle(t: Tensor): MimeBundle {
  return {
    "text/plain": t.toString(),
    "text/html": `<div style="font:13px/1.45 ${FONT};overflow-x:auto;color:inherit">` +
      `<div style="opacity:.7;margin-bottom:3px">${escapeHTML(headerOf(t))}</div>${
        withElements(t, (read) => bodyOf(t, read))
      }</div>`,
  };
}
