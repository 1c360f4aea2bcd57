/**
 * Checks of what users pass, for the heads of functions. All throw a TypeError that says which argument of which function was
 * what; ranges are the functions' own business.
 * @module
 */

import { brief, describe } from "./describe.ts";
import { checkDType, type DType } from "./dtype.ts";
import { Tensor } from "./tensor.ts";

function mismatch(
  caller: string,
  name: string,
  position: number | undefined,
  kind: string,
  value: unknown,
): TypeError {
  const place = position === undefined ? "" : ` (position ${position})`;
  return new TypeError(`${caller}(): argument '${name}'${place} must be ${kind}, not ${describe(value)}`);
}

/** A tensor; by default the first argument. */
export function checkTensor(x: unknown, caller: string, name = "input", position?: number): Tensor {
  if (x instanceof Tensor) return x;
  throw mismatch(caller, name, position ?? (name === "input" ? 1 : undefined), "Tensor", x);
}

/** A tensor, or nothing. */
export function checkOptionalTensor(x: unknown, caller: string, name: string): void {
  if (x !== undefined && x !== null) checkTensor(x, caller, name);
}

/** A list of tensors. */
export function checkTensors(tensors: unknown, caller: string, name = "tensors"): readonly Tensor[] {
  if (!Array.isArray(tensors)) throw mismatch(caller, name, 1, "a list of tensors", tensors);
  tensors.forEach((t, i) => {
    if (t instanceof Tensor) return;
    throw new TypeError(`expected Tensor as element ${i} in argument 0, but got ${brief(t)}`);
  });
  return tensors;
}

/** One tensor or a list of them, as a list. */
export function tensorList(tensors: unknown, caller: string, name: string): readonly Tensor[] {
  return tensors instanceof Tensor ? [tensors] : checkTensors(tensors, caller, name);
}

/** A number, not a bigint. */
export function checkNumber(value: unknown, caller: string, name: string): number {
  if (typeof value === "number") return value;
  throw mismatch(caller, name, undefined, "a number", value);
}

/** A whole number. */
export function checkInteger(value: unknown, caller: string, name: string): number {
  if (Number.isInteger(value)) return value as number;
  throw mismatch(caller, name, undefined, "an integer", value);
}

/** A number, bigint or boolean. */
export function checkScalar(value: unknown, caller: string, name: string): number | bigint | boolean {
  if (typeof value === "number" || typeof value === "bigint" || typeof value === "boolean") return value;
  throw mismatch(caller, name, undefined, "a number, bigint or boolean", value);
}

/** A list of whole numbers. */
export function checkIntegers(value: unknown, caller: string, name: string): readonly number[] {
  if (!Array.isArray(value)) throw mismatch(caller, name, undefined, "a list of integers", value);
  value.forEach((v, i) => {
    if (Number.isInteger(v)) return;
    throw new TypeError(
      `${caller}(): argument '${name}' must be tuple of ints, but found element of type ${
        describe(v)
      } at pos ${i}`,
    );
  });
  return value;
}

/** A function. */
export function checkFunction(value: unknown, caller: string, name: string): void {
  if (typeof value !== "function") throw mismatch(caller, name, undefined, "a function", value);
}

/** True or false. */
export function checkFlag(value: unknown, caller: string, name: string): boolean {
  if (typeof value === "boolean") return value;
  throw mismatch(caller, name, undefined, "a boolean", value);
}

interface CommonOptions {
  readonly dtype?: DType;
  readonly keepdim?: boolean;
}

/** An object of options with no others than the known ones; a dtype and `keepdim` are checked too. */
export function checkKeys<O extends object>(options: O, caller: string, known: readonly string[]): O {
  if (
    typeof options !== "object" || options === null || Array.isArray(options) || options instanceof Tensor
  ) {
    throw new TypeError(
      `${caller}(): options must be an object such as { ${known[0]}: ... }, not ${describe(options)}`,
    );
  }
  for (const key of Object.keys(options)) {
    if (!known.includes(key)) {
      throw new TypeError(`${caller}() has no option ${JSON.stringify(key)}: use ${known.join(", ")}`);
    }
  }
  const { dtype, keepdim } = options as CommonOptions;
  if (dtype !== undefined) checkDType(dtype);
  if (keepdim !== undefined) checkFlag(keepdim, caller, "keepdim");
  return options;
}
