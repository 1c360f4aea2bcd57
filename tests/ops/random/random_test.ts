/** Random tensors: shapes, dtypes, seeds, generators, states, filling views, NumPy's RandomState, errors. */
import { assert, assertEquals, assertNotEquals, assertStrictEquals, assertThrows } from "@std/assert";
import * as dg from "../../../mod.ts";

const values = (t: dg.Tensor) => t.toArray() as number[];

Deno.test("shapes, dtypes and requiresGrad", () => {
  assertEquals([...dg.rand(2, 3).shape], [2, 3]);
  assertEquals([...dg.randn([2, 3], { dtype: "float64" }).shape], [2, 3]);
  assertEquals(dg.randn(2, { dtype: "float64" }).dtype, "float64");
  assertEquals([...dg.rand().shape], []);
  assertEquals(dg.randint(5, [3]).dtype, "int64");
  assertEquals(dg.randint(0, 2, [3], { dtype: "bool" }).dtype, "bool");
  assertEquals([dg.randperm(4).dtype, dg.randperm(4, { dtype: "float32" }).dtype], ["int64", "float32"]);
  assertEquals(dg.randLike(dg.zeros(3, { dtype: "float16" })).dtype, "float16");
  assertEquals(dg.randintLike(dg.zeros(2, 2), 3).dtype, "float32");
  const w = dg.randn(3, { requiresGrad: true });
  assert(w.requiresGrad && w.isLeaf);
});

Deno.test("a seed gives the same numbers again, and manualSeed its generator", () => {
  assertEquals(values(dg.manualSeed(3) && dg.rand(4)), values(dg.manualSeed(3) && dg.rand(4)));
  assertEquals(dg.manualSeed(7).initialSeed(), 7);
  assertEquals(dg.initialSeed(), 7);
  assertStrictEquals(dg.manualSeed(7), dg.defaultGenerator);
  const chosen = dg.seed();
  assertEquals(dg.initialSeed(), chosen);
});

Deno.test("a generator of one's own leaves the default one alone", () => {
  dg.manualSeed(1);
  const expected = values(dg.rand(2));
  dg.manualSeed(1);
  const generator = new dg.Generator().manualSeed(5);
  const own = [
    dg.rand(2, { generator }),
    dg.randn(20, { generator }),
    dg.randint(9, [2], { generator }),
    dg.randperm(3, { generator }),
    dg.zeros(2).uniform_(1, 2, { generator }),
    dg.zeros(2).normal_({ mean: 4, generator }),
    dg.zeros(2).random_(5, { generator }),
    dg.zeros(2).bernoulli_(0.3, { generator }),
    dg.multinomial(dg.ones(4), 2, { generator }),
    dg.normal(dg.zeros(2), 1, { generator }),
    dg.bernoulli(dg.ones(2).mul(0.5), { generator }),
  ];
  assertEquals(own.length, 11);
  assertEquals(values(dg.rand(2)), expected);
  assertThrows(
    () => dg.rand(2, { generator: 3 as never }),
    TypeError,
    "argument 'generator' must be a Generator",
  );
});

Deno.test("a saved state continues where it was, also in the middle of a pair of normals", () => {
  dg.manualSeed(0);
  dg.randn(3);
  const state = dg.getRngState();
  assertEquals([state.dtype, state.numel()], ["uint8", 5056]);
  const next = values(dg.randn(3));
  dg.setRngState(state);
  assertEquals(values(dg.randn(3)), next);
  dg.setRngState(state);
  assertNotEquals(values(dg.random.forkRng(() => dg.rand(3))), next);
  assertEquals(values(dg.randn(3)), next);
  assertThrows(() => dg.setRngState(dg.zeros(5056)), TypeError, "RNG state must be a torch.ByteTensor");
  assertThrows(() => dg.setRngState(new Uint8Array(3)), RangeError, "RNG state size to be 3");
});

