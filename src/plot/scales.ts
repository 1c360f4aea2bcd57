/**
 * Colour scales by name.
 * @module
 */

import { DIVERGING } from "./template.ts";
import type { Trace } from "./types.ts";

/**
 * A colour scale: a name, or places from 0 to 1 with colours.
 *
 * `Blues Greens Greys Oranges Reds YlGnBu YlOrRd` run from light to dark, as ink on paper. `Viridis` (the default) `Cividis Hot
 * Blackbody Electric Earth` run from dark to bright. `Bluered RdBu Picnic Portland Rainbow Jet` run from blue to red. A
 * name in any case is taken; with `_r` behind it the scale runs the other way. `diverging` is blue, white, vermilion, for
 * values around zero.
 */
export type ColorScale = string | readonly (readonly [number, string])[];

/** Evenly spaced colours from light to dark. */
function ramp(...colors: readonly string[]): ColorScale {
  return colors.map((color, i) => [i / (colors.length - 1), color]);
}

/** Scales of one hue. */
const OWN: Readonly<Record<string, ColorScale>> = {
  Blues: ramp("#f7fafd", "#c5ddf0", "#7db4da", "#2f7fb8", "#053e66"),
  Greens: ramp("#f6fbf7", "#c4e6d0", "#7cc79b", "#2b9468", "#06482f"),
  Greys: ramp("#ffffff", "#000000"),
  Oranges: ramp("#fef9f4", "#fbd8b4", "#f0a462", "#d0651c", "#6b2a04"),
  Reds: ramp("#fef7f6", "#f8cdc7", "#e88a80", "#c23b38", "#6a0d14"),
};

/** Plotly's own scales, and whether they run against the rule above. */
const NAMED: Readonly<Record<string, boolean>> = {
  YlGnBu: true,
  YlOrRd: true,
  Viridis: false,
  Cividis: false,
  Hot: false,
  Blackbody: false,
  Electric: false,
  Earth: false,
  Bluered: false,
  RdBu: false,
  Picnic: false,
  Portland: false,
  Rainbow: false,
  Jet: false,
};

/**
 * The part of a trace that says its colour scale.
 *
 * @param colors The scale.
 * @returns `colorscale`, and `reversescale` where plotly's runs the other way.
 * @throws {RangeError} If no scale has that name.
 */
export function scaleTrace(colors: ColorScale): Trace {
  if (typeof colors !== "string") return { colorscale: colors };
  const reversed = /_r$/i.test(colors);
  const wanted = colors.replace(/_r$/i, "").toLowerCase();
  if (wanted === "diverging") return { colorscale: DIVERGING, ...(reversed ? { reversescale: true } : {}) };
  const all = [...Object.keys(OWN), ...Object.keys(NAMED)];
  const name = all.find((known) => known.toLowerCase() === wanted);
  if (name === undefined) {
    const names = ["diverging", ...all].join(", ");
    throw new RangeError(`colors: there is no scale "${colors}", only ${names}`);
  }
  if (name in OWN) return { colorscale: OWN[name], ...(reversed ? { reversescale: true } : {}) };
  return { colorscale: name, ...(NAMED[name] !== reversed ? { reversescale: true } : {}) };
}

/** Whether a scale's middle stands for zero. */
export function isDiverging(colors: ColorScale): boolean {
  return typeof colors === "string" && /^diverging(_r)?$/i.test(colors);
}
