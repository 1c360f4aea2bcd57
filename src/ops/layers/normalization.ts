/**
 * Normalising over groups of elements: mean 0 and variance 1, then a learnt factor and summand. What batch, layer and group
 * normalisation share; `nn.functional` has the functions for users.
 * @module
 */

import { mode } from "../../autograd/modes.ts";
import { adding, Fold, type Walk } from "../../expr/fold.ts";
import { parse } from "../../expr/parse.ts";
import { program } from "../../expr/program.ts";
import { hasNormKernel, normalize, normalizeBackward, type NormLines, type Run } from "../../backend/norm.ts";
import type { Device } from "../../tensor/device.ts";
import { recording } from "../../tensor/later.ts";
import { frozen, numel, type Shape } from "../../tensor/shape.ts";
import { type Tensor, unwrittenTensor } from "../../tensor/tensor.ts";
import { mul } from "../pointwise.ts";
import { fold, foldOver } from "../core/fold.ts";
import { record, type Rule, type RuleNode } from "../core/record.ts";
import { sum } from "../reduce/reduce.ts";
import { varMean } from "../reduce/statistics.ts";
import { operation, run } from "../core/table.ts";
import { reshape } from "../view/view.ts";

/** Which elements are normalised together, and which factors they get. */
export interface Groups {
  /** The shape in which `dims` are dimensions. */
  readonly shape: Shape;
  /** The dimensions over which means are taken. */
  readonly dims: readonly number[];
  /** The shape of factors and summands, to be broadcast to `shape`. */
  readonly affine: Shape;
}

/** A result with what it was computed with. */
export interface Normalized {
  /** The normalised elements, in the shape of the input. */
  readonly out: Tensor;
  /** The means, with reduced dimensions at size 1. */
  readonly mean: Tensor;
  /** Gives the variances, divided by the number of elements less 1. */
  readonly variance: () => Tensor;
}

const Rstd = operation("rstd", "v e", "1 / sqrt(v + e)");
const Standard = operation("standardize", "x m r", "(x - m) * r");
const Affine = operation("normalizeAffine", "x m r w b", "(x - m) * r * w + b");
/** The gradient by x where the mean and the variance are those of x: a and c are means of g and of g times the result. */
const Inward = operation("normalizeBackward", "g x m r a c", "(g - a - (x - m) * r * c) * r");
/** The same with factors, of sums and 1 / n: with factors that differ within a group, and with one for each group. */
const InwardPlaces = operation(
  "normalizePlacesBackward",
  "g x m r w a c k",
  "(g * w - a * k - (x - m) * r * (c * k)) * r",
);
const InwardGroups = operation(
  "normalizeGroupsBackward",
  "g x m r w a c k",
  "(g - a * k - (x - m) * r * (c * k)) * r * w",
);
/** What sums are taken of: gradients, and gradients times the normalised elements. */
const terms = program(["g", "x", "m", "r", "w"], [
  parse("g * w", ["g", "w"]),
  parse("g * w * ((x - m) * r)", ["g", "x", "m", "r", "w"]),
], { name: "normalizeBackward" });
const sumsFold = new Fold(
  "sums",
  [{
    state: { a: "0", c: "0" },
    step: { a: "a + v", c: "c + u" },
    merge: { a: "a + a_", c: "c + c_" },
  }],
  ["a", "c"],
  ["v", "u"],
);

/** The mean first, then the squares of the distances from it. */
const inTwo: readonly Walk[] = [
  adding("v"),
  { given: { mean: "acc / n" }, ...adding("(v - mean) * (v - mean)", "m2") },
];
const share = "where(count_ == 0, 0, count_ / (count + count_))";
/** Both at once: each element moves the mean. As exact, with a division an element; for where reading costs more. */
const inOne: readonly Walk[] = [{
  state: { count: "0", mean: "0", m2: "0" },
  step: {
    count: "count + 1",
    mean: "mean + (v - mean) / (count + 1)",
    m2: "m2 + (v - mean) * (v - mean) * (count / (count + 1))",
  },
  merge: {
    count: "count + count_",
    mean: `mean + (mean_ - mean) * ${share}`,
    m2: `m2 + m2_ + (mean_ - mean) * (mean_ - mean) * count * ${share}`,
  },
}];

