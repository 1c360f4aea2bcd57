/**
 * Reductions, scans, sorting: gradients against differences to second order, layouts, empty and 0-d tensors, NaN, refusals.
 *
 * @module
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import * as dg from "../../../mod.ts";
import { vectorNorm } from "../../../src/ops/reduce/norm.ts";

type Fn = (x: dg.Tensor) => dg.Tensor | readonly dg.Tensor[];

const VALUES = [0.31, -1.27, 0.84, 2.11, -0.52, 1.63, -2.05, 0.17, 0.96, -0.73, 1.38, -1.81];

function matrix(values: readonly number[] = VALUES, shape: readonly number[] = [3, 4]): dg.Tensor {
  return dg.tensor([...values], { dtype: "float64" }).reshape(shape).detach().requiresGrad_();
}

/** The same elements in other layouts: transposed, with gaps. */
function layouts(): Record<string, dg.Tensor> {
  const base = dg.tensor([...VALUES], { dtype: "float64" }).reshape(3, 4);
  const transposed = base.t().contiguous().t();
  const wide = dg.zeros(6, 8, { dtype: "float64" });
  const gaps = wide.slice(0, 1, 6, 2).slice(1, 0, 8, 2);
  gaps.copy_(base);
  return { transposed, gaps };
}

/** Every operation whose gradient is checked: one row each. Ties are absent from the values. */
const DIFFERENTIABLE: Record<string, Fn> = {
  sum: (x) => x.sum(),
  "sum dim": (x) => x.sum(0),
  "sum keepdim": (x) => x.sum([1], { keepdim: true }),
  sumToSize: (x) => x.sumToSize(1, 4),
  nansum: (x) => x.nansum(1),
  mean: (x) => x.mean(),
  "mean dim": (x) => x.mean(0),
  nanmean: (x) => x.nanmean(1),
  prod: (x) => x.prod(),
  "prod dim": (x) => x.prod(0),
  "prod keepdim": (x) => x.prod(1, { keepdim: true }),
  logsumexp: (x) => x.logsumexp(1),
  "logsumexp all": (x) => x.logsumexp([0, 1], { keepdim: true }),
  trace: (x) => x.trace(),
  amax: (x) => x.amax(1),
  "amax all": (x) => x.amax(),
  amin: (x) => x.amin([0], { keepdim: true }),
  aminmax: (x) => [...x.aminmax({ dim: 1 })],
  "max all": (x) => x.max(),
  "max dim": (x) => x.max(1).values,
  "max keepdim": (x) => x.max(0, { keepdim: true }).values,
  "min all": (x) => x.min(),
  "min dim": (x) => x.min(-1).values,
  var: (x) => x.var(),
  "var dim": (x) => x.var(1, { correction: 0 }),
  "var keepdim": (x) => x.var([0, 1], { unbiased: false, keepdim: true }),
  std: (x) => x.std(),
  "std dim": (x) => x.std(0),
  varMean: (x) => dg.varMean(x, 1),
  stdMean: (x) => dg.stdMean(x, 0, { keepdim: true }),
  cov: (x) => x.cov(),
  corrcoef: (x) => x.narrow(0, 0, 2).corrcoef(),
  norm: (x) => x.norm(),
  "norm 1": (x) => x.norm(1, 1),
  "norm 3": (x) => x.norm(3, 0),
  "norm 1.5": (x) => x.norm(1.5, { dim: 0, keepdim: true }),
  "norm 0.5": (x) => x.norm(0.5, 1),
  "norm inf": (x) => x.norm(Infinity, 1),
  "norm -inf": (x) => x.norm(-Infinity, 0),
  vectorNorm: (x) => vectorNorm(x, 2, { dim: -1 }),
  dist: (x) => x.dist(x.mul(0.5).add(1)),
  renorm: (x) => x.renorm(2, 0, 1.5),
  cumsum: (x) => x.cumsum(0),
  cumprod: (x) => x.cumprod(1),
  logcumsumexp: (x) => x.logcumsumexp(1),
  cummax: (x) => x.cummax(1).values,
  cummin: (x) => x.cummin(0).values,
  diff: (x) => x.diff({ n: 2 }),
  trapezoid: (x) => dg.trapezoid(x, { dx: 0.5, dim: 0 }),
  "trapezoid places": (x) => dg.trapezoid(x, dg.tensor([0, 1, 3, 4], { dtype: "float64" })),
  cumulativeTrapezoid: (x) => dg.cumulativeTrapezoid(x),
  sort: (x) => x.sort(0).values,
  "sort descending": (x) => x.sort({ dim: 1, descending: true, stable: true }).values,
  msort: (x) => x.msort(),
  topk: (x) => x.topk(2).values,
  "topk smallest": (x) => x.topk(2, { dim: 0, largest: false }).values,
  kthvalue: (x) => x.kthvalue(2, 1).values,
  mode: (x) => x.mode(0).values,
  median: (x) => x.median(),
  "median dim": (x) => x.median(1).values,
  nanmedian: (x) => x.nanmedian({ dim: 0, keepdim: true }).values,
  quantile: (x) => x.quantile(0.3),
  "quantile dim": (x) => x.quantile(dg.tensor([0.1, 0.8], { dtype: "float64" }), 1, { keepdim: true }),
  nanquantile: (x) => x.nanquantile(0.6, 0),
  softmax: (x) => x.softmax(1),
  "softmax dim 0": (x) => x.softmax(0),
  logSoftmax: (x) => x.logSoftmax(-1),
};

