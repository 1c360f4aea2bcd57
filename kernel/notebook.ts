/**
 * Notebooks in nbformat 4: reading, and writing them as Jupyter does.
 *
 * In memory multi-line text may be one string or a list of lines; on disk it is always a list.
 *
 * @module
 */

import type { JsonObject } from "./messages.ts";

/** Text as nbformat allows it: a string, or the lines of it with their line ends. */
export type MultilineText = string | string[];

/** One output of a code cell. Which members it has depends on its type. */
export interface Output {
  /** Kind of output. */
  output_type: "stream" | "display_data" | "execute_result" | "error";
  /** Of a stream: `"stdout"` or `"stderr"`. */
  name?: string;
  /** Of a stream: what was printed. */
  text?: MultilineText;
  /** Of display_data and execute_result: the representations by MIME type. */
  data?: JsonObject;
  /** Of display_data and execute_result. */
  metadata?: JsonObject;
  /** Of execute_result: the cell's number. */
  execution_count?: number | null;
  /** Of an error: its name. */
  ename?: string;
  /** Of an error: its message. */
  evalue?: string;
  /** Of an error: lines to show. */
  traceback?: string[];
}

/** A cell of any type. */
export interface Cell {
  /** `"code"`, `"markdown"` or `"raw"`. */
  cell_type: string;
  /** Unique within the notebook; present from nbformat 4.5 on. */
  id?: string;
  /** The cell's text. */
  source: MultilineText;
  /** Tags and the like. */
  metadata: JsonObject;
  /** Of a code cell: its outputs. */
  outputs?: Output[];
  /** Of a code cell: its number in the order of execution. */
  execution_count?: number | null;
  /** Of a markdown cell: embedded files. */
  attachments?: JsonObject;
}

/** A notebook. */
export interface Notebook {
  /** The cells in their order. */
  cells: Cell[];
  /** Kernel, language and the like. */
  metadata: JsonObject;
  /** Always 4. */
  nbformat: number;
  /** Minor version of the format. */
  nbformat_minor: number;
}

/** The text as one string. */
export function joinText(text: MultilineText): string {
  return typeof text === "string" ? text : text.join("");
}

/** The text as lines, each but the last with its line end; none for the empty string. */
export function splitLines(text: string): string[] {
  return text === "" ? [] : text.split(/(?<=\n)/);
}

/** The tags of a cell. */
export function cellTags(cell: Cell): string[] {
  const { tags } = cell.metadata;
  return Array.isArray(tags) ? tags.filter((tag) => typeof tag === "string") : [];
}

/**
 * Parses a notebook's JSON and brings it to nbformat 4.5, in which every cell has an id.
 *
 * Throws TypeError for what is no notebook, RangeError for a format that is not 4.
 */
export function parseNotebook(text: string): Notebook {
  let notebook: Notebook;
  try {
    notebook = JSON.parse(text);
  } catch (error) {
    throw new TypeError(`the notebook is not JSON: ${(error as Error).message}`);
  }
  if (typeof notebook !== "object" || notebook === null || !Array.isArray(notebook.cells)) {
    throw new TypeError("the file is JSON but not a notebook: it has no list of cells");
  }
  if (notebook.nbformat !== 4) {
    throw new RangeError(`the notebook has format ${notebook.nbformat}, but only format 4 is understood`);
  }
  notebook.metadata ??= {};
  for (const [i, cell] of notebook.cells.entries()) {
    const isText = typeof cell?.source === "string" ||
      (Array.isArray(cell?.source) && cell.source.every((line) => typeof line === "string"));
    if (!isText) throw new TypeError(`cell ${i + 1} of the notebook has no source text`);
    cell.metadata ??= {};
  }
  return upgradeNotebook(notebook);
}

/** Gives each cell an id, in place, as nbformat 4.5 asks for; a later minor version is kept. */
export function upgradeNotebook(notebook: Notebook): Notebook {
  const taken = new Set(notebook.cells.map((cell) => cell.id));
  for (const cell of notebook.cells) {
    if (cell.id !== undefined) continue;
    do cell.id = crypto.randomUUID().slice(0, 8); while (taken.has(cell.id));
    taken.add(cell.id);
  }
  notebook.nbformat_minor = Math.max(notebook.nbformat_minor ?? 0, 5);
  return notebook;
}

/** A notebook's JSON as Jupyter writes it: text in lines, keys sorted, indented by one, so that diffs stay small. */
export function formatNotebook(notebook: Notebook): string {
  const cells = notebook.cells.map((cell) => ({
    ...cell,
    source: splitLines(joinText(cell.source)),
    ...(cell.cell_type === "code"
      ? { outputs: (cell.outputs ?? []).map(splitOutput), execution_count: cell.execution_count ?? null }
      : {}),
  }));
  return JSON.stringify(sortKeys({ ...notebook, cells }), null, 1) + "\n";
}

function splitOutput(output: Output): Output {
  if (output.text !== undefined) return { ...output, text: splitLines(joinText(output.text)) };
  if (output.data === undefined) return output;
  const data: JsonObject = {};
  for (const [mime, value] of Object.entries(output.data)) {
    const isText = mime.startsWith("text/") || mime === "image/svg+xml" || mime === "application/javascript";
    data[mime] = isText && typeof value === "string" ? splitLines(value) : value;
  }
  return { ...output, data };
}

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([, member]) => member !== undefined);
  entries.sort(([a], [b]) => a < b ? -1 : a > b ? 1 : 0);
  return Object.fromEntries(entries.map(([key, member]) => [key, sortKeys(member)]));
}

/** Writes a file under a temporary name and renames it, so that a reader finds the old text or the new, whole. */
export async function writeFileAtomically(path: string, text: string): Promise<void> {
  // A link stays a link: what it points to is replaced.
  const target = await Deno.realPath(path).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return path;
    throw error;
  });
  const temporary = `${target}.${crypto.randomUUID().slice(0, 8)}.tmp`;
  try {
    const mode = await Deno.stat(target).then((info) => info.mode ?? undefined, () => undefined);
    await Deno.writeTextFile(temporary, text, { createNew: true, mode });
    await Deno.rename(temporary, target);
  } catch (error) {
    await Deno.remove(temporary).catch(() => {});
    throw error;
  }
}
