import { assert, assertEquals, assertThrows } from "@std/assert";
import * as dg from "../../mod.ts";
import { recycled } from "../../src/tensor/recycle.ts";

/** So large that passes give memory back. */
const SIZE = 1 << 16;

/** The gradients of a few steps under way, one after the other. */
function chain(x: dg.Tensor): dg.Tensor {
  return x.mul(2).sin().mul(3).relu().add(x).exp().mul(0.25);
}

/** Takes all memory that was given back, and writes on it. */
function overwrite(): dg.Tensor[] {
  return Array.from({ length: 40 }, () => dg.full(SIZE, 123));
}

const ones = () => dg.ones(SIZE);

Deno.test("large gradients: repeated passes agree with one another, bit by bit", () => {
  const x = dg.linspace(-1, 1, SIZE).requiresGrad_(), seen: number[][] = [];
  for (let i = 0; i < 5; i++) {
    x.grad = null;
    chain(x).sum().backward();
    seen.push([...x.grad!.typedArray() as Float32Array]);
  }
  for (const list of seen) assertEquals(list, seen[0]);
});

Deno.test("large gradients: memory goes to the next who needs as much", () => {
  const length = SIZE + 7, x = dg.zeros(length).requiresGrad_();
  const arrays = new Set<unknown>();
  const step = () => {
    const y = x.mul(2);
    // the multiplication's own gradient is nobody's once it was multiplied
    y.mul(3).mul(4).sum().backward();
  };
  step();
  const [a, b] = [dg.zeros(length), dg.zeros(length)];
  arrays.add(a.typedArray().buffer).add(b.typedArray().buffer).add(x.grad!.typedArray().buffer);
  assertEquals(arrays.size, 3);
  a.fill_(1);
  step();
  assertEquals([a.min().item(), b.max().item(), x.grad!.max().item()], [1, 0, 48]);
});

Deno.test("large gradients: what the user may hold is never given back", () => {
  const x = dg.linspace(-1, 1, SIZE).requiresGrad_(), held: [string, dg.Tensor, number[]][] = [];
  const hold = (name: string, t: dg.Tensor) => held.push([name, t, [...t.typedArray() as Float32Array]]);
  const arrays: [dg.TypedArray, number[]][] = [];
  class Twice extends dg.autograd.Function {
    static override forward(_: unknown, t: dg.Tensor): dg.Tensor {
      return t.mul(2);
    }
    static override backward(_: unknown, g: dg.Tensor): dg.Tensor {
      hold("a function's argument", g);
      const out = g.mul(2);
      hold("a function's result", out);
      return out;
    }
  }
  const a = x.mul(3), b = a.sin(), c = (Twice as never as { apply(t: dg.Tensor): dg.Tensor }).apply(b);
  const d = c.mul(5), e = d.cos(), start = ones();
  b.retainGrad();
  d.registerHook((g) => {
    hold("a hook's argument", g);
    const array = g.typedArray();
    arrays.push([array, [...array as Float32Array]]);
    const view = g.view([256, 256]).t();
    hold("a view of it", view.contiguous());
    return g.mul(1.5);
  });
  const [captured] = dg.autograd.grad([e], [a], { gradOutputs: [start], retainGraph: true }) as dg.Tensor[];
  hold("a captured gradient", captured);
  e.backward(start);
  hold("where it began", start);
  hold("a leaf's gradient", x.grad!);
  hold("a retained gradient", b.grad!);
  const alias = x.grad!.detach();
  hold("an alias", alias);
  e.detach();
  // what was made forward
  for (const t of [a, b, c, d, e]) hold("a result", t.detach());
  const others = overwrite();
  for (let i = 0; i < 3; i++) chain(dg.linspace(0, 1, SIZE).requiresGrad_()).sum().backward();
  for (const [name, t, before] of held) assertEquals([...t.typedArray() as Float32Array], before, name);
  for (const [array, before] of arrays) assertEquals([...array as Float32Array], before);
  assert(others.every((t) => t.min().item() === 123 && t.max().item() === 123));
});

