/**
 * Rows of a table by their numbers, put together in bags.
 * @module
 */

import { checkKeys, checkTensor } from "../../tensor/arguments.ts";
import { arange, fromTypedArray, ones, zeros } from "../../tensor/create.ts";
import type { Device } from "../../tensor/device.ts";
import { isFloatingPoint, typeName } from "../../tensor/dtype.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { to } from "../core/copy.ts";
import { linearMap } from "../core/linear_map.ts";
import { record, type Rule } from "../core/record.ts";
import { inWords } from "../index/selection.ts";
import { indexAdd, indexSelect } from "../index/slices.ts";
import { mul, reciprocal } from "../pointwise.ts";
import { cat } from "../view/join.ts";
import { type EmbeddingOptions, factorsOf, paddingRow, renormalize, rowsOf, WRONG } from "./embedding.ts";

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

/** Which bag each row goes to. */
interface Bags {
  /** How many there are. */
  readonly count: number;
  /** The bag of each row (int64); those that belong to none have the number behind the last. */
  readonly of: Tensor;
}

/** What the next read of another device tells of offsets that are none. */
const FIRST =
  "offsets[0] has to be 0, i.e., the first sequence in the mini-batch has to start from position 0. " +
  "Rows before it went to bag {index}.";
const LAST = "offsets[-1] can not be greater than input's length but got an offset of {index}.";

/** The bags of an input of one or two dimensions, on the table's device. */
function bagsOf(input: Tensor, o: EmbeddingBagOptions, device: Device): Bags {
  if (input.ndim === 2) {
    if (o.offsets !== undefined && o.offsets !== null) {
      throw new TypeError(
        "if input is 2D, then offsets has to be None, as input is treated is a mini-batch of fixed length sequences. " +
          "However, found offsets of type Tensor",
      );
    }
    const [count] = input.shape;
    return { count, of: arange(BigInt(count), { device }).view([-1, 1]).expand(input.shape).reshape(-1) };
  }
  if (input.ndim !== 1) {
    throw new TypeError(`input has to be 1D or 2D Tensor, but got Tensor of dimension ${input.ndim}`);
  }
  const { offsets } = o;
  if (offsets === undefined || offsets === null) {
    throw new TypeError("offsets has to be a 1D Tensor but got null");
  }
  if (offsets.ndim !== 1) throw new TypeError("offsets has to be a 1D Tensor");
  const n = input.numel(), last = o.includeLastOffset ?? false;
  const count = Math.max(0, offsets.numel() - (last ? 1 : 0));
  if (offsets.device !== "cpu") {
    // each offset begins another bag
    const begins = inWords(
      LAST,
      () => indexAdd(zeros([n + 1], { device }), 0, to(offsets, "int64"), ones(offsets.shape, { device })),
    );
    return { count, of: to(begins.narrow(0, 0, n).cumsum(0), "int64").sub(1n) };
  }
  const starts = [...offsets.contiguous().typedArray()].map(Number);
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
  if (!last) starts.push(n);
  const of = new BigInt64Array(n).fill(BigInt(count));
  for (let b = 0; b < count; b++) of.fill(BigInt(b), starts[b], starts[b + 1]);
  return { count, of: to(fromTypedArray(of), device) };
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
  const count = weight.shape[0], padding = paddingRow(o.paddingIdx, count);
  const { device } = weight, { count: bags, of } = bagsOf(input, o, device);
  const given = rowsOf(input, count, "embedding_bag", false);
  const rows = given.device === "cpu" ? to(given, device) : given; // indices of the CPU go with any device
  if (o.maxNorm !== undefined && o.maxNorm !== null) renormalize(weight, rows, o.maxNorm, o.normType ?? 2);
  const at: Members = {
    rows,
    bags,
    of: padding === null ? of : of.maskedFill(rows.eq(BigInt(padding)), bags),
  };
  if (mode === "max") return largestOf(weight, at);
  const each = factor === null ? null : factor.reshape([-1, 1]);
  return sumOf(weight, each, at, o.scaleGradByFreq ?? false, mode);
}

/** The rows of all bags. */
interface Members {
  /** Their numbers in the table. */
  readonly rows: Tensor;
  /** How many bags there are. */
  readonly bags: number;
  /** The bag of each; those that count in none have the number behind the last. */
  readonly of: Tensor;
}

