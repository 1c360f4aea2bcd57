/**
 * Selected elements of a tensor, and the two linear operations on them that all of indexing is made of: to pick them, and to
 * spread (add) values over them. Each is the other's gradient.
 * @module
 */

import { atPlaces, type Offsets, type PlaceAction, type Places } from "../backend/cpu/index_js.ts";
import { castScalar } from "../tensor/cast.ts";
import type { Scalar, TypedArray } from "../tensor/dtype.ts";
import { contiguousStrides, isContiguous, numel, sameShape, type Shape } from "../tensor/shape.ts";
import { allocateTensor, Tensor } from "../tensor/tensor.ts";
import { checkNoInternalOverlap } from "./compute.ts";
import { record, recordInPlace, type Rule, type RuleNode, type Save } from "./record.ts";

/** Which elements of a tensor of one shape are meant, in which order and shape. Elements may be meant several times. */
export class Selection {
  /** Shape of the tensor that is selected from. */
  readonly source: Shape;
  /** Shape of what is selected. */
  readonly shape: Shape;
  private readonly build: (strides: Shape) => Places;
  private last: { readonly strides: Shape; readonly places: Places } | null = null;

  /** `build` gives the places for a tensor with these strides. */
  constructor(source: Shape, shape: Shape, build: (strides: Shape) => Places) {
    this.source = source;
    this.shape = shape;
    this.build = build;
  }

  /** The places in a tensor with these strides. */
  on(strides: Shape): Places {
    if (this.last === null || !sameShape(this.last.strides, strides)) {
      this.last = { strides, places: this.build(strides) };
    }
    return this.last.places;
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

/** The elements with the given row-major numbers. */
export function numbered(source: Shape, numbers: Offsets, shape: Shape): Selection {
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

// ---- on memory, without history -----------------------------------------------------------------------------------

/** The elements of a tensor as an array without gaps, from an index on. */
function dense(t: Tensor): { readonly data: TypedArray; readonly start: number } {
  const plain = t.isContiguous() ? t : t.detach().contiguous();
  return { data: plain.storage.data, start: plain.offset };
}

function pickPlain(x: Tensor, selection: Selection): Tensor {
  const out = allocateTensor(selection.shape, x.dtype);
  atPlaces("pick", x.storage.data, x.offset, selection.on(x.strides), out.storage.data);
  return out;
}

/** Writes or combines values (of the selection's shape and the target's dtype) at the selected places of a tensor. */
export function writePlain(
  target: Tensor,
  selection: Selection,
  action: PlaceAction,
  values: Tensor | Scalar,
): void {
  const places = selection.on(target.strides), data = target.storage.data;
  if (!(values instanceof Tensor)) {
    atPlaces("fill", data, target.offset, places, castScalar(values, target.dtype));
    return;
  }
  const { data: other, start } = dense(values);
  atPlaces(
    action === "add" && target.dtype === "bool" ? "or" : action,
    data,
    target.offset,
    places,
    other,
    start,
  );
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
  const out = allocateTensor(selection.source, values.dtype);
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
    plain = values.detach();
    if (Number(alpha) !== 1) plain = plain.mul(alpha).to(self.dtype);
    if (!sameShape(plain.shape, selection.shape)) plain = plain.expand(selection.shape);
    if (inPlace && plain.storage === self.storage) plain = plain.clone();
  } else castScalar(values, self.dtype); // throws before anything is written
  const action: PlaceAction = accumulate ? "add" : "put";
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
