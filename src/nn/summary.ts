/**
 * What a network is made of, as a table: its modules, the shapes of what they give, and their parameters.
 * @module
 */

import { noGrad } from "../autograd/modes.ts";
import { zeros } from "../tensor/create.ts";
import { getDefaultDevice } from "../tensor/device.ts";
import { isFloatingPoint } from "../tensor/dtype.ts";
import { Tensor } from "../tensor/tensor.ts";
import { Module } from "./module.ts";
import { describe } from "./text.ts";

/** An example input: a tensor, or a shape that stands for zeros of it. */
export type SummaryInput = Tensor | readonly number[];

/** One module of a {@linkcode Summary}. */
export interface SummaryRow {
  /** Its path from the model, "" for the model itself. */
  readonly path: string;
  /** The name of its class. */
  readonly type: string;
  /** How deep it lies. */
  readonly depth: number;
  /** Elements of its own parameters, without those of the modules in it. */
  readonly parameters: number;
  /** The shape of what it gave for the example input; null without one, or if it was not called. */
  readonly outputShape: string | null;
  /** Whether it was listed before under another path. */
  readonly shared: boolean;
}

function count(tensors: Iterable<Tensor>): number {
  let sum = 0;
  for (const t of tensors) sum += t.numel();
  return sum;
}

const BYTES: Readonly<Record<string, number>> = { 8: 1, 16: 2, 32: 4, 64: 8 };

function bytesOf(t: Tensor): number {
  return t.numel() * (BYTES[/\d+$/.exec(t.dtype)?.[0] ?? "8"] ?? 1);
}

/** Shapes of tensors, also within arrays. */
function shapeText(value: unknown): string {
  if (value instanceof Tensor) return `[${value.shape.join(", ")}]`;
  if (Array.isArray(value)) return `(${value.map(shapeText).join(", ")})`;
  return describe(value);
}

function thousands(n: number): string {
  return n.toLocaleString("en-US");
}

function size(bytes: number): string {
  const units = ["B", "kB", "MB", "GB"];
  let i = 0;
  for (; bytes >= 1000 && i < units.length - 1; i++) bytes /= 1000;
  return `${i === 0 ? bytes : bytes.toPrecision(3)} ${units[i]}`;
}

function escape(text: string): string {
  return text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
}

/** A network as a table. In a notebook it shows itself; its text is a table, too. */
export class Summary {
  /** The model and the modules in it. */
  readonly rows: readonly SummaryRow[];
  /** Elements of all parameters, shared ones once. */
  readonly parameters: number;
  /** Of these, the elements that are learnt. */
  readonly trainable: number;
  /** Elements of all buffers. */
  readonly buffers: number;
  /** Bytes of all parameters and buffers. */
  readonly bytes: number;

  /** For {@linkcode summary}. */
  constructor(model: Module, shapes: ReadonlyMap<Module, string> | null) {
    const parameters = model.parameters(), buffers = model.buffers();
    this.rows = rowsOf(model, shapes);
    this.parameters = count(parameters);
    this.trainable = count(parameters.filter((p) => p.requiresGrad));
    this.buffers = count(buffers);
    this.bytes = [...parameters, ...buffers].reduce((sum, t) => sum + bytesOf(t), 0);
  }

  #cells(): string[][] {
    const withShapes = this.rows.some((row) => row.outputShape !== null);
    return this.rows.map(({ path, type, parameters, outputShape, shared }) => {
      const name = path === "" ? type : `${path.slice(path.lastIndexOf(".") + 1)}: ${type}`;
      const number = shared ? "shared" : parameters === 0 ? "" : thousands(parameters);
      return [name, ...withShapes ? [outputShape ?? ""] : [], number];
    });
  }

  #head(columns: number): string[] {
    return ["module", ...columns === 3 ? ["output shape"] : [], "parameters"];
  }

  #foot(): string {
    const { parameters, trainable, buffers, bytes } = this;
    const frozen = parameters - trainable;
    return [
      `${thousands(parameters)} parameters`,
      frozen ? `${thousands(trainable)} trainable` : "",
      buffers ? `${thousands(buffers)} in buffers` : "",
      size(bytes),
    ].filter(Boolean).join(", ");
  }

  /** The table in text. */
  toString(): string {
    const branches = branchesOf(this.rows);
    const cells = this.#cells().map(([name, ...rest], i) => [branches[i] + name, ...rest]);
    const head = this.#head(cells[0].length);
    const widths = head.map((text, j) => Math.max(text.length, ...cells.map((row) => row[j].length)));
    const line = (row: readonly string[]): string =>
      row.map((text, j) => j === row.length - 1 ? text.padStart(widths[j]) : text.padEnd(widths[j])).join(
        "   ",
      )
        .trimEnd();
    const rule = "─".repeat(widths.reduce((a, b) => a + b, 3 * (widths.length - 1)));
    return [line(head), rule, ...cells.map(line), rule, this.#foot()].join("\n");
  }

  /** The table in HTML. */
  toHTML(): string {
    const cells = this.#cells(), head = this.#head(cells[0].length), last = head.length - 1;
    const style = (j: number, depth = 0): string =>
      `padding:2px 14px 2px ${depth * 18}px;border:0;white-space:nowrap;text-align:${
        j === last ? "right" : "left"
      }`;
    const rule = "1px solid rgba(128,128,128,.6)";
    const heads = head.map((text, j) => `<th style="${style(j)};font-weight:normal;opacity:.6">${text}</th>`);
    const body = cells.map((row, i) => {
      const { depth, path } = this.rows[i];
      const data = row.map((text, j) => {
        const [name, type] = j === 0 && path !== "" ? text.split(": ") : ["", text];
        const words = name ? `<span style="opacity:.6">${escape(name)}</span> ${escape(type)}` : escape(type);
        return `<td style="${style(j, j === 0 ? depth : 0)}">${words}</td>`;
      });
      return `<tr style="background:none">${data.join("")}</tr>`;
    });
    return `<div style="font:13px/1.45 ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;` +
      `overflow-x:auto;color:inherit"><table style="border-collapse:collapse;font:inherit;color:inherit;margin:0;` +
      `width:auto;border:0"><thead style="border-bottom:${rule}"><tr style="background:none">${
        heads.join("")
      }</tr>` +
      `</thead><tbody style="border-bottom:${rule}">${body.join("")}</tbody></table>` +
      `<div style="margin-top:3px">${escape(this.#foot())}</div></div>`;
  }

  /** What a notebook asks for. */
  [Symbol.for("Jupyter.display")](): Record<string, string> {
    return { "text/plain": this.toString(), "text/html": this.toHTML() };
  }

  /** What console.log shows. */
  [Symbol.for("Deno.customInspect")](): string {
    return this.toString();
  }
}

