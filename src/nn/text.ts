/**
 * Python's spelling of values, and the layout of the texts of modules.
 * @module
 */

import { pythonScalar } from "../tensor/format.ts";

/** A number as Python writes a float: 1.0, 1e-05. */
export function float(x: number): string {
  return pythonScalar(x, "float64");
}

/** True or False. */
export function bool(x: boolean): string {
  return x ? "True" : "False";
}

/** Numbers as Python writes a tuple: (1,), (1, 2). */
export function tuple(values: readonly (number | null)[]): string {
  const texts = values.map((v) => v === null ? "None" : `${v}`);
  return texts.length === 1 ? `(${texts[0]},)` : `(${texts.join(", ")})`;
}

/** What a value is, for messages. */
export function describe(value: unknown): string {
  if (value === null || typeof value !== "object") return value === null ? "null" : typeof value;
  return value.constructor?.name ?? "object";
}

/** A text in which all lines but the first are moved to the right. */
export function indent(text: string): string {
  return text.replaceAll("\n", "\n  ");
}

/** PyTorch's layout of a name with lines in brackets. */
export function block(name: string, extraLines: readonly string[], children: readonly string[]): string {
  if (extraLines.length === 1 && children.length === 0) return `${name}(${extraLines[0]})`;
  const lines = [...extraLines, ...children];
  return lines.length === 0 ? `${name}()` : `${name}(\n  ${lines.join("\n  ")}\n)`;
}
