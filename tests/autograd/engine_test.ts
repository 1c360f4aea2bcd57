/** The backward engine: what it computes, in which order, and what it leaves behind. */
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import * as dg from "../../mod.ts";

const leaf = (data: number | number[] | number[][]) =>
  dg.tensor(data, { dtype: "float64", requiresGrad: true });

Deno.test("a tensor used twice gets the sum of both ways", () => {
  const x = leaf(3);
  const a = x.mul(2), b = a.mul(a);
  b.add(a).backward();
  assertEquals(x.grad!.item(), 8 * 3 + 2);
});

Deno.test("leaves never share the memory of a gradient", () => {
  const x = leaf([1, 2]), y = leaf([3, 4]);
  x.add(y).sum().backward();
  x.grad!.zero_();
  assertEquals(y.grad!.toArray(), [1, 1]);

  const z = leaf([1, 2]), mine = dg.tensor([5, 6], { dtype: "float64" });
  z.add(0).backward(mine);
  z.grad!.zero_();
  assertEquals(mine.toArray(), [5, 6], "the caller's gradient is the caller's");
});

Deno.test("a gradient that was handed to a hook is not taken over", () => {
  const x = leaf([1, 2]);
  let kept!: dg.Tensor;
  x.registerHook((g) => void (kept = g));
  x.mul(3).sum().backward();
  x.grad!.zero_();
  assertEquals(kept.toArray(), [3, 3]);
});

Deno.test("hooks run in order, may replace the gradient, and can be removed", () => {
  const x = leaf(1);
  const y = x.mul(2);
  const seen: unknown[] = [];
  y.registerHook((g) => {
    seen.push(g.item());
    return g.mul(10);
  });
  const second = y.registerHook((g) => void seen.push(g.item()));
  y.mul(1).backward({ retainGraph: true });
  assertEquals(seen, [1, 10]);
  assertEquals(x.grad!.item(), 20);
  second.remove();
  y.mul(1).backward();
  assertEquals(seen, [1, 10, 1]);
  assertThrows(() => leaf(1).registerHook(5 as never), TypeError, "must be a function, not number 5");
  const z = leaf([1, 2]), w = z.mul(2);
  w.registerHook(() => dg.zeros(3, { dtype: "float64" }));
  assertThrows(() => w.sum().backward(), TypeError, "hook has changed the size of value");
  assertStrictEquals(z.grad, null);
});

Deno.test("a backward pass inside a hook may go through the same nodes", () => {
  const x = leaf(2), y = x.mul(x), z = y.mul(3);
  let inner = NaN;
  z.registerHook(() => {
    inner = dg.autograd.grad(y, x, { retainGraph: true })[0].item() as number;
  });
  z.backward();
  assertEquals(inner, 4);
  assertEquals(x.grad!.item(), 12);
});

Deno.test("grad with respect to a tensor in the middle stops there", () => {
  const x = leaf(2), y = x.mul(x), z = y.mul(y);
  const [gy, gx] = dg.autograd.grad(z, [y, x]);
  assertEquals([gy.item(), gx.item()], [8, 32]);
  assertStrictEquals(x.grad, null);
  assertThrows(() => dg.autograd.grad(leaf(1).mul(2), x), TypeError, "not have been used in the graph");
  assertEquals(dg.autograd.grad(leaf(1).mul(2), x, { allowUnused: true }), [null]);
  assertEquals(
    dg.autograd.grad(leaf(1).mul(2), x, { allowUnused: false, materializeGrads: true })[0].item(),
    0,
  );
  assertThrows(() => dg.autograd.grad(x.mul(2), dg.tensor(1)), TypeError, "does not require grad");
});

Deno.test("backward with inputs adds to those alone, leaves or not", () => {
  const x = leaf(2), w = leaf(5), y = x.mul(w);
  y.mul(2).backward({ inputs: [x, y] });
  assertEquals(x.grad!.item(), 10);
  assertEquals(y.grad!.item(), 2);
  assertStrictEquals(w.grad, null);
});

