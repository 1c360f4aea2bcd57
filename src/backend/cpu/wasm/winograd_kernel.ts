/**
 * The inner parts of Winograd's convolution F(4 x 4, 3 x 3) in WebAssembly, in float32.
 *
 * A tile of 4 x 4 results of a 3 x 3 kernel takes 6 x 6 elements of the image. Transformed images and kernels (6 x 6 each) are
 * multiplied element by element and summed over channels, and the sums transformed back: 36 products for each channel in place of
 * 144. All transforms are B' d B with a small matrix, done here for four tiles at a time, one in each lane. Positions of the 6 x 6
 * are stored columns first.
 * @module
 */
import { FunctionWriter, Op, Simd, Type } from "./emit.ts";
import { advance, advanceBy, copy, loopDown, multiplyAnew, parameters, type Tile } from "./gemm_kernel.ts";

const ADD = 228, SUB = 229, MUL = 230;

/**
 * - copyPlanes(to, from, planes, rows, columns, toRow, fromRow, toPlane, fromPlane): at least 4 columns; steps in bytes.
 * - transformImage(to, from, table, panels, groups, position, panel, pitch) transforms 6 x 6 elements for four tiles a group.
 *   The table has the offsets of the tiles from `from`; `position` bytes are between positions, `panel` bytes between panels of
 *   `groups` groups, which lie side by side; `pitch` bytes between rows of the image.
 * - transformGradient likewise, of 4 x 4 elements.
 * - transformResult(from, to, table, groups, position, pitch, bias) is the way back, to 4 x 4 elements, and adds a number.
 * - multiplyAnew is `multiply` of matrix products, but overwrites.
 */
export const winogradNames = [
  "copyPlanes",
  "transformImage",
  "transformGradient",
  "transformResult",
  "multiplyAnew",
] as const;

/** What writes the modules, in the order of {@linkcode winogradNames}. */
export function winogradModules(
  tile: Tile,
  fused: boolean,
  maximum: number,
): (() => Uint8Array<ArrayBuffer>)[] {
  const writers = [
    copyPlanes,
    () => transform(6, imageLine),
    () => transform(4, gradientLine),
    transformResult,
    () => multiplyAnew(tile, fused),
  ];
  return writers.map((write) => () => write().module(maximum));
}

// ---- lines of six ---------------------------------------------------------------------------------------------------

/** Small expressions on vectors in locals. */
class Vectors {
  private readonly constants = new Map<number, number>();

  constructor(readonly code: FunctionWriter) {}

  local(): number {
    return this.code.local(Type.V128);
  }

  locals(count: number): number[] {
    return Array.from({ length: count }, () => this.local());
  }

  /** A number in all lanes, in a local that is set once. */
  constant(value: number): number {
    let local = this.constants.get(value);
    if (local === undefined) {
      this.constants.set(value, local = this.local());
      const bytes = new Uint8Array(new Float32Array(4).fill(value).buffer), to = local;
      this.code.first(() => {
        this.code.sixteen(Simd.Const, bytes);
        this.code.set(to);
      });
    }
    return local;
  }

  /** `to = a op b`. */
  set(to: number, a: number, op: number, b: number): number {
    this.code.get(a);
    this.code.get(b);
    this.code.simd(op);
    this.code.set(to);
    return to;
  }

  /** `to = a op b * factor`. */
  scaled(to: number, a: number, op: number, b: number, factor: number): number {
    const { code } = this, number = this.constant(factor);
    code.get(a);
    code.get(b);
    code.get(number);
    code.simd(MUL);
    code.simd(op);
    code.set(to);
    return to;
  }

  /** `to` takes lanes (0 to 7) of two vectors. */
  shuffle(to: number, a: number, b: number, lanes: readonly number[]): number {
    this.code.get(a);
    this.code.get(b);
    this.code.sixteen(Simd.Shuffle, lanes.flatMap((l) => [4 * l, 4 * l + 1, 4 * l + 2, 4 * l + 3]));
    this.code.set(to);
    return to;
  }
}

/** A line's transform: from locals to locals, with helpers of which there are four. */
type Line = (v: Vectors, from: readonly number[], to: readonly number[], help: readonly number[]) => void;

