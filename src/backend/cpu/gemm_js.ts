/**
 * Matrix products of the CPU in JavaScript.
 *
 * Floats are multiplied and added in doubles and rounded once, when a result is stored, whatever their type. Three ways:
 * a plain triple loop where the operands are small, dot products or combinations of columns where one operand is a vector,
 * and for the rest panels packed into doubles under a register tile. Packing reads any strides, so transposed operands
 * cost nothing extra. Integers wrap.
 * @module
 */
import { type DType, flavorOf, type TypedArray } from "../../tensor/dtype.ts";

/** A strided matrix. */
export interface Matrix {
  /** The array that the elements lie in. */
  readonly data: TypedArray;
  /** Index of the first element. */
  readonly offset: number;
  /** From a row to the next, in elements. */
  readonly rowStride: number;
  /** From a column to the next, in elements. */
  readonly columnStride: number;
}

/** Sizes of a product: a is m by k, b is k by n, c is m by n. */
export interface GemmSize {
  /** Rows of a and c. */
  readonly m: number;
  /** Columns of b and c. */
  readonly n: number;
  /** Columns of a, rows of b. */
  readonly k: number;
}

/** `c = alpha * a @ b + beta * c`, all of one element type. With beta 0, c is not read. c must not share memory with a or b. */
export function gemm(
  size: GemmSize,
  a: Matrix,
  b: Matrix,
  c: Matrix,
  dtype: DType,
  alpha = 1,
  beta = 0,
): void {
  const { m, n, k } = size;
  if (m === 0 || n === 0) return;
  const kernels = kernelsFor(dtype);
  const flavor = flavorOf(dtype);
  if (flavor !== "float" || m * n * k <= SMALL) {
    kernels.direct(m, n, k, a, b, c, scalar(alpha, flavor), scalar(beta, flavor));
  } else if (n === 1) {
    kernels.vector(m, k, a, b.data, b.offset, b.rowStride, c.data, c.offset, c.rowStride, alpha, beta);
  } else if (m === 1) {
    kernels.vector(
      n,
      k,
      transposed(b),
      a.data,
      a.offset,
      a.columnStride,
      c.data,
      c.offset,
      c.columnStride,
      alpha,
      beta,
    );
  } else packed(size, a, b, c, kernels, alpha, beta);
}

function scalar(value: number, flavor: string): number | bigint {
  return flavor === "bigint" ? BigInt(value) : value;
}

function transposed({ data, offset, rowStride, columnStride }: Matrix): Matrix {
  return { data, offset, rowStride: columnStride, columnStride: rowStride };
}

/** Up to so many multiplications packing costs more than it saves. */
const SMALL = 2048;

/** The register tile: 12 sums, 4 and 3 factors nearly fill the 16 registers of x64; larger tiles spill. */
const MR = 4, NR = 3;

/** Rows of a, depth, and elements of b that are worked on together, so that they stay in the caches. */
const MC = 96, KC = 256, B_ELEMENTS = 1 << 18;

// ---- kernels ------------------------------------------------------------------------------------------------------

type Direct = (
  m: number,
  n: number,
  k: number,
  a: Matrix,
  b: Matrix,
  c: Matrix,
  alpha: number | bigint,
  beta: number | bigint,
) => void;
type Vector = typeof vectorKernel;
type Pack = typeof packKernel;
type Unpack = typeof unpackKernel;

interface Kernels {
  readonly direct: Direct;
  readonly vector: Vector;
  readonly pack: Pack;
  readonly unpack: Unpack;
}

const byType = new Map<string, Kernels>();

/** The kernels of an element type. Each type has copies of its own, so that V8 compiles them for one kind of array. */
function kernelsFor(dtype: DType): Kernels {
  let kernels = byType.get(dtype);
  if (kernels === undefined) {
    const copy = <F>(fn: F): F => new Function(`"use strict"; return ${fn}`)() as F;
    kernels = {
      direct: new Function(`"use strict"; return ${directSource(dtype)}`)() as Direct,
      vector: copy(vectorKernel),
      pack: copy(packKernel),
      unpack: copy(unpackKernel),
    };
    byType.set(dtype, kernels);
  }
  return kernels;
}

