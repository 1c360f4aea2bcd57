/**
 * The inner parts of the matrix product in WebAssembly: packing lines into panels, and products of panels.
 *
 * A panel holds a few lines (rows of a, columns of b) element by element: the first elements of its lines, then the second
 * ones, and so on. The product of a panel of a and a panel of b is one tile of c, whose sums stay in registers.
 * @module
 */
import { FunctionWriter, Op, Simd, Type } from "./emit.ts";

/** The element types that have kernels. */
export type GemmType = "float32" | "float64";

/** A register tile: rows, and vectors of 16 bytes in a row. */
export interface Tile {
  /** Rows; an even number. */
  readonly rows: number;
  /** Vectors in a row. */
  readonly vectors: number;
}

/**
 * The sums, the vectors of b and a factor should stay in registers: x64 has 16, ARM 32. Without multiply-adds of their own the
 * products need room too.
 */
export const tiles: Readonly<Record<"x64" | "x64Plain" | "arm", Tile>> = {
  x64: { rows: 6, vectors: 2 },
  x64Plain: { rows: 4, vectors: 2 },
  arm: { rows: 8, vectors: 3 },
};

/** The tile for this processor. */
export function tileFor(fused: boolean): Tile {
  const { Deno } = globalThis as { Deno?: { build: { arch: string } } };
  return Deno?.build.arch === "aarch64" ? tiles.arm : fused ? tiles.x64 : tiles.x64Plain;
}

/** Steps that are written out in one turn of the innermost loop: a turn costs as much as a quarter of a step. */
const UNROLLED = 2;

/** So many products are summed in registers, and then these sums in memory: one long sum in float32 would lose more digits. */
const CHUNK = 32;

/**
 * The functions of an element type, each a module of its own:
 *
 * - packLines(to, from, lineBytes, panels, k) packs lines whose elements lie side by side, in fours of them: up to 3 elements
 *   behind the k-th are packed too.
 * - packAcross(to, from, stepBytes, panels, k) packs lines that lie side by side, `stepBytes` from an element to the next.
 * - multiply(a, b, c, k, aPanels, bPanels, rowBytes, aBytes, bBytes, fresh) adds the products of all panels of a (`aBytes` from
 *   one to the next) and of b to the tiles of c; if `fresh` is 1, c holds nothing yet and is overwritten.
 */
export const kernelNames = ["packLinesA", "packAcrossA", "packLinesB", "packAcrossB", "multiply"] as const;

/** How the modules for an element type are written. */
export interface KernelOptions {
  readonly dtype: GemmType;
  readonly tile: Tile;
  /** Whether multiply-adds round once. */
  readonly fused: boolean;
  /** Pages that the memory may grow to. */
  readonly maximum: number;
}

/** Bytes of an element. */
export const bytesOf = (dtype: GemmType): number => dtype === "float32" ? 4 : 8;

/** Columns of a tile. */
export const columnsOf = (dtype: GemmType, tile: Tile): number => tile.vectors * 16 / bytesOf(dtype);

/** What writes the modules, in the order of {@linkcode kernelNames}. */
export function kernelModules(
  { dtype, tile, fused, maximum }: KernelOptions,
): (() => Uint8Array<ArrayBuffer>)[] {
  const size = bytesOf(dtype), columns = columnsOf(dtype, tile);
  const writers = [
    () => packLines(size, tile.rows),
    () => packAcross(size, tile.rows),
    () => packLines(size, columns),
    () => packAcross(size, columns),
    () => multiply(dtype, tile, fused),
  ];
  return writers.map((write) => () => write().module(maximum));
}

/** A local goes on by a number. */
export function advance(
  code: FunctionWriter,
  local: number,
  by: number,
  sign: Op.I32Add | Op.I32Sub = Op.I32Add,
): void {
  code.get(local);
  code.i32(by);
  code.op(sign);
  code.set(local);
}

/** A local goes on by what is in another. */
export function advanceBy(code: FunctionWriter, local: number, by: number): void {
  code.get(local);
  code.get(by);
  code.op(Op.I32Add);
  code.set(local);
}

/** A local becomes another's value. */
export function copy(code: FunctionWriter, from: number, to: number): void {
  code.get(from);
  code.set(to);
}

