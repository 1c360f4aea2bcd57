/** The scripts of autograd.json about gradients, in our calls. */
import { float, floats, tuple } from "../lessons/python.ts";
import { dg, type Loose } from "./api.ts";
import type { NoCounterpart, ScriptCase } from "./scripts.ts";

const leaf = (values: Loose, options: Record<string, unknown> = {}): Loose =>
  dg.tensor(values, { requiresGrad: true, ...options });
const ones = (...shape: number[]): Loose => dg.ones(shape, { requiresGrad: true });
const grad = (outputs: Loose, inputs: Loose, options?: Loose): Loose =>
  dg.autograd.grad(outputs, inputs, options);
const needsGrad = ["autograd.grad"];
const needsIndex = ["Tensor.prototype.index"];

/** Scripts by their id in the file. */
export const gradientScripts: Record<string, ScriptCase | NoCounterpart> = {
  accumulate: {
    run({ print }) {
      const x = ones(2);
      for (let i = 0; i < 3; i++) {
        x.mul(x).sum().backward();
        print(x.grad);
      }
    },
  },
  "grad/basic": {
    needs: needsGrad,
    run({ print }) {
      const [x, y] = [leaf([1, 2]), leaf([3])];
      print(tuple(...grad(x.mul(y).sum(), [x, y])));
      print(x.grad);
    },
  },
  "grad/allow_unused": {
    needs: needsGrad,
    run({ print }) {
      const [x, z] = [ones(1), ones(1)];
      print(tuple(...grad(x.mul(2), [x, z], { allowUnused: true })));
    },
  },
  "grad/grad_outputs": {
    needs: needsGrad,
    run({ print }) {
      const x = leaf([1, 2]);
      const gradOutputs = [dg.tensor([1, 1]), dg.tensor([10, 100])];
      print(tuple(...grad([x.mul(2), x.pow(2)], [x], { gradOutputs })));
    },
  },
  "grad/intermediate": {
    needs: needsGrad,
    run({ print }) {
      const y = leaf([1, 2]).mul(3);
      print(tuple(...grad(y.pow(2).sum(), [y])));
    },
  },
  "higher/third": {
    needs: needsGrad,
    run({ print }) {
      const x = leaf(2);
      let y = x.pow(4);
      for (let i = 0; i < 5; i++) {
        [y] = grad(y, [x], { createGraph: true });
        print(y.detach());
      }
    },
    replace: Array.from({ length: 4 }, () => [", grad_fn=<MulBackward0>", ""] as const),
    because: "the derivative of a pointwise operation is one operation here, with a name of its own",
  },
  "higher/backward-create_graph": {
    run({ print }) {
      const x = leaf([1, 2]);
      x.pow(3).sum().backward({ createGraph: true });
      print(x.grad);
      const g = x.grad.sum();
      x.grad = null;
      g.backward();
      print(x.grad);
    },
    replace: [[".grad fields of your parameters to None", ".grad fields of your parameters to null"]],
    because: "null is JavaScript's None",
  },
  "higher/gradient-penalty": {
    needs: [...needsGrad, "nn.Linear", "norm", "manualSeed"],
    run({ print }) {
      dg.manualSeed(0);
      const layer = new dg.nn.Linear(2, 1);
      const x = leaf([[1, -1]]);
      const [g] = grad(dg.tanh(layer.call(x)).sum(), [x], { createGraph: true });
      const penalty = g.norm().sub(1).pow(2);
      penalty.backward();
      print(penalty);
      print(layer.weight.grad, layer.bias.grad);
    },
  },
  "functional/jacobian": {
    needs: ["autograd.jacobian"],
    run({ print }) {
      print(dg.autograd.jacobian((x: Loose) => x.pow(2).mul(x.sum()), dg.tensor([1, 2, 3])));
      const pair = [dg.tensor([1, 2]), dg.tensor([3, 4])];
      print(tuple(...dg.autograd.jacobian((a: Loose, b: Loose) => a.mul(b), pair)));
    },
  },
  "functional/hessian": {
    needs: ["autograd.hessian", ...needsIndex],
    run({ print }) {
      const f = (x: Loose): Loose => x.pow(3).sum().add(x[0].mul(x[1]));
      print(dg.autograd.hessian(f, dg.tensor([1, 2])));
    },
  },
  "functional/vjp-jvp-hvp": {
    needs: ["autograd.vjp", "autograd.jvp", "autograd.hvp", "autograd.vhp", "stack", ...needsIndex],
    run({ print }) {
      const f = (x: Loose): Loose => dg.stack([x[0].mul(x[1]), x[0].exp()]);
      const cubes = (x: Loose): Loose => x.pow(3).sum();
      const [x, v] = [dg.tensor([1, 2]), dg.tensor([0.5, -1])];
      print(tuple(...dg.autograd.vjp(f, x, v)));
      print(tuple(...dg.autograd.jvp(f, x, v)));
      print(tuple(...dg.autograd.hvp(cubes, x, v)));
      print(tuple(...dg.autograd.vhp(cubes, x, v)));
    },
  },
  retain_graph: {
    run({ print, attempt }) {
      const x = leaf(3);
      const y = x.pow(2);
      y.backward({ retainGraph: true });
      y.backward();
      print(x.grad);
      attempt(() => y.backward());
    },
  },
  "double-backward-no-saved": {
    run({ attempt }) {
      const x = leaf(3);
      const results: Record<string, Loose> = {
        "x+1": x.add(1),
        "x-1": x.sub(1),
        "-x": x.neg(),
        "2*x": dg.mul(2, x),
        "x/2": x.div(2),
        "2/x": dg.div(2, x),
        "x**2": x.pow(2),
        "exp": x.exp(),
        "sum": x.sum(),
        "view": x.view(1),
        "relu": x.relu(),
        "mean": x.mean(),
      };
      for (const [name, y] of Object.entries(results)) {
        y.backward();
        attempt(() => y.backward(), `${name} `);
      }
    },
  },
  detach: {
    run({ print }) {
      const x = leaf([2]);
      const y = x.mul(2);
      const d = y.detach();
      print(d.requiresGrad, d.isLeaf, d.version);
      d.add_(1);
      print(y, y.version);
      x.mul(d).backward();
      print(x.grad);
    },
  },
  "detach-then-inplace-breaks": {
    run({ attempt }) {
      const y = leaf([2]).mul(2);
      const z = y.pow(2);
      y.detach().zero_();
      attempt(() => z.backward());
    },
  },
  "data-then-inplace-silent": {
    run({ print }) {
      const x = leaf([2]);
      const y = x.mul(2);
      const z = y.pow(2);
      y.data.zero_();
      z.backward();
      print(x.grad);
    },
  },
  "no_grad/decorator": {
    run({ print }) {
      const f = (x: Loose): Loose => dg.noGrad(() => x.mul(2));
      print(f(ones(1)).requiresGrad, dg.isGradEnabled());
    },
  },
  "no_grad/enable_grad": {
    run({ print }) {
      const x = ones(1);
      const [a, b, c] = dg.noGrad(() => [x.mul(2), dg.enableGrad(() => x.mul(2)), x.mul(2)]);
      print(a.requiresGrad, b.requiresGrad, c.requiresGrad);
    },
  },
  "no_grad/set_grad_enabled": {
    run({ print }) {
      const x = ones(1);
      {
        using _ = dg.setGradEnabled(false);
        print(x.mul(2).requiresGrad);
      }
      print(x.mul(2).requiresGrad);
      dg.setGradEnabled(false);
      print(x.mul(2).requiresGrad);
      dg.setGradEnabled(true);
    },
  },
  "no_grad/factory": {
    run({ print }) {
      const x = dg.noGrad(() => ones(1));
      print(x.requiresGrad, x.isLeaf);
    },
  },
  inference_mode: {
    needs: ["Tensor.prototype.isInference"],
    run({ print, attempt }) {
      const x = ones(1);
      const y = dg.inferenceMode(() => {
        print(dg.isInferenceModeEnabled());
        return x.mul(2);
      });
      print(y.requiresGrad, typeof y.isInference === "function" ? y.isInference() : y.isInference);
      attempt(() => y.add_(x));
    },
  },
  is_leaf: {
    run({ print }) {
      const b = ones(1);
      const c = b.add(1);
      const tensors = [dg.ones(1), b, c, c.detach(), dg.ones(1).requiresGrad_().mul(2)];
      print(tensors.map((t) => t.isLeaf));
    },
  },
  "scalar-conversions": {
    none: "Python's float(x) warns of a lost gradient; here Number(x) throws, and item() is the way",
  },
  "hooks/tensor": {
    needs: ["Tensor.prototype.registerHook"],
    run({ print }) {
      const x = leaf([1, 2]);
      const handle = x.registerHook((g: Loose) => g.mul(10));
      const y = x.mul(3);
      y.registerHook((g: Loose) => print("y grad", g));
      y.sum().backward();
      print(x.grad);
      handle.remove();
      x.grad = null;
      x.mul(3).sum().backward();
      print(x.grad);
    },
  },
  "dtype/cast-grad": {
    run({ print }) {
      const x = ones(2);
      x.double().mul(2).sum().backward();
      print(x.grad.dtype, x.grad);
    },
  },
  "dtype/mixed": {
    run({ print }) {
      const a = ones(2);
      const b = dg.ones(2, { dtype: "float64", requiresGrad: true });
      a.mul(b).sum().backward();
      print(a.grad, b.grad);
    },
  },
  "broadcast-grad": {
    run({ print }) {
      const [a, b, c] = [ones(3, 1), ones(4), leaf(2)];
      a.mul(b).add(c).sum().backward();
      print(a.grad, b.grad, c.grad);
    },
  },
  "unused-branch": {
    run({ print }) {
      const [x, w] = [ones(1), ones(1)];
      const y = x.mul(2);
      w.mul(3);
      y.backward();
      print(x.grad, w.grad);
    },
  },
  "backward/inputs": {
    run({ print }) {
      const [x, w] = [ones(1), ones(1)];
      x.mul(w).mul(2).backward({ inputs: [x] });
      print(x.grad, w.grad);
    },
  },
  "backward/many": {
    needs: ["autograd.backward"],
    run({ print }) {
      const x = ones(2);
      dg.autograd.backward([x.sum(), x.mul(2).sum()]);
      print(x.grad);
    },
  },
  "backward/diamond": {
    run({ print }) {
      const x = leaf(2);
      const a = x.mul(3);
      a.add(1).mul(a.mul(2)).backward();
      print(x.grad);
    },
  },
  "backward/deep-chain": {
    run({ print }) {
      const x = leaf(1);
      let y = x;
      for (let i = 0; i < 10000; i++) y = y.add(1);
      y.backward();
      print(x.grad);
    },
  },
  checkpoint: {
    needs: ["autograd.checkpoint"],
    run({ print }) {
      const x = leaf([1, 2]);
      dg.autograd.checkpoint((a: Loose) => dg.sin(a).mul(a), x).sum().backward();
      print(x.grad);
    },
  },
  "python-protocol": {
    needs: needsIndex,
    run({ print }) {
      const x = dg.tensor([[1, 2], [3, 4]]);
      const rows = [...x].map((r: Loose) => floats(r.toArray()));
      print(
        x.length,
        rows,
        x.toArray().flat().includes(2),
        float(x["0, 0"].item()),
        Math.trunc(Number(dg.tensor(3.7))),
        Boolean(dg.tensor([0]).item()),
        x.toArray().map(floats),
      );
      for (const [i, r] of [...x].entries()) print(i, r);
      const [a, b] = x;
      print(a, b);
      print([0, 1, 2, 3, 4][Number(dg.tensor(2n))], new Set([x, x]).size === 1);
    },
  },
  "comparison-chains": {
    needs: ["any", "all", "argmax", ...needsIndex],
    run({ print }) {
      const x = dg.tensor([1, 2, 3]);
      const large = x.gt(1);
      print(
        large.bitwiseAnd(x.lt(3)),
        x.eq(2).any(),
        x.gt(0).all(),
        x.index(large),
        large.bitwiseNot(),
        large.sum(),
        x.argmax().item(),
      );
    },
  },
};
