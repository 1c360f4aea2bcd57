/** Losses and activation functions: gradients of every form, and the ends of their ranges. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import * as dg from "../../mod.ts";

const F = dg.nn.functional;
const { gradcheck, gradgradcheck } = dg.autograd;
const reductions = ["mean", "sum", "none"] as const;

/** A leaf in float64 with numbers between low and high. */
function leaf(shape: number[], low = -1, high = 1): dg.Tensor {
  return dg.rand(shape, { dtype: "float64" }).mul(high - low).add(low).requiresGrad_();
}

const activations: Record<string, (x: dg.Tensor) => dg.Tensor> = {
  relu: F.relu,
  relu6: F.relu6,
  leakyRelu: (x) => F.leakyRelu(x, { negativeSlope: 0.2 }),
  prelu: (x) => F.prelu(x, dg.tensor([0.25, 0.5], { dtype: "float64" })),
  rrelu: (x) => F.rrelu(x),
  threshold: (x) => F.threshold(x, 0.3, -7),
  hardtanh: (x) => F.hardtanh(x, { minVal: -0.5, maxVal: 0.7 }),
  hardsigmoid: F.hardsigmoid,
  hardswish: F.hardswish,
  hardshrink: (x) => F.hardshrink(x, { lambd: 0.3 }),
  softshrink: (x) => F.softshrink(x, { lambd: 0.3 }),
  sigmoid: F.sigmoid,
  tanh: F.tanh,
  silu: F.silu,
  mish: F.mish,
  elu: (x) => F.elu(x, { alpha: 0.7 }),
  selu: F.selu,
  celu: (x) => F.celu(x, { alpha: 0.7 }),
  gelu: (x) => F.gelu(x),
  "gelu tanh": (x) => F.gelu(x, { approximate: "tanh" }),
  softplus: (x) => F.softplus(x, { beta: 2, threshold: 1.5 }),
  logsigmoid: F.logsigmoid,
  softsign: F.softsign,
  tanhshrink: F.tanhshrink,
  glu: (x) => F.glu(x),
  softmax: (x) => F.softmax(x, 1),
  logSoftmax: (x) => F.logSoftmax(x, 0),
  softmin: (x) => F.softmin(x, -1),
};

for (const [name, fn] of Object.entries(activations)) {
  Deno.test(`gradients of ${name}, first and second`, () => {
    dg.manualSeed(3);
    const x = leaf([3, 2], -2, 2);
    assert(gradcheck(fn, x));
    assert(gradgradcheck(fn, x));
  });
}

Deno.test("activation functions have finite gradients far from 0", () => {
  for (const [name, fn] of Object.entries(activations)) {
    const x = dg.tensor([[-900, 900], [-50, 50]], { dtype: "float64", requiresGrad: true });
    fn(x).sum().backward();
    assert(
      (x.grad!.toArray() as number[][]).flat().every(Number.isFinite),
      `${name}: ${x.grad}`,
    );
  }
});

Deno.test("activation functions in place give the same, and their gradients too", () => {
  const forms: [string, (x: dg.Tensor, options: { inplace: boolean }) => dg.Tensor][] = [
    ["relu", F.relu],
    ["elu", F.elu],
    ["silu", F.silu],
    ["hardtanh", F.hardtanh],
    ["leakyRelu", F.leakyRelu],
  ];
  for (const [name, fn] of forms) {
    const grads = [false, true].map((inplace) => {
      const x = dg.tensor([-1.5, -0.25, 0.5, 2], { requiresGrad: true });
      const y = x.mul(1), out = fn(y, { inplace });
      assertEquals(out === y, inplace, name);
      out.mul(dg.tensor([1, 2, 3, 4])).sum().backward();
      return [out.detach().toArray(), x.grad!.toArray()];
    });
    assertEquals(grads[0], grads[1], name);
  }
});

const pairs: Record<
  string,
  [(x: dg.Tensor, t: dg.Tensor, r: typeof reductions[number]) => dg.Tensor, number]
> = {
  mseLoss: [(x, t, reduction) => F.mseLoss(x, t, { reduction }), 2],
  l1Loss: [(x, t, reduction) => F.l1Loss(x, t, { reduction }), 2],
  smoothL1Loss: [(x, t, reduction) => F.smoothL1Loss(x, t, { reduction, beta: 0.4 }), 2],
  huberLoss: [(x, t, reduction) => F.huberLoss(x, t, { reduction, delta: 0.4 }), 2],
  softMarginLoss: [(x, t, reduction) => F.softMarginLoss(x, t, { reduction }), 2],
  binaryCrossEntropyWithLogits: [
    (x, t, reduction) =>
      F.binaryCrossEntropyWithLogits(x, t, {
        reduction,
        posWeight: dg.tensor([0.5, 2], { dtype: "float64" }),
        weight: dg.tensor([[1], [2], [3]], { dtype: "float64" }),
      }),
    2,
  ],
  klDiv: [(x, t, reduction) => F.klDiv(x, t.exp(), { reduction }), 1],
  poissonNllLoss: [(x, t, reduction) => F.poissonNllLoss(x, t, { reduction }), 1],
};

for (const [name, [fn, inputs]] of Object.entries(pairs)) {
  for (const reduction of reductions) {
    Deno.test(`gradients of ${name}, ${reduction}`, () => {
      dg.setWarningHandler(() => {});
      dg.manualSeed(4);
      const x = leaf([3, 2]), t = leaf([3, 2]);
      if (inputs === 1) t.requiresGrad_(false);
      const loss = (x: dg.Tensor, t: dg.Tensor) => fn(x, t, reduction);
      assert(gradcheck(loss, [x, t]));
      assert(gradgradcheck(loss, [x, t]));
    });
  }
}

