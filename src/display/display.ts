/**
 * Showing values, HTML and Markdown: inline in a notebook, as text in a terminal.
 * @module
 */

import { escapeHTML } from "./escape.ts";
import { DISPLAY, isDisplayable, type MimeBundle, MimeObject, plainBundle } from "./mime.ts";
import { notebookHost, sendDisplay } from "./notebook.ts";

/** A value as text, as console.log would print it but without colours. */
function inspect(value: unknown): string {
  return typeof value === "string" ? value : Deno.inspect(value, { colors: false });
}

function show(bundle: MimeBundle, value: unknown): Promise<void> {
  const host = notebookHost();
  if (host) return sendDisplay(host, plainBundle(bundle));
  console.log(typeof bundle["text/plain"] === "string" ? bundle["text/plain"] : inspect(value));
  return Promise.resolve();
}

/**
 * Shows a value now: in a notebook as an output of the running cell, also in the middle of it; elsewhere as
 * text on the console.
 *
 * A value whose picture is made synchronously is shown before this returns; await the promise for one whose
 * picture takes time, such as a figure.
 *
 * @param value Anything; objects with the `Jupyter.display` method show their rich form.
 * @returns A promise of the display being sent.
 */
export function display(value: unknown): Promise<void> {
  if (!isDisplayable(value)) return show({ "text/plain": inspect(value) }, value);
  const bundle = value[DISPLAY]();
  return bundle instanceof Promise ? bundle.then((ready) => show(ready, value)) : show(bundle, value);
}

/** HTML reduced to its text, for terminals. */
function textOf(source: string): string {
  return source
    .replace(/<(script|style)\b[\s\S]*?<\/\1\s*>/gi, "")
    .replace(/<br\s*\/?>|<\/(p|div|tr|li|h[1-6])>/gi, "\n")
    .replace(/<[^>]*>/g, "")
    .replace(/&(lt|gt|quot|#39|nbsp|amp);/g, (_, name) => TEXT_OF_ENTITY[name])
    .replace(/\n{3,}/g, "\n\n")
    .trim();
}

const TEXT_OF_ENTITY: Readonly<Record<string, string>> = {
  lt: "<",
  gt: ">",
  quot: '"',
  "#39": "'",
  nbsp: " ",
  amp: "&",
};

/**
 * HTML to show in a notebook: the last value of a cell, or given to {@linkcode display}.
 *
 * Called with a string, the string is taken as it is. As a template tag, the values put into it are escaped,
 * except those that are themselves made by `html`.
 *
 * @param source The HTML, or a template.
 * @param values The values of the template.
 * @returns An object that shows itself; its text form is the HTML without tags.
 * @example
 * ```ts
 * import { html } from "./display.ts";
 * const name = "a < b";
 * console.log(`${html`<b>${name}</b>`}`); // a < b
 * ```
 */
export function html(source: string | TemplateStringsArray, ...values: unknown[]): MimeObject {
  const text = typeof source === "string" ? source : source.reduce((done, part, i) => {
    const value = values[i - 1];
    return done + (value instanceof MimeObject ? sourceOf(value) : escapeHTML(String(value))) + part;
  });
  return new MimeObject({ "text/plain": textOf(text), "text/html": text });
}

function sourceOf(value: MimeObject): string {
  const bundle = value[DISPLAY]();
  return typeof bundle["text/html"] === "string" ? bundle["text/html"] : escapeHTML(value.toString());
}

/**
 * Markdown to show in a notebook: the last value of a cell, or given to {@linkcode display}.
 *
 * @param source The Markdown.
 * @returns An object that shows itself; its text form is the source.
 */
export function markdown(source: string): MimeObject {
  return new MimeObject({ "text/plain": source, "text/markdown": source });
}
