/**
 * Transformers: attention and a net of two layers, with sums and normalisation around them.
 * @module
 */

import { getRngState, setRngState } from "../ops/random/state.ts";
import { add } from "../ops/arithmetic.ts";
import { gelu, relu } from "./functional/activation.ts";
import { checkInteger, checkKeys } from "../tensor/arguments.ts";
import { describe } from "../tensor/describe.ts";
import type { DType } from "../tensor/dtype.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { MultiheadAttention } from "./attention.ts";
import { ModuleList } from "./containers.ts";
import { Dropout } from "./dropout.ts";
import { Linear } from "./layers.ts";
import { Module } from "./module.ts";
import { LayerNorm } from "./normalization.ts";

/** A function between the two layers of a transformer's net. */
export type TransformerActivation = "relu" | "gelu" | ((x: Tensor) => Tensor);

/** Options of {@linkcode TransformerEncoderLayer} and {@linkcode TransformerDecoderLayer}. */
export interface TransformerLayerOptions {
  /** Size between the two layers of the net; 2048. */
  readonly dimFeedforward?: number;
  /** The probability of a zero in training; 0.1. */
  readonly dropout?: number;
  /** The function between the two layers; "relu". */
  readonly activation?: TransformerActivation;
  /** Added to variances; 1e-5. */
  readonly layerNormEps?: number;
  /** Whether the batch is the first dimension; false. */
  readonly batchFirst?: boolean;
  /** Whether each part normalises its input and not the sum behind it; false. */
  readonly normFirst?: boolean;
  /** Whether something is added after linear maps, and in normalisation; true. */
  readonly bias?: boolean;
  /** Element type of the parameters; the default dtype. */
  readonly dtype?: DType;
}

const layerKeys = [
  "dimFeedforward",
  "dropout",
  "activation",
  "layerNormEps",
  "batchFirst",
  "normFirst",
  "bias",
  "dtype",
];

function read(
  given: number | TransformerLayerOptions | undefined,
  more: TransformerLayerOptions | undefined,
  caller: string,
): TransformerLayerOptions {
  if (typeof given !== "number") return checkKeys(given ?? more ?? {}, caller, layerKeys);
  return { ...checkKeys(more ?? {}, caller, layerKeys), dimFeedforward: given };
}

function activationOf(activation: TransformerActivation): (x: Tensor) => Tensor {
  if (activation === "relu") return relu;
  if (activation === "gelu") return gelu;
  if (typeof activation === "function") return activation;
  throw new RangeError(`activation should be relu/gelu, not ${activation}`);
}

/** A part of a layer: what normalises, what is computed, and what drops some of it. */
type Part = readonly [norm: LayerNorm, compute: (x: Tensor) => Tensor, dropout: Dropout];

/** What the encoder's and the decoder's layers share. */
abstract class TransformerLayer extends Module {
  abstract readonly normFirst: boolean;
  abstract readonly linear1: Linear;
  abstract readonly dropout: Dropout;
  abstract readonly linear2: Linear;
  protected abstract readonly activation: (x: Tensor) => Tensor;

  /** Makes a layer like this one, with other parameters of the same values; no random numbers are drawn. */
  copy(): this {
    const state = getRngState();
    const made = this.another() as this;
    setRngState(state);
    made.loadStateDict(this.stateDict());
    made.train(this.training);
    return made;
  }

  /** Another layer with the same options. */
  protected abstract another(): Module;

  /** Parts one after the other: each adds what it computes, and normalises its input or the sum. */
  protected through(x: Tensor, parts: readonly Part[]): Tensor {
    for (const [norm, compute, dropout] of parts) {
      x = this.normFirst
        ? add(x, dropout.call(compute(norm.call(x))))
        : norm.call(add(x, dropout.call(compute(x))));
    }
    return x;
  }

  /** The net of two layers. */
  protected net(x: Tensor): Tensor {
    return this.linear2.call(this.dropout.call(this.activation(this.linear1.call(x))));
  }
}

/** So many copies of a layer. */
function copies(layer: TransformerLayer, count: number, caller: string): ModuleList {
  if (!(layer instanceof TransformerLayer)) {
    throw new TypeError(`${caller}(): expected a layer of a transformer, got ${describe(layer)}`);
  }
  checkInteger(count, caller, "numLayers");
  return new ModuleList(Array.from({ length: Math.max(count, 0) }, () => layer.copy()));
}

/** Masks of {@linkcode TransformerEncoderLayer}. */
export interface EncoderMasks {
  /** [L, L] or [N * heads, L, L]: true for places that a place does not see, or numbers to add to scores. */
  readonly srcMask?: Tensor | null;
  /** [N, L]: true for places that nobody sees. */
  readonly srcKeyPaddingMask?: Tensor | null;
  /** Whether a place sees only those up to itself; false. */
  readonly isCausal?: boolean;
}

