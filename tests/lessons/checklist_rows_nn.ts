/** Rows 139 to 155 and 186 of the checklist: networks and optimisers. */
import { dg, type Loose, type Tensor } from "./dinograd.ts";
import type { Row } from "./checklist.ts";
import { tuple } from "./python.ts";

const ones2 = (): Tensor => dg.ones(2, { requiresGrad: true });
const nodeName = (t: Tensor): string => t.gradFn!.name();
const sumOfSquares = (): Loose => new dg.nn.MSELoss({ reduction: "sum" });

export const rows: Record<number, Row> = {
  139: () => new dg.nn.Sequential(new dg.nn.Linear(1000, 100), new dg.nn.ReLU(), new dg.nn.Linear(100, 10)),
  140: () => {
    const net = new dg.nn.Sequential(
      new dg.nn.Linear(1000, 100),
      new dg.nn.ReLU(),
      new dg.nn.Linear(100, 10),
    );
    return [...net.parameters()].map((p) => tuple(...p.shape));
  },
  141: () => {
    const net = new dg.nn.Sequential(new dg.nn.Linear(4, 3), new dg.nn.ReLU(), new dg.nn.Linear(3, 2));
    return [...net.namedParameters()].map(([parameter]) => parameter);
  },
  142: ({ print }) => {
    dg.manualSeed(0);
    const layer = new dg.nn.Linear(3, 2);
    print(layer.weight);
    print(layer.bias);
  },
  143: () => {
    dg.manualSeed(0);
    return new dg.nn.Linear(3, 2).call(dg.ones(1, 3));
  },
  144: () => nodeName(new dg.nn.Linear(3, 2).call(dg.ones(1, 3))),
  145: () => new dg.nn.Linear(3, 2).call(dg.ones(1, 4)),
  146: () => sumOfSquares().call(dg.tensor([1, 2]), dg.tensor([0, 5])),
  147: () => sumOfSquares(),
  148: () => new dg.nn.ReLU().call(dg.tensor([-1, 0, 2])),
  149: () => {
    const x = dg.tensor([-1, 0, 2], { requiresGrad: true });
    new dg.nn.ReLU().call(x).sum().backward();
    return x.grad;
  },
  150: () => nodeName(new dg.nn.ReLU().call(ones2())),
  151: () => nodeName(sumOfSquares().call(ones2(), dg.zeros(2))),
  152: () => new dg.nn.MSELoss().call(dg.zeros(2, 1), dg.zeros(2)),
  153: () => {
    const { defaults } = new dg.optim.Adam(new dg.nn.Linear(2, 1).parameters(), { lr: 1e-4 });
    const snake = (key: string): string => key.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`);
    return Object.fromEntries(
      Object.entries(defaults).map(([key, v]) => [snake(key), Array.isArray(v) ? tuple(...v) : v]),
    );
  },
  154: () => {
    const p = new dg.nn.Parameter(dg.tensor([1, 2]));
    const optimizer = new dg.optim.Adam([p], { lr: 0.1 });
    p.pow(2).sum().backward();
    optimizer.step();
    return p;
  },
  155: () => {
    const p = new dg.nn.Parameter(dg.tensor([1, 2]));
    const optimizer = new dg.optim.Adam([p], { lr: 0.1 });
    p.pow(2).sum().backward();
    optimizer.zeroGrad();
    return p.grad;
  },
  186: () => tuple(dg.optim.SGD.name, dg.nn.Module.name),
};
