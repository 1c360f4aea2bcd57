/**
 * Reductions of what a pointwise program computes: piece by piece, so that the elements never leave the processor's cache.
 * @module
 */
import { type Expr, format } from "../../expr/expr.ts";
import { Fold, otherName, type Variable } from "../../expr/fold.ts";
import { type Program, program } from "../../expr/program.ts";
import { allocate, type TypedArray } from "../../tensor/dtype.ts";
import { contiguousStrides, numel } from "../../tensor/shape.ts";
import { isOperand, type Operand } from "./pointwise_js.ts";
import { runPointwise } from "./pointwise.ts";
import { runFold } from "./reduce.ts";

/** Elements in a piece. */
const PIECE = 16384;

type Floats = Float32Array | Float64Array;

/** How the variables of pieces become results, for a fold of one walk that does not mind the order. */
interface Joining {
  /** Folds a piece into its variables. */
  readonly part: Fold;
  /** Their values before the first element. */
  readonly first: readonly number[];
  /** The variables of the pieces before and of another together. */
  readonly merge: Program;
  /** The result, from the variables and the number of elements. */
  readonly result: Program;
}

const joinings = new WeakMap<Fold, Joining | null>();

function joiningOf(fold: Fold): Joining | null {
  let known = joinings.get(fold);
  if (known === undefined) joinings.set(fold, known = makeJoining(fold));
  return known;
}

function makeJoining(fold: Fold): Joining | null {
  const [{ given, variables }] = fold.passes;
  if (fold.passes.length !== 1 || fold.results.length !== 1 || fold.ordered || given.length > 0) return null;
  if (!variables.every(({ first, whole }) => first.op === "const" && !whole)) return null;
  const names = variables.map((x) => x.name), both = [...names, ...names.map(otherName)];
  const texts = (of: (x: Variable) => Expr) =>
    Object.fromEntries(variables.map((x) => [x.name, format(of(x))]));
  const walk = { state: texts((x) => x.first), step: texts((x) => x.next), merge: texts((x) => x.merged) };
  return {
    part: new Fold(`part of ${fold.name}`, [walk], names),
    first: variables.map(({ first }) => first.value!),
    merge: program(both, variables.map(({ merged }) => merged), { name: "merge" }),
    result: program([...names, "n"], fold.results, { name: fold.name }),
  };
}

/** Whether {@linkcode runFusedFold} can reduce so many elements without keeping them all. */
export function canFold(fold: Fold, count: number): boolean {
  return count <= PIECE || joiningOf(fold) !== null;
}

const scratch: Record<"float32" | "float64", TypedArray | null> = { float32: null, float64: null };

/**
 * Folds the dimensions `dims` of what `p` computes over `shape` into `out`, row-major. The elements are rounded to `dtype`
 * before they are folded, as if they had been stored.
 */
export function runFusedFold(
  p: Program,
  inputs: readonly (Operand | number)[],
  fold: Fold,
  shape: readonly number[],
  dims: readonly number[],
  dtype: "float32" | "float64",
  out: Floats,
): void {
  const count = numel(shape), folds = shape.map((_, d) => dims.includes(d));
  const memory = scratch[dtype] ??= allocate(dtype, PIECE);
  if (count <= PIECE) {
    compute(p, inputs, shape, dtype, memory);
    foldPiece(fold, memory, shape, folds, dtype, out);
    return;
  }
  const { part, first, merge, result } = joiningOf(fold)!;
  // Dimensions from `inner` on are in every piece whole; the one before them is cut.
  let inner = shape.length, size = 1;
  while (size * shape[inner - 1] <= PIECE) size *= shape[--inner];
  const cut = inner - 1, most = Math.max(1, Math.floor(PIECE / size));
  const keptBelow = keptCount(shape, folds, inner);
  const all = first.map((value) => new Float64Array(out.length).fill(value));
  const parts = first.map(() => new Float64Array(Math.min(out.length, most * keptBelow)));
  const at = new Array<number>(cut).fill(0);
  for (;;) {
    let place = 0;
    for (let d = 0; d < cut; d++) if (!folds[d]) place += at[d] * keptCount(shape, folds, d + 1);
    for (let from = 0; from < shape[cut]; from += most) {
      const rows = Math.min(most, shape[cut] - from), piece = [rows, ...shape.slice(inner)];
      const windows = inputs.map((x) => isOperand(x) ? windowOf(x, at, from) : x);
      compute(p, windows as (Operand | number)[], piece, dtype, memory);
      const kept = (folds[cut] ? 1 : rows) * keptBelow;
      foldPiece(part, memory, piece, folds.slice(cut), dtype, ...parts.map((p) => p.subarray(0, kept)));
      const start = place + (folds[cut] ? 0 : from * keptBelow);
      const before = all.map((data) => doubles(data, start));
      runPointwise(merge, [...before, ...parts.map((data) => doubles(data, 0))], before, [kept], "float64");
    }
    let d = cut - 1;
    while (d >= 0 && ++at[d] === shape[d]) at[d--] = 0;
    if (d < 0) break;
  }
  const target = { data: out, dtype, offset: 0, strides: [1] };
  const variables = all.map((data) => doubles(data, 0));
  runPointwise(result, [...variables, count / out.length], [target], [out.length], "float64");
}

function doubles(data: Float64Array, offset: number): Operand {
  return { data, dtype: "float64", offset, strides: [1] };
}

/** How many results there are to the dimensions from `d` on. */
function keptCount(shape: readonly number[], folds: readonly boolean[], d: number): number {
  let n = 1;
  for (; d < shape.length; d++) if (!folds[d]) n *= shape[d];
  return n;
}

/** An operand's window on the piece at these places of the outer dimensions, from a place of the next on. */
function windowOf(x: Operand, at: readonly number[], from: number): Operand {
  let offset = x.offset + from * x.strides[at.length];
  for (let d = 0; d < at.length; d++) offset += at[d] * x.strides[d];
  return { data: x.data, dtype: x.dtype, offset, strides: x.strides.slice(at.length) };
}

function compute(
  p: Program,
  inputs: readonly (Operand | number)[],
  shape: readonly number[],
  dtype: "float32" | "float64",
  memory: TypedArray,
): void {
  const target = { data: memory, dtype, offset: 0, strides: contiguousStrides(shape) };
  runPointwise(p, inputs, [target], shape, dtype);
}

function foldPiece(
  fold: Fold,
  data: TypedArray,
  shape: readonly number[],
  folds: readonly boolean[],
  dtype: "float32" | "float64",
  ...outs: Floats[]
): void {
  const strides = contiguousStrides(shape);
  const kept: number[] = [], keptStrides: number[] = [], folded: number[] = [], foldedStrides: number[] = [];
  shape.forEach((size, d) => {
    (folds[d] ? folded : kept).push(size);
    (folds[d] ? foldedStrides : keptStrides).push(strides[d]);
  });
  runFold(fold, { data, offset: 0, kept, keptStrides, folded, foldedStrides }, dtype, outs);
}
