/**
 * The checklist: one row for each call or behaviour that a lesson uses, with what PyTorch shows for it.
 *
 * @module
 */
import type { Cell } from "./lesson.ts";

/** A row of `checklist.json`. */
export interface ChecklistRow {
  readonly n: number;
  readonly lesson: string;
  readonly area: string;
  readonly python: string;
  readonly result: string;
  readonly note: string;
}

/** A row that has no meaning here, and why. */
export interface NotApplicable {
  readonly notApplicable: string;
}

/** A row whose text differs from PyTorch's on purpose. */
export interface Differs {
  readonly run: RowBody;
  readonly expected: string;
  readonly because: string;
}

/** The row in TypeScript: prints, or returns what Python would show as the last value, or throws. */
export type RowBody = (cell: Pick<Cell, "print">) => unknown;

/** What stands for a row here. */
export type Row = RowBody | NotApplicable | Differs;

/** Marks a row that has no meaning here. */
export function notApplicable(because: string): NotApplicable {
  return { notApplicable: because };
}

/** What asking for a CUDA device gives. */
export function withoutCuda(run: RowBody, name: string): Differs {
  const expected = `Error: Dinograd runs without cuda: use device "cpu" or "webgpu", got "${name}"`;
  return { run, expected, because: "PyTorch says how it was compiled" };
}

/** Reads `checklist.json`. */
export function readChecklist(): ChecklistRow[] {
  return JSON.parse(Deno.readTextFileSync(new URL("./checklist.json", import.meta.url))).rows;
}
