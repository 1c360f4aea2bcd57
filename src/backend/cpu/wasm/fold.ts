/**
 * Folds of contiguous floats as WebAssembly: sums of several kinds and extremes, in several vectors side by side, sums in
 * doubles. What each vector has gathered, and the last few elements, are folded by the fold's own JavaScript.
 * @module
 */
import { type Expr, postorder } from "../../../expr/expr.ts";
import type { Fold, Pass } from "../../../expr/fold.ts";
import { specialFunctions } from "../../../expr/lower_js.ts";
import { primitives } from "../../../expr/primitives.ts";
import { expandPowers } from "../../../expr/program.ts";
import type { TypedArray } from "../../../tensor/dtype.ts";
import { FoldText } from "../fold_js.ts";
import type { FoldInput, Loops } from "../reduce_js.ts";
import { FunctionWriter, Op, Simd, Type } from "./emit.ts";
import { features } from "./features.ts";
import { Kernel, Lanes, type Value } from "./lanes.ts";
import { ARRAYS, instantiate, memoryBuffer } from "./memory.ts";
import { spellings } from "./spellings.ts";

/** A walk whose one variable is computed in vectors. */
export interface Step {
  /** Whether it computes and does not just choose, so that single precision is not enough. */
  readonly rounds: boolean;
  /** The variable that it changes. */
  readonly variable: string;
  /** What it reads besides. */
  readonly reads: string | null;
  /** The new value of the variable. */
  readonly next: Expr;
}

/** Primitives whose results need no more digits than their arguments. */
const exact = new Set("where eq ne lt le gt ge and or xor not isnan isinf abs neg max min sign".split(" "));

/** A walk in vectors, or null where that cannot be. */
export function stepOf({ variables }: Pass, own: "single" | "double"): Step | null {
  const [{ name, next, whole }] = variables;
  if (variables.length !== 1 || whole) return null;
  const nodes = postorder(expandPowers([next]));
  const rounds = nodes.some((e) => e.args.length > 0 && !exact.has(e.op));
  const reads = nodes.flatMap((e) => e.op !== "input" || e.name === name || e.name === "v" ? [] : [e.name!]);
  if (reads.length > 1 || (reads.length > 0 && !rounds && own === "single")) return null;
  const column = rounds ? "double" : own;
  if (nodes.some((e) => e.args.length > 0 && spellings[e.op]?.[column] === undefined)) return null;
  return { rounds, variable: name, reads: reads[0] ?? null, next };
}

/** Computes an expression of vectors. */
export function computed(l: Lanes, root: Expr, names: ReadonlyMap<string, Value>): Value {
  const values = new Map<Expr, Value>();
  const [top] = expandPowers([root]);
  const isTruth = (e: Expr): boolean => e.args.length > 0 && primitives[e.op].kind === "bool";
  for (const e of postorder([top])) {
    if (e.op === "input") values.set(e, names.get(e.name!)!);
    else if (e.op === "const") values.set(e, l.number(e.value!));
    else {
      const { params, truths } = primitives[e.op];
      const args = e.args.map((a, i) => {
        const value = values.get(a)!;
        if (truths.includes(params[i])) return isTruth(a) ? value : l.ne(value, 0);
        return isTruth(a) ? l.and(value, l.number(1)) : value;
      });
      values.set(e, spellings[e.op][l.doubles ? "double" : "single"]!(l, args[0], args[1], args[2]));
    }
  }
  return values.get(top)!;
}

/** Elements in a group from which this is faster than JavaScript's loop. */
const LEAST = 640;

/** How many vectors of the element type are folded side by side, and how many elements are copied at a time. */
const VECTORS = 4, CHUNK = 8192;

/** Where the number that a step reads is, and where the vectors gather. */
const OTHER = 0, GATHERED = 16;

type Dtype = "float32" | "float64";

/** Folds one group of elements from `at`. */
type GroupFold = (data: TypedArray, at: number, n: number, outs: readonly TypedArray[], w: number) => void;

const folds: Readonly<Record<Dtype, Map<Fold, GroupFold | null>>> = {
  float32: new Map(),
  float64: new Map(),
};

/** Folds groups of elements, if it can and if that pays (with `always`: if it can). False if nothing was done. */
export function runWasmFold(
  fold: Fold,
  input: Pick<FoldInput, "data" | "offset">,
  k: Loops,
  f: Loops,
  dtype: Dtype,
  outs: readonly TypedArray[],
  always: boolean,
): boolean {
  if (f.sizes.length !== 1 || f.strides[0] !== 1 || (f.sizes[0] < LEAST && !always)) return false;
  if (outs.some((out) => out instanceof BigInt64Array)) return false;
  let group = folds[dtype].get(fold);
  if (group === undefined) folds[dtype].set(fold, group = compile(fold, dtype));
  if (group === null) return false;
  let at = input.offset, w = 0;
  const counters = k.sizes.map(() => 0);
  if (k.sizes.includes(0)) return true;
  for (;;) {
    group(input.data, at, f.sizes[0], outs, w++);
    let d = k.sizes.length - 1;
    for (; d >= 0; d--) {
      at += k.strides[d];
      if (++counters[d] < k.sizes[d]) break;
      at -= k.strides[d] * k.sizes[d];
      counters[d] = 0;
    }
    if (d < 0) return true;
  }
}

