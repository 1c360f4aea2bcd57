/**
 * WGSL of line operations: what follows the folds of a line, and scans.
 * @module
 */
import type { LineOp } from "../../expr/fold.ts";
import type { DType } from "../../tensor/dtype.ts";
import type { Access } from "./commands.ts";
import { loaded } from "./convert.ts";
import { elementType } from "./elements.ts";
import { FoldWriter, GROUP, moduleOf, variablesOf } from "./fold_source.ts";
import type { KernelSource } from "./gpu.ts";

/** What a kernel for lines is generated for. */
export interface LineStage {
  /** The operation. */
  readonly op: LineOp;
  /** Element type. */
  readonly dtype: DType;
  /** The type of the variables that are not whole numbers. */
  readonly compute: DType;
  /** Dtypes of the results. */
  readonly results: readonly DType[];
}

/**
 * Words of parameters: zero, invocations, elements of a line, (the same), elements of a part, parts of a line, offset.
 * Lines lie one behind the other.
 */
const WORDS = 8, N = "P[0].z", LENGTH = "P[1].x", PARTS = "P[1].y", OFFSET = "P[1].z";

class Buffers {
  readonly types: string[] = [];
  readonly access: Access[] = [];

  bind(type: string, how: Access): string {
    this.access.push(how);
    return `b${this.types.push(type) - 1}`;
  }
}

const byName = (name: string): string => name === "v" || name === "i" ? name : `s_${name}`;

/**
 * The whole operation for a line: its walks, then every element again. With `tree` a workgroup shares a line, else an invocation
 * has one.
 */
export function wholeSource({ op, dtype, compute, results }: LineStage, tree: boolean): KernelSource {
  const writer = new FoldWriter(op, compute), buffers = new Buffers();
  const x = buffers.bind(elementType(dtype), "read");
  const outs = results.map((d) => buffers.bind(elementType(d), "write"));
  const loop = (body: string) =>
    `for (var e = ${tree ? "i32(l)" : "0"}; e < ${N}; e += ${tree ? GROUP : 1}) {
let v = ${loaded(`${x}[${OFFSET} + t * ${N} + e]`, dtype, compute)};
let i = e;
${body}
}`;
  const lines: string[] = [];
  let declarations = "";
  for (const p of op.passes) {
    const { before, inside } = writer.step(p);
    // the walk's variables are in scope of the loop only; the results are constants
    const names = p.variables.map((s) => s.name);
    lines.push(writer.given(p), writer.first(p, "w_"), before);
    lines.push(
      `{\n${writer.first(p, "s_")}\n${loop(inside)}\n${names.map((s) => `w_${s} = s_${s};`).join(" ")}\n}`,
    );
    if (tree) {
      for (const { name, type } of variablesOf([p], compute)) {
        declarations += `var<workgroup> j_${name}: array<${type}, ${GROUP}>;\n`;
      }
      lines.push(writer.join(p));
    }
    for (const s of names) lines.push(`let s_${s} = ${tree ? `j_${s}[0]` : `w_${s}`};`);
  }
  const { before, statements, values } = writer.results(op.each, results, byName, true);
  const stores = values.map((value, o) => `${outs[o]}[t * ${N} + e] = ${value};`).join("\n");
  lines.push(before, loop(`${statements}\n${stores}`));
  return moduleOf(op.name, WORDS, buffers.types, buffers.access, declarations, lines.join("\n"), tree);
}

/** What becomes of every element, once the variables of all walks are known: an invocation an element. */
export function eachSource({ op, dtype, compute, results }: LineStage): KernelSource {
  const writer = new FoldWriter(op, compute), buffers = new Buffers();
  const x = buffers.bind(elementType(dtype), "read"), lines = [`let g = t / ${N};`, `let i = t % ${N};`];
  const known = variablesOf(op.passes, compute).map((s) => ({ ...s, at: buffers.bind(s.type, "read") }));
  for (const p of op.passes) {
    lines.push(writer.given(p));
    for (const { name } of p.variables) {
      lines.push(`let s_${name} = ${known.find((k) => k.name === name)!.at}[g];`);
    }
  }
  lines.push(`let v = ${loaded(`${x}[${OFFSET} + t]`, dtype, compute)};`);
  const { statements, values } = writer.results(op.each, results, byName);
  lines.push(statements);
  values.forEach((value, o) =>
    lines.push(`${buffers.bind(elementType(results[o]), "write")}[t] = ${value};`)
  );
  return moduleOf(op.name, WORDS, buffers.types, buffers.access, "", lines.join("\n"), false);
}

