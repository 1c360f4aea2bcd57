/**
 * Copying, casting and filling.
 * @module
 */

import { program } from "../../expr/program.ts";
import { checkIntegers, checkKeys, checkScalar, checkTensor } from "../../tensor/arguments.ts";
import { castScalar } from "../../tensor/cast.ts";
import { full, tensor, type TensorData, zerosLike } from "../../tensor/create.ts";
import { checkOptions, finish, type TensorOptions } from "../../tensor/options.ts";
import {
  checkDType,
  type DType,
  dtypes,
  isFloatingPoint,
  type Scalar,
  typeName,
} from "../../tensor/dtype.ts";
import {
  checkShape,
  contiguousStrides,
  frozen,
  numel,
  sameShape,
  SCALAR_SHAPE,
  type Shape,
  shapeText,
} from "../../tensor/shape.ts";
import { recording } from "../../tensor/later.ts";
import { Storage } from "../../tensor/storage.ts";
import { checkDevice, type Device, noCuda } from "../../tensor/device.ts";
import { copyToDevice, installMethods, Tensor, unwrittenTensor } from "../../tensor/tensor.ts";
import { checkNoInternalOverlap, compute, type Operand, overlapsPartly } from "./compute.ts";
import { PointwiseOp } from "./pointwise_op.ts";
import { record, recordInPlace, type Rule } from "./record.ts";
import { expand } from "../view/view.ts";

/** x itself: with an output of another dtype or layout it converts and copies. */
const identity = new PointwiseOp(program(["x"], "x", { name: "copy" }));

/** Writes `source`, broadcast, into `target`, without history. */
export function copyInto(target: Tensor, source: Operand): void {
  if (typeof source === "object" && source.device !== target.device) {
    copyAcross(target, source);
    return;
  }
  if (target.shape === SCALAR_SHAPE && typeof source !== "object") {
    target.storage.set(target.offset, castScalar(source, target.dtype));
    return;
  }
  if (typeof source === "object" && copyRuns(target, source)) return;
  const dtype = typeof source === "object" ? source.dtype : target.dtype;
  compute(identity, [source], target, dtype);
}

/** Copies between devices: the elements of the source in its dtype first, the rest on the target's side. */
function copyAcross(target: Tensor, source: Tensor): void {
  copyInto(target, copyToDevice(source, target.device));
}

/** From this many elements on a run is copied at once. */
const RUN = 256;

/**
 * Copies runs of elements that lie one behind the other on both sides, as memory. False, with nothing done, where dtypes or
 * shapes differ or the runs are short.
 */
function copyRuns(target: Tensor, source: Tensor): boolean {
  const { shape } = target;
  if (source.dtype !== target.dtype || !sameShape(source.shape, shape) || target.device !== "cpu") {
    return false;
  }
  let outer = shape.length, run = 1;
  while (outer > 0) {
    const size = shape[outer - 1];
    if (size !== 1 && (source.strides[outer - 1] !== run || target.strides[outer - 1] !== run)) break;
    run *= size;
    outer--;
  }
  if (run < RUN) return false;
  const to = target.storage.data as Float64Array, from = source.storage.data as Float64Array;
  const walk = (dim: number, at: number, origin: number): void => {
    if (dim === outer) {
      to.set(from.subarray(origin, origin + run), at);
      return;
    }
    for (let i = 0; i < shape[dim]; i++) {
      walk(dim + 1, at + i * target.strides[dim], origin + i * source.strides[dim]);
    }
  };
  walk(0, target.offset, source.offset);
  return true;
}

/** A row-major copy of what is not computed yet, in a floating-point dtype; null where there is nothing to wait for. */
function copyLater(x: Tensor, dtype: DType): Tensor | null {
  if (recording.now === null || x.storage.later === null || !isFloatingPoint(dtype)) return null;
  const form = { shape: x.shape, strides: contiguousStrides(x.shape), dtype, device: x.device };
  return recording.now.pointwise(identity, [x], x.dtype === "bool" ? dtype : x.dtype, form);
}

const Clone: Rule<object> = { name: "CloneBackward0", backward: (g) => [g] };

