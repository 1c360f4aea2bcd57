/** Rows 1 to 80 of the checklist. */
import { dg, type Tensor } from "./dinograd.ts";
import { notApplicable, type Row, withoutCuda } from "./checklist.ts";
import { readData } from "./expected.ts";
import { device, float, floats, name, numpy, size } from "./python.ts";

const leaf = (...values: number[]): Tensor => dg.tensor(values, { requiresGrad: true });
const ones2 = (): Tensor => dg.ones(2, { requiresGrad: true });
const linspace64 = (): Float64Array => Float64Array.from(readData()["001"].x_np);
const nodeName = (t: Tensor): string => t.gradFn!.name();
const float32Array = (t: Tensor): Float32Array => t.typedArray() as Float32Array;

function sigmoidGraph(activation: (z: Tensor) => Tensor): [Tensor, Tensor, Tensor] {
  const [x, w, b] = [leaf(-1, -2), leaf(2, -3), dg.tensor(-3, { requiresGrad: true })];
  activation(w.matmul(x).add(b)).backward();
  return [w.grad!, x.grad!, b.grad!];
}

export const rows: Record<number, Row> = {
  1: () => {
    dg.manualSeed(0);
    return dg.randn(3, 4);
  },
  2: () => {
    dg.manualSeed(0);
    return dg.randn(3, 4, { requiresGrad: true });
  },
  3: () => dg.randn(3, 4).dtype,
  4: () => {
    dg.manualSeed(0);
    const a = dg.randn(3, 4);
    dg.manualSeed(0);
    return dg.equal(a, dg.randn(3, 4));
  },
  5: () => device(dg.randn(3, 4, { device: "cpu" }).device),
  6: () => dg.randn(3, 4, { requiresGrad: true }).isLeaf,
  7: withoutCuda(() => dg.randn(3, 4, { device: "cuda:0" }), "cuda:0"),
  8: () => dg.tensor([1, 2]).mul(dg.tensor([3, 5])),
  9: () => dg.tensor([1, 2]).add(dg.tensor([3, 5])),
  10: () => dg.sum(dg.tensor([[1, 2], [3, 4]])),
  11: () => dg.sum(dg.tensor([[1n, 2n], [3n, 4n]])),
  12: () => dg.sum(dg.tensor([true, true, false])),
  13: () => dg.tensor([2, -3]).neg(),
  14: () => dg.div(1, dg.add(1, dg.exp(dg.tensor(1).neg()))),
  15: () => dg.exp(dg.tensor([0, 1])),
  16: () => dg.sigmoid(dg.tensor([0, 1])),
  17: () => dg.tensor([2, -3]).matmul(dg.tensor([-1, -2])),
  18: () => leaf(2, -3).matmul(dg.tensor([-1, -2])),
  19: () => {
    const x = leaf(1, 2);
    dg.sum(x.mul(dg.tensor([3, 5]))).backward();
    return x.grad;
  },
  20: () => {
    const y = dg.tensor([3, 5]);
    dg.sum(leaf(1, 2).mul(y)).backward();
    return y.grad === null;
  },
  21: ({ print }) => print(...sigmoidGraph((z) => dg.div(1, dg.add(1, dg.exp(z.neg()))))),
  22: ({ print }) => print(...sigmoidGraph(dg.sigmoid)),
  23: () => nodeName(ones2().mul(2)),
  24: () => nodeName(ones2().add(2)),
  25: () => nodeName(ones2().neg()),
  26: () => nodeName(dg.exp(ones2())),
  27: () => dg.div(1, ones2()),
  28: () => dg.div(1, ones2()).gradFn!.nextFunctions[0][0]!.name(),
  29: () => nodeName(ones2().div(2)),
  30: () => nodeName(dg.sum(ones2())),
  31: () => nodeName(dg.sigmoid(ones2())),
  32: ({ print }) => print(leaf(-1, -2)),
  33: ({ print }) => print(dg.tensor(-3, { requiresGrad: true })),
  34: ({ print }) => print(dg.tensor([0.3932, -0.5898])),
  35: ({ print }) => print(dg.tensor([0.3932, 0.5898])),
  36: ({ print }) => print(dg.tensor(0.1966)),
  37: () => dg.linspace(-5, 5, 10),
  38: () => dg.linspace(-5, 5, 10).dtype,
  39: () => {
    const some = dg.tensor([0n, 1n, 49n, 50n, 98n, 99n]);
    return floats(dg.linspace(-5, 5, 100).index(some).toArray() as number[]);
  },
  40: () => floats(dg.linspace(-5, 5, 10).toArray() as number[]),
  41: () => dg.tensor(5),
  42: () => dg.tensor(5).dtype,
  43: () => dg.tensor(5n).dtype,
  44: () => dg.tensor(true).dtype,
  45: () => size(dg.tensor(5).shape),
  46: () => dg.tensor(5).ndim,
  47: () => dg.arange(5, { dtype: "float32" }),
  48: () => dg.arange(5n),
  49: () => dg.arange(5n).dtype,
  50: () => dg.arange(5n).float(),
  51: () => dg.ones(5),
  52: () => dg.mul(2, dg.ones(5).float()),
  53: () => dg.fromTypedArray(linspace64()).dtype,
  54: () => dg.fromTypedArray(linspace64()),
  55: () => dg.fromTypedArray(linspace64()).float().dtype,
  56: ({ print }) => print(numpy(float32Array(dg.linspace(-5, 5, 10)))),
  57: () => {
    const kind = dg.linspace(-5, 5, 10).typedArray().constructor.name;
    return name(`dtype('${kind.replace("Array", "").toLowerCase()}')`);
  },
  58: () => {
    const a = new Float64Array(2);
    const t = dg.fromTypedArray(a);
    a[0] = 7;
    return t;
  },
  59: () => {
    const t = dg.zeros(2);
    t.typedArray()[0] = 7;
    return t;
  },
  60: () => dg.tensor(5, { requiresGrad: true }).typedArray(),
  61: () => numpy(float32Array(dg.tensor(5, { requiresGrad: true }).detach()), []),
  62: () => {
    const t = dg.tensor(0.5);
    const a = float32Array(t.detach());
    t.add_(1);
    return numpy(a, []);
  },
  63: () => dg.tensor(Float64Array.of(0.5)).dtype,
  64: notApplicable("NumPy's functions do not take tensors here: row 65 is the way"),
  65: () => dg.argmin(dg.tensor([3, 1, 2])),
  66: () => float(dg.linspace(-5, 5, 100)[49].item()),
  67: () => {
    const x = dg.tensor(5);
    return dg.mul(3, x.pow(2)).add(x);
  },
  68: () => dg.tensor(5).pow(2),
  69: () => dg.sin(dg.tensor(5)),
  70: () => dg.cos(dg.mul(4, dg.tensor(5))),
  71: () => dg.abs(dg.tensor([-1, 0, 2])),
  72: () => dg.log(dg.tensor([1, 2]).pow(2).add(1)),
  73: () => dg.mean(dg.tensor([1, 2, 4])),
  74: () => dg.mean(dg.arange(5n)),
  75: () => dg.mean(dg.tensor([[1, 2], [3, 5]]), { dim: 1 }),
  76: () => dg.mean(dg.tensor([[1, 2], [3, 5]]), 1),
  77: () => dg.matmul(dg.ones(3, 2), dg.tensor([1, 2])),
  78: () => dg.dot(dg.arange(5n).float(), dg.mul(2, dg.ones(5))),
  79: () => dg.dot(dg.arange(5n), dg.ones(5)),
  80: () => {
    dg.abs(dg.tensor(0, { requiresGrad: true })).backward();
    const x = leaf(-2, 0, 3);
    dg.abs(x).sum().backward();
    return x.grad;
  },
};
