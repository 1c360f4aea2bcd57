/** Indexing on the GPU against the CPU: every operation, layouts, repeated and wrong indices, gradients, what is read. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import * as dg from "../../../mod.ts";
import type { Tensor } from "../../../mod.ts";
import { GpuError } from "../../../src/backend/webgpu/device.ts";
import type { DType } from "../../../src/tensor/dtype.ts";
import { gpuTest, lcg } from "./helpers.ts";

const device = "webgpu";

/** The same tensor there, in a memory of its own with the same strides. */
const there = (t: Tensor): Tensor => t.to(device);

function same(got: Tensor, expected: Tensor, what: string): void {
  assertEquals(got.device, device, what);
  assertEquals(got.dtype, expected.dtype, what);
  assertEquals(got.shape, expected.shape, what);
  assertEquals(got.toArray(), expected.toArray(), what);
}

/** Runs the same on both devices and compares results and what the operands are afterwards. */
function both(what: string, inputs: readonly Tensor[], run: (...xs: Tensor[]) => Tensor): void {
  const mine = inputs.map((x) => x.clone()), theirs = inputs.map((x) => there(x.clone()));
  const expected = run(...mine);
  same(run(...theirs), expected, what);
  theirs.forEach((x, i) => same(x, mine[i], `${what}: operand ${i}`));
}

const random = lcg(11), below = (n: number): number => Math.floor(random() * n);

/** Small whole numbers, whose sums are exact. */
function values(shape: readonly number[], dtype: DType = "float32"): Tensor {
  const count = shape.reduce((a, b) => a * b, 1);
  const list = Array.from(
    { length: count },
    () => dtype === "bool" ? below(2) : below(19) - (dtype === "uint8" ? 0 : 9),
  );
  return dg.tensor(list, { dtype }).reshape(shape);
}

function indices(shape: readonly number[], size: number, wrap = false, dtype: DType = "int64"): Tensor {
  const count = shape.reduce((a, b) => a * b, 1);
  return dg.tensor(Array.from({ length: count }, () => below(size) - (wrap && below(2) ? size : 0)), {
    dtype,
  })
    .reshape(shape);
}

gpuTest("gather, indexSelect, take and their like agree with the CPU", () => {
  for (let trial = 0; trial < 40; trial++) {
    const shape = Array.from({ length: 1 + below(4) }, () => 1 + below(5)), dim = below(shape.length);
    const dtype = (["float32", "int32", "int64", "bool", "float16", "uint8"] as const)[below(6)];
    const x = values(shape, dtype), part = shape.map((s, d) => d === dim ? 1 + below(7) : 1 + below(s));
    const list = indices([below(6)], shape[dim], false, trial % 2 ? "int32" : "int64");
    both("gather", [x, indices(part, shape[dim])], (x, i) => x.gather(dim, i));
    both("indexSelect", [x, list], (x, i) => x.indexSelect(dim, i));
    both(
      "indexSelect of a view",
      [x, list],
      (x, i) => x.transpose(0, dim).indexSelect(0, i),
    );
    both("take", [x, indices([2, 3], x.numel(), true)], (x, i) => x.take(i));
    both(
      "take of a view",
      [x, indices([4], x.numel(), true)],
      (x, i) => x.movedim(0, -1).take(i),
    );
    both("takeAlongDim", [x, indices(shape, shape[dim])], (x, i) => x.takeAlongDim(i, dim));
  }
});

gpuTest("index picks as the CPU does: views, several indices, masks, lists, new dimensions", () => {
  const x = values([3, 4, 5]);
  const i = indices([2, 1], 3, true), j = indices([2], 4, true), k = indices([3], 5, true, "int32");
  both("one", [x, i], (x, i) => x.index(i));
  both("two beside each other", [x, i, j], (x, i, j) => x.index(i, j));
  both("two apart", [x, i, j], (x, i, j) => x.index(i, ":", j.remainder(4n)));
  both("behind a slice", [x, j], (x, j) => x.index("1:", j));
  both("the last", [x, k], (x, k) => x.index("...", k));
  both("a list", [x], (x) => x.index([2, 0], null, "::2"));
  both("an expanded index", [x, j], (x, j) => x.index(j.remainder(3n).expand(3, 2), j));
  both("a mask", [x], (x) => x.index(x.gt(1)));
  both("a mask of two dimensions", [x], (x) => x.index(x.select(2, 0).gt(-3)));
  both("a mask and an index", [x], (x) => x.index([true, false, true], ":", [2]));
  both("flags", [x], (x) => x.index(true, [1]));
  both("no element", [x], (x) => x.index(x.gt(100)));
  both("a number in a tensor", [x, dg.tensor(2n)], (x, i) => x.index(i));
  // an index of the CPU goes with a tensor of the GPU, not the other way round
  same(there(x).index(i), x.index(i), "an index of the CPU");
  same(there(x).index(x.gt(0)), x.index(x.gt(0)), "a mask of the CPU");
  assertThrows(
    () => x.index(there(i)),
    TypeError,
    "indices should be either on cpu or on the same device as the indexed tensor (cpu)",
  );
  for (const wrong of [() => there(x).gather(0, i.unsqueeze(2)), () => there(x).indexSelect(0, j)]) {
    assertThrows(
      wrong,
      TypeError,
      "Expected all tensors to be on the same device, but found at least two devices",
    );
  }
  assertThrows(() => there(x).index([3]), RangeError, "index 3 is out of bounds for dimension 0 with size 3");
});

