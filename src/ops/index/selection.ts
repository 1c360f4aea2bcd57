/**
 * Selected elements of a tensor, and the two linear operations on them that all of indexing is made of: to pick them, and to
 * spread (add) values over them. Each is the other's gradient.
 * @module
 */

import {
  fillAt,
  type Offsets,
  pickAt,
  type PlaceAction,
  type Places,
  type Selected,
  type Steps,
  type Where,
  writeAt,
} from "../../backend/places.ts";
import { castScalar } from "../../tensor/cast.ts";
import { fromTypedArray } from "../../tensor/create.ts";
import { type Device, differentDevices } from "../../tensor/device.ts";
import type { Scalar } from "../../tensor/dtype.ts";
import { contiguousStrides, isContiguous, numel, sameShape, type Shape } from "../../tensor/shape.ts";
import { allocateTensor, copyToDevice, Tensor, unwrittenTensor } from "../../tensor/tensor.ts";
import { checkNoInternalOverlap } from "../core/compute.ts";
import { record, recordInPlace, type Rule, type RuleNode, type Save } from "../core/record.ts";

/** A tensor of indices, for a device other than the CPU, whose kernels read it themselves. */
export interface DeviceIndex {
  /** The indices, int32 or int64, on the device. */
  readonly tensor: Tensor;
  /** Steps along the dimensions of the selection. */
  readonly strides: Shape;
  /** The dimensions of the source whose elements an index numbers, row-major; mostly one. */
  readonly dims: readonly number[];
  /** Whether negative indices count from the end. */
  readonly wrap: boolean;
}

/** How a selection is found on a device other than the CPU. */
export interface DeviceSteps {
  /** For each dimension of the selection the dimension of the source that it walks along, or -1. */
  readonly along: readonly number[];
  /** Steps by indices. */
  readonly indices: readonly DeviceIndex[];
  /** Whether no element is meant twice. */
  readonly distinct?: boolean;
  /** Who asks, for complaints about indices. */
  readonly caller: string;
}

let words: string | null = null;

/**
 * Runs `fn`. An index that is out of range in it, and on a device where only the next read tells so, is told in these words, with
 * `{index}` and `{size}` replaced: those of the operation that the user called.
 */
export function inWords<T>(sentence: string, fn: () => T): T {
  const before = words;
  words = sentence;
  try {
    return fn();
  } finally {
    words = before;
  }
}

/** Which elements of a tensor of one shape are meant, in which order and shape. Elements may be meant several times. */
export class Selection {
  /** Shape of the tensor that is selected from. */
  readonly source: Shape;
  /** Shape of what is selected. */
  readonly shape: Shape;
  private readonly build: ((strides: Shape) => Places) | DeviceSteps;
  private last: { readonly strides: Shape; readonly where: Where } | null = null;

  /** `build` gives the places for a tensor of the CPU with these strides, or how to find them on another device. */
  constructor(source: Shape, shape: Shape, build: ((strides: Shape) => Places) | DeviceSteps) {
    this.source = source;
    this.shape = shape;
    this.build = build;
  }

  /** The places in a tensor with these strides. */
  on(strides: Shape): Where {
    if (this.last === null || !sameShape(this.last.strides, strides)) {
      const where = typeof this.build === "function" ? this.build(strides) : this.steps(this.build, strides);
      this.last = { strides, where };
    }
    return this.last.where;
  }

  private steps({ along, indices, distinct = false, caller }: DeviceSteps, strides: Shape): Steps {
    return {
      shape: this.shape,
      strides: along.map((d) => d < 0 ? 0 : strides[d]),
      indices: indices.map(({ tensor, strides: own, dims, wrap }) => ({
        data: tensor.storage.memory,
        offset: tensor.offset,
        strides: own,
        digits: dims.map((d) => ({ size: this.source[d], step: strides[d] })),
        wrap,
      })),
      distinct,
      caller: words ?? caller,
    };
  }
}

const ZERO: Offsets = new Int32Array(1);

/** Places that follow no pattern. */
export function scattered(outer: Offsets): Places {
  return { outer, inner: ZERO, run: 1 };
}

/** Places of whole parts: at every offset, all elements of a shape with these strides. */
export function parts(outer: Offsets, shape: Shape, strides: Shape): Places {
  if (isContiguous(shape, strides)) return { outer, inner: ZERO, run: numel(shape) };
  return { outer, inner: offsetsOf(shape, strides), run: 1 };
}

