/** Convolution: gradients of any order, layouts, edges, and the short way for 3 x 3 kernels. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import * as dg from "../../../mod.ts";
import { type GemmTier, setGemmTier } from "../../../src/backend/cpu/gemm.ts";
import { convolve3x3 } from "../../../src/backend/conv.ts";

const { gradcheck, gradgradcheck } = dg.autograd;
const F = dg.nn.functional;
const double = { dtype: "float64", requiresGrad: true } as const;

/** The convolution by its definition, one image element at a time. */
function reference(x: dg.Tensor, w: dg.Tensor, stride: number, padding: number, dilation: number): number[] {
  const [n, c, h, width] = x.shape, [o, , kh, kw] = w.shape, out: number[] = [];
  const X = x.toArray() as number[][][][], W = w.toArray() as number[][][][];
  const places = (s: number, k: number) =>
    Math.floor((s + 2 * padding - dilation * (k - 1) - 1) / stride) + 1;
  for (let i = 0; i < n; i++) {
    for (let p = 0; p < o; p++) {
      for (let a = 0; a < places(h, kh); a++) {
        for (let b = 0; b < places(width, kw); b++) {
          let sum = 0;
          for (let q = 0; q < c; q++) {
            for (let k = 0; k < kh; k++) {
              for (let l = 0; l < kw; l++) {
                const y = a * stride + k * dilation - padding, z = b * stride + l * dilation - padding;
                sum += (X[i][q][y]?.[z] ?? 0) * W[p][q][k][l];
              }
            }
          }
          out.push(sum);
        }
      }
    }
  }
  return out;
}

function close(actual: dg.Tensor, expected: ArrayLike<number>, tolerance: number): void {
  const values = actual.detach().reshape(-1).toArray() as number[];
  assertEquals(values.length, expected.length);
  let worst = 0;
  values.forEach((v, i) => worst = Math.max(worst, Math.abs(v - expected[i])));
  assert(worst <= tolerance, `off by ${worst}`);
}

Deno.test("conv2d is its definition, for any stride, padding, dilation and layout", () => {
  dg.manualSeed(1);
  const x = dg.randn([2, 3, 7, 6], { dtype: "float64" }), w = dg.randn([4, 3, 3, 2], { dtype: "float64" });
  for (const [stride, padding, dilation] of [[1, 0, 1], [2, 1, 1], [1, 2, 2], [3, 0, 1]]) {
    close(dg.conv2d(x, w, { stride, padding, dilation }), reference(x, w, stride, padding, dilation), 1e-12);
  }
  const last = x.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2); // channels last in memory
  const turned = w.transpose(2, 3).contiguous().transpose(2, 3);
  close(dg.conv2d(last, turned, { padding: 1 }), reference(x, w, 1, 1, 1), 1e-12);
  close(dg.conv2d(x.expand(2, 3, 7, 6), w), reference(x, w, 1, 0, 1), 1e-12);
});

for (
  const [name, run, shapes] of [
    ["conv1d", (x, w, b) => dg.conv1d(x, w, b, { stride: 2, padding: 1 }), [[2, 2, 6], [3, 2, 3], [3]]],
    ["conv2d", (x, w, b) => dg.conv2d(x, w, b, { padding: 1, dilation: 2 }), [[1, 2, 5, 4], [2, 2, 2, 3], [
      2,
    ]]],
    ["conv2d in groups", (x, w, b) => dg.conv2d(x, w, b, { groups: 2, stride: [2, 1] }), [
      [2, 4, 4, 3],
      [4, 2, 2, 2],
      [4],
    ]],
    ["conv2d same", (x, w, b) => dg.conv2d(x, w, b, { padding: "same" }), [[1, 1, 4, 3], [2, 1, 2, 3], [2]]],
    ["conv3d", (x, w, b) => dg.conv3d(x, w, b), [[1, 2, 3, 3, 2], [2, 2, 2, 2, 2], [2]]],
    ["convTranspose1d", (x, w, b) => dg.convTranspose1d(x, w, b, { stride: 2, outputPadding: 1 }), [
      [2, 2, 3],
      [2, 2, 3],
      [2],
    ]],
    ["convTranspose2d", (x, w, b) => dg.convTranspose2d(x, w, b, { stride: 2, padding: 1, groups: 2 }), [
      [1, 2, 3, 2],
      [2, 1, 3, 3],
      [2],
    ]],
    [
      "convTranspose2d, outputs padded beyond the stride",
      (x, w, b) => dg.convTranspose2d(x, w, b, { dilation: 3, outputPadding: 2 }),
      [[1, 1, 2, 2], [1, 1, 2, 2], [1]],
    ],
    ["convTranspose3d", (x, w, b) => dg.convTranspose3d(x, w, b), [[1, 2, 2, 2, 2], [2, 1, 2, 2, 2], [1]]],
  ] as [string, (x: dg.Tensor, w: dg.Tensor, b: dg.Tensor) => dg.Tensor, number[][]][]
) {
  Deno.test(`${name} has gradients of first and second order`, () => {
    dg.manualSeed(2);
    const inputs = shapes.map((shape) => dg.randn(shape, double)) as [dg.Tensor, dg.Tensor, dg.Tensor];
    assert(gradcheck(run, inputs));
    assert(gradgradcheck(run, inputs));
  });
}

