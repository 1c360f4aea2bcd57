/**
 * The learning rates of every scheduler, step by step.
 *
 * @module
 */
import { assertAlmostEquals, assertEquals } from "@std/assert";
import { dg, type Loose } from "./api.ts";
import { decode, type Encoded } from "./codec.ts";
import { matrixTest } from "./matrix.ts";
import { camelCase } from "./names.ts";
import { readGolden } from "./runner.ts";

interface SchedCase {
  id: string;
  scheduler: string;
  base_lr: number;
  options: Record<string, Encoded>;
  lrs: (number | number[])[];
  momenta?: number[];
  metrics?: number[];
  second_group_lr?: number;
}

const S: Loose = dg.optim?.lrScheduler ?? {};

/** The arguments that come by position. */
const REQUIRED: Record<string, string[]> = {
  StepLR: ["step_size"],
  MultiStepLR: ["milestones"],
  ExponentialLR: ["gamma"],
  CosineAnnealingLR: ["T_max"],
  CosineAnnealingWarmRestarts: ["T_0"],
  CyclicLR: ["base_lr", "max_lr"],
  OneCycleLR: ["max_lr"],
};

/** Schedulers that take functions or other schedulers. */
const SPECIAL: Record<string, (optimizer: Loose) => Loose> = {
  LambdaLR: (o) => new S.LambdaLR(o, (epoch: number) => 0.95 ** epoch),
  "LambdaLR/groups": (o) => new S.LambdaLR(o, [(e: number) => 1 / (1 + e), (e: number) => 0.9 ** e]),
  MultiplicativeLR: (o) => new S.MultiplicativeLR(o, (epoch: number) => epoch % 2 ? 0.9 : 1),
  SequentialLR: (o) =>
    new S.SequentialLR(
      o,
      [new S.LinearLR(o, { startFactor: 0.1, totalIters: 4 }), new S.CosineAnnealingLR(o, 8)],
      [4],
    ),
  ChainedScheduler: (o) =>
    new S.ChainedScheduler([
      new S.ConstantLR(o, { factor: 0.1, totalIters: 3 }),
      new S.ExponentialLR(o, 0.9),
    ]),
};

function make(c: SchedCase, optimizer: Loose): Loose {
  if (c.id in SPECIAL) return SPECIAL[c.id](optimizer);
  const required = (REQUIRED[c.scheduler] ?? []).map((name) => decode(c.options[name]));
  const rest = Object.entries(c.options).filter(([name]) => !REQUIRED[c.scheduler]?.includes(name));
  return new S[c.scheduler](
    optimizer,
    ...required,
    Object.fromEntries(rest.map(([k, v]) => [camelCase(k).replace(/^T(?=[A-Z])/, "t"), decode(v)])),
  );
}

for (const c of readGolden<{ cases: SchedCase[] }>("sched").cases) {
  const built = c.scheduler in S;
  matrixTest({
    name: `sched/${c.id}${built ? "" : ", not built yet"}`,
    ignore: !built,
    fn(): void {
      const parameters = [dg.zeros(1, { requiresGrad: true }), dg.zeros(1, { requiresGrad: true })];
      const groups = c.second_group_lr === undefined
        ? [parameters[0]]
        : [{ params: [parameters[0]] }, { params: [parameters[1]], lr: c.second_group_lr }];
      const optimizer = new dg.optim.SGD(groups, { lr: c.base_lr, momentum: c.momenta ? 0.9 : 0 });
      const scheduler = make(c, optimizer);
      c.lrs.forEach((expected, step) => {
        if (step > 0) {
          for (const p of parameters) p.grad = dg.ones(1);
          optimizer.step();
          if (c.metrics) scheduler.step(c.metrics[step - 1]);
          else scheduler.step();
        }
        const lrs = [expected].flat();
        assertEquals(optimizer.paramGroups.length, lrs.length);
        lrs.forEach((lr, i) =>
          assertAlmostEquals(optimizer.paramGroups[i].lr, lr, 1e-13, `lr at step ${step}`)
        );
        if (c.momenta) {
          assertAlmostEquals(
            optimizer.paramGroups[0].momentum,
            c.momenta[step],
            1e-13,
            `momentum at ${step}`,
          );
        }
      });
    },
  });
}
