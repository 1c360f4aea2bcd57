/** Printing, against the texts of PyTorch and Python. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import type { DType } from "../../src/tensor/dtype.ts";
import {
  formatExponential,
  formatFixed,
  formatTensor,
  getPrintOptions,
  type PrintOptions,
  type PrintProfile,
  pythonScalar,
  setPrintOptions,
  type TensorView,
} from "../../src/tensor/format.ts";

interface Case {
  id: string;
  python: string;
  t?: { $t: string; s: number[]; d: (number | string)[]; g?: 1 };
  opts?: { profile?: PrintProfile; sci_mode?: boolean } & Partial<PrintOptions>;
  repr: string;
}
const { cases } = JSON.parse(
  Deno.readTextFileSync(new URL("../golden/repr.json", import.meta.url)),
) as { cases: Case[] };

const special: Record<string, number> = { nan: NaN, inf: Infinity, "-inf": -Infinity };

function decode({ $t, s, d, g }: NonNullable<Case["t"]>): TensorView {
  const isFloat = /float/.test($t);
  const read = (x: number | string): number | bigint | boolean => {
    if ($t === "bool") return x === 1;
    if ($t === "int64") return BigInt(x);
    const value = typeof x === "string" ? special[x] : x;
    return isFloat && $t !== "float64" ? Math.fround(value) : value;
  };
  return { dtype: $t as DType, shape: s, get: (i) => read(d[i]), requiresGrad: g === 1 };
}

function withOptions<T>(opts: Case["opts"], body: () => T): T {
  const { sci_mode, ...same } = opts ?? {};
  setPrintOptions({ profile: "default", ...same, sciMode: sci_mode ?? null });
  try {
    return body();
  } finally {
    setPrintOptions({ profile: "default" });
  }
}

const isComplex = (c: Case) => c.t?.$t.startsWith("complex") === true;
const encoded = cases.filter((c) => c.t && !isComplex(c));
const left = cases.length - encoded.length;

Deno.test(`repr of ${encoded.length} stored tensors (${left} complex or without stored elements)`, () => {
  assertEquals(encoded.length, 136);
  for (const c of encoded) {
    assertEquals(withOptions(c.opts, () => formatTensor(decode(c.t!))), c.repr, `${c.id}: ${c.python}`);
  }
});

/** Tensors too large to be stored, by the expression that made them. */
const large: Record<string, (i: number) => number | bigint | boolean> = {
  "torch.arange(2000) % 2 == 0": (i) => i % 2 === 0,
  "torch.linspace(0, 1e6, 1500)": (i) =>
    Math.fround(i < 750 ? i * (1e6 / 1499) : 1e6 - (1499 - i) * (1e6 / 1499)),
  "torch.zeros(1001)": () => 0,
  "torch.ones(5, 30, dtype=torch.int64)": () => 1n,
};

Deno.test("repr of large tensors: summaries", () => {
  let checked = 0;
  for (const c of cases.filter((c) => !c.t)) {
    const arange = /^torch\.arange\(([\d. *]+)\)(?:\.reshape\(([\d, ]+)\))?$/.exec(c.python);
    const numbers = (text: string) => text.split(",").map(Number);
    let view: TensorView;
    if (arange) {
      const n = arange[1].split("*").map(Number).reduce((a, b) => a * b, 1);
      const dtype = arange[1].includes(".") ? "float32" : "int64";
      view = { dtype, shape: arange[2] ? numbers(arange[2]) : [n], get: dtype === "int64" ? BigInt : Number };
    } else if (c.python in large) {
      const get = large[c.python];
      const sample = get(0);
      const dtype = typeof sample === "boolean" ? "bool" : typeof sample === "bigint" ? "int64" : "float32";
      const shape = c.python.includes("ones")
        ? [5, 30]
        : [/\d{4}/.exec(c.python.replace("1e6", ""))![0]].map(Number);
      view = { dtype, shape, get };
    } else {
      continue;
    }
    assertEquals(withOptions(c.opts, () => formatTensor(view)), c.repr, `${c.id}: ${c.python}`);
    checked++;
  }
  assert(checked >= 18, `only ${checked}`);
});

