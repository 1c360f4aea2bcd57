/**
 * WGSL of folds. An invocation, or a workgroup (`tree`), folds a part of a group's elements, or joins parts that were folded
 * before; then it writes its variables, or the results.
 *
 * Elements are folded in blocks whose variables are merged with those of the whole, so that the rounding errors of long sums do
 * not pile up. Names: `s_` and a variable's name is what the fold's text sees, `w_` the whole so far, `o_` another part.
 *
 * Where memory allows, four neighbours are read at once: four elements of a group, which have variables of their own until the end of
 * a block (`q0_` to `q3_`), or an element of each of four groups (`s0_` to `s3_`, `w0_` to `w3_`).
 * @module
 */
import { input as inputNamed } from "../../expr/expr.ts";
import { type LineOp, otherName, type Pass } from "../../expr/fold.ts";
import type { Fold } from "../../expr/fold.ts";
import { type FoldTarget, Statements } from "../../expr/lower_fold.ts";
import { lowerWgsl, wgslFoldTarget, wgslFunctions } from "../../expr/lower_wgsl.ts";
import type { Program } from "../../expr/program.ts";
import type { DType } from "../../tensor/dtype.ts";
import type { Access } from "./commands.ts";
import { loaded, SCALAR_WORDS, scalarSource, stored, wgslFlavor, wrapped } from "./convert.ts";
import { elementType } from "./elements.ts";
import type { KernelSource } from "./gpu.ts";
import { header } from "./pointwise.ts";

/** Invocations in a workgroup. */
export const GROUP = 64;
/** All definitions: also what is the same for all elements, such as a constant, has to be defined somewhere. */
function linesOf(s: Statements): string {
  return [...s.before, ...s.inside].join("\n");
}

/** The numbers of four neighbours. */
export const FOUR: readonly number[] = [0, 1, 2, 3];

/** Elements, and parts, that are folded before they are merged with the rest. Parts are often alike, and so are their rounding errors. */
const BLOCK = 128, PARTS = 32;

/** What an element is made of. */
export interface ElementCode {
  /** The program whose result an element is; null if it is the one operand. */
  readonly program: Program | null;
  /** Dtypes of the operands; null for numbers among the parameters. */
  readonly operands: readonly (DType | null)[];
  /** Binding of each operand. */
  readonly slots: readonly number[];
  /** What elements are computed in. */
  readonly computeDtype: DType;
  /** How many dimensions there are to walk. */
  readonly kept: number;
  /** The same, of those that are folded. */
  readonly folded: number;
  /** What an invocation reads four of at once, as vectors: elements of a group, or groups. */
  readonly four: "items" | "groups" | null;
  /** With `four`, for each operand whether it has one element for all four. */
  readonly fixed: readonly boolean[];
}

/** Which part of a fold a kernel does. */
export interface FoldStage {
  /** The fold, or the line operation that starts with one. */
  readonly fold: Fold | LineOp;
  /** The type of the variables that are not whole numbers. */
  readonly compute: DType;
  /** Elements to fold; null if parts are joined. */
  readonly elements: ElementCode | null;
  /** The first of the walks that it does. The variables of those before are read. */
  readonly from: number;
  /** Behind the last of them. */
  readonly to: number;
  /** Whether a workgroup shares a part. */
  readonly tree: boolean;
  /** Whether the items of a part lie side by side; else parts take turns. A tree's always do. */
  readonly together: boolean;
  /** Invocations in a workgroup. */
  readonly group: number;
  /** Whether neighbouring invocations have parts of one group. */
  readonly partsFirst: boolean;
  /** Dtypes of the results, where they are written and not the variables. */
  readonly results: readonly DType[] | null;
  /** WGSL types of the operands' buffers, which come first. */
  readonly types: readonly string[];
}

/** The variables of some walks, in order. */
export function variablesOf(passes: readonly Pass[], compute: DType): { name: string; type: string }[] {
  return passes.flatMap((p) =>
    p.variables.map(({ name, whole }) => ({ name, type: whole ? "i32" : elementType(compute) }))
  );
}

