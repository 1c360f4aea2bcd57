/**
 * Losses of `nn.functional` that compare element by element.
 * @module
 */

import { named } from "../../tensor/describe.ts";
import { checkKeys, checkNumber, checkOptionalTensor, checkTensor } from "../../tensor/arguments.ts";
import { broadcastShapes, sameShape, type Shape, shapeText } from "../../tensor/shape.ts";
import { elementsOf, type Tensor } from "../../tensor/tensor.ts";
import { abs, exp, mul, xlogy } from "../../ops/pointwise.ts";
import { add, div, pow, sub } from "../../ops/arithmetic.ts";
import { applyPointwise } from "../../ops/core/apply.ts";
import { computePointwise, type Operand } from "../../ops/core/compute.ts";
import { GRAD, type PointwiseOp, RESULT } from "../../ops/core/pointwise_op.ts";
import { record, type Rule, type RuleNode } from "../../ops/core/record.ts";
import { foldPointwise, meanFold, sumFold } from "../../ops/core/fold.ts";
import { mean, sum } from "../../ops/reduce/reduce.ts";
import { operation } from "../../ops/core/table.ts";
import { expand } from "../../ops/view/view.ts";
import { noGrad } from "../../autograd/modes.ts";
import { type DType, isFloatingPoint, type Scalar, typeName } from "../../tensor/dtype.ts";
import { warn } from "../../warn.ts";

/** What becomes of the losses of all elements. */
export type Reduction = "mean" | "sum" | "none";

/** Options of most losses. */
export interface LossOptions {
  /** Their mean (the default), their sum, or "none": they stay as they are. */
  readonly reduction?: Reduction;
}

/** Options of losses with a weight for each element. */
export interface WeightedLossOptions extends LossOptions {
  /** Weights of the elements. */
  readonly weight?: Tensor | null;
}

/** Checks the name of a reduction. */
export function checkReduction(reduction: unknown): Reduction {
  if (reduction === "mean" || reduction === "sum" || reduction === "none") return reduction;
  throw new RangeError(
    `${named(reduction)} is not a valid value for reduction`,
  );
}

/** Reduces losses by further differentiable operations. */
export function reduced(loss: Tensor, reduction: Reduction): Tensor {
  return reduction === "none" ? loss : reduction === "mean" ? mean(loss) : sum(loss);
}

// ---- one node for a pointwise loss and its reduction --------------------------------------------------------------

/** What an input was: the form of a tensor, or a number. */
type Given = { readonly shape: Shape; readonly dtype: DType } | Scalar;

/** What a node of a loss remembers. Pictures of the graph show the reduction alone: the rest is for itself. */
class LossArgs {
  readonly reduction: Reduction;
  readonly #op: PointwiseOp;
  readonly #inputs: readonly Given[];
  readonly #count: number;

  constructor(reduction: Reduction, op: PointwiseOp, inputs: readonly Given[], count: number) {
    this.reduction = reduction;
    this.#op = op;
    this.#inputs = inputs;
    this.#count = count;
  }

  get op(): PointwiseOp {
    return this.#op;
  }

  get inputs(): readonly Given[] {
    return this.#inputs;
  }

  get count(): number {
    return this.#count;
  }
}

const rules = new Map<string, Rule<LossArgs>>();

function ruleOf(name: string): Rule<LossArgs> {
  let rule = rules.get(name);
  if (rule === undefined) rules.set(name, rule = { name, backward: lossGradients });
  return rule;
}

function lossGradients(g: Tensor, node: RuleNode<LossArgs>): (Tensor | null)[] {
  const { op, inputs, count, reduction } = node.args;
  const each = reduction === "mean" ? div(g, count) : g;
  return inputs.map((x, i) => {
    if (!node.needs(i)) return null;
    const gradient = op.gradient(i), like = x as { shape: Shape; dtype: DType };
    if (gradient === null) return g.newZeros(like.shape, { dtype: like.dtype });
    const operand = (source: number): Operand => {
      if (source === GRAD) return each;
      if (source === RESULT) throw new TypeError(`${op.name}: the gradient of a loss may not use its result`);
      const value = inputs[source];
      return typeof value === "object" ? node.tensor(op.names[source]) : value;
    };
    const full = gradient.op === null
      ? expand(each, like.shape)
      : applyPointwise(gradient.op, gradient.sources.map(operand));
    const cast = full.dtype === like.dtype ? full : full.to(like.dtype);
    return sameShape(cast.shape, like.shape) ? cast : expand(cast, like.shape);
  });
}

