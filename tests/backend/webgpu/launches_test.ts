/** Launches that come again: the same operations on many layouts, each more than once, give what the CPU gives. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import * as dg from "../../../mod.ts";
import { GpuError } from "../../../src/backend/webgpu/device.ts";
import { gpuTest, lcg } from "./helpers.ts";

const options = { device: "webgpu" } as const;

gpuTest("known launches serve their own layouts alone", () => {
  const random = lcg(7), below = (n: number) => Math.floor(random() * n);
  const shape = [6, 4, 8], base = dg.arange(3 * 6 * 4 * 8).reshape(3, ...shape);
  const cpu = [base, base.mul(2).add(1), base.to("int32")], gpu = cpu.map((t) => t.to("webgpu"));
  /** A view of one of the tensors, chosen by numbers, so that both devices choose the same. */
  const view = (all: dg.Tensor[], [which, plane, kind, at]: number[]): dg.Tensor => {
    const t = all[which].select(0, plane);
    switch (kind) {
      case 0:
        return t;
      case 1:
        return t.narrow(2, at, 1);
      case 2:
        return t.narrow(0, at, 1);
      case 3:
        return t.select(0, at);
      case 4:
        return t.select(0, at).select(0, at % 4);
      case 5:
        return t.select(0, 0).select(0, 0).select(0, at);
      case 6:
        return t.flip(0).flip(0);
      default:
        return t.transpose(0, 1).contiguous().transpose(0, 1);
    }
  };
  const operations: ((x: dg.Tensor, y: dg.Tensor) => dg.Tensor)[] = [
    (x, y) => x.add(y),
    (x, y) => y.mul(x),
    (x, y) => dg.where(x.gt(y), x, 2),
    (x, y) => x.mul(3).sub(y),
    (x, y) => dg.maximum(x, y),
  ];
  const choose = () => [below(3), below(3), below(8), below(4)];
  for (let i = 0; i < 300; i++) {
    const a = choose(), b = choose(), f = operations[below(operations.length)];
    const expected = f(view(cpu, a), view(cpu, b));
    for (let again = 0; again < 2; again++) {
      const result = f(view(gpu, a), view(gpu, b));
      assertEquals(result.dtype, expected.dtype);
      assertEquals(result.toArray(), expected.toArray(), `${f} of ${a} and ${b}`);
    }
  }
});

gpuTest("writes into views of one memory, again and again", () => {
  const random = lcg(11), below = (n: number) => Math.floor(random() * n);
  const cpu = dg.arange(12 * 12).reshape(12, 12), gpu = cpu.to("webgpu");
  const writes: ((t: dg.Tensor, i: number, j: number) => unknown)[] = [
    (t, i, j) => t.select(0, i).add_(t.select(0, j)), // the same row, or another
    (t, i, j) => t.select(0, i).sub_(t.select(1, j)), // a column that crosses it
    (t, i, j) => t.narrow(0, i % 6, 4).mul_(0.5).add_(t.narrow(0, j % 6, 4)), // rows that overlap
    (t, i) => t.add_(t.t()).mul_(0.25 * (1 + i % 2)),
    (t, i, j) => t.select(1, i).add_(j),
  ];
  for (let k = 0; k < 200; k++) {
    const write = writes[below(writes.length)], i = below(12), j = below(12);
    write(cpu, i, j);
    write(gpu, i, j);
    assertEquals(gpu.toArray(), cpu.toArray(), `${write} with ${i}, ${j}`);
  }
});

gpuTest("known folds serve their own layouts alone", () => {
  const random = lcg(13), below = (n: number) => Math.floor(random() * n);
  const cpu = dg.arange(9 * 8 * 12).reshape(9, 8, 12).remainder(97), gpu = cpu.to("webgpu");
  const views: ((t: dg.Tensor, i: number) => dg.Tensor)[] = [
    (t) => t,
    (t, i) => t.select(0, i),
    (t, i) => t.narrow(2, i % 4, 8),
    (t, i) => t.narrow(2, i % 4, 8).select(1, i % 8),
    (t) => t.transpose(0, 2),
    (t, i) => t.select(1, i % 8).t(),
    (t, i) => t.flip(0).select(2, i),
  ];
  const folds: ((t: dg.Tensor, d: number) => dg.Tensor)[] = [
    (t) => t.sum(),
    (t, d) => t.sum(d),
    (t, d) => t.max(d).values,
    (t, d) => t.argmin(d),
    (t, d) => t.mean([d % t.ndim], { keepdim: true }),
    (t) => t.sum({ dtype: "int32" }),
    (t, d) => t.gt(d * 20).any(d),
    (t, d) => dg.nn.functional.mseLoss(t, t.mul(d), { reduction: "sum" }),
  ];
  for (let k = 0; k < 300; k++) {
    const view = views[below(views.length)], f = folds[below(folds.length)], i = below(9), d = below(2);
    const expected = f(view(cpu, i), d);
    for (let again = 0; again < 2; again++) {
      const result = f(view(gpu, i), d);
      assertEquals(result.dtype, expected.dtype);
      assert(
        dg.allclose(result.cpu().to("float64"), expected.to("float64")),
        `${f} of ${view} with ${i}, ${d}`,
      );
    }
  }
});

gpuTest("known selections serve their own layouts alone", () => {
  const random = lcg(17), below = (n: number) => Math.floor(random() * n);
  const cpu = dg.arange(2 * 6 * 7).reshape(2, 6, 7), gpu = cpu.to("webgpu");
  const operations: ((t: dg.Tensor, at: dg.Tensor, i: number) => dg.Tensor)[] = [
    (t, at) => t.gather(0, at),
    (t, at) => t.gather(1, at.t()),
    (t, at, i) => t.indexSelect(i % 2, at.select(0, i % 2)),
    (t, at, i) => t.index(at.select(1, i % 3)),
    (t, at) => t.clone().scatter(0, at, t.mul(2)),
    (t, at) => t.clone().scatter(0, at, -1),
    (t, at) => t.scatterAdd(0, at, t),
    (t, at, i) => t.indexAdd(0, at.select(0, i % 2), t.narrow(0, 0, 3)),
  ];
  for (let k = 0; k < 200; k++) {
    const f = operations[below(operations.length)], plane = below(2), i = below(6), turned = below(2) === 1;
    const values = Array.from({ length: 2 }, () => Array.from({ length: 3 }, () => BigInt(below(6))));
    const of = (t: dg.Tensor) => turned ? t.select(0, plane).t() : t.select(0, plane);
    const at = dg.tensor(values);
    const expected = f(of(cpu), at, i).toArray();
    for (let again = 0; again < 2; again++) {
      assertEquals(
        f(of(gpu), at.to("webgpu"), i).toArray(),
        expected,
        `${f} of ${values}, ${plane} ${i} ${turned}`,
      );
    }
  }
  const wrong = dg.tensor([[9n, 0n, 0n], [0n, 0n, 0n]], options);
  gpu.select(0, 0).gather(0, wrong.remainder(6n)).toArray();
  assertThrows(() => gpu.select(0, 0).gather(0, wrong).toArray(), GpuError, "gather");
});

gpuTest("tensors of every size, also of those that share buffers", () => {
  for (const n of [1, 63, 64, 1023, 1024, 1025, 4096, 8000, 16_384, 16_385, 50_000]) {
    const kept: dg.Tensor[] = [];
    for (let i = 0; i < 40; i++) kept.push(dg.full([n], i, options).add(i).mul(dg.ones(n, options)));
    kept.forEach((t, i) =>
      assert(t.min().item() === 2 * i && t.max().item() === 2 * i, `${n} elements, ${i}`)
    );
  }
});
