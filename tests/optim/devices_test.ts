/** Optimizers whose state was made on another device than their parameters are on now. */
import { assertEquals, assertThrows } from "@std/assert";
import * as dg from "../../mod.ts";
import { gpuTest } from "../backend/webgpu/helpers.ts";

type Optimizer = dg.optim.Adam | dg.optim.SGD | dg.optim.RMSprop;

const make: [string, (p: dg.Tensor[]) => Optimizer][] = [
  ["Adam", (p) => new dg.optim.Adam(p, { lr: 0.1 })],
  ["SGD", (p) => new dg.optim.SGD(p, { lr: 0.1, momentum: 0.9 })],
  ["RMSprop", (p) => new dg.optim.RMSprop(p, { lr: 0.1 })],
];

function step(p: dg.Tensor, optimizer: Optimizer): void {
  optimizer.zeroGrad();
  p.square().sum().backward();
  optimizer.step();
}

const start = (device: dg.Device) => dg.tensor([1, -2, 3], { device, requiresGrad: true });

for (const [name, of] of make) {
  gpuTest(`the state of ${name} is loaded to where the parameters are`, () => {
    for (const [from, to] of [["cpu", "webgpu"], ["webgpu", "cpu"]] as const) {
      const p = start(from), old = of([p]), q = start(to), next = of([q]);
      step(p, old);
      next.loadStateDict(old.stateDict());
      q.detach().copy_(p.detach());
      step(p, old);
      step(q, next);
      const difference = q.detach().cpu().sub(p.detach().cpu()).abs().max().item() as number;
      assertEquals(difference < 1e-6, true, `${name} from ${from} to ${to}: ${difference}`);
    }
  });

  gpuTest(`${name} refuses a state that stayed on another device`, () => {
    for (const [from, to] of [["cpu", "webgpu"], ["webgpu", "cpu"]] as const) {
      const p = start(from), optimizer = of([p]);
      step(p, optimizer);
      p.data = p.data.to(to);
      p.grad = null;
      const before = p.detach().toArray();
      p.square().sum().backward();
      assertThrows(() => optimizer.step(), TypeError, "Expected all tensors to be on the same device");
      assertEquals(p.detach().toArray(), before);
    }
  });
}
