/**
 * What a peer is: another library that does our workloads, in a process of its own.
 * @module
 */

/** Another library. */
export interface Peer {
  /** Its first operation, awaited where it is not done by then. */
  first(): unknown;
  /** 2x² - 3x + 4 at a thousand numbers, summed, forward and backward; memory is given back as the library asks for. */
  step(): unknown;
  /** By the names of rows: what prepares a workload and gives what is timed. It ends with the result computed. */
  readonly workloads: Readonly<Record<string, () => () => unknown>>;
}

/** Names that workloads have in several peers. */
export const names = {
  scalar: "2x² - 3x + 4 at a scalar, forward and backward",
  descent: "gradient-descent lesson, 100 iterations",
  net: "two-layer net 64x1000x100x10, 500 Adam steps (500 times one)",
} as const;

/** Names of the workloads on the GPU. */
export const gpuNames = {
  matmul: (n: number): string => `GPU matmul ${n}`,
  formula: "GPU sin(x)*y + x*x 1e6",
  awaited: "GPU sin(x)*y + x*x 1e6, peers' own waiting",
  sum: "GPU sum 1e6, read",
  softmax: "GPU softmax 1000 x 1000",
  conv: "GPU conv2d 3x3, 8x32x32x32 to 32 channels",
  item: "GPU item() of a result, peers' own waiting",
  small: "GPU one of 1,000 additions of 100 numbers",
  net: "GPU two-layer net 64x1000x100x10, an Adam step",
} as const;

/** Sides of square matrices on the GPU. */
export const GPU_SIDES: readonly number[] = [512, 1024];

/** Sizes of arrays and of matrices. */
export const SIZES: readonly string[] = ["1e3", "1e5", "1e7"],
  FORMULA_SIZES: readonly string[] = ["1e3", "1e6"];

/** Sides of square matrices. */
export const SIDES: readonly number[] = [64, 256, 1024];

/** So many numbers between -2 and 2. */
export function numbers(length: number): Float32Array {
  return Float32Array.from({ length }, () => Math.random() * 4 - 2);
}
