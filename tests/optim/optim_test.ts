/** Optimizers: groups, state, texts, layouts; and that training needs no more memory the longer it runs. */
import { assert, assertAlmostEquals, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import * as dg from "../../mod.ts";

const { nn, optim } = dg;

type AnyOptimizer = dg.optim.lrScheduler.AnyOptimizer;

const leaf = (...values: number[]): dg.Tensor => dg.tensor(values, { requiresGrad: true });

/** Every optimizer with options that change something. */
const makers: Record<string, (params: dg.Tensor[]) => AnyOptimizer> = {
  SGD: (p) => new optim.SGD(p, { lr: 0.05, momentum: 0.9, weightDecay: 0.01 }),
  Adam: (p) => new optim.Adam(p, { lr: 0.1, amsgrad: true }),
  AdamW: (p) => new optim.AdamW(p, { lr: 0.1 }),
  Adamax: (p) => new optim.Adamax(p, { lr: 0.2 }),
  NAdam: (p) => new optim.NAdam(p, { lr: 0.1 }),
  RAdam: (p) => new optim.RAdam(p, { lr: 0.3 }),
  RMSprop: (p) => new optim.RMSprop(p, { lr: 0.03, momentum: 0.5, centered: true }),
  Adagrad: (p) => new optim.Adagrad(p, { lr: 0.8 }),
  Adadelta: (p) => new optim.Adadelta(p, { lr: 30 }),
  ASGD: (p) => new optim.ASGD(p, { lr: 0.1 }),
  Rprop: (p) => new optim.Rprop(p, { lr: 0.1 }),
};

/** A bowl with its bottom at 1, 2, 3. */
const bowl = (x: dg.Tensor): dg.Tensor =>
  x.sub(dg.tensor([1, 2, 3])).square().mul(dg.tensor([1, 2, 0.5])).sum();

function train(x: dg.Tensor, optimizer: AnyOptimizer, steps: number): number {
  for (let i = 0; i < steps; i++) {
    optimizer.zeroGrad();
    bowl(x).backward();
    optimizer.step();
  }
  return bowl(x).item() as number;
}

for (const [name, make] of Object.entries(makers)) {
  Deno.test(`${name} finds the bottom of a bowl`, () => {
    const x = leaf(0, 0, 0);
    const loss = train(x, make([x]), 200);
    assert(loss < 0.01, `the loss is ${loss} at ${x}`);
    assert(x.isLeaf && x.requiresGrad && x.gradFn === null);
  });

  Deno.test(`${name} goes on after its state was saved and loaded`, () => {
    const x = leaf(0, 0, 0), first = make([x]);
    train(x, first, 7);
    const saved = first.stateDict(), y = x.detach().clone().requiresGrad_();
    const second = make([y]);
    second.loadStateDict(saved);
    train(x, first, 5);
    train(y, second, 5);
    assertEquals(y.toArray(), x.toArray());
  });

  Deno.test(`${name} changes tensors of any layout as it changes plain ones`, () => {
    const plain = leaf(0, 0, 0);
    const base = dg.zeros(3, 2), x = base.select(1, 1).detach().requiresGrad_();
    train(plain, make([plain]), 5);
    train(x, make([x]), 5);
    assertEquals(x.toArray(), plain.toArray());
    assertEquals(base.select(1, 0).toArray(), [0, 0, 0]);
  });
}

Deno.test("LBFGS finds the bottom of a bowl, and goes on after its state was saved and loaded", () => {
  const x = leaf(0, 0, 0), y = leaf(0, 0, 0);
  const make = (p: dg.Tensor) => new optim.LBFGS([p], { lr: 0.3, maxIter: 3, historySize: 4 });
  const step = (p: dg.Tensor, o: dg.optim.LBFGS) =>
    o.step(() => {
      o.zeroGrad();
      const loss = bowl(p);
      loss.backward();
      return loss;
    });
  const first = make(x), second = make(y);
  step(x, first);
  dg.noGrad(() => y.copy_(x));
  second.loadStateDict(first.stateDict());
  for (let i = 0; i < 30; i++) step(x, first);
  for (let i = 0; i < 30; i++) step(y, second);
  assertEquals(y.toArray(), x.toArray());
  assert((bowl(x).item() as number) < 1e-6);
  assertThrows(() => first.step(), TypeError, "closure");
});

Deno.test("a step counts as a write: what was saved for a backward pass is noticed", () => {
  const w = leaf(2, 3), loss = w.mul(w).sum();
  w.grad = dg.ones(2);
  new optim.SGD([w], { lr: 0.1 }).step();
  assertThrows(() => loss.backward(), TypeError, "modified by an inplace operation");
});

Deno.test("parameters without a gradient stay, and get no state", () => {
  const [a, b] = [leaf(1), leaf(1)], o = new optim.Adam([a, b]);
  a.grad = dg.ones(1);
  o.step();
  assertEquals([b.item(), o.state.has(a), o.state.has(b)], [1, true, false]);
});

Deno.test("groups have options of their own, which may change between steps", () => {
  const [a, b] = [leaf(1), leaf(1)];
  const o = new optim.SGD([{ params: [a] }, { params: b, lr: 1 }], { lr: 0.5 });
  const step = () => {
    for (const p of [a, b]) p.grad = dg.ones(1);
    o.step();
  };
  step();
  assertEquals([a.item(), b.item()], [0.5, 0]);
  o.paramGroups[0].lr = 2;
  step();
  assertEquals([a.item(), b.item()], [-1.5, -1]);
  const c = leaf(1);
  o.addParamGroup({ params: [c] });
  assertEquals(o.paramGroups.map((g) => g.lr), [2, 1, 0.5]);
  assertThrows(() => o.addParamGroup({ params: [a] }), TypeError, "more than one parameter group");
  assertThrows(() => o.addParamGroup({ params: [leaf(1)], rate: 1 } as never), TypeError, '"rate"');
});

Deno.test("step takes a closure, with gradients on even inside noGrad", () => {
  const x = leaf(3), o = new optim.SGD([x], { lr: 0.25 });
  const loss = dg.noGrad(() =>
    o.step(() => {
      o.zeroGrad();
      const value = x.square().sum();
      value.backward();
      return value;
    })
  );
  assertEquals([(loss as dg.Tensor).item(), x.item()], [9, 1.5]);
});

Deno.test("half precision and double precision parameters train, too", () => {
  for (const dtype of ["float16", "float64"] as const) {
    const x = dg.zeros([3], { dtype, requiresGrad: true }), o = new optim.Adam([x], { lr: 0.1 });
    for (let i = 0; i < 100; i++) {
      o.zeroGrad();
      x.sub(1).square().sum().backward();
      o.step();
    }
    assertEquals(x.dtype, dtype);
    assertAlmostEquals(x.sum().item() as number, 3, 0.05);
  }
});

Deno.test("an optimizer prints as in PyTorch", () => {
  const o = new optim.SGD([{ params: [leaf(1)] }, { params: [leaf(1)], lr: 0.01 }], {
    lr: 1e-5,
    momentum: 0.9,
  });
  assertEquals(
    String(o),
    `SGD (
Parameter Group 0
    dampening: 0
    differentiable: False
    foreach: None
    fused: None
    lr: 1e-05
    maximize: False
    momentum: 0.9
    nesterov: False
    weight_decay: 0
Parameter Group 1
    dampening: 0
    differentiable: False
    foreach: None
    fused: None
    lr: 0.01
    maximize: False
    momentum: 0.9
    nesterov: False
    weight_decay: 0
)`,
  );
});

Deno.test("unknown options and those out of range are refused", () => {
  assertThrows(() => new optim.Adam([leaf(1)], { learningRate: 1 } as never), TypeError, '"learningRate"');
  assertThrows(() => new optim.SGD([leaf(1)], { differentiable: true }), TypeError, "not supported");
  assertThrows(() => new optim.RMSprop([leaf(1)], { alpha: -1 }), RangeError, "Invalid alpha value: -1");
  const sgd = new optim.SGD([leaf(1)]);
  assertThrows(() => new optim.lrScheduler.StepLR(sgd, 1, { rate: 2 } as never), TypeError, '"rate"');
  assertThrows(() => new optim.lrScheduler.ExponentialLR({} as never, 1), TypeError, "not an Optimizer");
});

Deno.test("a schedule goes on after its state was saved and loaded", () => {
  const make = () => {
    const o = new optim.SGD([leaf(1)], { lr: 1 });
    return { o, s: new optim.lrScheduler.CosineAnnealingLR(o, 10) };
  };
  const [a, b] = [make(), make()];
  for (let i = 0; i < 4; i++) {
    a.o.step();
    a.s.step();
  }
  b.s.loadStateDict(a.s.stateDict());
  b.o.loadStateDict(a.o.stateDict());
  for (const { o, s } of [a, b]) {
    o.step();
    s.step();
  }
  assertEquals(b.s.getLastLr(), a.s.getLastLr());
  assertEquals(b.o.paramGroups[0].lr, a.o.paramGroups[0].lr);
});

Deno.test("gradients are clipped by their norm together, and by value", () => {
  const [a, b] = [leaf(1, 1), leaf(1)];
  a.grad = dg.tensor([3, 0]);
  b.grad = dg.tensor([4]);
  assertEquals(nn.utils.clipGradNorm_([a, b], 1).item(), 5);
  assertAlmostEquals((b.grad as dg.Tensor).item() as number, 0.8, 1e-6);
  nn.utils.clipGradValue_([a, b], 0.7);
  assertAlmostEquals((b.grad as dg.Tensor).item() as number, 0.7, 1e-6);
  const grad = a.grad;
  a.grad!.fill_(NaN);
  assertThrows(() => nn.utils.clipGradNorm_(a, 1, { errorIfNonfinite: true }), RangeError, "non-finite");
  assertStrictEquals(a.grad, grad);
});

Deno.test("10,000 steps of training need no more memory than the first ones", () => {
  dg.manualSeed(0);
  const x = dg.randn(32, 8), y = dg.randn(32, 1);
  const net = new nn.Sequential(new nn.Linear(8, 16), new nn.ReLU(), new nn.Linear(16, 1));
  const optimizer = new optim.Adam(net.parameters()), lossOf = new nn.MSELoss();
  const first = lossOf(net(x), y).item() as number;
  let peak = 0, early = 0;
  for (let i = 0; i < 10_000; i++) {
    const loss = lossOf(net(x), y);
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
    if (i % 100 === 0) {
      const { heapUsed, external } = Deno.memoryUsage();
      peak = Math.max(peak, heapUsed + external);
      if (i === 2000) early = peak;
    }
  }
  const last = lossOf(net(x), y).item() as number;
  assert(last < first / 10, `the loss went from ${first} to ${last}`);
  assert(peak < early + 32 * 2 ** 20, `memory grew from ${early >> 20} MB to ${peak >> 20} MB`);
});
