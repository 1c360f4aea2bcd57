/**
 * Where plotly's toolbar stands: in the upper right corner, or lower where that would hide a title.
 * @module
 */

import { NARROWEST } from "./markup.ts";
import { textWidth } from "./static/metrics.ts";
import type { Layout } from "./types.ts";

/** Pixels that the toolbar takes from the right edge, and from the top. */
const TOOLBAR = { width: 190, height: 30 };

function object(value: unknown): Layout {
  return typeof value === "object" && value !== null ? value as Layout : {};
}

/** Pixels of the longest line of a text with plotly's markup. */
function widthOf(text: unknown, size: number): number {
  if (typeof text !== "string") return 0;
  const lines = text.split(/<br\s*\/?>/i).map((line) => line.replace(/<[^>]*>/g, "").replaceAll("&lt;", "<"));
  return Math.max(...lines.map((line) => textWidth(line, size, true)));
}

/**
 * The toolbar's place, so that it covers no title.
 *
 * @param layout The layout with its margins.
 * @param width Pixels across.
 * @returns Pixels from the top: 0 where the titles leave room, else the upper edge of the plot.
 */
export function toolbarTop(layout: Layout, width: number): number {
  const margin = object(layout.margin) as { l: number; r: number; t: number };
  const narrow = NARROWEST * width, room = narrow - margin.l - margin.r, free = narrow - TOOLBAR.width;
  const title = object(layout.title), font = object(title.font).size;
  const text = title.text ?? layout.title;
  if (margin.l + widthOf(text, typeof font === "number" ? font : 17) > free) return margin.t;
  // Panels have their titles in annotations above them, the upper ones beside the toolbar if there is no other title.
  if (typeof text === "string" && text !== "" || margin.t - 20 > TOOLBAR.height) return 0;
  const annotations = (Array.isArray(layout.annotations) ? layout.annotations : []).map(object);
  const beside = annotations.some((a) =>
    a.yref === "paper" && a.xref === "paper" && a.y === 1 && a.yanchor === "bottom" &&
    margin.l + (a.x as number) * room + widthOf(a.text, 14) > free
  );
  return beside ? margin.t : 0;
}
