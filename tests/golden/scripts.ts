/**
 * Scripts of the golden files, written again in our calls: what they print is compared with what Python printed.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { messageOf, normalizeText, withWarnings } from "../lessons/lesson.ts";
import { str } from "../lessons/python.ts";
import { dg } from "./api.ts";
import { matrixTest } from "./matrix.ts";

/** What a script can call. */
export interface Script {
  /** Python's print. */
  print(...values: unknown[]): void;
  /** Prints `ok` and the result of the call, or the message of its error. */
  attempt(fn: () => unknown, before?: string): void;
}

/** A script: needs are paths in the library, without which it is passed over as not built yet. */
export interface ScriptCase {
  readonly needs?: readonly string[];
  readonly run: (script: Script) => void;
  /** Texts of PyTorch's print and what stands here in their place, and why. */
  readonly replace?: readonly (readonly [string | RegExp, string])[];
  readonly because?: string;
}

/** Why a script has no counterpart. */
export interface NoCounterpart {
  readonly none: string;
}

/** Is there something at the dotted path of the library? Its value is not read: it may be a getter. */
export function exists(path: string): boolean {
  const names = path.split(".");
  let found = dg;
  for (const name of names.slice(0, -1)) found = found?.[name];
  return found !== undefined && names.at(-1)! in found;
}

/** Runs the script and gives what it printed. */
export function printedBy(run: ScriptCase["run"]): string {
  const lines: string[] = [];
  const print = (...values: unknown[]): void => void lines.push(values.map(str).join(" "));
  const attempt = (fn: () => unknown, before = ""): void => {
    let result: unknown;
    let message: string | undefined;
    try {
      result = fn();
    } catch (error) {
      message = messageOf(() => {
        throw error;
      });
    }
    lines.push(before + (message === undefined ? `ok ${str(result)}` : `Error: ${message}`));
  };
  withWarnings(print, () => run({ print, attempt }));
  return lines.join("\n");
}

/** Registers the test of a script. */
export function testScript(name: string, script: ScriptCase | NoCounterpart, printed: string): void {
  if ("none" in script) return;
  const missing = (script.needs ?? []).filter((path) => !exists(path));
  matrixTest({
    name: name + (missing.length > 0 ? `, not built yet: ${missing.join(", ")}` : ""),
    ignore: missing.length > 0,
    fn(): void {
      let expected = printed;
      for (const [from, to] of script.replace ?? []) expected = expected.replace(from, to);
      // an error in the middle of a line is normalised like one at its beginning
      const lines = (text: string): string =>
        normalizeText(text.replace(/^(\S+) (?:\w*Error: )/gm, "$1\nError: "));
      assertEquals(lines(printedBy(script.run)), lines(expected));
    },
  });
}
