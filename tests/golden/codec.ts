/**
 * Reads the values of the golden files: JSON in, tensors and JavaScript values out. README.md describes the encoding.
 *
 * @module
 */
import { dg, type Loose } from "./api.ts";

/** A value as it stands in a golden file. */
export type Encoded = null | boolean | number | string | Encoded[] | { [key: string]: Encoded };

/** A tensor as it stands in a golden file. */
export interface EncodedTensor {
  /** dtype */
  $t: string;
  /** shape */
  s: number[];
  /** elements in row-major order: numbers, "nan", "inf", "-inf", or the digits of a large integer */
  d: (number | string)[];
  /** strides, where the tensor is not contiguous */
  st?: number[];
  /** storage offset */
  o?: number;
  /** 1: a leaf that requires grad */
  g?: 1;
}

/** A Python slice: `start:stop:step`, null where it was left out. */
export class Slice {
  constructor(
    readonly start: number | null,
    readonly stop: number | null,
    readonly step: number | null,
  ) {}
}

/** A Python tuple in an index expression, which a list is not. */
export class Tuple {
  constructor(readonly items: unknown[]) {}
}

/** Python's `...` in an index expression. */
export const ellipsis: unique symbol = Symbol("...");

/** What a decoder needs to know of its surroundings. */
export interface DecodeContext {
  /** Becomes of a plain Python int: a count, a dim or an index stays a number; an operand may have to be int64. */
  ints?: "number" | "bigint";
}

const SPECIAL: Record<string, number> = { nan: NaN, inf: Infinity, "-inf": -Infinity };

/** Is this the encoding of a tensor? */
export function isEncodedTensor(value: unknown): value is EncodedTensor {
  return value !== null && typeof value === "object" && "$t" in value;
}

/** The encoded tensors of a nested encoded value, in order. */
export function encodedTensors(value: unknown): EncodedTensor[] {
  if (isEncodedTensor(value)) return [value];
  if (value !== null && typeof value === "object") return Object.values(value).flatMap(encodedTensors);
  return [];
}

/** The dtypes that an encoded value speaks of. */
export function dtypesIn(value: unknown): string[] {
  if (value === null || typeof value !== "object") return [];
  if ("$t" in value) return [value.$t as string];
  if ("$dtype" in value) return [value.$dtype as string];
  return Object.values(value).flatMap(dtypesIn);
}

/** Does the dtype hold real numbers? */
export function isFloating(dtype: string): boolean {
  return dtype.startsWith("float") || dtype.startsWith("bfloat");
}

/** The elements of an encoded tensor: numbers, bigints for int64. */
export function elements(t: EncodedTensor): (number | bigint)[] {
  if (t.$t === "int64") return t.d.map((v) => BigInt(v));
  return t.d.map((v) => typeof v === "number" ? v : v in SPECIAL ? SPECIAL[v] : Number(v));
}

/** Makes the tensor, with its strides and its offset. */
export function decodeTensor(t: EncodedTensor): Loose {
  const values: (number | bigint | boolean)[] = t.$t === "bool" ? t.d.map((v) => v === 1) : elements(t);
  const dtype = t.$t;
  let x: Loose;
  if (t.st && values.length > 0) {
    const offset = t.o ?? 0;
    const size = 1 + offset + t.s.reduce((sum, n, i) => sum + (n - 1) * t.st![i], 0);
    const zero = dtype === "bool" ? false : dtype === "int64" ? 0n : 0;
    const buffer: (number | bigint | boolean)[] = new Array(size).fill(zero);
    values.forEach((v, linear) => {
      let at = offset;
      for (let d = t.s.length - 1, rest = linear; d >= 0; d--) {
        at += (rest % t.s[d]) * t.st![d];
        rest = Math.floor(rest / t.s[d]);
      }
      buffer[at] = v;
    });
    x = dg.tensor(buffer, { dtype }).asStrided(t.s, t.st, offset);
  } else {
    x = dg.tensor(values, { dtype }).reshape(t.s);
  }
  return t.g ? x.detach().requiresGrad_() : x;
}

/** Decodes one value. */
export function decode(value: Encoded, context: DecodeContext = {}): unknown {
  if (Array.isArray(value)) return value.map((v) => decode(v, context));
  if (typeof value === "number") {
    return context.ints === "bigint" && Number.isInteger(value) ? BigInt(value) : value;
  }
  if (value === null || typeof value !== "object") return value;
  if ("$t" in value) return decodeTensor(value as unknown as EncodedTensor);
  if ("$f" in value) return typeof value.$f === "number" ? value.$f : SPECIAL[value.$f as string];
  if ("$i" in value) return BigInt(value.$i as string);
  if ("$dtype" in value) return value.$dtype;
  if ("$device" in value) return value.$device;
  if ("$slice" in value) return new Slice(...(value.$slice as [number | null, number | null, number | null]));
  if ("$ellipsis" in value) return ellipsis;
  if ("$tuple" in value) return new Tuple((value.$tuple as Encoded[]).map((v) => decode(v, context)));
  if ("$c" in value) throw new Error("complex numbers are not decoded");
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, decode(v, context)]));
}
