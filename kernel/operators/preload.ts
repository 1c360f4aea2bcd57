/**
 * Operators on tensors in scripts.
 *
 * ```sh
 * deno run --preload jsr:@dinograd/dinograd/operators script.js
 * ```
 *
 * In the script `3*x**2 + x`, `-x`, `x < 0` and, in place, `x -= 0.1 * g` work on tensors, and mean what JavaScript says on
 * everything else. So they do in every module that it imports from the disk, but not in packages (`npm:`, `jsr:`, `https:`,
 * `node_modules`) nor in workers. A file whose first lines say `// @operators off` is left alone.
 *
 * From a checkout it is `--preload PATH/kernel/operators/preload.ts`, and where an import map names the toolkit,
 * `--preload @dinograd/dinograd/operators`. A program that starts with the import of this module can load operator form with
 * `await import("./part.js")`.
 *
 * TypeScript does not know operators on objects: `deno check`, editors and `deno run --check` refuse `3 * x`, while plain
 * `deno run` does not ask. Write such files in JavaScript, or begin them with `// @ts-nocheck`. Deno reads scripts before this
 * module does and refuses `-x**2` without parentheses, which notebooks take for `-(x**2)`.
 *
 * Importing this module changes how the process loads modules.
 *
 * @module
 */

import { type LoadFnOutput, registerHooks } from "node:module";
import { moveSourceMap } from "./mappings.ts";
import { OperatorSyntaxError, rewriteOperators } from "./transform.ts";
import "./runtime.ts";

const TOOLKIT = new URL("../../", import.meta.url).href;
const CODE = /\.[cm]?[jt]sx?$/;
/** Where Deno keeps packages: npm/registry.example/name/1.2.3/file.js. */
const CACHED = /\/npm\/[^/]+\/(?:@[^/]+\/)?[^/]+\/\d+\.\d+\.\d+[^/]*\//;

/** Whether a module is one of the user's own files, in which operators work on tensors. */
export function isOwnModule(url: string): boolean {
  if (!url.startsWith("file:")) return false;
  const path = url.replace(/[?#].*$/, "");
  if (!CODE.test(path) || path.includes("/node_modules/") || CACHED.test(path)) return false;
  return !["src/", "kernel/", "mod.ts"].some((part) => path.startsWith(TOOLKIT + part));
}

function transformModule(url: string, loaded: LoadFnOutput): LoadFnOutput {
  const { source } = loaded;
  if (source === undefined || source === null) return loaded;
  const code = typeof source === "string" ? source : new TextDecoder().decode(source);
  try {
    const made = rewriteOperators(code);
    if (made.text === code) return loaded;
    return { ...loaded, source: moveSourceMap(made.text, (line, column) => made.column(line, column)) };
  } catch (error) {
    if (!(error instanceof OperatorSyntaxError)) throw error;
    const { message, line, column, frame } = error;
    throw new SyntaxError(`${message} at ${url}:${line}:${column}\n${frame}`);
  }
}

registerHooks({
  load(url, context, next) {
    const loaded = next(url, context);
    return isOwnModule(url) && context.importAttributes?.type === undefined
      ? transformModule(url, loaded)
      : loaded;
  },
});