for (const [name, fn] of Object.entries(DIFFERENTIABLE)) {
  Deno.test(`reductions: gradients of ${name} to second order`, () => {
    assert(dg.autograd.gradcheck(fn, matrix()));
    assert(dg.autograd.gradgradcheck(fn, matrix()));
  });
}

Deno.test("reductions: other layouts give the same values and gradients", () => {
  for (const [name, fn] of Object.entries(DIFFERENTIABLE)) {
    const expected = [fn(matrix())].flat() as dg.Tensor[];
    for (const [layout, t] of Object.entries(layouts())) {
      const x = t.detach().requiresGrad_();
      const outs = [fn(x)].flat() as dg.Tensor[];
      outs.forEach((out, i) => close(out, expected[i], `${name}, ${layout}`));
      assert(dg.autograd.gradcheck(fn, x), `${name}, ${layout}`);
    }
  }
});

function close(a: dg.Tensor, b: dg.Tensor, what: string): void {
  assertEquals(a.shape, b.shape, what);
  const far = a.detach().sub(b.detach()).abs();
  assert(far.numel() === 0 || Number(far.max().item()) < 1e-12, what);
}

Deno.test("products: zeros have gradients too, to second order", () => {
  const one = [2, 0, 3, -1, 1, 2, 0.5, 4, 1, 1, 0, 3], two = [2, 0, 3, 0, 1, 2, 0.5, 4, 0, 0, 0, 3];
  for (const values of [one, two]) {
    for (
      const fn of [(x: dg.Tensor) => x.prod(1), (x: dg.Tensor) => x.prod(), (x: dg.Tensor) => x.cumprod(1)]
    ) {
      assert(dg.autograd.gradcheck(fn, matrix(values)));
      assert(dg.autograd.gradgradcheck(fn, matrix(values)));
    }
  }
});

Deno.test("folds over outer dimensions agree with folds over copies, beyond a block of lanes", () => {
  const [rows, columns] = [37, 1301];
  const x = dg.arange(rows * columns).mul(0.37).sin().reshape(rows, columns);
  const t = x.t().contiguous();
  const pairs: [dg.Tensor, dg.Tensor][] = [
    [x.sum(0), t.sum(1)],
    [x.mean(0), t.mean(1)],
    [x.var(0), t.var(1)],
    [x.amax(0), t.amax(1)],
    [x.logsumexp(0), t.logsumexp(1)],
    [x.argmin(0), t.argmin(1)],
    [x.max(0).indices, t.max(1).indices],
    [x.mul(1000).long().max(0).values, t.mul(1000).long().max(1).values],
    [x.mul(1000).long().sum(0), t.mul(1000).long().sum(1)],
    [x.gt(0).any(0), t.gt(0).any(1)],
    [x.reshape(rows, 1, columns).expand(rows, 2, columns).sum([0, 1]), t.sum(1).mul(2)],
  ];
  pairs.forEach(([a, b], i) => assertEquals(a.toArray(), b.toArray(), `pair ${i}`));
});