/** Writes a loop that runs while a count, taken down by `step` each time, is above 0; at least once. */
export function loopDown(code: FunctionWriter, count: number, step: number, body: () => void): void {
  code.loop();
  body();
  advance(code, count, step, Op.I32Sub);
  code.i32(0);
  code.get(count);
  code.op(Op.I32LtS);
  code.again();
  code.op(Op.End);
}

/** Writes what is done if a local is above 0. */
function ifAbove0(code: FunctionWriter, local: number, body: () => void): void {
  code.i32(0);
  code.get(local);
  code.op(Op.I32LtS);
  code.when(body);
}

/** So many numbers as parameters. */
export const parameters = (count: number): Type[] => new Array<Type>(count).fill(Type.I32);

/** Bytes of two vectors in turn, `size` at a time, from their first or their second halves. */
export function interleaved(size: number, half: 0 | 1): number[] {
  return Array.from({ length: 16 }, (_, i) => {
    const element = Math.floor(i / size), second = element % 2 === 1;
    return (second ? 16 : 0) + 8 * half + Math.floor(element / 2) * size + i % size;
  });
}

function packLines(size: number, width: number): FunctionWriter {
  const code = new FunctionWriter(parameters(5), null), [to, from, lineBytes, panels, k] = [0, 1, 2, 3, 4];
  const perVector = 16 / size, panelRow = width * size;
  const lines = Array.from({ length: width }, () => code.local(Type.I32)), left = code.local(Type.I32);
  const low = code.local(Type.V128), high = code.local(Type.V128);
  loopDown(code, panels, 1, () => {
    lines.forEach((line) => {
      copy(code, from, line);
      advanceBy(code, from, lineBytes);
    });
    copy(code, k, left);
    // Vectors of two lines become pairs of elements; four float32 a vector, or two float64.
    loopDown(code, left, 4, () => {
      for (let l = 0; l < 4; l += perVector) {
        for (let i = 0; i < width; i += 2) {
          for (const [half, local] of [[0, low], [1, high]] as const) {
            code.get(lines[i]);
            code.memory(Simd.Load, l * size);
            code.get(lines[i + 1]);
            code.memory(Simd.Load, l * size);
            code.sixteen(Simd.Shuffle, interleaved(size, half));
            code.set(local);
          }
          for (let e = 0; e < perVector; e++) {
            const at = (l + e) * panelRow + i * size;
            code.get(to);
            code.get(e < perVector / 2 ? low : high);
            if (size === 8) code.memory(Simd.Store, at);
            else code.memory(Simd.StoreLane64, at, e % 2);
          }
        }
      }
      lines.forEach((line) => advance(code, line, 4 * size));
      advance(code, to, 4 * panelRow);
    });
  });
  return code;
}

function packAcross(size: number, width: number): FunctionWriter {
  const code = new FunctionWriter(parameters(5), null), [to, from, stepBytes, panels, k] = [0, 1, 2, 3, 4];
  const panelRow = width * size;
  const at = code.local(Type.I32), out = code.local(Type.I32), left = code.local(Type.I32);
  loopDown(code, panels, 1, () => {
    copy(code, from, at);
    copy(code, to, out);
    copy(code, k, left);
    loopDown(code, left, 1, () => {
      for (let offset = 0; offset < panelRow; offset += 16) {
        const whole = panelRow - offset >= 16;
        code.get(out);
        code.get(at);
        code.memory(whole ? Simd.Load : Simd.Load64Zero, offset);
        if (whole) code.memory(Simd.Store, offset);
        else code.memory(Simd.StoreLane64, offset, 0);
      }
      advanceBy(code, at, stepBytes);
      advance(code, out, panelRow);
    });
    advance(code, from, panelRow);
    // the next panel begins where this one would if k were a multiple of 4
    code.get(k);
    code.i32(3);
    code.op(Op.I32Add);
    code.i32(-4);
    code.op(Op.I32And);
    code.i32(panelRow);
    code.op(Op.I32Mul);
    code.set(left);
    advanceBy(code, to, left);
  });
  return code;
}

