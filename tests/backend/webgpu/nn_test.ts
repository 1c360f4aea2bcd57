/** Convolutions, norms, attention, embeddings and recurrent nets on GPU tensors against the CPU, without reads in between. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import * as dg from "../../../mod.ts";
import type { Tensor } from "../../../mod.ts";
import { type Gpu, GpuError } from "../../../src/backend/webgpu/device.ts";
import type { Device } from "../../../src/tensor/device.ts";
import { gpuTest } from "./helpers.ts";

const device = "webgpu", F = dg.nn.functional, { nn } = dg;

/** All tensors of a result. */
function flat(x: unknown): Tensor[] {
  if (x instanceof dg.Tensor) return [x];
  return x !== null && typeof x === "object" && Symbol.iterator in x
    ? [...x as Iterable<unknown>].flatMap(flat)
    : [];
}

/** How often memory is read while something runs. */
function readsOf(gpu: Gpu, run: () => void): number {
  const { readBytes } = gpu;
  let reads = 0;
  gpu.readBytes = function (...args) {
    reads++;
    return readBytes.apply(this, args);
  };
  try {
    run();
  } finally {
    Reflect.deleteProperty(gpu, "readBytes");
  }
  return reads;
}

interface Options {
  readonly net?: dg.nn.Module;
  readonly tolerance?: number;
  /** null where kernels are measured, for which reads wait. */
  readonly reads?: number | null;
}

/** Results and all gradients on both devices. `run` gets the tensors, and uses the net, both on the device. */
function compare(
  gpu: Gpu,
  what: string,
  tensors: readonly Tensor[],
  run: (...x: Tensor[]) => unknown,
  { net, tolerance = 1e-4, reads = 0 }: Options = {},
): void {
  const state = net === undefined ? null : structured(net);
  const once = (where: Device): [Tensor[], Tensor[]] => {
    if (state !== null) net!.loadStateDict(state);
    net?.to(where);
    const given = tensors.map((t) => t.isFloatingPoint() ? t.to(where).clone().requiresGrad_() : t.to(where));
    dg.manualSeed(5);
    const outs = flat(run(...given));
    const terms = outs.filter((t) => t.requiresGrad).map((t) => t.mul(t.detach().cos()).sum());
    if (terms.length > 0) terms.reduce((a, b) => a.add(b)).backward();
    const leaves = [...given, ...net?.parameters() ?? []];
    const grads = leaves.flatMap((t) => t.grad === null ? [] : [t.grad.clone()]);
    net?.zeroGrad();
    return [outs, [...grads, ...net === undefined ? [] : [...net.buffers()].map((b) => b.clone())]];
  };
  const expected = once("cpu").flat().map((t) => t.detach().clone());
  let got: Tensor[] = [];
  const seen = readsOf(gpu, () => got = once(device).flat());
  if (reads !== null) assertEquals(seen, reads, `${what}: reads`);
  assertEquals(got.length, expected.length, what);
  got.forEach((t, i) => {
    assertEquals(
      [t.device, t.dtype, t.shape],
      [device, expected[i].dtype, expected[i].shape],
      `${what}: ${i}`,
    );
    assert(
      dg.allclose(t.detach().cpu(), expected[i], { atol: tolerance, rtol: tolerance, equalNan: true }),
      `${what}: ${i}: ${t} and not ${expected[i]}`,
    );
  });
  net?.cpu();
}

/** A copy of what a module holds. */
function structured(net: dg.nn.Module): ReturnType<dg.nn.Module["stateDict"]> {
  const state = net.stateDict();
  for (const [name, t] of Object.entries(state)) (state as Record<string, Tensor>)[name] = t.cpu().clone();
  return state;
}