/**
 * A layer of a transformer's encoder: attention to itself, then a net of two layers.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * const layer = new dg.nn.TransformerEncoderLayer(8, 2, 16, { batchFirst: true });
 * console.log(layer(dg.rand(3, 5, 8)).shape); // [3, 5, 8]
 * ```
 */
export class TransformerEncoderLayer extends TransformerLayer {
  /** Whether parts normalise their input. */
  readonly normFirst: boolean;
  /** Attention to itself. */
  readonly selfAttn: MultiheadAttention;
  /** The first layer of the net. */
  readonly linear1: Linear;
  /** Between the two layers. */
  readonly dropout: Dropout;
  /** The second layer of the net. */
  readonly linear2: Linear;
  /** Around attention. */
  readonly norm1: LayerNorm;
  /** Around the net. */
  readonly norm2: LayerNorm;
  /** Behind attention. */
  readonly dropout1: Dropout;
  /** Behind the net. */
  readonly dropout2: Dropout;
  /** Builds another layer with the same options. */
  protected readonly another: () => Module;
  /** Between the two layers of the net. */
  protected readonly activation: (x: Tensor) => Tensor;

  /** `nhead` heads must divide the size `dModel`. */
  constructor(
    dModel: number,
    nhead: number,
    dimFeedforward?: number | TransformerLayerOptions,
    options?: TransformerLayerOptions,
  ) {
    super();
    const o = read(dimFeedforward, options, "TransformerEncoderLayer");
    const { dropout = 0.1, layerNormEps: eps = 1e-5, batchFirst = false, bias = true, dtype } = o;
    const inner = o.dimFeedforward ?? 2048;
    this.normFirst = o.normFirst ?? false;
    this.selfAttn = new MultiheadAttention(dModel, nhead, { dropout, bias, batchFirst, dtype });
    this.linear1 = new Linear(dModel, inner, { bias, dtype });
    this.dropout = new Dropout(dropout);
    this.linear2 = new Linear(inner, dModel, { bias, dtype });
    this.norm1 = new LayerNorm(dModel, { eps, bias, dtype });
    this.norm2 = new LayerNorm(dModel, { eps, bias, dtype });
    this.dropout1 = new Dropout(dropout);
    this.dropout2 = new Dropout(dropout);
    this.activation = activationOf(o.activation ?? "relu");
    this.another = () => new TransformerEncoderLayer(dModel, nhead, o);
  }

  /** The layer's result, in the shape of the input [L, N, E], [N, L, E] with `batchFirst`, or [L, E]. */
  forward(src: Tensor, masks: EncoderMasks = {}): Tensor {
    const { srcMask: attnMask, srcKeyPaddingMask: keyPaddingMask, isCausal } = checkKeys(
      masks,
      "TransformerEncoderLayer",
      ["srcMask", "srcKeyPaddingMask", "isCausal"],
    );
    const options = { attnMask, keyPaddingMask, needWeights: false, isCausal };
    return this.through(src, [
      [this.norm1, (x) => this.selfAttn.call(x, x, x, options)[0], this.dropout1],
      [this.norm2, (x) => this.net(x), this.dropout2],
    ]);
  }
}

/** Masks of {@linkcode TransformerEncoder}. */
export interface EncoderStackMasks {
  /** [L, L] or [N * heads, L, L]: true for places that a place does not see, or numbers to add to scores. */
  readonly mask?: Tensor | null;
  /** [N, L]: true for places that nobody sees. */
  readonly srcKeyPaddingMask?: Tensor | null;
  /** Whether a place sees only those up to itself; false. */
  readonly isCausal?: boolean;
}

/** Layers of a transformer's encoder one after the other: copies of one, with parameters of their own. */
export class TransformerEncoder extends Module {
  /** The layers. */
  readonly layers: ModuleList;
  /** At the end, or null. */
  readonly norm: Module | null;

  /** So many copies of a layer, and a normalisation at the end. */
  constructor(encoderLayer: TransformerEncoderLayer, numLayers: number, norm: Module | null = null) {
    super();
    this.layers = copies(encoderLayer, numLayers, this.typeName());
    this.norm = norm;
  }

  /** The last layer's result. */
  forward(src: Tensor, masks: EncoderStackMasks = {}): Tensor {
    const { mask, srcKeyPaddingMask, isCausal } = checkKeys(masks, "TransformerEncoder", [
      "mask",
      "srcKeyPaddingMask",
      "isCausal",
    ]);
    let x = src;
    for (const layer of this.layers) x = layer.call(x, { srcMask: mask, srcKeyPaddingMask, isCausal });
    return this.norm === null ? x : this.norm.call(x);
  }
}

/** Masks of {@linkcode TransformerDecoderLayer} and {@linkcode TransformerDecoder}. */
export interface DecoderMasks {
  /** For attention to itself: [T, T] or [N * heads, T, T]. */
  readonly tgtMask?: Tensor | null;
  /** For attention to the memory: [T, S] or [N * heads, T, S]. */
  readonly memoryMask?: Tensor | null;
  /** [N, T]: true for places that nobody sees. */
  readonly tgtKeyPaddingMask?: Tensor | null;
  /** [N, S]: true for places of the memory that nobody sees. */
  readonly memoryKeyPaddingMask?: Tensor | null;
  /** Whether a place sees only those up to itself; false. */
  readonly tgtIsCausal?: boolean;
}