gpuTest("writing agrees with the CPU, also where indices repeat", () => {
  for (let trial = 0; trial < 40; trial++) {
    const shape = Array.from({ length: 1 + below(3) }, () => 1 + below(5)), dim = below(shape.length);
    const dtype = (["float32", "int32", "float16", "bool", "float64", "int8"] as const)[below(6)];
    const x = values(shape, dtype), part = shape.map((s, d) => d === dim ? 1 + below(7) : 1 + below(s));
    const at = indices(part, shape[dim]), src = values(part, dtype);
    both("scatter", [x, at, src], (x, i, s) => x.scatter(dim, i, s));
    both("scatter_", [x, at, src], (x, i, s) => x.scatter_(dim, i, s));
    both("scatter a value", [x, at], (x, i) => x.scatter(dim, i, 1));
    both("scatterAdd", [x, at, src], (x, i, s) => x.scatterAdd(dim, i, s));
    const line = indices([4], shape[dim]), rows = values(shape.map((s, d) => d === dim ? 4 : s), dtype);
    both("indexAdd", [x, line, rows], (x, i, s) => x.indexAdd(dim, i, s));
    both("indexCopy_", [x, line, rows], (x, i, s) => x.indexCopy_(dim, i, s));
    both("indexFill_", [x, line], (x, i) => x.indexFill_(dim, i, 1));
    const numbers = indices([5], x.numel(), true), list = values([5], dtype);
    both("put_", [x, numbers, list], (x, i, s) => x.put_(i, s));
    both("put_ and add", [x, numbers, list], (x, i, s) => x.put_(i, s, { accumulate: true }));
    if (dtype === "bool") continue;
    for (const reduce of ["sum", "prod", "amax", "amin", "mean"] as const) {
      for (const includeSelf of [true, false]) {
        const small = src.clamp(-2, 2).to(dtype); // products stay whole numbers of the dtype
        if (dtype === "int8" && reduce === "prod") continue;
        both(reduce, [x, at, small], (x, i, s) => x.scatterReduce(dim, i, s, reduce, { includeSelf }));
      }
    }
  }
});

gpuTest("assignment by an index agrees with the CPU", () => {
  const x = values([4, 5]),
    i = dg.tensor([1n, -1n, 1n]),
    j = dg.tensor([0n, 2n, 0n]),
    v = dg.tensor([5, 6, 7]);
  both("pairs, the last wins", [x, i, j, v], (x, i, j, v) => x.indexPut_([i, j], v));
  both("pairs, added", [x, i, j, v], (x, i, j, v) => x.indexPut_([i, j], v, { accumulate: true }));
  both("rows", [x, i, v], (x, i, v) => x.indexPut_([i], v.unsqueeze(1)));
  both("a view", [x, i, v], (x, i, v) => {
    x.t().setIndex([i], v.sum());
    return x;
  });
  both("a column of a view", [x, i, v], (x, i, v) => {
    x.select(1, 2).setIndex([i], v);
    return x;
  });
  both("a mask and a number", [x], (x) => x.setIndex([x.gt(0)], -1));
  both("a mask of rows and a number", [x], (x) => x.setIndex([x.select(1, 0).gt(0)], 3));
  both("a mask and a tensor", [x, v], (x, v) => x.setIndex([x.gt(0)], v.sum()));
  both("a mask and values", [x], (x) => x.setIndex([x.gt(0)], x.abs().index(x.gt(0)).neg()));
  both("maskedScatter_", [x, values([20])], (x, s) => x.maskedScatter_(x.lt(0), s));
  both("maskedFill", [x], (x) => x.maskedFill(x.gt(0), -1));
  both("out of place", [x, i, v], (x, i, v) => x.indexPut([i, i], v));
  both("the memory of the target itself", [x, i], (x, i) => x.indexPut_([i], x.narrow(0, 0, 3)));
  both(
    "an index in the target's memory",
    [dg.tensor([2, 0, 1], { dtype: "int32" })],
    (x) => x.indexPut_([x], x),
  );
});

