/**
 * TensorFlow.js on its CPU and WebAssembly back ends. Both compute an operation when it is called; scalars are read besides.
 * @module
 */
import { CNN, CONVOLUTION } from "./images.ts";
import { FORMULA_SIZES, names, numbers, type Peer, SIDES, SIZES } from "./peer.ts";

const VERSION = "4.22.0";

/** Loads it with a back end. */
export async function load(backend: "cpu" | "wasm"): Promise<Peer> {
  // its core alone has no gradients in what Node and Deno load
  const tf = await import(`npm:@tensorflow/tfjs@${VERSION}`);
  await import(`npm:@tensorflow/tfjs-backend-${backend}@${VERSION}`);
  if (!await tf.setBackend(backend)) throw new Error(`the back end ${backend} does not start`);
  await tf.ready();
  type T = typeof tf.Tensor;

  const formula = (x: T): T => tf.add(tf.sub(tf.mul(2, tf.mul(x, x)), tf.mul(3, x)), 4);
  const objective = (t: T): T => tf.add(tf.mul(t, tf.cos(tf.mul(4, t))), tf.mul(2, tf.abs(t)));
  const gradient = tf.grad(formula), slope = tf.grad(objective);
  const inTidy = (f: () => T) => () => tf.tidy(() => void f());

  const workloads: Record<string, () => () => unknown> = {
    [names.scalar]: () => {
      const x = tf.scalar(1);
      return () => tf.tidy(() => gradient(x).dataSync()[0]);
    },
    [names.descent]: () => () =>
      tf.tidy(() => {
        let theta = tf.scalar(0.5);
        const path = [theta.dataSync()[0]], values = [objective(theta).dataSync()[0]];
        for (let i = 0; i < 100; i++) {
          theta = tf.sub(theta, tf.mul(0.05, slope(theta)));
          path.push(theta.dataSync()[0]);
          values.push(objective(theta).dataSync()[0]);
        }
        return path.length + values.length;
      }),
    [names.net]: () => {
      const random = (...shape: number[]) => tf.randomNormal(shape, 0, 0.03);
      const x = tf.randomNormal([64, 1000]), target = tf.randomNormal([64, 10]);
      const w1 = tf.variable(random(1000, 100)), b1 = tf.variable(tf.zeros([100]));
      const w2 = tf.variable(random(100, 10)), b2 = tf.variable(tf.zeros([10]));
      const loss = () => {
        const hidden = tf.relu(tf.add(tf.matMul(x, w1), b1));
        return tf.sum(tf.square(tf.sub(tf.add(tf.matMul(hidden, w2), b2), target)));
      };
      const optimizer = tf.train.adam(0.001);
      return () => tf.tidy(() => optimizer.minimize(loss, true).dataSync()[0]);
    },
  };
  workloads[CONVOLUTION] = () => {
    const x = tf.randomNormal([64, 26, 26, 32]), w = tf.randomNormal([3, 3, 32, 64], 0, 0.06);
    return inTidy(() => tf.conv2d(x, w, 1, "valid"));
  };
  // its WebAssembly has no gradients of convolutions' kernels
  if (backend === "cpu") {
    workloads[CNN] = () => {
      const x = tf.randomUniform([64, 28, 28, 1]),
        classes = tf.oneHot(tf.randomUniform([64], 0, 10, "int32"), 10);
      const random = (deviation: number, ...shape: number[]) =>
        tf.variable(tf.randomNormal(shape, 0, deviation));
      const zeros = (n: number) => tf.variable(tf.zeros([n]));
      const [w1, b1, w2, b2] = [random(0.2, 3, 3, 1, 32), zeros(32), random(0.04, 3, 3, 32, 64), zeros(64)];
      const w3 = random(0.006, 64 * 144, 10), b3 = zeros(10);
      const loss = () => {
        const first = tf.relu(tf.add(tf.conv2d(x, w1, 1, "valid"), b1));
        const second = tf.relu(tf.add(tf.conv2d(first, w2, 1, "valid"), b2));
        const flat = tf.reshape(tf.maxPool(second, 2, 2, "valid"), [64, 64 * 144]);
        return tf.losses.softmaxCrossEntropy(classes, tf.add(tf.matMul(flat, w3), b3));
      };
      const optimizer = tf.train.adam(0.001);
      return () => tf.tidy(() => optimizer.minimize(loss, true).dataSync()[0]);
    };
  }
  for (const size of SIZES) {
    const vector = () => tf.tensor1d(numbers(Number(size)));
    workloads[`add ${size}`] = () => {
      const x = vector(), y = vector();
      return inTidy(() => tf.add(x, y));
    };
    for (const name of ["exp", "sin", "tanh", "sum", "softmax"] as const) {
      workloads[`${name} ${size}`] = () => {
        const x = vector();
        return inTidy(() => tf[name](x));
      };
    }
  }
  for (const size of FORMULA_SIZES) {
    workloads[`sin(x)*y + x*x ${size}`] = () => {
      const x = tf.tensor1d(numbers(Number(size))), y = tf.tensor1d(numbers(Number(size)));
      return inTidy(() => tf.add(tf.mul(tf.sin(x), y), tf.mul(x, x)));
    };
  }
  for (const n of SIDES) {
    workloads[`matmul ${n}`] = () => {
      const a = tf.randomNormal([n, n]), b = tf.randomNormal([n, n]);
      return inTidy(() => tf.matMul(a, b));
    };
  }
  const ones = tf.ones([1000]), sumGradient = tf.grad((x: T) => tf.sum(formula(x)));
  return {
    first: () => tf.add(tf.tensor1d([1, 2, 3]), 1).dataSync(),
    step: () => tf.tidy(() => sumGradient(ones).dataSync()[0]),
    workloads,
  };
}
