/**
 * Taking tensors apart into views, and copies with one part replaced.
 * @module
 */

import { brief } from "../../tensor/describe.ts";
import { checkIntegers, checkTensor } from "../../tensor/arguments.ts";
import { frozen, normalizeDim, sameShape, type Shape, shapeText } from "../../tensor/shape.ts";
import { installMethods, Tensor } from "../../tensor/tensor.ts";
import { type DimOptions, reduceArgs } from "../core/fold.ts";
import { cat } from "./join.ts";
import { record, recordAll, type Rule } from "../core/record.ts";
import { diagonal, select, slice } from "./slice.ts";
import { makeView } from "./window.ts";

// ---- several views ------------------------------------------------------------------------------------------------

interface Cut {
  readonly dim: number;
  readonly selfSymSizes: Shape;
  readonly sizes: readonly number[];
}

/** The gradients of parts behind each other; zeros for parts that nothing depended on. */
function join(grads: readonly (Tensor | null)[], { dim, selfSymSizes, sizes }: Cut): Tensor | null {
  const model = grads.find((g) => g !== null);
  if (model === null || model === undefined) return null;
  const shape = (size: number) => selfSymSizes.map((s, i) => i === dim ? size : s);
  return cat(grads.map((g, i) => g ?? model.newZeros(shape(sizes[i]))), dim);
}

const Split: Rule<Cut & { splitSize: number }> = {
  name: "SplitBackward0",
  backwardAll: (grads, { args }) => [join(grads, args)],
};
const SplitWithSizes: Rule<Cut & { splitSizes: readonly number[] }> = {
  name: "SplitWithSizesBackward0",
  backwardAll: (grads, { args }) => [join(grads, args)],
};

function cutViews(x: Tensor, dim: number, sizes: readonly number[]): Tensor[] {
  let start = 0;
  return sizes.map((size) => {
    const shape = frozen(x.shape.map((s, i) => i === dim ? size : s));
    const out = makeView(x, shape, x.strides, x.offset + start * x.strides[dim]);
    start += size;
    return out;
  });
}

/** `split(x, sizes, dim)` and `split(x, sizes, { dim })`. */
function dimFrom(dim: number | DimOptions | undefined, caller: string): number {
  return reduceArgs<DimOptions>(dim, undefined, caller, ["dim"]).dim ?? 0;
}

/** Most views that are made at once. */
const MOST_PARTS = 2 ** 24;

function checkCount(count: number, caller: string): void {
  if (count > MOST_PARTS) {
    throw new RangeError(`${caller}(): cannot make ${count} tensors: ${MOST_PARTS} are the most`);
  }
}

/** Views of parts along a dimension: of one size (the last may be smaller), or of the sizes in a list. */
export function split(x: Tensor, sizes: number | readonly number[], dim?: number | DimOptions): Tensor[] {
  checkTensor(x, "split");
  if (x.ndim === 0) throw new TypeError("split expects at least a 1-dimensional tensor");
  const d = normalizeDim(dimFrom(dim, "split"), x.ndim), size = x.shape[d];
  if (typeof sizes === "number") {
    if (!Number.isInteger(sizes)) throw new TypeError(`split(): sizes must be integers, got ${sizes}`);
    if (sizes < 0) {
      throw new RangeError(`split expects split_size be non-negative, but got split_size=${sizes}`);
    }
    if (sizes === 0 && size !== 0) {
      throw new RangeError(
        `split_size can only be 0 if dimension size is 0, but got dimension size of ${size}`,
      );
    }
    const count = sizes === 0 ? 1 : Math.max(Math.ceil(size / sizes), 1);
    checkCount(count, "split");
    const parts = Array.from({ length: count }, (_, i) => Math.min(sizes, size - i * sizes));
    const outs = cutViews(x, d, parts);
    recordAll(Split, outs, [x], { dim: d, selfSymSizes: x.shape, sizes: parts, splitSize: sizes });
    return outs;
  }
  let total = 0;
  for (const s of checkIntegers(sizes, "split", "sizes")) {
    if (s < 0) {
      throw new RangeError(
        `split_with_sizes expects split_sizes have only non-negative entries, but got split_sizes=${
          shapeText(sizes)
        }`,
      );
    }
    total += s;
  }
  if (total !== size) {
    throw new RangeError(
      `split_with_sizes expects split_sizes to sum exactly to ${size} (input tensor's size at dimension ${d}), but got ` +
        `split_sizes=${shapeText(sizes)}`,
    );
  }
  const outs = cutViews(x, d, sizes);
  recordAll(SplitWithSizes, outs, [x], { dim: d, selfSymSizes: x.shape, sizes, splitSizes: sizes });
  return outs;
}

