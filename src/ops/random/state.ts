/**
 * The state of random numbers: seeds, saved states, and NumPy's `RandomState` giving tensors. The namespace `random`.
 * @module
 */

import { defaultGenerator } from "../../random/generator.ts";
import {
  type ChoiceOptions,
  RandomState as Stream,
  type RandomStateSnapshot,
  type Size,
} from "../../random/numpy.ts";
import { checkFunction } from "../../tensor/arguments.ts";
import { fromTypedArray } from "../../tensor/create.ts";
import type { TypedArray } from "../../tensor/dtype.ts";
import { Tensor } from "../../tensor/tensor.ts";

export { defaultGenerator, Generator, manualSeed } from "../../random/generator.ts";
export type { ChoiceOptions, RandomStateSnapshot, Size } from "../../random/numpy.ts";

/** Seeds the default generator with a number that nobody can foretell, and returns it. */
export function seed(): number {
  return defaultGenerator.seed();
}

/** The seed of the default generator: a number where that is exact, else a bigint. */
export function initialSeed(): number | bigint {
  return defaultGenerator.initialSeed();
}

/** All that decides the default generator's future, as a uint8 tensor; in PyTorch's format. */
export function getRngState(): Tensor {
  return fromTypedArray(defaultGenerator.getState());
}

/** Continues from a state that {@linkcode getRngState} (or PyTorch) gave. A bad one changes nothing. */
export function setRngState(state: Tensor | Uint8Array): void {
  if (!(state instanceof Tensor)) defaultGenerator.setState(state);
  else if (state.dtype === "uint8") defaultGenerator.setState(state.detach().typedArray() as Uint8Array);
  else throw new TypeError("RNG state must be a torch.ByteTensor");
}

/** Runs a function, and sets the default generator back to where it was before. */
export function forkRng<T>(fn: () => T): T {
  checkFunction(fn, "forkRng", "fn");
  const state = defaultGenerator.getState();
  try {
    return fn();
  } finally {
    defaultGenerator.setState(state);
  }
}

// ---- NumPy --------------------------------------------------------------------------------------------------------

/** A flat array in a shape; the one number itself where there was no size. */
function shaped(values: TypedArray, size: Size | undefined): Tensor | number {
  if (size === undefined) return Number(values[0]);
  return fromTypedArray(values, typeof size === "number" ? [size] : size);
}

/**
 * NumPy's `RandomState`: after `new RandomState(n)` come the numbers that follow `numpy.random.seed(n)`, in float64 and
 * int64 tensors. Without a size a method gives one plain number.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * const np = new dg.random.RandomState(0);
 * np.randn(3, 4); // as numpy.random.seed(0); numpy.random.randn(3, 4)
 * np.rand(); // a number
 * ```
 */
export class RandomState {
  readonly #stream: Stream;

  /** A stream of its own. The seed is one integer from 0 to 2^32 - 1, or several; without one nobody can foretell it. */
  constructor(seed?: number | ArrayLike<number>) {
    this.#stream = new Stream(seed);
  }

  /** Starts the stream of a seed. */
  seed(seed?: number | ArrayLike<number>): void {
    this.#stream.seed(seed);
  }

  /** A copy of the state. */
  getState(): RandomStateSnapshot {
    return this.#stream.getState();
  }

  /** Continues from a state that {@linkcode RandomState.getState} gave. */
  setState(state: RandomStateSnapshot): void {
    this.#stream.setState(state);
  }

  /** One uniform number from [0, 1). */
  rand(): number;
  /** Uniform numbers from [0, 1), as a tensor of the given sizes. */
  rand(...sizes: [number, ...number[]]): Tensor;
  rand(...sizes: number[]): Tensor | number {
    return shaped(this.#stream.rand(...sizes), sizes.length === 0 ? undefined : sizes);
  }

  /** One standard normal number. */
  randn(): number;
  /** Standard normal numbers, as a tensor of the given sizes. */
  randn(...sizes: [number, ...number[]]): Tensor;
  randn(...sizes: number[]): Tensor | number {
    return shaped(this.#stream.randn(...sizes), sizes.length === 0 ? undefined : sizes);
  }

  /** One uniform number from [0, 1). */
  randomSample(): number;
  /** A tensor of uniform numbers from [0, 1). */
  randomSample(size: Size): Tensor;
  randomSample(size?: Size): Tensor | number {
    return shaped(this.#stream.randomSample(size), size);
  }

  /** One uniform number from [low, high). */
  uniform(low?: number, high?: number): number;
  /** A tensor of uniform numbers from [low, high). */
  uniform(low: number, high: number, size: Size): Tensor;
  uniform(low?: number, high?: number, size?: Size): Tensor | number {
    return shaped(this.#stream.uniform(low, high, size), size);
  }

  /** One normal number with the mean `loc` and the standard deviation `scale`. */
  normal(loc?: number, scale?: number): number;
  /** A tensor of normal numbers. */
  normal(loc: number, scale: number, size: Size): Tensor;
  normal(loc?: number, scale?: number, size?: Size): Tensor | number {
    return shaped(this.#stream.normal(loc, scale, size), size);
  }

  /** One exponential number with the mean `scale`. */
  exponential(scale?: number): number;
  /** A tensor of exponential numbers. */
  exponential(scale: number, size: Size): Tensor;
  exponential(scale?: number, size?: Size): Tensor | number {
    return shaped(this.#stream.exponential(scale, size), size);
  }

  /** One integer from [low, high), or from [0, low) where `high` is null or left out. */
  randint(low: number | bigint, high?: number | bigint | null): number;
  /** A tensor of integers. */
  randint(low: number | bigint, high: number | bigint | null, size: Size): Tensor;
  randint(low: number | bigint, high: number | bigint | null = null, size?: Size): Tensor | number {
    return shaped(this.#stream.randint(low, high, size), size);
  }

  /** Shuffles an array, or a tensor along its first dimension, in place. */
  shuffle(items: unknown[] | Tensor): void {
    if (!(items instanceof Tensor)) {
      this.#stream.shuffle(items);
      return;
    }
    const order = this.#stream.permutation(items.length);
    items.copy_(items.index(fromTypedArray(order)));
  }

  /** The integers from 0 to n - 1 in random order, int64; or the rows of a tensor in random order, copied. */
  permutation(x: number | Tensor): Tensor {
    if (!(x instanceof Tensor)) return fromTypedArray(this.#stream.permutation(x));
    return x.index(fromTypedArray(this.#stream.permutation(x.length)));
  }

  /** Indices from 0 to n - 1, or elements of a tensor of one dimension, chosen at random. */
  choice(from: number | Tensor, size: Size = 1, options: ChoiceOptions = {}): Tensor {
    if (from instanceof Tensor && from.ndim !== 1) throw new TypeError("a must be 1-dimensional");
    const n = from instanceof Tensor ? from.length : from;
    const picked = shaped(this.#stream.choice(n, size, options), size) as Tensor;
    return from instanceof Tensor ? from.index(picked) : picked;
  }
}
