/**
 * Roundings that JavaScript has no function for: fused multiply-add, which PyTorch's kernels use, and bfloat16.
 * @module
 */

const fround = Math.fround;

/**
 * `a * b + c` of float32 numbers, rounded once to float32.
 *
 * The product of two float32 is exact in a double, so only the sum rounds; rounding it again to float32 goes wrong
 * only if the double fell exactly on the middle between two float32. That is found without looking at bits: `s` is
 * a middle if its mirror image `q` of the rounded `r` is a float32 too.
 */
export function fma32(a: number, b: number, c: number): number {
  const s = a * b + c;
  const r = fround(s);
  const q = s + (s - r);
  if (q === r || fround(q) !== q) return r;
  return resolveMiddle(a * b, c, s, r, q);
}

/** The sum `p + c` rounds to the middle `s` of the float32 `r` and `q`: its lost part says which of them is nearer. */
function resolveMiddle(p: number, c: number, s: number, r: number, q: number): number {
  if (!Number.isFinite(r)) return r;
  const t = s - p;
  const lost = (p - (s - t)) + (c - t);
  if (lost > 0) return Math.max(r, q);
  if (lost < 0) return Math.min(r, q);
  return r;
}

const bits = new DataView(new ArrayBuffer(8));
const SPLIT = 2 ** 27 + 1;
/** Factors beyond this would overflow when split in halves. */
const SPLIT_LIMIT = 2 ** 990;
const SCALE = 2 ** 64;

/** `a * b + c` of finite doubles, rounded once (after Boldo and Melquiond), barring underflow. */
export function fma64(a: number, b: number, c: number): number {
  if (c === 0) return a * b + c;
  if (Math.abs(a) > SPLIT_LIMIT) return fma64(a / SCALE, b, c / SCALE) * SCALE;
  if (Math.abs(b) > SPLIT_LIMIT) return fma64(a, b / SCALE, c / SCALE) * SCALE;
  const product = a * b;
  let t = SPLIT * a;
  const aHigh = t - (t - a), aLow = a - aHigh;
  t = SPLIT * b;
  const bHigh = t - (t - b), bLow = b - bHigh;
  const productLow = ((aHigh * bHigh - product) + aHigh * bLow + aLow * bHigh) + aLow * bLow;
  // product + productLow + c, exactly, as high + middle + low with the largest part first
  const sum = c + productLow;
  t = sum - c;
  const sumLow = (c - (sum - t)) + (productLow - t);
  const high = product + sum;
  t = high - product;
  const highLow = (product - (high - t)) + (sum - t);
  return high + addToOdd(sumLow, highLow);
}

/** `x + y`, where an inexact sum gets the neighbour with an odd last bit, so that a later rounding sees the rest. */
function addToOdd(x: number, y: number): number {
  const sum = x + y;
  const t = sum - x;
  const lost = (x - (sum - t)) + (y - t);
  if (lost === 0) return sum;
  bits.setFloat64(0, sum);
  const pattern = bits.getBigInt64(0);
  if ((pattern & 1n) === 1n) return sum;
  bits.setBigInt64(0, pattern + ((lost > 0) === (sum > 0) ? 1n : -1n));
  return bits.getFloat64(0);
}

const float = new Float32Array(1);
const word = new Int32Array(float.buffer);

/** The bfloat16 nearest to a number, through float32 (as PyTorch casts), ties to even. */
export function roundBfloat16(x: number): number {
  float[0] = x;
  if (x !== x) return x;
  word[0] = (word[0] + 0x7fff + ((word[0] >>> 16) & 1)) & 0xffff0000;
  return float[0];
}
