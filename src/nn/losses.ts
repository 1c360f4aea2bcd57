/**
 * Losses as modules.
 * @module
 */

import { checkKeys } from "../tensor/arguments.ts";
import type { Tensor } from "../tensor/tensor.ts";
import {
  crossEntropy,
  type CrossEntropyOptions,
  nllLoss,
  type NllLossOptions,
} from "./functional/classify.ts";
import * as F from "./functional/loss.ts";
import { Module } from "./module.ts";

/** What losses share: a reduction, and maybe weights, which belong to the module's buffers. */
abstract class Loss extends Module {
  /** Mean, sum or none. */
  readonly reduction: F.Reduction | "batchmean";

  /** The mean by default. */
  constructor(reduction: F.Reduction | "batchmean" = "mean") {
    super();
    this.reduction = reduction === "batchmean" ? reduction : F.checkReduction(reduction);
  }

  /** The reduction, for functions without "batchmean". */
  protected get plainReduction(): F.Reduction {
    return this.reduction as F.Reduction;
  }
}

/** The squared error. */
export class MSELoss extends Loss {
  /** The mean by default. */
  constructor(options: F.LossOptions = {}) {
    super(checkKeys(options, "MSELoss", ["reduction"]).reduction);
  }

  /** The loss of an input against a target. */
  forward(input: Tensor, target: Tensor): Tensor {
    return F.mseLoss(input, target, { reduction: this.plainReduction });
  }
}

/** The absolute error. */
export class L1Loss extends Loss {
  /** The mean by default. */
  constructor(options: F.LossOptions = {}) {
    super(checkKeys(options, "L1Loss", ["reduction"]).reduction);
  }

  /** The loss of an input against a target. */
  forward(input: Tensor, target: Tensor): Tensor {
    return F.l1Loss(input, target, { reduction: this.plainReduction });
  }
}

/** The squared error near 0, the absolute error further out. */
export class SmoothL1Loss extends Loss {
  /** Where the one becomes the other. */
  readonly beta: number;

  /** The mean and beta 1 by default. */
  constructor(options: F.LossOptions & { beta?: number } = {}) {
    super(checkKeys(options, "SmoothL1Loss", ["reduction", "beta"]).reduction);
    this.beta = options.beta ?? 1;
  }

  /** The loss of an input against a target. */
  forward(input: Tensor, target: Tensor): Tensor {
    return F.smoothL1Loss(input, target, { reduction: this.plainReduction, beta: this.beta });
  }
}

/** The squared error near 0, `delta` times the absolute error further out. */
export class HuberLoss extends Loss {
  /** Where the one becomes the other. */
  readonly delta: number;

  /** The mean and delta 1 by default. */
  constructor(options: F.LossOptions & { delta?: number } = {}) {
    super(checkKeys(options, "HuberLoss", ["reduction", "delta"]).reduction);
    this.delta = options.delta ?? 1;
  }

  /** The loss of an input against a target. */
  forward(input: Tensor, target: Tensor): Tensor {
    return F.huberLoss(input, target, { reduction: this.plainReduction, delta: this.delta });
  }
}

/** The cross entropy of the softmax of logits against classes or probabilities. */
export class CrossEntropyLoss extends Loss {
  /** Weights of the classes. */
  declare readonly weight: Tensor | null;
  /** A target that does not count. */
  readonly ignoreIndex: number;
  /** How much of the target's probability is spread over all classes. */
  readonly labelSmoothing: number;

  /** See `nn.functional.crossEntropy`. */
  constructor(options: CrossEntropyOptions = {}) {
    super(
      checkKeys(options, "CrossEntropyLoss", ["reduction", "weight", "ignoreIndex", "labelSmoothing"])
        .reduction,
    );
    this.registerBuffer("weight", options.weight ?? null);
    this.ignoreIndex = options.ignoreIndex ?? -100;
    this.labelSmoothing = options.labelSmoothing ?? 0;
  }

  /** The loss of logits against a target. */
  forward(input: Tensor, target: Tensor): Tensor {
    return crossEntropy(input, target, {
      reduction: this.plainReduction,
      weight: this.weight,
      ignoreIndex: this.ignoreIndex,
      labelSmoothing: this.labelSmoothing,
    });
  }
}

