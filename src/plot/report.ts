/**
 * Reports: figures, pictures, tables and words on one page.
 * @module
 */

import { escapeHTML } from "../display/escape.ts";
import type { Figure } from "./figure.ts";
import { htmlPage, plotlyScript } from "./markup.ts";
import { extension, saveFile } from "./save.ts";

/** A table of a report. */
export interface ReportTable {
  /** The heads of the columns. */
  columns: readonly string[];
  /** The rows: text, or numbers, which stand to the right. */
  rows: readonly (readonly (string | number)[])[];
}

/** A section of a report; what is given is shown in the order below. */
export interface ReportSection {
  /** Its heading. */
  heading?: string;
  /** Paragraphs, separated by empty lines; `code` in backquotes, **strong** in double asterisks. */
  text?: string;
  /** Lines of a program or of its output. */
  code?: string;
  /** A figure. */
  figure?: Figure;
  /** An SVG document, for example a graph. */
  svg?: string;
  /** HTML, taken as it is. */
  html?: string;
  /** A table. */
  table?: ReportTable;
  /** A line under the figure, picture or table. */
  caption?: string;
}

/** Options of {@linkcode report}. */
export interface ReportOptions {
  /** The title of the page. */
  title: string;
  /** A sentence or two under the title. */
  lead?: string;
  /** The sections. */
  sections: readonly ReportSection[];
}

const STYLE = `
:root { --ink: #1f2933; --muted: #52606d; --line: #e1e6eb; --accent: #0072b2; }
* { box-sizing: border-box; }
body { margin: 0; color: var(--ink); background: #fff;
  font: 17px/1.6 "Open Sans", "Segoe UI", system-ui, -apple-system, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 3.5rem 1.25rem 5rem; }
h1 { font-size: 2.1rem; line-height: 1.2; margin: 0 0 .6rem; letter-spacing: -.015em; }
h2 { font-size: 1.3rem; line-height: 1.3; margin: 3rem 0 .6rem; padding-top: 1.4rem; border-top: 1px solid var(--line); }
p { margin: 0 0 1rem; max-width: 42rem; }
.lead { color: var(--muted); font-size: 1.12rem; margin-bottom: 2rem; }
figure { margin: 1.4rem 0; overflow-x: auto; }
figure svg, figure img { max-width: 100%; height: auto; }
figcaption { color: var(--muted); font-size: .86rem; line-height: 1.5; margin-top: .5rem; }
code { font: .88em/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; background: #f2f5f8;
  border-radius: 4px; padding: .1em .35em; }
pre, table { max-width: 100%; }
pre { background: #f6f8fa; border: 1px solid var(--line); border-radius: 8px; padding: .9rem 1.1rem; overflow-x: auto;
  line-height: 1.5; margin: 1.2rem 0; }
pre code { background: none; padding: 0; font-size: .84rem; }
table { border-collapse: collapse; font-size: .93rem; font-variant-numeric: tabular-nums; }
th { text-align: left; font-weight: 600; border-bottom: 2px solid var(--ink); padding: .35rem 1.2rem .35rem 0; }
td { border-bottom: 1px solid var(--line); padding: .35rem 1.2rem .35rem 0; }
.number { text-align: right; }
@media print { main { max-width: none; padding: 0; } h2 { break-after: avoid; } figure, table { break-inside: avoid; } }
`;

