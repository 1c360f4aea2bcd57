/**
 * Normal numbers, as PyTorch's `normal_`, `randn` and `trunc_normal_` make them.
 * @module
 */

import { type FillOptions, type FloatArray, streamNumber } from "./checks.ts";
import type { Generator } from "./generator.ts";
import { fma32, fma64, roundBfloat16 } from "./rounding.ts";
import { uniform } from "./uniform.ts";

const fround = Math.fround;
const BLOCK = 16;
const HALF_BLOCK = 8;

/** How {@linkcode normal} fills its array. */
export interface NormalOptions extends FillOptions {
  /**
   * Whether the tensor to fill is contiguous (the default). PyTorch fills other tensors one number at a time, in
   * memory order, whatever their size.
   */
  contiguous?: boolean;
}

/**
 * Fills an array with normal numbers.
 *
 * There are two algorithms: fewer than 16 numbers come one at a time, in float64 (and the generator keeps the second
 * of a pair for the next call); 16 and more come in blocks, in the array's own precision.
 *
 * @param out filled in full
 * @param mean the expectation
 * @param std the standard deviation, not negative
 * @param generator where the numbers come from
 */
export function normal(
  out: FloatArray,
  mean: number,
  std: number,
  generator: Generator,
  options: NormalOptions = {},
): void {
  if (!(std >= 0)) throw new RangeError(`normal expects std >= 0.0, but found std ${streamNumber(std)}`);
  const n = out.length;
  if (n < BLOCK || options.contiguous === false) {
    for (let i = 0; i < n; i++) {
      const value = fma64(generator.normal(), std, mean);
      out[i] = options.bfloat16 ? roundBfloat16(value) : value;
    }
  } else if (out instanceof Float64Array) {
    for (let i = 0; i < n; i++) out[i] = generator.uniform53();
    for (let i = 0; i + BLOCK <= n; i += BLOCK) fillBlock64(out, i, mean, std);
    if (n % BLOCK !== 0) {
      for (let i = n - BLOCK; i < n; i++) out[i] = generator.uniform53();
      fillBlock64(out, n - BLOCK, mean, std);
    }
  } else if (out instanceof Float32Array && !options.bfloat16) {
    normalBlocks32(out, n, mean, std, generator);
  } else {
    // The half precisions are float32 numbers, rounded; their incomplete block draws no numbers of its own.
    const wide = new Float32Array(n);
    normalBlocks32(wide, n - n % BLOCK, mean, std, generator);
    for (let i = 0; i < n; i++) out[i] = options.bfloat16 ? roundBfloat16(wide[i]) : wide[i];
  }
}

/** Fills `out` with float32 normals from `drawn` uniform numbers, and the last 16 anew where blocks do not fit. */
function normalBlocks32(
  out: Float32Array,
  drawn: number,
  mean: number,
  std: number,
  generator: Generator,
): void {
  const n = out.length;
  const mean32 = fround(mean);
  const std32 = fround(std);
  for (let i = 0; i < drawn; i++) out[i] = generator.uniform24();
  for (let i = 0; i + BLOCK <= n; i += BLOCK) fillBlock32(out, i, mean32, std32);
  if (n % BLOCK !== 0) {
    for (let i = n - BLOCK; i < n; i++) out[i] = generator.uniform24();
    fillBlock32(out, n - BLOCK, mean32, std32);
  }
}

/** Turns 16 uniform numbers into 16 normals, in float64: the pairs are 8 apart. */
function fillBlock64(data: Float64Array, start: number, mean: number, std: number): void {
  for (let j = start; j < start + HALF_BLOCK; j++) {
    const radius = Math.sqrt(-2 * Math.log(1 - data[j]));
    const angle = 2 * Math.PI * data[j + HALF_BLOCK];
    data[j] = fma64(radius * Math.cos(angle), std, mean);
    data[j + HALF_BLOCK] = fma64(radius * Math.sin(angle), std, mean);
  }
}

const TWO_PI = fround(2 * Math.PI);
const SQRT_HALF = fround(0.707106781186547524);
const LN2_HIGH = 0.693359375;
const LN2_LOW = fround(-2.12194440e-4);
const L0 = fround(7.0376836292e-2), L1 = fround(-1.1514610310e-1), L2 = fround(1.1676998740e-1);
const L3 = fround(-1.2420140846e-1), L4 = fround(1.4249322787e-1), L5 = fround(-1.6668057665e-1);
const L6 = fround(2.0000714765e-1), L7 = fround(-2.4999993993e-1), L8 = fround(3.3333331174e-1);
const FOUR_OVER_PI = fround(1.27323954473516);
const PI4_HIGH = -0.78515625,
  PI4_MIDDLE = fround(-2.4187564849853515625e-4),
  PI4_LOW = fround(-3.77489497744594108e-8);
const C0 = fround(2.443315711809948e-5),
  C1 = fround(-1.388731625493765e-3),
  C2 = fround(4.166664568298827e-2);
const S0 = fround(-1.9515295891e-4), S1 = fround(8.3321608736e-3), S2 = fround(-1.6666654611e-1);

/**
 * Turns 16 uniform numbers into 16 normals, in float32: the pairs are 8 apart. The logarithm, sine and cosine are the
 * Cephes polynomials that PyTorch's vector kernels use, each step rounded as there. A sum of two float32 needs no
 * {@linkcode fma32}, and neither does a product with a constant of few bits: both are exact in a double.
 */
