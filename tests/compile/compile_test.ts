/** Compiled functions are what they are without: values, gradients, errors, randomness, writes in place, and what they close over. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import * as dg from "../../mod.ts";

const { nn, optim } = dg;

/** Values of tensors that must be the same to the last bit. */
function same(got: dg.Tensor, want: dg.Tensor): void {
  assertEquals(got.dtype, want.dtype);
  assertEquals(got.shape, want.shape);
  assertEquals(got.toArray(), want.toArray());
}

/** The text of what a function throws. */
function thrown(fn: () => unknown): string {
  try {
    fn();
  } catch (error) {
    return `${error}`;
  }
  return "nothing";
}

Deno.test("a module trains in a compiled function as it does without", () => {
  const runs = [false, true].map((wanted) => {
    dg.manualSeed(3);
    const model = new nn.Sequential(
      new nn.Linear(7, 9),
      new nn.ReLU(),
      new nn.Dropout(0.2),
      new nn.Linear(9, 3),
    );
    const optimizer = new optim.Adam(model.parameters(), { lr: 0.05 });
    const step = (x: dg.Tensor, y: dg.Tensor) => model(x).tanh().sub(y).square().mean();
    const loss = wanted ? dg.compile(step) : step, losses: number[] = [];
    for (let i = 0; i < 12; i++) {
      const n = i === 5 ? 4 : 6; // another shape in between
      const l = loss(dg.randn(n, 7), dg.randn(n, 3));
      optimizer.zeroGrad();
      l.backward();
      optimizer.step();
      losses.push(l.item() as number);
      if (i === 8) model.eval();
    }
    return { losses, weights: model.parameters() };
  });
  assertEquals(runs[1].losses, runs[0].losses);
  const { weights } = runs[0];
  runs[1].weights.forEach((w, i) => same(w, weights[i]));
});

Deno.test("a compiled module gives what the module gives", () => {
  const model = new nn.Sequential(new nn.Linear(3, 4), new nn.Tanh());
  const x = dg.randn(5, 3);
  same(dg.compile(model)(x), model(x));
  const compiled = dg.compile(model);
  compiled(x).sum().backward();
  const w = model.parameters()[0], g = w.grad!;
  w.grad = null;
  model(x).sum().backward();
  same(g, w.grad!);
});

Deno.test("what a function closes over may change between calls", () => {
  let factor = 2, w = dg.tensor([1, 2, 3]);
  const f = dg.compile((x: dg.Tensor) => x.mul(factor).add(w).exp());
  const x = dg.tensor([0.5, 0.25, 0]);
  same(f(x), x.mul(2).add(w).exp());
  factor = -1;
  w = dg.tensor([7, 8, 9]);
  same(f(x), x.mul(-1).add(w).exp());
  w.sub_(6);
  same(f(x), x.mul(-1).add(dg.tensor([1, 2, 3])).exp());
});

Deno.test("shapes, dtypes and layouts may change between calls", () => {
  const f = (x: dg.Tensor, y: dg.Tensor) => x.mul(y).add(x.gt(y).to("float32")).sum(0);
  const compiled = dg.compile(f);
  const x = dg.randn(4, 6), y = dg.randn(4, 6);
  for (
    const [a, b] of [
      [x, y],
      [x.t(), y.t()],
      [x, y.narrow(0, 1, 1)],
      [x.to("float64"), y],
      [x["::2"], y["::2"]],
      [x.to("int32"), y.to("int32")],
      [dg.zeros(0, 3), dg.zeros(0, 3)],
      [x, y],
    ] as [dg.Tensor, dg.Tensor][]
  ) same(compiled(a, b), f(a, b));
});

Deno.test("a function may look at values and branch", () => {
  const f = (x: dg.Tensor) => {
    const y = x.mul(2).sin();
    if ((y.sum().item() as number) > 0) return y.add(1).mul(y);
    return y.sub(1).abs();
  };
  const compiled = dg.compile(f);
  for (const v of [0.3, -0.3, 0.3]) same(compiled(dg.full([4], v)), f(dg.full([4], v)));
});

