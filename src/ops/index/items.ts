/**
 * The items of an index: what users write in the brackets of `x[...]`, read and checked.
 * @module
 */

import { tensor, type TensorData } from "../../tensor/create.ts";
import { isTypedArray, type TypedArray } from "../../tensor/dtype.ts";
import { parseIndex, type Slice, syntaxError } from "../../tensor/index_syntax.ts";
import { Tensor } from "../../tensor/tensor.ts";
import { warn } from "../../warn.ts";

/** Nested lists of integers, or of booleans. */
export type IndexList = number | bigint | boolean | readonly IndexList[];

/**
 * One item of an index:
 * - an integer takes one index and drops the dimension, an empty or full {@linkcode Slice} keeps it;
 * - `"..."` stands for all dimensions that are not mentioned, `null` makes a new one of size 1;
 * - a tensor, typed array or list of integers picks; a tensor or list of booleans is a mask over as many dimensions as it
 *   has, and a single boolean one over none;
 * - a text holds integers, slices, `...` and `null` between commas: `"1:3, ..., ::2"`.
 */
export type IndexItem = IndexList | Slice | null | string | Tensor | TypedArray;

/** An item that was read. */
export type Item =
  | { readonly kind: "int"; readonly value: number }
  | {
    readonly kind: "slice";
    readonly start: number | null;
    readonly stop: number | null;
    readonly step: number;
  }
  | { readonly kind: "all" }
  | { readonly kind: "new" }
  | { readonly kind: "flag"; readonly value: boolean }
  | { readonly kind: "tensor"; readonly tensor: Tensor };

function notAnIndex(got: string): TypeError {
  return new TypeError(
    "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices " +
      `(got ${got})`,
  );
}

function integer(value: number | bigint): number {
  if (typeof value === "bigint") return Number(value);
  if (!Number.isInteger(value)) throw notAnIndex("float");
  return value;
}

function sliceItem(s: Slice): Item {
  for (const key of Object.keys(s)) {
    if (key !== "start" && key !== "stop" && key !== "step") {
      throw notAnIndex(`an object with ${JSON.stringify(key)}; a slice has start, stop and step`);
    }
  }
  const bound = (value: number | null | undefined) => {
    if (value === null || value === undefined) return null;
    if (!Number.isInteger(value)) {
      throw new TypeError(
        `slice indices must be integers or None or have an __index__ method, got ${String(value)}`,
      );
    }
    return value;
  };
  return { kind: "slice", start: bound(s.start), stop: bound(s.stop), step: bound(s.step) ?? 1 };
}

/** A list of indices as a tensor: booleans make a mask, integers indices. */
function listTensor(list: readonly IndexList[]): Tensor {
  const flat = (list as readonly unknown[]).flat(Infinity);
  const allBooleans = flat.length > 0 && flat.every((v) => typeof v === "boolean");
  for (const v of flat) {
    if (typeof v === "number") integer(v);
    else if (typeof v !== "bigint" && typeof v !== "boolean") {
      throw notAnIndex(`a list with ${v === null ? "null" : typeof v}`);
    }
  }
  return tensor(list as TensorData, { dtype: allBooleans ? "bool" : "int64", device: "cpu" });
}

function tensorItem(t: Tensor): Item {
  const { dtype } = t;
  if (t.ndim === 0) {
    if (dtype === "bool") return { kind: "flag", value: t.item() as boolean };
    if (["int8", "int16", "int32", "int64"].includes(dtype)) return { kind: "int", value: Number(t.at(0)) };
  }
  if (dtype !== "int64" && dtype !== "int32" && dtype !== "uint8" && dtype !== "bool") {
    throw new TypeError("tensors used as indices must be long, int, byte or bool tensors");
  }
  if (dtype === "uint8") {
    warn("indexing with dtype uint8 is now deprecated, please use a dtype bool instead.");
  }
  return { kind: "tensor", tensor: t };
}

/** Texts that were read before: programs have few, in loops. */
const texts = new Map<string, readonly Item[]>();
const MOST_TEXTS = 1000;

function readText(text: string): readonly Item[] {
  const known = texts.get(text);
  if (known !== undefined) return known;
  const parsed = parseIndex(text);
  if (parsed === null) throw syntaxError(text);
  const items = readItems(parsed);
  if (texts.size >= MOST_TEXTS) texts.clear();
  texts.set(text, items);
  return items;
}

/** Reads items; throws PyTorch's message for what is none. */
export function readItems(given: readonly IndexItem[]): Item[] {
  const items: Item[] = [];
  for (const x of given) {
    if (typeof x === "number" || typeof x === "bigint") items.push({ kind: "int", value: integer(x) });
    else if (x === null) items.push({ kind: "new" });
    else if (x === "...") items.push({ kind: "all" });
    else if (typeof x === "boolean") items.push({ kind: "flag", value: x });
    else if (x instanceof Tensor) items.push(tensorItem(x));
    else if (typeof x === "string") items.push(...readText(x));
    else if (Array.isArray(x)) items.push(tensorItem(listTensor(x as readonly IndexList[])));
    else if (isTypedArray(x)) items.push(tensorItem(tensor(x, { device: "cpu" })));
    else if (typeof x === "object" && Object.getPrototypeOf(x) === Object.prototype) {
      items.push(sliceItem(x as Slice));
    } else throw notAnIndex(typeof x);
  }
  return items;
}
