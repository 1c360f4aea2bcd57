/**
 * Normalisation as modules.
 * @module
 */

import { noGrad } from "../autograd/modes.ts";
import { checkInteger, checkIntegers, checkKeys } from "../tensor/arguments.ts";
import { empty, ones, tensor, zeros } from "../tensor/create.ts";
import { type DType, getDefaultDtype } from "../tensor/dtype.ts";
import type { Tensor } from "../tensor/tensor.ts";
import * as F from "./functional/normalization.ts";
import { ones_, zeros_ } from "./init.ts";
import { keepNothing, Module } from "./module.ts";
import { Parameter } from "./parameter.ts";
import { bool, float, tuple } from "./text.ts";

/** Options of {@linkcode BatchNorm2d}, {@linkcode InstanceNorm2d} and their like. */
export interface NormOptions {
  /** Added to the variance; 1e-5. */
  readonly eps?: number;
  /** How much a batch counts in running values; null for the mean of all batches. 0.1. */
  readonly momentum?: number | null;
  /** Whether factors and summands are learnt; true for batches, false for instances. */
  readonly affine?: boolean;
  /** Whether running values are kept; true for batches, false for instances. */
  readonly trackRunningStats?: boolean;
  /** Whether summands are learnt, if factors are; true. */
  readonly bias?: boolean;
  /** Element type of parameters and running values; the default dtype. */
  readonly dtype?: DType;
}

const normKeys = ["eps", "momentum", "affine", "trackRunningStats", "bias", "dtype"];

/** What normalisation over batches and instances shares. */
abstract class RunningNorm extends Module {
  /** Number of channels. */
  readonly numFeatures: number;
  /** Added to the variance. */
  eps: number;
  /** How much a batch counts in running values; null for the mean of all batches. */
  momentum: number | null;
  /** Whether factors are learnt. */
  readonly affine: boolean;
  /** Whether running values are kept. */
  readonly trackRunningStats: boolean;
  /** Factors, one a channel, or null. */
  declare weight: Parameter | null;
  /** Summands, one a channel, or null. */
  declare bias: Parameter | null;
  /** The running mean, or null. */
  declare runningMean: Tensor | null;
  /** The running variance, or null. */
  declare runningVar: Tensor | null;
  /** How many batches there were, int64, or null. */
  declare numBatchesTracked: Tensor | null;

  /** Makes parameters and running values. */
  constructor(numFeatures: number, options: NormOptions, affine: boolean, track: boolean) {
    super();
    const o = checkKeys(options, this.typeName(), normKeys);
    const dtype = o.dtype ?? getDefaultDtype();
    this.numFeatures = checkInteger(numFeatures, this.typeName(), "numFeatures");
    this.eps = o.eps ?? 1e-5;
    this.momentum = o.momentum === undefined ? 0.1 : o.momentum;
    this.affine = o.affine ?? affine;
    this.trackRunningStats = o.trackRunningStats ?? track;
    const parameter = (there: boolean) => there ? new Parameter(empty([numFeatures], { dtype })) : null;
    this.registerParameter("weight", parameter(this.affine));
    this.registerParameter("bias", parameter(this.affine && (o.bias ?? true)));
    const kept = this.trackRunningStats;
    this.registerBuffer("runningMean", kept ? zeros([numFeatures], { dtype }) : null);
    this.registerBuffer("runningVar", kept ? ones([numFeatures], { dtype }) : null);
    this.registerBuffer("numBatchesTracked", kept ? tensor(0n) : null);
    this.resetParameters();
  }

  /** Sets the running values back to mean 0 and variance 1. */
  resetRunningStats(): void {
    this.runningMean?.zero_();
    this.runningVar?.fill_(1);
    this.numBatchesTracked?.zero_();
  }

  /** Sets factors to 1, summands to 0, and the running values back. */
  resetParameters(): void {
    this.resetRunningStats();
    if (this.weight !== null) ones_(this.weight);
    if (this.bias !== null) zeros_(this.bias);
  }

  /** Throws unless the input has one of these numbers of dimensions. */
  protected checkDims(input: Tensor, dims: readonly number[]): void {
    if (dims.includes(input.ndim)) return;
    throw new TypeError(`expected ${dims.map((d) => `${d}D`).join(" or ")} input (got ${input.ndim}D input)`);
  }

