/**
 * Normalisation in one pass as WebAssembly against what it is composed of in JavaScript.
 */
import { assert, assertEquals } from "@std/assert";
import * as dg from "../../mod.ts";
import { setCpuTier } from "../../src/backend/cpu/tier.ts";
import { hasNormKernel } from "../../src/backend/norm.ts";
import { present } from "./wasm_helpers.ts";

const F = dg.nn.functional;

function onTier<T>(tier: "js" | "wasm", f: () => T): T {
  const before = setCpuTier(tier);
  try {
    return f();
  } finally {
    setCpuTier(before);
  }
}

/** The result of a function of some tensors and their gradients, of the result's sines so that each counts. */
function answers(f: (...inputs: dg.Tensor[]) => dg.Tensor, inputs: readonly dg.Tensor[]): dg.Tensor[] {
  const leaves = inputs.map((t) => t.detach().clone().requiresGrad_());
  const y = f(...leaves);
  y.sin().sum().backward();
  return [y.detach(), ...leaves.map((t) => t.grad!)];
}

function compare(what: string, f: (...inputs: dg.Tensor[]) => dg.Tensor, inputs: readonly dg.Tensor[]): void {
  const [actual, expected] = (["wasm", "js"] as const).map((tier) => onTier(tier, () => answers(f, inputs)));
  actual.forEach((a, i) => {
    const e = expected[i], size = Math.max(1, e.abs().max().item() as number);
    const tolerance = inputs[0].dtype === "float32" ? 3e-6 : 2e-13;
    assertEquals(a.shape, e.shape);
    const worst = a.sub(e).abs().max().item() as number / size;
    assert(worst <= tolerance, `${what}, ${i === 0 ? "result" : `gradient ${i}`}: ${worst}`);
  });
}

Deno.test({
  name: "wasm: layer normalisation of lines of any length, and its gradients",
  ignore: !present,
  fn() {
    dg.manualSeed(4);
    for (const dtype of ["float32", "float64"] as const) {
      const sizes = [
        [3, 1],
        [5, 2],
        [4, 15],
        [4, 16],
        [4, 17],
        [2, 63],
        [300, 64],
        [7, 1000],
        [2, 8191],
        [2, 8192],
        [2, 8193],
        [
          1,
          700,
        ],
        [2, 9000],
      ];
      for (const [lines, n] of sizes) {
        const of = (...shape: number[]) => dg.randn(shape, { dtype });
        const x = of(lines, n).mul(3).add(10), w = of(n), b = of(n), what = `${lines} x ${n} ${dtype}`;
        assertEquals(onTier("wasm", () => hasNormKernel(dtype, lines, n)), n <= 8192, what);
        compare(what, (x) => F.layerNorm(x, [n]), [x]);
        compare(`${what} with factors`, (x, w) => F.layerNorm(x, [n], w), [x, w]);
        compare(`${what} with summands`, (x, b) => F.layerNorm(x, [n], null, b), [x, b]);
        compare(`${what} with both`, (x, w, b) => F.layerNorm(x, [n], w, b, { eps: 0.1 }), [x, w, b]);
      }
    }
  },
});

