/** The device in a worker: the same answers, errors and memory as with the device in the asking thread. */
import v8 from "node:v8";
import vm from "node:vm";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import * as dg from "../../../mod.ts";
import type { Tensor } from "../../../mod.ts";
import { type Gpu, GpuError, openDevice } from "../../../src/backend/webgpu/device.ts";
import { Gpu as GpuClass } from "../../../src/backend/webgpu/gpu.ts";
import type { StandIn } from "../../../src/backend/webgpu/stand_in.ts";
import { read, readAsync, upload } from "../../../src/backend/webgpu/transfer.ts";
import { openInWorker, type Wanted } from "../../../src/backend/webgpu/worker.ts";
import { words } from "../../../src/backend/webgpu/worker_loop.ts";

dg.webgpu.setReads("worker");
const there = dg.webgpu.isAvailable();
if (!there) console.log(`tests of the GPU in a worker are skipped: ${dg.webgpu.whyUnavailable()}`);

function workerTest(name: string, run: () => void | Promise<void>, ignore = false): void {
  Deno.test({
    name: `webgpu in a worker: ${name}`,
    ignore: !there || ignore,
    sanitizeOps: false,
    sanitizeResources: false,
    fn: run,
  });
}

const device = "webgpu";

/** Opens the device again in the way that is asked for. */
function reopen(way: dg.webgpu.Reads): Gpu {
  openDevice()?.close();
  dg.webgpu.setReads(way);
  return openDevice()!;
}

const standIn = (gpu: Gpu) => gpu.device as unknown as StandIn;

/** Another device in a worker of its own. */
function another(options: Partial<Wanted> = {}): Gpu {
  const limits = ["maxDynamicStorageBuffersPerPipelineLayout", "maxStorageBuffersPerShaderStage"];
  const opened = openInWorker({ adapter: {}, featureSets: [[]], limits, ...options });
  if (typeof opened === "string") throw new Error(opened);
  return new GpuClass(opened.host.device, dg.webgpu.info(), {}, opened.host);
}

const turn = () => new Promise<void>((resolve) => setTimeout(resolve, 1));

v8.setFlagsFromString("--expose-gc");
const gc = vm.runInNewContext("gc") as () => void;

async function until(what: string, holds: () => boolean): Promise<void> {
  for (let i = 0; !holds(); i++) {
    if (i === 2000) throw new Error(`${what}: not after ${i} turns`);
    await turn();
  }
}

/** What a small network has learnt after some steps, as bits. */
function learn(steps: number): { losses: number[]; parameters: Int32Array[] } {
  dg.manualSeed(5);
  const net = new dg.nn.Sequential(new dg.nn.Linear(6, 16), new dg.nn.Tanh(), new dg.nn.Linear(16, 3));
  const x = dg.randn(32, 6).to(device), y = dg.randint(0, 3, [32]).to(device);
  net.to(device);
  const optimizer = new dg.optim.Adam(net.parameters(), { lr: 0.01 });
  const losses: number[] = [];
  for (let step = 0; step < steps; step++) {
    optimizer.zeroGrad();
    const loss = dg.nn.functional.crossEntropy(net.call(x) as Tensor, y);
    loss.backward();
    optimizer.step();
    if (step % 10 === 9) losses.push(loss.item() as number);
  }
  const parameters = net.parameters().map((p) => new Int32Array(p.detach().cpu().typedArray().buffer));
  return { losses, parameters };
}

workerTest("the device is there, and says what it can do", () => {
  const gpu = openDevice()!, info = dg.webgpu.info();
  assertEquals([gpu.thread, gpu.syncReads, dg.webgpu.getReads()], ["worker", true, "worker"]);
  const main = reopen("main");
  assertEquals(main.thread, "main");
  assertEquals(main.info, info);
  assertEquals(reopen("worker").info, info);
});

