/**
 * Tensors as text, character for character as PyTorch prints them.
 * @module
 */

import type { DType } from "./dtype.ts";
import { formatExponential, formatFixed, isFloat } from "./number_text.ts";

export { formatExponential, formatFixed, pythonScalar } from "./number_text.ts";

/** How tensors are printed. */
export interface PrintOptions {
  /** Digits after the point. Default: 4. */
  precision: number;
  /** A tensor with more elements is summarised. Default: 1000. */
  threshold: number;
  /** How many elements a summary shows at each end of a dimension. Default: 3. */
  edgeitems: number;
  /** Characters a line. Default: 80. */
  linewidth: number;
  /** Always or never scientific notation; null (the default) chooses by the numbers. */
  sciMode: boolean | null;
}

/** Named sets of {@linkcode PrintOptions}. */
export type PrintProfile = "default" | "short" | "full";

/** What the printer needs to know of a tensor. It reads only the elements that it shows. */
export interface TensorView {
  /** Element type. */
  readonly dtype: DType | "bfloat16";
  /** Sizes of the dimensions. */
  readonly shape: readonly number[];
  /** The element at an index in row-major order, whatever the strides. */
  get(index: number): number | bigint | boolean;
  /** Shown if it is given: where it is not the default device. */
  readonly device?: string;
  /** Name of the graph node that made the tensor: `MulBackward0`. */
  readonly gradFn?: string | null;
  /** Shown where there is no `gradFn`. */
  readonly requiresGrad?: boolean;
  /** Whether `Parameter containing:` stands above. */
  readonly isParameter?: boolean;
  /** The dtype that is not shown. Default: float32. */
  readonly defaultDType?: DType | "bfloat16";
}

const PREFIX = "tensor(";

const profiles: { readonly [name in PrintProfile]: Omit<PrintOptions, "sciMode"> } = {
  default: { precision: 4, threshold: 1000, edgeitems: 3, linewidth: 80 },
  short: { precision: 2, threshold: 1000, edgeitems: 2, linewidth: 80 },
  full: { precision: 4, threshold: Infinity, edgeitems: 3, linewidth: 80 },
};

let current: PrintOptions = { ...profiles.default, sciMode: null };

/**
 * Changes how all tensors are printed from now on, PyTorch's `set_printoptions`. What is left out stays, but for `sciMode`, which
 * goes back to null (as in PyTorch).
 *
 * @param options a profile, and single options that override it
 * @throws {TypeError} for an option that there is not
 * @throws {RangeError} for an unknown profile, or a count that is none; nothing is changed then
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * dg.setPrintOptions({ precision: 2 });
 * console.log(dg.tensor(Math.PI)); // tensor(3.14)
 * dg.setPrintOptions({ profile: "default" });
 * ```
 */
export function setPrintOptions(options: Partial<PrintOptions> & { profile?: PrintProfile } = {}): void {
  if (typeof options !== "object" || options === null) {
    throw new TypeError("setPrintOptions(): options must be an object such as { precision: 2 }");
  }
  const { profile, ...single } = options;
  const unknown = Object.keys(single).find((name) => !Object.hasOwn(current, name));
  if (unknown !== undefined) {
    const known = ["profile", ...Object.keys(current)].join(", ");
    throw new TypeError(`setPrintOptions() has no option ${JSON.stringify(unknown)}: use ${known}`);
  }
  if (profile !== undefined && !Object.hasOwn(profiles, profile)) {
    throw new RangeError(`unknown profile ${JSON.stringify(profile)}: use default, short or full`);
  }
  const base = profile === undefined ? current : profiles[profile];
  current = mergeOptions({ ...base, sciMode: null }, single);
}

/** How tensors are printed now; a copy. */
export function getPrintOptions(): PrintOptions {
  return { ...current };
}

