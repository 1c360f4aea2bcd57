/**
 * What the engine and the processor can do, found out by trying.
 * @module
 */
import { FunctionWriter, Simd, Type } from "./emit.ts";
import type { Features } from "./lanes.ts";

let known: Features | null | undefined;

/** The features; null where there is no SIMD at all, or no WebAssembly. */
export function features(): Features | null {
  return known === undefined ? known = detect() : known;
}

function detect(): Features | null {
  if (typeof WebAssembly !== "object") return null;
  // (1 + e)(1 - e) - 1 is -e² rounded once, and 0 rounded twice
  const e = 2 ** -30, plain = probe(Simd.And, e), relaxed = probe(Simd.RelaxedMaddF64, e);
  if (!WebAssembly.validate(plain)) return null;
  return { fused: WebAssembly.validate(relaxed) && evaluate(relaxed) === -(e * e) };
}

function evaluate(module: Uint8Array<ArrayBuffer>): number {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const instance = new WebAssembly.Instance(new WebAssembly.Module(module), { m: { m: memory } });
  return (instance.exports.f as () => number)();
}

/** A module of one instruction over 1 + e, 1 - e and -1. */
function probe(op: Simd, e: number): Uint8Array<ArrayBuffer> {
  const code = new FunctionWriter([], Type.F64);
  const operands = op === Simd.RelaxedMaddF64 ? [1 + e, 1 - e, -1] : [1 + e, 1 - e];
  for (const x of operands) code.sixteen(Simd.Const, new Uint8Array(new Float64Array([x, x]).buffer));
  code.simd(op);
  code.lane(0);
  return code.module();
}
