/**
 * The main job: a small network learns handwritten digits on the CPU, from a cold start, and reports on itself.
 *
 *     deno task demo [--epochs=10] [--out=digits.html]
 *
 * @module
 */
import * as dg from "../mod.ts";
import { loadDigits } from "./digits_data.ts";

const { nn, optim, plot, graph } = dg;
const started = performance.now();
const option = (name: string, fallback: string) =>
  Deno.args.find((arg) => arg.startsWith(`--${name}=`))?.slice(name.length + 3) ?? fallback;
const epochs = Number(option("epochs", "10")), out = option("out", "digits.html");
if (!Number.isInteger(epochs) || epochs < 1) throw new RangeError(`--epochs must be a positive integer, got ${epochs}`);

dg.manualSeed(0);
const { train, test } = await loadDigits();
const count = train.labels.shape[0];
console.log(`${count} digits to learn from, ${test.labels.shape[0]} held out`);

const model = new nn.Sequential(new nn.Linear(784, 128), new nn.ReLU(), new nn.Linear(128, 10));
const optimizer = new optim.Adam(model.parameters(), { lr: 2e-3 });
const batch = 64, losses: number[] = [];
console.log(String(model));

const steps = Math.ceil(count / batch);
let order: number[] = [];
for (const step of dg.progress(epochs * steps, { label: "training" })) {
  const at = (step % steps) * batch;
  if (at === 0) order = dg.randperm(count).toArray() as number[];
  const rows = dg.tensor(order.slice(at, at + batch), { dtype: "int64" });
  const logits = model(train.images.indexSelect(0, rows));
  const loss = nn.functional.crossEntropy(logits, train.labels.indexSelect(0, rows));
  optimizer.zeroGrad();
  loss.backward();
  optimizer.step();
  losses.push(loss.item() as number);
}

const guesses = dg.noGrad(() => model(test.images).argmax(1));
const right = guesses.eq(test.labels).sum().item() as number;
const accuracy = right / test.labels.shape[0];
const matrix = Array.from({ length: 10 }, () => new Array<number>(10).fill(0));
const truth = test.labels.toArray() as number[];
(guesses.toArray() as number[]).forEach((guess, i) => matrix[truth[i]][guess]++);
const seconds = (performance.now() - started) / 1000;
console.log(`accuracy on the held-out digits: ${(100 * accuracy).toFixed(2)} % in ${seconds.toFixed(1)} s`);

// ---- the report ---------------------------------------------------------------------------------------------------

/** The gradient-descent picture: a valley beside a deeper one. */
function descent(): { thetas: number[]; objectives: number[]; objective: (t: dg.Tensor) => dg.Tensor; thetaTrue: number } {
  const objective = (theta: dg.Tensor) => theta.mul(theta.mul(4).cos()).add(theta.abs().mul(2));
  const thetaTrue = 0; // elsewhere 2|θ| is larger than anything that θ cos 4θ can take away
  const theta = dg.tensor(1.8, { requiresGrad: true });
  const thetas = [theta.item() as number], objectives = [objective(theta).item() as number];
  for (let i = 0; i < 40; i++) {
    theta.grad = null;
    objective(theta).backward();
    dg.noGrad(() => theta.sub_(theta.grad!.mul(0.03)));
    thetas.push(theta.item() as number);
    objectives.push(objective(theta).item() as number);
  }
  return { thetas, objectives, objective, thetaTrue };
}

/** Each loss with the mean of the 50 before it, in which the trend shows. */
function running(values: readonly number[], width = 50): number[] {
  return values.map((_, i) => {
    const recent = values.slice(Math.max(0, i - width + 1), i + 1);
    return recent.reduce((sum, v) => sum + v, 0) / recent.length;
  });
}

/** Pictures of digits that were taken for others, in rows of five. */
function mistakes(limit = 10): dg.plot.Figure {
  const guessed = guesses.toArray() as number[];
  const wrong = guessed.map((_, i) => i).filter((i) => guessed[i] !== truth[i]).slice(0, limit);
  const figures = wrong.map((i) =>
    plot.image(test.images[i].reshape(28, 28), { title: `${truth[i]} read as ${guessed[i]}`, width: 150, height: 170 })
  );
  const rows = Array.from({ length: Math.ceil(figures.length / 5) }, (_, r) => figures.slice(5 * r, 5 * r + 5));
  return plot.grid(rows, { width: 800, height: 190 * rows.length });
}

const names = Array.from({ length: 10 }, (_, i) => String(i));
const sample = nn.functional.crossEntropy(model(test.images.slice(0, 0, 1)), test.labels.slice(0, 0, 1));
const report = plot.report({
  title: "Learning handwritten digits",
  sections: [
    {
      heading: `${(100 * accuracy).toFixed(1)} % of the held-out digits are read correctly`,
      text: `${count} digits, ${epochs} epochs of ${steps} steps, Adam, on the CPU; ${seconds.toFixed(1)} seconds from a cold start.`,
      figure: plot.lossCurve({ "each batch": losses, "mean of 50": running(losses) }, {
        title: "Loss",
        log: true,
        legend: "top",
        width: 800,
      }),
    },
    { heading: "What is taken for what", figure: plot.confusionMatrix(matrix, names, { title: "Confusion matrix" }) },
    { heading: "Some that were misread", figure: mistakes() },
    {
      heading: "The computation graph of one loss",
      svg: await graph.makeDot(sample, { params: model.namedParameters() }).toSVG(),
    },
    {
      heading: "Gradient descent",
      text: "θ cos 4θ + 2|θ| has many valleys; gradient descent finds the one it starts in.",
      figure: plot.gradientDescent(descent(), { width: 800 }),
    },
  ],
});
await report.save(out);
console.log(`report: ${out}`);
if (accuracy < 0.9) {
  console.error("the model reads fewer than 90 % of the held-out digits");
  Deno.exit(1);
}
