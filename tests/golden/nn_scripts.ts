/** The scripts of autograd.json about modules and optimisers, in our calls. */
import { dg, type Loose } from "./api.ts";
import { tuple } from "../lessons/python.ts";
import type { NoCounterpart, ScriptCase } from "./scripts.ts";

const linear = (...sizes: Loose[]): Loose => new dg.nn.Linear(...sizes);
const names = (entries: Loose[]): string[] => entries.map(([name]) => name);

/** Scripts by their id in the file. */
export const nnScripts: Record<string, ScriptCase | NoCounterpart> = {
  "hooks/module": {
    run({ print }) {
      const l = linear(2, 1, { bias: false });
      const h1 = l.registerForwardPreHook((_: Loose, inputs: Loose) => [inputs[0].mul(2)]);
      const h2 = l.registerForwardHook((_m: Loose, _i: Loose, output: Loose) => output.add(100));
      const x = dg.tensor([[1, 1]]);
      const rounded = (v: number): string => `${(Math.round(v * 1000) / 1000 + 0).toFixed(1)}`;
      print(rounded(l(x).item() - 2 * l.weight.sum().item()));
      h1.remove();
      h2.remove();
      print(rounded(l(x).item() - l.weight.sum().item()));
    },
  },
  "hooks/module-backward": {
    run({ print }) {
      const l = linear(2, 1, { bias: false });
      l.registerFullBackwardHook((_m: Loose, _i: Loose, output: Loose) =>
        print("grad_output", tuple(...output))
      );
      l(dg.ones(1, 2)).sum().backward();
    },
  },
  "zero_grad/set_to_none": {
    run({ print }) {
      const l = linear(1, 1);
      l(dg.ones(1, 1)).backward();
      const o = new dg.optim.SGD(l.parameters(), { lr: 0.1 });
      o.zeroGrad({ setToNone: true });
      print(l.weight.grad);
      l(dg.ones(1, 1)).backward();
      o.zeroGrad({ setToNone: false });
      print(l.weight.grad);
    },
  },
  "zero_grad/default": {
    run({ print }) {
      const l = linear(1, 1);
      const o = new dg.optim.SGD(l.parameters(), { lr: 0.1 });
      l(dg.ones(1, 1)).backward();
      o.zeroGrad();
      print(l.weight.grad);
      l(dg.ones(1, 1)).backward();
      l.zeroGrad();
      print(l.weight.grad);
    },
  },
  "nn/train-eval": {
    needs: ["nn.BatchNorm1d"],
    run({ print }) {
      const m = new dg.nn.Sequential(linear(2, 2), new dg.nn.Dropout(0.5), new dg.nn.BatchNorm1d(2));
      print(m.training, m[1].training);
      m.eval();
      print(m.training, m[1].training);
      m[1].train();
      print([...m].map((c: Loose) => c.training));
    },
  },
  "nn/parameters": {
    run({ print }) {
      class M extends dg.nn.Module {
        w = new dg.nn.Parameter(dg.ones(2));
        sub: Loose;
        shared: Loose;
        constructor() {
          super();
          this.registerBuffer("b", dg.zeros(1));
          this.registerBuffer("nb", dg.zeros(1), { persistent: false });
          this.sub = linear(2, 1);
          this.shared = this.sub;
        }
        forward(): void {}
      }
      const m: Loose = new M();
      print(names(m.namedParameters()));
      print(names(m.namedBuffers()));
      print(Object.keys(m.stateDict()));
      print(names(m.namedModules()));
      print(names(m.namedChildren()));
      print(m.parameters().reduce((n: number, p: Loose) => n + p.numel(), 0));
    },
  },
  "nn/state_dict-roundtrip": {
    run({ print }) {
      const [a, b] = [linear(2, 1), linear(2, 1)];
      print(b.loadStateDict(a.stateDict()));
      print(dg.equal(a.weight, b.weight));
      print(b.loadStateDict({ weight: dg.ones(1, 2) }, { strict: false }));
    },
  },
  "nn/freeze": {
    run({ print }) {
      const m = new dg.nn.Sequential(linear(2, 2), linear(2, 1));
      m[0].requiresGrad_(false);
      m(dg.ones(1, 2)).sum().backward();
      print(m.parameters().map((p: Loose) => p.grad === null));
    },
  },
  "nn/apply-to": {
    run({ print }) {
      const m = linear(2, 1);
      m.apply((x: Loose) => {
        if (x instanceof dg.nn.Linear) dg.nn.init.constant_(x.weight, 0.5);
      });
      print(m.weight);
      m.double();
      print(m.weight.dtype);
    },
  },
  "nn/sequential-index": {
    run({ print }) {
      const m = new dg.nn.Sequential({ a: linear(1, 2), b: new dg.nn.ReLU() });
      print(m);
      print(m.at(0), m.b, m.length, m.slice(-1));
    },
  },
  "nn/batchnorm-buffers": {
    needs: ["nn.BatchNorm1d"],
    run({ print }) {
      const m = new dg.nn.BatchNorm1d(2);
      const x = dg.tensor([[1, 2], [3, 6]]);
      m(x);
      print(m.runningMean, m.runningVar, m.numBatchesTracked);
      m(x);
      print(m.runningMean, m.runningVar, m.numBatchesTracked);
      m.momentum = null;
      m.resetRunningStats();
      m(x);
      print(m.runningMean, m.runningVar);
    },
  },
  "nn/dropout-modes": {
    run({ print }) {
      const d = new dg.nn.Dropout(0.5), x = dg.ones(6);
      print(d(x).tolist().every((v: number) => v === 0 || v === 2));
      d.eval();
      print(d(x));
    },
  },
};