/** Adds rows up in bags. */
function gathered(terms: Tensor, { bags, of }: Members): Tensor {
  const sums = terms.newZeros([bags + 1, ...terms.shape.slice(1)]);
  return inWords(FIRST, () => indexAdd(sums, 0, of, terms)).narrow(0, 0, bags);
}

/** The transpose of {@linkcode gathered}: for each row what its bag has, 0 where it is in none. */
function scattered(sums: Tensor, { of }: Members): Tensor {
  return indexSelect(cat([sums, sums.newZeros([1, ...sums.shape.slice(1)])]), 0, of);
}

/** How many rows each bag has. */
function sizesOf(at: Members, like: Tensor): Tensor {
  const dtype = like.dtype === "float64" ? "float64" : "float32";
  return gathered(ones(at.rows.shape, { dtype, device: like.device }), at);
}

/** Sums or means of rows, with a factor for each; gradients of rows may have factors, too. */
function sumOf(
  table: Tensor,
  factor: Tensor | null,
  at: Members,
  byFrequency: boolean,
  mode: string,
): Tensor {
  const [count, size] = table.shape, plain = table.detach();
  const perBag = mode === "mean"
    ? to(reciprocal(sizesOf(at, plain).clamp(1)), table.dtype).view([-1, 1])
    : null;
  const scaled = (t: Tensor) => perBag === null ? t : mul(t, perBag);
  const chosen = inWords(WRONG, () => indexSelect(plain, 0, at.rows));
  const terms = factor === null ? chosen : mul(chosen, factor.detach());
  const out = scaled(gathered(terms, at));
  const rule: Rule<object> = {
    name: "EmbeddingBagBackward0",
    backward: (g, node) => {
      const each = scattered(scaled(g), at);
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

/** The largest elements of the rows of each bag, the first of several; zeros for an empty one. */
function largestOf(table: Tensor, at: Members): Tensor {
  const { shape } = table, index = (table.device === "cpu" ? searched : selected)(table.detach(), at);
  const empty = sizesOf(at, table).eq(0).view([-1, 1]);
  return linearMap(table, {
    name: "EmbeddingBag",
    there: (t) => t.gather(0, index).maskedFill(empty, 0),
    back: (g) => g.newZeros(shape).scatterAdd(0, index, g.maskedFill(empty, 0)),
  });
}

/** For each bag and column the row of the largest element, any for an empty bag; on the CPU by a loop over the rows. */
function searched(table: Tensor, at: Members): Tensor {
  const size = table.shape[1], data = table.contiguous().typedArray() as Float32Array;
  const rows = at.rows.typedArray() as BigInt64Array, of = at.of.contiguous().typedArray() as BigInt64Array;
  const from = new BigInt64Array((at.bags + 1) * size).fill(-1n);
  for (let i = 0; i < rows.length; i++) {
    const to = Number(of[i]) * size, row = Number(rows[i]) * size;
    for (let k = 0; k < size; k++) {
      const before = from[to + k], best = before < 0n ? NaN : data[Number(before) * size + k];
      const value = data[row + k];
      if (before < 0n || value > best || (value !== value && best === best)) from[to + k] = rows[i];
    }
  }
  const index = fromTypedArray(from).view([at.bags + 1, size]).narrow(0, 0, at.bags);
  return index.clamp(0n);
}

/** The same by operations of any device: the largest elements, then the first places that they are at. */
function selected(table: Tensor, at: Members): Tensor {
  const { device } = table, size = table.shape[1], n = at.rows.numel();
  const chosen = inWords(WRONG, () => indexSelect(table, 0, at.rows));
  const of = at.of.view([-1, 1]).expand([n, size]), whole = [at.bags + 1, size];
  const largest = inWords(
    FIRST,
    () => chosen.newZeros(whole).scatterReduce(0, of, chosen, "amax", { includeSelf: false }),
  );
  const found = chosen.eq(largest.gather(0, of)).logicalOr(chosen.ne(chosen)); // one that is not a number wins
  const places = arange(BigInt(n), { device }).view([-1, 1]).expand([n, size]);
  const others = places.maskedFill(found.logicalNot(), n);
  const first = others.newZeros(whole).fill_(n).scatterReduce(0, of, others, "amin").narrow(0, 0, at.bags);
  const rows = cat([at.rows, at.rows.newZeros([1])]);
  return indexSelect(rows, 0, first.reshape(-1)).view([at.bags, size]);
}
