/**
 * Attention with several heads as a module.
 * @module
 */

import { transpose } from "../ops/view/view.ts";
import { checkInteger, checkKeys } from "../tensor/arguments.ts";
import { empty } from "../tensor/create.ts";
import { type DType, getDefaultDtype } from "../tensor/dtype.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { multiHeadAttentionForward } from "./functional/attention.ts";
import { xavierNormal_, xavierUniform_, zeros_ } from "./init.ts";
import { Linear } from "./layers.ts";
import { Module } from "./module.ts";
import { Parameter } from "./parameter.ts";

/** Options of {@linkcode MultiheadAttention}. */
export interface MultiheadAttentionOptions {
  /** The probability that a weight is dropped in training; 0. */
  readonly dropout?: number;
  /** Whether something is added after the maps; true. */
  readonly bias?: boolean;
  /** Whether a learnt key and value stand at the end; false. */
  readonly addBiasKv?: boolean;
  /** Whether a key and a value of zeros stand at the end; false. */
  readonly addZeroAttn?: boolean;
  /** Size of keys; embedDim. */
  readonly kdim?: number | null;
  /** Size of values; embedDim. */
  readonly vdim?: number | null;
  /** Whether the batch is the first dimension; false. */
  readonly batchFirst?: boolean;
  /** Element type of the parameters; the default dtype. */
  readonly dtype?: DType;
}

/** Options of a call of {@linkcode MultiheadAttention}. */
export interface AttentionCallOptions {
  /** [N, S] or [S]: true for keys that nobody sees, or numbers to add to their scores. */
  readonly keyPaddingMask?: Tensor | null;
  /** Whether the weights are given, too; true. */
  readonly needWeights?: boolean;
  /** [L, S] or [N * heads, L, S]: true for keys that a query does not see, or numbers to add to the scores. */
  readonly attnMask?: Tensor | null;
  /** Whether the weights that are given are the mean over heads; true. */
  readonly averageAttnWeights?: boolean;
  /** Whether a query sees only keys up to its own place; false. */
  readonly isCausal?: boolean;
}

/** The last map of attention, under the name that PyTorch shows. */
class NonDynamicallyQuantizableLinear extends Linear {}

/**
 * Attention with several heads: queries [L, N, E] (or [N, L, E] with `batchFirst`, or [L, E]) look at keys and values.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * const attention = new dg.nn.MultiheadAttention(8, 2, { batchFirst: true });
 * const x = dg.rand(3, 5, 8);
 * const [out, weights] = attention(x, x, x);
 * console.log(out.shape, weights?.shape); // [3, 5, 8] [3, 5, 5]
 * ```
 */
export class MultiheadAttention extends Module {
  /** Size of queries and results. */
  readonly embedDim: number;
  /** Number of heads. */
  readonly numHeads: number;
  /** The probability that a weight is dropped in training. */
  readonly dropout: number;
  /** Whether the batch is the first dimension. */
  readonly batchFirst: boolean;
  /** Whether a key and a value of zeros stand at the end. */
  readonly addZeroAttn: boolean;
  /** The weights of queries, keys and values, one under the other, or null. */
  declare inProjWeight: Parameter | null;
  /** The weight of queries, where sizes differ, or null. */
  declare qProjWeight: Parameter | null;
  /** The weight of keys, where sizes differ, or null. */
  declare kProjWeight: Parameter | null;
  /** The weight of values, where sizes differ, or null. */
  declare vProjWeight: Parameter | null;
  /** What is added to queries, keys and values, or null. */
  declare inProjBias: Parameter | null;
  /** The last map. */
  declare outProj: Linear;
  /** The learnt key, or null. */
  declare biasK: Parameter | null;
  /** The learnt value, or null. */
  declare biasV: Parameter | null;