gpuTest("convolutions of every kind", (gpu) => {
  dg.manualSeed(1);
  const r = dg.randn;
  const cases: [string, Tensor[], (...x: Tensor[]) => Tensor][] = [
    ["signals", [r(2, 4, 11), r(6, 4, 3), r(6)], (x, w, b) => dg.conv1d(x, w, b, { padding: 1, stride: 2 })],
    ["images", [r(3, 4, 9, 11), r(6, 4, 3, 3), r(6)], (x, w, b) => dg.conv2d(x, w, b, { padding: 1 })],
    [
      "groups",
      [r(3, 4, 9, 11), r(6, 2, 3, 2), r(6)],
      (x, w, b) => dg.conv2d(x, w, b, { padding: 1, groups: 2, dilation: 2, stride: [1, 2] }),
    ],
    ["many kernels on few places", [r(3, 2, 3, 3), r(16, 2, 2, 2)], (x, w) => dg.conv2d(x, w)],
    [
      "many kernels in groups",
      [r(3, 4, 3, 3), r(32, 2, 2, 2), r(32)],
      (x, w, b) => dg.conv2d(x, w, b, { groups: 2 }),
    ],
    [
      "each channel alone",
      [r(2, 8, 9, 9), r(8, 1, 3, 3), r(8)],
      (x, w, b) => dg.conv2d(x, w, b, { padding: "same", groups: 8 }),
    ],
    ["single elements", [r(2, 8, 9, 9), r(5, 8, 1, 1), r(5)], (x, w, b) => dg.conv2d(x, w, b)],
    ["single elements, strided", [r(2, 8, 9, 9), r(5, 8, 1, 1)], (x, w) => dg.conv2d(x, w, { stride: 2 })],
    ["even kernels", [r(2, 3, 9, 9), r(5, 3, 4, 2)], (x, w) => dg.conv2d(x, w, { padding: "same" })],
    ["one turned image", [r(9, 7, 3), r(5, 3, 3, 3)], (x, w) => dg.conv2d(x.permute([2, 0, 1]), w)],
    ["volumes", [r(2, 3, 5, 6, 7), r(4, 3, 2, 3, 3), r(4)], (x, w, b) => dg.conv3d(x, w, b, { padding: 1 })],
    ["no channels", [r(2, 0, 5, 5), r(4, 0, 3, 3), r(4)], (x, w, b) => dg.conv2d(x, w, b)],
    ["no images", [r(0, 3, 5, 5), r(4, 3, 3, 3), r(4)], (x, w, b) => dg.conv2d(x, w, b)],
  ];
  for (const [what, tensors, run] of cases) compare(gpu, what, tensors, run);
  for (const [n, name] of (["convTranspose1d", "convTranspose2d", "convTranspose3d"] as const).entries()) {
    const [x, w] = [r(2, 4, ...[5, 6, 4].slice(0, n + 1)), r(4, 3, ...[3, 2, 3].slice(0, n + 1))];
    const options = { stride: 2, padding: 1, outputPadding: 1, groups: 2 };
    compare(gpu, name, [x, w, r(6)], (x, w, b) => dg[name](x, w, b, options));
    compare(gpu, `${name}, cut`, [x, w, r(3)], (x, w, b) => dg[name](x, w, b, { padding: [1] }));
  }
  const tensors = [r(2, 4, 9, 11), r(6, 4, 3, 3), r(6)], run = cases[1][2];
  compare(gpu, "float64", tensors.map((t) => t.to("float64")), run, { tolerance: 1e-10 });
  compare(gpu, "float16", tensors.map((t) => t.to("float16")), run, { tolerance: 5e-2 });
  compare(gpu, "second derivatives", [r(2, 2, 6, 6), r(3, 2, 3, 3)], (x, w) => {
    const y = dg.conv2d(x, w, { padding: 1, stride: 2 });
    return dg.autograd.grad(y.pow(2).sum(), [x, w], { createGraph: true });
  }, { tolerance: 1e-3 });
});

