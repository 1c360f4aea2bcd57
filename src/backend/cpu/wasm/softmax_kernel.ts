/**
 * Writes the kernel of softmax: lines in memory one behind the other, each replaced by its softmax.
 * @module
 */
import * as doubles from "./doubles.ts";
import { FunctionWriter, Op, Simd, Type } from "./emit.ts";
import { type Features, Kernel, Lanes, type Value } from "./lanes.ts";
import * as singles from "./singles.ts";

/** What a line becomes: its softmax, or the logarithm of it. */
export type Softmax = "softmax" | "logSoftmax";

/** Vectors side by side. */
const VECTORS = 4;

const HALF_TURN = [8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7];
const QUARTER_TURN = [4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3];

/** Bytes of a line of `n` elements in memory: whole steps of the kernel. */
export function lineBytes(dtype: "float32" | "float64", n: number): number {
  const step = 16 * VECTORS;
  return Math.ceil(n * (dtype === "float32" ? 4 : 8) / step) * step;
}

/**
 * The module. Its function takes how many lines there are, how many bytes behind the address the first one is, and the bytes
 * of a line; what is behind the elements of a line has to be -Infinity. Sums are added in doubles. It gives 0.
 */
export function lowerSoftmax(
  kind: Softmax,
  dtype: "float32" | "float64",
  address: number,
  features: Features,
  sharedPages?: number,
): Uint8Array<ArrayBuffer> {
  const code = new FunctionWriter([Type.I32, Type.I32, Type.I32], Type.I32);
  const LINES = 0, LINE = 1, BYTES = 2, at = code.local(Type.I32), end = code.local(Type.I32);
  const l = new Lanes(new Kernel(code, features), dtype === "float64"), wide = l.wider();
  const exp = l.doubles ? doubles.exp : singles.exp;
  const copy = (from: Value, to: Value) =>
    from.forEach((local, k) => {
      code.get(local);
      code.set(to[k]);
    });
  const locals = (count: number): Value => Array.from({ length: count }, () => code.local(Type.V128));
  const load = (): Value =>
    Array.from({ length: VECTORS }, (_, k) => {
      const local = code.local(Type.V128);
      code.get(at);
      code.memory(Simd.Load, address + 16 * k);
      code.set(local);
      return local;
    });
  const store = (v: Value) =>
    v.forEach((local, k) => {
      code.get(at);
      code.get(local);
      code.memory(Simd.Store, address + 16 * k);
    });
  const add = (to: number, by: () => void) => {
    code.get(to);
    by();
    code.op(Op.I32Add);
    code.set(to);
  };
  /** Goes over the line. */
  const walk = (body: () => void) => {
    code.get(LINE);
    code.set(at);
    code.loop();
    body();
    add(at, () => code.i32(16 * VECTORS));
    code.get(at);
    code.get(end);
    code.op(Op.I32LtS);
    code.again();
    code.op(Op.End);
  };
  /** One vector, in every lane of which is the same: of all lanes of some vectors. */
  const across = (lanes: Lanes, v: Value, join: (a: Value, b: Value) => Value): Value => {
    let one: Value = [v[0]];
    for (const local of v.slice(1)) one = join(one, [local]);
    one = join(one, lanes.shuffle(one, one, HALF_TURN));
    return lanes.doubles ? one : join(one, lanes.shuffle(one, one, QUARTER_TURN));
  };

  const tops = locals(VECTORS), top = locals(1);
  const sums = locals(l.doubles ? VECTORS : 2 * VECTORS), factor = locals(1);
  const lowest = l.number(-Infinity), nothing = wide.number(0);
  code.loop();
  code.get(LINE);
  code.get(BYTES);
  code.op(Op.I32Add);
  code.set(end);
  copy(tops.map(() => lowest[0]), tops);
  // NaN is passed over here, and comes back with its exponential
  walk(() => copy(l.atLeast(tops, load()), tops));
  copy(across(l, tops, (a, b) => l.atLeast(a, b)), top);
  copy(sums.map(() => nothing[0]), sums);
  walk(() => {
    const e = exp(l, l.sub(load(), top));
    if (kind === "softmax") store(e);
    copy(wide.add(sums, l.doubles ? e : l.widen(e)), sums);
  });
  const total = across(wide, sums, (a, b) => wide.add(a, b));
  const result = kind === "softmax" ? wide.div(1, total) : doubles.log(wide, total);
  copy(l.doubles ? result : l.narrow(result), factor);
  walk(() => store(kind === "softmax" ? l.mul(load(), factor) : l.sub(l.sub(load(), top), factor)));
  add(LINE, () => code.get(BYTES));
  add(LINES, () => code.i32(-1));
  code.get(LINES);
  code.again();
  code.op(Op.End);
  code.i32(0);
  return code.module(sharedPages);
}
