/**
 * Opens a page in Chromium (a notebook made HTML, a saved report) and sees whether its plots are drawn.
 *
 * Usage: `deno run -A tests/browser/notebook_screenshot.ts PAGE [--out FILE.png] [--count N] [--timeout SECONDS]`
 *
 * PAGE is a file or an address. Waits until plotly has drawn its `.main-svg`, takes a picture, and looks at the
 * pixels inside each plot. Exit status 1 if fewer than N plots (default 1) are there or one is blank. The browser is
 * DINOGRAD_CHROMIUM, or /usr/bin/chromium.
 *
 * @module
 */

import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { pathToFileURL } from "node:url";
import type { ElementHandle, Page } from "npm:playwright-core@1.64.1";

/** The browser that is used. */
export function browserPath(): string {
  return Deno.env.get("DINOGRAD_CHROMIUM") ?? "/usr/bin/chromium";
}

/** What was found in one plot. */
export interface PlotPicture {
  /** Width of the drawing area in pixels. */
  width: number;
  /** Height of the drawing area in pixels. */
  height: number;
  /** Part of the pixels with a colour, as against white, grey and black. */
  coloured: number;
  /** Number of clearly different shades. */
  shades: number;
  /** Whether nothing but a background, a grid and labels is there. */
  blank: boolean;
}

/** What was found on a page. */
export interface PageReport {
  /** One entry a plot. */
  plots: PlotPicture[];
  /** What the page's scripts complained about. */
  errors: string[];
}

/** Options of {@linkcode inspectPage}. */
export interface InspectOptions {
  /** Where to save a picture of the whole page. */
  out?: string;
  /** How many plots to wait for. Default: 1. */
  count?: number;
  /** How long to wait for them, in milliseconds. Default: 30,000. */
  timeoutMilliseconds?: number;
}

const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** The part of a page that plotly fills; an element that takes part in the drawing is inside. */
const DRAWN = ".js-plotly-plot .main-svg";

/** Opens a page and looks at its plots. Fewer than asked for, after the time is up, are no error: count them. */
export async function inspectPage(address: string, options: InspectOptions = {}): Promise<PageReport> {
  return await withBrowser(async (page) => {
    const errors: string[] = [];
    page.on("pageerror", (error) => errors.push(error.message));
    await page.goto(address);
    await waitForPlots(page, options.count ?? 1, options.timeoutMilliseconds ?? 30_000);
    if (options.out !== undefined) await page.screenshot({ path: options.out, fullPage: true });
    return { plots: await lookAtPlots(page), errors };
  });
}

/** What is drawn in each of a page's plots. */
export async function lookAtPlots(page: Page): Promise<PlotPicture[]> {
  const plots: PlotPicture[] = [];
  for (const plot of await page.$$(".js-plotly-plot")) {
    if (await plot.$(".main-svg") !== null) plots.push(await look(page, plot));
  }
  return plots;
}

/** Opens an empty page in a browser without a history, and closes the browser in the end. */
export async function withBrowser<T>(use: (page: Page) => Promise<T>): Promise<T> {
  // Loaded here, because the library asks for permissions as soon as it is imported.
  const { chromium } = await import("npm:playwright-core@1.64.1");
  const profile = await Deno.makeTempDir({ prefix: "dinograd-browser-" });
  try {
    const context = await chromium.launchPersistentContext(profile, {
      executablePath: browserPath(),
      args: FLAGS,
      viewport: { width: 1000, height: 800 },
    });
    try {
      return await use(await context.newPage());
    } finally {
      await context.close();
    }
  } finally {
    // The browser's last helper may still be writing.
    await new Promise((resolve) => setTimeout(resolve, 50));
    await Deno.remove(profile, { recursive: true }).catch(() => {});
  }
}

/** Waits until enough plots are there and their drawing has come to rest. */
export async function waitForPlots(page: Page, count: number, milliseconds: number): Promise<void> {
  const deadline = performance.now() + milliseconds;
  let before = "";
  while (performance.now() < deadline) {
    const now = (await page.$$eval(DRAWN, (all) => all.map((svg) => svg.outerHTML.length))).join();
    const plots = await page.$$eval(".js-plotly-plot:has(.main-svg)", (all) => all.length);
    if (plots >= count && now === before) return;
    before = now;
    await page.waitForTimeout(200);
  }
}