/** Offsets up to `largest`, in the narrowest array that holds them. */
export function newOffsets(length: number, largest: number): Offsets {
  return largest <= 0x7fffffff ? new Int32Array(length) : new Float64Array(length);
}

/** The largest offset in a tensor of this shape and strides. */
function reach(shape: Shape, strides: Shape): number {
  return shape.reduce((sum, size, d) => sum + Math.max(size - 1, 0) * strides[d], 0);
}

/** The offsets of all elements of a shape, row-major. */
export function offsetsOf(shape: Shape, strides: Shape): Offsets {
  const largest = reach(shape, strides);
  let out = newOffsets(1, largest);
  for (let d = 0; d < shape.length; d++) {
    const next = newOffsets(out.length * shape[d], largest);
    for (let i = 0, w = 0; i < out.length; i++) {
      for (let k = 0, p = out[i]; k < shape[d]; k++, p += strides[d]) next[w++] = p;
    }
    out = next;
  }
  return out;
}

/** Every sum of an offset of `a` and one of `b`; `b` runs fastest. */
export function sums(a: Offsets, b: Offsets): Offsets {
  if (a.length === 1 && a[0] === 0) return b;
  const wide = a instanceof Float64Array || b instanceof Float64Array;
  const out = wide ? new Float64Array(a.length * b.length) : new Int32Array(a.length * b.length);
  for (let i = 0, w = 0; i < a.length; i++) for (let k = 0; k < b.length; k++) out[w++] = a[i] + b[k];
  return out;
}

/** A list of indices of the CPU as a tensor of another device. */
export function uploaded(values: Offsets, device: Device): Tensor {
  return copyToDevice(fromTypedArray(Int32Array.from(values)), device);
}

/** The elements with the given row-major numbers, which are in range. On another device than the CPU they are all different. */
export function numbered(
  source: Shape,
  numbers: Offsets,
  shape: Shape,
  device: Device,
): Selection {
  if (device !== "cpu") {
    const tensor = uploaded(numbers, device);
    return numberedBy(source, tensor, contiguousStrides(shape), shape, { distinct: true, caller: "a mask" });
  }
  return new Selection(source, shape, (strides) => {
    const plain = contiguousStrides(source);
    if (sameShape(strides, plain)) return scattered(numbers);
    const out = newOffsets(
      numbers.length,
      source.reduce((sum, s, d) => sum + Math.max(s - 1, 0) * strides[d], 0),
    );
    for (let i = 0; i < numbers.length; i++) {
      let at = 0;
      for (let d = 0, rest = numbers[i]; d < source.length; d++) {
        const k = Math.floor(rest / plain[d]);
        at += k * strides[d];
        rest -= k * plain[d];
      }
      out[i] = at;
    }
    return scattered(out);
  });
}

/** The elements with the row-major numbers that a tensor of another device than the CPU holds. */
export function numberedBy(
  source: Shape,
  tensor: Tensor,
  strides: Shape,
  shape: Shape,
  how: { readonly distinct?: boolean; readonly caller: string },
): Selection {
  const along = shape.map(() => -1), dims = source.map((_, d) => d);
  return new Selection(source, shape, { along, indices: [{ tensor, strides, dims, wrap: true }], ...how });
}

// ---- on memory, without history -----------------------------------------------------------------------------------

function memoryOf(t: Tensor): Selected {
  return { data: t.storage.memory, dtype: t.dtype, offset: t.offset };
}

function pickPlain(x: Tensor, selection: Selection): Tensor {
  const out = unwrittenTensor(selection.shape, x.dtype, x.device);
  pickAt(memoryOf(x), selection.on(x.strides), out.storage.memory);
  return out;
}

/** Writes or combines values (of the selection's shape and the target's dtype) at the selected places of a tensor. */
export function writePlain(
  target: Tensor,
  selection: Selection,
  action: Exclude<PlaceAction, "pick" | "fill">,
  values: Tensor | Scalar,
): void {
  const where = selection.on(target.strides);
  if (!(values instanceof Tensor)) {
    fillAt(memoryOf(target), where, values);
    return;
  }
  // On the CPU values have no gaps.
  const plain = target.device !== "cpu" || values.isContiguous() ? values : values.detach().contiguous();
  writeAt(action, memoryOf(target), where, { ...memoryOf(plain), strides: plain.strides });
}

