/** int64 on the GPU, which carries it in 32 bits: exact where the results fit, and told where they do not. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import * as dg from "../../../mod.ts";
import { GpuError } from "../../../src/backend/webgpu/gpu.ts";
import { gpuTest } from "./helpers.ts";

const device = "webgpu";
const there = (values: readonly bigint[]): dg.Tensor => dg.tensor(values, { device, dtype: "int64" });
const told = (run: () => dg.Tensor, caller: string): void => {
  const out = run();
  assertThrows(() => out.toArray(), GpuError, `${caller} gives an int64 that does not fit into the 32 bits`);
};
const fits = (v: bigint): boolean => v >= -(2n ** 31n) && v < 2n ** 31n;
const abs = (v: bigint): bigint => v < 0n ? -v : v;
const gcd = (a: bigint, b: bigint): bigint => b === 0n ? abs(a) : gcd(b, a % b);

const edges = [0n, 1n, -1n, 2n, -2n, 3n, -7n, 31n, 32n, 40n, 64n, 46340n, 46341n, -46341n, 65536n, -65536n];
edges.push(16777217n, 2n ** 30n, -(2n ** 30n), 2n ** 31n - 1n, 1n - 2n ** 31n, -(2n ** 31n));

/** What PyTorch gives, and its results in whole numbers of any length. */
const operations: readonly [
  string,
  (a: dg.Tensor, b: dg.Tensor) => dg.Tensor,
  (a: bigint, b: bigint) => bigint | null,
][] = [
  ["add", (a, b) => a.add(b), (a, b) => a + b],
  ["sub", (a, b) => a.sub(b), (a, b) => a - b],
  ["mul", (a, b) => a.mul(b), (a, b) => a * b],
  ["neg", (a) => a.neg(), (a) => -a],
  ["abs", (a) => a.abs(), (a) => abs(a)],
  ["pow", (a, b) => a.pow(b), (a, b) => b < 0n || b > 64n ? null : a ** b],
  ["gcd", (a, b) => a.gcd(b), gcd],
  ["lcm", (a, b) => a.lcm(b), (a, b) => a === 0n || b === 0n ? 0n : abs(a / gcd(a, b) * b)],
  ["floorDivide", (a, b) => a.floorDivide(b), (a, b) => {
    if (b === 0n) return null;
    return a / b - (a % b !== 0n && (a < 0n) !== (b < 0n) ? 1n : 0n);
  }],
  ["bitwiseLeftShift", (a, b) => a.bitwiseLeftShift(b), (a, b) => b < 0n || b > 63n ? 0n : a << b],
];

for (const [name, run, exact] of operations) {
  gpuTest(`int64: ${name} at the ends of 32 bits`, () => {
    const pairs = edges.flatMap((a) => edges.map((b) => [a, b, exact(a, b)] as const));
    const good = pairs.filter(([, , v]) => v !== null && fits(v));
    const a = there(good.map((p) => p[0])), b = there(good.map((p) => p[1]));
    assertEquals([...run(a, b).typedArray() as BigInt64Array], good.map((p) => p[2]));
    const bad = pairs.filter(([, , v]) => v !== null && !fits(v));
    assert(bad.length > 0);
    bad.forEach(([x, y], k) => {
      // among others, too
      const inside = [there([1n, x, 0n]), there([1n, y, 1n])], alone = [there([x]), there([y])];
      const [p, q] = k % 7 === 0 ? inside : alone;
      told(() => run(p, q), name);
    });
  });
}

