/**
 * Small trainings: the loss of every step, and the parameters before and after, as in PyTorch.
 *
 * @module
 */
import { assert } from "@std/assert";
import { dg, type Loose } from "./api.ts";
import type { Encoded } from "./codec.ts";
import { compare, type Tolerance } from "./compare.ts";
import { matrixTest } from "./matrix.ts";
import { camelCase } from "./names.ts";
import { readGolden } from "./runner.ts";
import { exists } from "./scripts.ts";

interface TrainCase {
  id: string;
  seed: number;
  losses: number[];
  initial: Record<string, Encoded>;
  final: Record<string, Encoded>;
}

/** Called once with the model before the first step, then with every loss. */
interface Log {
  start(model: Loose): void;
  loss(value: Loose): void;
}

interface Training {
  readonly needs?: readonly string[];
  /** Elements, from and to, whose gradient is 0 but for rounding, of which Adam makes whole steps: not compared at last. */
  readonly free?: Readonly<Record<string, readonly [number, number]>>;
  readonly run: (log: Log) => void;
}

const nn: Loose = dg.nn ?? {}, F: Loose = nn.functional, optim: Loose = dg.optim;

/** An encoded tensor with other elements. */
function free<T extends { d: Encoded[] }>(tensor: T, change: (d: Encoded[]) => Encoded[]): Encoded {
  return { ...tensor, d: change(tensor.d) } as Encoded;
}

function descend(optimizer: Loose, loss: Loose): void {
  optimizer.zeroGrad();
  loss.backward();
  optimizer.step();
}

const trainings: Record<string, Training> = {
  "cnn-batchnorm-momentum": {
    needs: ["nn.Conv2d", "nn.BatchNorm2d", "nn.AdaptiveAvgPool2d"],
    run(log) {
      const x = dg.randn(12, 1, 8, 8), y = dg.arange(12n).remainder(3n);
      const model = new nn.Sequential(
        new nn.Conv2d(1, 4, 3, { padding: 1 }),
        new nn.BatchNorm2d(4),
        new nn.ReLU(),
        new nn.MaxPool2d(2),
        new nn.Conv2d(4, 6, 3),
        new nn.ReLU(),
        new nn.AdaptiveAvgPool2d(1),
        new nn.Flatten(),
        new nn.Linear(6, 3),
      );
      log.start(model);
      const options = { lr: 0.05, momentum: 0.9, nesterov: true, weightDecay: 1e-3 };
      const optimizer = new optim.SGD(model.parameters(), options);
      for (let step = 0; step < 25; step++) {
        const loss = F.crossEntropy(model(x), y);
        descend(optimizer, loss);
        log.loss(loss);
      }
      model.eval();
      log.loss(F.crossEntropy(model(x), y));
    },
  },
  "lstm-sequence": {
    needs: ["nn.LSTM"],
    run(log) {
      const x = dg.sin(dg.arange(0, 12, 0.3)).reshape(1, -1, 1);
      class Net extends nn.Module {
        lstm = new nn.LSTM(1, 6, { batchFirst: true });
        out = new nn.Linear(6, 1);
        forward(t: Loose): Loose {
          return this.out(this.lstm(t)[0]);
        }
      }
      const model: Loose = new Net();
      log.start(model);
      const optimizer = new optim.RMSprop(model.parameters(), { lr: 0.01 }), n = x.shape[1];
      for (let step = 0; step < 20; step++) {
        const loss = F.smoothL1Loss(model(x.narrow(1, 0, n - 1)), x.narrow(1, 1, n - 1));
        descend(optimizer, loss);
        log.loss(loss);
      }
    },
  },
  "embedding-transformer": {
    needs: ["nn.Embedding", "nn.TransformerEncoderLayer"],
    free: { "enc.self_attn.in_proj_bias": [8, 16] }, // adding to all keys changes no weight
    run(log) {
      const tokens = dg.randint(0n, 7n, [4, 6]);
      class Net extends nn.Module {
        emb = new nn.Embedding(7, 8);
        enc = new nn.TransformerEncoderLayer(8, 2, 16, { dropout: 0, batchFirst: true });
        out = new nn.Linear(8, 7);
        forward(t: Loose): Loose {
          const n = t.shape[1], srcMask = dg.triu(dg.ones(n, n), 1).to("bool");
          return this.out(this.enc(this.emb(t), { srcMask }));
        }
      }
      const model: Loose = new Net();
      log.start(model);
      const optimizer = new optim.Adam(model.parameters(), { lr: 0.01 });
      for (let step = 0; step < 20; step++) {
        const scores = model(tokens.narrow(1, 0, 5)).reshape(-1, 7);
        const loss = F.crossEntropy(scores, tokens.narrow(1, 1, 5).reshape(-1));
        descend(optimizer, loss);
        log.loss(loss);
      }
    },
  },
  "linear-regression-sgd": {
    needs: ["linspace"],
    run(log) {
      const x = dg.linspace(-1, 1, 20).unsqueeze(1), y = x.mul(3).add(0.5);
      const model = new nn.Linear(1, 1);
      log.start(model);
      const optimizer = new optim.SGD(model.parameters(), { lr: 0.1 });
      for (let step = 0; step < 50; step++) {
        const loss = F.mseLoss(model(x), y);
        descend(optimizer, loss);
        log.loss(loss);
      }
    },
  },
  "xor-mlp-adam": {
    run(log) {
      const x = dg.tensor([[0, 0], [0, 1], [1, 0], [1, 1]]), y = dg.tensor([[0], [1], [1], [0]]);
      const model = new nn.Sequential(new nn.Linear(2, 8), new nn.Tanh(), new nn.Linear(8, 1));
      log.start(model);
      const optimizer = new optim.Adam(model.parameters(), { lr: 0.05 });
      for (let step = 0; step < 100; step++) {
        const loss = F.binaryCrossEntropyWithLogits(model(x), y);
        descend(optimizer, loss);
        log.loss(loss);
      }
    },
  },
  "classifier-adamw-cosine-clip": {
    needs: ["nn.LayerNorm", "optim.lrScheduler.CosineAnnealingLR"],
    run(log) {
      const x = dg.randn(60, 4);
      const y = x.select(1, 0).gt(0).int().add(x.select(1, 1).gt(0).int()).long();
      const model = new nn.Sequential(
        new nn.Linear(4, 16),
        new nn.GELU(),
        new nn.LayerNorm(16),
        new nn.Linear(16, 3),
      );
      log.start(model);
      const optimizer = new optim.AdamW(model.parameters(), { lr: 0.02, weightDecay: 0.1 });
      const schedule = new optim.lrScheduler.CosineAnnealingLR(optimizer, 40);
      for (let step = 0; step < 40; step++) {
        const loss = F.crossEntropy(model(x), y, { labelSmoothing: 0.05 });
        optimizer.zeroGrad();
        loss.backward();
        nn.utils.clipGradNorm_(model.parameters(), 0.5);
        optimizer.step();
        schedule.step();
        log.loss(loss);
      }
    },
  },
  "lbfgs-closure": {
    run(log) {
      const x = new nn.Parameter(dg.tensor([-1.2, 1]));
      class Holder extends nn.Module {
        x = x;
        forward(): void {}
      }
      log.start(new Holder());
      const optimizer = new optim.LBFGS([x], { lineSearchFn: "strong_wolfe", maxIter: 10 });
      for (let step = 0; step < 5; step++) {
        log.loss(optimizer.step(() => {
          optimizer.zeroGrad();
          const [a, b] = [x.select(0, 0), x.select(0, 1)];
          const loss = dg.sub(1, a).pow(2).add(b.sub(a.pow(2)).pow(2).mul(100));
          loss.backward();
          return loss;
        }));
      }
    },
  },
  "gan-two-optimizers": {
    run(log) {
      const real = dg.randn(32, 1).mul(0.5).add(2);
      const g = new nn.Linear(2, 1);
      const d = new nn.Sequential(new nn.Linear(1, 8), new nn.LeakyReLU(0.2), new nn.Linear(8, 1));
      log.start(new nn.ModuleDict({ g, d }));
      const options = { lr: 0.02, betas: [0.5, 0.9] };
      const og = new optim.Adam(g.parameters(), options), od = new optim.Adam(d.parameters(), options);
      const bce = new nn.BCEWithLogitsLoss();
      for (let step = 0; step < 15; step++) {
        const fake = g(dg.randn(32, 2));
        const dl = bce(d(real), dg.ones(32, 1)).add(bce(d(fake.detach()), dg.zeros(32, 1)));
        descend(od, dl);
        const gl = bce(d(fake), dg.ones(32, 1));
        descend(og, gl);
        log.loss(dl);
        log.loss(gl);
      }
    },
  },
};

