/**
 * Collects a kernel's messages into the outputs of cells, as a notebook page does.
 *
 * @module
 */

import type { JsonObject, Message } from "./messages.ts";
import { joinText, type Output } from "./notebook.ts";

/** The outputs of all cells of one run. Updates of a display reach it in whichever cell it was first shown. */
export class OutputCollector {
  readonly #displays = new Map<string, Output[]>();

  /** Outputs for one more cell. */
  cell(): CellOutputs {
    return new CellOutputs(this.#displays);
  }
}

/** The outputs of one cell. */
export class CellOutputs {
  /** The outputs so far. */
  readonly list: Output[] = [];
  /** The cell's number, once the kernel has told it. */
  executionCount: number | null = null;
  readonly #displays: Map<string, Output[]>;
  #clearNext = false;

  /** Use {@linkcode OutputCollector.cell}. */
  constructor(displays: Map<string, Output[]>) {
    this.#displays = displays;
  }

  /** Takes one iopub message that belongs to the cell. */
  take(message: Message): void {
    const { content } = message;
    switch (message.header.msg_type) {
      case "execute_input":
        this.executionCount = content.execution_count as number;
        break;
      case "stream":
        this.#stream(String(content.name), String(content.text));
        break;
      case "display_data":
        this.#display(content, {
          output_type: "display_data",
          data: content.data as JsonObject,
          metadata: (content.metadata ?? {}) as JsonObject,
        });
        break;
      case "execute_result":
        this.#display(content, {
          output_type: "execute_result",
          execution_count: content.execution_count as number,
          data: content.data as JsonObject,
          metadata: (content.metadata ?? {}) as JsonObject,
        });
        break;
      case "update_display_data": {
        const id = displayId(content);
        for (const output of (id === undefined ? undefined : this.#displays.get(id)) ?? []) {
          output.data = content.data as JsonObject;
          output.metadata = (content.metadata ?? {}) as JsonObject;
        }
        break;
      }
      case "error":
        this.#add({
          output_type: "error",
          ename: String(content.ename),
          evalue: String(content.evalue),
          traceback: (content.traceback ?? []) as string[],
        });
        break;
      case "clear_output":
        if (content.wait === true) this.#clearNext = true;
        else this.#clear();
        break;
    }
  }

  #stream(name: string, text: string): void {
    if (this.#clearNext) this.#clear();
    const last = this.list.at(-1);
    if (last?.output_type === "stream" && last.name === name) last.text = joinText(last.text ?? "") + text;
    else this.#add({ output_type: "stream", name, text });
  }

  #display(content: JsonObject, output: Output): void {
    this.#add(output);
    const id = displayId(content);
    if (id === undefined) return;
    const known = this.#displays.get(id);
    if (known === undefined) this.#displays.set(id, [output]);
    else known.push(output);
  }

  #add(output: Output): void {
    if (this.#clearNext) this.#clear();
    this.list.push(output);
  }

  #clear(): void {
    this.#clearNext = false;
    this.list.length = 0;
  }
}

function displayId(content: JsonObject): string | undefined {
  const id = (content.transient as JsonObject | undefined)?.display_id;
  return typeof id === "string" ? id : undefined;
}
