/**
 * Making tensors: from JavaScript values, from typed arrays, and by rule.
 * @module
 */

import { checkInteger, checkNumber, checkTensor } from "./arguments.ts";
import { describe } from "./describe.ts";
import {
  type DType,
  dtypeOfArray,
  dtypeOfScalar,
  flavorOf,
  getDefaultDtype,
  isTypedArray,
  promoteTypes,
  type Scalar,
  type TypedArray,
} from "./dtype.ts";
import { checkShape, contiguousStrides, frozen, numel, SCALAR_SHAPE } from "./shape.ts";
import { Storage } from "./storage.ts";
import { allocateTensor, Tensor } from "./tensor.ts";
import { castScalar } from "./cast.ts";
import { checkOptions, deviceOf, finish, type SizeArgs, splitSizes, type TensorOptions } from "./options.ts";
import { warn } from "../warn.ts";

/** Nested arrays of JavaScript values, or a typed array. */
export type TensorData = Scalar | TypedArray | Tensor | readonly TensorData[];

/** A 0-d tensor of a JavaScript value. */
export function scalarTensor(value: Scalar, dtype: DType = dtypeOfScalar(value)): Tensor {
  checkElement(value);
  return new Tensor(Storage.ofValue(dtype, castScalar(value, dtype)), 0, SCALAR_SHAPE, SCALAR_SHAPE);
}

/**
 * A new tensor with a copy of the values: a number, bigint or boolean, nested arrays of them, a typed array, or a tensor.
 * Numbers make the default dtype (float32), bigints int64, booleans bool, a typed array keeps its own.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * dg.tensor([[1, 2], [3, 4]]); // float32, shape [2, 3]
 * dg.tensor([1n, 2n]); // int64
 * dg.tensor(5, { requiresGrad: true });
 * ```
 */
export function tensor(data: TensorData, options: TensorOptions = {}): Tensor {
  checkOptions(options, "tensor");
  if (data instanceof Tensor) {
    warn(
      "To copy construct from a tensor, it is recommended to use sourceTensor.detach().clone() or " +
        "sourceTensor.detach().clone().requiresGrad_(true), rather than tensor(sourceTensor).",
    );
    const copy = data.detach().clone(), device = options.device ?? data.device;
    return finish(options.dtype === undefined ? copy : copy.to(options.dtype), { ...options, device });
  }
  if (isTypedArray(data)) return finish(fromArray(data, [data.length], options.dtype), options);
  if (!Array.isArray(data)) return finish(scalarTensor(checkElement(data), options.dtype), options);
  const shape = shapeOf(data);
  const found = options.dtype ?? dtypeOfData(data) ?? getDefaultDtype();
  const out = allocateTensor(frozen(shape), found);
  fill(out.storage.data, found, data, shape);
  return finish(out, options);
}

function checkElement(value: unknown): Scalar {
  if (typeof value === "number" || typeof value === "bigint" || typeof value === "boolean") return value;
  if (typeof value === "string") {
    throw new TypeError(`new(): invalid data type 'str': ${JSON.stringify(value)}`);
  }
  if (value === null || value === undefined) throw new TypeError(`Could not infer dtype of ${value}`);
  throw new TypeError(
    `Could not infer dtype of ${
      describe(value)
    }: give numbers, bigints, booleans, nested arrays of them, a typed array or ` +
      "a tensor",
  );
}

function isSequence(value: unknown): value is readonly TensorData[] | TypedArray {
  return Array.isArray(value) || isTypedArray(value);
}

/** The shape by the first element of each level, and a check that all others agree. */
function shapeOf(data: readonly TensorData[]): number[] {
  const shape: number[] = [];
  let level: TensorData = data;
  for (;;) {
    if (isSequence(level)) {
      shape.push(level.length);
      if (level.length === 0) break;
      level = level[0] as TensorData;
    } else if (level instanceof Tensor && level.numel() === 1) break;
    else {
      checkElement(level);
      break;
    }
  }
  const check = (value: TensorData, dim: number): void => {
    if (dim === shape.length) {
      if (isSequence(value)) {
        throw new TypeError(
          `expected a single value at dim ${dim}, got a sequence of length ${value.length}`,
        );
      }
      return;
    }
    if (!isSequence(value)) {
      throw new TypeError(
        `not a sequence: expected one of length ${shape[dim]} at dim ${dim}, got ${describe(value)}`,
      );
    }
    if (value.length !== shape[dim]) {
      throw new TypeError(`expected sequence of length ${shape[dim]} at dim ${dim} (got ${value.length})`);
    }
    for (let i = 0; i < value.length; i++) check(value[i] as TensorData, dim + 1);
  };
  check(data, 0);
  return shape;
}

function dtypeOfData(data: TensorData): DType | null {
  if (isTypedArray(data)) return dtypeOfArray(data);
  if (data instanceof Tensor) return data.dtype;
  if (!Array.isArray(data)) return dtypeOfScalar(checkElement(data));
  let found: DType | null = null;
  for (const x of data) {
    const d = dtypeOfData(x);
    if (d !== null && d !== found) found = found === null ? d : promoteTypes(found, d);
  }
  return found;
}