function compile(fold: Fold, dtype: Dtype): GroupFold | null {
  if (features() === null || fold.ordered) return null;
  const known = fold.passes.map((pass) => stepOf(pass, dtype === "float32" ? "single" : "double"));
  const buffer = memoryBuffer(), perVector = dtype === "float32" ? 4 : 2, step = VECTORS * perVector;
  const context: Record<string, unknown> = {
    special: specialFunctions,
    piece: new { float32: Float32Array, float64: Float64Array }[dtype](buffer, ARRAYS, CHUNK),
    doubles: new Float64Array(buffer, GATHERED, step),
    singles: new Float32Array(buffer, GATHERED, step),
    other: new Float64Array(buffer, OTHER, 1),
  };
  const text = new FoldText(fold, dtype);
  let code = `const whole = n - n % ${step};\n`;
  for (let p = 0; p < known.length; p++) {
    const vectors = known[p];
    if (vectors === null) return null;
    const gathered = vectors.rounds || dtype === "float64" ? "doubles" : "singles";
    const each = text.step(p, true), module = lowerStep(vectors, dtype);
    if (module === null) return null;
    context[`run${p}`] = instantiate(module);
    code += `${text.start(p)}${each.before}${gathered}.fill(s_${vectors.variable});\n`;
    if (vectors.reads !== null) code += `other[0] = ${vectors.reads === "n" ? "n" : `s_${vectors.reads}`};\n`;
    code += `for (let p = 0; p < whole; p += ${CHUNK}) {
      const count = Math.min(${CHUNK}, whole - p);
      piece.set(data.subarray(at + p, at + p + count));
      run${p}(count);
    }
    for (let j = 0; j < ${step}; j++) { const part = ${gathered}[j]; ${text.merge(p, () => "part")} }
    for (let p = at + whole; p < at + n; p++) { const v = data[p]; ${each.inside} }\n`;
  }
  code += text.results(fold.results, fold.results.map((_, o) => `outs[${o}][w]`)).inside;
  const names = Object.keys(context);
  const make = new Function(...names, `"use strict"; return (data, at, n, outs, w) => {\n${code}};`);
  return make(...names.map((name) => context[name])) as GroupFold;
}

/**
 * The loop of one step over a piece in memory, from what the vectors have gathered before. Null if there are elements that
 * vectors cannot compute (sin of huge angles): what they spoil is gathered already when they are found.
 */
function lowerStep(step: Step, dtype: Dtype): Uint8Array<ArrayBuffer> | null {
  const code = new FunctionWriter([Type.I32], Type.I32), kernel = new Kernel(code, features()!);
  const own = new Lanes(kernel, dtype === "float64");
  const wide = step.rounds && !own.doubles, l = wide ? own.wider() : own;
  const index = code.local(Type.I32), other = code.local(Type.V128);
  const shift = own.doubles ? 3 : 2, perVector = own.doubles ? 2 : 4;
  const gathered = Array.from({ length: wide ? 2 * VECTORS : VECTORS }, () => code.local(Type.V128));
  code.first(() => {
    code.i32(0);
    code.memory(Simd.Load64Splat, OTHER);
    code.set(other);
    gathered.forEach((local, i) => {
      code.i32(0);
      code.memory(Simd.Load, GATHERED + 16 * i);
      code.set(local);
    });
  });
  code.loop();
  const v = Array.from({ length: VECTORS }, (_, i) => {
    const local = code.local(Type.V128);
    code.get(index);
    code.i32(shift);
    code.op(Op.I32Shl);
    code.memory(Simd.Load, ARRAYS + 16 * i);
    code.set(local);
    return local;
  });
  const names = new Map<string, Value>([["v", wide ? own.widen(v) : v], [step.variable, gathered]]);
  if (step.reads !== null) names.set(step.reads, [other]);
  const next = computed(l, step.next, names);
  if (kernel.flagged.length > 0) return null;
  next.forEach((local, i) => {
    code.get(local);
    code.set(gathered[i]);
  });
  code.get(index);
  code.i32(VECTORS * perVector);
  code.op(Op.I32Add);
  code.set(index);
  code.get(index);
  code.get(0);
  code.op(Op.I32LtS);
  code.again();
  code.op(Op.End);
  gathered.forEach((local, i) => {
    code.i32(0);
    code.get(local);
    code.memory(Simd.Store, GATHERED + 16 * i);
  });
  code.i32(0);
  return code.module();
}
