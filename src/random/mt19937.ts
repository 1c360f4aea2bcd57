/**
 * The Mersenne Twister MT19937: the stream of 32-bit words under both PyTorch's CPU generator and NumPy's
 * legacy `RandomState`.
 * @module
 */

const N = 624;
const M = 397;
/** Seed that the multi-word seeding starts from, as in the published algorithm. */
const ARRAY_SEED = 19650218;

/** Everything that decides the future of an {@linkcode Mt19937}. */
export interface Mt19937State {
  /** The 624 words of the state. */
  readonly words: Uint32Array<ArrayBuffer>;
  /** How many of the current 624 words are used up: 0 to 624. */
  readonly position: number;
}

/**
 * MT19937 with 624 words of state and the textbook tempering.
 *
 * @example
 * ```ts
 * import { Mt19937 } from "./mt19937.ts";
 * const engine = new Mt19937(5489);
 * console.log(engine.next()); // 3499211612
 * ```
 */
export class Mt19937 {
  readonly #words = new Int32Array(N);
  #position = N;

  /**
   * An engine seeded with one word.
   *
   * @param seed only its low 32 bits count
   */
  constructor(seed = 5489) {
    this.seed(seed);
  }

  /**
   * Starts the stream of one 32-bit seed (`init_genrand`).
   *
   * @param seed only its low 32 bits count
   */
  seed(seed: number): void {
    const words = this.#words;
    words[0] = seed;
    for (let i = 1; i < N; i++) {
      const previous = words[i - 1];
      words[i] = Math.imul(1812433253, previous ^ (previous >>> 30)) + i;
    }
    this.#position = N;
  }

  /**
   * Starts the stream of several 32-bit words (`init_by_array`).
   *
   * @param key at least one word
   */
  seedByArray(key: Uint32Array): void {
    if (key.length === 0) throw new RangeError("Seed must be non-empty");
    this.seed(ARRAY_SEED);
    const words = this.#words;
    let i = 1;
    let j = 0;
    const carry = () => {
      if (i === N) {
        words[0] = words[N - 1];
        i = 1;
      }
    };
    for (let k = Math.max(N, key.length); k > 0; k--) {
      const previous = words[i - 1];
      words[i] = (words[i] ^ Math.imul(previous ^ (previous >>> 30), 1664525)) + key[j] + j;
      i++;
      j++;
      carry();
      if (j === key.length) j = 0;
    }
    for (let k = N - 1; k > 0; k--) {
      const previous = words[i - 1];
      words[i] = (words[i] ^ Math.imul(previous ^ (previous >>> 30), 1566083941)) - i;
      i++;
      carry();
    }
    words[0] = 0x80000000 | 0;
    this.#position = N;
  }

  /** The next 32 random bits, as an integer from 0 to 2^32 - 1. */
  next(): number {
    if (this.#position >= N) this.#twist();
    let y = this.#words[this.#position++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    y ^= y >>> 18;
    return y >>> 0;
  }

  /** A copy of the state. */
  getState(): Mt19937State {
    return { words: Uint32Array.from(this.#words), position: this.#position };
  }

  /** Continues from a state that {@linkcode Mt19937.getState} gave. */
  setState(state: Mt19937State): void {
    const { words, position } = state;
    if (words.length !== N || !Number.isInteger(position) || position < 0 || position > N) {
      throw new RangeError(
        `Invalid mt19937 state: ${words.length} words at position ${position}, expected ${N} words and a position ` +
          `from 0 to ${N}`,
      );
    }
    this.#words.set(words);
    this.#position = position;
  }

  /** Makes the next 624 words, in place. */
  #twist(): void {
    const words = this.#words;
    let current = words[0];
    // Three stretches, so that no index needs a remainder.
    for (let i = 0; i < N - M; i++) {
      const next = words[i + 1];
      const y = (current & 0x80000000) | (next & 0x7fffffff);
      words[i] = words[i + M] ^ (y >>> 1) ^ (-(y & 1) & 0x9908b0df);
      current = next;
    }
    for (let i = N - M; i < N - 1; i++) {
      const next = words[i + 1];
      const y = (current & 0x80000000) | (next & 0x7fffffff);
      words[i] = words[i + M - N] ^ (y >>> 1) ^ (-(y & 1) & 0x9908b0df);
      current = next;
    }
    const y = (current & 0x80000000) | (words[0] & 0x7fffffff);
    words[N - 1] = words[M - 1] ^ (y >>> 1) ^ (-(y & 1) & 0x9908b0df);
    this.#position = 0;
  }
}
