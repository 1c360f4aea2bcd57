/**
 * A generator whose numbers are a function of their place: Philox 4x32-10 (J. Salmon, M. Moraes, R. Dror and D. Shaw, "Parallel
 * random numbers: as easy as 1, 2, 3", 2011). A GPU can compute any of them at once, so that large fills need no upload.
 * @module
 */

/** Numbers of a place: four words. */
const WORDS_A_BLOCK = 4;

/**
 * A stream of random numbers that the CPU and the GPU compute alike, bit for bit, each where a tensor is. Unlike a
 * `Generator` it does not give PyTorch's numbers. It serves `rand`, `randn`, `randint`, their likes, and the methods
 * `uniform_`, `normal_`, `random_` with bounds, and `bernoulli_` with a number. Normal numbers have float32's precision in
 * every dtype. Make one with {@linkcode philox}.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * const generator = dg.philox(0);
 * dg.rand(1000, { generator }); // with device: "webgpu" the same numbers, made there
 * ```
 */
export class Philox {
  #seed = 0n;
  #place = 0;

  /** A stream of its own; see {@linkcode Philox.manualSeed}. */
  constructor(seed: number | bigint = 0) {
    this.manualSeed(seed);
  }

  /** Starts the stream of a seed: an integer from -2^63 to 2^64 - 1; a negative one counts as seed + 2^64. */
  manualSeed(seed: number | bigint): this {
    if (typeof seed !== "bigint" && typeof seed !== "number") {
      throw new TypeError(`philox(): seed must be a number or a bigint, but got ${typeof seed}`);
    }
    if (typeof seed === "number" && !Number.isSafeInteger(seed)) {
      throw new RangeError(
        `philox(): seed must be an integer, exact as a number or a bigint, got ${seed}`,
      );
    }
    const value = BigInt(seed);
    if (value < -(1n << 63n) || value >= 1n << 64n) {
      throw new RangeError(`philox(): seed must be from -2^63 to 2^64 - 1, got ${value}`);
    }
    this.#seed = BigInt.asUintN(64, value);
    this.#place = 0;
    return this;
  }

  /** The seed in use, from 0 to 2^64 - 1: a number where that is exact, else a bigint. */
  initialSeed(): number | bigint {
    return this.#seed <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(this.#seed) : this.#seed;
  }

  /** The place of the next number, in blocks of four words of 32 bits. Set it to go on from there. */
  get offset(): number {
    return this.#place;
  }

  set offset(value: number) {
    if (typeof value !== "number") {
      throw new TypeError(`philox: offset must be a number, not ${typeof value}`);
    }
    if (!Number.isSafeInteger(value) || value < 0) {
      throw new RangeError(`philox: offset must be a whole number, 0 or more, got ${value}`);
    }
    this.#place = value;
  }

  /** The two words of the key. */
  get key(): readonly [number, number] {
    return [Number(this.#seed & 0xffffffffn), Number(this.#seed >> 32n)];
  }

  /** Takes so many words from the stream, whole blocks; the place of the first one. */
  take(words: number): number {
    const start = this.#place;
    this.offset = start + Math.ceil(words / WORDS_A_BLOCK);
    return start;
  }
}

/**
 * A {@linkcode Philox} generator, for the option `generator` of the functions that draw: random numbers that are made on the
 * device of their tensor, and are the same on all devices.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * const noise = dg.randn(2, 3, { generator: dg.philox(1) });
 * ```
 */
export function philox(seed: number | bigint = 0): Philox {
  return new Philox(seed);
}
