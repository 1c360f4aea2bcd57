/**
 * Products of batches of matrices.
 * @module
 */

import { gemm } from "../../backend/gemm.ts";
import { checkTensor } from "../../tensor/arguments.ts";
import { typeName } from "../../tensor/dtype.ts";
import { frozen, type Shape } from "../../tensor/shape.ts";
import { type Tensor, unwrittenTensor } from "../../tensor/tensor.ts";
import { copyInto } from "../core/copy.ts";
import { mul } from "../pointwise.ts";
import {
  type Added,
  adding,
  type AddProductOptions,
  checkSame,
  factors,
  finishInPlace,
  finishNew,
  inputGradient,
  matrixOf,
  multiplyBatches,
  type Prepared,
  refuseBool,
  savedFor,
  startOf,
  times,
} from "./product_parts.ts";
import { record, type Rule } from "../core/record.ts";
import { expand, transpose } from "../view/view.ts";

const Bmm: Rule<object> = {
  name: "BmmBackward0",
  backward: (g, node) => [
    node.needs(0) ? bmm(g, transpose(node.tensor("mat2"), 1, 2)) : null,
    node.needs(1) ? bmm(transpose(node.tensor("self"), 1, 2), g) : null,
  ],
};

function checkBatches(a: Tensor, b: Tensor): void {
  if (a.ndim !== 3) throw new TypeError("batch1 must be a 3D tensor");
  if (b.ndim !== 3) throw new TypeError("batch2 must be a 3D tensor");
  if (a.shape[0] !== b.shape[0] || a.shape[2] !== b.shape[1]) {
    throw new TypeError(
      `Expected size for first two dimensions of batch2 tensor to be: [${a.shape[0]}, ${a.shape[2]}] ` +
        `but got: [${b.shape[0]}, ${b.shape[1]}].`,
    );
  }
  if (a.dtype !== b.dtype) {
    throw new TypeError(`expected scalar type ${typeName(a.dtype)} but found ${typeName(b.dtype)}`);
  }
  refuseBool(a.dtype, "bmm");
}

/** The products of two batches of matrices, pair by pair. */
export function bmm(input: Tensor, mat2: Tensor): Tensor {
  checkTensor(input, "bmm");
  checkTensor(mat2, "bmm", "mat2", 2);
  checkBatches(input, mat2);
  const shape = frozen([input.shape[0], input.shape[1], mat2.shape[2]]);
  const out = multiplyBatches(input, mat2, unwrittenTensor(shape, input.dtype, input.device));
  return record(Bmm, out, [input, mat2], {}, { self: savedFor(input, mat2), mat2: savedFor(mat2, input) });
}

const Baddbmm: Rule<Added> = {
  name: "BaddbmmBackward0",
  backward: (g, node) => [
    inputGradient(g, node),
    node.needs(1) ? times(bmm(g, transpose(node.tensor("batch2"), 1, 2)), node.args.alpha) : null,
    node.needs(2) ? times(bmm(transpose(node.tensor("batch1"), 1, 2), g), node.args.alpha) : null,
  ],
};

function prepareBaddbmm(
  input: Tensor,
  batch1: Tensor,
  batch2: Tensor,
  options: AddProductOptions,
): Prepared<Added> {
  checkTensor(input, "baddbmm");
  checkTensor(batch1, "baddbmm", "batch1", 2);
  checkTensor(batch2, "baddbmm", "batch2", 3);
  checkBatches(batch1, batch2);
  checkSame("baddbmm", batch1, input);
  const { beta, alpha } = factors(options, batch1.dtype, "baddbmm");
  const shape = [batch1.shape[0], batch1.shape[1], batch2.shape[2]];
  const out = adding(
    input,
    shape,
    beta,
    (to, added) => multiplyBatches(batch1, batch2, to, alpha, beta, added),
  );
  const save = { batch1: savedFor(batch1, batch2), batch2: savedFor(batch2, batch1) };
  return { rule: Baddbmm, out, save, args: { beta, alpha, selfSymSizes: input.shape } };
}

/** `beta * input + alpha * bmm(batch1, batch2)`. */
export function baddbmm(
  input: Tensor,
  batch1: Tensor,
  batch2: Tensor,
  options: AddProductOptions = {},
): Tensor {
  return finishNew(prepareBaddbmm(input, batch1, batch2, options), [input, batch1, batch2]);
}

/** {@linkcode baddbmm} in place. */
export function baddbmm_(
  self: Tensor,
  batch1: Tensor,
  batch2: Tensor,
  options: AddProductOptions = {},
): Tensor {
  return finishInPlace(prepareBaddbmm(self, batch1, batch2, options), [self, batch1, batch2]);
}

const Addbmm: Rule<Added & { batches: Shape }> = {
  name: "AddbmmBackward0",
  backward: (g, node) => {
    const { alpha, batches } = node.args;
    const every = expand(g, batches[0], g.shape[0], g.shape[1]);
    return [
      inputGradient(g, node),
      node.needs(1) ? times(bmm(every, transpose(node.tensor("batch2"), 1, 2)), alpha) : null,
      node.needs(2) ? times(bmm(transpose(node.tensor("batch1"), 1, 2), every), alpha) : null,
    ];
  },
};

function prepareAddbmm(
  input: Tensor,
  batch1: Tensor,
  batch2: Tensor,
  options: AddProductOptions,
): Prepared<Added & { batches: Shape }> {
  checkTensor(input, "addbmm");
  checkTensor(batch1, "addbmm", "batch1", 2);
  checkTensor(batch2, "addbmm", "batch2", 3);
  checkBatches(batch1, batch2);
  checkSame("addbmm", batch1, input);
  const { beta, alpha } = factors(options, batch1.dtype, "addbmm");
  const out = startOf(input, [batch1.shape[1], batch2.shape[2]], beta);
  const plain = out.detach();
  if (beta !== 1) copyInto(plain, beta === 0 ? 0 : mul(plain, beta));
  const size = { m: batch1.shape[1], n: batch2.shape[2], k: batch1.shape[2] };
  for (let i = 0; i < batch1.shape[0]; i++) {
    const a = matrixOf(batch1, batch1.offset + i * batch1.strides[0]);
    const b = matrixOf(batch2, batch2.offset + i * batch2.strides[0]);
    gemm(size, a, b, matrixOf(out), out.dtype, alpha, 1);
  }
  const save = { batch1: savedFor(batch1, batch2), batch2: savedFor(batch2, batch1) };
  const args = { beta, alpha, selfSymSizes: input.shape, batches: batch1.shape };
  return { rule: Addbmm, out, save, args };
}

/** `beta * input + alpha * (sum of bmm(batch1, batch2) over the batches)`. */
export function addbmm(
  input: Tensor,
  batch1: Tensor,
  batch2: Tensor,
  options: AddProductOptions = {},
): Tensor {
  return finishNew(prepareAddbmm(input, batch1, batch2, options), [input, batch1, batch2]);
}

/** {@linkcode addbmm} in place. */
export function addbmm_(
  self: Tensor,
  batch1: Tensor,
  batch2: Tensor,
  options: AddProductOptions = {},
): Tensor {
  return finishInPlace(prepareAddbmm(self, batch1, batch2, options), [self, batch1, batch2]);
}
