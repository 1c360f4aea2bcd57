/**
 * L-BFGS: a quasi-Newton method that looks at the loss several times in a step.
 * @module
 */

import { enableGrad, noGrad } from "../autograd/modes.ts";
import { allocateTensor, Tensor } from "../tensor/tensor.ts";
import { strongWolfe } from "./line_search.ts";
import { type Closure, Optimizer, optionsOver, type Params, type ParamState } from "./optimizer.ts";

/** Options of {@linkcode LBFGS}. */
export interface LBFGSOptions {
  /** Length of a step in the Newton direction; 1. */
  lr: number;
  /** Most iterations in a step; 20. */
  maxIter: number;
  /** Most evaluations of the loss in a step; 1.25 times the iterations. */
  maxEval: number | null;
  /** Ends the step when no element of the gradient is larger; 1e-7. */
  toleranceGrad: number;
  /** Ends the step when loss or parameters change by less; 1e-9. */
  toleranceChange: number;
  /** How many steps the approximation of the Hessian remembers; 100. */
  historySize: number;
  /** "strong_wolfe", or null for steps of fixed length. */
  lineSearchFn: "strong_wolfe" | null;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

function largest(a: Float64Array): number {
  let most = 0;
  for (let i = 0; i < a.length; i++) most = Math.max(most, Math.abs(a[i]));
  return most;
}

/** What is remembered between steps. */
interface Memory {
  direction: Float64Array;
  rate: number;
  steps: Float64Array[];
  changes: Float64Array[];
  curvatures: number[];
  diagonal: number;
  previous: Float64Array;
  previousLoss: number;
}

/**
 * L-BFGS. `step` needs a closure that clears the gradients, computes the loss, its gradients, and returns the loss. All
 * parameters are one group.
 */
export class LBFGS extends Optimizer<LBFGSOptions> {
  /** Parameters, and options. */
  constructor(params: Params<LBFGSOptions>, options: Partial<LBFGSOptions> = {}) {
    const defaults: LBFGSOptions = {
      lr: 1,
      maxIter: 20,
      maxEval: null,
      toleranceGrad: 1e-7,
      toleranceChange: 1e-9,
      historySize: 100,
      lineSearchFn: null,
    };
    super(params, optionsOver(defaults, options, "LBFGS"));
    if (this.paramGroups.length !== 1) {
      throw new TypeError("LBFGS doesn't support per-parameter options (parameter groups)");
    }
    const [group] = this.paramGroups;
    group.maxEval ??= Math.floor(group.maxIter * 5 / 4);
  }

  /** Throws for options out of range. */
  protected override check(o: LBFGSOptions): void {
    super.check(o);
    if (o.lineSearchFn !== null && o.lineSearchFn !== "strong_wolfe") {
      throw new RangeError("only 'strong_wolfe' is supported");
    }
  }

  /** Changes one parameter. */
  protected override update(): void {
    throw new TypeError("LBFGS changes all parameters at once: call step(closure)");
  }

  /** Up to `maxIter` iterations. Returns the first loss. */
  override step(closure?: Closure): Tensor | number {
    if (closure === undefined) throw new TypeError("LBFGS.step() needs a closure that computes the loss");
    this.stepsTaken++;
    return noGrad(() => this.iterate(closure));
  }

  private gather(read: (p: Tensor) => Tensor | null): Float64Array {
    const { params } = this.paramGroups[0];
    const out = new Float64Array(params.reduce((n, p) => n + p.numel(), 0));
    let at = 0;
    for (const p of params) {
      const t = read(p);
      if (t !== null) out.set(t.detach().contiguous().typedArray() as Float64Array, at);
      at += p.numel();
    }
    return out;
  }

  private write(values: Float64Array): void {
    let at = 0;
    for (const p of this.paramGroups[0].params) {
      const part = allocateTensor(p.shape, p.dtype);
      (part.storage.data as Float64Array).set(values.subarray(at, at + p.numel()));
      p.copy_(part);
      at += p.numel();
    }
  }

