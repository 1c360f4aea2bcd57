/**
 * A notebook as a page that any browser shows, without Jupyter.
 *
 * @module
 */

import type { JsonObject } from "./messages.ts";
import { type Cell, joinText, type MultilineText, type Notebook, type Output } from "./notebook.ts";

/** Options of {@linkcode notebookPage}. */
export interface PageOptions {
  /** The page's title. Default: the notebook's first heading, or "Notebook". */
  title?: string;
}

const STYLE = `
:root { color-scheme: light; --rule: #8884; --quiet: #888; --code: #8881; --bad: #d33; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; font: 16px/1.6 system-ui, sans-serif; }
pre, code { font: 0.875rem/1.45 ui-monospace, SFMono-Regular, Consolas, monospace; }
pre { margin: 0; overflow-x: auto; white-space: pre; }
code { background: var(--code); padding: 0.1em 0.3em; border-radius: 3px; }
pre code { background: none; padding: 0; }
.cell { display: grid; grid-template-columns: 3.5rem minmax(0, 1fr); margin: 0.75rem 0; }
.cell > .number { color: var(--quiet); font: 0.8rem/1.45 ui-monospace, monospace; padding: 0.65rem 0.5rem 0 0; text-align: right; }
.cell > .code, .text pre { background: var(--code); border: 1px solid var(--rule); border-radius: 4px; padding: 0.5rem 0.75rem; }
.cell > .outputs { grid-column: 2; min-width: 0; }
.output { margin: 0.5rem 0 0; overflow-x: auto; }
.output img, .output svg { max-width: 100%; }
.stderr, .error { border-left: 3px solid var(--bad); padding-left: 0.75rem; }
.text table { border-collapse: collapse; }
.text th, .text td { border: 1px solid var(--rule); padding: 0.25rem 0.75rem; }
.text img { max-width: 100%; }
math[display="block"] { margin: 1rem 0; }
blockquote { margin-left: 0; padding-left: 1rem; border-left: 3px solid var(--rule); }
@media (max-width: 40rem) { .cell { display: block; } .cell > .number { display: none; } }
`;

/**
 * The notebook as an HTML page: text, formulas, code, and the outputs as they are stored. HTML in text cells and
 * outputs is kept, scripts included, as the notebook's author meant it; all else is shown as it is written.
 */
export async function notebookPage(notebook: Notebook, options: PageOptions = {}): Promise<string> {
  const markdown = await markdownWriter();
  const heading = notebook.cells
    .filter((cell) => cell.cell_type === "markdown")
    .map((cell) => /^#\s+(.+)$/m.exec(joinText(cell.source))?.[1]).find((text) => text !== undefined);
  const title = options.title ?? heading ?? "Notebook";
  const language = languageOf(notebook);
  const body = notebook.cells.map((cell) => cellMarkup(cell, language, markdown)).join("\n");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title)}</title>
<style>${STYLE}</style>
</head>
<body>
${body}
</body>
</html>
`;
}

type Markdown = (text: string) => string;

function languageOf(notebook: Notebook): string {
  const info = notebook.metadata.language_info as JsonObject | undefined;
  return typeof info?.name === "string" ? info.name : "typescript";
}

function cellMarkup(cell: Cell, language: string, markdown: Markdown): string {
  const source = joinText(cell.source);
  if (cell.cell_type === "markdown") {
    return `<div class="text">${markdown(embed(source, cell.attachments))}</div>`;
  }
  if (cell.cell_type !== "code") return `<div class="text"><pre>${escape(source)}</pre></div>`;
  const outputs = (cell.outputs ?? []).map((output) => outputMarkup(output, markdown)).join("\n");
  if (source.trim() === "" && outputs === "") return "";
  return `<div class="cell">
