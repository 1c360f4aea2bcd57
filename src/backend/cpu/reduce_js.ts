/**
 * Reductions of the CPU in JavaScript: a fold over some dimensions of strided memory.
 *
 * A fold is three lines of code; from them a loop nest is generated for each element type and number of dimensions, and
 * cached. Floats are accumulated in doubles.
 * @module
 */

import { type DType, flavorOf, type TypedArray } from "../../tensor/dtype.ts";

/** How elements are folded, as JavaScript over `v` (the element), `i` (its place in the fold, from 0) and own variables. */
export interface Fold {
  /** For caches. */
  readonly name: string;
  /** Statements before the first element. */
  readonly start: string;
  /** Statements for each element. */
  readonly step: string;
  /** Expressions for the results, one for each output. */
  readonly results: readonly string[];
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

type Kernel = (data: TypedArray, offset: number, k: Loops, f: Loops, outs: readonly TypedArray[]) => void;

interface Loops {
  readonly sizes: readonly number[];
  readonly strides: readonly number[];
}

const kernels = new Map<string, Kernel>();

/** Folds every group of elements; results are written row-major over the kept dimensions into `outs`. */
export function runFold(fold: Fold, input: FoldInput, dtype: DType, outs: readonly TypedArray[]): void {
  const k = collapse(input.kept, input.keptStrides), f = collapse(input.folded, input.foldedStrides);
  const key = `${fold.name}|${dtype}|${
    outs.map((o) => o.constructor.name)
  }|${k.sizes.length}|${f.sizes.length}`;
  let kernel = kernels.get(key);
  if (kernel === undefined) {
    kernels.set(key, kernel = generate(fold, k.sizes.length, f.sizes.length, dtype, outs));
  }
  kernel(input.data, input.offset, k, f, outs);
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

function generate(
  fold: Fold,
  kept: number,
  folded: number,
  dtype: DType,
  outs: readonly TypedArray[],
): Kernel {
  const nest = (prefix: string, rank: number, base: string, body: (at: string) => string): string => {
    let code = "", at = base;
    for (let d = 0; d < rank; d++) {
      code +=
        `for (let ${prefix}${d} = 0, ${prefix}p${d} = ${at}; ${prefix}${d} < ${prefix}n${d}; ${prefix}${d}++, ${prefix}p${d} += ${prefix}s${d}) {\n`;
      at = `${prefix}p${d}`;
    }
    return code + body(at) + "}".repeat(rank);
  };
  const unpack = (prefix: string, rank: number) =>
    Array.from(
      { length: rank },
      (_, d) => `const ${prefix}n${d} = ${prefix}.sizes[${d}], ${prefix}s${d} = ${prefix}.strides[${d}];\n`,
    ).join("");
  const inner = (at: string) =>
    `let i = 0; ${fold.start}\n` +
    nest("f", folded, at, (p) => `const v = data[${p}]; ${fold.step}; i++;\n`) +
    fold.results.map((r, o) => `out${o}[w] = ${store(r, dtype, outs[o])};\n`).join("") + "w++;\n";
  const source = `"use strict";\n${unpack("k", kept)}${unpack("f", folded)}` +
    outs.map((_, o) => `const out${o} = outs[${o}];\n`).join("") +
    `let w = 0;\n${nest("k", kept, "offset", inner)}`;
  return new Function("data", "offset", "k", "f", "outs", source) as Kernel;
}

/** A result of the fold's arithmetic as an element of `out`. */
function store(result: string, dtype: DType, out: TypedArray): string {
  const from = flavorOf(dtype) === "bigint", big = out instanceof BigInt64Array;
  return big && !from ? `BigInt(${result})` : !big && from ? `Number(${result})` : result;
}