function mergeOptions(base: PrintOptions, changes: Partial<PrintOptions>): PrintOptions {
  const given = Object.entries(changes).filter(([, value]) => value !== undefined);
  const merged: PrintOptions = { ...base, ...Object.fromEntries(given) };
  for (const name of ["precision", "threshold", "edgeitems", "linewidth"] as const) {
    const value = merged[name];
    const isCount = Number.isInteger(value) || (name === "threshold" && value === Infinity);
    if (!isCount || value < 0 || (name === "precision" && value > 100)) {
      const range = name === "precision" ? "an integer from 0 to 100" : "an integer, 0 or more";
      throw new RangeError(`${name} must be ${range}, but got ${value}`);
    }
  }
  if (merged.sciMode !== null && typeof merged.sciMode !== "boolean") {
    throw new TypeError(`sciMode must be true, false or null, but got ${merged.sciMode}`);
  }
  return merged;
}

/**
 * A tensor as PyTorch's `repr` writes it.
 *
 * @param view the tensor's elements and properties
 * @param options override those of {@linkcode setPrintOptions} for this text
 */
export function formatTensor(view: TensorView, options: Partial<PrintOptions> = {}): string {
  const opts = mergeOptions(current, options);
  const { shape, dtype, defaultDType = "float32" } = view;
  const numel = shape.reduce((product, size) => product * size, 1);
  const suffixes: string[] = [];
  if (view.device !== undefined) suffixes.push(`device='${view.device}'`);
  let body: string;
  if (numel === 0) {
    body = "[]";
    if (shape.length !== 1) suffixes.push(`size=${tupleText(shape)}`);
    if (dtype !== defaultDType) suffixes.push(`dtype=torch.${dtype}`);
  } else {
    const summarize = numel > opts.threshold;
    if (summarize && opts.edgeitems === 0) {
      body = "[...]";
    } else {
      body = new BodyPrinter(view, opts, summarize).text();
    }
    if (opts.edgeitems === 0) suffixes.push(`size=${tupleText(shape)}`);
    if (dtype !== defaultDType && dtype !== "int64" && dtype !== "bool") {
      suffixes.push(`dtype=torch.${dtype}`);
    }
  }
  if (view.gradFn) suffixes.push(`grad_fn=<${view.gradFn}>`);
  else if (view.requiresGrad) suffixes.push("requires_grad=True");
  const head = view.isParameter ? "Parameter containing:\n" : "";
  return head + addSuffixes(PREFIX + body, suffixes, opts.linewidth) + ")";
}

/** Python's text of a tuple of integers. */
function tupleText(shape: readonly number[]): string {
  return shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
}

/** Puts each suffix on the last line where it fits, else on a new one. */
function addSuffixes(text: string, suffixes: readonly string[], linewidth: number): string {
  let lastLine = text.length - (text.lastIndexOf("\n") + 1) + 2;
  for (const suffix of suffixes) {
    if (lastLine + suffix.length + 2 > linewidth) {
      text += ",\n" + " ".repeat(PREFIX.length) + suffix;
      lastLine = PREFIX.length + suffix.length;
    } else {
      text += ", " + suffix;
      lastLine += suffix.length + 2;
    }
  }
  return text;
}

/** Stands for the elements that a summary leaves out. */
const DOTS = -1;

/** Prints the brackets and what is in them. */
class BodyPrinter {
  readonly #view: TensorView;
  readonly #opts: PrintOptions;
  readonly #summarize: boolean;
  /** Elements below one step of each dimension. */
  readonly #strides: number[];
  readonly #format: ElementFormat;

  constructor(view: TensorView, opts: PrintOptions, summarize: boolean) {
    this.#view = view;
    this.#opts = opts;
    this.#summarize = summarize;
    this.#strides = view.shape.map((_, dim) => view.shape.slice(dim + 1).reduce((a, b) => a * b, 1));
    this.#format = chooseFormat(this.#shown(0, 0), view.dtype, opts);
  }

  /** The text of the whole tensor. */
  text(): string {
    return this.#slice(0, 0, PREFIX.length);
  }

  /** The steps to show along a dimension, with {@linkcode DOTS} where some are left out. */
  #steps(dim: number): number[] {
    const size = this.#view.shape[dim];
    const edge = this.#opts.edgeitems;
    const from = (start: number, length: number) => Array.from({ length }, (_, i) => start + i);
    if (!this.#summarize || size <= 2 * edge) return from(0, size);
    return [...from(0, edge), DOTS, ...from(size - edge, edge)];
  }

