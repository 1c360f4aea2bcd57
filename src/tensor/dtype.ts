/**
 * Element types: their names, storage, arithmetic and PyTorch's rules for mixing them.
 * @module
 */

import { describe } from "./describe.ts";
import { beforeLargeArray, LARGE_ARRAY } from "./heap.ts";

/** Element type of a tensor. `bool` is stored in a `Uint8Array`, `int64` in a `BigInt64Array`. */
export type DType =
  | "float32"
  | "float64"
  | "float16"
  | "int8"
  | "uint8"
  | "int16"
  | "int32"
  | "int64"
  | "bool";

/** The typed arrays that can back a tensor. */
export type TypedArray =
  | Float32Array
  | Float64Array
  | Float16Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Int32Array
  | BigInt64Array;

/** A JavaScript value that can stand for one element: a number is a float, a bigint an int64, a boolean a bool. */
export type Scalar = number | bigint | boolean;

/** Which arithmetic a kernel uses: doubles, doubles wrapped to an integer type, or BigInt. */
export type Flavor = "float" | "int" | "bigint";

/** Promotion works on categories first: bool, then integers, then floats. */
export type Category = 0 | 1 | 2;

interface Info {
  readonly category: Category;
  readonly flavor: Flavor;
  /** Bytes an element. */
  readonly size: number;
  /** PyTorch's C++ name, as in `torch.FloatTensor` and in its messages. */
  readonly typeName: string;
  readonly allocate: (length: number) => TypedArray;
  /** An array of elements that lie in a buffer. */
  readonly over: (buffer: ArrayBuffer, start: number, length: number) => TypedArray;
}

const table: { readonly [D in DType]: Info } = {
  bool: info(0, "int", 1, "Bool", (n) => new Uint8Array(n), (b, start, n) => new Uint8Array(b, start, n)),
  uint8: info(1, "int", 1, "Byte", (n) => new Uint8Array(n), (b, start, n) => new Uint8Array(b, start, n)),
  int8: info(1, "int", 1, "Char", (n) => new Int8Array(n), (b, start, n) => new Int8Array(b, start, n)),
  int16: info(1, "int", 2, "Short", (n) => new Int16Array(n), (b, start, n) => new Int16Array(b, start, n)),
  int32: info(1, "int", 4, "Int", (n) => new Int32Array(n), (b, start, n) => new Int32Array(b, start, n)),
  int64: info(
    1,
    "bigint",
    8,
    "Long",
    (n) => new BigInt64Array(n),
    (b, start, n) => new BigInt64Array(b, start, n),
  ),
  float16: info(
    2,
    "float",
    2,
    "Half",
    (n) => new Float16Array(n),
    (b, start, n) => new Float16Array(b, start, n),
  ),
  float32: info(
    2,
    "float",
    4,
    "Float",
    (n) => new Float32Array(n),
    (b, start, n) => new Float32Array(b, start, n),
  ),
  float64: info(
    2,
    "float",
    8,
    "Double",
    (n) => new Float64Array(n),
    (b, start, n) => new Float64Array(b, start, n),
  ),
};

function info(
  category: Category,
  flavor: Flavor,
  size: number,
  typeName: string,
  allocate: Info["allocate"],
  over: Info["over"],
): Info {
  return { category, flavor, size, typeName, allocate, over };
}

/** All element types, in PyTorch's order of promotion. */
export const dtypes: readonly DType[] = Object.keys(table) as DType[];

/** Checks a dtype that came from a user. */
export function checkDType(dtype: unknown): DType {
  if (typeof dtype === "string" && Object.hasOwn(table, dtype)) return dtype as DType;
  throw new TypeError(
    `unknown dtype ${typeof dtype === "string" ? JSON.stringify(dtype) : describe(dtype)}: use one of ${
      dtypes.join(", ")
    }`,
  );
}

/** Bool, integer or float. */
export function category(dtype: DType): Category {
  return table[dtype].category;
}

/** Whether gradients can flow through this element type. */
export function isFloatingPoint(dtype: DType): boolean {
  return table[dtype].category === 2;
}

/** The arithmetic that kernels use for this element type. */
export function flavorOf(dtype: DType): Flavor {
  return table[dtype].flavor;
}

/** Bytes an element. */
export function itemSize(dtype: DType): number {
  return table[dtype].size;
}

/** PyTorch's name of the tensor class in messages: "Float", "Long". */
export function typeName(dtype: DType): string {
  return table[dtype].typeName;
}

/** PyTorch's C++ name of the element type, which a few messages use: "float", "long int". */
export function cppName(dtype: DType): string {
  const names: Partial<Record<DType, string>> = {
    float32: "float",
    float64: "double",
    float16: "c10::Half",
    int64: "long int",
    int32: "int",
    int16: "short int",
    int8: "signed char",
    uint8: "unsigned char",
  };
  return names[dtype] ?? dtype;
}

