/**
 * Runs notebooks without a browser and without Python.
 *
 * @module
 */

import { type Execution, KernelDied } from "./client.ts";
import { type LaunchedKernel, launchKernel, type LaunchOptions } from "./launch.ts";
import type { JsonObject } from "./messages.ts";
import { type Cell, cellTags, joinText, type Notebook, type Output, upgradeNotebook } from "./notebook.ts";
import { OutputCollector } from "./outputs.ts";
import { withinTime } from "./time.ts";

/** What has been run, as it is reported to {@linkcode RunOptions.onCell}. */
export interface CellReport {
  /** Position of the cell among all cells of the notebook, from 0. */
  index: number;
  /** Position among the cells that run, from 1, and their number. */
  step: number;
  /** Number of the cells that run. */
  steps: number;
  /** The cell, with its new outputs. */
  cell: Cell;
  /** How long it took. */
  milliseconds: number;
  /** The error output, where there is one. */
  error: Output | undefined;
}

/** Options of {@linkcode runNotebook}. */
export interface RunOptions extends Pick<LaunchOptions, "cwd" | "env"> {
  /** How long one cell may take before it is interrupted. Default: no limit. */
  cellTimeoutMilliseconds?: number;
  /** Whether to go on after a cell that threw. Default: false. */
  allowErrors?: boolean;
  /** Called after each cell. */
  onCell?: (report: CellReport) => void;
  /** Stops the run and the kernel. */
  signal?: AbortSignal;
}

/** Thrown when a cell failed; the notebook holds the outputs until there. */
export class CellError extends Error {
  /** Always `"CellError"`. */
  override name = "CellError";
  /** Position of the cell in the notebook, from 0. */
  readonly index: number;
  /** Lines to show. */
  readonly traceback: readonly string[];
  /** The notebook with the outputs so far. */
  readonly notebook: Notebook;

  /** Makes the error of cell `index`. */
  constructor(message: string, index: number, traceback: readonly string[], notebook: Notebook) {
    super(message);
    this.index = index;
    this.traceback = traceback;
    this.notebook = notebook;
  }
}

/** A cell that was interrupted gets so long to end before the kernel is killed. */
const INTERRUPT_PATIENCE = 3000;

/**
 * Runs the code cells of a notebook in order, in a fresh kernel, and returns a copy with the new outputs.
 *
 * A cell tagged `skip-execution` is left alone; one tagged `raises-exception` may throw. Throws {@linkcode CellError}
 * at the first other cell that fails, or that exceeds the time limit.
 *
 * @example A notebook of one cell
 * ```ts ignore
 * import { runNotebook } from "@dinograd/dinograd/kernel";
 *
 * const notebook = await runNotebook({
 *   cells: [{ cell_type: "code", source: "1 + 1", metadata: {} }],
 *   metadata: {},
 *   nbformat: 4,
 *   nbformat_minor: 5,
 * });
 * console.log(notebook.cells[0].outputs?.[0].data); // { "text/plain": "2" }
 * ```
 */
export async function runNotebook(notebook: Notebook, options: RunOptions = {}): Promise<Notebook> {
  const result = upgradeNotebook(structuredClone(notebook));
  options.signal?.throwIfAborted();
  const kernel = await launchKernel({ cwd: options.cwd, env: options.env });
  const abort = () => {
    kernel.client.fail(options.signal!.reason);
    kernel.kill();
  };
  options.signal?.addEventListener("abort", abort);
  try {
    const info = await kernel.client.kernelInfo();
    result.metadata = {
      ...result.metadata,
      kernelspec: { display_name: "Dinograd (Deno)", language: "typescript", name: "dinograd" },
      language_info: info.language_info as JsonObject,
    };
    await runCells(result, kernel, options);
    return result;
  } finally {
    options.signal?.removeEventListener("abort", abort);
    await kernel.stop();
  }
}

async function runCells(notebook: Notebook, kernel: LaunchedKernel, options: RunOptions): Promise<void> {
  const collector = new OutputCollector();
  const runs = (cell: Cell) =>
    cell.cell_type === "code" && joinText(cell.source).trim() !== "" &&
    !cellTags(cell).includes("skip-execution");
  const steps = notebook.cells.filter(runs).length;
  let step = 0;
  for (const [index, cell] of notebook.cells.entries()) {
    if (cell.cell_type === "code" && joinText(cell.source).trim() === "") {
      cell.outputs = [];
      cell.execution_count = null;
    }
    if (!runs(cell)) continue;
    step++;
    const outputs = collector.cell();
    cell.outputs = outputs.list;
    const started = performance.now();
    const execution = kernel.client.execute(joinText(cell.source), {
      onMessage: (message) => outputs.take(message),
    });
    const inTime = await withinLimit(execution, kernel, options.cellTimeoutMilliseconds);
    cell.execution_count = outputs.executionCount;
    const error = outputs.list.findLast((output) => output.output_type === "error");
    const milliseconds = performance.now() - started;
    options.onCell?.({ index, step, steps, cell, milliseconds, error });
    if (!inTime) {
      const limit = options.cellTimeoutMilliseconds! / 1000;
      throw new CellError(
        `cell ${index + 1} took longer than ${limit} s and was interrupted`,
        index,
        [],
        notebook,
      );
    }
    if (error !== undefined && !options.allowErrors && !cellTags(cell).includes("raises-exception")) {
      const message = `cell ${index + 1} failed: ${error.ename}: ${error.evalue}`;
      throw new CellError(message, index, error.traceback ?? [], notebook);
    }
  }
}

/** Awaits the end of a cell; interrupts, then kills, when it exceeds the limit. Whether it ended in time. */
async function withinLimit(execution: Execution, kernel: LaunchedKernel, limit?: number): Promise<boolean> {
  if (limit === undefined) {
    await execution.done;
    return true;
  }
  if (await withinTime(execution.done, limit)) return true;
  await kernel.client.interrupt().catch(() => {});
  const stopped = await withinTime(execution.done, INTERRUPT_PATIENCE).catch(() => false);
  if (!stopped) {
    kernel.client.fail(new KernelDied("the kernel was killed, because a cell did not end"));
    kernel.kill();
    await execution.done.catch(() => {});
  }
  return false;
}
