/**
 * jax-js on its WebGPU back end; what has several operations is compiled by its jit. It computes when it is waited for or read.
 * @module
 */
import { GPU_SIDES, gpuNames, numbers, type Peer } from "./peer.ts";
import { finisher, promptReads, withoutOpenGl } from "./prompt.ts";

/** Loads it. */
export async function load(): Promise<Peer> {
  withoutOpenGl();
  const prompt = promptReads();
  const { numpy: np, lax, nn, grad, jit, valueAndGrad, init, defaultDevice, getWebGPUDevice } = await import(
    `npm:@jax-js/jax@${"0.1.25"}`
  );
  const devices = await init("webgpu");
  if (!devices.includes("webgpu")) throw new Error("the back end does not start");
  defaultDevice("webgpu");
  type A = typeof np.Array;
  const finished = finisher(await getWebGPUDevice());
  const waited = (f: () => A) => async (): Promise<void> => {
    const out = await f().blockUntilReady();
    await finished();
    out.dispose();
  };
  const read = async (a: A): Promise<number> => (await a.data())[0];
  const random = (scale: number, ...shape: number[]): A =>
    np.array(numbers(shape.reduce((a, b) => a * b)).map((u) => u * scale)).reshape(shape);

  // a use takes its operand; ref keeps it for another
  const loss = ([w1, b1, w2, b2]: A[], x: A, target: A): A => {
    const hidden = nn.relu(np.matmul(x, w1).add(b1));
    return np.square(np.matmul(hidden, w2).add(b2).sub(target)).sum();
  };
  const lossAndGradients = valueAndGrad(loss);
  const train = jit((p: A[], m: A[], v: A[], rate: A, x: A, target: A) => {
    const [value, g] = lossAndGradients(p.map((a) => a.ref), x, target);
    const m2 = m.map((a, i) => a.mul(0.9).add(g[i].ref.mul(0.1)));
    const v2 = v.map((a, i) => a.mul(0.999).add(np.square(g[i]).mul(0.001)));
    const p2 = p.map((a, i) => a.sub(m2[i].ref.mul(rate.ref).div(np.sqrt(v2[i].ref).add(1e-8))));
    rate.dispose();
    return [value, p2, m2, v2];
  });
  const formula = jit((x: A, y: A): A => np.sin(x.ref).mul(y).add(x.ref.mul(x)));
  const softmax = jit((x: A): A => nn.softmax(x, -1));

  const workloads: Record<string, () => () => unknown> = {
    [gpuNames.formula]: () => {
      const x = random(1, 1e6), y = random(1, 1e6);
      return waited(() => formula(x.ref, y.ref));
    },
    [gpuNames.awaited]: () => {
      const x = random(1, 1e6), y = random(1, 1e6);
      return async () => {
        prompt.on = false;
        (await formula(x.ref, y.ref).blockUntilReady()).dispose();
        prompt.on = true;
      };
    },
    [gpuNames.sum]: () => {
      const values = numbers(1e6).map(Math.abs),
        x = np.array(values),
        sum = values.reduce((a, b) => a + b, 0);
      return async () => {
        // one invocation adds all of them, and lavapipe ends its loop after 65,535 turns
        const value = await read(np.sum(x.ref));
        if (!(Math.abs(value - sum) < sum / 100)) throw new Error(`the sum is wrong: ${value}, not ${sum}`);
      };
    },
    [gpuNames.softmax]: () => {
      const x = random(1, 1000, 1000);
      return waited(() => softmax(x.ref));
    },
    [gpuNames.conv]: () => {
      const x = random(1, 8, 32, 32, 32), w = random(1, 32, 32, 3, 3);
      return waited(() => lax.conv(x.ref, w.ref, [1, 1], "SAME"));
    },
    [gpuNames.item]: () => {
      const x = random(1, 2); // a single number would be a constant
      return async () => {
        prompt.on = false;
        await read(x.ref.add(1));
        prompt.on = true;
      };
    },
    [gpuNames.small]: () => {
      const x = random(1, 100), y = random(1, 100);
      return waited(() => {
        let t = x.ref;
        for (let i = 0; i < 1000; i++) t = t.add(y.ref);
        return t;
      });
    },
    [gpuNames.net]: () => {
      const x = random(1, 64, 1000), target = random(1, 64, 10);
      let p = [random(0.03, 1000, 100), np.zeros([100]), random(0.1, 100, 10), np.zeros([10])];
      let m = p.map((a) => np.zeros(a.shape)), v = p.map((a) => np.zeros(a.shape)), t = 0;
      return async () => {
        t++;
        const rate = np.array(0.001 * Math.sqrt(1 - 0.999 ** t) / (1 - 0.9 ** t));
        const [value, ...next] = train(p, m, v, rate, x.ref, target.ref);
        [p, m, v] = next;
        return await read(value);
      };
    },
  };
  for (const n of GPU_SIDES) {
    const product = jit((a: A, b: A): A => np.matmul(a, b));
    workloads[gpuNames.matmul(n)] = () => {
      const a = random(1, n, n), b = random(1, n, n);
      return waited(() => product(a.ref, b.ref));
    };
  }
  const ones = random(1, 1000);
  const slope = jit(grad((x: A): A => x.ref.mul(x.ref).mul(2).sub(x.mul(3)).add(4).sum()));
  return {
    first: () => np.array([1, 2, 3]).add(1).data(),
    step: () => read(slope(ones.ref).sum()),
    workloads,
  };
}
