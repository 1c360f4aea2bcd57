/**
 * Modules that hold modules.
 * @module
 */

import type { Node } from "../autograd/node.ts";
import { owns } from "../autograd/temporaries.ts";
import { recording } from "../tensor/later.ts";
import type { Storage } from "../tensor/storage.ts";
import { Tensor } from "../tensor/tensor.ts";
import { isDiscreet, keepNothing, Module } from "./module.ts";
import { describe, indent } from "./text.ts";

function checkModule(value: unknown): asserts value is Module {
  if (!(value instanceof Module)) throw new TypeError(`${describe(value)} is not a Module subclass`);
}

function checkIterable<T>(value: unknown, owner: Module): Iterable<T> {
  if (typeof value === "object" && value !== null && Symbol.iterator in value) return value as Iterable<T>;
  throw new TypeError(`${owner.typeName()}: expected modules in a list, but got ${describe(value)}`);
}

/** Memory that a module of a Sequential has made for the next one, and the node of what it holds. */
interface Between {
  readonly storage: Storage;
  readonly maker: Node | null;
}

/** Whether a module and those that it runs are discreet. */
function areDiscreet(module: Module): boolean {
  return isDiscreet(module) &&
    (!(module instanceof Sequential) || module.ownModules().every(([, inside]) => areDiscreet(inside)));
}

/** The memory that a discreet module has made, if it can be given back. */
function newMemory(given: unknown, made: unknown): Between | null {
  if (!(made instanceof Tensor) || !(given instanceof Tensor) || recording.now !== null) return null;
  const { storage } = made;
  return storage.pass >= 0 || storage === given.storage ? null : { storage, maker: made.gradFn };
}

/** Gives memory back that the next module is done with: at once, or with what the graph has saved. */
function giveBack({ storage, maker }: Between): void {
  if (!storage.isSaved) storage.releaseUnseen();
  else if (maker !== null) owns(maker, storage);
}

/** What lists of modules share: places "0", "1", ... . */
abstract class IndexedModules extends Module {
  /** The module at a place. */
  [index: number]: Module;

  /** Number of modules. */
  override get length(): number {
    return this.ownModules().length;
  }

  /** The module at a place, which may count from the end. */
  at(index: number): Module {
    const entries = this.ownModules();
    if (!Number.isInteger(index) || index < -entries.length || index >= entries.length) {
      throw new RangeError(`index ${index} is out of range`);
    }
    return entries.at(index)![1];
  }

  /** Adds a module at the end. */
  append(module: Module): this {
    checkModule(module);
    this.registerModule(String(this.length), module);
    return this;
  }

  /** Adds modules at the end. */
  extend(modules: Iterable<Module>): this {
    for (const module of checkIterable<Module>(modules, this)) this.append(module);
    return this;
  }

  /** Adds a module before the one at a place; those behind move on. */
  insert(index: number, module: Module): this {
    checkModule(module);
    const all = this.ownModules().map(([, m]) => m);
    if (!Number.isInteger(index) || index < -all.length || index > all.length) {
      throw new RangeError(`index ${index} is out of range`);
    }
    all.splice(index, 0, module);
    all.forEach((m, i) => this.registerModule(String(i), m));
    return this;
  }

  /** The modules in order. */
  *[Symbol.iterator](): IterableIterator<Module> {
    for (const [, module] of this.ownModules()) yield module;
  }
}

/**
 * Modules one after the other, each fed with the result of the one before. Take parts with `net[0]`, `net.at(-1)`, and
 * `net.slice(1, 3)`; give names with an object: `new Sequential({ hidden: new Linear(2, 8), act: new Tanh() })`.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * const { Linear, ReLU, Sequential } = dg.nn;
 * const net = new Sequential(new Linear(4, 8), new ReLU(), new Linear(8, 1));
 * console.log(net(dg.ones(2, 4)).shape); // [2, 1]
 * ```
 */
export class Sequential extends IndexedModules {
  static {
    keepNothing.add(this.prototype.forward);
  }

  /** The modules in order, or one object of named modules. */
  constructor(...modules: readonly Module[] | readonly [Readonly<Record<string, Module>>]) {
    super();
    const [first] = modules;
    const named = modules.length === 1 && typeof first === "object" && first !== null &&
      Object.getPrototypeOf(first) === Object.prototype;
    const entries = named ? Object.entries(first) : modules.map((m, i) => [String(i), m as Module] as const);
    for (const [name, module] of entries) {
      checkModule(module);
      this.registerModule(name, module);
    }
  }