Deno.test({
  name:
    "wasm: layer normalisation over two dimensions, of parts of memory; group, instance and batch normalisation",
  ignore: !present,
  fn() {
    dg.manualSeed(5);
    const x = dg.randn(4, 6, 5, 7), w = dg.randn(5, 7), b = dg.randn(5, 7), c = dg.randn(6), d = dg.randn(6);
    compare("two dimensions", (x, w, b) => F.layerNorm(x, [5, 7], w, b), [x, w, b]);
    compare("an offset", (x, w) => F.layerNorm(x.narrow(0, 1, 2), [5, 7], w), [x, w]);
    compare("turned", (x) => F.layerNorm(x.transpose(0, 3), [4]), [x]);
    compare("turned factors", (x, w) => F.layerNorm(x.transpose(2, 3), [7, 5], w.t()), [x, w]);
    compare("groups", (x) => F.groupNorm(x, 3), [x]);
    compare("groups with both", (x, c, d) => F.groupNorm(x, 3, c, d), [x, c, d]);
    compare("groups with summands", (x, d) => F.groupNorm(x, 3, null, d), [x, d]);
    compare("one group of one channel each", (x, c) => F.groupNorm(x.narrow(0, 0, 1), 6, c), [x, c]);
    compare("groups of vectors", (x, c, d) => F.groupNorm(x.reshape(140, 6), 1, c, d), [x, c, d]);
    compare("instances", (x) => F.instanceNorm(x), [x]);
    compare("instances with factors", (x, c) => F.instanceNorm(x, { weight: c }), [x, c]);
    compare(
      "a batch of one",
      (x, d) => F.batchNorm(x.narrow(0, 0, 1), null, null, null, d, { training: true }),
      [x, d],
    );
    compare("one channel", (x) => F.batchNorm(x.reshape(-1, 1), null, null, { training: true }), [x]);
    compare("two dtypes", (x, w) => F.layerNorm(x, [5, 7], w.to("float64")), [x, w]);
    const running = [dg.zeros(6), dg.ones(6)], fresh = [dg.zeros(6), dg.ones(6)];
    onTier("wasm", () => F.instanceNorm(x, { runningMean: running[0], runningVar: running[1] }));
    onTier("js", () => F.instanceNorm(x, { runningMean: fresh[0], runningVar: fresh[1] }));
    running.forEach((t, i) => assert(dg.allclose(t, fresh[i])));
  },
});

Deno.test({
  name: "wasm: normalising huge, constant, infinite and missing numbers",
  ignore: !present,
  fn() {
    const rows = dg.stack([
      dg.full([20], 12345.678),
      dg.arange(20).mul(1e-3).add(1e4),
      dg.arange(20).mul(1e18),
      dg.cat([dg.arange(19), dg.tensor([NaN])]),
      dg.cat([dg.arange(19), dg.tensor([Infinity])]),
      dg.cat([dg.tensor([-Infinity]), dg.arange(19)]),
      dg.cat([dg.tensor([1e15]), dg.arange(19)]),
      dg.cat([dg.tensor([1e4]), dg.arange(19).mul(1e-4)]),
    ]);
    const [actual, expected] = (["wasm", "js"] as const).map((tier) =>
      onTier(tier, () => F.layerNorm(rows, [20]).toArray() as number[][])
    );
    actual.forEach((row, i) =>
      row.forEach((a, j) => {
        const e = expected[i][j];
        assert(
          Object.is(a, e) || Math.abs(a - e) <= 2e-6 * (1 + Math.abs(e)),
          `row ${i}: ${a}, expected ${e}`,
        );
      })
    );
  },
});

Deno.test({
  name: "wasm: the gradients of layer normalisation and theirs, checked; what its node has saved",
  ignore: !present,
  fn() {
    dg.manualSeed(6);
    const of = (...shape: number[]) => dg.randn(shape, { dtype: "float64" }).requiresGrad_();
    const inputs = [of(3, 5), of(5), of(5)];
    const f = (...t: dg.Tensor[]) => F.layerNorm(t[0], [5], t[1], t[2]);
    onTier("wasm", () => {
      assert(dg.autograd.gradcheck(f, inputs));
      assert(dg.autograd.gradgradcheck(f, inputs));
    });
    const saved = (["wasm", "js"] as const).map((tier) => onTier(tier, () => f(...inputs).gradFn!.saved()));
    assertEquals(Object.keys(saved[0]), Object.keys(saved[1]));
    for (const name of ["result1", "result2"]) {
      const [a, b] = saved.map((s) => s[name] as dg.Tensor);
      assertEquals(a.shape, b.shape);
      assert(dg.allclose(a, b));
    }
  },
});

Deno.test({
  name: "wasm: layer normalisation within compile, and with gradients expanded from a sum",
  ignore: !present,
  fn() {
    dg.manualSeed(7);
    const x = dg.randn(40, 30).requiresGrad_(), w = dg.randn(30);
    const f = (x: dg.Tensor) => F.layerNorm(x, [30], w).mul(2);
    assert(dg.allclose(dg.compile(f)(x), f(x), { atol: 1e-5 }));
    const [g] = dg.autograd.grad(F.layerNorm(x, [30], w).sum(), [x]);
    const [e] = onTier("js", () => dg.autograd.grad(F.layerNorm(x, [30], w).sum(), [x]));
    assert(dg.allclose(g, e, { atol: 1e-5 }));
  },
});
