/**
 * Cells of notebooks in operator form.
 *
 * @module
 */

import { findSyntaxError } from "../syntax.ts";
import { Rewritten } from "./rewriter.ts";
import { OperatorSyntaxError, rewriteOperators } from "./transform.ts";

/** What runs in place of a cell; it has the same lines. */
export function operatorCell(code: string): Rewritten {
  try {
    return rewriteOperators(code);
  } catch (error) {
    if (!(error instanceof OperatorSyntaxError)) throw error;
    // Deno refuses it, too, and says why in its own words.
    if (findSyntaxError(code) !== undefined) return new Rewritten(code);
    const { message, line, column, frame } = error;
    const text = `${message}\n${frame}\n    at line ${line}, column ${column}\n` +
      "To run this cell without operators on tensors, begin it with: // @operators off";
    return new Rewritten(
      code,
      `throw new SyntaxError(${JSON.stringify(text)});${code.replace(/[^\n]/g, "")}`,
      [],
    );
  }
}
