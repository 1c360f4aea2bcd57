/**
 * The tensor: a strided window on typed-array memory, and what it remembers of its making.
 * @module
 */

import type { Node } from "../autograd/node.ts";
import { DISPLAY, type Displayable, type MimeBundle } from "../display/mime.ts";
import type { TensorMethods } from "../ops/methods.ts";
import { warn } from "../warn.ts";
import { type AutogradMeta, type VersionCounter, viewHooks, type ViewInfo } from "./autograd_meta.ts";
import { describe } from "./describe.ts";
import { type Device, getDefaultDevice } from "./device.ts";
import { type DType, isFloatingPoint, itemSize, type TypedArray } from "./dtype.ts";
import { tensorBundle } from "./display.ts";
import { formatTensor, pythonScalar } from "./format.ts";
import { type Reader, withElements } from "./peek.ts";
import { recording } from "./later.ts";
import { contiguousStrides, isContiguous, normalizeDim, numel, type Shape, shapeText } from "./shape.ts";
import { Storage } from "./storage.ts";

/** How long an array can be. */
const MOST_ITEMS = 2 ** 32 - 1;

/** Nested JavaScript arrays of elements; a plain element for a 0-d tensor. */
export type NestedArray<T = number | boolean> = T | NestedArray<T>[];

// Methods come from the families in `ops/` and `autograd/`, each of which describes its own; see `ops/methods.ts`.
/** The methods that the families of operations give to every tensor. */
export interface Tensor extends TensorMethods {}

/**
 * An n-dimensional array with PyTorch's semantics: strided views over shared memory, and automatic differentiation.
 *
 * Make one with {@linkcode tensor}, {@linkcode zeros}, {@linkcode randn} and their like; the constructor is the inside of
 * the house.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * const x = dg.tensor([1, 2, 3], { requiresGrad: true });
 * x.pow(2).sum().backward();
 * console.log(x.grad); // tensor([2., 4., 6.])
 * ```
 */
export class Tensor implements Displayable {
  // Fields are defined: to assign one that is not there yet would ask the proxy behind the prototype, which is slow.
  /** The memory. */
  storage: Storage;
  /** Index of the first element in the memory. */
  offset: number;
  /** Sizes. */
  shape: Shape;
  /** Steps in elements, one a dimension. */
  strides: Shape;
  /** The operation that made this tensor; null on leaves. For the inside of the house; use `gradFn`. */
  node: Node | null;
  /** Further gradient state, or null. For the inside of the house; use `requiresGrad` and `grad`. */
  meta: AutogradMeta | null;
  /** Set on views. For the inside of the house. */
  view_: ViewInfo | null;
  /** Counts in-place writes. For the inside of the house. */
  counter: VersionCounter;

  /** `x[0]`, `x[-1]`: the element or slice at an index of the first dimension; assignable. */
  // deno-lint-ignore no-explicit-any
  [index: number]: any;
  /** `x["1:3, ..., ::2"]`: basic slicing; assignable. See `index` for the typed form. */
  // deno-lint-ignore no-explicit-any
  [slice: `${string}:${string}`]: any;
  /** `x["..., 0"]`, `x["0, 1"]`: basic indexing of several dimensions; assignable. */
  // deno-lint-ignore no-explicit-any
  [indices: `${string},${string}`]: any;

  /** Wraps memory that exists. For the inside of the house. */
  constructor(storage: Storage, offset: number, shape: Shape, strides: Shape) {
    this.storage = storage;
    this.offset = offset;
    this.shape = shape;
    this.strides = strides;
    this.node = null;
    this.meta = null;
    this.view_ = null;
    this.counter = storage;
  }

  /** Element type. */
  get dtype(): DType {
    return this.storage.dtype;
  }

  /** Where the memory is. */
  get device(): Device {
    return this.storage.device;
  }

  /** Number of dimensions. */
  get ndim(): number {
    return this.shape.length;
  }

  /** Number of elements. */
  numel(): number {
    return numel(this.shape);
  }

  /** Number of dimensions; PyTorch's `dim()`. */
  dim(): number {
    return this.shape.length;
  }