Deno.test("an error in a backward pass leaves modes and gradients as they were", () => {
  const x = leaf([1, 2]);
  const y = x.mul(2), z = y.pow(2);
  y.add_(1);
  assertThrows(() => z.sum().backward(), TypeError, "modified by an inplace operation");
  assert(dg.isGradEnabled());
  assertStrictEquals(x.grad, null);
  x.mul(3).sum().backward();
  assertEquals(x.grad!.toArray(), [3, 3]);
});

Deno.test("the mode of gradients ends with its block, an exception included", () => {
  assertThrows(() =>
    dg.noGrad(() => {
      throw new RangeError("x");
    }), RangeError);
  assert(dg.isGradEnabled());
  {
    using _ = dg.noGrad();
    assert(!dg.isGradEnabled());
    dg.enableGrad(() => assert(dg.isGradEnabled()));
    assert(!dg.isGradEnabled());
  }
  assert(dg.isGradEnabled());
  assertThrows(() => dg.noGrad(() => Promise.resolve(1)), TypeError, "synchronous");
  assert(dg.isGradEnabled());
});

Deno.test("misspelt options and impossible gradients are refused", () => {
  const x = leaf([1, 2]);
  assertThrows(() => x.sum().backward({ retain_graph: true } as never), TypeError, "retain_graph");
  assertThrows(() => x.mul(2).backward(dg.zeros(3)), TypeError, "Mismatch in shape");
  assertThrows(() => (x.grad = dg.zeros(2)), TypeError, "dtype 'float32'");
  assertThrows(() => (x.grad = dg.zeros(3, { dtype: "float64" })), TypeError, "size");
  assertThrows(() => (x.grad = x), TypeError, "own grad");
  assertStrictEquals(x.grad, null);
});

Deno.test("a custom function: several results, none of them used, wrong gradients", () => {
  class Split extends dg.autograd.Function {
    static override forward(_: dg.autograd.FunctionContext, x: dg.Tensor): dg.Tensor[] {
      return [x.mul(2), x.mul(3)];
    }
    static override backward(_: dg.autograd.FunctionContext, a: dg.Tensor, b: dg.Tensor): dg.Tensor {
      return a.mul(2).add(b.mul(3));
    }
  }
  const x = leaf([1, 2]);
  const [, b] = Split.apply<dg.Tensor[]>(x);
  b.sum().backward();
  assertEquals(x.grad!.toArray(), [3, 3], "the gradient of the unused result is zeros");
  assert(dg.autograd.gradcheck((x) => Split.apply<dg.Tensor[]>(x), x));

  class Wrong extends dg.autograd.Function {
    static override forward(_: dg.autograd.FunctionContext, x: dg.Tensor): dg.Tensor {
      return x.clone();
    }
    static override backward(): dg.Tensor {
      return dg.zeros(5, { dtype: "float64" });
    }
  }
  assertThrows(() => Wrong.apply(x).sum().backward(), TypeError, "invalid gradient at index 0 - got [5]");
});

Deno.test("gradcheck finds a wrong gradient, gradgradcheck a wrong second one", () => {
  class Bad extends dg.autograd.Function {
    static override forward(ctx: dg.autograd.FunctionContext, x: dg.Tensor): dg.Tensor {
      ctx.saveForBackward(x);
      return x.mul(x);
    }
    static override backward(ctx: dg.autograd.FunctionContext, g: dg.Tensor): dg.Tensor {
      return g.mul(ctx.savedTensors[0].detach()).mul(2); // right, but it cannot be differentiated again
    }
  }
  const x = leaf([0.5, -1]);
  assert(dg.autograd.gradcheck((x) => Bad.apply(x), x));
  assert(!dg.autograd.gradgradcheck((x) => Bad.apply(x), x, { raiseException: false }));
  assertThrows(() => dg.autograd.gradgradcheck((x) => Bad.apply(x), x), TypeError, "Jacobian mismatch");
});

Deno.test("higher derivatives of a fused chain", () => {
  const x = leaf(0.7);
  let y = x.sin();
  const expected = [Math.cos, (v: number) => -Math.sin(v), (v: number) => -Math.cos(v), Math.sin];
  for (const f of expected) {
    [y] = dg.autograd.grad(y, x, { createGraph: true });
    assert(Math.abs((y.item() as number) - f(0.7)) < 1e-14);
  }
});

