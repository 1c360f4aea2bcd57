/**
 * Attention with several heads, from weights to result.
 * @module
 */

import { add } from "../../ops/arithmetic.ts";
import { scaledDotProductAttention } from "../../ops/layers/attention.ts";
import { baddbmm, bmm } from "../../ops/matmul/batch_products.ts";
import { to } from "../../ops/core/copy.ts";
import { cat } from "../../ops/view/join.ts";
import { linear } from "../../ops/matmul/matmul.ts";
import { pad } from "../../ops/images/pad.ts";
import { chunk } from "../../ops/view/parts.ts";
import { mul } from "../../ops/pointwise.ts";
import { maskedFill } from "../../ops/select.ts";
import { softmax } from "../../ops/reduce/softmax.ts";
import { triu } from "../../ops/view/rearrange.ts";
import { transpose } from "../../ops/view/view.ts";
import { checkKeys, checkTensor } from "../../tensor/arguments.ts";
import { ones, zeros } from "../../tensor/create.ts";
import { isFloatingPoint, typeName } from "../../tensor/dtype.ts";
import { sameShape, shapeText } from "../../tensor/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { dropout } from "./dropout.ts";

/** Options of {@linkcode multiHeadAttentionForward}. */
export interface MultiHeadAttentionOptions {
  /** Whether weights are dropped; true. */
  readonly training?: boolean;
  /** [N, S] or [S]: true for keys that nobody sees, or numbers to add to their scores. */
  readonly keyPaddingMask?: Tensor | null;
  /** Whether the weights are given, too; true. */
  readonly needWeights?: boolean;
  /** [L, S] or [N * heads, L, S]: true for keys that a query does not see, or numbers to add to the scores. */
  readonly attnMask?: Tensor | null;
  /** Whether queries, keys and values have weights of their own, not one matrix for all; false. */
  readonly useSeparateProjWeight?: boolean;
  /** The weight of queries, if so. */
  readonly qProjWeight?: Tensor | null;
  /** The weight of keys, if so. */
  readonly kProjWeight?: Tensor | null;
  /** The weight of values, if so. */
  readonly vProjWeight?: Tensor | null;
  /** Whether the weights that are given are the mean over heads; true. */
  readonly averageAttnWeights?: boolean;
  /** Whether a query sees only keys up to its own place; false. */
  readonly isCausal?: boolean;
}

const keys = [
  "training",
  "keyPaddingMask",
  "needWeights",
  "attnMask",
  "useSeparateProjWeight",
  "qProjWeight",
  "kProjWeight",
  "vProjWeight",
  "averageAttnWeights",
  "isCausal",
];

/** A mask as numbers to add to scores. */
function additive(mask: Tensor | null | undefined, name: string, like: Tensor): Tensor | null {
  if (mask === null || mask === undefined) return null;
  if (isFloatingPoint(mask.dtype)) return mask;
  if (mask.dtype !== "bool") {
    throw new TypeError(`only bool and floating types of ${name} are supported, got ${typeName(mask.dtype)}`);
  }
  return maskedFill(zeros(mask.shape, { dtype: like.dtype, device: like.device }), mask, -Infinity);
}

function projections(
  [query, key, value]: readonly Tensor[],
  weight: Tensor | null,
  bias: Tensor | null,
  o: MultiHeadAttentionOptions,
): Tensor[] {
  const biases = bias === null ? [null, null, null] : chunk(bias, 3, 0);
  if (o.useSeparateProjWeight ?? false) {
    const weights = [o.qProjWeight, o.kProjWeight, o.vProjWeight];
    return [query, key, value].map((t, i) => {
      if (!weights[i]) {
        throw new TypeError(`use_separate_proj_weight is True but ${"qkv"[i]}_proj_weight is None`);
      }
      return linear(t, weights[i], biases[i]);
    });
  }
  if (weight === null) throw new TypeError("use_separate_proj_weight is False but in_proj_weight is None");
  if (query === key && key === value) return chunk(linear(query, weight, bias), 3, -1);
  const weights = chunk(weight, 3, 0);
  return [query, key, value].map((t, i) => linear(t, weights[i], biases[i]));
}

/**
 * Attention with several heads: queries [L, N, E], keys and values [S, N, E] (or without N) are mapped by weights, attended to
 * by heads of E / numHeads elements each, and the results mapped once more. Gives [the results, the weights or null].
 */