const folds = new Map<string, Fold>();

/** Means, what is multiplied by, and variances divided by one less than the number of elements. */
function statisticsFold(eps: number, device: Device): Fold {
  const key = `${device} ${eps}`;
  let known = folds.get(key);
  if (known === undefined) {
    const results = ["mean", `1 / sqrt(m2 / n + (${eps}))`, "m2 / max(n - 1, 0)"];
    folds.set(key, known = new Fold("normalize", device === "cpu" ? inTwo : inOne, results));
  }
  return known;
}

interface Args {
  readonly eps: number;
  readonly training: boolean;
  readonly groups: Groups;
  readonly affine: readonly (Shape | null)[];
}

// ---- in one pass ------------------------------------------------------------------------------------------------------

const runOf = (t: Tensor): Run => ({ data: t.storage.data, offset: t.offset });

/**
 * The groups as lines of memory, where there is a kernel for those: null elsewhere, and within `compile`. `perPlace`: whether there
 * is something for each place of a line, such as these factors and summands.
 */
function linesOf(
  x: Tensor,
  weight: Tensor | null,
  bias: Tensor | null,
  perPlace: boolean,
  { shape, dims, affine }: Groups,
): NormLines | null {
  const { dtype } = x;
  if (recording.now !== null || x.device !== "cpu" || (dtype !== "float32" && dtype !== "float64")) {
    return null;
  }
  const long = shape.map((_, d) => d).filter((d) => shape[d] !== 1);
  const first = long.findIndex((d) => dims.includes(d));
  if (first < 0 || long.slice(first).some((d) => !dims.includes(d))) return null;
  const n = numel(dims.map((d) => shape[d])), lines = numel(shape) / n;
  if (!hasNormKernel(dtype, lines, n)) return null;
  const outer = shape.length - affine.length;
  if (perPlace && (dims.length !== affine.length || dims.some((d, i) => d !== outer + i))) return null;
  for (const t of [x, weight, bias]) {
    if (t !== null && (t.dtype !== dtype || t.device !== "cpu" || !t.isContiguous())) return null;
  }
  return { dtype, lines, n, x: runOf(x), weight: weight === null ? null : runOf(weight) };
}

/** The normalised elements, the means and what lines were multiplied by; or null. */
function inOnePass(
  x: Tensor,
  weight: Tensor | null,
  bias: Tensor | null,
  groups: Groups,
  eps: number,
): { flat: Tensor; mean: Tensor; rstd: Tensor } | null {
  const lines = linesOf(x, weight, bias, weight !== null || bias !== null, groups);
  if (lines === null) return null;
  const { shape, dims } = groups, { dtype, device } = x;
  const reduced = frozen(shape.map((s, d) => dims.includes(d) ? 1 : s));
  const [flat, mean, rstd] = [frozen(shape), reduced, reduced].map((s) => unwrittenTensor(s, dtype, device));
  normalize(lines, bias === null ? null : runOf(bias), eps, runOf(flat), runOf(mean), runOf(rstd));
  return { flat, mean, rstd };
}

/** The gradients of {@linkcode inOnePass}, where they have no gradients of their own; or null. */
function backInOnePass(grad: Tensor, node: RuleNode<Args>): (Tensor | null)[] | null {
  const { groups, affine } = node.args, x = node.tensor("input");
  const weight = affine[0] === null ? null : node.tensor("weight");
  const lines = linesOf(x, weight, null, affine.some((shape) => shape !== null), groups);
  if (lines === null || grad.dtype !== x.dtype || grad.device !== "cpu") return null;
  const shapes = [x.shape, affine[0], affine[1]];
  const made = shapes.map((s, i) => node.needs(i) ? unwrittenTensor(s!, x.dtype, x.device) : null);
  const [byInput, byWeight, byBias] = made.map((t) => t === null ? null : runOf(t));
  const [mean, rstd] = [node.tensor("result1"), node.tensor("result2")].map(runOf);
  normalizeBackward(lines, runOf(grad.detach().contiguous()), mean, rstd, byInput, byWeight, byBias);
  return made;
}

