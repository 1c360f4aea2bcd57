/** Compiled functions on the GPU: reductions take what leads to them into their kernel. */
import { assert, assertEquals } from "@std/assert";
import { compile, randn, type Tensor } from "../../../mod.ts";
import { gpuTest } from "./helpers.ts";

/** Whether two tensors are the same up to the rounding of float32. */
function close(a: Tensor, b: Tensor): boolean {
  return a.cpu().allclose(b.cpu(), { rtol: 1e-5, atol: 1e-5 });
}

const functions: Record<string, readonly [(x: Tensor, y: Tensor) => Tensor, number]> = {
  "sum of squares": [(x, y) => x.sub(y).square().sum(), 1],
  "mean of rows": [(x, y) => x.mul(y).add(0.5).mean(1), 1],
  "largest of columns": [(x, y) => x.mul(y).amax(0), 1],
  "deviation": [(x, y) => x.add(y).std(1), 1],
  "squares, and a row for every group": [(x, y) => x.sub(y.narrow(0, 0, 1)).square().sum(0), 1],
};

gpuTest("compiled reductions are one kernel, and agree", () => {
  for (const [name, [fn, passes]] of Object.entries(functions)) {
    for (const shape of [[4, 5], [300, 70], [2, 70_000]]) {
      const x = randn(shape, { device: "webgpu" }), y = randn(shape, { device: "webgpu" });
      const compiled = compile(fn), out = compiled(x, y);
      assertEquals(out.device, "webgpu");
      assert(close(out, fn(x, y)), `${name} of ${shape}: ${out}, not ${fn(x, y)}`);
      assertEquals(compile.explain(fn)(x, y).kernels.length, passes, name);
    }
  }
});

gpuTest("compiled reductions have gradients", () => {
  const loss = (x: Tensor, y: Tensor) => x.mul(y).tanh().square().mean();
  const there = [0, 1].map(() => randn([20, 30], { device: "webgpu" }).requiresGrad_());
  const here = there.map((t) => t.detach().clone().requiresGrad_());
  compile(loss)(there[0], there[1]).backward();
  loss(here[0], here[1]).backward();
  there.forEach((t, i) => assert(close(t.grad!, here[i].grad!)));
});
