/**
 * The cells that a kernel has run: what they are called, and which of their lines a stack means.
 *
 * @module
 */

import { stripTypeScriptTypes } from "node:module";
import { CELL_URL } from "./protocol.ts";
import { type Position, PrintedCode } from "./source_map.ts";

/** A place in a cell. */
export interface CellPlace extends Partial<Position> {
  /** What people call the cell: `cell [3]`. */
  cell: string;
  /** The cell's lines, as they were written. */
  lines: readonly string[];
}

/** One cell that was sent to the kernel. */
export interface CellSource {
  /** Its number in {@linkcode CellSources}. */
  id: number;
  /** The code to send: the cell's, with its name in a first line that only stacks show. */
  tagged: string;
  /** Its number in the notebook, once the kernel has told it. */
  count?: number;
}

/** The column in the written cell of a place in the code that was sent; lines and columns are counted from 0. */
export type ColumnOf = (line: number, column: number) => number;

interface Entry extends CellSource {
  lines: string[];
  /** The code that was sent in place of the written one, line by line. */
  sentLines: string[];
  /** How many characters stand before the code in its first line. */
  opening: number;
  columnOf?: ColumnOf;
  printed?: PrintedCode | null;
}

const PLACE = new RegExp(`${CELL_URL}(\\d+):(\\d+):(\\d+)`, "g");

/** All cells of a kernel's life: functions of any of them may throw at any time. */
export class CellSources {
  readonly #entries: Entry[] = [];

  /**
   * Takes a cell as written; `code` is what runs in its place, if that differs: it must have the same lines. Columns are
   * found by the words of the line unless `columnOf` knows them.
   */
  add(written: string, code: string = written, columnOf?: ColumnOf): CellSource {
    const id = this.#entries.length;
    const { opening, body } = wrapObject(code);
    const tagged = `//# sourceURL=${CELL_URL}${id}\n${body}`;
    const entry: Entry = {
      id,
      tagged,
      lines: written.split("\n"),
      sentLines: code.split("\n"),
      opening,
      columnOf,
    };
    if (opening > 0) entry.sentLines[0] = "(" + entry.sentLines[0];
    this.#entries.push(entry);
    return entry;
  }

  /** The written place that a place of the running code comes from: without a line where that is not known. */
  find(id: number, place: Position): CellPlace | undefined {
    const entry = this.#entries[id];
    if (entry === undefined) return undefined;
    const found: CellPlace = {
      cell: entry.count === undefined ? "cell" : `cell [${entry.count}]`,
      lines: entry.lines,
    };
    if (entry.printed === undefined) {
      try {
        entry.printed = new PrintedCode(entry.tagged);
      } catch {
        entry.printed = null;
      }
    }
    const original = entry.printed?.original(place);
    if (original === undefined || original.line < 2) return found;
    const line = original.line - 1;
    if (entry.lines[line - 1] === undefined) return found;
    const opening = line === 1 ? entry.opening : 0;
    const column = entry.columnOf === undefined
      ? writtenColumn(entry.lines[line - 1], entry.sentLines[line - 1], original.column)
      : entry.columnOf(line - 1, original.column - 1 - opening) + 1;
    return { ...found, line, column };
  }

  /** A text in which places of the running code are replaced with those of the cells as written. */
  translate(text: string): string {
    if (!text.includes(CELL_URL)) return text;
    return text.replace(PLACE, (all, id, line, column) => {
      const place = this.find(Number(id), { line: Number(line), column: Number(column) });
      if (place === undefined) return all;
      return [place.cell, place.line, place.line && place.column].filter((part) => part !== undefined).join(
        ":",
      );
    });
  }

  /** The places of the cells that one line of a stack names. */
  placeIn(frame: string): CellPlace | undefined {
    for (const [, id, line, column] of frame.matchAll(PLACE)) {
      return this.find(Number(id), { line: Number(line), column: Number(column) });
    }
    return undefined;
  }
}

/**
 * Deno's kernel takes a cell that begins with a brace for an object if it can. With the cell's name before it the
 * brace is not seen, so the parentheses are written here.
 */
function wrapObject(code: string): { opening: number; body: string } {
  const plain = { opening: 0, body: code };
  if (!code.trimStart().startsWith("{") || code.trimEnd().endsWith(";")) return plain;
  const body = `(${code}\n)`;
  try {
    stripTypeScriptTypes(body, { mode: "transform" });
    return { opening: 1, body };
  } catch {
    return plain;
  }
}

/** The column in the written line of a word in the line that was sent; undefined where the two differ too much. */
function writtenColumn(written: string, sent: string | undefined, column: number): number | undefined {
  if (written === sent) return column;
  const word = /^[\w$]+/.exec(sent?.slice(column - 1) ?? "")?.[0];
  if (word === undefined) return undefined;
  const columns = (line: string) =>
    [...line.matchAll(/[\w$]+/g)].filter(([text]) => text === word).map(({ index }) => index + 1);
  // The same words stand in the same order, among those that were added.
  const [before, after] = [columns(written), columns(sent!)];
  return before.length === after.length ? before[after.indexOf(column)] : undefined;
}