/** At most `chunks` views of equal size along a dimension; the last may be smaller. */
export function chunk(x: Tensor, chunks: number, dim?: number | DimOptions): Tensor[] {
  checkTensor(x, "chunk");
  if (x.ndim === 0) throw new TypeError("chunk expects at least a 1-dimensional tensor");
  if (!Number.isInteger(chunks)) {
    throw new TypeError(`chunk(): chunks must be an integer, got ${brief(chunks)}`);
  }
  checkCount(chunks, "chunk");
  if (chunks <= 0) throw new RangeError(`chunk expects \`chunks\` to be greater than 0, got: ${chunks}`);
  const d = normalizeDim(dimFrom(dim, "chunk"), x.ndim);
  const size = Math.ceil(x.shape[d] / chunks);
  return size === 0 ? split(x, new Array(chunks).fill(0), d) : split(x, size, d);
}

/** Views of parts along a dimension: so many nearly equal ones, or cut at the indices in a list. */
export function tensorSplit(
  x: Tensor,
  where: number | readonly number[] | Tensor,
  dim?: number | DimOptions,
): Tensor[] {
  checkTensor(x, "tensorSplit");
  if (x.ndim === 0) {
    throw new TypeError(
      "tensor_split expected at least a 1-dimensional tensor, but got a tensor with 0 dims",
    );
  }
  const d = normalizeDim(dimFrom(dim, "tensorSplit"), x.ndim), size = x.shape[d];
  const at = where instanceof Tensor ? where.toArray() as number | number[] : where;
  if (typeof at === "number") {
    if (!Number.isInteger(at) || at <= 0) {
      throw new RangeError(`number of sections must be larger than 0, got ${at}`);
    }
    checkCount(at, "tensorSplit");
    const large = size % at, part = Math.floor(size / at);
    let start = 0;
    return Array.from({ length: at }, (_, i) => {
      const from = start;
      start += part + (i < large ? 1 : 0);
      return slice(x, d, from, start);
    });
  }
  const bounds = [0, ...checkIntegers(at, "tensorSplit", "where"), size];
  return bounds.slice(1).map((end, i) => slice(x, d, bounds[i], end));
}

const Unbind: Rule<{ dim: number }> = {
  name: "UnbindBackward0",
  backwardAll: (grads, { args }) => {
    const model = grads.find((g) => g !== null);
    if (model === null || model === undefined) return [null];
    const parts = grads.map((g) => (g ?? model.newZeros(model.shape)).unsqueeze(args.dim));
    return [cat(parts, args.dim)];
  },
};

/** Views of all slices along a dimension, without that dimension. */
export function unbind(x: Tensor, dim?: number | DimOptions): Tensor[] {
  checkTensor(x, "unbind");
  if (x.ndim === 0) throw new RangeError("Dimension specified as 0 but tensor has no dimensions");
  const d = normalizeDim(dimFrom(dim, "unbind"), x.ndim);
  const shape = frozen(x.shape.filter((_, i) => i !== d)),
    strides = frozen(x.strides.filter((_, i) => i !== d));
  checkCount(x.shape[d], "unbind");
  const outs = Array.from(
    { length: x.shape[d] },
    (_, i) => makeView(x, shape, strides, x.offset + i * x.strides[d]),
  );
  if (outs.length > 0) recordAll(Unbind, outs, [x], { dim: d });
  return outs;
}

// ---- windows that slide -------------------------------------------------------------------------------------------

interface Sliding {
  readonly selfSymSizes: Shape;
  readonly dimension: number;
  readonly size: number;
  readonly step: number;
}

const Unfold: Rule<Sliding> = {
  name: "UnfoldBackward0",
  backward: (g, { args }) => [addWindows(g, args)],
};
const AddWindows: Rule<Sliding> = {
  name: "UnfoldBackwardBackward0",
  backward: (g, { args }) => [unfold(g, args.dimension, args.size, args.step)],
};

/** Adds the windows' gradients where they overlap. */
function addWindows(g: Tensor, args: Sliding): Tensor {
  const { selfSymSizes, dimension, size, step } = args;
  const out = g.newZeros(selfSymSizes), plain = g.detach();
  if (selfSymSizes.length === 0) out.copy_(plain.reshape([]));
  else {
    // the j-th elements of all windows never overlap each other
    const count = g.shape[dimension];
    for (let j = 0; j < size; j++) {
      slice(out, dimension, j, j + (count - 1) * step + 1, step).add_(plain.select(-1, j));
    }
  }
  out.counter.version = 0;
  return record(AddWindows, out, [g], args);
}

/** A view of all windows of `size` along a dimension, `step` apart; the windows' elements are a new last dimension. */
export function unfold(x: Tensor, dim: number, size: number, step: number): Tensor {
  checkTensor(x, "unfold");
  const d = normalizeDim(dim, x.ndim), length = x.ndim === 0 ? 1 : x.shape[d];
  if (!Number.isInteger(size) || size < 0) throw new RangeError(`size is ${brief(size)} but must be >= 0`);
  if (!Number.isInteger(step) || step <= 0) throw new RangeError(`step is ${brief(step)} but must be > 0`);
  if (size > length) {
    throw new RangeError(`maximum size for tensor at dimension ${d} is ${length} but size is ${size}`);
  }
  const stride = x.ndim === 0 ? 1 : x.strides[d];
  const count = Math.floor((length - size) / step) + 1;
  const shape = [...x.shape.map((s, i) => i === d ? count : s), size];
  const strides = [...x.strides.map((s, i) => i === d ? s * step : s), stride];
  const args = { selfSymSizes: x.shape, dimension: d, size, step };
  return record(Unfold, makeView(x, frozen(shape), frozen(strides)), [x], args);
}