/** A copy with memory of its own, row-major unless the tensor is dense in another order. Gradients flow through. */
export function clone(x: Tensor): Tensor {
  checkTensor(x, "clone");
  let out = x.isContiguous() ? copyLater(x, x.dtype) : null;
  if (out !== null) return record(Clone, out, [x], {});
  if (x.shape === SCALAR_SHAPE && (x.device === "cpu" || x.storage.isValue)) {
    out = new Tensor(
      Storage.ofValue(x.dtype, x.storage.get(x.offset), x.device),
      0,
      SCALAR_SHAPE,
      SCALAR_SHAPE,
    );
  } else {
    out = new Tensor(Storage.unwritten(x.dtype, x.numel(), x.device), 0, x.shape, denseStrides(x));
    copyInto(out, x);
  }
  return record(Clone, out, [x], {});
}

/** The strides of a copy: the order of x's dimensions in memory where x has no gaps or repeats, else row-major. */
function denseStrides(x: Tensor): Shape {
  const order = x.shape.map((_, i) => i).filter((i) => x.shape[i] !== 1).sort((a, b) =>
    x.strides[a] - x.strides[b] || b - a
  );
  const strides = x.shape.map(() => 1);
  let step = 1;
  for (const d of order) {
    if (x.strides[d] !== step) return contiguousStrides(x.shape);
    strides[d] = step;
    step *= x.shape[d];
  }
  return x.isContiguous() ? x.strides : frozen(strides);
}

/** The tensor itself if it is row-major, else a row-major copy. */
export function contiguous(x: Tensor): Tensor {
  checkTensor(x, "contiguous");
  if (x.isContiguous()) return x;
  let out = copyLater(x, x.dtype);
  if (out === null) copyInto(out = unwrittenTensor(x.shape, x.dtype, x.device), x);
  return record(Clone, out, [x], {});
}

const ToCopy: Rule<{ dtype: DType; device: Device }> = {
  name: "ToCopyBackward0",
  backward: (g, { args }) => [to(g, args)],
};

/** Options of `to`. */
export interface ToOptions {
  /** Element type. */
  readonly dtype?: DType;
  /** Where the memory shall be. */
  readonly device?: Device;
  /** Copy even if nothing changes. */
  readonly copy?: boolean;
}

const toKeys = ["dtype", "device", "copy"];

/**
 * The tensor in another dtype or on another device; itself where nothing changes. Takes a dtype, a device, a device and a dtype,
 * a tensor to be like, or options.
 */
export function to(
  x: Tensor,
  target: DType | Device | Tensor | ToOptions,
  options: DType | ToOptions = {},
): Tensor {
  checkTensor(x, "to");
  let dtype: DType | undefined, device: Device | undefined;
  if (typeof options === "string") options = { dtype: checkDType(options) };
  let copy = checkKeys(options, "to", toKeys).copy ?? false;
  if (target instanceof Tensor) ({ dtype, device } = target);
  else if (typeof target === "object") {
    ({ dtype, device } = checkKeys(target, "to", toKeys));
    copy ||= target.copy ?? false;
  } else if ((dtypes as readonly string[]).includes(target)) dtype = target as DType;
  else device = checkDevice(target);
  dtype = checkDType(dtype ?? options.dtype ?? x.dtype);
  device = checkDevice(device ?? options.device ?? x.device);
  if (dtype === x.dtype && device === x.device) return copy ? clone(x) : x;
  let out = device === x.device ? x : copyToDevice(x, device);
  if (dtype !== x.dtype) {
    let cast = copyLater(out, dtype);
    if (cast === null) copyInto(cast = unwrittenTensor(x.shape, dtype, device), out);
    out = cast;
  }
  return record(ToCopy, out, [x], { dtype: x.dtype, device: x.device });
}

/** PyTorch's names of tensor classes, for `type`. */
const classes = new Map<string, DType>(dtypes.map((d) => [`torch.${typeName(d)}Tensor`, d]));

/** Without an argument PyTorch's class name, "torch.FloatTensor"; with a dtype or class name, the tensor cast to it. */
export function type(x: Tensor): string;
/** The tensor cast to a dtype or PyTorch's class name. */
export function type(x: Tensor, target: string): Tensor;
export function type(x: Tensor, target?: string): string | Tensor {
  checkTensor(x, "type");
  if (target === undefined) return `torch.${typeName(x.dtype)}Tensor`;
  return to(x, classes.get(target) ?? checkDType(target));
}