function rowsOf(model: Module, shapes: ReadonlyMap<Module, string> | null): SummaryRow[] {
  const rows: SummaryRow[] = [], seen = new Set<Module>();
  const visit = (module: Module, path: string, depth: number): void => {
    const shared = seen.has(module);
    seen.add(module);
    rows.push({
      path,
      type: module.typeName(),
      depth,
      parameters: count(module.ownParameters().map(([, p]) => p)),
      outputShape: shapes?.get(module) ?? null,
      shared,
    });
    if (shared) return;
    for (const [name, child] of module.ownModules()) {
      visit(child, path === "" ? name : `${path}.${name}`, depth + 1);
    }
  };
  visit(model, "", 0);
  return rows;
}

/** The lines of a tree before each row. */
function branchesOf(rows: readonly SummaryRow[]): string[] {
  return rows.map(({ depth }, i) => {
    let text = "";
    for (let level = 1; level <= depth; level++) {
      const next = rows.slice(i + 1).find((row) => row.depth <= level);
      const goesOn = next !== undefined && next.depth === level;
      text += level === depth ? (goesOn ? "├─ " : "└─ ") : goesOn ? "│  " : "   ";
    }
    return text;
  });
}

/** Runs the model on an example, as it is used and not trained, and notes what each module gives. */
function shapesOf(model: Module, inputs: readonly SummaryInput[]): Map<Module, string> {
  const shapes = new Map<Module, string>(), modules = model.modules();
  const { dtype, device } = model.parameters().find((p) => isFloatingPoint(p.dtype)) ??
    { dtype: "float32", device: getDefaultDevice() };
  const tensors = inputs.map((x) => x instanceof Tensor ? x : zeros([...x], { dtype, device }));
  const modes = modules.map((module) => module.training);
  const hooks = modules.map((module) =>
    module.registerForwardHook((_, __, output) => void shapes.set(module, shapeText(output)))
  );
  try {
    model.eval();
    noGrad(() => model.call(...tensors));
  } finally {
    for (const hook of hooks) hook.remove();
    modules.forEach((module, i) => module.training = modes[i]);
  }
  return shapes;
}

/**
 * A network as a table: its modules, what they give for an example input, and their parameters.
 *
 * The model runs once on the example, with `eval()` and without gradients; it is left as it was.
 *
 * @param model The network.
 * @param inputs An example for each argument of `forward`: a tensor, or a shape such as `[1, 784]` for zeros; without one
 *   the table has no shapes.
 * @returns The table, which shows itself.
 * @throws {TypeError} If the model is none, or an input is neither a tensor nor a shape.
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * const { nn } = dg;
 * const model = new nn.Sequential(new nn.Linear(4, 8), new nn.ReLU(), new nn.Linear(8, 1));
 * console.log(nn.summary(model, [32, 4]));
 * ```
 */
export function summary(model: Module, ...inputs: readonly SummaryInput[]): Summary {
  if (!((model as unknown) instanceof Module)) {
    throw new TypeError(`summary(): expected a Module, got ${describe(model)}`);
  }
  for (const x of inputs) {
    if (x instanceof Tensor || (Array.isArray(x) && x.every((n) => Number.isInteger(n) && n >= 0))) continue;
    throw new TypeError(
      `summary(): an input must be a tensor or a shape such as [1, 784], got ${describe(x)}`,
    );
  }
  return new Summary(model, inputs.length === 0 ? null : shapesOf(model, inputs));
}

// A module is a function, which the kernel shows as text; `display(model)` shows the table.
Object.defineProperty(Module.prototype, Symbol.for("Jupyter.display"), {
  value(this: Module): Record<string, string> {
    return { "text/plain": this.toString(), "text/html": summary(this).toHTML() };
  },
});
