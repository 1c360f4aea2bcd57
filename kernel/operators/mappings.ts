/**
 * Keeps the source map of a module right when text is put into its lines.
 *
 * @module
 */

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const COMMENT = /^\/\/# sourceMappingURL=data:application\/json[^,\n]*;base64,([\w+/=]+)\s*$/m;

/** Replaces the source map at the end of a module with one whose columns have moved. Other text stays. */
export function moveSourceMap(code: string, move: (line: number, column: number) => number): string {
  return code.replace(COMMENT, (_, encoded: string) => {
    const bytes = Uint8Array.from(atob(encoded), (letter) => letter.charCodeAt(0));
    const map = JSON.parse(new TextDecoder().decode(bytes));
    map.mappings = moveMappings(map.mappings, move);
    const text = Array.from(
      new TextEncoder().encode(JSON.stringify(map)),
      (byte) => String.fromCharCode(byte),
    );
    return `//# sourceMappingURL=data:application/json;base64,${btoa(text.join(""))}`;
  });
}

/** Moves the columns, from 0, of a map's `mappings` (https://tc39.es/ecma426/). Lines stay. */
export function moveMappings(mappings: string, move: (line: number, column: number) => number): string {
  return mappings.split(";").map((row, line) => {
    let before = 0;
    let moved = 0;
    return row.split(",").map((segment) => {
      // The first number is the distance from the column before.
      const [first] = /^[g-z0-9+/]*[A-Za-f]/.exec(segment) ?? [""];
      if (first === "") return segment;
      before += decode(first);
      const column = move(line, before);
      const distance = column - moved;
      moved = column;
      return encode(distance) + segment.slice(first.length);
    }).join(",");
  }).join(";");
}

// Numbers are in base 64: five bits a digit, the sixth says that more follow; the lowest bit of all is the sign.

function decode(text: string): number {
  const value = [...text].reduceRight((value, letter) => value * 32 + (DIGITS.indexOf(letter) & 31), 0);
  return value % 2 === 1 ? -(value - 1) / 2 : value / 2;
}

function encode(number: number): string {
  let value = number < 0 ? -number * 2 + 1 : number * 2;
  let text = "";
  do {
    const rest = Math.floor(value / 32);
    text += DIGITS[value % 32 + (rest > 0 ? 32 : 0)];
    value = rest;
  } while (value > 0);
  return text;
}
