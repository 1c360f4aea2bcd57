/**
 * Operations along one dimension in JavaScript: lines of elements that lie one behind the other in memory.
 *
 * A line operation is compiled once for each element type, so that its accesses to typed arrays stay of one kind.
 * @module
 */

import { type Expr, input, postorder, replace } from "../../expr/expr.ts";
import type { LineOp } from "../../expr/fold.ts";
import { specialFunctions } from "../../expr/lower_js.ts";
import { primitives } from "../../expr/primitives.ts";
import { type DType, flavorOf, type TypedArray } from "../../tensor/dtype.ts";
import { FoldText, KEPT } from "./fold_js.ts";

export type { LineOp } from "../../expr/fold.ts";

type Kernel = (
  x: TypedArray,
  offset: number,
  lines: number,
  n: number,
  y: TypedArray,
  z: TypedArray | null,
  w: Float64Array,
) => void;

/** Kernels by operation and element type. */
const kernels = new Map<LineOp, Map<DType, Kernel>>();

function kernelFor(op: LineOp, dtype: DType, outs: readonly (TypedArray | null)[]): Kernel {
  let byDtype = kernels.get(op);
  if (byDtype === undefined) kernels.set(op, byDtype = new Map());
  let kernel = byDtype.get(dtype);
  if (kernel === undefined) byDtype.set(dtype, kernel = compile(op, dtype, outs));
  return kernel;
}

function compile(op: LineOp, dtype: DType, outs: readonly (TypedArray | null)[]): Kernel {
  const text = new FoldText(op, dtype), count = op.passes.length;
  const big = (o: number) => outs[o] instanceof BigInt64Array, places = ["y[b + i]", "z[b + i]"];
  const kept = op.running || flavorOf(dtype) === "bigint" ? null : keptOf(op);
  const each = kept === null ? op.each : replace(op.each, new Map([[kept, input(KEPT)]]));
  const write = text.results(each, places, big, !op.running);
  const loop = (body: string) => `for (let i = 0; i < n; i++) { const v = x[a + i];\n${body} }\n`;
  let body = "";
  op.passes.forEach((_, p) => {
    const last = p === count - 1, step = text.step(p, true, last ? kept : null);
    body += text.start(p) + step.before + loop(step.inside + "\n" + (last && op.running ? write.inside : ""));
  });
  if (!op.running) body += write.before + loop(write.inside);
  const source = `"use strict"; return function (x, offset, lines, n, y, z, w) {\n` +
    `for (let l = 0, a = offset, b = 0; l < lines; l++, a += n, b += n) {\n${body}\n}};`;
  return new Function("special", source)(specialFunctions) as Kernel;
}

/** What the last walk and the results both compute of an element and is dear, so that it is worth keeping. */
function keptOf(op: LineOp): Expr | null {
  const { variables } = op.passes[op.passes.length - 1], own = variables.map((s) => input(s.name));
  const inStep = new Set(postorder(variables.map((s) => s.next)));
  const shared = postorder(op.each).filter((e) =>
    inStep.has(e) && e.args.length > 0 && primitives[e.op].kind === "float" &&
    postorder([e]).includes(input("v")) && !postorder([e]).some((a) => own.includes(a))
  );
  return shared.at(-1) ?? null;
}

let scratch = new Float64Array(64);

/** Works on `lines` lines of `n` elements from `offset`. */
export function runLines(
  op: LineOp,
  dtype: DType,
  x: TypedArray,
  offset: number,
  lines: number,
  n: number,
  y: TypedArray,
  z: TypedArray | null,
): void {
  if (scratch.length < n) scratch = new Float64Array(n);
  kernelFor(op, dtype, [y, z])(x, offset, lines, n, y, z, scratch);
}