/** Paragraphs with `code` and **strong**. */
function paragraphs(text: string): string {
  return text.trim().split(/\n\s*\n/).map((paragraph) => {
    const inline = escapeHTML(paragraph.trim())
      .replace(/`([^`]+)`/g, "<code>$1</code>")
      .replace(/\*\*([^*]+)\*\*/g, "<strong>$1</strong>");
    return `<p>${inline}</p>`;
  }).join("\n");
}

function tableHTML({ columns, rows }: ReportTable): string {
  const width = columns.length;
  rows.forEach((row, i) => {
    if (row.length !== width) {
      throw new TypeError(`report: the table has ${width} columns, but row ${i} has ${row.length} cells`);
    }
  });
  const numeric = columns.map((_, j) => rows.length > 0 && rows.every((row) => typeof row[j] === "number"));
  const cell = (tag: "th" | "td") => (value: string | number, j: number): string =>
    `<${tag}${numeric[j] ? ' class="number"' : ""}>${escapeHTML(String(value))}</${tag}>`;
  const head = `<thead><tr>${columns.map(cell("th")).join("")}</tr></thead>`;
  const body = rows.map((row) => `<tr>${row.map(cell("td")).join("")}</tr>`).join("\n");
  return `<table>${head}<tbody>\n${body}\n</tbody></table>`;
}

/** An SVG document without the lines before its root, to stand in HTML. */
function inlineSVG(svg: string): string {
  const start = svg.indexOf("<svg");
  if (start < 0) throw new TypeError("report: svg must be an SVG document");
  return svg.slice(start);
}

async function sectionHTML(section: ReportSection): Promise<string> {
  const { heading, text, code, figure, svg, html, table, caption } = section;
  const shown = [
    figure ? await figure.toMarkup() : "",
    svg ? inlineSVG(svg) : "",
    html ?? "",
    table ? tableHTML(table) : "",
  ].filter(Boolean).join("\n");
  const under = caption ? `<figcaption>${paragraphs(caption)}</figcaption>` : "";
  return [
    "<section>",
    heading ? `<h2>${escapeHTML(heading)}</h2>` : "",
    text ? paragraphs(text) : "",
    code ? `<pre><code>${escapeHTML(code.replace(/\n+$/, ""))}</code></pre>` : "",
    shown || under ? `<figure>${shown}${under}</figure>` : "",
    "</section>",
  ].filter(Boolean).join("\n");
}

/** A page of sections. */
export class Report {
  /** The title of the page. */
  readonly title: string;
  readonly #options: ReportOptions;

  /**
   * Takes what the page shows.
   *
   * @param options Title and sections.
   */
  constructor(options: ReportOptions) {
    if (typeof options?.title !== "string") {
      throw new TypeError(`report: title must be a string, got ${typeof options?.title}`);
    }
    if (!Array.isArray(options.sections)) {
      throw new TypeError(`report: sections must be an array, got ${typeof options.sections}`);
    }
    this.title = options.title;
    this.#options = options;
  }

  /**
   * The report as a page that needs nothing else. Every figure is there as a picture, so that the page shows
   * without scripts, and comes alive with the plotly.js that the page carries once.
   *
   * @returns The document.
   */
  async toHTML(): Promise<string> {
    const { title, lead, sections } = this.#options;
    const parts: string[] = [];
    for (const section of sections) parts.push(await sectionHTML(section));
    const intro = lead ? `<div class="lead">${paragraphs(lead)}</div>` : "";
    const live = sections.some((section) => section.figure !== undefined);
    const body = `<main>\n<h1>${escapeHTML(title)}</h1>\n${intro}\n${parts.join("\n")}\n</main>`;
    return htmlPage(title, live ? `${body}\n${await plotlyScript()}` : body, STYLE);
  }

  /**
   * Writes the page to a file, which appears whole or not at all.
   *
   * @param path A path that ends in .html.
   * @throws {TypeError} If it ends otherwise.
   */
  async save(path: string | URL): Promise<void> {
    if (extension(path) !== ".html") throw new TypeError(`a report is saved as .html, got ${path}`);
    await saveFile(path, await this.toHTML());
  }
}

/**
 * A page of words, figures, pictures and tables.
 *
 * @param options Title and sections.
 * @returns The report; `save("page.html")` writes it.
 * @throws {TypeError} If the title is no string or the sections are no array.
 */
export function report(options: ReportOptions): Report {
  return new Report(options);
}
