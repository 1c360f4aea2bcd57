/**
 * Indexing: `x.index(...)`, and assignment through it.
 *
 * As in PyTorch the basic items (integers, slices, ellipsis, new dimensions) come first and give a view; tensors, lists and
 * masks of indices then pick from that view.
 * @module
 */

import type { Offsets } from "../../backend/places.ts";
import { checkKeys, checkTensor } from "../../tensor/arguments.ts";
import { tensor, type TensorData } from "../../tensor/create.ts";
import type { Device } from "../../tensor/device.ts";
import { type Scalar, type TypedArray, typeName } from "../../tensor/dtype.ts";
import {
  broadcastShapes,
  broadcastStrides,
  contiguousStrides,
  frozen,
  sameShape,
  type Shape,
  shapeText,
} from "../../tensor/shape.ts";
import { installMethods, Tensor } from "../../tensor/tensor.ts";
import { nonzeroColumns, readIndices } from "./checks.ts";
import { type IndexItem, type Item, readItems } from "./items.ts";
import type { AccumulateOptions } from "./slices.ts";
import { record, recordInPlace, type Rule, type Save } from "../core/record.ts";
import { copyInto } from "../core/copy.ts";
import { maskedFill, where } from "../select.ts";
import {
  type DeviceIndex,
  newOffsets,
  offsetsOf,
  parts,
  pick,
  Selection,
  sums,
  uploaded,
  write,
} from "./selection.ts";
import { select, slice } from "../view/slice.ts";
import { unsqueeze } from "../view/view.ts";
import { makeView } from "../view/window.ts";

export type { Slice } from "../../tensor/index_syntax.ts";
export type { IndexItem, IndexList } from "./items.ts";

// ---- the basic items ----------------------------------------------------------------------------------------------

/** Indices into one dimension of a view: read and checked, or a tensor on a device whose kernels will read it. */
interface Advanced {
  readonly dim: number;
  readonly values: Offsets | Tensor;
  readonly shape: Shape;
}

/** What the basic items leave: a view, and the picking that is still to be done. */
interface Applied {
  readonly view: Tensor;
  readonly advanced: readonly Advanced[];
  /** The index tensors as they were given. */
  readonly given: readonly Tensor[];
}

const Alias: Rule<object> = { name: "AliasBackward0", backward: (g) => [g] };

function alias(x: Tensor): Tensor {
  return record(Alias, makeView(x, x.shape, x.strides), [x], {});
}

function outOfBounds(index: number, dim: number, size: number): RangeError {
  return new RangeError(`index ${index} is out of bounds for dimension ${dim} with size ${size}`);
}

function selectItem(x: Tensor, dim: number, index: number, named: number): Tensor {
  if (x.ndim === 0) {
    throw new RangeError(
      "invalid index of a 0-dim tensor. Use `tensor.item()` to convert a 0-dim tensor to a number",
    );
  }
  const size = x.shape[dim];
  if (index < -size || index >= size) throw outOfBounds(index, named, size);
  return select(x, dim, index);
}

function cut(x: Tensor, dim: number, s: Item & { kind: "slice" }): Tensor {
  if (x.ndim === 0) throw new RangeError("slice() cannot be applied to a 0-dim tensor.");
  return slice(x, dim, s.start, s.stop, s.step);
}

function isWhole(s: Item & { kind: "slice" }, size: number): boolean {
  return (s.start === null || s.start === 0) && (s.stop === null || s.stop === size) && s.step === 1;
}

/** How many dimensions of the tensor an item uses up. */
function consumed(item: Item): number {
  if (item.kind === "int" || item.kind === "slice") return 1;
  return item.kind === "tensor" ? (isMask(item.tensor) ? item.tensor.ndim : 1) : 0;
}

function isMask(t: Tensor): boolean {
  return t.dtype === "bool" || t.dtype === "uint8";
}