const decoderKeys = ["tgtMask", "memoryMask", "tgtKeyPaddingMask", "memoryKeyPaddingMask", "tgtIsCausal"];

/** A layer of a transformer's decoder: attention to itself, attention to the encoder's result, then a net of two layers. */
export class TransformerDecoderLayer extends TransformerLayer {
  /** Whether parts normalise their input. */
  readonly normFirst: boolean;
  /** Attention to itself. */
  readonly selfAttn: MultiheadAttention;
  /** Attention to the memory. */
  readonly multiheadAttn: MultiheadAttention;
  /** The first layer of the net. */
  readonly linear1: Linear;
  /** Between the two layers. */
  readonly dropout: Dropout;
  /** The second layer of the net. */
  readonly linear2: Linear;
  /** Around attention to itself. */
  readonly norm1: LayerNorm;
  /** Around attention to the memory. */
  readonly norm2: LayerNorm;
  /** Around the net. */
  readonly norm3: LayerNorm;
  /** Behind attention to itself. */
  readonly dropout1: Dropout;
  /** Behind attention to the memory. */
  readonly dropout2: Dropout;
  /** Behind the net. */
  readonly dropout3: Dropout;
  /** Builds another layer with the same options. */
  protected readonly another: () => Module;
  /** Between the two layers of the net. */
  protected readonly activation: (x: Tensor) => Tensor;

  /** `nhead` heads must divide the size `dModel`. */
  constructor(
    dModel: number,
    nhead: number,
    dimFeedforward?: number | TransformerLayerOptions,
    options?: TransformerLayerOptions,
  ) {
    super();
    const o = read(dimFeedforward, options, "TransformerDecoderLayer");
    const { dropout = 0.1, layerNormEps: eps = 1e-5, batchFirst = false, bias = true, dtype } = o;
    const inner = o.dimFeedforward ?? 2048;
    this.normFirst = o.normFirst ?? false;
    this.selfAttn = new MultiheadAttention(dModel, nhead, { dropout, bias, batchFirst, dtype });
    this.multiheadAttn = new MultiheadAttention(dModel, nhead, { dropout, bias, batchFirst, dtype });
    this.linear1 = new Linear(dModel, inner, { bias, dtype });
    this.dropout = new Dropout(dropout);
    this.linear2 = new Linear(inner, dModel, { bias, dtype });
    this.norm1 = new LayerNorm(dModel, { eps, bias, dtype });
    this.norm2 = new LayerNorm(dModel, { eps, bias, dtype });
    this.norm3 = new LayerNorm(dModel, { eps, bias, dtype });
    this.dropout1 = new Dropout(dropout);
    this.dropout2 = new Dropout(dropout);
    this.dropout3 = new Dropout(dropout);
    this.activation = activationOf(o.activation ?? "relu");
    this.another = () => new TransformerDecoderLayer(dModel, nhead, o);
  }

  /** The layer's result, in the shape of `tgt`. */
  forward(tgt: Tensor, memory: Tensor, masks: DecoderMasks = {}): Tensor {
    const m = checkKeys(masks, "TransformerDecoderLayer", decoderKeys);
    const needWeights = false;
    const toSelf = {
      attnMask: m.tgtMask,
      keyPaddingMask: m.tgtKeyPaddingMask,
      isCausal: m.tgtIsCausal,
      needWeights,
    };
    const toMemory = { attnMask: m.memoryMask, keyPaddingMask: m.memoryKeyPaddingMask, needWeights };
    return this.through(tgt, [
      [this.norm1, (x) => this.selfAttn.call(x, x, x, toSelf)[0], this.dropout1],
      [this.norm2, (x) => this.multiheadAttn.call(x, memory, memory, toMemory)[0], this.dropout2],
      [this.norm3, (x) => this.net(x), this.dropout3],
    ]);
  }
}

/** Layers of a transformer's decoder one after the other: copies of one, with parameters of their own. */
export class TransformerDecoder extends Module {
  /** The layers. */
  readonly layers: ModuleList;
  /** At the end, or null. */
  readonly norm: Module | null;

  /** So many copies of a layer, and a normalisation at the end. */
  constructor(decoderLayer: TransformerDecoderLayer, numLayers: number, norm: Module | null = null) {
    super();
    this.layers = copies(decoderLayer, numLayers, this.typeName());
    this.norm = norm;
  }

  /** The last layer's result. */
  forward(tgt: Tensor, memory: Tensor, masks: DecoderMasks = {}): Tensor {
    checkKeys(masks, "TransformerDecoder", decoderKeys);
    let x = tgt;
    for (const layer of this.layers) x = layer.call(x, memory, masks);
    return this.norm === null ? x : this.norm.call(x);
  }
}
