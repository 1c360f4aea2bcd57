/**
 * What all optimizers share: groups of parameters, state, and texts.
 * @module
 */

import { gradientOf } from "../autograd/accumulate.ts";
import { enableGrad, noGrad } from "../autograd/modes.ts";
import { zeroGradOf } from "../nn/parameter.ts";
import { describe } from "../tensor/describe.ts";
import { Tensor } from "../tensor/tensor.ts";
import { pythonScalar } from "../tensor/format.ts";
import { warn } from "../warn.ts";
import { together } from "./fused.ts";

/** Parameters that an optimizer treats alike, with its options. */
export type ParamGroup<O extends object> = O & {
  /** The parameters. */
  params: Tensor[];
};

/** A group as it is given: options that are left out come from the optimizer's own. */
export type GroupOptions<O extends object> = Partial<O> & {
  /** The parameters. */
  readonly params: Tensor | Iterable<Tensor>;
};

/** What an optimizer is made for: parameters, or groups of them. */
export type Params<O extends object> = Iterable<Tensor> | Iterable<GroupOptions<O>>;

/** What an optimizer remembers of a parameter. */
// deno-lint-ignore no-explicit-any
export type ParamState = Record<string, any>;

/** The state of an optimizer as plain data: parameters are named by their place in the order of all groups. */
export interface OptimizerState {
  /** The state of each parameter. */
  state: Record<string, ParamState>;
  /** The options of each group. */
  paramGroups: Record<string, unknown>[];
}

/** Computes the loss again and its gradients, for optimizers that look at several points. */
export type Closure = () => Tensor | number;

/** Options that many optimizers have. */
interface UsualOptions {
  readonly lr?: number;
  readonly eps?: number;
  readonly betas?: readonly number[];
  readonly weightDecay?: number;
  readonly differentiable?: boolean;
}

/** The updates of this folder's optimizers: they keep nothing of a gradient, so that its memory can be given back. */
export const keepNone: WeakSet<object> = new WeakSet();

/** Changes parameters so that a loss becomes smaller. `O` are its options. */
export abstract class Optimizer<O extends object = Record<string, unknown>> {
  /** Options of groups that give none of their own. */
  readonly defaults: Readonly<O>;
  /** The groups. Their options may be changed between steps. */
  readonly paramGroups: ParamGroup<O>[] = [];
  /** What is remembered of each parameter. */
  readonly state: Map<Tensor, ParamState> = new Map();
  /** How often `step` was called. */
  stepsTaken = 0;

  /** For derived classes: parameters or groups, and the options. */
  constructor(params: Params<O>, defaults: O) {
    this.defaults = defaults;
    if (params === undefined || params === null) {
      throw new TypeError(
        `${this.typeName()}() missing 1 required positional argument: 'params'`,
      );
    }
    if (params instanceof Tensor || typeof params !== "object" || !(Symbol.iterator in params)) {
      const kind = params instanceof Tensor ? params.type() : typeof params;
      throw new TypeError(
        `params argument given to the optimizer should be an iterable of Tensors or dicts, but got ${kind}`,
      );
    }
    const list = [...params as Iterable<Tensor | GroupOptions<O>>];
    if (list.length === 0) throw new TypeError("optimizer got an empty parameter list");
    const grouped = typeof list[0] === "object" && list[0] !== null && !(list[0] instanceof Tensor);
    const groups = grouped
      ? list as GroupOptions<O>[]
      : [{ params: list as Tensor[] } as unknown as GroupOptions<O>];
    for (const group of groups) this.addParamGroup(group);
  }

