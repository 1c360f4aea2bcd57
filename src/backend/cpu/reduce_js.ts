/**
 * Reductions of the CPU in JavaScript: a fold over some dimensions of strided memory.
 *
 * From a fold a loop nest is generated for each element type and number of dimensions, and cached. Floats are accumulated in
 * doubles.
 * @module
 */

import type { Fold } from "../../expr/fold.ts";
import { specialFunctions } from "../../expr/lower_js.ts";
import type { DType, TypedArray } from "../../tensor/dtype.ts";
import { FoldText } from "./fold_js.ts";

export type { Fold } from "../../expr/fold.ts";

/** Strided memory of the input, its dimensions sorted into kept and folded ones. */
export interface FoldInput {
  /** The array that the elements lie in. */
  readonly data: TypedArray;
  /** Index of the first element. */
  readonly offset: number;
  /** Sizes of the kept dimensions. */
  readonly kept: readonly number[];
  /** Their steps. */
  readonly keptStrides: readonly number[];
  /** Sizes of the folded dimensions. */
  readonly folded: readonly number[];
  /** Their steps. */
  readonly foldedStrides: readonly number[];
}

type Kernel = (
  data: TypedArray,
  offset: number,
  k: Loops,
  f: Loops,
  n: number,
  outs: readonly TypedArray[],
) => void;

/** Nested loops: how often each runs, and its step in memory. */
export interface Loops {
  /** Sizes, the outermost loop's first. */
  readonly sizes: readonly number[];
  /** Steps. */
  readonly strides: readonly number[];
}

/** Kernels by fold, element type, and a number that says the rest. */
const kernels = new Map<Fold, Map<DType, Kernel[]>>();

function kernelFor(fold: Fold, dtype: DType, shape: NestShape, outs: readonly TypedArray[]): Kernel {
  let byDtype = kernels.get(fold);
  if (byDtype === undefined) kernels.set(fold, byDtype = new Map());
  let found = byDtype.get(dtype);
  if (found === undefined) byDtype.set(dtype, found = []);
  let code = (shape.kept * 16 + shape.folded) * 2 + (shape.lanes ? 1 : 0);
  // results differ in whether they take BigInts only
  for (let i = 0; i < outs.length; i++) code = code * 2 + (outs[i] instanceof BigInt64Array ? 1 : 0);
  return found[code] ??= generate(fold, shape, dtype, outs);
}

/** How many groups are folded side by side where that reads memory in its order. */
const LANES = 512;

/** Folds every group of elements; results are written row-major over the kept dimensions into `outs`. */
export function runFold(fold: Fold, input: FoldInput, dtype: DType, outs: readonly TypedArray[]): void {
  const { k, f } = loopsOf(fold, input);
  const n = input.folded.reduce((a, b) => a * b, 1);
  // Neighbours in memory belong to different groups: walk the groups side by side.
  const last = k.sizes.length - 1;
  const lanes = last >= 0 && f.sizes.length > 0 && k.sizes[last] >= 4 &&
    f.strides.every((s) => Math.abs(k.strides[last]) < Math.abs(s));
  const kernel = kernelFor(fold, dtype, { kept: k.sizes.length, folded: f.sizes.length, lanes }, outs);
  kernel(input.data, input.offset, k, f, n, outs);
}

const NO_LOOPS: Loops = { sizes: [], strides: [] };
const FLAT: NestShape = { kept: 0, folded: 1, lanes: false };

/** Folds `n` elements that lie one behind the other: the short way for small tensors. */
export function runFlatFold(
  fold: Fold,
  data: TypedArray,
  offset: number,
  n: number,
  dtype: DType,
  outs: readonly TypedArray[],
): void {
  kernelFor(fold, dtype, FLAT, outs)(data, offset, NO_LOOPS, { sizes: [n], strides: [1] }, n, outs);
}

/** The loops over the kept dimensions and over the folded ones, as few as do. */
export function loopsOf(fold: Fold, input: FoldInput): { readonly k: Loops; readonly f: Loops } {
  const f = fold.ordered ? collapse(input.folded, input.foldedStrides) : collapse(...inMemoryOrder(input));
  return { k: collapse(input.kept, input.keptStrides), f };
}

/** The folded dimensions, from the largest step to the smallest. */
function inMemoryOrder({ folded, foldedStrides }: FoldInput): [readonly number[], readonly number[]] {
  if (folded.length < 2) return [folded, foldedStrides];
  const order = folded.map((_, d) => d).sort((a, b) =>
    Math.abs(foldedStrides[b]) - Math.abs(foldedStrides[a])
  );
  return [order.map((d) => folded[d]), order.map((d) => foldedStrides[d])];
}

