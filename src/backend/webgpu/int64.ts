/**
 * Arithmetic of int64, which the GPU carries in 32 bits: WGSL that computes in 32 bits and tells of a result that has more. What
 * it tells is reported by the next read (`faults.ts`).
 *
 * Each step of a program is told of by itself: one that 32 bits do not hold is an error even where a later one would bring it back.
 * @module
 */
import { wgslSpelling } from "../../expr/lower_wgsl.ts";
import { primitives } from "../../expr/primitives.ts";
import { TOO_LARGE } from "./faults.ts";

/**
 * When the result `r` of `a` and `b` has more bits. Of what is far from it in float32 some multiple of 2^32 was lost: float32 is
 * nearer than that to whatever 32 bits hold.
 */
export const lost: Readonly<Record<string, string>> = {
  add: "((a ^ r) & (b ^ r)) < 0",
  sub: "((a ^ b) & (a ^ r)) < 0",
  mul: "!(abs(f32(a) * f32(b) - f32(r)) < 1e9)",
  neg: "r == a && a != 0",
  abs: "r < 0",
  pow: "b > 0 && !(abs(m_pow(f32(a), f32(b)) - f32(r)) < 1e9)",
  floorDiv: "b == -1 && r == a && a != 0",
  truncDiv: "b == -1 && r == a && a != 0",
  shiftLeft: "bitcast<u32>(b) < 64u && r >> min(bitcast<u32>(b), 31u) != a",
  gcd: "r < 0",
  lcm: "!(abs(abs(f32(a) / f32(max(m_gcd(a, b), 1)) * f32(b)) - f32(r)) < 1e9)",
};

/** A step of a program on int64, as a call that tells where its result can be too large. */
export function telling(value: string, op: string, args: readonly string[]): string {
  return lost[op] === undefined ? value : `told_${op}(${args.join(", ")})`;
}

/** Conversions: of NaN and infinities to 0, as on the CPU, of a number that is too large whatever is left of it. */
const conversions: Readonly<Record<string, string>> = {
  told_int: `fn told_int(v: f32) -> i32 {
  let bits = bitcast<u32>(v);
  let e = (bits >> 23u) & 255u;
  if (e > 157u && e < 255u && bits != 0xcf000000u) { fault(CONVERSION, 0, ${TOO_LARGE}); }
  return m_int(v);
}`,
  told_int_of_double: `fn told_int_of_double(v: f64) -> i32 {
  let t = trunc(v);
  if (abs(t) <= 1.7976931348623157e308lf && (t > 2147483647.0lf || t < -2147483648.0lf)) { fault(CONVERSION, 0, ${TOO_LARGE}); }
  return m_int_of_double(v);
}`,
};

/**
 * The functions named `told_...` that code calls, or nothing. They call `fault` of `faults.ts`, with these numbers of who asks for
 * arithmetic and for conversions.
 */
export function tellingFunctions(code: string, caller: number, conversion: number): string {
  const names = new Set(Array.from(code.matchAll(/\btold_(\w+)\(/g), ([, name]) => name));
  if (names.size === 0) return "";
  const functions = [...names].map((op) =>
    conversions[`told_${op}`] ??
      `fn told_${op}(${primitives[op].params.map((p) => `${p}: i32`).join(", ")}) -> i32 {
  let r = ${wgslSpelling(op, "int")};
  if (${lost[op]}) { fault(CALLER, 0, ${TOO_LARGE}); }
  return r;
}`
  );
  return [`const CALLER = ${caller};`, `const CONVERSION = ${conversion};`, ...functions].join("\n");
}
