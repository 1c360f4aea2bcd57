/**
 * Copies with the elements in another order, repeated, or in part replaced by zeros.
 * @module
 */

import { brief } from "../../tensor/describe.ts";
import { checkInteger, checkIntegers, checkTensor } from "../../tensor/arguments.ts";
import { frozen, normalizeDim, type Shape, shapeText, sizesFrom } from "../../tensor/shape.ts";
import { allocateTensor, installMethods, Tensor, unwrittenTensor } from "../../tensor/tensor.ts";
import { arange } from "../../tensor/create.ts";
import { copyInto } from "../core/copy.ts";
import { backTo } from "../core/on_host.ts";
import { reduceArgs } from "../core/fold.ts";
import { partOf } from "../core/lines.ts";
import { record, type Rule } from "../core/record.ts";
import { diagonal } from "./slice.ts";
import { transpose } from "./view.ts";
import { windowOn } from "./window.ts";

// ---- turning round ------------------------------------------------------------------------------------------------

/** Dimensions that may each appear once, in the order given. */
function distinct(dims: readonly number[], ndim: number): number[] {
  const out = dims.map((d) => normalizeDim(d, ndim));
  out.forEach((d, i) => {
    if (out.indexOf(d) !== i) throw new RangeError(`dim ${d} appears multiple times in the list of dims`);
  });
  return ndim === 0 ? [] : out;
}

function flipped(x: Tensor, dims: readonly number[]): Tensor {
  let offset = x.offset;
  const strides = x.strides.map((s, d) => {
    if (!dims.includes(d) || x.shape[d] === 0) return s;
    offset += (x.shape[d] - 1) * s;
    return -s;
  });
  const out = unwrittenTensor(x.shape, x.dtype, x.device);
  copyInto(out, windowOn(x, x.shape, strides, offset));
  return out;
}

const Flip: Rule<{ dims: readonly number[] }> = {
  name: "FlipBackward0",
  backward: (g, { args }) => [flip(g, args.dims)],
};

/** A copy with the order of dimensions turned round. */
export function flip(x: Tensor, ...dims: (number | readonly number[])[]): Tensor {
  checkTensor(x, "flip");
  const list = distinct(sizesFrom(dims, "flip"), x.ndim);
  return record(Flip, flipped(x, list), [x], { dims: list });
}

/** A copy with the second dimension turned round. */
export function fliplr(x: Tensor): Tensor {
  checkTensor(x, "fliplr");
  if (x.ndim < 2) throw new TypeError("Input must be >= 2-d.");
  return flip(x, 1);
}

/** A copy with the first dimension turned round. */
export function flipud(x: Tensor): Tensor {
  checkTensor(x, "flipud");
  if (x.ndim < 1) throw new TypeError("Input must be >= 1-d.");
  return flip(x, 0);
}

const Rot90: Rule<{ k: number; dims: readonly number[] }> = {
  name: "Rot90Backward0",
  backward: (g, { args }) => [rot90(g, -args.k, args.dims)],
};

/** A copy turned by k right angles, from the first of two dimensions towards the second. */
export function rot90(x: Tensor, k = 1, dims: readonly number[] = [0, 1]): Tensor {
  checkTensor(x, "rot90");
  checkInteger(k, "rot90", "k");
  checkIntegers(dims, "rot90", "dims");
  if (dims.length !== 2) {
    throw new TypeError(`expected total rotation dims == 2, but got dims = ${dims.length}`);
  }
  if (x.ndim < 2) throw new TypeError(`expected total dims >= 2, but got total dims = ${x.ndim}`);
  const [a, b] = dims.map((d) => normalizeDim(d, x.ndim));
  if (a === b) {
    throw new RangeError(
      `expected rotation dims to be different, but got dim0 = ${dims[0]} and dim1 = ${dims[1]}`,
    );
  }
  const turns = ((k % 4) + 4) % 4, plain = x.detach();
  let out = turns === 0 ? plain.clone() : flipped(plain, turns === 1 ? [b] : turns === 2 ? [a, b] : [a]);
  if (turns % 2 === 1) {
    const turned = transpose(out, a, b);
    out = new Tensor(out.storage, 0, turned.shape, turned.strides);
  }
  return record(Rot90, out, [x], { k, dims: [a, b] });
}

const Roll: Rule<{ shifts: readonly number[]; dims: readonly number[] }> = {
  name: "RollBackward0",
  backward: (g, { args }) => [roll(g, args.shifts.map((s) => -s), args.dims)],
};

