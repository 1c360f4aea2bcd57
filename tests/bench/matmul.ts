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

const { nn, optim } = dg;

/** Prints PyTorch's medians in microseconds. */
const torchScript = `
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

import sys, json, timeit
timers = [timeit.Timer(line, globals=globals()) for line in json.loads(sys.argv[1])]
def once(timer):
    n, t = 1, 0
    while t < 0.05:
        n *= 2
        t = timer.timeit(n)
    return t / n * 1e6
rounds = [[once(timer) for timer in timers] for _ in range(7)]
print(json.dumps([sorted(times)[3] for times in zip(*rounds)]))
`;

/** A workload, and the same in PyTorch as a line of Python. */
interface Work {
  readonly name: string;
  readonly tiers: readonly GemmTier[];
  readonly torch: string;
  readonly run: () => unknown;
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

const all: Work[] = [];
for (const n of [16, 64, 256, 512, 1024]) {
  const a = dg.randn(n, n), b = dg.randn(n, n);
  const tiers: GemmTier[] = n < 512 ? ["js", "wasm", "wasm+threads"] : ["wasm", "wasm+threads"];
  all.push({ name: `mm ${n}`, tiers, torch: `matrices[${n}][0] @ matrices[${n}][1]`, run: () => a.mm(b) });
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
  all.push({ name, tiers: ["js", "wasm", "wasm+threads"], torch, run: step });
}

// The workers are there before anything is measured.
setGemmTier("wasm+threads");
const a = dg.randn(256, 256), until = performance.now() + 10_000;
a.mm(a);
currentPool()?.start();
while ((currentPool()?.workers ?? 0) < dg.getNumThreads() - 1 && performance.now() < until) a.mm(a);
console.log(`${dg.getNumThreads()} threads, ${currentPool()?.workers ?? 0} of them workers`);

const ROUNDS = 7, ROUND_MS = 100;
const median = (values: number[]) => values.toSorted((x, y) => x - y)[values.length >> 1];

/** Microseconds of a run, as the median of rounds that take the tiers in turn, because machines are shared and noisy. */
function measure({ tiers, run }: Work): number[] {
  const times = tiers.map((): number[] => []);
  for (let round = 0; round < ROUNDS; round++) {
    tiers.forEach((tier, i) => {
      setGemmTier(tier);
      run();
      const start = performance.now();
      let count = 0, elapsed = 0;
      do {
        run();
        count++;
        elapsed = performance.now() - start;
      } while (elapsed < ROUND_MS);
      times[i].push(elapsed / count * 1000);
    });
  }
  return times.map(median);
}

async function torchTimes(python: string): Promise<number[]> {
  const lines = JSON.stringify(all.map(({ torch }) => torch));
  const { success, stdout, stderr } = await new Deno.Command(python, { args: ["-c", torchScript, lines] })
    .output();
  if (!success) throw new Error(`PyTorch could not be measured: ${new TextDecoder().decode(stderr)}`);
  return JSON.parse(new TextDecoder().decode(stdout));
}

const text = (name: string, us: number) =>
  `${name} ${us < 1000 ? `${us.toFixed(1)} us` : `${(us / 1000).toFixed(2)} ms`}`;
const python = Deno.args.find((arg) => arg.startsWith("--torch="))?.slice("--torch=".length);
const torch = python === undefined ? undefined : await torchTimes(python);
all.forEach((work, i) => {
  const ours = measure(work).map((us, j) => text(work.tiers[j], us));
  console.log(
    `${work.name}: ${[...ours, ...torch === undefined ? [] : [text("PyTorch", torch[i])]].join(", ")}`,
  );
});
