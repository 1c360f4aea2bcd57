/** Every row of the checklist, one test each. */
import { assert, assertEquals } from "@std/assert";
import { readChecklist, type Row } from "./checklist.ts";
import { rows as rowsTo80 } from "./checklist_rows_001.ts";
import { rows as rowsTo157 } from "./checklist_rows_081.ts";
import { rows as networkRows } from "./checklist_rows_nn.ts";
import { rows as rowsTo235 } from "./checklist_rows_158.ts";
import { rows as rowsTo314 } from "./checklist_rows_236.ts";
import { matrixTest } from "../golden/matrix.ts";
import { normalizeText, withWarnings } from "./lesson.ts";
import { repr, str } from "./python.ts";

const rows: Record<number, Row> = { ...rowsTo80, ...rowsTo157, ...networkRows, ...rowsTo235, ...rowsTo314 };
const checklist = readChecklist();

/** What a row shows: its prints and warnings, then its value, or its error. */
function show(body: Exclude<Row, { notApplicable: string } | { because: string }>): string {
  const lines: string[] = [];
  const print = (...values: unknown[]): void => void lines.push(values.map(str).join(" "));
  withWarnings(print, () => {
    try {
      const value = body({ print });
      if (value !== undefined) lines.push(repr(value));
    } catch (error) {
      assert(error instanceof TypeError || error instanceof RangeError, `unexpected ${error}`);
      lines.push(`Error: ${error.message}`);
    }
  });
  return lines.join("\n");
}

Deno.test("checklist: every row is answered", () => {
  assertEquals(Object.keys(rows).map(Number), checklist.map((row) => row.n));
});

for (const { n, area, python, result } of checklist) {
  const row = rows[n];
  if (row === undefined || "notApplicable" in row) continue;
  const title = python.replace(/\s+/g, " ");
  const short = title.length > 90 ? title.slice(0, 90) + "..." : title;
  matrixTest({
    name: `checklist ${n}, ${area}: ${short}`,
    fn(): void {
      const [body, expected] = typeof row === "function" ? [row, result] : [row.run, row.expected];
      assertEquals(normalizeText(show(body)), normalizeText(expected), python);
    },
  });
}