  private iterate(closure: Closure): Tensor | number {
    const group = this.paramGroups[0];
    const { lr, maxIter, toleranceGrad, toleranceChange, historySize, lineSearchFn } = group;
    const state: ParamState = this.stateOf(group.params[0]);
    state.funcEvals ??= 0;
    state.nIter ??= 0;
    const evaluate = () => {
      const result = enableGrad(closure);
      return { result, loss: result instanceof Tensor ? result.item() as number : result };
    };
    const gradient = () => this.gather((p) => p.grad);
    const start = evaluate();
    let { loss } = start, evaluations = 1;
    state.funcEvals++;
    let flat = gradient();
    if (largest(flat) <= toleranceGrad) return start.result;
    const memory: Memory = state.memory ??= {
      direction: new Float64Array(0),
      rate: lr,
      steps: [],
      changes: [],
      curvatures: [],
      diagonal: 1,
      previous: flat,
      previousLoss: loss,
    };
    for (let n = 1; n <= maxIter; n++) {
      state.nIter++;
      if (state.nIter === 1) memory.direction = flat.map((x) => -x);
      else this.turn(memory, flat, historySize);
      memory.previous = flat.slice();
      memory.previousLoss = loss;
      const direction = memory.direction;
      if (state.nIter === 1) {
        const size = flat.reduce((sum, x) => sum + Math.abs(x), 0);
        memory.rate = Math.min(1, 1 / size) * lr;
      } else memory.rate = lr;
      const slope = dot(flat, direction);
      if (slope > -toleranceChange) break;
      const from = this.gather((p) => p);
      let used = 1;
      const moveTo = (t: number) => this.write(from.map((x, i) => x + t * direction[i]));
      if (lineSearchFn === "strong_wolfe") {
        const found = strongWolfe(
          (t) => {
            moveTo(t);
            return { loss: evaluate().loss, gradient: gradient() };
          },
          { t: memory.rate, direction, loss, gradient: flat, slope },
        );
        ({ loss, gradient: flat } = found);
        memory.rate = found.t;
        used = found.evaluations;
        moveTo(found.t);
      } else {
        moveTo(memory.rate);
        if (n !== maxIter) {
          loss = evaluate().loss;
          flat = gradient();
        } else used = 0;
      }
      evaluations += used;
      state.funcEvals += used;
      if (n === maxIter || evaluations >= group.maxEval! || largest(flat) <= toleranceGrad) break;
      if (largest(direction) * memory.rate <= toleranceChange) break;
      if (Math.abs(loss - memory.previousLoss) < toleranceChange) break;
    }
    return start.result;
  }

  /** Chooses the next direction by the two-loop recursion over what is remembered. */
  private turn(memory: Memory, flat: Float64Array, historySize: number): void {
    const change = flat.map((x, i) => x - memory.previous[i]);
    const step = memory.direction.map((x) => x * memory.rate);
    const curvature = dot(change, step);
    if (curvature > 1e-10) {
      if (memory.steps.length === historySize) {
        memory.steps.shift();
        memory.changes.shift();
        memory.curvatures.shift();
      }
      memory.steps.push(step);
      memory.changes.push(change);
      memory.curvatures.push(1 / curvature);
      memory.diagonal = curvature / dot(change, change);
    }
    const { steps, changes, curvatures, diagonal } = memory;
    const q = flat.map((x) => -x), alphas = new Float64Array(steps.length);
    for (let i = steps.length - 1; i >= 0; i--) {
      alphas[i] = dot(steps[i], q) * curvatures[i];
      for (let k = 0; k < q.length; k++) q[k] -= alphas[i] * changes[i][k];
    }
    const r = q.map((x) => x * diagonal);
    for (let i = 0; i < steps.length; i++) {
      const beta = dot(changes[i], r) * curvatures[i];
      for (let k = 0; k < r.length; k++) r[k] += steps[i][k] * (alphas[i] - beta);
    }
    memory.direction = r;
  }
}
