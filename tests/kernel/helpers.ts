/**
 * Running single cells in a kernel.
 *
 * @module
 */

import type { LaunchedKernel } from "../../kernel/launch.ts";
import { type Cell, joinText } from "../../kernel/notebook.ts";
import { OutputCollector } from "../../kernel/outputs.ts";

/** Runs a cell in a kernel that is already there. */
export async function runCell(
  kernel: LaunchedKernel,
  code: string,
): Promise<{ status: unknown; reply: Record<string, unknown>; cell: Cell }> {
  const outputs = new OutputCollector().cell();
  const options = { stopOnError: false, onMessage: outputs.take.bind(outputs) };
  const reply = await kernel.client.execute(code, options).done;
  const cell = { cell_type: "code", source: code, metadata: {}, outputs: outputs.list };
  return { status: reply.status, reply, cell };
}

/** What a cell printed. */
export function printedBy(cell: Cell, name: string = "stdout"): string {
  return (cell.outputs ?? [])
    .filter((output) => output.output_type === "stream" && output.name === name)
    .map((output) => joinText(output.text!)).join("");
}

/** The text of a cell's last result or display. */
export function shownBy(cell: Cell): unknown {
  return cell.outputs?.at(-1)?.data?.["text/plain"];
}
