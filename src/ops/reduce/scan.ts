/**
 * Running sums, products and extremes along a dimension, and what follows from them: differences and areas.
 * @module
 */

import { mode } from "../../autograd/modes.ts";
import { adding, LineOp, type Walk } from "../../expr/fold.ts";
import { program } from "../../expr/program.ts";
import { brief } from "../../tensor/describe.ts";
import { checkKeys, checkNumber, checkOptionalTensor, checkTensor } from "../../tensor/arguments.ts";
import { category, type DType, getDefaultDtype, isFloatingPoint } from "../../tensor/dtype.ts";
import { ones } from "../../tensor/create.ts";
import { normalizeDim } from "../../tensor/shape.ts";
import { allocateTensor, installMethods, Tensor } from "../../tensor/tensor.ts";
import { applyPointwise } from "../core/apply.ts";
import { to } from "../core/copy.ts";
import { cat } from "../view/join.ts";
import { alongLines, asLines, fromLines } from "../core/lines.ts";
import { ValuesIndices } from "../core/return_types.ts";
import { scatterBack } from "./selecting.ts";
import { PointwiseOp } from "../core/pointwise_op.ts";
import { cumprodBackward, cumsumFromEnd } from "./prod_gradient.ts";
import { record, recordAll, type Rule } from "../core/record.ts";

/** Options of running sums and products. */
export interface ScanOptions {
  /** Cast to this dtype first. */
  readonly dtype?: DType;
}

function scanned(
  x: Tensor,
  dim: number,
  options: ScanOptions,
  caller: string,
): { input: Tensor; dim: number } {
  const d = normalizeDim(dim, x.ndim);
  const { dtype } = checkKeys(options, caller, ["dtype"]);
  return { input: to(x, dtype ?? (category(x.dtype) === 2 ? x.dtype : "int64")), dim: d };
}

// ---- sums and products --------------------------------------------------------------------------------------------

const runningSum = new LineOp("cumsum", [adding("v")], ["acc"], true);
const Cumsum: Rule<{ dim: number }> = {
  name: "CumsumBackward0",
  backward: (g, { args }) => [g.ndim === 0 ? g : cumsumFromEnd(g, args.dim)],
};

/** Running sums along a dimension. Integers and bools give int64. */
export function cumsum(x: Tensor, dim: number, options: ScanOptions = {}): Tensor {
  checkTensor(x, "cumsum");
  const { input, dim: d } = scanned(x, dim, options, "cumsum");
  const [out] = alongLines(input, d, runningSum, [input.dtype]);
  return record(Cumsum, out, [input], { dim: d });
}

const products: Walk = { state: { acc: "1" }, step: { acc: "acc * v" }, merge: { acc: "acc * acc_" } };
const runningProduct = new LineOp("cumprod", [products], ["acc"], true);
const Cumprod: Rule<{ dim: number }> = {
  name: "CumprodBackward0",
  backward: (g, node) => {
    const x = node.tensor("self");
    if (x.ndim === 0) return [g];
    return [cumprodBackward(g, x, node.tensor("result"), node.args.dim)];
  },
};

/** Running products along a dimension. Integers and bools give int64. */
export function cumprod(x: Tensor, dim: number, options: ScanOptions = {}): Tensor {
  checkTensor(x, "cumprod");
  const { input, dim: d } = scanned(x, dim, options, "cumprod");
  const [out] = alongLines(input, d, runningProduct, [input.dtype]);
  return record(Cumprod, out, [input], { dim: d }, { self: input, result: out });
}

/** log(exp(acc) + exp(v)) as the larger plus log1p; an infinite one needs no difference. */
function logAdded(v: string): string {
  const high = `where(${v} > acc, ${v}, acc)`, low = `where(${v} > acc, acc, ${v})`;
  return `where(isnan(${v}), ${v}, where(isinf(${high}), ${high}, ${high} + log1p(exp(${low} - ${high}))))`;
}

