/**
 * js-pytorch: nested arrays of JavaScript, without sines, cosines or tanh. Its steps compute when they are called.
 * @module
 */
import { names, type Peer, SIDES, SIZES } from "./peer.ts";

/** Loads it. */
export async function load(): Promise<Peer> {
  const { torch } = await import(`npm:js-pytorch@${"0.7.2"}`);
  type T = typeof torch.Tensor;
  const { nn, optim } = torch;
  const formula = (x: T): T => torch.mul(torch.mul(x, x), 2).sub(torch.mul(x, 3)).add(4);

  const workloads: Record<string, () => () => unknown> = {
    [names.scalar]: () => {
      const x = torch.tensor([1], true);
      return () => {
        x.zero_grad();
        formula(x).backward();
        return x.grad;
      };
    },
    [names.net]: () => {
      const first = new nn.Linear(1000, 100), relu = new nn.ReLU(), second = new nn.Linear(100, 10);
      const loss = new nn.MSELoss();
      const x = torch.randn([64, 1000]), target = torch.randn([64, 10]);
      const optimizer = new optim.Adam([...first.parameters(), ...second.parameters()], 1e-3, 0);
      return () => {
        const out = loss.forward(second.forward(relu.forward(first.forward(x))), target);
        optimizer.zero_grad();
        out.backward();
        optimizer.step();
        return out.data;
      };
    },
  };
  for (const size of SIZES) {
    const vector = () => torch.randn([Number(size)]);
    workloads[`add ${size}`] = () => {
      const x = vector(), y = vector();
      return () => torch.add(x, y);
    };
    workloads[`exp ${size}`] = () => {
      const x = vector();
      return () => torch.exp(x);
    };
    workloads[`sum ${size}`] = () => {
      const x = vector();
      return () => x.sum();
    };
    workloads[`softmax ${size}`] = () => {
      const x = vector(), softmax = new nn.Softmax(0);
      return () => softmax.forward(x);
    };
  }
  for (const n of SIDES) {
    workloads[`matmul ${n}`] = () => {
      const a = torch.randn([n, n]), b = torch.randn([n, n]);
      return () => torch.matmul(a, b);
    };
  }
  const ones = torch.tensor(Array.from({ length: 1000 }, () => 1), true);
  return {
    first: () => torch.tensor([1, 2, 3]).add(1).data,
    step: () => {
      ones.zero_grad();
      formula(ones).sum().backward();
      return ones.grad;
    },
    workloads,
  };
}
