/** Sequences of random calls, against the numbers of PyTorch's CPU kernels. */
import { assert, assertEquals } from "@std/assert";
import { Generator } from "../../src/random/generator.ts";
import {
  bernoulli,
  cauchy,
  exponential,
  geometric,
  logNormal,
  multinomial,
  normal,
  randintFill,
  randomFill,
  randperm,
  truncNormal,
  uniform,
} from "../../src/random/distributions.ts";

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
interface EncodedTensor {
  $t: string;
  s: number[];
  d: (number | string)[];
  st?: number[];
}
interface Call {
  op: string;
  args: Json[];
  kw?: { dtype?: { $dtype: string } };
  out?: EncodedTensor;
  numel?: number;
  dtype?: string;
  first?: (number | string)[];
  last?: (number | string)[];
  digest?: string;
}
interface Case {
  id: string;
  seed?: number | string;
  calls?: Call[];
  first?: number[];
  at623?: number[];
  at1247?: number[];
  result?: unknown;
}

const read = (name: string) =>
  JSON.parse(Deno.readTextFileSync(new URL(`../golden/${name}.json`, import.meta.url)));
const cases: Case[] = read("rng").cases;
const byId = (id: string): Case => cases.find((c) => c.id === id)!;

type Out = Float32Array | Float64Array | Float16Array | Int32Array | Uint8Array;

const arrays: Record<string, (n: number) => Out | BigInt64Array> = {
  float32: (n) => new Float32Array(n),
  bfloat16: (n) => new Float32Array(n),
  float16: (n) => new Float16Array(n),
  float64: (n) => new Float64Array(n),
  int32: (n) => new Int32Array(n),
  uint8: (n) => new Uint8Array(n),
  int64: (n) => new BigInt64Array(n),
};

const isTensor = (x: Json): x is Json & EncodedTensor => x !== null && typeof x === "object" && "$t" in x;
const numel = (shape: Json[]): number => shape.flat(9).reduce<number>((n, size) => n * Number(size), 1);
const number = (x: Json): number => Number(x !== null && typeof x === "object" && "$f" in x ? x.$f : x);

/** The flat result of one stored call, or null where the call belongs to another room. */
function run(call: Call, g: Generator): Out | BigInt64Array | null {
  const { op, args } = call;
  const x = isTensor(args[0]) ? args[0] : null;
  const dtype = call.kw?.dtype?.$dtype ?? x?.$t ?? (op.startsWith("randint") ? "int64" : "float32");
  const options = { bfloat16: dtype === "bfloat16" };
  const at = (i: number, otherwise?: number) => args.length > i ? number(args[i]) : otherwise!;
  const make = <T>(n: number, fill: (out: T) => void) => {
    const out = arrays[dtype](n);
    fill(out as T);
    return out;
  };
  const like = <T>(fill: (out: T) => void) => make(x!.d.length, fill);
  switch (op) {
    case "rand":
      return make<Float32Array>(numel(args), (o) => uniform(o, 0, 1, g, options));
    case "rand_like":
      return like<Float32Array>((o) => uniform(o, 0, 1, g, options));
    case "randn":
      return make<Float32Array>(numel(args), (o) => normal(o, 0, 1, g, options));
    case "randn_like":
      return like<Float32Array>((o) => normal(o, 0, 1, g, options));
    case "randint": {
      const [low, high, size] = args.length === 3 ? args : [0, ...args];
      return make<Int32Array>(numel([size]), (o) => randintFill(o, Number(low), Number(high), g));
    }
    case "randint_like":
      return like<Int32Array>((o) => randintFill(o, 0, at(1), g));
    case "randperm":
      return randperm(at(0), g);
    case "normal": {
      if (x === null) return make<Float32Array>(numel([args[2]]), (o) => normal(o, at(0), at(1), g));
      const std = isTensor(args[1]) ? args[1].d.map(Number) : x.d.map(() => at(1));
      return like<Float32Array>((o) => {
        normal(o, 0, 1, g);
        o.forEach((z, i) => o[i] = Math.fround(z * std[i]) + Number(x.d[i]));
      });
    }
    case "bernoulli": {
      const p = arrays[dtype](x!.d.length) as Float32Array;
      p.set(x!.d.map(Number));
      return like<Float32Array>((o) => bernoulli(o, p, g));
    }
    case "multinomial":
      return multinomial(Float32Array.from(x!.d, Number), at(1), g, { replacement: args[2] === true });
    case "Tensor.uniform_":
      return like<Float32Array>((o) => uniform(o, at(1), at(2), g));
    case "Tensor.normal_": {
      if (!x!.st) return like<Float32Array>((o) => normal(o, at(1, 0), at(2, 1), g));
      const memory = new Float32Array(x!.d.length);
      normal(memory, at(1, 0), at(2, 1), g, { contiguous: false });
      const [rows, columns] = x!.st;
      return like<Float32Array>((o) => {
        o.forEach((_, i) => o[i] = memory[Math.floor(i / x!.s[1]) * rows + (i % x!.s[1]) * columns]);
      });
    }
    case "Tensor.bernoulli_":
      return like<Float32Array>((o) => bernoulli(o, at(1), g));
    case "Tensor.exponential_":
      return like<Float32Array>((o) => exponential(o, at(1, 1), g));
    case "Tensor.cauchy_":
      return like<Float32Array>((o) => cauchy(o, at(1), at(2), g));
    case "Tensor.log_normal_":
      return like<Float32Array>((o) => logNormal(o, at(1), at(2), g));
    case "Tensor.geometric_":
      return like<Float32Array>((o) => geometric(o, at(1), g));
    case "Tensor.random_":
      return like<Int32Array>((o) => args.length > 1 ? randintFill(o, 0, at(1), g) : randomFill(o, g));
  }
  return null;
}

