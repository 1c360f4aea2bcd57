/**
 * Modules: the parts that networks are made of.
 * @module
 */

import type { HookHandle } from "../autograd/methods.ts";
import { checkDevice, type Device, noCuda } from "../tensor/device.ts";
import { checkDType, type DType, dtypes, isFloatingPoint } from "../tensor/dtype.ts";
import { Tensor } from "../tensor/tensor.ts";
import { withBackwardHooks } from "./backward_hooks.ts";
import { Parameter, zeroGradOf } from "./parameter.ts";
import { block, describe, indent } from "./text.ts";
import { type IncompatibleKeys, type LoadOptions, loadStateDict, stateDictOf } from "./state_dict.ts";

/** Called before `forward` with the inputs; what it returns, if anything, is used in their place. */
export type ForwardPreHook = (module: Module, inputs: readonly unknown[]) => unknown;

/** Called after `forward`; what it returns, if anything, is used in place of the output. */
export type ForwardHook = (module: Module, inputs: readonly unknown[], output: unknown) => unknown;

/** Called with the gradients of the inputs and outputs; may return others for the inputs. */
export type BackwardHook = (
  module: Module,
  gradInput: readonly (Tensor | null)[],
  gradOutput: readonly (Tensor | null)[],
) => readonly (Tensor | null)[] | Tensor | null | undefined | void;

/** What a module knows of itself beside its fields. */
interface State {
  /** Parameters set by `registerParameter`, behind fields that refuse anything else. */
  readonly parameters: Map<string, Parameter | null>;
  /** Names of buffers, and whether the state dictionary has them. */
  readonly buffers: Map<string, boolean>;
  /** Fields that were seen to hold a parameter. */
  readonly seen: Set<string>;
  pre: ForwardPreHook[];
  post: ForwardHook[];
  backward: BackwardHook[];
}

/** Kept apart, so that a module's own fields are its user's alone. */
const states = new WeakMap<Module, State>();

/** The `forward`s of modules that keep nothing of what they are given and what they give, but for the nodes of the graph. */
export const keepNothing: WeakSet<object> = new WeakSet();

/** Whether nobody comes by what a module is given and what it gives, when it is called, but for the caller and the graph. */
export function isDiscreet(module: Module): boolean {
  if (!keepNothing.has(module.forward) || module.call !== Module.prototype.call) return false;
  const { pre, post, backward } = stateOf(module);
  return pre.length === 0 && post.length === 0 && backward.length === 0;
}

function stateOf(module: Module): State {
  return states.get(module)!;
}

/** The call signature: `model(x)` takes what `forward` takes and gives what it gives. */
export interface Module {
  /** Runs the module: hooks, and `forward` between them. */
  (...inputs: Parameters<this["forward"]>): ReturnType<this["forward"]>;
}

/**
 * A part of a network: parameters, further modules, and `forward`, which computes with them.
 *
 * Extend it with a class. Fields that hold a {@linkcode Parameter} or a module belong to it without further ado; plain
 * tensors do not, use `registerBuffer` for those that belong to its state. An instance is a function: `model(x)` (or
 * `model.call(x)`) runs hooks and `forward`.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * class Net extends dg.nn.Module {
 *   hidden = new dg.nn.Linear(4, 8);
 *   out = new dg.nn.Linear(8, 1);
 *   forward(x: dg.Tensor): dg.Tensor {
 *     return this.out(this.hidden(x).relu());
 *   }
 * }
 * const net = new Net();
 * net(dg.randn(2, 4)).sum().backward();
 * ```
 */
export abstract class Module {
  /** Whether the module is being trained: dropout and its like do nothing otherwise. Set by `train()` and `eval()`. */
  declare training: boolean;

  /** Makes the instance, which is a function under this class: `this` in the constructors of derived classes. */
  constructor() {
    // The instance has to be a function to be callable. Its own properties make way, so that fields may have their names.
    const self = ((...inputs: unknown[]) => self.call(...inputs)) as unknown as Module;
    Object.setPrototypeOf(self, new.target.prototype);
    delete (self as { name?: unknown }).name;
    delete (self as { length?: unknown }).length;
    self.training = true;
    states.set(self, {
      parameters: new Map(),
      buffers: new Map(),
      seen: new Set(),
      pre: [],
      post: [],
      backward: [],
    });
    return self as this;
  }

  /** What the module computes. Call the module, not this: hooks run only then. */
  // deno-lint-ignore no-explicit-any
  abstract forward(...inputs: any[]): any;

