/**
 * The forward side of pointwise operations: dtypes, broadcasting and layouts for a scalar program. Knows no gradients.
 * @module
 */

import { type Operand as Strided, runPointwise } from "../../backend/pointwise.ts";
import { type Device, differentDevices } from "../../tensor/device.ts";
import {
  allocate,
  category,
  type DType,
  getDefaultDtype,
  resultType,
  type Scalar,
} from "../../tensor/dtype.ts";
import {
  broadcastShapes,
  broadcastStrides,
  contiguousStrides,
  numel,
  sameShape,
  SCALAR_SHAPE,
  type Shape,
  shapeText,
} from "../../tensor/shape.ts";
import { recording } from "../../tensor/later.ts";
import { Storage } from "../../tensor/storage.ts";
import { Tensor } from "../../tensor/tensor.ts";
import type { PointwiseOp } from "./pointwise_op.ts";

/** An operand: a tensor, or a JavaScript value that counts as a 0-d tensor of the lowest rank in promotion. */
export type Operand = Tensor | Scalar;

/** The dtypes that an operation computes in and gives. */
interface Dtypes {
  readonly compute: DType;
  readonly result: DType;
}

/** The result of an operation on new memory. */
export function computePointwise(op: PointwiseOp, inputs: readonly Operand[]): Tensor {
  if (recording.now !== null && recording.now.waits(inputs)) return computeStrided(op, inputs);
  return computeScalar(op, inputs, null) ?? computeStrided(op, inputs);
}

/**
 * The short way for 0-d tensors of one floating-point dtype (and numbers): no arrays, no strides. Writes into `self` where that is
 * given and of this dtype. Null, with nothing done, for everything else.
 */
function computeScalar(op: PointwiseOp, inputs: readonly Operand[], self: Tensor | null): Tensor | null {
  const first = inputs[0];
  let dtype: DType;
  if (typeof first === "object") dtype = first.storage.dtype;
  else if (inputs.length > 1 && typeof inputs[1] === "object") dtype = inputs[1].storage.dtype;
  else return null;
  if (dtype !== "float32" && dtype !== "float64") return null;
  const single = dtype === "float32";
  const n = inputs.length;
  if (n > 3) return null;
  let a = 0, b = 0, c = 0;
  for (let i = 0; i < n; i++) {
    const x = inputs[i];
    let value: number;
    if (typeof x === "number") value = single ? Math.fround(x) : x;
    else if (
      typeof x === "object" && x.shape === SCALAR_SHAPE && x.storage.dtype === dtype &&
      x.storage.device === "cpu"
    ) {
      value = x.storage.get(x.offset) as number;
    } else return null;
    if (i === 0) a = value;
    else if (i === 1) b = value;
    else c = value;
  }
  const fn = single ? op.singleKernel : op.doubleKernel;
  let value = n === 1 ? fn(a) : n === 2 ? fn(a, b) : fn(a, b, c);
  if (op.result === "bool") {
    value = value !== 0 ? 1 : 0;
    dtype = "bool";
  }
  if (self === null) return new Tensor(Storage.ofValue(dtype, value), 0, SCALAR_SHAPE, SCALAR_SHAPE);
  if (self.storage.dtype !== dtype) return null;
  self.storage.set(self.offset, value);
  return self;
}

/** Everything else: any dtypes, shapes and layouts. */
function computeStrided(op: PointwiseOp, inputs: readonly Operand[]): Tensor {
  const dtypes = dtypesOf(op, inputs);
  const shape = broadcastInputs(inputs);
  // Reuse the first input's strides if they already are those of a plain result.
  let strides: Shape | null = null;
  for (let i = 0; i < inputs.length && strides === null; i++) {
    const x = inputs[i];
    if (typeof x === "object" && x.shape === shape && x.isContiguous()) strides = x.strides;
  }
  strides ??= contiguousStrides(shape);
  const device = deviceOf(inputs);
  if (recording.now !== null) {
    const form = { shape, strides, dtype: dtypes.result, device };
    const later = recording.now.pointwise(op, inputs, dtypes.compute, form);
    if (later !== null) return later;
  }
  const storage = device !== "cpu" && inputs.every(isKnown)
    ? Storage.ofValue(dtypes.result, dtypes.result === "int64" ? 0n : 0, device)
    : Storage.unwritten(dtypes.result, numel(shape), device);
  const out = new Tensor(storage, 0, shape, strides);
  compute(op, inputs, out, dtypes.compute);
  return out;
}

/**
 * Writes the result of an operation into `self`, which may be one of the inputs. Throws before anything is written if dtype
 * or shape do not fit.
 */
