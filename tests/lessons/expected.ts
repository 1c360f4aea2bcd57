/**
 * Reads the transcripts of the lessons: what real PyTorch printed, cell by cell.
 *
 * @module
 */

/** One cell of a transcript. */
export interface ExpectedCell {
  readonly title: string;
  readonly text: string;
}

/** The cells of a transcript in `expected/`, by its name without `.txt`. */
export function readExpected(transcript: string): ExpectedCell[] {
  const text = Deno.readTextFileSync(new URL(`./expected/${transcript}.txt`, import.meta.url));
  const cells: { title: string; lines: string[] }[] = [];
  for (const line of text.split("\n")) {
    const head = /^### cell (\d+): (.*)$/.exec(line);
    if (head) {
      if (Number(head[1]) !== cells.length + 1) {
        throw new Error(`${transcript}: cell ${head[1]} is out of order`);
      }
      cells.push({ title: head[2], lines: [] });
    } else if (cells.length > 0) {
      cells[cells.length - 1].lines.push(line);
    } else if (line.trim() !== "") {
      throw new Error(`${transcript}: text before the first cell`);
    }
  }
  return cells.map(({ title, lines }) => ({ title, text: lines.join("\n").trimEnd() }));
}

/** Numbers that NumPy drew or computed for the lessons, in `data.json`. */
export interface LessonData {
  "000": Record<"x" | "y" | "z", number[][]>;
  "001": { x_np: number[] };
  "002a": { x: number[] };
  "002b": { x: number[]; A: number[][]; b: number[] };
  "003": { x_vals: number[] };
}

/** Reads `data.json`. */
export function readData(): LessonData {
  return JSON.parse(Deno.readTextFileSync(new URL("./data.json", import.meta.url)));
}
