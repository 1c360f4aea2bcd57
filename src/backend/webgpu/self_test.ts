/**
 * Whether an adapter computes as WGSL says: a kernel whose answers are known.
 * @module
 */
import type { Gpu } from "./gpu.ts";
import type { Block } from "./memory.ts";

/** What is computed from `P`, and the bits that have to come out. Integers first: nothing works without them. */
const checks: readonly (readonly [name: string, wgsl: string, bits: number])[] = [
  ["-7 % 2", "p.x % p.y", -1],
  ["-7 / 2", "p.x / p.y", -3],
  ["5 / 0", "p.z / p.w", 5],
  ["5 % 0", "p.z % p.w", 0],
  ["i32(-3.5)", "i32(f32(p.x) * 0.5)", -3],
  ["-7 >> 1", "p.x >> 1u", -4],
  ["1.0 / 0.0", "bitcast<i32>(1.0 / f32(p.w))", 0x7f800000],
  [
    "whether 0.0 / 0.0 is NaN",
    "select(0, 1, (bitcast<u32>(f32(p.w) / f32(p.w)) & 0x7fffffffu) > 0x7f800000u)",
    1,
  ],
  ["whether NaN is 1", "select(0, 1, !(bitcast<f32>(0x7fc00000u + u32(p.w)) == 1.0))", 1],
  ["sqrt(25.0)", "i32(sqrt(f32(p.z * p.z)))", 5],
];

/** Bytes of the result. */
export const SELF_TEST_BYTES: number = checks.length * 4;

/** Records the test; the result is in the block's first bytes. */
export function runSelfTest(gpu: Gpu): Block {
  const kernel = gpu.commands.compile(
    "selfTest",
    `@group(0) @binding(0) var<uniform> P: vec4<i32>;
@group(1) @binding(0) var<storage, read_write> out: array<i32>;
@compute @workgroup_size(1) fn main() {
  let p = P;
${checks.map(([, wgsl], i) => `  out[${i}] = ${wgsl};`).join("\n")}
}`,
    ["write"],
  );
  const block = gpu.memory.allocate(SELF_TEST_BYTES);
  gpu.commands.dispatch(kernel, [block], Int32Array.of(-7, 2, 5, 0), 1);
  return block;
}

/** What is wrong with the results, or null. */
export function judge(bytes: ArrayBuffer): string | null {
  const got = new Int32Array(bytes);
  const wrong = checks.findIndex(([, , bits], i) => got[i] !== bits);
  return wrong < 0 ? null : `${checks[wrong][0]} gives the bits ${got[wrong]} and not ${checks[wrong][2]}`;
}