Deno.test("results come in arrays and objects, and as inputs and views of them", () => {
  const f = dg.compile((x: dg.Tensor) => ({ x, row: x[0], list: [x.add(1).t(), { deep: x.mul(2) }], n: 5 }));
  const x = dg.randn(3, 4), { row, list, n, ...rest } = f(x);
  assert(rest.x === x);
  assertEquals(n, 5);
  assert(row.storage === x.storage);
  same(list[0] as dg.Tensor, x.add(1).t());
  same((list[1] as { deep: dg.Tensor }).deep, x.mul(2));
});

Deno.test("random numbers are drawn on every call as without", () => {
  const f = (x: dg.Tensor) => nn.functional.dropout(x.mul(2), { p: 0.3 }).add(dg.rand(x.shape).mul(x));
  const x = dg.randn(40), compiled = dg.compile(f);
  const results = [f, compiled].map((g) => {
    dg.manualSeed(11);
    return [g(x), g(x)];
  });
  same(results[1][0], results[0][0]);
  same(results[1][1], results[0][1]);
  assert(!dg.equal(results[0][0], results[0][1]));
});

Deno.test("writes in place happen, before and after what reads", () => {
  const f = (x: dg.Tensor, buffer: dg.Tensor) => {
    const before = buffer.mul(2), y = x.sin();
    dg.noGrad(() => buffer.mul_(0.9).add_(y.detach().mean(0).mul(0.1)));
    const z = y.mul(buffer);
    z.add_(1);
    z[0] = 3;
    y.detach().mul_(2); // seen by what shares y's memory
    return [before, y, z, z.mul(z)];
  };
  const x = dg.randn(5, 4), buffers = [dg.ones(4), dg.ones(4)], compiled = dg.compile(f);
  for (let i = 0; i < 3; i++) {
    const want = f(x, buffers[0]), got = compiled(x, buffers[1]);
    got.forEach((t, k) => same(t, want[k]));
    same(buffers[1], buffers[0]);
  }
});

Deno.test("gradients flow through writes in place", () => {
  const f = (x: dg.Tensor) => {
    const y = x.mul(3).add(1);
    y[1].mul_(2);
    y.add_(x);
    return y.tanh().sum();
  };
  const leaves = [0, 1].map(() => dg.tensor([[0.1, 0.2], [0.3, -0.4]], { requiresGrad: true }));
  f(leaves[0]).backward();
  dg.compile(f)(leaves[1]).backward();
  same(leaves[1].grad!, leaves[0].grad!);
});

Deno.test("errors are the same, and the next call works", () => {
  const f = (x: dg.Tensor, y: dg.Tensor) => x.sin().add(y).mm(x);
  const compiled = dg.compile(f), ok = dg.randn(3, 3);
  for (
    const bad of [
      dg.randn(4, 5),
      dg.randn(3, 1, 3),
      dg.ones(3, 3, { dtype: "float64" }),
      5 as unknown as string,
    ]
  ) {
    const want = thrown(() => f(ok, bad as dg.Tensor));
    assertEquals(thrown(() => compiled(ok, bad as dg.Tensor)), want);
  }
  same(compiled(ok, ok), f(ok, ok));
  const g = (x: dg.Tensor) =>
    x.add(1).floorDivide(dg.zeros(2, { dtype: "int32" })).add(dg.tensor([1n, 2n]).remainder(0n));
  assertEquals(thrown(() => dg.compile(g)(dg.ones(2))), thrown(() => g(dg.ones(2))));
});

Deno.test("errors of the backward pass are the same", () => {
  const f = (x: dg.Tensor) => {
    const y = x.mul(2).exp();
    const z = y.mul(y).sum();
    y.add_(1);
    return z;
  };
  const messages = [f, dg.compile(f)].map((g) =>
    thrown(() => g(dg.ones(3).requiresGrad_()).backward()).replace(/\d+; expected version \d+/, "")
  );
  assertEquals(messages[1], messages[0]);
  assert(messages[0].includes("modified by an inplace operation"));
  const twice = (g: (x: dg.Tensor) => dg.Tensor) => {
    const loss = g(dg.ones(3).requiresGrad_());
    loss.backward();
    return thrown(() => loss.backward());
  };
  const h = (x: dg.Tensor) => x.sin().exp().sum();
  assertEquals(twice(dg.compile(h)), twice(h));
  const leaf = dg.ones(3).requiresGrad_();
  const k = (x: dg.Tensor) => x.mul(2).add(leaf.mul_(2));
  assertEquals(thrown(() => dg.compile(k)(leaf)), thrown(() => k(leaf)));
});