function applyBasic(x: Tensor, items: readonly Item[]): Applied {
  const specified = items.reduce((sum, item) => sum + consumed(item), 0);
  if (specified > x.ndim) {
    if (x.ndim === 0 && items[0].kind === "int") selectItem(x, 0, items[0].value, 0); // has its own message
    throw new RangeError(`too many indices for tensor of dimension ${x.ndim}`);
  }
  if (items.filter((item) => item.kind === "all").length > 1) {
    throw new RangeError("an index can only have a single ellipsis ('...')");
  }
  const advanced: Advanced[] = [], given: Tensor[] = [];
  let view = x, dim = 0, from = 0; // `from`: the dimension of x, which messages name
  for (const item of items) {
    switch (item.kind) {
      case "int":
        view = selectItem(view, dim, item.value, from++);
        break;
      case "slice":
        if (items.length === 1 || !isWhole(item, view.shape[dim])) view = cut(view, dim, item);
        dim++;
        from++;
        break;
      case "all":
        dim += x.ndim - specified;
        from += x.ndim - specified;
        break;
      case "new":
        view = unsqueeze(view, dim++);
        break;
      case "flag":
        // A mask of no dimensions: a new dimension of which one index is taken, or none.
        view = unsqueeze(view, dim);
        advanced.push({
          dim: dim++,
          values: newOffsets(item.value ? 1 : 0, 0),
          shape: frozen([item.value ? 1 : 0]),
        });
        break;
      case "tensor": {
        const { tensor: t } = item;
        given.push(t);
        if (t.device !== x.device && t.device !== "cpu") {
          throw new TypeError(
            `indices should be either on cpu or on the same device as the indexed tensor (${x.device})`,
          );
        }
        if (isMask(t)) {
          checkMask(t, view, dim);
          const columns = nonzeroColumns(t);
          for (const values of columns) {
            advanced.push({ dim: dim++, values, shape: frozen([values.length]) });
          }
          from += t.ndim;
        } else {
          const size = view.shape[dim], named = from++;
          const values = t.device === "cpu"
            ? readIndices(t, size, true, (i) => outOfBounds(i, named, size))
            : t;
          advanced.push({ dim: dim++, values, shape: t.shape });
        }
      }
    }
  }
  return { view, advanced, given };
}

function checkMask(mask: Tensor, view: Tensor, dim: number): void {
  for (let j = 0; j < mask.ndim; j++) {
    if (mask.shape[j] !== view.shape[dim + j]) {
      throw new RangeError(
        `The shape of the mask ${
          shapeText(mask.shape)
        } at index ${j} does not match the shape of the indexed tensor ` +
          `${shapeText(view.shape)} at index ${dim + j}`,
      );
    }
  }
}

// ---- picking ------------------------------------------------------------------------------------------------------

/** The values of an index in the shape to which all indices broadcast. */
function broadcastValues({ values: given, shape }: Advanced, target: Shape): Offsets {
  const values = given as Offsets;
  if (sameShape(shape, target)) return values;
  return offsetsOf(target, broadcastStrides(shape, contiguousStrides(shape), target)).map((at) => values[at]);
}

/** An index of one dimension as a tensor on the device, in the shape to which all indices broadcast. */
function deviceIndex(
  { dim, values, shape }: Advanced,
  device: Device,
  target: Shape,
  before: number,
  after: number,
): DeviceIndex {
  const tensor = values instanceof Tensor ? values : uploaded(values, device);
  const own = values instanceof Tensor ? values.strides : contiguousStrides(shape);
  const zeros = (n: number) => new Array<number>(n).fill(0);
  const strides = frozen([...zeros(before), ...broadcastStrides(shape, own, target), ...zeros(after)]);
  return { tensor, strides, dims: [dim], wrap: true };
}

function selectionOf({ view, advanced, given }: Applied): Selection {
  let shape: Shape;
  try {
    shape = broadcastShapes(...advanced.map((a) => a.shape));
  } catch {
    throw new RangeError(
      "shape mismatch: indexing tensors could not be broadcast together with shapes " +
        advanced.map((a) => shapeText(a.shape)).join(", "),
    );
  }
  const dims = advanced.map((a) => a.dim);
  const first = dims[0], last = dims[dims.length - 1];
  const adjacent = last - first === dims.length - 1;
  const rest = view.shape.map((_, d) => d).filter((d) => !dims.includes(d));
  const before = adjacent ? rest.filter((d) => d < first) : [];
  const after = adjacent ? rest.filter((d) => d > last) : rest;
  const of = (list: readonly number[], keep: readonly number[]) => keep.map((d) => list[d]);
  const result = [...of(view.shape, before), ...shape, ...of(view.shape, after)];
  if (view.device !== "cpu") {
    return new Selection(view.shape, frozen(result), {
      along: [...before, ...shape.map(() => -1), ...after],
      indices: advanced.map((a) => deviceIndex(a, view.device, shape, before.length, after.length)),
      distinct: given.length === 1 && advanced.length > 0 && isMask(given[0]),
      caller: "index()",
    });
  }
  const values = advanced.map((a) => broadcastValues(a, shape));
  return new Selection(view.shape, frozen(result), (strides) => {
    const reach = view.shape.reduce((sum, s, d) => sum + Math.max(s - 1, 0) * strides[d], 0);
    const picked = newOffsets(values[0].length, reach);
    values.forEach((v, k) => {
      const step = strides[dims[k]];
      for (let i = 0; i < picked.length; i++) picked[i] += v[i] * step;
    });
    const outer = sums(offsetsOf(of(view.shape, before), of(strides, before)), picked);
    return parts(outer, of(view.shape, after), of(strides, after));
  });
}

