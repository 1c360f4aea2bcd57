/**
 * Rows of a table by their numbers.
 * @module
 */

import { noGrad } from "../../autograd/modes.ts";
import { checkKeys, checkTensor } from "../../tensor/arguments.ts";
import { fromTypedArray, ones, zeros } from "../../tensor/create.ts";
import { elementsOf, type Tensor } from "../../tensor/tensor.ts";
import { ne } from "../compare.ts";
import { to } from "../core/copy.ts";
import { indexAdd, indexSelect } from "../index/slices.ts";
import { inWords } from "../index/selection.ts";
import { linearMap } from "../core/linear_map.ts";
import { backTo } from "../core/on_host.ts";
import { mul, reciprocal } from "../pointwise.ts";
import { record, type Rule } from "../core/record.ts";

/** Options of {@linkcode embedding}. */
export interface EmbeddingOptions {
  /** A row that gets no gradient; may count from the end. */
  readonly paddingIdx?: number | null;
  /** Rows that are used and longer than this are shortened first, in place. */
  readonly maxNorm?: number | null;
  /** Which norm is meant by that; 2. */
  readonly normType?: number;
  /** Divide gradients by how often a row was used; false. */
  readonly scaleGradByFreq?: boolean;
}

/** What the next read tells of a row that is none. */
export const WRONG = "index out of range in self: an embedding met {index}, the table has {size} rows.";

/** Numbers of rows, as int64, with PyTorch's complaints. Wrong ones on other devices are only told here if `read`, else with the next read. */
export function rowsOf(indices: Tensor, count: number, caller: string, read: boolean): Tensor {
  if (indices.dtype !== "int64" && indices.dtype !== "int32") {
    throw new TypeError(
      `Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int; but got ` +
        `${indices.type()} instead (while checking arguments for ${caller})`,
    );
  }
  const rows = to(indices, "int64").reshape(-1);
  if (rows.device !== "cpu" && !read) return rows;
  for (const row of elementsOf(rows)) {
    if (row < 0n || row >= BigInt(count)) throw new RangeError("index out of range in self");
  }
  return rows;
}

export function paddingRow(paddingIdx: number | null | undefined, count: number): number | null {
  if (paddingIdx === undefined || paddingIdx === null) return null;
  if (!Number.isInteger(paddingIdx) || paddingIdx >= count || paddingIdx < -count) {
    throw new RangeError("Padding_idx must be within num_embeddings");
  }
  return paddingIdx < 0 ? paddingIdx + count : paddingIdx;
}

/** Shortens the rows that are used. */
export function renormalize(weight: Tensor, rows: Tensor, maxNorm: number, normType: number): void {
  noGrad(() => {
    for (const row of new Set([...elementsOf(rows)].map(Number))) {
      const line = weight.select(0, row), size = line.norm(normType).item() as number;
      if (size > maxNorm) line.mul_(maxNorm / (size + 1e-7));
    }
  });
}

const column = (factors: Float64Array, like: Tensor): Tensor =>
  backTo(fromTypedArray(factors).to(like.dtype), like).view([-1, 1]);

/** For each use of a row of `count` the factor of its gradient, as a column for `g`; null if all are 1. */
export function factorsOf(
  rows: Tensor,
  count: number,
  padding: number | null,
  byFrequency: boolean,
  g: Tensor,
): Tensor | null {
  if (!byFrequency && padding === null) return null;
  if (g.device !== "cpu") {
    const kept = padding === null ? null : to(ne(rows, BigInt(padding)), g.dtype).view([-1, 1]);
    if (!byFrequency) return kept;
    const uses = indexAdd(
      zeros([count], { device: g.device }),
      0,
      rows,
      ones(rows.shape, { device: g.device }),
    );
    const each = to(reciprocal(indexSelect(uses, 0, rows)), g.dtype).view([-1, 1]);
    return kept === null ? each : mul(each, kept);
  }
  const list = [...elementsOf(rows)].map(Number);
  if (!byFrequency && !list.includes(padding!)) return null;
  const uses = new Map<number, number>();
  for (const row of list) uses.set(row, (uses.get(row) ?? 0) + 1);
  return column(
    Float64Array.from(list, (row) => row === padding ? 0 : byFrequency ? 1 / uses.get(row)! : 1),
    g,
  );
}

/**
 * Rows of a table [count, size] by their numbers (int64 or int32, any shape): gives [...shape, size].
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * const table = dg.tensor([[1, 2], [3, 4]]);
 * console.log(dg.nn.functional.embedding(dg.tensor([1n, 0n]), table).toArray()); // [[3, 4], [1, 2]]
 * ```
 */
export function embedding(input: Tensor, weight: Tensor, options: EmbeddingOptions = {}): Tensor {
  checkTensor(input, "embedding");
  checkTensor(weight, "embedding", "weight", 2);
  const o = checkKeys(options, "embedding", ["paddingIdx", "maxNorm", "normType", "scaleGradByFreq"]);
  if (weight.ndim !== 2) throw new TypeError("'weight' must be 2-D");
  const [count, size] = weight.shape, padding = paddingRow(o.paddingIdx, count);
  const shortened = o.maxNorm !== undefined && o.maxNorm !== null;
  const rows = rowsOf(input, count, "embedding", shortened);
  if (shortened) renormalize(weight, rows, o.maxNorm!, o.normType ?? 2);
  const out = inWords(WRONG, () => indexSelect(weight.detach(), 0, rows)).view([...input.shape, size]);
  const rule: Rule<object> = {
    name: "EmbeddingBackward0",
    backward: (g) => {
      const factors = factorsOf(rows, count, padding, o.scaleGradByFreq ?? false, g.detach());
      const scaled = (t: Tensor) => factors === null ? t : mul(t, factors);
      return [linearMap(g, {
        name: "EmbeddingDenseBackward",
        there: (t) => indexAdd(t.newZeros([count, size]), 0, rows, scaled(t.reshape([-1, size]))),
        back: (t) => scaled(indexSelect(t, 0, rows)).view(g.shape),
      })];
    },
  };
  const shown = { paddingIdx: padding ?? -1, scaleGradByFreq: o.scaleGradByFreq ?? false, sparse: false };
  return record(rule, out, [weight], shown, { indices: input });
}
