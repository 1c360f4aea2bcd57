/**
 * Activation functions as modules.
 * @module
 */

import { checkKeys, checkNumber } from "../tensor/arguments.ts";
import { full } from "../tensor/create.ts";
import type { Tensor } from "../tensor/tensor.ts";
import * as F from "./functional/activation.ts";
import { logSoftmax, softmax, softmin } from "./functional/softmax.ts";
import { keepNothing, Module } from "./module.ts";
import { Parameter } from "./parameter.ts";
import { float } from "./text.ts";

/** Whether the input is overwritten. */
export interface InPlaceOptions {
  /** Write the result into the input's memory; false. */
  readonly inplace?: boolean;
}

/** What modules with an `inplace` option share. */
abstract class InPlace extends Module {
  /** Whether the input is overwritten. */
  readonly inplace: boolean;

  /** Not in place by default. */
  constructor(options: InPlaceOptions = {}) {
    super();
    this.inplace = checkKeys(options, this.constructor.name, ["inplace"]).inplace ?? false;
  }

  /** The options, without those that are at their default. */
  override extraRepr(): string {
    return this.inplace ? "inplace=True" : "";
  }

  /** Text in front of "inplace=True". */
  protected withInPlace(text: string): string {
    return this.inplace ? `${text}, inplace=True` : text;
  }
}

/** max(x, 0). */
export class ReLU extends InPlace {
  static {
    keepNothing.add(this.prototype.forward);
  }

  /** Applies the function. */
  forward(input: Tensor): Tensor {
    return F.relu(input, { inplace: this.inplace });
  }
}

/** x brought into [0, 6]. */
export class ReLU6 extends InPlace {
  /** Applies the function. */
  forward(input: Tensor): Tensor {
    return F.relu6(input, { inplace: this.inplace });
  }
}

/** x above 0, `negativeSlope * x` below. */
export class LeakyReLU extends InPlace {
  static {
    keepNothing.add(this.prototype.forward);
  }

  /** The slope below 0. */
  readonly negativeSlope: number;

  /** The slope is 0.01 by default. */
  constructor(negativeSlope = 0.01, options: InPlaceOptions = {}) {
    super(options);
    this.negativeSlope = negativeSlope;
  }

  /** Applies the function. */
  forward(input: Tensor): Tensor {
    return F.leakyRelu(input, { negativeSlope: this.negativeSlope, inplace: this.inplace });
  }

  /** The slope. */
  override extraRepr(): string {
    return this.withInPlace(`negative_slope=${this.negativeSlope}`);
  }
}

/** As LeakyReLU with learnt slopes: one, or one a channel. */
export class PReLU extends Module {
  /** Number of slopes. */
  readonly numParameters: number;
  /** The slopes. */
  declare weight: Parameter;

  /** The slopes start at 0.25. */
  constructor(numParameters = 1, init = 0.25) {
    super();
    this.numParameters = numParameters;
    this.registerParameter("weight", new Parameter(full([numParameters], init)));
  }

  /** Applies the function. */
  forward(input: Tensor): Tensor {
    return F.prelu(input, this.weight);
  }

  /** The number of slopes. */
  override extraRepr(): string {
    return `num_parameters=${this.numParameters}`;
  }
}

/** x brought into [minVal, maxVal]. */
export class Hardtanh extends InPlace {
  /** The lower bound. */
  readonly minVal: number;
  /** The upper bound. */
  readonly maxVal: number;

  /** [-1, 1] by default. */
  constructor(minVal = -1, maxVal = 1, options: InPlaceOptions = {}) {
    super(options);
    checkNumber(minVal, "Hardtanh", "minVal");
    checkNumber(maxVal, "Hardtanh", "maxVal");
    if (minVal >= maxVal) throw new RangeError(`Hardtanh: minVal ${minVal} must be below maxVal ${maxVal}`);
    this.minVal = minVal;
    this.maxVal = maxVal;
  }

  /** Applies the function. */
  forward(input: Tensor): Tensor {
    return F.hardtanh(input, { minVal: this.minVal, maxVal: this.maxVal, inplace: this.inplace });
  }

  /** The bounds. */
  override extraRepr(): string {
    return this.withInPlace(`min_val=${this.minVal}, max_val=${this.maxVal}`);
  }
}

/** 1 / (1 + exp(-x)). */
export class Sigmoid extends Module {
  static {
    keepNothing.add(this.prototype.forward);
  }

  /** Applies the function. */
  forward(input: Tensor): Tensor {
    return F.sigmoid(input);
  }
}

/** The logarithm of the sigmoid. */
export class LogSigmoid extends Module {
  /** Applies the function. */
  forward(input: Tensor): Tensor {
    return F.logsigmoid(input);
  }
}

/** The hyperbolic tangent. */
export class Tanh extends Module {
  static {
    keepNothing.add(this.prototype.forward);
  }

  /** Applies the function. */
  forward(input: Tensor): Tensor {
    return F.tanh(input);
  }
}

/** x - tanh(x). */
export class Tanhshrink extends Module {
  /** Applies the function. */
  forward(input: Tensor): Tensor {
    return F.tanhshrink(input);
  }
}

/** x / (1 + |x|). */
export class Softsign extends Module {
  /** Applies the function. */
  forward(input: Tensor): Tensor {
    return F.softsign(input);
  }
}