  /** Adds parameters with options of their own. */
  addParamGroup(group: GroupOptions<O>): void {
    if (typeof group !== "object" || group === null || group instanceof Tensor) {
      throw new TypeError(`param_group must be a dict, but got ${describe(group)}`);
    }
    const { params, ...own } = group;
    for (const key of Object.keys(own)) {
      if (!(key in this.defaults)) {
        throw new TypeError(
          `${this.typeName()} has no option ${JSON.stringify(key)}: use ${
            Object.keys(this.defaults).join(", ")
          }`,
        );
      }
    }
    if (typeof params !== "object" || params === null || !(Symbol.iterator in params)) {
      throw new TypeError(`param_group must have 'params', tensors in a list, but got ${describe(params)}`);
    }
    const list = params instanceof Tensor ? [params] : [...params];
    for (const p of list as unknown[]) {
      if (!(p instanceof Tensor)) {
        throw new TypeError(`optimizer can only optimize Tensors, but one of the params is ${typeof p}`);
      }
      if (!p.isLeaf && !p.retainsGrad) throw new TypeError("can't optimize a non-leaf Tensor");
    }
    if (new Set(list).size !== list.length) {
      warn(
        "optimizer contains a parameter group with duplicate parameters; in future, this will cause an error; see " +
          "github.com/pytorch/pytorch/issues/40967 for more information",
      );
    }
    const known = new Set(this.paramGroups.flatMap((g) => g.params));
    if (list.some((p) => known.has(p))) {
      throw new TypeError("some parameters appear in more than one parameter group");
    }
    const options = { ...this.defaults, ...own } as O;
    this.check(options);
    this.paramGroups.push({ params: list, ...options });
  }

  /** Throws for options out of range. Those that many optimizers have are checked here. */
  protected check(options: O): void {
    const o = options as UsualOptions;
    if ("lr" in o) checkNotNegative(o.lr!, "learning rate");
    if ("eps" in o) checkNotNegative(o.eps!, "epsilon value");
    if ("betas" in o) checkBetas(o.betas!);
    if ("weightDecay" in o) checkNotNegative(o.weightDecay!, "weight_decay value");
    if (o.differentiable) {
      throw new TypeError("differentiable: true is not supported: steps are never recorded");
    }
  }

  /** Changes one parameter. Runs without recording. */
  protected abstract update(p: Tensor, grad: Tensor, group: ParamGroup<O>, state: ParamState): void;

  /**
   * Changes all parameters that have a gradient. With a closure, which computes the loss and its gradients, it is called
   * first and its loss is returned.
   */
  step(closure?: Closure): Tensor | number | null {
    const loss = closure === undefined ? null : enableGrad(closure);
    this.stepsTaken++;
    const lets = keepNone.has(this.update);
    noGrad(() =>
      together(() => {
        for (const group of this.paramGroups) {
          for (const p of group.params) {
            const grad = lets ? gradientOf(p) : p.grad;
            if (grad !== null) this.update(p, grad, group, this.stateOf(p));
          }
        }
      })
    );
    return loss;
  }

  /** What is remembered of a parameter. */
  protected stateOf(p: Tensor): ParamState {
    let state = this.state.get(p);
    if (state === undefined) this.state.set(p, state = {});
    return state;
  }

  /** Lets go of the gradients of all parameters, or with `setToNone: false` fills them with zeros. */
  zeroGrad(options: { setToNone?: boolean } = {}): void {
    for (const { params } of this.paramGroups) {
      for (const p of params) zeroGradOf(p, options.setToNone ?? true);
    }
  }

  // ---- state ----------------------------------------------------------------------------------------------------

  /** Options and state as plain data, sharing the state's tensors. */
  stateDict(): OptimizerState {
    const all = this.paramGroups.flatMap((g) => g.params);
    const place = new Map(all.map((p, i) => [p, i]));
    const paramGroups = this.paramGroups.map(({ params, ...options }) => ({
      ...options,
      params: params.map((p) => place.get(p)!),
    }));
    const state: Record<string, ParamState> = {};
    for (const [p, s] of this.state) if (place.has(p)) state[place.get(p)!] = { ...s };
    return { state, paramGroups };
  }