gpuTest("int64: what is told names the operation, in place, through views and in formulas", () => {
  const x = there([2n ** 30n, 1n, 2n, 3n]), y = there([1n, 2n, 3n, 4n]);
  told(() => x.add(x), "add");
  told(() => x.clone().mul_(4n), "mul");
  assertEquals(y.view(2, 2).t().mul(x.narrow(0, 2, 2)).toArray(), [[2, 9], [4, 12]]);
  // a kernel of the same meaning, called otherwise
  const twice = dg.definePointwise("twiceAndMore", "x + x");
  told(() => twice(x), "twiceAndMore");
  told(() => x.add(x), "add");
  // a step that does not fit is told of where a later one hides it
  const hidden = dg.definePointwise("hidden", "min(x * 4, 5)");
  told(() => hidden(x), "hidden");
  assertEquals(hidden(y).toArray(), [4, 5, 5, 5]);
  assertEquals(y.toArray(), [1, 2, 3, 4]); // the next read is well
  const many = dg.arange(5000n).to(device);
  assertEquals(many.mul(400_000n).select(0, 4999).item(), 1_999_600_000);
  told(() => many.mul(430_000n), "mul");
});

gpuTest("int64: floats that 32 bits do not hold are told, NaN and infinities give 0 as on the CPU", () => {
  const good = [NaN, Infinity, -Infinity, 2147483520, -2147483648, 1.9, -1.9, 0, 1e-40];
  assertEquals(dg.tensor(good, { device }).long().toArray(), dg.tensor(good).long().toArray());
  for (const v of [2147483648, -2147483904, 3e9, 1e20, -3e38]) {
    for (const n of [1, 3, 2048]) told(() => dg.full([n], v, { device }).mul(1).long(), "a conversion");
    told(() => dg.zeros(2, { device, dtype: "int64" }).copy_(dg.tensor([1, v], { device })), "a conversion");
  }
  if (dg.webgpu.info().float64) {
    const doubles = dg.tensor([2147483647.9, -2147483648.9, NaN, -Infinity], { dtype: "float64" });
    assertEquals(doubles.to(device).long().toArray(), doubles.long().toArray());
    for (const v of [2147483648, -2147483649, 1e300]) {
      told(() => dg.tensor([v], { device, dtype: "float64" }).long(), "a conversion");
    }
  }
  if (dg.webgpu.info().float16) {
    assertEquals(dg.tensor([65504, NaN], { device, dtype: "float16" }).long().toArray(), [65504, 0]);
  }
  assertEquals(dg.tensor([3e9], { device }).to("int32").toArray(), dg.tensor([3e9]).to("int32").toArray());
});

gpuTest("int64: matrix products", () => {
  dg.manualSeed(0);
  const random = (...shape: number[]) => dg.randint(-1000n, 1000n, shape).long();
  const cases: [string, (a: dg.Tensor, b: dg.Tensor, c: dg.Tensor) => dg.Tensor][] = [
    ["matmul", (a, b) => a.matmul(b)],
    ["transposed", (a, b) => b.t().matmul(a.t())],
    ["views", (a, b) => a.narrow(1, 3, 20).matmul(b.narrow(0, 1, 20).narrow(1, 2, 5))],
    ["vector", (a, b) => a.matmul(b.select(1, 0))],
    ["dot", (a) => a.select(0, 0).dot(a.select(0, 1))],
    ["addmm", (a, b, c) => dg.addmm(c, a, b, { alpha: 3, beta: -2 })],
    ["addmm broadcast", (a, b, c) => dg.addmm(c.select(0, 0), a, b)],
    ["batched", (a, b) => a.view(2, 35, 50).matmul(b)],
    ["batches", (a, b) => a.view(2, 35, 50).matmul(dg.stack([b, b.neg()]))],
    ["baddbmm", (a, b, c) => dg.baddbmm(c.view(2, 35, 90), a.view(2, 35, 50), dg.stack([b, b]), { beta: 5 })],
    ["einsum", (a, b) => dg.einsum("ij,jk->ki", a, b)],
    ["outer", (a) => dg.outer(a.select(0, 0), a.select(1, 0))],
    ["linear", (a, b, c) => dg.nn.functional.linear(a, b.t(), c.select(0, 1))],
    ["none", (a, b) => a.narrow(1, 0, 0).matmul(b.narrow(0, 0, 0))],
  ];
  const [a, b, c] = [random(70, 50), random(50, 90), random(70, 90)];
  for (const [name, run] of cases) {
    const out = run(a.to(device), b.to(device), c.to(device));
    assertEquals([out.dtype, out.device], ["int64", device]);
    assert(dg.equal(out.cpu(), run(a, b, c)), name);
  }
  // exact beyond float32, up to the last bit of 32, with terms that have more of them
  const x = there([46340n, 2n ** 31n - 1n, 3n]), y = there([46341n, 1n, -1n]);
  assertEquals(x.narrow(0, 0, 1).dot(y.narrow(0, 0, 1)).item(), 46340 * 46341);
  assertEquals(x.narrow(0, 1, 2).dot(y.narrow(0, 1, 2)).item(), 2 ** 31 - 4);
  assertEquals(there([2n ** 20n, 2n ** 20n, 5n]).dot(there([2n ** 20n, -(2n ** 20n), 1n])).item(), 5);
  for (const [p, q] of [[2n ** 20n, 2n ** 20n], [46341n, 46341n], [-(2n ** 31n), 2n ** 31n - 1n]]) {
    told(
      () => dg.full([2, 2], 1, { dtype: "int64", device }).mul(p).matmul(there([q, 0n])),
      "a matrix product",
    );
  }
  told(
    () => dg.addmm(there([2n ** 31n - 1n]), there([1n]).view(1, 1), there([1n]).view(1, 1)),
    "a matrix product",
  );
});