Deno.test("item(), tolist() and f-strings of one element", () => {
  const byPython = (python: string) => cases.find((c) => c.python === python)!.repr;
  assertEquals(pythonScalar(Math.fround(3.7), "float32"), byPython("torch.tensor(3.7).item()"));
  assertEquals(pythonScalar(Math.fround(0.1), "float32"), byPython("torch.tensor(0.1).item()"));
  assertEquals(pythonScalar(0.1, "float64"), byPython("torch.tensor(0.1, dtype=torch.float64).item()"));
  assertEquals(`[${pythonScalar(true, "bool")}]`, byPython("torch.tensor([True]).tolist()"));
  const pair = [1, 2.5].map((x) => pythonScalar(x, "float32"));
  assertEquals(`[[${pair.join(", ")}]]`, byPython("torch.tensor([[1, 2.5]]).tolist()"));
  assertEquals(`'${formatFixed(Math.fround(3.14159), 2)}'`, byPython("f'{torch.tensor(3.14159):.2f}'"));
  assertEquals(`'${pythonScalar(7n, "int64")}'`, byPython("f'{torch.tensor(7)}'"));
  assertEquals(`'${pythonScalar(2.5, "float32")}'`, byPython("f'{torch.tensor(2.5)}'"));
});

Deno.test("pythonScalar: Python's repr", () => {
  const floats: [number, string][] = [
    [5, "5.0"],
    [-0, "-0.0"],
    [0, "0.0"],
    [1e-5, "1e-05"],
    [0.0001, "0.0001"],
    [1.5e-7, "1.5e-07"],
    [123456789012345680, "1.2345678901234568e+17"],
    [9999999999999998, "9999999999999998.0"],
    [1e16, "1e+16"],
    [1e22, "1e+22"],
    [-1e300, "-1e+300"],
    [5e-324, "5e-324"],
    [NaN, "nan"],
    [-Infinity, "-inf"],
  ];
  for (const [x, text] of floats) assertEquals(pythonScalar(x, "float64"), text);
  assertEquals(pythonScalar(-3, "int8"), "-3");
  assertEquals(pythonScalar(1, "bool"), "True");
  assertEquals(pythonScalar(-(2n ** 63n), "int64"), "-9223372036854775808");
});

/** `x * 10^power` in exact arithmetic, rounded down or to the nearest integer, ties to even. */
function scaled(x: number, power: number, round: boolean): bigint {
  let shift = 0;
  while (!Number.isInteger(x)) [x, shift] = [x * 2, shift + 1];
  const numerator = BigInt(x) * 10n ** BigInt(Math.max(0, power));
  const denominator = 2n ** BigInt(shift) * 10n ** BigInt(Math.max(0, -power));
  const quotient = numerator / denominator, twice = 2n * (numerator % denominator);
  const up = round && (twice > denominator || (twice === denominator && quotient % 2n === 1n));
  return quotient + (up ? 1n : 0n);
}

function exactFixed(x: number, precision: number): string {
  const digits = scaled(x, precision, true).toString().padStart(precision + 1, "0");
  return precision === 0 ? digits : `${digits.slice(0, -precision)}.${digits.slice(-precision)}`;
}

function exactExponential(x: number, precision: number): string {
  let e = Math.floor(Math.log10(x)) + 1;
  while (scaled(x, precision - e, false) < 10n ** BigInt(precision)) e--;
  let digits = scaled(x, precision - e, true).toString();
  if (digits.length > precision + 1) [digits, e] = [digits.slice(0, -1), e + 1];
  const mantissa = precision === 0 ? digits : `${digits[0]}.${digits.slice(1)}`;
  return `${mantissa}e${e < 0 ? "-" : "+"}${String(Math.abs(e)).padStart(2, "0")}`;
}

