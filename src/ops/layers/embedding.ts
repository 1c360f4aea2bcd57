/**
 * Rows of a table by their numbers, alone and in bags.
 * @module
 */

import { noGrad } from "../../autograd/modes.ts";
import { checkKeys, checkTensor } from "../../tensor/arguments.ts";
import { fromTypedArray, ones, zeros } from "../../tensor/create.ts";
import { isFloatingPoint, typeName } from "../../tensor/dtype.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { ne } from "../compare.ts";
import { to } from "../core/copy.ts";
import { indexAdd, indexSelect } from "../index/slices.ts";
import { inWords } from "../index/selection.ts";
import { linearMap } from "../core/linear_map.ts";
import { backTo, onHost } from "../core/on_host.ts";
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
const WRONG = "index out of range in self: embedding() met {index}, the table has {size} rows.";

/** Numbers of rows, as int64, with PyTorch's complaints. Wrong ones on other devices are only told here if `read`, else with the next read. */
function rowsOf(indices: Tensor, count: number, caller: string, read: boolean): Tensor {
  if (indices.dtype !== "int64" && indices.dtype !== "int32") {
    throw new TypeError(
      `Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int; but got ` +
        `${indices.type()} instead (while checking arguments for ${caller})`,
    );
  }
  const rows = to(indices, "int64").reshape(-1);
  if (rows.device !== "cpu" && !read) return rows;
  for (const row of onHost(rows).typedArray()) {
    if (row < 0n || row >= BigInt(count)) throw new RangeError("index out of range in self");
  }
  return rows;
}

function paddingRow(paddingIdx: number | null | undefined, count: number): number | null {
  if (paddingIdx === undefined || paddingIdx === null) return null;
  if (!Number.isInteger(paddingIdx) || paddingIdx >= count || paddingIdx < -count) {
    throw new RangeError("Padding_idx must be within num_embeddings");
  }
  return paddingIdx < 0 ? paddingIdx + count : paddingIdx;
}

/** Shortens the rows that are used. */
function renormalize(weight: Tensor, rows: Tensor, maxNorm: number, normType: number): void {
  noGrad(() => {
    for (const row of new Set([...onHost(rows).typedArray()].map(Number))) {
      const line = weight.select(0, row), size = line.norm(normType).item() as number;
      if (size > maxNorm) line.mul_(maxNorm / (size + 1e-7));
    }
  });
}

const column = (factors: Float64Array, like: Tensor): Tensor =>
  backTo(fromTypedArray(factors).to(like.dtype), like).view([-1, 1]);

