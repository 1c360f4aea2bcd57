/** A Sequential gives back what lies between its modules, and never what somebody may hold. */
import { assert, assertEquals, assertThrows, equal } from "@std/assert";
import * as dg from "../../mod.ts";
import { recycled } from "../../src/tensor/recycle.ts";

const { nn } = dg;
type Numbers = Float32Array;

const BATCH = 64, WIDTH = 640;
const input = () => dg.linspace(-1, 1, BATCH * WIDTH).reshape(BATCH, WIDTH);

function layers(): dg.nn.Module[] {
  dg.manualSeed(3);
  return [
    new nn.Linear(WIDTH, WIDTH),
    new nn.ReLU(),
    new nn.Linear(WIDTH, WIDTH),
    new nn.ReLU({ inplace: true }),
    new nn.Unflatten(1, [1, WIDTH]),
    new nn.Flatten(),
    new nn.Linear(WIDTH, WIDTH),
    new nn.Tanh(),
    new nn.Dropout(0.25),
    new nn.Sequential(new nn.Linear(WIDTH, WIDTH), new nn.Sequential(new nn.GELU(), new nn.Flatten(0, 0))),
    new nn.BatchNorm1d(WIDTH),
    new nn.Linear(WIDTH, WIDTH),
  ];
}

function images(): dg.nn.Module[] {
  dg.manualSeed(4);
  return [
    new nn.Conv2d(1, 8, 3),
    new nn.ReLU(),
    new nn.Conv2d(8, 8, 3, { padding: 1 }),
    new nn.BatchNorm2d(8),
    new nn.LeakyReLU(),
    new nn.AvgPool2d(2, { stride: 1 }),
    new nn.Sequential(new nn.Conv2d(8, 8, 3, { padding: 1 }), new nn.ReLU()),
    new nn.MaxPool2d(2),
    new nn.AdaptiveAvgPool2d(6),
    new nn.Flatten(),
  ];
}

/** The modules one by one, so that everything between them is held. */
class OneByOne extends nn.Module {
  readonly held: dg.Tensor[] = [];
  constructor(readonly list: readonly dg.nn.Module[]) {
    super();
    list.forEach((m, i) => this.registerModule(String(i), m));
  }
  forward(x: dg.Tensor): dg.Tensor {
    for (const m of this.list) this.held.push(x = m.call(x));
    return x;
  }
}

/** Takes all memory that was given back, and writes on it. */
function overwrite(t: dg.Tensor): dg.Tensor[] {
  return Array.from({ length: 20 }, () => dg.full(t.shape, 123));
}

const arrayOf = (t: dg.Tensor) => t.detach().contiguous().typedArray() as Numbers;
const copyOf = (t: dg.Tensor) => arrayOf(t).slice();
const gradsOf = (net: dg.nn.Module) => net.parameters().map((p) => copyOf(p.grad!));

for (
  const [name, make, x] of [
    ["layers", layers, input()],
    ["images", images, dg.linspace(0, 1, 64 * 400).reshape(64, 1, 20, 20)],
  ] as const
) {
  Deno.test(`${name}: a Sequential computes what its modules compute one by one, step after step`, () => {
    const run = (net: dg.nn.Module, x: dg.Tensor) => {
      const optimizer = new dg.optim.SGD(net.parameters(), { lr: 1e-3 }), seen: Numbers[] = [];
      for (let i = 0; i < 4; i++) {
        const y = net.call(x), others = overwrite(y);
        others.push(...overwrite(x));
        const loss = y.square().mean();
        optimizer.zeroGrad();
        loss.backward();
        others.push(...overwrite(y));
        seen.push(copyOf(y), ...gradsOf(net));
        optimizer.step();
        assert(others.every((t) => t.min().item() === 123 && t.max().item() === 123));
      }
      return seen;
    };
    const before = copyOf(x), inside = x.clone().requiresGrad_();
    assert(equal(run(new nn.Sequential(...make()), x), run(new OneByOne(make()), x)));
    assert(equal(run(new nn.Sequential(...make()), inside), run(new OneByOne(make()), x)));
    assert(equal(copyOf(x), before));
    // without a graph, and where only the last parameters learn
    assert(
      equal(
        dg.noGrad(() => copyOf(new nn.Sequential(...make()).call(x))),
        copyOf(new OneByOne(make()).call(x)),
      ),
    );
    const frozen = new nn.Sequential(...make()), one = new OneByOne(make());
    for (const net of [frozen, one]) {
      dg.manualSeed(9);
      const parameters = net.parameters();
      parameters.slice(0, -2).forEach((p) => p.requiresGrad_(false));
      const y = net.call(x);
      overwrite(y);
      y.square().mean().backward();
      overwrite(y);
    }
    const last = (net: dg.nn.Module) => net.parameters().slice(-2).map((p) => copyOf(p.grad!));
    assert(equal(last(frozen), last(one)));
  });

  Deno.test(`${name}: several passes through a Sequential, and passes through passes`, () => {
    const results = [new nn.Sequential(...make()), new OneByOne(make())].map((net) => {
      dg.manualSeed(9);
      const y = net.call(x), seen: Numbers[] = [];
      for (const retainGraph of [true, true, false]) {
        y.square().mean().backward({ retainGraph });
        overwrite(y);
        seen.push(...gradsOf(net));
      }
      assertThrows(() => y.square().mean().backward(), TypeError, "second time");
      const parameters = net.parameters(), z = net.call(x);
      const firsts = dg.autograd.grad([z.square().mean()], parameters, {
        createGraph: true,
        retainGraph: false,
      });
      overwrite(z);
      const penalty = (firsts as dg.Tensor[]).reduce((sum, g) => sum.add(g.square().sum()), dg.tensor(0));
      try {
        penalty.backward();
        seen.push(...gradsOf(net));
      } catch (error) {
        assert(error instanceof TypeError); // what the first pass needed is gone: the same for both
      }
      return seen;
    });
    assert(equal(results[0], results[1]));
  });
}

