/**
 * Losses of `nn.functional` for classes.
 * @module
 */

import { program } from "../../expr/program.ts";
import { applyPointwise } from "../../ops/core/apply.ts";
import { mul, neg } from "../../ops/pointwise.ts";
import { add } from "../../ops/arithmetic.ts";
import { PointwiseOp } from "../../ops/core/pointwise_op.ts";
import { record, type Rule } from "../../ops/core/record.ts";
import { mean, sum } from "../../ops/reduce/reduce.ts";
import { logSoftmax } from "../../ops/reduce/softmax.ts";
import {
  checkInteger,
  checkKeys,
  checkNumber,
  checkOptionalTensor,
  checkTensor,
} from "../../tensor/arguments.ts";
import { differentDevices } from "../../tensor/device.ts";
import { isFloatingPoint, type TypedArray, typeName } from "../../tensor/dtype.ts";
import { numel, sameShape, SCALAR_SHAPE, type Shape, shapeText } from "../../tensor/shape.ts";
import { Storage } from "../../tensor/storage.ts";
import { allocateTensor, elementsOf, Tensor } from "../../tensor/tensor.ts";
import { chooseOnDevice, type DevicePicks, pickOnDevice, spreadOnDevice } from "./classify_device.ts";
import { checkReduction, type LossOptions, type Reduction } from "./loss.ts";

/** Options of {@linkcode nllLoss}. */
export interface NllLossOptions extends LossOptions {
  /** Weights of the classes. */
  readonly weight?: Tensor | null;
  /** A target that does not count; -100. */
  readonly ignoreIndex?: number;
}

// ---- the negative logarithm of the target's probability -----------------------------------------------------------

/** Classes and weights of all samples, ready to be used in both directions. */
interface Picks {
  /** All of it on a device other than the CPU; then the lists are empty, and the total is there. */
  readonly device: DevicePicks | null;
  /** The class of each sample, or -1 where it does not count. */
  readonly classes: Int32Array;
  /** The weight of each sample's class; null where all are 1. */
  readonly weights: Float64Array | null;
  /** The sum of the weights of the samples that count. */
  readonly total: number;
  /** For the node of the graph. */
  readonly saved: { readonly target: Tensor; readonly weight: Tensor | null };
  /** Shape of the input, [N, C, inner]: samples are N by inner. */
  readonly sizes: readonly [number, number, number];
  readonly shape: Shape;
  readonly targetShape: Shape;
  readonly reduction: Reduction;
}

const LOSS_NAMES = ["NllLossBackward0", "NllLoss2DBackward0"] as const;

/** What a node remembers. The picks are kept out of what it shows. */
class NllArgs {
  readonly reduction: Reduction;
  readonly ignoreIndex: number;
  readonly #picks: Picks;

  constructor(reduction: Reduction, ignoreIndex: number, picks: Picks) {
    this.reduction = reduction;
    this.ignoreIndex = ignoreIndex;
    this.#picks = picks;
  }

  get picks(): Picks {
    return this.#picks;
  }
}

type NllRule = Rule<NllArgs>;

const NllLoss: readonly NllRule[] = LOSS_NAMES.map((name): NllRule => ({
  name,
  backward: (g, node) => {
    node.tensor("self"); // throws if it was freed or written since, as in PyTorch, though its values are not needed
    return [spread(g, node.args)];
  },
}));

/** The gradient is linear in g, and its own gradient is the loss again. */
const NllLossGrad: NllRule = {
  name: "NllLossBackwardBackward0",
  backward: (g, node) => [pick(g, node.args, 0)],
};

function pick(
  x: Tensor,
  args: NllArgs,
  rank: 0 | 1,
): Tensor {
  const { picks } = args;
  const { classes, weights, sizes: [, c, inner], reduction } = picks;
  if (picks.device !== null) {
    const result = pickOnDevice(x, picks.device, reduction);
    return record(NllLoss[rank], result, [x], args, { self: x, ...picks.saved });
  }
  const data = elementsOf(x) as Float64Array;
  const none = reduction === "none";
  const out = none ? allocateTensor(picks.targetShape, x.dtype) : null;
  const each = out?.storage.data as TypedArray | undefined;
  let loss = 0;
  for (let i = 0; i < classes.length; i++) {
    const k = classes[i];
    if (k < 0) continue;
    const sample = Math.floor(i / inner);
    const value = -data[(sample * c + k) * inner + i - sample * inner] * (weights === null ? 1 : weights[i]);
    if (each === undefined) loss += value;
    else each[i] = value;
  }
  const result = out ?? new Tensor(
    Storage.ofValue(x.dtype, rounded(reduction === "mean" ? loss / picks.total : loss, x.dtype)),
    0,
    SCALAR_SHAPE,
    SCALAR_SHAPE,
  );
  return record(NllLoss[rank], result, [x], args, { self: x, ...picks.saved });
}

