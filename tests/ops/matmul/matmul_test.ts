/** Matrix products: gradients of every form, views and layouts, dtypes, errors, writing in place. */
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import * as dg from "../../../mod.ts";

const { gradcheck, gradgradcheck } = dg.autograd;

/** A leaf in float64 with numbers between -1 and 1. */
function leaf(...shape: number[]): dg.Tensor {
  return dg.rand([...shape], { dtype: "float64" }).mul(2).sub(1).requiresGrad_();
}

const forms: Record<string, [(...xs: dg.Tensor[]) => dg.Tensor, number[][]]> = {
  dot: [dg.dot, [[4], [4]]],
  vdot: [dg.vdot, [[4], [4]]],
  mv: [dg.mv, [[2, 3], [3]]],
  mm: [dg.mm, [[2, 3], [3, 4]]],
  bmm: [dg.bmm, [[2, 2, 3], [2, 3, 2]]],
  outer: [dg.outer, [[2], [3]]],
  inner: [dg.inner, [[2, 3], [4, 3]]],
  addmm: [(c, a, b) => dg.addmm(c, a, b, { beta: 0.5, alpha: 2 }), [[4], [2, 3], [3, 4]]],
  addmv: [(c, a, b) => dg.addmv(c, a, b, { beta: 0.5, alpha: 2 }), [[], [2, 3], [3]]],
  addr: [(c, a, b) => dg.addr(c, a, b, { beta: 0.5, alpha: 2 }), [[2, 1], [2], [3]]],
  baddbmm: [(c, a, b) => dg.baddbmm(c, a, b, { beta: 0.5, alpha: 2 }), [[2, 1, 2], [2, 2, 3], [2, 3, 2]]],
  addbmm: [(c, a, b) => dg.addbmm(c, a, b, { beta: 0.5, alpha: 2 }), [[2, 2], [3, 2, 3], [3, 3, 2]]],
  "mm of a transpose": [(a, b) => dg.mm(a.t(), b), [[3, 2], [3, 4]]],
  "mm with a transpose": [(a, b) => dg.mm(a, b.t()), [[2, 3], [4, 3]]],
  "mm of a matrix with itself": [(a) => a.mm(a), [[3, 3]]],
  "matmul 1d 1d": [dg.matmul, [[3], [3]]],
  "matmul 2d 1d": [dg.matmul, [[2, 3], [3]]],
  "matmul 1d 2d": [dg.matmul, [[3], [3, 2]]],
  "matmul 3d 1d": [dg.matmul, [[2, 2, 3], [3]]],
  "matmul 1d 3d": [dg.matmul, [[3], [2, 3, 2]]],
  "matmul 3d 2d": [dg.matmul, [[2, 2, 3], [3, 2]]],
  "matmul 2d 3d": [dg.matmul, [[2, 3], [2, 3, 2]]],
  "matmul 3d 3d": [dg.matmul, [[2, 2, 3], [2, 3, 2]]],
  "matmul broadcast left": [dg.matmul, [[1, 2, 3], [2, 3, 2]]],
  "matmul broadcast right": [dg.matmul, [[2, 2, 3], [1, 3, 2]]],
  "matmul broadcast both": [dg.matmul, [[2, 1, 2, 3], [3, 3, 2]]],
  linear: [(x, w, b) => dg.linear(x, w, b), [[2, 3], [4, 3], [4]]],
  "linear of a vector": [(x, w, b) => dg.linear(x, w, b), [[3], [4, 3], [4]]],
  "linear of a batch": [(x, w, b) => dg.linear(x, w, b), [[2, 2, 3], [4, 3], [4]]],
  tensordot: [(a, b) => dg.tensordot(a, b, [[1, 2], [1, 0]]), [[2, 3, 4], [4, 3, 2]]],
  einsum: [(a, b, c) => dg.einsum("ijk,kl,lm->ijm", a, b, c), [[2, 2, 3], [3, 2], [2, 2]]],
  "einsum with a diagonal": [(a, b) => dg.einsum("iij,j->i", a, b), [[2, 2, 3], [3]]],
};

for (const [name, [fn, shapes]] of Object.entries(forms)) {
  Deno.test(`gradients of ${name}, first and second`, () => {
    dg.manualSeed(1);
    const inputs = shapes.map((s) => leaf(...s));
    assert(gradcheck(fn, inputs));
    assert(gradgradcheck(fn, inputs));
  });
}

Deno.test("only what a wanted gradient needs is saved", () => {
  const a = dg.ones(2, 3), x = dg.ones(3, { requiresGrad: true });
  const saved = dg.mv(a, x).gradFn!.saved();
  assertStrictEquals(saved.self, a);
  assertEquals(saved.vec, null);
  const both = dg.mm(dg.ones(2, 2, { requiresGrad: true }), dg.ones(2, 2)).gradFn!.saved();
  assertEquals([both.self === null, both.mat2 === null], [true, false]);
});

