/**
 * Text that is made from another text by putting some in between, and which place of one is which of the other.
 *
 * @module
 */

/** A part of a made text: where it begins, the place of the source that it stands for, and whether it is a copy. */
type Piece = readonly [at: number, source: number, copied: boolean];

/** A text made by a {@linkcode Rewriter}. Both texts have the same lines. Lines and columns are counted from 0. */
export class Rewritten {
  /** The new text. */
  readonly text: string;
  readonly #source: string;
  readonly #pieces: readonly Piece[];
  #copied: readonly Piece[] | undefined;
  #lines: readonly [text: readonly number[], source: readonly number[]] | undefined;

  /** Takes what a {@linkcode Rewriter} has made; without pieces the text is the source. */
  constructor(source: string, text: string = source, pieces: readonly Piece[] = [[0, 0, true]]) {
    this.#source = source;
    this.text = text;
    this.#pieces = pieces;
  }

  /** The column in the source of a place in the new text. */
  sourceColumn(line: number, column: number): number {
    const [lines, sourceLines] = this.#starts();
    const at = lines[line] + column;
    const [start, end] = [sourceLines[line], sourceLines[line + 1] ?? Infinity];
    const found = findLast(this.#pieces, 0, at);
    if (found < 0) return column;
    const [from, source, copied] = this.#pieces[found];
    if (copied) return source + at - from - start;
    // What stands for something on another line is taken for what follows it.
    const place = [source, this.#pieces[found + 1]?.[1]].find((place) => start <= place && place < end);
    return (place ?? start) - start;
  }

  /** The column in the new text of a place in the source; of the next place that was copied, where this was not. */
  column(line: number, sourceColumn: number): number {
    const [lines, sourceLines] = this.#starts();
    const place = sourceLines[line] + sourceColumn;
    this.#copied ??= this.#pieces.filter((piece) => piece[2]);
    const [at, source] = this.#copied[Math.max(0, findLast(this.#copied, 1, place))] ?? [0, 0];
    return at + place - source - lines[line];
  }

  #starts(): readonly [readonly number[], readonly number[]] {
    return this.#lines ??= [lineStarts(this.text), lineStarts(this.#source)];
  }
}

/** The index of the last piece whose `at` or `source` is not beyond a place; -1 where there is none. */
function findLast(pieces: readonly Piece[], key: 0 | 1, place: number): number {
  let [low, high] = [-1, pieces.length - 1];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (pieces[middle][key] <= place) low = middle;
    else high = middle - 1;
  }
  return low;
}

function lineStarts(text: string): number[] {
  return [0, ...Array.from(text.matchAll(/\n/g), ({ index }) => index + 1)];
}

const WORD_END = /[\p{ID_Continue}$\u200c\u200d]$/u;
const WORD_START = /^[\p{ID_Start}$_]/u;

/** Copies a text from its beginning to its end, with changes. */
export class Rewriter {
  readonly #source: string;
  readonly #parts: string[] = [];
  readonly #pieces: [number, number, boolean][] = [];
  #length = 0;
  #at = 0;

  /** Starts at the beginning of a text. */
  constructor(source: string) {
    this.#source = source;
  }

  /** Copies what comes before a place. */
  copyTo(end: number): void {
    if (end > this.#at) this.#add(this.#source.slice(this.#at, end), this.#at, true);
    this.skipTo(end);
  }

  /** Leaves out what comes before a place. */
  skipTo(end: number): void {
    this.#at = end;
  }

  /** Writes a text, which stands for a place of the source: by default the one that has been reached. */
  write(text: string, place: number = this.#at): void {
    if (text === "") return;
    // `return-x` must not become `return__dg_ops.neg(x)`.
    const apart = WORD_START.test(text) && WORD_END.test(this.#parts.at(-1)?.slice(-2) ?? "");
    this.#add(apart ? ` ${text}` : text, place, false);
  }

  /** Writes a text in the place of the next token, which comes after a place. */
  replace(after: number, token: string, text: string): void {
    this.copyTo(this.skipTrivia(after));
    this.write(text);
    this.#at += token.length;
  }

  /** The place of the first character after a place that is neither white space nor in a comment. */
  skipTrivia(after: number): number {
    const trivia = /(?:\s+|\/\/.*|\/\*[^]*?\*\/)*/y;
    trivia.lastIndex = after;
    trivia.test(this.#source);
    return trivia.lastIndex;
  }

  /** Copies the rest. */
  finish(): Rewritten {
    this.copyTo(this.#source.length);
    return new Rewritten(this.#source, this.#parts.join(""), this.#pieces);
  }

  #add(text: string, place: number, copied: boolean): void {
    this.#pieces.push([this.#length, place, copied]);
    this.#parts.push(text);
    this.#length += text.length;
  }
}
