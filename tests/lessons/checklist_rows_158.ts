/** Rows 158 to 235 of the checklist, but the one about networks. */
import { dg, type Tensor } from "./dinograd.ts";
import { notApplicable, type Row, withoutCuda } from "./checklist.ts";
import { device, float, size, tuple } from "./python.ts";

const leaf = (...values: number[]): Tensor => dg.tensor(values, { requiresGrad: true });
const leaf64 = (...values: number[]): Tensor => dg.tensor(Float64Array.from(values), { requiresGrad: true });
const float64 = (...values: number[]): Tensor => dg.tensor(values, { dtype: "float64" });
const ones64 = (n: number): Float64Array => new Float64Array(n).fill(1);
/** `torch.Tensor(array)`: the values in the default dtype */
const defaultTensor = (values: Float64Array): Tensor => dg.tensor(values, { dtype: "float32" });
const cubic = (x: Tensor): Tensor => x.pow(3).add(dg.mul(3, x.pow(2))).sub(dg.mul(5, x)).add(4);
const matrix = (): Tensor => dg.tensor([[1n, 2n], [3n, 4n]]);
const nodeName = (t: Tensor): string => t.gradFn!.name();
const minusTwo = (): Tensor => dg.tensor(-2).requiresGrad_();

export const rows: Record<number, Row> = {
  158: () => leaf64(0.5, 0.25),
  159: () => dg.tensor(new Float64Array(3)).dtype,
  160: () => leaf64(...Array<number>(9).fill(0.1), 0.05),
  161: () => leaf64(0.0143, 0.9790, 0.6805, 0.8771, 0.0953),
  162: () => defaultTensor(ones64(3)),
  163: () => defaultTensor(ones64(3)).dtype,
  164: () => dg.tensor([1]),
  165: () => size(dg.empty(2, 3).shape),
  166: () => {
    const x = float64(0.5, 2);
    return dg.dot(x, x);
  },
  167: () => dg.log(dg.add(1, dg.tensor(2, { dtype: "float64" }))),
  168: () => {
    const x = float64(0.5, 2);
    return x.div(dg.add(1, dg.dot(x, x))).mul(2);
  },
  169: () => float64(1).mul(dg.tensor(2)),
  170: () => dg.tensor([1]).mul(dg.tensor(2, { dtype: "float64" })),
  171: () => dg.mv(dg.tensor([[1, 2], [3, 4]]), dg.tensor([1, 1])).add(dg.tensor([0.5, 0.5])),
  172: () => dg.mv(dg.ones(2, 3), dg.ones(2)),
  173: () => dg.matmul(dg.tensor([1, 2]), dg.tensor([[1, 2], [3, 4]])),
  174: () => dg.matmul(leaf(1, 2), dg.tensor([[1, 2], [3, 4]])),
  175: () => dg.sin(leaf(1)),
  176: () => dg.mv(dg.ones(4, 2), dg.ones(2)).shape[0],
  177: () => nodeName(dg.mv(dg.ones(4, 2), dg.ones(2, { requiresGrad: true }))),
  178: () => {
    const x = leaf64(1, 2);
    dg.sin(x).backward(defaultTensor(ones64(2)));
    return x.grad;
  },
  179: () => {
    const x = leaf(1, 2);
    dg.sin(x).backward(dg.tensor([1, 2]));
    return x.grad;
  },
  180: () => dg.sin(leaf(1, 2)).backward(),
  181: () => dg.sin(leaf(1, 2)).backward(dg.ones(3)),
  182: () => dg.sin(leaf(1, 2)).backward(dg.tensor([1])),
  183: () => {
    const x = leaf(1);
    dg.sin(x).backward();
    return x.grad;
  },
  184: () => dg.sin(leaf(1, 2)).backward(dg.ones(2)) === undefined,
  185: () => {
    const x = leaf64(0.1801, 0.3444);
    const z = dg.dot(x, x);
    dg.log(dg.add(1, z)).backward();
    return dg.allclose(x.grad!, dg.mul(2, x).div(dg.add(1, z)).detach());
  },
  187: () => dg.tensor(3).mul(2),
  188: () => matrix(),
  189: () => dg.tensor([10n, 1n]),
  190: () => matrix().dtype,
  191: () => dg.tensor(BigInt64Array.of(1n, 2n, 3n, 4n)).reshape(2, 2),
  192: () => dg.tensor(BigInt64Array.of(1n, 2n, 3n, 4n)).dtype,
  193: () => {
    const a = BigInt64Array.of(1n, 2n);
    const t = dg.tensor(a);
    a[0] = 9n;
    return t;
  },
  194: () => dg.tensor([[1n, 2n], [3n]]),
  195: () => dg.tensor([1n, 2.5]).dtype,
  196: () => dg.tensor([]).dtype,
  197: () => size(dg.tensor([]).shape),
  198: () => matrix().mul(10n),
  199: () => dg.tensor([10n, 1n]).reshape(-1, 1),
  200: () => matrix().matmul(dg.tensor([10n, 1n]).reshape(-1, 1)),
  201: () => matrix().matmul(dg.tensor([1, 2])),
  202: () => matrix().mul(2.5).dtype,
  203: () => cubic(dg.tensor(-2)),
  204: () => dg.tensor(2n).pow(3n),
  205: () => dg.pow(2n, dg.tensor(3n)),
  206: () => dg.tensor(2n).pow(3),
  207: () => dg.tensor(2n).pow(-1n),
  208: () => dg.tensor([1n, 2n]).div(2n),
  209: () => dg.tensor([1n, 2n]).div(2n).dtype,
  210: () => size(dg.arange(-3, 3, 0.1).shape),
  211: () => float(dg.arange(-3, 3, 0.1)[-1].item()),
  212: () => device(dg.tensor([1n]).device),
  213: ({ print }) => print(device(dg.tensor([1n]).device)),
  214: () => dg.cuda.isAvailable(),
  215: notApplicable("devices are strings"),
  216: () => dg.tensor([1n]).device === "cpu",
  217: withoutCuda(() => dg.tensor([1n]).to("cuda"), "cuda"),
  218: {
    run: () => dg.device("gpu"),
    expected: "Error: Expected one of cpu, webgpu device type at start of device string: gpu",
    because: "the devices are others",
  },
  219: () => dg.tensor([1n]).to("cpu") !== null,
  220: () => {
    const t = dg.tensor([1n]);
    return t.to("cpu") === t;
  },
  221: () => {
    const t = dg.tensor([1n]);
    return t.to("float32") === t;
  },
  222: ({ print }) => {
    const x = dg.tensor(-2);
    cubic(x);
    print(x.grad);
  },
  223: () => {
    const x = minusTwo();
    cubic(x).backward();
    return x.grad;
  },
  224: () => {
    const x = minusTwo();
    cubic(x).backward();
    x.pow(2).backward();
    return x.grad;
  },
  225: () => {
    const x = minusTwo();
    cubic(x).backward();
    x.grad!.zero_();
    x.pow(2).backward();
    return x.grad;
  },
  226: notApplicable(
    "Python's float(x) warns of a gradient that is lost; here Number(x) throws, and item() is the way",
  ),
  227: () => {
    const x = minusTwo();
    x.pow(2).backward();
    const alias = x.grad;
    x.pow(2).backward();
    return alias;
  },
  228: () => dg.tensor(-2n).requiresGrad_(),
  229: () => dg.tensor(-2n, { requiresGrad: true }),
  230: notApplicable("it is PyTorch's version"),
  231: ({ print }) => {
    const x = leaf(1);
    const g1 = dg.mul(3, x);
    const g2 = x.pow(2).add(x);
    const h1 = dg.mul(2, g1).add(1);
    const h2 = dg.mul(2, g1).add(g2);
    h1.sub(h2).pow(2).backward();
    print(x.grad);
  },
  232: () => {
    const loss = leaf(1).mul(2).pow(2);
    return tuple(size(loss.shape), loss.backward() === undefined);
  },
  233: ({ print }) => {
    const x = dg.tensor(1, { requiresGrad: true });
    const f = dg.mul(2, x).mul(x).sub(dg.mul(3, x)).add(4);
    print(f);
    f.backward();
    return x.grad;
  },
  234: ({ print }) => {
    const w = dg.tensor([1, 2]);
    w.requiresGrad_();
    const e = (w[0] as Tensor).add(w[1]).pow(2);
    const r = dg.mul(2, w[0]).sub(1);
    r.retainGrad();
    const loss = e.add(r);
    print(e.requiresGrad, r.requiresGrad, loss.requiresGrad);
    print(loss);
    loss.backward();
    print(w.grad);
    print(r.grad);
  },
  235: () => leaf(1, 2)[0],
};