function fill(out: TypedArray, dtype: DType, data: TensorData, shape: readonly number[]): void {
  let at = 0;
  const write = (value: TensorData, dim: number): void => {
    if (dim < shape.length) { for (const x of value as readonly TensorData[]) write(x, dim + 1); }
    else out[at++] = castScalar(value instanceof Tensor ? value.at(0) : checkElement(value), dtype);
  };
  write(data, 0);
}

/** A copy of a typed array in a shape, cast to `dtype`. */
function fromArray(array: TypedArray, shape: readonly number[], dtype: DType = dtypeOfArray(array)): Tensor {
  if (dtype === dtypeOfArray(array)) return fromTypedArray(array.slice(), shape);
  const out = allocateTensor(frozen(shape), dtype);
  const data = out.storage.data;
  for (let i = 0; i < array.length; i++) data[i] = castScalar(array[i], dtype);
  return out;
}

/**
 * A tensor that **shares the memory** of a typed array: PyTorch's `from_numpy`. Writes on either side are seen on the other.
 *
 * @param shape Sizes; the array's length in one dimension by default.
 */
export function fromTypedArray(array: TypedArray, shape?: readonly number[]): Tensor {
  if (!isTypedArray(array)) {
    throw new TypeError(
      `fromTypedArray(): expected a typed array, got ${describe(array)}`,
    );
  }
  const sizes = shape === undefined ? frozen([array.length]) : checkShape(shape, "fromTypedArray");
  if (numel(sizes) !== array.length) {
    throw new TypeError(`shape '[${sizes.join(", ")}]' is invalid for input of size ${array.length}`);
  }
  return new Tensor(Storage.share(array), 0, sizes, contiguousStrides(sizes));
}

/** A tensor that shares memory where it can (typed arrays, tensors of the dtype), and copies where it cannot. */
export function asTensor(data: TensorData, options: TensorOptions = {}): Tensor {
  checkOptions(options, "asTensor");
  if (data instanceof Tensor) {
    return data.to({ dtype: options.dtype ?? data.dtype, device: options.device ?? data.device });
  }
  if (isTypedArray(data) && (options.dtype === undefined || options.dtype === dtypeOfArray(data))) {
    return finish(fromTypedArray(data), options);
  }
  return tensor(data, options);
}

// ---- by size ------------------------------------------------------------------------------------------------------

function filled(args: readonly unknown[], caller: string, value: Scalar): Tensor {
  const { shape, options } = splitSizes(args, caller);
  const dtype = options.dtype ?? getDefaultDtype();
  if (value === 0) return finish(allocateTensor(shape, dtype, deviceOf(options)), options);
  const out = allocateTensor(shape, dtype);
  out.storage.data.fill(castScalar(value, out.dtype) as never);
  return finish(out, options);
}

/** Zeros. */
export function zeros(...args: SizeArgs): Tensor {
  return filled(args, "zeros", 0);
}

/** Ones. */
export function ones(...args: SizeArgs): Tensor {
  return filled(args, "ones", 1);
}

/** A tensor whose values do not matter yet; here they are zeros. */
export function empty(...args: SizeArgs): Tensor {
  return filled(args, "empty", 0);
}

/** One value everywhere; its kind gives the dtype (number float, bigint int64, boolean bool). */
export function full(size: readonly number[] | number, value: Scalar, options: TensorOptions = {}): Tensor {
  checkOptions(options, "full");
  const shape = checkShape(typeof size === "number" ? [size] : size, "full");
  const out = allocateTensor(shape, options.dtype ?? dtypeOfScalar(checkElement(value)));
  checkElement(value);
  out.storage.data.fill(castScalar(value, out.dtype) as never);
  return finish(out, options);
}

/** Ones on the diagonal. */
export function eye(n: number, m?: number | TensorOptions, options?: TensorOptions): Tensor {
  const columns = m === undefined || typeof m === "object" ? n : m;
  const given = checkOptions((typeof m === "object" ? m : options) ?? {}, "eye");
  checkInteger(n, "eye", "n");
  checkInteger(columns, "eye", "m");
  if (n < 0) throw new RangeError(`n must be greater or equal to 0, got ${n}`);
  if (columns < 0) throw new RangeError(`m must be greater or equal to 0, got ${columns}`);
  const out = allocateTensor(checkShape([n, columns], "eye"), given.dtype ?? getDefaultDtype());
  const one = castScalar(1, out.dtype);
  for (let i = 0; i < Math.min(n, columns); i++) out.storage.data[i * columns + i] = one;
  return finish(out, given);
}

/**
 * `arange(end)`, `arange(start, end)`, `arange(start, end, step)`: from start up to but without end. Numbers make floats,
 * bigints int64: `arange(5n)`, or `arange(5, { dtype: "int64" })`.
 */
