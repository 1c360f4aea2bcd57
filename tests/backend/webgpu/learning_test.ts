/** Autograd, modules, losses and random numbers on GPU tensors against the CPU. */
import { assert, assertAlmostEquals, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import * as dg from "../../../mod.ts";
import type { Tensor } from "../../../mod.ts";
import { GpuError } from "../../../src/backend/webgpu/device.ts";
import { philoxBlock } from "../../../src/backend/cpu/philox_js.ts";
import type { Device } from "../../../src/tensor/device.ts";
import { gpuTest } from "./helpers.ts";

const device = "webgpu", F = dg.nn.functional;

function close(got: Tensor, expected: Tensor, what: string, atol = 1e-5): void {
  assertEquals(got.device, device, what);
  assertEquals(got.shape, expected.shape, what);
  assert(
    dg.allclose(got.detach().cpu(), expected.detach(), { atol, rtol: 1e-4, equalNan: true }),
    `${what}: ${got} and not ${expected}`,
  );
}

gpuTest("a module moves with its parameters, their gradients, its buffers and its optimizer", () => {
  dg.manualSeed(3);
  const make = () => new dg.nn.Sequential(new dg.nn.Linear(4, 8), new dg.nn.Tanh(), new dg.nn.Linear(8, 3));
  const net = make(), twin = make();
  twin.loadStateDict(net.stateDict());
  const x = dg.randn(6, 4), y = dg.tensor([0n, 2n, 1n, 1n, -100n, 0n]);
  for (const name of ["SGD", "Adam", "AdamW", "RMSprop"] as const) {
    const optimizers = [net, twin].map((m) => new dg.optim[name](m.parameters(), { lr: 0.01 }));
    const before = net.parameters();
    net.to(device);
    net.parameters().forEach((p, i) => assertStrictEquals(p, before[i]));
    assert(net.parameters().every((p) => p.device === device && p.isLeaf && p.requiresGrad));
    const losses = [net, twin].map((model, k) => {
      const where: Device = k === 0 ? device : "cpu";
      let loss = 0;
      for (let step = 0; step < 4; step++) {
        optimizers[k].zeroGrad();
        const l = F.crossEntropy(model.call(x.to(where)) as Tensor, y.to(where));
        l.backward();
        dg.nn.utils.clipGradNorm_(model.parameters(), 0.5);
        optimizers[k].step();
        loss = l.item() as number;
      }
      return loss;
    });
    assertAlmostEquals(losses[0], losses[1], 1e-5);
    net.parameters().forEach((p, i) => close(p, twin.parameters()[i], `${name}, parameter ${i}`));
    net.cpu();
    assert(net.parameters().every((p) => p.device === "cpu" && p.grad!.device === "cpu"));
  }
  net.to({ device, dtype: "float16" });
  assert(net.parameters().every((p) => p.device === device && p.dtype === "float16"));
  net.to(dg.zeros(1, { device, dtype: "float32" }));
  assert(net.parameters().every((p) => p.device === device && p.dtype === "float32"));
  net.loadStateDict(twin.stateDict()); // across devices
  net.parameters().forEach((p, i) => close(p, twin.parameters()[i], `loaded ${i}`, 0));
  twin.loadStateDict(net.stateDict());
  assertEquals(twin.parameters()[0].device, "cpu");
  assertThrows(
    () => net.call(x),
    TypeError,
    "Expected all tensors to be on the same device, but found at least two devices",
  );
});

gpuTest("losses of classes", () => {
  dg.manualSeed(1);
  const reductions = ["mean", "sum", "none"] as const;
  const cases: [Tensor, Tensor][] = [
    [dg.randn(5, 4), dg.tensor([0n, 3n, 2n, 1n, 3n])],
    [dg.randn(4), dg.tensor(2n)],
    [dg.randn(2, 4, 3), dg.tensor([[0n, 3n, 2n], [-100n, 1n, 1n]])],
    [dg.randn(3, 4), dg.tensor([1n, -100n, 2n])],
  ];
  const weight = dg.rand(4).add(0.5);
  for (const [input, target] of cases) {
    for (const reduction of reductions) {
      for (const more of [{}, { weight }, { labelSmoothing: 0.2 }, { weight, labelSmoothing: 0.2 }]) {
        const run = (where: Device) => {
          const x = input.to(where).clone().requiresGrad_();
          const given = "weight" in more ? { ...more, weight: weight.to(where) } : more;
          const loss = F.crossEntropy(x, target.to(where), { reduction, ...given });
          const [g] = dg.autograd.grad(loss.sum(), x, { createGraph: true });
          const [gg] = dg.autograd.grad(g!.pow(2).sum(), x);
          return [loss, g!, gg!];
        };
        const expected = run("cpu");
        const what = `${input.shape} ${reduction} ${Object.keys(more)}`;
        run(device).forEach((t, i) => close(t, expected[i], `${what}: ${i}`));
        assertEquals(run(device)[0].gradFn?.name(), expected[0].gradFn?.name());
      }
    }
  }
  const wrong = F.nllLoss(dg.randn(2, 3, { device }), dg.tensor([0n, 5n]).to(device));
  assertThrows(() => wrong.item(), GpuError, "Target 5 is out of bounds.");
  const x = dg.rand(3, { device }), y = dg.tensor([1, 0, 1]).to(device);
  close(F.binaryCrossEntropy(x, y), F.binaryCrossEntropy(x.cpu(), y.cpu()), "binary");
  assertThrows(() => F.binaryCrossEntropy(x.add(1), y), RangeError, "between 0 and 1");
});

gpuTest("autograd's functions", () => {
  const x = dg.tensor([0.3, -0.7, 1.1], { dtype: "float64", device, requiresGrad: true });
  const fn = (t: Tensor) => t.mul(t).mul(t).div(3).sub(t);
  assert(dg.autograd.gradcheck(fn, x));
  assert(dg.autograd.gradgradcheck(fn, x));
  const jacobian = dg.autograd.jacobian;
  const plain = x.detach();
  close(jacobian(fn, plain) as Tensor, jacobian(fn, plain.cpu()) as Tensor, "jacobian");

  // hooks, retained gradients, accumulation, writing in place through views
  const seen: Device[] = [];
  const run = (where: Device) => {
    const a = dg.arange(6, { dtype: "float32" }).reshape(2, 3).to(where).requiresGrad_();
    a.registerHook((g) => void seen.push(g.device));
    const b = a.mul(2);
    b.retainGrad();
    b.select(0, 1).mul_(3);
    b.index([0, 0], [1, 2]).sum().add(b.pow(2).sum()).backward();
    a.sum().backward();
    return [a.grad!, b.grad!];
  };
  const expected = run("cpu");
  run(device).forEach((t, i) => close(t, expected[i], `gradient ${i}`));
  assertEquals(seen, ["cpu", "cpu", device, device]);

  class Double extends dg.autograd.Function {
    static override forward(_ctx: unknown, t: Tensor): Tensor {
      return t.mul(2);
    }
    static override backward(_ctx: unknown, g: Tensor): Tensor {
      return g.mul(2);
    }
  }
  const c = dg.ones(2, { device, requiresGrad: true });
  (Double.apply(c) as Tensor).sum().backward();
  assertEquals([c.grad!.device, c.grad!.toArray()], [device, [2, 2]]);
});

gpuTest("PyTorch's random numbers go there; initialisation, too", () => {
  const draws: [string, (device: Device) => Tensor][] = [
    ["rand", (device) => dg.rand(3, 4, { device })],
    ["randn", (device) => dg.randn(40, { device })],
    ["randint", (device) => dg.randint(-3, 9, [20], { device })],
    ["randperm", (device) => dg.randperm(10, { device })],
    ["randnLike", (device) => dg.randnLike(dg.zeros(5, { device }))],
    ["normal_ of a turned view", (device) => dg.zeros(3, 7, { device }).t().normal_(1, 2)],
    ["uniform_ of a part", (device) => dg.zeros(8, { device }).narrow(0, 2, 4).uniform_(-1, 1)],
    ["bernoulli", (device) => dg.full([30], 0.3, { device }).bernoulli()],
    ["exponential_", (device) => dg.zeros(9, { device }).exponential_()],
    ["multinomial", (device) => dg.multinomial(dg.tensor([1, 2, 3], { device }), 8, true)],
    ["dropout", (device) => F.dropout(dg.ones(50, { device }))],
    ["kaimingUniform_", (device) => dg.nn.init.kaimingUniform_(dg.zeros(4, 5, { device }))],
    ["truncNormal_", (device) => dg.nn.init.truncNormal_(dg.zeros(12, { device }))],
    ["orthogonal_", (device) => dg.nn.init.orthogonal_(dg.zeros(3, 3, { device }))],
  ];
  for (const [name, draw] of draws) {
    const [expected, got] = (["cpu", device] as const).map((where) => {
      dg.manualSeed(5);
      return draw(where);
    });
    assertEquals(got.device, device, name);
    assert(dg.equal(got.cpu(), expected), name);
  }
});

Deno.test("philox gives the words of its authors' known answers", () => {
  const out = new Uint32Array(4);
  philoxBlock(0, [0, 0], out);
  assertEquals([...out], [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]);
});

gpuTest("philox: the same bits on both devices, as the distribution says", () => {
  type Draw = (device: Device, generator: dg.Philox) => Tensor;
  const draws: Record<string, Draw> = {
    rand: (device, generator) => dg.rand(100001, { device, generator }),
    randn: (device, generator) => dg.randn(200003, { device, generator }),
    half: (device, generator) => dg.rand(1001, { device, generator, dtype: "float16" }),
    double: (device, generator) => dg.rand(1001, { device, generator, dtype: "float64" }),
    randint: (device, generator) => dg.randint(-5, 17, [1003], { device, generator }),
    wide: (device, generator) => dg.randint(-(2 ** 31), 2 ** 31, [99], { device, generator, dtype: "int32" }),
    uniform_: (device, generator) => dg.zeros(7, 3, { device }).t().uniform_(-2, 3.3, { generator }),
    normal_: (device, generator) => dg.zeros(1000, { device }).normal_(1.1, 0.3, { generator }),
    dropout: (device, generator) => F.dropout(dg.ones(500, { device }), { generator, p: 0.3 }),
    bernoulli_: (device, generator) => dg.zeros(1000, { device }).bernoulli_(0.3, { generator }),
    "beyond 2^32": (device, generator) => {
      generator.offset = 2 ** 32 - 3;
      return dg.rand(100, { device, generator });
    },
  };
  for (const [name, draw] of Object.entries(draws)) {
    const expected = draw("cpu", dg.philox(42)), got = draw(device, dg.philox(42));
    assertEquals(got.device, device, name);
    assertEquals(got.cpu().typedArray(), expected.typedArray(), name);
  }
  const uniform = draws.rand("cpu", dg.philox(1)), normal = draws.randn("cpu", dg.philox(2));
  assertAlmostEquals(uniform.mean().item() as number, 0.5, 5 * 0.289 / Math.sqrt(100001));
  assertAlmostEquals(normal.mean().item() as number, 0, 5 / Math.sqrt(200003));
  assertAlmostEquals(normal.pow(2).mean().item() as number, 1, 5 * Math.SQRT2 / Math.sqrt(200003));
  assertAlmostEquals(normal.pow(4).mean().item() as number, 3, 5 * Math.sqrt(96) / Math.sqrt(200003));

  // one stream, cut anywhere between blocks
  const a = dg.philox(7), b = dg.philox(7);
  const parts = dg.cat([dg.rand(8, { generator: a }), dg.rand(8, { generator: a })]);
  assertEquals(dg.rand(16, { generator: b }).toArray(), parts.toArray());
  assertEquals([a.offset, a.initialSeed()], [4, 7]);
  assert(!dg.equal(dg.rand(4, { generator: dg.philox(8) }), dg.rand(4, { generator: dg.philox(7) })));
  assertThrows(() => dg.philox(1.5), RangeError, "seed must be an integer");
  assertThrows(() => dg.randperm(3, { generator: a }), TypeError, "use a Generator");
  assertThrows(() => dg.zeros(2).normal_(0, -1, { generator: a }), RangeError);
  assertThrows(() => dg.randint(0, 2 ** 40, [2], { generator: a }), RangeError, "32 bits");
});