  /** Takes over options and (copies of) state from {@linkcode stateDict}. */
  loadStateDict(dict: OptimizerState): void {
    const groups = dict.paramGroups;
    if (groups.length !== this.paramGroups.length) {
      throw new TypeError("loaded state dict has a different number of parameter groups");
    }
    groups.forEach((group, i) => {
      if ((group.params as number[]).length !== this.paramGroups[i].params.length) {
        throw new TypeError(
          "loaded state dict contains a parameter group that doesn't match the size of optimizer's group",
        );
      }
    });
    const target = new Map<string, Tensor>();
    groups.forEach(({ params }, i) => {
      (params as number[]).forEach((id, k) => target.set(String(id), this.paramGroups[i].params[k]));
    });
    groups.forEach(({ params: _, ...options }, i) => Object.assign(this.paramGroups[i], options));
    this.state.clear();
    for (const [id, entries] of Object.entries(dict.state)) {
      const p = target.get(id);
      if (p === undefined) continue;
      this.state.set(
        p,
        Object.fromEntries(
          Object.entries(entries).map(([k, v]) => [k, v instanceof Tensor ? like(v, p) : structuredClone(v)]),
        ),
      );
    }
  }

  // ---- text -----------------------------------------------------------------------------------------------------

  /** The name of the class, for texts. */
  typeName(): string {
    return this.constructor.name || "Optimizer";
  }

  /** PyTorch's text of an optimizer: the options of all groups, in alphabetical order and PyTorch's spelling. */
  toString(): string {
    const lines = [`${this.typeName()} (`];
    this.paramGroups.forEach((group, i) => {
      lines.push(`Parameter Group ${i}`);
      const named = Object.entries(group).filter(([key]) => key !== "params")
        .map(([key, value]) => [snakeCase(key), value] as const)
        .sort(([a], [b]) => a < b ? -1 : 1);
      for (const [key, value] of named) lines.push(`    ${key}: ${pythonText(value)}`);
    });
    return `${lines.join("\n")}\n)`;
  }

  /** What `console.log` shows. */
  [Symbol.for("Deno.customInspect")](): string {
    return this.toString();
  }
}

/** A copy of a state's tensor, in the dtype and on the device of its parameter. */
function like(value: Tensor, p: Tensor): Tensor {
  const dtype = value.isFloatingPoint() && value.numel() === p.numel() ? p.dtype : value.dtype;
  return value.detach().to({ dtype, device: p.device, copy: true });
}

function snakeCase(key: string): string {
  return key.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`);
}

function pythonText(value: unknown): string {
  if (value === null || value === undefined) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (Array.isArray(value)) return `(${value.map(pythonText).join(", ")})`;
  if (typeof value !== "number") return String(value);
  return Number.isInteger(value) ? String(value) : pythonScalar(value, "float64");
}

// ---- checks of options --------------------------------------------------------------------------------------------

/** Options over their defaults; a TypeError for unknown ones. */
export function optionsOver<O extends object>(defaults: O, options: Partial<O>, caller: string): O {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`${caller}: options must be an object such as { lr: 0.1 }, got ${String(options)}`);
  }
  for (const key of Object.keys(options)) {
    if (!(key in defaults)) {
      throw new TypeError(
        `${caller} has no option ${JSON.stringify(key)}: use ${Object.keys(defaults).join(", ")}`,
      );
    }
  }
  return { ...defaults, ...options };
}

/** Throws unless the value is at least 0. */
export function checkNotNegative(value: number, what: string): void {
  if (!(value >= 0)) throw new RangeError(`Invalid ${what}: ${value}`);
}

/** Throws unless both betas are in [0, 1). */
function checkBetas(betas: readonly number[]): void {
  betas.forEach((beta, i) => {
    if (!(beta >= 0 && beta < 1)) {
      throw new RangeError(`Invalid beta parameter at index ${i}: ${pythonScalar(beta, "float64")}`);
    }
  });
}

/** Zeros in the form of a parameter. */
export function zerosFor(p: Tensor): Tensor {
  return p.newZeros(p.shape);
}

/** Counts a step, and gives the state tensors of zeros before the first one. */
export function nextStep(state: ParamState, p: Tensor, ...zeros: string[]): number {
  state.step = (state.step ?? 0) + 1;
  for (const name of zeros) state[name] ??= zerosFor(p);
  return state.step;
}

/** The gradient as a text: turned round to maximize, and with weight decay that is part of the gradient. */
export function gradientText(maximize: boolean, decay: boolean): string {
  const g = maximize ? "-g" : "g";
  return decay ? `(${g} + w * p)` : `(${g})`;
}
