/**
 * NumPy's legacy random numbers (`numpy.random.seed`, `rand`, `randn`, ...), for lessons that start from NumPy.
 * @module
 */

import { Mt19937 } from "./mt19937.ts";

const MAX_SEED = 2 ** 32 - 1;
const INT64_END = 1n << 63n;

/** How many numbers a method draws: one size, or several whose product counts. The caller gives the result its shape. */
export type Size = number | readonly number[];

/** All that decides a {@linkcode RandomState}'s future: NumPy's `get_state()` with names. */
export interface RandomStateSnapshot {
  /** The 624 words of the Mersenne Twister. */
  readonly key: Uint32Array<ArrayBuffer>;
  /** How many of them are used up. */
  readonly pos: number;
  /** Whether a normal number waits for the next call. */
  readonly hasGauss: boolean;
  /** That number, or 0. */
  readonly cachedGaussian: number;
}

/** What {@linkcode RandomState.choice} draws. */
export interface ChoiceOptions {
  /** Whether one index may come several times. Default: true. */
  replace?: boolean;
  /** The probability of each index; they sum to one. Default: all the same. */
  p?: ArrayLike<number>;
}

/**
 * NumPy's `RandomState`: the stream behind `numpy.random.seed(n)`. Numbers come as flat arrays in row-major order: a
 * Float64Array, or a BigInt64Array where NumPy gives int64. They are NumPy's bit for bit, but for the last bit of
 * logarithms in normal and exponential numbers.
 *
 * @example
 * ```ts
 * import { RandomState } from "./numpy.ts";
 * const state = new RandomState(0);
 * console.log(state.rand(2)); // [0.5488135039273248, 0.7151893663724195]
 * ```
 */
export class RandomState {
  readonly #engine = new Mt19937();
  #gauss: number | null = null;

  /**
   * A stream of its own.
   *
   * @param seed as for {@linkcode RandomState.seed}; without one, nobody can foretell the numbers
   */
  constructor(seed?: number | ArrayLike<number>) {
    this.seed(seed);
  }

  /**
   * Starts the stream of a seed, and forgets the cached normal.
   *
   * @param seed an integer from 0 to 2^32 - 1, or several; without one, nobody can foretell the numbers
   */
  seed(seed?: number | ArrayLike<number>): void {
    if (seed === undefined) {
      this.#engine.seedByArray(crypto.getRandomValues(new Uint32Array(8)));
    } else if (typeof seed === "number") {
      if (!isSeed(seed)) throw new RangeError(`Seed must be between 0 and 2**32 - 1, but got ${seed}`);
      this.#engine.seed(seed);
    } else {
      if (typeof seed !== "object" || seed === null) {
        throw new TypeError(
          `The seed must be an integer or a list of integers, but got ${
            seed === null ? "null" : typeof seed
          }`,
        );
      }
      const key = Array.from(seed), bad = key.findIndex((word) => !isSeed(word));
      if (bad >= 0) {
        throw new RangeError(`Seed values must be between 0 and 2**32 - 1, but number ${bad} is not`);
      }
      this.#engine.seedByArray(Uint32Array.from(key));
    }
    this.#gauss = null;
  }