/** Drops dimensions of size 1 and merges those that step evenly. */
function collapse(sizes: readonly number[], strides: readonly number[]): Loops {
  const outSizes: number[] = [], outStrides: number[] = [];
  for (let d = 0; d < sizes.length; d++) {
    if (sizes[d] === 1) continue;
    const last = outSizes.length - 1;
    if (last >= 0 && outStrides[last] === strides[d] * sizes[d]) {
      outSizes[last] *= sizes[d];
      outStrides[last] = strides[d];
    } else {
      outSizes.push(sizes[d]);
      outStrides.push(strides[d]);
    }
  }
  return { sizes: outSizes, strides: outStrides };
}

// ---- code -----------------------------------------------------------------------------------------------------------

interface NestShape {
  readonly kept: number;
  readonly folded: number;
  readonly lanes: boolean;
}

function generate(fold: Fold, shape: NestShape, dtype: DType, outs: readonly TypedArray[]): Kernel {
  const text = new FoldText(fold, dtype);
  const body = shape.lanes ? sideBySide(text, shape, outs) : oneByOne(text, shape, outs);
  const source = `"use strict";\n${body.before}return function (data, offset, k, f, n, outs) {\n` +
    unpack("k", shape.kept) + unpack("f", shape.folded) +
    outs.map((_, o) => `const out${o} = outs[${o}];\n`).join("") + `let w = 0;\n${body.loops}};`;
  return new Function("special", source)(specialFunctions) as Kernel;
}

function unpack(prefix: string, rank: number): string {
  return Array.from(
    { length: rank },
    (_, d) => `const ${prefix}n${d} = ${prefix}.sizes[${d}], ${prefix}s${d} = ${prefix}.strides[${d}];\n`,
  ).join("");
}

/** Loops over `rank` dimensions around a body, which is given the place in memory. */
function nest(prefix: string, rank: number, base: string, body: (at: string) => string): string {
  let code = "", at = base;
  for (let d = 0; d < rank; d++) {
    const i = `${prefix}${d}`, p = `${prefix}p${d}`;
    code += `for (let ${i} = 0, ${p} = ${at}; ${i} < ${prefix}n${d}; ${i}++, ${p} += ${prefix}s${d}) {\n`;
    at = p;
  }
  return code + body(at) + "}".repeat(rank);
}

interface Code {
  /** What the kernel keeps between calls. */
  readonly before: string;
  readonly loops: string;
}

/** One group after the other, its state in variables. */
function oneByOne(text: FoldText, shape: NestShape, outs: readonly TypedArray[]): Code {
  const group = (at: string) =>
    text.fold.passes.map((_, p) => {
      const step = text.step(p, true);
      const body = (at: string) =>
        `const v = data[${at}];\n${step.inside}${text.fold.ordered ? "i++;" : ""}\n`;
      return `${text.start(p)}${step.before}{ let i = 0; ${nest("f", shape.folded, at, body)} }\n`;
    }).join("") + results(text, outs) +
    "w++;\n";
  return { before: "", loops: nest("k", shape.kept, "offset", group) };
}

/** Groups that are neighbours in memory side by side, their states in arrays, so that memory is read in its order. */
function sideBySide(text: FoldText, shape: NestShape, outs: readonly TypedArray[]): Code {
  const lane = shape.kept - 1, j = "for (let j = 0; j < count; j++) ";
  let before = "", known = "";
  const passes = (at: string) => {
    let code = "";
    text.fold.passes.forEach(({ given, variables }, p) => {
      const names = variables.map((s) => `s_${s.name}`), all = [...given.map((g) => `s_${g.name}`), ...names];
      for (const { name, whole } of [...given.map(({ name }) => ({ name, whole: false })), ...variables]) {
        const big = text.big && !whole;
        before += `const all_s_${name} = new ${big ? "BigInt64Array" : "Float64Array"}(${LANES});\n`;
      }
      code += `${j}{ ${known}${text.start(p)}${all.map((s) => `all_${s}[j] = ${s};`).join(" ")} }\n`;
      const load = all.map((s) => `let ${s} = all_${s}[j];`).join(" ");
      const save = names.map((s) => `all_${s}[j] = ${s};`).join(" ");
      code += "{ let i = 0;\n" + nest("f", shape.folded, at, (p0) =>
        `for (let j = 0, p = ${p0}; j < count; j++, p += ks${lane}) { ${known}${load} ` +
        `const v = data[p]; ${text.step(p, false).inside} ${save} }\ni++;\n`) +
        "}\n";
      known += all.map((s) =>
        `const ${s} = all_${s}[j]; `
      ).join("");
    });
    return code +
      `${j}{ ${known}${results(text, outs)} w++; }\n`;
  };
  const loops = nest(
    "k",
    lane,
    "offset",
    (at) =>
      `for (let start = 0; start < kn${lane}; start += ${LANES}) {\n` +
      `const count = Math.min(${LANES}, kn${lane} - start), first = ${at} + start * ks${lane};\n` +
      `${passes("first")}}\n`,
  );
  return { before, loops };
}

function results(text: FoldText, outs: readonly TypedArray[]): string {
  const names = outs.map((_, o) => `out${o}[w]`);
  return text.results((text.fold as Fold).results, names, (o) => outs[o] instanceof BigInt64Array).inside;
}