/** Six elements of an image. */
const imageLine: Line = (v, d, to, [a, b]) => {
  v.scaled(a, d[4], SUB, d[2], 4);
  v.scaled(b, d[3], SUB, d[1], 4);
  v.set(to[1], a, ADD, b);
  v.set(to[2], a, SUB, b);
  v.set(a, d[4], SUB, d[2]);
  v.set(b, d[3], SUB, d[1]);
  v.set(b, b, ADD, b);
  v.set(to[3], a, ADD, b);
  v.set(to[4], a, SUB, b);
  v.scaled(a, d[4], SUB, d[2], 5);
  v.scaled(to[0], a, ADD, d[0], 4);
  v.scaled(a, d[5], SUB, d[3], 5);
  v.scaled(to[5], a, ADD, d[1], 4);
};

/** Four elements of a gradient of results. */
const gradientLine: Line = (v, y, to, [a, b]) => {
  v.set(a, y[0], ADD, y[2]);
  v.set(b, y[1], ADD, y[3]);
  v.set(to[1], a, ADD, b);
  v.set(to[2], a, SUB, b);
  v.scaled(a, y[0], ADD, y[2], 4);
  v.scaled(b, y[1], ADD, y[3], 4);
  v.set(b, b, ADD, b);
  v.set(to[3], a, ADD, b);
  v.set(to[4], a, SUB, b);
  v.code.get(y[0]);
  v.code.set(to[0]);
  v.code.get(y[3]);
  v.code.set(to[5]);
};

/** Six sums to four results. */
const resultLine: Line = (v, m, to, [a, b, c, d]) => {
  v.set(a, m[1], ADD, m[2]);
  v.set(b, m[1], SUB, m[2]);
  v.set(c, m[3], ADD, m[4]);
  v.set(d, m[3], SUB, m[4]);
  v.set(to[0], m[0], ADD, a);
  v.set(to[0], to[0], ADD, c);
  v.scaled(to[1], b, ADD, d, 2);
  v.scaled(to[2], a, ADD, c, 4);
  v.scaled(to[3], b, ADD, d, 8);
  v.set(to[3], to[3], ADD, m[5]);
};

// ---- functions --------------------------------------------------------------------------------------------------------

function copyPlanes(): FunctionWriter {
  const code = new FunctionWriter(parameters(9), null);
  const [to, from, planes, rows, columns, toRow, fromRow, toPlane, fromPlane] = [0, 1, 2, 3, 4, 5, 6, 7, 8];
  const t = code.local(Type.I32), f = code.local(Type.I32), left = code.local(Type.I32);
  const a = code.local(Type.I32), b = code.local(Type.I32), count = code.local(Type.I32);
  const move = () => {
    code.get(b);
    code.get(a);
    code.memory(Simd.Load, 0);
    code.memory(Simd.Store, 0);
  };
  loopDown(code, planes, 1, () => {
    copy(code, to, t);
    copy(code, from, f);
    copy(code, rows, left);
    loopDown(code, left, 1, () => {
      copy(code, f, a);
      copy(code, t, b);
      copy(code, columns, count);
      advance(code, count, 4, Op.I32Sub);
      // whole vectors, and the last one so that it ends with the row
      loopDown(code, count, 4, () => {
        move();
        advance(code, a, 16);
        advance(code, b, 16);
      });
      for (const [local, start] of [[a, f], [b, t]]) {
        code.get(start);
        code.get(columns);
        code.i32(2);
        code.op(Op.I32Shl);
        code.op(Op.I32Add);
        code.i32(16);
        code.op(Op.I32Sub);
        code.set(local);
      }
      move();
      advanceBy(code, t, toRow);
      advanceBy(code, f, fromRow);
    });
    advanceBy(code, to, toPlane);
    advanceBy(code, from, fromPlane);
  });
  return code;
}

/** The addresses of four tiles. */
function addresses(code: FunctionWriter, base: number, table: number): number[] {
  const tiles = Array.from({ length: 4 }, () => code.local(Type.I32));
  return tiles.map((tile, k) => {
    code.get(base);
    code.get(table);
    code.loadI32(4 * k);
    code.op(Op.I32Add);
    code.set(tile);
    return tile;
  });
}

