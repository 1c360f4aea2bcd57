/**
 * JavaScript values as elements.
 * @module
 */

import { checkDType, type DType, type Scalar } from "./dtype.ts";

/** A value as it is stored in `dtype`, rounded or cut; RangeError for an integer that does not fit. */
export function castScalar(value: Scalar, dtype: DType): number | bigint {
  switch (dtype) {
    case "bool":
      return value ? 1 : 0; // NaN counts as true in PyTorch
    case "int64":
      if (typeof value === "bigint") return checkedInt64(value);
      return checkedInt64(BigInt(wholeNumber(Number(value), dtype)));
    case "float64":
      return Number(value);
    case "float32":
      return Math.fround(Number(value));
    case "float16":
      return Math.f16round(Number(value));
    default: {
      const [low, high] = ranges[checkDType(dtype)]!;
      const whole = wholeNumber(Number(value), dtype);
      if (whole < low || whole > high) {
        throw new RangeError(`value cannot be converted to type ${dtype} without overflow: ${value}`);
      }
      return whole;
    }
  }
}

const ranges: Partial<Record<DType, readonly [number, number]>> = {
  int8: [-128, 127],
  uint8: [-128, 255],
  int16: [-32768, 32767],
  int32: [-2147483648, 2147483647],
};

function wholeNumber(value: number, dtype: DType): number {
  if (!Number.isFinite(value)) {
    throw new RangeError(`value cannot be converted to type ${dtype} without overflow: ${value}`);
  }
  return Math.trunc(value) + 0;
}

function checkedInt64(value: bigint): bigint {
  if (BigInt.asIntN(64, value) !== value) throw new RangeError(`Overflow when unpacking long long: ${value}`);
  return value;
}