  /** The options. */
  override extraRepr(): string {
    const momentum = this.momentum === null ? "None" : float(this.momentum);
    return `${this.numFeatures}, eps=${float(this.eps)}, momentum=${momentum}, affine=${
      bool(this.affine)
    }, ` +
      `bias=${bool(this.bias !== null)}, track_running_stats=${bool(this.trackRunningStats)}`;
  }
}

/** What batch normalisation shares. */
abstract class BatchNorm extends RunningNorm {
  static {
    keepNothing.add(this.prototype.forward);
  }

  /** The numbers of dimensions that the input may have. */
  protected abstract readonly dims: readonly number[];

  /** One factor and one summand for each of `numFeatures` channels. */
  constructor(numFeatures: number, options: NormOptions = {}) {
    super(numFeatures, options, true, true);
  }

  /** Normalises: by the batch in training, and where no running values are kept; else by the running values. */
  forward(input: Tensor): Tensor {
    this.checkDims(input, this.dims);
    let momentum = this.momentum ?? 0;
    if (this.training && this.trackRunningStats && this.numBatchesTracked !== null) {
      noGrad(() => this.numBatchesTracked!.add_(1n));
      if (this.momentum === null) momentum = 1 / (this.numBatchesTracked.item() as number);
    }
    const kept = !this.training || this.trackRunningStats;
    return F.batchNorm(
      input,
      kept ? this.runningMean : null,
      kept ? this.runningVar : null,
      this.weight,
      this.bias,
      {
        training: this.training || (this.runningMean === null && this.runningVar === null),
        momentum,
        eps: this.eps,
      },
    );
  }
}

/** Normalises channels over the batch [N, C] or [N, C, L]. */
export class BatchNorm1d extends BatchNorm {
  /** The numbers of dimensions that the input may have. */
  protected override get dims(): readonly number[] {
    return [2, 3];
  }
}

/**
 * Normalises channels over the batch and all places of images [N, C, H, W]; keeps running values for `eval()`.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * const norm = new dg.nn.BatchNorm2d(3);
 * norm(dg.rand(8, 3, 4, 4));
 * console.log(norm.numBatchesTracked?.item()); // 1
 * ```
 */
export class BatchNorm2d extends BatchNorm {
  /** The numbers of dimensions that the input may have. */
  protected override get dims(): readonly number[] {
    return [4];
  }
}

/** Normalises channels over the batch and all places of volumes [N, C, D, H, W]. */
export class BatchNorm3d extends BatchNorm {
  /** The numbers of dimensions that the input may have. */
  protected override get dims(): readonly number[] {
    return [5];
  }
}

/** What instance normalisation shares. */
abstract class InstanceNorm extends RunningNorm {
  /** Number of dimensions of an input without a batch. */
  protected abstract readonly alone: number;

  /** For inputs of `numFeatures` channels. */
  constructor(numFeatures: number, options: NormOptions = {}) {
    super(numFeatures, options, false, false);
  }

  /** Normalises each channel of each instance. */
  forward(input: Tensor): Tensor {
    this.checkDims(input, [this.alone, this.alone + 1]);
    const channels = input.shape[input.ndim - this.alone];
    if (channels !== this.numFeatures && this.affine) {
      throw new TypeError(
        `expected input's size at dim=${
          input.ndim - this.alone
        } to match num_features (${this.numFeatures}), but got: ${channels}.`,
      );
    }
    const batch = input.ndim === this.alone ? input.unsqueeze(0) : input;
    const out = F.instanceNorm(batch, {
      runningMean: this.runningMean,
      runningVar: this.runningVar,
      weight: this.weight,
      bias: this.bias,
      useInputStats: this.training || !this.trackRunningStats,
      momentum: this.momentum ?? 0,
      eps: this.eps,
    });
    return input.ndim === this.alone ? out.squeeze(0) : out;
  }
}

/** Normalises each channel of signals [N, C, L] or [C, L]. */
export class InstanceNorm1d extends InstanceNorm {
  /** Number of dimensions of an input without a batch. */
  protected override get alone(): number {
    return 2;
  }
}

/** Normalises each channel of images [N, C, H, W] or [C, H, W]. */
export class InstanceNorm2d extends InstanceNorm {
  /** Number of dimensions of an input without a batch. */
  protected override get alone(): number {
    return 3;
  }
}

