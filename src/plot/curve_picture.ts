/**
 * Curves as small pictures that are made at once, for loops that leave no time to anything else: an SVG document, and a line
 * of text.
 * @module
 */

import { escapeHTML } from "../display/escape.ts";
import { short } from "./options.ts";
import { textWidth } from "./static/metrics.ts";
import { FONT, INK, MUTED, PALETTE } from "./template.ts";
import { extent } from "./values.ts";

/** A curve that grows. */
export interface Curve {
  /** Its name. */
  readonly name: string;
  /** Horizontal positions. */
  readonly x: readonly number[];
  /** The values. */
  readonly y: readonly number[];
}

/** What stands around curves. */
export interface CurveFrame {
  /** The title, "" for none. */
  readonly title: string;
  /** The titles of the axes. */
  readonly xLabel: string;
  /** The title of the vertical axis. */
  readonly yLabel: string;
  /** A logarithmic vertical axis. */
  readonly log: boolean;
  /** Pixels across. */
  readonly width: number;
  /** Pixels down. */
  readonly height: number;
}

const GRID = "#e7ebef", LINE = "#9aa5b1";

/** Whole multiples of 1, 2 or 5 times a power of ten between two numbers, about `count` of them. */
export function niceTicks(from: number, to: number, count: number): number[] {
  const rough = (to - from) / count, power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find((k) => k * power >= rough) ?? 10);
  const first = Math.ceil(from / step - 1e-9), last = Math.floor(to / step + 1e-9);
  return Array.from(
    { length: Math.max(0, last - first + 1) },
    (_, i) => Number(((first + i) * step).toPrecision(12)),
  );
}

/** Ticks of a logarithmic axis, in powers of ten: whole ones, or with 2 and 5 between where they are few. */
function logTicks(from: number, to: number): number[] {
  if (to - from > 6) return niceTicks(from, to, 5).filter(Number.isInteger);
  const all: number[] = [];
  for (let e = Math.floor(from); e <= to; e++) {
    for (const k of to - from < 2 ? [1, 2, 5] : [1]) all.push(e + Math.log10(k));
  }
  const inside = all.filter((v) => v >= from && v <= to);
  return inside.length >= 2 ? inside : [from, to];
}

function tickText(value: number, log: boolean): string {
  const v = Number((log ? 10 ** value : value).toPrecision(log ? 3 : 12)), size = Math.abs(v);
  if (v === 0 || (size >= 1e-3 && size < 1e7)) return String(v).replace("-", "−");
  return v.toExponential().replace("e+", "e").replaceAll("-", "−");
}

/** A little more than the extent of values; around 0 to 1 where there are none. */
function span(values: Iterable<number>, pad: number): [number, number] {
  const [low, high] = extent(values) ?? [0, 1];
  const room = (high - low) * pad || (low === high ? Math.max(Math.abs(low) * 0.1, 1e-12) : 0);
  return [low - room, high + room];
}

/** Points of a line, a few for each pixel across: the least and the greatest value of each. */
function pathOf(curve: Curve, px: (x: number) => number, py: (y: number) => number): string {
  let path = "", pen = false, column = NaN, low = 0, high = 0;
  const flush = (): void => {
    if (!Number.isNaN(column) && low !== high) {
      path += `L${column} ${low.toFixed(1)}L${column} ${high.toFixed(1)}`;
    }
  };
  curve.y.forEach((value, i) => {
    const x = Math.round(px(curve.x[i]) * 2) / 2, y = py(value);
    if (!Number.isFinite(y)) {
      flush();
      [pen, column] = [false, NaN];
      return;
    }
    if (x === column) {
      [low, high] = [Math.min(low, y), Math.max(high, y)];
      return;
    }
    flush();
    path += `${pen ? "L" : "M"}${x} ${y.toFixed(1)}`;
    [pen, column, low, high] = [true, x, y, y];
  });
  flush();
  return path;
}

/**
 * Curves in a frame.
 *
 * @param curves The curves.
 * @param frame Titles, axes, size.
 * @returns An SVG document, a few kilobytes however many points there are.
 */
