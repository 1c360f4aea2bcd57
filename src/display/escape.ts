/**
 * Escaping: text from users goes into HTML, and JSON into scripts, only through here.
 * @module
 */

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/**
 * Text made safe for HTML, between tags and inside quoted attributes.
 *
 * @param text Any text.
 * @returns The same text with `& < > " '` as character references.
 * @example
 * ```ts
 * import { escapeHTML } from "./escape.ts";
 * console.log(escapeHTML("a < b")); // a &lt; b
 * ```
 */
export function escapeHTML(text: string): string {
  return text.replace(/[&<>"']/g, (c) => ENTITIES[c]);
}

/**
 * JSON that may stand inside a `<script>` element: no `<`, and none of the two line separators that older
 * script engines take as the end of a line.
 *
 * @param json Text that JSON.stringify gave.
 * @returns The same JSON value, spelt without `<`, U+2028 and U+2029.
 */
export function escapeScriptJSON(json: string): string {
  return json.replace(/[<\u2028\u2029]/g, (c) => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0"));
}