/** x above 0, `alpha * (exp(x) - 1)` below. */
export class ELU extends InPlace {
  static {
    keepNothing.add(this.prototype.forward);
  }

  /** What the function approaches far below 0, negated. */
  readonly alpha: number;

  /** alpha is 1 by default. */
  constructor(alpha = 1, options: InPlaceOptions = {}) {
    super(options);
    this.alpha = alpha;
  }

  /** Applies the function. */
  forward(input: Tensor): Tensor {
    return F.elu(input, { alpha: this.alpha, inplace: this.inplace });
  }

  /** alpha. */
  override extraRepr(): string {
    return this.withInPlace(`alpha=${float(this.alpha)}`);
  }
}

/** x above 0, `alpha * (exp(x / alpha) - 1)` below. */
export class CELU extends InPlace {
  /** What the function approaches far below 0, negated. */
  readonly alpha: number;

  /** alpha is 1 by default. */
  constructor(alpha = 1, options: InPlaceOptions = {}) {
    super(options);
    this.alpha = alpha;
  }

  /** Applies the function. */
  forward(input: Tensor): Tensor {
    return F.celu(input, { alpha: this.alpha, inplace: this.inplace });
  }

  /** alpha. */
  override extraRepr(): string {
    return this.withInPlace(`alpha=${float(this.alpha)}`);
  }
}

/** The scaled exponential linear unit. */
export class SELU extends InPlace {
  /** Applies the function. */
  forward(input: Tensor): Tensor {
    return F.selu(input, { inplace: this.inplace });
  }
}

/** x times the share of the normal distribution below x. */
export class GELU extends Module {
  static {
    keepNothing.add(this.prototype.forward);
  }

  /** "none", or "tanh" for PyTorch's formula with tanh. */
  readonly approximate: "none" | "tanh";

  /** Exact by default. */
  constructor(options: { approximate?: "none" | "tanh" } = {}) {
    super();
    this.approximate = checkKeys(options, "GELU", ["approximate"]).approximate ?? "none";
  }

  /** Applies the function. */
  forward(input: Tensor): Tensor {
    return F.gelu(input, { approximate: this.approximate });
  }

  /** The formula. */
  override extraRepr(): string {
    return `approximate='${this.approximate}'`;
  }
}

/** x times the sigmoid of x. */
export class SiLU extends InPlace {
  static {
    keepNothing.add(this.prototype.forward);
  }

  /** Applies the function. */
  forward(input: Tensor): Tensor {
    return F.silu(input, { inplace: this.inplace });
  }
}

/** x times tanh(softplus(x)). */
export class Mish extends InPlace {
  /** Applies the function. */
  forward(input: Tensor): Tensor {
    return F.mish(input, { inplace: this.inplace });
  }
}

/** A sigmoid of straight lines. */
export class Hardsigmoid extends InPlace {
  /** Applies the function. */
  forward(input: Tensor): Tensor {
    return F.hardsigmoid(input, { inplace: this.inplace });
  }

  /** Nothing, as in PyTorch. */
  override extraRepr(): string {
    return "";
  }
}

/** x times the sigmoid of straight lines. */
export class Hardswish extends InPlace {
  /** Applies the function. */
  forward(input: Tensor): Tensor {
    return F.hardswish(input, { inplace: this.inplace });
  }

  /** Nothing, as in PyTorch. */
  override extraRepr(): string {
    return "";
  }
}

/** log(1 + exp(beta * x)) / beta. */
export class Softplus extends Module {
  /** How sharp the bend is. */
  readonly beta: number;
  /** Where beta * x is above this, the result is x. */
  readonly threshold: number;

  /** beta is 1 and the threshold 20 by default. */
  constructor(beta = 1, threshold = 20) {
    super();
    this.beta = beta;
    this.threshold = threshold;
  }

  /** Applies the function. */
  forward(input: Tensor): Tensor {
    return F.softplus(input, { beta: this.beta, threshold: this.threshold });
  }

  /** The parameters. */
  override extraRepr(): string {
    return `beta=${float(this.beta)}, threshold=${float(this.threshold)}`;
  }
}

/** What modules that work along a dimension share. */
abstract class AlongDim extends Module {
  /** The dimension, or null to let PyTorch's old rule guess. */
  readonly dim: number | null;

  /** Give the dimension. */
  constructor(dim: number | { dim?: number | null } | null = null) {
    super();
    this.dim = typeof dim === "object" ? dim?.dim ?? null : dim;
  }

  /** The dimension. */
  override extraRepr(): string {
    return `dim=${this.dim ?? "None"}`;
  }
}

/** exp(x) divided by its sum along a dimension. */
export class Softmax extends AlongDim {
  /** Applies the function. */
  forward(input: Tensor): Tensor {
    return softmax(input, this.dim);
  }
}

/** Softmax of -x. */
export class Softmin extends AlongDim {
  /** Applies the function. */
  forward(input: Tensor): Tensor {
    return softmin(input, this.dim);
  }
}

/** The logarithm of softmax. */
export class LogSoftmax extends AlongDim {
  /** Applies the function. */
  forward(input: Tensor): Tensor {
    return logSoftmax(input, this.dim);
  }
}
