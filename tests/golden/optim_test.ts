/**
 * Ten steps of every optimiser, with its state, as PyTorch takes them; parameter groups and clipping.
 *
 * @module
 */
import { assert } from "@std/assert";
import { dg, isTensor, type Loose } from "./api.ts";
import { decode, type Encoded } from "./codec.ts";
import { type Tolerance, valuesOf } from "./compare.ts";
import { matrixTest } from "./matrix.ts";
import { camelCase } from "./names.ts";
import { readGolden } from "./runner.ts";

interface OptimCase {
  id: string;
  optimizer?: string;
  options: Record<string, Encoded>;
  problem: "quadratic" | "rosenbrock";
  dtype: string;
  params: number[][];
  losses: number[];
  state: Record<string, number | number[]>;
  trajectory: number[][][];
  grads: number[][];
  total_norm?: number;
  clipped: number[][];
}
interface Problems {
  A: number[][];
  b: number[];
  x0: Record<string, number[]>;
}

const file = readGolden<{ cases: unknown[]; tol: Record<string, Tolerance> }>("optim");
const problems = file.cases[0] as Problems;
const cases = file.cases.slice(1) as OptimCase[];
const optimizers: Loose = dg.optim ?? {};

/** Rounding grows over the steps, so the tolerance of one call is too tight. */
const TOLERANCE: Record<string, Tolerance> = { float32: [2e-4, 2e-5], float64: [1e-9, 1e-11] };

/**
 * Twenty iterations a step, each of which divides by differences of gradients, multiply rounding by thousands: sums of float32 in
 * float32, as WebAssembly and the GPU add, end 4e-4 from PyTorch's, which differ as much from those in float64.
 */
const QUASI_NEWTON: Record<string, Tolerance> = { float32: [1e-3, 1e-4], float64: [1e-7, 1e-9] };

function optionsOf(options: Record<string, Encoded>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(options).map(([k, v]) => [camelCase(k), decode(v)]));
}

function objective({ problem, dtype }: OptimCase): (x: Loose) => Loose {
  if (problem === "rosenbrock") {
    return (x) => dg.sub(1, x[0]).pow(2).add(x[1].sub(x[0].pow(2)).pow(2).mul(100));
  }
  const [a, b] = [dg.tensor(problems.A, { dtype }), dg.tensor(problems.b, { dtype })];
  return (x) => dg.dot(x, dg.mv(a, x)).mul(0.5).sub(dg.dot(b, x));
}

/** How the files write what JSON cannot. */
const SPECIAL: Record<string, number> = { nan: NaN, inf: Infinity, "-inf": -Infinity };

/** Checks numbers one by one and says where the first wrong one is. */
function expectClose(
  what: string,
  actual: unknown,
  expected: number | number[],
  [rtol, atol]: Tolerance,
): void {
  const a = isTensor(actual) ? valuesOf(actual).map(Number) : [actual].flat().map(Number);
  const b = [expected].flat().map((x) => SPECIAL[x] ?? x);
  const same = a.length === b.length &&
    b.every((x, i) => Object.is(a[i], x) || Math.abs(a[i] - x) <= atol + rtol * Math.abs(x));
  assert(same, `${what} is [${a}], expected [${b}]`);
}

function descend(c: OptimCase): void {
  const tolerance = (c.optimizer === "LBFGS" ? QUASI_NEWTON : TOLERANCE)[c.dtype];
  const x = dg.tensor(problems.x0[c.problem], { dtype: c.dtype, requiresGrad: true });
  const f = objective(c);
  const optimizer = new optimizers[c.optimizer!]([x], optionsOf(c.options));
  const closure = (): Loose => {
    optimizer.zeroGrad();
    const loss = f(x);
    loss.backward();
    return loss;
  };
  for (let step = 0; step <= 10; step++) {
    expectClose(`x after ${step} steps`, x, c.params[step], tolerance);
    expectClose(`the loss after ${step} steps`, f(x).detach(), c.losses[step], tolerance);
    if (step === 10) break;
    if (c.optimizer === "LBFGS") {
      optimizer.step(closure);
    } else {
      closure();
      optimizer.step();
    }
  }
  const state = optimizer.state.get(x) ?? {};
  for (const [name, expected] of Object.entries(c.state)) {
    // near convergence the number of evaluations is rounding noise
    if (c.optimizer === "LBFGS" && c.dtype === "float32") continue;
    // PyTorch keeps NAdam's product of momenta and ASGD's rate in float32
    const exact = name === "mu_product" || name === "eta" ? TOLERANCE.float32 : tolerance;
    expectClose(`the state ${name}`, state[camelCase(name)], expected, exact);
  }
}

for (const c of cases) {
  if (!c.optimizer) continue;
  const built = c.optimizer in optimizers;
  matrixTest({
    name: `optim/${c.id}${built ? "" : ", not built yet"}`,
    ignore: !built,
    fn: () => descend(c),
  });
}

for (const c of cases.filter((c) => c.id.startsWith("groups/"))) {
  matrixTest({
    name: `optim/${c.id}`,
    ignore: !("SGD" in optimizers),
    fn(): void {
      const leaf = (values: number[]): Loose => dg.tensor(values, { dtype: c.dtype, requiresGrad: true });
      const [a, b, unused] = [leaf([1, -2]), leaf([0.5]), leaf([3])];
      const groups = [{ params: [a] }, { params: [b, unused], lr: 0.01, weightDecay: 0.1 }];
      const optimizer = new optimizers.SGD(groups, { lr: 0.1, momentum: 0.9 });
      for (const [step, expected] of c.trajectory.entries()) {
        optimizer.zeroGrad();
        a.pow(2).sum().mul(b).sum().backward();
        optimizer.step();
        [a, b, unused].forEach((t, i) =>
          expectClose(`step ${step}, ${i}`, t, expected[i], TOLERANCE[c.dtype])
        );
      }
    },
  });
}

for (const c of cases.filter((c) => c.id.startsWith("clip_"))) {
  const name = camelCase(c.id.split("/")[0]);
  const clip = dg.nn?.utils?.[name];
  matrixTest({
    name: `optim/${c.id}${clip ? "" : ", not built yet"}`,
    ignore: !clip,
    fn(): void {
      const parameters = c.grads.map((grad) => {
        const p = dg.zeros(grad.length, { requiresGrad: true });
        p.grad = dg.tensor(grad);
        return p;
      });
      const { maxNorm, clipValue, ...rest } = optionsOf(c.options);
      const norm = clip(parameters, maxNorm ?? clipValue, rest);
      if (c.total_norm !== undefined) expectClose("the norm", norm, c.total_norm, TOLERANCE.float32);
      parameters.forEach((p, i) => expectClose(`gradient ${i}`, p.grad, c.clipped[i], TOLERANCE.float32));
    },
  });
}