workerTest("pointwise, folds, products, indices", () => {
  dg.manualSeed(1);
  const a = dg.randn(37, 50), b = dg.randn(50, 41), i = dg.tensor([3n, 0n, 36n]);
  const answers = (where: dg.Device): Tensor[] => {
    const [x, y, k] = [a, b, i].map((t) => t.to(where));
    return [x.mul(x).add(1).sqrt(), x.sum(1), x.max(), x.matmul(y), x.indexSelect(0, k), x.t().contiguous()];
  };
  const expected = answers("cpu");
  answers(device).forEach((t, n) => {
    assertEquals(t.device, device);
    assert(dg.allclose(t.cpu(), expected[n], { rtol: 1e-4, atol: 1e-5 }), `${n}: ${t}`);
  });
  assertEquals(dg.arange(6, { device }).view(2, 3).mul(2).toArray(), [[0, 2, 4], [6, 8, 10]]);
});

workerTest("elements of every size come back as they were", async () => {
  const gpu = openDevice()!;
  for (const length of [0, 1, 3, 1000, 20_000, 2 ** 21, 5_000_000]) {
    const array = Float32Array.from({ length }, (_, k) => k * 0.5);
    const block = upload(gpu, array, "float32");
    assertEquals(read(gpu, block, "float32", 0, length), array);
    assertEquals(await readAsync(gpu, block, "float32", 0, length), array);
    if (length < 3) continue;
    array.fill(7);
    const [part] = read(gpu, block, "float32", 2, 1);
    assertEquals(part, 1, "what was uploaded is a copy");
  }
  // more than may wait at a time
  const blocks = Array.from(
    { length: 24 },
    (_, k) => upload(gpu, new Float32Array(2 ** 20).fill(k), "float32"),
  );
  blocks.forEach((block, k) => assertEquals(read(gpu, block, "float32", 2 ** 20 - 1, 1)[0], k));
});

workerTest("reads that are awaited overlap, in their order", async () => {
  const x = dg.zeros(4, { device }), waiting: Promise<unknown>[] = [];
  for (let i = 0; i < 20; i++) {
    x.add_(1);
    waiting.push(x.read());
    if (i === 10) assertEquals(x.sum().item(), 44); // one that sleeps, among them
  }
  const got = await Promise.all(waiting) as Float32Array[];
  assertEquals(got.map(([v]) => v), Array.from({ length: 20 }, (_, i) => i + 1));
});

workerTest("the same bits as with the device in the main thread after 200 steps", () => {
  reopen("main");
  const here = learn(200);
  reopen("worker");
  const away = learn(200);
  assertEquals(away, here);
  assert(away.losses.at(-1)! < away.losses[0]);
});

workerTest("a failed command surfaces at the next read, once", async () => {
  const gpu = openDevice()!, x = dg.ones(3, { device });
  const block = upload(gpu, Float32Array.of(3), "float32");
  const wrong = gpu.device.createBuffer({ size: 16, usage: 8 });
  const fail = () => gpu.commands.encoder(block).copyBufferToBuffer(wrong, 0, block.buffer, block.start, 4);
  fail();
  const error = assertThrows(() => x.toArray(), GpuError);
  assert(error.message.startsWith("a GPU command failed: ") && error.message.length > 40, error.message);
  assertEquals(x.toArray(), [1, 1, 1]);
  fail();
  await assertRejects(() => x.read(), GpuError, "a GPU command failed: ");
  assertEquals([...await x.read()], [1, 1, 1]);
  const bad = { label: "bad", code: "fn main() { let x: i32 = 1.5; }", access: [] };
  const compile = assertThrows(() => gpu.kernel("bad", "", () => bad), GpuError);
  assert(/bad/.test(compile.message), compile.message);
  // a call that throws there
  gpu.device.createBuffer({ size: 16, usage: -1 });
  assertThrows(() => x.toArray(), GpuError, "createBuffer: ");
  assertEquals(x.toArray(), [1, 1, 1]);
  const k = dg.tensor([5n]).to(device);
  assertThrows(() => x.indexSelect(0, k).toArray(), GpuError, "index out of range");
  assertEquals(x.toArray(), [1, 1, 1]);
});

