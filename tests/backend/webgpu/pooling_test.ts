/** Pooling on GPU tensors against the CPU: values, places, gradients, and no reads in between. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import * as dg from "../../../mod.ts";
import type { DType, Tensor } from "../../../mod.ts";
import { GpuError } from "../../../src/backend/webgpu/device.ts";
import type { Gpu } from "../../../src/backend/webgpu/device.ts";
import type { Device } from "../../../src/tensor/device.ts";
import { gpuTest } from "./helpers.ts";

const device = "webgpu", F = dg.nn.functional;

function close(got: Tensor, expected: Tensor, what: string, tolerance = 1e-5): void {
  assertEquals([got.device, got.dtype], [device, expected.dtype], what);
  assertEquals(got.shape, expected.shape, what);
  assert(
    dg.allclose(got.detach().cpu(), expected.detach(), { atol: tolerance, rtol: tolerance, equalNan: true }),
    `${what}: ${got} and not ${expected}`,
  );
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

/** The results of a pooling on both devices, first and second derivatives by what they give. */
function compare(gpu: Gpu, what: string, x: Tensor, pool: (t: Tensor) => Tensor[], tolerance?: number): void {
  const run = (where: Device) => {
    const t = x.to(where).clone().requiresGrad_(), out = pool(t), [y] = out;
    const weights = dg.linspace(-1, 2, y.numel()).to(y.dtype).to(where).reshape(y.shape);
    const [g] = dg.autograd.grad(y.mul(y).mul(weights).sum(), t, { createGraph: true });
    const [gg] = dg.autograd.grad(g!.mul(g!).sum(), t);
    return [...out, g!, gg!];
  };
  const expected = run("cpu");
  let got: Tensor[] = [];
  assertEquals(readsOf(gpu, () => got = run(device)), 0, what);
  got.forEach((t, i) => close(t, expected[i], `${what}: ${i}`, tolerance));
}

gpuTest("largest elements under windows", (gpu) => {
  dg.manualSeed(1);
  const given = { returnIndices: true } as const;
  const images = dg.randn(2, 3, 9, 11), ties = dg.randint(0, 3, [2, 2, 8, 9]).to("float32");
  const cases: [number | number[], object][] = [
    [2, {}],
    [3, { stride: 1 }],
    [3, { stride: 2, padding: 1 }],
    [[2, 3], { stride: [1, 2], ceilMode: true }],
    [2, { dilation: 2, padding: 1, stride: 1 }],
    [[3, 2], { dilation: [2, 3], ceilMode: true }],
    [9, { stride: 1, padding: 4 }],
  ];
  for (const [kernel, options] of cases) {
    const what = JSON.stringify([kernel, options]);
    compare(gpu, what, images, (t) => dg.maxPool2d(t, kernel, { ...options, ...given }));
    compare(gpu, `equals ${what}`, ties, (t) => dg.maxPool2d(t, kernel, { ...options, ...given }));
  }
  compare(gpu, "signals", dg.randn(3, 20), (t) => dg.maxPool1d(t, 4, { stride: 3, padding: 2, ...given }));
  compare(
    gpu,
    "volumes",
    dg.randn(2, 2, 5, 6, 7),
    (t) => dg.maxPool3d(t, 3, { stride: 2, padding: 1, ...given }),
  );
  compare(gpu, "a turned view", images.permute([1, 0, 3, 2]), (t) => [dg.maxPool2d(t, 2)]);
  compare(gpu, "one image", dg.randn(3, 6, 6).select(0, 1).unsqueeze(0), (t) => [dg.maxPool2d(t, [6, 1])]);
  compare(gpu, "float64", images.to("float64"), (t) => dg.maxPool2d(t, 3, given));
  compare(gpu, "float16", images.to("float16"), (t) => dg.maxPool2d(t, 2, given), 1e-2);
  for (const size of [1, [3, 4], [20, 5], [9, 11]]) {
    compare(gpu, `to ${size}`, images, (t) => F.adaptiveMaxPool2d(t, size, given));
  }
  compare(gpu, "signals to 5", dg.randn(2, 3, 13), (t) => F.adaptiveMaxPool1d(t, 5, given));
  compare(gpu, "volumes to 2", dg.randn(2, 5, 6, 7), (t) => F.adaptiveMaxPool3d(t, 2, given));
  for (const dtype of ["int32", "int64", "uint8"] as DType[]) {
    const x = dg.randint(0, 100, [1, 6, 6]).to(dtype);
    close(dg.maxPool2d(x.to(device), 2), dg.maxPool2d(x, 2), dtype);
  }
  const holes = dg.tensor([[[NaN, 1, NaN, 2], [-Infinity, -Infinity, 3, NaN]]]);
  for (const kernel of [[1, 2], [2, 2], [1, 4], [2, 4]]) {
    const expected = dg.maxPool2d(holes, kernel, given), got = dg.maxPool2d(holes.to(device), kernel, given);
    got.forEach((t, i) => close(t, expected[i], `NaN under ${kernel}: ${i}`));
  }
  const wide = { stride: 1, padding: 1, dilation: 2 };
  assertThrows(() => dg.maxPool2d(dg.ones(3, 1, 1, { device }), 2, wide), RangeError, "meets none of them");
  assertEquals(dg.maxPool2d(dg.zeros(0, 2, 4, 4, { device }), 2).shape, [0, 2, 2, 2]);
});

