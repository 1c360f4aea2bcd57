/**
 * The text of plotly.js: run in-process for static pictures, and carried by pages for interactive ones.
 * @module
 */

const AS_TEXT: ImportCallOptions = { with: { type: "text" } };

let source: Promise<string> | undefined;

/**
 * The source of plotly.js (the build with the cartesian chart types, MIT licence).
 *
 * @returns The JavaScript text, read on the first call; no permission is needed.
 */
export function plotlySource(): Promise<string> {
  // The attributes are a variable because the registry's type stripper does not know text imports.
  source ??= import("npm:plotly.js-cartesian-dist-min@4.1.1/plotly-cartesian.min.js", AS_TEXT)
    .then((module) => module.default as unknown as string);
  return source;
}

let packed: Promise<string> | undefined;

/**
 * The same source, compressed for pages.
 *
 * @returns gzip in base64.
 */
export function plotlyGzip(): Promise<string> {
  packed ??= plotlySource().then(async (text) => {
    const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
    return new Uint8Array(await new Response(stream).arrayBuffer()).toBase64();
  });
  return packed;
}