// ---- writing ------------------------------------------------------------------------------------------------------

const Copy: Rule<{ dtype: DType; device: Device; shape: Shape }> = {
  name: "CopyBackwards",
  backward: (g, node) => {
    const { shape, dtype, device } = node.args;
    return [
      node.needs(0) ? zerosLike(g) : null,
      node.needs(1) ? to(g.sumToSize(shape), { dtype, device }) : null,
    ];
  },
};

/** Writes another tensor's values, broadcast and cast, into this one. */
export function copy_(self: Tensor, source: Tensor): Tensor {
  checkTensor(self, "copy_");
  checkTensor(source, "copy_", "source", 2);
  expand(source.detach(), self.shape); // throws PyTorch's message if the shapes do not fit
  checkNoInternalOverlap(self);
  const args = { dtype: source.dtype, device: source.device, shape: source.shape };
  return recordInPlace(Copy, self, [self, source], args, () => {
    copyInto(self, overlapsPartly(self, source) ? source.detach().clone() : source);
  });
}

// PyTorch numbers its four kinds of fill: a number or a tensor, out of place or (these two) in place.
const Fill: Rule<object> = {
  name: "FillBackward2",
  backward: (
    g,
    node,
  ) => [node.needs(0) ? zerosLike(g) : null, node.needs(1) ? g.sum() : null],
};
const FillTensor: Rule<object> = { ...Fill, name: "FillBackward3" };
const Zero: Rule<object> = { name: "ZeroBackward0", backward: (g) => [zerosLike(g)] };

/** Writes one value, or a 0-d tensor's, everywhere. */
export function fill_(self: Tensor, value: Operand): Tensor {
  checkTensor(self, "fill_");
  if (!(value instanceof Tensor)) checkScalar(value, "fill_", "value");
  else if (value.ndim !== 0) {
    throw new TypeError(
      `fill_ only supports 0-dimension value tensor but got tensor with ${value.ndim} dimensions.`,
    );
  }
  checkNoInternalOverlap(self);
  const stored: Operand = typeof value === "object" ? value : truncated(value, self.dtype);
  return recordInPlace(
    typeof value === "object" ? FillTensor : Fill,
    self,
    [self, value],
    {},
    () => copyInto(self, stored),
  );
}

/** Assigning a float to an integer tensor cuts it, as in PyTorch; castScalar checks the range. */
function truncated(value: Scalar, dtype: DType): Scalar {
  const cast = castScalar(value, dtype);
  return dtype === "bool" ? cast !== 0 : cast;
}

/** Writes zeros everywhere. */
export function zero_(self: Tensor): Tensor {
  checkTensor(self, "zero_");
  checkNoInternalOverlap(self);
  return recordInPlace(Zero, self, [self], {}, () => copyInto(self, truncated(0, self.dtype)));
}