/** For each use of a row of `count` the factor of its gradient, as a column for `g`; null if all are 1. */
function factorsOf(
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
  const list = [...rows.typedArray()].map(Number);
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

// ---- bags --------------------------------------------------------------------------------------------------------------

/** Options of {@linkcode embeddingBag}. */
export interface EmbeddingBagOptions extends EmbeddingOptions {
  /** Where bags begin in an input of one dimension (int64), the first at 0. */
  readonly offsets?: Tensor | null;
  /** What is made of a bag's rows; "mean". */
  readonly mode?: "sum" | "mean" | "max";
  /** A factor for each row, with mode "sum". */
  readonly perSampleWeights?: Tensor | null;
  /** Whether the last offset is the end of the last bag; false. */
  readonly includeLastOffset?: boolean;
}

const bagKeys = [
  "offsets",
  "mode",
  "perSampleWeights",
  "includeLastOffset",
  "paddingIdx",
  "maxNorm",
  "normType",
  "scaleGradByFreq",
];

/** Where bags begin, and behind the last where it ends. */
function bordersOf(input: Tensor, o: EmbeddingBagOptions): number[] {
  if (input.ndim === 2) {
    if (o.offsets !== undefined && o.offsets !== null) {
      throw new TypeError(
        "if input is 2D, then offsets has to be None, as input is treated is a mini-batch of fixed length sequences. " +
          "However, found offsets of type Tensor",
      );
    }
    const [bags, length] = input.shape;
    return Array.from({ length: bags + 1 }, (_, i) => i * length);
  }
  if (input.ndim !== 1) {
    throw new TypeError(`input has to be 1D or 2D Tensor, but got Tensor of dimension ${input.ndim}`);
  }
  const { offsets } = o;
  if (offsets === undefined || offsets === null) {
    throw new TypeError("offsets has to be a 1D Tensor but got null");
  }
  if (offsets.ndim !== 1) throw new TypeError("offsets has to be a 1D Tensor");
  const starts = [...onHost(offsets.contiguous()).typedArray()].map(Number), n = input.numel();
  if (starts.length > 0 && starts[0] !== 0) {
    throw new RangeError(
      "offsets[0] has to be 0, i.e., the first sequence in the mini-batch has to start from position 0. However, got " +
        starts[0],
    );
  }
  if (starts.length > 0 && starts.at(-1)! > n) {
    throw new RangeError(
      `offsets[-1] can not be greater than input's length ${n} but got offsets[-1] of ${starts.at(-1)}`,
    );
  }
  if (!(o.includeLastOffset ?? false)) starts.push(n);
  return starts;
}

/** The sum, the mean or the largest elements of rows in bags. Options as in PyTorch; the table is the second argument. */
export function embeddingBag(input: Tensor, weight: Tensor, options: EmbeddingBagOptions = {}): Tensor {
  checkTensor(input, "embeddingBag");
  checkTensor(weight, "embeddingBag", "weight", 2);
  const o = checkKeys(options, "embeddingBag", bagKeys), mode = o.mode ?? "mean";
  if (weight.ndim !== 2) throw new TypeError("'weight' must be 2-D");
  if (!isFloatingPoint(weight.dtype)) {
    throw new TypeError(`expected a weight of a floating point dtype, got ${typeName(weight.dtype)}`);
  }
  if (mode !== "sum" && mode !== "mean" && mode !== "max") {
    throw new RangeError("mode has to be one of sum, mean or max");
  }
  const factor = o.perSampleWeights ?? null;
  if (factor !== null && mode !== "sum") {
    throw new TypeError(
      "embedding_bag: per_sample_weights was not None. per_sample_weights is only supported for mode='sum' " +
        `(got mode='${mode}'). Please open a feature request on GitHub.`,
    );
  }
  const borders = bordersOf(input, o), bags = borders.length - 1;
  const count = weight.shape[0], padding = paddingRow(o.paddingIdx, count);
  const all = rowsOf(input, count, "embedding_bag", true);
  if (o.maxNorm !== undefined && o.maxNorm !== null) renormalize(weight, all, o.maxNorm, o.normType ?? 2);
  // the members of bags that count, and the bag of each
  const numbers = [...onHost(all).typedArray()].map(Number), members: number[] = [], bagOf: number[] = [];
  for (let b = 0; b < bags; b++) {
    for (let i = borders[b]; i < borders[b + 1]; i++) {
      if (numbers[i] === padding) continue;
      members.push(i);
      bagOf.push(b);
    }
  }
  const list = (values: readonly number[]) =>
    backTo(fromTypedArray(BigInt64Array.from(values, BigInt)), weight);
  const at = { members: list(members), rows: list(members.map((i) => numbers[i])), bags: list(bagOf) };
  const sizes = new Float64Array(bags);
  for (const b of bagOf) sizes[b]++;
  if (mode === "max") return largestOf(weight, members.map((i) => numbers[i]), bagOf, bags);
  const perBag = mode === "mean" ? sizes.map((s) => 1 / Math.max(s, 1)) : null;
  const each = factor === null ? null : indexSelect(factor.reshape(-1), 0, at.members).view([-1, 1]);
  return sumOf(weight, each, at, bags, perBag, o.scaleGradByFreq ?? false, mode);
}

/** Sums of rows, with a factor for each member or for each bag; gradients of rows may have factors, too. */
function sumOf(
  table: Tensor,
  factor: Tensor | null,
  at: { readonly rows: Tensor; readonly bags: Tensor },
  bags: number,
  perBag: Float64Array | null,
  byFrequency: boolean,
  mode: string,
): Tensor {
  const [count, size] = table.shape, plain = table.detach();
  const scaled = (t: Tensor) => perBag === null ? t : mul(t, column(perBag, t));
  const chosen = indexSelect(plain, 0, at.rows);
  const terms = factor === null ? chosen : mul(chosen, factor.detach());
  const out = scaled(indexAdd(plain.newZeros([bags, size]), 0, at.bags, terms));
  const rule: Rule<object> = {
    name: "EmbeddingBagBackward0",
    backward: (g, node) => {
      const each = indexSelect(scaled(g), 0, at.bags);
      const weighted = factor === null ? each : mul(each, factor);
      const frequencies = factorsOf(at.rows, count, null, byFrequency, g.detach());
      const counted = frequencies === null ? weighted : mul(weighted, frequencies);
      return [
        node.needs(0) ? indexAdd(g.newZeros([count, size]), 0, at.rows, counted) : null,
        node.needs(1)
          ? mul(each, indexSelect(node.tensor("weight"), 0, at.rows)).sum(1, { keepdim: true })
          : null,
      ];
    },
  };
  return record(rule, out, [table, factor], { mode }, { weight: factor === null ? null : table });
}

/** The largest elements of the rows of each bag; zeros for an empty one. */
function largestOf(table: Tensor, rows: readonly number[], bagOf: readonly number[], bags: number): Tensor {
  const [count, size] = table.shape;
  const data = onHost(table.detach().contiguous()).typedArray() as Float32Array;
  const from = new BigInt64Array(bags * size), seen = new Float64Array(bags);
  for (const [i, b] of bagOf.entries()) {
    for (let k = 0; k < size; k++) {
      const best = data[Number(from[b * size + k]) * size + k], value = data[rows[i] * size + k];
      if (seen[b] === 0 || value > best || value !== value) from[b * size + k] = BigInt(rows[i]);
    }
    seen[b] = 1;
  }
  const index = backTo(fromTypedArray(from), table).view([bags, size]);
  return linearMap(table, {
    name: "EmbeddingBag",
    there: (t) => mul(t.gather(0, index), column(seen, t)),
    back: (g) => g.newZeros([count, size]).scatterAdd(0, index, mul(g, column(seen, g))),
  });
}