/** A copy with the elements moved along dimensions; those that leave at the end come back at the start. */
export function roll(
  x: Tensor,
  shifts: number | readonly number[],
  dims?: number | readonly number[],
): Tensor {
  checkTensor(x, "roll");
  const by = [shifts].flat() as number[], list = dims === undefined ? [] : [dims].flat() as number[];
  if (by.length === 0) throw new TypeError("`shifts` required");
  if (by.some((s) => !Number.isInteger(s))) {
    throw new TypeError(`roll(): shifts must be integers, got ${shapeText(by)}`);
  }
  if (list.length === 0 ? by.length !== 1 : by.length !== list.length) {
    throw new TypeError(`shifts and dimensions must align. shifts: ${by.length}, dims:${list.length}`);
  }
  let out = x.detach();
  if (list.length === 0) out = rolled(out.reshape(-1), 0, by[0]).reshape(x.shape);
  else list.forEach((d, i) => out = rolled(out, normalizeDim(d, x.ndim), by[i]));
  return record(Roll, new Tensor(out.storage, out.offset, out.shape, out.strides), [x], {
    shifts: by,
    dims: list,
  });
}

function rolled(x: Tensor, dim: number, shift: number): Tensor {
  const out = unwrittenTensor(x.shape, x.dtype, x.device);
  if (x.ndim === 0 || x.numel() === 0) {
    copyInto(out, x);
    return out;
  }
  const size = x.shape[dim], cut = ((shift % size) + size) % size;
  if (cut > 0) copyInto(partOf(out, dim, 0, cut), partOf(x, dim, size - cut, cut));
  copyInto(partOf(out, dim, cut, size - cut), partOf(x, dim, 0, size - cut));
  return out;
}

// ---- repetition ---------------------------------------------------------------------------------------------------

const Repeat: Rule<{ selfSymSizes: Shape; repeats: readonly number[] }> = {
  name: "RepeatBackward0",
  backward: (g, { args }) => {
    const { selfSymSizes, repeats } = args;
    if (repeats.includes(0)) return [g.newZeros(selfSymSizes)];
    const lead = repeats.length - selfSymSizes.length;
    const pairs = repeats.flatMap((r, i) => [r, i < lead ? 1 : selfSymSizes[i - lead]]);
    const summed = repeats.length === 0 ? g : g.reshape(pairs).sum(repeats.map((_, i) => 2 * i));
    return [summed.reshape(selfSymSizes)];
  },
};

/** A copy repeated along dimensions: so many times each, new dimensions in front. */
export function repeat(x: Tensor, ...sizes: (number | readonly number[])[]): Tensor {
  checkTensor(x, "repeat");
  const repeats = sizesFrom(sizes, "repeat"), lead = repeats.length - x.ndim;
  if (lead < 0) {
    throw new TypeError(
      "Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor",
    );
  }
  if (repeats.some((r) => !Number.isInteger(r) || r < 0)) {
    throw new RangeError(`Trying to create tensor with negative dimension: repeats ${shapeText(repeats)}`);
  }
  const size = repeats.map((_, i) => i < lead ? 1 : x.shape[i - lead]);
  const out = unwrittenTensor(frozen(repeats.map((r, i) => r * size[i])), x.dtype, x.device);
  if (out.numel() > 0) {
    // Both as pairs of dimensions [repeat, size]: the source stands still along the repeats.
    const pairs = frozen(repeats.flatMap((r, i) => [r, size[i]]));
    const from = repeats.flatMap((_, i) => [0, i < lead ? 0 : x.strides[i - lead]]);
    const to = repeats.flatMap((_, i) => [out.strides[i] * size[i], out.strides[i]]);
    copyInto(windowOn(out, pairs, to), windowOn(x, pairs, from));
  }
  return record(Repeat, out, [x], { selfSymSizes: x.shape, repeats });
}

/** As {@linkcode repeat}, with missing counts in front taken as 1. */
export function tile(x: Tensor, ...sizes: (number | readonly number[])[]): Tensor {
  checkTensor(x, "tile");
  const counts = sizesFrom(sizes, "tile"), missing = Math.max(x.ndim - counts.length, 0);
  return repeat(x, [...new Array(missing).fill(1), ...counts]);
}

/** Options of {@linkcode repeatInterleave}. */
export interface RepeatInterleaveOptions {
  /** The dimension; by default the tensor is flattened. */
  readonly dim?: number | null;
  /** The size of the result along the dimension, if it is known. */
  readonly outputSize?: number;
}

