/** Lesson 00: a computational graph by hand, then by autograd. */
import { assertEquals } from "@std/assert";
import { dg, type Tensor } from "./dinograd.ts";
import { readData } from "./expected.ts";
import { lesson } from "./lesson.ts";
import { float, type Numpy, numpy } from "./python.ts";

const [N, D] = [3, 4];
const drawn = readData()["000"];
const [xn, yn, zn] = [drawn.x, drawn.y, drawn.z].map((rows) => Float64Array.from(rows.flat()));
const matrix = (values: Float64Array): Numpy => numpy(values, [N, D]);

lesson("00_computational_graphs", async ({ cell }) => {
  let x!: Tensor, y!: Tensor, z!: Tensor, w!: Tensor, bias!: Tensor, f!: Tensor;

  await cell("numpy: forward and hand-written backward (np.random.seed(0))", ({ print }) => {
    const a = xn.map((v, i) => v * yn[i]);
    const b = a.map((v, i) => v + zn[i]);
    const gradB = new Float64Array(N * D).fill(1);
    const gradX = gradB.map((g, i) => g * yn[i]);
    const gradY = gradB.map((g, i) => g * xn[i]);
    for (const array of [xn, yn, zn, a, b]) print(matrix(array));
    print(float(b.reduce((sum, v) => sum + v, 0)));
    for (const array of [gradX, gradY, gradB]) print(matrix(array));
  }, { rtol: 1e-15, because: "NumPy adds in another order" });

  await cell("torch: 'Looks exactly like numpy!' (seeded here)", ({ print }) => {
    dg.manualSeed(0);
    [x, y, z] = [dg.randn(N, D), dg.randn(N, D), dg.randn(N, D)];
    const a = x.mul(y);
    const b = a.add(z);
    for (const value of [x, y, z, a, b, dg.sum(b)]) print(value);
  });
  await cell("torch: on device cuda:0 (a machine without CUDA raises)", ({ raises }) => {
    raises(() => dg.randn(N, D, { requiresGrad: true, device: "cuda:0" }));
  }, {
    replace: [[
      "Torch not compiled with CUDA enabled",
      'Dinograd runs without cuda: use device "cpu" or "webgpu", got "cuda:0"',
    ]],
    because: "PyTorch says how it was compiled",
  });
  await cell("torch: the same slide with device='cpu', seeded", ({ print }) => {
    dg.manualSeed(0);
    x = dg.randn(N, D, { requiresGrad: true, device: "cpu" });
    y = dg.randn(N, D, { device: "cpu" });
    z = dg.randn(N, D, { device: "cpu" });
    const a = x.mul(y);
    const b = a.add(z);
    const c = dg.sum(b);
    c.backward();
    print(x.grad);
    print(dg.equal(x.grad!, y));
    for (const value of [x, a, b, c]) print(value);
    print(y.grad, z.grad);
  });
  await cell("torch: the numpy numbers through autograd give the hand-written gradients", ({ print }) => {
    const leaf = (values: Float64Array): Tensor => dg.tensor(values).reshape(N, D).requiresGrad_();
    [x, y, z] = [leaf(xn), leaf(yn), leaf(zn)];
    const c = dg.sum(x.mul(y).add(z));
    c.backward();
    print(c);
    const same = (t: Tensor | null, by: Float64Array): boolean => {
      assertEquals(t!.typedArray(), by);
      return true;
    };
    print(same(x.grad, yn), same(y.grad, xn));
    print(x.grad);
    print(z.grad);
  });

  const start = (): void => {
    x = dg.tensor([-1, -2], { requiresGrad: true });
    w = dg.tensor([2, -3], { requiresGrad: true });
    bias = dg.tensor(-3, { requiresGrad: true });
  };
  await cell("backward(): 1 / (1 + exp(-(w@x + b)))", ({ print }) => {
    start();
    f = dg.div(1, dg.add(1, dg.exp(w.matmul(x).add(bias).neg())));
    f.backward();
    print(w.grad, x.grad, bias.grad);
  });
  await cell("the same cell: f itself", ({ print }) => print(f));
  await cell("backward(): torch.sigmoid(w @ x + b)", ({ print }) => {
    start();
    f = dg.sigmoid(w.matmul(x).add(bias));
    f.backward();
    print(w.grad, x.grad, bias.grad);
  });
  await cell("the same cell: f itself", ({ print }) => print(f));
});
