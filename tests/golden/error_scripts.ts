/** The scripts of errors.json about tensors and gradients, in our calls: each throws, or warns. */
import { dg, type Loose } from "./api.ts";
import type { NoCounterpart, ScriptCase } from "./scripts.ts";

/** What a script does; the runner prints the message of the error. */
type Throws = Omit<ScriptCase, "run"> & { readonly run: () => unknown };

const leaf = (values: Loose): Loose => dg.tensor(values, { requiresGrad: true });
const ones = (...shape: number[]): Loose => dg.ones(shape, { requiresGrad: true });
const grad = (outputs: Loose, inputs: Loose, options?: Loose): Loose =>
  dg.autograd.grad(outputs, inputs, options);
const throws = (run: () => unknown, ...needs: string[]): Throws => ({ run, needs });
const compileError: NoCounterpart = {
  none: "TypeScript does not compile it, and the message names our own kinds",
};
const noCuda: NoCounterpart = { none: "the devices are others here" };

/** The class that functions of one's own extend; any class where there is none yet. */
const Differentiable: Loose = dg.autograd?.Function ?? class {};
const apply = (fn: Loose, ...args: Loose[]): Loose => fn.apply(...args);

class A extends Differentiable {
  static forward(_ctx: Loose, x: Loose): Loose {
    return x.mul(2);
  }
}

/** A function of one's own whose backward gives `result`. */
function withBackward(result: (g: Loose) => Loose): Loose {
  return class extends A {
    static override name = "A";
    static backward(_ctx: Loose, g: Loose): Loose {
      return result(g);
    }
  };
}

