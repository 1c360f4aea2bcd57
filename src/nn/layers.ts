/**
 * Layers with weights, and those that only change shapes.
 * @module
 */

import { linear } from "../ops/matmul/matmul.ts";
import { checkKeys } from "../tensor/arguments.ts";
import { getDefaultDtype } from "../tensor/dtype.ts";
import type { DType } from "../tensor/dtype.ts";
import { empty } from "../tensor/create.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { bilinear } from "./functional/bilinear.ts";
import { kaimingUniform_, uniform_ } from "./init.ts";
import { keepNothing, Module } from "./module.ts";
import { Parameter } from "./parameter.ts";
import { bool } from "./text.ts";

/** Options of {@linkcode Linear}. */
export interface LinearOptions {
  /** Whether something is added to the product; true. */
  readonly bias?: boolean;
  /** Element type of the parameters; the default dtype. */
  readonly dtype?: DType;
}

/**
 * `x @ weight.T + bias`. Its parameters start with PyTorch's numbers: uniform in ±1 / sqrt(inFeatures), the weight drawn
 * before the bias.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * const layer = new dg.nn.Linear(3, 2);
 * console.log(layer(dg.ones(5, 3)).shape); // [5, 2]
 * ```
 */
export class Linear extends Module {
  static {
    keepNothing.add(this.prototype.forward);
  }

  /** Size of the last dimension of the input. */
  readonly inFeatures: number;
  /** Size of the last dimension of the output. */
  readonly outFeatures: number;
  /** [outFeatures, inFeatures]. */
  declare weight: Parameter;
  /** [outFeatures], or null. */
  declare bias: Parameter | null;

  /** Makes the parameters and gives them their initial values. */
  constructor(inFeatures: number, outFeatures: number, options: LinearOptions | boolean = {}) {
    super();
    const { bias = true, dtype = getDefaultDtype() } = typeof options === "boolean"
      ? { bias: options }
      : checkKeys(options, "Linear", ["bias", "dtype"]);
    this.inFeatures = inFeatures;
    this.outFeatures = outFeatures;
    this.registerParameter("weight", new Parameter(empty([outFeatures, inFeatures], { dtype })));
    this.registerParameter("bias", bias ? new Parameter(empty([outFeatures], { dtype })) : null);
    this.resetParameters();
  }

  /** Draws new initial values. */
  resetParameters(): void {
    kaimingUniform_(this.weight, { a: Math.sqrt(5) });
    if (this.bias === null) return;
    const bound = this.inFeatures > 0 ? 1 / Math.sqrt(this.inFeatures) : 0;
    uniform_(this.bias, -bound, bound);
  }

  /** `input @ weight.T + bias`. */
  forward(input: Tensor): Tensor {
    return linear(input, this.weight, this.bias);
  }

  /** The sizes. */
  override extraRepr(): string {
    return `in_features=${this.inFeatures}, out_features=${this.outFeatures}, bias=${
      bool(this.bias !== null)
    }`;
  }
}

/** A map of two inputs that is linear in each: `x1 @ weight[o] @ x2 + bias[o]` for every output o. */
export class Bilinear extends Module {
  /** Size of the last dimension of the first input. */
  readonly in1Features: number;
  /** Size of the last dimension of the second input. */
  readonly in2Features: number;
  /** Size of the last dimension of the output. */
  readonly outFeatures: number;
  /** [outFeatures, in1Features, in2Features]. */
  declare weight: Parameter;
  /** [outFeatures], or null. */
  declare bias: Parameter | null;

  /** Makes the parameters and gives them their initial values. */
  constructor(
    in1Features: number,
    in2Features: number,
    outFeatures: number,
    options: LinearOptions | boolean = {},
  ) {
    super();
    const { bias = true, dtype = getDefaultDtype() } = typeof options === "boolean"
      ? { bias: options }
      : checkKeys(options, "Bilinear", ["bias", "dtype"]);
    this.in1Features = in1Features;
    this.in2Features = in2Features;
    this.outFeatures = outFeatures;
    const weight = empty([outFeatures, in1Features, in2Features], { dtype });
    this.registerParameter("weight", new Parameter(weight));
    this.registerParameter("bias", bias ? new Parameter(empty([outFeatures], { dtype })) : null);
    this.resetParameters();
  }

  /** Draws new initial values. */
  resetParameters(): void {
    const bound = 1 / Math.sqrt(this.in1Features);
    uniform_(this.weight, -bound, bound);
    if (this.bias !== null) uniform_(this.bias, -bound, bound);
  }

  /** The map of both inputs. */
  forward(input1: Tensor, input2: Tensor): Tensor {
    return bilinear(input1, input2, this.weight, this.bias);
  }

  /** The sizes. */
  override extraRepr(): string {
    return `in1_features=${this.in1Features}, in2_features=${this.in2Features}, ` +
      `out_features=${this.outFeatures}, bias=${bool(this.bias !== null)}`;
  }
}

/** Joins dimensions; by default all but the first, so that every sample is a vector. */
export class Flatten extends Module {
  static {
    keepNothing.add(this.prototype.forward);
  }

  /** First dimension to join. */
  readonly startDim: number;
  /** Last dimension to join. */
  readonly endDim: number;

  /** The dimensions may count from the end. */
  constructor(startDim = 1, endDim = -1) {
    super();
    this.startDim = startDim;
    this.endDim = endDim;
  }

  /** The input in another shape. */
  forward(input: Tensor): Tensor {
    return input.flatten(this.startDim, this.endDim);
  }

  /** The dimensions. */
  override extraRepr(): string {
    return `start_dim=${this.startDim}, end_dim=${this.endDim}`;
  }
}

/** Splits a dimension into several. */
export class Unflatten extends Module {
  /** The dimension to split. */
  readonly dim: number;
  /** Its parts' sizes; one may be -1. */
  readonly unflattenedSize: readonly number[];

  /** The product of the sizes must be that of the dimension. */
  constructor(dim: number, unflattenedSize: readonly number[]) {
    super();
    this.dim = dim;
    this.unflattenedSize = unflattenedSize;
  }

  /** The input in another shape. */
  forward(input: Tensor): Tensor {
    return input.unflatten(this.dim, this.unflattenedSize);
  }

  /** The dimension and its parts. */
  override extraRepr(): string {
    return `dim=${this.dim}, unflattened_size=(${this.unflattenedSize.join(", ")})`;
  }
}
