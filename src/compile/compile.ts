/**
 * Compiled functions: `compile(fn)` computes what `fn` computes, in fewer passes over memory.
 *
 * **How.** While a compiled function runs, its pointwise operations and reductions are recorded instead of carried out: they
 * check their arguments, give tensors of the right shape and dtype, and hang on the graph of gradients, all as always, but
 * those tensors have no elements yet. When elements are needed (the function returns, or something inside reads them:
 * a matrix product, `item()`, an assignment), what was recorded is computed: chains of pointwise operations as one kernel with
 * several results, reductions with the chain before them and without its elements ever being in memory. What such a set of
 * operations becomes is remembered by its mathematics, shapes, dtypes and layouts; the second time it is looked up.
 *
 * The backward pass of what a compiled function computed is recorded in the same way, over the same graph nodes as ever; so
 * hooks, `retainGrad`, `createGraph` and custom functions work as they do without.
 *
 * **Why recorded anew on every call.** A trace that is made once and replayed would go on using the numbers, tensors and
 * branches of the first call. Recording costs about as much as it costs to check arguments, which has to be done anyway; so
 * a compiled function sees what it closes over, draws new random numbers, prints, and throws the same errors at the same line.
 *
 * **Bounds.** Results are rounded to their dtype after each operation, as they are in memory, so a kernel gives what its
 * operations give one by one, up to the last bits of sums. In-place writes are carried out at once, what still has to read the old
 * elements before them. A tensor that leaves the function other than as a result (stored in a variable) is computed when
 * it is read, and from then on the function computes everything that it makes; if what the tensor comes from was overwritten
 * before that first time, reading it is an error that says so.
 *
 * @module
 */

import { checkFunction, checkKeys } from "../tensor/arguments.ts";
import { recording } from "../tensor/later.ts";
import { Tensor } from "../tensor/tensor.ts";
import { type ExplainOptions, Explanation } from "./explanation.ts";
import { Diary } from "./diary.ts";
import { CompiledRegion, type Recording } from "./region.ts";
import { backwardOf } from "./explanation.ts";

/** What can be compiled: a function of anything. */
// deno-lint-ignore no-explicit-any
export type AnyFunction = (...args: any[]) => any;

/** What {@linkcode compile} is: a function, with one that explains what it does. */
export interface Compile {
  /** Makes a compiled function. */
  <F extends AnyFunction>(fn: F): (...args: Parameters<F>) => ReturnType<F>;
  /**
   * Tells what a function becomes: a function of the same arguments that calls it once and returns an {@linkcode Explanation}.
   *
   * @param fn A function, compiled or not.
   * @throws {TypeError} If `fn` is not a function.
   */
  explain<F extends AnyFunction>(fn: F, options?: ExplainOptions): (...args: Parameters<F>) => Explanation;
}

/**
 * A function that computes what `fn` computes, values, gradients and errors alike, in fewer passes over memory: its pointwise
 * operations are fused with each other and into its reductions, forward and backward. What they become is remembered by
 * operations, shapes, dtypes, layouts and device; `fn` itself runs on every call, so that it may branch, draw random numbers
 * and close over what changes. Worth it where tensors are larger than about a thousand elements.
 *
 * What reads elements (matrix products, `item()`, sorting, assignment) works, and ends a chain of fused operations there.
 * {@linkcode Compile.explain} tells where, and what was fused.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * const f = dg.compile((x: dg.Tensor, y: dg.Tensor) => x.sin().mul(y).add(x.mul(x)));
 * f(dg.randn(1000), dg.randn(1000)); // one pass over memory
 *
 * const model = new dg.nn.Linear(3, 1);
 * const loss = dg.compile((x: dg.Tensor, y: dg.Tensor) => model(x).sub(y).square().mean());
 * loss(dg.randn(8, 3), dg.randn(8, 1)).backward(); // fills the gradients of the model
 * ```
 *
 * @example What was fused
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * const mse = (a: dg.Tensor, b: dg.Tensor) => a.sub(b).square().mean();
 * console.log(`${dg.compile.explain(mse)(dg.randn(100), dg.randn(100))}`);
 * // 3 operations became 1 pass over memory:
 * //   mean of [100] over dims [0] in float32: (x0 - x1) * (x0 - x1)
 * ```
 *
 * @param fn A function of anything; also a module. An `async` one is compiled up to its first `await`.
 * @returns A function with the same arguments and result.
 * @throws {TypeError} If `fn` is not a function.
 */
export const compile: Compile = Object.assign(compiled, { explain });

const regions = new WeakMap<AnyFunction, AnyFunction>();

function compiled<F extends AnyFunction>(fn: F): (...args: Parameters<F>) => ReturnType<F> {
  checkFunction(fn, "compile", "fn");
  const region = new CompiledRegion();
  const run = function (this: unknown, ...args: Parameters<F>): ReturnType<F> {
    if (recording.now !== null) return Reflect.apply(fn, this, args); // a part of the function that called it
    return within(region.record(), () => Reflect.apply(fn, this, args));
  };
  regions.set(run, fn);
  return Object.defineProperty(run, "name", { value: fn.name });
}

/** Runs what is to be recorded; its result will be there when it returns. */
function within<T>(recorded: Recording, fn: () => T): T {
  let completed = false;
  try {
    const result = fn();
    keep(result, recorded, 0);
    completed = true;
    return result;
  } finally {
    recorded.end(completed);
  }
}

/** How deep results may be nested until everything counts as a result. */
const DEPTH = 4;

function keep(value: unknown, recorded: Recording, depth: number): void {
  if (value instanceof Tensor) recorded.keep(value);
  else if (typeof value === "object" && value !== null) {
    if (depth < DEPTH && (Array.isArray(value) || isPlain(value))) {
      for (const part of Object.values(value)) keep(part, recorded, depth + 1);
    } else recorded.keepEverything(); // who knows what it holds
  } else if (typeof value === "function") recorded.keepEverything();
}

function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function explain<F extends AnyFunction>(
  fn: F,
  options: ExplainOptions = {},
): (...args: Parameters<F>) => Explanation {
  checkFunction(fn, "compile.explain", "fn");
  const { backward = false } = checkKeys(options, "compile.explain", ["backward"]);
  const plain = regions.get(fn) ?? fn;
  return (...args) => {
    const region = new CompiledRegion(), forward = region.diary = new Diary();
    const result = within(region.record(), () => plain(...args));
    if (result instanceof Promise) {
      forward.breaks.push("the function is async: what comes after its first await is not compiled");
    }
    if (!backward) return new Explanation(forward, null);
    const back = region.diary = new Diary();
    backwardOf(result);
    return new Explanation(forward, back);
  };
}
