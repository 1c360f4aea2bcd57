/** Memory of tensors on the GPU: loops that never let the event loop turn, errors in the middle, what users keep. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import * as dg from "../../../mod.ts";
import { type Gpu, GpuError, openDevice } from "../../../src/backend/webgpu/device.ts";
import { collectGarbage } from "../../../src/backend/webgpu/collector.ts";
import { Memory } from "../../../src/backend/webgpu/memory.ts";
import { gpuTest } from "./helpers.ts";

const MIB = 2 ** 20, options = { device: "webgpu" } as const;

/** Lets finalizers run, so that the statistics know what is gone. */
async function settled(gpu: Gpu): Promise<number> {
  for (let i = 0; i < 3; i++) {
    gpu.memory.collect();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return gpu.memory.statistics().liveBytes;
}

/** A step of a small net with all that a step has; gives the loss. */
function training(): () => dg.Tensor {
  const net = new dg.nn.Sequential(new dg.nn.Linear(256, 64), new dg.nn.ReLU(), new dg.nn.Linear(64, 4));
  net.to("webgpu");
  const x = dg.randn(128, 256, options), target = dg.randn(128, 4, options);
  const optimizer = new dg.optim.Adam(net.parameters()), loss = new dg.nn.MSELoss();
  return () => {
    const value = loss.call(net.call(x), target);
    optimizer.zeroGrad();
    value.backward();
    optimizer.step();
    return value;
  };
}

gpuTest("a synchronous loop of training steps takes no more and more memory", async (gpu) => {
  await settled(gpu);
  const step = training();
  for (let i = 0; i < 50; i++) step();
  const before = gpu.memory.statistics();
  for (let i = 0; i < 600; i++) step();
  const after = gpu.memory.statistics();
  assert(Number.isFinite(step().item() as number));
  const grown = after.reservedBytes - before.reservedBytes;
  // what a step leaves to the garbage collector: its results that users can hold
  assert(grown < 600 * 160 * 1024, `${grown} bytes more after 600 steps`);
  assert(after.created - before.created < 600 * 4, `${after.created - before.created} buffers in 600 steps`);
  assert(await settled(gpu) <= before.liveBytes, "memory of the loop is kept");
});

gpuTest("values that are recomputed again and again stay within the budget", (gpu) => {
  const x = dg.randn(2 ** 20, options), before = gpu.memory.statistics();
  for (let i = 0; i < 200; i++) x.mul(2).add(1); // 8 MiB a turn
  const after = gpu.memory.statistics();
  assert(after.collections > before.collections, "nothing was collected");
  // the statistics learn of collected buffers when the event loop turns; what was made says how often the collector had to run
  const made = (after.created - before.created) * 4 * MIB;
  assert((after.collections - before.collections) * 256 * MIB > made / 2, "collections are too rare");
});

gpuTest("an error in the middle of a step leaks nothing", async (gpu) => {
  const w = dg.randn(256, 256, { ...options, requiresGrad: true }), x = dg.randn(256, 256, options);
  const failing = [
    () => x.matmul(w).relu().matmul(dg.randn(7, 7, options)),
    () => x.matmul(w).sum().add(dg.ones(3)),
    () => {
      const y = x.matmul(w).exp();
      y.registerHook(() => {
        throw new RangeError("of the hook");
      });
      y.relu().sum().backward();
    },
    () => {
      const y = x.matmul(w).exp();
      dg.noGrad(() => y.mul_(2));
      y.sum().backward();
    },
  ];
  const turn = () => {
    for (const f of failing) assertThrows(f, Error);
    w.grad = null;
  };
  turn();
  const before = await settled(gpu);
  for (let i = 0; i < 25; i++) turn();
  assertEquals(await settled(gpu), before);
  assertEquals(x.sum().item() !== 0, true);
});

gpuTest("small tensors that are kept keep their pages, and no more", async (gpu) => {
  const before = await settled(gpu);
  const kept: dg.Tensor[] = [];
  // every hundredth of many small results
  for (let i = 0; i < 20_000; i++) {
    const t = dg.full([16], i, options);
    if (i % 100 === 0) kept.push(t);
  }
  const live = await settled(gpu) - before;
  assert(live <= 200 * 2 ** 16 + 2 ** 17, `${live} bytes are live for 200 small tensors`);
  assertEquals(kept.map((t) => t.sum().item()), kept.map((_, i) => 1600 * i));
  kept.length = 0;
  assert(await settled(gpu) - before <= 2 ** 17);
});

gpuTest(
  "memory that is forgotten while commands wait is not written by them in its next use",
  async (gpu) => {
    for (const length of [16, 5000, 30_000]) {
      const x = dg.ones(length, options), count = Math.ceil(2 ** 17 / length);
      gpu.commands.flush();
      for (let i = 0; i < count; i++) x.mul(2); // recorded, and nobody holds the results
      for (let i = 0; i < 5; i++) {
        await new Promise((resolve) => setTimeout(resolve, 2));
        collectGarbage();
      }
      const array = new Float32Array(length).fill(7);
      const next = Array.from({ length: count }, () => dg.tensor(array, options));
      assertEquals(next.filter((t) => t.min().item() !== 7 || t.max().item() !== 7).length, 0);
    }
  },
);

gpuTest(
  "what is uploaded goes to memory that no recorded command uses, so that nothing is submitted for it",
  (gpu) => {
    const array = new Float32Array(16).fill(3), x = dg.ones(16, options);
    x.sum().item();
    const turn = () => {
      const block = gpu.memory.allocate(64);
      gpu.commands.clear(block, 0, 64);
      gpu.memory.release(block);
      return dg.tensor(array, options).add(x);
    };
    turn().sum().item();
    const before = gpu.commands.submits, results = Array.from({ length: 20 }, turn);
    assert(gpu.commands.submits - before <= 1, `${gpu.commands.submits - before} submits for 20 uploads`);
    for (const t of results) assertEquals(t.sum().item(), 64);
  },
);

gpuTest("a budget and a limit of waiting memory of one's own", (gpu) => {
  const memory = new Memory(gpu.device, gpu.info.largestBuffer, { budget: 8 * MIB, poolLimit: 2 * MIB });
  for (let i = 0; i < 64; i++) memory.allocate(MIB);
  assert(memory.statistics().collections >= 7);
  const blocks = Array.from({ length: 4 }, () => memory.allocate(MIB));
  for (const block of blocks) memory.release(block);
  assertEquals(memory.statistics().pooledBytes, 2 * MIB);
  memory.trim();
  memory.sweep();
  assertEquals(memory.statistics().pooledBytes, 0);
});

gpuTest("tensors that do not fit say so, and nothing is lost", async (gpu) => {
  const before = await settled(gpu), x = dg.ones(4, options);
  const side = Math.ceil(gpu.info.largestBuffer / 4) + 1;
  assertThrows(() => dg.zeros(side, options), RangeError, "the GPU's largest buffer");
  assertThrows(() => x.expand(Math.ceil(side / 4) + 1, 4).clone(), RangeError, "the GPU's largest buffer");
  assertEquals(x.add(1).toArray(), [2, 2, 2, 2]);
  assert(await settled(gpu) - before <= 2 ** 17);
});

gpuTest("a device that is gone: the next read says so, the CPU's tensors go on", () => {
  const first = openDevice()!, x = dg.ones(4, options), onCpu = dg.ones(4), y = x.add(1);
  first.close();
  assertThrows(() => y.toArray(), GpuError, "the GPU device is gone");
  assertThrows(() => x.add(1), GpuError, "the GPU device is gone");
  assertThrows(() => dg.cat([x, x]).sum().item(), GpuError, "the GPU device is gone");
  assertEquals(onCpu.add(1).toArray(), [2, 2, 2, 2]);
  // another device takes over, with tensors of its own
  const again = openDevice()!;
  assert(again !== first);
  assertEquals(dg.ones(4, options).add(1).toArray(), [2, 2, 2, 2]);
});
