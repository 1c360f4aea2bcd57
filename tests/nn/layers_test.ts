/** Normalisation, attention, embeddings, recurrent nets and images in other sizes: gradients, edges and what is refused. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import * as dg from "../../mod.ts";

const { gradcheck, gradgradcheck } = dg.autograd;
const { nn } = dg, F = nn.functional;

const random = (...shape: number[]): dg.Tensor => dg.randn(shape, { dtype: "float64", requiresGrad: true });
type Run = (...inputs: dg.Tensor[]) => dg.Tensor;

const mask = dg.tensor([[true, false, true], [true, true, true]]);
const cases: [string, Run, () => dg.Tensor[]][] = [
  ["batchNorm", (x, w, b) => F.batchNorm(x, null, null, w, b, { training: true }), () => [
    random(3, 2, 2),
    random(2),
    random(2),
  ]],
  [
    "batchNorm, running",
    (x, w, b) => F.batchNorm(x, dg.tensor([0.5, 1]).double(), dg.tensor([2, 3]).double(), w, b),
    () => [
      random(3, 2),
      random(2),
      random(2),
    ],
  ],
  [
    "layerNorm",
    (x, w, b) => F.layerNorm(x, [2, 3], w, b),
    () => [random(2, 2, 3), random(2, 3), random(2, 3)],
  ],
  ["groupNorm", (x, w, b) => F.groupNorm(x, 2, w, b), () => [random(2, 4, 3), random(4), random(4)]],
  ["instanceNorm", (x) => F.instanceNorm(x), () => [random(2, 2, 4)]],
  ["rmsNorm", (x, w) => F.rmsNorm(x, 3, w), () => [random(2, 3), random(3)]],
  ["localResponseNorm", (x) => F.localResponseNorm(x, 3, { alpha: 0.5 }), () => [random(1, 4, 2, 2)]],
  ["attention", (q, k, v) => F.scaledDotProductAttention(q, k, v, { attnMask: mask }), () => [
    random(2, 2, 4),
    random(2, 3, 4),
    random(2, 3, 2),
  ]],
  ["attention of heads", (q, k, v) => F.scaledDotProductAttention(q, k, v, { isCausal: true }), () => [
    random(1, 2, 3, 2),
    random(1, 2, 3, 2),
    random(1, 2, 3, 2),
  ]],
  ["embedding", (w) => F.embedding(dg.tensor([1n, 2n, 2n]), w, { paddingIdx: 0 }), () => [random(3, 2)]],
  ["embeddingBag", (w, f) =>
    F.embeddingBag(dg.tensor([0n, 2n, 1n]), w, {
      offsets: dg.tensor([0n, 2n]),
      mode: "sum",
      perSampleWeights: f,
    }), () => [random(3, 2), random(3)]],
  [
    "bilinear interpolation",
    (x) => F.interpolate(x, { size: [3, 5], mode: "bilinear" }),
    () => [random(1, 1, 2, 3)],
  ],
  ["bicubic interpolation", (x) => F.interpolate(x, { scaleFactor: 1.5, mode: "bicubic" }), () => [
    random(1, 1, 3, 2),
  ]],
  [
    "trilinear interpolation",
    (x) => F.interpolate(x, { size: 3, mode: "trilinear", alignCorners: true }),
    () => [
      random(1, 1, 2, 2, 2),
    ],
  ],
  ["pixelShuffle", (x) => dg.pixelShuffle(x, 2), () => [random(1, 4, 2, 1)]],
  ["unfold", (x) => F.unfold(x, 2, { padding: 1, stride: 2 }), () => [random(1, 2, 3, 3)]],
  ["fold", (x) => F.fold(x, [3, 4], [2, 2], { dilation: 2 }), () => [random(1, 4, 2)]],
  ["gridSample", (x, grid) => F.gridSample(x, grid.tanh()), () => [random(1, 1, 3, 3), random(1, 2, 2, 2)]],
  [
    "gruCell",
    (x, h, a, b) => dg.gruCell(x, h, a, b),
    () => [random(2, 3), random(2, 2), random(6, 3), random(6, 2)],
  ],
  ["lstmCell", (x, h, a, b) => dg.cat([...dg.lstmCell(x, [h, h.mul(2)], a, b)]), () => [
    random(2, 3),
    random(2, 2),
    random(8, 3),
    random(8, 2),
  ]],
];

for (const [name, run, inputs] of cases) {
  Deno.test(`${name} has gradients of first and second order`, () => {
    dg.manualSeed(7);
    const given = inputs();
    assert(gradcheck(run, given));
    assert(gradgradcheck(run, given));
  });
}

Deno.test("a trained batch norm keeps what eval uses", () => {
  const norm = new nn.BatchNorm2d(2, { momentum: null });
  const x = dg.randn(4, 2, 3, 3).mul(3).add(1), y = dg.randn(4, 2, 3, 3);
  norm(x);
  norm(y);
  const mean = x.mean([0, 2, 3]).add(y.mean([0, 2, 3])).div(2);
  assert(dg.allclose(norm.runningMean!, mean, { rtol: 1e-5, atol: 1e-6 }));
  assertEquals(norm.numBatchesTracked!.item(), 2);
  norm.eval();
  const before = norm.runningMean!.clone();
  norm(x);
  assert(dg.equal(before, norm.runningMean!));
  const plain = new nn.BatchNorm1d(3, { trackRunningStats: false, affine: false }).eval();
  assertEquals(Object.keys(plain.stateDict()), []);
  assert(Math.abs(plain(dg.randn(5, 3)).mean().item() as number) < 1e-6);
});

Deno.test("attention: masks as bools and as numbers, blind queries, dropped weights, heads that share keys", () => {
  const q = dg.randn(2, 2, 4), k = dg.randn(2, 3, 4), v = dg.randn(2, 3, 5);
  const numbers = dg.zeros(2, 3).maskedFill(mask.logicalNot(), -Infinity);
  const a = F.scaledDotProductAttention(q, k, v, { attnMask: mask });
  assert(dg.equal(a, F.scaledDotProductAttention(q, k, v, { attnMask: numbers })));
  const blind = dg.tensor([[false, false, false], [true, true, true]]);
  const seen = F.scaledDotProductAttention(q.clone().requiresGrad_(), k, v, { attnMask: blind });
  assertEquals(seen.select(1, 0).abs().sum().item(), 0);
  seen.sum().backward();
  const grouped = F.scaledDotProductAttention(dg.ones(1, 4, 2, 3), dg.ones(1, 2, 2, 3), dg.ones(1, 2, 2, 3), {
    enableGqa: true,
  });
  assertEquals(grouped.shape, [1, 4, 2, 3]);
  const attention = new nn.MultiheadAttention(4, 2, { kdim: 3, vdim: 5, addBiasKv: true, addZeroAttn: true });
  const [out, weights] = attention(dg.randn(2, 1, 4), dg.randn(3, 1, 3), dg.randn(3, 1, 5));
  assertEquals([out.shape, weights!.shape], [[2, 1, 4], [1, 2, 5]]);
  const self = new nn.MultiheadAttention(4, 2), x = dg.randn(3, 1, 4);
  const [slow] = self(x, x, x), [fast, none] = self(x, x, x, { needWeights: false });
  assert(none === null && dg.allclose(slow, fast, { rtol: 1e-5, atol: 1e-6 }));
});

Deno.test("recurrent nets: directions, layouts, states and a projection", () => {
  const x = dg.randn(5, 2, 3);
  const both = new nn.LSTM(3, 4, { bidirectional: true, numLayers: 2, projSize: 2 });
  const [output, [h, c]] = both(x);
  assertEquals([output.shape, h.shape, c.shape], [[5, 2, 4], [4, 2, 2], [4, 2, 4]]);
  const first = new nn.GRU(3, 4, { batchFirst: true }), [turned] = first(x.transpose(0, 1));
  const plain = new nn.GRU(3, 4);
  plain.loadStateDict(first.stateDict());
  assert(dg.equal(plain(x)[0], turned.transpose(0, 1)));
  assert(dg.equal(plain(x.select(1, 0))[0], plain(x)[0].select(1, 0))); // without a batch
  const cell = new nn.LSTMCell(3, 4), step = new nn.LSTM(3, 4);
  step.loadStateDict(Object.fromEntries(Object.entries(cell.stateDict()).map(([k, t]) => [`${k}L0`, t])));
  const [hx, cx] = cell(x.select(0, 0));
  const [, [hl, cl]] = step(x.narrow(0, 0, 1));
  assert(dg.allclose(hx, hl.squeeze(0)) && dg.allclose(cx, cl.squeeze(0)));
  assertThrows(() => plain(dg.zeros(2, 2, 5)), TypeError, "Expected 3, got 5");
  assertThrows(() => plain(x, dg.zeros(1, 1, 4)), TypeError, "Expected hidden size (1, 2, 4), got [1, 1, 4]");
});

Deno.test("transformers copy layers without drawing numbers, and decode", () => {
  dg.manualSeed(8);
  const layer = new nn.TransformerEncoderLayer(4, 2, 8, { dropout: 0 });
  const next = dg.rand(1);
  dg.manualSeed(8);
  const again = new nn.TransformerEncoderLayer(4, 2, 8, { dropout: 0 });
  const encoder = new nn.TransformerEncoder(again, 2, new nn.LayerNorm(4));
  assert(dg.equal(next, dg.rand(1)));
  const x = dg.randn(3, 2, 4);
  const twice = layer(layer(x));
  assert(dg.allclose(encoder(x), F.layerNorm(twice, 4), { rtol: 1e-4, atol: 1e-5 }));
  const decoder = new nn.TransformerDecoder(new nn.TransformerDecoderLayer(4, 2, 8, { normFirst: true }), 2);
  assertEquals(decoder(dg.randn(2, 2, 4), x, { tgtIsCausal: true }).shape, [2, 2, 4]);
  assert(!dg.equal(encoder.parameters()[0], encoder.parameters()[0].add(1)));
});

Deno.test("embeddings: padding, lengths, given rows", () => {
  const table = new nn.Embedding(4, 2, { paddingIdx: -1, maxNorm: 1 });
  assertEquals(table.weight.select(0, 3).toArray(), [0, 0]);
  const rows = table(dg.tensor([[0n, 3n]]));
  assert((rows.norm().item() as number) <= 1.0001);
  rows.sum().backward();
  assertEquals(table.weight.grad!.sum(1).toArray(), [2, 0, 0, 0]);
  const given = nn.Embedding.fromPretrained(dg.tensor([[1, 2], [3, 4]]));
  assertEquals([given.weight.requiresGrad, given(dg.tensor(1n)).toArray()], [false, [3, 4]]);
  const bags = new nn.EmbeddingBag(4, 2, { mode: "max" });
  assertEquals(bags(dg.tensor([1n, 2n]), dg.tensor([0n, 0n])).select(0, 0).toArray(), [0, 0]); // an empty bag
  assertThrows(() => table(dg.tensor([4n])), RangeError, "index out of range in self");
});

Deno.test("dropout leaves eval alone, and drops whole channels", () => {
  dg.manualSeed(9);
  const x = dg.ones(2, 3, 4, 4);
  for (const Kind of [nn.Dropout, nn.Dropout2d, nn.AlphaDropout, nn.FeatureAlphaDropout]) {
    const layer = new Kind(0.5);
    assert(!dg.equal(layer(x), x));
    assert(layer.eval()(x) === x);
  }
  const dropped = F.dropout2d(x, { p: 0.5 }).view(6, 16);
  assert(dg.equal(dropped.amax(1), dropped.amin(1)));
});

Deno.test("images in other sizes: what is refused", () => {
  const x = dg.zeros(1, 1, 2, 2);
  assertThrows(() => F.interpolate(x), TypeError, "either size or scale_factor should be defined");
  assertThrows(
    () => F.interpolate(x, { size: 3, mode: "linear" }),
    TypeError,
    "Got 4D input, but linear mode needs 3D",
  );
  assertThrows(
    () => F.interpolate(x, { size: 3, alignCorners: true }),
    TypeError,
    "align_corners option can only",
  );
  assertThrows(() => dg.pixelShuffle(dg.zeros(1, 3, 2, 2), 2), TypeError, "is not divisible by 4");
  assertEquals(F.interpolate(dg.tensor([[[1, NaN, 3]]]), { scaleFactor: 2 }).toArray(), [[[
    1,
    1,
    NaN,
    NaN,
    3,
    3,
  ]]]);
});
