/** Rows 236 to 314 of the checklist. */
import { dg, type Tensor } from "./dinograd.ts";
import { notApplicable, type Row, withoutCuda } from "./checklist.ts";
import { name, size, tuple } from "./python.ts";

const leaf = (...values: number[]): Tensor => dg.tensor(values, { requiresGrad: true });
const one = (): Tensor => dg.tensor(1, { requiresGrad: true });
const quadratic = (x: Tensor): Tensor => x.mul(x).add(dg.mul(3, x)).sub(1);
/** A quadratic after its backward pass. */
function differentiated(): { x: Tensor; f: Tensor } {
  const x = one();
  const f = quadratic(x);
  f.backward();
  return { x, f };
}
const halves = (): Tensor => dg.mul(0.5, dg.ones(2, 5)).requiresGrad_();
/** (1 - x^2 - x)^2: its derivative at 1 is 6 */
const sextic = (x: Tensor): Tensor => dg.sub(1, x.pow(2)).sub(x).pow(2);
/** x of twos, and z = 2*(x+1)^2 + x */
function squares(): { x: Tensor; z: Tensor } {
  const x = dg.mul(2, dg.ones(10).view(2, 5)).requiresGrad_();
  const y = x.add(1);
  return { x, z: dg.mul(2, y).mul(y).add(x) };
}
const grid = (...shape: [number, number]): Tensor => dg.arange(12n).reshape(...shape);
const className = (t: Tensor): unknown => name(`<class 'torch.${t.constructor.name}'>`);
const array12 = (): BigInt64Array => BigInt64Array.from({ length: 12 }, (_, i) => BigInt(i));