/** Transforms tiles of `size` x `size` elements to 6 x 6. */
function transform(size: 4 | 6, line: Line): FunctionWriter {
  const code = new FunctionWriter(parameters(8), null), v = new Vectors(code);
  const [to, from, table, panels, groups, position, panel, pitch] = [0, 1, 2, 3, 4, 5, 6, 7];
  const out = code.local(Type.I32), left = code.local(Type.I32), at = code.local(Type.I32);
  const tiles: number[] = [];
  const loaded = v.locals(4),
    pairs = v.locals(4),
    d = v.locals(6),
    z = Array.from({ length: size }, () => v.locals(6));
  const results = v.locals(6), help = v.locals(4);
  const load = (op: Simd, offset: number) =>
    tiles.forEach((tile, k) => {
      code.get(tile);
      code.memory(op, offset);
      code.set(loaded[k]);
    });
  loopDown(code, panels, 1, () => {
    copy(code, to, out);
    copy(code, groups, left);
    loopDown(code, left, 1, () => {
      if (tiles.length === 0) tiles.push(...addresses(code, from, table));
      for (let r = 0; r < size; r++) {
        load(Simd.Load, 0);
        const [a, b, c, e] = loaded;
        v.shuffle(pairs[0], a, b, [0, 4, 1, 5]);
        v.shuffle(pairs[1], c, e, [0, 4, 1, 5]);
        v.shuffle(pairs[2], a, b, [2, 6, 3, 7]);
        v.shuffle(pairs[3], c, e, [2, 6, 3, 7]);
        for (let i = 0; i < 4; i += 2) {
          v.shuffle(d[i], pairs[i], pairs[i + 1], [0, 1, 4, 5]);
          v.shuffle(d[i + 1], pairs[i], pairs[i + 1], [2, 3, 6, 7]);
        }
        if (size === 6) {
          load(Simd.Load64Zero, 16);
          v.shuffle(pairs[0], a, b, [0, 4, 1, 5]);
          v.shuffle(pairs[1], c, e, [0, 4, 1, 5]);
          v.shuffle(d[4], pairs[0], pairs[1], [0, 1, 4, 5]);
          v.shuffle(d[5], pairs[0], pairs[1], [2, 3, 6, 7]);
        }
        line(v, d, z[r], help);
        if (r < size - 1) tiles.forEach((tile) => advanceBy(code, tile, pitch));
      }
      copy(code, out, at);
      for (let j = 0; j < 6; j++) {
        line(v, z.map((row) => row[j]), results, help);
        for (const result of results) {
          code.get(at);
          code.get(result);
          code.memory(Simd.Store, 0);
          advanceBy(code, at, position);
        }
      }
      advance(code, out, 16);
      advance(code, table, 16);
    });
    advanceBy(code, to, panel);
  });
  return code;
}

function transformResult(): FunctionWriter {
  const code = new FunctionWriter(parameters(7), null), v = new Vectors(code);
  const [from, to, table, groups, position, pitch, bias] = [0, 1, 2, 3, 4, 5, 6];
  const at = code.local(Type.I32), summand = v.local();
  const m = v.locals(6),
    w = Array.from({ length: 4 }, () => v.locals(6)),
    y = v.locals(4),
    pairs = v.locals(4);
  const help = v.locals(4), column = v.locals(4);
  code.get(bias);
  code.memory(Simd.Load32Splat, 0);
  code.set(summand);
  loopDown(code, groups, 1, () => {
    const tiles = addresses(code, to, table);
    copy(code, from, at);
    for (let j = 0; j < 6; j++) {
      for (let i = 0; i < 6; i++) {
        code.get(at);
        code.memory(Simd.Load, 0);
        code.set(m[i]);
        advanceBy(code, at, position);
      }
      resultLine(v, m, column, help);
      column.forEach((local, i) => copy(code, local, w[i][j]));
    }
    for (let i = 0; i < 4; i++) {
      resultLine(v, w[i], y, help);
      for (const local of y) v.set(local, local, ADD, summand);
      v.shuffle(pairs[0], y[0], y[1], [0, 4, 1, 5]);
      v.shuffle(pairs[1], y[2], y[3], [0, 4, 1, 5]);
      v.shuffle(pairs[2], y[0], y[1], [2, 6, 3, 7]);
      v.shuffle(pairs[3], y[2], y[3], [2, 6, 3, 7]);
      tiles.forEach((tile, k) => {
        const half = k < 2 ? 0 : 2;
        code.get(tile);
        v.shuffle(help[0], pairs[half], pairs[half + 1], k % 2 === 0 ? [0, 1, 4, 5] : [2, 3, 6, 7]);
        code.get(help[0]);
        code.memory(Simd.Store, 0);
        if (i < 3) advanceBy(code, tile, pitch);
      });
    }
    advance(code, from, 16);
    advance(code, table, 16);
  });
  return code;
}
