/**
 * Folds of contiguous floats as WebAssembly: sums of several kinds and extremes, in several vectors side by side, sums in
 * doubles. What each vector has gathered, and the last few elements, are folded by the fold's own JavaScript.
 * @module
 */
import type { TypedArray } from "../../../tensor/dtype.ts";
import type { Fold, FoldInput, Loops } from "../reduce_js.ts";
import { exp } from "./doubles.ts";
import { FunctionWriter, Op, Simd, Type } from "./emit.ts";
import { features } from "./features.ts";
import { Kernel, Lanes, type Value } from "./lanes.ts";
import { ARRAYS, instantiate, memoryBuffer } from "./memory.ts";

/** A step of a fold in vectors. */
interface Step {
  /** Whether it adds, so that single precision is not enough. */
  readonly adds: boolean;
  /** The variable that it changes. */
  readonly variable: string;
  /** The variable that it reads besides. */
  readonly reads?: string;
  /** The new value of the variable. */
  readonly next: (l: Lanes, v: Value, so: Value, other: Value) => Value;
}

const sum = (variable: string, term: (l: Lanes, v: Value, other: Value) => Value, reads?: string): Step => ({
  adds: true,
  variable,
  reads,
  next: (l, v, so, other) => l.add(so, term(l, v, other)),
});

const extreme = (test: "gt" | "lt", variable = "best"): Step => ({
  adds: false,
  variable,
  next: (l, v, so) => l.select(l.or(l[test](v, so), l.ne(v, v)), v, so),
});

/** By the steps' texts. */
const steps: Readonly<Record<string, Step>> = {
  "acc += v": sum("acc", (_, v) => v),
  "if (v === v) acc += v": sum("acc", (l, v) => l.and(v, l.eq(v, v))),
  "acc += v * v": sum("acc", (l, v) => l.mul(v, v)),
  "acc += Math.abs(v)": sum("acc", (l, v) => l.abs(v)),
  "const d = v - mean; m2 += d * d": sum("m2", (l, v, mean) => {
    const d = l.sub(v, mean);
    return l.mul(d, d);
  }, "mean"),
  "acc += Math.exp(v - shift)": sum("acc", (l, v, shift) => exp(l, l.sub(v, shift)), "shift"),
  "if (v > top || v !== v) top = v": extreme("gt", "top"),
  "if (v > best || v !== v) best = v": extreme("gt"),
  "if (v < best || v !== v) best = v": extreme("lt"),
};

/** Elements in a group from which this is faster than JavaScript's loop. */
const LEAST = 640;

/** How many vectors of the element type are folded side by side, and how many elements are copied at a time. */
const VECTORS = 4, CHUNK = 8192;

/** Where the number that a step reads is, and where the vectors gather. */
const OTHER = 0, GATHERED = 16;

type Dtype = "float32" | "float64";

/** Folds one group of elements from `at`. */
type GroupFold = (data: TypedArray, at: number, n: number, outs: readonly TypedArray[], w: number) => void;

const folds: Readonly<Record<Dtype, Map<string, GroupFold | null>>> = {
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
  let group = folds[dtype].get(fold.name);
  if (group === undefined) folds[dtype].set(fold.name, group = compile(fold, dtype));
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
  if (features() === null || fold.ordered || !fold.passes.every(({ step }) => Object.hasOwn(steps, step))) {
    return null;
  }
  const buffer = memoryBuffer(), perVector = dtype === "float32" ? 4 : 2, step = VECTORS * perVector;
  const context: Record<string, unknown> = {
    piece: new { float32: Float32Array, float64: Float64Array }[dtype](buffer, ARRAYS, CHUNK),
    doubles: new Float64Array(buffer, GATHERED, step),
    singles: new Float32Array(buffer, GATHERED, step),
    other: new Float64Array(buffer, OTHER, 1),
  };
  let code = `const whole = n - n % ${step};\n`;
  fold.passes.forEach((pass, i) => {
    const known = steps[pass.step], gathered = known.adds || dtype === "float64" ? "doubles" : "singles";
    context[`run${i}`] = instantiate(lowerStep(known, dtype));
    for (const [name, value] of Object.entries(pass.state)) code += `let ${name} = ${value};\n`;
    code += `${gathered}.fill(${known.variable});\n`;
    if (known.reads !== undefined) code += `other[0] = ${known.reads};\n`;
    code += `for (let p = 0; p < whole; p += ${CHUNK}) {
      const count = Math.min(${CHUNK}, whole - p);
      piece.set(data.subarray(at + p, at + p + count));
      run${i}(count);
    }
    for (let j = 0; j < ${step}; j++) { const v = ${gathered}[j]; ${
      known.adds ? `${known.variable} += v` : pass.step
    }; }
    for (let p = at + whole; p < at + n; p++) { const v = data[p]; ${pass.step}; }\n`;
  });
  fold.results.forEach((result, o) => code += `outs[${o}][w] = ${result};\n`);
  const names = Object.keys(context);
  const make = new Function(...names, `"use strict"; return (data, at, n, outs, w) => {\n${code}};`);
  return make(...names.map((name) => context[name])) as GroupFold;
}

/** The loop of one step over a piece in memory, from what the vectors have gathered before. */
function lowerStep(step: Step, dtype: Dtype): Uint8Array<ArrayBuffer> {
  const code = new FunctionWriter([Type.I32], Type.I32);
  const own = new Lanes(new Kernel(code, features()!), dtype === "float64");
  const wide = step.adds && !own.doubles, l = wide ? own.wider() : own;
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
  const next = step.next(l, wide ? own.widen(v) : v, gathered, [other]);
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
