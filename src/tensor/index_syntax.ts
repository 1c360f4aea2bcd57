/**
 * The text form of an index, as in `x["1:3, ..., ::2"]`.
 * @module
 */

/** A range of indices by Python's rules: from `start` up to but without `stop`, every `step`-th. All may be left out. */
export interface Slice {
  /** The first index; negative counts from the end. */
  readonly start?: number | null;
  /** The first index no more taken; negative counts from the end. */
  readonly stop?: number | null;
  /** Distance of the indices, above 0. */
  readonly step?: number | null;
}

/** An item of an index that says itself what it takes: an index, a slice, all the other dimensions, a new dimension. */
export type BasicItem = number | Slice | "..." | null;

const INTEGER = /^[-+]?\d+$/;
const SLICE = /^([-+]?\d+)?\s*:\s*([-+]?\d+)?(?:\s*:\s*([-+]?\d+)?)?$/;

/** Reads an index; null where the text is none. */
export function parseIndex(text: string): BasicItem[] | null {
  const parts = text.split(",");
  if (parts.length > 1 && parts[parts.length - 1].trim() === "") parts.pop(); // Python's comma after the last item
  const items: BasicItem[] = [];
  for (const part of parts) {
    const item = parseItem(part.trim());
    if (item === undefined) return null;
    items.push(item);
  }
  return items;
}

function parseItem(text: string): BasicItem | undefined {
  if (INTEGER.test(text)) return Number(text);
  if (text === "...") return "...";
  if (text === "null" || text === "None") return null;
  const bounds = SLICE.exec(text);
  if (bounds === null) return undefined;
  const [start, stop, step] = bounds.slice(1).map((b) => b === undefined ? null : Number(b));
  return { start, stop, step };
}

/** The error for a text that is no index. */
export function syntaxError(text: string): TypeError {
  if (/^(tensor\(|Parameter containing)/.test(text)) { // brackets get the text of a tensor, as long as it may be
    return new TypeError(
      "a tensor is no index in brackets: x.index(mask) or x.index(indices) reads there, x.indexPut_([mask], value) writes",
    );
  }
  return new TypeError(
    `${
      JSON.stringify(text)
    } is no index: give integers, slices such as 1:3 or ::2, ..., and null, between commas ` +
      "(tensors, masks and lists go into x.index(...))",
  );
}
