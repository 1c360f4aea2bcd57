/**
 * What the functions of this folder are called with, checked.
 * @module
 */

import { describe } from "../tensor/describe.ts";
import { Tensor } from "../tensor/tensor.ts";

/** Names of tensors: a record, pairs such as `model.namedParameters()` gives, or an object that has that method. */
export type Params =
  | Readonly<Record<string, Tensor>>
  | Iterable<readonly [string, Tensor]>
  | { namedParameters(): Iterable<readonly [string, Tensor]> };

/** Tensors by the name under which they are drawn. */
export type Names = ReadonlyMap<Tensor, string>;

/** How many lines a text has at most if nothing else is said. */
export const SUMMARY_LINES = 1000;

function entriesOf(params: Params): Iterable<readonly [string, Tensor]> {
  const isModule = typeof params === "function" && "namedParameters" in params; // modules can be called
  if ((typeof params !== "object" && !isModule) || params === null || params instanceof Tensor) {
    throw new TypeError(
      `params must be a record or pairs of names and tensors, got ${
        params instanceof Tensor ? "a Tensor" : params === null ? "null" : typeof params
      }`,
    );
  }
  const { namedParameters } = params as { namedParameters?: unknown };
  if (typeof namedParameters === "function") return namedParameters.call(params);
  if (Symbol.iterator in params) return params as Iterable<readonly [string, Tensor]>;
  return Object.entries(params as Readonly<Record<string, Tensor>>);
}

/** The names of parameters; the first one counts where a tensor has several. */
export function namesOf(params: Params | null | undefined): Names {
  const names = new Map<Tensor, string>();
  if (params === undefined || params === null) return names;
  for (const entry of entriesOf(params)) {
    if (!Array.isArray(entry) || typeof entry[0] !== "string") {
      throw new TypeError("params must be pairs of a name and a tensor, such as model.namedParameters()");
    }
    const [name, tensor] = entry as [string, unknown];
    if (!(tensor instanceof Tensor)) {
      throw new TypeError(
        `params: expected a Tensor under the name ${JSON.stringify(name)}, got ${typeof tensor}`,
      );
    }
    if (!names.has(tensor)) names.set(tensor, name);
  }
  return names;
}

/** The outputs as a list. */
export function outputsOf(y: Tensor | readonly Tensor[], caller: string): readonly Tensor[] {
  const outputs = y instanceof Tensor ? [y] : y;
  if (!Array.isArray(outputs) || outputs.length === 0 || !outputs.every((t) => t instanceof Tensor)) {
    throw new TypeError(
      `${caller}: expected a Tensor or several in an array, got ${
        Array.isArray(y) ? (y.length ? "an array of other things" : "an empty array") : typeof y
      }`,
    );
  }
  return outputs;
}

/** A count that the user gave. */
export function checkCount(value: number, name: string, caller: string): number {
  if (typeof value !== "number") {
    throw new TypeError(`${caller}: ${name} must be a number, got ${typeof value}`);
  }
  if (!(value >= 1 && (value === Infinity || Number.isInteger(value)))) {
    throw new RangeError(`${caller}: ${name} must be a whole number from 1 or Infinity, got ${value}`);
  }
  return value;
}

/** Throws on an option that does not exist: a misspelt one would be ignored silently. */
export function checkOptions(options: object, known: readonly string[], caller: string): void {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(
      `${caller}(): options must be an object such as { params: ... }, not ${describe(options)}`,
    );
  }
  for (const key of Object.keys(options)) {
    if (!known.includes(key)) {
      throw new TypeError(`${caller}() has no option ${JSON.stringify(key)}: use ${known.join(", ")}`);
    }
  }
}