function spread(g: Tensor, args: NllArgs): Tensor {
  const { picks } = args;
  const { classes, weights, sizes: [, c, inner], reduction } = picks;
  if (picks.device !== null) {
    return record(NllLossGrad, spreadOnDevice(g, picks.device, picks.shape, reduction), [g], args);
  }
  const out = allocateTensor(picks.shape, g.dtype), data = out.storage.data as TypedArray;
  const each = reduction === "none" ? elementsOf(g) : null;
  const one = each === null ? Number(g.at(0)) / (reduction === "mean" ? picks.total : 1) : 0;
  for (let i = 0; i < classes.length; i++) {
    const k = classes[i];
    if (k < 0) continue;
    const sample = Math.floor(i / inner);
    data[(sample * c + k) * inner + i - sample * inner] = -(each === null ? one : each[i] as number) *
      (weights === null ? 1 : weights[i]);
  }
  return record(NllLossGrad, out, [g], args);
}

function rounded(value: number, dtype: string): number {
  return dtype === "float32" ? Math.fround(value) : dtype === "float16" ? Math.f16round(value) : value;
}

function checkClassType(target: Tensor): void {
  if (target.dtype !== "int64" && target.dtype !== "uint8") {
    throw new TypeError(`expected target dtype to be Long or Byte, but got ${typeName(target.dtype)}`);
  }
}

/** The classes of a target tensor, checked. */
function readClasses(target: Tensor, classes: number, ignoreIndex: number): Int32Array {
  const data = elementsOf(target);
  const out = new Int32Array(data.length);
  for (let i = 0; i < out.length; i++) {
    const k = Number(data[i]);
    if (k === ignoreIndex) out[i] = -1;
    else if (k < 0 || k >= classes) throw new RangeError(`Target ${k} is out of bounds.`);
    else out[i] = k;
  }
  return out;
}

function choose(
  input: Tensor,
  target: Tensor,
  weight: Tensor | null,
  ignoreIndex: number,
  reduction: Reduction,
): Picks {
  const shape = input.shape, rank = shape.length;
  const n = rank === 1 ? 1 : shape[0], c = rank === 1 ? shape[0] : shape[1];
  const inner = numel(shape.slice(2));
  const expected = rank === 1 ? [] : [n, ...shape.slice(2)];
  if (rank >= 2 && (target.ndim === 0 || target.shape[0] !== n)) {
    throw new TypeError(
      `Expected input batch_size (${n}) to match target batch_size (${
        target.ndim === 0 ? 0 : target.shape[0]
      }).`,
    );
  }
  if (!sameShape(target.shape, expected)) {
    throw new TypeError(`Expected target size ${shapeText(expected)}, got ${shapeText(target.shape)}`);
  }
  checkClassType(target);
  const onDevice = input.device !== "cpu";
  if (!onDevice && target.device !== "cpu") throw differentDevices("cpu", target.device);
  const classes = onDevice ? new Int32Array(0) : readClasses(target, c, ignoreIndex);
  let weights: Float64Array | null = null, total = 0;
  if (weight !== null) {
    if (weight.ndim !== 1 || weight.shape[0] !== c) {
      throw new TypeError(
        `weight tensor should be defined either for all ${c} classes or no classes but got weight tensor of shape: ` +
          shapeText(weight.shape),
      );
    }
    if (weight.dtype !== input.dtype) {
      throw new TypeError(
        `expected scalar type ${typeName(input.dtype)} but found ${typeName(weight.dtype)}`,
      );
    }
    if (weight.device !== input.device) throw differentDevices(input.device, weight.device);
    const values = onDevice ? [] : elementsOf(weight);
    weights = new Float64Array(classes.length);
    for (let i = 0; i < classes.length; i++) {
      if (classes[i] >= 0) total += weights[i] = values[classes[i]] as number;
    }
  } else for (let i = 0; i < classes.length; i++) if (classes[i] >= 0) total++;
  const saved = { target, weight };
  return {
    device: onDevice ? chooseOnDevice(input, target, weight, ignoreIndex) : null,
    classes,
    weights,
    total,
    saved,
    sizes: [n, c, inner],
    shape,
    targetShape: target.shape,
    reduction,
  };
}

/**
 * The mean of `-input[target]`: the loss of log probabilities. The input is [N, C], [C] or [N, C, ...]; the target has the
 * class of each sample. The mean is over the weights of the classes met.
 */
export function nllLoss(input: Tensor, target: Tensor, options: NllLossOptions = {}): Tensor {
  checkTensor(input, "nllLoss", "input", 1);
  checkTensor(target, "nllLoss", "target", 2);
  checkKeys(options, "nllLoss", ["reduction", "weight", "ignoreIndex"]);
  const reduction = checkReduction(options.reduction ?? "mean"),
    { weight = null, ignoreIndex = -100 } = options;
  checkOptionalTensor(weight, "nllLoss", "weight");
  checkNumber(ignoreIndex, "nllLoss", "ignoreIndex");
  if (input.ndim === 0) throw new TypeError("Expected 1 or more dimensions (got 0)");
  if (!isFloatingPoint(input.dtype)) {
    throw new TypeError(`"nll_loss_out_frame" not implemented for '${typeName(input.dtype)}'`);
  }
  const picks = choose(input, target, weight, ignoreIndex, reduction);
  return pick(input, new NllArgs(reduction, ignoreIndex, picks), input.ndim > 2 ? 1 : 0);
}

