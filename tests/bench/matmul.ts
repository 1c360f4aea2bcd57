/**
 * Matrix products and steps of training, by how products are computed: in JavaScript, as WebAssembly, and with threads.
 *
 *     deno run --allow-run tests/bench/matmul.ts [--torch=PYTHON]
 *
 * @module
 */
import * as dg from "../../mod.ts";
import { type GemmTier, setGemmTier } from "../../src/backend/cpu/gemm.ts";
import { currentPool } from "../../src/backend/cpu/wasm/gemm.ts";
import { measure, type Row, table } from "./measure.ts";

const { nn, optim } = dg;

const torchSetup = `
import torch
from torch import nn
def stepper(net, x, loss_of):
    optimizer = torch.optim.Adam(net.parameters())
    def step():
        loss = loss_of(net(x))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()
    return step
y = torch.randn(64, 10); classes = torch.randint(0, 10, (64,))
lesson_loss = nn.MSELoss(reduction="sum"); digits_loss = nn.CrossEntropyLoss()
lesson = stepper(nn.Sequential(nn.Linear(1000, 100), nn.ReLU(), nn.Linear(100, 10)), torch.randn(64, 1000),
    lambda out: lesson_loss(out, y))
digits = stepper(nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10)), torch.rand(64, 784),
    lambda out: digits_loss(out, classes))
matrices = {n: (torch.randn(n, n), torch.randn(n, n)) for n in (16, 64, 256, 512, 1024)}
`;

/** The same on every tier. */
function rows(name: string, torch: string, run: () => unknown, tiers: readonly GemmTier[]): Row[] {
  return tiers.map((tier) => ({
    name: `${name}, ${tier}`,
    run: () => {
      setGemmTier(tier);
      run();
    },
    torch,
  }));
}

function stepper(net: dg.nn.Module, x: dg.Tensor, lossOf: (y: dg.Tensor) => dg.Tensor): () => unknown {
  const optimizer = new optim.Adam(net.parameters());
  return () => {
    const loss = lossOf(net.call(x));
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
    return loss.item();
  };
}

const all: Row[] = [];
for (const n of [16, 64, 256, 512, 1024]) {
  const a = dg.randn(n, n), b = dg.randn(n, n);
  const tiers: GemmTier[] = n < 512 ? ["js", "wasm", "wasm+threads"] : ["wasm", "wasm+threads"];
  all.push(...rows(`mm ${n}`, `matrices[${n}][0] @ matrices[${n}][1]`, () => a.mm(b), tiers));
}
const y = dg.randn(64, 10), sum = new nn.MSELoss({ reduction: "sum" });
const lesson = new nn.Sequential(new nn.Linear(1000, 100), new nn.ReLU(), new nn.Linear(100, 10));
const classes = dg.randint(0n, 10n, [64]), entropy = new nn.CrossEntropyLoss();
const digits = new nn.Sequential(new nn.Linear(784, 128), new nn.ReLU(), new nn.Linear(128, 10));
const steps = {
  "lesson net 64x1000x100x10, an Adam step": [
    "lesson()",
    stepper(lesson, dg.randn(64, 1000), (out) => sum.call(out, y)),
  ],
  "digits net 64x784x128x10, an Adam step": [
    "digits()",
    stepper(digits, dg.rand(64, 784), (out) => entropy.call(out, classes)),
  ],
} as const;
for (const [name, [torch, step]] of Object.entries(steps)) {
  all.push(...rows(name, torch, step, ["js", "wasm", "wasm+threads"]));
}

// The workers are there before anything is measured.
setGemmTier("wasm+threads");
const a = dg.randn(256, 256), until = performance.now() + 10_000;
a.mm(a);
currentPool()?.start();
while ((currentPool()?.workers ?? 0) < dg.getNumThreads() - 1 && performance.now() < until) a.mm(a);
console.log(`${dg.getNumThreads()} threads, ${currentPool()?.workers ?? 0} of them workers`);

const python = Deno.args.find((arg) => arg.startsWith("--torch="))?.slice("--torch=".length);
console.log(table(await measure(all, torchSetup, python)));
