/** Optimizers on the GPU: the same steps as on the CPU, and few dispatches however many parameters there are. */
import { assert, assertEquals } from "@std/assert";
import * as dg from "../../mod.ts";
import { gpuTest } from "../backend/webgpu/helpers.ts";

const shapes = [[5, 3], [7], [2, 2, 2], [], [0, 4], [129]];
const made = {
  SGD: dg.optim.SGD,
  Adam: dg.optim.Adam,
  AdamW: dg.optim.AdamW,
  Adamax: dg.optim.Adamax,
  NAdam: dg.optim.NAdam,
  RAdam: dg.optim.RAdam,
  RMSprop: dg.optim.RMSprop,
  Adagrad: dg.optim.Adagrad,
  Adadelta: dg.optim.Adadelta,
  ASGD: dg.optim.ASGD,
  Rprop: dg.optim.Rprop,
};

/** Parameters after some steps. */
function trained(device: dg.Device, name: keyof typeof made, dtype: dg.DType, options: object): dg.Tensor[] {
  dg.manualSeed(3);
  const params = shapes.map((shape) =>
    dg.randn(shape, { dtype: "float64" }).to({ device, dtype }).requiresGrad_()
  );
  const optimizer = new made[name](params, options);
  for (let i = 0; i < 4; i++) {
    optimizer.zeroGrad();
    for (const p of params) {
      const y = p.mul(p).add(1).sqrt();
      y.backward(dg.onesLike(y));
    }
    optimizer.step();
  }
  return params.map((p) => p.detach());
}

for (const name of Object.keys(made) as (keyof typeof made)[]) {
  gpuTest(`${name} takes the CPU's steps`, (gpu) => {
    const dtypes: dg.DType[] = gpu.info.float64 ? ["float32", "float64"] : ["float32"];
    for (const dtype of dtypes) {
      const options = name === "Rprop" ? { lr: 0.05 } : { lr: 0.05, weightDecay: 0.01 };
      const here = trained("cpu", name, "float64", options), there = trained("webgpu", name, dtype, options);
      here.forEach((x, i) => {
        assertEquals(there[i].device, "webgpu");
        const a = x.typedArray(), b = there[i].cpu().typedArray();
        const bound = dtype === "float64" ? 1e-12 : 2e-5;
        a.forEach((v, k) =>
          assert(Math.abs(Number(v) - Number(b[k])) <= bound * (1 + Math.abs(Number(v))), name)
        );
      });
    }
  });
}

gpuTest("parameters that cannot go together are updated, too", () => {
  const base = dg.ones(4, 4, { device: "webgpu" });
  // two halves of one buffer, and one that is not row-major
  const params = [base.narrow(0, 0, 2), base.narrow(0, 2, 2), dg.ones(3, 2, { device: "webgpu" }).t()]
    .map((x) => x.detach().requiresGrad_());
  for (const p of params) p.grad = dg.fullLike(p, 2);
  new dg.optim.SGD(params, { lr: 0.25 }).step();
  for (const p of params) assertEquals([...p.detach().cpu().typedArray()].every((v) => v === 0.5), true);
});

gpuTest("a step of many parameters is a few dispatches", (gpu) => {
  const params = Array.from(
    { length: 12 },
    (_, i) => dg.ones(i + 1, { device: "webgpu", requiresGrad: true }),
  );
  const optimizer = new dg.optim.Adam(params);
  const step = () => {
    for (const p of params) p.grad = dg.onesLike(p);
    const before = gpu.commands.recorded;
    optimizer.step();
    return gpu.commands.recorded - before;
  };
  step();
  const together = Math.max(1, Math.min(16, Math.floor(gpu.info.buffersPerKernel / 4)));
  assertEquals(step(), Math.ceil(params.length / together));
});