/** The op on every element, reduced, as one node of the graph. The inputs must have one shape, or be numbers. */
function lossNode(op: PointwiseOp, inputs: readonly Operand[], reduction: Reduction): Tensor {
  const how = reduction === "mean" ? meanFold : sumFold;
  const loss = (reduction === "none" ? null : foldPointwise(op, inputs, how)) ??
    noGrad(() => reduced(computePointwise(op, inputs), reduction));
  const save: Record<string, Tensor> = {};
  inputs.forEach((x, i) => {
    if (typeof x === "object") save[op.names[i]] = x;
  });
  const forms = inputs.map((x): Given => typeof x === "object" ? { shape: x.shape, dtype: x.dtype } : x);
  const args = new LossArgs(reduction, op, forms, (inputs[0] as Tensor).numel());
  return record(ruleOf(op.gradFn), loss, inputs, args, save);
}

/** Brings both to one shape, with PyTorch's warning if they had two. */
function matched(input: Tensor, target: Tensor): [Tensor, Tensor] {
  if (sameShape(input.shape, target.shape)) return [input, target];
  const shape = broadcastShapes(input.shape, target.shape);
  warn(
    `Using a target size (torch.Size(${shapeText(target.shape)})) that is different to the input size ` +
      `(torch.Size(${
        shapeText(input.shape)
      })). This will likely lead to incorrect results due to broadcasting. Please ` +
      "ensure they have the same size.",
  );
  const wide = (t: Tensor) => sameShape(t.shape, shape) ? t : expand(t, shape);
  return [wide(input), wide(target)];
}

function checkWeight(weight: Tensor, input: Tensor): void {
  checkTensor(weight, "loss", "weight");
  if (!sameShape(weight.shape, input.shape)) {
    throw new TypeError("Inputs and weight must have the same size.");
  }
}

/** Weighted losses, reduced; the mean is by the sum of the weights. */
function weighted(losses: Tensor, weight: Tensor, reduction: Reduction): Tensor {
  const all = mul(losses, weight);
  if (reduction !== "mean") return reduced(all, reduction);
  return div(sum(all), sum(weight));
}

const names = ["self", "target"];

// ---- distances ----------------------------------------------------------------------------------------------------

const Mse = operation("mseLoss", "x t", "(x - t) ** 2", {
  names,
  grad: ["g * 2 * (x - t)", "g * 2 * (t - x)"],
});

/** The squared error. */
export function mseLoss(input: Tensor, target: Tensor, options: WeightedLossOptions = {}): Tensor {
  checkTensor(input, "mseLoss", "input", 1);
  checkTensor(target, "mseLoss", "target", 2);
  checkKeys(options, "mseLoss", ["reduction", "weight"]);
  const reduction = checkReduction(options.reduction ?? "mean");
  const [x, t] = matched(input, target), { weight = null } = options;
  if (weight === null) return lossNode(Mse, promoted("mse_cpu", x, t), reduction);
  checkWeight(weight, input);
  return weighted(pow(sub(x, t), 2), weight, reduction);
}

/** Throws for integers, whose losses have no gradients; brings both to one dtype. */
function promoted(kernel: string, x: Tensor, t: Tensor): [Tensor, Tensor] {
  if (!isFloatingPoint(x.dtype) && !isFloatingPoint(t.dtype)) {
    throw new TypeError(`"${kernel}" not implemented for '${typeName(x.dtype)}'`);
  }
  return [x, t];
}

/** The absolute error. */
export function l1Loss(input: Tensor, target: Tensor, options: WeightedLossOptions = {}): Tensor {
  checkTensor(input, "l1Loss", "input", 1);
  checkTensor(target, "l1Loss", "target", 2);
  checkKeys(options, "l1Loss", ["reduction", "weight"]);
  const reduction = checkReduction(options.reduction ?? "mean");
  const [x, t] = matched(input, target), { weight = null } = options;
  const losses = abs(sub(x, t));
  if (weight === null) return reduced(losses, reduction);
  checkWeight(weight, input);
  return weighted(losses, weight, reduction);
}

const SmoothL1 = operation(
  "smoothL1Loss",
  "x t b",
  "where(abs(x - t) < b, 0.5 * (x - t) * (x - t) / b, abs(x - t) - 0.5 * b)",
  {
    names,
    grad: [
      "where(x - t <= -b, -g, where(x - t >= b, g, g * (x - t) / b))",
      "where(x - t <= -b, g, where(x - t >= b, -g, g * (t - x) / b))",
    ],
  },
);

