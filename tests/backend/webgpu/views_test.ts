/** The GPU's memory read as another element type: `x.view(dtype)`. */
import { assertEquals, assertThrows } from "@std/assert";
import * as dg from "../../../mod.ts";
import { gpuTest } from "./helpers.ts";

const device = "webgpu";

gpuTest("view(dtype): writes through either are seen by both", () => {
  const x = dg.tensor([1, -2, 3.5, 4], { device }), bits = x.view("int32");
  assertEquals([bits.dtype, bits.shape, bits.device], ["int32", [4], device]);
  assertEquals(bits.toArray(), x.cpu().view("int32").toArray());
  bits.bitwiseXor_(-2147483648n); // turns all signs
  assertEquals(x.toArray(), [-1, 2, -3.5, -4]);
  x.mul_(2);
  assertEquals(bits.toArray(), dg.tensor([-2, 4, -7, -8]).view("int32").toArray());
  x.select(0, 2).fill_(1);
  assertEquals(bits.select(0, 2).item(), 1065353216);
  bits.narrow(0, 1, 2).zero_();
  assertEquals(x.toArray(), [-2, 0, 0, -8]);
});

gpuTest("view(dtype): sizes, offsets and single values as on the CPU", () => {
  const info = dg.webgpu.info(), table = dg.arange(12).view(3, 4);
  const types: dg.DType[] = ["int32"];
  if (info.float16) types.push("float16");
  if (info.float64) types.push("float64");
  for (const part of [[0, 3], [1, 2]]) {
    for (const dtype of types) {
      const [host, there] = [table, table.to(device)].map((t) => t.narrow(0, part[0], part[1]).view(dtype));
      assertEquals(there.shape, host.shape);
      assertEquals(there.cpu().view("int32").toArray(), host.view("int32").toArray());
      assertEquals(there.view("float32").toArray(), table.narrow(0, part[0], part[1]).toArray());
    }
  }
  const one = dg.tensor(2, { device }), bits = one.view("int32");
  assertEquals(bits.item(), 1073741824);
  bits.fill_(1065353216n);
  assertEquals(one.item(), 1);
  const mask = dg.tensor([1, -1], { device }).gt(0);
  assertEquals(mask.view("uint8").toArray(), [1, 0]);
  mask.view("uint8").fill_(1);
  assertEquals(mask.toArray(), [true, true]);
  if (info.float64) {
    const x = dg.zeros([2, 3], { device });
    assertThrows(
      () => x.view("float64"),
      TypeError,
      "self.size(-1) must be divisible by 2 to view Float as Double",
    );
    assertThrows(() => x.t().view("float64"), TypeError, "self.stride(-1) must be 1");
    assertThrows(() => dg.tensor(1, { device }).view("float64"), TypeError, "self.dim() cannot be 0");
    assertThrows(
      () => x.view(-1).narrow(0, 1, 2).view("float64"),
      TypeError,
      "is not laid out for elements of 8",
    );
  }
});

gpuTest("view(dtype): both views in one kernel", () => {
  const x = dg.tensor([1, 2, 3, 4], { device }), bits = x.view("int32"), values = [1, 2, 3, 4];
  const raw = new Int32Array(Float32Array.from(values).buffer);
  assertEquals(x.add(bits).toArray(), values.map((v, i) => Math.fround(v + Math.fround(raw[i]))));
  assertEquals(dg.where(bits.gt(1073741824), x, bits.to("float32")).toArray(), [raw[0], raw[1], 3, 4]);
  bits.copy_(x); // reads what it writes over
  assertEquals(bits.toArray(), values);
  x.copy_(bits);
  assertEquals(x.toArray(), values);
  const sum = dg.compile((a: dg.Tensor, b: dg.Tensor) => a.mul(b).sum());
  x.copy_(dg.tensor([1, 0, 0, 0]));
  assertEquals(sum(x, bits).item(), raw[0]);
});

gpuTest("view(dtype): autograd sees writes through it, and it has no history", () => {
  const w = dg.tensor([1, 2], { device, requiresGrad: true }), y = w.exp(), bits = y.view("int32");
  assertEquals([bits.requiresGrad, bits.gradFn], [false, null]);
  bits.zero_();
  assertThrows(() => y.sum().backward(), TypeError, "has been modified by an inplace operation");
  // memory that a backward pass could give back stays while a view has it
  let kept: dg.Tensor | null = null;
  const z = w.mul(3);
  z.registerHook((g) => void (kept = g.view("int32")));
  z.mul(2).sum().backward();
  dg.ones(2, { device }).add(1);
  assertEquals(kept!.view("float32").toArray(), [2, 2]);
});

gpuTest("view(dtype): what does not lie there as in other memory is refused", () => {
  const x = dg.zeros([2, 2], { device });
  for (const dtype of ["int64", "int16", "int8", "uint8", "bool"] as const) {
    assertThrows(
      () => x.view(dtype),
      TypeError,
      `whose memory holds them in different ways: use t.cpu().view("${dtype}")`,
    );
  }
  assertThrows(() => x.to("int8").view("uint8"), TypeError, 'cannot view Char as Byte on device "webgpu"');
  assertThrows(() => x.to("int64").view("int32"), TypeError, "cannot view Long as Int");
  assertEquals(x.to("int64").view("int64").dtype, "int64");
});
