/**
 * Putting tensors together: behind each other, on top of each other, in blocks.
 * @module
 */

import { checkKeys, checkTensor, checkTensors } from "../../tensor/arguments.ts";
import { sameDevice } from "../../tensor/device.ts";
import { type DType, promoteTypes } from "../../tensor/dtype.ts";
import { frozen, normalizeDim, sameShape, type Shape, shapeText } from "../../tensor/shape.ts";
import { allocateTensor, type Tensor, unwrittenTensor } from "../../tensor/tensor.ts";
import { copyInto, to } from "../core/copy.ts";
import { partOf } from "../core/lines.ts";
import { record, type Rule } from "../core/record.ts";
import { windowOn } from "./window.ts";

/** Options of {@linkcode cat} and {@linkcode stack}. */
export interface JoinOptions {
  /** The dimension; the first by default. */
  readonly dim?: number;
}

function dimOf(dim: number | JoinOptions, caller: string): number {
  return typeof dim === "number" ? dim : checkKeys(dim, caller, ["dim"]).dim ?? 0;
}

interface Joined {
  readonly dim: number;
  readonly sizes: readonly number[];
  readonly shapes: readonly Shape[];
  readonly dtypes: readonly DType[];
}

const Cat: Rule<Joined> = {
  name: "CatBackward0",
  backward: (g, node) => {
    const { dim, sizes, shapes, dtypes } = node.args;
    let start = 0;
    return sizes.map((size, i) => {
      const at = start;
      start += size;
      if (!node.needs(i)) return null;
      if (size === 0) return g.newZeros(shapes[i], { dtype: dtypes[i] });
      return to(g.narrow(dim, at, size), dtypes[i]);
    });
  },
};

/** Tensors behind each other along a dimension. Their other sizes must agree; 1-d tensors without elements are skipped. */
export function cat(tensors: readonly Tensor[], dim: number | JoinOptions = 0): Tensor {
  const list = checkTensors(tensors, "cat");
  if (list.length === 0) throw new TypeError("torch.cat(): expected a non-empty list of Tensors");
  list.forEach((t, i) => {
    if (t.ndim === 0) {
      throw new TypeError(`zero-dimensional tensor (at position ${i}) cannot be concatenated`);
    }
  });
  const skipped = (t: Tensor) => t.ndim === 1 && t.shape[0] === 0;
  const model = list.find((t) => !skipped(t)) ?? list[0];
  const d = normalizeDim(dimOf(dim, "cat"), model.ndim);
  let total = 0, dtype = list[0].dtype;
  const sizes = list.map((t, k) => {
    dtype = promoteTypes(dtype, t.dtype);
    if (skipped(t)) return 0;
    if (t.ndim !== model.ndim) {
      throw new TypeError(`Tensors must have same number of dimensions: got ${model.ndim} and ${t.ndim}`);
    }
    for (let i = 0; i < t.ndim; i++) {
      if (i !== d && t.shape[i] !== model.shape[i]) {
        throw new TypeError(
          `Sizes of tensors must match except in dimension ${d}. Expected size ${
            model.shape[i]
          } but got size ` +
            `${t.shape[i]} for tensor number ${k} in the list.`,
        );
      }
    }
    total += t.shape[d];
    return t.shape[d];
  });
  const shape = frozen(model.shape.map((s, i) => i === d ? total : s));
  const out = unwrittenTensor(shape, dtype, sameDevice(list));
  let start = 0;
  list.forEach((t, k) => {
    if (sizes[k] > 0) copyInto(partOf(out, d, start, sizes[k]), t);
    start += sizes[k];
  });
  const args = { dim: d, sizes, shapes: list.map((t) => t.shape), dtypes: list.map((t) => t.dtype) };
  return record(Cat, out, list, args);
}

/** The same as {@linkcode cat}. */
export function concat(tensors: readonly Tensor[], dim: number | JoinOptions = 0): Tensor {
  return cat(tensors, dim);
}

/** The same as {@linkcode cat}. */
export function concatenate(tensors: readonly Tensor[], dim: number | JoinOptions = 0): Tensor {
  return cat(tensors, dim);
}

const Stack: Rule<{ dim: number; dtypes: readonly DType[] }> = {
  name: "StackBackward0",
  backward: (g, node) => {
    const { dim, dtypes } = node.args;
    return dtypes.map((dtype, i) => node.needs(i) ? to(g.select(dim, i), dtype) : null);
  },
};

