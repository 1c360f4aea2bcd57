/**
 * Where in a cell a position of the code that runs comes from.
 *
 * Deno's kernel prints a cell anew as JavaScript before it runs it: types go, literals are spread over lines. The same
 * printer is in `node:module`, with a source map; what remains is to treat imports and exports as the kernel does.
 *
 * @module
 */

import { stripTypeScriptTypes } from "node:module";

/** A place in a text, both counted from 1. */
export interface Position {
  /** The line. */
  line: number;
  /** The column, in UTF-16 units. */
  column: number;
}

/** Maps places of the printed code to the text it was printed from. */
export class PrintedCode {
  /** The printed code's lines. */
  readonly lines: readonly string[];
  /** For each printed line: triples of column, original line and original column, all from 0. */
  readonly #segments: readonly (readonly [number, number, number])[][];

  /** Prints code as the kernel does. Throws for code that does not parse. */
  constructor(code: string) {
    const printed = stripTypeScriptTypes(likeTheKernel(code), { mode: "transform", sourceMap: true });
    const at = printed.lastIndexOf("\n//# sourceMappingURL=");
    const map = JSON.parse(atob(printed.slice(printed.indexOf("base64,", at) + 7)));
    this.lines = printed.slice(0, at).split("\n");
    this.#segments = decodeMappings(map.mappings);
  }

  /** The original of a printed place: that of the nearest token at or before it. Undefined where there is none. */
  original(place: Position): Position | undefined {
    const printed = this.lines[place.line - 1];
    if (printed === undefined || place.column > printed.length) return undefined;
    const found = this.#segments[place.line - 1]?.findLast(([column]) => column < place.column);
    return found && { line: found[1] + 1, column: found[2] + 1 };
  }
}

/** Comments, which the kernel drops in front of an import or export, unless they open the cell. */
const COMMENTS = String.raw`(?<=^|;)((?:[ \t]*(?:\/\/[^\n]*|\/\*[^]*?\*\/)?[ \t]*\n)*[ \t]*)`;
const IMPORT = new RegExp(
  String.raw`${COMMENTS}import\b(?!\s*[(.])([^'"();=]*?)(?:\bfrom\b)?\s*(['"])([^'"\n]*)\3` +
    String.raw`(?:\s*with\s*\{[^}]*\})?[ \t]*;?`,
  "gm",
);
const EXPORT = new RegExp(
  String
    .raw`${COMMENTS}export(?=\s+(?:const|let|var|function|class|async|enum|abstract|interface|type|namespace)\b)`,
  "gm",
);

/** Turns imports into the declarations, and exports into the plain statements, that the kernel makes of them. */
function likeTheKernel(code: string): string {
  // What is replaced keeps its lines, so that the rest keeps its places.
  const opening = (before: string, at: number) => at === 0 ? before : before.replace(/.*\n/g, "\n");
  const lines = (text: string) => text.replace(/[^\n]/g, "");
  return code
    .replace(IMPORT, (all, before: string, clause: string, _quote, specifier: string, at: number) => {
      const start = opening(before, at);
      const end = lines(all.slice(before.length));
      const what = clause.replace(/\/\/[^\n]*|\/\*[^]*?\*\//g, "").trim();
      if (/^type\s+[\w$*{]/.test(what)) return start + end;
      return `${start}${declaration(what)}await import(${JSON.stringify(specifier)});${end}`;
    })
    .replace(EXPORT, (_all, before: string, at: number) => opening(before, at) + "      ");
}

/** `a, { b as c }` as `const { default: a, b: c } = `. */
function declaration(clause: string): string {
  if (clause === "") return "";
  const namespace = /^\*\s*as\s+([\w$]+)$/.exec(clause);
  if (namespace !== null) return `const ${namespace[1]} = `;
  const [, whole, braces] = /^([\w$]*)[\s,]*(?:\{([^}]*)\})?/.exec(clause)!;
  const names = (braces ?? "").split(",").map((name) => name.trim())
    .filter((name) => name !== "" && !/^type\s+[\w$]/.test(name))
    .map((name) => name.replace(/\s+as\s+/, ": "));
  if (whole !== "") names.unshift(`default: ${whole}`);
  return names.length === 0 ? "" : `const { ${names.join(", ")} } = `;
}

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** Decodes a source map's `mappings` (https://tc39.es/ecma426/); there is one source, and names are passed over. */
function decodeMappings(mappings: string): [number, number, number][][] {
  let line = 0;
  let column = 0;
  return mappings.split(";").map((row) => {
    let printed = 0;
    const segments: [number, number, number][] = [];
    for (const segment of row.split(",")) {
      const fields = decodeNumbers(segment);
      if (fields.length < 4) continue;
      printed += fields[0];
      line += fields[2];
      column += fields[3];
      segments.push([printed, line, column]);
    }
    return segments;
  });
}

/** Numbers in base 64: five bits a digit, the sixth says that more follow; the lowest bit of all is the sign. */
function decodeNumbers(text: string): number[] {
  const numbers: number[] = [];
  let value = 0;
  let shift = 0;
  for (const letter of text) {
    const digit = DIGITS.indexOf(letter);
    value += (digit & 31) * 2 ** shift;
    shift += 5;
    if (digit & 32) continue;
    numbers.push(value % 2 === 1 ? -(value - 1) / 2 : value / 2);
    value = 0;
    shift = 0;
  }
  return numbers;
}