/** Elements of a scan before its variables are merged with those of what is before: rounding errors do not pile up. */
const SPAN = 32;

/**
 * A scan's walk over a part of a line, by one invocation. `first`: whether the part begins as if nothing were before it; else
 * with the variables of what is before. Writes the results (`each`), or the variables behind the part.
 *
 * `o_` are the variables of all that is before a span, `s_` those of the span so far, `m_` both together.
 */
export function scanSource(
  { op, dtype, compute, results }: LineStage,
  first: boolean,
  each: boolean,
): KernelSource {
  const writer = new FoldWriter(op, compute), buffers = new Buffers(), [pass] = op.passes;
  const x = buffers.bind(elementType(dtype), "read");
  const states = variablesOf([pass], compute);
  const before = first ? [] : states.map((s) => buffers.bind(s.type, "read"));
  const lines = [
    `let g = t / ${PARTS};`,
    `let part = t % ${PARTS};`,
    writer.given(pass),
    writer.first(pass, "o_"),
  ];
  states.forEach(({ name }, k) => first || lines.push(`o_${name} = ${before[k]}[t];`));
  const step = writer.step(pass), join = (to: string) => writer.merge(pass, to, (name) => `s_${name}`);
  const stores: string[] = [];
  if (each) {
    const both = (name: string) => name === "v" || name === "i" ? name : `m_${name}`;
    const { statements, values } = writer.results(op.each, results, both);
    for (const { name } of states) stores.push(`var m_${name} = o_${name};`);
    stores.push(join("m_"), statements);
    values.forEach((value, o) =>
      stores.push(`${buffers.bind(elementType(results[o]), "write")}[g * ${N} + e] = ${value};`)
    );
  }
  lines.push(
    step.before,
    `let end = min(${N}, (part + 1) * ${LENGTH});
var e = part * ${LENGTH};
while (e < end) {
${writer.first(pass, "s_")}
for (var m = 0; m < ${SPAN} && e < end; m++) {
let v = ${loaded(`${x}[${OFFSET} + g * ${N} + e]`, dtype, compute)};
let i = e;
${step.inside}
${stores.join("\n")}
e++;
}
${join("o_")}
}`,
  );
  if (!each) {
    for (const { name, type } of states) lines.push(`${buffers.bind(type, "write")}[t] = o_${name};`);
  }
  return moduleOf(op.name, WORDS, buffers.types, buffers.access, "", lines.join("\n"), false);
}

/** Replaces the variables behind each part of a line by those before it: an invocation a line. */
export function prefixSource({ op, compute }: LineStage): KernelSource {
  const writer = new FoldWriter(op, compute), buffers = new Buffers(), [pass] = op.passes;
  const states = variablesOf([pass], compute).map((s) => ({ ...s, at: buffers.bind(s.type, "write") }));
  const each = (write: (name: string, at: string) => string) =>
    states.map(({ name, at }) => write(name, at)).join("\n");
  const lines = [
    writer.given(pass),
    writer.first(pass, "w_"),
    `var part = 0;
while (part < ${PARTS}) {
${writer.first(pass, "s_")}
for (var m = 0; m < ${SPAN} && part < ${PARTS}; m++) {
let p = t * ${PARTS} + part;
${each((name, at) => `let o_${name} = ${at}[p];\nvar m_${name} = w_${name};`)}
${writer.merge(pass, "m_", (name) => `s_${name}`)}
${each((name, at) => `${at}[p] = m_${name};`)}
${writer.merge(pass, "s_", (name) => `o_${name}`)}
part++;
}
${writer.merge(pass, "w_", (name) => `s_${name}`)}
}`,
  ];
  return moduleOf(op.name, WORDS, buffers.types, buffers.access, "", lines.join("\n"), false);
}
