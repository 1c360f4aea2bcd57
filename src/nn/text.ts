/**
 * Python's spelling of values, for the texts of modules.
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
