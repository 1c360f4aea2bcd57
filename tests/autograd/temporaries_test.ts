/** Gradients on their way give their GPU memory back, and nothing that a user can hold is given back. */
import { assertEquals, assertThrows } from "@std/assert";
import * as dg from "../../mod.ts";
import { gpuTest } from "../backend/webgpu/helpers.ts";

/** A tensor of a size class of its own, on the GPU. */
const leaf = (value: number, n = 5000): dg.Tensor =>
  dg.full([n], value, { device: "webgpu" }).requiresGrad_();

const all = (t: dg.Tensor | null, value: number) =>
  assertEquals(t!.detach().typedArray().every((v) => v === value), true, `${t}`);

gpuTest("a backward pass reuses the memory of its temporaries", (gpu) => {
  const x = leaf(2);
  const step = () => {
    x.grad = null;
    let y = x.mul(1);
    for (let i = 0; i < 20; i++) y = y.mul(-1);
    const before = gpu.memory.statistics().created;
    y.backward(dg.onesLike(y));
    return gpu.memory.statistics().created - before;
  };
  step();
  const created = step();
  assertEquals(created <= 3, true, `${created} new buffers for 21 gradients`);
  all(x.grad, 1);
});

gpuTest("what hooks, custom functions, grad() and retainGrad() see stays", () => {
  const kept: dg.Tensor[] = [];
  class Twice extends dg.autograd.Function {
    static override forward(_: dg.autograd.FunctionContext, x: dg.Tensor): dg.Tensor {
      return x.mul(2);
    }
    static override backward(_: dg.autograd.FunctionContext, g: dg.Tensor): dg.Tensor {
      const mine = g.mul(2);
      kept.push(g, mine);
      return mine;
    }
  }
  const x = leaf(3), z = leaf(5);
  const a = x.mul(2), b = Twice.apply(a) as dg.Tensor, c = b.mul(z).add(b);
  a.retainGrad();
  b.registerHook((g) => {
    kept.push(g);
    const other = g.mul(10);
    kept.push(other);
    return other;
  });
  c.mul(1).backward(dg.onesLike(c));
  const later = dg.zeros(5000, { device: "webgpu" }); // takes what was given back
  for (let i = 0; i < 10; i++) dg.zeros(5000, { device: "webgpu" }).add(7);
  all(later, 0);
  all(x.grad, 6 * 10 * 2 * 2);
  all(a.grad, 6 * 10 * 2);
  all(z.grad, 12);
  kept.forEach((g, i) => all(g, [6, 60, 60, 120][i]));
  const y = x.mul(x), [g] = dg.autograd.grad(y.mul(1), [y], { gradOutputs: dg.onesLike(y) });
  for (let i = 0; i < 10; i++) dg.zeros(5000, { device: "webgpu" }).add(7);
  all(g, 1);
});

gpuTest("one gradient for two leaves, and the caller's own", () => {
  const x = leaf(1), y = leaf(1), start = dg.onesLike(x);
  x.add(y).backward(start);
  x.grad!.add_(1);
  for (let i = 0; i < 10; i++) dg.zeros(5000, { device: "webgpu" }).add(7);
  all(x.grad, 2);
  all(y.grad, 1);
  all(start, 1);
  x.add(y).backward(start); // adds up
  all(x.grad, 3);
  all(y.grad, 2);
});

gpuTest("graphs of graphs, and passes inside of a pass", () => {
  const x = leaf(3), y = x.mul(x).mul(x);
  const [g] = dg.autograd.grad(y, [x], { gradOutputs: dg.onesLike(y), createGraph: true });
  g.backward(dg.onesLike(g));
  all(g, 27);
  all(x.grad, 18);
  const z = leaf(2);
  const out = dg.autograd.checkpoint((t: dg.Tensor) => t.mul(t).mul(2), z) as dg.Tensor;
  out.mul(3).backward(dg.onesLike(out));
  all(z.grad, 24);
});

gpuTest("what the backward hooks of modules see stays", () => {
  const net = new dg.nn.Sequential(
    new dg.nn.Linear(70, 70),
    new dg.nn.Tanh(),
    new dg.nn.Linear(70, 70),
    new dg.nn.Tanh(),
  );
  const x = dg.randn(80, 70);
  const run = (device: dg.Device) => {
    const kept: dg.Tensor[] = [], early: number[] = [];
    net.to(device).zeroGrad();
    const handles = [...net.children()].map((layer) =>
      layer.registerFullBackwardHook((_, inputs, outputs) => {
        const seen = [...inputs, ...outputs].filter((g) => g !== null);
        kept.push(...seen, ...seen.map((g) => g.t()));
        early.push(...seen.map((g) => g.abs().sum().item() as number));
        return inputs.map((g) => g === null ? null : g.mul(2));
      })
    );
    net.call(x.to(device).requiresGrad_()).sin().mul(2).sum().backward();
    for (let i = 0; i < 20; i++) dg.full([80, 70], 777, { device }).add(1); // takes what was given back
    for (const handle of handles) handle.remove();
    const late = [...kept, ...net.parameters().map((p) => p.grad!)].map((g) =>
      g.abs().sum().item() as number
    );
    return [...early, ...late];
  };
  const expected = run("cpu"), got = run("webgpu");
  assertEquals(got.length, expected.length);
  got.forEach((v, i) => assertEquals(Math.abs(v - expected[i]) <= 1e-3 * expected[i], true, `${i}: ${v}`));
});

gpuTest("gradients that come back on another device are refused", () => {
  class Home extends dg.autograd.Function {
    static override forward(_: dg.autograd.FunctionContext, x: dg.Tensor): dg.Tensor {
      return x.mul(2);
    }
    static override backward(_: dg.autograd.FunctionContext, g: dg.Tensor): dg.Tensor {
      return g.cpu();
    }
  }
  const x = leaf(3), y = Home.apply(x) as dg.Tensor;
  assertThrows(() => y.sum().backward(), TypeError, "at index 0 - expected device webgpu but got cpu");
  const { remove } = x.registerHook((g) => g.cpu());
  const was = "hook has changed the type of value (was webgpu tensor got cpu tensor)";
  assertThrows(() => x.mul(2).sum().backward(), TypeError, was);
  assertEquals(x.grad, null);
  remove();
  x.mul(2).cpu().mul(3).sum().backward(); // on the way they may change
  all(x.grad, 6);
});