workerTest("a worker that ends is noticed", async () => {
  const count = (gpu: Gpu) => read(gpu, upload(gpu, Float32Array.of(3), "float32"), "float32", 0, 1)[0];
  const first = another({ patience: 500 });
  assertEquals(count(first), 3);
  standIn(first).calls.close(); // it ends by itself, and says so
  const begin = performance.now();
  assertThrows(() => count(first), GpuError, "the worker that it belongs to has ended");
  assert(performance.now() - begin < 500);

  const second = another({ patience: 500 });
  assertEquals(count(second), 3);
  standIn(second).calls.worker.terminate(); // without a word
  assertThrows(() => count(second), GpuError, "the worker that it belongs to has ended");
  assertThrows(() => upload(second, Float32Array.of(3), "float32"), GpuError, "new tensors open it anew");

  const third = another(), block = upload(third, Float32Array.of(3), "float32");
  assertEquals(count(third), 3);
  standIn(third).calls.worker.terminate();
  const asked = assertRejects(() => third.readBytesAsync(block, 0, 4), GpuError, "has ended");
  await until("the end is heard of", () => third.lost !== null);
  await asked;
  await assertRejects(() => third.readBytesAsync(block, 0, 4), GpuError, "has ended");
});

workerTest("a closed device ends its worker", async () => {
  const gpu = another(), { control } = standIn(gpu).calls;
  gpu.close();
  assertEquals(gpu.lost, "it was closed");
  await until("the worker ends", () => Atomics.load(control, words.ended) === 1);
});

workerTest("data that has to be awaited is awaited there", () => {
  const gpu = another({ quick: false });
  const array = Float32Array.from({ length: 3000 }, (_, i) => i);
  const block = upload(gpu, array, "float32");
  const begin = performance.now();
  for (let i = 0; i < 5; i++) assertEquals(read(gpu, block, "float32", 0, 3000), array);
  console.log(`a read that the worker awaits takes ${((performance.now() - begin) / 5).toFixed(1)} ms`);
  gpu.close();
});

workerTest("memory of forgotten tensors is freed, in a loop and between turns", async () => {
  const gpu = openDevice()!;
  /** Those that do not wait for their next use. */
  const buffers = () => {
    dg.webgpu.emptyCache();
    return standIn(gpu).buffers;
  };
  const forget = (count: number) => {
    for (let i = 0; i < count; i++) upload(gpu, new Float32Array(20_000), "float32");
  };
  gpu.memory.collect();
  const before = buffers();
  forget(50);
  assert(buffers() >= before + 50);
  gpu.memory.collect();
  assert(buffers() <= before + 2, `${buffers()} buffers and not ${before}`);
  const again = buffers();
  forget(50);
  assert(buffers() >= again + 50, `${buffers()} buffers after ${again}`);
  await turn(); // the job that made them holds them
  gc();
  await until("buffers are freed", () => buffers() <= before + 2);
  const kept = upload(gpu, Float32Array.of(1, 2), "float32");
  let least = Infinity, most = 0;
  for (let i = 0; i < 600; i++) { // 4.8 GB in all
    const block = gpu.memory.allocate(2 ** 23);
    gpu.commands.copy(kept, 0, block, 4096, 8);
    if (i % 50 === 49) gpu.readBytes(block, 4096, 8);
    if (i < 100) continue;
    const { rss } = Deno.memoryUsage();
    least = Math.min(least, rss);
    most = Math.max(most, rss);
  }
  assert(most - least < 600 * 2 ** 20, `${least} to ${most} bytes`);
  assertEquals([...read(gpu, kept, "float32", 0, 2)], [1, 2]);
});

workerTest("a buffer that is forgotten while commands wait is there for them", async () => {
  const gpu = openDevice()!, out = dg.zeros(30_000, { device });
  (() => out.add_(dg.ones(30_000, { device }).mul(2)))();
  const before = standIn(gpu).buffers;
  await turn();
  gc();
  await until("buffers are freed", () => {
    dg.webgpu.emptyCache();
    return standIn(gpu).buffers < before;
  });
  assertEquals(out.sum().item(), 60_000);
});