const names = { pick: "IndexBackward0", spread: "IndexPutBackward0" };

function saved(given: readonly Tensor[]): Save {
  return Object.fromEntries(given.map((t, i) => [given.length === 1 ? "indices" : `indices[${i}]`, t]));
}

/**
 * Part of a tensor: a view where there are only integers, slices, `"..."` and `null`, else a copy.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * const x = dg.arange(12).reshape(3, 4);
 * x.index(0); // the first row
 * x.index("1:, ::2"); // as Python's x[1:, ::2]
 * x.index({ start: 1 }, [3, 0]); // as Python's x[1:, [3, 0]]
 * x.index(x.gt(5)); // the elements above 5
 * ```
 */
export function index(x: Tensor, ...indices: readonly IndexItem[]): Tensor {
  checkTensor(x, "index");
  const [first] = indices;
  if (indices.length === 1 && typeof first === "number" && Number.isInteger(first)) {
    return selectItem(x, 0, first, 0);
  }
  const applied = applyBasic(x, readItems(indices));
  if (applied.advanced.length > 0) {
    return pick(
      applied.view,
      selectionOf(applied),
      names,
      { selfSymSizes: applied.view.shape },
      saved(applied.given),
    );
  }
  return applied.view === x ? alias(x) : applied.view;
}

// ---- writing ------------------------------------------------------------------------------------------------------

/** What can be assigned: a tensor, one value, or nested arrays of values. */
export type IndexValue = Tensor | Scalar | TypedArray | TensorData;

function valueTensor(value: IndexValue, self: Tensor): Tensor {
  if (value instanceof Tensor) return value;
  if (typeof value === "object" && value !== null) {
    return tensor(value, { dtype: self.dtype, device: self.device });
  }
  return self.newScalar(checkScalar(value, self));
}

function checkScalar(value: unknown, self: Tensor): Scalar {
  if (typeof value === "number" || typeof value === "bigint" || typeof value === "boolean") return value;
  throw new TypeError(
    `can't assign a ${value === null ? "null" : typeof value} to a torch.${typeName(self.dtype)}Tensor`,
  );
}

/** Without the dimensions of size 1 in front, which assigning ignores. */
function withoutLeadingOnes(value: Tensor): Tensor {
  const first = value.shape.findIndex((s) => s !== 1);
  const lead = first < 0 ? value.ndim : first;
  return lead === 0 ? value : value.view(value.shape.slice(lead));
}

function copyTo(target: Tensor, value: Tensor): void {
  if (sameShape(target.shape, value.shape)) target.copy_(value);
  else if (value.ndim === 0) target.fill_(value);
  else target.copy_(withoutLeadingOnes(value));
}

function checkValue(view: Tensor, selection: Selection, value: Tensor): void {
  if (value.dtype !== view.dtype) {
    throw new TypeError(
      `Index put requires the source and destination dtypes match, got ${
        typeName(view.dtype)
      } for the destination ` +
        `and ${typeName(value.dtype)} for the source.`,
    );
  }
  const { shape } = selection, lead = shape.length - value.ndim;
  if (lead < 0 || value.shape.some((s, d) => s !== 1 && s !== shape[d + lead])) {
    throw new TypeError(
      `shape mismatch: value tensor of shape ${
        shapeText(value.shape)
      } cannot be broadcast to indexing result of shape ` +
        shapeText(shape),
    );
  }
}

const FillByMask: Rule<object> = {
  name: "IndexPutBackward0",
  backward: (g, node) => {
    const mask = node.tensor("mask");
    return [
      node.needs(0) ? maskedFill(g, mask, 0) : null,
      node.needs(1) ? where(mask, g, 0).sum() : null,
    ];
  },
};

/**
 * One value where a mask holds, on a device that would have to be asked how many places that are. Null where the items are
 * not just one mask, or there is more than one value.
 */
