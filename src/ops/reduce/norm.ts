/**
 * Norms of vectors, and what is made of them: distances and rescaling.
 * @module
 */

import { adding, extreme, Fold, type Walk } from "../../expr/fold.ts";
import { brief } from "../../tensor/describe.ts";
import { checkKeys, checkNumber, checkTensor } from "../../tensor/arguments.ts";
import { type DType, isFloatingPoint, typeName } from "../../tensor/dtype.ts";
import { normalizeDim } from "../../tensor/shape.ts";
import { installMethods, type Tensor } from "../../tensor/tensor.ts";
import { to } from "../core/copy.ts";
import { type Dims, fold, reducedDims, reducedShape, unreduce } from "../core/fold.ts";
import { record, type Rule } from "../core/record.ts";

/** Options of {@linkcode vectorNorm}. */
export interface VectorNormOptions {
  /** Which norm; 2 by default. */
  readonly ord?: number;
  /** Dimensions to reduce; all by default. */
  readonly dim?: Dims;
  /** Keep reduced dimensions with size 1. */
  readonly keepdim?: boolean;
  /** Cast to this dtype first. */
  readonly dtype?: DType;
}

interface Args {
  readonly ord: number;
  readonly dim: readonly number[];
  readonly keepdim: boolean;
}

const normFolds = new Map<number, Fold>();

function normFold(p: number): Fold {
  let known = normFolds.get(p);
  if (known === undefined) {
    const [walk, result] = normText(p);
    normFolds.set(p, known = new Fold(`norm${p}`, [walk], [result]));
  }
  return known;
}

function normText(p: number): [Walk, string] {
  if (p === 0) {
    return [{ ...adding("0"), step: { acc: "where(v != 0, acc + 1, acc)" }, whole: ["acc"] }, "acc"];
  }
  if (p === 1) return [adding("abs(v)"), "acc"];
  if (p === 2) return [adding("v * v"), "sqrt(acc)"];
  if (p === Infinity) return [extreme("max", "acc", "abs(v)", "0"), "acc"];
  if (p === -Infinity) return [extreme("min", "acc", "abs(v)"), "acc"];
  return [adding(`abs(v) ** (${p})`), `acc ** (${1 / p})`];
}

const VectorNorm: Rule<Args> = {
  name: "LinalgVectorNormBackward0",
  backward: (g, node) => {
    const x = node.tensor("self"), { ord, dim, keepdim } = node.args;
    const back = (t: Tensor) => unreduce(t, x.shape, dim, keepdim);
    // counting elements has no gradient
    return [ord === 0 ? null : normBackward(back(g), x, back(node.tensor("result")), ord, dim)];
  },
};

/** The gradient of a norm; `g` and `y`, the norm, have the reduced dimensions at size 1. */
function normBackward(g: Tensor, x: Tensor, y: Tensor, p: number, dims: readonly number[]): Tensor {
  const zero = y.detach().eq(0);
  const signed = () => x.sign();
  if (p === 1) return signed().mul(g);
  if (p === 2) return g.mul(x.div(y).maskedFill(zero, 0));
  if (Math.abs(p) === Infinity) {
    const size = x.detach().abs(), top = y.detach();
    const hits = size.eq(top).logicalOr(size.isnan().logicalAnd(top.isnan())).to(x.dtype);
    const count = x.ndim === 0 || dims.length === 0 ? hits : hits.sum([...dims], { keepdim: true });
    return signed().mul(hits).mul(g.div(count));
  }
  if (p < 1) {
    const scaled = signed().mul(x.abs().pow(p - 1).maskedFill(x.detach().eq(0), 0));
    return scaled.mul(g.mul(y.pow(1 - p)));
  }
  const scale = g.div(y.pow(p - 1)).maskedFill(zero, 0);
  const scaled = p < 2 ? signed().mul(x.abs().pow(p - 1)) : x.mul(x.abs().pow(p - 2));
  return scaled.mul(scale);
}

/** The norm of all elements as one vector, or of vectors along dimensions: (sum |x|^ord)^(1/ord). */
export function vectorNorm(
  x: Tensor,
  ord?: number | VectorNormOptions,
  options: VectorNormOptions = {},
): Tensor {
  checkTensor(x, "linalg.vectorNorm", "x", 1);
  const given = typeof ord === "number" ? { ...options, ord } : ord ?? options;
  return normOf("linalg.vectorNorm", x, checkKeys(given, "vectorNorm", ["ord", "dim", "keepdim", "dtype"]));
}

function normOf(name: string, x: Tensor, o: VectorNormOptions): Tensor {
  const { ord = 2, keepdim = false } = o;
  if (typeof ord !== "number" || Number.isNaN(ord)) {
    throw new TypeError(`${name}(): the order must be a number, got ${brief(ord)}`);
  }
  const input = o.dtype === undefined ? x : to(x, o.dtype);
  if (!isFloatingPoint(input.dtype)) {
    throw new TypeError(
      `${name}: Expected a floating point or complex tensor as input. Got ${typeName(input.dtype)}`,
    );
  }
  const dims = reducedDims(o.dim, x.ndim);
  if ((ord < 0 || ord === Infinity) && dims.some((d) => x.shape[d] === 0)) {
    throw new RangeError(
      `${name} cannot compute the ${
        ord === Infinity ? "infinity" : ord
      } norm on an empty dimension because the operation ` +
        "does not have an identity",
    );
  }
  const [out] = fold(input, normFold(ord), dims, reducedShape(x.shape, dims, keepdim), input.dtype);
  return record(VectorNorm, out, [input], { ord, dim: dims, keepdim }, { self: input, result: out });
}