gpuTest("many values for few elements, and few for many", () => {
  const n = 130000, at = indices([n], 3), src = values([n]);
  both("long chains", [dg.zeros(3), at, src], (x, i, s) => x.scatterAdd(0, i, s));
  both("rows of long chains", [dg.zeros(3, 2), at, values([n, 2])], (x, i, s) => x.indexAdd(0, i, s));
  both("largest", [dg.zeros(3), at, src], (x, i, s) => x.scatterReduce(0, i, s, "amax"));
  both(
    "many elements",
    [dg.zeros(100000), indices([50], 100000), values([50])],
    (x, i, s) => x.scatterAdd(0, i, s),
  );
  // sums that round come out the same every time
  const rounding = dg.rand(5000), places = there(indices([5000], 40)), there_ = there(rounding);
  const once = dg.zeros(40, { device }).scatterAdd(0, places, there_).toArray();
  for (let k = 0; k < 5; k++) {
    assertEquals(dg.zeros(40, { device }).scatterAdd(0, places, there_).toArray(), once);
  }
});

gpuTest("gradients of indexing agree with the CPU, second ones too", () => {
  const x = values([4, 5]), i = indices([3, 5], 4), k = indices([6], 4), v = values([3, 5]);
  const cases: [string, readonly Tensor[], (x: Tensor, ...rest: Tensor[]) => Tensor][] = [
    ["gather", [i], (x, i) => x.gather(0, i)],
    ["indexSelect", [k], (x, k) => x.indexSelect(0, k)],
    ["index", [k], (x, k) => x.index(k)],
    ["index of two", [k], (x, k) => x.index(k, k)],
    ["mask", [], (x) => x.index(x.gt(0))],
    ["maskedSelect", [], (x) => x.maskedSelect(x.gt(0))],
    ["scatterAdd", [i, v], (x, i, v) => x.scatterAdd(0, i, v)],
    ["scatter", [dg.tensor([[0n, 1n], [2n, 3n]]), values([2, 2])], (x, i, v) => x.scatter(0, i, v)],
    ["indexPut", [k], (x, k) => x.indexPut([k], 2)],
    ["a mask and a number", [], (x) => x.clone().setIndex([x.gt(0)], 2)],
    ["take", [k], (x, k) => x.take(k)],
    ["amax", [i, v], (x, i, v) => x.scatterReduce(0, i, v, "amax")],
    ["unfold", [], (x) => x.unfold(1, 3, 1)],
    ["asStrided", [], (x) => x.asStrided([3, 2], [5, 1], 1)],
  ];
  for (const [name, rest, run] of cases) {
    const grads = [dg.tensor(0), there(dg.tensor(0))].map((like) => {
      const a = x.to(like.device).clone().requiresGrad_();
      const others = rest.map((t) => t.to(like.device));
      const loss = run(a, ...others).pow(2).sum();
      const [g] = dg.autograd.grad(loss, a, { createGraph: true });
      const [gg] = dg.autograd.grad(g!.pow(2).sum(), a, { allowUnused: true });
      return [g!.detach(), gg ?? dg.zerosLike(a)];
    });
    grads[0].forEach((expected, o) => same(grads[1][o], expected, `${name}: derivative ${o + 1}`));
  }
});

gpuTest("an index that is out of range is told by the next read, and changes nothing", () => {
  const x = there(dg.arange(6).reshape(2, 3));
  const cases: [string, () => Tensor][] = [
    ["gather() met index 3 where the size is 3", () => x.gather(1, there(dg.tensor([[0n, 3n]])))],
    ["indexSelect() met index -1 where the size is 2", () => x.indexSelect(0, there(dg.tensor([-1n])))],
    ["index() met index -3 where the size is 2", () => x.index(there(dg.tensor([0n, -3n])))],
    ["take() met index 6 where the size is 6", () => x.take(there(dg.tensor([6n])))],
    ["scatter_() met index 2 where the size is 2", () => x.scatter_(0, there(dg.tensor([[2n]])), 9)],
    [
      "scatterAdd_() met index 5",
      () => x.scatterAdd_(0, there(dg.tensor([[5n]])), dg.ones(1, 1, { device })),
    ],
    ["index() met index 4", () => x.indexPut_([there(dg.tensor([4n]))], 1)],
  ];
  for (const [words, run] of cases) {
    const out = run();
    assertThrows(() => out.toArray(), GpuError, `index out of range: ${words}`);
    assertEquals(x.toArray(), [[0, 1, 2], [3, 4, 5]]); // and the next read is well
  }
  // by the operations that the user called, in their words
  const logits = there(dg.rand(2, 3)), F = dg.nn.functional, wrong = there(dg.tensor([1n, 5n]));
  const target = "Target 5 is out of bounds. The input of nllLoss or crossEntropy has 3 classes, from 0 on.";
  const weight = dg.ones(3, { device });
  const worded: [string, () => Tensor][] = [
    [target, () => F.crossEntropy(logits, wrong)],
    [target, () => F.crossEntropy(logits, wrong, { weight, labelSmoothing: 0.1 })],
    [target, () => F.nllLoss(logits, wrong, { reduction: "none" })],
    ["Target -1 is out of bounds.", () => F.nllLoss(logits, wrong.sub(6n).clamp(-1n, -1n))],
    [
      "index out of range in self: an embedding met 5, the table has 3 rows.",
      () => F.embedding(wrong, logits.t()),
    ],
    ["smaller than num_classes: oneHot() met 5 with 4 classes", () => F.oneHot(wrong, 4)],
  ];
  for (const [words, run] of worded) {
    const out = run();
    assertThrows(() => out.toArray(), GpuError, `${words}`);
  }
  // reported by whatever is read next
  x.indexSelect(0, there(dg.tensor([7n])));
  assertThrows(() => dg.ones(1, { device }).sum().item(), GpuError, "indexSelect() met index 7");
  x.indexSelect(0, there(dg.tensor([8n])));
  assertThrows(() => dg.webgpu.synchronize(), GpuError, "indexSelect() met index 8");
  assertEquals(dg.ones(1, { device }).sum().item(), 1);
});

