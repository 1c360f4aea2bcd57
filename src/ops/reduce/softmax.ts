/**
 * softmax and logSoftmax along a dimension, stable for any size of the elements.
 * @module
 */

import { adding, extreme, LineOp } from "../../expr/fold.ts";
import { checkKeys, checkTensor } from "../../tensor/arguments.ts";
import { type DType, isFloatingPoint, typeName } from "../../tensor/dtype.ts";
import { normalizeDim } from "../../tensor/shape.ts";
import { installMethods, type Tensor } from "../../tensor/tensor.ts";
import { to } from "../core/copy.ts";
import { alongLines } from "../core/lines.ts";
import { record, type Rule } from "../core/record.ts";

/** Options of {@linkcode softmax} and {@linkcode logSoftmax}. */
export interface SoftmaxOptions {
  /** Cast to this dtype first. */
  readonly dtype?: DType;
}

const walks = [extreme("max", "top"), adding("exp(v - top)", "total")];
const softmaxLine = new LineOp("softmax", walks, ["exp(v - top) * (1 / total)"], false);
const logSoftmaxLine = new LineOp("logSoftmax", walks, ["v - top - log(total)"], false);

interface Args {
  readonly dim: number;
}

const Softmax: Rule<Args> = {
  name: "SoftmaxBackward0",
  backward: (g, node) => {
    const y = node.tensor("result"), weighted = g.mul(y);
    const total = y.ndim === 0 ? weighted : weighted.sum(node.args.dim, { keepdim: true });
    return [weighted.sub(y.mul(total))];
  },
};
const LogSoftmax: Rule<Args> = {
  name: "LogSoftmaxBackward0",
  backward: (g, node) => {
    const y = node.tensor("result");
    const total = y.ndim === 0 ? g : g.sum(node.args.dim, { keepdim: true });
    return [g.sub(y.exp().mul(total))];
  },
};

function apply(
  name: "softmax" | "log_softmax",
  caller: string,
  op: LineOp,
  rule: Rule<Args>,
  x: Tensor,
  dim: number,
  options: SoftmaxOptions,
): Tensor {
  const { dtype } = checkKeys(options, caller, ["dtype"]);
  const input = dtype === undefined ? x : to(x, dtype);
  const d = normalizeDim(dim, x.ndim);
  if (!isFloatingPoint(input.dtype)) {
    const kernel = d === Math.max(x.ndim, 1) - 1 ? `${name}_lastdim_kernel_impl` : `${name}_kernel_impl`;
    throw new TypeError(`"${kernel}" not implemented for '${typeName(input.dtype)}'`);
  }
  const [out] = alongLines(input, d, op, [input.dtype]);
  return record(rule, out, [input], { dim: d }, { result: out });
}

/** exp(x) divided by its sum along a dimension: positive numbers that add up to 1. */
export function softmax(x: Tensor, dim: number, options: SoftmaxOptions = {}): Tensor {
  checkTensor(x, "softmax");
  return apply("softmax", "softmax", softmaxLine, Softmax, x, dim, options);
}

/** The logarithm of {@linkcode softmax}, computed without overflow or loss. */
export function logSoftmax(x: Tensor, dim: number, options: SoftmaxOptions = {}): Tensor {
  checkTensor(x, "logSoftmax");
  return apply("log_softmax", "logSoftmax", logSoftmaxLine, LogSoftmax, x, dim, options);
}

/** The methods of this family. */
export interface SoftmaxMethods {
  /** exp(x) divided by its sum along a dimension. */
  softmax(dim: number, options?: SoftmaxOptions): Tensor;
  /** The logarithm of softmax. */
  logSoftmax(dim: number, options?: SoftmaxOptions): Tensor;
}

const methods: SoftmaxMethods & ThisType<Tensor> = {
  softmax(dim, options) {
    return softmax(this, dim, options);
  },
  logSoftmax(dim, options) {
    return logSoftmax(this, dim, options);
  },
};
installMethods(methods);
