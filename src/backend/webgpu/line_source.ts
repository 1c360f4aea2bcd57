/**
 * WGSL of line operations: what follows the folds of a line, and scans.
 * @module
 */
import type { LineOp } from "../../expr/fold.ts";
import type { DType } from "../../tensor/dtype.ts";
import type { Access } from "./commands.ts";
import { loaded } from "./convert.ts";
import { elementType } from "./elements.ts";
import { FoldWriter, FOUR, GROUP, moduleOf, variablesOf } from "./fold_source.ts";
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
  /** Whether four elements are read and written at once, as a vector. */
  readonly four: boolean;
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

/** Elements that an invocation has at hand: what they and their places are called, and the prefix of their variables. */
interface Hand {
  readonly v: string;
  readonly i: string;
  readonly own: string;
}

const one: readonly Hand[] = [{ v: "v", i: "i", own: "s_" }];
const several: readonly Hand[] = FOUR.map((u) => ({ v: `v${u}`, i: `i${u}`, own: `q${u}_` }));

/** Reading the elements at `at`, an index in elements or (with `four`) in fours, and their places from number `e` on. */
function read({ dtype, compute, four }: LineStage, memory: string, at: string): string {
  return four
    ? `let y = ${memory}[${at}];\n` +
      several.map(({ v, i }, u) =>
        `let ${v} = ${loaded(`y[${u}]`, dtype, compute)};\nlet ${i} = e * 4 + ${u};`
      )
        .join("\n")
    : `let v = ${loaded(`${memory}[${at}]`, dtype, compute)};\nlet i = e;`;
}

/** The results for the elements at hand, written to `at`; what is the same for all elements comes before. */
function written(
  writer: FoldWriter,
  { op, results, four }: LineStage,
  outs: readonly string[],
  at: string,
): { before: string; inside: string } {
  const each = (four ? several : one).map(({ v, i }) =>
    writer.results(op.each, results, (name) => name === "v" ? v : name === "i" ? i : `s_${name}`, true)
  );
  const stores = outs.map((out, o) => {
    const values = each.map(({ values }) => values[o]);
    return `${out}[${at}] = ${four ? `vec4<${elementType(results[o])}>(${values.join(", ")})` : values[0]};`;
  });
  return {
    before: each.map((e) => e.before).join("\n"),
    inside: [...each.map((e) => e.statements), ...stores].join("\n"),
  };
}

const inMemory = (dtype: DType, four: boolean): string =>
  four ? `vec4<${elementType(dtype)}>` : elementType(dtype);

/**
 * The whole operation for a line: its walks, then every element again. With `tree` a workgroup shares a line, else an invocation
 * has one.
 */
export function wholeSource(stage: LineStage, tree: boolean): KernelSource {
  const { op, dtype, compute, results, four } = stage;
  const writer = new FoldWriter(op, compute), buffers = new Buffers(), hands = four ? several : one;
  const x = buffers.bind(inMemory(dtype, four), "read");
  const outs = results.map((d) => buffers.bind(inMemory(d, four), "write"));
  const length = four ? `${N} / 4` : N, from = four ? `${OFFSET} / 4` : OFFSET;
  const loop = (body: string) =>
    `for (var e = ${tree ? "i32(l)" : "0"}; e < ${length}; e += ${tree ? GROUP : 1}) {
${read(stage, x, `${from} + t * (${length}) + e`)}
${body}
}`;
  const lines: string[] = [];
  let declarations = "";
  for (const p of op.passes) {
    const steps = hands.map(({ own, v, i }) => writer.step(p, own, v, i));
    // the walk's variables are in scope of the loop only; the results are constants
    const names = p.variables.map((s) => s.name);
    lines.push(writer.given(p), writer.first(p, "w_"), ...steps.map((s) => s.before));
    lines.push(
      `{
${hands.map(({ own }) => writer.first(p, own)).join("\n")}
${loop(steps.map((s) => s.inside).join("\n"))}
${hands.slice(1).map(({ own }) => writer.merge(p, hands[0].own, (name) => own + name)).join("\n")}
${names.map((s) => `w_${s} = ${hands[0].own}${s};`).join(" ")}
}`,
    );
    if (tree) {
      for (const { name, type } of variablesOf([p], compute)) {
        declarations += `var<workgroup> j_${name}: array<${type}, ${GROUP}>;\n`;
      }
      lines.push(writer.join(p));
    }
    for (const s of names) lines.push(`let s_${s} = ${tree ? `j_${s}[0]` : `w_${s}`};`);
  }
  const { before, inside } = written(writer, stage, outs, `t * (${length}) + e`);
  lines.push(before, loop(inside));
  return moduleOf(op.name, WORDS, buffers.types, buffers.access, declarations, lines.join("\n"), tree);
}

/** What becomes of every element, once the variables of all walks are known: an invocation an element, or four. */
export function eachSource(stage: LineStage): KernelSource {
  const { op, dtype, compute, results, four } = stage, length = four ? `(${N} / 4)` : N;
  const writer = new FoldWriter(op, compute), buffers = new Buffers();
  const x = buffers.bind(inMemory(dtype, four), "read"),
    lines = [`let g = t / ${length};`, `let e = t % ${length};`];
  const known = variablesOf(op.passes, compute).map((s) => ({ ...s, at: buffers.bind(s.type, "read") }));
  for (const p of op.passes) {
    lines.push(writer.given(p));
    for (const { name } of p.variables) {
      lines.push(`let s_${name} = ${known.find((k) => k.name === name)!.at}[g];`);
    }
  }
  const outs = results.map((d) => buffers.bind(inMemory(d, four), "write"));
  const { before, inside } = written(writer, stage, outs, "t");
  lines.push(before, read(stage, x, `${four ? `${OFFSET} / 4` : OFFSET} + t`), inside);
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