function fillByMask(x: Tensor, items: readonly Item[], value: IndexValue): Tensor | null {
  const item = items.length === 1 ? items[0] : null;
  if (x.device === "cpu" || item === null || item.kind !== "tensor" || item.tensor.dtype !== "bool") {
    return null;
  }
  if (typeof value === "object" && !(value instanceof Tensor && value.ndim === 0)) return null;
  if (item.tensor.ndim > x.ndim) return null;
  checkMask(item.tensor, x, 0);
  const last = new Array<number>(x.ndim - item.tensor.ndim).fill(1);
  const mask = item.tensor.to(x.device).reshape([...item.tensor.shape, ...last]);
  const put = value instanceof Tensor ? value : x.newScalar(checkScalar(value, x));
  if (put.dtype !== x.dtype) return null; // has its own message
  return recordInPlace(FillByMask, x, [x, put], {}, () => {
    copyInto(x, where(mask, put.detach(), x.detach()));
  }, { mask });
}

/** One item, or a list of the items of several dimensions. */
export type Indices = IndexItem | readonly IndexItem[];

function itemsOf(indices: Indices): Item[] {
  return readItems(Array.isArray(indices) ? indices as readonly IndexItem[] : [indices as IndexItem]);
}

function putInto(
  x: Tensor,
  indices: Indices,
  value: IndexValue,
  options: AccumulateOptions,
): Tensor {
  const { accumulate = false } = checkKeys(options, "indexPut", ["accumulate"]);
  const items = itemsOf(indices);
  const filled = accumulate ? null : fillByMask(x, items, value);
  if (filled !== null) return filled;
  const applied = applyBasic(x, items), { view } = applied;
  if (
    applied.advanced.length === 0 && typeof value !== "object" && !accumulate && !view.requiresGrad
  ) {
    view.fill_(checkScalar(value, x)); // the same as below, without a tensor for the value
    return x;
  }
  const values = valueTensor(value, x);
  if (applied.advanced.length === 0) {
    if (accumulate) view.add_(values);
    else copyTo(view, values);
    return x;
  }
  const selection = selectionOf(applied), plain = withoutLeadingOnes(values);
  checkValue(view, selection, plain);
  write(view, selection, plain, {
    name: "IndexPutBackward0",
    names,
    inPlace: true,
    accumulate,
    args: { accumulate },
    save: saved(applied.given),
  });
  return x;
}

/** A copy of a tensor with values written at an index. See {@linkcode index} for what an index can be. */
export function indexPut(
  x: Tensor,
  indices: readonly IndexItem[],
  value: IndexValue,
  options: AccumulateOptions = {},
): Tensor {
  checkTensor(x, "indexPut");
  return putInto(x.clone(), indices, value, options);
}

/** Assigns, as Python's `x[...] = value`; returns the tensor. */
export function setIndex(x: Tensor, indices: Indices, value: IndexValue): Tensor {
  checkTensor(x, "setIndex");
  return putInto(x, indices, value, {});
}

/** The methods of this family. */
export interface IndexMethods {
  /**
   * Part of the tensor, as Python's `x[...]`: a view where there are only integers, slices, `"..."` and `null`; a copy
   * where there are tensors, lists or masks.
   */
  index(...indices: readonly IndexItem[]): Tensor;
  /** Writes values at an index, given as the list of its items, or adds them; returns the tensor. */
  indexPut_(indices: Indices, value: IndexValue, options?: AccumulateOptions): Tensor;
  /** A copy with values written at an index, given as the list of its items. */
  indexPut(indices: readonly IndexItem[], value: IndexValue, options?: AccumulateOptions): Tensor;
  /**
   * Assigns, as Python's `x[...] = value`; returns the tensor. `x.setIndex([0, 2], 7)` is `x[0, 2] = 7`, and
   * `x.setIndex([[0, 2]], 7)` is `x[[0, 2]] = 7`.
   */
  setIndex(indices: Indices, value: IndexValue): Tensor;
}

const methods: IndexMethods & ThisType<Tensor> = {
  index(...indices) {
    return index(this, ...indices);
  },
  indexPut_(indices, value, options = {}) {
    return putInto(this, indices, value, options);
  },
  indexPut(indices, value, options) {
    return indexPut(this, indices, value, options);
  },
  setIndex(indices, value) {
    return setIndex(this, indices, value);
  },
};
installMethods(methods);