Deno.test("large gradients: two ways to a leaf, and leaves that share one gradient", () => {
  const x = dg.linspace(-1, 1, SIZE).requiresGrad_(), y = dg.linspace(0, 2, SIZE).requiresGrad_();
  const sum = x.add(y), whole = sum.mul(2).add(sum.mul(3));
  whole.backward(ones());
  overwrite();
  assertEquals([x.grad!.min().item(), x.grad!.max().item()], [5, 5]);
  assertEquals([y.grad!.min().item(), y.grad!.max().item()], [5, 5]);
  x.grad!.mul_(2);
  assertEquals(y.grad!.max().item(), 5);
});

Deno.test("large gradients: new tensors of what was given back are zero", () => {
  const x = dg.linspace(-1, 1, SIZE).requiresGrad_();
  for (let i = 0; i < 3; i++) {
    chain(x).sum().backward();
    const fresh = Array.from({ length: 20 }, () => dg.zeros(SIZE));
    assert(fresh.every((t) => !t.any().item()));
  }
});

Deno.test("large gradients: an error on the way leaves everything usable", () => {
  const x = dg.linspace(-1, 1, SIZE).requiresGrad_(), y = x.mul(2), z = y.exp();
  y.registerHook(() => {
    throw new Error("no");
  });
  assertThrows(() => z.sum().backward(), Error, "no");
  overwrite();
  const again = chain(x);
  again.sum().backward();
  assert(!x.grad!.isnan().any().item());
});

Deno.test("large gradients: a leaf's own is given back when it is let go, if nobody has asked for it", () => {
  const length = SIZE + 11, x = dg.ones(length).requiresGrad_();
  const gives = (letGo: () => void, look?: () => void) => {
    chain(x).sum().backward();
    while (recycled("float32", length) !== undefined); // what the pass gave back
    look?.();
    letGo();
    return recycled("float32", length) !== undefined;
  };
  const adam = new dg.optim.Adam([x]), held: dg.Tensor[] = [];
  class Holding extends dg.optim.SGD {
    protected override update(...args: Parameters<dg.optim.SGD["update"]>): void {
      held.push(args[1]);
      super.update(...args);
    }
  }
  const holding = new Holding([x], { lr: 0 }), clip = () => void dg.nn.utils.clipGradNorm_([x], 1);
  assertEquals(gives(() => adam.zeroGrad()), true);
  assertEquals(gives(() => x.grad = null), true);
  assertEquals(gives(() => adam.zeroGrad(), clip), true);
  assertEquals(gives(() => adam.zeroGrad(), () => void adam.step()), true);
  assertEquals(gives(() => adam.zeroGrad(), () => void x.grad), false);
  assertEquals(gives(() => adam.zeroGrad(), () => void held.push(x.grad!)), false);
  assertEquals(gives(() => holding.zeroGrad(), () => void holding.step()), false);
  assertEquals(gives(() => x.grad = null, () => x.grad = dg.ones(length)), false);
  const [made] = dg.autograd.grad([x.mul(2).sin()], [x], { gradOutputs: [dg.ones(length)] }) as dg.Tensor[];
  assertEquals(gives(() => x.grad = null, () => x.grad = made), false);
  adam.zeroGrad({ setToNone: false });
  chain(x).sum().backward();
  adam.zeroGrad();
  assertEquals(x.grad, null);
});

Deno.test("large gradients: a leaf that lets its gradient go in the middle of a pass", () => {
  const x = dg.linspace(-1, 1, SIZE).requiresGrad_(), y = dg.linspace(0, 2, SIZE).requiresGrad_();
  const seen: dg.Tensor[] = [];
  x.registerPostAccumulateGradHook((leaf) => {
    leaf.grad = null;
    seen.push(...overwrite());
  });
  // both leaves get the same gradient: x first, whose node is newer
  const whole = y.mul(1).add(x.mul(1)), same = y.add(x);
  whole.add(same).backward(ones());
  assertEquals([y.grad!.min().item(), y.grad!.max().item()], [2, 2]);
  assert(seen.every((t) => t.min().item() === 123));
});
