/**
 * Small steps: what a scripting user waits for most often.
 * @module
 */
import * as dg from "../../mod.ts";
import type { Group, Row } from "./measure.ts";

const objective = (theta: dg.Tensor): dg.Tensor => theta.mul(theta.mul(4).cos()).add(theta.abs().mul(2));

/** The lesson's gradient descent: 100 iterations, keeping every theta and objective. */
function gradientDescent(): number[] {
  const theta = dg.tensor(0.5, { requiresGrad: true });
  const path = [theta.item() as number], values = [objective(theta).item() as number];
  for (let i = 0; i < 100; i++) {
    theta.grad?.zero_();
    objective(theta).backward();
    dg.noGrad(() => {
      theta.sub_(theta.grad!.mul(0.05));
      path.push(theta.item() as number);
      values.push(objective(theta).item() as number);
    });
  }
  return path;
}

const torchSetup = `
leaf = torch.tensor(1., requires_grad=True)
a = torch.tensor(1.5); b = torch.tensor(2.5); grown = torch.tensor(1.5, requires_grad=True)
v = torch.ones(4); w = torch.ones(4)
def scalar_step():
    leaf.grad = None
    (2 * leaf * leaf - 3 * leaf + 4).backward()
def objective(t):
    return t * torch.cos(4 * t) + 2 * torch.abs(t)
def gradient_descent():
    t = torch.tensor(0.5, requires_grad=True)
    path = [t.item()]; values = [objective(t).item()]
    for i in range(100):
        if t.grad is not None: t.grad.zero_()
        objective(t).backward()
        with torch.no_grad():
            t -= 0.05 * t.grad
            path.append(t.item()); values.append(objective(t).item())
`;

function rows(): Row[] {
  const leaf = dg.tensor(1, { requiresGrad: true });
  const scalarStep = (): void => {
    leaf.grad = null;
    dg.mul(2, leaf).mul(leaf).sub(dg.mul(3, leaf)).add(4).backward();
  };
  const compiled = dg.compile((x: dg.Tensor) => dg.mul(2, x).mul(x).sub(dg.mul(3, x)).add(4));
  const compiledStep = (): void => {
    leaf.grad = null;
    compiled(leaf).backward();
  };
  const a = dg.tensor(1.5), b = dg.tensor(2.5), grown = dg.tensor(1.5, { requiresGrad: true });
  const v = dg.ones(4), w = dg.ones(4);
  return [
    { name: "2x² - 3x + 4 at a scalar, forward and backward", run: scalarStep, torch: "scalar_step()" },
    { name: "gradient-descent lesson, 100 iterations", run: gradientDescent, torch: "gradient_descent()" },
    {
      name: "2x² - 3x + 4 at a scalar, forward and backward, compile",
      run: compiledStep,
      torch: "scalar_step()",
    },
    { name: "0-d a * b", run: () => a.mul(b), torch: "a * b" },
    { name: "0-d a * b with its graph node", run: () => grown.mul(b), torch: "grown * b" },
    { name: "4 elements, v + w", run: () => v.add(w), torch: "v + w" },
  ];
}

/** Small steps. */
export const small: Group = { name: "small", rows, torchSetup };
