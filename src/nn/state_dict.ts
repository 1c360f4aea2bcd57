/**
 * The state of modules as dictionaries of tensors.
 * @module
 */

import { noGrad } from "../autograd/modes.ts";
import { sameShape, shapeText } from "../tensor/shape.ts";
import { Tensor } from "../tensor/tensor.ts";
import type { Module } from "./module.ts";

/** Options of `loadStateDict`. */
export interface LoadOptions {
  /** Whether the names on both sides must be the same; true. */
  readonly strict?: boolean;
}

/** What `loadStateDict` found on one side only. */
export class IncompatibleKeys {
  /** Names that the module has and the dictionary has not. */
  readonly missingKeys: readonly string[];
  /** Names that the dictionary has and the module has not. */
  readonly unexpectedKeys: readonly string[];

  /** For the inside of the house. */
  constructor(missing: readonly string[], unexpected: readonly string[]) {
    this.missingKeys = missing;
    this.unexpectedKeys = unexpected;
  }

  /** PyTorch's text. */
  toString(): string {
    if (this.missingKeys.length === 0 && this.unexpectedKeys.length === 0) {
      return "<All keys matched successfully>";
    }
    const list = (keys: readonly string[]) => `[${keys.map((k) => `'${k}'`).join(", ")}]`;
    return `_IncompatibleKeys(missing_keys=${list(this.missingKeys)}, unexpected_keys=${
      list(this.unexpectedKeys)
    })`;
  }

  /** What `console.log` shows. */
  [Symbol.for("Deno.customInspect")](): string {
    return this.toString();
  }
}

/** Every parameter and persistent buffer under every path that leads to it. */
function entriesOf(module: Module, prefix: string): [string, Tensor][] {
  return [
    ...[...module.ownParameters(), ...module.ownBuffers(true)].map(([name, t]): [string, Tensor] => [
      prefix + name,
      t,
    ]),
    ...module.ownModules().flatMap(([name, child]) => entriesOf(child, `${prefix}${name}.`)),
  ];
}

/** Parameters and persistent buffers by path, detached. */
export function stateDictOf(module: Module, prefix: string): Record<string, Tensor> {
  return Object.fromEntries(entriesOf(module, prefix).map(([name, t]) => [name, t.detach()]));
}

/** Copies a dictionary's values into a module, all or nothing. */
export function loadStateDict(
  module: Module,
  dict: Readonly<Record<string, Tensor>>,
  options: LoadOptions,
): IncompatibleKeys {
  if (dict === null || typeof dict !== "object" || dict instanceof Tensor) {
    throw new TypeError(`Expected state_dict to be dict-like, got ${typeof dict}.`);
  }
  const own = new Map(entriesOf(module, ""));
  const missing = [...own.keys()].filter((name) => !Object.hasOwn(dict, name));
  const unexpected = Object.keys(dict).filter((name) => !own.has(name));
  const errors: string[] = [];
  const list = (keys: readonly string[]) => keys.map((k) => `"${k}"`).join(", ");
  if (options.strict ?? true) {
    if (missing.length > 0) errors.push(`Missing key(s) in state_dict: ${list(missing)}. `);
    if (unexpected.length > 0) errors.push(`Unexpected key(s) in state_dict: ${list(unexpected)}. `);
  }
  for (const [name, target] of own) {
    if (!Object.hasOwn(dict, name)) continue;
    const source: unknown = dict[name];
    if (!(source instanceof Tensor)) {
      errors.push(
        `While copying the parameter named "${name}", expected a tensor but received ${typeof source}`,
      );
    } else if (!sameShape(source.shape, target.shape)) {
      errors.push(
        `size mismatch for ${name}: copying a param with shape torch.Size(${
          shapeText(source.shape)
        }) from checkpoint, ` +
          `the shape in current model is torch.Size(${shapeText(target.shape)}).`,
      );
    }
  }
  if (errors.length > 0) {
    throw new TypeError(`Error(s) in loading state_dict for ${module.typeName()}:\n\t${errors.join("\n\t")}`);
  }
  noGrad(() => {
    for (const [name, target] of own) if (Object.hasOwn(dict, name)) target.copy_(dict[name]);
  });
  return new IncompatibleKeys(missing, unexpected);
}
