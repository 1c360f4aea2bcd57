/**
 * Large arrays: pointwise programs and sums, as they are chosen by size and as JavaScript alone. Prints medians; nothing is
 * asserted.
 *
 *     deno task bench
 *     deno task bench --torch=PYTHON   the same beside PyTorch, for a Python that has it
 *
 * @module
 */
import * as dg from "../../mod.ts";
import { setCpuTier } from "../../src/backend/cpu/tier.ts";
import { measure, type Row, table } from "./measure.ts";

const rows: Row[] = [];

/** Adds a workload, and the same with JavaScript alone. */
function add(name: string, run: () => unknown, torch: string): void {
  const other = (): void => {
    const before = setCpuTier("js");
    run();
    setCpuTier(before);
  };
  rows.push({ name, run, other, torch });
}

const operands = new Map<string, { x: dg.Tensor; y: dg.Tensor }>();
for (const size of ["1e3", "1e5", "1e6", "1e7"]) {
  operands.set(size, { x: dg.randn(Number(size)), y: dg.randn(Number(size)) });
}
for (const size of ["1e3", "1e5", "1e7"]) {
  const { x, y } = operands.get(size)!;
  add(`add ${size}`, () => x.add(y), `x${size} + y${size}`);
  for (const name of ["exp", "sin", "tanh", "sum"] as const) {
    add(`${name} ${size}`, () => x[name](), `x${size}.${name}()`);
  }
}
for (const size of ["1e3", "1e6"]) {
  const { x, y } = operands.get(size)!;
  add(
    `sin(x)*y + x*x ${size}`,
    () => dg.expr`sin(${x}) * ${y} + ${x} * ${x}`,
    `torch.sin(x${size}) * y${size} + x${size} * x${size}`,
  );
}
const logits = dg.randn(1000, 1000);
add("softmax 1000 x 1000", () => logits.softmax(1), "logits.softmax(1)");
const weights = dg.randn(100000, { requiresGrad: true });
weights.grad = dg.randn(100000);
const adam = new dg.optim.Adam([weights]);
add("Adam step of 1e5 parameters", () => adam.step(), "adam.step()");

const torchSetup = `
import torch
${
  [...operands.keys()].map((size) =>
    `x${size} = torch.randn(int(${size})); y${size} = torch.randn(int(${size}))`
  ).join("\n")
}
logits = torch.randn(1000, 1000)
weights = torch.randn(100000, requires_grad=True)
weights.grad = torch.randn(100000)
adam = torch.optim.Adam([weights])
`;

const python = Deno.args.find((arg) => arg.startsWith("--torch="))?.slice("--torch=".length);
console.log(table(await measure(rows, torchSetup, python), "JavaScript"));