Deno.test("formatFixed and formatExponential round as exact arithmetic does", () => {
  let seed = 1;
  const random = () => (seed = Math.imul(seed, 48271) >>> 1) / 2 ** 31;
  let ties = 0;
  for (let i = 0; i < 6000; i++) {
    const precision = i % 7;
    const kind = i % 4;
    const x = kind === 0
      ? (1 + Math.floor(random() * 4000)) / 2 ** (1 + i % 12) // many exact ties
      : kind === 1
      ? (1 + Math.floor(random() * 9999)) * 5 * 10 ** (i % 9)
      : kind === 2
      ? random() * 10 ** (i % 40 - 20)
      : Math.fround(random() * 10 ** (i % 60 - 30));
    if (x === 0) continue;
    assertEquals(formatFixed(x, precision), exactFixed(x, precision), `%.${precision}f of ${x}`);
    assertEquals(formatExponential(x, precision), exactExponential(x, precision), `%.${precision}e of ${x}`);
    assertEquals(formatFixed(-x, precision), "-" + exactFixed(x, precision));
    assertEquals(formatExponential(-x, precision), "-" + exactExponential(x, precision));
    if (x.toFixed(precision) !== formatFixed(x, precision)) ties++;
  }
  assert(ties > 100, `only ${ties} ties were among the numbers`);
  assertEquals(formatFixed(1e22, 2), "10000000000000000000000.00");
  assertEquals(formatFixed(-0, 2), "-0.00");
  assertEquals(formatFixed(-0.001, 1), "-0.0");
  assertEquals(formatExponential(-0, 1), "-0.0e+00");
  assertEquals(formatExponential(1e-100, 0), "1e-100");
});

Deno.test("suffixes: device, dtype and grad_fn in PyTorch's order; parameters", () => {
  const get = () => 1.5;
  const view: TensorView = { dtype: "float64", shape: [], get, device: "webgpu", gradFn: "MulBackward0" };
  assertEquals(
    formatTensor(view),
    "tensor(1.5000, device='webgpu', dtype=torch.float64, grad_fn=<MulBackward0>)",
  );
  assertEquals(
    formatTensor({ dtype: "float64", shape: [1], get, defaultDType: "float64" }),
    "tensor([1.5000])",
  );
  assertEquals(
    formatTensor({ dtype: "float32", shape: [2], get: () => 0, isParameter: true, requiresGrad: true }),
    "Parameter containing:\ntensor([0., 0.], requires_grad=True)",
  );
});

Deno.test("a tensor of 10^8 elements is summarised from those it shows", () => {
  let reads = 0;
  const get = (i: number) => {
    reads++;
    return BigInt(i);
  };
  const text = formatTensor({ dtype: "int64", shape: [10000, 10000], get });
  assert(text.startsWith("tensor([[       0,        1,        2,  ...,     9997,     9998,     9999],\n"));
  assert(reads <= 2 * 36, `${reads} elements were read`);
});

Deno.test("setPrintOptions: profiles, overrides, and bad values that change nothing", () => {
  try {
    setPrintOptions({ precision: 2, sciMode: true });
    setPrintOptions({ edgeitems: 5 });
    assertEquals(getPrintOptions(), {
      precision: 2,
      threshold: 1000,
      edgeitems: 5,
      linewidth: 80,
      sciMode: null,
    });
    setPrintOptions({ profile: "full", linewidth: 120 });
    assertEquals(getPrintOptions(), {
      precision: 4,
      threshold: Infinity,
      edgeitems: 3,
      linewidth: 120,
      sciMode: null,
    });
    assertThrows(
      () => setPrintOptions({ precision: 101 }),
      RangeError,
      "precision must be an integer from 0 to 100",
    );
    assertThrows(
      () => setPrintOptions({ edgeitems: -1 }),
      RangeError,
      "edgeitems must be an integer, 0 or more",
    );
    assertThrows(() => setPrintOptions({ profile: "long" as PrintProfile }), RangeError, "unknown profile");
    const misspelt = { precison: 2 } as Partial<PrintOptions>;
    assertThrows(
      () => setPrintOptions(misspelt),
      TypeError,
      'has no option "precison": use profile, precision',
    );
    const text = { sciMode: "yes" } as unknown as Partial<PrintOptions>;
    assertThrows(() => setPrintOptions(text), TypeError, "sciMode must be true, false or null, but got yes");
    assertEquals(getPrintOptions().linewidth, 120);
    const pi: TensorView = { dtype: "float64", shape: [], get: () => Math.PI, defaultDType: "float64" };
    assertEquals(formatTensor(pi, { precision: 7 }), "tensor(3.1415927)");
    assertEquals(formatTensor(pi), "tensor(3.1416)");
  } finally {
    setPrintOptions({ profile: "default" });
  }
});
