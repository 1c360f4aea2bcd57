/**
 * Class numbers as vectors.
 * @module
 */

import { checkTensor } from "../../tensor/arguments.ts";
import { frozen } from "../../tensor/shape.ts";
import { backTo, onHost } from "../core/on_host.ts";
import { allocateTensor, type Tensor } from "../../tensor/tensor.ts";
import { inWords } from "./selection.ts";

/** What the next read of another device tells of a class that is none. */
const WRONG =
  "Class values must be non-negative and smaller than num_classes: oneHot() met {index} with {size} classes.";

/**
 * For each class number a vector of zeros with a 1 in its place, as a new last dimension. PyTorch's `F.one_hot`.
 *
 * @param numClasses Length of the vectors; by default one more than the largest number.
 */
export function oneHot(x: Tensor, numClasses = -1): Tensor {
  checkTensor(x, "oneHot");
  if (x.dtype !== "int64") {
    throw new TypeError(`one_hot is only applicable to index tensor of type LongTensor, got ${x.dtype}.`);
  }
  if (!Number.isInteger(numClasses)) {
    throw new TypeError(`oneHot(): numClasses must be an integer, got ${String(numClasses)}`);
  }
  if (x.device !== "cpu" && numClasses > 0) {
    // Numbers out of range are found by the kernel: nothing is read.
    const out = x.newZeros([...x.shape, numClasses]);
    return inWords(WRONG, () => out.scatter_(-1, x.unsqueeze(-1), 1n as never));
  }
  const values = onHost(x).contiguous().typedArray() as BigInt64Array;
  if (values.length === 0 && numClasses <= 0) {
    throw new RangeError("Can not infer total number of classes from empty tensor.");
  }
  let most = -1;
  for (const v of values) {
    if (v < 0n) throw new RangeError("Class values must be non-negative.");
    if (Number(v) > most) most = Number(v);
  }
  if (numClasses !== -1) {
    if (numClasses < 1) throw new RangeError("num_classes should be positive");
    if (most >= numClasses) throw new RangeError("Class values must be smaller than num_classes.");
  }
  const size = numClasses === -1 ? most + 1 : numClasses;
  const out = allocateTensor(frozen([...x.shape, size]), "int64"), data = out.storage.data;
  values.forEach((v, i) => data[i * size + Number(v)] = 1n);
  return backTo(out, x);
}
