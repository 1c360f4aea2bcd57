/**
 * Reductions of the CPU in JavaScript: a fold over some dimensions of strided memory.
 *
 * A fold is a few lines of code; from them a loop nest is generated for each element type and number of dimensions, and
 * cached. Floats are accumulated in doubles.
 * @module
 */

import { type DType, flavorOf, type TypedArray } from "../../tensor/dtype.ts";

/** One walk over the elements of a group. */
export interface Pass {
  /** Variables and their values before the first element; later passes see those of earlier ones, and `n`. */
  readonly state: Readonly<Record<string, string>>;
  /** Statements for each element: over `v` (the element), `i` (its place in the group, from 0), `n`, and the variables. */
  readonly step: string;
}

/** How elements are folded, in JavaScript. `n` is the number of elements in a group. */
export interface Fold {
  /** For caches: a name for each text. */
  readonly name: string;
  /** The walks over the elements. */
  readonly passes: readonly Pass[];
  /** Expressions for the results, one for each output, over the variables and `n`. */
  readonly results: readonly string[];
  /** Whether `i` means something, so that the elements must come in their order. */
  readonly ordered?: boolean;
}

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
const kernels = new Map<string, Map<DType, Kernel[]>>();

function kernelFor(fold: Fold, dtype: DType, shape: NestShape, outs: readonly TypedArray[]): Kernel {
  let byDtype = kernels.get(fold.name);
  if (byDtype === undefined) kernels.set(fold.name, byDtype = new Map());
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
  const body = shape.lanes ? sideBySide(fold, shape, dtype, outs) : oneByOne(fold, shape, dtype, outs);
  const source = `"use strict";\n${body.before}return function (data, offset, k, f, n, outs) {\n` +
    unpack("k", shape.kept) + unpack("f", shape.folded) +
    outs.map((_, o) => `const out${o} = outs[${o}];\n`).join("") + `let w = 0;\n${body.loops}};`;
  return new Function(source)() as Kernel;
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

function declare(state: Readonly<Record<string, string>>): string {
  return Object.entries(state).map(([name, value]) => `let ${name} = ${value};\n`).join("");
}

interface Code {
  /** What the kernel keeps between calls. */
  readonly before: string;
  readonly loops: string;
}

/** One group after the other, its state in variables. */
function oneByOne(fold: Fold, shape: NestShape, dtype: DType, outs: readonly TypedArray[]): Code {
  const group = (at: string) =>
    fold.passes.map(({ state, step }) => {
      const body = (p: string) => `const v = data[${p}]; ${step}${fold.ordered ? "; i++" : ""};\n`;
      return `${declare(state)}{ let i = 0; ${nest("f", shape.folded, at, body)} }\n`;
    }).join("") +
    fold.results.map((r, o) => `out${o}[w] = ${store(r, dtype, outs[o])};\n`).join("") + "w++;\n";
  return { before: "", loops: nest("k", shape.kept, "offset", group) };
}

/** Groups that are neighbours in memory side by side, their states in arrays, so that memory is read in its order. */
function sideBySide(fold: Fold, shape: NestShape, dtype: DType, outs: readonly TypedArray[]): Code {
  const lane = shape.kept - 1, j = "for (let j = 0; j < count; j++) ";
  let before = "", known = "";
  const passes = (at: string) => {
    let code = "";
    for (const { state, step } of fold.passes) {
      const names = Object.keys(state);
      for (const name of names) {
        const big = /^-?\d+n$/.test(state[name]);
        before += `const all_${name} = new ${big ? "BigInt64Array" : "Float64Array"}(${LANES});\n`;
      }
      code += `${j}{ ${known}${declare(state)}${names.map((s) => `all_${s}[j] = ${s};`).join(" ")} }\n`;
      const load = names.map((s) => `let ${s} = all_${s}[j];`).join(" ");
      const save = names.map((s) => `all_${s}[j] = ${s};`).join(" ");
      code += "{ let i = 0;\n" + nest("f", shape.folded, at, (p) =>
        `for (let j = 0, p = ${p}; j < count; j++, p += ks${lane}) { ${known}${load} ` +
        `const v = data[p]; ${step}; ${save} }\ni++;\n`) +
        "}\n";
      known += names.map((s) =>
        `const ${s} = all_${s}[j]; `
      ).join("");
    }
    return code +
      `${j}{ ${known}${
        fold.results.map((r, o) => `out${o}[w] = ${store(r, dtype, outs[o])};`).join(" ")
      } w++; }\n`;
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

/** A result of the fold's arithmetic as an element of `out`. */
function store(result: string, dtype: DType, out: TypedArray): string {
  if (out instanceof BigInt64Array) return `BigInt(${result})`;
  return flavorOf(dtype) === "bigint" ? `Number(${result})` : result;
}
