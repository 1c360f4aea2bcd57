/**
 * How elements lie in GPU memory: WGSL has 32-bit integers only, so each of int8, uint8, int16 and bool takes a 32-bit integer
 * there (its value, a bool as 0 or 1) and is converted when it is uploaded or read. float16 and float64 lie as they are where the
 * device has them.
 *
 * int64 is carried as a 32-bit integer, too: it is the type of indices and class numbers, which fit. Numbers that do not are
 * refused when they are uploaded; a result that does not, of arithmetic (`int64.ts`), of a sum (`overflow.ts`) or of a float that is
 * converted, is reported by the next read. NaN and infinities become 0, as on the CPU.
 * @module
 */
import { allocate, type DType, itemSize, type TypedArray } from "../../tensor/dtype.ts";
import type { Gpu } from "./gpu.ts";

/** WGSL's name of the element type in memory. */
export type ElementType = "f32" | "f16" | "f64" | "i32";

/** The element type of a dtype. */
export function elementType(dtype: DType): ElementType {
  switch (dtype) {
    case "float32":
      return "f32";
    case "float16":
      return "f16";
    case "float64":
      return "f64";
    default:
      return "i32";
  }
}

/** Bytes of an element in GPU memory. */
export function elementBytes(dtype: DType): number {
  return dtype === "float16" ? 2 : dtype === "float64" ? 8 : 4;
}

/** Whether elements of two types can share memory, because their bits here are those of PyTorch's or the same 32. */
export function sameBits(a: DType, b: DType): boolean {
  const exact = (dtype: DType) => elementBytes(dtype) === itemSize(dtype);
  const small = (dtype: DType) => dtype === "bool" || dtype === "uint8";
  return a === b || (exact(a) && exact(b)) || (small(a) && small(b));
}

/**
 * Checks that a device has elements of this type.
 *
 * @throws {TypeError} if it does not; the message says what to do.
 */
export function checkElements(gpu: Gpu, dtype: DType): void {
  if (dtype === "float16" && !gpu.info.float16) {
    throw new TypeError('this GPU has no float16: convert to "float32", or use device "cpu"');
  }
  if (dtype === "float64" && !gpu.info.float64) {
    throw new TypeError('this GPU has no float64: convert to "float32", or use device "cpu"');
  }
}

/** Whether the GPU, which carries int64 in 32 bits, can hold a number. */
export function checkInt64(value: number | bigint): number {
  if (value >= -2147483648 && value <= 2147483647) return Number(value);
  throw new RangeError(
    `the GPU carries int64 in 32 bits, which cannot hold ${value}: convert to a float dtype, or use device "cpu"`,
  );
}

/** The low halves of int64 elements, which must be all there is to them. */
function halves(array: BigInt64Array): Int32Array<ArrayBuffer> {
  const words = new Int32Array(array.buffer, array.byteOffset, 2 * array.length);
  const out = new Int32Array(array.length);
  for (let i = 0; i < out.length; i++) {
    const low = words[2 * i];
    if (words[2 * i + 1] !== low >> 31) checkInt64(array[i]);
    out[i] = low;
  }
  return out;
}

/**
 * Elements as they lie in GPU memory, filled up to a multiple of 4 bytes.
 *
 * @throws {RangeError} for an int64 that does not fit into 32 bits.
 */
export function encode(array: TypedArray, dtype: DType): ArrayBufferView<ArrayBuffer> {
  if (array instanceof BigInt64Array) return halves(array);
  if (elementType(dtype) === "i32") {
    return (array instanceof Int32Array ? array : Int32Array.from(array as Int8Array)) as Int32Array<
      ArrayBuffer
    >;
  }
  if (dtype !== "float16" || array.length % 2 === 0) return array as Float32Array<ArrayBuffer>;
  const even = new Float16Array(array.length + 1);
  even.set(array as Float16Array);
  return even;
}

/** The inverse of {@linkcode encode}. */
export function decode(bytes: ArrayBuffer, dtype: DType, length: number): TypedArray {
  switch (dtype) {
    case "float32":
      return new Float32Array(bytes, 0, length);
    case "float64":
      return new Float64Array(bytes, 0, length);
    case "float16":
      return new Float16Array(bytes, 0, length);
    case "int32":
      return new Int32Array(bytes, 0, length);
    case "int64": {
      const from = new Int32Array(bytes, 0, length), array = new BigInt64Array(length);
      const words = new Int32Array(array.buffer);
      for (let i = 0; i < length; i++) {
        words[2 * i] = from[i];
        words[2 * i + 1] = from[i] >> 31;
      }
      return array;
    }
    default: {
      const array = allocate(dtype, length);
      (array as Int8Array).set(new Int32Array(bytes, 0, length));
      return array;
    }
  }
}