// ---- one part replaced --------------------------------------------------------------------------------------------

type Part = (whole: Tensor) => Tensor;

interface Replaced {
  readonly part: Part;
}

function replaceRule(name: string): Rule<Replaced> {
  return {
    name,
    backward: (g, node) => {
      const { part } = node.args;
      return [
        node.needs(0) ? replaced(rest, g, g.newZeros(part(g).shape), part) : null,
        node.needs(1) ? part(g) : null,
      ];
    },
  };
}

const rest = replaceRule("ZeroPartBackward0");

/** A copy of x with `source` in the place that `part` cuts out. */
function replaced(rule: Rule<Replaced>, x: Tensor, source: Tensor, part: Part): Tensor {
  const out = x.detach().clone();
  const target = part(out);
  if (!sameShape(target.shape, source.shape)) {
    throw new TypeError(
      `expected src to have a size equal to the slice of self. src size = ${
        shapeText(source.shape)
      }, slice size = ${shapeText(target.shape)}`,
    );
  }
  target.copy_(source.detach());
  out.counter.version = 0;
  return record(rule, out, [x, source], { part });
}

const SelectScatter = replaceRule("SelectScatterBackward0");
const SliceScatter = replaceRule("SliceScatterBackward0");
const DiagonalScatter = replaceRule("DiagonalScatterBackward0");

/** A copy of x with `source` at one index of a dimension. */
export function selectScatter(x: Tensor, source: Tensor, dim: number, index: number): Tensor {
  checkTensor(x, "selectScatter");
  checkTensor(source, "selectScatter", "src", 2);
  select(x.detach(), dim, index); // throws for a bad index
  return replaced(SelectScatter, x, source, (whole) => select(whole, dim, index));
}

/** A copy of x with `source` in a slice of a dimension. */
export function sliceScatter(
  x: Tensor,
  source: Tensor,
  dim = 0,
  start?: number | null,
  end?: number | null,
  step = 1,
): Tensor {
  checkTensor(x, "sliceScatter");
  checkTensor(source, "sliceScatter", "src", 2);
  return replaced(SliceScatter, x, source, (whole) => slice(whole, dim, start, end, step));
}

/** A copy of x with `source` on a diagonal. */
export function diagonalScatter(x: Tensor, source: Tensor, offset = 0, dim1 = 0, dim2 = 1): Tensor {
  checkTensor(x, "diagonalScatter");
  checkTensor(source, "diagonalScatter", "src", 2);
  return replaced(DiagonalScatter, x, source, (whole) => diagonal(whole, offset, dim1, dim2));
}

/** The methods of this family. */
export interface PartsMethods {
  /** Views of parts along a dimension. */
  split(sizes: number | readonly number[], dim?: number | DimOptions): Tensor[];
  /** At most so many views of equal size along a dimension. */
  chunk(chunks: number, dim?: number | DimOptions): Tensor[];
  /** Views of nearly equal parts, or cut at indices, along a dimension. */
  tensorSplit(where: number | readonly number[] | Tensor, dim?: number | DimOptions): Tensor[];
  /** Views of all slices along a dimension. */
  unbind(dim?: number | DimOptions): Tensor[];
  /** A view of all windows of a size along a dimension. */
  unfold(dim: number, size: number, step: number): Tensor;
  /** A copy with one index of a dimension replaced. */
  selectScatter(source: Tensor, dim: number, index: number): Tensor;
  /** A copy with a slice replaced. */
  sliceScatter(
    source: Tensor,
    dim?: number,
    start?: number | null,
    end?: number | null,
    step?: number,
  ): Tensor;
  /** A copy with a diagonal replaced. */
  diagonalScatter(source: Tensor, offset?: number, dim1?: number, dim2?: number): Tensor;
}

const methods: PartsMethods & ThisType<Tensor> = {
  split(sizes, dim) {
    return split(this, sizes, dim);
  },
  chunk(chunks, dim) {
    return chunk(this, chunks, dim);
  },
  tensorSplit(where, dim) {
    return tensorSplit(this, where, dim);
  },
  unbind(dim) {
    return unbind(this, dim);
  },
  unfold(dim, size, step) {
    return unfold(this, dim, size, step);
  },
  selectScatter(source, dim, index) {
    return selectScatter(this, source, dim, index);
  },
  sliceScatter(source, dim, start, end, step) {
    return sliceScatter(this, source, dim, start, end, step);
  },
  diagonalScatter(source, offset, dim1, dim2) {
    return diagonalScatter(this, source, offset, dim1, dim2);
  },
};
installMethods(methods);