gpuTest("int64: values that are added or multiplied at places", () => {
  const index = [0n, 3n, 0n, 1n, 3n, 0n], values = [5n, -6n, 7n, 2n ** 31n - 10n, 9n, -11n];
  const cases: [string, (x: dg.Tensor, i: dg.Tensor, v: dg.Tensor) => dg.Tensor][] = [
    ["scatterAdd", (x, i, v) => x.scatterAdd(0, i, v)],
    ["indexAdd", (x, i, v) => x.indexAdd(0, i, v)],
    ["put_", (x, i, v) => x.clone().put_(i, v, { accumulate: true })],
    ["indexPut", (x, i, v) => x.clone().indexPut_([i], v, { accumulate: true })],
    ["prod", (x, i, v) => x.scatterReduce(0, i, v.clamp(-20n, 20n), "prod")],
    ["sum without itself", (x, i, v) => x.scatterReduce(0, i, v, "sum", { includeSelf: false })],
    ["one place each", (x, i, v) => x.scatterAdd(0, i.narrow(0, 2, 2), v.narrow(0, 2, 2))],
    ["rows", (x, i, v) => x.view(2, 2).indexAdd(0, i.narrow(0, 2, 2), v.narrow(0, 0, 4).view(2, 2))],
  ];
  for (const [name, run] of cases) {
    const [x, i, v] = [[1n, 2n, 3n, 4n], index, values].map((list) => dg.tensor(list));
    const out = run(x.to(device), i.to(device), v.to(device));
    assert(dg.equal(out.cpu(), run(x, i, v)), name);
  }
  // a sum that comes back is no sum that is lost
  const most = 2n ** 31n - 1n, zero = there([0n, 0n]), at = there([0n, 0n, 0n]);
  assertEquals(zero.indexAdd(0, at, there([most, 5n, -6n])).toArray(), [2 ** 31 - 2, 0]);
  assertEquals(zero.indexAdd(0, at, there([-most, -5n, 6n])).toArray(), [-(2 ** 31) + 2, 0]);
  told(() => zero.indexAdd(0, at, there([most, 5n, -4n])), "indexAdd()");
  told(() => zero.indexAdd(0, at, there([most, most, most])), "indexAdd()");
  told(() => zero.add(2n).indexAdd(0, there([1n]), there([most])), "indexAdd()");
  told(() => zero.indexAdd(0, at, there([-most, -2n, 0n])), "indexAdd()");
  const one = zero.add(1n);
  assertEquals(one.scatterReduce(0, at, there([70_000n, 70_000n, 0n]), "prod").toArray(), [0, 1]);
  told(() => one.scatterReduce(0, at, there([65_536n, 65_536n, 1n]), "prod"), "scatter()");
  told(() => one.scatterReduce(0, there([1n]), there([65_536n * 32_768n - 1n]), "prod").add(1n), "add");
});