Deno.test("every order of dimensions and every choice of reduced ones agree with plain loops", () => {
  const sizes = [2, 3, 4, 5];
  const base = dg.arange(120).mul(0.7).sin().reshape(sizes);
  const orders = permutations([0, 1, 2, 3]);
  for (const order of orders) {
    const x = base.permute(order), shape = x.shape;
    for (let mask = 1; mask < 16; mask++) {
      const dims = [0, 1, 2, 3].filter((d) => mask & (1 << d)),
        kept = [0, 1, 2, 3].filter((d) => !dims.includes(d));
      const sums = new Map<string, { sum: number; max: number; at: number; count: number }>();
      for (const at of places(shape)) {
        const v = Number(x.at(at.reduce((index, i, d) => index * shape[d] + i, 0)));
        const key = kept.map((d) => at[d]).join();
        const s = sums.get(key) ?? { sum: 0, max: -Infinity, at: 0, count: 0 };
        if (v > s.max) Object.assign(s, { max: v, at: s.count });
        sums.set(key, { ...s, sum: s.sum + v, count: s.count + 1 });
      }
      const expected = [...sums.values()];
      const flat = (t: dg.Tensor) => t.reshape(-1).toArray() as number[];
      flat(x.sum(dims)).forEach((v, i) => assert(Math.abs(v - expected[i].sum) < 1e-5));
      assertEquals(flat(x.amax(dims)), expected.map((s) => s.max));
      if (dims.length === 1) assertEquals(flat(x.argmax(dims[0])), expected.map((s) => s.at));
    }
  }
});

function permutations(list: number[]): number[][] {
  if (list.length === 0) return [[]];
  return list.flatMap((x) => permutations(list.filter((y) => y !== x)).map((rest) => [x, ...rest]));
}

function places(shape: readonly number[]): number[][] {
  return shape.reduce<number[][]>(
    (all, size) => all.flatMap((at) => Array.from({ length: size }, (_, i) => [...at, i])),
    [[]],
  );
}

Deno.test("sums of integers are int64 and exact", () => {
  const big = dg.tensor([9007199254740993n, 1n, -3n]);
  assertEquals(big.sum().typedArray()[0], 9007199254740991n);
  const s = dg.tensor([200n, 100n], { dtype: "uint8" }).sum();
  assertEquals([s.dtype, s.item()], ["int64", 300]);
  assertEquals(dg.tensor([true, true, false]).sum().item(), 2);
  assertEquals(dg.tensor([3n, 5n]).prod().dtype, "int64");
  assertEquals(dg.ones(3, { dtype: "float16" }).sum().dtype, "float16");
});

Deno.test("0-d tensors reduce to themselves", () => {
  const x = dg.tensor(2.5, { dtype: "float64", requiresGrad: true });
  for (
    const fn of [
      (t: dg.Tensor) => t.sum(),
      (t: dg.Tensor) => t.sum(0),
      (t: dg.Tensor) => t.prod(0),
      (t: dg.Tensor) => t.max(0).values,
      (t: dg.Tensor) => t.amin(-1),
      (t: dg.Tensor) => t.median(0).values,
      (t: dg.Tensor) => t.cumsum(0),
      (t: dg.Tensor) => t.cumprod(0),
      (t: dg.Tensor) => t.logsumexp(0),
      (t: dg.Tensor) => t.sort(0).values,
      (t: dg.Tensor) => t.topk(1).values,
      (t: dg.Tensor) => t.norm(),
      (t: dg.Tensor) => t.cummax(0).values,
    ]
  ) {
    assertEquals(fn(x).item(), 2.5);
    assertEquals(fn(x).shape, []);
    assert(dg.autograd.gradcheck(fn, x));
  }
  assertEquals(x.softmax(0).item(), 1);
  assertEquals(x.argmax().item(), 0);
});

Deno.test("nothing reduces to the neutral element, or is refused", () => {
  const none = dg.zeros(0, 3);
  assertEquals(none.sum(0).toArray(), [0, 0, 0]);
  assertEquals(none.prod(0).toArray(), [1, 1, 1]);
  assertEquals(none.mean(0).toArray(), [NaN, NaN, NaN]);
  assertEquals(none.logsumexp(0).toArray(), [-Infinity, -Infinity, -Infinity]);
  assertEquals(none.all().item(), true);
  assertEquals(none.any().item(), false);
  assertEquals(none.sum(1).shape, [0]);
  assertEquals(none.amax(1).shape, [0]);
  assertEquals(none.cumsum(0).shape, [0, 3]);
  assertEquals(none.sort(0).values.shape, [0, 3]);
  assertEquals(none.softmax(1).shape, [0, 3]);
  assertEquals(none.median().item(), NaN);
  assertEquals(none.unique().shape, [0]);
  assertEquals(none.countNonzero().item(), 0);
  for (
    const fn of [
      () => none.max(),
      () => none.argmax(),
      () => none.amax(),
      () => none.max(0),
      () => none.median(0),
    ]
  ) {
    assertThrows(fn, RangeError, "Expected reduction dim");
  }
  assertThrows(() => none.norm(Infinity), RangeError, "does not have an identity");
  assertThrows(() => none.reshape(-1).quantile(0.5), RangeError, "non-empty");
});

