/**
 * What the distributions share: their array types, and how PyTorch's messages write numbers.
 * @module
 */

/** A typed array with floating-point elements. */
export type FloatArray = Float32Array | Float64Array | Float16Array;

/** A typed array that integers can be drawn into: any that backs a tensor. */
export type NumberArray = FloatArray | Int8Array | Uint8Array | Int16Array | Int32Array;

/** How a distribution fills its array. */
export interface FillOptions {
  /** Round every number to bfloat16 (a `Float32Array` holds them exactly), with the draws PyTorch makes for that dtype. */
  bfloat16?: boolean;
}

/** A double as C++ writes it to a stream, which PyTorch's messages show: six significant digits. */
export function streamNumber(x: number): string {
  if (!Number.isFinite(x)) return Number.isNaN(x) ? "nan" : x < 0 ? "-inf" : "inf";
  if (x === 0) return Object.is(x, -0) ? "-0" : "0";
  const [digits, exponent] = x.toExponential(5).split("e");
  const e = Number(exponent);
  if (e >= -4 && e < 6) return String(Number(x.toPrecision(6)));
  return `${Number(digits)}e${e < 0 ? "-" : "+"}${String(Math.abs(e)).padStart(2, "0")}`;
}

/** The dtype whose numbers an array holds, as in messages. */
export function dtypeOf(out: NumberArray | BigInt64Array, options: FillOptions = {}): string {
  if (options.bfloat16) return "bfloat16";
  return out.constructor.name.replace(/Array$/, "").replace(/^Big/, "").toLowerCase();
}
