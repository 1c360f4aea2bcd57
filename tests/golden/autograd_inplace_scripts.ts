/** The scripts of autograd.json about views, writing in place, and functions of one's own, in our calls. */
import { tuple } from "../lessons/python.ts";
import { dg, type Loose } from "./api.ts";
import type { NoCounterpart, ScriptCase } from "./scripts.ts";

const leaf = (values: Loose): Loose => dg.tensor(values, { requiresGrad: true });
const ones = (...shape: number[]): Loose => dg.ones(shape, { requiresGrad: true });
const needsIndex = ["Tensor.prototype.index"];
const needsFunction = ["autograd.Function"];
/** The class that functions of one's own extend; any class where there is none yet. */
const Differentiable: Loose = dg.autograd?.Function ?? class {};
/** Calls a function of one's own. TypeScript would take its `apply` for the one that all functions have. */
const apply = (fn: Loose, ...args: Loose[]): Loose => fn.apply(...args);

class Square extends Differentiable {
  static forward(ctx: Loose, x: Loose): Loose {
    ctx.saveForBackward(x);
    return x.mul(x);
  }
  static backward(ctx: Loose, g: Loose): Loose {
    const [x] = ctx.savedTensors;
    return g.mul(2).mul(x);
  }
}

class Cube extends Differentiable {
  static forward(ctx: Loose, x: Loose): Loose {
    ctx.saveForBackward(x);
    return x.pow(3);
  }
  static backward(ctx: Loose, g: Loose): Loose {
    const [x] = ctx.savedTensors;
    return g.mul(3).mul(x.pow(2));
  }
}

class Bad extends Differentiable {
  static forward(_ctx: Loose, x: Loose): Loose {
    return x.mul(2);
  }
  static backward(_ctx: Loose, g: Loose): Loose {
    return g.mul(3);
  }
}

/** Scripts by their id in the file. */
export const inPlaceScripts: Record<string, ScriptCase | NoCounterpart> = {
  "function/custom": {
    needs: [...needsFunction, "autograd.gradcheck"],
    run({ print }) {
      const x = leaf([1, 2]);
      const y = apply(Square, x);
      print(y);
      y.sum().backward();
      print(x.grad);
      const double = dg.tensor([1, 2], { dtype: "float64", requiresGrad: true });
      print(dg.autograd.gradcheck((t: Loose) => apply(Square, t), [double]));
    },
  },
  "function/two-inputs-none": {
    needs: needsFunction,
    run({ print }) {
      class Scale extends Differentiable {
        static forward(ctx: Loose, x: Loose, k: number): Loose {
          ctx.k = k;
          return x.mul(k);
        }
        static backward(ctx: Loose, g: Loose): Loose {
          print(tuple(...ctx.needsInputGrad));
          return [g.mul(ctx.k), null];
        }
      }
      const x = ones(2);
      apply(Scale, x, 3).sum().backward();
      print(x.grad);
    },
  },
  "function/double-backward": {
    needs: [...needsFunction, "autograd.grad"],
    run({ print }) {
      const x = leaf(2);
      const [g] = dg.autograd.grad(apply(Cube, x), [x], { createGraph: true });
      print(g, tuple(...dg.autograd.grad(g, [x])));
    },
  },
  "function/mark_non_differentiable": {
    needs: [...needsFunction, "argsort"],
    run({ print }) {
      class A extends Differentiable {
        static forward(ctx: Loose, x: Loose): Loose {
          const i = dg.argsort(x);
          ctx.markNonDifferentiable(i);
          return [x.mul(1), i];
        }
        static backward(_ctx: Loose, g: Loose): Loose {
          return g;
        }
      }
      const [y, i] = apply(A, leaf([2, 1]));
      print(y, i, i.requiresGrad);
    },
  },
  "gradcheck/fails": {
    needs: [...needsFunction, "autograd.gradcheck", "autograd.gradgradcheck"],
    run({ print }) {
      const x = dg.ones(1, { dtype: "float64", requiresGrad: true });
      print(dg.autograd.gradcheck((t: Loose) => apply(Bad, t), [x], { raiseException: false }));
      print(dg.autograd.gradgradcheck((t: Loose) => t.pow(3), [x]));
    },
  },
  "view/inplace-base": {
    needs: needsIndex,
    run({ print }) {
      const x = ones(4);
      const y = x.mul(1);
      const v = y[":2"];
      v.mul_(3);
      print(y, v);
      y.sum().backward();
      print(x.grad);
    },
  },
  "view/inplace-through-base": {
    run({ print }) {
      const x = ones(4);
      const y = x.mul(1);
      const v = y.view(2, 2);
      y.mul_(2);
      print(v);
      v.pow(2).sum().backward();
      print(x.grad);
    },
  },
  "view/versions": {
    needs: needsIndex,
    run({ print }) {
      const x = dg.zeros(4);
      const v = x[":2"];
      print(x.version, v.version);
      v.add_(1);
      print(x.version, v.version, x);
      x.mul_(2);
      print(x.version, v.version, v);
    },
  },
  "view/is_view": {
    needs: needsIndex,
    run({ print }) {
      const x = dg.zeros(4);
      print(
        x[":2"].isView,
        x.index(dg.tensor([0n, 1n])).isView,
        x.view(2, 2).base === x,
        x.view(2, 2).t().base === x,
        x.clone().isView,
        x.reshape(2, 2).isView,
        x.expand(2, 4).isView,
      );
    },
  },
  "view/leaf-later": {
    needs: needsIndex,
    run({ print }) {
      const x = dg.zeros(4);
      const v = x[":2"];
      v.requiresGrad_();
      v.mul(2).sum().backward();
      print(v.grad, x.grad, x.requiresGrad);
    },
  },
  "inplace/ok-when-unused": {
    run({ print }) {
      const x = ones(2);
      const y = x.add(1);
      const z = y.add(2);
      y.mul_(5);
      z.sum().backward();
      print(x.grad);
    },
  },
  "inplace/chain": {
    run({ print }) {
      const x = leaf([1, 2]);
      const y = x.clone();
      y.mul_(2).add_(1).pow_(2);
      print(y);
      y.sum().backward();
      print(x.grad);
    },
  },
  "inplace/self-modify": {
    run({ print }) {
      const x = leaf([1, 2]);
      const y = x.mul(1);
      y.add_(y);
      y.sub_(dg.mul(0.5, y));
      print(y);
      y.sum().backward();
      print(x.grad);
    },
  },
  "inplace/relu_": {
    run({ print }) {
      const x = leaf([-1, 2]);
      const y = x.mul(3).relu_();
      y.sum().backward();
      print(y, x.grad);
    },
  },
  "inplace/requires-grad-by-write": {
    needs: needsIndex,
    run({ print }) {
      const a = dg.zeros(3);
      const x = ones(2);
      a["1:"] = x.mul(2);
      print(a, a.requiresGrad, a.isLeaf);
      a.sum().backward();
      print(x.grad);
    },
  },
  "inplace/copy_": {
    run({ print }) {
      const a = dg.zeros(2);
      const x = ones(2);
      a.copy_(x.mul(3));
      print(a);
      a.pow(2).sum().backward();
      print(x.grad);
    },
  },
  "inplace/index_put-grad": {
    needs: needsIndex,
    run({ print }) {
      const x = dg.arange(4, { requiresGrad: true });
      const y = x.mul(1);
      const v = leaf([10, 20]);
      y.indexPut_([dg.tensor([0n, 0n])], v);
      print(y);
      y.sum().backward();
      print(x.grad, v.grad);
    },
  },
};
