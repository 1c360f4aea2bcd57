/**
 * Tensors on the GPU as users have them, each workload with everything done that was asked for.
 * @module
 */
import * as dg from "../../mod.ts";
import { openDevice } from "../../src/backend/webgpu/device.ts";
import { tuned } from "../../src/backend/webgpu/gemm_tuner.ts";
import type { Row } from "./measure.ts";
import { GPU_SIDES, gpuNames } from "./peers/peer.ts";

const options = { device: "webgpu" } as const;
const uniform = (...shape: number[]) => dg.rand(shape, options).mul(4).sub(2);

/** A step of the net of the lessons. */
function netStep(compiled: boolean): () => number {
  const net = new dg.nn.Sequential(new dg.nn.Linear(1000, 100), new dg.nn.ReLU(), new dg.nn.Linear(100, 10));
  net.to("webgpu");
  const x = uniform(64, 1000), target = uniform(64, 10), loss = new dg.nn.MSELoss({ reduction: "sum" });
  const optimizer = new dg.optim.Adam(net.parameters());
  const plain = () => loss.call(net.call(x), target), whole = compiled ? dg.compile(plain) : plain;
  return () => {
    const value = whole();
    optimizer.zeroGrad();
    value.backward();
    optimizer.step();
    return value.item() as number;
  };
}

/** The rows that peers have, too, and some beside. */
export function tensorRows(): Row[] {
  const done = (name: string, run: () => unknown, scale?: number): Row => ({
    name,
    run: () => {
      run();
      dg.webgpu.synchronize();
    },
    scale,
  });
  const x = uniform(1e6), y = uniform(1e6), square = uniform(1000, 1000);
  const fused = dg.compile((a: dg.Tensor, b: dg.Tensor) => a.sin().mul(b).add(a.mul(a)));
  const images = uniform(8, 32, 32, 32), kernels = uniform(32, 32, 3, 3);
  const a = uniform(100), b = uniform(100), one = uniform(1);
  const additions = (count: number) => {
    let t = a;
    for (let i = 0; i < count; i++) t = t.add(b);
  };
  return [
    ...GPU_SIDES.map((n) => {
      const p = uniform(n, n), q = uniform(n, n);
      return done(gpuNames.matmul(n), () => p.matmul(q));
    }),
    done(gpuNames.formula, () => dg.expr`sin(${x}) * ${y} + ${x} * ${x}`),
    done(gpuNames.awaited, () => dg.expr`sin(${x}) * ${y} + ${x} * ${x}`),
    done(`${gpuNames.formula}, compile`, () => fused(x, y)),
    done(`${gpuNames.formula}, eager`, () => x.sin().mul(y).add(x.mul(x))),
    { name: gpuNames.sum, run: () => x.sum().item() },
    done(gpuNames.softmax, () => square.softmax(1)),
    done(gpuNames.conv, () => dg.conv2d(images, kernels, { padding: 1 })),
    { name: gpuNames.item, run: () => one.add(1).item() },
    done(gpuNames.small, () => additions(1000), 1 / 1000),
    // as many as a batch holds, so that nothing is submitted while the clock runs
    {
      name: "  of which JavaScript",
      run: () => additions(1000),
      count: 1,
      scale: 1 / 1000,
      after: () => dg.webgpu.synchronize(),
    },
    { name: gpuNames.net, run: netStep(false) },
    { name: `${gpuNames.net}, compile`, run: netStep(true) },
  ];
}

/** What is counted and not timed. */
export function tensorNotes(): string[] {
  const gpu = openDevice()!, lines: string[] = [];
  for (const compiled of [false, true]) {
    const step = netStep(compiled);
    for (let i = 0; i < 5; i++) step();
    const before = gpu.commands.recorded;
    step();
    lines.push(
      `dispatches in ${gpuNames.net}${compiled ? ", compile" : ""}: ${gpu.commands.recorded - before}`,
    );
  }
  for (const [form, { kernel, times }] of tuned(gpu)) {
    const list = [...times].map(([name, ms]) => `${name} ${ms.toFixed(1)} ms`).join(", ");
    lines.push(`product chosen for ${form}: ${kernel} (${list})`);
  }
  return lines;
}