/** Takes a picture of a plot's drawing area, or of another element, and counts its colours. */
export async function look(page: Page, plot: ElementHandle): Promise<PlotPicture> {
  const area = await plot.$(".draglayer .nsewdrag") ?? await plot.$(".main-svg") ?? plot;
  await area.scrollIntoViewIfNeeded();
  const box = await area.boundingBox();
  if (box === null || box.width < 1 || box.height < 1) {
    return { width: 0, height: 0, coloured: 0, shades: 0, blank: true };
  }
  const png = await page.screenshot({ clip: box });
  // The browser itself unpacks the picture: no image library is needed here.
  const blankPage = await page.context().newPage();
  try {
    const counts = await blankPage.evaluate(COUNT_COLOURS, png.toString("base64")) as {
      coloured: number;
      shades: number;
    };
    // An empty plot has a background, a grid and their blends, all nearly grey.
    const blank = counts.coloured < 0.0005 && counts.shades < 12;
    return { width: box.width, height: box.height, ...counts, blank };
  } finally {
    await blankPage.close();
  }
}

/** Runs in the browser: the share of coloured pixels, and the number of shades, rounded to 32 levels a channel. */
const COUNT_COLOURS = async (base64: string): Promise<{ coloured: number; shades: number }> => {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  // deno-lint-ignore no-explicit-any
  const browser = globalThis as any;
  const bitmap = await browser.createImageBitmap(new Blob([bytes], { type: "image/png" }));
  const canvas = new browser.OffscreenCanvas(bitmap.width, bitmap.height);
  const context = canvas.getContext("2d");
  context.drawImage(bitmap, 0, 0);
  const { data } = context.getImageData(0, 0, bitmap.width, bitmap.height);
  const shades = new Map<number, number>();
  let coloured = 0;
  for (let i = 0; i < data.length; i += 4) {
    const [r, g, b] = [data[i], data[i + 1], data[i + 2]];
    if (Math.max(r, g, b) - Math.min(r, g, b) > 40) coloured++;
    const shade = (r >> 3) << 10 | (g >> 3) << 5 | b >> 3;
    shades.set(shade, (shades.get(shade) ?? 0) + 1);
  }
  const pixels = data.length / 4;
  // A shade of a few pixels is the edge of a letter.
  const clear = [...shades.values()].filter((count) => count > pixels * 0.0005).length;
  return { coloured: coloured / pixels, shades: clear };
};

async function main(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { out: { type: "string" }, count: { type: "string" }, timeout: { type: "string" } },
  });
  const count = Number(values.count ?? 1);
  const timeout = Number(values.timeout ?? 30);
  if (positionals.length !== 1 || !Number.isInteger(count) || !(timeout > 0)) {
    console.error("usage: notebook_screenshot.ts PAGE [--out FILE.png] [--count N] [--timeout SECONDS]");
    return 2;
  }
  const [page] = positionals;
  const address = /^(https?|file):/.test(page) ? page : pathToFileURL(resolve(page)).href;
  const { plots, errors } = await inspectPage(address, {
    out: values.out,
    count,
    timeoutMilliseconds: timeout * 1000,
  });
  for (const error of errors) console.error(`the page's script says: ${error}`);
  for (const [i, plot] of plots.entries()) {
    const size = `${Math.round(plot.width)} x ${Math.round(plot.height)}`;
    const seen = `${(100 * plot.coloured).toFixed(2)} % coloured, ${plot.shades} shades`;
    console.log(`plot ${i + 1}: ${size}, ${seen}: ${plot.blank ? "BLANK" : "drawn"}`);
  }
  if (plots.length < count) console.error(`${plots.length} of ${count} plots are there`);
  return plots.length >= count && plots.every((plot) => !plot.blank) ? 0 : 1;
}

if (import.meta.main) {
  try {
    Deno.exit(await main(Deno.args));
  } catch (error) {
    console.error((error as Error).message);
    Deno.exit(1);
  }
}