/** Scripts by their id in the file. */
export const errorScripts: Record<string, Throws | NoCounterpart> = {
  "std/one-element": throws(() => dg.std(dg.tensor([1])), "std"),
  "tensor/ragged": throws(() => dg.tensor([[1, 2], [3]])),
  "tensor/ragged2": throws(() => dg.tensor([[1, 2], 3])),
  "tensor/string": compileError,
  "tensor/list-string": compileError,
  "tensor/none": compileError,
  "tensor/list-none": compileError,
  "tensor/overflow": throws(() => dg.tensor(2n ** 64n)),
  "tensor/int8-overflow": throws(() => dg.tensor(300n, { dtype: "int8" })),
  "tensor/int-requires-grad": throws(() => leaf([1n])),
  "tensor/of-tensor": throws(() => dg.tensor(dg.tensor([1]))),
  "zeros/negative": throws(() => dg.zeros(-1)),
  "zeros/float-size": compileError,
  "arange/step0": throws(() => dg.arange(0, 5, 0)),
  "arange/direction": throws(() => dg.arange(5, 0)),
  "linspace/negative": throws(() => dg.linspace(0, 1, -1)),
  "eye/negative": throws(() => dg.eye(-1)),
  "randint/range": throws(() => dg.randint(5, 5, [2]), "randint"),
  "randperm/negative": throws(() => dg.randperm(-1), "randperm"),
  "normal_/negative-std": throws(() => dg.empty(2).normal_(0, -1), "Tensor.prototype.normal_"),
  "uniform_/order": throws(() => dg.empty(2).uniform_(1, 0), "Tensor.prototype.uniform_"),
  "bernoulli_/p": throws(() => dg.empty(2).bernoulli_(1.5), "Tensor.prototype.bernoulli_"),
  "multinomial/negative": throws(() => dg.multinomial(dg.tensor([-1, 1]), 1), "multinomial"),
  "multinomial/too-many": throws(() => dg.multinomial(dg.tensor([1, 1]), 3), "multinomial"),
  "item/many": throws(() => dg.zeros(2).item()),
  "item/empty": throws(() => dg.zeros(0).item()),
  "float/many": {
    run: () => Number(dg.zeros(2)),
    replace: [[
      "only one element tensors can be converted to Python scalars",
      "a Tensor with 2 elements cannot be converted to Scalar",
    ]],
    because: "Number(t) reads through item()",
  },
  "bool/many": { none: "every object is true in JavaScript; item() is the way" },
  "bool/empty": { none: "every object is true in JavaScript; item() is the way" },
  "len/0d": throws(() => dg.tensor(1n).length),
  "iter/0d": throws(() => [...dg.tensor(1n)]),
  "int-pow-negative": throws(() => dg.tensor(2n).pow(-1n)),
  "bool-sub": throws(() => dg.tensor([true]).sub(dg.tensor([true]))),
  "bool-neg": throws(() => dg.tensor([true]).neg()),
  "int-div-inplace": throws(() => dg.tensor([4n]).div_(2n)),
  "int-add-float-inplace": throws(() => dg.tensor([4n]).add_(1.5)),
  "int-div-zero": throws(() => dg.tensor([1n]).floorDivide(dg.tensor([0n])), "Tensor.prototype.floorDivide"),
  "bitwise-float": throws(() => dg.tensor([1]).bitwiseAnd(dg.tensor([1])), "Tensor.prototype.bitwiseAnd"),
  "invert-float": { none: "there is no operator ~; bitwiseNot has a message of its own" },
  "device/bad": noCuda,
  "device/cuda": noCuda,
  "to/bad": { none: 'a dtype is a string here: to("float32") is right' },
  "dtype/bad": { none: 'a dtype is a string here: dtype: "float32" is right' },
  "set_default_dtype/int": throws(() => dg.setDefaultDtype("int64")),
  "numpy/requires-grad": throws(() => ones(1).typedArray()),
  "from_numpy/list": compileError,
  "attribute": compileError,
  "add/string": compileError,
  "add/none": compileError,
  "add/type": compileError,
  "sum/missing": compileError,
  "T/3d": throws(() => dg.zeros(2, 2, 2).T, "Tensor.prototype.T"),
  "resize-view": throws(() => dg.zeros(4)["::2"].view(2, 2), "Tensor.prototype.index"),
  "backward/vector": throws(() => ones(2).mul(2).backward()),
  "backward/no-grad": throws(() => dg.ones(1).backward()),
  "backward/no-grad-vector": throws(() => dg.ones(2).backward()),
  "backward/twice": throws(() => {
    const y = ones(1).pow(2);
    y.backward();
    y.backward();
  }),
  "backward/shape": throws(() => ones(2).mul(2).backward(dg.ones(3))),
  "backward/int-grad": compileError,
  "backward/inside-no_grad": throws(() => dg.noGrad(() => ones(1).mul(2)).backward()),
  "grad/unused": throws(() => grad(ones(1).mul(2), [ones(1)]), "autograd.grad"),
  "grad/not-required": throws(() => grad(ones(1).mul(2), [dg.ones(1)]), "autograd.grad"),
  "grad/vector": throws(() => {
    const x = ones(2);
    grad(x.mul(2), [x]);
  }, "autograd.grad"),
  "grad/second-without-create_graph": throws(() => {
    const x = ones(1);
    const [g] = grad(x.pow(3), [x]);
    grad(g, [x]);
  }, "autograd.grad"),
  "inplace/leaf": throws(() => ones(2).add_(1)),
  "inplace/leaf-view": throws(() => {
    ones(2)[0] = 5;
  }, "Tensor.prototype.index"),
  "inplace/leaf-view2": throws(() => ones(2).view(2, 1).mul_(2)),
  "inplace/saved-input": throws(() => {
    const y = ones(2).mul(1);
    const z = y.pow(2);
    y.add_(1);
    z.sum().backward();
  }),
  "inplace/saved-output": throws(() => {
    const y = ones(2).exp();
    y.add_(1);
    y.sum().backward();
  }),
  "inplace/saved-slice": throws(() => {
    const y = ones(2).mul(1);
    const z = y.pow(2);
    y[0] = 3;
    z.sum().backward();
  }, "Tensor.prototype.index"),
  "inplace/saved-sigmoid": throws(() => {
    const y = dg.sigmoid(ones(2, 2));
    y.mul(2);
    y.mul_(2);
    y.sum().backward();
  }),
  "inplace/unbind-view": throws(() => {
    const [a] = ones(2).mul(1).unbind();
    a.add_(1);
  }, "Tensor.prototype.unbind"),
  "inplace/expanded": throws(() => dg.ones(1).expand(2).add_(1)),
  "inplace/broadcast": throws(() => dg.ones(2).add_(dg.ones(3, 2))),
  "inplace/leaf-under-no_grad-view": throws(() => {
    const x = ones(2);
    dg.noGrad(() => x.view(2)).mul_(2);
  }),
  "detach_/view": {
    run: () => ones(2).mul(1)["0:1"].detach_(),
    needs: ["Tensor.prototype.detach_", "Tensor.prototype.index"],
    replace: [[/ If you are using DistributedDataParallel.*$/s, ""]],
    because: "the advice is about a part that does not exist here",
  },
  "requires_grad_/non-leaf": throws(() => ones(1).mul(2).requiresGrad_(false)),
  "requires_grad_/int": throws(() => dg.tensor([1n]).requiresGrad_()),
  "requires_grad/setter": throws(() => {
    ones(1).mul(2).requiresGrad = false;
  }),
  "retain_grad/no-grad": throws(() => dg.ones(1).retainGrad()),
  "grad/non-leaf-access": throws(() => {
    const y = ones(1).mul(2);
    y.sum().backward();
    return y.grad;
  }),
  "grad/set-shape": throws(() => {
    ones(2).grad = dg.ones(3);
  }),
  "grad/set-type": compileError,
  "grad/set-dtype": {
    run: () => {
      ones(2).grad = dg.ones(2, { dtype: "float64" });
    },
    replace: [[
      "with grad_dtype 'Float'. The gradient must match the tensor's grad_dtype",
      "with dtype 'Float'",
    ], [
      / \(defaults to .*$/s,
      "",
    ]],
    because: "a gradient has its tensor's dtype here, always",
  },
  "deepcopy/non-leaf": { none: "there is no deepcopy" },
  "function/backward-count": throws(
    () => apply(withBackward((g) => [g, g]), ones(1)).backward(),
    "autograd.Function",
  ),
  "function/backward-shape": throws(
    () => apply(withBackward(() => dg.ones(3)), ones(2)).sum().backward(),
    "autograd.Function",
  ),
  "anomaly/nan": throws(() => {
    using _ = dg.autograd.setDetectAnomaly(true);
    leaf([0]).sqrt().mul(0).backward();
  }, "autograd.setDetectAnomaly"),
  "no-derivative": throws(() => ones(2).floorDivide(2).sum().backward(), "Tensor.prototype.floorDivide"),
  "flatten/range": throws(() => dg.zeros(2).flatten(1)),
};