gpuTest("columns of a convolution that are larger than a buffer are made in parts", (gpu) => {
  dg.manualSeed(2);
  const x = dg.randn(1, 16, 520, 470), w = dg.randn(2, 16, 3, 3), b = dg.randn(2);
  assert(x.numel() * 9 * 4 > gpu.info.largestBuffer || !gpu.info.software);
  compare(gpu, "large images", [x.mul(0.05), w, b], (x, w, b) => dg.conv2d(x, w, b, { padding: 1 }), {
    tolerance: 2e-3,
    reads: null,
  });
});

gpuTest("a convolutional net learns as on the CPU", (gpu) => {
  dg.manualSeed(3);
  const make = () =>
    new nn.Sequential(
      new nn.Conv2d(1, 4, 3, { padding: 1 }),
      new nn.BatchNorm2d(4),
      new nn.ReLU(),
      new nn.MaxPool2d(2),
      new nn.Conv2d(4, 8, 3, { padding: 1 }),
      new nn.ReLU(),
      new nn.MaxPool2d(2),
      new nn.Flatten(),
      new nn.Linear(8 * 49, 10),
    );
  const net = make(), twin = make();
  twin.loadStateDict(net.stateDict());
  net.to(device);
  const y = dg.randint(0, 10, [64]).to("int64");
  // images of ten kinds
  const x = dg.rand(10, 1, 28, 28).indexSelect(0, y).add(dg.rand(64, 1, 28, 28).mul(0.3));
  const [there, here] = [net, twin].map((model) => {
    const where = model === net ? device : "cpu",
      optimizer = new dg.optim.SGD(model.parameters(), { lr: 0.1 });
    const [images, classes] = [x.to(where), y.to(where)];
    return Array.from({ length: 6 }, () => {
      let loss!: Tensor;
      const before = gpu.commands.recorded;
      const reads = readsOf(gpu, () => {
        optimizer.zeroGrad();
        loss = F.crossEntropy(model.call(images) as Tensor, classes);
        loss.backward();
        optimizer.step();
      });
      assertEquals(reads, 0);
      assert(gpu.commands.recorded - before <= 85, `${gpu.commands.recorded - before} kernels in a step`);
      return loss.item() as number;
    });
  });
  there.forEach((loss, i) => assertAlmostEquals(loss, here[i], 1e-3));
  assert(there[5] < 0.8 * there[0], `${there}`);
  net.eval();
  twin.eval();
  const [a, b] = [net.call(x.to(device)) as Tensor, twin.call(x) as Tensor];
  assert(dg.allclose(a.detach().cpu(), b.detach(), { atol: 1e-2, rtol: 1e-2 }));
});

gpuTest("norms", (gpu) => {
  dg.manualSeed(4);
  const images = dg.randn(3, 4, 5, 6), rows = dg.randn(7, 4);
  const call = (net: dg.nn.Module) => (x: Tensor) => net.call(x);
  const cases: [string, dg.nn.Module, Tensor][] = [
    ["batches of images", new nn.BatchNorm2d(4), images],
    ["batches of rows", new nn.BatchNorm1d(4), rows],
    ["batches of signals", new nn.BatchNorm1d(4), dg.randn(3, 4, 5)],
    ["batches, plain", new nn.BatchNorm2d(4, { affine: false, trackRunningStats: false }), images],
    ["layers", new nn.LayerNorm([5, 6]), images],
    ["layers of rows", new nn.LayerNorm(4), rows],
    ["groups", new nn.GroupNorm(2, 4), images],
    ["instances", new nn.InstanceNorm2d(4, { affine: true, trackRunningStats: true }), images],
    ["root mean squares", new nn.RMSNorm([6]), images],
  ];
  for (const [what, net, x] of cases) {
    dg.noGrad(() => net.parameters().forEach((p) => p.add_(dg.randn(p.shape).mul(0.3))));
    compare(gpu, what, [x], call(net), { net, tolerance: 3e-4 });
  }
  // the buffers that compare() looks at are those that training leaves
  const net = new nn.BatchNorm2d(4);
  net.call(images);
  assertEquals(net.numBatchesTracked!.item(), 1);
  net.to(device).call(images.to(device));
  assertEquals([net.numBatchesTracked!.device, net.numBatchesTracked!.item()], [device, 2]);
  net.eval();
  compare(gpu, "as learnt", [images], call(net), { net });
  const counting = new nn.BatchNorm2d(4, { momentum: null });
  compare(gpu, "means of all batches", [images], (x) => [counting.call(x), counting.call(x.mul(2))], {
    net: counting,
    reads: 2, // how many batches there were
    tolerance: 3e-4,
  });
  compare(gpu, "neighbours", [images], (x) => F.localResponseNorm(x, 3));
  compare(gpu, "unit length", [images], (x) => F.normalize(x, { dim: 1 }));
});