gpuTest("int64: indices and classes go through, arithmetic that does not fit is told", () => {
  const i = there(dg.tensor([3n, -2n, 0n]));
  assertEquals(i.dtype, "int64");
  assertEquals([...i.typedArray()], [3n, -2n, 0n]);
  same(i.eq(3n), dg.tensor([true, false, false]), "eq");
  same(i.to("int32"), dg.tensor([3, -2, 0], { dtype: "int32" }), "int32");
  same(i.to("float32"), dg.tensor([3, -2, 0]), "float32");
  same(dg.where(i.gt(0n), i, 7n), dg.tensor([3n, 7n, 7n]), "where");
  same(i.clamp(-1n, 1n), dg.tensor([1n, -1n, 0n]), "clamp");
  same(i.remainder(2n), dg.tensor([1n, 0n, 0n]), "remainder");
  same(dg.cat([i, i]), dg.tensor([3n, -2n, 0n, 3n, -2n, 0n]), "cat");
  same(i.div(2), dg.tensor([1.5, -1, 0]), "div");
  same(i.add(1n), dg.tensor([4n, -1n, 1n]), "add");
  same(i.mul(i), dg.tensor([9n, 4n, 0n]), "mul");
  same(i.sub(4n).abs().neg(), dg.tensor([-1n, -6n, -4n]), "abs");
  same(i.pow(3n), dg.tensor([27n, -8n, 0n]), "pow");
  same(i.bitwiseAnd(1n), dg.tensor([1n, 0n, 0n]), "bits");
  const square = there(dg.arange(6n).reshape(2, 3));
  square.t().select(0, 1).mul_(100n);
  same(square, dg.tensor([[0n, 100n, 2n], [3n, 400n, 5n]]), "in place through a view");
  same(there(dg.tensor([-(2n ** 31n) + 1n])).sub(1n), dg.tensor([-(2n ** 31n)]), "the least");
  for (
    const [name, run] of [["add", () => i.add(2n ** 31n - 3n)], ["mul", () => i.mul(2n ** 30n)]] as const
  ) {
    const out = run();
    assertThrows(() => out.toArray(), GpuError, `${name} gives an int64 that does not fit into the 32 bits`);
  }
  assertThrows(() => there(dg.tensor([-(2n ** 31n)])).neg().item(), GpuError, "does not fit");
  same(i.scatterAdd(0, i.clamp(0n, 1n), i), dg.tensor([1n, 1n, 0n]), "scatterAdd");
  assertThrows(() => there(dg.tensor([2n ** 40n])), RangeError, "which cannot hold 1099511627776");
});

gpuTest("indices on the GPU are not read: no command waits", (gpu) => {
  const x = there(dg.rand(50, 8)).requiresGrad_(), i = there(indices([16], 50)), y = there(indices([16], 8));
  const run = () => {
    const rows = x.index(i).add(x.indexSelect(0, i));
    dg.nn.functional.crossEntropy(rows, y).backward();
    const g = x.grad!;
    x.grad = null;
    return g.scatterAdd(0, y.unsqueeze(1), rows.detach().gather(1, y.unsqueeze(1)));
  };
  run().toArray(); // compiles
  const { readBytes } = gpu;
  let reads = 0;
  gpu.readBytes = function (...args) {
    reads++;
    return readBytes.apply(this, args);
  };
  try {
    const out = run();
    assertEquals(reads, 0);
    out.toArray();
    assert(reads > 0);
  } finally {
    Reflect.deleteProperty(gpu, "readBytes");
  }
});