/** A new zeroed typed array for `length` elements; RangeError where there is no memory for it. */
export function allocate(dtype: DType, length: number): TypedArray {
  const { size } = table[dtype];
  if (length * size >= LARGE_ARRAY) beforeLargeArray(length * size);
  try {
    return table[dtype].allocate(length);
  } catch {
    const gigabytes = length * table[dtype].size / 1e9;
    throw new RangeError(
      `cannot allocate ${length} elements of ${dtype} (${
        gigabytes.toFixed(gigabytes < 10 ? 1 : 0)
      } GB): there is not enough ` +
        "memory, or an array cannot be as large as that",
    );
  }
}

/** An array of the elements that lie in a buffer from a byte on. */
export function arrayOver(dtype: DType, buffer: ArrayBuffer, start: number, length: number): TypedArray {
  return table[dtype].over(buffer, start, length);
}

/** The element type of a typed array; Uint8Array is uint8. */
export function dtypeOfArray(array: TypedArray): DType {
  if (array instanceof Float32Array) return "float32";
  if (array instanceof Float64Array) return "float64";
  if (array instanceof Float16Array) return "float16";
  if (array instanceof BigInt64Array) return "int64";
  if (array instanceof Int32Array) return "int32";
  if (array instanceof Int16Array) return "int16";
  if (array instanceof Int8Array) return "int8";
  if (array instanceof Uint8Array) return "uint8";
  throw new TypeError(
    `no dtype for ${
      Object.prototype.toString.call(array).slice(8, -1)
    }: use Float32Array, Float64Array, Float16Array, ` +
      "Int8Array, Uint8Array, Int16Array, Int32Array or BigInt64Array",
  );
}

/** Whether a value is a typed array that can back a tensor. */
export function isTypedArray(value: unknown): value is TypedArray {
  return ArrayBuffer.isView(value) && !(value instanceof DataView) && !(value instanceof Uint16Array) &&
    !(value instanceof Uint32Array) && !(value instanceof BigUint64Array) &&
    !(value instanceof Uint8ClampedArray);
}

let defaultDType: DType = "float32";

/** The dtype of tensors made from JavaScript numbers; float32 unless {@linkcode setDefaultDtype} changed it. */
export function getDefaultDtype(): DType {
  return defaultDType;
}

/** Sets the dtype of tensors made from JavaScript numbers. It must be a floating-point type. */
export function setDefaultDtype(dtype: DType): void {
  if (!isFloatingPoint(checkDType(dtype))) {
    throw new TypeError(`only floating-point types are supported as the default type, got ${dtype}`);
  }
  defaultDType = dtype;
}

/** The dtype of a JavaScript value: number float, bigint int64, boolean bool. */
export function dtypeOfScalar(value: Scalar): DType {
  if (typeof value === "number") return defaultDType;
  return typeof value === "bigint" ? "int64" : "bool";
}

const integerRank: Partial<Record<DType, number>> = { int8: 1, int16: 2, int32: 3, int64: 4 };
const floatRank: Partial<Record<DType, number>> = { float16: 1, float32: 2, float64: 3 };

/** PyTorch's `promote_types`: the smallest dtype that both fit into. */
export function promoteTypes(a: DType, b: DType): DType {
  if (a === b) return a;
  const ca = table[a].category, cb = table[b].category;
  if (ca !== cb) return ca > cb ? a : b;
  if (ca === 2) return floatRank[a]! > floatRank[b]! ? a : b;
  // uint8 with a signed type: a type that holds both
  if (a === "uint8") return b === "int8" ? "int16" : b;
  if (b === "uint8") return a === "int8" ? "int16" : a;
  return integerRank[a]! > integerRank[b]! ? a : b;
}

/** What {@linkcode resultType} reads of a tensor. */
export interface Typed {
  /** Element type. */
  readonly dtype: DType;
  /** Sizes. */
  readonly shape: readonly number[];
}

/**
 * The dtype of an operation on tensors and JavaScript values, as PyTorch's `result_type`: tensors with dimensions decide;
 * 0-d tensors and then plain values count only if their category is higher.
 */
export function resultType(operands: readonly (Typed | Scalar)[]): DType {
  let dims: DType | null = null, zero: DType | null = null, scalar: DType | null = null;
  for (let i = 0; i < operands.length; i++) {
    const x = operands[i];
    if (typeof x !== "object") {
      const d = dtypeOfScalar(x);
      scalar = scalar === null ? d : promoteTypes(scalar, d);
    } else if (x.shape.length === 0) {
      zero = zero === null ? x.dtype : promoteTypes(zero, x.dtype);
    } else {
      dims = dims === null ? x.dtype : promoteTypes(dims, x.dtype);
    }
  }
  return higher(higher(dims, zero), scalar) ?? defaultDType;
}

/** The first, unless the second is of a higher category. */
function higher(first: DType | null, second: DType | null): DType | null {
  if (first === null) return second;
  return second === null || first === second || table[first].category >= table[second].category
    ? first
    : second;
}