gpuTest(
  "norms of large groups, of part of the gradients, of other types, and twice differentiated",
  (gpu) => {
    dg.manualSeed(14);
    const w = dg.rand(8).add(0.5),
      b = dg.randn(8),
      images = dg.randn(6, 8, 40, 12).add(3),
      rows = dg.randn(50, 64);
    const line = dg.rand(64).add(0.5), shift = dg.randn(64), training = { training: true };
    compare(gpu, "batches", [images, w, b], (x, w, b) => F.batchNorm(x, null, null, w, b, training), {
      tolerance: 1e-3,
    });
    compare(gpu, "layers", [rows, line, shift], (x, w, b) => F.layerNorm(x, [64], w, b), { tolerance: 1e-3 });
    compare(gpu, "layers of a view", [dg.randn(64, 50), line], (x, w) => F.layerNorm(x.t(), [64], w));
    compare(gpu, "groups", [images, w, b], (x, w, b) => F.groupNorm(x, 4, w, b), { tolerance: 1e-3 });
    compare(gpu, "without factors", [rows], (x) => F.layerNorm(x, [64]));
    // what needs no gradient gets none
    compare(gpu, "factors alone", [line, shift], (w, b) => F.layerNorm(rows.to(w.device), [64], w, b), {
      reads: null,
    });
    compare(
      gpu,
      "the input alone",
      [rows],
      (x) => F.layerNorm(x, [64], line.to(x.device), shift.to(x.device)),
    );
    compare(
      gpu,
      "summands alone",
      [b],
      (b) => F.batchNorm(images.to(b.device), null, null, null, b, training),
    );
    const doubles = [rows, line, shift].map((t) => t.to("float64"));
    compare(gpu, "float64", doubles, (x, w, b) => F.layerNorm(x, [64], w, b), { tolerance: 1e-9 });
    if (gpu.info.float16) {
      const halves = [rows, line, shift].map((t) => t.to("float16"));
      compare(gpu, "float16", halves, (x, w, b) => F.layerNorm(x, [64], w, b), { tolerance: 3e-2 });
    }
    compare(gpu, "a gradient of gradients", [rows, line], (x, w) => {
      const y = F.layerNorm(x, [64], w).pow(2).sum();
      return dg.autograd.grad(y, [x, w], { createGraph: true });
    }, { tolerance: 1e-2 });
    // far from 0 the squares of distances are those from the mean
    const far = dg.randn(64, 512).add(1000), want = F.layerNorm(far.to("float64"), [512]);
    assert(
      F.layerNorm(far.to(device), [512]).cpu().to("float64").sub(want).abs().max().item() as number < 5e-4,
    );
    // few kernels: statistics and result; sums for the input, its gradient, sums for factors and summands
    const net = new nn.LayerNorm(64).to(device),
      x = rows.to(device).requiresGrad_(),
      g = dg.ones(50, 64, { device });
    const count = (run: () => void) => {
      const before = gpu.commands.recorded;
      run();
      return gpu.commands.recorded - before;
    };
    let y = net.call(x) as Tensor;
    assertEquals(
      count(() => y = net.call(x) as Tensor),
      2,
    );
    assertEquals(count(() => y.backward(g)), 3);
  },
);