Deno.test("a graph 20,000 operations deep", () => {
  const x = leaf(1);
  let y: dg.Tensor = x;
  for (let i = 0; i < 20000; i++) y = y.add(1);
  y.backward();
  assertEquals(x.grad!.item(), 1);
});

Deno.test("10,000 steps in one synchronous loop hold memory constant", () => {
  const w = dg.ones(20, 20, { requiresGrad: true }), b = dg.zeros(20, { requiresGrad: true });
  const x = dg.ones(20);
  const step = () => {
    w.grad = b.grad = null;
    w.mul(x).add(b).tanh().sum().backward();
    dg.noGrad(() => {
      w.sub_(w.grad!.mul(1e-4));
      b.sub_(b.grad!.mul(1e-4));
    });
  };
  const used = () => Deno.memoryUsage().rss / 2 ** 20;
  for (let i = 0; i < 1000; i++) step();
  const before = used();
  for (let i = 0; i < 10000; i++) step();
  const grown = used() - before;
  assert(grown < 100, `${grown} MiB more after 10,000 steps, which allocated about 160 MiB of arrays`);
});

Deno.test("anomaly mode traces a NaN, or an error, to the line whose gradient failed", () => {
  const x = leaf(-1);
  {
    using _ = dg.autograd.setDetectAnomaly(true);
    const error = assertThrows(
      () => x.sqrt().mul(0).backward(),
      RangeError,
      "Function 'SqrtBackward0' returned nan",
    );
    assert(error.message.includes("engine_test.ts"));
    const shown: string[] = [];
    const before = dg.setWarningHandler((message) => void shown.push(message));
    try {
      const y = leaf(2).mul(1), z = y.pow(2);
      y.add_(1);
      assertThrows(() => z.backward(), TypeError, "modified by an inplace operation");
    } finally {
      dg.setWarningHandler(before);
    }
    assert(shown[0].includes("Error detected in PowBackward0") && shown[0].includes("engine_test.ts"));
  }
  x.sqrt().mul(0).backward();
  assert(Number.isNaN(x.grad!.item()));
});

Deno.test("a gradient that a custom function keeps or gives is not taken over", () => {
  const kept: dg.Tensor[] = [];
  class Keep extends dg.autograd.Function {
    static override forward(_ctx: dg.autograd.FunctionContext, x: dg.Tensor): dg.Tensor {
      return x.clone();
    }
    static override backward(_ctx: dg.autograd.FunctionContext, g: dg.Tensor): dg.Tensor {
      const out = g.mul(2);
      kept.push(g, out);
      return out;
    }
  }
  const x = leaf([1, 2]), loss = () => Keep.apply(x).mul(3).sum();
  for (let i = 0; i < 3; i++) loss().backward();
  assertEquals(
    kept.map((g) => g.toArray()),
    Array.from({ length: 6 }, (_, i) => i % 2 === 0 ? [3, 3] : [6, 6]),
  );
  assertEquals(x.grad!.toArray(), [18, 18]);

  // passed on by what comes after, and not by the function itself
  class Pass extends Keep {
    static override backward(_ctx: dg.autograd.FunctionContext, g: dg.Tensor): dg.Tensor {
      kept.push(g);
      return g;
    }
  }
  kept.length = 0;
  const y = leaf([1, 2]);
  for (let i = 0; i < 2; i++) Pass.apply(y.add(0)).mul(3).sum().backward();
  assertEquals(kept.map((g) => g.toArray()), [[3, 3], [3, 3]]);
  assertEquals(y.grad!.toArray(), [6, 6]);

  // a tensor of the user's as the gradient
  const mine = leaf([5, 7]).detach();
  class Mine extends Keep {
    static override backward(): dg.Tensor {
      return mine;
    }
  }
  const z = leaf([1, 2]);
  for (let i = 0; i < 2; i++) Mine.apply(z).sum().backward();
  z.grad!.mul_(10);
  assertEquals([mine.toArray(), z.grad!.toArray()], [[5, 7], [100, 140]]);
});