/** Row times column, for small operands and integers. */
function directSource(dtype: DType): string {
  const flavor = flavorOf(dtype);
  const [zero, step, result, before] = flavor === "bigint"
    ? ["0n", "sum += x[p] * y[q]", "alpha * sum", "beta * z[r]"] // BigInt64Array wraps what is stored
    : flavor === "int"
    ? ["0", "sum = sum + Math.imul(x[p], y[q]) | 0", "Math.imul(alpha, sum)", "Math.imul(beta, z[r])"]
    : ["0", "sum += x[p] * y[q]", "alpha * sum", "beta * z[r]"];
  return `(m, n, k, a, b, c, alpha, beta) => {
    const x = a.data, y = b.data, z = c.data;
    const across = a.columnStride, down = b.rowStride;
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let p = a.offset + i * a.rowStride, q = b.offset + j * b.columnStride, sum = ${zero};
        for (let l = 0; l < k; l++, p += across, q += down) ${step};
        const r = c.offset + i * c.rowStride + j * c.columnStride;
        z[r] = beta == 0 ? ${result} : ${result} + ${before};
      }
    }
  }`;
}

/** A matrix times a vector: dot products where rows lie in one piece, else a sum of columns. Takes nothing from outside. */
function vectorKernel(
  m: number,
  k: number,
  a: Matrix,
  x: TypedArray,
  xAt: number,
  xStep: number,
  y: TypedArray,
  yAt: number,
  yStep: number,
  alpha: number,
  beta: number,
): void {
  const data = a.data as Float64Array, from = x as Float64Array, to = y as Float64Array;
  const { rowStride: down, columnStride: across } = a;
  const vector = new Float64Array(k), sums = new Float64Array(m);
  for (let l = 0; l < k; l++) vector[l] = from[xAt + l * xStep];
  if (Math.abs(across) <= Math.abs(down)) {
    let i = 0;
    for (; i + 4 <= m; i += 4) {
      let p0 = a.offset + i * down, p1 = p0 + down, p2 = p1 + down, p3 = p2 + down;
      let s0 = 0, s1 = 0, s2 = 0, s3 = 0;
      for (let l = 0; l < k; l++) {
        const v = vector[l];
        s0 += data[p0] * v;
        s1 += data[p1] * v;
        s2 += data[p2] * v;
        s3 += data[p3] * v;
        p0 += across;
        p1 += across;
        p2 += across;
        p3 += across;
      }
      sums[i] = s0;
      sums[i + 1] = s1;
      sums[i + 2] = s2;
      sums[i + 3] = s3;
    }
    for (; i < m; i++) {
      let p = a.offset + i * down, s = 0;
      for (let l = 0; l < k; l++, p += across) s += data[p] * vector[l];
      sums[i] = s;
    }
  } else {
    let l = 0;
    for (; l + 4 <= k; l += 4) {
      const v0 = vector[l], v1 = vector[l + 1], v2 = vector[l + 2], v3 = vector[l + 3];
      let p0 = a.offset + l * across, p1 = p0 + across, p2 = p1 + across, p3 = p2 + across;
      for (let i = 0; i < m; i++) {
        sums[i] += data[p0] * v0 + data[p1] * v1 + data[p2] * v2 + data[p3] * v3;
        p0 += down;
        p1 += down;
        p2 += down;
        p3 += down;
      }
    }
    for (; l < k; l++) {
      const v = vector[l];
      let p = a.offset + l * across;
      for (let i = 0; i < m; i++, p += down) sums[i] += data[p] * v;
    }
  }
  for (let i = 0; i < m; i++) {
    const r = yAt + i * yStep;
    to[r] = beta === 0 ? alpha * sums[i] : alpha * sums[i] + beta * to[r];
  }
}

/**
 * Packs `count` lines of length k into panels of `width` lines: a panel has the first elements of its lines, then the
 * second ones, and so on. Lines that are missing in the last panel are zeros. Takes nothing from outside.
 */
function packKernel(
  out: Float64Array,
  width: number,
  data: TypedArray,
  offset: number,
  count: number,
  k: number,
  lineStep: number,
  step: number,
): void {
  const from = data as Float64Array;
  for (let first = 0, panel = 0; first < count; first += width, panel += width * k) {
    const lines = Math.min(width, count - first);
    const start = offset + first * lineStep;
    if (lines === 4) {
      let p = start, at = panel;
      const two = 2 * lineStep, three = 3 * lineStep;
      for (let l = 0; l < k; l++, p += step, at += 4) {
        out[at] = from[p];
        out[at + 1] = from[p + lineStep];
        out[at + 2] = from[p + two];
        out[at + 3] = from[p + three];
      }
    } else if (lines === 3 && width === 3) {
      let p = start, at = panel;
      const two = 2 * lineStep;
      for (let l = 0; l < k; l++, p += step, at += 3) {
        out[at] = from[p];
        out[at + 1] = from[p + lineStep];
        out[at + 2] = from[p + two];
      }
    } else {
      for (let l = 0; l < k; l++) {
        for (let r = 0; r < width; r++) {
          out[panel + l * width + r] = r < lines ? from[start + r * lineStep + l * step] : 0;
        }
      }
    }
  }
}