gpuTest("windows of more elements than an invocation can walk over", (gpu) => {
  dg.manualSeed(2);
  const x = dg.randn(2, 300, 260);
  const pairs = [dg.randint(0, 9, [1, 300, 260]).to("float32"), x];
  for (const t of pairs) {
    compare(gpu, "to one", t, (t) => F.adaptiveMaxPool2d(t, 1, { returnIndices: true }));
    const options = { stride: [5, 10], returnIndices: true } as const;
    compare(gpu, "windows", t, (t) => dg.maxPool2d(t, [290, 240], options));
  }
});

gpuTest("means, norms and the way back from the largest", (gpu) => {
  dg.manualSeed(3);
  const images = dg.randn(2, 3, 9, 11);
  const cases: [number | number[], object][] = [
    [2, {}],
    [3, { stride: 2, padding: 1 }],
    [3, { stride: 2, padding: 1, countIncludePad: false, ceilMode: true }],
    [[2, 3], { divisorOverride: 5, stride: 1 }],
  ];
  for (const [kernel, options] of cases) {
    compare(gpu, JSON.stringify([kernel, options]), images, (t) => [dg.avgPool2d(t, kernel, options)]);
  }
  compare(gpu, "signals", dg.randn(2, 3, 10), (t) => [dg.avgPool1d(t, 3, { padding: 1 })]);
  compare(gpu, "volumes", dg.randn(2, 5, 6, 7), (t) => [dg.avgPool3d(t, 2)]);
  for (const size of [1, [3, 4], [20, 5], [3, 11]]) {
    compare(gpu, `to ${size}`, images, (t) => [F.adaptiveAvgPool2d(t, size)]);
  }
  compare(gpu, "norms", images.abs().add(0.1), (t) => [F.lpPool2d(t, 3, 2)], 1e-4);

  for (const options of [{}, { stride: 1 }]) {
    const both = (["cpu", device] as const).map((where) => {
      const t = images.to(where).clone().requiresGrad_();
      const [y, places] = dg.maxPool2d(t, 3, { ...options, returnIndices: true });
      const back = F.maxUnpool2d(y, places, 3, { ...options, outputSize: [9, 11] });
      const [g] = dg.autograd.grad(back.mul(back).mul(t).sum(), t);
      return [places, back, g!];
    });
    both[1].forEach((t, i) => close(t, both[0][i], `unpool ${JSON.stringify(options)}: ${i}`));
  }
  const twice = dg.tensor([[[0n, 2n, 2n, 1n]]]), signal = dg.tensor([[[1, 2, 3, 4]]]);
  const there = F.maxUnpool1d(signal.to(device), twice.to(device), 2);
  assertEquals(there.toArray(), [[[1, 4, 3, 0, 0, 0, 0, 0]]]);
  assertEquals(F.maxUnpool1d(signal, twice, 2).toArray(), there.toArray());
  const wrong = F.maxUnpool1d(signal.to(device), twice.add(6n).to(device), 2);
  assertThrows(() => wrong.toArray(), GpuError, "maxUnpool1d() met index 8 where the size is 8");
  assertThrows(() => F.maxUnpool1d(signal.to(device), twice, 2), TypeError, "same device");
});
