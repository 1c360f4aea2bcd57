/**
 * TensorFlow.js on its WebGPU back end. It gives memory back in `tidy`; commands wait until somebody reads or submits them.
 * @module
 */
import { GPU_SIDES, gpuNames, numbers, type Peer } from "./peer.ts";
import { finisher, promptReads, withoutOpenGl } from "./prompt.ts";

const VERSION = "4.22.0";

/** Loads it. */
export async function load(): Promise<Peer> {
  withoutOpenGl();
  const prompt = promptReads();
  // its core alone has no gradients in what Node and Deno load
  const tf = await import(`npm:@tensorflow/tfjs@${VERSION}`);
  await import(`npm:@tensorflow/tfjs-backend-webgpu@${VERSION}`);
  if (!await tf.setBackend("webgpu")) throw new Error("the back end does not start");
  await tf.ready();
  type T = typeof tf.Tensor;
  const backend = tf.backend(), finished = finisher(backend.device);

  /** Waits for everything that was asked for. */
  const done = async (): Promise<void> => {
    if (backend.commandEncoder) {
      backend.endComputePassEncoder();
      backend.submitQueue();
    }
    await finished();
  };
  const waited = (f: () => T) => async (): Promise<void> => {
    tf.tidy(() => void f());
    await done();
  };
  const random = (scale: number, ...shape: number[]): T =>
    tf.tensor(numbers(shape.reduce((a, b) => a * b)).map((u) => u * scale), shape);
  const read = async (f: () => T): Promise<number> => {
    const out = tf.tidy(f), [value] = await out.data();
    out.dispose();
    return value;
  };

  const workloads: Record<string, () => () => unknown> = {
    [gpuNames.formula]: () => {
      const x = random(1, 1e6), y = random(1, 1e6);
      return waited(() => tf.add(tf.mul(tf.sin(x), y), tf.mul(x, x)));
    },
    [gpuNames.sum]: () => {
      const x = random(1, 1e6);
      return () => read(() => tf.sum(x));
    },
    [gpuNames.softmax]: () => {
      const x = random(1, 1000, 1000);
      return waited(() => tf.softmax(x));
    },
    [gpuNames.conv]: () => {
      const x = random(1, 8, 32, 32, 32), w = random(1, 3, 3, 32, 32);
      return waited(() => tf.conv2d(x, w, 1, "same"));
    },
    [gpuNames.item]: () => {
      const x = random(1, 2000); // few numbers it leaves to the CPU
      return async () => {
        prompt.on = false;
        await read(() => tf.sum(x));
        prompt.on = true;
      };
    },
    [gpuNames.small]: () => {
      const x = random(1, 100), y = random(1, 100);
      return waited(() => {
        let t = x;
        for (let i = 0; i < 1000; i++) t = tf.add(t, y);
        return t;
      });
    },
    [gpuNames.net]: () => {
      const x = random(1, 64, 1000), target = random(1, 64, 10);
      const w1 = tf.variable(random(0.03, 1000, 100)), b1 = tf.variable(tf.zeros([100]));
      const w2 = tf.variable(random(0.1, 100, 10)), b2 = tf.variable(tf.zeros([10]));
      const loss = () => {
        const hidden = tf.relu(tf.add(tf.matMul(x, w1), b1));
        return tf.sum(tf.square(tf.sub(tf.add(tf.matMul(hidden, w2), b2), target)));
      };
      const optimizer = tf.train.adam(0.001);
      return () => read(() => optimizer.minimize(loss, true));
    },
  };
  for (const n of GPU_SIDES) {
    workloads[gpuNames.matmul(n)] = () => {
      const a = random(1, n, n), b = random(1, n, n);
      return waited(() => tf.matMul(a, b));
    };
  }
  const ones = tf.ones([1000]);
  const slope = tf.grad((x: T) => tf.sum(tf.add(tf.sub(tf.mul(2, tf.mul(x, x)), tf.mul(3, x)), 4)));
  return {
    first: () => tf.add(tf.tensor1d([1, 2, 3]), 1).data(),
    step: () => read(() => tf.sum(slope(ones))),
    workloads,
  };
}