const runningLogsumexp = new LineOp(
  "logcumsumexp",
  [{
    state: { acc: "-inf" },
    step: { acc: logAdded("v") },
    merge: { acc: logAdded("acc_") },
  }],
  ["acc"],
  true,
);
const Logcumsumexp: Rule<{ dim: number }> = {
  name: "LogcumsumexpBackward0",
  backward: (g, node) => {
    const x = node.tensor("self"), y = node.tensor("result"), { dim } = node.args;
    if (x.ndim === 0) return [g];
    return [logcumsumexpBackward(g, x, y, dim)];
  },
};

/** The gradient: at i the sum over j >= i of g[j] exp(x[i] - y[j]). */
function logcumsumexpBackward(g: Tensor, x: Tensor, y: Tensor, dim: number): Tensor {
  if (mode.grad) return pairwise(g, x, y, dim);
  return x.device === "cpu" ? recurrence(g, x, y, dim) : byLogarithms(g, x, y, dim);
}

/** By running sums of logarithms from the end, of positive and of negative gradients. */
function byLogarithms(g: Tensor, x: Tensor, y: Tensor, dim: number): Tensor {
  const empty = y.eq(-Infinity), finite = y.maskedFill(empty, 0);
  const part = (size: Tensor) => {
    const logs = size.clamp({ min: 0 }).log().sub(finite).maskedFill(empty, -Infinity);
    return logcumsumexp(logs.flip(dim), dim).flip(dim).add(x).exp();
  };
  return part(g).sub(part(g.neg())).maskedFill(empty, 0);
}

/** In one walk from the end, in which no exponent is positive. */
function recurrence(g: Tensor, x: Tensor, y: Tensor, dim: number): Tensor {
  const [gs, xs, ys] = [g, x, y].map((t) => asLines(t, dim));
  const n = x.shape[dim], out = allocateTensor(xs.shape, x.dtype), data = out.storage.data;
  const read = (t: Tensor, i: number) => t.storage.data[t.offset + i] as number;
  for (let end = out.numel(); end > 0; end -= n) {
    let sum = 0;
    for (let i = end - 1; i >= end - n; i--) {
      const here = read(ys, i);
      if (here === -Infinity) {
        data[i] = 0; // nothing but zeros under the logarithm so far
        continue;
      }
      if (i < end - 1) sum *= Math.exp(here - read(ys, i + 1));
      data[i] = (sum += read(gs, i)) * Math.exp(read(xs, i) - here);
    }
  }
  return fromLines(out, dim);
}

/** All pairs at once, for gradients that are to be differentiated again. */
function pairwise(g: Tensor, x: Tensor, y: Tensor, dim: number): Tensor {
  const last = (t: Tensor) => t.movedim(dim, -1);
  const n = x.shape[dim];
  const earlier = ones(n, n, { dtype: "bool", device: x.device }).tril(-1); // j < i
  const empty = y.detach().eq(-Infinity);
  const exponent = last(x).unsqueeze(-1).sub(last(y).unsqueeze(-2));
  const kept = exponent.maskedFill(earlier, -Infinity).maskedFill(last(empty).unsqueeze(-2), -Infinity);
  return kept.exp().mul(last(g).unsqueeze(-2)).sum(-1).movedim(-1, dim);
}

/** log(running sum of exp(x)) along a dimension, without overflow. */
export function logcumsumexp(x: Tensor, dim: number): Tensor {
  checkTensor(x, "logcumsumexp");
  const d = normalizeDim(dim, x.ndim);
  const input = isFloatingPoint(x.dtype) ? x : to(x, getDefaultDtype());
  const [out] = alongLines(input, d, runningLogsumexp, [input.dtype]);
  return record(Logcumsumexp, out, [input], { dim: d }, { self: input, result: out });
}

// ---- extremes -----------------------------------------------------------------------------------------------------

