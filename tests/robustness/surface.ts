/** Everything that users can call, found by walking what the package exports. */
import * as dg from "../../mod.ts";

/** A function, a constructor, a method or a setter that takes arguments of any kind. */
export interface Entry {
  /** Where it is: `sum`, `nn.Linear`, `Tensor.reshape`. */
  readonly name: string;
  /** Calls it. A method is called on `self`. */
  readonly call: (self: dg.Tensor, args: readonly unknown[]) => unknown;
  /** Whether `self` is used. */
  readonly method: boolean;
}

type Callable = (...args: readonly unknown[]) => unknown;

function isClass(value: unknown): value is new (...args: readonly unknown[]) => unknown {
  return typeof value === "function" && /^class\b/.test(Function.prototype.toString.call(value));
}

function isNamespace(value: unknown): value is Record<string, unknown> {
  return Object.prototype.toString.call(value) === "[object Module]";
}

function* exportsOf(space: Record<string, unknown>, place: string): Generator<Entry> {
  for (const [key, value] of Object.entries(space)) {
    const name = place + key;
    if (isNamespace(value)) yield* exportsOf(value, `${name}.`);
    else if (isClass(value)) yield { name, method: false, call: (_, args) => new value(...args) };
    else if (typeof value === "function") {
      const f = value as Callable;
      yield { name, method: false, call: (_, args) => f(...args) };
    }
  }
}

function* methods(): Generator<Entry> {
  for (const [key, { value, set }] of Object.entries(Object.getOwnPropertyDescriptors(dg.Tensor.prototype))) {
    if (key === "constructor") continue;
    const name = `Tensor.${key}`;
    if (typeof value === "function") {
      yield { name, method: true, call: (self, args) => (value as Callable).apply(self, [...args]) };
    } else if (set !== undefined) {
      yield { name: `${name} = value`, method: true, call: (self, args) => set.call(self, args[0]) };
    }
  }
}

/** All of it. */
export function surface(): Entry[] {
  return [...exportsOf(dg as unknown as Record<string, unknown>, ""), ...methods()];
}
