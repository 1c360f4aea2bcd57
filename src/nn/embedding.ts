/**
 * Tables of rows as modules.
 * @module
 */

import { noGrad } from "../autograd/modes.ts";
import { embedding } from "../ops/layers/embedding.ts";
import { embeddingBag } from "../ops/layers/embedding_bag.ts";
import { checkInteger, checkKeys } from "../tensor/arguments.ts";
import { empty } from "../tensor/create.ts";
import { type DType, getDefaultDtype } from "../tensor/dtype.ts";
import { shapeText } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { normal_ } from "./init.ts";
import { Module } from "./module.ts";
import { Parameter } from "./parameter.ts";
import { float } from "./text.ts";

/** Options of {@linkcode Embedding}. */
export interface EmbeddingLayerOptions {
  /** A row of zeros that gets no gradient; may count from the end. */
  readonly paddingIdx?: number | null;
  /** Rows that are used and longer than this are shortened first, in place. */
  readonly maxNorm?: number | null;
  /** Which norm is meant by that; 2. */
  readonly normType?: number;
  /** Divide gradients by how often a row was used; false. */
  readonly scaleGradByFreq?: boolean;
  /** Element type of the table; the default dtype. */
  readonly dtype?: DType;
}

const layerKeys = ["paddingIdx", "maxNorm", "normType", "scaleGradByFreq", "dtype"];

/** What tables share. */
abstract class Table extends Module {
  /** Number of rows. */
  readonly numEmbeddings: number;
  /** Size of a row. */
  readonly embeddingDim: number;
  /** A row of zeros that gets no gradient, or null. */
  readonly paddingIdx: number | null;
  /** The greatest length of a row, or null. */
  readonly maxNorm: number | null;
  /** The norm of lengths. */
  readonly normType: number;
  /** Whether gradients are divided by how often a row was used. */
  readonly scaleGradByFreq: boolean;
  /** The rows: [numEmbeddings, embeddingDim]. */
  declare weight: Parameter;

  /** Makes the rows. */
  constructor(numEmbeddings: number, embeddingDim: number, o: EmbeddingLayerOptions) {
    super();
    this.numEmbeddings = checkInteger(numEmbeddings, this.typeName(), "numEmbeddings");
    this.embeddingDim = checkInteger(embeddingDim, this.typeName(), "embeddingDim");
    const padding = o.paddingIdx ?? null;
    if (padding !== null && (padding >= numEmbeddings || padding < -numEmbeddings)) {
      throw new RangeError("Padding_idx must be within num_embeddings");
    }
    this.paddingIdx = padding !== null && padding < 0 ? padding + numEmbeddings : padding;
    this.maxNorm = o.maxNorm ?? null;
    this.normType = o.normType ?? 2;
    this.scaleGradByFreq = o.scaleGradByFreq ?? false;
    const dtype = o.dtype ?? getDefaultDtype();
    this.registerParameter("weight", new Parameter(empty([numEmbeddings, embeddingDim], { dtype })));
    this.resetParameters();
  }

  /** Draws new initial values: normal, and zeros in the row for padding. */
  resetParameters(): void {
    normal_(this.weight);
    if (this.paddingIdx !== null) noGrad(() => this.weight.select(0, this.paddingIdx!).fill_(0));
  }

  /** The options as the functions take them. */
  protected options(): Omit<EmbeddingLayerOptions, "dtype"> {
    const { paddingIdx, maxNorm, normType, scaleGradByFreq } = this;
    return { paddingIdx, maxNorm, normType, scaleGradByFreq };
  }

  /** The sizes, and what differs from the defaults. */
  override extraRepr(): string {
    let text = `${this.numEmbeddings}, ${this.embeddingDim}`;
    if (this.paddingIdx !== null) text += `, padding_idx=${this.paddingIdx}`;
    if (this.maxNorm !== null) text += `, max_norm=${float(this.maxNorm)}`;
    if (this.normType !== 2) text += `, norm_type=${this.normType}`;
    if (this.scaleGradByFreq) text += ", scale_grad_by_freq=True";
    return text;
  }
}

/**
 * A learnt table: whole numbers (int64 or int32) become rows.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * const words = new dg.nn.Embedding(10, 3);
 * console.log(words(dg.tensor([[1n, 2n], [3n, 4n]])).shape); // [2, 2, 3]
 * ```
 */
export class Embedding extends Table {
  /** A table of `numEmbeddings` rows. */
  constructor(numEmbeddings: number, embeddingDim: number, options: EmbeddingLayerOptions = {}) {
    super(numEmbeddings, embeddingDim, checkKeys(options, "Embedding", layerKeys));
  }

  /** A table whose rows are given; they are not learnt unless `freeze` is false. */
  static fromPretrained(
    embeddings: Tensor,
    options: Omit<EmbeddingLayerOptions, "dtype"> & { readonly freeze?: boolean } = {},
  ): Embedding {
    const { freeze = true, ...rest } = options;
    if (embeddings.ndim !== 2) {
      throw new TypeError(
        `Embeddings parameter is expected to be 2-dimensional, got ${shapeText(embeddings.shape)}`,
      );
    }
    const [rows, size] = embeddings.shape, made = new Embedding(rows, size, rest);
    made.weight = new Parameter(embeddings.detach(), { requiresGrad: !freeze });
    return made;
  }

  /** The rows of numbers of any shape. */
  forward(input: Tensor): Tensor {
    return embedding(input, this.weight, this.options());
  }
}

/** Options of {@linkcode EmbeddingBag}. */
export interface EmbeddingBagLayerOptions extends EmbeddingLayerOptions {
  /** What is made of a bag's rows; "mean". */
  readonly mode?: "sum" | "mean" | "max";
  /** Whether the last offset is the end of the last bag; false. */
  readonly includeLastOffset?: boolean;
}

/** A learnt table of which sums, means or largest elements of several rows are taken. */
export class EmbeddingBag extends Table {
  /** What is made of a bag's rows. */
  readonly mode: "sum" | "mean" | "max";
  /** Whether the last offset is the end of the last bag. */
  readonly includeLastOffset: boolean;

  /** A table of `numEmbeddings` rows. */
  constructor(numEmbeddings: number, embeddingDim: number, options: EmbeddingBagLayerOptions = {}) {
    const o = checkKeys(options, "EmbeddingBag", [...layerKeys, "mode", "includeLastOffset"]);
    super(numEmbeddings, embeddingDim, o);
    this.mode = o.mode ?? "mean";
    this.includeLastOffset = o.includeLastOffset ?? false;
  }

  /** One row for each bag: bags are rows of the input, or begin at offsets. */
  forward(input: Tensor, offsets?: Tensor | null, perSampleWeights?: Tensor | null): Tensor {
    const { mode, includeLastOffset } = this;
    const options = { ...this.options(), mode, includeLastOffset, offsets, perSampleWeights };
    return embeddingBag(input, this.weight, options);
  }

  /** The sizes, and what differs from the defaults. */
  override extraRepr(): string {
    let text = `${this.numEmbeddings}, ${this.embeddingDim}`;
    if (this.maxNorm !== null) text += `, max_norm=${float(this.maxNorm)}`;
    if (this.normType !== 2) text += `, norm_type=${this.normType}`;
    if (this.scaleGradByFreq) text += ", scale_grad_by_freq=True";
    text += `, mode='${this.mode}'`;
    return this.paddingIdx === null ? text : `${text}, padding_idx=${this.paddingIdx}`;
  }
}
