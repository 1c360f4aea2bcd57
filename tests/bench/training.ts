/**
 * Matrix products and whole steps of training. Prints medians; nothing is asserted.
 *
 *     deno run tests/bench/training.ts
 *
 * @module
 */
import * as dg from "../../mod.ts";

const { nn, optim } = dg;

function median(run: () => void, times: number): number {
  run();
  const taken = Array.from({ length: times }, () => {
    const start = performance.now();
    run();
    return performance.now() - start;
  });
  return taken.sort((a, b) => a - b)[times >> 1];
}

for (const n of [4, 16, 64, 256, 1024]) {
  const a = dg.randn(n, n), b = dg.randn(n, n);
  const repeat = Math.max(1, Math.floor(2e6 / n ** 3));
  const ms = median(() => {
    for (let i = 0; i < repeat; i++) a.mm(b);
  }, n > 256 ? 3 : 15) / repeat;
  console.log(`mm ${n}x${n}: ${(ms * 1000).toFixed(1)} us, ${(2 * n ** 3 / ms / 1e6).toFixed(2)} GFLOPS`);
}

function stepper(net: dg.nn.Module, x: dg.Tensor, lossOf: (y: dg.Tensor) => dg.Tensor): () => void {
  const optimizer = new optim.Adam(net.parameters());
  return () => {
    const loss = lossOf(net.call(x));
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
  };
}

const target = dg.randn(64, 10), sum = new nn.MSELoss({ reduction: "sum" });
const lesson = new nn.Sequential(new nn.Linear(1000, 100), new nn.ReLU(), new nn.Linear(100, 10));
const lessonStep = stepper(lesson, dg.randn(64, 1000), (y) => sum(y, target));
console.log(`two-layer net 64x1000x100x10, an Adam step: ${median(lessonStep, 50).toFixed(2)} ms`);

const classes = dg.randint(0n, 10n, [64]), entropy = new nn.CrossEntropyLoss();
const digits = new nn.Sequential(new nn.Linear(784, 128), new nn.ReLU(), new nn.Linear(128, 10));
const digitsStep = stepper(digits, dg.rand(64, 784), (y) => entropy(y, classes));
console.log(`digits net 64x784x128x10, an Adam step: ${median(digitsStep, 50).toFixed(2)} ms`);

const small = stepper(new nn.Linear(5, 1), dg.randn(64, 5), (y) => y.square().mean());
const times = 500;
const us = median(() => {
  for (let i = 0; i < times; i++) small();
}, 9) / times * 1000;
console.log(`linear 64x5, an Adam step: ${us.toFixed(1)} us`);