  /** A copy of the state. */
  getState(): RandomStateSnapshot {
    const { words, position } = this.#engine.getState();
    return { key: words, pos: position, hasGauss: this.#gauss !== null, cachedGaussian: this.#gauss ?? 0 };
  }

  /** Continues from a state that {@linkcode RandomState.getState} gave. */
  setState(state: RandomStateSnapshot): void {
    this.#engine.setState({ words: state.key, position: state.pos });
    this.#gauss = state.hasGauss ? state.cachedGaussian : null;
  }

  /**
   * Uniform numbers from [0, 1).
   *
   * @param sizes the sizes of the result; none for one number
   */
  rand(...sizes: number[]): Float64Array<ArrayBuffer> {
    return this.randomSample(sizes);
  }

  /**
   * Standard normal numbers.
   *
   * @param sizes the sizes of the result; none for one number
   */
  randn(...sizes: number[]): Float64Array<ArrayBuffer> {
    return this.normal(0, 1, sizes);
  }

  /** Uniform numbers from [0, 1): `rand` with the sizes in one argument. */
  randomSample(size: Size = 1): Float64Array<ArrayBuffer> {
    return fill(size, () => this.#double());
  }

  /** Uniform numbers from [low, high). */
  uniform(low: number = 0, high: number = 1, size: Size = 1): Float64Array<ArrayBuffer> {
    const range = high - low;
    if (!Number.isFinite(range)) {
      throw new RangeError(`Range exceeds valid bounds: uniform from ${low} to ${high}`);
    }
    return fill(size, () => low + range * this.#double());
  }

  /** Normal numbers with the mean `loc` and the standard deviation `scale`. */
  normal(loc: number = 0, scale: number = 1, size: Size = 1): Float64Array<ArrayBuffer> {
    if (!(scale >= 0)) throw new RangeError(`scale < 0: normal got the standard deviation ${scale}`);
    return fill(size, () => loc + scale * this.#normal());
  }

  /** Exponential numbers with the mean `scale`. */
  exponential(scale: number = 1, size: Size = 1): Float64Array<ArrayBuffer> {
    if (!(scale >= 0)) throw new RangeError(`scale < 0: exponential got the mean ${scale}`);
    return fill(size, () => scale * -Math.log(1 - this.#double()));
  }

  /**
   * Integers from [low, high), or from [0, low) if `high` is null or left out. They are those of NumPy's int64, which
   * its other types below 32 bits do not share.
   */
  randint(
    low: number | bigint,
    high: number | bigint | null = null,
    size: Size = 1,
  ): BigInt64Array<ArrayBuffer> {
    const from = high === null ? 0n : toInteger(low);
    const to = toInteger(high ?? low);
    if (from < -INT64_END) throw new RangeError(`low is out of bounds for int64: it is ${from}`);
    if (to > INT64_END) throw new RangeError(`high is out of bounds for int64: it is ${to}`);
    if (from >= to) throw new RangeError(`low >= high: randint from ${from} to ${to}`);
    const out = new BigInt64Array(count(size));
    const last = to - from - 1n;
    if (last <= BigInt(MAX_SEED)) {
      const max = Number(last);
      for (let i = 0; i < out.length; i++) out[i] = from + BigInt(this.#below32(max));
    } else {
      for (let i = 0; i < out.length; i++) out[i] = from + this.#below64(last);
    }
    return out;
  }

  /** Shuffles an array in place. */
  shuffle(items: unknown[] | Float64Array | Float32Array | Int32Array | BigInt64Array): void {
    const array = items as unknown[];
    for (let i = array.length - 1; i > 0; i--) {
      const j = this.#below32(i);
      const kept = array[i];
      array[i] = array[j];
      array[j] = kept;
    }
  }

  /** The integers from 0 to n - 1, shuffled. */
  permutation(n: number): BigInt64Array<ArrayBuffer> {
    const order = BigInt64Array.from({ length: count(n) }, (_, i) => BigInt(i));
    this.shuffle(order);
    return order;
  }

  /**
   * Indices from 0 to n - 1, chosen at random (NumPy's `choice(n, ...)`).
   *
   * @param n how many there are to choose from
   * @param size how many to choose
   */
  choice(n: number, size: Size = 1, options: ChoiceOptions = {}): BigInt64Array<ArrayBuffer> {
    const { replace = true, p } = options;
    const picks = count(size);
    if (!Number.isInteger(n) || n < 0 || (n === 0 && picks > 0)) {
      throw new RangeError(`a must be greater than 0 unless no samples are taken, but got ${n}`);
    }
    if (p !== undefined) checkProbabilities(p, n);
    if (!replace && picks > n) {
      throw new RangeError(
        `Cannot take a larger sample than population when 'replace=False': ${picks} from ${n}`,
      );
    }
    if (p === undefined) {
      if (picks === 0) return new BigInt64Array(0);
      return replace ? this.randint(0, n, picks) : this.permutation(n).slice(0, picks);
    }
    const weights = Float64Array.from(p);
    if (replace) {
      const cumulative = cumulate(weights);
      return BigInt64Array.from({ length: picks }, () => BigInt(searchRight(cumulative, this.#double())));
    }
    if (weights.filter((w) => w > 0).length < picks) {
      throw new RangeError(`Fewer non-zero entries in p than size: ${picks} are asked for`);
    }
    const found = new Set<number>();
    while (found.size < picks) {
      const draws = this.randomSample(picks - found.size);
      for (const index of found) weights[index] = 0;
      const cumulative = cumulate(weights);
      for (const u of draws) found.add(searchRight(cumulative, u));
    }
    return BigInt64Array.from(found, BigInt);
  }

  /** A multiple of 2^-53 in [0, 1). */
  #double(): number {
    const high = this.#engine.next() >>> 5;
    return (high * 2 ** 26 + (this.#engine.next() >>> 6)) * 2 ** -53;
  }

  /** A standard normal: Marsaglia's polar method, whose second number waits for the next call. */
  #normal(): number {
    if (this.#gauss !== null) {
      const cached = this.#gauss;
      this.#gauss = null;
      return cached;
    }
    let x: number, y: number, square: number;
    do {
      x = 2 * this.#double() - 1;
      y = 2 * this.#double() - 1;
      square = x * x + y * y;
    } while (square >= 1 || square === 0);
    const factor = Math.sqrt(-2 * Math.log(square) / square);
    this.#gauss = factor * x;
    return factor * y;
  }

  /** An integer from 0 to max (below 2^32): masked draws until one fits. */
  #below32(max: number): number {
    if (max === 0) return 0;
    const mask = 0xffffffff >>> Math.clz32(max);
    let value: number;
    do value = (this.#engine.next() & mask) >>> 0; while (value > max);
    return value;
  }

  /** An integer from 0 to max (below 2^64): the same with two words a draw, the high one first. */
  #below64(max: bigint): bigint {
    const mask = (1n << BigInt(max.toString(2).length)) - 1n;
    let value: bigint;
    do {
      const high = this.#engine.next();
      value = ((BigInt(high) << 32n) | BigInt(this.#engine.next())) & mask;
    } while (value > max);
    return value;
  }
}

function isSeed(seed: number): boolean {
  return Number.isInteger(seed) && seed >= 0 && seed <= MAX_SEED;
}

function toInteger(value: number | bigint): bigint {
  if (typeof value === "number" && !Number.isInteger(value)) {
    throw new RangeError(`randint expects integers, but got ${value}`);
  }
  return BigInt(value);
}

function count(size: Size): number {
  const sizes = typeof size === "number" ? [size] : size;
  for (const n of sizes) {
    if (!Number.isInteger(n) || n < 0) {
      throw new RangeError(`a size must be an integer, 0 or more, but got ${n}`);
    }
  }
  return sizes.reduce((product, n) => product * n, 1);
}

function fill(size: Size, next: () => number): Float64Array<ArrayBuffer> {
  const out = new Float64Array(count(size));
  for (let i = 0; i < out.length; i++) out[i] = next();
  return out;
}

function checkProbabilities(p: ArrayLike<number>, n: number): void {
  if (p.length !== n) throw new RangeError(`'a' and 'p' must have same size, but got ${n} and ${p.length}`);
  const values = Array.from(p);
  if (values.some(Number.isNaN)) throw new RangeError("Probabilities contain NaN");
  if (values.some((x) => x < 0)) throw new RangeError("Probabilities are not non-negative");
  const sum = values.reduce((a, b) => a + b, 0);
  if (Math.abs(sum - 1) > 2 ** -26) throw new RangeError(`Probabilities do not sum to 1, but to ${sum}`);
}

function cumulate(weights: Float64Array): Float64Array {
  let sum = 0;
  const sums = weights.map((w) => sum += w);
  return sums.map((s) => s / sum);
}

/** The first index whose sum is above `u`. */
function searchRight(cumulative: Float64Array, u: number): number {
  let left = 0;
  let right = cumulative.length;
  while (left < right) {
    const middle = (left + right) >>> 1;
    if (cumulative[middle] <= u) left = middle + 1;
    else right = middle;
  }
  return left;
}
