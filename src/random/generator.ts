/**
 * Generators of random numbers, with the state, seeding and draws of PyTorch's CPU generator.
 * @module
 */

import { Mt19937 } from "./mt19937.ts";

/** The seed of a new generator, as in PyTorch. */
const DEFAULT_SEED = 67280421310721n;
const WORDS = 624;
/** Bytes of the state without and with PyTorch's trailing (here unused) float32 normal. */
const LEGACY_STATE_BYTES = 5048;
const STATE_BYTES = 5056;
/** Where the parts lie in PyTorch's state: seed, words left, a flag, the next word's index, words as 64 bits, normals. */
const LEFT = 8,
  SEEDED = 12,
  NEXT = 16,
  STATE = 24,
  NORMAL = STATE + 8 * WORDS + 8,
  NORMAL_VALID = NORMAL + 16;

const TWO_PI = 2 * Math.PI;

/**
 * A source of random numbers: PyTorch's CPU generator, bit for bit. The functions that fill arrays with a
 * distribution draw from it.
 *
 * @example
 * ```ts
 * import { Generator } from "./generator.ts";
 * const generator = new Generator().manualSeed(0);
 * console.log(generator.random()); // 2357136044
 * ```
 */
export class Generator {
  readonly #engine = new Mt19937();
  #seed = DEFAULT_SEED;
  #nextNormal: number | null = null;

  /** A generator with PyTorch's default seed, 67280421310721. */
  constructor() {
    this.manualSeed(DEFAULT_SEED);
  }

  /**
   * Starts the stream of a seed anew and forgets the cached normal. Only the seed's low 32 bits choose the stream.
   *
   * @param seed an integer from -2^63 to 2^64 - 1; a negative one counts as seed + 2^64
   */
  manualSeed(seed: number | bigint): this {
    const value = checkSeed(seed);
    this.#seed = BigInt.asUintN(64, value);
    this.#engine.seed(Number(BigInt.asUintN(32, value)));
    this.#nextNormal = null;
    return this;
  }

  /** The seed in use, from 0 to 2^64 - 1: a number where that is exact, else a bigint. */
  initialSeed(): number | bigint {
    return this.#seed <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(this.#seed) : this.#seed;
  }

  /** Seeds with 53 bits that nobody can foretell, and returns them. */
  seed(): number {
    const words = crypto.getRandomValues(new Uint32Array(2));
    const seed = (words[0] & 0x1fffff) * 2 ** 32 + words[1];
    this.manualSeed(seed);
    return seed;
  }

  /** 32 random bits: an integer from 0 to 2^32 - 1. */
  random(): number {
    return this.#engine.next();
  }

  /** 64 random bits: two draws, the first one is the high half. */
  random64(): bigint {
    const high = this.#engine.next();
    return (BigInt(high) << 32n) | BigInt(this.#engine.next());
  }

  /** A multiple of 2^-24 in [0, 1): one draw. PyTorch's uniform float32. */
  uniform24(): number {
    return (this.#engine.next() & 0xffffff) * 2 ** -24;
  }

  /** A multiple of 2^-53 in [0, 1): two draws. PyTorch's uniform float64. */
  uniform53(): number {
    const high = this.#engine.next() & 0x1fffff;
    return (high * 2 ** 32 + this.#engine.next()) * 2 ** -53;
  }

  /**
   * A standard normal in float64. They are made in pairs (Box and Muller), and the second one waits in the generator
   * for the next call.
   */
  normal(): number {
    const cached = this.#nextNormal;
    if (cached !== null) {
      this.#nextNormal = null;
      return cached;
    }
    const u1 = this.uniform53();
    const u2 = this.uniform53();
    const radius = Math.sqrt(-2 * Math.log1p(-u2));
    const angle = TWO_PI * u1;
    this.#nextNormal = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }

  /** All that decides the generator's future, in the 5056 bytes of PyTorch's `get_state`. */
  getState(): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(STATE_BYTES);
    const view = new DataView(bytes.buffer);
    const { words, position } = this.#engine.getState();
    view.setBigUint64(0, this.#seed, true);
    view.setInt32(LEFT, WORDS + 1 - position, true);
    view.setInt32(SEEDED, 1, true);
    view.setBigUint64(NEXT, BigInt(position), true);
    words.forEach((word, i) => view.setBigUint64(STATE + 8 * i, BigInt(word), true));
    if (this.#nextNormal !== null) {
      view.setFloat64(NORMAL, this.#nextNormal, true);
      view.setInt32(NORMAL_VALID, 1, true);
    }
    return bytes;
  }

  /** Continues from a state that {@linkcode Generator.getState} (or PyTorch) gave. A bad one changes nothing. */
  setState(state: Uint8Array): void {
    if (!(state instanceof Uint8Array)) throw new TypeError("expected a Uint8Array, the generator's state");
    if (state.length !== STATE_BYTES && state.length !== LEGACY_STATE_BYTES) {
      throw new RangeError(
        `Expected either a CPUGeneratorImplStateLegacy of size ${LEGACY_STATE_BYTES} or a CPUGeneratorImplState of ` +
          `size ${STATE_BYTES} but found the input RNG state size to be ${state.length}`,
      );
    }
    const view = new DataView(state.buffer, state.byteOffset, state.byteLength);
    const left = view.getInt32(LEFT, true);
    const next = view.getBigUint64(NEXT, true);
    const fresh = left === 1 && next === 0n; // seeded, and no word drawn yet
    if (
      view.getInt32(SEEDED, true) !== 1 || next > BigInt(WORDS) ||
      !(fresh || left === WORDS + 1 - Number(next))
    ) {
      throw new RangeError("Invalid mt19937 state: it does not say how many of its words are left");
    }
    const words = Uint32Array.from(
      { length: WORDS },
      (_, i) => Number(view.getBigUint64(STATE + 8 * i, true)),
    );
    this.#engine.setState({ words, position: fresh ? WORDS : Number(next) });
    this.#seed = view.getBigUint64(0, true);
    this.#nextNormal = view.getInt32(NORMAL_VALID, true) !== 0 ? view.getFloat64(NORMAL, true) : null;
  }
}

function checkSeed(seed: number | bigint): bigint {
  if (typeof seed !== "bigint" && typeof seed !== "number") {
    throw new TypeError(`seed must be a number or a bigint, but got ${typeof seed}`);
  }
  if (typeof seed === "number" && !Number.isSafeInteger(seed)) {
    throw new RangeError(`seed must be an integer, exact as a number (else use a bigint), but got ${seed}`);
  }
  const value = BigInt(seed);
  if (value < -(1n << 63n) || value >= 1n << 64n) {
    throw new RangeError(
      `Overflow when unpacking long: seed must be from -2^63 to 2^64 - 1, but got ${value}`,
    );
  }
  return value;
}

/** The generator that functions draw from when they are given none. Its seed differs in every process. */
export const defaultGenerator: Generator = /* @__PURE__ */ freshGenerator();

function freshGenerator(): Generator {
  const generator = new Generator();
  generator.seed();
  return generator;
}

/**
 * Seeds the {@linkcode defaultGenerator}, and returns it.
 *
 * @param seed an integer from -2^63 to 2^64 - 1
 */
export function manualSeed(seed: number | bigint): Generator {
  return defaultGenerator.manualSeed(seed);
}
