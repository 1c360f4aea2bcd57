/**
 * Shows thrown errors: the message, the line of the cell with a mark under the place, and the frames that matter.
 *
 * @module
 */

import type { CellPlace, CellSources } from "./cells.ts";
import type { Thrown } from "./protocol.ts";

/** How errors are shown. */
export interface TracebackOptions {
  /** Where the toolkit's own modules are: their frames are shortened. */
  root: string;
  /** Whether every frame is shown as it is. */
  full?: boolean;
  /** Whether to colour it for a terminal, or a notebook, which understand the same codes. */
  colors?: boolean;
}

const CONTEXT = 2;
/** The widest line of code that is shown whole. */
const WIDEST = 160;

/** The lines of a thrown error, its causes included. */
export function formatThrown(thrown: Thrown, cells: CellSources, options: TracebackOptions): string[] {
  const red = (text: string) => options.colors ? `\x1b[31m${text}\x1b[39m` : text;
  const lines = red(cells.translate(thrown.title)).split("\n");
  const places = thrown.frames.map((frame) => cells.placeIn(frame)).filter((place) =>
    place?.line !== undefined
  );
  const inner = places[0];
  const outer = places.at(-1);
  const foreign = outer !== undefined && outer.lines !== inner!.lines;
  if (inner !== undefined) lines.push(foreign ? `in ${inner.cell}` : "", ...excerpt(inner, CONTEXT, red));
  if (outer !== undefined && (foreign || outer.line !== inner!.line)) {
    lines.push(foreign ? `called from ${outer.cell}` : "called from", ...excerpt(outer, 0, red));
  }
  const frames = shortenFrames(thrown.frames, options).map((frame) => cells.translate(frame));
  if (frames.length > 0) lines.push(...(inner === undefined ? [] : [""]), ...frames);
  if (thrown.properties !== undefined) lines.push(...cells.translate(thrown.properties).split("\n"));
  for (const [i, error] of (thrown.errors ?? []).entries()) {
    const nested = formatThrown(error, cells, options).map((line) => line === "" ? "" : `  ${line}`);
    lines.push("", `Error ${i + 1} of ${thrown.errors!.length}:`, ...nested);
  }
  if (thrown.cause !== undefined) {
    const [first, ...rest] = formatThrown(thrown.cause, cells, options);
    lines.push("", `Caused by: ${first}`, ...rest);
  }
  return lines;
}

/** Some lines of a cell around a place, which is pointed at. */
function excerpt(place: CellPlace, context: number, red: (text: string) => string): string[] {
  const at = place.line! - 1;
  let from = Math.max(0, at - context);
  let to = Math.min(place.lines.length - 1, at + context);
  while (place.lines[from].trim() === "" && from < at) from++;
  while (place.lines[to].trim() === "" && to > at) to--;
  const width = String(to + 1).length;
  const out: string[] = [];
  for (let i = from; i <= to; i++) {
    const text = place.lines[i];
    const shown = text.length > WIDEST ? `${text.slice(0, WIDEST)}...` : text;
    out.push(`${i === at ? red("  >") : "   "} ${String(i + 1).padStart(width)} | ${shown}`.trimEnd());
    if (i !== at || place.column === undefined || place.column > WIDEST) continue;
    // Tabs stay tabs, so that the mark stands where the eye finds it.
    const indent = text.slice(0, place.column - 1).replace(/[^\t]/g, " ");
    out.push(`    ${" ".repeat(width)} | ${indent}${red("^")}`);
  }
  return out;
}

/** Leaves of a stack's frames what helps whoever wrote the cell. */
export function shortenFrames(frames: readonly string[], options: TracebackOptions): string[] {
  if (options.full) return [...frames];
  const kernel = `${options.root}kernel/`;
  const isToolkit = (frame: string) => frame.includes(options.root) && !/\/(notebooks|tests)\//.test(frame);
  const isInside = (frame: string) =>
    frame.includes(kernel) || /\((?:ext|node):|at (?:async )?(?:ext|node):/.test(frame);
  const isOthers = (frame: string) => !isToolkit(frame) && !isInside(frame) && !frame.includes("<anonymous>");
  const last = frames.findLastIndex(isOthers);
  // Nothing of the user's: the error comes from the inside, where every frame counts.
  if (last < 0) return collapse(frames.map((frame) => frame.replace(options.root, "dinograd/")));
  const out: string[] = [];
  let deeper = 0;
  for (const [i, frame] of frames.slice(0, last + 1).entries()) {
    if (isInside(frame)) continue;
    if (!isToolkit(frame)) {
      out.push(frame);
      continue;
    }
    const next = frames.slice(i + 1).find((other) => !isInside(other));
    if (next !== undefined && isToolkit(next)) {
      deeper++;
      continue;
    }
    const more = deeper === 0 ? "" : ` and ${deeper} call${deeper === 1 ? "" : "s"} inside`;
    out.push(frame.replace(options.root, "dinograd/") + more);
    deeper = 0;
  }
  return collapse(out);
}

/** Tells a frame that repeats, as in endless recursion, once. */
function collapse(frames: readonly string[]): string[] {
  const out: string[] = [];
  for (let i = 0; i < frames.length;) {
    let end = i + 1;
    while (end < frames.length && frames[end] === frames[i]) end++;
    out.push(frames[i]);
    if (end - i === 2) out.push(frames[i]);
    else if (end - i > 2) out.push(`    ... and ${end - i - 1} times more`);
    i = end;
  }
  return out;
}

/** A thrown value of which only the stack is known, as text in lines; `title` stands in for an empty one. */
export function parseStack(traceback: readonly string[], title: string): Thrown {
  const first = traceback.findIndex((line) => /^\s+at /.test(line));
  const head = traceback.slice(0, first < 0 ? undefined : first).join("\n");
  return { title: head === "" ? title : head, frames: first < 0 ? [] : traceback.slice(first) };
}