Deno.test("filling a view fills that view only, in the order of memory", () => {
  const fills: ((t: dg.Tensor) => dg.Tensor)[] = [
    (t) => t.uniform_(1, 2),
    (t) => t.normal_(50, 1),
    (t) => t.random_(3, 9),
    (t) => t.bernoulli_(1),
    (t) => t.bernoulli_(dg.ones(3)),
    (t) => t.exponential_(),
    (t) => t.geometric_(0.5),
    (t) => t.cauchy_(100, 0.001),
    (t) => t.logNormal_(),
  ];
  for (const fill of fills) {
    const whole = dg.zeros(4, 6), part = whole.index("1:3, ::2");
    assertStrictEquals(fill(part), part);
    assertEquals(part.ne(0).sum().item(), 6, String(fill));
    assertEquals(whole.ne(0).sum().item(), 6, String(fill));
    assertEquals(whole.version, 1);
  }
  dg.manualSeed(2);
  const flat = dg.rand(6);
  dg.manualSeed(2);
  const transposed = dg.zeros(2, 3).t().uniform_();
  assertEquals(values(transposed.t().reshape(6)), values(flat));
});

Deno.test("the numbers lie where the distribution says", () => {
  dg.manualSeed(11);
  const n = 20000, mean = (t: dg.Tensor) => t.mean().item() as number;
  const close = (a: number, b: number, by: number) => assert(Math.abs(a - b) < by, `${a} is not near ${b}`);
  close(mean(dg.rand(n)), 0.5, 0.02);
  close(mean(dg.randn(n).square()), 1, 0.05);
  close(mean(dg.zeros(n).exponential_(4)), 0.25, 0.02);
  close(mean(dg.zeros(n).geometric_(0.25)), 4, 0.15);
  close(mean(dg.zeros(n).bernoulli_(0.3)), 0.3, 0.02);
  close(mean(dg.zeros(n).logNormal_(0, 0.5)), Math.exp(0.125), 0.05);
  const picked = dg.multinomial(dg.tensor([1, 0, 3]), n, true);
  close(mean(picked.eq(2n).to("float32")), 0.75, 0.02);
  assertEquals(picked.eq(1n).sum().item(), 0);
  const perm = dg.randperm(100);
  assertEquals(new Set(values(perm)).size, 100);
  assertEquals([...dg.multinomial(dg.ones(2, 5), 3).shape], [2, 3]);
});

Deno.test("nothing flows back through what was drawn", () => {
  const x = dg.ones(3, { requiresGrad: true }), y = x.mul(2);
  y.normal_();
  assertEquals(y.gradFn!.name(), "NormalBackward0");
  y.sum().backward();
  assertEquals(values(x.grad!), [0, 0, 0]);
  const p = dg.tensor([0.5, 0.5], { requiresGrad: true });
  p.bernoulli().sum().backward();
  assertEquals(values(p.grad!), [0, 0]);
  assertThrows(() => x.uniform_(), TypeError, "a leaf Variable that requires grad");
  dg.noGrad(() => x.uniform_(5, 6));
  assert(x.ge(5).all().item());
});

