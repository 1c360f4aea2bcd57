/** Devices that go away: what was theirs says so, and everything else goes on. */
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import * as dg from "../../../mod.ts";
import { type Gpu, GpuError, openDevice } from "../../../src/backend/webgpu/device.ts";
import { gpuTest } from "./helpers.ts";

const device = "webgpu";

function trial(lose: (gpu: Gpu) => void | Promise<void>) {
  return async () => {
    const gpu = openDevice()!, x = dg.ones(5, { device }), big = dg.ones(5000, { device }).requiresGrad_();
    const model = new dg.nn.Linear(5, 2).to(device), optimizer = new dg.optim.Adam(model.parameters());
    model.forward(x).sum().backward();
    const pending = big.mul(big).sum();
    await lose(gpu);
    const gone = (use: () => unknown) => {
      const { message } = assertThrows(use, GpuError, "the GPU device is gone (");
      assertEquals(message.endsWith("new tensors open it anew"), true, message);
    };
    gone(() => x.toArray());
    gone(() => `${x}`);
    const y = dg.ones(5, { device });
    assertEquals(openDevice() === gpu, false);
    gone(() => x.add(1));
    gone(() => x.add(y));
    gone(() => y.add(x));
    gone(() => y.copy_(x));
    gone(() => x.copy_(y));
    gone(() => x.fill_(1));
    gone(() => dg.cat([y, x]));
    gone(() => y.view(1, 5).matmul(x));
    gone(() => y.indexSelect(0, dg.zeros(5, { device }).add(x).long()));
    gone(() => x.sort());
    gone(() => dg.expr`${x} * ${y}`);
    gone(() => pending.backward());
    gone(() => model.forward(y));
    gone(() => optimizer.step());
    gone(() => x.cpu());
    await assertRejects(() => x.read(), GpuError, "the GPU device is gone (");
    assertEquals(y.toArray(), [1, 1, 1, 1, 1], "what threw has changed nothing");
    assertEquals(dg.ones(2).add(1).toArray(), [2, 2]);
    const next = new dg.nn.Linear(5, 2).to(device);
    next.forward(y).sum().backward();
    new dg.optim.SGD(next.parameters(), { lr: 1 }).step();
    assertEquals(next.weight.grad!.toArray(), [[1, 1, 1, 1, 1], [1, 1, 1, 1, 1]]);
    dg.webgpu.synchronize();
  };
}

gpuTest("a device that was closed", trial((gpu) => gpu.close()));

gpuTest("a device that is lost, and nobody has been told yet", trial((gpu) => gpu.device.destroy()));

gpuTest(
  "a device that is lost",
  trial(async (gpu) => {
    gpu.device.destroy();
    await gpu.device.lost;
  }),
);