Deno.test("a factor that was written to is noticed in the backward pass", () => {
  const a = dg.ones(2, 2, { requiresGrad: true }), b = dg.ones(2, 2);
  const loss = a.mm(b).sum();
  b.mul_(2);
  assertThrows(() => loss.backward(), TypeError, "modified by an inplace operation");
});

Deno.test("gradients lie in memory as their factors do, so that leaves take them over", () => {
  const x = dg.rand(4, 3), w = dg.rand(5, 3).requiresGrad_();
  dg.linear(x, w).sum().backward();
  assert(w.grad!.isContiguous());
  assertEquals(w.grad!.strides, w.strides);
});

Deno.test("integers multiply exactly and wrap", () => {
  const a = dg.tensor([[1n, 2n], [3n, 4n]]);
  assertEquals(a.matmul(a).toArray(), [[7, 10], [15, 22]]);
  assertEquals(a.matmul(a).dtype, "int64");
  const big = dg.tensor([2n ** 62n, 1n]);
  assertEquals(dg.dot(big, dg.tensor([4n, 5n])).item(), 5);
  const bytes = dg.tensor([[200n]], { dtype: "uint8" });
  assertEquals(bytes.mm(bytes).item(), 200 * 200 % 256);
  const ints = dg.tensor([2 ** 31 - 1, 1], { dtype: "int32" });
  assertEquals(dg.dot(ints, ints).item(), 2);
  assertThrows(
    () => dg.addmm(a, a, a, { alpha: 0.5 }),
    TypeError,
    "argument alpha must not be a floating point number",
  );
});

Deno.test("bools have no product, as in PyTorch", () => {
  const a = dg.tensor([[true]]);
  assertThrows(() => a.mm(a), TypeError, "not implemented for 'Bool'");
});

Deno.test("empty sums are zeros, also over what was NaN", () => {
  assertEquals(dg.mm(dg.zeros(2, 0), dg.zeros(0, 3)).toArray(), [[0, 0, 0], [0, 0, 0]]);
  const nan = dg.full([2, 2], NaN);
  assertEquals(dg.addmm(nan, dg.eye(2), dg.eye(2), { beta: 0 }).toArray(), [[1, 0], [0, 1]]);
});

Deno.test("products in place: values, gradients, and nothing written on bad input", () => {
  const c = dg.ones(2, 2), a = dg.ones(2, 3, { requiresGrad: true }), b = dg.ones(3, 2);
  const d = c.clone();
  assertStrictEquals(d.addmm_(a, b, { beta: 2 }), d);
  assertEquals(d.detach().toArray(), [[5, 5], [5, 5]]);
  d.sum().backward();
  assertEquals(a.grad!.toArray(), [[2, 2, 2], [2, 2, 2]]);
  const row = dg.ones(2);
  assertThrows(() => row.addmm_(a.detach(), b), TypeError, "doesn't match the broadcast shape");
  assertEquals([row.toArray(), row.version], [[1, 1], 0]);
});

Deno.test("what is no tensor is refused by name", () => {
  assertThrows(
    () => dg.matmul(dg.ones(2), 3 as never),
    TypeError,
    "matmul(): argument 'other' (position 2) must be Tensor, not number 3",
  );
  assertThrows(() => dg.addmm(dg.ones(1), dg.eye(1), dg.eye(1), { gamma: 1 } as never), TypeError, '"gamma"');
});

Deno.test("large products agree with a loop, whatever the layout", () => {
  dg.manualSeed(2);
  const a = dg.randn([70, 130], { dtype: "float64" }), b = dg.randn([130, 55], { dtype: "float64" });
  const expected = a.unsqueeze(2).mul(b.unsqueeze(0)).sum(1);
  for (const [p, q] of [[a, b], [a.t().contiguous().t(), b], [a, b.t().contiguous().t()]]) {
    assert(dg.allclose(p.mm(q), expected, { rtol: 1e-12, atol: 1e-12 }));
  }
  const every = dg.randn([70, 260], { dtype: "float64" }).slice(1, 0, null, 2);
  assert(
    dg.allclose(every.mm(b), every.unsqueeze(2).mul(b.unsqueeze(0)).sum(1), { rtol: 1e-12, atol: 1e-12 }),
  );
});

Deno.test("einsum: spaces, capitals, implied results, and messages", () => {
  const a = dg.tensor([[1, 2], [3, 4]]);
  assertEquals(dg.einsum(" i j -> j i ", a).toArray(), [[1, 3], [2, 4]]);
  assertEquals(dg.einsum("ij,jk", a, a).toArray(), a.mm(a).toArray());
  assertEquals(dg.einsum("bA", a).toArray(), [[1, 3], [2, 4]], "capitals come first");
  assertEquals(dg.einsum("ij,kj->ik", [a, a]).toArray(), a.mm(a.t()).toArray());
  assertThrows(() => dg.einsum("i1->i", a), TypeError, "invalid subscript");
  assertThrows(() => dg.einsum("ij->ij"), TypeError, "at least one operand");
});