/** Half the squared error over `beta` where the error is below `beta` (1), else the absolute error less `beta / 2`. */
export function smoothL1Loss(
  input: Tensor,
  target: Tensor,
  options: LossOptions & { beta?: number } = {},
): Tensor {
  checkTensor(input, "smoothL1Loss", "input", 1);
  checkTensor(target, "smoothL1Loss", "target", 2);
  checkKeys(options, "smoothL1Loss", ["reduction", "beta"]);
  const reduction = checkReduction(options.reduction ?? "mean"), { beta = 1 } = options;
  checkNumber(beta, "smoothL1Loss", "beta");
  if (!(beta >= 0)) throw new RangeError("smooth_l1_loss does not support negative values for beta.");
  if (beta === 0) return l1Loss(input, target, { reduction });
  const [x, t] = matched(input, target);
  return lossNode(SmoothL1, [...promoted("smooth_l1_cpu", x, t), beta], reduction);
}

const Huber = operation(
  "huberLoss",
  "x t d",
  "where(abs(x - t) <= d, 0.5 * (x - t) * (x - t), d * (abs(x - t) - 0.5 * d))",
  {
    names,
    grad: [
      "where(x - t <= -d, -g * d, where(x - t >= d, g * d, g * (x - t)))",
      "where(x - t <= -d, g * d, where(x - t >= d, -g * d, g * (t - x)))",
    ],
  },
);

/** Half the squared error where the error is at most `delta` (1), else `delta` times the absolute error less `delta / 2`. */
export function huberLoss(
  input: Tensor,
  target: Tensor,
  options: WeightedLossOptions & { delta?: number } = {},
): Tensor {
  checkTensor(input, "huberLoss", "input", 1);
  checkTensor(target, "huberLoss", "target", 2);
  checkKeys(options, "huberLoss", ["reduction", "weight", "delta"]);
  const reduction = checkReduction(options.reduction ?? "mean"), { delta = 1, weight = null } = options;
  checkNumber(delta, "huberLoss", "delta");
  if (!(delta > 0)) throw new RangeError("huber_loss does not support non-positive values for delta.");
  const [x, t] = matched(input, target);
  const operands = [...promoted("huber_cpu", x, t), delta];
  if (weight === null) return lossNode(Huber, operands, reduction);
  checkWeight(weight, input);
  return reduced(mul(lossNode(Huber, operands, "none"), weight), reduction);
}

// ---- probabilities ------------------------------------------------------------------------------------------------

const Bce = operation("binaryCrossEntropy", "x t", "(t - 1) * max(log1p(-x), -100) - t * max(log(x), -100)", {
  names,
  grad: ["g * (x - t) / max((1 - x) * x, 1e-12)", "g * (log1p(-x) - log(x))"],
});
const BceWeighted = operation(
  "binaryCrossEntropyWeighted",
  "x t w",
  "((t - 1) * max(log1p(-x), -100) - t * max(log(x), -100)) * w",
  {
    names: [...names, "weight"],
    gradFn: "BinaryCrossEntropyBackward0",
    grad: ["g * w * (x - t) / max((1 - x) * x, 1e-12)", "g * w * (log1p(-x) - log(x))"],
  },
);

/** Whether all elements are in [0, 1]. */
function allProbabilities(x: Tensor): boolean {
  if (x.device !== "cpu") return x.ge(0).logicalAnd(x.le(1)).all().item() as boolean;
  return elementsOf(x).every((p: number | bigint) => p >= 0 && p <= 1);
}

/** The cross entropy of probabilities `input` against `target` (0 or 1, or between). */
export function binaryCrossEntropy(input: Tensor, target: Tensor, options: WeightedLossOptions = {}): Tensor {
  checkTensor(input, "binaryCrossEntropy", "input", 1);
  checkTensor(target, "binaryCrossEntropy", "target", 2);
  checkKeys(options, "binaryCrossEntropy", ["reduction", "weight"]);
  const reduction = checkReduction(options.reduction ?? "mean"), { weight = null } = options;
  if (!sameShape(input.shape, target.shape)) {
    throw new TypeError(
      `Using a target size (torch.Size(${shapeText(target.shape)})) that is different to the input size ` +
        `(torch.Size(${shapeText(input.shape)})) is deprecated. Please ensure they have the same size.`,
    );
  }
  checkOptionalTensor(weight, "binaryCrossEntropy", "weight");
  if (!allProbabilities(input.detach())) {
    throw new RangeError("all elements of input should be between 0 and 1");
  }
  if (weight === null) return lossNode(Bce, [input, target], reduction);
  return lossNode(BceWeighted, [input, target, expand(weight, input.shape)], reduction);
}

const logits = "(1 - t) * x + softplus(-x)";
const positive = "(1 - t) * x + (1 + (p - 1) * t) * softplus(-x)";
const gradFn = "BinaryCrossEntropyWithLogitsBackward0";
const BceLogits = operation("binaryCrossEntropyWithLogits", "x t", logits, { names });
const BceLogitsWeighted = operation("bceWithLogitsWeighted", "x t w", `(${logits}) * w`, {
  names: [...names, "weight"],
  gradFn,
});
const BceLogitsPositive = operation("bceWithLogitsPositive", "x t p", positive, {
  names: [...names, "posWeight"],
  gradFn,
});
const BceLogitsBoth = operation("bceWithLogitsBoth", "x t w p", `(${positive}) * w`, {
  names: [...names, "weight", "posWeight"],
  gradFn,
});