// ---- in folds of programs ---------------------------------------------------------------------------------------------

/** For each dimension of `shape`, the size of a shape that is broadcast to it. */
function sizeAt(affine: Shape, shape: Shape, d: number): number {
  return d < shape.length - affine.length ? 1 : affine[d - shape.length + affine.length];
}

/** Whether there is one factor for each group. */
function isPerGroup({ shape, dims, affine }: Groups): boolean {
  return shape.every((s, d) => sizeAt(affine, shape, d) === (dims.includes(d) ? 1 : s));
}

/**
 * The gradients where they have none of their own and folds take what programs compute: a fold for the sums over a group, one for those
 * of factors and summands, and one kernel for the gradient by x. Null on the CPU, and within `compile`.
 */
function backInFolds(grad: Tensor, node: RuleNode<Args>): (Tensor | null)[] | null {
  const { groups, affine } = node.args, { shape, dims } = groups, input = node.tensor("input");
  const weight = affine[0] === null ? null : node.tensor("weight").detach();
  const [mean, rstd] = [node.tensor("result1"), node.tensor("result2")];
  if ([grad, mean, weight].some((t) => t !== null && t.dtype !== input.dtype)) return null;
  const [x, g] = [input, grad].map((t) => reshape(t.detach(), shape));
  const w = weight === null ? 1 : reshape(weight, groups.affine);
  const sums = (w: Tensor | 1, dims: readonly number[]) => {
    const to = frozen(shape.map((s, d) => dims.includes(d) ? 1 : s));
    return foldOver(terms, [g, x, mean, rstd, w], sumsFold, shape, dims, to);
  };
  const perGroup = isPerGroup(groups), inward = node.needs(0), learns = node.needs(1) || node.needs(2);
  const across = shape.map((_, d) => d).filter((d) => shape[d] > 1 && sizeAt(groups.affine, shape, d) === 1);
  const [byBias, byWeight] = (learns || (inward && perGroup) ? sums(1, across) : null) ?? [null, null];
  if (learns && byBias === null) return null;
  let gx: Tensor | null = null;
  if (inward) {
    const [a, c] = perGroup ? [byBias, byWeight] : sums(w, dims) ?? [null, null];
    if (a === null || c === null) return null;
    const count = numel(dims.map((d) => shape[d]));
    const op = perGroup ? InwardGroups : InwardPlaces;
    gx = reshape(run([op, [g, x, mean, rstd, w, a, c, 1 / count]]), input.shape);
  }
  const shaped = (t: Tensor | null, i: number) =>
    t !== null && node.needs(i) ? reshape(t, affine[i - 1]!) : null;
  return [gx, shaped(byWeight, 1), shaped(byBias, 2)];
}

// ---- composed ---------------------------------------------------------------------------------------------------------