// ---- cross entropy ------------------------------------------------------------------------------------------------

/** Options of {@linkcode crossEntropy}. */
export interface CrossEntropyOptions extends NllLossOptions {
  /** How much of the target's probability is spread evenly over all classes; 0. */
  readonly labelSmoothing?: number;
}

const DivByCount = new PointwiseOp(program(["a", "b"], "a / b", { name: "div" }), {
  follows: "first",
  gradFn: "DivBackward1",
});

/**
 * The cross entropy of the softmax of `input`, [N, C], [C] or [N, C, ...], against classes (integers) or against the
 * probabilities of all classes (floats of the input's shape).
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * const logits = dg.tensor([[2, 0, 0]], { requiresGrad: true });
 * dg.nn.functional.crossEntropy(logits, dg.tensor([0n])).backward();
 * ```
 */
export function crossEntropy(input: Tensor, target: Tensor, options: CrossEntropyOptions = {}): Tensor {
  checkTensor(input, "crossEntropy", "input", 1);
  checkTensor(target, "crossEntropy", "target", 2);
  checkKeys(options, "crossEntropy", ["reduction", "weight", "ignoreIndex", "labelSmoothing"]);
  const reduction = checkReduction(options.reduction ?? "mean");
  const { weight = null, ignoreIndex = -100, labelSmoothing = 0 } = options;
  checkOptionalTensor(weight, "crossEntropy", "weight");
  checkInteger(ignoreIndex, "crossEntropy", "ignoreIndex");
  checkNumber(labelSmoothing, "crossEntropy", "labelSmoothing");
  if (!(labelSmoothing >= 0 && labelSmoothing <= 1)) {
    throw new RangeError(`label_smoothing must be between 0.0 and 1.0. Got: ${labelSmoothing}`);
  }
  const dim = input.ndim === 1 ? 0 : 1;
  if (sameShape(input.shape, target.shape)) {
    return againstProbabilities(input, target, weight, labelSmoothing, reduction, dim);
  }
  const logs = logSoftmax(input, dim);
  if (labelSmoothing === 0) return nllLoss(logs, target, { reduction, weight, ignoreIndex });
  return smoothed(logs, target, weight, ignoreIndex, labelSmoothing, reduction, dim);
}

function againstProbabilities(
  input: Tensor,
  target: Tensor,
  weight: Tensor | null,
  smoothing: number,
  reduction: Reduction,
  dim: number,
): Tensor {
  if (!isFloatingPoint(target.dtype)) {
    throw new TypeError(
      `Expected floating point type for target with class probabilities, got ${typeName(target.dtype)}`,
    );
  }
  const classes = input.shape[dim];
  const soft = smoothing > 0 ? add(mul(target, 1 - smoothing), smoothing / classes) : target;
  const logs = logSoftmax(input, dim);
  const terms = weight === null ? mul(logs, soft) : mul(mul(logs, soft), perClass(weight, input.ndim, dim));
  if (reduction === "none") return neg(sum(terms, dim));
  const loss = neg(sum(terms));
  return reduction === "sum" ? loss : applyPointwise(DivByCount, [loss, input.numel() / classes]);
}

/** A weight for each class, along the dimension of the classes. */
function perClass(weight: Tensor, ndim: number, dim: number): Tensor {
  return weight.reshape(Array.from({ length: ndim }, (_, d) => d === dim ? weight.numel() : 1));
}

function smoothed(
  logs: Tensor,
  target: Tensor,
  weight: Tensor | null,
  ignoreIndex: number,
  smoothing: number,
  reduction: Reduction,
  dim: number,
): Tensor {
  const nll = nllLoss(logs, target, { reduction, weight, ignoreIndex });
  const weighted = weight === null ? logs : mul(logs, perClass(weight, logs.ndim, dim));
  const every = neg(sum(weighted, dim));
  const ignored = target.eq(BigInt(ignoreIndex));
  const counted = every.maskedFill(ignored, 0);
  let even: Tensor;
  if (reduction === "none") even = counted;
  else if (reduction === "sum") even = sum(counted);
  else if (weight !== null) {
    even = sum(counted).div(picksTotal(logs, target, weight, ignoreIndex));
  } else {
    const some = logs.device === "cpu" ? Number(sum(ignored).item()) : null;
    if (some === null) even = sum(counted).div(sum(ignored.logicalNot().to(logs.dtype)));
    else even = some === 0 ? mean(every) : sum(counted).div(target.numel() - some);
  }
  return add(mul(nll, 1 - smoothing), mul(even, smoothing / logs.shape[dim]));
}

function picksTotal(logs: Tensor, target: Tensor, weight: Tensor, ignoreIndex: number): number | Tensor {
  const picks = choose(logs.detach(), target, weight, ignoreIndex, "mean");
  return picks.device?.total ?? picks.total;
}
