/**
 * Windows on memory by sizes and strides, and memory read as another element type.
 * @module
 */

import { checkInteger, checkIntegers, checkTensor } from "../../tensor/arguments.ts";
import { fromTypedArray } from "../../tensor/create.ts";
import { type DType, itemSize, typeName } from "../../tensor/dtype.ts";
import { frozen, numel, type Shape, shapeText } from "../../tensor/shape.ts";
import { installMethods, Tensor } from "../../tensor/tensor.ts";
import { backTo } from "../core/on_host.ts";
import { record, type Rule } from "../core/record.ts";
import { makeView } from "./window.ts";

interface Sizes {
  readonly selfSymSizes: Shape;
}

const AsStrided: Rule<Sizes & { selfStrides: Shape; size: Shape; stride: Shape; storageOffset: number }> = {
  name: "AsStridedBackward0",
  backward: (g, { args: a }) => [scatterStrided(g, a)],
};

/** Adds a window's gradient, element by element, where each was read: windows may overlap themselves. */
function scatterStrided(
  g: Tensor,
  a: { selfSymSizes: Shape; selfStrides: Shape; size: Shape; stride: Shape; storageOffset: number },
): Tensor {
  const places = windowPlaces(a.size, a.stride, a.storageOffset);
  const span = 1 + a.selfSymSizes.reduce((sum, s, i) => sum + Math.max(s - 1, 0) * a.selfStrides[i], 0);
  const flat = g.newZeros(span).indexAdd(0, backTo(fromTypedArray(places), g), g.reshape(-1));
  return asStrided(flat, a.selfSymSizes, a.selfStrides, 0);
}

/** The places in memory of a window's elements, row-major. */
function windowPlaces(size: Shape, stride: Shape, offset: number): BigInt64Array {
  let places = [offset];
  size.forEach((s, d) =>
    places = places.flatMap((p) => Array.from({ length: s }, (_, i) => p + i * stride[d]))
  );
  return BigInt64Array.from(places, BigInt);
}

/** Any window on the memory: sizes, strides and offset in elements. RangeError where it would leave the memory. */
export function asStrided(
  x: Tensor,
  size: readonly number[],
  stride: readonly number[],
  storageOffset?: number,
): Tensor {
  checkTensor(x, "asStrided");
  checkIntegers(size, "asStrided", "size");
  checkIntegers(stride, "asStrided", "stride");
  if (storageOffset !== undefined) checkInteger(storageOffset, "asStrided", "storageOffset");
  if (size.length !== stride.length) {
    throw new TypeError(
      `mismatch in length of strides and shape: ${shapeText(stride)} and ${shapeText(size)}`,
    );
  }
  const offset = storageOffset ?? x.offset;
  let last = offset;
  for (let i = 0; i < size.length; i++) {
    if (size[i] < 0 || stride[i] < 0) {
      throw new RangeError(
        `asStrided: sizes and strides must be non-negative integers, got ${shapeText(size)} and ${
          shapeText(stride)
        }`,
      );
    }
    last += Math.max(size[i] - 1, 0) * stride[i];
  }
  if (offset < 0 || (numel(size) > 0 && last >= x.storage.length)) {
    throw new RangeError(
      `setStorage: sizes ${shapeText(size)}, strides ${
        shapeText(stride)
      }, storage offset ${offset} require a storage of ` +
        `${last + 1} elements, but this one has ${x.storage.length}`,
    );
  }
  const out = makeView(x, frozen(size), frozen(stride), offset);
  return record(AsStrided, out, [x], {
    selfSymSizes: x.shape,
    selfStrides: x.strides,
    size: out.shape,
    stride: out.strides,
    storageOffset: offset - x.offset,
  });
}

/**
 * The same memory read as another element type, without history: `view(dtype)`. Where the types differ in size, the last
 * dimension grows or shrinks.
 */
export function viewDtype(x: Tensor, dtype: DType): Tensor {
  if (dtype === x.dtype) return makeView(x, x.shape, x.strides);
  const from = itemSize(x.dtype), to = itemSize(dtype), last = x.ndim - 1;
  const names = `view ${typeName(x.dtype)} as ${typeName(dtype)} (different element sizes)`;
  let shape = x.shape, strides = x.strides;
  if (from !== to) {
    if (x.ndim === 0) {
      throw new TypeError(`self.dim() cannot be 0 to ${names}`);
    }
    if (x.strides[last] !== 1) {
      throw new TypeError(`self.stride(-1) must be 1 to ${names}, but got ${x.strides[last]}`);
    }
    const ratio = to / from;
    const fits = (value: number) => Number.isInteger(value / ratio);
    if (!fits(x.shape[last])) {
      throw new TypeError(
        `self.size(-1) must be divisible by ${ratio} to ${names}, but got ${x.shape[last]}`,
      );
    }
    x.strides.forEach((s, d) => {
      if (d !== last && !fits(s)) {
        throw new TypeError(`self.stride(${d}) must be divisible by ${ratio} to ${names}, but got ${s}`);
      }
    });
    shape = frozen(x.shape.map((s, d) => d === last ? s / ratio : s));
    strides = frozen(x.strides.map((s, d) => d === last ? s : s / ratio));
  }
  const { storage } = x, whole = storage.length * from;
  const begin = storage.device === "cpu" ? storage.ownData.byteOffset : 0, first = begin + x.offset * from;
  if (first % to !== 0 || whole % to !== 0) {
    throw new TypeError(
      `the memory from byte ${first} on, ${whole} bytes in all, is not laid out for elements of ${to} bytes: ` +
        `clone() the tensor to ${names}`,
    );
  }
  const other = storage.as(dtype);
  if (other === null) {
    throw new TypeError(
      `cannot view ${typeName(x.dtype)} as ${
        typeName(dtype)
      } on device "${x.device}", whose memory holds them in ` +
        `different ways: use t.cpu().view("${dtype}")`,
    );
  }
  const out = new Tensor(other, x.offset * from / to, shape, strides);
  out.counter = x.counter;
  return out;
}

/** The methods of this family. */
export interface StridedMethods {
  /** Any window on the memory. */
  asStrided(size: readonly number[], stride: readonly number[], storageOffset?: number): Tensor;
}

const methods: StridedMethods & ThisType<Tensor> = {
  asStrided(size, stride, storageOffset) {
    return asStrided(this, size, stride, storageOffset);
  },
};
installMethods(methods);