function ruleFor(name: string): Rule<Args> {
  return {
    name,
    backward: (grad, node) => {
      const { eps, training, groups, affine } = node.args, { shape, dims } = groups;
      const done = training && !mode.grad ? backInOnePass(grad, node) ?? backInFolds(grad, node) : null;
      if (done !== null) return done;
      const input = node.tensor("input"), x = reshape(input, shape), g = reshape(grad, shape);
      let mean: Tensor, rstd: Tensor;
      if (training && mode.grad) {
        // a gradient of this gradient sees them move with x
        const [v, m] = varMean(x, dims, { correction: 0, keepdim: true });
        mean = m;
        rstd = run([Rstd, [v, eps]]);
      } else [mean, rstd] = [node.tensor("result1"), node.tensor("result2")];
      const w = affine[0] === null ? null : reshape(node.tensor("weight"), groups.affine);
      const normal = run([Standard, [x, mean, rstd]]);
      const gn = node.needs(1) || (node.needs(0) && training) ? mul(g, normal) : null;
      // with a factor for each group, sums over groups serve for the factors, too
      const count = numel(dims.map((d) => shape[d]));
      const perGroup = isPerGroup(groups);
      const total = (t: Tensor) => sum(t, dims, { keepdim: true });
      const sums = perGroup && (training || !node.needs(0))
        ? { g: total(g), gn: gn === null ? null : total(gn) }
        : null;
      let gx: Tensor | null = null;
      if (node.needs(0)) {
        if (!training) gx = mul(w === null ? g : mul(g, w), rstd);
        else if (sums !== null) {
          gx = run([Inward, [g, x, mean, rstd, sums.g.div(count), sums.gn!.div(count)]]);
          if (w !== null) gx = mul(gx, w);
        } else {
          const gw = w === null ? g : mul(g, w), gwn = w === null ? gn! : mul(gn!, w);
          gx = run([Inward, [gw, x, mean, rstd, total(gw).div(count), total(gwn).div(count)]]);
        }
        gx = reshape(gx, input.shape);
      }
      const back = (t: Tensor, i: number) => reshape(t.sumToSize(groups.affine), affine[i]!);
      return [
        gx,
        node.needs(1) ? back(sums?.gn ?? gn!, 0) : null,
        node.needs(2) ? back(sums?.g ?? g, 1) : null,
      ];
    },
  };
}

/** The same as {@linkcode inOnePass}, of several operations. */
function composed(
  x: Tensor,
  weight: Tensor | null,
  bias: Tensor | null,
  groups: Groups,
  eps: number,
  fixed: { readonly mean: Tensor; readonly variance: Tensor } | undefined,
): { flat: Tensor; mean: Tensor; rstd: Tensor; variance?: Tensor } {
  const { shape, dims } = groups, { dtype } = x;
  const reduced = frozen(shape.map((s, d) => dims.includes(d) ? 1 : s));
  const [mean, rstd, variance] = fixed === undefined
    ? fold(x, statisticsFold(eps, x.device), dims, reduced, dtype, dtype, dtype)
    : [fixed.mean.detach(), run([Rstd, [fixed.variance.detach(), eps]])];
  const shaped = (t: Tensor | null) => t === null ? null : reshape(t.detach(), groups.affine);
  const w = shaped(weight), b = shaped(bias);
  const flat = w === null && b === null
    ? run([Standard, [x, mean, rstd]])
    : run([Affine, [x, mean, rstd, w ?? 1, b ?? 0]]);
  return { flat, mean, rstd, variance };
}

const rules = new Map<string, Rule<Args>>();

/**
 * Normalises groups of elements and applies a factor and a summand. With `fixed` a mean and a variance that do not depend on x.
 * `name` is PyTorch's name of the node. All arguments are checked.
 */
export function normalized(
  name: string,
  input: Tensor,
  weight: Tensor | null,
  bias: Tensor | null,
  groups: Groups,
  eps: number,
  fixed?: { readonly mean: Tensor; readonly variance: Tensor },
  shown: object = {},
): Normalized {
  const x = reshape(input.detach(), groups.shape);
  const once = fixed === undefined
    ? inOnePass(x, weight?.detach() ?? null, bias?.detach() ?? null, groups, eps)
    : null;
  const made: ReturnType<typeof composed> = once ?? composed(x, weight, bias, groups, eps, fixed);
  const { flat, mean, rstd } = made;
  const variance = () => made.variance ?? varMean(x, groups.dims, { keepdim: true })[0];
  let rule = rules.get(name);
  if (rule === undefined) rules.set(name, rule = ruleFor(name));
  const args: Args & object = {
    ...shown,
    eps,
    training: fixed === undefined,
    groups,
    affine: [weight?.shape ?? null, bias?.shape ?? null],
  };
  const save = { input, weight, result1: mean, result2: rstd };
  const out = record(rule, reshape(flat, frozen(input.shape)), [input, weight, bias], args, save);
  return { out, mean, variance };
}
