/**
 * How elements lie in GPU memory: WGSL has 32-bit integers only, so each of int8, uint8, int16 and bool takes a 32-bit integer
 * there (its value, a bool as 0 or 1) and is converted when it is uploaded or read. float16 and float64 lie as they are where the
 * device has them. int64 is refused.
 * @module
 */
import { allocate, type DType, type TypedArray } from "../../tensor/dtype.ts";
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

/**
 * Checks that a device has elements of this type.
 *
 * @throws {TypeError} if it does not; the message says what to do.
 */
export function checkElements(gpu: Gpu, dtype: DType): void {
  if (dtype === "int64") {
    throw new TypeError('the GPU has no int64: convert to "int32" if the values fit, or use device "cpu"');
  }
  if (dtype === "float16" && !gpu.info.float16) {
    throw new TypeError('this GPU has no float16: convert to "float32", or use device "cpu"');
  }
  if (dtype === "float64" && !gpu.info.float64) {
    throw new TypeError('this GPU has no float64: convert to "float32", or use device "cpu"');
  }
}

/** Elements as they lie in GPU memory, filled up to a multiple of 4 bytes. */
export function encode(array: TypedArray, dtype: DType): ArrayBufferView<ArrayBuffer> {
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
    default: {
      const array = allocate(dtype, length);
      (array as Int8Array).set(new Int32Array(bytes, 0, length));
      return array;
    }
  }
}