Deno.test("bad input throws, draws nothing and leaves the tensor unchanged", () => {
  dg.manualSeed(4);
  const next = values(dg.rand(1));
  dg.manualSeed(4);
  const x = dg.ones(4), i = dg.tensor([1n]), version = x.version;
  const bad: [() => unknown, typeof TypeError | typeof RangeError, string][] = [
    [() => x.uniform_(2, 1), RangeError, "from=2 > to=1"],
    [() => x.normal_(0, -1), RangeError, "normal expects std >= 0.0, but found std -1"],
    [() => x.bernoulli_(1.5), RangeError, "bernoulli_ expects p to be in [0, 1], but got p=1.5"],
    [() => x.bernoulli_(dg.tensor([0, 0, 0, 2])), RangeError, "to be in [0, 1], but got p=2"],
    [() => x.bernoulli_(dg.tensor([1n])), TypeError, "floating type, got Long"],
    [() => x.exponential_(0), RangeError, "exponential_ expects lambda > 0.0, but found lambda=0"],
    [() => x.geometric_(1), RangeError, "geometric_ expects p to be in (0, 1)"],
    [() => x.geometric_(), TypeError, "missing its argument 'p'"],
    [() => x.cauchy_(0, 0), RangeError, "cauchy_ expects sigma > 0.0"],
    [() => x.logNormal_(0, 0), RangeError, "log_normal_ expects std > 0.0"],
    [() => x.random_(5, 5), RangeError, "random_ expects 'from' to be less than 'to'"],
    [() => x.uniform_({ low: 1 } as never), TypeError, 'no option "low": use from, to, generator'],
    [() => x.uniform_("a" as never), TypeError, "argument 'from' must be a number, not string"],
    [() => i.uniform_(), TypeError, "not implemented for 'Long'"],
    [() => i.exponential_(), TypeError, "must be a floating point but you specified Long"],
    [() => dg.rand(2, { dtype: "int64" }), TypeError, "not implemented for 'Long'"],
    [() => dg.rand(-1), RangeError, "Dimension size must be non-negative"],
    [
      () => dg.randint(5, 5, [2]),
      RangeError,
      "random_ expects 'from' to be less than 'to', but got from=5 >= to=5",
    ],
    [() => dg.randint(5, 3 as never), TypeError, "argument 'size' must be a list"],
    [() => dg.randperm(-1), RangeError, "Trying to create tensor with negative dimension -1: [-1]"],
    [() => dg.randn(2, { dtpye: "float64" } as never), TypeError, 'no option "dtpye"'],
    [
      () => dg.normal(dg.zeros(2), dg.tensor([1, -1])),
      RangeError,
      "normal expects all elements of std >= 0.0",
    ],
    [() => dg.normal(0, 1, undefined as never), TypeError, "need a size"],
    [() => dg.multinomial(dg.tensor([-1, 1]), 1), RangeError, "contains either `inf`, `nan` or element < 0"],
    [() => dg.multinomial(dg.ones(2), 3), RangeError, "cannot sample n_sample > prob_dist.size(-1) samples"],
    [() => dg.multinomial(dg.tensor(1), 1), TypeError, "prob_dist must be 1 or 2 dim"],
    [() => dg.multinomial(i, 1), TypeError, "only supports floating-point dtypes for input, but got Long"],
    [() => dg.manualSeed(1.5), RangeError, "seed must be an integer"],
  ];
  for (const [run, kind, message] of bad) assertThrows(run, kind, message);
  assertEquals(values(x), [1, 1, 1, 1]);
  assertEquals(values(i), [1]);
  assertEquals(x.version, version);
  assertEquals(values(dg.rand(1)), next);
});

Deno.test("NumPy's RandomState gives tensors in float64 and int64, and plain numbers without a size", () => {
  const np = new dg.random.RandomState(0);
  const x = np.rand(2, 2);
  assertEquals([x.dtype, ...x.shape], ["float64", 2, 2]);
  assertEquals(values(x.reshape(4)), [
    0.5488135039273248,
    0.7151893663724195,
    0.6027633760716439,
    0.5448831829968969,
  ]);
  assertEquals(typeof np.randn(), "number");
  assertEquals(typeof np.uniform(1, 2), "number");
  assertEquals(np.randint(5, null, [2, 3]).dtype, "int64");
  assertEquals([...np.normal(0, 1, [3, 1]).shape], [3, 1]);
  np.seed(0);
  assertEquals(np.rand(), 0.5488135039273248);
  const state = np.getState(), next = np.randn();
  np.setState(state);
  assertEquals(np.randn(), next);
  const rows = dg.arange(6).reshape(3, 2).clone(),
    a = new dg.random.RandomState(1),
    b = new dg.random.RandomState(1);
  a.shuffle(rows);
  assertEquals(rows.toArray(), b.permutation(dg.arange(6).reshape(3, 2)).toArray());
  assertEquals([...np.choice(dg.tensor([7, 8]), [2, 2]).shape], [2, 2]);
});
