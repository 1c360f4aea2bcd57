/**
 * SVG as PNG, without a browser.
 * @module
 */

import { fontFiles } from "./fonts.ts";

type Resvg = typeof import("npm:@resvg/resvg-wasm@2.6.2").Resvg;

let loaded: Promise<{ Resvg: Resvg; fonts: Uint8Array[] }> | undefined;

async function load(): Promise<{ Resvg: Resvg; fonts: Uint8Array[] }> {
  const { initWasm, Resvg } = await import("npm:@resvg/resvg-wasm@2.6.2");
  // A source-phase import gives the compiled module without reading a file, so that no permission is needed.
  // @ts-ignore TypeScript does not know import.source yet
  const module: WebAssembly.Module = await import.source("npm:@resvg/resvg-wasm@2.6.2/index_bg.wasm");
  await initWasm(module);
  return { Resvg, fonts: fontFiles() };
}

/** Options of {@linkcode rasterise}. */
export interface RasterOptions {
  /** Pixels of the image for a pixel of the SVG; 1 by default. */
  scale?: number;
  /** The colour behind the picture; white by default. */
  background?: string;
}

/**
 * Draws an SVG document as a PNG image. The first call loads the rasteriser (about a tenth of a second).
 *
 * @param svg The document. Text is set in Open Sans, with Greek letters and common mathematical symbols.
 * @param options Scale and background.
 * @returns The bytes of the file.
 */
export async function rasterise(svg: string, options: RasterOptions = {}): Promise<Uint8Array> {
  const { Resvg, fonts } = await (loaded ??= load());
  const drawing = new Resvg(svg, {
    fitTo: { mode: "zoom", value: options.scale ?? 1 },
    background: options.background ?? "#ffffff",
    font: { fontBuffers: fonts, defaultFontFamily: "Open Sans", sansSerifFamily: "Open Sans" },
  });
  try {
    const image = drawing.render();
    try {
      return image.asPng();
    } finally {
      image.free();
    }
  } finally {
    drawing.free();
  }
}
