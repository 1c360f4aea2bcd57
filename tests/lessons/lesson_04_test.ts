/** Lesson 04: dtypes, views and shared memory, graphs, retained graphs. */
import { dg, type Tensor } from "./dinograd.ts";
import { lesson } from "./lesson.ts";
import { name, numpy, size, tuple } from "./python.ts";

/** The two-path function of the lesson; its derivative at 1 is 6. */
function twoPaths(x: Tensor): Tensor {
  const g1 = dg.mul(3, x);
  const g2 = x.pow(2).add(x);
  const h1 = dg.mul(2, g1).add(1);
  const h2 = dg.mul(2, g1).add(g2);
  return h1.sub(h2).pow(2);
}

lesson("04_autodiff_notebook", async ({ cell, skip }) => {
  let x!: Tensor, y!: Tensor, z!: Tensor, f!: Tensor, loss!: Tensor, a!: Tensor, flat!: Tensor;
  let b!: Tensor, bt!: Tensor, btFlat!: Tensor, shared!: Tensor, mean!: Tensor;
  const array = BigInt64Array.from({ length: 12 }, (_, i) => BigInt(i));

  skip("version", "it is PyTorch's own");
  await cell("univariate 1", ({ print }) => {
    x = dg.tensor([1], { requiresGrad: true });
    loss = twoPaths(x);
    loss.backward();
    print(x.grad);
  });
  await cell("univariate 2", ({ print }) => {
    x = dg.tensor(1, { requiresGrad: true });
    f = dg.mul(2, x).mul(x).sub(dg.mul(3, x)).add(4);
    print(x);
    print(f);
  });
  await cell("f.backward()", () => f.backward());
  await cell("x.grad", ({ out }) => out(x.grad));
  await cell("multivariate", ({ print }) => {
    const w = dg.tensor([1, 2]);
    w.requiresGrad_();
    print(w);
    const e = (w[0] as Tensor).add(w[1]).pow(2);
    const r = dg.mul(2, w[0]).sub(1);
    r.retainGrad();
    loss = e.add(r);
    print(e.requiresGrad, r.requiresGrad, loss.requiresGrad);
    print(loss);
    loss.backward();
    print(w.grad);
    print(r.grad);
  });
  await cell("arange(6) - 2", ({ print }) => {
    a = dg.arange(6n).sub(2n);
    print(a);
    print(name(`<class 'torch.${a.constructor.name}'>`), a.type());
    print(a.dtype);
  });
  await cell("arange(4, dtype=float32) - 2", ({ print, out }) => {
    a = dg.arange(4, { dtype: "float32" }).sub(2);
    print(a.dtype);
    out(a);
  });
  await cell("arange(4.0) - 2", ({ out }) => out(dg.arange(4).sub(2)));
  await cell("a.shape", ({ out }) => out(size(a.shape)));
  await cell("a.type(), type(a.shape)", ({ out }) => out(a.type()), {
    replace: [["('torch.FloatTensor', torch.Size)", "'torch.FloatTensor'"]],
    because: "a shape is an array of numbers",
  });
  await cell("a.dtype", ({ out }) => out(a.dtype));
  await cell("a.size()", ({ out }) => out(size(a.size())));
  await cell("reshape", ({ out }) => {
    a = dg.arange(6n).reshape(2, 3).add(1n);
    out(a);
  });
  await cell("flatten", ({ print }) => {
    flat = a.flatten();
    print(flat);
    print(a);
  });
  await cell("flatten of a contiguous tensor is a view", ({ print }) => {
    flat[0] = -1n;
    print(flat);
    print(a);
  });
  await cell("numpy ravel", ({ print, out }) => {
    print(numpy(array, [3, 4]));
    out(numpy(array));
  });
  await cell("numpy flatten", ({ out }) => out(numpy(array.slice())));
  await cell("from_numpy", ({ out }) => {
    shared = dg.fromTypedArray(array).reshape(3, 4);
    out(shared);
  });
  await cell("from_numpy shares memory", ({ out }) => {
    shared["-1, -1"] = 12n;
    out(tuple(shared, numpy(array, [3, 4])));
  });
  let back!: BigInt64Array;
  await cell("numpy()", ({ out }) => {
    back = shared.typedArray() as BigInt64Array;
    out(numpy(back, [3, 4]));
  });
  await cell("numpy() shares memory", ({ out }) => {
    back[back.length - 1] = 11n;
    out(tuple(numpy(back, [3, 4]), shared));
  });
  await cell("numpy's exp of a tensor", ({ print, out }) => {
    print(dg.div(1, dg.add(1, shared.to("float64").neg().exp())));
    out(name(`torch.${shared.constructor.name}`));
  });
  const sigmoid = (x: Tensor): Tensor => dg.div(1, dg.add(1, dg.exp(x.neg())));
  await cell("type(torch.FloatTensor)", ({ out }) => {
    const result = sigmoid(shared.type("float32") as Tensor);
    out(tuple(result, result.dtype));
  });
  await cell("torch.exp of an int64 tensor directly gives float32", ({ out }) => out(sigmoid(shared).dtype));
  await cell("reshape(-1, 3)", ({ out }) => {
    b = shared.reshape(-1, 3);
    out(b);
  });
  await cell("reshape of a contiguous tensor is a view", ({ out }) => {
    b["0, 0"] = -1;
    out(tuple(b, shared));
  });
  await cell("t()", ({ out }) => {
    bt = b.t();
    out(bt);
  });
  await cell("reshape(-1) of a transposed tensor copies", ({ out }) => {
    btFlat = bt.reshape(-1);
    out(btFlat);
  });
  await cell("so writing to it leaves bt alone", ({ out }) => {
    btFlat[0] = 0n;
    out(tuple(btFlat, bt));
  });
  await cell("cuda", ({ print }) => print(dg.cuda.isAvailable()), {
    replace: [["NameError: name 'b_gpu' is not defined", ""]],
    because: "a missing name is a compile error",
  });
  await cell("graph example 1", ({ print }) => {
    x = dg.tensor(1, { requiresGrad: true });
    f = x.mul(x).add(dg.mul(3, x)).sub(1);
    print(f.requiresGrad);
    print(f);
  });
  await cell("backward; x.grad, x.data, x.grad_fn", ({ out }) => {
    f.backward();
    out(tuple(x.grad, x.data, x.gradFn));
  });
  await cell(
    "f.grad (a non-leaf: warns), f.data, f.grad_fn (Python's repr, address normalised)",
    ({ out }) => out(tuple(f.grad, f.data, f.gradFn)),
  );
  await cell("is_leaf", ({ out }) => out(tuple(f.isLeaf, x.isLeaf)));
  await cell("loss.backward() again (loss of the multivariate cell, graph freed)", ({ raises }) => {
    raises(() => loss.backward());
  });
  await cell("graph example 2", ({ print }) => {
    x = dg.mul(0.5, dg.ones(2, 5));
    x.requiresGrad_();
    print(x);
    print(x.isLeaf, x.requiresGrad);
  });
  await cell("y = 2 * x + 1", ({ print, out }) => {
    y = dg.mul(2, x).add(1);
    print(y);
    out(y.isLeaf);
  });
  await cell("y.requires_grad", ({ out }) => out(y.requiresGrad));
  await cell("z = y * y - 2 * x", ({ out }) => {
    z = y.mul(y).sub(dg.mul(2, x));
    out(z);
  });
  await cell("z.requires_grad", ({ out }) => out(z.requiresGrad));
  await cell("mean", ({ out }) => {
    mean = z.mean();
    out(mean);
  });
  await cell("mean requires grad", ({ out }) => out(mean.requiresGrad));
  await cell("backward; x.grad, y.grad (non-leaf: warns, None)", ({ print }) => {
    mean.backward();
    print(x.grad);
    print(y.grad);
  });
  await cell("the commented line: torch.tensor(tensor, requires_grad=True) warns", ({ print }) => {
    const copy = dg.tensor(dg.mul(2, dg.ones(10).view(2, 5)), { requiresGrad: true });
    print(copy.isLeaf, copy.requiresGrad, copy);
  });
  await cell("the 'Try': 0.5 * torch.ones(2, 5, requires_grad=True) is not a leaf", ({ print }) => {
    const scaled = dg.mul(0.5, dg.ones(2, 5, { requiresGrad: true }));
    print(scaled);
    print(scaled.isLeaf, scaled.requiresGrad);
  });
  await cell("retain_grad", ({ out }) => {
    x = dg.ones(10).view(2, 5);
    x.requiresGrad_(true);
    y = x.add(1);
    y.retainGrad();
    z = dg.mul(2, y).mul(y).add(x);
    mean = z.mean();
    mean.backward();
    out(x.grad);
  });
  await cell("y.requires_grad (retain_grad)", ({ out }) => out(y.requiresGrad));
  await cell("y.grad (retained: no warning)", ({ out }) => out(y.grad));
  await cell("retain_graph: first run", ({ print }) => {
    x = dg.tensor([1], { requiresGrad: true });
    loss = twoPaths(x);
    loss.backward();
    print(x.grad);
  });
  await cell("retain_graph: twice", ({ print }) => {
    x = dg.tensor([1], { requiresGrad: true });
    loss = twoPaths(x);
    loss.backward({ retainGraph: true });
    print(x.grad);
    loss.backward({ retainGraph: true });
    print(x.grad);
  });
  await cell("retain_graph: zero first", ({ print }) => {
    x.grad!.zero_();
    loss.backward({ retainGraph: true });
    print(x.grad);
  });
  await cell("x.data", ({ print }) => {
    x = dg.tensor([1], { requiresGrad: true });
    loss = twoPaths(x);
    loss.backward({ retainGraph: true });
    print(x.grad);
    x.data[0] = 0;
    loss = twoPaths(x);
    loss.backward({ retainGraph: true });
    print(x.grad);
  });
  await cell("x[0] = 0.0 on a leaf that requires grad raises", ({ raises }) => {
    raises(() => x[0] = 0);
  });
  await cell("vector-Jacobian: mean", ({ print }) => {
    x = dg.mul(2, dg.ones(10).view(2, 5));
    x.requiresGrad_(true);
    y = x.add(1);
    z = dg.mul(2, y).mul(y).add(x);
    mean = z.mean();
    mean.backward({ retainGraph: true });
    print(x.grad);
    print(x.grad!.type());
    print(x.grad!.dtype);
  });
  await cell("z.backward without a cotangent raises", ({ raises }) => {
    x.grad!.zero_();
    raises(() => z.backward({ retainGraph: true }));
  });
  await cell("z.backward(ones)", ({ out }) => {
    z.backward(dg.ones(10).view(2, -1), { retainGraph: true });
    out(x.grad);
  });
  await cell("z.backward(2 * ones)", ({ out }) => {
    x.grad!.zero_();
    z.backward(dg.mul(2, dg.ones(10).view(2, -1)), { retainGraph: true });
    out(x.grad);
  });
});