  /** The shape; with a dimension, its size. */
  size(): Shape;
  /** The size of one dimension. */
  size(dim: number): number;
  size(dim?: number): Shape | number {
    return dim === undefined ? this.shape : this.shape[normalizeDim(dim, this.ndim)];
  }

  /** Size of the first dimension, so that a tensor reads like an array. TypeError for a 0-d tensor. */
  get length(): number {
    if (this.shape.length === 0) throw new TypeError("len() of a 0-d tensor");
    return this.shape[0];
  }

  /** The strides; with a dimension, that dimension's. */
  stride(): Shape;
  /** One dimension's stride. */
  stride(dim: number): number;
  stride(dim?: number): Shape | number {
    return dim === undefined ? this.strides : this.strides[normalizeDim(dim, this.ndim)];
  }

  /** Index of the first element in the memory, in elements. */
  storageOffset(): number {
    return this.offset;
  }

  /** Bytes an element. */
  get itemsize(): number {
    return itemSize(this.storage.dtype);
  }

  /** Whether the elements lie row-major without gaps. */
  isContiguous(): boolean {
    return isContiguous(this.shape, this.strides);
  }

  /** Whether the dtype is a floating-point type. */
  isFloatingPoint(): boolean {
    return isFloatingPoint(this.dtype);
  }

  // ---- gradient state -------------------------------------------------------------------------------------------

  /** Whether gradients are computed with respect to this tensor. Settable on leaves. */
  get requiresGrad(): boolean {
    if (this.view_ !== null) viewHooks.refresh(this);
    return this.node !== null || (this.meta !== null && this.meta.requiresGrad);
  }

  set requiresGrad(value: boolean) {
    this.requiresGrad_(value);
  }

  /** Whether this tensor was made by the user rather than by a recorded operation. */
  get isLeaf(): boolean {
    return this.gradFn === null;
  }

  /** The operation that made this tensor, or null on a leaf. */
  get gradFn(): Node | null {
    if (this.view_ !== null) viewHooks.refresh(this);
    return this.node;
  }

  /** The accumulated gradient of a leaf, or of a tensor on which `retainGrad()` was called. */
  get grad(): Tensor | null {
    const { meta } = this, grad = meta === null ? null : meta.grad;
    if (this.node !== null && grad === null && !this.retainsGrad) {
      warn(
        "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad attribute won't be " +
          "populated during autograd.backward(). If you indeed want the .grad field to be populated for a non-leaf " +
          "Tensor, use .retainGrad() on the non-leaf Tensor. If you access the non-leaf Tensor by mistake, make sure " +
          "you access the leaf Tensor instead. See github.com/pytorch/pytorch/pull/30531 for more information.",
      );
    }
    if (grad !== null) grad.storage.seen = true;
    return grad;
  }

  set grad(value: Tensor | null) {
    this.setGrad(value);
  }

  /** Whether `retainGrad()` was called on this non-leaf. */
  get retainsGrad(): boolean {
    return this.meta !== null && this.meta.retainsGrad;
  }

  /** How many in-place writes the memory has seen; PyTorch's `_version`. */
  get version(): number {
    return this.counter.version;
  }

  /** Whether this tensor is a view of another. */
  get isView(): boolean {
    return this.view_ !== null;
  }

  /** The tensor that this one is a view of, or null; PyTorch's `_base`. */
  get base(): Tensor | null {
    return this.view_ === null ? null : this.view_.base;
  }

  // ---- reading --------------------------------------------------------------------------------------------------

  /**
   * The one element as a JavaScript value: a number, or a boolean for bool. An int64 beyond 2^53 is a RangeError, because a
   * number could not hold it; read it with `typedArray()`.
   */
  item(): number | boolean {
    if (this.numel() !== 1) {
      throw new TypeError(`a Tensor with ${this.numel()} elements cannot be converted to Scalar`);
    }
    return toNumber(this.storage.get(this.offset), this.dtype);
  }

