import * as dg from "../../mod.ts";
import { transformOperators } from "../../kernel/operators/transform.ts";
import "../../kernel/operators/runtime.ts";

export type Values = Record<string, unknown>;

/** Runs the body of a strict function that knows some values; returns what it returns. */
export function run(code: string, values: Values = {}): unknown {
  return new Function(...Object.keys(values), `"use strict";${code}`)(...Object.values(values));
}

/** The value of an expression, or what statements return, in operator form. */
export function ops(code: string, values: Values = {}): unknown {
  return run(transformOperators(/\breturn\b/.test(code) ? code : `return (${code});`), { dg, ...values });
}

export const text = (x: unknown): string => String(x);