/** The binary cross entropy of the sigmoid of `input`, computed without overflow. */
export function binaryCrossEntropyWithLogits(
  input: Tensor,
  target: Tensor,
  options: WeightedLossOptions & { posWeight?: Tensor | null } = {},
): Tensor {
  checkTensor(input, "binaryCrossEntropyWithLogits", "input", 1);
  checkTensor(target, "binaryCrossEntropyWithLogits", "target", 2);
  checkKeys(options, "binaryCrossEntropyWithLogits", ["reduction", "weight", "posWeight"]);
  const reduction = checkReduction(options.reduction ?? "mean"),
    { weight = null, posWeight = null } = options;
  if (!sameShape(input.shape, target.shape)) {
    throw new TypeError(
      `Target size (torch.Size(${shapeText(target.shape)})) must be the same as input size (torch.Size(${
        shapeText(input.shape)
      }))`,
    );
  }
  checkOptionalTensor(weight, "binaryCrossEntropyWithLogits", "weight");
  checkOptionalTensor(posWeight, "binaryCrossEntropyWithLogits", "posWeight");
  const wide = (t: Tensor) => sameShape(t.shape, input.shape) ? t : expand(t, input.shape);
  const operands = [
    input,
    target,
    ...(weight ? [wide(weight)] : []),
    ...(posWeight ? [wide(posWeight)] : []),
  ];
  const op = weight
    ? posWeight ? BceLogitsBoth : BceLogitsWeighted
    : posWeight
    ? BceLogitsPositive
    : BceLogits;
  return lossNode(op, operands, reduction);
}

/** The Kullback-Leibler divergence of `target` from the distribution whose logarithm is `input`. */
export function klDiv(
  input: Tensor,
  target: Tensor,
  options: { reduction?: Reduction | "batchmean"; logTarget?: boolean } = {},
): Tensor {
  checkTensor(input, "klDiv", "input", 1);
  checkTensor(target, "klDiv", "target", 2);
  checkKeys(options, "klDiv", ["reduction", "logTarget"]);
  const { reduction = "mean", logTarget = false } = options;
  if (reduction === "mean") {
    warn(
      "reduction: 'mean' divides the total loss by both the batch size and the support size.'batchmean' divides only by " +
        "the batch size, and aligns with the KL div math definition.'mean' will be changed to behave the same as " +
        "'batchmean' in the next major release.",
    );
  }
  const losses = logTarget
    ? mul(exp(target), sub(target, input))
    : sub(xlogy(target, target), mul(target, input));
  if (reduction !== "batchmean") return reduced(losses, checkReduction(reduction));
  return input.ndim === 0 ? sum(losses) : div(sum(losses), input.shape[0]);
}

const SoftMargin = operation("softMarginLoss", "x t", "softplus(-t * x)", { names });

/** log(1 + exp(-target * input)) for targets of 1 and -1. */
export function softMarginLoss(input: Tensor, target: Tensor, options: LossOptions = {}): Tensor {
  checkTensor(input, "softMarginLoss", "input", 1);
  checkTensor(target, "softMarginLoss", "target", 2);
  checkKeys(options, "softMarginLoss", ["reduction"]);
  const [x, t] = matched(input, target);
  return lossNode(SoftMargin, [x, t], checkReduction(options.reduction ?? "mean"));
}

/** exp(input) - target * input, for counts; see PyTorch's `poisson_nll_loss` for the options. */
export function poissonNllLoss(
  input: Tensor,
  target: Tensor,
  options: LossOptions & { logInput?: boolean; full?: boolean; eps?: number } = {},
): Tensor {
  checkTensor(input, "poissonNllLoss", "input", 1);
  checkTensor(target, "poissonNllLoss", "target", 2);
  checkKeys(options, "poissonNllLoss", ["reduction", "logInput", "full", "eps"]);
  const { logInput = true, full = false, eps = 1e-8 } = options;
  checkNumber(eps, "poissonNllLoss", "eps");
  let losses = logInput
    ? sub(exp(input), mul(target, input))
    : sub(input, mul(target, add(input, eps).log()));
  if (full) {
    const stirling = target.mul(target.log()).sub(target).add(target.mul(2 * Math.PI).log().mul(0.5));
    losses = add(losses, stirling.maskedFill(target.le(1), 0));
  }
  return reduced(losses, checkReduction(options.reduction ?? "mean"));
}
