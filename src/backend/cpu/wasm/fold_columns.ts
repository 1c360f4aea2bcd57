/**
 * Folds of columns as WebAssembly: groups that are neighbours in memory are the lanes of vectors, so that memory is read row by
 * row. Each group's elements come in their order, as in JavaScript.
 * @module
 */
import type { Fold } from "../../../expr/fold.ts";
import { specialFunctions } from "../../../expr/lower_js.ts";
import type { TypedArray } from "../../../tensor/dtype.ts";
import { FoldText } from "../fold_js.ts";
import type { FoldInput, Loops } from "../reduce_js.ts";
import { FunctionWriter, Op, Simd, Type } from "./emit.ts";
import { features } from "./features.ts";
import { computed, type Step, stepOf } from "./fold.ts";
import { Kernel, Lanes, type Value } from "./lanes.ts";
import { ARRAYS, instantiate, memoryBuffer } from "./memory.ts";

type Dtype = "float32" | "float64";

/** Vectors of elements side by side. */
const VECTORS = 4;

/** Columns that are folded at a time, and elements of them that are copied at a time. */
const COLUMNS = 1024, CHUNK = 16384;

/** Sizes from which this is faster than JavaScript's loop: elements in all, and columns. */
const LEAST = 2048, LEAST_COLUMNS = 16;

/** Where the pieces are, what the lanes gather, and the numbers that a step reads. */
const PIECE = ARRAYS, GATHERED = PIECE + 8 * (CHUNK + 2 * COLUMNS), OTHERS = GATHERED + 8 * (COLUMNS + 16);

const views = { float32: Float32Array, float64: Float64Array };

/** Folds columns: elements `stride` apart, of `columns` groups side by side. */
type ColumnFold = (
  data: TypedArray,
  at: number,
  n: number,
  stride: number,
  columns: number,
  outs: readonly TypedArray[],
  w: number,
) => void;

const folds: Readonly<Record<Dtype, Map<Fold, ColumnFold | null>>> = {
  float32: new Map(),
  float64: new Map(),
};

/** Folds columns, if it can and if that pays (with `always`: if it can). False if nothing was done. */
export function runWasmColumns(
  fold: Fold,
  input: Pick<FoldInput, "data" | "offset">,
  k: Loops,
  f: Loops,
  dtype: Dtype,
  outs: readonly TypedArray[],
  always: boolean,
): boolean {
  const inner = k.sizes.length - 1;
  if (f.sizes.length !== 1 || inner < 0 || k.strides[inner] !== 1) return false;
  const columns = k.sizes[inner], [n] = f.sizes, [stride] = f.strides;
  if (!always && (columns < LEAST_COLUMNS || columns * n < LEAST)) return false;
  if (outs.some((out) => out instanceof BigInt64Array)) return false;
  let group = folds[dtype].get(fold);
  if (group === undefined) folds[dtype].set(fold, group = compile(fold, dtype));
  if (group === null) return false;
  if (k.sizes.includes(0)) return true;
  let at = input.offset, w = 0;
  const counters = k.sizes.slice(0, inner).map(() => 0);
  for (;;) {
    group(input.data, at, n, stride, columns, outs, w);
    w += columns;
    let d = inner - 1;
    for (; d >= 0; d--) {
      at += k.strides[d];
      if (++counters[d] < k.sizes[d]) break;
      at -= k.strides[d] * k.sizes[d];
      counters[d] = 0;
    }
    if (d < 0) return true;
  }
}