Deno.test("what the graph of a gradient has saved outlives the first graph", () => {
  const results = [nn.Sequential, OneByOne].map((Net) => {
    const n = 200, layers = [new nn.Linear(n, n), new nn.ReLU(), new nn.Linear(n, n)];
    for (const [i, p] of layers.flatMap((layer) => layer.parameters()).entries()) {
      dg.noGrad(() => p.copy_(dg.linspace(-1, 1, p.numel()).mul(37 + i).sin().reshape(p.shape)));
    }
    const net = Net === OneByOne ? new OneByOne(layers) : new nn.Sequential(...layers);
    const x = dg.linspace(-1, 1, n * n).reshape(n, n).requiresGrad_(), y = net.call(x);
    const [g] = dg.autograd.grad([y.sum()], [x], { createGraph: true });
    y.sum().backward();
    const others = overwrite(x);
    const h = dg.autograd.grad([g!.square().sum()], [net.parameters()[2]]);
    assert(others.every((t) => t.min().item() === 123 && t.max().item() === 123));
    return copyOf(h[0]!);
  });
  assert(equal(results[0], results[1]));
  assert(results[0].some((v) => v !== 0));
});

Deno.test("what the user may hold between the modules of a Sequential is never given back", () => {
  const held: [string, dg.Tensor, Numbers][] = [], x = input();
  const hold = (name: string, t: dg.Tensor) => held.push([name, t, copyOf(t)]);
  class Looking extends nn.Module {
    forward(t: dg.Tensor): dg.Tensor {
      hold("what a module was given", t);
      const out = t.mul(2);
      hold("what a module gave", out);
      return out;
    }
  }
  class OwnReLU extends nn.ReLU {
    override forward(t: dg.Tensor): dg.Tensor {
      hold("what a derived module was given", t);
      return super.forward(t);
    }
  }
  const linear = () => new nn.Linear(WIDTH, WIDTH), hooked = linear(), called = linear(), patched = linear();
  hooked.registerForwardHook((_, inputs, output) => {
    hold("a hook's input", inputs[0] as dg.Tensor);
    hold("a hook's output", output as dg.Tensor);
  });
  const handle = called.registerForwardPreHook((_, inputs) => {
    handle.remove();
    hold("a hook's input that is gone", inputs[0] as dg.Tensor);
  });
  const forward = patched.forward;
  patched.forward = (t: dg.Tensor) => {
    hold("what a patched module was given", t);
    return forward.call(patched, t);
  };
  const net = new nn.Sequential(
    linear(),
    new nn.ReLU(),
    hooked,
    new nn.ReLU(),
    called,
    new Looking(),
    linear(),
    new OwnReLU(),
    linear(),
    patched,
    new nn.Tanh(),
    linear(),
    new nn.Sequential(new nn.ReLU(), new Looking(), new nn.Sequential(new nn.Tanh(), new nn.Sequential())),
    new nn.Flatten(),
  );
  const y = net.call(x);
  hold("the input", x);
  hold("the output", y);
  // the graph shows what it has saved
  const nodes: (dg.autograd.Node | null)[] = [y.gradFn];
  let found = 0;
  for (let node = nodes.pop(); node !== undefined; node = nodes.pop()) {
    if (node === null) continue;
    for (const [key, value] of Object.entries(node.saved())) {
      if (value instanceof dg.Tensor && ++found % 2 === 0) hold(`${node.name()}'s ${key}`, value);
    }
    nodes.push(...node.nextFunctions.map(([next]) => next));
  }
  assert(found > 8);
  overwrite(y);
  y.square().mean().backward();
  for (const p of net.parameters()) hold("a gradient", p.grad!);
  const others = [...overwrite(y), ...overwrite(net.parameters()[0])];
  for (const [name, t, before] of held) assert(equal(arrayOf(t), before), name);
  assert(others.every((t) => t.min().item() === 123));
});

Deno.test("memory between the modules of a Sequential comes back: at once if no node saved it, else by the pass", () => {
  const rows = 71, widths = [WIDTH + 1, WIDTH + 2], x = dg.ones(rows, WIDTH);
  /** How many arrays there are for what has each width. */
  const counts = () =>
    widths.map((width) => {
      let n = 0;
      while (recycled("float32", rows * width) !== undefined) n++;
      return n;
    });
  dg.manualSeed(1);
  const net = new nn.Sequential(
    new nn.Linear(WIDTH, WIDTH + 1),
    new nn.ReLU(),
    new nn.Linear(WIDTH + 1, WIDTH + 2),
    new nn.ReLU(),
    new nn.Linear(WIDTH + 2, WIDTH),
  );
  counts();
  const y = net.call(x);
  assertEquals(counts(), [1, 1]); // what the ReLUs were given
  const loss = y.square().mean();
  loss.backward({ retainGraph: true });
  const gradients = counts();
  loss.backward();
  assertEquals(counts(), gradients.map((n) => n + 1)); // what they made
  dg.noGrad(() => net.call(x));
  assertEquals(counts(), [2, 2]);
});
