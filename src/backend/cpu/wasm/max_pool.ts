/**
 * The largest elements under small windows over planes of float32, four windows at a time: planes are copied into the kernels'
 * memory, results and their places back.
 * @module
 */
import type { Spans } from "../pooling_js.ts";
import { FunctionWriter, Op, Simd, Type } from "./emit.ts";
import { features } from "./features.ts";
import { advance, copy, loopDown } from "./gemm_kernel.ts";
import { ARRAYS, instantiate, memoryBuffer } from "./memory.ts";

/** Windows of so many elements are written out; results from which it pays; bytes of planes at a time, and of one at most. */
const MOST_TAPS = 16, LEAST = 2048, PIECE = 1 << 17, MOST_BYTES = 1 << 18;

const F32_NE = 66, F32_GT = 68, I32_ADD = 174, I32_SPLAT = 17;

interface Kernel {
  readonly run: (planes: number) => number;
  /** Planes at a time. */
  readonly planes: number;
  readonly x: Float32Array;
  readonly y: Float32Array;
  readonly where: Int32Array;
}

/** By the sizes of planes and windows; so many are remembered. */
const kernels = new Map<string, Kernel | null>(), MOST_KERNELS = 64;

/**
 * Writes the largest elements under windows of row-major planes, and where each lies in its plane. A NaN is the largest. False,
 * with nothing done, where JavaScript does as well.
 */
export function maxPoolWasm(
  x: Float32Array,
  at: number,
  y: Float32Array,
  where: Int32Array,
  planes: number,
  h: Spans,
  w: Spans,
  always: boolean,
): boolean {
  if (h.regular === null || w.regular === null) return false;
  const rows = h.starts.length, columns = w.starts.length, outs = rows * columns, size = h.size * w.size;
  if (columns < 4 || w.regular.stride > 2 || h.regular.kernel * w.regular.kernel > MOST_TAPS) return false;
  if (size * 4 > MOST_BYTES || outs > size || (!always && planes * outs < LEAST) || features() === null) {
    return false;
  }
  const key = [h, w].map(({ size, regular }) => `${size} ${regular!.kernel} ${regular!.stride}`).join();
  let kernel = kernels.get(key);
  if (kernel === undefined) {
    if (kernels.size >= MOST_KERNELS) kernels.clear();
    kernels.set(key, kernel = compile(h, w));
  }
  if (kernel === null) return false;
  for (let p = 0; p < planes; p += kernel.planes) {
    const count = Math.min(kernel.planes, planes - p), from = at + p * size, to = p * outs;
    kernel.x.set(x.subarray(from, from + count * size));
    kernel.run(count);
    y.set(kernel.y.subarray(0, count * outs), to);
    where.set(kernel.where.subarray(0, count * outs), to);
  }
  return true;
}

function compile(h: Spans, w: Spans): Kernel | null {
  const size = h.size * w.size, outs = h.starts.length * w.starts.length, buffer = memoryBuffer();
  const planes = Math.max(1, Math.floor(PIECE / (4 * size)));
  // behind the planes: what vectors read of columns that no window has
  const atY = ARRAYS + ((4 * planes * size + 255) & -64), atWhere = atY + ((4 * planes * outs + 255) & -64);
  if (atWhere + 4 * planes * outs > buffer.byteLength) return null;
  const run = instantiate(write(h, w, ARRAYS, atY, atWhere));
  return {
    run,
    planes,
    x: new Float32Array(buffer, ARRAYS, planes * size),
    y: new Float32Array(buffer, atY, planes * outs),
    where: new Int32Array(buffer, atWhere, planes * outs),
  };
}

/** The module for planes and windows of these sizes. It takes the number of planes and gives 0. */
function write(h: Spans, w: Spans, atX: number, atY: number, atWhere: number): Uint8Array<ArrayBuffer> {
  const across = w.size, rows = h.starts.length, columns = w.starts.length;
  const { kernel: kh, stride: down } = h.regular!, { kernel: kw, stride } = w.regular!;
  const code = new FunctionWriter([Type.I32], Type.I32), PLANES = 0;
  const i32 = () => code.local(Type.I32), v128 = () => code.local(Type.V128);
  const plane = i32(), row = i32(), place = i32(), left = i32(), column = i32(), out = i32(), from = i32();
  const v = v128(), best = v128(), places = v128(), chosen = v128(), mask = v128(), steps = v128();
  const constant = (list: readonly number[]) =>
    code.sixteen(Simd.Const, new Uint8Array(Int32Array.from(list).buffer));
  code.first(() => {
    constant([0, stride, 2 * stride, 3 * stride]);
    code.set(steps);
  });
  /** Pushes one element of each of four windows. */
  const load = (element: number) => {
    code.get(from);
    code.memory(Simd.Load, atX + 4 * element);
    if (stride === 1) return;
    code.get(from);
    code.memory(Simd.Load, atX + 4 * element + 16);
    code.sixteen(Simd.Shuffle, [0, 2, 4, 6].flatMap((l) => [4 * l, 4 * l + 1, 4 * l + 2, 4 * l + 3]));
  };
  /** `local = if the mask is set a else local`. */
  const choose = (local: number, a: number) => {
    code.get(a);
    code.get(local);
    code.get(mask);
    code.simd(Simd.Select);
    code.set(local);
  };
  const windows = () => {
    // bytes of the first element from the first plane's
    code.get(row);
    code.get(column);
    code.i32(stride === 1 ? 2 : 3);
    code.op(Op.I32Shl);
    code.op(Op.I32Add);
    code.set(from);
    // places of the first elements
    code.get(place);
    code.get(column);
    code.i32(stride - 1);
    code.op(Op.I32Shl);
    code.op(Op.I32Add);
    code.simd(I32_SPLAT);
    code.get(steps);
    code.simd(I32_ADD);
    code.set(places);
    load(0);
    code.set(best);
    copy(code, places, chosen);
    for (let t = 1; t < kh * kw; t++) {
      const element = Math.floor(t / kw) * across + t % kw;
      load(element);
      code.set(v);
      code.get(v);
      code.get(best);
      code.simd(F32_GT);
      code.get(v);
      code.get(v);
      code.simd(F32_NE);
      code.simd(Simd.Or);
      code.set(mask);
      choose(best, v);
      constant([element, element, element, element]);
      code.get(places);
      code.simd(I32_ADD);
      code.set(v);
      choose(chosen, v);
    }
    for (const [local, address] of [[best, atY], [chosen, atWhere]]) {
      code.get(out);
      code.get(column);
      code.i32(2);
      code.op(Op.I32Shl);
      code.op(Op.I32Add);
      code.get(local);
      code.memory(Simd.Store, address);
    }
  };
  loopDown(code, PLANES, 1, () => {
    copy(code, plane, row);
    code.i32(0);
    code.set(place);
    code.i32(rows);
    code.set(left);
    loopDown(code, left, 1, () => {
      code.i32(0);
      code.set(column);
      // fours of windows, and at last the four that end with the row
      code.loop();
      windows();
      advance(code, column, 4);
      code.get(column);
      code.i32(columns - 3);
      code.op(Op.I32LtS);
      code.again();
      code.op(Op.End);
      if (columns % 4 !== 0) {
        code.i32(columns - 4);
        code.set(column);
        windows();
      }
      advance(code, row, 4 * across * down);
      advance(code, place, across * down);
      advance(code, out, 4 * columns);
    });
    advance(code, plane, 4 * h.size * across);
  });
  code.i32(0);
  return code.module();
}