Deno.test("gradients of gradients", () => {
  const f = (x: dg.Tensor) => x.sin().mul(x.exp()).pow(2).sum();
  const compiled = dg.compile(f),
    results = [f, compiled].map((g) => {
      const x = dg.tensor([0.1, -0.7, 2], { dtype: "float64", requiresGrad: true });
      const [first] = dg.autograd.grad(g(x), x, { createGraph: true });
      const [second] = dg.autograd.grad(first.mul(first).sum(), x, { createGraph: true });
      second.sum().backward();
      return [first.detach(), second.detach(), x.grad!];
    });
  results[1].forEach((t, i) => same(t, results[0][i]));
  assert(
    dg.autograd.gradgradcheck(compiled, [dg.tensor([0.3, 1.2], { dtype: "float64", requiresGrad: true })]),
  );
  same(
    dg.autograd.hessian(compiled, dg.tensor([0.3, 1.2])) as dg.Tensor,
    dg.autograd.hessian(f, dg.tensor([0.3, 1.2])) as dg.Tensor,
  );
});

Deno.test("hooks, retained gradients, the graph's nodes and accumulation are as without", () => {
  const runs = [false, true].map((wanted) => {
    const x = dg.tensor([1, 2, 3], { requiresGrad: true }), seen: dg.Tensor[] = [];
    let inner: dg.Tensor | null = null;
    const f = (t: dg.Tensor) => {
      inner = t.mul(2);
      inner.retainGrad();
      inner.registerHook((g) => {
        seen.push(g);
        return g.mul(10);
      });
      return inner.sin().sum();
    };
    x.registerHook((g) => void seen.push(g));
    const g = wanted ? dg.compile(f) : f;
    const out = g(x);
    const names = [out.gradFn!.name(), out.gradFn!.nextFunctions[0][0]!.name()];
    out.backward({ retainGraph: true });
    out.backward();
    return { names, grads: [x.grad!, inner!.grad!, ...seen] };
  });
  assertEquals(runs[1].names, runs[0].names);
  assertEquals(runs[1].names, ["SumBackward0", "SinBackward0"]);
  assertEquals(runs[1].grads.length, 6);
  runs[1].grads.forEach((g, i) => same(g, runs[0].grads[i]));
});

Deno.test("custom functions and checkpoints inside", () => {
  class Cube extends dg.autograd.Function {
    static override forward(ctx: dg.autograd.FunctionContext, x: dg.Tensor): dg.Tensor {
      ctx.saveForBackward(x);
      return x.mul(x).mul(x);
    }
    static override backward(ctx: dg.autograd.FunctionContext, g: dg.Tensor): dg.Tensor {
      const [x] = ctx.savedTensors;
      return g.mul(3).mul(x).mul(x);
    }
  }
  const w = [0, 1].map(() => dg.tensor([2, 3], { requiresGrad: true }));
  const f = (x: dg.Tensor, w: dg.Tensor) =>
    Cube.apply(x.sin()).add(dg.autograd.checkpoint((t: dg.Tensor) => t.mul(w).exp(), x)).sum();
  const xs = [0, 1].map(() => dg.tensor([0.5, 0.6], { requiresGrad: true }));
  f(xs[0], w[0]).backward();
  dg.compile(f)(xs[1], w[1]).backward();
  same(xs[1].grad!, xs[0].grad!);
  same(w[1].grad!, w[0].grad!);
});

Deno.test("noGrad, inferenceMode and detach inside and outside", () => {
  const f = (x: dg.Tensor) => dg.noGrad(() => x.mul(2)).add(x.detach().sin()).add(x);
  const compiled = dg.compile(f), x = dg.randn(3).requiresGrad_();
  same(compiled(x), f(x));
  compiled(x).sum().backward();
  same(x.grad!, dg.ones(3));
  assertEquals(dg.noGrad(() => compiled(x)).requiresGrad, false);
  assertEquals(compiled(x).requiresGrad, true);
  const out = dg.inferenceMode(() => compiled(x));
  assertEquals(thrown(() => out.add_(1)), thrown(() => dg.inferenceMode(() => f(x)).add_(1)));
});

