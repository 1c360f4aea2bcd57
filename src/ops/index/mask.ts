/**
 * Masks: which elements are not zero, and reading and writing those that a mask marks.
 * @module
 */

import { checkKeys, checkTensor } from "../../tensor/arguments.ts";
import { fromTypedArray } from "../../tensor/create.ts";
import { typeName } from "../../tensor/dtype.ts";
import { broadcastShapes, frozen, sameShape } from "../../tensor/shape.ts";
import { installMethods, type Tensor } from "../../tensor/tensor.ts";
import { checkIndexDevice, nonzeroColumns, nonzeroNumbers } from "./checks.ts";
import { backTo } from "../core/on_host.ts";
import { numbered, pick, write } from "./selection.ts";

// ---- what is not zero ---------------------------------------------------------------------------------------------

/** Options of {@linkcode nonzero}. */
export interface NonzeroOptions {
  /** Give one tensor a dimension, fit for `index`, instead of one row an element. */
  readonly asTuple?: boolean;
}

/** The indices of the elements that are not zero, one int64 tensor a dimension: fit for `index`. */
export function nonzero(x: Tensor, options: { readonly asTuple: true }): Tensor[];
/** The indices of the elements that are not zero, one row of an int64 tensor each. */
export function nonzero(x: Tensor, options?: { readonly asTuple?: false }): Tensor;
/** The indices of the elements that are not zero: rows, or with `asTuple` one tensor a dimension. */
export function nonzero(x: Tensor, options?: NonzeroOptions): Tensor | Tensor[];
export function nonzero(x: Tensor, options: NonzeroOptions = {}): Tensor | Tensor[] {
  checkTensor(x, "nonzero", "input");
  checkKeys(options, "nonzero", ["asTuple"]);
  if (options.asTuple === true) {
    const columns = nonzeroColumns(x.ndim === 0 ? x.reshape(1) : x);
    return columns.map((c) => backTo(fromTypedArray(BigInt64Array.from(c, BigInt)), x));
  }
  const columns = nonzeroColumns(x),
    rows = columns.length === 0 ? nonzeroNumbers(x).length : columns[0].length;
  const data = new BigInt64Array(rows * columns.length);
  columns.forEach((c, d) => c.forEach((k, i) => data[i * columns.length + d] = BigInt(k)));
  return backTo(fromTypedArray(data, [rows, columns.length]), x);
}

/** The same as {@linkcode nonzero} without options; NumPy's name. */
export function argwhere(x: Tensor): Tensor {
  checkTensor(x, "argwhere");
  return nonzero(x);
}

// ---- reading and writing by a mask --------------------------------------------------------------------------------

const selectNames = { pick: "MaskedSelectBackward0", spread: "MaskedScatterBackward0" };

/** The elements that a mask marks, in one dimension. Tensor and mask are broadcast. */
export function maskedSelect(x: Tensor, mask: Tensor): Tensor {
  checkTensor(x, "maskedSelect");
  checkTensor(mask, "maskedSelect", "mask");
  if (mask.dtype !== "bool") throw new TypeError("maskedSelect: expected BoolTensor for mask");
  checkIndexDevice(x, mask);
  const shape = broadcastShapes(x.shape, mask.shape);
  const wide = sameShape(x.shape, shape) ? x : x.expand(shape);
  const numbers = nonzeroNumbers(mask.detach().expand(shape));
  const selection = numbered(shape, numbers, frozen([numbers.length]), x.device);
  return pick(wide, selection, selectNames, {}, { mask });
}

function scatterMasked(inPlace: boolean, x: Tensor, mask: Tensor, source: Tensor): Tensor {
  const caller = inPlace ? "maskedScatter_" : "maskedScatter";
  checkTensor(mask, caller, "mask");
  checkTensor(source, caller, "source");
  if (x.dtype !== source.dtype) {
    throw new TypeError(
      `maskedScatter: expected self and source to have same dtypes but got ${typeName(x.dtype)} and ${
        typeName(source.dtype)
      }`,
    );
  }
  if (mask.dtype !== "bool") {
    throw new TypeError(
      `maskedScatter_ only supports boolean masks, but got mask with dtype ${typeName(mask.dtype)}`,
    );
  }
  checkIndexDevice(x, mask);
  checkIndexDevice(x, source);
  const shape = inPlace ? x.shape : broadcastShapes(x.shape, mask.shape);
  const wide = sameShape(x.shape, shape) ? x : x.expand(shape);
  const numbers = nonzeroNumbers(mask.detach().expand(shape));
  if (source.numel() < numbers.length) {
    throw new TypeError("Number of elements of source < number of ones in mask");
  }
  const values = source.reshape(-1).slice(0, 0, numbers.length);
  return write(wide, numbered(shape, numbers, values.shape, x.device), values, {
    name: "MaskedScatterBackward0",
    names: selectNames,
    inPlace,
    save: { mask },
  });
}

/** A copy in which the elements that a mask marks are replaced by those of `source`, one after the other. */
export function maskedScatter(x: Tensor, mask: Tensor, source: Tensor): Tensor {
  checkTensor(x, "maskedScatter");
  return scatterMasked(false, x, mask, source);
}

/** The methods of this family. */
export interface MaskMethods {
  /** The indices of the elements that are not zero, one tensor a dimension. */
  nonzero(options: { readonly asTuple: true }): Tensor[];
  /** The indices of the elements that are not zero, one row each. */
  nonzero(options?: { readonly asTuple?: false }): Tensor;
  /** The indices of the elements that are not zero, one row each. */
  argwhere(): Tensor;
  /** The elements that a mask marks, in one dimension. */
  maskedSelect(mask: Tensor): Tensor;
  /** A copy in which the elements that a mask marks are replaced by those of `source`. */
  maskedScatter(mask: Tensor, source: Tensor): Tensor;
  /** Replaces the elements that a mask marks by those of `source`. */
  maskedScatter_(mask: Tensor, source: Tensor): Tensor;
}

const methods: MaskMethods & ThisType<Tensor> = {
  nonzero(options?: NonzeroOptions) {
    return nonzero(this, options) as never;
  },
  argwhere() {
    return nonzero(this);
  },
  maskedSelect(mask) {
    return maskedSelect(this, mask);
  },
  maskedScatter(mask, source) {
    return maskedScatter(this, mask, source);
  },
  maskedScatter_(mask, source) {
    return scatterMasked(true, this, mask, source);
  },
};
installMethods(methods);