function fillBlock32(data: Float32Array, start: number, mean: number, std: number): void {
  for (let j = start; j < start + HALF_BLOCK; j++) {
    const radius = fround(Math.sqrt(-2 * log32(fround(1 - data[j]))));
    const angle = fround(TWO_PI * data[j + HALF_BLOCK]);

    // the octant, rounded up to even, and what is left of the angle
    const octant = (Math.trunc(fround(angle * FOUR_OVER_PI)) + 1) & ~1;
    let x = fround(octant * PI4_HIGH + angle);
    x = fround(octant * PI4_MIDDLE + x);
    x = fma32(octant, PI4_LOW, x);
    const z = fround(x * x);
    let c = fround(fma32(fma32(C0, z, C1), z, C2) * z);
    c = fround(fma32(c, z, -fround(z * 0.5)) + 1);
    let s = fround(fma32(fma32(S0, z, S1), z, S2) * z);
    s = fma32(s, x, x);

    const swap = (octant & 2) !== 0;
    const sin = swap ? c : s;
    const cos = swap ? s : c;
    data[j] = fma32(fround(radius * (((octant - 2) & 4) === 0 ? -cos : cos)), std, mean);
    data[j + HALF_BLOCK] = fma32(fround(radius * ((octant & 4) !== 0 ? -sin : sin)), std, mean);
  }
}

/** The logarithm of a multiple of 2^-24 in (0, 1], in float32. */
function log32(u: number): number {
  const k = u * 2 ** 24;
  const zeros = Math.clz32(k);
  let e = 8 - zeros;
  let x = (k << zeros >>> 0) * 2 ** -32; // in [0.5, 1)
  if (x < SQRT_HALF) {
    e -= 1;
    x = fround(fround(x - 1) + x);
  } else {
    x = fround(x - 1);
  }
  const z = fround(x * x);
  let y = fma32(fma32(fma32(fma32(L0, x, L1), x, L2), x, L3), x, L4);
  y = fma32(fma32(fma32(fma32(y, x, L5), x, L6), x, L7), x, L8);
  y = fma32(fround(y * x), z, fround(e * LN2_LOW));
  y = fround(y - z * 0.5);
  return fround(e * LN2_HIGH + fround(x + y));
}

/**
 * Fills an array with normal numbers that all lie in [a, b] (`nn.init.trunc_normal_`).
 *
 * @param out filled in full
 * @param mean the expectation before the cut
 * @param std the standard deviation before the cut, above zero
 * @param a the lower bound
 * @param b the upper bound, above `a`
 * @param generator where the numbers come from
 */
export function truncNormal(
  out: FloatArray,
  mean: number,
  std: number,
  a: number,
  b: number,
  generator: Generator,
  options: FillOptions = {},
): void {
  if (!(std > 0)) throw new RangeError(`trunc_normal_ expects std > 0.0, but found std=${streamNumber(std)}`);
  if (!(a < b)) {
    throw new RangeError(
      `trunc_normal_ expects a < b, but found a=${streamNumber(a)} and b=${streamNumber(b)}`,
    );
  }
  const mass = normalCdf((b - mean) / std) - normalCdf((a - mean) / std);
  const draw = mass > 0.3 ? replaceOutside : acceptOrRedraw;
  draw(out, mean, std, a, b, generator, options);
}

type Truncate = (
  out: FloatArray,
  mean: number,
  std: number,
  a: number,
  b: number,
  generator: Generator,
  options: FillOptions,
) => void;

/** The interval holds much of the mass: draw whole arrays until each place has seen a number inside. */
const replaceOutside: Truncate = (out, mean, std, a, b, generator, options) => {
  const round = rounderOf(out, options);
  const low = round(a), high = round(b);
  const isOutside = (x: number) => x < low || x > high;
  normal(out, mean, std, generator, options);
  const fresh = out.slice();
  while (out.some(isOutside)) {
    normal(fresh, mean, std, generator, options);
    for (let i = 0; i < out.length; i++) if (isOutside(out[i])) out[i] = fresh[i];
  }
};

/** The interval lies in a tail: uniform candidates, each accepted with its density relative to the largest one. */
const acceptOrRedraw: Truncate = (out, mean, std, a, b, generator, options) => {
  const round = rounderOf(out, options);
  const mean32 = round(mean), std32 = round(std);
  const mode = (Math.max(a, Math.min(mean, b)) - mean) / std;
  const best = round(-0.5 * mode * mode);
  const candidates = out.slice();
  const chances = out.slice();
  const pending = new Uint8Array(out.length).fill(1);
  while (pending.includes(1)) {
    uniform(candidates, a, b, generator, options);
    uniform(chances, 0, 1, generator, options);
    for (let i = 0; i < out.length; i++) {
      if (pending[i] === 0) continue;
      out[i] = candidates[i];
      const t = round(round(candidates[i] - mean32) / std32);
      const logDensity = round(round(-0.5 * round(t * t)) - best);
      if (round(Math.log(chances[i])) <= logDensity) pending[i] = 0;
    }
  }
};

function rounderOf(out: FloatArray, options: FillOptions): (x: number) => number {
  if (options.bfloat16) return roundBfloat16;
  if (out instanceof Float64Array) return (x) => x;
  return out instanceof Float32Array ? fround : (x) => Math.f16round(x);
}

/** The standard normal distribution function, to about 1e-7: enough to choose an algorithm. */
function normalCdf(x: number): number {
  // Abramowitz and Stegun, 7.1.26, at x / sqrt(2)
  const t = 1 / (1 + 0.3275911 * Math.abs(x) * Math.SQRT1_2);
  const tail = t *
    (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429)))) *
    Math.exp(-x * x / 2) / 2;
  return x < 0 ? tail : 1 - tail;
}
