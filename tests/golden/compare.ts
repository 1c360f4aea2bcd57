/**
 * Compares what an operation gave with what PyTorch gave.
 *
 * @module
 */
import { dg, isTensor, type Loose } from "./api.ts";
import { elements, type Encoded, type EncodedTensor, isEncodedTensor, isFloating } from "./codec.ts";
import { note } from "./webgpu_accuracy.ts";

/** Relative and absolute: |a - b| <= atol + rtol * |b|. */
export type Tolerance = readonly [rtol: number, atol: number];

/** Says where a tensor is that is not on the device under test, so that no other one computes unnoticed; null where it is. */
export function deviceProblem(t: Loose): string | null {
  return t.device === dg.getDefaultDevice() ? null : `is on ${t.device}, expected ${dg.getDefaultDevice()}`;
}

/** The elements of a tensor on the device under test in row-major order; int64 as bigints. */
export function valuesOf(t: Loose): (number | bigint)[] {
  const elsewhere = deviceProblem(t);
  if (elsewhere) throw new TypeError(`the tensor ${elsewhere}`);
  const plain = t.detach().cpu().contiguous();
  if (plain.dtype === "int64") return Array.from(plain.typedArray() as BigInt64Array);
  const nested = plain.toArray();
  const flat: unknown[] = Array.isArray(nested) ? nested.flat(Infinity) : [nested];
  return flat.map(Number);
}

function closeNumber(a: number, b: number, [rtol, atol]: Tolerance): boolean {
  if (a === b || (Number.isNaN(a) && Number.isNaN(b))) return true;
  return Math.abs(a - b) <= atol + rtol * Math.abs(b);
}

function difference(actual: Loose, expected: EncodedTensor, tolerance: Tolerance): string | null {
  if (!isTensor(actual)) return `expected a ${expected.$t} tensor, got ${describe(actual)}`;
  if (actual.dtype !== expected.$t) return `dtype ${actual.dtype}, expected ${expected.$t}`;
  const elsewhere = deviceProblem(actual);
  if (elsewhere) return elsewhere;
  if (actual.shape.join() !== expected.s.join()) return `shape [${actual.shape}], expected [${expected.s}]`;
  const a = valuesOf(actual);
  const b = elements(expected);
  const floating = isFloating(expected.$t);
  if (expected.$t === "float32") b.forEach((v, i) => b[i] = Math.fround(Number(v)));
  if (expected.$t === "float16") b.forEach((v, i) => b[i] = Math.f16round(Number(v)));
  if (floating) note(a.map(Number), b.map(Number), expected.$t);
  for (let i = 0; i < b.length; i++) {
    const same = floating ? closeNumber(Number(a[i]), Number(b[i]), tolerance) : a[i] === b[i];
    if (!same) return `element ${i} is ${a[i]}, expected ${b[i]}; all: [${a}], expected [${b}]`;
  }
  return null;
}

/** A short text for a value in a message. */
export function describe(value: unknown): string {
  if (isTensor(value)) return `tensor of shape [${(value as Loose).shape}]`;
  return Deno.inspect(value, { depth: 2, compact: true, breakLength: Infinity });
}

/** What our result is as PyTorch's list of results: named results in their order, numbers where bigints can be. */
function asList(value: unknown): unknown[] | null {
  if (Array.isArray(value)) return value;
  if (value !== null && typeof value === "object" && !isTensor(value)) return Object.values(value);
  return null;
}

/** Null where `actual` is what the golden file has, else one line that says what is not. */
export function compare(actual: unknown, expected: Encoded, tolerance: Tolerance): string | null {
  if (isEncodedTensor(expected)) return difference(actual, expected, tolerance);
  if (Array.isArray(expected)) {
    const list = asList(actual);
    if (!list) return `expected ${expected.length} results, got ${describe(actual)}`;
    if (list.length !== expected.length) return `${list.length} results, expected ${expected.length}`;
    for (let i = 0; i < list.length; i++) {
      const wrong = compare(list[i], expected[i], tolerance);
      if (wrong) return `result ${i}: ${wrong}`;
    }
    return null;
  }
  if (expected !== null && typeof expected === "object" && "$f" in expected) {
    const number = { nan: NaN, inf: Infinity, "-inf": -Infinity }[expected.$f as string] ??
      Number(expected.$f);
    return compareNumber(actual, number, tolerance);
  }
  if (expected !== null && typeof expected === "object" && "$dtype" in expected) {
    return actual === expected.$dtype ? null : `${describe(actual)}, expected ${expected.$dtype}`;
  }
  if (typeof expected === "number") return compareNumber(actual, expected, tolerance);
  return actual === expected ? null : `${describe(actual)}, expected ${describe(expected)}`;
}

function compareNumber(actual: unknown, expected: number, tolerance: Tolerance): string | null {
  if (typeof actual !== "number") return `${describe(actual)}, expected the number ${expected}`;
  return closeNumber(actual, expected, tolerance) ? null : `${actual}, expected ${expected}`;
}

/** What C++ and PyTorch's C++ side call the dtypes; long names first. */
const DTYPE_NAMES: readonly (readonly [RegExp, string])[] = [
  [/\bunsigned char\b|\bByte\b/g, "uint8"],
  [/\bsigned char\b|\bChar\b/g, "int8"],
  [/\bshort int\b|\bShort\b/g, "int16"],
  [/\blong int\b|\bLong\b/g, "int64"],
  [/\bc10::Half\b|\bHalf\b/g, "float16"],
  [/\bc10::BFloat16\b|\bBFloat16\b/g, "bfloat16"],
  [/\bint\b|\bInt\b/g, "int32"],
  [/\bfloat\b|\bFloat\b/g, "float32"],
  [/\bdouble\b|\bDouble\b/g, "float64"],
  [/\bBool\b/g, "bool"],
];

/**
 * A message with the names in it made alike: PyTorch's snake_case calls and keywords are camelCase here, dtypes go by one
 * name each, `torch.` is no part of ours, `numpy()` is `typedArray()`, and `name=True` is `name: true`.
 */
export function normalizeMessage(message: string): string {
  let text = message;
  for (const [names, dtype] of DTYPE_NAMES) text = text.replace(names, dtype);
  return text
    .replace(/\btorch\./g, "")
    .replace(/\bnumpy\(\)/g, "typedArray()")
    .replace(/\b(\w+)=(True|False)\b/g, "$1: $2")
    .replace(/\{ (\w+: \w+) \}/g, "$1")
    .replace(/\bTrue\b/g, "true")
    .replace(/\bFalse\b/g, "false")
    .replace(/(?<=[A-Za-z0-9])_([a-z0-9])/g, (_, c: string) => c.toUpperCase())
    .replace(/\s+/g, " ")
    .trim();
}

/**
 * Does our message say what PyTorch's says? In PyTorch's words, names made alike; the values met may follow them
 * (`step must be nonzero, got 0`).
 */
export function sameMessage(ours: string, theirs: string): boolean {
  return normalizeMessage(ours).startsWith(normalizeMessage(theirs).replace(/\.$/, ""));
}