  /** Runs the module: hooks, and `forward` between them. The same as calling the instance itself. */
  // deno-lint-ignore no-explicit-any
  call(...inputs: any[]): any {
    if (typeof this.forward !== "function") {
      throw new TypeError(`Module [${this.typeName()}] is missing the required "forward" function`);
    }
    const { pre, post, backward } = stateOf(this);
    if (pre.length === 0 && post.length === 0 && backward.length === 0) return this.forward(...inputs);
    let given: unknown[] = inputs;
    for (const hook of pre) {
      const result = hook(this, given);
      if (result !== undefined && result !== null) given = Array.isArray(result) ? result : [result];
    }
    let output = backward.length === 0
      ? this.forward(...given)
      : withBackwardHooks(this, backward, given, (wrapped) => this.forward(...wrapped));
    for (const hook of post) output = hook(this, given, output) ?? output;
    return output;
  }

  // ---- what belongs to the module -------------------------------------------------------------------------------

  /** Adds a parameter, or a name that may hold one. The field then refuses anything else. */
  registerParameter(name: string, parameter: Parameter | null): void {
    checkName("parameter", name);
    const { parameters } = stateOf(this);
    if (name in this && !parameters.has(name)) throw new TypeError(`attribute '${name}' already exists`);
    this.checkParameter(name, parameter);
    parameters.set(name, parameter);
    Object.defineProperty(this, name, {
      configurable: true,
      enumerable: true,
      get: () => parameters.get(name),
      set: (value: Parameter | null) => {
        this.checkParameter(name, value);
        parameters.set(name, value);
      },
    });
  }

  private checkParameter(name: string, value: unknown): void {
    if (value === null || value instanceof Parameter) return;
    const kind = value instanceof Tensor ? value.type() : typeof value;
    throw new TypeError(`cannot assign '${kind}' as parameter '${name}' (nn.Parameter or null expected)`);
  }

  /**
   * Adds a tensor that is part of the module's state but not learnt; it moves with `to` and, unless `persistent` is false,
   * is in the state dictionary. Returns it, so that a field can be set: `mean = this.registerBuffer("mean", zeros(3))`.
   */
  registerBuffer<T extends Tensor | null>(
    name: string,
    tensor: T,
    options: { persistent?: boolean } = {},
  ): T {
    checkName("buffer", name);
    const { buffers } = stateOf(this);
    if (name in this && !buffers.has(name)) throw new TypeError(`attribute '${name}' already exists`);
    if (tensor !== null && !(tensor instanceof Tensor)) {
      throw new TypeError(
        `cannot assign '${typeof tensor}' object to buffer '${name}' (Tensor or null required)`,
      );
    }
    buffers.set(name, options.persistent ?? true);
    this.field(name, tensor);
    return tensor;
  }

  /** Adds a module under a name; the same as setting the field. */
  registerModule(name: string, module: Module | null): void {
    checkName("module", name);
    if (module !== null && !(module instanceof Module)) {
      throw new TypeError(`${describe(module)} is not a Module subclass`);
    }
    if (name in this && !(this.get(name) instanceof Module)) {
      throw new TypeError(`attribute '${name}' already exists`);
    }
    this.field(name, module);
  }

  /** PyTorch's other name of {@linkcode registerModule}. */
  addModule(name: string, module: Module | null): void {
    this.registerModule(name, module);
  }

  private field(name: string, value: unknown): void {
    Object.defineProperty(this, name, { value, writable: true, enumerable: true, configurable: true });
  }

  private get(name: string): unknown {
    return (this as unknown as Record<string, unknown>)[name];
  }

  /** This module's own parameters, by field. For the inside of the house; see `namedParameters`. */
  ownParameters(): [string, Parameter][] {
    const { seen } = stateOf(this);
    const found: [string, Parameter][] = [];
    for (const name of Object.keys(this)) {
      const value = this.get(name);
      if (value instanceof Parameter) {
        seen.add(name);
        found.push([name, value]);
      } else if (seen.has(name) && value !== null && value !== undefined) this.checkParameter(name, value);
    }
    return found;
  }

  /** This module's own buffers. For the inside of the house; see `namedBuffers`. */
  ownBuffers(persistentOnly = false): [string, Tensor][] {
    const found: [string, Tensor][] = [];
    for (const [name, persistent] of stateOf(this).buffers) {
      const value = this.get(name);
      if (value instanceof Tensor && (persistent || !persistentOnly)) found.push([name, value]);
    }
    return found;
  }

  /** This module's own modules, by field, repeated ones too. For the inside of the house; see `namedChildren`. */
  ownModules(): [string, Module][] {
    return Object.keys(this).map((name) => [name, this.get(name)] as const)
      .filter((entry): entry is [string, Module] => entry[1] instanceof Module);
  }

  /** The modules directly in this one, each once. */
  children(): Module[] {
    return this.namedChildren().map(([, module]) => module);
  }