/** Normalises each channel of volumes [N, C, D, H, W] or [C, D, H, W]. */
export class InstanceNorm3d extends InstanceNorm {
  /** Number of dimensions of an input without a batch. */
  protected override get alone(): number {
    return 4;
  }
}

/** Options of {@linkcode LayerNorm}. */
export interface LayerNormOptions {
  /** Added to the variance; 1e-5. */
  readonly eps?: number;
  /** Whether factors are learnt; true. */
  readonly elementwiseAffine?: boolean;
  /** Whether summands are learnt, if factors are; true. */
  readonly bias?: boolean;
  /** Element type of the parameters; the default dtype. */
  readonly dtype?: DType;
}

const shapeOf = (shape: number | readonly number[], caller: string): readonly number[] =>
  typeof shape === "number"
    ? [checkInteger(shape, caller, "normalizedShape")]
    : [...checkIntegers(shape, caller, "normalizedShape")];

/**
 * Normalises over the last dimensions.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * console.log(new dg.nn.LayerNorm(4)(dg.rand(2, 3, 4)).shape); // [2, 3, 4]
 * ```
 */
export class LayerNorm extends Module {
  /** Sizes of the last dimensions. */
  readonly normalizedShape: readonly number[];
  /** Added to the variance. */
  readonly eps: number;
  /** Whether factors are learnt. */
  readonly elementwiseAffine: boolean;
  /** Factors, or null. */
  declare weight: Parameter | null;
  /** Summands, or null. */
  declare bias: Parameter | null;

  /** The size of the last dimension, or the sizes of the last ones. */
  constructor(normalizedShape: number | readonly number[], options: LayerNormOptions = {}) {
    super();
    const o = checkKeys(options, "LayerNorm", ["eps", "elementwiseAffine", "bias", "dtype"]);
    const dtype = o.dtype ?? getDefaultDtype();
    this.normalizedShape = shapeOf(normalizedShape, "LayerNorm");
    this.eps = o.eps ?? 1e-5;
    this.elementwiseAffine = o.elementwiseAffine ?? true;
    const parameter = (there: boolean) =>
      there ? new Parameter(empty(this.normalizedShape, { dtype })) : null;
    this.registerParameter("weight", parameter(this.elementwiseAffine));
    this.registerParameter("bias", parameter(this.elementwiseAffine && (o.bias ?? true)));
    this.resetParameters();
  }

  /** Sets factors to 1 and summands to 0. */
  resetParameters(): void {
    if (this.weight !== null) ones_(this.weight);
    if (this.bias !== null) zeros_(this.bias);
  }

  /** Normalises. */
  forward(input: Tensor): Tensor {
    return F.layerNorm(input, this.normalizedShape, this.weight, this.bias, { eps: this.eps });
  }

  /** The options. */
  override extraRepr(): string {
    return `${tuple(this.normalizedShape)}, eps=${float(this.eps)}, elementwise_affine=${
      bool(this.elementwiseAffine)
    }, bias=${bool(this.bias !== null)}`;
  }
}

/** Options of {@linkcode GroupNorm}. */
export interface GroupNormOptions {
  /** Added to the variance; 1e-5. */
  readonly eps?: number;
  /** Whether factors are learnt; true. */
  readonly affine?: boolean;
  /** Whether summands are learnt, if factors are; true. */
  readonly bias?: boolean;
  /** Element type of the parameters; the default dtype. */
  readonly dtype?: DType;
}

/** Normalises groups of channels of every instance [N, C, ...]. */
export class GroupNorm extends Module {
  /** Number of groups. */
  readonly numGroups: number;
  /** Number of channels. */
  readonly numChannels: number;
  /** Added to the variance. */
  readonly eps: number;
  /** Whether factors are learnt. */
  readonly affine: boolean;
  /** Factors, one a channel, or null. */
  declare weight: Parameter | null;
  /** Summands, one a channel, or null. */
  declare bias: Parameter | null;