/** The extreme so far, and the place of the last of equals. */
function runningExtreme(name: string, sign: string): LineOp {
  const later = (v: string, none: string) => `${none} || ${v} ${sign}= best || isnan(${v})`;
  const step = later("v", "at < 0"), merge = `at_ >= 0 && (${later("best_", "at < 0")})`;
  return new LineOp(
    name,
    [{
      state: { best: sign === ">" ? "-inf" : "inf", at: "-1" },
      step: { best: `where(${step}, v, best)`, at: `where(${step}, i, at)` },
      merge: { best: `where(${merge}, best_, best)`, at: `where(${merge}, at_, at)` },
      whole: ["at"],
    }],
    ["best", "at"],
    true,
  );
}

function extremeScan(name: "cummax" | "cummin", sign: string): (x: Tensor, dim: number) => ValuesIndices {
  const op = runningExtreme(name, sign);
  const rule: Rule<{ dim: number }> = {
    name: `C${name.slice(1)}Backward0`,
    backwardAll: ([g], node) => {
      if (g === null) return [null];
      const indices = node.tensor("indices");
      return [scatterBack(g, indices, node.args.dim, indices.shape)];
    },
  };
  return (x, dim) => {
    checkTensor(x, name);
    const d = normalizeDim(dim, x.ndim);
    const [values, indices] = alongLines(x, d, op, [x.dtype, "int64"]);
    recordAll(rule, [values, indices], [x], { dim: d }, { indices });
    return new ValuesIndices(name, values, indices);
  };
}

/** The largest element so far along a dimension, and where it was (the last of equals). */
export const cummax: (x: Tensor, dim: number) => ValuesIndices = extremeScan("cummax", ">");
/** The smallest element so far along a dimension, and where it was (the last of equals). */
export const cummin: (x: Tensor, dim: number) => ValuesIndices = extremeScan("cummin", "<");

// ---- differences and areas ----------------------------------------------------------------------------------------

/** Options of {@linkcode diff}. */
export interface DiffOptions {
  /** How many times to take differences; 1 by default. */
  readonly n?: number;
  /** The dimension; the last by default. */
  readonly dim?: number;
  /** Put before x. */
  readonly prepend?: Tensor;
  /** Put behind x. */
  readonly append?: Tensor;
}

/** Differences of neighbours along a dimension. */
export function diff(x: Tensor, options: DiffOptions = {}): Tensor {
  checkTensor(x, "diff");
  const { n = 1, dim = -1, prepend, append } = checkKeys(options, "diff", ["n", "dim", "prepend", "append"]);
  checkOptionalTensor(prepend, "diff", "prepend");
  checkOptionalTensor(append, "diff", "append");
  if (x.ndim === 0) throw new TypeError("diff expects input to be at least one-dimensional");
  if (!Number.isInteger(n) || n < 0) {
    throw new RangeError(`order must be non-negative but got ${brief(n)}`);
  }
  const d = normalizeDim(dim, x.ndim);
  const parts = [prepend, x, append].filter((t) => t !== undefined && t !== null);
  let out = parts.length === 1 ? x : cat(parts, { dim: d });
  if (n === 0) return out;
  for (let k = 0; k < n && (k === 0 || out.shape[d] > 0); k++) {
    const rest = Math.max(out.shape[d] - 1, 0);
    const later = out.narrow(d, Math.min(1, out.shape[d]), rest), earlier = out.narrow(d, 0, rest);
    out = out.dtype === "bool" ? later.ne(earlier) : later.sub(earlier);
  }
  return out;
}

/** Options of {@linkcode trapezoid}. */
export interface TrapezoidOptions {
  /** Where the elements lie; evenly at distance `dx` by default. */
  readonly x?: Tensor;
  /** The distance of neighbours; 1 by default. */
  readonly dx?: number;
  /** The dimension; the last by default. */
  readonly dim?: number;
}

const times = new PointwiseOp(program(["a", "b"], "a * b", { name: "mul" }), { gradFn: "MulBackward1" });
const over = new PointwiseOp(program(["a", "b"], "a / b", { name: "div" }), { gradFn: "DivBackward1" });