  /** The modules directly in this one with their names, each once. */
  namedChildren(): [string, Module][] {
    const seen = new Set<Module>();
    return this.ownModules().filter(([, m]) => !seen.has(m) && seen.add(m));
  }

  /** This module and all in it, each once. */
  modules(): Module[] {
    return this.namedModules().map(([, module]) => module);
  }

  /** This module, named "", and all in it with their paths, each once. */
  namedModules(): [string, Module][] {
    const found: [string, Module][] = [], seen = new Set<Module>();
    const visit = (module: Module, path: string) => {
      if (seen.has(module)) return;
      seen.add(module);
      found.push([path, module]);
      for (const [name, child] of module.ownModules()) visit(child, path === "" ? name : `${path}.${name}`);
    };
    visit(this, "");
    return found;
  }

  /** All parameters, each once; without those of modules inside if `recurse` is false. */
  parameters(options: { recurse?: boolean } = {}): Parameter[] {
    return this.namedParameters(options).map(([, parameter]) => parameter);
  }

  /** All parameters with their paths, each once. */
  namedParameters(options: { recurse?: boolean } = {}): [string, Parameter][] {
    return this.gather(options.recurse ?? true, (module) => module.ownParameters());
  }

  /** All buffers, each once. */
  buffers(options: { recurse?: boolean } = {}): Tensor[] {
    return this.namedBuffers(options).map(([, buffer]) => buffer);
  }

  /** All buffers with their paths, each once. */
  namedBuffers(options: { recurse?: boolean } = {}): [string, Tensor][] {
    return this.gather(options.recurse ?? true, (module) => module.ownBuffers());
  }

  private gather<T>(recurse: boolean, own: (module: Module) => [string, T][]): [string, T][] {
    const seen = new Set<T>(), found: [string, T][] = [];
    for (const [path, module] of recurse ? this.namedModules() : [["", this] as [string, Module]]) {
      for (const [name, value] of own(module)) {
        if (seen.has(value)) continue;
        seen.add(value);
        found.push([path === "" ? name : `${path}.${name}`, value]);
      }
    }
    return found;
  }

  /** The module at a path such as "encoder.0"; "" is this one. */
  getSubmodule(path: string): Module {
    const step = (from: Module, name: string): Module => {
      const next = from.get(name);
      if (next instanceof Module) return next;
      throw new TypeError(
        `${from.typeName()} has no attribute \`${name}\` that is a module, looking for "${path}"`,
      );
    };
    return path === "" ? this : path.split(".").reduce(step, this as Module);
  }

  // ---- changing all at once -------------------------------------------------------------------------------------

  /** Calls a function with every module inside, and at last with this one. */
  apply(fn: (module: Module) => void): this {
    for (const child of this.children()) child.apply(fn);
    fn(this);
    return this;
  }

  /** Sets `training` in this module and all in it. */
  train(mode = true): this {
    if (typeof mode !== "boolean") throw new TypeError("training mode is expected to be boolean");
    this.training = mode;
    for (const child of this.children()) child.train(mode);
    return this;
  }

  /** Sets `training` to false in this module and all in it. */
  eval(): this {
    return this.train(false);
  }

  /** Lets go of the gradients of all parameters, or with `setToNone: false` fills them with zeros. */
  zeroGrad(options: { setToNone?: boolean } = {}): void {
    for (const p of this.parameters()) zeroGradOf(p, options.setToNone ?? true);
  }

  /** Whether gradients of the parameters are wanted: `requiresGrad_(false)` freezes a module. */
  requiresGrad_(value = true): this {
    for (const p of this.parameters()) p.requiresGrad_(value);
    return this;
  }

  /**
   * Brings parameters and buffers to another device, and those of floats to another dtype, in place: parameters stay the
   * objects that they are, so that an optimizer goes on with them. Takes a device, a dtype, a device and a dtype, or options.
   */
  to(target: DType | Device | Tensor | { dtype?: DType; device?: Device }, as?: DType): this {
    let dtype = as, device: Device | undefined;
    if (typeof target === "object") ({ dtype = as, device } = target);
    else if ((dtypes as readonly string[]).includes(target)) dtype = target as DType;
    else device = checkDevice(target);
    if (device !== undefined) checkDevice(device);
    if (dtype === undefined) return device === undefined ? this : this.convert((t) => t.to(device));
    if (!isFloatingPoint(checkDType(dtype))) {
      throw new TypeError(
        `nn.Module.to only accepts floating point or complex dtypes, but got desired dtype=${dtype}`,
      );
    }
    return this.convert((t) =>
      t.to({ dtype: isFloatingPoint(t.dtype) ? dtype : t.dtype, device: device ?? t.device })
    );
  }

  /** Parameters and buffers brought to the CPU, in place. */
  cpu(): this {
    return this.to("cpu");
  }