<div class="number">${cell.execution_count ?? ""}</div>
<pre class="code"><code class="language-${escape(language)}">${escape(source)}</code></pre>
${outputs === "" ? "" : `<div class="outputs">\n${outputs}\n</div>`}
</div>`;
}

/** Files that are kept in the cell, such as pasted pictures, as data addresses. */
function embed(source: string, attachments: JsonObject | undefined): string {
  if (attachments === undefined) return source;
  return source.replace(/\(attachment:([^)\s]+)\)/g, (all, name) => {
    const bundle = attachments[decodeURIComponent(name)] as Record<string, MultilineText> | undefined;
    const [mime, data] = Object.entries(bundle ?? {})[0] ?? [];
    return mime === undefined || data === undefined ? all : `(data:${mime};base64,${joinText(data).trim()})`;
  });
}

function outputMarkup(output: Output, markdown: Markdown): string {
  const box = (kind: string, content: string) => `<div class="output ${kind}">${content}</div>`;
  const text = (value: string) => `<pre>${escape(withoutColors(value))}</pre>`;
  if (output.output_type === "stream") {
    return box(output.name === "stderr" ? "stderr" : "stdout", text(joinText(output.text ?? "")));
  }
  if (output.output_type === "error") {
    const traceback = output.traceback?.join("\n") ?? "";
    return box("error", text(traceback === "" ? `${output.ename}: ${output.evalue}` : traceback));
  }
  const read = (mime: string): string | undefined => {
    const value = output.data?.[mime];
    return typeof value === "string" || Array.isArray(value) ? joinText(value as MultilineText) : undefined;
  };
  const html = read("text/html");
  if (html !== undefined) return box("html", html);
  const svg = read("image/svg+xml");
  // As a picture, in which scripts do not run.
  if (svg !== undefined) return box("picture", image("image/svg+xml", toBase64(svg), read("text/plain")));
  for (const mime of ["image/png", "image/jpeg", "image/gif", "image/webp"]) {
    const data = read(mime);
    if (data !== undefined) return box("picture", image(mime, data, read("text/plain")));
  }
  const words = read("text/markdown") ?? read("text/latex");
  if (words !== undefined) return box("text", markdown(words));
  const plain = read("text/plain");
  if (plain !== undefined) return box("plain", text(plain));
  const [mime, value] = Object.entries(output.data ?? {})[0] ?? [];
  return mime === undefined ? "" : box("plain", text(`${mime}\n${JSON.stringify(value, null, 2)}`));
}

function image(mime: string, base64: string, words: string | undefined): string {
  return `<img src="data:${mime};base64,${escape(base64.replace(/\s+/g, ""))}" alt="${escape(words ?? "")}">`;
}

function toBase64(text: string): string {
  let binary = "";
  for (const byte of new TextEncoder().encode(text)) binary += String.fromCharCode(byte);
  return btoa(binary);
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll(
    '"',
    "&quot;",
  );
}

/** A terminal's colours mean nothing here. */
function withoutColors(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/\x1b\[[0-9;]*[A-Za-z]/g, "");
}

/** Markdown with formulas between dollars, as MathML, which browsers know by themselves. */
async function markdownWriter(): Promise<Markdown> {
  // Loaded here: no other command needs them.
  const [{ Marked }, { default: katex }] = await Promise.all([
    import("npm:marked@18.2.1"),
    import("npm:katex@0.19.1"),
  ]);
  const formula = (text: string, displayMode: boolean) =>
    katex.renderToString(text, { displayMode, output: "mathml", throwOnError: false });
  const marked = new Marked({
    extensions: [
      {
        name: "formula",
        level: "inline",
        start: (source: string) => source.indexOf("$"),
        tokenizer(source: string) {
          const block = /^\$\$([^]+?)\$\$/.exec(source);
          if (block) return { type: "formula", raw: block[0], text: block[1], display: true };
          // Not prices: no space inside of the dollars, no digit behind them.
          const inline = /^\$(?!\s)((?:\\.|[^\\$\n]|\n(?!\n))+?)(?<!\s)\$(?!\d)/.exec(source);
          if (inline) return { type: "formula", raw: inline[0], text: inline[1], display: false };
        },
        renderer: (token) => formula(token.text, token.display),
      },
      {
        name: "formulaBlock",
        level: "block",
        start: (source: string) => source.indexOf("$$"),
        tokenizer(source: string) {
          const block = /^\$\$([^]+?)\$\$[ \t]*(?:\n|$)/.exec(source);
          if (block) return { type: "formulaBlock", raw: block[0], text: block[1] };
        },
        renderer: (token) => formula(token.text, true),
      },
    ],
  });
  return (text) => marked.parse(text, { async: false });
}