export function curvesSVG(curves: readonly Curve[], frame: CurveFrame): string {
  const { width, height, log, title } = frame;
  const scale = (v: number): number => log ? (v > 0 ? Math.log10(v) : NaN) : v;
  const [y0, y1] = span(curves.flatMap((c) => [...extent(c.y.map(scale)) ?? []]), 0.05);
  const [xa, x1] = extent(curves.flatMap((c) => [...extent(c.x) ?? []])) ?? [0, 1],
    xb = x1 > xa ? x1 : xa + 1;
  const yTicks = log ? logTicks(y0, y1) : niceTicks(y0, y1, 5), xTicks = niceTicks(xa, xb, 6);
  const labels = yTicks.map((v) => tickText(v, log));
  const left = 34 + Math.max(0, ...labels.map((text) => textWidth(text, 12)));
  const [right, top, bottom] = [width - 20, title ? 56 : 34, height - 48];
  const px = (x: number): number => left + (x - xa) / (xb - xa || 1) * (right - left);
  const py = (y: number): number => bottom - (scale(y) - y0) / (y1 - y0 || 1) * (bottom - top);
  const text = (x: number, y: number, words: string, more: string): string =>
    `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${more}>${escapeHTML(words)}</text>`;
  const parts = [
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    title ? text(left, 26, title, `font-size="17" font-weight="600" fill="${INK}"`) : "",
  ];
  yTicks.forEach((v, i) => {
    const y = bottom - (v - y0) / (y1 - y0 || 1) * (bottom - top);
    parts.push(`<path d="M${left} ${y.toFixed(1)}H${right}" stroke="${GRID}"/>`);
    parts.push(text(left - 8, y + 4, labels[i], `text-anchor="end" fill="${MUTED}"`));
  });
  for (const v of xTicks) {
    const x = px(v);
    parts.push(`<path d="M${x.toFixed(1)} ${top}V${bottom}" stroke="${GRID}"/>`);
    parts.push(text(x, bottom + 18, tickText(v, false), `text-anchor="middle" fill="${MUTED}"`));
  }
  parts.push(`<path d="M${left} ${top}V${bottom}H${right}" stroke="${LINE}" fill="none"/>`);
  const middle = (top + bottom) / 2;
  parts.push(
    text((left + right) / 2, height - 10, frame.xLabel, `text-anchor="middle" font-size="13" fill="${INK}"`),
  );
  parts.push(
    text(
      16,
      middle,
      frame.yLabel,
      `text-anchor="middle" font-size="13" fill="${INK}" transform="rotate(-90 16 ${middle})"`,
    ),
  );
  let at = right;
  curves.map((curve, i) => [curve, PALETTE[i % PALETTE.length]] as const).reverse().forEach(
    ([curve, color]) => {
      const path = pathOf(curve, px, py);
      const last = curve.y.findLastIndex((v) => Number.isFinite(py(v)));
      if (last >= 0) {
        parts.push(
          `<path d="${path}" fill="none" stroke="${color}" stroke-width="2" stroke-linejoin="round"/>`,
        );
        parts.push(
          `<circle cx="${px(curve.x[last]).toFixed(1)}" cy="${
            py(curve.y[last]).toFixed(1)
          }" r="3.5" fill="${color}"/>`,
        );
      }
      // The legend, from right to left above the frame: names with their last values.
      const words = `${curve.name} ${curve.y.length ? short(curve.y[curve.y.length - 1]) : ""}`;
      const from = at - textWidth(words, 12) - 4;
      parts.push(text(from, top - 10, words, `fill="${INK}"`));
      parts.push(
        `<path d="M${(from - 22).toFixed(1)} ${top - 14}h16" stroke="${color}" stroke-width="2.5"/>`,
      );
      at = from - 34;
    },
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" ` +
    `font-family="${FONT}" font-size="12">${parts.join("")}</svg>`;
}

const BARS = "▁▂▃▄▅▆▇█";

/**
 * Values as a line of bars.
 *
 * @param values The values; gaps are left out.
 * @param count How many bars at most: each is the mean of a run of values.
 * @param log Whether heights go by the logarithm.
 * @returns The bars.
 */
export function sparkline(values: readonly number[], count: number, log: boolean): string {
  const scaled = values.map((v) => log ? (v > 0 ? Math.log10(v) : NaN) : v).filter(Number.isFinite);
  const bars = Math.min(count, scaled.length);
  const means = Array.from({ length: bars }, (_, i) => {
    const run = scaled.slice(
      Math.floor(i * scaled.length / bars),
      Math.floor((i + 1) * scaled.length / bars),
    );
    return run.reduce((a, b) => a + b, 0) / run.length;
  });
  const [low, high] = extent(means) ?? [0, 0];
  return means.map((v) => BARS[high > low ? Math.round((v - low) / (high - low) * (BARS.length - 1)) : 3])
    .join("");
}