/** Words of parameters before those of operands: zero, invocations, items, n, parts, groups, items of a part, (none). */
export const FIRST_WORDS = 8;

const N = "P[0].w";

/** Writes expressions of a fold. */
export class FoldWriter {
  readonly #fold: Fold | LineOp;
  readonly #target: FoldTarget;
  readonly #compute: DType;
  #next = 0;

  /** For variables of a type. */
  constructor(fold: Fold | LineOp, compute: DType) {
    this.#fold = fold;
    this.#compute = compute;
    this.#target = wgslFoldTarget(wgslFlavor(compute), fold.name);
  }

  /** Expressions over names, each of which is written as `text` says. */
  statements(
    text: (name: string) => string,
    varies: (name: string) => boolean,
    roots: Parameters<FoldWriter["assigned"]>[0] | null,
  ): Statements {
    const whole = (name: string) =>
      this.#fold.whole.has(name) || (name.endsWith("_") && this.#fold.whole.has(name.slice(0, -1)));
    return new Statements(
      this.#target,
      { text: (name) => name === "n" ? N : text(name), whole, varies },
      `t${this.#next++}_`,
      roots === null ? [] : roots.map((r) => r.value),
    );
  }

  /** Statements that give variables new values. */
  assigned(
    changes: readonly {
      readonly name: string;
      readonly value: Pass["variables"][0]["next"];
      readonly whole: boolean;
    }[],
    to: string,
    text: (name: string) => string,
    varies: (name: string) => boolean = () => true,
  ): { before: string; inside: string } {
    const s = this.statements(text, varies, changes);
    s.assign(
      changes.map(({ name, value, whole }) => ({ to: `${to}${name}`, old: inputNamed(name), value, whole })),
    );
    return { before: s.before.join("\n"), inside: s.inside.join("\n") };
  }

  /** Declares the values that a walk is given. `scope` stands before the names of what is known. */
  given(p: Pass, scope = "s_"): string {
    return p.given.map(({ name, value }) => {
      const s = this.statements((name) => scope + name, () => true, [{ name, value, whole: false }]);
      const { text } = s.number(value, "element");
      return `${linesOf(s)}\nlet ${scope}${name} = ${text};`;
    }).join("\n");
  }