Deno.test("a tensor that leaves by another way is there when it is read, or says why it cannot be", () => {
  const x = dg.tensor([1, 2, 3]);
  let inner = x;
  const f = dg.compile((t: dg.Tensor) => {
    inner = t.mul(2);
    return inner.add(1);
  });
  f(x);
  same(inner, dg.tensor([2, 4, 6]));
  f(x);
  x.add_(1);
  same(inner, dg.tensor([2, 4, 6])); // it has happened before
  same(f(x), dg.tensor([5, 7, 9]));

  let other = x;
  const g = dg.compile((t: dg.Tensor) => {
    other = t.mul(2);
    return other.add(1);
  });
  for (const write of [() => x.add_(1), () => x.data.add_(1)]) {
    const h = dg.compile((t: dg.Tensor) => g(t)); // fresh
    h(x);
    write();
    assertThrows(() => other.toArray(), TypeError, "was made inside a compiled function and left it");
  }
  let late = x;
  for (const wrap of [(t: dg.Tensor) => () => t, (t: dg.Tensor) => new Set([t])]) {
    dg.compile(() => wrap(late = x.mul(2)))();
    const want = x.mul(2);
    x.add_(1);
    same(late, want); // nobody knows what such a result holds
  }
});

Deno.test("writes through typed arrays come after what was computed before", () => {
  const f = (x: dg.Tensor) => {
    const y = x.mul(2);
    x.typedArray()[0] = 100;
    return [y, x.mul(3)];
  };
  const [y, z] = dg.compile(f)(dg.tensor([1, 2]));
  same(y, dg.tensor([2, 4]));
  same(z, dg.tensor([300, 6]));
});

Deno.test("masks are made on the way", () => {
  const f = (x: dg.Tensor) => {
    const mask = x.gt(-1).logicalAnd(x.lt(1)).logicalOr(x.isnan());
    return [dg.where(mask, x, 0).sum(), mask, mask.logicalNot().to("float32").mul(x)];
  };
  const x = dg.randn(5, 6);
  f(x).forEach((want, i) => same(dg.compile(f)(x)[i], want));
  assertEquals(dg.compile.explain(f)(x).breaks, []);
});

Deno.test("what a backward pass does with parts of one compiled function in another", () => {
  const a = dg.compile((x: dg.Tensor) => x.sin().mul(2)), b = dg.compile((x: dg.Tensor) => a(x).add(x).exp());
  const xs = [0, 1].map(() => dg.tensor([0.5, 0.1], { requiresGrad: true }));
  b(a(xs[0])).sum().backward();
  const plain = (x: dg.Tensor) => x.sin().mul(2);
  const t = plain(xs[1]);
  plain(t).add(t).exp().sum().backward();
  same(xs[0].grad!, xs[1].grad!);
});

Deno.test("an async function is compiled up to its first await, and right after it", async () => {
  const f = dg.compile(async (x: dg.Tensor) => {
    const y = x.mul(2).sin();
    await Promise.resolve();
    return y.add(1);
  });
  const x = dg.randn(3), pending = f(x);
  const other = x.add(1); // not recorded
  assertEquals(other.storage.isValue, false);
  same(await pending, x.mul(2).sin().add(1));
});

Deno.test("a very long chain of operations is computed in parts", () => {
  const f = (x: dg.Tensor) => {
    for (let i = 0; i < 3000; i++) x = x.mul(0.999).add(0.001);
    return x;
  };
  const x = dg.randn(20);
  same(dg.compile(f)(x), f(x));
});

Deno.test("what fn does with a wrong argument of compile", () => {
  assertThrows(() => dg.compile(5 as unknown as () => void), TypeError, "compile");
  assertThrows(() => dg.compile.explain("x" as unknown as () => void), TypeError, "compile.explain");
  assertThrows(() => dg.compile.explain(() => 1, { forward: true } as never), TypeError, "forward");
});