Deno.test("NaN wins in extremes and sorts last; the nan- forms pass over it", () => {
  const x = dg.tensor([1, NaN, 3, NaN, -2]);
  assertEquals(x.max().item(), NaN);
  assertEquals(x.amin().item(), NaN);
  assertEquals(x.argmax().item(), 1);
  assertEquals(x.min(0).indices.item(), 1);
  assertEquals(x.sort().values.toArray(), [-2, 1, 3, NaN, NaN]);
  assertEquals(x.sort().indices.toArray(), [4, 0, 2, 1, 3]);
  assertEquals(x.sort({ descending: true }).indices.toArray(), [1, 3, 2, 0, 4]);
  assertEquals(x.topk(1).values.toArray(), [NaN]);
  assertEquals(x.median().item(), NaN);
  assertEquals(x.nanmedian().item(), 1);
  assertEquals(x.nanmedian(0).indices.item(), 0);
  assertEquals(x.nansum().item(), 2);
  assertEquals(x.nanmean().item(), Math.fround(2 / 3));
  assertEquals(x.quantile(0.5).item(), NaN);
  assertEquals(x.nanquantile(0.5).item(), 1);
  assertEquals(x.cummax(0).values.toArray(), [1, NaN, NaN, NaN, NaN]);
  assertEquals(x.unique().toArray(), [-2, 1, 3, NaN, NaN]);
  assertEquals(dg.isin(x, x).toArray(), [true, false, true, false, true]);
  assertEquals(x.logsumexp(0).item(), NaN);
  assertEquals(dg.tensor([-Infinity, -Infinity]).logsumexp(0).item(), -Infinity);
  assertEquals(dg.tensor([1000, 1000]).softmax(0).toArray(), [0.5, 0.5]);
});

Deno.test("results with names can be taken apart like lists", () => {
  const [values, indices] = dg.tensor([[3, 1], [2, 5]]).max(1);
  assertEquals([values.toArray(), indices.toArray()], [[3, 5], [0, 1]]);
  assertEquals(
    String(dg.tensor([[1, 3], [2, 0]]).max(1)),
    "torch.return_types.max(\nvalues=tensor([3., 2.]),\nindices=tensor([1, 0]))",
  );
  assert(String(dg.tensor([2n, 1n]).sort()).startsWith("torch.return_types.sort(\nvalues=tensor([1, 2])"));
  const { min, max } = dg.tensor([3, 1, 2]).aminmax();
  assertEquals([min.item(), max.item()], [1, 3]);
  assertEquals(indices.requiresGrad, false);
});

Deno.test("max and min of two tensors are element by element", () => {
  assertEquals(dg.max(dg.tensor([1, 5]), dg.tensor([3, 2])).toArray(), [3, 5]);
  assertEquals(dg.tensor([1, 5]).min(dg.tensor(2)).toArray(), [1, 2]);
});

Deno.test("sorting keeps the order of equals, in lines of any length", () => {
  for (const n of [1, 2, 11, 12, 13, 100, 1000]) {
    const keys = Array.from({ length: n }, (_, i) => (i * 7919) % 13);
    for (const descending of [false, true]) {
      const places = keys.map((_, i) => i).sort((a, b) =>
        (descending ? keys[b] - keys[a] : keys[a] - keys[b]) || a - b
      );
      const floats = dg.tensor(keys).sort({ descending });
      assertEquals(floats.indices.toArray(), places);
      assertEquals(floats.values.toArray(), places.map((i) => keys[i]));
      assertEquals(dg.tensor(keys.map(BigInt)).argsort({ descending }).toArray(), places);
    }
  }
  const edge = dg.tensor([-9223372036854775808n, 9223372036854775807n, 0n]);
  assertEquals(edge.sort({ descending: true }).indices.toArray(), [1, 2, 0]);
});