/** Equal bit by bit, but for the last bits of float64: JavaScript's logarithm, sine and cosine are not glibc's. */
function assertNumbers(
  got: ArrayLike<number | bigint>,
  want: (number | string)[],
  dtype: string,
  id: string,
): void {
  assertEquals(got.length, want.length, id);
  want.forEach((w, i) => {
    if (dtype.startsWith("int") || dtype === "uint8") {
      return assertEquals(BigInt(got[i]), BigInt(w), `${id}[${i}]`);
    }
    const v = Number(got[i]);
    const expected = dtype === "float64" ? Number(w) : Math.fround(Number(w));
    const close = dtype === "float64" && Math.abs(v - expected) <= 1e-15 * Math.abs(expected);
    assert(close || v === expected, `${id}[${i}]: ${v} is not ${expected}`);
  });
}

async function sha256(data: ArrayBufferView<ArrayBuffer>): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", data);
  return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

for (const c of cases.filter((c) => c.id.startsWith("raw/"))) {
  Deno.test(`32-bit words, seed ${c.seed}`, () => {
    const g = new Generator().manualSeed(BigInt(c.seed!));
    const words = Array.from({ length: 1252 }, () => g.random());
    assertEquals(words.slice(0, 8), c.first);
    assertEquals(words.slice(620, 628), c.at623);
    assertEquals(words.slice(1244, 1252), c.at1247);
  });
}

/** nn.functional's calls are tested with the tensors of that room. */
const elsewhere = (c: Case) => c.calls!.some((call) => call.op.startsWith("F."));
const sequences = cases.filter((c) => c.calls);

Deno.test(`golden sequences: ${sequences.length}, of which nn has ${sequences.filter(elsewhere).length}`, async () => {
  let calls = 0;
  for (const c of sequences.filter((c) => !elsewhere(c))) {
    const g = new Generator().manualSeed(BigInt(c.seed ?? 0));
    for (const call of c.calls!) {
      const got = run(call, g);
      assert(got !== null, `${c.id}: no rule for ${call.op}`);
      calls++;
      if (call.out) {
        assertNumbers(got, call.out.d, call.out.$t, c.id);
        continue;
      }
      assertEquals(got.length, call.numel, c.id);
      assertNumbers(got.slice(0, 4), call.first!, call.dtype!, c.id);
      assertNumbers(got.slice(-20), call.last!, call.dtype!, c.id);
      if (call.dtype === "float64") continue;
      const stored = call.dtype === "int64" ? BigInt64Array.from(got as Int32Array, BigInt) : got;
      assertEquals(await sha256(stored as Float32Array<ArrayBuffer>), call.digest, c.id);
    }
  }
  assert(calls > 140, `only ${calls} calls`);
});

const draw63 = (g: Generator) => g.random64() & ((1n << 63n) - 1n);

Deno.test("the draws of data loaders and samplers", () => {
  let g = new Generator().manualSeed(0);
  const epoch = () => {
    g.random64(); // the loader's base seed
    const order = Array.from(randperm(10, new Generator().manualSeed(draw63(g))));
    return [0, 3, 6, 9].map((i) => order.slice(i, i + 3));
  };
  assertEquals<unknown>([epoch(), epoch()], byId("py/DataLoader-shuffle").result);

  const order = Array.from(randperm(10, g.manualSeed(0)));
  assertEquals<unknown>([order.slice(0, 7), order.slice(7)], byId("py/random_split").result);

  const picks = new BigInt64Array(8);
  g = new Generator().manualSeed(draw63(g.manualSeed(0)));
  randintFill(picks, 0, 6, g);
  assertEquals<unknown>(Array.from(picks, Number), byId("py/RandomSampler-replacement").result);

  const weighted = multinomial(new Float64Array([0.1, 0.9, 0.4]), 6, g.manualSeed(0), { replacement: true });
  assertEquals<unknown>(Array.from(weighted), byId("py/WeightedRandomSampler").result);
});

Deno.test("a new generator has PyTorch's default seed", () => {
  assertEquals<unknown>([String(new Generator().initialSeed())], byId("default-seed").result);
  assertEquals<unknown>([true, new Generator().initialSeed(), 3], byId("py/generator").result);
});

Deno.test("truncNormal: both algorithms, as nn.init.trunc_normal_", () => {
  interface Init {
    id: string;
    kw: Record<string, Json>;
    seed: number;
    values: EncodedTensor;
  }
  const inits: Init[] = read("init").cases.filter((c: Init) => c.id.startsWith("trunc_normal_"));
  assert(inits.length >= 3);
  for (const c of inits) {
    const option = (name: string, otherwise: number) => name in c.kw ? number(c.kw[name]) : otherwise;
    const out = new Float32Array(c.values.d.length);
    const [mean, std, a, b] = [option("mean", 0), option("std", 1), option("a", -2), option("b", 2)];
    truncNormal(out, mean, std, a, b, new Generator().manualSeed(c.seed));
    assertNumbers(out, c.values.d, "float32", c.id);
  }
});
