/**
 * Fewer points where there are more than a picture can show.
 * @module
 */

import type { Trace } from "./types.ts";

/** How much of a figure to keep. */
export interface ThinLimits {
  /** Points of a line or scatter trace. */
  readonly points: number;
  /** Rows and columns of a heat map, each. */
  readonly side: number;
}

/** A figure's traces with fewer points. */
export interface Thinned {
  /** The traces; those that were small enough are the same objects. */
  readonly data: Trace[];
  /** What was left out, in words; empty if nothing was. */
  readonly note: string;
}

function isList(value: unknown): value is ArrayLike<number> {
  return Array.isArray(value) || ArrayBuffer.isView(value);
}

/** The positions of the least and the greatest value of each of equal runs: what a line's picture is made of. */
function extremes(y: ArrayLike<number>, limit: number): number[] {
  const kept = new Set<number>([0, y.length - 1]);
  const runs = Math.max(1, Math.floor(limit / 2) - 1);
  for (let run = 0; run < runs; run++) {
    const from = Math.floor(run * y.length / runs);
    const to = Math.floor((run + 1) * y.length / runs);
    let [low, high] = [from, from];
    for (let i = from; i < to; i++) {
      // A gap is kept as a gap.
      if (!Number.isFinite(y[i])) kept.add(i);
      else if (!(y[i] >= y[low])) low = i;
      else if (!(y[i] <= y[high])) high = i;
      if (kept.size > 2 * limit) break;
    }
    kept.add(low).add(high);
  }
  return [...kept].sort((a, b) => a - b);
}

/** Evenly spaced positions. */
function strided(length: number, limit: number): number[] {
  return Array.from({ length: limit }, (_, i) => Math.floor(i * length / limit));
}

/** The same structure with the arrays of `length` elements reduced to the given positions. */
function pick(value: unknown, length: number, positions: readonly number[]): unknown {
  if (isList(value)) return value.length === length ? positions.map((i) => value[i]) : value;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, pick(item, length, positions)]));
}

function thinPoints(trace: Trace, limit: number): Trace {
  const y = trace.y as ArrayLike<number>;
  const lines = String(trace.mode ?? "lines").includes("lines");
  const positions = lines ? extremes(y, limit) : strided(y.length, limit);
  const thinned = pick(trace, y.length, positions) as Trace;
  return thinned.x === undefined ? { ...thinned, x: positions } : thinned;
}

/** Means of blocks of rows and columns; empty cells do not count. */
function pool(z: readonly ArrayLike<number>[], side: number): number[][] {
  const [rows, columns] = [z.length, z[0].length];
  const [height, width] = [Math.min(side, rows), Math.min(side, columns)];
  const from = (i: number, parts: number, length: number): number => Math.floor(i * length / parts);
  return Array.from({ length: height }, (_, i) =>
    Array.from({ length: width }, (_, j) => {
      let [sum, count] = [0, 0];
      for (let r = from(i, height, rows); r < from(i + 1, height, rows); r++) {
        for (let c = from(j, width, columns); c < from(j + 1, width, columns); c++) {
          if (Number.isFinite(z[r][c])) [sum, count] = [sum + z[r][c], count + 1];
        }
      }
      return count ? sum / count : NaN;
    }));
}

/** The coordinates of the middles of blocks. */
function poolAxis(axis: unknown, length: number, side: number): number[] {
  const at = (i: number): number => isList(axis) ? Number(axis[Math.min(length - 1, i)]) : i;
  const parts = Math.min(side, length);
  return Array.from({ length: parts }, (_, i) => {
    const [first, last] = [Math.floor(i * length / parts), Math.floor((i + 1) * length / parts) - 1];
    return (at(first) + at(last)) / 2;
  });
}

function isGrid(z: unknown): z is ArrayLike<number>[] {
  return Array.isArray(z) && z.length > 0 && isList(z[0]);
}

/**
 * Reduces what is larger than a limit: lines to the extremes of each run of points, markers to evenly chosen ones,
 * heat maps to means of blocks.
 *
 * @param data The traces.
 * @param limits How much to keep.
 * @returns The reduced traces, and a note for the reader.
 */
export function thin(data: readonly Trace[], limits: ThinLimits): Thinned {
  const notes: string[] = [];
  const count = (n: number): string => n.toLocaleString("en-US");
  const thinned = data.map((trace): Trace => {
    const { y, z } = trace;
    if ((trace.type ?? "scatter") === "scatter" && isList(y) && y.length > limits.points) {
      const fewer = thinPoints(trace, limits.points);
      notes.push(`${count((fewer.y as number[]).length)} of ${count(y.length)} points`);
      return fewer;
    }
    if ((trace.type === "heatmap" || trace.type === "contour") && isGrid(z)) {
      const [rows, columns] = [z.length, z[0].length];
      if (Math.max(rows, columns) <= limits.side) return trace;
      const pooled = pool(z, limits.side);
      notes.push(`means of ${rows} × ${columns} values on a grid of ${pooled.length} × ${pooled[0].length}`);
      return {
        ...trace,
        z: pooled,
        x: poolAxis(trace.x, columns, limits.side),
        y: poolAxis(y, rows, limits.side),
        text: undefined,
      };
    }
    return trace;
  });
  return {
    data: thinned,
    note: notes.length ? `Shown here: ${notes.join("; ")}. Saved files hold them all.` : "",
  };
}
