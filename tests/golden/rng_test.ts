/**
 * Sequences of random calls after `manualSeed`, as tensors, against PyTorch's. The numbers are the same to the last bit, but
 * for float64 ones that come from a logarithm or a sine.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { dg, dtypeExists, type Loose } from "./api.ts";
import { dtypesIn, type Encoded, type EncodedTensor } from "./codec.ts";
import { compare, type Tolerance, valuesOf } from "./compare.ts";
import { matrixTest } from "./matrix.ts";
import { resolve } from "./names.ts";
import { argumentsOf, type CallCase, readGolden } from "./runner.ts";

/** A call; of a long result only the ends, and the SHA-256 of all of it, are kept. */
interface DrawCall extends CallCase {
  numel?: number;
  dtype?: string;
  first?: (number | string)[];
  last?: (number | string)[];
  digest?: string;
}

interface DrawCase {
  id: string;
  seed: number | string;
  calls?: DrawCall[];
}

const EXACT: Tolerance = [0, 0];
const LIBM: Tolerance = [1e-13, 1e-15];
/** Operations whose float32 numbers go through functions of the C library, in float64 before they are rounded. */
const THROUGH_LIBM = /normal|randn|exponential|cauchy/;

/** What stands in an options object here, by position in the golden file, after the first argument. */
const OPTIONS: Record<string, readonly string[]> = {
  "F.dropout": ["p", "training"],
  "F.dropout2d": ["p", "training"],
  "F.alpha_dropout": ["p", "training"],
};

function ours(call: DrawCall): unknown[] {
  const args = argumentsOf(call), names = OPTIONS[call.op];
  if (names === undefined) return args;
  return [args[0], Object.fromEntries(args.slice(1).map((value, i) => [names[i], value]))];
}

async function check(call: DrawCall, out: Loose): Promise<string | null> {
  const dtype = call.dtype ?? (call.out as unknown as EncodedTensor).$t;
  const tolerance = dtype === "float64" && THROUGH_LIBM.test(call.op) ? LIBM : EXACT;
  if (call.out !== undefined) return compare(out, call.out, tolerance);
  assertEquals(out.numel(), call.numel);
  const values = valuesOf(out);
  const part = (d: (number | string)[]) => ({ $t: dtype, s: [d.length], d }) as unknown as Encoded;
  const { first, last } = call;
  const wrong = compare(out.slice(0, 0, first!.length), part(first!), tolerance) ??
    compare(out.slice(0, values.length - last!.length), part(last!), tolerance);
  if (wrong !== null || tolerance !== EXACT) return wrong;
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", out.cpu().contiguous().typedArray()))
    .toHex();
  return digest === call.digest ? null : `the digest of all ${values.length} elements is ${digest}`;
}

for (const c of readGolden<{ cases: DrawCase[] }>("rng").cases) {
  const { calls } = c;
  if (calls === undefined) continue;
  const missing = calls.filter((call) => resolve(call.op) === undefined).map((call) => call.op);
  const runs = missing.length === 0 && dtypesIn(calls).every(dtypeExists);
  matrixTest({
    name: `rng/${c.id}${missing.length > 0 ? `, not built yet: ${missing.join(", ")}` : ""}`,
    ignore: !runs,
    async fn(): Promise<void> {
      dg.manualSeed(typeof c.seed === "string" ? BigInt(c.seed) : c.seed);
      for (const call of calls) {
        const wrong = await check(call, resolve(call.op)!(...ours(call)));
        assert(wrong === null, `${call.op}: ${wrong}`);
      }
    },
  });
}