/** Stores a block of sums, rounded to the type of c. Takes nothing from outside. */
function unpackKernel(
  sums: Float64Array,
  width: number,
  m: number,
  n: number,
  c: Matrix,
  offset: number,
  alpha: number,
  beta: number,
): void {
  const to = c.data as Float64Array, step = c.columnStride;
  for (let i = 0; i < m; i++) {
    let r = offset + i * c.rowStride;
    const from = i * width;
    if (alpha === 1 && beta === 0) {
      for (let j = 0; j < n; j++, r += step) to[r] = sums[from + j];
    } else if (beta === 0) {
      for (let j = 0; j < n; j++, r += step) to[r] = alpha * sums[from + j];
    } else {
      for (let j = 0; j < n; j++, r += step) to[r] = alpha * sums[from + j] + beta * to[r];
    }
  }
}

/** Adds a panel of 4 rows times a panel of 3 columns to a tile of the sums. */
function tile(
  k: number,
  a: Float64Array,
  aAt: number,
  b: Float64Array,
  bAt: number,
  c: Float64Array,
  cAt: number,
  width: number,
): void {
  let c00 = 0, c01 = 0, c02 = 0, c10 = 0, c11 = 0, c12 = 0;
  let c20 = 0, c21 = 0, c22 = 0, c30 = 0, c31 = 0, c32 = 0;
  for (let l = 0; l < k; l++) {
    const b0 = b[bAt], b1 = b[bAt + 1], b2 = b[bAt + 2];
    const a0 = a[aAt];
    c00 += a0 * b0;
    c01 += a0 * b1;
    c02 += a0 * b2;
    const a1 = a[aAt + 1];
    c10 += a1 * b0;
    c11 += a1 * b1;
    c12 += a1 * b2;
    const a2 = a[aAt + 2];
    c20 += a2 * b0;
    c21 += a2 * b1;
    c22 += a2 * b2;
    const a3 = a[aAt + 3];
    c30 += a3 * b0;
    c31 += a3 * b1;
    c32 += a3 * b2;
    aAt += 4;
    bAt += 3;
  }
  c[cAt] += c00;
  c[cAt + 1] += c01;
  c[cAt + 2] += c02;
  cAt += width;
  c[cAt] += c10;
  c[cAt + 1] += c11;
  c[cAt + 2] += c12;
  cAt += width;
  c[cAt] += c20;
  c[cAt + 1] += c21;
  c[cAt + 2] += c22;
  cAt += width;
  c[cAt] += c30;
  c[cAt + 1] += c31;
  c[cAt + 2] += c32;
}

// ---- the packed product -------------------------------------------------------------------------------------------

/** Scratch memory, kept between calls; they do not nest. */
const scratch: Float64Array[] = [new Float64Array(0), new Float64Array(0), new Float64Array(0)];

function scratchOf(which: number, length: number): Float64Array {
  if (scratch[which].length < length) scratch[which] = new Float64Array(length);
  return scratch[which];
}

function roundUp(x: number, to: number): number {
  return Math.ceil(x / to) * to;
}

function packed(
  { m, n, k }: GemmSize,
  a: Matrix,
  b: Matrix,
  c: Matrix,
  { pack, unpack }: Kernels,
  alpha: number,
  beta: number,
): void {
  const nc = Math.min(
    roundUp(n, NR),
    Math.max(NR * 16, roundUp(Math.floor(B_ELEMENTS / Math.max(k, 1)), NR)),
  );
  const mc = Math.min(roundUp(m, MR), MC);
  const panelA = scratchOf(0, mc * k), panelB = scratchOf(1, nc * k), sums = scratchOf(2, mc * nc);
  for (let j0 = 0; j0 < n; j0 += nc) {
    const columns = Math.min(nc, n - j0), width = roundUp(columns, NR);
    pack(panelB, NR, b.data, b.offset + j0 * b.columnStride, columns, k, b.columnStride, b.rowStride);
    for (let i0 = 0; i0 < m; i0 += mc) {
      const rows = Math.min(mc, m - i0), height = roundUp(rows, MR);
      pack(panelA, MR, a.data, a.offset + i0 * a.rowStride, rows, k, a.rowStride, a.columnStride);
      sums.fill(0, 0, height * width);
      for (let l0 = 0; l0 < k; l0 += KC) {
        const depth = Math.min(KC, k - l0);
        for (let j = 0; j < width; j += NR) {
          const bAt = j * k + l0 * NR;
          for (let i = 0; i < height; i += MR) {
            tile(depth, panelA, i * k + l0 * MR, panelB, bAt, sums, i * width + j, width);
          }
        }
      }
      unpack(sums, width, rows, columns, c, c.offset + i0 * c.rowStride + j0 * c.columnStride, alpha, beta);
    }
  }
}