/** The loss of log probabilities against classes. */
export class NLLLoss extends Loss {
  /** Weights of the classes. */
  declare readonly weight: Tensor | null;
  /** A target that does not count. */
  readonly ignoreIndex: number;

  /** See `nn.functional.nllLoss`. */
  constructor(options: NllLossOptions = {}) {
    super(checkKeys(options, "NLLLoss", ["reduction", "weight", "ignoreIndex"]).reduction);
    this.registerBuffer("weight", options.weight ?? null);
    this.ignoreIndex = options.ignoreIndex ?? -100;
  }

  /** The loss of log probabilities against classes. */
  forward(input: Tensor, target: Tensor): Tensor {
    const { weight, ignoreIndex } = this;
    return nllLoss(input, target, { reduction: this.plainReduction, weight, ignoreIndex });
  }
}

/** The binary cross entropy of probabilities. */
export class BCELoss extends Loss {
  /** Weights of the elements. */
  declare readonly weight: Tensor | null;

  /** The mean by default. */
  constructor(options: F.WeightedLossOptions = {}) {
    super(checkKeys(options, "BCELoss", ["reduction", "weight"]).reduction);
    this.registerBuffer("weight", options.weight ?? null);
  }

  /** The loss of probabilities against a target. */
  forward(input: Tensor, target: Tensor): Tensor {
    return F.binaryCrossEntropy(input, target, { reduction: this.plainReduction, weight: this.weight });
  }
}

/** The binary cross entropy of the sigmoid of logits. */
export class BCEWithLogitsLoss extends Loss {
  /** Weights of the elements. */
  declare readonly weight: Tensor | null;
  /** Weights of the elements whose target is 1. */
  declare readonly posWeight: Tensor | null;

  /** The mean by default. */
  constructor(options: F.WeightedLossOptions & { posWeight?: Tensor | null } = {}) {
    super(checkKeys(options, "BCEWithLogitsLoss", ["reduction", "weight", "posWeight"]).reduction);
    this.registerBuffer("weight", options.weight ?? null);
    this.registerBuffer("posWeight", options.posWeight ?? null);
  }

  /** The loss of logits against a target. */
  forward(input: Tensor, target: Tensor): Tensor {
    const { weight, posWeight } = this;
    return F.binaryCrossEntropyWithLogits(input, target, {
      reduction: this.plainReduction,
      weight,
      posWeight,
    });
  }
}

/** The Kullback-Leibler divergence from the distribution whose logarithm is the input. */
export class KLDivLoss extends Loss {
  /** Whether the target is a logarithm, too. */
  readonly logTarget: boolean;

  /** The mean by default; "batchmean" is the mathematical definition. */
  constructor(options: { reduction?: F.Reduction | "batchmean"; logTarget?: boolean } = {}) {
    super(checkKeys(options, "KLDivLoss", ["reduction", "logTarget"]).reduction);
    this.logTarget = options.logTarget ?? false;
  }

  /** The divergence of the target. */
  forward(input: Tensor, target: Tensor): Tensor {
    return F.klDiv(input, target, { reduction: this.reduction, logTarget: this.logTarget });
  }
}

/** log(1 + exp(-target * input)). */
export class SoftMarginLoss extends Loss {
  /** The mean by default. */
  constructor(options: F.LossOptions = {}) {
    super(checkKeys(options, "SoftMarginLoss", ["reduction"]).reduction);
  }

  /** The loss of an input against targets of 1 and -1. */
  forward(input: Tensor, target: Tensor): Tensor {
    return F.softMarginLoss(input, target, { reduction: this.plainReduction });
  }
}

/** The negative log likelihood of counts. */
export class PoissonNLLLoss extends Loss {
  private readonly options: { logInput?: boolean; full?: boolean; eps?: number };

  /** See `nn.functional.poissonNllLoss`. */
  constructor(options: F.LossOptions & { logInput?: boolean; full?: boolean; eps?: number } = {}) {
    const { reduction, ...rest } = checkKeys(options, "PoissonNLLLoss", [
      "reduction",
      "logInput",
      "full",
      "eps",
    ]);
    super(reduction);
    this.options = rest;
  }

  /** The loss of rates against counts. */
  forward(input: Tensor, target: Tensor): Tensor {
    return F.poissonNllLoss(input, target, { ...this.options, reduction: this.plainReduction });
  }
}