export function computeInto(op: PointwiseOp, self: Tensor, inputs: readonly Operand[]): void {
  if (self.shape === SCALAR_SHAPE && computeScalar(op, inputs, self) !== null) return;
  const dtypes = dtypesOf(op, inputs);
  if (category(dtypes.result) > category(self.dtype)) {
    throw new TypeError(
      `result type ${dtypes.result} can't be cast to the desired output type ${self.dtype}`,
    );
  }
  const shape = broadcastInputs(inputs);
  if (!sameShape(shape, self.shape)) {
    throw new TypeError(
      `output with shape ${shapeText(self.shape)} doesn't match the broadcast shape ${shapeText(shape)}`,
    );
  }
  checkNoInternalOverlap(self);
  checkDevices(inputs, self.device);
  const safe = inputs.map((x) => typeof x === "object" && overlapsPartly(x, self) ? x.detach().clone() : x);
  compute(op, safe, self, dtypes.compute);
}

/** Throws if several elements of a tensor share one place in memory, so that writing them has no one meaning. */
export function checkNoInternalOverlap(t: Tensor): void {
  for (let d = 0; d < t.shape.length; d++) {
    if (t.strides[d] === 0 && t.shape[d] > 1) {
      throw new TypeError(
        "unsupported operation: more than one element of the written-to tensor refers to a single memory location. " +
          "Please clone() the tensor before performing the operation.",
      );
    }
  }
}

/** Whether two tensors share memory in another layout than element by element. */
export function overlapsPartly(a: Tensor, b: Tensor): boolean {
  return a.storage === b.storage &&
    !(a.offset === b.offset && sameShape(a.shape, b.shape) && sameShape(a.strides, b.strides));
}

/** Computes into `out`, which has the broadcast shape. */
export function compute(op: PointwiseOp, inputs: readonly Operand[], out: Tensor, dtype: DType): void {
  const shape = out.shape;
  const operands: (Strided | Scalar)[] = new Array(inputs.length);
  for (let i = 0; i < inputs.length; i++) operands[i] = operandOf(inputs[i], shape);
  if (out.device !== "cpu" && out.storage.isValue && operands.every((x) => typeof x !== "object")) {
    // values of another device that are in no memory yet: theirs is a counter's or a constant's arithmetic, done here
    const data = allocate(out.dtype, 1);
    runPointwise(
      op.program,
      operands,
      [{ data, dtype: out.dtype, offset: 0, strides: [] }],
      SCALAR_SHAPE,
      dtype,
    );
    out.storage.set(0, data[0]);
    return;
  }
  const target = { data: out.storage.memory, dtype: out.dtype, offset: out.offset, strides: out.strides };
  runPointwise(op.program, operands, [target], shape, dtype);
}

/** An operand as kernels take it, in the shape of the result. */
function operandOf(x: Operand, shape: Shape): Strided | Scalar {
  if (typeof x !== "object") return x;
  const { storage } = x;
  // a value, so that no memory is made for it
  if (x.shape === SCALAR_SHAPE && (storage.device === "cpu" || storage.isValue)) return storage.get(x.offset);
  const strides = broadcastStrides(x.shape, x.strides, shape);
  return { data: storage.memory, dtype: storage.dtype, offset: x.offset, strides };
}

/** Whether an operand's value is known without reading memory: a number, or a 0-d tensor that is in no memory yet. */
function isKnown(x: Operand): boolean {
  return typeof x !== "object" || (x.shape === SCALAR_SHAPE && (x.device === "cpu" || x.storage.isValue));
}

/**
 * The device of an operation: that of its tensors. A 0-d tensor of the CPU goes with any device, as a plain number does.
 *
 * @throws {TypeError} if tensors are on different devices.
 */
function deviceOf(inputs: readonly Operand[]): Device {
  let found: Device | null = null;
  for (let i = 0; i < inputs.length; i++) {
    const x = inputs[i];
    if (typeof x !== "object") continue;
    const { device } = x.storage;
    if (device === found || (device === "cpu" && x.shape === SCALAR_SHAPE)) continue;
    if (found !== null) throw differentDevices(found, device);
    found = device;
  }
  return found ?? "cpu";
}

function checkDevices(inputs: readonly Operand[], device: Device): void {
  for (const x of inputs) {
    if (typeof x !== "object" || x.storage.device === device) continue;
    if (x.shape !== SCALAR_SHAPE || x.storage.device !== "cpu") {
      throw differentDevices(device, x.storage.device);
    }
  }
}

function broadcastInputs(inputs: readonly Operand[]): Shape {
  let shape: Shape = SCALAR_SHAPE;
  for (let i = 0; i < inputs.length; i++) {
    const x = inputs[i];
    if (typeof x === "object" && x.shape !== shape) {
      shape = shape === SCALAR_SHAPE ? x.shape : broadcastShapes(shape, x.shape);
    }
  }
  return shape;
}

function dtypesOf(op: PointwiseOp, inputs: readonly Operand[]): Dtypes {
  let compute: DType;
  if (op.follows === "first") compute = (inputs[0] as Tensor).dtype;
  else compute = resultType(op.follows === "all" ? inputs : op.follows.map((i) => inputs[i]));
  if (op.result === "float" && category(compute) < 2) compute = getDefaultDtype();
  if (op.dtypes !== null) op.dtypes(compute, inputs);
  return { compute, result: op.result === "bool" ? "bool" : compute };
}