  /** Throws a TypeError: there is no CUDA in Deno. The GPU is `to("webgpu")`. */
  cuda(): never {
    throw noCuda();
  }

  /** Floating-point parameters and buffers as float32, in place. */
  float(): this {
    return this.to("float32");
  }

  /** Floating-point parameters and buffers as float64, in place. */
  double(): this {
    return this.to("float64");
  }

  /** Floating-point parameters and buffers as float16, in place. */
  half(): this {
    return this.to("float16");
  }

  private convert(change: (t: Tensor) => Tensor): this {
    for (const module of this.modules()) {
      for (const [, p] of module.ownParameters()) {
        const grad = p.grad;
        p.data = change(p.detach());
        p.grad = grad === null ? null : change(grad);
      }
      for (const [name, buffer] of module.ownBuffers()) module.field(name, change(buffer));
    }
    return this;
  }

  // ---- state ----------------------------------------------------------------------------------------------------

  /** Parameters and persistent buffers by path, detached, sharing memory with the module. */
  stateDict(options: { prefix?: string } = {}): Record<string, Tensor> {
    return stateDictOf(this, options.prefix ?? "");
  }

  /**
   * Copies values from a dictionary into the parameters and buffers. With `strict` (the default) the names must be the same
   * on both sides. Nothing is changed if anything does not fit.
   */
  loadStateDict(dict: Readonly<Record<string, Tensor>>, options: LoadOptions = {}): IncompatibleKeys {
    return loadStateDict(this, dict, options);
  }

  /** Runs `fn` while some parameters and buffers, named by path, are other tensors. See `nn.functionalCall`. */
  withTensors<T>(tensors: Readonly<Record<string, Tensor>>, fn: () => T): T {
    if (typeof tensors !== "object" || tensors === null) {
      throw new TypeError(`${this.typeName()}: expected tensors by name, but got ${describe(tensors)}`);
    }
    const undo: (() => void)[] = [];
    try {
      for (const [path, tensor] of Object.entries(tensors)) {
        const dot = path.lastIndexOf("."), name = path.slice(dot + 1);
        const owner = this.getSubmodule(dot < 0 ? "" : path.slice(0, dot));
        if (!(name in owner)) throw new TypeError(`${owner.typeName()} has no parameter or buffer '${name}'`);
        const before = Object.getOwnPropertyDescriptor(owner, name)!;
        undo.push(() => void Object.defineProperty(owner, name, before));
        owner.field(name, tensor);
      }
      return fn();
    } finally {
      for (const restore of undo.reverse()) restore();
    }
  }

  // ---- hooks ----------------------------------------------------------------------------------------------------

  /** Calls a function before `forward`. */
  registerForwardPreHook(hook: ForwardPreHook): HookHandle {
    return attach(stateOf(this), "pre", hook);
  }

  /** Calls a function after `forward`. */
  registerForwardHook(hook: ForwardHook): HookHandle {
    return attach(stateOf(this), "post", hook);
  }

  /** Calls a function when the gradients of the inputs have been computed. */
  registerFullBackwardHook(hook: BackwardHook): HookHandle {
    return attach(stateOf(this), "backward", hook);
  }

  // ---- text -----------------------------------------------------------------------------------------------------

  /** The name of the class, for texts. */
  typeName(): string {
    return this.constructor.name || "Module";
  }

  /** What stands between the brackets of the module's text, in PyTorch's spelling. To be overridden. */
  extraRepr(): string {
    return "";
  }

  /** PyTorch's text of a module and all in it. */
  toString(): string {
    const extra = this.extraRepr();
    const extraLines = extra === "" ? [] : extra.split("\n");
    const children = this.ownModules().map(([name, child]) => `(${name}): ${indent(child.toString())}`);
    return block(this.typeName(), extraLines, children);
  }

  /** What `console.log` shows. */
  [Symbol.for("Deno.customInspect")](): string {
    return this.toString();
  }

  /** What Node's `util.inspect` shows. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }
}

function attach<K extends "pre" | "post" | "backward">(
  state: State,
  kind: K,
  hook: State[K][number],
): HookHandle {
  if (typeof hook !== "function") throw new TypeError(`a hook must be a function, got ${typeof hook}`);
  const list = state[kind] as State[K][number][];
  list.push(hook);
  return {
    remove() {
      const at = list.indexOf(hook);
      if (at >= 0) list.splice(at, 1);
    },
  };
}

function checkName(kind: string, name: unknown): void {
  if (typeof name !== "string") throw new TypeError(`${kind} name should be a string. Got ${typeof name}`);
  if (name.includes(".")) throw new TypeError(`${kind} name can't contain "."`);
  if (name === "") throw new TypeError(`${kind} name can't be empty string ""`);
}
