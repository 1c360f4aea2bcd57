/**
 * Operations that belong on the host: what they give depends on the data (sizes of results, graph decisions), or they are
 * tiny or rare. Tensors of another device are read for them, and their results go back there.
 *
 * These are: `nonzero`, `argwhere`, boolean masks as indices, `maskedSelect` and `maskedScatter` (how many elements there are; one
 * value assigned by a mask needs no reading), `unique`, `uniqueConsecutive`, `isin`, `bincount`, `histc`, `searchsorted`,
 * `bucketize`, `multinomial`, `bernoulli` with a tensor, `normal` with a tensor for the standard deviation, `oneHot` without the
 * number of classes, `maxNorm` of embeddings, batch normalisation without a momentum (how many
 * batches there were), the mean of integers in `scatterReduce`, `repeatInterleave` with a tensor of repeats, `tensorSplit` at a
 * tensor of indices, the decompositions of `linalg`, LBFGS, the checks of `binaryCrossEntropy` (probabilities) and
 * `gaussianNllLoss` (variances), and everything that shows a tensor. Draws of random numbers in
 * PyTorch's order are made on the host and uploaded; those of `philox` are made on the device.
 * @module
 */

import { copyToDevice, type Tensor } from "../../tensor/tensor.ts";

/**
 * A tensor's values in the CPU's memory, without history: the very memory of a tensor that is there, a copy of another
 * device's.
 */
export function onHost(x: Tensor): Tensor {
  return x.device === "cpu" ? x.detach() : copyToDevice(x, "cpu");
}

/** A result that was made on the host, on the device of the tensor that it was made for; without history. */
export function backTo(result: Tensor, like: Tensor): Tensor {
  return result.device === like.device ? result : copyToDevice(result, like.device);
}
