/**
 * What is wrong with a cell that does not parse. Deno's kernel only says "Execution failed".
 *
 * @module
 */

import { stripTypeScriptTypes } from "node:module";

/** A description of a thrown error, as Jupyter's `error` message carries it. */
export interface ErrorContent {
  /** The error's name. */
  ename: string;
  /** The error's message. */
  evalue: string;
  /** Lines to show. */
  traceback: string[];
}

/** An error that has no stack. */
export function describeError(ename: string, evalue: string): ErrorContent {
  return { ename, evalue, traceback: [`${ename}: ${evalue}`] };
}

/** The syntax error of a cell, with the line and a mark under the place, or undefined where it parses. */
export function findSyntaxError(code: string): ErrorContent | undefined {
  try {
    stripTypeScriptTypes(code, { mode: "transform" });
    return undefined;
  } catch (error) {
    // The message reads "SyntaxError: what", a code frame, and "at file:///stripTypeScriptTypes.ts:line:column".
    const lines = String((error as Error).message).split("\n");
    const evalue = lines[0].replace(/^\w*Error: /, "");
    const place = lines.at(-1)?.match(/:(\d+):(\d+)\)?$/);
    const frame = lines.slice(1, place ? -1 : undefined).filter((line) => line.trim() !== "|");
    const where = place ? [`    at line ${place[1]}, column ${place[2]}`] : [];
    return { ename: "SyntaxError", evalue, traceback: [`SyntaxError: ${evalue}`, ...frame, ...where] };
  }
}
