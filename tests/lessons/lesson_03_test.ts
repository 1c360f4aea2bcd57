/** Lesson 03: tensors, slopes and gradients. */
import { dg, type Tensor } from "./dinograd.ts";
import { readData } from "./expected.ts";
import { lesson } from "./lesson.ts";
import { device, float, numpy, tuple } from "./python.ts";

const silentItem = {
  replace: [[
    "[UserWarning] Converting a tensor with requires_grad=True to a scalar may lead to unexpected behavior.\n" +
    "Consider using tensor.detach() first.\n",
    "",
  ]],
  because: "Python's float(x) warns; here Number(x) throws, and item() is the way, which warns in neither",
} as const;

lesson("03_intro_gradients", async ({ cell }) => {
  let X!: Tensor, c!: Tensor, x!: Tensor, y!: Tensor;

  await cell("scalar", ({ out }) => {
    x = dg.tensor(3);
    out(x.mul(2));
  });
  await cell("matrix and vector", ({ out }) => {
    X = dg.tensor([[1n, 2n], [3n, 4n]]);
    c = dg.tensor([10n, 1n]);
    out(X);
  });
  await cell("X again", ({ out }) => out(X));
  await cell("c", ({ out }) => out(c));
  await cell("X * 10", ({ out }) => out(X.mul(10n)));
  await cell("X @ c.reshape(-1,1)", ({ out }) => out(X.matmul(c.reshape(-1, 1))));

  const array = BigInt64Array.of(1n, 2n, 3n, 4n);
  await cell("a numpy array", ({ out }) => out(numpy(array, [2, 2])));
  await cell("tensor(numpy array)", ({ out }) => {
    X = dg.tensor(array).reshape(2, 2);
    out(X);
  });
  await cell("its dtype and independence from the array", ({ print }) => {
    const own = BigInt64Array.of(1n, 2n, 3n, 4n);
    const copy = dg.tensor(own).reshape(2, 2);
    own[0] = 99n;
    print(copy.dtype, copy);
  });
  await cell("X.device", ({ out }) => out(device(X.device)));
  await cell("cuda.is_available()", ({ print }) => {
    print(dg.cuda.isAvailable() ? "move to GPU" : "no GPU available for our tensors :(");
  });

  const f = (x: Tensor): Tensor => x.pow(3).add(x.pow(2).mul(3)).sub(x.mul(5)).add(4);
  const g = (x: Tensor): Tensor => x.pow(2);

  await cell("plot_func (the plotted values)", ({ print }) => {
    const xs = Float64Array.from(readData()["003"].x_vals);
    const ys = f(dg.tensor(xs)).typedArray() as Float64Array;
    print(tuple(xs.length), numpy(xs.slice(0, 4)), float(xs[59]));
    print(numpy(ys.slice(0, 4)), float(ys[59]));
    print(f(dg.arange(-3, 3, 0.1)));
  });

  let print!: (...values: unknown[]) => void;
  const plotGradient = (x: number, y: number, slope: number): void => {
    const dx = 2;
    const dy = dx * slope;
    print(`arrow(${[x - dx / 2, y - dy / 2].map((v) => float(v).str).join(", ")}, ${dx}, ${float(dy).str})`);
  };
  const value = (t: Tensor): number => t.item() as number;

  await cell("plot_gradient with the guess -9 (the line it draws)", (cell) => {
    print = cell.print;
    plotGradient(-2, value(f(dg.tensor(-2))), -9);
  });
  await cell("x", ({ out }) => {
    x = dg.tensor(-2);
    out(x);
  });
  await cell("y", ({ out }) => {
    y = f(x);
    out(y);
  });
  await cell("x.grad", ({ print }) => print(x.grad));
  await cell("slope", ({ out }) => {
    x = dg.tensor(-2).requiresGrad_();
    y = f(x);
    y.backward();
    out(x.grad);
  });
  await cell("plot_gradient(x, y, slope); y", (cell) => {
    print = cell.print;
    plotGradient(value(x), value(y), value(x.grad!));
    cell.out(x);
    cell.out(y);
  }, silentItem);
  await cell("f + g without zeroing: the second slope is wrong (misuse)", (cell) => {
    print = cell.print;
    x = dg.tensor(-2).requiresGrad_();
    for (const h of [f, g]) {
      y = h(x);
      y.backward();
      print(x.grad);
      plotGradient(value(x), value(y), value(x.grad!));
    }
  });
  await cell("f + g with x.grad.zero_()", (cell) => {
    print = cell.print;
    x = dg.tensor(-2).requiresGrad_();
    y = f(x);
    y.backward();
    print(x.grad);
    plotGradient(value(x), value(y), value(x.grad!));
    x.grad!.zero_();
    y = g(x);
    y.backward();
    print(x.grad);
    plotGradient(value(x), value(y), value(x.grad!));
  });
  await cell("an int tensor cannot require grad", ({ raises }) => {
    raises(() => dg.tensor(-2n).requiresGrad_());
  });
  await cell("float() of tensors", ({ print, raises }) => {
    print(
      float(Number(dg.tensor(2.5))),
      float(x.item() as number),
      Math.trunc(Number(dg.tensor(7.9))),
      Boolean(dg.tensor(0).item()),
    );
    raises(() => Number(dg.tensor([1, 2])));
  }, {
    replace: [[
      "only one element tensors can be converted to Python scalars",
      "a Tensor with 2 elements cannot be converted to Scalar",
    ]],
    because: "Number(t) reads through item(), whose words these are",
  });
});
