/**
 * Figures in HTML: the static picture, and the script that brings it to life where plotly.js is.
 * @module
 */

import { escapeHTML, escapeScriptJSON } from "../display/escape.ts";
import { plotlyGzip } from "./static/bundle.ts";

/**
 * A script element that carries plotly.js, compressed. It does nothing where `window.Plotly` is there already.
 *
 * @returns The HTML, about 660 kB.
 */
export async function plotlyScript(): Promise<string> {
  // AMD's define is hidden while the source runs: the classic notebook has one, and plotly would register there.
  return `<script>(function(w){if(w.Plotly||w.dinogradPlotly)return;w.dinogradPlotly=(async function(){` +
    `var b=Uint8Array.from(atob("${await plotlyGzip()}"),function(c){return c.charCodeAt(0)});` +
    `var s=new Blob([b]).stream().pipeThrough(new DecompressionStream("gzip"));` +
    `var t=await new Response(s).text(),d=w.define;w.define=undefined;` +
    `try{(0,eval)(t)}finally{w.define=d}})()})(window)</script>`;
}

/** How plotly behaves: nothing that sends data away, no logo, no selections, which lead nowhere here. */
export const PLOTLY_CONFIG: Readonly<Record<string, unknown>> = {
  responsive: true,
  displayModeBar: "hover",
  displaylogo: false,
  showSendToCloud: false,
  modeBarButtonsToRemove: ["select2d", "lasso2d"],
};

/** A part of its own width that a live figure keeps in a narrow place; beyond that the place scrolls. */
export const NARROWEST = 0.8;

/** A figure, ready for HTML. */
export interface FigureParts {
  /** What names the figure's elements: the same for the same figure. */
  readonly key: string;
  /** Data and layout as JSON; null for a picture that stays as it is. */
  readonly json: string | null;
  /** The static picture. */
  readonly png: Uint8Array;
  /** Pixels across. */
  readonly width: number;
  /** Pixels down. */
  readonly height: number;
  /** What the picture shows, for readers who cannot see it. */
  readonly alt: string;
  /** A line under the picture; "" for none. */
  readonly note: string;
  /** Where plotly's toolbar stands while the pointer is over the figure, in pixels from the top. */
  readonly toolbar: number;
}

/**
 * A figure as a piece of HTML.
 *
 * Elements are found by an attribute and not by an id, so that a figure shown twice on a page comes alive twice.
 *
 * @param parts The figure.
 * @returns A div that holds the static picture, and a script that waits for plotly.js and replaces it.
 */
export function figureMarkup(parts: FigureParts): string {
  const { key, json, width, height } = parts;
  const image = `<img alt="${escapeHTML(parts.alt)}" width="${width}" height="${height}" ` +
    `style="max-width:100%;height:auto" src="data:image/png;base64,${parts.png.toBase64()}">`;
  const note = parts.note
    ? `<div style="font:12px sans-serif;color:#52606d;max-width:${width}px">${escapeHTML(parts.note)}</div>`
    : "";
  const div =
    `<div data-dinograd="${key}" style="width:100%;max-width:${width}px;overflow-x:auto">${image}</div>${note}`;
  if (json === null) return div;
  return `${div}<script>(function(){var f=${escapeScriptJSON(json)},n=0;function go(){` +
    `if(!window.Plotly){if(n++<600)setTimeout(go,100);return}` +
    `document.querySelectorAll('[data-dinograd="${key}"]:not([data-live])').forEach(function(e){` +
    `e.setAttribute("data-live","");var i=e.firstElementChild,d=document.createElement("div");` +
    `d.style.minWidth="${Math.round(NARROWEST * width)}px";e.appendChild(d);if(i)i.style.display="none";` +
    `Plotly.newPlot(d,f.data,f.layout,${JSON.stringify(PLOTLY_CONFIG)})` +
    (parts.toolbar
      ? `.then(function(){d.querySelectorAll(".modebar-container").forEach(function(m){m.style.top="${parts.toolbar}px"})})`
      : "") +
    `.catch(function(){d.remove();if(i)i.style.display=""})})}go()})()</script>`;
}

/**
 * A complete HTML page.
 *
 * @param title Its title.
 * @param body The HTML of its body.
 * @param style Its style sheet.
 * @returns The document.
 */
export function htmlPage(title: string, body: string, style = "body{margin:16px}"): string {
  return `<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n` +
    `<meta name="viewport" content="width=device-width, initial-scale=1">\n` +
    `<title>${
      escapeHTML(title)
    }</title>\n<style>${style}</style>\n</head>\n<body>\n${body}\n</body>\n</html>\n`;
}