  /** The elements as nested arrays of numbers (booleans for bool); a plain value for a 0-d tensor. PyTorch's `tolist`. */
  toArray(): NestedArray {
    const { dtype, shape } = this;
    if (shape.some((size) => size > MOST_ITEMS)) {
      throw new RangeError(
        `toArray(): an array has at most ${MOST_ITEMS} items, but the shape is ${shapeText(shape)}`,
      );
    }
    const { get, offset, strides } = this.reading();
    const read = (dim: number, at: number): NestedArray => {
      if (dim === shape.length) return toNumber(get(at), dtype);
      return Array.from({ length: shape[dim] }, (_, i) => read(dim + 1, at + i * strides[dim]));
    };
    return read(0, offset);
  }

  /** Where to read all elements: memory of the CPU as it is, another device's in one copy of what this tensor uses. */
  private reading(): { get: (at: number) => number | bigint; offset: number; strides: Shape } {
    const { storage } = this;
    if (storage.device === "cpu" || storage.isValue) {
      return { get: (at) => storage.get(at), offset: this.offset, strides: this.strides };
    }
    const data = this.detach().typedArray();
    return { get: (at) => data[at], offset: 0, strides: contiguousStrides(this.shape) };
  }

  /** PyTorch's `tolist`, the same as {@linkcode toArray}. */
  tolist(): NestedArray {
    return this.toArray();
  }

  /** The element at a row-major index, as stored: bigint for int64, 0 or 1 for bool. For the inside of the house. */
  at(index: number): number | bigint {
    if (typeof index !== "number") {
      throw new TypeError(`at(): index must be an integer, not ${describe(index)}`);
    }
    let at = this.offset;
    for (let d = this.shape.length - 1; d >= 0; d--) {
      const size = this.shape[d];
      at += (index % size) * this.strides[d];
      index = Math.floor(index / size);
    }
    return this.storage.get(at);
  }

  /**
   * The elements in row-major order as a typed array, **sharing memory** where the tensor is contiguous and on the CPU (else a
   * copy): PyTorch's `numpy()`. A tensor that requires a gradient must be detached first.
   */
  typedArray(): TypedArray {
    if (this.requiresGrad) {
      throw new TypeError(
        "Can't call typedArray() on Tensor that requires grad. Use tensor.detach().typedArray() instead.",
      );
    }
    if (recording.now !== null) recording.now.beforeWrite(this.storage); // whoever gets the array may write to it
    const count = this.numel();
    if (!this.isContiguous()) return this.contiguous().typedArray();
    if (this.storage.device !== "cpu") return this.storage.read(this.offset, count);
    const data = this.storage.ownData;
    if (this.offset === 0 && count === data.length) return data;
    return data.subarray(this.offset, this.offset + count);
  }

  /**
   * The elements in row-major order as a typed array of their own, without blocking the event loop while a device computes.
   * Everywhere in Deno `typedArray()` and `item()` work synchronously; this works on hosts where they cannot, too.
   *
   * @example
   * ```ts
   * import * as dg from "@dinograd/dinograd";
   *
   * await dg.tensor([1, 2, 3]).read(); // Float32Array [1, 2, 3]
   * ```
   */
  async read(): Promise<TypedArray> {
    const plain = this.detach().contiguous(), { storage } = plain;
    if (storage.device === "cpu") return plain.typedArray().slice();
    return await storage.readAsync(plain.offset, plain.numel());
  }

  // ---- as JavaScript sees it ------------------------------------------------------------------------------------

  /** PyTorch's text of a tensor, character for character. */
  toString(): string {
    return withElements(this, (get) => textOf(this, get));
  }

  /** True on `nn.Parameter`. */
  get isParameter(): boolean {
    return false;
  }

  /** What `console.log` shows. */
  [Symbol.for("Deno.customInspect")](): string {
    return this.toString();
  }

  /** What a notebook shows: PyTorch's text, and a table or heat map. */
  [DISPLAY](): MimeBundle {
    return tensorBundle(this);
  }

  /** What Node's `util.inspect` shows. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }

  /** A nested array, so that `JSON.stringify` gives numbers. */
  toJSON(): NestedArray {
    return this.toArray();
  }

