/** Opening, reading, memory and errors of the GPU. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { GpuError, init, isAvailable, openDevice } from "../../../src/backend/webgpu/device.ts";
import { runPointwise } from "../../../src/backend/webgpu/pointwise.ts";
import { allocate, read, readAsync, upload, write } from "../../../src/backend/webgpu/transfer.ts";
import { peek } from "../../../src/backend/webgpu/settled.ts";
import { program } from "../../../src/expr/program.ts";
import { allocate as allocateArray, type DType } from "../../../src/tensor/dtype.ts";
import { empty, gpuTest, operand, values } from "./helpers.ts";

class Sample {}

Deno.test("peek sees what a promise is without awaiting it", async () => {
  const value = new Sample(), failed = Promise.reject(new TypeError("no\nsecond line"));
  assertEquals(peek(Promise.resolve(value), Sample), { state: "fulfilled", value });
  assertEquals(peek(Promise.resolve<Sample | null>(null), Sample), { state: "fulfilled", value: null });
  assertEquals(peek(new Promise<Sample>(() => {}), Sample), { state: "pending" });
  assertEquals(peek(failed as Promise<Sample>, Sample), {
    state: "rejected",
    reason: "TypeError: no second line",
  });
  await assertRejects(() => failed);
  assertEquals(Object.getOwnPropertySymbols(Sample.prototype), []);
});

gpuTest("the device is opened once", async (gpu) => {
  assert(openDevice() === gpu && isAvailable());
  assert(await init() === gpu);
});

gpuTest("elements of every type come back as they were", async (gpu) => {
  const dtypes: DType[] = ["float32", "int32", "int16", "int8", "uint8", "bool"];
  if (gpu.info.float16) dtypes.push("float16");
  if (gpu.info.float64) dtypes.push("float64");
  for (const dtype of dtypes) {
    for (const length of [0, 1, 2, 3, 1001]) {
      const array = allocateArray(dtype, length);
      for (let i = 0; i < length; i++) array[i] = dtype === "bool" ? i % 2 : i * 7 - 300;
      const block = upload(gpu, array, dtype);
      assertEquals(read(gpu, block, dtype, 0, length), array, dtype);
      assertEquals(await readAsync(gpu, block, dtype, 0, length), array, dtype);
      if (length < 4) continue;
      assertEquals(read(gpu, block, dtype, 3, 5), array.slice(3, 8), dtype);
      write(gpu, block, dtype, 5, array.slice(0, 3));
      array.set(array.slice(0, 3) as never, 5);
      assertEquals(read(gpu, block, dtype, 0, length), array, dtype);
    }
  }
  const edges = BigInt64Array.of(0n, -1n, 5n, 2n ** 31n - 1n, -(2n ** 31n));
  assertEquals(read(gpu, upload(gpu, edges, "int64"), "int64", 0, 5), edges);
  assertEquals(read(gpu, upload(gpu, edges, "int64"), "int64", 3, 2), edges.slice(3));
  for (const large of [2n ** 31n, -(2n ** 31n) - 1n, 2n ** 40n]) {
    assertThrows(
      () => upload(gpu, BigInt64Array.of(1n, large), "int64"),
      RangeError,
      `the GPU carries int64 in 32 bits, which cannot hold ${large}`,
    );
  }
});

gpuTest("a write comes after the commands before it", (gpu) => {
  const x = operand(gpu, "float32", [1]), y = empty(gpu, "float32", [1]);
  runPointwise(gpu, program(["a"], "a + 1"), [x], [y], [1], "float32");
  write(gpu, x.data, "float32", 0, Float32Array.of(10));
  assertEquals([...values(gpu, y, 1)], [2]);
  runPointwise(gpu, program(["a"], "a + 1"), [x], [y], [1], "float32");
  assertEquals([...values(gpu, y, 1)], [11]);
});

gpuTest("synchronous reads: their time, and the switch that turns them off", async (gpu) => {
  const x = operand(gpu, "float32", [3]);
  const start = performance.now();
  for (let i = 0; i < 200; i++) values(gpu, x, 1);
  console.log(`a synchronous read takes ${((performance.now() - start) * 5).toFixed(0)} us`);
  gpu.syncReads = false;
  try {
    assertThrows(() => values(gpu, x, 1), GpuError, "use await read()");
    assertEquals([...await readAsync(gpu, x.data, "float32", 0, 1)], [3]);
  } finally {
    gpu.syncReads = true;
  }
  assertEquals([...values(gpu, x, 1)], [3]);
});

gpuTest("a failed command surfaces at the next read, once", async (gpu) => {
  const x = operand(gpu, "float32", [3]), wrong = gpu.device.createBuffer({ size: 16, usage: 8 });
  gpu.commands.encoder(x.data).copyBufferToBuffer(wrong, 0, x.data.buffer, 0, 4);
  const error = assertThrows(() => values(gpu, x, 1), GpuError);
  assert(error.message.startsWith("a GPU command failed: ") && error.message.length > 40, error.message);
  assertEquals([...values(gpu, x, 1)], [3]);
  gpu.commands.encoder(x.data).copyBufferToBuffer(wrong, 0, x.data.buffer, 0, 4);
  await assertRejects(() => readAsync(gpu, x.data, "float32", 0, 1), GpuError);
  assertEquals([...await readAsync(gpu, x.data, "float32", 0, 1)], [3]);
  const bad = { label: "bad", code: "fn main() { let x: i32 = 1.5; }", access: [] };
  const compile = assertThrows(() => gpu.kernel("bad", "", () => bad), GpuError);
  assert(/bad/.test(compile.message), compile.message);
  assertEquals([...values(gpu, x, 1)], [3]);
});

gpuTest("misuse throws and does not end the process", (gpu) => {
  const x = operand(gpu, "float32", [1, 2, 3]);
  gpu.commands.write(x.data, 0, new Float32Array(0));
  const detached = new Float32Array(4);
  structuredClone(detached.buffer, { transfer: [detached.buffer] });
  gpu.commands.write(x.data, 0, detached);
  assertThrows(() => gpu.commands.write(x.data, 0, new Uint8Array(3)), RangeError, "multiples of 4");
  assertThrows(() => gpu.commands.write(x.data, 2, new Float32Array(1)), RangeError, "multiples of 4");
  assertThrows(() => gpu.commands.write(x.data, 0, new Float32Array(1000)), RangeError, "outside of a block");
  assertThrows(() => gpu.commands.copy(x.data, 0, x.data, -4, 4), RangeError, "outside of a block");
  assertThrows(() => gpu.commands.clear(x.data, 0, 1e9), RangeError, "outside of a block");
  assertThrows(() => gpu.readBytes(x.data, 0, 1e9), RangeError, "cannot read");
  assertThrows(() => gpu.readBytes(x.data, NaN, 4), RangeError, "cannot read");
  assertThrows(() => gpu.readBytes(x.data, 0, 5), RangeError, "cannot read");
  assertThrows(() => gpu.memory.allocate(-1), RangeError);
  assertThrows(() => allocate(gpu, "float32", 2 ** 40), RangeError, "the GPU's largest buffer has");
  assertEquals([...values(gpu, x, 3)], [1, 2, 3]);
  gpu.memory.release(x.data);
  assertThrows(() => gpu.memory.release(x.data), TypeError, "released before");
  assertThrows(() => values(gpu, x, 3), TypeError, "released");
  assertThrows(() => gpu.commands.write(x.data, 0, new Float32Array(1)), TypeError, "released");
});

gpuTest("released memory is used again, also while commands that use it wait", (gpu) => {
  const p = program(["a"], "a + 1"), x = operand(gpu, "float32", new Float32Array(20_000));
  const sum = empty(gpu, "float32", [20_000]);
  let current = x;
  const before = gpu.memory.statistics();
  for (let i = 0; i < 1000; i++) {
    const next = empty(gpu, "float32", [20_000]);
    runPointwise(gpu, p, [current], [next], [20_000], "float32");
    if (current !== x) gpu.memory.release(current.data);
    current = next;
  }
  runPointwise(gpu, p, [current], [sum], [20_000], "float32");
  assertEquals(values(gpu, sum, 20_000), new Float32Array(20_000).fill(1001));
  const after = gpu.memory.statistics();
  assert(after.created - before.created <= 3, `${after.created - before.created} buffers for 1000 steps`);
  assert(after.pooledBytes - before.pooledBytes >= 80_000);
  gpu.memory.trim();
  gpu.synchronize();
  const rest = gpu.memory.statistics();
  assert(rest.buffers < after.buffers);
  assert(rest.pooledBytes <= before.pooledBytes + 256); // of the last read
});

gpuTest("10,000 synchronous steps run in constant memory", (gpu) => {
  // each step forgets 1 MiB: 10 GiB in all, which no finalizer sees before the loop ends
  const n = 2 ** 17, p = program(["a", "b"], "a * 0.5 + b");
  const x = operand(gpu, "float32", new Float32Array(n).fill(1));
  let least = Infinity, most = 0;
  let state = x;
  for (let i = 0; i < 10_000; i++) {
    const forgotten = empty(gpu, "float32", [n]), next = empty(gpu, "float32", [n]);
    // a small part, so that the test is about memory and not about arithmetic
    runPointwise(gpu, p, [state, 1], [forgotten], [256], "float32");
    runPointwise(gpu, p, [forgotten, 0], [next], [256], "float32");
    state = next;
    if (i % 100 === 99) values(gpu, state, 1);
    if (i > 1000 && i % 500 === 0) {
      const { rss } = Deno.memoryUsage();
      least = Math.min(least, rss);
      most = Math.max(most, rss);
    }
  }
  const mib = (bytes: number) => Math.round(bytes / 2 ** 20);
  console.log(
    `resident memory between ${mib(least)} and ${mib(most)} MiB, ` +
      `${gpu.memory.statistics().collections} collections`,
  );
  assert(most - least < 500 * 2 ** 20, `memory grew from ${mib(least)} to ${mib(most)} MiB`);
});

gpuTest("a closed device says so, and another can be opened", () => {
  const gpu = openDevice()!;
  const x = operand(gpu, "float32", [1]);
  gpu.close();
  assertThrows(() => values(gpu, x, 1), GpuError, "the GPU device is gone (it was closed)");
  assertThrows(() => allocate(gpu, "float32", 1), GpuError, "new tensors open it anew");
  const other = openDevice()!;
  assert(other !== gpu);
  assertEquals([...values(other, operand(other, "float32", [2]), 1)], [2]);
});
