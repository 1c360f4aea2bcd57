/**
 * Bilinear maps.
 * @module
 */

import { einsum } from "../../ops/einsum.ts";
import type { Tensor } from "../../tensor/tensor.ts";

/** `input1 @ weight[o] @ input2 + bias[o]` for every output o. The weight is [outFeatures, in1Features, in2Features]. */
export function bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | null = null): Tensor {
  const product = einsum("...i,oij,...j->...o", input1, weight, input2);
  return bias === null ? product : product.add(bias);
}
