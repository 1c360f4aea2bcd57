/**
 * Large arrays: pointwise programs, sums and softmax, as they are chosen by size and as JavaScript alone.
 * @module
 */
import * as dg from "../../mod.ts";
import { setCpuTier } from "../../src/backend/cpu/tier.ts";
import type { Group, Row } from "./measure.ts";

const SIZES = ["1e3", "1e5", "1e6", "1e7"];

const torchSetup = `
${
  SIZES.map((size) => `x${size} = torch.randn(int(${size})); y${size} = torch.randn(int(${size}))`).join("\n")
}
leaf = torch.randn(int(1e6), requires_grad=True)
def slope():
    leaf.grad = None
    (torch.sin(leaf) * y1e6 + leaf * leaf).mean().backward()
logits = torch.randn(1000, 1000)
weights = torch.randn(100000, requires_grad=True)
weights.grad = torch.randn(100000)
adam = torch.optim.Adam([weights])
`;

function rows(): Row[] {
  const rows: Row[] = [];
  /** Adds a workload, and the same with JavaScript alone. */
  const add = (name: string, run: () => unknown, torch: string): void => {
    const other = (): void => {
      const before = setCpuTier("js");
      run();
      setCpuTier(before);
    };
    rows.push({ name, run, other, torch });
  };
  const operands = new Map(
    SIZES.map((size) => [size, { x: dg.randn(Number(size)), y: dg.randn(Number(size)) }]),
  );
  for (const size of ["1e3", "1e5", "1e7"]) {
    const { x, y } = operands.get(size)!;
    add(`add ${size}`, () => x.add(y), `x${size} + y${size}`);
    for (const name of ["exp", "sin", "tanh", "sum"] as const) {
      add(`${name} ${size}`, () => x[name](), `x${size}.${name}()`);
    }
    add(`softmax ${size}`, () => x.softmax(0), `x${size}.softmax(0)`);
  }
  for (const size of ["1e3", "1e6"]) {
    const { x, y } = operands.get(size)!;
    add(
      `sin(x)*y + x*x ${size}`,
      () => dg.expr`sin(${x}) * ${y} + ${x} * ${x}`,
      `torch.sin(x${size}) * y${size} + x${size} * x${size}`,
    );
  }
  const fused = dg.compile((x: dg.Tensor, y: dg.Tensor) => x.sin().mul(y).add(x.mul(x)));
  const slope = dg.compile((x: dg.Tensor, y: dg.Tensor) => x.sin().mul(y).add(x.mul(x)).mean());
  for (const size of ["1e3", "1e6"]) {
    const { x, y } = operands.get(size)!;
    add(
      `sin(x)*y + x*x ${size}, compile`,
      () => fused(x, y),
      `torch.sin(x${size}) * y${size} + x${size} * x${size}`,
    );
  }
  const leaf = dg.randn(1e6, { requiresGrad: true });
  add("mean of sin(x)*y + x*x 1e6 and its gradient, compile", () => {
    leaf.grad = null;
    slope(leaf, operands.get("1e6")!.y).backward();
  }, "slope()");
  const logits = dg.randn(1000, 1000);
  add("softmax 1000 x 1000", () => logits.softmax(1), "logits.softmax(1)");
  add("sum of columns 1000 x 1000", () => logits.sum(0), "logits.sum(0)");
  add("exp of a transposed 1000 x 1000", () => logits.t().exp(), "logits.t().exp()");
  const weights = dg.randn(100000, { requiresGrad: true });
  weights.grad = dg.randn(100000);
  const adam = new dg.optim.Adam([weights]);
  add("Adam step of 1e5 parameters", () => adam.step(), "adam.step()");
  return rows;
}

/** Large arrays. */
export const large: Group = { name: "large", rows, other: "JavaScript", torchSetup };
