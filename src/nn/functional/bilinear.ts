/**
 * Bilinear maps.
 * @module
 */

import { einsum } from "../../ops/matmul/einsum.ts";
import { checkOptionalTensor, checkTensor } from "../../tensor/arguments.ts";
import type { Tensor } from "../../tensor/tensor.ts";

/** `input1 @ weight[o] @ input2 + bias[o]` for every output o. The weight is [outFeatures, in1Features, in2Features]. */
export function bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | null = null): Tensor {
  checkTensor(input1, "bilinear", "input1", 1);
  checkTensor(input2, "bilinear", "input2", 2);
  checkTensor(weight, "bilinear", "weight", 3);
  checkOptionalTensor(bias, "bilinear", "bias");
  const product = einsum("...i,oij,...j->...o", input1, weight, input2);
  return bias === null ? product : product.add(bias);
}
