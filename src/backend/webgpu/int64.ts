/**
 * Arithmetic of int64, which the GPU carries in 32 bits: done in 32 bits, and in float32 beside it, which tells whether a result had
 * more. That it had is reported by the next read.
 * @module
 */
import { input, postorder } from "../../expr/expr.ts";
import { type Program, program } from "../../expr/program.ts";
import type { Scalar } from "../../tensor/dtype.ts";
import { checkInt64 } from "./elements.ts";
import type { Gpu } from "./gpu.ts";
import { type GpuOperand, isContiguous } from "./layout.ts";
import { checkFits } from "./overflow.ts";
import { runPointwise } from "./pointwise.ts";

/** Primitives that can give larger numbers, and whose results in float32 are near those in integers. */
const growing = new Set(["add", "sub", "mul", "neg", "abs", "pow"]);

/** What may stand beside them: exact in both. */
const beside = new Set(["input", "const", "where", "min", "max", "fmin", "fmax", "sign"]);

const checkable = new WeakMap<Program, boolean>();

/** Whether a program is arithmetic on integers whose results can be checked. */
function isCheckable(p: Program): boolean {
  let known = checkable.get(p);
  if (known === undefined) {
    const ops = postorder(p.outputs).map((e) => e.op);
    known = p.outputs.length === 1 && ops.some((op) => growing.has(op)) &&
      ops.every((op) => growing.has(op) || beside.has(op));
    checkable.set(p, known);
  }
  return known;
}

let identity: Program | undefined;

/**
 * Runs a program on int64 where its results can be checked. False, with nothing done, for all others: those that give no larger
 * numbers need no check, and the rest is refused.
 */
export function runInt64(
  gpu: Gpu,
  p: Program,
  inputs: readonly (GpuOperand | Scalar)[],
  outputs: readonly GpuOperand[],
  shape: readonly number[],
): boolean {
  const [out] = outputs;
  if (out.dtype !== "int64" || !isCheckable(p)) return false;
  let numel = 1;
  for (const size of shape) numel *= size;
  if (numel === 0) return true;
  const integers = (x: GpuOperand): GpuOperand => x.dtype === "int64" ? { ...x, dtype: "int32" } : x;
  const given = inputs.map((x) =>
    typeof x === "object" ? integers(x) : checkInt64(typeof x === "bigint" ? x : Math.trunc(Number(x)))
  );
  const strides = shape.map((_, d) => shape.slice(d + 1).reduce((a, b) => a * b, 1));
  const plain = (dtype: "int32" | "float32"): GpuOperand => ({
    data: gpu.memory.allocate(4 * numel),
    dtype,
    offset: 0,
    strides,
  });
  // before the integers, because the output may be the memory of an input
  const about = plain("float32");
  runPointwise(gpu, p, given, [about], shape, "float32");
  const direct = out.offset === 0 && isContiguous(out.strides, shape);
  const results = direct ? integers(out) : plain("int32");
  runPointwise(gpu, p, given, [results], shape, "int32");
  checkFits(gpu, p.name, results.data, about.data, numel);
  gpu.memory.release(about.data);
  if (!direct) {
    identity ??= program(["x"], input("x"));
    runPointwise(gpu, identity, [results], [integers(out)], shape, "int32");
    gpu.memory.release(results.data);
  }
  return true;
}
