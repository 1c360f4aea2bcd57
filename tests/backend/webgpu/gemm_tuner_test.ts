/** The choice of kernels for matrix products. */
import { assert, assertEquals } from "@std/assert";
import * as dg from "../../../mod.ts";
import { candidates, forceKernel, tuned } from "../../../src/backend/webgpu/gemm_tuner.ts";
import type { GemmKernel } from "../../../src/backend/webgpu/gemm_source.ts";
import { gpuTest } from "./helpers.ts";

const options = { device: "webgpu" } as const;

gpuTest("large products are measured once for each class, small ones never", (gpu) => {
  const small = dg.rand([100, 100], options);
  small.matmul(small);
  assertEquals(tuned(gpu).size, 0);
  const a = dg.rand([256, 256], options), first = a.matmul(a);
  assertEquals(tuned(gpu).size, 1);
  const [{ kernel, times }] = tuned(gpu).values();
  assertEquals([...times.keys()], [...candidates(gpu, "float32")]);
  assert([...times.values()].every((ms) => ms >= times.get(kernel)!));
  const recorded = gpu.commands.recorded, again = a.matmul(a);
  assert(gpu.commands.recorded - recorded <= 3); // the product, and two copies where packed ones won
  assertEquals(tuned(gpu).size, 1);
  assert(again.equal(first));
  const b = dg.rand([300, 248], options);
  b.matmul(dg.rand([248, 260], options));
  assertEquals(tuned(gpu).size, 1, "sizes near to each other are one class");
  a.t().matmul(a);
  assertEquals(tuned(gpu).size, 2, "another layout is another class");
});

gpuTest("all kernels agree with the CPU, for layouts of factors and what is added", () => {
  const x = dg.rand(70, 36).sub(0.5), w = dg.rand(44, 36).sub(0.5), bias = dg.rand(44);
  const want = dg.nn.functional.linear(x, w, bias);
  const all: GemmKernel[] = ["direct", "tiled32", "tiled64", "tiled128", "blocked", "packed"];
  const on = (t: dg.Tensor) => t.to("webgpu");
  for (const kernel of all) {
    const before = forceKernel(kernel);
    try {
      const got = dg.nn.functional.linear(on(x), on(w), on(bias)).cpu();
      assert(dg.allclose(got, want, { atol: 1e-5 }), kernel);
      const turned = on(x.t().contiguous()).t().matmul(on(w.t().contiguous())).cpu();
      assert(dg.allclose(turned, want.sub(bias), { atol: 1e-5 }), kernel);
    } finally {
      forceKernel(before);
    }
  }
});

gpuTest("a training step of a net of two layers takes at most 12 dispatches", (gpu) => {
  for (const Optimizer of [dg.optim.SGD, dg.optim.Adam]) {
    const net = new dg.nn.Sequential(new dg.nn.Linear(100, 50), new dg.nn.ReLU(), new dg.nn.Linear(50, 10));
    net.to("webgpu");
    const x = dg.randn(64, 100, options), target = dg.randn(64, 10, options);
    const optimizer = new Optimizer(net.parameters(), { lr: 1e-3 }), loss = new dg.nn.MSELoss();
    const step = () => {
      const value = loss.call(net.call(x), target);
      optimizer.zeroGrad();
      value.backward();
      optimizer.step();
      return value;
    };
    const first = step().item() as number;
    const before = gpu.commands.recorded;
    step();
    assert(gpu.commands.recorded - before <= 12, `${gpu.commands.recorded - before} dispatches`);
    for (let i = 0; i < 20; i++) step();
    assert(step().item() as number < first);
  }
});
