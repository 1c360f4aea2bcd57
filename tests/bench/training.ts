/**
 * Whole steps of training.
 * @module
 */
import * as dg from "../../mod.ts";
import { blasLibrary } from "../../src/backend/cpu/blas/library.ts";
import type { Group, Row } from "./measure.ts";
import { CNN, CONVOLUTION } from "./peers/images.ts";
import { onTier } from "./products.ts";

const { nn, optim } = dg;

/** As many steps a net takes before a fresh one takes over: one trained to the end computes with denormal numbers. */
const FRESH = 500;

function stepper(
  make: () => dg.nn.Module,
  x: dg.Tensor,
  lossOf: (y: dg.Tensor) => dg.Tensor,
  compiled = false,
): () => number {
  let net: dg.nn.Module, optimizer: dg.optim.Adam, steps = 0;
  const plain = () => lossOf(net.call(x)), whole = compiled ? dg.compile(plain) : plain;
  return () => {
    if (steps++ % FRESH === 0) optimizer = new optim.Adam((net = make()).parameters());
    const loss = whole();
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
    return loss.item() as number;
  };
}

/** Training goes on: a few steps after a pause would show how caches, workers and the collector are woken. */
const TRAINING_MS = 600;

const torchSetup = `
from torch import nn
def stepper(make, x, loss_of):
    steps, net, optimizer = 0, None, None
    def step():
        nonlocal steps, net, optimizer
        if steps % ${FRESH} == 0:
            net = make()
            optimizer = torch.optim.Adam(net.parameters())
        steps += 1
        loss = loss_of(net(x))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()
    return step
target = torch.randn(64, 10); classes = torch.randint(0, 10, (64,))
sum_loss = nn.MSELoss(reduction="sum"); entropy = nn.CrossEntropyLoss()
lesson = stepper(lambda: nn.Sequential(nn.Linear(1000, 100), nn.ReLU(), nn.Linear(100, 10)), torch.randn(64, 1000),
    lambda out: sum_loss(out, target))
digits = stepper(lambda: nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10)), torch.rand(64, 784),
    lambda out: entropy(out, classes))
def make_cnn():
    return nn.Sequential(nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(64 * 144, 10))
cnn = stepper(make_cnn, torch.rand(64, 1, 28, 28), lambda out: entropy(out, classes))
planes = torch.randn(64, 32, 26, 26); convolution = nn.Conv2d(32, 64, 3).requires_grad_(False)
line = stepper(lambda: nn.Linear(5, 1), torch.randn(64, 5), lambda out: out.square().mean())
`;

function rows(): Row[] {
  const target = dg.randn(64, 10), sum = new nn.MSELoss({ reduction: "sum" });
  const lesson = () => new nn.Sequential(new nn.Linear(1000, 100), new nn.ReLU(), new nn.Linear(100, 10));
  const classes = dg.randint(0n, 10n, [64]), entropy = new nn.CrossEntropyLoss();
  const digits = () => new nn.Sequential(new nn.Linear(784, 128), new nn.ReLU(), new nn.Linear(128, 10));
  const cnn = () =>
    new nn.Sequential(
      new nn.Conv2d(1, 32, 3),
      new nn.ReLU(),
      new nn.Conv2d(32, 64, 3),
      new nn.ReLU(),
      new nn.MaxPool2d(2),
      new nn.Flatten(),
      new nn.Linear(64 * 144, 10),
    );
  const planes = dg.randn(64, 32, 26, 26), convolution = new nn.Conv2d(32, 64, 3).requiresGrad_(false);
  const x = dg.randn(64, 1000), pixels = dg.rand(64, 784);
  const runs = [
    () => stepper(lesson, x, (out) => sum.call(out, target)),
    () => stepper(digits, pixels, (out) => entropy.call(out, classes)),
  ];
  const others = blasLibrary() === null ? [] : runs.map((make) => {
    const step = make();
    return () => onTier("wasm+threads", step);
  });
  return [
    {
      name: "two-layer net 64x1000x100x10, 500 Adam steps (500 times one)",
      run: runs[0](),
      other: others[0],
      scale: 500,
      roundMs: TRAINING_MS,
      torch: "lesson()",
    },
    {
      name: "two-layer net 64x1000x100x10, 500 Adam steps (500 times one), compile",
      run: stepper(lesson, x, (out) => sum.call(out, target), true),
      scale: 500,
      roundMs: TRAINING_MS,
      torch: "lesson()",
    },
    {
      name: "digits net 64x784x128x10, an Adam step",
      run: runs[1](),
      other: others[1],
      roundMs: TRAINING_MS,
      torch: "digits()",
    },
    {
      name: CNN,
      run: stepper(cnn, dg.rand(64, 1, 28, 28), (out) => entropy.call(out, classes)),
      roundMs: TRAINING_MS,
      torch: "cnn()",
    },
    { name: CONVOLUTION, run: () => convolution.call(planes), torch: "convolution(planes)" },
    {
      name: "linear 64x5, an Adam step",
      run: stepper(() => new nn.Linear(5, 1), dg.randn(64, 5), (out) => out.square().mean()),
      torch: "line()",
    },
  ];
}

/** Steps of training. */
export const training: Group = { name: "training", rows, other: "without BLAS", torchSetup };
