/**
 * The routines of a BLAS library that products use: CBLAS where it is, else Fortran's behind CBLAS's arguments.
 * Matrices are row-major throughout.
 * @module
 */

/** Memory of float32 or float64 elements, by the routine's letter. */
export type Floats = Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>;

/** CBLAS's numbers for row-major matrices, and for those to take as they are or transposed. */
export const ROW_MAJOR = 101, AS_IT_IS = 111, TRANSPOSED = 112;

/** `c = alpha * op(a) @ op(b) + beta * c`, as `cblas_sgemm` takes it. */
export type Gemm = (
  order: number,
  opA: number,
  opB: number,
  m: number,
  n: number,
  k: number,
  alpha: number,
  a: Floats,
  lda: number,
  b: Floats,
  ldb: number,
  beta: number,
  c: Floats,
  ldc: number,
) => void;

/** `y = alpha * op(a) @ x + beta * y`, as `cblas_sgemv` takes it. */
export type Gemv = (
  order: number,
  op: number,
  rows: number,
  columns: number,
  alpha: number,
  a: Floats,
  lda: number,
  x: Floats,
  xStep: number,
  beta: number,
  y: Floats,
  yStep: number,
) => void;

/** The sum of the products of elements, as `cblas_sdot` takes it. */
export type Dot = (n: number, x: Floats, xStep: number, y: Floats, yStep: number) => number;

/** `y += alpha * x`, as `cblas_saxpy` takes it. */
export type Axpy = (n: number, alpha: number, x: Floats, xStep: number, y: Floats, yStep: number) => void;

/** What products and sums in place call. Fortran's dot products answer in ways that differ by compiler: only CBLAS's count. */
export interface Routines {
  readonly sdot: Dot | null;
  readonly ddot: Dot | null;
  readonly saxpy: Axpy | null;
  readonly daxpy: Axpy | null;
  readonly sgemm: Gemm;
  readonly dgemm: Gemm;
  readonly sgemv: Gemv;
  readonly dgemv: Gemv;
}

const gemmOf = <F extends "f32" | "f64">(scalar: F) => ({
  parameters: [
    "i32",
    "i32",
    "i32",
    "i32",
    "i32",
    "i32",
    scalar,
    "buffer",
    "i32",
    "buffer",
    "i32",
    scalar,
    "buffer",
    "i32",
  ],
  result: "void",
  optional: true,
} as const);
const gemvOf = <F extends "f32" | "f64">(scalar: F) => ({
  parameters: [
    "i32",
    "i32",
    "i32",
    "i32",
    scalar,
    "buffer",
    "i32",
    "buffer",
    "i32",
    scalar,
    "buffer",
    "i32",
  ],
  result: "void",
  optional: true,
} as const);

const dotOf = <F extends "f32" | "f64">(result: F) => ({
  parameters: ["i32", "buffer", "i32", "buffer", "i32"],
  result,
  optional: true,
} as const);

const axpyOf = <F extends "f32" | "f64">(scalar: F) => ({
  parameters: ["i32", scalar, "buffer", "i32", "buffer", "i32"],
  result: "void",
  optional: true,
} as const);

/** A routine of Fortran: so many addresses, then the lengths of its texts, which are all of one letter. */
export function fortran(addresses: number, texts: number): {
  readonly parameters: ("buffer" | "usize")[];
  readonly result: "void";
  readonly optional: true;
} {
  return {
    parameters: [...Array(addresses).fill("buffer"), ...Array(texts).fill("usize")],
    result: "void",
    optional: true,
  };
}

/** The symbols to look for; any may be missing. */
export const wanted = {
  cblas_sgemm: gemmOf("f32"),
  cblas_dgemm: gemmOf("f64"),
  cblas_sgemv: gemvOf("f32"),
  cblas_dgemv: gemvOf("f64"),
  cblas_sdot: dotOf("f32"),
  cblas_ddot: dotOf("f64"),
  cblas_saxpy: axpyOf("f32"),
  cblas_daxpy: axpyOf("f64"),
  sgemm_: fortran(13, 2),
  dgemm_: fortran(13, 2),
  sgemv_: fortran(11, 1),
  dgemv_: fortran(11, 1),
} as const;

/** The symbols that a library has, null for those that it has not. */
export type Symbols = { readonly [name in keyof typeof wanted]: ((...args: never[]) => unknown) | null };