workerTest("the way to read is chosen before the device is opened", async () => {
  const x = dg.ones(2, { device });
  assertThrows(() => dg.webgpu.setReads("main"), TypeError, "which a worker has opened");
  assertThrows(() => dg.webgpu.setReads("never" as "main"), RangeError, 'got "never"');
  dg.webgpu.setReads("async");
  assertThrows(() => x.toArray(), GpuError, "use await read()");
  assertEquals([...await x.read()], [1, 1]);
  dg.webgpu.setReads("auto");
  assertEquals(x.toArray(), [1, 1]);
  assertEquals(reopen("async").thread, "main");
  const y = dg.ones(2, { device });
  assertThrows(() => dg.webgpu.setReads("worker"), TypeError, "which the main thread has opened");
  assertThrows(() => y.sum().item(), GpuError, "use await read()");
  assertEquals([...await y.read()], [1, 1]);
  assertEquals(reopen("auto").thread, "main");
});

workerTest("auto takes the worker where the main thread cannot read at once", async () => {
  const { mapAsync, getMappedRange } = GPUBuffer.prototype, { requestAdapter } = GPU.prototype;
  try {
    // mapped is what has been awaited
    const mapped = new WeakSet<GPUBuffer>();
    GPUBuffer.prototype.mapAsync = async function (...args) {
      await mapAsync.apply(this, args);
      mapped.add(this);
    };
    GPUBuffer.prototype.getMappedRange = function (...args) {
      if (!mapped.delete(this)) throw new DOMException("the buffer is not mapped", "OperationError");
      return getMappedRange.apply(this, args);
    };
    assertEquals(reopen("auto").thread, "worker");
    assertEquals(dg.ones(3, { device }).sum().item(), 3);
    openDevice()!.close();
    dg.webgpu.setReads("main");
    assertEquals(openDevice(), null);
    assert(dg.webgpu.whyUnavailable()!.includes("await init() first"));
    const gpu = (await dg.webgpu.init())!;
    assertEquals([gpu.thread, gpu.canReadNow], ["main", false]);
    const x = dg.ones(3, { device });
    assertThrows(() => x.sum().item(), GpuError, "this host cannot read GPU memory synchronously");
    assertEquals([...await x.read()], [1, 1, 1]);
    Object.assign(GPUBuffer.prototype, { mapAsync, getMappedRange });
    GPU.prototype.requestAdapter = async function (...args) {
      await turn();
      return await requestAdapter.apply(this, args);
    };
    assertEquals(reopen("auto").thread, "worker");
    assertEquals(dg.ones(3, { device }).sum().item(), 3);
  } finally {
    Object.assign(GPUBuffer.prototype, { mapAsync, getMappedRange });
    GPU.prototype.requestAdapter = requestAdapter;
  }
});

const mayRun = Deno.permissions.querySync({ name: "run" }).state === "granted";

workerTest("the process ends by itself, without permissions, and not before what is awaited", async () => {
  const script = `import * as dg from ${JSON.stringify(new URL("../../../mod.ts", import.meta.url).href)};
    dg.webgpu.setReads("worker");
    const x = dg.ones(1000, { device: "webgpu" });
    console.log(x.sum().item());
    x.mul(2).read().then((v) => console.log(v[999]));`;
  for (let i = 0; i < 3; i++) {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-check", "--no-prompt", "data:text/javascript," + encodeURIComponent(script)],
      signal: AbortSignal.timeout(30_000),
    }).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    assertEquals([code, text(stdout)], [0, "1000\n2\n"], text(stderr));
  }
}, !mayRun);

workerTest("the last device is closed, so that the tests do not end with it", async () => {
  const gpu = reopen("worker"), { control } = standIn(gpu).calls;
  gpu.close();
  await until("the worker ends", () => Atomics.load(control, words.ended) === 1);
  await new Promise((resolve) => setTimeout(resolve, 150));
});