gpuTest("attention", (gpu) => {
  dg.manualSeed(5);
  const r = () => dg.randn(2, 3, 5, 4), attend = F.scaledDotProductAttention;
  compare(gpu, "plain", [r(), dg.randn(2, 3, 6, 4), dg.randn(2, 3, 6, 4)], (q, k, v) => attend(q, k, v));
  compare(gpu, "causal", [r(), r(), r()], (q, k, v) => attend(q, k, v, { isCausal: true }));
  const mask = dg.ones(5, 5).tril().to("bool");
  compare(gpu, "masked", [r(), r(), r(), mask], (q, k, v, m) => attend(q, k, v, { attnMask: m }));
  compare(gpu, "added", [r(), r(), r(), dg.randn(5, 5)], (q, k, v, m) => attend(q, k, v, { attnMask: m }));
  compare(gpu, "dropout", [r(), r(), r()], (q, k, v) => attend(q, k, v, { dropoutP: 0.3 }));
  const heads = new nn.MultiheadAttention(8, 2);
  const padding = dg.zeros(3, 5).to("bool");
  padding.select(0, 1).narrow(0, 3, 2).fill_(true);
  const x = dg.randn(5, 3, 8);
  compare(gpu, "heads", [x, padding], (x, p) => heads.call(x, x, x, { keyPaddingMask: p }), { net: heads });
  const layer = new nn.TransformerEncoderLayer(8, 2, { dropout: 0, dimFeedforward: 16 });
  compare(gpu, "a transformer's layer", [x], (x) => layer.call(x), { net: layer });
});

gpuTest("embeddings", (gpu) => {
  dg.manualSeed(6);
  const rows = dg.tensor([[1n, 0n, 4n], [4n, 2n, 1n]]), table = dg.randn(6, 3);
  for (
    const options of [{}, { paddingIdx: 4 }, { scaleGradByFreq: true }, {
      paddingIdx: -2,
      scaleGradByFreq: true,
    }]
  ) {
    compare(gpu, JSON.stringify(options), [rows, table], (i, w) => F.embedding(i, w, options));
  }
  const twice = (i: Tensor, w: Tensor) => {
    const y = F.embedding(i, w, { paddingIdx: 4, scaleGradByFreq: true });
    return dg.autograd.grad(y.pow(3).sum(), w, { createGraph: true });
  };
  compare(gpu, "second derivatives", [rows, table], twice, { tolerance: 1e-3 });
  const wrong = F.embedding(dg.tensor([6n]).to(device), table.to(device));
  assertThrows(() => wrong.toArray(), GpuError, "an embedding met 6, the table has 6 rows");
});