/** As `multiply`, but the sums overwrite c, and stay in registers to the end: for products that are not deep. */
export function multiplyAnew(tile: Tile, fused: boolean): FunctionWriter {
  return multiply("float32", tile, fused, true);
}

function multiply(dtype: GemmType, { rows, vectors }: Tile, fused: boolean, anew = false): FunctionWriter {
  const code = new FunctionWriter(parameters(anew ? 9 : 10), null);
  const [a, b, c, k, aPanels, bPanels, rowBytes, aBytes, bBytes, fresh] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
  const size = bytesOf(dtype), single = size === 4;
  const [add, times] = single ? [228, 230] : [240, 242];
  const madd = single ? Simd.RelaxedMaddF32 : Simd.RelaxedMaddF64;
  const i32 = () => code.local(Type.I32), v128 = () => code.local(Type.V128);
  const aPanel = i32(), tile = i32(), panels = i32(), pa = i32(), pb = i32(), pc = i32();
  const left = i32(), chunk = i32(), first = i32();
  const sums = Array.from({ length: rows }, () => Array.from({ length: vectors }, v128));
  const factors = Array.from({ length: vectors }, v128), splat = v128();
  /** Adds the products of some rows of each panel. */
  const steps = (count: number) => {
    for (let s = 0; s < count; s++) {
      factors.forEach((factor, v) => {
        code.get(pb);
        code.memory(Simd.Load, 16 * (s * vectors + v));
        code.set(factor);
      });
      sums.forEach((row, r) => {
        code.get(pa);
        code.memory(single ? Simd.Load32Splat : Simd.Load64Splat, (s * rows + r) * size);
        code.set(splat);
        row.forEach((sum, v) => {
          if (!fused) code.get(sum);
          code.get(splat);
          code.get(factors[v]);
          if (fused) {
            code.get(sum);
            code.simd(madd);
          } else {
            code.simd(times);
            code.simd(add);
          }
          code.set(sum);
        });
      });
    }
    advance(code, pa, count * rows * size);
    advance(code, pb, count * vectors * 16);
  };
  /** Stores the sums of a tile, or adds them to what is there. */
  const store = (adding: boolean) => {
    for (const row of sums) {
      row.forEach((sum, v) => {
        code.get(pc);
        if (adding) {
          code.get(pc);
          code.memory(Simd.Load, 16 * v);
        }
        code.get(sum);
        if (adding) code.simd(add);
        code.memory(Simd.Store, 16 * v);
      });
      advanceBy(code, pc, rowBytes);
    }
  };
  loopDown(code, bPanels, 1, () => {
    copy(code, a, aPanel);
    copy(code, c, tile);
    copy(code, aPanels, panels);
    loopDown(code, panels, 1, () => {
      copy(code, aPanel, pa);
      copy(code, b, pb);
      copy(code, k, left);
      if (!anew) copy(code, fresh, first);
      const chunks = (body: () => void) => anew ? body() : loopDown(code, left, CHUNK, body);
      chunks(() => {
        for (const sum of sums.flat()) {
          code.sixteen(Simd.Const, new Uint8Array(16));
          code.set(sum);
        }
        if (anew) copy(code, left, chunk);
        else {
          code.get(left);
          code.i32(CHUNK);
          code.get(left);
          code.i32(CHUNK);
          code.op(Op.I32LtS);
          code.op(Op.Select);
          code.set(chunk);
        }
        // whole turns, which end when fewer steps are left than one has, then single steps
        advance(code, chunk, UNROLLED - 1, Op.I32Sub);
        ifAbove0(code, chunk, () => loopDown(code, chunk, UNROLLED, () => steps(UNROLLED)));
        advance(code, chunk, UNROLLED - 1);
        ifAbove0(code, chunk, () => loopDown(code, chunk, 1, () => steps(1)));
        copy(code, tile, pc);
        if (anew) store(false);
        else {
          code.get(first);
          code.when(() => store(false), () => store(true));
          code.i32(0);
          code.set(first);
        }
      });
      copy(code, pc, tile);
      advanceBy(code, aPanel, aBytes);
    });
    advanceBy(code, b, bBytes);
    advance(code, c, vectors * 16);
  });
  return code;
}
