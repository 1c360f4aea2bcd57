/** GPU tensors as text, in notebooks and as JavaScript values: the same as on the CPU, and no more is read than is shown. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import * as dg from "../../../mod.ts";
import type { Gpu } from "../../../src/backend/webgpu/device.ts";
import { gpuTest } from "./helpers.ts";

const device = "webgpu", DISPLAY = Symbol.for("Jupyter.display");

type Shown = { [DISPLAY](): Record<string, string> };

/** What a function reads: the bytes, and in how many reads. */
function readsOf(gpu: Gpu, run: () => void): { bytes: number; reads: number } {
  const { readBytes } = gpu;
  let bytes = 0, reads = 0;
  gpu.readBytes = function (block, byte, count) {
    bytes += count;
    reads++;
    return readBytes.call(this, block, byte, count);
  };
  try {
    run();
  } finally {
    Reflect.deleteProperty(gpu, "readBytes");
  }
  return { bytes, reads };
}

const htmlOf = (t: dg.Tensor): string => (t as unknown as Shown)[DISPLAY]()["text/html"];

gpuTest("texts are the CPU's with the device named", () => {
  const x = dg.arange(12).reshape(3, 4).sub(5).div(3);
  const cases = [
    x,
    x.t(),
    x.gt(0),
    x.long(),
    x.index(1, 2),
    dg.zeros(0),
    dg.rand(2000).mul(1e6),
    dg.tensor([NaN, Infinity, 1]),
    dg.rand(40, 50).narrow(1, 3, 40).t(),
  ];
  for (const t of cases) {
    const there = t.to(device), plain = there.toString().replace(/,\s+device='webgpu'/, "");
    assertEquals(plain.replace(/\s+/g, " "), t.toString().replace(/\s+/g, " "));
    assert(there.toString().includes("device='webgpu'"));
    assertEquals(htmlOf(there), htmlOf(t).replace("· cpu", "· webgpu"));
  }
  assertEquals(dg.tensor([1, 2], { device }).toString(), "tensor([1., 2.], device='webgpu')");
  assertEquals(
    dg.tensor([1], { device, requiresGrad: true }).mul(2).toString(),
    "tensor([2.], device='webgpu', grad_fn=<MulBackward0>)",
  );
  dg.setDefaultDevice(device);
  try {
    assertEquals(dg.ones(2).toString(), "tensor([1., 1.])");
    assertEquals(dg.ones(2, { device: "cpu" }).toString(), "tensor([1., 1.], device='cpu')");
  } finally {
    dg.setDefaultDevice("cpu");
  }
});

gpuTest("what is shown of a large tensor is gathered there and read at once", (gpu) => {
  const x = dg.rand(3000, 2000, { device, generator: dg.philox(1) });
  x.toString();
  const text = readsOf(gpu, () => x.toString());
  assert(text.bytes <= 36 * 4 + 16 && text.reads === 1, `${text.bytes} bytes in ${text.reads} reads`);
  const turned = readsOf(gpu, () => x.t().toString());
  assert(turned.bytes <= 36 * 4 + 16 && turned.reads === 1, `${turned.bytes} bytes in ${turned.reads} reads`);
  htmlOf(x);
  const html = readsOf(gpu, () => htmlOf(x));
  assert(html.bytes < 20000 && html.reads === 2, `${html.bytes} bytes in ${html.reads} reads`);
  const small = dg.arange(100).to(device);
  assertEquals(readsOf(gpu, () => small.toString()), { bytes: 400, reads: 1 });
  assertEquals(readsOf(gpu, () => small.index(7).item()), { bytes: 4, reads: 1 });
  assertEquals(readsOf(gpu, () => small.narrow(0, 10, 5).toArray()), { bytes: 20, reads: 1 });
});

gpuTest("as JavaScript values", async () => {
  const x = dg.arange(6).reshape(2, 3).to(device);
  assertEquals(Number(x.sum()), 15);
  assertEquals(`${x.sum()}`, "15.0");
  assertEquals(JSON.stringify(x), "[[0,1,2],[3,4,5]]");
  assertEquals([...x].map((row) => row.toArray()), [[0, 1, 2], [3, 4, 5]]);
  assertEquals([...await x.t().read()], [0, 3, 1, 4, 2, 5]);
  assertEquals(x.cpu().device, "cpu");
  assertEquals(x.to("cpu").t().typedArray(), Float32Array.of(0, 3, 1, 4, 2, 5));
  assertThrows(() => Number(x.detach().clone().requiresGrad_().sum()), TypeError, "requires a gradient");
  const figure = dg.plot.line(x.select(0, 0), x.select(0, 1));
  assert(figure !== null);
});