Deno.test("memory stays flat over ten thousand calls", () => {
  const w = dg.randn(64, { requiresGrad: true });
  const f = dg.compile((x: dg.Tensor) => x.mul(w).sin().mul(x).sum());
  const used = () => Deno.memoryUsage().external + Deno.memoryUsage().heapUsed;
  const step = () => {
    f(dg.ones(64)).backward();
    w.grad = null;
  };
  for (let i = 0; i < 1000; i++) step();
  const before = used();
  for (let i = 0; i < 10000; i++) step();
  assert(used() - before < 24e6, `${used() - before} bytes more`);
});

Deno.test("explain tells what was fused, and what ended a chain", () => {
  const mse = (a: dg.Tensor, b: dg.Tensor) => a.sub(b).square().mean();
  const plain = dg.compile.explain(dg.compile(mse))(dg.randn(100), dg.randn(100));
  assertEquals(plain.operations, 3);
  assertEquals(plain.kernels, ["mean of [100] over dims [0] in float32: (x0 - x1) ** 2"]);
  assertEquals([plain.breaks, plain.declined, plain.backward], [[], [], null]);
  assertEquals(
    `${plain}`,
    "3 operations became 1 pass over memory:\n  mean of [100] over dims [0] in float32: (x0 - x1) ** 2",
  );

  const w = dg.randn(3, 2, { requiresGrad: true }), n = dg.arange(4n).reshape(2, 2);
  const f = (x: dg.Tensor) => {
    const h = x.mul(2).tanh().mm(w).relu();
    if (Number(h.detach().sum()) < 0) return h;
    return h.add(n.mul(2n).to("float32")).sin();
  };
  const whole = dg.compile.explain(f, { backward: true })(dg.randn(2, 3));
  assertEquals(whole.kernels.length, 3);
  assert(whole.breaks[0].startsWith("mm reads a result, at "), whole.breaks[0]);
  assert(whole.breaks[0].includes("compile_test.ts:"), whole.breaks[0]);
  assert(whole.breaks[1].startsWith("item reads a result"), whole.breaks[1]);
  assertEquals(whole.declined, ["mul: computes in int64"]);
  assertEquals(whole.backward!.kernels.length, 1);
  assertEquals(whole.backward!.breaks.length, 1);
  assertEquals(w.grad, null);
});

Deno.test("chains of one shape are one pass, reductions take theirs along, layouts melt", () => {
  const passes = (fn: (...args: dg.Tensor[]) => unknown, ...args: dg.Tensor[]) =>
    dg.compile.explain(fn)(...args).kernels.length;
  const x = dg.randn(30, 40), row = dg.randn(40);
  assertEquals(passes((x, y) => x.sin().mul(y).add(x.mul(x)), x, x), 1);
  assertEquals(passes((x, y) => [x.add(1), x.mul(y), x.exp().neg()], x, row), 1); // three results
  assertEquals(passes((x) => x.mul(2).t().contiguous().add(1).reshape(-1), x), 1);
  assertEquals(passes((x, y) => x.add(y).abs().sum(0).mul(2).sub(1), x, row), 2);
  assertEquals(passes((x) => x.mul(x).sum().sqrt().mul(3), x), 2);
  const large = dg.randn(300, 400);
  assertEquals(passes((x) => x.sub(1).square().sum(1), large), 1); // more than is folded at once
});

Deno.test("large reductions of chains, over any dimensions", () => {
  const x = dg.randn(7, 90, 110), y = dg.randn(90, 1), z = dg.randn(110, 90).t();
  for (const dims of [[0], [1], [2], [0, 1], [0, 2], [1, 2], [0, 1, 2]]) {
    for (const name of ["sum", "mean", "amax", "amin", "nansum"] as const) {
      const f = (x: dg.Tensor) => x.mul(y).add(z)[name](dims as never) as dg.Tensor;
      const got = dg.compile(f)(x), want = f(x);
      assertEquals(got.shape, want.shape);
      const scale = want.abs().max().item() as number;
      assert((got.sub(want).abs().max().item() as number) <= 1e-6 * scale, `${name} over ${dims}`);
    }
  }
  const lots = (t: dg.Tensor) =>
    t.mul(2).prod(2).add(t.exp().logsumexp(2)).add(t.sin().var(2)).add(t.neg().argmax(2));
  const small = x.narrow(2, 0, 5);
  same(dg.compile(lots)(small), lots(small));
});
