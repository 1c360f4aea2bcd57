/** Rows 81 to 157 of the checklist, but those about networks. */
import { dg, type Tensor } from "./dinograd.ts";
import type { autograd } from "../../mod.ts";
import { notApplicable, type Row } from "./checklist.ts";
import { float, name, tuple } from "./python.ts";

const five = (): Tensor => dg.tensor(5, { requiresGrad: true });
const half = (): Tensor => dg.tensor(0.5, { requiresGrad: true });
const ones2 = (): Tensor => dg.ones(2, { requiresGrad: true });
const nodeName = (t: Tensor): string => t.gradFn!.name();
type Node = autograd.Node;
const inputs = (t: Tensor): (Node | null)[] =>
  t.gradFn!.nextFunctions.map(([node]: autograd.NextFunction) => node);
const inputNames = (t: Tensor): (string | null)[] => inputs(t).map((node) => node && node.name());

/** c*sin(x) + x + c, of a constant c */
function sineGraph(x: Tensor): Tensor {
  const c = dg.tensor(3);
  return c.mul(dg.sin(x)).add(x).add(c);
}

/** The gradient of 3*x**2 at 5, ready to be cleared. */
function parabola(): Tensor {
  const x = five();
  dg.mul(3, x.pow(2)).backward();
  return x;
}

export const rows: Record<number, Row> = {
  81: () => {
    dg.manualSeed(42);
    return dg.randn(100, 5)[0];
  },
  82: () => {
    dg.manualSeed(42);
    return dg.randn(100, 5)[-1];
  },
  83: () => {
    dg.manualSeed(42);
    dg.randn(100, 5);
    return dg.randn(5);
  },
  84: () => name(`<class 'torch._C.${dg.manualSeed(42).constructor.name}'>`),
  85: () => dg.manualSeed(42).initialSeed(),
  86: () => dg.tensor(5).grad === null,
  87: () => dg.tensor(5).requiresGrad,
  88: () => dg.tensor(5).isLeaf,
  89: () => five().grad === null,
  90: () => five().isLeaf,
  91: () => {
    const x = dg.randn(5).requiresGrad_(true);
    return tuple(x.isLeaf, x.requiresGrad);
  },
  92: () => {
    const a = dg.randn(5);
    return a.requiresGrad_(true) === a;
  },
  93: () => {
    const c = dg.tensor(3);
    const x = five();
    const y = c.mul(dg.sin(x)).add(x).add(c);
    return tuple(y.requiresGrad, y.isLeaf, c.requiresGrad);
  },
  94: () => dg.tensor(3).mul(2).gradFn === null,
  95: () => five().gradFn === null,
  96: () => dg.tensor(0n, { requiresGrad: true }),
  97: () => {
    const y = half().detach();
    return tuple(y.requiresGrad, y.isLeaf);
  },
  98: () => {
    const x = half();
    x.detach().add_(1);
    return x;
  },
  99: ({ print }) => {
    const x = five();
    const y = sineGraph(x);
    print(y);
    y.backward();
    print(x, x.grad);
    print(y);
  },
  100: () => {
    const y = dg.mul(3, dg.sin(five()));
    y.backward();
    y.backward();
  },
  101: () => {
    const x = five();
    const y = x.add(2);
    y.backward();
    y.backward();
    return x.grad;
  },
  102: () => {
    const y = dg.mul(3, five());
    y.backward();
    y.backward();
  },
  103: ({ print }) => {
    const x = five();
    for (let i = 0; i < 2; i++) {
      const y = dg.mul(3, x.pow(2));
      y.backward();
      print(x, x.grad);
      print(y);
    }
  },
  104: ({ print }) => {
    const x = parabola();
    x.grad!.zero_();
    print(x, x.grad);
  },
  105: () => parabola().grad!.zero_(),
  106: () => parabola().grad!.requiresGrad,
  107: ({ print }) => {
    const x = dg.arange(5, { dtype: "float32" }).requiresGrad_(true);
    const y = dg.mean(dg.log(x.pow(2).add(1)).add(dg.mul(5, x)));
    y.backward();
    print(y);
    print(x);
    print("Grad", x.grad);
  },
  108: () => dg.tensor(5).backward(),
  109: ({ print }) => {
    const x = dg.mul(2, dg.ones(5).float()).requiresGrad_(true);
    const y = dg.dot(dg.arange(5n).float(), x);
    y.retainGrad();
    const z = dg.log(y);
    z.retainGrad();
    z.backward();
    for (const t of [y, x, z]) print(t, t.grad);
  },
  110: () => {
    const x = dg.tensor(1, { requiresGrad: true });
    x.retainGrad();
    dg.mul(2, x).backward();
    return x.grad;
  },
  111: () => dg.tensor(1).retainGrad(),
  112: () => {
    const y = dg.noGrad(() => dg.mul(2, half()));
    return tuple(y.requiresGrad, y.gradFn);
  },
  113: () => {
    const x = half();
    dg.noGrad(() => x.sub_(0.1));
    return x;
  },
  114: () => half().sub_(0.1),
  115: () => {
    const x = half();
    dg.noGrad(() => x.sub_(0.1));
    return tuple(x.isLeaf, x.version);
  },
  116: () => dg.isGradEnabled(),
  117: ({ print }) => dg.noGrad(() => print(dg.isGradEnabled())),
  118: notApplicable("a gradient that may be null does not compile as an operand"),
  119: () => nodeName(sineGraph(five())),
  120: () => inputNames(sineGraph(five())),
  121: () => inputNames(dg.tensor(3).mul(dg.sin(five()))),
  122: () => {
    const { self, other } = dg.tensor(3).mul(dg.sin(five())).gradFn!.saved();
    return tuple(self, other);
  },
  123: () => inputNames(dg.sin(five()))[0],
  124: () => {
    const x = five();
    const [node] = inputs(dg.sin(x));
    return (node as Node & { variable: Tensor }).variable === x;
  },
  125: () => {
    const x = five();
    return inputs(dg.sin(x))[0] === inputs(dg.cos(x))[0];
  },
  126: ({ print }) => {
    dg.manualSeed(42);
    const X = dg.randn(100, 5);
    const t = dg.randn(5).requiresGrad_(true);
    const m = dg.mean(dg.mean(X, { dim: 1 }).sub(dg.matmul(X, t)).pow(2));
    let node = m.gradFn!;
    print(node.name());
    node = node.nextFunctions[0][0]!;
    print(node.name(), node.saved().exponent);
    node = node.nextFunctions[0][0]!;
    print(node.name(), node.saved().alpha);
    print(node.nextFunctions.map(([next]: autograd.NextFunction) => next && next.name()));
  },
  127: () => nodeName(dg.mean(dg.randn(100, 5).requiresGrad_(true), { dim: 1 })),
  128: () => nodeName(dg.mean(dg.randn(100, 5).requiresGrad_(true))),
  129: () => nodeName(dg.sin(ones2())),
  130: () => nodeName(dg.cos(ones2())),
  131: () => nodeName(dg.abs(ones2())),
  132: () => nodeName(dg.log(ones2())),
  133: () => nodeName(ones2().pow(2)),
  134: () => nodeName(ones2().sub(1)),
  135: () => {
    const x = ones2();
    return nodeName(dg.dot(x, x));
  },
  136: () => nodeName(dg.matmul(dg.ones(3, 2), ones2())),
  137: () => nodeName(ones2()[":1"]),
  138: () => nodeName(ones2().clone()),
  156: () => float(dg.tensor([3.5]).item() as number),
  157: () => dg.tensor([3.5, 1]).item(),
};