/** Twice the areas of the strips between neighbours. */
function strips(y: Tensor, options: TrapezoidOptions): { strips: Tensor; dim: number; even: number | null } {
  const { x, dx = 1, dim = -1 } = options;
  if (y.ndim === 0) throw new TypeError("trapezoid expects input to be at least one-dimensional");
  const d = normalizeDim(dim, y.ndim), rest = Math.max(y.shape[d] - 1, 0);
  const pairs = y.narrow(d, 0, rest).add(y.narrow(d, Math.min(1, y.shape[d]), rest));
  if (x === undefined) return { strips: pairs, dim: d, even: dx };
  if (x.ndim === 1 && y.ndim > 1 && x.shape[0] !== y.shape[d]) {
    throw new TypeError(
      `trapezoid: There must be one \`x\` value for each sample point, got ${x.shape[0]} for ${y.shape[d]}`,
    );
  }
  const widths = x.ndim === 1
    ? diff(x).reshape(y.shape.map((_, i) => i === d ? -1 : 1))
    : diff(x, { dim: d - y.ndim });
  return { strips: pairs.mul(widths), dim: d, even: null };
}

const trapezoidKeys = ["x", "dx", "dim"];

function trapezoidArgs(
  options: TrapezoidOptions | Tensor | undefined,
  more: TrapezoidOptions,
  caller: string,
) {
  const given = options instanceof Tensor ? { ...more, x: options } : options ?? {};
  const checked = checkKeys(given as TrapezoidOptions, caller, trapezoidKeys);
  checkOptionalTensor(checked.x, caller, "x");
  if (checked.dx !== undefined) checkNumber(checked.dx, caller, "dx");
  return checked;
}

/** The area under y along a dimension by the trapezoidal rule; the places x may be given second, as in PyTorch. */
export function trapezoid(y: Tensor, x?: Tensor | TrapezoidOptions, options: TrapezoidOptions = {}): Tensor {
  checkTensor(y, "trapezoid");
  const { strips: pairs, dim, even } = strips(y, trapezoidArgs(x, options, "trapezoid"));
  const total = pairs.sum(dim);
  return even === null ? applyPointwise(over, [total, 2]) : applyPointwise(times, [total, even / 2]);
}

/** The running area under y along a dimension by the trapezoidal rule. */
export function cumulativeTrapezoid(
  y: Tensor,
  x?: Tensor | TrapezoidOptions,
  options: TrapezoidOptions = {},
): Tensor {
  checkTensor(y, "cumulativeTrapezoid");
  const { strips: pairs, dim, even } = strips(y, trapezoidArgs(x, options, "cumulativeTrapezoid"));
  const total = cumsum(pairs, dim);
  return even === null ? applyPointwise(over, [total, 2]) : applyPointwise(times, [total, even / 2]);
}

/** The methods of this family. */
export interface ScanMethods {
  /** Running sums along a dimension. */
  cumsum(dim: number, options?: ScanOptions): Tensor;
  /** Running products along a dimension. */
  cumprod(dim: number, options?: ScanOptions): Tensor;
  /** log(running sum of exp(x)) along a dimension. */
  logcumsumexp(dim: number): Tensor;
  /** The largest element so far along a dimension, and where it was. */
  cummax(dim: number): ValuesIndices;
  /** The smallest element so far along a dimension, and where it was. */
  cummin(dim: number): ValuesIndices;
  /** Differences of neighbours along a dimension. */
  diff(options?: DiffOptions): Tensor;
}

const methods: ScanMethods & ThisType<Tensor> = {
  cumsum(dim, options) {
    return cumsum(this, dim, options);
  },
  cumprod(dim, options) {
    return cumprod(this, dim, options);
  },
  logcumsumexp(dim) {
    return logcumsumexp(this, dim);
  },
  cummax(dim) {
    return cummax(this, dim);
  },
  cummin(dim) {
    return cummin(this, dim);
  },
  diff(options) {
    return diff(this, options);
  },
};
installMethods(methods);
