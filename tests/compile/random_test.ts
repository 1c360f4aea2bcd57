/** Compiled functions against the same functions as they are: random graphs of operations, values and gradients. */
import { assert, assertEquals } from "@std/assert";
import * as dg from "../../mod.ts";

/** A small generator, so that a failure can be repeated. */
function lcg(seed: number): (n: number) => number {
  let state = seed >>> 0;
  return (n) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
}

type Step = (ts: dg.Tensor[]) => dg.Tensor;

/** A random function of two matrices, a row and a 0-d tensor; the same seed gives the same function. */
function randomFunction(seed: number, size: number): (...inputs: dg.Tensor[]) => dg.Tensor[] {
  const pick = lcg(seed), steps: Step[] = [];
  const some = () => {
    const back = pick(5); // late results are likelier
    return (ts: dg.Tensor[]) => ts[Math.max(0, ts.length - 1 - back)];
  };
  const any = () => {
    const k = pick(1000);
    return (ts: dg.Tensor[]) => ts[k % ts.length];
  };
  /** Brings both to shapes that broadcast. */
  const fit = (a: dg.Tensor, b: dg.Tensor): [dg.Tensor, dg.Tensor] => {
    const broadcasts = a.shape.every((size, d) => {
      const other = b.shape[d - a.ndim + b.ndim] ?? 1;
      return size === other || size === 1 || other === 1;
    });
    if (broadcasts && a.ndim + b.ndim < 5) return [a, b];
    return a.numel() === b.numel() ? [a, b.reshape(a.shape)] : [a.mean(), b];
  };
  for (let i = 0; i < size; i++) {
    const x = some(), y = any(), kind = pick(16), k = pick(7) - 3.5;
    const dim = pick(2), keep = pick(2) === 1;
    const two = (op: (a: dg.Tensor, b: dg.Tensor) => dg.Tensor): Step => (ts) => op(...fit(x(ts), y(ts)));
    const steppers: Step[] = [
      two((a, b) => a.add(b)),
      two((a, b) => a.mul(b).mul(0.5)),
      two((a, b) => a.sub(b)),
      two((a, b) => a.div(b.mul(b).add(1))),
      two((a, b) => dg.where(a.gt(b), a, b.mul(0.5))),
      (ts) => x(ts).tanh(),
      (ts) => x(ts).mul(k).sin(),
      (ts) => x(ts).sigmoid().add(k),
      (ts) => x(ts).relu(),
      (ts) => x(ts).clamp({ min: -2, max: 2 }).exp().div(3),
      (ts) => (x(ts).ndim === 2 ? x(ts).sum(dim, { keepdim: keep }) : x(ts).mean()),
      (ts) => (x(ts).ndim === 2 ? x(ts).mean(dim, { keepdim: keep }) : x(ts).sum()),
      (ts) => (x(ts).ndim === 2 ? x(ts).t() : x(ts).neg()),
      (ts) => (x(ts).ndim >= 1 && x(ts).shape[0] > 2 ? x(ts).narrow(0, 1, x(ts).shape[0] - 1) : x(ts).abs()),
      (ts) => x(ts).reshape(-1),
      (
        ts,
      ) => (x(ts).ndim === 2
        ? x(ts).sub(x(ts).amax(1, { keepdim: true })).softmax(1)
        : x(ts).pow(2).mul(0.1)),
    ];
    steps.push(steppers[kind]);
  }
  return (...inputs) => {
    const ts = inputs.slice();
    for (const step of steps) ts.push(step(ts));
    return [ts[ts.length - 1], ts[ts.length - 3], ts[ts.length - 1].mul(2).sum()];
  };
}

function close(got: dg.Tensor, want: dg.Tensor, what: string): void {
  assertEquals(got.shape, want.shape, what);
  assertEquals(got.dtype, want.dtype, what);
  const a = [...got.detach().contiguous().typedArray()].map(Number);
  const b = [...want.detach().contiguous().typedArray()].map(Number);
  const scale = b.reduce((m, v) => Number.isFinite(v) ? Math.max(m, Math.abs(v)) : m, 0);
  a.forEach((v, i) => {
    const same = Object.is(v, b[i]) ||
      Math.abs(v - b[i]) <= (got.dtype === "float64" ? 1e-9 : 1e-5) * (1 + scale);
    assert(same, `${what}: element ${i} is ${v}, not ${b[i]}`);
  });
}

for (const dtype of ["float32", "float64"] as const) {
  for (const rows of [4, 150]) {
    Deno.test(`random functions in ${dtype} with ${rows} rows are the same compiled, and so are their gradients`, () => {
      for (let seed = 1; seed <= (rows > 100 ? 25 : 80); seed++) {
        dg.manualSeed(seed);
        const make = () => [
          dg.randn(rows, 130, { dtype }),
          dg.randn(130, rows, { dtype }).t(),
          dg.randn(130, { dtype }),
          dg.randn([], { dtype }),
        ];
        const fn = randomFunction(seed, 4 + seed % 14), compiled = dg.compile(fn);
        for (let call = 0; call < 2; call++) {
          const inputs = make(), leaves = [inputs, inputs.map((t) => t.clone())];
          for (const list of leaves) list.forEach((t) => t.requiresGrad_());
          const [want, got] = [fn(...leaves[0]), compiled(...leaves[1])];
          want.forEach((t, i) => close(got[i], t, `seed ${seed} result ${i}`));
          const grads = [want, got].map((outs, i) => {
            const scalar = outs[0].mul(0.01).sum().add(outs[2]);
            scalar.backward();
            return leaves[i].map((t) => t.grad);
          });
          grads[0].forEach((g, i) => {
            assertEquals(grads[1][i] === null, g === null, `seed ${seed} gradient ${i}`);
            if (g !== null) close(grads[1][i]!, g, `seed ${seed} gradient ${i}`);
          });
        }
      }
    });
  }
}
