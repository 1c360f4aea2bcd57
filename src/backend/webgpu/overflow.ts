/**
 * Sums and products of int64, which the GPU carries in 32 bits: whether they fit. They are computed in float32, too, which tells
 * how often 2^32 was lost; that it happened is reported with the next read (`faults.ts`).
 * @module
 */
import type { Fold, LineOp } from "../../expr/fold.ts";
import { postorder } from "../../expr/expr.ts";
import type { DType } from "../../tensor/dtype.ts";
import { FAULT, TOO_LARGE } from "./faults.ts";
import { GROUP, moduleOf } from "./fold_source.ts";
import type { Gpu } from "./gpu.ts";
import type { Block } from "./memory.ts";

/** The largest magnitudes of types that are added to int64. */
const largest: Readonly<Partial<Record<DType, number>>> = { bool: 1, int8: 128, uint8: 255, int16: 32768 };

const arithmetic = new Set(["add", "sub", "mul", "pow"]);

/** Whether a fold of `n` elements of a type can give integers that have no 32 bits. */
export function mayOverflow(fold: Fold | LineOp, from: DType, n: number): boolean {
  const limit = largest[from];
  const walks = fold.passes.flatMap((p) => p.variables.filter((s) => !s.whole).map((s) => s.next));
  const ops = new Set(postorder(walks).map((e) => e.op));
  if (![...arithmetic].some((op) => ops.has(op))) return false;
  return limit === undefined || (limit > 1 && ops.has("mul")) || n * limit >= 2 ** 31;
}

/** Checks `count` integers against what they are about. */
export function checkFits(gpu: Gpu, caller: string, integers: Block, about: Block, count: number): void {
  const kernel = gpu.kernel("overflow", "", () => {
    const body = `let lost = (b1[t] - f32(b0[t])) / 4294967296.0;
if (!(abs(lost) < 0.5)) { fault(P[0].w, 0, ${TOO_LARGE}); }`;
    const types = ["i32", "f32", "atomic<i32>"];
    return moduleOf(
      "overflow",
      4,
      types,
      ["read", "read", "write"],
      FAULT.replaceAll("faults", "b2"),
      body,
      false,
    );
  });
  const parameters = Int32Array.of(0, count, 0, gpu.faults.code(caller));
  gpu.commands.dispatch(kernel, [integers, about, gpu.faults.use()], parameters, Math.ceil(count / GROUP));
}
