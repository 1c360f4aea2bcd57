/**
 * What index tensors and masks say, checked.
 * @module
 */

import type { Offsets } from "../../backend/places.ts";
import { differentDevices } from "../../tensor/device.ts";
import { contiguousStrides } from "../../tensor/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { onHost } from "../core/on_host.ts";
import { newOffsets } from "./selection.ts";

/** What becomes of an index that is out of range: the error to throw. */
export type RangeComplaint = (index: number) => Error;

/**
 * The integers of an index tensor, row-major, with negative ones counted from the end where `wrap` says so. Throws for one
 * that is out of range, so that nothing has been written yet.
 */
export function readIndices(index: Tensor, size: number, wrap: boolean, complain: RangeComplaint): Offsets {
  const plain = onHost(index).contiguous(), data = plain.storage.data, n = index.numel();
  const out = newOffsets(n, size), start = plain.offset, low = wrap ? -size : 0;
  // An int64 is read by halves, the low one first: several times as fast as through bigints.
  const big = n > 0 && data instanceof BigInt64Array;
  const words = big ? new Int32Array(data.buffer, data.byteOffset + 8 * start, 2 * n) : null;
  for (let i = 0; i < n; i++) {
    const k = words === null ? data[start + i] as number : words[2 * i + 1] * 2 ** 32 + (words[2 * i] >>> 0);
    if (!(k >= low && k < size)) throw complain(k);
    out[i] = k < 0 ? k + size : k;
  }
  return out;
}

/** Whether a tensor holds indices of a dtype that all operations take. */
export function isIndexType(index: Tensor): boolean {
  return index.dtype === "int64" || index.dtype === "int32";
}

/** Throws unless an index is where the indexed tensor is. */
export function checkIndexDevice(x: Tensor, index: Tensor): void {
  if (index.device !== x.device) throw differentDevices(x.device, index.device);
}

/** The row-major numbers of the elements that are not zero. */
export function nonzeroNumbers(x: Tensor): Offsets {
  const plain = onHost(x).contiguous(), data = plain.storage.data, start = plain.offset, n = x.numel();
  const zero = data instanceof BigInt64Array ? 0n : 0; // NaN is not zero
  let count = 0;
  for (let i = 0; i < n; i++) if (data[start + i] !== zero) count++;
  const out = newOffsets(count, n);
  for (let i = 0, w = 0; i < n; i++) if (data[start + i] !== zero) out[w++] = i;
  return out;
}

/** The indices of the elements that are not zero, dimension by dimension. */
export function nonzeroColumns(x: Tensor): Offsets[] {
  const numbers = nonzeroNumbers(x), strides = contiguousStrides(x.shape);
  const columns = x.shape.map((size) => newOffsets(numbers.length, size));
  let rest: Offsets = numbers;
  columns.forEach((column, d) => {
    const step = strides[d];
    if (step === 1) {
      column.set(rest);
      rest = newOffsets(rest.length, 0);
      return;
    }
    const next = newOffsets(rest.length, step);
    for (let i = 0; i < column.length; i++) {
      const k = Math.floor(rest[i] / step);
      column[i] = k;
      next[i] = rest[i] - k * step;
    }
    rest = next;
  });
  return columns;
}
