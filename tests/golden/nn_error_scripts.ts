/** The scripts of errors.json about modules, losses and optimisers, in our calls: each throws, or warns. */
import { dg, type Loose } from "./api.ts";
import type { NoCounterpart, ScriptCase } from "./scripts.ts";

type Throws = Omit<ScriptCase, "run"> & { readonly run: () => unknown };

const throws = (run: () => unknown, ...needs: string[]): Throws => ({ run, needs });
const linear = (...sizes: Loose[]): Loose => new dg.nn.Linear(...sizes);
const F: Loose = dg.nn?.functional ?? {};
const leaf = (n = 1): Loose => dg.ones(n, { requiresGrad: true });
const sgd = (params: Loose, options: Loose = { lr: 0.1 }): Loose => new dg.optim.SGD(params, options);
const compileError: NoCounterpart = { none: "TypeScript does not compile it, and there is no such object" };
const noSuper: NoCounterpart = { none: "JavaScript itself throws where super() is missing" };

/** A module without `forward`. */
const NoForward: Loose = class M extends (dg.nn?.Module ?? class {}) {};

/** Scripts by their id in the file. Those of modules that do not exist yet are not here. */
export const nnErrorScripts: Record<string, Throws | NoCounterpart> = {
  "dropout/p": throws(() => new dg.nn.Dropout(1.5)),
  "linear/features": throws(() => linear(3, 2)(dg.zeros(1, 4))),
  "linear/dtype": throws(() => linear(3, 2)(dg.zeros([1, 3], { dtype: "float64" }))),
  "linear/int": throws(() => linear(3, 2)(dg.zeros([1, 3], { dtype: "int64" }))),
  "cross_entropy/range": throws(() => F.crossEntropy(dg.zeros(1, 3), dg.tensor([3n]))),
  "cross_entropy/batch": throws(() => F.crossEntropy(dg.zeros(2, 3), dg.tensor([0n]))),
  "cross_entropy/float-target": throws(() => F.crossEntropy(dg.zeros(2, 3), dg.tensor([0, 1]))),
  "cross_entropy/int-target-shape": throws(() =>
    F.crossEntropy(dg.zeros(2, 3), dg.zeros([2, 3], { dtype: "int64" }))
  ),
  "nll/range": throws(() => F.nllLoss(dg.zeros(1, 3), dg.tensor([-1n]))),
  "mse/shape-warning": throws(() => F.mseLoss(dg.zeros(2, 1), dg.zeros(2))),
  "mse/shape": throws(() => F.mseLoss(dg.zeros(2), dg.zeros(3))),
  "mse/reduction": throws(() => F.mseLoss(dg.zeros(2), dg.zeros(2), { reduction: "avg" })),
  "bce/range": throws(() => F.binaryCrossEntropy(dg.tensor([1.5]), dg.tensor([1]))),
  "bce/shape": throws(() => F.binaryCrossEntropy(dg.zeros(2, 1), dg.zeros(2))),
  "bce_logits/shape": throws(() => F.binaryCrossEntropyWithLogits(dg.zeros(2, 1), dg.zeros(2))),
  "softmax/implicit-dim": throws(() => F.softmax(dg.zeros(2))),
  "softmax/range": throws(() => F.softmax(dg.zeros(2), 1)),
  "kl_div/mean-warning": throws(() => F.klDiv(dg.zeros(2, 2), dg.ones(2, 2))),
  "sequential/not-module": { ...throws(() => new dg.nn.Sequential(1)), replace: [["int", "number"]] },
  "module/attribute": compileError,
  "module/no-super-init": noSuper,
  "module/no-forward": throws(() => new NoForward()(1)),
  "module/set-parameter": {
    ...throws(() => {
      linear(1, 1).weight = dg.zeros(1, 1);
    }),
    replace: [["or None", "or null"]],
  },
  "module/register-dot": {
    ...throws(() => new NoForward().registerParameter("a.b", null)),
    replace: [[/^Error: '(.*)'$/, "Error: $1"], [`\\'`, "'"]],
    because: "Python shows the text of a KeyError in quotes",
  },
  "module/load-missing": throws(() => linear(1, 1).loadStateDict({ weight: dg.zeros(1, 1) })),
  "module/load-unexpected": throws(() =>
    linear(1, 1, { bias: false }).loadStateDict({ weight: dg.zeros(1, 1), b: dg.zeros(1) })
  ),
  "module/load-shape": throws(() =>
    linear(1, 1).loadStateDict({ weight: dg.zeros(2, 1), bias: dg.zeros(1) })
  ),
  "optim/empty": throws(() => sgd([])),
  "optim/tensor": throws(() => sgd(dg.ones(1))),
  "optim/lr": throws(() => sgd([leaf()], { lr: -1 })),
  "optim/no-params": { ...throws(() => sgd(undefined)), replace: [["SGD.__init__()", "SGD()"]] },
  "optim/nesterov": throws(() => sgd([leaf()], { lr: 0.1, nesterov: true })),
  "optim/momentum": throws(() => sgd([leaf()], { lr: 0.1, momentum: -1 })),
  "optim/non-leaf": throws(() => sgd([leaf().mul(2)])),
  "optim/betas": throws(() => new dg.optim.Adam([leaf()], { betas: [1, 0.9] })),
  "optim/eps": throws(() => new dg.optim.Adam([leaf()], { eps: -1 })),
  "optim/not-tensor": { ...throws(() => sgd([1])), replace: [["is int", "is number"]] },
  "optim/duplicate": throws(() => {
    const p = leaf();
    sgd([p, p]);
  }),
  "optim/two-groups": throws(() => {
    const p = leaf();
    sgd([{ params: [p] }, { params: [p] }]);
  }),
  "optim/load-groups": throws(() => sgd([leaf()]).loadStateDict({ state: {}, paramGroups: [] })),
  "optim/lbfgs-groups": throws(() => new dg.optim.LBFGS([{ params: [leaf()] }, { params: [leaf()] }])),
  "sched/order": throws(() => new dg.optim.lrScheduler.StepLR(sgd([leaf()]), 1).step(), "optim.lrScheduler"),
  "sched/onecycle": throws(
    () => new dg.optim.lrScheduler.OneCycleLR(sgd([leaf()], { lr: 0.1, momentum: 0.9 }), 1),
    "optim.lrScheduler",
  ),
  "sched/onecycle-over": throws(() => {
    const o = sgd([leaf()], { lr: 0.1, momentum: 0.9 });
    const s = new dg.optim.lrScheduler.OneCycleLR(o, 1, { totalSteps: 2 });
    for (let i = 0; i < 3; i++) {
      o.step();
      s.step();
    }
  }, "optim.lrScheduler"),
  "init/fan": throws(() => dg.nn.init.xavierUniform_(dg.zeros(2))),
  "init/kaiming-mode": throws(() => dg.nn.init.kaimingUniform_(dg.zeros(2, 2), { mode: "fan" })),
  "init/gain": throws(() => dg.nn.init.calculateGain("foo")),
  "conv2d/channels": throws(() => new dg.nn.Conv2d(3, 2, 3)(dg.zeros(1, 4, 5, 5))),
  "conv2d/dims": throws(() => new dg.nn.Conv2d(3, 2, 3)(dg.zeros(3))),
  "conv2d/kernel-too-big": throws(() => new dg.nn.Conv2d(1, 1, 5)(dg.zeros(1, 1, 3, 3))),
  "conv2d/groups": throws(() => new dg.nn.Conv2d(3, 4, 3, { groups: 2 })),
  "conv2d/same-stride": throws(() => new dg.nn.Conv2d(1, 1, 3, { stride: 2, padding: "same" })),
  "max_pool2d/pad": throws(() => F.maxPool2d(dg.zeros(1, 1, 4, 4), 2, { padding: 2 })),
  "max_pool2d/small": throws(() => F.maxPool2d(dg.zeros(1, 1, 1, 1), 2)),
  "avg_pool2d/dims": throws(() => F.avgPool2d(dg.zeros(4), 2)),
  "batch_norm/one-value": throws(() => new dg.nn.BatchNorm1d(2)(dg.zeros(1, 2))),
  "batch_norm/dims": throws(() => new dg.nn.BatchNorm1d(2)(dg.zeros(2, 2, 2, 2))),
  "batch_norm/features": throws(() => new dg.nn.BatchNorm1d(3)(dg.zeros(2, 2))),
  "layer_norm/shape": throws(() => new dg.nn.LayerNorm(3)(dg.zeros(2, 4))),
  "group_norm/divide": throws(() => new dg.nn.GroupNorm(2, 3)),
  "embedding/range": throws(() => new dg.nn.Embedding(3, 2)(dg.tensor([3n]))),
  "embedding/float": throws(() => new dg.nn.Embedding(3, 2)(dg.tensor([1]))),
};