export function arange(...args: (number | bigint | TensorOptions)[]): Tensor {
  const last = args[args.length - 1];
  const options = checkOptions(typeof last === "object" ? last : {}, "arange");
  const values = (typeof last === "object" ? args.slice(0, -1) : args) as (number | bigint)[];
  if (values.length < 1 || values.length > 3) {
    throw new TypeError(
      `arange() takes end; start and end; or start, end and step, got ${values.length} values`,
    );
  }
  const [start, end, step] = values.length === 1 ? [0, values[0], 1] : [values[0], values[1], values[2] ?? 1];
  const dtype = options.dtype ?? (values.some((v) => typeof v === "number") ? getDefaultDtype() : "int64");
  for (const value of [start, end, step]) {
    if (typeof value !== "bigint") checkNumber(value, "arange", "end");
  }
  const a = Number(start), b = Number(end), s = Number(step);
  if (!Number.isFinite(a) || !Number.isFinite(b) || !Number.isFinite(s)) {
    throw new RangeError(`unsupported range: ${a} -> ${b} step ${s}`);
  }
  if (s === 0) throw new RangeError("step must be nonzero");
  if ((b - a) * s < 0) {
    throw new RangeError(`upper bound and lower bound inconsistent with step sign: ${a}, ${b}, ${s}`);
  }
  const count = Math.max(Math.ceil((b - a) / s), 0);
  const out = allocateTensor(checkShape([count], "arange"), dtype);
  const data = out.storage.data;
  if (flavorOf(dtype) === "bigint") {
    const big = (v: number | bigint) => typeof v === "bigint" ? v : BigInt(Math.trunc(v));
    const first = big(start), stride = big(step);
    for (let i = 0; i < count; i++) data[i] = first + BigInt(i) * stride;
  } else for (let i = 0; i < count; i++) data[i] = a + i * s;
  return finish(out, options);
}

/** `steps` numbers from start to end, both included, evenly spaced. */
export function linspace(
  start: number,
  end: number,
  steps: number | TensorOptions,
  options: TensorOptions = {},
): Tensor {
  const asked: TensorOptions & { readonly steps?: number } = typeof steps === "object"
    ? steps
    : { ...options, steps };
  const given: typeof asked = checkOptions(asked, "linspace", ["steps"]);
  const count = given.steps as number;
  checkNumber(start, "linspace", "start");
  checkNumber(end, "linspace", "end");
  checkInteger(count, "linspace", "steps");
  if (count < 0) throw new RangeError(`number of steps must be non-negative, got ${count}`);
  const out = allocateTensor(frozen([count]), given.dtype ?? getDefaultDtype());
  const round = out.dtype === "float64" ? (v: number) => v : Math.fround;
  // Both halves count from their own end, each value with one rounding, so that the result is symmetric.
  const step = count > 1 ? round((end - start) / (count - 1)) : 0;
  const write = (i: number, value: number) => out.storage.data[i] = castScalar(value, out.dtype);
  for (let i = 0; i < count; i++) {
    if (count === 1 || i < count >> 1) write(i, fusedAdd(i, step, start, out.dtype));
    else write(i, fusedAdd(-(count - 1 - i), step, end, out.dtype));
  }
  return finish(out, given);
}

/** a * b + c with one rounding, in float64 by splitting the product; in narrower types a double is exact enough. */
function fusedAdd(a: number, b: number, c: number, dtype: DType): number {
  if (dtype !== "float64") return a * b + c;
  const p = a * b;
  const split = 134217729;
  const bh = split * b - (split * b - b), bl = b - bh;
  const error = (a * bh - p) + a * bl; // exact, because a is a small integer
  const s = p + c, t = s - p;
  return s + ((p - (s - t)) + (c - t) + error);
}

// ---- like another tensor --------------------------------------------------------------------------------------------

/** Zeros with the shape and dtype of another tensor. */
export function zerosLike(t: Tensor, options: TensorOptions = {}): Tensor {
  checkTensor(t, "zerosLike");
  return zeros(t.shape, { dtype: t.dtype, device: t.device, ...options });
}

/** Ones with the shape and dtype of another tensor. */
export function onesLike(t: Tensor, options: TensorOptions = {}): Tensor {
  checkTensor(t, "onesLike");
  return ones(t.shape, { dtype: t.dtype, device: t.device, ...options });
}

/** Values that do not matter, with the shape and dtype of another tensor. */
export function emptyLike(t: Tensor, options: TensorOptions = {}): Tensor {
  checkTensor(t, "emptyLike");
  return empty(t.shape, { dtype: t.dtype, device: t.device, ...options });
}

/** One value everywhere, with the shape and dtype of another tensor. */
export function fullLike(t: Tensor, value: Scalar, options: TensorOptions = {}): Tensor {
  checkTensor(t, "fullLike");
  return full(t.shape, value, { dtype: t.dtype, device: t.device, ...options });
}