// ---- with history -------------------------------------------------------------------------------------------------

/** PyTorch's names of the nodes of picking and of spreading back, which the second derivative shows. */
export interface SelectionNames {
  /** Name of the node of what was picked. */
  readonly pick: string;
  /** Name of the node of its gradient. */
  readonly spread: string;
}

/** Throws if a saved index was freed, or changed since. */
function checkSaved(node: RuleNode<object>, save: Save): void {
  for (const key in save) if (save[key] !== null) node.tensor(key);
}

/** The selected elements, copied. `save` holds the index tensors, for checks and pictures. */
export function pick(
  x: Tensor,
  selection: Selection,
  names: SelectionNames,
  args: object = {},
  save: Save = {},
): Tensor {
  const rule: Rule<object> = {
    name: names.pick,
    backward(g, node) {
      checkSaved(node, save);
      return [spread(g, selection, names)];
    },
  };
  return record(rule, pickPlain(x, selection), [x], args, save);
}

/** Zeros of the source's shape with the values added at the selected places. */
export function spread(values: Tensor, selection: Selection, names: SelectionNames): Tensor {
  const out = allocateTensor(selection.source, values.dtype, values.device);
  writePlain(out, selection, "add", values);
  return record({ name: names.spread, backward: (g) => [pick(g, selection, names)] }, out, [values], {});
}

/** A copy with zeros at the selected places. */
export function clear(x: Tensor, selection: Selection, name: string): Tensor {
  const out = x.detach().clone();
  writePlain(out, selection, "put", 0);
  return record({ name, backward: (g) => [clear(g, selection, name)] }, out, [x], {});
}

/** How {@linkcode write} writes. */
export interface WriteOptions {
  /** Name of the node. */
  readonly name: string;
  /** Names for picking the gradient of the values. */
  readonly names: SelectionNames;
  /** Write into the tensor itself, or into a copy. */
  readonly inPlace: boolean;
  /** Add to what is there, or replace it. */
  readonly accumulate?: boolean;
  /** Factor of the values. */
  readonly alpha?: number | bigint;
  /** Plain values that the graph shows. */
  readonly args?: object;
  /** Index tensors, for checks and pictures. */
  readonly save?: Save;
}

/** Writes values at the selected places. A tensor of values has self's dtype and broadcasts to the selection's shape. */
export function write(
  self: Tensor,
  selection: Selection,
  values: Tensor | Scalar,
  options: WriteOptions,
): Tensor {
  const { name, names, inPlace, accumulate = false, alpha = 1, args = {}, save = {} } = options;
  const shape = values instanceof Tensor ? values.shape : null;
  const rule: Rule<object> = {
    name,
    backward(g, node) {
      checkSaved(node, save);
      const own = !node.needs(0) ? null : accumulate ? g : clear(g, selection, names.spread);
      if (shape === null || !node.needs(1)) return [own, null];
      const picked = pick(g, selection, names).sumToSize(shape);
      return [own, Number(alpha) === 1 ? picked : picked.mul(Number(alpha))];
    },
  };
  let plain = values;
  if (values instanceof Tensor) {
    // A 0-d tensor of the CPU goes with any device, as a number does.
    if (values.device !== self.device) {
      if (values.ndim > 0 || values.device !== "cpu") throw differentDevices(self.device, values.device);
    }
    plain = values.device === self.device ? values.detach() : copyToDevice(values, self.device);
    if (Number(alpha) !== 1) plain = plain.mul(alpha).to(self.dtype);
    if (!sameShape(plain.shape, selection.shape)) plain = plain.expand(selection.shape);
    if (inPlace && plain.storage === self.storage) plain = plain.clone();
  } else castScalar(values, self.dtype); // throws before anything is written
  const action = accumulate ? "add" : "put";
  if (!inPlace) {
    const out = self.detach().clone();
    writePlain(out, selection, action, plain);
    return record(rule, out, [self, values], args, save);
  }
  checkNoInternalOverlap(self);
  return recordInPlace(rule, self, [self, values], args, () => {
    writePlain(self, selection, action, plain);
  }, save);
}