export function multiHeadAttentionForward(
  query: Tensor,
  key: Tensor,
  value: Tensor,
  embedDimToCheck: number,
  numHeads: number,
  inProjWeight: Tensor | null,
  inProjBias: Tensor | null,
  biasK: Tensor | null,
  biasV: Tensor | null,
  addZeroAttn: boolean,
  dropoutP: number,
  outProjWeight: Tensor,
  outProjBias: Tensor | null,
  options: MultiHeadAttentionOptions = {},
): [Tensor, Tensor | null] {
  const caller = "multiHeadAttentionForward";
  [query, key, value].forEach((t, i) => checkTensor(t, caller, ["query", "key", "value"][i], i + 1));
  const o = checkKeys(options, caller, keys),
    training = o.training ?? true,
    needWeights = o.needWeights ?? true;
  if (query.ndim !== 2 && query.ndim !== 3) {
    throw new TypeError(
      `query should be unbatched 2D or batched 3D tensor but received ${query.ndim}-D query tensor`,
    );
  }
  const batched = query.ndim === 3;
  if (key.ndim !== query.ndim || value.ndim !== query.ndim) {
    throw new TypeError(
      `For ${
        batched ? "batched (3-D)" : "unbatched (2-D)"
      } \`query\`, expected \`key\` and \`value\` to be ${query.ndim}-D ` +
        `but found ${key.ndim}-D and ${value.ndim}-D tensors respectively`,
    );
  }
  if (!batched) {
    const same = query === key && key === value, q3 = query.unsqueeze(1);
    const [k3, v3] = same ? [q3, q3] : [key.unsqueeze(1), value.unsqueeze(1)];
    const padding = o.keyPaddingMask?.unsqueeze(0) ?? null;
    const [out, weights] = multiHeadAttentionForward(
      q3,
      k3,
      v3,
      embedDimToCheck,
      numHeads,
      inProjWeight,
      inProjBias,
      biasK,
      biasV,
      addZeroAttn,
      dropoutP,
      outProjWeight,
      outProjBias,
      { ...o, keyPaddingMask: padding },
    );
    return [out.squeeze(1), weights === null ? null : weights.squeeze(0)];
  }
  const [l, n, e] = query.shape, headDim = e / numHeads;
  if (e !== embedDimToCheck) {
    throw new TypeError(`was expecting embedding dimension of ${embedDimToCheck}, but got ${e}`);
  }
  if (!Number.isInteger(headDim)) {
    throw new TypeError(`embed_dim ${e} not divisible by num_heads ${numHeads}`);
  }
  if (!sameShape(key.shape.slice(0, 2), value.shape.slice(0, 2))) {
    throw new TypeError(
      `key's sequence and batch dims ${shapeText(key.shape.slice(0, 2))} do not match value's ${
        shapeText(value.shape.slice(0, 2))
      }`,
    );
  }
  let [q, k, v] = projections([query, key, value], inProjWeight, inProjBias, o);
  let s = key.shape[0];
  let mask = additive(o.attnMask, "attn_mask", query),
    padding = additive(o.keyPaddingMask, "key_padding_mask", query);
  if ((o.isCausal ?? false) && mask === null) {
    mask = additive(triu(ones([l, s], { dtype: "bool", device: query.device }), 1), "attn_mask", query);
  }
  if (mask !== null) mask = checkMask(mask, l, s, n * numHeads);
  if (padding !== null && !sameShape(padding.shape, [n, s])) {
    throw new TypeError(`key_padding_mask shape ${shapeText(padding.shape)} should be ${shapeText([n, s])}`);
  }
  if (biasK !== null && biasV !== null) {
    k = cat([k, biasK.repeat(1, n, 1)]);
    v = cat([v, biasV.repeat(1, n, 1)]);
    if (mask !== null) mask = pad(mask, [0, 1]);
    if (padding !== null) padding = pad(padding, [0, 1]);
    s++;
  }
  const heads = (t: Tensor, length: number) =>
    transpose(t.contiguous().view([length, n * numHeads, t.shape[2] / numHeads]), 0, 1);
  q = heads(q, l);
  k = heads(k, s);
  v = heads(v, s);
  if (addZeroAttn) {
    const zero = (t: Tensor) => cat([t, t.newZeros([n * numHeads, 1, t.shape[2]])], 1);
    k = zero(k);
    v = zero(v);
    if (mask !== null) mask = pad(mask, [0, 1]);
    if (padding !== null) padding = pad(padding, [0, 1]);
    s++;
  }
  if (padding !== null) {
    const wide = padding.view([n, 1, 1, s]).expand(n, numHeads, 1, s).reshape([n * numHeads, 1, s]);
    mask = mask === null ? wide : add(mask, wide);
  }
  const p = training ? dropoutP : 0;
  const finish = (t: Tensor) => linear(t, outProjWeight, outProjBias).view([l, n, outProjWeight.shape[0]]);
  if (!needWeights) {
    const apart = (t: Tensor, length: number) => t.view([n, numHeads, length, t.shape[2]]);
    const attnMask = mask === null
      ? null
      : mask.shape[0] === 1
      ? mask.unsqueeze(0)
      : mask.view([n, numHeads, mask.shape[1], s]);
    const out = scaledDotProductAttention(apart(q, l), apart(k, s), apart(v, s), { attnMask, dropoutP: p });
    return [finish(out.permute([2, 0, 1, 3]).contiguous().view([n * l, -1])), null];
  }
  const scaled = mul(q, Math.sqrt(1 / headDim)), turned = transpose(k, -2, -1);
  const scores = mask === null
    ? bmm(scaled, turned)
    : baddbmm(to(mask, scaled.dtype).expand(n * numHeads, l, s), scaled, turned);
  let weights = softmax(scores, -1);
  if (p > 0) weights = dropout(weights, { p });
  const out = finish(transpose(bmm(weights, v), 0, 1).contiguous().view([l * n, -1]));
  const perHead = weights.view([n, numHeads, l, s]);
  return [out, o.averageAttnWeights ?? true ? perHead.mean(1) : perHead];
}

function checkMask(mask: Tensor, l: number, s: number, heads: number): Tensor {
  const expected = mask.ndim === 2 ? [l, s] : [heads, l, s];
  if (mask.ndim !== 2 && mask.ndim !== 3) {
    throw new TypeError(`attn_mask's dimension ${mask.ndim} is not supported`);
  }
  if (!sameShape(mask.shape, expected)) {
    throw new TypeError(
      `The shape of the ${mask.ndim}D attn_mask is ${shapeText(mask.shape)}, but should be ${
        shapeText(expected)
      }.`,
    );
  }
  return mask.ndim === 2 ? mask.unsqueeze(0) : mask;
}
