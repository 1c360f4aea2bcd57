/**
 * How far the GPU's numbers are from PyTorch's: the worst error of each operation's results and gradients, against a bound
 * for its family. The tolerance of a golden file, which holds on all devices, asks less of single elements.
 *
 * Errors are in units of the last place of the largest element of a result: what a backward stable computation
 * keeps small, also where terms cancel. `DINOGRAD_MEASURE=FILE` writes those that were met.
 *
 * @module
 */

/** What is allowed, and what was measured on lavapipe: on the GPU, and by JavaScript alone, which computes in doubles. */
interface Bound {
  /** The most that is allowed. */
  readonly most: number;
  readonly gpu: number;
  readonly js: number;
  readonly reason: string;
}

const pointwise = "every function is within 5 units of its value, gradients are a few of them";
const theirs = "PyTorch's float32 result itself is as far from the true one";

/** Bounds by golden file, and of operations that need more as `file/operation`. */
export const bounds: Readonly<Record<string, Bound>> = {
  unary: { most: 12, gpu: 7, js: 7, reason: pointwise },
  "unary/digamma": { most: 7e6, gpu: 3.4e6, js: 3.4e6, reason: `near the poles ${theirs}` },
  "unary/polygamma": { most: 5e6, gpu: 2.4e6, js: 2.4e6, reason: `near the poles ${theirs}` },
  "unary/sinc": {
    most: 130,
    gpu: 63,
    js: 72,
    reason: `the gradient near 0 is a difference of large terms; ${theirs}`,
  },
  binary: { most: 16, gpu: 8, js: 10, reason: pointwise },
  "binary/fmod": { most: 100, gpu: 64, js: 64, reason: theirs },
  reduction: {
    most: 10,
    gpu: 5.6,
    js: 5.6,
    reason: "sums of few elements, divided by each other in corrcoef",
  },
  shape: { most: 2, gpu: 1, js: 1, reason: "copies, ranges and windows" },
  indexing: { most: 1, gpu: 0, js: 0, reason: "copies, and sums of two elements" },
  linalg: { most: 24, gpu: 15, js: 15, reason: "decompositions run on the CPU; products add few elements" },
  "linalg/linalg.pinv": { most: 200, gpu: 107, js: 107, reason: "the condition of the matrix" },
  "linalg/linalg.svdvals": {
    most: 200,
    gpu: 94,
    js: 94,
    reason: "gradients divide by differences of singular values",
  },
  intdiv: { most: 1, gpu: 0, js: 0, reason: "whole numbers" },
  nn_activation: { most: 12, gpu: 6.6, js: 4, reason: pointwise },
  nn_layers: { most: 24, gpu: 11, js: 6, reason: "recurrent nets carry errors from step to step" },
  "nn_layers/x.encoder_layer": {
    most: 130,
    gpu: 66,
    js: 64,
    reason: `gradients that nearly cancel; ${theirs}`,
  },
  "nn_layers/x.mha": { most: 60, gpu: 30, js: 30, reason: `gradients that nearly cancel; ${theirs}` },
  nn_loss: { most: 8, gpu: 4, js: 3, reason: "functions and means" },
  second_order: { most: 20, gpu: 9.5, js: 24, reason: "questions in float64, asked in float32" },
  "second_order/F.batch_norm": {
    most: 130,
    gpu: 65,
    js: 32,
    reason: "terms that cancel; inputs are rounded to float32",
  },
  "second_order/F.binary_cross_entropy_with_logits": {
    most: 100,
    gpu: 35,
    js: 75,
    reason: "terms that cancel; inputs are rounded to float32",
  },
};

const worst = new Map<string, number>();

/** The unit in the last place of numbers from 1 to 2. */
const unit: Readonly<Record<string, number>> = { float16: 2 ** -10, float32: 2 ** -23, float64: 2 ** -52 };

/** The error of a result in units of the last place of its largest element. Infinities and nan are compared elsewhere. */
export function errorInUnits(actual: readonly number[], expected: readonly number[], dtype: string): number {
  let error = 0, size = 0;
  expected.forEach((e, i) => {
    if (!Number.isFinite(e) || !Number.isFinite(actual[i])) return;
    error = Math.max(error, Math.abs(actual[i] - e));
    size = Math.max(size, Math.abs(e));
  });
  return error === 0 ? 0 : error / (unit[dtype] * 2 ** Math.floor(Math.log2(Math.max(size, 2 ** -126))));
}

let met: number | null = null;

/** Notes the error of a result, if a case is under way. */
export function note(actual: readonly number[], expected: readonly number[], dtype: string): void {
  if (met !== null) met = Math.max(met, errorInUnits(actual, expected, dtype));
}

/** Runs a case, and says where its results are beyond what is allowed. */
export function accurately(file: string, op: string, run: () => string[]): string[] {
  met = 0;
  try {
    const problems = run(), key = `${file}/${op}`, bound = bounds[key] ?? bounds[file];
    if (problems.length > 0) return problems;
    worst.set(key, Math.max(worst.get(key) ?? 0, met));
    if (bound === undefined || met <= bound.most) return [];
    return [`an error of ${met.toPrecision(3)} units of the last place, allowed ${bound.most}`];
  } finally {
    met = null;
  }
}

const variable = "DINOGRAD_MEASURE";
if (Deno.permissions.querySync({ name: "env", variable }).state === "granted") {
  const file = Deno.env.get(variable);
  if (file) {
    addEventListener("unload", () => {
      if (worst.size > 0) Deno.writeTextFileSync(file, JSON.stringify(Object.fromEntries(worst), null, 1));
    });
  }
}