/** Options of {@linkcode norm}. */
export interface NormOptions {
  /** Which norm: a number, or "fro" (the default), which is 2. */
  readonly p?: number | "fro" | null;
  /** Dimensions to reduce; all by default. */
  readonly dim?: Dims;
  /** Keep reduced dimensions with size 1. */
  readonly keepdim?: boolean;
  /** Cast to this dtype first. */
  readonly dtype?: DType;
}

/** The norm of all elements, or of vectors along dimensions. For norms of matrices see `linalg`. */
export function norm(
  x: Tensor,
  p?: number | "fro" | null | NormOptions,
  dim?: Dims | NormOptions,
  options: NormOptions = {},
): Tensor {
  checkTensor(x, "norm");
  const isOptions = (v: unknown): v is NormOptions =>
    typeof v === "object" && v !== null && !Array.isArray(v);
  let o: NormOptions = options;
  if (isOptions(p)) o = p;
  else {
    if (isOptions(dim)) o = dim;
    else if (dim !== undefined) o = { ...o, dim };
    if (p !== undefined) o = { ...o, p };
  }
  checkKeys(o, "norm", ["p", "dim", "keepdim", "dtype"]);
  const ord = o.p === undefined || o.p === null || o.p === "fro" ? 2 : o.p;
  if (typeof ord !== "number") {
    throw new TypeError(`norm(): p must be a number or "fro", got ${brief(ord)}`);
  }
  return normOf("linalg.vectorNorm", x, { ord, dim: o.dim, keepdim: o.keepdim, dtype: o.dtype });
}

const Dist: Rule<{ p: number }> = {
  name: "DistBackward0",
  backward: (g, node) => {
    const { p } = node.args, x = node.tensor("self"), other = node.tensor("other");
    if (p === 0) return [null, null];
    const d = x.sub(other);
    const back = normBackward(g, d, node.tensor("result"), p, d.shape.map((_, i) => i));
    return [
      node.needs(0) ? back.sumToSize(x.shape) : null,
      node.needs(1) ? back.neg().sumToSize(other.shape) : null,
    ];
  },
};

/** The p-norm of the difference of two tensors. */
export function dist(x: Tensor, other: Tensor, p = 2): Tensor {
  checkTensor(x, "dist");
  checkTensor(other, "dist", "other", 2);
  checkNumber(p, "dist", "p");
  const out = norm(x.detach().sub(other.detach()), p);
  return record(Dist, out, [x, other], { p }, { self: x, other, result: out });
}

// ---- renorm -------------------------------------------------------------------------------------------------------

interface RenormArgs {
  readonly p: number;
  readonly dim: number;
  readonly maxnorm: number;
}

const Renorm: Rule<RenormArgs> = {
  name: "RenormBackward0",
  backward: (g, node) => {
    const x = node.tensor("self"), { p, dim, maxnorm } = node.args;
    const dims = x.shape.map((_, i) => i).filter((i) => i !== dim);
    const y = norm(x, p, dims, { keepdim: true });
    const inverse = y.add(1e-7).reciprocal();
    const outside = g.mul(x).sum(dims, { keepdim: true });
    const inner = normBackward(outside, x, y, p, dims);
    const shrunk = inverse.mul(g.sub(inverse.mul(inner))).mul(maxnorm);
    const small = y.detach().le(maxnorm).to(g.dtype);
    return [g.mul(small).add(shrunk.mul(small.mul(-1).add(1)))];
  },
};

/** Slices along `dim` whose p-norm is greater than `maxnorm`, scaled down to it. */
export function renorm(x: Tensor, p: number, dim: number, maxnorm: number): Tensor {
  checkTensor(x, "renorm");
  checkNumber(p, "renorm", "p");
  checkNumber(maxnorm, "renorm", "maxnorm");
  if (!(p > 0)) throw new RangeError("renorm: non-positive-norm not supported");
  if (!(maxnorm >= 0)) throw new RangeError(`renorm: expected maxnorm to be >= 0 but got ${maxnorm}`);
  if (x.ndim < 2) throw new TypeError(`renorm: input needs at least 2 dimensions, got ${x.ndim} dimensions`);
  const d = normalizeDim(dim, x.ndim), plain = x.detach();
  const y = norm(plain, p, x.shape.map((_, i) => i).filter((i) => i !== d), { keepdim: true });
  const factor = y.add(1e-7).reciprocal().mul(maxnorm).maskedFill(y.le(maxnorm), 1);
  return record(Renorm, plain.mul(factor), [x], { p, dim: d, maxnorm }, { self: x });
}

/** The methods of this family. */
export interface NormMethods {
  /** The norm of all elements, or of vectors along dimensions. */
  norm(p?: number | "fro" | null | NormOptions, dim?: Dims | NormOptions, options?: NormOptions): Tensor;
  /** The p-norm of the difference from another tensor. */
  dist(other: Tensor, p?: number): Tensor;
  /** Slices along a dimension scaled down to a largest norm. */
  renorm(p: number, dim: number, maxnorm: number): Tensor;
}

const methods: NormMethods & ThisType<Tensor> = {
  norm(p, dim, options) {
    return norm(this, p, dim, options);
  },
  dist(other, p) {
    return dist(this, other, p);
  },
  renorm(p, dim, maxnorm) {
    return renorm(this, p, dim, maxnorm);
  },
};
installMethods(methods);