/** Every element, or every slice of a dimension, repeated: so many times all, or each its own number of times. */
export function repeatInterleave(
  x: Tensor,
  repeats: number | Tensor,
  dim?: number | null | RepeatInterleaveOptions,
  options?: RepeatInterleaveOptions,
): Tensor {
  checkTensor(x, "repeatInterleave");
  const o = reduceArgs<RepeatInterleaveOptions>(dim, options, "repeatInterleave", ["dim", "outputSize"]);
  const input = o.dim === undefined || o.dim === null ? x.reshape(-1) : x.ndim === 0 ? x.reshape(1) : x;
  const d = normalizeDim(o.dim ?? 0, input.ndim), size = input.shape[d];
  if (repeats instanceof Tensor && repeats.numel() !== 1) {
    return input.indexSelect(d, backTo(repeated(repeats, size, o.outputSize), input));
  }
  const count = repeats instanceof Tensor ? repeats.item() as number : repeats;
  if (!Number.isInteger(count)) throw new TypeError(`repeats must be an integer, got ${brief(count)}`);
  if (count < 0) throw new RangeError("Repeats must be non-negative");
  const shape = [...input.shape.slice(0, d + 1), count, ...input.shape.slice(d + 1)];
  const whole = input.shape.map((s, i) => i === d ? s * count : s);
  return input.unsqueeze(d + 1).expand(shape).clone().view(shape).reshape(whole);
}

/** The index of every slice as often as it is repeated. */
function repeated(repeats: Tensor, size: number, outputSize: number | undefined): Tensor {
  if (repeats.ndim !== 1) throw new TypeError("repeats must be 0-dim or 1-dim tensor");
  if (repeats.dtype !== "int64" && repeats.dtype !== "int32") {
    throw new TypeError("repeats has to be Long or Int tensor");
  }
  const counts = repeats.toArray() as number[];
  if (counts.length !== size) {
    throw new TypeError(
      `repeats must have the same size as input along dim, but got repeats.size(0) = ${counts.length} and ` +
        `input.size(dim) = ${size}`,
    );
  }
  if (counts.some((c) => c < 0)) throw new RangeError("repeats can not be negative");
  const total = counts.reduce((a, b) => a + b, 0);
  if (outputSize !== undefined && outputSize !== total) {
    throw new RangeError(
      `allocated size does not match required size: ${brief(outputSize)} and ${total}`,
    );
  }
  const index = allocateTensor(frozen([total]), "int64"), places = index.storage.data as BigInt64Array;
  let at = 0;
  counts.forEach((c, i) => places.fill(BigInt(i), at, at += c));
  return index;
}

// ---- triangles and diagonals --------------------------------------------------------------------------------------

/** Where `tril` or `triu` puts zeros: numbers of rows and columns compared on the device. */
function beyond(x: Tensor, name: "tril" | "triu", diagonal: number): Tensor {
  const count = (size: number) => backTo(arange(size, { dtype: "int32", device: "cpu" }), x);
  const rows = count(x.shape[x.ndim - 2]).add(BigInt(diagonal)).unsqueeze(1);
  const columns = count(x.shape[x.ndim - 1]);
  return name === "tril" ? columns.gt(rows) : columns.lt(rows);
}

function triangle(name: "tril" | "triu"): (x: Tensor, diagonal?: number) => Tensor {
  const rule: Rule<{ diagonal: number }> = {
    name: name === "tril" ? "TrilBackward0" : "TriuBackward0",
    backward: (g, { args }) => [apply(g, args.diagonal)],
  };
  const apply = (x: Tensor, diagonal = 0): Tensor => {
    checkTensor(x, name);
    if (x.ndim < 2) throw new TypeError(`${name}: input tensor must have at least 2 dimensions`);
    if (!Number.isInteger(diagonal)) {
      throw new TypeError(`${name}(): diagonal must be an integer, got ${brief(diagonal)}`);
    }
    const out = unwrittenTensor(x.shape, x.dtype, x.device);
    if (x.device !== "cpu") {
      copyInto(out, x.detach().maskedFill(beyond(x, name, diagonal), 0));
      return record(rule, out, [x], { diagonal });
    }
    const data = out.storage.data;
    copyInto(out, x);
    const rows = x.shape[x.ndim - 2], columns = x.shape[x.ndim - 1], zero = x.dtype === "int64" ? 0n : 0;
    for (let start = 0; start < data.length; start += rows * columns) {
      for (let r = 0; r < rows; r++) {
        const row = start + r * columns;
        const edge = Math.min(Math.max(r + diagonal + (name === "tril" ? 1 : 0), 0), columns);
        if (name === "tril") data.fill(zero as never, row + edge, row + columns);
        else data.fill(zero as never, row, row + edge);
      }
    }
    return record(rule, out, [x], { diagonal });
  };
  return apply;
}

/** A copy of matrices with zeros above a diagonal. */
export const tril: (x: Tensor, diagonal?: number) => Tensor = triangle("tril");
/** A copy of matrices with zeros below a diagonal. */
export const triu: (x: Tensor, diagonal?: number) => Tensor = triangle("triu");

const DiagEmbed: Rule<{ offset: number; dim1: number; dim2: number }> = {
  name: "DiagEmbedBackward0",
  backward: (g, { args }) => [diagonal(g, args.offset, args.dim1, args.dim2)],
};

