/**
 * Attention: means of values, weighted by how well queries match keys.
 * @module
 */

import {
  checkFlag,
  checkKeys,
  checkNumber,
  checkOptionalTensor,
  checkTensor,
} from "../../tensor/arguments.ts";
import { ones } from "../../tensor/create.ts";
import { typeName } from "../../tensor/dtype.ts";
import { shapeText } from "../../tensor/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { add } from "../arithmetic.ts";
import { composite } from "../core/composite.ts";
import { matmul } from "../matmul/matmul.ts";
import { mul } from "../pointwise.ts";
import { repeatInterleave, tril } from "../view/rearrange.ts";
import { maskedFill } from "../select.ts";
import { softmax } from "../reduce/softmax.ts";
import { transpose } from "../view/view.ts";

/** Options of {@linkcode scaledDotProductAttention}. */
export interface AttentionOptions {
  /** Bools, true where a query may see a key; or numbers to add to the scores. To be broadcast to [..., L, S]. */
  readonly attnMask?: Tensor | null;
  /** The probability that a weight is dropped; 0. */
  readonly dropoutP?: number;
  /** Whether a query sees only keys up to its own place; false. */
  readonly isCausal?: boolean;
  /** What scores are multiplied with; 1 / sqrt(E). */
  readonly scale?: number | null;
  /** Whether several heads of queries share a head of keys and values; false. */
  readonly enableGqa?: boolean;
}

/** Sets what a mask excludes to -Infinity, or adds the mask. */
function masked(scores: Tensor, mask: Tensor): Tensor {
  return mask.dtype === "bool" ? maskedFill(scores, mask.logicalNot(), -Infinity) : add(scores, mask);
}

/** softmax over the last dimension, in which a query that may see nothing has weights 0 instead of NaN. */
function weightsOf(scores: Tensor, anyMask: boolean): Tensor {
  if (!anyMask) return softmax(scores, -1);
  const blind = scores.detach().eq(-Infinity).all(-1, { keepdim: true });
  return maskedFill(softmax(maskedFill(scores, blind, 0), -1), blind, 0);
}

function attend(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  mask: Tensor | null,
  scale: number,
  drop: ((weights: Tensor) => Tensor) | null,
): Tensor {
  const scores = matmul(mul(q, scale), transpose(k, -2, -1));
  const weights = weightsOf(mask === null ? scores : masked(scores, mask), mask !== null);
  return matmul(drop === null ? weights : drop(weights), v);
}

/**
 * `softmax(query @ key.T * scale + mask) @ value` over the last two dimensions: queries [..., L, E], keys [..., S, E], values
 * [..., S, V] give [..., L, V].
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * const q = dg.rand(2, 4, 5, 8), k = dg.rand(2, 4, 6, 8), v = dg.rand(2, 4, 6, 3);
 * console.log(dg.nn.functional.scaledDotProductAttention(q, k, v).shape); // [2, 4, 5, 3]
 * ```
 */
export function scaledDotProductAttention(
  query: Tensor,
  key: Tensor,
  value: Tensor,
  options: AttentionOptions = {},
): Tensor {
  const caller = "scaledDotProductAttention";
  [query, key, value].forEach((t, i) => checkTensor(t, caller, ["query", "key", "value"][i], i + 1));
  const o = checkKeys(options, caller, ["attnMask", "dropoutP", "isCausal", "scale", "enableGqa"]);
  const isCausal = checkFlag(o.isCausal ?? false, caller, "isCausal"), given = o.attnMask ?? null;
  checkOptionalTensor(given, caller, "attnMask");
  const dropoutP = checkNumber(o.dropoutP ?? 0, caller, "dropoutP");
  if ([query, key, value].some((t) => t.ndim < 2)) {
    throw new TypeError(
      `Expected query, key, and value to all be  at least 2 dimensional, but got query.dim: ${query.ndim} key.dim: ` +
        `${key.ndim} and value.dim: ${value.ndim} instead.`,
    );
  }
  if (query.dtype !== key.dtype || query.dtype !== value.dtype) {
    throw new TypeError(
      `Expected query, key, and value to have the same dtype, but got query.dtype: ${
        typeName(query.dtype)
      } key.dtype: ` +
        `${typeName(key.dtype)} and value.dtype: ${typeName(value.dtype)} instead.`,
    );
  }
  if (isCausal && given !== null) {
    throw new TypeError(
      "_scaled_dot_product_attention: Explicit attn_mask should not be set when is_causal=True",
    );
  }
  if (given !== null && given.dtype !== "bool" && given.dtype !== query.dtype) {
    throw new TypeError(
      `Expected attn_mask dtype to be bool or float or to match query dtype, but got attn_mask.dtype: ${
        typeName(given.dtype)
      } and  query.dtype: ${typeName(query.dtype)} instead.`,
    );
  }
  let k = key, v = value;
  if (o.enableGqa ?? false) {
    const heads = query.shape.at(-3)!, shared = key.shape.at(-3)!;
    if (heads % shared !== 0) {
      throw new TypeError(
        `Number of heads in key and value must divide the number of heads in query: ${
          shapeText(key.shape)
        } and ${shapeText(query.shape)}`,
      );
    }
    k = repeatInterleave(key, heads / shared, { dim: -3 });
    v = repeatInterleave(value, heads / value.shape.at(-3)!, { dim: -3 });
  }
  const scale = o.scale ?? 1 / Math.sqrt(query.shape.at(-1)!);
  const [l, s] = [query.shape.at(-2)!, key.shape.at(-2)!];
  const mask = isCausal ? tril(ones([l, s], { dtype: "bool", device: query.device })) : given;
  const drop = dropoutP === 0
    ? null
    : (w: Tensor) => mul(w, w.detach().newEmpty(w.shape).bernoulli_(1 - dropoutP).div_(1 - dropoutP));
  // PyTorch computes four dimensions without a mask that learns in one node; so do we, and keep no weights
  if (query.ndim === 4 && drop === null && !(mask?.requiresGrad ?? false)) {
    const name = "ScaledDotProductFlashAttentionForCpuBackward0";
    return composite(name, [query, k, v], (a, b, c) => attend(a!, b!, c!, mask, scale, null), {
      scale,
      isCausal,
    });
  }
  return attend(query, k, v, mask, scale, drop);
}
