/**
 * Random integers, as PyTorch's `randint`, `random_` and `randperm` make them.
 * @module
 */

import { dtypeOf, type FillOptions, type NumberArray } from "./checks.ts";
import type { Generator } from "./generator.ts";
import { roundBfloat16 } from "./rounding.ts";

/** From this range on a number takes 64 random bits. */
const WIDE = 1n << 28n;
const INT64_MIN = -(1n << 63n);
const INT64_END = 1n << 63n;

/** Bits of the significand: integers up to 2 to this power are exact. */
const DIGITS: Record<string, number> = { float16: 11, bfloat16: 8, float32: 24, float64: 53 };
const INTEGER_BITS: Record<string, number> = { int8: 7, uint8: 8, int16: 15, int32: 31, int64: 63 };
const FLOAT16_LARGEST = 65504n;

/** How integers are drawn into an array. */
export interface IntegerOptions extends FillOptions {
  /** The `Uint8Array` holds booleans. */
  bool?: boolean;
}

/**
 * Fills an array with integers from [low, high) (`randint`, and `random_` with bounds). The draws do not depend on the
 * array's type.
 *
 * @param out filled in full; a BigInt64Array gets bigints, all others numbers
 * @param low the lower bound, included
 * @param high the upper bound, excluded; 2^63 stands for "up to the largest int64"
 * @param generator where the numbers come from: one draw a number, two if `high - low` is 2^28 or more
 */
export function randintFill(
  out: NumberArray | BigInt64Array,
  low: number | bigint,
  high: number | bigint,
  generator: Generator,
  options: IntegerOptions = {},
): void {
  let from = toInteger("low", low);
  let to = toInteger("high", high);
  const dtype = options.bool ? "bool" : dtypeOf(out, options);
  checkOrder(from, to, "");
  checkRange("from", from, dtype);
  checkRange("to - 1", to - 1n, dtype);
  if (dtype in DIGITS) {
    [from, to] = [raiseToExact(from, DIGITS[dtype]), lowerToExact(to, DIGITS[dtype])];
    checkOrder(from, to, " casted to dtype");
  }
  const range = to - from;
  const n = out.length;
  if (out instanceof BigInt64Array) {
    if (range >= WIDE) {
      for (let i = 0; i < n; i++) out[i] = from + generator.random64() % range;
    } else {
      const narrow = Number(range);
      for (let i = 0; i < n; i++) out[i] = from + BigInt(generator.random() % narrow);
    }
  } else {
    const start = Number(from), narrow = Number(range);
    if (range < WIDE && Number.isSafeInteger(start) && Number.isSafeInteger(start + narrow)) {
      for (let i = 0; i < n; i++) out[i] = start + generator.random() % narrow;
    } else {
      // Rounded to a double first, some of them would round wrongly to a float32 then.
      const digits = out instanceof Float64Array ? 53 : 24;
      for (let i = 0; i < n; i++) {
        const word = range < WIDE ? BigInt(generator.random()) : generator.random64();
        const value = from + word % range;
        out[i] = Number(dtype in DIGITS ? roundToDigits(value, digits) : value);
      }
    }
    if (options.bfloat16) { for (let i = 0; i < n; i++) out[i] = roundBfloat16(Number(out[i])); }
  }
}

/**
 * Fills an array with integers over its type's whole non-negative range (`random_` without bounds): for floats, those
 * up to which every integer is exact.
 *
 * @param out filled in full
 * @param generator where the numbers come from: one draw a number, two for int64 and float64
 */
export function randomFill(
  out: NumberArray | BigInt64Array,
  generator: Generator,
  options: IntegerOptions = {},
): void {
  const n = out.length;
  if (out instanceof BigInt64Array) {
    for (let i = 0; i < n; i++) out[i] = generator.random64() & (INT64_END - 1n);
  } else if (out instanceof Float64Array) {
    const range = (1n << 53n) + 1n;
    for (let i = 0; i < n; i++) out[i] = Number(generator.random64() % range);
  } else {
    const dtype = options.bool ? "bool" : dtypeOf(out, options);
    const range = dtype === "bool" ? 2 : dtype in DIGITS ? 2 ** DIGITS[dtype] + 1 : 2 ** INTEGER_BITS[dtype];
    for (let i = 0; i < n; i++) out[i] = generator.random() % range;
  }
}