Deno.test("gradients of binaryCrossEntropy, with weights and to both sides", () => {
  dg.manualSeed(5);
  const x = leaf([3, 2], 0.1, 0.9), t = leaf([3, 2], 0.1, 0.9);
  const weight = dg.tensor([1, 2], { dtype: "float64" });
  for (const reduction of reductions) {
    assert(gradcheck((x, t) => F.binaryCrossEntropy(x, t, { reduction, weight }), [x, t]));
    assert(gradgradcheck((x, t) => F.binaryCrossEntropy(x, t, { reduction }), [x, t]));
  }
});

Deno.test("gradients of nllLoss and crossEntropy in all their forms", () => {
  dg.manualSeed(6);
  const weight = dg.tensor([1, 2, 0.5], { dtype: "float64" });
  for (const reduction of reductions) {
    const x = leaf([4, 3]), target = dg.tensor([0n, 2n, 1n, 2n]), image = leaf([2, 3, 2, 2]);
    const pixels = dg.tensor([[[0n, 1n], [2n, 0n]], [[1n, 1n], [2n, 2n]]]);
    const options = { reduction, weight, ignoreIndex: 1 };
    assert(gradcheck((x) => F.nllLoss(x, target, options), x));
    assert(gradgradcheck((x) => F.nllLoss(x, target, options), x));
    assert(gradcheck((x) => F.crossEntropy(x, target, options), x));
    assert(gradgradcheck((x) => F.crossEntropy(x, target, options), x));
    assert(gradcheck((x) => F.crossEntropy(x, target, { ...options, labelSmoothing: 0.2 }), x));
    assert(gradcheck((x) => F.crossEntropy(x, pixels, { reduction, weight }), image));
    const p = leaf([4, 3], 0, 1);
    assert(gradcheck((x, p) => F.crossEntropy(x, p, { reduction, weight, labelSmoothing: 0.1 }), [x, p]));
  }
});

Deno.test("gradients of distances, of losses with margins and of bilinear maps", () => {
  dg.manualSeed(9);
  const shapes: number[][] = [[3, 2], [3, 2], [3, 2]], [a, b, c] = shapes.map((s) => leaf(s));
  const signs = dg.tensor([1, -1, 1], { dtype: "float64" }), each = signs.unsqueeze(1).expand(3, 2);
  assert(gradcheck((a) => F.normalize(a, { p: 3 }), a));
  assert(gradcheck((a, b) => F.cosineSimilarity(a, b), [a, b]));
  assert(gradcheck((a, b) => F.pairwiseDistance(a, b), [a, b]));
  assert(gradcheck((a) => F.hingeEmbeddingLoss(a, each, { margin: 0.3 }), a));
  assert(gradcheck((a, b) => F.marginRankingLoss(a, b, each, { margin: 0.1 }), [a, b]));
  assert(gradcheck((a, b) => F.cosineEmbeddingLoss(a, b, signs, { margin: -0.5 }), [a, b]));
  assert(gradcheck((a, b, c) => F.tripletMarginLoss(a, b, c, { swap: true }), [a, b, c]));
  assert(gradcheck((a) => F.multilabelSoftMarginLoss(a, each.gt(0).double()), a));
  assert(gradcheck((a, v) => F.gaussianNllLoss(a, b.detach(), v, { full: true }), [a, leaf([3, 1], 0.5, 1)]));
  assert(gradcheck((a, b, w) => F.bilinear(a, b, w, signs), [a, b, leaf([3, 2, 2])]));
});

Deno.test("losses with logits stay exact where a sigmoid or softmax would overflow", () => {
  const x = dg.tensor([-200, 200, 0], { requiresGrad: true });
  const loss = F.binaryCrossEntropyWithLogits(x, dg.tensor([0, 1, 1]), { reduction: "sum" });
  assertEquals(loss.item(), Math.fround(Math.log(2)));
  loss.backward();
  assertEquals(x.grad!.toArray(), [0, 0, -0.5]);
  const far = dg.tensor([[1000, 0]], { requiresGrad: true });
  F.crossEntropy(far, dg.tensor([1n])).backward();
  assertEquals(far.grad!.toArray(), [[1, -1]]);
});

Deno.test("losses refuse integers, wrong weights and unknown options", () => {
  const x = dg.zeros(2, 3);
  assertThrows(() => F.mseLoss(dg.tensor([1n]), dg.tensor([2n])), TypeError, "not implemented for 'Long'");
  assertThrows(
    () => F.crossEntropy(x, dg.tensor([0n, 1n]), { weight: dg.ones(2) }),
    TypeError,
    "all 3 classes",
  );
  assertThrows(() => F.mseLoss(x, x, { reduce: true } as never), TypeError, '"reduce"');
  assertThrows(
    () => F.crossEntropy(x, dg.tensor([0n, 1n]), { labelSmoothing: 2 }),
    RangeError,
    "label_smoothing",
  );
});

Deno.test("a loss of different dtypes gives each side a gradient of its own dtype", () => {
  const x = dg.ones(2, { requiresGrad: true }), t = dg.zeros([2], { dtype: "float64", requiresGrad: true });
  const loss = F.mseLoss(x, t);
  assertEquals(loss.dtype, "float64");
  loss.backward();
  assertEquals([x.grad!.dtype, t.grad!.dtype], ["float32", "float64"]);
});

Deno.test("dropout keeps the expectation, and drops in the gradient what it dropped", () => {
  dg.manualSeed(7);
  const x = dg.ones(10000, { requiresGrad: true });
  const y = F.dropout(x, { p: 0.2 });
  const kept = y.detach().ne(0).sum().item() as number;
  assert(Math.abs(kept - 8000) < 200, `${kept} are kept`);
  y.sum().backward();
  assertEquals(x.grad!.toArray(), y.detach().toArray());
});