Deno.test("a transposed convolution is the gradient of a convolution", () => {
  const x = dg.randn([1, 2, 5, 5], double), w = dg.randn([3, 2, 3, 3], { dtype: "float64" });
  const y = dg.conv2d(x, w, { stride: 2 }), g = dg.randn(y.shape, { dtype: "float64" });
  y.backward(g);
  close(dg.convTranspose2d(g, w, { stride: 2 }), x.grad!.reshape(-1).toArray() as number[], 1e-12);
});

Deno.test("convolutions of nothing, and what is refused", () => {
  assertEquals(dg.conv2d(dg.zeros(0, 1, 4, 4), dg.ones(2, 1, 3, 3)).shape, [0, 2, 2, 2]);
  const none = dg.conv2d(dg.zeros(1, 0, 4, 4), dg.zeros(2, 0, 3, 3), dg.tensor([1, 2]));
  assertEquals(none.select(1, 1).toArray(), [[[2, 2], [2, 2]]]);
  const x = dg.zeros(1, 2, 4, 4), w = dg.zeros(2, 2, 3, 3);
  assertThrows(() => dg.conv2d(x, w, { stride: 0 }), RangeError, "non-positive stride is not supported");
  assertThrows(() => dg.conv2d(x, w, { padding: -1 }), RangeError, "negative padding is not supported");
  assertThrows(() => dg.conv2d(x, w, { dilation: 0 }), RangeError, "dilation should be greater than zero");
  assertThrows(() => dg.conv2d(x, dg.zeros(2, 2, 5, 5)), RangeError, "Kernel size can't be greater than");
  assertThrows(
    () => dg.conv2d(x, dg.zeros(2, 1, 3, 3)),
    TypeError,
    "to have 1 channels, but got 2 channels instead",
  );
  assertThrows(
    () => dg.conv2d(x, w, dg.zeros(3)),
    TypeError,
    "expected bias to be 1-dimensional with 2 elements",
  );
  assertThrows(() => dg.conv2d(x.double(), w), TypeError, "expected scalar type Double but found Float");
  assertThrows(() => dg.conv2d(x.bool(), w.bool()), TypeError, "not implemented for 'Bool'");
  assertThrows(() => dg.conv2d(x, w, { paddings: 1 } as never), TypeError, "paddings");
  assertThrows(() => dg.convTranspose2d(x, w, { padding: 5 }), RangeError, "Output size is too small");
});

// ---- the short way ------------------------------------------------------------------------------------------------

/** Results and gradients of a 3 x 3 convolution, computed in one way. */
function trained(
  tier: GemmTier,
  x: dg.Tensor,
  w: dg.Tensor,
  b: dg.Tensor,
  g: dg.Tensor,
  padding: number,
): dg.Tensor[] {
  const before = setGemmTier(tier);
  try {
    const leaves = [x, w, b].map((t) => t.detach().clone().requiresGrad_());
    const y = dg.conv2d(leaves[0], leaves[1], leaves[2], { padding });
    y.backward(g);
    return [y, ...leaves.map((t) => t.grad!)];
  } finally {
    setGemmTier(before);
  }
}

