/**
 * jax-js on its WebAssembly back end, an operation at a time or compiled by its jit. It computes when it is waited for or read.
 * @module
 */
import { FORMULA_SIZES, names, numbers, type Peer, SIDES, SIZES } from "./peer.ts";

/** Loads it. With jit, only the workloads that have several operations. */
export async function load(jitted: boolean): Promise<Peer> {
  const { numpy: np, grad, jit, valueAndGrad, nn, init, defaultDevice } = await import(
    `npm:@jax-js/jax@${"0.1.25"}`
  );
  await init("wasm");
  defaultDevice("wasm");
  type A = typeof np.Array;
  const whole = <F>(f: F): F => jitted ? jit(f) : f;
  const waited = (f: () => A) => async (): Promise<void> => {
    const out = await f().blockUntilReady();
    out.dispose();
  };
  const read = (a: A): number => a.dataSync()[0];

  // a use takes its operand; ref keeps it for another
  const formula = (x: A): A => x.ref.mul(x.ref).mul(2).sub(x.mul(3)).add(4);
  const objective = whole((t: A): A => t.ref.mul(np.cos(t.ref.mul(4))).add(np.abs(t).mul(2)));
  const gradient = whole(grad(formula)), slope = whole(grad(objective));
  const descend = whole((t: A): A => t.ref.sub(slope(t).mul(0.05)));

  const loss = ([w1, b1, w2, b2]: A[], x: A, target: A): A => {
    const hidden = nn.relu(np.matmul(x, w1).add(b1));
    return np.square(np.matmul(hidden, w2).add(b2).sub(target)).sum();
  };
  const lossAndGradients = valueAndGrad(loss);
  const train = whole((p: A[], m: A[], v: A[], rate: A, x: A, target: A) => {
    const [value, g] = lossAndGradients(p.map((a) => a.ref), x, target);
    const m2 = m.map((a, i) => a.mul(0.9).add(g[i].ref.mul(0.1)));
    const v2 = v.map((a, i) => a.mul(0.999).add(np.square(g[i]).mul(0.001)));
    const p2 = p.map((a, i) => a.sub(m2[i].ref.mul(rate.ref).div(np.sqrt(v2[i].ref).add(1e-8))));
    rate.dispose();
    return [value, p2, m2, v2];
  });

  const workloads: Record<string, () => () => unknown> = {
    [names.scalar]: () => {
      const x = np.array(1);
      return () => read(gradient(x.ref));
    },
    [names.descent]: () => () => {
      let theta = np.array(0.5);
      const path = [read(theta.ref)], values = [read(objective(theta.ref))];
      for (let i = 0; i < 100; i++) {
        theta = descend(theta);
        path.push(read(theta.ref));
        values.push(read(objective(theta.ref)));
      }
      theta.dispose();
    },
    [names.net]: () => {
      const random = (scale: number, ...shape: number[]) =>
        np.array(numbers(shape.reduce((a, b) => a * b)).map((u) => u * scale)).reshape(shape);
      const x = random(1, 64, 1000), target = random(1, 64, 10);
      let p = [random(0.03, 1000, 100), np.zeros([100]), random(0.1, 100, 10), np.zeros([10])];
      let m = p.map((a) => np.zeros(a.shape)), v = p.map((a) => np.zeros(a.shape)), t = 0;
      return async () => {
        t++;
        const rate = np.array(0.001 * Math.sqrt(1 - 0.999 ** t) / (1 - 0.9 ** t));
        const [value, ...next] = train(p, m, v, rate, x.ref, target.ref);
        [p, m, v] = next;
        for (const a of [...p, ...m, ...v]) await a.blockUntilReady();
        return read(value);
      };
    },
  };
  const vector = (size: string): A => np.array(numbers(Number(size)));
  if (!jitted) {
    for (const size of SIZES) {
      workloads[`add ${size}`] = () => {
        const x = vector(size), y = vector(size);
        return waited(() => np.add(x.ref, y.ref));
      };
      for (const name of ["exp", "sin", "tanh", "sum"] as const) {
        workloads[`${name} ${size}`] = () => {
          const x = vector(size);
          return waited(() => np[name](x.ref));
        };
      }
    }
    for (const n of SIDES) {
      workloads[`matmul ${n}`] = () => {
        const a = np.array(numbers(n * n)).reshape([n, n]), b = np.array(numbers(n * n)).reshape([n, n]);
        return waited(() => np.matmul(a.ref, b.ref));
      };
    }
  }
  const softmax = whole((x: A): A => nn.softmax(x));
  for (const size of SIZES) {
    workloads[`softmax ${size}`] = () => {
      const x = vector(size);
      return waited(() => softmax(x.ref));
    };
  }
  const product = whole((x: A, y: A): A => np.sin(x.ref).mul(y).add(x.ref.mul(x)));
  for (const size of FORMULA_SIZES) {
    workloads[`sin(x)*y + x*x ${size}`] = () => {
      const x = vector(size), y = vector(size);
      return waited(() => product(x.ref, y.ref));
    };
  }
  const ones = np.ones([1000]), sumGradient = whole(grad((x: A): A => formula(x).sum()));
  return {
    first: () => np.array([1, 2, 3]).add(1).js(),
    step: () => sumGradient(ones.ref).dataSync()[0],
    workloads,
  };
}