/**
 * A random permutation of 0 to n - 1.
 *
 * @param n how many numbers, from 0 to 2^31 - 1
 * @param generator where the numbers come from: n - 1 draws
 */
export function randperm(n: number, generator: Generator): Int32Array<ArrayBuffer> {
  if (!Number.isInteger(n)) throw new RangeError(`randperm expects an integer n, but got ${n}`);
  if (n < 0) throw new RangeError(`Trying to create tensor with negative dimension ${n}: [${n}]`);
  if (n >= 2 ** 31) throw new RangeError(`randperm expects n below 2^31, but got ${n}`);
  const order = new Int32Array(n);
  // For so many numbers 32 bits would favour some orders noticeably, and PyTorch takes another loop with 64.
  if (n >= (2 ** 32 - 1) / 20) {
    for (let i = 0; i < n; i++) {
      const j = Number(generator.random64() % BigInt(i + 1));
      order[i] = order[j];
      order[j] = i;
    }
    return order;
  }
  for (let i = 0; i < n; i++) order[i] = i;
  for (let i = 0; i < n - 1; i++) {
    const j = i + generator.random() % (n - i);
    const kept = order[i];
    order[i] = order[j];
    order[j] = kept;
  }
  return order;
}

function toInteger(name: string, value: number | bigint): bigint {
  if (typeof value === "bigint") return value;
  if (!Number.isInteger(value)) throw new RangeError(`randint expects an integer ${name}, but got ${value}`);
  return BigInt(value);
}

function checkOrder(from: bigint, to: bigint, cast: string): void {
  if (from >= to) {
    throw new RangeError(
      `random_ expects 'from'${cast} to be less than 'to'${cast}, but got from=${from} >= to=${to}`,
    );
  }
}

function checkRange(name: string, value: bigint, dtype: string): void {
  let [smallest, largest] = [INT64_MIN, INT64_END - 1n];
  if (dtype === "float16") [smallest, largest] = [-FLOAT16_LARGEST, FLOAT16_LARGEST];
  else if (dtype === "bool") [smallest, largest] = [0n, 1n];
  else if (dtype === "uint8") [smallest, largest] = [0n, 255n];
  else if (dtype in INTEGER_BITS) {
    largest = (1n << BigInt(INTEGER_BITS[dtype])) - 1n;
    smallest = -largest - 1n;
  }
  if (value < smallest || value > largest) {
    throw new RangeError(`${name} is out of bounds for ${dtype}: it is ${value}`);
  }
}

/** The least integer from `from` on that a float with so many digits represents, if rounding would go below it. */
function raiseToExact(from: bigint, digits: number): bigint {
  const rounded = roundToDigits(from + 1n, digits);
  return rounded < from ? rounded + step(from + 1n, digits) : from;
}

/** The bound below which no rounding reaches `to`. */
function lowerToExact(to: bigint, digits: number): bigint {
  const rounded = roundToDigits(to - 1n, digits);
  return rounded >= to ? rounded - step(to - 1n, digits) : to;
}

/** The distance between floats with so many digits near an integer beyond them. */
function step(value: bigint, digits: number): bigint {
  const bits = (value < 0n ? -value : value).toString(2).length;
  return 1n << BigInt(Math.max(0, bits - digits));
}

function roundToDigits(value: bigint, digits: number): bigint {
  const unit = step(value, digits);
  if (unit === 1n) return value;
  const size = value < 0n ? -value : value;
  const quotient = size / unit, twice = (size % unit) * 2n;
  const up = twice > unit || (twice === unit && (quotient & 1n) === 1n);
  const result = (quotient + (up ? 1n : 0n)) * unit;
  return value < 0n ? -result : result;
}