export const rows: Record<number, Row> = {
  236: () => {
    const { x } = differentiated();
    return tuple(x.grad, x.data, x.gradFn);
  },
  237: () => differentiated().f.grad,
  238: () => {
    const { f } = differentiated();
    return tuple(f.data, f.data.requiresGrad);
  },
  239: () => differentiated().f.gradFn,
  240: () => {
    const { x, f } = differentiated();
    return tuple(f.isLeaf, x.isLeaf);
  },
  241: () => {
    const x = halves();
    return tuple(x.isLeaf, x.requiresGrad);
  },
  242: () => {
    const x = dg.mul(0.5, dg.ones(2, 5, { requiresGrad: true }));
    return tuple(x.isLeaf, x.requiresGrad);
  },
  243: () => dg.mul(2, dg.ones(2, { requiresGrad: true })).requiresGrad_(false),
  244: () => {
    const x = halves();
    const y = dg.mul(2, x).add(1);
    y.mul(y).sub(dg.mul(2, x)).mean().backward();
    return x.grad;
  },
  245: () => {
    const y = dg.mul(2, halves()).add(1);
    y.mean().backward();
    return y.grad;
  },
  246: ({ print }) => {
    const x = dg.ones(10).view(2, 5);
    x.requiresGrad_(true);
    const y = x.add(1);
    y.retainGrad();
    dg.mul(2, y).mul(y).add(x).mean().backward();
    print(x.grad);
    print(y.grad);
  },
  247: () => {
    const x = dg.ones(10).view(2, 5);
    x.requiresGrad_(true);
    return tuple(x.isLeaf, x.isView);
  },
  248: () => dg.tensor(dg.mul(2, dg.ones(10).view(2, 5)), { requiresGrad: true }).isLeaf,
  249: () => {
    const x = dg.ones(2, { requiresGrad: true });
    const y = x.add(1);
    y.retainGrad();
    return tuple(y.retainsGrad, x.retainsGrad);
  },
  250: ({ print }) => {
    const x = leaf(1);
    const loss = sextic(x);
    for (let i = 0; i < 2; i++) {
      loss.backward({ retainGraph: true });
      print(x.grad);
    }
  },
  251: ({ print }) => {
    const x = leaf(1);
    const loss = sextic(x);
    loss.backward({ retainGraph: true });
    x.grad!.zero_();
    loss.backward({ retainGraph: true });
    print(x.grad);
  },
  252: () => {
    const w = leaf(1, 2);
    const loss = (w[0] as Tensor).add(w[1]).pow(2).add(dg.mul(2, w[0])).sub(1);
    loss.backward();
    loss.backward();
  },
  253: () => {
    leaf(1)[0] = 0;
  },
  254: () => leaf(1).add_(1),
  255: () => {
    const x = leaf(1);
    x.data[0] = 0;
    return x;
  },
  256: () => {
    const x = leaf(1);
    const before = x.version;
    x.data[0] = 0;
    return x.version - before;
  },
  257: () => {
    const x = leaf(1);
    const loss = x.pow(2);
    x.data[0] = 5;
    loss.backward();
    return x.grad;
  },
  258: () => {
    const y = leaf(1).mul(1);
    const z = y.pow(2);
    y[0] = 5;
    z.backward();
  },
  259: () => {
    const z = leaf(1).mul(1).exp();
    z.add_(1);
    z.backward();
  },
  260: () => {
    const y = leaf(1, 2).mul(1);
    y[0] = 5;
    return y;
  },
  261: () => {
    const x = leaf(1, 2);
    const y = x.mul(1);
    y[0] = 5;
    y.sum().backward();
    return x.grad;
  },
  262: ({ print }) => {
    const { x, z } = squares();
    z.mean().backward({ retainGraph: true });
    print(x.grad);
    print(x.grad!.type());
    print(x.grad!.dtype);
  },
  263: () => dg.mul(2, dg.ones(2, 5, { requiresGrad: true })).backward({ retainGraph: true }),
  264: () => {
    const { x, z } = squares();
    z.backward(dg.ones(10).view(2, -1), { retainGraph: true });
    return x.grad;
  },
  265: () => {
    const { x, z } = squares();
    z.backward(dg.mul(2, dg.ones(10).view(2, -1)));
    return x.grad;
  },
  266: () => dg.arange(6n).sub(2n),
  267: () => dg.arange(6n).sub(2n).type(),
  268: () => className(dg.arange(6n)),
  269: () => dg.arange(6n).dtype,
  270: () => dg.arange(4, { dtype: "float32" }).sub(2),
  271: () => dg.arange(4).sub(2),
  272: () => dg.arange(4).type(),
  273: () => size(dg.arange(4).shape),
  274: ({ print }) => print(size(dg.arange(4).shape)),
  275: () => size(dg.arange(4).size()),
  276: () => {
    const x = dg.arange(6n).reshape(2, 3);
    return tuple(x.size(-1), x.size(0));
  },
  277: notApplicable("a shape is an array of numbers"),
  278: () => size(dg.tensor(1).shape),
  279: () => dg.arange(6n).reshape(2, 3).add(1n),
  280: () => dg.arange(6n).reshape(2, 3).flatten(),
  281: () =>
    tuple(
      dg.arange(6, { dtype: "float64" }).type(),
      dg.tensor([true]).type(),
      dg.tensor([1], { dtype: "int32" }).type(),
      dg.tensor([1], { dtype: "uint8" }).type(),
      dg.tensor([1], { dtype: "float16" }).type(),
    ),
  282: () => dg.arange(3n).type("float32"),
  283: () => dg.arange(3n).type("torch.DoubleTensor"),
  284: () => dg.arange(3n).type("float64"),
  285: () => dg.exp(dg.arange(3n)).dtype,
  286: () => dg.arange(6n).reshape(4, 2),
  287: () => dg.arange(6n).reshape(-1, 4),
  288: ({ print }) => {
    const a = dg.arange(6n).reshape(2, 3).add(1n);
    const flat = a.flatten();
    flat[0] = -1n;
    print(flat);
    print(a);
  },
  289: () => {
    const a = dg.arange(6n).reshape(2, 3);
    return a.flatten().storage === a.storage;
  },
  290: () => {
    const a = dg.arange(6n).reshape(2, 3).t();
    return a.flatten().storage === a.storage;
  },
  291: () => {
    const array = array12();
    const t = dg.fromTypedArray(array).reshape(3, 4);
    t["-1, -1"] = 12n;
    return array[11];
  },
  292: () => {
    const t = dg.fromTypedArray(array12()).reshape(3, 4);
    t.typedArray()[11] = 11n;
    return t["-1, -1"];
  },
  293: () => {
    const t = grid(3, 4);
    const b = t.reshape(-1, 3);
    b["0, 0"] = -1;
    return tuple(b, t);
  },
  294: () => {
    const b = dg.arange(3n);
    b[0] = 2.7;
    return b;
  },
  295: () => grid(4, 3).t(),
  296: () => {
    const t = grid(4, 3).t();
    return tuple(tuple(...t.stride()), t.isContiguous());
  },
  297: () => grid(4, 3).t().reshape(-1),
  298: () => {
    const t = grid(4, 3).t();
    t.reshape(-1)[0] = 99n;
    return t["0, 0"];
  },
  299: () => grid(4, 3).t().view(-1),
  300: () => dg.arange(24n).reshape(2, 3, 4).t(),
  301: () => dg.arange(4n).asStrided([2, 2], [1, 1]),
  302: () => {
    const a = BigInt64Array.of(0n, 1n, 2n);
    const t = dg.asTensor(a);
    a[0] = 9n;
    return t;
  },
  303: () => {
    const t = dg.arange(3n);
    return dg.asTensor(t) === t;
  },
  304: () => dg.cuda.isAvailable(),
  305: notApplicable("a missing name is a compile error"),
  306: withoutCuda(() => dg.ones(2).to("cuda"), "cuda"),
  307: () => grid(3, 4),
  308: () => dg.tensor([[-1n, 1n, 2n], [9n, 10n, 11n]]),
  309: () => dg.tensor([-2, -1, 0, 1]),
  310: () => dg.tensor([[0.5, 0.5], [0.5, 0.5]], { requiresGrad: true }),
  311: ({ print }) => {
    const x = dg.tensor(5);
    print(tuple(x, x.dtype));
  },
  312: () => dg.sigmoid(grid(3, 4).type("float64") as Tensor),
  313: notApplicable("dtypes are strings"),
  314: () => dg.full([2, 5], 13),
};
