/**
 * Numbers as Python writes them: `%.4f`, `%.4e` and `repr`. JavaScript's own functions differ in exact ties (away from
 * zero instead of to even), large numbers, exponents and the sign of zero.
 * @module
 */

/** Beyond this, `toFixed` gives up fixed notation. */
const FIXED_LIMIT = 1e21;

/**
 * Python's `"%.{precision}f" % x`.
 *
 * @param x any number
 * @param precision digits after the point, 0 to 100
 */
export function formatFixed(x: number, precision: number): string {
  if (!Number.isFinite(x)) return nonFinite(x);
  if (Math.abs(x) >= FIXED_LIMIT) return BigInt(x) + (precision > 0 ? "." + "0".repeat(precision) : "");
  const text = x.toFixed(precision);
  if (x === 0) return Object.is(x, -0) ? "-" + text : text;
  // x is half way between two texts exactly if 2 * x * 10^precision is an odd integer, and the factor 5^precision
  // makes no difference to that.
  return isOdd(x * 2 ** (precision + 1)) ? lastDigitToEven(text) : text;
}

/**
 * Python's `"%.{precision}e" % x`: an exponent of two digits at least.
 *
 * @param x any number
 * @param precision digits after the point, 0 to 100
 */
export function formatExponential(x: number, precision: number): string {
  if (!Number.isFinite(x)) return nonFinite(x);
  const [digits, exponent] = x.toExponential(precision).split("e");
  const e = Number(exponent);
  const sign = Object.is(x, -0) ? "-" : "";
  const mantissa = isTie(x, precision - e) ? lastDigitToEven(digits) : digits;
  return `${sign}${mantissa}e${e < 0 ? "-" : "+"}${String(Math.abs(e)).padStart(2, "0")}`;
}

/**
 * A number as Python's `repr` writes it, which is what `item()` and `tolist()` show there: `5.0`, `1e-05`,
 * `3.700000047683716`, `7`, `True`.
 *
 * @param value an element; numbers are written as floats unless the dtype holds integers
 * @param dtype the dtype the element comes from
 */
export function pythonScalar(value: number | bigint | boolean, dtype: string): string {
  if (dtype === "bool" || typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "bigint" || !isFloat(dtype)) return String(value);
  if (!Number.isFinite(value)) return nonFinite(value);
  if (value === 0) return Object.is(value, -0) ? "-0.0" : "0.0";
  const size = Math.abs(value);
  if (size >= 1e16 || size < 1e-4) {
    const [digits, exponent] = value.toExponential().split("e");
    return `${digits}e${exponent[0]}${exponent.slice(1).padStart(2, "0")}`;
  }
  const text = String(value);
  return text.includes(".") ? text : text + ".0";
}

/** Whether a dtype's elements are floating-point numbers. */
export function isFloat(dtype: string): boolean {
  return dtype.startsWith("float") || dtype === "bfloat16";
}

function nonFinite(x: number): string {
  return Number.isNaN(x) ? "nan" : x > 0 ? "inf" : "-inf";
}

function isOdd(x: number): boolean {
  return Math.abs(x) % 2 === 1;
}

/** Whether 2 * x * 10^power is an odd integer: x then lies exactly between two numbers with that last digit. */
function isTie(x: number, power: number): boolean {
  if (power >= 0) return isOdd(x * 2 ** (power + 1));
  if (!Number.isInteger(x)) return false;
  const unit = 10n ** BigInt(-power);
  const twice = BigInt(x) * 2n;
  return twice % unit === 0n && (twice / unit) % 2n !== 0n;
}

/** In a tie JavaScript rounds away from zero: an odd last digit is one too high. */
function lastDigitToEven(text: string): string {
  const last = Number(text.at(-1));
  return last % 2 === 0 ? text : text.slice(0, -1) + (last - 1);
}