const file = readGolden<{ cases: TrainCase[]; tol: Record<string, Tolerance> }>("train");

for (const c of file.cases) {
  const training = trainings[c.id];
  const missing = training === undefined
    ? ["this training"]
    : (training.needs ?? []).filter((path) => !exists(path));
  matrixTest({
    name: `train/${c.id}${missing.length > 0 ? `, not built yet: ${missing.join(", ")}` : ""}`,
    ignore: missing.length > 0,
    fn(): void {
      let model!: Loose;
      const losses: number[] = [];
      const check = (when: string, expected: Record<string, Encoded>, tolerance: Tolerance): void => {
        const state = model.stateDict();
        for (const [name, values] of Object.entries(expected)) {
          const ours = state[camelCase(name)], [from, to] = training.free?.[name] ?? [0, 0];
          const rounding = when === "at last" && to > 0;
          const elements = rounding ? ours.flatten().toArray() : [];
          const expected = rounding
            ? free(values as { d: Encoded[] }, (d) => d.map((v, i) => i >= from && i < to ? elements[i] : v))
            : values;
          const wrong = compare(ours, expected, tolerance);
          assert(wrong === null, `${name} ${when}: ${wrong}`);
        }
      };
      dg.manualSeed(c.seed);
      training.run({
        start(made) {
          model = made;
          check("at first", c.initial, [0, 0]);
        },
        loss: (value) => void losses.push(value.item()),
      });
      assert(losses.length === c.losses.length, `${losses.length} losses, expected ${c.losses.length}`);
      losses.forEach((loss, i) => {
        const expected = c.losses[i];
        assert(
          Math.abs(loss - expected) <= 1e-6 + 2e-3 * Math.abs(expected),
          `loss ${i} is ${loss}, expected ${expected}`,
        );
      });
      check("at last", c.final, [2e-3, 2e-4]);
    },
  });
}