/** The methods of this family. */
export interface CopyMethods {
  /** A copy with memory of its own. */
  clone(): Tensor;
  /** The tensor itself if it is row-major, else a copy. */
  contiguous(): Tensor;
  /** Another dtype or device, or a device and a dtype. */
  to(target: DType | Device | Tensor | ToOptions, options?: DType | ToOptions): Tensor;
  /** PyTorch's class name, or a cast to one. */
  type(): string;
  /** A cast to a dtype or PyTorch's class name. */
  type(target: string): Tensor;
  /** Moved to the CPU; itself where it is there. */
  cpu(): Tensor;
  /** Throws a TypeError: there is no CUDA in Deno. The GPU is `to("webgpu")`. */
  cuda(): never;
  /** As float32. */
  float(): Tensor;
  /** As float64. */
  double(): Tensor;
  /** As float16. */
  half(): Tensor;
  /** As int64. */
  long(): Tensor;
  /** As int32. */
  int(): Tensor;
  /** As int16. */
  short(): Tensor;
  /** As int8. */
  char(): Tensor;
  /** As uint8. */
  byte(): Tensor;
  /** As bool: whether not 0. */
  bool(): Tensor;
  /** The dtype of another tensor. */
  typeAs(other: Tensor): Tensor;
  /** Writes another tensor's values into this one. */
  copy_(source: Tensor): Tensor;
  /** Writes one value everywhere. */
  fill_(value: Operand): Tensor;
  /** Writes zeros everywhere. */
  zero_(): Tensor;
  /** Zeros of this dtype. */
  newZeros(size: number | readonly number[], options?: TensorOptions): Tensor;
  /** Ones of this dtype. */
  newOnes(size: number | readonly number[], options?: TensorOptions): Tensor;
  /** One value everywhere, of this dtype. */
  newFull(size: number | readonly number[], value: Scalar, options?: TensorOptions): Tensor;
  /** Values that do not matter yet, of this dtype. */
  newEmpty(size: number | readonly number[], options?: TensorOptions): Tensor;
  /** New values of this dtype. */
  newTensor(data: TensorData, options?: TensorOptions): Tensor;
  /** A 0-d tensor of this dtype. */
  newScalar(value: Scalar): Tensor;
  /** Memory of this dtype under given strides. */
  newEmptyStrided(size: readonly number[], stride: readonly number[], options?: TensorOptions): Tensor;
}

const cast = (dtype: DType) =>
  function (this: Tensor): Tensor {
    return to(this, dtype);
  };

const methods: CopyMethods & ThisType<Tensor> = {
  clone() {
    return clone(this);
  },
  contiguous() {
    return contiguous(this);
  },
  to(target, options) {
    return to(this, target, options);
  },
  type(target?: string) {
    return type(this, target as string) as never;
  },
  cpu() {
    return to(this, "cpu");
  },
  cuda() {
    throw noCuda();
  },
  float: cast("float32"),
  double: cast("float64"),
  half: cast("float16"),
  long: cast("int64"),
  int: cast("int32"),
  short: cast("int16"),
  char: cast("int8"),
  byte: cast("uint8"),
  bool: cast("bool"),
  typeAs(other) {
    return to(this, checkTensor(other, "typeAs", "other").dtype);
  },
  copy_(source) {
    return copy_(this, source);
  },
  fill_(value) {
    return fill_(this, value);
  },
  zero_() {
    return zero_(this);
  },
  newZeros(size, options = {}) {
    return full(size, false, { dtype: this.dtype, device: this.device, ...options });
  },
  newOnes(size, options = {}) {
    return full(size, true, { dtype: this.dtype, device: this.device, ...options });
  },
  newFull(size, value, options = {}) {
    return full(size, value, { dtype: this.dtype, device: this.device, ...options });
  },
  newEmpty(size, options = {}) {
    return full(size, false, { dtype: this.dtype, device: this.device, ...options });
  },
  newTensor(data, options = {}) {
    return tensor(data, { dtype: this.dtype, device: this.device, ...options });
  },
  newScalar(value) {
    const { dtype, device } = this.storage,
      cast = castScalar(checkScalar(value, "newScalar", "value"), dtype);
    return new Tensor(Storage.ofValue(dtype, cast, device), 0, SCALAR_SHAPE, SCALAR_SHAPE);
  },
  newEmptyStrided(size, stride, options = {}) {
    checkOptions(options, "newEmptyStrided");
    const shape = checkShape(size, "newEmptyStrided");
    checkIntegers(stride, "newEmptyStrided", "stride");
    if (stride.length !== shape.length || stride.some((s) => s < 0)) {
      throw new RangeError(
        `newEmptyStrided(): there must be one stride that is not negative for each size, got ${
          shapeText(stride)
        } for ` +
          shapeText(shape),
      );
    }
    let last = 0;
    for (let i = 0; i < shape.length; i++) last += Math.max(shape[i] - 1, 0) * stride[i];
    const length = numel(shape) === 0 ? 0 : last + 1;
    return finish(
      new Tensor(
        Storage.allocate(options.dtype ?? this.dtype, length, options.device ?? this.device),
        0,
        shape,
        frozen(stride),
      ),
      { device: this.device, ...options },
    );
  },
};
installMethods(methods);