  /** Iterates over the first dimension, as in `for (const row of x)`. */
  *[Symbol.iterator](): IterableIterator<Tensor> {
    if (this.shape.length === 0) throw new TypeError("iteration over a 0-d tensor");
    for (let i = 0; i < this.shape[0]; i++) yield this.select(0, i);
  }

  /**
   * `Number(t)` works for a detached tensor of one element; for one that carries a gradient it throws, because the gradient
   * would be lost silently. `${t}` is the number of a 0-d tensor, and the full text of any other, as in Python's f-strings.
   */
  [Symbol.toPrimitive](hint: "number" | "string" | "default"): number | string {
    if (hint === "string") {
      return this.ndim === 0 ? pythonScalar(this.at(0), this.dtype) : this.toString();
    }
    if (this.requiresGrad) {
      throw new TypeError(
        "a tensor that requires a gradient cannot become a number, because its gradient would be lost: use methods " +
          "such as x.mul(3), or t.item() for the plain value",
      );
    }
    return Number(this.item());
  }
}

/** A stored element as users see it: number, boolean for bool, RangeError for an int64 that no number can hold. */
function toNumber(value: number | bigint, dtype: DType): number | boolean {
  if (typeof value === "number") return dtype === "bool" ? value !== 0 : value;
  if (value > 9007199254740991n || value < -9007199254740991n) {
    throw new RangeError(
      `the int64 value ${value} cannot be read exactly as a number: read it with typedArray(), which gives bigints`,
    );
  }
  return Number(value);
}

/** PyTorch's text of a tensor whose elements `get` reads. */
function textOf(t: Tensor, get: Reader): string {
  return formatTensor({
    dtype: t.dtype,
    shape: t.shape,
    get,
    device: t.device === getDefaultDevice() ? undefined : t.device,
    gradFn: t.gradFn?.name() ?? null,
    requiresGrad: t.requiresGrad,
    isParameter: t.isParameter,
  });
}

/** A new tensor of zeros that owns contiguous memory. */
export function allocateTensor(shape: Shape, dtype: DType, device: Device = "cpu"): Tensor {
  return new Tensor(Storage.allocate(dtype, numel(shape), device), 0, shape, contiguousStrides(shape));
}

/** A new tensor that owns contiguous memory which is about to be written as a whole. */
export function unwrittenTensor(shape: Shape, dtype: DType, device: Device): Tensor {
  return new Tensor(Storage.unwritten(dtype, numel(shape), device), 0, shape, contiguousStrides(shape));
}

/** A copy on another device, without history. */
export function copyToDevice(t: Tensor, device: Device): Tensor {
  const { storage } = t;
  if (t.shape.length === 0 && storage.isValue) {
    return new Tensor(Storage.ofValue(t.dtype, storage.get(0), device), 0, t.shape, t.strides);
  }
  const plain = t.detach().contiguous();
  const elements = plain.storage.read(plain.offset, plain.numel());
  const copy = device === "cpu" && storage.device !== "cpu"
    ? Storage.share(elements, t.dtype) // a copy already
    : Storage.upload(elements, t.dtype, device);
  return new Tensor(copy, 0, plain.shape, plain.strides);
}

/**
 * The elements in row-major order as {@linkcode Tensor.typedArray} gives them, without history, for code of the house that only looks
 * at them: small tensors keep their memory where it is.
 */
export function elementsOf(t: Tensor): TypedArray {
  const { storage, offset } = t, count = t.numel();
  if (!t.isContiguous()) return elementsOf(t.detach().contiguous());
  if (storage.device !== "cpu") return storage.read(offset, count);
  const { data } = storage;
  return offset === 0 && count === data.length ? data : data.subarray(offset, offset + count);
}

/** Puts methods on every tensor. Each family of operations calls this once for its own. */
export function installMethods(methods: object): void {
  for (const [name, value] of Object.entries(methods)) {
    Object.defineProperty(Tensor.prototype, name, { value, writable: true, configurable: true });
  }
}