  /** The heads must divide the size. */
  constructor(embedDim: number, numHeads: number, options: MultiheadAttentionOptions = {}) {
    super();
    const o = checkKeys(options, "MultiheadAttention", [
      "dropout",
      "bias",
      "addBiasKv",
      "addZeroAttn",
      "kdim",
      "vdim",
      "batchFirst",
      "dtype",
    ]);
    const { dropout = 0, bias = true, addBiasKv = false, addZeroAttn = false, batchFirst = false } = o;
    const dtype = o.dtype ?? getDefaultDtype(), kdim = o.kdim ?? embedDim, vdim = o.vdim ?? embedDim;
    checkInteger(embedDim, "MultiheadAttention", "embedDim");
    checkInteger(numHeads, "MultiheadAttention", "numHeads");
    if (embedDim <= 0 || numHeads <= 0) {
      throw new RangeError(
        `embed_dim and num_heads must be greater than 0, got embed_dim=${embedDim} and num_heads=${numHeads} instead`,
      );
    }
    if (embedDim % numHeads !== 0) throw new RangeError("embed_dim must be divisible by num_heads");
    this.embedDim = embedDim;
    this.numHeads = numHeads;
    this.dropout = dropout;
    this.batchFirst = batchFirst;
    this.addZeroAttn = addZeroAttn;
    const same = kdim === embedDim && vdim === embedDim;
    const parameter = (there: boolean, ...shape: number[]) =>
      there ? new Parameter(empty(shape, { dtype })) : null;
    this.registerParameter("inProjWeight", parameter(same, 3 * embedDim, embedDim));
    this.registerParameter("qProjWeight", parameter(!same, embedDim, embedDim));
    this.registerParameter("kProjWeight", parameter(!same, embedDim, kdim));
    this.registerParameter("vProjWeight", parameter(!same, embedDim, vdim));
    this.registerParameter("inProjBias", parameter(bias, 3 * embedDim));
    this.outProj = new NonDynamicallyQuantizableLinear(embedDim, embedDim, { bias, dtype });
    this.registerParameter("biasK", parameter(addBiasKv, 1, 1, embedDim));
    this.registerParameter("biasV", parameter(addBiasKv, 1, 1, embedDim));
    this.resetParameters();
  }

  /** Draws new initial values. */
  resetParameters(): void {
    for (const w of [this.inProjWeight, this.qProjWeight, this.kProjWeight, this.vProjWeight]) {
      if (w !== null) xavierUniform_(w);
    }
    if (this.inProjBias !== null) {
      zeros_(this.inProjBias);
      zeros_(this.outProj.bias!);
    }
    if (this.biasK !== null) xavierNormal_(this.biasK);
    if (this.biasV !== null) xavierNormal_(this.biasV);
  }

  /** Gives [the results, the weights or null]. */
  forward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    options: AttentionCallOptions = {},
  ): [Tensor, Tensor | null] {
    const o = checkKeys(options, "MultiheadAttention", [
      "keyPaddingMask",
      "needWeights",
      "attnMask",
      "averageAttnWeights",
      "isCausal",
    ]);
    const turn = this.batchFirst && query.ndim === 3;
    const inputs = [query, key, value];
    // one tensor stays one tensor, so that it is mapped once
    const turned = new Map(inputs.map((t) => [t, turn ? transpose(t, 0, 1) : t]));
    const [q, k, v] = inputs.map((t) => turned.get(t)!);
    const [out, weights] = multiHeadAttentionForward(
      q,
      k,
      v,
      this.embedDim,
      this.numHeads,
      this.inProjWeight,
      this.inProjBias,
      this.biasK,
      this.biasV,
      this.addZeroAttn,
      this.dropout,
      this.outProj.weight,
      this.outProj.bias,
      {
        ...o,
        training: this.training,
        useSeparateProjWeight: this.inProjWeight === null,
        qProjWeight: this.qProjWeight,
        kProjWeight: this.kProjWeight,
        vProjWeight: this.vProjWeight,
      },
    );
    return [turn ? transpose(out, 0, 1) : out, weights];
  }
}