  /** Declares a walk's variables as they are before the first element. */
  first(p: Pass, prefix: string, scope = "s_"): string {
    return p.variables.map(({ name, whole, first }) => {
      const s = this.statements((name) => scope + name, () => true, [{ name, value: first, whole }]);
      const { text } = s.number(first, whole ? "whole" : "element");
      const type = whole ? "i32" : elementType(this.#compute);
      return `${linesOf(s)}\nvar ${prefix}${name}: ${type} = ${text};`;
    }).join("\n");
  }

  /** A step of the variables with prefix `own` by element `v` (and `u`, with the same behind it), number `i`; what stays the same comes before the loop. */
  step(p: Pass, own = "s_", v = "v", i = "i", scope = "s_"): { before: string; inside: string } {
    const names = new Map([
      ["v", v],
      ["u", v.replace("v", "u")],
      ["i", i],
      ...p.variables.map(({ name }) => [name, own + name] as const),
    ]);
    return this.assigned(
      p.variables.map(({ name, next, whole }) => ({ name, value: next, whole })),
      own,
      (name) => names.get(name) ?? scope + name,
      (name) => names.has(name),
    );
  }

  /** Joins the variables that `other` names into those with prefix `own`. */
  merge(p: Pass, own: string, other: (name: string) => string, scope = "s_"): string {
    const names = new Map<string, string>();
    for (const { name } of p.variables) names.set(name, `${own}${name}`).set(otherName(name), other(name));
    const { before, inside } = this.assigned(
      p.variables.map(({ name, merged, whole }) => ({ name, value: merged, whole })),
      own,
      (name) => names.get(name) ?? scope + name,
    );
    return `${before}\n${inside}`;
  }

  /** Joins what the invocations of a workgroup have in `w_`, by way of its memory, which all can read afterwards. */
  join(p: Pass): string {
    const save = p.variables.map(({ name }) => `j_${name}[l] = w_${name};`).join(" ");
    return `${save}
for (var half = ${GROUP / 2}u; half > 0u; half = half / 2u) {
workgroupBarrier();
if (l < half) {
${this.merge(p, "w_", (name) => `j_${name}[l + half]`)}
${save}
}
}
workgroupBarrier();`;
  }

  /**
   * Expressions for results, as they are stored, and the statements before them; with `hoist` what is the same for all elements
   * comes first.
   */
  results(
    roots: Fold["results"],
    dtypes: readonly DType[],
    text: (name: string) => string = (name) => `s_${name}`,
    hoist = false,
  ): { before: string; statements: string; values: string[] } {
    const varies = hoist ? (name: string) => name === "v" || name === "i" : () => true;
    const s = this.statements(text, varies, roots.map((value) => ({ name: "", value, whole: false })));
    const values = roots.map((e, o) => {
      const { text, kind } = s.number(e), from = kind === "whole" ? "int32" : this.#compute;
      const flavor = wgslFlavor(from);
      const truth = flavor === "float"
        ? `m_truth(${text})`
        : flavor === "int"
        ? `${text} != 0`
        : `!(${text} == 0.0lf)`;
      return stored(text, truth, from, dtypes[o]);
    });
    return hoist
      ? { before: s.before.join("\n"), statements: s.inside.join("\n"), values }
      : { before: "", statements: linesOf(s), values };
  }
}

/** Where operands are, as code: `start` gives their bases from `g`, `item` defines `v` (or `v0` to `v3`) for the item with number `e`. */
export function elementCode(
  { program, operands, slots, computeDtype, kept, folded, four, fixed }: ElementCode,
  compute: DType,
  next: () => string,
): { readonly start: string; readonly item: string } {
  const given = operands.flatMap((d, j) => d === null ? [] : [j]);
  const words = (count: number) => Array.from({ length: count }, next);
  const offsets = given.map(() => next());
  const keptSizes = words(kept), keptStrides = given.map(() => words(kept));
  const foldedSizes = words(folded), foldedStrides = given.map(() => words(folded));
  const place = (rest: string, name: string, sizes: readonly string[]): string => {
    if (sizes.length === 0) return "";
    let code = `var ${name}r = u32(${rest});\n`;
    for (let d = sizes.length - 1; d > 0; d--) {
      code += `let ${name}${d} = i32(${name}r % u32(${sizes[d]}));\n${name}r = ${name}r / u32(${
        sizes[d]
      });\n`;
    }
    return `${code}let ${name}0 = i32(${name}r);\n`;
  };
  /** Numbers of fours count in the last dimension. */
  const dot = (name: string, strides: readonly string[], fours: boolean) =>
    strides.map((s, d) => ` + ${name}${d} * ${s}${fours && d === strides.length - 1 ? " * 4" : ""}`).join("");
  const start = place("g", "k", keptSizes) +
    given.map((j, a) => `let base${j} = ${offsets[a]}${dot("k", keptStrides[a], four === "groups")};`)
      .join("\n");
  const flavor = wgslFlavor(computeDtype), target = program === null ? compute : computeDtype;
  let shared = folded === 1 ? "let f0 = e;\n" : place("e", "f", foldedSizes), own = "";
  given.forEach((j, a) => {
    const at = `base${j}${dot("f", foldedStrides[a], four === "items")}`, memory = `b${slots[j]}`;
    const one = (text: string) => `let x${j} = ${loaded(text, operands[j]!, target)};\n`;
    if (four === null) shared += one(`${memory}[${at}]`);
    else if (fixed[j]) shared += `let p${j} = ${at};\n${one(`${memory}[p${j} >> 2u][p${j} & 3]`)}`;
    else {
      shared += `let y${j} = ${memory}[(${at}) >> 2u];\n`;
      own += one(`y${j}[U]`);
    }
  });
  operands.forEach((d, j) => {
    if (d !== null) return;
    const at = words(SCALAR_WORDS[flavor]);
    shared += `let x${j} = ${scalarSource((k) => at[k], computeDtype)};\n`;
  });
  let values: readonly string[] = ["x0"];
  if (program !== null) {
    const wrap = flavor === "int" && computeDtype !== "int32"
      ? (v: string) => wrapped(v, computeDtype)
      : undefined;
    const { statements, results } = lowerWgsl(program, flavor, wrap);
    own += statements;
    values = results;
  }
  const names = values.length === 1 ? ["v"] : ["v", "u"];
  if (four === null) {
    const made = names.map((name, k) => `let ${name} = ${values[k]};`);
    return { start, item: `${shared}${own}\n${made.join("\n")}` };
  }
  const type = elementType(target);
  const each = FOUR.map((u) => {
    const declared = names.map((name) => `var ${name}${u}: ${type};`);
    const made = names.map((name, k) => `${name}${u} = ${values[k]};`);
    return `${declared.join("\n")}\n{\n${own.replaceAll("[U]", `[${u}]`)}\n${made.join("\n")}\n}`;
  });
  return { start, item: `${shared}${each.join("\n")}` };
}

/** Parameters by number. */
export function word(k: number): string {
  return `P[${k >> 2}][${k & 3}]`;
}

/** A module around the body of `main`, in which `t` is the number of the invocation or workgroup. */
export function moduleOf(
  label: string,
  words: number,
  types: readonly string[],
  access: readonly Access[],
  declarations: string,
  body: string,
  tree: boolean,
  group = GROUP,
): KernelSource {
  const code = `${types.includes("f16") || body.includes("f16(") ? "enable f16;\n" : ""}${
    header(words, types, access)
  }
${wgslFunctions(body)}
${declarations}
@compute @workgroup_size(${group})
fn main(
  @builtin(workgroup_id) w: vec3<u32>, @builtin(num_workgroups) g3: vec3<u32>, @builtin(local_invocation_index) l: u32,
) {
let t = i32(w.y * g3.x + w.x)${tree ? "" : ` * ${group} + i32(l)`};
if (t >= P[0].y) { return; }
${body}
}
`;
  return { label, code, access };
}

/** Variables of one group: `scope` before the names of what is known, `whole` of what was folded so far, `sets` of a block. */
interface Copy {
  readonly scope: string;
  readonly whole: string;
  readonly sets: readonly { readonly own: string; readonly v: string; readonly i: string }[];
}

/** The groups whose elements an invocation folds side by side. */
function copiesOf(four: ElementCode["four"]): readonly Copy[] {
  if (four === "groups") {
    return FOUR.map((u) => ({
      scope: `s${u}_`,
      whole: `w${u}_`,
      sets: [{ own: `s${u}_`, v: `v${u}`, i: "i" }],
    }));
  }
  const sets = four === "items"
    ? FOUR.map((u) => ({ own: `q${u}_`, v: `v${u}`, i: `i${u}` }))
    : [{ own: "s_", v: "v", i: "i" }];
  return [{ scope: "s_", whole: "w_", sets }];
}

/** The kernel of a stage. Buffers: operands or parts, variables of earlier walks, then what it writes. */
export function foldSource(stage: FoldStage): KernelSource {
  const { fold, compute, elements, from, to, tree, together, group, partsFirst, results } = stage;
  const four = elements?.four ?? null, copies = copiesOf(four), writer = new FoldWriter(fold, compute);
  const types = [...stage.types], access: Access[] = types.map(() => "read");
  const bind = (type: string, how: Access): string => {
    access.push(how);
    return `b${types.push(type) - 1}`;
  };
  /** The number of the group (or of what else is written) that a copy is for. */
  const numbered = (t: string, c: number) => four === "groups" ? `${t} * 4 + ${c}` : t;
  let words = FIRST_WORDS;
  const next = () => word(words++);
  const passes = fold.passes.slice(from, to);
  const incoming = elements === null
    ? variablesOf(passes, compute).map((s) => ({ ...s, at: bind(s.type, "read") }))
    : [];
  const known = variablesOf(fold.passes.slice(0, from), compute).map((s) => ({
    ...s,
    at: bind(s.type, "read"),
  }));

  const lines = partsFirst
    ? ["let part = t % P[1].x;", "let g = t / P[1].x;"]
    : ["let g = t % P[1].y;", "let part = t / P[1].y;"];
  const code = elements === null ? null : elementCode(elements, compute, next);
  const steps = elements === null ? [next(), next()] : null;
  if (code !== null) lines.push(code.start);
  copies.forEach(({ scope }, c) => {
    for (const p of fold.passes.slice(0, from)) {
      lines.push(writer.given(p, scope));
      for (const { name } of p.variables) {
        lines.push(`let ${scope}${name} = ${known.find((k) => k.name === name)!.at}[${numbered("g", c)}];`);
      }
    }
  });
  let declarations = "";
  for (const p of passes) {
    for (const { scope, whole } of copies) lines.push(writer.given(p, scope), writer.first(p, whole, scope));
    const { before, item } = itemCode(p);
    const firsts = copies.flatMap(({ scope, sets }) => sets.map(({ own }) => writer.first(p, own, scope)));
    const merges = copies.flatMap(({ scope, whole, sets }) => {
      const join = (own: string, other: string) => writer.merge(p, own, (name) => other + name, scope);
      const pairs = sets.length === 1 ? [] : [[0, 1], [2, 3], [0, 2]];
      return [...pairs.map(([a, b]) => join(sets[a].own, sets[b].own)), join(whole, sets[0].own)];
    });
    lines.push(
      before,
      `{
var e = ${tree ? "part * P[1].z + i32(l)" : together ? "part * P[1].z" : "part"};
let end = ${tree || together ? "min(P[0].z, (part + 1) * P[1].z)" : "P[0].z"};
let by = ${tree ? GROUP : together ? 1 : "P[1].x"};
while (e < end) {
${firsts.join("\n")}
for (var m = 0; m < ${elements === null ? PARTS : four === "items" ? BLOCK / 4 : BLOCK} && e < end; m++) {
${item}
e += by;
}
${merges.join("\n")}
}
}`,
    );
    if (tree) {
      for (const { name, type } of variablesOf([p], compute)) {
        declarations += `var<workgroup> j_${name}: array<${type}, ${GROUP}>;\n`;
      }
      lines.push(writer.join(p));
    }
    for (const { scope, whole } of copies) {
      for (const { name } of p.variables) {
        lines.push(`let ${scope}${name} = ${tree ? `j_${name}[0]` : whole + name};`);
      }
    }
  }
  if (tree) lines.push("if (l > 0u) { return; }");
  if (results === null) {
    for (const { name, type } of variablesOf(passes, compute)) {
      const to = bind(type, "write");
      copies.forEach(({ scope }, c) => lines.push(`${to}[${numbered("t", c)}] = ${scope}${name};`));
    }
  } else {
    const outs = results.map((d) => bind(elementType(d), "write"));
    copies.forEach(({ scope }, c) => {
      const { statements, values } = writer.results((fold as Fold).results, results, (name) => scope + name);
      lines.push(statements);
      values.forEach((value, o) => lines.push(`${outs[o]}[${numbered("g", c)}] = ${value};`));
    });
  }
  return moduleOf(fold.name, words, types, access, declarations, lines.join("\n"), tree, group);

  /** What is done with item `e`: an element, four, or a part. */
  function itemCode(p: Pass): { before: string; item: string } {
    if (code !== null) {
      const steps = copies.flatMap(({ scope, sets }) =>
        sets.map(({ own, v, i }) => writer.step(p, own, v, i, scope))
      );
      const places = four === "items" ? FOUR.map((u) => `let i${u} = e * 4 + ${u};`) : ["let i = e;"];
      return {
        before: steps.map((s) => s.before).join("\n"),
        item: [code.item, ...places, ...steps.map((s) => s.inside)].join("\n"),
      };
    }
    const at = `g * ${steps![0]} + e * ${steps![1]}`;
    const loads = p.variables.map(({ name }) =>
      `let o_${name} = ${incoming.find((s) => s.name === name)!.at}[${at}];`
    );
    return { before: "", item: `${loads.join("\n")}\n${writer.merge(p, "s_", (name) => `o_${name}`)}` };
  }
}