gpuTest("embeddings in bags are not read", (gpu) => {
  dg.manualSeed(7);
  const list = dg.tensor([1n, 0n, 4n, 4n, 2n, 1n]), table = dg.randn(6, 3), factors = dg.randn(6);
  const modes = ["sum", "mean", "max"] as const;
  for (const mode of modes) {
    for (const starts of [[0n, 2n], [0n], [0n, 0n, 3n, 3n, 6n]]) {
      const offsets = dg.tensor(starts);
      for (const options of [{}, { paddingIdx: 4 }, { includeLastOffset: true }, { scaleGradByFreq: true }]) {
        compare(
          gpu,
          `bags, ${mode}, ${starts}, ${JSON.stringify(options)}`,
          [list, table, offsets],
          (i, w, o) => F.embeddingBag(i, w, { offsets: o, mode, ...options }),
        );
      }
    }
    compare(
      gpu,
      `rows, ${mode}`,
      [list.view(2, 3), table],
      (i, w) => F.embeddingBag(i, w, { mode, paddingIdx: 1 }),
    );
    compare(gpu, `twice, ${mode}`, [list.view(3, 2), table], (i, w) => {
      const y = F.embeddingBag(i, w, { mode });
      return dg.autograd.grad(y.pow(3).sum(), w, { createGraph: true });
    }, { tolerance: 1e-3 });
  }
  const offsets = dg.tensor([0n, 4n]);
  compare(
    gpu,
    "factors",
    [list, table, factors, offsets],
    (i, w, f, o) => F.embeddingBag(i, w, { offsets: o, mode: "sum", perSampleWeights: f, paddingIdx: 0 }),
  );
  const there = (...values: bigint[]) => dg.tensor(values).to(device), w = table.to(device);
  const wrong: [string, () => Tensor][] = [
    ["an embedding met 6, the table has 6 rows", () => F.embeddingBag(there(6n).view(1, 1), w)],
    ["an embedding met -1", () => F.embeddingBag(there(-1n).view(1, 1), w, { mode: "max" })],
    ["offsets[0] has to be 0", () => F.embeddingBag(there(1n, 2n), w, { offsets: there(1n) })],
    [
      "can not be greater than input's length but got an offset of 3",
      () => F.embeddingBag(there(1n, 2n), w, { offsets: there(0n, 3n) }),
    ],
  ];
  for (const [words, run] of wrong) {
    const out = run();
    assertThrows(() => out.toArray(), GpuError, words);
  }
});

gpuTest("images of other sizes", (gpu) => {
  dg.manualSeed(7);
  const x = dg.randn(2, 3, 5, 6);
  for (const mode of ["nearest", "nearest-exact", "bilinear", "bicubic", "area"] as const) {
    compare(gpu, mode, [x], (x) => F.interpolate(x, { size: [8, 9], mode }));
    compare(gpu, `${mode}, smaller`, [x], (x) => F.interpolate(x, { scaleFactor: 0.6, mode }));
  }
  compare(
    gpu,
    "corners",
    [x],
    (x) => F.interpolate(x, { scaleFactor: 2, mode: "bilinear", alignCorners: true }),
  );
  compare(gpu, "signals", [dg.randn(2, 3, 5)], (x) => F.interpolate(x, { size: 8, mode: "linear" }));
  const grid = dg.rand(2, 4, 4, 2).mul(2).sub(1);
  compare(gpu, "grids", [x, grid], (x, g) => F.gridSample(x, g, { alignCorners: false }));
  compare(gpu, "shuffled", [dg.randn(2, 8, 3, 3)], (x) => F.pixelShuffle(x, 2));
  compare(gpu, "unfolded", [x], (x) => F.unfold(x, 3, { padding: 1 }));
  compare(gpu, "folded", [dg.randn(2, 12, 20)], (x) => F.fold(x, [5, 6], 2));
  for (const mode of ["reflect", "replicate", "circular"] as const) {
    compare(gpu, mode, [x], (x) => F.pad(x, [1, 2, 2, 1], { mode }));
  }
});

gpuTest("recurrent nets", (gpu) => {
  dg.manualSeed(8);
  const x = dg.randn(6, 3, 4), row = dg.randn(3, 4);
  const cases: [string, dg.nn.Module, Tensor][] = [
    ["LSTM", new nn.LSTM(4, 5, { numLayers: 2, bidirectional: true }), x],
    ["LSTM with projections and dropout", new nn.LSTM(4, 5, { numLayers: 2, dropout: 0.3, projSize: 3 }), x],
    ["GRU", new nn.GRU(4, 5, { numLayers: 2 }), x],
    ["RNN", new nn.RNN(4, 5), x],
    ["LSTMCell", new nn.LSTMCell(4, 5), row],
    ["GRUCell", new nn.GRUCell(4, 5), row],
    ["RNNCell", new nn.RNNCell(4, 5), row],
  ];
  for (const [what, net, x] of cases) compare(gpu, what, [x], (x) => net.call(x), { net });
});