  /** The groups must divide the channels. */
  constructor(numGroups: number, numChannels: number, options: GroupNormOptions = {}) {
    super();
    const o = checkKeys(options, "GroupNorm", ["eps", "affine", "bias", "dtype"]);
    if (checkInteger(numGroups, "GroupNorm", "numGroups") <= 0) {
      throw new RangeError(`num_groups must be positive, got ${numGroups}`);
    }
    if (checkInteger(numChannels, "GroupNorm", "numChannels") % numGroups !== 0) {
      throw new RangeError(`num_channels (${numChannels}) must be divisible by num_groups (${numGroups})`);
    }
    const dtype = o.dtype ?? getDefaultDtype();
    this.numGroups = numGroups;
    this.numChannels = numChannels;
    this.eps = o.eps ?? 1e-5;
    this.affine = o.affine ?? true;
    const parameter = (there: boolean) => there ? new Parameter(empty([numChannels], { dtype })) : null;
    this.registerParameter("weight", parameter(this.affine));
    this.registerParameter("bias", parameter(this.affine && (o.bias ?? true)));
    this.resetParameters();
  }

  /** Sets factors to 1 and summands to 0. */
  resetParameters(): void {
    if (this.weight !== null) ones_(this.weight);
    if (this.bias !== null) zeros_(this.bias);
  }

  /** Normalises. */
  forward(input: Tensor): Tensor {
    return F.groupNorm(input, this.numGroups, this.weight, this.bias, { eps: this.eps });
  }

  /** The options. */
  override extraRepr(): string {
    return `${this.numGroups}, ${this.numChannels}, eps=${float(this.eps)}, affine=${
      bool(this.affine)
    }, bias=${bool(this.bias !== null)}`;
  }
}

/** Options of {@linkcode RMSNorm}. */
export interface RMSNormOptions {
  /** Added to the mean of squares; null is the distance from 1 to the next number of the type. */
  readonly eps?: number | null;
  /** Whether factors are learnt; true. */
  readonly elementwiseAffine?: boolean;
  /** Element type of the parameters; the default dtype. */
  readonly dtype?: DType;
}

/** Divides by the root of the mean of squares over the last dimensions. */
export class RMSNorm extends Module {
  /** Sizes of the last dimensions. */
  readonly normalizedShape: readonly number[];
  /** Added to the mean of squares; null is the type's own. */
  readonly eps: number | null;
  /** Whether factors are learnt. */
  readonly elementwiseAffine: boolean;
  /** Factors, or null. */
  declare weight: Parameter | null;

  /** The size of the last dimension, or the sizes of the last ones. */
  constructor(normalizedShape: number | readonly number[], options: RMSNormOptions = {}) {
    super();
    const o = checkKeys(options, "RMSNorm", ["eps", "elementwiseAffine", "dtype"]);
    this.normalizedShape = shapeOf(normalizedShape, "RMSNorm");
    this.eps = o.eps ?? null;
    this.elementwiseAffine = o.elementwiseAffine ?? true;
    const dtype = o.dtype ?? getDefaultDtype();
    const weight = this.elementwiseAffine ? new Parameter(ones(this.normalizedShape, { dtype })) : null;
    this.registerParameter("weight", weight);
  }

  /** Sets factors to 1. */
  resetParameters(): void {
    if (this.weight !== null) ones_(this.weight);
  }

  /** Normalises. */
  forward(input: Tensor): Tensor {
    return F.rmsNorm(input, this.normalizedShape, this.weight, { eps: this.eps });
  }

  /** The options. */
  override extraRepr(): string {
    const eps = this.eps === null ? "None" : float(this.eps);
    return `${tuple(this.normalizedShape)}, eps=${eps}, elementwise_affine=${bool(this.elementwiseAffine)}`;
  }
}

/** Divides by a power of the mean of squares of neighbouring channels. */
export class LocalResponseNorm extends Module {
  /** Number of neighbouring channels. */
  readonly size: number;
  /** Factor of the mean of squares. */
  readonly alpha: number;
  /** The exponent. */
  readonly beta: number;
  /** The summand. */
  readonly k: number;

  /** alpha is 1e-4, beta 0.75 and k 1 by default. */
  constructor(size: number, options: F.LocalResponseNormOptions = {}) {
    super();
    const { alpha = 1e-4, beta = 0.75, k = 1 } = checkKeys(options, "LocalResponseNorm", [
      "alpha",
      "beta",
      "k",
    ]);
    this.size = size;
    this.alpha = alpha;
    this.beta = beta;
    this.k = k;
  }

  /** Normalises. */
  forward(input: Tensor): Tensor {
    return F.localResponseNorm(input, this.size, { alpha: this.alpha, beta: this.beta, k: this.k });
  }

  /** The options. */
  override extraRepr(): string {
    return `${this.size}, alpha=${float(this.alpha)}, beta=${float(this.beta)}, k=${float(this.k)}`;
  }
}