for (
  const [n, c, o, h, w, padding] of [
    [21, 16, 20, 18, 14, 0], // tiles that fit exactly
    [24, 9, 31, 15, 17, 1], // borders, and tiles that are cut
    [150, 16, 16, 6, 6, 1], // many small images, a last group that is not full
    [4, 24, 20, 34, 21, 2],
  ]
) {
  Deno.test(`3 x 3 by Winograd: ${n} images ${h} x ${w}, ${c} to ${o} channels, padding ${padding}`, () => {
    dg.manualSeed(3);
    const x = dg.randn(n, c, h, w), kernels = dg.randn(o, c, 3, 3), b = dg.randn(o);
    const g = dg.randn(n, o, h + 2 * padding - 2, w + 2 * padding - 2);
    const doubles = [x, kernels, b, g].map((t) => t.double());
    const exact = trained("js", doubles[0], doubles[1], doubles[2], doubles[3], padding);
    const size = [h, w] as const, before = [padding, padding] as const;
    const shape = {
      images: n,
      channels: c,
      outputs: o,
      size,
      before,
      counts: [g.shape[2], g.shape[3]] as const,
    };
    const [from, by, to] = [x, kernels, dg.zeros(g.shape)].map((t) => ({ data: t.typedArray(), offset: 0 }));
    assert(convolve3x3(shape, "float32", from, by, null, to), "not the short way");
    for (const tier of ["wasm", "wasm+threads"] as const) {
      const found = trained(tier, x, kernels, b, g, padding);
      found.forEach((t, i) => {
        const size = exact[i].square().mean().sqrt().item() as number;
        // the transforms cost one digit and a half; 1 in 25,000 of a typical element is left at worst
        close(t, exact[i].reshape(-1).toArray() as number[], 4e-5 * size);
      });
    }
  });
}

Deno.test("3 x 3 by Winograd: any number of threads gives the same bits", () => {
  dg.manualSeed(4);
  const x = dg.randn(40, 16, 14, 14),
    w = dg.randn(16, 16, 3, 3),
    b = dg.randn(16),
    g = dg.randn(40, 16, 14, 14);
  const alone = trained("wasm", x, w, b, g, 1), together = trained("wasm+threads", x, w, b, g, 1);
  alone.forEach((t, i) => assert(dg.equal(t, together[i])));
});

Deno.test("3 x 3 by Winograd: NaN and infinity stay near where they were", () => {
  const x = dg.zeros(16, 16, 16, 16), w = dg.ones(32, 16, 3, 3);
  x.select(0, 0).select(0, 0).select(0, 2).select(0, 2).fill_(NaN);
  const y = dg.conv2d(x, w, { padding: 1 });
  const plane = y.select(0, 0).select(0, 0).toArray() as number[][];
  assert(Number.isNaN(plane[2][2]));
  assertEquals([plane[12][12], y.narrow(0, 1, 15).abs().max().item()], [0, 0]);
});

Deno.test("modules start with PyTorch's shapes, and read positions as PyTorch does", () => {
  const layer = new dg.nn.Conv2d(1, 32, 3, 2, 1);
  assertEquals([layer.stride, layer.padding, layer.weight.shape], [[2, 2], [1, 1], [32, 1, 3, 3]]);
  assertEquals(layer(dg.zeros(1, 28, 28)).shape, [32, 14, 14]); // without a batch
  const reflect = new dg.nn.Conv2d(1, 1, 3, { padding: 1, paddingMode: "reflect" });
  const x = dg.rand(1, 1, 4, 4);
  const by = dg.conv2d(F.pad(x, [1, 1, 1, 1], "reflect"), reflect.weight, reflect.bias);
  close(reflect(x), by.reshape(-1).toArray() as number[], 0);
  const back = new dg.nn.ConvTranspose2d(2, 3, 3, { stride: 2 });
  assertEquals(back(dg.zeros(1, 2, 4, 4), [10, 10]).shape, [1, 3, 10, 10]);
  assertThrows(
    () => back(dg.zeros(1, 2, 4, 4), [12, 10]),
    RangeError,
    "requested an output size of (12, 10)",
  );
});