/** The routines, or the name of the first that is missing. */
export function routinesOf(symbols: Symbols): Routines | string {
  const found: Record<string, unknown> = {
    sdot: symbols.cblas_sdot,
    ddot: symbols.cblas_ddot,
    saxpy: symbols.cblas_saxpy,
    daxpy: symbols.cblas_daxpy,
  };
  for (const name of ["sgemm", "dgemm", "sgemv", "dgemv"] as const) {
    const direct = symbols[`cblas_${name}`], other = symbols[`${name}_`] as Fortran | null;
    if (direct === null && other === null) return `cblas_${name}`;
    const doubles = name.startsWith("d");
    found[name] = direct ?? (name.endsWith("mm") ? columnGemm(other!, doubles) : columnGemv(other!, doubles));
  }
  return found as unknown as Routines;
}

type Fortran = (...args: unknown[]) => void;

const letters = { [AS_IT_IS]: new Uint8Array([78]), [TRANSPOSED]: new Uint8Array([84]) };
const whole = (value: number) => new Int32Array([value]);
const scalarIn = (doubles: boolean) => (value: number) =>
  doubles ? new Float64Array([value]) : new Float32Array([value]);

/** Fortran reads a row-major matrix as its transpose: the transpose of a product is that of the swapped factors. */
function columnGemm(gemm: Fortran, doubles: boolean): Gemm {
  const scalar = scalarIn(doubles);
  return (_, opA, opB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc) =>
    gemm(
      letters[opB as 111],
      letters[opA as 111],
      whole(n),
      whole(m),
      whole(k),
      scalar(alpha),
      b,
      whole(ldb),
      a,
      whole(lda),
      scalar(beta),
      c,
      whole(ldc),
      1,
      1,
    );
}

function columnGemv(gemv: Fortran, doubles: boolean): Gemv {
  const scalar = scalarIn(doubles);
  return (_, op, rows, columns, alpha, a, lda, x, xStep, beta, y, yStep) =>
    gemv(
      letters[op === AS_IT_IS ? TRANSPOSED : AS_IT_IS],
      whole(columns),
      whole(rows),
      scalar(alpha),
      a,
      whole(lda),
      x,
      whole(xStep),
      scalar(beta),
      y,
      whole(yStep),
      1,
    );
}

/**
 * What is wrong with a library, or null: products with known answers, with every layout. One built for integers of 64 bits, or
 * for another way to call, gives others.
 */
export function faultOf(routines: Routines): string | null {
  for (const doubles of [false, true]) {
    const make = (values: readonly number[]): Floats =>
      doubles ? new Float64Array(values) : new Float32Array(values);
    const [gemm, gemv] = doubles ? [routines.dgemm, routines.dgemv] : [routines.sgemm, routines.sgemv];
    const name = doubles ? "dgemm" : "sgemm";
    // [1 2 3; 4 5 6] and its transpose, times [1 0; 2 -1; 0 3] and its transpose
    const a = make([1, 2, 3, 4, 5, 6]), aT = make([1, 4, 2, 5, 3, 6]);
    const b = make([1, 0, 2, -1, 0, 3]), bT = make([1, 2, 0, 0, -1, 3]);
    for (const [opA, x, lda] of [[AS_IT_IS, a, 3], [TRANSPOSED, aT, 2]] as const) {
      for (const [opB, y, ldb] of [[AS_IT_IS, b, 2], [TRANSPOSED, bT, 3]] as const) {
        const c = make([1, NaN, 1, NaN, 1]);
        gemm(ROW_MAJOR, opA, opB, 2, 2, 3, 2, x, lda, y, ldb, 0, c, 3);
        if (String(c) !== "10,14,1,28,26") return `${name} gave ${c}`;
      }
      const y = make([1, 10]);
      gemv(
        ROW_MAJOR,
        opA,
        opA === AS_IT_IS ? 2 : 3,
        opA === AS_IT_IS ? 3 : 2,
        1,
        x,
        lda,
        make([1, 9, -1, 9, 1]),
        2,
        1,
        y,
        1,
      );
      if (String(y) !== "3,15") return `${name.replace("mm", "mv")} gave ${y}`;
    }
    const dot = doubles ? routines.ddot : routines.sdot;
    const answer = dot?.(3, a, 2, b, 2) ?? 7;
    if (answer !== 7) return `${doubles ? "ddot" : "sdot"} gave ${answer}`;
    const sums = make([1, 1, 1]);
    const axpy = doubles ? routines.daxpy : routines.saxpy;
    axpy?.(3, 2, a, 2, sums, 1);
    if (axpy !== null && String(sums) !== "3,7,11") return `${doubles ? "daxpy" : "saxpy"} gave ${sums}`;
  }
  return null;
}