Deno.test("collections: distinct elements, counts, bins, places", () => {
  const x = dg.tensor([3n, 1n, 3n, 2n, 1n]);
  const [values, inverse, counts] = dg.unique(x, { returnInverse: true, returnCounts: true });
  assertEquals(values.toArray(), [1, 2, 3]);
  assertEquals(inverse.toArray(), [2, 0, 2, 1, 0]);
  assertEquals(counts.toArray(), [2, 1, 2]);
  assertEquals(dg.uniqueConsecutive(dg.tensor([1, 1, 2, 1])).toArray(), [1, 2, 1]);
  assertEquals(dg.unique(dg.tensor([[1, 2], [0, 5], [1, 2]]), { dim: 0 }).toArray(), [[0, 5], [1, 2]]);
  assertEquals(dg.bincount(x, { minlength: 5 }).toArray(), [0, 2, 1, 2, 0]);
  assertEquals(dg.histc(dg.tensor([0, 1, 2, 3, 9]), { bins: 3, min: 0, max: 3 }).toArray(), [1, 1, 2]);
  const bounds = dg.tensor([1, 3, 5]);
  assertEquals(dg.searchsorted(bounds, dg.tensor([0, 3, 6, NaN])).toArray(), [0, 1, 3, 3]);
  assertEquals(dg.bucketize(dg.tensor([[3, 4]]), bounds, { right: true }).toArray(), [[2, 2]]);
  const rows = dg.tensor([[1, 3], [2, 4]]);
  assertEquals(dg.searchsorted(rows, dg.tensor([[2], [2]])).toArray(), [[1], [0]]);
  assertEquals(dg.searchsorted(bounds, 4).item(), 2);
});

Deno.test("what cannot be reduced is refused, and nothing is changed", () => {
  const x = dg.tensor([[1, 2], [3, 4]]), before = x.toArray();
  const bad = (value: unknown) => value as never;
  const cases: [() => unknown, typeof TypeError | typeof RangeError, string][] = [
    [() => x.sum(2), RangeError, "Dimension out of range"],
    [() => x.sum([0, 0]), RangeError, "appears multiple times"],
    [() => x.sum(0.5), TypeError, "must be an integer"],
    [() => x.sum(bad("0")), TypeError, "dim must be"],
    [() => x.sum(0, bad(true)), TypeError, "options must be an object"],
    [() => x.sum(0, bad({ keepDim: true })), TypeError, "keepDim"],
    [() => x.sum({ dtype: bad("f32") }), TypeError, "unknown dtype"],
    [() => x.sum(0, { keepdim: bad(1) }), TypeError, "argument 'keepdim' must be a boolean, not number 1"],
    [() => x.prod(bad([0])), TypeError, "dim must be one number"],
    [() => x.long().mean(), TypeError, "could not infer output dtype"],
    [() => x.long().std(), TypeError, "only support floating point"],
    [() => x.long().softmax(0), TypeError, "not implemented for 'Long'"],
    [() => x.long().norm(), TypeError, "Expected a floating point"],
    [() => x.norm(bad("nuc")), TypeError, "must be a number"],
    [() => x.var(0, { correction: 1, unbiased: true }), TypeError, "not both"],
    [() => x.topk(3), RangeError, "selected index k out of range"],
    [() => x.topk(1.5), TypeError, "integer"],
    [() => x.kthvalue(0), RangeError, "out of range"],
    [() => x.quantile(1.5), RangeError, "range [0, 1]"],
    [() => x.quantile(0.5, 0, { interpolation: bad("best") }), RangeError, "interpolation"],
    [() => x.trace().trace(), TypeError, "expected a matrix"],
    [() => dg.bincount(x.long()), TypeError, "1-d non-negative"],
    [() => dg.bincount(dg.tensor([-1n])), TypeError, "non-negative"],
    [() => dg.histc(x, { bins: 0 }), RangeError, "bins must be > 0"],
    [() => dg.histc(dg.tensor([Infinity])), RangeError, "not finite"],
    [() => dg.searchsorted(dg.tensor(1), x), TypeError, "positive dimension"],
    [() => dg.searchsorted(dg.tensor([1n]), x), TypeError, "same dtype"],
    [() => dg.diff(dg.tensor(1)), TypeError, "at least one-dimensional"],
    [() => x.renorm(0, 0, 1), RangeError, "non-positive-norm"],
    [() => x.cumsum(0, bad({ out: 1 })), TypeError, "no option"],
  ];
  for (const [fn, kind, text] of cases) {
    const error = assertThrows(fn, kind, text);
    assertEquals(error.constructor, kind, text);
  }
  assertEquals(x.toArray(), before);
  assertEquals(x.version, 0);
});