  /** The elements to show of the slice at `index`: they alone decide the format. */
  #shown(dim: number, index: number): (number | bigint | boolean)[] {
    if (dim === this.#view.shape.length) return [this.#view.get(index)];
    const stride = this.#strides[dim];
    return this.#steps(dim).flatMap((step) =>
      step === DOTS ? [] : this.#shown(dim + 1, index + step * stride)
    );
  }

  #slice(dim: number, index: number, indent: number): string {
    const below = this.#view.shape.length - dim - 1;
    if (below < 0) return this.#format.text(this.#view.get(index));
    const steps = this.#steps(dim);
    const margin = " ".repeat(indent + 1);
    if (below > 0) {
      const parts = steps.map((step) =>
        step === DOTS ? "..." : this.#slice(dim + 1, index + step * this.#strides[dim], indent + 1)
      );
      return `[${parts.join("," + "\n".repeat(below) + margin)}]`;
    }
    const items = steps.map((step) =>
      step === DOTS ? " ..." : this.#format.text(this.#view.get(index + step))
    );
    const perLine = Math.max(1, Math.floor((this.#opts.linewidth - indent) / (this.#format.width + 2)));
    const lines: string[] = [];
    for (let i = 0; i < items.length; i += perLine) lines.push(items.slice(i, i + perLine).join(", "));
    return `[${lines.join(",\n" + margin)}]`;
  }
}

/** How the elements of one tensor are written. */
interface ElementFormat {
  /** What elements are padded to. */
  readonly width: number;
  text(value: number | bigint | boolean): string;
}

/**
 * How the elements of one tensor are written, one by one: as {@linkcode formatTensor} writes them, without padding.
 *
 * @param shown the elements that are shown, which decide the notation
 * @param dtype their dtype
 * @param options override those of {@linkcode setPrintOptions}
 */
export function elementText(
  shown: readonly (number | bigint | boolean)[],
  dtype: DType | "bfloat16",
  options: Partial<PrintOptions> = {},
): (value: number | bigint | boolean) => string {
  const format = chooseFormat(shown, dtype, mergeOptions(current, options));
  return (value) => format.text(value).trimStart();
}

/** Chooses the format by the elements that are shown. */
function chooseFormat(
  shown: readonly (number | bigint | boolean)[],
  dtype: DType | "bfloat16",
  opts: PrintOptions,
): ElementFormat {
  if (!isFloat(dtype)) {
    const plain = dtype === "bool" ? (v: number | bigint | boolean) => v ? "True" : "False" : String;
    return padded(plain, shown);
  }
  const nonzero = shown.map(Number).filter((x) => Number.isFinite(x) && x !== 0);
  // Without such a number there is nothing to choose from, not even by sciMode.
  if (nonzero.length === 0) return padded(wholeNumber, []);

  let largest = 0, smallest = Infinity, whole = true;
  for (const x of nonzero) {
    largest = Math.max(largest, Math.abs(x));
    smallest = Math.min(smallest, Math.abs(x));
    whole &&= Number.isInteger(x);
  }
  const isWide = largest / smallest > 1000 || largest > 1e8 || (!whole && smallest < 1e-4);
  if (opts.sciMode ?? isWide) return padded((x) => formatExponential(Number(x), opts.precision), nonzero);
  if (whole) return padded(wholeNumber, nonzero);
  return padded((x) => formatFixed(Number(x), opts.precision), nonzero);
}

/** A float without fraction: `3.`. */
function wholeNumber(value: number | bigint | boolean): string {
  const x = Number(value);
  return formatFixed(x, 0) + (Number.isFinite(x) ? "." : "");
}

/** Right-aligned to the longest text of the `measured` elements; others may stick out. */
function padded(
  text: (value: number | bigint | boolean) => string,
  measured: readonly (number | bigint | boolean)[],
): ElementFormat {
  let width = 1;
  for (const value of measured) width = Math.max(width, text(value).length);
  return { width, text: (value) => text(value).padStart(width) };
}