  /** Runs the modules one after the other. */
  // deno-lint-ignore no-explicit-any
  forward(...inputs: any[]): any {
    const modules = this.ownModules();
    if (modules.length === 0) return inputs[0];
    let discreet = inputs.length === 1 && areDiscreet(modules[0][1]);
    let value = modules[0][1].call(...inputs);
    let between = discreet ? newMemory(inputs[0], value) : null;
    for (let i = 1; i < modules.length; i++) {
      const module = modules[i][1];
      discreet = areDiscreet(module);
      const next = module.call(value);
      if (!discreet) between = null;
      else if (!(next instanceof Tensor) || next.storage !== value.storage) {
        if (between !== null) giveBack(between);
        between = newMemory(value, next);
      }
      value = next;
    }
    return value;
  }

  /** Part of the modules, as another Sequential that shares them; places may count from the end. */
  slice(start?: number, end?: number): Sequential {
    const entries = this.ownModules().slice(start, end);
    const numbered = entries.every(([name]) => /^\d+$/.test(name));
    return numbered
      ? new Sequential(...entries.map(([, m]) => m))
      : new Sequential(Object.fromEntries(entries));
  }
}

/** A list of modules, whose parameters belong to the module that holds it. */
export class ModuleList extends IndexedModules {
  /** The modules in order. */
  constructor(modules: Iterable<Module> = []) {
    super();
    this.extend(modules);
  }

  /** A list computes nothing. */
  forward(): never {
    throw new TypeError('Module [ModuleList] is missing the required "forward" function');
  }

  /** PyTorch's text: equal modules that follow each other are written once. */
  override toString(): string {
    const texts = [...this].map(String);
    if (texts.length === 0) return "ModuleList()";
    const lines: string[] = [];
    for (let start = 0, end = 0; start < texts.length; start = end) {
      end = start + 1;
      while (end < texts.length && texts[end] === texts[start]) end++;
      const place = end - start === 1 ? `(${start}): ` : `(${start}-${end - 1}): ${end - start} x `;
      lines.push(indent(place + texts[start]));
    }
    return `ModuleList(\n  ${lines.join("\n  ")}\n)`;
  }
}

/** Modules by name, whose parameters belong to the module that holds it. */
export class ModuleDict extends Module {
  /** The modules by name. */
  constructor(modules: Readonly<Record<string, Module>> | Iterable<readonly [string, Module]> = {}) {
    super();
    this.update(modules);
  }

  /** A dictionary computes nothing. */
  forward(): never {
    throw new TypeError('Module [ModuleDict] is missing the required "forward" function');
  }

  /** Number of modules. */
  override get length(): number {
    return this.ownModules().length;
  }

  /** Whether there is a module of this name. */
  has(name: string): boolean {
    return this.ownModules().some(([n]) => n === name);
  }

  /** The module of this name; RangeError if there is none. */
  item(name: string): Module {
    const found = this.ownModules().find(([n]) => n === name);
    if (found === undefined) throw new RangeError(`ModuleDict has no module '${name}'`);
    return found[1];
  }

  /** Adds a module or puts it in the place of another. */
  set(name: string, module: Module): this {
    checkModule(module);
    this.registerModule(name, module);
    return this;
  }

  /** Adds modules or puts them in the place of others. */
  update(modules: Readonly<Record<string, Module>> | Iterable<readonly [string, Module]>): this {
    const named = typeof modules === "object" && modules !== null && !(Symbol.iterator in modules);
    const entries = named
      ? Object.entries(modules)
      : [...checkIterable<readonly [string, Module]>(modules, this)];
    for (const entry of entries) {
      if (!Array.isArray(entry) || entry.length !== 2 || typeof entry[0] !== "string") {
        throw new TypeError(
          `${this.typeName()}: expected pairs of a name and a module, but got ${describe(entry)}`,
        );
      }
      this.set(entry[0], entry[1]);
    }
    return this;
  }

  /** Takes a module out and returns it. */
  pop(name: string): Module {
    const module = this.item(name);
    delete (this as unknown as Record<string, Module>)[name];
    return module;
  }

  /** The names. */
  keys(): string[] {
    return this.ownModules().map(([name]) => name);
  }

  /** The modules. */
  values(): Module[] {
    return this.ownModules().map(([, module]) => module);
  }

  /** Names with modules. */
  items(): [string, Module][] {
    return this.ownModules();
  }

  /** The names in order, as PyTorch's `for name in modules`. */
  *[Symbol.iterator](): IterableIterator<string> {
    yield* this.keys();
  }
}

/** Passes its input on. Takes, and ignores, any arguments. */
export class Identity extends Module {
  /** Any arguments are allowed, so that it can stand in for another module. */
  constructor(..._ignored: readonly unknown[]) {
    super();
  }

  /** The input. */
  forward(input: Tensor): Tensor {
    return input;
  }
}
