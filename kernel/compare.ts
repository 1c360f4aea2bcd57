/**
 * Comparing the outputs of a notebook with those of an earlier run.
 *
 * @module
 */

import { type Cell, cellTags, joinText, type MultilineText, type Notebook, type Output } from "./notebook.ts";

/** One difference between the stored and the new outputs of a cell. */
export interface Difference {
  /** Position of the cell in the notebook, from 0. */
  index: number;
  /** What differs, in one sentence. */
  message: string;
}

/** A number with a unit of time: it changes from run to run. */
const TIMING = /\d+(?:\.\d+)?(?:e[+-]?\d+)?\s*(?:ns|us|µs|μs|ms|s|sec|secs|seconds?|minutes?|min)\b/gi;

/**
 * Compares the text of all outputs cell by cell: streams, text/plain, and the name and message of errors.
 *
 * Pictures are not compared, timings (a number with a unit of time) count as equal, and a cell tagged `volatile` is
 * passed over.
 */
export function compareNotebooks(stored: Notebook, fresh: Notebook): Difference[] {
  const differences: Difference[] = [];
  for (const [index, cell] of fresh.cells.entries()) {
    if (cell.cell_type !== "code" || cellTags(cell).includes("volatile")) continue;
    const before = describe(stored.cells[index]);
    const after = describe(cell);
    for (let i = 0; i < Math.max(before.length, after.length); i++) {
      const message = compareTexts(before[i], after[i]);
      if (message === undefined) continue;
      differences.push({ index, message });
      break; // What follows the first difference in a cell mostly follows from it.
    }
  }
  return differences;
}

interface Text {
  kind: string;
  text: string;
}

/** The comparable texts of a cell. Streams are joined: where one message ends is chance. */
function describe(cell: Cell): Text[] {
  const streams = new Map<string, string>();
  const others: Text[] = [];
  for (const output of cell.outputs ?? []) {
    if (output.output_type === "stream") {
      const name = output.name ?? "stdout";
      streams.set(name, (streams.get(name) ?? "") + joinText(output.text ?? ""));
    } else {
      others.push({ kind: output.output_type, text: plainText(output) });
    }
  }
  const printed = [...streams].sort().map(([kind, text]) => ({ kind, text }));
  return [...printed, ...others];
}

function plainText(output: Output): string {
  if (output.output_type === "error") return `${output.ename}: ${output.evalue}`;
  const text = output.data?.["text/plain"];
  return text === undefined ? "" : joinText(text as MultilineText);
}

function compareTexts(before: Text | undefined, after: Text | undefined): string | undefined {
  if (before === undefined) return `there is a new ${after!.kind} output: ${shorten(after!.text)}`;
  if (after === undefined) return `the ${before.kind} output is missing: ${shorten(before.text)}`;
  if (before.kind !== after.kind) return `a ${before.kind} output is now of kind ${after.kind}`;
  const was = before.text.replace(TIMING, "<time>").split("\n");
  const is = after.text.replace(TIMING, "<time>").split("\n");
  for (let line = 0; line < Math.max(was.length, is.length); line++) {
    if (was[line] === is[line]) continue;
    return `line ${line + 1} of ${before.kind} was ${shorten(was[line])} and is now ${shorten(is[line])}`;
  }
  return undefined;
}

function shorten(text: string | undefined): string {
  if (text === undefined) return "absent";
  return JSON.stringify(text.length > 120 ? `${text.slice(0, 117)}...` : text);
}