function compile(fold: Fold, dtype: Dtype): ColumnFold | null {
  if (features() === null || fold.ordered) return null;
  const buffer = memoryBuffer(), step = VECTORS * (dtype === "float32" ? 4 : 2);
  const context: Record<string, unknown> = {
    special: specialFunctions,
    piece: new views[dtype](buffer, PIECE, CHUNK + 2 * COLUMNS),
    doubles: new Float64Array(buffer, GATHERED, COLUMNS),
    singles: new Float32Array(buffer, GATHERED, COLUMNS),
    others: new Float64Array(buffer, OTHERS, COLUMNS),
  };
  const text = new FoldText(fold, dtype), each = "for (let j = 0; j < count; j++) ";
  let passes = "", known = "";
  for (const [p, pass] of fold.passes.entries()) {
    const vectors = stepOf(pass, dtype === "float32" ? "single" : "double");
    if (vectors === null) return null;
    const gathered = vectors.rounds || dtype === "float64" ? "doubles" : "singles";
    const names = [...pass.given, ...pass.variables].map(({ name }) => `s_${name}`);
    for (const name of names) context[`all_${name}`] = new Float64Array(COLUMNS);
    const module = lowerColumns(vectors, dtype);
    if (module === null) return null;
    context[`run${p}`] = instantiate(module);
    const reads = vectors.reads === null
      ? ""
      : `others[j] = ${vectors.reads === "n" ? "n" : `s_${vectors.reads}`};`;
    passes += `${each}{ ${known}${text.start(p)}${names.map((s) => `all_${s}[j] = ${s};`).join(" ")}
      ${gathered}[j] = s_${vectors.variable}; ${reads} }
    for (let r = 0; r < n; r += most) {
      const rows = Math.min(most, n - r), from = at + start + r * stride;
      if (whole) piece.set(data.subarray(from, from + (rows - 1) * stride + count));
      else for (let i = 0, p = from; i < rows; i++, p += stride) piece.set(data.subarray(p, p + count), i * width);
      run${p}(count, rows, width * ${views[dtype].BYTES_PER_ELEMENT});
    }
    ${each}all_s_${vectors.variable}[j] = ${gathered}[j];\n`;
    known += names.map((s) => `const ${s} = all_${s}[j]; `).join("");
  }
  const stores = fold.results.map((_, o) => `outs[${o}][w + start + j]`);
  // with rows that are not much longer than what is folded of them, several are copied at once
  const code = `for (let start = 0; start < columns; start += ${COLUMNS}) {
    const count = Math.min(${COLUMNS}, columns - start), whole = stride >= count && stride <= 1.5 * count;
    const width = whole ? stride : Math.ceil(count / ${step}) * ${step}, most = Math.floor(${CHUNK} / width);
    ${passes}
    ${each}{ ${known}${text.results(fold.results, stores).inside} }
  }`;
  const names = Object.keys(context);
  const make = new Function(
    ...names,
    `"use strict"; return (data, at, n, stride, columns, outs, w) => {\n${code}};`,
  );
  return make(...names.map((name) => context[name])) as ColumnFold;
}

/**
 * The loops over columns and over rows. The function takes the numbers of columns and rows, and the bytes of a row. Null if there
 * are elements that vectors cannot compute.
 */
function lowerColumns(step: Step, dtype: Dtype): Uint8Array<ArrayBuffer> | null {
  const code = new FunctionWriter([Type.I32, Type.I32, Type.I32], Type.I32), COUNT = 0, ROWS = 1, ROW = 2;
  const kernel = new Kernel(code, features()!), own = new Lanes(kernel, dtype === "float64");
  const wide = step.rounds && !own.doubles, l = wide ? own.wider() : own;
  const column = code.local(Type.I32), row = code.local(Type.I32), at = code.local(Type.I32);
  const perVector = own.doubles ? 2 : 4, count = wide ? 2 * VECTORS : VECTORS;
  const locals = (count: number): Value => Array.from({ length: count }, () => code.local(Type.V128));
  const gathered = locals(count), others = locals(step.reads === null ? 0 : count), v = locals(VECTORS);
  /** Pushes the address of the column in an array of elements of so many bytes. */
  const place = (bytes: number) => {
    code.get(column);
    code.i32(Math.log2(bytes));
    code.op(Op.I32Shl);
  };
  const add = (to: number, by: () => void) => {
    code.get(to);
    by();
    code.op(Op.I32Add);
    code.set(to);
  };
  const bytes = l.doubles ? 8 : 4;
  code.loop();
  for (const [list, address] of [[gathered, GATHERED], [others, OTHERS]] as const) {
    list.forEach((local, i) => {
      place(bytes);
      code.memory(Simd.Load, address + 16 * i);
      code.set(local);
    });
  }
  place(own.doubles ? 8 : 4);
  code.set(at);
  code.get(ROWS);
  code.set(row);
  code.loop();
  v.forEach((local, i) => {
    code.get(at);
    code.memory(Simd.Load, PIECE + 16 * i);
    code.set(local);
  });
  const names = new Map<string, Value>([["v", wide ? own.widen(v) : v], [step.variable, gathered]]);
  if (step.reads !== null) names.set(step.reads, others);
  const next = computed(l, step.next, names);
  if (kernel.flagged.length > 0) return null;
  next.forEach((local, i) => {
    code.get(local);
    code.set(gathered[i]);
  });
  add(at, () => code.get(ROW));
  add(row, () => code.i32(-1));
  code.get(row);
  code.again();
  code.op(Op.End);
  gathered.forEach((local, i) => {
    place(bytes);
    code.get(local);
    code.memory(Simd.Store, GATHERED + 16 * i);
  });
  add(column, () => code.i32(VECTORS * perVector));
  code.get(column);
  code.get(COUNT);
  code.op(Op.I32LtS);
  code.again();
  code.op(Op.End);
  code.i32(0);
  return code.module();
}