/** Matrices of zeros with the last dimension of x on a diagonal; they stand in dimensions `dim1` and `dim2`. */
export function diagEmbed(x: Tensor, offset = 0, dim1 = -2, dim2 = -1): Tensor {
  checkTensor(x, "diagEmbed");
  if (x.ndim === 0) throw new TypeError("diag_embed(): expected a tensor with at least one dimension");
  const ndim = x.ndim + 1, a = normalizeDim(dim1, ndim), b = normalizeDim(dim2, ndim);
  if (a === b) throw new RangeError(`diagonal dimensions cannot be identical ${dim1}, ${dim2}`);
  checkInteger(offset, "diagEmbed", "offset");
  const size = x.shape[x.ndim - 1] + Math.abs(offset);
  const rest = x.shape.slice(0, -1);
  const shape = Array.from({ length: ndim }, (_, i) => i === a || i === b ? size : rest.shift()!);
  const out = allocateTensor(frozen(shape), x.dtype, x.device);
  copyInto(diagonal(out, offset, a, b), x);
  return record(DiagEmbed, out, [x], { offset, dim1: a, dim2: b });
}

const DiagonalCopy: Rule<{ selfSymSizes: Shape; offset: number }> = {
  name: "DiagonalBackward0_copy",
  backward: (g, { args }) => [g.newZeros(args.selfSymSizes).diagonalScatter(g, args.offset)],
};

/** Of a vector the matrix with it on a diagonal; of a matrix a copy of a diagonal. */
export function diag(x: Tensor, offset = 0): Tensor {
  checkTensor(x, "diag");
  if (x.ndim === 1) return diagEmbed(x, offset);
  if (x.ndim !== 2) throw new TypeError(`diag(): Supports 1D or 2D tensors. Got ${x.ndim}D`);
  const out = diagonal(x.detach(), offset).clone();
  return record(DiagonalCopy, out, [x], { selfSymSizes: x.shape, offset });
}

/** A matrix with all elements of x, flattened, on a diagonal. */
export function diagflat(x: Tensor, offset = 0): Tensor {
  checkTensor(x, "diagflat");
  return diagEmbed(x.reshape(-1), offset);
}

/** The methods of this family. */
export interface RearrangeMethods {
  /** A copy with the order of dimensions turned round. */
  flip(...dims: (number | readonly number[])[]): Tensor;
  /** A copy with the second dimension turned round. */
  fliplr(): Tensor;
  /** A copy with the first dimension turned round. */
  flipud(): Tensor;
  /** A copy turned by k right angles. */
  rot90(k?: number, dims?: readonly number[]): Tensor;
  /** A copy with the elements moved along dimensions, round the end. */
  roll(shifts: number | readonly number[], dims?: number | readonly number[]): Tensor;
  /** A copy repeated along dimensions. */
  repeat(...sizes: (number | readonly number[])[]): Tensor;
  /** A copy repeated along dimensions; missing counts are 1. */
  tile(...sizes: (number | readonly number[])[]): Tensor;
  /** Every element, or every slice of a dimension, repeated. */
  repeatInterleave(
    repeats: number | Tensor,
    dim?: number | null | RepeatInterleaveOptions,
    options?: RepeatInterleaveOptions,
  ): Tensor;
  /** A copy of matrices with zeros above a diagonal. */
  tril(diagonal?: number): Tensor;
  /** A copy of matrices with zeros below a diagonal. */
  triu(diagonal?: number): Tensor;
  /** Of a vector the diagonal matrix, of a matrix a copy of a diagonal. */
  diag(offset?: number): Tensor;
  /** Matrices with the last dimension on a diagonal. */
  diagEmbed(offset?: number, dim1?: number, dim2?: number): Tensor;
  /** A matrix with all elements on a diagonal. */
  diagflat(offset?: number): Tensor;
}

const methods: RearrangeMethods & ThisType<Tensor> = {
  flip(...dims) {
    return flip(this, ...dims);
  },
  fliplr() {
    return fliplr(this);
  },
  flipud() {
    return flipud(this);
  },
  rot90(k, dims) {
    return rot90(this, k, dims);
  },
  roll(shifts, dims) {
    return roll(this, shifts, dims);
  },
  repeat(...sizes) {
    return repeat(this, ...sizes);
  },
  tile(...sizes) {
    return tile(this, ...sizes);
  },
  repeatInterleave(repeats, dim, options) {
    return repeatInterleave(this, repeats, dim, options);
  },
  tril(k) {
    return tril(this, k);
  },
  triu(k) {
    return triu(this, k);
  },
  diag(offset) {
    return diag(this, offset);
  },
  diagEmbed(offset, dim1, dim2) {
    return diagEmbed(this, offset, dim1, dim2);
  },
  diagflat(offset) {
    return diagflat(this, offset);
  },
};
installMethods(methods);