/** Tensors of one shape on top of each other along a new dimension. */
export function stack(tensors: readonly Tensor[], dim: number | JoinOptions = 0): Tensor {
  const list = checkTensors(tensors, "stack");
  if (list.length === 0) throw new TypeError("stack expects a non-empty TensorList");
  const shape = list[0].shape;
  list.forEach((t, i) => {
    if (!sameShape(t.shape, shape)) {
      throw new TypeError(
        `stack expects each tensor to be equal size, but got ${shapeText(shape)} at entry 0 and ` +
          `${shapeText(t.shape)} at entry ${i}`,
      );
    }
  });
  const d = normalizeDim(dimOf(dim, "stack"), shape.length + 1);
  const dtypes = list.map((t) => t.dtype);
  const dtype = dtypes.reduce(promoteTypes);
  const whole = frozen([...shape.slice(0, d), list.length, ...shape.slice(d)]);
  const out = unwrittenTensor(whole, dtype, sameDevice(list));
  const strides = frozen(out.strides.filter((_, i) => i !== d));
  list.forEach((t, k) => copyInto(windowOn(out, shape, strides, k * out.strides[d]), t));
  return record(Stack, out, list, { dim: d, dtypes });
}

// ---- at least so many dimensions ----------------------------------------------------------------------------------

/** The tensor with at least one dimension. */
export function atleast1d(x: Tensor): Tensor {
  checkTensor(x, "atleast1d");
  return x.ndim === 0 ? x.reshape(1) : x;
}

/** The tensor with at least two dimensions: a vector becomes a row. */
export function atleast2d(x: Tensor): Tensor {
  checkTensor(x, "atleast2d");
  return x.ndim === 0 ? x.reshape(1, 1) : x.ndim === 1 ? x.unsqueeze(0) : x;
}

/** The tensor with at least three dimensions. */
export function atleast3d(x: Tensor): Tensor {
  checkTensor(x, "atleast3d");
  if (x.ndim === 0) return x.reshape(1, 1, 1);
  if (x.ndim === 1) return x.unsqueeze(0).unsqueeze(-1);
  return x.ndim === 2 ? x.unsqueeze(-1) : x;
}

/** Tensors side by side: along the second dimension, vectors along their one. */
export function hstack(tensors: readonly Tensor[]): Tensor {
  const list = checkTensors(tensors, "hstack").map(atleast1d);
  if (list.length === 0) throw new TypeError("hstack expects a non-empty TensorList");
  return cat(list, list[0].ndim === 1 ? 0 : 1);
}

/** Tensors below each other, vectors as rows. */
export function vstack(tensors: readonly Tensor[]): Tensor {
  const list = checkTensors(tensors, "vstack").map(atleast2d);
  if (list.length === 0) throw new TypeError("vstack expects a non-empty TensorList");
  return cat(list, 0);
}

/** Tensors along the third dimension. */
export function dstack(tensors: readonly Tensor[]): Tensor {
  const list = checkTensors(tensors, "dstack").map(atleast3d);
  if (list.length === 0) throw new TypeError("dstack expects a non-empty TensorList");
  return cat(list, 2);
}

/** Vectors as columns beside each other, and matrices as they are. */
export function columnStack(tensors: readonly Tensor[]): Tensor {
  const list = checkTensors(tensors, "columnStack");
  if (list.length === 0) throw new TypeError("column_stack expects a non-empty TensorList");
  return hstack(list.map((t) => t.ndim <= 1 ? t.reshape(t.numel(), 1) : t));
}

// ---- blocks -------------------------------------------------------------------------------------------------------

interface Block {
  readonly row: number;
  readonly column: number;
  readonly shape: Shape;
  readonly dtype: DType;
}

const BlockDiag: Rule<{ blocks: readonly Block[] }> = {
  name: "BlockDiagBackward0",
  backward: (g, node) =>
    node.args.blocks.map(({ row, column, shape, dtype }, i) => {
      if (!node.needs(i)) return null;
      const [rows, columns] = matrixShape(shape);
      return to(g.narrow(0, row, rows).narrow(1, column, columns).reshape(shape), dtype);
    }),
};

function matrixShape(shape: Shape): readonly [number, number] {
  return shape.length === 0 ? [1, 1] : shape.length === 1 ? [1, shape[0]] : [shape[0], shape[1]];
}

/** A matrix with the given matrices on its diagonal and zeros elsewhere. Vectors count as rows. */
export function blockDiag(...tensors: Tensor[]): Tensor {
  const list = checkTensors(tensors, "blockDiag");
  let row = 0, column = 0;
  const blocks = list.map((t, i): Block => {
    if (t.ndim > 2) {
      throw new TypeError(
        `torch.block_diag: Input tensors must have 2 or fewer dimensions. Input ${i} has ${t.ndim} dimensions`,
      );
    }
    const [rows, columns] = matrixShape(t.shape), block = { row, column, shape: t.shape, dtype: t.dtype };
    row += rows;
    column += columns;
    return block;
  });
  if (list.length === 0) row = 1; // as PyTorch: one empty row
  const dtype = list.length === 0 ? "float32" : list.map((t) => t.dtype).reduce(promoteTypes);
  const out = allocateTensor(frozen([row, column]), dtype, list.length === 0 ? "cpu" : sameDevice(list));
  list.forEach((t, i) => {
    const b = blocks[i], [rows, columns] = matrixShape(t.shape);
    copyInto(partOf(partOf(out, 0, b.row, rows), 1, b.column, columns), t.detach().reshape(rows, columns));
  });
  return record(BlockDiag, out, list, { blocks });
}
